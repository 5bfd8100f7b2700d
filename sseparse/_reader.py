"""The bytes of a response as they arrive, whichever HTTP client it is from.

What differs between the clients, and is settled here:

- **Reading what has arrived.** Most of their iterators have a mode that waits until a
  buffer is full, an HTTP chunk is whole or the body has ended, and it is often the
  default. An event stream has to be read as it comes.
- **A response that was used before** raises in one client, and is empty in another.
- **A read that was cut short**, by a timeout or a cancelled task: most clients cannot go on
  after it, and some then look as if the body had ended.
- **Closing** while another thread or task reads, and giving back what has been read.

``ResponseReader`` and ``AsyncResponseReader`` are all of that, for whatever loops over a response.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from inspect import isasyncgenfunction
from typing import TYPE_CHECKING, Any

from ._errors import SSEError
from ._response import (
    aclose_response,
    close_response,
    is_asynchronous,
    kind,
    name,
    unknown_response,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from typing_extensions import Self

__all__ = [
    "AsyncResponseReader",
    "ResponseReader",
    "aiter_response_bytes",
    "iter_response_bytes",
]

# The most that one read gives. It bounds, too, what a few compressed bytes can become.
_READ_SIZE = 64 * 1024

# Reads of urllib3-future's that give nothing, and are not the end: so much of a compressed
# body can come without a byte to be had of it. What replays responses never tells the end.
_MOST_EMPTY_READS = 10_000

# Seconds and bytes that it may take to find the end of a body behind what was wanted of it.
_DRAIN_TIME = 0.1
_DRAIN_SIZE = 64 * 1024


class ResponseReader:
    """Reads a response of a synchronous client, whatever its status and type.

    ``close()`` may be called from another thread while ``read()`` waits: it returns at once,
    and the read returns None, at once as well; over HTTP/2, where the connection is not this
    response's alone, when the server sends something more.

    Args:
        response: what the client returned, once its headers are there.

    Attributes:
        response: the response, as it was given.
        closed: ``close()`` or ``release()`` has been called.
        failed: reading has raised, and nothing more can come.

    Raises:
        TypeError: it is no response that is known here, or an asynchronous one.
    """

    def __init__(self, response: Any) -> None:
        self.response = response
        self.closed = False
        self._chunks = _chunks_of(response)
        self._reading = False
        self._failure = ""

    @property
    def failed(self) -> bool:
        return bool(self._failure)

    def read(self) -> bytes | None:
        """What has arrived, decompressed, and never empty; None at the end and once closed.

        It waits for the first byte, and for no more.

        Raises:
            RuntimeError: the response has been read before.
            SSEError: an earlier read has raised, and this client cannot go on after that.
            Exception: whatever the client raises, unchanged.
        """
        if self._failure:
            raise _lost(self.response, self._failure)
        self._reading = True
        try:
            # Asked after saying so: what closes it does these two in the other order.
            chunk = None if self.closed else next(self._chunks, None)
        except BaseException as error:
            # Closed meanwhile, it ends quietly, whatever the client makes of that.
            if self.closed and isinstance(error, Exception):
                return None
            self._failure = type(error).__name__
            raise
        finally:
            self._reading = False
            if self.closed:
                self._close_response()
        return None if self.closed else chunk

    def close(self) -> None:
        """Read no more, and close the response. It may be called again, and by any thread."""
        self.closed = True
        if self._reading:
            # Closing would wait for the read. So that is ended, and closes it.
            _interrupt(self.response)
        else:
            self._close_response()

    def release(self) -> None:
        """Give the response back: nothing more of it is wanted.

        Of one that has been read to its end the connection is used again. Any other is
        closed: there is no way to read on without waiting for the server, who may take his time.
        """
        self.close()

    def _close_response(self) -> None:
        close_response(self.response)
        self._chunks = iter(())


class AsyncResponseReader:
    """Reads a response of an asynchronous client; see ``ResponseReader``.

    ``close()`` may be called from another task while ``read()`` waits: the read returns None.

    After a read that was cancelled (``asyncio.wait_for``) aiohttp goes on, with nothing lost;
    every other client has given up its connection, and the next read says so.
    """

    def __init__(self, response: Any) -> None:
        self.response = response
        self.closed = False
        self._chunks = _achunks_of(response)
        self._reading = False
        self._failure = ""

    @property
    def failed(self) -> bool:
        return bool(self._failure)

    async def read(self) -> bytes | None:
        """What has arrived; see ``ResponseReader.read``."""
        if self._failure:
            raise _lost(self.response, self._failure)
        if self.closed:
            return None
        self._reading = True
        try:
            chunk = await anext(self._chunks, None)
        except BaseException as error:
            self._reading = False
            if self.closed:
                await self._close_response()
                if isinstance(error, Exception):
                    return None
            elif not getattr(self._chunks, "goes_on", False):
                self._failure = type(error).__name__
            raise
        self._reading = False
        if self.closed:
            await self._close_response()
            return None
        return chunk

    async def close(self) -> None:
        """Read no more, and close the response. It may be called again, and by any task."""
        self.closed = True
        interrupt = getattr(self._chunks, "interrupt", None)
        if self._reading and interrupt is not None:
            interrupt()  # what reads closes the response then
        else:
            await self._close_response()

    async def release(self) -> None:
        """Give the response back: nothing more of it is wanted.

        Where the body ends within a tenth of a second, and 64 KiB, its connection can be used
        again, over HTTP/1.1; else, and under another event loop than asyncio's, it is closed.
        """
        try:
            if not (self.closed or self._failure or self._reading) and _is_drained(self.response):
                asyncio.get_running_loop()  # raises where there is none
                await asyncio.wait_for(self._drain(), _DRAIN_TIME)
        except Exception:
            pass  # what was wanted of it is here
        finally:
            await self.close()

    async def _drain(self) -> None:
        size = 0
        async for chunk in self._chunks:
            size += len(chunk)
            if size > _DRAIN_SIZE:
                return

    async def _close_response(self) -> None:
        # A generator cannot be closed while it runs; the read that it is in does it then.
        aclose = getattr(self._chunks, "aclose", None)
        if aclose is not None and not self._reading:
            await aclose()
        await aclose_response(self.response)


def iter_response_bytes(response: Any) -> Iterator[bytes]:
    """Iterate over a response's body as it arrives, decompressed, of whatever status and type.

    No chunk is empty, and none waits for more than its first byte. Leaving early does not
    close the response: see ``close_response``.

    Raises:
        TypeError: at once; it is no response that is known here, or an asynchronous one.
        RuntimeError: while iterating; the response has been read before.
        SSEError: while iterating; it has raised, and this client cannot go on after that.
        Exception: while iterating, whatever the client raises, unchanged.
    """
    return iter(ResponseReader(response).read, None)


def aiter_response_bytes(response: Any) -> AsyncIterator[bytes]:
    """Iterate over the body of an asynchronous client's response; see ``iter_response_bytes``."""
    return _AsyncBytes(AsyncResponseReader(response))


class _AsyncBytes:
    """What ``aiter_response_bytes`` returns: no generator, for one that raises is over."""

    def __init__(self, reader: AsyncResponseReader) -> None:
        self._reader = reader

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._reader.read()
        if chunk is None:
            raise StopAsyncIteration
        return chunk


def _lost(response: object, failure: str) -> SSEError:
    return SSEError(
        f"reading {name(response)} has raised {failure}, after which its client cannot go on: "
        f"what was left of the stream is lost; make a new request"
    )


def _used(response: object) -> RuntimeError:
    return RuntimeError(
        f"{name(response)} has been read before, and a response can be read only once; make a "
        f"new request"
    )


def _interrupt(response: Any) -> None:
    """Make the read that another thread is in return, without waiting for it.

    The connection of HTTP/2 is not this response's alone, and is left as it is. Whatever
    is missing raises: then there is no connection any more, or no way to it.
    """
    if kind(response) == "httpx":
        with contextlib.suppress(Exception):
            # The responses of official clients wrap one.
            response = getattr(response, "http_response", response)
            if response.http_version.startswith("HTTP/1") and not response.is_closed:
                stream = response.extensions["network_stream"]
                stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
        return
    raw = getattr(response, "raw", response)
    with contextlib.suppress(Exception):
        raw.shutdown()  # made for this, since urllib3 2.3
    with contextlib.suppress(Exception):
        if raw.version < 20:  # an older one, and urllib3-future
            raw.connection.sock.shutdown(socket.SHUT_RDWR)


def _is_drained(response: Any) -> bool:
    """Whether reading a response to its end is what lets its connection be used again."""
    # With HTTP/2 a response is closed, and the connection stays.
    response = getattr(response, "http_response", response)
    version = getattr(response, "http_version", "HTTP/1.1")
    return isinstance(version, str) and version.startswith("HTTP/1")


# Synchronous clients.


def _chunks_of(response: Any) -> Iterator[bytes]:
    of = kind(response)
    if of is None:
        raise unknown_response(response)
    if is_asynchronous(response):
        raise TypeError(
            f"{name(response)} is asynchronous: use async for (AsyncChatStream), not for"
        )
    if of == "httpx":
        return iter(response.iter_bytes())
    return _read_requests(response) if of == "requests" else _read_urllib3(response)


def _read_urllib3(response: Any) -> Iterator[bytes]:
    if _is_used(response):
        # Where preload_content was not False, the body is here.
        if not response.closed or not response.data:
            raise _used(response)
        yield response.data
        return
    nothing_came = True
    for chunk in _AsItArrives(response).stream():
        nothing_came = False
        yield chunk
    # As above, of what does not tell.
    if nothing_came and (body := getattr(response, "data", b"")):
        yield body


def _is_used(raw: Any) -> bool:
    """Whether somebody has read of a urllib3 response, as far as it tells."""
    try:
        # The bytes of HTTP chunks are not counted where they are read as such.
        if getattr(raw, "chunked", False) and (raw.isclosed() or raw.chunk_left is not None):
            return True
        return bool(raw.tell() > 0)
    except Exception:  # stand-ins of test suites have any of these, or none
        return False


def _is_half_used(raw: Any) -> bool:
    """Whether somebody has read of a response of urllib3-future, and not all of it.

    One of which all has been read is one that the client keeps, or it says so itself.
    """
    return _is_used(raw) and not raw.isclosed()


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
            chunk, options = _first_read1(raw, options)
            empty_reads = 0
            while chunk or (not raw.isclosed() and empty_reads < _MOST_EMPTY_READS):
                if chunk:
                    empty_reads = 0
                    yield chunk
                else:
                    empty_reads += 1
                chunk = raw.read1(_READ_SIZE, **options)
        else:
            # An older urllib3. Byte by byte is slow, but anything else waits for the end.
            options.setdefault("decode_content", raw.decode_content)
            yield from raw.stream(None if raw.chunked else 1, **options)


def _first_read1(raw: Any, options: dict[str, bool]) -> tuple[bytes, dict[str, bool]]:
    try:
        return raw.read1(_READ_SIZE, **options), options
    except TypeError:
        # What replays responses is not urllib3's own, and knows no options.
        if not options:
            raise
        return raw.read1(_READ_SIZE), {}


class _StreamOnce(_AsItArrives):
    """Says first that nothing has come, so that its generator starts without any reading."""

    was_asked = False

    def stream(self, amt: int | None = None, **options: bool) -> Iterator[bytes]:
        self.was_asked = True
        yield b""
        yield from super().stream(amt, **options)


def _read_requests(response: Any) -> Iterator[bytes]:
    # What niquests adds to requests' responses: -1 means as it arrives.
    amount = -1 if hasattr(response, "iter_raw") else None
    try:
        chunks = response.iter_content(amount)
    except TypeError as error:  # their StreamConsumedError is one
        raise _used(response) from error
    raw = getattr(response, "raw", None)
    if amount is not None and _is_half_used(raw):
        raise _used(response)
    if amount is None and hasattr(raw, "stream"):
        # iter_content() turns urllib3's exceptions into its own, but waits as urllib3 does.
        # It asks ``raw`` for its stream once, when it starts; so it gets a better one then.
        response.raw = stream = _StreamOnce(raw)
        try:
            first = next(chunks, b"")
        finally:
            response.raw = raw
        # It was not asked where the client has kept the body.
        if stream.was_asked and _is_used(raw):
            raise _used(response)
        if first:
            yield first
    yield from chunks


# Asynchronous clients.


def _achunks_of(response: Any) -> AsyncIterator[bytes]:
    of = kind(response)
    if of is None:
        raise unknown_response(response)
    if is_asynchronous(response) is False:
        raise TypeError(
            f"{name(response)} is not asynchronous: use for (ChatStream), not async for"
        )
    if of == "aiohttp":
        return _AiohttpChunks(response)
    if of == "requests":
        return _NiquestsChunks(response)
    if isasyncgenfunction(response.iter_bytes):
        return aiter(response.iter_bytes())
    return aiter(response.aiter_bytes())


class _NiquestsChunks:
    """Reads of niquests' that can be ended: its own ``close()`` waits for them.

    So each is a task, which can be cancelled without the one that waits for it.
    """

    def __init__(self, response: Any) -> None:
        self._chunks = _aread_niquests(response)
        self._read: asyncio.Future[bytes]  # that which waits, or the last
        self._interrupted = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        self._read = asyncio.ensure_future(anext(self._chunks))
        try:
            return await self._read
        except asyncio.CancelledError:
            if self._interrupted:
                raise StopAsyncIteration from None
            raise

    def interrupt(self) -> None:
        self._interrupted = True
        self._read.cancel()

    async def aclose(self) -> None:
        await self._chunks.aclose()


async def _aread_niquests(response: Any) -> AsyncGenerator[bytes, None]:
    try:
        chunks = await response.iter_content(-1)
    except TypeError as error:
        raise _used(response) from error
    raw = response.raw
    if _is_half_used(raw):
        raise _used(response)
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


class _AiohttpChunks:
    """aiohttp's own iterator, ``iter_any``, can be asked again after a read that was cancelled.

    Once the connection has failed it raises the same each time.
    """

    goes_on = True

    def __init__(self, response: Any) -> None:
        self._response = response
        self._content = response.content
        self._chunks: AsyncIterator[bytes] | None = None  # before the first read
        self._nothing_came = True

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        if self._chunks is None:
            self._was_used = getattr(self._content, "_cursor", 0) > 0
            self._chunks = aiter(self._content.iter_any())
        try:
            chunk: bytes = await anext(self._chunks)
        except StopAsyncIteration:
            if not self._nothing_came:
                raise
            # Where read() has been called already, the body is here.
            self._nothing_came = False
            if not (body := await self._kept_body()):
                raise
            return body
        except Exception:
            # Once the connection has failed, aiohttp forgets what it had received before that
            # and nobody had read yet. There is no public way to it.
            rest = b""
            with contextlib.suppress(Exception):
                rest = self._content._read_nowait(-1)
            if rest:
                return bytes(rest)
            raise
        if self._was_used and self._nothing_came:
            raise _used(self._response)
        self._nothing_came = False
        return chunk

    async def _kept_body(self) -> bytes:
        read = getattr(self._response, "read", None)
        body: bytes = b"" if read is None else await read()
        if not body and self._was_used:
            raise _used(self._response)
        return body
