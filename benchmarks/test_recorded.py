"""Recorded streams: what it costs to read what providers and servers have sent.

"msgspec alone" decodes their payloads, isolated already, to the same Structs, and to dicts where
the types refuse a payload. The streams do everything: bytes in, typed objects out, folded into
the final object. The official packages iterate over the same bytes, and fold nothing.

A process that reads many streams meets the same servers again, and never the same stream. So each
time a recording is read it has other IDs, times and fractions, in turn a few of them.

Most recordings are short: what it costs to begin and to end a stream, and to read payloads of a
shape that is not known yet, is in here, where made streams hide it. Nothing is measured where
there are no recordings.
"""

from __future__ import annotations

import functools
import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

import corpus
import msgspec
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from renewed import variants
from test_chat import best_times
from typed_apis import APIS
from workloads import LARGE_READ, cut

from sseparse import SSEError, iter_events, llm
from sseparse._stream.shapes import KNOWN

# How many payloads are read, at the least, when a single stream is timed.
PAYLOADS = 400


class Variant:
    """A stream's reads, and its payloads, each with what decodes it."""

    def __init__(self, body: bytes, cls: type) -> None:
        self.reads = cut(body, LARGE_READ)
        self.decoding = []
        for event in iter_events([body]):
            for decode in (decoder(cls), msgspec.json.decode):
                try:
                    decode(event.data_bytes)
                except msgspec.MsgspecError:
                    continue
                self.decoding.append((decode, event.data_bytes))
                break


class Recorded:
    """A stream: who sent it, and others like it, of which there is always a next one."""

    def __init__(self, row: dict[str, Any], cls: type) -> None:
        self.provider = row["provider"]
        self.file = row["file"]
        found = [Variant(body, cls) for body in variants(row["bytes"], row["file"])]
        self.decoding = found[0].decoding
        self.next = functools.partial(next, itertools.cycle(found))


@functools.cache
def decoder(cls: type) -> Callable[[bytes], Any]:
    return msgspec.json.Decoder(cls).decode


@functools.cache
def recordings(api: str) -> list[Recorded]:
    found = [Recorded(row, APIS[api].payload) for row in corpus.entries(APIS[api].recorded)]
    return [each for each in found if each.decoding]


@pytest.fixture(params=APIS)
def api(request: pytest.FixtureRequest) -> str:
    """An API of which there are recordings."""
    if not recordings(request.param):
        pytest.skip("there are no recordings of it")
    return request.param


# What reads a stream.


def alone(recorded: Recorded, api: str) -> None:
    for decode, payload in recorded.next().decoding:
        decode(payload)


def past_errors(run: Callable[[], object]) -> None:
    """Read on behind whatever the server reported, and behind what could not be read."""
    while True:
        try:
            run()
        except SSEError:
            continue
        return


def loop(recorded: Recorded, api: str) -> None:
    stream = APIS[api].stream(recorded.next().reads)
    past_errors(lambda: deque(stream, maxlen=0))


def first(recorded: Recorded, api: str) -> None:
    """As if it were the first stream of the process."""
    KNOWN.clear()
    loop(recorded, api)


def final(recorded: Recorded, api: str) -> None:
    past_errors(APIS[api].stream(recorded.next().reads).until_done)


def text(recorded: Recorded, api: str) -> None:
    stream = APIS[api].stream(recorded.next().reads)
    past_errors(lambda: deque(stream.iter_text(), maxlen=0))


def neutral(recorded: Recorded, api: str) -> None:
    """Whatever API it is: that is for it to find out."""
    stream = llm.Stream(recorded.next().reads)
    past_errors(lambda: deque(stream.iter_pieces(), maxlen=0))


def official(recorded: Recorded, api: str) -> None:
    deque(APIS[api].official(recorded.next().reads), maxlen=0)


WAYS = {
    "msgspec alone": alone,
    "typed, loop": loop,
    "typed, loop, nothing known": first,
    "typed, folded": final,
    "typed, iter_text": text,
    "sseparse.llm, pieces": neutral,
    "official package": official,
}


@functools.cache
def read_officially(api: str) -> list[Recorded]:
    """The recordings that the official package, where it is here, reads to their end."""
    found: list[Recorded] = []
    if APIS[api].official is None:
        return found
    for each in recordings(api):
        try:
            official(each, api)
        except Exception:
            continue
        found.append(each)
    return found


@pytest.mark.parametrize("way", WAYS)
def test_recorded(benchmark: BenchmarkFixture, api: str, way: str) -> None:
    streams, run = recordings(api), WAYS[way]
    if run is official:
        if APIS[api].official is None:
            pytest.skip(f"{APIS[api].package} is not here")
        # An error ends it: so many of the others are left.
        streams = read_officially(api)
    benchmark.group = f"recorded: {api}"
    benchmark.name = way
    payloads = sum(len(each.decoding) for each in streams)
    benchmark.extra_info.update(items=payloads, streams=len(streams))

    def read_all() -> None:
        for each in streams:
            run(each, api)

    benchmark.pedantic(
        read_all, rounds=1 if run is official else 10, warmup_rounds=0 if run is official else 2
    )


def test_each_recorded(facts: dict[str, Any], api: str) -> None:
    """Stream by stream: the time of msgspec, of the loop, and of the official package."""
    officially = read_officially(api)
    for each in recordings(api):
        times = max(1, PAYLOADS // len(each.decoding))

        def repeat(
            run: Callable[[Recorded, str], None], each: Recorded = each, times: int = times
        ) -> Callable[[], None]:
            return lambda: [run(each, api) for _ in range(times)] and None

        base, looped = best_times(repeat(alone), repeat(loop), rounds=5)
        seconds: list[float | None] = [base / times, looped / times, None]
        if each in officially:
            seconds[-1:] = best_times(functools.partial(official, each, api), rounds=1)
        facts["streams"].append([api, each.provider, each.file, len(each.decoding), *seconds])
