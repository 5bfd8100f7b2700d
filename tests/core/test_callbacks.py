"""What callbacks are told: values that are ignored, and where a line stands among the events."""

from __future__ import annotations

import pytest
from hypothesis import given
from streams import chunkings, fields


def ignored(Parser, body):
    values, lines = [], []
    Parser(on_ignored_value=values.append, on_ignored_line=lines.append).feed(body)
    return values, lines


@pytest.mark.parametrize(
    "line",
    ["retry", "retry:", *(f"retry: {v}" for v in ("+5", "soon", "1.5", "\u0663", "1" * 19))],
)
def test_a_retry_that_is_no_number_can_be_noticed(Parser, line):
    assert ignored(Parser, f"{line}\ndata: x\n\n".encode()) == ([line], [])


def test_an_id_with_a_nul_can_be_noticed(Parser):
    assert ignored(Parser, b"id: a\0b\n\n") == (["id: a\0b"], [])


def test_a_value_that_counts_is_not_told_of(Parser):
    body = b"retry: 5\nretry:007\nid\nid: 1\nevent\ndata\n: comment\n\nunknown: x\n"
    assert ignored(Parser, body) == ([], ["unknown: x"])


def test_without_the_callback_nothing_else_changes(Parser):
    parser = Parser()
    (event,) = parser.feed(b"retry: +5\nid: a\0b\ndata: x\n\n")
    assert fields(event) == ("message", "x", b"x", "", None, None)
    assert parser.retry is None


def test_anything_but_a_callback_is_a_type_error(Parser):
    with pytest.raises(TypeError, match=r"^on_ignored_value must be callable or None, not int$"):
        Parser(on_ignored_value=1)


def test_an_exception_of_it_loses_nothing(Parser):
    def fail(line):
        raise LookupError(line)

    parser = Parser(on_ignored_value=fail)
    with pytest.raises(LookupError, match="retry: x"):
        parser.feed(b"data: 1\n\nretry: x\n\ndata: 2\n\n")
    assert [event.data for event in parser.feed(b"")] == ["1", "2"]


def in_order(parser, chunks, notes):
    """Events and comments as they came: what a gateway passes on."""
    items = []
    for chunk in chunks:
        notes.clear()
        events = parser.feed(chunk)
        for number, event in enumerate([*events, None]):
            items += [text for place, text in notes if place == number]
            if event is not None:
                items.append(event)
    return items


@given(chunks=chunkings())
def test_comments_can_be_put_in_their_place_among_the_events_of_one_read(implementation, chunks):
    notes = []
    parser = implementation.Parser(on_comment=lambda text: notes.append((parser.completed, text)))
    byte_by_byte = in_order(parser, [bytes([byte]) for byte in b"".join(chunks)], notes)
    parser = implementation.Parser(on_comment=lambda text: notes.append((parser.completed, text)))
    assert in_order(parser, chunks, notes) == byte_by_byte


def test_the_place_of_a_line_is_the_number_of_events_before_it(Parser):
    places = []

    def note(line):
        places.append((parser.completed, line))

    parser = Parser(on_comment=note, on_ignored_line=note, on_ignored_value=note)
    body = b": a\n\ndata: 1\n: b\n\n: c\n\ndata: 2\n\nx\nretry: y\ndata: 3\n\n: d"
    assert len(parser.feed(body)) == 3
    parser.close(dispatch_incomplete=True)
    assert places == [(0, "a"), (0, "b"), (1, "c"), (2, "x"), (2, "retry: y"), (0, "d")]


def test_events_that_were_held_back_count_with_those_they_come_with(Parser):
    places = []

    def note(text):
        places.append((parser.completed, text))
        if text == "boom":
            raise LookupError(text)

    parser = Parser(on_comment=note)
    with pytest.raises(LookupError):
        parser.feed(b"data: 1\n\n: boom\n\n: a\n\ndata: 2\n\n")
    assert len(parser.feed(b": b\n\ndata: 3\n\n")) == 3
    assert places == [(1, "boom"), (1, "a"), (2, "b")]


def test_outside_of_callbacks_nothing_is_counted(Parser):
    parser = Parser(on_comment=lambda text: None)
    assert parser.completed == 0
    parser.feed(b"data: 1\n\n: x\n\ndata: 2\n\n")
    assert parser.completed == 0
    with pytest.raises(AttributeError):
        parser.completed = 1
