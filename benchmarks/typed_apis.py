"""The APIs whose streams are read as typed objects: with what here, and with what officially.

The official packages read the same bytes, in this process: they are given a response that has
them already. What they send to get one, and receive it with, is in ``test_clients.py``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import anthropic
import httpx2
import openai
from anthropic.types import RawMessageStreamEvent
from openai.types import Completion as OfficialCompletion
from openai.types.chat import ChatCompletionChunk as OfficialChunk
from openai.types.responses import ResponseStreamEvent as OfficialEvent

from sseparse.anthropic import MessageStream, MessageStreamEvent
from sseparse.google import GenerateContentResponse, GenerateContentStream
from sseparse.openai import (
    ChatCompletionChunk,
    ChatStream,
    Completion,
    CompletionStream,
    ResponseStream,
    ResponseStreamEvent,
)

try:
    # Its newest releases want Python 3.11.
    import google.genai as genai
except ImportError:
    genai = None

Read = Callable[[list[bytes]], Iterable[Any]]

# Not to be asked for anything: they make objects.
OPENAI = openai.OpenAI(api_key="-", base_url="http://localhost/")
ANTHROPIC = anthropic.Anthropic(api_key="-", base_url="http://localhost/")
REQUEST = httpx2.Request("POST", "http://localhost/")


def response_of(reads: list[bytes]) -> httpx2.Response:
    headers = {"content-type": "text/event-stream"}
    return httpx2.Response(200, headers=headers, content=iter(reads), request=REQUEST)


def with_openai(cast_to: Any) -> Read:
    return lambda reads: openai.Stream(cast_to=cast_to, response=response_of(reads), client=OPENAI)


def with_anthropic(reads: list[bytes]) -> Iterable[Any]:
    event: Any = RawMessageStreamEvent
    return anthropic.Stream(cast_to=event, response=response_of(reads), client=ANTHROPIC)


def _with_google() -> Read:
    """What ``generate_content_stream`` does with a response.

    It cannot be had without a request, which takes longer than a chunk: so these are its
    parts, called as it calls them.
    """
    from google.genai import _api_client, models, types

    client = genai.Client(api_key="-")._api_client
    client._build_request = lambda *_: None
    parameters = types._GenerateContentParameters(model="-", contents="-")

    def read(reads: list[bytes]) -> Iterator[Any]:
        response = response_of(reads)
        client._request = lambda *_, **__: _api_client.HttpResponse(response.headers, response)
        for chunk in client.request_streamed("post", "", {}):
            fields = models._GenerateContentResponse_from_mldev(
                json.loads(chunk.body), None, parameters
            )
            yield types.GenerateContentResponse._from_response(response=fields, kwargs={})

    return read


class API(NamedTuple):
    """What the recordings call it; the classes here; the official package, and how it reads."""

    recorded: str
    stream: Any
    payload: type
    package: str
    official: Read | None


APIS = {
    "chat": API(
        "chat.completions", ChatStream, ChatCompletionChunk, "openai", with_openai(OfficialChunk)
    ),
    "completions": API(
        "completions", CompletionStream, Completion, "openai", with_openai(OfficialCompletion)
    ),
    "responses": API(
        "responses", ResponseStream, ResponseStreamEvent, "openai", with_openai(OfficialEvent)
    ),
    "messages": API(
        "anthropic.messages", MessageStream, MessageStreamEvent, "anthropic", with_anthropic
    ),
    "gemini": API(
        "google.generateContent",
        GenerateContentStream,
        GenerateContentResponse,
        "google-genai",
        _with_google() if genai else None,
    ),
}
