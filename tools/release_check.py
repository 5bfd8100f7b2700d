"""Builds what a release consists of, and tries all of it: ``make release-check``.

    python tools/release_check.py [--tag v1.2.3]

Leaves the sdist, the wheel of this interpreter and the wheel that fits every one in
``dist/``. Prints a line a check and stops at the first that fails. It takes an index to
install from, and some minutes. It publishes nothing: see CONTRIBUTING.md.
"""

from __future__ import annotations

import argparse
import email
import email.message
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = Path(__file__).resolve().parent.parent
DIST = PROJECT / "dist"
SETTINGS = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
VERSION = SETTINGS["project"]["version"]

EXTENSIONS = ["sseparse/_parser_c", "sseparse/_partial_json_c"]
if not sysconfig.get_config_var("Py_GIL_DISABLED"):
    # Compiled as they stand, and saying so on their first line.
    EXTENSIONS += [
        path.relative_to(PROJECT).with_suffix("").as_posix()
        for path in (PROJECT / "sseparse").rglob("*.py")
        if path.read_text(encoding="utf-8").startswith("# cython:")
    ]
# Beside the modules. A .pyx or .pxd is of no use where nothing is compiled.
DATA = {"sseparse/_parser_c.pyi", "sseparse/_partial_json_c.pyi", "sseparse/py.typed"}
GENERATED = (".c", ".so", ".pyd", ".pyc", ".html")
NEEDED_IN_SDIST = {
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "PKG-INFO",
    "README.md",
    "pyproject.toml",
    "setup.py",
    "sseparse/_parser_c.pyi",
    "sseparse/_parser_c.pyx",
    "sseparse/_partial_json_c.pyi",
    "sseparse/_partial_json_c.pyx",
    "sseparse/_stream/native.pxd",
    "sseparse/_stream/reader.pxd",
    "sseparse/_stream/reader.py",
    "sseparse/py.typed",
    "tests/conftest.py",
    "tests/public_api.txt",
}

SMOKE_TEST = """
import sys
import sseparse
assert sseparse.IMPLEMENTATION == sys.argv[1], sseparse.IMPLEMENTATION
assert sys.prefix in sseparse.__file__, sseparse.__file__
assert [event.data for event in sseparse.Parser().feed(b"data: x\\n\\n")] == ["x"]
try:
    import sseparse.openai
except ImportError as error:
    assert 'pip install "sseparse[llm]"' in str(error), error
else:
    raise AssertionError("msgspec came with the core")
"""
PYODIDE_TEST = r"""
import sseparse
from sseparse.partial_json import PartialJSON
assert sseparse.IMPLEMENTATION == "python"
assert [event.data for event in sseparse.Parser().feed(b"data: x\n\n")] == ["x"]
growing = PartialJSON()
growing.feed('{"a": [1, "tw')
assert growing.value == {"a": [1, "tw"]}
"""
PYODIDE_CHAT_TEST = r"""
from sseparse.openai import ChatStream
chunk = b'data: {"choices": [{"index": 0, "delta": {"content": "Hi"}}]}\n\n'
stream = ChatStream([chunk, b"data: [DONE]\n\n"])
assert "".join(stream.iter_text()) == "Hi" and stream.done
assert stream.get_final_completion().choices[0].message.content == "Hi"
"""
# Of the two files of this name the compiled one must win.
READER_TEST = "from sseparse._stream import reader; print(reader.__file__)"


class CheckFailedError(Exception):
    """A check failed; the message is for people."""


def main() -> int:
    """Run all checks."""
    arguments = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    arguments.add_argument("--tag", default="", help="the tag that is to be released: v1.2.3")
    tag = arguments.parse_args().tag
    try:
        with tempfile.TemporaryDirectory() as folder:
            check_all(tag, Path(folder))
    except CheckFailedError as error:
        print(f"FAILED  {error}")
        return 1
    print(f"All that would be released as {VERSION} is in order; it is in dist/.")
    return 0


def check_all(tag: str, scratch: Path) -> None:
    """All checks in turn, in a folder that may be filled."""
    check_version(tag)
    check_manifest()
    shutil.rmtree(DIST, ignore_errors=True)
    sdist = build_sdist(scratch)
    source = unpack(sdist, scratch / "source")
    # Built of the sdist, as others will do it.
    compiled = build_wheel(source, "yes")
    pure = build_wheel(source, "no")
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    check_wheel(compiled, source, {name + suffix for name in EXTENSIONS})
    check_wheel(pure, source, set())
    if not pure.name.endswith("-py3-none-any.whl"):
        raise CheckFailedError(f"a wheel without extension is called {pure.name}")
    check_with_tools(sdist, compiled, pure)

    install_and_test(sdist, "cython", scratch / "from-sdist", None)
    install_and_test(compiled, "cython", scratch / "compiled", source)
    install_and_test(pure, "python", scratch / "pure", source)
    check_in_pyodide(pure, scratch / "pyodide")


def check_version(tag: str) -> None:
    """The version stands in pyproject.toml; the changelog and the tag agree with it."""
    changelog = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\S+)", changelog, re.MULTILINE)
    newest = headings[0] if headings else "nothing"
    if tag and tag != f"v{VERSION}":
        raise CheckFailedError(f"the tag is {tag}, but the version in pyproject.toml is {VERSION}")
    if tag and newest != VERSION:
        raise CheckFailedError(f"CHANGELOG.md begins with {newest}; {VERSION} is to be released")
    if newest not in (VERSION, "Unreleased"):
        raise CheckFailedError(
            f"CHANGELOG.md begins with {newest}, neither {VERSION} nor Unreleased"
        )
    done(f"version {VERSION}; CHANGELOG.md begins with {newest}")


def check_manifest() -> None:
    """What git knows is in the sdist, and nothing else."""
    if not (PROJECT / ".git").exists():
        print("skipped check-manifest: this is no git checkout")
        return
    run(sys.executable, "-m", "check_manifest", "--no-build-isolation", PROJECT)
    done("check-manifest: the sdist has what git has, and nothing else")


def build_sdist(scratch: Path) -> Path:
    """Build it twice: what is in it depends on the sources alone."""
    build = (sys.executable, "-m", "build", "--sdist", "--outdir")
    run(*build, DIST, PROJECT)
    run(*build, scratch / "again", PROJECT)
    (sdist,) = DIST.glob("*.tar.gz")
    (again,) = (scratch / "again").glob("*.tar.gz")
    members = members_of(sdist)
    if members != members_of(again):
        raise CheckFailedError("two builds of the sdist differ")
    files = {name.partition("/")[2] for name in members}
    if not files >= NEEDED_IN_SDIST:
        raise CheckFailedError(f"the sdist lacks {sorted(NEEDED_IN_SDIST - files)}")
    generated = [name for name in files if name.endswith(GENERATED)]
    if generated:
        raise CheckFailedError(f"the sdist has {generated}, which are generated")
    done(f"{sdist.name}: {len(files)} files, nothing generated, the same in two builds")
    return sdist


def members_of(archive: Path) -> dict[str, tuple[int, bytes]]:
    """Names, modes and contents; setuptools writes the time of the build into the archive."""
    with tarfile.open(archive) as tar:
        return {
            member.name: (member.mode, tar.extractfile(member).read())  # type: ignore[union-attr]
            for member in tar
            if member.isfile()
        }


def unpack(sdist: Path, target: Path) -> Path:
    """Unpack it; returns the folder with pyproject.toml."""
    with tarfile.open(sdist) as tar:
        # The filter that Python 3.14 makes the default; older ones may not have it.
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        tar.extractall(target, **safely)  # type: ignore[arg-type]
    return target / sdist.name.removesuffix(".tar.gz")


def build_wheel(source: Path, extension: str) -> Path:
    """Build a wheel, with the extension ("yes") or without it ("no")."""
    before = set(DIST.glob("*.whl"))
    command = (sys.executable, "-m", "build", "--wheel", "--outdir", DIST, source)
    run(*command, SSEPARSE_BUILD_EXTENSION=extension)
    (wheel,) = set(DIST.glob("*.whl")) - before
    return wheel


def check_wheel(wheel: Path, source: Path, extensions: set[str]) -> None:
    """The package and these extensions are in it, and nothing else: no tests, no sources of C."""
    modules = {path.relative_to(source).as_posix() for path in (source / "sseparse").rglob("*.py")}
    expected = modules | DATA | extensions
    metadata = f"sseparse-{VERSION}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        files = {name for name in archive.namelist() if not name.startswith(f"{metadata}/")}
        message = email.message_from_bytes(archive.read(f"{metadata}/METADATA"))
        has_licence = f"{metadata}/licenses/LICENSE" in archive.namelist()
    if files != expected:
        raise CheckFailedError(
            f"{wheel.name} lacks {sorted(expected - files)}, and should not have "
            f"{sorted(files - expected)}"
        )
    check_metadata(wheel, message, has_licence)
    done(f"{wheel.name}: {len(files)} files, {len(extensions)} of them extensions")


def check_metadata(wheel: Path, message: email.message.Message, has_licence: bool) -> None:
    """What an index, and a lawyer, will read."""
    for field, expected in (
        ("Version", VERSION),
        ("License-Expression", "MIT"),
        ("License-File", "LICENSE"),
        ("Requires-Python", SETTINGS["project"]["requires-python"]),
    ):
        if message[field] != expected:
            raise CheckFailedError(f"{wheel.name} says {field}: {message[field]}, not {expected}")
    if not has_licence:
        raise CheckFailedError(f"{wheel.name} has no licence file")
    required = [line for line in message.get_all("Requires-Dist", []) if "extra ==" not in line]
    if required:
        raise CheckFailedError(f"the core needs nothing, but {wheel.name} says {required}")


def check_with_tools(*files: Path) -> None:
    """What others have learnt to look for."""
    run(sys.executable, "-m", "twine", "check", "--strict", *files)
    done("twine check --strict")
    wheels = [file for file in files if file.suffix == ".whl"]
    run(sys.executable, "-m", "check_wheel_contents", *wheels)
    done("check-wheel-contents")


def install_and_test(file: Path, implementation: str, folder: Path, source: Path | None) -> None:
    """Install it where there is nothing else, and try it; run the tests of ``source`` then.

    The tests are those that cibuildwheel runs, in the same way: outside the source tree.
    """
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    python, command = scripts / "python", scripts / "sseparse"
    # The pip of the environment that this runs in: a new one need not know of groups.
    pip = (sys.executable, "-m", "pip", "--python", python, "install", "--quiet")
    run(*pip, "--no-deps", file, SSEPARSE_BUILD_EXTENSION="yes")
    run(python, "-I", "-c", SMOKE_TEST, implementation)
    version = run(command, "--version").strip()
    if version != f"sseparse {VERSION} ({implementation} parser)":
        raise CheckFailedError(f"{file.name}: sseparse --version says {version!r}")
    done(f"{file.name} installs alone: {version}")
    if source is None:
        return

    run(*pip, "--group", f"{source / 'pyproject.toml'}:wheel-test", f"{file}[openai]")
    reader = run(python, "-I", "-c", READER_TEST).strip()
    if reader.endswith(".py") is (implementation == "cython"):
        raise CheckFailedError(f"{file.name}: the reader of streams comes from {reader}")
    place = folder / "tests-alone"
    place.mkdir()
    for name in SETTINGS["tool"]["cibuildwheel"]["test-sources"]:
        original = source / name
        (shutil.copytree if original.is_dir() else shutil.copy)(original, place / name)
    program, *arguments = shlex.split(SETTINGS["tool"]["cibuildwheel"]["test-command"])
    assert program == "python", program
    # "1" says that the extension is absent by intention; else its absence is an error.
    without = "0" if implementation == "cython" else "1"
    result = run(python, *arguments, cwd=place, SSEPARSE_NO_EXTENSIONS=without)
    done(f"{file.name} passes the tests: {result.strip().splitlines()[-1].strip('= ')}")


def check_in_pyodide(wheel: Path, folder: Path) -> None:
    """Try it in WebAssembly, where nothing compiled for this machine can be."""
    if not shutil.which("npm"):
        print("skipped Pyodide: npm is not here")
        return
    run("npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", folder, "pyodide")
    lock = folder / "node_modules" / "pyodide" / "pyodide-lock.json"
    about = json.loads(lock.read_text(encoding="utf-8"))["info"]
    program, wheels, tried = PYODIDE_TEST, [wheel], "the core"
    try:
        run(
            *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder),
            *(
                "--only-binary",
                ":all:",
                "--platform",
                f"pyemscripten_{about['abi_version']}_wasm32",
            ),
            *("--python-version", about["python"], "msgspec"),
        )
    except CheckFailedError:
        print("skipped typed streams in Pyodide: there is no msgspec for this one")
    else:
        program, tried = PYODIDE_TEST + PYODIDE_CHAT_TEST, "the core and a typed stream"
        wheels.extend(folder.glob("*.whl"))
    run("node", PROJECT / "tools" / "pyodide.mjs", folder, program, *wheels)
    done(f"{wheel.name} runs in Pyodide, Python {about['python']}: {tried}")


def run(*command: str | Path, cwd: Path | None = None, **environment: str) -> str:
    """What a command prints; its failure ends everything."""
    # What the surroundings say of the extension, or of where modules are, is not meant for it.
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SSEPARSE_") and name not in ("PYTHONPATH", "PYTEST_ADDOPTS")
    }
    result = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=inherited | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if result.returncode:
        print("\n".join(result.stdout.splitlines()[-60:]))
        raise CheckFailedError(f"{shlex.join(map(str, command))} ended with {result.returncode}")
    return result.stdout


def done(what: str) -> None:
    """Report a check that passed."""
    print(f"ok      {what}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
