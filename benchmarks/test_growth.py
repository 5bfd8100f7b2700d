"""Twice the work, twice the time: for what is quadratic in one parser or another.

Each group doubles the work from line to line; the column in brackets should say 1, 2, 4.
Events in one chunk grow faster than that while they outgrow the memory that the allocator
keeps: beyond some 25,000 of them it gets theirs from the system each time, page by page. The
work itself does not: callgrind counts 526 instructions an event for 100,000, 200,000 and
400,000 of them.
"""

from __future__ import annotations

import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from workloads import cut

from sseparse import Parser

MIB = 2**20

# Name: (the largest amount of work, what makes the chunks for an amount of it).
GROWTH = {
    "one line in 1 KiB chunks (MiB)": (
        64,
        lambda n: [*cut(b"data: " + b"x" * (n * MIB), 1024), b"\n\n"],
    ),
    "data lines in one event": (1_000_000, lambda n: [*cut(b"data: x\n" * n, 16384), b"\n"]),
    "events in one chunk, LF": (400_000, lambda n: [b"data: x\n\n" * n]),
    "events in one chunk, CR": (400_000, lambda n: [b"data: x\r\r" * n]),
    "events in one chunk, CRLF": (400_000, lambda n: [b"data: x\r\n\r\n" * n]),
    "single bytes": (1_000_000, lambda n: cut((b"data: " + b"x" * 290 + b"\n\n") * (n // 298), 1)),
}


@pytest.mark.parametrize("share", [4, 2, 1])
@pytest.mark.parametrize("name", GROWTH)
def test_growth(benchmark: BenchmarkFixture, name: str, share: int) -> None:
    largest, make_chunks = GROWTH[name]
    amount = largest // share
    chunks = make_chunks(amount)

    def parse() -> int:
        parser = Parser(max_event_size=None)
        return sum(len(parser.feed(chunk)) for chunk in chunks)

    assert parse() >= 1
    benchmark.group = f"growth: {name}"
    benchmark.name = f"{amount:,}"
    benchmark.pedantic(parse, rounds=7)
