"""Misuse by threads, callbacks and destructors: refused or served, and never a crash.

What these tests have in mind are the free-threaded builds; but destructors and threads run in the
middle of things on all others, too.
"""

from __future__ import annotations

import asyncio
import gc
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress

import pytest
from in_threads import THREADS, in_threads
from streams import fields

from sseparse import SSEError, aiter_events, iter_events

FREE_THREADED = hasattr(sys, "_is_gil_enabled") and not sys._is_gil_enabled()

# On free-threaded builds CPython itself may crash there, without any of this package's code.
shares_a_generator = pytest.mark.skipif(
    FREE_THREADED, reason="generators must not be shared on free-threaded builds"
)


# One parser in eight threads.


@pytest.mark.parametrize(
    "options",
    [{}, {"keep_raw": True}, {"on_comment": lambda _: time.sleep(0)}],
    ids=["plain", "keep_raw", "callback"],
)
def test_each_thread_gets_the_events_that_it_fed_or_is_refused(Parser, options):
    parser = Parser(**options)

    def feed(number):
        for turn in range(100):
            # Enough lines for a switch in the middle, and a piece of a copied buffer.
            data = b"%d-%d" % (number, turn)
            body = b": c\ndata: %b\n: c\n\n" % data
            while True:
                try:
                    events = parser.feed(bytearray(body) if turn % 2 else body)
                    break
                except RuntimeError:
                    time.sleep(0)
            assert [event.data_bytes for event in events] == [data]
            assert events[0].raw == (body if "keep_raw" in options else None)

    in_threads(feed)
    assert parser.pending_bytes == 0
    assert parser.close() == []


PIECES = (
    *(b"data: x\n\n", b"data: par", b"tial\n", b"\n", b"\r", b"\xef\xbb", b": comment\n"),
    *(b"unknown line\n", b"id: 1\nevent: e\n", b"retry: 5\n", b"data: " + b"y" * 3000),
    *(b"data: 1\n\n" * 50, bytearray(b"data: z\r\n\r\n"), memoryview(b"data: m\r\r")),
)


def test_eight_threads_that_do_everything_at_once_get_documented_errors_only(Parser):
    def fail_sometimes(text):
        if len(text) % 2:
            raise LookupError(text)

    parser = Parser(on_comment=fail_sometimes)

    def misuse(seed):
        choose = random.Random(seed)
        calls = [
            *[lambda: parser.feed(choose.choice(PIECES))] * 12,
            lambda: parser.close(dispatch_incomplete=choose.random() < 0.5),
            parser.reset,
            lambda: [parser.last_event_id, parser.retry, parser.pending_bytes, parser.truncated],
            lambda: parser.__init__(
                max_event_size=choose.choice([10, 5000, None]),
                keep_raw=choose.random() < 0.5,
                on_comment=choose.choice([None, fail_sometimes]),
                on_ignored_line=choose.choice([None, fail_sometimes]),
            ),
        ]
        for _ in range(500):
            with suppress(RuntimeError, SSEError, LookupError):
                for event in choose.choice(calls)() or ():
                    if not isinstance(event, (str, int, type(None))):
                        assert event.data == event.data_bytes.decode("utf-8", "replace")
                        assert hash(event) is not None

    in_threads(misuse)
    # And then it is as good as new.
    parser.reset()
    parser.__init__()
    (event,) = parser.feed(b"data: x\n\n")
    assert fields(event) == ("message", "x", b"x", "", None, None)


def test_an_event_decoded_by_eight_threads_at_once_says_the_same_to_all(Parser):
    text = "a\u20ac\U0001f600" * 100
    events = Parser().feed(b"data: %b\n\n" % text.encode() * 100)
    seen = [[] for _ in range(THREADS)]

    def read(number):
        for event in events:
            seen[number].append((event.data, repr(event), hash(event)))

    in_threads(read)
    assert {data for data, _, _ in seen[0]} == {text}
    assert all(one == seen[0] for one in seen)


def test_an_event_initialised_by_eight_threads_at_once_has_the_fields_of_one(Event):
    for _ in range(20):
        event = Event.__new__(Event)
        before = fields(event)

        def initialise(number, event=event):
            text = str(number) * 40
            event.__init__(text, text.encode(), text, number, text.encode())
            repr(event)

        in_threads(initialise)
        if fields(event) != before:  # the Python one is complete without __init__
            number = event.retry
            text = str(number) * 40
            assert fields(event) == (text, text, text.encode(), text, number, text.encode())


# Callbacks that do the worst.


class Interrupt(BaseException):
    """What a callback may raise beside Exceptions."""


@pytest.mark.parametrize("seed", range(20))
def test_nothing_that_callbacks_do_changes_the_events(Parser, seed):
    choose = random.Random(seed)

    def misbehave(text):
        deed = choose.randrange(9)
        if deed == 0:
            raise LookupError(text)
        if deed == 1:
            raise Interrupt(text)
        deeds = [
            lambda: parser.feed(b"data: inner\n\n"),
            parser.reset,
            lambda: parser.close(dispatch_incomplete=True),
            lambda: parser.__init__(on_comment=misbehave),
        ]
        with pytest.raises(RuntimeError, match="while the parser was at work"):
            deeds[deed % 4]()

    lines = [b"data: 1", b"data: 2", b": comment", b"stray", b"id: 7", b"event: e", b"", b""]
    body = b"".join(choose.choice(lines) + choose.choice([b"\n", b"\r\n"]) for _ in range(300))
    keep_raw = choose.random() < 0.5
    chunks = []
    while body:
        size = choose.choice([1, 7, 100])
        chunks.append(body[:size])
        body = body[size:]

    quiet = Parser(keep_raw=keep_raw)
    expected = [event for chunk in chunks for event in quiet.feed(chunk)]
    expected += quiet.close(dispatch_incomplete=True)

    parser = Parser(keep_raw=keep_raw, on_comment=misbehave, on_ignored_line=misbehave)
    events = []
    for chunk in chunks:
        with suppress(LookupError, Interrupt):
            events += parser.feed(chunk)
    for _ in range(2):
        with suppress(LookupError, Interrupt):
            events += parser.close(dispatch_incomplete=True)
    assert [fields(event) for event in events] == [fields(event) for event in expected]
    assert parser.truncated is quiet.truncated


# Destructors run at any allocation, and call whatever they like.


class FeedsWhenCollected:
    def __init__(self, parser, seen, tried):
        self.cycle = self
        self.parser = parser
        self.seen = seen
        self.tried = tried

    def __del__(self):
        self.tried.append(self.parser)
        with suppress(RuntimeError):
            self.seen += self.parser.feed(b"data: inner\n\n")


def test_a_destructor_that_feeds_the_parser_is_refused_or_served(Parser):
    inner, tried = [], []
    parser = Parser(on_comment=lambda _: FeedsWhenCollected(parser, inner, tried))
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        for number in range(300):
            FeedsWhenCollected(parser, inner, tried)
            events = parser.feed(b"data: %d\n: comment\n\n" % number)
            assert [event.data_bytes for event in events] == [b"%d" % number]
    finally:
        gc.set_threshold(*threshold)
        gc.collect()
    assert len(tried) == 600
    assert {event.data for event in inner} <= {"inner"}


# Iterators in the hands of others.


def numbered(count):
    for number in range(count):
        yield b"data: %d\n\ndata: again\n\n" % number


@shares_a_generator
def test_each_event_of_a_shared_iterator_goes_to_one_thread():
    """Python's generators refuse a second thread with a ValueError; so does iter_events."""
    events = iter_events(numbered(500))
    seen = [[] for _ in range(THREADS)]

    def read(number):
        while True:
            try:
                seen[number].append(next(events).data)
            except ValueError:  # another thread is in there
                time.sleep(0)
            except StopIteration:
                return

    in_threads(read)
    data = Counter(data for one in seen for data in one)
    assert data == Counter([*map(str, range(500)), *["again"] * 500])


def test_an_iterator_closed_by_its_own_source_says_so():
    def source():
        yield b"data: 1\n\n"
        events.close()

    events = iter_events(source())
    assert next(events).data == "1"
    with pytest.raises(ValueError, match="already executing"):
        next(events)


def test_an_iterator_closed_by_another_thread_has_ended():
    events = iter_events(numbered(3))
    next(events)
    in_threads(lambda _: events.close(), count=1)
    assert list(events) == []


def test_an_asynchronous_iterator_closed_while_it_reads_refuses():
    async def source():
        yield b"data: 1\n\n"
        with pytest.raises(RuntimeError, match="already running"):
            await events.aclose()
        yield b"data: 2\n\n"

    events = aiter_events(source())

    async def read():
        return [event.data async for event in events]

    assert asyncio.run(read()) == ["1", "2"]


# Chat streams.


def chat_pieces():
    pytest.importorskip("msgspec")
    from chat_streams import DONE, chunk, sse

    mended = chunk({"content": [{"type": "text", "text": "b"}]})
    return [*[sse(chunk({"content": "a"}), mended, "{broken") for _ in range(100)], DONE]


@shares_a_generator
@pytest.mark.parametrize("make_source", [list, iter, lambda pieces: (p for p in pieces)])
def test_a_chat_stream_shared_by_eight_threads_raises_exceptions_at_worst(make_source):
    pieces = chat_pieces()
    from sseparse.openai import ChatStream

    stream = ChatStream(make_source(pieces))
    seen = [[] for _ in range(THREADS)]

    def read(number):
        for turn in range(300):
            # Which exceptions is Python's affair: a generator's "already executing", say.
            with suppress(Exception):
                seen[number].append(next(stream))
            if turn % 20 == number:
                with suppress(Exception):
                    stream.current_completion_snapshot  # noqa: B018
                with suppress(Exception):
                    assert stream.done is not None, stream.truncated

    in_threads(read)
    chunks = [chunk for one in seen for chunk in one]
    assert len({id(chunk) for chunk in chunks}) == len(chunks) > 0
    assert {chunk.choices[0].delta.content for chunk in chunks} <= {"a", "b"}
    stream.close()


def test_a_chat_stream_closed_by_another_thread_ends_in_this_one():
    pieces = chat_pieces()
    from sseparse.openai import ChatStream

    stream = ChatStream(pieces)
    next(stream)
    in_threads(lambda _: stream.close(), count=1)
    assert list(stream) == []
    assert stream.truncated is True


def test_tasks_that_share_a_chat_stream_are_refused_and_lose_nothing():
    """Its source refuses: an asynchronous generator serves one at a time."""
    pieces = chat_pieces()
    from sseparse.openai import AsyncChatStream

    async def source():
        for piece in pieces:
            await asyncio.sleep(0)
            yield piece

    async def read(stream):
        contents = []
        while True:
            try:
                contents.append((await anext(stream)).choices[0].delta.content)
            except (RuntimeError, SSEError):
                await asyncio.sleep(0)
            except StopAsyncIteration:
                return contents

    async def read_in_tasks():
        stream = AsyncChatStream(source())
        contents = await asyncio.gather(*[read(stream) for _ in range(THREADS)])
        assert stream.done
        assert stream.truncated  # for some of it was broken
        return Counter(content for one in contents for content in one)

    assert asyncio.run(read_in_tasks()) == {"a": 100, "b": 100}


# Free-threaded builds.


@pytest.mark.parametrize("module", ["sseparse", "sseparse.http", "sseparse.openai"])
def test_importing_it_does_not_bring_the_gil_back(module):
    if not FREE_THREADED:
        pytest.skip("this Python runs with its GIL")
    if module == "sseparse.openai":
        pytest.importorskip("msgspec")
    code = f"import sys, {module}; sys.exit(sys._is_gil_enabled())"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)


# Code of others that runs inside a call, before the parser is at work.


class Meanwhile:
    """Stands in for an argument; when it is asked for its value, another thread begins.

    That one stays inside the parser, in ``on_comment``, until this one has been answered.
    """

    def __init__(self, parser_type, value):
        self.parser = parser_type(on_comment=self.wait)
        # The pending line lies in a buffer of the parser, which must not go away meanwhile.
        assert self.parser.feed(b"data: pen") == []
        self.value = value
        self.at_work, self.done = threading.Event(), threading.Event()
        self.events = []
        self.refused = []
        self.thread = threading.Thread(target=self.feed)

    def feed(self):
        try:
            self.events += self.parser.feed(b"ding\n: comment\n\n")
        except RuntimeError as error:
            self.refused.append(error)
            self.at_work.set()

    def wait(self, text):
        self.at_work.set()
        assert self.done.wait(10)

    def answer(self):
        self.thread.start()
        assert self.at_work.wait(10)
        return self.value

    def __bool__(self):
        return self.answer()

    def __buffer__(self, flags):
        return memoryview(self.answer())


@pytest.mark.parametrize(
    "call",
    [
        lambda parser, argument: parser.close(dispatch_incomplete=argument),
        lambda parser, argument: parser.__init__(keep_raw=argument),
        pytest.param(
            lambda parser, argument: parser.feed(argument),
            marks=pytest.mark.skipif(sys.version_info < (3, 12), reason="needs __buffer__"),
        ),
    ],
    ids=["close", "__init__", "feed"],
)
def test_a_thread_that_begins_inside_a_call_is_refused_or_this_one_is(Parser, call):
    argument = Meanwhile(Parser, b"data: other\n" if call.__code__.co_names == ("feed",) else True)
    try:
        call(argument.parser, argument)
    except RuntimeError as error:
        argument.refused.append(error)
    finally:
        argument.done.set()
        argument.thread.join()
    assert len(argument.refused) == 1
    assert [event.data for event in argument.events] in (["pending"], [])


def test_the_destructor_of_an_old_callback_finds_a_parser_that_is_whole(Parser):
    class Callback:
        def __call__(self, text):
            raise AssertionError("not that one")

        def __del__(self):
            with suppress(RuntimeError):
                events.extend(parser.feed(b": x\ndata: 1\n\n"))

    events, comments = [], []
    parser = Parser(on_comment=Callback())
    parser.feed(b"data: never to come")
    parser.__init__(on_comment=comments.append)
    gc.collect()
    events += parser.feed(b": x\ndata: 2\n\n")
    assert [event.data for event in events] in (["1", "2"], ["2"])
    assert len(comments) == len(events)


def test_an_event_initialised_again_while_it_is_being_initialised_has_the_first_fields(Event):
    class Retry:
        def __index__(self):
            event.__init__("first", "1", "1", 1, b"1")
            return 2

    event = Event.__new__(Event)
    if fields(event)[0] is not None:
        pytest.skip("this Event is complete without __init__")
    event.__init__("second", "2", "2", Retry(), b"2")
    assert fields(event) == ("first", "1", b"1", "1", 1, b"1")
