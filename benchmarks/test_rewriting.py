"""Writing a chunk of which one field was changed, against doing it to a dict.

"msgspec alone" decodes the payload to a dict, changes it there and encodes it; "json" does the same
with the standard library. The chunks are there already: what reads them is measured elsewhere.
"""

from __future__ import annotations

import functools
import json
from collections import deque
from collections.abc import Callable
from typing import Any

import corpus
import msgspec
import pytest
from made_streams import CHAT
from pytest_benchmark.fixture import BenchmarkFixture
from test_chat import payloads_of

from sseparse import SSEError, encode_event
from sseparse._stream.fields import was_mended
from sseparse.openai import ChatCompletionChunk, ChatStream

NAME = "public-name"


def with_msgspec(chunk: ChatCompletionChunk) -> str:
    assert chunk.raw is not None
    fields = msgspec.json.decode(chunk.raw)
    fields["model"] = NAME
    return msgspec.json.encode(fields).decode()


def with_json(chunk: ChatCompletionChunk) -> str:
    assert chunk.raw is not None
    fields = json.loads(chunk.raw)
    fields["model"] = NAME
    return json.dumps(fields, separators=(",", ":"))


def to_json(chunk: ChatCompletionChunk) -> str:
    chunk.model = NAME
    return chunk.to_json()


def to_dict(chunk: ChatCompletionChunk) -> dict[str, Any]:
    chunk.model = NAME
    return chunk.to_dict()


def unchanged(chunk: ChatCompletionChunk) -> str:
    return chunk.to_json()


WAYS: dict[str, Callable[[ChatCompletionChunk], Any]] = {
    "to_json, unchanged": unchanged,
    "msgspec alone": with_msgspec,
    "json": with_json,
    "to_json": to_json,
    "to_dict": to_dict,
}


@functools.cache
def recorded() -> list[bytes]:
    """The payloads of all recorded chat streams that msgspec reads."""
    found = []
    for row in corpus.entries("chat.completions"):
        stream = ChatStream([row["bytes"]])
        while True:
            try:
                chunk = next(stream, None)
                if chunk is None:
                    break
                found.append(chunk.raw)
                msgspec.json.decode(chunk.raw)
            except SSEError:
                continue
            except msgspec.DecodeError:
                found.pop()
    return found


def mended() -> list[bytes]:
    """Those in which something is not as the types declare."""
    chunks = zip(recorded(), ChatStream(map(encode_event, recorded())), strict=True)
    return [payload for payload, chunk in chunks if was_mended(chunk)]


WORK: dict[str, Callable[[], list[bytes]]] = {
    **{kind: functools.partial(payloads_of, kind) for kind in CHAT},
    "recorded streams": recorded,
    "recorded, mended": mended,
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", WORK)
def test_rewriting(benchmark: BenchmarkFixture, kind: str, way: str) -> None:
    payloads = WORK[kind]()
    if not payloads:
        pytest.skip("no ../shared/corpus here")
    chunks = list(ChatStream(map(encode_event, payloads)))
    write = WAYS[way]
    for chunk, payload in zip(chunks, payloads, strict=True):
        expected = json.loads(payload)
        written = write(chunk)
        if write is not unchanged:
            expected["model"] = NAME
        assert (written if isinstance(written, dict) else json.loads(written)) == expected
    if write is unchanged:
        assert [chunk.to_json() for chunk in chunks] == [p.decode() for p in payloads]
    benchmark.group = f"rewriting: {kind}"
    benchmark.name = way
    benchmark.extra_info.update(items=len(chunks), bytes=sum(map(len, payloads)))
    benchmark(lambda: deque(map(write, chunks), maxlen=0))
