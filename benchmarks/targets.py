"""What speed is promised, and whether a run kept it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from results import NOTHING, TIMES, Results, largest, number, table

# A recorded stream of fewer payloads says more of its beginning than of them.
FEW = 20


class Target(NamedTuple):
    """A limit that is not to be passed, in either direction."""

    what: str
    relation: str  # "≤" or "≥"
    limit: float
    value: float | None
    unit: str = TIMES

    @property
    def is_met(self) -> bool:
        if self.value is None:
            return False
        return self.value <= self.limit if self.relation == "≤" else self.value >= self.limit

    def row(self) -> list[str]:
        limit = f"{self.relation} {self.limit:g}{self.unit}"
        if self.value is None:
            return [self.what, limit, "not measured", NOTHING]
        verdict = "met" if self.is_met else "**missed**"
        return [self.what, limit, f"{number(self.value)}{self.unit}", verdict]


def at_most(what: str, limit: float, value: float | None, unit: str = TIMES) -> Target:
    return Target(what, "≤", limit, value, unit)


def at_least(what: str, limit: float, value: float | None) -> Target:
    return Target(what, "≥", limit, value)


def targets(results: Results) -> list[Target]:
    return [
        *recorded(results),
        *typed(results),
        *chat(results),
        *framing(results),
        *others(results),
        *clients(results),
        *growth(results),
        *memory(results),
    ]


def recorded(results: Results) -> Iterator[Target]:
    yield at_most(
        "all recorded chat streams one after another, typed loop, the time of msgspec decoding "
        "their payloads",
        1.5,
        results.ratio("recorded: chat", "typed, loop", "msgspec alone"),
    )
    yield at_most(
        f"the worst recorded chat stream of {FEW} chunks or more",
        5,
        largest(stream.ratio for stream in results.recorded("chat", FEW)),
    )


def typed(results: Results) -> Iterator[Target]:
    for api, limit in {"responses": 30, "messages": 10, "gemini": 50}.items():
        for what, group in {
            "recorded streams": f"recorded: {api}",
            "a long stream": f"typed: {api}, 600",
        }.items():
            yield at_least(
                f"{api}: bytes to typed, folded events, {what}: less than the official package "
                "iterating",
                limit,
                results.ratio(group, "official package", "typed, folded"),
            )


def chat(results: Results) -> Iterator[Target]:
    loop, final, text = (f"ChatStream, {way}" for way in ("loop", "final completion", "iter_text"))
    for kind, limits in {
        "text": {loop: 0.85, final: 0.3, text: 0.35},
        "reasoning": {loop: 0.85, final: 0.3, text: 0.35},
        "tool_arguments": {loop: 1.0, final: 0.3, text: 0.35},
        "unknown_keys": {loop: 1.2},
        "token_logprobs": {loop: 1.7},
    }.items():
        for way, limit in limits.items():
            yield at_most(
                f"made chunks, {kind}: {way}, the time of msgspec",
                limit,
                results.ratio(f"chat: {kind}", way, "msgspec alone"),
            )


def framing(results: Results) -> Iterator[Target]:
    large, live = "framing: 16 KiB chunks", "framing: one event a read"
    yield at_most(
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
        yield at_least(
            f"the same, faster than {name}", limit, results.ratio(large, name, "sseparse")
        )
    live_time, large_time = (results.time(group, "sseparse") for group in (live, large))
    yield at_most(
        "one event a read, the time an event of 16 KiB chunks",
        3,
        live_time / large_time if live_time and large_time else None,
    )


def others(results: Results) -> Iterator[Target]:
    for shape, limit in {"one string": 30, "an array of objects": 500}.items():
        yield at_least(
            f"`PartialJSON`, 100 kB in 4-character pieces, {shape}: faster than jiter parsing all "
            "of it anew",
            limit,
            results.ratio(f"json: {shape}", "jiter, all of it anew", "PartialJSON"),
        )
    yield at_most(
        "`encode_event`, the time of an f-string and `encode()`",
        2,
        results.ratio("encode: data", "encode_event", "f-string"),
    )
    for group in results.groups("rewriting: "):
        yield at_most(
            "`chunk.to_json()` after a change, the time of msgspec decoding and encoding the "
            f"payload: {group.removeprefix('rewriting: ')}",
            2,
            results.ratio(group, "to_json", "msgspec alone"),
        )


def clients(results: Results) -> Iterator[Target]:
    for what, base, way, limit in [
        ("aiohttp and `AsyncChatStream`", "async openai", "aiohttp + AsyncChatStream", 40),
        ("its own transport and `ChatStream`", "openai", "openai + ChatStream", 9),
        ("`sdk.Stream`", "openai", "openai + sdk.Stream", 6),
    ]:
        for group in results.groups(f"client: {base}, "):
            pattern = group.rpartition(", ")[2]
            yield at_least(
                f"CPU of a whole client, less than {base}: {what}, {pattern}",
                limit,
                results.ratio(group, base, way),
            )


def growth(results: Results) -> Iterator[Target]:
    axes = {
        "1-byte chunks": ["single bytes"],
        "one line of 64 MiB in 1 KiB chunks": ["one line in 1 KiB chunks (MiB)"],
        "a million data lines in one event": ["data lines in one event"],
        "100,000 events in one chunk": [
            f"events in one chunk, {end}" for end in ("LF", "CR", "CRLF")
        ],
        "JSON in 4-character pieces": [
            f"PartialJSON, {shape}" for shape in ("one string", "an array of objects")
        ],
        "tool calls of 400 kB in 4-character pieces, complete or as they grow": [
            f"tool calls {what}, {calls}"
            for what in ("complete", "as they grow")
            for calls in (1, 100)
        ],
    }
    for what, groups in axes.items():
        yield at_most(
            f"twice the work: {what}",
            2.2,
            largest(results.growth(f"growth: {group}") for group in groups),
        )


def memory(results: Results) -> Iterator[Target]:
    yield at_most(
        "peak memory of one event of 64 MiB",
        2.5,
        largest(
            results.amounts[f"memory: peak of one event of 64 MiB, {kind}"].get("Parser")
            for kind in ("resident", "traced")
        ),
    )
    idle = results.amounts["memory: an idle parser"].get("traced")
    yield at_most("an idle parser", 300, idle, " bytes")


def targets_table(results: Results) -> str:
    return table(["what", "target", "measured", ""], (target.row() for target in targets(results)))
