# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""The loops that bring a reader its bytes: over an iterable, and over an asynchronous one.

A source reads when the reader has nothing more to hand out. The iterators over its objects and
over its texts share it, so that a caller may change from one to the other at any place.

This is ordinary Python, compiled as it stands where there is a compiler; see ``loops.pxd``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from .reader import Reader

from .text import HalfCharacter

__all__ = ["AsyncObjects", "AsyncSource", "AsyncTexts", "Objects", "Source", "Texts"]


class Source:
    """A reader, and the bytes that are for it.

    Args:
        reader: takes the bytes.
        chunks: gives them.
        release: gives back what they are read from, once nothing more of it is wanted.
    """

    def __init__(
        self,
        reader: Reader,
        chunks: Iterator[Any],
        release: Callable[[], None] | None = None,
    ) -> None:
        self.reader = reader
        self._chunks = chunks
        self._release = release

    def read_on(self) -> None:
        """Bring the reader more bytes, or tell it that there are none."""
        try:
            data = next(self._chunks)
        except StopIteration:
            self.reader.end()
        except BaseException:
            self.reader.source_failed = True
            raise
        else:
            self.reader.source_failed = False
            self.reader.receive(data)

    def finish(self) -> None:
        """The reader has nothing more to hand out."""
        release, self._release = self._release, None
        if release is not None:
            release()


class Objects:
    """The objects of a stream. Unlike a generator it outlives an exception."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._reader = source.reader

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        while True:
            found = self._reader.read()
            if found is not None:
                return found
            if self._reader.ended:
                self._source.finish()
                raise StopIteration
            self._source.read_on()


class Texts:
    """The texts that a function makes of a stream's objects, those that are not empty."""

    def __init__(self, source: Source, text_of: Callable[[Any], str]) -> None:
        self._source = source
        self._reader = source.reader
        self._text_of = text_of
        self._half = HalfCharacter()

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        while True:
            found = self._reader.read_text(self._text_of)
            if found is not None:
                found = self._half.complete(found)
                if found:
                    return found
            elif self._reader.ended:
                found = self._half.rest()
                if found:
                    return found
                self._source.finish()
                raise StopIteration
            else:
                self._source.read_on()


class AsyncSource:
    """A reader, and the bytes that are for it, asynchronously; see ``Source``."""

    def __init__(
        self,
        reader: Reader,
        chunks: AsyncIterator[Any],
        release: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self.reader = reader
        self._chunks = chunks
        self._release = release

    async def read_on(self) -> None:
        """Bring the reader more bytes, or tell it that there are none."""
        try:
            data = await self._chunks.__anext__()
        except StopAsyncIteration:
            self.reader.end()
        except BaseException:
            self.reader.source_failed = True
            raise
        else:
            self.reader.source_failed = False
            self.reader.receive(data)

    async def finish(self) -> None:
        """The reader has nothing more to hand out."""
        release, self._release = self._release, None
        if release is not None:
            await release()


class AsyncObjects:
    """The objects of a stream, asynchronously. Unlike a generator it outlives an exception."""

    def __init__(self, source: AsyncSource) -> None:
        self._source = source
        self._reader = source.reader

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        while True:
            found = self._reader.read()
            if found is not None:
                return found
            if self._reader.ended:
                await self._source.finish()
                raise StopAsyncIteration
            await self._source.read_on()


class AsyncTexts:
    """The texts that a function makes of a stream's objects, asynchronously."""

    def __init__(self, source: AsyncSource, text_of: Callable[[Any], str]) -> None:
        self._source = source
        self._reader = source.reader
        self._text_of = text_of
        self._half = HalfCharacter()

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        while True:
            found = self._reader.read_text(self._text_of)
            if found is not None:
                found = self._half.complete(found)
                if found:
                    return found
            elif self._reader.ended:
                found = self._half.rest()
                if found:
                    return found
                await self._source.finish()
                raise StopAsyncIteration
            else:
                await self._source.read_on()
