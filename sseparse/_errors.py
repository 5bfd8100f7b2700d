"""The exceptions of the core and of reading responses, under the one root of all.

A message says what was wrong, where (a byte offset from the start of the
connection), and what to do about it. The same facts are attributes, so that
nobody has to take a message apart.
"""

from __future__ import annotations

import re


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


class PartialJSONError(SSEError, ValueError):
    """The text is no JSON, whatever may follow.

    Attributes:
        position: where that shows, in characters from the beginning of the text.
        expected: what might stand there.
        found: what does, as ``repr`` shows it.
    """

    def __init__(self, position: int, expected: str, found: str) -> None:
        super().__init__(position, expected, found)
        self.position = position
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"no JSON: expected {self.expected} at character {self.position}, found {self.found}"


class NotAnEventStreamError(SSEError):
    """The response is no event stream: an error, a web page, say, or plain JSON.

    Attributes:
        body: the response's body, or its beginning.
        status: the HTTP status, where it is known.
        content_type: the ``Content-Type`` header, where it is known.
        url: what was requested, as far as the HTTP client tells. The message leaves out
            its query and user: keys are often there, and messages are logged.
        location: the ``Location`` header of a redirect that was not followed.
        content_encoding: the ``Content-Encoding`` header, where the HTTP client has left
            the body compressed.
    """

    def __init__(
        self,
        body: bytes,
        status: int | None = None,
        content_type: str | None = None,
        url: str | None = None,
        location: str | None = None,
        content_encoding: str | None = None,
    ) -> None:
        super().__init__(body, status, content_type, url, location, content_encoding)
        self.body = body
        self.status = status
        self.content_type = content_type
        self.url = url
        self.location = location
        self.content_encoding = content_encoding

    def __str__(self) -> str:
        response = "the response"
        if self.url is not None:
            response += f" of {_without_secrets(self.url)}"
        media_type = "" if self.content_type is None else repr(self.content_type)
        body = f"it begins with {beginning_of(self.body)}" if self.body else "its body is empty"
        if self.status == 204:
            return (
                f"{response} has status 204: there is nothing to read, nor to reconnect for; {body}"
            )
        if self.status is not None and not 200 <= self.status <= 299:
            problem = f"has status {self.status}" + (media_type and f" and is {media_type}")
            if self.location is not None:
                problem += f" and leads to {_without_secrets(self.location)!r}"
            return f"{response} {problem}; {body}"
        if self.content_encoding is not None:
            return (
                f"{response} was left compressed by its client, which does not know the "
                f"Content-Encoding {self.content_encoding!r}: install what it needs for that, or "
                f"ask for another with Accept-Encoding; {body}"
            )
        has_data = _DATA_LINE.search(self.body) is not None
        if not has_data and "text/event-stream" in media_type.lower():
            return f"{response} is labelled {media_type} and has not one line of an event; {body}"
        if media_type:
            problem = f"is no event stream but {media_type}"
        else:
            problem = "is no event stream" if self.status is None else "has no Content-Type"
        if has_data:
            body += ", as event streams do: check_content_type=False takes it for one"
        return f"{response} {problem}; {body}; event streams are labelled 'text/event-stream'"


_DATA_LINE = re.compile(rb"(?:^|[\r\n])data:")


def _without_secrets(url: str) -> str:
    scheme, separator, rest = re.split(r"[?#]", url, maxsplit=1)[0].rpartition("://")
    authority, slash, path = rest.partition("/")
    return f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path}"


def beginning_of(data: bytes, length: int = 200) -> str:
    """Enough of the bytes to recognise them by, on one line."""
    text = data[: 4 * length].decode("utf-8", "replace")
    return repr(text) if len(text) <= length else f"{text[:length]!r}..."
