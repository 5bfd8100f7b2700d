"""Runs other packages' own tests of their streams: as they are, and with our parser inside.

    .peers/venv/bin/python tests/peers/run.py [NAME ...]

The tests are those of the sdist of the version that is installed. A test that passes as it is and
fails with our parser must have its reason in ``EXPLAINED``. What fails as it is has the sdist, or
this environment, to blame.
"""

from __future__ import annotations

import importlib.metadata
import os
import subprocess
import sys
import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CACHE = ROOT / ".peers"
LONGEST = 600  # seconds that the tests of a package may take


class Peer(NamedTuple):
    """A package, which of its tests are about streams, and what they are to be started with."""

    name: str
    tests: list[str]
    options: list[str] = []  # noqa: RUF012


PEERS = [
    Peer(
        "openai",
        [
            *("tests/test_streaming.py", "tests/test_sse_framing.py", "tests/test_stream_mode.py"),
            *("tests/lib/streaming", "tests/lib/chat", "tests/lib/test_streaming_deltas.py"),
        ],
    ),
    Peer(
        "anthropic",
        [
            *("tests/test_streaming.py", "tests/lib/streaming"),
            "tests/lib/test_refusal_fallback_streaming.py",
        ],
        ["-p", "tests._alias_httpx"],
    ),
    Peer("httpx-sse", ["tests"]),
    Peer("launchdarkly-eventsource", ["ld_eventsource/testing"]),
    Peer(
        "mcp",
        [
            *("tests/client/test_streamable_http.py", "tests/shared/test_streamable_http.py"),
            "tests/client/test_http_unicode.py",
            "tests/interaction/transports/test_streamable_http.py",
        ],
        ["-p", "anyio", "-p", "no:asyncio"],
    ),
]

# What tests say that fail with our parser only: of which package, the words, and why that is right.
EXPLAINED = [
    (
        "openai",
        "'SSEDecoder' object has no attribute '_data'",
        "it looks at a private attribute of their decoder",
    ),
    (
        "httpx-sse",
        "is labelled 'text/event-stream' and has not one line of an event",
        "nothing but fields that no standard knows is an error here, not an empty stream",
    ),
]


def unpacked(name: str) -> Path:
    """The folder of the sdist of the installed version, from the cache or the index."""
    version = importlib.metadata.version(name)
    for _ in range(2):
        for found in CACHE.glob(f"sdists/{name.replace('-', '_')}-{version}.tar.gz"):
            folder = CACHE / found.name.removesuffix(".tar.gz")
            if not folder.exists():
                with tarfile.open(found) as archive:
                    archive.extractall(CACHE, filter="data")
            return folder
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        options = ["--no-binary", name, "--dest", str(CACHE / "sdists"), f"{name}=={version}"]
        subprocess.run([*command, *options], check=True)
    raise FileNotFoundError(f"no sdist of {name} {version}")


def outcomes(peer: Peer, folder: Path, ours: bool) -> dict[str, str]:
    """What became of each test: "passed", "skipped" or what it said when it failed."""
    report = CACHE / f"{peer.name}{'-ours' if ours else ''}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", f"--junitxml={report}"]
    options = ["-p", "no:cacheprovider", "-p", "no:xdist", *peer.options]
    paths = [str(ROOT), str(HERE), str(ROOT / "tests" / "helpers")]
    environment = os.environ | {"PEER": peer.name, "PYTHONPATH": os.pathsep.join(paths)}
    with report.with_suffix(".log").open("w") as log:
        subprocess.run(
            [*command, *options, *(["-p", "plugin"] if ours else []), *peer.tests],
            cwd=folder,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=LONGEST,
            check=False,
        )
    if not report.exists():
        raise RuntimeError(f"the tests of {peer.name} do not start: {report.with_suffix('.log')}")
    told: dict[str, str] = {}
    for case in ET.parse(report).getroot().iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        said = [child.get("message", "") for child in case if child.tag in ("failure", "error")]
        skipped = "skipped" if case.find("skipped") is not None else "passed"
        # A failure of what a test has set up is a case of its own, with the same name.
        told[name] = said[0] if said else told.get(name, skipped)
    return told


def main(names: list[str]) -> int:
    """Run what is named, or all; the status is 1 if anything is unexplained."""
    rows = ["| package | pass as they are | fail | pass with ours |", "|---|---|---|---|"]
    unexplained = 0
    for peer in PEERS:
        if names and peer.name not in names:
            continue
        folder = unpacked(peer.name)
        stock, ours = outcomes(peer, folder, False), outcomes(peer, folder, True)
        passed = [list(told.values()).count("passed") for told in (stock, ours)]
        failed = len(stock) - passed[0] - list(stock.values()).count("skipped")
        version = importlib.metadata.version(peer.name)
        rows.append(f"| {peer.name} {version} | {passed[0]} | {failed} | {passed[1]} |")
        for test, became in stock.items():
            said = ours.get(test, "it did not run")
            if became == "passed" != said:
                whys = [why for of, words, why in EXPLAINED if of == peer.name and words in said]
                unexplained += not whys
                print(f"{peer.name}: {test}: {whys[0] if whys else 'UNEXPLAINED: ' + said}")
    print(*rows, sep="\n")
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
