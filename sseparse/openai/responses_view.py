"""The Responses API in the view of all: what its words become there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream.pieces import CallPieces
from .._stream.text import Text
from .._stream.view import Piece, PieceKind, Usage, ViewedAPI
from . import responses_types as types
from .responses import RESPONSES, news_of, text_of, turns_of

if TYPE_CHECKING:
    from .responses_state import ResponseStreamState

__all__ = ["VIEWED_RESPONSES"]

_FINISH_REASONS = {
    "completed": "stop",
    "max_output_tokens": "length",
    "content_filter": "content_filter",
    "failed": "error",
}

# What deltas, and the events that say the whole of their text once more, are pieces of: the kind
# of piece, the field of the item, and the event's own field for the whole.
_TEXTS: dict[str, tuple[PieceKind, str, str]] = {
    "response.output_text": ("text", "content", "text"),
    "response.refusal": ("refusal", "content", "refusal"),
    "response.reasoning_text": ("reasoning", "content", "text"),
    "response.reasoning_summary_text": ("reasoning", "summary", "text"),
}
_INPUTS = {
    "response.function_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
}
# The same of an item's parts, by their type.
_PARTS: dict[str, tuple[PieceKind, str, str]] = {
    "output_text": ("text", "content", "text"),
    "refusal": ("refusal", "content", "refusal"),
    "reasoning_text": ("reasoning", "content", "text"),
    "summary_text": ("reasoning", "summary", "text"),
}
_CALLS = {"function_call": "arguments", "custom_tool_call": "input"}


def _error_payload(
    message: str, code: str | int | None, type: str | None
) -> tuple[str | None, dict[str, Any]]:
    """The event of OpenAI's documentation, and the object that its package looks for."""
    error = {"message": message, "code": code, "param": None}
    event = {"type": "error", "sequence_number": 0, **error}
    return "error", {**event, "error": {"type": type, **error}}


class _Item:
    """An item of the output as far as it has been told in pieces."""

    def __init__(self, call: CallPieces | None) -> None:
        self.call = call
        self.id = ""
        self.name = ""
        self.input = Text()
        # Of which parts anything has been told, and how much of all parts of a kind.
        self.told: set[tuple[str, int]] = set()
        self.lengths: dict[tuple[str, PieceKind], int] = {}

    def pieces(self) -> list[Piece]:
        return self.call.of(self.id, self.name, self.input) if self.call is not None else []


class ResponseView:
    """One stream.

    Args:
        state: what its events come to.
    """

    def __init__(self, state: ResponseStreamState) -> None:
        self._state = state
        self._items: dict[int, _Item] = {}
        self._by_id: dict[str, _Item] = {}
        self._current: _Item | None = None
        self._calls = 0

    choice = 0
    text_of = staticmethod(text_of)
    turns_of = staticmethod(turns_of)
    news_of = staticmethod(news_of)

    def pieces_of(self, event: types.ResponseStreamEvent) -> list[Piece]:
        """What is said once more, whole, is told only where nothing of it was said before."""
        name, _, what = event.type.rpartition(".")
        if name in _TEXTS and what in ("delta", "done"):
            kind, field, whole = _TEXTS[name]
            item = self._item_of(event, False)
            text = event.delta if what == "delta" else getattr(event, whole)
            index = event.summary_index if field == "summary" else event.content_index
            return self._say(item, kind, (field, index or 0), text, what == "delta")
        if name in _INPUTS and what in ("delta", "done"):
            item = self._item_of(event, True)
            text = event.delta if what == "delta" else getattr(event, _INPUTS[name])
            if isinstance(text, str) and (what == "delta" or not item.input.has_come()):
                item.input.append(text)
            return item.pieces()
        if event.item is not None:
            is_call = event.item.type in _CALLS
            if what == "done":
                return self._whole(self._item_of(event, is_call), event.item)
            return self._whole(self._begin(event, event.item, is_call), event.item)
        if event.part is not None:
            if event.part.type not in _PARTS:
                return []
            kind, field, whole = _PARTS[event.part.type]
            index = event.summary_index if field == "summary" else event.content_index
            text = getattr(event.part, whole)
            return self._say(self._item_of(event, False), kind, (field, index or 0), text, False)
        if event.response is not None and not self._items:
            # Nothing else has said any of it.
            found: list[Piece] = []
            for index, received in enumerate(event.response.output):
                begun = self._items[index] = self._make(received.type in _CALLS)
                found += self._whole(begun, received)
            return found
        return []

    def _say(
        self, item: _Item, kind: PieceKind, place: tuple[str, int], text: Any, is_more: bool
    ) -> list[Piece]:
        if not isinstance(text, str) or not text or not (is_more or place not in item.told):
            return []
        item.told.add(place)
        field, _ = place
        item.lengths[field, kind] = item.lengths.get((field, kind), 0) + len(text)
        return [Piece(kind, text)]

    def _whole(self, item: _Item, received: types.ResponseOutputItem) -> list[Piece]:
        """An item as it begins, or once more when it is done."""
        if item.call is not None:
            item.id = item.id or received.call_id or received.id or ""
            item.name = item.name or received.name or ""
            given = getattr(received, _CALLS.get(received.type, "arguments"))
            if isinstance(given, str) and not item.input.has_come():
                item.input.append(given)
            return item.pieces()
        # Not by their places: on some servers the events count the parts otherwise.
        wholes: dict[tuple[str, PieceKind], str] = {}
        for part in (*(received.summary or ()), *(received.content or ())):
            if part.type in _PARTS:
                kind, field, name = _PARTS[part.type]
                wholes[field, kind] = wholes.get((field, kind), "") + (getattr(part, name) or "")
        found: list[Piece] = []
        for (field, kind), whole in wholes.items():
            rest = whole[item.lengths.get((field, kind), 0) :]
            found += self._say(item, kind, (field, 0), rest, True)
        return found

    def _item_of(self, event: types.ResponseStreamEvent, is_call: bool) -> _Item:
        """The item that an event is about, as the state finds it."""
        item: _Item | None
        if event.output_index is not None:
            item = self._items.get(event.output_index)
        else:
            item = self._by_id.get(event.item_id or "") or self._current
        return item or self._begin(event, None, is_call)

    def _begin(
        self,
        event: types.ResponseStreamEvent,
        received: types.ResponseOutputItem | None,
        is_call: bool,
    ) -> _Item:
        index = event.output_index
        if index is None:
            index = max(self._items, default=-1) + 1
        item = self._current = self._items[index] = self._make(is_call)
        item.id = "" if received is not None else event.item_id or ""
        id = event.item_id if received is None else received.id
        if id:
            self._by_id[id] = item
        return item

    def _make(self, is_call: bool) -> _Item:
        call = CallPieces(self._calls) if is_call else None
        self._calls += is_call
        return _Item(call)

    @property
    def usage(self) -> Usage | None:
        """OpenAI's counts have everything in them."""
        used = self._state.usage
        if used is None:
            return None
        input_details = used.input_tokens_details or types.InputTokensDetails()
        output_details = used.output_tokens_details or types.OutputTokensDetails()
        return Usage(
            input_tokens=used.input_tokens,
            output_tokens=used.output_tokens,
            cache_read_tokens=input_details.cached_tokens or 0,
            cache_write_tokens=input_details.cache_write_tokens or 0,
            reasoning_tokens=output_details.reasoning_tokens or 0,
            native=used,
        )

    @property
    def finish_reason(self) -> str | None:
        """A response that ends with a call is completed, too."""
        reason = self._state.finish_reason
        if reason is None:
            return None
        if reason == "completed" and self._state.has_calls:
            return "tool_calls"
        return _FINISH_REASONS.get(reason, reason)


VIEWED_RESPONSES = ViewedAPI("responses", RESPONSES, ResponseView, _error_payload)
