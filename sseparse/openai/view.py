"""Chat completions and legacy completions in the view of all: what their words become there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream.fields import extra_of
from .._stream.forms import nothing_of
from .._stream.pieces import CallPieces
from .._stream.tool_calls import ToolCallLog
from .._stream.view import Piece, Usage, ViewedAPI
from . import types
from .chat import CHAT, news_of, turns_of
from .completions import COMPLETIONS
from .forms import text_of
from .parts import ToolCall, ToolCalls

if TYPE_CHECKING:
    from .state import ChatCompletionStreamState

__all__ = ["VIEWED_CHAT", "VIEWED_COMPLETIONS"]

_FINISH_REASONS = {
    "stop": "stop",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "content_filter": "content_filter",
}


def _usage_of(used: types.CompletionUsage | None) -> Usage | None:
    """OpenAI's counts have everything in them."""
    if used is None:
        return None
    input_details = used.prompt_tokens_details or types.PromptTokensDetails()
    output_details = used.completion_tokens_details or types.CompletionTokensDetails()
    return Usage(
        input_tokens=used.prompt_tokens,
        output_tokens=used.completion_tokens,
        cache_read_tokens=input_details.cached_tokens or 0,
        cache_write_tokens=input_details.cache_write_tokens or 0,
        reasoning_tokens=output_details.reasoning_tokens or 0,
        native=used,
    )


def _error_payload(
    message: str, code: str | int | None, type: str | None
) -> tuple[str | None, dict[str, Any]]:
    """As OpenAI's own servers and vLLM send it."""
    error = {"message": message, "type": type, "param": None, "code": code}
    return None, {"error": error}


class _FirstChoice:
    """What both kinds have: of several choices the first is viewed."""

    def __init__(self, state: Any) -> None:
        self._state = state

    @property
    def choice(self) -> int:
        found: int = self._state.first_choice
        return found

    def text_of(self, chunk: Any) -> str:
        return text_of(self.choice, chunk)

    @property
    def usage(self) -> Usage | None:
        return _usage_of(self._state.usage)

    @property
    def finish_reason(self) -> str | None:
        reason = self._state.finish_reason
        return None if reason is None else _FINISH_REASONS.get(reason, reason)


class ChatView(_FirstChoice):
    """One chat stream.

    Args:
        state: what its chunks come to.
    """

    def __init__(self, state: ChatCompletionStreamState) -> None:
        super().__init__(state)
        # Which fragment belongs to which call is found out once more: without accumulating
        # nobody else does.
        self._calls = ToolCalls(ToolCallLog(), 0)
        self._told: dict[ToolCall, CallPieces] = {}

    turns_of = staticmethod(turns_of)
    news_of = staticmethod(news_of)

    def pieces_of(self, chunk: types.ChatCompletionChunk) -> list[Piece]:
        found: list[Piece] = []
        for choice in chunk.choices:
            if choice.index and choice.index != self.choice:
                continue
            delta = choice.delta
            reasoning = delta.reasoning_content or delta.reasoning
            if not reasoning and (delta.reasoning_details or extra_of(delta)):
                reasoning = delta.reasoning_text
            if reasoning:
                found.append(Piece("reasoning", reasoning))
            if delta.content:
                found.append(Piece("text", delta.content))
            if delta.refusal:
                found.append(Piece("refusal", delta.refusal))
            if delta.tool_calls:
                found += self._add_calls(delta.tool_calls)
        return found

    def _add_calls(self, fragments: list[types.ChoiceDeltaToolCall]) -> list[Piece]:
        self._calls.add(fragments)
        current = self._calls.current
        # Of one fragment only that call has grown.
        grown = [current] if len(fragments) == 1 and current is not None else self._calls.calls
        found: list[Piece] = []
        for call in grown:
            told = self._told.get(call)
            if told is None:
                told = self._told[call] = CallPieces(len(self._told))
            found += told.of(call.id, call.name, call.arguments)
        return found


class CompletionView(_FirstChoice):
    """One legacy stream: it has text and nothing else.

    Args:
        state: what its chunks come to.
    """

    turns_of = staticmethod(nothing_of)
    news_of = staticmethod(nothing_of)

    def pieces_of(self, chunk: types.Completion) -> list[Piece]:
        text = self.text_of(chunk)
        return [Piece("text", text)] if text else []


VIEWED_CHAT = ViewedAPI("chat", CHAT, ChatView, _error_payload)
VIEWED_COMPLETIONS = ViewedAPI("completions", COMPLETIONS, CompletionView, _error_payload)
