# cython: language_level=3, auto_pickle=False
"""Iterators over the events of one stream, list by list, that go on after an exception.

A generator that raises is over. But what a callback raises loses nothing in a parser, and
many sources go on after an exception: a read that timed out, say. So neither of these is a
generator. Both ask a *pull* for the events of the next read, which may raise, and be
asked again.

This is ordinary Python, and runs as such. Where there is a compiler Cython compiles it as
it stands, with the types in ``_iterators.pxd``: between two events of one read there is no
Python then.
"""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Generator

    from typing_extensions import Self

    from . import Event

__all__ = ["AsyncEventIterator", "AsyncPull", "EventIterator", "Pull"]


class Pull(Protocol):
    """Where an ``EventIterator`` gets its events."""

    @property
    def closed(self) -> bool:
        """Whether there is nothing more to hand out."""
        ...

    def stop(self) -> None:
        """Have nothing more to hand out. It does not wait, whoever reads."""

    def next_batch(self) -> list[Event] | None:
        """The events of the next read, often none; None at the end.

        After an exception it may be called again.
        """
        ...

    def close(self) -> None:
        """Give back what it reads from. It may be called again."""


class AsyncPull(Protocol):
    """Where an ``AsyncEventIterator`` gets its events."""

    @property
    def closed(self) -> bool:
        """Whether there is nothing more to hand out."""
        ...

    def stop(self) -> None:
        """Have nothing more to hand out."""

    async def next_batch(self) -> list[Event] | None:
        """The events of the next read, often none; None at the end."""
        ...

    async def aclose(self) -> None:
        """Give back what it reads from. It may be called again."""


class EventIterator:
    """Iterates over the events of one stream; made by ``iter_events`` and ``EventSource``.

    After an exception it can be asked again. A second thread is refused with a ValueError
    while one reads.
    """

    def __init__(self, pull: Pull) -> None:
        self._pull: Any = pull
        self._batch: Any = []
        self._events: Any = iter(self._batch)
        self._guard: Any = None  # before the first event
        self._at_work = Lock()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        for event in self._events:
            return event  # type: ignore[no-any-return]
        return self._read_on()  # type: ignore[no-any-return]

    def _read_on(self) -> Any:
        if not self._at_work.acquire(blocking=False):
            raise ValueError("this iterator is already executing; events belong to one thread")
        try:
            # Another thread may have read meanwhile.
            for event in self._events:
                return event  # pragma: no cover - only where two threads meet just here
            pull = self._pull
            if self._guard is None and not pull.closed:
                self._guard = _closing(pull)
                next(self._guard)
            while not pull.closed:
                # Handed out, and not to be kept while more is waited for.
                self._batch = []
                try:
                    batch = pull.next_batch()
                except Exception:
                    # Closed while it was reading, it ends quietly, whatever that makes of it.
                    if pull.closed:
                        break
                    raise
                if batch is None or pull.closed:
                    break
                self._batch = batch
                self._events = iter(batch)
                for event in self._events:
                    return event
        finally:
            self._at_work.release()
        self.close()
        raise StopIteration

    def close(self) -> None:
        """Hand out no more events, and close what they come from."""
        self._pull.stop()
        self._batch.clear()
        self._guard = None
        self._pull.close()


def _closing(pull: Pull) -> Generator[None, None, None]:
    """Closes a pull when it goes away, and with it the iterator that holds it."""
    try:
        yield
    finally:
        pull.close()


class AsyncEventIterator:
    """Iterates over the events of one stream; made by ``aiter_events`` and ``EventSource``.

    After an exception it can be asked again.
    """

    def __init__(self, pull: AsyncPull) -> None:
        self._pull: Any = pull
        self._batch: Any = []
        self._events: Any = iter(self._batch)
        self._guard: Any = None  # before the first event

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        for event in self._events:
            return event  # type: ignore[no-any-return]
        return await self._read_on()  # type: ignore[no-any-return]

    async def _read_on(self) -> Any:
        pull = self._pull
        if self._guard is None and not pull.closed:
            self._guard = _aclosing(pull)
            await anext(self._guard)
        while not pull.closed:
            self._batch = []  # handed out, and not to be kept while more is waited for
            try:
                batch = await pull.next_batch()
            except BaseException as error:
                if not pull.closed:
                    raise
                # Closed while it was reading, it ends quietly, whatever reading makes of that.
                if isinstance(error, Exception):
                    break
                await self.aclose()
                raise
            if batch is None or pull.closed:
                break
            self._batch = batch
            self._events = iter(batch)
            for event in self._events:
                return event
        await self.aclose()
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Hand out no more events, and close what they come from."""
        self._pull.stop()
        self._batch.clear()
        guard, self._guard = self._guard, None
        if guard is not None:
            await guard.aclose()
        await self._pull.aclose()


async def _aclosing(pull: AsyncPull) -> AsyncGenerator[None, None]:
    """Closes a pull when it is closed; or, in the end, when it goes away.

    Python tells the event loop of generators that nobody holds any more, and of no other
    objects. So a loop that was left early closes what it read from, a little later.
    """
    try:
        yield
    finally:
        await pull.aclose()
