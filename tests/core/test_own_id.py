"""Event.own_id: the ID that this very block set, for those who send events on."""

from __future__ import annotations

import copy
import pickle

import pytest
from hypothesis import given
from streams import chunkings


def own_ids(Parser, body, **options):
    parser = Parser(**options)
    return [(event.id, event.own_id) for event in parser.feed(body) + parser.close()]


def test_an_id_is_own_in_the_block_that_set_it_and_inherited_after_it(Parser):
    body = b"id: 1\ndata: a\n\ndata: b\n\ndata: c\nid: 2\n\n"
    assert own_ids(Parser, body) == [("1", "1"), ("1", None), ("2", "2")]


def test_an_event_without_any_id_has_none_of_its_own(Parser):
    assert own_ids(Parser, b"data: a\n\nevent: x\ndata: b\n\n") == [("", None), ("", None)]


def test_an_id_of_an_earlier_connection_is_not_own(Parser):
    assert own_ids(Parser, b"data: a\n\n", last_event_id="7") == [("7", None)]


def test_an_empty_id_is_own(Parser):
    body = b"id: 1\ndata: a\n\nid\ndata: b\n\ndata: c\n\n"
    assert own_ids(Parser, body) == [("1", "1"), ("", ""), ("", None)]


def test_an_id_of_a_block_without_data_is_inherited(Parser):
    assert own_ids(Parser, b"id: 1\n\ndata: a\n\n") == [("1", None)]


def test_an_id_with_a_nul_is_not_own(Parser):
    assert own_ids(Parser, b"id: 1\ndata: a\n\nid: 2\0\ndata: b\n\n") == [("1", "1"), ("1", None)]


def test_the_same_id_again_is_own_again(Parser):
    assert own_ids(Parser, b"id: 1\ndata: a\n\nid: 1\ndata: b\n\n") == [("1", "1"), ("1", "1")]


def test_it_is_there_with_raw(Parser):
    body = b"id: 1\r\ndata: a\r\n\r\ndata: b\r\n\r\n"
    assert own_ids(Parser, body, keep_raw=True) == [("1", "1"), ("1", None)]


@given(chunks=chunkings())
def test_cutting_and_the_implementation_do_not_matter(twins, chunks):
    seen = []
    for module in twins:
        parser = module.Parser()
        events = [event for chunk in chunks for event in parser.feed(chunk)]
        seen.append([(event.id, event.own_id) for event in events])
        seen.append(own_ids(module.Parser, b"".join(chunks)))
    assert seen[1:] == seen[:-1]
    assert all(own in (None, id) for id, own in seen[0])


# Events that somebody makes.


def test_it_is_given_by_its_name(Event):
    event = Event("e", "x", "1", own_id="1")
    assert (event.id, event.own_id) == ("1", "1")
    assert Event("e", "x", "1").own_id is None


def test_the_id_need_not_be_said_twice(Event):
    event = Event(data="x", own_id="1")
    assert (event.id, event.own_id) == ("1", "1")


def test_an_own_id_that_is_not_the_id_is_a_value_error(Event):
    with pytest.raises(ValueError, match=r"^own_id must be the id, which is '1', not '2'$"):
        Event(id="1", own_id="2")
    with pytest.raises(ValueError, match="own_id must be the id"):
        Event(id="1", own_id="")


@pytest.mark.parametrize("own_id", [1, b"1", True])
def test_an_own_id_that_is_no_text_is_a_type_error(Event, own_id):
    with pytest.raises(TypeError, match="own_id must be a str or None, not "):
        Event(own_id=own_id)


def test_it_is_no_part_of_what_events_are_compared_by_and_shown_as(Event, Parser):
    (parsed,) = Parser().feed(b"id: 1\ndata: x\n\n")
    made = Event(data="x", id="1")
    assert parsed.own_id != made.own_id
    assert parsed == made
    assert hash(parsed) == hash(made)
    assert repr(parsed) == repr(made) == "Event(event='message', data='x', id='1', retry=None)"
    assert Event.__match_args__ == ("event", "data", "id", "retry")


@pytest.mark.parametrize("own_id", [None, "", "1"])
def test_it_survives_pickling_and_copying(Event, own_id):
    event = Event(data="x", id=own_id or "", own_id=own_id)
    for again in (pickle.loads(pickle.dumps(event)), copy.copy(event), copy.deepcopy(event)):
        assert again == event
        assert again.own_id == own_id


def test_it_cannot_be_set(Event):
    event = Event(own_id="1")
    with pytest.raises(AttributeError):
        event.own_id = "2"
    assert event.own_id == "1"
