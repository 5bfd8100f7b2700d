"""The pieces of an answer, and its tool calls: the same whichever way they are read."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from chat_streams import DONE, chunk
from llm_streams import BODIES, every_stream, joined, pull, push, told
from sse import named, sse

from sseparse import SSEError, llm


def cut(body: bytes, rng: random.Random, size: int) -> list[bytes]:
    places = sorted(rng.randrange(len(body) + 1) for _ in range(len(body) // size + 1))
    return [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True)]


def merged(pieces: list[Any]) -> list[Any]:
    return [piece for piece in pieces if not isinstance(piece, tuple)]


@every_stream()
def test_the_pieces_joined_are_what_the_stream_comes_to(streams, kind, body):
    pieces, said = pull(streams.Stream([body]))
    pieces = merged(pieces)
    for name in ("text", "reasoning", "refusal"):
        assert joined(pieces, name) == said[name]
    for call in said["tool_calls"]:
        own = [piece for piece in pieces if piece.kind[:4] == "tool" and piece.index == call.index]
        assert own[0].kind == "tool_call"
        assert joined(own, "tool_call") == call.name
        assert joined(own, "tool_input") == call.arguments
        assert own[-1].id == call.id
    numbers = {piece.index for piece in pieces if piece.kind[:4] == "tool"}
    assert numbers == set(range(len(said["tool_calls"])))
    assert all(piece.text or piece.kind == "tool_call" for piece in pieces)


@every_stream()
def test_pushed_pulled_and_pulled_asynchronously_it_says_the_same(streams, kind, body):
    async def read(chunks: list[bytes]) -> Any:
        async def source() -> Any:
            for data in chunks:
                yield data

        stream = streams.AsyncStream(source())
        pieces = stream.iter_pieces()
        found: list[Any] = []
        while True:
            try:
                found.append(await pieces.__anext__())
            except StopAsyncIteration:
                return found, told(stream)
            except SSEError as error:
                found.append((type(error), str(error)))

    rng = random.Random(len(body))
    whole = pull(streams.Stream([body]))
    for size in (17, 300):
        chunks = cut(body[:50_000], rng, size)
        expected = whole if len(body) <= 50_000 else pull(streams.Stream([body[:50_000]]))
        assert push(streams.StreamParser(), chunks) == expected
        assert asyncio.run(read(chunks)) == expected


@every_stream()
def test_the_texts_are_the_pieces_of_text(streams, kind, body):
    texts: list[str] = []
    with_errors = streams.Stream([body]).iter_text()
    while True:
        try:
            texts.append(next(with_errors))
        except StopIteration:
            break
        except SSEError:
            pass
    assert "".join(texts) == joined(merged(pull(streams.Stream([body]))[0]), "text")


def whole_and_partial(make: Any, body: bytes) -> tuple[list[Any], list[Any]]:
    found: list[list[Any]] = []
    for name in ("iter_tool_calls", "iter_partial_tool_calls"):
        calls = getattr(make([body]), name)()
        found.append([])
        while True:
            try:
                found[-1].append(next(calls))
            except StopIteration:
                break
            except SSEError:
                pass
    return found[0], found[1]


@every_stream()
def test_the_calls_that_are_done_are_those_that_are_handed_out(streams, kind, body):
    stream = streams.Stream([body])
    pull(stream)
    whole, partial = whole_and_partial(streams.Stream, body)
    by_index = {call.index: call for call in partial}
    assert sorted(whole, key=lambda call: call.index) == [
        call for call in stream.tool_calls if call.done
    ]
    assert list(by_index.values()) == sorted(by_index.values(), key=lambda call: call.index)
    assert {call.index: call.arguments for call in stream.tool_calls} == {
        index: call.arguments for index, call in by_index.items()
    }


@every_stream()
def test_cut_anywhere_no_call_is_done_that_is_not(kind, body):
    whole = llm.Stream([body])
    pull(whole)
    calls = {call.index: call for call in whole.tool_calls}
    rng = random.Random(len(body))
    for place in rng.sample(range(len(body)), min(len(body), 60 if len(body) < 20_000 else 12)):
        parser = llm.StreamParser()
        push(parser, [body[:place]])
        for call in parser.tool_calls:
            if call.done:
                assert call == calls[call.index]


@every_stream("responses", "messages")
def test_cut_anywhere_a_responses_or_messages_stream_never_looks_whole(kind, body):
    if is_truncated(body):
        return
    rng = random.Random(len(body))
    ends = (b'"message_delta"', b'"response.completed"', b'"response.incomplete"')
    limit = min(body.index(end) for end in ends if end in body)
    for place in rng.sample(range(limit), min(limit, 60)):
        parser = llm.StreamParser()
        push(parser, [body[:place]])
        assert parser.truncated, place
        assert parser.finish_reason is None


def is_truncated(body: bytes) -> bool:
    stream = llm.Stream([body])
    pull(stream)
    return bool(stream.truncated)


@pytest.mark.parametrize("kind", BODIES)
def test_the_pieces_of_each_api(streams, kind):
    pieces, said = pull(streams.Stream([BODIES[kind]]))
    assert joined(pieces, "text") == said["text"] == "Hi you"
    if kind == "completions":
        assert said["tool_calls"] == []
        return
    id = "" if kind == "gemini" else "call_1"
    assert said["tool_calls"] == [llm.ToolCall(id, "add", '{"a": 1}', 0, True)]
    assert pieces[-2:] == [
        llm.Piece("tool_call", "add", 0, id),
        llm.Piece("tool_input", '{"a": 1}', 0, id),
    ]
    assert said["finish_reason"] == "tool_calls"


def test_half_a_character_at_the_end_of_a_piece_waits_for_the_other_half(streams):
    body = sse(*(chunk({"content": piece}) for piece in ("a\ud83d", "\ude00b", "\ud83d"))) + DONE
    texts = [piece.text for piece in streams.Stream([body]).iter_pieces()]
    assert texts == ["a", "\U0001f600b", "\ufffd"]
    found, said = push(streams.StreamParser(), [body])
    assert [piece.text for piece in found] == texts
    assert said["text"] == "".join(texts)


def test_half_a_character_of_one_call_does_not_wait_for_another(streams):
    def fragment(index: int, arguments: str) -> Any:
        call = {"index": index, "id": f"c{index}", "function": {"name": "f"}}
        call["function"]["arguments"] = arguments
        return chunk({"tool_calls": [call]})

    body = sse(fragment(0, '"\ud83d'), fragment(1, '"x"'), fragment(0, '\ude00"')) + DONE
    stream = streams.Stream([body])
    pieces, said = pull(stream)
    assert joined(pieces, "tool_input", 0) == '"\U0001f600"' == said["tool_calls"][0].arguments
    assert joined(pieces, "tool_input", 1) == '"x"'


def test_a_whole_completion_at_the_end_says_nothing_twice(streams):
    whole = {"object": "chat.completion", "choices": [{"index": 0, "message": {"content": "Hi"}}]}
    body = sse(chunk({"content": "Hi"}), chunk({}, finish_reason="stop"), whole) + DONE
    assert [piece.text for piece in pull(streams.Stream([body]))[0]] == ["Hi"]


ITEM = {
    "type": "message",
    "content": [{"type": "output_text", "text": "Hi"}, {"type": "refusal", "refusal": "No"}],
}
CALL = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
SAID_AS_A_WHOLE = [
    [{"type": "response.output_text.done", "output_index": 0, "text": "Hi"}],
    [
        {
            "type": "response.content_part.done",
            "output_index": 0,
            "part": {"type": "output_text", "text": "Hi"},
        }
    ],
    [{"type": "response.output_item.done", "output_index": 0, "item": ITEM}],
    [{"type": "response.completed", "response": {"status": "completed", "output": [ITEM]}}],
]


@pytest.mark.parametrize("events", SAID_AS_A_WHOLE, ids=lambda events: events[0]["type"])
def test_what_a_response_says_only_as_a_whole_is_told_once(streams, events):
    every = [event for events in SAID_AS_A_WHOLE for event in events]
    for following in ([], every):
        pieces, said = pull(streams.Stream([named(*events, *following)]))
        assert joined(pieces, "text") == "Hi" == said["text"]
        assert joined(pieces, "refusal") == said["refusal"]


def test_a_call_that_a_response_says_only_as_a_whole_is_told_once(streams):
    done = {"type": "response.output_item.done", "output_index": 0, "item": CALL}
    end = {"type": "response.completed", "response": {"status": "completed", "output": [CALL]}}
    for events in ([done], [end], [done, end]):
        pieces, said = pull(streams.Stream([named(*events)]))
        assert [(piece.kind, piece.text) for piece in pieces] == [
            ("tool_call", "f"),
            ("tool_input", "{}"),
        ]
        assert said["tool_calls"] == [llm.ToolCall("c", "f", "{}", 0, True)]


def test_an_input_in_pieces_that_a_response_says_once_more_is_told_once(streams):
    about = "response.function_call_arguments"
    body = named(
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {**CALL, "arguments": ""},
        },
        {"type": f"{about}.delta", "output_index": 0, "delta": "{"},
        {"type": f"{about}.delta", "output_index": 0, "delta": "}"},
        {"type": f"{about}.done", "output_index": 0, "arguments": "{}"},
    )
    pieces, said = pull(streams.Stream([body]))
    assert joined(pieces, "tool_input") == said["tool_calls"][0].arguments == "{}"


def test_an_input_that_comes_whole_with_its_block_is_told_once_it_is_over(streams):
    block = {"type": "tool_use", "id": "c", "name": "f", "input": {"a": "ü"}}
    start = {"type": "content_block_start", "index": 0, "content_block": block}
    for end in ({"type": "content_block_stop", "index": 0}, {"type": "message_stop"}):
        pieces, said = pull(streams.Stream([named(start, end)]))
        assert [piece.text for piece in pieces] == ["f", '{"a": "ü"}']
        assert said["tool_calls"][0].arguments == '{"a": "ü"}'


SERVER_RUN = {
    "responses": named(
        {
            "type": "response.output_item.added",
            "output_index": 0,
            "item": {"type": "mcp_call", "id": "m", "name": "search"},
        },
        {"type": "response.mcp_call_arguments.delta", "output_index": 0, "delta": "{}"},
        {"type": "response.completed", "response": {"status": "completed"}},
    ),
    "messages": named(
        {
            "type": "content_block_start",
            "index": 0,
            "content_block": {"type": "server_tool_use", "id": "s", "name": "web_search"},
        },
        {
            "type": "content_block_delta",
            "index": 0,
            "delta": {"type": "input_json_delta", "partial_json": "{}"},
        },
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    ),
    "gemini": sse(
        {
            "candidates": [
                {
                    "content": {"parts": [{"executableCode": {"code": "1"}}]},
                    "finishReason": "STOP",
                }
            ]
        }
    ),
}


@pytest.mark.parametrize("kind", SERVER_RUN)
def test_tools_that_the_server_runs_are_no_calls(streams, kind):
    pieces, said = pull(streams.Stream([SERVER_RUN[kind]]))
    assert (pieces, said["tool_calls"], said["finish_reason"]) == ([], [], "stop")


def test_items_of_a_response_are_told_by_their_ids_where_they_have_no_index(streams):
    def event(kind: str, id: str, **fields: Any) -> dict[str, Any]:
        return {"type": f"response.{kind}", "item_id": id, **fields}

    def call(id: str) -> dict[str, Any]:
        item = {"type": "function_call", "id": id, "name": f"name of {id}"}
        return {"type": "response.output_item.added", "item": item}

    body = named(
        call("a"),
        call("b"),
        event("function_call_arguments.delta", "a", delta='{"a'),
        event("function_call_arguments.delta", "b", delta="{}"),
        event("function_call_arguments.delta", "a", delta='": 1}'),
        event("output_text.delta", "c", delta="never begun", output_index=7),
        {"type": "response.completed", "response": {"status": "completed"}},
    )
    pieces, said = pull(streams.Stream([body]))
    told = [(call.id, call.name, call.arguments) for call in said["tool_calls"]]
    assert told == [("a", "name of a", '{"a": 1}'), ("b", "name of b", "{}")]
    for call in said["tool_calls"]:
        assert joined(pieces, "tool_input", call.index) == call.arguments
    assert joined(pieces, "text") == said["text"] == "never begun"


def test_parts_of_kinds_that_are_not_known_are_no_pieces(streams):
    part = {"type": "output_audio", "text": "x"}
    item = {"type": "message", "content": [part]}
    body = named(
        {"type": "response.content_part.done", "output_index": 0, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"status": "completed"}},
    )
    assert pull(streams.Stream([body]))[0] == []


def test_blocks_of_a_message_that_never_began_are_told_by_their_deltas(streams):
    def delta(index: int, **fields: str) -> dict[str, Any]:
        return {"type": "content_block_delta", "index": index, "delta": fields}

    body = named(
        {"type": "message_start", "message": {}},
        delta(0, thinking="Hm"),
        delta(1, text="Hi"),
        delta(2, partial_json="{}"),
        {"type": "message_stop"},
    )
    pieces, said = pull(streams.Stream([body]))
    assert [piece.kind for piece in pieces] == ["reasoning", "text", "tool_call", "tool_input"]
    assert (said["reasoning"], said["text"]) == ("Hm", "Hi")
    assert said["tool_calls"] == [llm.ToolCall("", "", "{}", 0, True)]


def test_an_event_of_a_type_that_is_not_known_is_no_piece_and_ends_none(streams):
    new = {"type": "new_event", "index": 0, "new": "x"}
    begun = {"type": "tool_use", "id": "c", "name": "f", "input": {}}
    more = {"type": "content_block_delta", "index": 0, "delta": {"partial_json": "{}"}}
    body = named(
        {"type": "message_start", "message": {}},
        {"type": "content_block_start", "index": 0, "content_block": begun},
        new,
        more,
    )
    pieces, _ = pull(streams.Stream([body]))
    assert [piece.text for piece in pieces] == ["f", "{}"]


def test_what_a_block_begins_with_is_told(streams):
    blocks = [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Hi"}]
    starts = [
        {"type": "content_block_start", "index": index, "content_block": block}
        for index, block in enumerate(blocks)
    ]
    pieces, said = pull(streams.Stream([named(*starts, {"type": "message_stop"})]))
    assert [piece.text for piece in pieces] == ["Hm", "Hi"] == [said["reasoning"], said["text"]]


def test_an_input_whole_and_in_pieces_is_told_once(streams):
    block = {"type": "tool_use", "id": "c", "name": "f", "input": {"a": 1}}
    body = named(
        {"type": "content_block_start", "index": 0, "content_block": block},
        {"type": "content_block_delta", "index": 0, "delta": {"partial_json": '{"a": 1}'}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_stop"},
    )
    pieces, said = pull(streams.Stream([body]))
    assert joined(pieces, "tool_input") == said["tool_calls"][0].arguments == '{"a": 1}'


def test_a_call_of_gemini_that_comes_value_by_value_is_told_when_it_is_whole(streams):
    def response(call: Any, **more: Any) -> dict[str, Any]:
        return {"candidates": [{"content": {"parts": [{"functionCall": call}]}, **more}]}

    city = {"jsonPath": "$.city", "stringValue": "Par", "willContinue": True}
    body = sse(
        response({"name": "f", "willContinue": True}),
        response({"partialArgs": [city], "willContinue": True}),
        response({"partialArgs": [{"jsonPath": "$.city", "stringValue": "is"}]}),
        response({"name": "g", "args": {}}),
        {"candidates": [{"finishReason": "STOP"}]},
    )
    pieces, said = pull(streams.Stream([body]))
    assert [(piece.index, piece.text) for piece in pieces] == [
        *((0, "f"), (0, '{"city": "Paris"}')),
        *((1, "g"), (1, "{}")),
    ]
    assert [call.name for call in said["tool_calls"] if call.done] == ["f", "g"]


@pytest.mark.parametrize("kind", BODIES)
def test_asynchronously_and_pushed_the_calls_are_those_of_the_stream(streams, kind):
    async def source() -> Any:
        yield BODIES[kind]

    async def read(name: str) -> list[Any]:
        return [call async for call in getattr(streams.AsyncStream(source()), name)()]

    async def read_on() -> Any:
        stream = streams.AsyncStream(source())
        return [text async for text in stream.iter_text()], await stream.get_final()

    for name in ("iter_tool_calls", "iter_partial_tool_calls"):
        calls = list(getattr(streams.Stream([BODIES[kind]]), name)())
        assert asyncio.run(read(name)) == calls
        parser = streams.StreamParser()
        pushed = []
        for number in range(len(BODIES[kind])):
            parser.feed(BODIES[kind][number : number + 1])
            pushed += getattr(parser, name)()
        parser.close()
        pushed += getattr(parser, name)()
        assert pushed == calls
    stream = streams.Stream([BODIES[kind]])
    texts, final = asyncio.run(read_on())
    assert (texts, final) == (list(stream.iter_text()), stream.get_final())


def test_asynchronously_a_half_that_is_left_comes_at_the_end(streams):
    async def read() -> list[str]:
        async def source() -> Any:
            yield sse(chunk({"content": "a\ud83d"})) + DONE

        pieces = streams.AsyncStream(source()).iter_pieces()
        return [piece.text async for piece in aiter(pieces)]

    assert asyncio.run(read()) == ["a", "\ufffd"]


def test_of_several_choices_the_first_is_viewed(streams):
    body = sse(
        chunk({"content": "a"}, index=0),
        chunk({"content": "b"}, index=1),
        chunk({"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f"}}]}, index=1),
        chunk({}, index=1, finish_reason="tool_calls"),
        chunk({}, index=0, finish_reason="stop"),
    )
    pieces, said = pull(streams.Stream([body + DONE]))
    assert [piece.text for piece in pieces] == ["a"]
    assert (said["text"], said["tool_calls"], said["finish_reason"]) == ("a", [], "stop")


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_details": [{"type": "reasoning.text", "text": "Hm"}]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "Hm"}]},
        {"thinking": "Hm"},
    ],
    ids=["details", "summary", "undeclared"],
)
def test_reasoning_is_told_whatever_it_comes_under(streams, delta):
    pieces, _ = pull(streams.Stream([sse(chunk(delta), chunk({"content": "Hi"})) + DONE]))
    assert [(piece.kind, piece.text) for piece in pieces] == [("reasoning", "Hm"), ("text", "Hi")]


def test_some_servers_count_choices_from_one(streams):
    body = sse(chunk({"content": "a"}, index=1), chunk({"content": "b"}, index=1)) + DONE
    stream = streams.Stream([body])
    assert "".join(streams.Stream([body]).iter_text()) == "ab"
    assert joined(pull(stream)[0], "text") == stream.text == "ab"


def test_a_name_in_pieces_is_several_pieces_of_one_call(streams):
    fragments = [{"index": 0, "id": "c", "function": {"name": "get_"}}]
    more = [{"index": 0, "function": {"name": "time", "arguments": "{}"}}]
    body = sse(chunk({"tool_calls": fragments}), chunk({"tool_calls": more})) + DONE
    pieces, said = pull(streams.Stream([body]))
    assert joined(pieces, "tool_call") == said["tool_calls"][0].name == "get_time"
    assert {piece.index for piece in pieces} == {0}


def test_a_long_call_in_small_pieces_is_told_whole():
    def told_of(number: int) -> int:
        fragments = [{"index": 0, "function": {"arguments": "xxxx"}}]
        body = sse(chunk({"tool_calls": [{"index": 0, "function": {"name": "f"}}]}))
        stream = llm.Stream([body + sse(chunk({"tool_calls": fragments})) * number + DONE])
        return sum(len(piece.text) for piece in stream.iter_pieces())

    assert told_of(20_000) == 80_001
