"""The official clients with our parts in them: the same objects, the same errors.

What "the same" means here is ``told`` of ``helpers/official_clients.py``: types, values, extra
keys, and which fields were set.
"""

from __future__ import annotations

import asyncio
import copy
import enum
import gc
import json
import math
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Literal, Optional

import httpx2
import openai
import pydantic
import pydantic_core
import pytest
from chat_streams import DONE, chunk, sse
from corpus import entries, parametrize
from hypothesis import given
from hypothesis import strategies as st
from official_clients import Body, async_connect, async_outcome, connect, outcome, told
from openai._models import FinalRequestOptions
from openai.types import Completion
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from replay_server import cut, replay

from sseparse.openai import (
    AsyncChatStream,
    AsyncCompletionStream,
    ChatStream,
    CompletionStream,
    sdk,
)
from sseparse.openai.sdk import AsyncStream, Stream, _ChunkDecoder

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator


URL = "http://127.0.0.1:9"  # of streams that are made without it
CLIENT = connect(URL)
ASYNC_CLIENT = async_connect(URL)
CHAT = {"model": "m", "messages": [{"role": "user", "content": "?"}], "stream": True}
LEGACY = {"model": "m", "prompt": "?", "stream": True}

USAGE = {
    "prompt_tokens": 9,
    "completion_tokens": 3,
    "total_tokens": 12,
    "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
}


def legacy(text: str, finish_reason: str | None = None, **top: Any) -> dict[str, Any]:
    choice = {"text": text, "index": 0, "logprobs": None, "finish_reason": finish_reason}
    head = {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": "m"}
    return {**head, "choices": [choice], **top}


def tool_call(index: int, arguments: str, **first: Any) -> dict[str, Any]:
    name = first.pop("name", None)
    function = {"arguments": arguments} if name is None else {"name": name, "arguments": ""}
    return chunk({"tool_calls": [{"index": index, **first, "function": function}]})


def logprob(token: str) -> dict[str, Any]:
    one = {"token": token, "logprob": -0.25, "bytes": list(token.encode())}
    return {**one, "top_logprobs": [one, {"token": "?", "logprob": -9, "bytes": None}]}


TEXT = [
    chunk({"role": "assistant", "content": "", "refusal": None}, service_tier="default"),
    *(chunk({"content": text}, obfuscation="aB3") for text in ("Grüß", " dich,", " 🌍", "!")),
    chunk({}, finish_reason="stop", usage=None),
    {**chunk(usage=USAGE), "choices": []},
]
TOOLS = [
    tool_call(0, "", id="call_1", type="function", name="look"),
    *(tool_call(0, part) for part in ('{"at"', ': "☂"}')),
    tool_call(1, "", id="call_2", type="function", name="listen"),
    tool_call(1, "{}"),
    chunk({}, finish_reason="tool_calls"),
]
CHOICES = [
    *(chunk({"content": f"{word} "}, index=i) for word in ("eins", "zwei") for i in (0, 1)),
    *(chunk({}, index=i, finish_reason="length") for i in (0, 1)),
]
LOGPROBS = [chunk({"content": "Hi"}) for _ in range(2)]
for each in LOGPROBS:
    each["choices"][0]["logprobs"] = {"content": [logprob("Hi")], "refusal": None}
PROVIDERS = [
    chunk({"content": "", "reasoning_content": "Hm"}, x_groq={"id": "req_1"}, citations=["a"]),
    chunk({"tool_calls": [{"index": 0, "function": {"name": "f"}, "extra_content": {"g": 1}}]}),
    chunk({"content": "a"}, finish_reason="eos", usage={**USAGE, "cost": 0.1, "is_byok": False}),
    {"choices": [{"delta": {"role": "", "content": [{"type": "text", "text": "a"}]}}]},
]
COMPLETION = [*(legacy(text) for text in ("Es", " war", " 🐟")), legacy("", "stop", usage=USAGE)]

CHAT_STREAMS = {
    "text": TEXT,
    "tools": TOOLS,
    "n=2": CHOICES,
    "logprobs": LOGPROBS,
    "providers": PROVIDERS,
}


def open_stream(
    stream_class: Any, body: bytes | Body, cast_to: Any = ChatCompletionChunk, client: Any = CLIENT
) -> Any:
    """A stream as ``parse`` makes it of a response."""
    if isinstance(body, bytes):
        body = Body(cut(body, seed=len(body)))
    request = httpx2.Request("POST", f"{URL}/chat/completions")
    response = httpx2.Response(200, stream=body, request=request)
    return stream_class(cast_to=cast_to, response=response, client=client)


def assert_same(body: bytes, cast_to: Any = ChatCompletionChunk) -> list[Any]:
    official = outcome(open_stream(openai.Stream, body, cast_to))
    assert outcome(open_stream(Stream, body, cast_to)) == official
    return official


def count_unread(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Gathers the payloads that the validator refused."""
    refused = []
    read = _ChunkDecoder._read_events

    def spy(self: _ChunkDecoder, events: list[Any]) -> list[Any]:
        chunks = read(self, events)
        refused.extend(event.data_bytes for event in events[len(chunks) :][:1])
        return chunks

    monkeypatch.setattr(_ChunkDecoder, "_read_events", spy)
    return refused


# The official client over HTTP.

streams = pytest.mark.parametrize("payloads", CHAT_STREAMS.values(), ids=CHAT_STREAMS)
seeds = pytest.mark.parametrize("seed", range(3))


@streams
@seeds
def test_stream_gives_what_the_client_gives(payloads: list[Any], seed: int) -> None:
    with replay(sse(*payloads) + DONE, seed) as url, connect(url) as client:
        official = outcome(client.chat.completions.create(**CHAT))
        response = client.chat.completions.with_raw_response.create(**CHAT)
        assert outcome(response.parse(to=Stream[ChatCompletionChunk])) == official
        with client.chat.completions.with_streaming_response.create(**CHAT) as response:
            assert outcome(response.parse(to=Stream[ChatCompletionChunk])) == official
    assert len(official) == len(payloads)


@streams
@seeds
def test_async_stream_gives_what_the_client_gives(payloads: list[Any], seed: int) -> None:
    async def main(url: str) -> None:
        async with async_connect(url) as client:
            chat = client.chat.completions
            official = await async_outcome(await chat.create(**CHAT))
            response = await chat.with_raw_response.create(**CHAT)
            stream = response.parse(to=AsyncStream[ChatCompletionChunk])
            assert await async_outcome(stream) == official
            async with chat.with_streaming_response.create(**CHAT) as response:
                stream = await response.parse(to=AsyncStream[ChatCompletionChunk])
                assert await async_outcome(stream) == official
        assert len(official) == len(payloads)

    with replay(sse(*payloads) + DONE, seed) as url:
        asyncio.run(main(url))


@seeds
def test_streams_of_legacy_completions(seed: int) -> None:
    async def main(url: str) -> list[Any]:
        async with async_connect(url) as client:
            response = await client.completions.with_raw_response.create(**LEGACY)
            return await async_outcome(response.parse(to=AsyncStream[Completion]))

    with replay(sse(*COMPLETION) + DONE, seed) as url:
        with connect(url) as client:
            official = outcome(client.completions.create(**LEGACY))
            response = client.completions.with_raw_response.create(**LEGACY)
            assert outcome(response.parse(to=Stream[Completion])) == official
        assert asyncio.run(main(url)) == official
    assert len(official) == len(COMPLETION)


def whole(stream: Any) -> dict[str, Any]:
    return stream.get_final_completion().to_dict()


@streams
@seeds
def test_chat_stream_over_the_clients_own_transport(payloads: list[Any], seed: int) -> None:
    async def main(url: str) -> dict[str, Any]:
        async with (
            async_connect(url) as client,
            client.chat.completions.with_streaming_response.create(**CHAT) as response,
        ):
            final = await AsyncChatStream(response.iter_bytes()).get_final_completion()
            return final.to_dict()

    body = sse(*payloads) + DONE
    expected = whole(ChatStream([body]))
    with replay(body, seed) as url:
        with (
            connect(url) as client,
            client.chat.completions.with_streaming_response.create(**CHAT) as response,
        ):
            assert whole(ChatStream(response.iter_bytes())) == expected
        assert asyncio.run(main(url)) == expected


def test_the_recipe_gives_the_text() -> None:
    with (
        replay(sse(*TEXT) + DONE) as url,
        connect(url) as client,
        client.chat.completions.with_streaming_response.create(**CHAT) as response,
    ):
        stream = ChatStream(response.iter_bytes())
        assert "".join(stream.iter_text()) == "Grüß dich, 🌍!"
    assert stream.done


def test_completion_stream_over_the_clients_own_transport() -> None:
    async def main(url: str) -> dict[str, Any]:
        async with (
            async_connect(url) as client,
            client.completions.with_streaming_response.create(**LEGACY) as response,
        ):
            final = await AsyncCompletionStream(response.iter_bytes()).get_final_completion()
            return final.to_dict()

    with replay(sse(*COMPLETION) + DONE) as url:
        with (
            connect(url) as client,
            client.completions.with_streaming_response.create(**LEGACY) as response,
        ):
            final = CompletionStream(response.iter_bytes()).get_final_completion()
        assert final.choices[0].text == "Es war 🐟"
        assert asyncio.run(main(url)) == final.to_dict()


# Recorded streams.

APIS = {"chat.completions": ChatCompletionChunk, "completions": Completion}


@pytest.mark.parametrize("api", APIS)
def test_recorded_streams_give_the_clients_objects(api: str) -> None:
    found = entries(api)
    if not found:
        pytest.skip("no ../shared/corpus here")
    for entry in found:
        body = entry["bytes"]
        official = outcome(open_stream(openai.Stream, Body([body]), APIS[api]))
        assert outcome(open_stream(Stream, body, APIS[api])) == official, entry["file"]
        stream = open_stream(AsyncStream, Body(cut(body, seed=2)), APIS[api], ASYNC_CLIENT)
        assert asyncio.run(async_outcome(stream)) == official, entry["file"]


def test_recorded_streams_are_read_the_fast_way(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = count_unread(monkeypatch)
    chunks = 0
    for api, cast_to in APIS.items():
        for entry in entries(api):
            chunks += len(outcome(open_stream(Stream, entry["bytes"], cast_to)))
    if not chunks:
        pytest.skip("no ../shared/corpus here")
    payloads = [
        data
        for data in refused
        if not data.startswith(b"[DONE]") and b'"error"' not in data and not has_half_an_emoji(data)
    ]
    assert chunks > 7000
    assert len(payloads) < 5


def has_half_an_emoji(payload: bytes) -> bool:
    """Whether there are halves of UTF-16 in it, which pydantic refuses (mock-llm sends them)."""
    text = json.dumps(json.loads(payload), ensure_ascii=False)
    return re.search("[\ud800-\udfff]", text) is not None


@parametrize("responses")
def test_other_types_come_out_the_same(entry: dict[str, Any]) -> None:
    official = assert_same(entry["bytes"], ResponseStreamEvent)
    # Refusals, too, are recorded: JSON that came with a status of its own.
    assert bool(official) is (entry["events"] > 0)


# Whatever a payload is, there is no difference.


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where something stands in a payload, at every depth."""
    if isinstance(value, (dict, list)):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield (*path, key)
            yield from paths(value[key], (*path, key))


MISSING = object()
ODD = [
    *(MISSING, None, "", "x", "5", "null", "stop", 0, 5, -1, 1.0, 1.5, True, False),
    *(10**30, 2**53 + 1, -0.0, math.nan, math.inf, [], {}, [None], ["x"], [5], [{}], [[]]),
    *({"a": 1}, {"index": 0}, {"error": {"message": "no"}}, [{"index": "0", "x": 1}]),
]


def put(payload: Any, path: tuple[Any, ...], value: Any) -> Any:
    changed = copy.deepcopy(payload)
    *above, last = path
    place = changed
    for key in above:
        place = place[key]
    if value is MISSING:
        del place[last]
    else:
        place[last] = value
    return changed


FULL = {
    **chunk({"role": "assistant", "content": "a", "refusal": None, "reasoning": "b"}),
    "service_tier": "default",
    "usage": USAGE,
    "moderation": None,
    "timings": {"a": 1},
}
FULL["choices"][0]["logprobs"] = {"content": [logprob("a")], "refusal": []}
FULL["choices"][0]["delta"]["function_call"] = {"name": "f", "arguments": "{}"}
FULL["choices"][0]["delta"]["tool_calls"] = [
    {"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}
]
FULL_LEGACY = legacy("a", "stop", usage=USAGE, system_fingerprint="fp", x=1)
FULL_LEGACY["choices"][0]["logprobs"] = {
    "tokens": ["a"],
    "token_logprobs": [-0.5],
    "text_offset": [0],
    "top_logprobs": [{"a": -0.5, "b": -3}],
}


@pytest.mark.parametrize(
    ("payload", "cast_to"),
    [(FULL, ChatCompletionChunk), (FULL_LEGACY, Completion)],
    ids=["chat", "legacy"],
)
def test_any_value_in_any_place_gives_the_clients_object(payload: Any, cast_to: Any) -> None:
    mutants = [put(payload, path, value) for path in paths(payload) for value in ODD]
    assert len(mutants) > 500
    for mutant in mutants:
        assert_same(sse(mutant), cast_to)


@pytest.mark.parametrize(
    "name", ["error", "id", "x", "__class__", "model_config", "self", "to_dict"]
)
@pytest.mark.parametrize("path", [(), ("choices", 0), ("choices", 0, "delta"), ("usage",)])
def test_any_other_key_gives_the_clients_object(path: tuple[Any, ...], name: str) -> None:
    for value in ODD[1:]:
        assert_same(sse(put(FULL, (*path, name), value)))


@pytest.mark.parametrize(
    "payload",
    [
        "null",
        "5",
        '"text"',
        "true",
        "[]",
        "[{}, 5]",
        '[{"error": {"message": "no"}}]',
        "{}",
        '{"id": "a", "id": "b"}',
        '{"id": "a", "choices": [], "choices": [{"index": 1, "index": 2, "x": 1, "x": 2}]}',
        '{"error": {"message": "no"}, "error": null}',
        '{"error": null, "error": {"message": "no"}}',
        '{"x": 1e400, "y": -1e400, "z": 1E5, "a": -0, "b": 0.1e-7, "c": 12345678901234567890}',
        '{"x": NaN, "y": Infinity, "z": -Infinity}',
        '{"x": "\\ud83d\\ude00 \\u00e9 \\/ \\b"}',
        '{"x": "\\ud800", "id": "\\udc00\\ud800"}',
        '{"\\u0069d": "escaped key"}',
        f'{{"x": {"[" * 300}{"]" * 300}}}',
        f'{{"x": {"9" * 4000}}}',
        f'{{"x": {"9" * 5000}}}',
        '{"id": "a"} ',
        ' \t{"id": "a"}',
        '{"id": "a"}{"id": "b"}',
        "{'id': 1}",
        '{"id": "a",}',
        '{"id": "\t"}',
        "[DONE",
        "[DONE] and more",
        " [DONE]",
        '{"id": "\x7f"}',
    ],
)
def test_any_json_gives_what_the_client_gives(payload: str) -> None:
    follow = sse(*TEXT[:2])
    assert_same(sse(TEXT[0], payload.encode()) + follow)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(["logprobs", "delta", "index", "x"]), json_values))
def test_any_choice_gives_the_clients_object(choice: dict[str, Any]) -> None:
    assert_same(sse({**chunk(), "choices": [choice]}))


@given(json_values, st.booleans())
def test_any_extra_value_is_the_clients_value(value: Any, ensure_ascii: bool) -> None:
    payload = json.dumps({**chunk(), "x": value}, ensure_ascii=ensure_ascii)
    assert_same(sse(payload.encode("utf-8", "replace")))


def test_the_slow_way_goes_on_with_the_fast_one(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = count_unread(monkeypatch)
    odd = chunk({"content": "a"}, usage={**USAGE, "total_tokens": "12"})
    assert len(assert_same(sse(TEXT[1], odd, TEXT[2], odd, *TEXT) + DONE)) == 4 + len(TEXT)
    assert {*refused} == {json.dumps(odd).encode()}


def test_an_asynchronous_stream_does_as_the_other_where_it_has_to_go_the_slow_way() -> None:
    odd = chunk({"content": "a"}, usage={**USAGE, "total_tokens": "12"})
    for pieces in ([sse(*TEXT)], [sse(odd), sse(TEXT[1]), sse(odd) + DONE], [sse(odd, odd)]):
        official = outcome(open_stream(openai.Stream, Body(pieces)))
        stream = open_stream(AsyncStream, Body(pieces), client=ASYNC_CLIENT)
        assert asyncio.run(async_outcome(stream)) == official


def test_an_asynchronous_stream_of_what_is_not_understood_comes_out_the_same() -> None:
    official = outcome(open_stream(openai.Stream, sse(*TEXT), object))
    stream = open_stream(AsyncStream, sse(*TEXT), object, ASYNC_CLIENT)
    assert asyncio.run(async_outcome(stream)) == official


def test_with_an_older_pydantic_more_goes_the_slow_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sdk, "SchemaValidator", lambda schema: pydantic_core.SchemaValidator(schema)
    )
    monkeypatch.setattr(sdk, "_plan", sdk._plan.__wrapped__)
    refused = count_unread(monkeypatch)
    assert_same(sse(*TEXT, *PROVIDERS))
    assert {*refused} == {json.dumps(payload).encode() for payload in PROVIDERS[2:]}


def test_events_without_data_fail_in_the_client_and_not_here() -> None:
    body = sse(TEXT[0]) + b"event: ping\n\n" + sse(TEXT[1])
    assert outcome(open_stream(openai.Stream, body))[-1][0] is json.JSONDecodeError
    assert len(outcome(open_stream(Stream, body))) == 2


def test_invalid_utf8_fails_in_the_client_and_not_here() -> None:
    body = sse(chunk({"content": "a?"})).replace(b"?", b"\xff")
    assert outcome(open_stream(openai.Stream, body))[-1][0] is UnicodeDecodeError
    (item,) = open_stream(Stream, body)
    assert item.choices[0].delta.content == "a\ufffd"


def test_the_events_name_is_seen_where_the_client_sees_it() -> None:
    thread = b"event: thread.created\n" + sse(TEXT[0])
    error = b"event: error\n" + sse({"message": "no"})
    message = b"event: message\n" + sse(TEXT[0])
    official = assert_same(thread + error + message + sse(*TEXT) + DONE)
    assert len(official) == 3 + len(TEXT)


class Renamed(openai.BaseModel):
    kind: Optional[Literal["a"]] = pydantic.Field(alias="object", default=None)  # noqa: UP045


class Letter(str, enum.Enum):
    A = "a"


class Lettered(openai.BaseModel):
    object: Optional[Literal[Letter.A]] = None  # noqa: UP045


class Defaulted(openai.BaseModel):
    created: int = 7


class OptionallyDefaulted(openai.BaseModel):
    created: Optional[int] = 7  # noqa: UP045


class Made(openai.BaseModel):
    created: Optional[list[int]] = pydantic.Field(default_factory=list)  # noqa: UP045


class Sized(openai.BaseModel):
    size: float


class Listed(openai.BaseModel):
    items: list[str]


class BareListed(openai.BaseModel):
    items: list  # type: ignore[type-arg]


class Bounded(openai.BaseModel):
    items: list[Defaulted] = pydantic.Field(min_length=3)


class Checked(openai.BaseModel):
    id: str

    @pydantic.field_validator("id")
    @classmethod
    def shout(cls, value: str) -> str:
        return value.upper()


class Private(openai.BaseModel):
    id: str
    _secret: int = pydantic.PrivateAttr(default=5)


class Ignoring(openai.BaseModel):
    model_config = pydantic.ConfigDict(extra="ignore")
    id: str


class Failing(openai.BaseModel):
    error: Optional[str] = None  # noqa: UP045


class Built(openai.BaseModel):
    id: str

    @classmethod
    def build(cls, *, response: Any, data: Any) -> Any:
        return cls.construct(id=f"built of {data['id']}")


class Plain(pydantic.BaseModel):
    id: str


MODELS = [
    *(Renamed, Lettered, Defaulted, OptionallyDefaulted, Made, Sized, Listed, BareListed, Bounded),
    *(Checked, Private, Ignoring, Failing, Built, Plain, object, dict, dict[str, object]),
]


@pytest.mark.parametrize("cast_to", MODELS)
def test_other_models_come_out_the_same(cast_to: Any) -> None:
    payload = {"id": "b", "created": None, "object": "a", "size": 2**53 + 1, "items": [{}]}
    official = assert_same(sse(payload, {**payload, "size": 1}, {"error": "no"}), cast_to)
    if cast_to == dict[str, object] and sys.version_info < (3, 11):
        # A class for isinstance() there, and none for issubclass(): openai stumbles over it.
        assert official[-1][0] is TypeError
    else:
        assert len(official) == 3


def outcome_with_options(stream_class: Any, body: bytes, **options: Any) -> list[Any]:
    response = open_stream(Stream, body).response
    return list(
        stream_class(
            cast_to=ChatCompletionChunk,
            response=response,
            client=CLIENT,
            options=FinalRequestOptions.construct(method="post", url="/", **options),
        )
    )


def test_events_that_are_asked_for_with_their_data_are_given_so() -> None:
    body = b"event: a\n" + sse({"id": "b"})
    for stream_class in (openai.Stream, Stream):
        (item,) = outcome_with_options(stream_class, body, synthesize_event_and_data=True)
        assert item.model_extra == {"event": "a", "data": {"id": "b"}}


def test_another_mode_of_streaming_is_left_to_the_official_loop() -> None:
    """Where there is one (openai 3.52), an error in it is an event like any other."""
    body = sse({**TEXT[0], "error": {"message": "no"}})
    if not hasattr(FinalRequestOptions.construct(method="post", url="/"), "stream_mode"):
        pytest.skip("this openai has one mode of streaming")
    official, own = (
        outcome_with_options(stream_class, body, stream_mode="events")
        for stream_class in (openai.Stream, Stream)
    )
    assert own == official != []


@pytest.mark.parametrize("payload", [FULL, {**FULL, "created": "x"}, PROVIDERS[0]])
def test_a_client_that_validates_responses_does_so_here(payload: Any) -> None:
    strict = openai.OpenAI(api_key="-", _strict_response_validation=True)
    official = outcome(open_stream(openai.Stream, sse(payload), client=strict))
    assert outcome(open_stream(Stream, sse(payload), client=strict)) == official


# Errors, and the end.

ERRORS = [
    {"error": {"message": "Too slow", "type": "server_error", "code": "slow", "param": "p"}},
    {"error": {"code": 502}},
    {"error": {"message": 5}},
    {"error": "Overloaded"},
    {**TEXT[0], "error": {"message": "Too slow", "code": 502}},
]


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_in_the_stream_is_the_clients_error(error: Any) -> None:
    official = assert_same(sse(TEXT[0], error, TEXT[1]) + DONE)
    assert official[1][0] is openai.APIError
    body = Body([sse(TEXT[0], error, TEXT[1])])
    stream = open_stream(AsyncStream, body, client=ASYNC_CLIENT)
    assert asyncio.run(async_outcome(stream)) == official
    assert body.is_closed


@pytest.mark.parametrize("error", [None, False, "", {}, 0])
def test_an_error_that_is_none_is_none(error: Any) -> None:
    assert len(assert_same(sse({**TEXT[0], "error": error}, {"error": error}))) == 2


FAILURES = [
    (httpx2.ReadTimeout("slow"), openai.APITimeoutError),
    (httpx2.ReadError("gone"), openai.APIConnectionError),
    (httpx2.RemoteProtocolError("incomplete"), openai.APIConnectionError),
    (ZeroDivisionError("a bug"), ZeroDivisionError),
]


@pytest.mark.parametrize("after", [[], TEXT[:2], [None]], ids=["at once", "fast", "slow"])
@pytest.mark.parametrize(("failure", "named"), FAILURES)
def test_a_failing_transport_is_named_as_the_client_names_it(
    failure: Exception, named: type[Exception], after: list[Any]
) -> None:
    pieces = [*(sse(payload or "null") for payload in after), failure]
    for stream_class in (openai.Stream, Stream):
        body = Body(pieces)
        *chunks, error = outcome(open_stream(stream_class, body))
        assert len(chunks) == len(after)
        assert error[0] is named
        assert body.is_closed
    body = Body(pieces)
    stream = open_stream(AsyncStream, body, client=ASYNC_CLIENT)
    assert asyncio.run(async_outcome(stream)) == [*chunks, error]
    assert body.is_closed


def test_a_failure_is_the_cause_of_the_clients_error() -> None:
    failure = httpx2.ReadTimeout("slow")
    with pytest.raises(openai.APITimeoutError) as caught:
        list(open_stream(Stream, Body([sse(*TEXT), failure])))
    assert caught.value.__cause__ is failure


def test_a_connection_that_drops_is_reported() -> None:
    body = sse(*TEXT)
    with (
        replay(body, drop_after=len(body) - 20) as url,
        connect(url) as client,
    ):
        official = outcome(client.chat.completions.create(**CHAT))
        response = client.chat.completions.with_raw_response.create(**CHAT)
        assert outcome(response.parse(to=Stream[ChatCompletionChunk])) == official
    assert official[-1][0] is openai.APIConnectionError
    assert len(official) == len(TEXT)


@pytest.mark.parametrize("cast_to", [ChatCompletionChunk, object])
def test_nothing_comes_after_done(cast_to: Any) -> None:
    body = Body([sse(TEXT[0], "[DONE]", TEXT[1]), sse("no JSON")])
    stream = open_stream(Stream, body, cast_to)
    assert len(outcome(stream)) == 1
    assert body.is_closed
    with pytest.raises(StopIteration):
        next(stream)


@pytest.mark.parametrize("end", [b"", DONE, b'data: {"id": "unfinished"', b"data: [DONE]"])
def test_the_end_closes_the_response(end: bytes) -> None:
    body = Body([sse(*TEXT) + end])
    assert len(outcome(open_stream(Stream, body))) == len(TEXT)
    assert body.is_closed


def test_next_and_loops_may_be_mixed() -> None:
    stream = open_stream(Stream, Body([sse(*TEXT[:3]), sse(*TEXT[3:]) + DONE]))
    seen = [next(stream)]
    for item in stream:
        seen.append(item)
        break
    seen.extend(stream)
    assert list(map(told, seen)) == outcome(open_stream(openai.Stream, sse(*TEXT)))


@pytest.mark.parametrize("odd", [(), ("null",)], ids=["fast", "slow"])
def test_leaving_early_closes_the_response(odd: tuple[str, ...]) -> None:
    pieces = [sse(*odd, TEXT[0]), sse(TEXT[1])]

    body = Body(pieces)
    with open_stream(Stream, body) as stream:
        next(stream)
    assert body.is_closed

    body = Body(pieces)
    stream = open_stream(Stream, body)
    next(stream)
    stream.close()
    assert body.is_closed

    body = Body(pieces)
    for _ in open_stream(Stream, body):
        break
    gc.collect()
    assert body.is_closed


def test_a_stream_that_is_dropped_closes_its_response(monkeypatch: pytest.MonkeyPatch) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield sse(*TEXT)

    async def main(stream: Any) -> None:
        async for _ in stream:
            break
        await stream._iterator.aclose()

    # A response that would not close itself when its bytes are no longer read.
    body = Body([])
    stream = open_stream(Stream, body)
    monkeypatch.setattr(stream.response, "iter_bytes", lambda: iter([sse(*TEXT)]))
    for _ in stream:
        break
    del stream
    gc.collect()
    assert body.is_closed

    body = Body([])
    stream = open_stream(AsyncStream, body, client=ASYNC_CLIENT)
    monkeypatch.setattr(stream.response, "aiter_bytes", pieces)
    asyncio.run(main(stream))
    assert body.is_closed


@pytest.mark.parametrize("odd", [(), ("null",)], ids=["fast", "slow"])
def test_leaving_early_closes_the_asynchronous_response(odd: tuple[str, ...]) -> None:
    async def main() -> None:
        pieces = [sse(*odd, TEXT[0]), sse(TEXT[1])]

        body = Body(pieces)
        async with open_stream(AsyncStream, body, client=ASYNC_CLIENT) as stream:
            await stream.__anext__()
        assert body.is_closed

        body = Body(pieces)
        stream = open_stream(AsyncStream, body, client=ASYNC_CLIENT)
        await stream.__anext__()
        await stream.close()
        assert body.is_closed

    asyncio.run(main())


def test_a_cancelled_read_closes_the_response() -> None:
    class Endless(Body):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield sse(TEXT[0])
            await asyncio.sleep(60)

    async def main() -> None:
        body = Endless([])
        stream = open_stream(AsyncStream, body, client=ASYNC_CLIENT)
        await stream.__anext__()
        task = asyncio.create_task(stream.__anext__())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert body.is_closed

    asyncio.run(main())


# Importing.


def run(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


def test_the_openai_layer_does_not_import_the_client() -> None:
    assert run("import sys, sseparse.openai; print('openai' in sys.modules)") == "False\n"


def test_without_the_client_it_says_what_to_install() -> None:
    said = run(
        "import sys; sys.modules['openai'] = None\n"
        "try:\n    import sseparse.openai.sdk\n"
        "except ImportError as error:\n    print(error)"
    )
    assert "pip install openai" in said
