"""Making chat streams, and reading them whole and under every cut."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sseparse import SSEError
from sseparse.openai import ChatStream

if TYPE_CHECKING:
    from collections.abc import Iterable

ENVELOPE = {
    "id": "chatcmpl-1",
    "object": "chat.completion.chunk",
    "created": 1733162853,
    "model": "gpt-4o-mini",
}
DONE = b"data: [DONE]\n\n"


def chunk(delta: Any = None, /, *, index: Any = 0, finish_reason: Any = None, **top: Any) -> dict:
    """A chunk's payload with one choice; ``top`` are fields beside ``choices``."""
    choice = {
        "index": index,
        "delta": {} if delta is None else delta,
        "finish_reason": finish_reason,
    }
    return {**ENVELOPE, "choices": [choice], **top}


def sse(*payloads: Any) -> bytes:
    """An event each: a dict as JSON, text or bytes as they are."""
    events = []
    for payload in payloads:
        if isinstance(payload, (dict, list)):
            payload = json.dumps(payload)
        if isinstance(payload, str):
            payload = payload.encode()
        events.append(b"data: " + payload + b"\n\n")
    return b"".join(events)


def read(chunks: Iterable[bytes], stream_class: Any = ChatStream, **options: Any) -> dict[str, Any]:
    """Everything that can be told of a stream, errors in their places."""
    stream = stream_class(chunks, **options)
    seen: list[Any] = []
    while True:
        try:
            seen.append(next(stream).to_dict())
        except StopIteration:
            break
        except SSEError as error:
            seen.append((type(error).__name__, *error.args))
    return {
        "seen": seen,
        "final": stream.get_final_completion().to_dict(),
        "done": stream.done,
        "truncated": stream.truncated,
        "finish_reason": stream.finish_reason,
        "usage": None if stream.usage is None else stream.usage.to_dict(),
    }


def read_under_every_cut(
    body: bytes, stream_class: Any = ChatStream, **options: Any
) -> dict[str, Any]:
    """``read`` the body whole; assert that it reads the same cut in two anywhere, and in bytes."""
    whole = read([body], stream_class, **options)
    for cut in range(1, len(body)):
        assert read([body[:cut], body[cut:]], stream_class, **options) == whole, cut
    assert read([body[i : i + 1] for i in range(len(body))], stream_class, **options) == whole
    return whole


def final(*payloads: Any, **options: Any) -> dict[str, Any]:
    """The final completion of a stream of these payloads, under every cut."""
    return read_under_every_cut(sse(*payloads) + DONE, **options)["final"]


def message(*deltas: dict[str, Any], **options: Any) -> dict[str, Any]:
    """The final message that these deltas come to, under every cut."""
    return final(*map(chunk, deltas), **options)["choices"][0]["message"]
