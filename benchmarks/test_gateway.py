"""What passes through a gateway: examples/gateway.py, and the same written by hand.

Both read along (chunks, finish reason, usage, whether it is whole), hold back what is no whole
event yet, and either pass the bytes on as they came or rename the model, drop a key and add an
event before ``[DONE]``. The one by hand splits at blank lines, and is written with ``json.loads``
and f-strings: it is wrong for CR, for CRLF, for data of several lines, and for half a character,
which are not in what is measured. HTTP is left out: it is the same for both, and more than either.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from made_streams import ENVELOPE
from pytest_benchmark.fixture import BenchmarkFixture
from test_chat import events_of, payloads_of
from workloads import NETWORK_READ, cut

sys.path.append(str(Path(__file__).resolve().parents[1] / "examples"))

from gateway import Passing

NAME = "public-name"
USAGE = {"prompt_tokens": 9, "completion_tokens": 600, "total_tokens": 609}


class ByHand:
    """In place of ``gateway.Passing``."""

    def __init__(self, model: str | None) -> None:
        self.model = model
        self.held = b""
        self.chunks = 0
        self.usage: Any = None
        self.finish_reason: str | None = None
        self.done = False

    def feed(self, data: bytes) -> bytes:
        *blocks, self.held = (self.held + data).split(b"\n\n")
        return b"".join([self.read(block) for block in blocks])

    def read(self, block: bytes) -> bytes:
        payload = block.removeprefix(b"data: ")
        if payload == b"[DONE]":
            self.done = True
            if self.model is None:
                return b"data: [DONE]\n\n"
            said = f"whole=True, {self.chunks} chunks, {self.finish_reason}, {self.usage}"
            notice = {"object": "chat.completion.chunk", "choices": [], "gateway": said}
            return f"data: {json.dumps(notice)}\n\ndata: [DONE]\n\n".encode()
        chunk = json.loads(payload)
        self.chunks += 1
        self.usage = chunk.get("usage") or self.usage
        for choice in chunk["choices"]:
            self.finish_reason = choice.get("finish_reason") or self.finish_reason
        if self.model is None:
            return block + b"\n\n"
        chunk["model"] = self.model
        chunk.pop("system_fingerprint", None)
        return f"data: {json.dumps(chunk, separators=(',', ':'))}\n\n".encode()

    def close(self) -> bytes:
        return b"" if self.done else b'data: {"error": {"message": "truncated"}}\n\n'


def pass_through(passing: Any, reads: list[bytes]) -> bytes:
    return b"".join([*map(passing.feed, reads), passing.close()])


WAYS: dict[str, Callable[[str | None], Any]] = {
    "by hand": ByHand,
    "examples/gateway.py": partial(Passing, "chat"),
}
READS = {"reads of 1,400 bytes": lambda body: cut(body, NETWORK_READ), "one event a read": None}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("model", [None, NAME], ids=["unchanged", "rewritten"])
@pytest.mark.parametrize("reading", READS)
def test_gateway(benchmark: BenchmarkFixture, reading: str, model: str | None, way: str) -> None:
    choice = {"index": 0, "delta": {}, "finish_reason": "stop"}
    ending = json.dumps({**ENVELOPE, "choices": [choice], "usage": USAGE}).encode()
    payloads = [*payloads_of("text"), ending]
    events = events_of(payloads)
    cut_up = READS[reading]
    reads = events if cut_up is None else cut_up(b"".join(events))
    passed = pass_through(WAYS[way](model), reads)
    if model is None:
        assert passed == b"".join(events)
    else:
        by_hand = pass_through(ByHand(model), reads)
        notices = [block for block in (passed + by_hand).split(b"\n\n") if b'"gateway"' in block]
        assert len(notices) == 2
        assert passed.replace(notices[0], b"") == by_hand.replace(notices[1], b"")
    benchmark.group = f"gateway: {'unchanged' if model is None else 'rewritten'}, {reading}"
    benchmark.name = way
    benchmark.extra_info.update(items=len(payloads), bytes=len(passed))
    benchmark(lambda: pass_through(WAYS[way](model), reads))
