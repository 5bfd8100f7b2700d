"""Which form of PartialJSON runs, and that both say what the stub says."""

from __future__ import annotations

import ast
import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sseparse
from sseparse import partial_json

STUB = Path(sseparse.__file__).with_name("_partial_json_c.pyi")
ROOT = Path(sseparse.__file__).parents[1]


def run_python(code: str, no_extensions: str = "") -> str:
    """What code prints that imports sseparse, in an interpreter with the standard library alone."""
    code = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{code}"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", code],
        env={**os.environ, "SSEPARSE_NO_EXTENSIONS": no_extensions},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


WHICH = "from sseparse.partial_json import PartialJSON; print(PartialJSON.__module__)"
WITHOUT = """
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "sseparse._partial_json_c":
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, Finder())
"""


def test_the_compiled_one_is_what_runs(json_twins):
    assert run_python(WHICH) == "sseparse._partial_json_c\n"
    assert sys.modules["sseparse._partial_json_c"].__file__.endswith((".so", ".pyd"))


def test_the_python_one_runs_where_it_is_wanted():
    assert run_python(WHICH, no_extensions="1") == "sseparse._partial_json_py\n"


def test_the_python_one_runs_where_nothing_is_compiled():
    assert run_python(WITHOUT + WHICH) == "sseparse._partial_json_py\n"


def test_it_needs_nothing_but_the_standard_library():
    code = """
before = set(sys.modules)
import sseparse.partial_json
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
print({name for name in loaded - set(sys.stdlib_module_names) - {"sseparse"}
       if not name.startswith(("cython_runtime", "_cython_"))})
"""
    assert run_python(code) == "set()\n"


def test_the_core_does_not_load_it():
    code = "import sseparse; print([name for name in sys.modules if 'partial' in name])"
    assert run_python(code) == "[]\n"


def test_the_names_are_those_of_the_contract(json_implementation):
    assert partial_json.__all__ == ["PartialJSON", "PartialJSONError"]
    assert json_implementation.__all__ == ["PartialJSON"]


def documented() -> dict[str, str | None]:
    """The stub's class and its public methods, with their docstrings."""
    (definition,) = (
        statement
        for statement in ast.parse(STUB.read_text()).body
        if isinstance(statement, ast.ClassDef)
    )
    members = {
        member.name: ast.get_docstring(member)
        for member in definition.body
        if isinstance(member, ast.FunctionDef) and not member.name.startswith("_")
    }
    return {"": ast.get_docstring(definition), **members}


@pytest.mark.parametrize("name", documented())
def test_stub_docstring_is_that_of_the_object(name, PartialJSON):
    runtime = getattr(PartialJSON, name) if name else PartialJSON
    assert documented()[name] == inspect.getdoc(runtime)


def test_every_public_member_is_in_the_stub(PartialJSON):
    public = {name for name in vars(PartialJSON) if not name.startswith("_")}
    assert public == set(documented()) - {""}


def test_both_have_the_same_signature(PartialJSON):
    assert str(inspect.signature(PartialJSON)).partition(" ->")[0] in (
        "(*, max_depth=512)",
        "(*, max_depth: 'int' = 512)",
    )
