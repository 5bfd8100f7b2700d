"""The decoder that the official clients can be given in place of their own.

The clients of OpenAI and of Anthropic ask their method ``_make_sse_decoder`` for an object
that turns bytes into events. Both use a copy of the same decoder; this one does as well, by
the standard, for less:

    class Client(anthropic.Anthropic):
        def _make_sse_decoder(self):
            return SSEDecoder()

The method is private there, so a new release may take it away. It needs nothing but the core.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ._iterate import aiter_events, iter_events

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from typing_extensions import Self

    from . import Event
    from ._iterate import ParserOptions
    from ._iterators import AsyncEventIterator

__all__ = ["SSEDecoder", "ServerSentEvent"]


class ServerSentEvent:
    """An event with the attributes, and the Nones, of the official clients' own."""

    __slots__ = ("_event",)

    def __init__(self, event: Event) -> None:
        self._event = event

    @property
    def event(self) -> str | None:
        """The event type; None where the server named none."""
        name = self._event.event
        # Anthropic's client drops events without a type, so one that the server calls
        # "message" must be told from one that it calls nothing.
        if name == "message" and not self._is_named_message():
            return None
        return name

    @property
    def data(self) -> str:
        """The values of the ``data`` lines, joined by LF."""
        return self._event.data

    @property
    def id(self) -> str | None:
        """The last event ID of the stream; None where there is none."""
        return self._event.id or None

    @property
    def retry(self) -> int | None:
        """The reconnection time in milliseconds that came with this event."""
        return self._event.retry

    @property
    def raw(self) -> list[str]:
        """The lines it was made of, comments included, without the blank one."""
        return [line.decode("utf-8", "replace") for line in self._lines()]

    def json(self) -> Any:
        """The data, parsed as JSON.

        Raises:
            json.JSONDecodeError: the data is not JSON.
        """
        return json.loads(self._event.data)

    def __repr__(self) -> str:
        return (
            f"ServerSentEvent(event={self.event!r}, data={self.data!r}, id={self.id!r}, "
            f"retry={self.retry!r})"
        )

    def _lines(self) -> list[bytes]:
        # bytes.splitlines, unlike that of str, knows CR, LF and CRLF only.
        return (self._event.raw or b"").splitlines()[:-1]

    def _is_named_message(self) -> bool:
        if b"message" not in (self._event.raw or b""):
            return False
        names = [value for name, _, value in map(_field, self._lines()) if name == b"event"]
        return names[-1:] in ([b"message"], [b" message"])


class SSEDecoder:
    """Bytes in, events out, as the official clients' ``_make_sse_decoder`` hook wants it.

    A block without data is an event, as it is for the clients' own decoders: ``event: error``
    and a comment is how some servers say that a stream failed, and the client raises for it.
    Where else these and the standard differ, this one follows the standard: a BOM is no
    part of the first field's name, and invalid UTF-8 becomes U+FFFD rather than an exception.

    Args:
        max_event_size: see ``sseparse.Parser``; without limit by default, as theirs.
    """

    def __init__(self, *, max_event_size: int | None = None) -> None:
        self._max_event_size = max_event_size

    def iter_bytes(self, iterator: Iterator[bytes]) -> Iterator[ServerSentEvent]:
        """Iterate over the events of the bytes of one response."""
        return map(ServerSentEvent, iter_events(iterator, **self._options()))

    def aiter_bytes(self, iterator: AsyncIterator[bytes]) -> AsyncServerSentEvents:
        """Iterate over the events of the bytes of one response, asynchronously."""
        return AsyncServerSentEvents(aiter_events(iterator, **self._options()))

    def _options(self) -> ParserOptions:
        return {
            "max_event_size": self._max_event_size,
            "keep_raw": True,
            "dispatch_without_data": True,
        }


class AsyncServerSentEvents:
    """What ``SSEDecoder.aiter_bytes`` returns: no generator, for one that raises is over."""

    __slots__ = ("_events",)

    def __init__(self, events: AsyncEventIterator) -> None:
        self._events = events

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> ServerSentEvent:
        return ServerSentEvent(await anext(self._events))

    async def aclose(self) -> None:
        """Hand out no more events, and close the iterator of the bytes."""
        await self._events.aclose()


def _field(line: bytes) -> tuple[bytes, bytes, bytes]:
    return line.partition(b":")
