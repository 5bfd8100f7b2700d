"""What providers really send, row by row of the design's table, each at every cut."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from chat_streams import DONE, ENVELOPE, chunk, final, message, read, read_under_every_cut, sse

from sseparse.openai import APIError, ChatStream, ChunkDecodeError, NotAnEventStreamError

HI = chunk({"content": "Hi"})
STOP = chunk({}, finish_reason="stop")


def text_of(result: dict[str, Any]) -> Any:
    return result["final"]["choices"][0]["message"]["content"]


def call(id: Any = None, name: Any = None, arguments: Any = None, **rest: Any) -> dict[str, Any]:
    """A delta with one fragment of a tool call."""
    fragment: dict[str, Any] = {**rest}
    if id is not None:
        fragment["id"] = id
    fragment["function"] = {}
    if name is not None:
        fragment["function"]["name"] = name
    if arguments is not None:
        fragment["function"]["arguments"] = arguments
    return {"tool_calls": [fragment]}


def calls(*deltas: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(id, name, arguments) of the calls that these deltas come to."""
    found = message(*deltas)["tool_calls"]
    assert all(call["type"] == "function" for call in found)
    return [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in found]


# [DONE].


@pytest.mark.parametrize(
    "done",
    [b"data: [DONE]\n\n", b"data:[DONE]\n\n", b"data:  [DONE] \n\n", b"data: [DONE]\r\n\r\n"],
)
def test_done_ends_the_stream_however_it_is_spaced(done):
    result = read_under_every_cut(sse(HI) + done)
    assert result["done"]
    assert not result["truncated"]


def test_whatever_follows_done_is_ignored():
    result = read_under_every_cut(sse(HI) + DONE + sse(chunk({"content": " more"}), "{broken"))
    assert len(result["seen"]) == 1
    assert text_of(result) == "Hi"


def test_an_unterminated_done_counts():
    for tail in (b"data: [DONE]", b"data: [DONE]\n", b"data:[DONE]"):
        assert read_under_every_cut(sse(HI) + tail)["done"]


def test_an_unterminated_last_payload_counts_when_it_is_complete_json():
    body = sse(HI) + sse(STOP).rstrip()
    assert read_under_every_cut(body)["finish_reason"] == "stop"
    # Any shorter and it is no JSON: dropped, and the stream is truncated.
    for end in range(len(sse(HI)), len(body)):
        result = read([body[:end]])
        assert result["seen"] == [HI]
        assert result["truncated"]


# Payloads that are no chunk.


@pytest.mark.parametrize("payload", ["", "null", "1", "1.5", "true", '"text"'])
def test_empty_data_null_and_scalars_are_skipped(payload):
    result = read_under_every_cut(sse(HI, payload, STOP) + DONE)
    assert result["seen"] == [HI, STOP]


@pytest.mark.parametrize("payload", ["", "null", "1", '"text"'])
def test_strict_does_not_skip_what_is_no_object(payload):
    result = read_under_every_cut(sse(HI, payload, STOP) + DONE, strict=True)
    assert [item[0] if isinstance(item, tuple) else "chunk" for item in result["seen"]] == [
        "chunk",
        "ChunkDecodeError",
        "chunk",
    ]


def test_nan_is_read():
    body = sse('{"choices": [{"index": 0, "delta": {"content": "x"}, "score": NaN}]}')
    (seen,) = ChatStream([body])
    assert seen.choices[0].delta.content == "x"
    assert math.isnan(seen.choices[0].model_extra["score"])


def test_a_character_in_two_halves_is_joined():
    halves = [json.dumps(chunk({"content": half})) for half in ("\ud83d", "\ude00")]
    assert final(*halves)["choices"][0]["message"]["content"] == "\U0001f600"


def test_invalid_utf8_becomes_the_replacement_character():
    payload = json.dumps(chunk({"content": "a?b"})).encode().replace(b"?", b"\xff")
    assert text_of(read([sse(payload)])) == "a\ufffdb"


def test_several_json_lines_in_one_event_are_read_one_by_one():
    lines = [json.dumps(chunk({"content": text})) for text in ("a", "b")]
    result = read_under_every_cut(f"data: {lines[0]}\ndata: {lines[1]}\n\n".encode())
    assert len(result["seen"]) == 2
    assert text_of(result) == "ab"


def test_one_json_value_over_several_lines_is_one_payload():
    lines = json.dumps(HI, indent=1).splitlines()
    body = "".join(f"data: {line}\n" for line in lines) + "\n"
    assert read_under_every_cut(body.encode())["seen"] == [HI]


@pytest.mark.parametrize("payload", ["{broken", "Hello", "{} {", "[1, 2]", "<html>"])
def test_other_bad_json_is_a_chunk_decode_error_and_the_stream_goes_on(payload):
    result = read_under_every_cut(sse(HI, payload, STOP) + DONE)
    first, (error, error_payload, _), last = result["seen"]
    assert (first, error, last) == (HI, "ChunkDecodeError", STOP)
    assert error_payload == payload.encode()


def test_json_nested_too_deeply_is_a_chunk_decode_error():
    stream = ChatStream([sse("[" * 100_000)])
    with pytest.raises(ChunkDecodeError):
        next(stream)


def test_content_is_read_or_a_chunk_decode_error_however_deep_it_is_nested():
    # Parsing gives up at one depth, reading what was parsed at another.
    outcomes = set()
    for depth in range(600, 1100, 2):
        content = '{"text": ' * depth + '"deep"' + "}" * depth
        payload = '{"choices": [{"index": 0, "delta": {"content": %s}}]}' % content  # noqa: UP031
        stream = ChatStream([sse(payload, HI)])
        try:
            outcomes.add(next(stream).choices[0].delta.content)
        except ChunkDecodeError as error:
            outcomes.add(error.reason)
        assert next(stream).to_dict() == HI
    assert outcomes == {"deep", "it is nested too deeply"}


def nested(depth, before="[", after="]"):
    return json.loads(before * depth + "1" + after * depth)


@pytest.mark.parametrize(
    "delta",
    [
        {"content": nested(400, '[{"thinking":', "}]")},
        {"content": nested(400, '[{"text":', "}]")},
        {"content": nested(600)},
        {"images": nested(600)},
        {"reasoning_details": nested(600)},
        {"unknown": nested(600)},
        {"unknown": nested(600, '{"a":', "}")},
    ],
    ids=lambda delta: next(iter(delta)),
)
def test_a_field_nested_deeply_is_read_or_is_a_chunk_decode_error(delta):
    result = read([sse(HI, chunk(delta), STOP) + DONE])
    assert [item for item in result["seen"] if not isinstance(item, dict)] in (
        [],
        [("ChunkDecodeError", json.dumps(chunk(delta)).encode(), "it is nested too deeply")],
    )
    assert text_of(result).startswith("Hi")
    assert result["finish_reason"] == "stop"


def test_an_error_nested_deeply_is_an_error_of_ours():
    result = read([sse(HI, {"error": nested(900)}, STOP) + DONE])
    assert result["seen"][1][0] in ("APIError", "ChunkDecodeError")
    assert result["finish_reason"] == "stop"


# Errors.

ERROR = {"message": "slow down", "type": "rate", "param": "n", "code": 429}


@pytest.mark.parametrize(
    "body",
    [
        sse({"error": ERROR}),
        sse({**HI, "error": ERROR}),
        sse({"object": "error", **ERROR}),
        sse({**HI, "x_groq": {"id": "r", "error": ERROR}}),
        b"event: error\n" + sse(ERROR),
        b"event: error\n" + sse({"error": ERROR}),
        b"error: " + json.dumps(ERROR).encode() + b"\n\n",
        b"error:" + json.dumps({"error": ERROR}).encode() + b"\n\n",
    ],
)
def test_an_error_in_the_stream_says_all_that_it_said(body):
    result = read_under_every_cut(sse(HI) + body + DONE)
    first, (kind, message, code, type, param, error_body) = result["seen"]
    assert first == HI
    assert (kind, message, code, type, param) == ("APIError", "slow down", 429, "rate", "n")
    assert ERROR.items() <= error_body.items()
    assert text_of(result) == "Hi"


def test_an_error_may_be_a_string():
    with pytest.raises(APIError, match="too busy") as caught:
        next(ChatStream([sse({"error": "too busy", "code": "busy"})]))
    assert caught.value.code == "busy"


def test_an_error_may_lie_in_another_object():
    with pytest.raises(APIError, match=r"^too busy$"):
        next(ChatStream([sse({"error": {"message": {"message": "too busy"}}})]))


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (sse({"object": "error", "code": 5}), "the server reported {"),
        (b"event: error\n" + sse({}), "the server reported an error"),
        (sse({"error": {"code": 5}}), "the server reported {'code': 5}"),
        (sse({"error": {"message": {"en": "busy"}}}), '{"en": "busy"}'),
    ],
)
def test_an_error_without_a_message_is_told_as_it_came(body, message):
    with pytest.raises(APIError) as caught:
        next(ChatStream([body]))
    assert caught.value.message.startswith(message)


@pytest.mark.parametrize("value", [None, "", {}, False])
def test_an_error_that_says_nothing_is_none(value):
    payload = {**HI, "error": value}
    assert read_under_every_cut(sse(payload))["seen"] == [payload]


def test_an_error_event_need_not_be_json():
    with pytest.raises(APIError, match="overloaded"):
        next(ChatStream([b"event: error\ndata: overloaded\n\n"]))


def test_an_error_field_keeps_its_place_among_the_events():
    body = sse(HI) + b'error: {"message": "one"}\n\n' + sse(STOP) + b"error: two\n\n" + DONE
    result = read_under_every_cut(body)
    kinds = [item[1] if isinstance(item, tuple) else item for item in result["seen"]]
    assert kinds == [HI, "one", STOP, "two"]
    assert result["done"]


@pytest.mark.parametrize("rest", ["", "data: 1\n"])
def test_an_error_field_inside_a_block_comes_before_the_event_of_the_block(rest):
    block = f"data: {json.dumps(STOP)}\nerror: no\n{rest}\n".encode()
    result = read([sse(HI) + block + DONE])
    kinds = [item[0] if isinstance(item, tuple) else item for item in result["seen"]]
    assert kinds[:2] == [HI, "APIError"]
    assert len(kinds) == 3
    body = sse(HI) + block + DONE
    for cut in range(1, len(body)):
        # A LF that begins a read is taken for a blank line: whether it is one is not known there.
        if body[cut : cut + 1] != b"\n":
            assert read([body[:cut], body[cut:]])["seen"] == result["seen"], cut


def test_an_error_field_keeps_its_place_where_the_last_event_waits_for_its_lf():
    waiting = sse(STOP).removesuffix(b"\n\n") + b"\r\n\r"
    result = read([sse(HI) + b"error: no\n\n" + waiting, b"\n" + DONE], keep_raw=True)
    kinds = [item[0] if isinstance(item, tuple) else item for item in result["seen"]]
    assert kinds == [HI, "APIError", STOP]


def test_many_error_fields_in_one_read_are_each_told_in_its_place():
    body = sse(HI) + b"error: no\n" * 1000 + b"\n" + sse(STOP) + DONE
    seen = read([body])["seen"]
    assert [seen[0], seen[-1]] == [HI, STOP]
    assert [kind for kind, *_ in seen[1:-1]] == ["APIError"] * 1000


def test_text_that_looks_like_an_error_field_is_none():
    result = read_under_every_cut(sse(chunk({"content": "\nerror: no\n"}), "error: no", STOP))
    assert [isinstance(item, tuple) and item[0] for item in result["seen"]] == [
        False,
        "ChunkDecodeError",
        False,
    ]


# Bodies that are no event stream.


@pytest.mark.parametrize("indent", [None, 2])
def test_a_json_error_with_status_200_is_an_api_error(indent):
    body = json.dumps({"error": ERROR}, indent=indent).encode()
    result = read_under_every_cut(body)
    ((kind, message, *_),) = result["seen"]
    assert (kind, message) == ("APIError", "slow down")


@pytest.mark.parametrize(
    "body", [b"<!DOCTYPE html>\n<html><p>Bad: gateway</p></html>\n", b'{"status": 5}', b"Oops"]
)
def test_another_body_is_not_an_event_stream(body):
    result = read_under_every_cut(body)
    ((kind, beginning, *_),) = result["seen"]
    assert kind == "NotAnEventStreamError"
    assert beginning[:5] == body[:5]
    assert result["truncated"]


def test_a_long_body_is_refused_before_its_end():
    def body():
        for _ in range(1000):
            yield b"<p>spam</p>\n\n" * 100
        raise AssertionError("read on")

    with pytest.raises(NotAnEventStreamError):
        next(ChatStream(body(), max_event_size=10_000))


@pytest.mark.parametrize("indent", [None, 1])
def test_a_response_that_was_not_streamed_is_its_own_final_completion(indent):
    completion = {
        "id": "chatcmpl-9",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "All at once",
                    "tool_calls": [
                        {
                            "id": "c1",
                            "type": "function",
                            "function": {"name": "f", "arguments": "{}"},
                        },
                        {
                            "id": "c2",
                            "type": "function",
                            "function": {"name": "f", "arguments": "{}"},
                        },
                    ],
                },
                "finish_reason": "tool_calls",
            }
        ],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    }
    body = json.dumps(completion, indent=indent).encode()
    result = read_under_every_cut(body) if indent is None else read([body])
    assert result["final"] == completion
    assert not result["truncated"]
    (seen,) = ChatStream([body])
    assert seen.choices[0].delta.content == "All at once"


# The shape of a chunk.


@pytest.mark.parametrize("choices", [{"choices": None}, {}])
def test_choices_null_or_missing_is_an_empty_list(choices):
    (seen,) = ChatStream([sse({**ENVELOPE, **choices})])
    assert seen.choices == []
    assert seen.to_dict() == {**ENVELOPE, **choices}
    read_under_every_cut(sse({**ENVELOPE, **choices}))


@pytest.mark.parametrize("delta", [{"delta": None}, {}])
def test_delta_null_or_missing_is_an_empty_delta(delta):
    payload = {**ENVELOPE, "choices": [{"index": 0, **delta}]}
    (seen,) = ChatStream([sse(payload)])
    assert seen.choices[0].delta.content is None
    assert read_under_every_cut(sse(payload))["seen"] == [payload]


def test_a_choice_without_index_has_its_position():
    payload = {**ENVELOPE, "choices": [{"delta": {"content": t}} for t in ("a", "b")]}
    choices = final(payload, payload)["choices"]
    assert [(c["index"], c["message"]["content"]) for c in choices] == [(0, "aa"), (1, "bb")]


def test_an_index_that_is_no_number_is_none():
    payload = {**ENVELOPE, "choices": [{"index": True, "delta": {"content": "a"}}]}
    (choice,) = final(payload)["choices"]
    assert (choice["index"], type(choice["index"])) == (0, int)


def test_choices_that_are_one_object_are_a_list_of_it():
    payload = {**ENVELOPE, "choices": {"index": 0, "delta": {"content": "a"}}}
    assert text_of(read_under_every_cut(sse(payload) + DONE)) == "a"


def test_content_that_is_a_number_is_its_text():
    assert message({"content": 4}, {"content": 2.5})["content"] == "42.5"


def test_content_parts_are_joined_and_thinking_goes_to_reasoning():
    thinking = [{"type": "thinking", "thinking": [{"type": "text", "text": "Hm"}]}]
    parts = [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    found = message({"content": thinking}, {"content": parts}, {"content": "c"})
    assert found["content"] == "abc"
    assert found["reasoning_content"] == "Hm"


def test_content_may_be_one_part_and_parts_may_be_texts():
    text = {"type": "text", "text": "a"}
    assert message({"content": text}, {"content": ["b", text]})["content"] == "aba"


def test_content_parts_that_are_reasoning_by_type_go_to_reasoning():
    parts = [{"type": "reasoning", "text": "h"}, {"type": "thinking", "text": "m"}]
    found = message({"content": [*parts, {"type": "text", "text": "a"}]})
    assert (found["reasoning_content"], found["content"]) == ("hm", "a")


def test_content_parts_without_text_add_none():
    parts = [{"type": "image", "url": "u"}, 5, {"type": "text", "text": "a"}]
    assert message({"content": parts})["content"] == "a"


def test_content_parts_stay_in_raw():
    payload = chunk({"content": [{"type": "text", "text": "a"}]})
    (seen,) = ChatStream([sse(payload)])
    assert seen.choices[0].delta.content == "a"
    assert json.loads(seen.raw) == payload
    assert seen.to_dict() == payload


@pytest.mark.parametrize("reason", ["", "null"])
def test_an_empty_finish_reason_is_none(reason):
    payload = chunk({"content": "x"}, finish_reason=reason)
    (seen,) = ChatStream([sse(payload)])
    assert seen.choices[0].finish_reason is None
    assert read_under_every_cut(sse(payload))["truncated"]


def test_an_unknown_finish_reason_is_kept():
    assert final(chunk({}, finish_reason="eos"))["choices"][0]["finish_reason"] == "eos"


def test_of_several_finish_reasons_the_last_counts_and_none_ends_the_stream():
    result = read_under_every_cut(
        sse(chunk({}, finish_reason="length"), HI, STOP, chunk({"content": "!"}))
    )
    assert result["finish_reason"] == "stop"
    assert text_of(result) == "Hi!"
    assert not result["truncated"]


@pytest.mark.parametrize("created", [1733162853, 1733162853.0, "1733162853", 1733162853123])
def test_created_is_taken_as_it_is_meant(created):
    (seen,) = ChatStream([sse({**HI, "created": created})])
    assert seen.created == 1733162853
    assert final({**HI, "created": created})["created"] == 1733162853


def test_created_null_is_zero_and_nonsense_is_left():
    assert final({**HI, "created": None})["created"] == 0
    (seen,) = ChatStream([sse({**HI, "created": "noon"})])
    assert seen.created == "noon"
    assert final({**HI, "created": "noon"})["created"] == 0


def test_numbers_are_taken_as_they_are_meant():
    usage = {"prompt_tokens": 3.0, "completion_tokens": "4", "total_tokens": 7}
    tokens = [{"token": "a", "logprob": -1, "bytes": None, "top_logprobs": []}]
    payload = chunk({"content": "Hi"}, usage=usage)
    payload["choices"][0]["logprobs"] = {"content": tokens}
    (seen,) = ChatStream([sse(payload)])
    assert (seen.usage.prompt_tokens, seen.usage.completion_tokens) == (3, 4)
    assert seen.choices[0].logprobs.content[0].logprob == -1.0
    tokens[0]["logprob"] = "-0.5"
    (seen,) = ChatStream([sse(payload)])
    assert seen.choices[0].logprobs.content[0].logprob == -0.5
    read_under_every_cut(sse(payload))


def test_numbers_that_cannot_be_read_are_left_but_not_folded():
    usage = {"prompt_tokens": "few", "completion_tokens": 2, "total_tokens": 2}
    payload = chunk({"content": "Hi"}, usage=usage)
    payload["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": "low"}]}
    (seen,) = stream = ChatStream([sse(payload)])
    assert seen.usage.prompt_tokens == "few"
    assert seen.choices[0].logprobs.content[0].logprob == "low"
    found = stream.get_final_completion()
    assert (found.usage.prompt_tokens, found.usage.completion_tokens) == (0, 2)
    assert found.choices[0].logprobs.content[0].logprob == 0.0


# Folding.


def test_the_first_non_empty_id_model_and_fingerprint_count():
    first = {**HI, "id": "", "model": "", "system_fingerprint": None}
    second = {**HI, "id": "a", "model": "m", "system_fingerprint": "f", "service_tier": "flex"}
    third = {**HI, "id": "b", "model": "n", "system_fingerprint": "g", "service_tier": "auto"}
    fourth = {"choices": STOP["choices"]}
    found = final(first, second, third, fourth)
    assert (found["id"], found["model"], found["system_fingerprint"]) == ("a", "m", "f")
    assert found["service_tier"] == "flex"


@pytest.mark.parametrize(
    ("name", "value"), [("system_fingerprint", "f"), ("service_tier", "flex"), ("provider", "p")]
)
def test_what_comes_with_a_later_chunk_only_counts_all_the_same(name, value):
    assert final(HI, HI, {**HI, name: value}, HI, STOP)[name] == value


def test_texts_of_several_choices_in_turn_do_not_mix():
    payloads = [chunk({"content": text}, index=i) for text in "abc" for i in (0, 1)]
    both = {**ENVELOPE, "choices": [*payloads[0]["choices"], *payloads[1]["choices"]]}
    found = final(*payloads, payloads[0], both)["choices"]
    assert [choice["message"]["content"] for choice in found] == ["abcaa", "abca"]


USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
MORE = {"prompt_tokens": 1, "completion_tokens": 3, "total_tokens": 4}


@pytest.mark.parametrize(
    "payloads",
    [
        [HI, {**STOP, "usage": MORE}],
        [{**HI, "usage": USAGE}, {**STOP, "usage": MORE}],
        [HI, STOP, {**ENVELOPE, "choices": [], "usage": MORE}],
        [HI, {**STOP, "x_groq": {"id": "r", "usage": MORE}}],
        [{**HI, "usage": MORE}, STOP, {**STOP, "usage": None}],
    ],
)
def test_the_last_usage_counts_wherever_it_is(payloads):
    result = read_under_every_cut(sse(*payloads) + DONE)
    assert result["usage"] == MORE
    assert result["final"]["usage"] == MORE


def test_usage_keeps_unknown_keys():
    usage = {**USAGE, "cost": 0.5, "prompt_tokens_details": {"cached_tokens": 1, "other": 2}}
    assert final({**STOP, "usage": usage})["usage"] == usage


def test_role_is_set_once():
    deltas = [{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]
    assert message(*deltas) == {"role": "assistant", "content": "ab"}


def test_logprobs_extend():
    def token(text):
        return {"token": text, "logprob": -0.5, "bytes": None, "top_logprobs": []}

    payloads = [chunk({"content": text}) for text in "ab"]
    for payload, text in zip(payloads, "ab", strict=True):
        payload["choices"][0]["logprobs"] = {"content": [token(text)], "refusal": None}
    logprobs = final(*payloads)["choices"][0]["logprobs"]
    assert [entry["token"] for entry in logprobs["content"]] == ["a", "b"]


def test_logprobs_of_a_refusal_extend_on_their_own():
    payloads = [chunk({"refusal": text}) for text in "ab"]
    for payload, text in zip(payloads, "ab", strict=True):
        payload["choices"][0]["logprobs"] = {"refusal": [{"token": text, "logprob": -0.5}]}
    logprobs = final(*payloads)["choices"][0]["logprobs"]
    assert [entry["token"] for entry in logprobs["refusal"]] == ["a", "b"]
    assert "content" not in logprobs


# Tool calls.


def test_tool_calls_by_index():
    assert calls(
        call("c1", "f", "", index=0, type="function"),
        call(arguments='{"a"', index=0),
        call("c2", "g", "", index=1, type="function"),
        call(arguments=":1}", index=0),
        call(arguments="{}", index=1),
    ) == [("c1", "f", '{"a":1}'), ("c2", "g", "{}")]


def test_tool_calls_without_index_by_id():
    assert calls(
        call("c1", "f", "{"), call("c2", "g", "["), call("c1", arguments="}"), call(arguments=" ")
    ) == [("c1", "f", "{} "), ("c2", "g", "[")]


def test_tool_calls_all_with_index_0_for_another_tool():
    assert calls(call("c1", "f", "{}", index=0), call("c2", "g", "[]", index=0)) == [
        ("c1", "f", "{}"),
        ("c2", "g", "[]"),
    ]


def test_tool_calls_all_with_index_0_for_the_same_tool_once_the_first_is_complete():
    assert calls(
        call("c1", "f", '{"a":', index=0),
        call(arguments="1}", index=0),
        call("c2", "f", '{"a":', index=0),
        call(arguments="2}", index=0),
    ) == [("c1", "f", '{"a":1}'), ("c2", "f", '{"a":2}')]


def test_a_new_id_in_each_delta_is_the_same_call():
    assert calls(
        call("c1", "f", '{"a"', index=0),
        call("c2", "f", ":", index=0),
        call("c3", None, "1}", index=0),
        call("c4", "", "", index=1),
    )[0] == ("c1", "f", '{"a":1}')


def test_an_empty_or_repeated_id_and_name_change_nothing():
    assert calls(
        call("c1", "f", "{", index=0), call("", "", '"a":', index=0), call("c1", "f", "1}", index=0)
    ) == [("c1", "f", '{"a":1}')]


def test_whole_calls_in_one_delta_without_index():
    both = call("c1", "f", "{}")["tool_calls"] + call("c2", "f", "{}")["tool_calls"]
    assert calls({"tool_calls": both}) == [("c1", "f", "{}"), ("c2", "f", "{}")]


def test_several_fragments_of_one_call_in_one_chunk():
    both = (
        call("c1", "f", "{", index=0)["tool_calls"] + call(None, None, "}", index=0)["tool_calls"]
    )
    assert calls({"tool_calls": both}) == [("c1", "f", "{}")]


def test_arguments_null_are_none_and_objects_are_dumped():
    null = call("c1", "f", index=0)
    null["tool_calls"][0]["function"]["arguments"] = None
    assert calls(null) == [("c1", "f", "")]
    ((_, _, arguments),) = calls(call("c1", "f", {"a": [1]}, index=0))
    assert json.loads(arguments) == {"a": [1]}
    ((_, _, arguments),) = calls(call("c1", "f", {"a": "\u00e4"}, index=0))
    assert arguments == '{"a": "\u00e4"}'


def test_a_reused_index_goes_on_while_its_call_is_not_complete():
    # Several of these servers give every fragment a new id: the arguments tell.
    fragments = [call(f"c{i}", None, text, index=0) for i, text in enumerate(["", '{"a":', "}}"])]
    assert calls(call("c", "f", "", index=0), *fragments) == [("c", "f", '{"a":}}')]
    opened = calls(call("c", "f", '{"a":}', index=0), call("d", "f", "{}", index=0))
    assert opened == [("c", "f", '{"a":}{}')]


def test_an_id_goes_back_to_its_call_where_calls_share_an_index():
    assert calls(
        call("c1", "f", '{"a"', index=0),
        call("c2", "g", '{"b"', index=0),
        call("c1", None, ": 1}", index=0),
        call("c2", None, ": 2}", index=0),
    ) == [("c1", "f", '{"a": 1}'), ("c2", "g", '{"b": 2}')]


def test_an_extra_content_of_a_call_is_kept():
    signature = {"google": {"thought_signature": "s"}}
    (found,) = message(call("c1", "f", "{}", index=0, extra_content=signature))["tool_calls"]
    assert found["extra_content"] == signature


def test_sparse_indexes_are_kept_in_order():
    assert calls(call("c7", "g", "{}", index=7), call("c3", "f", "{}", index=3)) == [
        ("c3", "f", "{}"),
        ("c7", "g", "{}"),
    ]


def test_the_legacy_function_call_is_folded():
    assert message(
        {"function_call": {"name": "f", "arguments": ""}},
        {"function_call": {"arguments": "{"}},
        {"function_call": {"arguments": "}"}},
    )["function_call"] == {"name": "f", "arguments": "{}"}


def test_a_custom_tool_call_is_folded():
    fragments = [
        {"index": 0, "id": "c1", "type": "custom", "custom": {"name": "f", "input": "a"}},
        {"index": 0, "custom": {"input": "b"}},
        {"index": 0, "custom": {"name": "f"}},
    ]
    (found,) = message(*[{"tool_calls": [fragment]} for fragment in fragments])["tool_calls"]
    assert found == {"id": "c1", "type": "custom", "custom": {"name": "f", "input": "ab"}}


# Reasoning, annotations, citations, unknown keys.


def test_consecutive_reasoning_details_of_one_type_merge():
    def text(value, **rest):
        return {"type": "reasoning.text", "text": value, "index": 0, **rest}

    encrypted = {"type": "reasoning.encrypted", "data": "xyz", "index": 1}
    assert message(
        {"reasoning_details": [text("a")]},
        {"reasoning_details": [text("b"), text("c", signature="s")]},
        {"reasoning_details": [encrypted]},
        {"reasoning_details": [text("d", index=2)]},
    )["reasoning_details"] == [text("abc", signature="s"), encrypted, text("d", index=2)]


def test_reasoning_details_that_are_no_objects_are_kept_apart():
    details = [{"type": "t", "text": "a", "id": "r"}, "odd", {"type": "t", "text": "b", "id": None}]
    found = message({"reasoning_details": details}, {"reasoning_details": [{"text": "c"}]})
    assert found["reasoning_details"] == [*details[:2], {"type": "t", "text": "bc", "id": None}]


def test_a_null_in_a_later_reasoning_detail_erases_nothing():
    first = {"type": "reasoning.text", "text": "a", "signature": "s"}
    found = message(
        {"reasoning_details": [first]}, {"reasoning_details": [{"text": "b", "signature": None}]}
    )
    assert found["reasoning_details"] == [{**first, "text": "ab"}]


def test_the_extra_content_of_a_delta_that_comes_last_counts():
    found = message({"extra_content": {"a": 1}}, {"content": "x"}, {"extra_content": {"a": 2}})
    assert found["extra_content"] == {"a": 2}


def test_annotations_append():
    def annotation(url):
        citation = {"url": url, "title": "t", "start_index": 0, "end_index": 1}
        return {"type": "url_citation", "url_citation": citation}

    found = message({"annotations": [annotation("a")]}, {"annotations": [annotation("b")]})
    assert found["annotations"] == [annotation("a"), annotation("b")]


def test_citations_append_but_a_repeated_list_does_not_double():
    payloads = [{**HI, "citations": list(urls)} for urls in ("a", "ab", "ab", "c")]
    assert final(*payloads)["citations"] == ["a", "b", "c"]


def test_refusal_and_both_names_of_reasoning_concatenate():
    deltas = [
        {"refusal": "n", "reasoning_content": "x", "reasoning": "1"},
        {"refusal": "o", "reasoning_content": "y", "reasoning": "2"},
    ]
    found = message(*deltas)
    assert (found["refusal"], found["reasoning_content"], found["reasoning"]) == ("no", "xy", "12")


def test_unknown_keys_of_a_delta_concatenate_or_overwrite():
    found = message(
        {"voice": "a", "level": 1, "tags": ["x"], "later": None},
        {"voice": "b", "level": 2, "tags": ["y"], "later": "z"},
        {"level": None},
    )
    assert (found["voice"], found["level"], found["tags"], found["later"]) == ("ab", 2, ["y"], "z")


def test_unknown_keys_outside_the_delta_overwrite():
    payloads = [{**HI, "pad": text, "object": "chat.completion.chunk"} for text in ("x", "y", None)]
    assert final(*payloads)["pad"] == "y"
    payload = chunk({"content": "x"})
    payload["choices"][0]["seed"] = 7
    assert final(payload)["choices"][0]["seed"] == 7


def test_audio_is_folded():
    audio = message(
        {"audio": {"id": "a1", "transcript": "Sure"}},
        {"audio": {"data": "AAAA"}},
        {"audio": {"data": "BBBB", "transcript": "!"}},
        {"audio": {"expires_at": 5}},
    )["audio"]
    assert audio == {"id": "a1", "data": "AAAABBBB", "expires_at": 5, "transcript": "Sure!"}


def test_what_never_came_is_empty_or_zero():
    found = final({"choices": [{"index": 0, "delta": {"tool_calls": [{"index": 0}]}}]})
    assert (found["id"], found["model"], found["created"]) == ("", "", 0)
    (tool_call,) = found["choices"][0]["message"]["tool_calls"]
    assert tool_call == {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}


def test_an_error_without_a_message_shows_the_beginning_of_its_body():
    with pytest.raises(APIError) as caught:
        next(ChatStream([sse({"error": {"reasons": ["no"] * 10_000}})]))
    assert str(caught.value).startswith("the server reported {'reasons': ['no', 'no'")
    assert len(str(caught.value)) < 1100
    assert caught.value.body == {"reasons": ["no"] * 10_000}
