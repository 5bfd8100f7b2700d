"""Every exception of the package, under one root.

A message says what was wrong, where (a byte offset from the start of the
connection), and what to do about it. The same facts are attributes, so that
nobody has to take a message apart.
"""

from __future__ import annotations

import re
from typing import Any


class SSEError(Exception):
    """The root of every exception that sseparse raises on its own account.

    Wrong argument types are a ``TypeError`` and bad option values a
    ``ValueError``, as everywhere in Python.
    """


class EventTooLargeError(SSEError):
    """An event, or a single comment line, is larger than ``max_event_size``.

    The events before it were returned; it and whatever followed it in the same
    bytes are dropped. The parser raises this from every call until ``reset()``.

    Attributes:
        what: ``"event"`` or ``"comment line"``.
        offset: where it begins, in bytes from the start of the connection.
        max_event_size: the limit it broke, in bytes.
    """

    def __init__(self, what: str, offset: int, max_event_size: int) -> None:
        # All three go to args, so that the exception can be pickled and copied.
        super().__init__(what, offset, max_event_size)
        self.what = what
        self.offset = offset
        self.max_event_size = max_event_size

    def __str__(self) -> str:
        return (
            f"the {self.what} that begins at byte {self.offset} is larger than "
            f"max_event_size ({self.max_event_size} bytes); raise the limit if the server "
            f"is to be trusted, or call reset() to use the parser for a new connection"
        )


class ParserClosedError(SSEError):
    """Bytes were fed to a parser after ``close()``."""

    def __init__(
        self, message: str = "the parser is closed; call reset() to begin a new connection"
    ) -> None:
        super().__init__(message)


class APIError(SSEError):
    """The server reported an error, in the stream or instead of one.

    Attributes:
        message: what the server said, for people.
        code: its code, such as ``"rate_limit_exceeded"`` or 502; None where it gave none.
        type: its kind of error, such as ``"invalid_request_error"``, or None.
        param: the request parameter that it concerns, or None.
        body: the whole error as it came: the ``error`` object, or what stood in its place.
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
        return f"cannot read a chunk from {_beginning(self.payload)}: {self.reason}"


class TruncatedStreamError(SSEError):
    """The stream ended without ``[DONE]`` and without a finish reason for every choice.

    What came before is readable on the stream.
    """

    def __init__(
        self,
        message: str = (
            "the stream ended with neither [DONE] nor a finish reason for every choice: the "
            "answer is not whole; current_completion_snapshot has what came of it"
        ),
    ) -> None:
        super().__init__(message)


class NotAnEventStreamError(SSEError):
    """The response is no event stream: an error, a web page, say, or plain JSON.

    Attributes:
        body: the beginning of the response's body.
        status: the HTTP status, where it is known.
        content_type: the ``Content-Type`` header, where it is known.
        url: what was requested, as far as the HTTP client tells. The message leaves out
            its query and user: keys are often there, and messages are logged.
    """

    def __init__(
        self,
        body: bytes,
        status: int | None = None,
        content_type: str | None = None,
        url: str | None = None,
    ) -> None:
        super().__init__(body, status, content_type, url)
        self.body = body
        self.status = status
        self.content_type = content_type
        self.url = url

    def __str__(self) -> str:
        response = "the response"
        if self.url is not None:
            response += f" of {_without_secrets(self.url)}"
        media_type = "" if self.content_type is None else repr(self.content_type)
        body = f"it begins with {_beginning(self.body)}" if self.body else "its body is empty"
        if self.status is not None and not 200 <= self.status <= 299:
            problem = f"has status {self.status}" + (media_type and f" and is {media_type}")
            return f"{response} {problem}; {body}"
        if media_type:
            problem = f"is no event stream but {media_type}"
        else:
            problem = "is no event stream" if self.status is None else "has no Content-Type"
        if _DATA_LINE.search(self.body):
            body += ", as event streams do: check_content_type=False takes it for one"
        return f"{response} {problem}; {body}"


_DATA_LINE = re.compile(rb"(?:^|[\r\n])data:")


def _without_secrets(url: str) -> str:
    scheme, separator, rest = re.split(r"[?#]", url, maxsplit=1)[0].rpartition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"


def _beginning(data: bytes, length: int = 200) -> str:
    """Enough of the bytes to recognise them by, on one line."""
    text = data[: 4 * length].decode("utf-8", "replace")
    return repr(text) if len(text) <= length else f"{text[:length]!r}..."
