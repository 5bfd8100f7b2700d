"""EventSource that is closed, cancelled, timed out or read twice, for every client it knows."""

from __future__ import annotations

import asyncio
import threading

import http_clients
import httpx
import pytest
from hostile_server import Answer

from sseparse import EventTooLargeError, SSEError
from sseparse.http import EventSource, ResponseReader

PING = b"id: 7\ndata: ping\n\n"
PINGS = [["message", "ping", "7"]] * 2


# Closing while another thread or task reads.


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_closing_while_another_reads_ends_it_quietly(fetch, coding, framing):
    # The server sends nothing more until the client has hung up.
    answer = Answer([PING, PING], gated=True, coding=coding, framing=framing)
    told = fetch(answer, leave="elsewhere")
    answer.gate.release()
    assert told["events"] == PINGS[:1]
    assert told["error"] is None
    assert told["truncated"] is False
    assert not answer.waited_in_vain


@pytest.mark.parametrize("name", ["httpx", "httpx2", "requests", "urllib3"])
def test_a_reader_alone_can_be_closed_by_another_thread(server, name):
    answer = Answer([PING, PING], gated=True)
    with http_clients.get(name, server.url_of(answer)) as response:
        reader = ResponseReader(response)
        assert reader.read() == PING
        threading.Timer(0.1, reader.close).start()
        assert reader.read() is None
        assert reader.read() is None
        assert not reader.failed
    answer.gate.release()


def test_no_event_of_a_burst_comes_after_close(client, server):
    if "niquests" in client:
        pytest.skip("the same code")
    url = server.url_of(Answer([PING * 3]))
    if client == "aiohttp" or client.endswith("-async"):

        async def main():
            async with http_clients.aget(client, url) as response:
                source = EventSource(response)
                events = aiter(source)
                await anext(events)
                await source.aclose()
                return [event async for event in events], source.truncated

        assert asyncio.run(main()) == ([], False)
    else:
        with http_clients.get(client, url) as response:
            source = EventSource(response)
            events = iter(source)
            next(events)
            source.close()
            assert list(events) == []
            assert not source.truncated


# Reads that are cut short.


def test_a_read_that_was_cancelled_never_looks_like_the_end(client, fetch):
    if not (client == "aiohttp" or client.endswith("-async")):
        pytest.skip("only tasks are cancelled")
    told = fetch(Answer([PING, PING], gated=True), cancel=True)
    assert told["timed out"]
    if client == "aiohttp":  # goes on
        assert told["events"] == PINGS
        assert told["ended"]
        assert told["truncated"] is False
        return
    assert told["events"] == PINGS[:1]
    assert told["error"] == "sseparse.SSEError"
    assert "has raised CancelledError, after which its client cannot go on" in told["message"]
    assert told["truncated"] is True
    assert "ended" not in told


def test_a_read_that_failed_never_looks_like_the_end(server):
    for name in ("httpx", "httpx2", "requests", "urllib3"):
        with http_clients.get(name, server.url_of(Answer([PING], breaks_off=True))) as response:
            source = EventSource(response)
            events = iter(source)
            next(events)
            with pytest.raises(Exception, match=r".") as caught:
                next(events)
            assert not isinstance(caught.value, SSEError)
            for _ in range(2):
                with pytest.raises(SSEError, match="make a new request"):
                    next(events)
            assert source.truncated


# What a source says is never ahead of its caller.


def burst(body: bytes, **options) -> EventSource:
    return EventSource(
        httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body),
        **options,
    )


BURST = b"id: 1\ndata: a\n\ndata: b\n\nid: 3\ndata: c\n\nid: 4\n\n"


def test_the_place_to_resume_from_is_that_of_the_event_handed_out_last():
    source = burst(BURST, last_event_id="0")
    assert source.last_event_id == "0"
    events = iter(source)
    assert source.last_event_id == "0"
    seen = [(event.data, source.last_event_id) for event in events]
    assert seen == [("a", "1"), ("b", "1"), ("c", "3")]
    # The last block sets an ID without being an event.
    assert source.last_event_id == "4"


def test_it_is_so_with_async_for():
    async def main():
        source = burst(BURST, last_event_id="0")
        seen = [(event.data, source.last_event_id) async for event in source]
        return [*seen, source.last_event_id]

    assert asyncio.run(main()) == [("a", "1"), ("b", "1"), ("c", "3"), "4"]


@pytest.mark.parametrize("count", [0, 1, 2])
def test_it_stays_where_the_loop_was_left(count):
    source = burst(BURST, last_event_id="0")
    events = iter(source)
    for _ in range(count):
        next(events)
    source.close()
    assert source.last_event_id == ["0", "1", "1"][count]
    assert list(events) == []
    assert source.last_event_id == ["0", "1", "1"][count]


def test_an_error_that_waits_is_not_told_before_it_comes():
    source = burst(b"data: a\n\ndata: far too large\n\n", max_event_size=8)
    events = iter(source)
    next(events)
    assert not source.truncated
    with pytest.raises(EventTooLargeError):
        next(events)
    assert source.truncated


# A callback that raises loses nothing.


class OurError(Exception):
    """What a callback raises."""


def boom(text):
    raise OurError(text)


def test_a_callback_that_raises_loses_nothing(client, server):
    if "niquests" in client:
        pytest.skip("the same code")
    url = server.url_of(Answer([PING + b": x\n\n" + PING, PING]))
    seen = []
    if client == "aiohttp" or client.endswith("-async"):

        async def main():
            async with http_clients.aget(client, url) as response:
                events = aiter(EventSource(response, on_comment=boom))
                while True:
                    try:
                        seen.append((await anext(events)).data)
                    except OurError:
                        seen.append("boom")
                    except StopAsyncIteration:
                        return

        asyncio.run(main())
    else:
        with http_clients.get(client, url) as response:
            events = iter(EventSource(response, on_comment=boom))
            while True:
                try:
                    seen.append(next(events).data)
                except OurError:
                    seen.append("boom")
                except StopIteration:
                    break
    assert seen in (["boom", "ping", "ping", "ping"], ["ping", "boom", "ping", "ping"])


def test_the_place_to_resume_from_is_not_that_of_events_held_back():
    source = burst(b"id: 1\ndata: a\n\n: x\n\nid: 2\ndata: b\n\n", on_comment=boom)
    events = iter(source)
    with pytest.raises(OurError):
        next(events)
    assert source.last_event_id == ""
    next(events)
    assert source.last_event_id == "1"


# Responses that were used before.


@pytest.mark.parametrize("use", ["some", "all"])
def test_a_response_that_was_used_before_is_a_runtime_error(client, fetch, use):
    told = fetch(Answer([PING, PING] * 20), use=use)
    assert told["events"] == []
    assert told["error"] in (
        "builtins.RuntimeError",
        "httpx.StreamConsumed",
        "httpx2.StreamConsumed",
    )


# Giving back.


def test_leaving_an_async_with_leaves_no_generator_behind(server):
    left = []

    async def main(name):
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda *context: left.append(context))
        # What the event loop would have to close, it is told of here.
        url = server.url_of(Answer([PING], endless=True))
        async with http_clients.aget(name, url) as response:
            async with EventSource(response) as source:
                async for _ in source:
                    break
            return [generator for generator in loop._asyncgens if generator.ag_frame is not None]

    for name in ("httpx-async", "httpx2-async", "aiohttp"):
        assert [g for g in asyncio.run(main(name)) if "sseparse" in g.ag_code.co_filename] == []
    assert left == []
