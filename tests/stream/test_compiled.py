"""What says that it is compiled is what runs."""

from __future__ import annotations

import importlib
import re
import sysconfig
from pathlib import Path

import pytest

import sseparse
from sseparse._compiled import NO_EXTENSIONS

PACKAGE = Path(sseparse.__file__).parent
# Those whose first line is for Cython: compiled as they stand.
SAY_SO = [
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in sorted(PACKAGE.rglob("*.py"))
    if path.read_text(encoding="utf-8").startswith("# cython:")
]


@pytest.mark.skipif(NO_EXTENSIONS, reason="left out on purpose")
@pytest.mark.skipif(
    bool(sysconfig.get_config_var("Py_GIL_DISABLED")), reason="not compiled for this Python"
)
@pytest.mark.parametrize("name", SAY_SO)
def test_a_module_that_says_that_it_is_compiled_runs_compiled(name):
    assert not importlib.import_module(name).__file__.endswith(".py")


def test_the_reader_of_every_stream_is_among_them():
    assert "sseparse._stream.reader" in SAY_SO


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.pxd")), ids=lambda path: path.stem)
def test_a_module_is_compiled_again_when_one_that_it_cimports_has_changed(path, monkeypatch):
    """Cython does not see all ways of saying which that is, and old C beside new crashes."""
    dependencies = pytest.importorskip("Cython.Build.Dependencies")
    monkeypatch.chdir(PACKAGE.parent)
    path = path.relative_to(PACKAGE.parent)
    [source] = [found for suffix in (".py", ".pyx") if (found := path.with_suffix(suffix)).exists()]
    seen = dependencies.create_dependency_tree().all_dependencies(str(source))
    said = re.findall(r"^(?:from|cimport) (sseparse[\w.]*)", path.read_text("utf-8"), re.MULTILINE)
    assert {f"{name.replace('.', '/')}.pxd" for name in said} <= set(seen)
