"""The decoder for the hook of both official clients: the same events, and the same objects."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx2
import openai
import pytest
from chat_streams import DONE, chunk, sse
from corpus import parametrize
from official_clients import Body, async_connect, async_outcome, connect, outcome
from replay_server import cut, replay

from sseparse.decoder import SSEDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable


def hooked(client_class: Any) -> Any:
    class Hooked(client_class):
        def _make_sse_decoder(self) -> SSEDecoder:
            return SSEDecoder()

    return Hooked


MESSAGE = {
    "model": "m",
    "max_tokens": 9,
    "messages": [{"role": "user", "content": "?"}],
    "stream": True,
}
FRAMES = (
    b": hello\nevent: a\ndata: 1\ndata:2\nid: x\nretry: 10\n\n"
    b"data: three\r\n\r\nevent: message\rdata: four\r\revent:message\nevent\ndata: 5\n\n"
    b'event: message_start\nunknown: 1\ndata: {"event": "message"}\n\ndata: message\n\n'
)


def fields(event: Any) -> tuple[Any, ...]:
    return event.event, event.data, event.id, event.retry


@pytest.fixture(params=["openai", "anthropic"])
def package(request: pytest.FixtureRequest) -> Any:
    pytest.importorskip(request.param)
    return __import__(f"{request.param}._streaming", fromlist=["_"])


@pytest.mark.parametrize("seed", range(20))
def test_decoder_gives_the_clients_events(package: Any, seed: int) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in cut(FRAMES, seed):
            yield piece

    async def main() -> list[Any]:
        return [fields(event) async for event in SSEDecoder().aiter_bytes(pieces())]

    official = [fields(event) for event in package.SSEDecoder().iter_bytes(iter([FRAMES]))]
    ours = [fields(event) for event in SSEDecoder().iter_bytes(iter(cut(FRAMES, seed)))]
    assert ours == official
    assert asyncio.run(main()) == official
    assert isinstance(SSEDecoder(), package.SSEBytesDecoder)


def test_decoder_gives_the_lines_of_an_event() -> None:
    streaming = pytest.importorskip("anthropic")._streaming
    official = [event.raw for event in streaming.SSEDecoder().iter_bytes(iter([FRAMES]))]
    assert [event.raw for event in SSEDecoder().iter_bytes(iter([FRAMES]))] == official


def test_decoders_event_has_the_rest() -> None:
    (event,) = SSEDecoder().iter_bytes(iter([b'data: {"a": 1}\n\n']))
    assert event.json() == {"a": 1}
    assert repr(event) == "ServerSentEvent(event=None, data='{\"a\": 1}', id=None, retry=None)"


def test_decoder_has_the_limit_it_is_given() -> None:
    events = SSEDecoder(max_event_size=10).iter_bytes(iter([b"data: 12345678\n\n"]))
    with pytest.raises(Exception, match="max_event_size"):
        list(events)


def test_openai_with_our_decoder() -> None:
    body = sse(*(chunk({"content": text}) for text in ("Grüß", " dich,", " 🌍"))) + DONE
    request = {"model": "m", "messages": MESSAGE["messages"], "stream": True}
    with replay(body) as url:
        with connect(url) as client:
            official = outcome(client.chat.completions.create(**request))
        with connect(url, hooked(openai.OpenAI)) as client:
            assert outcome(client.chat.completions.create(**request)) == official
    assert len(official) == 3


def anthropic_events(*payloads: dict[str, Any]) -> bytes:
    return b"".join(b"event: %b\n" % p["type"].encode() + sse(p) for p in payloads)


ANTHROPIC = anthropic_events(
    {
        "type": "message_start",
        "message": {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "content": [],
            "model": "claude",
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 10, "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    {"type": "ping"},
    *(
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
        for text in ("Grüß", " dich 🌍")
    ),
    {"type": "content_block_stop", "index": 0},
    {
        "type": "message_delta",
        "delta": {"stop_reason": "end_turn", "stop_sequence": None},
        "usage": {"output_tokens": 9},
    },
    {"type": "message_stop"},
)


@pytest.mark.parametrize("seed", range(3))
def test_anthropic_with_our_decoder(seed: int) -> None:
    anthropic = pytest.importorskip("anthropic")

    async def main(url: str) -> list[Any]:
        async with async_connect(url, hooked(anthropic.AsyncAnthropic)) as client:
            return await async_outcome(await client.messages.create(**MESSAGE))

    with replay(ANTHROPIC, seed) as url:
        with connect(url, anthropic.Anthropic) as client:
            official = outcome(client.messages.create(**MESSAGE))
        with connect(url, hooked(anthropic.Anthropic)) as client:
            assert outcome(client.messages.create(**MESSAGE)) == official
        assert asyncio.run(main(url)) == official
    assert len(official) == 7


def test_anthropic_reports_an_error_in_the_stream() -> None:
    anthropic = pytest.importorskip("anthropic")
    error = {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}
    with (
        replay(ANTHROPIC[:600].rpartition(b"event:")[0] + anthropic_events(error)) as url,
        connect(url, hooked(anthropic.Anthropic)) as client,
        pytest.raises(anthropic.APIStatusError, match="Overloaded"),
    ):
        list(client.messages.create(**MESSAGE))


@parametrize("anthropic.messages")
def test_anthropic_reads_recorded_streams_with_our_decoder(entry: dict[str, Any]) -> None:
    anthropic = pytest.importorskip("anthropic")

    def read(client_class: Any, make: Callable[[bytes], Iterable[bytes]]) -> list[Any]:
        transport = httpx2.MockTransport(
            lambda request: httpx2.Response(
                200,
                headers={"content-type": "text/event-stream"},
                stream=Body(make(entry["bytes"])),
                request=request,
            )
        )
        http_client = httpx2.Client(transport=transport)
        with client_class(api_key="-", http_client=http_client) as client:
            return outcome(client.messages.create(**MESSAGE))

    official = read(anthropic.Anthropic, lambda body: [body])
    assert read(hooked(anthropic.Anthropic), lambda body: cut(body, seed=3)) == official
    # Refusals, too, are recorded: JSON that came with a status of its own.
    assert bool(official) is (entry["events"] > 0)
