"""Whole streams of every API, made of the same: thoughts, a text and a tool call, in pieces.

A legacy completion has its text only.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sse import sse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    Make = Callable[[Sequence[str], Sequence[str], Sequence[str]], list[Any]]

__all__ = ["ARGUMENTS", "STREAMS", "TEXTS", "THOUGHTS", "body", "payloads"]

TEXTS = ("Hel", "lo", " wor", "ld", " \u00e9\u20ac", "\U0001f600", "!")
THOUGHTS = ("Let ", "me ", "see", ".")
ARGUMENTS = ('{"a', 'ge":', " 3", "2}")
NAME = "look_up"

# The class that reads each that has all of it, and the beginning of the names of the others.
STREAMS = {
    "chat": "ChatStream",
    "messages": "MessageStream",
    "responses": "ResponseStream",
    "gemini": "GenerateContentStream",
}


def payloads(
    kind: str,
    texts: Sequence[str] = TEXTS,
    thoughts: Sequence[str] = THOUGHTS,
    arguments: Sequence[str] = ARGUMENTS,
) -> list[Any]:
    """The payloads of a stream that ends as it should."""
    return _MAKE[kind](texts, thoughts, arguments)


def body(kind: str, *pieces: Sequence[str]) -> bytes:
    """The same as an event stream."""
    return sse(*payloads(kind, *pieces))


def _chat(texts: Sequence[str], thoughts: Sequence[str], arguments: Sequence[str]) -> list[Any]:
    def chunk(delta: Any, finish_reason: Any = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1733162853,
            "model": "m",
            "choices": [choice],
        }

    def call(**fields: Any) -> dict[str, Any]:
        return chunk({"tool_calls": [{"index": 0, **fields}]})

    usage = {"prompt_tokens": 5, "completion_tokens": 9, "total_tokens": 14}
    return [
        chunk({"role": "assistant", "content": ""}),
        *(chunk({"reasoning_content": thought}) for thought in thoughts),
        *(chunk({"content": text}) for text in texts),
        call(id="call_1", type="function", function={"name": NAME, "arguments": ""}),
        *(call(function={"arguments": piece}) for piece in arguments),
        chunk({}, "tool_calls"),
        {**chunk({}), "choices": [], "usage": usage},
        "[DONE]",
    ]


def _completions(
    texts: Sequence[str], thoughts: Sequence[str], arguments: Sequence[str]
) -> list[Any]:
    def completion(text: str, finish_reason: Any = None) -> dict[str, Any]:
        return {
            "id": "cmpl-1",
            "object": "text_completion",
            "created": 1733162853,
            "model": "m",
            "choices": [{"index": 0, "text": text, "finish_reason": finish_reason}],
        }

    return [*map(completion, texts), completion("", "stop"), "[DONE]"]


def _messages(texts: Sequence[str], thoughts: Sequence[str], arguments: Sequence[str]) -> list[Any]:
    def block(index: int, begun: dict[str, Any], deltas: list[dict[str, Any]]) -> list[Any]:
        event = {"type": "content_block_delta", "index": index}
        return [
            {"type": "content_block_start", "index": index, "content_block": begun},
            *({**event, "delta": delta} for delta in deltas),
            {"type": "content_block_stop", "index": index},
        ]

    message: dict[str, Any] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 5, "output_tokens": 1},
    }
    thinking = [{"type": "thinking_delta", "thinking": thought} for thought in thoughts]
    spoken = [{"type": "text_delta", "text": text} for text in texts]
    asked = [{"type": "input_json_delta", "partial_json": piece} for piece in arguments]
    tool = {"type": "tool_use", "id": "toolu_1", "name": NAME, "input": {}}
    return [
        {"type": "message_start", "message": message},
        {"type": "ping"},
        *block(
            0,
            {"type": "thinking", "thinking": "", "signature": ""},
            [*thinking, {"type": "signature_delta", "signature": "c2ln"}],
        ),
        *block(1, {"type": "text", "text": ""}, spoken),
        *block(2, tool, asked),
        {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use", "stop_sequence": None},
            "usage": {"output_tokens": 9},
        },
        {"type": "message_stop"},
    ]


def _responses(
    texts: Sequence[str], thoughts: Sequence[str], arguments: Sequence[str]
) -> list[Any]:
    response = {"id": "resp_1", "object": "response", "created_at": 1733162853, "model": "m"}

    def item(index: int, begun: dict[str, Any], about: str, place: Any, pieces: Any) -> list[Any]:
        at = {"output_index": index, "item_id": begun["id"], **place}
        field = next(name for name in ("arguments", "content", "summary") if name in begun)
        text = "".join(pieces)
        part = {"type": "summary_text" if field == "summary" else "output_text", "text": text}
        done = {**begun, "status": "completed", field: text if field == "arguments" else [part]}
        return [
            {"type": "response.output_item.added", "output_index": index, "item": begun},
            *({"type": f"response.{about}.delta", **at, "delta": piece} for piece in pieces),
            {"type": "response.output_item.done", "output_index": index, "item": done},
        ]

    thinking = {"type": "reasoning", "id": "rs_1", "summary": []}
    message = {"type": "message", "id": "msg_1", "role": "assistant", "content": []}
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": NAME}
    usage = {"input_tokens": 5, "output_tokens": 9, "total_tokens": 14}
    made = [
        {"type": "response.created", "response": {**response, "status": "in_progress"}},
        *item(0, thinking, "reasoning_summary_text", {"summary_index": 0}, thoughts),
        *item(1, message, "output_text", {"content_index": 0}, texts),
        *item(2, {**call, "arguments": ""}, "function_call_arguments", {}, arguments),
        {
            "type": "response.completed",
            "response": {**response, "status": "completed", "output": [], "usage": usage},
        },
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(made)]


def _gemini(texts: Sequence[str], thoughts: Sequence[str], arguments: Sequence[str]) -> list[Any]:
    def response(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
        content = {"role": "model", "parts": list(parts)}
        return {
            "candidates": [{"content": content, "index": 0, **fields}],
            "usageMetadata": {"promptTokenCount": 5, "totalTokenCount": 14},
            "modelVersion": "m",
            "responseId": "r_1",
        }

    called = {"functionCall": {"name": NAME, "args": json.loads("".join(arguments))}}
    return [
        *(response({"text": thought, "thought": True}) for thought in thoughts),
        *(response({"text": text}) for text in texts),
        response(called),
        response({"text": ""}, finishReason="STOP"),
    ]


_MAKE: dict[str, Make] = {
    "chat": _chat,
    "completions": _completions,
    "messages": _messages,
    "responses": _responses,
    "gemini": _gemini,
}
