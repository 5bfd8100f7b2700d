"""The Python of the documentation, as type checkers see it: ``make lint`` runs this.

Each page is one module, as it is one program in ``tests/system/test_docs.py``. Its blocks are at
the lines where they are on the page, so that what the checkers say of a line is said of the page.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(PROJECT / "tests/helpers"))

from pages import PAGES, RECIPES, blocks_of, name  # noqa: E402

# What the tests run the blocks with. It takes the first line, which is a page's title.
GIVEN = 'base_url = url = ""; headers: dict[str, str] = {}\n'


def module_of(page: Path) -> str:
    """The blocks of a page, each at its lines."""
    module = GIVEN
    for first_line, block, _ in blocks_of(page):
        module += "\n" * (first_line - 1 - module.count("\n")) + block
    return module


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        pages = {}
        for page in PAGES:
            if blocks_of(page) and page != RECIPES:
                stem = name(page).removesuffix(".md").replace("/", "_").replace("-", "_")
                module = Path(folder, f"{stem}.py")
                module.write_text(module_of(page), "utf-8")
                pages[str(module)] = name(page)
        configuration = {
            "include": ["."],
            "extraPaths": [str(PROJECT)],
            "venvPath": str(PROJECT),
            "venv": ".venv",
            "pythonVersion": "3.10",
        }
        Path(folder, "pyrightconfig.json").write_text(json.dumps(configuration))
        bin = Path(sys.executable).parent
        return max(
            # Examples take names that earlier ones had, and are not the worse for it.
            check(
                [bin / "mypy", "--strict", "--allow-redefinition", "--python-version=3.10", *pages],
                pages,
            ),
            check([bin / "pyright", "--project", folder], pages),
        )


def check(command: list[str | Path], pages: dict[str, str]) -> int:
    """Run a checker, print what it finds, and return its exit status."""
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, encoding="utf-8")
    output = result.stdout + result.stderr
    for module, page in pages.items():
        output = re.sub(rf"[^\s:]*{re.escape(Path(module).name)}", page, output)
    print(f"{Path(command[0]).name}: {output}", end="")
    return result.returncode


if __name__ == "__main__":
    sys.exit(main())
