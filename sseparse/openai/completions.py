"""Streams of legacy completions: ``text_completion`` objects, and what they come to."""

from __future__ import annotations

from .._stream.forms import API
from . import types
from .completions_state import CompletionStreamState
from .decode import completion_decoder
from .forms import (
    AsyncPulledCompletion,
    PulledCompletion,
    PushedCompletion,
    has_no_choices,
    text_of,
)
from .outcome import OutcomeOnly

__all__ = ["AsyncCompletionStream", "CompletionParser", "CompletionStream"]


def _has_text(chunk: types.Completion) -> bool:
    return any(choice.text for choice in chunk.choices)


COMPLETIONS = API(
    completion_decoder,
    CompletionStreamState,
    OutcomeOnly,
    has_text=_has_text,
    text_of=text_of,
    is_withheld=has_no_choices,
)


class CompletionParser(PushedCompletion[types.Completion, types.Completion]):
    """The chunks of a legacy stream whose bytes are pushed; see ``ChatParser``."""

    _api = COMPLETIONS


class CompletionStream(PulledCompletion[types.Completion, types.Completion]):
    """The chunks of a legacy ``text_completion`` stream; see ``ChatStream``."""

    _api = COMPLETIONS


class AsyncCompletionStream(AsyncPulledCompletion[types.Completion, types.Completion]):
    """The chunks of a legacy stream, asynchronously; see ``ChatStream``."""

    _api = COMPLETIONS
