"""Every recorded Gemini stream: read as it was meant, and accepted by Google's package."""

from __future__ import annotations

import json
from typing import Any

import pytest
from corpus import parametrize
from google_package import assert_accepted

from sseparse import Parser
from sseparse.google import APIError, GenerateContentStream


def payloads(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """What the events say, read by nothing but the parser and the json module."""
    parser = Parser()
    events = parser.feed(entry["bytes"]) + parser.close(dispatch_incomplete=True)
    return [json.loads(event.data) for event in events]


def naive(entry: dict[str, Any]) -> Any:
    """Texts, thoughts, calls, usage and end, as a reader of the payloads would gather them."""
    told: dict[str, Any] = {"text": "", "thought": "", "calls": [], "usage": None, "reason": None}
    for payload in payloads(entry):
        told["usage"] = payload.get("usageMetadata", told["usage"])
        for candidate in payload["candidates"]:
            told["reason"] = candidate.get("finishReason", told["reason"])
            for part in candidate["content"]["parts"]:
                told["thought" if part.get("thought") else "text"] += part.get("text", "")
                if "functionCall" in part:
                    told["calls"].append(part["functionCall"])
    return told


def drain(stream: Any) -> Any:
    try:
        return stream.get_final_response()
    except APIError:
        return stream.current_response_snapshot


@parametrize("google.generateContent")
def test_gemini_streams_are_read_as_they_were_meant(streams, entry):
    stream = streams.GenerateContentStream([entry["bytes"]])
    final = drain(stream)
    told = naive(entry)
    assert final.text == told["text"]
    assert "".join(part.text or "" for part in final.parts if part.thought) == told["thought"]
    assert [call.to_dict() for call in final.function_calls] == told["calls"]
    assert (stream.usage and stream.usage.to_dict()) == told["usage"]
    assert stream.finish_reason == told["reason"]
    assert_accepted(final)


@parametrize("google.generateContent")
def test_responses_are_given_as_they_came(entry):
    stream = GenerateContentStream([entry["bytes"]])
    seen = []
    try:
        seen.extend(chunk.to_dict() for chunk in stream)
    except APIError:
        assert "error" in entry["file"] or "err429" in entry["file"]
    assert seen == payloads(entry)


@parametrize("google.generateContent")
def test_errors_say_what_google_said(entry):
    if b'"error"' in entry["bytes"]:
        with pytest.raises(APIError) as caught:
            GenerateContentStream([entry["bytes"]]).until_done()
        assert (caught.value.code, caught.value.type) in (
            (499, "CANCELLED"),
            (429, "rate_limit_error"),
        )
