"""Bytes to events: sseparse against what people use, and against the wrong way everyone writes.

Each way is used as its documentation says, and has to give the right events before it is
timed. What they make differs: httpx-sse and httpx2 decode the data of each event to
``str``; sseparse does when asked, so it is timed with and without.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import httpx2
import httpx_sse
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from workloads import chat_stream, cut

from sseparse import _parser_c, _parser_py

EVENT_SIZE = 300
STREAM = chat_stream(5_000, EVENT_SIZE)
READS = {"16 KiB chunks": cut(STREAM, 16 * 1024), "one event a read": cut(STREAM, EVENT_SIZE)}
DATA = [event[len("data: ") : -2].decode() for event in cut(STREAM, EVENT_SIZE)]


def compiled(chunks: list[bytes]) -> Iterator[Any]:
    return map(_parser_c.Parser().feed, chunks)


def compiled_to_str(chunks: list[bytes]) -> Iterator[Any]:
    feed = _parser_c.Parser().feed
    return ([event.data for event in feed(chunk)] for chunk in chunks)


def in_python(chunks: list[bytes]) -> Iterator[Any]:
    return map(_parser_py.Parser().feed, chunks)


def with_httpx_sse(chunks: list[bytes]) -> Iterator[Any]:
    headers = {"content-type": "text/event-stream"}
    response = httpx.Response(200, headers=headers, content=iter(chunks))
    return httpx_sse.EventSource(response).iter_sse()


def with_httpx2(chunks: list[bytes]) -> Iterator[Any]:
    headers = {"content-type": "text/event-stream"}
    request = httpx2.Request("POST", "http://localhost/")
    response = httpx2.Response(200, headers=headers, content=iter(chunks), request=request)
    return iter(httpx2.EventSource(response))


def by_splitting(chunks: list[bytes]) -> Iterator[Any]:
    """Wrong at every CRLF, comment, id and cut, and needs the whole body, given here for free."""
    yield [block[6:] for block in STREAM.split(b"\n\n")]


def data_of(result: Any) -> list[str]:
    """The data of whatever a way yields: an event, or a list of events or of their data."""
    if isinstance(result, list):
        return [data for item in result for data in data_of(item)]
    if isinstance(result, bytes):
        return [result.decode()] if result else []
    return [result if isinstance(result, str) else result.data]


WAYS = {
    "sseparse": compiled,
    "sseparse, data as str": compiled_to_str,
    "sseparse in Python": in_python,
    "httpx-sse": with_httpx_sse,
    "httpx2": with_httpx2,
    "split": by_splitting,
}


@pytest.mark.parametrize("reads", READS)
@pytest.mark.parametrize("way", WAYS)
def test_framing(benchmark: BenchmarkFixture, way: str, reads: str) -> None:
    if way == "split" and reads == "one event a read":
        pytest.skip("splitting needs the whole body")
    events: Callable[[list[bytes]], Iterator[Any]] = WAYS[way]
    chunks = READS[reads]
    assert data_of(list(events(chunks))) == DATA
    benchmark.group = f"framing: {reads}"
    benchmark.name = way
    benchmark(lambda: deque(events(chunks), maxlen=0))
