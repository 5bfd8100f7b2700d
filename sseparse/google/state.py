# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""Folding the responses of a Gemini stream into the one that the call without streaming returns.

Most responses do not come here: after two of a kind ``places`` says which text the others go
to, and the reader adds them there (``_stream/reader.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream import fields
from .._stream.fold import Extra, Offer, copied
from .._stream.outcome import ChoicesOutcome
from .._stream.tool_calls import ToolCallLog
from . import types
from .parts import Parts

if TYPE_CHECKING:
    from .parts import Call

    Path = tuple[str | int, ...]

__all__ = ["ContentOutcome", "GenerateContentStreamState"]


class ContentOutcome(ChoicesOutcome[types.GenerateContentResponseUsageMetadata]):
    """How a stream ends, and what it used: all that is known of one that is not accumulated."""

    _USAGE_FIELD = "usage_metadata"
    _USAGE_COUNTS = ("prompt_token_count", "candidates_token_count", "total_token_count")
    missing = (
        "the stream ended without a finish reason for every candidate: the answer is not whole; "
        "current_response_snapshot has what came of it"
    )

    _block_reason: str | None = None
    has_calls: bool = False  # whether a function has been called

    @property
    def first_candidate(self) -> int:
        """The index of the first candidate."""
        return self.first_choice

    @property
    def is_blocked(self) -> bool:
        """Whether the finish reason is that the prompt was blocked."""
        return self._block_reason is not None and not super().finish_reason

    @property
    def finished(self) -> bool:
        """Whether every candidate has a finish reason, or the prompt was blocked."""
        return self._block_reason is not None or super().finished

    @property
    def finish_reason(self) -> str | None:
        """The finish reason of the first candidate, or why the prompt was blocked."""
        return super().finish_reason or self._block_reason

    def fold(self, chunk: types.GenerateContentResponse) -> None:
        """Take the next response."""
        for position, candidate in enumerate(chunk.candidates):
            index = index_of(candidate, position)
            if candidate.finish_reason is not None or index not in self._finish_reasons:
                self._finish_reasons[index] = candidate.finish_reason
            if candidate.content is not None and not self.has_calls:
                self.has_calls = any(part.function_call for part in candidate.content.parts)
        if chunk.prompt_feedback is not None and chunk.prompt_feedback.block_reason is not None:
            self._block_reason = chunk.prompt_feedback.block_reason
        if chunk.usage_metadata is not None:
            self._last_usage.note(chunk.usage_metadata)

    def places(
        self, chunk: types.GenerateContentResponse, varying: dict[Path, int]
    ) -> Offer | None:
        """Nothing is kept: it matters only how much was used, and how candidates end."""
        offer = Offer(varying)
        offer.is_lasting = False
        return offer if self._last_usage.offer(chunk.usage_metadata, offer) else None


def index_of(candidate: types.Candidate, position: int) -> int:
    """The index of a candidate: its place in the list, where it does not say."""
    return position if candidate.index is None else candidate.index


class _Candidate:
    """A candidate as far as it has come."""

    _REST = fields.Present(
        types.Candidate,
        {*types.Candidate.__struct_fields__} - {"content", "finish_reason", "index"},
    )

    def __init__(self, call_log: ToolCallLog, index: int) -> None:
        self.role: str | None = None
        self.parts = Parts(call_log, index)
        self.last: dict[str, Any] = {}
        self.has_index = False
        self.extra = Extra()
        self.content_extra = Extra()

    def add(self, candidate: types.Candidate) -> None:
        if candidate.index is not None:
            self.has_index = True
        content = candidate.content
        if content is not None:
            self.role = content.role or self.role
            for part in content.parts:
                self.parts.add(part)
            extra = fields.extra_of(content)
            if extra:
                self.content_extra.overwrite(extra)
        for name, value in self._REST.of(candidate):
            if name == "logprobs_result" or name == "citation_metadata":
                self.last[name] = _extended(self.last.get(name) or {}, value)
            elif name == "grounding_metadata":
                # The queries may come first, and what was found later.
                self.last[name] = {**self.last.get(name, {}), **value}
            elif value or name not in self.last:
                self.last[name] = value
        extra = fields.extra_of(candidate)
        if extra:
            self.extra.overwrite(extra)

    def build(self, index: int, finish_reason: str | None) -> types.Candidate:
        content = types.Content(parts=self.parts.build(), role=self.role)
        self.content_extra.put_on(content)
        candidate = types.Candidate(
            content=content,
            finish_reason=finish_reason,
            index=index if self.has_index or index else None,
            **copied(self.last),
        )
        self.extra.put_on(candidate)
        return candidate


def _extended(known: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """What is known with what is given: lists go on, of everything else the last one counts."""
    result = {**known, **given}
    for key, value in given.items():
        before = known.get(key)
        # Extended in place: the list is the state's own, and a new one each time quadratic.
        if isinstance(value, list):
            before = before if isinstance(before, list) else []
            before += value
            result[key] = before
    return result


class GenerateContentStreamState(ContentOutcome):
    """Folds the responses of a Gemini stream into the final one.

    state = GenerateContentStreamState()
    for chunk in stream:
        state.handle_chunk(chunk)
    response = state.get_final_response()
    """

    # Fields that the final response has as they came first; the rest is in other hands.
    _HEAD = fields.Present(
        types.GenerateContentResponse, ("model_version", "response_id", "create_time")
    )

    # There is nothing like it.
    refusal = ""

    def __init__(self) -> None:
        super().__init__()
        self._head: dict[str, Any] = {}
        self._model_status: Any = None
        self._prompt_feedback: types.GenerateContentResponsePromptFeedback | None = None
        self._candidates: dict[int, _Candidate] = {}
        self._extra = Extra()
        self.call_log = ToolCallLog()

    def note_error(self) -> None:
        """A tool call that is not over by now never is."""
        self.call_log.break_off()

    @property
    def id(self) -> str:
        """The ID; "" where none has come."""
        return self._head.get("response_id") or ""

    @property
    def model(self) -> str:
        """The model, as the server calls it; "" where it has not told."""
        return self._head.get("model_version") or ""

    @property
    def text(self) -> str:
        """The text of the first candidate so far."""
        return self._joined(False)

    @property
    def reasoning(self) -> str:
        """The thoughts of the first candidate so far."""
        return self._joined(True)

    def _joined(self, is_thought: bool) -> str:
        first = self._first()
        return "" if first is None else first.parts.joined(is_thought)

    def _first(self) -> _Candidate | None:
        return self._candidates[min(self._candidates)] if self._candidates else None

    def calls(self) -> list[Call]:
        """The function calls of the first candidate so far."""
        first = self._first()
        return [] if first is None else first.parts.calls()

    def handle_chunk(self, chunk: types.GenerateContentResponse) -> None:
        """Add the next response."""
        self.fold(chunk)

    def fold(self, chunk: types.GenerateContentResponse) -> None:
        """Add the next response of a stream, which nobody has seen yet; see ``handle_chunk``."""
        super().fold(chunk)
        for position, candidate in enumerate(chunk.candidates):
            index = index_of(candidate, position)
            folded = self._candidates.get(index)
            if folded is None:
                folded = self._candidates[index] = _Candidate(self.call_log, index)
            folded.add(candidate)
        for name, value in self._HEAD.of(chunk):
            self._head.setdefault(name, value)
        if chunk.model_status is not None:
            self._model_status = chunk.model_status
        if chunk.prompt_feedback is not None:
            self._prompt_feedback = chunk.prompt_feedback
        extra = fields.extra_of(chunk)
        if extra:
            self._extra.overwrite(extra)

    @property
    def current_response_snapshot(self) -> types.GenerateContentResponse:
        """The response as far as it has come; each time a new one."""
        return self.snapshot(False)

    def get_final_response(self) -> types.GenerateContentResponse:
        """The response. It is not checked whether the stream has ended."""
        return self.snapshot(False)

    def places(
        self, chunk: types.GenerateContentResponse, varying: dict[Path, int]
    ) -> Offer | None:
        """The texts that further responses like this one, the last, are added to."""
        offer = Offer(varying)
        offer.is_lasting = False
        for position, candidate in enumerate(chunk.candidates):
            if candidate.logprobs_result is not None or candidate.citation_metadata is not None:
                return None
            parts = candidate.content.parts if candidate.content is not None else []
            if len(parts) > 1:
                return None
            for part in parts:
                text = self._candidates[index_of(candidate, position)].parts.text_of(part)
                if text is None:
                    return None
                path = ("candidates", position, "content", "parts", 0, "text")
                offer.place(path, text, part.text)
        if not self._last_usage.offer(chunk.usage_metadata, offer):
            return None
        return None if offer.left else offer

    def end_tool_calls(self, is_done: bool) -> None:
        """They have ends of their own."""

    def snapshot(self, is_done: bool) -> types.GenerateContentResponse:
        """The response as far as it has come; each time a new one.

        Args:
            is_done: makes no difference: a candidate says itself why it ended.
        """
        reasons = self._finish_reasons
        response = types.GenerateContentResponse(
            candidates=[
                self._candidates[index].build(index, reasons[index])
                for index in sorted(self._candidates)
            ],
            usage_metadata=copied(self.usage),
            prompt_feedback=copied(self._prompt_feedback),
            model_status=copied(self._model_status),
            **copied(self._head),
        )
        self._extra.put_on(response)
        return response
