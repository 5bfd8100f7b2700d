"""Events that are written: what the parsers read of them, and what is refused.

The law: ``Parser().feed(encode_event(...))`` is exactly one event with the same fields, the line
ends of its data normalised.
"""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from sseparse import encode_comment, encode_event

# Every kind of character, halves of some included; those that mean something more often.
SPECIAL = "\r\n\0:  \ufeff\u2028\x85\x0b\x1c\ud83d\ude00\ufffd😀é"
characters = st.one_of(st.sampled_from(SPECIAL), st.characters())
texts = st.text(characters, max_size=30)
binary = st.one_of(
    st.binary(max_size=30),
    st.lists(st.sampled_from([b"\r", b"\n", b"\0", b"\xff", b"\xed\xa0\x80", b"data: ", b"\xe2"]))
    .map(b"".join),
)  # fmt: skip
names = st.text(characters.filter(lambda char: char not in "\r\n"), max_size=20)
ids = names.map(lambda name: name.replace("\0", ""))
retries = st.integers(0, 10**18 - 1)


def whole(text: str) -> str:
    """The text with its line ends as LF, and U+FFFD for each half of a character."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


@given(
    data=texts | binary,
    event=st.none() | names,
    id=st.none() | ids,
    retry=st.none() | retries,
)
@example(data="", event="", id="", retry=0)
@example(data="\n", event="message", id="\ufeff", retry=10**18 - 1)
@example(data="\r\n\r\n", event="a:b", id=" ", retry=None)
def test_a_parser_reads_one_event_with_the_same_fields(Parser, data, event, id, retry):
    block = encode_event(data, event=event, id=id, retry=retry)
    parser = Parser(keep_raw=True, last_event_id="earlier")
    (got,) = parser.feed(block)
    if isinstance(data, bytes):
        assert got.data_bytes == data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    else:
        assert got.data == whole(data)
        # No half of a character is left for another parser to stumble over.
        block.decode()
    assert got.event == (whole(event) if event else "message")
    assert got.own_id == (None if id is None else whole(id))
    assert got.retry == retry
    assert got.raw == block
    assert parser.pending_bytes == 0


@given(data=st.none() | texts, event=st.none() | names, id=st.none() | ids, retry=retries)
def test_every_byte_of_it_can_come_alone(Parser, data, event, id, retry):
    block = encode_event(data, event=event, id=id, retry=retry)
    parser = Parser()
    events = [got for i in range(len(block)) for got in parser.feed(block[i : i + 1])]
    assert events == Parser().feed(block)


@given(blocks=st.lists(st.tuples(texts | st.none(), st.none() | names, texts)))
def test_events_and_comments_do_not_touch_each_other(Parser, blocks):
    comments = []
    parser = Parser(on_comment=comments.append)
    body = b"".join(
        encode_comment(comment) + encode_event(data, event=event) for data, event, comment in blocks
    )
    events = [(got.event, got.data) for got in parser.feed(body)]
    assert events == [
        (whole(event) if event else "message", whole(data))
        for data, event, _ in blocks
        if data is not None
    ]
    assert comments == [line for _, _, text in blocks for line in whole(text).split("\n")]


@given(text=texts)
def test_a_comment_is_read_as_its_lines_and_is_no_event(Parser, text):
    comments = []
    parser = Parser(on_comment=comments.append, dispatch_without_data=True)
    assert parser.feed(encode_comment(text)) == []
    assert comments == whole(text).split("\n")
    assert parser.pending_bytes == 0


def test_each_line_of_the_data_is_a_line_with_the_space():
    assert encode_event("a\nb\r\nc\rd\n") == b"data: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"
    assert encode_event(b"a\nb\r\nc\rd\n") == encode_event("a\nb\r\nc\rd\n")
    assert encode_event(" a") == b"data:  a\n\n"


def test_the_fields_stand_before_the_data():
    block = encode_event("x", event="delta", id="7", retry=100)
    assert block == b"event: delta\nid: 7\nretry: 100\ndata: x\n\n"


def test_no_data_is_no_line_and_an_empty_text_is_one(Parser):
    assert encode_event("") == encode_event(b"") == b"data: \n\n"
    assert encode_event() == b"\n"
    assert encode_event(id="7", retry=1) == b"id: 7\nretry: 1\n\n"
    parser = Parser()
    assert parser.feed(encode_event(id="7", retry=1)) == []
    assert (parser.last_event_id, parser.retry) == ("7", 1)
    (event,) = Parser(dispatch_without_data=True).feed(encode_event(event="error"))
    assert (event.event, event.data) == ("error", "")


def test_the_default_type_is_not_written():
    # What reads "event: message" in another way than no name at all is common.
    assert encode_event("x", event="message") == encode_event("x")


def test_an_empty_id_resets_it(Parser):
    parser = Parser()
    (event,) = parser.feed(encode_event("x", id="7") + encode_event(id="") + encode_event("y"))[1:]
    assert event.id == ""


def test_bytes_are_not_decoded():
    assert encode_event(b"\xff\xed\xa0\x80") == b"data: \xff\xed\xa0\x80\n\n"


@pytest.mark.parametrize("write", [encode_event, encode_comment, lambda t: encode_event(event=t)])
def test_half_a_character_is_a_replacement_character_and_two_halves_are_one(write):
    assert write("a\ud83d") == write("a\ufffd")
    assert write("\ude00\ud83db") == write("\ufffd\ufffdb")
    assert write("\ud83d\ude00") == write("😀")
    assert write("\ufeff\ud83d") == write("\ufeff\ufffd")


@pytest.mark.parametrize("text", ["x\ny", "x\ry", "\r\n", "\n", "done\n\ndata: injected"])
@pytest.mark.parametrize("name", ["event", "id"])
def test_a_line_break_in_a_name_or_an_id_is_refused(name, text):
    with pytest.raises(ValueError, match=f"^{name} must not have a line break: "):
        encode_event("x", **{name: text})


def test_a_nul_is_refused_in_an_id_only(Parser):
    with pytest.raises(ValueError, match="id must not have a NUL, for which readers ignore it: "):
        encode_event("x", id="1\0")
    (event,) = Parser().feed(encode_event("\0", event="\0"))
    assert (event.event, event.data) == ("\0", "\0")


@pytest.mark.parametrize("retry", [-1, 10**18, True, False, "5", 5.0, b"5"])
def test_what_no_parser_takes_for_a_retry_is_refused(retry):
    with pytest.raises(ValueError, match="retry must be an int of 1 to 18 digits, or None, not "):
        encode_event("x", retry=retry)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"data": 5}, "data must be str, bytes or None, not int"),
        ({"data": {"a": 1}}, "data must be str, bytes or None, not dict"),
        ({"event": b"x"}, "event must be str or None, not bytes"),
        ({"id": 7}, "id must be str or None, not int"),
    ],
)
def test_other_types_are_refused(arguments, message):
    with pytest.raises(TypeError, match=f"^{message}$"):
        encode_event(**arguments)


def test_a_comment_is_text():
    with pytest.raises(TypeError, match=r"^text must be str, not bytes$"):
        encode_comment(b"x")
    assert encode_comment() == b": \n\n"


def test_each_line_of_a_comment_is_one():
    assert encode_comment("a\r\nb\rc\n") == b": a\n: b\n: c\n: \n\n"
