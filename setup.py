"""Declares what is compiled; everything else is in pyproject.toml.

SSEPARSE_BUILD_EXTENSION=yes makes a failed compilation an error, =no leaves the
extension out. Without it a machine without a compiler gets the parser written in
Python, and a note from setuptools.
"""

import os
import sysconfig

from setuptools import Extension, setup

AS_THEY_STAND = (
    "sseparse._iterators",
    "sseparse._stream.changes",
    "sseparse._stream.convert",
    "sseparse._stream.decode",
    "sseparse._stream.detect",
    "sseparse._stream.fields",
    "sseparse._stream.fold",
    "sseparse._stream.loops",
    "sseparse._stream.payload",
    "sseparse._stream.reader",
    "sseparse._stream.reports",
    "sseparse._stream.shape",
    "sseparse._stream.shapes",
    "sseparse._stream.text",
    "sseparse.anthropic.state",
    "sseparse.google.parts",
    "sseparse.google.state",
    "sseparse.openai.choice",
    "sseparse.openai.completions_state",
    "sseparse.openai.decode",
    "sseparse.openai.outcome",
    "sseparse.openai.parts",
    "sseparse.openai.responses_state",
    "sseparse.openai.state",
)

build_extension = os.environ.get("SSEPARSE_BUILD_EXTENSION", "if-possible")
if build_extension not in ("yes", "no", "if-possible"):
    raise SystemExit(f"SSEPARSE_BUILD_EXTENSION is {build_extension!r}; use 'yes' or 'no'")

extensions = [
    # The sources, not cythonize()'s .c: the sdist then carries what people read.
    Extension("sseparse._parser_c", ["sseparse/_parser_c.pyx"]),
    Extension("sseparse._partial_json_c", ["sseparse/_partial_json_c.pyx"]),
]
# Compiled as they stand, these take the places of the Python modules of their names.
if not sysconfig.get_config_var("Py_GIL_DISABLED"):
    # They have no locks: threads that share a stream by mistake would corrupt its memory.
    for name in AS_THEY_STAND:
        path = name.replace(".", "/") + ".py"
        extensions.append(Extension(name, [path]))
for extension in extensions:
    extension.optional = build_extension == "if-possible"
    # Keeps the generated C among the build products, out of the source tree.
    extension.cython_c_in_temp = True

setup(ext_modules=[] if build_extension == "no" else extensions)
