# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""How a completion stream ends, and what it used."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from .._stream import fields
from .._stream.convert import from_dict
from .._stream.fold import Offer
from .._stream.model import settle
from .._stream.outcome import ChoicesOutcome
from . import types
from .mend import message_beside
from .whole_messages import SAID, WholeMessages

if TYPE_CHECKING:
    Path = tuple[str | int, ...]

__all__ = ["CompletionOutcome", "OutcomeOnly"]

_IN_DELTA = fields.Present(types.ChoiceDelta, SAID)


class CompletionOutcome(ChoicesOutcome[types.CompletionUsage]):
    """What is known of every completion stream."""

    _USAGE_FIELD = "usage"
    _USAGE_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
    missing = (
        "the stream ended with neither [DONE] nor a finish reason for every choice: the "
        "answer is not whole; current_completion_snapshot has what came of it"
    )

    def _note_usage(self, chunk: Any) -> None:
        """Take the usage of a chunk: the last one counts, and never a sum."""
        usage = chunk.usage
        groq = getattr(chunk, "x_groq", None)
        if usage is None and isinstance(groq, dict) and isinstance(groq.get("usage"), dict):
            # A wrong type in there would be new even for Groq: then there is no usage.
            with suppress(msgspec.ValidationError):
                usage = from_dict(types.CompletionUsage, groq["usage"])
        if usage is not None:
            self._last_usage.note(usage)


class OutcomeOnly(CompletionOutcome):
    """All that is known of a stream that is not accumulated."""

    def __init__(self) -> None:
        super().__init__()
        self._has_said: set[tuple[int, str]] = set()
        self._messages = WholeMessages()

    def fold(self, chunk: Any) -> None:
        """Take the next chunk."""
        self._note_usage(chunk)
        for choice in chunk.choices:
            index, finish_reason = choice.index, choice.finish_reason
            if finish_reason is not None or index not in self._finish_reasons:
                self._finish_reasons[index] = finish_reason
            if isinstance(choice, types.Choice):
                message = message_beside(choice) if fields.extra_of(choice) else None
                if message is not None:
                    if self._messages.say(choice, message, partial(self._has_said_in, index)):
                        settle(chunk)
                elif self._messages.texts:
                    self._messages.forget(choice)
                for name, value in _IN_DELTA.of(choice.delta):
                    if value and (index, name) not in self._has_said:
                        self._has_said.add((index, name))

    def _has_said_in(self, index: int, name: str) -> bool:
        return (index, name) in self._has_said

    def places(self, chunk: Any, varying: dict[Path, int]) -> Offer | None:
        """Nothing is kept: it matters only how much was used, and how choices end."""
        offer = Offer(varying)
        if self._messages.texts or not self._last_usage.offer(chunk.usage, offer):
            return None
        if any(path[0] == "x_groq" or "message" in path for path in varying):
            return None
        if chunk.usage is not None or getattr(chunk, "x_groq", None) is not None:
            offer.is_lasting = False
        if any(choice.finish_reason is not None for choice in chunk.choices):
            offer.is_lasting = False
        return offer
