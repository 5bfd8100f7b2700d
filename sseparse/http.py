"""Events of a response object, whichever HTTP client it is from.

``EventSource`` is the loop that everybody wants: the response is checked, read as it arrives,
and given back. ``ResponseReader`` and ``AsyncResponseReader`` are the reading alone, for other
loops; ``iter_response_bytes`` and ``aiter_response_bytes`` for those who parse the bytes
themselves.

Theory of operation
-------------------
A source has one *pull*, which ``EventIterator`` or ``AsyncEventIterator`` asks for the events of
one read after the other. There are two, for ``for`` and for ``async for``, which do the same;
what they have in common, and what a source says of itself, is in ``_Progress``.

What a source says is never ahead of its caller. The parser is, by all the events of one read
that are still to be handed out; so ``_Batch`` knows which of its events was handed out
last, without any Python running for each: it asks its iterator how many are left.
"""

from __future__ import annotations

from operator import length_hint
from typing import TYPE_CHECKING, Any

from . import Event, Parser
from ._errors import EventTooLargeError, NotAnEventStreamError
from ._iterate import Feeder
from ._iterators import AsyncEventIterator, EventIterator
from ._reader import (
    AsyncResponseReader,
    ResponseReader,
    aiter_response_bytes,
    iter_response_bytes,
)
from ._response import (
    MAX_ERROR_BODY,
    aclose_response,
    close_response,
    is_event_stream_type,
    is_left_compressed,
    is_response,
    not_an_event_stream,
    status,
    unknown_response,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from ._iterate import ParserOptions

__all__ = [
    "AsyncResponseReader",
    "EventSource",
    "NotAnEventStreamError",
    "ResponseReader",
    "aclose_response",
    "aiter_response_bytes",
    "close_response",
    "is_response",
    "iter_response_bytes",
    "not_an_event_stream",
]

# What a body can be that broke off in its first word.
_BEGINNINGS = (b"\xef\xbb\xbf", b"data", b"event", b"id", b"retry")


class EventSource:
    """The events of one response.

        with httpx.stream("GET", url) as response:
            for event in EventSource(response):
                print(event.event, event.data)

        async with aiohttp.ClientSession() as session, session.get(url) as response:
            async for event in EventSource(response):
                print(event.event, event.data)

    It takes the responses of httpx, httpx2, requests, urllib3, niquests and aiohttp. Ask
    the client for a streamed response (httpx: ``client.stream(...)``; requests and
    niquests: ``stream=True``; urllib3: ``preload_content=False``); one that the client has
    loaded already gives its events too, but it came only when it had ended. Compressed
    bodies are decompressed as the client does it.

    A response is an event stream if its status is 2xx, but not 204, and its media type,
    parameters and case aside, is ``text/event-stream``. This is checked before the first event,
    and on entering the ``with`` or ``async with`` block where there is one, so that a
    gateway knows it before it begins an answer of its own. A body that its client has left
    compressed, or that has not one line of an event stream, is an error as soon as that shows.

    The response is given back at the end, and closed after an error and when the loop is left
    early. An ``async for`` that is left early is closed by the event loop a little later, and
    under other interpreters than CPython a ``for`` is as well; ``with EventSource(response) as
    source:`` and ``async with`` close it at once. ``close()`` from another thread, and
    ``aclose()`` from another task, end a loop that waits: quietly, and with no event after it.

    An exception of a callback loses nothing: the same iterator can be asked for more. So can it
    after a read that was cancelled, of a response of aiohttp; after any other exception of
    reading it raises again, and never looks like the end.

    Each response can be iterated over once. To reconnect, make a new request, with the
    header ``Last-Event-ID: {source.last_event_id}``, after ``source.retry`` milliseconds,
    and give ``last_event_id=source.last_event_id`` to the new ``EventSource``.

    Args:
        response: what the client returned, once its headers are there.
        check_content_type: False takes any media type, for servers that mislabel their
            streams; the status is still checked.
        check_status: False takes any status, for servers that report errors as events.
        max_error_body: the most bytes that are read of a body that is no event stream, to
            show it in the error; 64 KiB where nothing is said.
        **parser_options: see ``Parser``.

    Attributes:
        response: the response, as it was given.

    Raises:
        TypeError: it is no response that is known here, or it is iterated over in a way
            (``for``, ``async for``) that its client does not have.
        RuntimeError: it has been iterated over before; while iterating, where the response
            has been read before.
        NotAnEventStreamError: while iterating or on entering; see above.
        EventTooLargeError: while iterating, after the events before it.
        SSEError: while iterating, after reading has raised.
        Exception: while iterating, whatever the client raises, unchanged, after the events
            that came before.
    """

    def __init__(
        self,
        response: Any,
        *,
        check_content_type: bool = True,
        check_status: bool = True,
        max_error_body: int = MAX_ERROR_BODY,
        **parser_options: Unpack[ParserOptions],
    ) -> None:
        if not is_response(response):
            raise unknown_response(response)
        self.response = response
        self._progress = _Progress(
            response,
            Parser(**parser_options),
            (check_content_type, check_status, max_error_body),
        )
        self._pull: _Pull | _AsyncPull | None = None  # known with the first for, or with
        self._begun = False

    @property
    def last_event_id(self) -> str:
        """What a reconnection sends: the last event ID as of the event handed out last."""
        return self._progress.last_event_id

    @property
    def retry(self) -> int | None:
        """Milliseconds to wait before reconnecting; None where the server has not said."""
        return self._progress.feeder.parser.retry

    @property
    def truncated(self) -> bool:
        """Whether the stream broke off: inside an event, or because reading it failed.

        False as long as it goes on, and where it was left early: then it is the caller who
        cut it.
        """
        return self._progress.truncated

    def __iter__(self) -> EventIterator:
        pull = self._sync_pull()
        self._begin()
        return EventIterator(pull)

    def __aiter__(self) -> AsyncEventIterator:
        pull = self._async_pull()
        self._begin()
        return AsyncEventIterator(pull)

    def __enter__(self) -> Self:
        self._sync_pull().check()
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        await self._async_pull().check()
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def close(self) -> None:
        """Read no more, and close the response. Any thread may call it."""
        self._progress.stop()
        if isinstance(self._pull, _Pull):
            self._pull.close()
        else:
            close_response(self.response)

    async def aclose(self) -> None:
        """Read no more, and close the response of an asynchronous client. Any task may call it."""
        self._progress.stop()
        if isinstance(self._pull, _AsyncPull):
            await self._pull.aclose()
        else:
            await aclose_response(self.response)

    def _sync_pull(self) -> _Pull:
        if not isinstance(self._pull, _Pull):
            self._pull = _Pull(self._progress, ResponseReader(self.response))
        return self._pull

    def _async_pull(self) -> _AsyncPull:
        if not isinstance(self._pull, _AsyncPull):
            self._pull = _AsyncPull(self._progress, AsyncResponseReader(self.response))
        return self._pull

    def _begin(self) -> None:
        if self._begun or self._progress.closed:
            raise RuntimeError(
                "this EventSource has been iterated over or closed already, and a response can "
                "be read only once; make a new request"
            )
        self._begun = True


class _Batch(list[Event]):
    """The events of one read, and which of them was handed out last."""

    def __init__(self, events: list[Event], last_event_id: str) -> None:
        super().__init__(events)
        self._id_before = last_event_id
        self._rest: Iterator[Event] | None = None

    def __iter__(self) -> Iterator[Event]:
        self._rest = super().__iter__()
        return self._rest

    @property
    def last_event_id(self) -> str:
        if self._rest is None:
            return self._id_before
        handed_out = len(self) - length_hint(self._rest)
        return self[handed_out - 1].id if handed_out > 0 else self._id_before

    def clear(self) -> None:
        self._id_before = self.last_event_id
        super().clear()


class _Progress:
    """What a source says of itself, and what happens whether it is read by ``for`` or not.

    Attributes:
        feeder: makes events of the bytes.
        closed: nothing more is handed out.
        checked: it is an event stream, by its headers.
        refused_body: what has been read of it, where it is none.
        max_error_body: see ``EventSource``.
    """

    def __init__(self, response: Any, parser: Parser, checks: tuple[bool, bool, int]) -> None:
        self.feeder = Feeder(parser)
        self.closed = False
        self.checked = False
        self.refused_body = b""
        self._response = response
        self._check_content_type, self._check_status, self.max_error_body = checks
        self._batch = _Batch([], parser.last_event_id)
        # What has come before the first event, for it may be of no event stream at all.
        self._beginning: bytearray | None = bytearray()
        self._broken = False
        self._error: Exception | None = None  # waits until what came before it is handed out

    @property
    def last_event_id(self) -> str:
        return self._batch.last_event_id

    @property
    def truncated(self) -> bool:
        return self._broken or (self.feeder.ended and self.feeder.parser.truncated)

    def stop(self) -> None:
        """Hand out nothing more."""
        self.closed = True
        self._batch.clear()

    def is_event_stream(self) -> bool:
        """Whether it is one by its headers."""
        number = status(self._response)
        if self._check_status and number is not None and (number == 204 or number // 100 != 2):
            return False
        return not self._check_content_type or is_event_stream_type(self._response)

    def is_due(self) -> bool:
        """Whether ``take_due`` has something, without reading on."""
        return self._error is not None or self.feeder.due

    def take_due(self) -> list[Event]:
        """The events that an exception has held back; or the error that waits."""
        if self._error is None:
            return self._hand_out(self.feeder.go_on())
        error, self._error = self._error, None
        try:
            raise error
        finally:
            del error  # its traceback leads here

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that a chunk completes."""
        beginning = self._beginning
        if beginning is not None:
            beginning += chunk[: self.max_error_body - len(beginning)]
            if is_left_compressed(self._response, bytes(beginning[:16])):
                raise self.not_an_event_stream(bytes(beginning))
        self._note_handed_out()
        events = self.feeder.feed(chunk)
        if events:
            self._beginning = None
        return self._hand_out(events)

    def end(self) -> list[Event]:
        """The last events: the body has ended."""
        self._note_handed_out()
        events = self._hand_out(self.feeder.end())
        beginning = bytes(self._beginning or b"")
        if not events and beginning.strip() and not _may_be_of_an_event_stream(beginning):
            raise self.not_an_event_stream(beginning)
        return events

    def break_off(self, error: Exception) -> list[Event]:
        """The last events, of a body that cannot be read on; the error comes behind them."""
        self._broken = True
        self._note_handed_out()
        events = self.feeder.parser.close()
        if not events:
            raise error
        self._error = error
        return self._hand_out(events)

    def note_broken(self) -> None:
        """It has ended in an error."""
        self._broken = True

    def not_an_event_stream(self, body: bytes) -> NotAnEventStreamError:
        """The error for a response that began with this body."""
        return not_an_event_stream(self._response, body, self.max_error_body)

    def _note_handed_out(self) -> None:
        # The IDs of blocks without data, behind the last event, count from here on.
        self._batch = _Batch([], self.feeder.parser.last_event_id)

    def _hand_out(self, events: list[Event]) -> list[Event]:
        # Where a callback has held events back, the parser is ahead of what was handed out.
        last_event_id = self._batch.last_event_id
        if not events and not self.feeder.due:
            last_event_id = self.feeder.parser.last_event_id
        self._batch = _Batch(events, last_event_id)
        return self._batch


# The two pulls say the same, line by line: a change to one is a change to the other.


class _Pull:
    """The events of a response that is read with ``for``."""

    def __init__(self, progress: _Progress, reader: ResponseReader) -> None:
        self._progress = progress
        self._reader = reader

    @property
    def closed(self) -> bool:
        return self._progress.closed

    def stop(self) -> None:
        self._progress.stop()

    def close(self) -> None:
        self._progress.stop()
        self._reader.close()

    def check(self) -> None:
        """Raise NotAnEventStreamError, with the body, where it is none by its headers."""
        progress = self._progress
        if not progress.checked and not progress.is_event_stream():
            body, failure = progress.refused_body, None
            try:
                while not _shows_enough(body, progress.max_error_body):
                    chunk = self._reader.read()
                    if chunk is None:
                        break
                    body += chunk
            except Exception as error:
                failure = error  # the status says more than a body that cannot be read
            finally:
                self._reader.close()
            progress.refused_body = body
            raise progress.not_an_event_stream(body) from failure
        progress.checked = True

    def next_batch(self) -> list[Event] | None:
        progress = self._progress
        try:
            self.check()
            if progress.is_due():
                return progress.take_due()
            if progress.feeder.ended:
                return None
            try:
                chunk = self._reader.read()
            except Exception as error:
                self._reader.close()
                return progress.break_off(error)
            if progress.closed:
                return None
            return progress.end() if chunk is None else progress.feed(chunk)
        except (EventTooLargeError, NotAnEventStreamError):
            progress.note_broken()
            self._reader.close()
            raise


class _AsyncPull:
    """The events of a response that is read with ``async for``."""

    def __init__(self, progress: _Progress, reader: AsyncResponseReader) -> None:
        self._progress = progress
        self._reader = reader

    @property
    def closed(self) -> bool:
        return self._progress.closed

    def stop(self) -> None:
        self._progress.stop()

    async def aclose(self) -> None:
        self._progress.stop()
        await self._reader.close()

    async def check(self) -> None:
        progress = self._progress
        if not progress.checked and not progress.is_event_stream():
            body, failure = progress.refused_body, None
            try:
                while not _shows_enough(body, progress.max_error_body):
                    chunk = await self._reader.read()
                    if chunk is None:
                        break
                    body += chunk
            except Exception as error:
                failure = error
            finally:
                await self._reader.close()
            progress.refused_body = body
            raise progress.not_an_event_stream(body) from failure
        progress.checked = True

    async def next_batch(self) -> list[Event] | None:
        progress = self._progress
        try:
            await self.check()
            if progress.is_due():
                return progress.take_due()
            if progress.feeder.ended:
                return None
            try:
                chunk = await self._reader.read()
            except Exception as error:
                await self._reader.close()
                return progress.break_off(error)
            except BaseException:
                # Cancelled: where the client has given up, it has broken off, and else goes on.
                if self._reader.failed:
                    progress.note_broken()
                raise
            if progress.closed:
                return None
            return progress.end() if chunk is None else progress.feed(chunk)
        except (EventTooLargeError, NotAnEventStreamError):
            progress.note_broken()
            await self._reader.close()
            raise


def _shows_enough(body: bytes, max_error_body: int) -> bool:
    """Whether to read no more of a body that is no event stream.

    One that is an event stream after all, under a wrong name, may go on for ever.
    """
    return len(body) >= max_error_body or _has_a_line(body)


def _has_a_line(body: bytes) -> bool:
    """Whether there is an event, a comment or a field in it, be it one with a bad value."""
    others: list[str] = []
    parser = Parser(
        max_event_size=None,
        on_comment=others.append,
        on_ignored_value=others.append,
        dispatch_without_data=True,
    )
    return bool(parser.feed(body)) or bool(others)


def _may_be_of_an_event_stream(beginning: bytes) -> bool:
    """Whether there is a line of one, or what may have become one had it not broken off."""
    if _has_a_line(beginning + b"\n\n"):
        return True
    return any(word.startswith(beginning) for word in _BEGINNINGS)
