"""The chart of the README and of docs/benchmarks.md, drawn by matplotlib.

Bars on a linear scale from zero: a logarithmic one would flatter everybody. The colours are such
that it can be read on a light page and on a dark one; it has no ground of its own.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from results import Results, number

OURS, PART, OTHER, TEXT = "#5c6bc0", "#9fa8da", "#a8adb7", "#7d838c"

FRAMING = ("sseparse", "eventsource-parser", "launchdarkly-eventsource", "httpx-sse", "httpx2")
RECORDED = {
    "msgspec alone": ("msgspec, decoding alone", PART),
    "typed, folded": ("sseparse, typed and folded", OURS),
    "official package": ("official package, iterating", OTHER),
}


def draw(results: Results, target: Path) -> None:
    mpl.rcParams.update(
        {
            # Text as text, and nothing that differs from run to run but the bars.
            "svg.fonttype": "none",
            "svg.hashsalt": "sseparse",
            **dict.fromkeys(("text.color", "ytick.color", "axes.labelcolor"), TEXT),
            "font.size": 9,
        }
    )
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.4), layout="constrained")
    framing(results, left)
    recorded(results, right)
    figure.savefig(target, metadata={"Date": None}, transparent=True)
    plt.close(figure)


def framing(results: Results, axes: Axes) -> None:
    times = results.medians["framing: 16 KiB chunks"]
    names = [name for name in FRAMING if name in times]
    bars(axes, names, [times[name] * 1e9 for name in names], [OURS, *[OTHER] * (len(names) - 1)])
    finish(axes, "CPU time of framing an event of 300 bytes, ns")


def recorded(results: Results, axes: Axes) -> None:
    """The APIs one below the other, and of each the three ways."""
    groups = results.groups("recorded: ")
    height = 1 / (len(RECORDED) + 1)
    for position, (name, (label, shade)) in enumerate(RECORDED.items()):
        found = [(row, results.time(group, name)) for row, group in enumerate(groups)]
        measured = [(row + position * height, time) for row, time in found if time is not None]
        places = [place for place, _ in measured]
        values = [time * 1e6 for _, time in measured]
        drawn = axes.barh(places, values, height, color=shade, label=label)
        axes.bar_label(drawn, [*map(number, values)], padding=3, fontsize=7)
    names = [group.removeprefix("recorded: ") for group in groups]
    axes.set_yticks([row + height for row in range(len(names))], names)
    axes.invert_yaxis()
    if groups:
        axes.legend(frameon=False, fontsize=8, loc="best")
    finish(axes, "CPU time of a recorded payload, µs")


def bars(axes: Axes, names: list[str], values: list[float], shades: list[str]) -> None:
    drawn = axes.barh(names, values, color=shades)
    axes.bar_label(drawn, [f"{value:,.0f}" for value in values], padding=3, fontsize=8)
    axes.invert_yaxis()


def finish(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", fontsize=10)
    axes.margins(x=0.14)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    axes.xaxis.set_visible(False)
