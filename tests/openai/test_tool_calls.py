"""iter_tool_calls and iter_partial_tool_calls: tool calls that can be acted upon at once."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import weakref

import pytest
from chat_streams import DONE, chunk, sse

from sseparse import EventTooLargeError
from sseparse.openai import (
    APIError,
    AsyncChatStream,
    ChatParser,
    ChatStream,
    ChunkDecodeError,
    PartialToolCall,
    TruncatedStreamError,
)
from sseparse.partial_json import PartialJSONError

ERROR = sse({"error": {"message": "no"}})


def piece(index, arguments="", id=None, name=None, choice=0, finish_reason=None):
    """An event with one fragment of a function's call."""
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": arguments}
    fragment = {"index": index, "function": function}
    if id is not None:
        fragment |= {"id": id, "type": "function"}
    return sse(chunk({"tool_calls": [fragment]}, index=choice, finish_reason=finish_reason))


def finish(reason="tool_calls", choice=0):
    return sse(chunk(finish_reason=reason, index=choice))


FIRST = [piece(0, "", "a", "weather"), piece(0, '{"city": "Wo'), piece(0, 'rms"'), piece(0, "}")]
SECOND = [piece(1, "", "b", "time"), piece(1, '{"zone": 3'), piece(1, "2}")]
BOTH = [("a", "weather", '{"city": "Worms"}'), ("b", "time", '{"zone": 32}')]


def told(call):
    return call.id, call.function.name, call.function.arguments


def complete(*events, **options):
    """The complete calls, and the kind of the error behind them."""
    found = []
    calls = ChatStream(events, **options).iter_tool_calls()
    while True:
        try:
            found.append(told(next(calls)))
        except StopIteration:
            return found
        except (APIError, ChunkDecodeError, TruncatedStreamError, EventTooLargeError) as error:
            found.append(type(error))


def seen(call):
    return call.index, call.name, call.arguments, call.complete


def when_complete(*events):
    """What each event of a pushed stream completes, and its end."""
    parser = ChatParser()
    found = []
    for event in events:
        parser.feed(event)
        found.append([call.id for call in parser.iter_tool_calls()])
    parser.close()
    return [*found, [call.id for call in parser.iter_tool_calls()]]


# Complete calls: when.


def test_each_call_comes_once_and_whole():
    assert complete(*FIRST, *SECOND, finish(), DONE) == BOTH


def test_a_call_is_complete_when_the_next_one_begins_or_the_choice_has_its_finish_reason():
    assert when_complete(*FIRST, *SECOND, finish(), DONE) == [
        *([], [], [], []),
        *(["a"], [], []),
        *(["b"], [], []),
    ]


def test_done_is_as_good_as_a_finish_reason():
    assert when_complete(*FIRST, DONE) == [[], [], [], [], ["a"], []]


def test_calls_that_are_whole_in_one_piece_come_with_what_shows_it():
    events = [piece(0, "{}", "a", "f"), piece(1, "{}", "b", "f", finish_reason="tool_calls")]
    assert when_complete(*events) == [[], ["a", "b"], []]


def test_calls_whose_pieces_come_by_turns_wait_until_they_are_whole():
    events = [
        *(piece(0, "", "a", "f"), piece(1, "", "b", "g")),
        *(piece(0, '{"x"'), piece(1, '{"y"'), piece(0, ": 1}"), piece(1, ": 2}")),
    ]
    assert when_complete(*events, finish(), DONE) == [[], [], [], [], [], ["a"], ["b"], [], []]
    assert complete(*events, finish(), DONE) == [("a", "f", '{"x": 1}'), ("b", "g", '{"y": 2}')]


def test_a_finish_reason_with_every_piece_completes_nothing_that_is_not_whole():
    events = [
        piece(0, text, "a", "f", finish_reason="tool_calls") for text in ("", '{"x"', ": 1", "}")
    ]
    assert when_complete(*events, DONE) == [[], [], [], ["a"], [], []]
    assert complete(*events[:-1]) == []


def test_white_space_behind_the_arguments_is_no_matter():
    events = [piece(0, '{"x": 1}', "a", "f"), piece(0, "\n"), piece(1, "{}", "b", "f")]
    assert when_complete(*events, finish()) == [[], [], ["a"], ["b"], []]


def test_a_call_without_arguments_is_complete_by_an_end_that_the_server_tells_of():
    event = piece(0, "", "a", "f")
    for end in ([finish(), DONE], [finish()], [DONE], [finish("stop"), DONE]):
        assert complete(event, *end) == [("a", "f", "")]


def test_the_input_of_a_custom_tool_is_text_and_complete_by_such_an_end():
    custom = {"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "x = {"}}
    event = sse(chunk({"tool_calls": [custom]}))
    for end in ([finish(), DONE], [finish()], [DONE]):
        calls = list(ChatStream([event, piece(1, "{}", "b", "g"), *end]).iter_tool_calls())
        first, second = sorted(calls, key=lambda call: call.id)
        assert (first.id, first.custom.name, first.custom.input) == ("a", "f", "x = {")
        assert told(second) == ("b", "g", "{}")
    assert list(ChatStream([event, finish("length"), DONE]).iter_tool_calls()) == []


def test_arguments_that_are_no_json_come_where_the_server_has_told_of_its_end_twice():
    events = [piece(0, "{x}", "a", "f"), piece(1, "{}", "b", "g")]
    assert complete(*events, finish(), DONE) == [("b", "g", "{}"), ("a", "f", "{x}")]
    assert complete(*events, finish()) == [("b", "g", "{}")]
    assert complete(*events, DONE) == [("b", "g", "{}")]


def test_arguments_that_are_json_but_no_object_may_go_on():
    event = piece(0, "12", "a", "f")
    assert complete(event, finish("length")) == []
    assert complete(event, finish(), DONE) == [("a", "f", "12")]


# Complete calls: what ends the stream.


@pytest.mark.parametrize("end", range(8))
def test_a_call_that_a_cut_has_left_unfinished_never_comes(end):
    events = [*FIRST, *SECOND, finish()]
    assert complete(*events[:end]) == BOTH[: 1 if end > 4 else 0]


def test_whatever_byte_the_stream_is_cut_at_what_comes_is_whole():
    body = b"".join([*FIRST, *SECOND, finish(), DONE])
    counts = set()
    for end in range(len(body)):
        found = complete(body[:end])
        assert found == BOTH[: len(found)]
        counts.add(len(found))
    assert counts == {0, 1, 2}


def test_a_stream_that_is_closed_completes_nothing_more():
    stream = ChatStream([*FIRST, *SECOND, finish(), DONE])
    calls = stream.iter_tool_calls()
    assert told(next(calls)) == BOTH[0]
    stream.close()
    assert list(calls) == []
    stream = ChatStream([piece(0, "", "a", "f", finish_reason="tool_calls"), DONE])
    next(stream)
    stream.close()
    assert list(stream.iter_tool_calls()) == []


def test_closing_a_stream_that_has_ended_loses_nothing():
    with ChatStream([piece(0, "", "a", "f"), finish()]) as stream:
        stream.until_done()
    assert [told(call) for call in stream.iter_tool_calls()] == [("a", "f", "")]


@pytest.mark.parametrize("reason", ["length", "content_filter", "insufficient_system_resource"])
def test_a_call_that_the_limit_of_tokens_has_cut_never_comes(reason):
    assert complete(*FIRST, *SECOND[:2], finish(reason), DONE) == BOTH[:1]
    assert complete(piece(0, "", "a", "f"), finish(reason), DONE) == []


def test_a_call_that_was_whole_when_the_limit_of_tokens_came_is_whole():
    assert complete(*FIRST, finish("length"), DONE) == BOTH[:1]


@pytest.mark.parametrize("fault", [(ERROR, APIError), (sse('{"choices": ['), ChunkDecodeError)])
def test_from_an_error_on_nothing_is_complete_any_more(fault):
    event, error = fault
    # Behind it a call may lack a piece, and still be JSON.
    events = [*FIRST[:2], event, *FIRST[2:], *SECOND, finish(), DONE]
    assert complete(*events) == [error]
    # What was complete before comes before it.
    assert complete(*FIRST, *SECOND[:1], event, *SECOND[1:], finish(), DONE) == [BOTH[0], error]
    assert complete(*FIRST, finish(), event, DONE) == [BOTH[0], error]


def test_what_was_complete_before_an_error_is_not_lost_for_who_asks_later():
    stream = ChatStream([*FIRST, *SECOND, ERROR, finish(), DONE])
    with pytest.raises(APIError):
        stream.until_done()
    stream.until_done()
    assert [told(call) for call in stream.iter_tool_calls()] == BOTH[:1]


def test_what_goes_on_behind_an_error_is_not_what_was_left_before():
    stream = ChatStream(
        [*(piece(0, "{", "a", "f"), piece(1, "", "b", "g")), ERROR, piece(0, "}"), finish(), DONE]
    )
    with pytest.raises(APIError):
        stream.until_done()
    assert list(stream.until_done().iter_tool_calls()) == []


def test_a_source_that_fails_leaves_its_call_unfinished():
    def source():
        yield piece(0, "", "a", "f", finish_reason="tool_calls")
        raise OSError("reset")

    stream = ChatStream(source())
    calls = stream.iter_tool_calls()
    with pytest.raises(OSError, match="reset"):
        next(calls)
    assert list(calls) == []


def test_a_stream_that_should_be_done_and_is_not_is_an_error_behind_its_calls():
    assert complete(*FIRST, *SECOND, require_done=True) == [BOTH[0], TruncatedStreamError]


def test_an_event_that_is_too_large_is_an_error_behind_the_calls_before_it():
    large = b"data: " + b"x" * 2000 + b"\n\n"
    events = [*FIRST, *SECOND, large, finish(), DONE]
    assert complete(*events, max_event_size=1000) == [BOTH[0], EventTooLargeError]


# Complete calls: for whom.


def test_no_call_comes_twice_whichever_iterator_asks():
    stream = ChatStream([*FIRST, *SECOND, finish(), DONE])
    assert told(next(stream.iter_tool_calls())) == BOTH[0]
    assert [told(call) for call in stream.iter_tool_calls()] == BOTH[1:]
    assert list(stream.iter_tool_calls()) == []


def test_calls_that_were_complete_before_anybody_asked_come_first():
    stream = ChatStream([*FIRST, *SECOND, finish(), DONE])
    for _ in range(6):
        next(stream)
    assert [told(call) for call in stream.iter_tool_calls()] == BOTH
    stream = ChatStream([*FIRST, *SECOND, finish(), DONE])
    assert stream.get_final_completion().choices[0].finish_reason == "tool_calls"
    assert [told(call) for call in stream.iter_tool_calls()] == BOTH


def test_the_calls_of_one_choice_or_of_all():
    events = [
        *(piece(0, "{}", "a", "f", choice=1), piece(0, "{}", "b", "f"), piece(1, "{}", "c", "f")),
        *(finish(choice=1), finish(), DONE),
    ]

    def ids(calls):
        return [call.id for call in calls]

    assert ids(ChatStream(events).iter_tool_calls()) == ["b", "a", "c"]
    assert ids(ChatStream(events).iter_tool_calls(1)) == ["a"]
    stream = ChatStream(events)
    assert ids(stream.iter_tool_calls(choice=0)) == ["b", "c"]
    assert ids(stream.iter_tool_calls()) == ["a"]
    assert ids(stream.iter_tool_calls(2)) == []


def test_a_call_is_as_in_the_final_completion():
    extra = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}, "x": 1}
    stream = ChatStream([sse(chunk({"tool_calls": [extra]})), finish(), DONE])
    assert list(stream.iter_tool_calls()) == (
        stream.get_final_completion().choices[0].message.tool_calls
    )


def test_the_stream_is_where_the_call_is_and_not_at_the_end_of_the_read():
    stream = ChatStream([b"".join([*FIRST, *SECOND, finish(), DONE])])
    calls = stream.iter_tool_calls()
    assert next(calls).id == "a"
    assert (stream.finish_reason, stream.done) == (None, False)
    assert next(calls).id == "b"
    assert (stream.finish_reason, stream.done) == ("tool_calls", False)
    assert (list(calls), stream.done) == ([], True)


def test_a_stream_that_keeps_nothing_has_no_calls():
    for form in (ChatStream([], accumulate=False), ChatParser(accumulate=False)):
        for ask in (form.iter_tool_calls, form.iter_partial_tool_calls):
            with pytest.raises(RuntimeError, match="accumulate=False"):
                ask()


# Calls as they grow.


def test_a_call_comes_each_time_it_grows():
    stream = ChatStream([*FIRST, *SECOND[:2], finish(), DONE])
    assert [seen(call) for call in stream.iter_partial_tool_calls()] == [
        (0, "weather", "", False),
        (0, "weather", '{"city": "Wo', False),
        (0, "weather", '{"city": "Worms"', False),
        (0, "weather", '{"city": "Worms"}', False),
        (0, "weather", '{"city": "Worms"}', True),
        (1, "time", "", False),
        (1, "time", '{"zone": 3', False),
        (1, "time", '{"zone": 3', True),
    ]


def test_it_has_the_value_of_its_arguments_as_far_as_that_is_known():
    stream = ChatStream([*SECOND, finish(), DONE])
    values = [copy.deepcopy(call.value) for call in stream.iter_partial_tool_calls()]
    assert values == [None, {}, {"zone": 32}, {"zone": 32}]


def test_a_call_is_the_same_object_each_time_and_so_is_its_value():
    calls = list(ChatStream([*FIRST, *SECOND, finish(), DONE]).iter_partial_tool_calls())
    first, second = dict.fromkeys(calls)
    assert (first.choice, first.index, first.id) == (0, 0, "a")
    assert (second.choice, second.index, second.id) == (0, 1, "b")
    assert first.value is first.value
    assert repr(second) == (
        "PartialToolCall(choice=0, index=1, id='b', name='time', arguments='{\"zone\": 32}', "
        "complete=True)"
    )


def test_what_the_caller_keeps_of_the_arguments_stays_as_it_was():
    kept = [call.arguments for call in ChatStream(FIRST).iter_partial_tool_calls()]
    assert kept == ["", '{"city": "Wo', '{"city": "Worms"', '{"city": "Worms"}']


def test_calls_are_numbered_as_they_begin_also_where_the_server_gives_all_index_0():
    events = [piece(0, "{}", "a", "f"), piece(0, "{}", "b", "g"), finish(), DONE]
    calls = dict.fromkeys(ChatStream(events).iter_partial_tool_calls())
    assert [(call.index, call.id, call.complete) for call in calls] == [
        (0, "a", True),
        (1, "b", True),
    ]


def test_a_piece_that_adds_nothing_yields_nothing():
    events = [piece(0, "", "a", "f"), piece(0, ""), piece(0, "", "a", "f"), piece(0, "{")]
    found = [seen(call) for call in ChatStream(events).iter_partial_tool_calls()]
    assert found == [(0, "f", "", False), (0, "f", "{", False)]


def test_a_name_in_pieces_grows_too():
    events = [piece(0, "", "a", "get_"), piece(0, "", name="weather")]
    found = [call.name for call in ChatStream(events).iter_partial_tool_calls()]
    assert found == ["get_", "get_weather"]


def test_halves_of_a_character_wait_for_each_other():
    events = [piece(0, '{"x": "\ud83d', "a", "f"), piece(0, '\ude00"}'), piece(0, "\ud83d")]
    stream = ChatStream([*events, finish(), DONE])
    assert [call.arguments for call in stream.iter_partial_tool_calls()] == [
        '{"x": "',
        '{"x": "\U0001f600"}',
        '{"x": "\U0001f600"}\ufffd',
    ]
    final = stream.get_final_completion().choices[0].message.tool_calls
    assert final[0].function.arguments == '{"x": "\U0001f600"}\ufffd'


def test_a_custom_tool_has_arguments_and_no_value():
    fragments = [
        {"index": 0, "id": "a", "type": "custom", "custom": {"name": "f", "input": "x = "}},
        {"index": 0, "custom": {"input": "1"}},
    ]
    stream = ChatStream([sse(*(chunk({"tool_calls": [f]}) for f in fragments)), finish(), DONE])
    found = [
        (call.arguments, call.value, call.complete) for call in stream.iter_partial_tool_calls()
    ]
    assert found == [("x = ", None, False), ("x = 1", None, False), ("x = 1", None, True)]


def test_arguments_that_are_no_json_are_an_error_for_who_asks_for_the_value():
    stream = ChatStream([piece(0, '{"a": 1, }', "a", "f"), *SECOND, finish(), DONE])
    calls = dict.fromkeys(stream.iter_partial_tool_calls())
    first, second = calls
    for _ in range(2):
        with pytest.raises(PartialJSONError, match="at character 9, found '}'"):
            _ = first.value
    assert (first.arguments, first.complete) == ('{"a": 1, }', True)
    assert (second.value, second.complete) == ({"zone": 32}, True)


def test_the_growing_calls_of_one_choice_or_of_all():
    events = [piece(0, "{", "a", "f", choice=1), piece(0, "{}", "b", "f"), piece(0, "}", choice=1)]

    def ids(calls):
        return [call.id for call in calls]

    assert ids(ChatStream(events).iter_partial_tool_calls()) == ["a", "b", "a"]
    assert ids(ChatStream(events).iter_partial_tool_calls(0)) == ["b"]
    stream = ChatStream(events)
    assert ids(stream.iter_partial_tool_calls(1)) == ["a", "a"]
    assert ids(stream.iter_partial_tool_calls()) == ["b"]


def test_an_error_comes_where_it_stands_and_no_call_is_complete_from_then_on():
    stream = ChatStream([*FIRST, *SECOND[:2], ERROR, SECOND[2], finish(), DONE])
    calls = stream.iter_partial_tool_calls()
    found = []
    with pytest.raises(APIError):
        found.extend(map(seen, calls))
    assert found[-1] == (1, "time", '{"zone": 3', False)
    assert [seen(call) for call in calls] == [(1, "time", '{"zone": 32}', False)]


def test_both_iterators_may_be_used_by_turns():
    stream = ChatStream([*FIRST, *SECOND, finish(), DONE])
    grown, whole = stream.iter_partial_tool_calls(), stream.iter_tool_calls()
    assert next(grown).arguments == ""
    assert told(next(whole)) == BOTH[0]
    assert [seen(call) for call in grown][-1] == (1, "time", '{"zone": 32}', True)
    assert [told(call) for call in whole] == BOTH[1:]


def test_a_pushed_stream_shows_what_has_grown_once():
    parser = ChatParser()
    parser.feed(b"".join(FIRST[:3]))
    assert [seen(call) for call in parser.iter_partial_tool_calls()] == [
        (0, "weather", '{"city": "Worms"', False)
    ]
    assert list(parser.iter_partial_tool_calls()) == []
    # Pieces like those before, which are added without being folded one by one.
    for event in (FIRST[3], piece(0, " "), piece(0, "\n")):
        parser.feed(event)
        assert len(list(parser.iter_partial_tool_calls(0))) == 1
    assert list(parser.iter_partial_tool_calls()) == []


def test_a_pushed_stream_with_an_error_behind_it_has_the_calls_before_it():
    parser = ChatParser()
    parser.feed(b"".join([*FIRST, SECOND[0], ERROR, *SECOND[1:], finish(), DONE]))
    assert parser.failed
    assert [told(call) for call in parser.iter_tool_calls()] == BOTH[:1]
    with pytest.raises(APIError):
        parser.feed(b"")
    parser.feed(b"")
    parser.close()
    assert list(parser.iter_tool_calls()) == []


# The asynchronous stream.


async def arriving(*events):
    for event in events:
        yield event


def test_the_asynchronous_stream_does_the_same():
    events = [*FIRST, *SECOND, finish(), DONE]

    async def main():
        stream = AsyncChatStream(arriving(*events))
        whole = [told(call) async for call in stream.iter_tool_calls()]
        stream = AsyncChatStream(arriving(*events))
        grown = [seen(call) async for call in stream.iter_partial_tool_calls()]
        return whole, grown

    whole, grown = asyncio.run(main())
    assert whole == BOTH
    assert grown == [seen(call) for call in ChatStream(events).iter_partial_tool_calls()]


def test_the_asynchronous_stream_completes_nothing_when_it_is_closed():
    async def main():
        stream = AsyncChatStream(arriving(piece(0, "", "a", "f", finish_reason="tool_calls"), DONE))
        await anext(stream)
        await stream.close()
        return [call async for call in stream.iter_tool_calls()]

    assert asyncio.run(main()) == []


# Its cost, but for the time: that is for the benchmarks.


@pytest.mark.parametrize("by_turns", [False, True])
def test_a_hundred_calls_with_long_arguments_in_small_pieces(by_turns):
    text = json.dumps({"words": "some words " * 50, "list": [{"a": n, "b": {}} for n in range(30)]})
    pieces = [
        piece(n, text[start : start + 8]) for n in range(100) for start in range(0, len(text), 8)
    ]
    begins = [piece(n, "", f"id{n}", "f") for n in range(100)]
    if by_turns:
        count = len(pieces) // 100
        pieces = [pieces[n * count + k] for k in range(count) for n in range(100)]
        events = begins + pieces
    else:
        count = len(pieces) // 100
        events = [
            event for n in range(100) for event in [begins[n], *pieces[n * count : (n + 1) * count]]
        ]
    stream = ChatStream([*events, finish(), DONE])
    assert [call.function.arguments for call in stream.iter_tool_calls()] == [text] * 100
    stream = ChatStream([*events, finish(), DONE])
    calls: dict[PartialToolCall, object] = {}
    for call in stream.iter_partial_tool_calls():
        calls[call] = call.value
    assert [call.value for call in calls] == [json.loads(text)] * 100


def test_a_stream_is_gone_with_its_last_reference():
    class Source(list):
        pass

    source = Source([*FIRST, *SECOND, finish(), DONE])
    gone = weakref.ref(source)
    stream = ChatStream(source)
    for call in stream.iter_partial_tool_calls():
        assert call.arguments is not None
    assert len(list(stream.iter_tool_calls())) == 2
    gc.disable()
    try:
        del stream, source
        assert gone() is None
    finally:
        gc.enable()
