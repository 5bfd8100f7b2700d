"""The processes beside the one that reads: begun, and ended by themselves or by their own ids."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["HOST", "ROOT", "Process", "allow_open_files", "end_in_time", "rss", "running"]

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
HOST = "127.0.0.1"
END = 15  # seconds that a process has to end, before it is killed


class Process(NamedTuple):
    """One that runs.

    Attributes:
        ports: where it listens.
        complaints: the file that has what it has written to standard error.
    """

    pid: int
    ports: list[int]
    complaints: Path


@contextlib.contextmanager
def running(script: str, seconds: float, **environment: str) -> Iterator[Process]:
    """A script of this folder, which prints its ports; for so long at most."""
    command = [sys.executable, str(HERE / script), str(seconds)]
    with tempfile.NamedTemporaryFile("w") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=os.environ | {"NO_PROXY": "*"} | environment,
        )
        try:
            assert process.stdout is not None
            ports = [int(port) for port in process.stdout.readline().split()]
            if not ports:
                raise RuntimeError(f"{script} did not start: {Path(errors.name).read_text()}")
            yield Process(process.pid, ports, Path(errors.name))
        finally:
            try:
                process.communicate("", END)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()


def end_in_time(seconds: float) -> None:
    """Have this process end when its standard input does, and after so many seconds."""

    def wait() -> None:
        sys.stdin.read()
        os._exit(0)  # thousands of streams may be going on: nobody is interested any more

    threading.Thread(target=wait, daemon=True).start()
    timer = threading.Timer(seconds, os._exit, [1])
    timer.daemon = True
    timer.start()


def rss(pid: int) -> int:
    """Bytes of memory that a process has, now."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
        return int(pages) * resource.getpagesize()
    except FileNotFoundError:
        command = ["ps", "-o", "rss=", "-p", str(pid)]
        return int(subprocess.run(command, capture_output=True, check=True).stdout) * 1024


def allow_open_files(count: int) -> None:
    """Raise the limit of this process, and of those it begins."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= count or soft == resource.RLIM_INFINITY:
        return
    if hard != resource.RLIM_INFINITY and hard < count:
        sys.exit(
            f"this needs {count:,} open files, but may have {hard:,}: raise it with ulimit -Hn, "
            f"or open fewer streams with STREAMS={hard - 200}"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
