# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""Folding the chunks of a legacy stream into the final ``text_completion``; see ``state.py``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream import fields
from .._stream.fold import Extra, Offer, leave_out_misfits, settled
from .._stream.text import Items, Text
from . import types
from .decode import chunk_of, completion_decoder
from .state import HEAD, CompletionState

if TYPE_CHECKING:
    from .state import Dumping

    Path = tuple[str | int, ...]

__all__ = ["CompletionStreamState"]


class _TextChoice:
    """A legacy choice as far as it has come."""

    _LAST_COUNTS = fields.Present(
        types.CompletionChoice, ("content_filter_results", "stop_reason", "prompt_token_ids")
    )
    _LOGPROBS = ("text_offset", "token_logprobs", "tokens", "top_logprobs")

    def __init__(self, index: int) -> None:
        self.index = index
        self.text = Text()
        self.logprobs: dict[str, list[Any]] | None = None
        self.token_ids: Items | None = None
        self.last: dict[str, Any] = {}
        self.extra = Extra()

    def add(self, choice: types.CompletionChoice, is_mended: bool) -> None:
        if choice.text:
            self.text.append(choice.text)
        if choice.logprobs is not None:
            self.logprobs = self.logprobs or {}
            for name in self._LOGPROBS:
                items = getattr(choice.logprobs, name)
                if isinstance(items, list):
                    items = settled(items) if is_mended else items
                    self.logprobs.setdefault(name, []).extend(items)
        if isinstance(choice.token_ids, list):
            if self.token_ids is None:
                self.token_ids = Items()
            self.token_ids.append(choice.token_ids)
        self.last.update(self._LAST_COUNTS.of(choice))
        extra = fields.extra_of(choice)
        if extra:
            self.extra.overwrite(extra)

    def build(self, finish_reason: str | None) -> types.CompletionChoice:
        logprobs = None
        if self.logprobs is not None:
            logprobs = types.Logprobs(
                **{name: list(items) for name, items in self.logprobs.items()}
            )
            leave_out_misfits(logprobs)
        choice = types.CompletionChoice(
            finish_reason=finish_reason,
            index=self.index,
            logprobs=logprobs,
            text=self.text.joined(),
            token_ids=None if self.token_ids is None else self.token_ids.joined(),
            **self.last,
        )
        self.extra.put_on(choice)
        return choice


class CompletionStreamState(CompletionState[types.Completion, types.Completion]):
    """Folds the chunks of a legacy stream into the final ``text_completion``."""

    _FIRST_COUNTS = fields.Present(types.Completion, HEAD)
    _REST = fields.Present(types.Completion, ("usage", "prompt_filter_results"))

    # A legacy completion is text and nothing else.
    reasoning = ""
    refusal = ""
    call_log = None

    def __init__(self) -> None:
        super().__init__()
        self._choices: dict[int, _TextChoice] = {}

    @property
    def text(self) -> str:
        """The first choice's text so far."""
        return self._choices[min(self._choices)].text.joined() if self._choices else ""

    def handle_chunk(self, chunk: types.Completion | Dumping | dict[str, Any]) -> None:
        """Add the next chunk.

        Args:
            chunk: as the streams give them, or the openai package's, or parsed JSON. The last two
                are read as a payload is.

        Raises:
            TypeError: it is none of these.
            APIError: parsed JSON reports an error.
        """
        if isinstance(chunk, types.Completion):
            self.fold(chunk)
        else:
            self.fold(chunk_of(chunk, completion_decoder()))

    def fold(self, chunk: types.Completion) -> None:
        """Add the next chunk; see the base class."""
        is_mended = fields.was_mended(chunk)
        for choice in chunk.choices:
            index = choice.index
            folded = self._choices.get(index)
            if folded is None:
                folded = _TextChoice(index)
                self._finish_reasons[index] = None
                self._choices[index] = folded
            folded.add(choice, is_mended)
            if choice.finish_reason is not None:
                self._finish_reasons[index] = choice.finish_reason
        self._fold_envelope(chunk)

    def places(self, chunk: types.Completion, varying: dict[Path, int]) -> Offer | None:
        """The texts that further chunks like this one are added to; see the chat's."""
        offer = Offer(varying)
        for position, choice in enumerate(chunk.choices):
            folded = self._choices[choice.index]
            if choice.logprobs is not None:
                return None
            if choice.token_ids is not None:
                if folded.token_ids is None or not isinstance(choice.token_ids, list):
                    return None
                token_ids = ("choices", position, "token_ids")
                offer.place(token_ids, folded.token_ids, choice.token_ids[:])
            offer.is_lasting = False
            offer.place(("choices", position, "text"), folded.text, choice.text)
            extra = fields.extra_of(choice)
            offer.extra(("choices", position, "_extra"), folded.extra, extra)
        return offer if self._offer_envelope(chunk, offer) else None

    def snapshot(self, is_done: bool) -> types.Completion:
        """The completion as far as it has come; see the base class."""
        completion = types.Completion(
            choices=[
                self._choices[index].build(self._finish_reasons[index])
                for index in sorted(self._choices)
            ],
            **self._envelope(),
        )
        self._extra.put_on(completion)
        if is_done:
            for choice in completion.choices:
                choice.finish_reason = choice.finish_reason or "stop"
        return completion
