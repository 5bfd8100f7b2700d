"""The streams of the other APIs, and the view of all of them, over what no server should send.

Inputs, and what holds for each, are those of ``typed_cases.py``. Of the bits that are the fuzzer's
own, two of byte 2 say which streams: Messages, Responses, Gemini, or any.
"""

from __future__ import annotations

from typing import Any

import harness
import typed_cases
from json_streams import Mutations, field_names

from sseparse.anthropic import types as messages
from sseparse.google import types as gemini
from sseparse.openai import responses_types as responses

STREAMS = ("MessageStream", "ResponseStream", "GenerateContentStream", "Stream")
# What payloads say that they are, how an answer ends, and where the values of a call go.
_WORDS = (
    *("message_start", "content_block_start", "content_block_delta", "content_block_stop"),
    *("message_delta", "message_stop", "ping", "message", "tool_use", "server_tool_use"),
    *("text_delta", "thinking_delta", "signature_delta", "input_json_delta", "end_turn"),
    *("response.created", "response.output_item.added", "response.output_item.done"),
    *("response.output_text.delta", "response.function_call_arguments.delta"),
    *("response.completed", "response.incomplete", "response.failed", "function_call"),
    *("reasoning", "summary_text", "output_text", "in_progress", "completed", "failed"),
    *("STOP", "MAX_TOKENS", "SAFETY", "$.a", "$.a[0].b", "$.a.b", "$[0]", "chat.completion.chunk"),
)
_KEYS = {
    *field_names(messages, responses, gemini),
    *("functionCall", "partialArgs", "jsonPath", "stringValue", "numberValue", "willContinue"),
    *("usageMetadata", "finishReason", "promptFeedback", "blockReason", "thoughtSignature"),
    *("choices", "output_text", "partial_json", "item_id"),
}


def check(data: bytes) -> None:
    case = typed_cases.read_case(data, has_choices=False)
    if case is not None:
        typed_cases.check(case, STREAMS[case.own // 2 % len(STREAMS)], _check_final)


def _check_final(final: Any) -> None:
    """Whatever came, it can be sent on."""
    final.to_json().encode()


if __name__ == "__main__":
    harness.main(check, Mutations(_KEYS, _WORDS).mutate)
