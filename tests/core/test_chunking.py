"""However a stream is cut, the same comes of it: events, callbacks, limits, raw, the end."""

from __future__ import annotations

import pytest
from streams import TRICKY_BODIES, cut, every_cutting, run

NAMES = list(TRICKY_BODIES)


@pytest.mark.parametrize("name", NAMES)
def test_every_cutting_gives_the_same_outcome(Parser, name):
    body = TRICKY_BODIES[name]
    whole = run(Parser, [body])
    for chunks in every_cutting(body):
        assert run(Parser, chunks) == whole, chunks


@pytest.mark.parametrize("name", NAMES)
def test_every_cutting_gives_the_same_outcome_with_raw(Parser, name):
    body = TRICKY_BODIES[name]
    whole = run(Parser, [body], keep_raw=True)
    for chunks in every_cutting(body):
        assert run(Parser, chunks, keep_raw=True) == whole, chunks


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("keep_raw", [False, True])
def test_every_cutting_dispatches_the_same_unfinished_event(Parser, name, keep_raw):
    body = TRICKY_BODIES[name]
    options = {"dispatch_incomplete": True, "keep_raw": keep_raw}
    for end in range(len(body) + 1):
        start = body[:end]
        whole = run(Parser, [start], **options)
        assert run(Parser, [start[i : i + 1] for i in range(end)], **options) == whole
        for place in range(end):
            assert run(Parser, cut(start, [place]), **options) == whole, (start, place)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("keep_raw", [False, True])
def test_every_cutting_breaks_every_limit_at_the_same_place(Parser, name, keep_raw):
    body = TRICKY_BODIES[name]
    for limit in range(1, 25):
        options = {"max_event_size": limit, "keep_raw": keep_raw}
        whole = run(Parser, [body], **options)
        assert run(Parser, [body[i : i + 1] for i in range(len(body))], **options) == whole
        for place in range(len(body)):
            assert run(Parser, cut(body, [place]), **options) == whole, (limit, place)


@pytest.mark.parametrize("name", NAMES)
def test_empty_chunks_change_nothing(Parser, name):
    body = TRICKY_BODIES[name]
    chunks = [piece for place in range(len(body)) for piece in (body[place : place + 1], b"", b"")]
    assert run(Parser, [b"", *chunks]) == run(Parser, [body])


@pytest.mark.parametrize("name", NAMES)
def test_events_come_with_the_byte_that_completes_them(Parser, name):
    """A live stream must not wait for bytes that are not needed."""
    body = TRICKY_BODIES[name]
    parser = Parser()
    seen = 0
    for place in range(len(body)):
        seen += len(parser.feed(body[place : place + 1]))
        so_far = body[: place + 1]
        assert seen == len(run(Parser, [so_far]).events), so_far


@pytest.mark.parametrize("name", NAMES)
def test_the_raw_of_all_events_is_part_of_the_body_in_order(Parser, name):
    body = TRICKY_BODIES[name]
    place = 0
    for *_, raw in run(Parser, [body], keep_raw=True).events:
        assert raw
        place = body.index(raw, place) + len(raw)


@pytest.mark.parametrize("name", NAMES)
def test_raw_parsed_again_gives_the_same_event(Parser, name):
    """Type, data and retry: the ID may be that of an earlier block."""
    for event, data, data_bytes, _, retry, raw in run(
        Parser, [TRICKY_BODIES[name]], keep_raw=True
    ).events:
        # Behind a comment, for a block that begins with what would pass for a BOM.
        (again,) = run(Parser, [b":\n" + raw], keep_raw=True).events
        assert again[:3] == (event, data, data_bytes)
        assert again[4:] == (retry, b":\n" + raw)
