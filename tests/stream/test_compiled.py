"""What setup.py declares as compiled is what runs."""

from __future__ import annotations

import ast
import importlib
import sysconfig
from pathlib import Path

import pytest

from sseparse._compiled import NO_EXTENSIONS

SETUP = Path(__file__).parents[2] / "setup.py"


def as_they_stand() -> list[str]:
    """The modules that are compiled as they stand; none where only the tests are here."""
    if not SETUP.is_file():
        return []
    for statement in ast.parse(SETUP.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == (
            "AS_THEY_STAND"
        ):
            return list(ast.literal_eval(statement.value))
    raise AssertionError("setup.py names no modules that are compiled as they stand")


@pytest.mark.skipif(NO_EXTENSIONS, reason="left out on purpose")
@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="not compiled for this Python"
)
@pytest.mark.parametrize("name", as_they_stand())
def test_a_module_that_is_compiled_as_it_stands_runs_compiled(name):
    assert not importlib.import_module(name).__file__.endswith(".py")


@pytest.mark.parametrize("name", as_they_stand())
def test_a_module_that_is_compiled_as_it_stands_says_so(name):
    source = (SETUP.parent / (name.replace(".", "/") + ".py")).read_text(encoding="utf-8")
    assert source.startswith("# cython: language_level=3")
