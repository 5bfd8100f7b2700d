# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""Objects of parsed JSON, undeclared keys kept at every level.

msgspec refuses the keys that a type does not declare. So they are taken out first, and
given to the objects afterwards. Ordinary Python, compiled as it stands where there is a compiler:
it is what each payload takes that is of no known shape and has such keys.
"""

from __future__ import annotations

import typing
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from . import fields
from .model import Model

if TYPE_CHECKING:
    # The undeclared keys of an object, and those of the objects in its fields; None for none.
    _Extras = tuple[dict[str, Any], dict[str, Any]] | None

__all__ = ["fields_of", "from_dict"]

ModelT = TypeVar("ModelT", bound=Model)


def from_dict(cls: type[ModelT], received: dict[str, Any]) -> ModelT:
    """An object of parsed JSON, undeclared keys kept at every level.

    Raises:
        msgspec.ValidationError: something else than undeclared keys is not as declared.
    """
    declared, extras = _separated(cls, received)
    model = msgspec.convert(declared, cls)
    if extras is not None:
        _give_extras(model, extras)
    return model


def _separated(cls: type[Model], received: dict[str, Any]) -> tuple[dict[str, Any], _Extras]:
    """The declared part of parsed JSON, and the rest."""
    names = fields_of(cls)
    declared = {}
    extra = {}
    below: dict[str, Any] = {}
    for key, value in received.items():
        if key not in names:
            extra[key] = value
            continue
        nested = names[key]
        if nested is not None and value:
            if isinstance(value, dict):
                value, extras = _separated(nested, value)
            elif isinstance(value, list):
                value, extras = _separated_items(nested, value)
            else:
                extras = None
            if extras is not None:
                below[_names_of(cls)[key]] = extras
        declared[key] = value
    return declared, (extra, below) if extra or below else None


def _separated_items(cls: type[Model], received: list[Any]) -> tuple[list[Any], Any]:
    """The declared parts of a list's items, and the rests; no rests where all are as declared."""
    declared = []
    rests = []
    has_rest = False
    for item in received:
        rest = None
        if isinstance(item, dict):
            item, rest = _separated(cls, item)
            has_rest = has_rest or rest is not None
        declared.append(item)
        rests.append(rest)
    return declared, rests if has_rest else None


def _give_extras(model: Model, extras: tuple[dict[str, Any], dict[str, Any]]) -> None:
    extra, below = extras
    fields.give_extra(model, extra)
    for name, nested in below.items():
        value = getattr(model, name)
        if isinstance(nested, list):
            for item, its_own in zip(value, nested, strict=True):
                if its_own is not None:
                    _give_extras(item, its_own)
        else:
            _give_extras(value, nested)


@cache
def fields_of(cls: type[Model]) -> dict[str, type[Model] | None]:
    """The fields of a type, each with the type of the objects that may be in it."""
    return {
        field.encode_name: next(iter(_models_in(field.type)), None)
        for field in msgspec.structs.fields(cls)
    }


@cache
def _names_of(cls: type[Model]) -> dict[str, str]:
    """The names of a type's fields, by the keys that they have in JSON."""
    return dict(zip(cls.__struct_encode_fields__, cls.__struct_fields__, strict=True))


def _models_in(annotation: Any) -> list[type[Model]]:
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return [annotation]
    return [model for part in typing.get_args(annotation) for model in _models_in(part)]
