"""One stream: reads it, and compares what it told with what it had to tell."""

from __future__ import annotations

from itertools import takewhile, zip_longest
from typing import TYPE_CHECKING

from expected import Told, all_events, must_tell
from readers import PUSHED, Listener
from relaying import ERROR, must_tell_relayed
from sources import AsyncSource, Source, in_thread

if TYPE_CHECKING:
    from plans import Plan
    from readers import Way

__all__ = ["Reading"]


class Reading:
    """A plan as it is read in one of the ways.

    Attributes:
        told: what it has told so far.
        source: where its bytes come from; None before there are any.
        was_reset: whether the connection was.
    """

    def __init__(self, plan: Plan, way: Way) -> None:
        self.plan = plan
        self.way = way
        self.told = Told()
        self.source: AsyncSource | Source | None = None
        self.was_reset = False
        self._leaves_after: int | None = None
        if plan.ending == "left":
            events = len(all_events(plan, way.view))
            self._leaves_after = int(events * plan.dropped_after) + 1
        self._listener = Listener(self.told, self._leaves_after)

    async def read(self, source: AsyncSource) -> None:
        """Read it to its end, or until there is no interest in more of it."""
        self.source = source
        try:
            await self.way.read(source, self._listener, self.plan.kind, self.way.view)
            if not self._listener.has_enough:
                await source.read_rest()
        except ConnectionResetError:
            self.was_reset = True

    def read_in_thread(self, port: int) -> None:
        """The same, over a connection of its own."""
        with in_thread(port, self.plan) as source:
            self.source = source
            try:
                self.way.read(source, self._listener, self.plan.kind, self.way.view)
                if not self._listener.has_enough:
                    source.read_rest()
            except ConnectionResetError:
                self.was_reset = True

    def problem(self) -> str | None:
        """What is not as it must be, of one that was read to its end."""
        source = self.source
        assert source is not None
        if self._leaves_after is not None:
            expected = all_events(self.plan, self.way.view)[: self._leaves_after]
            return _difference(Told(self.told.events), Told(expected))
        if isinstance(source, AsyncSource) and source.kept is not None:
            if self.was_reset:
                return "the gateway has dropped the connection"
            try:
                must = must_tell_relayed(self.plan, self.way.view, bytes(source.kept))
            except ValueError as error:
                return str(error)
        else:
            # A reset overtakes the bytes before it.
            if not self.was_reset and source.received != self.plan.size:
                return f"brought {source.received} bytes, and not {self.plan.size}"
            has_ended = not self.was_reset or self.way in PUSHED
            must = must_tell(self.plan, self.way.view, source.received, has_ended)
        if self.way.view == "events" and self.told.truncated is None:
            must.truncated = None  # who only iterates is not told
        return _difference(self.told, must)

    def problem_so_far(self) -> str | None:
        """What is not as it must be, of one that was given up somewhere."""
        events = self.told.events
        # Where the gateway has failed, only who reads events goes on.
        told = list(takewhile(lambda event: ERROR not in str(event), events))
        expected = all_events(self.plan, self.way.view)[: len(told)]
        return _difference(Told(told), Told(expected))


def _difference(told: Told, must: Told) -> str | None:
    if told == must:
        return None
    pairs = enumerate(zip_longest(told.events, must.events))
    said = [f"event {i} is {one!r}, not {other!r}" for i, (one, other) in pairs if one != other][:1]
    for name in ("truncated", "done", "finish_reason", "text", "error"):
        one, other = getattr(told, name), getattr(must, name)
        if one != other:
            said.append(f"{name} is {one!r}, not {other!r}")
    return "; ".join(said)
