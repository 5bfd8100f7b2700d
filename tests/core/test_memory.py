"""What the compiled parser takes: promises about bytes, which unlike times can be tested."""

from __future__ import annotations

import sys
import tracemalloc
from collections import deque
from itertools import repeat

import pytest

from sseparse import EventTooLargeError

_parser_c = pytest.importorskip("sseparse._parser_c", reason="the extension is not built")

MIB = 2**20


def peak_of(function) -> int:
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_idle_parser_takes_at_most_300_bytes() -> None:
    assert sys.getsizeof(_parser_c.Parser()) <= 300


def test_parser_between_events_holds_no_buffer() -> None:
    parser = _parser_c.Parser(keep_raw=True)

    def one_event() -> None:
        for byte in b"data: " + b"x" * 10_000 + b"\ndata: y\n\n":
            parser.feed(bytes([byte]))

    one_event()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        one_event()
        assert tracemalloc.get_traced_memory()[0] - before < 1_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r"])
@pytest.mark.parametrize("cut_before_end", [False, True])
def test_huge_event_takes_at_most_two_and_a_half_times_its_size(
    end: bytes, cut_before_end: bool
) -> None:
    size = 16 * MIB
    piece = b"x" * 1024

    def parse() -> None:
        parser = _parser_c.Parser(max_event_size=None)
        parser.feed(b"data: ")
        for _ in range(size // len(piece) - 1):
            parser.feed(piece)
        if cut_before_end:
            parser.feed(piece + end[: len(end) // 2])
            (event,) = parser.feed(end[len(end) // 2 :])
        else:
            (event,) = parser.feed(piece + end)
        assert len(event.data_bytes) == size

    assert peak_of(parse) <= 2.5 * size


def test_memory_stays_within_the_limit_however_long_the_line() -> None:
    limit = MIB
    piece = b"x" * 1024

    def parse() -> None:
        parser = _parser_c.Parser(max_event_size=limit)
        parser.feed(b"data: ")
        with pytest.raises(EventTooLargeError):
            deque(map(parser.feed, repeat(piece)), maxlen=0)

    assert peak_of(parse) <= 1.5 * limit
