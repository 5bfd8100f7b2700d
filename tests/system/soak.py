"""Ten thousand streams at a time, for a minute: does every event arrive, does memory stay level?

    python tests/system/soak.py [--seconds 60] [--streams 10000] [--seed 1]

One process reads all the streams; another serves them, over loopback. What a stream sends
follows from its number alone: its kind, its events, where its bytes are cut, how long the
server waits between two writes, whether the connection is dropped and at which byte, how
slowly the client reads and whether it leaves early. So the client knows, of however many
bytes it has got, which events they must have given and whether ``truncated`` must be True,
and compares.

Three ways of reading take turns: ``AsyncChatStream``, ``Parser`` and ``aiter_events``.
It is no test of the suite, and stops by itself. The exit status is 1 where anything was not
as it must be, or memory grew.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sseparse import IMPLEMENTATION, Parser, aiter_events
from sseparse.openai import AsyncChatStream

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

HOST = "127.0.0.1"
# Each port is good for as many connections as there are ephemeral ports; closed ones keep
# theirs for a minute.
PORTS = 8
MIB = 2**20
TEXTS = ("Hello", " wor", "ld", " \u00e9\u00e8", "\u20ac", "\U0001f600", '"a"', "\n", "a\\b", " 1")
JSON = {text: json.dumps(text, ensure_ascii=False).encode() for text in TEXTS}
CHUNK = (
    b'data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1733162853,'
    b'"model":"soak","choices":[{"index":0,"delta":%b,"finish_reason":%b}]}'
)


@dataclass
class Told:
    """What a stream tells, or has to: its events (or pieces of text), and how it ended."""

    events: list[Any] = field(default_factory=list)
    truncated: bool | None = None
    done: bool | None = None
    finish_reason: str | None = None


class Plan:
    """What the server sends for one number, and what has to come of it."""

    def __init__(self, number: int) -> None:
        choose = self._random = random.Random(number)
        self.reader = choose.choice(["chat", "chat", "parser", "aiter_events"])
        self.end = choose.choice([b"\n", b"\n", b"\r\n", b"\r"])
        self.slow = choose.random() < 0.1
        # A few send much at once: a slow reader then makes the server wait.
        self.event_size = 30_000 if choose.random() < 0.02 else 0
        self.ending = choose.choices(["whole", "closed", "reset", "left"], [75, 10, 10, 5])[0]
        # Where the server drops it, or the client leaves, as a part of the whole.
        self.dropped_after = choose.random()

    @cached_property
    def _blocks(self) -> list[tuple[bytes, Any]]:
        """The blocks, each with its event, or None."""
        choose, end = self._random, self.end
        count = 10 if self.event_size else choose.randint(10, 80)
        blocks: list[tuple[bytes, Any]] = []
        for number in range(count):
            if choose.random() < 0.05:
                blocks.append((b": keep-alive" + end + end, None))
            text = choose.choice(TEXTS)
            data = JSON[text]
            if self.event_size:
                more = "x" * choose.randint(0, 2 * self.event_size)
                text, data = text + more, data[:-1] + more.encode() + b'"'
            if self.reader == "chat":
                blocks.append((CHUNK % (b'{"content":%b}' % data, b"null") + end + end, text))
            else:
                lines = [b"id: %d" % number, b"event: e", b"data: " + data, b"data:", b"", b""]
                blocks.append((end.join(lines), ("e", data.decode() + "\n", str(number))))
        if self.reader == "chat":
            blocks.append((CHUNK % (b"{}", b'"stop"') + end + end, "stop"))
            blocks.append((b"data: [DONE]" + end + end, "[DONE]"))
        return blocks

    @cached_property
    def body(self) -> bytes:
        return b"".join(block for block, _ in self._blocks)

    @property
    def size(self) -> int:
        """How many bytes there are to be had."""
        if self.ending in ("closed", "reset"):
            # Of fewer bytes nobody could say that they begin an event stream.
            return max(int(len(self.body) * self.dropped_after), len(b"data"))
        return len(self.body)

    @cached_property
    def leaves_after(self) -> int | None:
        """How many events the client reads, where it leaves early."""
        if self.ending != "left":
            return None
        return int(len(self.all_events()) * self.dropped_after) + 1

    def all_events(self) -> list[Any]:
        return self.told_by(len(self.body)).events

    def pieces(self) -> Iterable[tuple[bytes, float]]:
        """What the server writes, each with how long it waits then."""
        choose = random.Random(self.dropped_after)
        places = sorted(choose.randint(0, self.size) for _ in range(choose.randint(5, 30)))
        for start, end in pairwise([0, *places, self.size]):
            yield self.body[start:end], choose.choice([0, 1, 2, 4])

    def told_by(self, received: int, ended: bool = True) -> Told:
        """What the first so many bytes, and their end, must have told."""
        # A CR ends its line at once: nobody waits for the LF behind it.
        spare = len(self.end) - 1
        if self.reader == "chat" and ended:
            # At the end of input a payload counts when it is whole, its blank line or not.
            spare = 2 * len(self.end)
        come = [event for stop, event in self._stops if received >= stop - spare]
        if self.reader == "chat":
            done, finished = "[DONE]" in come, "stop" in come
            text = [event for event in come if event not in (None, "stop", "[DONE]")]
            return Told(text, not (done or finished), done, "stop" if finished else None)
        events = [event for event in come if event is not None]
        if self.reader == "aiter_events":
            return Told(events)
        rest = self.body[self._stops[len(come) - 1][0] if come else 0 : received]
        is_comment = rest.startswith(b":") and rest.endswith((b"\r", b"\n"))
        return Told(events, bool(rest) and not is_comment)

    @cached_property
    def _stops(self) -> list[tuple[int, Any]]:
        """Where each block ends, and its event."""
        stops, position = [], 0
        for block, event in self._blocks:
            position += len(block)
            stops.append((position, event))
        return stops


# The server.


async def serve(seconds: float) -> None:
    """Serve until standard input ends, and no longer than ``seconds``."""
    servers = [
        await asyncio.start_server(answer, HOST, 0, backlog=4096, limit=1024) for _ in range(PORTS)
    ]
    print(*[server.sockets[0].getsockname()[1] for server in servers], flush=True)
    with contextlib.suppress(asyncio.TimeoutError):
        loop = asyncio.get_running_loop()
        await asyncio.wait_for(loop.run_in_executor(None, sys.stdin.read), seconds)
    os._exit(0)  # thousands of streams may be going on: nobody is interested any more


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        plan = Plan(int(await reader.readuntil(b"\n")))
        for piece, wait in plan.pieces():
            writer.write(piece)
            await writer.drain()
            if wait:
                await asyncio.sleep(wait)
        if plan.ending == "reset":
            writer.transport.abort()
            return
        writer.close()
        await writer.wait_closed()


# The client.


class Soak:
    """All the streams, and what has been counted of them."""

    def __init__(self, ports: list[int], streams: int, seed: int) -> None:
        self.ports = ports
        self.streams = streams
        self.numbers = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.open = 0
        self.most_open = 0
        self.checking = 0.0  # CPU seconds
        self.full = asyncio.Event()

    async def keep_reading(self) -> None:
        """One stream after the other, until cancelled."""
        while True:
            number = self.numbers.getrandbits(48)
            plan = Plan(number)
            port = self.ports[number % PORTS]
            reader, writer = await asyncio.open_connection(HOST, port, limit=8192)
            writer.write(b"%d\n" % number)
            self._note_open(1)
            source, told = Source(reader, plan), Told()
            try:
                await READERS[plan.reader](source, told)
            except ConnectionResetError:
                source.was_reset = True
            except asyncio.CancelledError:
                self.counts["streams going on at the end"] += 1
                self.counts["events"] += len(told.events)
                self._compare(number, told.events, plan.all_events()[: len(told.events)])
                return
            except Exception as error:
                self.problems.append(f"stream {number}: {error!r}")
            finally:
                self._note_open(-1)
                writer.transport.abort()
            self._check(number, plan, source, told)

    def _note_open(self, change: int) -> None:
        self.open += change
        self.most_open = max(self.most_open, self.open)
        if self.open == self.streams:
            self.full.set()

    def _check(self, number: int, plan: Plan, source: Source, told: Told) -> None:
        before = time.process_time()
        if plan.leaves_after is not None:
            self._compare(number, told.events, plan.all_events()[: plan.leaves_after])
        else:
            # A reset overtakes the bytes before it, and after [DONE] nobody reads on.
            if not source.was_reset and not told.done:
                self._compare(number, source.received, plan.size)
            self._compare(number, told, plan.told_by(source.received, not source.was_reset))
        self.counts["streams"] += 1
        self.counts[f"streams {plan.ending}"] += 1
        self.counts["events"] += len(told.events)
        self.counts["bytes"] += source.received
        self.counts["truncated"] += bool(told.truncated and plan.ending != "left")
        self.counts["reads"] += source.reads
        self.checking += time.process_time() - before

    def _compare(self, number: int, told: object, expected: object) -> None:
        if told != expected:
            self.problems.append(f"stream {number} told {told!r}, and not {expected!r}")


class Source:
    """The bytes of one stream as the client reads them, counted."""

    def __init__(self, reader: asyncio.StreamReader, plan: Plan) -> None:
        self._reader = reader
        self._slow = plan.slow
        self.leaves_after = plan.leaves_after
        self.received = 0
        self.reads = 0
        self.was_reset = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while data := await self._reader.read(65536):
            self.received += len(data)
            self.reads += 1
            yield data
            if self._slow:
                await asyncio.sleep(1)


async def read_chat(source: Source, told: Told) -> None:
    stream = AsyncChatStream(source)
    try:
        async for chunk in stream:
            content = chunk.choices[0].delta.content
            if content is not None:
                told.events.append(content)
                if len(told.events) == source.leaves_after:
                    await stream.close()
                    return
        completion = await stream.get_final_completion()
        text = completion.choices[0].message.content if completion.choices else ""
        assert (text or "") == "".join(told.events), "the final text is not that of the chunks"
    finally:
        told.done = stream.done
        told.truncated = stream.truncated
        told.finish_reason = stream.finish_reason


async def read_with_parser(source: Source, told: Told) -> None:
    parser = Parser()
    try:
        async for data in source:
            for event in parser.feed(data):
                told.events.append((event.event, event.data, event.id))
                if len(told.events) == source.leaves_after:
                    return
    finally:
        parser.close()
        told.truncated = parser.truncated


async def read_with_aiter_events(source: Source, told: Told) -> None:
    async for event in aiter_events(source):
        told.events.append((event.event, event.data, event.id))
        if len(told.events) == source.leaves_after:
            return


READERS = {"chat": read_chat, "parser": read_with_parser, "aiter_events": read_with_aiter_events}


async def soak(ports: list[int], streams: int, seconds: float, seed: int) -> bool:
    all_of_them = Soak(ports, streams, seed)
    print(f"sseparse ({IMPLEMENTATION}), Python {sys.version.split()[0]}")
    print(f"before the first stream: {rss() / MIB:.0f} MiB")
    began = time.monotonic()
    tasks = [asyncio.create_task(all_of_them.keep_reading()) for _ in range(streams)]
    await first_of(all_of_them.full.wait(), tasks)
    print(f"all {streams:,} open after {time.monotonic() - began:.1f} s; now {seconds:.0f} s of it")

    began, cpu_began = time.monotonic(), time.process_time()
    counted = Counter(all_of_them.counts)
    checking = all_of_them.checking
    marks = [rss()]
    for quarter in range(1, 5):
        await first_of(asyncio.sleep(began + seconds * quarter / 4 - time.monotonic()), tasks)
        marks.append(rss())
        print(
            f"{quarter}/4: {marks[-1] / MIB:.0f} MiB, {all_of_them.open:,} open, "
            f"{all_of_them.counts['streams']:,} streams, {all_of_them.counts['events']:,} events"
        )
    wall, cpu = time.monotonic() - began, time.process_time() - cpu_began
    lasting = all_of_them.counts - counted
    checking = all_of_them.checking - checking
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    tasks.clear()
    gc.collect()

    counts = all_of_them.counts
    verdict = "every one as it must be" if not all_of_them.problems else "NOT ALL as they must be"
    print(
        f"{counts['streams']:,} streams, {verdict}: {counts['streams whole']:,} whole, "
        f"{counts['streams closed']:,} closed in the middle, {counts['streams reset']:,} reset, "
        f"{counts['streams left']:,} left early; {counts['truncated']:,} told truncated; "
        f"{counts['streams going on at the end']:,} more were going on at the end\n"
        f"{counts['events']:,} events in {counts['bytes'] / MIB:,.1f} MiB; "
        f"{lasting['events'] / wall:,.0f} events/s in {lasting['reads'] / wall:,.0f} reads/s; "
        f"at most {all_of_them.most_open:,} streams at a time\n"
        f"CPU: {cpu / wall:.0%} of a core, {checking / wall:.0%} of that core for checking\n"
        f"memory: {', '.join(f'{mark / MIB:.0f}' for mark in marks)} MiB at the start and the "
        f"quarters, {rss() / MIB:.0f} MiB when all were closed"
    )
    for problem in all_of_them.problems[:10]:
        print(problem[:1000], file=sys.stderr)
    # The streams of the first half are gone by now; those of the second need no more.
    grew = marks[4] > 1.1 * marks[2] + 8 * MIB
    if grew:
        print("memory grew in the second half", file=sys.stderr)
    return not all_of_them.problems and not grew


async def first_of(awaitable: Any, tasks: list[asyncio.Task[None]]) -> None:
    """Await it; a task that ends meanwhile has failed."""
    waited = asyncio.ensure_future(awaitable)
    done, _ = await asyncio.wait([waited, *tasks], return_when=asyncio.FIRST_COMPLETED)
    done.discard(waited)
    for task in done:
        task.result()


def rss() -> int:
    """Bytes of memory that this process has, now; its peak where there is no /proc."""
    try:
        with open("/proc/self/statm") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def allow_open_files(count: int) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= count or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < count:
        sys.exit(
            f"this needs {count:,} open files, but may have {hard:,}: raise it with ulimit -Hn, "
            f"or open fewer streams with STREAMS={hard - 200}"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def main() -> None:
    arguments = argparse.ArgumentParser(description="Read many streams at a time.")
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--streams", type=int, default=10_000)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = arguments.parse_args()
    allow_open_files(options.streams + 200)
    if options.serve:
        asyncio.run(serve(options.seconds + 300))
        return
    command = [sys.executable, __file__, "--serve", "--streams", str(options.streams)]
    command += ["--seconds", str(options.seconds)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        ports = [int(port) for port in server.stdout.readline().split()]
        try:
            worked = asyncio.run(soak(ports, options.streams, options.seconds, options.seed))
        finally:
            server.communicate("")
    sys.exit(not worked)


if __name__ == "__main__":
    main()
