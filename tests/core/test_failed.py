"""Parser.failed: nobody needs to feed nothing to learn of an error that waits."""

from __future__ import annotations

import pytest

from sseparse import EventTooLargeError, ParserClosedError


def test_an_error_that_waits_behind_events_is_known_with_them(Parser):
    parser = Parser(max_event_size=7)
    assert not parser.failed
    (event,) = parser.feed(b"data: 1\n\ndata: too large")
    assert event.data == "1"
    assert parser.failed is True
    with pytest.raises(EventTooLargeError):
        parser.feed(b"")
    assert parser.failed


def test_an_error_that_came_at_once_stays_known(Parser):
    parser = Parser(max_event_size=7)
    with pytest.raises(EventTooLargeError):
        parser.feed(b"data: too large")
    assert parser.failed


def test_an_error_of_close_is_known(Parser):
    parser = Parser(max_event_size=8, keep_raw=True)
    parser.feed(b"data: x\n")
    with pytest.raises(EventTooLargeError):
        parser.feed(b"y")
    assert parser.failed


@pytest.mark.parametrize("end", [b"", b"\n", b"\r", b"more"])
def test_it_is_known_wherever_the_bytes_are_cut(Parser, end):
    body = b"data: 1\n\ndata: too large\n" + end
    for place in range(len(body) + 1):
        parser = Parser(max_event_size=7)
        for chunk in (body[:place], body[place:]):
            if not parser.failed:
                try:
                    parser.feed(chunk)
                except EventTooLargeError:
                    assert parser.failed
        assert parser.failed


def test_reset_clears_it(Parser):
    parser = Parser(max_event_size=7)
    with pytest.raises(EventTooLargeError):
        parser.feed(b"data: too large")
    parser.reset()
    assert parser.failed is False
    assert len(parser.feed(b"data: 1\n\n")) == 1


def test_a_callback_that_raises_is_no_failure_of_the_parser(Parser):
    def fail(text):
        raise LookupError(text)

    parser = Parser(on_comment=fail)
    with pytest.raises(LookupError):
        parser.feed(b": x\n")
    assert not parser.failed


def test_a_wrong_argument_is_no_failure_of_the_parser(Parser):
    parser = Parser()
    with pytest.raises(TypeError):
        parser.feed("data")
    assert not parser.failed


def test_a_closed_parser_has_not_failed(Parser):
    parser = Parser()
    parser.feed(b"data: 1\n")
    parser.close()
    assert parser.truncated
    assert not parser.failed
    with pytest.raises(ParserClosedError):
        parser.feed(b"")
    assert not parser.failed


def test_it_cannot_be_set(Parser):
    with pytest.raises(AttributeError):
        Parser().failed = True
