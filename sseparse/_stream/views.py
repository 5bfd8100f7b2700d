"""What a stream can be read as beside its objects and texts: the JSON value it grows to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..partial_json import PartialJSON, PartialJSONError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from typing_extensions import Self

__all__ = ["AsyncPartialValues", "PartialValues"]


class _Growing:
    """A value, and the error behind what is good of it."""

    def __init__(self, is_whole: Callable[[], bool]) -> None:
        self.partial = PartialJSON()
        self._is_whole = is_whole
        self._error: PartialJSONError | None = None

    def check(self) -> None:
        if self._error is not None:
            raise self._error

    def add(self, piece: str) -> bool:
        """Whether there is more to see."""
        try:
            self.partial.feed(piece)
        except PartialJSONError as error:
            self._error = error
            if not self.partial.changed:
                raise
        return self.partial.changed

    def end(self) -> bool:
        """The same, now that there are no more pieces: a number alone is whole by that."""
        # Of a text that was cut off no number is known to be whole.
        if not self._is_whole():
            return False
        before = self.partial.value
        self.partial.close()
        return self.partial.value is not before


class PartialValues:
    """The value of a text each time more of it comes. Unlike a generator it outlives an exception.

    Args:
        texts: the pieces of the text.
        is_whole: asked at the end of them, whether that is where the text was to end.
    """

    def __init__(self, texts: Iterator[str], is_whole: Callable[[], bool]) -> None:
        self._texts = texts
        self._growing = _Growing(is_whole)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        self._growing.check()
        for piece in self._texts:
            if self._growing.add(piece):
                return self._growing.partial.value
        if self._growing.end():
            return self._growing.partial.value
        raise StopIteration


class AsyncPartialValues:
    """``PartialValues``, asynchronously."""

    def __init__(self, texts: AsyncIterator[str], is_whole: Callable[[], bool]) -> None:
        self._texts = texts
        self._growing = _Growing(is_whole)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        self._growing.check()
        async for piece in self._texts:
            if self._growing.add(piece):
                return self._growing.partial.value
        if self._growing.end():
            return self._growing.partial.value
        raise StopAsyncIteration
