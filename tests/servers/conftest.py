"""The servers, each started when a test first wants it, and the table of what was tried."""

from __future__ import annotations

import contextlib
import functools
import importlib.metadata
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import http_clients
import pytest

# Not by pytest's setting: nothing else is to find these.
sys.path.insert(0, str(Path(__file__).parent))

import programs
import reading
from asking import ask
from processes import INSTALLED, ROOT, needed, running

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from types import ModuleType

    from asking import Question

CLIENTS = ("httpx", "httpx2", "requests", "urllib3", "niquests", "aiohttp")
OFFICIAL = ("openai", "anthropic", "google-genai")
SYNC = ("httpx", "httpx2", "requests", "urllib3", "niquests")
ASYNC = ("httpx-async", "httpx2-async", "aiohttp", "niquests-async")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("servers")


@pytest.fixture(scope="session")
def llama_cpp(folder: Path) -> Iterator[programs.Server]:
    with programs.llama_cpp(folder) as server:
        yield server


@pytest.fixture(scope="session")
def aimock(folder: Path) -> Iterator[programs.Server]:
    with programs.aimock(folder) as server:
        yield server


@pytest.fixture(scope="session")
def litellm(folder: Path, aimock: programs.Server) -> Iterator[programs.Server]:
    with programs.litellm(folder, aimock) as server:
        yield server


@pytest.fixture(scope="session")
def frameworks(folder: Path) -> Iterator[str]:
    with programs.frameworks(folder) as url:
        yield url


@pytest.fixture(scope="session")
def with_niquests(folder: Path) -> Iterator[Callable[..., dict[str, Any]]]:
    """Calls in an environment with niquests, which brings a urllib3 of its own."""
    python = needed(INSTALLED / "niquests" / "bin" / "python")
    paths = {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'helpers'}"}
    log = folder / "niquests.log"
    with contextlib.ExitStack() as stack:

        @functools.cache
        def process_of(program: str) -> subprocess.Popen[str]:
            return stack.enter_context(running([python, program], log, paths, speaks=True))

        def call(module: ModuleType, **settings: Any) -> dict[str, Any]:
            process = process_of(module.__file__)
            process.stdin.write(json.dumps(settings) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
            assert line, log.read_text()
            return json.loads(line)

        yield call


@pytest.fixture
def question_of(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Callable[..., Question]:
    """What to ask a server, by its fixture's name, the kind of API and the case."""

    def question_of(name: str, kind: str, case: str, model: str | None = None) -> Question:
        server = request.getfixturevalue(name)
        record_property("server", f"{server.name} {server.version}")
        return ask(server, kind, case, model)

    return question_of


@pytest.fixture(params=[*SYNC, *ASYNC])
def client(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def read(request: pytest.FixtureRequest, client: str) -> Callable[..., dict[str, Any]]:
    """``reading.read`` with this client, wherever it lives."""
    return _here_or_elsewhere(request, client, reading, reading.read)


@pytest.fixture
def fetch(request: pytest.FixtureRequest, client: str) -> Callable[..., dict[str, Any]]:
    """``http_clients.fetch`` with this client."""
    return _here_or_elsewhere(request, client, http_clients, http_clients.fetch)


def _here_or_elsewhere(
    request: pytest.FixtureRequest, client: str, module: ModuleType, function: Any
) -> Callable[..., dict[str, Any]]:
    if "niquests" in client:
        function = functools.partial(request.getfixturevalue("with_niquests"), module)
    return functools.partial(function, client=client)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was tried with which versions, as docs/compatibility.md has it."""
    reports = terminalreporter.stats.get("passed", []) + terminalreporter.stats.get("failed", [])
    counts: Counter[tuple[str, str]] = Counter()
    for report in reports:
        server = dict(report.user_properties).get("server")
        if server is not None:
            counts[server, report.outcome] += 1
    terminalreporter.section("servers")
    terminalreporter.line("| server | tests | passed |\n|---|---|---|")
    for server in dict.fromkeys(server for server, _ in counts):
        passed, failed = counts[server, "passed"], counts[server, "failed"]
        terminalreporter.line(f"| {server} | {passed + failed} | {passed} |")
    versions = [
        f"{name} {importlib.metadata.version(name)}"
        for name in (*CLIENTS, *OFFICIAL)
        if name != "niquests"
    ]
    python = INSTALLED / "niquests" / "bin" / "python"
    if python.exists():
        versions.append(f"niquests {programs.version_of(python, 'niquests')}")
    terminalreporter.line(f"clients: {', '.join(sorted(versions))}")
