"""Typed streams read twice, over bytes that no server should send: both must see the same.

They are read whole, as they are installed, and cut, with the extensions left aside, and then in any
of three forms: pulled, asynchronously or pushed. An input is three bytes of options, then a stream
in which each 0xFE marks a place where it is cut (JSON has none).

    byte 0   bits: (the fuzzer's own), strict, skip_empty where there is that, no accumulate,
             require_done, a clock, keep_raw, and the second one read by the asynchronous class
    byte 1   max_event_size: the default below 128, else small
    byte 2   after how many objects a snapshot is taken, each time, in its lowest three bits; never
             for 0; a bit for the pushed form of the second; and four bits of the fuzzer's own

What holds for every input: documented errors only, after which reading goes on; an end; a
snapshot at any time; objects and a final object that are JSON.
"""

from __future__ import annotations

import json
import re
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

import harness
from json_streams import MARK

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable

# The streams twice: all in Python, which can be watched, and as they are installed.
with harness.instrumented():
    import typed_streams

    from sseparse import _parser_py
    from sseparse.openai import decode, mend  # noqa: F401
for module in (python_modules := typed_streams.load_in_python()).values():
    for parsers_own in {"Event", "Parser"} & set(vars(module)):
        setattr(module, parsers_own, getattr(_parser_py, parsers_own))
in_python = typed_streams.namespace("in Python", python_modules)
installed = typed_streams.INSTALLED

from sseparse import EventTooLargeError  # noqa: E402
from sseparse.openai import (  # noqa: E402
    APIError,
    ChunkDecodeError,
    NotAnEventStreamError,
    TruncatedStreamError,
    UnexpectedAPIError,
)

DOCUMENTED = (
    APIError,
    ChunkDecodeError,
    EventTooLargeError,
    NotAnEventStreamError,
    TruncatedStreamError,
    UnexpectedAPIError,
)
# What the final object and what has come of it are called, by the API.
_FINALS = ("completion", "message", "response")


class Case(NamedTuple):
    """An input, read."""

    chunks: list[bytes]
    is_async: bool
    is_pushed: bool
    options: dict[str, Any]
    snapshot_every: int
    own: int  # five bits for the fuzzer


def read_case(data: bytes, has_choices: bool) -> Case | None:
    """Read an input; None where it is none. Streams of choices have ``skip_empty``."""
    if len(data) < 3:
        return None
    flags, limit, every = data[:3]
    options: dict[str, Any] = {
        "strict": bool(flags & 2),
        "accumulate": not flags & 8,
        "require_done": bool(flags & 16),
        "clock": (lambda: 0.0) if flags & 32 else None,
        "keep_raw": bool(flags & 64),
    }
    if has_choices:
        options["skip_empty"] = bool(flags & 4)
    if limit >= 128:
        options["max_event_size"] = (limit - 127) * 8
    is_async, is_pushed = bool(flags & 128), bool(every & 8)
    # What a parser has returned it knows, all at once.
    snapshot_every = 0 if is_pushed else every % 8
    chunks = data[3:].split(MARK)
    # Without a line end, empty chunks make lines of the others; see ``sseparse._lines``.
    lines = list(takewhile(lambda chunk: not re.search(rb"[\r\n]", chunk), chunks))
    chunks = [*filter(None, lines), *chunks[len(lines) :]]
    own = (every >> 4) * 2 + (flags & 1)
    return Case(chunks or [b""], is_async, is_pushed, options, snapshot_every, own)


class Pushed:
    """A parser and what is pushed to it, read like the streams."""

    def __init__(self, parser: Any, chunks: Iterable[bytes]) -> None:
        self._parser = parser
        self._chunks = iter(chunks)
        self._found: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def __next__(self) -> Any:
        while not self._found:
            data = next(self._chunks, None)
            if data is not None:
                self._found = self._parser.feed(data)
            else:
                self._found = self._parser.close()
                if not self._found and not self._parser.failed:
                    raise StopIteration
        return self._found.pop(0)


class Awaited:
    """An asynchronous stream, read like the others: nothing here ever has to wait."""

    def __init__(self, stream_class: Any, chunks: Iterable[bytes], options: Any) -> None:
        async def source() -> AsyncIterator[bytes]:
            for chunk in chunks:
                yield chunk

        self._stream = stream_class(source(), **options)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._stream, name)
        if name.startswith("get_final"):
            return lambda: self._run(found())
        return found

    def __next__(self) -> Any:
        try:
            return self._run(self._stream.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    @staticmethod
    def _run(coroutine: Any) -> Any:
        try:
            coroutine.send(None)
        except StopIteration as result:
            return result.value
        raise AssertionError("it waits for something")


def check(case: Case, name: str, check_final: Callable[[Any], object]) -> None:
    """Read a case both ways.

    Args:
        case: the input.
        name: of the class that pulls.
        check_final: raises where the final object is not as it should be.
    """
    body = b"".join(case.chunks)
    stream = getattr(installed, name)([body], **case.options)
    whole = observe(stream, case, len(body), check_final)
    if case.is_pushed:
        parser_name = "StreamParser" if name == "Stream" else name.replace("Stream", "Parser")
        stream = Pushed(getattr(in_python, parser_name)(**case.options), case.chunks)
    elif case.is_async:
        stream = Awaited(getattr(in_python, "Async" + name), case.chunks, case.options)
    else:
        stream = getattr(in_python, name)(case.chunks, **case.options)
    cut = observe(stream, case, len(body), check_final)
    # With a small limit a body that is no stream is given up the earlier, the less is read in
    # one go.
    # And an event that stands in the middle of bare JSON may change places with the error in that.
    is_ambiguous = any(map(_begins_json, re.split(rb"[\r\n]+", body)))
    if "max_event_size" not in case.options and not is_ambiguous:
        assert whole == cut, "\n".join(
            ["it depends on the cuts, or on what is compiled", *map(str, whole), "", *map(str, cut)]
        )


def _begins_json(line: bytes) -> bool:
    """Whether bare JSON begins here that does not end in the same line."""
    if not line.lstrip().startswith((b"{", b"[")):
        return False
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return True
    return False


def observe(stream: Any, case: Case, size: int, check_final: Callable[[Any], object]) -> list[Any]:
    """Everything that can be seen of a stream, up to its end and after it."""
    seen: list[Any] = []
    count = 0
    while True:
        # An event is at least two bytes. (The error for the limit, or for the end, is one more.)
        assert len(seen) <= 2 * size + 10, "it does not end"
        try:
            item = next(stream)
        except StopIteration:
            break
        except DOCUMENTED as error:
            seen.append((type(error).__name__, str(error)))
            continue
        seen.append(describe(item))
        count += 1
        if case.snapshot_every and count % case.snapshot_every == 0 and case.options["accumulate"]:
            seen.append(_so_far(stream))
    seen.append((stream.done, stream.truncated, stream.finish_reason))
    seen.append(repr(stream.usage))
    if case.options["accumulate"]:
        final = _final_of(stream)
        if final is not None:
            seen.append(to_json(final))
            assert len(seen[-1]) <= 100 * size + 1000, "the final object is larger than the stream"
            check_final(final)
        seen.append(_tool_calls_of(stream))
    assert next(stream, None) is None if not isinstance(stream, Awaited) else True
    if case.options["clock"] is not None:
        timing = stream.timing
        seen.append((timing.first_read, timing.first_chunk, timing.first_token))
        seen.append(list(timing.token_times))
    return seen


def _so_far(stream: Any) -> Any:
    """The final object as far as it has come; of the view of all APIs what it says itself."""
    for name in _FINALS:
        if hasattr(stream, f"current_{name}_snapshot"):
            return to_json(getattr(stream, f"current_{name}_snapshot"))
    return stream.kind, stream.id, stream.model, stream.text, stream.reasoning, stream.refusal


def _final_of(stream: Any) -> Any:
    for name in _FINALS:
        if hasattr(stream, f"get_final_{name}"):
            return getattr(stream, f"get_final_{name}")()
    return stream.get_final()


def _tool_calls_of(stream: Any) -> Any:
    """The calls that are complete, as the view of all APIs has them."""
    return repr(stream.tool_calls) if hasattr(stream, "tool_calls") else None


def describe(item: Any) -> Any:
    """An object, by all ways that lead to what came; none may fail."""
    assert repr(item.__copy__()) == repr(item)
    # The text as it came, which may have a control character in it.
    text = item.to_json()
    json.loads(text, strict=False)
    return text, item.raw, repr(item), repr(item.model_extra)


def to_json(model: Any) -> str:
    """A model's JSON, which is JSON."""
    text: str = model.to_json()
    json.loads(text)
    return text
