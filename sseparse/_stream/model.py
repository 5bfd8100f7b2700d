"""The base of all objects: dumping, undeclared keys, equality, pickling.

An object is made of JSON in one of three ways: a decoder of msgspec makes it of a payload's
bytes, which refuses whatever is not exactly as declared, undeclared keys included; ``from_dict``
(``convert.py``) makes it of parsed JSON and keeps undeclared keys; or an API's own function mends
what is broken. How it remembers what it was made of:

- an object that is a whole payload keeps the bytes in ``_payload``, and parses them on demand;
- an object that came with keys that its type does not declare keeps those in ``_extra``.

Both are slots beside the Struct's fields (``fields.py``). Where neither is set there is nothing to
remember.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import msgspec

from .changes import dict_of, json_of, plain, written
from .fields import Origin, extra_of, give_decoded, payload_of, was_mended

if TYPE_CHECKING:
    from typing_extensions import Self

__all__ = [
    "Model",
    "decodes",
    "prepare",
    "settle",
]


class Model(
    Origin,
    msgspec.Struct,
    kw_only=True,
    gc=False,
    eq=False,
    omit_defaults=True,
    forbid_unknown_fields=True,
):
    """What all objects share: dumping, undeclared keys, equality, pickling.

    Objects are mutable, and a changed field is what ``to_dict()`` gives. Where a field
    had to be mended (content that came as a list of parts, say), a chunk's ``to_dict()`` gives
    it as it came until it is changed.
    """

    # Fields that to_dict() always gives, None or not.
    _always: ClassVar[tuple[str, ...]] = ()

    @property
    def model_extra(self) -> dict[str, Any]:
        """What came under keys that the type does not declare; each time a new object."""
        return _copied(extra_of(self))  # type: ignore[no-any-return]

    def to_dict(self) -> dict[str, Any]:
        """The object as plain dicts and lists.

        A chunk is given as it was received, every key at every level, but for fields that
        were changed since: those are given as they are now. Any other object has its fields
        that are not None, and the keys that its type does not declare.
        """
        payload = payload_of(self)
        if payload is None:
            return self._fields_to_dict()
        return dict_of(self, payload, _DECODERS[type(self)])  # type: ignore[no-any-return]

    def to_json(self, *, indent: int | None = None) -> str:
        """``to_dict()`` as JSON text; of a chunk that nobody has changed, the text as it came.

        Args:
            indent: spaces a level; None puts on one line whatever did not come on several.
        """
        payload = payload_of(self)
        if payload is None or indent is not None:
            return written(self.to_dict(), indent, was_mended(self))
        return json_of(self, payload, _DECODERS[type(self)])

    def model_dump(self) -> dict[str, Any]:
        """The pydantic spelling of ``to_dict()``."""
        return self.to_dict()

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """The pydantic spelling of ``to_json()``."""
        return self.to_json(indent=indent)

    def _fields_to_dict(self) -> dict[str, Any]:
        always = self._always
        fields = {
            key: plain(value)
            for name, key in zip(self.__struct_fields__, self.__struct_encode_fields__, strict=True)
            if (value := getattr(self, name)) is not None or name in always
        }
        extra = extra_of(self)
        return {**_copied(extra), **fields} if extra else fields

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        if type(self) is not type(other):
            return False
        return all(getattr(self, name) == getattr(other, name) for name in self.__struct_fields__)

    # msgspec has one of its own, which knows nothing of this equality.
    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Self:
        make, arguments = self.__reduce__()
        return make(*arguments)  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        slots = {name: getattr(self, name) for name in Origin.__slots__ if hasattr(self, name)}
        return _restore, (type(self), fields, slots)


def _restore(cls: type[Model], fields: dict[str, Any], slots: dict[str, Any]) -> Model:
    model = cls(**fields)
    for name, value in slots.items():
        setattr(model, name, value)
    return model


def prepare(*classes: type[msgspec.Struct]) -> None:
    """Have msgspec look at types, and at all that is in them, while their module is imported.

    Else it does when it first decodes one, and is not made for threads there: another that decodes
    the same type meanwhile finds it half known, and Python crashes.
    """
    for cls in classes:
        msgspec.json.Decoder(cls)


def settle(model: Model) -> None:
    """Let ``to_dict()`` take an object as it is now for what its payload says."""
    give_decoded(model, copy.deepcopy(model))


class Decoder(Protocol):
    """What makes objects of a type again of their payload."""

    def decode(self, payload: bytes) -> Any:
        """The object that the payload was decoded to."""


_DECODERS: dict[type[Model], Decoder] = {}


def decodes(cls: type[Model], decoder: Decoder) -> None:
    """Say what decodes a payload to this type, to tell what was changed in a mended object."""
    _DECODERS[cls] = decoder


def _copied(value: Any) -> Any:
    """A copy of JSON. Objects of one stream share undeclared keys that are equal."""
    try:
        if isinstance(value, dict):
            return {key: _copied(item) for key, item in value.items()}
        return [_copied(item) for item in value] if isinstance(value, list) else value
    except RecursionError:
        return value  # as deep as that it came alone
