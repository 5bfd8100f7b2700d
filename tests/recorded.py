"""Streams recorded from real APIs, where the machine has them: ../shared/corpus."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CORPUS = Path(__file__).resolve().parents[2] / "shared" / "corpus"


def exact_streams() -> list[dict[str, Any]]:
    """The manifest's entries of bodies that are byte for byte what a server sent."""
    manifest = CORPUS / "manifest.jsonl"
    if not manifest.is_file():
        return []
    entries = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    return [
        entry
        for entry in entries
        if entry["file"].startswith("sse/") and entry["fidelity"].startswith("exact")
    ]


def body_of(entry: dict[str, Any]) -> bytes:
    return (CORPUS / entry["file"]).read_bytes()


def reads_of(entry: dict[str, Any]) -> list[bytes]:
    """The body as its recording client read it; whole where that was not recorded."""
    body = body_of(entry)
    if "reads" not in entry:
        return [body]
    chunks, start = [], 0
    for size in json.loads((CORPUS / entry["reads"]).read_text(encoding="utf-8")):
        chunks.append(body[start : start + size])
        start += size
    assert start == len(body)
    return chunks
