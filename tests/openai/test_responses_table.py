"""How Responses streams are read that are not as documented: a test each row of docs/quirks.md."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from openai.types.responses import Response as Official
from sse import named, sse

from sseparse.openai import (
    APIError,
    ChunkDecodeError,
    Response,
    ResponseOutputItem,
    ResponseParser,
    ResponseStream,
    ResponseStreamEvent,
    ResponseStreamState,
    TruncatedStreamError,
)

HEAD = {"id": "resp_1", "object": "response", "created_at": 1733162853, "model": "gpt"}
USAGE = {"input_tokens": 9, "output_tokens": 2, "total_tokens": 11}


def ev(kind: str, index: Any = 0, **more: Any) -> dict[str, Any]:
    place = {} if index is None else {"output_index": index}
    return {"type": f"response.{kind}", **place, **more}


def lifecycle(kind: str, output: Any = (), **more: Any) -> dict[str, Any]:
    response = {**HEAD, "status": kind.replace("created", "in_progress"), "output": list(output)}
    return {"type": f"response.{kind}", "response": {**response, **more}}


def message(*texts: str, **more: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []} for text in texts]
    rest = {"id": "msg_1", "role": "assistant", "status": "completed", **more}
    return {"type": "message", "content": content, **rest}


def function(arguments: str = "", **more: Any) -> dict[str, Any]:
    rest = {"id": "fc_1", "call_id": "call_1", "name": "f", **more}
    return {"type": "function_call", "arguments": arguments, **rest}


def added(item: Any, index: Any = 0) -> dict[str, Any]:
    return ev("output_item.added", index, item=item)


def done(item: Any, index: Any = 0) -> dict[str, Any]:
    return ev("output_item.done", index, item=item)


def text(delta: Any, index: Any = 0, **more: Any) -> dict[str, Any]:
    return ev("output_text.delta", index, delta=delta, **{"content_index": 0, **more})


def arguments(delta: Any, index: Any = 0, **more: Any) -> dict[str, Any]:
    return ev("function_call_arguments.delta", index, delta=delta, **more)


CREATED = lifecycle("created")
COMPLETED = lifecycle("completed", usage=USAGE)


def final(*payloads: Any) -> Response:
    """The final response of a stream, which the openai package accepts."""
    response = ResponseStream([sse(*payloads)]).get_final_response()
    Official.model_validate(response.to_dict())
    return response


# The end.


@pytest.mark.parametrize(
    ("payloads", "done_", "truncated", "reason"),
    [
        ([CREATED, COMPLETED], True, False, "completed"),
        ([CREATED, COMPLETED, "[DONE]"], True, False, "completed"),
        ([CREATED], False, True, None),
        ([CREATED, text("Hi")], False, True, None),
        ([CREATED, done(message("Hi"))], False, True, None),
        ([CREATED, "[DONE]"], True, False, None),
        (
            [lifecycle("incomplete", incomplete_details={"reason": "max_output_tokens"})],
            True,
            False,
            "max_output_tokens",
        ),
        ([lifecycle("incomplete", incomplete_details=None)], True, False, "incomplete"),
        ([lifecycle("incomplete", incomplete_details={})], True, False, "incomplete"),
    ],
)
def test_a_response_is_whole_with_its_last_event(streams, payloads, done_, truncated, reason):
    for options in ({}, {"accumulate": False}):
        stream = streams.ResponseStream([sse(*payloads)], **options).until_done()
        assert (stream.done, stream.truncated, stream.finish_reason) == (done_, truncated, reason)


def test_a_truncated_stream_is_an_error_with_require_done():
    with pytest.raises(TruncatedStreamError, match="ended with none of response"):
        ResponseStream([sse(CREATED)], require_done=True).until_done()


def test_an_incomplete_response_is_no_error_and_is_kept():
    details = {"reason": "content_filter"}
    response = final(lifecycle("incomplete", [message("Hi")], incomplete_details=details))
    assert (response.status, response.output_text) == ("incomplete", "Hi")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ({"code": "server_error", "message": "m"}, "m"),
        (None, "the response has failed"),
        ("m", "m"),
    ],
)
@pytest.mark.parametrize("kind", ["response.failed", "response.completed"])
def test_a_failed_response_is_an_error_and_the_stream_is_whole_with_it(streams, error, said, kind):
    failed = {**lifecycle("failed", error=error, usage=USAGE), "type": kind}
    for options in ({}, {"accumulate": False}):
        stream = streams.ResponseStream([sse(CREATED, text("Hi"), failed)], **options)
        with pytest.raises(APIError, match=said) as caught:
            stream.until_done()
        assert caught.value.body == failed
        assert (stream.done, stream.truncated, stream.finish_reason) == (True, False, "failed")
        assert stream.usage.total_tokens == 11
    stream = streams.ResponseStream([sse(CREATED, text("Hi"), failed)])
    with pytest.raises(APIError):
        stream.get_final_response()
    assert stream.get_final_response().output_text == "Hi"


def test_a_failed_response_that_was_not_streamed_is_an_error(streams):
    body = json.dumps(lifecycle("failed", error={"message": "m"})["response"]).encode()
    for error in (body, sse(body.decode())):
        stream = streams.ResponseStream([error])
        with pytest.raises(APIError, match="m"):
            stream.until_done()
        assert stream.finish_reason == "failed"


@pytest.mark.parametrize(
    ("payload", "said"),
    [
        ({"type": "error", "code": "c", "message": "m", "param": None, "sequence_number": 3}, "m"),
        ({"type": "error", "error": {"type": "t", "code": "c", "message": "m"}}, "m"),
        ({"error": {"message": "m"}}, "m"),
        ({"error": "m"}, "m"),
        ({"type": "response.odd", "error": {"message": "m", "code": "c"}}, "m"),
    ],
)
def test_an_error_is_one_and_the_stream_is_not_whole(streams, payload, said):
    for options in ({}, {"accumulate": False}):
        stream = streams.ResponseStream([sse(CREATED, text("Hi"), payload, COMPLETED)], **options)
        with pytest.raises(APIError, match=said):
            stream.until_done()
        stream.until_done()
        assert stream.truncated


def test_an_error_that_is_no_json_is_its_text(streams):
    stream = streams.ResponseStream([sse(CREATED) + b"event: error\ndata: busy\n\n"])
    with pytest.raises(APIError, match="busy"):
        stream.until_done()
    assert stream.truncated


# Framing and types.


def test_the_names_of_events_do_not_matter():
    payloads = [CREATED, added(message()), text("Hi"), COMPLETED]
    seen = [each.to_dict() for each in ResponseStream([sse(*payloads)])]
    assert seen == [each.to_dict() for each in ResponseStream([named(*payloads)])] == payloads


def test_a_payload_without_type_has_that_of_its_event(streams):
    body = b""
    for payload in [CREATED, *(text(str(n)) for n in range(5)), COMPLETED]:
        rest = {key: value for key, value in payload.items() if key != "type"}
        body += b"event: " + payload["type"].encode() + b"\n" + sse(rest)
    stream = streams.ResponseStream([body])
    assert stream.get_final_response().output_text == "01234"
    assert stream.done


def test_a_payload_without_any_type_is_an_error(streams):
    with pytest.raises(ChunkDecodeError, match="it has no type"):
        streams.ResponseStream([sse({"output_index": 0})]).until_done()


def test_broken_json_is_an_error_whatever_its_event_is_called():
    with pytest.raises(ChunkDecodeError, match="it is not JSON"):
        list(ResponseStream([b"event: response.output_text.delta\ndata: {\n\n"]))


def test_an_unknown_type_is_an_event_with_all_that_it_has(streams):
    for kind in ("response.new.delta", "codex.rate_limits"):
        payload = {"type": kind, "delta": "x", "output_index": 0, "new": {"a": [1]}}
        stream = streams.ResponseStream([sse(payload)])
        [event] = stream
        assert (event.type, event.delta, event.model_extra) == (kind, "x", {"new": {"a": [1]}})
        assert event.to_dict() == payload
        assert json.loads(event.raw) == payload
        assert stream.get_final_response().output == []


@pytest.mark.parametrize("status", ["completed", "incomplete", None])
def test_a_whole_response_in_place_of_a_stream_is_read(streams, status):
    whole = {**HEAD, "status": status, "output": [message("Hi")], "usage": USAGE}
    for body in (json.dumps(whole).encode(), sse(whole)):
        stream = streams.ResponseStream([body])
        [event] = stream
        assert event.to_dict() == whole
        assert stream.get_final_response().output_text == "Hi"
        assert (stream.truncated, stream.finish_reason) == (False, status or "completed")
        with pytest.raises(ChunkDecodeError, match="it is a whole response"):
            streams.ResponseStream([body], strict=True).until_done()


# The output.


def test_an_output_that_the_last_event_leaves_empty_is_what_the_others_said():
    payloads = [
        added(message(status="in_progress")),
        *(text("Hi"), text(" there"), ev("output_text.done", content_index=0, text="Hi there")),
        added(function(), 1),
        *(arguments('{"a"', 1), arguments(": 1}", 1)),
        COMPLETED,
    ]
    response = final(*payloads)
    assert response.output_text == "Hi there"
    assert response.output[1].arguments == '{"a": 1}'
    assert response.usage.input_tokens_details.cached_tokens == 0


def test_an_output_that_the_last_event_has_is_the_output():
    assert (
        final(added(message()), text("a"), lifecycle("completed", [message("b")])).output_text
        == "b"
    )


def test_a_done_item_says_all_of_it_again_and_takes_nothing_back(streams):
    body = sse(
        *(added(message("", status="in_progress")), text("a"), text("b"), done(message("ab"))),
        *(added(function(), 1), arguments("{}", 1), done(function("", id=None, name=None), 1)),
        *(added(message(), 2), text("c", 2), done({**message(), "content": None}, 2)),
    )
    output = streams.ResponseStream([body]).get_final_response().output
    assert [part.text for part in output[0].content] == ["ab"]
    assert (output[1].id, output[1].name, output[1].arguments) == ("fc_1", "f", "{}")
    assert [part.text for part in output[2].content] == ["c"]


@pytest.mark.parametrize(
    ("payload", "item"),
    [
        (text("a"), "message"),
        (ev("refusal.delta", delta="a", content_index=0), "message"),
        (ev("reasoning_text.delta", delta="a", content_index=0), "reasoning"),
        (ev("reasoning_summary_text.delta", delta="a", summary_index=0), "reasoning"),
        (arguments("a"), "function_call"),
        (ev("mcp_call_arguments.delta", delta="a"), "mcp_call"),
        (ev("custom_tool_call_input.delta", delta="a"), "custom_tool_call"),
        (ev("code_interpreter_call_code.delta", delta="a"), "code_interpreter_call"),
    ],
)
def test_a_delta_without_an_item_begins_one(streams, payload, item):
    times = 12
    state = streams.ResponseStreamState()
    stream = streams.ResponseStream([sse(*[payload] * times)])
    for event in stream:
        state.handle_event(event)
    [made] = stream.get_final_response().output
    assert made.type == item
    assert "a" * times in json.dumps(made.to_dict())
    assert state.get_final_response().output == [made]
    told = (state.text, state.reasoning, state.refusal)
    assert sum(map(len, told)) == (times if item in ("message", "reasoning") else 0)


@pytest.mark.parametrize(
    ("payload", "found"),
    [
        (ev("output_text.done", text="a", content_index=0), {"content": "text"}),
        (ev("refusal.done", refusal="a", content_index=0), {"content": "refusal"}),
        (ev("reasoning_summary_text.done", text="a", summary_index=0), {"summary": "text"}),
        (ev("function_call_arguments.done", arguments="a"), {"arguments": None}),
        (ev("custom_tool_call_input.done", input="a"), {"input": None}),
        (ev("output_text.done", text=None, content_index=0), {}),
    ],
)
def test_a_text_that_only_its_done_has_is_taken_from_there(payload, found):
    [item] = final(payload).output
    for field, name in found.items():
        value = getattr(item, field)
        assert (value if name is None else getattr(value[0], name)) == "a"


def test_items_are_told_by_their_place_whatever_their_ids_are(streams):
    body = sse(
        added(message(id="a")), *(text(f"{n} ", item_id=f"id{n}") for n in range(9)), COMPLETED
    )
    stream = streams.ResponseStream([body])
    assert stream.get_final_response().output_text == "".join(f"{n} " for n in range(9))


def test_without_a_place_items_are_told_by_their_ids_or_are_the_current_one(streams):
    body = sse(
        *(
            added(message(id="a"), None),
            added(message(id="b"), None),
            added(message(id=None), None),
        ),
        *(text("1", None, item_id="a"), text("2", None, item_id="b")),
        *(text(f"{n}", None, item_id=None) for n in range(3, 9)),
        *(text(f"{n}", None, item_id="a" if n % 2 else "b") for n in range(9, 15)),
    )
    output = streams.ResponseStream([body]).get_final_response().output
    assert [item.content[0].text for item in output] == ["191113", "2101214", "345678"]


def test_gaps_between_indexes_do_not_matter():
    response = final(
        added(message(), 4), text("a", 4, content_index=3), text("b", 4, content_index=1)
    )
    assert [part.text for part in response.output[0].content] == ["b", "a"]


def test_parts_begin_and_are_said_again(streams):
    part = {"type": "output_text", "text": "", "annotations": []}
    body = sse(
        *(added(message()), ev("content_part.added", content_index=0, part=part), text("Hi")),
        ev("content_part.done", content_index=0, part={**part, "text": "Hi", "new": 1}),
        added({"type": "reasoning", "id": "r", "summary": []}, 1),
        ev("reasoning_summary_part.added", 1, summary_index=0, part={"type": "summary_text"}),
        ev("reasoning_summary_text.delta", 1, summary_index=0, delta="Why"),
    )
    state = streams.ResponseStreamState()
    for event in streams.ResponseStream([body]):
        state.handle_event(event)
    output = state.current_response_snapshot.output
    assert output[0].content[0].to_dict() == {**part, "text": "Hi", "new": 1}
    assert (state.text, state.reasoning) == ("Hi", "Why")


def test_events_that_are_alike_and_bring_no_text_each_count(streams):
    """However many there are, and though each looks like the one before."""
    body = sse(
        added(message("Hi")),
        *(ev("output_text.annotation.added", annotation={"n": n}) for n in range(12)),
    )
    [part] = streams.ResponseStream([body]).get_final_response().output[0].content
    assert part.annotations == [{"n": n} for n in range(12)]


def test_logprobs_and_annotations_go_on(streams):
    body = sse(
        added(message("")),
        *(text(f"{n}", logprobs=[{"token": str(n)}]) for n in range(4)),
        *(ev("output_text.annotation.added", content_index=0, annotation={"n": n}) for n in (1, 2)),
    )
    [part] = streams.ResponseStream([body]).get_final_response().output[0].content
    assert (part.text, part.annotations) == ("0123", [{"n": 1}, {"n": 2}])
    assert [each["token"] for each in part.logprobs] == ["0", "1", "2", "3"]


def test_deltas_that_are_no_text_are_left_alone(streams):
    payloads = [
        ev("shell_call_output_content.delta", delta={"stdout": "x"}, command_index=0),
        text({"odd": 1}),
        text(None),
    ]
    stream = streams.ResponseStream([sse(*payloads)])
    assert [event.delta for event in stream] == [{"stdout": "x"}, {"odd": 1}, None]
    assert list(streams.ResponseStream([sse(*payloads)]).iter_text()) == []


def test_what_is_cut_inside_arguments_is_truncated(streams):
    body = sse(CREATED, added(function()), arguments('{"age": 3'))
    stream = streams.ResponseStream([body])
    assert stream.get_final_response().output[0].arguments == '{"age": 3'
    assert stream.truncated


def test_a_call_of_100_000_characters_in_pieces_of_4_is_read(streams):
    whole = json.dumps({"text": "x" * 100_000})
    pieces = [
        arguments(whole[i : i + 4], sequence_number=i, obfuscation="o" * (i % 7))
        for i in range(0, len(whole), 4)
    ]
    stream = streams.ResponseStream([sse(CREATED, added(function()), *pieces)])
    assert stream.get_final_response().output[0].arguments == whole


# The response.


def test_nulls_where_values_should_be_are_nothing(streams):
    empty = {"id": None, "output": None, "usage": None, "model": None, "created_at": None}
    payloads = [{"type": "response.completed", "response": empty}]
    response = final(*payloads)
    assert (response.id, response.output, response.usage) == ("", [], None)
    response = final({"type": "response.completed", "response": None})
    assert response.id == ""
    with pytest.raises(ChunkDecodeError):
        streams.ResponseStream([sse(*payloads)], strict=True).until_done()
    usage = {**USAGE, "input_tokens": None, "input_tokens_details": {"cached_tokens": None}}
    assert final(lifecycle("completed", usage=usage)).usage.input_tokens == 0


def test_usage_is_what_came_last(streams):
    body = sse(lifecycle("in_progress", usage=USAGE), lifecycle("completed", usage=None))
    assert streams.ResponseStream([body]).until_done().usage.total_tokens == 11


def test_what_the_openai_package_would_refuse_is_kept_and_not_dumped():
    tools = [{"type": "x_search"}, {"type": "web_search"}, "odd"]
    response = final(lifecycle("completed", tools=tools, service_tier="new", error=None))
    assert (response.tools, response.service_tier) == (tools, "new")
    assert response.to_dict()["tools"] == [{"type": "web_search"}]
    assert "service_tier" not in response.to_dict()
    assert "service_tier" in final(lifecycle("completed", service_tier="default")).to_dict()


def test_undeclared_keys_are_kept_at_every_level(streams):
    item = {**message("Hi"), "new": 1}
    body = sse({**lifecycle("completed", [item], more=2), "copilot_usage": {"a": 3}})
    stream = streams.ResponseStream([body])
    [event] = stream
    response = stream.get_final_response()
    assert event.model_extra == {"copilot_usage": {"a": 3}}
    assert (response.model_extra, response.output[0].model_extra) == ({"more": 2}, {"new": 1})


# What else a stream is asked.


def test_tokens_are_deltas_and_tools_names(streams):
    ticks = iter(range(100))
    parser = streams.ResponseParser(clock=lambda: next(ticks))
    for payload in [
        *(CREATED, added(message()), text("a"), text(""), added(function(), 1)),
        *(arguments("{}", 1), done(function(), 1), COMPLETED),
    ]:
        parser.feed(sse(payload))
    assert parser.timing.token_times == [2, 4, 5]


def test_partial_json_is_the_value_of_the_text(streams):
    body = sse(text('{"a": ['), text("1, 2]}"))
    values = [json.dumps(value) for value in streams.ResponseStream([body]).iter_partial_json()]
    assert values == ['{"a": []}', '{"a": [1, 2]}']

    async def read() -> list[Any]:
        async def chunks() -> Any:
            yield body

        stream = streams.AsyncResponseStream(chunks())
        return [json.dumps(value) async for value in stream.iter_partial_json()]

    assert asyncio.run(read()) == values


def test_an_event_somebody_makes_himself_can_be_folded():
    state = ResponseStreamState()
    made = ResponseStreamEvent(type="response.output_text.delta", delta="Hi")
    assert made.raw is None
    state.handle_event(made)
    item = ResponseOutputItem(type="message")
    state.handle_event(ResponseStreamEvent(type="response.output_item.done", item=item))
    assert state.get_final_response().output_text == "Hi"
    assert not state.finished
    made = Response(output=[item])
    assert (made.output_text, "tools" in made.to_dict()) == ("", False)


def test_the_final_response_is_its_callers():
    parser = ResponseParser()
    parser.feed(sse(added(message("Hi"))))
    parser.get_final_response().output[0].content.clear()
    assert parser.current_response_snapshot.output_text == "Hi"


def test_without_accumulating_usage_and_reason_are_known():
    parser = ResponseParser(accumulate=False)
    payloads = [CREATED, *(text(str(n)) for n in range(9)), COMPLETED]
    assert len(parser.feed(sse(*payloads))) == 11
    assert (parser.usage.input_tokens, parser.finish_reason, parser.done) == (9, "completed", True)
