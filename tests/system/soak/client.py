"""All the streams at a time, in one process: reads them, and counts."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from plans import NO_API, Plan
from readers import PULLED, WAYS, Way
from reading import Reading
from relaying import KEEP_ALIVE
from sources import AsyncSource, Source, direct, relayed

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Soak"]

# Of all streams every fiftieth is pulled, which takes a thread, up to so many; of the others every
# tenth goes through the gateway.
IN_THREADS = 50
MOST_THREADS = 200
RELAYED = 10
# With more of them something is wrong that no further stream tells more of.
MOST_PROBLEMS = 100


class Place(NamedTuple):
    """Where one stream is read after the other, all in the same way."""

    way: Way
    is_relayed: bool = False


def places(streams: int) -> list[Place]:
    """As many as there are to be streams at a time."""
    in_threads = min(streams // IN_THREADS, MOST_THREADS)
    found = [Place(PULLED[i % len(PULLED)]) for i in range(in_threads)]
    for i in range(streams - in_threads):
        found.append(Place(WAYS[i % len(WAYS)], is_relayed=i // len(WAYS) % RELAYED == 0))
    return found


class Soak:
    """All the streams, and what has been counted of them.

    Args:
        ports: the server's.
        gateway: the port of the gateway.
        streams: how many there are to be at a time.
        seed: what their numbers follow from.
    """

    def __init__(self, ports: list[int], gateway: int, streams: int, seed: int) -> None:
        self._ports = ports
        self._gateway = gateway
        self._numbers = random.Random(seed)
        self._threads = ThreadPoolExecutor(MOST_THREADS)
        self.counts: Counter[str] = Counter()
        self.problems: list[str] = []
        self.checking = 0.0  # CPU seconds
        self.open = 0
        self.most_open = 0
        self.full = asyncio.Event()
        self._unopened = set(range(streams))
        self.tasks = [
            asyncio.create_task(self._keep_reading(number, place))
            for number, place in enumerate(places(streams))
        ]

    async def stop(self) -> None:
        """Give up the streams that are going on."""
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.tasks.clear()
        self._threads.shutdown()

    async def _keep_reading(self, number: int, place: Place) -> None:
        """One stream after the other, until cancelled."""
        while True:
            reading = Reading(self._next_plan(place), place.way)
            try:
                await self._read(reading, number, place)
            except asyncio.CancelledError:
                self._count_unfinished(reading)
                return
            except Exception as error:
                self._note(reading, repr(error))
                if len(self.problems) > MOST_PROBLEMS:
                    raise
            else:
                self._count(reading, place)

    def _next_plan(self, place: Place) -> Plan:
        """One that can be read there."""
        needs_api = place.is_relayed or place.way.view != "events"
        while True:
            plan = Plan(self._numbers.getrandbits(48))
            if plan.kind != NO_API or not needs_api:
                return plan

    async def _read(self, reading: Reading, number: int, place: Place) -> None:
        plan = reading.plan
        port = self._ports[plan.number % len(self._ports)]
        if place.way in PULLED:
            with self._opened(number):
                await self._read_in_thread(reading, port)
            return
        opening = relayed(self._gateway, plan) if place.is_relayed else direct(port, plan)
        async with opening as source:
            with self._opened(number):
                await reading.read(source)

    async def _read_in_thread(self, reading: Reading, port: int) -> None:
        loop = asyncio.get_running_loop()
        thread = loop.run_in_executor(self._threads, reading.read_in_thread, port)
        try:
            await asyncio.shield(thread)
        except asyncio.CancelledError:
            while not thread.done():
                if isinstance(reading.source, Source):
                    reading.source.give_up()
                await asyncio.wait([thread], timeout=0.1)
            raise

    @contextlib.contextmanager
    def _opened(self, number: int) -> Iterator[None]:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        self._unopened.discard(number)
        if not self._unopened:
            self.full.set()
        try:
            yield
        finally:
            self.open -= 1

    def _count(self, reading: Reading, place: Place) -> None:
        before = time.process_time()
        self._note(reading, reading.problem())
        plan, told, source = reading.plan, reading.told, reading.source
        assert source is not None
        self.counts["streams"] += 1
        self.counts[f"streams {plan.ending}"] += 1
        self.counts[f"streams of {plan.kind}"] += 1
        self.counts[f"streams {place.way.name}"] += 1
        self.counts["streams through the gateway"] += place.is_relayed
        self.counts["streams with an error of the gateway"] += told.error is not None
        self.counts["events"] += len(told.events)
        self.counts["bytes"] += source.received
        self.counts["truncated"] += bool(told.truncated and plan.ending != "left")
        self.counts["reads"] += source.reads
        if isinstance(source, AsyncSource) and source.kept is not None:
            self.counts["keep-alives"] += source.kept.count(KEEP_ALIVE)
        self.checking += time.process_time() - before

    def _count_unfinished(self, reading: Reading) -> None:
        self.counts["streams going on at the end"] += 1
        self.counts["events"] += len(reading.told.events)
        self._note(reading, reading.problem_so_far())

    def _note(self, reading: Reading, problem: str | None) -> None:
        if problem is not None:
            plan = reading.plan
            name = f"stream {plan.number} ({plan.kind}, {plan.ending}, {reading.way.name})"
            self.problems.append(f"{name}: {problem}")
