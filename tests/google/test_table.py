"""How Gemini streams are read that are not as documented: a test each row of docs/quirks.md."""

from __future__ import annotations

import asyncio
import json
import pickle
from typing import Any

import pytest
from google_package import assert_accepted
from sse import sse

from sseparse.google import (
    APIError,
    Candidate,
    ChunkDecodeError,
    Content,
    FunctionCall,
    GenerateContentParser,
    GenerateContentResponse,
    GenerateContentStream,
    GenerateContentStreamState,
    Part,
    TruncatedStreamError,
)

USAGE = {"promptTokenCount": 9, "candidatesTokenCount": 2, "totalTokenCount": 11}


def said(*parts: Any, usage: Any = None, **candidate: Any) -> dict[str, Any]:
    content = {"parts": list(parts), "role": "model"}
    payload: dict[str, Any] = {"candidates": [{"content": content, **candidate}]}
    return payload if usage is None else {**payload, "usageMetadata": usage}


def text(value: Any, **more: Any) -> dict[str, Any]:
    return {"text": value, **more}


def call(**more: Any) -> dict[str, Any]:
    return {"functionCall": more}


def final(*payloads: Any, **options: Any) -> GenerateContentResponse:
    """The final response of a stream, which Google's package accepts."""
    response = GenerateContentStream([sse(*payloads)], **options).get_final_response()
    assert_accepted(response)
    return response


def parts_of(*payloads: Any) -> list[Any]:
    return [part.to_dict() for part in final(*payloads).parts]


HI = said(text("Hi"))
STOP = said(finishReason="STOP")


# The end.


@pytest.mark.parametrize(
    ("payloads", "truncated", "reason"),
    [
        ([HI], True, None),
        ([HI, STOP], False, "STOP"),
        ([HI, said(finishReason="")], True, None),
        ([HI, said(finishReason="NEW_WORD")], False, "NEW_WORD"),
        ([{"promptFeedback": {"blockReason": "SAFETY"}}], False, "SAFETY"),
        ([{"promptFeedback": {"safetyRatings": []}}], True, None),
        ([{"candidates": [{"index": 1}, {"index": 0, "finishReason": "STOP"}]}], True, "STOP"),
        ([said(text("a"), finishReason="MAX_TOKENS"), said(text("b"))], False, "MAX_TOKENS"),
        ([{"candidates": [{"index": 0}], "promptFeedback": {"blockReason": "X"}}], False, "X"),
    ],
)
def test_a_response_is_whole_with_a_reason_for_every_candidate(
    streams, payloads, truncated, reason
):
    for options in ({}, {"accumulate": False}):
        stream = streams.GenerateContentStream([sse(*payloads)], **options).until_done()
        assert (stream.truncated, stream.finish_reason) == (truncated, reason)
        assert not stream.done


def test_a_truncated_stream_is_an_error_with_require_done():
    with pytest.raises(TruncatedStreamError, match="finish reason for every candidate"):
        GenerateContentStream([sse(HI)], require_done=True).until_done()


# Errors.


@pytest.mark.parametrize(
    ("payload", "code", "kind"),
    [
        ({"error": {"code": 503, "message": "m", "status": "UNAVAILABLE"}}, 503, "UNAVAILABLE"),
        ([{"error": {"code": 400, "message": "m", "status": "X"}}], 400, "X"),
        ({"error": {"message": "m", "status": 5}}, 5, None),
        ({"error": "m"}, None, None),
        ({"error": {"code": 503, "message": "m"}, "candidates": [{"index": 0}]}, 503, None),
    ],
)
def test_an_error_is_one_wherever_it_stands(streams, payload, code, kind):
    as_lines = json.dumps(payload, indent=2).encode()
    for body in (sse(HI, payload), sse(HI) + as_lines, as_lines, sse(HI) + as_lines + b"\n\n"):
        stream = streams.GenerateContentStream([body])
        with pytest.raises(APIError, match="m") as caught:
            stream.until_done()
        assert (caught.value.code, caught.value.type) == (code, kind)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
        assert stream.truncated


# Parts.


def test_consecutive_texts_of_one_kind_are_one_part(streams):
    payloads = [
        *(said(text(f"t{n} ", thought=True), usage=USAGE) for n in range(6)),
        *(said(text(f"{n} "), usage=USAGE) for n in range(6)),
        said(text("a"), text("b")),
        STOP,
    ]
    stream = streams.GenerateContentStream([sse(*payloads)])
    assert [part.to_dict() for part in stream.get_final_response().parts] == [
        {"text": "t0 t1 t2 t3 t4 t5 ", "thought": True},
        {"text": "0 1 2 3 4 5 ab"},
    ]
    texts = list(streams.GenerateContentStream([sse(*payloads)]).iter_text())
    assert "".join(texts) == "0 1 2 3 4 5 ab"
    state = streams.GenerateContentStreamState()
    for chunk in streams.GenerateContentStream([sse(*payloads)]):
        state.handle_chunk(chunk)
    assert (state.text, state.reasoning) == ("0 1 2 3 4 5 ab", "t0 t1 t2 t3 t4 t5 ")


@pytest.mark.parametrize("first", [[], [text("a")]])
def test_a_part_with_a_signature_stays_as_it_came(first):
    signed = text("", thoughtSignature="c2ln")
    assert parts_of(said(*first, signed), said(text("b"))) == [*first, signed, text("b")]
    assert parts_of(said(text("a"), text("b", thoughtSignature="c2ln"), text("c"))) == [
        text("a"),
        text("b", thoughtSignature="c2ln"),
        text("c"),
    ]


@pytest.mark.parametrize(
    "payloads",
    [
        [said(text(f"{n}", thoughtSignature=f"{n}")) for n in range(9)],
        [said(text(f"{n}"), text(f"{n}")) for n in range(9)],
        [said(text(f"{n}"), logprobsResult={"topCandidates": [n]}) for n in range(9)],
        [said(text(f"{n}"), new=f"{n}") for n in range(9)],
    ],
)
def test_pieces_that_bring_more_than_a_text_are_folded_one_by_one(streams, payloads):
    final = streams.GenerateContentStream([sse(*payloads)]).get_final_response()
    state = streams.GenerateContentStreamState()
    for payload in payloads:  # each of a stream of its own
        for chunk in streams.GenerateContentStream([sse(payload)]):
            state.handle_chunk(chunk)
    assert final == state.get_final_response()
    assert final.to_dict() == state.get_final_response().to_dict()


def test_an_empty_text_at_the_end_is_no_part_of_its_own():
    assert parts_of(said(call(name="f", args={})), said(text(""))) == [call(name="f", args={})]
    assert parts_of(said(text(""))) == [text("")]


def test_other_parts_are_parts_of_their_own():
    data = {"inlineData": {"mimeType": "audio/L16", "data": "AAAA"}}
    code = {"executableCode": {"code": "1", "language": "PYTHON"}}
    assert parts_of(said(text("a"), data), said(data), said(code), said(text("b"))) == [
        *(text("a"), data, data, code, text("b"))
    ]


def test_undeclared_keys_are_kept_at_every_level(streams):
    payload = {
        "candidates": [
            {"content": {"parts": [text("a", new=1)], "x": 2}, "y": 3, "finishReason": "STOP"}
        ],
        "z": 4,
        "usageMetadata": {**USAGE, "w": 5},
    }
    response = streams.GenerateContentStream([sse(payload)]).get_final_response()
    assert response.to_dict() == payload
    candidate = response.candidates[0]
    assert (response.model_extra, candidate.model_extra) == ({"z": 4}, {"y": 3})
    assert response.usage_metadata.model_extra == {"w": 5}


# Calls.


def test_calls_are_whole_as_they_come(streams):
    body = sse(said(call(name="f", args={"a": 1})), said(call(name="f", args={"a": 2})), STOP)
    state = streams.GenerateContentStreamState()
    for chunk in streams.GenerateContentStream([body]):
        state.handle_chunk(chunk)
    assert [(each.name, each.args(), each.is_complete) for each in state.calls()] == [
        ("f", {"a": 1}, True),
        ("f", {"a": 2}, True),
    ]
    assert streams.GenerateContentStreamState().calls() == []
    assert streams.GenerateContentStreamState().text == ""


def partial(path: str, **value: Any) -> dict[str, Any]:
    return {"jsonPath": path, **value}


PIECES = [
    call(name="f", id="1", willContinue=True),
    call(partialArgs=[partial("$.a", stringValue="x", willContinue=True)], willContinue=True),
    call(partialArgs=[partial("$.a", stringValue="y", willContinue=True)], willContinue=True),
    call(partialArgs=[partial("$.a", stringValue="")], willContinue=True),
    call(partialArgs=[partial("$.b[0].c", numberValue=32)], willContinue=True),
    call(partialArgs=[partial("$.b[1]", boolValue=True), 5], willContinue=True),
    call(partialArgs=[partial("$.b[99999999999]", nullValue="NULL_VALUE")], willContinue=True),
    call(partialArgs=[partial("$['d e'][\"f\"]", numberValue=1.5)], willContinue=True),
    call(partialArgs=[partial("$.b[1]", boolValue=False)], willContinue=True),
    call(partialArgs=[partial("odd", stringValue="z")], willContinue=True),
    call(partialArgs=[partial("$['b'][1]", boolValue=True)], willContinue=True),
    call(args={"g": 1}),
]
ARGUMENTS = {
    "a": "xy",
    "b": [{"c": 32}, True, None],
    "d e": {"f": 1.5},
    "odd": "z",
    "g": 1,
}


def test_a_call_that_comes_value_by_value_is_put_together(streams):
    body = sse(*map(said, PIECES), STOP)
    [made] = streams.GenerateContentStream([body]).get_final_response().function_calls
    assert (made.id, made.name, made.args, made.will_continue) == ("1", "f", ARGUMENTS, None)


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["$.a[0].b", "$.a[0].c"], {"a": [{"b": 0, "c": 1}]}),
        (["$.a[0]", "$.a[0].b"], {"a": [{"b": 1}]}),
        (["$.a[0]", "$.a[0][0]"], {"a": [[1]]}),
        (["$.a", "$.a.b"], {"a": {"b": 1}}),
        (["$.a.b", "$.a[0]"], {"a": {"b": 0, "0": 1}}),
        (["$.a[0][0]", "$.a[0].b"], {"a": [[0, 1]]}),
        (["$" + ".a" * 5000], {"$" + ".a" * 5000: 0}),
    ],
    ids=["two names", "a name", "a list", "an object", "an index", "a name in a list", "deep"],
)
def test_a_path_through_what_is_something_else_is_followed_as_far_as_it_goes(
    streams, paths, expected
):
    values = [partial(path, numberValue=number) for number, path in enumerate(paths)]
    pieces = [
        call(name="f", willContinue=True),
        *(call(partialArgs=[value], willContinue=True) for value in values),
        call(),
    ]
    response = streams.GenerateContentStream([sse(*map(said, pieces))]).get_final_response()
    [made] = response.function_calls
    assert made.args == expected
    assert json.loads(response.to_json())["candidates"]


def test_of_a_call_that_is_cut_off_only_whole_values_are_there():
    for count in range(1, len(PIECES)):
        [made] = final(*map(said, PIECES[:count])).function_calls
        assert made.will_continue is True
        assert made.args.get("a", "xy") == "xy"
        assert ("a" in made.args) == (count > 3)


def test_a_new_name_begins_a_call_where_the_last_is_not_complete():
    made = final(said(call(name="f", willContinue=True)), said(call(name="g"))).function_calls
    assert [each.name for each in made] == ["f", "g"]


# Candidates.


def test_candidates_are_told_by_their_index_or_their_place(streams):
    payloads = [
        {"candidates": [{"index": 1, "content": {"parts": [text("b")]}}]},
        {"candidates": [{"content": {"parts": [text("a")]}}, {"content": {"parts": [text("c")]}}]},
    ]
    stream = streams.GenerateContentStream([sse(*payloads)])
    response = stream.get_final_response()
    found = [(each.index, each.content.parts[0].text) for each in response.candidates]
    assert found == [(None, "a"), (1, "bc")]
    assert list(streams.GenerateContentStream([sse(*payloads)]).iter_text(1)) == ["b", "c"]


def test_of_what_is_said_of_a_candidate_the_last_counts_and_lists_go_on(streams):
    def more(number: int) -> dict[str, Any]:
        return said(
            text("x"),
            safetyRatings=[{"category": number}],
            groundingMetadata={f"k{number}": number},
            citationMetadata={"citationSources": [number]},
            logprobsResult={"chosenCandidates": [{"token": str(number)}], "logProbabilitySum": 1},
            avgLogprobs=-0.5,
        )

    stream = streams.GenerateContentStream([sse(more(1), more(2), said(safetyRatings=[]), STOP)])
    candidate = stream.get_final_response().to_dict()["candidates"][0]
    assert candidate["safetyRatings"] == [{"category": 2}]
    assert candidate["groundingMetadata"] == {"k1": 1, "k2": 2}
    assert candidate["citationMetadata"] == {"citationSources": [1, 2]}
    assert candidate["logprobsResult"]["chosenCandidates"] == [{"token": "1"}, {"token": "2"}]


def test_too_many_candidates_are_an_error():
    payload = {"candidates": [{"index": n} for n in range(1001)]}
    with pytest.raises(ChunkDecodeError, match="it has 1001 candidates"):
        GenerateContentStream([sse(payload)]).until_done()


# The response.


def test_the_head_is_as_it_came_first_and_the_rest_as_it_came_last():
    response = final(
        {**HI, "modelVersion": "m", "responseId": "1", "createTime": "2026-01-01T00:00:00Z"},
        {
            **STOP,
            "modelVersion": "n",
            "modelStatus": {"modelStage": "STABLE"},
            "promptFeedback": {},
        },
    )
    assert (response.model_version, response.response_id) == ("m", "1")
    assert response.model_status == {"modelStage": "STABLE"}


def test_of_usage_the_last_counts_and_nothing_but_zeros_is_none(streams):
    def usage(count: int) -> dict[str, Any]:
        return {**USAGE, "candidatesTokenCount": count, "totalTokenCount": 9 + count}

    payloads = [said(text(f"{n} "), usage=usage(n)) for n in range(12)]
    for options in ({}, {"accumulate": False}):
        stream = streams.GenerateContentStream([sse(*payloads)], **options).until_done()
        assert stream.usage.to_dict() == usage(11)
        zeros = dict.fromkeys(USAGE, 0)
        stream = streams.GenerateContentStream(
            [sse(*payloads, {"usageMetadata": zeros}, {"usageMetadata": None})], **options
        )
        assert stream.until_done().usage.to_dict() == usage(11)


def test_usage_that_varies_altogether_is_the_last(streams):
    payloads = [
        said(text("x"), usage={name: n * 100 + m for m, name in enumerate(USAGE)})
        for n in range(1, 9)
    ]
    for options in ({}, {"accumulate": False}):
        stream = streams.GenerateContentStream([sse(*payloads)], **options).until_done()
        assert stream.usage.prompt_token_count == 800


def test_nulls_where_values_should_be_are_nothing(streams):
    payloads = [
        {"candidates": None},
        {"candidates": [{"content": None}, None]},
        {"candidates": [{"content": {"parts": None}}]},
        {"candidates": [{"content": {"parts": [{"functionCall": None, "text": None}]}}]},
    ]
    stream = streams.GenerateContentStream([sse(*payloads)])
    assert [chunk.text for chunk in stream] == ["", "", "", ""]
    assert [part.to_dict() for part in stream.get_final_response().parts] == [{}]
    with pytest.raises(ChunkDecodeError):
        streams.GenerateContentStream([sse(*payloads)], strict=True).until_done()


def test_a_response_inside_an_object_of_its_own_is_read(streams):
    inner = [said(text(f"{n}")) for n in range(9)]
    wrapped = [{"response": each, "traceId": "x"} for each in inner]
    stream = streams.GenerateContentStream([sse(*wrapped)])
    assert [chunk.text for chunk in stream] == [str(n) for n in range(9)]
    assert stream.get_final_response().text == "012345678"
    [chunk] = streams.GenerateContentStream([sse(wrapped[0])])
    assert chunk.to_dict() == wrapped[0]


def test_a_whole_response_in_place_of_a_stream_is_read(streams):
    whole = {**said(text("Hi"), finishReason="STOP"), "usageMetadata": USAGE}
    stream = streams.GenerateContentStream([json.dumps(whole).encode()])
    assert stream.get_final_response().to_dict() == whole
    assert not stream.truncated


# What else a stream is asked.


def test_tokens_are_texts_thoughts_calls_and_data(streams):
    ticks = iter(range(100))
    parser = streams.GenerateContentParser(clock=lambda: next(ticks))
    for part in (text("a", thought=True), text(""), text("b"), call(name="f"), {"fileData": {}}):
        parser.feed(sse(said(part)))
    parser.feed(sse({"candidates": [{"index": 0}]}))
    assert parser.timing.token_times == [0, 2, 3]


def test_partial_json_is_the_value_of_a_candidates_text(streams):
    body = sse(said(text('{"a": [')), said(text("1, 2]}")))
    values = [
        json.dumps(value) for value in streams.GenerateContentStream([body]).iter_partial_json()
    ]
    assert values == ['{"a": []}', '{"a": [1, 2]}']

    async def read() -> list[Any]:
        async def chunks() -> Any:
            yield body

        stream = streams.AsyncGenerateContentStream(chunks())
        return [json.dumps(value) async for value in stream.iter_partial_json()]

    assert asyncio.run(read()) == values


def test_fields_have_the_names_of_googles_package_and_json_its_own():
    payload = said({**call(name="f"), "thoughtSignature": "s"}, usage=USAGE)
    [chunk] = GenerateContentStream([sse(payload)])
    assert chunk.usage_metadata.prompt_token_count == 9
    assert chunk.candidates[0].content.parts[0].thought_signature == "s"
    assert chunk.to_dict() == payload
    chunk.usage_metadata.prompt_token_count = 10
    chunk.candidates[0].finish_reason = "STOP"
    changed = said({**call(name="f"), "thoughtSignature": "s"}, usage=USAGE, finishReason="STOP")
    changed["usageMetadata"] = {**USAGE, "promptTokenCount": 10}
    assert chunk.to_dict() == changed


def test_a_response_somebody_makes_himself_can_be_folded():
    state = GenerateContentStreamState()
    part = Part(function_call=FunctionCall(name="f", args={}))
    made = GenerateContentResponse(candidates=[Candidate(content=Content(parts=[part]))])
    assert made.raw is None
    state.handle_chunk(made)
    assert state.get_final_response().function_calls == [FunctionCall(name="f", args={})]
    assert not state.finished


def test_the_final_response_is_its_callers():
    parser = GenerateContentParser()
    parser.feed(sse(said(call(name="f", args={"a": [1]}))))
    parser.get_final_response().function_calls[0].args["a"].clear()
    assert parser.current_response_snapshot.function_calls[0].args == {"a": [1]}
