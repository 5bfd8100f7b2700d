"""Values that are not as declared, read as they are meant.

Nothing here raises. What cannot be read is left out; the payload itself stays in ``raw``, and
``to_dict()`` gives it back as it came.
"""

from __future__ import annotations

import json
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from msgspec import inspect

from .fields import give_extra
from .model import Model

if TYPE_CHECKING:
    from collections.abc import Callable

    Mender = Callable[[Any], Any]

__all__ = ["mended", "to_integer", "to_text"]

ModelT = TypeVar("ModelT", bound=Model)


def to_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, (dict, list, bool)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def to_integer(value: Any) -> Any:
    """The integer that a float or a text means; anything else as it came."""
    number = value
    if isinstance(value, str):
        try:
            number = float(value) if "." in value or "e" in value.lower() else int(value)
        except ValueError:
            return value
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    return number if isinstance(number, int) else value


def mended(cls: type[ModelT], received: dict[str, Any]) -> ModelT:
    """An object of parsed JSON, each field read by what its type declares.

    Undeclared keys are kept at every level. A value that the type has no use for, null where
    it takes none among them, is left out: the field has its default.
    """
    fields, extra = {}, {}
    menders = _menders_of(cls)
    for key, value in received.items():
        if key not in menders:
            extra[key] = value
            continue
        name, mend = menders[key]
        value = mend(value)
        if value is not None:
            fields[name] = value
    item = cls(**fields)
    give_extra(item, extra)
    return item


@cache
def _menders_of(cls: type[Model]) -> dict[str, tuple[str, Mender]]:
    """For each key that a type declares the field's name, and what reads its values."""
    return {
        field.encode_name: (field.name, _mender_of(field.type))
        for field in msgspec.structs.fields(cls)
    }


def _mender_of(annotation: Any) -> Mender:
    info: Any = inspect.type_info(annotation)
    if isinstance(info, inspect.UnionType):
        [info] = [part for part in info.types if not isinstance(part, inspect.NoneType)]
    if isinstance(info, inspect.Metadata):
        info = info.type
    if isinstance(info, inspect.StructType):
        return partial(_object, info.cls)
    if isinstance(info, inspect.ListType) and isinstance(info.item_type, inspect.StructType):
        return partial(_objects, info.item_type.cls)
    prepare = _PREPARED.get(type(info), _any)

    def mend(value: Any) -> Any:
        try:
            return msgspec.convert(prepare(value), annotation)
        except (msgspec.ValidationError, UnicodeEncodeError):
            return None  # the second is what msgspec makes of half a character where it takes none

    return mend


def _object(cls: Any, value: Any) -> Any:
    return mended(cls, value) if isinstance(value, dict) else None


def _objects(cls: Any, value: Any) -> Any:
    if not isinstance(value, list):
        return None
    return [mended(cls, item) for item in value if isinstance(item, dict)]


def _any(value: Any) -> Any:
    return value


_PREPARED: dict[type, Mender] = {inspect.StrType: to_text, inspect.IntType: to_integer}
