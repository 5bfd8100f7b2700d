"""The three forms of a typed stream: pushed, pulled, and pulled asynchronously.

Each holds a reader (``reader.py``), which is the machine, and a state, which says what the stream
comes to; the pulled ones hold a source (``loops.py``) that reads for them. An API derives its
classes from these and adds its own names for the final object.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar, cast

from .._errors import ParserClosedError
from ..http import AsyncResponseReader, ResponseReader, is_response
from .loops import AsyncObjects, AsyncSource, AsyncTexts, Objects, Source, Texts
from .reader import Reader
from .timing import Timing
from .tool_calls import AsyncFound, Found, ToolCallWatch
from .views import AsyncPartialValues, PartialValues

ObjectT = TypeVar("ObjectT")
UsageT = TypeVar("UsageT", covariant=True)
FinalT = TypeVar("FinalT", covariant=True)

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Callable, Iterable, Iterator
    from types import TracebackType
    from typing import Protocol

    from typing_extensions import Buffer, Self, Unpack

    from .. import Event
    from .._iterate import ParserOptions
    from .protocols import Decoder, State
    from .sources import AsyncResponse, SyncResponse
    from .tool_calls import KeepsToolCalls, PartialToolCall

    class StreamOptions(ParserOptions, total=False):
        """The options of every stream: its own and the parser's."""

        require_done: bool
        strict: bool
        accumulate: bool
        clock: Callable[[], float] | None

    class FoldedState(State, Protocol[UsageT, FinalT]):
        """What a stream's objects come to."""

        @property
        def usage(self) -> UsageT | None:
            """The last usage that the server has sent."""
            ...

        @property
        def finish_reason(self) -> str | None:
            """Why the answer ended."""
            ...

        @property
        def done(self) -> bool:
            """Whether the event has come that ends the stream, where the API has one."""
            ...

        def snapshot(self, is_done: bool) -> FinalT:
            """The final object as far as it has come; ``is_done`` where the stream has said so."""
            ...


__all__ = ["API", "AsyncPulled", "Pulled", "Pushed", "nothing_of"]


def nothing_of(item: Any) -> str:
    """What an object says of what the API does not have."""
    return ""


class API(NamedTuple):
    """What an API gives to make its streams of.

    Attributes:
        decoder: gives what makes objects of payloads; asked whether it is to be strict.
        state: makes what folds them.
        outcome: makes what does with ``accumulate=False``, and keeps nothing of the answer.
        has_text: whether an object brings a piece of the answer.
        text_of: that piece, where it is text. Where there may be several answers, the index of
            one comes before the object.
        turns_of: what an object says of where tool calls begin or end; "" where it says nothing.
        news_of: all that it says of tool calls.
        is_withheld: whether an object has nothing in it, for ``skip_empty``; None where the API's
            streams have no such option.
    """

    decoder: Callable[[bool], Decoder]
    state: Callable[[], Any]
    outcome: Callable[[], Any]
    has_text: Callable[[Any], bool]
    text_of: Callable[..., str] = nothing_of
    turns_of: Callable[[Any], str] = nothing_of
    news_of: Callable[[Any], str] = nothing_of
    is_withheld: Callable[[Any], bool] | None = None


class _Form(Generic[ObjectT, UsageT, FinalT]):
    """What a stream says of itself, in every form.

    Attributes:
        timing: the arrival times, where a ``clock`` was given; else None.
    """

    timing: Timing | None
    _api: API  # set by each API's classes

    def __init__(
        self,
        response: Any,
        *,
        skip_empty: bool = False,
        require_done: bool = False,
        strict: bool = False,
        accumulate: bool = True,
        clock: Callable[[], float] | None = None,
        **parser_options: Any,
    ) -> None:
        if clock is not None and not callable(clock):
            raise TypeError(f"clock must be callable or None, not {type(clock).__name__}")
        api = self._api
        if skip_empty and api.is_withheld is None:
            raise TypeError(f"{type(self).__name__} has no option skip_empty")
        self.timing = None if clock is None else Timing(clock, api.has_text)
        self._accumulate = accumulate
        self._state: FoldedState[UsageT, FinalT] = (api.state if accumulate else api.outcome)()
        self._reader = Reader(
            api.decoder(strict),
            self._state,
            self.timing,
            api.is_withheld if skip_empty else None,
            require_done,
            response,
            parser_options,
        )
        self._calls: ToolCallWatch | None = None  # once somebody looks for them

    @property
    def done(self) -> bool:
        """Whether the stream has said that it ends: ``[DONE]``, or the API's last event."""
        return self._reader.done or self._state.done

    @property
    def truncated(self) -> bool:
        """Whether it ended before the answer was whole: with no ``[DONE]`` and no finish reason.

        False as long as the stream goes on; it has ended, too, after ``close()`` in the
        middle of it, and when its source has raised an exception. From an error in the stream on
        (APIError, ChunkDecodeError) it is True: what comes behind it does not make it whole.
        """
        return self._reader.truncated

    @property
    def usage(self) -> UsageT | None:
        """The last usage that the server has sent; None where it has sent none."""
        return self._state.usage

    @property
    def finish_reason(self) -> str | None:
        """Why the answer ended; None as long as it has not said so.

        In the API's words; the streams of ``sseparse.llm`` have words of their own, and those as
        ``raw_finish_reason``. Of several choices or candidates it is the first one's.
        """
        return self._state.finish_reason

    @property
    def last_event_id(self) -> str:
        """The last event ID at the event that was handed out last: where to resume from."""
        return self._reader.last_event_id

    def _snapshot(self) -> FinalT:
        self._check_accumulate()
        return self._state.snapshot(False)

    def _final(self) -> FinalT:
        self._check_accumulate()
        return self._state.snapshot(self._reader.done and not self._reader.is_broken)

    def _is_whole(self) -> bool:
        return not self._reader.truncated

    def _text_of(self, answer: tuple[int, ...]) -> Callable[[Any], str]:
        return partial(self._api.text_of, *answer)

    # How its tool calls are found: complete ones, once each, and those that have grown.

    def _find_complete(self, answer: int | None) -> Callable[[], Any]:
        return partial(self._watch().next_complete, answer)

    def _find_changed(self, answer: int | None) -> Callable[[], PartialToolCall | None]:
        return partial(self._watch().next_changed, answer)

    def _watch(self) -> ToolCallWatch:
        self._check_accumulate()
        if self._calls is None:
            self._calls = ToolCallWatch(cast("KeepsToolCalls", self._state), self._reader)
        return self._calls

    def _check_accumulate(self) -> None:
        if not self._accumulate:
            raise RuntimeError("this stream keeps nothing of the answer: it has accumulate=False")


class Pushed(_Form[ObjectT, UsageT, FinalT]):
    """A stream whose bytes are pushed: by a callback, from a queue, out of a websocket."""

    def __init__(self, **options: Unpack[StreamOptions]) -> None:
        super().__init__(None, **options)
        self._waiting: Exception | None = None
        self._is_closed = False
        # At what was returned last; the reader may have gone on to an error that waits.
        self._returned_event_id = ""

    @property
    def failed(self) -> bool:
        """Whether an exception waits behind what was returned: the next call raises it."""
        return self._waiting is not None

    @property
    def last_event_id(self) -> str:
        """The last event ID at the event that was returned last: where to resume from."""
        return self._returned_event_id if self.failed else super().last_event_id

    def feed(self, data: Buffer) -> list[ObjectT]:
        """Take the next bytes; return what they complete.

        What came before an error is returned, and the error comes from the next call,
        which takes its bytes all the same. After an error that concerns one payload
        (APIError, ChunkDecodeError) it goes on.

        Args:
            data: bytes of the response's body, cut anywhere.

        Raises:
            SSEError: what iterating over the stream raises; see there.
            ParserClosedError: after ``close()``.
            TypeError: ``data`` is not bytes.
        """
        self._check_open()
        if not self._reader.ended:
            self._reader.receive(data)
        return self._take()

    def feed_event(self, event: Event) -> list[ObjectT]:
        """Take an event that the caller's own ``Parser`` has made; as ``feed``.

        Use one of the two for a stream, not both.
        """
        self._check_open()
        if not self._reader.ended:
            self._reader.receive_event(event)
        return self._take()

    def close(self) -> list[ObjectT]:
        """The stream has ended; return what its end completes.

        Where it raises it may be called again, and gives what is left. Closing twice is
        harmless.

        Raises:
            SSEError: what the end of the stream raises, TruncatedStreamError among them.
        """
        self._is_closed = True
        self._reader.end()
        return self._take()

    def _complete_tool_calls(self, answer: int | None = None) -> Iterator[Any]:
        return iter(self._find_complete(answer), None)

    def _partial_tool_calls(self, answer: int | None = None) -> Iterator[PartialToolCall]:
        return iter(self._find_changed(answer), None)

    def _check_open(self) -> None:
        if self._is_closed:
            raise ParserClosedError("the parser is closed: each stream needs one of its own")

    def _take(self) -> list[ObjectT]:
        if self._waiting is not None:
            error, self._waiting = self._waiting, None
            raise error
        found: list[ObjectT] = []
        try:
            while (item := self._reader.read()) is not None:
                found.append(item)
                self._returned_event_id = self._reader.last_event_id
        except Exception as error:
            if not found:
                raise
            self._waiting = error
        return found


class Pulled(_Form[ObjectT, UsageT, FinalT]):
    """A stream that reads an iterable of bytes, or a response."""

    def __init__(
        self, source: Iterable[Buffer] | SyncResponse, **options: Unpack[StreamOptions]
    ) -> None:
        # First of all: many responses are iterable, too, but wait for a buffer to fill.
        self._response = source if is_response(source) else None
        super().__init__(self._response, **options)
        self._source = source
        self._chunks: Any = None
        if self._response is not None:
            self._response_reader = ResponseReader(source)
            chunks: Any = iter(self._response_reader.read, None)
            self._reading = Source(self._reader, chunks, self._response_reader.release)
        else:
            _check_source(source, "__iter__")
            self._chunks = iter(cast("Iterable[Buffer]", source))
            self._reading = Source(self._reader, self._chunks)
        self._objects = Objects(self._reading)

    def __iter__(self) -> Iterator[ObjectT]:
        return self._objects

    def __next__(self) -> ObjectT:
        found: ObjectT = next(self._objects)
        return found

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
        self._reader.stop()
        if self._response is not None:
            self._response_reader.close()
            return
        for source in (self._chunks, self._source):
            close = getattr(source, "close", None)
            if close is not None:
                close()

    def until_done(self) -> Self:
        """Read the stream to its end."""
        reader = self._reader
        reader.fold()
        while not reader.ended:
            self._reading.read_on()
            reader.fold()
        self._reading.finish()
        return self

    def _read_final(self) -> FinalT:
        self._check_accumulate()
        self.until_done()
        return self._final()

    def _texts(self, *answer: int) -> Iterator[str]:
        return Texts(self._reading, self._text_of(answer))

    def _partial_values(self, *answer: int) -> Iterator[Any]:
        return PartialValues(self._texts(*answer), self._is_whole)

    def _complete_tool_calls(self, answer: int | None = None) -> Iterator[Any]:
        return Found(self._reading, self._api.turns_of, self._find_complete(answer))

    def _partial_tool_calls(self, answer: int | None = None) -> Iterator[PartialToolCall]:
        return Found(self._reading, self._api.news_of, self._find_changed(answer))


class AsyncPulled(_Form[ObjectT, UsageT, FinalT]):
    """A stream that reads an asynchronous iterable of bytes, or an asynchronous response."""

    def __init__(
        self, source: AsyncIterable[Buffer] | AsyncResponse, **options: Unpack[StreamOptions]
    ) -> None:
        self._response = source if is_response(source) else None
        super().__init__(self._response, **options)
        self._source = source
        self._chunks: Any = None
        if self._response is not None:
            self._response_reader = AsyncResponseReader(source)
            chunks = _Reads(self._response_reader)
            self._reading = AsyncSource(self._reader, chunks, self._response_reader.release)
        else:
            _check_source(source, "__aiter__")
            self._chunks = aiter(cast("AsyncIterable[Buffer]", source))
            self._reading = AsyncSource(self._reader, self._chunks)
        self._objects = AsyncObjects(self._reading)

    def __aiter__(self) -> AsyncIterator[ObjectT]:
        return self._objects

    async def __anext__(self) -> ObjectT:
        found: ObjectT = await self._objects.__anext__()
        return found

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
        self._reader.stop()
        if self._response is not None:
            await self._response_reader.close()
            return
        for source in (self._chunks, self._source):
            close = getattr(source, "aclose", None) or getattr(source, "close", None)
            if close is not None:
                closing = close()
                if hasattr(closing, "__await__"):
                    await closing

    async def until_done(self) -> Self:
        """Read the stream to its end."""
        reader = self._reader
        reader.fold()
        while not reader.ended:
            await self._reading.read_on()
            reader.fold()
        await self._reading.finish()
        return self

    async def _read_final(self) -> FinalT:
        self._check_accumulate()
        await self.until_done()
        return self._final()

    def _texts(self, *answer: int) -> AsyncIterator[str]:
        return AsyncTexts(self._reading, self._text_of(answer))

    def _partial_values(self, *answer: int) -> AsyncIterator[Any]:
        return AsyncPartialValues(self._texts(*answer), self._is_whole)

    def _complete_tool_calls(self, answer: int | None = None) -> AsyncIterator[Any]:
        return AsyncFound(self._reading, self._api.turns_of, self._find_complete(answer))

    def _partial_tool_calls(self, answer: int | None = None) -> AsyncIterator[PartialToolCall]:
        return AsyncFound(self._reading, self._api.news_of, self._find_changed(answer))


class _Reads(AsyncIterator[bytes]):
    """The reads of an asynchronous response, to be iterated over."""

    def __init__(self, reader: AsyncResponseReader) -> None:
        self._reader = reader

    async def __anext__(self) -> bytes:
        data = await self._reader.read()
        if data is None:
            raise StopAsyncIteration
        return data


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
