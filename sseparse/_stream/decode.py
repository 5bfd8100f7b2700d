# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""From a payload to an object: the way that every API's payloads take.

First a decoder of msgspec makes the object of the payload's bytes. It refuses whatever is not
just as the types declare, undeclared keys included; that costs nothing extra, and is all that
most payloads need. What it refuses is parsed to a dict, and then

- it may report an error,
- it may be of another API, which is an error too,
- it may be as declared but for undeclared keys, which are kept,
- or the API mends it: reads what is broken as it is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import msgspec

from . import fields
from .convert import from_dict
from .detect import READERS, kind_of
from .errors import ChunkDecodeError, UnexpectedAPIError
from .model import Model, settle
from .payload import REFUSALS, loads_oddly
from .reports import DECIDING, error_in, make_error
from .shape import Values
from .shapes import known_to

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from .errors import APIError
    from .shape import Shape
    from .shapes import Known

__all__ = ["DecodingAgain", "PayloadDecoder", "Rules"]


# Payloads in a row that were not just as declared, until only every so many are tried for that:
# a refusal takes as long as what is tried after it.
_MOST_REFUSALS = 4

# Of shapes by which payloads are decoded once more; each has a payload.
_MOST_SPARE = 16


class Rules:
    """What an API knows of its payloads; each has its own, with what it knows better.

    Attributes:
        deciding: keys whose values decide how a payload is read: "type", by which ``kind_of``
            knows other APIs, what says whether there is an error, and where what it brings belongs.
        others: the kinds of payloads (``kind_of``) that are another API's.
    """

    deciding: Collection[bytes] = (b"type", *DECIDING)
    others: Collection[str] = ()

    def find_error(self, value: Any, is_error: bool) -> APIError | None:
        """The error that parsed JSON reports; ``is_error`` where its event says it is one."""
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            # Google's servers put an error into an array.
            found = self.error_in(value[0])
        else:
            found = self.error_in(value) if isinstance(value, dict) else None
        if found is None and is_error:
            found = make_error(value, value)
        return found

    def error_in(self, payload: dict[str, Any]) -> APIError | None:
        """The error that a payload reports, under whichever name."""
        return error_in(payload, kind_of(payload) is not None)

    def is_final(self, received: dict[str, Any]) -> bool:
        """Whether parsed JSON is what the call without streaming returns."""
        raise NotImplementedError

    def carries(self, event_type: str) -> bool:
        """Whether an event of this type has a payload of the API, and may not be broken."""
        return event_type == "message"

    def is_skipped(self, received: dict[str, Any]) -> bool:
        """Whether parsed JSON says nothing: a keep-alive."""
        return False

    def named(self, received: dict[str, Any], event_type: str) -> dict[str, Any]:
        """Parsed JSON with what only its event's type says."""
        return received

    def refusal(self, received: dict[str, Any]) -> str | None:
        """Why parsed JSON is not to be read at all; None where it is."""
        return None

    def find_problem(self, received: dict[str, Any], item: Any) -> str | None:
        """What the types take though it does not mean what it says."""
        return None

    def mend(self, received: dict[str, Any]) -> Any:
        """The object of parsed JSON that the types refuse. It never raises."""
        raise NotImplementedError


class PayloadDecoder:
    """Decodes the payloads of one API, and of one stream.

    Args:
        cls: what they are decoded to.
        rules: what the API knows of them.
        is_exact: tells of an object that it means what it says, errors and all.
        strict: raise a ChunkDecodeError where a payload would have to be mended.

    Attributes:
        variant: what tells decoders apart that make different objects of a payload.
        deciding: keys whose values decide how a payload is read, or where it belongs.
    """

    def __init__(
        self,
        cls: type[Model],
        rules: Rules,
        is_exact: Callable[[Any], bool],
        strict: bool = False,
    ) -> None:
        self.variant = (cls, strict)
        self.deciding = rules.deciding
        self._cls = cls
        self._rules = rules
        self._is_exact = is_exact
        self._strict = strict
        self._decode = _decoder_of(cls)
        self._refusals = 0  # in a row

    def decode(self, payload: bytes, event_type: str = "message") -> Any:
        """The object of a payload; None where it has none.

        Raises:
            APIError: it reports an error.
            ChunkDecodeError: it cannot be read; with ``strict``, not without mending.
            UnexpectedAPIError: it is positively of another API.
        """
        is_error = event_type != "message" and event_type.lower() == "error"
        refusals = self._refusals
        if not is_error and (refusals < _MOST_REFUSALS or refusals % _MOST_REFUSALS == 0):
            try:
                item = self._decode(payload)
                if self._is_exact(item):
                    fields.give_payload(item, payload)
                    self._refusals = 0
                    return item
            except REFUSALS:
                pass
        self._refusals += 1
        try:
            return self._decode_parsed(payload, event_type)
        except RecursionError:
            raise ChunkDecodeError(payload, "it is nested too deeply") from None

    def is_error(self, value: Any) -> bool:
        """Whether parsed JSON reports an error."""
        return self._rules.find_error(value, False) is not None

    def is_final(self, value: Any) -> bool:
        """Whether parsed JSON is what the call without streaming returns, or an error instead."""
        if self.is_error(value):
            return True
        return isinstance(value, dict) and self._rules.is_final(value)

    def _decode_parsed(self, payload: bytes, event_type: str) -> Model | None:
        is_error = event_type.lower() == "error"
        value = None
        is_odd = False
        if payload.strip():
            try:
                value, is_odd = loads_oddly(payload)
            except ValueError as error:
                if is_error:
                    value = payload.decode("utf-8", "replace")
                elif not self._rules.carries(event_type) and not self._strict:
                    return None  # a ping, say: an event of another kind, which is no JSON
                else:
                    raise ChunkDecodeError(payload, f"it is not JSON ({error})") from None
        reported = self._rules.find_error(value, is_error)
        if reported is not None:
            raise reported
        if isinstance(value, dict):
            return self._decode_dict(payload, value, is_odd, event_type)
        if isinstance(value, list) and (self._rules.carries(event_type) or self._strict):
            raise ChunkDecodeError(payload, "it is a JSON array, not an object")
        if self._strict:
            empty = not payload.strip()
            raise ChunkDecodeError(payload, "it is empty" if empty else "it is not a JSON object")
        return None

    def _decode_dict(
        self, payload: bytes, value: dict[str, Any], is_odd: bool, event_type: str
    ) -> Model | None:
        if self._rules.is_skipped(value):
            return None
        received = self._rules.named(value, event_type)
        kind = kind_of(received)
        if kind is not None and kind in self._rules.others:
            raise UnexpectedAPIError(kind, READERS.get(kind), payload)
        refusal = self._rules.refusal(received)
        if refusal is not None:
            raise ChunkDecodeError(payload, refusal)
        item: Model | None = None
        try:
            item = from_dict(self._cls, received)
            problem = self._rules.find_problem(received, item)
        except REFUSALS as error:
            problem = str(error)
        if item is None or problem is not None:
            if self._strict:
                raise ChunkDecodeError(payload, str(problem))
            item = cast("Model", self._rules.mend(received))
            is_odd = True
        if is_odd:
            fields.mark_mended(item)
        fields.give_payload(item, payload)
        if received is not value:
            settle(item)  # decoded again, without its event, it would be something else
        return item


class DecodingAgain:
    """Decodes payloads once more, as they were: of most of them a shape is known by then.

    To mend it again would be most of what it takes to write a chunk that was mended and changed.

    Args:
        make_decoder: makes another of what decoded them.
    """

    def __init__(self, make_decoder: Callable[[], PayloadDecoder]) -> None:
        self._make_decoder = make_decoder
        self._known: Known | None = None  # from the first time on
        self._latest: Shape | None = None  # what matched the last time
        # What nobody has at work: a thread takes what it needs, and puts it back.
        self._spare: dict[Shape, Values] = {}

    def decode(self, payload: bytes) -> Any:
        """The object that such a payload was decoded to."""
        latest = self._latest
        item = None if latest is None else self._made(latest, payload)
        if item is None and self._known is not None:
            for shape in self._known.shapes_like(payload):
                item = self._made(shape, payload)
                if item is not None:
                    self._latest = shape
                    break
        return self._decode(payload) if item is None else item

    def _made(self, shape: Shape, payload: bytes) -> Any:
        """The object of a payload that has this shape; None of another."""
        values = self._spare.pop(shape, None) or Values(shape, set())
        item = shape.make(values.items, payload) if shape.match(payload, values) else None
        if len(self._spare) == _MOST_SPARE:
            self._spare.clear()  # else those of the first streams were kept for ever
        self._spare[shape] = values
        return item

    def _decode(self, payload: bytes) -> Any:
        decoder = self._make_decoder()
        known = self._known = known_to(decoder.variant, decoder.deciding)
        item = decoder.decode(payload)
        known.learn(payload, decoder.decode)
        return item


_DECODERS: dict[type, Any] = {}


def _decoder_of(cls: type[Model]) -> Callable[[bytes], Model]:
    # Made once: it costs as much as a hundred chunks.
    if cls not in _DECODERS:
        _DECODERS[cls] = msgspec.json.Decoder(cls).decode
    return _DECODERS[cls]  # type: ignore[no-any-return]
