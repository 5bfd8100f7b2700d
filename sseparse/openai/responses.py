"""Streams of OpenAI's Responses API: events, and the response that they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream.forms import AsyncPulled, Pulled, Pushed
from . import responses_types as types
from .responses_decode import response_decoder
from .responses_state import ResponseOutcome, ResponseStreamState

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

    from typing_extensions import Buffer, Unpack

    from .._stream.decode import PayloadDecoder
    from .._stream.forms import StreamOptions
    from .._stream.sources import AsyncResponse, SyncResponse
    from .._stream.tool_calls import PartialToolCall

__all__ = ["AsyncResponseStream", "ResponseParser", "ResponseStream"]


class ResponsesAPI:
    """What the machine has to know of the Responses API."""

    is_withheld = None

    def make_decoder(self, strict: bool) -> PayloadDecoder:
        return response_decoder(strict)

    def make_state(self, accumulate: bool) -> ResponseStreamState | ResponseOutcome:
        return ResponseStreamState() if accumulate else ResponseOutcome()

    def has_text(self, item: types.ResponseStreamEvent) -> bool:
        if item.item is not None:
            return item.type == "response.output_item.added" and bool(item.item.name)
        return bool(item.delta)


def text_of(event: Any) -> str:
    if event.type == "response.output_text.delta" and isinstance(event.delta, str):
        return event.delta
    return ""


def turns_of(event: Any) -> str:
    """What an event says of where tool calls begin or end."""
    return "turns" if event.item is not None or event.response is not None else ""


def news_of(event: Any) -> str:
    """All that an event says of tool calls. Of most it is a piece of arguments."""
    if event.type in _PIECES and isinstance(event.delta, str):
        return event.delta
    return turns_of(event)


_PIECES = ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta")


class ResponseParser(Pushed[types.ResponseStreamEvent, types.ResponseUsage, types.Response]):
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

    _api = ResponsesAPI()

    def __init__(self, **options: Unpack[StreamOptions]) -> None:
        super().__init__(**options)

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

    def iter_tool_calls(self) -> Iterator[types.ResponseOutputItem]:
        """The tool calls that have become complete, those handed out before left out.

        Ask after each ``feed``, and after ``close``. See ``ResponseStream.iter_tool_calls``.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._complete_tool_calls(None)

    def iter_partial_tool_calls(self) -> Iterator[PartialToolCall]:
        """The tool calls that have grown since they were handed out here, as far as they have come.

        Ask after each ``feed``, and after ``close``; see the method of ``ResponseStream``.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._partial_tool_calls(None)


class ResponseStream(Pulled[types.ResponseStreamEvent, types.ResponseUsage, types.Response]):
    """The events of a Responses stream.

        stream = ResponseStream(response)
        for event in stream:
            if event.type == "response.output_text.delta":
                print(event.delta, end="")
        response = stream.get_final_response()

    Keep-alives are skipped. ``response.failed`` is an APIError, ``response.incomplete`` is none.
    After an exception that concerns one payload (APIError, ChunkDecodeError) it may be read on,
    with ``next()`` or another loop.

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

    _api = ResponsesAPI()

    def __init__(
        self, source: Iterable[Buffer] | SyncResponse, **options: Unpack[StreamOptions]
    ) -> None:
        super().__init__(source, **options)

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

    def iter_text(self) -> Iterator[str]:
        """The pieces of the output's text as they come, empty ones left out."""
        return self._texts(text_of)

    def iter_partial_json(self) -> Iterator[Any]:
        """The value of the output's text, as far as it is known, each time more of it shows.

        It is that of a ``sseparse.partial_json.PartialJSON``: strings as far as they have
        come; numbers, literals and keys when they are whole. Lists and dicts are the same
        objects each time, and grow; ``copy.deepcopy`` what is to stay as it is. Whether the
        text has come whole this does not tell.

        Raises:
            PartialJSONError: while iterating, where the text is no JSON, and from then on;
                what came before is yielded first.
        """
        return self._partial_values(text_of)

    def iter_tool_calls(self) -> Iterator[types.ResponseOutputItem]:
        """The tool calls, each once and as soon as it is complete.

        A call is complete when its item is done, or a later item begins and its arguments are a
        whole JSON object. It is an item, ``function_call`` or ``custom_tool_call``; tools that
        the server runs itself are not among them. What a cut, an error or ``close()`` has left
        unfinished is never complete, nor is an item whose status is "incomplete".

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: while iterating; what iterating over the stream raises, where it stands.
        """
        return self._complete_tool_calls(None, turns_of)

    def iter_partial_tool_calls(self) -> Iterator[PartialToolCall]:
        """The tool calls as they grow: one each time that there is more of it.

        A call is the same object each time, which has its ``arguments`` so far and their
        ``value``; the last time it comes it is ``complete``, if it ever is.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: while iterating; what iterating over the stream raises, where it stands.
        """
        return self._partial_tool_calls(None, news_of)


class AsyncResponseStream(
    AsyncPulled[types.ResponseStreamEvent, types.ResponseUsage, types.Response]
):
    """The events of a Responses stream, asynchronously; see ``ResponseStream``."""

    _api = ResponsesAPI()

    def __init__(
        self, source: AsyncIterable[Buffer] | AsyncResponse, **options: Unpack[StreamOptions]
    ) -> None:
        super().__init__(source, **options)

    @property
    def current_response_snapshot(self) -> types.Response:
        """The response, of the events handed out so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._snapshot()

    async def get_final_response(self) -> types.Response:
        """Read the stream to its end; return what the call without streaming returns.

        See ``ResponseStream.get_final_response``.
        """
        return await self._read_final()

    def iter_text(self) -> AsyncIterator[str]:
        """The pieces of the output's text as they come, empty ones left out."""
        return self._texts(text_of)

    def iter_partial_json(self) -> AsyncIterator[Any]:
        """The value of the output's text as far as it is known.

        See ``ResponseStream.iter_partial_json``.
        """
        return self._partial_values(text_of)

    def iter_tool_calls(self) -> AsyncIterator[types.ResponseOutputItem]:
        """The tool calls, each once and as soon as it is complete.

        See ``ResponseStream.iter_tool_calls``.
        """
        return self._complete_tool_calls(None, turns_of)

    def iter_partial_tool_calls(self) -> AsyncIterator[PartialToolCall]:
        """The tool calls as they grow: one each time that there is more of it.

        See ``ResponseStream.iter_partial_tool_calls``.
        """
        return self._partial_tool_calls(None, news_of)
