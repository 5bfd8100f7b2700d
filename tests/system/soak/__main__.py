"""Ten thousand streams at a time, for a minute: does every event arrive, does memory stay level?

    python tests/system/soak [--seconds 60] [--streams 10000] [--seed 1]

One process reads all the streams; another serves them, over loopback (``server.py``), and a third
is examples/gateway.py, through which a part of them comes. What a stream sends follows from its
number alone (``plans.py``), so the client knows, of however many bytes it has got, what they must
have told (``expected.py``; ``relaying.py`` behind the gateway), and compares. The streams are of
all five APIs (``apis.py``) and of none, and are read in every form (``readers.py``).
``reading.py`` is one of them, ``client.py`` all.

It is no test of the suite, and stops by itself. The exit status is 1 where anything was not
as it must be, or memory grew.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.append(str(Path(__file__).resolve().parents[2] / "helpers"))

from client import Soak
from plans import KINDS
from processes import HOST, Process, allow_open_files, rss, running
from readers import PULLED, WAYS

from sseparse import IMPLEMENTATION

if TYPE_CHECKING:
    from collections.abc import Awaitable

MIB = 2**20
KEEP_ALIVE = "3"  # seconds; some waits of the server are longer


class Memory:
    """What a process has, now and then."""

    def __init__(self, name: str, pid: int) -> None:
        self.name = name
        self._pid = pid
        self.marks: list[int] = []

    def mark(self) -> None:
        self.marks.append(rss(self._pid))

    @property
    def grew(self) -> bool:
        # The streams of the first half are gone by now; those of the second need no more.
        return self.marks[4] > 1.1 * self.marks[2] + 8 * MIB

    def __str__(self) -> str:
        *marks, last = (f"{mark / MIB:.0f}" for mark in self.marks)
        return (
            f"memory of the {self.name}: {', '.join(marks)} MiB at the start and the quarters, "
            f"{last} MiB when all were closed"
        )


async def soak(server: Process, gateway: Process, streams: int, seconds: float, seed: int) -> bool:
    memories = [Memory("client", os.getpid()), Memory("gateway", gateway.pid)]
    print(f"sseparse ({IMPLEMENTATION}), Python {sys.version.split()[0]}")
    print(f"before the first stream: {rss(os.getpid()) / MIB:.0f} MiB")
    began = time.monotonic()
    everything = Soak(server.ports, gateway.ports[0], streams, seed)
    await first_of(everything.full.wait(), everything.tasks)
    print(f"all {streams:,} opened in {time.monotonic() - began:.1f} s; now {seconds:.0f} s of it")

    began, cpu_began = time.monotonic(), time.process_time()
    counted, checking = Counter(everything.counts), everything.checking
    for memory in memories:
        memory.mark()
    for quarter in range(1, 5):
        rest = began + seconds * quarter / 4 - time.monotonic()
        await first_of(asyncio.sleep(rest), everything.tasks)
        for memory in memories:
            memory.mark()
        print(
            f"{quarter}/4: {memories[0].marks[-1] / MIB:.0f} MiB, {everything.open:,} open, "
            f"{everything.counts['streams']:,} streams, {everything.counts['events']:,} events"
        )
    complaints = server.complaints.read_text() + gateway.complaints.read_text()
    wall, cpu = time.monotonic() - began, time.process_time() - cpu_began
    lasting, checking = everything.counts - counted, everything.checking - checking
    await everything.stop()
    gc.collect()
    for memory in memories:
        memory.mark()

    report(everything, lasting, wall)
    print(f"CPU: {cpu / wall:.0%} of a core, {checking / wall:.0%} of that core for checking")
    print(*memories, sep="\n")
    return verdict(everything.problems, complaints, memories)


def report(everything: Soak, lasting: Counter[str], wall: float) -> None:
    counts = everything.counts
    is_fine = "every one as it must be" if not everything.problems else "NOT ALL as they must be"
    print(
        f"{counts['streams']:,} streams, {is_fine}: {counts['streams whole']:,} whole, "
        f"{counts['streams closed']:,} closed in the middle, {counts['streams reset']:,} reset, "
        f"{counts['streams left']:,} left early; {counts['truncated']:,} told truncated; "
        f"{counts['streams going on at the end']:,} more were going on at the end"
    )
    for names in ([f"of {kind}" for kind in KINDS], [way.name for way in (*WAYS, *PULLED)]):
        print(*(f"{counts[f'streams {name}']:,} {name}" for name in names), sep="; ")
    print(
        f"{counts['streams through the gateway']:,} through the gateway; "
        f"{counts['streams with an error of the gateway']:,} typed ones were told its error, "
        f"{counts['keep-alives']:,} comments were its own\n"
        f"{counts['events']:,} events in {counts['bytes'] / MIB:,.1f} MiB; "
        f"{lasting['events'] / wall:,.0f} events/s in {lasting['reads'] / wall:,.0f} reads/s; "
        f"at most {everything.most_open:,} streams at a time"
    )


def verdict(problems: list[str], complaints: str, memories: list[Memory]) -> bool:
    for problem in problems[:10]:
        print(problem[:1000], file=sys.stderr)
    print(complaints[:5000], end="", file=sys.stderr)
    for memory in memories:
        if memory.grew:
            print(f"memory of the {memory.name} grew in the second half", file=sys.stderr)
    return not (problems or complaints or any(memory.grew for memory in memories))


async def first_of(awaitable: Awaitable[Any], tasks: list[asyncio.Task[None]]) -> None:
    """Await it; a task that ends meanwhile has failed."""
    waited = asyncio.ensure_future(awaitable)
    done, _ = await asyncio.wait([waited, *tasks], return_when=asyncio.FIRST_COMPLETED)
    done.discard(waited)
    for task in done:
        task.result()


def main() -> None:
    arguments = argparse.ArgumentParser(description="Read many streams at a time.")
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--streams", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=1)
    options = arguments.parse_args()
    allow_open_files(options.streams + 200)
    longest = options.seconds + 300
    with running("server.py", longest) as server:
        upstream = f"http://{HOST}:{server.ports[0]}"
        with running(
            "gateway_process.py", longest, UPSTREAM=upstream, KEEP_ALIVE=KEEP_ALIVE
        ) as gateway:
            is_fine = asyncio.run(
                soak(server, gateway, options.streams, options.seconds, options.seed)
            )
    sys.exit(not is_fine)


if __name__ == "__main__":
    main()
