"""dispatch_without_data: blocks that set something but have no data are events, too."""

from __future__ import annotations

import asyncio
import copy
import pickle

import httpx
import pytest
from hypothesis import given
from streams import TRICKY_BODIES, chunkings, every_cutting, run
from whatwg import split_lines, utf_8_decode

from sseparse import aiter_events, iter_events
from sseparse.http import EventSource

# What NVIDIA's Dynamo sends when its engine dies.
DYNAMO = b"data: {}\n\nevent: error\n: engine lost\n\n"


def parse(Parser, body, **options):
    outcome = run(Parser, [body], dispatch_without_data=True, **options)
    return [(type_, data, id_, retry) for type_, data, _, id_, retry, _ in outcome.events]


@pytest.mark.parametrize(
    ("block", "event"),
    [
        (b"event: error\n: engine lost\n\n", ("error", "", "", None)),
        (b"event: ping\r\n\r\n", ("ping", "", "", None)),
        (b"event: ping\r\r", ("ping", "", "", None)),
        (b"id: 7\n\n", ("message", "", "7", None)),
        (b"id\n\n", ("message", "", "", None)),
        (b"retry: 10\n\n", ("message", "", "", 10)),
        (b"retry: 0\n\n", ("message", "", "", 0)),
        (b"event: a\nevent: b\nid: 1\nretry: 2\n\n", ("b", "", "1", 2)),
        (b"event: a\ndata: x\n\n", ("a", "x", "", None)),
        (b"data\n\n", ("message", "", "", None)),
    ],
)
def test_a_block_that_sets_something_is_an_event(Parser, block, event):
    assert parse(Parser, block) == [event]


@pytest.mark.parametrize(
    "block",
    [
        b"\n\n\n",
        b": comment\n\n",
        b"error: no\n\n",
        b"<html>\n\n</html>\n\n",
        b"event\n\n",
        b"event: a\nevent:\n\n",
        b"retry: soon\n\n",
        b"id: a\0b\n\n",
    ],
)
def test_a_block_that_sets_nothing_is_none(Parser, block):
    assert parse(Parser, block) == []


def test_by_default_it_is_none_as_the_standard_says(Parser):
    (event,) = Parser().feed(DYNAMO)
    assert event.data == "{}"


def test_the_type_does_not_survive_its_block(Parser):
    assert parse(Parser, b"event: a\n\ndata: x\n\n")[1][0] == "message"


def test_its_data_is_empty_and_its_own_id_its_own(Parser):
    (event,) = Parser(dispatch_without_data=True).feed(b"id: 7\n\n")
    assert event.data_bytes == b""
    assert event.own_id == "7"


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_its_raw_is_its_whole_block_wherever_it_is_cut(Parser, end):
    block = b": why" + end + b"event: error" + end + end
    for chunks in every_cutting(block):
        outcome = run(Parser, chunks, dispatch_without_data=True, keep_raw=True)
        assert [raw for *_, raw in outcome.events] == [block]


def test_an_unfinished_one_is_dispatched_when_asked_for(Parser):
    body = b"event: error\n: engine lost"
    assert parse(Parser, body) == []
    assert parse(Parser, body, dispatch_incomplete=True) == [("error", "", "", None)]


@pytest.mark.parametrize("body", TRICKY_BODIES.values(), ids=list(TRICKY_BODIES))
def test_events_with_data_are_the_same_as_without_it(Parser, body):
    plain = run(Parser, [body])
    more = run(Parser, [body], dispatch_without_data=True)
    assert [event for event in more.events if event in plain.events] == plain.events
    assert more[1:] == plain[1:]


def blocks_that_count(body: bytes) -> int:
    """How many blocks have data or set something: of the standard's words, the other way."""
    count = 0
    has_data = sets_id = sets_retry = False
    event_type = ""
    for line in split_lines(utf_8_decode(body)):
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if line == "":
            count += has_data or sets_id or sets_retry or event_type != ""
            has_data = sets_id = sets_retry = False
            event_type = ""
        has_data |= field == "data"
        sets_id |= field == "id" and "\0" not in value
        sets_retry |= field == "retry" and value.isascii() and value.isdigit() and len(value) <= 18
        if field == "event":
            event_type = value
    return count


@given(chunks=chunkings())
def test_every_block_that_sets_something_is_one_event(Parser, chunks):
    body = b"".join(chunks)
    outcome = run(Parser, chunks, dispatch_without_data=True)
    assert len(outcome.events) == blocks_that_count(body)
    assert outcome == run(Parser, [body], dispatch_without_data=True)


def test_the_loops_around_a_parser_take_it():
    assert [event.event for event in iter_events([DYNAMO], dispatch_without_data=True)] == [
        "message",
        "error",
    ]

    async def main():
        async def chunks():
            yield DYNAMO

        return [event.event async for event in aiter_events(chunks(), dispatch_without_data=True)]

    assert asyncio.run(main()) == ["message", "error"]
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=DYNAMO)
    source = EventSource(response, dispatch_without_data=True)
    assert [event.event for event in source] == ["message", "error"]


# What such a block says in comments.


def comments(Parser, body, **options):
    parser = Parser(dispatch_without_data=True, **options)
    return [event.comment for event in parser.feed(body) + parser.close(dispatch_incomplete=True)]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (DYNAMO, [None, "engine lost"]),
        (b": engine lost\nevent: error\n\n", ["engine lost"]),
        (b":one\nevent: error\n:  two\n:\n\n", ["one\n two\n"]),
        (b"event: error\n\n", [""]),
        (b": ping\n\nevent: error\n\n", [""]),
        (b"event: error\n\n: ping\n\nid: 1\n\n", ["", ""]),
        (b": c\ndata: x\n\nid: 1\n\n", [None, ""]),
        (b": c\ndata: x\ndata: y\n: d\n\nid: 1\n\n", [None, ""]),
        (b"event: error\n: caf\xff\n\n", ["caf\ufffd"]),
        (b"event: error\n: engine lost", ["engine lost"]),
        (b"data\n: c\n\n", [None]),
    ],
)
@pytest.mark.parametrize("keep_raw", [False, True])
def test_its_comments_are_those_of_its_block_wherever_it_is_cut(Parser, body, expected, keep_raw):
    assert comments(Parser, body, keep_raw=keep_raw) == expected
    for chunks in every_cutting(body) if len(body) < 20 else ([bytes([b]) for b in body],):
        parser = Parser(dispatch_without_data=True, keep_raw=keep_raw)
        events = [event for chunk in chunks for event in parser.feed(chunk)]
        events += parser.close(dispatch_incomplete=True)
        assert [event.comment for event in events] == expected


def test_comments_are_told_to_a_callback_all_the_same(Parser):
    seen = []
    assert comments(Parser, b": a\n" + DYNAMO, on_comment=seen.append) == [None, "engine lost"]
    assert seen == ["a", "engine lost"]


def test_without_the_option_there_is_no_comment(Parser):
    assert [event.comment for event in Parser().feed(b": c\ndata: x\n\n")] == [None]


def test_endless_comments_take_no_endless_memory(Parser):
    (comment,) = comments(Parser, b"event: error\n" + b": 789\n" * 10_000 + b"\n")
    assert comment == "\n".join(["789"] * 1025)


def test_a_reset_forgets_the_comments_of_what_was_unfinished(Parser):
    parser = Parser(dispatch_without_data=True)
    parser.feed(b"event: error\n: lost\n")
    parser.reset()
    (event,) = parser.feed(b"event: error\n\n")
    assert event.comment == ""


def test_an_event_can_be_made_with_a_comment(Event):
    event = Event("error", comment="lost")
    assert (event.data, event.comment) == ("", "lost")
    assert event == Event("error")
    assert hash(event) == hash(Event("error"))
    assert repr(event) == repr(Event("error"))
    for again in (pickle.loads(pickle.dumps(event)), copy.copy(event), copy.deepcopy(event)):
        assert again.comment == "lost"


def test_a_comment_beside_data_is_a_value_error(Event):
    with pytest.raises(ValueError, match=r"^comment must be None where there is data$"):
        Event(data="x", comment="")
    with pytest.raises(TypeError, match=r"^comment must be a str or None, not bytes$"):
        Event(comment=b"")
