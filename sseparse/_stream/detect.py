# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""Which API a payload is of, by the payload alone.

The marks of each API are here, and nothing else of it, so that a class of one API can say that
it was given a stream of another, and which.
"""

from __future__ import annotations

from typing import Any

__all__ = ["MESSAGE_EVENTS", "READERS", "Undecided", "is_keep_alive", "kind_of"]

# What reads a stream of each kind.
READERS = {
    "chat": "sseparse.openai.ChatStream",
    "completions": "sseparse.openai.CompletionStream",
    "responses": "sseparse.openai.ResponseStream",
    "messages": "sseparse.anthropic.MessageStream",
    "gemini": "sseparse.google.GenerateContentStream",
}

MESSAGE_EVENTS = {
    "message_start",
    "message_delta",
    "message_stop",
    "content_block_start",
    "content_block_delta",
    "content_block_stop",
}
_KEEP_ALIVES = {"ping", "keepalive"}
_GEMINI = {"candidates", "usageMetadata", "promptFeedback"}


class Undecided(Exception):  # noqa: N818 (it is no error)
    """Raised by a decoder that has to see more before it knows which API a payload is of.

    Attributes:
        refusal: what to raise where nothing more comes.
        decoder: what reads this payload, and all before it that were undecided, now that it is
            known; None where it is not.
        state: what folds them.
    """

    def __init__(self, refusal: Exception | None, decoder: Any = None, state: Any = None) -> None:
        super().__init__(refusal)
        self.refusal = refusal
        self.decoder = decoder
        self.state = state


def is_keep_alive(payload: dict[str, Any]) -> bool:
    """Whether a payload says only that the connection lives."""
    event_type = payload.get("type")
    return isinstance(event_type, str) and event_type in _KEEP_ALIVES


def kind_of(payload: dict[str, Any]) -> str | None:
    """The API of a payload: "chat", "completions", "responses", "messages" or "gemini".

    None where it does not tell: a keep-alive, or an error as several of them send it.
    """
    event_type = payload.get("type")
    if isinstance(event_type, str):
        if event_type.startswith("response."):
            return "responses"
        if event_type in MESSAGE_EVENTS:
            return "messages"
        if is_keep_alive(payload):
            return None
        if event_type == "error":
            return _kind_of_error(payload)
    choices = payload.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        # Before "object": Hugging Face's server says text_completion over deltas.
        if "delta" in choices[0]:
            return "chat"
        if "text" in choices[0]:
            return "completions"
    name = payload.get("object")
    if name in ("chat.completion.chunk", "chat.completion"):
        return "chat"
    if name == "text_completion":
        return "completions"
    if payload.keys() & _GEMINI:
        return "gemini"
    response = payload.get("response")
    if isinstance(response, dict) and response.keys() & _GEMINI:
        return "gemini"  # as Google's Code Assist has it
    error = payload.get("error")
    if isinstance(error, dict) and type(error.get("code")) is int:
        return "gemini" if isinstance(error.get("status"), str) else None
    return None


def _kind_of_error(payload: dict[str, Any]) -> str | None:
    if "sequence_number" in payload:
        return "responses"
    error = payload.get("error")
    if isinstance(error, dict) and isinstance(error.get("type"), str):
        return "messages"
    return None
