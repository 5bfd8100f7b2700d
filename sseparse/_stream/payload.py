# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""The JSON of a payload, as servers write it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

__all__ = ["REFUSALS", "lines_of", "loads", "loads_oddly"]

# What msgspec raises for bytes that it does not read.
REFUSALS = (msgspec.MsgspecError, ValueError, RecursionError)


def loads(payload: bytes) -> Any:
    """Parse a payload, tolerantly; see ``loads_oddly``."""
    return loads_oddly(payload)[0]


def loads_oddly(payload: bytes) -> tuple[Any, bool]:
    """Parse a payload, tolerantly, and tell whether that took tolerance.

    What msgspec refuses is tried once more with the stdlib's parser, which reads NaN, lone
    surrogates and, when told to, raw control characters; invalid UTF-8 becomes U+FFFD, as
    in the event.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return msgspec.json.decode(payload), False
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(payload.decode("utf-8", "replace"), strict=False), True


def lines_of(payload: bytes) -> list[bytes]:
    """The lines of data that are payloads of their own; none where it is but one, broken.

    Servers that leave out the blank line between two events make one event of many.
    """
    lines = [line for line in payload.split(b"\n") if line.strip()]
    return lines if len(lines) > 1 and any(map(_is_payload, lines)) else []


def _is_payload(line: bytes) -> bool:
    if line.strip() == b"[DONE]":
        return True
    try:
        return isinstance(loads(line), dict)
    except (ValueError, RecursionError):
        return False
