"""What a response says of itself, whichever HTTP client it is from.

The clients are told apart by what their responses can do; none is imported, and none has
to be installed. Nothing here reads a body.
"""

from __future__ import annotations

import re
from inspect import isasyncgenfunction, isawaitable, iscoroutinefunction
from typing import TYPE_CHECKING, Any

from ._errors import NotAnEventStreamError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "EVENT_STREAM",
    "MAX_ERROR_BODY",
    "aclose_response",
    "close_response",
    "is_asynchronous",
    "is_event_stream_type",
    "is_left_compressed",
    "is_response",
    "kind",
    "name",
    "not_an_event_stream",
    "status",
    "unknown_response",
]

EVENT_STREAM = "text/event-stream"

# The most that is read of a body that is no event stream, to show it in the error.
MAX_ERROR_BODY = 64 * 1024

_CONTROL_CHARACTERS = re.compile(rb"[\x00-\x08\x0e-\x1f]")
# One value of a header that came several times; a comma between quotes is part of it.
_HEADER_VALUE = re.compile(r'(?:[^",]|"(?:[^"\\]|\\.)*"?)+')
_MEDIA_TYPE = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+/[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def is_response(value: object) -> bool:
    """Whether ``iter_response_bytes`` or ``aiter_response_bytes`` can read it."""
    return kind(value) is not None


def kind(response: Any) -> str | None:
    """Whose response it is, by name of the client that has set the pattern."""
    # In this order: requests loads the whole body when asked for ``content``.
    if hasattr(response, "headers"):
        if hasattr(response, "iter_bytes"):
            return "httpx"
        if hasattr(response, "iter_content"):
            return "requests"
        # vcrpy replays urllib3's responses without the one of these.
        if hasattr(response, "read_chunked") or hasattr(response, "release_conn"):
            # urllib3-future has an asynchronous one, too, which is read in another way.
            return None if iscoroutinefunction(response.read) else "urllib3"
    # Stand-ins of test suites often have no headers.
    if hasattr(getattr(response, "content", None), "iter_any"):
        return "aiohttp"
    return None


def is_asynchronous(response: Any) -> bool | None:
    """Whether a response is read with ``async for``; None where it can be either."""
    of = kind(response)
    if of == "aiohttp":
        return True
    if of == "requests":
        return iscoroutinefunction(response.iter_content)
    if of == "httpx":
        # openai's AsyncAPIResponse has the names of the synchronous one. httpx's own
        # responses have both, and say themselves when they are read in the wrong way.
        if isasyncgenfunction(response.iter_bytes):
            return True
        return None if hasattr(response, "aiter_bytes") else False
    return False


def status(response: Any) -> int | None:
    """The HTTP status, where it is known."""
    value: int | None = getattr(response, "status_code", None)
    return getattr(response, "status", None) if value is None else value


def is_event_stream_type(response: Any) -> bool:
    """Whether its media type is that of event streams.

    Of several Content-Types the last valid one counts, as browsers have it. A response that
    has no headers at all is taken at its word.
    """
    if not hasattr(response, "headers"):
        return True
    essences = [
        value.partition(";")[0].strip().lower()
        for value in _HEADER_VALUE.findall(_header(response, "content-type") or "")
    ]
    valid = [essence for essence in essences if _MEDIA_TYPE.fullmatch(essence)]
    return valid[-1:] == [EVENT_STREAM]


def is_left_compressed(response: Any, beginning: bytes) -> bool:
    """Whether its client has left a body that begins so compressed."""
    return _content_encoding(response) is not None and _is_binary(beginning)


def _content_encoding(response: Any) -> str | None:
    """What its body was compressed with; None where it was not."""
    value = _header(response, "content-encoding")
    return None if value is None or value.strip().lower() in ("", "identity") else value


def _is_binary(body: bytes) -> bool:
    """Whether it is nothing that a text has in it, wherever it is cut."""
    if _CONTROL_CHARACTERS.search(body):
        return True
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return error.reason != "unexpected end of data"
    return False


def not_an_event_stream(
    response: Any, body: bytes, max_error_body: int = MAX_ERROR_BODY
) -> NotAnEventStreamError:
    """The error for a response with this beginning of a body, with all that it says of itself."""
    return NotAnEventStreamError(
        body[:max_error_body],
        status(response),
        _header(response, "content-type"),
        _url(response),
        _header(response, "location"),
        _content_encoding(response) if is_left_compressed(response, body) else None,
    )


def close_response(response: Any) -> None:
    """Close a response, however far it has been read, and give its connection back."""
    if iscoroutinefunction(response.close):
        raise TypeError(f"{name(response)} is asynchronous: use async with, or aclose()")
    response.close()
    # urllib3 closes the connection, but keeps its place in a pool of limited size.
    if hasattr(response, "release_conn"):
        response.release_conn()


async def aclose_response(response: Any) -> None:
    """Close a response of an asynchronous client; see ``close_response``."""
    closing = (response.aclose if hasattr(response, "aclose") else response.close)()
    if isawaitable(closing):
        await closing


def name(response: object) -> str:
    """What to call it in a message."""
    cls = type(response)
    return f"this {cls.__module__.partition('.')[0]} {cls.__qualname__}"


def unknown_response(value: object) -> TypeError:
    """The error for what is no response of a known client."""
    hint = ""
    if hasattr(value, "__await__"):
        hint = " (await it first)"
    elif hasattr(value, "__enter__") or hasattr(value, "__aenter__"):
        hint = " (if it is a context manager, give what its with statement gives)"
    elif hasattr(value, "__iter__") or hasattr(value, "__aiter__"):
        hint = " (iter_events and aiter_events take bytes)"
    return TypeError(
        "response must be a response of httpx, httpx2, requests, urllib3, niquests or aiohttp, "
        f"not {type(value).__name__}{hint}"
    )


def _header(response: Any, field: str) -> str | None:
    """The value of a header; of one that came several times all of them, as one."""
    headers = getattr(response, "headers", None)
    if headers is None:
        return None
    value: str | None = headers.get(field)
    if value is not None and hasattr(headers, "getall"):  # aiohttp's get() gives the first
        values: Iterable[str] = headers.getall(field)
        return ", ".join(values)
    return value


def _url(response: Any) -> str | None:
    try:
        url = response.url
    except (AttributeError, RuntimeError):  # httpx: a response without its request
        return None
    return None if url is None else str(url)
