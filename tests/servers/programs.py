"""The servers, each a context manager that gives where it is, and which version it is of."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from processes import INSTALLED, free_port, needed, running, wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
TEXT = "Sea\u2028green 🌊, é and more of it, so that there are several pieces."
CALLS = [
    {"name": "tide", "arguments": {"port": "Kiel", "age": 32}},
    {"name": "tide", "arguments": {"port": "Föhr", "age": 2.5}},
]
# What aimock answers to whom: the text of the last message decides.
FIXTURES = [
    {"match": {"userMessage": "text"}, "response": {"content": TEXT}},
    {"match": {"userMessage": "tools"}, "response": {"content": "I see.", "toolCalls": CALLS}},
    {
        "match": {"userMessage": "reasoning"},
        "response": {"content": "Four.", "reasoning": "Two and two."},
    },
    {
        "match": {"userMessage": "cut"},
        "response": {"content": TEXT},
        "truncateAfterChunks": 3,
        "latency": 20,  # or nothing of it is sent
    },
    {
        "match": {"userMessage": "busy"},
        "response": {"error": {"message": "Too busy", "type": "rate_limit_error"}, "status": 429},
    },
]


class Server(NamedTuple):
    """Where a server is; one that calls tools may be another than one that writes texts."""

    name: str
    version: str
    url: str
    url_of_calls: str


@contextlib.contextmanager
def llama_cpp(folder: Path) -> Iterator[Server]:
    """llama.cpp with a model of our own, that it really computes."""
    python = needed(INSTALLED / "llama" / "bin" / "python")
    log = folder / "llama.log"
    with running([python, HERE / "tiny_model.py"], log, speaks=True) as process:
        assert process.stdout is not None
        words, calls = process.stdout.readline().strip(), process.stdout.readline().strip()
        if not calls:
            raise RuntimeError(f"llama.cpp does not start: {log.read_text()[-2000:]}")
        yield Server("llama.cpp", version_of(python, "xllamacpp"), words, calls)


@contextlib.contextmanager
def aimock(folder: Path) -> Iterator[Server]:
    """A mock of every provider, which streams what ``FIXTURES`` say."""
    package = needed(INSTALLED / "node_modules" / "@copilotkit" / "aimock")
    fixtures, log, port = folder / "fixtures.json", folder / "aimock.log", free_port()
    fixtures.write_text(json.dumps({"fixtures": FIXTURES}))
    command = ["node", package / "dist" / "cli.js", "-f", fixtures, "-p", str(port), "-c", "7"]
    with running([*command, "--log-level", "silent"], log) as process:
        wait_for(process, port, "/", log)
        version = json.loads((package / "package.json").read_text())["version"]
        yield at("aimock", version, port)


@contextlib.contextmanager
def litellm(folder: Path, upstream: Server) -> Iterator[Server]:
    """LiteLLM's proxy, which translates what aimock says into the other APIs."""
    python = needed(INSTALLED / "litellm" / "bin" / "python")
    config, log, port = folder / "litellm.json", folder / "litellm.log", free_port()
    # Without its own upstream it would go and ask OpenAI.
    params = {"api_key": "none", "api_base": f"{upstream.url}/v1", "max_retries": 0}
    models = {
        "gpt-4o": params | {"model": "openai/gpt-4o"},
        "claude-4": params | {"model": "hosted_vllm/gpt-4o"},
        "gemini-3": params | {"model": "hosted_vllm/gpt-4o"},
        "mock": params | {"model": "openai/gpt-4o", "mock_response": TEXT},
    }
    listed = [{"model_name": name, "litellm_params": models[name]} for name in models]
    settings = {"num_retries": 0, "telemetry": False}
    told = {"model_list": listed, "litellm_settings": settings}
    # It is read as YAML, which knows no halves of UTF-16.
    config.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")
    command = [python.parent / "litellm", "--config", config, "--host", "127.0.0.1"]
    environment = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY": "true",
    }
    with running([*command, "--port", str(port)], log, environment) as process:
        wait_for(process, port, "/health/liveliness", log)
        yield at("LiteLLM", version_of(python, "litellm"), port)


@contextlib.contextmanager
def frameworks(folder: Path) -> Iterator[str]:
    """FastAPI's own event streams, and those of sse-starlette; the URL."""
    log, port = folder / "frameworks.log", free_port()
    command = [sys.executable, "-m", "uvicorn", "framework_apps:app", "--app-dir", HERE]
    with running([*command, "--port", str(port), "--log-level", "error"], log) as process:
        wait_for(process, port, "/", log)
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def nginx(folder: Path, upstream: str) -> Iterator[str]:
    """Nginx in front of a server, with buffers and gzip, as it stands before many; the URL."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/local/bin:/opt/homebrew/bin:/usr/bin")
    if program is None:
        pytest.skip("nginx is not installed")
    log, port = folder / "nginx.log", free_port()
    config = folder / "nginx.conf"
    config.write_text(f"""\
        daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
            gzip on; gzip_types text/event-stream; gzip_min_length 0; gzip_proxied any;
            server {{
                listen 127.0.0.1:{port};
                location / {{ proxy_pass {upstream}; proxy_http_version 1.1; }}
            }}
        }}
        """)
    with running([program, "-c", config, "-e", log], log) as process:
        wait_for(process, port, "/", log)
        yield f"http://127.0.0.1:{port}"


def at(name: str, version: str, port: int) -> Server:
    url = f"http://127.0.0.1:{port}"
    return Server(name, version, url, url)


def version_of(python: Path, package: str) -> str:
    """The version of a package in the environment of another interpreter."""
    question = f"import importlib.metadata as m; print(m.version({package!r}))"
    answer = subprocess.run([python, "-c", question], capture_output=True, text=True, check=True)
    return answer.stdout.strip()
