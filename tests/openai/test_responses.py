"""ChatStream and AsyncChatStream on the response objects of real clients, over real HTTP."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import http_clients
import httpx
import pytest
from background import running
from chat_streams import DONE, chunk, sse
from hostile_server import Answer, HostileServer

from sseparse.openai import (
    APIError,
    AsyncChatStream,
    ChatStream,
    NotAnEventStreamError,
    TruncatedStreamError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hostile_server import HostileServer

SYNC = ["httpx", "httpx2", "requests", "urllib3"]
ASYNC = ["httpx-async", "httpx2-async", "aiohttp"]

PARTS = [
    sse(chunk({"content": "Grüße"})) + b": keep-alive\r\n\r\n",
    sse(chunk({"content": " 🏔"}, finish_reason="stop")),
    DONE,
]


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with running(HostileServer()) as server:
        yield server


@pytest.fixture(params=[*SYNC, *ASYNC])
def read(request: pytest.FixtureRequest, server: HostileServer) -> Callable[..., Any]:
    """A function that reads an answer to its end and returns the stream and its pieces of text.

    The pieces that came before an exception are its attribute ``pieces``.
    """
    client: str = request.param

    async def aread(answer: Answer, **options: Any) -> Any:
        pieces: list[str] = []
        async with (
            http_clients.aget(client, server.url_of(answer)) as response,
            AsyncChatStream(response, **options) as stream,
        ):
            try:
                async for piece in stream.iter_text():
                    pieces.append(piece)
            except Exception as error:
                error.pieces = pieces
                raise
        return stream, pieces

    def read(answer: Answer, **options: Any) -> Any:
        if client in ASYNC:
            return asyncio.run(aread(answer, **options))
        pieces: list[str] = []
        with (
            http_clients.get(client, server.url_of(answer)) as response,
            ChatStream(response, **options) as stream,
        ):
            try:
                pieces.extend(stream.iter_text())
            except Exception as error:
                error.pieces = pieces
                raise
        return stream, pieces

    return read


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_response_comes_out_as_its_text(read: Callable[..., Any], coding: str) -> None:
    stream, pieces = read(Answer(PARTS, coding=coding, seed=3))
    assert pieces == ["Grüße", " 🏔"]
    assert stream.done
    assert stream.finish_reason == "stop"


def test_a_connection_that_breaks_off_is_the_clients_error_after_the_text(
    read: Callable[..., Any],
) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011
        read(Answer(PARTS[:1], breaks_off=True))
    assert caught.value.pieces == ["Grüße"]
    assert not type(caught.value).__module__.startswith(("sseparse", "builtins"))


def test_a_body_that_ends_early_is_truncated(read: Callable[..., Any]) -> None:
    stream, _ = read(Answer(PARTS[:1]))
    assert stream.truncated
    with pytest.raises(TruncatedStreamError):
        read(Answer(PARTS[:1]), require_done=True)


@pytest.mark.parametrize("status", [200, 401, 429])
def test_a_json_error_is_an_api_error_whatever_the_status(
    read: Callable[..., Any], status: int
) -> None:
    body = b'{"error": {"message": "slow down", "code": "rate_limit"}}'
    with pytest.raises(APIError, match="slow down") as caught:
        read(Answer([body], status=status, content_type="application/json"))
    assert caught.value.code == "rate_limit"


def test_a_web_page_is_told_with_status_type_and_body(read: Callable[..., Any]) -> None:
    answer = Answer([b"<html>Bad gateway</html>"], status=502, content_type="text/html")
    with pytest.raises(NotAnEventStreamError, match="Bad gateway") as caught:
        read(answer)
    assert (caught.value.status, caught.value.content_type) == (502, "text/html")


def test_as_much_of_a_web_page_is_kept_as_event_source_keeps(
    read: Callable[..., Any],
) -> None:
    page = b"<p>x</p>" * 10_000
    with pytest.raises(NotAnEventStreamError) as caught:
        read(Answer([page], status=502, content_type="text/html"))
    assert caught.value.body == page[: 64 * 1024]


def test_an_empty_answer_with_a_failed_status_is_an_error(read: Callable[..., Any]) -> None:
    with pytest.raises(NotAnEventStreamError, match="status 503"):
        read(Answer([b""], status=503))


def test_an_empty_answer_with_a_good_status_is_a_truncated_stream(
    read: Callable[..., Any],
) -> None:
    stream, pieces = read(Answer([b""]))
    assert pieces == []
    assert stream.truncated
    with pytest.raises(TruncatedStreamError):
        read(Answer([b""]), require_done=True)


def test_a_mislabelled_stream_is_read_all_the_same(read: Callable[..., Any]) -> None:
    stream, _ = read(Answer(PARTS, content_type="application/json"))
    assert stream.done


def test_a_synchronous_stream_refuses_an_asynchronous_response(server: HostileServer) -> None:
    async def ask() -> None:
        async with http_clients.aget("aiohttp", server.url_of(Answer(PARTS))) as response:
            with pytest.raises(TypeError, match="AsyncChatStream"):
                ChatStream(response)
            response.close()

    asyncio.run(ask())


def test_an_asynchronous_stream_refuses_a_synchronous_response(server: HostileServer) -> None:
    with http_clients.get("requests", server.url_of(Answer(PARTS))) as response:
        with pytest.raises(TypeError, match="ChatStream"):
            AsyncChatStream(response)
        response.close()


@pytest.mark.parametrize("body", [b"d", b"dat", b"data", b"e", b"even", b"i", b"ret", b"\xef\xbb"])
def test_a_stream_cut_in_its_first_word_is_truncated(body):
    stream = ChatStream([body])
    assert list(stream) == []
    assert stream.truncated


@pytest.mark.parametrize("body", [b"dx", b"datab", b"E", b"\xffx"])
def test_another_word_alone_is_no_event_stream(body):
    with pytest.raises(NotAnEventStreamError):
        list(ChatStream([body]))


def test_an_error_knows_the_status_of_its_response():
    body = b'data: {"error": {"message": "died"}}\n\n'
    response = httpx.Response(200, headers={"content-type": "text/event-stream"}, content=body)
    with pytest.raises(APIError) as caught:
        next(ChatStream(response))
    assert caught.value.status == 200
    with pytest.raises(APIError) as caught:
        next(ChatStream([body]))
    assert caught.value.status is None


@pytest.mark.parametrize("stream_class", [ChatStream, AsyncChatStream])
@pytest.mark.parametrize(
    ("status", "headers", "body", "said"),
    [
        (204, {}, b"", "status 204: there is nothing to read"),
        (200, {"content-encoding": "x-new"}, b"\x1b\x2b\x00\xf8", "Content-Encoding 'x-new'"),
    ],
)
def test_what_has_no_chunks_says_why(stream_class, status, headers, body, said):
    async def read_all(response: httpx.Response) -> None:
        if stream_class is ChatStream:
            ChatStream(response).until_done()
        else:
            await AsyncChatStream(response).until_done()

    class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield body

        async def __aiter__(self) -> Any:
            yield body

    headers = {"content-type": "text/event-stream", **headers}
    response = httpx.Response(status, headers=headers, stream=Body())
    with pytest.raises(NotAnEventStreamError, match=said):
        asyncio.run(read_all(response))
