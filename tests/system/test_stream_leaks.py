"""Nothing is left behind of the streams of any API, whatever becomes of them: see ``level.py``."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import pickle
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("msgspec")

import api_streams
from level import assert_level, assert_level_async, in_pieces
from sse import sse
from told import final_of

from sseparse import Parser, SSEError, anthropic, google, llm, openai

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ERROR = b'data: {"error": {"message": "no", "code": 500, "status": "INTERNAL"}}\n\n'


class Streams:
    """The classes of an API, and a whole stream of it."""

    def __init__(self, module: Any, name: str, kind: str) -> None:
        self.pull: Any = getattr(module, f"{name}Stream")
        self.pull_async: Any = getattr(module, f"Async{name}Stream")
        self.push: Any = getattr(module, "StreamParser" if module is llm else f"{name}Parser")
        self.body = api_streams.body(kind)
        self.payloads = [sse(payload) for payload in api_streams.payloads(kind)]


STREAMS = {
    "messages": Streams(anthropic, "Message", "messages"),
    "responses": Streams(openai, "Response", "responses"),
    "gemini": Streams(google, "GenerateContent", "gemini"),
    "any, chat": Streams(llm, "", "chat"),
    "any, messages": Streams(llm, "", "messages"),
    "any, responses": Streams(llm, "", "responses"),
    "any, gemini": Streams(llm, "", "gemini"),
}


@pytest.fixture(params=STREAMS)
def of(request: pytest.FixtureRequest) -> Streams:
    return STREAMS[request.param]


def final(stream: Any) -> Any:
    return stream.get_final() if hasattr(stream, "get_final") else final_of(stream)[0]


def read_whole(of: Streams) -> None:
    stream = of.pull([of.body[:100], of.body[100:]])
    for item in stream:
        item.to_dict(), item.to_json(), item.model_extra, repr(item)
        pickle.loads(pickle.dumps(item))
        copy.deepcopy(item)
    final(stream).to_dict()


def read_in_part(of: Streams) -> None:
    for ask in (iter, lambda stream: stream.iter_text(), _tool_calls, _growing_calls):
        stream = of.pull(list(of.payloads))
        next(ask(stream))
        of.pull([of.body])


def read_without_objects(of: Streams) -> None:
    for options in ({}, {"accumulate": False}, {"clock": iter(range(1000)).__next__}):
        of.pull([of.body], **options).until_done()
    list(of.pull([of.body]).iter_text())


def _tool_calls(stream: Any) -> Iterator[Any]:
    return stream.iter_tool_calls()  # type: ignore[no-any-return]


def _growing_calls(stream: Any) -> Iterator[Any]:
    return stream.iter_partial_tool_calls()  # type: ignore[no-any-return]


def asked_for_tool_calls(of: Streams) -> None:
    assert len(list(_tool_calls(of.pull([of.body])))) == 1
    values = [call.arguments for call in _growing_calls(of.pull(of.payloads))]
    assert values
    parser = of.push()
    for payload in of.payloads:
        parser.feed(payload)
        list(_tool_calls(parser)), list(_growing_calls(parser))
    parser.close()


def pushed(of: Streams) -> None:
    for size in (11, 5000):
        parser = of.push(require_done=True)
        for start in range(0, len(of.body), size):
            parser.feed(of.body[start : start + size])
        parser.close()
        final(parser)
    parser = of.push()
    for event in Parser().feed(of.body):
        parser.feed_event(event)


def with_errors_in_it(of: Streams) -> None:
    body = [*of.payloads[:4], b"data: {broken\n\n", ERROR, b"error: no\n\n", *of.payloads[4:]]
    stream, parser = of.pull(body), of.push()
    for _ in range(2 * len(body)):
        with contextlib.suppress(SSEError, StopIteration):
            next(stream)
    for piece in [*body, b""]:
        with contextlib.suppress(SSEError):
            parser.feed(piece)
    of.push().feed(of.payloads[0])  # left in the middle
    with contextlib.suppress(SSEError):
        of.pull(of.payloads[:3], require_done=True).until_done()


def of_another_api(of: Streams) -> None:
    with contextlib.suppress(SSEError):
        of.pull([sse({"object": "list", "data": []}) * 9]).until_done()
    with contextlib.suppress(SSEError):
        of.pull([b"<html>"]).until_done()


@pytest.mark.parametrize(
    "deed",
    [
        read_whole,
        read_in_part,
        read_without_objects,
        asked_for_tool_calls,
        pushed,
        with_errors_in_it,
        of_another_api,
    ],
)
def test_a_stream_leaves_nothing_behind(of: Streams, deed: Callable[[Streams], None]) -> None:
    assert_level(lambda: deed(of), of.body, of.pull, of.push, SSEError, *of.payloads)


def test_an_asynchronous_stream_leaves_nothing_behind(of: Streams) -> None:
    async def deed() -> None:
        await of.pull_async(in_pieces(of.body)).until_done()
        async for _ in of.pull_async(in_pieces(*of.payloads)):
            break
        calls = of.pull_async(in_pieces(*of.payloads)).iter_tool_calls()
        assert len([call async for call in calls]) == 1
        async with of.pull_async(in_pieces(*of.payloads)) as stream:
            await anext(stream.iter_partial_tool_calls())
        with contextlib.suppress(SSEError):
            await of.pull_async(in_pieces(*of.payloads[:3], ERROR)).until_done()
        task = asyncio.create_task(of.pull_async(in_pieces(*of.payloads)).until_done())
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    assert_level_async(deed, of.body, *of.payloads)


def test_the_pieces_of_any_answer_leave_nothing_behind() -> None:
    def deed() -> None:
        for kind in api_streams.STREAMS:
            list(llm.Stream([api_streams.body(kind)]).iter_pieces())
            stream = llm.Stream([sse(payload) for payload in api_streams.payloads(kind)])
            next(stream.iter_pieces())
            stream.text, stream.tool_calls, stream.usage  # noqa: B018
            parser = llm.StreamParser()
            parser.feed(api_streams.body(kind))
            list(parser.iter_pieces())

    assert_level(deed, llm.Stream, llm.StreamParser)
