"""What the Messages format says of its payloads, and what servers make of that.

The way of a payload is in ``_stream/decode.py``. The type of an event is read from the payload;
what the event stream calls it is asked only where the payload has none, for servers differ.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream.decode import DecodingAgain, PayloadDecoder, Rules
from .._stream.detect import MESSAGE_EVENTS, is_keep_alive
from .._stream.mend import mended
from .._stream.model import decodes
from .._stream.reports import error_in, make_error
from . import types

if TYPE_CHECKING:
    from collections.abc import Collection

    from .._stream.errors import APIError

__all__ = ["message_decoder"]


def message_decoder(strict: bool = False) -> PayloadDecoder:
    """What decodes the payloads of a Messages stream."""
    return PayloadDecoder(types.MessageStreamEvent, _MessageRules(), _is_exact, strict)


def _is_exact(event: types.MessageStreamEvent) -> bool:
    return event.type in MESSAGE_EVENTS


class _MessageRules(Rules):
    others: Collection[str] = frozenset(("chat", "completions", "responses", "gemini"))

    def error_in(self, payload: dict[str, Any]) -> APIError | None:
        """An error, also as Amazon Bedrock sends one: under a key that is an exception's name."""
        is_event = payload.get("type") in tuple(MESSAGE_EVENTS)
        if not is_event:
            for key, value in payload.items():
                if key.endswith("Exception") and isinstance(value, dict):
                    return make_error({"type": key, **value}, payload)
        return error_in(payload, is_event)

    def is_final(self, received: dict[str, Any]) -> bool:
        """Whether it is a whole message."""
        return received.get("type") == "message"

    def carries(self, event_type: str) -> bool:
        """Whether an event of this type is one of the stream's: Vertex AI has one for all."""
        return event_type in ("message", "vertex_event") or event_type in MESSAGE_EVENTS

    def is_skipped(self, received: dict[str, Any]) -> bool:
        """Whether it is a ping."""
        return is_keep_alive(received)

    def named(self, received: dict[str, Any], event_type: str) -> dict[str, Any]:
        """A payload without a type has that of its event."""
        if received.get("type") or event_type in ("message", "vertex_event"):
            return received
        return {**received, "type": event_type}

    def refusal(self, received: dict[str, Any]) -> str | None:
        """Without a type nobody knows what it means."""
        return None if received.get("type") else "it has no type"

    def find_problem(self, received: dict[str, Any], item: types.MessageStreamEvent) -> str | None:
        """An answer that was not streamed after all."""
        return "it is a whole message" if self.is_final(received) else None

    def mend(self, received: dict[str, Any]) -> types.MessageStreamEvent:
        """A whole message is the start of one, and all of it."""
        if self.is_final(received):
            message = mended(types.Message, received)
            return types.MessageStreamEvent(type="message_start", message=message)
        return mended(types.MessageStreamEvent, received)


decodes(types.MessageStreamEvent, DecodingAgain(message_decoder))
