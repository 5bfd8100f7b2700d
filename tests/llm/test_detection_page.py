"""docs/detection.md says of payloads, one for each row of its table, what the code does."""

from __future__ import annotations

import contextlib
import json
import re

import pytest
from pages import DOCS

from sseparse import llm
from sseparse._stream.detect import READERS

PAGE = (DOCS / "detection.md").read_text("utf-8")
ROWS = re.findall(r"^\|.+\| `(\{.+\})` \| (\S+) \|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("payload", "kind"), ROWS)
def test_a_payload_of_the_table_tells_what_stands_there(payload: str, kind: str):
    json.loads(payload)
    parser = llm.StreamParser()
    with contextlib.suppress(llm.APIError):
        parser.feed(f"data: {payload}\n\n".encode())
        parser.feed(b"")
    assert (f"`{parser.kind}`" if parser.kind else "wait") == kind


def test_the_table_has_every_kind_and_those_that_wait():
    assert {kind.strip("`") for _, kind in ROWS} == {*READERS, "wait"}
    assert len(ROWS) == 14


def test_each_kind_stands_with_the_class_that_reads_it():
    found = re.findall(r"^\| `(\w+)` \|.+\| `(sseparse\.\w+\.\w+)` \|$", PAGE, re.MULTILINE)
    assert dict(found) == READERS
