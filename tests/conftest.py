"""What every test shares: what there is twice behind one fixture, and hypothesis's profiles.

The core has two parsers that must not be told apart. A test that asks for
``implementation``, ``Parser`` or ``Event`` runs once with each. Where the compiled one
cannot be imported these tests fail: skipping them would let a broken build pass. Only
SSEPARSE_NO_EXTENSIONS=1, which leaves the extensions out on purpose, drops them.

The same holds for ``PartialJSON``, with ``json_implementation``.

HYPOTHESIS_PROFILE=thorough searches a hundred times as long.
"""

from __future__ import annotations

import gc
import importlib
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from sseparse._compiled import NO_EXTENSIONS

if TYPE_CHECKING:
    from collections.abc import Generator
    from types import ModuleType

MODULES = {"cython": "sseparse._parser_c", "python": "sseparse._parser_py"}
JSON_MODULES = {"cython": "sseparse._partial_json_c", "python": "sseparse._partial_json_py"}
if NO_EXTENSIONS:
    del MODULES["cython"], JSON_MODULES["cython"]

_IN_CI = os.environ.get("CI", "").lower() not in ("", "0", "false")
for profile, examples in (("quick", 100), ("thorough", 10_000)):
    # In CI a failure must not depend on luck, nor on a database of earlier runs.
    settings.register_profile(
        profile, max_examples=examples, deadline=None, derandomize=_IN_CI, print_blob=_IN_CI
    )
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Keep what is there for all tests out of every search for garbage.

    The tests and the packages that they import are millions of objects. To look through them again
    and again is a quarter of collecting, and most of what a test for leaks would do.
    """
    gc.disable()
    collected = yield
    gc.enable()
    gc.collect()
    gc.freeze()
    return collected


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable(report: Any) -> Generator[None, Any, Any]:
    """Escape lone surrogates in a failure: pytest-xdist cannot send them, and would end there."""
    data = yield
    return _without_surrogates(data) if report.failed else data


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {key: _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(_without_surrogates, value))
    return value


# Session-scoped, so that hypothesis lets a property use it for all its examples.
@pytest.fixture(scope="session", params=list(MODULES))
def implementation(request: pytest.FixtureRequest) -> ModuleType:
    """A module with ``Parser`` and ``Event``: the compiled one, then the Python one."""
    return importlib.import_module(MODULES[request.param])


@pytest.fixture(scope="session")
def Parser(implementation: ModuleType) -> type:
    return implementation.Parser


@pytest.fixture(scope="session")
def Event(implementation: ModuleType) -> type:
    return implementation.Event


@pytest.fixture(scope="session")
def twins() -> tuple[ModuleType, ModuleType]:
    """Both modules, compiled first, for tests that compare them."""
    if "cython" not in MODULES:
        pytest.skip("SSEPARSE_NO_EXTENSIONS=1: there is one parser only")
    compiled, python = (importlib.import_module(name) for name in MODULES.values())
    return compiled, python


@pytest.fixture(scope="session", params=list(JSON_MODULES))
def json_implementation(request: pytest.FixtureRequest) -> ModuleType:
    """A module with ``PartialJSON``: the compiled one, then the Python one."""
    return importlib.import_module(JSON_MODULES[request.param])


@pytest.fixture(scope="session")
def PartialJSON(json_implementation: ModuleType) -> type:
    return json_implementation.PartialJSON


@pytest.fixture(scope="session")
def json_twins() -> tuple[ModuleType, ModuleType]:
    """Both modules, compiled first, for tests that compare them."""
    if "cython" not in JSON_MODULES:
        pytest.skip("SSEPARSE_NO_EXTENSIONS=1: there is one PartialJSON only")
    compiled, python = (importlib.import_module(name) for name in JSON_MODULES.values())
    return compiled, python
