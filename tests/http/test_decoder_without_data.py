"""SSEDecoder: what the official clients do with their own decoder comes out with this one, too."""

from __future__ import annotations

import asyncio

import pytest

from sseparse.decoder import SSEDecoder

DYNAMO = b'data: {"a": 1}\n\nevent: error\n: engine lost\n\n'


async def source(*chunks):
    for chunk in chunks:
        yield chunk


def told(event):
    return event.event, event.data, event.id, event.retry, event.raw


def test_a_block_without_data_is_an_event():
    events = [told(event) for event in SSEDecoder().iter_bytes(iter([DYNAMO]))]
    assert events == [
        (None, '{"a": 1}', None, None, ['data: {"a": 1}']),
        ("error", "", None, None, ["event: error", ": engine lost"]),
    ]

    async def main():
        return [told(event) async for event in SSEDecoder().aiter_bytes(source(DYNAMO))]

    assert asyncio.run(main()) == events


def test_it_is_the_one_that_the_official_decoder_makes():
    streaming = pytest.importorskip("openai._streaming")
    bodies = [
        DYNAMO,
        b"event: ping\n\n",
        b"retry: 5\n\n",
        b"id: 1\n\n",
        b": comment\n\n",
        b"error: x\n\n",
        b"event:\n\n",
        b"event: a\nevent:\n\n",
    ]
    for body in bodies:
        theirs = streaming.SSEDecoder().iter_bytes(iter([body]))
        ours = SSEDecoder().iter_bytes(iter([body]))
        assert [told(event)[:4] for event in ours] == [
            (event.event, event.data, event.id or None, event.retry) for event in theirs
        ], body


def test_the_official_client_raises_where_it_does_with_its_own():
    """The stream of a server whose engine died must not look whole."""
    openai = pytest.importorskip("openai")
    import httpx2

    body = b'data: {"id":"c","choices":[]}\n\nevent: error\n: engine lost\n\n'

    class Client(openai.OpenAI):
        def _make_sse_decoder(self):
            return SSEDecoder()

    outcomes = []
    for cls in (openai.OpenAI, Client):
        transport = httpx2.MockTransport(
            lambda request: httpx2.Response(
                200, headers={"content-type": "text/event-stream"}, content=body
            )
        )
        with cls(api_key="-", http_client=httpx2.Client(transport=transport)) as client:
            stream = client.chat.completions.create(model="m", messages=[], stream=True)
            try:
                outcomes.append(len(list(stream)))
            except Exception as error:
                outcomes.append(type(error).__name__)
    assert outcomes[0] == outcomes[1]
    assert isinstance(outcomes[0], str)


def test_aclose_closes_the_source_at_once():
    closed = []

    async def chunks():
        try:
            while True:
                yield DYNAMO
        finally:
            closed.append(True)

    async def main():
        events = SSEDecoder().aiter_bytes(chunks())
        await anext(events)
        await events.aclose()
        assert closed == [True]
        assert [event async for event in events] == []

    asyncio.run(main())
