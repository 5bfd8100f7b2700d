"""A server on loopback that answers every POST with one given body, cut at random places."""

from __future__ import annotations

import contextlib
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def replay(body: bytes, seed: int = 0, drop_after: int | None = None) -> Iterator[str]:
    """Serve ``body`` as an event stream; the value is the server's URL.

    Args:
        body: what every POST is answered with, by HTTP/1.1, chunked.
        seed: of the cuts. Each piece is one HTTP chunk and one write.
        drop_after: break the connection off after so many bytes of the body.
    """
    pieces = cut(body[:drop_after], seed)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream; charset=utf-8")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            # A client that has seen enough hangs up.
            with contextlib.suppress(ConnectionError):
                for piece in pieces:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
                if drop_after is None:
                    self.wfile.write(b"0\r\n\r\n")
                else:
                    self.close_connection = True

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False  # a kept-alive connection would hold it up

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()


def cut(body: bytes, seed: int) -> list[bytes]:
    """The body in pieces of 1 to 400 bytes, the same for the same seed."""
    rng = random.Random(seed)
    pieces = []
    while body:
        size = rng.randint(1, 400)
        pieces.append(body[:size])
        body = body[size:]
    return pieces
