"""A chat completion over real HTTP on loopback, its bytes cut wherever it hurts a careless client.

Every write is one HTTP chunk, and one packet as far as TCP allows. They end inside lines,
inside UTF-8 characters and between CR and LF; some blocks end their lines in LF and others in
CRLF; comments come in between. All of it is valid, and all of it occurs in the wild.
Whoever offers tools is answered with calls first, and with the text when their results come.

    python examples/demo_server.py
    curl -sN http://127.0.0.1:8000/v1/chat/completions | sseparse chat
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import random
import re
import socketserver
import time
from http.server import BaseHTTPRequestHandler
from typing import Any

MODEL = "river-1"

TEXT = """\
A river does not wait until it is whole. Somewhere above the tree line the snow
gives way, a thread of water finds the slope, and long before the last drop has
left the mountain the valley is already drinking. 🏔️  → 🌊

A streamed answer travels in the same way. It leaves its source one word at a
time, passes through proxies, locks and buffers, and is broken on every stone it
meets: in the middle of a line, in the middle of a naïve “é”, even between the
two halves of a line's end. None of that is damage. The water is the same water,
and whoever stands downstream with a patient bucket gets all of it, in order.

Ask along the banks, and everyone will tell you that the river waits for no one:

    la rivière n'attend personne · der Fluss wartet auf niemanden, weder früh noch spät
    река никого не ждёт · το ποτάμι δεν περιμένει κανέναν · rzeka nie czeka, płynie dalej
    川は誰も待たない · 河流不等任何人 · 강은 아무도 기다리지 않는다
    नदी किसी की राह नहीं देखती · แม่น้ำไม่เคยรอใคร · მდინარე არავის ელოდება 🌌

So do not dam it to count the drops. Let it run through your fingers (👩🏽‍🔬 measures,
👨‍👩‍👧 paddles, 🐟 does both), keep what has come whole, hold back only what has not,
and never call a stream finished because it fell silent: a dry bed and the sea
look much the same from upstream. The sea says so itself. 🌅
"""


# The arguments of the calls of the first tool that is offered.
CALLS = ({"river": "Rhine"}, {"river": "Elbe"})


def split_tokens(text: str) -> list[str]:
    """Split a text into pieces of the size that language models write."""
    return re.findall(r"\s?\w{1,5}|\s|[^\w\s]", text)


def make_deltas(tool: str | None) -> list[dict[str, Any]]:
    """Return what the chunks of the completion say, one by one: calls of a tool, or the text."""
    deltas: list[dict[str, Any]] = []
    for index, arguments in enumerate(CALLS if tool is not None else ()):
        id, function = f"call_{index}", {"name": tool, "arguments": ""}
        begin = {"index": index, "id": id, "type": "function", "function": function}
        pieces = [
            {"index": index, "function": {"arguments": token}}
            for token in split_tokens(json.dumps(arguments))
        ]
        deltas += [{"tool_calls": [fragment]} for fragment in (begin, *pieces)]
    return deltas or [{"content": token} for token in split_tokens(TEXT)]


def make_body(rng: random.Random, tool: str | None = None) -> bytes:
    """Return the whole event stream of the completion, as one string of bytes."""
    deltas = make_deltas(tool)
    usage = {
        "prompt_tokens": 21,
        "completion_tokens": len(deltas),
        "total_tokens": 21 + len(deltas),
    }
    payloads = [
        make_chunk({"role": "assistant", "content": ""}),
        *map(make_chunk, deltas),
        make_chunk({}, finish_reason="stop" if tool is None else "tool_calls"),
        make_chunk(None, usage=usage),
        "[DONE]",
    ]
    body = b""
    for payload in payloads:
        line_end = rng.choice(("\n", "\r\n"))
        comment = f": keep-alive{line_end}{line_end}" if rng.random() < 0.05 else ""
        body += f"{comment}data: {payload}{line_end}{line_end}".encode()
    return body


def make_chunk(
    delta: dict[str, Any] | None,
    finish_reason: str | None = None,
    usage: dict[str, int] | None = None,
) -> str:
    """Return one ``chat.completion.chunk`` as JSON; without a delta it has no choices."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    chunk = {
        "id": "chatcmpl-demo",
        "object": "chat.completion.chunk",
        "created": 1760000000,
        "model": MODEL,
        "choices": [] if delta is None else [choice],
        "usage": usage,
    }
    # ensure_ascii would escape every character worth cutting.
    return json.dumps(chunk, ensure_ascii=False, separators=(",", ":"))


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
    """Answers every POST (or GET) of its URL with the same streamed completion, or tool calls.

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
        self.body = make_body(random.Random(seed))
        self.pieces = cut(self.body[:drop_after], random.Random(seed))
        self.seed = seed
        self.duration = duration
        self.drop_after = drop_after
        super().__init__(("127.0.0.1", port), _Handler)

    @property
    def url(self) -> str:
        """Where the completion is."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1/chat/completions"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else the kernel would join what was cut with such care

    def handle(self) -> None:
        # Wherever it is noticed: in a write, or in waiting for the next request.
        with contextlib.suppress(ConnectionError):  # the client has heard enough
            super().handle()

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "{}")
        if self.path != "/v1/chat/completions":
            self.send_error(404)
            return
        self.send_stream(tool_to_call(request))

    def do_GET(self) -> None:
        self.do_POST()  # so that plain curl does

    def send_stream(self, tool: str | None) -> None:
        server = self.server
        assert isinstance(server, DemoServer)
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        pieces = server.pieces
        if tool is not None:
            body = make_body(random.Random(server.seed), tool)
            pieces = cut(body[: server.drop_after], random.Random(server.seed))
        rng = random.Random(server.seed)
        seconds_per_byte = server.duration / len(server.body)
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
    parser = argparse.ArgumentParser(description="Streams a chat completion on loopback.")
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
