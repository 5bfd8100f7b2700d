"""Recorded streams, one after another, against decoding their payloads, already isolated.

"msgspec alone" decodes to the same Structs, and to dicts where the types refuse a payload. The
streams do everything: bytes in, typed objects out, folded into the final object. They are what
providers and servers have sent, most of them short: what it costs to begin and to end a stream,
and to read payloads of a shape that is not known yet, is in here, where made streams hide it.

Nothing is measured where there are no recordings.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from typing import Any

import corpus
import msgspec
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from test_chat import best_times
from workloads import LARGE_READ, cut

from sseparse import SSEError, iter_events
from sseparse.anthropic import MessageStream, MessageStreamEvent
from sseparse.google import GenerateContentResponse, GenerateContentStream
from sseparse.openai import (
    ChatCompletionChunk,
    ChatStream,
    Completion,
    CompletionStream,
    ResponseStream,
    ResponseStreamEvent,
)

# By what the recordings call an API.
APIS: dict[str, tuple[Any, Any]] = {
    "chat.completions": (ChatStream, ChatCompletionChunk),
    "completions": (CompletionStream, Completion),
    "responses": (ResponseStream, ResponseStreamEvent),
    "anthropic.messages": (MessageStream, MessageStreamEvent),
    "google.generateContent": (GenerateContentStream, GenerateContentResponse),
}

# Streams of fewer chunks say more of their beginning than of their chunks.
FEW = 20


class Recorded:
    """A stream: its reads, and its payloads, each with what decodes it."""

    def __init__(self, body: bytes, cls: type) -> None:
        self.reads = cut(body, LARGE_READ)
        self.decoding = []
        for event in iter_events([body]):
            for decode in (_decoder(cls), msgspec.json.decode):
                try:
                    decode(event.data_bytes)
                except msgspec.MsgspecError:
                    continue
                self.decoding.append((decode, event.data_bytes))
                break


_DECODERS: dict[type, Any] = {}


def _decoder(cls: type) -> Any:
    return _DECODERS.setdefault(cls, msgspec.json.Decoder(cls).decode)


def recordings(api: str) -> list[Recorded]:
    found = [Recorded(entry["bytes"], APIS[api][1]) for entry in corpus.entries(api)]
    found = [each for each in found if each.decoding]
    if not found:
        pytest.skip("there are no recordings of it")
    return found


def alone(recorded: Recorded, stream_class: Any) -> None:
    for decode, payload in recorded.decoding:
        decode(payload)


def past_errors(run: Callable[[], object]) -> None:
    while True:
        try:
            run()
        except SSEError:
            continue
        return


def loop(recorded: Recorded, stream_class: Any) -> None:
    stream = stream_class(recorded.reads)

    def run() -> None:
        for _ in stream:
            pass

    past_errors(run)


def final(recorded: Recorded, stream_class: Any) -> None:
    stream = stream_class(recorded.reads)
    past_errors(stream.until_done)


def text(recorded: Recorded, stream_class: Any) -> None:
    stream = stream_class(recorded.reads)

    def run() -> None:
        for _ in stream.iter_text():
            pass

    past_errors(run)


WAYS = {
    "msgspec alone": alone,
    "typed, loop": loop,
    "typed, folded": final,
    "typed, iter_text": text,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("api", APIS)
def test_recorded(benchmark: BenchmarkFixture, api: str, way: str) -> None:
    streams, stream_class, run = recordings(api), APIS[api][0], WAYS[way]
    benchmark.group = f"recorded: {api}"
    benchmark.name = way
    benchmark.extra_info.update(items=sum(len(each.decoding) for each in streams))

    def read_all() -> None:
        for each in streams:
            run(each, stream_class)

    benchmark(read_all)


@pytest.mark.parametrize("api", APIS)
def test_each_recorded(facts: dict[str, Any], api: str) -> None:
    """Stream by stream: the loop's time against msgspec's."""
    stream_class = APIS[api][0]
    ratios = []
    for each in recordings(api):
        times = max(1, 200 // len(each.decoding))

        def repeat(
            run: Callable[[Recorded, Any], None], each: Recorded = each, times: int = times
        ) -> Callable[[], None]:
            return lambda: [run(each, stream_class) for _ in range(times)] and None

        base, looped = best_times(repeat(alone), repeat(loop), rounds=5)
        ratios.append((looped / base, len(each.decoding)))
    group = f"recorded, stream by stream: {api}"
    selections = {
        "streams": [ratio for ratio, _ in ratios],
        f"streams of {FEW} payloads or more": [ratio for ratio, size in ratios if size >= FEW],
    }
    for what, selected in selections.items():
        if selected:
            facts["amounts"] += [
                [group, f"median of {len(selected)} {what}", median(selected), "times the time"],
                [group, f"worst of {len(selected)} {what}", max(selected), "times the time"],
            ]
