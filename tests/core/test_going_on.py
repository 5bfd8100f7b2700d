"""iter_events and aiter_events after an exception, when they are closed, and of wrong sources."""

from __future__ import annotations

import asyncio
import gc
import weakref

import httpx
import pytest
from streams import cut

from sseparse import EventTooLargeError, SSEError, aiter_events, iter_events
from sseparse._iterators import AsyncEventIterator

BODY = b"data: a\n\n: boom\n\nx: y\ndata: b\n\n: boom\n\ndata: c\n\n"


class BoomError(Exception):
    """What a callback raises."""


def boom(text):
    raise BoomError(text)


def drain(events, limit=50):
    """Everything that comes of asking on and on: data, names of exceptions."""
    seen = []
    for _ in range(limit):
        try:
            seen.append(next(events).data)
        except StopIteration:
            return seen
        except Exception as error:
            seen.append(type(error).__name__)
    return seen


async def adrain(events, limit=50):
    seen = []
    for _ in range(limit):
        try:
            seen.append((await anext(events)).data)
        except StopAsyncIteration:
            return seen
        except Exception as error:
            seen.append(type(error).__name__)
    return seen


def _drain_sync(chunks, **options):
    return drain(iter_events(chunks, **options))


def _drain_async(chunks, **options):
    async def source():
        for chunk in chunks:
            yield chunk

    return asyncio.run(adrain(aiter_events(source(), **options)))


@pytest.fixture(params=[_drain_sync, _drain_async], ids=["iter_events", "aiter_events"])
def drained(request):
    return request.param


# A callback that raises loses nothing.


def test_a_callback_that_raises_loses_no_event(drained):
    assert drained([BODY], on_comment=boom) == ["BoomError", "a", "b", "c"]


def test_it_loses_none_wherever_the_bytes_are_cut(drained):
    for place in range(len(BODY) + 1):
        seen = drained(cut(BODY, [place]), on_comment=boom, on_ignored_line=boom)
        assert [item for item in seen if item != "BoomError"] == ["a", "b", "c"]
    seen = drained([BODY[i : i + 1] for i in range(len(BODY))], on_comment=boom)
    assert seen == ["a", "BoomError", "b", "BoomError", "c"]


def test_one_that_raises_at_the_end_loses_none(drained):
    class LastError(Exception):
        pass

    calls = []

    def note(text):
        calls.append(text)
        raise LastError

    assert drained([b"data: a\r\n\r", b"\n: x\n"], keep_raw=True, on_comment=note) == [
        "LastError",
        "a",
    ]


def test_an_event_over_the_limit_stays_an_error(drained):
    seen = drained([b"data: a\n\ndata: too large"], max_event_size=7)
    assert seen[:3] == ["a", "EventTooLargeError", "EventTooLargeError"]


def test_an_error_that_waits_comes_before_more_is_read():
    asked = []

    def chunks():
        asked.append(1)
        yield b"data: a\n\ndata: too large"
        asked.append(2)

    events = iter_events(chunks(), max_event_size=7)
    next(events)
    with pytest.raises(EventTooLargeError):
        next(events)
    assert asked == [1]


# A source that raises.


class Hesitating:
    """A source that raises between two chunks, and goes on."""

    def __init__(self, chunks):
        self.chunks = iter(chunks)

    def __iter__(self):
        return self

    def __next__(self):
        chunk = next(self.chunks)
        if chunk is None:
            raise TimeoutError
        return chunk

    def __aiter__(self):
        return self

    async def __anext__(self):
        try:
            return next(self)
        except StopIteration:
            raise StopAsyncIteration from None


@pytest.mark.parametrize(
    "chunks", [[b"data: a\n\n", None, b"data: b\n\n"], [b"dat", None, b"a: a\n\ndata: b\n\n"]]
)
def test_it_goes_on_where_the_source_does(chunks):
    seen = drain(iter_events(Hesitating(chunks)))
    assert [item for item in seen if item != "TimeoutError"] == ["a", "b"]
    assert seen.count("TimeoutError") == 1
    assert asyncio.run(adrain(aiter_events(Hesitating(chunks)))) == seen


def test_a_source_that_ends_after_it_raised_has_not_ended_well():
    def chunks():
        yield b"data: a\n\n"
        raise ConnectionError("reset")

    events = iter_events(chunks())
    assert next(events).data == "a"
    with pytest.raises(ConnectionError):
        next(events)
    for _ in range(2):
        with pytest.raises(SSEError, match="raised ConnectionError, and gave nothing more"):
            next(events)


def test_a_read_that_was_cancelled_is_gone_on_with_where_the_source_can():
    class Queue(asyncio.Queue):
        def __aiter__(self):
            return self

        async def __anext__(self):
            return await self.get()

    async def main():
        queue = Queue()
        events = aiter_events(queue)
        await queue.put(b"data: a\n\ndata: b")
        assert (await anext(events)).data == "a"
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(events), 0.01)
        await queue.put(b"\n\n")
        assert (await anext(events)).data == "b"

    asyncio.run(main())


def test_a_read_that_was_cancelled_never_looks_like_the_end():
    async def chunks():
        yield b"data: a\n\n"
        await asyncio.Event().wait()

    async def main():
        events = aiter_events(chunks())
        await anext(events)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(events), 0.01)
        with pytest.raises(SSEError, match="raised CancelledError, and gave nothing more"):
            await anext(events)

    asyncio.run(main())


# Closing.


def test_close_closes_the_source_and_hands_out_nothing_more():
    closed = []

    def chunks():
        try:
            yield b"data: a\n\ndata: b\n\n"
        finally:
            closed.append(True)

    events = iter_events(chunks())
    next(events)
    events.close()
    assert closed == [True]
    assert list(events) == []
    events.close()


def test_close_before_the_first_event_reads_nothing():
    events = iter_events(iter([b"data: a\n\n"]))
    events.close()
    assert list(events) == []


def test_close_leaves_a_file_open(tmp_path):
    path = tmp_path / "events"
    path.write_bytes(b"data: a\n\ndata: b\n\n")
    with path.open("rb") as file:
        events = iter_events(file)
        assert next(events).data == "a"
        events.close()
        assert not file.closed


def test_a_callback_may_close_what_calls_it():
    events = iter_events([b"data: a\n\n: x\n\ndata: b\n\n"], on_comment=lambda _: events.close())
    assert list(events) == []


def test_what_a_callback_raises_after_it_has_closed_what_calls_it_is_not_told():
    def close(_):
        events.close()
        raise BoomError

    events = iter_events([b"data: a\n\n: x\n\ndata: b\n\n"], on_comment=close)
    assert list(events) == []


class ClosesAndRaises:
    """A pull that is closed while it is asked for events, and raises."""

    closed = False
    closings = 0

    def __init__(self, error):
        self.error = error

    def stop(self):
        self.closed = True

    async def next_batch(self):
        self.closed = True
        raise self.error

    async def aclose(self):
        self.closings += 1


def test_what_reading_raises_after_it_was_closed_is_not_told_async():
    async def main():
        pull = ClosesAndRaises(BoomError())
        assert [event async for event in AsyncEventIterator(pull)] == []
        assert pull.closings

    asyncio.run(main())


def test_a_task_that_is_cancelled_after_it_was_closed_is_cancelled_and_closes_the_source():
    async def main():
        pull = ClosesAndRaises(asyncio.CancelledError())
        with pytest.raises(asyncio.CancelledError):
            await anext(AsyncEventIterator(pull))
        assert pull.closings

    asyncio.run(main())


def test_aclose_closes_the_source_at_once():
    closed = []

    async def chunks():
        try:
            while True:
                yield b"data: a\n\ndata: b\n\n"
        finally:
            closed.append(True)

    async def main():
        for count in range(3):
            closed.clear()
            source = chunks()
            events = aiter_events(source)
            for _ in range(count):
                await anext(events)
            await events.aclose()
            assert closed == [True] * (count > 0)
            with pytest.raises(StopAsyncIteration):
                await anext(source)
            assert [event async for event in events] == []
            await events.aclose()

    asyncio.run(main())


def test_an_iterator_that_is_dropped_is_freed_at_once():
    class Chunk(bytes):
        pass

    def chunks():
        yield Chunk(b"data: a\n\n: x\n\n")
        yield b""

    source = chunks()
    dropped = weakref.ref(source)
    events = iter_events(source, on_comment=boom)
    del source
    gc.disable()
    try:
        with pytest.raises(BoomError):
            next(events)
        assert next(events).data == "a"
        del events
        assert dropped() is None
    finally:
        gc.enable()


# Sources that are none.


@pytest.mark.parametrize("source", [b"data: a\n\n", "data: a\n\n", bytearray(b"data: a\n\n")])
def test_bytes_themselves_are_a_type_error(source):
    with pytest.raises(TypeError, match=f"not {type(source).__name__} itself; a list of one"):
        iter_events(source)


def test_a_response_is_a_type_error_that_points_to_what_reads_it():
    with pytest.raises(TypeError, match=r"not Response; sseparse\.http\.EventSource reads"):
        iter_events(httpx.Response(200))

    async def main():
        await anext(aiter_events(httpx.Response(200)))

    with pytest.raises(TypeError, match=r"not Response; sseparse\.http\.EventSource reads"):
        asyncio.run(main())


def test_a_source_of_the_other_kind_is_a_type_error_that_says_so():
    async def chunks():
        yield b""

    with pytest.raises(TypeError, match="an iterable of bytes, not async_generator; aiter_events"):
        iter_events(chunks())

    async def main():
        await anext(aiter_events([b""]))

    with pytest.raises(TypeError, match="an asynchronous iterable of bytes, not list; iter_events"):
        asyncio.run(main())
    with pytest.raises(TypeError, match=r"^chunks must be an iterable of bytes, not int$"):
        iter_events(1)


LINES = b'data: {"a": 1}\n\ndata: {"b": 2}\n\ndata: [DONE]\n\n'


@pytest.mark.parametrize(
    "lines",
    [LINES.splitlines(), LINES.split(b"\n"), LINES.splitlines()[:2], [b"event: x", b"data", b""]],
)
def test_lines_without_their_ends_are_a_type_error(drained, lines):
    assert drained(lines)[0] == "TypeError"


def test_lines_without_their_ends_are_refused_before_they_end():
    def lines():
        yield from LINES.splitlines()
        pytest.fail("all of it was read")

    with pytest.raises(TypeError, match=r"lines without their ends, as iter_lines\(\)"):
        next(iter_events(lines()))


def test_lines_of_text_are_a_type_error(drained):
    assert drained(LINES.decode().splitlines())[0] == "TypeError"


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_lines_with_their_ends_are_read(drained, end):
    body = LINES.replace(b"\n", end)
    assert drained(body.splitlines(keepends=True)) == ['{"a": 1}', '{"b": 2}', "[DONE]"]


@pytest.mark.parametrize(
    "chunks",
    [
        [b"data: a"],
        [b"", b"", b""],
        [b"da", b"ta", b"", b": b"],
        [b"x"] * 100,
    ],
)
def test_a_stream_that_broke_off_in_its_first_line_is_no_error(drained, chunks):
    assert drained(chunks) == []


def test_empty_chunks_never_cost_an_event(drained):
    for place in range(len(LINES) + 1):
        chunks = [LINES[:place], b"", b"", LINES[place:], b""]
        assert drained(chunks) == ['{"a": 1}', '{"b": 2}', "[DONE]"]
