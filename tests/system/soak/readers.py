"""The ways of reading: ``Parser``, ``aiter_events``, and the three forms of the typed streams.

Those are read as each API's own (its objects), and in the view of all APIs (pieces).
"""

from __future__ import annotations

import contextlib
from operator import methodcaller
from typing import TYPE_CHECKING, Any, NamedTuple

from apis import APIS

from sseparse import Parser, aiter_events, llm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from expected import Told, View
    from sources import AsyncSource, Source

__all__ = ["PULLED", "PUSHED", "WAYS", "Listener", "Way"]


class Listener:
    """Takes down what a stream tells, until it has heard enough."""

    def __init__(self, told: Told, leaves_after: int | None) -> None:
        self.told = told
        self._leaves_after = leaves_after

    def hears(self, event: Any) -> bool:
        """Take down an event; whether that is enough."""
        self.told.events.append(event)
        return self.has_enough

    @property
    def has_enough(self) -> bool:
        return len(self.told.events) == self._leaves_after


class _Class(NamedTuple):
    """How one of the typed streams is read.

    Attributes:
        parser: makes one that is pushed.
        stream: makes one of an iterable.
        async_stream: makes one of an asynchronous iterable.
        items: what is to be iterated over, of a stream.
        pushed: what the bytes have completed that a parser was fed last, of it and its objects.
        tell: what is taken down of an item.
        final: the final object of one.
    """

    parser: Any
    stream: Any
    async_stream: Any
    items: Callable[[Any], Any]
    pushed: Callable[[Any, Any], Any]
    tell: Callable[[Any], Any]
    final: Callable[[Any], Any]


def _class_of(kind: str, view: View) -> _Class:
    if view == "pieces":
        return _Class(
            llm.StreamParser,
            llm.Stream,
            llm.AsyncStream,
            items=methodcaller("iter_pieces"),
            pushed=lambda parser, objects: parser.iter_pieces(),
            tell=lambda piece: (piece.kind, piece.text),
            final=methodcaller("get_final"),
        )
    api = APIS[kind]
    return _Class(
        api.parser,
        api.stream,
        api.async_stream,
        items=lambda stream: stream,
        pushed=lambda parser, objects: objects,
        tell=methodcaller("to_json"),
        final=methodcaller(api.get_final),
    )


async def _with_parser(source: AsyncSource, listener: Listener, kind: str, view: View) -> None:
    parser = Parser()
    try:
        async for data in source:
            for event in parser.feed(data):
                if listener.hears((event.event, event.data, event.id)):
                    return
    finally:
        parser.close()
        listener.told.truncated = parser.truncated


async def _with_aiter_events(
    source: AsyncSource, listener: Listener, kind: str, view: View
) -> None:
    async for event in aiter_events(source):
        if listener.hears((event.event, event.data, event.id)):
            return


async def _pushed(source: AsyncSource, listener: Listener, kind: str, view: View) -> None:
    how = _class_of(kind, view)
    parser, failure = how.parser(), None
    with _asking(parser, listener.told):
        try:
            async for data in source:
                for item in how.pushed(parser, parser.feed(data)):
                    if listener.hears(how.tell(item)):
                        return
        except ConnectionResetError as error:
            failure = error  # to the parser an end like any other
        for item in how.pushed(parser, parser.close()):
            listener.hears(how.tell(item))
        _note_text(how.final(parser), listener.told, kind)
        if failure is not None:
            raise failure


async def _pulled_async(source: AsyncSource, listener: Listener, kind: str, view: View) -> None:
    how = _class_of(kind, view)
    stream = how.async_stream(source)
    with _asking(stream, listener.told):
        async for item in how.items(stream):
            if listener.hears(how.tell(item)):
                await stream.close()
                return
        _note_text(await how.final(stream), listener.told, kind)


def _pulled(source: Source, listener: Listener, kind: str, view: View) -> None:
    how = _class_of(kind, view)
    stream = how.stream(source)
    with _asking(stream, listener.told):
        for item in how.items(stream):
            if listener.hears(how.tell(item)):
                stream.close()
                return
        _note_text(how.final(stream), listener.told, kind)


@contextlib.contextmanager
def _asking(stream: Any, told: Told) -> Iterator[None]:
    """Ask the stream in the end what became of it."""
    try:
        yield
    except llm.APIError as error:
        told.error = error.type
    finally:
        told.done = stream.done
        told.truncated = stream.truncated
        told.finish_reason = stream.finish_reason


def _note_text(final: Any, told: Told, kind: str) -> None:
    told.text = "" if final is None else APIS[kind].text_of(final) or ""


class Way(NamedTuple):
    """A way of reading.

    Attributes:
        read: reads a source, and has the listener hear what it tells; what is pulled in a thread
            is no coroutine function.
        view: what it tells.
    """

    name: str
    read: Callable[[Any, Listener, str, View], Any]
    view: View


PUSHED = [
    Way("pushed, each API's own", _pushed, "objects"),
    Way("pushed, llm", _pushed, "pieces"),
]
WAYS = [
    Way("Parser", _with_parser, "events"),
    Way("aiter_events", _with_aiter_events, "events"),
    *PUSHED,
    Way("async, each API's own", _pulled_async, "objects"),
    Way("async, llm", _pulled_async, "pieces"),
]
# Each of their streams has a thread.
PULLED = [
    Way("pulled, each API's own", _pulled, "objects"),
    Way("pulled, llm", _pulled, "pieces"),
]
