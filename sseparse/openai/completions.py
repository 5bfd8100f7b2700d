"""Streams of legacy completions: ``text_completion`` objects, and what they come to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import types
from .decode import completion_decoder
from .forms import AsyncPulledCompletion, PulledCompletion, PushedCompletion
from .state import CompletionStreamState, Outcome

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterable

    from typing_extensions import Buffer, Unpack

    from .._stream.decode import PayloadDecoder
    from .._stream.sources import AsyncResponse, SyncResponse
    from .forms import CompletionOptions

__all__ = ["AsyncCompletionStream", "CompletionParser", "CompletionStream"]


class CompletionAPI:
    """What the machine has to know of legacy completions."""

    def make_decoder(self, strict: bool) -> PayloadDecoder:
        return completion_decoder(strict)

    def make_state(self, accumulate: bool) -> CompletionStreamState | Outcome:
        return CompletionStreamState() if accumulate else Outcome()

    def has_text(self, item: types.Completion) -> bool:
        return any(choice.text for choice in item.choices)

    def is_withheld(self, item: types.Completion) -> bool:
        return not item.choices


class CompletionParser(PushedCompletion[types.Completion, types.Completion]):
    """The chunks of a legacy stream whose bytes are pushed; see ``ChatParser``."""

    _api = CompletionAPI()

    def __init__(self, **options: Unpack[CompletionOptions]) -> None:
        super().__init__(**options)


class CompletionStream(PulledCompletion[types.Completion, types.Completion]):
    """The chunks of a legacy ``text_completion`` stream; see ``ChatStream``."""

    _api = CompletionAPI()

    def __init__(
        self, source: Iterable[Buffer] | SyncResponse, **options: Unpack[CompletionOptions]
    ) -> None:
        super().__init__(source, **options)


class AsyncCompletionStream(AsyncPulledCompletion[types.Completion, types.Completion]):
    """The chunks of a legacy stream, asynchronously; see ``ChatStream``."""

    _api = CompletionAPI()

    def __init__(
        self, source: AsyncIterable[Buffer] | AsyncResponse, **options: Unpack[CompletionOptions]
    ) -> None:
        super().__init__(source, **options)
