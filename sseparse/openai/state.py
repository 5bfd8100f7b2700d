# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""Folding the chunks of a stream into the object that the call without streaming returns.

Everything here takes time in proportion to the length of the stream, and memory in proportion to
the final object: see ``Text``.

Most chunks of most streams do not come here: after one chunk of a kind ``places`` says which
texts the others of that kind go to, and the reader adds them there (``_stream/reader.py``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .._stream import fields
from .._stream.fold import Extra, Last, Offer, settled
from .._stream.model import settle
from .._stream.tool_calls import ToolCallLog
from . import types
from .choice import ChatChoice
from .decode import chat_decoder, chunk_of
from .mend import message_beside
from .outcome import CompletionOutcome
from .whole_messages import WholeMessages

if TYPE_CHECKING:
    from typing import Protocol

    from .parts import ToolCall

    Path = tuple[str | int, ...]

    class Dumping(Protocol):
        """A chunk of the openai package."""

        def model_dump(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
            """Its fields, as pydantic's models give them."""
            ...


__all__ = ["HEAD", "ChatCompletionStreamState", "CompletionState"]

ChunkT = TypeVar("ChunkT", types.ChatCompletionChunk, types.Completion)
FinalT = TypeVar("FinalT", types.ChatCompletion, types.Completion)

# What every chunk says of its stream.
HEAD = ("id", "model", "created", "system_fingerprint")
_CHAT_HEAD = (*HEAD, "service_tier", "provider")
# What is looked at in every chunk.
_CHOICES = fields.Field(types.ChatCompletionChunk, "choices")
_INDEX, _FINISH_REASON = fields.each(types.Choice, "index", "finish_reason")


class CompletionState(CompletionOutcome, Generic[ChunkT, FinalT]):
    """What both kinds of completion have in common: everything outside the choices."""

    # Fields of a chunk that the final object has as they came first ...
    _FIRST_COUNTS: fields.Present
    # ... and the others outside the choices, most of which it has as they came last.
    _REST: fields.Present

    def __init__(self) -> None:
        super().__init__()
        self._first: dict[str, Any] = {}
        self._last: dict[str, Last[Any]] = {}
        self._extra = Extra()

    def fold(self, chunk: ChunkT) -> None:
        """Add the next chunk of a stream, which nobody has seen yet.

        Args:
            chunk: the chunk.
        """
        raise NotImplementedError

    @property
    def id(self) -> str:
        """The ID so far; "" where none has come."""
        return settled(self._first.get("id", ""))  # type: ignore[no-any-return]

    @property
    def model(self) -> str:
        """The model, as the server calls it; "" where it has not told."""
        return settled(self._first.get("model", ""))  # type: ignore[no-any-return]

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
        first = self._first
        if len(first) < len(self._FIRST_COUNTS.names):
            for name, value in self._FIRST_COUNTS.of(chunk):
                if value and name not in first:
                    first[name] = value
        for name, value in self._REST.of(chunk):
            self._fold_field(chunk, name, value)
        extra = fields.extra_of(chunk)
        if extra:
            self._extra.overwrite(extra)

    def _fold_field(self, chunk: ChunkT, name: str, value: Any) -> None:
        if name == "usage":
            self._note_usage(chunk)
        else:
            if name not in self._last:
                self._last[name] = Last(name)
            self._last[name].note(value)

    def _offer_envelope(self, chunk: ChunkT, offer: Offer) -> bool:
        """Offer what such chunks are added to outside their choices; whether that is all to do."""
        if not self._last_usage.offer(chunk.usage, offer):
            return False
        for name, value in self._REST.of(chunk):
            offer.is_lasting = False
            if name in self._last and not self._last[name].offer(value, offer):
                return False
        offer.extra(("_extra",), self._extra, fields.extra_of(chunk))
        return all(map(self._ignores, offer.left))

    def _envelope(self) -> dict[str, Any]:
        first = {name: settled(value) for name, value in self._first.items()}
        if not isinstance(first.get("created", 0), int):
            del first["created"]
        last = {name: settled(last.value) for name, last in self._last.items()}
        return {**first, **last, "usage": settled(self.usage)}

    def _ignores(self, path: Path) -> bool:
        """Whether the value at a path of a chunk makes no difference any more."""
        if "_extra" in path:
            # Some servers send the whole message so far with every delta.
            return path[:1] == ("choices",) and path[2:4] == ("_extra", "message")
        return path[0] in ("obfuscation", "p") or path[0] in self._first


class ChatCompletionStreamState(CompletionState[types.ChatCompletionChunk, types.ChatCompletion]):
    """Folds the chunks of a chat stream into the final ``chat.completion``.

        state = ChatCompletionStreamState()
        for chunk in stream:
            state.handle_chunk(chunk)
        completion = state.get_final_completion()

    What never came is ``""`` or ``0``, so that the openai package's ``ChatCompletion``
    accepts ``completion.to_dict()``. Only a finish reason is left as it is: None where the
    stream was cut off, or a word that openai does not know.
    """

    _FIRST_COUNTS = fields.Present(types.ChatCompletionChunk, _CHAT_HEAD)
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
        self._choices: dict[int, ChatChoice] = {}
        self.call_log = ToolCallLog()
        self._messages = WholeMessages()

    @property
    def text(self) -> str:
        """The first choice's text so far."""
        return self._message.content or ""

    @property
    def reasoning(self) -> str:
        """The first choice's reasoning so far, whichever name it came under."""
        return self._message.reasoning_text or ""

    @property
    def refusal(self) -> str:
        """The first choice's refusal so far."""
        return self._message.refusal or ""

    @property
    def _message(self) -> types.ChatCompletionMessage:
        if not self._choices:
            return types.ChatCompletionMessage()
        return self._choices[min(self._choices)].message()

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
            self._add(chunk, None)  # it may have been changed
        else:
            self.fold(chunk_of(chunk, chat_decoder()))

    def fold(self, chunk: types.ChatCompletionChunk) -> None:
        """Add the next chunk; see the base class."""
        self._add(chunk, None if fields.was_mended(chunk) else fields.payload_of(chunk))

    def _add(self, chunk: types.ChatCompletionChunk, payload: bytes | None) -> None:
        """Add the next chunk.

        Args:
            chunk: the chunk.
            payload: where it is given, it says what the chunk says.
        """
        is_mended = fields.was_mended(chunk)
        for choice in _CHOICES.of(chunk):
            index = _INDEX.of(choice)
            folded = self._choices.get(index)
            if folded is None:
                folded = ChatChoice(index, self.call_log)
                # In this order: whoever has a choice asks for its finish reason.
                self._finish_reasons[index] = None
                self._choices[index] = folded
            message = message_beside(choice) if fields.extra_of(choice) else None
            if message is not None:
                is_other = self._messages.say(choice, message, folded.has_said)
                if folded.logprobs is not None and choice.logprobs is not None:
                    choice.logprobs = None
                    is_other = True
                if is_other:
                    settle(chunk)
                    payload = None
            elif self._messages.texts:
                self._messages.forget(choice)
            folded.add(choice, is_mended, payload)
            finish_reason = _FINISH_REASON.of(choice)
            if finish_reason is not None:
                self._finish_reasons[index] = finish_reason
                if folded.tool_calls is not None:
                    folded.may_go_on = bool(choice.delta.tool_calls)
                    folded.tool_calls.leave()
        self._fold_envelope(chunk)

    def _fold_field(self, chunk: types.ChatCompletionChunk, name: str, value: Any) -> None:
        if name == "x_groq":
            # The first chunk has the request's id and seed there, the last one the usage.
            self._groq = {**(self._groq or {}), **value} if isinstance(value, dict) else self._groq
            self._note_usage(chunk)
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
        is_mended = fields.was_mended(chunk)
        self.call_log.settle()
        if self._messages.texts:
            return None
        for position, choice in enumerate(chunk.choices):
            folded = self._choices[choice.index]
            if not folded.offer(choice, ("choices", position), offer, is_mended):
                return None
        return offer if self._offer_envelope(chunk, offer) else None

    def note_error(self) -> None:
        """A tool call that is not over by now never is."""
        self.call_log.break_off()

    def end_tool_calls(self, is_done: bool) -> None:
        """The stream has ended, by ``[DONE]`` or without: note which calls are over by that."""
        for index, choice in self._choices.items():
            reason = self._finish_reasons[index]
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
                self._choices[index].build(self._finish_reasons[index])
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
