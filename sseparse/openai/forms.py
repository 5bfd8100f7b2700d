"""The forms of OpenAI's completion streams: what chat and legacy streams have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from .._stream.forms import AsyncPulled, Pulled, Pushed
from . import types

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator

    from typing_extensions import Buffer, Unpack

    from .._stream.forms import StreamOptions
    from .._stream.sources import AsyncResponse, SyncResponse

    class CompletionOptions(StreamOptions, total=False):
        """The options of OpenAI's completion streams."""

        skip_empty: bool


__all__ = [
    "AsyncPulledCompletion",
    "PulledCompletion",
    "PushedCompletion",
    "has_no_choices",
    "text_of",
]

ChunkT = TypeVar("ChunkT", types.ChatCompletionChunk, types.Completion)
FinalT = TypeVar("FinalT", types.ChatCompletion, types.Completion)


class PushedCompletion(Pushed[ChunkT, types.CompletionUsage, FinalT]):
    """A completion stream whose bytes are pushed."""

    if TYPE_CHECKING:
        # With an option that the base class takes, and declares for no other.
        def __init__(self, **options: Unpack[CompletionOptions]) -> None: ...

    @property
    def current_completion_snapshot(self) -> FinalT:
        """The completion, of the chunks returned so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._snapshot()

    def get_final_completion(self) -> FinalT:
        """What the call without streaming returns, of what has come; see ``ChatStream``.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._final()


class PulledCompletion(Pulled[ChunkT, types.CompletionUsage, FinalT]):
    """A completion stream over an iterable of bytes."""

    if TYPE_CHECKING:

        def __init__(
            self, source: Iterable[Buffer] | SyncResponse, **options: Unpack[CompletionOptions]
        ) -> None: ...

    @property
    def current_completion_snapshot(self) -> FinalT:
        """The completion, of the chunks handed out so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._snapshot()

    def get_final_completion(self) -> FinalT:
        """Read the stream to its end; return what the call without streaming returns.

        Of a stream that is ``truncated`` it is what came; ``require_done=True`` makes
        that an error. Where the stream ended in ``[DONE]`` a choice without a finish
        reason has "stop" here, or "tool_calls" if it has those.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: whatever reading the stream on raises.
        """
        return self._read_final()

    def iter_text(self, choice: int = 0) -> Iterator[str]:
        """The pieces of a choice's text as they come, empty ones left out."""
        return self._texts(choice)

    def iter_partial_json(self, choice: int = 0) -> Iterator[Any]:
        """The value of a choice's JSON text, as far as it is known, each time more of it shows.

        It is that of a ``sseparse.partial_json.PartialJSON``: strings as far as they have
        come; numbers, literals and keys when they are whole. Lists and dicts are the same
        objects each time, and grow; ``copy.deepcopy`` what is to stay as it is. Whether the
        text has come whole this does not tell: decode the content of the final completion.

        Raises:
            PartialJSONError: while iterating, where the text is no JSON, and from then on;
                what came before is yielded first. The rest of the stream can be read in
                another way.
        """
        return self._partial_values(choice)


class AsyncPulledCompletion(AsyncPulled[ChunkT, types.CompletionUsage, FinalT]):
    """A completion stream over an asynchronous iterable of bytes."""

    if TYPE_CHECKING:

        def __init__(
            self,
            source: AsyncIterable[Buffer] | AsyncResponse,
            **options: Unpack[CompletionOptions],
        ) -> None: ...

    @property
    def current_completion_snapshot(self) -> FinalT:
        """The completion, of the chunks handed out so far; each time a new object.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._snapshot()

    async def get_final_completion(self) -> FinalT:
        """Read the stream to its end; see ``ChatStream.get_final_completion``."""
        return await self._read_final()

    def iter_text(self, choice: int = 0) -> AsyncIterator[str]:
        """The pieces of a choice's text as they come, empty ones left out."""
        return self._texts(choice)

    def iter_partial_json(self, choice: int = 0) -> AsyncIterator[Any]:
        """The value of a choice's JSON text; see ``ChatStream.iter_partial_json``."""
        return self._partial_values(choice)


def has_no_choices(chunk: Any) -> bool:
    """Whether ``skip_empty`` leaves a chunk out."""
    return not chunk.choices


def text_of(index: int, chunk: Any) -> str:
    """The piece of a choice's text that a chunk brings; "" where it brings none."""
    text = ""
    for choice in chunk.choices:
        if choice.index == index:
            delta = getattr(choice, "delta", None)
            text += (choice.text if delta is None else delta.content) or ""
    return text
