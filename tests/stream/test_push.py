"""Pushed and pulled streams say the same, and the contract of feed and close."""

from __future__ import annotations

import asyncio
import random
import time
from typing import Any

import corpus
import pytest
from chat_streams import DONE, chunk, sse

from sseparse import Event, Parser
from sseparse.openai import (
    APIError,
    AsyncChatStream,
    ChatParser,
    ChatStream,
    ChunkDecodeError,
    CompletionParser,
    CompletionStream,
    NotAnEventStreamError,
    SSEError,
    TruncatedStreamError,
)

HI = chunk({"role": "assistant", "content": "Hi"})
THERE = chunk({"content": " there"})
STOP = chunk({}, finish_reason="stop")


def pulled(stream: Any) -> list[Any]:
    seen: list[Any] = []
    while True:
        try:
            seen.append(next(stream).to_dict())
        except StopIteration:
            return seen
        except SSEError as error:
            seen.append(str(error))


def pushed(parser: Any, pieces: list[bytes]) -> list[Any]:
    seen: list[Any] = []
    for piece in pieces:
        data = piece
        while True:
            try:
                seen += [item.to_dict() for item in parser.feed(data)]
            except SSEError as error:
                seen.append(str(error))
                data = b""
                continue
            if not parser.failed:
                break
            data = b""
    while True:
        try:
            found = parser.close()
        except SSEError as error:
            seen.append(str(error))
            continue
        seen += [item.to_dict() for item in found]
        if not parser.failed:
            return seen


def ends_of(stream: Any) -> list[Any]:
    usage = None if stream.usage is None else stream.usage.to_dict()
    final = stream.get_final_completion().to_dict()
    return [
        stream.done,
        stream.truncated,
        stream.finish_reason,
        stream.last_event_id,
        usage,
        final,
        stream.current_completion_snapshot.to_dict()["id"],
    ]


def cut_at_random(body: bytes, seed: int) -> list[bytes]:
    places = sorted(random.Random(seed).sample(range(len(body) + 1), min(12, len(body))))
    return [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]


@corpus.parametrize("chat.completions")
def test_a_recorded_chat_stream_says_the_same_pushed_and_pulled(entry):
    stream, parser = ChatStream([entry["bytes"]]), ChatParser()
    assert pushed(parser, cut_at_random(entry["bytes"], 7)) == pulled(stream)
    assert ends_of(parser) == ends_of(stream)


@corpus.parametrize("completions")
def test_a_recorded_legacy_stream_says_the_same_pushed_and_pulled(entry):
    stream, parser = CompletionStream([entry["bytes"]]), CompletionParser()
    assert pushed(parser, cut_at_random(entry["bytes"], 7)) == pulled(stream)
    assert ends_of(parser) == ends_of(stream)


def test_what_came_before_an_error_is_returned_and_the_error_comes_next():
    parser = ChatParser()
    body = sse(HI, "{broken", THERE)
    assert [item.to_dict() for item in parser.feed(body)] == [HI]
    assert parser.failed
    with pytest.raises(ChunkDecodeError):
        parser.feed(sse(STOP))  # its bytes are taken all the same
    assert not parser.failed
    assert [item.to_dict() for item in parser.feed(b"")] == [THERE, STOP]
    assert parser.close() == parser.close() == []


def test_close_may_raise_and_gives_what_is_left():
    parser = ChatParser()
    assert parser.feed(sse("{broken").rstrip() + b"\ndata: ") == []
    with pytest.raises(ChunkDecodeError):
        raise_of_close(parser)


def raise_of_close(parser: ChatParser) -> None:
    parser.feed(b"\n\n")
    parser.close()


def test_an_unterminated_done_counts_and_so_does_a_whole_last_payload():
    parser = ChatParser()
    assert len(parser.feed(sse(HI) + b"data: [DONE]")) == 1
    assert parser.close() == []
    assert (parser.done, parser.truncated) == (True, False)
    parser = ChatParser()
    assert parser.feed(sse(HI).rstrip()) == []
    assert [item.to_dict() for item in parser.close()] == [HI]


def test_a_body_that_is_no_event_stream_is_an_error_at_the_end():
    for body, error in (
        (b'{"error": {"message": "busy"}}', APIError),
        (b"<html>no</html>", NotAnEventStreamError),
    ):
        parser = ChatParser()
        assert parser.feed(body) == []
        with pytest.raises(error):
            parser.close()


def test_an_error_field_and_require_done_hold_for_pushed_streams():
    parser = ChatParser(require_done=True)
    with pytest.raises(APIError, match="busy"):
        parser.feed(b'error: {"message": "busy"}\n\n')
    with pytest.raises(TruncatedStreamError):
        parser.close()


def test_events_of_the_callers_own_parser_are_taken():
    own, parser = Parser(keep_raw=True), ChatParser(clock=time.perf_counter)
    found = [item for event in own.feed(sse(HI, THERE) + DONE) for item in parser.feed_event(event)]
    assert [item.to_dict() for item in found] == [HI, THERE]
    assert parser.feed_event(Event(data="x")) == []  # behind [DONE]
    assert parser.done
    assert parser.timing.first_chunk is not None
    with pytest.raises(TypeError, match="Event"):
        ChatParser().feed_event(b"data: x\n\n")


def test_bytes_are_the_only_thing_that_is_fed():
    with pytest.raises(TypeError, match="str"):
        ChatParser().feed("data: x\n\n")
    assert ChatParser().feed(memoryview(sse(HI)))[0].to_dict() == HI


def test_bytes_behind_the_end_are_ignored():
    parser = ChatParser()
    assert parser.feed(sse(HI) + DONE)
    assert parser.feed(sse(THERE)) == []


@pytest.mark.parametrize("make", [ChatParser, CompletionParser])
def test_a_parser_without_accumulation_keeps_no_completion(make):
    parser = make(accumulate=False)
    with pytest.raises(RuntimeError, match="accumulate"):
        parser.get_final_completion()
    with pytest.raises(RuntimeError, match="accumulate"):
        _ = parser.current_completion_snapshot


def test_the_last_event_id_is_that_of_the_event_handed_out_last():
    events = [
        b"id: %d\n" % number + event
        for number, event in enumerate([sse(HI), sse(THERE), sse(THERE), sse(THERE)])
    ]
    stream = ChatStream([b"".join(events)])
    for number, _ in enumerate(stream):
        assert stream.last_event_id == str(number)


def test_asynchronous_streams_have_a_snapshot_and_are_contexts():
    async def read() -> list[Any]:
        async def source() -> Any:
            yield sse(HI, THERE)

        async with AsyncChatStream(source()) as stream:
            await anext(stream)
            return [stream.current_completion_snapshot.choices[0].message.content]

    assert asyncio.run(read()) == ["Hi"]


def test_lines_without_their_ends_are_refused():
    with pytest.raises(TypeError, match="iter_lines"):
        list(ChatStream((sse(HI, THERE) + DONE).splitlines()))
