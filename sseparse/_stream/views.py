"""What a stream can be read as beside its objects and texts: the JSON value it grows to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from typing_extensions import Self

__all__ = ["NOTHING", "AsyncMapped", "Mapped", "PartialValue"]

ItemT = TypeVar("ItemT")
ValueT = TypeVar("ValueT")

# What a convert function returns for an item that has nothing for the caller.
NOTHING: Any = object()


class Mapped(Generic[ItemT, ValueT]):
    """What a function makes of each item. Unlike a generator it outlives an exception."""

    def __init__(self, items: Iterator[ItemT], convert: Callable[[ItemT], ValueT]) -> None:
        self._items = items
        self._convert = convert

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ValueT:
        for item in self._items:
            value = self._convert(item)
            if value is not NOTHING:
                return value
        raise StopIteration


class AsyncMapped(Generic[ItemT, ValueT]):
    """``Mapped``, asynchronously."""

    def __init__(self, items: AsyncIterator[ItemT], convert: Callable[[ItemT], ValueT]) -> None:
        self._items = items
        self._convert = convert

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ValueT:
        async for item in self._items:
            value = self._convert(item)
            if value is not NOTHING:
                return value
        raise StopAsyncIteration


class PartialValue:
    """Parses a text again with every piece of it."""

    def __init__(self) -> None:
        try:
            from jiter import from_json
        except ImportError as error:
            raise ImportError(
                'iter_partial_json needs jiter: pip install "sseparse[json]"'
            ) from error
        self._from_json = from_json
        self._text = bytearray()

    def __call__(self, piece: str) -> Any:
        self._text += piece.encode("utf-8", "replace")
        if self._text.isspace():
            return NOTHING
        return self._from_json(bytes(self._text), partial_mode="trailing-strings")
