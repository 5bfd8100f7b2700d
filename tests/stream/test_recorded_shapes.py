"""The law of shapes over recorded streams: as they are, with other values, in another order."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from chat_streams import chunk, sse
from corpus import parametrize
from odd_payloads import VALUES, changed
from sse import event
from told import check, shown
from typed_streams import IMPLEMENTATIONS

from sseparse import Parser, SSEError
from sseparse.openai import ChatCompletionStreamState
from sseparse.openai.decode import chat_decoder

if TYPE_CHECKING:
    from types import SimpleNamespace

INSTALLED = IMPLEMENTATIONS[0]
SOME_WAYS = ("in turn", "the end", "not kept")


def decoded_one_by_one(body: bytes) -> tuple[list[Any], Any]:
    """Chunks and the final object by the decoder and the state alone."""
    state, seen = ChatCompletionStreamState(), []
    parser = Parser()
    for found in parser.feed(body) + parser.close(dispatch_incomplete=True):
        if found.data.strip() == "[DONE]":
            break
        decode = chat_decoder().decode  # another each time: it keeps nothing
        try:
            item = decode(found.data_bytes)
        except SSEError as error:
            seen.append(repr(error))
        else:
            if item is not None:
                state.handle_chunk(item)
                seen.append((shown(item), item.raw, shown(item.to_dict())))
    return seen, shown(state.get_final_completion())


def read_as_stream(streams: SimpleNamespace, body: bytes) -> tuple[list[Any], Any]:
    stream, seen = streams.ChatStream([body]), []
    while True:
        try:
            item = next(stream)
            seen.append((shown(item), item.raw, shown(item.to_dict())))
        except StopIteration:
            return seen, shown(stream.current_completion_snapshot)
        except SSEError as error:
            seen.append(repr(error))


# Over recorded streams.


def payloads_of(entry: dict[str, Any], most: int = 60) -> list[bytes]:
    """The first payloads of a stream: many tokens of one kind teach no more than some of them."""
    found, size = [], 0
    for each in Parser().feed(entry["bytes"])[:most]:
        size += len(each.data_bytes)
        if found and size > 40_000:
            break
        found.append(each.data_bytes)
    return found


def as_body(payloads: list[bytes]) -> bytes:
    return b"".join(map(event, payloads))


@parametrize("chat.completions")
def test_a_recorded_stream_is_what_its_payloads_are(entry):
    body = as_body(payloads_of(entry, 200))
    assert read_as_stream(INSTALLED, body) == decoded_one_by_one(body)
    check(body, implementations=[INSTALLED])


@parametrize("completions")
def test_a_recorded_legacy_stream_is_what_its_payloads_are(entry):
    check(as_body(payloads_of(entry, 200)), "CompletionStream")


@parametrize("chat.completions")
def test_a_recorded_stream_with_other_values_is_what_its_payloads_are(entry):
    rng = random.Random(entry["file"])
    odd = [
        changed(payload, rng.randrange(200), rng.randrange(10), rng.choice(VALUES))
        if rng.random() < 0.4
        else payload
        for payload in payloads_of(entry)
    ]
    check(as_body(odd))


@parametrize("chat.completions")
def test_a_recorded_stream_in_another_order_is_what_its_payloads_are(entry):
    rng = random.Random(entry["file"])
    payloads = payloads_of(entry)
    body = as_body(rng.sample(payloads, len(payloads)))
    check(body, ways=SOME_WAYS, implementations=[INSTALLED])


@parametrize("chat.completions")
def test_a_recorded_stream_among_another_is_what_their_payloads_are(entry):
    rng = random.Random(entry["file"])
    payloads = payloads_of(entry)
    other = [sse(chunk({"content": str(n)}, index=n % 3))[6:-2] for n in range(60)]
    both = []
    while payloads or other:
        source = rng.choice([each for each in (payloads, other) if each])
        count = rng.choice((1, 1, 2, 9))
        both += source[:count]
        del source[:count]
    check(as_body(both), ways=SOME_WAYS, implementations=[INSTALLED])
