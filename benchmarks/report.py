"""Writes the measured part of docs/benchmarks.md, and its charts, from the JSON of ``make bench``.

``report.py RESULTS FOLDER``: all numbers come from that one file. What is said of them, that a
target is missed or that somebody else is faster included, is computed.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import pyplot as plt

BEGIN, END = "<!-- measured: written by make bench-report -->", "<!-- end of measured -->"

OURS = (
    "sseparse",
    "ChatStream",
    "PartialJSON",
    "sdk.Stream",
    "Parser",
    "encode_event",
    "to_",
    "examples/",
)


class Results:
    """The run's JSON, by group and way."""

    def __init__(self, run: dict[str, Any]) -> None:
        self.run = run
        self.facts = run["facts"]
        # The best sweep's median seconds an item; the seconds of the best round.
        self.medians: dict[str, dict[str, float]] = defaultdict(dict)
        self.best: dict[str, dict[str, float]] = defaultdict(dict)
        self.extra: dict[str, dict[str, Any]] = defaultdict(dict)
        for benchmark in run["benchmarks"]:
            group, name = benchmark["group"], benchmark["name"]
            items = benchmark["extra_info"]["items"]
            self._add(group, name, benchmark["stats"]["median"] / items)
            best = benchmark["stats"]["min"]
            self.best[group][name] = min(best, self.best[group].get(name, best))
            self.extra[group][name] = benchmark["extra_info"]
        for group, name, seconds, items in self.facts["times"]:
            self._add(group, name, seconds / items)
        self.amounts: dict[str, dict[str, float]] = defaultdict(dict)
        for group, name, value, _ in self.facts["amounts"]:
            self.amounts[group][name] = value

    def _add(self, group: str, name: str, median: float) -> None:
        known = self.medians[group]
        known[name] = min(median, known.get(name, median))

    def groups(self, prefix: str) -> list[str]:
        return [group for group in self.medians if group.startswith(prefix)]

    def ratio(self, group: str, slower: str, faster: str) -> float | None:
        """How many times the time of one the other takes."""
        found = self.medians.get(group, {})
        if slower in found and faster in found:
            return found[slower] / found[faster]
        return None

    def best_rounds(self, group: str) -> dict[str, float]:
        """The seconds of the best round by the name of the work, less work first."""
        names = sorted(self.extra[group], key=lambda name: self.extra[group][name]["items"])
        return {name: self.best[group][name] for name in names}

    def growth(self, group: str) -> float:
        """How the time of the best rounds grows from half of the largest work to all of it.

        Smaller work may fit into memory that is at hand, where more does not: that is a step.
        """
        *_, half, whole = self.best_rounds(group).values()
        return whole / half

    def is_wrong(self, group: str, name: str) -> bool:
        return [group, name] in self.facts["wrong"]


# Text.

TIMES = "\N{MULTIPLICATION SIGN}"
NOTHING = "\N{EN DASH}"


def number(value: float) -> str:
    """As many digits as mean something."""
    digits = 2 if value < 10 else 1 if value < 30 else 0
    return f"{value:,.{digits}f}"


def as_times(value: float) -> str:
    return f"{number(value)}{TIMES}"


def duration(seconds: float) -> str:
    return f"{seconds * 1e9:,.0f} ns" if seconds < 1e-6 else f"{number(seconds * 1e6)} µs"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


# The targets.


def targets(results: Results) -> list[list[str]]:
    """Rows of: what, target, measured, whether it is met."""
    rows = []

    def add(
        what: str, limit: str, value: float | None, is_met: bool, note: str, unit: str = TIMES
    ) -> None:
        if value is None:
            rows.append([what, limit, "not measured", NOTHING])
        else:
            verdict = "met" if is_met else "**missed**"
            rows.append([what, limit, f"{number(value)}{unit}{note}", verdict])

    def at_most(what: str, limit: float, value: float | None, note: str = "") -> None:
        add(what, f"≤ {limit:g}{TIMES}", value, value is not None and value <= limit, note)

    def at_least(what: str, limit: float, value: float | None, note: str = "") -> None:
        add(what, f"≥ {limit:g}{TIMES}", value, value is not None and value >= limit, note)

    large, live = "framing: 16 KiB chunks", "framing: one event a read"
    at_most(
        "`feed` of 16 KiB chunks, 300-byte events, the time of building the same events where "
        "the data is known to be",
        1.4,
        results.ratio(large, "sseparse", "limit: building the events"),
    )
    for name, limit in {
        "split": 7,
        "httpx-sse": 16,
        "httpx2": 30,
        "openai": 50,
        "launchdarkly-eventsource": 10,
        "eventsource-parser": 4,
    }.items():
        at_least(f"the same, faster than {name}", limit, results.ratio(large, name, "sseparse"))
    live_time = results.medians[live].get("sseparse")
    large_time = results.medians[large].get("sseparse")
    at_most(
        "one event a read, the time an event of 16 KiB chunks",
        3,
        live_time / large_time if live_time and large_time else None,
    )
    recorded = "recorded: chat.completions"
    at_most(
        "all recorded chat streams one after another, typed loop, the time of msgspec decoding "
        "their payloads",
        1.5,
        results.ratio(recorded, "typed, loop", "msgspec alone"),
    )
    worst = [
        value
        for name, value in results.amounts["recorded, stream by stream: chat.completions"].items()
        if name.startswith("worst") and name.endswith("or more")
    ]
    at_most("the worst recorded chat stream of 20 chunks or more", 5, max(worst) if worst else None)
    for kind, limits in {
        "text": (0.85, 0.3, 0.35),
        "reasoning": (0.85, 0.3, 0.35),
        "tool_arguments": (1.0, 0.3, 0.35),
        "unknown_keys": (1.2, None, None),
        "token_logprobs": (1.7, None, None),
    }.items():
        for way, limit in zip(("loop", "final completion", "iter_text"), limits, strict=True):
            if limit is not None:
                at_most(
                    f"made chunks, {kind}: `ChatStream`, {way}, the time of msgspec",
                    limit,
                    results.ratio(f"chat: {kind}", f"ChatStream, {way}", "msgspec alone"),
                )
    final = "ChatStream, final completion"
    others = ", ".join(
        f"{group.removeprefix('chat: ')} {as_times(ratio)}"
        for group in results.groups("chat: ")
        if (ratio := results.ratio(group, final, "msgspec alone")) and group != "chat: text"
    )
    at_most(
        "`ChatStream` to the final completion, the time of msgspec decoding the payloads: text",
        1.5,
        results.ratio("chat: text", final, "msgspec alone"),
        f" ({others})",
    )
    for shape, limit in {"one string": 30, "an array of objects": 500}.items():
        at_least(
            f"`PartialJSON`, 100 kB in 4-character pieces, {shape}: faster than jiter parsing all "
            f"of it anew",
            limit,
            results.ratio(f"json: {shape}", "jiter, all of it anew", "PartialJSON"),
        )
    at_most(
        "`encode_event`, the time of an f-string and `encode()`",
        2,
        results.ratio("encode: data", "encode_event", "f-string"),
    )
    for group in results.groups("rewriting: "):
        at_most(
            "`chunk.to_json()` after a change, the time of msgspec decoding and encoding the "
            f"payload: {group.removeprefix('rewriting: ')}",
            2,
            results.ratio(group, "to_json", "msgspec alone"),
        )
    for what, base, way, limit in [
        ("aiohttp and `AsyncChatStream`", "async openai", "aiohttp + AsyncChatStream", 40),
        ("its own transport and `ChatStream`", "openai", "openai + ChatStream", 9),
        ("`sdk.Stream`", "openai", "openai + sdk.Stream", 6),
    ]:
        for group in results.groups(f"client: {base}, "):
            pattern = group.rpartition(", ")[2]
            at_least(
                f"CPU of a whole client, less than {base}: {what}, {pattern}",
                limit,
                results.ratio(group, base, way),
            )
    axes = {
        "1-byte chunks": ["growth: single bytes"],
        "one line of 64 MiB in 1 KiB chunks": ["growth: one line in 1 KiB chunks (MiB)"],
        "a million data lines in one event": ["growth: data lines in one event"],
        "100,000 events in one chunk": [
            f"growth: events in one chunk, {end}" for end in ("LF", "CR", "CRLF")
        ],
        "JSON in 4-character pieces": [
            f"growth: PartialJSON, {shape}" for shape in ("one string", "an array of objects")
        ],
        "tool calls of 400 kB in 4-character pieces, complete or as they grow": [
            f"growth: tool calls {what}, {calls}"
            for what in ("complete", "as they grow")
            for calls in (1, 100)
        ],
    }
    for what, groups in axes.items():
        at_most(f"twice the work: {what}", 2.2, max(map(results.growth, groups)))
    peaks = [
        results.amounts[f"memory: peak of one event of 64 MiB, {kind}"].get("Parser")
        for kind in ("resident", "traced")
    ]
    at_most("peak memory of one event of 64 MiB", 2.5, max(peaks) if None not in peaks else None)
    idle = results.amounts["memory: an idle parser"].get("traced")
    add("an idle parser", "≤ 300 bytes", idle, idle is not None and idle <= 300, "", " bytes")
    return rows


# The sections.


def caveats(results: Results) -> str:
    interpreter, machine = results.facts["interpreter"], results.facts["machine"]
    # Without the folders of whose machine it was.
    arguments = shlex.split(interpreter["configured"] or "")
    configured = " ".join(argument for argument in arguments if "/" not in argument)
    pgo = "with" if "--enable-optimizations" in configured else "**without**"
    versions = (f"{name} {version}" for name, version in results.facts["versions"].items())
    lines = [
        f"One run of `make bench`, {results.run['datetime'][:10]}, on {machine['processor']}, "
        f"{machine['cores']} cores, {machine['system']}. Elsewhere only the ratios hold, and those "
        f"not to the last digit.",
        f"{interpreter['implementation']} {interpreter['version']}, {interpreter['compiler']}, "
        f"built {pgo} profile-guided optimization (`{configured or 'nothing configured'}`). Where "
        f"that is missing, all that is written in Python is slower, by up to a third, and the "
        f"ratios are larger.",
        "Times are CPU times of the process: the best of five medians, with everything else "
        "measured in between. eventsource-parser's are taken inside Node.js. Growth is told by the "
        "best round of each size, clients by the best of their requests.",
        f"{', '.join(versions)}.",
    ]
    return "".join(f"- {line}\n" for line in lines)


def matrix(results: Results, prefix: str, base: str, *, is_slowest: bool = False) -> str:
    """A row for each way, a column for each group: times the time of the base.

    With ``is_slowest`` it is the other way round: how many times less than the base.
    """
    groups = [group for group in results.groups(prefix) if base in results.medians[group]]
    names = {name: None for group in groups for name in results.medians[group]}
    names |= {name: None for group, name in results.facts["wrong"] if group in groups}

    def cell(group: str, name: str) -> str:
        if name == base:
            return f"**{duration(results.medians[group][base])}**"
        if results.is_wrong(group, name):
            return "wrong events"
        ratio = results.ratio(group, name, base)
        if ratio is None:
            return NOTHING
        return f"{as_times(1 / ratio)} less" if is_slowest else as_times(ratio)

    def order(name: str) -> float:
        ratios = [results.ratio(group, name, base) for group in groups]
        return next((ratio for ratio in ratios if ratio is not None), float("inf"))

    ordered = [base, *(name for name in sorted(names, key=order) if name != base)]
    return table(
        ["", *(group.removeprefix(prefix) for group in groups)],
        ([name, *(cell(group, name) for group in groups)] for name in ordered),
    )


def faster_ones(results: Results) -> str:
    """Where something else takes less time than sseparse, limits apart."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for prefix, ours in {
        "framing: ": "sseparse",
        "chat: ": "ChatStream, loop",
        "json: ": "PartialJSON",
        "client: openai, ": "openai + ChatStream",
        "client: async openai, ": "async openai + AsyncChatStream",
    }.items():
        for group in results.groups(prefix):
            for name in results.medians[group]:
                ratio = results.ratio(group, name, ours)
                if ratio and ratio < 1 and not is_ours(name) and not is_limit(name):
                    found[name, ours].append(f"{group.partition(': ')[2]} ({number(ratio)})")
    lines = [
        f"- {name} takes this part of the time of {ours}: {', '.join(places)}\n"
        for (name, ours), places in found.items()
    ]
    return "".join(lines) or "Nothing is, in this run.\n"


def is_ours(name: str) -> bool:
    return name.startswith(OURS) or " + " in name


def is_limit(name: str) -> bool:
    return name.startswith("limit: ") or "alone" in name


def growth_table(results: Results) -> str:
    rows = []
    for group in results.groups("growth: "):
        seconds = results.best_rounds(group)
        sizes = list(seconds)
        first = seconds[sizes[0]]
        faults = ", ".join(str(results.extra[group][size]["page_faults"]) for size in sizes)
        cells = [as_times(seconds[size] / first) for size in sizes[1:]]
        shown = f"{sizes[0]}: {first * 1e3:.2f} ms"
        rows.append([group.removeprefix("growth: "), shown, *cells, faults])
    text = table(["", "the work", "twice", "four times", "page faults"], rows)
    name = "growth: ChatStream, 8,000 chunks against 4,000"
    ratios = results.amounts[name].items()
    return (
        text
        + "\n`ChatStream`, 8,000 chunks against 4,000: "
        + (", ".join(f"{kind} {as_times(ratio)}" for kind, ratio in ratios) + ".\n")
    )


def stream_by_stream(results: Results) -> str:
    return table(
        ["", "", "times msgspec"],
        (
            [group.partition(": ")[2], name, number(value)]
            for group in results.amounts
            if group.startswith("recorded, stream by stream")
            for name, value in results.amounts[group].items()
        ),
    )


def memory_table(results: Results) -> str:
    groups = [group for group in results.amounts if group.endswith(("resident", "traced"))]
    names = {name: None for group in groups for name in results.amounts[group]}
    names |= {name: None for group, name in results.facts["wrong"] if group in groups}

    def cell(group: str, name: str) -> str:
        if results.is_wrong(group, name):
            return "refused"
        value = results.amounts[group].get(name)
        if value is None:
            return NOTHING
        return f"{value:,.0f} bytes a stream" if "streams" in group else as_times(value)

    return table(
        ["", *(group.removeprefix("memory: ") for group in groups)],
        ([name, *(cell(group, name) for group in groups)] for name in names),
    )


def measured(results: Results) -> str:
    """Everything between the two marks."""
    missing = "" if "Node.js" in results.facts["versions"] else "There was no Node.js.\n\n"
    return f"""\
{caveats(results)}
### Targets

{table(["what", "target", "measured", ""], targets(results))}
### Where something else is faster

{faster_ones(results)}
### Bytes to events

Time an event; of the others, how many times that.

{missing}{matrix(results, "framing: ", "sseparse")}
![Framing in chunks of 16 KiB](assets/framing.svg)

![Framing with one event a read](assets/framing-live.svg)

### Recorded streams

What providers and servers have sent, one stream after another, most of them short. Time a payload
of msgspec decoding it, isolated already; of the others, which read bytes and fold what comes, how
many times that.

{matrix(results, "recorded: ", "msgspec alone")}
Stream by stream, the typed loop: times the time of msgspec.

{stream_by_stream(results)}
### Chat chunks, made

Time a chunk of msgspec decoding isolated payloads; of the others, how many times that.

{matrix(results, "chat: ", "msgspec alone")}
![Chat chunks](assets/chat.svg)

### JSON as it grows

100 kB in pieces of 4 characters, the value looked at after each: the time a piece; of the others,
how many times that.

{matrix(results, "json: ", "PartialJSON")}
![JSON, one string](assets/json-string.svg)

![JSON, an array of objects](assets/json-objects.svg)

### Events to bytes

Time an event of an f-string and `encode()`; of the others, how many times that.

{matrix(results, "encode: ", "f-string")}
### Chunks that are changed and written

Time a chunk of msgspec decoding the payload to a dict and encoding it; of the others, how many
times that.

{matrix(results, "rewriting: ", "msgspec alone")}
### What passes through a gateway

Time a chunk of the gateway by hand, with `json.loads` and f-strings; of the other, how many times
that.

{matrix(results, "gateway: ", "by hand")}
### `async for` over what has arrived

Time an item of the plain loop; of the others, how many times that.

{matrix(results, "async: ", "for")}
### Whole clients over loopback HTTP

CPU time a chunk of the official client; of the others, how many times less.

{matrix(results, "client: openai, ", "openai", is_slowest=True)}
{matrix(results, "client: async openai, ", "async openai", is_slowest=True)}
![Whole clients](assets/clients.svg)

### Growth

{growth_table(results)}
### Memory

"Resident" is what the system gave, "traced" what Python's allocators were asked for.

{memory_table(results)}"""


# The charts: the group, the file's name, the title, and who would make all other bars vanish.
CHARTS = [
    ("framing: 16 KiB chunks", "framing", "300-byte events in 16 KiB chunks, ns an event", 1e9, ()),
    (
        "framing: one event a read",
        "framing-live",
        "300-byte events, one a read, ns an event",
        1e9,
        (),
    ),
    ("chat: text", "chat", "chat chunks of text, µs a chunk", 1e6, ("openai", "sdk")),
    ("json: one string", "json-string", "JSON, one string of 100 kB, µs a piece", 1e6, ()),
    (
        "json: an array of objects",
        "json-objects",
        "JSON, objects of 100 kB, µs a piece",
        1e6,
        (),
    ),
    ("client: openai, 20 events a write", "clients", "whole clients, CPU µs a chunk", 1e6, ()),
]
COLOUR, LIMIT_COLOUR, OTHER_COLOUR = "#3f51b5", "#9fa8da", "#b0b7c3"


def draw(times: dict[str, float], title: str, target: Path) -> None:
    """Bars of equal heights on a linear scale from zero: a log scale would flatter everybody."""
    names = sorted(times, key=times.__getitem__, reverse=True)
    figure, axes = plt.subplots(figsize=(8, 0.36 * len(names) + 0.7), layout="constrained")
    bars = axes.barh(names, [times[name] for name in names], color=[*map(colour, names)])
    axes.bar_label(bars, [number(times[name]) for name in names], padding=4)
    axes.set_title(f"{title}; less is better", loc="left", fontsize=11)
    axes.margins(x=0.12, y=0.02)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    axes.xaxis.set_visible(False)
    # Text as text, and nothing that differs from run to run but the bars.
    figure.savefig(target, metadata={"Date": None})
    plt.close(figure)


def colour(name: str) -> str:
    if is_limit(name):
        return LIMIT_COLOUR
    return COLOUR if is_ours(name) else OTHER_COLOUR


def main() -> None:
    results = Results(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    folder = Path(sys.argv[2])
    page = folder / "benchmarks.md"
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, mark, after = rest.partition(END)
    if not mark:
        raise SystemExit(f"{page} has no lines {BEGIN!r} and {END!r}: they say what to replace")
    text = f"{before}{BEGIN}\n\n{measured(results)}\n{END}{after}"
    page.write_text(text, encoding="utf-8")
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "sseparse"})
    for group, name, title, scale, left_out in CHARTS:
        times = {
            way: time * scale
            for way, time in results.medians[group].items()
            if not way.startswith(left_out or "\0")
        }
        draw(times, title, folder / "assets" / f"{name}.svg")


if __name__ == "__main__":
    main()
