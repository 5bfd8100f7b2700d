"""What real servers sent: the same events whole, as read, byte by byte and cut at random."""

from __future__ import annotations

import random
from pathlib import PurePath

import pytest
from corpus import CORPUS, exact_streams, reads_of
from streams import cut, run
from whatwg import interpret

if not CORPUS.is_dir():
    pytest.skip(f"no recorded streams at {CORPUS}", allow_module_level=True)

STREAMS = {PurePath(entry["file"]).stem: entry for entry in exact_streams()}
each_stream = pytest.mark.parametrize("entry", STREAMS.values(), ids=list(STREAMS))


def parsed(Parser, chunks, **options):
    outcome = run(Parser, chunks, **options)
    assert outcome.error is None
    return [(type_, data, id_) for type_, data, _, id_, _, _ in outcome.events], outcome


def random_chunks(body: bytes, seed: int) -> list[bytes]:
    """Many small pieces, as a slow model's tokens come, and some large ones."""
    rng = random.Random(seed)
    places, place = [], 0
    while place < len(body):
        place += rng.choice([1, 2, 3, rng.randint(1, 100), rng.randint(1, 2000)])
        places.append(min(place, len(body)))
    return cut(body, places)


def test_there_are_recorded_streams():
    assert len(STREAMS) > 50


@each_stream
def test_a_recorded_stream_whole(Parser, entry):
    body = entry["bytes"]
    expected = interpret(body)
    events, outcome = parsed(Parser, [body])
    assert events == expected.events
    assert len(events) == entry["events"]
    assert max((len(event[2]) for event in outcome.events), default=0) == entry["max_event_bytes"]
    assert outcome.calls == expected.calls
    assert outcome.last_event_id == expected.last_event_id
    assert outcome.retry == expected.reconnection_time


@each_stream
def test_a_recorded_stream_as_it_was_read(Parser, entry):
    events, _ = parsed(Parser, reads_of(entry))
    assert events == interpret(entry["bytes"]).events


@each_stream
def test_a_recorded_stream_byte_by_byte(Parser, entry):
    body = entry["bytes"]
    _, whole = parsed(Parser, [body])
    _, outcome = parsed(Parser, [body[place : place + 1] for place in range(len(body))])
    assert outcome == whole


@each_stream
def test_a_recorded_stream_cut_at_random(Parser, entry):
    body = entry["bytes"]
    for keep_raw in (False, True):
        _, whole = parsed(Parser, [body], keep_raw=keep_raw)
        for seed in (1, 2):
            _, outcome = parsed(Parser, random_chunks(body, seed), keep_raw=keep_raw)
            assert outcome == whole, (keep_raw, seed)


@each_stream
def test_the_raw_of_a_recorded_stream_is_the_same_stream(Parser, entry):
    """What a gateway passes on leaves out only blocks without data."""
    body = entry["bytes"]
    _, outcome = parsed(Parser, [body], keep_raw=True)
    passed_on = b"".join(event[-1] for event in outcome.events)
    again, _ = parsed(Parser, [passed_on])
    assert [event[:2] for event in again] == [event[:2] for event in outcome.events]
