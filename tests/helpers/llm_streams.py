"""Streams of each API, made and recorded, and everything that the view of all says of one."""

from __future__ import annotations

from typing import Any

import corpus
import pytest
from chat_streams import DONE, chunk
from sse import named, sse

from sseparse import SSEError

__all__ = ["BODIES", "KINDS", "every_stream", "joined", "pull", "push", "told"]

KINDS = {
    "chat.completions": "chat",
    "completions": "completions",
    "responses": "responses",
    "anthropic.messages": "messages",
    "google.generateContent": "gemini",
}

_CALL = {"index": 0, "id": "call_1", "function": {"name": "add", "arguments": ""}}
_MORE = {"index": 0, "function": {"arguments": '{"a": 1}'}}
_ITEM = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "add"}

# A small whole stream of each API, with text and (but for legacy completions) a call of a tool.
BODIES: dict[str, bytes] = {
    "chat": sse(
        chunk({"role": "assistant", "content": ""}),
        chunk({"reasoning_content": "Hm"}),
        chunk({"content": "Hi"}),
        chunk({"content": " you"}),
        chunk({"tool_calls": [_CALL]}),
        chunk({"tool_calls": [_MORE]}),
        chunk({}, finish_reason="tool_calls"),
    )
    + DONE,
    "completions": sse(
        {"id": "cmpl-1", "object": "text_completion", "choices": [{"index": 0, "text": "Hi"}]},
        {"choices": [{"index": 0, "text": " you", "finish_reason": "stop"}]},
    )
    + DONE,
    "responses": named(
        {"type": "response.created", "response": {"id": "resp_1", "model": "m"}},
        {"type": "response.output_item.added", "output_index": 0, "item": {"type": "message"}},
        {"type": "response.output_text.delta", "output_index": 0, "delta": "Hi"},
        {"type": "response.output_text.delta", "output_index": 0, "delta": " you"},
        {"type": "response.output_text.done", "output_index": 0, "text": "Hi you"},
        {"type": "response.output_item.added", "output_index": 1, "item": _ITEM},
        {
            "type": "response.function_call_arguments.delta",
            "output_index": 1,
            "delta": '{"a": 1}',
        },
        {
            "type": "response.output_item.done",
            "output_index": 1,
            "item": {**_ITEM, "arguments": '{"a": 1}', "status": "completed"},
        },
        {"type": "response.completed", "response": {"id": "resp_1", "status": "completed"}},
    ),
    "messages": named(
        {"type": "message_start", "message": {"id": "msg_1", "model": "m", "content": []}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text"}},
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "text_delta", "text": "Hi you"},
        },
        {"type": "content_block_stop", "index": 0},
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "call_1", "name": "add", "input": {}},
        },
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": '{"a": 1}'},
        },
        {"type": "content_block_stop", "index": 1},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use"}},
        {"type": "message_stop"},
    ),
    "gemini": sse(
        {"candidates": [{"content": {"parts": [{"text": "Hi"}]}}], "responseId": "r"},
        {"candidates": [{"content": {"parts": [{"text": " you"}]}}]},
        {
            "candidates": [
                {
                    "content": {"parts": [{"functionCall": {"name": "add", "args": {"a": 1}}}]},
                    "finishReason": "STOP",
                }
            ]
        },
    ),
}


def every_stream(*kinds: str) -> pytest.MarkDecorator:
    """Run a test with the ``body`` and the ``kind`` of each stream, recorded ones included.

    Args:
        kinds: only streams of these.
    """
    params: list[Any] = [
        pytest.param(kind, body, id=kind)
        for kind, body in BODIES.items()
        if kind in kinds or not kinds
    ]
    params += [
        pytest.param(kind, entry["bytes"], id=entry["file"].partition("/")[2])
        for api, kind in KINDS.items()
        if kind in kinds or not kinds
        for entry in corpus.entries(api)
    ]
    return pytest.mark.parametrize(("kind", "body"), params)


def joined(pieces: list[Any], kind: str, index: int | None = None) -> str:
    """The texts of the pieces of a kind, of one call or of all."""
    return "".join(
        piece.text for piece in pieces if piece.kind == kind and index in (None, piece.index)
    )


def told(stream: Any) -> dict[str, Any]:
    """What a stream says of itself, in values that compare."""
    names = (
        *("kind", "id", "model", "text", "reasoning", "refusal", "tool_calls", "usage"),
        *("finish_reason", "raw_finish_reason", "done", "truncated", "last_event_id"),
    )
    return {name: getattr(stream, name) for name in names}


def pull(stream: Any) -> tuple[list[Any], dict[str, Any]]:
    """The pieces of a stream, errors in their places, and what it says of itself then."""
    pieces = stream.iter_pieces()
    found: list[Any] = []
    while True:
        try:
            found.append(next(pieces))
        except StopIteration:
            return found, told(stream)
        except SSEError as error:
            found.append((type(error), str(error)))


def push(parser: Any, chunks: list[bytes]) -> tuple[list[Any], dict[str, Any]]:
    """The same of a parser that is fed these."""
    found: list[Any] = []

    def take(function: Any, *arguments: Any) -> bool:
        try:
            function(*arguments)
            found.extend(parser.iter_pieces())
        except SSEError as error:
            found.append((type(error), str(error)))
            return True
        return False

    for data in chunks:
        take(parser.feed, data)
    while take(parser.close) or parser.failed:
        pass
    return found, told(parser)
