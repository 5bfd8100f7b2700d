"""A gateway's worst day: what a hostile server sends is an error, in bounded memory.

And it concerns that one stream: its neighbours in the same process read on. What the
parser alone does with endless input is in core/test_limits.py; here it comes through clients and
chat streams. No time is asserted: a million of something is there because more than linear
work with it would never end.
"""

from __future__ import annotations

import asyncio
import json
import tracemalloc
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, Any

import pytest
from streams import cut, run

from sseparse import EventTooLargeError, SSEError, iter_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MIB = 2**20
KIB = 2**10


@contextmanager
def memory_below(limit: float) -> Iterator[None]:
    """Assert that at no time more than this is in use beyond what was before."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < limit, f"{peak / KIB:,.0f} KiB at the peak, and not {limit / KIB:,.0f}"


# Streams of events.

ENDLESS = {
    "a line": (b"data: ", b"x" * 4096),
    "an unknown line": (b"", b"x" * 4096),
    "a comment": (b":", b"x" * 4096),
    "data lines": (b"", b"data: x\n" * 500),
    "empty data lines": (b"", b"data\n" * 800),
    "data lines that end in CR": (b"", b"data\r" * 800),
}


@pytest.mark.parametrize("beginning", [b"", b"data: 1\n\n", b"id: 1\ndata: 1\n\n: x\n\n"])
@pytest.mark.parametrize("what", ENDLESS)
def test_an_endless_event_is_an_error_after_the_events_before_it(what, beginning):
    first, endless = ENDLESS[what]

    def source() -> Iterator[bytes]:
        yield beginning + first
        yield from repeat(endless)

    events = iter_events(source(), max_event_size=128 * KIB)
    with memory_below(400 * KIB):
        if beginning:
            assert next(events).data == "1"
        with pytest.raises(EventTooLargeError, match=r"max_event_size \(131072 bytes\)"):
            next(events)


@pytest.mark.parametrize(
    "chunk", [b": keep-alive\n\n" * 100, b":\r\n" * 500, b"\n" * 2000, b"id: 1\n\n" * 200]
)
def test_endless_comments_are_no_event_and_take_no_memory(Parser, chunk):
    parser = Parser(max_event_size=KIB)
    with memory_below(32 * KIB):
        for _ in range(20):
            assert parser.feed(chunk) == []
        (event,) = parser.feed(b"data: at last\n\n")
    assert event.data == "at last"


def test_a_million_tiny_events_in_one_read_are_a_million_events(implementation):
    number = 10**6 if implementation.__name__.endswith("_c") else 10**5
    events = implementation.Parser().feed(b"data:\n\n" * number)
    assert len(events) == number
    assert {event.data_bytes for event in events[:: number // 100]} == {b""}


def test_an_event_is_small_however_many_come_in_one_read(Parser):
    body = b"data: x\n\n" * 5_000
    with memory_below(400 * 5_000):
        events = Parser().feed(body)
    assert len(events) == 5_000


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_one_byte_over_the_limit_costs_the_stream_and_one_byte_under_does_not(Parser, end):
    data = b"x" * 1000
    body = end.join([b"data: 1", b"", b"event: e", b"data: " + data, b"", b"data: 3", b"", b""])
    size = len(b"event: e") + len(b"data: ") + len(data)
    for place in (1, 9, 500, len(body) - 1):
        for limit in (size + 1, size):
            outcome = run(Parser, cut(body, [place]), max_event_size=limit)
            assert [event[1] for event in outcome.events] == ["1", data.decode(), "3"]
        outcome = run(Parser, cut(body, [place]), max_event_size=size - 1)
        assert [event[1] for event in outcome.events] == ["1"]
        assert outcome.error is not None
        assert outcome.error[0] is EventTooLargeError


@pytest.mark.parametrize("digits", ["9" * 19, "9" * 5000, "0" * 10**6, "1e9", "0x1F", "-1", "1.0"])
def test_a_hostile_retry_is_ignored(Parser, digits):
    """More digits than Python converts to an int, too."""
    parser = Parser()
    (event,) = parser.feed(b"retry: 7\nretry: %b\ndata: x\n\n" % digits.encode())
    assert event.retry == parser.retry == 7


@pytest.mark.parametrize("name", ["id", "event"])
def test_a_name_as_long_as_the_limit_is_in_each_event_once(Parser, name):
    """An id holds for all events that follow: as the same object, not as copies."""
    size = 256 * KIB
    body = b"%b: %b\ndata: x\n\n" % (name.encode(), b"i" * size)
    with memory_below(6 * size):
        events = Parser().feed(body + b"data: y\n\n" * 100)
    assert len(events) == 101
    assert len(getattr(events[0], name)) == size


# Compressed bodies, through clients.

# These give at most so much of a decompressed body at a time.
BOUNDED_CLIENTS = ["httpx2", "httpx2-async", "requests", "urllib3", "aiohttp"]
# httpx gives all that one read from the network decompresses to, a thousand times as much.
CLIENTS = ["httpx", "httpx-async", *BOUNDED_CLIENTS]


@pytest.fixture(scope="module")
def bomb() -> Iterator[str]:
    """The URL of an event of 8 MiB in 8 KiB."""
    from background import running
    from hostile_server import Answer, HostileServer

    parts = [b"data: 1\n\ndata: " + b"x" * (8 * MIB)]
    answer = Answer(parts, coding="gzip", framing="length")
    with running(HostileServer()) as server:
        yield server.url_of(answer)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_gzip_bomb_is_an_event_too_large(bomb, client):
    pytest.importorskip(client.removesuffix("-async"))
    from http_clients import fetch

    if client in BOUNDED_CLIENTS:
        fetch(client, bomb, max_event_size=KIB)  # what it imports and caches is not measured
        with memory_below(6 * MIB):
            told = fetch(client, bomb, max_event_size=256 * KIB)
    else:
        told = fetch(client, bomb, max_event_size=256 * KIB)
    assert told["events"] == [["message", "1", ""]]
    assert told["error"] == "sseparse.EventTooLargeError"
    assert told["truncated"] is True


# Chat streams. Everything below needs the extra.

HELLO = {"index": 0, "delta": {"content": "Hello"}, "finish_reason": None}
STOP = {"index": 0, "delta": {}, "finish_reason": "stop"}


def sse(*payloads: Any) -> bytes:
    """An event each; bytes are payloads as they are."""
    return b"".join(
        b"data: %b\n\n" % (part if isinstance(part, bytes) else json.dumps(part).encode())
        for part in payloads
    )


GOOD = sse(*[{"choices": [HELLO]}] * 3, {"choices": [STOP]}) + b"data: [DONE]\n\n"


@pytest.fixture
def ChatStream() -> type:
    return pytest.importorskip("sseparse.openai", exc_type=ImportError).ChatStream


def read(stream: Any) -> tuple[list[Any], list[SSEError]]:
    """All chunks and all errors; any other exception comes out."""
    chunks: list[Any] = []
    errors: list[SSEError] = []
    while True:
        try:
            chunks.append(next(stream))
        except StopIteration:
            return chunks, errors
        except SSEError as error:
            errors.append(error)


def read_among_good(ChatStream: type, *payloads: Any, **options: Any) -> tuple[list, list]:
    """Read a stream with these payloads between others; assert that those come through."""
    body = sse({"choices": [HELLO]}, *payloads) + GOOD
    stream = ChatStream([body], **options)
    chunks, errors = read(stream)
    assert chunks[0].choices[0].delta.content == "Hello"
    assert [len(chunk.choices) for chunk in chunks[-4:]] == [1] * 4
    assert stream.done
    (choice,) = (one for one in stream.get_final_completion().choices if one.index == 0)
    assert choice.finish_reason == "stop"
    assert choice.message.content.startswith("Hello")
    assert choice.message.content.endswith("Hello" * 3)
    for chunk in chunks:
        repr(chunk)
    for error in errors:
        assert len(str(error)) < 2000
    return chunks[1:-4], errors


NESTING = [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"text":', b"}]"), (b"[", b"")]
NESTED_PAYLOADS = [
    b"%b",
    b'{"choices": %b}',
    b'{"choices": [], "unknown": %b}',
    b'{"choices": [{"index": 0, "delta": {"content": %b}}]}',
    b'{"choices": [{"index": 0, "delta": {"tool_calls": [%b]}}]}',
    b'{"error": %b}',
]


@pytest.mark.parametrize(("opening", "closing"), NESTING)
@pytest.mark.parametrize("payload", NESTED_PAYLOADS)
def test_hostile_nesting_is_a_chunk_decode_error(ChatStream, payload, opening, closing):
    nested = opening * 100_000 + b"1" + closing * 100_000
    chunks, errors = read_among_good(ChatStream, payload % nested)
    assert chunks == []
    assert [type(error).__name__ for error in errors] == ["ChunkDecodeError"]


# Some interpreters have a stack for it, and some have not.
@pytest.mark.parametrize(("opening", "closing"), NESTING)
@pytest.mark.parametrize("payload", NESTED_PAYLOADS)
def test_deep_nesting_is_read_or_an_error(ChatStream, payload, opening, closing):
    nested = opening * 5_000 + b"1" + closing * 5_000
    chunks, errors = read_among_good(ChatStream, payload % nested)
    assert len(chunks) + len(errors) == 1
    assert {type(error).__name__ for error in errors} <= {"ChunkDecodeError", "APIError"}


@pytest.mark.parametrize("body", [b"[" * 10**5, b'{"error": ' * 10**5, b'{"error": {}, "a": "'])
def test_hostile_bodies_that_are_no_event_stream_are_errors(ChatStream, body):
    chunks, (error,) = read(ChatStream([body, body]))
    assert chunks == []
    assert type(error).__name__ == "NotAnEventStreamError"
    assert len(str(error)) < 2000


NUMBERS = {
    "1e999": b"1e999",
    "-1e999": b"-1e999",
    "a float of 5,000 digits": b"0." + b"9" * 5000,
    "an exponent that no float has": b"1e99999999999999999999",
    "300 digits": b"9" * 300,
    "5,000 digits": b"9" * 5000,
    "10**5 digits": b"9" * 10**5,
    "10**5 digits in a string": b'"' + b"9" * 10**5 + b'"',
    "2**63": b"9223372036854775808",
    "2**64": b"18446744073709551616",
    "-2**63 - 1": b"-9223372036854775809",
    "minus one": b"-1",
    "NaN": b"NaN",
    "infinity in a string": b'"inf"',
    "a digit that is not ASCII": b'"\\u0663"',
}


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize(
    "payload",
    [
        b'{"choices": [], "created": %b}',
        b'{"choices": [], "usage": {"prompt_tokens": %b}}',
        b'{"choices": [], "unknown": %b}',
        b'{"choices": [{"index": 7, "delta": {"content": %b}}]}',
        b'{"choices": [{"index": 7, "delta": {"unknown": %b}}]}',
        b'{"choices": [{"index": 7, "delta": {}, "logprobs": {"content": [{"logprob": %b}]}}]}',
        b'{"choices": [{"index": %b, "delta": {"content": "x"}}]}',
        b'{"choices": [{"index": 7, "delta": {"tool_calls": [{"index": %b}]}}]}',
    ],
)
def test_hostile_numbers_are_chunks_or_chunk_decode_errors(ChatStream, payload, number):
    chunks, errors = read_among_good(ChatStream, payload % NUMBERS[number])
    assert len(chunks) + len(errors) == 1
    assert {type(error).__name__ for error in errors} <= {"ChunkDecodeError"}


def test_of_duplicate_keys_the_last_counts(ChatStream):
    payload = (
        b'{"choices": 5, "choices": [{"index": 9, "index": 0, "delta": null, "delta":'
        b' {"content": "a", "content": "b"}}], "id": "1", "id": "2"}'
    )
    (chunk,), errors = read_among_good(ChatStream, payload)
    assert errors == []
    assert (chunk.id, chunk.choices[0].index, chunk.choices[0].delta.content) == ("2", 0, "b")


def test_a_hundred_thousand_duplicate_keys_are_one(ChatStream):
    payload = b'{"choices": [],%b "choices": []}' % (b'"a": 1,' * 10**5)
    with memory_below(10 * len(payload)):
        (chunk,), errors = read_among_good(ChatStream, payload)
    assert errors == []
    assert chunk.model_extra == {"a": 1}


@pytest.mark.parametrize("index", [10**9, 2**31, 2**63 - 1])
def test_an_enormous_index_takes_no_more_than_a_small_one(ChatStream, index):
    call = {"index": index, "id": "c", "function": {"name": "f", "arguments": "{}"}}
    choice = {"index": index, "delta": {"tool_calls": [call]}, "finish_reason": None}
    stream = ChatStream([sse({"choices": [HELLO]}, {"choices": [choice]}) + GOOD])
    with memory_below(256 * KIB):
        read(stream)
        final = stream.get_final_completion()
    assert [choice.index for choice in final.choices] == [0, index]
    (call,) = final.choices[1].message.tool_calls
    assert (call.function.name, call.function.arguments) == ("f", "{}")


@pytest.mark.parametrize(
    "make",
    [
        lambda number: {"choices": [{**HELLO, "index": number}]},
        lambda number: {
            "choices": [{"index": 0, "delta": {"tool_calls": [{"index": number, "id": "c"}]}}]
        },
    ],
    ids=["choices", "tool calls"],
)
def test_ever_new_indexes_take_memory_as_they_come_and_no_more(ChatStream, make):
    size = 1_000
    with memory_below(3_000 * size):
        stream = ChatStream([sse(*map(make, range(size)))])
        chunks = sum(1 for _ in stream)
    assert chunks == size


def test_an_endless_chat_is_read_on_and_takes_what_its_text_takes(ChatStream):
    piece = GOOD[: GOOD.index(b"\n\n") + 2]
    size = 10_000
    stream = ChatStream(iter([piece * 100] * (size // 100)))
    with memory_below(400 * KIB):
        assert sum(1 for _ in stream) == size
    assert len(stream.get_final_completion().choices[0].message.content) == 5 * size


def test_an_endless_chat_that_is_not_accumulated_takes_nothing(ChatStream):
    piece = GOOD[: GOOD.index(b"\n\n") + 2]
    stream = ChatStream(iter([piece * 100] * 100), accumulate=False)
    with memory_below(128 * KIB):
        assert sum(1 for _ in stream) == 10_000


def test_tiny_events_of_one_read_are_not_all_in_memory_at_once(ChatStream):
    stream = ChatStream([b"data:\n\n" * 40_000])
    with memory_below(2.5 * MIB):
        assert list(stream) == []


# One bad stream among good ones.


async def endless(first: bytes, again: bytes):
    yield first
    while True:
        await asyncio.sleep(0)
        yield again


BAD_STREAMS: dict[str, Iterable[bytes]] = {
    "endless line": (b"data: ", b"x" * 4096),
    "endless data lines": (b"", b"data\n" * 800),
    "endless comment": (b":", b"x" * 4096),
    "endless page": (b"<html>\n", b"<p>no\n" * 700),
    "nesting": (sse(b"[" * 100_000), b":\n"),
    "numbers": (sse(b'{"choices": [], "created": ' + b"9" * 10**5 + b"}"), b":\n"),
    "broken JSON": (sse(b'{"choices": ['), b":\n"),
    "error": (sse({"error": {"message": "no"}}), b":\n"),
    "wrong types": (sse([1]), b":\n"),
}


def test_bad_streams_harm_none_of_their_neighbours(ChatStream):
    from sseparse.openai import AsyncChatStream

    async def read_good(number: int) -> str:
        async def source():
            places = range(number + 1, len(GOOD), 7 + number)
            for piece in cut(GOOD, places):
                await asyncio.sleep(0)
                yield piece

        stream = AsyncChatStream(source(), max_event_size=64 * KIB)
        completion = await stream.get_final_completion()
        assert stream.done
        assert not stream.truncated
        return completion.choices[0].message.content

    async def read_bad(name: str) -> str:
        stream = AsyncChatStream(endless(*BAD_STREAMS[name]), max_event_size=128 * KIB)
        try:
            await stream.until_done()
        except SSEError as error:
            return type(error).__name__
        finally:
            await stream.close()
        raise AssertionError("it ended")

    async def read_all() -> tuple[list[str], list[str]]:
        good = [read_good(number) for number in range(30)]
        bad = [read_bad(name) for name in BAD_STREAMS]
        everything = await asyncio.gather(*good[:15], *bad, *good[15:])
        return everything[:15] + everything[-15:], everything[15:-15]

    with memory_below(8 * MIB):
        good, bad = asyncio.run(read_all())
    assert good == ["Hello" * 3] * 30
    assert dict(zip(BAD_STREAMS, bad, strict=True)) == {
        "endless line": "EventTooLargeError",
        "endless data lines": "EventTooLargeError",
        "endless comment": "EventTooLargeError",
        "endless page": "NotAnEventStreamError",
        "nesting": "ChunkDecodeError",
        "numbers": "ChunkDecodeError",
        "broken JSON": "ChunkDecodeError",
        "error": "APIError",
        "wrong types": "ChunkDecodeError",
    }
