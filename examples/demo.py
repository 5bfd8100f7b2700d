"""What ``make demo`` runs: a chat completion over real HTTP, from awkward bytes to text.

It starts the server of demo_server.py on a free port of the loopback interface, streams from
it through httpx2 into ``ChatStream``, prints the text as it arrives, and checks that it is
what the server meant to send.
"""

from __future__ import annotations

import io
import itertools
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import httpx2
from demo_answers import TEXT
from demo_server import DemoServer, is_awkward

import sseparse
from sseparse.openai import ChatStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

IS_TERMINAL = sys.stdout.isatty()
IS_COLOURED = IS_TERMINAL and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def dim(note: str) -> str:
    """Make a note stand back behind the text, where there are colours."""
    return f"\x1b[2m{note}\x1b[0m" if IS_COLOURED else note


class Counted:
    """Passes chunks of bytes on, and counts them."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.chunks = chunks
        self.reads = self.bytes = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self.chunks:
            self.reads += 1
            self.bytes += len(chunk)
            yield chunk


def main() -> int:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")  # the text has more letters than some locales
    # Somebody watches a terminal; a file or a pipe only wants the proof.
    with DemoServer(duration=7 if IS_TERMINAL else 0.7) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            return stream_from(server)
        except KeyboardInterrupt:
            return 130
        finally:
            server.shutdown()


def stream_from(server: DemoServer) -> int:
    print(dim(f"POST {server.url}\n"), flush=True)
    request = {"model": "river-1", "stream": True, "messages": [{"role": "user", "content": "?"}]}
    text = ""
    chunks = 0
    first_token = 0.0
    start = time.perf_counter()
    # trust_env: a proxy from the environment has no business on loopback.
    with httpx2.stream("POST", server.url, json=request, trust_env=False) as response:
        body = Counted(response.iter_bytes())
        stream = ChatStream(body)
        for chunk in stream:
            chunks += 1
            if chunk.choices and chunk.choices[0].delta.content:
                first_token = first_token or time.perf_counter() - start
                text += chunk.choices[0].delta.content
                print(chunk.choices[0].delta.content, end="", flush=True)
    total = time.perf_counter() - start
    completion = stream.get_final_completion()

    print(dim("\nThe final completion:"))
    print(f"  model          {completion.model}")
    print(f"  finish_reason  {completion.choices[0].finish_reason}")
    if usage := completion.usage:
        print(f"  usage          {usage.prompt_tokens} + {usage.completion_tokens} tokens")
    print(dim(completion.to_json(indent=2)))

    cuts = list(itertools.accumulate(map(len, server.pieces)))[:-1]
    awkward = sum(is_awkward(server.body, position) for position in cuts)
    print(
        f"\n{chunks + stream.done} events in {body.bytes:,} bytes, {len(server.pieces)} writes "
        f"({awkward} of them cut inside a character or a CRLF) and {body.reads} reads; first "
        f"token after {first_token:.2f} s, all of it in {total:.2f} s; "
        f"{sseparse.IMPLEMENTATION} parser"
    )
    if text != TEXT or completion.choices[0].message.content != TEXT:
        print("The text is NOT what the server meant to send.", file=sys.stderr)
        return 1
    print("The text is exactly what the server meant to send.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
