"""A block named ``error`` without data: how some servers say that a stream failed."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx2
import openai
import pytest
from chat_streams import DONE, chunk, read, read_under_every_cut, sse
from official_clients import async_connect, async_outcome, connect, outcome
from openai.types.chat import ChatCompletionChunk

from sseparse import Parser
from sseparse.openai import APIError, ChatParser, ChatStream, CompletionParser, CompletionStream
from sseparse.openai.sdk import AsyncStream, Stream

HI = sse(chunk({"content": "Hi"}))
LOST = b"event: error\n: engine lost\n\n"
NOTHING_SAID = "the server reported an error"


def legacy(text: str) -> bytes:
    return sse({"object": "text_completion", "choices": [{"index": 0, "text": text}]})


def messages(found: dict[str, Any]) -> list[str]:
    return [item[1] for item in found["seen"] if isinstance(item, tuple)]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (LOST, "engine lost"),
        (b": engine lost\nevent: error\n\n", "engine lost"),
        (b"event: error\r\n: engine\r\n: lost\r\n\r\n", "engine\nlost"),
        (b"id: 4\nevent: error\nretry: 5\n:engine lost\n\n", "engine lost"),
        (b"event: error\n: 500\n\n", "500"),
        (b'event: error\n: {"code": 1}\n\n', '{"code": 1}'),
        (b"event: error\n\n", NOTHING_SAID),
        (b": keep-alive\n\nevent: error\n:\n\n: keep-alive\n\n", NOTHING_SAID),
        (b"event: error\nerror: engine lost\n\n", "engine lost"),
        (b'event: error\n{"error": {"message": "engine lost"}}\n\n', "engine lost"),
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_it_is_one_error_with_what_its_comment_says(block, message, strict):
    found = read_under_every_cut(HI + block + DONE, strict=strict)
    assert messages(found) == [message]
    assert (found["done"], found["truncated"]) == (True, True)
    assert found["final"]["choices"][0]["message"]["content"] == "Hi"


def test_it_is_an_error_of_a_legacy_stream():
    found = read_under_every_cut(legacy("Hi") + LOST + DONE, CompletionStream)
    assert messages(found) == ["engine lost"]
    assert found["truncated"]


def test_one_behind_an_error_and_further_chunks_is_an_error_of_its_own():
    nothing = sse(chunk({}))
    body = nothing * 4 + b"error: x\n\n" + nothing * 4 + b"event: error\n\n"
    assert messages(read_under_every_cut(body)) == ["x", NOTHING_SAID]


@pytest.mark.parametrize("body", [LOST, LOST[:-1], LOST[:-2], b"event: error"])
def test_it_is_an_error_where_it_is_the_whole_body_or_its_unfinished_end(body):
    assert read_under_every_cut(body)["seen"][0][0] == "APIError"
    assert read_under_every_cut(HI + body)["seen"][1][0] == "APIError"


@pytest.mark.parametrize(
    "block",
    [
        b"id: 1\n\n",
        b"retry: 5\n\n",
        b"event: ping\n\n",
        b": error\n\n",
        b"event: ping\n: error\n\n",
    ],
)
@pytest.mark.parametrize("strict", [False, True])
def test_other_blocks_without_data_are_nothing(block, strict):
    found = read_under_every_cut(block + HI + block + DONE + block, strict=strict)
    assert len(found["seen"]) == 1
    assert not found["truncated"]


def test_an_empty_data_line_is_data():
    for block in (b"data:\n\n", b"id: 1\ndata\n\n"):
        assert messages(read_under_every_cut(HI + block + DONE)) == []
        assert read([block], strict=True)["seen"][0][0] == "ChunkDecodeError"


def test_a_page_behind_an_id_is_still_no_event_stream():
    for body in (b"id: 1\n\n<html>\n", b"id: 1\n\n<html>", b"id: 1\n\n\n<html>\n\n"):
        assert read_under_every_cut(body)["seen"][0][0] == "NotAnEventStreamError"


def test_the_callback_is_told_of_every_comment():
    comments: list[str] = []
    stream = ChatStream([b": a\n\n" + HI + LOST], on_comment=comments.append)
    next(stream)
    with pytest.raises(APIError):
        next(stream)
    assert comments == ["a", "engine lost"]


def test_an_id_without_data_is_a_place_to_resume_from():
    stream = ChatStream([b"id: 1\n" + HI + b"id: 2\n\n" + HI])
    next(stream)
    assert stream.last_event_id == "1"
    next(stream)
    assert stream.last_event_id == "2"


def test_errors_outside_any_field_keep_their_place_among_blocks_without_data():
    blocks = b"id: 1\n\n" * 3
    found = read_under_every_cut(HI + blocks + b"error: x\n" + HI + blocks + LOST + HI + DONE)
    assert [item if isinstance(item, tuple) else "Hi" for item in found["seen"]] == [
        "Hi",
        ("APIError", "x", None, None, None, "x"),
        "Hi",
        ("APIError", "engine lost", None, None, None, "engine lost"),
        "Hi",
    ]


@pytest.mark.parametrize("parser_class", [ChatParser, CompletionParser])
def test_pushed_streams_take_it_as_bytes_and_as_an_event(parser_class):
    (event,) = Parser(dispatch_without_data=True).feed(LOST)
    for push in (lambda p: p.feed(LOST), lambda p: p.feed_event(event)):
        parser = parser_class()
        with pytest.raises(APIError) as caught:
            push(parser)
        assert caught.value.message == "engine lost"
        assert parser.truncated


# The official client's own objects.

CLIENT = connect("http://127.0.0.1:9")


def open_stream(stream_class: Any, body: bytes, client: Any = CLIENT) -> Any:
    request = httpx2.Request("POST", "http://127.0.0.1:9/chat/completions")
    response = httpx2.Response(200, content=body, request=request)
    return stream_class(cast_to=ChatCompletionChunk, response=response, client=client)


@pytest.mark.parametrize(
    "block", [LOST, b"event: error\n\n", b"event: ping\n\n", b"retry: 5\n\n", b": ping\n\n"]
)
def test_the_official_clients_objects_and_exceptions_are_the_same(block):
    body = HI + block + HI + DONE
    official = outcome(open_stream(openai.Stream, body))
    assert outcome(open_stream(Stream, body)) == official
    stream = open_stream(AsyncStream, body, async_connect("http://127.0.0.1:9"))
    assert asyncio.run(async_outcome(stream)) == official


def test_its_exception_has_a_note_of_the_comment():
    stream = open_stream(Stream, HI + LOST)
    next(stream)
    with pytest.raises(json.JSONDecodeError) as caught:
        next(stream)
    assert getattr(caught.value, "__notes__", ["... engine lost"])[0].endswith("engine lost")
