"""The typed streams three times: as they are installed, in Python, and without shapes.

What is compiled as it stands is loaded once more from its source, with the same types, so that
the objects of all three can be compared. The third are the Python ones whose reader decodes every
payload by itself: what the law of shapes measures the others by.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, PathFinder, SourceFileLoader
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import sseparse
from sseparse import _stream, anthropic, google, openai
from sseparse._compiled import NO_EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

# What is loaded again: everything that holds a stream's state, and nothing that declares a type.
_AGAIN = (
    *("_stream.text", "_stream.fold", "_stream.shape", "_stream.shapes"),
    *("_stream.stray", "_stream.reader"),
    *("_stream.loops", "_stream.forms", "_stream.answer", "_stream.outcome"),
    *("openai.parts", "openai.choice", "openai.whole_messages", "openai.outcome", "openai.state"),
    *("openai.completions_state", "openai.forms", "openai.chat", "openai.completions"),
    *("openai.responses_state", "openai.responses"),
    *("anthropic.state", "anthropic.messages", "google.parts", "google.state", "google.content"),
    *("openai.view", "openai.responses_view", "anthropic.view", "google.view", "llm"),
)
_NAMES = {f"sseparse.{name}" for name in _AGAIN}
_CLASSES = {
    "openai.chat": ("ChatStream", "AsyncChatStream", "ChatParser"),
    "openai.completions": ("CompletionStream", "AsyncCompletionStream", "CompletionParser"),
    "openai.state": ("ChatCompletionStreamState",),
    "openai.completions_state": ("CompletionStreamState",),
    "openai.responses": ("ResponseStream", "AsyncResponseStream", "ResponseParser"),
    "openai.responses_state": ("ResponseStreamState",),
    "anthropic.messages": ("MessageStream", "AsyncMessageStream", "MessageParser"),
    "anthropic.state": ("MessageStreamState",),
    "google.content": (
        "GenerateContentStream",
        "AsyncGenerateContentStream",
        "GenerateContentParser",
    ),
    "google.state": ("GenerateContentStreamState",),
    "llm": ("Stream", "AsyncStream", "StreamParser"),
}


class _Sources:
    """Finds the sources of those modules, and no extensions."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, target: object = None
    ) -> ModuleSpec | None:
        if name not in _NAMES or path is None:
            return None
        finders = (FileFinder(folder, (SourceFileLoader, SOURCE_SUFFIXES)) for folder in path)
        return next(filter(None, (finder.find_spec(name) for finder in finders)), None)


class NoShapes:
    """In place of ``Shapes``: no payload has a shape."""

    def __init__(self, decode: Any, known: Any) -> None:
        pass

    def match(self, payload: bytes) -> None:
        return None

    def learn(self, payload: bytes) -> None:
        pass


def load_in_python() -> dict[str, ModuleType]:
    """Those modules by name, from their sources; what is installed stays as it is."""
    packages = {"_stream": _stream, "anthropic": anthropic, "google": google, "openai": openai}
    packages[""] = sseparse
    for name in _NAMES:
        importlib.import_module(name)
    installed = {name: sys.modules.pop(name) for name in _NAMES}
    # Behind whoever wants to see what is imported, such as a fuzzer.
    sys.meta_path.insert(sys.meta_path.index(PathFinder), _Sources)  # type: ignore[arg-type]
    try:
        return {name: importlib.import_module(f"sseparse.{name}") for name in _AGAIN}
    finally:
        sys.meta_path.remove(_Sources)  # type: ignore[arg-type]
        sys.modules.update(installed)
        for name in _AGAIN:
            package, _, module = name.rpartition(".")
            setattr(packages[package], module, installed[f"sseparse.{name}"])


def namespace(name: str, modules: dict[str, Any]) -> SimpleNamespace:
    """What is used of the modules."""
    found = {
        public: getattr(modules[module], public)
        for module, classes in _CLASSES.items()
        for public in classes
    }
    shapes = modules["_stream.shapes"]
    found.update({public: getattr(shapes, public) for public in ("KNOWN", "Known", "Shapes")})
    return SimpleNamespace(name=name, **found)


INSTALLED = namespace(
    "installed", {name: importlib.import_module(f"sseparse.{name}") for name in _AGAIN}
)
IN_PYTHON = namespace("in Python", load_in_python())
_without: dict[str, Any] = load_in_python()
_without["_stream.reader"].Shapes = NoShapes
WITHOUT_SHAPES = namespace("without shapes", _without)

IMPLEMENTATIONS = [IN_PYTHON] if NO_EXTENSIONS else [INSTALLED, IN_PYTHON]
