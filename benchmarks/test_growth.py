"""Twice the work, twice the time: for what is quadratic in one parser or another.

Each group doubles the work from line to line; the column in brackets should say 1, 2, 4.

Python gives memory back to the system when nothing is left in a piece of it, and gets it again
page by page. Events by the hundred thousand would be charged for that, at several times their
own cost, from the size on at which it happens. So something is left everywhere, as in any
process that does more than this; the page faults of a run are counted all the same, and the
limit, building the same events where their data is known to be, has a group of its own. One long
line has a step, too, where page faults set in: the C library, it seems, no longer keeps its buffer.
"""

from __future__ import annotations

import functools
import resource
from array import array
from collections.abc import Callable, Iterator

import limits
import pytest
from pytest_benchmark.fixture import BenchmarkFixture
from workloads import cut

from sseparse import Parser

MIB = 2**20

# Name: (the largest amount of work, what makes the chunks for an amount of it).
GROWTH: dict[str, tuple[int, Callable[[int], list[bytes]]]] = {
    "one line in 1 KiB chunks (MiB)": (
        64,
        lambda n: [*cut(b"data: " + b"x" * (n * MIB), 1024), b"\n\n"],
    ),
    "data lines in one event": (1_000_000, lambda n: [*cut(b"data: x\n" * n, 16384), b"\n"]),
    "events in one chunk, LF": (100_000, lambda n: [b"data: x\n\n" * n]),
    "events in one chunk, CR": (100_000, lambda n: [b"data: x\r\r" * n]),
    "events in one chunk, CRLF": (100_000, lambda n: [b"data: x\r\n\r\n" * n]),
    "single bytes": (1_000_000, lambda n: cut((b"data: " + b"x" * 290 + b"\n\n") * (n // 298), 1)),
}
SHARES = (4, 2, 1)


@pytest.fixture(scope="module", autouse=True)
def memory_in_use() -> Iterator[None]:
    """A few events everywhere in the memory that the largest work needs."""
    left = Parser(max_event_size=None).feed(b"data: x\n\n" * 400_000)[::100]
    yield
    left.clear()


def measure(benchmark: BenchmarkFixture, name: str, amount: int, run: Callable[[], object]) -> None:
    faults = page_faults()
    run()
    benchmark.group = f"growth: {name}"
    benchmark.name = f"{amount:,}"
    benchmark.extra_info.update(items=amount, page_faults=page_faults() - faults)
    benchmark.pedantic(run, rounds=3)


def page_faults() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("name", GROWTH)
def test_growth(benchmark: BenchmarkFixture, name: str, share: int) -> None:
    largest, make_chunks = GROWTH[name]
    amount = largest // share
    chunks = make_chunks(amount)

    def parse() -> int:
        parser = Parser(max_event_size=None)
        return sum(len(parser.feed(chunk)) for chunk in chunks)

    assert parse() >= 1
    measure(benchmark, name, amount, parse)


@pytest.mark.parametrize("share", SHARES)
def test_limit(benchmark: BenchmarkFixture, share: int) -> None:
    amount = GROWTH["events in one chunk, LF"][0] // share
    body = b"data: x\n\n" * amount
    places = array("q", [n for i in range(amount) for n in (9 * i + 6, 1)]).tobytes()
    assert [event.data for event in limits.build(body, places, 0, amount)] == ["x"] * amount
    build = functools.partial(limits.build, body, places, 0, amount)
    measure(benchmark, "limit, building the events", amount, build)
