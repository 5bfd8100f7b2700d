"""Draws the charts of docs/benchmarks.md: the results of ``make bench``, the folder for them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

# What each chart shows: the group's name begins with it, the number of items a run has.
CHARTS = {
    "framing: 16 KiB chunks": ("framing", 5_000, "ns an event"),
    "framing: one event a read": ("framing-live", 5_000, "ns an event"),
    "chat: 600 x text": ("chat", 600, "ns a chunk"),
}
OURS, OTHERS = "#3f51b5", "#b0b7c3"


def draw(title: str, unit: str, times: dict[str, float], target: Path) -> None:
    """Bars of equal heights on a linear scale from zero: a log scale would flatter everybody."""
    names = sorted(times, key=times.__getitem__, reverse=True)
    figure, axes = plt.subplots(figsize=(8, 0.5 * len(names) + 0.9), layout="constrained")
    is_ours = [name.startswith(("sseparse", "ChatStream")) for name in names]
    colours = [OURS if ours else OTHERS for ours in is_ours]
    bars = axes.barh(names, [times[name] for name in names], color=colours)
    axes.bar_label(bars, fmt="{:,.0f}", padding=4)
    axes.set_title(f"{title}: {unit}, less is better", loc="left", fontsize=11)
    axes.margins(x=0.12)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.xaxis.set_visible(False)
    # Text as text, and nothing that differs from run to run but the bars.
    figure.savefig(target, metadata={"Date": None})
    plt.close(figure)


def main() -> None:
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "sseparse"})
    results = json.loads(Path(sys.argv[1]).read_text())
    for prefix, (name, count, unit) in CHARTS.items():
        times = {
            benchmark["name"]: benchmark["stats"]["median"] / count * 1e9
            for benchmark in results["benchmarks"]
            if benchmark["group"].startswith(prefix)
        }
        draw(prefix, unit, times, Path(sys.argv[2], f"{name}.svg"))


if __name__ == "__main__":
    main()
