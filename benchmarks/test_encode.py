"""Events to bytes: the data of chat streams, written as gateways and servers write it.

"f-string" is what everybody writes first: right as long as no value has a line break. Each has to
give what a parser reads as the same event before it is timed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
import sse_starlette
from fastapi.sse import ServerSentEvent, format_sse_event
from pytest_benchmark.fixture import BenchmarkFixture
from workloads import chat, many_lines

from sseparse import Parser, encode_event

Event = tuple[str, str | None]


def with_f_string(data: str, event: str | None) -> bytes:
    if event is None:
        return f"data: {data}\n\n".encode()
    return f"event: {event}\ndata: {data}\n\n".encode()


def with_encode_event(data: str, event: str | None) -> bytes:
    return encode_event(data, event=event)


def with_sse_starlette(data: str, event: str | None) -> bytes:
    return sse_starlette.ServerSentEvent(data, event=event).encode()


def with_fastapi(data: str, event: str | None) -> bytes:
    """What a path operation that yields a ServerSentEvent takes."""
    given = ServerSentEvent(raw_data=data, event=event)
    return format_sse_event(data_str=given.raw_data, event=given.event)


WAYS = {
    "f-string": with_f_string,
    "encode_event": with_encode_event,
    "fastapi": with_fastapi,
    "sse-starlette": with_sse_starlette,
}


WORK: dict[str, Callable[[], list[Event]]] = {
    "data": lambda: [(data, None) for _, data in chat(2_000, 300, 300).events],
    "data and type": lambda: [
        (data, "response.output_text.delta") for _, data in chat(2_000, 300, 300).events
    ],
    "40 data lines": lambda: [(data, None) for _, data in many_lines().events[:200]],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", WORK)
def test_encode(benchmark: BenchmarkFixture, facts: dict[str, Any], name: str, way: str) -> None:
    write, events = WAYS[way], WORK[name]()
    body = b"".join(write(data, event) for data, event in events)
    read = [(event.data, event.event) for event in Parser().feed(body)]
    if read != [(data, event or "message") for data, event in events]:
        assert way != "encode_event"
        facts["wrong"].append([f"encode: {name}", way])
        pytest.skip(f"{way} writes other events: {name}")
    benchmark.group = f"encode: {name}"
    benchmark.name = way
    benchmark.extra_info.update(items=len(events), bytes=len(body))
    benchmark(lambda: deque((write(data, event) for data, event in events), maxlen=0))
