"""The official clients' transports bring the bytes: one line gives them to a stream.

Their public interface alone. Google's has nothing of the kind: its client refuses to hand out the
response of a stream, and the last test notices should that change.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, NamedTuple

import anthropic
import httpx2
import openai
import pytest
from google_package import types
from official_clients import async_connect, connect
from replay_server import replay
from sse import sse

from sseparse.anthropic import AsyncMessageStream, MessageStream
from sseparse.google import AsyncGenerateContentStream, GenerateContentStream
from sseparse.openai import AsyncResponseStream, ResponseStream

if TYPE_CHECKING:
    from collections.abc import Callable

RESPONSE = sse(
    {"type": "response.created", "response": {"id": "resp_1", "status": "in_progress"}},
    {"type": "response.output_text.delta", "output_index": 0, "delta": "Grüß "},
    {"type": "response.output_text.delta", "output_index": 0, "delta": "dich, 🌍!"},
    {"type": "response.completed", "response": {"id": "resp_1", "status": "completed"}},
)
MESSAGE = sse(
    {"type": "message_start", "message": {"id": "msg_1", "role": "assistant", "content": []}},
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "text_delta", "text": "Grüß dich, 🌍!"},
    },
    {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    {"type": "message_stop"},
)
CONTENT = sse(
    {"candidates": [{"content": {"parts": [{"text": "Grüß "}]}}]},
    {"candidates": [{"content": {"parts": [{"text": "dich, 🌍!"}]}, "finishReason": "STOP"}]},
)


class Official(NamedTuple):
    """A client, what is asked of it, and what reads the answer."""

    client: Any
    async_client: Any
    create: Callable[[Any], Any]
    stream: Any
    async_stream: Any
    body: bytes


def create_response(client: Any) -> Any:
    return client.responses.with_streaming_response.create(model="m", input="?", stream=True)


def create_message(client: Any) -> Any:
    return client.messages.with_streaming_response.create(
        model="m", max_tokens=9, messages=[{"role": "user", "content": "?"}], stream=True
    )


OFFICIAL = {
    "responses": Official(
        openai.OpenAI,
        openai.AsyncOpenAI,
        create_response,
        ResponseStream,
        AsyncResponseStream,
        RESPONSE,
    ),
    "messages": Official(
        anthropic.Anthropic,
        anthropic.AsyncAnthropic,
        create_message,
        MessageStream,
        AsyncMessageStream,
        MESSAGE,
    ),
}
official_clients = pytest.mark.parametrize("official", OFFICIAL.values(), ids=OFFICIAL)
seeds = pytest.mark.parametrize("seed", range(3))


@official_clients
@seeds
def test_the_transport_of_an_official_client_brings_the_bytes(official: Official, seed: int):
    with (
        replay(official.body, seed) as url,
        connect(url, official.client) as client,
        official.create(client) as response,
    ):
        stream = official.stream(response.iter_bytes())
        assert "".join(stream.iter_text()) == "Grüß dich, 🌍!"
        assert (stream.done, stream.truncated) == (True, False)


@official_clients
@seeds
def test_the_transport_of_an_asynchronous_client_brings_the_bytes(official: Official, seed: int):
    async def main(url: str) -> None:
        async with (
            async_connect(url, official.async_client) as client,
            official.create(client) as response,
        ):
            stream = official.async_stream(response.iter_bytes())
            assert "".join([text async for text in stream.iter_text()]) == "Grüß dich, 🌍!"
            assert (stream.done, stream.truncated) == (True, False)

    with replay(official.body, seed) as url:
        asyncio.run(main(url))


@official_clients
def test_a_response_that_breaks_off_raises_what_the_client_raises(official: Official):
    with (
        replay(official.body, drop_after=len(official.body) - 40) as url,
        connect(url, official.client) as client,
        official.create(client) as response,
    ):
        stream = official.stream(response.iter_bytes())
        with pytest.raises(httpx2.RemoteProtocolError):
            stream.until_done()
    assert stream.truncated


@seeds
def test_gemini_is_read_with_an_http_client(seed: int):
    async def main(url: str) -> str:
        async with (
            httpx2.AsyncClient(trust_env=False) as client,
            client.stream("POST", url, json={}) as response,
        ):
            stream = AsyncGenerateContentStream(response)
            return "".join([text async for text in stream.iter_text()])

    with replay(CONTENT, seed) as url:
        with httpx2.stream("POST", url, json={}, trust_env=False) as response:
            stream = GenerateContentStream(response)
            assert "".join(stream.iter_text()) == "Grüß dich, 🌍!"
        assert not stream.truncated
        assert asyncio.run(main(url)) == "Grüß dich, 🌍!"


@pytest.mark.skipif(types is None, reason="Google's package is not here")
def test_google_s_client_hands_out_no_response_of_a_stream():
    from google import genai

    with genai.Client(api_key="-") as client:
        config = types.GenerateContentConfig(should_return_http_response=True)
        stream = client.models.generate_content_stream(model="m", contents="?", config=config)
        with pytest.raises(ValueError, match="not supported in streaming"):
            next(stream)
