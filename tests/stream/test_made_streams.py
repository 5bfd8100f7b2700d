"""A stream of each API that has all in it, read in each form: all say the same.

Recorded streams are read in ``test_apis.py``, where they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
from typing import Any

import pytest
from api_streams import ARGUMENTS, STREAMS, TEXTS, body, payloads
from odd_payloads import changed
from sse import sse
from told import check, everything, final_of, final_so_far, of_itself, shown

from sseparse import SSEError
from sseparse.openai import TruncatedStreamError

KINDS = pytest.mark.parametrize("kind", STREAMS)


def stream_of(streams: Any, kind: str, *pieces: bytes, **options: Any) -> Any:
    return getattr(streams, STREAMS[kind])(list(pieces) or [body(kind)], **options)


def reading(streams: Any, kind: str, read: Any) -> Any:
    """What a coroutine function makes of an asynchronous stream."""

    async def source() -> Any:
        whole = body(kind)
        for start in range(0, len(whole), 50):
            await asyncio.sleep(0)
            yield whole[start : start + 50]

    return asyncio.run(read(getattr(streams, f"Async{STREAMS[kind]}")(source())))


async def final_when_read(stream: Any) -> Any:
    """The final object, as one awaits it."""
    names = (f"get_final_{name}" for name in ("completion", "message", "response"))
    return await next(getattr(stream, name) for name in names if hasattr(stream, name))()


@KINDS
def test_its_bytes_say_the_same_pushed_however_they_are_cut(streams, kind):
    whole = body(kind)
    pulled = everything(stream_of(streams, kind))
    for size in (1, 37, 1000):
        parser = getattr(streams, STREAMS[kind].replace("Stream", "Parser"))()
        found: list[Any] = []
        for start in range(0, len(whole), size):
            found += parser.feed(whole[start : start + size])
        found += parser.close()
        items = [(shown(item), item.raw, shown(item.to_dict())) for item in found]
        assert (items, of_itself(parser)) == pulled


@KINDS
def test_it_says_the_same_asynchronously(streams, kind):
    async def read(stream: Any) -> Any:
        items = [item async for item in stream]
        return [(shown(item), item.raw, shown(item.to_dict())) for item in items], stream

    items, stream = reading(streams, kind, read)
    pulled, told = everything(stream_of(streams, kind))
    assert items == pulled
    for name in ("done", "truncated", "usage", "finish_reason", "last_event_id"):
        assert shown(getattr(stream, name)) == told[name]
    assert shown(final_so_far(stream)) == told["final"]
    assert shown(reading(streams, kind, final_when_read)) == told["final"]


@KINDS
def test_it_says_with_shapes_what_it_says_without(kind):
    check(body(kind), STREAMS[kind])


@KINDS
def test_a_snapshot_is_an_object_of_its_own_each_time(streams, kind):
    stream = stream_of(streams, kind, *(sse(payload) for payload in payloads(kind)))
    for _ in stream:
        snapshot = final_so_far(stream)
        assert snapshot == final_so_far(stream)
        assert snapshot is not final_so_far(stream)
    assert snapshot == final_of(stream)[0]


@KINDS
@pytest.mark.parametrize("accumulate", [True, False])
def test_of_one_that_is_cut_off_require_done_makes_an_error(streams, kind, accumulate):
    cut = sse(*payloads(kind)[:6])
    stream = stream_of(streams, kind, cut, require_done=True, accumulate=accumulate)
    with pytest.raises(TruncatedStreamError, match="the answer is not whole"):
        stream.until_done()
    assert stream.truncated


@KINDS
def test_its_state_comes_to_the_same_from_its_objects_alone(streams, kind):
    name = "ChatCompletionStreamState" if kind == "chat" else f"{STREAMS[kind]}State"
    state = getattr(streams, name)()
    stream = stream_of(streams, kind)
    for item in stream:
        (state.handle_chunk if hasattr(state, "handle_chunk") else state.handle_event)(item)
    final, snapshot = final_of(state)
    assert final == snapshot == final_of(stream)[0]


@KINDS
def test_its_texts_are_the_same_asynchronously(streams, kind):
    async def texts(stream: Any) -> list[str]:
        return [text async for text in stream.iter_text()]

    assert reading(streams, kind, texts) == list(stream_of(streams, kind).iter_text())
    assert list(stream_of(streams, kind).iter_text()) == list(TEXTS)


@KINDS
def test_a_text_that_is_json_is_a_value_as_it_grows_asynchronously_too(streams, kind):
    whole = body(kind, ARGUMENTS)

    async def values() -> Any:
        async def source() -> Any:
            yield whole

        stream = getattr(streams, f"Async{STREAMS[kind]}")(source())
        return [copy.deepcopy(value) async for value in stream.iter_partial_json()]

    found = [copy.deepcopy(value) for value in stream_of(streams, kind, whole).iter_partial_json()]
    assert found[-1] == {"age": 32}
    assert {"age": 3} not in found
    assert asyncio.run(values()) == found


@KINDS
def test_its_tool_calls_are_the_same_asynchronously(streams, kind):
    async def calls(stream: Any) -> list[Any]:
        return [shown(call) async for call in stream.iter_tool_calls()]

    async def growing(stream: Any) -> list[Any]:
        return [_told_of(call) async for call in stream.iter_partial_tool_calls()]

    expected = [shown(call) for call in stream_of(streams, kind).iter_tool_calls()]
    assert len(expected) == 1
    assert reading(streams, kind, calls) == expected
    grown = [_told_of(call) for call in stream_of(streams, kind).iter_partial_tool_calls()]
    assert grown[-1] == ("look_up", {"age": 32}, True)
    assert reading(streams, kind, growing) == grown


def _told_of(call: Any) -> Any:
    return call.name, json.loads(json.dumps(call.value)), call.complete


def test_a_text_of_two_parts_is_both_of_them(streams):
    def said(*texts: str) -> dict[str, Any]:
        return {"candidates": [{"content": {"parts": [{"text": text} for text in texts]}}]}

    whole = sse(*(said(f"a{number}", f"b{number}") for number in range(9)))
    check(whole, "GenerateContentStream", implementations=[streams])
    texts = list(streams.GenerateContentStream([whole]).iter_text())
    assert texts == [f"a{number}b{number}" for number in range(9)]


def test_an_event_without_a_delta_between_others_like_it_changes_nothing():
    def delta(number: int) -> dict[str, Any]:
        event = {"type": "content_block_delta", "index": 0}
        return event if number % 3 else {**event, "delta": {"type": "text_delta", "text": "a"}}

    for events in (
        [delta(number) for number in range(12)],
        [{"type": "content_block_delta", "index": 0, "odd": f"{number}"} for number in range(12)],
        [{"type": "message_delta", "usage": {"output_tokens": number}} for number in range(12)],
    ):
        check(sse(*events), "MessageStream")


@KINDS
@pytest.mark.parametrize("number", [b"1" + b"0" * 400, b"-1e400", b"NaN", b'"inf"', b'"1e999"'])
def test_a_number_that_nothing_can_hold_ends_no_stream(streams, kind, number):
    """Wherever it stands: it is read, or an error of this library."""
    for payload in payloads(kind):
        text = json.dumps(payload).encode()
        for place in range(text.count(b":")):
            parser = getattr(streams, STREAMS[kind].replace("Stream", "Parser"))()
            with contextlib.suppress(SSEError):
                for item in parser.feed(sse(changed(text, place, 0, number).decode())):
                    item.to_json()
                parser.close()
            assert shown(final_so_far(parser))
