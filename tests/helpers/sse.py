"""Bodies of event streams, of payloads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random

__all__ = ["cut", "event", "named", "sse"]


def sse(*payloads: Any) -> bytes:
    """An event each: a dict as JSON, text as it is."""
    return b"".join(b"data: " + _text(payload) + b"\n\n" for payload in payloads)


def named(*payloads: Any) -> bytes:
    """The same, each event with the name that its payload's type is."""
    return b"".join(
        b"event: " + payload["type"].encode() + b"\n" + sse(payload) for payload in payloads
    )


def event(payload: bytes) -> bytes:
    """An event of any bytes. A line break in them would be one of the event stream's."""
    lines = payload.replace(b"\r", b"\n").split(b"\n")
    return b"".join(b"data: " + line + b"\n" for line in lines) + b"\n"


def cut(body: bytes, rng: random.Random, size: int) -> list[bytes]:
    """A body in pieces of this size, more or less."""
    pieces, start = [], 0
    while start < len(body):
        end = start + rng.randint(1, 2 * size)
        pieces.append(body[start:end])
        start = end
    return pieces


def _text(payload: Any) -> bytes:
    return payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
