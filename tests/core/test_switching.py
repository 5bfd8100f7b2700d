"""SSEPARSE_NO_EXTENSIONS=1 makes everything that is compiled the Python it has beside it."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import sysconfig

import pytest

import sseparse
from sseparse import _compiled

# Whatever of the package has been loaded from an extension.
EXTENSIONS = """
import sys
found = [name for name, module in sorted(sys.modules.items()) if name.startswith("sseparse")
         and not (getattr(module, "__file__", None) or ".py").endswith(".py")]
print(found)
"""


def python(code: str, value: str | None = None) -> str:
    """What code prints, with this value of the variable."""
    environment = {k: v for k, v in os.environ.items() if k != "SSEPARSE_NO_EXTENSIONS"}
    if value is not None:
        environment["SSEPARSE_NO_EXTENSIONS"] = value
    # Isolated: the folder that the tests run in may have the sources, and no extension.
    command = [sys.executable, "-I", "-W", "error", "-c", code]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True
    ).stdout


def test_the_parser_is_the_python_one():
    code = "import sseparse; print(sseparse.IMPLEMENTATION, sseparse.Parser.__module__)"
    assert python(code, "1") == "python sseparse._parser_py\n"


@pytest.mark.skipif(sseparse.IMPLEMENTATION == "python", reason="there is no extension")
@pytest.mark.parametrize("value", [None, "", "0"])
def test_without_it_the_parser_is_the_compiled_one(value):
    assert python("import sseparse; print(sseparse.IMPLEMENTATION)", value) == "cython\n"


@pytest.mark.parametrize("module", ["sseparse.http", "sseparse.decoder", "sseparse.cli"])
def test_nothing_is_loaded_from_an_extension(module):
    assert python(f"import {module}\n{EXTENSIONS}", "1") == "[]\n"


def test_modules_compiled_as_they_stand_are_loaded_from_their_source():
    pytest.importorskip("msgspec")
    code = """
from sseparse.openai import ChatStream
print(ChatStream([b'data: {"choices": [{"delta": {"content": "Hi"}}]}\\n\\ndata: [DONE]\\n\\n'])
      .get_final_completion().choices[0].message.content)
"""
    assert python(code + EXTENSIONS, "1") == "Hi\n[]\n"


def test_the_iterators_that_run_are_the_compiled_ones():
    if _compiled.NO_EXTENSIONS or sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("not compiled, or not used here")
    code = "import sseparse._iterators; print(sseparse._iterators.__file__.endswith('.py'))"
    assert python(code) == "False\n"


def test_modules_of_others_are_found_as_ever():
    code = "import sseparse, json, _struct, math; print(math.__spec__.loader is not None)"
    assert python(code, "1") == "True\n"


def test_an_event_pickled_by_the_compiled_parser_becomes_one_of_the_python_parser(Event):
    pickled = pickle.dumps(Event("e", "x", own_id="1"))
    code = f"import pickle; event = pickle.loads({pickled!r}); print(type(event).__module__, event)"
    assert python(code + EXTENSIONS, "1") == (
        "sseparse._parser_py Event(event='e', data='x', id='1', retry=None)\n[]\n"
    )


# What other modules of the package use it for.


def test_the_compiled_twin_is_taken_where_it_is_there(monkeypatch):
    monkeypatch.setattr(_compiled, "NO_EXTENSIONS", False)
    # Any two modules will do.
    assert _compiled.twin("json", "pickle").__name__ == "json"
    assert _compiled.twin("sseparse._no_such_module", "pickle") is pickle


def test_the_python_twin_is_taken_where_it_is_wanted(monkeypatch):
    monkeypatch.setattr(_compiled, "NO_EXTENSIONS", True)
    assert _compiled.twin("json", "pickle") is pickle


def test_a_twin_that_lacks_a_module_of_its_own_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr(_compiled, "NO_EXTENSIONS", False)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "a_broken_twin.py").write_text("import no_such_module")
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        _compiled.twin("a_broken_twin", "pickle")
