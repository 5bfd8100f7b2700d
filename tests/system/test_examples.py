"""The examples do what they say: each is run as its reader would run it."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from chat_streams import DONE, chunk, sse

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(EXAMPLES))

from demo_server import TEXT, DemoServer, split_tokens  # noqa: E402

PATIENCE = 60  # seconds, for what should take one
TOKENS = len(split_tokens(TEXT))
# A proxy of the environment has no business on loopback.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "NO_PROXY": "*"}
MISSING = [
    name for name in ("dask", "distributed", "pyarrow") if importlib.util.find_spec(name) is None
]


@contextlib.contextmanager
def serve(server_class: type[DemoServer] = DemoServer, **options: Any) -> Iterator[DemoServer]:
    with server_class(**options) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def run(name: str, *arguments: object) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of an example."""
    result = subprocess.run(
        [sys.executable, EXAMPLES / name, *map(str, arguments)],
        capture_output=True,
        encoding="utf-8",
        env=ENVIRONMENT,
        timeout=PATIENCE,
    )
    return result.returncode, result.stdout, result.stderr


def test_every_example_is_short_says_how_to_run_it_and_is_run_here_and_in_the_index():
    tests = Path(__file__).read_text()
    index = (EXAMPLES / "README.md").read_text()
    names = {path.name for path in EXAMPLES.glob("*.py")} - {"demo.py", "demo_server.py"}
    assert names
    for name in names:
        source = (EXAMPLES / name).read_text()
        assert len(source.splitlines()) < 40, name
        docstring = source.split('"""')[1]
        assert re.search(rf"python examples/{name}|uvicorn .* {name[:-3]}:app", docstring), name
        assert f'("{name}"' in tests or f'"{name[:-3]}:app"' in tests, name
        assert f"]({name})" in index, name


def test_with_httpx_prints_the_text_and_the_completion():
    with serve() as server:
        status, output, errors = run("with_httpx.py", server.url)
    assert (status, errors) == (0, "")
    assert output.startswith(TEXT)
    assert "finish reason: stop" in output
    assert f"completion_tokens={TOKENS}" in output


def test_with_requests_prints_the_text():
    with serve() as server:
        status, output, errors = run("with_requests.py", server.url)
    assert (status, errors) == (0, "")
    assert output.startswith(TEXT)
    assert "finish reason: stop" in output


def test_with_requests_says_that_a_dropped_answer_is_not_whole():
    with serve(drop_after=30_000) as server:
        status, output, errors = run("with_requests.py", server.url)
    assert status == 1
    assert len(output) > 100
    assert TEXT.startswith(output)
    assert "The answer is not whole" in errors
    assert "Traceback" not in errors


def test_with_requests_says_what_came_instead_of_a_stream():
    with serve() as server:
        status, output, errors = run("with_requests.py", server.url + "/nothing")
    assert (status, output) == (1, "")
    assert "status 404" in errors
    assert "Traceback" not in errors


def test_with_openai_prints_the_text_and_the_completion():
    with serve() as server:
        base_url = server.url.removesuffix("/chat/completions")
        status, output, errors = run("with_openai.py", base_url)
    assert (status, errors) == (0, "")
    assert output.startswith(TEXT)
    assert "finish reason: stop" in output
    assert f"completion_tokens={TOKENS}" in output


def test_the_agent_runs_the_tools_and_gives_the_answer():
    with serve() as server:
        status, output, errors = run("agent.py", server.url)
    assert (status, errors) == (0, "")
    calls = 'measuring {"river": "Rhine"}\nmeasuring {"river": "Elbe"}\n'
    assert output == f"{calls}{TEXT}\n"


def test_the_agent_starts_a_tool_while_the_model_goes_on():
    # The connection breaks off within the second call.
    with serve(drop_after=4000) as server:
        status, output, errors = run("agent.py", server.url)
    assert status == 1
    assert output == 'measuring {"river": "Rhine"}\n'
    assert errors.rstrip()


class AllAtOnce(DemoServer):
    """Answers nobody before everybody has asked."""

    everybody = threading.Barrier(200)

    def finish_request(self, *args: Any) -> None:
        self.everybody.wait(PATIENCE)
        super().finish_request(*args)


def test_with_aiohttp_has_200_streams_at_the_same_time():
    with serve(AllAtOnce) as server:
        status, output, errors = run("with_aiohttp.py", server.url)
    assert (status, errors) == (0, "")
    assert f"200 of 200 streams whole, {200 * len(TEXT):,} characters" in output


def test_with_aiohttp_tells_failures():
    with serve(drop_after=2000) as server:
        status, output, errors = run("with_aiohttp.py", server.url)
    assert status == 1
    assert "0 of 200 streams whole, 0 characters" in output
    assert errors.startswith("The first failure: ")


def test_load_generator_prints_percentiles_in_order():
    with serve() as server:
        status, output, errors = run("load_generator.py", server.url)
    assert (status, errors) == (0, "")
    rows = re.findall(r"^(.+): median ([\d.]+) ms, p90 ([\d.]+) ms, p99 ([\d.]+) ms$", output, re.M)
    assert [name for name, *_ in rows] == ["time to first token", "inter-token latency"]
    for _, *percentiles in rows:
        assert sorted(map(float, percentiles)) == [*map(float, percentiles)]


@contextlib.contextmanager
def gateway_to(server: DemoServer) -> Iterator[tuple[str, subprocess.Popen]]:
    """The gateway, in front of the server: its URL and its process."""
    command = [sys.executable, "-m", "uvicorn", "--app-dir", EXAMPLES, "gateway:app", "--port", "0"]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=ENVIRONMENT | {"UPSTREAM": server.url},
    ) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if found := re.search(r"running on (http://\S+)", line):
                    break
            else:
                raise AssertionError("the gateway has not started")
            yield f"{found[1]}/v1/chat/completions", process
        finally:
            process.kill()


def report_of(process: subprocess.Popen) -> str:
    """What the gateway says of a stream, between the server's log of requests."""
    assert process.stdout is not None
    return next(line for line in process.stdout if line.startswith("whole="))


def test_gateway_relays_every_byte_and_says_that_the_stream_was_whole():
    with serve() as server, gateway_to(server) as (url, process):
        response = httpx2.post(url, json={}, trust_env=False, timeout=PATIENCE)
        assert response.content == server.body
        assert response.headers["content-type"].startswith("text/event-stream")
        report = report_of(process)
    assert report.startswith("whole=True, ")
    assert f"completion_tokens={TOKENS}" in report


def test_gateway_relays_a_drop_as_a_drop_and_says_that_the_stream_was_truncated():
    with serve(drop_after=30_000) as server, gateway_to(server) as (url, process):
        received = []
        with (
            httpx2.stream("POST", url, json={}, trust_env=False, timeout=PATIENCE) as response,
            contextlib.suppress(httpx2.RemoteProtocolError),
        ):
            for data in response.iter_bytes():
                received.append(data)
            raise AssertionError("the client has not seen the drop")
        report = report_of(process)
    assert b"".join(received) == server.body[:30_000]
    assert report.startswith("whole=False, ")
    assert int(report.split()[1]) > 100


def test_gateway_notices_a_client_that_leaves():
    with serve(duration=20) as server, gateway_to(server) as (url, process):
        with httpx2.stream("POST", url, json={}, trust_env=False, timeout=PATIENCE) as response:
            next(response.iter_bytes())
        assert report_of(process).startswith("whole=False, ")


def test_gateway_relays_the_status_and_the_body_of_an_error():
    with serve() as server:
        server_url = server.url + "/nothing"
        with gateway_to(type("Elsewhere", (), {"url": server_url})()) as (url, process):
            response = httpx2.post(url, json={}, trust_env=False, timeout=PATIENCE)
            report = report_of(process)
    assert response.status_code == 404
    assert "Not Found" in response.text
    assert report.startswith("whole=False, 0 chunks")


@pytest.mark.skipif(
    bool(MISSING), reason=f"archive.py needs {', '.join(MISSING)}: the group 'examples'"
)
def test_archive_has_a_row_for_each_stream(tmp_path):
    from pyarrow import parquet

    call = {"index": 0, "id": "call_1", "function": {"name": "look", "arguments": '{"at": 1}'}}
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    end = chunk(finish_reason="stop", usage=usage)
    streams = {
        "calls.sse": sse(chunk({"tool_calls": [call]}), chunk(finish_reason="tool_calls")) + DONE,
        "error.sse": sse(chunk({"content": "Hel"}), {"error": {"message": "overloaded"}}),
        "truncated.sse": sse(chunk({"content": "Hel"}), chunk({"content": "lo"}))[:-20],
        "whole.sse": sse(chunk({"content": "Hé"}), chunk({"content": "llo"}), end) + DONE,
    }
    for name, body in streams.items():
        (tmp_path / name).write_bytes(body)
    status, output, _ = run("archive.py", tmp_path, tmp_path / "all.parquet")
    assert status == 0
    assert "4 streams, 2 of them truncated" in output

    rows = parquet.read_table(tmp_path / "all.parquet").to_pylist()
    calls, error, truncated, whole = sorted(rows, key=lambda row: row["file"])
    function = {"name": "look", "arguments": '{"at": 1}'}
    assert calls["tool_calls"] == [{"id": "call_1", "function": function}]
    assert (error["content"], error["error"], error["truncated"]) == ("Hel", "overloaded", True)
    assert (truncated["content"], truncated["truncated"]) == ("Hel", True)
    assert whole == {
        "file": "whole.sse",
        "model": "gpt-4o-mini",
        "content": "Héllo",
        "tool_calls": None,
        "usage": {"prompt_tokens": 3, "completion_tokens": 2},
        "truncated": False,
        "error": None,
    }
