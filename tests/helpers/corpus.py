"""Recorded streams of ../shared/corpus, where the machine has them: entries with their bytes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CORPUS = Path(__file__).resolve().parents[3] / "shared" / "corpus"


def entries(api: str | None = None) -> list[dict[str, Any]]:
    """The manifest's rows, each with its ``bytes``; none where there is no corpus.

    Args:
        api: only rows of this API, such as "chat.completions" or "completions".

    A recording that is not an event stream, but a JSON payload a line, is made one.
    """
    manifest = CORPUS / "manifest.jsonl"
    if not manifest.is_file():
        return []
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    found = [row for row in rows if api is None or row["api"] == api]
    for row in found:
        body = (CORPUS / row["file"]).read_bytes()
        if row["file"].startswith("chunks/"):
            lines = [line for line in body.splitlines() if line.strip()]
            body = b"".join(b"data: " + line + b"\n\n" for line in lines)
        row["bytes"] = body
    return found


def parametrize(api: str) -> pytest.MarkDecorator:
    """Run a test with each ``entry`` of an API; skip it where there is no corpus."""
    params = [
        pytest.param(row, id=row["file"].partition("/")[2].rpartition(".")[0])
        for row in entries(api)
    ]
    if not params:
        params = [pytest.param(None, marks=pytest.mark.skip(reason="no ../shared/corpus here"))]
    return pytest.mark.parametrize("entry", params)


def exact_streams() -> list[dict[str, Any]]:
    """The rows of bodies that are byte for byte what a server sent."""
    return [
        row
        for row in entries()
        if row["file"].startswith(("sse/", "servers/")) and row["fidelity"].startswith("exact")
    ]


def reads_of(row: dict[str, Any]) -> list[bytes]:
    """The body as its recording client read it; whole where that was not recorded."""
    body = row["bytes"]
    if "reads" not in row:
        return [body]
    chunks, start = [], 0
    for size in json.loads((CORPUS / row["reads"]).read_text(encoding="utf-8")):
        chunks.append(body[start : start + size])
        start += size
    assert start == len(body)
    return chunks
