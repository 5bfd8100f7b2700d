"""The streams of every API in one view; which API one is of, its payloads tell.

    stream = llm.Stream(response)
    for piece in stream.iter_pieces():
        if piece.kind == "text":
            print(piece.text, end="")
    print(stream.kind, stream.usage, stream.finish_reason)

The machine is that of every typed stream (``_stream/``), and what reads the payloads is the API's
own. Another API is a folder of its own, and a line in ``_APIS``.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Literal, overload

from ._encode import encode_event
from ._errors import NotAnEventStreamError, SSEError
from ._stream.errors import (
    APIError,
    ChunkDecodeError,
    TruncatedStreamError,
    UnexpectedAPIError,
)
from ._stream.forms import AsyncPulled, FinalT, ObjectT, Pulled, Pushed
from ._stream.loops import AsyncTexts, Texts
from ._stream.pieces import AsyncPieces, Pieces, WholePieces
from ._stream.reports import is_fine
from ._stream.timing import Timing
from ._stream.tool_calls import AsyncFound, Found
from ._stream.undecided import AnyAPI
from ._stream.view import Kind, Piece, PieceKind, ToolCall, Usage
from ._stream.viewed import ViewedForm, neutral_calls
from .anthropic.view import VIEWED_MESSAGES
from .google.view import VIEWED_CONTENT
from .openai.responses_view import VIEWED_RESPONSES
from .openai.view import VIEWED_CHAT, VIEWED_COMPLETIONS

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

    from typing_extensions import Buffer, Unpack

    from . import Event
    from ._stream.forms import StreamOptions
    from ._stream.sources import AsyncResponse, SyncResponse
    from ._stream.view import ViewedAPI
    from .anthropic import Message, MessageStreamEvent
    from .google import GenerateContentResponse
    from .openai import (
        ChatCompletion,
        ChatCompletionChunk,
        Completion,
        Response,
        ResponseStreamEvent,
    )

__all__ = [
    "DONE",
    "APIError",
    "AsyncStream",
    "ChunkDecodeError",
    "Kind",
    "NotAnEventStreamError",
    "Piece",
    "PieceKind",
    "SSEError",
    "Stream",
    "StreamParser",
    "Timing",
    "ToolCall",
    "TruncatedStreamError",
    "UnexpectedAPIError",
    "Usage",
    "encode_error",
]

_APIS: dict[str, ViewedAPI] = {
    viewed.kind: viewed
    for viewed in (
        VIEWED_CHAT,
        VIEWED_COMPLETIONS,
        VIEWED_RESPONSES,
        VIEWED_MESSAGES,
        VIEWED_CONTENT,
    )
}

DONE = b"data: [DONE]\n\n"
"""What ends a stream of chat completions and of legacy completions, errors included.

The other APIs have no such event: their last one says that it is the last (Responses, Messages), or
there is none (Gemini). A client of theirs that is sent this may call it an error.
"""


def encode_error(
    kind: Kind, message: str, *, code: str | int | None = None, type: str | None = None
) -> bytes:
    """The event by which a stream of an API says that something has failed, for gateways.

    The streams of this library raise an APIError for it that has these three; so does the
    API's official package, where it knows errors in a stream. Behind it a chat or a legacy stream
    still ends with ``DONE``.

    Args:
        kind: the API.
        message: what has failed, for people.
        code: which error it is, where that has a code. Gemini has an HTTP status for it, 500 if
            there is none here.
        type: its kind of error. Messages has "api_error" and Gemini a word that fits the code where
            there is none here.

    Raises:
        ValueError: there is no such kind; or a message that says nothing, or that all is well.
    """
    if is_fine({"message": message}, False):
        raise ValueError(f"message must say what has failed, not {message!r}")
    name, payload = _api_of(kind).error_payload(message, code, type)
    return encode_event(json.dumps(payload, ensure_ascii=False), event=name)


def _api_of(kind: str) -> ViewedAPI:
    if kind not in _APIS:
        raise ValueError(f"kind must be one of {', '.join(map(repr, _APIS))}, not {kind!r}")
    return _APIS[kind]


def _any_api(kind: str | None) -> AnyAPI:
    return AnyAPI(_APIS, None if kind is None else _api_of(kind).kind)


class StreamParser(ViewedForm, Pushed[ObjectT, Usage, FinalT]):
    """The events of a stream of any API whose bytes are pushed: the machine without I/O.

        parser = StreamParser()
        for event in parser.feed(data):
            ...
        for event in parser.close():
            ...

    All options and attributes of ``Stream`` are here, but for those that read.

    Args:
        kind: the API; None where its payloads are to tell.
        require_done: raise TruncatedStreamError from ``close()`` of a truncated stream.
        strict: raise ChunkDecodeError where a payload would have to be mended.
        accumulate: gather the answer. Without it the parser keeps no content.
        clock: what tells the time, such as ``time.perf_counter``, to have ``timing``.
        **parser_options: see ``sseparse.Parser``.

    Raises:
        ValueError: there is no such kind.
    """

    @overload
    def __init__(
        self: StreamParser[ChatCompletionChunk, ChatCompletion],
        *,
        kind: Literal["chat"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: StreamParser[Completion, Completion],
        *,
        kind: Literal["completions"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: StreamParser[ResponseStreamEvent, Response],
        *,
        kind: Literal["responses"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: StreamParser[MessageStreamEvent, Message],
        *,
        kind: Literal["messages"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: StreamParser[GenerateContentResponse, GenerateContentResponse],
        *,
        kind: Literal["gemini"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: StreamParser[Any, Any],
        *,
        kind: Kind | None = None,
        **options: Unpack[StreamOptions],
    ) -> None: ...
    def __init__(self, *, kind: str | None = None, **options: Any) -> None:
        self._any = _any_api(kind)
        self._api = self._any.api
        super().__init__(**options)
        self._pieces = WholePieces(self._any.viewed.pieces_of)
        self._latest: list[ObjectT] = []

    def feed(self, data: Buffer) -> list[ObjectT]:
        """Take the next bytes; return the events that they complete.

        As long as it is not known which API they are of, there are none. What came before an
        error is returned, and the error comes from the next call, which takes its bytes all the
        same. After an error that concerns one payload (APIError, ChunkDecodeError) it goes on.

        Args:
            data: bytes of the response's body, cut anywhere.

        Raises:
            SSEError: what iterating over the stream raises; see there.
            ParserClosedError: after ``close()``.
            TypeError: ``data`` is not bytes.
        """
        self._latest = []
        self._latest = super().feed(data)
        return self._latest

    def feed_event(self, event: Event) -> list[ObjectT]:
        """Take an event that the caller's own ``Parser`` has made; as ``feed``.

        Use one of the two for a stream, not both.
        """
        self._latest = []
        self._latest = super().feed_event(event)
        return self._latest

    def close(self) -> list[ObjectT]:
        """The stream has ended; return what its end completes.

        Where it raises it may be called again, and gives what is left. Closing twice is
        harmless.

        Raises:
            SSEError: what the end of the stream raises, UnexpectedAPIError and
                TruncatedStreamError among them.
        """
        self._latest = []
        self._latest = super().close()
        return self._latest

    def iter_pieces(self) -> Iterator[Piece]:
        """The pieces of the events that were returned last, each once.

        Ask after each ``feed``, and after ``close``. See ``Stream.iter_pieces``.
        """
        found: list[Piece] = []
        latest, self._latest = self._latest, []
        for event in latest:
            found += self._pieces.of(event)
        if self._reader.ended:
            found += self._pieces.rest()
        return iter(found)

    def iter_tool_calls(self) -> Iterator[ToolCall]:
        """The tool calls that are done, those handed out before left out.

        Ask after each ``feed``, and after ``close``. See ``Stream.iter_tool_calls``.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return iter(neutral_calls(self._watch().next_done, self._any.viewed), None)

    def iter_partial_tool_calls(self) -> Iterator[ToolCall]:
        """The tool calls that have grown since they were handed out here, as far as they have come.

        Ask after each ``feed``, and after ``close``. See ``Stream.iter_partial_tool_calls``.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return iter(neutral_calls(self._watch().next_changed, self._any.viewed), None)

    def get_final(self) -> FinalT:
        """The API's own final object, of what has come; None where no API is known yet.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._final()


class Stream(ViewedForm, Pulled[ObjectT, Usage, FinalT]):
    """The events of a stream of any API, and one view of what they come to.

        stream = Stream(response)
        for piece in stream.iter_pieces():
            if piece.kind == "text":
                print(piece.text, end="")

    Iterating over it gives the API's own typed events, just as the API's own stream does:
    ``ChatStream`` and the others. After an exception that concerns one payload (APIError,
    ChunkDecodeError) it may be read on, with ``next()`` or another loop.

    Args:
        source: an iterable of bytes, the response's body cut anywhere, such as
            ``response.iter_bytes()``; or a response of httpx, httpx2, requests, urllib3,
            niquests or aiohttp, which is read as it arrives and told of in errors.
        kind: the API: "chat", "completions", "responses", "messages" or "gemini". None where its
            payloads are to tell; most often the first one does.
        require_done: raise TruncatedStreamError where the stream ends ``truncated``.
        strict: raise ChunkDecodeError where a payload would have to be mended.
        accumulate: gather the answer. Without it the stream keeps no content; pieces, usage
            and finish reason are there all the same.
        clock: what tells the time, such as ``time.perf_counter``, to have ``timing``.
        **parser_options: see ``sseparse.Parser``.

    Raises:
        ValueError: there is no such kind.
        TypeError: ``source`` is no iterable of bytes, or an option has a wrong type.
        UnexpectedAPIError: while iterating; no API that is known here, by eight payloads or all
            of them, or not that of ``kind``.
        APIError: while iterating; the server reported an error, in the stream or instead of it.
        ChunkDecodeError: while iterating; an event cannot be read.
        NotAnEventStreamError: while iterating; the response is something else: a web page, say.
        TruncatedStreamError: at the end; see ``require_done``.
        EventTooLargeError: while iterating; see ``sseparse.Parser``.
        Exception: while iterating, whatever ``source`` raises, unchanged.
    """

    @overload
    def __init__(
        self: Stream[ChatCompletionChunk, ChatCompletion],
        source: Iterable[Buffer] | SyncResponse,
        *,
        kind: Literal["chat"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: Stream[Completion, Completion],
        source: Iterable[Buffer] | SyncResponse,
        *,
        kind: Literal["completions"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: Stream[ResponseStreamEvent, Response],
        source: Iterable[Buffer] | SyncResponse,
        *,
        kind: Literal["responses"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: Stream[MessageStreamEvent, Message],
        source: Iterable[Buffer] | SyncResponse,
        *,
        kind: Literal["messages"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: Stream[GenerateContentResponse, GenerateContentResponse],
        source: Iterable[Buffer] | SyncResponse,
        *,
        kind: Literal["gemini"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: Stream[Any, Any],
        source: Iterable[Buffer] | SyncResponse,
        *,
        kind: Kind | None = None,
        **options: Unpack[StreamOptions],
    ) -> None: ...
    def __init__(
        self, source: Iterable[Buffer] | SyncResponse, *, kind: str | None = None, **options: Any
    ) -> None:
        self._any = _any_api(kind)
        self._api = self._any.api
        super().__init__(source, **options)

    def iter_pieces(self) -> Iterator[Piece]:
        """The pieces of the answer as they come, in the order in which they come.

        Joined, the pieces of a kind are ``text``, ``reasoning`` and ``refusal``, those of
        "tool_input" with one index the arguments of that call. A call begins with a "tool_call",
        which has its name; where that itself comes in pieces there are more of them. What a
        server says once more as a whole is not told twice. Calls of tools that the server runs
        itself are left out, and of several choices or candidates all but the first.

        They are made of the events that are still to come: whoever wants all of them asks from
        the beginning.

        Raises:
            SSEError: while iterating; what iterating over the stream raises, where it stands.
        """
        return Pieces(self._objects, self._any.viewed.pieces_of)

    def iter_text(self) -> Iterator[str]:
        """The pieces of the text as they come, empty ones left out."""
        return Texts(self._reading, self._any.viewed.text_of)

    def iter_tool_calls(self) -> Iterator[ToolCall]:
        """The tool calls, each once and as soon as it is done.

        When that is, is said with the API's own stream: see ``ChatStream.iter_tool_calls`` and
        its siblings. What a cut, an error or ``close()`` has left unfinished never is.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: while iterating; what iterating over the stream raises, where it stands.
        """
        viewed = self._any.viewed
        return Found(self._reading, viewed.turns_of, neutral_calls(self._watch().next_done, viewed))

    def iter_partial_tool_calls(self) -> Iterator[ToolCall]:
        """The tool calls as they grow: one each time that there is more of it.

        Each has the arguments so far, as a text of its own; where they are long,
        ``iter_pieces`` gives no more than what is new.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: while iterating; what iterating over the stream raises, where it stands.
        """
        viewed = self._any.viewed
        return Found(
            self._reading, viewed.news_of, neutral_calls(self._watch().next_changed, viewed)
        )

    def get_final(self) -> FinalT:
        """Read the stream to its end; return the API's own final object.

        Of a stream that is ``truncated`` it is what came; ``require_done=True`` makes that an
        error. It is None where the stream ended before any API was known: it was empty, say.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: whatever reading the stream on raises.
        """
        return self._read_final()


class AsyncStream(ViewedForm, AsyncPulled[ObjectT, Usage, FinalT]):
    """The events of a stream of any API, asynchronously; see ``Stream``."""

    @overload
    def __init__(
        self: AsyncStream[ChatCompletionChunk, ChatCompletion],
        source: AsyncIterable[Buffer] | AsyncResponse,
        *,
        kind: Literal["chat"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: AsyncStream[Completion, Completion],
        source: AsyncIterable[Buffer] | AsyncResponse,
        *,
        kind: Literal["completions"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: AsyncStream[ResponseStreamEvent, Response],
        source: AsyncIterable[Buffer] | AsyncResponse,
        *,
        kind: Literal["responses"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: AsyncStream[MessageStreamEvent, Message],
        source: AsyncIterable[Buffer] | AsyncResponse,
        *,
        kind: Literal["messages"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: AsyncStream[GenerateContentResponse, GenerateContentResponse],
        source: AsyncIterable[Buffer] | AsyncResponse,
        *,
        kind: Literal["gemini"],
        **options: Unpack[StreamOptions],
    ) -> None: ...
    @overload
    def __init__(
        self: AsyncStream[Any, Any],
        source: AsyncIterable[Buffer] | AsyncResponse,
        *,
        kind: Kind | None = None,
        **options: Unpack[StreamOptions],
    ) -> None: ...
    def __init__(
        self,
        source: AsyncIterable[Buffer] | AsyncResponse,
        *,
        kind: str | None = None,
        **options: Any,
    ) -> None:
        self._any = _any_api(kind)
        self._api = self._any.api
        super().__init__(source, **options)

    def iter_pieces(self) -> AsyncIterator[Piece]:
        """The pieces of the answer as they come; see ``Stream.iter_pieces``."""
        return AsyncPieces(self._objects, self._any.viewed.pieces_of)

    def iter_text(self) -> AsyncIterator[str]:
        """The pieces of the text as they come, empty ones left out."""
        return AsyncTexts(self._reading, self._any.viewed.text_of)

    def iter_tool_calls(self) -> AsyncIterator[ToolCall]:
        """The tool calls, each once and as soon as it is done; see ``Stream.iter_tool_calls``."""
        viewed = self._any.viewed
        return AsyncFound(
            self._reading, viewed.turns_of, neutral_calls(self._watch().next_done, viewed)
        )

    def iter_partial_tool_calls(self) -> AsyncIterator[ToolCall]:
        """The tool calls as they grow; see ``Stream.iter_partial_tool_calls``."""
        viewed = self._any.viewed
        return AsyncFound(
            self._reading, viewed.news_of, neutral_calls(self._watch().next_changed, viewed)
        )

    async def get_final(self) -> FinalT:
        """Read the stream to its end; return its final object; see ``Stream.get_final``."""
        return await self._read_final()
