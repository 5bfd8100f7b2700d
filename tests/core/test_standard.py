"""The standard, sentence by sentence, and what people get wrong about it.

https://html.spec.whatwg.org/multipage/server-sent-events.html, sections "Parsing an event
stream" and "Interpreting an event stream". Chunking has its own file; here streams come
whole unless a claim is about where they are cut.
"""

from __future__ import annotations

import pytest
from streams import BOM
from whatwg import interpret


@pytest.fixture
def parse(Parser):
    """The events of a body, as (event, data, id)."""

    def parse(*chunks: bytes, **options):
        parser = Parser(**options)
        events = [event for chunk in chunks for event in parser.feed(chunk)]
        return [(event.event, event.data, event.id) for event in events + parser.close()]

    return parse


@pytest.fixture
def data_of(parse):
    """The data of each event of a body."""
    return lambda *chunks: [data for _, data, _ in parse(*chunks)]


# "Parsing an event stream": bytes to text.


def test_streams_are_utf_8(data_of):
    assert data_of("data: é€😀\n\n".encode()) == ["é€😀"]


def test_a_latin_1_body_is_still_read_as_utf_8(data_of):
    assert data_of("data: é\n\n".encode("latin-1")) == ["\ufffd"]


def test_one_leading_bom_is_dropped(data_of):
    assert data_of(BOM + b"data: x\n\n") == ["x"]


def test_a_bom_in_three_pieces_is_dropped(data_of):
    assert data_of(BOM[:1], BOM[1:2], BOM[2:], b"data: x\n\n") == ["x"]


def test_a_second_bom_is_part_of_the_first_line(data_of):
    assert data_of(BOM + BOM + b"data: x\ndata: y\n\n") == ["y"]


def test_a_bom_after_the_start_is_text(data_of):
    assert data_of(b"\n" + BOM + b"data: x\ndata: " + BOM + b"y\n\n") == ["\ufeffy"]


def test_a_bom_after_a_blank_line_is_text(data_of):
    assert data_of(b"data: x\n\n" + BOM + b"data: y\n\n") == ["x"]


def test_a_broken_bom_is_text(data_of):
    assert data_of(BOM[:2] + b"data: x\ndata: y\n\n") == ["y"]


def test_the_end_of_a_bom_is_text(data_of):
    assert data_of(BOM[1:] + b"data: x\ndata: y\n\n") == ["y"]


def test_a_broken_bom_is_told_as_an_ignored_line(Parser):
    lines = []
    Parser(on_ignored_line=lines.append).feed(BOM[:2] + b"data: x\n")
    assert lines == ["\ufffddata: x"]


@pytest.mark.parametrize(
    ("invalid", "replaced"),
    [
        (b"\xff", "\ufffd"),
        (b"\x80\x80", "\ufffd\ufffd"),
        (b"\xc3", "\ufffd"),
        (b"\xc3(", "\ufffd("),
        (b"\xe2\x82", "\ufffd"),
        (b"\xe2\x82x", "\ufffdx"),
        (b"\xf0\x9f\x98x", "\ufffdx"),
        (b"\xf0\x9f\x98\xf0\x9f\x98\x80", "\ufffd\U0001f600"),
        (b"\xc0\x80", "\ufffd\ufffd"),
        (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
        (b"\xf4\x90\x80\x80", "\ufffd\ufffd\ufffd\ufffd"),
        (b"\xf8\x88\x80\x80\x80", "\ufffd\ufffd\ufffd\ufffd\ufffd"),
    ],
)
def test_invalid_utf_8_is_replaced_by_maximal_subparts(parse, invalid, replaced):
    body = b"event: " + invalid + b"\ndata: " + invalid + b"\nid: " + invalid + b"\n\n"
    assert parse(body) == [(replaced, replaced, replaced)]
    assert interpret(body).events == [(replaced, replaced, replaced)]


def test_a_character_cut_between_chunks_is_whole(data_of):
    euro = "€".encode()
    assert data_of(b"data: " + euro[:1], euro[1:2], euro[2:] + b"\n\n") == ["€"]


def test_an_invalid_sequence_cut_between_chunks_is_replaced_once(data_of):
    assert data_of(b"data: \xf0\x9f", b"\x98", b"x\n\n") == ["\ufffdx"]


def test_a_line_end_ends_an_unfinished_character(data_of):
    assert data_of(b"data: \xe2\x82\ndata: \xac\n\n") == ["\ufffd\n\ufffd"]


# "Parsing an event stream": text to lines.


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"], ids=["lf", "cr", "crlf"])
def test_every_line_end_ends_a_line(parse, end):
    body = end.join([b"event: e", b"id: 1", b"data: a", b"data: b", b"", b"data: c", b"", b""])
    assert parse(body) == [("e", "a\nb", "1"), ("message", "c", "1")]


def test_line_ends_may_be_mixed(data_of):
    assert data_of(b"data: a\rdata: b\ndata: c\r\ndata: d\r\n\r") == ["a\nb\nc\nd"]


def test_crlf_is_one_line_end(data_of):
    assert data_of(b"data: a\r\ndata: b\r\n\r\n") == ["a\nb"]


def test_lf_cr_is_two_line_ends(data_of):
    assert data_of(b"data: a\n\rdata: b\n\r") == ["a", "b"]


def test_cr_cr_lf_is_two_line_ends(data_of):
    assert data_of(b"data: a\r\r\ndata: b\r\r\n") == ["a", "b"]


def test_cr_lf_lf_is_two_line_ends(data_of):
    assert data_of(b"data: a\r\n\ndata: b\r\n\n") == ["a", "b"]


def test_cr_at_chunk_end_dispatches_at_once(Parser):
    parser = Parser()
    assert parser.feed(b"data: x\r") == []
    assert [event.data for event in parser.feed(b"\r")] == ["x"]


def test_cr_of_a_blank_crlf_dispatches_at_once(Parser):
    parser = Parser()
    assert [event.data for event in parser.feed(b"data: x\r\n\r")] == ["x"]
    assert parser.pending_bytes == 0


def test_lf_after_a_cr_at_chunk_end_is_no_line_end_of_its_own(data_of):
    assert data_of(b"data: x\r", b"\ndata: y\n\n") == ["x\ny"]


def test_lf_after_a_cr_at_chunk_end_belongs_to_it_however_late_it_comes(data_of):
    assert data_of(b"data: x\r", b"", b"", b"\n", b"data: y\n\n") == ["x\ny"]


def test_a_second_lf_after_a_cr_at_chunk_end_is_a_line_end(data_of):
    assert data_of(b"data: x\r", b"\n", b"\n") == ["x"]


def test_a_cr_after_a_cr_at_chunk_end_is_a_line_end(data_of):
    assert data_of(b"data: x\r", b"\r", b"\ndata: y\n\n") == ["x", "y"]


@pytest.mark.parametrize(
    "character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\0"]
)
def test_nothing_else_ends_a_line(data_of, character):
    assert data_of(f"data: a{character}b\n\n".encode()) == [f"a{character}b"]


def test_bytes_that_look_like_line_ends_inside_characters_end_nothing(data_of):
    # U+0D0A and U+0A0D hold no CR or LF byte in UTF-8, but do in UTF-16.
    assert data_of("data: \u0d0a\u0a0d\n\n".encode()) == ["\u0d0a\u0a0d"]


# "Interpreting an event stream": lines to fields.


def test_a_blank_line_dispatches(data_of):
    assert data_of(b"data: x\n\n") == ["x"]


def test_blank_lines_alone_dispatch_nothing(data_of):
    assert data_of(b"\n\n\r\r\r\n\r\n") == []


def test_further_blank_lines_dispatch_nothing(data_of):
    assert data_of(b"data: x\n\n\n\n\ndata: y\n\n\n") == ["x", "y"]


@pytest.mark.parametrize("line", [b" ", b"\t", b"\0", b"  "])
def test_a_line_of_white_space_is_not_blank(data_of, line):
    assert data_of(b"data: x\n" + line + b"\ndata: y\n\n") == ["x\ny"]


def test_a_line_that_starts_with_a_colon_is_ignored(data_of):
    assert data_of(b":data: x\n: data: x\n::\n:\ndata: y\n:\n\n") == ["y"]


def test_comments_alone_dispatch_nothing(data_of):
    assert data_of(b": ping\n\n: ping\n\n") == []


def test_the_field_name_ends_at_the_first_colon(data_of):
    assert data_of(b"data:a:b: c\n\n") == ["a:b: c"]


def test_one_space_after_the_colon_is_dropped(data_of):
    assert data_of(b"data: x\ndata:y\n\n") == ["x\ny"]


def test_two_spaces_after_the_colon_leave_one(data_of):
    assert data_of(b"data:  x\n\n") == [" x"]


def test_a_tab_after_the_colon_stays(data_of):
    assert data_of(b"data:\tx\n\n") == ["\tx"]


def test_a_no_break_space_after_the_colon_stays(data_of):
    assert data_of("data:\xa0x\n\n".encode()) == ["\xa0x"]


def test_spaces_at_the_end_stay(data_of):
    assert data_of(b"data: x  \n\n") == ["x  "]


def test_a_line_without_a_colon_is_a_field_with_an_empty_value(parse):
    assert parse(b"id: 1\nevent: a\nevent\nid\ndata\n\n") == [("message", "", "")]


@pytest.mark.parametrize(
    "line",
    [
        b"DATA: x",
        b"Data: x",
        b" data: x",
        b"data : x",
        b"\tdata: x",
        b"dat: x",
        b"datas: x",
        b"\0data",
    ],
)
def test_field_names_are_compared_literally(data_of, line):
    assert data_of(line + b"\n\n") == []


@pytest.mark.parametrize("name", [b"event", b"id", b"retry"])
def test_other_field_names_are_compared_literally_too(Parser, name):
    lines = []
    parser = Parser(on_ignored_line=lines.append)
    variants = [name.upper(), name.title(), name + b"s", name[:-1], b" " + name, name + b" "]
    for variant in variants:
        parser.feed(variant + b": 5\n")
    (event,) = parser.feed(b"data: x\n\n")
    assert (event.event, event.id, event.retry) == ("message", "", None)
    assert lines == [f"{variant.decode()}: 5" for variant in variants]


def test_unknown_fields_are_ignored(parse):
    assert parse(b"error: x\ndata: y\nfoo\n\n") == [("message", "y", "")]


def test_known_fields_with_ignored_values_are_no_ignored_lines(Parser):
    lines = []
    Parser(on_ignored_line=lines.append).feed(b"retry: x\nid: \0\ndata\nevent\n: x\n\n")
    assert lines == []


# "Interpreting an event stream": data.


def test_data_lines_are_joined_by_lf(data_of):
    assert data_of(b"data: YHOO\ndata: +2\ndata: 10\n\n") == ["YHOO\n+2\n10"]


def test_data_lines_are_joined_by_lf_whatever_their_line_ends(data_of):
    assert data_of(b"data: a\rdata: b\r\ndata: c\n\n") == ["a\nb\nc"]


def test_only_one_lf_is_taken_from_the_end_of_data(data_of):
    assert data_of(b"data: a\ndata\ndata\n\n") == ["a\n\n"]


@pytest.mark.parametrize("line", [b"data", b"data:", b"data: "])
def test_an_empty_data_field_dispatches_an_empty_event(data_of, line):
    assert data_of(line + b"\n\n") == [""]


def test_two_empty_data_fields_are_one_lf(data_of):
    assert data_of(b"data\ndata\n\n") == ["\n"]


def test_a_space_as_data_stays_when_it_is_the_second(data_of):
    assert data_of(b"data:  \n\n") == [" "]


def test_data_never_reaches_the_next_event(data_of):
    assert data_of(b"data: a\n\ndata: b\n\n") == ["a", "b"]


def test_a_block_without_data_dispatches_nothing(data_of):
    assert data_of(b"event: a\nid: 1\nretry: 1\n\n") == []


def test_other_fields_between_data_lines_change_nothing(parse):
    assert parse(b"data: a\nid: 1\n: c\nevent: e\ndata: b\n\n") == [("e", "a\nb", "1")]


# "Interpreting an event stream": event.


def test_the_event_type_is_message_by_default(parse):
    assert parse(b"data: x\n\n") == [("message", "x", "")]


def test_event_sets_the_event_type(parse):
    assert parse(b"event: add\ndata: x\n\n") == [("add", "x", "")]


def test_the_last_event_field_wins(parse):
    assert parse(b"event: a\nevent: b\ndata: x\n\n") == [("b", "x", "")]


@pytest.mark.parametrize("line", [b"event", b"event:", b"event: "])
def test_an_empty_event_field_resets_the_type(parse, line):
    assert parse(b"event: a\n" + line + b"\ndata: x\n\n") == [("message", "x", "")]


def test_the_event_type_never_survives_its_block(parse):
    assert parse(b"event: a\ndata: x\n\ndata: y\n\n") == [("a", "x", ""), ("message", "y", "")]


def test_the_event_type_never_survives_a_block_without_data(parse):
    assert parse(b"event: a\n\ndata: x\n\n") == [("message", "x", "")]


def test_an_event_type_may_be_anything(parse):
    assert parse("event:  ä\0:\ndata\n\n".encode()) == [(" ä\0:", "", "")]


# "Interpreting an event stream": id.


def test_id_sets_the_last_event_id_at_the_blank_line(Parser):
    parser = Parser()
    parser.feed(b"id: 1\ndata: x\n")
    assert parser.last_event_id == ""
    parser.feed(b"\n")
    assert parser.last_event_id == "1"


def test_an_event_has_the_id_of_its_own_block(parse):
    assert parse(b"data: x\nid: 1\n\n") == [("message", "x", "1")]


def test_an_id_stays_until_the_next(parse):
    assert parse(b"id: 1\ndata: a\n\ndata: b\n\nid: 2\ndata: c\n\n") == [
        ("message", "a", "1"),
        ("message", "b", "1"),
        ("message", "c", "2"),
    ]


def test_the_id_of_a_block_without_data_counts(parse):
    assert parse(b"id: 1\n\ndata: x\n\n") == [("message", "x", "1")]


def test_the_last_id_of_a_block_wins(parse):
    assert parse(b"id: 1\nid: 2\ndata: x\n\n") == [("message", "x", "2")]


@pytest.mark.parametrize("line", [b"id", b"id:", b"id: "])
def test_an_empty_id_resets(parse, line):
    assert parse(b"id: 1\ndata: a\n\n" + line + b"\ndata: b\n\n") == [
        ("message", "a", "1"),
        ("message", "b", ""),
    ]


@pytest.mark.parametrize("value", [b"\0", b"a\0", b"\0a", b"a\0b"])
def test_an_id_with_a_nul_is_ignored(parse, value):
    assert parse(b"id: 1\nid: " + value + b"\ndata: a\n\n") == [("message", "a", "1")]


def test_an_overlong_nul_in_an_id_is_no_nul(parse):
    assert parse(b"id: \xc0\x80\ndata: a\n\n") == [("message", "a", "\ufffd\ufffd")]


def test_an_id_in_an_unfinished_block_never_counts(Parser):
    parser = Parser()
    parser.feed(b"id: 1\ndata: a\n\nid: 2\ndata: b\n")
    assert parser.close() == []
    assert parser.last_event_id == "1"


def test_an_id_may_have_spaces_and_any_character(parse):
    assert parse("id:  ä :\ndata\n\n".encode()) == [("message", "", " ä :")]


def test_an_id_of_an_earlier_connection_holds_until_the_next(parse):
    body = b"data: a\n\nid: 2\ndata: b\n\n"
    assert parse(body, last_event_id="1") == [("message", "a", "1"), ("message", "b", "2")]


# "Interpreting an event stream": retry.


def test_retry_of_digits_sets_the_reconnection_time_at_once(Parser):
    parser = Parser()
    assert parser.retry is None
    parser.feed(b"retry: 10\n")
    assert parser.retry == 10


def test_retry_counts_at_the_end_of_its_line_not_before(Parser):
    parser = Parser()
    parser.feed(b"retry: 10")
    assert parser.retry is None
    parser.feed(b"00\r")
    assert parser.retry == 1000


@pytest.mark.parametrize(
    "value",
    [
        *(b"+5", b"-5", b" 5", b"5 ", b"\t5", b"1_000", b"5,000", b"5.0", b"1e3", b"0x10", b"NaN"),
        *(b"", b"5\0", b"5\xff", b"5;", "\u0663".encode(), "\uff15".encode(), "\u00b2".encode()),
    ],
)
def test_retry_of_anything_else_is_ignored(Parser, value):
    parser = Parser()
    (event,) = parser.feed(b"retry: 7\nretry: " + value + b"\nretry\ndata\n\n")
    assert parser.retry == 7
    assert event.retry == 7


@pytest.mark.parametrize(
    ("value", "milliseconds"), [(b"0", 0), (b"007", 7), (b"9" * 18, 10**18 - 1), (b"0" * 18, 0)]
)
def test_retry_is_read_in_base_ten(Parser, value, milliseconds):
    parser = Parser()
    parser.feed(b"retry:" + value + b"\n")
    assert parser.retry == milliseconds


@pytest.mark.parametrize("digits", [19, 20, 5_000, 100_000])
def test_retry_of_more_than_18_digits_is_ignored(Parser, digits):
    parser = Parser()
    parser.feed(b"retry: 7\nretry: " + b"1" * digits + b"\n")
    parser.feed(b"retry: " + b"0" * digits + b"\n")
    assert parser.retry == 7


def test_retry_counts_without_a_blank_line(Parser):
    parser = Parser()
    parser.feed(b"retry: 10\ndata: x\n")
    parser.close()
    assert parser.retry == 10


def test_an_event_has_the_retry_of_its_own_block_only(Parser):
    events = Parser().feed(
        b"retry: 1\nretry: 2\nretry: x\ndata: a\n\ndata: b\n\nretry: 3\n\ndata\n\n"
    )
    assert [event.retry for event in events] == [2, None, None]


# "Interpreting an event stream": the end of the file.


@pytest.mark.parametrize("end", [b"data: b", b"data: b\n", b"data: b\r", b"data: b\r\n"])
def test_an_unfinished_block_is_discarded_at_the_end(data_of, end):
    assert data_of(b"data: a\n\n" + end) == ["a"]


def test_an_unfinished_line_is_discarded_at_the_end(Parser):
    calls = []
    parser = Parser(on_comment=calls.append, on_ignored_line=calls.append)
    parser.feed(b"retry: 5")
    parser.close()
    assert parser.retry is None
    parser.reset()
    parser.feed(b": comment")
    parser.close()
    parser.reset()
    parser.feed(b"unknown")
    parser.close()
    assert calls == []


# The examples of the standard.


def test_the_standards_stock_example(parse):
    assert parse(b"data: YHOO\ndata: +2\ndata: 10\n\n") == [("message", "YHOO\n+2\n10", "")]


def test_the_standards_example_of_four_blocks(parse):
    body = (
        b": test stream\n\ndata: first event\nid: 1\n\n"
        b"data:second event\nid\n\ndata:  third event\n\n"
    )
    assert parse(body) == [
        ("message", "first event", "1"),
        ("message", "second event", ""),
        ("message", " third event", ""),
    ]


def test_the_standards_example_of_empty_data(data_of):
    assert data_of(b"data\n\ndata\ndata\n\ndata:") == ["", "\n"]


def test_the_standards_example_of_an_optional_space(data_of):
    assert data_of(b"data:test\n\ndata: test\n\n") == ["test", "test"]


# What the library tells beside the events.


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (b":", ""),
        (b": ", ""),
        (b":x", "x"),
        (b": x", "x"),
        (b":  x", " x"),
        (b"::", ":"),
        (b": data: x", "data: x"),
        (b":\tx", "\tx"),
        (b": \xff\xe2\x82", "\ufffd\ufffd"),
        ("\uff1a".encode(), None),
    ],
)
def test_on_comment_gets_the_text_behind_the_colon_and_one_space(Parser, line, text):
    comments = []
    Parser(on_comment=comments.append).feed(line + b"\n")
    assert comments == ([] if text is None else [text])


def test_on_comment_comes_when_the_line_ends_not_when_the_event_does(Parser):
    comments = []
    parser = Parser(on_comment=comments.append)
    parser.feed(b"data: x\n: half")
    assert comments == []
    parser.feed(b" and half\r")
    assert comments == ["half and half"]


def test_on_ignored_line_gets_the_whole_line(Parser):
    lines = []
    Parser(on_ignored_line=lines.append).feed(b'error: {"code": 1}\n<html>\n x\n\xff\n\n')
    assert lines == ['error: {"code": 1}', "<html>", " x", "\ufffd"]


def test_callbacks_come_in_the_order_of_the_stream(Parser):
    calls = []
    Parser(on_comment=calls.append, on_ignored_line=calls.append).feed(b":1\n2\n:3\n\n4\n:5\n")
    assert calls == list("12345")
