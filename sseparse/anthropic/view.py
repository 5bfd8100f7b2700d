"""The Messages API in the view of all: what its words become there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .._stream.pieces import CallPieces
from .._stream.text import Text
from .._stream.view import Piece, Usage, ViewedAPI
from . import types
from .messages import MESSAGES, news_of, text_of, turns_of

if TYPE_CHECKING:
    from .state import MessageStreamState

__all__ = ["VIEWED_MESSAGES"]

_FINISH_REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}


def _error_payload(
    message: str, code: str | int | None, type: str | None
) -> tuple[str | None, dict[str, Any]]:
    """``type`` decides: Anthropic's package takes no error without one."""
    error: dict[str, Any] = {"type": type or "api_error", "message": message}
    if code is not None:
        error["code"] = code
    return "error", {"type": "error", "error": error}


class _Block:
    """A content block as far as it has been told in pieces."""

    def __init__(self, start: types.ContentBlock, call: CallPieces | None) -> None:
        self.kind = start.type
        self.call = call
        self.id = start.id or ""
        self.name = start.name or ""
        self.whole = start.input
        self.input = Text()

    def pieces(self) -> list[Piece]:
        return self.call.of(self.id, self.name, self.input) if self.call is not None else []


class MessageView:
    """One stream.

    Args:
        state: what its events come to.
    """

    def __init__(self, state: MessageStreamState) -> None:
        self._state = state
        self._by_index: dict[int, _Block] = {}
        self._current: _Block | None = None
        self._blocks = 0
        self._calls = 0

    choice = 0
    text_of = staticmethod(text_of)
    turns_of = staticmethod(turns_of)
    news_of = staticmethod(news_of)

    def pieces_of(self, event: types.MessageStreamEvent) -> list[Piece]:
        """Text and thinking as they come; an input that came whole, when its block is over."""
        if event.type == "content_block_delta":
            return [] if event.delta is None else self._add(event.index, event.delta)
        found: list[Piece] = []
        if event.message is not None:
            self._by_index.clear()
            for block in event.message.content:
                found += self._open(None, block)
                found += self._complete(self._current)
        elif event.content_block is not None:
            found += self._open(event.index, event.content_block)
        elif event.type == "content_block_stop":
            index = event.index
            found += self._complete(self._current if index is None else self._by_index.get(index))
        elif event.type in ("message_delta", "message_stop"):
            found += self._complete(self._current)
        return found

    def _add(self, index: int | None, delta: types.MessageDelta) -> list[Piece]:
        block = self._current if index is None else self._by_index.get(index)
        found: list[Piece] = []
        if block is None:
            kind = "text" if delta.text is not None else "thinking"
            kind = kind if delta.partial_json is None else "tool_use"
            found += self._open(index, types.ContentBlock(type=kind))
            block = self._current
            assert block is not None
        if block.kind == "text" and delta.text:
            found.append(Piece("text", delta.text))
        elif block.kind == "thinking" and delta.thinking:
            found.append(Piece("reasoning", delta.thinking))
        elif block.kind == "tool_use" and delta.partial_json:
            block.input.append(delta.partial_json)
            found += block.pieces()
        return found

    def _open(self, index: int | None, start: types.ContentBlock) -> list[Piece]:
        found = self._complete(self._current)
        call = None
        if start.type == "tool_use":
            call = CallPieces(self._calls)
            self._calls += 1
        block = self._current = _Block(start, call)
        self._by_index[self._blocks if index is None else index] = block
        self._blocks += 1
        if start.type == "text" and start.text:
            found.append(Piece("text", start.text))
        elif start.type == "thinking" and start.thinking:
            found.append(Piece("reasoning", start.thinking))
        return found + block.pieces()

    def _complete(self, block: _Block | None) -> list[Piece]:
        if block is None or not isinstance(block.whole, dict) or not block.whole:
            return []
        if block.call is not None and not block.input.has_come():
            block.input.append(json.dumps(block.whole, ensure_ascii=False))
        return block.pieces()

    @property
    def usage(self) -> Usage | None:
        """Of the input Anthropic counts apart what a cache was read or written for."""
        used = self._state.usage
        if used is None:
            return None
        read = used.cache_read_input_tokens or 0
        written = used.cache_creation_input_tokens or 0
        reasoning = (used.output_tokens_details or {}).get("thinking_tokens")
        return Usage(
            input_tokens=(used.input_tokens or 0) + read + written,
            output_tokens=used.output_tokens or 0,
            cache_read_tokens=read,
            cache_write_tokens=written,
            reasoning_tokens=reasoning if isinstance(reasoning, int) else 0,
            native=used,
        )

    @property
    def finish_reason(self) -> str | None:
        """By the stop reason; "error" where an error came instead of it."""
        reason = self._state.finish_reason
        if reason is None:
            return "error" if self._state.has_failed else None
        return _FINISH_REASONS.get(reason, reason)


VIEWED_MESSAGES = ViewedAPI("messages", MESSAGES, MessageView, _error_payload)
