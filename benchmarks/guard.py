"""Compares the instructions that an event takes with those of the last time: ``make bench-guard``.

Instructions are counted by valgrind, and come out the same on a busy machine. They are no time,
but what takes more of them rarely takes less. The figures are in instructions.json, for each
surrounding (interpreter, compiler, versions) whose code they are of; in one that is not there
they are told, and nothing fails. ``guard.py --renew`` writes those of this surrounding.
"""

from __future__ import annotations

import json
import marshal
import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib.metadata import version
from pathlib import Path

from guard_cases import CASES
from made_streams import CHAT, STREAMS, encode, event_of, reads_of
from renewed import variants
from workloads import LARGE_READ, NETWORK_READ, Workload, chat, cut, many_lines, tool_calls

HERE = Path(__file__).parent
FIGURES = HERE / "instructions.json"
# Far more than counts differ from run to run, and less than anybody should miss.
TOLERANCE = 0.03
EVENTS = 1_000
SHORT_STREAMS = 50
VALGRIND = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
# Nothing else: what is in the environment takes its place in memory, and moves the rest.
ENVIRONMENT = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": "0"}
# The first time is not counted: imports, what the interpreter learns of the code, and what streams
# learn of those before them.
REPEATS = (1, 3)


def in_pieces(text: str) -> Workload:
    """A text of ASCII in pieces of four characters."""
    pieces = cut(text.encode(), 4)
    return Workload(pieces, [("", "")] * len(pieces))


def chunks_of(kind: str) -> Workload:
    """Chat chunks that look alike."""
    payloads = [encode(CHAT[kind](i)) for i in range(EVENTS)]
    stream = b"".join(map(event_of, payloads))
    return Workload(cut(stream, LARGE_READ), [("", "")] * EVENTS)


def stream_of(api: str, pieces: int) -> Workload:
    """A stream of so many pieces of text."""
    return Workload(reads_of(api, pieces), [("", "")] * len(STREAMS[api](pieces)))


def short_streams(api: str, pieces: int) -> Workload:
    """Streams like those of one server, each a chunk."""
    (body,) = reads_of(api, pieces)
    bodies = variants(body, api, SHORT_STREAMS)
    return Workload(bodies, [("", "")] * SHORT_STREAMS)


INPUTS = {
    "16 KiB chunks": lambda: chat(EVENTS, 300, LARGE_READ),
    "CRLF": lambda: chat(EVENTS, 309, LARGE_READ, b"\r\n"),
    "reads of 1,400 bytes": lambda: chat(EVENTS, 300, NETWORK_READ),
    "one event a read": lambda: chat(EVENTS, 300, 300),
    "40 data lines an event": many_lines,
    "tool calls": lambda: tool_calls(4, 1_000, LARGE_READ),
    **{kind: partial(chunks_of, kind) for kind in CHAT},
    **{api: partial(stream_of, api, EVENTS) for api in STREAMS},
    # What it takes to begin and to end one: of these each stream counts as an event.
    **{f"{api}, short": partial(short_streams, api, 1) for api in STREAMS},
    "chat, 20 pieces": partial(short_streams, "chat", 20),
    # Of these each piece counts as an event.
    "payloads": lambda: Workload(
        [encode(CHAT["text"](i)) for i in range(EVENTS)], [("", "")] * EVENTS
    ),
    "JSON, one string": lambda: in_pieces(json.dumps("some words of a text\n" * 200)),
    "JSON, objects": lambda: in_pieces(
        json.dumps([{"id": i, "name": f"number {i}", "tags": ["a"], "x": i / 8} for i in range(80)])
    ),
}


def surrounding() -> str:
    """Whatever decides on the machine code that runs."""
    compiler = sysconfig.get_config_var("CC").split()[0]
    compiled_by = subprocess.run([compiler, "-dumpfullversion"], capture_output=True, text=True)
    optimized = "--enable-optimizations" in (sysconfig.get_config_var("CONFIG_ARGS") or "")
    return ", ".join(
        [
            f"{platform.python_implementation()} {platform.python_version()}"
            f" ({platform.python_compiler()}, {'PGO' if optimized else 'no PGO'})",
            f"{compiler} {compiled_by.stdout.strip()}",
            " ".join(platform.libc_ver()),
            platform.machine() + (" with AVX2" if has_avx2() else ""),
            *(f"{name} {version(name)}" for name in ("cython", "msgspec")),
        ]
    )


def has_avx2() -> bool:
    """The C library has another memchr for it."""
    try:
        return " avx2 " in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def count(case: str, file: Path, repeats: int) -> int:
    """The instructions of a whole process that runs the case so many times."""
    run = subprocess.run(
        [*VALGRIND, sys.executable, str(HERE / "guard_cases.py"), case, str(file), str(repeats)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
    )
    found = re.search(r"I\s+refs:\s+([\d,]+)", run.stderr)
    if run.returncode or not found:
        raise SystemExit(f"valgrind failed for {case!r}:\n{run.stderr}")
    return int(found[1].replace(",", ""))


def warm_up(case: str, file: Path) -> None:
    """Have the modules compiled, for one who counts does not see whether they had to be."""
    command = [sys.executable, str(HERE / "guard_cases.py"), case, str(file), "1"]
    # Not in this process's environment, which may keep Python from writing what it compiled.
    subprocess.run(command, env=ENVIRONMENT, check=True)


def measure() -> dict[str, int]:
    """The instructions an event, by case."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        files, events = {}, {}
        for name, make in INPUTS.items():
            workload = make()
            files[name] = Path(folder, str(len(files)))
            files[name].write_bytes(marshal.dumps(workload.chunks))
            events[name] = len(workload.events)
        for case, (_, name) in CASES.items():
            warm_up(case, files[name])
        counts = {
            case: [pool.submit(count, case, files[name], repeats) for repeats in REPEATS]
            for case, (_, name) in CASES.items()
        }
        figures = {}
        for case, (few, many) in counts.items():
            marginal = (many.result() - few.result()) / (REPEATS[1] - REPEATS[0])
            figures[case] = round(marginal / events[CASES[case][1]])
    return figures


def compare(figures: dict[str, int], known: dict[str, int]) -> list[str]:
    """Print the table; return what has grown."""
    grown = []
    print(f"{'instructions an event':38}{'before':>9}{'now':>9}")
    for case, now in figures.items():
        before = known.get(case)
        if before is None:
            print(f"{case:38}{'-':>9}{now:9,}")
            continue
        change = now / before - 1
        print(f"{case:38}{before:9,}{now:9,}  {change:+.1%}")
        if change > TOLERANCE:
            grown.append(f"{case}: from {before:,} to {now:,} instructions an event, {change:+.1%}")
    return grown


def main() -> None:
    if shutil.which("valgrind") is None:
        print("no valgrind here: no instructions counted")
        return
    all_known = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    here = surrounding()
    print(here)
    figures = measure()
    grown = compare(figures, all_known.get(here, {}))
    if "--renew" in sys.argv[1:]:
        all_known[here] = figures
        FIGURES.write_text(json.dumps(all_known, indent=2, sort_keys=True) + "\n")
        print(f"written to {FIGURES.name}")
    elif here not in all_known:
        print("no figures for this surrounding: nothing to compare with")
        print("make bench-guard-renew writes them")
    elif grown:
        print(f"\ngrown by more than {TOLERANCE:.0%}:", *grown, sep="\n  ")
        print("where that is meant, make bench-guard-renew accepts it")
        raise SystemExit(1)


if __name__ == "__main__":
    main()
