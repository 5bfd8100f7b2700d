"""JSON in pieces: what can be seen of a PartialJSON after each, and what ``json.loads`` says."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class Seen(NamedTuple):
    """All that can be seen after a call."""

    result: Any  # what it returned, or the exception as text
    value: str  # as repr() shows it, which tells 1 from 1.0 and True, and -0.0 from 0.0
    changed: bool
    complete: bool
    position: int


def cut(text: str, size: int) -> list[str]:
    """The text in pieces of so many characters."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def cut_at(text: str, places: Iterable[int]) -> list[str]:
    """The text cut at these places, which may be the same or lie beyond its end."""
    edges = [0, *sorted(min(place, len(text)) for place in places), len(text)]
    return [text[start:end] for start, end in pairwise(edges)]


def observe(partial: Any, pieces: Iterable[str]) -> list[Seen]:
    """Feed it the pieces and close it; what can be seen after each call."""
    seen = []
    for piece in [*pieces, None]:
        result: Any
        try:
            result = partial.close() if piece is None else partial.feed(piece) is partial
        except ValueError as error:
            result = type(error).__name__, str(error), error.args
        seen.append(
            Seen(result, repr(partial.value), partial.changed, partial.complete, partial.position)
        )
    return seen


NO_JSON = object()


def loads(text: str) -> Any:
    """What ``json.loads`` makes of it, or NO_JSON; NaN and Infinity, which it takes, are none."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except ValueError:
        return NO_JSON


def _refuse(name: str) -> Any:
    raise ValueError(name)


# Texts that are easily misread, whole or cut; some are no JSON.
TEXTS = [
    *("", " ", "null", "true", "false", "0", "-0", "-", "01", "1.", "1.5", "1e", "1e+", "1E-7"),
    *("1e999", "-0.0", "1.0e0", "12345678901234567890", ".5", "+1", "1_0", "0x1", "\u0663"),
    *('""', '"', '"a', '"\\', '"\\u', '"\\u00', '"\\u00e9"', '"\\u00E9"', '"\\x"', '"\\u00g0"'),
    *('"\\ud83d\\ude00"', '"\\ud83d"', '"\\ude00"', '"\\ud83d\\ud83d\\ude00"', '"\\ud83d\\n"'),
    *('"\\ud83dx\\ude00"', '"\ud83d\ude00"', '"\\ud83d\ude00"', '"\ud83d\\ude00"', '"\ud83d"'),
    r'"\b\f\n\r\t\/\\\""',
    *('"\n"', '"\x00"', '"\x1f"', '"\x7f"', '"\u2028\u0085"', '"\U0001f600\u20ac\xe9a"', "'a'"),
    *("[]", "[ ]", "[1]", "[1,]", "[,1]", "[1 2]", "[1]]", "[[]", "[}", "]", '["a", "b"]'),
    *("{}", "{ }", '{"a": 1}', '{"a": 1,}', '{"a" 1}', '{"a":}', '{"a"}', "{1: 2}", "{,}"),
    *('{"a": 1, "a": [2], "a": "x"}', '{"a": [1], "b": 2, "a": "', '{"a": {"b": {}}}', "{]"),
    *('{"": ""}', '{"\\ud83d\\ude00\\n": 0}', '{"a": "b"} ', '{"a": "b"} x', "1 2", "[] []"),
    *("NaN", "Infinity", "-Infinity", "[NaN]", "nul", "nulL", "truee", "tru e", "[tru]"),
    *("\ufeff1", "\xa01", "\x0b1", " \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n] \t\r\n", "1\f"),
    '{"name": "get_weather", "arguments": {"city": "Z\xfcrich", "days": 3, "units": null}}',
    '[{"id": 12, "tags": ["a", "b"], "ok": true}, {"id": -1.5e3, "tags": [], "ok": false}]',
    '{"code": "print(\\"hi\\")\\n\\tif x:\\n\\t\\tpass\\u2028\\/"}',
]
