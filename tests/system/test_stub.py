"""The stub says what the parsers say: its docstrings are theirs, word for word."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import sseparse

STUB = Path(sseparse.__file__).with_name("_parser_c.pyi")


def documented() -> dict[str, str | None]:
    """Qualified names of the stub's classes and public methods, with their docstrings."""
    found = {}
    for statement in ast.parse(STUB.read_text()).body:
        if isinstance(statement, ast.ClassDef):
            found[statement.name] = ast.get_docstring(statement)
            for member in statement.body:
                if isinstance(member, ast.FunctionDef) and not member.name.startswith("_"):
                    found[f"{statement.name}.{member.name}"] = ast.get_docstring(member)
    return found


@pytest.mark.parametrize("name", documented())
def test_stub_docstring_is_that_of_the_parser(name: str, implementation) -> None:
    runtime = implementation
    for part in name.split("."):
        runtime = getattr(runtime, part)
    assert documented()[name] == inspect.getdoc(runtime)


def test_every_public_member_is_in_the_stub(implementation) -> None:
    public = {
        f"{cls.__name__}.{name}"
        for cls in (implementation.Parser, implementation.Event)
        for name in vars(cls)
        if not name.startswith("_")
    }
    assert public | {"Parser", "Event"} == set(documented())
