"""What the Responses format says of its payloads, and what servers make of that.

The way of a payload is in ``_stream/decode.py``. The type of an event is read from the payload;
what the event stream calls it is asked only where the payload has none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream.decode import DecodingAgain, PayloadDecoder, Rules
from .._stream.detect import is_keep_alive
from .._stream.errors import APIError
from .._stream.mend import mended
from .._stream.model import decodes
from .._stream.reports import error_in, make_error
from . import responses_types as types

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["response_decoder"]


def response_decoder(strict: bool = False) -> PayloadDecoder:
    """What decodes the payloads of a Responses stream."""
    return PayloadDecoder(types.ResponseStreamEvent, _ResponseRules(), _is_exact, strict)


def _is_exact(event: types.ResponseStreamEvent) -> bool:
    if not event.type.startswith("response.") or event.type == "response.failed":
        return False
    return event.response is None or event.response.status != "failed"


class _ResponseRules(Rules):
    deciding: Collection[bytes] = (
        *(*Rules.deciding, b"output_index"),
        *(b"content_index", b"summary_index"),
    )
    others: Collection[str] = frozenset(("chat", "completions", "messages", "gemini"))

    def error_in(self, payload: dict[str, Any]) -> APIError | None:
        """An error, or a response that has failed: then all of the event is the error's body."""
        event_type = payload.get("type")
        response = payload if self.is_final(payload) else payload.get("response")
        response = response if isinstance(response, dict) else {}
        if event_type == "response.failed" or response.get("status") == "failed":
            found = make_error(response.get("error") or "the response has failed", payload)
            return APIError(found.message, found.code, found.type, found.param, payload)
        is_answer = isinstance(event_type, str) and event_type.startswith("response.")
        return error_in(payload, is_answer or bool(response))

    def is_final(self, received: dict[str, Any]) -> bool:
        """Whether it is a whole response."""
        return received.get("object") == "response"

    def carries(self, event_type: str) -> bool:
        """Whether an event of this type is one of the API's."""
        return event_type == "message" or event_type.startswith("response.")

    def is_skipped(self, received: dict[str, Any]) -> bool:
        """Whether it is a keep-alive."""
        return is_keep_alive(received)

    def named(self, received: dict[str, Any], event_type: str) -> dict[str, Any]:
        """A payload without a type has that of its event."""
        if received.get("type") or event_type == "message":
            return received
        return {**received, "type": event_type}

    def refusal(self, received: dict[str, Any]) -> str | None:
        """Without a type nobody knows what it means."""
        return None if received.get("type") or self.is_final(received) else "it has no type"

    def find_problem(self, received: dict[str, Any], item: types.ResponseStreamEvent) -> str | None:
        """An answer that was not streamed after all."""
        return "it is a whole response" if self.is_final(received) else None

    def mend(self, received: dict[str, Any]) -> types.ResponseStreamEvent:
        """A whole response is the last event of a stream."""
        if self.is_final(received):
            response = mended(types.Response, received)
            kind = f"response.{response.status or 'completed'}"
            return types.ResponseStreamEvent(type=kind, response=response)
        return mended(types.ResponseStreamEvent, received)


decodes(types.ResponseStreamEvent, DecodingAgain(response_decoder))
