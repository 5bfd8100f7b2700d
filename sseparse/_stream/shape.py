# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""A shape: a payload cut at what varies in it, and how to make objects of such payloads.

This is ordinary Python, and runs as such. Where there is a compiler Cython compiles it as it
stands, with the types in ``shape.pxd``, and the extension takes its place.

Theory of operation
-------------------
Nearly all payloads of a stream are the same bytes but for a few strings and integers. A
*shape* is a payload cut at those *holes*: it keeps the bytes between them, and an object that
such a payload was decoded to, its *sample*. A payload matches a shape if it has the same bytes
between any strings and integers, but for spaces before the last brace, which some servers pad
payloads with. Its object is then a copy of the sample with those values in the places of the
holes, and no JSON is parsed.

Two payloads that differ only in strings and integers (``differences``) suggest a shape. Whether
it is one, the decoder itself has to prove, for nothing is known here of what it does with a value.
It is given the payload twice: with a different *mark* in each hole, and with nothing in each, ""
or 0, the values that decoders make most of. The two objects have to differ at exactly one place
for each hole, and there the one has to have its mark and the other nothing, as they are, in a
field whose declared type takes any such value (no literal, no pattern, no limit but an upper one
for integers). Where that is shows how to make the object: see ``Copy``.

What a decoder makes of one more particular value cannot be proven in this way: a type says so
by metadata, ``Annotated[str, Meta(extra={...})]``, and such a field is no hole.

A shape that is proven is so with any values in its holes, and so is each *narrow* one that has
some of its holes and one payload's values in the others. That takes no proof.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .._errors import SSEError
from . import native
from .declared import LARGEST, largest_in
from .fields import slots_of

__all__ = ["MOST_HOLES", "Shape"]

# Of each shape.
MOST_HOLES = 24
_DEEPEST = 24

_QUOTE, _BACKSLASH, _ZERO, _NINE, _MINUS, _SPACE, _BRACE = b'"\\09- }'

# The largest integer that a hole takes, if the field has no limit of its own.
_LARGEST = LARGEST
# Integers that mark holes: unlike any in a payload, and small enough for a field of seconds.
_FIRST_MARK = 8_675_309_000

_STRUCT, _LIST, _DICT = range(3)
_WHOLE = -1  # in place of the number of a hole: the payload itself


class _UnlikeError(Exception):
    """Two objects differ, and not only where there is a mark."""


class Hole:
    """A string or an integer that differs from payload to payload.

    Attributes:
        before: the bytes between the hole before it and this one.
        is_text: whether it is a string, and not an integer.
        largest: the largest integer that its field takes.
    """

    def __init__(self, before: bytes, is_text: bool) -> None:
        self.before = before
        self.size = len(before)
        self.is_text = is_text
        self.largest = _LARGEST


class Copy:
    """How to copy a part of the sample: an object, list or dict, and what is in it.

    Nothing that can be changed is shared with the sample.

    Attributes:
        slots: of a Struct, those that are as in the sample, and "kept", packed for copying.
        targets: what is not as in the sample: slots, positions or keys ...
        parts: ... and for each the number of its hole, or the Copy of what stands there.
    """

    def __init__(
        self, kind: int, sample: Any, slots: list[Any], targets: list[Any], parts: list[Any]
    ) -> None:
        self.kind = kind
        self.sample = sample
        self.slots = slots
        self.kept = native.packed(slots)
        self.targets = targets
        self.parts = parts

    def make(self, values: list[Any], payload: bytes) -> Any:
        if self.kind == _STRUCT:
            made = native.copy(self.sample, self.kept)
        elif self.kind == _LIST:
            made = list(self.sample)
        else:
            made = dict(self.sample)
        for position in range(len(self.targets)):
            part = self.parts[position]
            if isinstance(part, Copy):
                below = part
                value = below.make(values, payload)
            elif part == _WHOLE:
                value = payload
            else:
                value = values[part]
            if self.kind == _STRUCT:
                native.put(made, self.targets[position], value)
            else:
                made[self.targets[position]] = value
        return made

    def narrowed(self, made: Any, numbers: dict[int, int]) -> Copy:
        """The same with fewer holes.

        Args:
            made: what this has made; it has the values of the others.
            numbers: of the holes that are left, the new ones.
        """
        slots, targets, parts = list(self.slots), [], []
        for target, part in zip(self.targets, self.parts, strict=True):
            if isinstance(part, Copy):
                below = part
                its_own = native.get(made, target) if self.kind == _STRUCT else made[target]
                targets.append(target)
                parts.append(below.narrowed(its_own, numbers))
            elif part == _WHOLE or part in numbers:
                targets.append(target)
                parts.append(numbers.get(part, part))
            elif self.kind == _STRUCT:
                slots.append(target)
        return Copy(self.kind, made, slots, targets, parts)


class Shape:
    """A payload cut at its holes, and what it is decoded to.

    Attributes:
        payload: one that has it.
        spans: of each hole in it: where it starts and ends, and whether it is a string.
        paths: of each hole, where its value comes out: names of fields and keys, and positions.
        refused: spans that have turned out to be no holes.
        is_narrow: whether it is one stream's alone.
        run, tries: of a narrow one, the reader's: how its objects are folded, and how often that
            was asked for.
    """

    def __init__(self, payload: bytes, spans: list[Any]) -> None:
        self.payload = payload
        self.spans = spans
        self.paths: list[tuple[Any, ...]] = []
        self.refused: set[Any] = set()
        self.is_narrow = False
        self.run: Any = None
        self.tries = 0
        self._holes: list[Hole] = []
        end = 0
        for start, stop, is_text in spans:
            self._holes.append(Hole(payload[end:start], is_text))
            end = stop
        self._tail = payload[end:]
        # The same without the last brace, and without the spaces that a payload is padded with.
        self._ending = payload[end : _end_of_body(payload)]
        self._copy: Copy | None = None
        self._marks: list[Any] = []
        # What ``number_of`` and ``holes_that`` were asked for last, and the answers.
        self._function: Any = None
        self._number = 0
        self._predicate: Any = None
        self._telling: Any = None

    def match(self, payload: bytes, values: list[Any]) -> bool:
        """Whether a payload has this shape; if it has, its values are put into ``values``."""
        text = payload
        end = len(payload)
        position = 0
        number = 0
        try:
            for hole in self._holes:
                if not native.has_at(payload, position, hole.before):
                    return False
                position += hole.size
                start = position
                if hole.is_text:
                    position = native.end_of_text(payload, position)
                    if position == end:
                        return False
                    if text[position] == _QUOTE:
                        values[number] = native.text_at(payload, start, position)
                    elif text[position] == _BACKSLASH:
                        position = _end_of_string(payload, position)
                        value = native.unescaped(payload, start, position)
                        values[number] = value or _decode_string(payload[start - 1 : position + 1])
                    else:
                        return False  # control characters are no JSON
                else:
                    integer = 0
                    while position < end and _ZERO <= text[position] <= _NINE:
                        if position - start == 18:
                            return False
                        integer = integer * 10 + text[position] - _ZERO
                        position += 1
                    if position == start or integer > hole.largest:
                        return False
                    if text[start] == _ZERO and position - start > 1:
                        return False
                    values[number] = integer
                number += 1
        except ValueError:
            return False  # invalid UTF-8, or escapes that are not JSON's
        if end - position == len(self._tail) and native.has_at(payload, position, self._tail):
            return True
        # Padded in another way.
        if self._ending == self._tail or not native.has_at(payload, position, self._ending):
            return False
        return _end_of_body(payload) == position + len(self._ending) < end

    def make(self, values: list[Any], payload: bytes) -> Any:
        """The object of a payload that has matched."""
        return self._copy.make(values, payload)  # type: ignore[union-attr]

    def narrowed(self, values: list[Any], payload: bytes, numbers: list[int]) -> Shape:
        """The shape of payloads that differ from one in some values only.

        Args:
            values: those of one that has matched.
            payload: that one.
            numbers: of the holes that are left, in order.
        """
        spans = []
        position = 0
        for hole in self._holes:
            start = position + hole.size
            if hole.is_text:
                position = _end_of_string(payload, start)
            else:
                position = _end_of_number(payload, start)
            spans.append((start, position, hole.is_text))
        narrow = Shape(payload, [spans[number] for number in numbers])
        narrow.is_narrow = True
        for number, hole in zip(numbers, narrow._holes, strict=True):
            hole.largest = self._holes[number].largest
        narrow.paths = [self.paths[number] for number in numbers]
        narrow._marks = [self._marks[number] for number in numbers]
        made = self._copy.make(values, payload)  # type: ignore[union-attr]
        new_numbers = {old: new for new, old in enumerate(numbers)}
        narrow._copy = self._copy.narrowed(made, new_numbers)  # type: ignore[union-attr]
        return narrow

    def differences(self, payload: bytes) -> Any:
        """Where a payload differs, as spans in this one's; None where not only in values."""
        return _differences(self.payload, payload)

    def key_of(self, span: Any) -> bytes:
        """The key that a value seems to be under; for a guess that saves a proof."""
        start, _, is_text = span
        before = self.payload[max(start - 64, 0) : start].split(b'"')
        return before[-3 if is_text else -2] if len(before) > 2 else b""

    def number_of(self, function: Any) -> int:
        """Which hole's value a function gives of each object of this shape.

        Proven as the shape is: by what it gives of the objects with marks, and with nothing.

        Args:
            function: makes a str of an object; "" where there is nothing.

        Returns:
            The number of the hole; -1 where it is always "", -2 where it is none of these.
        """
        if function is not self._function:
            self._function = function
            self._number = -2
            if function(self._copy.make(self._nothing(), b"")) == "":  # type: ignore[union-attr]
                marked = function(self._copy.make(self._marks, b""))  # type: ignore[union-attr]
                if marked == "":
                    self._number = -1
                elif marked in self._marks:
                    self._number = self._marks.index(marked)
        return self._number

    def holes_that(self, function: Any) -> Any:
        """Which strings make a function true of an object of this shape, where they are not empty.

        Args:
            function: tells of an object; it is true where it is of any part.

        Returns:
            The numbers of their holes; None where it is true of each object.
        """
        if function is not self._predicate:
            self._predicate = function
            values = self._nothing()
            self._telling = None
            if not function(self._copy.make(values, b"")):  # type: ignore[union-attr]
                self._telling = []
                for number in range(len(values)):
                    if self.spans[number][2]:
                        values[number] = self._marks[number]
                        if function(self._copy.make(values, b"")):  # type: ignore[union-attr]
                            self._telling.append(number)
                        values[number] = ""
        return self._telling

    def prove(self, decode: Any) -> bool:
        """Find out by the decoder whether this is a shape, and how to make its objects."""
        self.paths = [()] * len(self.spans)
        self._marks = [
            f"<hole {number}>" if span[2] else _FIRST_MARK + number
            for number, span in enumerate(self.spans)
        ]
        marked = self._with(self._marks)
        emptied = self._with(self._nothing())
        try:
            copy = self._compare(decode(marked), decode(emptied), marked, emptied, (), None)
        except (_UnlikeError, SSEError):
            return False
        if () in self.paths or not isinstance(copy, Copy):
            return False
        self._copy = copy
        return True

    def _nothing(self) -> list[Any]:
        return ["" if span[2] else 0 for span in self.spans]

    def _with(self, values: list[Any]) -> bytes:
        """The payload with these values in its holes."""
        pieces = []
        for hole, value in zip(self._holes, values, strict=True):
            pieces += [hole.before, str(value).encode()]
        # Of one piece join would make no new object, and ``_compare`` tells them apart by that.
        return b"".join([b"", *pieces, self._tail])

    def _compare(
        self,
        sample: Any,
        other: Any,
        marked: bytes,
        emptied: bytes,
        path: tuple[Any, ...],
        field: Any,
    ) -> Any:
        """How to copy a part of the sample, which has marks where the other has nothing.

        Args:
            sample: what the payload with marks was decoded to.
            other: what the one with nothing was decoded to.
            marked: the sample's payload.
            emptied: the other's.
            path: where the part is in the object.
            field: the class and the name of the field that it is in, and how deep in there.

        Returns:
            None where it can be shared, the number of its hole, or a Copy.

        Raises:
            _UnlikeError: there is another difference.
        """
        kind: Any = type(sample)
        if kind is str or kind is int:
            if type(other) is kind and sample == other:
                return None
            return self._number_at(sample, other, path, field)
        if type(other) is not kind or len(path) > _DEEPEST:
            raise _UnlikeError
        if kind is list or kind is dict:
            is_list = kind is list
            keys = list(range(len(sample))) if is_list else list(sample)
            if keys != (list(range(len(other))) if is_list else list(other)):
                raise _UnlikeError
            targets, parts = [], []
            deeper = None if field is None else (field[0], field[1], field[2] + 1)
            for key in keys:
                below = (*path, key)
                part = self._compare(sample[key], other[key], marked, emptied, below, deeper)
                if part is not None:
                    targets.append(key)
                    parts.append(part)
            if not targets and field is not None and field[1] not in field[0].__struct_fields__:
                return None  # of undeclared keys nobody is given these very objects
            return Copy(_LIST if is_list else _DICT, sample, [], targets, parts)
        if isinstance(sample, msgspec.Struct):
            kept, targets, parts = [], [], []
            for pair in slots_of(kind):  # type: ignore[arg-type]
                slot = pair[1]
                value = native.get(sample, slot)
                its_value = native.get(other, slot)
                part = None
                if not native.are_equal_texts(value, its_value):
                    below = (*path, pair[0])
                    field = (kind, pair[0], 0)
                    part = self._compare(value, its_value, marked, emptied, below, field)
                if part is not None:
                    targets.append(slot)
                    parts.append(part)
                elif native.is_set(sample, slot):
                    kept.append(slot)
            return Copy(_STRUCT, sample, kept, targets, parts)
        if kind is bytes and sample is marked and other is emptied:
            return _WHOLE
        if sample != other:
            raise _UnlikeError
        return None

    def _number_at(self, sample: Any, other: Any, path: tuple[Any, ...], field: Any) -> int:
        """The number of the hole whose mark came out at a path."""
        if sample not in self._marks:
            raise _UnlikeError
        number = self._marks.index(sample)
        if self.paths[number]:
            raise _UnlikeError  # it came out twice
        self.paths[number] = path
        kind: Any = type(sample)
        largest = largest_in(field[0], field[1], field[2], kind)
        self._holes[number].largest = largest
        is_kept = type(other) is kind and other in ("", 0)
        if largest == -1 or not is_kept:
            self.refused.add(self.spans[number])
        if largest < 0 or not is_kept:
            raise _UnlikeError
        return number


def _differences(one: bytes, other: bytes) -> list[Any] | None:
    """Where two payloads differ, as spans in the first; None where not only in values.

    A key that differs passes for a value here: it is no hole, as proving it shows.
    """
    spans: list[Any] = []
    a, b = one, other
    i = j = 0
    size, other_size = _end_of_body(one), _end_of_body(other)
    while i < size and j < other_size:
        if a[i] == _QUOTE and b[j] == _QUOTE:
            end, other_end = _end_of_string(one, i + 1), _end_of_string(other, j + 1)
            if not native.are_same(one, i, end, other, j, other_end):
                spans.append((i + 1, end, True))
            i, j = end + 1, other_end + 1
        elif _ZERO <= a[i] <= _NINE and _ZERO <= b[j] <= _NINE:
            end, other_end = _end_of_number(one, i), _end_of_number(other, j)
            if not native.are_same(one, i, end, other, j, other_end):
                if not (_is_integer(one, i, end) and _is_integer(other, j, other_end)):
                    return None
                spans.append((i, end, False))
            i, j = end, other_end
        elif a[i] == b[j]:
            i += 1
            j += 1
        else:
            return None
    return spans if i == size and j == other_size else None


def _end_of_body(payload: bytes) -> int:
    """Where a payload ends but for its last brace, and spaces before it; len() without one."""
    text = payload
    end = len(payload)
    if end == 0 or text[end - 1] != _BRACE:
        return end
    end -= 1
    while end > 0 and text[end - 1] == _SPACE:
        end -= 1
    return end


def _end_of_string(payload: bytes, position: int) -> int:
    """Where the quote is that ends a string; the payload's end where there is none.

    Args:
        payload: has it.
        position: in the string, and not behind a backslash.
    """
    text = payload
    end = len(payload)
    while position < end and text[position] != _QUOTE:
        position += 2 if text[position] == _BACKSLASH else 1
    return min(position, end)


def _end_of_number(payload: bytes, position: int) -> int:
    text = payload
    end = len(payload)
    while position < end and text[position] in b"0123456789.eE+-":
        position += 1
    return position


def _is_integer(payload: bytes, start: int, end: int) -> bool:
    number = payload[start:end]
    if start > 0 and payload[start - 1] == _MINUS:
        return False
    return number.isdigit() and len(number) <= 18 and (number[0] != _ZERO or len(number) == 1)


_decode_string = msgspec.json.Decoder(str).decode
