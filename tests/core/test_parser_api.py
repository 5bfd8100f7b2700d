"""Parser as people use and misuse it: options, buffers, close, reset, callbacks, errors."""

from __future__ import annotations

import array
import contextlib
import copy
import ctypes
import gc
import inspect
import mmap
import pickle
import threading
import weakref
from enum import Enum

import pytest
from streams import BOM, fields

from sseparse import EventTooLargeError, ParserClosedError, SSEError

# Options.


@pytest.mark.parametrize("value", [True, 1.0, "1", b"1", [], object])
def test_max_event_size_of_a_wrong_type_is_a_type_error(Parser, value):
    with pytest.raises(TypeError, match=r"^max_event_size must be an int or None, not \w+$"):
        Parser(max_event_size=value)


@pytest.mark.parametrize("value", [0, -1, -(2**63), -(10**30)])
def test_max_event_size_below_one_is_a_value_error(Parser, value):
    with pytest.raises(ValueError, match=f"^max_event_size must be at least 1 byte, not {value}$"):
        Parser(max_event_size=value)


def test_max_event_size_may_be_anything_with_an_index(Parser):
    class Size:
        def __index__(self):
            return 5

    parser = Parser(max_event_size=Size())
    assert parser.feed(b"data:") == []
    with pytest.raises(EventTooLargeError):
        parser.feed(b"x")


@pytest.mark.parametrize("value", [None, b"1", 1, []])
def test_last_event_id_of_a_wrong_type_is_a_type_error(Parser, value):
    with pytest.raises(TypeError, match=r"^last_event_id must be a str, not \w+$"):
        Parser(last_event_id=value)


@pytest.mark.parametrize("value", ["\0", "a\0", "\r", "a\nb", "a\r\n"])
def test_last_event_id_that_no_server_can_have_sent_is_a_value_error(Parser, value):
    with pytest.raises(ValueError, match="last_event_id must not contain NUL, CR or LF"):
        Parser(last_event_id=value)


@pytest.mark.parametrize("value", ["", "1", "a b", "\u20ac", "\u2028"])
def test_last_event_id_is_what_the_stream_begins_with(Parser, value):
    parser = Parser(last_event_id=value)
    assert parser.last_event_id == value
    (event,) = parser.feed(b"data\n\n")
    assert event.id == parser.last_event_id == value


def test_last_event_id_is_a_str_and_nothing_more(Parser):
    class Key(str, Enum):
        LAST = "7"

        def __str__(self):
            return "a\r\nb"

    parser = Parser(last_event_id=Key.LAST)
    assert type(parser.last_event_id) is str
    assert parser.last_event_id == "7"


@pytest.mark.parametrize("option", ["on_comment", "on_ignored_line"])
@pytest.mark.parametrize("value", [1, "print", False])
def test_a_callback_that_cannot_be_called_is_a_type_error(Parser, option, value):
    with pytest.raises(TypeError, match=rf"^{option} must be callable or None, not \w+$"):
        Parser(**{option: value})


def test_options_are_keyword_only(Parser):
    with pytest.raises(TypeError):
        Parser(1024)


def test_unknown_options_are_type_errors(Parser):
    with pytest.raises(TypeError, match="max_size"):
        Parser(max_size=1)


def test_none_is_no_callback(Parser):
    parser = Parser(on_comment=None, on_ignored_line=None)
    assert len(parser.feed(b": x\ny\ndata\n\n")) == 1


def test_keep_raw_takes_any_truth_value(Parser):
    assert Parser(keep_raw=1).feed(b"data\n\n")[0].raw == b"data\n\n"
    assert Parser(keep_raw="").feed(b"data\n\n")[0].raw is None


def test_a_new_parser_has_seen_nothing(Parser):
    parser = Parser()
    assert parser.last_event_id == ""
    assert parser.retry is None
    assert parser.pending_bytes == 0
    assert parser.truncated is False


@pytest.mark.parametrize(
    "name", ["last_event_id", "retry", "pending_bytes", "truncated", "feed", "something_else"]
)
def test_nothing_on_a_parser_can_be_set(Parser, name):
    with pytest.raises(AttributeError):
        setattr(Parser(), name, 1)


def test_init_again_is_a_new_parser(Parser):
    parser = Parser(keep_raw=True, max_event_size=100, last_event_id="1")
    parser.feed(b"retry: 1\nid: 2\ndata: x\n\ndata: y")
    parser.close()
    parser.__init__()
    assert (parser.last_event_id, parser.retry, parser.truncated) == ("", None, False)
    assert parser.feed(b"data: " + b"z" * 200 + b"\n\n")[0].raw is None


class _NoTruth:
    def __bool__(self):
        raise ValueError("no truth")


@pytest.mark.parametrize(
    "option",
    [
        {"max_event_size": 0},
        {"last_event_id": "\n"},
        {"on_comment": 1},
        {"on_ignored_line": 1},
        {"keep_raw": _NoTruth()},
    ],
    ids=lambda option: next(iter(option)),
)
def test_a_refused_option_leaves_the_parser_as_it_was(Parser, option):
    parser = Parser(last_event_id="1", keep_raw=True)
    parser.feed(b"retry: 1\ndata: x\n")
    with pytest.raises((TypeError, ValueError)):
        parser.__init__(**{"last_event_id": "2", "keep_raw": False, "max_event_size": 1, **option})
    assert (parser.last_event_id, parser.retry) == ("1", 1)
    assert parser.feed(b"\n")[0].raw == b"retry: 1\ndata: x\n\n"


# Buffers.


def fortran_buffer(data: bytes, rows: int, columns: int) -> memoryview:
    """A two-dimensional buffer in column order, which the standard library cannot make."""

    class PyBuffer(ctypes.Structure):
        _fields_ = (
            ("buf", ctypes.c_void_p),
            ("obj", ctypes.py_object),
            ("len", ctypes.c_ssize_t),
            ("itemsize", ctypes.c_ssize_t),
            ("readonly", ctypes.c_int),
            ("ndim", ctypes.c_int),
            ("format", ctypes.c_char_p),
            ("shape", ctypes.POINTER(ctypes.c_ssize_t)),
            ("strides", ctypes.POINTER(ctypes.c_ssize_t)),
            ("suboffsets", ctypes.POINTER(ctypes.c_ssize_t)),
            ("internal", ctypes.c_void_p),
        )

    storage = ctypes.create_string_buffer(data, rows * columns)
    shape = (ctypes.c_ssize_t * 2)(rows, columns)
    strides = (ctypes.c_ssize_t * 2)(1, rows)
    buffer = PyBuffer(ctypes.addressof(storage), None, len(storage), 1, 1, 2, b"B", shape, strides)
    _KEPT_ALIVE.append((storage, shape, strides, buffer))
    make = ctypes.pythonapi.PyMemoryView_FromBuffer
    make.restype, make.argtypes = ctypes.py_object, [ctypes.POINTER(PyBuffer)]
    return make(ctypes.byref(buffer))


_KEPT_ALIVE: list[object] = []

BODY = b"data: x\n\ndata: \xe2\x82\xac\n\n"  # 20 bytes


def mapped(data: bytes) -> mmap.mmap:
    memory = mmap.mmap(-1, len(data))
    memory[:] = data
    return memory


class _BytesSubclass(bytes):
    """Overrides what a parser must not rely on."""

    def __len__(self):
        return 0

    def __getitem__(self, key):
        raise AssertionError

    def __bytes__(self):
        raise AssertionError


BUFFERS = {
    "bytes": BODY,
    "bytes subclass": _BytesSubclass(BODY),
    "bytearray": bytearray(BODY),
    "bytearray subclass": type("B", (bytearray,), {})(BODY),
    "memoryview": memoryview(BODY),
    "memoryview of a bytearray": memoryview(bytearray(BODY)),
    "memoryview of a part": memoryview(b"xx" + BODY + b"yy")[2:-2],
    "memoryview of characters": memoryview(BODY).cast("c"),
    "memoryview of numbers": memoryview(BODY).cast("i"),
    "memoryview of two dimensions": memoryview(BODY).cast("B", (4, 5)),
    "memoryview of three dimensions": memoryview(BODY).cast("B", (2, 2, 5)),
    "array": array.array("b", BODY),
    "array of numbers": array.array("i", BODY),
    "mmap": mapped(BODY),
    "ctypes array": (ctypes.c_char * len(BODY)).from_buffer_copy(BODY),
    "pickle buffer": pickle.PickleBuffer(BODY),
}


@pytest.mark.parametrize("keep_raw", [False, True])
@pytest.mark.parametrize("callback", [None, print])
@pytest.mark.parametrize("buffer", BUFFERS.values(), ids=list(BUFFERS))
def test_every_contiguous_buffer_is_bytes(Parser, buffer, callback, keep_raw):
    parser = Parser(on_comment=callback, keep_raw=keep_raw)
    assert [event.data for event in parser.feed(buffer)] == ["x", "\u20ac"]


def test_a_buffer_without_dimensions_is_bytes(Parser):
    lines = []
    parser = Parser(on_ignored_line=lines.append)
    parser.feed(memoryview(b"x").cast("B", ()))
    parser.feed(b"\n")
    assert lines == ["x"]


@pytest.mark.parametrize("empty", [b"", bytearray(), memoryview(b""), array.array("i")])
def test_empty_buffers_are_no_bytes(Parser, empty):
    parser = Parser()
    parser.feed(b"data: x\n")
    assert parser.feed(empty) == []
    assert parser.pending_bytes == 7
    assert len(parser.feed(b"\n")) == 1


@pytest.mark.parametrize("callback", [None, print])
@pytest.mark.parametrize(
    "buffer",
    [
        memoryview(BODY)[::2],
        memoryview(BODY)[::-1],
        memoryview(BODY).cast("B", (4, 5))[::2],
        fortran_buffer(BODY, 4, 5),
    ],
    ids=["every second byte", "backwards", "every second row", "fortran order"],
)
def test_buffers_that_are_not_contiguous_are_refused(Parser, buffer, callback):
    parser = Parser(on_comment=callback)
    parser.feed(b"data: 1")
    with pytest.raises(BufferError, match=r"must be C-contiguous; bytes\(data\) makes a copy"):
        parser.feed(buffer)
    assert parser.pending_bytes == 7
    assert parser.feed(b"2\n\n")[0].data == "12"


def test_the_copy_that_the_error_speaks_of_is_taken(Parser):
    with pytest.raises(BufferError):
        Parser().feed(memoryview(b"dxaxtxax\nx\nx")[::2])
    assert len(Parser().feed(bytes(memoryview(b"dxaxtxax\nx\nx")[::2]))) == 1


@pytest.mark.parametrize("callback", [None, print])
@pytest.mark.parametrize("data", ["data: x\n\n", None, 5, [100], (), {}, object(), bytes])
def test_what_is_no_buffer_is_a_type_error(Parser, data, callback):
    parser = Parser(on_comment=callback)
    parser.feed(b"data: 1")
    with pytest.raises(TypeError, match=f"^data must be bytes-like, not {type(data).__name__}$"):
        parser.feed(data)
    assert parser.feed(b"2\n\n")[0].data == "12"


@pytest.mark.parametrize("callback", [None, print])
def test_a_released_memoryview_is_a_value_error(Parser, callback):
    view = memoryview(b"data")
    view.release()
    parser = Parser(on_comment=callback)
    with pytest.raises(ValueError, match="released"):
        parser.feed(view)
    assert len(parser.feed(b"data\n\n")) == 1


def test_a_bytearray_can_be_resized_after_feed(Parser):
    buffer = bytearray(b"data: x\n\ndata: y")
    parser = Parser(keep_raw=True)
    events = parser.feed(buffer)
    buffer.clear()
    buffer += b"data: 1234567890\n\n" * 100
    assert events[0].data == "x"
    assert events[0].raw == b"data: x\n\n"
    assert parser.feed(b"\n\n")[0].data == "y"


def test_a_bytearray_can_be_resized_after_every_error(Parser):
    buffer = bytearray(b"data: x\n: comment\n")

    def fail(_):
        raise ValueError

    for options in ({"on_comment": fail}, {"max_event_size": 1}):
        with pytest.raises((ValueError, EventTooLargeError)):
            Parser(**options).feed(buffer)
        buffer += b"\n"


def test_bytes_that_change_after_feed_change_nothing(Parser):
    buffer = bytearray(b"id: 1\nevent: e\ndata: x\n\ndata: y")
    parser = Parser(keep_raw=True)
    events = parser.feed(buffer)
    buffer[:] = b"z" * len(buffer)
    events += parser.feed(b"\n\n")
    assert [fields(event) for event in events] == [
        ("e", "x", b"x", "1", None, b"id: 1\nevent: e\ndata: x\n\n"),
        ("message", "y", b"y", "1", None, b"data: y\n\n"),
    ]


def test_bytes_that_change_during_feed_change_nothing(Parser):
    buffer = bytearray(b": c\ndata: x\n\ndata: y\n\n")

    def spoil(_):
        buffer[:] = b"z" * len(buffer)

    assert [event.data for event in Parser(on_comment=spoil).feed(buffer)] == ["x", "y"]


def test_a_bytearray_may_be_emptied_from_a_callback(Parser):
    buffer = bytearray(b": c\ndata: x\n\n")
    parser = Parser(on_comment=lambda _: buffer.clear())
    assert [event.data for event in parser.feed(buffer)] == ["x"]
    assert buffer == b""


def test_data_can_be_given_by_name(Parser):
    assert len(Parser().feed(data=b"data\n\n")) == 1


# close() and truncated.


def test_close_without_anything_pending_is_not_truncated(Parser):
    parser = Parser()
    parser.feed(b"data: x\n\n")
    assert parser.close() == []
    assert parser.truncated is False


def test_close_of_an_empty_stream_is_not_truncated(Parser):
    parser = Parser()
    assert parser.close() == []
    assert parser.truncated is False


@pytest.mark.parametrize(
    "pending",
    [
        *(b"data: x", b"data: x\n", b"d", b"event: a\r\n", b"id: 1\n", b"retry: 1\n", b"unknown\n"),
        *(b": comment", b":", b"data: x\n: comment\n", BOM[:1], BOM[:2], b"\xff", b" ", b"\0"),
    ],
)
@pytest.mark.parametrize("dispatch_incomplete", [False, True])
def test_close_within_an_event_or_a_line_is_truncated(Parser, pending, dispatch_incomplete):
    parser = Parser()
    parser.feed(b"data: 1\n\n" if not BOM.startswith(pending) else b"")
    parser.feed(pending)
    assert parser.truncated is False
    parser.close(dispatch_incomplete=dispatch_incomplete)
    assert parser.truncated is True
    assert parser.pending_bytes == 0


@pytest.mark.parametrize(
    "end", [b"\n", b"\r\n\r\n", b": comment\n", b":\r", b": a\n: b\n\n", b"event: x\n\n"]
)
def test_close_after_blank_lines_and_comments_is_not_truncated(Parser, end):
    parser = Parser()
    parser.feed(b"data: 1\n\n" + end)
    parser.close()
    assert parser.truncated is False


def test_close_after_a_bom_alone_is_not_truncated(Parser):
    parser = Parser()
    parser.feed(BOM)
    parser.close()
    assert parser.truncated is False


@pytest.mark.parametrize("keep_raw", [False, True])
def test_close_after_a_blank_cr_is_not_truncated(Parser, keep_raw):
    parser = Parser(keep_raw=keep_raw)
    events = parser.feed(b"data: x\r\n\r") + parser.close()
    assert [event.data for event in events] == ["x"]
    assert parser.truncated is False


def test_dispatch_incomplete_gives_the_event_without_its_blank_line(Parser):
    parser = Parser(keep_raw=True)
    parser.feed(b"event: e\nid: 1\nretry: 5\n: c\ndata: x\n")
    (event,) = parser.close(dispatch_incomplete=True)
    raw = b"event: e\nid: 1\nretry: 5\n: c\ndata: x\n"
    assert fields(event) == ("e", "x", b"x", "1", 5, raw)
    assert parser.last_event_id == "1"


def test_dispatch_incomplete_takes_an_unterminated_last_line_as_a_line(Parser):
    comments = []
    for end, events in [(b"data: y", ["x\ny"]), (b": z", ["x"]), (b"id: 1", ["x"])]:
        parser = Parser(on_comment=comments.append, keep_raw=True)
        parser.feed(b"data: x\n" + end)
        (event,) = parser.close(dispatch_incomplete=True)
        assert [event.data] == events
        assert event.raw == b"data: x\n" + end
    assert comments == ["z"]


def test_dispatch_incomplete_takes_retry_of_an_unterminated_last_line(Parser):
    parser = Parser()
    parser.feed(b"retry: 5")
    assert parser.close(dispatch_incomplete=True) == []
    assert parser.retry == 5


def test_dispatch_incomplete_dispatches_nothing_without_data(Parser):
    parser = Parser()
    parser.feed(b"event: e\nid: 1\n")
    assert parser.close(dispatch_incomplete=True) == []
    assert parser.last_event_id == "1"


def test_dispatch_incomplete_takes_any_truth_value(Parser):
    parser = Parser()
    parser.feed(b"data")
    assert len(parser.close(dispatch_incomplete=1)) == 1


def test_dispatch_incomplete_is_keyword_only(Parser):
    with pytest.raises(TypeError):
        Parser().close(True)


def test_closing_twice_is_harmless(Parser):
    parser = Parser()
    parser.feed(b"data: x\n")
    assert parser.close() == []
    assert parser.close() == []
    assert parser.close(dispatch_incomplete=True) == []
    assert parser.truncated is True


def test_feeding_after_close_raises(Parser):
    parser = Parser()
    parser.close()
    for data in (b"", b"data: x\n\n", "no bytes"):
        with pytest.raises(ParserClosedError, match=r"closed; call reset\(\) to begin a new"):
            parser.feed(data)
    assert issubclass(ParserClosedError, SSEError)


def test_the_closed_error_can_be_pickled(Parser):
    parser = Parser()
    parser.close()
    with pytest.raises(ParserClosedError) as caught:
        parser.feed(b"")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


# reset().


def test_reset_forgets_everything_partial(Parser):
    parser = Parser(keep_raw=True)
    parser.feed(b"event: e\nretry: 1\ndata: x\ndata: y")
    parser.reset()
    assert parser.pending_bytes == 0
    (event,) = parser.feed(b"data: z\n\n")
    assert fields(event) == ("message", "z", b"z", "", None, b"data: z\n\n")


def test_reset_forgets_an_unfinished_id(Parser):
    parser = Parser()
    parser.feed(b"id: 1\n\nid: 2\n")
    parser.reset()
    parser.feed(b"\n")
    assert parser.last_event_id == "1"


def test_reset_forgets_a_cr(Parser):
    parser = Parser()
    parser.feed(b"data: x\n\ndata: y\r")
    parser.reset()
    parser.feed(b"data: z\n")
    parser.reset()
    # The LF is a blank line of its own; before it nothing came.
    assert parser.feed(b"\ndata: a\n\n")[0].data == "a"


def test_reset_after_a_blank_cr_takes_a_lf_as_a_line_end(Parser):
    lines = []
    parser = Parser(keep_raw=True, on_ignored_line=lines.append)
    parser.feed(b"x\r")
    parser.reset()
    (event,) = parser.feed(b"\ndata: a\n\n")
    assert event.raw == b"data: a\n\n"


def test_reset_keeps_last_event_id_and_retry(Parser):
    parser = Parser()
    parser.feed(b"id: 1\nretry: 5\ndata\n\n")
    parser.close()
    parser.reset()
    assert parser.last_event_id == "1"
    assert parser.retry == 5
    (event,) = parser.feed(b"data\n\n")
    assert event.id == "1"
    assert event.retry is None


def test_reset_accepts_a_bom_again(Parser):
    parser = Parser()
    for _ in range(3):
        assert len(parser.feed(BOM + b"data\n\n")) == 1
        parser.reset()


def test_reset_forgets_half_a_bom(Parser):
    parser = Parser()
    parser.feed(BOM[:2])
    assert parser.pending_bytes == 2
    parser.reset()
    assert parser.pending_bytes == 0
    assert len(parser.feed(BOM + b"data\n\n")) == 1


def test_reset_opens_a_closed_parser_and_clears_truncated(Parser):
    parser = Parser()
    parser.feed(b"data")
    parser.close()
    parser.reset()
    assert parser.truncated is False
    assert len(parser.feed(b"data\n\n")) == 1


def test_reset_keeps_the_options(Parser):
    comments = []
    parser = Parser(on_comment=comments.append, keep_raw=True, max_event_size=10)
    parser.reset()
    assert parser.feed(b": c\ndata\n\n")[0].raw == b": c\ndata\n\n"
    assert comments == ["c"]
    with pytest.raises(EventTooLargeError):
        parser.feed(b"x" * 11)


def test_an_event_that_waits_only_for_a_lf_survives_reset(Parser):
    """Its blank line has come: it is whole, and so is its ID."""
    parser = Parser(keep_raw=True)
    events = parser.feed(b"id: 1\r\ndata: x\r\n\r")
    parser.reset()
    assert parser.last_event_id == "1"
    events += parser.feed(b"")
    assert [(event.data, event.raw) for event in events] == [("x", b"id: 1\r\ndata: x\r\n\r")]


# pending_bytes.


def test_pending_bytes_are_field_lines_without_line_ends_and_the_unfinished_line(Parser):
    parser = Parser()
    expected = [
        (b"data: x", 7),
        (b"\r", 7),
        (b"\n", 7),
        (b": comm", 13),
        (b"ent\n", 7),
        (b"foo", 10),
        (b"\r\n", 10),
        (b"\n", 0),
        (b"\n\n", 0),
        (b"id", 2),
    ]
    for chunk, pending_bytes in expected:
        parser.feed(chunk)
        assert parser.pending_bytes == pending_bytes, chunk


def test_pending_bytes_with_keep_raw_are_all_bytes_of_the_block(Parser):
    parser = Parser(keep_raw=True)
    fed = 0
    for chunk in (b"data: x", b"\r", b"\n", b": comm", b"ent\n", b"foo", b"\r\n"):
        parser.feed(chunk)
        fed += len(chunk)
        assert parser.pending_bytes == fed
    parser.feed(b"\n")
    assert parser.pending_bytes == 0


def test_pending_bytes_do_not_count_a_bom(Parser):
    for keep_raw in (False, True):
        parser = Parser(keep_raw=keep_raw)
        parser.feed(BOM + b"data")
        assert parser.pending_bytes == 4


# keep_raw.


def test_raw_is_the_block_with_comments_and_line_ends(Parser):
    blocks = [b": c\ndata: 1\n\n", b"\xffoo\rdata: 2\r\r", b"id\r\ndata: 3\r\n\r\n"]
    events = Parser(keep_raw=True).feed(b"".join(blocks))
    assert [event.raw for event in events] == blocks


def test_raw_has_no_bom(Parser):
    (event,) = Parser(keep_raw=True).feed(BOM + b"data\n\n")
    assert event.raw == b"data\n\n"


def test_raw_leaves_out_blocks_without_data(Parser):
    (event,) = Parser(keep_raw=True).feed(b"\n: ping\n\nid: 1\n\n\r\n\rdata: x\n\n")
    assert event.raw == b"data: x\n\n"


def test_raw_is_none_without_keep_raw(Parser):
    assert Parser().feed(b"data\n\n")[0].raw is None


def test_raw_of_a_blank_crlf_waits_for_the_lf(Parser):
    parser = Parser(keep_raw=True)
    assert parser.feed(b"data: x\r\n\r") == []
    assert parser.feed(b"") == []
    (event,) = parser.feed(b"\n")
    assert event.raw == b"data: x\r\n\r\n"


def test_raw_of_a_blank_cr_ends_with_it_when_no_lf_follows(Parser):
    parser = Parser(keep_raw=True)
    assert parser.feed(b"data: x\n\r") == []
    (event,) = parser.feed(b"data: y")
    assert event.raw == b"data: x\n\r"


def test_raw_of_a_stream_of_lone_crs_never_waits(Parser):
    parser = Parser(keep_raw=True)
    (event,) = parser.feed(b"data: x\r\r")
    assert event.raw == b"data: x\r\r"
    (event,) = parser.feed(b"\ndata: y\r\r")
    assert event.raw == b"data: y\r\r"


# Callbacks, and what they raise.


@pytest.mark.parametrize(
    ("option", "line"), [("on_comment", b": x\n"), ("on_ignored_line", b"x\n")]
)
def test_an_exception_in_a_callback_comes_out_of_feed(Parser, option, line):
    def fail(text):
        raise LookupError(text)

    with pytest.raises(LookupError, match="x"):
        Parser(**{option: fail}).feed(line)


def test_events_of_the_same_bytes_come_with_the_next_call(Parser):
    def fail(text):
        raise LookupError

    parser = Parser(on_comment=fail)
    with pytest.raises(LookupError):
        parser.feed(b"data: 1\n\n: x\ndata: 2\n\ndata: 3")
    assert parser.pending_bytes == 7
    assert [event.data for event in parser.feed(b"4\n\n")] == ["1", "2", "34"]
    assert parser.feed(b"") == []


@pytest.mark.parametrize("next_call", ["feed", "close", "reset"])
def test_every_next_call_delivers_the_events(Parser, next_call):
    def fail(text):
        raise LookupError

    parser = Parser(on_comment=fail)
    with pytest.raises(LookupError):
        parser.feed(b"data: 1\n\n: x\n")
    if next_call == "reset":
        parser.reset()
    events = parser.close() if next_call == "close" else parser.feed(b"")
    assert [event.data for event in events] == ["1"]


def test_events_that_a_failing_close_held_back_come_with_the_next_close(Parser):
    def fail(text):
        raise LookupError

    parser = Parser(on_ignored_line=fail)
    parser.feed(b"data: 1\nunknown")
    with pytest.raises(LookupError):
        parser.close(dispatch_incomplete=True)
    assert parser.truncated is True
    assert [event.data for event in parser.close()] == ["1"]
    assert parser.close() == []


def test_the_first_of_several_exceptions_comes_out(Parser):
    def fail(text):
        raise LookupError(text)

    parser = Parser(on_comment=fail)
    with pytest.raises(LookupError, match="a"):
        parser.feed(b": a\n: b\ndata\n\n")
    assert len(parser.feed(b"")) == 1


def test_callbacks_go_on_after_one_has_raised(Parser):
    texts = []

    def fail(text):
        texts.append(text)
        raise LookupError(text)

    with pytest.raises(LookupError):
        Parser(on_comment=fail, on_ignored_line=fail).feed(b": a\nb\n: c\n")
    assert texts == ["a", "b", "c"]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_an_exception_never_hides_an_interrupt(Parser, interrupt):
    exceptions = [LookupError, interrupt, ValueError]

    def fail(text):
        raise exceptions.pop(0)

    parser = Parser(on_comment=fail)
    with pytest.raises(interrupt):
        parser.feed(b": a\n: b\n: c\ndata\n\n")
    assert exceptions == []
    assert len(parser.feed(b"")) == 1


def test_an_exception_comes_before_the_limit_that_the_same_bytes_break(Parser):
    def fail(text):
        raise LookupError

    parser = Parser(on_comment=fail, max_event_size=5)
    with pytest.raises(LookupError):
        parser.feed(b"data\n\n: x\ntoo large\n")
    assert len(parser.feed(b"")) == 1
    with pytest.raises(EventTooLargeError):
        parser.feed(b"")


def test_an_exception_of_an_earlier_connection_never_comes_later(Parser):
    def fail(text):
        raise LookupError

    parser = Parser(on_comment=fail)
    with pytest.raises(LookupError):
        parser.feed(b": x\n")
    parser.reset()
    assert len(parser.feed(b"data\n\n")) == 1


def test_the_traceback_leads_into_the_callback(Parser):
    def the_culprit(text):
        raise LookupError

    with pytest.raises(LookupError) as caught:
        Parser(on_comment=the_culprit).feed(b":\n")
    assert caught.traceback[-1].name == "the_culprit"


def test_what_a_callback_returns_does_not_matter(Parser):
    parser = Parser(on_comment=lambda _: NotImplemented, on_ignored_line=lambda _: True)
    assert len(parser.feed(b": x\ny\ndata\n\n")) == 1


def test_callbacks_may_read_the_parser(Parser):
    seen = []
    parser = Parser(
        on_comment=lambda _: seen.append((parser.last_event_id, parser.retry, parser.truncated))
    )
    parser.feed(b"id: 1\nretry: 5\n:\n\n:\n")
    assert seen == [("", 5, False), ("1", 5, False)]


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("feed", lambda parser: parser.feed(b"data: inner\n\n")),
        ("feed", lambda parser: parser.feed("no bytes")),
        ("close", lambda parser: parser.close()),
        ("close", lambda parser: parser.close(dispatch_incomplete=True)),
        ("reset", lambda parser: parser.reset()),
        ("__init__", lambda parser: parser.__init__()),
        ("__init__", lambda parser: parser.__init__(max_event_size=0)),
    ],
)
@pytest.mark.parametrize("during", ["feed", "close"])
def test_calling_the_parser_from_its_callback_is_a_runtime_error(Parser, method, call, during):
    errors = []

    def re_enter(_):
        try:
            call(parser)
        except RuntimeError as error:
            errors.append(str(error))

    parser = Parser(on_comment=re_enter)
    if during == "feed":
        events = parser.feed(b"data: 1\n: x\n\ndata: 2\n\n")
    else:
        assert parser.feed(b"data: 1\n\ndata: 2\n: x")[0].data == "1"
        events = parser.close(dispatch_incomplete=True)
        assert parser.truncated is True
        parser.reset()
    assert len(errors) == 1
    assert errors[0].startswith(f"Parser.{method}() was called while the parser was at work")
    assert events[-1].data == "2"
    assert parser.feed(b"data: 3\n\n")[0].data == "3"


def test_a_re_entrant_call_that_is_not_caught_comes_out_and_loses_nothing(Parser):
    parser = Parser(on_comment=lambda _: parser.feed(b"data: inner\n\n"))
    with pytest.raises(RuntimeError, match="a parser belongs to one stream"):
        parser.feed(b"data: 1\n\n: x\ndata: 2\n\n")
    assert [event.data for event in parser.feed(b"")] == ["1", "2"]


def test_another_parser_may_be_fed_from_a_callback(Parser):
    inner = Parser()
    events = []
    outer = Parser(on_comment=lambda text: events.extend(inner.feed(text.encode() + b"\n\n")))
    outer.feed(b": data: 1\n: data: 2\n")
    assert [event.data for event in events] == ["1", "2"]


def test_a_parser_at_work_refuses_another_thread(Parser):
    at_work, done = threading.Event(), threading.Event()
    events = []

    def wait(_):
        at_work.set()
        assert done.wait(10)

    parser = Parser(on_comment=wait)
    thread = threading.Thread(target=lambda: events.extend(parser.feed(b": x\ndata: 1\n\n")))
    thread.start()
    try:
        assert at_work.wait(10)
        for call in (lambda: parser.feed(b"data: 2\n\n"), parser.close, parser.reset):
            with pytest.raises(RuntimeError, match="or from another thread"):
                call()
    finally:
        done.set()
        thread.join()
    assert [event.data for event in events] == ["1"]
    assert parser.feed(b"data: 3\n\n")[0].data == "3"


# A parser as an object.


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_parser_cannot_be_pickled(Parser, protocol):
    with pytest.raises(TypeError, match="a Parser cannot be pickled or copied: it belongs to one"):
        pickle.dumps(Parser(), protocol)


@pytest.mark.parametrize("copy_function", [copy.copy, copy.deepcopy])
def test_a_parser_cannot_be_copied(Parser, copy_function):
    with pytest.raises(TypeError, match="cannot be pickled or copied"):
        copy_function(Parser())


def test_a_parser_can_be_subclassed(Parser):
    class Counting(Parser):
        def __init__(self, name, **options):
            super().__init__(on_comment=self.count, **options)
            self.name = name
            self.comments = 0

        def count(self, text):
            self.comments += 1

        def feed(self, data):
            return [event.data for event in super().feed(data)]

    parser = Counting("a", keep_raw=True)
    assert parser.feed(b": x\n:\ndata: y\n\n") == ["y"]
    assert parser.comments == 2
    assert isinstance(parser, Parser)
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(parser)


def test_a_subclass_that_never_called_init_does_no_harm(Parser):
    class Careless(Parser):
        def __init__(self):
            pass

    parser = Careless()
    for call in (lambda: parser.feed(b"data: x\n\n"), parser.close, parser.reset):
        with contextlib.suppress(AttributeError):
            call()
    # It can still be made a parser.
    Parser.__init__(parser)
    assert len(parser.feed(b"data: x\n\n")) == 1


def test_a_parser_in_a_reference_cycle_is_collected(Parser):
    class Owner:
        def on_comment(self, text):
            pass

    owner = Owner()
    owner.parser = Parser(on_comment=owner.on_comment)
    owner.parser.feed(b": x\ndata: unfinished")
    gone = weakref.ref(owner)
    del owner
    gc.collect()
    assert gone() is None


def test_feed_returns_a_new_list_each_time(Parser):
    parser = Parser()
    first = parser.feed(b"")
    first.append("mine")
    assert parser.feed(b"") == []


# The two parsers look the same.


def _signature(thing) -> list[tuple[str, object, object]]:
    """Names, kinds and defaults; the compiled parser keeps its annotations in its stub."""
    parameters = inspect.signature(thing).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in parameters]


def _public_names(thing) -> list[str]:
    return sorted(name for name in dir(thing) if not name.startswith("_"))


@pytest.mark.parametrize("name", ["Event", "Parser"])
def test_both_classes_have_the_same_names(twins, name):
    compiled, python = (getattr(module, name) for module in twins)
    assert _public_names(compiled) == _public_names(python)


@pytest.mark.parametrize("name", ["Event", "Parser"])
def test_both_classes_have_the_same_signature(twins, name):
    compiled, python = (getattr(module, name) for module in twins)
    assert _signature(compiled) == _signature(python)


@pytest.mark.parametrize("name", ["Parser.feed", "Parser.close", "Parser.reset", "Event.json"])
def test_both_parsers_methods_have_the_same_signature(twins, name):
    class_name, method = name.split(".")
    compiled, python = (getattr(getattr(module, class_name), method) for module in twins)
    assert _signature(compiled) == _signature(python)


@pytest.mark.parametrize(
    ("class_name", "name"),
    [("Parser", None), ("Event", None)]
    + [("Parser", name) for name in ("feed", "close", "reset")]
    + [("Parser", name) for name in ("last_event_id", "retry", "pending_bytes", "truncated")]
    + [("Event", name) for name in ("event", "data", "data_bytes", "id", "retry", "raw", "json")],
)
def test_both_parsers_have_the_same_docstrings(twins, class_name, name):
    compiled, python = (getattr(module, class_name) for module in twins)
    if name is not None:
        compiled, python = getattr(compiled, name), getattr(python, name)
    assert compiled.__doc__
    # Python 3.13 strips the indentation of docstrings when it compiles them.
    assert inspect.cleandoc(compiled.__doc__) == inspect.cleandoc(python.__doc__)


@pytest.mark.parametrize("name", ["feed", "close", "reset", "__init__"])
def test_every_public_method_has_a_signature(Parser, name):
    assert inspect.signature(getattr(Parser(), name)) is not None


def test_the_type_of_an_event_is_its_own_whatever_type_came_before(Parser):
    types = ["a", "a", "ab", "a", "b", "b" * 65, "b" * 65, "b" * 64, "b" * 64, "b" * 63, "a"]
    body = "".join(f"event: {type}\ndata\n\n" for type in types)
    assert [event.event for event in Parser().feed(body.encode())] == types
