"""Whole clients: what a streamed chat completion costs the process that receives it.

Measured is the CPU time, user and system, of the client's process, from sending the request
to the last chunk's text in a list; the server is another process. Each way has a process of
its own, which imports what that way needs and nothing else, and whose first request is not
counted. Every request has to give the right text.

The caveats first. The server sends as fast as it can, so a client that is slower than the
server rarely waits, and finds several writes in one read. Tokens of a model come one by one,
and wake the client for each: that costs every way several times what is measured here, and
makes the ratios smaller. A client that is faster than the server waits in some runs and not
in others; so "aiohttp, bytes alone" varies, and can even cost more than what does more.
Loopback, no TLS, no compression, one stream, one kind of chunk.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import multiprocessing
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from workloads import chat_stream, cut

from sseparse.openai import AsyncChatStream, ChatStream

EVENT_SIZE = 300
COUNT = 5_000
ROUNDS = 2
# Seconds for all requests of one way, which take about five on a slow machine.
TIME_LIMIT = 60

EVENTS = cut(chat_stream(COUNT, EVENT_SIZE), EVENT_SIZE)
TEXT = [json.loads(event[len("data: ") :])["choices"][0]["delta"]["content"] for event in EVENTS]
DONE = b"data: [DONE]\n\n"
BODY_SIZE = COUNT * EVENT_SIZE + len(DONE)

# Name: how many events the server gives to one write, which is also one HTTP chunk.
WRITES = {"20 events a write": 20, "one event a write": 1}

REQUEST: dict[str, Any] = {
    "model": "gpt-4.1",
    "messages": [{"role": "user", "content": "Hi"}],
    "stream": True,
}


# The server.


def http_chunks(events_a_write: int) -> list[bytes]:
    groups = [EVENTS[i : i + events_a_write] for i in range(0, COUNT, events_a_write)]
    bodies = [b"".join(group) for group in groups] + [DONE]
    return [b"%x\r\n%b\r\n" % (len(body), body) for body in bodies] + [b"0\r\n\r\n"]


async def answer(
    writes: dict[str, list[bytes]], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    # So that drain() waits until all is sent; writes that are queued become one.
    writer.transport.set_write_buffer_limits(0)
    try:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:-1])
            await reader.readexactly(int(fields["content-length"]))
            events_a_write = head.split()[1].split("/")[1]
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n"
                b"transfer-encoding: chunked\r\n\r\n"
            )
            for data in writes[events_a_write]:
                writer.write(data)
                await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client has gone
    finally:
        writer.close()


def serve(ready: Any) -> None:
    """Serve for ever, on a port that is sent through the connection ``ready``."""

    async def run() -> None:
        writes = {str(n): http_chunks(n) for n in WRITES.values()}
        server = await asyncio.start_server(partial(answer, writes), "127.0.0.1", 0)
        ready.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


# The clients. Each gives what sends the request; none asks the environment for a proxy.


@asynccontextmanager
async def openai_client(url: str) -> AsyncIterator[Any]:
    import openai

    http_client = openai.DefaultHttpxClient(trust_env=False)
    with openai.OpenAI(api_key="-", base_url=url, http_client=http_client) as client:
        yield client.chat.completions


@asynccontextmanager
async def async_openai_client(url: str) -> AsyncIterator[Any]:
    import openai

    http_client = openai.DefaultAsyncHttpxClient(trust_env=False)
    async with openai.AsyncOpenAI(api_key="-", base_url=url, http_client=http_client) as client:
        yield client.chat.completions


@asynccontextmanager
async def aiohttp_client(url: str) -> AsyncIterator[Any]:
    import aiohttp

    async with aiohttp.ClientSession() as session:
        yield partial(session.post, f"{url}/chat/completions", json=REQUEST)


@asynccontextmanager
async def httpx2_client(url: str) -> AsyncIterator[Any]:
    import httpx2

    with httpx2.Client(trust_env=False) as client:
        yield partial(client.stream, "POST", f"{url}/chat/completions", json=REQUEST)


@asynccontextmanager
async def requests_client(url: str) -> AsyncIterator[Any]:
    import requests

    with requests.Session() as session:
        session.trust_env = False
        yield partial(session.post, f"{url}/chat/completions", json=REQUEST, stream=True)


# What is done with them: a request each, and the texts of its chunks.


def own_stream(completions: Any) -> list[str]:
    with completions.create(**REQUEST) as stream:
        return [chunk.choices[0].delta.content for chunk in stream]


async def own_async_stream(completions: Any) -> list[str]:
    async with await completions.create(**REQUEST) as stream:
        return [chunk.choices[0].delta.content async for chunk in stream]


def sdk_stream(completions: Any) -> list[str]:
    from openai.types.chat import ChatCompletionChunk

    from sseparse.openai.sdk import Stream

    response = completions.with_raw_response.create(**REQUEST)
    with response.parse(to=Stream[ChatCompletionChunk]) as stream:
        return [chunk.choices[0].delta.content for chunk in stream]


async def sdk_async_stream(completions: Any) -> list[str]:
    from openai.types.chat import ChatCompletionChunk

    from sseparse.openai.sdk import AsyncStream

    response = await completions.with_raw_response.create(**REQUEST)
    async with response.parse(to=AsyncStream[ChatCompletionChunk]) as stream:
        return [chunk.choices[0].delta.content async for chunk in stream]


def chat_stream_of_openai(completions: Any) -> list[str | None]:
    with completions.with_streaming_response.create(**REQUEST) as response:
        return [chunk.choices[0].delta.content for chunk in ChatStream(response)]


async def chat_stream_of_async_openai(completions: Any) -> list[str | None]:
    async with completions.with_streaming_response.create(**REQUEST) as response:
        return [chunk.choices[0].delta.content async for chunk in AsyncChatStream(response)]


def chat_stream_of(send: Any) -> list[str | None]:
    with send() as response:
        return [chunk.choices[0].delta.content for chunk in ChatStream(response)]


async def async_chat_stream_of(send: Any) -> list[str | None]:
    async with send() as response:
        return [chunk.choices[0].delta.content async for chunk in AsyncChatStream(response)]


# What the transport takes: the bytes of the body, nothing done with them but to count them.


def bytes_of_openai(completions: Any) -> int:
    with completions.with_streaming_response.create(**REQUEST) as response:
        return sum(len(data) for data in response.iter_bytes())


async def bytes_of_async_openai(completions: Any) -> int:
    async with completions.with_streaming_response.create(**REQUEST) as response:
        return sum([len(data) async for data in response.iter_bytes()])


async def bytes_of_aiohttp(send: Any) -> int:
    async with send() as response:
        return sum([len(data) async for data in response.content.iter_any()])


# Name: (the client, what is done with it, the way it is compared with).
WAYS: dict[str, tuple[Callable[[str], Any], Callable[[Any], Any], str]] = {
    "openai": (openai_client, own_stream, "openai"),
    "openai + sdk.Stream": (openai_client, sdk_stream, "openai"),
    "openai + ChatStream": (openai_client, chat_stream_of_openai, "openai"),
    "openai, bytes alone": (openai_client, bytes_of_openai, "openai"),
    "httpx2 + ChatStream": (httpx2_client, chat_stream_of, "openai"),
    "requests + ChatStream": (requests_client, chat_stream_of, "openai"),
    "async openai": (async_openai_client, own_async_stream, "async openai"),
    "async openai + sdk.AsyncStream": (async_openai_client, sdk_async_stream, "async openai"),
    "async openai + AsyncChatStream": (
        async_openai_client,
        chat_stream_of_async_openai,
        "async openai",
    ),
    "async openai, bytes alone": (async_openai_client, bytes_of_async_openai, "async openai"),
    "aiohttp + AsyncChatStream": (aiohttp_client, async_chat_stream_of, "async openai"),
    "aiohttp, bytes alone": (aiohttp_client, bytes_of_aiohttp, "async openai"),
}


async def cpu_seconds(way: str, url: str) -> float:
    """The least CPU time that this process took for a request."""
    connect, read, _ = WAYS[way]
    best = float("inf")
    async with connect(url) as client:
        for is_counted in [False] + [True] * ROUNDS:
            start = time.process_time()
            result = read(client)
            if inspect.isawaitable(result):
                result = await result
            seconds = time.process_time() - start
            # Not by ``assert``, which this process may have been told to leave out.
            if result not in (TEXT, BODY_SIZE):
                raise AssertionError(f"{way}: the stream was not read right")
            if is_counted:
                best = min(best, seconds)
    return best


def measure(way: str, port: int) -> dict[str, float]:
    """The CPU seconds a request by pattern of writes; to be called in a process of its own."""
    url = f"http://127.0.0.1:{port}"
    return {name: asyncio.run(cpu_seconds(way, f"{url}/{n}")) for name, n in WRITES.items()}


def test_clients(facts: dict[str, Any]) -> None:
    # Not forked: a client must not begin with what pytest has imported.
    context = multiprocessing.get_context("spawn")
    ready, ready_there = context.Pipe(duplex=False)
    server = context.Process(target=serve, args=(ready_there,), daemon=True)
    server.start()
    try:
        assert ready.poll(TIME_LIMIT), "the server did not start"
        port = ready.recv()
        seconds = {}
        for way in WAYS:
            with context.Pool(1) as pool:
                seconds[way] = pool.apply_async(measure, (way, port)).get(TIME_LIMIT)
    finally:
        server.kill()
        server.join()
        ready.close()
        ready_there.close()
        server.close()

    for way, (_, _, base) in WAYS.items():
        for pattern in WRITES:
            group = f"client: {base}, {pattern}"
            facts["times"].append([group, way, seconds[way][pattern], COUNT])
