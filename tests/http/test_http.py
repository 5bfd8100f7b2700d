"""EventSource, for every client it knows, over real HTTP on loopback."""

from __future__ import annotations

import asyncio
import io
import pickle
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import http_clients
import httpx
import openai
import pytest
import requests
import urllib3
from hostile_server import Answer

from sseparse import EventTooLargeError, Parser
from sseparse.http import (
    EventSource,
    NotAnEventStreamError,
    aiter_response_bytes,
    close_response,
    is_response,
    iter_response_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Fetch = Callable[..., dict[str, Any]]

# What each client raises when the connection breaks off.
RAISED = {
    "httpx": "httpx.RemoteProtocolError",
    "httpx-async": "httpx.RemoteProtocolError",
    "httpx2": "httpx2.RemoteProtocolError",
    "httpx2-async": "httpx2.RemoteProtocolError",
    "requests": "requests.ChunkedEncodingError",
    "urllib3": "urllib3.ProtocolError",
    "aiohttp": "aiohttp.ClientPayloadError",
    "niquests": "niquests.ChunkedEncodingError",
    "niquests-async": "niquests.ChunkedEncodingError",
    "urllib3 of niquests": "urllib3.ProtocolError",
}

PARTS = [
    "\ufeffretry: 250\n: Grüße\n\n".encode(),
    "event: grüße\r\nid: 1\r\ndata: ein €, eine 🏔\r\n\r\n".encode(),
    b"data: two\rdata: lines\r\r",
    b"data: " + b"long " * 500 + b"\n\n",
    b"data: \xff\xfe\nid: last\n\n",
]
EVENTS = [[event.event, event.data, event.id] for event in Parser().feed(b"".join(PARTS))]
ERROR = b'{"error": {"message": "no such key", "code": "invalid_api_key"}}'
PING = b"id: 7\ndata: ping\n\n"


# Bytes that come in every way.


@pytest.mark.parametrize("coding", ["identity", "gzip", "br"])
@pytest.mark.parametrize("framing", ["chunked", "length", "close"])
def test_the_events_are_those_of_the_body_wherever_its_writes_end(fetch, coding, framing):
    for seed in range(3):
        told = fetch(Answer(PARTS, framing=framing, coding=coding, seed=seed))
        assert told["events"] == EVENTS
        assert told["error"] is None
        assert told["truncated"] is False


def test_a_byte_at_a_time_makes_the_same_events(fetch):
    parts = ["data: ein €\r\n\r\ndata: 2\n\n".encode()]
    told = fetch(Answer(parts, framing="close", delay=0.005))
    assert told["events"] == [["message", "ein €", ""], ["message", "2", ""]]


@pytest.mark.parametrize(
    ("framing", "coding"),
    [
        ("chunked", "identity"),
        ("chunked", "gzip"),
        ("chunked", "br"),
        ("one chunk", "identity"),
        ("length", "identity"),
        ("close", "identity"),
        ("close", "gzip"),
    ],
)
def test_an_event_comes_before_the_server_sends_the_next(fetch, framing, coding):
    # It does not send it until it has been told of the one before.
    answer = Answer([PING, PING, PING], framing=framing, coding=coding, gated=True)
    told = fetch(answer, go_on=True)
    assert len(told["events"]) == 3
    assert not answer.waited_in_vain


def test_a_response_that_has_been_read_already_gives_its_events(client, fetch):
    if client == "niquests-async":
        pytest.skip("what an AsyncSession has read already is a synchronous response")
    told = fetch(Answer(PARTS, coding="gzip"), stream=False)
    assert told["events"] == EVENTS


def test_what_a_reconnection_needs_is_known(fetch):
    told = fetch(Answer(PARTS))
    assert told["last_event_id"] == "last"
    assert told["retry"] == 250


def test_options_reach_the_parser(fetch):
    told = fetch(Answer([b"data\n\n"]), last_event_id="41")
    assert told["events"] == [["message", "", "41"]]


# Bodies that break off.


@pytest.mark.parametrize("framing", ["chunked", "one chunk"])
def test_a_connection_that_breaks_off_is_the_clients_own_error(client, fetch, framing):
    told = fetch(Answer([PING, b"data: unfinish"], framing=framing, breaks_off=True))
    assert told["events"] == [["message", "ping", "7"]]
    assert told["error"] == RAISED[client]
    assert told["truncated"] is True


def test_a_connection_that_breaks_off_between_two_events_is_truncated_too(client, fetch):
    told = fetch(Answer([PING], breaks_off=True, coding="gzip"))
    assert told["events"] == [["message", "ping", "7"]]
    assert told["error"] == RAISED[client]
    assert told["truncated"] is True


def test_less_than_the_content_length_is_the_clients_own_error(client, fetch):
    told = fetch(Answer([PING, b"data: unfinish"], framing="length", breaks_off=True))
    assert told["events"] == [["message", "ping", "7"]]
    assert told["error"] is not None
    assert told["error"].partition(".")[0] == RAISED[client].partition(".")[0]
    assert told["truncated"] is True


def test_an_end_inside_an_event_is_truncated(fetch):
    # Without a length or chunks no client can tell this end from a regular one.
    told = fetch(Answer([PING, b"data: unfinish"], framing="close"))
    assert told["events"] == [["message", "ping", "7"]]
    assert told["error"] is None
    assert told["truncated"] is True


def test_an_event_that_waits_for_a_lf_comes_at_the_end(fetch):
    told = fetch(Answer([b"data: 1\r\n\r"]), keep_raw=True)
    assert [data for _, data, _ in told["events"]] == ["1"]
    assert told["error"] is None
    assert told["truncated"] is False


def test_an_event_that_waits_for_a_lf_comes_before_the_clients_error(fetch):
    told = fetch(Answer([b"data: 1\r\n\r"], breaks_off=True), keep_raw=True)
    assert [data for _, data, _ in told["events"]] == ["1"]
    assert told["error"] is not None


def test_what_aiohttp_had_received_when_the_connection_broke_is_delivered(server):
    url = server.url_of(Answer([PING, PING], breaks_off=True))

    async def main():
        async with http_clients.aget("aiohttp", url) as response:
            while response.content.exception() is None:
                await asyncio.sleep(0.001)
            events = aiter(EventSource(response))
            assert [(await anext(events)).data, (await anext(events)).data] == ["ping", "ping"]
            with pytest.raises(Exception, match="payload"):
                await anext(events)

    asyncio.run(main())


# Responses that are no event stream.


@pytest.mark.parametrize("status", [401, 429, 500])
def test_an_error_status_is_an_error_with_the_body(client, fetch, server, status):
    told = fetch(
        Answer([ERROR], status=status, content_type="application/json", coding="gzip", seed=1)
    )
    assert told["events"] == []
    assert told["error"] == "sseparse.NotAnEventStreamError"
    seen_status, content_type, url, body = told["not an event stream"]
    assert (seen_status, content_type) == (status, "application/json")
    assert body == ERROR.decode()
    # urllib3 tells the path alone.
    number = len(server.answers) - 1
    assert url.endswith(f"/{number}")
    assert url.startswith("http://127.0.0.1:") or client.startswith("urllib3")
    assert f"has status {status} and is 'application/json'; it begins with" in told["message"]


def test_an_error_status_is_an_error_whatever_the_type(fetch):
    told = fetch(Answer([b"event: error\ndata: overloaded\n\n"], status=500))
    assert told["error"] == "sseparse.NotAnEventStreamError"
    assert told["not an event stream"][0] == 500
    told = fetch(Answer([PING], status=500), check_content_type=False)
    assert told["error"] == "sseparse.NotAnEventStreamError"


def test_json_with_status_200_is_an_error_with_the_body(fetch):
    told = fetch(Answer([ERROR], content_type="application/json; charset=utf-8", seed=2))
    assert told["error"] == "sseparse.NotAnEventStreamError"
    status, content_type, _, body = told["not an event stream"]
    assert (status, content_type) == (200, "application/json; charset=utf-8")
    assert body == ERROR.decode()
    assert "is no event stream but 'application/json; charset=utf-8'" in told["message"]


def test_the_error_has_no_more_than_the_beginning_of_a_body(fetch):
    answer = Answer([b"<html>" + b"x" * 5000, b"y" * 5000], content_type="text/html", gated=True)
    told = fetch(answer, max_error_body=4096)
    assert told["not an event stream"][3] == "<html>" + "x" * 4090
    answer.gate.release()
    assert not answer.waited_in_vain


def test_a_body_that_breaks_off_does_not_hide_the_status(fetch):
    told = fetch(Answer([ERROR], status=500, breaks_off=True))
    assert told["error"] == "sseparse.NotAnEventStreamError"
    assert told["not an event stream"][3] == ERROR.decode()


@pytest.mark.parametrize("part", [PING, b": ping\n"])
def test_a_mislabelled_stream_is_an_error_without_waiting_for_its_end(fetch, part):
    answer = Answer([part, part], content_type="text/plain", gated=True)
    told = fetch(answer)
    assert told["error"] == "sseparse.NotAnEventStreamError"
    assert told["not an event stream"][3] == part.decode()
    assert ("check_content_type=False takes it for one" in told["message"]) == (part == PING)
    answer.gate.release()
    assert not answer.waited_in_vain


def test_a_mislabelled_stream_can_be_read_all_the_same(fetch):
    told = fetch(Answer([PING], content_type="application/octet-stream"), check_content_type=False)
    assert told["events"] == [["message", "ping", "7"]]


def source_of(body: bytes = PING, status: int = 200, **headers: str) -> EventSource:
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return EventSource(httpx.Response(status, headers=headers, content=body))


@pytest.mark.parametrize(
    "content_type",
    [
        "text/event-stream",
        "Text/Event-Stream",
        "text/event-stream; charset=latin-1",
        "text/event-stream;charset=utf-8",
        " text/event-stream ; x=y",
        "text/event-stream, text/event-stream",
    ],
)
def test_only_the_essence_of_the_media_type_counts(content_type):
    (event,) = source_of(content_type=content_type)
    assert event.data == "ping"


@pytest.mark.parametrize(
    "content_type", ["text/event-streams", "text/plain; text/event-stream", "", "text"]
)
def test_any_other_media_type_is_an_error(content_type):
    with pytest.raises(NotAnEventStreamError):
        list(source_of(content_type=content_type))


def test_no_media_type_is_an_error():
    with pytest.raises(NotAnEventStreamError, match="the response has no Content-Type; it begins"):
        list(source_of())


@pytest.mark.parametrize("status", [200, 201, 299])
def test_every_status_of_success_is_taken(status):
    assert len(list(source_of(status=status, content_type="text/event-stream"))) == 1


@pytest.mark.parametrize("status", [204, 304])
def test_a_response_without_a_body_is_an_error(status):
    with pytest.raises(NotAnEventStreamError, match="its body is empty"):
        list(source_of(b"", status))


def test_the_message_leaves_out_keys_in_the_url():
    error = NotAnEventStreamError(b"no", 401, None, "https://me:pw@host:1/v1/chat?key=abc#x@y")
    assert (
        str(error) == "the response of https://host:1/v1/chat has status 401; it begins with 'no'"
    )
    assert error.url == "https://me:pw@host:1/v1/chat?key=abc#x@y"


def test_the_error_can_be_pickled():
    error = NotAnEventStreamError(b"no", 401, "text/html", "https://host/")
    copy = pickle.loads(pickle.dumps(error))
    assert (str(copy), vars(copy)) == (str(error), vars(error))


def test_entering_checks_the_response_before_anything_is_read():
    with pytest.raises(NotAnEventStreamError), source_of(ERROR, 429):
        pytest.fail("it was entered")

    async def main():
        async with source_of(ERROR, 429):
            pytest.fail("it was entered")

    with pytest.raises(NotAnEventStreamError) as caught:
        asyncio.run(main())
    assert caught.value.body == ERROR


# Leaving early.


def event_stream(content: Any) -> httpx.Response:
    return httpx.Response(200, headers={"content-type": "text/event-stream"}, content=content)


@pytest.mark.parametrize("leave", ["break", "with", "close", "error"])
def test_leaving_early_closes_the_response(fetch, leave):
    told = fetch(Answer([PING], endless=True), leave=leave)
    assert told["hung up"] == "yes"
    assert len(told["events"]) == 1
    assert told["truncated"] is False


def test_an_event_over_the_limit_closes_the_response(fetch):
    answer = Answer([PING, b"data: far too large"], endless=True)
    told = fetch(answer, max_event_size=16)
    assert told["events"][0] == ["message", "ping", "7"]
    assert told["error"] == "sseparse.EventTooLargeError"
    assert told["truncated"] is True
    assert answer.hung_up.wait(10)


def test_an_event_over_the_limit_is_an_error_without_waiting_for_more():
    def chunks():
        yield PING + b"data: far too large"
        pytest.fail("another chunk was asked for")

    events = iter(EventSource(event_stream(chunks()), max_event_size=16))
    assert next(events).data == "ping"
    with pytest.raises(EventTooLargeError):
        next(events)


def test_an_event_over_the_limit_is_an_error_without_waiting_for_more_async():
    async def chunks():
        yield PING + b"data: far too large"
        pytest.fail("another chunk was asked for")

    async def main():
        events = aiter(EventSource(event_stream(chunks()), max_event_size=16))
        assert (await anext(events)).data == "ping"
        with pytest.raises(EventTooLargeError):
            await anext(events)

    asyncio.run(main())


def test_leaving_early_leaves_no_generator_to_the_event_loop():
    left = []

    async def chunks():
        try:
            while True:
                yield PING
        finally:
            left.append(True)

    async def main():
        response = event_stream(b"")
        response.aiter_bytes = chunks
        events = aiter(EventSource(response))
        await anext(events)
        await events.aclose()
        assert left == [True]

    asyncio.run(main())


@pytest.mark.parametrize("leave", ["break", "with"])
def test_a_response_that_is_no_event_stream_is_closed(fetch, leave):
    told = fetch(Answer([b"x" * 20_000], content_type="text/html", endless=True), leave=leave)
    assert told["error"] == "sseparse.NotAnEventStreamError"
    assert told["hung up"] == "yes"


def test_leaving_early_gives_the_connection_back_to_its_pool(server):
    url = server.url_of(Answer([PING], endless=True))
    with urllib3.HTTPConnectionPool(
        "127.0.0.1", server.server_address[1], maxsize=1, block=True
    ) as pool:
        for _ in range(2):
            response = pool.request(
                "GET", url[url.rindex("/") :], preload_content=False, pool_timeout=5
            )
            for _ in EventSource(response):
                break


def test_a_source_is_iterated_over_once():
    source = source_of(content_type="text/event-stream")
    assert len(list(source)) == 1
    with pytest.raises(RuntimeError, match="make a new request"):
        iter(source)
    with pytest.raises(RuntimeError, match="make a new request"):
        aiter(source)


def test_a_closed_source_is_not_iterated_over():
    source = source_of(content_type="text/event-stream")
    source.close()
    with pytest.raises(RuntimeError, match="iterated over or closed already"):
        iter(source)


def test_a_closed_source_gives_no_more_events():
    source = EventSource(event_stream(iter([PING, PING])))
    events = iter(source)
    next(events)
    source.close()
    assert list(events) == []


def test_a_closed_source_gives_no_more_events_async():
    async def chunks():
        yield PING
        pytest.fail("another chunk was asked for")

    async def main():
        source = EventSource(event_stream(chunks()))
        events = aiter(source)
        await anext(events)
        await source.aclose()
        return [event async for event in events]

    assert asyncio.run(main()) == []


# What is no response, and what cannot be read in this way.


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        (None, ""),
        ("https://host/", "not str"),
        (b"data", r"iter_events and aiter_events take bytes"),
        ([b"data"], r"iter_events and aiter_events take bytes"),
        (SimpleNamespace(headers={}), "not SimpleNamespace"),
        (httpx.stream("GET", "https://host/"), "give what its with statement gives"),
        (httpx.Client, "not type"),
    ],
)
def test_anything_else_is_a_type_error_that_says_what_to_give(value, hint):
    assert not is_response(value)
    for take in (EventSource, iter_response_bytes, aiter_response_bytes):
        with pytest.raises(TypeError, match=f"must be a response of httpx.*{hint}"):
            take(value)


def test_a_response_that_was_not_awaited_is_a_type_error_that_says_so():
    async def main():
        async with httpx.AsyncClient(verify=False) as client:
            response = client.get("http://127.0.0.1:9/")
            with pytest.raises(TypeError, match=r"not coroutine \(await it first\)"):
                EventSource(response)
            response.close()

    asyncio.run(main())


def test_a_wrong_option_is_an_error_at_once():
    with pytest.raises(ValueError, match="max_event_size"):
        EventSource(httpx.Response(200), max_event_size=0)


def test_an_asynchronous_response_is_not_read_with_for(server):
    url = server.url_of(Answer([PING]))

    async def main():
        async with http_clients.aget("aiohttp", url) as response:
            with pytest.raises(TypeError, match="this aiohttp ClientResponse is asynchronous"):
                iter(EventSource(response))
            return [event.data async for event in EventSource(response)]

    assert asyncio.run(main()) == ["ping"]


@pytest.mark.parametrize("name", ["requests", "urllib3"])
def test_a_synchronous_response_is_not_read_with_async_for(server, name):
    with http_clients.get(name, server.url_of(Answer([PING]))) as response:
        with pytest.raises(TypeError, match=f"this {name} .*Response is not asynchronous: use for"):
            aiter(EventSource(response))
        assert [event.data for event in EventSource(response)] == ["ping"]


def test_an_asynchronous_iterator_that_cannot_be_closed_is_read():
    class Chunks:
        def __init__(self) -> None:
            self.chunks = iter([PING, PING])

        def __aiter__(self):
            return self

        async def __anext__(self):
            for chunk in self.chunks:
                return chunk
            raise StopAsyncIteration

    async def main():
        response = event_stream(b"")
        response.aiter_bytes = Chunks
        return [event.data async for event in EventSource(response)]

    assert asyncio.run(main()) == ["ping", "ping"]


# The bytes alone.


def test_bytes_are_read_whatever_the_status_and_type(server):
    for name in ("httpx", "httpx2", "requests", "urllib3"):
        answer = Answer([ERROR], status=401, content_type=None, coding="gzip", seed=1)
        with http_clients.get(name, server.url_of(answer)) as response:
            assert is_response(response)
            chunks = list(iter_response_bytes(response))
            assert b"".join(chunks) == ERROR
            assert b"" not in chunks
            close_response(response)


def test_bytes_are_read_whatever_the_status_and_type_async(server):
    async def main(name, url):
        async with http_clients.aget(name, url) as response:
            assert is_response(response)
            return [chunk async for chunk in aiter_response_bytes(response)]

    for name in ("httpx-async", "httpx2-async", "aiohttp"):
        answer = Answer([ERROR], status=401, content_type=None, coding="gzip", seed=1)
        chunks = asyncio.run(main(name, server.url_of(answer)))
        assert b"".join(chunks) == ERROR
        assert b"" not in chunks


def test_a_requests_response_keeps_its_raw(server):
    with http_clients.get("requests", server.url_of(Answer([PING, PING]))) as response:
        raw = response.raw
        events = iter(EventSource(response))
        next(events)
        assert response.raw is raw
        events.close()


def test_a_requests_response_without_urllib3_is_read():
    # As the mocks of test suites make them.
    response = requests.Response()
    response.status_code = 200
    response.headers["Content-Type"] = "text/event-stream"
    response.raw = urllib3.response.HTTPResponse(io.BytesIO(PING), preload_content=False)
    assert [event.data for event in EventSource(response)] == ["ping"]


def test_a_requests_response_with_any_file_is_read():
    response = requests.Response()
    response.status_code = 200
    response.headers["Content-Type"] = "text/event-stream"
    response.raw = io.BytesIO(PING)
    assert [event.data for event in EventSource(response)] == ["ping"]


@pytest.mark.parametrize(("chunked", "amt"), [(True, None), (False, 1)])
def test_an_older_urllib3_is_read_without_waiting_for_the_end(chunked, amt):
    def stream(amt, decode_content):
        asked.append((amt, decode_content))
        yield PING

    asked: list[Any] = []
    response = SimpleNamespace(
        headers={"content-type": "text/event-stream"},
        status=200,
        read=None,
        read_chunked=None,
        stream=stream,
        chunked=chunked,
        decode_content=True,
        close=lambda: None,
    )
    assert [event.data for event in EventSource(response)] == ["ping"]
    assert asked == [(amt, True)]


def test_an_empty_read_before_the_end_is_not_the_end():
    # As urllib3-future has them, of a compressed body.
    reads = [b"", PING, b"", PING, b""]
    response = SimpleNamespace(
        headers={"content-type": "text/event-stream"},
        status=200,
        read=None,
        read_chunked=None,
        read1=lambda amt: reads.pop(0),
        isclosed=lambda: not reads,
        close=lambda: None,
    )
    assert [event.data for event in EventSource(response)] == ["ping", "ping"]


# niquests has to live in an environment of its own, so here is, too, what it is asked for.


def niquests_response(**rest: Any) -> SimpleNamespace:
    headers = {"content-type": "text/event-stream"}
    return SimpleNamespace(headers=headers, status_code=200, close=lambda: None, **rest)


def test_niquests_is_asked_for_what_has_arrived():
    def iter_content(size):
        assert size == -1
        yield from [PING, PING]

    response = niquests_response(iter_content=iter_content, iter_raw=None)
    assert [event.data for event in EventSource(response)] == ["ping", "ping"]


def test_an_asynchronous_niquests_reads_without_waiting_for_more_than_has_arrived():
    async def stream(amt, decode_content):
        assert (amt, decode_content) == (-1, True)
        yield PING
        yield PING

    async def read(amt, decode_content):
        pytest.fail("its own read was called, which waits")

    async def iter_content(size):
        async def chunks():
            assert response.raw.version == 20  # what else it asks of raw is there
            while chunk := await response.raw.read(size, decode_content=True):
                yield chunk

        return chunks()

    async def main():
        return [event.data async for event in EventSource(response)]

    raw = SimpleNamespace(stream=stream, read=read, version=20)
    response = niquests_response(iter_content=iter_content, raw=raw)
    assert asyncio.run(main()) == ["ping", "ping"]
    assert response.raw is raw


# The official client hands out responses of its own.


def test_a_streaming_response_of_the_openai_client_is_read(server):
    url = server.url_of(Answer(PARTS, seed=1))
    with openai.OpenAI(api_key="-", base_url=url) as client:
        create = client.chat.completions.with_streaming_response.create
        with create(model="m", messages=[], stream=True) as response:
            events = [event.data for event in EventSource(response)]
    assert events == [data for _, data, _ in EVENTS]


def test_a_streaming_response_of_the_asynchronous_openai_client_is_read(server):
    url = server.url_of(Answer(PARTS, seed=1))

    async def main():
        async with openai.AsyncOpenAI(api_key="-", base_url=url) as client:
            create = client.chat.completions.with_streaming_response.create
            async with create(model="m", messages=[], stream=True) as response:
                with pytest.raises(TypeError, match=r"this openai .* is asynchronous"):
                    iter(EventSource(response))
                return [event.data async for event in EventSource(response)]

    assert asyncio.run(main()) == [data for _, data, _ in EVENTS]


def test_closing_an_asynchronous_response_without_await_is_a_type_error(server):
    url = server.url_of(Answer(PARTS))

    async def main():
        async with openai.AsyncOpenAI(api_key="-", base_url=url) as client:
            create = client.chat.completions.with_streaming_response.create
            async with create(model="m", messages=[], stream=True) as response:
                with pytest.raises(TypeError, match=r"use async with, or aclose\(\)"):
                    EventSource(response).close()

    asyncio.run(main())
