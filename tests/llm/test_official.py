"""With other people's packages: their responses, and what they make of errors that are written."""

from __future__ import annotations

from typing import Any

import anthropic
import httpx2
import openai
import pytest
from llm_streams import BODIES
from official_clients import Body, connect
from replay_server import replay

from sseparse import llm


@pytest.mark.parametrize("kind", ["chat", "completions", "responses"])
def test_openais_package_raises_for_an_error(kind):
    frame = llm.encode_error(kind, "the model is busy", code="busy", type="server_error")
    with replay(frame) as url:
        client = connect(url)
        ask: Any = {
            "chat": lambda: client.chat.completions.create(model="", messages=[], stream=True),
            "completions": lambda: client.completions.create(model="", prompt="", stream=True),
            "responses": lambda: client.responses.create(model="", input="", stream=True),
        }[kind]
        with pytest.raises(openai.APIError, match="the model is busy") as caught:
            list(ask())
    assert (caught.value.code, caught.value.type) == ("busy", "server_error")


def test_anthropics_package_raises_for_an_error():
    frame = llm.encode_error("messages", "the model is busy", type="overloaded_error")
    with replay(frame) as url:
        http_client = httpx2.Client(trust_env=False, verify=False)
        client = anthropic.Anthropic(
            api_key="-", base_url=url, max_retries=0, http_client=http_client
        )
        with pytest.raises(anthropic.APIStatusError, match="the model is busy") as caught:
            list(client.messages.create(model="", messages=[], max_tokens=1, stream=True))
    body: Any = caught.value.body
    assert body["error"]["type"] == "overloaded_error"


def test_googles_package_raises_for_an_error():
    genai = pytest.importorskip("google.genai")
    frame = llm.encode_error("gemini", "the model is busy", code=503)
    with replay(frame) as url:
        options = genai.types.HttpOptions(base_url=url, api_version="v1beta")
        client = genai.Client(api_key="-", http_options=options)
        with pytest.raises(genai.errors.ServerError, match="the model is busy") as caught:
            list(client.models.generate_content_stream(model="m", contents="x"))
    assert (caught.value.code, caught.value.status) == (503, "UNAVAILABLE")


@pytest.mark.parametrize("kind", BODIES)
def test_a_response_is_read_and_given_back(kind):
    body = Body([BODIES[kind][:50], BODIES[kind][50:]])
    stream = llm.Stream(httpx2.Response(200, stream=body))
    assert stream.get_final() == llm.Stream([BODIES[kind]]).get_final()
    assert body.is_closed


def test_an_error_instead_of_a_stream_has_the_responses_status():
    body = Body([b'{"error": {"message": "busy"}}'])
    stream = llm.Stream(httpx2.Response(429, stream=body))
    with pytest.raises(llm.APIError, match="busy") as caught:
        stream.until_done()
    assert caught.value.status == 429
    assert stream.kind is None
