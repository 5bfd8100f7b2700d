"""The responses that a stream can read, as type checkers see them.

By what the HTTP clients call the reading of a body, as ``sseparse.http`` tells them apart when it
runs. Some names are those of a synchronous client and of an asynchronous one; what is returned
tells which.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Awaitable, Iterable
    from typing import TypeAlias

    SyncResponse: TypeAlias = "_HTTPXResponse | _RequestsResponse | _URLLib3Response"
    AsyncResponse: TypeAlias = (
        "_AsyncHTTPXResponse | _AsyncOpenAIResponse | _AsyncNiquestsResponse | _AIOHTTPResponse"
    )

__all__ = ["AsyncResponse", "SyncResponse"]


class _Response(Protocol):
    @property
    def headers(self) -> Any: ...

    def close(self) -> Any: ...


class _HTTPXResponse(_Response, Protocol):
    """Of httpx and httpx2; and what ``with_streaming_response`` of the official client gives."""

    def iter_bytes(self) -> Iterable[bytes]: ...


class _RequestsResponse(_Response, Protocol):
    """Of requests and niquests."""

    def iter_content(self, chunk_size: int, /) -> Iterable[Any]: ...


class _URLLib3Response(_Response, Protocol):
    def read_chunked(self) -> Iterable[bytes]: ...


class _AsyncHTTPXResponse(_Response, Protocol):
    def aiter_bytes(self) -> AsyncIterable[bytes]: ...


class _AsyncOpenAIResponse(_Response, Protocol):
    def iter_bytes(self) -> AsyncIterable[bytes]: ...


class _AsyncNiquestsResponse(_Response, Protocol):
    def iter_content(self, chunk_size: int, /) -> Awaitable[AsyncIterable[Any]]: ...


class _Content(Protocol):
    def iter_any(self) -> AsyncIterable[bytes]: ...


class _AIOHTTPResponse(_Response, Protocol):
    @property
    def content(self) -> _Content: ...
