"""Whose response is it: what becomes of the connection when nothing more is wanted of it."""

from __future__ import annotations

import asyncio
import contextlib
import socketserver
import threading
from http.server import BaseHTTPRequestHandler

import http_clients
import httpx
import pytest
from background import running

from sseparse.http import AsyncResponseReader, EventSource, ResponseReader

DONE = b"data: [DONE]\n\n"


class Server(socketserver.ThreadingTCPServer):
    """Answers over connections that stay; the end of a body comes a little after what is wanted."""

    daemon_threads = True
    request_queue_size = 16

    def __init__(self, keeps_open=False):
        super().__init__(("127.0.0.1", 0), Handler)
        self.keeps_open = keeps_open
        self.connections = 0
        self.is_over = threading.Event()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}/"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.server.connections += 1

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(b"%x\r\n%s\r\n" % (len(DONE), DONE))
            if self.server.keeps_open:
                self.server.is_over.wait(10)
            else:
                self.server.is_over.wait(0.01)
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(**options):
    with running(Server(**options)) as server:
        try:
            yield server
        finally:
            server.is_over.set()


SYNC = ["httpx", "httpx2", "requests", "urllib3"]
ASYNC = ["httpx-async", "httpx2-async", "aiohttp"]


@contextlib.asynccontextmanager
async def session_of(name):
    """A function that gets a response, of one client session after the other."""
    if name == "aiohttp":
        import aiohttp

        async with aiohttp.ClientSession() as session:
            yield session.get
    else:
        httpx = __import__(name.removesuffix("-async"))
        limits = httpx.Limits(max_connections=1)
        timeout = httpx.Timeout(10, pool=5)
        async with httpx.AsyncClient(trust_env=False, limits=limits, timeout=timeout) as session:

            async def get(url):
                return await session.send(session.build_request("GET", url), stream=True)

            yield get


@pytest.mark.parametrize("name", ASYNC)
def test_a_response_that_is_released_leaves_its_connection_to_the_next(name):
    async def main(url):
        async with session_of(name) as get:
            for _ in range(4):
                reader = AsyncResponseReader(await get(url))
                assert await reader.read() == DONE
                await reader.release()
                assert await reader.read() is None

    with serving() as server:
        asyncio.run(main(server.url))
        assert server.connections == 1


@pytest.mark.parametrize("name", ASYNC)
def test_a_server_that_keeps_the_body_open_holds_nobody_up(name):
    async def main(url):
        async with session_of(name) as get:
            for _ in range(2):
                reader = AsyncResponseReader(await get(url))
                assert await reader.read() == DONE
                await reader.release()

    with serving(keeps_open=True) as server:
        asyncio.run(main(server.url))
        assert not server.is_over.is_set()
        assert server.connections == 2


@pytest.mark.parametrize("name", ASYNC)
def test_a_stream_read_to_its_end_leaves_its_connection_to_the_next(name):
    async def main(url):
        async with session_of(name) as get:
            for _ in range(3):
                assert len([event async for event in EventSource(await get(url))]) == 1

    with serving() as server:
        asyncio.run(main(server.url))
        assert server.connections == 1


@pytest.mark.parametrize("name", ["httpx", "httpx2"])
def test_a_pool_of_one_connection_serves_the_next_request(name):
    httpx = __import__(name)
    options = {"limits": httpx.Limits(max_connections=1), "timeout": httpx.Timeout(10, pool=1)}
    with serving(keeps_open=True) as server, httpx.Client(trust_env=False, **options) as client:
        for _ in range(3):
            response = client.send(client.build_request("GET", server.url), stream=True)
            reader = ResponseReader(response)
            assert reader.read() == DONE
            reader.release()
        assert not server.is_over.is_set()


@pytest.mark.parametrize("name", SYNC)
def test_a_stream_read_to_its_end_leaves_its_connection_to_the_next_sync(name):
    def responses(url):
        if name in ("httpx", "httpx2"):
            with __import__(name).Client(trust_env=False) as client:
                for _ in range(3):
                    yield client.send(client.build_request("GET", url), stream=True)
        elif name == "requests":
            with __import__(name).Session() as session:
                session.trust_env = False
                for _ in range(3):
                    yield session.get(url, stream=True)
        else:
            with __import__(name).PoolManager(maxsize=1, block=True) as pool:
                for _ in range(3):
                    yield pool.request("GET", url, preload_content=False)

    with serving() as server:
        for response in responses(server.url):
            assert len(list(EventSource(response))) == 1
        assert server.connections == 1


@pytest.mark.parametrize("name", SYNC)
def test_releasing_twice_and_closing_after_it_is_harmless(name):
    with serving() as server, http_clients.get(name, server.url) as response:
        reader = ResponseReader(response)
        assert reader.read() == DONE
        reader.release()
        reader.release()
        reader.close()
        assert reader.closed
        assert reader.read() is None


def test_a_source_that_was_never_read_closes_its_response():
    class Body(httpx.AsyncByteStream):
        async def __aiter__(self):
            yield DONE

    async def main():
        response = httpx.Response(200, stream=Body())
        await EventSource(response).aclose()
        assert response.is_closed

    asyncio.run(main())
    response = httpx.Response(200, stream=httpx.ByteStream(DONE))
    EventSource(response).close()
    assert response.is_closed
