"""The streams that are measured: made here, the same at every run."""

from __future__ import annotations

import json
import random

SEED = 20


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
