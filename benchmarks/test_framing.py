"""Bytes to events: sseparse against what people use, and against what nobody can be faster than.

Each way has to give the right events before it is timed; where one does not, that is what the
report says of it. What they make differs: the others decode the data of each event to ``str``,
sseparse does when asked, so it is timed with and without.

The limits are no parsers: copying the body, counting its lines, and making the same objects
where somebody has said where the data lies. "split" is the wrong way that everyone writes first;
it gets the whole body for free.
"""

from __future__ import annotations

import functools
from array import array
from collections import deque
from collections.abc import Callable, Iterator
from itertools import accumulate, repeat
from pathlib import Path
from typing import Any

import limits
import node
import peers
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from workloads import FRAMING, Workload

from sseparse import Parser

workload_of = functools.cache(lambda name: FRAMING[name]())

# These differ from the first in their reads alone, of which what takes the body knows nothing.
SAME_BODY = {"one event a read", "reads of 1,400 bytes"}


@pytest.fixture(params=FRAMING)
def name(request: pytest.FixtureRequest) -> str:
    """The name of a workload that this machine has."""
    if not workload_of(request.param).events:
        pytest.skip("no ../shared/corpus here")
    return request.param


def compare(benchmark: BenchmarkFixture, name: str, way: str, run: Callable[[], object]) -> None:
    workload = workload_of(name)
    benchmark.group = f"framing: {name}"
    benchmark.name = way
    size = sum(map(len, workload.chunks))
    benchmark.extra_info.update(items=len(workload.events), bytes=size)
    benchmark(run)


@pytest.mark.parametrize("way", peers.PEERS)
def test_peer(benchmark: BenchmarkFixture, facts: dict[str, Any], name: str, way: str) -> None:
    peer = peers.PEERS[way]
    workload = workload_of(name)
    try:
        is_right = peers.events_of(peer, workload.chunks) == workload.events
    except Exception:
        is_right = False
    if not is_right:
        assert not way.startswith("sseparse")
        facts["wrong"].append([f"framing: {name}", way])
        pytest.skip(f"{way} gives wrong events: {name}")
    compare(benchmark, name, way, lambda: deque(peer.read(workload.chunks), maxlen=0))


def test_split(benchmark: BenchmarkFixture, facts: dict[str, Any], name: str) -> None:
    workload = workload_of(name)
    body = b"".join(workload.chunks)
    if name in SAME_BODY:
        pytest.skip("splitting needs the whole body")

    def split() -> list[bytes]:
        return [block[6:] for block in body.split(b"\n\n")]

    if [("message", data.decode(errors="replace")) for data in split()[:-1]] != workload.events:
        facts["wrong"].append([f"framing: {name}", "split"])
        pytest.skip(f"split gives wrong events: {name}")
    compare(benchmark, name, "split", split)


def test_node(facts: dict[str, Any], name: str, tmp_path: Path) -> None:
    """Timed by itself, so it is no benchmark of this process; the report puts it among them."""
    if reason := node.missing():
        pytest.skip(reason)
    workload = workload_of(name)
    result = node.measure(workload, tmp_path)
    facts["versions"]["eventsource-parser"] = result["version"]
    facts["versions"]["Node.js"] = result["node"]
    if not result["is_right"]:
        facts["wrong"].append([f"framing: {name}", "eventsource-parser"])
        pytest.skip(f"eventsource-parser gives wrong events: {name}")
    for way, seconds in result["seconds"].items():
        facts["times"].append([f"framing: {name}", way, seconds, len(workload.events)])


# The limits.


def test_copying(benchmark: BenchmarkFixture, name: str) -> None:
    chunks = workload_of(name).chunks
    target = bytearray(sum(map(len, chunks)))
    limits.copy(chunks, target)
    assert target == b"".join(chunks)
    compare(benchmark, name, "limit: copying the body", lambda: limits.copy(chunks, target))


def test_counting_lines(benchmark: BenchmarkFixture, name: str) -> None:
    chunks = workload_of(name).chunks
    assert limits.count_lines(chunks) == b"".join(chunks).count(b"\n")
    compare(benchmark, name, "limit: counting lines", lambda: limits.count_lines(chunks))


def places_of(workload: Workload) -> bytes | None:
    """Where the data of each event begins, and its size; None where some lies in pieces."""
    body = b"".join(workload.chunks)
    places = array("q")
    end = 0
    for _, data in workload.events:
        encoded = data.encode()
        start = body.find(encoded, end)
        if start == -1:
            return None
        end = start + len(encoded)
        places.extend((start, len(encoded)))
    return places.tobytes()


def test_building(benchmark: BenchmarkFixture, name: str) -> None:
    workload = workload_of(name)
    body = b"".join(workload.chunks)
    places = places_of(workload)
    if places is None:
        pytest.skip("the data of some events lies in pieces")
    # As many at a time as the parser gives.
    counts = map(len, map(Parser().feed, workload.chunks))
    *firsts, end = accumulate(counts, initial=0)
    lasts = [*firsts[1:], end]

    def build() -> Iterator[list[Any]]:
        return map(limits.build, repeat(body), repeat(places), firsts, lasts)

    built = [event.data for events in build() for event in events]
    assert built == [data for _, data in workload.events]
    compare(benchmark, name, "limit: building the events", lambda: deque(build(), maxlen=0))
