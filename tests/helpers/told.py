"""Everything that a typed stream can be asked, in values that compare type by type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from typed_streams import IMPLEMENTATIONS, WITHOUT_SHAPES

from sseparse import SSEError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from types import SimpleNamespace

__all__ = [
    "called",
    "check",
    "chunks_of",
    "error_of",
    "everything",
    "of_itself",
    "pushed",
    "shown",
    "texts_of",
]


def shown(value: Any) -> Any:
    """A value with its types, and the undeclared keys in it: 1, 1.0 and True differ.

    It says so of thousands of objects in a test, so the walk through one is msgspec's: what
    Python has to look at is only what its ``repr`` leaves out.
    """
    extras: list[str] = []
    if isinstance(value, (list, msgspec.Struct)):
        note_extras(value, extras)
    return repr(value), extras


def note_extras(value: Any, extras: list[str]) -> None:
    """Add the undeclared keys of each object in a value, in the order of the objects."""
    if isinstance(value, list):
        items = value
    else:
        extras.append(repr(value.model_extra))
        items = msgspec.structs.astuple(value)
    for item in items:
        if isinstance(item, (list, msgspec.Struct)):
            note_extras(item, extras)


def error_of(error: BaseException) -> Any:
    return type(error).__name__, repr(error.args), str(error)


def chunk_of(chunk: Any) -> Any:
    return shown(chunk), chunk.raw, shown(chunk.to_dict())


def each(items: Iterator[Any], show: Any) -> list[Any]:
    """What comes of an iterator, errors in their places."""
    found: list[Any] = []
    while True:
        try:
            found.append(show(next(items)))
        except StopIteration:
            return found
        except SSEError as error:
            found.append(error_of(error))


def chunks_of(stream: Any) -> list[Any]:
    return each(iter(stream), chunk_of)


def texts_of(stream: Any, *choice: int) -> list[Any]:
    return each(stream.iter_text(*choice), repr)


def final_of(stream: Any) -> tuple[Any, Any]:
    """The final object, whatever the API calls it, and the snapshot of it."""
    for name in ("completion", "message", "response"):
        if hasattr(stream, f"get_final_{name}"):
            final = getattr(stream, f"get_final_{name}")()
            return final, getattr(stream, f"current_{name}_snapshot")
    raise AssertionError(f"no final object: {stream!r}")


def folded(stream: Any) -> list[Any]:
    """Errors alone: read to the end without a chunk being asked for."""
    errors = []
    while True:
        try:
            stream.until_done()
        except SSEError as error:
            errors.append(error_of(error))
        else:
            return errors


def of_itself(stream: Any, accumulates: bool = True) -> dict[str, Any]:
    """What a stream says of itself in the end."""
    told = {
        name: shown(getattr(stream, name))
        for name in ("done", "truncated", "usage", "finish_reason", "last_event_id")
    }
    if accumulates:
        final, snapshot = final_of(stream)
        told["final"] = shown(final)
        told["final_to_dict"] = shown(final.to_dict())
        told["snapshot"] = shown(snapshot)
    if stream.timing is not None:
        timing = stream.timing
        told["timing"] = [timing.first_read, timing.first_chunk, timing.token_times]
    return told


def final_so_far(stream: Any) -> Any:
    names = (f"current_{name}_snapshot" for name in ("completion", "message", "response"))
    return next(getattr(stream, name) for name in names if hasattr(stream, name))


def everything(stream: Any) -> Any:
    """Its chunks, and then what it says of itself."""
    return chunks_of(stream), of_itself(stream)


def called(found: list[Any], function: Callable[..., list[Any]], *arguments: Any) -> bool:
    """Note what a call returns or raises; whether it raised."""
    try:
        found += map(chunk_of, function(*arguments))
    except SSEError as error:
        found.append(error_of(error))
        return True
    return False


def pushed(parser: Any, pieces: Iterable[bytes]) -> Any:
    """Everything that a parser says of these pieces, as ``everything`` of a stream."""
    found: list[Any] = []
    for piece in pieces:
        called(found, parser.feed, piece)
    while called(found, parser.close) or parser.failed:
        pass
    return found, of_itself(parser)


def ways_of_reading(name: str) -> dict[str, Any]:
    """What may be told of a body, in all ways of asking for it."""
    has_choices = name in ("ChatStream", "CompletionStream")

    def make(streams: Any, body: bytes, **options: Any) -> Any:
        return getattr(streams, name)([body], **options)

    def texts_and_rest(streams: Any, body: bytes) -> Any:
        stream = make(streams, body)
        return texts_of(stream), of_itself(stream)

    def in_turn(streams: Any, body: bytes) -> Any:
        stream = make(streams, body, clock=iter(range(10**6)).__next__)
        texts, found = stream.iter_text(), []
        for turn in range(10**6):
            try:
                if turn % 5 == 3:
                    found.append(shown(final_so_far(stream)))
                elif turn % 2:
                    found.append(next(texts))
                else:
                    found.append(shown(next(stream)))
            except StopIteration:
                break
            except SSEError as error:
                found.append(repr(error))
        return found, of_itself(stream)

    def folded_in_full(streams: Any, body: bytes) -> Any:
        stream = make(streams, body, clock=iter(range(10**6)).__next__)
        return folded(stream), of_itself(stream)

    def not_kept(streams: Any, body: bytes) -> Any:
        stream = make(streams, body, accumulate=False, clock=iter(range(10**6)).__next__)
        return chunks_of(stream), of_itself(stream, accumulates=False)

    def not_kept_and_not_made(streams: Any, body: bytes) -> Any:
        clock = iter(range(10**6)).__next__
        options = {"skip_empty": True} if has_choices else {}
        stream = make(streams, body, accumulate=False, clock=clock, **options)
        return folded(stream), of_itself(stream, accumulates=False)

    ways = {
        "chunks": lambda streams, body: everything(make(streams, body)),
        "strictly": lambda streams, body: everything(make(streams, body, strict=True)),
        "texts": texts_and_rest,
        "in turn": in_turn,
        "the end": folded_in_full,
        "not kept": not_kept,
        "not kept and not made": not_kept_and_not_made,
    }
    if has_choices:
        ways["texts of another choice"] = lambda streams, body: texts_of(make(streams, body), 1)
        ways["chunks that are not empty"] = lambda streams, body: everything(
            make(streams, body, skip_empty=True)
        )
    return ways


def check(
    body: bytes,
    name: str = "ChatStream",
    ways: Collection[str] = (),
    implementations: Collection[SimpleNamespace] = IMPLEMENTATIONS,
) -> None:
    """Assert that a body says the same with shapes as without, in all or some ways.

    The first way knows no shapes of other streams; those after it know the first one's.
    """
    for streams in implementations:
        streams.KNOWN.clear()
    for way, read in ways_of_reading(name).items():
        if ways and way not in ways:
            continue
        without = read(WITHOUT_SHAPES, body)
        for streams in implementations:
            assert read(streams, body) == without, (streams.name, way, body)
