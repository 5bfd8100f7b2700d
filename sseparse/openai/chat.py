"""Streams of chat completions: ``chat.completion.chunk`` objects, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import types
from .decode import chat_decoder
from .forms import AsyncPulledCompletion, PulledCompletion, PushedCompletion
from .state import ChatCompletionStreamState, Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from typing_extensions import Buffer, Unpack

    from .._stream.decode import PayloadDecoder
    from .._stream.sources import AsyncResponse, SyncResponse
    from .forms import CompletionOptions

__all__ = ["AsyncChatStream", "ChatParser", "ChatStream"]


class _ChatAPI:
    """What the machine has to know of chat completions."""

    def make_decoder(self, strict: bool) -> PayloadDecoder:
        return chat_decoder(strict)

    def make_state(self, accumulate: bool) -> ChatCompletionStreamState | Outcome:
        return ChatCompletionStreamState() if accumulate else Outcome()

    def has_text(self, item: types.ChatCompletionChunk) -> bool:
        return any(_has_text(choice.delta) for choice in item.choices)

    def is_withheld(self, item: types.ChatCompletionChunk) -> bool:
        return not item.choices


def _has_text(delta: types.ChoiceDelta) -> bool:
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

    _api = _ChatAPI()

    def __init__(self, **options: Unpack[CompletionOptions]) -> None:
        super().__init__(**options)


class ChatStream(PulledCompletion[types.ChatCompletionChunk, types.ChatCompletion]):
    """The chunks of a chat completion stream.

        stream = ChatStream(response)
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

    _api = _ChatAPI()

    def __init__(
        self, source: Iterable[Buffer] | SyncResponse, **options: Unpack[CompletionOptions]
    ) -> None:
        super().__init__(source, **options)


class AsyncChatStream(AsyncPulledCompletion[types.ChatCompletionChunk, types.ChatCompletion]):
    """The chunks of a chat completion stream, asynchronously; see ``ChatStream``."""

    _api = _ChatAPI()

    def __init__(
        self, source: AsyncIterable[Buffer] | AsyncResponse, **options: Unpack[CompletionOptions]
    ) -> None:
        super().__init__(source, **options)
