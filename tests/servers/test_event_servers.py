"""Every HTTP client gets what FastAPI and sse-starlette were given, behind nginx or not."""

from __future__ import annotations

import contextlib
import http.client
import importlib.metadata
import json
from typing import TYPE_CHECKING, Any

import programs
import pytest
import reading
from asking import ask
from framework_apps import RETRY, SENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATHS = {
    "/fastapi": "fastapi",
    "/sse-starlette": "sse-starlette",
    "/sse-starlette?sep=%0D": "sse-starlette",
    "/sse-starlette?sep=%0A": "sse-starlette",
}


def expected() -> list[list[str]]:
    """The events that the standard makes of what was sent: an ID holds until the next."""
    events, last_id = [], ""
    for name, data, event_id in SENT:
        last_id = event_id if event_id is not None else last_id
        events.append([name or "message", data, last_id])
    return events


@pytest.fixture(scope="module")
def proxied(folder: Any, frameworks: str) -> Iterator[str]:
    with programs.nginx(folder, frameworks) as url:
        yield url


@pytest.fixture(scope="module")
def proxied_model(folder: Any, aimock: programs.Server) -> Iterator[programs.Server]:
    with programs.nginx(folder, aimock.url) as url:
        yield aimock._replace(url=url, url_of_calls=url)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("way", ["frameworks", "proxied"])
def test_events_come_out_as_they_were_given(
    request: pytest.FixtureRequest,
    fetch: Callable[..., dict[str, Any]],
    record_property: Callable[[str, object], None],
    way: str,
    path: str,
) -> None:
    url = request.getfixturevalue(way)
    name = f"{PATHS[path]} {importlib.metadata.version(PATHS[path])}"
    record_property("server", f"{name} behind nginx" if way == "proxied" else name)
    told = fetch(url=url + path)
    assert told["error"] is None
    assert told["events"] == expected()
    assert told["retry"] == RETRY
    assert not told["truncated"]


def test_what_a_framework_makes_json_of_is_read_as_that(fetch, frameworks) -> None:
    told = fetch(url=f"{frameworks}/fastapi-json")
    data = [json.loads(text)["data"] for _, text, _ in told["events"]]
    assert data == [data for _, data, _ in SENT]


def test_nginx_does_compress_what_it_passes_on(proxied: str) -> None:
    connection = http.client.HTTPConnection(proxied.removeprefix("http://"), timeout=20)
    with contextlib.closing(connection):
        connection.request("GET", "/fastapi", headers={"Accept-Encoding": "gzip"})
        assert connection.getresponse().headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize("form", reading.FORMS)
def test_a_model_behind_nginx_is_read_as_without_it(
    proxied_model, read, record_property, form
) -> None:
    record_property("server", f"{proxied_model.name} {proxied_model.version} behind nginx")
    question = ask(proxied_model, "chat", "tools")
    told = read(kind="chat", url=question.url, post=question.json, form=form)
    assert told["error"] is None
    (choice,) = told["final"]["choices"]
    calls = [call["function"]["arguments"] for call in choice["message"]["tool_calls"]]
    assert [json.loads(call) for call in calls] == [call["arguments"] for call in programs.CALLS]
    assert not told["truncated"]
