# pyright: reportUnnecessaryTypeIgnoreComment=true
"""What type checkers take for the source of a stream, and what they refuse: for ``make lint``.

Nothing here runs. Where there is a ``type: ignore`` a checker has to refuse the line: one that is
not needed is an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sseparse import llm
from sseparse.openai import AsyncChatStream, AsyncCompletionStream, ChatStream, CompletionStream

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator, Iterable, Iterator

    import aiohttp
    import httpx
    import httpx2
    import openai
    import requests
    import urllib3
    from typing_extensions import assert_type

    from sseparse.anthropic import MessageStreamEvent
    from sseparse.openai import ChatCompletion, ChatCompletionChunk


class HasHeaders:
    headers: dict[str, str]

    def close(self) -> None: ...


def pieces() -> Iterator[bytes]:
    yield b"data: [DONE]\n\n"


async def async_pieces() -> AsyncIterator[bytes]:
    yield b"data: [DONE]\n\n"


def synchronous_sources_are_taken(
    iterable: Iterable[bytes],
    file: io.BufferedReader,
    of_httpx: httpx.Response,
    of_httpx2: httpx2.Response,
    of_requests: requests.Response,
    of_urllib3: urllib3.HTTPResponse | urllib3.BaseHTTPResponse,
    client: openai.OpenAI,
) -> None:
    ChatStream([b"data: [DONE]\n\n", bytearray(), memoryview(b"")])
    ChatStream(pieces())
    ChatStream(iterable)
    ChatStream(file)
    ChatStream(of_httpx)
    ChatStream(of_httpx.iter_bytes())
    ChatStream(of_httpx2)
    ChatStream(of_requests)
    ChatStream(of_requests.iter_content(None))
    ChatStream(of_urllib3)
    CompletionStream(of_httpx)
    with client.chat.completions.with_streaming_response.create(messages=[], model="") as response:
        ChatStream(response)
        ChatStream(response.iter_bytes())
        AsyncChatStream(response)  # type: ignore[arg-type]


async def asynchronous_sources_are_taken(
    of_httpx: httpx.Response,
    of_httpx2: httpx2.Response,
    of_aiohttp: aiohttp.ClientResponse,
    client: openai.AsyncOpenAI,
) -> None:
    AsyncChatStream(async_pieces())
    AsyncChatStream(of_httpx)
    AsyncChatStream(of_httpx.aiter_bytes())
    AsyncChatStream(of_httpx2)
    AsyncChatStream(of_aiohttp)
    AsyncChatStream(of_aiohttp.content.iter_any())
    AsyncCompletionStream(of_aiohttp)
    request = client.chat.completions.with_streaming_response.create(messages=[], model="")
    async with request as response:
        AsyncChatStream(response)
        AsyncChatStream(response.iter_bytes())
        ChatStream(response)  # type: ignore[arg-type]


def everything_else_is_refused(
    of_httpx: httpx.Response,
    of_requests: requests.Response,
    of_urllib3: urllib3.HTTPResponse,
    of_aiohttp: aiohttp.ClientResponse,
) -> None:
    ChatStream(42)  # type: ignore[arg-type]
    ChatStream(b"data: [DONE]\n\n")  # type: ignore[arg-type]
    ChatStream("data: [DONE]\n\n")  # type: ignore[arg-type]
    ChatStream(["data: [DONE]\n\n"])  # type: ignore[list-item]
    ChatStream(HasHeaders())  # type: ignore[arg-type]
    ChatStream(of_httpx.iter_lines())  # type: ignore[arg-type]
    AsyncChatStream(42)  # type: ignore[arg-type]
    AsyncChatStream(HasHeaders())  # type: ignore[arg-type]

    ChatStream(async_pieces())  # type: ignore[arg-type]
    ChatStream(of_httpx.aiter_bytes())  # type: ignore[arg-type]
    ChatStream(of_aiohttp)  # type: ignore[arg-type]
    CompletionStream(of_aiohttp)  # type: ignore[arg-type]
    AsyncChatStream(pieces())  # type: ignore[arg-type]
    AsyncChatStream([b""])  # type: ignore[arg-type]
    AsyncChatStream(of_requests)  # type: ignore[arg-type]
    AsyncChatStream(of_urllib3)  # type: ignore[arg-type]
    AsyncCompletionStream(of_requests)  # type: ignore[arg-type]

    ChatStream(pieces(), strict=1)  # type: ignore[arg-type]
    ChatStream(pieces(), stirct=True)  # type: ignore[call-arg]


def the_kind_tells_the_types(response: httpx.Response, kind: llm.Kind) -> None:
    chat = llm.Stream(response, kind="chat", strict=True)
    assert_type(chat.get_final(), ChatCompletion)
    for chunk in chat:
        assert_type(chunk, ChatCompletionChunk)
    for event in llm.StreamParser(kind="messages").feed(b""):
        assert_type(event, MessageStreamEvent)
    assert_type(llm.Stream(response).get_final(), Any)
    assert_type(llm.Stream(response, kind=kind).usage, llm.Usage | None)
    for piece in llm.Stream(response).iter_pieces():
        assert_type(piece, llm.Piece)
    llm.Stream(response, kind="mail")  # type: ignore[call-overload]
    llm.Stream(async_pieces())  # type: ignore[call-overload]
    llm.Stream(response, acumulate=False)  # type: ignore[call-overload]
