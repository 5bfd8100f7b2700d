"""Streams of Anthropic's Messages API: events, and the message that they come to."""

from __future__ import annotations

from .._stream.answer import AsyncPulledAnswer, PulledAnswer, PushedAnswer
from .._stream.forms import API
from . import types
from .decode import message_decoder
from .state import MessageOutcome, MessageStreamState

__all__ = ["AsyncMessageStream", "MessageParser", "MessageStream"]


def _has_text(event: types.MessageStreamEvent) -> bool:
    delta = event.delta
    if delta is not None and (delta.text or delta.thinking or delta.partial_json):
        return True
    block = event.content_block
    return block is not None and bool(block.text or block.thinking or block.name)


def text_of(event: types.MessageStreamEvent) -> str:
    if event.delta is not None:
        return event.delta.text or ""
    if event.content_block is not None:
        return event.content_block.text or ""
    return event.message.text if event.message is not None else ""


def turns_of(event: types.MessageStreamEvent) -> str:
    """What an event says of where tool calls begin or end."""
    if event.content_block is not None:
        return "begins"
    return "" if event.type == "content_block_delta" else "ends"


def news_of(event: types.MessageStreamEvent) -> str:
    """All that an event says of tool calls. Of most it is a piece of an input."""
    if event.type == "content_block_delta" and event.delta is not None:
        return event.delta.partial_json or ""
    return turns_of(event)


MESSAGES = API(
    message_decoder,
    MessageStreamState,
    MessageOutcome,
    has_text=_has_text,
    text_of=text_of,
    turns_of=turns_of,
    news_of=news_of,
)


class MessageParser(
    PushedAnswer[types.MessageStreamEvent, types.Usage, types.Message, types.ContentBlock]
):
    """The events of a Messages stream whose bytes are pushed: the machine without I/O.

        parser = MessageParser()
        for event in parser.feed(data):
            ...
        for event in parser.close():
            ...
        message = parser.get_final_message()

    All options and attributes of ``MessageStream`` are here, but for those that read.

    Args:
        require_done: raise TruncatedStreamError from ``close()`` of a truncated stream.
        strict: raise ChunkDecodeError where a payload would have to be mended.
        accumulate: gather the final message. Without it the parser keeps no content.
        clock: what tells the time, such as ``time.perf_counter``, to have ``timing``.
        **parser_options: see ``sseparse.Parser``.
    """

    _api = MESSAGES

    @property
    def current_message_snapshot(self) -> types.Message:
        """The message, of the events returned so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._snapshot()

    def get_final_message(self) -> types.Message:
        """What the call without streaming returns, of what has come; see ``MessageStream``.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._final()


class MessageStream(
    PulledAnswer[types.MessageStreamEvent, types.Usage, types.Message, types.ContentBlock]
):
    """The events of a Messages stream.

        stream = MessageStream(response)
        for event in stream:
            if event.type == "content_block_delta" and event.delta.type == "text_delta":
                print(event.delta.text, end="")
        message = stream.get_final_message()

    Pings are skipped. After an exception that concerns one payload (APIError,
    ChunkDecodeError) it may be read on, with ``next()`` or another loop.

    A tool call is a ``tool_use`` block. It is complete when the block has ended and its input is
    a whole JSON object, when another block begins, or when the message's stop reason says that
    nothing was cut off.

    Args:
        source: an iterable of bytes, the response's body cut anywhere, such as
            ``response.iter_bytes()``; or a response of httpx, httpx2, requests, urllib3,
            niquests or aiohttp, which is read as it arrives and told of in errors.
        require_done: raise TruncatedStreamError where the stream ends ``truncated``.
        strict: raise ChunkDecodeError where a payload would have to be mended.
        accumulate: gather the final message. Without it the stream keeps no content.
        clock: what tells the time, such as ``time.perf_counter``, to have ``timing``.
        **parser_options: see ``sseparse.Parser``.

    Raises:
        TypeError: ``source`` is no iterable of bytes, or an option has a wrong type.
        APIError: while iterating; the server reported an error, in the stream or instead of it.
        ChunkDecodeError: while iterating; an event cannot be read.
        NotAnEventStreamError: while iterating; the response is something else: a web page, say.
        UnexpectedAPIError: while iterating; the stream is of another API, and names it.
        TruncatedStreamError: at the end; see ``require_done``.
        EventTooLargeError: while iterating; see ``sseparse.Parser``.
        Exception: while iterating, whatever ``source`` raises, unchanged.
    """

    _api = MESSAGES

    @property
    def current_message_snapshot(self) -> types.Message:
        """The message, of the events handed out so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._snapshot()

    def get_final_message(self) -> types.Message:
        """Read the stream to its end; return what the call without streaming returns.

        Of a stream that is ``truncated`` it is what came; ``require_done=True`` makes
        that an error.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: whatever reading the stream on raises.
        """
        return self._read_final()


class AsyncMessageStream(
    AsyncPulledAnswer[types.MessageStreamEvent, types.Usage, types.Message, types.ContentBlock]
):
    """The events of a Messages stream, asynchronously; see ``MessageStream``."""

    _api = MESSAGES

    @property
    def current_message_snapshot(self) -> types.Message:
        """The message, of the events handed out so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._snapshot()

    async def get_final_message(self) -> types.Message:
        """Read the stream to its end; see ``MessageStream.get_final_message``."""
        return await self._read_final()
