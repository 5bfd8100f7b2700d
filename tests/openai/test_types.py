"""The objects: the openai package's names and fields, and nothing unreachable."""

from __future__ import annotations

import copy
import json
import operator
import pickle
from typing import Any

import msgspec
import openai.types
import openai.types.chat
import openai.types.chat.chat_completion
import openai.types.chat.chat_completion_chunk
import openai.types.chat.chat_completion_message
import openai.types.chat.chat_completion_message_custom_tool_call
import openai.types.chat.chat_completion_message_function_tool_call
import openai.types.completion_choice
import openai.types.completion_usage
import pytest
from chat_streams import chunk, sse

import sseparse.openai
from sseparse import encode_event
from sseparse.openai import (
    ChatCompletion,
    ChatCompletionChunk,
    ChatCompletionMessage,
    ChatCompletionStreamState,
    ChatStream,
    Choice,
    ChoiceDelta,
    ChoiceDeltaToolCall,
    ChoiceDeltaToolCallFunction,
    Completion,
    CompletionChoice,
    CompletionStream,
    CompletionUsage,
    Logprobs,
)

chat = openai.types.chat


def decode(payload: Any) -> ChatCompletionChunk:
    (found,) = ChatStream([sse(payload)])
    return found


UNKNOWN = {
    **chunk({"content": "x", "voice": {"pitch": 1}, "refusal": None}),
    "odd": [1],
    "usage": {
        "prompt_tokens": 1,
        "completion_tokens": 1,
        "total_tokens": 2,
        "cost": 0.5,
        "prompt_tokens_details": {"cached_tokens": 0, "holographic_tokens": 4},
    },
}
UNKNOWN["choices"][0]["seed"] = 9


# Fields.


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("ChatCompletionChunk", chat.ChatCompletionChunk),
        ("Choice", chat.chat_completion_chunk.Choice),
        ("ChoiceDelta", chat.chat_completion_chunk.ChoiceDelta),
        ("ChoiceDeltaAudio", chat.chat_completion_chunk.ChoiceDeltaAudio),
        ("ChoiceDeltaFunctionCall", chat.chat_completion_chunk.ChoiceDeltaFunctionCall),
        ("ChoiceDeltaToolCall", chat.chat_completion_chunk.ChoiceDeltaToolCall),
        ("ChoiceDeltaToolCallFunction", chat.chat_completion_chunk.ChoiceDeltaToolCallFunction),
        ("ChoiceLogprobs", chat.chat_completion_chunk.ChoiceLogprobs),
        ("ChatCompletionTokenLogprob", chat.ChatCompletionTokenLogprob),
        ("TopLogprob", chat.chat_completion_token_logprob.TopLogprob),
        ("Moderation", chat.chat_completion_chunk.Moderation),
        ("ChatCompletion", chat.ChatCompletion),
        ("ChatCompletionChoice", chat.chat_completion.Choice),
        ("ChatCompletionMessage", chat.ChatCompletionMessage),
        ("ChatCompletionMessageToolCall", chat.ChatCompletionMessageFunctionToolCall),
        ("ChatCompletionMessageToolCall", chat.ChatCompletionMessageCustomToolCall),
        ("ChatCompletionAudio", chat.ChatCompletionAudio),
        ("FunctionCall", chat.chat_completion_message.FunctionCall),
        ("Function", chat.chat_completion_message_function_tool_call.Function),
        ("Custom", chat.chat_completion_message_custom_tool_call.Custom),
        ("Annotation", chat.chat_completion_message.Annotation),
        ("AnnotationURLCitation", chat.chat_completion_message.AnnotationURLCitation),
        ("CompletionUsage", openai.types.CompletionUsage),
        ("CompletionTokensDetails", openai.types.completion_usage.CompletionTokensDetails),
        ("PromptTokensDetails", openai.types.completion_usage.PromptTokensDetails),
        ("Completion", openai.types.Completion),
        ("CompletionChoice", openai.types.CompletionChoice),
        ("Logprobs", openai.types.completion_choice.Logprobs),
    ],
)
def test_every_field_of_the_openai_package_is_there(ours, theirs):
    fields = set(getattr(sseparse.openai, ours).__struct_fields__)
    assert set(theirs.model_fields) - {"metadata"} <= fields


def test_the_fields_that_providers_add_are_there():
    delta = {"reasoning_content", "reasoning", "reasoning_details", "annotations", "images"}
    assert {*delta, "extra_content"} <= set(ChoiceDelta.__struct_fields__)
    assert {*delta, "extra_content"} <= set(ChatCompletionMessage.__struct_fields__)
    assert {"content_filter_results", "content_filter_offsets"} <= set(Choice.__struct_fields__)
    for top in (ChatCompletionChunk, ChatCompletion):
        assert {"prompt_filter_results", "x_groq", "citations", "timings"} <= set(
            top.__struct_fields__
        )


def test_everything_public_is_exported():
    for name in sseparse.openai.__all__:
        assert getattr(sseparse.openai, name).__name__ == name


# Nothing becomes unreachable.


@pytest.mark.parametrize("payload", [chunk({"content": "x", "refusal": None}, usage=None), UNKNOWN])
def test_a_chunk_gives_back_what_was_received(payload):
    found = decode(payload)
    assert json.loads(found.raw) == payload
    assert found.to_dict() == found.model_dump() == payload
    assert json.loads(found.to_json()) == json.loads(found.model_dump_json(indent=2)) == payload
    assert "\n" not in found.to_json()


def test_half_a_character_does_not_keep_json_from_being_encoded():
    found = decode(chunk({"unknown": "\ud83d"}))
    for text in (found.to_json(), found.model_dump_json(indent=2)):
        assert json.loads(text.encode()) == found.to_dict()


def test_raw_is_the_payload_to_the_byte():
    raw = json.dumps(UNKNOWN, indent=None, separators=(" ,", " : ")).encode()
    assert decode(raw).raw == raw


def test_unknown_keys_are_reachable_at_every_level():
    found = decode(UNKNOWN)
    assert found.model_extra == {"odd": [1]}
    assert found.choices[0].model_extra == {"seed": 9}
    assert found.choices[0].delta.model_extra == {"voice": {"pitch": 1}}
    # A part of a chunk has what is not None, and only the whole of it all that came.
    delta = UNKNOWN["choices"][0]["delta"]
    assert found.choices[0].delta.to_dict() == {
        name: value for name, value in delta.items() if value is not None
    }
    assert found.usage.model_extra == {"cost": 0.5}
    assert found.usage.prompt_tokens_details.model_extra == {"holographic_tokens": 4}
    assert found.usage.to_dict() == UNKNOWN["usage"]


def test_without_unknown_keys_model_extra_is_empty():
    found = decode(chunk({"content": "x"}))
    assert found.model_extra == found.choices[0].model_extra == {}
    assert found.choices[0].delta.model_extra == {}


def test_legacy_chunks_give_back_what_was_received():
    payload = {"id": "c", "object": "text_completion", "created": 1, "model": "m", "odd": 1}
    payload["choices"] = [{"index": 0, "text": "x", "logprobs": None, "stop_reason": 3}]
    (found,) = CompletionStream([sse(payload)])
    assert found.to_dict() == json.loads(found.raw) == payload
    assert found.model_extra == {"odd": 1}


@pytest.mark.parametrize(
    ("delta", "reasoning"),
    [
        ({"reasoning_content": "a"}, "a"),
        ({"reasoning": "b"}, "b"),
        ({"reasoning": "b", "reasoning_content": ""}, "b"),
        ({"reasoning_text": "c"}, "c"),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "d"}]}]}, "d"),
        ({"reasoning_content": ""}, ""),
        ({"content": "x"}, None),
    ],
)
def test_reasoning_text_is_the_reasoning_whichever_name_it_came_under(delta, reasoning):
    assert decode(chunk(delta)).choices[0].delta.reasoning_text == reasoning


@pytest.mark.parametrize(
    ("deltas", "reasoning"),
    [
        ([{"reasoning_content": "a"}, {"reasoning_content": "b"}], "ab"),
        ([{"reasoning": "a"}], "a"),
        ([{"reasoning_text": "a"}, {"reasoning_text": "b"}], "ab"),
        ([{"content": "x"}], None),
    ],
)
def test_the_final_message_has_reasoning_text_too(deltas, reasoning):
    completion = ChatStream([sse(*map(chunk, deltas))]).get_final_completion()
    assert completion.choices[0].message.reasoning_text == reasoning


# Changes.


def test_to_dict_gives_a_changed_field_as_it_is_now_and_the_rest_as_it_came():
    found = decode(UNKNOWN)
    found.model = "mine"
    found.choices[0].delta.content = "y"
    found.choices[0].finish_reason = "stop"
    expected = copy.deepcopy(UNKNOWN)
    expected["model"] = "mine"
    expected["choices"][0]["delta"]["content"] = "y"
    expected["choices"][0]["finish_reason"] = "stop"
    assert found.to_dict() == expected


def test_a_changed_list_is_given_as_it_is_now():
    found = decode(chunk({"content": "x"}))
    found.choices.append(Choice(index=1, delta=ChoiceDelta(content="new")))
    assert [choice["index"] for choice in found.to_dict()["choices"]] == [0, 1]
    found.choices.clear()
    assert found.to_dict()["choices"] == []


def test_a_mended_field_is_given_as_it_came_until_it_is_changed():
    payload = chunk({"content": 5}, created="5")
    found = decode(payload)
    assert (found.created, found.choices[0].delta.content) == (5, "5")
    assert found.to_dict() == payload
    found.choices[0].delta.content = "6"
    assert found.to_dict() == {**chunk({"content": "6"}), "created": "5"}
    assert found.choices[0].delta.to_dict() == {"content": "6"}


# Structs like any other.


def test_equality_is_by_fields_whatever_the_path():
    plain = decode(chunk({"content": "x"}))
    exact = decode(chunk({"content": "x"}, usage=None, finish_reason=None))
    made = msgspec.json.decode(json.dumps(chunk({"content": "x"})), type=ChatCompletionChunk)
    assert plain == exact == made
    assert plain != decode(chunk({"content": "y"}))
    for other, is_equal in ((exact, True), (plain.choices[0], False), (5, False)):
        assert operator.eq(plain, other) is is_equal
        assert operator.ne(plain, other) is not is_equal
    assert isinstance(plain, ChatCompletionChunk)
    assert repr(plain) == repr(made)


@pytest.mark.parametrize("payload", [chunk({"content": "x"}), UNKNOWN, chunk({"content": 5})])
def test_pickling_and_copying_keep_everything(payload):
    found = decode(payload)
    for twin in (pickle.loads(pickle.dumps(found)), copy.copy(found), copy.deepcopy(found)):
        assert twin == found
        assert twin.raw == found.raw
        assert twin.to_dict() == payload
        assert twin.choices[0].delta.model_extra == found.choices[0].delta.model_extra
    deep = copy.deepcopy(found)
    deep.choices[0].delta.content = "changed"
    assert found.to_dict() == payload


def test_objects_cannot_be_hashed():
    with pytest.raises(TypeError):
        hash(ChoiceDelta())


def test_msgspec_encodes_them_without_what_is_hidden():
    found = decode(UNKNOWN)
    encoded = json.loads(msgspec.json.encode(found))
    assert encoded["choices"][0]["delta"] == {"content": "x"}
    assert set(encoded) <= set(ChatCompletionChunk.__struct_fields__)


def test_an_object_made_by_hand_gives_what_is_set():
    made = ChoiceDelta(content="x", tool_calls=[])
    assert made.to_dict() == {"content": "x", "tool_calls": []}
    assert made.model_extra == {}
    assert ChatCompletionChunk(id="a").raw is None


def made_chunks() -> list[ChatCompletionChunk]:
    call = ChoiceDeltaToolCall(
        index=0, id="t", function=ChoiceDeltaToolCallFunction(name="f", arguments="{}")
    )
    deltas = [ChoiceDelta(role="assistant", content="Hi"), ChoiceDelta(tool_calls=[call])]
    chunks = [
        ChatCompletionChunk(id="c", model="m", choices=[Choice(index=0, delta=delta)])
        for delta in deltas
    ]
    chunks[1].choices[0].finish_reason = "tool_calls"
    usage = CompletionUsage(prompt_tokens=1, completion_tokens=2, total_tokens=3)
    return [*chunks, ChatCompletionChunk(id="c", model="m", usage=usage)]


@pytest.mark.parametrize("made", made_chunks())
def test_a_chunk_made_by_hand_is_one_of_the_openai_package(made):
    assert made.object == "chat.completion.chunk"
    assert json.loads(made.to_json())["object"] == "chat.completion.chunk"
    theirs = chat.ChatCompletionChunk.model_validate_json(made.to_json(), strict=True)
    assert theirs.to_dict() == made.to_dict()


def test_chunks_made_by_hand_come_out_of_a_stream_as_they_went_in():
    body = [encode_event(made.to_json()) for made in made_chunks()]
    assert list(ChatStream(body)) == made_chunks()
    state = ChatCompletionStreamState()
    for made in made_chunks():
        state.handle_chunk(made)
    completion = state.get_final_completion()
    assert completion == ChatStream(body).get_final_completion()
    assert chat.ChatCompletion.model_validate(completion.to_dict()).choices[0].message.tool_calls


def test_a_legacy_chunk_made_by_hand_is_one_of_the_openai_package():
    made = Completion(id="c", model="m", choices=[CompletionChoice(index=0, text="x")])
    fields = made.to_dict()
    assert fields["object"] == "text_completion"
    # That package knows no choice without a reason, though it streams them.
    fields["choices"][0]["finish_reason"] = "stop"
    assert openai.types.Completion.model_validate(fields).choices[0].text == "x"
    assert list(CompletionStream([encode_event(made.to_json())])) == [made]


def test_payloads_cannot_reach_what_is_hidden():
    payload = {**chunk({"content": "x"}), "_source": 1, "_extra": 2, "_original": 3}
    found = decode(payload)
    assert found.to_dict() == payload
    assert found.model_extra == {"_source": 1, "_extra": 2, "_original": 3}


def test_the_service_tier_of_another_provider_is_kept_but_not_dumped():
    stream = ChatStream([sse(chunk({"content": "x"}, service_tier="on_demand"))])
    completion = stream.get_final_completion()
    assert completion.service_tier == "on_demand"
    assert "service_tier" not in completion.to_dict()


def test_other_annotations_than_openais_are_kept_but_not_dumped():
    annotation = {"type": "file", "file": {"name": "a.pdf"}}
    stream = ChatStream([sse(chunk({"annotations": [annotation]}))])
    message = stream.get_final_completion().choices[0].message
    assert message.annotations[0].to_dict() == annotation
    assert "annotations" not in message.to_dict()


RESULTS = {
    "type": "moderation_results",
    "model": "m",
    "results": [
        {
            "type": "moderation_result",
            "categories": {"violence": False},
            "category_applied_input_types": {"violence": ["text"]},
            "category_scores": {"violence": 0.1},
            "flagged": False,
            "model": "m",
        }
    ],
}
REFUSED = {"type": "error", "code": "c", "message": "m"}


@pytest.mark.parametrize(
    ("part", "is_openais"),
    [
        (RESULTS, True),
        (REFUSED, True),
        ({**REFUSED, "code": 5}, False),
        ({**RESULTS, "results": None}, False),
        ("fine", False),
        (None, False),
    ],
)
def test_another_moderation_than_openais_is_kept_but_not_dumped(part, is_openais):
    payload = chunk({"content": "x"}, moderation={"input": RESULTS, "output": part})
    completion = ChatStream([sse(payload)]).get_final_completion()
    assert completion.moderation.output == part
    assert ("moderation" in completion.to_dict()) == is_openais
    if is_openais:
        chat.ChatCompletion.model_validate({**completion.to_dict(), "choices": []})


def test_what_the_openai_package_refuses_in_legacy_logprobs_is_dumped_as_empty():
    logprobs = {"tokens": ["a", "b"], "token_logprobs": [None, -1.0]}
    for top in ({}, {"top_logprobs": [None, {"b": -1.0}]}):
        choice = {"index": 0, "text": "ab", "logprobs": {**logprobs, **top}}
        stream = CompletionStream([sse({"id": "c", "model": "m", "choices": [choice]})])
        found = stream.get_final_completion().choices[0].logprobs
        assert found.token_logprobs == [None, -1.0]
        dumped = found.to_dict()
        assert dumped["token_logprobs"] == [0.0, -1.0]
        assert dumped.get("top_logprobs") == ([{}, {"b": -1.0}] if top else None)
        openai.types.completion_choice.Logprobs.model_validate(dumped)
    assert Logprobs(tokens=["a"]).to_dict() == {"tokens": ["a"]}
