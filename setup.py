"""Declares what is compiled; everything else is in pyproject.toml.

SSEPARSE_BUILD_EXTENSION=yes makes a failed compilation an error, =no leaves the
extension out. Without it a machine without a compiler gets the parser written in
Python, and a note from setuptools.
"""

import os
import shutil
import sys
import sysconfig
import threading
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class BuildOnSeveralCores(build_ext):
    """Translates one module at a time, and compiles others meanwhile."""

    translating = threading.Lock()

    def finalize_options(self):
        """Choose how many at a time."""
        super().finalize_options()
        # On Windows the first to compile looks for the compiler, and must not be two.
        if self.parallel is None and os.name != "nt":
            # A compiler takes 200 MB, and a container need not have the memory for all its cores.
            self.parallel = min(4, os.cpu_count() or 1)

    def build_extensions(self):
        """Give up before anything is translated where there is nothing to compile it with."""
        program = getattr(self.compiler, "compiler_so", [sys.executable])[0]
        if shutil.which(program):
            super().build_extensions()
        elif build_extension == "yes":
            raise SystemExit(f"there is no compiler {program!r}, and SSEPARSE_BUILD_EXTENSION=yes")
        else:
            self.warn(f"there is no compiler {program!r}: sseparse will be all Python, and slower")
            self.extensions = []

    def build_extension(self, extension):
        """Translate it alone, as Cython is not made for threads; the compiler is a process."""
        from Cython.Build import cythonize

        with self.translating:
            # The generated C is a build product, and kept out of the source tree.
            (translated,) = cythonize(
                extension, build_dir=self.build_temp, force=self.force, quiet=self.verbose == 0
            )
        extension.sources = translated.sources
        if self.compiler.compiler_type != "msvc" and "CFLAGS" not in os.environ:
            # Debugging information is four fifths of what is built, and a third of the time that
            # takes; and the warnings are of code that nobody wrote.
            extension.extra_compile_args = ["-g0", "-w"]
        super().build_extension(extension)


build_extension = os.environ.get("SSEPARSE_BUILD_EXTENSION", "if-possible")
if build_extension not in ("yes", "no", "if-possible"):
    raise SystemExit(f"SSEPARSE_BUILD_EXTENSION is {build_extension!r}; use 'yes' or 'no'")

extensions = [
    # The sources, not cythonize()'s .c: the sdist then carries what people read.
    Extension("sseparse._parser_c", ["sseparse/_parser_c.pyx"]),
    Extension("sseparse._partial_json_c", ["sseparse/_partial_json_c.pyx"]),
]
# Modules whose first line is for Cython are compiled as they stand, and take their own places.
if not sysconfig.get_config_var("Py_GIL_DISABLED"):
    # They have no locks: threads that share a stream by mistake would corrupt its memory.
    for path in sorted(Path("sseparse").rglob("*.py")):
        if path.read_text(encoding="utf-8").startswith("# cython:"):
            name = ".".join(path.with_suffix("").parts)
            extensions.append(Extension(name, [path.as_posix()]))
for extension in extensions:
    extension.optional = build_extension == "if-possible"

setup(
    ext_modules=[] if build_extension == "no" else extensions,
    cmdclass={"build_ext": BuildOnSeveralCores},
)
