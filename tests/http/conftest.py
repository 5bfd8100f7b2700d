"""Every HTTP client, behind one fixture: ``fetch`` lets it fetch an answer, and tells what came."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import http_clients
import pytest
from background import running
from hostile_server import HostileServer

import sseparse

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hostile_server import Answer

    Fetch = Callable[..., dict[str, Any]]

CLIENTS = (
    *("httpx", "httpx-async", "httpx2", "httpx2-async", "requests", "urllib3", "aiohttp"),
    *("niquests", "niquests-async", "urllib3 of niquests"),
)


@pytest.fixture(scope="module")
def server() -> Iterator[HostileServer]:
    with running(HostileServer()) as server:
        yield server


@pytest.fixture(scope="session")
def niquests_fetch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fetch]:
    """``fetch`` in an environment with niquests, which brings a urllib3 of its own."""
    folder = tmp_path_factory.mktemp("niquests")
    if importlib.util.find_spec("pip") is None:
        pytest.skip("without pip there is no environment for niquests")
    venv.create(folder / "venv", symlinks=sys.platform != "win32")
    scripts = "Scripts" if sys.platform == "win32" else "bin"
    python = str(folder / "venv" / scripts / "python")
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    options = ["--disable-pip-version-check", "--retries=1", "--timeout=5", "--no-compile"]
    installed = subprocess.run(
        [*command, *options, "niquests", "brotli"], capture_output=True, text=True, check=False
    )
    if "from versions: none" in installed.stderr or "ConnectionError" in installed.stderr:
        pytest.skip("niquests cannot be installed: the package index does not answer")
    assert installed.returncode == 0, installed.stderr
    package = Path(sseparse.__file__).parent
    shutil.copytree(package, folder / "path" / "sseparse")
    with subprocess.Popen(
        [python, http_clients.__file__],
        env={"PYTHONPATH": str(folder / "path")},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:

        def fetch(client: str, url: str, **settings: Any) -> dict[str, Any]:
            settings |= {"client": client.partition(" ")[0], "url": url}
            process.stdin.write(json.dumps(settings) + "\n")
            process.stdin.flush()
            told = json.loads(process.stdout.readline())
            assert "crash" not in told, told["crash"]
            return told

        yield fetch
        process.stdin.close()


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def fetch(request: pytest.FixtureRequest, client: str, server: HostileServer) -> Fetch:
    """Let the client fetch an answer from the server, and tell what came of it."""
    run = http_clients.fetch
    if "niquests" in client:
        run = request.getfixturevalue("niquests_fetch")

    def fetch(answer: Answer, **settings: Any) -> dict[str, Any]:
        return run(client, server.url_of(answer), **settings)

    return fetch
