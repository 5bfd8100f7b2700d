"""The tables of the view: usage and finish reasons, a row each, and errors as each API has them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat_streams import DONE, chunk
from hypothesis import assume, given
from hypothesis import strategies as st
from llm_streams import BODIES, KINDS, every_stream, pull
from sse import named, sse

from sseparse import Parser, SSEError, llm
from sseparse._stream.reports import is_fine
from sseparse.anthropic import MessageStream
from sseparse.google import GenerateContentStream
from sseparse.openai import ChatStream, CompletionStream, ResponseStream

OWN: dict[str, Any] = {
    "chat": ChatStream,
    "completions": CompletionStream,
    "responses": ResponseStream,
    "messages": MessageStream,
    "gemini": GenerateContentStream,
}

USAGE = {
    "chat": (
        {
            "prompt_tokens": 100,
            "completion_tokens": 20,
            "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 7},
            "completion_tokens_details": {"reasoning_tokens": 5},
        },
        (100, 20, 30, 7, 5),
    ),
    "completions": ({"prompt_tokens": 100, "completion_tokens": 20}, (100, 20, 0, 0, 0)),
    "responses": (
        {
            "input_tokens": 100,
            "output_tokens": 20,
            "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 7},
            "output_tokens_details": {"reasoning_tokens": 5},
        },
        (100, 20, 30, 7, 5),
    ),
    "messages": (
        {
            "input_tokens": 63,
            "output_tokens": 20,
            "cache_read_input_tokens": 30,
            "cache_creation_input_tokens": 7,
            "output_tokens_details": {"thinking_tokens": 5},
        },
        (100, 20, 30, 7, 5),
    ),
    "gemini": (
        {
            "promptTokenCount": 90,
            "toolUsePromptTokenCount": 10,
            "candidatesTokenCount": 15,
            "thoughtsTokenCount": 5,
            "cachedContentTokenCount": 30,
        },
        (100, 20, 30, 0, 5),
    ),
}


def with_usage(kind: str, usage: dict[str, Any]) -> bytes:
    """The end of a stream of an API that tells of a usage."""
    payload = {
        "chat": {"object": "chat.completion.chunk", "choices": [], "usage": usage},
        "completions": {"object": "text_completion", "choices": [], "usage": usage},
        "responses": {"type": "response.completed", "response": {"usage": usage}},
        "messages": {"type": "message_start", "message": {"usage": usage}},
        "gemini": {"candidates": [], "usageMetadata": usage},
    }[kind]
    return sse(payload)


@pytest.mark.parametrize("kind", USAGE)
@pytest.mark.parametrize("accumulate", [True, False])
def test_the_usage_of_each_api(streams, kind, accumulate):
    native, counts = USAGE[kind]
    stream = streams.Stream([with_usage(kind, native)], accumulate=accumulate)
    stream.until_done()
    usage = stream.usage
    assert usage is not None
    assert (
        *(usage.input_tokens, usage.output_tokens),
        *(usage.cache_read_tokens, usage.cache_write_tokens, usage.reasoning_tokens),
    ) == counts
    own = OWN[kind]([with_usage(kind, native)])
    own.until_done()
    assert usage.native == own.usage


@pytest.mark.parametrize("kind", USAGE)
def test_what_a_usage_does_not_tell_is_zero(kind):
    first = next(iter(USAGE[kind][0]))
    stream = llm.Stream([with_usage(kind, {first: 3})])
    stream.until_done()
    assert stream.usage is not None
    assert sum(getattr(stream.usage, name) for name in stream.usage.__struct_fields__[:-1]) == 3


@pytest.mark.parametrize("kind", BODIES)
def test_without_a_word_of_it_there_is_no_usage(kind):
    stream = llm.Stream([BODIES[kind]])
    stream.until_done()
    assert stream.usage is None or kind == "messages"


def ending(kind: str, reason: str, has_call: bool = False) -> bytes:
    """A stream that ends for a reason, with or without a call of the caller's tool."""
    if kind == "chat":
        calls = [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]
        delta = {"tool_calls": calls} if has_call else {"content": "x"}
        return sse(chunk(delta), chunk({}, finish_reason=reason))
    if kind == "completions":
        return sse({"choices": [{"index": 0, "text": "x", "finish_reason": reason}]})
    if kind == "responses":
        begun = {"type": "response.output_item.added", "output_index": 0}
        item = {"type": "custom_tool_call" if has_call else "message", "id": "i"}
        status, _, details = reason.partition(": ")
        response: dict[str, Any] = {"status": status, "error": None}
        if details:
            response["incomplete_details"] = {"reason": details}
        end = {"type": f"response.{status}", "response": response}
        return named({**begun, "item": item}, end)
    if kind == "messages":
        return sse(
            {"type": "message_start", "message": {}},
            {"type": "message_delta", "delta": {"stop_reason": reason}},
        )
    part = {"functionCall": {"name": "f"}} if has_call else {"text": "x"}
    return sse({"candidates": [{"content": {"parts": [part]}, "finishReason": reason}]})


FINISH_REASONS = [
    ("chat", "stop", False, "stop"),
    ("chat", "tool_calls", True, "tool_calls"),
    ("chat", "function_call", False, "tool_calls"),
    ("chat", "length", False, "length"),
    ("chat", "content_filter", False, "content_filter"),
    ("chat", "eos", False, "eos"),
    ("completions", "stop", False, "stop"),
    ("completions", "length", False, "length"),
    ("responses", "completed", False, "stop"),
    ("responses", "completed", True, "tool_calls"),
    ("responses", "incomplete: max_output_tokens", False, "length"),
    ("responses", "incomplete: content_filter", False, "content_filter"),
    ("responses", "incomplete: max_output_tokens", True, "length"),
    ("responses", "incomplete", False, "incomplete"),
    ("responses", "failed", False, "error"),
    ("messages", "end_turn", False, "stop"),
    ("messages", "stop_sequence", False, "stop"),
    ("messages", "tool_use", False, "tool_calls"),
    ("messages", "max_tokens", False, "length"),
    ("messages", "model_context_window_exceeded", False, "length"),
    ("messages", "refusal", False, "content_filter"),
    ("messages", "pause_turn", False, "pause_turn"),
    ("gemini", "STOP", False, "stop"),
    ("gemini", "STOP", True, "tool_calls"),
    ("gemini", "MAX_TOKENS", True, "length"),
    *(
        ("gemini", reason, False, "content_filter")
        for reason in (
            *("SAFETY", "RECITATION", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"),
            *("IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_OTHER"),
        )
    ),
    ("gemini", "MALFORMED_FUNCTION_CALL", False, "error"),
    ("gemini", "MALFORMED_RESPONSE", False, "error"),
    ("gemini", "OTHER", False, "error"),
    ("gemini", "LANGUAGE", False, "LANGUAGE"),
]


@pytest.mark.parametrize(("kind", "reason", "has_call", "expected"), FINISH_REASONS)
@pytest.mark.parametrize("accumulate", [True, False])
def test_the_finish_reasons_of_each_api(streams, kind, reason, has_call, expected, accumulate):
    stream = streams.Stream([ending(kind, reason, has_call)], accumulate=accumulate)
    try:
        stream.until_done()
    except llm.APIError:
        assert expected == "error"
    assert (stream.kind, stream.finish_reason) == (kind, expected)
    assert stream.raw_finish_reason == reason.rpartition(": ")[2]
    assert not stream.truncated or expected == "error"


@pytest.mark.parametrize("accumulate", [True, False])
@pytest.mark.parametrize("reason", ["SAFETY", "OTHER", "IMAGE_SAFETY"])
def test_a_prompt_that_was_blocked_is_filtered_content(streams, reason, accumulate):
    body = sse({"promptFeedback": {"blockReason": reason}})
    stream = streams.Stream([body], accumulate=accumulate)
    stream.until_done()
    assert (stream.finish_reason, stream.raw_finish_reason) == ("content_filter", reason)


@pytest.mark.parametrize("accumulate", [True, False])
def test_an_error_event_ends_a_message(streams, accumulate):
    body = named({"type": "error", "error": {"type": "overloaded_error", "message": "m"}})
    stream = streams.Stream([body], accumulate=accumulate)
    with pytest.raises(llm.APIError):
        stream.until_done()
    assert (stream.kind, stream.finish_reason, stream.truncated) == ("messages", "error", True)


def test_a_response_is_completed_with_a_call_that_only_its_end_tells_of(streams):
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    end = {"type": "response.completed", "response": {"output": [call]}}
    for accumulate in (True, False):
        stream = streams.Stream([named(end)], accumulate=accumulate)
        stream.until_done()
        assert stream.finish_reason == "tool_calls"


# The same of recorded streams, read by nothing but the parser and the json module.


def payloads(body: bytes) -> list[Any]:
    parser = Parser()
    events = parser.feed(body) + parser.close(dispatch_incomplete=True)
    found = []
    for event in events:
        try:
            found.append(json.loads(event.data))
        except ValueError:
            continue
    return [payload for payload in found if isinstance(payload, dict)]


def naive_usage(kind: str, body: bytes) -> tuple[int, int] | None:
    """Input and output, all of it, as the last payload that tells of them has it."""
    found: dict[str, Any] = {}
    for payload in payloads(body):
        said = payload.get("usageMetadata") if kind == "gemini" else payload.get("usage")
        if kind == "responses" and isinstance(payload.get("response"), dict):
            said = payload["response"].get("usage")
        if kind == "messages" and "message" in payload:
            said = payload["message"].get("usage")
        said = said or (payload.get("x_groq") or {}).get("usage")
        if payload.get("error"):
            continue  # what it says is in the error's body
        if kind == "messages":
            said = said or {}
            # Some count the input in one event, and say zero in the other.
            is_all = any(said.get(name) for name in said if name.startswith(("input", "cache")))
            found.update({name: count for name, count in said.items() if count or is_all})
        elif said and any(isinstance(count, int) and count for count in said.values()):
            found = said
    if not found:
        return None
    names = {
        "chat": (("prompt_tokens",), ("completion_tokens",)),
        "completions": (("prompt_tokens",), ("completion_tokens",)),
        "responses": (("input_tokens",), ("output_tokens",)),
        "messages": (
            ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
            ("output_tokens",),
        ),
        "gemini": (
            ("promptTokenCount", "toolUsePromptTokenCount"),
            ("candidatesTokenCount", "thoughtsTokenCount"),
        ),
    }[kind]
    read, written = (sum(found.get(name) or 0 for name in group) for group in names)
    return read, written


@every_stream()
def test_the_usage_of_a_recorded_stream_is_the_last_on_the_wire(kind, body):
    stream = llm.Stream([body])
    pull(stream)
    usage = stream.usage
    told = None if usage is None else (usage.input_tokens, usage.output_tokens)
    expected = naive_usage(kind, body)
    assert told == expected or (expected is None and told == (0, 0))


def naive_text(kind: str, body: bytes) -> str:
    """The text of the first choice, of nothing but the deltas on the wire."""
    text = ""
    for payload in payloads(body):
        if kind in ("chat", "completions"):
            for choice in payload.get("choices") or ():
                if choice.get("index", 0) == 0:
                    said = (choice.get("delta") or {}).get("content")
                    if isinstance(said, list):  # Mistral's parts, some of which are thoughts
                        said = "".join(part.get("text", "") for part in said)
                    text += (choice.get("text") if kind == "completions" else said) or ""
        elif kind == "responses" and payload.get("type") == "response.output_text.delta":
            text += payload["delta"]
        elif kind == "messages" and payload.get("type") == "content_block_delta":
            text += payload["delta"].get("text", "")
        elif kind == "gemini":
            for candidate in payload.get("candidates", ()):
                for part in candidate.get("content", {}).get("parts", ()):
                    text += "" if part.get("thought") else part.get("text", "")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@every_stream()
def test_the_text_of_a_recorded_stream_is_that_of_its_deltas(kind, body):
    stream = llm.Stream([body])
    pull(stream)
    assert stream.text == naive_text(kind, body)


# Errors.


def raised(stream: Any) -> llm.APIError:
    with pytest.raises(llm.APIError) as caught:
        stream.until_done()
    return caught.value


@pytest.mark.parametrize("kind", BODIES)
@given(
    message=st.text(min_size=1),
    code=st.none() | st.text(min_size=1) | st.integers(-(2**63), 2**63 - 1),
    type=st.none() | st.text(min_size=1),
)
def test_an_error_that_is_written_is_the_error_that_is_read(kind, message, code, type):
    assume(not is_fine({"message": message}, False))
    body = llm.encode_error(kind, message, code=code, type=type)
    assert len(Parser().feed(body)) == 1
    for stream in (OWN[kind]([body]), llm.Stream([body]), llm.Stream([BODIES[kind], body])):
        if kind in ("chat", "completions", "responses", "messages") and stream.done:
            continue
        error = raised(llm.Stream([body], kind=kind) if isinstance(stream, llm.Stream) else stream)
        assert error.message == message
        assert error.code == (500 if kind == "gemini" and code is None else code)
        if type is not None:
            assert error.type == type


@pytest.mark.parametrize("kind", BODIES)
def test_the_code_of_an_error_that_is_written_is_read_as_it_was(kind):
    assert raised(llm.Stream([llm.encode_error(kind, "m", code=429)], kind=kind)).code == 429


@pytest.mark.parametrize("kind", ["messages", "responses"])
def test_an_error_tells_its_api_where_the_api_has_one_of_its_own(kind):
    stream = llm.Stream([llm.encode_error(kind, "m")])
    raised(stream)
    assert stream.kind == kind


def test_a_message_that_says_nothing_or_that_all_is_well_is_refused():
    for message in ("", "ok", "success"):
        with pytest.raises(ValueError, match="message must say what has failed"):
            llm.encode_error("chat", message)


@pytest.mark.parametrize("kind", ["chat", "completions"])
def test_a_failed_stream_still_ends_with_done(kind):
    stream = llm.Stream([llm.encode_error(kind, "m"), llm.DONE], kind=kind)
    raised(stream)
    stream.until_done()
    assert stream.done
    assert stream.truncated


def test_done_is_done_as_everybody_writes_it():
    assert llm.DONE == DONE


def test_the_apis_of_the_corpus_are_those_that_are_read():
    assert set(KINDS.values()) == set(BODIES) == set(OWN)
    assert issubclass(llm.APIError, SSEError)
