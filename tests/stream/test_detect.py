"""A stream of another API is an error that names it."""

from __future__ import annotations

import pickle
from typing import Any

import corpus
import pytest
from chat_streams import DONE, chunk, sse

from sseparse.openai import APIError, ChatStream, CompletionStream, UnexpectedAPIError

HI = chunk({"content": "Hi"})


def read(stream: Any) -> list[Any]:
    return list(stream)


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"type": "response.created", "response": {}}, "responses"),
        ({"type": "message_start", "message": {}}, "messages"),
        ({"type": "content_block_delta", "index": 0}, "messages"),
        ({"candidates": [{"content": {}}]}, "gemini"),
        ({"usageMetadata": {"promptTokenCount": 1}}, "gemini"),
    ],
)
@pytest.mark.parametrize("stream_class", [ChatStream, CompletionStream])
def test_a_payload_of_another_api_is_named(stream_class, payload, kind):
    with pytest.raises(UnexpectedAPIError) as caught:
        read(stream_class([sse(payload, payload) + DONE]))
    assert caught.value.kind == kind
    assert caught.value.reader is None
    assert "sseparse has no types" in str(caught.value)
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_after_that_the_stream_has_ended():
    stream = ChatStream([sse({"type": "response.created"}, HI) + DONE])
    with pytest.raises(UnexpectedAPIError):
        next(stream)
    assert list(stream) == []
    assert stream.truncated


def test_a_legacy_stream_class_names_the_class_that_reads_a_chat_stream():
    with pytest.raises(UnexpectedAPIError, match="ChatStream reads it"):
        read(CompletionStream([sse(HI)]))


@pytest.mark.parametrize(
    "payload",
    [
        {"type": "ping"},
        {"type": "error", "error": {}},
        {"object": "chat.completion.chunk"},
        {"object": "text_completion", "choices": [{"index": 0, "text": "x"}]},
        {"object": "text_completion"},
        {"choices": []},
        {"anything": 1},
    ],
)
def test_what_does_not_tell_is_none(payload):
    read(ChatStream([sse(payload, HI) + DONE]))


@pytest.mark.parametrize(
    ("payload", "message"),
    [
        ({"type": "error", "sequence_number": 1, "message": "m"}, "m"),
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, "m"),
        ({"error": {"code": 503, "status": "UNAVAILABLE", "message": "m"}}, "m"),
    ],
)
def test_an_error_of_another_api_is_an_error(payload, message):
    with pytest.raises(APIError, match=message):
        read(ChatStream([sse(payload)]))


APIS = {"responses": "responses", "anthropic.messages": "messages"}
APIS["google.generateContent"] = "gemini"


@pytest.mark.parametrize("api", APIS)
def test_every_recorded_stream_of_another_api_is_named_or_an_error(api):
    for entry in corpus.entries(api):
        if not entry["events"]:
            continue
        with pytest.raises((UnexpectedAPIError, APIError)) as caught:
            read(ChatStream([entry["bytes"]]))
        if isinstance(caught.value, UnexpectedAPIError):
            assert caught.value.kind == APIS[api], entry["file"]
