"""What Gemini's format says of its payloads, and what servers make of that.

The way of a payload is in ``_stream/decode.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream.decode import DecodingAgain, PayloadDecoder, Rules
from .._stream.detect import is_keep_alive, kind_of
from .._stream.errors import APIError
from .._stream.mend import mended
from .._stream.model import decodes
from .._stream.reports import error_in
from . import types

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["content_decoder"]

# Candidates in one response, which no client asks for: small JSON can make large objects.
_MOST_CANDIDATES = 1000


def content_decoder(strict: bool = False) -> PayloadDecoder:
    """What decodes the payloads of a Gemini stream."""
    return PayloadDecoder(types.GenerateContentResponse, _ContentRules(), _is_exact, strict)


def _is_exact(response: types.GenerateContentResponse) -> bool:
    return len(response.candidates) <= _MOST_CANDIDATES


class _ContentRules(Rules):
    deciding: Collection[bytes] = (*Rules.deciding, b"index")
    others: Collection[str] = frozenset(("chat", "completions", "responses", "messages"))

    def error_in(self, payload: dict[str, Any]) -> APIError | None:
        """An error; its ``status``, a word, is the kind of error it is."""
        found = error_in(payload, bool(payload.get("candidates")))
        status = found.body.get("status") if found and isinstance(found.body, dict) else None
        if found is None or found.type is not None or not isinstance(status, str):
            return found
        return APIError(found.message, found.code, status, found.param, found.body)

    def is_final(self, received: dict[str, Any]) -> bool:
        """Whether it is a response, which the call without streaming returns as well."""
        return kind_of(received) == "gemini"

    def is_skipped(self, received: dict[str, Any]) -> bool:
        """Whether it is a keep-alive."""
        return is_keep_alive(received)

    def named(self, received: dict[str, Any], event_type: str) -> dict[str, Any]:
        """The response, also where Google's Code Assist has put it into an object of its own."""
        response = received.get("response")
        return response if isinstance(response, dict) and self.is_final(response) else received

    def refusal(self, received: dict[str, Any]) -> str | None:
        """Too many candidates are not read."""
        candidates = received.get("candidates")
        if isinstance(candidates, list) and len(candidates) > _MOST_CANDIDATES:
            return f"it has {len(candidates)} candidates"
        return None

    def mend(self, received: dict[str, Any]) -> types.GenerateContentResponse:
        """Each field is read by what it is declared as."""
        return mended(types.GenerateContentResponse, received)


decodes(types.GenerateContentResponse, DecodingAgain(content_decoder))
