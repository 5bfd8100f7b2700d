"""Events of a response object, whichever HTTP client it is from.

The clients are told apart by what their responses can do; none is imported, and none has
to be installed. What differs between them, and is settled here:

- **Reading what has arrived.** Most of their iterators have a mode that waits until a
  buffer is full, an HTTP chunk is whole or the body has ended, and it is often the
  default. An event stream has to be read as it comes.
- **The end.** A body that broke off is an exception in one client; what came before it is
  still delivered here.
- **Sync or async**, and how to close them.

``iter_response_bytes`` and ``aiter_response_bytes`` are the reading alone, for those who
parse the bytes themselves.
"""

from __future__ import annotations

import contextlib
import re
from inspect import isasyncgenfunction, isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any

from . import Parser
from ._errors import NotAnEventStreamError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
    from types import TracebackType

    from typing_extensions import Self, Unpack

    from . import Event
    from ._iterate import ParserOptions

__all__ = [
    "EventSource",
    "NotAnEventStreamError",
    "aclose_response",
    "aiter_response_bytes",
    "close_response",
    "is_response",
    "iter_response_bytes",
    "not_an_event_stream",
]

# The most that one read gives. It bounds, too, what a few compressed bytes can become.
_READ_SIZE = 64 * 1024

# The most that is read of a body that is no event stream, to show it in the error.
_SHOWN_BODY_SIZE = 4096


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
    niquests: ``stream=True``; urllib3: ``preload_content=False``); one that has been read
    already gives its events too, but it came only when it had ended. Compressed bodies are
    decompressed as the client does it.

    A response is an event stream if its status is 2xx and its media type, parameters and
    case aside, is ``text/event-stream``. This is checked before the first event, and on
    entering the ``with`` or ``async with`` block where there is one, so that a gateway
    knows it before it begins an answer of its own.

    The response is closed at the end, after an error, and when the loop is left early. An
    ``async for`` that is left early is closed by the event loop a little later, and under
    other interpreters than CPython a ``for`` is as well; ``with EventSource(response) as
    source:`` and ``async with`` close it at once.

    Each response can be iterated over once. To reconnect, make a new request, with the
    header ``Last-Event-ID: {source.last_event_id}``, after ``source.retry`` milliseconds,
    and give ``last_event_id=source.last_event_id`` to the new ``EventSource``.

    Args:
        response: what the client returned, once its headers are there.
        check_content_type: False takes any media type, for servers that mislabel their
            streams; the status is still checked.
        **parser_options: see ``Parser``.

    Attributes:
        response: the response, as it was given.

    Raises:
        TypeError: it is no response that is known here, or it is iterated over in a way
            (``for``, ``async for``) that its client does not have.
        NotAnEventStreamError: while iterating or on entering; see above.
        EventTooLargeError: while iterating, after the events before it.
        Exception: while iterating, whatever the client raises, unchanged, after the events
            that came before.
    """

    def __init__(
        self,
        response: Any,
        *,
        check_content_type: bool = True,
        **parser_options: Unpack[ParserOptions],
    ) -> None:
        if not is_response(response):
            raise _unknown_response(response)
        self.response = response
        self._check_content_type = check_content_type
        self._parser = Parser(**parser_options)
        self._begun = False
        self._closed = False
        self._broken = False

    @property
    def last_event_id(self) -> str:
        """The last event ID that the server has set; what a reconnection sends."""
        return self._parser.last_event_id

    @property
    def retry(self) -> int | None:
        """Milliseconds to wait before reconnecting; None where the server has not said."""
        return self._parser.retry

    @property
    def truncated(self) -> bool:
        """Whether the stream broke off: inside an event, or because reading it failed.

        False as long as it goes on, and where it was left early: then it is the caller who
        cut it.
        """
        return self._broken or self._parser.truncated

    # The two loops say the same, line by line: a change to one is a change to the other.

    def __iter__(self) -> Generator[Event, None, None]:
        chunks = iter_response_bytes(self.response)
        self._begin()
        return self._iterate(chunks)

    def _iterate(self, chunks: Iterator[bytes]) -> Generator[Event, None, None]:
        parser = self._parser
        try:
            self._check(chunks)
            while not self._closed:
                try:
                    chunk = next(chunks, None)
                except Exception:
                    self._broken = True
                    yield from parser.close()
                    raise
                if chunk is None:
                    yield from parser.close()
                    return
                events = parser.feed(chunk)
                if events:
                    yield from events
                    # An error that waited for these events is due now, not when more bytes come.
                    parser.feed(b"")
        finally:
            self.close()

    def __aiter__(self) -> AsyncGenerator[Event, None]:
        chunks = aiter_response_bytes(self.response)
        self._begin()
        return self._aiterate(chunks)

    async def _aiterate(self, chunks: AsyncIterator[bytes]) -> AsyncGenerator[Event, None]:
        parser = self._parser
        try:
            await self._acheck(chunks)
            while not self._closed:
                try:
                    chunk = await anext(chunks, None)
                except Exception:
                    self._broken = True
                    for event in parser.close():
                        yield event
                    raise
                if chunk is None:
                    for event in parser.close():
                        yield event
                    return
                events = parser.feed(chunk)
                if events:
                    for event in events:
                        yield event
                    parser.feed(b"")
        finally:
            # Left to the garbage collector, it would outlive the response.
            aclose = getattr(chunks, "aclose", None)
            if aclose is not None:
                await aclose()
            await self.aclose()

    def __enter__(self) -> Self:
        if not self._is_event_stream():
            self._check(iter_response_bytes(self.response))
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        if not self._is_event_stream():
            await self._acheck(aiter_response_bytes(self.response))
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def close(self) -> None:
        """Read no more, and close the response."""
        self._closed = True
        close_response(self.response)

    async def aclose(self) -> None:
        """Read no more, and close the response of an asynchronous client."""
        self._closed = True
        await aclose_response(self.response)

    def _begin(self) -> None:
        if self._begun or self._closed:
            raise RuntimeError(
                "this EventSource has been iterated over or closed already, and a response can "
                "be read only once; make a new request"
            )
        self._begun = True

    def _is_event_stream(self) -> bool:
        if not 200 <= _status(self.response) <= 299:
            return False
        if not self._check_content_type:
            return True
        # A header that was sent twice is one value with a comma in most clients.
        essence = re.split("[;,]", _content_type(self.response) or "", maxsplit=1)[0]
        return essence.strip().lower() == "text/event-stream"

    def _check(self, chunks: Iterator[bytes]) -> None:
        if self._is_event_stream():
            return
        body, failure = b"", None
        try:
            for chunk in chunks:
                body += chunk
                if _shows_enough(body):
                    break
        except Exception as error:
            failure = error  # the status says more than a body that cannot be read
        finally:
            self.close()
        raise not_an_event_stream(self.response, body) from failure

    async def _acheck(self, chunks: AsyncIterator[bytes]) -> None:
        if self._is_event_stream():
            return
        body, failure = b"", None
        try:
            async for chunk in chunks:
                body += chunk
                if _shows_enough(body):
                    break
        except Exception as error:
            failure = error
        finally:
            await self.aclose()
        raise not_an_event_stream(self.response, body) from failure


def is_response(value: object) -> bool:
    """Whether it is a response whose bytes ``iter_response_bytes`` or its twin can read."""
    return _kind(value) is not None


def iter_response_bytes(response: Any) -> Iterator[bytes]:
    """Iterate over a response's body as it arrives, decompressed, of whatever status and type.

    No chunk is empty, and none waits for more than its first byte. Leaving early does not
    close the response: see ``close_response``.

    Raises:
        TypeError: at once; it is no response that is known here, or an asynchronous one.
        Exception: while iterating, whatever the client raises, unchanged.
    """
    kind = _kind(response)
    # openai's AsyncAPIResponse has the names of the synchronous one.
    if kind == "httpx" and not isasyncgenfunction(response.iter_bytes):
        return iter(response.iter_bytes())
    if kind == "requests" and not iscoroutinefunction(response.iter_content):
        return _read_requests(response)
    if kind == "urllib3":
        return _read_urllib3(response)
    if kind is None:
        raise _unknown_response(response)
    raise TypeError(f"{_name(response)} is asynchronous: use async for (AsyncChatStream), not for")


def aiter_response_bytes(response: Any) -> AsyncIterator[bytes]:
    """Iterate over the body of an asynchronous client's response; see ``iter_response_bytes``."""
    kind = _kind(response)
    if kind == "httpx" and hasattr(response, "aiter_bytes"):
        return aiter(response.aiter_bytes())
    if kind == "httpx" and isasyncgenfunction(response.iter_bytes):
        return aiter(response.iter_bytes())
    if kind == "requests" and iscoroutinefunction(response.iter_content):
        return _aread_niquests(response)
    if kind == "aiohttp":
        return _aread_aiohttp(response)
    if kind is None:
        raise _unknown_response(response)
    raise TypeError(f"{_name(response)} is not asynchronous: use for (ChatStream), not async for")


def close_response(response: Any) -> None:
    """Close a response, however far it has been read, and give its connection back."""
    if iscoroutinefunction(response.close):
        raise TypeError(f"{_name(response)} is asynchronous: use async with, or aclose()")
    response.close()
    # urllib3 closes the connection, but keeps its place in a pool of limited size.
    if hasattr(response, "release_conn"):
        response.release_conn()


async def aclose_response(response: Any) -> None:
    """Close a response of an asynchronous client; see ``close_response``."""
    closing = (response.aclose if hasattr(response, "aclose") else response.close)()
    if isawaitable(closing):
        await closing


def not_an_event_stream(response: Any, body: bytes) -> NotAnEventStreamError:
    """The error for a response with this beginning of a body, with all that it says of itself."""
    return NotAnEventStreamError(
        body[:_SHOWN_BODY_SIZE], _status(response), _content_type(response), _url(response)
    )


def _kind(response: Any) -> str | None:
    """Whose response it is, by name of the client that has set the pattern."""
    # In this order: requests loads the whole body when asked for ``content``.
    if not hasattr(response, "headers"):
        return None
    if hasattr(response, "iter_bytes"):
        return "httpx"
    if hasattr(response, "iter_content"):
        return "requests"
    if hasattr(response, "read_chunked"):
        # urllib3-future has an asynchronous one, too, which is read in another way.
        return None if iscoroutinefunction(response.read) else "urllib3"
    if hasattr(getattr(response, "content", None), "iter_any"):
        return "aiohttp"
    return None


def _read_urllib3(response: Any) -> Iterator[bytes]:
    nothing_came = True
    for chunk in _AsItArrives(response).stream():
        nothing_came = False
        yield chunk
    # Where preload_content was not False, the body is here.
    if nothing_came and response.data:
        yield response.data


class _AsItArrives:
    """The ``stream`` method that urllib3's responses should have.

    Theirs waits for a whole HTTP chunk, where the server may take its time for each byte
    of it, and for the end of the body where that is not chunked.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    def stream(self, amt: int | None = None, **options: bool) -> Iterator[bytes]:
        raw = self._raw
        if hasattr(raw, "read1"):
            # urllib3-future's read1 can be empty before the end, of a compressed body.
            while (chunk := raw.read1(_READ_SIZE, **options)) or not raw.isclosed():
                if chunk:
                    yield chunk
        else:
            # An older urllib3. Byte by byte is slow, but anything else waits for the end.
            options.setdefault("decode_content", raw.decode_content)
            yield from raw.stream(None if raw.chunked else 1, **options)


class _StreamOnce(_AsItArrives):
    """Says first that nothing has come, so that its generator starts without any reading."""

    def stream(self, amt: int | None = None, **options: bool) -> Iterator[bytes]:
        yield b""
        yield from super().stream(amt, **options)


def _read_requests(response: Any) -> Iterator[bytes]:
    # What niquests adds to requests' responses: -1 means as it arrives.
    if hasattr(response, "iter_raw"):
        yield from response.iter_content(-1)
        return
    chunks = response.iter_content(None)
    raw = response.raw
    if hasattr(raw, "stream"):
        # iter_content() turns urllib3's exceptions into its own, but waits as urllib3 does.
        # It asks ``raw`` for its stream once, when it starts; so it gets a better one then.
        response.raw = _StreamOnce(raw)
        try:
            first = next(chunks, b"")
        finally:
            response.raw = raw
        if first:
            yield first
    yield from chunks


async def _aread_niquests(response: Any) -> AsyncIterator[bytes]:
    chunks = await response.iter_content(-1)
    raw = response.raw
    response.raw = _AsItArrivesAsync(raw)
    try:
        async for chunk in chunks:
            yield chunk
    finally:
        response.raw = raw


class _AsItArrivesAsync:
    """The ``read(-1)`` that niquests means: urllib3-future's waits with compressed bodies.

    It wants as many decompressed bytes as it has read compressed ones, and those that the
    next read brings if they are fewer. Its ``stream(-1)`` does not.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._chunks = raw.stream(-1, decode_content=True)

    async def read(self, amt: int, decode_content: bool) -> Any:
        return await anext(self._chunks, b"")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


async def _aread_aiohttp(response: Any) -> AsyncIterator[bytes]:
    content = response.content
    nothing_came = True
    try:
        async for chunk in content.iter_any():
            nothing_came = False
            yield chunk
    except Exception:
        # Once the connection has failed, aiohttp forgets what it had received before that
        # and nobody had read yet. There is no public way to it.
        rest = b""
        with contextlib.suppress(Exception):
            rest = content._read_nowait(-1)
        if rest:
            yield rest
        raise
    # Where read() has been called already, the body is here.
    if nothing_came and (body := await response.read()):
        yield body


def _shows_enough(body: bytes) -> bool:
    """Whether to read no more of a body that is no event stream.

    One that is an event stream after all, under a wrong name, may go on for ever.
    """
    comments: list[str] = []
    return (
        len(body) >= _SHOWN_BODY_SIZE
        or bool(Parser(on_comment=comments.append).feed(body))
        or bool(comments)
    )


def _status(response: Any) -> int:
    status: int = response.status_code if hasattr(response, "status_code") else response.status
    return status


def _content_type(response: Any) -> str | None:
    content_type: str | None = response.headers.get("content-type")
    return content_type


def _url(response: Any) -> str | None:
    try:
        url = response.url
    except (AttributeError, RuntimeError):  # httpx: a response without its request
        return None
    return None if url is None else str(url)


def _name(response: object) -> str:
    cls = type(response)
    return f"this {cls.__module__.partition('.')[0]} {cls.__qualname__}"


def _unknown_response(value: object) -> TypeError:
    hint = ""
    if hasattr(value, "__await__"):
        hint = " (await it first)"
    elif hasattr(value, "__enter__") or hasattr(value, "__aenter__"):
        hint = " (if it is a context manager, give what its with statement gives)"
    elif hasattr(value, "__iter__") or hasattr(value, "__aiter__"):
        hint = " (iter_events and aiter_events take bytes)"
    return TypeError(
        "response must be a response of httpx, httpx2, requests, urllib3, niquests or aiohttp, "
        f"not {type(value).__name__}{hint}"
    )
