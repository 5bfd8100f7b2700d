"""JSON that is looked at after every piece, against parsing the text anew each time.

100 kB come in pieces of 4 characters, as tokens do, and after each the value so far is asked for.
jiter and pydantic_core parse a text that is not whole, so whoever uses them keeps the text and
parses all of it again. Each has to end with the value that ``json.loads`` gives.

The caveats first. One string of plain words is what the others are best at: they copy it in large
strides, and find no escape to stop at. Where the caller keeps the string of every piece,
PartialJSON has to copy it as well. And one parse of a whole text is no task for any of these:
``json.loads`` is there for that.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import jiter
import pydantic_core
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from test_growth import SHARES, measure
from workloads import NETWORK_READ, SEED, tool_calls

from sseparse import _partial_json_c, _partial_json_py
from sseparse.openai import ChatStream

SIZE = 100_000
PIECE = 4

WORDS = ("the", "quick", "brown", "fox", "jumps", "over", "something", "entirely", "different")


def one_string(size: int) -> str:
    """A string of words, without anything to escape."""
    words = random.Random(SEED).choices(WORDS, k=size // 4)
    return json.dumps(" ".join(words)[: size - 2])


def objects(size: int) -> str:
    """An array of small objects, as many as it takes."""
    items: list[str] = []
    length = 0
    while length < size:
        i = len(items)
        item = {"id": i, "name": f"number {i}", "tags": ["a", "b"], "done": i % 3 == 0, "x": i / 8}
        items.append(json.dumps(item))
        length += len(items[-1]) + 2
    return f"[{', '.join(items)}]"


SHAPES = {"one string": one_string, "an array of objects": objects}


def cut(text: str) -> list[str]:
    return [text[start : start + PIECE] for start in range(0, len(text), PIECE)]


def grow(make: Callable[[], Any]) -> Callable[[list[str]], Any]:
    def run(pieces: list[str]) -> Any:
        partial = make()
        for piece in pieces:
            partial.feed(piece).value  # noqa: B018 - this is what is measured
        return partial.value

    return run


def anew(parse: Callable[[bytes], Any]) -> Callable[[list[str]], Any]:
    def run(pieces: list[str]) -> Any:
        text = ""
        value = None
        for piece in pieces:
            text += piece
            value = parse(text.encode())
        return value

    return run


WAYS = {
    "PartialJSON": grow(_partial_json_c.PartialJSON),
    "PartialJSON in Python": grow(_partial_json_py.PartialJSON),
    "jiter, all of it anew": anew(
        lambda data: jiter.from_json(data, partial_mode="trailing-strings")
    ),
    "pydantic_core, all of it anew": anew(
        lambda data: pydantic_core.from_json(data, allow_partial="trailing-strings")
    ),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("shape", SHAPES)
def test_pieces(benchmark: BenchmarkFixture, shape: str, way: str, sweep: int) -> None:
    is_slow = way.endswith("anew")
    if is_slow and sweep:
        pytest.skip("it takes many seconds: measured in the first sweep")
    text = SHAPES[shape](SIZE)
    pieces = cut(text)
    run = WAYS[way]
    benchmark.group = f"json: {shape}"
    benchmark.name = way
    benchmark.extra_info["items"] = len(pieces)
    value = benchmark.pedantic(run, (pieces,), rounds=1 if is_slow else 8)
    assert value == json.loads(text)


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("shape", SHAPES)
def test_growth_of_json(benchmark: BenchmarkFixture, shape: str, share: int) -> None:
    size = 16 * SIZE // share
    pieces = cut(SHAPES[shape](size))
    run = WAYS["PartialJSON"]
    measure(benchmark, f"PartialJSON, {shape}", size, lambda: run(pieces))


def read_complete(chunks: list[bytes]) -> int:
    return sum(1 for _ in ChatStream(chunks).iter_tool_calls())


def read_growing(chunks: list[bytes]) -> int:
    """The complete ones, by looking at all of each every time that it has grown."""
    count = 0
    for call in ChatStream(chunks).iter_partial_tool_calls():
        count += call.complete and len(call.arguments) > 0 and call.value is not None
    return count


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("read", [read_complete, read_growing])
@pytest.mark.parametrize("calls", [1, 100])
def test_growth_of_tool_calls(
    benchmark: BenchmarkFixture, calls: int, read: Callable[[list[bytes]], int], share: int
) -> None:
    size = 4 * SIZE // share
    chunks = tool_calls(calls, size // calls, NETWORK_READ).chunks
    assert read(chunks) == calls
    what = "complete" if read is read_complete else "as they grow"
    measure(benchmark, f"tool calls {what}, {calls}", size, lambda: read(chunks))
