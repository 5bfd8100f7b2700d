"""What is written of chunks: as they came, but for what somebody has changed.

The law: after any change of a chunk's fields, lists and dicts, ``to_dict()`` and ``to_json()`` say
what the same change makes of the payload; keys keep their order, and what nobody declares stays.
"""

from __future__ import annotations

import copy
import importlib.util
import json
import math
import sys
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import msgspec
import odd_payloads
import pytest
from chat_streams import chunk
from corpus import entries
from hypothesis import given
from hypothesis import strategies as st

from sseparse import SSEError, _stream, encode_event
from sseparse._stream import changes, decode, model
from sseparse.openai import (
    ChatCompletionChunk,
    ChatStream,
    Choice,
    ChoiceDelta,
    CompletionChoice,
    CompletionStream,
    CompletionUsage,
)
from sseparse.openai.decode import chat_decoder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType


def in_python() -> ModuleType:
    """The module that is compiled as it stands, once more from its source."""
    path = Path(_stream.__file__).with_name("changes.py")
    spec = importlib.util.spec_from_file_location("sseparse._stream.changes_in_python", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def writing_with(module: ModuleType) -> Iterator[None]:
    names = ("dict_of", "json_of", "plain", "written")
    before = {name: getattr(model, name) for name in names}
    try:
        vars(model).update({name: getattr(module, name) for name in names})
        yield
    finally:
        vars(model).update(before)


@pytest.fixture(autouse=True, scope="module", params=["installed", "python"])
def writing(request: pytest.FixtureRequest) -> Iterator[None]:
    with writing_with(changes if request.param == "installed" else in_python()):
        yield


def read(payload: Any, stream: Any = ChatStream) -> Any:
    payload = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    (found,) = stream([encode_event(payload)])
    return found


def chunks_of(body: bytes, stream: Any = ChatStream) -> Iterator[Any]:
    """All that can be read of a body."""
    reading = stream([body])
    while True:
        try:
            found = next(reading, None)
        except SSEError:
            continue
        if found is None:
            return
        yield found


RICH = {
    "provider_key": [{"a": True}],
    **chunk({"content": "x", "voice": {"pitch": 1}, "refusal": None}),
    "system_fingerprint": None,
    "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {"hate": [1, None]}}],
    "usage": {
        "prompt_tokens": 1,
        "completion_tokens": 1,
        "total_tokens": 2,
        "cost": 0.5,
        "prompt_tokens_details": {"cached_tokens": 0, "holographic_tokens": 4},
    },
    "x_groq": {"id": "req", "n": 1},
}
RICH["choices"] = [
    {**RICH["choices"][0], "seed": 9, "content_filter_results": {"hate": {"filtered": False}}},
    {
        "finish_reason": "stop",
        "index": 1,
        "delta": {"tool_calls": [{"index": 0, "odd": 1, "function": {"arguments": "{"}}]},
        "logprobs": {
            "content": [{"token": "a", "logprob": 0, "bytes": [97], "top_logprobs": []}] * 2
        },
    },
]
MENDED = {**RICH, "created": "5", "model": 7}
LEGACY = {"odd": 1, "id": "c", "object": "text_completion", "created": 1, "model": "m"}
LEGACY["choices"] = [
    {"index": 0, "text": "x", "logprobs": None, "token_ids": [1], "seed": 1},
]


# Unchanged.


@pytest.mark.parametrize("payload", [RICH, MENDED])
def test_an_unchanged_chunk_is_written_as_it_came(payload):
    text = json.dumps(payload, separators=(" ,", " :"))
    found = read(text.encode())
    assert found.to_json() == text
    assert found.to_dict() == payload


@pytest.mark.parametrize(
    "payload",
    [
        b'{ "choices" :[ ] , "odd":NaN}',
        rb'{"choices":[],"odd":"\ud83d \u00e9 \/"}',
        b'{"choices":[],"odd":"\xff\x01"}',
        b'{"choices": [],\n "odd": 1.0}',
        b'{"choices":[{"index":0,"delta":{"content":5}}],"odd":1E2}',
        # More digits than the float that it is read as can have.
        b'{"choices":[{"index":0,"delta":{},"logprobs":{"content":[{"token":"a",'
        b'"logprob":-123456789012345678,"top_logprobs":[]}]}}]}',
    ],
)
def test_so_is_one_that_is_odd(payload):
    assert read(payload).to_json() == payload.decode("utf-8", "replace")


@given(
    template=st.sampled_from(odd_payloads.TEMPLATES),
    position=st.integers(0, 100),
    value=st.sampled_from(odd_payloads.VALUES),
)
def test_so_is_whatever_can_be_read(template, position, value):
    payload = odd_payloads.changed(template, position, 0, value)
    for found in chunks_of(encode_event(payload)):
        assert found.to_json() == found.raw.decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("api", "stream"), [("chat.completions", ChatStream), ("completions", CompletionStream)]
)
def test_so_is_every_recorded_chunk(api, stream):
    rows = entries(api)
    if not rows:
        pytest.skip("no ../shared/corpus here")
    for row in rows:
        for found in chunks_of(row["bytes"], stream):
            assert found.to_json() == found.raw.decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("api", "stream"), [("chat.completions", ChatStream), ("completions", CompletionStream)]
)
def test_every_recorded_chunk_has_one_change_and_no_other(api, stream):
    rows = entries(api)
    if not rows:
        pytest.skip("no ../shared/corpus here")
    for row in rows:
        for found in chunks_of(row["bytes"], stream):
            expected = found.to_dict()
            found.model = expected["model"] = "public-name"
            as_dict = json.loads(found.to_json())
            assert list(as_dict) == list(expected)
            assert exactly(as_dict) == exactly(json.loads(json.dumps(expected)))


def test_one_whose_object_was_folded_into_the_state_is_unchanged():
    whole = {**chunk({}), "choices": [{"index": 0, "message": {"content": "all"}, "delta": {}}]}
    found = read(whole)
    assert found.to_json() == json.dumps(whole)


# Changed.


def test_a_number_that_no_float_can_hold_may_be_changed():
    payload = (
        b'{"choices":[{"index":0,"delta":{},"logprobs":{"content":[{"token":"a","logprob":1%s,'
        b'"top_logprobs":[]}]}}]}' % (b"0" * 400)
    )
    found = read(payload)
    assert found.to_json() == payload.decode()
    found.choices[0].logprobs.content[0].logprob = -0.5
    assert found.to_json() == payload.replace(b"1" + b"0" * 400, b"-0.5").decode()


def places(now: Any, received: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where an object and its JSON have the same: objects, lists and dicts, each with its path."""
    if isinstance(now, msgspec.Struct):
        yield path, now
        for name in now.__struct_fields__:
            if name in received:
                yield from places(getattr(now, name), received[name], (*path, name))
    elif isinstance(now, (list, dict)) and type(now) is type(received):
        yield path, now
        for key in range(len(now)) if isinstance(now, list) else list(now):
            yield from places(now[key], received[key], (*path, key))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = getattr(value, key) if isinstance(value, msgspec.Struct) else value[key]
    return value


texts = st.text(st.characters(), max_size=3)
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(0, 2), st.floats(allow_nan=False), texts, st.just(1.0)
)
values = st.recursive(scalars, lambda v: st.lists(v, max_size=2) | st.dictionaries(texts, v))
MODELS = [
    Choice(index=3, delta=ChoiceDelta(content="new")),
    ChoiceDelta(role="assistant"),
    CompletionUsage(prompt_tokens=4, completion_tokens=1, total_tokens=5),
    CompletionChoice(index=1, text="new"),
]


def change(draw: Any, now: Any, received: Any) -> None:
    """Change an object, and its JSON in the same way."""
    path, target = draw(st.sampled_from(list(places(now, received))))
    its_json = at(received, path)
    value = copy.deepcopy(draw(values | st.sampled_from(MODELS)))
    as_json = copy.deepcopy(value)
    if isinstance(value, msgspec.Struct):
        as_json = value.to_dict()
        if not isinstance(target, msgspec.Struct) and not isinstance(
            at(now, path[:-1]), msgspec.Struct
        ):
            return  # within JSON that nobody declares an object is none
    if isinstance(target, msgspec.Struct):
        name = draw(st.sampled_from(target.__struct_fields__))
        setattr(target, name, value)
        its_json[name] = as_json
    elif isinstance(target, dict):
        if isinstance(value, msgspec.Struct):
            return
        key = draw(texts | st.sampled_from([*target, ""]))
        target[key] = value
        its_json[key] = as_json
        if draw(st.booleans()):
            del target[key], its_json[key]
    else:
        position = draw(st.integers(0, len(target)))
        how = draw(st.sampled_from(["insert", "pop", "reverse", "clear", "set"]))
        if how == "insert":
            target.insert(position, value)
            its_json.insert(position, as_json)
        elif how in ("reverse", "clear"):
            getattr(target, how)()
            getattr(its_json, how)()
        elif target:
            position %= len(target)
            if how == "pop":
                del target[position], its_json[position]
            else:
                target[position] = value
                its_json[position] = as_json


def exactly(value: Any) -> Any:
    """JSON that tells True from 1, without what is None, as far as objects leave that out."""
    if isinstance(value, dict):
        return {key: exactly(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [exactly(item) for item in value]
    return (isinstance(value, bool), value)


@given(data=st.data(), payload=st.sampled_from([RICH, MENDED, LEGACY]), n=st.integers(1, 3))
def test_every_change_shows_and_nothing_else_is_lost(data, payload, n):
    found = read(payload, CompletionStream if payload is LEGACY else ChatStream)
    expected = json.loads(json.dumps(payload))
    for _ in range(n):
        change(data.draw, found, expected)
    as_dict = found.to_dict()
    assert exactly(as_dict) == exactly(expected)
    text = found.to_json()
    if math.inf not in iter_numbers(expected):
        assert exactly(json.loads(text)) == exactly(json.loads(json.dumps(expected)))
    text.encode()


def iter_numbers(value: Any) -> set[float]:
    """The absolute values of all numbers in JSON."""
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        return set().union(*map(iter_numbers, value))
    return {abs(value)} if isinstance(value, float) else set()


def test_a_changed_field_keeps_the_place_of_its_key_and_the_nulls_around_it():
    found = read(RICH)
    found.model = "public-name"
    found.choices[0].delta.content = "y"
    expected = json.loads(json.dumps(RICH))
    expected["model"] = "public-name"
    expected["choices"][0]["delta"]["content"] = "y"
    assert found.to_json() == json.dumps(expected, separators=(",", ":"))
    assert list(found.to_dict()) == list(RICH)


def test_a_field_that_had_not_come_is_added_and_one_set_to_none_is_null():
    found = read(chunk({"content": "x"}))
    found.service_tier = "flex"
    found.choices[0].delta.content = None
    assert found.to_dict() == {**chunk({"content": None}), "service_tier": "flex"}


@pytest.mark.parametrize(
    ("before", "after"), [(1, True), (True, 1), (0, False), ("1", 1), (None, 0), ([], {})]
)
def test_values_that_python_calls_equal_are_changes(before, after):
    found = read({**chunk({}), "x_groq": {"v": before, "w": [before]}})
    found.x_groq["v"] = after
    found.x_groq["w"][0] = after
    assert exactly(found.to_dict()["x_groq"]) == exactly({"v": after, "w": [after]})
    assert exactly(json.loads(found.to_json())["x_groq"]) == exactly({"v": after, "w": [after]})


@pytest.mark.parametrize("after", [{}, {"a": 1, "b": 2}, {"b": 1}, {"a": [1]}])
@pytest.mark.parametrize("payload", [chunk({}), {**chunk({}), "created": "5"}])
def test_json_that_nobody_declares_is_as_it_is_now(payload, after):
    """In a chunk that is as declared, and in one that was mended."""
    found = read({**payload, "x_groq": {"a": 1}, "citations": [1, {"a": 1}]})
    found.x_groq = after
    found.citations[1] = after
    as_dict = found.to_dict()
    assert as_dict == {**payload, "x_groq": after, "citations": [1, after]}
    assert json.loads(found.to_json()) == as_dict


def test_a_number_that_json_has_not_is_null_where_somebody_has_put_it_in():
    found = read({**chunk({}), "timings": {"a": 0.5}})
    found.timings["a"] = math.nan
    assert math.isnan(found.to_dict()["timings"]["a"])
    assert json.loads(found.to_json())["timings"] == {"a": None}


def test_an_object_with_the_same_fields_and_no_keys_of_its_own_has_none():
    found = read({"choices": [{"seed": 9, "index": 0, "delta": {}}]})
    found.choices[0] = Choice(index=0, delta=ChoiceDelta())
    assert found.to_dict() == {"choices": [{"index": 0, "delta": {}}]}


def test_undeclared_keys_go_with_their_objects():
    found = read(RICH)
    found.choices.reverse()
    assert exactly(found.to_dict()["choices"]) == exactly(RICH["choices"][::-1])
    del found.choices[0]
    assert found.to_dict()["choices"] == RICH["choices"][:1]
    found.choices[0] = Choice(index=0, delta=ChoiceDelta())
    assert "seed" not in found.to_dict()["choices"][0]


def test_undeclared_keys_go_with_their_objects_where_something_was_mended():
    found = read(MENDED)
    found.choices.reverse()
    assert exactly(found.to_dict()["choices"]) == exactly(MENDED["choices"][::-1])


def test_what_was_mended_is_as_it_came_beside_what_was_changed():
    for payload in ([MENDED] * 5, [chunk({"content": [{"type": "text", "text": "x"}]})] * 5):
        for stated in payload:
            found = read(stated)
            found.system_fingerprint = "public"
            assert found.to_dict() == {**stated, "system_fingerprint": "public"}
            assert json.loads(found.to_json()) == found.to_dict()
            found.choices[0].finish_reason = "length"
            assert found.to_dict()["choices"][0]["finish_reason"] == "length"
            assert json.loads(found.to_json()) == found.to_dict()


def test_bytes_that_are_no_text_are_written_as_they_were_read_beside_what_was_mended():
    found = read(b'{"model":"m","created":"5","choices":[],"odd":["\xff"]}')
    found.model = "n"
    assert found.to_json() == '{"model":"n","created":"5","choices":[],"odd":["\ufffd"]}'


def test_what_json_does_not_have_is_written_as_it_came_beside_a_change():
    found = read(b'{"model": "m", "choices": [], "odd": [NaN, -Infinity], "half": "\\ud83d"}')
    found.model = "n"
    assert found.to_json() == ('{"model":"n","choices":[],"odd":[NaN,-Infinity],"half":"\\ud83d"}')


def test_half_a_character_that_was_put_in_is_an_escape():
    found = read(chunk({"content": "x"}))
    found.choices[0].delta.content = "\ud83d"
    assert '"content":"\\ud83d"' in found.to_json()
    assert ChoiceDelta(content="\ud83d").to_json() == '{"content":"\\ud83d"}'


def test_numbers_keep_their_size():
    found = read({**chunk({}), "odd": 2**70})
    found.model = "n"
    assert json.loads(found.to_json())["odd"] == 2**70


def test_indented_json_has_the_changes_too():
    found = read(RICH)
    assert found.to_json(indent=2) == json.dumps(RICH, indent=2)
    found.model = "n"
    assert json.loads(found.to_json(indent=2))["model"] == "n"


def test_an_object_that_stands_there_twice_or_in_a_tuple_is_written():
    found = read(chunk({"content": "x"}))
    found.choices = (found.choices[0], found.choices[0])
    assert len(json.loads(found.to_json())["choices"]) == 2
    assert exactly(found.to_dict()["choices"]) == exactly(chunk({"content": "x"})["choices"] * 2)


def test_a_list_that_has_itself_in_it_is_an_error_and_no_crash():
    found = read(RICH)
    found.prompt_filter_results.append(found.prompt_filter_results)
    with pytest.raises((RecursionError, ValueError)):
        found.to_json()


def test_many_payloads_without_a_shape_do_not_keep_it_from_learning_more():
    again = decode.DecodingAgain(chat_decoder)
    for number in range(600):
        assert again.decode(b'{"choices": [], "odd%d": 1}' % number).choices == []
    for number in range(40):
        payload = b'{"id": "%d", "choices": [], "created": "5"}' % number
        found = again.decode(payload)
        assert (found.id, found.created, found.raw) == (str(number), 5, payload)


def test_threads_write_mended_chunks_at_the_same_time():
    wrong = []

    def write(name: str) -> None:
        for number in range(300):
            payload = chunk({"content": [{"type": "text", "text": f"{name}{number}"}]})
            found = read(payload)
            found.model = name
            if found.to_dict() != {**payload, "model": name}:
                wrong.append(payload)

    threads = [Thread(target=write, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_chunk_of_nobodys_payload_has_what_is_set():
    made = ChatCompletionChunk(id="a", choices=[Choice(index=0, delta=ChoiceDelta(content="x"))])
    assert json.loads(made.to_json()) == made.to_dict()


def test_a_change_within_what_came_as_no_list_is_written_as_it_is_now():
    payload = chunk({"content": "a"})
    [payload["choices"]] = payload["choices"]
    [item] = ChatStream([encode_event(json.dumps(payload))])
    assert item.to_dict() == payload
    item.choices[0].delta.content = "b"
    assert item.to_dict()["choices"] == [{"index": 0, "delta": {"content": "b"}}]
