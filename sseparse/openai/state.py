"""Folding the chunks of a stream into the object that the call without streaming returns.

Everything here is linear in the length of the stream. Texts are gathered as lists of
parts and joined when somebody asks; lists are extended; nothing is built anew a chunk.
Memory is in proportion to the final object: see ``Text``.

The decoder marks what it knows of a chunk: one that ``_is_exact`` has nothing rare and
nothing unknown in it, so that ``add_rest`` need not look for that. Where a chunk is known
to bring one more piece of a text and nothing else, ``_loop.py`` does not come here at all,
but adds it to the ``text`` itself.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from . import types
from .model import Model
from .parts import (
    Audio,
    Extra,
    ReasoningDetails,
    Text,
    ToolCall,
    ToolCalls,
    leave_out_misfits,
    settled,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ChatCompletionStreamState", "CompletionStreamState"]

ChunkT = TypeVar("ChunkT", types.ChatCompletionChunk, types.Completion)
FinalT = TypeVar("FinalT", types.ChatCompletion, types.Completion)


def _overwrite(target: dict[str, Any], model: Model, names: Iterable[str]) -> None:
    for name in names:
        value = getattr(model, name)
        if value is not None:
            target[name] = value


class _State(Generic[ChunkT, FinalT]):
    """What both kinds of completion have in common: everything outside the choices."""

    # Fields of a chunk that the final object has as they came last.
    _LAST_COUNTS: tuple[str, ...] = ()

    def __init__(self) -> None:
        # Of these the first non-empty one counts ...
        self._id = ""
        self._model = ""
        self._created = 0
        self._system_fingerprint: str | None = None
        self._head_is_known = False  # id, model and created are
        # ... and of these the last.
        self._last: dict[str, Any] = {}
        self._extra = Extra()
        self.usage: types.CompletionUsage | None = None
        self.finish_reasons: dict[int, str | None] = {}
        self._service_tier: str | None = None

    @property
    def finished(self) -> bool:
        """Whether every choice that has been seen has a finish reason, and there is one."""
        return bool(self.finish_reasons) and all(self.finish_reasons.values())

    @property
    def finish_reason(self) -> str | None:
        """The finish reason of the first choice."""
        return self.finish_reasons[min(self.finish_reasons)] if self.finish_reasons else None

    def handle_chunk(self, chunk: ChunkT) -> None:
        """Add the next chunk."""
        raise NotImplementedError

    def note_chunk(self, chunk: ChunkT) -> None:
        """Take only usage and finish reasons of the next chunk; keep no content."""
        self._note_usage(chunk)
        for choice in chunk.choices:
            if choice.finish_reason is not None or choice.index not in self.finish_reasons:
                self.finish_reasons[choice.index] = choice.finish_reason

    @property
    def current_completion_snapshot(self) -> FinalT:
        """The final object as far as it has come; each time a new one."""
        raise NotImplementedError

    def get_final_completion(self) -> FinalT:
        """The final object. It is not checked whether the stream has ended."""
        return self.current_completion_snapshot

    def _note_usage(self, chunk: ChunkT) -> None:
        # Never a sum: servers that send usage on every chunk send the total so far.
        if chunk.usage is not None:
            self.usage = chunk.usage

    def _note_head(self, chunk: ChunkT) -> None:
        """Take what every chunk should say; some leave it empty at first."""
        self._id = self._id or chunk.id
        self._model = self._model or chunk.model
        self._created = self._created or chunk.created
        self._system_fingerprint = self._system_fingerprint or chunk.system_fingerprint
        self._head_is_known = bool(self._id and self._model and self._created)

    def _fold_envelope(self, chunk: ChunkT) -> None:
        """What the chunk says outside its choices, rare fields and unknown ones included."""
        _overwrite(self._last, chunk, self._LAST_COUNTS)
        if not chunk._is_declared:
            self._extra.overwrite(chunk.model_extra)

    def _envelope(self) -> dict[str, Any]:
        return {
            "id": settled(self._id),
            "model": settled(self._model),
            "created": self._created if isinstance(self._created, int) else 0,
            "system_fingerprint": self._system_fingerprint or None,
            "usage": settled(self.usage),
            **{name: settled(value) for name, value in self._last.items()},
        }


# Chat completions.


class _ChatChoice:
    """A choice as far as it has come. What has not come is None."""

    _LAST_COUNTS = (
        "content_filter_results",
        "content_filter_offsets",
        "native_finish_reason",
        "stop_reason",
        "matched_stop",
    )

    def __init__(self, index: int) -> None:
        self.index = index
        self.content = Text()
        self.texts: dict[str, Text] = {}  # reasoning, reasoning_content, refusal
        self.tool_calls: ToolCalls | None = None
        self.logprobs: types.ChoiceLogprobs | None = None
        self.function_call: ToolCall | None = None
        self.audio: Audio | None = None
        self.reasoning_details: ReasoningDetails | None = None
        self.lists: dict[str, list[Any]] = {}  # annotations, images, token_ids
        self.extra_content: Any = None
        self.last: dict[str, Any] = {}
        self.delta_extra = Extra()
        self.choice_extra = Extra()

    def add(self, choice: types.Choice, is_exact: bool) -> None:
        """The fields that are common."""
        delta = choice.delta
        if delta.content is not None:
            self.content.append(delta.content)
        if delta.reasoning_content is not None:
            self.add_text("reasoning_content", delta.reasoning_content)
        if delta.reasoning is not None:
            self.add_text("reasoning", delta.reasoning)
        if delta.tool_calls is not None:
            if self.tool_calls is None:
                self.tool_calls = ToolCalls()
            for fragment in delta.tool_calls:
                self.tool_calls.add(fragment, is_exact)
        logprobs = choice.logprobs
        if logprobs is not None:
            if self.logprobs is None:
                self.logprobs = types.ChoiceLogprobs()
            if logprobs.content is not None:
                if self.logprobs.content is None:
                    self.logprobs.content = []
                self.logprobs.content += logprobs.content if is_exact else settled(logprobs.content)
            if logprobs.refusal is not None:
                if self.logprobs.refusal is None:
                    self.logprobs.refusal = []
                self.logprobs.refusal += logprobs.refusal if is_exact else settled(logprobs.refusal)

    def add_text(self, name: str, text: str) -> None:
        parts = self.texts.get(name)
        if parts is None:
            parts = self.texts[name] = Text()
        parts.append(text)

    def add_rest(self, choice: types.Choice) -> None:
        """The fields that are rare."""
        delta = choice.delta
        if delta.refusal is not None:
            self.add_text("refusal", delta.refusal)
        if delta.function_call is not None:
            if self.function_call is None:
                self.function_call = ToolCall(0)
            self.function_call.add(types.ChoiceDeltaToolCall(function=delta.function_call))  # type: ignore[arg-type]
        if delta.audio is not None:
            self.audio = self.audio or Audio()
            self.audio.add(delta.audio)
        if isinstance(delta.reasoning_details, list):
            self.reasoning_details = self.reasoning_details or ReasoningDetails()
            self.reasoning_details.add(delta.reasoning_details)
        self.add_list("annotations", delta.annotations)
        self.add_list("images", delta.images)
        self.add_list("token_ids", choice.token_ids)
        if delta.extra_content is not None:
            self.extra_content = delta.extra_content
        _overwrite(self.last, choice, self._LAST_COUNTS)

    def add_extra(self, choice: types.Choice) -> None:
        """The fields that nobody declares."""
        self.delta_extra.concatenate(choice.delta.model_extra)
        self.choice_extra.overwrite(choice.model_extra)

    def add_list(self, name: str, items: list[Any] | None) -> None:
        if isinstance(items, list):
            self.lists.setdefault(name, []).extend(settled(items))

    def build(self, finish_reason: str | None) -> types.ChatCompletionChoice:
        texts = {name: parts.joined() for name, parts in self.texts.items()}
        lists = {name: list(items) for name, items in self.lists.items()}
        token_ids = lists.pop("token_ids", None)
        message = types.ChatCompletionMessage(
            content=self.content.joined() if self.content.has_come() else None,
            **texts,  # type: ignore[arg-type]
            **lists,  # type: ignore[arg-type]
            tool_calls=self.tool_calls and self.tool_calls.build(),  # type: ignore[arg-type]
            audio=self.audio and self.audio.build(),  # type: ignore[arg-type]
            extra_content=self.extra_content,
        )
        if self.function_call is not None:
            call = self.function_call
            message.function_call = types.FunctionCall(
                name=call.name, arguments=call.arguments.joined()
            )
        if self.reasoning_details is not None:
            message.reasoning_details = self.reasoning_details.build()
        self.delta_extra.put_on(message)
        logprobs = self.logprobs
        if logprobs is not None:
            logprobs = types.ChoiceLogprobs(
                content=None if logprobs.content is None else list(logprobs.content),
                refusal=None if logprobs.refusal is None else list(logprobs.refusal),
            )
        choice = types.ChatCompletionChoice(
            finish_reason=finish_reason,
            index=self.index,
            logprobs=logprobs,
            message=message,
            token_ids=token_ids,
            **self.last,
        )
        self.choice_extra.put_on(choice)
        return choice


class ChatCompletionStreamState(_State[types.ChatCompletionChunk, types.ChatCompletion]):
    """Folds the chunks of a chat stream into the final ``chat.completion``.

        state = ChatCompletionStreamState()
        for chunk in stream:
            state.handle_chunk(chunk)
        completion = state.get_final_completion()

    What never came is ``""`` or ``0``, so that the openai package's ``ChatCompletion``
    accepts ``completion.to_dict()``. Only a finish reason is left as it is: None where the
    stream was cut off, or a word that openai does not know.
    """

    _LAST_COUNTS = (
        "moderation",
        "prompt_filter_results",
        "timings",
        "prompt_token_ids",
    )

    def __init__(self) -> None:
        super().__init__()
        self._provider: str | None = None
        self._citations: dict[str, Any] | None = None
        self._groq: dict[str, Any] | None = None
        self._choices: dict[int, _ChatChoice] = {}

    def _text(self, index: int, field: str, call_index: int | None) -> Text | None:
        """What more pieces of a text can be added to; None where they need more than that.

        Args:
            index: of a choice that has been seen.
            field: "content", "reasoning_content", "reasoning" or "arguments".
            call_index: of the tool call that arguments are for.
        """
        choice = self._choices[index]
        if field == "content":
            return choice.content
        if field != "arguments":
            return choice.texts[field]
        calls = choice.tool_calls
        assert calls is not None
        assert call_index is not None
        call = calls.by_index.get(call_index)
        return call.arguments if call is not None and call is calls.current else None

    def _logprobs(self, index: int) -> list[types.ChatCompletionTokenLogprob] | None:
        """The logprobs of a choice's content, to be extended."""
        logprobs = self._choices[index].logprobs
        return None if logprobs is None else logprobs.content

    def handle_chunk(self, chunk: types.ChatCompletionChunk) -> None:
        """Add the next chunk."""
        is_exact, is_declared = chunk._is_exact, chunk._is_declared
        if not self._head_is_known:
            self._note_head(chunk)
        if not self._system_fingerprint:
            self._system_fingerprint = chunk.system_fingerprint
        if not self._service_tier:
            self._service_tier = chunk.service_tier
        if not self._provider:
            self._provider = chunk.provider
        if chunk.usage is not None:
            self.usage = chunk.usage
        for choice in chunk.choices:
            index = choice.index
            folded = self._choice(index)
            folded.add(choice, is_exact)
            if choice.finish_reason is not None:
                self.finish_reasons[index] = choice.finish_reason
            if not is_exact:
                folded.add_rest(choice)
            if not is_declared:
                folded.add_extra(choice)
        if not is_exact:
            self._handle_rest(chunk)
        elif not is_declared:
            self._extra.overwrite(chunk.model_extra)

    def _handle_rest(self, chunk: types.ChatCompletionChunk) -> None:
        self._fold_envelope(chunk)
        self._note_usage(chunk)
        if isinstance(chunk.x_groq, dict):
            # The first chunk has the request's id and seed there, the last one the usage.
            if self._groq is None:
                self._groq = {}
            self._groq.update(chunk.x_groq)
        if isinstance(chunk.citations, list):
            # Perplexity sends the whole list again with every chunk. A dict keeps the order,
            # and a long list from being compared with itself again and again.
            known = self._citations = self._citations or {}
            for item in chunk.citations:
                known.setdefault(json.dumps(item, sort_keys=True), item)

    def _choice(self, index: int) -> _ChatChoice:
        choice = self._choices.get(index)
        if choice is None:
            choice = _ChatChoice(index)
            # In this order: whoever has a choice asks for its finish reason.
            self.finish_reasons[index] = None
            self._choices[index] = choice
        return choice

    def _note_usage(self, chunk: types.ChatCompletionChunk) -> None:
        super()._note_usage(chunk)
        groq = chunk.x_groq
        if chunk.usage is None and isinstance(groq, dict) and isinstance(groq.get("usage"), dict):
            # A wrong type in there would be new even for Groq: then there is no usage.
            with suppress(msgspec.ValidationError):
                self.usage = msgspec.convert(groq["usage"], types.CompletionUsage)
                self.usage._received = groq["usage"]

    @property
    def current_completion_snapshot(self) -> types.ChatCompletion:
        """The completion as far as it has come; each time a new one."""
        completion = types.ChatCompletion(
            choices=[
                self._choices[index].build(self.finish_reasons[index])
                for index in sorted(self._choices)
            ],
            service_tier=self._service_tier or None,
            provider=self._provider or None,
            x_groq=None if self._groq is None else dict(self._groq),
            citations=None if self._citations is None else list(self._citations.values()),
            **self._envelope(),
        )
        self._extra.put_on(completion)
        return completion


# Legacy completions.


class _TextChoice:
    """A legacy choice as far as it has come."""

    _LAST_COUNTS = ("content_filter_results", "stop_reason", "prompt_token_ids")
    _LOGPROBS = ("text_offset", "token_logprobs", "tokens", "top_logprobs")

    def __init__(self, index: int) -> None:
        self.index = index
        self.text = Text()
        self.logprobs: dict[str, list[Any]] | None = None
        self.token_ids: list[int] | None = None
        self.last: dict[str, Any] = {}
        self.extra = Extra()

    def add(self, choice: types.CompletionChoice) -> None:
        if choice.text:
            self.text.append(choice.text)
        if choice.logprobs is not None:
            self.logprobs = self.logprobs or {}
            for name in self._LOGPROBS:
                items = getattr(choice.logprobs, name)
                if isinstance(items, list):
                    self.logprobs.setdefault(name, []).extend(settled(items))

    def add_rest(self, choice: types.CompletionChoice) -> None:
        if isinstance(choice.token_ids, list):
            # A list of its own, and extended: a new one each time would be quadratic.
            self.token_ids = self.token_ids or []
            self.token_ids += choice.token_ids
        _overwrite(self.last, choice, self._LAST_COUNTS)

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
            token_ids=self.token_ids and list(self.token_ids),
            **self.last,
        )
        self.extra.put_on(choice)
        return choice


class CompletionStreamState(_State[types.Completion, types.Completion]):
    """Folds the chunks of a legacy stream into the final ``text_completion``."""

    _LAST_COUNTS = ("prompt_filter_results",)

    def __init__(self) -> None:
        super().__init__()
        self._choices: dict[int, _TextChoice] = {}

    def handle_chunk(self, chunk: types.Completion) -> None:
        """Add the next chunk."""
        self._note_head(chunk)
        self._note_usage(chunk)
        for choice in chunk.choices:
            index = choice.index
            folded = self._choices.get(index)
            if folded is None:
                folded = _TextChoice(index)
                self.finish_reasons[index] = None
                self._choices[index] = folded
            folded.add(choice)
            if choice.finish_reason is not None:
                self.finish_reasons[index] = choice.finish_reason
            if not chunk._is_exact:
                folded.add_rest(choice)
                if not chunk._is_declared:
                    folded.extra.overwrite(choice.model_extra)
        if not chunk._is_exact:
            self._fold_envelope(chunk)

    @property
    def current_completion_snapshot(self) -> types.Completion:
        """The completion as far as it has come; each time a new one."""
        completion = types.Completion(
            choices=[
                self._choices[index].build(self.finish_reasons[index])
                for index in sorted(self._choices)
            ],
            **self._envelope(),
        )
        self._extra.put_on(completion)
        return completion
