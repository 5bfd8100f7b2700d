"""The demo: real HTTP, real sockets, writes that end anywhere."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2
import pytest
from background import running

import sseparse
from sseparse.anthropic import MessageStream
from sseparse.google import GenerateContentStream
from sseparse.openai import ChatStream, CompletionStream, ResponseStream

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "examples"))

import demo  # noqa: E402
from demo_answers import MODEL, TEXT  # noqa: E402
from demo_server import DemoServer  # noqa: E402

PATIENCE = 30  # seconds, for what should take one
seeds = pytest.mark.parametrize("seed", range(5))


def serve(**options: int) -> AbstractContextManager[DemoServer]:
    return running(DemoServer(**options))


def read_all(server: DemoServer) -> tuple[bytes, bool]:
    """The body as the standard library's client reads it, and whether it came to its end."""
    with contextlib.closing(
        http.client.HTTPConnection(*server.server_address, timeout=PATIENCE)
    ) as connection:
        connection.request("GET", "/v1/chat/completions")
        response = connection.getresponse()
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        try:
            return response.read(), True
        except http.client.IncompleteRead as error:
            return error.partial, False


def stream_from(server: DemoServer):
    return httpx2.stream("POST", server.url, json={}, trust_env=False, timeout=PATIENCE)


# The server


@seeds
def test_writes_are_cut_inside_lines_characters_and_crlfs(seed):
    with DemoServer(seed=seed) as server:
        assert b"".join(server.pieces) == server.body
        before_and_behind = list(itertools.pairwise(server.pieces))
    assert any(before[-1:] not in b"\r\n" for before, _ in before_and_behind)
    assert any(behind[0] & 0xC0 == 0x80 for _, behind in before_and_behind)
    assert any(before[-1:] == b"\r" and behind[0] == 0x0A for before, behind in before_and_behind)


def test_stream_mixes_line_ends_and_has_comments():
    with DemoServer() as server:
        assert b"}\n\n" in server.body
        assert b"}\r\n\r\n" in server.body
        assert b": keep-alive" in server.body


@seeds
def test_events_over_http_are_a_few_hundred_and_make_the_text(seed):
    with serve(seed=seed) as server:
        body, is_whole = read_all(server)
    assert is_whole
    *events, last = sseparse.iter_events([body])
    assert last.data == "[DONE]"
    assert 300 <= len(events) <= 600
    contents = [
        choice["delta"].get("content", "") for event in events for choice in event.json()["choices"]
    ]
    assert "".join(contents) == TEXT


@seeds
def test_chat_stream_over_http_gives_the_text_and_the_completion(seed):
    with serve(seed=seed) as server, stream_from(server) as response:
        stream = ChatStream(response.iter_bytes(), require_done=True)
        text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    completion = stream.get_final_completion()
    assert text == TEXT
    assert stream.done
    assert completion.choices[0].message.content == TEXT
    assert completion.model == MODEL
    assert completion.usage.completion_tokens > 300


@pytest.mark.parametrize(
    ("path", "stream_class"),
    {
        "completions": CompletionStream,
        "responses": ResponseStream,
        "messages": MessageStream,
        "models/river-1:streamGenerateContent?alt=sse": GenerateContentStream,
    }.items(),
)
def test_every_other_api_has_the_text_at_its_path(path, stream_class):
    with serve() as server:
        url = f"{server.base_url}/{path}"
        with httpx2.stream("POST", url, json={}, trust_env=False, timeout=PATIENCE) as response:
            stream = stream_class(response)
            assert "".join(stream.iter_text()) == TEXT
    assert not stream.truncated
    assert stream.usage is not None


def test_dropped_connection_is_truncated_behind_what_came():
    with serve(drop_after=30_000) as server, stream_from(server) as response:
        stream = ChatStream(response.iter_bytes())
        text = ""
        try:
            for chunk in stream:
                text += chunk.choices[0].delta.content or ""
        except httpx2.RemoteProtocolError as error:
            drop = error
    assert "incomplete" in str(drop)
    assert len(text) > 100
    assert TEXT.startswith(text)
    assert stream.truncated
    assert stream.current_completion_snapshot.choices[0].message.content == text


def test_dropped_connection_behind_a_pipe_is_truncated():
    # curl reports the drop to nobody: what reads its output sees an end like any other.
    with serve(drop_after=30_000) as server:
        body, is_whole = read_all(server)
    assert not is_whole
    assert body == server.body[:30_000]
    result = subprocess.run(
        [sys.executable, "-m", "sseparse", "chat"],
        input=body,
        capture_output=True,
        cwd=ROOT,
        timeout=PATIENCE,
    )
    text = result.stdout.decode().rstrip("\n")
    assert len(text) > 100
    assert TEXT.startswith(text)
    assert result.returncode == 1
    assert b"truncated" in result.stderr


def test_client_that_leaves_early_does_not_trouble_the_server(capfd):
    with serve() as server:
        with stream_from(server) as response:
            next(response.iter_bytes())
        assert read_all(server)[1]
    assert capfd.readouterr() == ("", "")


def test_another_path_is_not_found():
    with serve() as server:
        response = httpx2.post(server.url + "s", json={}, trust_env=False)
    assert response.status_code == 404


# The demo itself


def run_demo(**environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, ROOT / "examples" / "demo.py"],
        capture_output=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
        timeout=PATIENCE,
    )


def test_demo_prints_the_text_and_the_completion():
    result = run_demo()
    assert (result.returncode, result.stderr) == (0, b"")
    output = result.stdout.decode()
    assert TEXT in output
    assert '"chat.completion"' in output
    assert "exactly what the server meant to send" in output


def test_demo_has_no_colours_off_a_terminal():
    assert b"\x1b" not in run_demo(TERM="xterm-256color").stdout


@pytest.mark.parametrize(
    ("environment", "is_coloured"),
    [({"NO_COLOR": ""}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_demo_on_a_terminal_is_live_and_ends_quietly_at_ctrl_c(environment, is_coloured):
    terminal, inner_end = os.openpty()
    process = subprocess.Popen(
        [sys.executable, ROOT / "examples" / "demo.py"],
        stdout=inner_end,
        stderr=inner_end,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TERM": "xterm", "NO_COLOR": ""} | environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    os.close(inner_end)
    seen = b""
    while b"A river does" not in seen:
        readable, _, _ = select.select([terminal], [], [], PATIENCE)
        assert readable
        seen += os.read(terminal, 1024)
    assert b"exactly what" not in seen
    process.send_signal(signal.SIGINT)
    # The other end is closed with the process: an end on some systems, an error on others.
    with contextlib.suppress(OSError):
        while piece := os.read(terminal, 1024):
            seen += piece
    os.close(terminal)
    assert process.wait(PATIENCE) == 130
    assert b"Traceback" not in seen
    assert (b"\x1b[2m" in seen) == is_coloured


def test_demo_needs_no_utf8_locale():
    result = run_demo(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="")
    assert (result.returncode, result.stderr) == (0, b"")
    assert TEXT in result.stdout.decode()


def test_demo_fails_where_the_text_is_not_what_was_meant(monkeypatch, capsys):
    monkeypatch.setattr(demo, "TEXT", TEXT.replace("🌊", "?"))
    with serve() as server:
        assert demo.stream_from(server) == 1
    assert "NOT" in capsys.readouterr().err
