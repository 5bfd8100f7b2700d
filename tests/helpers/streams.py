"""Streams for the tests: bodies worth trying, ways to cut them, what comes of them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import strategies as st

from sseparse import SSEError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

BOM = b"\xef\xbb\xbf"

# Bodies in which nearly every byte matters. Short: tests cut them at every pair of places.
TRICKY_BODIES: dict[str, bytes] = {
    "empty": b"",
    "lf": b"event: a\ndata: 1\n\ndata: 2\n\n",
    "crlf": b"event: a\r\ndata: 1\r\nid: 7\r\n\r\ndata: 2\r\n\r\n",
    "cr": b"event: a\rdata: 1\rid: 7\r\rdata: 2\r\r",
    "mixed line ends": b"data: 1\r\ndata: 2\rdata: 3\n\r\ndata: 4\n\rdata: 5\r\r\ndata: 6\n\n",
    "blank lines": b"\r\n\r\r\n\n\r\ndata: 1\r\n\r\n\r\n\r\r\n\n",
    "lf cr is two line ends": b"data: 1\n\rdata: 2\r\n\n\r",
    "bom": BOM + b"data: 1\n\n" + BOM + b"data: 2\n\n",
    "two boms": BOM + BOM + b"data: 1\n\ndata: 2\n\n",
    "bom and blank line": BOM + b"\r\n" + BOM + b"\r\ndata: 1\r\n\r\n",
    "nearly a bom": b"\xef\xbbdata: 1\n\n\xef\xbb\xbfdata: 2\n\n",
    "bom begun twice": b"\xef\xef\xbb\xbfdata: 1\n\ndata: 2\n\n",
    "only a bom": BOM,
    "half a bom": BOM[:2],
    "split characters": "data: \u00e9\u20ac\U0001f600\n\n: \u20ac\nid: \U0001f600\n\n".encode(),
    "broken utf-8": b"data: \xe2\x82\ndata: \xac\xf0\x9f\x98\n\nevent: \xff\xc0\x80\n"
    b"data: \xed\xa0\x80\r\r",
    "broken utf-8 before the colon": b"data\xe2: 1\n\xf0\x9fdata: 2\ndata: 3\n\n",
    "colons": b"data::: 1\ndata:  2\ndata:\ndata\n:data: 3\n::\n:\n: \n\n",
    "field names": b"dat: 1\ndataa: 2\nDATA: 3\n data: 4\ndata : 5\ndata\t: 6\ndata: 7\n\n",
    "comments": b": one\n:two\n:\n:  three\ndata: 1\n: four\ndata: 2\n\n: five\n\n",
    "ids": b"id: 1\ndata: a\n\nid: 2\n\nid: x\0y\ndata: b\n\nid\ndata: c\n\nid: 3\ndata: d\n",
    "nul": b"\0data: 1\ndata: \0\nevent: \0\nid: \0\n\n",
    "retry": b"retry: 5\nretry: +6\ndata: 1\n\nretry: 007\nretry: 1234567890123456789\n\nretry:8",
    "event types": b"event: a\nevent: b\ndata: 1\n\nevent: c\n\ndata: 2\n\n"
    b"event: d\nevent\ndata: 3\n\n",
    "no data": b"event: a\nid: 1\nretry: 1\n\n: x\n\ndata\n\n",
    "other line ends": "data: a\u2028b\u2029c\x85d\u0085e\x0bf\x0cg\x1ch\n\n".encode(),
    "unfinished line": b"data: 1\n\ndata: 2\nid: 3\ndata: 4",
    "unfinished block": b"data: 1\n\nevent: x\r\ndata: 2\r\nid: 3\r\n",
    "unfinished comment": b"data: 1\n\n: comm",
    "cr at the end": b"data: 1\n\ndata: 2\r\n\r",
    "openai": b'data: {"choices":[{"delta":{"content":"\xc3\xa9"}}]}\n\n: ping\n\ndata: [DONE]\n\n',
    "not an event stream": b'{\r\n  "error": {"message": "no"}\r\n}\r\n',
}


class Outcome(NamedTuple):
    """What came of a stream; the same however it was cut.

    ``error`` is the SSEError that came out in the end, as its type, message and arguments.
    """

    events: list[tuple[Any, ...]]
    calls: list[tuple[str, str]]
    last_event_id: str
    retry: int | None
    truncated: bool
    pending_bytes: int
    error: tuple[type[SSEError], str, tuple[Any, ...]] | None


def fields(event: Any) -> tuple[Any, ...]:
    """Everything that an event has."""
    return event.event, event.data, event.data_bytes, event.id, event.retry, event.raw


def run(
    parser_type: Any,
    chunks: Iterable[bytes],
    *,
    dispatch_incomplete: bool = False,
    **options: Any,
) -> Outcome:
    """Feed the chunks to a new parser, to their end or to an error that stays."""
    calls: list[tuple[str, str]] = []
    parser = parser_type(
        on_comment=lambda text: calls.append(("comment", text)),
        on_ignored_line=lambda line: calls.append(("ignored", line)),
        **options,
    )
    events: list[Any] = []
    pending_bytes = 0
    error = None
    try:
        for chunk in chunks:
            events += parser.feed(chunk)
        # An error that waited while events were returned is due now.
        parser.feed(b"")
        pending_bytes = parser.pending_bytes
        events += parser.close(dispatch_incomplete=dispatch_incomplete)
    except SSEError as exception:
        error = type(exception), str(exception), exception.args
    return Outcome(
        [fields(event) for event in events],
        calls,
        parser.last_event_id,
        parser.retry,
        parser.truncated,
        pending_bytes,
        error,
    )


def cut(body: bytes, places: Iterable[int]) -> list[bytes]:
    """The body in pieces, cut at these places (in any order; empty pieces may come of it)."""
    edges = [0, *sorted(places), len(body)]
    return [body[start:end] for start, end in pairwise(edges)]


def every_cutting(body: bytes) -> Iterator[list[bytes]]:
    """Byte by byte, and cut at every one and every two places."""
    yield [body[place : place + 1] for place in range(len(body))]
    for first in range(len(body) + 1):
        for second in range(first, len(body) + 1):
            yield cut(body, (first, second))


# What random bodies are made of: everything that a rule of the standard mentions, and
# beginnings of it, so that short examples already meet the rules.
_FIELD_NAMES = (b"data", b"event", b"id", b"retry")
_PIECES: Sequence[bytes] = (
    *(b"\n", b"\r", b"\r\n", b"\n\n", b"\r\r", b"\r\n\r\n", b"\n\r"),
    *(b":", b": ", b" ", b"::", b"\t", b"\0", b"x", b"0", b"7", b"+", b"_"),
    *(BOM, BOM[:1], BOM[:2], BOM[1:], BOM[2:]),
    *(
        b"\xff",
        b"\xc3",
        b"\xa9",
        b"\xe2\x82",
        b"\xac",
        b"\xf0\x9f\x98",
        b"\xed\xa0\x80",
        b"\xc0\x80",
    ),
    *("\u00e9", "\u20ac", "\U0001f600", "\u2028", "\u0085", "\u0663"),
    *(name[:length] for name in _FIELD_NAMES for length in range(1, len(name))),
    *(name + end for name in _FIELD_NAMES for end in (b"", b":", b": ", b":  ", b"\n", b"s: ")),
    *(b"data: x\n", b"data: x\n\n", b"data: y\r\n\r\n", b"id: 1\n", b"event: a\n", b"retry: 10\n"),
    *(b"retry: " + b"9" * 18 + b"\n", b"retry: " + b"9" * 19 + b"\n", b": comment\n", b"x" * 40),
)
_PIECES = [piece.encode() if isinstance(piece, str) else piece for piece in _PIECES]

bodies = st.lists(
    st.one_of(st.sampled_from(_PIECES), st.sampled_from(_PIECES), st.binary(max_size=4)),
    max_size=40,
).map(b"".join)


@st.composite
def chunkings(draw: st.DrawFn, of: st.SearchStrategy[bytes] = bodies) -> list[bytes]:
    """A body in chunks: whole, byte by byte, or cut at random places; some may be empty."""
    body = draw(of)
    kind = draw(st.sampled_from(["random", "random", "random", "whole", "bytes"]))
    if kind == "whole":
        return [body]
    if kind == "bytes":
        return [body[place : place + 1] for place in range(len(body))]
    return cut(body, draw(st.lists(st.integers(0, len(body)), max_size=12)))


parser_options = st.fixed_dictionaries(
    {},
    optional={
        "max_event_size": st.one_of(st.none(), st.integers(1, 30), st.integers(30, 300)),
        "keep_raw": st.booleans(),
        "dispatch_without_data": st.booleans(),
        "last_event_id": st.sampled_from(["", "before", "\u20ac"]),
    },
)
