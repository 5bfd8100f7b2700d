"""What the demo server says, in the words of each API: the same answer, payload by payload.

Whoever offers tools to a chat is answered with calls first, and with the text when their results
come.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

MODEL = "river-1"

TEXT = """\
A river does not wait until it is whole. Somewhere above the tree line the snow
gives way, a thread of water finds the slope, and long before the last drop has
left the mountain the valley is already drinking. 🏔️  → 🌊

A streamed answer travels in the same way. It leaves its source one word at a
time, passes through proxies, locks and buffers, and is broken on every stone it
meets: in the middle of a line, in the middle of a naïve “é”, even between the
two halves of a line's end. None of that is damage. The water is the same water,
and whoever stands downstream with a patient bucket gets all of it, in order.

Ask along the banks, and everyone will tell you that the river waits for no one:

    la rivière n'attend personne · der Fluss wartet auf niemanden, weder früh noch spät
    река никого не ждёт · το ποτάμι δεν περιμένει κανέναν · rzeka nie czeka, płynie dalej
    川は誰も待たない · 河流不等任何人 · 강은 아무도 기다리지 않는다
    नदी किसी की राह नहीं देखती · แม่น้ำไม่เคยรอใคร · მდინარე არავის ელოდება 🌌

So do not dam it to count the drops. Let it run through your fingers (👩🏽‍🔬 measures,
👨‍👩‍👧 paddles, 🐟 does both), keep what has come whole, hold back only what has not,
and never call a stream finished because it fell silent: a dry bed and the sea
look much the same from upstream. The sea says so itself. 🌅
"""

# The arguments of the calls of the first tool that is offered.
CALLS = ({"river": "Rhine"}, {"river": "Elbe"})

INPUT_TOKENS = 21


def split_tokens(text: str) -> list[str]:
    """Split a text into pieces of the size that language models write."""
    return re.findall(r"\s?\w{1,5}|\s|[^\w\s]", text)


def as_chat(tool: str | None = None) -> Iterator[Any]:
    """Yield the payloads of a chat completion: calls of a tool, or the text."""
    deltas: list[dict[str, Any]] = []
    for index, arguments in enumerate(CALLS if tool is not None else ()):
        id, function = f"call_{index}", {"name": tool, "arguments": ""}
        begin = {"index": index, "id": id, "type": "function", "function": function}
        pieces = [
            {"index": index, "function": {"arguments": token}}
            for token in split_tokens(json.dumps(arguments))
        ]
        deltas += [{"tool_calls": [fragment]} for fragment in (begin, *pieces)]
    deltas = deltas or [{"content": token} for token in split_tokens(TEXT)]
    yield make_chunk({"role": "assistant", "content": ""})
    yield from map(make_chunk, deltas)
    yield make_chunk({}, finish_reason="stop" if tool is None else "tool_calls")
    yield make_chunk(None, usage=openai_usage(len(deltas)))
    yield "[DONE]"


def make_chunk(
    delta: dict[str, Any] | None,
    finish_reason: str | None = None,
    usage: dict[str, int] | None = None,
) -> dict[str, Any]:
    """Return one ``chat.completion.chunk``; without a delta it has no choices."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return {
        "id": "chatcmpl-demo",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": MODEL,
        "choices": [] if delta is None else [choice],
        "usage": usage,
    }


def openai_usage(output_tokens: int) -> dict[str, int]:
    return {
        "prompt_tokens": INPUT_TOKENS,
        "completion_tokens": output_tokens,
        "total_tokens": INPUT_TOKENS + output_tokens,
    }


def as_completion() -> Iterator[Any]:
    """Yield the payloads of a legacy completion."""
    tokens = split_tokens(TEXT)
    head = {"id": "cmpl-demo", "object": "text_completion", "created": 1760000000, "model": MODEL}
    for number, token in enumerate(tokens, 1):
        reason = "stop" if number == len(tokens) else None
        choice = {"index": 0, "text": token, "logprobs": None, "finish_reason": reason}
        yield {**head, "choices": [choice]}
    yield {**head, "choices": [], "usage": openai_usage(len(tokens))}
    yield "[DONE]"


def as_response() -> Iterator[Any]:
    """Yield the events of OpenAI's Responses API."""
    tokens = split_tokens(TEXT)
    place = {"item_id": "msg_demo", "output_index": 0, "content_index": 0}
    item: dict[str, Any] = {"id": "msg_demo", "type": "message", "role": "assistant"}
    part: dict[str, Any] = {"type": "output_text", "text": "", "annotations": []}
    response: dict[str, Any] = {"id": "resp_demo", "object": "response", "model": MODEL}
    response |= {"created_at": 1760000000, "status": "in_progress", "output": []}
    yield {"type": "response.created", "response": response}
    begun = {**item, "status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": 0, "item": begun}
    yield {"type": "response.content_part.added", **place, "part": part}
    for token in tokens:
        yield {"type": "response.output_text.delta", **place, "delta": token}
    yield {"type": "response.output_text.done", **place, "text": TEXT}
    whole = {**item, "status": "completed", "content": [{**part, "text": TEXT}]}
    yield {"type": "response.output_item.done", "output_index": 0, "item": whole}
    usage = {
        "input_tokens": INPUT_TOKENS,
        "output_tokens": len(tokens),
        "total_tokens": INPUT_TOKENS + len(tokens),
    }
    response |= {"status": "completed", "output": [whole], "usage": usage}
    yield {"type": "response.completed", "response": response}


def as_message() -> Iterator[Any]:
    """Yield the events of Anthropic's Messages API."""
    tokens = split_tokens(TEXT)
    message = {"id": "msg_demo", "type": "message", "role": "assistant", "model": MODEL}
    message |= {"content": [], "stop_reason": None, "stop_sequence": None}
    usage = {"input_tokens": INPUT_TOKENS, "output_tokens": 1}
    yield {"type": "message_start", "message": {**message, "usage": usage}}
    block = {"type": "text", "text": ""}
    yield {"type": "content_block_start", "index": 0, "content_block": block}
    yield {"type": "ping"}
    for token in tokens:
        delta = {"type": "text_delta", "text": token}
        yield {"type": "content_block_delta", "index": 0, "delta": delta}
    yield {"type": "content_block_stop", "index": 0}
    end = {"stop_reason": "end_turn", "stop_sequence": None}
    yield {"type": "message_delta", "delta": end, "usage": {"output_tokens": len(tokens)}}
    yield {"type": "message_stop"}


def as_content() -> Iterator[Any]:
    """Yield the responses of Google's streamGenerateContent."""
    tokens = split_tokens(TEXT)
    for number, token in enumerate(tokens, 1):
        content = {"role": "model", "parts": [{"text": token}]}
        candidate: dict[str, Any] = {"index": 0, "content": content}
        if number == len(tokens):
            candidate["finishReason"] = "STOP"
        usage = {
            "promptTokenCount": INPUT_TOKENS,
            "candidatesTokenCount": number,
            "totalTokenCount": INPUT_TOKENS + number,
        }
        head = {"modelVersion": MODEL, "responseId": "gemini-demo"}
        yield {"candidates": [candidate], "usageMetadata": usage, **head}


# How the path of each API ends, and what it answers.
ANSWERS = {
    "/chat/completions": as_chat,
    "/completions": as_completion,
    "/responses": as_response,
    "/messages": as_message,
    ":streamGenerateContent": as_content,
}
