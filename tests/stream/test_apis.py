"""What holds for the streams of every API beside chat: forms, cuts, shapes, detection."""

from __future__ import annotations

import asyncio
import json
import random
from typing import Any

import pytest
from apis import API, APIS, every_recorded_stream
from corpus import reads_of
from sse import cut
from told import check, everything, final_of, pushed
from typed_streams import IMPLEMENTATIONS

from sseparse import SSEError
from sseparse._stream.detect import READERS
from sseparse.openai import (
    APIError,
    ChatStream,
    NotAnEventStreamError,
    TruncatedStreamError,
    UnexpectedAPIError,
)


@every_recorded_stream()
def test_a_recorded_stream_says_the_same_pushed_and_pulled(streams, api, entry):
    body = entry["bytes"][:60_000]
    pulled = everything(getattr(streams, api.stream)([body]))
    rng = random.Random(entry["file"])
    for size in (20, 400, 10_000):
        assert pushed(getattr(streams, api.parser)(), cut(body, rng, size)) == pulled


@every_recorded_stream()
def test_a_recorded_stream_says_the_same_under_every_cut(api, entry):
    streams = IMPLEMENTATIONS[0]
    body = entry["bytes"]
    whole = told(getattr(streams, api.stream)([body]))
    assert told(getattr(streams, api.stream)(reads_of(entry))) == whole
    rng = random.Random(entry["file"])
    places = range(len(body)) if len(body) < 3000 else rng.sample(range(len(body)), 200)
    for place in places:
        assert told(getattr(streams, api.stream)([body[:place], body[place:]])) == whole, place


def told(stream: Any) -> Any:
    """The payloads, and what they come to; errors in their places."""
    found: list[Any] = []
    while True:
        try:
            found.append(next(stream).raw)
        except StopIteration:
            break
        except SSEError as error:
            found.append(str(error))
    final, _ = final_of(stream)
    return found, final, stream.done, stream.truncated, stream.usage, stream.finish_reason


@every_recorded_stream()
def test_a_recorded_stream_says_with_shapes_what_it_says_without(api, entry):
    check(entry["bytes"][:60_000], api.stream)


@every_recorded_stream()
def test_what_is_cut_off_is_truncated_wherever_the_cut_is(api, entry):
    """Of Gemini's streams only those whose candidates end once can be told."""
    body = entry["bytes"]
    whole = getattr(IMPLEMENTATIONS[0], api.stream)([body])
    if _errors(whole) or whole.truncated or api.kind == "gemini":
        return
    rng = random.Random(entry["file"])
    for place in rng.sample(range(len(body)), min(len(body), 300)):
        parser = getattr(IMPLEMENTATIONS[0], api.parser)()
        parser.feed(body[:place])
        parser.close()
        assert parser.truncated == (parser.finish_reason is None and not parser.done)


def _errors(stream: Any) -> bool:
    try:
        stream.until_done()
    except SSEError:
        return True
    return False


@every_recorded_stream()
def test_a_recorded_stream_is_read_asynchronously_as_it_is_otherwise(streams, api, entry):
    async def read() -> Any:
        async def chunks() -> Any:
            for chunk in reads_of(entry):
                yield chunk

        stream = getattr(streams, f"Async{api.stream}")(chunks())
        found: list[Any] = []
        while True:
            try:
                found.append((await stream.__anext__()).raw)
            except StopAsyncIteration:
                break
            except SSEError as error:
                found.append(str(error))
        name = "message" if api.kind == "messages" else "response"
        final = await getattr(stream, f"get_final_{name}")()
        assert final == getattr(stream, f"current_{name}_snapshot")
        return found, final, stream.done, stream.truncated, stream.usage, stream.finish_reason

    assert asyncio.run(read()) == told(getattr(streams, api.stream)([entry["bytes"]]))


@every_recorded_stream()
def test_its_texts_are_the_final_objects_text(streams, api, entry):
    async def read() -> list[str]:
        async def chunks() -> Any:
            yield entry["bytes"]

        stream = getattr(streams, f"Async{api.stream}")(chunks())
        return [text async for text in stream.iter_text()]

    stream = getattr(streams, api.stream)([entry["bytes"]])
    try:
        texts = list(stream.iter_text())
    except APIError:
        return
    final, _ = final_of(stream)
    text = final.output_text if api.kind == "responses" else final.text
    assert "".join(texts) == text
    assert "" not in texts
    assert asyncio.run(read()) == texts


@every_recorded_stream()
def test_the_state_alone_comes_to_what_the_stream_comes_to(streams, api, entry):
    stream = getattr(streams, api.stream)([entry["bytes"]])
    state = getattr(streams, f"{api.stream}State")()
    add = state.handle_chunk if api.kind == "gemini" else state.handle_event
    try:
        for item in stream:
            add(item)
    except APIError:
        pass
    final, snapshot = final_of(state)
    assert final == snapshot == final_of(stream)[0]
    assert (state.usage, state.finish_reason) == (stream.usage, stream.finish_reason)
    assert state.text == (final.output_text if api.kind == "responses" else final.text)
    assert (state.finished, state.done) == (not stream.truncated or _has_error(stream), stream.done)


def _has_error(stream: Any) -> bool:
    # An error makes a stream truncated, whatever its state has seen.
    return stream.truncated and stream.finish_reason is not None


@every_recorded_stream()
def test_any_other_class_names_the_one_that_reads_a_recorded_stream(streams, api, entry):
    if entry["file"].endswith("_err429.sse"):
        return  # there is nothing but an error in it
    for other in [*(each for each in APIS if each is not api), None]:
        stream = ChatStream if other is None else getattr(streams, other.stream)
        with pytest.raises(UnexpectedAPIError) as caught:
            stream([entry["bytes"]]).until_done()
        assert (caught.value.kind, caught.value.reader) == (api.kind, READERS[api.kind])
        assert READERS[api.kind].rpartition(".")[2] == api.stream


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.kind)
def test_an_empty_stream_is_truncated_and_says_what_a_whole_one_ends_with(streams, api):
    stream = getattr(streams, api.stream)([b""], require_done=True)
    with pytest.raises(TruncatedStreamError, match=r"the stream ended .* has what came of it"):
        stream.until_done()
    assert stream.truncated
    with pytest.raises(TruncatedStreamError):
        getattr(streams, api.parser)(require_done=True, accumulate=False).close()


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.kind)
def test_a_body_that_is_no_event_stream_is_an_error(streams, api):
    with pytest.raises(NotAnEventStreamError):
        getattr(streams, api.stream)([b"<html>busy</html>"]).until_done()


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.kind)
def test_there_is_no_option_skip_empty(streams, api):
    with pytest.raises(TypeError, match=f"{api.stream} has no option skip_empty"):
        getattr(streams, api.stream)([], skip_empty=True)


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.kind)
def test_without_accumulating_there_is_no_final_object(streams, api: API):
    for make in (getattr(streams, api.stream), lambda _, **options: _parser(streams, api, options)):
        with pytest.raises(RuntimeError, match="accumulate=False"):
            final_of(make([], accumulate=False))


def _parser(streams: Any, api: API, options: dict[str, Any]) -> Any:
    return getattr(streams, api.parser)(**options)


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.kind)
@pytest.mark.parametrize("payload", [b"{", b"[1]", b"nonsense"])
def test_a_payload_that_cannot_be_read_is_an_error_and_the_stream_goes_on(streams, api, payload):
    parser = getattr(streams, api.parser)()
    with pytest.raises(SSEError, match="cannot read a chunk"):
        parser.feed(b"data: " + payload + b"\n\n")
    assert parser.feed(b"data: {}\n\n" if api.kind == "gemini" else b'data: {"type": "x"}\n\n')
    assert parser.truncated


@pytest.mark.parametrize(
    ("name", "payload", "number_in"),
    [
        ("Message", r'{"type": "x", "index": "\ud83d"}', lambda item: item.index),
        ("Response", r'{"type": "x", "output_index": "\ud83d"}', lambda item: item.output_index),
        (
            "GenerateContent",
            r'{"candidates": [{"index": "\ud83d"}]}',
            lambda item: item.candidates[0].index,
        ),
    ],
    ids=["messages", "responses", "gemini"],
)
def test_half_a_character_in_the_place_of_a_number_is_left_out(streams, name, payload, number_in):
    [item] = getattr(streams, f"{name}Parser")().feed(f"data: {payload}\n\n".encode())
    assert number_in(item) is None
    assert item.to_dict() == json.loads(payload)


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.kind)
@pytest.mark.parametrize(
    "event",
    ['data: {"type": "ping"}', 'data: {"type": "keepalive"}', "event: ping\ndata: x", ": x"],
)
def test_keep_alives_are_skipped(streams, api, event):
    assert getattr(streams, api.parser)().feed(f"{event}\n\n".encode()) == []
