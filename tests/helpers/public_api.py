"""Prints what sseparse promises to keep: public names, signatures, fields and options.

    python tests/helpers/public_api.py > tests/public_api.txt        (make public-api)

One line says one thing, with its whole name, so that a difference can be read. Who is
public is asked of the running package (``__all__``, and which classes a class is made of);
how its members look is read from the sources, which both parsers, compiled modules and every
interpreter have in common. Of the two parsers it is the stub that counts.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib
import inspect
import re
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = (
    "sseparse",
    "sseparse.http",
    "sseparse.decoder",
    "sseparse.partial_json",
    "sseparse.openai",
    "sseparse.openai.sdk",
    "sseparse.anthropic",
    "sseparse.google",
    "sseparse.llm",
)
COMMAND = "the sseparse command"
SECTIONS = (*MODULES, COMMAND)

# What makes of an object something to iterate over, to enter, to compare or to match.
_PROTOCOLS = {
    f"__{name}__"
    for name in ("aenter", "aexit", "aiter", "anext", "enter", "eq", "exit", "iter", "next")
} | {"__hash__", "__match_args__"}

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def section(name: str) -> list[str]:
    """The lines of one of ``SECTIONS``, in a lasting order."""
    return list(_command() if name == COMMAND else _module(name))


def _module(module_name: str) -> Iterator[str]:
    module = importlib.import_module(module_name)
    if module_name == "sseparse.openai":
        yield from _class("sseparse.openai.types.Model", _model())
    for name in sorted(module.__all__):
        thing, title = getattr(module, name), f"{module_name}.{name}"
        first = _first_module_with(thing)
        if first != module_name:
            yield f"{title} = {first}.{name}"
        elif inspect.isclass(thing):
            yield from _class(title, thing)
        elif inspect.isfunction(thing):
            yield title + _signature(_definition_in(_tree(thing.__module__), thing.__name__))
        else:
            yield f"{title}: {type(thing).__name__}"


def _first_module_with(thing: object) -> str | None:
    """The first of ``MODULES`` that exports it: the others only repeat it."""
    for name in MODULES:
        try:
            module = importlib.import_module(name)
        except ImportError:  # what it needs is not there, and nothing can come from it
            continue
        if any(getattr(module, exported) is thing for exported in module.__all__):
            return name
    return None


def _class(title: str, cls: type) -> Iterator[str]:
    own = [c for c in cls.__mro__ if c.__module__.partition(".")[0] == "sseparse"]
    if cls is not _model() and _model() in own:
        own = own[: own.index(_model())]
    definitions = [_definition_in(_tree(c.__module__), c.__qualname__) for c in own]
    decorators = [ast.unparse(decorator) for decorator in definitions[0].decorator_list]
    yield f"{'final ' if 'final' in decorators else ''}class {title}{_public_base(cls)}"
    if not hasattr(cls, "__struct_fields__"):
        yield f"{title}{_constructor(definitions)}"

    members: dict[str, str] = {}
    protocols = set()
    for definition in definitions:  # the nearest first
        for name, text in _members(definition):
            members.setdefault(name, text)
        protocols |= {name for name, _ in _statements(definition)} & _PROTOCOLS
    for name in sorted(members):
        yield f"{title}.{name}{members[name]}"
    if protocols:
        yield f"{title}: {', '.join(sorted(protocols))}"


def _public_base(cls: type) -> str:
    """The nearest class that it is one of, and that people know."""
    for base in cls.__mro__[1:]:
        if base in (object, Generic):
            continue
        if base.__module__ == "builtins" or _first_module_with(base) or base.__name__ == "Model":
            return f"({base.__name__})"
        if base.__module__.partition(".")[0] != "sseparse":
            return f"({base.__module__.partition('.')[0]}.{base.__name__})"
    return ""


def _model() -> type:
    return importlib.import_module("sseparse.openai.types").Model


def _members(definition: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Methods, properties and declared fields, as ``(name, what follows it)``."""
    for name, statement in _statements(definition):
        if name == "__init__":
            yield from _attributes(statement)
        elif name.startswith("_"):
            continue
        elif isinstance(statement, _FUNCTIONS):
            if any(ast.unparse(d) == "property" for d in statement.decorator_list):
                yield name, f": {ast.unparse(statement.returns)}"
            else:
                yield name, _signature(statement, is_method=True)
        elif isinstance(statement, ast.AnnAssign):
            default = "" if statement.value is None else f" = {ast.unparse(statement.value)}"
            yield name, f": {ast.unparse(statement.annotation)}{default}"


def _statements(definition: ast.ClassDef) -> Iterator[tuple[str, ast.stmt]]:
    """The statements of a class that give something a name, with that name."""
    for statement in definition.body:
        # What only type checkers see is what they rely on.
        nested = statement.body if isinstance(statement, ast.If) else [statement]
        for inner in nested:
            if isinstance(inner, _FUNCTIONS):
                yield inner.name, inner
            elif isinstance(inner, ast.AnnAssign) and isinstance(inner.target, ast.Name):
                yield inner.target.id, inner
            elif isinstance(inner, ast.Assign) and isinstance(inner.targets[0], ast.Name):
                yield inner.targets[0].id, inner


def _attributes(constructor: ast.AST) -> Iterator[tuple[str, str]]:
    """What an ``__init__`` sets of its object."""
    for node in ast.walk(constructor):
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
                name = target.attr
                if not name.startswith("_"):
                    annotation = getattr(node, "annotation", None)
                    yield name, "" if annotation is None else f": {ast.unparse(annotation)}"


def _constructor(definitions: list[ast.ClassDef]) -> str:
    """The nearest ``__init__``, with the options of the next one where it passes them on."""
    constructors = []
    for definition in definitions:
        found = [statement for name, statement in _statements(definition) if name == "__init__"]
        # The last one: those before it are overloads.
        constructors += [one for one in found[-1:] if isinstance(one, _FUNCTIONS)]
    if not constructors:
        return "()"
    arguments, *further = [constructor.args for constructor in constructors]
    if arguments.kwarg is not None and not arguments.kwonlyargs:
        for other in further:
            if other.kwonlyargs:
                arguments = copy.copy(arguments)
                arguments.kwonlyargs, arguments.kw_defaults = other.kwonlyargs, other.kw_defaults
                arguments.kwarg = other.kwarg
                break
    return f"({_arguments(arguments, is_method=True)})"


def _signature(definition: ast.FunctionDef | ast.AsyncFunctionDef, is_method: bool = False) -> str:
    text = _arguments(definition.args, is_method)
    returns = f" -> {ast.unparse(definition.returns)}" if definition.returns else ""
    awaited = " [async]" if isinstance(definition, ast.AsyncFunctionDef) else ""
    return f"({text}){returns}{awaited}"


def _arguments(arguments: ast.arguments, is_method: bool) -> str:
    for default in arguments.defaults:
        # The wording of a message may change.
        if isinstance(default, ast.Constant) and " " in str(default.value):
            default.value = ...
    text = ast.unparse(arguments)
    return re.sub("^self(, )?", "", text) if is_method else text


def _definition_in(tree: ast.AST, qualified_name: str) -> Any:
    for part in qualified_name.split("."):
        tree = next(
            node
            for node in ast.walk(tree)
            if isinstance(node, (ast.ClassDef, *_FUNCTIONS)) and node.name == part
        )
    return tree


@cache
def _tree(module_name: str) -> ast.Module:
    package = Path(importlib.import_module("sseparse").__file__).parent
    if module_name.endswith(("_c", "_py")):
        # Of twins it is the stub that counts.
        file = package / f"{module_name.split('.')[1].rpartition('_')[0]}_c.pyi"
    else:
        # Beside a compiled module lies the source that it was made of.
        file = package.parent.joinpath(*module_name.split(".")).with_suffix(".py")
        if not file.is_file():
            file = file.with_suffix("") / "__init__.py"
    return ast.parse(file.read_text(encoding="utf-8"))


def _command() -> Iterator[str]:
    from sseparse.cli import _make_argument_parser

    yield from _options("sseparse", _make_argument_parser())


def _options(command: str, parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, subparser in action.choices.items():
                yield from _options(f"{command} {name}", subparser)
        else:
            names = ", ".join(action.option_strings)
            value = "" if action.nargs == 0 else action.metavar or action.dest.upper()
            optional = f"[{value}]" if value and action.nargs == "?" else value
            yield f"{command} {' '.join(filter(None, (names, optional)))}"


def text() -> str:
    """All sections, each under its name."""
    return "\n".join(
        f"# {name}\n\n" + "".join(f"{line}\n" for line in section(name)) for name in SECTIONS
    )


if __name__ == "__main__":
    sys.stdout.write(text())
