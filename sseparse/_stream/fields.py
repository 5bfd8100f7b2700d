# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""Which fields of an object are there, and what lies beside them.

Most of an object's many fields are None in most of a stream's objects, and most of its slots
beside the fields are unset. Looking at each by name would be most of what folding costs;
compiled, this looks at all of them in a tenth of that.
"""

from __future__ import annotations

from functools import cache
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

from . import native

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Field",
    "Origin",
    "Present",
    "decoded_as",
    "each",
    "extra_of",
    "give_decoded",
    "give_extra",
    "give_payload",
    "mark_mended",
    "payload_of",
    "slots_of",
    "was_mended",
]


class Origin:
    """The slots of what an object was made of; unset in most objects.

    They are no part of ``repr``, equality, matching or msgspec's own encoding.
    """

    __slots__ = ("_as_decoded", "_extra", "_payload", "_was_mended")

    _payload: bytes
    _extra: dict[str, Any]
    # Whether a value of it, or below it, may be something else than its type declares.
    _was_mended: bool
    # What the payload was decoded to, where decoding it again would give something else.
    _as_decoded: Any


_NOTHING: dict[str, Any] = {}
_PAYLOAD: Any = vars(Origin)["_payload"]
_EXTRA: Any = vars(Origin)["_extra"]
_WAS_MENDED: Any = vars(Origin)["_was_mended"]
_AS_DECODED: Any = vars(Origin)["_as_decoded"]


class Field:
    """One field of a class, to be read without asking the object for it by name.

    Args:
        cls: the objects' class.
        name: the field's.

    Attributes:
        name: the field's.
    """

    def __init__(self, cls: type, name: str) -> None:
        self.name = name
        self._cls = cls
        self._slot = dict(slots_of(cls))[name]

    def of(self, model: Any) -> Any:
        """What the object has there; raises TypeError for one of another class."""
        if type(model) is not self._cls:
            _check(model, self._cls)
        return native.get(model, self._slot)


def each(cls: type, *names: str) -> tuple[Field, ...]:
    """Several fields of a class."""
    return tuple(Field(cls, name) for name in names)


class Present:
    """Finds those of an object's fields that are not None.

    Args:
        cls: the objects' class.
        names: the fields to look at.

    Attributes:
        names: those, in order.
    """

    def __init__(self, cls: type, names: Iterable[str]) -> None:
        wanted = set(names)
        self._cls = cls
        pairs = [pair for pair in slots_of(cls) if pair[0] in wanted]
        self.names = [pair[0] for pair in pairs]
        self._slots = [pair[1] for pair in pairs]

    def of(self, model: Any) -> list[Any]:
        """The names and values of what is there; raises TypeError for another class's object."""
        if type(model) is not self._cls:
            _check(model, self._cls)
        found = []
        for position in range(len(self._slots)):
            value = native.get(model, self._slots[position])
            if value is not None:
                found.append((self.names[position], value))
        return found


def give_payload(model: Any, payload: bytes) -> None:
    """Let a new object know the payload that it was decoded from."""
    native.put(model, _PAYLOAD, payload)


def give_extra(model: Any, extra: dict[str, Any]) -> None:
    """Let an object have undeclared keys."""
    if extra:
        model._extra = extra


def give_decoded(model: Any, decoded: Any) -> None:
    """Let an object know what its payload was decoded to, where decoding it again would not say."""
    model._as_decoded = decoded


def mark_mended(model: Any) -> None:
    """Let it be known that a value may be something else than its type declares."""
    model._was_mended = True


def payload_of(model: Any) -> bytes | None:
    """The payload that an object was decoded from; None where it was not."""
    _check(model, Origin)
    return native.get(model, _PAYLOAD)  # type: ignore[no-any-return]


def decoded_as(model: Any) -> Any:
    """What the payload was decoded to, where decoding it again would give something else."""
    _check(model, Origin)
    return native.get(model, _AS_DECODED)


def extra_of(model: Any) -> dict[str, Any]:
    """The undeclared keys of an object: its own dict, to be read and not to be changed."""
    _check(model, Origin)
    return native.get(model, _EXTRA) or _NOTHING


def was_mended(model: Any) -> bool:
    """Whether a value may be something else than its type declares: it was left as it came."""
    _check(model, Origin)
    return native.get(model, _WAS_MENDED) is not None


def _check(model: Any, cls: type) -> None:
    # Where a slot lies is known of one class; of others' objects it would be anything.
    if not isinstance(model, cls):
        found = type(model)
        wanted = "an object of a stream" if cls is Origin else f"a {cls.__name__} of sseparse"
        raise TypeError(f"expected {wanted}, not {found.__module__}.{found.__qualname__}")


@cache
def slots_of(cls: type) -> tuple[Any, ...]:
    """The names and the slots of a Struct's fields, and of what lies beside them."""
    return tuple(
        (name, slot)
        for base in cls.__mro__
        for name, slot in vars(base).items()
        if isinstance(slot, MemberDescriptorType)
    )
