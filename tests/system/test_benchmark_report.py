"""What the documentation says of a run is what the run has measured: ``benchmarks/report.py``."""

from __future__ import annotations

from typing import Any

import in_short
import pytest
import report
import tables
import targets
from pages import PROJECT
from results import Results


def benchmark(group: str, name: str, median: float, **extra: Any) -> dict[str, Any]:
    return {
        "group": group,
        "name": name,
        "stats": {"median": median, "min": median},
        "extra_info": {"items": 1, "streams": 1, **extra},
    }


def results(*benchmarks: dict[str, Any], **facts: Any) -> Results:
    """A run in which nothing else was measured."""
    interpreter = {"version": "3.13.1", "implementation": "CPython", "compiler": "gcc"}
    nothing: dict[str, Any] = {name: [] for name in ("times", "wrong", "amounts", "streams")}
    given = {
        "interpreter": {**interpreter, "configured": "--enable-optimizations"},
        "machine": {"processor": "a processor", "cores": 2, "system": "Linux"},
        "versions": {"sseparse": "1.0"},
        **nothing,
        **facts,
    }
    return Results({"datetime": "2026-01-02T03:04", "benchmarks": benchmarks, "facts": given})


def test_the_best_sweep_counts() -> None:
    run = results(
        benchmark("framing: x", "sseparse", 3e-6),
        benchmark("framing: x", "sseparse", 1e-6),
        benchmark("framing: x", "sseparse", 2e-6),
    )
    assert run.time("framing: x", "sseparse") == 1e-6


def test_the_base_has_its_time_and_others_how_many_times_that() -> None:
    run = results(
        benchmark("framing: x", "sseparse", 50e-9), benchmark("framing: x", "other", 1e-6)
    )
    assert "| sseparse | **50 ns** |\n| other | 20.0× |" in tables.page(run)


@pytest.mark.parametrize(("alone", "is_said"), [(1e-6, True), (3e-6, False)])
def test_who_is_faster_is_said(alone: float, is_said: bool) -> None:
    run = results(
        benchmark("recorded: chat", "typed, loop", 2e-6),
        benchmark("recorded: chat", "msgspec alone", alone),
    )
    assert ("- msgspec alone, against typed, loop" in tables.page(run)) == is_said


def test_a_provider_has_the_median_and_the_worst_of_its_streams() -> None:
    seconds = {"a": 2.0, "b": 3.0, "c": 40.0}
    streams = [["chat", "someone", name, 7, 1.0, loop, 90.0] for name, loop in seconds.items()]
    # Measured again, and slower: the best of all sweeps counts.
    again = [["chat", "someone", "a", 7, 1.0, 9.0, None]]
    page = tables.page(results(streams=streams + again))
    assert "| chat | someone | 3 | 21 | 3.00× | 40× | 90× |" in page


@pytest.mark.parametrize(("loop", "verdict"), [(1.4, "met"), (1.6, "**missed**")])
def test_a_target_is_met_or_missed(loop: float, verdict: str) -> None:
    run = results(
        benchmark("recorded: chat", "typed, loop", loop),
        benchmark("recorded: chat", "msgspec alone", 1.0),
    )
    assert targets.targets(run)[0].row()[1:] == ["≤ 1.5×", f"{loop:.2f}×", verdict]


def test_of_what_was_not_measured_nothing_is_promised() -> None:
    assert {tuple(target.row()[2:]) for target in targets.targets(results())} == {
        ("not measured", "–")
    }


def test_every_page_has_the_marks_of_what_is_written_into_it() -> None:
    for page, blocks in report.PAGES.items():
        text = (PROJECT / page).read_text("utf-8")
        for name in blocks:
            written = report.replaced(text, name, "some \\1 table\n")
            assert "some \\1 table\n" in written
            # Again, and nothing is left of the first time, nor more of it there.
            assert report.replaced(written, name, "another") == report.replaced(
                text, name, "another"
            )


def test_a_page_without_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="not exactly one"):
        report.replaced("# A page\n", "headline", "a sentence")


def test_the_readme_says_what_was_measured() -> None:
    run = results(
        benchmark("framing: 16 KiB chunks", "sseparse", 50e-9),
        benchmark("framing: 16 KiB chunks", "httpx-sse", 2e-6),
        benchmark("recorded: chat", "typed, folded", 3e-6),
        benchmark("recorded: chat", "msgspec alone", 1e-6),
    )
    assert "takes 50 ns an event, where httpx-sse takes 40× that" in in_short.headline(run)
    assert "| chat | 1.00 µs | – | 3.00× | – | – | – |" in in_short.how_fast(run)
