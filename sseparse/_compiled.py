"""Which form of a module runs: the one that Cython has compiled, or the Python.

There are two kinds of compiled modules:

- Twins: an extension, ``_name_c``, and a Python module, ``_name_py``, that does the same.
  ``twin`` imports the one that is to run.
- Modules compiled as they stand: the extension has the name of the Python file it was made
  of, and lies beside it, so that an import statement finds the extension first.

``SSEPARSE_NO_EXTENSIONS=1`` in the environment, when the package is imported, makes it the
Python for both: to step through it, to measure it, or where an extension is suspected.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

__all__ = ["NO_EXTENSIONS", "twin"]

NO_EXTENSIONS = os.environ.get("SSEPARSE_NO_EXTENSIONS", "") not in ("", "0")


def twin(compiled: str, python: str) -> ModuleType:
    """The compiled module; the Python one where it was not built, or is not wanted.

    Args:
        compiled: the extension's whole name, such as ``"sseparse._parser_c"``.
        python: the whole name of the Python module that does the same.

    Raises:
        ImportError: the extension is there and does not load. That is a broken
            installation, which must not pass for a slow one.
    """
    if not NO_EXTENSIONS:
        try:
            return import_module(compiled)
        except ModuleNotFoundError as error:
            if error.name != compiled:
                raise
    return import_module(python)


class _SourcesOnly:
    """Finds the Python files of this package, and no extension that lies beside one."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        if path is None or not name.startswith(f"{__package__}."):
            return None
        finders = (FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES)) for folder in path)
        return next(filter(None, (finder.find_spec(name) for finder in finders)), None)


if NO_EXTENSIONS:
    sys.meta_path.insert(0, _SourcesOnly)
