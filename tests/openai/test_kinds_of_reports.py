"""What public reports of users tell of: each kind by more than the input that was reported."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat_streams import DONE, ENVELOPE, chunk, final, message, read, read_under_every_cut, sse

from sseparse.openai import (
    APIError,
    ChatCompletionStreamState,
    ChatStream,
    ChunkDecodeError,
    CompletionStream,
)

USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
ERROR = sse({"error": {"message": "died"}})


def whole(said: dict[str, Any], **top: Any) -> dict[str, Any]:
    choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **said}}
    return {**ENVELOPE, "object": "chat.completion", "choices": [choice], **top}


def tool(arguments: Any = None, name: Any = None, **rest: Any) -> dict[str, Any]:
    return {**rest, "function": {"name": name, "arguments": arguments}}


def calls(*deltas: list[dict[str, Any]]) -> list[tuple[str, str]]:
    found = message(*({"tool_calls": fragments} for fragments in deltas))["tool_calls"]
    return [(call["function"]["name"], call["function"]["arguments"]) for call in found]


# Said twice.


@pytest.mark.parametrize("options", [{}, {"accumulate": False}])
def test_what_the_deltas_have_said_is_not_said_twice(options):
    body = sse(chunk({"content": "Moss"}), whole({"content": "Moss"}, usage=USAGE)) + DONE
    stream = ChatStream([body], **options)
    assert "".join(stream.iter_text()) == "Moss"
    assert stream.finish_reason == "stop"
    assert stream.usage.total_tokens == 3


def test_what_only_a_whole_message_says_counts():
    found = final(
        chunk({"content": "Moss"}),
        whole({"content": "Moss", "reasoning": "so", "tool_calls": [tool("{}", "f", id="a")]}),
    )
    said = found["choices"][0]["message"]
    assert (said["content"], said["reasoning"], len(said["tool_calls"])) == ("Moss", "so", 1)


def test_calls_and_log_probabilities_are_not_said_twice():
    logprobs = {"content": [{"token": "a", "logprob": -1.0}]}
    first = chunk({"tool_calls": [tool("{}", "f", id="a", index=0)], "content": "a"})
    first["choices"][0]["logprobs"] = logprobs
    last = whole({"content": "a", "tool_calls": [tool("{}", "f", id="a")]})
    last["choices"][0]["logprobs"] = logprobs
    found = final(first, last)["choices"][0]
    assert [call["function"]["arguments"] for call in found["message"]["tool_calls"]] == ["{}"]
    assert len(found["logprobs"]["content"]) == 1


def test_a_message_beside_an_empty_delta_is_read():
    choice = {"index": 0, "delta": {"content": ""}, "message": {"content": "Hi"}}
    found = final({**ENVELOPE, "choices": [{**choice, "finish_reason": "stop"}]})
    assert found["choices"][0]["message"]["content"] == "Hi"


@pytest.mark.parametrize("options", [{}, {"accumulate": False}])
@pytest.mark.parametrize("so_far", [["Mo", "ss", " is"], ["Mo", "Moss", "Moss is"]])
@pytest.mark.parametrize("delta", [{}, {"delta": {}}, {"delta": {"role": "assistant"}}])
def test_messages_in_the_place_of_deltas_are_read_piece_by_piece_or_as_they_grow(
    options, so_far, delta
):
    texts = [*so_far, *so_far[-1:]]
    choices = [{"index": 0, **delta, "message": {"content": text}} for text in texts[: len(so_far)]]
    stream = ChatStream([sse(*({**ENVELOPE, "choices": [each]} for each in choices))], **options)
    assert "".join(stream.iter_text()) == "Moss is"


def test_deltas_behind_a_message_go_on_where_it_ends():
    choices = [
        {"index": 0, "message": {"content": "Mo"}},
        {"index": 0, "delta": {"content": "ss"}},
        {"index": 0, "message": {"content": "Moss"}},
    ]
    body = sse(*({**ENVELOPE, "choices": [choice]} for choice in choices))
    for options in ({}, {"accumulate": False}):
        assert "".join(ChatStream([body], **options).iter_text()) == "Moss"


def test_a_whole_message_behind_messages_and_deltas_is_not_said_again():
    in_pieces = [{**ENVELOPE, "choices": [{"index": 0, "message": {"content": "Mo"}}]}]
    found = final(*in_pieces, chunk({"content": "ss"}), whole({"content": "Moss"}))
    assert found["choices"][0]["message"]["content"] == "Moss"
    found = final(*in_pieces, whole({"content": "Moss"}), whole({"content": "Moss"}))
    assert found["choices"][0]["message"]["content"] == "Moss"


def test_many_messages_in_pieces_are_what_they_are_without_shapes():
    body = sse(
        *(
            {**ENVELOPE, "choices": [{"index": 0, "message": {"content": f"w{i} "}}]}
            for i in range(9)
        )
    )
    for options in ({}, {"accumulate": False}):
        assert "".join(ChatStream([body], **options).iter_text()) == "".join(
            f"w{i} " for i in range(9)
        )


# Which call.


def test_whole_calls_with_one_index_and_no_id_are_calls_of_their_own():
    one, other = (tool("{}", name, index=0, id="") for name in ("tide", "wind"))
    assert calls([one], [other]) == [("tide", "{}"), ("wind", "{}")]
    assert calls([one], [one]) == [("tide", "{}")] * 2
    assert calls([tool("{}", "tide")], [tool("{}", "wind")]) == [("tide", "{}"), ("wind", "{}")]


def test_a_call_for_another_name_whose_arguments_are_yet_to_come_is_its_own():
    for nothing in ("", None):
        first, other = tool("{}", "tide", index=0, id=""), tool(nothing, "wind", index=0, id="")
        assert calls([first], [other], [tool("{}", index=0)]) == [("tide", "{}"), ("wind", "{}")]


def test_a_last_fragment_that_says_a_whole_call_again_opens_none():
    repeated = {"index": 0, "id": "a", "type": "function"}
    for nothing in ("", None):
        again = tool(nothing, "tide", **repeated)
        assert calls([again], [tool("{", "tide", **repeated)], [tool("}", index=0)], [again]) == [
            ("tide", "{}")
        ]


def test_three_calls_of_one_tool_are_three():
    whole_call = tool('{"a": 1}', "tide", index=None, id=None)
    assert calls(*[[whole_call]] * 3) == [("tide", '{"a": 1}')] * 3
    in_pieces = [[tool('{"a":', "tide", index=0)], [tool(" 1}", index=0)]]
    assert calls(*in_pieces * 3) == [("tide", '{"a": 1}')] * 3


def test_entries_of_one_delta_with_names_and_no_index_are_calls_of_their_own():
    assert calls([tool("{}", "tide"), tool("{", "wind")], [tool("}")]) == [
        ("tide", "{}"),
        ("wind", "{}"),
    ]


def test_a_name_in_pieces_is_joined_and_a_repeated_one_counts_once():
    pieces = [[tool(None, piece, index=0)] for piece in ("edit_ex", "isting")]
    assert calls(*pieces, [tool("{}", index=0)]) == [("edit_existing", "{}")]
    again = tool("{", "tide", index=0, id="a"), tool("}", "tide", index=0, id="a")
    assert calls(*([fragment] for fragment in again)) == [("tide", "{}")]


def test_an_id_and_nothing_else_opens_no_call():
    assert calls([tool("{}", "tide", index=0, id="a")], [{"index": 1, "id": "b"}]) == [
        ("tide", "{}")
    ]
    later = [{"index": 1, "id": "b"}], [tool("{}", "wind", index=1)]
    found = message(*({"tool_calls": f} for f in ([tool("{}", "tide", index=0)], *later)))
    assert found["tool_calls"][1]["id"] == "b"


def test_an_index_alone_opens_no_call():
    assert calls([tool("{}", "tide", index=0)], [{"index": 1}], [tool("", index=1)]) == [
        ("tide", "{}")
    ]


def test_custom_calls_with_one_index_are_calls_of_their_own():
    fragments = [
        {"index": 0, "id": id, "type": "custom", "custom": {"name": "sh", "input": "{}"}}
        for id in ("a", "b")
    ]
    found = message(*({"tool_calls": [fragment]} for fragment in fragments))
    assert [call["custom"]["input"] for call in found["tool_calls"]] == ["{}", "{}"]


def test_a_custom_call_with_another_name_is_its_own():
    fragments = [
        {"index": 0, "type": "custom", "custom": {"name": name, "input": "ls"}}
        for name in ("sh", "zsh")
    ]
    found = message(*({"tool_calls": [fragment]} for fragment in fragments))
    assert [call["custom"]["name"] for call in found["tool_calls"]] == ["sh", "zsh"]


def test_whole_arguments_need_not_be_an_object():
    for arguments in ('"x"', "[1]"):
        assert calls(*([tool(arguments, name, index=0)] for name in ("tide", "wind"))) == [
            ("tide", arguments),
            ("wind", arguments),
        ]


def test_a_name_that_is_longer_each_time_is_the_longest():
    assert calls(
        [tool(None, "edit", index=0)], [tool(None, "edit_all", index=0)], [tool("{}", index=0)]
    ) == [("edit_all", "{}")]


def test_a_call_without_its_function_has_its_name_and_arguments():
    assert calls(
        [{"index": 0, "name": "tide", "arguments": "{"}], [{"index": 0, "arguments": "}"}]
    ) == [("tide", "{}")]


@pytest.mark.parametrize("nothing", [{}, [{}], [{"function": {}}], [{"id": "a"}]])
def test_a_fragment_that_says_nothing_is_no_call(nothing):
    assert "tool_calls" not in message({"tool_calls": nothing, "content": "Hi"})


# Errors that are not called so.


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ({"choices": None, "error_type": "Bad", "error_message": "too long"}, "too long"),
        (
            {"choices": None, "base_resp": {"status_code": 1002, "status_msg": "rate limit"}},
            "rate limit",
        ),
        ({"code": 429, "message": "slow down"}, "slow down"),
        ({"detail": "slow down"}, "slow down"),
        ({"type": "error", "message": "slow down"}, "slow down"),
        ({"success": False, "msg": "slow down"}, "slow down"),
        ({"error_type": "x", "message": "slow down"}, "slow down"),
        ([{"error": {"message": "slow down"}}], "slow down"),
        ({"error": "TypeError", "message": "Cannot read x"}, "TypeError: Cannot read x"),
        ({"error": {"message": {"message": "deep"}}}, "deep"),
        ({**chunk({}), "error": {"code": 5, "message": "bad"}}, "bad"),
        ({**chunk({}), "error": {"code": None, "message": "bad"}}, "bad"),
        ({"choices": [], "error": {"code": 0, "message": "bad"}}, "bad"),
        ({"success": False, "errors": [{"message": "bad", "code": 5007}], "result": {}}, "bad"),
        ({"errors": ["bad"]}, "bad"),
        ({"status": "failed", "message": "bad"}, "bad"),
        ({"status_code": 500, "msg": "bad"}, "bad"),
        ({"error_code": 336, "error_msg": "bad"}, "bad"),
        ({"error": True, "message": "bad"}, "bad"),
        ({"statusCode": 429, "message": "bad"}, "bad"),
        ({"Code": "InvalidParameter", "Message": "bad"}, "bad"),
        ({"errorCode": "X", "errorMessage": "bad"}, "bad"),
        ({"Error": {"Message": "bad"}}, "bad"),
        ({"errors": {"message": "bad"}}, "bad"),
        ({"errors": "bad"}, "bad"),
        ({"__type": "ThrottlingException", "message": "bad"}, "bad"),
        ({"type": "invalid_request_error", "message": "bad", "code": None}, "bad"),
        ({"status": "failed", "msg": "bad"}, "bad"),
        ({"status": "500", "msg": "bad"}, "bad"),
        ({"code": 400, "reason": "bad"}, "bad"),
        ({"error": "invalid_token", "error_description": "bad"}, "invalid_token: bad"),
    ],
)
def test_an_error_under_another_name_is_an_error(payload, text):
    found = read_under_every_cut(sse(payload))
    assert found["seen"][0][:2] == ("APIError", text)
    assert found["truncated"]


def test_an_error_inside_a_choice_is_an_error():
    payload = chunk({})
    payload["choices"][0]["error"] = {"message": "lost", "code": 502}
    with pytest.raises(APIError, match="lost"):
        next(ChatStream([sse(payload)]))


@pytest.mark.parametrize(
    "more",
    [
        {"error": {"code": 0, "message": "success"}},
        {"error": {"message": "success"}},
        {"error": "success"},
        {"error": 200},
        {"base_resp": {"status_code": 0, "status_msg": ""}},
    ],
)
def test_an_error_that_is_none_beside_good_choices_is_none(more):
    assert final({**chunk({"content": "Hi"}), **more})["choices"][0]["message"]["content"] == "Hi"


def test_an_error_that_says_success_is_none_in_the_chunk_of_the_usage():
    error = {"code": 0, "message": "success"}
    found = final(chunk({"content": "Hi"}), {"choices": [], "usage": USAGE, "error": error})
    assert found["usage"] == USAGE


@pytest.mark.parametrize(
    "payload",
    [
        {"message": "hello"},
        {"code": 0, "message": "fine"},
        {"status": "processing", "message": "loading the model"},
        {"status": 202, "message": "accepted"},
        {"choices": [], "error": {"message": "", "type": "", "code": ""}},
        {"choices": [], "error": "null"},
        {"choices": [], "type": "usage", "message": "12 tokens"},
    ],
)
def test_a_message_alone_is_no_error(payload):
    (found,) = ChatStream([sse(payload) + DONE])
    assert found.choices == []


@pytest.mark.parametrize("name", ["status", "Status", "type", "__type"])
def test_a_failure_among_many_words_is_still_seen(name):
    words = ["waiting", "loading", "queued", "running", "working", "busy"]
    payloads = [{"choices": [], name: word, "message": "m"} for word in [*words, "failed"]]
    found = read([sse(*payloads)])["seen"]
    assert [item[0] for item in found if isinstance(item, tuple)] == ["APIError"]


@pytest.mark.parametrize("block", [b"Error: died\n\n", b"event: ERROR\ndata: died\n\n"])
def test_an_error_is_one_in_capitals_too(block):
    found = read_under_every_cut(sse(chunk({"content": "Hi"})) + block)
    assert found["seen"][1][:2] == ("APIError", "died")


def test_an_error_and_done_behind_it_is_truncated():
    body = sse(chunk({"content": "Hi"}), {"error": "died"}) + DONE
    found = read_under_every_cut(body)
    assert (found["done"], found["truncated"]) == (True, True)
    assert found["final"]["choices"][0]["finish_reason"] is None
    required = read([body], require_done=True)
    assert [item[0] for item in required["seen"][1:]] == ["APIError", "TruncatedStreamError"]


def test_a_stream_is_truncated_from_its_error_on():
    stream = ChatStream([sse(chunk({"content": "Hi"})) + ERROR + sse(chunk({"content": "!"}))])
    next(stream)
    assert not stream.truncated
    with pytest.raises(APIError):
        next(stream)
    assert stream.truncated
    next(stream)
    assert stream.truncated


# One bad line, and events of another kind.


def test_lines_of_one_event_are_read_each_for_itself():
    lines = [chunk({"content": "A"}), "{broken", chunk({"content": "B"}), "[DONE]"]
    body = b"".join(sse(line).replace(b"\n\n", b"\n") for line in lines) + b"\n"
    found = read_under_every_cut(body)
    assert found["final"]["choices"][0]["message"]["content"] == "AB"
    assert [item[0] for item in found["seen"] if isinstance(item, tuple)] == ["ChunkDecodeError"]
    assert found["done"]


@pytest.mark.parametrize(
    "data",
    [
        "{A}{B}[DONE]",
        "{A} {B} [done]",
        "{A}data: {B}",
        "data: {A},\n{B},",
        "\ufeff{A}\n\n{B}\n[DONE]",
    ],
)
def test_payloads_of_one_event_are_found_without_line_ends_between_them(data):
    for indent in (None, 1):
        for letter in "AB":
            text = json.dumps(chunk({"content": letter}), indent=indent)
            data = data.replace("{" + letter + "}", text)
        lines = data.split("\n")
        body = "".join(f"data: {line}\n" for line in lines) + "\n"
        found = read_under_every_cut(body.encode() + DONE)
        assert found["final"]["choices"][0]["message"]["content"] == "AB"
        assert (found["done"], found["truncated"]) == (True, False)


@pytest.mark.parametrize("done", ['"[DONE]"', "[done]", "data: [DONE]"])
def test_done_is_done_however_it_is_written(done):
    found = read_under_every_cut(sse(chunk({"content": "Hi"}), done))
    assert (found["done"], found["truncated"]) == (True, False)


def test_many_broken_values_in_one_event_take_no_time_that_grows():
    line = '{"a": ['
    body = "".join(f"data: {line}\n" for _ in range(20_000)) + "data: [DONE]\n\n"
    found = read([body.encode()])
    assert len(found["seen"]) == 20_000
    assert found["done"]


def test_a_bad_line_before_done_is_told_and_the_stream_is_done():
    body = b"data: {broken\ndata: [DONE]\n\n"
    found = read_under_every_cut(body)
    assert [item[0] for item in found["seen"]] == ["ChunkDecodeError"]
    assert found["done"]


def test_lines_that_are_no_payloads_are_one_broken_payload():
    deep = "[" * 100_000
    for data in ("{\n{", f"{deep}\n{deep}"):
        body = b"".join(b"data: " + line.encode() + b"\n" for line in data.split("\n")) + b"\n"
        with pytest.raises(ChunkDecodeError):
            next(ChatStream([body]))


def test_a_control_character_in_a_string_is_kept():
    body = sse(chunk({"content": "A\tB"})).replace(b"\\t", b"\t")
    assert read([body + DONE])["final"]["choices"][0]["message"]["content"] == "A\tB"


def test_events_with_a_name_of_their_own_and_no_json_are_skipped():
    body = b"event: ping\ndata: 2026-02-20 08:40:33\n\n" + sse(chunk({"content": "Hi"})) + DONE
    assert read_under_every_cut(body)["final"]["choices"][0]["message"]["content"] == "Hi"
    assert read([body], strict=True)["seen"][0][0] == "ChunkDecodeError"


def test_an_event_with_a_name_of_its_own_and_an_array_is_skipped():
    body = b"event: ping\ndata: [1]\n\n" + sse(chunk({"content": "Hi"})) + DONE
    assert len(read_under_every_cut(body)["seen"]) == 1
    assert read([body], strict=True)["seen"][0][0] == "ChunkDecodeError"


# Odd values.


@pytest.mark.parametrize(
    ("delta", "content"),
    [({"content": True}, "true"), ({"content": False}, "false"), ("Hi", "Hi")],
)
def test_odd_contents_are_their_text(delta, content):
    assert message(delta)["content"] == content


def test_text_in_place_of_a_deltas_content_is_the_content():
    payload = {**ENVELOPE, "choices": [{"index": 0, "text": "Hi", "finish_reason": "stop"}]}
    assert final(payload)["choices"][0]["message"]["content"] == "Hi"
    payload["choices"][0]["delta"] = {}
    assert final(payload)["choices"][0]["message"]["content"] == "Hi"


@pytest.mark.parametrize(
    "delta",
    [
        {"reasoning_content": [{"type": "text", "text": "x"}]},
        {"reasoning": {"summary": [{"text": "x"}]}},
        {"reasoning": ["x"]},
        {"thinking": "x"},
        {"thinking_blocks": [{"type": "thinking", "thinking": "x"}]},
        {"reasoning_details": [{"type": "reasoning.text", "text": "x"}]},
        {"reasoning_details": [{"type": "reasoning.summary", "summary": "x"}, "odd"]},
    ],
)
def test_reasoning_in_parts_is_joined(delta):
    (found,) = ChatStream([sse(chunk(delta))])
    assert found.choices[0].delta.reasoning_text == "x"
    completion = ChatStream([sse(chunk(delta))]).get_final_completion()
    assert completion.choices[0].message.reasoning_text == "x"


@pytest.mark.parametrize(("value", "text"), [({"odd": 1}, '{"odd": 1}'), ([], None), (5, "5")])
def test_reasoning_that_is_no_text_is_its_json(value, text):
    (found,) = ChatStream([sse(chunk({"reasoning": value}))])
    assert found.choices[0].delta.reasoning == text


# Usage.


def test_usage_inside_a_choice_is_the_usage():
    payload = chunk({"content": "x"})
    payload["choices"][0]["usage"] = USAGE
    assert final(payload)["usage"]["total_tokens"] == 3


def test_usage_under_the_names_of_the_responses_api_is_read():
    usage = {
        "input_tokens": 1,
        "output_tokens": 2,
        "input_tokens_details": {"cached_tokens": 1},
        "output_tokens_details": {"reasoning_tokens": 1},
    }
    found = final({**chunk({"content": "x"}), "usage": usage})["usage"]
    assert (found["prompt_tokens"], found["completion_tokens"], found["total_tokens"]) == (1, 2, 3)
    assert found["prompt_tokens_details"] == {"cached_tokens": 1}


@pytest.mark.parametrize(
    "usage",
    [
        {"inputTokens": 1, "outputTokens": 2},
        {"promptTokens": 1, "completionTokens": 2, "totalTokens": 3},
        {"promptTokenCount": 1, "candidatesTokenCount": 2, "totalTokenCount": 3},
        {**dict.fromkeys(USAGE, 0), "input_tokens": 1, "output_tokens": 2},
    ],
)
def test_usage_under_the_names_of_other_apis_is_read(usage):
    found = final({**chunk({"content": "x"}), "usage": usage})["usage"]
    assert {**found, **USAGE} == found


@pytest.mark.parametrize("nothing", [{}, dict.fromkeys(USAGE, 0)])
def test_a_usage_of_nothing_erases_none(nothing):
    good, bad = ({**chunk({"content": "x"}), "usage": usage} for usage in (USAGE, nothing))
    assert final(good, bad)["usage"]["total_tokens"] == 3


@pytest.mark.parametrize("options", [{}, {"accumulate": False}])
def test_usage_that_grows_with_every_chunk_is_the_last(options):
    payloads = [
        {
            **chunk({"content": "x"}),
            "usage": {
                **USAGE,
                "completion_tokens": count,
                "total_tokens": count + 1,
                "completion_tokens_details": {"reasoning_tokens": count},
                "seen": {"tokens": [count]},
            },
        }
        for count in range(1, 40)
    ]
    stream = ChatStream([sse(*payloads)], **options)
    for count, _ in enumerate(stream, start=1):
        assert stream.usage.completion_tokens == count
        assert stream.usage.completion_tokens_details.reasoning_tokens == count
        assert stream.usage.model_extra == {"seen": {"tokens": [count]}}


def legacy(text: str, **rest: Any) -> dict[str, Any]:
    return {"object": "text_completion", "choices": [{"index": 0, "text": text, **rest}]}


@pytest.mark.parametrize(
    "payload",
    [
        legacy("a", usage=USAGE),
        {**legacy("a"), "usage": {"input_tokens": 1, "output_tokens": 2}},
    ],
)
def test_usage_of_legacy_streams_is_read_in_its_other_places_too(payload):
    found = read_under_every_cut(sse(legacy("b"), payload), CompletionStream)
    assert {**found["usage"], **USAGE} == found["usage"]
    assert found["final"]["choices"][0]["text"] == "ba"


# Half characters.


def test_half_a_character_waits_for_the_other_half():
    halves = [chunk({"content": "a\ud83d"}), chunk({"content": "\ude00b"})]
    stream = ChatStream([sse(*halves) + DONE])
    assert list(stream.iter_text()) == ["a", "\U0001f600b"]
    lone = ChatStream([sse(chunk({"content": "\ud83d"})) + DONE])
    assert list(lone.iter_text()) == ["\ufffd"]


# The places that runs add to.


@pytest.mark.parametrize("options", [{}, {"accumulate": False}])
@pytest.mark.parametrize(
    "make",
    [
        lambda i: {"content": f"w{i}", "note": f"n{i}"},
        lambda i: {"function_call": {"arguments": f"w{i}"}},
        lambda i: {"function_call": {"name": "f", "arguments": f"w{i}"}},
        lambda i: {"audio": {"data": f"w{i}", "transcript": f"t{i}"}},
        lambda i: {"audio": {"data": f"w{i}", "more": i}},
        lambda i: {"reasoning_details": [{"type": "reasoning.text", "text": f"w{i}", "id": "a"}]},
        lambda i: {
            "reasoning_details": [{"type": "reasoning.text", "text": f"w{i}", "id": f"{i}"}]
        },
        lambda i: {"reasoning_details": [{"type": "a"}, {"type": "b", "text": f"w{i}"}]},
        lambda i: {"reasoning_details": f"w{i}", "content": "x"},
        lambda i: {"annotations": [{"type": f"t{i}"}], "content": f"w{i}"},
        lambda i: {"annotations": {"a": f"t{i}"}, "content": f"w{i}"},
        lambda i: {"tool_calls": [{"index": 0, "function": {"arguments": f"w{i}"}}]},
        lambda i: {"tool_calls": [{"index": 0, "function": {"arguments": f"w{i}"}, "odd": i}]},
        lambda i: {"tool_calls": [{"index": 0, "custom": {"input": f"w{i}"}}]},
        lambda i: {"content": f"w{i}", "count": i, "deep": {"count": i}},
        lambda i: {"content": f"w{i}", "extra_content": {"a": f"{i}"}},
    ],
)
def test_however_chunks_are_alike_the_completion_is_that_of_each_alone(make, options):
    payloads = [chunk(make(count)) for count in range(30)]
    state = ChatCompletionStreamState()
    for payload in payloads:
        (found,) = ChatStream([sse(payload)])
        state.handle_chunk(found)
    stream = ChatStream([sse(*payloads)], **options)
    assert [item.to_dict() for item in stream] == payloads
    if not options:
        right = state.get_final_completion().to_dict()
        assert stream.get_final_completion().to_dict() == right
        assert ChatStream([sse(*payloads)]).get_final_completion().to_dict() == right


def test_undeclared_values_that_change_are_the_last():
    payloads = [{**chunk({"content": "x"}), "nonce": f"n{count}"} for count in range(30)]
    for payload in payloads:
        payload["choices"][0]["seed"] = payload["nonce"]
    found = final(*payloads)
    assert (found["nonce"], found["choices"][0]["seed"]) == ("n29", "n29")
