"""What has to be known of each API: where it is asked, what reads it, what its payloads say.

The payloads are those of ``helpers/api_streams.py``; what they say is found here without the
package, so that the two can be compared.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from sseparse.anthropic import AsyncMessageStream, MessageParser, MessageStream
from sseparse.google import (
    AsyncGenerateContentStream,
    GenerateContentParser,
    GenerateContentStream,
)
from sseparse.openai import (
    AsyncChatStream,
    AsyncCompletionStream,
    AsyncResponseStream,
    ChatParser,
    ChatStream,
    CompletionParser,
    CompletionStream,
    ResponseParser,
    ResponseStream,
)

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["API", "APIS"]


class API(NamedTuple):
    """One of the five.

    Attributes:
        path: where a gateway is asked for it.
        parser: the class for bytes that are pushed.
        stream: the class for an iterable of bytes.
        async_stream: the class for an asynchronous one.
        get_final: the name of what gives the final object.
        text_of: the text of that.
        pieces_of: what a payload brings of the answer: pairs of kind and text, which may be empty.
        reason_of: why the answer ends, in the API's words; None in payloads that do not say it.
        neutral_reason: the same, in the words of the view of all APIs.
        last: the payload, or its type, that ends the stream; None where the API has none.
    """

    path: str
    parser: Any
    stream: Any
    async_stream: Any
    get_final: str
    text_of: Callable[[Any], str | None]
    pieces_of: Callable[[Any], list[tuple[str, Any]]]
    reason_of: Callable[[Any], Any]
    neutral_reason: str
    last: str | None


def _chat_pieces(payload: Any) -> list[tuple[str, Any]]:
    delta = payload["choices"][0]["delta"] if payload["choices"] else {}
    function = delta.get("tool_calls", [{}])[0].get("function", {})
    return [
        ("reasoning", delta.get("reasoning_content")),
        ("text", delta.get("content")),
        ("tool_call", function.get("name")),
        ("tool_input", function.get("arguments")),
    ]


def _completion_pieces(payload: Any) -> list[tuple[str, Any]]:
    return [("text", payload["choices"][0]["text"])]


def _choice_reason(payload: Any) -> Any:
    return payload["choices"][0]["finish_reason"] if payload["choices"] else None


def _response_pieces(payload: Any) -> list[tuple[str, Any]]:
    if payload["type"] == "response.output_item.added":
        return [("tool_call", payload["item"].get("name"))]
    kinds = {
        "response.reasoning_summary_text.delta": "reasoning",
        "response.output_text.delta": "text",
        "response.function_call_arguments.delta": "tool_input",
    }
    return [(kinds.get(payload["type"], ""), payload.get("delta"))]


def _response_reason(payload: Any) -> Any:
    return payload["response"]["status"] if payload["type"] == "response.completed" else None


def _message_pieces(payload: Any) -> list[tuple[str, Any]]:
    delta = payload.get("delta", {})
    return [
        ("reasoning", delta.get("thinking")),
        ("text", delta.get("text")),
        ("tool_call", payload.get("content_block", {}).get("name")),
        ("tool_input", delta.get("partial_json")),
    ]


def _message_reason(payload: Any) -> Any:
    return payload.get("delta", {}).get("stop_reason")


def _message_text(message: Any) -> str:
    return "".join(block.text for block in message.content if block.type == "text")


def _content_pieces(payload: Any) -> list[tuple[str, Any]]:
    pieces: list[tuple[str, Any]] = []
    for part in payload["candidates"][0]["content"]["parts"]:
        if "functionCall" in part:
            called = part["functionCall"]
            pieces += [("tool_call", called["name"]), ("tool_input", json.dumps(called["args"]))]
        else:
            pieces.append(("reasoning" if part.get("thought") else "text", part["text"]))
    return pieces


def _content_reason(payload: Any) -> Any:
    return payload["candidates"][0].get("finishReason")


APIS = {
    "chat": API(
        path="/chat/completions",
        parser=ChatParser,
        stream=ChatStream,
        async_stream=AsyncChatStream,
        get_final="get_final_completion",
        text_of=lambda final: final.choices[0].message.content if final.choices else "",
        pieces_of=_chat_pieces,
        reason_of=_choice_reason,
        neutral_reason="tool_calls",
        last="[DONE]",
    ),
    "completions": API(
        path="/completions",
        parser=CompletionParser,
        stream=CompletionStream,
        async_stream=AsyncCompletionStream,
        get_final="get_final_completion",
        text_of=lambda final: final.choices[0].text if final.choices else "",
        pieces_of=_completion_pieces,
        reason_of=_choice_reason,
        neutral_reason="stop",
        last="[DONE]",
    ),
    "responses": API(
        path="/responses",
        parser=ResponseParser,
        stream=ResponseStream,
        async_stream=AsyncResponseStream,
        get_final="get_final_response",
        text_of=lambda final: final.output_text,
        pieces_of=_response_pieces,
        reason_of=_response_reason,
        neutral_reason="tool_calls",
        last="response.completed",
    ),
    "messages": API(
        path="/messages",
        parser=MessageParser,
        stream=MessageStream,
        async_stream=AsyncMessageStream,
        get_final="get_final_message",
        text_of=_message_text,
        pieces_of=_message_pieces,
        reason_of=_message_reason,
        neutral_reason="tool_calls",
        last="message_stop",
    ),
    "gemini": API(
        path="/models/m:streamGenerateContent",
        parser=GenerateContentParser,
        stream=GenerateContentStream,
        async_stream=AsyncGenerateContentStream,
        get_final="get_final_response",
        text_of=lambda final: final.text,
        pieces_of=_content_pieces,
        reason_of=_content_reason,
        neutral_reason="tool_calls",
        last=None,
    ),
}
