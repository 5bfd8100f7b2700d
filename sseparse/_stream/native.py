"""The few things that C does in another way; here as Python does them.

The modules that are compiled as they stand call these functions. Where Cython compiles such
a module it takes those of ``native.pxd`` instead, which do the same by knowing where things
lie in memory. A *slot* is a member descriptor: what a class with ``__slots__`` has for each
of them, and a Struct for each of its fields.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

# Not the sample's own: a class may have one that copies more.
_copy_struct: Any = getattr(msgspec.Struct, "__copy__")  # noqa: B009
# In a payload: what ends it; a type, or a key; any other string, a number, a list of integers.
_IN_STRING = rb'[^"\\]*(?:\\.[^"\\]*)*'
_STRING = b'"%b"' % _IN_STRING
_VALUES = re.compile(
    rb' *\}\Z|("type": *%b|%b:)|%b|[-0-9][-+.0-9eE]*|\[[0-9, ]*\]' % (_STRING, _STRING, _STRING),
    re.DOTALL,
)
_REST_OF_STRING = re.compile(_IN_STRING + b'(?=")', re.DOTALL)
_INTEGERS = re.compile(rb"\[[0-9, ]*\]")
_END_OF_TEXT = re.compile(rb'["\\\x00-\x1f]')


def data_of(event: Any) -> Any:
    """The event's data, as bytes."""
    return event.data_bytes


def type_of(event: Any) -> Any:
    """The event's type."""
    return event.event


def id_of(event: Any) -> Any:
    """The last event ID at the event."""
    return event.id


def get(instance: Any, slot: Any) -> Any:
    """What a slot has; None where it has nothing."""
    try:
        return slot.__get__(instance)
    except AttributeError:
        return None


def are_equal_texts(one: Any, other: Any) -> bool:
    """Whether they are the same object, or two strings that are equal."""
    return one is other or (type(one) is str and type(other) is str and one == other)


def is_set(instance: Any, slot: Any) -> bool:
    """Whether a slot has anything."""
    try:
        slot.__get__(instance)
    except AttributeError:
        return False
    return True


def put(instance: Any, slot: Any, value: Any) -> int:
    """Set a slot of a new object, where nothing is yet."""
    slot.__set__(instance, value)
    return 0


def packed(sample: Any, slots: list[Any]) -> Any:
    """Slots of a sample, as ``copy`` wants them; all of them have to be set."""
    return tuple(slots)


def copy(sample: Any, packing: Any) -> Any:
    """A new Struct of the sample's class, with the slots of it that were packed."""
    # What it copies beside them is replaced, or equal.
    new = _copy_struct(sample)
    for slot in packing:
        slot.__set__(new, slot.__get__(sample))
    return new


def packed_holes(holes: list[Any]) -> Any:
    """Slots and numbers of values, as ``fill`` wants them."""
    return tuple(holes)


def fill(instance: Any, packing: Any, values: list[Any], payload: bytes) -> int:
    """Set slots of a new object, where nothing is yet, to values; to the payload for below 0."""
    for slot, number in packing:
        slot.__set__(instance, payload if number < 0 else values[number])
    return 0


def end_of_text(payload: bytes, start: int) -> int:
    """Where the plain part of a JSON string ends: at a quote, a backslash or a control character.

    The length of the payload where nothing of the kind follows.
    """
    found = _END_OF_TEXT.search(payload, start)
    return len(payload) if found is None else found.start()


def end_of_string(payload: bytes, start: int) -> int:
    """Where the quote is that ends a JSON string; the length of the payload where there is none.

    Args:
        payload: has it.
        start: in the string, and not behind a backslash.
    """
    found = _REST_OF_STRING.match(payload, start)
    return len(payload) if found is None else found.end()


def has_at(payload: bytes, position: int, piece: bytes) -> bool:
    """Whether a payload has these bytes at a position."""
    return payload.startswith(piece, position)


def bytes_at(payload: bytes, start: int, end: int) -> bytes:
    """A part of a payload."""
    return payload[start:end]


def goes_on(payload: bytes, position: int, other: bytes, start: int, end: int) -> bool:
    """Whether a payload goes on with a part of another, and the byte that follows it there."""
    return payload.startswith(other[start : end + 1], position)


def ascii_at(payload: bytes, start: int, end: int) -> str | None:
    """A part of a payload, as text; None where that is left to ``text_at``."""
    part = payload[start:end]
    return part.decode() if part.isascii() else None


def text_at(payload: bytes, start: int, end: int) -> str:
    """A part of a payload, as text; ValueError where it is no UTF-8."""
    return payload[start:end].decode()


def unescaped(payload: bytes, start: int, end: int) -> str | None:
    """A part of a JSON string, its escapes decoded; None where that is left to others."""
    return None


def integer_at(payload: bytes, start: int, end: int) -> int:
    """The integer of at most 18 digits that a part of a payload is."""
    return int(payload[start:end])


def end_of_integers(payload: bytes, start: int) -> int:
    """Where a list ends that has nothing but digits, commas and spaces; else where it starts."""
    found = _INTEGERS.match(payload, start)
    return start if found is None else found.end()


def integers_at(payload: bytes, start: int, end: int) -> list[int] | None:
    """The list of integers that a part of a payload is; None where that is left to others."""
    return None


def is_ascii(text: str) -> bool:
    """Whether a text has nothing but ASCII."""
    return text.isascii()


def are_same(one: bytes, start: int, end: int, other: bytes, its_start: int, its_end: int) -> bool:
    """Whether a part of one payload has the same bytes as a part of another."""
    return one[start:end] == other[its_start:its_end]


def skeleton_of(payload: bytes) -> int:
    """A hash of a payload without its strings, numbers and lists of integers.

    Keys are none of these, and a string under "type" says what stands there: it stays. How many
    spaces stand before the last brace makes no difference.
    """
    return hash(_VALUES.sub(_without_value, payload))


def _without_value(found: re.Match[bytes]) -> bytes:
    return found[1] or b"0"
