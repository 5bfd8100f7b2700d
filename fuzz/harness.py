"""What the fuzzers share: looking for inputs with atheris, and checking given ones without it.

    python fuzz/parsers.py FILE...                       check these inputs (or folders of them)
    python fuzz/parsers.py --fuzz [libFuzzer's options]  look for inputs that fail the check

Checking needs no atheris: whatever was found can be looked into under any interpreter, in
a debugger, or with an extension that was built with sanitizers.
"""

from __future__ import annotations

import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

FUZZING = "--fuzz" in sys.argv[1:2]
PROJECT = Path(__file__).resolve().parent.parent

# The tests know the standard (whatwg.py) and what can be seen of a parser (streams.py).
sys.path.insert(0, str(PROJECT / "tests" / "helpers"))


def instrumented() -> AbstractContextManager[Any]:
    """Have atheris watch which lines of sseparse an input reaches; of nothing else."""
    if not FUZZING:
        return nullcontext()
    import atheris

    context: AbstractContextManager[Any] = atheris.instrument_imports(include=["sseparse"])
    return context


def instrument(function: Any) -> None:
    """The same for a function that was not imported as modules usually are."""
    if FUZZING:
        import atheris

        atheris.instrument_func(function)


def main(
    check: Callable[[bytes], object],
    mutate: Callable[[bytes, int, int], bytes] | None = None,
) -> None:
    """Do what the command line says.

    Args:
        check: raises where an input shows a bug.
        mutate: makes another input of one, no longer than a size, with a seed.
    """
    if FUZZING:
        import atheris

        options = {} if mutate is None else {"custom_mutator": mutate}
        atheris.Setup([sys.argv[0], *sys.argv[2:]], check, **options)
        atheris.Fuzz()
        return
    count = 0
    for path in _files(sys.argv[1:]):
        try:
            check(path.read_bytes())
        except BaseException:
            print(f"while checking {path}:", file=sys.stderr)
            raise
        count += 1
    print(f"{Path(sys.argv[0]).name}: {count} inputs, nothing found")


def _files(names: list[str]) -> Iterator[Path]:
    for path in map(Path, names):
        if path.is_dir():
            yield from (file for file in sorted(path.rglob("*")) if file.is_file())
        else:
            yield path
