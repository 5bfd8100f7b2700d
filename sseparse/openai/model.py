"""The base of all objects: dumping, unknown keys, equality, pickling.

How an object remembers what it was made of. Nothing is parsed twice on the normal
path, so an object knows only its source:

- a chunk keeps its payload's bytes in ``_payload`` and parses them on demand;
- what took the decoder's second path was parsed to dicts there, and each object has its
  own part of them in ``_received``;
- a mended object keeps a copy of what it was mended to in ``_original``, which tells a field
  that was mended from one that its user changed;
- objects that sseparse itself builds (the final completion), and those of keys that the
  decoder has learned, keep unknown keys in ``_extra``.

All of it lives in slots beside the Struct's fields, so that they are no part of ``repr``,
equality, matching or msgspec's own encoding.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = ["Model", "public_type"]


class _Origin:
    """The slots of what an object was made of; unset in most objects."""

    __slots__ = ("_extra", "_original", "_payload", "_received")

    _payload: bytes
    _received: dict[str, Any]
    _original: Model
    _extra: dict[str, Any]


class Model(_Origin, msgspec.Struct, kw_only=True, gc=False, eq=False, omit_defaults=True):
    """What all objects share: dumping, unknown keys, equality, pickling.

    Objects are mutable, and a changed field is what ``to_dict()`` gives. Where a field
    had to be mended (content that came as a list of parts, say), ``to_dict()`` gives it
    as it came until it is changed.
    """

    # Whether the decoder's first path made it: then nothing unknown is in it.
    _is_declared: ClassVar[bool] = False
    # Nor anything rare.
    _is_exact: ClassVar[bool] = False
    # Fields that may have objects in them.
    _nested: ClassVar[tuple[str, ...]] = ()
    # Fields that to_dict() always gives, None or not.
    _always: ClassVar[tuple[str, ...]] = ()

    @property
    def model_extra(self) -> dict[str, Any]:
        """What came under keys that the type does not declare; parsed on demand."""
        extra = getattr(self, "_extra", None)
        if extra is not None:
            return dict(extra)
        received = self._as_came()
        if received is None:
            return {}
        declared = _declared(type(self))
        return {key: value for key, value in received.items() if key not in declared}

    def to_dict(self) -> dict[str, Any]:
        """The object as plain dicts and lists, as it was received.

        Keys that the types do not declare are included at every level, and fields that
        were changed since are given as they are now. An object that did not come from
        a server has every field that is not None.
        """
        received = self._as_came()
        if received is None:
            return self._fields_to_dict()
        original = getattr(self, "_original", None)
        if original is None:
            original = msgspec.convert(received, public_type(self))
        return _as_received(self, original, received)  # type: ignore[no-any-return]

    def to_json(self, *, indent: int | None = None) -> str:
        """``to_dict()`` as JSON text.

        Args:
            indent: spaces a level; None puts everything on one line.
        """
        separators = (",", ":") if indent is None else None
        as_dict = self.to_dict()
        text = json.dumps(as_dict, ensure_ascii=False, indent=indent, separators=separators)
        try:
            text.encode()
        except UnicodeEncodeError:
            # Half a character that came alone can be written as an escape only.
            text = json.dumps(as_dict, indent=indent, separators=separators)
        return text

    def model_dump(self) -> dict[str, Any]:
        """The pydantic spelling of ``to_dict()``."""
        return self.to_dict()

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """The pydantic spelling of ``to_json()``."""
        return self.to_json(indent=indent)

    def _fields_to_dict(self) -> dict[str, Any]:
        always = self._always
        plain = {
            name: _to_plain(value)
            for name in self.__struct_fields__
            if (value := getattr(self, name)) is not None or name in always
        }
        extra = getattr(self, "_extra", None)
        if extra:
            plain = {**extra, **plain}
        return plain

    def _as_came(self) -> dict[str, Any] | None:
        """The object's own part of the payload; None where no payload is known."""
        received = getattr(self, "_received", None)
        if received is None and (payload := getattr(self, "_payload", None)) is not None:
            # The decoder's first path made the object of it, so it is good JSON.
            received = msgspec.json.decode(payload)
        return received

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        if public_type(self) is not public_type(other):
            return False
        return all(getattr(self, name) == getattr(other, name) for name in self.__struct_fields__)

    # msgspec has one of its own, which knows nothing of this equality.
    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Self:
        return self.__reduce__()[0](*self.__reduce__()[1])  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        slots = {name: getattr(self, name) for name in _Origin.__slots__ if hasattr(self, name)}
        return _restore, (public_type(self), fields, slots)


def _restore(cls: type[Model], fields: dict[str, Any], slots: dict[str, Any]) -> Model:
    model = cls(**fields)
    for name, value in slots.items():
        setattr(model, name, value)
    return model


_PUBLIC_TYPES = f"{__package__}.types"


@cache
def _declared(cls: type[Model]) -> frozenset[str]:
    return frozenset(cls.__struct_fields__)


def public_type(model: Model) -> type[Model]:
    """The class that people know; the decoder's stricter twins derive from those."""
    return next(cls for cls in type(model).__mro__ if cls.__module__ == _PUBLIC_TYPES)


def _to_plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, list):
        # No deeper: lists in lists are JSON that nobody declares, as deep as a server likes.
        return [item.to_dict() if isinstance(item, Model) else item for item in value]
    return value


def _as_received(now: Any, original: Any, received: Any) -> Any:
    """``received``, but for what was changed since it was decoded to ``original``."""
    if now == original:
        return received
    if isinstance(now, Model) and type(original) is public_type(now):
        result = dict(received)
        for name in now.__struct_fields__:
            value, before = getattr(now, name), getattr(original, name)
            if value != before:
                result[name] = _as_received(value, before, received.get(name))
        return result
    if isinstance(now, list) and isinstance(original, list) and len(now) == len(original):
        return [_as_received(*items) for items in zip(now, original, received, strict=False)]
    return _to_plain(now)
