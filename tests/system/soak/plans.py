"""What the server sends for a number: everything follows from the number alone.

Its API, or that it is an event stream of none; its events; where its bytes are cut, and how long
the server waits between two writes; whether the connection is dropped, and at which byte; how
slowly the client reads, and whether it leaves early.
"""

from __future__ import annotations

import json
import random
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import api_streams

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["KINDS", "NO_API", "Block", "Plan", "dumped"]

NO_API = "events"
KINDS = ("chat", "completions", "responses", "messages", "gemini", NO_API)
TEXTS = ("Hello", " wor", "ld", " \u00e9\u00e8", "\u20ac", "\U0001f600", '"a"', "\n", "a\\b", " 1")
ARGUMENTS = '{"place": "by the sea", "depth": 32, "unit": "m"}'

ENCODE = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Block(NamedTuple):
    """Some lines and the blank one behind them.

    Attributes:
        data: its bytes.
        event: the type, the data and the ID of its event; None where it is a comment.
        payload: what an API says in it: a JSON value, or ``"[DONE]"``.
    """

    data: bytes
    event: tuple[str, str, str] | None = None
    payload: Any = None


class Plan:
    """What is sent for one number."""

    def __init__(self, number: int) -> None:
        choose = self._random = random.Random(number)
        self.number = number
        self.kind = choose.choice(KINDS)
        self.end = choose.choice([b"\n", b"\n", b"\r\n", b"\r"])
        self.slow = choose.random() < 0.1
        # A few send much at once: a slow reader then makes the server wait.
        self.event_size = 30_000 if choose.random() < 0.02 else 0
        self.ending = choose.choices(["whole", "closed", "reset", "left"], [75, 10, 10, 5])[0]
        # Where HTTP could tell that it was closed in the middle, whether it does not: the end of
        # the body is sent as if all was well.
        self.ends_body = self.ending != "reset" and (self.ending != "closed" or number % 2 == 0)
        # Where the server drops it, or the client leaves, as a part of the whole.
        self.dropped_after = choose.random()

    @cached_property
    def blocks(self) -> list[Block]:
        made = self._events() if self.kind == NO_API else map(self._block_of, self._payloads())
        blocks = []
        for block in made:
            if self._random.random() < 0.05:
                blocks.append(Block(b": keep-alive" + 2 * self.end))
            blocks.append(block)
        return blocks

    def _events(self) -> Iterator[Block]:
        """Events with everything that one may have."""
        for number, text in enumerate(self._texts()):
            data = dumped(text)
            lines = [b"id: %d" % number, b"event: e", b"data: " + data.encode(), b"data:", b"", b""]
            yield Block(self.end.join(lines), ("e", data + "\n", str(number)))

    def _payloads(self) -> list[Any]:
        choose = self._random
        thoughts = choose.choices(TEXTS, k=choose.randint(0, 5))
        places = sorted(choose.sample(range(1, len(ARGUMENTS)), choose.randint(0, 5)))
        cuts = pairwise([0, *places, len(ARGUMENTS)])
        arguments = [ARGUMENTS[start:end] for start, end in cuts]
        return api_streams.payloads(self.kind, self._texts(), thoughts, arguments)

    def _block_of(self, payload: Any) -> Block:
        """A payload's event; it has a name where the payload has a type, as the APIs have it."""
        data = dumped(payload)
        name = payload.get("type") if isinstance(payload, dict) else None
        lines = [b"data: " + data.encode(), b"", b""]
        if name is not None:
            lines.insert(0, b"event: " + name.encode())
        return Block(self.end.join(lines), (name or "message", data, ""), payload)

    def _texts(self) -> list[str]:
        choose = self._random
        count = 10 if self.event_size else choose.randint(10, 80)
        texts = choose.choices(TEXTS, k=count)
        return [text + "x" * choose.randint(0, 2 * self.event_size) for text in texts]

    @cached_property
    def body(self) -> bytes:
        return b"".join(block.data for block in self.blocks)

    @cached_property
    def stops(self) -> list[int]:
        """Where each block ends."""
        stops, position = [], 0
        for block in self.blocks:
            position += len(block.data)
            stops.append(position)
        return stops

    @cached_property
    def size(self) -> int:
        """How many bytes there are to be had."""
        if self.ending not in ("closed", "reset"):
            return len(self.body)
        size = int(len(self.body) * self.dropped_after)
        if size % 2 == 0:
            # Where an event ends, or nearly: that is where it is most easily taken wrong.
            size = next(stop for stop in self.stops if stop > size) - size // 2 % 6
        # Of fewer bytes nobody could say that they begin an event stream.
        return max(size, len(b"data"))

    def pieces(self) -> Iterable[tuple[bytes, float]]:
        """What the server writes, each with how long it waits then."""
        choose = random.Random(self.dropped_after)
        places = sorted(choose.randint(0, self.size) for _ in range(choose.randint(5, 30)))
        for start, end in pairwise([0, *places, self.size]):
            yield self.body[start:end], choose.choice([0, 1, 2, 4])

    def come(self, received: int, lacking: int = 0) -> list[Block]:
        """The blocks in the first so many bytes, where each may lack so many at its end."""
        return [
            block
            for block, stop in zip(self.blocks, self.stops, strict=True)
            if received >= stop - lacking
        ]


def dumped(payload: Any) -> str:
    """A payload as it is sent."""
    if payload == "[DONE]":
        return "[DONE]"
    return ENCODE(payload)
