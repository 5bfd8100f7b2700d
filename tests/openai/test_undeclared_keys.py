"""Keys that a provider adds to its chunks, and that no type declares: lost nowhere."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest
from chat_streams import ENVELOPE, sse
from hypothesis import given
from hypothesis import strategies as st

from sseparse.openai import APIError, ChatCompletionStreamState, ChatStream, ChunkDecodeError


def chunk(top: Any = (), in_choice: Any = (), in_delta: Any = (), text: str = "a") -> dict:
    delta = {"content": text, **dict(in_delta)}
    return {**ENVELOPE, "choices": [{"index": 0, "delta": delta, **dict(in_choice)}], **dict(top)}


def extras(read: Any) -> list[Any]:
    """The unknown keys at every level of a chunk."""
    choices = [(choice.model_extra, choice.delta.model_extra) for choice in read.choices]
    return [read.model_extra, choices, read.to_dict()]


def read_in_one(chunks: list[dict[str, Any]]) -> tuple[list[Any], dict[str, Any], ChatStream]:
    stream = ChatStream([b"".join(map(sse, chunks))])
    seen = [extras(each) for each in stream]
    return seen, stream.get_final_completion().to_dict(), stream


def read_one_by_one(chunks: list[dict[str, Any]]) -> tuple[list[Any], dict[str, Any]]:
    """Each in a stream of its own, which knows nothing of the others."""
    state, seen = ChatCompletionStreamState(), []
    for each in chunks:
        (read,) = ChatStream([sse(each)])
        seen.append(extras(read))
        state.handle_chunk(read)
    return seen, state.get_final_completion().to_dict()


# Names that mean something to Python, to msgspec or to these types, and names that are none.
KEYS = ["pad", "__verbose", "key_0", "class", "x-y", "", "delta2", "self", "ü", "_payload"]


@pytest.mark.parametrize("key", KEYS)
def test_a_key_in_every_chunk_is_kept_at_every_level(key):
    levels = [{key: value} for value in ("x", [1, {"y": None}], None)]
    chunks = [chunk(*levels), chunk(*reversed(levels)), chunk()] * 20
    seen, final, _ = read_in_one(chunks)
    assert (seen, final) == read_one_by_one(chunks)
    (choice, delta) = seen[0][1][0]
    assert [seen[0][0], choice, delta] == levels


def test_a_key_that_comes_later_is_not_overlooked():
    chunks = [chunk({"first": 1})] * 50 + [chunk({"first": 1, "second": 2})] * 50
    seen, final, _ = read_in_one(chunks)
    assert [found[0] for found in seen] == [{"first": 1}] * 50 + [{"first": 1, "second": 2}] * 50
    assert (final["first"], final["second"]) == (1, 2)


def test_another_key_in_each_chunk_is_kept():
    chunks = [chunk({f"key{number}": number}, text=str(number)) for number in range(100)]
    seen, final, _ = read_in_one(chunks)
    assert (seen, final) == read_one_by_one(chunks)
    assert seen[99][0] == {"key99": 99}


def test_many_keys_at_once_are_kept():
    chunks = [chunk({f"key{number}": 1 for number in range(40)})] * 20
    seen, final, _ = read_in_one(chunks)
    assert (seen, final) == read_one_by_one(chunks)
    assert len(seen[19][0]) == 40


@pytest.mark.parametrize("length", [100, 101, 20_000])
def test_a_key_of_any_length_is_kept(length):
    chunks = [chunk({"k" * length: 1})] * 20
    seen, final, _ = read_in_one(chunks)
    assert (seen, final) == read_one_by_one(chunks)
    assert seen[19][0] == {"k" * length: 1}


def test_rare_fields_beside_undeclared_keys_are_read():
    chunks = [chunk({"pad": "x", "citations": ["one"]}, in_delta={"refusal": "n"})] * 10
    seen, final, _ = read_in_one(chunks)
    assert (seen, final) == read_one_by_one(chunks)
    assert final["choices"][0]["message"]["refusal"] == "n" * 10


def test_an_error_under_a_key_that_was_null_is_an_error():
    chunks = [chunk({"error": None})] * 5
    stream = ChatStream([b"".join(map(sse, chunks)), sse(chunk({"error": {"message": "no"}}))])
    for _ in chunks:
        next(stream)
    with pytest.raises(APIError, match="no"):
        next(stream)


def test_a_chunk_with_undeclared_keys_can_be_copied_compared_and_pickled():
    *_, read = ChatStream([sse(*[chunk({"pad": "x"}, {"seed": 1}, {"token_id": 2})] * 3)])
    for twin in (copy.copy(read), copy.deepcopy(read), pickle.loads(pickle.dumps(read))):
        assert twin == read
        assert extras(twin) == extras(read)
    assert type(copy.copy(read)).__module__ == "sseparse.openai.types"


def test_reasoning_under_an_undeclared_name_is_found_in_every_chunk():
    stream = ChatStream([sse(*[chunk(in_delta={"reasoning_text": "hm"})] * 3)])
    assert [read.choices[0].delta.reasoning_text for read in stream] == ["hm"] * 3


def test_strict_streams_keep_them_too():
    stream = ChatStream([sse(*[chunk({"pad": "x"})] * 10)], strict=True)
    assert [read.model_extra for read in stream] == [{"pad": "x"}] * 10


def test_the_keys_of_one_chunk_are_not_those_of_another():
    chunks = list(ChatStream([sse(*[chunk({"pad": {"a": [1]}})] * 10)]))
    chunks[5].model_extra["pad"]["a"].append(2)
    assert [read.model_extra["pad"]["a"] for read in chunks if read is not chunks[5]] == [[1]] * 9


def test_a_payload_of_too_many_choices_is_refused_before_it_is_mended():
    with pytest.raises(ChunkDecodeError, match="it has 100000 choices"):
        next(ChatStream([sse({**ENVELOPE, "choices": [{}] * 100_000})]))


def test_keys_of_one_choice_of_several_are_its_own():
    both = [{"index": 0, "delta": {}, "seed": 1}, {"index": 1, "delta": {"content": "a"}}]
    (read,) = ChatStream([sse({**ENVELOPE, "choices": both})])
    assert [choice.model_extra for choice in read.choices] == [{"seed": 1}, {}]


def test_what_is_no_object_in_a_list_of_them_is_left_out():
    (read,) = ChatStream([sse({**chunk(), "choices": ["odd", *chunk()["choices"]], "pad": 1})])
    assert [choice.delta.content for choice in read.choices] == ["a"]
    assert read.model_extra == {"pad": 1}


VALUES = st.sampled_from([None, "x", 1, [1], {"y": 2}])
NAMES = st.sampled_from([*KEYS, "\0", "refusal", "citations", "seed"])
LEVEL = st.dictionaries(NAMES, VALUES, max_size=3)
CHUNKS = st.builds(chunk, LEVEL, LEVEL, LEVEL, st.sampled_from(["", "a"]))


@given(st.lists(st.tuples(CHUNKS, st.integers(1, 3)), max_size=6))
def test_what_came_before_changes_nothing(repeated):
    chunks = [each for each, times in repeated for _ in range(times)]
    seen, final, _ = read_in_one(chunks)
    assert (seen, final) == read_one_by_one(chunks)
