"""iter_partial_json: the value that the text grows to, as far as it is known."""

from __future__ import annotations

import asyncio
import copy

import pytest
from chat_streams import DONE, chunk, sse

from sseparse.openai import APIError, AsyncChatStream, ChatStream, CompletionStream
from sseparse.partial_json import PartialJSONError

ERROR = b'data: {"error": {"message": "no"}}\n\n'


def said(*texts: str, index: int = 0) -> bytes:
    return sse(*[chunk({"content": text}, index=index) for text in texts])


def values(*bodies: bytes) -> list[object]:
    return [copy.deepcopy(value) for value in ChatStream(bodies).iter_partial_json()]


def test_each_piece_of_text_gives_the_value_so_far():
    assert values(said('{"name": "Ad', 'a", "tags": [', '"x", "y', '"]}'), DONE) == [
        {"name": "Ad"},
        {"name": "Ada", "tags": []},
        {"name": "Ada", "tags": ["x", "y"]},
    ]


def test_a_piece_that_shows_nothing_yields_nothing():
    assert values(said("", " \n", "[", "1", "2", ", ", "tru", "e", "]"), DONE) == [
        [],
        [12],
        [12, True],
    ]


def test_a_number_is_never_shown_before_it_is_whole():
    assert values(said('{"age": 3', "2", "}"), DONE) == [{}, {"age": 32}]


def test_the_containers_are_the_same_ones_and_grow():
    stream = ChatStream([said('{"a": [1', ', {"b": "x', 'y"}]}'), DONE])
    found = list(stream.iter_partial_json())
    assert found == [{"a": [1, {"b": "xy"}]}] * 3
    assert all(value is found[0] for value in found)


def test_a_number_alone_is_whole_by_the_end_of_a_whole_stream():
    assert values(said("1", "4"), DONE) == [14]
    assert values(said("1", "4")) == []


def test_null_is_a_value():
    assert values(said("nu", "ll"), DONE) == [None]


def test_a_character_whose_halves_come_in_two_pieces_is_one():
    assert values(said('["\ud83d', '\ude00"]'), DONE) == [[""], ["\U0001f600"]]


def test_the_content_stays_text():
    stream = ChatStream([said('{"a"', ": 1}"), DONE])
    assert list(stream.iter_partial_json())[-1] == {"a": 1}
    assert stream.get_final_completion().choices[0].message.content == '{"a": 1}'


def test_another_choice_is_chosen():
    stream = ChatStream([said("[1]", index=1), DONE])
    assert list(stream.iter_partial_json(choice=1)) == [[1]]


def test_legacy_completions_have_it_too():
    stream = CompletionStream([b'data: {"choices": [{"index": 0, "text": "[1]"}]}\n\n', DONE])
    assert list(stream.iter_partial_json()) == [[1]]


# What is no JSON.


def test_text_that_is_no_json_is_an_error_that_says_where():
    with pytest.raises(PartialJSONError, match="at character 0, found 'S'") as caught:
        values(said("Sure! ", "Here it is:"))
    assert caught.value.position == 0


def test_what_came_before_the_error_is_yielded_before_it():
    found = ChatStream([said('{"a": 1, "b": [2, x'), DONE]).iter_partial_json()
    assert next(found) == {"a": 1, "b": [2]}
    with pytest.raises(PartialJSONError, match="expected a value at character 18, found 'x'"):
        next(found)


def test_the_error_is_raised_again_and_the_stream_can_be_read_on():
    stream = ChatStream([said("[", "x", "]"), DONE])
    found = stream.iter_partial_json()
    assert next(found) == []
    for _ in range(2):
        with pytest.raises(PartialJSONError, match="at character 1"):
            next(found)
    assert list(stream.iter_text()) == ["]"]
    assert stream.get_final_completion().choices[0].message.content == "[x]"


def test_an_error_in_the_stream_comes_where_it_stands_and_no_number_is_whole_by_an_end_behind_it():
    stream = ChatStream([said("1"), ERROR, said("2"), DONE])
    found = stream.iter_partial_json()
    with pytest.raises(APIError):
        next(found)
    assert list(found) == []


def test_a_text_that_is_cut_off_ends_without_an_error():
    assert values(said('{"a": [1', ", 2")) == [{"a": []}, {"a": [1]}]


def test_the_asynchronous_twin_does_the_same():
    async def read(*bodies):
        async def source():
            for body in bodies:
                yield body

        found = []
        try:
            async for value in AsyncChatStream(source()).iter_partial_json():
                found.append(copy.deepcopy(value))
        except PartialJSONError as error:
            found.append(error.position)
        return found

    assert asyncio.run(read(said("[1", ", 2]"), DONE)) == [[], [1, 2]]
    assert asyncio.run(read(said("1", "2"), DONE)) == [12]
    assert asyncio.run(read(said("[1, x"), DONE)) == [[1], 4]
