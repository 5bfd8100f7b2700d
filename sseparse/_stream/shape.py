# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""A shape: a payload cut at what varies in it, and how to make objects of such payloads.

This is ordinary Python, and runs as such. Where there is a compiler Cython compiles it as it
stands, with the types in ``shape.pxd``, and the extension takes its place.

Theory of operation
-------------------
Nearly all payloads of a stream are the same bytes but for a few values: strings, numbers, lists
of integers. A *shape* is a payload cut at those *holes*: it keeps the bytes between them, and an
object that such a payload was decoded to, its *sample*. A payload matches a shape if it has the
same bytes between any values of the same kinds, but for spaces before the last brace, which some
servers pad payloads with. Its object is then a copy of the sample with those values in the places
of the holes, and no JSON is parsed.

Two payloads that differ only in such values (``differences``) suggest a shape. Whether it is one,
the decoder itself has to prove, for nothing is known here of what it does with a value. It is
given the payload twice: with a different *mark* in each hole, and with nothing in each, "", 0 or
[], the values that decoders make most of. The two objects have to differ at exactly one place for
each hole, and there the one has to have its mark and the other nothing, as they are, in a field
whose declared type takes any such value (no literal, no pattern, no limit but an upper one for
integers). Where that is shows how to make the object: see ``Copy``.

What a decoder makes of one more particular value cannot be proven in this way: a type says so
by metadata, ``Annotated[str, Meta(extra={...})]``, and such a field is no hole.

Most values are those of the payload before: an ID, a model. ``Values`` has these, and knows where
they stood, so they are compared and not made anew.
"""

from __future__ import annotations

from typing import Any

import msgspec

from .._errors import SSEError
from . import native
from .declared import LARGEST, largest_in
from .fields import slots_of

__all__ = ["MOST_HOLES", "Shape", "Values"]

# Of each shape. A token with twenty alternatives has sixty-three, of log probabilities.
MOST_HOLES = 72
_DEEPEST = 24

_QUOTE, _BACKSLASH, _ZERO, _NINE, _MINUS, _SPACE, _BRACE, _BRACKET = b'"\\09- }['

# The kinds of holes. A fraction is a number that is no integer.
_TEXT, _INTEGER, _FRACTION, _INTEGERS = range(4)

# The largest integer that a hole takes, if the field has no limit of its own.
_LARGEST = LARGEST
# Integers that mark holes: unlike any in a payload, and small enough for a field of seconds.
_FIRST_MARK = 8_675_309_000

_STRUCT, _LIST, _DICT = range(3)
_WHOLE = -1  # in place of the number of a hole: the payload itself


class _UnlikeError(Exception):
    """Two objects differ, and not only where there is a mark."""


class Hole:
    """A value that differs from payload to payload.

    Attributes:
        before: the bytes between the hole before it and this one.
        kind: what it is: a string, an integer, a fraction, a list of integers.
        largest: the largest integer that its field takes.
        becomes_float: whether its field makes a float of an integer.
    """

    def __init__(self, before: bytes, kind: int) -> None:
        self.before = before
        self.size = len(before)
        self.kind = kind
        self.largest = _LARGEST
        self.becomes_float = False


class Copy:
    """How to copy a part of the sample: an object, list or dict, and what is in it.

    Nothing that can be changed is shared with the sample.

    Attributes:
        kept: of a Struct, the slots that are as in the sample, packed for copying.
        holes: of a Struct, those that have values, and their numbers, packed for filling.
        targets: what else is not as in the sample: slots, positions or keys ...
        parts: ... and for each the Copy of what stands there, or the number of its hole.
    """

    def __init__(
        self,
        kind: int,
        sample: Any,
        slots: list[Any],
        holes: list[Any],
        targets: list[Any],
        parts: list[Any],
    ) -> None:
        self.kind = kind
        self.sample = sample
        self.kept = native.packed(sample, slots)
        self.holes = native.packed_holes(holes)
        self.targets = targets
        self.parts = parts

    def make(self, values: list[Any], payload: bytes) -> Any:
        made: Any
        if self.kind == _STRUCT:
            made = native.copy(self.sample, self.kept)
            native.fill(made, self.holes, values, payload)
        elif self.kind == _LIST:
            made = self.sample[:]
        else:
            made = dict(self.sample)
        for position in range(len(self.targets)):
            part = self.parts[position]
            if isinstance(part, Copy):
                below = part
                value = below.make(values, payload)
            else:
                number = part
                value = payload if number == _WHOLE else values[number]
            if self.kind == _STRUCT:
                native.put(made, self.targets[position], value)
            elif self.kind == _LIST:
                items = made  # which shape.pxd has the type of
                index = self.targets[position]
                items[index] = value
            else:
                made[self.targets[position]] = value
        return made


class Value:
    """What stands in a hole, in payload after payload.

    Attributes:
        hole: that one.
        number: its number.
        start, end: where it is in the payload that matched last.
        new_start, new_end: where it is in the one that is looked at ...
        is_new: ... and whether it is another one there ...
        is_plain: ... and whether it is a string without escapes.
        may_vary: whether it was ever another than the one before it, in any stream.
    """

    def __init__(self, hole: Hole, number: int, may_vary: bool) -> None:
        self.hole = hole
        self.number = number
        self.start = self.end = self.new_start = self.new_end = 0
        self.is_new = True
        self.is_plain = False
        self.may_vary = may_vary


class Values:
    """The values of the payloads that match a shape, one after the other.

    Args:
        shape: that one.
        varied: the numbers of the holes whose values have not always been the same in streams
            before; those of this one are added.

    Attributes:
        items: those of the last payload.
        varying: the numbers of the holes whose values may be others from payload to payload.
        payload: the last one; None before the first.
        places: where they stand.
    """

    def __init__(self, shape: Shape, varied: set[int]) -> None:
        self.items: list[Any] = [None] * len(shape.holes)
        self.varied = varied
        self.varying = varied.copy()  # streams of other threads may add to varied
        self.payload: bytes | None = None
        self.places = [
            Value(hole, number, number in self.varying) for number, hole in enumerate(shape.holes)
        ]

    def forget(self) -> None:
        """Nothing is known any more of the last payload."""
        self.payload = None
        self.varying.update(range(len(self.items)))


class Shape:
    """A payload cut at its holes, and what it is decoded to.

    Attributes:
        payload: one that has it.
        spans: of each hole in it: where it starts and ends, and its kind.
        holes: what stands before each hole, and what may stand in it.
        paths: of each hole, where its value comes out: names of fields and keys, and positions.
        refused: spans that have turned out to be no holes.
        varied: the numbers of the holes whose values were not always the same within a stream.
    """

    def __init__(self, payload: bytes, spans: list[Any]) -> None:
        self.payload = payload
        self.spans = spans
        self.paths: list[tuple[Any, ...]] = []
        self.refused: set[Any] = set()
        self.varied: set[int] = set()
        self.holes: list[Hole] = []
        end = 0
        for start, stop, kind in spans:
            self.holes.append(Hole(payload[end:start], kind))
            end = stop
        self._tail = payload[end:]
        # The same without the last brace, and without the spaces that a payload is padded with.
        self._ending = payload[end : _end_of_body(payload)]
        self._copy: Copy | None = None
        self._marks: list[Any] = []

    def match(self, payload: bytes, values: Values) -> bool:
        """Whether a payload has this shape; if it has, ``values`` has its values."""
        last = values.payload
        position = 0
        for value in values.places:
            hole = value.hole
            if not native.has_at(payload, position, hole.before):
                return False
            position += hole.size
            value.new_start = position
            value.is_new = last is None or not native.goes_on(
                payload, position, last, value.start, value.end
            )
            if value.is_new:
                position = _end_of(hole.kind, payload, position, value)
                if position < 0:
                    return False
            else:
                position += value.end - value.start
            value.new_end = position
        if len(payload) - position != len(self._tail) or not native.has_at(
            payload, position, self._tail
        ):
            # Padded in another way?
            if self._ending == self._tail or not native.has_at(payload, position, self._ending):
                return False
            if not _end_of_body(payload) == position + len(self._ending) < len(payload):
                return False
        return self._take(payload, values)

    def _take(self, payload: bytes, values: Values) -> bool:
        """Make the values of a payload, but for those that the last one had."""
        for value in values.places:
            hole = value.hole
            # A list may have been changed since.
            if value.is_new or hole.kind == _INTEGERS:
                item = None
                if hole.kind == _TEXT and value.is_plain:
                    item = native.ascii_at(payload, value.new_start, value.new_end)
                if item is None:
                    try:
                        item = _item_of(payload, value)
                    except ValueError:
                        item = None  # invalid UTF-8, or what is not JSON's
                if item is None:
                    values.forget()
                    return False
                values.items[value.number] = item
                if value.is_new and not value.may_vary and values.payload is not None:
                    value.may_vary = True
                    values.varying.add(value.number)
                    values.varied.add(value.number)
            value.start = value.new_start
            value.end = value.new_end
        values.payload = payload
        return True

    def make(self, items: list[Any], payload: bytes) -> Any:
        """The object of a payload with these values."""
        return self._copy.make(items, payload)  # type: ignore[union-attr]

    def differences(self, payload: bytes) -> Any:
        """Where a payload differs, as spans in this one's; None where not only in values."""
        return _differences(self.payload, payload)

    def key_of(self, span: Any) -> bytes:
        """The key that a value seems to be under; for a guess that saves a proof."""
        start, _, kind = span
        before = self.payload[max(start - 64, 0) : start].split(b'"')
        return before[-3 if kind == _TEXT else -2] if len(before) > 2 else b""

    def number_of(self, function: Any) -> int:
        """Which hole's value a function gives of each object of this shape.

        Proven as the shape is: by what it gives of the objects with marks, and with nothing.

        Args:
            function: makes a str of an object; "" where there is nothing.

        Returns:
            The number of the hole; -1 where it is always "", -2 where it is none of these.
        """
        if function(self._copy.make(self._nothing(), b"")) != "":  # type: ignore[union-attr]
            return -2
        marked = function(self._copy.make(self._marks, b""))  # type: ignore[union-attr]
        if marked == "":
            return -1
        return self._marks.index(marked) if marked in self._marks else -2

    def holes_that(self, function: Any) -> Any:
        """Which strings make a function true of an object of this shape, where they are not empty.

        Args:
            function: tells of an object; it is true where it is of any part.

        Returns:
            The numbers of their holes; None where it is true of each object.
        """
        values = self._nothing()
        if function(self._copy.make(values, b"")):  # type: ignore[union-attr]
            return None
        telling = []
        for number, span in enumerate(self.spans):
            if span[2] == _TEXT:
                values[number] = self._marks[number]
                if function(self._copy.make(values, b"")):  # type: ignore[union-attr]
                    telling.append(number)
                values[number] = ""
        return telling

    def prove(self, decode: Any) -> bool:
        """Find out by the decoder whether this is a shape, and how to make its objects."""
        self.paths = [()] * len(self.spans)
        self._marks = [_mark(number, span[2]) for number, span in enumerate(self.spans)]
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
        return [("", 0, 0.0, [])[span[2]] for span in self.spans]

    def _with(self, values: list[Any]) -> bytes:
        """The payload with these values in its holes."""
        pieces = []
        for hole, value in zip(self.holes, values, strict=True):
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
        is_single = kind is str or kind is int or kind is float
        if is_single and type(other) is kind and sample == other:
            return None
        if is_single or (kind is list and sample != other and sample in self._marks):
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
            return Copy(_LIST if is_list else _DICT, sample, [], [], targets, parts)
        if isinstance(sample, msgspec.Struct):
            kept, holes, targets, parts = [], [], [], []
            for pair in slots_of(kind):  # type: ignore[arg-type]
                slot = pair[1]
                value = native.get(sample, slot)
                its_value = native.get(other, slot)
                part = None
                if not native.are_equal_texts(value, its_value):
                    below = (*path, pair[0])
                    field = (kind, pair[0], 0)
                    part = self._compare(value, its_value, marked, emptied, below, field)
                if isinstance(part, Copy):
                    targets.append(slot)
                    parts.append(part)
                elif part is not None:
                    holes.append((slot, part))
                elif native.is_set(sample, slot):
                    kept.append(slot)
            return Copy(_STRUCT, sample, kept, holes, targets, parts)
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
        hole = self.holes[number]
        kind: Any = type(sample)
        hole.becomes_float = hole.kind == _INTEGER and kind is float
        largest = largest_in(field[0], field[1], field[2], kind)
        hole.largest = largest
        is_kept = type(other) is kind and not other
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
            end, other_end = native.end_of_string(one, i + 1), native.end_of_string(other, j + 1)
            if not native.are_same(one, i, end, other, j, other_end):
                spans.append((i + 1, end, _TEXT))
            i, j = end + 1, other_end + 1
        elif _begins_number(a[i]) and _begins_number(b[j]):
            end, other_end = _end_of_number(one, i), _end_of_number(other, j)
            if not native.are_same(one, i, end, other, j, other_end):
                kind = _kind_of_number(one, i, end)
                if kind < 0 or kind != _kind_of_number(other, j, other_end):
                    return None
                spans.append((i, end, kind))
            i, j = end, other_end
        elif a[i] == _BRACKET and b[j] == _BRACKET:
            end, other_end = native.end_of_integers(one, i), native.end_of_integers(other, j)
            if end == i or other_end == j:
                i += 1
                j += 1
                continue
            if not native.are_same(one, i, end, other, j, other_end):
                spans.append((i, end, _INTEGERS))
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


def _end_of_number(payload: bytes, position: int) -> int:
    text = payload
    end = len(payload)
    while position < end and text[position] in b"0123456789.eE+-":
        position += 1
    return position


def _end_of(kind: int, payload: bytes, start: int, value: Value) -> int:
    """Where a value of a kind ends; -1 where none stands."""
    text = payload
    if kind == _TEXT:
        end = native.end_of_text(payload, start)
        value.is_plain = True
        if end < len(payload) and text[end] == _BACKSLASH:
            value.is_plain = False
            end = native.end_of_string(payload, end)
        # What else ends it are control characters, which are no JSON.
        return end if end < len(payload) and text[end] == _QUOTE else -1
    if kind == _INTEGER:
        end = _end_of_integer(payload, start)
    elif kind == _FRACTION:
        end = _end_of_number(payload, start)
        if not _is_fraction(payload, start, end):
            return -1
    else:
        end = native.end_of_integers(payload, start)
    return end if end > start else -1


def _item_of(payload: bytes, value: Value) -> Any:
    """A value, made; None where its hole takes no such one."""
    hole = value.hole
    # Of threads that share a stream by mistake another may have another payload here.
    end = min(value.new_end, len(payload))
    start = min(value.new_start, end)
    if hole.kind == _TEXT:
        if value.is_plain:
            return native.text_at(payload, start, end)
        found = native.unescaped(payload, start, end)
        return found or _decode_string(native.bytes_at(payload, start - 1, end + 1))
    if hole.kind == _INTEGER:
        integer = native.integer_at(payload, start, end)
        if integer > hole.largest:
            return None
        return float(integer) if hole.becomes_float else integer
    if hole.kind == _FRACTION:
        return _decode_fraction(native.bytes_at(payload, start, end))
    integers = native.integers_at(payload, start, end)
    return _decode_integers(native.bytes_at(payload, start, end)) if integers is None else integers


def _begins_number(byte: int) -> bool:
    return _ZERO <= byte <= _NINE or byte == _MINUS


def _kind_of_number(payload: bytes, start: int, end: int) -> int:
    """Which kind of hole takes a number; -1 where none does."""
    if _end_of_integer(payload, start) == end:
        return _INTEGER
    return _FRACTION if _is_fraction(payload, start, end) else -1


def _end_of_integer(payload: bytes, start: int) -> int:
    """Where an integer ends that a hole takes; where it starts if it is none."""
    text = payload
    end = min(len(payload), start + 19)
    position = start
    while position < end and _ZERO <= text[position] <= _NINE:
        position += 1
    if position - start > 18 or (position - start > 1 and text[start] == _ZERO):
        return start
    return position


def _is_fraction(payload: bytes, start: int, end: int) -> bool:
    """Whether a number has a point or an exponent."""
    text = payload
    position = start
    while position < end and text[position] not in b".eE":
        position += 1
    return position < end


def _mark(number: int, kind: int) -> Any:
    """What marks a hole: unlike that of any other, and anything that a payload has."""
    integer = _FIRST_MARK + number
    return (f"<hole {number}>", integer, integer + 0.5, [integer])[kind]


# They know JSON's grammar: what it does not allow, or is too large for a float, is a ValueError.
_decode_string = msgspec.json.Decoder(str).decode
_decode_fraction = msgspec.json.Decoder(float).decode
_decode_integers = msgspec.json.Decoder(list[int]).decode
