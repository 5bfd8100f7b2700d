"""The pushed form: what its calls return and raise, and that it says what the pulled form says."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
from chat_streams import DONE, ENVELOPE, chunk, sse
from corpus import parametrize
from hypothesis import given
from hypothesis import strategies as st
from odd_payloads import BODIES
from sse import cut
from told import called, everything, of_itself, pushed

from sseparse import Event, Parser, ParserClosedError, SSEError
from sseparse.openai import (
    APIError,
    ChatParser,
    ChunkDecodeError,
    NotAnEventStreamError,
    TruncatedStreamError,
)

if TYPE_CHECKING:
    from types import SimpleNamespace

HI = chunk({"role": "assistant", "content": "Hi"})
THERE = chunk({"content": " there"})
STOP = chunk({}, finish_reason="stop")
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
BODY = sse(HI, THERE, STOP, {**ENVELOPE, "choices": [], "usage": USAGE}) + DONE


def names_of(entry: dict[str, Any]) -> tuple[str, str]:
    if entry["api"] == "completions":
        return "CompletionParser", "CompletionStream"
    return "ChatParser", "ChatStream"


# Push and pull.


def check(streams: SimpleNamespace, entry: dict[str, Any], **options: Any) -> None:
    parser_name, stream_name = names_of(entry)
    body = entry["bytes"][:60_000]
    pulled = everything(getattr(streams, stream_name)([body], **options))
    rng = random.Random(entry["file"])
    for size in (20, 400, 10_000):
        parser = getattr(streams, parser_name)(**options)
        assert pushed(parser, cut(body, rng, size)) == pulled


@parametrize("chat.completions")
def test_a_recorded_stream_says_the_same_pushed_and_pulled(streams, entry):
    check(streams, entry)


@parametrize("completions")
def test_a_recorded_legacy_stream_says_the_same_pushed_and_pulled(streams, entry):
    check(streams, entry)


@parametrize("chat.completions")
def test_a_strict_parser_says_what_a_strict_stream_says(entry):
    from typed_streams import IMPLEMENTATIONS

    check(IMPLEMENTATIONS[0], entry, strict=True, skip_empty=True, require_done=True)


@given(body=BODIES, data=st.data())
def test_any_stream_says_the_same_pushed_and_pulled(streams, body, data):
    rng = random.Random(data.draw(st.integers(0, 2**16)))
    options = data.draw(
        st.fixed_dictionaries({}, optional={"strict": st.just(True), "require_done": st.just(True)})
    )
    body += data.draw(st.sampled_from([b"", DONE, b"data: [DONE]", b"data: {", b"error: no\n"]))
    pieces = cut(body, rng, data.draw(st.sampled_from([1, 30, 1000])))
    pulled = everything(streams.ChatStream(pieces, **options))
    assert pushed(streams.ChatParser(**options), pieces) == pulled


@given(body=BODIES)
def test_events_of_another_parser_say_what_their_bytes_say(streams, body):
    parser, found = streams.ChatParser(), []
    for event in Parser().feed(body):
        called(found, parser.feed_event, event)
    while called(found, parser.close) or parser.failed:
        pass
    assert (found, of_itself(parser)) == everything(streams.ChatStream([body]))


def test_a_parser_fed_whatever_bytes_there_are_takes_them():
    for make in (bytes, bytearray, memoryview):
        assert len(ChatParser().feed(make(BODY))) == 4


# What its calls return and raise.


def texts(chunks: list[Any]) -> list[Any]:
    return [each.choices[0].delta.content for each in chunks]


def test_what_came_before_an_error_is_returned_and_the_next_call_raises_it(streams):
    parser = streams.ChatParser()
    assert texts(parser.feed(sse(HI, {"error": {"message": "busy"}}, THERE))) == ["Hi"]
    assert parser.failed
    with pytest.raises(APIError, match="busy"):
        parser.feed(b"")
    assert not parser.failed
    assert texts(parser.feed(b"")) == [" there"]


def test_the_call_that_raises_takes_its_bytes_all_the_same(streams):
    parser = streams.ChatParser()
    parser.feed(sse(HI, "{broken"))
    with pytest.raises(ChunkDecodeError):
        parser.feed(sse(THERE))
    assert texts(parser.feed(sse(HI))) == [" there", "Hi"]
    assert parser.get_final_completion().choices[0].message.content == "Hi thereHi"


def test_an_error_with_nothing_before_it_comes_at_once(streams):
    parser = streams.ChatParser()
    with pytest.raises(ChunkDecodeError):
        parser.feed(sse("{broken", THERE))
    assert texts(parser.feed(b"")) == [" there"]


def test_close_raises_what_waits_and_then_gives_what_is_left(streams):
    parser = streams.ChatParser()
    parser.feed(sse(HI, "{broken", THERE, {"error": "no"}) + sse(STOP)[:-2])
    with pytest.raises(ChunkDecodeError):
        parser.close()
    assert texts(parser.close()) == [" there"]
    assert parser.failed
    with pytest.raises(APIError):
        parser.close()
    assert [each.choices[0].finish_reason for each in parser.close()] == ["stop"]
    assert parser.close() == []
    assert not parser.failed


def test_nothing_is_to_be_fed_after_close(streams):
    parser = streams.ChatParser()
    parser.feed(sse(HI))
    parser.close()
    with pytest.raises(ParserClosedError):
        parser.feed(sse(THERE))
    with pytest.raises(ParserClosedError):
        parser.feed_event(Event(data="{}"))
    assert parser.close() == []
    assert parser.current_completion_snapshot.choices[0].message.content == "Hi"


def test_what_follows_done_is_ignored(streams):
    parser = streams.ChatParser()
    assert len(parser.feed(BODY)) == 4
    assert parser.done
    assert parser.feed(sse(HI, "{broken")) == []
    assert parser.close() == []
    assert not parser.truncated


def test_after_an_event_too_large_there_is_nothing_more(streams):
    parser = streams.ChatParser(max_event_size=1000)
    assert texts(parser.feed(sse(HI) + b"data: " + b"x" * 2000)) == ["Hi"]
    with pytest.raises(SSEError, match="1000"):
        parser.feed(b"")
    assert parser.feed(sse(THERE)) == []
    assert parser.close() == []
    assert parser.truncated


@pytest.mark.parametrize("data", ["data: x", 5, None, [b"data"]])
def test_what_is_not_bytes_is_refused_and_changes_nothing(streams, data):
    parser = streams.ChatParser()
    parser.feed(BODY[:300])
    with pytest.raises(TypeError):
        parser.feed(data)
    parser.feed(BODY[300:])
    assert parser.get_final_completion().choices[0].message.content == "Hi there"


@pytest.mark.parametrize("event", [b"data: x\n\n", {"data": "x"}, None])
def test_what_is_no_event_is_refused(streams, event):
    with pytest.raises(TypeError, match=r"sseparse\.Event"):
        streams.ChatParser().feed_event(event)


@pytest.mark.parametrize(
    ("options", "error"),
    [({"clock": 5}, TypeError), ({"max_event_size": 0}, ValueError), ({"nonsense": 1}, TypeError)],
)
def test_bad_options_are_refused_at_once(streams, options, error):
    with pytest.raises(error):
        streams.ChatParser(**options)


def test_a_callback_that_raises_loses_nothing(streams):
    def fail(line: str) -> None:
        raise RuntimeError(line)

    parser = streams.ChatParser(on_ignored_line=fail)
    body = sse(HI) + b"odd: line\n" + sse(THERE) + DONE
    found = []
    for _ in range(4):
        with suppress(RuntimeError):
            found += parser.feed(body)
        body = b""
    assert texts(found) == ["Hi", " there"]
    assert parser.done


# Event by event.


def test_the_chunks_of_one_event(streams):
    parser = streams.ChatParser()
    (found,) = parser.feed_event(Event(data=json.dumps(HI)))
    assert found.to_dict() == json.loads(found.raw) == HI
    lines = f"{json.dumps(HI)}\n{json.dumps(THERE)}"
    assert [each.to_dict() for each in parser.feed_event(Event(data=lines))] == [HI, THERE]
    assert not parser.done
    assert parser.feed_event(Event(data="[DONE]")) == []
    assert parser.done


def test_an_event_behind_done_is_ignored(streams):
    parser = streams.ChatParser(clock=iter(range(100)).__next__)
    events = Parser().feed(sse(HI, THERE) + DONE)
    found = [chunk for event in events for chunk in parser.feed_event(event)]
    assert texts(found) == ["Hi", " there"]
    assert parser.feed_event(Event(data="x")) == []
    assert parser.timing.token_times == [0, 1]


def test_an_event_waits_for_those_before_it(streams):
    parser = streams.ChatParser()
    data = "\n".join(map(json.dumps, [HI, {"error": "no"}, THERE]))
    assert texts(parser.feed_event(Event(data=data))) == ["Hi"]
    with pytest.raises(APIError):
        parser.feed_event(Event(data=json.dumps(STOP)))
    assert texts(parser.feed_event(Event(data=json.dumps(HI)))) == [" there", None, "Hi"]


@pytest.mark.parametrize("data", ["busy", '{"message": "busy"}'])
def test_an_error_event_raises_what_it_says(streams, data):
    with pytest.raises(APIError, match=r"^busy$"):
        streams.ChatParser().feed_event(Event("error", data))


def test_an_error_event_is_an_error_even_with_a_chunk_in_it(streams):
    with pytest.raises(APIError):
        streams.ChatParser().feed_event(Event("error", json.dumps(HI)))


def test_events_that_carry_their_bytes_are_passed_on_as_they_came(streams):
    """What a gateway does."""
    parser, decoder = Parser(keep_raw=True), streams.ChatParser()
    passed = b""
    for piece in cut(BODY, random.Random(1), 30):
        for event in parser.feed(piece):
            decoder.feed_event(event)
            passed += event.raw
    assert passed == BODY
    assert decoder.get_final_completion().choices[0].message.content == "Hi there"
    assert decoder.done


# The end.


def test_a_done_without_its_blank_line_is_seen(streams):
    for rest in (b"data: [DONE]", b"data: [DONE]\n", b"data:[DONE]"):
        parser = streams.ChatParser()
        parser.feed(sse(HI) + rest)
        assert not parser.done
        assert parser.close() == []
        assert parser.done
        assert not parser.truncated


def test_a_last_chunk_without_its_blank_line_counts_if_it_is_whole(streams):
    parser = streams.ChatParser()
    body = sse(HI, THERE)[:-2]
    assert texts(parser.feed(body)) == ["Hi"]
    assert texts(parser.close()) == [" there"]
    parser = streams.ChatParser()
    parser.feed(body[:-5])
    assert parser.close() == []


@pytest.mark.parametrize("indent", [None, 2])
def test_a_body_that_is_a_json_error_is_an_error(streams, indent):
    parser = streams.ChatParser()
    body = json.dumps({"error": {"message": "slow down", "code": 429}}, indent=indent).encode()
    for piece in cut(body, random.Random(2), 8):
        assert parser.feed(piece) == []
    with pytest.raises(APIError, match="slow down"):
        parser.close()
    assert parser.close() == []
    assert parser.truncated


def test_a_body_that_is_no_event_stream_is_an_error(streams):
    parser = streams.ChatParser()
    parser.feed(b"<!DOCTYPE html>\n<html>Bad gateway</html>\n")
    with pytest.raises(NotAnEventStreamError, match="DOCTYPE"):
        parser.close()


def test_an_error_field_is_an_error_in_its_place(streams):
    parser = streams.ChatParser()
    assert texts(parser.feed(sse(HI) + b'error: {"message": "no"}\n\n' + sse(THERE))) == ["Hi"]
    with pytest.raises(APIError, match=r"^no$"):
        parser.feed(b"")
    assert texts(parser.feed(b"")) == [" there"]


def test_a_truncated_stream_is_an_error_on_demand(streams):
    parser = streams.ChatParser(require_done=True)
    parser.feed(sse(HI) + sse(THERE)[:-2])
    assert texts(parser.close()) == [" there"]
    with pytest.raises(TruncatedStreamError):
        parser.close()
    assert parser.close() == []
    parser = streams.ChatParser(require_done=True)
    parser.feed(sse(HI, STOP))
    assert parser.close() == []


@pytest.mark.parametrize("name", ["ChatStream", "CompletionStream"])
def test_lines_without_their_ends_are_refused(streams, name):
    with pytest.raises(TypeError, match="iter_lines"):
        list(getattr(streams, name)(BODY.splitlines()))


# What it says of itself.


def test_it_says_what_streams_say(streams):
    parser = streams.ChatParser(clock=iter(range(100)).__next__)
    parser.feed(BODY)
    parser.close()
    assert (parser.finish_reason, parser.usage.to_dict()) == ("stop", USAGE)
    assert parser.timing.token_times == [0, 0]
    assert parser.current_completion_snapshot.to_dict() == parser.get_final_completion().to_dict()


@pytest.mark.parametrize("name", ["ChatParser", "CompletionParser"])
def test_without_accumulate_there_is_no_completion(streams, name):
    parser = getattr(streams, name)(accumulate=False)
    with pytest.raises(RuntimeError, match="accumulate=False"):
        parser.get_final_completion()
    with pytest.raises(RuntimeError, match="accumulate=False"):
        parser.current_completion_snapshot  # noqa: B018


def test_an_asynchronous_stream_has_a_snapshot_of_what_it_has_handed_out(streams):
    async def read() -> str | None:
        async def source() -> Any:
            yield BODY

        async with streams.AsyncChatStream(source()) as stream:
            await anext(stream)
            return stream.current_completion_snapshot.choices[0].message.content

    assert asyncio.run(read()) == "Hi"


def with_ids(*payloads: Any) -> bytes:
    return b"".join(
        f"id: {number}\n".encode() + sse(payload) for number, payload in enumerate(payloads, 1)
    )


def test_the_last_event_id_is_that_of_the_chunk_handed_out_last(streams):
    body = with_ids(HI, "{broken", THERE, THERE, ": ping", STOP, "[DONE]")
    stream, seen = streams.ChatStream([body]), []
    assert stream.last_event_id == ""
    while True:
        try:
            seen.append((next(stream).choices[0].delta.content, stream.last_event_id))
        except ChunkDecodeError:
            seen.append(("broken", stream.last_event_id))
        except StopIteration:
            break
    expected = [("Hi", "1"), ("broken", "2"), (" there", "3"), (" there", "4")]
    assert seen == [*expected, ("broken", "5"), (None, "6")]
    assert stream.last_event_id == "7"


def test_the_last_event_id_is_that_of_the_text_handed_out_last(streams):
    stream = streams.ChatStream([with_ids(HI, *[THERE] * 20, STOP, "[DONE]")])
    found = [(text, stream.last_event_id) for text in stream.iter_text()]
    assert found == [("Hi", "1"), *[(" there", str(number)) for number in range(2, 22)]]


def test_the_last_event_id_is_not_ahead_of_an_error_that_waits(streams):
    parser = streams.ChatParser()
    assert len(parser.feed(with_ids(HI, THERE, "{broken", STOP))) == 2
    assert parser.last_event_id == "2"
    with pytest.raises(ChunkDecodeError):
        parser.feed(b"")
    assert parser.last_event_id == "3"
    parser.close()
    assert parser.last_event_id == "4"


def test_the_last_event_id_of_a_connection_before_is_kept_until_there_is_another(streams):
    parser = streams.ChatParser(last_event_id="x")
    assert parser.last_event_id == "x"
    parser.feed(sse(HI))
    assert parser.last_event_id == "x"
    parser.feed(with_ids(HI))
    assert parser.last_event_id == "1"
