"""Properties over random streams: the parsers against the standard, and against each other.

The standard's algorithm, transcribed in ``whatwg.py``, knows the events. What it does not
know (limits, callbacks that raise, ``raw``, reset) the two parsers are held against each
other for, after every single call.
"""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from streams import BOM, bodies, chunkings, fields, parser_options, run
from whatwg import interpret, utf_8_decoder

# Every example that was ever wrong in a parser, so that no run has to find it again.
_examples = [
    [b"data: 1\r", b"\ndata: 2\r", b"\r", b"\n"],
    [BOM[:1], BOM[1:2], BOM[:2], b"\ndata: 1\n\n"],
    [b"\xef", b"\xbb", b"data: 1\n\n"],
]


def with_examples(test):
    for chunks in _examples:
        test = example(chunks=chunks)(test)
    return test


@with_examples
@given(chunks=chunkings())
def test_every_chunking_of_every_stream_means_what_the_standard_says(Parser, chunks):
    expected = interpret(b"".join(chunks))
    got = run(Parser, chunks)
    assert [(type_, data, id_) for type_, data, _, id_, _, _ in got.events] == expected.events
    assert got.calls == expected.calls
    assert got.last_event_id == expected.last_event_id
    assert got.retry == expected.reconnection_time
    assert got.error is None


@with_examples
@given(chunks=chunkings())
def test_dispatch_incomplete_adds_what_two_more_line_ends_would(Parser, chunks):
    body = b"".join(chunks)
    expected = interpret(body + b"\n\n")
    got = run(Parser, chunks, dispatch_incomplete=True)
    assert [(type_, data, id_) for type_, data, _, id_, _, _ in got.events] == expected.events
    assert got.calls == expected.calls
    assert got.last_event_id == expected.last_event_id
    assert got.retry == expected.reconnection_time


@given(chunks=chunkings(), options=parser_options, dispatch_incomplete=st.booleans())
def test_chunking_never_matters(Parser, chunks, options, dispatch_incomplete):
    options |= {"dispatch_incomplete": dispatch_incomplete}
    assert run(Parser, chunks, **options) == run(Parser, [b"".join(chunks)], **options)


@with_examples
@given(chunks=chunkings())
def test_data_is_data_bytes_decoded(Parser, chunks):
    for _, data, data_bytes, _, _, _ in run(Parser, chunks, dispatch_incomplete=True).events:
        assert data == utf_8_decoder(data_bytes)


@given(chunks=chunkings())
def test_keep_raw_changes_nothing_but_raw(Parser, chunks):
    plain = run(Parser, chunks, max_event_size=None)
    with_raw = run(Parser, chunks, max_event_size=None, keep_raw=True)
    assert [event[:5] for event in with_raw.events] == [event[:5] for event in plain.events]
    assert with_raw[1:5] == plain[1:5]


@given(body=bodies)
def test_raw_ends_with_the_blank_line_and_holds_the_block(Parser, body):
    events = run(Parser, [body], keep_raw=True).events
    place = 0
    for *_, raw in events:
        assert raw.endswith((b"\n\n", b"\r\r", b"\r\n\r\n", b"\n\r", b"\n\r\n", b"\r\n\r"))
        place = body.index(raw, place) + len(raw)


# One run of the same calls on each parser. A plan says for each callback whether it raises.

_ops = st.lists(
    st.one_of(
        st.tuples(st.just("feed"), bodies),
        st.tuples(st.just("feed"), bodies),
        st.tuples(st.just("feed"), st.sampled_from([b"", b"\r", b"\n", b"data: x", b"\n\n"])),
        st.tuples(st.just("close"), st.booleans()),
        st.tuples(st.just("reset"), st.none()),
    ),
    max_size=20,
)
_plans = st.lists(
    st.sampled_from([None, None, None, ValueError, KeyError, KeyboardInterrupt]), max_size=10
)


def observe(module, operations, options, plan):
    """Everything that can be seen from outside, after each call."""
    calls = []

    def callback(kind):
        def call(text):
            calls.append((kind, text, parser.completed))
            if len(calls) <= len(plan) and plan[len(calls) - 1] is not None:
                raise plan[len(calls) - 1](f"call {len(calls)}")

        return call

    parser = module.Parser(
        on_comment=callback("comment"),
        on_ignored_line=callback("ignored"),
        on_ignored_value=callback("value"),
        **options,
    )
    seen = []
    for operation, argument in operations:
        try:
            if operation == "feed":
                result = [fields(event) for event in parser.feed(argument)]
            elif operation == "close":
                result = [fields(e) for e in parser.close(dispatch_incomplete=argument)]
            else:
                result = parser.reset()
        except (Exception, KeyboardInterrupt) as error:
            result = type(error), str(error), error.args
        seen.append(
            (
                (operation, argument),
                result,
                parser.pending_bytes,
                parser.retry,
                parser.last_event_id,
                parser.truncated,
                parser.failed,
                len(calls),
            )
        )
    return seen, calls


@given(operations=_ops, options=parser_options, plan=_plans)
def test_the_parsers_cannot_be_told_apart(twins, operations, options, plan):
    compiled, python = twins
    assert observe(compiled, operations, options, plan) == observe(
        python, operations, options, plan
    )


@given(chunks=chunkings(), options=parser_options, plan=_plans, incomplete=st.booleans())
def test_the_parsers_cannot_be_told_apart_on_one_stream(twins, chunks, options, plan, incomplete):
    compiled, python = twins
    operations = [("feed", chunk) for chunk in chunks]
    operations += [("close", incomplete), ("close", incomplete), ("feed", b"x"), ("close", True)]
    assert observe(compiled, operations, options, plan) == observe(
        python, operations, options, plan
    )


@given(body=bodies)
def test_cpython_replaces_as_the_encoding_standard_does(body):
    """What lets the parsers leave decoding to CPython."""
    assert body.decode("utf-8", "replace") == utf_8_decoder(body)


@given(body=st.binary())
def test_cpython_replaces_any_bytes_as_the_encoding_standard_does(body):
    assert body.decode("utf-8", "replace") == utf_8_decoder(body)
