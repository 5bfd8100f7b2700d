"""What people install: the sdist, and what becomes of it with and without a compiler."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


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


def build_wheel(source: Path, target: Path, **environment: str) -> list[Path]:
    arguments = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", target, source]
    built = run("-m", "pip", "wheel", *arguments, **environment)
    return [] if built.returncode else list(target.glob("*.whl"))


def test_sdist_has_the_pyx_and_its_tests_and_nothing_generated(source: Path) -> None:
    files = {path.relative_to(source).as_posix() for path in source.rglob("*") if path.is_file()}
    assert {"sseparse/_parser_c.pyx", "sseparse/_parser_c.pyi", "sseparse/py.typed"} <= files
    assert {"tests/conftest.py", "Makefile", "LICENSE", "CHANGELOG.md"} <= files
    assert not [file for file in files if file.endswith((".c", ".so", ".pyc"))]


def test_every_package_is_in_the_sdist(source: Path) -> None:
    tracked = {path.relative_to(PROJECT) for path in (PROJECT / "sseparse").rglob("*.py")}
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


def test_a_wheel_without_the_extension_fits_every_platform(source: Path, tmp_path: Path) -> None:
    (wheel,) = build_wheel(source, tmp_path, SSEPARSE_BUILD_EXTENSION="no")
    assert wheel.name.endswith("-py3-none-any.whl")


def test_a_misspelt_wish_for_the_extension_is_an_error(source: Path, tmp_path: Path) -> None:
    assert not build_wheel(source, tmp_path, SSEPARSE_BUILD_EXTENSION="maybe")
