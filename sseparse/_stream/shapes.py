# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""Decoding what looks like an earlier payload, for a fraction of what decoding JSON takes.

This is ordinary Python, and runs as such. Where there is a compiler Cython compiles it as it
stands, with the types in ``shapes.pxd``, and the extension takes its place.

Theory of operation
-------------------
What a shape is, and how it is proven, is in ``shape.py``. A program that reads many streams meets
the same few again and again: those of another stream of the same server differ in its ID and its
time. So shapes are known to all streams of an API (``Known``), and learned once: nearly all
payloads, the first and the last of a stream too, have the shape of some earlier one's.

How payloads are looked up. All that can have a shape in common have the same *skeleton*: their
keys, punctuation and types. A hash of it finds the few shapes, and payloads that may suggest one,
that a payload has to be compared with. Where the hash misleads, they do not match. What the last
few payloads of a stream matched is tried before that.

What it costs where it does not pay. Streams whose payloads match nothing look ever more rarely;
what could not be proven a few times is tried no more.

Threads share what is known. Nothing in a known shape changes but what learning looks at, and which
of its values have varied; learning is done by one thread at a time, and who finds another at it
goes without. Old and new are two dicts: when the new is full it becomes the old, and what was only
in that is forgotten.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from . import native
from .shape import MOST_HOLES, Shape, Values

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

__all__ = ["Known", "Met", "Shapes", "known_to"]

# Of each stream.
_MOST_MET = 32
_MOST_RECENT = 4
# Payloads in a row that match nothing before not every one is looked at.
_PATIENCE = 8

# Of each skeleton.
_MOST_SHAPES = 8
_MOST_CANDIDATES = 8  # payloads that matched no shape and may suggest one
_MOST_FAILURES = 8  # of proofs

_LONGEST_PAYLOAD = 32 * 1024  # bytes
# Payloads that are kept for all streams of an API, in each of the two dicts.
_MOST_BYTES = 1024 * 1024


class Kin:
    """What is known of payloads with one skeleton.

    Attributes:
        shapes: those that are proven.
        candidates: payloads, as shapes without holes, that may suggest more.
        refused: keys of values that are no holes.
        failures: how many proofs have failed.
    """

    def __init__(self) -> None:
        self.shapes: tuple[Shape, ...] = ()
        self.candidates: tuple[Shape, ...] = ()
        self.refused: set[bytes] = set()
        self.failures = 0

    def size(self) -> int:
        return sum([len(shape.payload) for shape in self.shapes + self.candidates])


class Known:
    """The shapes known to all streams whose payloads are decoded in the same way.

    Args:
        deciding: keys whose values decide what the decoder makes of a payload, or where what it
            brings belongs.
    """

    def __init__(self, deciding: Collection[bytes] = ()) -> None:
        self._deciding = frozenset(deciding)
        self._new: dict[int, Kin] = {}
        self._old: dict[int, Kin] = {}
        self._size = 0  # of the new, in bytes
        self._lock = threading.Lock()

    def shapes_like(self, payload: bytes) -> tuple[Shape, ...]:
        """The shapes that a payload may have, by its skeleton."""
        if len(payload) > _LONGEST_PAYLOAD:
            return ()
        kin = self._find(native.skeleton_of(payload))
        return () if kin is None else kin.shapes

    def learn(self, payload: bytes, decode: Any) -> None:
        """Take note of a payload that matched no shape.

        Args:
            payload: it can be decoded.
            decode: makes an object of a payload, the same of the same payload every time; raises
                an SSEError where it cannot.
        """
        if len(payload) > _LONGEST_PAYLOAD or not self._lock.acquire(False):
            return
        try:
            self._learn(payload, decode)
        finally:
            self._lock.release()

    def _find(self, skeleton: int) -> Kin | None:
        kin = self._new.get(skeleton)
        if kin is None:
            kin = self._old.get(skeleton)
            if kin is not None:
                self._keep(skeleton, kin, kin.size())
        return kin

    def _keep(self, skeleton: int, kin: Kin, size: int) -> None:
        if self._size + size > _MOST_BYTES:
            self._old, self._new, self._size = self._new, {}, 0
        self._new[skeleton] = kin
        self._size += size

    def _learn(self, payload: bytes, decode: Any) -> None:
        skeleton = native.skeleton_of(payload)
        kin = self._find(skeleton)
        if kin is None:
            kin = Kin()
        elif kin.failures == _MOST_FAILURES:
            return
        for shape in kin.shapes + kin.candidates:
            spans = shape.differences(payload)
            if spans is None or not shape.refused.isdisjoint(spans):
                continue
            if shape.spans and set(spans) <= set(shape.spans):
                return  # a hole takes no such value: half a character, or too large an integer
            if self._decides(kin, shape, spans):
                continue
            if self._widen(kin, shape, spans, decode) or kin.failures == _MOST_FAILURES:
                return
        kin.candidates = (Shape(payload, []), *kin.candidates)[:_MOST_CANDIDATES]
        self._keep(skeleton, kin, len(payload))

    def _decides(self, kin: Kin, shape: Shape, spans: list[Any]) -> bool:
        """Whether a value is under a key that no hole may be under, going by its name."""
        keys = [shape.key_of(span) for span in spans]
        return not (self._deciding.isdisjoint(keys) and kin.refused.isdisjoint(keys))

    def _widen(self, kin: Kin, shape: Shape, spans: list[Any], decode: Any) -> bool:
        """Know what a shape is with more holes; False where it is none."""
        wider = Shape(shape.payload, sorted({*spans, *shape.spans}))
        varied = shape.varied.copy()  # streams of other threads may add to it
        wider.varied.update([wider.spans.index(shape.spans[number]) for number in varied])
        if len(wider.spans) > MOST_HOLES:
            return False
        if not wider.prove(decode):
            kin.failures += 1
            shape.refused.update(wider.refused or spans)
            kin.refused.update([shape.key_of(span) for span in wider.refused])
            return False
        kin.candidates = tuple([each for each in kin.candidates if each is not shape])
        kin.shapes = (wider, *[each for each in kin.shapes if each is not shape])[:_MOST_SHAPES]
        return True


# What is known, by what tells decoders apart.
KNOWN: dict[Hashable, Known] = {}


def known_to(variant: Hashable, deciding: Collection[bytes]) -> Known:
    """What is known to all streams of an API, and decoded in the same way."""
    found = KNOWN.get(variant)
    if found is None:
        found = KNOWN.setdefault(variant, Known(deciding))
    return found


class Met:
    """A shape as one stream has met it.

    Attributes:
        shape: that one.
        values: those of the stream's payloads.
        run: the reader's: how its objects are folded, as long as nothing varies that did not; None
            where they are folded one by one.
        was_asked: the reader's: whether a run was asked for since something new varies.
        folded: the reader's: how many objects were folded one by one.
    """

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.values = Values(shape, shape.varied)
        self.run: Any = None
        self.was_asked = False
        self.folded = 0
        self._varied = len(self.values.varying)  # when it matched last
        # What ``number_of`` and ``holes_that`` were asked for last, and the answers.
        self._function: Any = None
        self._number = 0
        self._predicate: Any = None
        self._holes: Any = None

    def match(self, payload: bytes) -> bool:
        """Whether a payload has this shape."""
        if not self.shape.match(payload, self.values):
            return False
        varied = len(self.values.varying)
        if varied != self._varied:
            self._varied = varied
            self.run = None
            self.was_asked = False
        return True

    def make(self, payload: bytes) -> Any:
        """The object of the payload that matched last."""
        return self.shape.make(self.values.items, payload)

    def number_of(self, function: Any) -> int:
        """See ``Shape.number_of``."""
        if function is not self._function:
            self._function = function
            self._number = self.shape.number_of(function)
        return self._number

    def holes_that(self, predicate: Any) -> Any:
        """See ``Shape.holes_that``."""
        if predicate is not self._predicate:
            self._predicate = predicate
            self._holes = self.shape.holes_that(predicate)
        return self._holes


class Shapes:
    """The shapes of one stream.

    Args:
        decode: makes an object of a payload, the same of the same payload every time; raises an
            SSEError where it cannot.
        known: to all streams whose payloads are decoded so.
    """

    def __init__(self, decode: Any, known: Known) -> None:
        self._decode = decode
        self._known = known
        self._met: dict[Shape, Met] = {}
        self._recent: list[Met] = []  # the one that matched last is first
        self._fruitless = 0  # payloads in a row

    def match(self, payload: bytes) -> Met | None:
        """The shape of a payload, as it is met; None where none is known."""
        for position in range(len(self._recent)):
            met = self._recent[position]
            if met.match(payload):
                if position > 0:
                    del self._recent[position]
                    self._recent.insert(0, met)
                return met
        if not self._is_patient():
            return None
        for shape in self._known.shapes_like(payload):
            met = self._met.get(shape) or Met(shape)
            if met.match(payload):
                self._fruitless = 0
                self._note(met)
                return met
        return None

    def _note(self, met: Met) -> None:
        if len(self._met) < _MOST_MET:
            self._met[met.shape] = met
        self._recent.insert(0, met)
        del self._recent[_MOST_RECENT:]

    def learn(self, payload: bytes) -> None:
        """Take note of a payload that matched no shape, and can be decoded."""
        if self._is_patient():
            self._known.learn(payload, self._decode)
        self._fruitless += 1

    def _is_patient(self) -> bool:
        # Ever more rarely: with two payloads in a row after twice as many as the last time.
        return self._fruitless < _PATIENCE or self._fruitless & (self._fruitless - 2) <= 1
