"""Streams of chat completions: ``chat.completion.chunk`` objects, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._stream.forms import API
from . import types
from .decode import chat_decoder
from .forms import (
    AsyncPulledCompletion,
    PulledCompletion,
    PushedCompletion,
    has_no_choices,
    text_of,
)
from .outcome import OutcomeOnly
from .state import ChatCompletionStreamState

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .._stream.tool_calls import PartialToolCall

__all__ = ["AsyncChatStream", "ChatParser", "ChatStream"]


def _has_text(chunk: types.ChatCompletionChunk) -> bool:
    return any(_delta_has_text(choice.delta) for choice in chunk.choices)


def _delta_has_text(delta: types.ChoiceDelta) -> bool:
    if delta.content or delta.refusal or delta.reasoning_text:
        return True
    for call in delta.tool_calls or ():
        if call.function is not None and (call.function.arguments or call.function.name):
            return True
        if call.custom is not None and (call.custom.input or call.custom.name):
            return True
    if delta.audio is not None and (delta.audio.data or delta.audio.transcript):
        return True
    return bool(delta.function_call and delta.function_call.arguments)


def turns_of(item: types.ChatCompletionChunk) -> str:
    """What a chunk says of where tool calls begin or end: their IDs and names, finish reasons."""
    said = ""
    for choice in item.choices:
        said += choice.finish_reason or ""
        for call in choice.delta.tool_calls or ():
            tool = call.function or call.custom
            said += (call.id or "") + ((tool and tool.name) or "")
    return said


def news_of(item: types.ChatCompletionChunk) -> str:
    """All that a chunk says of tool calls. Of most it is a piece of arguments and nothing else."""
    said = turns_of(item)
    for choice in item.choices:
        for call in choice.delta.tool_calls or ():
            said += (call.function and call.function.arguments) or ""
            said += (call.custom and call.custom.input) or ""
    return said


CHAT = API(
    chat_decoder,
    ChatCompletionStreamState,
    OutcomeOnly,
    has_text=_has_text,
    text_of=text_of,
    turns_of=turns_of,
    news_of=news_of,
    is_withheld=has_no_choices,
)


class ChatParser(PushedCompletion[types.ChatCompletionChunk, types.ChatCompletion]):
    """The chunks of a chat completion stream whose bytes are pushed: the machine without I/O.

        parser = ChatParser()
        for chunk in parser.feed(data):
            ...
        for chunk in parser.close():
            ...
        completion = parser.get_final_completion()

    It is to ``ChatStream`` what ``sseparse.Parser`` is to ``iter_events``. All that stream's
    options and attributes are here, and the rules of the end hold: a body that is no event
    stream, an ``error:`` line, an unterminated ``[DONE]``.

    Args:
        skip_empty: withhold chunks without choices; they count all the same.
        require_done: raise TruncatedStreamError from ``close()`` of a truncated stream.
        strict: raise ChunkDecodeError where a payload would have to be mended.
        accumulate: gather the final completion. Without it the parser keeps no content.
        clock: what tells the time, such as ``time.perf_counter``, to have ``timing``.
        **parser_options: see ``sseparse.Parser``.
    """

    _api = CHAT

    def iter_tool_calls(
        self, choice: int | None = None
    ) -> Iterator[types.ChatCompletionMessageToolCall]:
        """The tool calls that have become complete, those handed out before left out.

        Ask after each ``feed``, and after ``close``. See ``ChatStream.iter_tool_calls``.

        Args:
            choice: the index of the choice whose calls they are to be; None for all.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._complete_tool_calls(choice)

    def iter_partial_tool_calls(self, choice: int | None = None) -> Iterator[PartialToolCall]:
        """The tool calls that have grown since they were handed out here, as far as they have come.

        Ask after each ``feed``, and after ``close``. See ``ChatStream.iter_partial_tool_calls``.

        Args:
            choice: the index of the choice whose calls they are to be; None for all.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._partial_tool_calls(choice)


class ChatStream(PulledCompletion[types.ChatCompletionChunk, types.ChatCompletion]):
    """The chunks of a chat completion stream.

        stream = ChatStream(response, skip_empty=True)
        for chunk in stream:
            if chunk.choices[0].delta.content is not None:
                print(chunk.choices[0].delta.content, end="")
        completion = stream.get_final_completion()

    After an exception that concerns one payload (APIError, ChunkDecodeError) it may be
    read on, with ``next()`` or another loop.

    Args:
        source: an iterable of bytes, the response's body cut anywhere, such as
            ``response.iter_bytes()``; or a response of httpx, httpx2, requests, urllib3,
            niquests or aiohttp, which is read as it arrives and told of in errors.
        skip_empty: withhold chunks without choices, such as Azure's first one and the
            usage chunk at the end; they count all the same.
        require_done: raise TruncatedStreamError where the stream ends ``truncated``.
        strict: raise ChunkDecodeError where a payload would have to be mended.
        accumulate: gather the final completion. Without it the stream keeps no content.
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

    _api = CHAT

    def iter_tool_calls(
        self, choice: int | None = None
    ) -> Iterator[types.ChatCompletionMessageToolCall]:
        """The tool calls, each once and as soon as it is complete.

        A call whose arguments are a whole JSON object is complete when another call of its
        choice begins, when the choice has its finish reason, or at ``[DONE]``. Any other
        (without arguments, a custom tool's, not JSON) is so at the end of the stream, where
        the server has said that it is one: not with the finish reason "length", say. What a
        cut, an error or ``close()`` has left unfinished is never complete, and after an error
        nothing more is.

        No call comes twice, whichever iterator of the stream asks. Those that were complete
        before are not lost: they come first.

        Args:
            choice: the index of the choice whose calls they are to be; None for all.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: while iterating; what iterating over the stream raises, where it stands.
        """
        return self._complete_tool_calls(choice)

    def iter_partial_tool_calls(self, choice: int | None = None) -> Iterator[PartialToolCall]:
        """The tool calls as they grow: one each time that there is more of it.

        A call is the same object each time, which has its ``arguments`` so far and their
        ``value``; the last time it comes it is ``complete``, if it ever is. It takes time in
        proportion to the arguments, unless the caller keeps those of each time.

        Args:
            choice: the index of the choice whose calls they are to be; None for all.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: while iterating; what iterating over the stream raises, where it stands.
        """
        return self._partial_tool_calls(choice)


class AsyncChatStream(AsyncPulledCompletion[types.ChatCompletionChunk, types.ChatCompletion]):
    """The chunks of a chat completion stream, asynchronously; see ``ChatStream``."""

    _api = CHAT

    def iter_tool_calls(
        self, choice: int | None = None
    ) -> AsyncIterator[types.ChatCompletionMessageToolCall]:
        """The tool calls, each once it is complete; see ``ChatStream.iter_tool_calls``."""
        return self._complete_tool_calls(choice)

    def iter_partial_tool_calls(self, choice: int | None = None) -> AsyncIterator[PartialToolCall]:
        """The tool calls as they grow; see ``ChatStream.iter_partial_tool_calls``."""
        return self._partial_tool_calls(choice)
