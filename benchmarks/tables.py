"""Every table of docs/benchmarks.md, and what is said between them, from one run.

Nothing here is written by hand that a number decides: that a target is missed, or that somebody
else is faster, is computed.
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from statistics import median

from results import (
    NOTHING,
    Results,
    Stream,
    as_times,
    as_times_less,
    duration,
    is_limit,
    is_ours,
    table,
)
from targets import FEW, targets_table


def page(results: Results) -> str:
    """All of it, below the caveats."""
    return f"""\
{surroundings(results)}
## Recorded streams

What providers and servers have sent, one stream after another, most of them short. Time a payload
of msgspec decoding it, isolated already (to a dict, where it is not as the types declare); of the
others, which read bytes, how many times that. A stream that is read again has other IDs, as the
next stream of a server has; "nothing known" is what the first stream of a process costs. "Folded"
makes the final object alone, the loop each object and the final one. `sseparse.llm` finds out which
API it reads. The official packages (openai; anthropic; google-genai) iterate, and fold nothing;
they are timed with the streams that they read to their end.

{recorded(results)}
Provider by provider: how many times the time of msgspec the typed loop takes, folding included, and
the official package.

{providers(results)}
## Short streams

Made streams of so many pieces of text, and of what their API sends to begin and to end one: CPU
time a stream, and how many times the time of msgspec that is. The first column is what it costs to
begin and to end a stream.

{short(results)}
## Where something else is faster

How many times the time of sseparse it takes, below 1.

{faster_ones(results)}
## Targets

{targets_table(results)}
## Bytes to events

Time an event; of the others, how many times that.

{without_node(results)}{matrix(results, "framing: ", "sseparse")}
## Chat chunks, made

A piece of text, as OpenAI sends it; the same in the smallest envelope (`bare_text`); a piece of a
tool call's arguments; a token with its log probabilities; a piece of reasoning; and of text, with a
key that no type declares. Time a chunk of msgspec decoding isolated payloads (to dicts, where there
is such a key); of the others, how many times that.

{matrix(results, "chat: ", "msgspec alone")}
## JSON as it grows

100 kB in pieces of 4 characters, the value looked at after each: the time a piece; of the others,
how many times that.

{matrix(results, "json: ", "PartialJSON")}
## Events to bytes

Time an event of an f-string and `encode()`; of the others, how many times that.

{matrix(results, "encode: ", "f-string")}
## Chunks that are changed and written

Time a chunk of msgspec decoding the payload to a dict and encoding it; of the others, how many
times that.

{matrix(results, "rewriting: ", "msgspec alone")}
## What passes through a gateway

Time a chunk of the gateway by hand, with `json.loads` and f-strings; of the other, how many times
that.

{matrix(results, "gateway: ", "by hand")}
## `async for` over what has arrived

Time an item of the plain loop; of the others, how many times that.

{matrix(results, "async: ", "for")}
## Whole clients over loopback HTTP

CPU time a chunk of the official client; of the others, how many times less.

{matrix(results, "client: openai, ", "openai", is_slowest=True)}
{matrix(results, "client: async openai, ", "async openai", is_slowest=True)}
## Growth

{growth(results)}
## Memory

"Resident" is what the system gave, "traced" what Python's allocators were asked for.

{memory(results)}"""


def built(results: Results) -> str:
    """The interpreter, in short."""
    interpreter = results.facts["interpreter"]
    pgo = "with" if "--enable-optimizations" in (interpreter["configured"] or "") else "without"
    return (
        f"{interpreter['implementation']} {interpreter['version']} built {pgo} profile-guided "
        "optimization"
    )


def surroundings(results: Results) -> str:
    interpreter, machine = results.facts["interpreter"], results.facts["machine"]
    # Without the folders of whose machine it was.
    arguments = shlex.split(interpreter["configured"] or "")
    configured = " ".join(argument for argument in arguments if "/" not in argument)
    versions = (f"{name} {version}" for name, version in results.facts["versions"].items())
    lines = [
        f"One run of `make bench`, {results.date}, on {machine['processor']}, "
        f"{machine['cores']} cores, {machine['system']}. Elsewhere only the ratios hold, and those "
        f"not to the last digit.",
        f"{built(results)}, with {interpreter['compiler']} (`{configured or 'nothing configured'}`)"
        ". Where that optimization is missing, all that is written in Python is slower, by up to a "
        "third, and the ratios are larger.",
        "Times are CPU times of the process: the best median of several sweeps, with everything "
        "else measured in between. eventsource-parser's are taken inside Node.js. Growth is told "
        "by the best round of each size, clients by the best of their requests, single recorded "
        "streams by the best of all.",
        f"{', '.join(versions)}.",
    ]
    return "".join(f"- {line}\n" for line in lines)


def without_node(results: Results) -> str:
    return "" if "Node.js" in results.facts["versions"] else "There was no Node.js.\n\n"


def matrix(results: Results, prefix: str, base: str, *, is_slowest: bool = False) -> str:
    """A row for each way, a column for each group: times the time of the base.

    With ``is_slowest`` it is the other way round: how many times less than the base.
    """
    groups = [group for group in results.groups(prefix) if base in results.medians[group]]
    names = {name: None for group in groups for name in results.medians[group]}
    names |= {name: None for group, name in results.facts["wrong"] if group in groups}

    def cell(group: str, name: str) -> str:
        if name == base:
            return f"**{duration(results.time(group, base))}**"
        if results.is_wrong(group, name):
            return "wrong events"
        if is_slowest:
            return as_times_less(results.ratio(group, base, name))
        return as_times(results.ratio(group, name, base))

    def order(name: str) -> float:
        ratios = [results.ratio(group, name, base) for group in groups]
        return next((ratio for ratio in ratios if ratio is not None), float("inf"))

    ordered = [base, *(name for name in sorted(names, key=order) if name != base)]
    return table(
        ["", *(group.removeprefix(prefix) for group in groups)],
        ([name, *(cell(group, name) for group in groups)] for name in ordered),
    )


def recorded(results: Results) -> str:
    groups = results.groups("recorded: ")
    if not groups:
        return "There were no recordings.\n"
    sizes = (results.extra[group]["msgspec alone"] for group in groups)
    counts = ", ".join(
        f"{group.removeprefix('recorded: ')} {size['streams']:,} streams of {size['items']:,} "
        "payloads"
        for group, size in zip(groups, sizes, strict=True)
    )
    return matrix(results, "recorded: ", "msgspec alone") + f"\n{counts}.\n"


def providers(results: Results) -> str:
    apis = list(dict.fromkeys(api for api, _ in results.streams))
    rows = []
    for api in apis:
        rows.append(provider_row(api, "**all**", results.recorded(api)))
        if few := results.recorded(api, FEW):
            rows.append(provider_row(api, f"streams of {FEW} payloads or more", few))
        rows += [
            provider_row(api, provider, [*streams.values()])
            for (of_api, provider), streams in sorted(results.streams.items())
            if of_api == api
        ]
    return table(
        ["", "", "streams", "payloads", "median", "worst", "official package, median"], rows
    )


def provider_row(api: str, provider: str, streams: list[Stream]) -> list[str]:
    payloads = sum(stream.payloads for stream in streams)
    worst = max(stream.ratio for stream in streams)
    officially = [stream.official / stream.alone for stream in streams if stream.official]
    ratios = [median(stream.ratio for stream in streams), worst]
    official = as_times(median(officially)) if officially else NOTHING
    return [api, provider, f"{len(streams)}", f"{payloads:,}", *map(as_times, ratios), official]


def short(results: Results) -> str:
    groups: dict[str, dict[str, str]] = defaultdict(dict)
    for group in results.groups("typed: "):
        api, _, count = group.removeprefix("typed: ").partition(", ")
        groups[api][count] = group
    counts = list(dict.fromkeys(count for known in groups.values() for count in known))

    def cell(name: str, group: str) -> str:
        time = results.time(group, name)
        if time is None:
            return NOTHING
        extra = results.extra[group][name]
        shown = duration(time * extra["items"] / extra["streams"])
        ratio = results.ratio(group, name, "msgspec alone")
        return shown if name == "msgspec alone" else f"{shown}, {as_times(ratio)}"

    rows = [
        [api, name, *(cell(name, known[count]) for count in counts)]
        for api, known in groups.items()
        for name in dict.fromkeys(
            name for group in known.values() for name in results.medians[group]
        )
    ]
    return table(
        ["", "", *(f"{count} {'piece' if count == '1' else 'pieces'}" for count in counts)], rows
    )


# Group: which of ours the others are compared with.
COMPARED = {
    "recorded: ": "typed, loop",
    "framing: ": "sseparse",
    "chat: ": "ChatStream, loop",
    "json: ": "PartialJSON",
    "encode: ": "encode_event",
    "rewriting: ": "to_json",
    "gateway: ": "examples/gateway.py",
    "client: openai, ": "openai + ChatStream",
    "client: async openai, ": "async openai + AsyncChatStream",
}


def faster_ones(results: Results) -> str:
    """Where something else takes less time than sseparse; limits apart, but with msgspec alone."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for prefix, ours in COMPARED.items():
        for group in results.groups(prefix):
            for name in results.medians[group]:
                if is_ours(name) or (is_limit(name) and name != "msgspec alone"):
                    continue
                ratio = results.ratio(group, name, ours)
                if ratio and ratio < 1:
                    found[name, ours].append(f"{group} {as_times(ratio)}")
    lines = [
        f"- {name}, against {ours}: {'; '.join(places)}\n" for (name, ours), places in found.items()
    ]
    return "".join(lines) or "Nothing is, in this run.\n"


def growth(results: Results) -> str:
    rows = []
    for group in results.groups("growth: "):
        seconds = results.best_rounds(group)
        sizes = list(seconds)
        first = seconds[sizes[0]]
        faults = ", ".join(str(results.extra[group][size]["page_faults"]) for size in sizes)
        cells = [as_times(seconds[size] / first) for size in sizes[1:]]
        shown = f"{sizes[0]}: {duration(first)}"
        rows.append([group.removeprefix("growth: "), shown, *cells, faults])
    text = table(["", "the work", "twice", "four times", "page faults"], rows)
    ratios = results.amounts["growth: ChatStream, 8,000 chunks against 4,000"].items()
    said = ", ".join(f"{kind} {as_times(ratio)}" for kind, ratio in ratios)
    return text + (f"\n`ChatStream`, 8,000 chunks against 4,000: {said}.\n" if said else "")


def memory(results: Results) -> str:
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
