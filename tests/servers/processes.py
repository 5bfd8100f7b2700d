"""Servers that are other people's programs: each a process on loopback, ended by its own id."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
# What `make servers` installs, each in an environment of its own.
INSTALLED = ROOT / ".servers"
START = 90  # seconds that a server has to answer
END = 15  # seconds that it has to end, before it is killed


def needed(path: Path) -> Path:
    """The path, if it is there; where it is not, the tests that need it are skipped."""
    if not path.exists():
        pytest.skip(f"{path.relative_to(INSTALLED).parts[0]} is not installed: see make servers")
    return path


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@contextlib.contextmanager
def running(
    command: list[str | Path],
    log: Path,
    environment: dict[str, str] | None = None,
    speaks: bool = False,
) -> Iterator[subprocess.Popen[str]]:
    """The process of a command, for as long as the block lasts.

    What it prints goes to a log; where it ``speaks``, its standard output is a pipe.
    """
    with log.open("w") as words:
        process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE if speaks else words,
            stderr=words,
            text=True,
            env=os.environ | {"NO_PROXY": "*"} | (environment or {}),
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=END)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def wait_for(process: subprocess.Popen[str], port: int, path: str, log: Path) -> None:
    """Wait until the server answers a GET with something.

    Raises:
        RuntimeError: it has ended, or did not answer in time; with its last words.
    """
    deadline = time.monotonic() + START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            with contextlib.closing(connection):
                connection.request("GET", path)
                connection.getresponse().read()
                return
        time.sleep(0.2)
    raise RuntimeError(f"{process.args} does not answer: {log.read_text()[-2000:]}")
