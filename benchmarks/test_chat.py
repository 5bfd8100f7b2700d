"""Bytes to typed chunks, against decoding the same payloads, already isolated.

"msgspec alone" makes the same Structs of payloads that somebody else has found, and dicts where
the Structs refuse a key that no type declares. ChatStream
parses the bytes, decodes, gives each chunk to the caller with its payload, and accumulates the
final completion. json, orjson and jiter make dicts; "openai, construct" makes the official
client's chunks of dicts that somebody else has parsed; "openai Stream" and sdk.Stream do all of
it. Each has to give what went in before it is timed.

The caveats first. All are bound by building objects, so the ratio depends on the payload: the
smaller it is, the more the fixed costs of a chunk weigh.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import jiter
import msgspec
import orjson
import pytest
from made_streams import CHAT, encode, event_of
from openai.types.chat import ChatCompletionChunk as OfficialChunk
from pytest_benchmark.fixture import BenchmarkFixture
from typed_apis import OPENAI, response_of, with_openai
from workloads import LARGE_READ, cut

from sseparse.openai import ChatCompletionChunk, ChatStream
from sseparse.openai.sdk import Stream

COUNT = 600


def payloads_of(kind: str, count: int = COUNT) -> list[bytes]:
    return [encode(CHAT[kind](i)) for i in range(count)]


def events_of(payloads: list[bytes]) -> list[bytes]:
    return [*map(event_of, payloads), event_of(b"[DONE]")]


def reads_of(payloads: list[bytes]) -> list[bytes]:
    return cut(b"".join(events_of(payloads)), LARGE_READ)


def dicts_of(payloads: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(payload) for payload in payloads]


def construct(dicts: list[dict[str, Any]]) -> Iterator[OfficialChunk]:
    return (OfficialChunk.construct(**fields) for fields in dicts)


official_stream = with_openai(OfficialChunk)


def sdk_stream(reads: list[bytes]) -> Iterable[OfficialChunk]:
    return Stream(cast_to=OfficialChunk, response=response_of(reads), client=OPENAI)


def unaccumulated(reads: list[bytes]) -> Iterable[ChatCompletionChunk]:
    return ChatStream(reads, accumulate=False)


def final_completion(reads: list[bytes]) -> Iterable[ChatCompletionChunk]:
    ChatStream(reads).get_final_completion()
    return []


def each(decode: Callable[[bytes], Any]) -> Callable[[list[bytes]], Iterator[Any]]:
    return lambda payloads: map(decode, payloads)


def decoding(payloads: list[bytes]) -> tuple[Callable[[bytes], Any], list[bytes]]:
    """The decoder of the Structs; that to dicts, where they refuse a key which they do not know."""
    decode = msgspec.json.Decoder(ChatCompletionChunk).decode
    try:
        decode(payloads[0])
    except msgspec.ValidationError:
        return msgspec.json.decode, payloads
    return decode, payloads


def texts(reads: list[bytes]) -> Iterable[str]:
    return ChatStream(reads).iter_text()


# Name: (what gives the chunks, what makes what it is given of the payloads).
WAYS: dict[str, tuple[Callable[[Any], Iterable[Any]], Callable[[list[bytes]], Any]]] = {
    "msgspec alone": (lambda given: map(*given), decoding),
    "ChatStream, final completion": (final_completion, reads_of),
    "ChatStream, iter_text": (texts, reads_of),
    "ChatStream, loop": (ChatStream, reads_of),
    "ChatStream, loop, accumulate=False": (unaccumulated, reads_of),
    "ChatStream, loop, one event a read": (ChatStream, events_of),
    "json.loads": (each(json.loads), list),
    "orjson.loads": (each(orjson.loads), list),
    "jiter.from_json": (each(jiter.from_json), list),
    "openai, construct": (construct, dicts_of),
    "openai Stream": (official_stream, reads_of),
    "openai Stream, one event a read": (official_stream, events_of),
    "sdk.Stream": (sdk_stream, reads_of),
    "sdk.Stream, one event a read": (sdk_stream, events_of),
}


def plain(value: Any) -> Any:
    """A chunk as dicts and lists; without nulls, and without the one key that no type declares.

    The Structs know of neither where nobody has told them the payload: "msgspec alone".
    """
    if isinstance(value, dict):
        return {
            key: plain(item) for key, item in value.items() if item is not None and key != "pad"
        }
    if isinstance(value, list):
        return [plain(item) for item in value]
    return plain(value.to_dict()) if hasattr(value, "to_dict") else value


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", CHAT)
def test_chat(benchmark: BenchmarkFixture, kind: str, way: str) -> None:
    run, prepare = WAYS[way]
    payloads = payloads_of(kind)
    given = prepare(payloads)
    right = dicts_of(payloads)
    if run is final_completion:
        assert_final(ChatStream(given).get_final_completion(), right)
    elif run is texts:
        parts = (fields["choices"][0]["delta"].get("content") or "" for fields in right)
        assert "".join(run(given)) == "".join(parts)
    else:
        assert plain(list(run(given))) == plain(right)
    benchmark.group = f"chat: {kind}"
    benchmark.name = way
    benchmark.extra_info.update(items=COUNT, bytes=sum(map(len, payloads)))
    benchmark(lambda: deque(run(given), maxlen=0))


def assert_final(completion: Any, right: list[dict[str, Any]]) -> None:
    """All text of all deltas is in the completion, under whichever name it came."""
    deltas = [fields["choices"][0]["delta"] for fields in right]
    message = completion.choices[0].message
    for name in ("content", "reasoning_content"):
        text = "".join(delta.get(name) or "" for delta in deltas)
        assert (getattr(message, name) or "") == text
    calls = [call for delta in deltas for call in delta.get("tool_calls", [])]
    if calls:
        (call,) = message.tool_calls
        assert call.function.arguments == "".join(call["function"]["arguments"] for call in calls)
    if right[0]["choices"][0].get("logprobs"):
        assert len(completion.choices[0].logprobs.content) == len(right)


def best_times(*runs: Callable[[], object], rounds: int) -> list[float]:
    """The least CPU time of each, taken in turns."""
    best = [float("inf")] * len(runs)
    for _ in range(rounds):
        for position, run in enumerate(runs):
            start = time.process_time()
            run()
            best[position] = min(best[position], time.process_time() - start)
    return best


@pytest.mark.parametrize("kind", CHAT)
def test_growth(facts: dict[str, Any], kind: str) -> None:
    """Doubling the stream; the completion is asked for once, at the end."""
    once, twice = (reads_of(payloads_of(kind, count)) for count in (4000, 8000))
    single, double = best_times(
        lambda: final_completion(once), lambda: final_completion(twice), rounds=8
    )
    group = "growth: ChatStream, 8,000 chunks against 4,000"
    facts["amounts"].append([group, kind, double / single, "times the time"])
