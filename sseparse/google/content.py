"""Streams of Gemini's generateContent: responses, and the one that they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream.forms import API, AsyncPulled, Pulled, Pushed
from . import types
from .decode import content_decoder
from .state import ContentOutcome, GenerateContentStreamState, index_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .._stream.tool_calls import PartialToolCall

__all__ = ["AsyncGenerateContentStream", "GenerateContentParser", "GenerateContentStream"]


def _has_text(chunk: types.GenerateContentResponse) -> bool:
    return any(map(_candidate_has_text, chunk.candidates))


def _candidate_has_text(candidate: types.Candidate) -> bool:
    if candidate.content is None:
        return False
    return any(
        part.text or part.function_call or part.inline_data or part.executable_code
        for part in candidate.content.parts
    )


def text_of(index: int, chunk: types.GenerateContentResponse) -> str:
    text = ""
    for position, candidate in enumerate(chunk.candidates):
        if candidate.content is not None and index_of(candidate, position) == index:
            for part in candidate.content.parts:
                if part.text and not part.thought:
                    text += part.text
    return text


def turns_of(chunk: types.GenerateContentResponse) -> str:
    """Whether a response says anything of function calls."""
    for candidate in chunk.candidates:
        if candidate.content is not None:
            for part in candidate.content.parts:
                if part.function_call is not None:
                    return "calls"
    return ""


GENERATE_CONTENT = API(
    content_decoder,
    GenerateContentStreamState,
    ContentOutcome,
    has_text=_has_text,
    text_of=text_of,
    turns_of=turns_of,
    news_of=turns_of,
)


class GenerateContentParser(
    Pushed[
        types.GenerateContentResponse,
        types.GenerateContentResponseUsageMetadata,
        types.GenerateContentResponse,
    ]
):
    """The responses of a Gemini stream whose bytes are pushed: the machine without I/O.

        parser = GenerateContentParser()
        for chunk in parser.feed(data):
            ...
        for chunk in parser.close():
            ...
        response = parser.get_final_response()

    All options and attributes of ``GenerateContentStream`` are here, but for those that read.

    Args:
        require_done: raise TruncatedStreamError from ``close()`` of a truncated stream.
        strict: raise ChunkDecodeError where a payload would have to be mended.
        accumulate: gather the final response. Without it the parser keeps no content.
        clock: what tells the time, such as ``time.perf_counter``, to have ``timing``.
        **parser_options: see ``sseparse.Parser``.
    """

    _api = GENERATE_CONTENT

    @property
    def current_response_snapshot(self) -> types.GenerateContentResponse:
        """The response, of the pieces returned so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._snapshot()

    def get_final_response(self) -> types.GenerateContentResponse:
        """What the call without streaming returns, of what has come; see ``GenerateContentStream``.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._final()

    def iter_tool_calls(self, candidate: int | None = None) -> Iterator[types.FunctionCall]:
        """The tool calls that have become complete, those handed out before left out.

        Ask after each ``feed``, and after ``close``. See ``GenerateContentStream.iter_tool_calls``.

        Args:
            candidate: the index of the candidate whose calls they are to be; None for all.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._complete_tool_calls(candidate)

    def iter_partial_tool_calls(self, candidate: int | None = None) -> Iterator[PartialToolCall]:
        """The tool calls that have grown since they were handed out here, as far as they have come.

        Ask after each ``feed``, and after ``close``; see the method of ``GenerateContentStream``.

        Args:
            candidate: the index of the candidate whose calls they are to be; None for all.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._partial_tool_calls(candidate)


class GenerateContentStream(
    Pulled[
        types.GenerateContentResponse,
        types.GenerateContentResponseUsageMetadata,
        types.GenerateContentResponse,
    ]
):
    """The responses of a Gemini stream.

        stream = GenerateContentStream(response)
        for chunk in stream:
            print(chunk.text, end="")
        response = stream.get_final_response()

    Ask the server for ``alt=sse``: without it, its answer is no event stream. After an
    exception that concerns one payload (APIError, ChunkDecodeError) it may be read on, with
    ``next()`` or another loop.

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
        ChunkDecodeError: while iterating; a payload cannot be read.
        NotAnEventStreamError: while iterating; the response is something else: a web page, say.
        UnexpectedAPIError: while iterating; the stream is of another API, and names it.
        TruncatedStreamError: at the end; see ``require_done``.
        EventTooLargeError: while iterating; see ``sseparse.Parser``.
        Exception: while iterating, whatever ``source`` raises, unchanged.
    """

    _api = GENERATE_CONTENT

    @property
    def current_response_snapshot(self) -> types.GenerateContentResponse:
        """The response, of the pieces handed out so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._snapshot()

    def get_final_response(self) -> types.GenerateContentResponse:
        """Read the stream to its end; return what the call without streaming returns.

        Of a stream that is ``truncated`` it is what came; ``require_done=True`` makes
        that an error.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: whatever reading the stream on raises.
        """
        return self._read_final()

    def iter_text(self, candidate: int = 0) -> Iterator[str]:
        """The pieces of a candidate's text as they come, without thoughts and empty ones."""
        return self._texts(candidate)

    def iter_partial_json(self, candidate: int = 0) -> Iterator[Any]:
        """The value of a candidate's text, as far as it is known, each time more of it shows.

        It is that of a ``sseparse.partial_json.PartialJSON``: the same lists and dicts each time,
        which grow. Whether the text has come whole this does not tell.

        Raises:
            PartialJSONError: while iterating, where the text is no JSON, and from then on;
                what came before is yielded first.
        """
        return self._partial_values(candidate)

    def iter_tool_calls(self, candidate: int | None = None) -> Iterator[types.FunctionCall]:
        """The tool calls, each once and as soon as it is complete.

        Most come whole, and are complete at once. What a cut, an error or ``close()`` has left
        unfinished is never complete.

        Args:
            candidate: the index of the candidate whose calls they are to be; None for all.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: while iterating; what iterating over the stream raises, where it stands.
        """
        return self._complete_tool_calls(candidate)

    def iter_partial_tool_calls(self, candidate: int | None = None) -> Iterator[PartialToolCall]:
        """The tool calls as they grow: one each time that there is more of it.

        A call is the same object each time, which has its ``arguments`` so far and their
        ``value``; the last time it comes it is ``complete``, if it ever is.

        Args:
            candidate: the index of the candidate whose calls they are to be; None for all.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: while iterating; what iterating over the stream raises, where it stands.
        """
        return self._partial_tool_calls(candidate)


class AsyncGenerateContentStream(
    AsyncPulled[
        types.GenerateContentResponse,
        types.GenerateContentResponseUsageMetadata,
        types.GenerateContentResponse,
    ]
):
    """The responses of a Gemini stream, asynchronously; see ``GenerateContentStream``."""

    _api = GENERATE_CONTENT

    @property
    def current_response_snapshot(self) -> types.GenerateContentResponse:
        """The response, of the pieces handed out so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._snapshot()

    async def get_final_response(self) -> types.GenerateContentResponse:
        """Read the stream to its end; see ``GenerateContentStream.get_final_response``."""
        return await self._read_final()

    def iter_text(self, candidate: int = 0) -> AsyncIterator[str]:
        """The pieces of a candidate's text as they come, without thoughts and empty ones."""
        return self._texts(candidate)

    def iter_partial_json(self, candidate: int = 0) -> AsyncIterator[Any]:
        """The value of a candidate's text; see ``GenerateContentStream.iter_partial_json``."""
        return self._partial_values(candidate)

    def iter_tool_calls(self, candidate: int | None = None) -> AsyncIterator[types.FunctionCall]:
        """The tool calls when complete; see ``GenerateContentStream.iter_tool_calls``."""
        return self._complete_tool_calls(candidate)

    def iter_partial_tool_calls(
        self, candidate: int | None = None
    ) -> AsyncIterator[PartialToolCall]:
        """The tool calls as they grow; see the method of ``GenerateContentStream``."""
        return self._partial_tool_calls(candidate)
