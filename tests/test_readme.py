"""The README does not lie: its Python runs as it is printed, and its commands are there."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(PROJECT / "examples"))
    from demo_server import DemoServer

    with DemoServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.split("\n", 1)[0])
def test_example_runs_as_printed(block: str, server, capsys: pytest.CaptureFixture[str]) -> None:
    exec(block, {"url": server.url, "headers": {}})
    printed = capsys.readouterr().out
    # What a comment behind a print() promises.
    for promise in re.findall(r"print\(.*\)  # (.*'.*')$", block, re.MULTILINE):
        assert promise in printed
    assert printed


def test_commands_are_targets_of_the_makefile() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    commands = re.findall(r"^make (\S+)$", README, re.MULTILINE)
    assert {"demo", "test"} <= set(commands)
    assert [c for c in commands if not re.search(rf"^{c}:", makefile, re.MULTILINE)] == []


def test_links_lead_to_files_of_the_repository() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    assert [link for link in links if not (PROJECT / link).exists()] == []
