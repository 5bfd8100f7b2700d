"""Events of iterables of byte chunks: the loop around a parser that everybody would write."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypedDict

from . import Parser

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

    from typing_extensions import Buffer, Unpack

    from . import Event


class ParserOptions(TypedDict, total=False):
    """The options of ``Parser``."""

    max_event_size: int | None
    last_event_id: str
    on_comment: Callable[[str], object] | None
    on_ignored_line: Callable[[str], object] | None
    on_ignored_value: Callable[[str], object] | None
    keep_raw: bool
    dispatch_without_data: bool


def iter_events(
    chunks: Iterable[Buffer], **parser_options: Unpack[ParserOptions]
) -> Iterator[Event]:
    """Iterate over the events of an iterable of bytes.

    An event without its blank line at the end of the stream is discarded, as the
    standard wants; use ``Parser`` itself to learn of it.

    Args:
        chunks: the bytes of one response, cut anywhere, such as ``response.iter_bytes()``.
        **parser_options: see ``Parser``.

    Raises:
        EventTooLargeError: after the events before it.
        Exception: whatever ``chunks`` raises, unchanged.
    """
    # The parser is made here, not in the generator: a wrong option is an error at once.
    return _iterate(Parser(**parser_options), chunks)


def aiter_events(
    chunks: AsyncIterable[Buffer], **parser_options: Unpack[ParserOptions]
) -> AsyncIterator[Event]:
    """Iterate over the events of an asynchronous iterable of bytes; see ``iter_events``."""
    return _aiterate(Parser(**parser_options), chunks)


def _iterate(parser: Parser, chunks: Iterable[Buffer]) -> Iterator[Event]:
    for chunk in chunks:
        yield from parser.feed(chunk)
        if parser.truncated:
            # The error that waited for these events is due now, not when more bytes come.
            parser.feed(b"")
    yield from parser.close()


async def _aiterate(parser: Parser, chunks: AsyncIterable[Buffer]) -> AsyncIterator[Event]:
    async for chunk in chunks:
        for event in parser.feed(chunk):
            yield event
        if parser.truncated:
            parser.feed(b"")
    for event in parser.close():
        yield event
