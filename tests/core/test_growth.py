"""Large input comes out right: long lines, many lines, many events, many chunks.

That the cost is linear is shown by the benchmarks; times make no test. But input of this
size keeps a quadratic parser busy for minutes, and a buffer that grows wrongly breaks here.
"""

from __future__ import annotations

import random
import tracemalloc

import pytest

MIB = 2**20


def feed_in_chunks(parser, body: bytes, size: int) -> list:
    events = []
    for start in range(0, len(body), size):
        events += parser.feed(body[start : start + size])
    return events


@pytest.mark.parametrize("keep_raw", [False, True])
@pytest.mark.parametrize("name", ["data", "unknown", "event", "id"])
def test_a_line_of_4_mib_in_chunks_of_1_kib(Parser, name, keep_raw):
    value = random.Random(1).randbytes(3 * MIB).hex().encode()[: 4 * MIB]
    line = name.encode() + b": " + value
    (event,) = feed_in_chunks(Parser(keep_raw=keep_raw), b"data: x\n" + line + b"\n\n", 1024)
    assert event.data_bytes == (b"x\n" + value if name == "data" else b"x")
    assert event.event == (value.decode() if name == "event" else "message")
    assert event.id == (value.decode() if name == "id" else "")
    assert event.raw == (b"data: x\n" + line + b"\n\n" if keep_raw else None)


def test_a_comment_of_4_mib_in_chunks_of_1_kib(Parser):
    comments = []
    parser = Parser(on_comment=comments.append)
    assert feed_in_chunks(parser, b": " + b"x" * 4 * MIB + b"\r\n", 1024) == []
    assert [len(comment) for comment in comments] == [4 * MIB]


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["lf", "cr", "crlf"])
@pytest.mark.parametrize("size", [7, 4096, 10**9])
def test_100_000_data_lines_in_one_event(Parser, end, size):
    lines = [b"%d" % number for number in range(100_000)]
    body = end.join([b"data: " + line for line in lines]) + end + end
    (event,) = feed_in_chunks(Parser(), body, size)
    assert event.data_bytes == b"\n".join(lines)


@pytest.mark.parametrize("keep_raw", [False, True])
@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["lf", "cr", "crlf"])
def test_100_000_events_in_one_chunk(Parser, end, keep_raw):
    body = b"".join(b"data: %d" % number + end + end for number in range(100_000))
    events = Parser(keep_raw=keep_raw).feed(body)
    assert [event.data_bytes for event in events] == [b"%d" % n for n in range(100_000)]
    if keep_raw:
        assert b"".join(event.raw for event in events) == body


@pytest.mark.parametrize("keep_raw", [False, True])
def test_100_000_chunks_of_one_byte(Parser, keep_raw):
    body = b"event: add\r\ndata: \xe2\x82\xac 1\r\ndata: 2\r\n: c\r\n\r\n" * 2500
    events = feed_in_chunks(Parser(keep_raw=keep_raw), body, 1)
    assert len(events) == 2500
    assert {(event.event, event.data) for event in events} == {("add", "\u20ac 1\n2")}


def test_a_line_of_100_000_chunks_of_one_byte(Parser):
    (event,) = feed_in_chunks(Parser(), b"data:" + b"x" * 100_000 + b"\n\n", 1)
    assert event.data_bytes == b"x" * 100_000


@pytest.mark.parametrize("line", [b"", b":", b"id", b"data"])
def test_100_000_lines_that_carry_nothing(Parser, line):
    for end in (b"\n", b"\r", b"\r\n"):
        parser = Parser()
        assert len(parser.feed((line + end) * 100_000)) == 0
        assert parser.pending_bytes == 100_000 * (0 if line == b":" else len(line))


def test_a_large_event_costs_little_more_than_itself(Parser):
    """Of an event of 4 MiB in small chunks: its buffer as it grows, and the event."""
    chunk = b"x" * 4096
    parser = Parser()
    tracemalloc.start()
    try:
        parser.feed(b"data: ")
        for _ in range(1024):
            parser.feed(chunk)
        (event,) = parser.feed(b"\n\n")
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(event.data_bytes) == 4 * MIB
    assert held < 1.1 * 4 * MIB
    assert peak < 3.5 * 4 * MIB
