"""Every way to get events out of chunks of bytes that is measured, used as its documentation says.

``PEERS`` are parsers. Each reads chunks and gives its events, one by one or in lists. What the
documentation of some leaves open is how to give them bytes without a server: they get a response,
a source or a session that has the bytes already.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

import aiohttp
import aiohttp_sse_client.client
import anthropic._streaming
import httpx
import httpx2
import httpx_sse
import ld_eventsource
import ld_eventsource.config
import openai._streaming
import sseclient

from sseparse import _parser_c, _parser_py

HEADERS = {"content-type": "text/event-stream"}

Chunks = list[bytes]


def compiled(chunks: Chunks) -> Iterator[Any]:
    return map(_parser_c.Parser().feed, chunks)


def compiled_to_str(chunks: Chunks) -> Iterator[Any]:
    feed = _parser_c.Parser().feed
    for chunk in chunks:
        events = feed(chunk)
        for event in events:
            event.data  # noqa: B018 - decodes it
        yield events


def in_python(chunks: Chunks) -> Iterator[Any]:
    return map(_parser_py.Parser().feed, chunks)


def with_httpx_sse(chunks: Chunks) -> Iterator[Any]:
    response = httpx.Response(200, headers=HEADERS, content=iter(chunks))
    return httpx_sse.EventSource(response).iter_sse()


def with_httpx2(chunks: Chunks) -> Iterator[Any]:
    request = httpx2.Request("POST", "http://localhost/")
    response = httpx2.Response(200, headers=HEADERS, content=iter(chunks), request=request)
    return iter(httpx2.EventSource(response))


def with_openai(chunks: Chunks) -> Iterator[Any]:
    """Only what turns bytes into events; ``openai.Stream`` does more, see test_chat.py."""
    return openai._streaming.SSEDecoder().iter_bytes(iter(chunks))


def with_anthropic(chunks: Chunks) -> Iterator[Any]:
    return anthropic._streaming.SSEDecoder().iter_bytes(iter(chunks))


class ArrivedBytes(ld_eventsource.config.ConnectStrategy, ld_eventsource.config.ConnectionClient):
    """What launchdarkly-eventsource wants for an input stream from another source."""

    def __init__(self, chunks: Chunks) -> None:
        self.chunks = chunks

    def create_client(self, logger: Any) -> ArrivedBytes:
        return self

    def connect(self, last_event_id: str | None) -> Any:
        return ld_eventsource.config.ConnectionResult(iter(self.chunks), closer=None)


def with_launchdarkly(chunks: Chunks) -> Iterator[Any]:
    return iter(ld_eventsource.SSEClient(connect=ArrivedBytes(chunks)).events)


def with_sseclient_py(chunks: Chunks) -> Iterator[Any]:
    return sseclient.SSEClient(iter(chunks)).events()


class ArrivedResponse:
    """As much of an aiohttp session, and of its response, as aiohttp-sse-client looks at."""

    status = 200
    content_type = HEADERS["content-type"]

    def __init__(self, chunks: Chunks) -> None:
        protocol = aiohttp.base_protocol.BaseProtocol(asyncio.get_running_loop())
        # So large a limit that it never asks for a pause: there is nobody to pause.
        self.content = aiohttp.StreamReader(protocol, limit=2**40)
        for chunk in chunks:
            self.content.feed_data(chunk)
        self.content.feed_eof()
        self.real_url = aiohttp.client.URL("http://localhost/")

    async def request(self, method: str, url: Any, **options: Any) -> ArrivedResponse:
        if self.content.at_eof():
            # It connects again at the end of a stream, until this stops it.
            raise ConnectionError
        return self

    def close(self) -> None:
        pass


def with_aiohttp_sse_client(chunks: Chunks) -> list[Any]:
    async def read() -> list[Any]:
        source = aiohttp_sse_client.client.EventSource(
            "http://localhost/",
            session=ArrivedResponse(chunks),
            reconnection_time=timedelta(0),
        )
        events = []
        async with source:
            try:
                async for event in source:
                    events.append(event)
            except ConnectionError:
                pass
        return events

    return LOOP.run_until_complete(read())


# One for all: making a loop takes longer than many a stream.
LOOP = asyncio.new_event_loop()


class Peer(NamedTuple):
    """A way to read; the distribution whose version is to be told; the name of the type."""

    read: Callable[[Chunks], Iterable[Any]]
    package: str
    type_of: Callable[[Any], str | None] = lambda event: event.event


PEERS = {
    "sseparse": Peer(compiled, "sseparse"),
    "sseparse, data as str": Peer(compiled_to_str, "sseparse"),
    "sseparse in Python": Peer(in_python, "sseparse"),
    "httpx-sse": Peer(with_httpx_sse, "httpx-sse"),
    "httpx2": Peer(with_httpx2, "httpx2"),
    "openai": Peer(with_openai, "openai"),
    "anthropic": Peer(with_anthropic, "anthropic"),
    "launchdarkly-eventsource": Peer(with_launchdarkly, "launchdarkly-eventsource"),
    "sseclient-py": Peer(with_sseclient_py, "sseclient-py"),
    "aiohttp-sse-client": Peer(
        with_aiohttp_sse_client, "aiohttp-sse-client", lambda event: event.type
    ),
}


def events_of(peer: Peer, chunks: Chunks) -> list[tuple[str, str]]:
    """The type and the data of every event; no type is the type "message"."""
    found = []
    for item in peer.read(chunks):
        for event in item if isinstance(item, list) else [item]:
            found.append((peer.type_of(event) or "message", event.data))
    return found
