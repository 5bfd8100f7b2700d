# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""The JSON of a payload, as servers write it."""

from __future__ import annotations

import json
from typing import Any

import msgspec

__all__ = ["REFUSALS", "is_done", "loads", "loads_oddly", "payloads_in"]

# What msgspec raises for bytes that it does not read.
REFUSALS = (msgspec.MsgspecError, ValueError, RecursionError)

_DECODER = json.JSONDecoder(strict=False)
# Values that could not be read, of those that a payload may have: each may cost all of it.
_MOST_FAILURES = 100


def loads(payload: bytes) -> Any:
    """Parse a payload, tolerantly; see ``loads_oddly``."""
    return loads_oddly(payload)[0]


def loads_oddly(payload: bytes) -> tuple[Any, bool]:
    """Parse a payload, tolerantly, and tell whether that took tolerance.

    What msgspec refuses is tried once more with the stdlib's parser, which reads NaN, lone
    surrogates and, when told to, raw control characters; invalid UTF-8 becomes U+FFFD, as
    in the event, and a byte order mark is dropped.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.
    """
    try:
        return msgspec.json.decode(payload), False
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(_text_of(payload), strict=False), True


def is_done(payload: bytes) -> bool:
    """Whether it is what ends a stream: ``[DONE]``, with or without spaces and quotes."""
    return len(payload) < 100 and payload.strip(b' \t\r\n"').upper() == b"[DONE]"


def payloads_in(payload: bytes) -> list[bytes]:
    """The payloads that a broken one consists of; none where it is but one.

    Servers that leave out the blank line between two events make one event of many; others
    leave out the line end, too, write the field's name twice, or a comma behind the object.
    """
    text = _text_of(payload)
    found: list[str] = []
    are_good = False
    failures = 0
    position = 0
    while position < len(text):
        end = text.find("\n", position)
        end = len(text) if end < 0 else end
        start = _skip(text, position, end)
        if text.startswith("{", start) and failures < _MOST_FAILURES:
            try:
                value, end = _DECODER.raw_decode(text, start)
                are_good = are_good or bool(value)
            except (ValueError, RecursionError):
                failures += 1
        elif text[start : start + 6].upper() == "[DONE]":
            end = start + 6
            are_good = True
        if piece := text[start:end].strip(" \t\r,"):
            found.append(piece)
        position = end + text.startswith("\n", end)
    if not are_good or found == [text.strip()]:
        return []
    return [piece.encode() for piece in found]


def _skip(text: str, start: int, end: int) -> int:
    """Where a piece begins: behind spaces, commas, and the names of fields."""
    while start < end:
        if text[start] in " \t\r,":
            start += 1
        elif text.startswith("data:", start):
            start += 5
        else:
            break
    return start


def _text_of(payload: bytes) -> str:
    return payload.decode("utf-8", "replace").removeprefix("\ufeff")
