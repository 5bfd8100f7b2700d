"""Streams of OpenAI's Responses API: events, and the response that they come to."""

from __future__ import annotations

from .._stream.answer import AsyncPulledAnswer, PulledAnswer, PushedAnswer
from .._stream.forms import API
from . import responses_types as types
from .responses_decode import response_decoder
from .responses_state import ResponseOutcome, ResponseStreamState

__all__ = ["AsyncResponseStream", "ResponseParser", "ResponseStream"]


def _has_text(event: types.ResponseStreamEvent) -> bool:
    if event.item is not None:
        return event.type == "response.output_item.added" and bool(event.item.name)
    return bool(event.delta)


def text_of(event: types.ResponseStreamEvent) -> str:
    if event.type == "response.output_text.delta" and isinstance(event.delta, str):
        return event.delta
    return ""


def turns_of(event: types.ResponseStreamEvent) -> str:
    """What an event says of where tool calls begin or end."""
    return "turns" if event.item is not None or event.response is not None else ""


def news_of(event: types.ResponseStreamEvent) -> str:
    """All that an event says of tool calls. Of most it is a piece of arguments."""
    if event.type in _PIECES and isinstance(event.delta, str):
        return event.delta
    return turns_of(event)


_PIECES = ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta")

RESPONSES = API(
    response_decoder,
    ResponseStreamState,
    ResponseOutcome,
    has_text=_has_text,
    text_of=text_of,
    turns_of=turns_of,
    news_of=news_of,
)


class ResponseParser(
    PushedAnswer[
        types.ResponseStreamEvent, types.ResponseUsage, types.Response, types.ResponseOutputItem
    ]
):
    """The events of a Responses stream whose bytes are pushed: the machine without I/O.

        parser = ResponseParser()
        for event in parser.feed(data):
            ...
        for event in parser.close():
            ...
        response = parser.get_final_response()

    All options and attributes of ``ResponseStream`` are here, but for those that read.

    Args:
        require_done: raise TruncatedStreamError from ``close()`` of a truncated stream.
        strict: raise ChunkDecodeError where a payload would have to be mended.
        accumulate: gather the final response. Without it the parser keeps no content.
        clock: what tells the time, such as ``time.perf_counter``, to have ``timing``.
        **parser_options: see ``sseparse.Parser``.
    """

    _api = RESPONSES

    @property
    def current_response_snapshot(self) -> types.Response:
        """The response, of the events returned so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._snapshot()

    def get_final_response(self) -> types.Response:
        """What the call without streaming returns, of what has come; see ``ResponseStream``.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._final()


class ResponseStream(
    PulledAnswer[
        types.ResponseStreamEvent, types.ResponseUsage, types.Response, types.ResponseOutputItem
    ]
):
    """The events of a Responses stream.

        stream = ResponseStream(response)
        for event in stream:
            if event.type == "response.output_text.delta":
                print(event.delta, end="")
        response = stream.get_final_response()

    Keep-alives are skipped. ``response.failed`` is an APIError, ``response.incomplete`` is none.
    After an exception that concerns one payload (APIError, ChunkDecodeError) it may be read on,
    with ``next()`` or another loop.

    A tool call is an item of the output, ``function_call`` or ``custom_tool_call``. It is complete
    when it is done, and its status is not "incomplete", or when a later item begins and its
    arguments are a whole JSON object.

    Args:
        source: an iterable of bytes, the response's body cut anywhere, such as
            ``response.iter_bytes()``; or a response of httpx, httpx2, requests, urllib3,
            niquests or aiohttp, which is read as it arrives and told of in errors.
        require_done: raise TruncatedStreamError where the stream ends ``truncated``.
        strict: raise ChunkDecodeError where a payload would have to be mended.
        accumulate: gather the final response. Without it the stream keeps no content.
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

    _api = RESPONSES

    @property
    def current_response_snapshot(self) -> types.Response:
        """The response, of the events handed out so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._snapshot()

    def get_final_response(self) -> types.Response:
        """Read the stream to its end; return what the call without streaming returns.

        Of a stream that is ``truncated`` it is what came; ``require_done=True`` makes
        that an error.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: whatever reading the stream on raises.
        """
        return self._read_final()


class AsyncResponseStream(
    AsyncPulledAnswer[
        types.ResponseStreamEvent, types.ResponseUsage, types.Response, types.ResponseOutputItem
    ]
):
    """The events of a Responses stream, asynchronously; see ``ResponseStream``."""

    _api = RESPONSES

    @property
    def current_response_snapshot(self) -> types.Response:
        """The response, of the events handed out so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._snapshot()

    async def get_final_response(self) -> types.Response:
        """Read the stream to its end; see ``ResponseStream.get_final_response``."""
        return await self._read_final()
