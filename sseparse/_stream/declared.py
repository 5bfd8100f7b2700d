"""What a type declares of a field: whether any value of a kind may stand there."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

__all__ = ["LARGEST", "largest_in"]

# The largest integer that is read in a hole (``shapes.py``), if the field has no limit of its own.
LARGEST = 10**18 - 1


@cache
def largest_in(cls: type, name: str, depth: int, kind: type) -> int:
    """The largest integer that may stand in a field; for other values it means nothing.

    Args:
        cls: has the field.
        name: of the field.
        depth: how many lists and dicts of the field it is in.
        kind: str, int or float; list, for one of integers.

    Returns:
        -1 where the field does not take any such value, or any integer up to a largest one; -2
        where it is declared for no such value at all, and somebody has left one there.
    """
    types = [field.type for field in msgspec.structs.fields(cls) if field.name == name]
    if not types:
        return LARGEST  # a slot beside the fields: nothing is declared there
    infos = _members(msgspec.inspect.type_info(types[0]))
    for _ in range(depth + (kind is list)):
        if kind is list and any(map(_is_limited, infos)):
            return -1
        infos = [member for info in infos for member in _members(_items_of(info))]
    declared = _DECLARED[kind]
    is_declared = False
    largest = LARGEST
    for info in infos:
        if isinstance(info, msgspec.inspect.AnyType):
            return LARGEST
        is_declared = is_declared or isinstance(info, declared)
        if isinstance(info, _LIMITED):
            largest = min(largest, _limit_of(info))
        elif not isinstance(info, _HARMLESS):
            return -1
    if kind is list and largest < LARGEST:
        return -1
    return largest if is_declared else -2


_DECLARED = {
    str: msgspec.inspect.StrType,
    int: msgspec.inspect.IntType,
    list: msgspec.inspect.IntType,
    float: msgspec.inspect.FloatType,
}
_LIMITED = (msgspec.inspect.StrType, msgspec.inspect.IntType, msgspec.inspect.FloatType)
_HARMLESS = (
    msgspec.inspect.BoolType,
    msgspec.inspect.DictType,
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


def _is_limited(info: Any) -> bool:
    """Whether a list may only have so many items."""
    if not isinstance(info, msgspec.inspect.ListType):
        return False
    return info.min_length is not None or info.max_length is not None


def _limit_of(info: Any) -> int:
    """The largest integer that is taken; -1 where there is any other limit."""
    largest = None
    if isinstance(info, msgspec.inspect.StrType):
        limits: tuple[Any, ...] = (info.min_length, info.max_length, info.pattern)
    elif isinstance(info, msgspec.inspect.FloatType):
        limits = (info.gt, info.ge, info.lt, info.le, info.multiple_of)
    else:
        limits = (info.gt, info.ge, info.multiple_of)
        largest = info.le if info.lt is None else info.lt - 1
    if any(limit is not None for limit in limits):
        return -1
    return LARGEST if largest is None else largest
