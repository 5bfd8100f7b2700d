"""Every form on every HTTP client reads a server's streams as the official client does."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import http_clients
import official
import pytest
import reading
from differences import ABSENT, differences, without_nulls

from sseparse import llm

if TYPE_CHECKING:
    from collections.abc import Callable

# Of each server: which APIs it has, and what it can be asked.
SERVERS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "llama_cpp": (("chat", "completions", "responses", "messages"), ("text", "tools")),
    "aimock": (("chat", "responses", "messages", "gemini"), ("text", "tools", "reasoning")),
    "litellm": (
        ("chat", "completions", "responses", "messages", "gemini"),
        ("text", "tools", "reasoning"),
    ),
}
ASKED = [
    (server, kind, case)
    for server, (kinds, cases) in SERVERS.items()
    for kind in kinds
    for case in (cases if kind != "completions" else ("text",))
]

# Where ours and the official client's final object may differ: path, when, why.
EXPLAINED: list[tuple[str, str, Callable[[Any, Any], bool], str]] = [
    (
        "chat",
        r"\.choices\[\d+\]\.message\.tool_calls\[\d+\]\.index",
        lambda ours, theirs: ours == ABSENT,
        "They keep the fragments' index; the API's own final objects have none.",
    ),
    (
        "chat",
        r"\.timings",
        lambda ours, theirs: theirs == ABSENT,
        "They keep undeclared keys of the first chunk only.",
    ),
    (
        "responses",
        r"\.(parallel_tool_calls|tool_choice|tools|usage\..*_details(\..*)?)",
        lambda ours, theirs: theirs == ABSENT,
        "The openai package declares them as always there; the server does not send them.",
    ),
]
# What is another in every answer.
VOLATILE = {"id", "item_id", "call_id", "created", "created_at", "completed_at", "timings"}


def unexplained(kind: str, ours: Any, theirs: Any) -> list[tuple[str, Any, Any]]:
    return [
        (path, ours, theirs)
        for path, ours, theirs in differences(without_nulls(ours), without_nulls(theirs))
        if not any(
            kind == of and re.fullmatch(pattern, path) and when(ours, theirs)
            for of, pattern, when, _ in EXPLAINED
        )
    ]


def lasting(value: Any) -> Any:
    """What is the same in each answer to the same question."""
    if isinstance(value, dict):
        return {key: lasting(item) for key, item in value.items() if key not in VOLATILE}
    return [lasting(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize(("server", "kind", "case"), ASKED)
def test_a_stream_says_what_the_official_client_says(question_of, server, kind, case) -> None:
    answer = official.read(question_of(server, kind, case))
    told = reading.push(kind, answer.body)
    assert without_nulls(told["objects"]) == without_nulls(answer.objects)
    assert told["objects"]
    if answer.final is not None:
        assert unexplained(kind, told["final"], answer.final) == []
    assert ("'tide'" in repr(told["final"])) == (case == "tools")
    assert told["finish_reason"]
    assert told["usage"] or (server, kind) == ("litellm", "completions")
    assert not told["truncated"]


@pytest.mark.parametrize("form", reading.FORMS)
@pytest.mark.parametrize(
    ("server", "kind"), list(dict.fromkeys((server, kind) for server, kind, _ in ASKED))
)
def test_every_client_and_every_form_read_the_same(question_of, read, server, kind, form) -> None:
    for case in [case for *of, case in ASKED if of == [server, kind]]:
        question = question_of(server, kind, case)
        body = official.read(question).body
        told = read(kind=kind, url=question.url, post=question.json, form=form)
        assert told["error"] is None
        pushed = reading.push(kind, body)
        for key in ("final", "finish_reason", "usage", "done", "truncated"):
            assert lasting(told[key]) == lasting(pushed[key])


@pytest.mark.parametrize(("server", "kind", "case"), ASKED)
def test_the_view_of_all_apis_needs_no_kind(question_of, server, kind, case) -> None:
    question = question_of(server, kind, case)
    with (
        http_clients.get("httpx2", question.url, post=question.json) as response,
        llm.Stream(response) as stream,
    ):
        calls = list(stream.iter_tool_calls())
    assert stream.kind == kind
    assert [call.name for call in calls] == ["tide"] * len(calls)
    assert all("port" in json.loads(call.arguments) for call in calls)
    assert bool(calls) == (case == "tools")
    # A word of aimock's own, which Gemini does not have, passes as it is.
    reasons = ("tool_calls", "FUNCTION_CALL") if calls else ("stop", "length")
    assert stream.finish_reason in reasons
    assert stream.text or calls
    assert not stream.truncated
