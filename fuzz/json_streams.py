"""Mutations of the JSON in a stream: libFuzzer's own know nothing of it and break most of it.

An input is three bytes of options, then a stream in which each 0xFE marks a place where it is
cut (JSON has none).
"""

from __future__ import annotations

import json
import random
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

MARK = b"\xfe"

# What stands for an object, so that a key may come twice, and for JSON that json cannot write.
Members = list  # of (key, value), in a class of its own:


class Object(Members):  # type: ignore[type-arg]
    pass


class Verbatim(str):
    """JSON as text."""


_VERBATIM = (
    "NaN",
    "-Infinity",
    "1e999",
    "1E400",
    "-0",
    "-0.0",
    "1e15",
    "1.5e308",
    "9" * 19,
    "9" * 400,
    '"\\ud83d"',
    '"\\ude00"',
    '"\\u0000"',
    "[" * 60 + "]" * 60,
    '{"a":' * 60 + "1" + "}" * 60,
    '[{"thinking":' * 200 + '"x"' + "}]" * 200,
    '[{"text":' * 200 + '"x"' + "}]" * 200,
    "[" * 2000,
    "9" * 5000,
    "[" * 900 + "]" * 900,
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**53, 2**63, 10**11, 1733162853123, 0.5, 1.0, 1e300),
    *("", " ", "null", "0", "1", "1.0", "1e3", "nan", "stop", "x", "{", "{}", "\u20ac", "}"),
    *("text", "thinking", "assistant", "error"),
    *([], [None], [[]], Object(), [Object()], Object([("text", "x")])),
    [Object([("type", "text"), ("text", "a")]), Object([("type", "thinking"), ("thinking", "b")])],
    Object([("message", "m"), ("code", 1)]),
    *map(Verbatim, _VERBATIM),
)
_LINES = (
    *(b"data: [DONE]", b"data:[DONE]", b"event: error", b"event:x", b"id: 1", b"id", b": ping"),
    *(b'{"error": "no"}', b'{"error": {"message": "no"}}', b"{", b"}", b'"error": "no"'),
    *(b"error: no", b'error: {"message": "no"}', b"error:", b"retry: 5", b"data:", b"data"),
    *(b"data: null", b"data: {}", b"data: {", b"data: []", b"\xff", b"<html>", b"", b"\r", b"x"),
)


def field_names(*modules: Any) -> set[str]:
    """What the fields of some modules' objects are called, and a few that they have not."""
    structs = [getattr(module, name) for module in modules for name in module.__all__]
    names = chain.from_iterable(struct.__struct_fields__ for struct in structs)
    return {*names, "error", "message", "thinking", "unknown", "code", "detail"}


class Mutations:
    """Makes inputs of others.

    Args:
        keys: what members of objects may be called.
        words: texts that mean something in the format.
    """

    def __init__(self, keys: Iterable[str], words: Iterable[str]) -> None:
        self._keys = sorted(keys)
        self._values = (*_VALUES, *words)

    def mutate(self, data: bytes, max_size: int, seed: int) -> bytes:
        """Another input of one, no longer than a size."""
        import atheris

        rng = random.Random(seed)
        if rng.random() < 0.3:
            return bytes(atheris.Mutate(data, max_size))
        events = data[3:].replace(MARK, b"").split(b"\n\n")
        for _ in range(rng.choice((1, 1, 2, 4))):
            self._mutate_events(events, rng)
        body = b"\n\n".join(events)
        places = sorted(rng.randrange(len(body) + 1) for _ in range(rng.choice((0, 1, 2, 9))))
        edges = [0, *places, len(body)]
        body = MARK.join(body[start:end] for start, end in pairwise(edges))
        return (data[:3].ljust(3, b"\0") + body)[:max_size]

    def _mutate_events(self, events: list[bytes], rng: random.Random) -> None:
        position = rng.randrange(len(events))
        kind = rng.randrange(12)
        if kind == 0:
            events.insert(rng.randrange(len(events) + 1), events[position])
        elif kind == 1 and len(events) > 1:
            del events[position]
        elif kind == 2:
            other = rng.randrange(len(events))
            events[position], events[other] = events[other], events[position]
        elif kind == 3:
            lines = events[position].split(b"\n")
            lines.insert(rng.randrange(len(lines) + 1), rng.choice(_LINES))
            events[position] = b"\n".join(lines)
        elif kind == 4:
            events.insert(position, rng.choice(_LINES))
        else:
            head, separator, payload = events[position].partition(b"{")
            try:
                root = json.loads(separator + payload, object_pairs_hook=Object)
                root = self._mutate_value(root, rng)
                text = _write(root, "\ndata:" if rng.random() < 0.05 else "")
            except (ValueError, RecursionError):
                return
            events[position] = head + text.encode("utf-8", "surrogatepass")

    def _mutate_value(self, root: Any, rng: random.Random) -> Any:
        """Change something somewhere in a value; returns what is to stand in its place."""
        if not isinstance(root, list) or not root or rng.random() < 0.15:
            return self._other_value(root, rng)
        position = rng.randrange(len(root))
        # Deeper, mostly: what is interesting is at the bottom.
        if rng.random() < 0.7:
            if isinstance(root, Object):
                key, value = root[position]
                root[position] = (key, self._mutate_value(value, rng))
            else:
                root[position] = self._mutate_value(root[position], rng)
            return root
        kind = rng.randrange(5)
        if kind == 0:
            del root[position]
        elif kind == 1:
            root.insert(rng.randrange(len(root) + 1), root[position])
        elif not isinstance(root, Object):
            root.insert(position, rng.choice(self._values))
        elif kind == 2:
            root[position] = (rng.choice(self._keys), root[position][1])
        elif kind == 3:
            root.append((rng.choice(self._keys), rng.choice(self._values)))
        else:
            root[position] = (root[position][0], rng.choice(self._values))
        return root

    def _other_value(self, value: Any, rng: random.Random) -> Any:
        kind = rng.randrange(8)
        if kind == 0:
            return [value]
        if kind == 1:
            return Object([(rng.choice(self._keys), value)])
        if kind == 2 and not isinstance(value, list):
            return str(value)
        if kind == 3 and isinstance(value, str) and value:
            place = rng.randrange(len(value))
            return (
                value[:place] + rng.choice(("", "\u2028", "}", " ", "\ud83d", "1")) + value[place:]
            )
        return rng.choice(self._values)


def _write(value: Any, indent: str) -> str:
    if isinstance(value, Object):
        members = (f"{json.dumps(key)}:{_write(item, indent)}" for key, item in value)
        return "{" + indent + ("," + indent).join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_write(item, indent) for item in value) + "]"
    if isinstance(value, Verbatim):
        return str(value)
    return json.dumps(value)
