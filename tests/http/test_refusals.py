"""Responses that cannot be read as event streams: each is an error that says what it is."""

from __future__ import annotations

import asyncio
import gzip
import io
import pickle
from types import SimpleNamespace

import httpx
import pytest
import requests
import urllib3
from hostile_server import Answer

from sseparse.http import EventSource, NotAnEventStreamError, is_response

PING = b"id: 7\ndata: ping\n\n"
# Four events, compressed with Brotli.
BR = bytes.fromhex("1b2b00f81d07760cedfd9c94d3aec3c8cadea4820e5d81b84551114093c903")
GZIP = gzip.compress(PING)
ZSTD = bytes.fromhex("28b52ffd2011890000") + PING


def response(body=PING, status=200, **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers.setdefault("content-type", "text/event-stream")
    return httpx.Response(status, headers=headers, content=body)


def refused(source):
    with pytest.raises(NotAnEventStreamError) as caught:
        list(source)
    return caught.value


# Bodies that were left compressed.


@pytest.mark.parametrize("coding", ["x-unknown", "gzip, x-unknown"])
def test_a_body_that_was_left_compressed_is_told_of_before_its_end(client, fetch, coding):
    # No client knows this one.
    body = {"x-unknown": BR, "gzip, x-unknown": gzip.compress(BR)}[coding]
    answer = Answer([body, PING], gated=True, headers=(f"Content-Encoding: {coding}",))
    told = fetch(answer)
    answer.gate.release()
    assert told["events"] == []
    assert told["error"] is not None
    if told["error"] == "sseparse.NotAnEventStreamError":  # else its client says it
        assert f"does not know the Content-Encoding '{coding}'" in told["message"]
    assert not answer.waited_in_vain


@pytest.mark.parametrize("body", [BR, GZIP, ZSTD], ids=["br", "gzip", "zstd"])
@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_it_shows_however_the_bytes_are_cut(body, size):
    stand_in = SimpleNamespace(
        headers={"content-type": "text/event-stream", "content-encoding": "x"},
        status_code=200,
        iter_bytes=lambda: (body[i : i + size] for i in range(0, len(body), size)),
        close=lambda: None,
    )
    error = refused(EventSource(stand_in))
    assert error.content_encoding == "x"
    assert error.body == body[: len(error.body)]


def test_text_under_a_content_encoding_is_read():
    # The header stays there when the client has decompressed the body.
    compressed = response(GZIP, content_encoding="gzip")
    assert [event.data for event in EventSource(compressed)] == ["ping"]
    odd = response(b"data: \xff\0\x01\n\n", content_encoding="identity")
    assert len(list(EventSource(odd))) == 1


# Bodies that are labelled event streams, and are none.


@pytest.mark.parametrize(
    "body",
    [
        b'{"error": {"message": "no"}}',
        b'{\r\n  "error": "no"\r\n}\r\n',
        b"<html>\n<body>Bad Gateway</body>\n</html>\n",
        b'error: {"message": "overloaded"}\n\n',
        b"upstream connect error",
    ],
)
def test_a_body_without_one_line_of_an_event_stream_is_an_error(body):
    error = refused(EventSource(response(body)))
    assert error.body == body
    assert "is labelled 'text/event-stream' and has not one line of an event" in str(error)
    assert "NotAnEventStreamError" in repr(error)

    async def main():
        return [event async for event in EventSource(response(body))]

    with pytest.raises(NotAnEventStreamError):
        asyncio.run(main())


def test_it_is_an_error_with_every_client(fetch):
    told = fetch(Answer([b'{"error": "no"}'], coding="gzip", seed=1))
    assert told["error"] == "sseparse.NotAnEventStreamError"
    assert told["not an event stream"][3] == '{"error": "no"}'
    assert told["truncated"] is True


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\n\n", b"\xef\xbb\xbf", b"\xef", b": hello\n", b": hel", b"retry: 5\n\n"),
        *(b"id\n\n", b"da", b"event: a\n\n", b"data: unfinish", b"x: y\n: z\n\n"),
        *(b"retry: 1667a\n\n", b"id: a\0b\n\n"),  # fields whose values are ignored
    ],
)
def test_a_stream_of_no_event_is_no_error(body):
    assert list(EventSource(response(body))) == []


# Statuses.


def test_no_content_is_an_error_that_says_not_to_reconnect():
    error = refused(EventSource(response(b"", 204)))
    assert error.status == 204
    assert "has status 204: there is nothing to read, nor to reconnect for" in str(error)


def test_a_redirect_says_where_it_leads():
    error = refused(EventSource(response(b"", 307, location="https://me:pw@host/new?key=1")))
    assert error.location == "https://me:pw@host/new?key=1"
    assert "has status 307" in str(error)
    assert "and leads to 'https://host/new'" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))


def test_an_error_body_is_there_whole(fetch):
    body = b'{"error": "' + b"x" * 6000 + b'"}'
    told = fetch(Answer([body], status=500, content_type="application/json", seed=1))
    assert told["not an event stream"][3] == body.decode()


def test_max_error_body_bounds_it():
    assert len(refused(EventSource(response(b"x" * 200_000, 500))).body) == 65536
    assert refused(EventSource(response(b"x" * 100, 500), max_error_body=10)).body == b"x" * 10
    assert refused(EventSource(response(b"x" * 100), max_error_body=10)).body == b"x" * 10


def test_any_status_can_be_taken():
    source = EventSource(response(b"event: error\ndata: no\n\n", 503), check_status=False)
    assert [event.event for event in source] == ["error"]
    with pytest.raises(NotAnEventStreamError):
        list(EventSource(response(b"<html>", 503, content_type="text/html"), check_status=False))


# The media type.


@pytest.mark.parametrize(
    "content_type",
    [
        "text/html, text/event-stream",
        'text/html; x="a,b", text/event-stream; charset=utf-8',
        "text/event-stream, garbage",
        "text/event-stream,",
    ],
)
def test_of_several_media_types_the_last_valid_one_counts(content_type):
    assert len(list(EventSource(response(content_type=content_type)))) == 1


@pytest.mark.parametrize(
    "content_type",
    ["text/event-stream, text/html", 'text/html; x=", text/event-stream"', "text/event-stream/x"],
)
def test_one_that_is_not_the_last_does_not_count(content_type):
    refused(EventSource(response(content_type=content_type)))


@pytest.mark.parametrize("last", ["text/event-stream", "text/html"])
def test_it_is_so_for_headers_that_come_twice_with_every_client(fetch, last):
    first = {"text/event-stream": "text/html", "text/html": "text/event-stream"}[last]
    told = fetch(Answer([PING], content_type=last, headers=(f"Content-Type: {first}",)))
    assert (told["error"] is None) == (last == "text/event-stream")


def test_a_stream_whose_last_media_type_is_another_is_not_said_to_have_no_line():
    error = refused(EventSource(response(content_type="text/event-stream, text/plain")))
    assert "is no event stream but 'text/event-stream, text/plain'" in str(error)
    assert "check_content_type=False" in str(error)


def test_the_message_says_what_is_expected():
    error = refused(EventSource(response(content_type="text/html")))
    assert "event streams are labelled 'text/event-stream'" in str(error)


# Stand-ins and replays.


def test_a_response_without_headers_is_read_where_its_content_can_be():
    class Content:
        async def iter_any(self):
            yield PING
            yield PING

    stand_in = SimpleNamespace(content=Content(), close=lambda: None)
    assert is_response(stand_in)

    async def main():
        return [event.data async for event in EventSource(stand_in)]

    assert asyncio.run(main()) == ["ping", "ping"]


class Replayed(io.BytesIO):
    """As vcrpy gives them: ``read1`` knows no options, and nothing tells of the end."""

    status = 200
    version = None

    def __init__(self, body, content_type="text/event-stream"):
        super().__init__(body)
        self.headers = urllib3.HTTPHeaderDict({"content-type": content_type})

    def isclosed(self):
        return False

    def release_conn(self):
        pass

    def stream(self, amt=65536, decode_content=None):
        while chunk := self.read(amt):
            yield chunk

    @property
    def data(self):
        return self.getvalue()


def test_a_replayed_response_of_urllib3_is_read_and_ends():
    assert [event.data for event in EventSource(Replayed(PING * 2))] == ["ping", "ping"]


def test_a_replayed_response_of_requests_is_read_and_ends():
    replayed = requests.Response()
    replayed.status_code = 200
    replayed.headers["Content-Type"] = "text/event-stream"
    replayed.raw = Replayed(PING * 2)
    assert [event.data for event in EventSource(replayed)] == ["ping", "ping"]


def test_a_replayed_response_that_was_used_is_a_runtime_error():
    replayed = Replayed(PING * 2)
    replayed.read(5)
    with pytest.raises(RuntimeError, match="has been read before"):
        list(EventSource(replayed))
