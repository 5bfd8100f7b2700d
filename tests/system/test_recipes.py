"""docs/recipes.md does not lie: each recipe is executed, and used, where its package is installed.

``make recipes`` installs what is small enough. The others need hundreds of packages to install, but
few of them to import: CONTRIBUTING.md says how to have their recipes run.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import json
import socket
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from chat_streams import DONE, chunk, sse
from llm_streams import BODIES
from pages import RECIPES, blocks_of
from replay_server import cut, replay

from sseparse.llm import APIError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

# What their own parsers lose: lines that end in CRLF, U+2028 in a token, keep-alives.
BODY = (
    b": keep-alive\r\n\r\n"
    + sse(*(chunk({"content": text}) for text in ("Sea", "\u2028", "green")))
    + sse({"choices": [], "usage": {"prompt_tokens": 2, "completion_tokens": 3}})
    + DONE
).replace(b"\\u2028", "\u2028".encode())
CRLF = BODY.replace(b"\n", b"\r\n").replace(b"\r\r\n", b"\r\n")
DYNAMO = sse(chunk({"content": "Sea"})) + b"event: error\n: engine lost\n\n"


@pytest.fixture
def execute(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that executes the recipe for a package; what it replaces is put back."""

    def run(*modules_and_names: str) -> None:
        package = modules_and_names[0].partition(".")[0]
        pytest.importorskip(package, reason=f"{package} is not installed")
        for path in modules_and_names:
            module_name, _, name = path.partition(":")
            owner: Any = importlib.import_module(module_name)
            if "." in name:
                class_name, _, name = name.partition(".")
                owner = getattr(owner, class_name)
            # Set to what it is, so that it is set to that again in the end.
            monkeypatch.setattr(owner, name, getattr(owner, name))
        (found,) = [
            (line, block) for line, block, _ in blocks_of(RECIPES) if f" {package}." in block
        ]
        line, block = found
        exec(compile("\n" * (line - 1) + block, str(RECIPES), "exec"), {"__name__": "recipe"})

    return run


async def pieces(body: bytes) -> AsyncIterator[bytes]:
    for piece in cut(body, seed=3):
        yield piece


def test_every_recipe_is_executed_here() -> None:
    assert len(blocks_of(RECIPES)) == 6


# MCP.


@contextlib.contextmanager
def mcp_server() -> Iterator[str]:
    """A server with one tool, which notifies its client while it works."""
    import uvicorn
    from mcp.server.mcpserver import Context, MCPServer

    async def tide(port: str, context: Any) -> str:
        await context.report_progress(1, 2, "looking\u2028it up")
        return f"high\u2028water in {port}"

    # Where the package looks for them, not in this function.
    tide.__annotations__ = {"port": str, "context": Context, "return": str}
    server = MCPServer("tides")
    server.tool()(tide)

    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        app = server.streamable_http_app()
        # Its default is a loop of a package that warns of its own age.
        config = uvicorn.Config(app, log_level="error", ws="none", lifespan="on")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
        thread.start()
        while not running.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/mcp"
        finally:
            running.should_exit = True
            thread.join()


def test_mcp_reads_a_tools_progress_and_result(execute, monkeypatch) -> None:
    execute("mcp.client.streamable_http:EventSource", "httpx2:EventSource")
    from mcp.client import Client

    import sseparse.http

    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    sources = []
    begin = sseparse.http.EventSource.__init__

    def count(self: Any, *args: Any, **options: Any) -> None:
        sources.append(self)
        begin(self, *args, **options)

    monkeypatch.setattr(sseparse.http.EventSource, "__init__", count)
    progress = []

    async def note(done: float, total: float | None, message: str | None) -> None:
        progress.append((done, total, message))

    async def main(url: str) -> Any:
        async with Client(url) as client:
            return await client.call_tool("tide", {"port": "Kiel"}, progress_callback=note)

    with mcp_server() as url:
        result = asyncio.run(main(url))
    assert result.content[0].text == "high\u2028water in Kiel"
    assert progress == [(1, 2, "looking\u2028it up")]
    assert sources


def test_mcp_is_told_of_an_event_that_is_too_large(execute) -> None:
    execute("mcp.client.streamable_http:EventSource", "httpx2:EventSource")
    import httpx2

    async def main() -> None:
        headers = {"content-type": "text/event-stream"}
        response = httpx2.Response(200, headers=headers, stream=Body())
        with pytest.raises(httpx2.SSEError, match="max_event_size"):
            async for _ in httpx2.EventSource(response, max_event_size=10):
                pass

    class Body(httpx2.AsyncByteStream):
        async def __aiter__(self) -> AsyncIterator[bytes]:
            yield b"data: more than that\n\n"

    asyncio.run(main())


# Benchmark clients.


@pytest.mark.parametrize("body", [BODY, CRLF], ids=["lf", "crlf"])
@pytest.mark.filterwarnings("default")  # of a package that is not ours
def test_vllm_measures_a_stream(execute, body: bytes) -> None:
    execute("vllm.benchmarks.lib.endpoint_request_func:StreamedResponseHandler")
    import aiohttp
    from vllm.benchmarks.lib import endpoint_request_func as client

    async def main(url: str) -> Any:
        async with aiohttp.ClientSession() as session:
            given = client.RequestFuncInput(
                prompt="?", api_url=f"{url}/chat/completions", prompt_len=1, output_len=3, model="m"
            )
            return await client.async_request_openai_chat_completions(given, session)

    with replay(body) as url:
        output = asyncio.run(main(url))
    assert output.error == ""
    assert output.success
    assert output.generated_text == "Sea\u2028green"
    assert (output.output_tokens, len(output.itl)) == (3, 2)


@pytest.mark.filterwarnings("default")
def test_aiperf_reads_a_stream_and_tells_of_an_error(execute) -> None:
    execute("aiperf.transports.aiohttp_client:AsyncSSEStreamReader")
    from aiperf.common.exceptions import SSEResponseError
    from aiperf.transports.aiohttp_client import AsyncSSEStreamReader

    for body in (BODY, CRLF, BODY[:-2]):
        messages = asyncio.run(AsyncSSEStreamReader(pieces(body)).read_complete_stream())
        assert len(messages) == 5
        assert messages[1].get_json()["choices"][0]["delta"]["content"] == "\u2028"
        assert messages[-1].get_text() == "[DONE]"
        assert all(message.perf_ns for message in messages)
    with pytest.raises(SSEResponseError, match="engine lost"):
        asyncio.run(AsyncSSEStreamReader(pieces(DYNAMO)).read_complete_stream())


@pytest.mark.parametrize("body", [BODY, CRLF], ids=["lf", "crlf"])
@pytest.mark.filterwarnings("default")
def test_guidellm_reads_a_token_with_a_line_separator(execute, body: bytes) -> None:
    execute("guidellm.backends.openai.http:OpenAIHTTPBackend._aiter_lines")
    import httpx
    from guidellm.backends.openai.http import OpenAIHTTPBackend

    class Body(httpx.AsyncByteStream):
        def __aiter__(self) -> AsyncIterator[bytes]:
            return pieces(body)

    async def main() -> list[str]:
        response = httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Body())
        backend = object.__new__(OpenAIHTTPBackend)
        return [line async for line in backend._aiter_lines(response)]

    lines = asyncio.run(main())
    assert lines[-1] == "data: [DONE]"
    texts = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
    assert "".join(text["choices"][0]["delta"]["content"] for text in texts) == "Sea\u2028green"


# OpenTelemetry.


@pytest.fixture
def traced() -> Any:
    """The recipe's ``ask``, and a function that gives the spans that it has made."""
    pytest.importorskip("opentelemetry.sdk.trace", reason="opentelemetry-sdk is not installed")
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    names: dict[str, Any] = {"__name__": "recipe"}
    for line, block, _ in blocks_of(RECIPES):
        if "opentelemetry" in block:
            exec(compile("\n" * (line - 1) + block, str(RECIPES), "exec"), names)
    names["get_tracer"] = provider.get_tracer
    return SimpleNamespace(
        ask=names["ask"], spans=exporter.get_finished_spans, ERROR=trace.StatusCode.ERROR
    )


@pytest.mark.parametrize(("kind", "body"), BODIES.items(), ids=BODIES)
def test_a_span_says_of_every_api_what_came(traced: Any, kind: str, body: bytes) -> None:
    assert traced.ask(cut(body, seed=3), "m") == "Hi you"
    (span,) = traced.spans()
    reason = "stop" if kind == "completions" else "tool_calls"
    assert span.attributes["gen_ai.response.finish_reasons"] == (reason,)
    assert span.attributes["gen_ai.response.id"]
    assert span.attributes["gen_ai.response.time_to_first_chunk"] > 0
    assert span.status.status_code != traced.ERROR


def test_a_span_has_the_tokens(traced: Any) -> None:
    usage = {"input_tokens": 9, "cache_read_input_tokens": 40, "cache_creation_input_tokens": 1}
    started = {"type": "message_start", "message": {"usage": usage}}
    ended = {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}
    traced.ask([sse(started, {**ended, "usage": {"output_tokens": 7}})], "m")
    (span,) = traced.spans()
    found = {name: value for name, value in span.attributes.items() if ".usage." in name}
    assert found == {
        "gen_ai.usage.input_tokens": 50,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.usage.cache_read.input_tokens": 40,
        "gen_ai.usage.cache_creation.input_tokens": 1,
        "gen_ai.usage.reasoning.output_tokens": 0,
    }


def test_the_names_in_a_span_are_those_of_the_conventions(traced: Any) -> None:
    from opentelemetry.semconv._incubating.attributes import gen_ai_attributes

    traced.ask([sse(chunk({"content": "Hi"}), {"usage": {"prompt_tokens": 2}}) + DONE], "m")
    (span,) = traced.spans()
    assert len(span.attributes) >= 8
    names = {value for value in vars(gen_ai_attributes).values() if isinstance(value, str)}
    assert set(span.attributes) <= names


def test_a_span_says_that_an_answer_is_not_whole(traced: Any) -> None:
    assert traced.ask([sse(chunk({"content": "Hi"}))], "m") == "Hi"
    with pytest.raises(APIError):
        traced.ask([sse(chunk({"content": "Hi"}), {"error": {"message": "overloaded"}})], "m")
    assert [span.status.status_code for span in traced.spans()] == [traced.ERROR] * 2
    assert "overloaded" in traced.spans()[1].status.description
