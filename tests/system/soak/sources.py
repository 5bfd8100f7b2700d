"""Where the bytes of a stream come from: a connection, a blocking socket, or a gateway.

Each counts what it brings. A slow one takes its time between two reads.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from typing import TYPE_CHECKING

from apis import APIS
from processes import HOST

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from plans import Plan

__all__ = ["AsyncSource", "Source", "direct", "in_thread", "relayed"]

SLOW = 1  # seconds between two reads
AT_ONCE = 65536  # bytes


class AsyncSource:
    """The bytes of one stream, as they are read.

    Attributes:
        received: how many have come.
        reads: how often.
        kept: all of them, where it was asked to keep them.
    """

    def __init__(self, reader: asyncio.StreamReader, is_slow: bool, keep: bool = False) -> None:
        self._reader = reader
        self._pause = SLOW if is_slow else 0
        self.kept: bytearray | None = bytearray() if keep else None
        self.received = 0
        self.reads = 0

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        while data := await self._reader.read(AT_ONCE):
            self.received += len(data)
            self.reads += 1
            if self.kept is not None:
                self.kept += data
            yield data
            if self._pause:
                await asyncio.sleep(self._pause)

    async def read_rest(self) -> None:
        """Read what the way of reading did not care for: what stands behind its end."""
        self._pause = 0
        async for _ in self:
            pass


class Source:
    """The bytes of one stream, as a thread reads them from a blocking socket."""

    def __init__(self, connection: socket.socket, is_slow: bool) -> None:
        self._connection = connection
        self._pause = SLOW if is_slow else 0
        self.received = 0
        self.reads = 0

    def __iter__(self) -> Iterator[bytes]:
        while data := self._connection.recv(AT_ONCE):
            self.received += len(data)
            self.reads += 1
            yield data
            if self._pause:
                time.sleep(self._pause)

    def read_rest(self) -> None:
        """Read what the way of reading did not care for: what stands behind its end."""
        self._pause = 0
        for _ in self:
            pass

    def give_up(self) -> None:
        """Have it end for the thread that waits for more."""
        self._pause = 0
        with contextlib.suppress(OSError):
            self._connection.shutdown(socket.SHUT_RDWR)


@contextlib.asynccontextmanager
async def direct(port: int, plan: Plan) -> AsyncIterator[AsyncSource]:
    """A plan's bytes from the server."""
    async with _connection(port, b"%d\n" % plan.number) as reader:
        yield AsyncSource(reader, plan.slow)


@contextlib.asynccontextmanager
async def relayed(port: int, plan: Plan) -> AsyncIterator[AsyncSource]:
    """A plan's bytes, and what else the gateway says.

    In the HTTP of old, whose bodies are neither in chunks nor compressed.
    """
    head = f"POST /{plan.number}{APIS[plan.kind].path} HTTP/1.0\r\nContent-Length: 2\r\n\r\n"
    async with _connection(port, head.encode() + b"{}") as reader:
        status = await reader.readuntil(b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        # A reset may have overtaken all that the server has sent: then there is no stream.
        assert b" 200 " in status or (b" 502 " in status and plan.ending == "reset"), status
        yield AsyncSource(reader, plan.slow, keep=True)


@contextlib.asynccontextmanager
async def _connection(port: int, request: bytes) -> AsyncIterator[asyncio.StreamReader]:
    reader, writer = await asyncio.open_connection(HOST, port, limit=8192)
    try:
        writer.write(request)
        yield reader
    finally:
        writer.transport.abort()


@contextlib.contextmanager
def in_thread(port: int, plan: Plan) -> Iterator[Source]:
    """A plan's bytes from the server, for a thread."""
    with socket.create_connection((HOST, port)) as connection:
        connection.sendall(b"%d\n" % plan.number)
        yield Source(connection, plan.slow)
