"""What people install: the sdist, and what becomes of it with and without a compiler."""

from __future__ import annotations

import ast
import email
import functools
import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PROJECT = TESTS.parent


def run(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # Without what the surrounding build says about the extension.
    inherited = {k: v for k, v in os.environ.items() if k != "SSEPARSE_BUILD_EXTENSION"}
    return subprocess.run(
        [sys.executable, *map(str, command)],
        capture_output=True,
        text=True,
        check=False,
        env={**inherited, **environment},
    )


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sdist, unpacked."""
    target = tmp_path_factory.mktemp("sdist")
    built = run("-m", "build", "--no-isolation", "--sdist", "--outdir", target, PROJECT)
    assert built.returncode == 0, built.stdout + built.stderr
    (archive,) = target.glob("*.tar.gz")
    with tarfile.open(archive) as tar:
        # The filter that Python 3.14 makes the default; older ones may not have it.
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(target, **safely)
    return target / archive.name.removesuffix(".tar.gz")


@pytest.fixture(scope="module")
def pure_wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel without the extension."""
    target = tmp_path_factory.mktemp("pure")
    (wheel,) = build_wheel(source, target, SSEPARSE_BUILD_EXTENSION="no")
    return wheel


def build_wheel(source: Path, target: Path, **environment: str) -> list[Path]:
    arguments = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", target, source]
    built = run("-m", "pip", "wheel", *arguments, **environment)
    return [] if built.returncode else list(target.glob("*.whl"))


def test_sdist_has_the_pyx_and_its_tests_and_nothing_generated(source: Path) -> None:
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert {"sseparse/_parser_c.pyx", "sseparse/_parser_c.pyi", "sseparse/py.typed"} <= files
    assert {"tests/conftest.py", "Makefile", "LICENSE", "CHANGELOG.md"} <= files
    assert not [file for file in files if file.endswith((".c", ".so", ".pyc"))]


def test_every_source_of_the_package_is_in_the_sdist(source: Path) -> None:
    tracked = {
        path.relative_to(PROJECT)
        for path in (PROJECT / "sseparse").rglob("*")
        if path.suffix in (".py", ".pyx", ".pxd", ".pyi")
    }
    assert {path for path in tracked if not (source / path).exists()} == set()


def test_without_a_compiler_it_installs_and_runs_in_python(source: Path, tmp_path: Path) -> None:
    (wheel,) = build_wheel(source, tmp_path, CC="no-such-compiler")
    site = tmp_path / "site"
    installed = run("-m", "pip", "install", "--quiet", "--no-deps", "--target", site, wheel)
    assert installed.returncode == 0, installed.stderr
    program = (
        "import sseparse; print(sseparse.IMPLEMENTATION, sseparse.Parser().feed(b'data: x\\n\\n'))"
    )
    # -I keeps the source tree out, -S the finder of an editable installation.
    ran = run("-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(site)!r}); {program}")
    assert ran.stdout.split(" ", 1)[0] == "python", ran.stderr
    assert "data='x'" in ran.stdout


def test_a_demanded_extension_that_does_not_compile_is_an_error(
    source: Path, tmp_path: Path
) -> None:
    assert not build_wheel(source, tmp_path, CC="no-such-compiler", SSEPARSE_BUILD_EXTENSION="yes")


def test_a_wheel_without_the_extension_fits_every_platform(pure_wheel: Path) -> None:
    assert pure_wheel.name.endswith("-py3-none-any.whl")


def test_a_wheel_has_the_package_and_its_types_and_nothing_else(
    pure_wheel: Path, source: Path
) -> None:
    # Neither tests, nor what only a compiler wants. make release-check looks at a compiled one.
    modules = {path.relative_to(source).as_posix() for path in (source / "sseparse").rglob("*.py")}
    with zipfile.ZipFile(pure_wheel) as archive:
        files = {name for name in archive.namelist() if ".dist-info/" not in name}
    stubs = {"sseparse/_parser_c.pyi", "sseparse/_partial_json_c.pyi"}
    assert files == modules | stubs | {"sseparse/py.typed"}
    assert "sseparse/_stream/reader.py" in files


def test_a_wheel_has_its_licence_and_says_which_it_is(pure_wheel: Path) -> None:
    with zipfile.ZipFile(pure_wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        message = email.message_from_bytes(archive.read(metadata))
        assert message["License-Expression"] == "MIT"
        assert archive.read(metadata.replace("METADATA", "licenses/LICENSE"))


def test_a_misspelt_wish_for_the_extension_is_an_error(source: Path, tmp_path: Path) -> None:
    assert not build_wheel(source, tmp_path, SSEPARSE_BUILD_EXTENSION="maybe")


@functools.cache
def imported_by(file: Path) -> set[str]:
    """The packages that a module of the tests imports at once, by way of others of them too.

    "pages" is among them, which reads the documentation: the tests of a wheel have none.
    """
    found: set[str] = set()
    for statement in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(statement, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            found.add(statement.module.partition(".")[0])
    helpers = {name: TESTS / "helpers" / f"{name}.py" for name in found}
    local = {name: helper for name, helper in helpers.items() if helper.is_file()}
    outside = found.difference(local.keys() - {"pages"})
    return outside.union(*map(imported_by, local.values()))


def test_the_tests_of_a_wheel_need_no_more_than_there_is_where_they_run() -> None:
    # Those that cibuildwheel and make release-check run, on platforms where nobody looks.
    settings = (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    command = settings.partition("test-command =")[2].partition("[tool")[0]
    left_out = [PROJECT / path for path in re.findall(r"--ignore=([\w/.]+)", command)]
    assert [path for path in left_out if not path.exists()] == []
    tests = [path for path in TESTS.rglob("test_*.py") if not {path, *path.parents} & set(left_out)]
    assert tests
    there = sys.stdlib_module_names | {"hypothesis", "msgspec", "pytest", "sseparse"}
    missing = {str(path): sorted(imported_by(path) - there) for path in tests}
    assert {name: packages for name, packages in missing.items() if packages} == {}, (
        "add what needs more to the test-command in pyproject.toml, [tool.cibuildwheel]"
    )
