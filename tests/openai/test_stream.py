"""The four streams: sources, options, ends, errors, and what may be asked of them."""

from __future__ import annotations

import asyncio
import gc
import json
import pickle
import subprocess
import sys
import weakref
from typing import Any

import pytest
from chat_streams import DONE, ENVELOPE, chunk, read_under_every_cut, sse

from sseparse import EventTooLargeError, SSEError
from sseparse.openai import (
    APIError,
    AsyncChatStream,
    AsyncCompletionStream,
    ChatCompletionChunk,
    ChatParser,
    ChatStream,
    ChunkDecodeError,
    CompletionStream,
    NotAnEventStreamError,
    TruncatedStreamError,
)

HI = chunk({"role": "assistant", "content": "Hi"})
THERE = chunk({"content": " there"})
STOP = chunk({}, finish_reason="stop")
USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
USAGE_CHUNK = {**ENVELOPE, "choices": [], "usage": USAGE}
AZURE_FIRST = {**ENVELOPE, "id": "", "choices": [], "prompt_filter_results": []}
BODY = sse(HI, THERE, STOP, USAGE_CHUNK) + DONE


async def agen(*chunks: bytes) -> Any:
    for data in chunks:
        await asyncio.sleep(0)
        yield data


# The loop of OpenAI's documentation.


def test_the_documented_loop_prints_the_text():
    printed = []
    stream = ChatStream([sse(HI, THERE, STOP) + DONE])
    for part in stream:
        if part.choices[0].delta.content is not None:
            printed.append(part.choices[0].delta.content)
    assert printed == ["Hi", " there"]
    completion = stream.get_final_completion()
    assert completion.choices[0].message.content == "Hi there"
    assert completion.object == "chat.completion"


def test_the_documented_loop_survives_azure_with_skip_empty():
    stream = ChatStream([sse(AZURE_FIRST, HI, STOP, USAGE_CHUNK) + DONE], skip_empty=True)
    assert [part.choices[0].delta.content for part in stream] == ["Hi", None]
    # What is withheld counts all the same.
    assert stream.usage.total_tokens == 3
    assert stream.get_final_completion().prompt_filter_results == []


# Sources.


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview])
def test_chunks_may_be_any_bytes(make):
    assert ChatStream([make(BODY)]).get_final_completion().choices[0].message.content == "Hi there"


@pytest.mark.parametrize("source", [b"data", "data", bytearray(), memoryview(b"")])
def test_a_source_that_is_bytes_itself_is_refused(source):
    with pytest.raises(TypeError, match="iterable of bytes chunks"):
        ChatStream(source)


def test_a_source_that_is_not_iterable_is_refused_with_advice():
    class Response:
        def iter_bytes(self):
            return iter(())

    with pytest.raises(TypeError, match=r"response\.iter_bytes\(\)"):
        ChatStream(Response())
    with pytest.raises(TypeError, match=r"response\.aiter_bytes\(\)"):
        AsyncChatStream(Response())
    with pytest.raises(TypeError, match="not int"):
        ChatStream(5)


def test_sync_and_async_sources_are_told_apart():
    with pytest.raises(TypeError, match="use the Async class"):
        ChatStream(agen())
    with pytest.raises(TypeError, match="without Async"):
        AsyncChatStream([b""])


@pytest.mark.parametrize("read", ["data: x\n\n", ChatCompletionChunk(), None, 1])
def test_a_source_of_something_else_than_bytes_is_refused(read):
    said = f"source gives {type(read).__name__}, but a stream needs the bytes as they came"
    with pytest.raises(TypeError, match=said):
        next(ChatStream([read]))
    with pytest.raises(TypeError, match=said):
        ChatParser().feed(read)


def test_as_much_of_a_page_is_kept_as_of_a_responses():
    page = "é".encode() * 100_000
    with pytest.raises(NotAnEventStreamError) as caught:
        next(ChatStream([page]))
    assert caught.value.body == page[: 64 * 1024]


def test_a_body_given_at_once_is_not_decoded_at_once():
    stream = ChatStream([BODY])
    next(stream)
    assert stream.current_completion_snapshot.choices[0].message.content == "Hi"
    assert stream.usage is None
    assert not stream.done


@pytest.mark.parametrize("stop_at", range(5))
def test_reading_to_the_end_goes_on_from_wherever_a_loop_stopped(stop_at):
    stream = ChatStream([BODY[:200], BODY[200:]])
    for _ in range(stop_at):
        next(stream, None)
    assert stream.get_final_completion().choices[0].message.content == "Hi there"
    assert (stream.usage.total_tokens, stream.done) == (3, True)


def test_a_stream_goes_as_soon_as_nobody_holds_it():
    """A cycle would leave thousands of them to the garbage collector."""
    stream = ChatStream([BODY], clock=lambda: 0.0).until_done()
    gone = weakref.ref(stream)
    gc.disable()
    try:
        del stream
        assert gone() is None
    finally:
        gc.enable()


# Undeclared keys.


def test_undeclared_keys_in_every_chunk_are_kept():
    payloads = [{**THERE, "odd": position} for position in range(200)]
    stream = ChatStream([sse(*payloads)], strict=True)
    seen = list(stream)
    assert [part.to_dict() for part in seen] == payloads
    assert [part.model_extra for part in seen] == [{"odd": position} for position in range(200)]


@pytest.mark.parametrize("payload", [{"error": {"message": "busy"}}, {**THERE, "error": "busy"}])
def test_an_error_beside_undeclared_keys_is_told(payload):
    stream = ChatStream([sse(*[{**THERE, "odd": 1}] * 10, payload, THERE)])
    assert len([next(stream) for _ in range(10)]) == 10
    with pytest.raises(APIError, match="busy"):
        next(stream)
    assert next(stream).to_dict() == THERE


def test_chunks_with_undeclared_keys_are_mended_too():
    odd = [{**chunk({"content": "a"}, finish_reason=reason), "odd": 1} for reason in [""] * 10]
    stream = ChatStream([sse(*odd)])
    assert [part.choices[0].finish_reason for part in stream] == [None] * 10
    assert stream.truncated


def test_kinds_of_chunks_may_alternate():
    call = chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"arguments": "x"}}]})
    mended = chunk({"content": 5})
    payloads = [HI, call, {**THERE, "odd": 1}, mended, THERE] * 40
    stream = ChatStream([sse(*payloads)])
    assert [part.to_dict() for part in stream] == payloads
    message = stream.get_final_completion().choices[0].message
    assert message.content == "Hi there5 there" * 40
    assert message.tool_calls[0].function.arguments == "x" * 40


# Exceptions of one payload, and going on.


def test_after_an_exception_the_same_iterator_goes_on():
    stream = ChatStream([sse(HI, "{broken", THERE, {"error": "no"}, STOP) + DONE])
    iterator = iter(stream)
    assert next(iterator).to_dict() == HI
    with pytest.raises(ChunkDecodeError):
        next(iterator)
    assert next(iterator).to_dict() == THERE
    with pytest.raises(APIError):
        next(iterator)
    assert next(iterator).to_dict() == STOP
    with pytest.raises(StopIteration):
        next(iterator)
    assert stream.done


def test_get_final_completion_raises_and_goes_on_too():
    stream = ChatStream([sse(HI, "{broken", THERE) + DONE])
    with pytest.raises(ChunkDecodeError):
        stream.get_final_completion()
    assert stream.current_completion_snapshot.choices[0].message.content == "Hi"
    assert stream.get_final_completion().choices[0].message.content == "Hi there"


def test_exceptions_of_the_source_pass_through_and_what_came_stays_readable():
    error = OSError("connection lost")

    def source():
        yield sse(HI)
        raise error

    stream = ChatStream(source())
    with pytest.raises(OSError, match="connection lost") as caught:
        stream.until_done()
    assert caught.value is error
    assert stream.truncated
    assert stream.current_completion_snapshot.choices[0].message.content == "Hi"
    assert stream.get_final_completion().choices[0].finish_reason is None


def test_an_event_too_large_comes_after_the_chunks_before_it_and_ends_the_stream():
    def source():
        yield sse(HI) + b"data: " + b"x" * 2000
        raise AssertionError("read on before the error")

    stream = ChatStream(source(), max_event_size=1000)
    assert next(stream).to_dict() == HI
    with pytest.raises(EventTooLargeError):
        next(stream)
    assert list(stream) == []
    assert stream.truncated


def test_every_exception_can_be_pickled():
    for error in (
        APIError("message", 429, "rate", "n", {"message": "message"}),
        ChunkDecodeError(b"{", "it is not JSON"),
        TruncatedStreamError(),
        NotAnEventStreamError(b"<html>", 200, "text/html"),
    ):
        assert isinstance(error, SSEError)
        copy = pickle.loads(pickle.dumps(error))
        assert (str(copy), vars(copy)) == (str(error), vars(error))
        assert str(error)


def test_messages_say_what_and_where():
    assert str(APIError("slow down", 429, "rate")) == "slow down (code 429, type 'rate')"
    assert str(APIError("slow down")) == "slow down"
    assert "'{broken'" in str(ChunkDecodeError(b"{broken", "it is not JSON"))
    assert "'<html>'" in str(NotAnEventStreamError(b"<html>"))
    assert len(str(ChunkDecodeError(b"x" * 10_000, "it is not JSON"))) < 400


# Truncation.


@pytest.mark.parametrize(
    ("body", "truncated"),
    [
        (b"", True),
        (b": keep-alive\n\n", True),
        (sse(HI), True),
        (sse(HI, STOP), False),
        (sse(HI) + DONE, False),
        (sse(HI, STOP, chunk({"content": "x"}, index=1)), True),
        (sse(HI, STOP, chunk({"content": "x"}, index=1, finish_reason="stop")), False),
    ],
)
def test_truncated_is_neither_done_nor_a_finish_reason_for_every_choice(body, truncated):
    assert read_under_every_cut(body)["truncated"] is truncated
    stream = ChatStream([body], require_done=True)
    if truncated:
        with pytest.raises(TruncatedStreamError):
            stream.until_done()
        # Once is enough; what came stays.
        assert list(stream) == []
    else:
        stream.until_done()


def test_a_stream_is_not_truncated_while_it_goes_on():
    stream = ChatStream([sse(HI), sse(THERE)])
    next(stream)
    assert not stream.truncated
    stream.until_done()
    assert stream.truncated


def test_closing_in_the_middle_truncates():
    closed = []

    def source():
        try:
            yield sse(HI)
            yield sse(THERE)
        finally:
            closed.append(True)

    with ChatStream(source()) as stream:
        next(stream)
    assert closed == [True]
    assert stream.truncated
    assert not stream.done
    assert list(stream) == []
    assert stream.get_final_completion().choices[0].message.content == "Hi"


def test_closing_closes_a_response():
    class Response:
        closed = 0

        def __iter__(self):
            return iter([BODY])

        def close(self):
            self.closed += 1

    response = Response()
    stream = ChatStream(response)
    stream.close()
    assert response.closed == 1


def test_done_reads_no_further():
    def source():
        yield BODY
        raise AssertionError("read past [DONE]")

    stream = ChatStream(source()).until_done()
    assert stream.done


def test_a_choice_without_finish_reason_has_one_in_the_end_if_the_stream_is_done():
    called = chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f"}}]}, index=1)
    stream = ChatStream([sse(HI, called) + DONE])
    reasons = [choice.finish_reason for choice in stream.get_final_completion().choices]
    assert reasons == ["stop", "tool_calls"]
    assert stream.finish_reason is None


# Options.


def test_without_accumulate_there_is_no_completion_but_everything_else():
    stream = ChatStream([BODY], accumulate=False)
    assert len(list(stream)) == 4
    assert (stream.finish_reason, stream.usage.total_tokens, stream.done) == ("stop", 3, True)
    with pytest.raises(RuntimeError, match="accumulate=False"):
        stream.get_final_completion()
    with pytest.raises(RuntimeError, match="accumulate=False"):
        stream.current_completion_snapshot  # noqa: B018


def test_without_accumulate_the_finish_reason_outlives_later_chunks():
    stream = ChatStream([sse(HI, STOP, THERE)], accumulate=False).until_done()
    assert stream.finish_reason == "stop"
    assert not stream.truncated


@pytest.mark.parametrize("body", [sse(HI), sse(STOP), sse(HI, STOP, chunk(index=1))])
def test_truncation_is_noticed_without_accumulate(body):
    with_it, without = ChatStream([body]), ChatStream([body], accumulate=False)
    assert with_it.until_done().truncated is without.until_done().truncated


@pytest.mark.parametrize(
    "payload",
    [
        {**HI, "choices": None},
        {**HI, "created": 1733162853123},
        chunk({"content": 5}),
        chunk({}, finish_reason=""),
        {**ENVELOPE, "choices": [{"delta": {}}]},
    ],
)
def test_strict_raises_instead_of_mending(payload):
    result = read_under_every_cut(sse(HI, payload, STOP), strict=True)
    first, (kind, _, reason), last = result["seen"]
    assert (first, kind, last) == (HI, "ChunkDecodeError", STOP)
    assert reason


def test_strict_accepts_unknown_keys():
    payload = {**HI, "unknown": {"key": 1}}
    assert read_under_every_cut(sse(payload), strict=True)["seen"] == [payload]


def test_parser_options_are_passed_through():
    comments, ignored = [], []
    stream = ChatStream(
        [b": hello\nodd: line\nid: 7\n" + BODY],
        on_comment=comments.append,
        on_ignored_line=ignored.append,
    )
    stream.until_done()
    assert (comments, ignored, stream.last_event_id) == (["hello"], ["odd: line"], "7")


def test_exceptions_of_callbacks_come_out_and_nothing_is_lost():
    def fail(line):
        raise RuntimeError(line)

    stream = ChatStream([sse(HI) + b"odd: line\n" + sse(THERE) + DONE], on_ignored_line=fail)
    with pytest.raises(RuntimeError, match="odd"):
        stream.until_done()
    assert stream.get_final_completion().choices[0].message.content == "Hi there"


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"clock": 5}, TypeError),
        ({"on_ignored_line": 5}, TypeError),
        ({"max_event_size": 0}, ValueError),
        ({"nonsense": 1}, TypeError),
    ],
)
def test_bad_options_are_refused_at_once(options, error):
    with pytest.raises(error):
        ChatStream([], **options)


# Text.


def test_iter_text_gives_a_choices_text():
    body = sse(HI, chunk({"content": "other"}, index=1), THERE, STOP) + DONE
    assert list(ChatStream([body]).iter_text()) == ["Hi", " there"]
    assert list(ChatStream([body]).iter_text(choice=1)) == ["other"]


def test_iter_text_goes_on_after_an_exception():
    text = ChatStream([sse(HI, "{broken", THERE)]).iter_text()
    assert next(text) == "Hi"
    with pytest.raises(ChunkDecodeError):
        next(text)
    assert next(text) == " there"


# The asynchronous twin.


def test_async_streams_do_the_same():
    async def main() -> None:
        async with AsyncChatStream(agen(BODY[:50], BODY[50:])) as stream:
            seen = [part.to_dict() async for part in stream]
            assert seen == [HI, THERE, STOP, USAGE_CHUNK]
            completion = await stream.get_final_completion()
            assert completion.choices[0].message.content == "Hi there"
        assert stream.done

    asyncio.run(main())


def test_async_errors_text_and_close():
    async def main() -> None:
        stream = AsyncChatStream(agen(sse(HI, "{broken", THERE)))
        text = stream.iter_text()
        assert await anext(text) == "Hi"
        with pytest.raises(ChunkDecodeError):
            await anext(text)
        assert await anext(text) == " there"
        await stream.close()
        assert stream.truncated
        with pytest.raises(TruncatedStreamError):
            await AsyncChatStream(agen(sse(HI)), require_done=True).until_done()

    asyncio.run(main())


def test_async_close_closes_the_source():
    async def main() -> None:
        closed = []

        async def source():
            try:
                yield sse(HI)
                yield sse(THERE)
            finally:
                closed.append(True)

        async with AsyncChatStream(source()) as stream:
            await anext(stream)
        assert closed == [True]

    asyncio.run(main())


def test_async_text_leaves_out_what_is_empty():
    async def main() -> list[str]:
        stream = AsyncChatStream(agen(sse(chunk({"content": ""}), HI, USAGE_CHUNK, THERE)))
        return [text async for text in stream.iter_text()]

    assert asyncio.run(main()) == ["Hi", " there"]


def test_async_text_holds_half_a_character_until_the_other_comes():
    async def main(*contents: str) -> list[str]:
        stream = AsyncChatStream(agen(*(sse(chunk({"content": text})) for text in contents)))
        return [text async for text in stream.iter_text()]

    assert asyncio.run(main("a\ud83d", "\ude00b")) == ["a", "\U0001f600b"]
    assert asyncio.run(main("\ud83d", "\ude00")) == ["\U0001f600"]
    assert asyncio.run(main("a", "\ud83d")) == ["a", "\ufffd"]


def test_the_iterators_are_iterators_themselves():
    stream, other = ChatStream([]), AsyncChatStream(agen())
    for iterator in (iter(stream), stream.iter_text()):
        assert iter(iterator) is iterator
    for iterator in (aiter(other), other.iter_text()):
        assert aiter(iterator) is iterator


def test_a_chunk_of_too_many_choices_is_refused_though_each_is_as_declared():
    choices = [{"index": index, "delta": {}} for index in range(1001)]
    with pytest.raises(ChunkDecodeError, match="it has 1001 choices"):
        next(ChatStream([sse({**ENVELOPE, "choices": choices})]))
    (found,) = ChatStream([sse({**ENVELOPE, "choices": choices[:1000]})])
    assert len(found.choices) == 1000


def test_async_close_closes_a_source_with_any_kind_of_close_or_none():
    class Source:
        def __aiter__(self):
            return agen(sse(HI))

    class Closing(Source):
        closed = 0

        def close(self):
            self.closed += 1

    async def main(source: Any) -> Any:
        stream = AsyncChatStream(source)
        await anext(stream)
        await stream.close()
        return source

    asyncio.run(main(Source()))
    assert asyncio.run(main(Closing())).closed == 1


# Legacy completions.


def text(value: str, finish_reason: str | None = None, **rest: Any) -> dict[str, Any]:
    choice = {"index": 0, "text": value, "logprobs": None, "finish_reason": finish_reason, **rest}
    return {
        "id": "cmpl-1",
        "object": "text_completion",
        "created": 5,
        "model": "m",
        "choices": [choice],
    }


def test_legacy_streams_are_folded():
    logprobs = {"tokens": ["a"], "token_logprobs": [-1.0], "text_offset": [0], "top_logprobs": None}
    body = sse(text("a", logprobs=logprobs), text("b", logprobs=logprobs), text("", "stop")) + DONE
    result = read_under_every_cut(body, CompletionStream)
    assert result["final"]["choices"] == [
        {
            "finish_reason": "stop",
            "index": 0,
            "logprobs": {
                "tokens": ["a", "a"],
                "token_logprobs": [-1.0, -1.0],
                "text_offset": [0, 0],
            },
            "text": "ab",
        }
    ]
    assert list(CompletionStream([body]).iter_text()) == ["a", "b"]


def test_legacy_numbers_that_are_null_or_texts_are_taken_as_they_are_meant():
    logprobs = {"tokens": ["a", "b"], "token_logprobs": [None, "-1.5"]}
    (seen,) = CompletionStream([sse(text("ab", logprobs=logprobs))])
    assert seen.choices[0].logprobs.token_logprobs == [None, -1.5]


def test_legacy_logprobs_that_cannot_be_read_are_left_but_not_folded():
    odd = {"tokens": ["a"], "token_logprobs": "none", "text_offset": [0]}
    stream = CompletionStream([sse(text("a", logprobs=odd), text("b", logprobs={"tokens": ["b"]}))])
    seen = [part.choices[0].logprobs for part in stream]
    assert seen[0].token_logprobs == "none"
    found = stream.get_final_completion().choices[0].logprobs
    assert (found.tokens, found.token_logprobs, found.text_offset) == (["a", "b"], None, [0])


def test_a_legacy_choice_without_index_has_its_position():
    payload = {"id": "c", "choices": [{"text": "a"}, {"text": "b"}]}
    found = CompletionStream([sse(payload, payload)]).get_final_completion()
    assert [(choice.index, choice.text) for choice in found.choices] == [(0, "aa"), (1, "bb")]


def test_legacy_token_ids_extend():
    payloads = [text("a", token_ids=[1, 2]), text("b"), text("c", token_ids=[3])]
    found = CompletionStream([sse(*payloads)]).get_final_completion()
    assert found.choices[0].token_ids == [1, 2, 3]


def test_azures_legacy_streams_are_folded():
    first = {**text(""), "id": "", "created": 0, "choices": [], "prompt_filter_results": [{"a": 1}]}
    filtered = text("a", content_filter_results={"hate": {"filtered": False}})
    result = read_under_every_cut(sse(first, filtered, text("b", "stop")) + DONE, CompletionStream)
    found = result["final"]
    assert (found["id"], found["prompt_filter_results"]) == ("cmpl-1", [{"a": 1}])
    assert found["choices"][0]["content_filter_results"] == {"hate": {"filtered": False}}
    stream = CompletionStream([sse(first, filtered)], skip_empty=True)
    assert [part.choices[0].text for part in stream] == ["a"]


def test_a_legacy_response_that_was_not_streamed_is_its_own_final_completion():
    body = json.dumps(text("ab", "stop")).encode()
    assert read_under_every_cut(body, CompletionStream)["final"]["choices"][0]["text"] == "ab"


def test_async_legacy_streams_do_the_same():
    async def main() -> str:
        stream = AsyncCompletionStream(agen(sse(text("a"), text("b", "stop"))))
        return (await stream.get_final_completion()).choices[0].text

    assert asyncio.run(main()) == "ab"


# Without msgspec.


def test_without_msgspec_the_core_works_and_the_import_says_what_to_install():
    code = """
import sys
sys.modules["msgspec"] = None
import sseparse
assert sseparse.Parser().feed(b"data: x\\n\\n")
try:
    import sseparse.openai
except ImportError as error:
    assert 'pip install "sseparse[llm]"' in str(error), error
else:
    raise AssertionError("imported")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
