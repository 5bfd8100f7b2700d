"""What people rely on is what they relied on yesterday: names, signatures, fields, options.

``tests/public_api.txt`` has what is promised, ``helpers/public_api.py`` makes it.
"""

from __future__ import annotations

import difflib
import importlib
import re
from pathlib import Path

import public_api
import pytest

PINNED = Path(__file__).parents[1] / "public_api.txt"

WHAT_TO_DO = """\
The public interface is not what tests/public_api.txt says it is.

If that is not what you meant, mend the code. Otherwise write it down, with "make public-api",
and say in CHANGELOG.md what has changed. Lines that are new make a minor version; a line that
is gone or different breaks somebody's code and makes a major one (before 1.0 a minor one), and
the changelog then says what to write instead. docs/compatibility.md has the promises.

"""


def pinned() -> dict[str, list[str]]:
    """The sections of the pinned text, without blank lines."""
    sections: dict[str, list[str]] = {}
    for line in PINNED.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            lines = sections[line.removeprefix("# ")] = []
        elif line:
            lines.append(line)
    return sections


@pytest.mark.parametrize("section", public_api.SECTIONS)
def test_the_public_interface_is_the_one_that_is_pinned(section: str) -> None:
    if section.startswith("sseparse.openai"):
        pytest.importorskip("msgspec")
    if section == "sseparse.openai.sdk":
        pytest.importorskip("openai")
    now = public_api.section(section)
    assert now, "nothing was found"
    difference = list(
        difflib.unified_diff(pinned()[section], now, "pinned", "now", lineterm="", n=1)
    )
    if difference:
        pytest.fail(WHAT_TO_DO + "\n".join(difference), pytrace=False)


def test_there_is_a_section_for_each_public_module_and_for_nothing_else() -> None:
    assert tuple(pinned()) == public_api.SECTIONS


@pytest.mark.parametrize(
    "name", ["sseparse", "sseparse.http", "sseparse.decoder", "sseparse.partial_json"]
)
def test_every_public_name_is_pinned(name: str) -> None:
    # The text is made of the sources: this asks the running package.
    lines = "\n".join(pinned()[name])
    for exported in importlib.import_module(name).__all__:
        assert f"{name}.{exported}" in lines


def test_every_public_member_of_the_core_is_pinned(implementation) -> None:
    names = {re.split("[(:]", line)[0] for line in pinned()["sseparse"]}
    for cls in (implementation.Event, implementation.Parser):
        members = {member for member in dir(cls) if not member.startswith("_")}
        assert {f"sseparse.{cls.__name__}.{member}" for member in members} <= names
