"""max_event_size: one clear error, the same for every chunking, nothing lost, memory bounded."""

from __future__ import annotations

import copy
import pickle
import re
import tracemalloc
from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from limited_memory import LARGE, memory_for_less_than
from streams import BOM, bodies, chunkings, cut, every_cutting, run

from sseparse import EventTooLargeError, SSEError

LINE_END = re.compile(rb"\r\n|\r|\n")


def first_over_the_limit(body: bytes, limit: int, keep_raw: bool) -> tuple[str, int] | None:
    """What breaks the limit first, and where it begins: the contract over a whole body."""
    position = 3 if body.startswith(BOM) else 0
    if position == 0 and BOM.startswith(body):
        return None  # it may still become a BOM
    block_start, size, has_data, after_lone_cr = position, 0, False, False
    while position < len(body):
        line_end = LINE_END.search(body, position)
        end = line_end.start() if line_end else len(body)
        line = body[position:end]
        ending = line_end[0] if line_end else b""
        if not line and (not has_data or after_lone_cr):
            ending = ending[:1]  # its block ends at the CR; a LF is no part of it
        if keep_raw:
            size += len(line) + len(ending)
            if size > limit:
                return "event", block_start
        elif line.startswith(b":"):
            if len(line) > limit:
                return "comment line", position
        else:
            size += len(line)
            if size > limit:
                return "event", block_start
        has_data = has_data or line.partition(b":")[0] == b"data"
        if not line_end:
            break
        after_lone_cr = line_end[0] == b"\r"
        position = line_end.end()
        if not line:
            block_start, size, has_data = position, 0, False
    return None


@example([b"\xef\xbb", b"x"], 1, True)
@example([BOM[:2], BOM[2:] + b":1234"], 3, False)
@example([b"data:x\r", b"\n\r", b"\n"], 9, True)
@example([b"data:x\r\r\n"], 8, True)
@given(chunks=chunkings(), limit=st.integers(1, 60), keep_raw=st.booleans())
def test_the_limit_is_broken_where_the_contract_says(Parser, chunks, limit, keep_raw):
    outcome = run(Parser, chunks, max_event_size=limit, keep_raw=keep_raw)
    expected = first_over_the_limit(b"".join(chunks), limit, keep_raw)
    if expected is None:
        assert outcome.error is None
    else:
        assert outcome.error is not None
        assert outcome.error[0] is EventTooLargeError
        assert outcome.error[2] == (*expected, limit)


@given(chunks=chunkings(), limit=st.integers(1, 60), keep_raw=st.booleans())
def test_the_events_before_the_limit_are_those_without_one(Parser, chunks, limit, keep_raw):
    limited = run(Parser, chunks, max_event_size=limit, keep_raw=keep_raw)
    unlimited = run(Parser, chunks, max_event_size=None, keep_raw=keep_raw)
    if limited.error is None:
        assert limited == unlimited
    else:
        assert limited.events == unlimited.events[: len(limited.events)]
        assert limited.calls == unlimited.calls[: len(limited.calls)]


# What counts, and how much.


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["lf", "cr", "crlf"])
def test_an_event_at_the_limit_passes_and_one_byte_more_does_not(Parser, end):
    lines = [b"event: e", b"data: 12345", b"id: 1", b"retry: 1", b"unknown"]
    size = sum(map(len, lines))
    body = end.join([*lines, b"", b""])
    for chunks in every_cutting(body):
        assert len(run(Parser, chunks, max_event_size=size).events) == 1
        outcome = run(Parser, chunks, max_event_size=size - 1)
        assert outcome.events == []
        assert outcome.error[2] == ("event", 0, size - 1)


def test_line_ends_and_comments_do_not_count_towards_an_event(Parser):
    body = b"data\n: 34567890\ndata\r\n: 34567890\r\n\n"
    for chunks in every_cutting(body):
        assert len(run(Parser, chunks, max_event_size=10).events) == 1


def test_a_comment_line_at_the_limit_passes_and_one_byte_more_does_not(Parser):
    body = b"data: x\n:234567890\n\n"
    for chunks in every_cutting(body):
        assert len(run(Parser, chunks, max_event_size=10).events) == 1
        outcome = run(Parser, chunks, max_event_size=9)
        assert outcome.events == []
        assert outcome.error[2] == ("comment line", 8, 9)


def test_many_comment_lines_together_break_no_limit(Parser):
    parser = Parser(max_event_size=10)
    for _ in range(1000):
        assert parser.feed(b": 34567890\n") == []
    assert len(parser.feed(b"data: 7890\n\n")) == 1


def test_a_blank_line_starts_the_count_anew(Parser):
    body = b"event: 890\n\nid: 567890\n\ndata: 7890\n\n"
    for chunks in every_cutting(body):
        outcome = run(Parser, chunks, max_event_size=10)
        assert outcome.error is None
        assert len(outcome.events) == 1


def test_a_leading_bom_does_not_count(Parser):
    for chunks in every_cutting(BOM + b"data\n\n"):
        for keep_raw in (False, True):
            outcome = run(Parser, chunks, max_event_size=6, keep_raw=keep_raw)
            assert len(outcome.events) == 1


def test_what_looked_like_a_bom_counts(Parser):
    for chunks in every_cutting(BOM[:2] + b"xy\n\n"):
        assert run(Parser, chunks, max_event_size=4).error is None
        assert run(Parser, chunks, max_event_size=3).error[2] == ("event", 0, 3)


def test_with_keep_raw_everything_in_the_block_counts(Parser):
    body = b": c\ndata: x\r\n\r\n"
    for chunks in every_cutting(body):
        outcome = run(Parser, chunks, max_event_size=len(body), keep_raw=True)
        assert [event[-1] for event in outcome.events] == [body]
        outcome = run(Parser, chunks, max_event_size=len(body) - 1, keep_raw=True)
        assert outcome.events == []
        assert outcome.error[2] == ("event", 0, len(body) - 1)


def test_with_keep_raw_a_long_comment_is_an_event_too_large(Parser):
    for chunks in every_cutting(b"data: x\n\ndata\n: 345\n"):
        outcome = run(Parser, chunks, max_event_size=9, keep_raw=True)
        assert len(outcome.events) == 1
        assert outcome.error[2] == ("event", 9, 9)


def test_with_keep_raw_a_block_of_comments_alone_counts(Parser):
    parser = Parser(max_event_size=100, keep_raw=True)
    for _ in range(10):
        parser.feed(b":34567890\n")
    with pytest.raises(EventTooLargeError):
        parser.feed(b":")


def test_with_keep_raw_blank_lines_alone_break_no_limit(Parser):
    for chunks in every_cutting(b"\r\n\r\n\n\n\r\r\r\n"):
        assert run(Parser, chunks, max_event_size=1, keep_raw=True).error is None


def test_a_limit_of_none_is_no_limit(Parser):
    data = b"x" * (17 * 2**20)
    (event,) = Parser(max_event_size=None).feed(b"data:" + data + b"\n\n")
    assert event.data_bytes == data


def test_the_limit_is_16_mib_by_default(Parser):
    line = b"data:" + b"x" * (2**24 - 5)
    (event,) = Parser().feed(line + b"\n\n")
    assert len(event.data_bytes) == 2**24 - 5
    with pytest.raises(EventTooLargeError) as caught:
        Parser().feed(line + b"x\n\n")
    assert caught.value.max_event_size == 2**24


@pytest.mark.parametrize("limit", [2**31 - 1, 2**31, 2**63 - 1, 2**63, 2**64, 10**30])
def test_a_limit_larger_than_memory_is_a_limit_all_the_same(Parser, limit):
    assert len(Parser(max_event_size=limit).feed(b"data: x\n\n")) == 1
    assert len(Parser(max_event_size=limit, keep_raw=True).feed(b"data: x\n\n")) == 1


# When the error comes, and what it says.


def test_the_error_comes_at_once_where_nothing_was_complete(Parser):
    parser = Parser(max_event_size=5)
    with pytest.raises(EventTooLargeError):
        parser.feed(b"data: x\n\n")


def test_the_error_comes_as_soon_as_the_limit_is_broken_not_at_the_line_end(Parser):
    parser = Parser(max_event_size=5)
    assert parser.feed(b"data:") == []
    with pytest.raises(EventTooLargeError):
        parser.feed(b"x")


def test_events_before_it_are_returned_and_the_error_comes_from_the_next_call(Parser):
    parser = Parser(max_event_size=7)
    events = parser.feed(b"data: 1\n\ndata: 2\n\ndata: too large\n\ndata: 4\n\n")
    assert [event.data for event in events] == ["1", "2"]
    with pytest.raises(EventTooLargeError):
        parser.feed(b"")


def test_the_next_call_may_be_close(Parser):
    parser = Parser(max_event_size=7)
    assert len(parser.feed(b"data: 1\n\ndata: too large")) == 1
    with pytest.raises(EventTooLargeError):
        parser.close()
    with pytest.raises(EventTooLargeError):
        parser.close(dispatch_incomplete=True)


def test_what_follows_the_error_is_dropped(Parser):
    parser = Parser(max_event_size=7)
    with pytest.raises(EventTooLargeError):
        parser.feed(b"data: too large\n\ndata: 1\n\nid: 1\nretry: 5\n\n")
    with pytest.raises(EventTooLargeError):
        parser.feed(b"data: 1\n\n")
    assert parser.retry is None
    assert parser.last_event_id == ""


def test_the_error_stays_until_reset(Parser):
    parser = Parser(max_event_size=7)
    messages = set()
    for call in [lambda: parser.feed(b"data: too large")] * 3 + [parser.close] * 2:
        with pytest.raises(EventTooLargeError) as caught:
            call()
        messages.add(str(caught.value))
    assert len(messages) == 1
    parser.reset()
    assert [event.data for event in parser.feed(b"data: 1\n\n")] == ["1"]


def test_the_error_does_not_collect_tracebacks(Parser):
    parser = Parser(max_event_size=1)
    depths = set()
    for _ in range(5):
        with pytest.raises(EventTooLargeError) as caught:
            parser.feed(b"xx")
        assert caught.value.__context__ is None
        depths.add(len(caught.traceback))
    assert len(depths) <= 2  # the first comes from deeper inside


def test_an_error_is_a_new_exception_each_time(Parser):
    parser = Parser(max_event_size=1)
    caught = []
    for _ in range(2):
        with pytest.raises(EventTooLargeError) as info:
            parser.feed(b"xx")
        caught.append(info.value)
    assert caught[0] is not caught[1]


def test_nothing_is_pending_after_the_error(Parser):
    parser = Parser(max_event_size=7)
    assert len(parser.feed(b"data: 1\n\ndata: too large")) == 1
    assert parser.pending_bytes == 0


def test_ids_and_retry_before_the_error_count(Parser):
    parser = Parser(max_event_size=7)
    assert len(parser.feed(b"id: 1\n\nretry:5\n\ndata: 1\n\nid: 2\ndata: x\n\n")) == 1
    with pytest.raises(EventTooLargeError):
        parser.feed(b"")
    assert parser.last_event_id == "1"
    assert parser.retry == 5


def test_the_message_says_what_where_the_limit_and_what_to_do(Parser):
    parser = Parser(max_event_size=9)
    parser.feed(b"data: 1\n\n")
    with pytest.raises(EventTooLargeError) as caught:
        parser.feed(b"data: too large")
    error = caught.value
    assert (error.what, error.offset, error.max_event_size) == ("event", 9, 9)
    for part in ("event that begins at byte 9", "max_event_size (9 bytes)", "reset()"):
        assert part in str(error)
    assert isinstance(error, SSEError)


@pytest.mark.parametrize("keep_raw", [False, True])
def test_the_offset_is_that_of_the_block_for_every_chunking(Parser, keep_raw):
    body = BOM + b"data: 1\r\n\r\n\r\n: c\r\nevent: x\r\ndata: too large\r\n\r\n"
    offset = body.index(b": c")
    for chunks in every_cutting(body):
        outcome = run(Parser, chunks, max_event_size=19, keep_raw=keep_raw)
        assert len(outcome.events) == 1
        assert outcome.error[2] == ("event", offset, 19)


def test_offsets_begin_anew_at_reset(Parser):
    parser = Parser(max_event_size=9)
    for _ in range(2):
        parser.feed(b"data: 1\n\n")
        with pytest.raises(EventTooLargeError, match="byte 9 "):
            parser.feed(b"data: too large")
        parser.reset()


def test_the_error_can_be_pickled_and_copied(Parser):
    with pytest.raises(EventTooLargeError) as caught:
        Parser(max_event_size=1).feed(b"xx")
    error = caught.value
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert str(again) == str(error)
        assert (again.what, again.offset, again.max_event_size) == ("event", 0, 1)


@given(body=bodies, limit=st.integers(1, 60), keep_raw=st.booleans())
def test_no_more_is_pending_than_the_limit_allows(Parser, body, limit, keep_raw):
    """Field lines and one comment line are each held against it; a BOM's beginning is not."""
    parser = Parser(max_event_size=limit, keep_raw=keep_raw)
    try:
        for place in range(len(body)):
            parser.feed(body[place : place + 1])
            assert parser.pending_bytes <= max(2, limit if keep_raw else 2 * limit)
    except EventTooLargeError:
        assert parser.pending_bytes == 0


def test_dispatch_incomplete_holds_half_a_bom_against_the_limit(Parser):
    """At the end of input it is no BOM any more but an unfinished line of two bytes."""
    for keep_raw in (False, True):
        outcome = run(
            Parser, [BOM[:2]], max_event_size=1, keep_raw=keep_raw, dispatch_incomplete=True
        )
        assert outcome.error is not None
        assert outcome.error[2] == ("event", 0, 1)


# Endless input.

ENDLESS = {
    "line": b"x" * 1024,
    "data line": b"data: ".ljust(1024, b"x"),
    "comment line": b":" * 1024,
    "data lines": b"data: 3456\n" * 93,
    "ignored lines": b"error: 456\r\n" * 85,
    "ids": b"id: 4567\r" * 113,
    "nuls": bytes(1024),
}


def feed_endlessly(parser, chunk):
    """Feed until it raises; what is pending never passes the limit of 64 KiB."""
    for _ in range(100 * 1024 // len(chunk)):
        assert parser.feed(chunk) == []
        assert parser.pending_bytes <= 64 * 1024


@pytest.mark.parametrize("keep_raw", [False, True])
@pytest.mark.parametrize("chunk", ENDLESS.values(), ids=list(ENDLESS))
def test_endless_input_is_an_error_soon(Parser, chunk, keep_raw):
    parser = Parser(max_event_size=64 * 1024, keep_raw=keep_raw)
    with pytest.raises(EventTooLargeError):
        feed_endlessly(parser, chunk)
    assert parser.pending_bytes == 0


@pytest.mark.parametrize("chunk", [b": keep-alive\n" * 50, b"\n" * 1000, b"id: 1\r\n\r\n" * 100])
def test_endless_input_that_is_harmless_leaves_nothing_behind(Parser, chunk):
    parser = Parser(max_event_size=1024)
    for _ in range(500):
        assert parser.feed(chunk) == []
        assert parser.pending_bytes == 0


@pytest.mark.parametrize("chunk", ENDLESS.values(), ids=list(ENDLESS))
def test_memory_stays_within_the_limit_and_the_chunk(Parser, chunk):
    limit = 64 * 1024
    parser = Parser(max_event_size=limit)
    tracemalloc.start()
    try:
        for _ in range(2):
            with pytest.raises(EventTooLargeError):
                feed_endlessly(parser, chunk)
        for _ in range(100):
            with pytest.raises(EventTooLargeError):
                parser.feed(chunk)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A growing buffer may be copied once to its larger self: twice the limit and a bit.
    assert peak < 2.5 * limit


def test_earlier_events_are_never_lost_at_any_cut(Parser):
    events = b"data: 1\n\nevent: a\r\ndata: 2\r\n\r\ndata: 3\r\r"
    for too_large in (b"data: much too large", b"x" * 20, b":" + b"x" * 20, b"data\n" * 9):
        body = events + too_large + b"\n\ndata: 4\n\n"
        for place in range(len(body) + 1):
            for chunks in (cut(body, [place]), cut(body, [place, place + 3])):
                outcome = run(Parser, chunks, max_event_size=17)
                assert [event[1] for event in outcome.events] == ["1", "2", "3"]
                assert outcome.error is not None


def test_a_stream_that_broke_the_limit_is_truncated_until_reset(Parser):
    parser = Parser(max_event_size=5)
    with pytest.raises(EventTooLargeError):
        parser.feed(b"data: x")
    assert parser.truncated is True
    parser.reset()
    assert parser.truncated is False


# Memory runs out.


def test_a_line_that_memory_does_not_hold_is_a_memory_error_and_a_clean_failure(Parser):
    parser = Parser(max_event_size=None)
    body = b"id: 1\ndata: before\n\ndata: " + b"x" * LARGE
    with memory_for_less_than(LARGE), pytest.raises(MemoryError):
        parser.feed(body)
    assert parser.truncated
    assert parser.pending_bytes == 0
    assert [event.data for event in parser.feed(b"data: after\n\n")] == ["before"]
    for call in (partial(parser.feed, b"data: after\n\n"), parser.close):
        with pytest.raises(SSEError, match="has lost its place in the stream; call reset"):
            call()
    parser.reset()
    assert [event.id for event in parser.feed(b"data: again\n\n")] == ["1"]


def test_a_last_event_that_memory_does_not_hold_is_a_memory_error_and_a_clean_failure(Parser):
    parser = Parser(max_event_size=None)
    parser.feed(b"data: " + b"x" * LARGE)
    with memory_for_less_than(LARGE), pytest.raises(MemoryError):
        parser.close(dispatch_incomplete=True)
    assert parser.truncated
    with pytest.raises(SSEError, match="has lost its place"):
        parser.close(dispatch_incomplete=True)
    parser.reset()
    assert [event.data for event in parser.feed(b"data: again\n\n")] == ["again"]
