"""The examples do what they say: each is run as its reader would run it."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib.util
import json
import os
import re
import socket
import socketserver
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest
from background import running
from chat_streams import DONE, chunk, sse
from llm_streams import BODIES

from sseparse import Parser, llm
from sseparse.openai import APIError, ChatStream

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from contextlib import AbstractContextManager

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
sys.path.insert(0, str(EXAMPLES))

from demo_answers import TEXT, split_tokens  # noqa: E402
from demo_server import DemoServer  # noqa: E402

PATIENCE = 60  # seconds, for what should take one
TOKENS = len(split_tokens(TEXT))
# A proxy of the environment has no business on loopback.
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", "NO_PROXY": "*"}
MISSING = [
    name for name in ("dask", "distributed", "pyarrow") if importlib.util.find_spec(name) is None
]


def serve(
    server_class: type[DemoServer] = DemoServer, **options: Any
) -> AbstractContextManager[DemoServer]:
    return running(server_class(**options))


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
    names = {path.name for path in EXAMPLES.glob("*.py") if not path.name.startswith("demo")}
    assert names
    for name in names:
        source = (EXAMPLES / name).read_text()
        assert len(source.splitlines()) < (190 if name == "gateway.py" else 45), name
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


# How the path of each API goes on.
PATHS = {
    "chat": "/v1/chat/completions",
    "completions": "/v1/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "gemini": "/v1beta/models/river-1:streamGenerateContent?alt=sse",
}


def test_load_generator_measures_every_api_in_percentiles_in_order():
    with serve() as server:
        host = server.base_url.removesuffix("/v1")
        status, output, errors = run("load_generator.py", *(host + path for path in PATHS.values()))
    assert (status, errors) == (0, "")
    counts = re.findall(r"^50 streams \((\w+)\), (\d+) tokens$", output, re.M)
    assert counts == [(kind, str(50 * TOKENS)) for kind in PATHS]
    rows = re.findall(r"^(.+): median ([\d.]+) ms, p90 ([\d.]+) ms, p99 ([\d.]+) ms$", output, re.M)
    assert [name for name, *_ in rows] == ["time to first token", "inter-token latency"] * 5
    for _, *percentiles in rows:
        assert sorted(map(float, percentiles)) == [*map(float, percentiles)]


def test_load_generator_takes_no_part_of_an_answer_for_one():
    with serve(drop_after=9000) as server:
        status, _, errors = run("load_generator.py", server.url)
    assert status == 1
    assert errors.rstrip()


class Answering(DemoServer):
    """Answers with a body of the test's, in pieces of the test's; None is a silence."""

    def __init__(self, pieces: Iterable[bytes | None] = (), is_dropping: bool = False) -> None:
        super().__init__()
        self.answer = list(pieces)
        self.body = b"".join(filter(None, self.answer))
        self.is_dropping = is_dropping
        self.has_lost_its_client = threading.Event()
        self.RequestHandlerClass = _AnsweringHandler

    def pieces_for(self, path: str) -> list[bytes | None]:
        return self.answer


class _AnsweringHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        server = self.server
        assert isinstance(server, Answering)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.close_connection = server.is_dropping
        try:
            for piece in server.pieces_for(self.path):
                if piece is None:
                    time.sleep(SILENCE)
                else:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if not server.is_dropping:
                self.wfile.write(b"0\r\n\r\n")
        except ConnectionError:
            server.has_lost_its_client.set()
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Keep the terminal for the tests."""


class AnsweringAllAtOnce(AllAtOnce, Answering):
    """Answers everybody in the words of the API that is asked."""

    everybody = threading.Barrier(200)

    def pieces_for(self, path: str) -> list[bytes | None]:
        (body,) = [BODIES[kind] for kind in PATHS if PATHS[kind] == path]
        return [body[i : i + 31] for i in range(0, len(body), 31)]


SILENCE = 0.6  # seconds; the gateway of the tests keeps alive after a sixth of that


class Upstream(socketserver.ThreadingTCPServer):
    """Where the gateways have their answers from: whichever server a test has at the time."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.connections: list[socket.socket] = []

    def finish_request(self, request: Any, client_address: Any) -> None:
        self.connections.append(request)
        self.server.finish_request(request, client_address)

    @contextlib.contextmanager
    def being(self, server: DemoServer) -> Iterator[None]:
        self.server = server
        try:
            yield
        finally:
            # A gateway that keeps them would go on asking this server.
            for connection in self.connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            self.connections.clear()


GATEWAYS: dict[frozenset[tuple[str, str]], tuple[subprocess.Popen, str]] = {}


@functools.cache
def upstream() -> Upstream:
    """It runs from the first test that has a gateway."""
    server = Upstream()
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    return server


@pytest.fixture(scope="module", autouse=True)
def _gateways() -> Iterator[None]:
    """Keep the gateways that tests start for those after them, until the last."""
    yield
    for key in [*GATEWAYS]:
        end_gateway(key)
    if upstream.cache_info().currsize:
        upstream().shutdown()
        upstream().server_close()
        upstream.cache_clear()


def end_gateway(key: frozenset[tuple[str, str]]) -> None:
    with GATEWAYS.pop(key)[0] as process:
        process.kill()


def start_gateway(environment: dict[str, str]) -> tuple[subprocess.Popen, str]:
    """Its process, and its URL."""
    command = [sys.executable, "-m", "uvicorn", "--app-dir", EXAMPLES, "gateway:app", "--port", "0"]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        env=ENVIRONMENT | environment,
    )
    assert process.stderr is not None
    with killing_late(process):
        for line in process.stderr:
            if found := re.search(r"running on (http://\S+)", line):
                return process, found[1]
    raise AssertionError("the gateway has not started")


@contextlib.contextmanager
def killing_late(process: subprocess.Popen) -> Iterator[None]:
    """What waits for a word of it must not wait for ever."""
    guard = threading.Timer(PATIENCE, process.kill)
    guard.start()
    try:
        yield
    finally:
        guard.cancel()


@contextlib.contextmanager
def gateway(path: str, **environment: str) -> Iterator[tuple[str, subprocess.Popen]]:
    """A gateway with this environment: the URL of an API there, and its process."""
    key = frozenset(environment.items())
    process, url = GATEWAYS.get(key) or GATEWAYS.setdefault(key, start_gateway(environment))
    try:
        with killing_late(process):
            yield f"{url}{path}", process
    except BaseException:
        end_gateway(key)  # whatever it is about to say is none of the next test's
        raise


@contextlib.contextmanager
def gateway_to(
    server: DemoServer, path: str = "/v1/chat/completions", **environment: str
) -> Iterator[tuple[str, subprocess.Popen]]:
    """The same in front of the server."""
    url = f"http://127.0.0.1:{upstream().server_address[1]}"
    with upstream().being(server), gateway(path, UPSTREAM=url, **environment) as found:
        yield found


def report_of(process: subprocess.Popen) -> str:
    """What the gateway says of a stream, between the server's log of requests."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("whole="):
            return line
    raise AssertionError("the gateway says nothing of the stream")


def post(url: str) -> httpx2.Response:
    return httpx2.post(url, json={}, trust_env=False, timeout=PATIENCE)


def relayed(server: Any, *path: str, **environment: str) -> tuple[bytes, str]:
    """What the gateway makes of an answer, and what it says of it."""
    with gateway_to(server, *path, **environment) as (url, process):
        response = post(url)
        assert response.status_code == 200, response.text
        return response.content, report_of(process)


def payloads_in(body: bytes) -> list[bytes]:
    return [event.data_bytes for event in Parser().feed(body)]


SAID = [chunk({"content": word}, system_fingerprint="fp", usage=None) for word in ("He", "y")]
ENDING = chunk({}, finish_reason="stop", usage={"prompt_tokens": 1, "completion_tokens": 2})
# Of every kind: comments, other fields, events without data, other line ends.
MIXED = b": first\n\nid: 7\nretry: 5\n\nevent: ping\r\ndata: pong\r\n\r\n"
MIXED += sse(*SAID, ENDING) + DONE


def test_gateway_relays_every_byte_and_says_that_the_stream_was_whole():
    with serve() as server, gateway_to(server) as (url, process):
        response = post(url)
        assert response.content == server.body
        assert response.headers["content-type"].startswith("text/event-stream")
        report = report_of(process)
    assert report == f"whole=True, chat, {TOKENS + 3} events, stop, 21 + {TOKENS} tokens\n"


def test_gateway_relays_what_is_no_event_as_well():
    with serve(Answering, pieces=[MIXED[i : i + 7] for i in range(0, len(MIXED), 7)]) as server:
        body, report = relayed(server)
    assert body == MIXED
    assert report == "whole=True, chat, 3 events, stop, 1 + 2 tokens\n"


@pytest.mark.parametrize("end", [len(MIXED) - 2, len(MIXED) - len(DONE) - 2], ids=["DONE", "stop"])
def test_gateway_relays_a_last_event_without_its_blank_line(end):
    with serve(Answering, pieces=[MIXED[:end]]) as server:
        body, report = relayed(server)
    assert body == MIXED[:end]
    assert report.startswith("whole=True, chat, 3 events")


def test_gateway_changes_the_model_drops_a_key_and_adds_an_event_before_the_end():
    with serve(Answering, pieces=[MIXED[:200], MIXED[200:]]) as server:
        body, report = relayed(server, PUBLIC_MODEL="public-name")
    ping, *chunks, notice, done = payloads_in(body)
    expected = [{**payload, "model": "public-name"} for payload in (*SAID, ENDING)]
    for payload in expected:
        payload.pop("system_fingerprint", None)
    assert ping == b"pong"
    assert [list(json.loads(payload).items()) for payload in chunks] == [
        list(payload.items()) for payload in expected
    ]
    assert json.loads(notice)["gateway"].startswith("whole=True, chat, 3 events, stop, ")
    assert b"id: 7\nretry: 5\n\n" in body
    assert done == b"[DONE]"
    stream = ChatStream([body])
    assert "".join(stream.iter_text()) == "Hey"
    assert not stream.truncated
    assert report.startswith("whole=True, chat, 3 events, stop, ")


def test_gateway_writes_half_a_character_that_came():
    with serve(Answering, pieces=[sse(chunk({"content": "\ud83d"})) + DONE]) as server:
        body, _ = relayed(server, PUBLIC_MODEL="public-name")
    assert json.loads(payloads_in(body)[0])["choices"][0]["delta"]["content"] == "\ud83d"


@pytest.mark.parametrize("changes", [{}, {"PUBLIC_MODEL": "public-name"}])
def test_gateway_keeps_silent_streams_alive_between_events_only(changes):
    body = sse(*SAID, ENDING) + DONE
    middle = len(sse(SAID[0])) + 20
    pieces = [None, body[:middle], None, body[middle:]]
    with serve(Answering, pieces=pieces) as server:
        received, report = relayed(server, KEEP_ALIVE=str(SILENCE / 6), **changes)
    comments: list[str] = []
    texts = Parser(on_comment=comments.append).feed(received)
    assert len(comments) >= 4
    assert set(comments) == {"waiting for the model"}
    assert "".join(ChatStream([received]).iter_text()) == "Hey"
    assert len(texts) == (5 if changes else 4)
    assert report.startswith("whole=True, chat, 3 events")


@pytest.mark.parametrize("changes", [{}, {"PUBLIC_MODEL": "public-name"}])
@pytest.mark.parametrize(
    ("is_dropping", "said"),
    [(True, "RemoteProtocolError"), (False, "EOFError")],
    ids=["failed", "truncated"],
)
def test_gateway_says_that_an_answer_is_not_whole_as_the_api_does(is_dropping, said, changes):
    body = sse(*SAID)
    with serve(Answering, pieces=[body[:-10]], is_dropping=is_dropping) as server:
        received, report = relayed(server, **changes)
    stream = ChatStream([received])
    texts = stream.iter_text()
    assert next(texts) == "He"
    with pytest.raises(APIError) as raised:
        next(texts)
    assert raised.value.type == "upstream_error"
    assert raised.value.message.startswith(f"{said}: ")
    assert payloads_in(received)[2:] == [b"[DONE]"]
    assert report.startswith("whole=False, chat, 1 events, None, no usage")


@pytest.mark.parametrize("changes", [{}, {"PUBLIC_MODEL": "public-name"}])
def test_gateway_takes_an_answer_for_whole_that_lacks_half_of_an_event_behind_it(changes):
    usage = sse({**ENDING, "choices": []})
    with serve(Answering, pieces=[sse(*SAID, ENDING), usage[:-10]]) as server:
        received, report = relayed(server, **changes)
    stream = ChatStream([received])
    assert "".join(stream.iter_text()) == "Hey"
    assert not stream.truncated
    assert report.startswith("whole=True, chat, 3 events, stop, ")


@pytest.mark.parametrize("changes", [{}, {"PUBLIC_MODEL": "public-name"}])
def test_gateway_relays_a_last_event_that_lacks_a_line_feed_and_says_that_more_is_lacking(changes):
    body = sse(*SAID).replace(b"\n", b"\r\n").removesuffix(b"\n")
    with serve(Answering, pieces=[body]) as server:
        received, report = relayed(server, **changes)
    texts = ChatStream([received]).iter_text()
    assert [next(texts), next(texts)] == ["He", "y"]
    with pytest.raises(APIError, match="EOFError"):
        next(texts)
    assert report.startswith("whole=False, chat, 2 events")


@pytest.mark.parametrize("changes", [{}, {"PUBLIC_MODEL": "public-name"}])
def test_gateway_relays_an_error_that_lacks_a_line_feed_and_adds_none(changes):
    body = sse(SAID[0], {"error": {"message": "overloaded"}}).replace(b"\n", b"\r\n")
    with serve(Answering, pieces=[body.removesuffix(b"\n")]) as server:
        received, _ = relayed(server, **changes)
    assert len(payloads_in(received)) == 2
    assert b"overloaded" in received


@pytest.mark.parametrize("changes", [{}, {"PUBLIC_MODEL": "public-name"}])
def test_gateway_relays_an_error_of_the_server_and_adds_none(changes):
    body = sse({"error": {"message": "overloaded", "code": 529}})
    with serve(Answering, pieces=[sse(SAID[0]), body]) as server:
        received, report = relayed(server, **changes)
    assert received.endswith(body)
    assert len(payloads_in(received)) == 2
    assert report.startswith("whole=False, chat, 1 events")


def test_gateway_cancels_what_a_client_that_leaves_has_asked_for():
    pieces = [sse(SAID[0])] + [b": more\n\n", None] * 100
    with serve(Answering, pieces=pieces) as server, gateway_to(server) as (url, process):
        with httpx2.stream("POST", url, json={}, trust_env=False, timeout=PATIENCE) as response:
            next(response.iter_bytes())
        assert report_of(process).startswith("whole=False, chat, 1 events")
        assert server.has_lost_its_client.wait(PATIENCE)


def test_gateway_relays_the_status_and_the_body_of_an_error():
    with serve() as server:
        server.answers.clear()
        with gateway_to(server) as (url, _):
            response = post(url)
    assert response.status_code == 404
    assert "Not Found" in response.text


# The gateway and every API.


def relayed_of_each(server: DemoServer, **environment: str) -> Iterator[tuple[str, bytes, str]]:
    """Each API, what the gateway makes of its answer, and what it says of it."""
    with gateway_to(server, "", **environment) as (url, process):
        for kind, path in PATHS.items():
            yield kind, post(url + path).content, report_of(process)


def test_gateway_relays_every_api_and_records_it_in_the_same_words():
    with serve() as server:
        for kind, body, report in relayed_of_each(server):
            assert body == server.answers[server.find(PATHS[kind])][0]
            pattern = rf"whole=True, {kind}, \d+ events, stop, 21 \+ {TOKENS} tokens\n"
            assert re.fullmatch(pattern, report)


def test_gateway_renames_the_model_of_every_api_and_adds_an_event_before_the_end():
    with serve() as server:
        for kind, body, report in relayed_of_each(server, PUBLIC_MODEL="public-name"):
            notices = [payload for payload in payloads_in(body) if b'"gateway"' in payload]
            assert [json.loads(notice)["gateway"] + "\n" for notice in notices] == [report]
            stream = llm.Stream([body], require_done=True)
            assert "".join(stream.iter_text()) == TEXT
            assert (stream.kind, stream.model) == (kind, "public-name")
            assert b"river-1" not in body


@pytest.mark.parametrize("changes", [{}, {"PUBLIC_MODEL": "public-name"}])
def test_gateway_says_that_an_answer_is_not_whole_as_every_api_does(changes):
    with serve(drop_after=9000) as server:
        for kind, body, report in relayed_of_each(server, **changes):
            assert report.startswith(f"whole=False, {kind}, ")
            assert body.endswith(llm.DONE) == (kind in ("chat", "completions"))
            stream = llm.Stream([body])
            with pytest.raises(APIError) as raised:
                stream.until_done()
            assert raised.value.type == "upstream_error"
            assert (stream.kind, TEXT.startswith(stream.text)) == (kind, True)


def test_gateway_says_that_the_server_is_not_there_as_every_api_does():
    with gateway("", UPSTREAM="http://127.0.0.1:9") as (url, _):
        for path in PATHS.values():
            response = post(url + path)
            assert response.status_code == 502
            assert "ConnectError" in response.json()["error"]["message"]


def test_gateway_knows_no_other_paths():
    with serve() as server, gateway_to(server, "/v1/embeddings") as (url, _):
        assert post(url).status_code == 404


def test_gateway_relays_200_streams_of_all_apis_at_once_byte_for_byte():
    async def read_all(url: str) -> list[tuple[str, bytes]]:
        limits = httpx2.Limits(max_connections=None)
        async with httpx2.AsyncClient(
            trust_env=False, timeout=PATIENCE, limits=limits
        ) as everybody:
            kinds = [*PATHS] * 40
            responses = await asyncio.gather(
                *(everybody.post(url + PATHS[kind], json={}) for kind in kinds)
            )
        return [(kind, response.content) for kind, response in zip(kinds, responses, strict=True)]

    with serve(AnsweringAllAtOnce) as server, gateway_to(server, "") as (url, process):
        bodies = asyncio.run(read_all(url))
        reports = sorted(report_of(process) for _ in range(200))
    assert len(bodies) == 200
    assert [kind for kind, body in bodies if body != BODIES[kind]] == []
    assert [report.split(",")[:2] for report in reports[::40]] == [
        ["whole=True", f" {kind}"] for kind in sorted(PATHS)
    ]
    assert len(set(reports)) == 5


@pytest.mark.skipif(
    bool(MISSING), reason=f"archive.py needs {', '.join(MISSING)}: the group 'examples'"
)
def test_archive_has_a_row_of_one_schema_for_each_stream_of_any_api(tmp_path):
    from pyarrow import parquet

    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    end = chunk(finish_reason="stop", usage=usage)
    streams = {
        "error.sse": sse(chunk({"content": "Hel"}), {"error": {"message": "overloaded"}}),
        "strange.sse": sse({"weather": "fair"}),
        "truncated.sse": sse(chunk({"content": "Hel"}), chunk({"content": "lo"}))[:-20],
        "whole.sse": sse(chunk({"content": "Hé"}), chunk({"content": "llo"}), end) + DONE,
    }
    for name, body in streams.items():
        (tmp_path / name).write_bytes(body)
    for kind, body in BODIES.items():
        (tmp_path / f"{kind}.sse").write_bytes(body)
    status, output, _ = run("archive.py", tmp_path, tmp_path / "all.parquet")
    assert status == 0
    assert "9 streams, 3 of them not whole" in output

    table = parquet.read_table(tmp_path / "all.parquet").to_pylist()
    rows = {row.pop("file").removesuffix(".sse"): row for row in table}
    assert list(rows) == sorted(rows)
    for kind in BODIES:
        row = rows[kind]
        assert (row["kind"], row["text"], row["truncated"]) == (kind, "Hi you", False)
        calls = [(call["name"], json.loads(call["arguments"])) for call in row["tool_calls"]]
        assert calls == ([] if kind == "completions" else [("add", {"a": 1})])
        assert row["finish_reason"] == ("tool_calls" if calls else "stop")
    assert rows["chat"]["reasoning"] == "Hm"
    error, truncated = rows["error"], rows["truncated"]
    assert (error["text"], error["error"], error["truncated"]) == ("Hel", "overloaded", True)
    assert (truncated["text"], truncated["truncated"]) == ("Hel", True)
    assert "weather" in rows["strange"]["error"]
    assert rows["whole"] == {
        "kind": "chat",
        "model": "gpt-4o-mini",
        "text": "Héllo",
        "reasoning": "",
        "tool_calls": [],
        "finish_reason": "stop",
        "input_tokens": 3,
        "output_tokens": 2,
        "truncated": False,
        "error": None,
    }
