"""iter_events and aiter_events: the loop around a parser, without surprises."""

from __future__ import annotations

import asyncio
import inspect

import pytest
from streams import TRICKY_BODIES, cut, fields, run

from sseparse import EventTooLargeError, Parser, aiter_events, iter_events


async def _collect(chunks, **options):
    async def source():
        for chunk in chunks:
            await asyncio.sleep(0)
            yield chunk

    return [event async for event in aiter_events(source(), **options)]


def _iter_events(chunks, **options):
    return list(iter_events(chunks, **options))


def _aiter_events(chunks, **options):
    return asyncio.run(_collect(chunks, **options))


@pytest.fixture(params=[_iter_events, _aiter_events], ids=["iter_events", "aiter_events"])
def collect(request):
    """All events of some chunks, by either function."""
    return request.param


@pytest.mark.parametrize("body", TRICKY_BODIES.values(), ids=list(TRICKY_BODIES))
def test_the_events_are_those_of_a_parser(collect, body):
    expected = run(Parser, [body]).events
    for chunks in ([body], [body[i : i + 1] for i in range(len(body))], cut(body, [3, 9, 20])):
        assert [fields(event) for event in collect(chunks)] == expected


def test_no_chunks_are_no_events(collect):
    assert collect([]) == []


def test_empty_chunks_are_taken(collect):
    assert len(collect([b"", b"data\n", b"", b"\n", b""])) == 1


def test_any_buffers_are_taken(collect):
    chunks = [bytearray(b"data: 1\n"), memoryview(b"\n"), b"data: 2\n\n"]
    assert [event.data for event in collect(chunks)] == ["1", "2"]


def test_options_reach_the_parser(collect):
    comments, lines = [], []
    (event,) = collect(
        [b": c\nx\ndata\n\n"],
        on_comment=comments.append,
        on_ignored_line=lines.append,
        keep_raw=True,
        last_event_id="1",
        max_event_size=100,
    )
    assert event.raw == b": c\nx\ndata\n\n"
    assert event.id == "1"
    assert comments == ["c"]
    assert lines == ["x"]


@pytest.mark.parametrize("iterate", [iter_events, aiter_events])
def test_a_wrong_option_is_an_error_at_once(iterate):
    with pytest.raises(ValueError, match="max_event_size"):
        iterate([], max_event_size=0)
    with pytest.raises(TypeError, match="unknown"):
        iterate([], unknown=1)


def test_an_unfinished_event_is_discarded_at_the_end(collect):
    assert [event.data for event in collect([b"data: 1\n\ndata: 2\n"])] == ["1"]


def test_an_event_that_waited_for_a_lf_comes_at_the_end(collect):
    (event,) = collect([b"data: 1\r\n\r"], keep_raw=True)
    assert event.raw == b"data: 1\r\n\r"


def test_text_chunks_are_a_type_error(collect):
    with pytest.raises(TypeError, match="data must be bytes-like, not str"):
        collect(["data: x\n\n"])


def test_events_before_the_limit_come_first():
    events = iter_events([b"data: 1\n\ndata: 2\n\ndata: too large\n\n"], max_event_size=7)
    assert [next(events).data, next(events).data] == ["1", "2"]
    with pytest.raises(EventTooLargeError):
        next(events)


def test_the_limit_is_an_error_without_waiting_for_another_chunk():
    def chunks():
        yield b"data: 1\n\ndata: too large"
        pytest.fail("another chunk was asked for")

    events = iter_events(chunks(), max_event_size=7)
    assert next(events).data == "1"
    with pytest.raises(EventTooLargeError):
        next(events)


def test_the_limit_is_an_error_without_waiting_for_another_chunk_async():
    async def chunks():
        yield b"data: 1\n\ndata: too large"
        pytest.fail("another chunk was asked for")

    async def main():
        events = aiter_events(chunks(), max_event_size=7)
        assert (await anext(events)).data == "1"
        with pytest.raises(EventTooLargeError):
            await anext(events)

    asyncio.run(main())


def test_an_event_comes_before_the_next_chunk_is_asked_for():
    asked = []

    def chunks():
        for number in range(3):
            asked.append(number)
            yield b"data: %d\n\n" % number

    for number, event in enumerate(iter_events(chunks())):
        assert event.data == str(number)
        assert asked == list(range(number + 1))


def test_what_the_source_raises_comes_through_unchanged():
    failure = ConnectionError("reset by peer")

    def chunks():
        yield b"data: 1\n\ndata: 2"
        raise failure

    events = iter_events(chunks())
    assert next(events).data == "1"
    with pytest.raises(ConnectionError) as caught:
        next(events)
    assert caught.value is failure


def test_what_the_source_raises_comes_through_unchanged_async():
    failure = ConnectionError("reset by peer")

    async def chunks():
        yield b"data: 1\n\ndata: 2"
        raise failure

    async def main():
        events = aiter_events(chunks())
        assert (await anext(events)).data == "1"
        with pytest.raises(ConnectionError) as caught:
            await anext(events)
        assert caught.value is failure

    asyncio.run(main())


def test_what_a_callback_raises_comes_through():
    def fail(text):
        raise LookupError(text)

    with pytest.raises(LookupError, match="x"):
        list(iter_events([b": x\n"], on_comment=fail))


def test_leaving_early_closes_the_source():
    closed = []

    def chunks():
        try:
            while True:
                yield b"data: 1\n\ndata: 2\n\n"
        finally:
            closed.append(True)

    events = iter_events(chunks())
    next(events)
    events.close()
    assert closed == [True]


def test_leaving_early_asks_for_no_more_chunks():
    asked = []

    def chunks():
        while True:
            asked.append(1)
            yield b"data: 1\n\ndata: 2\n\n"

    for event in iter_events(chunks()):
        if event.data == "2":
            break
    assert asked == [1]


def test_leaving_early_is_quiet_async():
    async def chunks():
        while True:
            yield b"data: 1\n\ndata: 2\n\n"

    async def main():
        events = aiter_events(chunks())
        assert (await anext(events)).data == "1"
        await events.aclose()
        with pytest.raises(StopAsyncIteration):
            await anext(events)

    asyncio.run(main())


def test_a_cancelled_wait_passes_through():
    async def chunks():
        yield b"data: 1\n\n"
        await asyncio.Event().wait()

    async def main():
        events = aiter_events(chunks())
        assert (await anext(events)).data == "1"
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(events), 0.01)

    asyncio.run(main())


def test_an_iterator_of_events_is_an_iterator():
    events = iter_events([b"data\n\n"])
    assert iter(events) is events
    assert inspect.isasyncgen(aiter_events([])) or hasattr(aiter_events([]), "__anext__")
