"""What PartialJSON says of a text while it comes, and of one that is no JSON."""

from __future__ import annotations

import contextlib
import copy
import gc
import json
import pickle
import sys

import pytest
from in_threads import in_threads
from json_pieces import NO_JSON, TEXTS, cut, cut_at, loads, observe
from limited_memory import LARGE, memory_for_less_than

from sseparse import SSEError
from sseparse.partial_json import PartialJSONError


def feed_all(partial, pieces):
    for piece in pieces:
        partial.feed(piece)


def after(PartialJSON, *pieces):
    partial = PartialJSON()
    feed_all(partial, pieces)
    return partial.value


# What stands in the value.


def test_there_is_no_value_before_anything_came(PartialJSON):
    assert PartialJSON().value is None
    assert after(PartialJSON, "", " \n") is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[", []),
        ("{", {}),
        ('{"a": {"b": [', {"a": {"b": []}}),
        ('"', ""),
        ('"ab', "ab"),
        ('["a", "b', ["a", "b"]),
        ('{"a": "', {"a": ""}),
        ('{"a": "b', {"a": "b"}),
        ('["a\\n', ["a\n"]),
    ],
)
def test_what_is_open_stands_in_its_place(PartialJSON, text, value):
    assert after(PartialJSON, text) == value
    assert after(PartialJSON, *text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[32", []),
        ("[32 ", [32]),
        ("[3, 2", [3]),
        ("[1.5]", [1.5]),
        ("[-", []),
        ("[tru", []),
        ("[true", [True]),
        ("[nul", []),
        ("[null", [None]),
        ('{"ag', {}),
        ('{"age"', {}),
        ('{"age": ', {}),
        ('{"age": 3', {}),
        ('{"age": 3}', {"age": 3}),
        ('["a\\', ["a"]),
        ('["a\\u00e', ["a"]),
    ],
)
def test_numbers_literals_keys_and_escapes_count_when_they_are_whole(PartialJSON, text, value):
    assert after(PartialJSON, text) == value
    assert after(PartialJSON, *text) == value


def test_the_containers_stay_the_same_and_grow(PartialJSON):
    partial = PartialJSON().feed('{"a": [1, {"b": "x')
    root = partial.value
    inner = root["a"]
    assert partial.feed('y"}, 2').value is root
    assert root["a"] is inner
    assert inner == [1, {"b": "xy"}]
    partial.feed("]}")
    assert root == {"a": [1, {"b": "xy"}, 2]}


def test_the_last_of_equal_keys_counts_and_has_the_place_of_the_first(PartialJSON):
    text = '{"a": [1], "b": 2, "a": "x'
    assert after(PartialJSON, text[:-2]) == {"a": [1], "b": 2}
    assert list(after(PartialJSON, text).items()) == [("a", "x"), ("b", 2)]


def test_equal_keys_are_one_object(PartialJSON):
    first, second = after(PartialJSON, *'[{"some key": 1}, {"some key": 2}]')
    assert next(iter(first)) is next(iter(second))


def test_what_the_caller_keeps_of_a_string_stays_as_it_was(PartialJSON):
    partial = PartialJSON().feed('["ab')
    first = partial.value[0]
    partial.feed("cd")
    second = partial.value[0]
    hash(second)
    partial.feed("\u20ac").feed("f")
    assert (first, second, partial.value) == ("ab", "abcd", ["abcd\u20acf"])


def test_a_piece_stays_as_it_was(PartialJSON):
    pieces = ['"', "some text ", "and more ", "\u20ac"]
    partial = PartialJSON()
    for piece in pieces:
        partial.feed(piece)
    assert pieces == ['"', "some text ", "and more ", "\u20ac"]
    assert partial.value == "some text and more \u20ac"


@pytest.mark.parametrize("text", TEXTS)
def test_the_value_is_that_of_json_loads_under_every_cut(PartialJSON, text):
    expected = loads(text)
    whole = observe(PartialJSON(), [text])[-1]
    assert (whole.result is True) == (expected is not NO_JSON)
    if expected is not NO_JSON:
        assert whole.value == repr(expected)
    for pieces in [cut(text, 1), cut(text, 3), *(cut_at(text, [n]) for n in range(len(text)))]:
        seen = observe(PartialJSON(), pieces)[-1]
        # Whether the end changed anything depends on what came before.
        assert seen._replace(changed=whole.changed) == whole, pieces


# Halves of surrogate pairs.


def test_halves_of_a_surrogate_pair_join_across_pieces(PartialJSON):
    text = '["\\ud83d\\ude00"]'
    for place in range(len(text)):
        assert after(PartialJSON, text[:place], text[place:]) == ["\U0001f600"]


def test_half_of_a_surrogate_pair_waits_for_the_other(PartialJSON):
    partial = PartialJSON().feed('["a\\ud83d')
    assert partial.value == ["a"]
    assert partial.feed("b").value == ["a\ud83db"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"\\ud83d"', "\ud83d"),
        ('"\\ude00\\ud83d"', "\ude00\ud83d"),
        ('"\\ud83d\\ud83d\\ude00"', "\ud83d\U0001f600"),
        ('"\\ud83d\\u0041"', "\ud83dA"),
        ('"\\ud83d\\n"', "\ud83d\n"),
        # Not by escapes, they are characters of their own to json.loads.
        ('"\ud83d\ude00"', "\ud83d\ude00"),
        ('"\\ud83d\ude00"', "\ud83d\ude00"),
    ],
)
def test_half_of_a_surrogate_pair_that_stays_alone_is_kept(PartialJSON, text, value):
    assert json.loads(text) == value
    assert after(PartialJSON, text) == value
    assert after(PartialJSON, *text) == value


# The end.


def test_it_is_complete_with_the_last_bracket_or_quote(PartialJSON):
    for text in ("[1]", '{"a": []}', '"x"', "null"):
        partial = PartialJSON()
        partial.feed(text[:-1])
        assert not partial.complete
        assert partial.feed(text[-1]).complete
        assert partial.close() is True


def test_white_space_may_follow(PartialJSON):
    partial = PartialJSON().feed("[1]\n").feed(" \t\r\n")
    assert partial.complete
    assert partial.close() is True


def test_a_number_alone_is_whole_by_white_space_or_by_the_end(PartialJSON):
    partial = PartialJSON().feed("1").feed("2")
    assert (partial.value, partial.complete) == (None, False)
    assert partial.close() is True
    assert (partial.value, partial.complete, partial.changed) == (12, True, True)
    assert after(PartialJSON, "12 ") == 12


@pytest.mark.parametrize("text", ["", "  ", "-", "1.", "1e", "tru", '"a', "[", "[1", "{", '{"a"'])
def test_a_text_that_was_cut_off_is_not_complete(PartialJSON, text):
    partial = PartialJSON().feed(text)
    before = copy.deepcopy(partial.value)
    assert partial.close() is False
    assert not partial.complete
    # A number in an array may have been cut off, so it is no value of it.
    assert partial.value == before


def test_closing_twice_is_harmless(PartialJSON):
    partial = PartialJSON().feed("5")
    assert partial.close() is True
    assert partial.close() is True
    assert PartialJSON().close() is False


def test_feeding_after_the_end_is_refused(PartialJSON):
    partial = PartialJSON().feed("[]")
    partial.close()
    for text in ("", " "):
        with pytest.raises(ValueError, match=r"the text has ended: close\(\) was called") as caught:
            partial.feed(text)
        assert not isinstance(caught.value, SSEError)
    assert partial.value == []
    assert partial.complete


def test_position_counts_characters(PartialJSON):
    partial = PartialJSON()
    assert partial.position == 0
    assert partial.feed('["\U0001f600').position == 3
    assert partial.feed("").position == 3
    assert partial.feed('\\u20ac", 1').position == 13


# Whether anything has changed.


@pytest.mark.parametrize(
    ("before", "piece", "changed"),
    [
        ("", "", False),
        ("", " ", False),
        ("", "[", True),
        ("", '"', True),
        ("[", "1", False),
        ("[1", "2", False),
        ("[12", ",", True),
        ("[tru", "e", True),
        ("[true", ",", False),
        ("{", '"a"', False),
        ('{"a"', ": ", False),
        ('{"a":', '"', True),
        ('{"a":"', "x", True),
        ('{"a":"x', "\\", False),
        ('{"a":"x\\', "n", True),
        ('{"a":"x', '"}', False),
        ('{"a":"x"', "}", False),
        ('["a\\ud83d', "\\ude", False),
        ('["a\\ud83d\\ude', '00"', True),
    ],
)
def test_changed_says_whether_a_piece_showed(PartialJSON, before, piece, changed):
    partial = PartialJSON().feed(before)
    value = repr(partial.value)
    partial.feed(piece)
    assert partial.changed is changed
    assert (repr(partial.value) != value) is changed


# What is no JSON.


@pytest.mark.parametrize(
    ("text", "position", "expected", "found"),
    [
        ("x", 0, "a value", "'x'"),
        (" NaN", 1, "a value", "'N'"),
        ("-Infinity", 1, "a digit", "'I'"),
        ("[Infinity]", 1, "a value or ']'", "'I'"),
        ("[1,]", 3, "a value", "']'"),
        ("[1 2]", 3, "',' or ']'", "'2'"),
        ("[1}", 2, "',' or ']'", "'}'"),
        ("[01]", 2, "',' or ']'", "'1'"),
        ("[1.]", 3, "a digit", "']'"),
        ("[1e]", 3, "a digit or a sign", "']'"),
        ("[1e+]", 4, "a digit", "']'"),
        ('{"a":1,}', 7, "a key in double quotes", "'}'"),
        ('{"a":1]', 6, "',' or '}'", "']'"),
        ("{a", 1, "a key in double quotes or '}'", "'a'"),
        ('{"a",', 4, "':'", "','"),
        ('{"a":}', 5, "a value", "'}'"),
        ("[trUe]", 3, "'true'", "'U'"),
        ("[nil]", 2, "'null'", "'i'"),
        ('"a\nb"', 2, "no unescaped control character", r"'\n'"),
        ('{"\t":1}', 2, "no unescaped control character", r"'\t'"),
        (r'"\x"', 2, r'one of " \ / b f n r t u behind a backslash', "'x'"),
        (r'"\u00G0"', 5, "a hexadecimal digit", "'G'"),
        ("[] []", 3, "the end of the text", "'['"),
        ("1 2", 2, "the end of the text", "'2'"),
        ("\ufeff[]", 0, "a value", r"'\ufeff'"),
    ],
)
def test_an_error_says_where_and_what_was_expected(PartialJSON, text, position, expected, found):
    assert loads(text) is NO_JSON
    for pieces in ([text], list(text)):
        partial = PartialJSON()
        with pytest.raises(PartialJSONError) as caught:
            feed_all(partial, pieces)
        error = caught.value
        assert (error.position, error.expected, error.found) == (position, expected, found)
        assert str(error) == f"no JSON: expected {expected} at character {position}, found {found}"
        assert partial.position == position
        assert not partial.complete


def test_an_error_is_a_value_error_and_one_of_the_package(PartialJSON):
    with pytest.raises(ValueError, match="no JSON") as caught:
        PartialJSON().feed("x")
    assert isinstance(caught.value, SSEError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (PartialJSONError, str(caught.value))


def test_a_failed_one_raises_the_same_error_for_ever_and_keeps_its_value(PartialJSON):
    partial = PartialJSON().feed('{"a": ["x')
    messages = set()
    for call in (lambda: partial.feed('y", z'), lambda: partial.feed("]"), partial.close) * 2:
        with pytest.raises(PartialJSONError) as caught:
            call()
        messages.add(str(caught.value))
    assert messages == {"no JSON: expected a value at character 13, found 'z'"}
    assert partial.value == {"a": ["xy"]}


def test_what_came_before_an_error_is_shown(PartialJSON):
    for text, value in {
        '["abc\n': ["abc"],
        '["ab\\u00e9\\x': ["ab\xe9"],
        "[1, 2 x": [1, 2],
    }.items():
        for pieces in ([text], list(text)):
            partial = PartialJSON()
            with pytest.raises(PartialJSONError):
                feed_all(partial, pieces)
            assert partial.value == value


def test_bytes_are_to_be_decoded(PartialJSON):
    partial = PartialJSON().feed("[")
    for data in (b"1", bytearray(b"1"), memoryview(b"1")):
        with pytest.raises(TypeError, match=r"must be a str, not \w+: decode it, with codecs\."):
            partial.feed(data)
    for other in (None, 5, ["1"]):
        with pytest.raises(TypeError, match=r"^text must be a str, not \w+$"):
            partial.feed(other)
    assert partial.feed("1]").value == [1]


def test_a_str_of_another_type_is_taken_for_its_characters(PartialJSON):
    class Text(str):
        __slots__ = ()

        def __len__(self):
            return 1

        def __str__(self):
            return "x"

    partial = PartialJSON().feed(Text('["abc')).feed(Text('d"]'))
    assert partial.value == ["abcd"]
    assert type(partial.value[0]) is str


# Limits.


def test_depth_is_limited(PartialJSON):
    text = '[{"a":' * 256
    assert PartialJSON().feed(text).position == len(text)
    partial = PartialJSON().feed(text)
    message = r"no more than 512 arrays and objects in each other \(max_depth\) at character 1536"
    with pytest.raises(PartialJSONError, match=message):
        partial.feed("[")
    assert PartialJSON().feed(text + '"x"' + "}]" * 256).complete


def test_siblings_are_no_depth(PartialJSON):
    assert PartialJSON(max_depth=2).feed("[" + "[], {}, " * 100 + "[]]").complete


def test_the_depth_may_be_any(PartialJSON):
    depth = 200_000
    partial = PartialJSON(max_depth=10**30)
    for piece in cut("[" * depth + "]" * depth, 1000):
        partial.feed(piece)
    assert partial.close() is True
    del partial
    gc.collect()


def test_a_depth_of_one_is_one_container(PartialJSON):
    assert PartialJSON(max_depth=1).feed("[1, 2]").complete
    with pytest.raises(PartialJSONError, match="no more than 1 "):
        PartialJSON(max_depth=1).feed("[{")


@pytest.mark.parametrize("depth", [None, "5", 5.0, True])
def test_a_depth_of_another_type_is_a_type_error(PartialJSON, depth):
    with pytest.raises(TypeError, match=f"max_depth must be an int, not {type(depth).__name__}"):
        PartialJSON(max_depth=depth)


@pytest.mark.parametrize("depth", [0, -1, -(10**30)])
def test_a_depth_below_one_is_a_value_error(PartialJSON, depth):
    with pytest.raises(ValueError, match=f"max_depth must be at least 1, not {depth}"):
        PartialJSON(max_depth=depth)


@pytest.mark.skipif(not hasattr(sys, "set_int_max_str_digits"), reason="Python knows no limit")
def test_an_integer_with_more_digits_than_int_reads_is_refused_as_by_json_loads(PartialJSON):
    limit = sys.get_int_max_str_digits()
    fits = "-" + "9" * limit
    assert after(PartialJSON, f"[{fits}]") == json.loads(f"[{fits}]")
    text = f" [{fits}9]"
    assert loads(text) is NO_JSON
    message = (
        rf"expected an integer of at most {limit} digits \(sys.set_int_max_str_digits\) "
        rf"at character 2, found one of {limit + 1}"
    )
    for pieces in ([text], cut(text, 7)):
        partial = PartialJSON()
        with pytest.raises(PartialJSONError, match=message):
            feed_all(partial, pieces)
        assert (partial.value, partial.position) == ([], 2)
    alone = PartialJSON().feed(fits + "9")
    for _ in range(2):
        with pytest.raises(PartialJSONError, match="at character 0"):
            alone.close()


def test_numbers_are_those_of_json_loads(PartialJSON):
    text = "[1e999, -1e999, -0, -0.0, 1E5, 0.1, 1e-400, 18446744073709551616, 1.0]"
    assert repr(after(PartialJSON, text)) == repr(json.loads(text))


def test_a_string_that_memory_does_not_hold_is_a_memory_error_and_a_clean_failure(PartialJSON):
    partial = PartialJSON().feed('["before", ')
    # Of four bytes each.
    text = '"' + "\U0001f600" * (LARGE // 4)
    with memory_for_less_than(LARGE), pytest.raises(MemoryError):
        partial.feed(text)
    for call in (lambda: partial.feed('"]'), partial.close):
        with pytest.raises(SSEError, match="has lost its place in the text; begin again"):
            call()
    assert partial.value == ["before"]
    assert not partial.complete


# Other ways to use it.


def test_beginning_again_forgets_everything(PartialJSON):
    partial = PartialJSON(max_depth=1)
    with pytest.raises(PartialJSONError):
        partial.feed("[[")
    partial.__init__()
    assert (partial.value, partial.position, partial.changed) == (None, 0, False)
    assert partial.feed("[[]]").close()


def test_one_made_without_init_or_with_a_wrong_one_is_harmless(PartialJSON):
    partial = PartialJSON().feed('["x')
    with pytest.raises(ValueError, match="max_depth"):
        partial.__init__(max_depth=0)
    assert partial.feed('y"]').value == ["xy"]


def test_it_can_be_neither_copied_nor_pickled(PartialJSON):
    partial = PartialJSON()
    for function in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="cannot be pickled or copied: it belongs to one text"):
            function(partial)


def test_it_is_final(PartialJSON):
    with pytest.raises(TypeError):
        type("Other", (PartialJSON,), {})


def test_nothing_else_can_be_set(PartialJSON):
    partial = PartialJSON()
    for name in ("value", "changed", "complete", "position", "other"):
        with pytest.raises(AttributeError):
            setattr(partial, name, 5)
    with pytest.raises(TypeError):
        PartialJSON(512)


# A value that the caller has changed.


def test_a_container_that_the_caller_has_emptied_goes_on(PartialJSON):
    partial = PartialJSON().feed('[1, "a')
    partial.value.clear()
    partial.feed("b").value.clear()
    assert partial.feed('c", 2]').value == ["abc", 2]
    partial = PartialJSON().feed('{"a": 1, "b": "x')
    partial.value.clear()
    assert partial.feed('y"}').value == {"b": "xy"}


def test_a_value_may_contain_what_it_is_the_value_of(PartialJSON):
    partial = PartialJSON().feed("[1")
    partial.value.append(partial)
    del partial
    gc.collect()


def test_a_call_from_a_destructor_is_refused(PartialJSON):
    class Nosy:
        def __del__(self):
            for call in (lambda: partial.feed("x"), partial.close, partial.__init__):
                with pytest.raises(RuntimeError, match="while the object was at work"):
                    call()
            seen.append(partial.value is root)

    seen = []
    partial = PartialJSON().feed('{"a": "x')
    root = partial.value
    root["a"] = Nosy()
    partial.feed('y"}')
    gc.collect()
    assert seen == [True]
    assert root == {"a": "xy"}


def test_threads_that_share_one_are_refused_or_served(PartialJSON):
    """Which text comes out is anybody's guess; it must not crash, and nothing else be raised."""
    partial = PartialJSON()
    partial.feed('{"a": ["')

    def misuse(number):
        for turn in range(300):
            with contextlib.suppress(RuntimeError, PartialJSONError):
                if turn % 50 == number:
                    partial.__init__()
                partial.feed(
                    ("ab", "\u20ac", '", "', '\\u00e9\\"', '"], "b": ["', '{"a": ["')[turn % 6]
                )
                json.dumps(partial.value)
                repr((partial.complete, partial.changed, partial.position))

    in_threads(misuse)
    partial.__init__()
    assert partial.feed("[1]").value == [1]
