"""A stream of another API is an error that names it."""

from __future__ import annotations

import pickle
from typing import Any

import corpus
import pytest
from chat_streams import DONE, chunk, sse

from sseparse import SSEError
from sseparse._stream.detect import READERS, kind_of
from sseparse.openai import (
    APIError,
    ChatParser,
    ChatStream,
    CompletionStream,
    UnexpectedAPIError,
)

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
    assert caught.value.reader == READERS[kind]
    assert f"{READERS[kind]} reads it" in str(caught.value)
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


@pytest.mark.parametrize("number", [1, 2, 20])
def test_a_legacy_stream_class_knows_a_chat_chunk_without_choices(number):
    chunk = {"id": "c", "object": "chat.completion.chunk", "choices": []}
    stream = CompletionStream([sse(*[chunk] * number)])
    with pytest.raises(UnexpectedAPIError):
        next(stream)


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


def outcome(stream: Any) -> tuple[int, SSEError | None]:
    """How many chunks come of a stream before it ends, and in which error it does."""
    count = 0
    try:
        for _ in stream:
            count += 1
    except SSEError as error:
        return count, error
    return count, None


APIS = {
    "responses": "responses",
    "anthropic.messages": "messages",
    "google.generateContent": "gemini",
}


def others() -> list[Any]:
    found = [
        pytest.param(entry, kind, id=entry["file"])
        for api, kind in APIS.items()
        for entry in corpus.entries(api)
    ]
    return found or [pytest.param(None, None, marks=pytest.mark.skip(reason="no corpus here"))]


@pytest.mark.parametrize("stream_class", [ChatStream, CompletionStream])
@pytest.mark.parametrize(("entry", "kind"), others())
def test_a_recorded_stream_of_another_api_is_named_before_anything_of_it(stream_class, entry, kind):
    count, error = outcome(stream_class([entry["bytes"]]))
    assert count == 0
    if entry["file"].endswith("_err429.sse"):
        assert isinstance(error, APIError)  # there is nothing but an error in it
    else:
        assert isinstance(error, UnexpectedAPIError)
        assert error.kind == kind
        assert error.payload in entry["bytes"]


@corpus.parametrize("chat.completions")
def test_a_recorded_chat_stream_is_no_other_apis(entry):
    stream = ChatStream([entry["bytes"]])
    while True:
        _, error = outcome(stream)
        assert not isinstance(error, UnexpectedAPIError)
        if error is None:
            return


@corpus.parametrize("chat.completions")
def test_a_recorded_chat_stream_is_named_by_the_legacy_class(entry):
    _, error = outcome(CompletionStream([entry["bytes"]]))
    assert isinstance(error, (UnexpectedAPIError, APIError))
    if isinstance(error, UnexpectedAPIError):
        assert (error.kind, error.reader) == ("chat", "sseparse.openai.ChatStream")


@corpus.parametrize("completions")
def test_a_recorded_legacy_stream_is_read_by_both_classes(entry):
    """Some chat servers send a text in place of a delta, as here."""
    for stream_class in (ChatStream, CompletionStream):
        count, error = outcome(stream_class([entry["bytes"]]))
        assert count > 0
        assert error is None


def test_a_push_parser_names_it_too():
    parser = ChatParser()
    with pytest.raises(UnexpectedAPIError, match="Responses API"):
        parser.feed(sse({"type": "response.created", "response": {}}, HI))
    assert parser.feed(sse(HI)) == parser.close() == []


@pytest.mark.parametrize(
    ("payloads", "kind"),
    [
        ([{"type": "ping"}, {"type": "message_start"}], "messages"),
        ([{"type": "keepalive"}, {"type": "response.output_text.delta"}], "responses"),
        ([{"promptFeedback": {"blockReason": "SAFETY"}}], "gemini"),
    ],
)
def test_a_keep_alive_does_not_tell_and_what_follows_does(payloads, kind):
    _, error = outcome(ChatStream([sse(*payloads)]))
    assert isinstance(error, UnexpectedAPIError)
    assert error.kind == kind


@pytest.mark.parametrize(
    "more",
    [
        {"type": "message"},
        {"type": "response"},
        {"type": 5},
        {"type": "content_block"},
        {"usage": {"promptTokenCount": 1}},
        {"candidates": []},
    ],
)
def test_a_chunk_with_other_keys_of_such_names_is_a_chunk(more):
    payload = {**HI, **more}
    assert [each.to_dict() for each in ChatStream([sse(payload) + DONE])] == [payload]


# By the payload alone.

ERROR = {"message": "m"}


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ({"type": "response.created"}, "responses"),
        ({"type": "response."}, "responses"),
        *(({"type": name}, "messages") for name in ("message_start", "message_delta")),
        *(({"type": name}, "messages") for name in ("message_stop", "content_block_start")),
        *(({"type": name}, "messages") for name in ("content_block_delta", "content_block_stop")),
        ({"type": "ping"}, None),
        ({"type": "keepalive", "candidates": []}, None),
        ({"type": "error", "sequence_number": 1, "error": {"type": "x"}}, "responses"),
        ({"type": "error", "error": {"type": "overloaded_error"}}, "messages"),
        ({"type": "error", "error": ERROR}, None),
        ({"type": "error", "message": "m"}, None),
        ({"type": 5, "choices": [{"delta": {}}]}, "chat"),
        ({"choices": [{"delta": {}, "text": ""}], "object": "text_completion"}, "chat"),
        ({"choices": [{"text": ""}], "object": "chat.completion.chunk"}, "completions"),
        ({"choices": [], "object": "chat.completion.chunk"}, "chat"),
        ({"choices": ["x"], "object": "chat.completion"}, "chat"),
        ({"object": "text_completion"}, "completions"),
        ({"object": "thread.run"}, None),
        ({"candidates": []}, "gemini"),
        ({"usageMetadata": {}}, "gemini"),
        ({"promptFeedback": {}}, "gemini"),
        ({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED"}}, "gemini"),
        ({"error": {"code": 429, "message": "m"}}, None),
        ({"error": {"code": "x", "status": "y"}}, None),
        ({"error": ERROR}, None),
        ({}, None),
    ],
)
def test_a_payload_tells_its_api_by_these_marks_in_this_order(payload, kind):
    assert kind_of(payload) == kind
