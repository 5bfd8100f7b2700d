"""What a type declares of a field: whether any string, or any integer, may stand there."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

__all__ = ["LARGEST", "largest_in"]

# The largest integer that is read in a hole (``shapes.py``), if the field has no limit of its own.
LARGEST = 10**18 - 1


@cache
def largest_in(cls: type, name: str, depth: int, kind: type) -> int:
    """The largest integer that may stand in a field; for a string it means nothing.

    Args:
        cls: has the field.
        name: of the field.
        depth: how many lists and dicts of the field it is in.
        kind: str or int.

    Returns:
        -1 where the field does not take any string, or any integer up to a largest one; -2 where
        it is declared for no such value at all, and somebody has left one there.
    """
    types = [field.type for field in msgspec.structs.fields(cls) if field.name == name]
    if not types:
        return LARGEST  # a slot beside the fields: nothing is declared there
    infos = _members(msgspec.inspect.type_info(types[0]))
    for _ in range(depth):
        infos = [member for info in infos for member in _members(_items_of(info))]
    declared = msgspec.inspect.StrType if kind is str else msgspec.inspect.IntType
    is_declared = False
    largest = LARGEST
    for info in infos:
        if isinstance(info, msgspec.inspect.AnyType):
            return LARGEST
        is_declared = is_declared or isinstance(info, declared)
        if isinstance(info, (msgspec.inspect.StrType, msgspec.inspect.IntType)):
            largest = min(largest, _limit_of(info))
        elif not isinstance(info, _HARMLESS):
            return -1
    return largest if is_declared else -2


_HARMLESS = (
    msgspec.inspect.BoolType,
    msgspec.inspect.DictType,
    msgspec.inspect.FloatType,
    msgspec.inspect.ListType,
    msgspec.inspect.NoneType,
    msgspec.inspect.StructType,
)


def _members(info: Any) -> list[Any]:
    return list(info.types) if isinstance(info, msgspec.inspect.UnionType) else [info]


def _items_of(info: Any) -> Any:
    if isinstance(info, msgspec.inspect.ListType):
        return info.item_type
    if isinstance(info, msgspec.inspect.DictType):
        return info.value_type
    return info if isinstance(info, msgspec.inspect.AnyType) else msgspec.inspect.NoneType()


def _limit_of(info: Any) -> int:
    if isinstance(info, msgspec.inspect.StrType):
        limits = (info.min_length, info.max_length, info.pattern)
        largest = None
    else:
        limits = (info.gt, info.ge, info.multiple_of)
        largest = info.le if info.lt is None else info.lt - 1
    if any(limit is not None for limit in limits):
        return -1
    return LARGEST if largest is None else largest
