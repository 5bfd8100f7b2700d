"""Events of iterables of byte chunks: the loop around a parser that everybody would write.

``Feeder`` is what happens once a read, however it is read. An error that waits behind the
events that were returned, and events that an exception has held back, are due before
another read. A source that raises and then ends has not ended well: that is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, TypedDict

from . import Parser
from ._errors import SSEError
from ._iterators import AsyncEventIterator, EventIterator
from ._lines import LineWatch

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

    from typing_extensions import Buffer, Unpack

    from . import Event

__all__ = ["Feeder", "ParserOptions", "aiter_events", "iter_events"]


# What no source gives.
_END = object()


class ParserOptions(TypedDict, total=False):
    """The options of ``Parser``."""

    max_event_size: int | None
    last_event_id: str
    on_comment: Callable[[str], object] | None
    on_ignored_line: Callable[[str], object] | None
    on_ignored_value: Callable[[str], object] | None
    keep_raw: bool
    dispatch_without_data: bool


def iter_events(chunks: Iterable[Buffer], **parser_options: Unpack[ParserOptions]) -> EventIterator:
    """Iterate over the events of an iterable of bytes.

    An event without its blank line at the end of the stream is discarded, as the
    standard wants; use ``Parser`` itself to learn of it.

    What a callback raises, and what ``chunks`` raises, comes out of the iterator; asked
    again it goes on, with nothing lost, as far as ``chunks`` does. ``close()`` closes
    ``chunks``, too, where it is a generator.

    Args:
        chunks: the bytes of one response, cut anywhere, such as ``response.iter_bytes()``.
        **parser_options: see ``Parser``.

    Raises:
        TypeError: ``chunks`` is no iterable of bytes; while iterating, where it gives
            anything but bytes, or lines without their ends.
        EventTooLargeError: after the events before it.
        SSEError: ``chunks`` has raised, and when it was asked again there was nothing more.
        Exception: whatever ``chunks`` or a callback raises, unchanged.
    """
    # Here, not when the first event is asked for: a wrong argument is an error at once.
    feeder = Feeder(Parser(**parser_options))
    _check_source(chunks, "__iter__")
    return EventIterator(_Pull(feeder, iter(chunks)))


def aiter_events(
    chunks: AsyncIterable[Buffer], **parser_options: Unpack[ParserOptions]
) -> AsyncEventIterator:
    """Iterate over the events of an asynchronous iterable of bytes; see ``iter_events``.

    A wrong option is an error at once; that ``chunks`` is no asynchronous iterable is one
    when the first event is asked for. ``await aclose()`` on what it returns closes
    ``chunks`` at once.
    """
    return AsyncEventIterator(_AsyncPull(Feeder(Parser(**parser_options)), chunks))


class Feeder:
    """What happens once a read: bytes go to the parser, and what is due comes first.

    Attributes:
        parser: makes events of the bytes.
        due: there is something to come without reading: call ``go_on``.
        ended: there is nothing more to read.
    """

    def __init__(self, parser: Parser) -> None:
        self.parser = parser
        self.due = False
        self.ended = False
        self._lines: LineWatch | None = LineWatch()
        self._failed_read = ""  # what the last read has raised

    def feed(self, chunk: Buffer) -> list[Event]:
        """The events that a chunk completes."""
        self._failed_read = ""
        # Where a callback raises, events are left behind.
        self.due = True
        events = self.parser.feed(chunk)
        self.due = self.parser.failed
        if self._lines is not None:
            if events:
                self._lines = None
            else:
                self._lines.note(chunk)
        return events

    def go_on(self) -> list[Event]:
        """The events that an exception has held back; or the error that waits."""
        events = self.parser.close() if self.ended else self.parser.feed(b"")
        self.due = self.parser.failed
        return events

    def end(self) -> list[Event]:
        """The last events: there is nothing more to read."""
        if self._failed_read:
            raise SSEError(
                f"the source raised {self._failed_read}, and gave nothing more when it was asked "
                f"again: what was left of the stream is lost"
            )
        self.ended = self.due = True
        if self._lines is not None:
            self._lines.end()
        return self.go_on()

    def note_failed_read(self, error: BaseException) -> None:
        """Reading has raised this, and may be tried again."""
        self._failed_read = type(error).__name__


class _Pull:
    """Events of an iterator of bytes."""

    def __init__(self, feeder: Feeder, chunks: Iterator[Buffer]) -> None:
        self.closed = False
        self._feeder = feeder
        self._chunks = chunks
        self._reading = False

    # The two say the same, line by line: a change to one is a change to the other.

    def next_batch(self) -> list[Event] | None:
        feeder = self._feeder
        if feeder.due:
            return feeder.go_on()
        if feeder.ended:
            return None
        self._reading = True
        try:
            chunk = next(self._chunks, _END)
        except BaseException as error:
            self._reading = False
            feeder.note_failed_read(error)
            raise
        self._reading = False
        return feeder.end() if chunk is _END else feeder.feed(chunk)  # type: ignore[arg-type]

    def stop(self) -> None:
        if self._reading:
            raise ValueError("this iterator is already executing; it waits for its source")
        self.closed = True

    def close(self) -> None:
        # A file is not this iterator's to close.
        if isinstance(self._chunks, Generator):
            self._chunks.close()


class _AsyncPull:
    """Events of an asynchronous iterator of bytes."""

    def __init__(self, feeder: Feeder, source: AsyncIterable[Buffer]) -> None:
        self.closed = False
        self._feeder = feeder
        self._source = source
        self._chunks: AsyncIterator[Buffer] | None = None  # before the first event
        self._reading = False

    async def next_batch(self) -> list[Event] | None:
        feeder = self._feeder
        if feeder.due:
            return feeder.go_on()
        if feeder.ended:
            return None
        if self._chunks is None:
            _check_source(self._source, "__aiter__")
            self._chunks = aiter(self._source)
        self._reading = True
        try:
            chunk = await anext(self._chunks, _END)
        except BaseException as error:
            self._reading = False
            feeder.note_failed_read(error)
            raise
        self._reading = False
        return feeder.end() if chunk is _END else feeder.feed(chunk)  # type: ignore[arg-type]

    def stop(self) -> None:
        if self._reading:
            raise RuntimeError("this iterator is already running; it waits for its source")
        self.closed = True

    async def aclose(self) -> None:
        aclose = getattr(self._chunks or self._source, "aclose", None)
        if aclose is not None:
            await aclose()


def _check_source(chunks: object, method: str) -> None:
    """Say at once, and to the point, what would fail later."""
    kind = "an iterable" if method == "__iter__" else "an asynchronous iterable"
    wanted = f"chunks must be {kind} of bytes, not {type(chunks).__name__}"
    if isinstance(chunks, (str, bytes, bytearray, memoryview)):
        raise TypeError(f"{wanted} itself; a list of one chunk will do")
    if hasattr(chunks, method):
        return
    if hasattr(chunks, "headers"):
        hint = "; sseparse.http.EventSource reads the responses of HTTP clients"
    elif hasattr(chunks, "__aiter__"):
        hint = "; aiter_events is for asynchronous ones"
    elif hasattr(chunks, "__iter__"):
        hint = "; iter_events is for those that are not asynchronous"
    else:
        hint = ""
    raise TypeError(f"{wanted}{hint}")
