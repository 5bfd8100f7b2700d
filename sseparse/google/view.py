"""generateContent in the view of all: what its words become there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream.pieces import CallPieces
from .._stream.view import Piece, Usage, ViewedAPI
from . import types
from .content import GENERATE_CONTENT, text_of, turns_of
from .parts import Call
from .state import index_of

if TYPE_CHECKING:
    from .state import GenerateContentStreamState

__all__ = ["VIEWED_CONTENT"]

_FINISH_REASONS = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "OTHER": "error",
}
# By how the word begins.
_FAMILIES = {"IMAGE_": "content_filter", "MALFORMED_": "error"}

# The words of an error's code, as Google's APIs have them; readers want both.
_STATUSES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


def _error_payload(
    message: str, code: str | int | None, type: str | None
) -> tuple[str | None, dict[str, Any]]:
    """Google's errors have a number and a word for it: ``type`` is the word."""
    code = 500 if code is None else code
    status = type or (_STATUSES.get(code) if isinstance(code, int) else None) or "UNKNOWN"
    return None, {"error": {"code": code, "message": message, "status": status}}


class GenerateContentView:
    """One stream: of several candidates the first.

    Args:
        state: what its responses come to.
    """

    def __init__(self, state: GenerateContentStreamState) -> None:
        self._state = state
        # The function call that came last, and what has been told of it; how many there are.
        self._call = Call()
        self._told = CallPieces(0)
        self._calls = 0

    turns_of = staticmethod(turns_of)
    news_of = turns_of

    @property
    def choice(self) -> int:
        return self._state.first_candidate

    def text_of(self, chunk: types.GenerateContentResponse) -> str:
        return text_of(self.choice, chunk)

    def pieces_of(self, chunk: types.GenerateContentResponse) -> list[Piece]:
        """Texts and thoughts as they come; the arguments of a call, once all of them have."""
        first = self.choice
        found: list[Piece] = []
        for position, candidate in enumerate(chunk.candidates):
            if candidate.content is None or index_of(candidate, position) != first:
                continue
            for part in candidate.content.parts:
                if part.text:
                    found.append(Piece("reasoning" if part.thought else "text", part.text))
                if part.function_call is not None:
                    found += self._add_call(part.function_call)
        return found

    def _add_call(self, piece: types.FunctionCall) -> list[Piece]:
        if not self._calls or self._call.is_complete or piece.name:
            self._call = Call()
            self._told = CallPieces(self._calls)
            self._calls += 1
        self._call.add(piece)
        return self._told.of(self._call.id, self._call.name, self._call.arguments)

    @property
    def usage(self) -> Usage | None:
        """Thoughts, and what tools brought in, Google counts apart."""
        used = self._state.usage
        if used is None:
            return None
        thoughts = used.thoughts_token_count or 0
        return Usage(
            input_tokens=(used.prompt_token_count or 0) + (used.tool_use_prompt_token_count or 0),
            output_tokens=(used.candidates_token_count or 0) + thoughts,
            cache_read_tokens=used.cached_content_token_count or 0,
            cache_write_tokens=0,
            reasoning_tokens=thoughts,
            native=used,
        )

    @property
    def finish_reason(self) -> str | None:
        """A function call ends with STOP, too; a blocked prompt has a reason of its own."""
        reason = self._state.finish_reason
        if reason is None:
            return None
        if self._state.is_blocked:
            return "content_filter"
        if reason == "STOP" and self._state.has_calls:
            return "tool_calls"
        for beginning, neutral in _FAMILIES.items():
            if reason.startswith(beginning):
                return neutral
        return _FINISH_REASONS.get(reason, reason)


VIEWED_CONTENT = ViewedAPI("gemini", GENERATE_CONTENT, GenerateContentView, _error_payload)
