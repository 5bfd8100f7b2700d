"""The clients of OpenAI and Anthropic, and everything that can be told of what they give."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pydantic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Iterator


def connect(url: str, client_class: Any = openai.OpenAI) -> Any:
    # A proxy from the environment has no business on loopback, nor have certificates.
    http_client = httpx2.Client(trust_env=False, verify=False)
    return client_class(api_key="-", base_url=url, max_retries=0, http_client=http_client)


def async_connect(url: str, client_class: Any = openai.AsyncOpenAI) -> Any:
    http_client = httpx2.AsyncClient(trust_env=False, verify=False)
    return client_class(api_key="-", base_url=url, max_retries=0, http_client=http_client)


def told(value: Any) -> Any:
    """Everything that there is to see of an object, in a form that can be compared."""
    if isinstance(value, pydantic.BaseModel):
        return (
            type(value),
            told(dict(value.__dict__)),
            told(value.model_extra),
            sorted(value.model_fields_set),
            value.__pydantic_private__,
        )
    if isinstance(value, dict):
        return [(key, told(item)) for key, item in value.items()]
    if isinstance(value, list):
        return [told(item) for item in value]
    if isinstance(value, openai.APIError):
        return type(value), value.message, value.body, value.code, value.param, value.type
    if isinstance(value, Exception):
        return type(value), str(value)
    return type(value), repr(value)  # repr: NaN is not equal to itself


class Body(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A response's bytes in pieces; an exception among them is raised."""

    def __init__(self, pieces: Iterable[bytes | Exception]) -> None:
        self.pieces = list(pieces)
        self.is_closed = False

    def __iter__(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self:
            yield piece

    def close(self) -> None:
        self.is_closed = True

    async def aclose(self) -> None:
        self.is_closed = True


def outcome(stream: Iterator[Any]) -> list[Any]:
    """What comes out of a stream, with the exception that ended it, if one did."""
    seen = []
    try:
        for item in stream:
            seen.append(told(item))
    except Exception as error:
        seen.append(told(error))
    return seen


async def async_outcome(stream: AsyncIterator[Any]) -> list[Any]:
    seen = []
    try:
        async for item in stream:
            seen.append(told(item))
    except Exception as error:
        seen.append(told(error))
    return seen
