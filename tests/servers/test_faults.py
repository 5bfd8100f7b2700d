"""What breaks off, or is an error, never passes for a whole answer, whoever reads it."""

from __future__ import annotations

import official
import openai
import pytest
import reading

KINDS = ("chat", "responses", "messages", "gemini")


@pytest.mark.parametrize("form", reading.FORMS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("server", ["aimock", "litellm"])
def test_a_stream_that_breaks_off_is_never_whole(question_of, read, server, kind, form) -> None:
    question = question_of(server, kind, "cut")
    told = read(kind=kind, url=question.url, post=question.json, form=form)
    assert told["error"] or told["truncated"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("server", ["aimock", "litellm"])
def test_a_refusal_says_what_the_server_said(question_of, read, server, kind) -> None:
    question = question_of(server, kind, "busy")
    told = read(kind=kind, url=question.url, post=question.json, form="stream")
    assert told["error"].startswith("APIError: ")
    assert "Too busy" in told["error"]
    assert told["objects"] == []


def test_a_failed_status_with_a_stream_says_why(question_of, read) -> None:
    # This proxy cannot mock a Responses stream. The official client says no more than the status.
    question = question_of("litellm", "responses", "text", "mock")
    with pytest.raises(openai.InternalServerError):
        official.read(question)
    told = read(kind="responses", url=question.url, post=question.json, form="stream")
    assert told["error"].startswith("APIError: Error processing stream start")
