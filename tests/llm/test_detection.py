"""Which API a stream is of, as its payloads tell; and what comes of a stream that never tells."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import corpus
import pytest
from chat_streams import DONE, chunk
from llm_streams import BODIES, KINDS, every_stream, pull, push, told
from sse import sse

from sseparse import llm
from sseparse.openai import ChatStream

AZURES_FIRST = {"choices": [], "id": "", "model": "", "object": "", "prompt_filter_results": []}


def recorded_others() -> list[Any]:
    others = [entry for entry in corpus.entries() if entry["api"] not in KINDS]
    params: list[Any] = [pytest.param(entry, id=entry["file"]) for entry in others]
    skip = pytest.mark.skip(reason="no ../shared/corpus here")
    return params or [pytest.param(None, marks=skip)]


@every_stream()
def test_a_stream_tells_what_it_is_of(streams, kind, body):
    stream = streams.Stream([body])
    pull(stream)
    # A body that is nothing but an error, as several APIs have it, is of none.
    is_only_an_error = body.startswith((b'{"error"', b'data: {"error"')) and stream.id is None
    assert stream.kind == kind or (stream.kind is None and is_only_an_error)


@pytest.mark.parametrize("entry", recorded_others())
def test_no_stream_of_another_api_is_taken(entry):
    stream = llm.Stream([entry["bytes"]])
    with pytest.raises(
        llm.UnexpectedAPIError, match="no API that sseparse has types for"
    ) as caught:
        stream.until_done()
    assert caught.value.kind is None
    assert stream.kind is None
    assert stream.truncated


@pytest.mark.parametrize("kind", BODIES)
def test_the_kind_can_be_given_and_is_not_looked_for(streams, kind):
    assert pull(streams.Stream([BODIES[kind]], kind=kind)) == pull(streams.Stream([BODIES[kind]]))


@pytest.mark.parametrize("kind", BODIES)
def test_a_given_kind_that_is_not_the_streams_is_an_error_that_names_the_right_one(streams, kind):
    for other in BODIES.keys() - {kind}:
        if (kind, other) == ("completions", "chat"):
            continue  # a delta's text, which some servers have in the choice
        with pytest.raises(llm.UnexpectedAPIError) as caught:
            streams.Stream([BODIES[kind]], kind=other).until_done()
        assert caught.value.kind == kind


@pytest.mark.parametrize("kind", ["Chat", "", "openai"])
def test_an_unknown_kind_is_a_value_error_that_lists_those_there_are(kind: Any):
    listed = "'chat', 'completions', 'responses', 'messages', 'gemini'"
    for make in (lambda: llm.Stream([], kind=kind), lambda: llm.StreamParser(kind=kind)):
        with pytest.raises(ValueError, match=f"kind must be one of {listed}"):
            make()
    with pytest.raises(ValueError, match=listed):
        llm.encode_error(kind, "m")


def test_everything_can_be_asked_before_it_is_known(streams):
    parser = streams.StreamParser()
    assert parser.feed(b": nothing yet\n\n") == []
    assert told(parser) == {
        **dict.fromkeys(("kind", "id", "model", "usage", "finish_reason", "raw_finish_reason")),
        **dict.fromkeys(("text", "reasoning", "refusal", "last_event_id"), ""),
        **dict.fromkeys(("done", "truncated"), False),
        "tool_calls": [],
    }
    assert list(parser.iter_tool_calls()) == list(parser.iter_pieces()) == []
    assert parser.get_final() is None


def test_before_its_first_choice_a_chat_stream_has_said_nothing(streams):
    parser = streams.StreamParser(kind="chat")
    assert len(parser.feed(sse(AZURES_FIRST))) == 1
    assert (parser.text, parser.reasoning, parser.refusal) == ("", "", "")


def test_what_came_before_it_was_known_is_read_when_it_is(streams):
    body = sse(AZURES_FIRST, chunk({"content": "Hi"})) + DONE
    events = list(streams.Stream([body]))
    assert [event.to_dict() for event in events] == [e.to_dict() for e in ChatStream([body])]
    assert len(events) == 2


def test_its_times_are_those_at_which_it_came(streams):
    times = iter([1.0, 2.0, 3.0, 4.0])
    body = [sse(AZURES_FIRST), b": ...\n\n", sse(chunk({"content": "Hi"})), DONE]
    stream = streams.Stream(body, clock=lambda: next(times))
    stream.until_done()
    timing = stream.timing
    assert (timing.first_read, timing.first_chunk, timing.token_times) == (1.0, 1.0, [3.0])
    assert timing.last_read == 4.0


def test_what_counts_as_a_token_can_be_said_before_it_is_known(streams):
    times = iter([1.0, 2.0, 3.0])
    body = [sse(AZURES_FIRST), sse(chunk({"content": "Hi"})), DONE]
    stream = streams.Stream(body, clock=lambda: next(times))
    stream.timing.is_token = lambda chunk: True
    stream.until_done()
    assert stream.timing.token_times == [1.0, 2.0]


def test_the_place_to_resume_from_is_not_ahead_of_the_caller(streams):
    parser = streams.StreamParser(last_event_id="0")
    assert parser.feed(b"id: 1\n" + sse(AZURES_FIRST)) == []
    assert parser.last_event_id == "0"
    assert len(parser.feed(b"id: 2\n" + sse(chunk({"content": "Hi"})))) == 2
    assert parser.last_event_id == "2"


def test_an_error_before_it_is_known_comes_at_once_and_the_rest_is_read(streams):
    parser = streams.StreamParser()
    with pytest.raises(llm.APIError, match="busy"):
        parser.feed(sse({"error": {"message": "busy"}}))
    assert parser.kind is None
    assert parser.feed(BODIES["messages"])[0].type == "message_start"
    assert parser.kind == "messages"
    assert parser.truncated


def test_what_cannot_be_read_before_it_is_known_is_an_error_and_the_rest_is_read(streams):
    parser = streams.StreamParser()
    with pytest.raises(llm.ChunkDecodeError):
        parser.feed(b"data: {broken\n\n")
    assert parser.feed(BODIES["gemini"])


@pytest.mark.parametrize("payload", ["5", "null", '"chat.completion.chunk"', "true"])
def test_json_that_is_no_object_tells_nothing(streams, payload):
    parser = streams.StreamParser()
    assert parser.feed(sse(payload)) == []
    assert parser.kind is None
    assert parser.feed(BODIES["chat"])
    assert parser.kind == "chat"


@pytest.mark.parametrize(
    "body", [b"", b": ...\n\n", sse({"type": "ping"}), b"event: ping\ndata: x"]
)
def test_a_stream_of_nothing_is_truncated(streams, body):
    stream = streams.Stream([body])
    assert list(stream) == []
    assert stream.truncated
    assert (stream.kind, stream.get_final()) == (None, None)
    with pytest.raises(llm.TruncatedStreamError, match="before it told which API it is of"):
        streams.Stream([body], require_done=True).until_done()


def test_of_a_stream_of_nothing_with_a_given_kind_there_is_a_final_object(streams):
    stream = streams.Stream([b""], kind="chat")
    assert stream.get_final() == ChatStream([b""]).get_final_completion()
    with pytest.raises(llm.TruncatedStreamError, match=r"\[DONE\]"):
        streams.Stream([b""], kind="chat", require_done=True).until_done()


def test_done_and_nothing_else_is_done(streams):
    stream = streams.Stream([DONE])
    assert list(stream) == []
    assert (stream.done, stream.truncated, stream.kind) == (True, False, None)


@pytest.mark.parametrize("ending", [b"", DONE])
def test_at_the_end_what_never_told_is_an_error_with_all_that_came(streams, ending):
    stream = streams.Stream([sse({"a": 1}, {"b": 2}) + ending])
    with pytest.raises(llm.UnexpectedAPIError) as caught:
        stream.until_done()
    assert caught.value.payload == b'{"a": 1}\n{"b": 2}'
    assert list(stream) == []
    assert stream.truncated


def test_after_eight_payloads_it_is_given_up(streams):
    parser = streams.StreamParser()
    for _ in range(7):
        assert parser.feed(sse({"a": 1})) == []
        assert parser.feed(sse({"type": "ping"})) == []
    with pytest.raises(llm.UnexpectedAPIError):
        parser.feed(sse({"a": 1}))
    assert parser.feed(BODIES["chat"]) == []


def test_a_body_that_is_no_event_stream_raises_what_it_raises_elsewhere(streams):
    for body in (b"<html>busy</html>", b'{"detail": "Not Found"}', b'{"error": {"message": "m"}}'):
        found: list[Any] = []
        for make in (ChatStream, streams.Stream):
            with pytest.raises(llm.SSEError) as caught:
                make([body]).until_done()
            found.append((type(caught.value), str(caught.value)))
        assert found[0] == found[1]


WHOLES = {
    "chat": {"object": "chat.completion", "choices": [{"index": 0, "message": {"content": "Hi"}}]},
    "responses": {
        "object": "response",
        "status": "completed",
        "output": [{"type": "message", "content": [{"type": "output_text", "text": "Hi"}]}],
    },
    "messages": {"type": "message", "content": [{"type": "text", "text": "Hi"}]},
    "gemini": {"candidates": [{"content": {"parts": [{"text": "Hi"}]}, "finishReason": "STOP"}]},
}


@pytest.mark.parametrize("kind", WHOLES)
def test_an_answer_that_was_not_streamed_after_all_is_read(streams, kind):
    for body in (sse(WHOLES[kind]), sse(WHOLES[kind])[6:]):
        pieces, said = pull(streams.Stream([body]))
        assert [(piece.kind, piece.text) for piece in pieces] == [("text", "Hi")]
        assert (said["kind"], said["text"]) == (kind, "Hi")


def test_googles_code_assist_has_its_responses_in_an_object(streams):
    stream = streams.Stream([sse({"response": WHOLES["gemini"]})])
    pull(stream)
    assert (stream.kind, stream.text) == ("gemini", "Hi")


def test_types_that_only_the_events_say_tell_too(streams):
    body = (
        b'event: message_start\ndata: {"message": {"id": "m"}}\n\nevent: message_stop\ndata: {}\n\n'
    )
    stream = streams.Stream([body])
    pull(stream)
    assert (stream.kind, stream.id, stream.done) == ("messages", "m", True)


@pytest.mark.parametrize("kind", BODIES)
def test_the_stream_gives_the_apis_own_events_and_final_object(streams, kind):
    own = {
        "chat": streams.ChatStream,
        "completions": streams.CompletionStream,
        "responses": streams.ResponseStream,
        "messages": streams.MessageStream,
        "gemini": streams.GenerateContentStream,
    }[kind]
    stream = streams.Stream([BODIES[kind]])
    assert list(stream) == list(own([BODIES[kind]]))
    final = stream.get_final()
    names = ("get_final_completion", "get_final_message", "get_final_response")
    own_final = next(getattr(own, found) for found in names if hasattr(own, found))
    assert final == own_final(own([BODIES[kind]]))


@pytest.mark.parametrize("kind", BODIES)
def test_a_cancelled_read_before_it_is_known_can_be_read_on(streams, kind):
    """What a source raises comes out as it is, and nothing that came is lost by it."""

    class Source:
        def __init__(self) -> None:
            self.chunks: list[Any] = [BODIES[kind][:9], TimeoutError("slow"), BODIES[kind][9:]]

        def __aiter__(self) -> Source:
            return self

        async def __anext__(self) -> bytes:
            if not self.chunks:
                raise StopAsyncIteration
            found = self.chunks.pop(0)
            if isinstance(found, Exception):
                raise found
            return found

    async def read() -> Any:
        stream = streams.AsyncStream(Source())
        with pytest.raises(TimeoutError):
            await stream.__anext__()
        assert stream.truncated
        return [event async for event in stream], told(stream)

    stream = streams.Stream([BODIES[kind]])
    assert asyncio.run(read()) == (list(stream), told(stream))


def test_a_stream_that_is_closed_before_it_is_known_gives_nothing(streams):
    stream = streams.Stream([sse(AZURES_FIRST)])
    stream.close()
    assert list(stream) == []
    assert stream.kind is None


def test_events_of_the_callers_own_parser_tell_as_well(streams):
    from sseparse import Parser

    for kind, body in BODIES.items():
        parser = streams.StreamParser()
        found = [item for event in Parser().feed(body) for item in parser.feed_event(event)]
        assert (parser.kind, found) == (kind, streams.StreamParser().feed(body))


@pytest.mark.parametrize("kind", BODIES)
def test_without_accumulating_the_end_and_the_pieces_are_told_and_nothing_is_kept(streams, kind):
    stream = streams.Stream([BODIES[kind]], accumulate=False)
    pieces, said = pull(streams.Stream([BODIES[kind]]))
    assert list(stream.iter_pieces()) == pieces
    for name in ("kind", "usage", "finish_reason", "raw_finish_reason", "done", "truncated"):
        assert getattr(stream, name) == said[name]
    for name in ("id", "model", "text", "reasoning", "refusal", "tool_calls"):
        with pytest.raises(RuntimeError, match="accumulate=False"):
            getattr(stream, name)
    for ask in (stream.get_final, stream.iter_tool_calls, stream.iter_partial_tool_calls):
        with pytest.raises(RuntimeError, match="accumulate=False"):
            ask()


def test_pushing_raises_where_it_never_is_known(streams):
    found, said = push(streams.StreamParser(), [sse({"a": 1})])
    assert [kind for kind, _ in found] == [llm.UnexpectedAPIError]
    assert said["truncated"]


def test_without_msgspec_the_import_says_what_to_install():
    code = """
import sys
sys.modules["msgspec"] = None
try:
    import sseparse.llm
except ImportError as error:
    assert 'pip install "sseparse[llm]"' in str(error), error
else:
    raise AssertionError("imported")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
