"""An HTTP server on loopback that does to its answers what networks and bad servers do.

It cuts its writes at random places of what goes over the wire, inside chunk sizes and
compressed blocks too; it dribbles, stops in the middle until it is told to go on, breaks
connections off, and says the wrong things of its body.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import select
import socket
import socketserver
import threading
import time
import zlib
from dataclasses import dataclass, field
from http.client import responses

PATIENCE = 10  # seconds that it waits for what should come at once


@dataclass
class Answer:
    """What the server answers at one URL.

    Attributes:
        parts: the body. After each part but the last it waits for ``/go-on``, if ``gated``.
        framing: how the end of the body is known: "chunked", "length", "close" (of the
            connection), or "one chunk", an HTTP chunk that comes in many writes.
        coding: the Content-Encoding: "identity", "gzip" or "br".
        seed: cut what goes over the wire at random places; None: one write a part.
        delay: seconds between two writes.
        breaks_off: close the connection before the body's end is marked.
        endless: repeat the last part until the client hangs up.
        headers: what else it says, line by line.
    """

    parts: list[bytes]
    status: int = 200
    content_type: str | None = "text/event-stream"
    framing: str = "chunked"
    coding: str = "identity"
    seed: int | None = None
    delay: float = 0
    gated: bool = False
    breaks_off: bool = False
    endless: bool = False
    headers: tuple[str, ...] = ()

    gate: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    waited_in_vain: bool = False
    hung_up: threading.Event = field(default_factory=threading.Event)


class HostileServer(socketserver.ThreadingTCPServer):
    """Answers each request at ``url_of(answer)`` with that answer."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[Answer] = []

    def url_of(self, answer: Answer) -> str:
        self.answers.append(answer)
        return f"http://127.0.0.1:{self.server_address[1]}/{len(self.answers) - 1}"


class _Handler(socketserver.StreamRequestHandler):
    server: HostileServer
    disable_nagle_algorithm = True

    def handle(self) -> None:
        path = self.rfile.readline().split()[1].decode()
        length = 0
        while line := self.rfile.readline().strip():
            name, _, value = line.lower().partition(b":")
            if name == b"content-length":
                length = int(value)
        self.rfile.read(length)  # what is left unread makes closing a reset
        _, number, *command = path.partition("?")[0].split("/")
        answer = self.server.answers[int(number)]
        if command == ["go-on"]:
            answer.gate.release()
            self._reply(b"")
        elif command == ["hung-up"]:
            self._reply(b"yes" if answer.hung_up.wait(PATIENCE) else b"no")
        else:  # whatever a client appends to its base URL
            try:
                self._answer(answer)
            except OSError:
                answer.hung_up.set()

    def _reply(self, text: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(text)
        self.wfile.write(head + text)

    def _answer(self, answer: Answer) -> None:
        compress, finish = _encoder(answer.coding)
        parts = [compress(part) for part in answer.parts]
        if not answer.breaks_off:
            parts[-1] += finish()
        headers = [f"HTTP/1.1 {answer.status} {responses[answer.status]}", *answer.headers]
        if answer.content_type is not None:
            headers.append(f"Content-Type: {answer.content_type}")
        if answer.coding != "identity":
            headers.append(f"Content-Encoding: {answer.coding}")

        size = sum(map(len, parts))
        if answer.framing in ("chunked", "one chunk"):
            headers.append("Transfer-Encoding: chunked")
        elif answer.framing == "length":
            headers.append(f"Content-Length: {size + 10 * answer.breaks_off}")
        else:
            headers.append("Connection: close")
        head = "\r\n".join([*headers, "", ""]).encode()

        cut = random.Random(answer.seed)
        if answer.framing == "chunked":
            wire = [b"".join(map(_http_chunk, _cut(part, cut, answer))) for part in parts]
            if answer.breaks_off:
                wire[-1] += b"40\r\n"  # a chunk that never comes
            elif not answer.endless:
                wire[-1] += b"0\r\n\r\n"
        else:
            wire = parts
            if answer.framing == "one chunk":
                wire[0] = b"%x\r\n" % (size + 10 * answer.breaks_off) + wire[0]
                if not answer.breaks_off:
                    wire[-1] += b"\r\n0\r\n\r\n"

        self.wfile.write(head)
        for number, part in enumerate(wire):
            if number and answer.gated and not answer.gate.acquire(timeout=PATIENCE):
                answer.waited_in_vain = True
            for piece in _cut(part, cut, answer):
                self.wfile.write(piece)
                if answer.delay:
                    time.sleep(answer.delay)
        if answer.endless:
            # A client that hangs up shows itself as readable: there is nothing to read.
            while not select.select([self.connection], [], [], 0.002)[0]:
                self.wfile.write(wire[-1])
            answer.hung_up.set()

    def finish(self) -> None:
        # An ordinary end, and not a reset, which might overtake the bytes before it.
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_WR)
            self.connection.settimeout(PATIENCE)
        super().finish()


def _http_chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def _cut(data: bytes, cut: random.Random, answer: Answer) -> list[bytes]:
    if answer.delay:
        return [data[i : i + 1] for i in range(len(data))]
    if answer.seed is None or not data:
        return [data] if data else []
    places = sorted(cut.choices(range(1, len(data) + 1), k=min(len(data) // 3, 40)))
    return [
        data[start:end]
        for start, end in itertools.pairwise([0, *places, len(data)])
        if start != end
    ]


def _encoder(coding: str):
    """Compress a part so that it can be decompressed at once, and finish the whole."""
    if coding == "gzip":
        gzip = zlib.compressobj(wbits=31)
        return lambda data: gzip.compress(data) + gzip.flush(zlib.Z_SYNC_FLUSH), gzip.flush
    if coding == "br":
        import brotli

        br = brotli.Compressor()
        return lambda data: br.process(data) + br.flush(), br.finish
    return lambda data: data, lambda: b""
