"""Streams: bytes of a response in, typed chunks out, and what they come to in the end.

What happens again and again, once a read and once a chunk, is in ``_loop.py``. Here is what
a stream is made of, what it says of itself, and how it ends.

An event is decoded, and folded into the state, when its chunk is handed out and not
before. So what the stream says of itself is never ahead of its caller, and an error comes
just where it stands in the stream.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .. import Event, Parser
from .._errors import NotAnEventStreamError, TruncatedStreamError
from ..http import (
    aclose_response,
    aiter_response_bytes,
    close_response,
    is_response,
    iter_response_bytes,
    not_an_event_stream,
)
from . import types
from ._loop import AsyncChunkIterator, ChunkIterator, ChunkLoop
from .decode import ChunkDecoder, CompletionDecoder, parse_payload, reports_error
from .state import ChatCompletionStreamState, CompletionStreamState
from .stray import StrayLines
from .timing import Timing
from .views import AsyncMapped, Mapped, PartialJSON, text_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
    from types import TracebackType

    from typing_extensions import Buffer, Self, Unpack

    from .._iterate import ParserOptions

    class StreamOptions(ParserOptions, total=False):
        """The options of every stream: its own and the parser's."""

        skip_empty: bool
        require_done: bool
        strict: bool
        accumulate: bool
        clock: Callable[[], float] | None


__all__ = ["AsyncChatStream", "AsyncCompletionStream", "ChatStream", "CompletionStream"]

ChunkT = TypeVar("ChunkT", types.ChatCompletionChunk, types.Completion)
FinalT = TypeVar("FinalT", types.ChatCompletion, types.Completion)


class _Stream(ChunkLoop, Generic[ChunkT, FinalT]):
    """Everything about a stream but the reading, and what happens once a chunk.

    Attributes:
        timing: the arrival times, where a ``clock`` was given; else None.
    """

    timing: Timing | None

    # Set by the two kinds of stream.
    _decoder_class: Any
    _state_class: Any
    _whole_object: str  # the ``object`` of a response that was not streamed after all

    def __init__(
        self,
        response: Any = None,
        *,
        skip_empty: bool = False,
        require_done: bool = False,
        strict: bool = False,
        accumulate: bool = True,
        clock: Callable[[], float] | None = None,
        **parser_options: Unpack[ParserOptions],
    ) -> None:
        if clock is not None and not callable(clock):
            raise TypeError(f"clock must be callable or None, not {type(clock).__name__}")
        stray = StrayLines(
            parser_options.pop("on_ignored_line", None),
            parser_options.get("max_event_size", 16 * 2**20),
        )
        parser_options["on_ignored_line"] = stray.note
        self._response = response  # where the source is one
        self._require_done = require_done
        parser = Parser(**parser_options)
        ChunkLoop.__init__(
            self,
            parser,
            stray,
            self._decoder_class(strict=strict),
            self._state_class(),
            accumulate,
            None if clock is None else Timing(clock),
            skip_empty,
        )

    # What the caller may ask at any time.

    @property
    def done(self) -> bool:
        """Whether ``[DONE]`` has been reached."""
        return bool(self._decoder.done)

    @property
    def truncated(self) -> bool:
        """Whether it ended with neither ``[DONE]`` nor a finish reason for every choice.

        False as long as the stream goes on; it has ended, too, after ``close()`` in the
        middle of it, and when its source has raised an exception.
        """
        if not (self._ended or self._source_failed) or self.done:
            return False
        return not self._state.finished

    @property
    def usage(self) -> types.CompletionUsage | None:
        """The last usage that the server has sent; None where it has sent none."""
        usage: types.CompletionUsage | None = self._state.usage
        return usage

    @property
    def finish_reason(self) -> str | None:
        """The finish reason of the first choice; None as long as it has none."""
        finish_reason: str | None = self._state.finish_reason
        return finish_reason

    @property
    def current_completion_snapshot(self) -> FinalT:
        """The completion, of the chunks handed out so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        self._check_accumulate()
        snapshot: FinalT = self._state.current_completion_snapshot
        return snapshot

    @property
    def last_event_id(self) -> str:
        """The last event ID that the server has set."""
        last_event_id: str = self._parser.last_event_id
        return last_event_id

    def _set_events(self, events: list[Event]) -> None:
        self._events = events
        self._position = 0

    def _check_accumulate(self) -> None:
        if not self._accumulate:
            raise RuntimeError("this stream keeps no completion: it has accumulate=False")

    def _final_completion(self) -> FinalT:
        completion = self.current_completion_snapshot
        if self.done:
            # OpenAI's own audio streams, among others, end in [DONE] and give no reason.
            for choice in completion.choices:
                if choice.finish_reason is None:
                    choice.finish_reason = _implied_finish_reason(choice)
        return completion

    # How it ends.

    def _end(self) -> None:
        """The source has ended."""
        self._input_ended = True
        # By the standard an event without its blank line is discarded. But servers do
        # leave out the last one, so a payload counts if it is whole.
        events = self._parser.close(dispatch_incomplete=True)
        if self._parser.truncated and events and not _is_whole(events[-1]):
            events.pop()
        events = self._stray.take_errors() + events
        if not events and self._stray.body is not None:
            events = self._read_body("\n".join(self._stray.body))
        self._stray.body = None
        self._set_events(events)

    def _read_body(self, body: str) -> list[Event]:
        """The body of a response that is no event stream: one payload, if that."""
        # Cut in the first word, or in a BOM, it may have been one.
        is_cut = any(word.startswith(body) for word in ("data", "event", "id", "retry", "\ufffd"))
        if (is_cut or not body.strip()) and not self._has_failed_status():
            return []
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict) and (
            reports_error(value) or value.get("object") == self._whole_object
        ):
            return [Event(data=body)]
        raise self._no_event_stream(body)

    def _has_failed_status(self) -> bool:
        if self._response is None:
            return False
        status = not_an_event_stream(self._response, b"").status
        return status is not None and not 200 <= status <= 299

    def _no_event_stream(self, body: str) -> NotAnEventStreamError:
        self._stop()
        beginning = body[:2000].encode("utf-8", "replace")
        if self._response is None:
            return NotAnEventStreamError(beginning)
        return not_an_event_stream(self._response, beginning)

    def _finish(self) -> None:
        self._ended = True
        if self._require_done and self.truncated:
            raise TruncatedStreamError()

    def _stop(self) -> None:
        """End it here, handing out nothing more."""
        self._set_events([])
        self._pieces = None
        self._slow_chunks = None
        self._parser_is_due = False
        self._input_ended = self._ended = True


class _SyncStream(_Stream[ChunkT, FinalT], ChunkIterator):
    """The loop that reads an iterable of bytes."""

    def __init__(self, source: Iterable[Buffer] | Any, **options: Unpack[StreamOptions]) -> None:
        self._chunks: Iterator[Any]
        # First of all: many responses are iterable, too, but wait for a buffer to fill.
        if is_response(source):
            super().__init__(source, **options)
            self._chunks = iter_response_bytes(source)
        else:
            super().__init__(**options)
            _check_source(source, "__iter__")
            self._chunks = iter(source)
        self._source = source

    if TYPE_CHECKING:

        def __iter__(self) -> Self: ...

        def __next__(self) -> ChunkT: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Read no more, and close the source, where it can be closed."""
        self._stop()
        if self._response is not None:
            close_response(self._response)
            return
        for source in (self._chunks, self._source):
            close = getattr(source, "close", None)
            if close is not None:
                close()

    def until_done(self) -> Self:
        """Read the stream to its end."""
        self._fold_at_hand()
        for _ in self:
            self._fold_at_hand()
        return self

    def get_final_completion(self) -> FinalT:
        """Read the stream to its end; return what the call without streaming returns.

        Of a stream that is ``truncated`` it is what came; ``require_done=True`` makes
        that an error. Where the stream ended in ``[DONE]`` a choice without a finish
        reason has "stop" here, or "tool_calls" if it has those.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: whatever reading the stream on raises.
        """
        self._check_accumulate()
        return self.until_done()._final_completion()

    def iter_text(self, choice: int = 0) -> Iterator[str]:
        """The pieces of a choice's text as they come, empty ones left out."""
        return Mapped(self, partial(text_of, choice))

    def iter_partial_json(self, choice: int = 0) -> Iterator[Any]:
        """The value of a choice's JSON text, as far as it is known, each time more of it comes.

        Each piece of text parses the text so far once more. Strings may be unfinished.

        Raises:
            ImportError: jiter is missing; ``pip install "sseparse[json]"`` installs it.
            ValueError: while iterating, where the text is no JSON.
        """
        return Mapped(self, PartialJSON(choice))


class _AsyncStream(_Stream[ChunkT, FinalT], AsyncChunkIterator):
    """The loop that reads an asynchronous iterable of bytes."""

    def __init__(
        self, source: AsyncIterable[Buffer] | Any, **options: Unpack[StreamOptions]
    ) -> None:
        self._chunks: AsyncIterator[Any]
        if is_response(source):
            super().__init__(source, **options)
            self._chunks = aiter_response_bytes(source)
        else:
            super().__init__(**options)
            _check_source(source, "__aiter__")
            self._chunks = source.__aiter__()
        self._source = source

    if TYPE_CHECKING:

        def __aiter__(self) -> Self: ...

        async def __anext__(self) -> ChunkT: ...

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Read no more, and close the source, where it can be closed."""
        self._stop()
        if self._response is not None:
            await aclose_response(self._response)
            return
        for source in (self._chunks, self._source):
            close = getattr(source, "aclose", None) or getattr(source, "close", None)
            if close is not None:
                closing = close()
                if hasattr(closing, "__await__"):
                    await closing

    async def until_done(self) -> Self:
        """Read the stream to its end."""
        self._fold_at_hand()
        async for _ in self:
            self._fold_at_hand()
        return self

    async def get_final_completion(self) -> FinalT:
        """Read the stream to its end; return what the call without streaming returns.

        See ``ChatStream.get_final_completion``.
        """
        self._check_accumulate()
        return (await self.until_done())._final_completion()

    def iter_text(self, choice: int = 0) -> AsyncIterator[str]:
        """The pieces of a choice's text as they come, empty ones left out."""
        return AsyncMapped(self, partial(text_of, choice))

    def iter_partial_json(self, choice: int = 0) -> AsyncIterator[Any]:
        """The value of a choice's JSON text as far as it is known.

        See ``ChatStream.iter_partial_json``.
        """
        return AsyncMapped(self, PartialJSON(choice))


class _ChatKind:
    _decoder_class = ChunkDecoder
    _state_class = ChatCompletionStreamState
    _whole_object = "chat.completion"


class _CompletionKind:
    _decoder_class = CompletionDecoder
    _state_class = CompletionStreamState
    _whole_object = "text_completion"


class ChatStream(_ChatKind, _SyncStream[types.ChatCompletionChunk, types.ChatCompletion]):
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
        TruncatedStreamError: at the end; see ``require_done``.
        EventTooLargeError: while iterating; see ``sseparse.Parser``.
        Exception: while iterating, whatever ``source`` raises, unchanged.
    """


class AsyncChatStream(_ChatKind, _AsyncStream[types.ChatCompletionChunk, types.ChatCompletion]):
    """The chunks of a chat completion stream, asynchronously; see ``ChatStream``."""


class CompletionStream(_CompletionKind, _SyncStream[types.Completion, types.Completion]):
    """The chunks of a legacy ``text_completion`` stream; see ``ChatStream``."""


class AsyncCompletionStream(_CompletionKind, _AsyncStream[types.Completion, types.Completion]):
    """The chunks of a legacy stream, asynchronously; see ``ChatStream``."""


def _implied_finish_reason(choice: Any) -> str:
    message = getattr(choice, "message", None)
    if message is not None and message.tool_calls:
        return "tool_calls"
    return "function_call" if message is not None and message.function_call else "stop"


def _is_whole(event: Event) -> bool:
    """Whether an unterminated event says all that it had to."""
    if event.data.strip() == "[DONE]":
        return True
    try:
        return bool(list(parse_payload(event.data_bytes)))
    except (ValueError, RecursionError):
        return False


def _check_source(source: object, method: str) -> None:
    """Say at once, and to the point, what would fail later."""
    if isinstance(source, (str, bytes, bytearray, memoryview)):
        raise TypeError(
            f"source must be an iterable of bytes chunks, not {type(source).__name__} itself; "
            f"a list of one chunk will do"
        )
    if hasattr(source, method):
        return
    name = type(source).__name__
    if method == "__iter__" and hasattr(source, "__aiter__"):
        hint = "it is asynchronous, so use the Async class"
    elif method == "__aiter__" and hasattr(source, "__iter__"):
        hint = "it is not asynchronous, so use the class without Async"
    elif hasattr(source, "iter_bytes"):
        hint = f"give it response.{'iter_bytes' if method == '__iter__' else 'aiter_bytes'}()"
    else:
        hint = "give it the bytes of a response's body as they are read"
    kind = "an iterable" if method == "__iter__" else "an asynchronous iterable"
    raise TypeError(f"source must be {kind} of bytes, not {name}; {hint}")
