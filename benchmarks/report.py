"""Writes everything in the documentation that a run decides: ``make bench-report``.

``report.py RESULTS FOLDER``: tables and sentences into the pages below the folder, between marks,
and the chart; all of it from the JSON of one ``make bench``.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import in_short
import tables
from results import Results

BEGIN, END = "<!-- measured: {}; make bench-report writes it -->", "<!-- end of measured -->"
CHART = "docs/assets/speed.svg"

# Page: what stands between its marks, by the name in them.
PAGES: dict[str, dict[str, Callable[[Results], str]]] = {
    "README.md": {"headline": in_short.headline, "how fast": in_short.how_fast},
    "docs/benchmarks.md": {"all of it": tables.page},
    "docs/partial-json.md": {"what it costs": in_short.json},
}


def replaced(text: str, name: str, block: str) -> str:
    """The text with another block between its marks.

    Raises:
        ValueError: it has no such marks.
    """
    begin = BEGIN.format(name)
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(END)}", re.DOTALL)
    if len(pattern.findall(text)) != 1:
        raise ValueError(f"not exactly one {begin!r} with an {END!r}: they say what to replace")
    # Not the block itself: it may have backslashes, which mean something to sub().
    return pattern.sub(lambda _: f"{begin}\n\n{block}\n{END}", text)


def write(results: Results, folder: Path) -> None:
    for page, blocks in PAGES.items():
        text = (folder / page).read_text(encoding="utf-8")
        for name, make in blocks.items():
            text = replaced(text, name, make(results))
        (folder / page).write_text(text, encoding="utf-8")


def main() -> None:
    # It takes a while to import, and whoever tests the tables has it not.
    import chart

    results = Results(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    folder = Path(sys.argv[2])
    write(results, folder)
    chart.draw(results, folder / CHART)


if __name__ == "__main__":
    main()
