"""Tool calls of every API beside chat: as soon as they are complete, and while they grow."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from apis import APIS, every_recorded_stream
from sse import sse

from sseparse import SSEError
from sseparse.openai import APIError

# The beginning of a stream, and a call in it: how it begins, a piece of it, its own end, and the
# end of the stream, whole and cut off.
MESSAGES = {
    "begin": [
        {"type": "message_start", "message": {"id": "m", "usage": {"input_tokens": 1}}},
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "tool_use", "id": "c", "name": "f", "input": {}},
        },
    ],
    "piece": lambda text: {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "input_json_delta", "partial_json": text},
    },
    "end": [{"type": "content_block_stop", "index": 0}],
    "whole": [{"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": None}],
    "cut": [{"type": "message_delta", "delta": {"stop_reason": "max_tokens"}, "usage": None}],
}
ITEM = {"type": "function_call", "id": "i", "call_id": "c", "name": "f", "arguments": ""}
RESPONSES = {
    "begin": [{"type": "response.output_item.added", "output_index": 0, "item": ITEM}],
    "piece": lambda text: {
        "type": "response.function_call_arguments.delta",
        "output_index": 0,
        "delta": text,
    },
    "end": [{"type": "response.output_item.done", "output_index": 0, "item": ITEM}],
    "whole": [{"type": "response.completed", "response": {"status": "completed", "output": []}}],
    "cut": [
        {
            "type": "response.output_item.done",
            "output_index": 0,
            "item": {**ITEM, "status": "incomplete"},
        },
        {"type": "response.incomplete", "response": {"status": "incomplete", "output": []}},
    ],
}
MESSAGE = {"type": "message", "content": []}
IN_PIECES = [
    pytest.param("Message", MESSAGES, id="messages"),
    pytest.param("Response", RESPONSES, id="responses"),
]
ARGUMENTS = '{"age": 32}'
PIECES = ['{"a', 'ge":', " 3", "2}"]


def shown(call: Any) -> Any:
    """The name and the arguments of a complete call, whatever it is called."""
    if hasattr(call, "args"):
        return call.name, call.args
    given = call.input if call.type == "tool_use" else json.loads(call.arguments)
    return call.name, given


@pytest.mark.parametrize(("name", "api"), IN_PIECES)
def test_a_call_is_complete_at_its_own_end_and_comes_once(streams, name, api):
    parser = getattr(streams, f"{name}Parser")()
    parser.feed(sse(*api["begin"], *map(api["piece"], PIECES)))
    assert list(parser.iter_tool_calls()) == []
    parser.feed(sse(*api["end"]))
    assert [shown(call) for call in parser.iter_tool_calls()] == [("f", {"age": 32})]
    parser.feed(sse(*api["whole"]))
    assert list(parser.iter_tool_calls()) == []


@pytest.mark.parametrize(("name", "api"), IN_PIECES)
def test_a_call_grows_and_no_number_shows_before_it_is_whole(streams, name, api):
    stream = getattr(streams, f"{name}Stream")
    body = sse(*api["begin"], *map(api["piece"], PIECES), *api["end"], *api["whole"])
    seen = [
        (call.id, call.name, call.arguments, json.dumps(call.value), call.complete)
        for call in stream([body]).iter_partial_tool_calls()
    ]
    assert seen == [
        ("c", "f", "", "null", False),
        ("c", "f", '{"a', "{}", False),
        ("c", "f", '{"age":', "{}", False),
        ("c", "f", '{"age": 3', "{}", False),
        ("c", "f", ARGUMENTS, ARGUMENTS, False),
        ("c", "f", ARGUMENTS, ARGUMENTS, True),
    ]


@pytest.mark.parametrize(("name", "api"), IN_PIECES)
@pytest.mark.parametrize("cut", [0, 1, 3])
def test_a_call_that_is_cut_off_is_never_complete(streams, name, api, cut):
    begun = [*api["begin"], *map(api["piece"], PIECES[:cut])]
    for end in ([], api["cut"], [{"type": "error", "error": {"type": "t", "message": "m"}}]):
        stream = getattr(streams, f"{name}Stream")([sse(*begun, *end)])
        calls = stream.iter_tool_calls()
        if end and end[0]["type"] == "error":
            with pytest.raises(APIError):
                next(calls)
        assert list(calls) == []


@pytest.mark.parametrize(("name", "api"), IN_PIECES)
def test_the_end_of_a_whole_stream_ends_a_call_that_has_no_end(streams, name, api):
    for pieces in ([], PIECES[:2]):
        body = sse(*api["begin"], *map(api["piece"], pieces), *api["whole"])
        [call] = getattr(streams, f"{name}Stream")([body]).iter_tool_calls()
        assert call.name == "f"


@pytest.mark.parametrize(("name", "api"), IN_PIECES)
def test_a_call_in_25_000_pieces_is_handed_out(streams, name, api):
    text = json.dumps({"text": "x" * 100_000})
    pieces = [api["piece"](text[start : start + 4]) for start in range(0, len(text), 4)]
    body = sse(*api["begin"], *pieces, *api["end"], *api["whole"])
    [call] = getattr(streams, f"{name}Stream")([body]).iter_tool_calls()
    assert shown(call) == ("f", {"text": "x" * 100_000})
    sizes = [
        len(call.arguments)
        for call in getattr(streams, f"{name}Stream")([body]).iter_partial_tool_calls()
    ]
    assert sizes[-1] == len(text)
    assert len(sizes) > 25_000


def test_a_tool_that_the_server_runs_is_no_call(streams):
    block = {"type": "server_tool_use", "id": "s", "name": "web_search", "input": {}}
    start = {"type": "content_block_start", "index": 0, "content_block": block}
    body = sse(start, MESSAGES["piece"]("{}"), *MESSAGES["end"], *MESSAGES["whole"])
    assert list(streams.MessageStream([body]).iter_tool_calls()) == []
    item = {"type": "mcp_call", "id": "s", "name": "f", "arguments": ""}
    added = {"type": "response.output_item.added", "output_index": 0, "item": item}
    delta = {"type": "response.mcp_call_arguments.delta", "output_index": 0, "delta": "{}"}
    body = sse(added, delta, *RESPONSES["whole"])
    assert list(streams.ResponseStream([body]).iter_tool_calls()) == []


def test_a_block_that_follows_ends_a_tools_without_input(streams):
    follows = {"type": "content_block_start", "index": 1, "content_block": {"type": "text"}}
    parser = streams.MessageParser()
    parser.feed(sse(*MESSAGES["begin"], *MESSAGES["end"]))
    assert list(parser.iter_tool_calls()) == []
    parser.feed(sse(follows))
    assert [shown(call) for call in parser.iter_tool_calls()] == [("f", {})]


def test_an_input_that_comes_whole_is_shown_and_handed_out(streams):
    block = {"type": "tool_use", "id": "c", "name": "f", "input": {"a": "\u00e9"}}
    start = {"type": "content_block_start", "index": 0, "content_block": block}
    parser = streams.MessageParser()
    parser.feed(sse(start, *MESSAGES["end"]))
    [partial] = parser.iter_partial_tool_calls()
    assert (partial.arguments, partial.value, partial.complete) == (
        '{"a": "\u00e9"}',
        {"a": "\u00e9"},
        True,
    )
    whole = {"type": "message", "content": [block], "stop_reason": "tool_use"}
    [call] = streams.MessageStream([json.dumps(whole).encode()]).iter_tool_calls()
    assert shown(call) == ("f", {"a": "\u00e9"})


def test_arguments_that_only_a_done_has_are_there(streams):
    item = {**ITEM, "arguments": ARGUMENTS}
    done = {**RESPONSES["end"][0], "item": item}
    only = {
        "type": "response.function_call_arguments.done",
        "output_index": 0,
        "arguments": ARGUMENTS,
    }
    for body in (
        sse(*RESPONSES["begin"], done),
        sse(*RESPONSES["begin"], only, *RESPONSES["whole"]),
        sse(
            *RESPONSES["begin"], only, {**RESPONSES["begin"][0], "output_index": 1, "item": MESSAGE}
        ),
        sse({**RESPONSES["begin"][0], "item": item}, *RESPONSES["end"]),
        sse({"type": "response.completed", "response": {"status": "completed", "output": [item]}}),
    ):
        [call] = streams.ResponseStream([body]).iter_tool_calls()
        assert shown(call) == ("f", {"age": 32})
        [*_, last] = streams.ResponseStream([body]).iter_partial_tool_calls()
        assert (last.id, last.arguments, last.complete) == ("c", ARGUMENTS, True)


def test_a_custom_tools_input_is_any_text(streams):
    item = {"type": "custom_tool_call", "call_id": "c", "name": "f", "input": ""}
    added = {"type": "response.output_item.added", "output_index": 0, "item": item}
    delta = {"type": "response.custom_tool_call_input.delta", "output_index": 0, "delta": "a b"}
    body = sse(added, delta, {**added, "type": "response.output_item.done"})
    [call] = streams.ResponseStream([body]).iter_tool_calls()
    assert (call.type, call.input) == ("custom_tool_call", "a b")
    [*_, last] = streams.ResponseStream([body]).iter_partial_tool_calls()
    assert (last.arguments, last.value, last.complete) == ("a b", None, True)


def said(*calls: Any) -> dict[str, Any]:
    parts = [{"functionCall": call} for call in calls]
    return {"candidates": [{"content": {"parts": parts}}]}


def test_geminis_calls_are_complete_as_they_come(streams):
    spoken = {"candidates": [{"content": {"parts": [{"text": "a"}]}}, {"index": 3}]}
    body = sse(spoken, said({"name": "f", "args": {"a": 1}}, {"name": "g"}), said({"name": "h"}))
    stream = streams.GenerateContentStream([body])
    assert [shown(call) for call in stream.iter_tool_calls()] == [
        ("f", {"a": 1}),
        ("g", {}),
        ("h", {}),
    ]
    assert list(streams.GenerateContentStream([body]).iter_tool_calls(candidate=1)) == []


def test_geminis_calls_that_come_value_by_value_are_complete_at_their_end(streams):
    begun = said({"name": "f", "willContinue": True})
    value = said({"partialArgs": [{"jsonPath": "$.age", "numberValue": 32}], "willContinue": True})
    parser = streams.GenerateContentParser()
    parser.feed(sse(begun, value))
    assert list(parser.iter_tool_calls()) == []
    [partial] = parser.iter_partial_tool_calls()
    assert (partial.name, partial.arguments, partial.complete) == ("f", "", False)
    parser.feed(sse(said({})))
    assert [shown(call) for call in parser.iter_tool_calls()] == [("f", {"age": 32})]
    assert [call.arguments for call in parser.iter_partial_tool_calls()] == [ARGUMENTS]


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.kind)
def test_without_accumulating_nothing_is_known_of_calls(streams, api):
    parser = getattr(streams, api.parser)(accumulate=False)
    for ask in (parser.iter_tool_calls, parser.iter_partial_tool_calls):
        with pytest.raises(RuntimeError, match="accumulate=False"):
            ask()


@every_recorded_stream()
def test_the_calls_of_a_recorded_stream_are_those_of_its_final_object(streams, api, entry):
    async def read() -> tuple[list[Any], list[Any]]:
        async def chunks() -> Any:
            yield entry["bytes"]

        stream = getattr(streams, f"Async{api.stream}")
        complete = [call async for call in stream(chunks()).iter_tool_calls()]
        partial = {call: None async for call in stream(chunks()).iter_partial_tool_calls()}
        return complete, [(call.id, call.name, call.arguments) for call in partial]

    stream = getattr(streams, api.stream)([entry["bytes"]])
    try:
        calls = list(stream.iter_tool_calls())
    except SSEError:
        return
    if api.kind == "messages":
        final = [each for each in stream.get_final_message().content if each.type == "tool_use"]
    elif api.kind == "gemini":
        final = stream.get_final_response().function_calls
    else:
        kinds = ("function_call", "custom_tool_call")
        final = [each for each in stream.get_final_response().output if each.type in kinds]
    assert [call.to_dict() for call in calls] == [call.to_dict() for call in final]
    again = getattr(streams, api.stream)([entry["bytes"]])
    partial = dict.fromkeys(again.iter_partial_tool_calls())
    assert all(call.complete for call in partial)
    assert asyncio.run(read()) == (
        calls,
        [(call.id, call.name, call.arguments) for call in partial],
    )
