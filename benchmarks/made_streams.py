"""Streams of every API, made here: as small as providers send them, and the same at every run.

``STREAMS`` has a function for each API that makes the payloads of a stream of so many pieces of
text, those that begin and end it included. ``CHAT`` has chat chunks of other kinds, one by one.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from workloads import LARGE_READ, cut

Payload = dict[str, Any]

# Chat completions.

ENVELOPE: Payload = {
    "id": "chatcmpl-BvxyzABCDEFGHIJKLMNOP",
    "object": "chat.completion.chunk",
    "created": 1733162853,
    "model": "gpt-4o-mini-2024-07-18",
    "service_tier": "default",
    "system_fingerprint": "fp_0705bf87c0",
}


def choice(delta: Payload, **rest: Any) -> Payload:
    return {"index": 0, "delta": delta, "logprobs": None, "finish_reason": None, **rest}


def text(i: int) -> Payload:
    return {
        **ENVELOPE,
        "choices": [choice({"content": f" word{i}"})],
        "usage": None,
        "obfuscation": "aB3",
    }


def bare_text(i: int) -> Payload:
    envelope = {key: ENVELOPE[key] for key in ("id", "object", "created", "model")}
    delta = {"content": f" word{i}"}
    return {**envelope, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


def tool_arguments(i: int) -> Payload:
    delta = {"tool_calls": [{"index": 0, "function": {"arguments": f'"a{i}":'}}]}
    return {**ENVELOPE, "choices": [choice(delta)]}


def token_logprobs(i: int) -> Payload:
    def entry(**rest: Any) -> Payload:
        return {"token": f" w{i}", "logprob": -0.25, "bytes": [32, 119], **rest}

    logprobs = {"content": [entry(top_logprobs=[entry(), entry()])], "refusal": None}
    return {**ENVELOPE, "choices": [choice({"content": f" w{i}"}, logprobs=logprobs)]}


def reasoning(i: int) -> Payload:
    """As DeepSeek sends it, and vLLM."""
    delta = {"content": None, "reasoning_content": f" word{i}"}
    return {**ENVELOPE, "choices": [choice(delta)]}


def unknown_keys(i: int) -> Payload:
    return {**text(i), "pad": "abcdefgh"}


CHAT: dict[str, Callable[[int], Payload]] = {
    make.__name__: make
    for make in (text, bare_text, tool_arguments, token_logprobs, reasoning, unknown_keys)
}

# Whole streams.


def text_of(count: int) -> str:
    """What the pieces come to."""
    return "".join(f" word{i}" for i in range(count))


def chat(count: int) -> list[Payload]:
    first = choice({"role": "assistant", "content": "", "refusal": None})
    last = choice({}, finish_reason="stop")
    beside = {"usage": None, "obfuscation": "aB3"}
    return [
        {**ENVELOPE, "choices": [first], **beside},
        *map(text, range(count)),
        {**ENVELOPE, "choices": [last], **beside},
    ]


def completions(count: int) -> list[Payload]:
    def chunk(piece: str, finish_reason: str | None) -> Payload:
        choice = {"text": piece, "index": 0, "logprobs": None, "finish_reason": finish_reason}
        return {
            "id": "cmpl-BkZHmDJoDM6ggjdw3LfjDBasGoAZX",
            "object": "text_completion",
            "created": 1733162853,
            "choices": [choice],
            "model": "gpt-3.5-turbo-instruct:20230824-v2",
        }

    return [*(chunk(f" word{i}", None) for i in range(count)), chunk("", "stop")]


def responses(count: int) -> list[Payload]:
    item = {"id": "msg_68af4030592c81938ec0a5fbab4a3e9f05438e46b5f69a3b", "type": "message"}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    whole = text_of(count)

    def part(text: str) -> Payload:
        return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}

    def message(status: str, *content: Payload) -> Payload:
        return {**item, "status": status, "content": [*content], "role": "assistant"}

    def response(status: str, *output: Payload, usage: Payload | None = None) -> Payload:
        return {
            "id": "resp_68af4030592c81938ec0a5fbab4a3e9f",
            "object": "response",
            "created_at": 1756315696,
            "status": status,
            "error": None,
            "incomplete_details": None,
            "instructions": None,
            "metadata": {},
            "model": "gpt-4o-2024-08-06",
            "output": [*output],
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": "auto",
            "tools": [],
            "top_p": 1.0,
            "usage": usage,
        }

    usage = {
        "input_tokens": 11,
        "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
        "output_tokens": count,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 11 + count,
    }
    done = message("completed", part(whole))
    delta = {**place, "logprobs": [], "obfuscation": "aB3dE5fG7h"}
    events: list[Payload] = [
        {"type": "response.created", "response": response("in_progress")},
        {"type": "response.in_progress", "response": response("in_progress")},
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": message("in_progress"),
        },
        {"type": "response.content_part.added", **place, "part": part("")},
        *(
            {"type": "response.output_text.delta", **delta, "delta": f" word{i}"}
            for i in range(count)
        ),
        {"type": "response.output_text.done", **place, "text": whole, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part(whole)},
        {"type": "response.output_item.done", "output_index": 0, "item": done},
        {"type": "response.completed", "response": response("completed", done, usage=usage)},
    ]
    return [{**event, "sequence_number": i} for i, event in enumerate(events)]


def messages(count: int) -> list[Payload]:
    message = {
        "id": "msg_0135e9LyciVm4QrXrdNRjpNS",
        "type": "message",
        "role": "assistant",
        "model": "claude-sonnet-4-20250514",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 11, "output_tokens": 1},
    }
    return [
        {"type": "message_start", "message": message},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "text", "text": ""},
        },
        *(
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": f" word{i}"},
            }
            for i in range(count)
        ),
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn", "stop_sequence": None},
            "usage": {"output_tokens": count},
        },
        {"type": "message_stop"},
    ]


def gemini(count: int) -> list[Payload]:
    def chunk(i: int) -> Payload:
        content = {"parts": [{"text": f" word{i}"}], "role": "model"}
        candidate: Payload = {"content": content, "index": 0}
        if i == count - 1:
            candidate["finishReason"] = "STOP"
        usage = {
            "promptTokenCount": 11,
            "candidatesTokenCount": i + 1,
            "totalTokenCount": i + 12,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 11}],
        }
        return {
            "candidates": [candidate],
            "usageMetadata": usage,
            "modelVersion": "gemini-2.5-pro",
            "responseId": "2ACzaf-8I9HRz7IPlMmB4Qk",
        }

    return [*map(chunk, range(count))]


STREAMS: dict[str, Callable[[int], list[Payload]]] = {
    make.__name__: make for make in (chat, completions, responses, messages, gemini)
}
# Those that end with it.
SAY_DONE = ("chat", "completions")


def encode(payload: Payload) -> bytes:
    return json.dumps(payload, separators=(",", ":")).encode()


def event_of(payload: bytes) -> bytes:
    return b"data: " + payload + b"\n\n"


def reads_of(api: str, count: int) -> list[bytes]:
    """The bytes of a stream, as large reads bring them; events have a name where they have one."""
    body = b""
    for payload in STREAMS[api](count):
        if "type" in payload:
            body += f"event: {payload['type']}\n".encode()
        body += event_of(encode(payload))
    if api in SAY_DONE:
        body += event_of(b"[DONE]")
    return cut(body, LARGE_READ)
