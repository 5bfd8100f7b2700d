"""The exceptions of typed streams; those of the core are in ``sseparse._errors``."""

from __future__ import annotations

from typing import Any

from .._errors import SSEError, beginning_of

__all__ = ["APIError", "ChunkDecodeError", "TruncatedStreamError", "UnexpectedAPIError"]


class APIError(SSEError):
    """The server reported an error, in the stream or instead of one.

    Attributes:
        message: what the server said, for people.
        code: its code, such as ``"rate_limit_exceeded"`` or 502; None where it gave none.
        type: its kind of error, such as ``"invalid_request_error"``, or None.
        param: the request parameter that it concerns, or None.
        body: the whole error as it came: the ``error`` object, or what stood in its place.
        status: the HTTP status, where the response is known; 200 for most errors in a stream.
    """

    def __init__(
        self,
        message: str,
        code: str | int | None = None,
        type: str | None = None,
        param: str | None = None,
        body: Any = None,
    ) -> None:
        super().__init__(message, code, type, param, body)
        self.message = message
        self.code = code
        self.type = type
        self.param = param
        self.body = body
        self.status: int | None = None

    def __str__(self) -> str:
        details = ", ".join(
            f"{name} {value!r}"
            for name, value in (("code", self.code), ("type", self.type), ("param", self.param))
            if value is not None
        )
        return f"{self.message} ({details})" if details else self.message


class ChunkDecodeError(SSEError):
    """An event's data is no chunk: it is no JSON, or (with ``strict``) no JSON object.

    It concerns this one event; the stream can be read on.

    Attributes:
        payload: the event's data, whole.
        reason: what is wrong with it.
    """

    def __init__(self, payload: bytes, reason: str) -> None:
        super().__init__(payload, reason)
        self.payload = payload
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot read a chunk from {beginning_of(self.payload)}: {self.reason}"


class TruncatedStreamError(SSEError):
    """The stream ended before the answer was whole.

    What came before is readable on the stream.
    """

    def __init__(self, message: str = "the stream ended before the answer was whole") -> None:
        super().__init__(message)


class UnexpectedAPIError(SSEError):
    """The stream is of another API than the class that reads it.

    Attributes:
        kind: which API it is of: "chat", "completions", "responses", "messages" or "gemini"; None
            where it is of none of them.
        reader: the class that reads it, where sseparse has one; else None.
        payload: the data of the event that tells; of several, each on a line of its own.
    """

    def __init__(self, kind: str | None, reader: str | None, payload: bytes) -> None:
        super().__init__(kind, reader, payload)
        self.kind = kind
        self.reader = reader
        self.payload = payload

    def __str__(self) -> str:
        if self.kind is None:
            return (
                "this is a stream of no API that sseparse has types for; "
                f"it has {beginning_of(self.payload)}"
            )
        advice = f"{self.reader} reads it" if self.reader else "sseparse has no types for it"
        return (
            f"this is a stream of {_TITLES.get(self.kind, self.kind)}: {advice}; "
            f"it has {beginning_of(self.payload)}"
        )


_TITLES = {
    "chat": "OpenAI's chat completions",
    "completions": "OpenAI's legacy completions",
    "responses": "OpenAI's Responses API",
    "messages": "Anthropic's Messages API",
    "gemini": "Google's generateContent",
}
