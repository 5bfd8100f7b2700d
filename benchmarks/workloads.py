"""The streams that are measured, each with its right events: made here, the same at every run."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

# The recorded streams, and the standard's algorithm to say what is in them.
sys.path.append(str(Path(__file__).resolve().parents[1] / "tests" / "helpers"))

import corpus
import whatwg

SEED = 20
LARGE_READ = 16 * 1024
# What a TCP segment over Ethernet brings.
NETWORK_READ = 1400


class Workload(NamedTuple):
    """Chunks of bytes, and the type and the data of the events in them."""

    chunks: list[bytes]
    events: list[tuple[str, str]]


def chat_stream(events: int, event_size: int = 300, line_end: bytes = b"\n") -> bytes:
    """A chat completion of so many chunks, each event exactly ``event_size`` bytes."""
    random_word = random.Random(SEED)
    stream = bytearray()
    for _ in range(events):
        word = "".join(random_word.choices("abcdefghijklmnopqrstuvwxyzäöü ", k=5))
        chunk = {
            "id": "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
            "object": "chat.completion.chunk",
            "created": 1741569952,
            "model": "gpt-4.1-2025-04-14",
            "system_fingerprint": "fp_44709d6fcb",
            "choices": [
                {"index": 0, "delta": {"content": word}, "logprobs": None, "finish_reason": None}
            ],
            "obfuscation": "",
        }
        payload = _dump(chunk)
        missing = event_size - len(b"data: ") - len(payload) - 2 * len(line_end)
        if missing < 0:
            raise ValueError(f"an event of {event_size} bytes is too small for a chat chunk")
        # OpenAI pads its chunks in the same way.
        chunk["obfuscation"] = "x" * missing
        stream += b"data: " + _dump(chunk) + 2 * line_end
    return bytes(stream)


def _dump(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def cut(stream: bytes, size: int) -> list[bytes]:
    """The stream in chunks of ``size`` bytes, wherever that cuts it."""
    return [stream[i : i + size] for i in range(0, len(stream), size)]


def chat(events: int, event_size: int, read_size: int, line_end: bytes = b"\n") -> Workload:
    stream = chat_stream(events, event_size, line_end)
    payloads = [
        event[len("data: ") : -2 * len(line_end)].decode() for event in cut(stream, event_size)
    ]
    return Workload(cut(stream, read_size), [("message", payload) for payload in payloads])


def short_events() -> Workload:
    """A token an event, with little around it: 100 bytes each."""
    random_word = random.Random(SEED)
    words = ["".join(random_word.choices("abcdefghijklmnopqrstuvwxyz ", k=5)) for _ in range(9_000)]
    payloads = [
        f'{{"index":{i:06},"text":"{word}","pad":"{"x" * 52}"}}' for i, word in enumerate(words)
    ]
    stream = "".join(f"data: {payload}\n\n" for payload in payloads).encode()
    return Workload(cut(stream, LARGE_READ), [("message", payload) for payload in payloads])


def tool_calls(calls: int, size: int, read: int) -> Workload:
    """A chat completion of calls one after the other, their arguments in pieces of 4 characters."""
    words = random.Random(SEED).choices(("city", "river", "north", "level", "some"), k=size // 5)
    arguments = json.dumps({"query": " ".join(words), "options": [{"limit": 10}]})
    payloads = []
    for index in range(calls):
        function: dict[str, str] = {"name": "search", "arguments": ""}
        fragments = [{"index": index, "id": f"call_{index}", "function": function}]
        for start in range(0, len(arguments), 4):
            piece = {"arguments": arguments[start : start + 4]}
            fragments.append({"index": index, "function": piece})
        for fragment in fragments:
            choice = {"index": 0, "delta": {"tool_calls": [fragment]}, "finish_reason": None}
            payloads.append(_dump({"id": "c", "created": 1, "model": "m", "choices": [choice]}))
    end = {"index": 0, "delta": {}, "finish_reason": "tool_calls"}
    payloads.append(_dump({"id": "c", "created": 1, "model": "m", "choices": [end]}))
    stream = b"".join(b"data: " + payload + b"\n\n" for payload in payloads)
    events = [("message", payload.decode()) for payload in payloads]
    return Workload(cut(stream, read), events)


def many_lines() -> Workload:
    """Text as servers of logs send it: 40 lines an event, of 1 to 40 characters."""
    random_size = random.Random(SEED)
    data = [["x" * random_size.randint(1, 40) for _ in range(40)] for _ in range(600)]
    stream = "".join("".join(f"data: {line}\n" for line in lines) + "\n" for lines in data)
    events = [("message", "\n".join(lines)) for lines in data]
    return Workload(cut(stream.encode(), LARGE_READ), events)


def recorded() -> Workload:
    """What servers have sent, byte for byte, one body behind another; empty without a corpus.

    Behind another, because most are too short to be timed alone: a body that ends in a blank
    line leaves nothing to the next but its last event ID, which is not compared.
    """
    bodies = [row["bytes"] for row in corpus.exact_streams()]
    stream = b"".join(body for body in bodies if body.endswith((b"\n\n", b"\r\n\r\n")))
    events = [(event.type, event.data) for event in whatwg.interpret(stream).events]
    return Workload(cut(stream, NETWORK_READ), events)


FRAMING: dict[str, Callable[[], Workload]] = {
    "16 KiB chunks": lambda: chat(5_000, 300, LARGE_READ),
    "one event a read": lambda: chat(5_000, 300, 300),
    "reads of 1,400 bytes": lambda: chat(5_000, 300, NETWORK_READ),
    "events of 100 bytes": short_events,
    "events of 4 KiB": lambda: chat(400, 4096, LARGE_READ),
    # A size of which some chunks end between CR and LF, and some between two line ends.
    "CRLF": lambda: chat(5_000, 309, LARGE_READ, b"\r\n"),
    "40 data lines an event": many_lines,
    "recorded streams": recorded,
}
