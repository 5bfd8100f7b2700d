# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""Folding the events of a Responses stream into the response that the call without it returns.

The last event has the whole response, and that is the final one. Where its output is empty, as
some servers leave it, or where no last event comes, the output is what the events before it have
said. An item of it is what its ``added`` says, with the deltas, until its ``done`` says all of it
again.

Items are told by ``output_index``: ids change from event to event on some servers. Most events do
not come here: after one delta ``places`` says which text the others go to, and the reader adds
them there (``_stream/reader.py``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream import fields
from .._stream.fold import Offer, copied
from .._stream.mend import mended
from .._stream.outcome import Outcome
from .._stream.text import Text
from .._stream.tool_calls import ToolCallLog
from . import responses_types as types

if TYPE_CHECKING:
    from .._stream.errors import APIError

    Path = tuple[str | int, ...]

__all__ = ["ResponseOutcome", "ResponseStreamState"]

# For each delta: the field of the item that it is a piece of, and where that is a list of parts
# the field and the kind of the part.
_DELTAS: dict[str, tuple[str, str, str]] = {
    "response.output_text.delta": ("content", "text", "output_text"),
    "response.refusal.delta": ("content", "refusal", "refusal"),
    "response.reasoning_text.delta": ("content", "text", "reasoning_text"),
    "response.reasoning_summary_text.delta": ("summary", "text", "summary_text"),
    "response.function_call_arguments.delta": ("arguments", "", "function_call"),
    "response.mcp_call_arguments.delta": ("arguments", "", "mcp_call"),
    "response.custom_tool_call_input.delta": ("input", "", "custom_tool_call"),
    "response.code_interpreter_call_code.delta": ("code", "", "code_interpreter_call"),
}
# The same of what says a whole text once more: the event's own field, and that of the delta.
_DONES = {
    "response.output_text.done": ("text", "response.output_text.delta"),
    "response.refusal.done": ("refusal", "response.refusal.delta"),
    "response.reasoning_text.done": ("text", "response.reasoning_text.delta"),
    "response.reasoning_summary_text.done": ("text", "response.reasoning_summary_text.delta"),
    "response.function_call_arguments.done": (
        "arguments",
        "response.function_call_arguments.delta",
    ),
    "response.mcp_call_arguments.done": ("arguments", "response.mcp_call_arguments.delta"),
    "response.custom_tool_call_input.done": ("input", "response.custom_tool_call_input.delta"),
    "response.code_interpreter_call_code.done": (
        "code",
        "response.code_interpreter_call_code.delta",
    ),
}
_CALLS = ("function_call", "custom_tool_call")
_LAST = ("response.completed", "response.incomplete", "response.failed")
# What items of a kind, and parts of one, have whether or not it has come.
_ITEMS: dict[str, dict[str, Any]] = {
    "message": {"id": "", "role": "assistant", "content": [], "status": "in_progress"},
    "reasoning": {"id": "", "summary": []},
    "function_call": {"call_id": "", "name": "", "arguments": ""},
    "custom_tool_call": {"call_id": "", "name": "", "input": ""},
}
_PARTS: dict[str, dict[str, Any]] = {
    "output_text": {"text": "", "annotations": []},
    "refusal": {"refusal": ""},
    "reasoning_text": {"text": ""},
    "summary_text": {"text": ""},
}


class ResponseOutcome(Outcome[types.ResponseUsage]):
    """How a stream ends, and what it used: all that is known of one that is not accumulated."""

    missing = (
        "the stream ended with none of response.completed, response.incomplete and "
        "response.failed: the answer is not whole; current_response_snapshot has what came of it"
    )

    has_calls: bool = False  # whether a tool has been called that is not the server's own

    def fold(self, event: types.ResponseStreamEvent) -> None:
        """Take the next event."""
        if event.item is not None and event.item.type in _CALLS:
            self.has_calls = True
        if event.response is not None:
            self.has_calls |= any(item.type in _CALLS for item in event.response.output)
            self._usage = event.response.usage or self._usage
            if event.type in _LAST:
                self._done = True
                self._finish_reason = _reason_of(event.response, event.type)

    def ends_with(self, error: APIError) -> bool:
        """A response that has failed is whole; another error tells nothing of it."""
        failed = failed_in(error)
        if failed is not None:
            self.fold(failed)
        return failed is not None

    def places(self, event: types.ResponseStreamEvent, varying: dict[Path, int]) -> Offer | None:
        """Nothing is kept of deltas."""
        return Offer(varying) if event.response is None else None


def _reason_of(response: types.Response, event_type: str) -> str:
    """Why a response ended: its status, or what an incomplete one gives as its reason."""
    details = response.incomplete_details
    if event_type == "response.incomplete" and isinstance(details, dict) and details.get("reason"):
        return str(details["reason"])
    return event_type.partition(".")[2]


def failed_in(error: APIError) -> types.ResponseStreamEvent | None:
    """The event that reported an error, where it is a response that has failed."""
    body = error.body
    if not isinstance(body, dict):
        return None
    response = body if body.get("object") == "response" else body.get("response")
    if not isinstance(response, dict):
        return None
    response = mended(types.Response, response)
    return types.ResponseStreamEvent(type="response.failed", response=response)


class _Item:
    """An item of the output as far as it has come."""

    # What a ``done`` that leaves it empty does not take back.
    _LASTING = fields.Present(types.ResponseOutputItem, ("id", "call_id", "name", "role"))

    def __init__(self, item: types.ResponseOutputItem) -> None:
        self.item: types.ResponseOutputItem = copied(item)
        # The parts of its lists, by the field and their index: there may be gaps.
        self.parts: dict[tuple[str, int], types.ResponseContentPart] = {}
        # What deltas add to: by the field, the index of the part and the field of that.
        self.texts: dict[tuple[str, int, str], Text] = {}
        self._take_parts()
        self.is_call = item.type in _CALLS
        # As ``tool_calls.py`` has it.
        self._take_names()
        self.is_json = item.type == "function_call"
        self.arguments = Text()
        if self.is_call:
            field = "arguments" if self.is_json else "input"
            begun = getattr(item, field)
            self.arguments.append(begun if isinstance(begun, str) else "")
            self.texts[field, 0, ""] = self.arguments

    def _take_names(self) -> None:
        # The result of a call refers to its call_id.
        self.id = self.item.call_id or self.item.id or ""
        self.name = self.item.name or ""

    def _take_parts(self) -> None:
        for field in ("content", "summary"):
            for index, part in enumerate(getattr(self.item, field) or ()):
                self.parts[field, index] = part

    def text(self, event: types.ResponseStreamEvent, delta_type: str) -> Text:
        """What the deltas of a type, and of the event's part, are added to."""
        field, name, kind = _DELTAS[delta_type]
        index = (event.summary_index if field == "summary" else event.content_index) or 0
        key = (field, index if name else 0, name)
        text = self.texts.get(key)
        if text is None:
            text = self.texts[key] = Text()
            begun = getattr(self.part(field, index, kind) if name else self.item, name or field)
            text.append(begun if isinstance(begun, str) else "")
        return text

    def part(self, field: str, index: int, kind: str) -> types.ResponseContentPart:
        """A part of a list; one of a kind where it has not begun."""
        part = self.parts.get((field, index))
        if part is None:
            part = self.parts[field, index] = types.ResponseContentPart(type=kind)
        return part

    def finish(self, item: types.ResponseOutputItem) -> None:
        """The item is said once more, as a whole."""
        begun, self.item = self.item, copied(item)
        for name, value in self._LASTING.of(begun):
            setattr(self.item, name, getattr(self.item, name) or value)
        for field in ("content", "summary", "arguments", "input", "code"):
            if getattr(self.item, field):
                self.texts = {key: text for key, text in self.texts.items() if key[0] != field}
                self.parts = {key: part for key, part in self.parts.items() if key[0] != field}
        self._take_parts()
        self._take_names()
        said = self.item.arguments if self.is_json else self.item.input
        if self.is_call and isinstance(said, str) and not self.arguments.has_come():
            self.arguments.append(said)

    def build(self) -> types.ResponseOutputItem:
        item: types.ResponseOutputItem = copied(self.item)
        for field in ("content", "summary"):
            indexes = sorted(index for name, index in self.parts if name == field)
            if indexes:
                setattr(item, field, [self._build_part(field, index) for index in indexes])
        for (field, _, name), text in self.texts.items():
            if not name:
                setattr(item, field, text.joined())
        return item

    def _build_part(self, field: str, index: int) -> types.ResponseContentPart:
        part: types.ResponseContentPart = copied(self.parts[field, index])
        for name in ("text", "refusal"):
            text = self.texts.get((field, index, name))
            if text is not None:
                setattr(part, name, text.joined())
        return part


class ResponseStreamState(ResponseOutcome):
    """Folds the events of a Responses stream into the final response.

        state = ResponseStreamState()
        for event in stream:
            state.handle_event(event)
        response = state.get_final_response()

    What never came is ``""`` or ``0``, so that the openai package's ``Response`` accepts
    ``response.to_dict()``.
    """

    def __init__(self) -> None:
        self._response: types.Response | None = None
        self._items: dict[int, _Item] = {}
        self._by_id: dict[str, _Item] = {}
        self._current: _Item | None = None
        self.call_log = ToolCallLog()

    def note_error(self) -> None:
        """A tool call that is not over by now never is."""
        self.call_log.break_off()

    @property
    def id(self) -> str:
        """The ID; "" where none has come."""
        return "" if self._response is None else self._response.id

    @property
    def model(self) -> str:
        """The model, as the server calls it; "" where it has not told."""
        return "" if self._response is None else self._response.model

    @property
    def text(self) -> str:
        """The text of the output so far."""
        return self.snapshot(False).output_text

    @property
    def refusal(self) -> str:
        """The refusal so far."""
        return "".join(part.refusal or "" for part in self._parts("message", "content"))

    @property
    def reasoning(self) -> str:
        """The reasoning so far; its summary where that is all that is told of it."""
        told = "".join(part.text or "" for part in self._parts("reasoning", "content"))
        return told or "".join(part.text or "" for part in self._parts("reasoning", "summary"))

    def _parts(self, kind: str, field: str) -> list[types.ResponseContentPart]:
        items = self.snapshot(False).output
        return [part for item in items if item.type == kind for part in getattr(item, field) or ()]

    def handle_event(self, event: types.ResponseStreamEvent) -> None:
        """Add the next event."""
        self.fold(event)

    def fold(self, event: types.ResponseStreamEvent) -> None:
        """Add the next event of a stream, which nobody has seen yet; see ``handle_event``."""
        event_type = event.type
        if event_type in _DELTAS:
            if isinstance(event.delta, str):
                item = self._item_of(event, _DELTAS[event_type][2])
                item.text(event, event_type).append(event.delta)
                if item.is_call:
                    self.call_log.grew(item)
                if event.logprobs:
                    part = item.part("content", event.content_index or 0, "output_text")
                    part.logprobs = _longer(part.logprobs, event.logprobs)
        elif event_type in _DONES:
            name, delta_type = _DONES[event_type]
            value = getattr(event, name)
            item = self._item_of(event, _DELTAS[delta_type][2])
            text = item.text(event, delta_type)
            if isinstance(value, str) and not text.has_come():
                text.append(value)
            if item.is_call:
                self.call_log.grew(item)  # its item's own ``done`` is still to come
        elif event.response is not None:
            super().fold(event)
            self._response = event.response
            if event_type == "response.completed":
                self._end_calls(event.response)
        elif event.item is not None:
            super().fold(event)
            self._add_item(event, event.item)
        elif event.part is not None:
            is_summary = event.summary_index is not None
            index = event.summary_index if is_summary else event.content_index
            item = self._item_of(event, "reasoning" if is_summary else "message")
            item.parts["summary" if is_summary else "content", index or 0] = copied(event.part)
        elif event.annotation is not None:
            item = self._item_of(event, "message")
            part = item.part("content", event.content_index or 0, "output_text")
            part.annotations = _longer(part.annotations, [event.annotation])

    @property
    def current_response_snapshot(self) -> types.Response:
        """The response as far as it has come; each time a new one."""
        return self.snapshot(False)

    def get_final_response(self) -> types.Response:
        """The response. It is not checked whether the stream has ended."""
        return self.snapshot(False)

    def places(self, event: types.ResponseStreamEvent, varying: dict[Path, int]) -> Offer | None:
        """The text that further deltas like this one, the last event, are added to."""
        self.call_log.settle()
        if event.type not in _DELTAS or event.logprobs or not isinstance(event.delta, str):
            return None
        offer = Offer(varying)
        offer.is_lasting = False
        item = self._item_of(event, "")
        offer.place(("delta",), item.text(event, event.type), event.delta)
        if item.is_call:
            self.call_log.may_grow(item)
        for name in ("sequence_number", "obfuscation"):
            offer.left.pop((name,), None)
        if event.output_index is not None:
            offer.left.pop(("item_id",), None)
        return None if offer.left else offer

    def end_tool_calls(self, is_done: bool) -> None:
        """They have ends of their own."""

    def snapshot(self, is_done: bool) -> types.Response:
        """The response as far as it has come; each time a new one.

        Args:
            is_done: makes no difference: a response says itself why it ended.
        """
        response: types.Response = copied(self._response or types.Response())
        if not self.done or not response.output:
            response.output = [self._items[index].build() for index in sorted(self._items)]
        _complete(response)
        return response

    def _add_item(
        self, event: types.ResponseStreamEvent, received: types.ResponseOutputItem
    ) -> None:
        if event.type == "response.output_item.done":
            item = self._item_of(event, received.type)
            item.finish(received)
            if item.is_call:
                self.call_log.grew(item)
                if received.status != "incomplete":
                    self.call_log.end(item)
        else:
            self._begin(event.output_index, received)

    def _begin(self, index: int | None, received: types.ResponseOutputItem) -> _Item:
        if index is None:
            index = max(self._items, default=-1) + 1
        before = self._current
        if before is not None and before.is_call:
            self.call_log.leave(before)
        item = self._current = self._items[index] = _Item(received)
        if received.id:
            self._by_id[received.id] = item
        if item.is_call:
            self.call_log.begin(item)
        return item

    def _item_of(self, event: types.ResponseStreamEvent, kind: str) -> _Item:
        """The item that an event is about; one of a kind is begun where none is known."""
        item: _Item | None
        if event.output_index is not None:
            item = self._items.get(event.output_index)
        else:
            item = self._by_id.get(event.item_id or "") or self._current
        if item is None:
            received = types.ResponseOutputItem(type=_ITEM_OF_PART.get(kind, kind))
            received.id = event.item_id
            item = self._begin(event.output_index, received)
        return item

    def _end_calls(self, response: types.Response) -> None:
        """The response is whole: so are its calls, and those that no event has told of."""
        if not self._items:
            for item in response.output:
                self._begin(None, item)
        for known in self._items.values():
            if known.is_call:
                self.call_log.end(known)


def _longer(known: list[Any] | None, given: list[Any]) -> list[Any]:
    """A list with more in it: the same one, or it would take quadratic time."""
    known = [] if known is None else known
    known += given
    return known


_ITEM_OF_PART = {
    "output_text": "message",
    "refusal": "message",
    "reasoning_text": "reasoning",
    "summary_text": "reasoning",
}


def _complete(response: types.Response) -> None:
    """Let what never came be there, as the openai package demands it."""
    _fill(response, {"tool_choice": "auto", "tools": [], "parallel_tool_calls": True})
    usage = response.usage
    if usage is not None:
        usage.input_tokens_details = usage.input_tokens_details or types.InputTokensDetails()
        usage.output_tokens_details = usage.output_tokens_details or types.OutputTokensDetails()
        _fill(usage.input_tokens_details, {"cached_tokens": 0, "cache_write_tokens": 0})
        _fill(usage.output_tokens_details, {"reasoning_tokens": 0})
    for item in response.output:
        _fill(item, _ITEMS.get(item.type, {}))
        for part in [*(item.content or ()), *(item.summary or ())]:
            _fill(part, _PARTS.get(part.type, {}))


def _fill(item: Any, values: dict[str, Any]) -> None:
    for name, value in values.items():
        if getattr(item, name) is None:
            setattr(item, name, copied(value))
