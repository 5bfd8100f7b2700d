"""``async for`` over what has already arrived, against ``for``: nothing is waited for.

The bytes come from an asynchronous generator that never waits, as those of a fast server do
most of the time; what it costs is in the difference, for sseparse and for others alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from typing import Any

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from workloads import LARGE_READ, Workload, chat

from sseparse import aiter_events, iter_events
from sseparse.openai import AsyncChatStream, ChatStream

# The size of the reads by the name of the group's end.
READS = {"16 KiB chunks": LARGE_READ, "one event a read": 300}

SYNC: dict[str, Callable[[list[bytes]], Any]] = {
    "events": iter_events,
    "chat chunks": ChatStream,
}
ASYNC: dict[str, Callable[[AsyncIterable[bytes]], AsyncIterable[Any]]] = {
    "events": aiter_events,
    "chat chunks": AsyncChatStream,
}


async def arrived(chunks: list[bytes]) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


@pytest.mark.parametrize("loop", ["for", "async for", "the bytes alone, async for"])
@pytest.mark.parametrize("reads", READS)
@pytest.mark.parametrize("what", SYNC)
def test_async(benchmark: BenchmarkFixture, what: str, reads: str, loop: str) -> None:
    workload: Workload = chat(2_000, 300, READS[reads])
    runner = asyncio.new_event_loop()

    def count() -> int:
        number = 0
        for _ in SYNC[what](workload.chunks):
            number += 1
        return number

    async def count_async() -> int:
        number = 0
        async for _ in ASYNC[what](arrived(workload.chunks)):
            number += 1
        return number

    async def count_bytes() -> int:
        number = 0
        async for data in arrived(workload.chunks):
            number += len(data)
        return number

    run: Callable[[], int]
    if loop == "for":
        run, right = count, len(workload.events)
    elif loop == "async for":
        run, right = lambda: runner.run_until_complete(count_async()), len(workload.events)
    else:
        run, right = (
            lambda: runner.run_until_complete(count_bytes()),
            sum(map(len, workload.chunks)),
        )
    assert run() == right
    benchmark.group = f"async: {what}, {reads}"
    benchmark.name = loop
    benchmark.extra_info.update(items=len(workload.events))
    benchmark(run)
    runner.close()
