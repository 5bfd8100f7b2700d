"""What a stream can be read as beside its chunks: the text, or the JSON value it grows to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from typing_extensions import Self

__all__ = ["AsyncMapped", "Mapped", "PartialJSON", "text_of"]

ValueT = TypeVar("ValueT")

# What a convert function returns for a chunk that has nothing for the caller.
NOTHING: Any = object()


class Mapped(Generic[ValueT]):
    """What a function makes of each chunk. Unlike a generator it outlives an exception."""

    def __init__(self, chunks: Iterator[Any], convert: Callable[[Any], ValueT]) -> None:
        self._chunks = chunks
        self._convert = convert

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> ValueT:
        for chunk in self._chunks:
            value = self._convert(chunk)
            if value is not NOTHING:
                return value
        raise StopIteration


class AsyncMapped(Generic[ValueT]):
    """``Mapped``, asynchronously."""

    def __init__(self, chunks: AsyncIterator[Any], convert: Callable[[Any], ValueT]) -> None:
        self._chunks = chunks
        self._convert = convert

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ValueT:
        async for chunk in self._chunks:
            value = self._convert(chunk)
            if value is not NOTHING:
                return value
        raise StopAsyncIteration


class PartialJSON:
    """Parses the text of a choice again with every piece of it."""

    def __init__(self, choice: int) -> None:
        try:
            from jiter import from_json
        except ImportError as error:
            raise ImportError(
                'iter_partial_json needs jiter: pip install "sseparse[json]"'
            ) from error
        self._from_json = from_json
        self._choice = choice
        self._text = bytearray()

    def __call__(self, chunk: Any) -> Any:
        text = text_of(self._choice, chunk)
        if text is NOTHING:
            return NOTHING
        self._text += text.encode("utf-8", "replace")
        if self._text.isspace():
            return NOTHING
        return self._from_json(bytes(self._text), partial_mode="trailing-strings")


def text_of(index: int, chunk: Any) -> str:
    text = ""
    for choice in chunk.choices:
        if choice.index == index:
            delta = getattr(choice, "delta", None)
            text += (choice.text if delta is None else delta.content) or ""
    return text or NOTHING
