"""What the README and other pages say of a run, in short."""

from __future__ import annotations

from results import NOTHING, Results, as_times, as_times_less, duration, table
from tables import built


def headline(results: Results) -> str:
    """The sentence of the README's first screen."""
    framing, chat = "framing: 16 KiB chunks", "recorded: chat"
    httpx_sse = results.ratio(framing, "httpx-sse", "sseparse")
    loop, folded, official = (
        results.ratio(chat, name, "msgspec alone")
        for name in ("typed, loop", "typed, folded", "official package")
    )
    return (
        f"Framing takes {duration(results.time(framing, 'sseparse'))} an event, where httpx-sse "
        f"takes {as_times(httpx_sse)} that;\na loop over the chunks of recorded chat streams takes "
        f"{as_times(loop)} the time that msgspec takes to decode\ntheir payloads, the final "
        f"completion alone {as_times(folded)}, and openai's own package {as_times(official)} "
        f"([how fast](#how-fast)).\n"
    )


WRITES = ("20 events a write", "one event a write")
RECORDED = {
    "typed, loop": "sseparse, a loop",
    "typed, folded": "the final object alone",
    "typed, iter_text": "the text alone",
    "sseparse.llm, pieces": "`sseparse.llm`, pieces",
    "official package": "official package",
}
FRAMING = {
    "sseparse, data as str": "sseparse, with `event.data` as `str`",
    "split": '`[b[6:] for b in body.split(b"\\n\\n")]`, wrong and of the whole body',
    "eventsource-parser": "eventsource-parser, on Node.js",
    "launchdarkly-eventsource": "launchdarkly-eventsource",
    "httpx-sse": "httpx-sse",
    "httpx2": "httpx2",
    "openai": "openai",
    "sseparse in Python": "sseparse in Python, without a compiler",
}


def how_fast(results: Results) -> str:
    """The README's tables."""
    machine = results.facts["machine"]
    recorded_rows = [
        [
            group.removeprefix("recorded: "),
            duration(results.time(group, "msgspec alone")),
            *(as_times(results.ratio(group, name, "msgspec alone")) for name in RECORDED),
        ]
        for group in results.groups("recorded: ")
    ]
    groups = ["framing: 16 KiB chunks", "framing: one event a read"]
    framing_rows = [
        ["sseparse", *(f"**{duration(results.time(group, 'sseparse'))}**" for group in groups)],
        *(
            [label, *(as_times(results.ratio(group, name, "sseparse")) for group in groups)]
            for name, label in FRAMING.items()
        ),
    ]
    client_rows = []
    for base, way in [
        ("openai", "openai + ChatStream"),
        ("async openai", "aiohttp + AsyncChatStream"),
    ]:
        places = [f"client: {base}, {pattern}" for pattern in WRITES]
        client_rows.append([base, *(duration(results.time(place, base)) for place in places)])
        less = (as_times_less(results.ratio(place, base, way)) for place in places)
        client_rows.append([way.replace("openai +", "its transport +"), *less])
    columns = ["msgspec alone", *RECORDED.values()]
    return f"""\
One run of `make bench`, {results.date}: {built(results)}, {machine["processor"]}. What travels is
the ratios, and those not to the last digit.

{table(["recorded streams, a payload", *columns], recorded_rows)}
{table(["events of 300 bytes", "16 KiB a read", "one event a read"], framing_rows)}
{table(["whole clients, loopback HTTP, a chunk", *WRITES], client_rows)}"""


def json(results: Results) -> str:
    """The table of docs/partial-json.md: CPU time of a whole text."""
    groups = results.groups("json: ")
    names = dict.fromkeys(name for group in groups for name in results.medians[group])

    def cell(group: str, name: str) -> str:
        time = results.time(group, name)
        return NOTHING if time is None else duration(time * results.extra[group][name]["items"])

    return table(
        ["CPU time, all of it", *(group.removeprefix("json: ") for group in groups)],
        ([name, *(cell(group, name) for group in groups)] for name in names),
    )
