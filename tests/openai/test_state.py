"""Folding: the same final object however it is split, linear in time, small in memory."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
import tracemalloc
from typing import Any

import pytest
from chat_streams import DONE, chunk, sse
from hypothesis import given, settings
from hypothesis import strategies as st

from sseparse import SSEError
from sseparse.openai import (
    APIError,
    ChatCompletionChunk,
    ChatCompletionStreamState,
    ChatStream,
    Choice,
    ChoiceDelta,
    CompletionStreamState,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)


@st.composite
def split(draw: Any, whole: str) -> list[str]:
    """The text in pieces, empty ones too."""
    cuts = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=6)))
    return [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]


def fold(deltas: list[dict[str, Any]]) -> dict[str, Any]:
    stream = ChatStream([sse(*map(chunk, deltas), chunk({}, finish_reason="stop")) + DONE])
    return stream.get_final_completion().to_dict()["choices"][0]


# Any split.


@given(st.data(), TEXT, TEXT, TEXT)
def test_any_split_of_the_texts_folds_to_the_same(data, content, reasoning, refusal):
    deltas = [{"role": "assistant"}]
    for name, whole in (
        ("content", content),
        ("reasoning_content", reasoning),
        ("refusal", refusal),
        ("unknown", content),
    ):
        deltas += [{name: piece} for piece in data.draw(split(whole))]
    deltas = data.draw(interleaved(deltas))
    assert fold(deltas)["message"] == {
        "role": "assistant",
        "content": content,
        "reasoning_content": reasoning,
        "refusal": refusal,
        "unknown": content,
    }


@st.composite
def interleaved(draw: Any, deltas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The deltas with neighbours of different keys put into one, here and there."""
    merged: list[dict[str, Any]] = [{}]
    for delta in deltas:
        if not merged[-1].keys() & delta.keys() and draw(st.booleans()):
            merged[-1].update(delta)
        else:
            merged.append(dict(delta))
    return merged


@given(st.data(), st.lists(TEXT, min_size=1, max_size=3))
def test_any_split_of_tool_arguments_folds_to_the_same(data, arguments):
    """With indexes in any order of pieces; without, one call after the other."""
    has_index = data.draw(st.booleans())
    deltas = []
    for index, whole in enumerate(arguments):
        for position, piece in enumerate(data.draw(split(whole))):
            fragment: dict[str, Any] = {"function": {"arguments": piece}}
            if has_index:
                fragment["index"] = index
            if position == 0:
                fragment["id"] = f"call_{index}"
                fragment["function"]["name"] = f"tool_{index}"
            deltas.append({"tool_calls": [fragment]})
    assert fold(deltas)["message"]["tool_calls"] == [
        {
            "id": f"call_{index}",
            "type": "function",
            "function": {"name": f"tool_{index}", "arguments": whole},
        }
        for index, whole in enumerate(arguments)
    ]


@given(st.data(), st.lists(TEXT, max_size=8))
def test_any_split_of_logprobs_folds_to_the_same(data, tokens):
    entries = [
        {"token": token, "bytes": list(token.encode()), "logprob": -0.5, "top_logprobs": []}
        for token in tokens
    ]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(entries)), max_size=4)))
    payloads = []
    for a, b in zip([0, *cuts], [*cuts, len(entries)], strict=True):
        payload = chunk({"content": "".join(tokens[a:b])}, finish_reason="stop")
        payload["choices"][0]["logprobs"] = {"content": entries[a:b], "refusal": None}
        payloads.append(payload)
    choice = ChatStream([sse(*payloads)]).get_final_completion().to_dict()["choices"][0]
    assert choice["logprobs"] == {"content": entries}
    assert choice["message"]["content"] == "".join(tokens)


@given(st.data(), st.lists(TEXT, min_size=2, max_size=3))
def test_choices_are_told_apart_by_index(data, texts):
    payloads = [
        chunk({"content": piece}, index=index)
        for index, text in enumerate(texts)
        for piece in data.draw(split(text))
    ]
    choices = ChatStream([sse(*payloads)]).get_final_completion().choices
    assert [choice.index for choice in choices] == list(range(len(texts)))
    assert [choice.message.content for choice in choices] == texts


@settings(max_examples=50)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXT,
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(
                    [
                        *(
                            "choices",
                            "delta",
                            "content",
                            "index",
                            "usage",
                            "id",
                            "model",
                            "created",
                        ),
                        *(
                            "tool_calls",
                            "function",
                            "arguments",
                            "name",
                            "logprobs",
                            "finish_reason",
                        ),
                        *("reasoning_details", "annotations", "audio", "function_call", "x_groq"),
                        *("token", "top_logprobs", "type", "text", "citations", "prompt_tokens"),
                    ]
                ),
                inner,
                max_size=6,
            )
        ),
        max_leaves=30,
    )
)
def test_no_payload_whatever_raises_anything_but_an_sse_error(value):
    payload = (
        {"choices": [{"index": 0, "delta": value}], **value}
        if isinstance(value, dict)
        else {"choices": value}
    )
    stream = ChatStream([sse(payload, chunk(value if isinstance(value, dict) else {}), payload)])
    while True:
        try:
            for seen in stream:
                assert json.loads(json.dumps(seen.to_dict())) == json.loads(seen.raw)
            break
        except SSEError:
            continue
    final = stream.get_final_completion()
    json.dumps(final.to_dict())


# By hand.


def test_the_state_takes_chunks_that_were_made_by_hand():
    state = ChatCompletionStreamState()
    for text in ("a", "b"):
        delta = ChoiceDelta(content=text)
        state.handle_chunk(ChatCompletionChunk(id="c", choices=[Choice(index=0, delta=delta)]))
        assert state.current_completion_snapshot.choices[0].message.content[-1] == text
    final = state.get_final_completion()
    assert (final.id, final.choices[0].message.content) == ("c", "ab")


def test_an_empty_state_has_an_empty_completion():
    final = ChatCompletionStreamState().get_final_completion()
    assert final.to_dict() == {
        "id": "",
        "choices": [],
        "created": 0,
        "model": "",
        "object": "chat.completion",
    }
    assert CompletionStreamState().get_final_completion().object == "text_completion"


def test_content_that_never_came_is_none_and_empty_content_is_empty():
    assert fold([{"role": "assistant"}])["message"]["content"] is None
    assert fold([{"content": ""}])["message"]["content"] == ""


def test_a_snapshot_is_a_new_object_that_later_chunks_leave_alone():
    stream = ChatStream([sse(chunk({"content": "a"}), chunk({"content": "b"}))])
    next(stream)
    first = stream.current_completion_snapshot
    first.choices[0].message.content += "!"
    next(stream)
    assert first.choices[0].message.content == "a!"
    assert stream.current_completion_snapshot.choices[0].message.content == "ab"


def test_what_is_done_to_a_usage_that_was_handed_out_does_not_reach_those_to_come():
    counts = {"prompt_tokens": 9, "prompt_tokens_details": {"cached_tokens": 0}}
    payloads = [
        chunk({"content": "a"}, usage={**counts, "completion_tokens": number})
        for number in range(1, 9)
    ]
    stream = ChatStream([sse(*payloads)])
    for number, each in enumerate(stream, 1):
        usages = [each.usage, stream.usage]
        told = [(usage.completion_tokens, usage.prompt_tokens_details) for usage in usages]
        assert [(count, details.cached_tokens) for count, details in told] == [(number, 0)] * 2
        for usage in usages:
            usage.prompt_tokens_details = None


@pytest.mark.parametrize("count", [1, 255, 256, 257, 513, 1025])
def test_texts_of_any_number_of_pieces_are_whole(count):
    texts = [str(number) for number in range(count)]
    names = ("content", "reasoning_content", "reasoning", "refusal", "unknown")

    def delta(text):
        call = {"index": 0, "function": {"arguments": text}}
        return {**dict.fromkeys(names, text), "tool_calls": [call]}

    found = fold([delta(text) for text in texts])["message"]
    assert [found[name] for name in names] == ["".join(texts)] * len(names)
    assert found["tool_calls"][0]["function"]["arguments"] == "".join(texts)


# Growth.


@pytest.mark.parametrize("name", ["content", "reasoning_content", "refusal", "unknown"])
def test_a_long_text_takes_memory_of_its_own_order_not_of_its_chunks(name):
    payload = json.dumps(chunk({name: "four"})).encode()
    count = 20_000

    def source():
        for _ in range(count):
            yield b"data: " + payload + b"\n\n"

    stream = ChatStream(source())
    tracemalloc.start()
    try:
        stream.until_done()
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # 80 kB of text; the parts alone would be over a megabyte.
    assert held < 3 * 4 * count
    assert peak < 5 * 4 * count


def test_a_body_given_at_once_is_not_held_as_so_many_objects():
    body = sse(chunk({"content": "four"})) * 20_000
    stream = ChatStream([body])
    tracemalloc.start()
    try:
        stream.until_done()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 600_000


def bytecode_lines(run: Any) -> int:
    """How many lines of Python run: a measure of work without a clock."""
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(previous)
    return count


def logprobs_chunk(position: int) -> dict[str, Any]:
    payload = chunk({"content": "x"})
    entry = {"token": "x", "bytes": [120], "logprob": -0.5, "top_logprobs": []}
    payload["choices"][0]["logprobs"] = {"content": [entry], "refusal": None}
    return payload


def call_chunk(**fragment: Any) -> dict[str, Any]:
    return chunk({"tool_calls": [{"function": {"arguments": "x"}, **fragment}]})


GROWING = {
    "content": lambda position: chunk({"content": "x"}),
    "undeclared text": lambda position: chunk({"unknown": "x"}),
    "another key in each": lambda position: chunk({"content": "x", f"key{position}": 1}),
    "logprobs": logprobs_chunk,
    "arguments": lambda position: call_chunk(index=0),
    "arguments, an id in each": lambda position: call_chunk(index=0, id=f"c{position}"),
    "arguments, the name in each": lambda position: call_chunk(
        index=0, function={"name": "f", "arguments": "x}" if position else '{"a": "'}
    ),
    "calls": lambda position: call_chunk(
        id=f"c{position}", function={"name": "f", "arguments": "{}"}
    ),
    "choices": lambda position: chunk({"content": "x"}, index=position),
    "reasoning details": lambda position: chunk(
        {"reasoning_details": [{"type": "t", "text": "x", "index": 0}]}
    ),
    "annotations": lambda position: chunk({"annotations": [{"type": "url_citation"}]}),
    "citations": lambda position: {**chunk({"content": "x"}), "citations": [f"u{position}"]},
    "mended": lambda position: chunk({"content": [{"type": "text", "text": "x"}]}),
    "usage in each": lambda position: {**chunk({"content": "x"}), "usage": {"total_tokens": 1}},
}


def work(make: Any, count: int) -> int:
    body = [sse(make(position)) for position in range(count)]
    return bytecode_lines(ChatStream(body).until_done)


@pytest.fixture(scope="module")
def work_by_kind() -> dict[str, list[int]]:
    """What 300 and 600 chunks of each kind take, in Python, where all the work is seen."""
    return json.loads(
        subprocess.run(
            [sys.executable, __file__],
            env={
                **os.environ,
                "SSEPARSE_NO_EXTENSIONS": "1",
                "PYTHONPATH": os.pathsep.join(sys.path),
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )


@pytest.mark.parametrize("kind", GROWING)
def test_twice_the_chunks_are_twice_the_work(kind, work_by_kind):
    once, twice = work_by_kind[kind]
    assert 1000 < once < twice < 2.1 * once


def test_however_often_long_arguments_seem_to_end_they_are_read_once():
    texts = ['{"a": "' + "x" * 100_000, *["}"] * 20_000, '"}', '{"b": 1}']
    fragments = [
        {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": text}}]}
        for text in texts
    ]
    first, second = fold(fragments)["message"]["tool_calls"]
    assert first["function"]["arguments"] == "".join(texts[:-1])
    assert second["function"]["arguments"] == '{"b": 1}'


def test_what_groq_says_is_merged_and_a_snapshot_keeps_what_it_had():
    stream = ChatStream(
        [sse({"choices": [], "x_groq": {"id": "r"}}, {"choices": [], "x_groq": {"seed": 1}})]
    )
    next(stream)
    before = stream.current_completion_snapshot
    next(stream)
    assert stream.current_completion_snapshot.x_groq == {"id": "r", "seed": 1}
    assert before.x_groq == {"id": "r"}


def test_deeply_nested_json_in_a_list_comes_out_of_the_final_object():
    """As deep as it could be read: nothing here descends into what nobody declares."""
    deep: list = []
    for _ in range(600):
        deep = [deep]
    state = ChatCompletionStreamState()
    state.handle_chunk(ChatCompletionChunk(choices=[], citations=[deep]))
    assert state.get_final_completion().to_dict()["citations"] == [deep]


def test_json_too_deep_to_be_copied_stands_in_the_final_object_as_it_came():
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    state = ChatCompletionStreamState()
    state.handle_chunk(ChatCompletionChunk(choices=[], timings={"deep": deep}))
    found = state.get_final_completion().timings["deep"]
    for _ in range(5000):
        (found,) = found
    assert found == []


# Chunks from elsewhere.

WHOLE = {"content": "all", "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]}
KINDS_OF_CHUNKS = [
    chunk(
        {"content": "x", "odd": "y"},
        usage={"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    ),
    {"choices": [{"delta": {"content": 5}, "finish_reason": ""}], "created": "5"},
    {"choices": [{"index": 0, "delta": {}, "message": WHOLE}]},
    {"choices": [], "half": "\ud83d", "odd": float("nan")},
]


@pytest.mark.parametrize("received", KINDS_OF_CHUNKS)
def test_parsed_json_is_taken_as_a_payload_is(received):
    state = ChatCompletionStreamState()
    before = copy.deepcopy(received)
    state.handle_chunk(received)
    expected = ChatStream([sse(received)]).get_final_completion()
    assert repr(state.get_final_completion().to_dict()) == repr(expected.to_dict())
    assert repr(received) == repr(before)


def test_a_legacy_state_takes_parsed_json_too():
    state = CompletionStreamState()
    state.handle_chunk({"choices": [{"index": 0, "text": "x"}]})
    state.handle_chunk({"choices": [{"index": 0, "text": "y", "finish_reason": "stop"}]})
    assert state.get_final_completion().choices[0].text == "xy"


def test_parsed_json_that_is_an_error_raises_and_adds_nothing():
    state = ChatCompletionStreamState()
    with pytest.raises(APIError, match="no"):
        state.handle_chunk({"error": {"message": "no"}})
    assert state.get_final_completion().choices == []


@pytest.mark.parametrize("other", [None, b"{}", "{}", [], Choice(index=0, delta=ChoiceDelta())])
def test_what_is_no_chunk_is_refused(other):
    with pytest.raises(TypeError, match=f"a chunk is .*, not {type(other).__name__}"):
        ChatCompletionStreamState().handle_chunk(other)


def test_what_stands_in_a_chunk_and_is_of_another_package_is_refused():
    """Its fields lie elsewhere, whatever their names."""

    class Other:
        index = 0
        finish_reason = None
        delta = ChoiceDelta()

    for choice in (Other(), Choice(index=0, delta=Other())):
        made = ChatCompletionChunk(id="1", choices=[choice], created=1, model="m")
        with pytest.raises(TypeError, match=r"expected .* of sseparse, not .*Other|a stream, not"):
            ChatCompletionStreamState().handle_chunk(made)


if __name__ == "__main__":
    for each in GROWING.values():
        work(each, 10)  # what is done once
    print(json.dumps({kind: [work(make, n) for n in (300, 600)] for kind, make in GROWING.items()}))
