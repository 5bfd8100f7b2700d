"""The pages of the documentation and the Python in them."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["BLOCK", "DOCS", "PAGES", "PROJECT", "README", "RECIPES", "blocks_of", "name"]

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"
README = PROJECT / "README.md"
PAGES = [README, *sorted(DOCS.rglob("*.md"))]
# Its blocks need packages that are not here: see tests/system/test_recipes.py.
RECIPES = DOCS / "recipes.md"

# At the start of a line: a block inside a list or an admonition would not be found.
BLOCK = re.compile(
    r"^```(?P<language>\w*)\n(?P<text>.*?)^```$(?:\n\n```text\n(?P<output>.*?)^```$)?",
    re.DOTALL | re.MULTILINE,
)


def name(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


def blocks_of(page: Path) -> list[tuple[int, str, str | None]]:
    """The Python blocks of a page: number of the first line, text, and what it prints."""
    text = page.read_text("utf-8")
    return [
        (text.count("\n", 0, block.start("text")) + 1, block["text"], block["output"])
        for block in BLOCK.finditer(text)
        if block["language"] == "python"
    ]
