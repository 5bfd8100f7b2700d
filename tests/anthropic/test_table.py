"""How Messages streams are read that are not as documented: a test each row of docs/quirks.md."""

from __future__ import annotations

import json
from typing import Any

import anthropic.types
import pytest
from sse import named, sse

from sseparse.anthropic import (
    APIError,
    ChunkDecodeError,
    ContentBlock,
    Message,
    MessageDelta,
    MessageParser,
    MessageStream,
    MessageStreamEvent,
    MessageStreamState,
    TruncatedStreamError,
)

HEAD = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude"}
START = {
    "type": "message_start",
    "message": {**HEAD, "content": [], "usage": {"input_tokens": 9, "output_tokens": 1}},
}
STOP = {"type": "message_stop"}
DETAILS = {"type": "refusal", "category": None, "explanation": None}


def begin(index: Any, kind: str = "text", **more: Any) -> dict[str, Any]:
    block = {"type": kind, **({"text": ""} if kind == "text" else {}), **more}
    return {"type": "content_block_start", "index": index, "content_block": block}


def delta(index: Any, **more: Any) -> dict[str, Any]:
    kinds = {"text": "text_delta", "partial_json": "input_json_delta", "thinking": "thinking_delta"}
    kind = next((kinds[key] for key in more if key in kinds), "other_delta")
    return {"type": "content_block_delta", "index": index, "delta": {"type": kind, **more}}


def end(index: Any) -> dict[str, Any]:
    return {"type": "content_block_stop", "index": index}


def because(reason: Any, usage: Any = None, **more: Any) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason, **more}, "usage": usage}


TOOL = begin(0, "tool_use", id="t1", name="f", input={})


def final(*payloads: Any, **options: Any) -> Message:
    """The final message of a stream, which Anthropic's package accepts."""
    message = MessageStream([sse(*payloads)], **options).get_final_message()
    anthropic.types.Message.model_validate(message.to_dict())
    return message


def contents(message: Message) -> list[Any]:
    return [block.to_dict() for block in message.content]


# The end.


@pytest.mark.parametrize(
    ("payloads", "done", "truncated", "reason"),
    [
        ([START, STOP], True, False, None),
        ([START, because("end_turn")], False, False, "end_turn"),
        ([START, because("end_turn"), STOP], True, False, "end_turn"),
        ([START, because(None)], False, True, None),
        ([START, because("")], False, True, None),
        ([START, because("null")], False, True, None),
        ([START, because("new_word")], False, False, "new_word"),
        ([START], False, True, None),
        ([START, STOP, "[DONE]"], True, False, None),
        (["[DONE]"], True, False, None),
    ],
)
def test_a_message_is_whole_with_message_stop_or_a_stop_reason(
    streams, payloads, done, truncated, reason
):
    for options in ({}, {"accumulate": False}):
        stream = streams.MessageStream([sse(*payloads)], **options).until_done()
        assert (stream.done, stream.truncated, stream.finish_reason) == (done, truncated, reason)


def test_a_truncated_stream_is_an_error_with_require_done():
    with pytest.raises(TruncatedStreamError, match="neither message_stop nor a stop reason"):
        MessageStream([sse(START)], require_done=True).until_done()


def test_blocks_that_all_say_the_same_each_have_it(streams):
    streams.KNOWN.clear()  # of other streams it is known that texts vary
    said = [delta(0, text="the same ")] * 2
    blocks = [[begin(n), *({**each, "index": n} for each in said), end(n)] for n in range(9)]
    body = sse(START, *(payload for block in blocks for payload in block), STOP)
    message = streams.MessageStream([body]).get_final_message()
    assert [block.text for block in message.content] == ["the same the same "] * 9


def test_what_is_cut_inside_a_tools_input_has_no_value_of_it(streams):
    text = '{"age": 32, "name": "A"}'
    for place in range(1, len(text)):
        stream = streams.MessageStream([sse(START, TOOL, delta(0, partial_json=text[:place]))])
        [block] = stream.get_final_message().content
        assert (block.input, block.partial_json) == ({}, text[:place])
        assert stream.truncated


def test_an_input_is_whole_when_its_block_ends(streams):
    parser = streams.MessageParser()
    parser.feed(sse(START, TOOL, delta(0, partial_json='{"age": 3'), delta(0, partial_json="2}")))
    [block] = parser.current_message_snapshot.content
    assert (block.input, block.partial_json) == ({}, '{"age": 32}')
    parser.feed(sse(end(0)))
    [block] = parser.current_message_snapshot.content
    assert (block.input, block.partial_json) == ({"age": 32}, None)


@pytest.mark.parametrize("after", [begin(1), because("tool_use"), STOP])
def test_an_input_is_whole_without_the_end_of_its_block(streams, after):
    body = sse(START, TOOL, delta(0, partial_json='{"a": 1}'), after)
    assert streams.MessageStream([body]).get_final_message().content[0].input == {"a": 1}


@pytest.mark.parametrize("text", ['{"a": 1', "[1]", "7", "nonsense", '{"a": ' * 2000])
def test_an_input_that_is_no_object_is_left_as_text(text):
    [block] = final(START, TOOL, delta(0, partial_json=text), end(0), because("max_tokens")).content
    assert (block.input, block.partial_json) == ({}, text)


def test_a_tool_without_input_has_an_empty_one():
    message = final(START, TOOL, delta(0, partial_json=""), end(0), STOP)
    assert contents(message) == [{"type": "tool_use", "id": "t1", "name": "f", "input": {}}]


def test_an_input_that_comes_whole_with_the_start_stays():
    begun = begin(0, "tool_use", id="t1", name="f", input={"a": 1})
    assert final(START, begun, end(0)).content[0].input == {"a": 1}
    assert final(START, begun).content[0].input == {"a": 1}


def test_an_input_of_100_000_characters_in_pieces_of_4_is_read(streams):
    text = json.dumps({"text": "x" * 100_000})
    pieces = [delta(0, partial_json=text[i : i + 4]) for i in range(0, len(text), 4)]
    body = sse(START, TOOL, *pieces, end(0), STOP)
    [block] = streams.MessageStream([body]).get_final_message().content
    assert block.input == {"text": "x" * 100_000}


# Errors.


@pytest.mark.parametrize(
    ("payload", "message", "kind"),
    [
        ({"type": "error", "error": {"type": "overloaded_error", "message": "m"}}, "m", "overload"),
        ({"type": "error", "error": {"type": "api_error", "message": ""}}, "the server", "api_err"),
        ({"type": "error", "message": "m"}, "m", "error"),
        ({"error": {"message": "m", "type": "x"}}, "m", "x"),
        ({"error": "m"}, "m", None),
        ({"message": "m", "code": 500}, "m", None),
        ({"throttlingException": {"message": "m"}}, "m", "throttlingException"),
    ],
)
@pytest.mark.parametrize("write", [sse, lambda each: b"event: error\n" + sse(each)])
def test_an_error_is_one_wherever_it_stands(streams, payload, message, kind, write):
    stream = streams.MessageStream([sse(START, begin(0), delta(0, text="Hi")) + write(payload)])
    with pytest.raises(APIError, match=message) as caught:
        stream.until_done()
    assert (caught.value.type or "").startswith(kind or "")
    assert stream.truncated
    assert stream.get_final_message().text == "Hi"


def test_after_an_error_a_stream_is_not_whole_whatever_follows(streams):
    body = sse(START, {"type": "error", "error": {"message": "m"}}, because("end_turn"), STOP)
    for options in ({}, {"accumulate": False}):
        stream = streams.MessageStream([body], **options)
        with pytest.raises(APIError):
            stream.until_done()
        stream.until_done()
        assert stream.truncated
        assert stream.done


def test_an_error_beside_an_event_that_says_none_is_none():
    assert final({**START, "error": None}, STOP).id == "msg_1"


# Framing and types.


def test_the_names_of_events_do_not_matter():
    payloads = [START, begin(0), delta(0, text="Hi"), end(0), because("end_turn"), STOP]
    seen = [each.to_dict() for each in MessageStream([sse(*payloads)])]
    assert seen == [each.to_dict() for each in MessageStream([named(*payloads)])]
    body = sse(*payloads).replace(b"data:", b"event: vertex_event\ndata:")
    assert [each.to_dict() for each in MessageStream([body])] == seen == payloads


def test_a_payload_without_type_has_that_of_its_event(streams):
    payloads = [START, begin(0), delta(0, text="a"), delta(0, text="b"), delta(0, text="c"), STOP]
    body = b""
    for payload in payloads:
        kind = payload["type"]
        rest = {key: value for key, value in payload.items() if key != "type"}
        body += b"event: " + kind.encode() + b"\n" + sse(rest)
    stream = streams.MessageStream([body])
    events = list(stream)
    assert [event.type for event in events] == [each["type"] for each in payloads]
    assert "type" not in events[2].to_dict()
    assert stream.get_final_message().text == "abc"
    assert stream.done


def test_a_payload_without_any_type_is_an_error(streams):
    with pytest.raises(ChunkDecodeError, match="it has no type"):
        streams.MessageStream([sse({"index": 0})]).until_done()


@pytest.mark.parametrize("name", ["content_block_delta", "vertex_event", "message"])
def test_broken_json_is_an_error_whatever_its_event_is_called(name):
    with pytest.raises(ChunkDecodeError, match="it is not JSON"):
        list(MessageStream([f"event: {name}\ndata: {{\n\n".encode()]))


def test_an_unknown_type_is_an_event_with_all_that_it_has(streams):
    payload = {"type": "new_event", "index": 3, "new": {"a": [1]}}
    [event] = streams.MessageStream([sse(payload)])
    assert (event.type, event.index, event.model_extra) == ("new_event", 3, {"new": {"a": [1]}})
    assert event.to_dict() == payload
    assert json.loads(event.raw) == payload


@pytest.mark.parametrize("kind", [[], {}, 5, True])
def test_a_type_that_is_no_text_crashes_nothing(kind):
    [event] = MessageStream([sse({"type": kind or [0], "index": 1})])
    assert event.index == 1


def test_padding_before_the_last_brace_makes_no_difference(streams):
    pieces = [json.dumps(delta(0, text=str(number))) for number in range(30)]
    padded = [piece[:-1] + " " * (n % 7) + "}" for n, piece in enumerate(pieces)]
    stream = streams.MessageStream([sse(START, begin(0), *padded, STOP)])
    assert [event.raw.decode() for event in stream][2:-1] == padded
    assert stream.get_final_message().text == "".join(map(str, range(30)))


def test_a_whole_message_in_place_of_a_stream_is_read(streams):
    whole = {
        **HEAD,
        "content": [{"type": "text", "text": "Hi"}, {**TOOL["content_block"], "input": {"a": 1}}],
        "stop_reason": "tool_use",
        "usage": {"input_tokens": 9, "output_tokens": 5},
    }
    for body in (json.dumps(whole).encode(), sse(whole)):
        stream = streams.MessageStream([body])
        [event] = stream
        assert (event.type, event.to_dict()) == ("message_start", whole)
        assert stream.get_final_message().to_dict() == {**whole, "stop_sequence": None}
        assert list(streams.MessageStream([body]).iter_text()) == ["Hi"]
        assert not stream.truncated
        with pytest.raises(ChunkDecodeError, match="it is a whole message"):
            streams.MessageStream([body], strict=True).until_done()


# Blocks.


def test_blocks_are_told_by_their_index_and_gaps_do_not_matter():
    message = final(START, begin(3), begin(7), delta(7, text="b"), delta(3, text="a"), STOP)
    assert [block.text for block in message.content] == ["a", "b"]


def test_a_block_without_index_follows_the_one_before(streams):
    body = sse(
        START, begin(None), delta(None, text="a"), end(None), begin(None), delta(None, text="b")
    )
    message = streams.MessageStream([body]).get_final_message()
    assert [block.text for block in message.content] == ["a", "b"]


def test_an_index_that_comes_again_begins_a_block_of_its_own():
    message = final(START, begin(0), delta(0, text="a"), end(0), begin(0), delta(0, text="b"), STOP)
    assert [block.text for block in message.content] == ["a", "b"]


@pytest.mark.parametrize(
    ("piece", "block"),
    [
        ({"text": "a"}, {"type": "text", "text": "aa"}),
        ({"thinking": "a"}, {"type": "thinking", "thinking": "aa", "signature": ""}),
        (
            {"partial_json": "7"},
            {"type": "tool_use", "id": "", "name": "", "input": {}, "partial_json": "77"},
        ),
    ],
)
def test_a_delta_without_a_block_begins_one(piece, block):
    assert contents(final(delta(0, **piece), delta(0, **piece), STOP)) == [block]


def test_what_a_block_starts_with_is_a_part_of_it(streams):
    body = sse(START, begin(0, text="Hi"), delta(0, text=" there"), STOP)
    assert streams.MessageStream([body]).get_final_message().text == "Hi there"
    assert list(streams.MessageStream([body]).iter_text()) == ["Hi", " there"]


def test_undeclared_keys_of_deltas_are_kept_with_their_block(streams):
    body = sse(START, begin(0, new=1), delta(0, more="a"), delta(0, more="b"), STOP)
    [block] = streams.MessageStream([body]).get_final_message().content
    assert block.model_extra == {"new": 1, "more": "ab"}


def test_thinking_has_its_signature_and_its_estimates_are_no_text(streams):
    pieces = [delta(0, thinking=f"{n} ", estimated_tokens=n * 10) for n in range(12)]
    signed = {"type": "content_block_delta", "index": 0, "delta": {"signature": "s"}}
    body = sse(START, begin(0, "thinking", thinking="", signature=""), *pieces, signed, end(0))
    [block] = streams.MessageStream([body]).get_final_message().content
    assert (block.thinking, block.signature) == ("".join(f"{n} " for n in range(12)), "s")
    state = streams.MessageStreamState()
    for event in streams.MessageStream([body]):
        state.handle_event(event)
    assert (state.reasoning, state.text) == (block.thinking, "")


@pytest.mark.parametrize("kind", ["text", "partial_json"])
def test_deltas_of_blocks_by_turns_go_to_their_blocks(streams, kind):
    begun = "text" if kind == "text" else "tool_use"
    starts = [begin(n, begun, name=f"f{n}", input={}) for n in range(3)]
    for say in (lambda n: f"{n} ", lambda n: "x"):
        pieces = [delta(n % 4, **{kind: say(n)}) for n in range(40)]
        stream = streams.MessageStream([sse(START, *starts, *pieces)])
        found = [getattr(block, kind) for block in stream.get_final_message().content]
        assert found == ["".join(say(n) for n in range(40) if n % 4 == m) for m in range(4)]


def test_citations_are_those_of_the_start_and_of_the_deltas(streams):
    cited = [
        {"type": "content_block_delta", "index": 0, "delta": {"citation": {"n": n}}} for n in (1, 2)
    ]
    body = sse(START, begin(0, citations=[{"n": 0}]), *cited, *cited)
    [block] = streams.MessageStream([body]).get_final_message().content
    assert [each["n"] for each in block.citations or ()] == [0, 1, 2, 1, 2]


def test_deltas_that_are_alike_and_bring_no_text_each_count(streams):
    """However many there are, and though each looks like the one before."""
    cited = [delta(0, citation={"cited_text": f"{n}"}) for n in range(12)]
    signed = [delta(1, signature=f"{n}") for n in range(12)]
    body = sse(START, begin(0), *cited, begin(1, "thinking"), *signed)
    text, thinking = streams.MessageStream([body]).get_final_message().content
    assert [each["cited_text"] for each in text.citations] == [f"{n}" for n in range(12)]
    assert thinking.signature == "11"  # of which there is one, the last


# The message.


def test_a_stream_without_its_start_has_what_it_has():
    message = final(begin(0), delta(0, text="Hi"), because("end_turn"), STOP)
    assert (message.id, message.text, message.stop_reason) == ("", "Hi", "end_turn")


def test_nulls_where_values_should_be_are_nothing(streams):
    start = {"type": "message_start", "message": {**HEAD, "content": None, "usage": None}}
    body = sse(start, begin(0, text=None), delta(0, text=None), {**end(0), "delta": None}, STOP)
    stream = streams.MessageStream([body])
    message = stream.get_final_message()
    assert contents(message) == [{"type": "text", "text": ""}]
    assert message.usage.to_dict() == {"input_tokens": 0, "output_tokens": 0}
    with pytest.raises(ChunkDecodeError):
        streams.MessageStream([body], strict=True).until_done()


def test_values_of_another_type_are_read_as_they_are_meant():
    payload = {"type": "content_block_delta", "index": "1", "delta": {"text": 7}, "new": 1}
    [event] = MessageStream([sse(payload)])
    assert (event.index, event.delta.text) == (1, "7")
    assert event.to_dict() == payload
    [event] = MessageStream([sse({**payload, "index": 2.0, "delta": {"text": ["a"]}})])
    assert (event.index, event.delta.text) == (2, '["a"]')
    [event] = MessageStream([sse({**payload, "index": "x", "delta": 5, "usage": "no"})])
    assert (event.index, event.delta, event.usage) == (None, None, None)
    [event] = MessageStream([sse({"type": "x", "index": "1.5", "message": {"content": [1, {}]}})])
    assert (event.index, event.message.content) == (None, [ContentBlock()])
    [event] = MessageStream([sse({"type": "x", "message": {"content": 1, "id": True}})])
    assert (event.message.content, event.message.id) == ([], "true")


@pytest.mark.parametrize(
    ("first", "last", "counts"),
    [
        ({"input_tokens": 9, "output_tokens": 1}, {"output_tokens": 5}, (9, 5)),
        ({"input_tokens": 9, "output_tokens": 1}, None, (9, 1)),
        ({"input_tokens": 9, "output_tokens": 1}, {"input_tokens": 0, "output_tokens": 5}, (9, 5)),
        ({"input_tokens": 0, "output_tokens": 0}, {"input_tokens": 9, "output_tokens": 5}, (9, 5)),
        ({"input_tokens": 9, "output_tokens": 3}, {"output_tokens": 0}, (9, 3)),
        ({"input_tokens": 9}, {"input_tokens": 0, "cache_read_input_tokens": 8}, (0, 0)),
        (None, {"input_tokens": 9, "output_tokens": 5}, (9, 5)),
        (None, None, (0, 0)),
    ],
)
def test_usage_is_what_came_last_but_for_zeros_in_place_of_counts(first, last, counts):
    start = {"type": "message_start", "message": {**HEAD, "usage": first}}
    usage = final(start, because("end_turn", last), STOP).usage
    assert (usage.input_tokens, usage.output_tokens) == counts


def test_what_the_last_events_have_beside_is_kept_with_the_message():
    metrics = {"amazon-bedrock-invocationMetrics": {"inputTokenCount": 9}}
    message = final(
        {**START, "message": {**START["message"], "new": 1}},
        {
            **because("refusal", {"output_tokens": 2, "new": 3}, stop_details=DETAILS, more=2),
            "context_management": {"b": 1},
        },
        {**STOP, **metrics},
    )
    assert message.model_extra == {"new": 1, "more": 2, **metrics}
    assert (message.stop_details, message.context_management) == (DETAILS, {"b": 1})
    assert message.usage.model_extra == {"new": 3}


def test_half_a_character_in_each_of_two_pieces_is_one(streams):
    body = sse(START, begin(0), delta(0, text="\ud83d"), delta(0, text="\ude00"), STOP)
    assert streams.MessageStream([body]).get_final_message().text == "\U0001f600"
    assert list(streams.MessageStream([body]).iter_text()) == ["\U0001f600"]


def test_a_message_begun_anew_goes_on_behind_the_first(streams):
    body = sse(START, begin(0), delta(0, text="a"), START, begin(0), delta(0, text="b"), STOP)
    assert streams.MessageStream([body]).get_final_message().text == "ab"


# What else a stream is asked.


def test_tokens_are_texts_thinking_inputs_and_tools_names(streams):
    ticks = iter(range(100))
    events = [
        *(START, begin(0), delta(0, thinking="a"), delta(0, thinking=""), delta(0, text="b")),
        *(begin(1, "tool_use", name="f"), delta(1, partial_json="{}"), end(1), STOP),
    ]
    parser = streams.MessageParser(clock=lambda: next(ticks))
    for event in events:
        parser.feed(sse(event))
    assert parser.timing.token_times == [2, 4, 5, 6]


def test_partial_json_is_the_value_of_the_text(streams):
    body = sse(START, begin(0), delta(0, text='{"a": ['), delta(0, text="1, 2]}"), STOP)
    values = [json.dumps(value) for value in streams.MessageStream([body]).iter_partial_json()]
    assert values == ['{"a": []}', '{"a": [1, 2]}']


def test_partial_json_is_there_asynchronously(streams):
    import asyncio

    async def read() -> list[Any]:
        async def chunks() -> Any:
            yield sse(START, begin(0), delta(0, text='{"a": 1}'))

        return [value async for value in streams.AsyncMessageStream(chunks()).iter_partial_json()]

    assert asyncio.run(read()) == [{"a": 1}]


def test_an_event_somebody_makes_himself_can_be_folded():
    state = MessageStreamState()
    for kind in ("content_block_delta", "another"):
        made = MessageStreamEvent(type=kind, index=0, delta=MessageDelta(text="Hi"))
        assert made.raw is None
        state.handle_event(made)
    state.handle_event(MessageStreamEvent(type="content_block_delta", index=0))
    state.handle_event(MessageStreamEvent(type="message_delta"))
    assert state.current_message_snapshot.text == "Hi"
    assert not state.finished


def test_the_final_message_is_its_callers(streams):
    parser = streams.MessageParser()
    parser.feed(sse(START, begin(0, citations=[{"a": 1}]), delta(0, text="Hi")))
    parser.get_final_message().content[0].citations.clear()
    parser.get_final_message().content.clear()
    assert contents(parser.get_final_message())[0]["citations"] == [{"a": 1}]


def test_without_accumulating_usage_and_reason_are_known():
    payloads = [START, begin(0), *(delta(0, text=str(n)) for n in range(9)), because("end_turn")]
    parser = MessageParser(accumulate=False)
    assert len(parser.feed(sse(*payloads, STOP))) == 13
    assert (parser.usage.input_tokens, parser.finish_reason, parser.done) == (9, "end_turn", True)
