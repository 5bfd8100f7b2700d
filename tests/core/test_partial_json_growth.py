"""Large texts in small pieces come out right, and take the memory of their value.

That the cost is linear is shown by the benchmarks; times make no test. But texts of this size,
looked at after every piece, keep for minutes whoever copies or parses the value anew each time.
"""

from __future__ import annotations

import json
import tracemalloc

import pytest
from json_pieces import cut

MIB = 2**20


def feed_and_look(partial, text, size):
    for piece in cut(text, size):
        assert partial.feed(piece).value is not None
    return partial


@pytest.mark.parametrize("character", ["x", "\xe9", "\u20ac", "\U0001f600", "\n", '"'])
@pytest.mark.parametrize("form", ["%s", "[%s]", '{"a": [%s]}'])
def test_a_string_of_100_000_characters_in_pieces_of_4(PartialJSON, character, form):
    text = form % json.dumps(character * 100_000, ensure_ascii=False)
    partial = feed_and_look(PartialJSON(), text, 4)
    assert partial.close()
    assert partial.value == json.loads(text)


def test_an_array_of_10_000_objects_in_pieces_of_4(PartialJSON):
    text = json.dumps([{"id": n, "name": f"number {n}", "tags": ["a"]} for n in range(10_000)])
    assert feed_and_look(PartialJSON(), text, 4).value == json.loads(text)


def test_a_hundred_strings_that_grow_by_turns(PartialJSON):
    partials = [PartialJSON().feed('{"arguments": "') for _ in range(100)]
    for _ in range(2_000):
        for partial in partials:
            partial.feed("abcd")
    assert all(partial.value == {"arguments": "abcd" * 2_000} for partial in partials)


@pytest.mark.parametrize("text", ["[" + "9" * 4_000, "[1." + "9" * 100_000, '{"' + "k" * 100_000])
def test_a_long_number_or_key_in_pieces_of_2(PartialJSON, text):
    end = '": 0}' if text[0] == "{" else "]"
    partial = feed_and_look(PartialJSON(), text + end, 2)
    assert partial.value == json.loads(text + end)


def test_a_string_takes_the_memory_of_itself(PartialJSON):
    partial = PartialJSON().feed('["')
    piece = "x" * 1024
    tracemalloc.start()
    try:
        for _ in range(4 * 1024):
            partial.feed(piece)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(partial.value[0]) == 4 * MIB
    assert held < 1.1 * 4 * MIB
    assert peak < 2.5 * 4 * MIB


def test_nothing_but_the_value_is_kept_of_a_whole_text(PartialJSON):
    text = json.dumps([{f"key {n}": n} for n in range(10_000)])
    tracemalloc.start()
    try:
        value = json.loads(text)
        own = tracemalloc.get_traced_memory()[0]
        del value
        before = tracemalloc.get_traced_memory()[0]
        partial = PartialJSON().feed(text)
        held = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
    assert partial.complete
    assert held < 1.2 * own
