"""ChatStream against msgspec decoding the same payloads, already isolated, into the same Structs.

Nothing is lost in the comparison: ChatStream parses the bytes, decodes, gives each chunk
to the caller with its payload, and accumulates the final completion.

The caveats first. Both sides are bound by building objects, so the ratio depends on the
payload: the smaller it is, the more the fixed costs of a chunk weigh.
"""

from __future__ import annotations

import json
import time
import tracemalloc
from typing import Any

import msgspec
import pytest

from sseparse.openai import ChatCompletionChunk, ChatStream

COUNT = 600
READ = 16 * 1024

ENVELOPE = {
    "id": "chatcmpl-BvxyzABCDEFGHIJKLMNOP",
    "object": "chat.completion.chunk",
    "created": 1733162853,
    "model": "gpt-4o-mini-2024-07-18",
    "service_tier": "default",
    "system_fingerprint": "fp_0705bf87c0",
}


def choice(delta: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **rest}


def text(i: int) -> dict[str, Any]:
    return {
        **ENVELOPE,
        "choices": [choice({"content": f" word{i}"})],
        "usage": None,
        "obfuscation": "aB3",
    }


def bare_text(i: int) -> dict[str, Any]:
    envelope = {key: ENVELOPE[key] for key in ("id", "object", "created", "model")}
    delta = {"content": f" word{i}"}
    return {**envelope, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


def tool_arguments(i: int) -> dict[str, Any]:
    delta = {"tool_calls": [{"index": 0, "function": {"arguments": f'"a{i}":'}}]}
    return {**ENVELOPE, "choices": [choice(delta)]}


def token_logprobs(i: int) -> dict[str, Any]:
    def entry(**rest: Any) -> dict[str, Any]:
        return {"token": f" w{i}", "logprob": -0.25, "bytes": [32, 119], **rest}

    logprobs = {"content": [entry(top_logprobs=[entry(), entry()])], "refusal": None}
    return {**ENVELOPE, "choices": [choice({"content": f" w{i}"}, logprobs=logprobs)]}


def unknown_keys(i: int) -> dict[str, Any]:
    return {**text(i), "p": "abcdefgh"}


KINDS = {
    make.__name__: make for make in (text, bare_text, tool_arguments, token_logprobs, unknown_keys)
}

decode = msgspec.json.Decoder(ChatCompletionChunk).decode


def payloads_of(make: Any, count: int = COUNT) -> list[bytes]:
    return [json.dumps(make(i), separators=(",", ":")).encode() for i in range(count)]


def reads_of(payloads: list[bytes], size: int = READ) -> list[bytes]:
    body = b"".join(b"data: " + payload + b"\n\n" for payload in payloads) + b"data: [DONE]\n\n"
    return [body[i : i + size] for i in range(0, len(body), size)]


def run_msgspec(payloads: list[bytes]) -> None:
    for payload in payloads:
        decode(payload)


def run_stream(reads: list[bytes]) -> None:
    for _ in ChatStream(reads):
        pass


def run_final(reads: list[bytes]) -> None:
    ChatStream(reads).get_final_completion()


def single_events(payloads: list[bytes]) -> list[bytes]:
    return [b"data: " + payload + b"\n\n" for payload in payloads]


# Name: (what is timed, what it is given).
WAYS: dict[str, tuple[Any, Any]] = {
    "msgspec alone": (run_msgspec, list),
    "ChatStream, loop": (run_stream, reads_of),
    "ChatStream, loop, one event a read": (run_stream, single_events),
    "ChatStream, final completion": (run_final, reads_of),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_chat(benchmark: Any, kind: str, way: str) -> None:
    run, prepare = WAYS[way]
    payloads = payloads_of(KINDS[kind])
    benchmark.group = f"chat: {COUNT} x {kind}, {sum(map(len, payloads)) // COUNT} bytes"
    benchmark.name = way
    benchmark(run, prepare(payloads))


def best_times(*runs: Any, rounds: int = 100) -> list[float]:
    """The best time of each, taken in turns."""
    best = [float("inf")] * len(runs)
    for _ in range(rounds):
        for position, run in enumerate(runs):
            start = time.perf_counter()
            run()
            best[position] = min(best[position], time.perf_counter() - start)
    return best


@pytest.mark.parametrize("kind", KINDS)
def test_growth(report: list[str], kind: str) -> None:
    """Doubling the stream; the completion is asked for once, at the end."""
    once, twice = (reads_of(payloads_of(KINDS[kind], count)) for count in (4000, 8000))
    single, double = best_times(lambda: run_final(once), lambda: run_final(twice), rounds=8)
    report.append(f"{kind}: twice the chunks take {double / single:.2f} times as long")


def test_memory(report: list[str]) -> None:
    """100,000 chunks of text: what the stream holds in the end, against the text."""
    count = 100_000
    events = [b"data: " + payload + b"\n\n" for payload in payloads_of(text, 100)]
    stream = ChatStream(events[i % 100] for i in range(count))
    tracemalloc.start()
    stream.until_done()
    held, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    size = len(stream.get_final_completion().choices[0].message.content or "")
    report.append(
        f"{count:,} chunks, {size:,} characters: {held:,} bytes held, {peak:,} at the most"
    )
