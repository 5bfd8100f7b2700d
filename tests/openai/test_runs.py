"""Runs: chunks that are one more piece of the same text, which streams do not fold one by one.

Whatever takes the short way must come to the same as the long way, where the state is
given each chunk.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from chat_streams import ENVELOPE, sse
from hypothesis import given
from hypothesis import strategies as st
from told import check

from sseparse.openai import APIError, AsyncChatStream, ChatCompletionStreamState, ChatStream


def chunk(delta: dict[str, Any], index: int = 0, **rest: Any) -> dict[str, Any]:
    envelope = {key: rest.pop(key) for key in ("system_fingerprint", "usage") if key in rest}
    return {**ENVELOPE, **envelope, "choices": [{"index": index, "delta": delta, **rest}]}


def call(arguments: str | None, index: int | None = 0, **rest: Any) -> dict[str, Any]:
    name = rest.pop("name", None)
    function = {"arguments": arguments, **({"name": name} if name else {})}
    return {"tool_calls": [{"index": index, "function": function, **rest}]}


def entries(*tokens: str) -> dict[str, Any]:
    return {"content": [{"token": token, "logprob": -1.0, "top_logprobs": []} for token in tokens]}


def folded_one_by_one(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The completion where no chunk can be part of a run: the stream is told each on its own."""
    state = ChatCompletionStreamState()
    for each in chunks:
        for decoded in ChatStream([sse(each)]):
            state.handle_chunk(decoded)
    return state.get_final_completion().to_dict()


def folded_as_stream(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    stream = ChatStream([b"".join(map(sse, chunks))])
    for _ in stream:
        pass
    return stream.current_completion_snapshot.to_dict()


# What a long run is made of: the first piece, and what each further one is.
RUNS = {
    "content": ({"content": ""}, {"content": "four"}),
    "reasoning_content": ({"reasoning_content": ""}, {"reasoning_content": "four"}),
    "reasoning": ({"reasoning": "four"}, {"reasoning": "four"}),
    "arguments": (call("", id="c", name="f", type="function"), call("four")),
    "arguments, id empty": (call("{", id="c", name="f"), call("four", id="", type="function")),
}


@pytest.mark.parametrize("run", RUNS)
def test_a_run_of_any_length_is_what_its_chunks_are(run):
    first, further = RUNS[run]
    for length in (1, 2, 255, 256, 257, 600):
        chunks = [chunk(first), *[chunk(further)] * length]
        assert folded_as_stream(chunks) == folded_one_by_one(chunks)


def test_a_run_with_logprobs_is_what_its_chunks_are():
    chunks = [chunk({"content": "a"}, logprobs=entries("a", str(i))) for i in range(300)]
    chunks[100] = chunk({"content": "b"}, logprobs=None)
    chunks[200] = chunk({"content": "c"}, logprobs={"content": None})
    chunks[250] = chunk({"content": None}, logprobs=entries("d"))
    assert folded_as_stream(chunks) == folded_one_by_one(chunks)


@pytest.mark.parametrize("run", RUNS)
def test_a_snapshot_in_a_run_has_every_piece_that_was_handed_out(run):
    first, further = RUNS[run]
    stream = ChatStream([b"".join(map(sse, [chunk(first), *[chunk(further)] * 20]))])
    for number, _ in enumerate(stream):
        expected = folded_one_by_one([chunk(first), *[chunk(further)] * number])
        assert stream.current_completion_snapshot.to_dict() == expected


DELTAS = st.one_of(
    st.sampled_from(
        [{}, {"role": "assistant"}, {"content": None}, {"refusal": "no"}, {"new": "x"}]
    ),
    st.fixed_dictionaries({"content": st.sampled_from(["", "a", "ü"])}),
    st.fixed_dictionaries({"reasoning_content": st.sampled_from(["", "b"])}),
    st.fixed_dictionaries({"reasoning": st.sampled_from(["c"])}),
    st.just({"content": "", "reasoning": "both"}),
    st.builds(
        call,
        st.sampled_from([None, "", "{", '"x"', "}"]),
        st.sampled_from([None, 0, 1, 300]),
        id=st.sampled_from([None, "", "i", "j"]),
        name=st.sampled_from([None, "f", "g"]),
    ),
)
CHUNKS = st.builds(
    chunk,
    DELTAS,
    st.sampled_from([0, 0, 0, 1, 300]),
    logprobs=st.sampled_from([None, None, entries("t"), {"content": None}, {"refusal": []}]),
    finish_reason=st.sampled_from([None, None, None, "stop"]),
    system_fingerprint=st.sampled_from([None, None, "fp"]),
    usage=st.sampled_from(
        [None, None, {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}]
    ),
)


# Each chunk several times: runs are what is tested.
@given(st.lists(st.tuples(CHUNKS, st.integers(1, 4)), max_size=8))
def test_a_stream_comes_to_the_same_as_its_chunks_one_by_one(repeated):
    chunks = [each for each, times in repeated for _ in range(times)]
    assert folded_as_stream(chunks) == folded_one_by_one(chunks)


@given(st.lists(st.tuples(CHUNKS, st.integers(1, 4)), max_size=6))
def test_a_stream_that_accumulates_nothing_notes_the_same(repeated):
    chunks = [each for each, times in repeated for _ in range(times)]
    body = b"".join(map(sse, chunks))
    noting = ChatStream([body], accumulate=False)
    assert [each.to_dict() for each in noting] == [each.to_dict() for each in ChatStream([body])]
    full = ChatStream([body]).until_done()
    assert (noting.usage, noting.finish_reason) == (full.usage, full.finish_reason)
    assert noting.truncated == full.truncated


def test_the_asynchronous_stream_has_the_same_runs():
    first, further = RUNS["arguments"]
    chunks = [chunk(first), *[chunk(further)] * 300]

    async def source() -> Any:
        for each in chunks:
            yield sse(each)

    async def run() -> dict[str, Any]:
        return (await AsyncChatStream(source()).get_final_completion()).to_dict()

    assert asyncio.run(run()) == folded_one_by_one(chunks)


def test_a_piece_that_a_caller_changes_is_folded_as_it_came():
    stream = ChatStream([b"".join(sse(chunk({"content": "a"})) for _ in range(3))])
    for each in stream:
        each.choices[0].delta.content = "changed"
    assert stream.current_completion_snapshot.choices[0].message.content == "aaa"


def test_runs_that_take_turns_come_to_what_their_chunks_are():
    alternating = [chunk({"content": "a"}), chunk({"reasoning": "b"})] * 50
    assert folded_as_stream(alternating) == folded_one_by_one(alternating)
    choices = [chunk({"content": text}, index=index) for text in "ab" * 50 for index in (0, 1)]
    assert folded_as_stream(choices) == folded_one_by_one(choices)


# What keeps chunks from being a run, or is the same in all of them.


def said(make: Any, count: int = 9) -> list[dict[str, Any]]:
    """Chunks that differ in a word and a number."""
    return [make(f"w{number}", number) for number in range(count)]


DETAIL = {"type": "reasoning.text", "format": "f"}
ALIKE = {
    "a finish reason each time": lambda word, n: chunk({"content": word}, finish_reason="stop"),
    "token IDs that are no list": lambda word, n: chunk({"content": word}, token_ids=n),
    "a token ID that is no list": lambda word, n: chunk({"content": word}, token_ids=5),
    "token IDs": lambda word, n: chunk({"content": word}, token_ids=[n]),
    "the same token IDs": lambda word, n: chunk({"content": word}, token_ids=[7]),
    "timings": lambda word, n: {
        **chunk({"content": word}),
        "timings": {"predicted_n": n, "predicted_ms": n + 0.5, "cache": {"n": n}},
    },
    "timings of now and then": lambda word, n: {
        **chunk({"content": word}),
        **({"timings": {"predicted_n": n, "predicted_ms": n + 0.5}} if n % 5 else {}),
    },
    "timings in words": lambda word, n: {**chunk({"content": word}), "timings": {"ms": word}},
    "a usage with a fraction": lambda word, n: chunk(
        {"content": word}, usage={"prompt_tokens": 3, "completion_tokens": n, "cost": n / 4}
    ),
    "a usage with undeclared objects": lambda word, n: chunk(
        {"content": word}, usage={"prompt_tokens": 3, "completion_tokens": n, "more": {"a": n}}
    ),
    "a usage of zeros": lambda word, n: chunk(
        {"content": word}, usage={"prompt_tokens": 0, "completion_tokens": n % 3}
    ),
    "annotations that are no list": lambda word, n: chunk({"content": word, "annotations": {}}),
    "details that are texts": lambda word, n: chunk({"reasoning_details": [word]}),
    "details of two kinds": lambda word, n: chunk(
        {"reasoning_details": [{**DETAIL, "text": word, "index": n % 2}]}
    ),
    "two details": lambda word, n: chunk({"reasoning_details": [{**DETAIL, "text": word}] * 2}),
    "two calls": lambda word, n: chunk(
        {
            "tool_calls": [
                {"index": index, "id": f"c{index}", "function": {"name": "f", "arguments": word}}
                for index in (0, 1)
            ]
        }
    ),
    "logprobs of two choices": lambda word, n: {
        **ENVELOPE,
        "choices": [
            {"index": index, "delta": {"content": word}, "logprobs": entries(f"{word}{index}")}
            for index in (0, 1)
        ],
    },
    "logprobs of one choice in two entries": lambda word, n: {
        **ENVELOPE,
        "choices": [
            {"index": 0, "delta": {"content": word}, "logprobs": entries(f"{word}{half}")}
            for half in "ab"
        ],
    },
    "a service tier": lambda word, n: {**chunk({"content": word}), "service_tier": "default"},
}


@pytest.mark.parametrize("kind", ALIKE)
def test_chunks_that_are_alike_come_to_what_they_are(kind):
    chunks = said(ALIKE[kind])
    check(sse(*chunks))
    assert folded_as_stream(chunks) == folded_one_by_one(chunks)


def test_what_was_told_of_a_run_stays_as_it_was():
    """Of usage and timings only the last counts, and yet nobody's own is changed."""
    chunks = said(
        lambda word, n: {
            **chunk({"content": word}, usage={"prompt_tokens": 1, "total_tokens": n}),
            "timings": {"predicted_n": n},
        }
    )
    stream = ChatStream([sse(each) for each in chunks])
    told = []
    for each in stream:
        final = stream.current_completion_snapshot
        told.append((each.usage, stream.usage, final.usage, each.timings, final.timings))
    for n, (*usages, timings, final_timings) in enumerate(told):
        assert [usage.total_tokens for usage in usages] == [n] * 3
        assert timings == final_timings == {"predicted_n": n}


TEXTS = {
    "logprobs": lambda word: {"logprobs": {"tokens": [word], "token_logprobs": [-0.5]}},
    "token IDs": lambda word: {"token_ids": [ord(word)]},
    "the same token IDs": lambda word: {"token_ids": [5]},
    "token IDs that are no list": lambda word: {"token_ids": 5},
    "nothing else": lambda word: {},
}


@pytest.mark.parametrize("beside", TEXTS)
def test_legacy_chunks_that_are_alike_come_to_what_they_are(streams, beside):
    chunks = [
        {
            "id": "cmpl-1",
            "object": "text_completion",
            "created": 1,
            "model": "m",
            "service_tier": "default",
            "choices": [{"index": 0, "text": word, "finish_reason": None, **TEXTS[beside](word)}],
        }
        for word in "abcdefghi"
    ]
    check(sse(*chunks), "CompletionStream", implementations=[streams])
    stream = streams.CompletionStream([sse(*chunks)])
    state = streams.CompletionStreamState()
    for each in stream:
        state.handle_chunk(each)
    final = stream.get_final_completion()
    assert state.get_final_completion() == final
    assert final.choices[0].text == "abcdefghi"


def test_an_error_event_is_an_error_even_with_a_chunk_in_it():
    pieces = [sse(chunk({"content": "a"}))] * 3
    stream = ChatStream([*pieces, b"event: error\n" + sse(chunk({"content": "b"})), *pieces])
    for _ in range(3):
        next(stream)
    with pytest.raises(APIError) as caught:
        next(stream)
    assert caught.value.body == json.loads(json.dumps(chunk({"content": "b"})))
    assert stream.get_final_completion().choices[0].message.content == "aaaaaa"
