"""Errors outside any field of the event stream: told where they stand, under every cut."""

from __future__ import annotations

import json
from typing import Any

import pytest
from chat_streams import DONE, chunk, read, read_under_every_cut, sse

from sseparse.openai import APIError, ChatParser, ChatStream, NotAnEventStreamError

HI = chunk({"content": "Hi"})
STOP = chunk({}, finish_reason="stop")
DIED = {"error": {"message": "died", "code": 500}}


def kinds(result: dict[str, Any]) -> list[Any]:
    """Chunks as they came, and of errors what they are and say."""
    return [item if isinstance(item, dict) else item[:2] for item in result["seen"]]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\r\n"])
@pytest.mark.parametrize(
    ("error", "text"),
    [
        (DIED, "died"),
        ([DIED], "died"),
        ({"error": "died"}, "died"),
        (
            {"error": {"message": 'a } { ] " \\ [ b', "details": [{"why": "}"}, {}]}},
            'a } { ] " \\ [ b',
        ),
        ({"detail": "died"}, "died"),
        ({"object": "error", "message": "died"}, "died"),
        ({"code": 429, "message": "died"}, "died"),
    ],
)
def test_bare_json_at_the_end_is_the_error_that_it_reports(error, text, end, indent):
    body = sse(HI) + json.dumps(error, indent=indent).encode().replace(b"\n", b"\r\n") + end
    result = read_under_every_cut(body)
    assert kinds(result) == [HI, ("APIError", text)]
    assert result["truncated"]


@pytest.mark.parametrize("indent", [None, 2])
def test_bare_json_in_the_middle_is_an_error_in_its_place(indent):
    body = sse(HI, HI) + json.dumps(DIED, indent=indent).encode() + b"\n\n" + sse(STOP) + DONE
    result = read_under_every_cut(body)
    assert kinds(result) == [HI, HI, ("APIError", "died"), STOP]
    assert (result["done"], result["truncated"]) == (True, True)
    assert result["final"]["choices"][0]["finish_reason"] == "stop"


@pytest.mark.parametrize("indent", [None, 2])
def test_bare_json_before_all_events_is_an_error_before_them(indent):
    body = json.dumps(DIED, indent=indent).encode() + b"\n" + sse(HI) + DONE
    assert kinds(read_under_every_cut(body)) == [("APIError", "died"), HI]


def test_bare_json_that_is_the_whole_body_is_told_once():
    for indent in (None, 2):
        for end in (b"", b"\n\n"):
            body = json.dumps(DIED, indent=indent).encode() + end
            assert kinds(read_under_every_cut(body)) == [("APIError", "died")]


def test_bare_json_inside_the_block_of_an_event_comes_before_it():
    body = sse(HI)[:-1] + json.dumps(DIED).encode() + b"\n\n" + sse(STOP)
    assert kinds(read_under_every_cut(body)) == [("APIError", "died"), HI, STOP]


def test_several_errors_are_told_each_in_its_place():
    line = json.dumps(DIED).encode() + b"\n"
    body = sse(HI) + line + b"error: no\n" + sse(HI) + line + line + sse(STOP) + DONE
    died = ("APIError", "died")
    assert kinds(read([body])) == [HI, died, ("APIError", "no"), HI, died, died, STOP]


@pytest.mark.parametrize(
    "line",
    [
        b'{"status": "ok"}',
        b"{}",
        b"[]",
        b"[1, 2]",
        b'{"error": null}',
        b'{"error": {"message": "died"',
        b'{"error": {"message": "died"}}}',
        b"{oops}",
        b'"error"',
        b"5",
        b'{\n"progress": 5\n}',
        b"{\n" * 3000,
        b"[" * 5000 + b"]" * 5000,
    ],
)
def test_what_reports_no_error_is_ignored(line):
    body = sse(HI) + line + b"\n\n" + sse(STOP) + DONE
    result = read([body])
    assert kinds(result) == [HI, STOP]
    assert not result["truncated"]
    assert read([body[i : i + 1] for i in range(len(body))]) == result


def test_after_json_that_never_ends_an_error_is_still_seen():
    body = sse(HI) + b"{\n" * 1000 + json.dumps(DIED).encode() + b"\n"
    assert kinds(read([body])) == [HI, ("APIError", "died")]


def test_bare_json_is_told_to_the_callers_callback_too():
    lines: list[str] = []
    body = sse(HI) + json.dumps(DIED, indent=1).encode() + b"\n" + DONE
    stream = ChatStream([body], on_ignored_line=lines.append)
    next(stream)
    with pytest.raises(APIError):
        next(stream)
    assert lines == json.dumps(DIED, indent=1).split("\n")


def test_a_web_page_with_json_in_it_is_no_event_stream():
    body = b'<html>\n<script>\n{"a": 1}\n{\n</script>\n</html>\n'
    with pytest.raises(NotAnEventStreamError):
        list(ChatStream([body]))


def test_a_pushed_stream_tells_it_when_it_is_whole():
    parser = ChatParser()
    assert len(parser.feed(sse(HI) + b'{"error":')) == 1
    assert parser.feed(b' {"message": "died"}}') == []
    with pytest.raises(APIError, match="died"):
        parser.close()
    assert parser.close() == []


def test_the_last_event_id_stays_what_it_was():
    stream = ChatStream([b"id: 7\n" + sse(HI) + json.dumps(DIED).encode()])
    next(stream)
    with pytest.raises(APIError):
        next(stream)
    assert stream.last_event_id == "7"


def test_an_error_of_very_many_lines_is_told_as_the_whole_body_only():
    error = json.dumps({"error": {"message": "died", "details": [1] * 2000}}, indent=1).encode()
    assert kinds(read([error])) == [("APIError", "died")]
    assert kinds(read([sse(HI) + error])) == [HI]
    long = json.dumps({"error": {"message": "died", "details": "x" * 100_000}}).encode()
    assert kinds(read([sse(HI) + long])) == [HI, ("APIError", "died")]
