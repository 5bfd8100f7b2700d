"""Event: immutable, comparable, printable, picklable, decoded on first use."""

from __future__ import annotations

import copy
import gc
import inspect
import json
import pickle
from enum import Enum

import pytest
from streams import fields

RAW = b"event: e\ndata: x\n\n"
NAMES = ["event", "data", "data_bytes", "id", "retry", "raw"]


@pytest.fixture
def event(Event):
    return Event("e", "x", "1", 5, RAW)


# The constructor.


def test_an_event_without_arguments_is_an_empty_message(Event):
    assert fields(Event()) == ("message", "", b"", "", None, None)


def test_an_event_has_what_it_was_given(Event):
    assert fields(Event("e", "\u20ac", "1", 5, RAW)) == (
        "e",
        "\u20ac",
        b"\xe2\x82\xac",
        "1",
        5,
        RAW,
    )


def test_arguments_have_the_names_of_the_attributes(Event):
    event = Event(event="e", data="x", id="1", retry=5, raw=RAW)
    assert event == Event("e", "x", "1", 5, RAW)


def test_data_may_be_bytes_as_they_come_over_the_wire(Event):
    event = Event(data=b"\xe2\x82\xac\xff")
    assert event.data == "\u20ac\ufffd"
    assert event.data_bytes == b"\xe2\x82\xac\xff"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"event": None}, "event must be a str, not NoneType"),
        ({"event": b"e"}, "event must be a str, not bytes"),
        ({"data": None}, "data must be a str or bytes, not NoneType"),
        ({"data": bytearray(b"x")}, "data must be a str or bytes, not bytearray"),
        ({"data": 1}, "data must be a str or bytes, not int"),
        ({"id": None}, "id must be a str, not NoneType"),
        ({"id": 1}, "id must be a str, not int"),
        ({"retry": "5"}, "retry must be an int or None, not str"),
        ({"retry": 5.0}, "retry must be an int or None, not float"),
        ({"retry": True}, "retry must be an int or None, not bool"),
        ({"raw": "x"}, "raw must be bytes or None, not str"),
        ({"raw": bytearray()}, "raw must be bytes or None, not bytearray"),
    ],
)
def test_arguments_of_a_wrong_type_are_type_errors(Event, arguments, message):
    with pytest.raises(TypeError) as caught:
        Event(**arguments)
    assert str(caught.value) == message


@pytest.mark.parametrize("retry", [-1, 10**18, -(10**30), 10**30])
def test_a_retry_that_no_stream_can_set_is_a_value_error(Event, retry):
    with pytest.raises(ValueError, match=f"^retry must be from 0 to 18 digits.*, not {retry}$"):
        Event(retry=retry)


@pytest.mark.parametrize("retry", [0, 1, 10**18 - 1])
def test_a_retry_that_a_stream_can_set_is_taken(Event, retry):
    assert Event(retry=retry).retry == retry


def test_data_that_utf_8_cannot_hold_is_a_value_error(Event):
    with pytest.raises(ValueError, match="surrogates not allowed"):
        Event(data="\ud800")


@pytest.mark.parametrize("arguments", [("a",) * 6, ("e", "x", "1", None, None, None)])
def test_too_many_arguments_are_a_type_error(Event, arguments):
    with pytest.raises(TypeError):
        Event(*arguments)


def test_unknown_arguments_are_type_errors(Event):
    with pytest.raises(TypeError, match="type"):
        Event(type="e")


class Kind(str, Enum):
    ADD = "add"

    def __str__(self):
        return "something else"


class Payload(bytes):
    def __bytes__(self):
        return b"something else"


class Text(str):
    def encode(self, *_):
        return b"something else"


def test_subclasses_of_str_and_bytes_become_str_and_bytes(Event):
    event = Event(Kind.ADD, Payload(b"x"), Kind.ADD, 5, Payload(b"y"))
    assert fields(event) == ("add", "x", b"x", "add", 5, b"y")
    assert [type(value) for value in fields(event)] == [str, str, bytes, str, int, bytes]
    assert Event(data=Text("x")).data_bytes == b"x"


def test_new_without_init_makes_an_event_that_is_safe_to_use(Event):
    """What such an event says is undefined; that asking it does not crash is not."""
    event = Event.__new__(Event)
    assert fields(event) is not None
    assert repr(event).startswith("Event(")
    assert event == event
    hash(event)


# Immutability.


@pytest.mark.parametrize("name", [*NAMES, "something_else", "__dict__", "json", "__class__"])
def test_no_attribute_can_be_set(event, name):
    before = fields(event)
    with pytest.raises((AttributeError, TypeError)):
        setattr(event, name, "other")
    assert fields(event) == before


@pytest.mark.parametrize("name", NAMES)
def test_no_attribute_can_be_deleted(event, name):
    with pytest.raises((AttributeError, TypeError)):
        delattr(event, name)
    assert fields(event) == ("e", "x", b"x", "1", 5, RAW)


def test_an_event_has_no_dict(event):
    assert not hasattr(event, "__dict__")


def test_init_again_changes_nothing(event):
    before = hash(event)
    event.__init__("other", "other", "other", 7, b"other")
    assert fields(event) == ("e", "x", b"x", "1", 5, RAW)
    assert hash(event) == before


def test_an_event_cannot_be_subclassed(Event):
    with pytest.raises(TypeError):
        type("SubEvent", (Event,), {})


# Equality and hash.


def test_events_with_the_same_fields_are_equal(Event, event):
    same = Event("e", b"x", "1", 5, RAW)
    assert event == same
    assert (event != same) is False
    assert hash(event) == hash(same)
    assert len({event, same}) == 1


@pytest.mark.parametrize(
    "change",
    [{"event": "f"}, {"data": "y"}, {"id": ""}, {"retry": None}, {"retry": 6}, {"raw": None}],
)
def test_events_that_differ_in_a_field_are_not_equal(Event, event, change):
    same = {"event": "e", "data": "x", "id": "1", "retry": 5, "raw": RAW}
    other = Event(**{**same, **change})
    assert event != other
    assert (event == other) is False


def test_a_retry_of_zero_is_not_no_retry(Event):
    assert Event(retry=0) != Event()
    assert Event(retry=0).retry == 0


def test_reading_data_changes_neither_equality_nor_hash(Event):
    read, unread = Event(data=b"x"), Event(data=b"x")
    assert read.data == "x"
    assert read == unread
    assert hash(read) == hash(unread)


def test_events_are_compared_by_their_bytes(Event):
    """What is invalid reads alike, but is not the same event."""
    assert Event(data=b"\xff").data == Event(data=b"\xfe").data
    assert Event(data=b"\xff") != Event(data=b"\xfe")


@pytest.mark.parametrize("other", [None, "x", ("e", "x", "1", 5), object()])
def test_an_event_equals_nothing_else(event, other):
    assert event != other
    assert event.__eq__(other) is NotImplemented


def test_an_event_can_equal_what_knows_events(event):
    class Anything:
        def __eq__(self, other):
            return True

        __hash__ = None

    assert event == Anything()


def test_events_have_no_order(event):
    with pytest.raises(TypeError):
        sorted([event, event])


def test_parsed_and_made_events_are_equal(Event, Parser):
    (parsed,) = Parser().feed(b"event: e\nid: 1\nretry: 5\ndata: \xe2\x82\xac\n\n")
    assert parsed == Event("e", "\u20ac", "1", 5)
    (parsed,) = Parser(keep_raw=True).feed(b"data\n\n")
    assert parsed == Event(raw=b"data\n\n")


# Printing.


def test_repr_is_how_one_makes_it(Event):
    event = Event("e", 'a"\n\u20ac', "1", 5)
    assert repr(event) == "Event(event='e', data='a\"\\n\u20ac', id='1', retry=5)"
    assert eval(repr(event), {"Event": Event}) == event


def test_repr_shows_raw_where_there_is_any(Event, event):
    assert repr(event) == f"Event(event='e', data='x', id='1', retry=5, raw={RAW!r})"
    assert eval(repr(event), {"Event": Event}) == event


def test_str_is_repr(event):
    assert str(event) == repr(event)


# Matching.


def test_match_args_are_the_fields_people_read(Event):
    assert Event.__match_args__ == ("event", "data", "id", "retry")


def test_an_event_matches_by_position_and_by_name(Event):
    match Event("add", "x", "1", 5):
        case Event("add", data, id, retry):
            assert (data, id, retry) == ("x", "1", 5)
        case _:
            pytest.fail("no match")
    match Event("add", "x"):
        case Event(event="remove"):
            pytest.fail("wrong match")
        case Event(event="add", data_bytes=data):
            assert data == b"x"
        case _:
            pytest.fail("no match")


# Pickles and copies.


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("read", [False, True])
def test_an_event_survives_pickling(Event, protocol, read):
    for event in (Event("e", b"\xff", "1", 0, RAW), Event()):
        if read:
            assert event.data is not None
        again = pickle.loads(pickle.dumps(event, protocol))
        assert type(again) is Event
        assert again == event
        assert fields(again) == fields(event)


def test_an_event_pickled_elsewhere_becomes_one_of_the_parser_that_is_here(event):
    """A machine with a compiler and one without may exchange events."""
    import sseparse

    restore, (_, *values) = event.__reduce__()
    again = restore("sseparse._parser_of_another_machine", *values)
    assert type(again) is sseparse.Event
    assert fields(again) == fields(event)


def test_copies_are_the_event_itself(event):
    assert copy.copy(event) is event
    assert copy.deepcopy(event) is event
    assert copy.deepcopy([event, {"event": event}])[1]["event"] is event


# Data.


def test_data_is_decoded_once(Event):
    event = Event(data=b"x" * 100)
    assert event.data is event.data


def test_data_keeps_what_the_wire_had(Parser):
    (event,) = Parser().feed(b"data: \xff\xe2\x82\ndata: \xac\n\n")
    assert event.data_bytes == b"\xff\xe2\x82\n\xac"
    assert event.data == "\ufffd\ufffd\n\ufffd"


def test_data_of_an_event_does_not_keep_the_chunk(Parser):
    chunk = b"data: x\n\n" + bytes(1000)
    (event,) = Parser(keep_raw=True).feed(chunk)
    assert chunk not in gc.get_referents(event)
    assert event.data_bytes == b"x"


def test_json_parses_the_data(Event):
    assert Event(data='{"a": [1, "\u20ac"]}').json() == {"a": [1, "\u20ac"]}


def test_json_takes_another_parser(Event):
    assert Event(data="1.5").json(loads=lambda text: (type(text), text)) == (str, "1.5")
    assert Event(data="1.5").json(str.upper) == "1.5"


def test_json_of_anything_else_is_a_value_error(Event):
    with pytest.raises(json.JSONDecodeError):
        Event(data="[DONE]").json()
    with pytest.raises(ValueError, match="Expecting value"):
        Event().json()


def test_json_by_default_is_that_of_the_standard_library(Event):
    assert inspect.signature(Event.json).parameters["loads"].default is json.loads


# Small things that memory depends on.


def test_the_type_of_most_events_is_one_object(Parser):
    first, second, third, fourth = Parser().feed(
        b"data\n\ndata\n\nevent: a\ndata\n\nevent: message\ndata\n\n"
    )
    assert first.event is second.event
    assert third.event == "a"
    assert fourth.event == "message"


def test_an_id_that_stays_is_one_object(Parser):
    first, second = Parser().feed(b"id: some-long-id\ndata\n\ndata\n\n")
    assert first.id is second.id
