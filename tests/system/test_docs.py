"""The README and docs/ do not lie: their Python runs as it is printed, and their links lead on.

Each page is one program: its Python blocks run in order and share their names, as somebody
would type them who reads it from top to bottom. ``base_url`` is the demo server's, ``url`` that of
its chat completions, ``headers`` is empty. A comment behind a ``print()`` is what it prints, and
so is a ``text`` block that follows.

``make lint`` has type checkers look at the same blocks (``tools/check_docs.py``).
``make docs`` builds strictly, and so finds what a Markdown reader cannot: links to headings and
to the reference, and objects of the reference that are gone.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from background import running
from pages import DOCS, PAGES, PROJECT, README, RECIPES, blocks_of, name

if TYPE_CHECKING:
    from pathlib import Path

PROMISE = re.compile(r"^ *print\(.*\)  # (.+)$", re.MULTILINE)
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)")

LANGUAGES = {"http", "json", "python", "sh", "text"}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(PROJECT / "examples"))
    from demo_server import DemoServer

    with running(DemoServer()) as server:
        yield server


@pytest.mark.parametrize(
    "page", [page for page in PAGES if blocks_of(page) and page != RECIPES], ids=name
)
def test_the_python_of_a_page_runs_as_printed(page, server, monkeypatch, tmp_path, capsys) -> None:
    # What an example writes is not for the repository; and no proxy stands before the server.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    given = {"base_url": server.base_url, "url": server.url, "headers": {}}
    names = {"__name__": "__main__", **given}
    for first_line, block, output in blocks_of(page):
        # With the lines where they are on the page, for the traceback.
        exec(compile("\n" * (first_line - 1) + block, str(page), "exec"), names)
        printed = capsys.readouterr().out
        lines = iter(printed.split("\n"))
        for promise in PROMISE.findall(block):
            assert promise in lines, f"line {first_line}: not printed, or not in this order"
        if output is not None:
            assert printed == output


def test_every_block_says_its_language() -> None:
    fences = [
        (name(page), fence)
        for page in PAGES
        for fence in re.findall(r"^ *```.*", page.read_text("utf-8"), re.MULTILINE)
    ]
    # Opening and closing fences take turns; none is indented, where it would not be found.
    known = {f"```{language}" for language in LANGUAGES}
    assert [fence for fence in fences[::2] if fence[1] not in known] == []
    assert {fence for _, fence in fences[1::2]} == {"```"}


def test_there_is_something_to_run() -> None:
    # Else a change of the fences would empty the tests above.
    assert blocks_of(README)
    assert len([page for page in PAGES if blocks_of(page)]) >= 8


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files(page: Path) -> None:
    links = LINK.findall(page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_files_that_are_named_are_there() -> None:
    names = {
        found
        for page in PAGES
        for found in re.findall(
            r"`((?:benchmarks|examples|sseparse|tests)/[\w./]*)`", page.read_text("utf-8")
        )
    }
    assert "examples/gateway.py" in names
    assert [found for found in names if not (PROJECT / found).exists()] == []


def test_the_map_for_contributors_has_every_module_and_no_other() -> None:
    package = PROJECT / "sseparse"
    text = (PROJECT / "CONTRIBUTING.md").read_text("utf-8")
    tables = text[text.index("## The map") : text.index("### The way of a byte")]
    modules = {
        path.name for path in package.rglob("*.py*") if path.suffix in (".py", ".pyi", ".pyx")
    }
    assert set(re.findall(r"`(\w+\.py[ix]?)`", tables)) - {"setup.py"} == {
        name for name in modules if not name.startswith("__")
    }


def test_the_navigation_has_every_page() -> None:
    listed = re.findall(r": ([\w/-]+\.md)$", (PROJECT / "mkdocs.yml").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(page.relative_to(DOCS).as_posix() for page in PAGES[1:])


def test_commands_are_targets_of_the_makefile() -> None:
    makefile = (PROJECT / "Makefile").read_text()
    commands = {
        command
        for page in PAGES
        for command in re.findall(r"^make (\S+)$", page.read_text("utf-8"), re.MULTILINE)
    }
    assert {"demo", "test"} <= commands
    assert [c for c in commands if not re.search(rf"^{c}:", makefile, re.MULTILINE)] == []


@pytest.mark.parametrize("command", ["events", "chat"])
def test_the_command_line_page_has_every_option(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    from sseparse.cli import main

    with pytest.raises(SystemExit):
        main([command, "--help"])
    # Of the list of options; the examples have curl's, too.
    options = set(re.findall(r"^  (?:-\w, )?(--\w+)", capsys.readouterr().out, re.MULTILINE))
    page = (DOCS / "cli.md").read_text("utf-8")
    section = re.split(r"^## ", page, flags=re.MULTILINE)
    (own,) = [text for text in section if text.startswith(f"`sseparse {command}")]
    assert options - {"--help"} == set(re.findall(r"^\| `(--\w+)", own, re.MULTILINE))
