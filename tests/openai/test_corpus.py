"""Every recorded chat and legacy stream: decoded, folded, validated, and read as it was meant."""

from __future__ import annotations

import json
import random
from typing import Any

import openai.types
import openai.types.chat
from chat_streams import read
from corpus import parametrize

from sseparse import Parser, SSEError
from sseparse.openai import ChatStream, ChunkDecodeError, CompletionStream

FINISH_REASONS = {"stop", "length", "tool_calls", "content_filter", "function_call"}


def stream_class(entry: dict[str, Any]) -> Any:
    return CompletionStream if entry["api"] == "completions" else ChatStream


def payloads(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """What the events say, read by nothing but the parser and the json module."""
    parser = Parser()
    events = parser.feed(entry["bytes"]) + parser.close(dispatch_incomplete=True)
    datas = [event.data.strip() for event in events]
    return [json.loads(data) for data in datas if data and data != "[DONE]"]


def naive_text(entry: dict[str, Any], index: int) -> str:
    """A choice's text as a reader of the payloads would put it together."""
    text = ""
    for payload in payloads(entry):
        for choice in payload.get("choices") or []:
            if choice["index"] != index or payload.get("error"):
                continue
            content = (
                choice.get("text") if "delta" not in choice else choice["delta"].get("content")
            )
            if isinstance(content, list):
                content = "".join(part.get("text", "") for part in content)
            text += content or ""
    # JavaScript counts UTF-16: a server that cuts text there puts half an emoji into each chunk.
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")


def drain(stream: Any) -> Any:
    """Read a stream to its end, past errors that the server put into it."""
    while True:
        try:
            return stream.get_final_completion()
        except SSEError:
            continue


@parametrize("chat.completions")
def test_chat_streams_are_read_as_they_were_meant(entry):
    check(entry, openai.types.chat.ChatCompletion)


@parametrize("completions")
def test_legacy_streams_are_read_as_they_were_meant(entry):
    check(entry, openai.types.Completion)


def check(entry: dict[str, Any], model: Any) -> None:
    stream = stream_class(entry)([entry["bytes"]])
    final = drain(stream)
    has_errors = any(payload.get("error") for payload in payloads(entry))
    reasons = {choice.finish_reason for choice in final.choices}
    if reasons <= FINISH_REASONS:
        assert stream.truncated == has_errors
    else:
        # The model refuses these alone, and only these of the final object.
        assert stream.truncated or reasons - FINISH_REASONS == {"eos"}
        for choice in final.choices:
            choice.finish_reason = "stop"
    model.model_validate(final.to_dict())

    for choice in final.choices:
        text = choice.text if model is openai.types.Completion else choice.message.content
        assert (text or "") == naive_text(entry, choice.index)


@parametrize("chat.completions")
def test_chat_payloads_come_back_unchanged(entry):
    check_payloads(entry)


@parametrize("completions")
def test_legacy_payloads_come_back_unchanged(entry):
    check_payloads(entry)


def check_payloads(entry: dict[str, Any]) -> None:
    expected = [payload for payload in payloads(entry) if not payload.get("error")]
    stream = stream_class(entry)([entry["bytes"]])
    seen = []
    while True:
        try:
            for chunk in stream:
                seen.append(chunk)
            break
        except SSEError:
            continue
    assert [json.loads(chunk.raw) for chunk in seen] == expected
    assert [chunk.to_dict() for chunk in seen] == expected
    # Below the chunk, too: every key that the types do not declare is reachable.
    for chunk, payload in zip(seen, expected, strict=True):
        for choice, part in zip(chunk.choices, payload.get("choices") or (), strict=True):
            unknown = set(part) - set(choice.__struct_fields__)
            assert set(choice.model_extra) == unknown
            if hasattr(choice, "delta"):
                unknown = set(part["delta"]) - set(choice.delta.__struct_fields__)
                assert set(choice.delta.model_extra) == unknown


@parametrize("chat.completions")
def test_chat_streams_read_the_same_however_they_are_cut(entry):
    check_cuts(entry)


@parametrize("completions")
def test_legacy_streams_read_the_same_however_they_are_cut(entry):
    check_cuts(entry)


def check_cuts(entry: dict[str, Any]) -> None:
    body = entry["bytes"][:60_000]
    whole = read([body], stream_class(entry))
    rng = random.Random(entry["file"])
    for size in (7, 150, 4000):
        chunks, start = [], 0
        while start < len(body):
            end = start + rng.randint(1, 2 * size)
            chunks.append(body[start:end])
            start = end
        assert read(chunks, stream_class(entry)) == whole


@parametrize("chat.completions")
def test_reading_to_the_end_and_looping_come_to_the_same(entry):
    looped = read([entry["bytes"]])["final"]
    assert drain(ChatStream([entry["bytes"]])).to_dict() == looped


# Providers whose streams have to be mended, and why.
MENDED = {
    "mistral": "content as a list of parts",
    "github-copilot": "an object under the name of a list of annotations",
    "databricks": "usage with null for a count",
}


@parametrize("chat.completions")
def test_a_strict_stream_refuses_what_has_to_be_mended_and_nothing_else(entry):
    """Keys that no type declares are no fault."""
    stream = ChatStream([entry["bytes"]], strict=True)
    while True:
        try:
            stream.until_done()
            break
        except ChunkDecodeError:
            assert entry["provider"] in MENDED
        except SSEError:
            continue
