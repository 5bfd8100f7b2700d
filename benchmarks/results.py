"""The JSON of ``make bench``, by group and way; and how its numbers are written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

# The names of what is ours; a client is, where it has something of ours behind a plus.
OURS = (
    "sseparse",
    "typed, ",
    "ChatStream",
    "PartialJSON",
    "sdk.Stream",
    "Parser",
    "encode_event",
    "to_",
    "examples/",
)


def is_ours(name: str) -> bool:
    return name.startswith(OURS) or " + " in name


def is_limit(name: str) -> bool:
    """What does only a part of the work."""
    return name.startswith("limit: ") or "alone" in name


class Stream(NamedTuple):
    """A recorded stream: how many payloads it has, and the best seconds over the sweeps."""

    payloads: int
    alone: float
    loop: float
    official: float | None

    @property
    def ratio(self) -> float:
        """How many times the time of msgspec the loop takes."""
        return self.loop / self.alone

    def at_best(self, other: Stream) -> Stream:
        officially = [each.official for each in (self, other) if each.official is not None]
        return Stream(
            self.payloads,
            min(self.alone, other.alone),
            min(self.loop, other.loop),
            min(officially, default=None),
        )


class Results:
    """What one run has measured. Of what is not there, nothing or None is said."""

    def __init__(self, run: dict[str, Any]) -> None:
        self.date = run["datetime"][:10]
        self.facts = run["facts"]
        # The best sweep's median seconds an item; the seconds of the best round.
        self.medians: dict[str, dict[str, float]] = defaultdict(dict)
        self.best: dict[str, dict[str, float]] = defaultdict(dict)
        self.extra: dict[str, dict[str, Any]] = defaultdict(dict)
        for benchmark in run["benchmarks"]:
            group, name = benchmark["group"], benchmark["name"]
            items = benchmark["extra_info"]["items"]
            _keep_least(self.medians[group], name, benchmark["stats"]["median"] / items)
            _keep_least(self.best[group], name, benchmark["stats"]["min"])
            self.extra[group][name] = benchmark["extra_info"]
        for group, name, seconds, items in self.facts["times"]:
            _keep_least(self.medians[group], name, seconds / items)
        self.amounts: dict[str, dict[str, float]] = defaultdict(dict)
        for group, name, value, _ in self.facts["amounts"]:
            self.amounts[group][name] = value
        # By API and provider, and there by file.
        self.streams: dict[tuple[str, str], dict[str, Stream]] = defaultdict(dict)
        for api, provider, file, *measured in self.facts["streams"]:
            known = self.streams[api, provider]
            again = Stream(*measured)
            known[file] = again.at_best(known.get(file, again))

    def groups(self, prefix: str) -> list[str]:
        return [group for group in self.medians if group.startswith(prefix)]

    def time(self, group: str, name: str) -> float | None:
        """Seconds an item."""
        return self.medians.get(group, {}).get(name)

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

    def growth(self, group: str) -> float | None:
        """How the time of the best rounds grows from half of the largest work to all of it.

        Smaller work may fit into memory that is at hand, where more does not: that is a step.
        """
        if group not in self.extra:
            return None
        *_, half, whole = self.best_rounds(group).values()
        return whole / half

    def recorded(self, api: str, at_least: int = 0) -> list[Stream]:
        """The recorded streams of an API that have so many payloads."""
        return [
            stream
            for (of_api, _), streams in self.streams.items()
            for stream in streams.values()
            if of_api == api and stream.payloads >= at_least
        ]

    def is_wrong(self, group: str, name: str) -> bool:
        return [group, name] in self.facts["wrong"]


def _keep_least(known: dict[str, float], name: str, value: float) -> None:
    known[name] = min(value, known.get(name, value))


def largest(values: Iterable[float | None]) -> float | None:
    """None where any is lacking."""
    found = [*values]
    return None if not found or None in found else max(value for value in found if value)


# Text.

TIMES = "×"
NOTHING = "–"


def number(value: float) -> str:
    """As many digits as mean something."""
    digits = 2 if value < 10 else 1 if value < 30 else 0
    return f"{value:,.{digits}f}"


def as_times(value: float | None) -> str:
    return NOTHING if value is None else f"{number(value)}{TIMES}"


def as_times_less(value: float | None) -> str:
    return NOTHING if value is None else f"{number(value)}{TIMES} less"


def duration(seconds: float | None) -> str:
    if seconds is None:
        return NOTHING
    if seconds < 1e-6:
        return f"{seconds * 1e9:,.0f} ns"
    return f"{number(seconds * 1e6)} µs" if seconds < 1e-3 else f"{number(seconds * 1e3)} ms"


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
