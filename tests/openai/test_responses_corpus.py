"""Every recorded Responses stream: read as it was meant, and accepted by the openai package."""

from __future__ import annotations

import json
from typing import Any

import pytest
from corpus import parametrize
from openai.types.responses import Response as Official

from sseparse import Parser
from sseparse.openai import APIError, ResponseStream, ResponseStreamState

TEXTS = {
    "response.output_text.delta": "text",
    "response.refusal.delta": "refusal",
    "response.reasoning_text.delta": "reasoning",
    "response.reasoning_summary_text.delta": "reasoning",
}
CALLS = ("function_call", "custom_tool_call")
OTHERS = ("message", "reasoning")


def payloads(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """What the events say, read by nothing but the parser and the json module."""
    parser = Parser()
    events = parser.feed(entry["bytes"]) + parser.close(dispatch_incomplete=True)
    return [json.loads(event.data) for event in events if event.data != "[DONE]"]


def without_nones(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nones(item) for key, item in value.items() if item is not None}
    return [without_nones(item) for item in value] if isinstance(value, list) else value


def terminal(entry: dict[str, Any]) -> dict[str, Any] | None:
    last = [each for each in payloads(entry) if each["type"] == "response.completed"]
    return last[-1]["response"] if last else None


def is_error(entry: dict[str, Any]) -> bool:
    return entry["file"].endswith("_err429.sse")


@parametrize("responses")
def test_response_streams_are_read_as_they_were_meant(streams, entry):
    stream = streams.ResponseStream([entry["bytes"]])
    if is_error(entry):
        with pytest.raises(APIError, match="Rate limit exceeded") as caught:
            stream.until_done()
        assert caught.value.code == "rate_limit_exceeded"
        return
    state = streams.ResponseStreamState()
    seen = []
    for event in stream:
        state.handle_event(event)
        seen.append(event.type)
    assert seen == [each["type"] for each in payloads(entry)]
    told = {"text": "", "refusal": "", "reasoning": ""}
    for payload in payloads(entry):
        if payload["type"] in TEXTS:
            told[TEXTS[payload["type"]]] += payload["delta"]
    assert as_utf16(stream.get_final_response().output_text) == as_utf16(told["text"])
    assert (state.refusal, state.reasoning) == (told["refusal"], told["reasoning"])
    last = terminal(entry)
    assert stream.done == (last is not None) == (not stream.truncated)
    if last is not None:
        assert stream.finish_reason == "completed"
        assert stream.usage.total_tokens == last["usage"]["total_tokens"]


def as_utf16(text: str) -> bytes:
    return text.encode("utf-16", "surrogatepass")


@parametrize("responses")
def test_events_are_given_as_they_came(entry):
    if not is_error(entry):
        assert [each.to_dict() for each in ResponseStream([entry["bytes"]])] == payloads(entry)


@parametrize("responses")
def test_the_final_response_is_the_last_events(entry):
    last = terminal(entry)
    if last is None:
        return
    final = ResponseStream([entry["bytes"]]).get_final_response().to_dict()
    expected = without_nones(last)
    # What the last event leaves empty the others have said ...
    if not expected["output"]:
        done = [each for each in payloads(entry) if each["type"] == "response.output_item.done"]
        expected["output"] = without_nones([each["item"] for each in done])
    assert contains(final, expected)


def contains(final: Any, expected: Any) -> bool:
    """Whether all that is expected is there: what the openai package demands may be, too."""
    if isinstance(expected, dict):
        # ... and tools that the openai package does not know are left out.
        return all(key in final and contains(final[key], expected[key]) for key in expected)
    if isinstance(expected, list):
        known = [each for each in expected if each != {"type": "x_search"}]
        return len(final) == len(known) and all(map(contains, final, known))
    return final == expected


@parametrize("responses")
def test_what_deltas_come_to_is_what_the_last_event_says(streams, entry):
    """Without it, that is: what a stream comes to that is cut off just before."""
    last = terminal(entry)
    if last is None or not last["output"]:
        return
    state = streams.ResponseStreamState()
    for event in streams.ResponseStream([entry["bytes"]]):
        if event.type not in ("response.completed", "response.output_item.done"):
            state.handle_event(event)
    cut = {item.id: item for item in state.get_final_response().output}
    # Copilot's ids are others in each event.
    if "id-rotation" in entry["file"]:
        return
    for item in last["output"]:
        if item["id"] not in cut:
            continue
        known = cut[item["id"]]
        if item["type"] in CALLS:
            assert known.arguments == item.get("arguments")
            assert known.input == item.get("input")
        for part, found in zip(item.get("content") or (), known.content or (), strict=True):
            assert found.text == part.get("text")
            assert found.refusal == part.get("refusal")


@parametrize("responses")
def test_final_responses_are_accepted_by_the_openai_package(entry):
    if not is_error(entry):
        final = ResponseStream([entry["bytes"]]).get_final_response()
        Official.model_validate(final.to_dict())


@parametrize("responses")
def test_what_is_cut_off_is_accepted_by_the_openai_package_too(entry):
    """But for a call of a tool that the server runs itself: it says itself what it has."""
    if is_error(entry):
        return
    events = list(ResponseStream([entry["bytes"]]))
    for count in range(0, len(events), 3):
        state = ResponseStreamState()
        for event in events[:count]:
            state.handle_event(event)
        response = state.get_final_response()
        response.output = [item for item in response.output if item.type in (*CALLS, *OTHERS)]
        Official.model_validate(response.to_dict())
