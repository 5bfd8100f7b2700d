"""The APIs beside chat, for tests that are the same for each of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import corpus
import pytest

__all__ = ["API", "APIS", "every_recorded_stream"]


class API(NamedTuple):
    """Where an API's classes and recorded streams are."""

    recorded: str  # in the corpus
    kind: str
    stream: str
    parser: str


APIS = [
    API("anthropic.messages", "messages", "MessageStream", "MessageParser"),
    API("google.generateContent", "gemini", "GenerateContentStream", "GenerateContentParser"),
    API("responses", "responses", "ResponseStream", "ResponseParser"),
]


def every_recorded_stream() -> pytest.MarkDecorator:
    """Run a test with each recorded ``entry`` and its ``api``; skip it where there is no corpus."""
    params: list[Any] = [
        pytest.param(api, entry, id=entry["file"].partition("/")[2])
        for api in APIS
        for entry in corpus.entries(api.recorded)
    ]
    if not params:
        params = [pytest.param(None, None, marks=pytest.mark.skip(reason="no corpus here"))]
    return pytest.mark.parametrize(("api", "entry"), params)
