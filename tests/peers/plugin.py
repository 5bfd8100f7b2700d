"""A pytest plugin that puts our parser in the place of a package's own; PEER names the package."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import sseparse
import sseparse.decoder
import sseparse.http

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


def replace_clients_decoder(package: str) -> None:
    """The decoder of the clients of OpenAI and Anthropic, wherever they have its name from."""
    base_client = __import__(f"{package}._base_client", fromlist=[""])
    streaming = __import__(f"{package}._streaming", fromlist=[""])
    base_client.SSEDecoder = streaming.SSEDecoder = sseparse.decoder.SSEDecoder


def replace_httpx_sse() -> None:
    """The two loops of ``httpx_sse.EventSource``; what is around them stays its own."""
    import httpx_sse

    def source_of(self: Any) -> sseparse.http.EventSource:
        self._check_content_type()
        return sseparse.http.EventSource(
            self._response,
            check_status=False,
            check_content_type=False,
            max_event_size=None,
            dispatch_without_data=True,
        )

    def event_of(event: sseparse.Event) -> httpx_sse.ServerSentEvent:
        return httpx_sse.ServerSentEvent(event.event, event.data, event.id, event.retry)

    def iter_sse(self: Any) -> Iterator[httpx_sse.ServerSentEvent]:
        yield from map(event_of, source_of(self))

    async def aiter_sse(self: Any) -> AsyncIterator[httpx_sse.ServerSentEvent]:
        async with source_of(self) as source:
            async for event in source:
                yield event_of(event)

    httpx_sse.EventSource.iter_sse = iter_sse
    httpx_sse.EventSource.aiter_sse = aiter_sse


class Lines:
    """Chunks that are lines for who asks for lines, and themselves for our parser."""

    def __init__(self, chunks: Any, lines: Any) -> None:
        self.chunks, self._lines = chunks, lines

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)

    def __aiter__(self) -> AsyncIterator[str]:
        return aiter(self._lines)


class LaunchDarklyReader:
    """What LaunchDarkly's clients, and its tests, want of a reader."""

    def __init__(
        self,
        lines_source: Any,
        last_event_id: str | None = None,
        set_retry: Callable[[int], None] | None = None,
    ) -> None:
        # The clients give what was Lines.chunks; the reader's own tests give lines.
        self._of_bytes = isinstance(lines_source, Lines)
        self._source = lines_source.chunks if self._of_bytes else lines_source
        self.last_event_id = last_event_id
        self._set_retry = set_retry
        self._comments: list[tuple[int, str]] = []
        self._parser = sseparse.Parser(
            max_event_size=None,
            last_event_id=last_event_id or "",
            on_comment=lambda text: self._comments.append((self._parser.completed, text)),
        )

    def _read(self, piece: Any) -> Iterator[Any]:
        from ld_eventsource.actions import Comment, Event

        retry = self._parser.retry
        events = self._parser.feed(piece if self._of_bytes else f"{piece}\n".encode())
        if self._parser.retry != retry and self._set_retry is not None:
            self._set_retry(self._parser.retry)
        comments, self._comments = self._comments, []
        for number in range(len(events) + 1):
            yield from (Comment(text) for place, text in comments if place == number)
            if number < len(events):
                event = events[number]
                if event.own_id is not None:
                    self.last_event_id = event.own_id
                yield Event(event.event, event.data, event.own_id, self.last_event_id)

    def events_and_comments(self) -> Iterator[Any]:
        for piece in self._source:
            yield from self._read(piece)


class AsyncLaunchDarklyReader(LaunchDarklyReader):
    """The same for its asynchronous client."""

    async def events_and_comments(self) -> AsyncIterator[Any]:
        async for piece in self._source:
            for item in self._read(piece):
                yield item


def replace_ld_eventsource() -> None:
    """The readers of both clients; who asks for lines gets those of the package itself."""
    from ld_eventsource import async_client, async_reader, reader, sse_client

    for module, client, prefix, ours in (
        (reader, sse_client, "", LaunchDarklyReader),
        (async_reader, async_client, "Async", AsyncLaunchDarklyReader),
    ):
        lines = getattr(module, f"_{prefix}BufferedLineReader")
        own = lines.lines_from
        lines.lines_from = staticmethod(lambda chunks, own=own: Lines(chunks, own(chunks)))
        setattr(module, f"_{prefix}SSEReader", ours)
        setattr(client, f"_{prefix}SSEReader", ours)


def replace_mcp() -> None:
    """As the recipe in the documentation does it."""
    from pages import RECIPES, blocks_of

    (recipe,) = [block for _, block, _ in blocks_of(RECIPES) if " mcp." in block]
    exec(compile(recipe, str(RECIPES), "exec"), {"__name__": "recipe"})


def pytest_configure() -> None:
    peer = os.environ["PEER"]
    if peer in ("openai", "anthropic"):
        replace_clients_decoder(peer)
    else:
        {
            "httpx-sse": replace_httpx_sse,
            "launchdarkly-eventsource": replace_ld_eventsource,
            "mcp": replace_mcp,
        }[peer]()
