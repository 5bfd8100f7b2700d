# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""Folding the events of a Messages stream into the message that the call without streaming returns.

A block of the message is what its start says and what its deltas add: texts that grow, and the
input of a tool as the JSON that it will be. That becomes a value only when the block is
complete: of ``{"age": 3`` nobody knows whether the age is 32.

Most events do not come here: after one delta of a block ``places`` says which text the others go
to, and the reader adds them there (``_stream/reader.py``).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .._stream import fields
from .._stream.fold import Extra, Offer, copied
from .._stream.outcome import Outcome
from .._stream.payload import loads
from .._stream.text import Place, Text
from .._stream.tool_calls import ToolCallLog
from . import types

if TYPE_CHECKING:
    from .._stream.errors import APIError

    Path = tuple[str | int, ...]

__all__ = ["MessageOutcome", "MessageStreamState"]

# What deltas add to, and the kind of block that has each.
_TEXTS = {"text": "text", "thinking": "thinking", "partial_json": "tool_use"}
# What blocks of a kind have whether or not anything of it has come.
_EMPTY: dict[str, dict[str, Any]] = {
    "text": {"text": ""},
    "thinking": {"thinking": "", "signature": ""},
    "tool_use": {"id": "", "name": "", "input": {}},
    "server_tool_use": {"id": "", "name": "", "input": {}},
    "mcp_tool_use": {"id": "", "name": "", "input": {}},
}
# Stop reasons of messages that were cut off: of a tool's input there may be more to come.
_CUT = ("max_tokens", "model_context_window_exceeded", "refusal")
_INPUT_COUNTS = ("input_tokens", "cache_creation_input_tokens", "cache_read_input_tokens")


class MessageOutcome(Outcome[types.Usage]):
    """How a stream ends, and what it used: all that is known of one that is not accumulated."""

    missing = (
        "the stream ended with neither message_stop nor a stop reason: the answer is not whole; "
        "current_message_snapshot has what came of it"
    )

    _COUNTS = fields.Present(types.Usage, types.Usage.__struct_fields__)

    has_failed: bool = False  # whether the server has reported an error

    def ends_with(self, error: APIError) -> bool:
        """An error tells nothing of the message, which is not whole."""
        self.has_failed = True
        return False

    def fold(self, event: types.MessageStreamEvent) -> None:
        """Take the next event."""
        if event.message is not None:
            self._note_usage(event.message.usage)
            self._note_reason(event.message.stop_reason)
        if event.type == "message_delta" and event.delta is not None:
            self._note_reason(event.delta.stop_reason)
        if event.usage is not None:
            self._note_usage(event.usage)
        if event.type == "message_stop":
            self._done = True

    def places(self, event: types.MessageStreamEvent, varying: dict[Path, int]) -> Offer | None:
        """Nothing is kept of the deltas of blocks."""
        return Offer(varying) if event.type == "content_block_delta" else None

    def _note_reason(self, reason: str | None) -> None:
        if reason is not None:
            self._finish_reason = reason

    def _note_usage(self, usage: types.Usage) -> None:
        """The counts so far: each that is said takes the place of the one before it."""
        # Some servers count the input in the first event only, others in the last only, and
        # say zero in the other.
        kept = {"output_tokens"}
        if not any(getattr(usage, name) for name in _INPUT_COUNTS):
            kept.update(_INPUT_COUNTS)
        known = {} if self._usage is None else dict(self._COUNTS.of(self._usage))
        for name, value in self._COUNTS.of(usage):
            if value or name not in known or name not in kept:
                known[name] = value
        extra = {} if self._usage is None else fields.extra_of(self._usage)
        self._usage = types.Usage(**known)
        fields.give_extra(self._usage, {**extra, **fields.extra_of(usage)})


class _Block:
    """A content block as far as it has come."""

    _START = fields.Present(types.ContentBlock, types.ContentBlock.__struct_fields__)
    _DELTA = fields.Present(types.MessageDelta, (*_TEXTS, "signature", "content", "citation"))

    def __init__(self, start: types.ContentBlock) -> None:
        self.start = types.ContentBlock(**dict(self._START.of(start)))
        self.texts: dict[str, Text] = {}
        self.citations: list[Any] = []
        self.extra = Extra()
        self.extra.overwrite(fields.extra_of(start))
        self.is_complete = False
        self.is_call = start.type == "tool_use"
        # As ``tool_calls.py`` has it.
        self.is_json = True
        self.id = start.id or ""
        self.name = start.name or ""
        self.arguments = Text()
        if self.is_call:
            self.texts["partial_json"] = self.arguments

    def text(self, name: str) -> Text:
        """What the deltas of a name add to."""
        text = self.texts.get(name)
        if text is None:
            text = self.texts[name] = Text()
            text.append(getattr(self.start, name) or "")
        return text

    def add(self, delta: types.MessageDelta) -> None:
        for name, value in self._DELTA.of(delta):
            if name in _TEXTS:
                self.text(name).append(value)
            elif name == "citation":
                self.citations.append(value)
            else:
                setattr(self.start, name, value)
        extra = fields.extra_of(delta)
        if extra:
            self.extra.concatenate(extra)

    def input(self) -> dict[str, Any] | None:
        """The input, once all of it has come and if it is a JSON object."""
        if not self.is_complete:
            return None
        text = self.text("partial_json").joined()
        if not text.strip():
            return self.start.input if isinstance(self.start.input, dict) else {}
        try:
            value = loads(text.encode())
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    def build(self) -> types.ContentBlock:
        block: types.ContentBlock = copied(self.start)
        for name, text in self.texts.items():
            setattr(block, name, text.joined())
        if not block.partial_json:
            block.partial_json = None
        if self.citations:
            block.citations = [*(block.citations or ()), *self.citations]
        if block.type.endswith("tool_use"):
            value = self.input()
            if value is not None:
                block.input = value
                block.partial_json = None
        for name, value in _EMPTY.get(block.type, {}).items():
            if getattr(block, name) is None:
                setattr(block, name, copied(value))
        self.extra.put_on(block)
        return block


class _Chosen(Place):
    """Where deltas of several blocks go: the block that the last index has told."""

    def __init__(self, state: MessageStreamState, kind: str) -> None:
        self._state = state
        self._kind = kind
        self.block = _Block(types.ContentBlock(type=kind))

    def append(self, value: int) -> None:
        self.block = self._state.block_at(value, self._kind)


class _TextOfChosen(Place):
    """A text of that block."""

    def __init__(self, chosen: _Chosen, name: str) -> None:
        self._chosen = chosen
        self._name = name

    def append(self, value: str) -> None:
        self._chosen.block.text(self._name).append(value)


class MessageStreamState(MessageOutcome):
    """Folds the events of a Messages stream into the final message.

        state = MessageStreamState()
        for event in stream:
            state.handle_event(event)
        message = state.get_final_message()

    What never came is ``""`` or ``0``, so that Anthropic's ``Message`` accepts
    ``message.to_dict()``. Only a stop reason is left as it is, and the input of a tool that the
    stream has cut off: it stays what the block began with, and ``partial_json`` has its text.
    """

    # It has no text of its own: the message's is all there is.
    refusal = ""

    def __init__(self) -> None:
        self._head = types.Message()
        self._extra = Extra()
        self._blocks: list[_Block] = []
        self._by_index: dict[int, _Block] = {}
        self._current: _Block | None = None
        self.call_log = ToolCallLog()

    def note_error(self) -> None:
        """A tool call that is not over by now never is."""
        self.call_log.break_off()

    @property
    def id(self) -> str:
        """The ID; "" where none has come."""
        return self._head.id

    @property
    def model(self) -> str:
        """The model, as the server calls it; "" where it has not told."""
        return self._head.model

    @property
    def text(self) -> str:
        """The text so far: that of all text blocks."""
        return self._joined("text")

    @property
    def reasoning(self) -> str:
        """The thinking so far."""
        return self._joined("thinking")

    def _joined(self, name: str) -> str:
        return "".join(
            block.text(name).joined() for block in self._blocks if block.start.type == name
        )

    def handle_event(self, event: types.MessageStreamEvent) -> None:
        """Add the next event."""
        self.fold(event)

    def fold(self, event: types.MessageStreamEvent) -> None:
        """Add the next event of a stream, which nobody has seen yet; see ``handle_event``."""
        if event.type == "content_block_delta":
            delta = event.delta
            if delta is not None:
                block = self._block_of(event, _kind_of(delta))
                block.add(delta)
                if block.is_call:
                    self.call_log.grew(block)
            return
        super().fold(event)
        if event.message is not None:
            self._begin(event.message)
        if event.content_block is not None:
            self._open(event.index, event.content_block)
        elif event.type == "content_block_stop":
            self._complete(self._block_of(event, ""))
        elif event.type == "message_delta":
            self._end(event)
        if event.type == "message_stop":
            self._complete_all()
            self._end_calls()
            self._extra.overwrite(fields.extra_of(event))

    @property
    def current_message_snapshot(self) -> types.Message:
        """The message as far as it has come; each time a new one."""
        return self.snapshot(False)

    def get_final_message(self) -> types.Message:
        """The message. It is not checked whether the stream has ended."""
        return self.snapshot(False)

    def places(self, event: types.MessageStreamEvent, varying: dict[Path, int]) -> Offer | None:
        """The text that further deltas like this one, the last event, are added to."""
        self.call_log.settle()
        delta = event.delta
        if event.type != "content_block_delta" or delta is None:
            return None
        if delta.citation is not None or delta.signature is not None or delta.content is not None:
            return None
        offer = Offer(varying)
        offer.is_lasting = False
        kind = _kind_of(delta)
        number = offer.left.pop(("index",), None)
        if number is not None:
            # Of several blocks, one after another; the index comes first.
            chosen = _Chosen(self, kind)
            offer.places.append((chosen, number))
            for name in _TEXTS:
                number = offer.left.pop(("delta", name), None)
                if number is not None:
                    offer.places.append((_TextOfChosen(chosen, name), number))
                elif getattr(delta, name):
                    return None
        else:
            block = self._block_of(event, kind)
            for name in _TEXTS:
                value = getattr(delta, name)
                if value is not None:
                    offer.place(("delta", name), block.text(name), value)
            if block.is_call:
                self.call_log.may_grow(block)
        offer.left.pop(("delta", "estimated_tokens"), None)
        return None if offer.left or fields.extra_of(delta) else offer

    def end_tool_calls(self, is_done: bool) -> None:
        """They have ends of their own."""

    def snapshot(self, is_done: bool) -> types.Message:
        """The message as far as it has come; each time a new one.

        Args:
            is_done: makes no difference: a message says itself why it ended.
        """
        message: types.Message = copied(self._head)
        message.content = [block.build() for block in self._blocks]
        message.stop_reason = self.finish_reason
        message.usage = copied(self.usage) if self.usage is not None else types.Usage()
        message.usage.input_tokens = message.usage.input_tokens or 0
        message.usage.output_tokens = message.usage.output_tokens or 0
        self._extra.put_on(message)
        return message

    def _begin(self, message: types.Message) -> None:
        head = self._head
        for name in head.__struct_fields__:
            value = getattr(message, name)
            if value and name not in ("content", "usage"):
                setattr(head, name, copied(value))
        self._extra.overwrite(fields.extra_of(message))
        self._by_index.clear()
        for block in message.content:
            self._open(None, block)
            self._complete_all()
        if message.stop_reason is not None:
            self._end_calls()

    def _end(self, event: types.MessageStreamEvent) -> None:
        delta = event.delta
        if delta is not None:
            for name in ("stop_sequence", "stop_details", "container"):
                value = getattr(delta, name)
                if value is not None:
                    setattr(self._head, name, copied(value))
            self._extra.overwrite(fields.extra_of(delta))
            if delta.stop_reason is not None:
                self._complete_all()
                self._end_calls()
        if event.context_management is not None:
            self._head.context_management = event.context_management
        self._extra.overwrite(fields.extra_of(event))

    def _open(self, index: int | None, start: types.ContentBlock) -> _Block:
        # Blocks come one after another: where one begins the one before it is complete.
        self._complete_all()
        before = self._current
        if before is not None and before.is_call and not before.arguments.has_come():
            self.call_log.end(before)
        block = self._current = _Block(start)
        if block.is_call:
            self.call_log.begin(block)
        self._blocks.append(block)
        self._by_index[len(self._blocks) - 1 if index is None else index] = block
        return block

    def block_at(self, index: int, kind: str) -> _Block:
        """The block with an index, to which something is added; one of a kind where it has none."""
        block = self._by_index.get(index) or self._open(index, types.ContentBlock(type=kind))
        if block.is_call:
            self.call_log.grew(block)
        return block

    def _block_of(self, event: types.MessageStreamEvent, kind: str) -> _Block:
        """The block that an event is about; one of a kind is opened where it has no start."""
        index = event.index
        block = self._current if index is None else self._by_index.get(index)
        return block or self._open(event.index, types.ContentBlock(type=kind))

    def _complete_all(self) -> None:
        if self._current is not None:
            self._complete(self._current)

    def _complete(self, block: _Block) -> None:
        """The block is over; its input may have been cut off all the same."""
        block.is_complete = True
        if block.is_call:
            whole = block.start.input
            if isinstance(whole, dict) and whole and not block.arguments.has_come():
                block.arguments.append(json.dumps(whole, ensure_ascii=False))
                self.call_log.grew(block)
            self.call_log.leave(block)

    def _end_calls(self) -> None:
        """The message is over: unless it was cut off, so are its calls, whatever they have."""
        if self.finish_reason not in _CUT:
            for block in self._blocks:
                if block.is_call:
                    self.call_log.end(block)


def _kind_of(delta: types.MessageDelta) -> str:
    """The kind of block that a delta is for, going by what it has."""
    return next((kind for name, kind in _TEXTS.items() if getattr(delta, name) is not None), "")
