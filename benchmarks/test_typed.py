"""Made streams of every API, short and long: bytes to typed, folded objects.

Against msgspec decoding the same payloads, isolated already, to the same Structs, and against the
official package iterating the same bytes. A stream has so many pieces of text, and what its API
sends to begin and to end one; so those of one piece say what it costs to begin and to end.

Each has to give the right objects before it is timed. A stream that is read again has other IDs;
"nothing known" is what the first of a process costs.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from made_streams import STREAMS, encode, reads_of, text_of
from pytest_benchmark.fixture import BenchmarkFixture
from renewed import variants
from typed_apis import APIS
from workloads import LARGE_READ, cut

from sseparse import llm
from sseparse._stream.shapes import KNOWN

COUNTS = (1, 5, 10, 600)
# How many pieces a round reads at the least: short streams are read again and again.
PIECES = 600

Run = Callable[[list[bytes]], Any]


def alone(api: str, count: int) -> Run:
    decode = msgspec.json.Decoder(APIS[api].payload).decode
    payloads = [*map(encode, STREAMS[api](count))]
    return lambda reads: deque(map(decode, payloads), maxlen=0)


def loop(api: str, count: int) -> Run:
    stream = APIS[api].stream
    objects = [item.to_dict() for item in stream(reads_of(api, count))]
    assert objects == STREAMS[api](count)
    return lambda reads: deque(stream(reads), maxlen=0)


def first(api: str, count: int) -> Run:
    """As if it were the first stream of the process."""
    stream = APIS[api].stream

    def run(reads: list[bytes]) -> None:
        KNOWN.clear()
        deque(stream(reads), maxlen=0)

    return run


def final(api: str, count: int) -> Run:
    stream = APIS[api].stream
    assert not stream(reads_of(api, count)).until_done().truncated
    return lambda reads: stream(reads).until_done()


def text(api: str, count: int) -> Run:
    stream = APIS[api].stream
    assert "".join(stream(reads_of(api, count)).iter_text()) == text_of(count)
    return lambda reads: deque(stream(reads).iter_text(), maxlen=0)


def neutral(api: str, count: int) -> Run:
    pieces = llm.Stream(reads_of(api, count)).iter_pieces()
    assert "".join(piece.text for piece in pieces) == text_of(count)
    return lambda reads: deque(llm.Stream(reads).iter_pieces(), maxlen=0)


def official(api: str, count: int) -> Run:
    read = APIS[api].official
    if read is None:
        pytest.skip(f"{APIS[api].package} is not here")
    assert len([*read(reads_of(api, count))]) == len(STREAMS[api](count))
    return lambda reads: deque(read(reads), maxlen=0)


WAYS: dict[str, Callable[[str, int], Run]] = {
    "msgspec alone": alone,
    "typed, loop": loop,
    "typed, loop, nothing known": first,
    "typed, folded": final,
    "typed, iter_text": text,
    "sseparse.llm, pieces": neutral,
    "official package": official,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("api", APIS)
def test_typed(benchmark: BenchmarkFixture, api: str, count: int, way: str) -> None:
    run = WAYS[way](api, count)
    is_slow = way == "official package"
    streams = 1 if is_slow else PIECES // count
    benchmark.group = f"typed: {api}, {count}"
    benchmark.name = way
    benchmark.extra_info.update(items=streams * len(STREAMS[api](count)), streams=streams)

    bodies = variants(b"".join(reads_of(api, count)), api)
    all_reads = itertools.cycle([cut(body, LARGE_READ) for body in bodies])

    def read_all() -> None:
        for _ in range(streams):
            run(next(all_reads))

    benchmark.pedantic(read_all, rounds=2 if is_slow and count == PIECES else 20)
