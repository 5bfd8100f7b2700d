"""Made streams of every API, short and long: bytes to typed, folded objects.

Against msgspec decoding the same payloads, isolated already, to the same Structs, and against the
official package iterating the same bytes. A stream has so many pieces of text, and what its API
sends to begin and to end one; so those of one piece say what it costs to begin and to end.

Each has to give the right objects before it is timed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from made_streams import STREAMS, encode, reads_of
from pytest_benchmark.fixture import BenchmarkFixture
from typed_apis import APIS

from sseparse import llm

COUNTS = (1, 5, 10, 600)
# How many pieces a round reads at the least: short streams are read again and again.
PIECES = 600

Run = Callable[[], Any]


def alone(api: str, count: int) -> Run:
    decode = msgspec.json.Decoder(APIS[api].payload).decode
    payloads = [*map(encode, STREAMS[api](count))]
    return lambda: deque(map(decode, payloads), maxlen=0)


def loop(api: str, count: int) -> Run:
    reads, stream = reads_of(api, count), APIS[api].stream
    objects = [item.to_dict() for item in stream(reads)]
    assert objects == STREAMS[api](count)
    return lambda: deque(stream(reads), maxlen=0)


def final(api: str, count: int) -> Run:
    reads, stream = reads_of(api, count), APIS[api].stream
    assert not stream(reads).until_done().truncated
    return lambda: stream(reads).until_done()


def text(api: str, count: int) -> Run:
    reads, stream = reads_of(api, count), APIS[api].stream
    assert "".join(stream(reads).iter_text()) == "".join(f" word{i}" for i in range(count))
    return lambda: deque(stream(reads).iter_text(), maxlen=0)


def neutral(api: str, count: int) -> Run:
    reads = reads_of(api, count)
    pieces = "".join(piece.text for piece in llm.Stream(reads).iter_pieces())
    assert pieces == "".join(f" word{i}" for i in range(count))
    return lambda: deque(llm.Stream(reads).iter_pieces(), maxlen=0)


def official(api: str, count: int) -> Run:
    reads, read = reads_of(api, count), APIS[api].official
    if read is None:
        pytest.skip(f"{APIS[api].package} is not here")
    assert len([*read(reads)]) == len(STREAMS[api](count))
    return lambda: deque(read(reads), maxlen=0)


WAYS: dict[str, Callable[[str, int], Run]] = {
    "msgspec alone": alone,
    "typed, loop": loop,
    "typed, folded": final,
    "typed, iter_text": text,
    "neutral view, pieces": neutral,
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

    def read_all() -> None:
        for _ in range(streams):
            run()

    benchmark.pedantic(read_all, rounds=2 if streams == 1 and count == PIECES else 20)
