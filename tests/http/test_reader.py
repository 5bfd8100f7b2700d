"""ResponseReader and AsyncResponseReader where no real response does what is tested at will.

So the responses are stand-ins: as httpx has them, and, as niquests lives in an environment of its
own, as that has them.
"""

from __future__ import annotations

import asyncio
import io
from types import SimpleNamespace
from typing import Any

import pytest

from sseparse.http import AsyncResponseReader, ResponseReader

PING = b"data: ping\n\n"


class Async:
    """A response of httpx's kind: what it gives, and whether it has been closed."""

    def __init__(self, *chunks: bytes, waits: bool = False) -> None:
        self.headers: dict[str, str] = {}
        self.chunks = list(chunks)
        self.waits = waits
        self.goes_on = asyncio.Event()
        self.given = 0
        self.closed = 0

    async def iter_bytes(self) -> Any:
        for chunk in self.chunks:
            self.given += 1
            yield chunk
        if self.waits:
            await self.goes_on.wait()
            yield PING

    async def aclose(self) -> None:
        self.closed += 1


async def begun(reader: AsyncResponseReader) -> asyncio.Task[Any]:
    """A task that waits in a read."""
    reading = asyncio.create_task(reader.read())
    await asyncio.sleep(0)
    return reading


# Closed while it is read.


def test_what_arrives_after_close_is_not_handed_out():
    async def main():
        response = Async(waits=True)
        reader = AsyncResponseReader(response)
        reading = await begun(reader)
        await reader.close()
        response.goes_on.set()
        assert await reading is None
        assert await reader.read() is None
        assert response.closed

    asyncio.run(main())


def test_a_read_that_is_cancelled_after_close_is_cancelled_and_no_failure():
    async def main():
        reader = AsyncResponseReader(Async(waits=True))
        reading = await begun(reader)
        await reader.close()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert not reader.failed
        assert await reader.read() is None

    asyncio.run(main())


@pytest.mark.parametrize(
    ("version", "closed", "expected"),
    [("HTTP/1.1", False, True), ("HTTP/1.1", True, False), ("HTTP/2", False, False)],
)
def test_closing_ends_a_read_by_its_connection_where_that_is_the_responses_alone(
    version, closed, expected
):
    shut: list[bool] = []
    connection = SimpleNamespace(shutdown=lambda how: shut.append(True))
    stream = SimpleNamespace(get_extra_info=lambda name: connection)

    def chunks():
        reader.close()  # as another thread would
        yield PING

    response = SimpleNamespace(
        headers={},
        iter_bytes=chunks,
        http_version=version,
        is_closed=closed,
        extensions={"network_stream": stream},
        close=lambda: None,
    )
    reader = ResponseReader(response)
    assert reader.read() is None
    assert shut == [True] * expected


@pytest.mark.parametrize(("version", "expected"), [(11, True), (20, False)])
def test_it_is_so_with_urllib3_before_it_could_be_shut_down(version, expected):
    shut: list[bool] = []

    def stream(amt, decode_content):
        reader.close()
        yield PING

    response = SimpleNamespace(
        headers={},
        read=None,
        read_chunked=None,
        stream=stream,
        chunked=True,
        isclosed=lambda: False,
        chunk_left=None,
        decode_content=True,
        version=version,
        connection=SimpleNamespace(sock=SimpleNamespace(shutdown=lambda how: shut.append(True))),
        close=lambda: None,
    )
    reader = ResponseReader(response)
    assert reader.read() is None
    assert shut == [True] * expected


# Given back.


def test_releasing_twice_closes_the_response_and_reads_nothing_more():
    async def main():
        response = Async(PING, PING, PING)
        reader = AsyncResponseReader(response)
        assert await reader.read() == PING
        await reader.release()
        given = response.given
        await reader.release()
        assert response.given == given
        assert response.closed

    asyncio.run(main())


def test_of_a_body_that_goes_on_and_on_little_is_read_before_it_is_closed():
    async def main():
        response = Async(PING, *[bytes(32 * 1024)] * 1000)
        reader = AsyncResponseReader(response)
        assert await reader.read() == PING
        await reader.release()
        assert response.closed
        assert response.given < 10

    asyncio.run(main())


# urllib3's.


def test_a_body_that_its_client_keeps_is_read_where_nothing_tells_that_it_was_read():
    response = SimpleNamespace(
        headers={},
        read=None,
        read_chunked=None,
        stream=lambda amt, decode_content: iter(()),
        chunked=False,
        decode_content=True,
        data=PING,
        close=lambda: None,
    )
    reader = ResponseReader(response)
    assert [reader.read(), reader.read()] == [PING, None]


def test_a_type_error_of_reading_itself_is_not_mistaken_for_an_unknown_option():
    def read1(amt, **options):
        raise TypeError("no number")

    response = SimpleNamespace(
        headers={}, read=None, read_chunked=None, read1=read1, close=lambda: None
    )
    with pytest.raises(TypeError, match="no number"):
        ResponseReader(response).read()


# aiohttp's.


def test_what_aiohttp_has_received_and_forgotten_is_read_before_its_error():
    class Content:
        """Two pieces have come, and the connection fails before the second is read."""

        def __init__(self) -> None:
            self.received = [PING, PING]

        def iter_any(self) -> Any:
            return self

        def __aiter__(self) -> Any:
            return self

        async def __anext__(self) -> bytes:
            if len(self.received) == 2:
                return self.received.pop()
            raise ConnectionError

        def _read_nowait(self, amount: int) -> bytes:
            return self.received.pop() if self.received else b""

    async def main():
        reader = AsyncResponseReader(SimpleNamespace(content=Content(), close=lambda: None))
        assert [await reader.read(), await reader.read()] == [PING, PING]
        for _ in range(2):
            with pytest.raises(ConnectionError):
                await reader.read()

    asyncio.run(main())


# niquests'.


class Raw(io.BytesIO):
    """urllib3-future's response, of whose body so much has been read already."""

    chunked = False

    def __init__(self, position: int = 0) -> None:
        super().__init__(PING * 2)
        self.seek(position)

    def isclosed(self) -> bool:
        return self.tell() == len(self.getvalue())

    async def stream(self, amt: int, decode_content: bool) -> Any:
        yield self.read(len(PING))
        yield self.read(len(PING))


class Niquests:
    """An asynchronous response of niquests'."""

    def __init__(self, raw: Any) -> None:
        self.headers: dict[str, str] = {}
        self.raw = raw
        self.closed = 0

    async def iter_content(self, amount: int) -> Any:
        async def chunks() -> Any:
            while chunk := await self.raw.read(amount, decode_content=True):
                yield chunk

        return chunks()

    async def close(self) -> None:
        self.closed += 1


class Consumed(Niquests):
    """One that has been read to its end: iterating over it raises a TypeError."""

    async def iter_content(self, amount: int) -> Any:
        raise TypeError


def test_closing_an_asynchronous_niquests_ends_the_read_that_waits():
    class Waiting(Raw):
        async def stream(self, amt, decode_content):
            await asyncio.Event().wait()
            yield b""

    async def main():
        response = Niquests(Waiting())
        reader = AsyncResponseReader(response)
        reading = await begun(reader)
        await asyncio.sleep(0)
        await reader.close()
        assert await reading is None
        assert response.closed
        assert not reader.failed

    asyncio.run(main())


def test_a_read_of_an_asynchronous_niquests_that_is_cancelled_is_a_failure():
    class Waiting(Raw):
        async def stream(self, amt, decode_content):
            await asyncio.Event().wait()
            yield b""

    async def main():
        reader = AsyncResponseReader(Niquests(Waiting()))
        reading = await begun(reader)
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert reader.failed

    asyncio.run(main())


def test_releasing_an_asynchronous_niquests_reads_to_the_end_of_its_body():
    async def main():
        response = Niquests(Raw())
        reader = AsyncResponseReader(response)
        assert await reader.read() == PING
        await reader.release()
        assert response.raw.isclosed()
        assert response.closed

    asyncio.run(main())


@pytest.mark.parametrize("response", [Niquests(Raw(3)), Consumed(Raw())], ids=["half", "read"])
def test_an_asynchronous_niquests_that_was_used_is_a_runtime_error(response):
    with pytest.raises(RuntimeError, match="has been read before"):
        asyncio.run(AsyncResponseReader(response).read())


def test_a_niquests_of_which_half_was_used_is_a_runtime_error():
    response = SimpleNamespace(
        headers={},
        iter_content=lambda amount: iter([PING]),
        iter_raw=None,
        raw=Raw(3),
        close=lambda: None,
    )
    with pytest.raises(RuntimeError, match="has been read before"):
        ResponseReader(response).read()
