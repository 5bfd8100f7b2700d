"""Streamed answers over real HTTP on loopback, their bytes cut wherever it hurts a careless client.

Every write is one HTTP chunk, and one packet as far as TCP allows. They end inside lines,
inside UTF-8 characters and between CR and LF; some blocks end their lines in LF and others in
CRLF; comments come in between. All of it is valid, and all of it occurs in the wild.
It speaks each API that sseparse knows, at the path that the API has.

    python examples/demo_server.py
    curl -sN http://127.0.0.1:8000/v1/chat/completions | sseparse chat
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import random
import socketserver
import time
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from demo_answers import ANSWERS, as_chat

if TYPE_CHECKING:
    from collections.abc import Iterable


def make_body(rng: random.Random, payloads: Iterable[Any]) -> bytes:
    """Return the whole event stream, as one string of bytes."""
    body = b""
    for payload in payloads:
        line_end = rng.choice(("\n", "\r\n"))
        comment = f": keep-alive{line_end}{line_end}" if rng.random() < 0.05 else ""
        name = f"event: {payload['type']}{line_end}" if "type" in payload else ""
        # ensure_ascii would escape every character worth cutting.
        data = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
        data = payload if isinstance(payload, str) else data
        body += f"{comment}{name}data: {data}{line_end}{line_end}".encode()
    return body


def is_awkward(body: bytes, position: int) -> bool:
    """Whether a cut before ``position`` goes through a character or a CRLF."""
    return body[position] & 0xC0 == 0x80 or body[position - 1 : position + 1] == b"\r\n"


def cut(body: bytes, rng: random.Random) -> list[bytes]:
    """Cut a body at a part of its awkward places, and as often anywhere else."""
    places = range(1, len(body))
    awkward = [place for place in places if is_awkward(body, place)]
    count = len(awkward) // 4
    cuts = sorted({0, len(body), *rng.sample(awkward, count), *rng.sample(places, count)})
    return [body[start:end] for start, end in itertools.pairwise(cuts)]


def tool_to_call(request: Any) -> str | None:
    """Return the name of the first tool that a request offers, if it brings no results yet."""
    if not isinstance(request, dict) or not request.get("tools"):
        return None
    has_results = request["messages"][-1]["role"] == "tool"
    return None if has_results else request["tools"][0]["function"]["name"]


class DemoServer(socketserver.ThreadingTCPServer):
    """Answers every POST (or GET) with the same streamed text, as the API of its path does.

    Args:
        port: of the loopback interface; 0 takes a free one.
        seed: of everything random: line ends, comments, cuts, pauses.
        duration: how long one answer takes, in seconds, roughly; 0 is as fast as it can.
        drop_after: break the connection off after so many bytes of the body.
    """

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 256

    def __init__(
        self, port: int = 0, seed: int = 1, duration: float = 0, drop_after: int | None = None
    ) -> None:
        self.seed = seed
        self.duration = duration
        self.drop_after = drop_after
        # By how the paths of the APIs end: the body, and the pieces that are sent of it.
        self.answers = {end: self.make_answer(payloads()) for end, payloads in ANSWERS.items()}
        self.body, self.pieces = self.answers["/chat/completions"]
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def base_url(self) -> str:
        """What stands before the paths of the APIs."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    @property
    def url(self) -> str:
        """Where chat completions are."""
        return f"{self.base_url}/chat/completions"

    def find(self, path: str) -> str | None:
        """Return which of ``answers`` is that of a path."""
        path = path.partition("?")[0]
        return next((end for end in self.answers if path.endswith(end)), None)

    def make_answer(self, payloads: Iterable[Any]) -> tuple[bytes, list[bytes]]:
        """Return the body of an answer, and the pieces that are sent of it."""
        body = make_body(random.Random(self.seed), payloads)
        return body, cut(body[: self.drop_after], random.Random(self.seed))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the kernel would join what was cut with such care

    def handle(self) -> None:
        # Wherever it is noticed: in a write, or in waiting for the next request.
        with contextlib.suppress(ConnectionError):  # the client has heard enough
            super().handle()

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, DemoServer)
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        end = server.find(self.path)
        if end is None:
            self.send_error(404)
            return
        tool = tool_to_call(request) if end == "/chat/completions" else None
        _, pieces = server.answers[end] if tool is None else server.make_answer(as_chat(tool))
        self.send(pieces)

    def do_GET(self) -> None:
        self.do_POST()  # so that plain curl does

    def send(self, pieces: list[bytes]) -> None:
        server = self.server
        assert isinstance(server, DemoServer)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        rng = random.Random(server.seed)
        seconds_per_byte = server.duration / sum(map(len, pieces))
        time.sleep(server.duration * 0.05)  # the model reads its prompt
        for piece in pieces:
            time.sleep(seconds_per_byte * len(piece) * rng.uniform(0.4, 1.5))
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        if server.drop_after is not None:
            self.close_connection = True
        else:
            self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal for the text."""


def main() -> None:
    parser = argparse.ArgumentParser(description="Streams an answer on loopback, as each API does.")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--duration", type=float, default=7, help="in seconds (7)")
    parser.add_argument("--drop-after", type=int, metavar="BYTES", help="break off there")
    with DemoServer(**vars(parser.parse_args())) as server:
        print(f"{server.url} (Ctrl-C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
