"""Memory: of one huge event, of an idle parser, of thousands of streams at once.

Each way has a process of its own, which measures twice: "resident" is what the system gave it,
"traced" is what Python's allocators were asked for at the most. A stream is measured where it
spends its life: an event has come and gone, and half of the next is here. Where a way wants a
response object, that is part of it.
"""

from __future__ import annotations

import gc
import multiprocessing
import sys
import tracemalloc
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from workloads import chat_stream

STREAMS = 4_000
MIB = 2**20
HUGE = 64 * MIB
# Not smaller: some take quadratic time, and would need minutes.
HUGE_READ = MIB
TIME_LIMIT = 120

ONE_AND_A_HALF = chat_stream(2, 300)[:450]


# What is imported here is what the process of that way needs, and part of no measurement.


def parser() -> Callable[[list[bytes]], Any]:
    from sseparse import Parser

    def read(chunks: list[bytes]) -> Any:
        parser = Parser(max_event_size=None)
        for chunk in chunks:
            if parser.feed(chunk):
                break
        return parser

    return read


def chat() -> Callable[[list[bytes]], Any]:
    from sseparse.openai import ChatStream

    return lambda chunks: first_of(ChatStream(chunks))


def peer(name: str) -> Callable[[list[bytes]], Any]:
    from peers import PEERS

    return lambda chunks: first_of(PEERS[name].read(chunks))


def official_chat() -> Callable[[list[bytes]], Any]:
    from test_chat import official_stream

    return lambda chunks: first_of(official_stream(chunks))


def first_of(events: Any) -> Any:
    iterator = iter(events)
    next(iterator)
    return iterator


PEERS = [
    "httpx-sse",
    "httpx2",
    "openai",
    "anthropic",
    "launchdarkly-eventsource",
    "sseclient-py",
]
EVENTS = {"Parser": parser, **{name: partial(peer, name) for name in PEERS}}
CHATS = {"ChatStream": chat, "openai Stream": official_chat}


def resident(field: str) -> int:
    """The bytes of this process in memory: now (``VmRSS``) or at the most (``VmHWM``)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{field}:")]
    return int(line.split()[1]) * 1024


def huge_event(way: str) -> list[float]:
    """The peak, resident and traced, over what was there, as multiples of the event's size."""
    read = EVENTS[way]()
    read([ONE_AND_A_HALF])
    # The same bytes again and again: only what the parser keeps is to be seen.
    chunk = b"x" * HUGE_READ
    chunks = [b"data: ", *[chunk] * (HUGE // HUGE_READ), b"\n\n"]
    before = resident("VmRSS")
    read(chunks)
    peak = resident("VmHWM") - before
    tracemalloc.start()
    read(chunks)
    traced = tracemalloc.get_traced_memory()[1]
    return [peak / HUGE, traced / HUGE]


def many_streams(way: str) -> list[float]:
    """Bytes a stream, resident and traced, of thousands at once."""
    read = {**EVENTS, **CHATS}[way]()
    read([ONE_AND_A_HALF])
    gc.collect()
    before = resident("VmRSS")
    streams = [read([ONE_AND_A_HALF]) for _ in range(STREAMS)]
    taken = resident("VmRSS") - before
    # Not closed one by one, which some would complain of.
    tracemalloc.start()
    more = [read([ONE_AND_A_HALF]) for _ in range(STREAMS)]
    traced = tracemalloc.get_traced_memory()[0]
    assert len(streams) == len(more)
    return [taken / STREAMS, traced / STREAMS]


def in_own_process(measure: Callable[[str], list[float]], way: str) -> list[float]:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply_async(measure, (way,)).get(TIME_LIMIT)


needs_proc = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="only Linux tells in /proc what is resident"
)


@needs_proc
@pytest.mark.parametrize("way", EVENTS)
def test_huge_event(facts: dict[str, Any], way: str) -> None:
    groups = [f"memory: peak of one event of 64 MiB, {kind}" for kind in ("resident", "traced")]
    try:
        multiples = in_own_process(huge_event, way)
    except Exception as error:
        assert way != "Parser"
        facts["wrong"].extend([group, way] for group in groups)
        pytest.skip(f"{way} refuses an event of 64 MiB: {error!r}")
    for group, multiple in zip(groups, multiples, strict=True):
        facts["amounts"].append([group, way, multiple, "times its size"])


@needs_proc
@pytest.mark.parametrize("way", [*EVENTS, *CHATS])
def test_many_streams(facts: dict[str, Any], way: str) -> None:
    for kind, size in zip(("resident", "traced"), in_own_process(many_streams, way), strict=True):
        facts["amounts"].append(
            [f"memory: {STREAMS:,} streams, {kind}", way, size, "bytes a stream"]
        )


def test_idle_parser(facts: dict[str, Any]) -> None:
    """What it is, and what it owns after an event in many pieces: nothing."""
    from sseparse import Parser

    parser = Parser()
    for i in range(0, 300, 7):
        parser.feed(ONE_AND_A_HALF[:300][i : i + 7])
    before = sys.getsizeof(parser)
    tracemalloc.start()
    parsers = deque(Parser() for _ in range(STREAMS))
    for parser in parsers:
        for i in range(0, 300, 7):
            parser.feed(ONE_AND_A_HALF[:300][i : i + 7])
    traced = (tracemalloc.get_traced_memory()[0] - sys.getsizeof(parsers)) / STREAMS
    tracemalloc.stop()
    facts["amounts"].append(["memory: an idle parser", "sys.getsizeof", before, "bytes"])
    facts["amounts"].append(["memory: an idle parser", "traced", traced, "bytes"])
