"""Runs each fuzzer for a while, and says what came of it: what ``make fuzz`` does.

Everything goes to ``.fuzz/``: the seeds, the corpus that grows from run to run, a log of each
fuzzer, and in ``.fuzz/found/`` the inputs that fail, with the command that shows why.
"""

from __future__ import annotations

import argparse
import random
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
WORK = HERE.parent / ".fuzz"
# The longest inputs: the parsers' rules are met in short ones, chunks of JSON are long.
FUZZERS = {
    "parsers": 512,
    "partial_json": 512,
    "encode": 256,
    "completions": 4096,
    "apis": 8192,
    "shapes": 16384,
}


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--seconds", type=int, default=60, help="for each fuzzer")
    arguments.add_argument("--seed", type=int, help="to do the same again; else a random one")
    arguments.add_argument("fuzzers", nargs="*", help=f"of {', '.join(FUZZERS)}; all by default")
    options = arguments.parse_args()
    unknown = set(options.fuzzers) - set(FUZZERS)
    if unknown:
        arguments.error(f"no such fuzzer: {', '.join(sorted(unknown))}")
    seed = random.randrange(1, 2**31) if options.seed is None else options.seed

    subprocess.run([sys.executable, HERE / "seeds.py", WORK / "seeds"], check=True)
    names = options.fuzzers or FUZZERS
    results = [fuzz(name, options.seconds, seed) for name in names]
    inputs = sum(int((_found("inputs", log_of(name)) or ["0"])[-1]) for name in names)
    failed = results.count(False)
    print(f"in all: {inputs:,} inputs; {failed or 'none'} of the fuzzers found something")
    return 0 if all(results) else 1


def fuzz(name: str, seconds: int, seed: int) -> bool:
    """Run one fuzzer; returns whether it found nothing."""
    found, corpus = WORK / "found", WORK / "corpus" / name
    for folder in (found, corpus):
        folder.mkdir(parents=True, exist_ok=True)
    known = set(found.iterdir())
    command = [
        *(sys.executable, str(HERE / f"{name}.py"), "--fuzz"),
        *(f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={FUZZERS[name]}"),
        # A hang, and more memory than any of these inputs could need.
        *("-timeout=10", "-rss_limit_mb=1024"),
        *("-print_final_stats=1", f"-artifact_prefix={found}/{name}-"),
        *(str(corpus), str(WORK / "seeds" / name)),
    ]
    print(f"{name}: {seconds} seconds from seed {seed} ...", flush=True)
    with path_of_log(name).open("wb") as output:
        status = subprocess.run(command, stdout=output, stderr=output, check=False).returncode
    text = log_of(name)
    print(f"{name}: {_summary(text)}", flush=True)
    if status == 0:
        return True
    trouble = text.partition("=== Uncaught Python exception: ===")[2] or text[-2000:]
    print(trouble.strip()[:4000])
    print(f"{name}: FAILED; all of its output is in {path_of_log(name).relative_to(HERE.parent)}")
    for path in sorted(set(found.iterdir()) - known):
        place = path.relative_to(HERE.parent)
        print(f"to see it again: {sys.executable} fuzz/{name}.py {place}")
    return False


def path_of_log(name: str) -> Path:
    return WORK / f"{name}.log"


def log_of(name: str) -> str:
    return path_of_log(name).read_text(encoding="utf-8", errors="replace")


_FIGURES = {
    "inputs": r"stat::number_of_executed_units: *(\d+)",
    "a second": r"stat::average_exec_per_sec: *(\d+)",
    "lines and branches seen": r"cov: (\d+)",
    "MB at most": r"stat::peak_rss_mb: *(\d+)",
}


def _found(what: str, log: str) -> list[str]:
    return re.findall(_FIGURES[what], log)


def _summary(log: str) -> str:
    return ", ".join(f"{(_found(what, log) or ['?'])[-1]} {what}" for what in _FIGURES)


if __name__ == "__main__":
    sys.exit(main())
