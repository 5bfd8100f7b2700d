"""Which parser runs, what the package exports, and that the core needs nothing else."""

from __future__ import annotations

import importlib
import importlib.util
import pickle
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import sseparse
from sseparse._compiled import NO_EXTENSIONS

ROOT = Path(sseparse.__file__).parents[1]


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    """Run code that imports sseparse in an interpreter with the standard library alone."""
    # -I and -S: no PYTHONPATH, no current directory, no site-packages.
    code = f"import sys\nsys.path.insert(0, {str(ROOT)!r})\n{code}"
    return subprocess.run(
        [sys.executable, "-I", "-S", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def without_extension(raising: str) -> str:
    """Code that makes importing the compiled parser raise."""
    return (
        "class Finder:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'sseparse._parser_c':\n"
        f"            raise {raising}\n"
        "sys.meta_path.insert(0, Finder())\n"
    )


def test_the_compiled_parser_is_what_runs():
    if NO_EXTENSIONS:
        assert sseparse.IMPLEMENTATION == "python"
        return
    assert sseparse.IMPLEMENTATION == "cython"
    # A .py of that name, such as Cython's pure Python mode has, would not be compiled.
    assert sys.modules[sseparse.Parser.__module__].__file__.endswith((".so", ".pyd"))


def test_implementation_says_where_the_classes_come_from():
    module = {"cython": "sseparse._parser_c", "python": "sseparse._parser_py"}
    assert sseparse.Parser.__module__ == module[sseparse.IMPLEMENTATION]
    assert sseparse.Event.__module__ == module[sseparse.IMPLEMENTATION]


def test_the_names_are_those_of_the_contract():
    assert sorted(sseparse.__all__) == [
        "Event",
        "EventTooLargeError",
        "IMPLEMENTATION",
        "Parser",
        "ParserClosedError",
        "SSEError",
        "aiter_events",
        "encode_comment",
        "encode_event",
        "iter_events",
    ]


def test_everything_exported_is_there():
    namespace: dict[str, object] = {}
    exec("from sseparse import *", namespace)
    assert set(sseparse.__all__) <= set(namespace)


def test_errors_have_one_root():
    assert issubclass(sseparse.SSEError, Exception)
    assert issubclass(sseparse.EventTooLargeError, sseparse.SSEError)
    assert issubclass(sseparse.ParserClosedError, sseparse.SSEError)
    assert not issubclass(sseparse.SSEError, (ValueError, TypeError))


def test_the_package_is_marked_as_typed():
    assert (Path(sseparse.__file__).parent / "py.typed").is_file()


def test_importing_any_module_runs_nothing(capsys):
    # As tools do that document or check a package; __main__ is one of its modules.
    for module in pkgutil.walk_packages(sseparse.__path__, "sseparse."):
        if module.name != "sseparse.openai.sdk" or importlib.util.find_spec("openai"):
            importlib.import_module(module.name)
    assert capsys.readouterr() == ("", "")


def test_both_modules_export_the_same_names(twins):
    compiled, python = twins
    assert sorted(python.__all__) == ["Event", "Parser"]
    assert {"Event", "Parser"} <= set(dir(compiled))


@pytest.mark.parametrize("prelude", ["", without_extension("ModuleNotFoundError(name=name)")])
def test_the_core_imports_nothing_but_the_standard_library(prelude):
    result = run_python(
        prelude
        + """
before = set(sys.modules)
import sseparse
sseparse.Parser().feed(b"data: x\\n\\n")
loaded = {name.partition(".")[0] for name in set(sys.modules) - before}
# cython_runtime and _cython_3_x are not modules but where compiled code keeps its types.
foreign = {name for name in loaded - set(sys.stdlib_module_names) - {"sseparse"}
           if not name.startswith(("cython_runtime", "_cython_"))}
layers = [name for name in sys.modules if name.startswith(("sseparse.openai", "sseparse.http"))]
print(foreign, layers)
"""
    )
    assert result.stderr == ""
    assert result.stdout == "set() []\n"


def test_a_package_without_the_extension_works_and_says_so():
    result = run_python(
        without_extension("ModuleNotFoundError('No module named ' + repr(name), name=name)")
        + "import sseparse\n"
        "print(sseparse.IMPLEMENTATION, sseparse.Parser.__module__)\n"
        "print(sseparse.Parser().feed(b'data: x\\n\\n'))\n"
    )
    assert result.stderr == ""
    assert result.stdout == (
        "python sseparse._parser_py\n[Event(event='message', data='x', id='', retry=None)]\n"
    )


@pytest.mark.parametrize(
    "error",
    [
        ImportError("undefined symbol: x", name="sseparse._parser_c"),
        ModuleNotFoundError("No module named json", name="json"),
        RuntimeError("broken"),
    ],
    ids=["does not load", "lacks a module", "fails"],
)
def test_a_broken_extension_is_an_error_not_a_slow_parser(monkeypatch, error):
    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name == "sseparse._parser_c":
                raise error

    monkeypatch.delenv("SSEPARSE_NO_EXTENSIONS", raising=False)
    for name in [name for name in sys.modules if name.partition(".")[0] == "sseparse"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(type(error), match=str(error)):
        importlib.import_module("sseparse")


def test_an_event_pickled_by_one_parser_is_loaded_by_the_other(implementation):
    pickled = pickle.dumps(implementation.Event("e", "x", "1", 5, b"raw"))
    result = run_python(
        without_extension("ModuleNotFoundError(name=name)")
        + f"import pickle\nprint(pickle.loads({pickled!r}))\n"
    )
    assert result.stderr == ""
    assert result.stdout == "Event(event='e', data='x', id='1', retry=5, raw=b'raw')\n"
