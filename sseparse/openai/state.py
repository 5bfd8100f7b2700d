# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""Folding the chunks of a stream into the object that the call without streaming returns.

Everything here is linear in the length of the stream. Texts are gathered as lists of
parts and joined when somebody asks; lists are extended; nothing is built anew a chunk.
Memory is in proportion to the final object: see ``Text``.

Most chunks of most streams do not come here: after one chunk of a kind ``places`` says which
texts the others of that kind go to, and the reader adds them there (``_stream/reader.py``).
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from .._stream import fields
from .._stream.convert import from_dict
from .._stream.fold import Extra, LastUsage, Offer, leave_out_misfits, settled
from .._stream.model import settle
from .._stream.text import Text
from .._stream.tool_calls import ToolCallLog
from . import types
from .decode import chat_decoder, chunk_of, completion_decoder
from .mend import delta_of, message_beside
from .parts import Audio, ReasoningDetails, ToolCall, ToolCalls

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from .._stream.errors import APIError

    Path = tuple[str | int, ...]

    class Dumping(Protocol):
        """A chunk of the openai package."""

        def model_dump(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
            """Its fields, as pydantic's models give them."""
            ...


__all__ = ["ChatCompletionStreamState", "CompletionStreamState", "Outcome"]

ChunkT = TypeVar("ChunkT", types.ChatCompletionChunk, types.Completion)
FinalT = TypeVar("FinalT", types.ChatCompletion, types.Completion)

_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")
_LISTS = ("annotations", "images")
# What every chunk says of its stream.
_HEAD = ("id", "model", "created", "system_fingerprint")
_CHAT_HEAD = (*_HEAD, "service_tier", "provider")
# What is looked at in every chunk.
_CHOICES = fields.Field(types.ChatCompletionChunk, "choices")
_INDEX, _DELTA, _FINISH_REASON = fields.each(types.Choice, "index", "delta", "finish_reason")
_IN_DELTA = fields.Present(types.ChoiceDelta, {*types.ChoiceDelta.__struct_fields__} - {"role"})
_IN_CHOICE = fields.Present(
    types.Choice, {*types.Choice.__struct_fields__} - {"delta", "index", "finish_reason"}
)
# What a whole message says again of what the deltas have said.
_SAID = (*_TEXTS, *_LISTS, "tool_calls", "function_call", "audio", "reasoning_details")

_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")
_MISSING = (
    "the stream ended with neither [DONE] nor a finish reason for every choice: the "
    "answer is not whole; current_completion_snapshot has what came of it"
)


class Outcome:
    """How a stream ends, and what it used: all that is known of one that is not accumulated."""

    def __init__(self) -> None:
        self._usage: LastUsage[types.CompletionUsage] = LastUsage("usage", _COUNTS)
        self.finish_reasons: dict[int, str | None] = {}
        self._has_said: set[tuple[int, str]] = set()
        self._messages = _Messages()

    @property
    def finished(self) -> bool:
        """Whether every choice that has been seen has a finish reason, and there is one."""
        return bool(self.finish_reasons) and all(self.finish_reasons.values())

    @property
    def first_choice(self) -> int:
        """The index of the first choice: some servers count from 1."""
        return min(self.finish_reasons, default=0)

    @property
    def finish_reason(self) -> str | None:
        """The finish reason of the first choice."""
        return self.finish_reasons.get(self.first_choice)

    @property
    def done(self) -> bool:
        """No event but ``[DONE]``, which the reader knows, ends a stream."""
        return False

    @property
    def missing(self) -> str:
        """What is said of a stream that is truncated."""
        return _MISSING

    def ends_with(self, error: APIError) -> bool:
        """An error tells nothing of the completion, which is not whole."""
        return False

    def fold(self, chunk: Any, payload: bytes | None) -> None:
        """Take the next chunk."""
        self.note_usage(chunk)
        for choice in chunk.choices:
            index, finish_reason = choice.index, choice.finish_reason
            if finish_reason is not None or index not in self.finish_reasons:
                self.finish_reasons[index] = finish_reason
            if isinstance(choice, types.Choice):
                message = message_beside(choice) if fields.extra_of(choice) else None
                if message is not None:
                    self._messages.say(choice, message, partial(self._has_said_in, index))
                    settle(chunk)
                elif self._messages.texts:
                    self._messages.forget(choice)
                for name, value in _IN_DELTA.of(choice.delta):
                    if value and (index, name) not in self._has_said:
                        self._has_said.add((index, name))

    def note_error(self) -> None:
        """Nothing is kept that could lack a piece."""

    def _has_said_in(self, index: int, name: str) -> bool:
        return (index, name) in self._has_said

    def places(self, chunk: Any, varying: dict[Path, int]) -> Offer | None:
        """Nothing is kept: it matters only how much was used, and how choices end."""
        offer = Offer(varying)
        if self._messages.texts or not self.offer_usage(chunk.usage, offer):
            return None
        if any(path[0] == "x_groq" or "message" in path for path in varying):
            return None
        if chunk.usage is not None or getattr(chunk, "x_groq", None) is not None:
            offer.is_lasting = False
        if any(choice.finish_reason is not None for choice in chunk.choices):
            offer.is_lasting = False
        return offer

    @property
    def usage(self) -> types.CompletionUsage | None:
        """The last usage that the server has sent; None where it has sent none."""
        return self._usage.value

    def note_usage(self, chunk: Any) -> None:
        """Take the usage of a chunk: the last one counts, and never a sum."""
        usage = chunk.usage
        groq = getattr(chunk, "x_groq", None)
        if usage is None and isinstance(groq, dict) and isinstance(groq.get("usage"), dict):
            # A wrong type in there would be new even for Groq: then there is no usage.
            with suppress(msgspec.ValidationError):
                usage = from_dict(types.CompletionUsage, groq["usage"])
        if usage is not None:
            self._usage.note(usage)

    def offer_usage(self, usage: types.CompletionUsage | None, offer: Offer) -> bool:
        """Offer places for the counts of further chunks; whether that is all to do."""
        return self._usage.offer(usage, offer)

    def snapshot(self, is_done: bool) -> Any:
        """There is none."""
        raise NotImplementedError


class _Messages:
    """The whole messages of a stream: what they say that no delta has said.

    Attributes:
        texts: what only they have said so far, and its length, by the choice and the field. Some
            servers send the message so far with every chunk, others its next piece.
    """

    __slots__ = ("texts",)

    def __init__(self) -> None:
        self.texts: dict[tuple[int, str], tuple[Text, int]] = {}

    def say(
        self, choice: types.Choice, message: dict[str, Any], has_said: Callable[[str], bool]
    ) -> None:
        """Let the delta say what only this message says, and nothing before it."""
        delta = delta_of(message)
        for name in _SAID:
            value = getattr(delta, name)
            if not value:
                continue
            key = (choice.index, name)
            text, size = self.texts.get(key, (None, 0))
            if text is None and has_said(name):
                continue
            # Joining it each time would be quadratic: a piece is shorter, for the most part.
            if text is not None and len(value) >= size and value.startswith(text.joined()):
                value = value[size:]
            if name in _TEXTS:
                text = text or Text()
                text.append(value)
                self.texts[key] = (text, size + len(value))
            if value:
                setattr(choice.delta, name, value)

    def forget(self, choice: types.Choice) -> None:
        """The deltas say it themselves from here on."""
        for name in _TEXTS:
            if getattr(choice.delta, name):
                self.texts.pop((choice.index, name), None)


class _State(Generic[ChunkT, FinalT]):
    """What both kinds of completion have in common: everything outside the choices."""

    # Fields of a chunk that the final object has as they came first ...
    _FIRST_COUNTS: tuple[fields.Field, ...]
    # ... and the others outside the choices, most of which it has as they came last.
    _REST: fields.Present

    def __init__(self) -> None:
        self._first: dict[str, Any] = {}
        self._missing = list(self._FIRST_COUNTS)  # those that have not come, or were empty
        self._last: dict[str, Any] = {}
        self._extra = Extra()
        self._outcome = Outcome()

    @property
    def usage(self) -> types.CompletionUsage | None:
        """The last usage that the server has sent; None where it has sent none."""
        return self._outcome.usage

    @property
    def finished(self) -> bool:
        """Whether every choice that has been seen has a finish reason, and there is one."""
        return self._outcome.finished

    @property
    def first_choice(self) -> int:
        """The index of the first choice."""
        return self._outcome.first_choice

    @property
    def finish_reason(self) -> str | None:
        """The finish reason of the first choice."""
        return self._outcome.finish_reason

    @property
    def done(self) -> bool:
        """No event but ``[DONE]``, which the reader knows, ends a stream."""
        return False

    @property
    def missing(self) -> str:
        """What is said of a stream that is truncated."""
        return _MISSING

    def ends_with(self, error: APIError) -> bool:
        """An error tells nothing of the completion, which is not whole."""
        return False

    def fold(self, chunk: ChunkT, payload: bytes | None) -> None:
        """Add the next chunk of a stream, which nobody has seen yet.

        Args:
            chunk: the chunk.
            payload: where it is given, the chunk is just what the types make of it.
        """
        raise NotImplementedError

    def note_error(self) -> None:
        """Something could not be read: what is open may lack a piece of it."""

    @property
    def current_completion_snapshot(self) -> FinalT:
        """The final object as far as it has come; each time a new one."""
        return self.snapshot(False)

    def get_final_completion(self) -> FinalT:
        """The final object. It is not checked whether the stream has ended."""
        return self.snapshot(False)

    def snapshot(self, is_done: bool) -> FinalT:
        """The final object as far as it has come; each time a new one.

        Args:
            is_done: the stream has said that it is whole: a choice without a finish reason
                has one by what is in it.
        """
        raise NotImplementedError

    def _fold_envelope(self, chunk: ChunkT) -> None:
        """What the chunk says outside its choices."""
        for field in list(self._missing):
            value = field.of(chunk)
            if value:
                self._first[field.name] = value
                self._missing.remove(field)
        for name, value in self._REST.of(chunk):
            self._fold_field(chunk, name, value)
        extra = fields.extra_of(chunk)
        if extra:
            self._extra.overwrite(extra)

    def _fold_field(self, chunk: ChunkT, name: str, value: Any) -> None:
        if name == "usage":
            self._outcome.note_usage(chunk)
        else:
            self._last[name] = value

    def _envelope(self) -> dict[str, Any]:
        first = {name: settled(value) for name, value in self._first.items()}
        if not isinstance(first.get("created", 0), int):
            del first["created"]
        last = {name: settled(value) for name, value in self._last.items()}
        return {**first, **last, "usage": settled(self.usage)}

    def _ignores(self, path: Path) -> bool:
        """Whether the value at a path of a chunk makes no difference any more."""
        if "_extra" in path:
            # Some servers send the whole message so far with every delta.
            return path[:1] == ("choices",) and path[2:4] == ("_extra", "message")
        name = path[0]
        if name in ("obfuscation", "p"):
            return True
        first = [field for field in self._FIRST_COUNTS if field.name == name]
        return bool(first) and first[0] not in self._missing


# Chat completions.


class _Logprobs:
    """The log probabilities of a choice as far as they have come.

    There are so many objects in them that keeping them all costs more than decoding them
    again when somebody asks: until then their payloads are kept.
    """

    def __init__(self) -> None:
        self._known = types.ChoiceLogprobs()
        self._payloads: list[bytes] = []
        self._index = 0

    def add(self, logprobs: types.ChoiceLogprobs) -> None:
        self._decode()
        known = self._known
        if logprobs.content is not None:
            known.content = known.content or []
            known.content += logprobs.content
        if logprobs.refusal is not None:
            known.refusal = known.refusal or []
            known.refusal += logprobs.refusal

    def add_later(self, payload: bytes, index: int) -> None:
        """Those of the choice with this index in a payload that has them as declared."""
        self._index = index
        if not self._payloads or self._payloads[-1] is not payload:
            self._payloads.append(payload)

    def _decode(self) -> None:
        payloads, self._payloads = self._payloads, []
        for payload in payloads:
            for choice in _only_logprobs(payload).choices:
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


class _ChatChoice:
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
        self.token_ids: list[Any] | None = None
        self.extra_content: Any = None
        self.last: dict[str, Any] = {}
        self.delta_extra = Extra()
        self.choice_extra = Extra()

    def add(self, choice: types.Choice, is_mended: bool, payload: bytes | None) -> None:
        delta = _DELTA.of(choice)
        for name, value in _IN_DELTA.of(delta):
            if name in _TEXTS:
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
                    self.logprobs = _Logprobs()
                if payload is None:
                    self.logprobs.add(settled(value) if is_mended else value)
                else:
                    self.logprobs.add_later(payload, self.index)
            elif name != "token_ids":
                self.last[name] = value
            elif isinstance(value, list):
                if self.token_ids is None:
                    self.token_ids = []
                self.token_ids += value
        extra = fields.extra_of(delta)
        if extra:
            self.delta_extra.concatenate(extra)
        extra = fields.extra_of(choice)
        if extra:
            self.choice_extra.overwrite(extra)

    def has_said(self, name: str) -> bool:
        """Whether a field of the message has come in a delta."""
        if name in _TEXTS:
            return name in self.texts and bool(self.texts[name].joined())
        return bool(self.lists.get(name) if name in _LISTS else getattr(self, name))

    def offer(self, choice: types.Choice, path: Path, offer: Offer) -> bool:
        """Offer what choices like this one are added to; whether that is all to do."""
        if message_beside(choice) is not None:
            return False
        for name, value in _IN_CHOICE.of(choice):
            if name == "token_ids" or (name == "logprobs" and (value.content or value.refusal)):
                return False
            offer.is_lasting = False
        if choice.finish_reason is not None:
            offer.is_lasting = False
        extra = fields.extra_of(choice)
        beside = {key: value for key, value in extra.items() if key != "message"}
        offer.extra((*path, "_extra"), self.choice_extra, beside)
        delta = choice.delta
        path = (*path, "delta")
        for name, value in _IN_DELTA.of(delta):
            if name in _TEXTS:
                offer.text((*path, name), self.texts[name], value)
                continue
            offer.is_lasting = False
            if name in _LISTS:
                if isinstance(value, list):
                    return False
            elif name == "tool_calls":
                if not self._offer_arguments(value, path, offer):
                    return False
            elif name == "function_call":
                if value.name or self.function_call is None or fields.extra_of(value):
                    return False
                arguments = (*path, name, "arguments")
                offer.text(arguments, self.function_call.arguments, value.arguments)
            elif name == "audio":
                if self.audio is None or fields.extra_of(value):
                    return False
                offer.text((*path, name, "data"), self.audio.data, value.data)
                offer.text((*path, name, "transcript"), self.audio.transcript, value.transcript)
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
            offer.text((*path, "_extra", key), text, value)
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
            offer.text((*path, "reasoning_details", 0, key), text, details[0][key])
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
        offer.text(place, call.arguments, fragments[0].function.arguments)  # type: ignore[union-attr]
        self.call_log.may_grow(call)
        return True

    def build(self, finish_reason: str | None) -> types.ChatCompletionChoice:
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
        choice = types.ChatCompletionChoice(
            finish_reason=finish_reason,
            index=self.index,
            logprobs=None if self.logprobs is None else self.logprobs.build(),
            message=message,
            token_ids=self.token_ids and list(self.token_ids),
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

    _FIRST_COUNTS = fields.each(types.ChatCompletionChunk, *_CHAT_HEAD)
    _REST = fields.Present(
        types.ChatCompletionChunk,
        {*types.ChatCompletionChunk.__struct_fields__}
        - {*_CHAT_HEAD, "choices", "object", "obfuscation", "p"},
    )

    def __init__(self) -> None:
        super().__init__()
        self._citations: dict[str, Any] | None = None
        self._last_citations: Any = None
        self._groq: dict[str, Any] | None = None
        self._choices: dict[int, _ChatChoice] = {}
        self.call_log = ToolCallLog()
        self._messages = _Messages()

    def handle_chunk(self, chunk: types.ChatCompletionChunk | Dumping | dict[str, Any]) -> None:
        """Add the next chunk.

        Args:
            chunk: as the streams give them, or the openai package's, or parsed JSON. The last two
                are read as a payload is.

        Raises:
            TypeError: it is none of these.
            APIError: parsed JSON reports an error.
        """
        if isinstance(chunk, types.ChatCompletionChunk):
            self.fold(chunk, None)
        else:
            self.fold(chunk_of(chunk, chat_decoder()), None)

    def fold(self, chunk: types.ChatCompletionChunk, payload: bytes | None) -> None:
        """Add the next chunk; see the base class."""
        is_mended = fields.was_mended(chunk)
        for choice in _CHOICES.of(chunk):
            index = _INDEX.of(choice)
            folded = self._choices.get(index)
            if folded is None:
                folded = _ChatChoice(index, self.call_log)
                # In this order: whoever has a choice asks for its finish reason.
                self._outcome.finish_reasons[index] = None
                self._choices[index] = folded
            message = message_beside(choice) if fields.extra_of(choice) else None
            if message is not None:
                self._messages.say(choice, message, folded.has_said)
                if folded.logprobs is not None:
                    choice.logprobs = None
                settle(chunk)
                payload = None
            elif self._messages.texts:
                self._messages.forget(choice)
            folded.add(choice, is_mended, payload)
            finish_reason = _FINISH_REASON.of(choice)
            if finish_reason is not None:
                self._outcome.finish_reasons[index] = finish_reason
                if folded.tool_calls is not None:
                    folded.may_go_on = bool(_DELTA.of(choice).tool_calls)
                    folded.tool_calls.leave()
        self._fold_envelope(chunk)

    def _fold_field(self, chunk: types.ChatCompletionChunk, name: str, value: Any) -> None:
        if name == "x_groq":
            # The first chunk has the request's id and seed there, the last one the usage.
            self._groq = {**(self._groq or {}), **value} if isinstance(value, dict) else self._groq
            self._outcome.note_usage(chunk)
        elif name != "citations":
            super()._fold_field(chunk, name, value)
        elif isinstance(value, list) and value != self._last_citations:
            # Perplexity sends the whole list again with every chunk. A dict keeps the order,
            # and a long list from being compared with itself again and again.
            self._last_citations = value
            known = self._citations = self._citations or {}
            for item in value:
                known.setdefault(json.dumps(item, sort_keys=True), item)

    def places(self, chunk: types.ChatCompletionChunk, varying: dict[Path, int]) -> Offer | None:
        """The texts that further chunks like this one, the last, are added to.

        Args:
            chunk: the chunk that was handled last.
            varying: the paths of the values in it that may be others, each with its number.

        Returns:
            None where such chunks have to be handled one by one.
        """
        offer = Offer(varying)
        self.call_log.settle()
        if self._messages.texts:
            return None
        for position, choice in enumerate(chunk.choices):
            folded = self._choices[choice.index]
            if not folded.offer(choice, ("choices", position), offer):
                return None
        if not self._outcome.offer_usage(chunk.usage, offer):
            return None
        if self._REST.of(chunk):
            offer.is_lasting = False
        offer.extra(("_extra",), self._extra, fields.extra_of(chunk))
        return offer if all(map(self._ignores, offer.left)) else None

    def note_error(self) -> None:
        """A tool call that is not over by now never is."""
        self.call_log.break_off()

    def end_tool_calls(self, is_done: bool) -> None:
        """The stream has ended, by ``[DONE]`` or without: note which calls are over by that."""
        for index, choice in self._choices.items():
            reason = self._outcome.finish_reasons[index]
            if choice.tool_calls is None or (reason is None and not is_done):
                continue
            is_over = is_done or not choice.may_go_on
            for call in choice.tool_calls.calls:
                if self.call_log.is_whole(call) or (
                    is_over and _may_be_over(call, reason, is_done)
                ):
                    self.call_log.end(call)

    def snapshot(self, is_done: bool) -> types.ChatCompletion:
        """The completion as far as it has come; see the base class."""
        completion = types.ChatCompletion(
            choices=[
                self._choices[index].build(self._outcome.finish_reasons[index])
                for index in sorted(self._choices)
            ],
            x_groq=None if self._groq is None else dict(self._groq),
            citations=None if self._citations is None else list(self._citations.values()),
            **self._envelope(),
        )
        self._extra.put_on(completion)
        if is_done:
            # OpenAI's own audio streams, among others, end in [DONE] and give no reason.
            for choice in completion.choices:
                if choice.finish_reason is None:
                    choice.finish_reason = _implied_finish_reason(choice.message)
        return completion


def _may_be_over(call: ToolCall, reason: str | None, is_done: bool) -> bool:
    """Whether an end that the server has told of is that of a call that is no whole JSON."""
    if reason not in (None, "tool_calls", "function_call", "stop"):
        return False  # "length", or a word that nobody knows: it may have been cut off
    if not call.is_json or not call.arguments.has_come():
        return True
    # It is the model's fault, if the server has told in both ways.
    return is_done and reason is not None


def _implied_finish_reason(message: types.ChatCompletionMessage) -> str:
    if message.tool_calls:
        return "tool_calls"
    return "function_call" if message.function_call else "stop"


# Legacy completions.


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
        self.token_ids: list[int] | None = None
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
            # A list of its own, and extended: a new one each time would be quadratic.
            self.token_ids = self.token_ids or []
            self.token_ids += choice.token_ids
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
            token_ids=self.token_ids and list(self.token_ids),
            **self.last,
        )
        self.extra.put_on(choice)
        return choice


class CompletionStreamState(_State[types.Completion, types.Completion]):
    """Folds the chunks of a legacy stream into the final ``text_completion``."""

    _FIRST_COUNTS = fields.each(types.Completion, *_HEAD)
    _REST = fields.Present(types.Completion, ("usage", "prompt_filter_results"))

    def __init__(self) -> None:
        super().__init__()
        self._choices: dict[int, _TextChoice] = {}

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
            self.fold(chunk, None)
        else:
            self.fold(chunk_of(chunk, completion_decoder()), None)

    def fold(self, chunk: types.Completion, payload: bytes | None) -> None:
        """Add the next chunk; see the base class."""
        is_mended = fields.was_mended(chunk)
        for choice in chunk.choices:
            index = choice.index
            folded = self._choices.get(index)
            if folded is None:
                folded = _TextChoice(index)
                self._outcome.finish_reasons[index] = None
                self._choices[index] = folded
            folded.add(choice, is_mended)
            if choice.finish_reason is not None:
                self._outcome.finish_reasons[index] = choice.finish_reason
        self._fold_envelope(chunk)

    def places(self, chunk: types.Completion, varying: dict[Path, int]) -> Offer | None:
        """The texts that further chunks like this one are added to; see the chat's."""
        offer = Offer(varying)
        for position, choice in enumerate(chunk.choices):
            if choice.logprobs is not None or choice.token_ids is not None:
                return None
            offer.is_lasting = False
            folded = self._choices[choice.index]
            offer.text(("choices", position, "text"), folded.text, choice.text)
            extra = fields.extra_of(choice)
            offer.extra(("choices", position, "_extra"), folded.extra, extra)
        if not self._outcome.offer_usage(chunk.usage, offer):
            return None
        if self._REST.of(chunk):
            offer.is_lasting = False
        offer.extra(("_extra",), self._extra, fields.extra_of(chunk))
        return offer if all(map(self._ignores, offer.left)) else None

    def snapshot(self, is_done: bool) -> types.Completion:
        """The completion as far as it has come; see the base class."""
        completion = types.Completion(
            choices=[
                self._choices[index].build(self._outcome.finish_reasons[index])
                for index in sorted(self._choices)
            ],
            **self._envelope(),
        )
        self._extra.put_on(completion)
        if is_done:
            for choice in completion.choices:
                choice.finish_reason = choice.finish_reason or "stop"
        return completion
