# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""A choice of a chat completion as it grows.

Everything here is linear in the length of the stream. Texts are gathered as lists of parts and
joined when somebody asks; lists are extended; nothing is built anew a chunk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from .._stream import fields
from .._stream.convert import from_dict
from .._stream.fold import Extra, settled
from .._stream.payload import loads
from .._stream.text import Items, Place, Text
from . import types
from .mend import message_beside
from .parts import Audio, ReasoningDetails, ToolCall, ToolCalls

if TYPE_CHECKING:
    from .._stream.fold import Offer
    from .._stream.tool_calls import ToolCallLog

    Path = tuple[str | int, ...]

__all__ = ["LISTS", "TEXTS", "ChatChoice"]

# What deltas add to of a message.
TEXTS = ("content", "reasoning_content", "reasoning", "refusal")
LISTS = ("annotations", "images")
# What is looked at in every choice.
_DELTA = fields.Field(types.Choice, "delta")
_IN_DELTA = fields.Present(types.ChoiceDelta, {*types.ChoiceDelta.__struct_fields__} - {"role"})
_IN_CHOICE = fields.Present(
    types.Choice, {*types.Choice.__struct_fields__} - {"delta", "index", "finish_reason"}
)


class _Logprobs(Place):
    """The log probabilities of a choice as far as they have come.

    There are so many objects in them that keeping them all costs more than decoding them
    again when somebody asks: until then their payloads are kept.
    """

    def __init__(self, index: int) -> None:
        self._known = types.ChoiceLogprobs()
        self._payloads: list[bytes] = []
        self._index = index

    def add(self, logprobs: types.ChoiceLogprobs) -> None:
        self._decode()
        known = self._known
        if logprobs.content is not None:
            known.content = known.content or []
            known.content += logprobs.content
        if logprobs.refusal is not None:
            known.refusal = known.refusal or []
            known.refusal += logprobs.refusal

    def append(self, value: bytes) -> None:
        """Add those of the choice with this index in a payload that says what its chunk says."""
        if not self._payloads or self._payloads[-1] is not value:
            self._payloads.append(value)

    def _decode(self) -> None:
        payloads, self._payloads = self._payloads, []
        for payload in payloads:
            try:
                choices: Any = _only_logprobs(payload).choices
            except msgspec.ValidationError:  # they have undeclared keys
                choices = from_dict(types.ChatCompletionChunk, loads(payload)).choices
            for choice in choices:
                if choice.index == self._index and choice.logprobs is not None:
                    self.add(choice.logprobs)

    def build(self) -> types.ChoiceLogprobs:
        self._decode()
        known = self._known
        return types.ChoiceLogprobs(
            content=None if known.content is None else list(known.content),
            refusal=None if known.refusal is None else list(known.refusal),
        )


class _ChoiceLogprobsOnly(msgspec.Struct):
    index: int
    logprobs: types.ChoiceLogprobs | None = None


class _LogprobsOnly(msgspec.Struct):
    choices: list[_ChoiceLogprobsOnly]


_only_logprobs = msgspec.json.Decoder(_LogprobsOnly).decode


class ChatChoice:
    """A choice as far as it has come. What has not come is None."""

    def __init__(self, index: int, call_log: ToolCallLog) -> None:
        self.index = index
        self.call_log = call_log
        self.texts: dict[str, Text] = {}
        self.tool_calls: ToolCalls | None = None
        # Its finish reason came with a piece of a call: some servers send it with each of them.
        self.may_go_on = False
        self.logprobs: _Logprobs | None = None
        self.function_call: ToolCall | None = None
        self.audio: Audio | None = None
        self.reasoning_details: ReasoningDetails | None = None
        self.lists: dict[str, list[Any]] = {}
        self.token_ids: Items | None = None
        self.extra_content: Any = None
        self.last: dict[str, Any] = {}
        self.delta_extra = Extra()
        self.choice_extra = Extra()

    def add(self, choice: types.Choice, is_mended: bool, payload: bytes | None) -> None:
        delta = _DELTA.of(choice)
        for name, value in _IN_DELTA.of(delta):
            if name in TEXTS:
                if name not in self.texts:
                    self.texts[name] = Text()
                self.texts[name].append(value)
            elif name == "tool_calls":
                self.tool_calls = self.tool_calls or ToolCalls(self.call_log, self.index)
                self.tool_calls.add(value)
            elif name == "function_call":
                self.function_call = self.function_call or ToolCall(0)
                self.function_call.add(types.ChoiceDeltaToolCall(function=value))
            elif name == "audio":
                self.audio = self.audio or Audio()
                self.audio.add(value)
            elif name == "extra_content":
                self.extra_content = value
            elif not isinstance(value, list):
                pass  # what servers put in a list's place
            elif name == "reasoning_details":
                self.reasoning_details = self.reasoning_details or ReasoningDetails()
                self.reasoning_details.add(value)
            else:  # annotations, images
                items = settled(value) if is_mended else value
                self.lists.setdefault(name, []).extend(items)
        for name, value in _IN_CHOICE.of(choice):
            if name == "logprobs":
                if self.logprobs is None:
                    self.logprobs = _Logprobs(self.index)
                if payload is None:
                    self.logprobs.add(settled(value) if is_mended else value)
                else:
                    self.logprobs.append(payload)
            elif name != "token_ids":
                self.last[name] = value
            elif isinstance(value, list):
                if self.token_ids is None:
                    self.token_ids = Items()
                self.token_ids.append(value)
        extra = fields.extra_of(delta)
        if extra:
            self.delta_extra.concatenate(extra)
        extra = fields.extra_of(choice)
        if extra:
            self.choice_extra.overwrite(extra)

    def has_said(self, name: str) -> bool:
        """Whether a field of the message has come in a delta."""
        if name in TEXTS:
            return name in self.texts and bool(self.texts[name].joined())
        return bool(self.lists.get(name) if name in LISTS else getattr(self, name))

    def offer(self, choice: types.Choice, path: Path, offer: Offer, is_mended: bool) -> bool:
        """Offer what choices like this one are added to; whether that is all to do."""
        extra = fields.extra_of(choice)
        if extra and message_beside(choice) is not None:
            return False
        for name, value in _IN_CHOICE.of(choice):
            if name == "token_ids":
                if self.token_ids is None or not isinstance(value, list):
                    return False
                offer.place((*path, name), self.token_ids, value[:])
            elif name == "logprobs" and (value.content or value.refusal):
                if is_mended or self.logprobs is None:
                    return False
                offer.payload((*path, "logprobs"), self.logprobs)
            offer.is_lasting = False
        if choice.finish_reason is not None:
            offer.is_lasting = False
        beside = {key: value for key, value in extra.items() if key != "message"}
        offer.extra((*path, "_extra"), self.choice_extra, beside)
        delta = choice.delta
        path = (*path, "delta")
        for name, value in _IN_DELTA.of(delta):
            if name in TEXTS:
                offer.place((*path, name), self.texts[name], value)
                continue
            offer.is_lasting = False
            if name in LISTS:
                if isinstance(value, list):
                    return False
            elif name == "tool_calls":
                if not self._offer_arguments(value, path, offer):
                    return False
            elif name == "function_call":
                if value.name or self.function_call is None or fields.extra_of(value):
                    return False
                arguments = (*path, name, "arguments")
                offer.place(arguments, self.function_call.arguments, value.arguments)
            elif name == "audio":
                if self.audio is None or fields.extra_of(value):
                    return False
                offer.place((*path, name, "data"), self.audio.data, value.data)
                offer.place((*path, name, "transcript"), self.audio.transcript, value.transcript)
            elif name == "reasoning_details" and not self._offer_details(value, path, offer):
                return False
        others = {}
        for key, value in fields.extra_of(delta).items():
            if not isinstance(value, str):
                others[key] = value
                continue
            text = self.delta_extra.text(key)
            if text is None:
                return False
            offer.place((*path, "_extra", key), text, value)
            offer.is_lasting = False  # another type overwrites even a text
        offer.extra((*path, "_extra"), self.delta_extra, others)
        return True

    def _offer_details(self, details: Any, path: Path, offer: Offer) -> bool:
        if not isinstance(details, list) or len(details) != 1 or self.reasoning_details is None:
            return False
        texts = self.reasoning_details.texts_of(details[0])
        if texts is None:
            return False
        for key, text in texts.items():
            offer.place((*path, "reasoning_details", 0, key), text, details[0][key])
        return True

    def _offer_arguments(
        self, fragments: list[types.ChoiceDeltaToolCall], path: Path, offer: Offer
    ) -> bool:
        call = None
        if len(fragments) == 1 and self.tool_calls is not None:
            call = self.tool_calls.grown_by(fragments[0])
        if call is None:
            return False
        place = (*path, "tool_calls", 0, "function", "arguments")
        offer.place(place, call.arguments, fragments[0].function.arguments)  # type: ignore[union-attr]
        self.call_log.may_grow(call)
        return True

    def message(self) -> types.ChatCompletionMessage:
        texts = {name: text.joined() for name, text in self.texts.items()}
        lists = {name: list(items) for name, items in self.lists.items()}
        message = types.ChatCompletionMessage(
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
        return message

    def build(self, finish_reason: str | None) -> types.ChatCompletionChoice:
        choice = types.ChatCompletionChoice(
            finish_reason=finish_reason,
            index=self.index,
            logprobs=None if self.logprobs is None else self.logprobs.build(),
            message=self.message(),
            token_ids=None if self.token_ids is None else self.token_ids.joined(),
            **self.last,
        )
        self.choice_extra.put_on(choice)
        return choice
