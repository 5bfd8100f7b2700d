"""Bodies of event streams, of payloads."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["named", "sse"]


def sse(*payloads: Any) -> bytes:
    """An event each: a dict as JSON, text as it is."""
    return b"".join(b"data: " + _text(payload) + b"\n\n" for payload in payloads)


def named(*payloads: Any) -> bytes:
    """The same, each event with the name that its payload's type is."""
    return b"".join(
        b"event: " + payload["type"].encode() + b"\n" + sse(payload) for payload in payloads
    )


def _text(payload: Any) -> bytes:
    return payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
