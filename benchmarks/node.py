"""eventsource-parser on Node.js: the time it takes inside Node.js for the bytes of a workload."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from workloads import Workload

SCRIPT = Path(__file__).with_name("eventsource.mjs")
# Where the Makefile installs it.
FOLDER = Path(__file__).resolve().parents[1] / ".benchmarks"
SECONDS = 1.0


def missing() -> str | None:
    """What is not here, if anything."""
    if shutil.which("node") is None:
        return "no node here"
    if not (FOLDER / "node_modules" / "eventsource-parser").is_dir():
        return "no eventsource-parser here (make bench installs it where npm is)"
    return None


def checksum(events: list[tuple[str, str]]) -> str:
    dumped = (json.dumps(event, separators=(",", ":"), ensure_ascii=False) for event in events)
    return hashlib.sha256("".join(dumped).encode()).hexdigest()


def measure(workload: Workload, folder: Path) -> dict[str, Any]:
    """Versions, seconds from bytes and from decoded strings, and whether the events are right."""
    body, sizes = folder / "body", folder / "sizes.json"
    body.write_bytes(b"".join(workload.chunks))
    sizes.write_text(json.dumps([len(chunk) for chunk in workload.chunks]))
    command = ["node", str(SCRIPT), str(FOLDER), str(body), str(sizes), str(SECONDS)]
    result: dict[str, Any] = json.loads(
        subprocess.run(command, check=True, capture_output=True, timeout=120).stdout
    )
    result["is_right"] = result["checksum"] == checksum(workload.events)
    return result
