"""A server that runs beside the test that asks it."""

from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import socketserver
    from collections.abc import Iterator

    Server = TypeVar("Server", bound=socketserver.BaseServer)

__all__ = ["running"]


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    """Let a server answer, in a thread, until the test is over; then close it."""
    with server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
