"""The OpenAI layer over streams that no server should send.

An input is three bytes of options, then a stream in which each 0xFE marks a place where it
is cut (JSON has none). It is read twice: whole, by the streams as they are installed, and
cut, by the same with its extensions left aside. Both must see the same.

    byte 0   bits: legacy completions, strict, skip_empty, no accumulate, require_done, a
             clock, keep_raw, and one of them read by the asynchronous class
    byte 1   max_event_size: the default below 128, else small
    byte 2   after how many chunks a snapshot is taken, each time, in its lowest three bits; never
             for 0; and a bit for the pushed form of the second

What holds for every input: documented errors only, after which reading goes on; an end; a
snapshot at any time; a final object that is JSON and that the openai package accepts but
for its finish reasons.
"""

from __future__ import annotations

import json
import random
import re
from itertools import chain, pairwise, takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

import harness
from openai.types import Completion
from openai.types.chat import ChatCompletion

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

MARK = b"\xfe"

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
    types,
)

DOCUMENTED = (
    APIError,
    ChunkDecodeError,
    EventTooLargeError,
    NotAnEventStreamError,
    TruncatedStreamError,
    UnexpectedAPIError,
)


class Case(NamedTuple):
    """An input, read."""

    chunks: list[bytes]
    is_chat: bool
    is_async: bool
    is_pushed: bool
    options: dict[str, Any]
    snapshot_every: int


def read_case(data: bytes) -> Case | None:
    if len(data) < 3:
        return None
    flags, limit, every = data[:3]
    options: dict[str, Any] = {
        "strict": bool(flags & 2),
        "skip_empty": bool(flags & 4),
        "accumulate": not flags & 8,
        "require_done": bool(flags & 16),
        "clock": (lambda: 0.0) if flags & 32 else None,
        "keep_raw": bool(flags & 64),
    }
    if limit >= 128:
        options["max_event_size"] = (limit - 127) * 8
    is_async, is_pushed = bool(flags & 128), bool(every & 8)
    # What a parser has returned it knows, all at once.
    snapshot_every = 0 if is_pushed else every % 8
    chunks = data[3:].split(MARK)
    # Without a line end, empty chunks make lines of the others; see ``sseparse._lines``.
    lines = list(takewhile(lambda chunk: not re.search(rb"[\r\n]", chunk), chunks))
    chunks = [*filter(None, lines), *chunks[len(lines) :]]
    return Case(chunks or [b""], not flags & 1, is_async, is_pushed, options, snapshot_every)


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
        return getattr(self._stream, name)

    def __next__(self) -> Any:
        try:
            return self._run(self._stream.__anext__())
        except StopAsyncIteration:
            raise StopIteration from None

    def get_final_completion(self) -> Any:
        return self._run(self._stream.get_final_completion())

    @staticmethod
    def _run(coroutine: Any) -> Any:
        try:
            coroutine.send(None)
        except StopIteration as result:
            return result.value
        raise AssertionError("it waits for something")


def check(data: bytes) -> None:
    case = read_case(data)
    if case is None:
        return
    body = b"".join(case.chunks)
    name = "ChatStream" if case.is_chat else "CompletionStream"
    whole = observe(getattr(installed, name)([body], **case.options), case, len(body))
    if case.is_pushed:
        name = name.replace("Stream", "Parser")
        stream = Pushed(getattr(in_python, name)(**case.options), case.chunks)
    elif case.is_async:
        stream = Awaited(getattr(in_python, "Async" + name), case.chunks, case.options)
    else:
        stream = getattr(in_python, name)(case.chunks, **case.options)
    cut = observe(stream, case, len(body))
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


def observe(stream: Any, case: Case, size: int) -> list[Any]:
    """Everything that can be seen of a stream, up to its end and after it."""
    seen: list[Any] = []
    count = 0
    while True:
        # An event is at least two bytes. (The error for the limit, or for the end, is one more.)
        assert len(seen) <= 2 * size + 10, "it does not end"
        try:
            chunk = next(stream)
        except StopIteration:
            break
        except DOCUMENTED as error:
            seen.append((type(error).__name__, str(error)))
            continue
        seen.append(describe(chunk))
        count += 1
        if case.snapshot_every and count % case.snapshot_every == 0 and case.options["accumulate"]:
            seen.append(to_json(stream.current_completion_snapshot))
    seen.append((stream.done, stream.truncated, stream.finish_reason))
    seen.append(None if stream.usage is None else to_json(stream.usage))
    if case.options["accumulate"]:
        final = stream.get_final_completion()
        seen.append(to_json(final))
        assert len(seen[-1]) <= 100 * size + 1000, "the final object is larger than the stream"
        check_final(final, ChatCompletion if case.is_chat else Completion)
    assert next(stream, None) is None if not isinstance(stream, Awaited) else True
    if case.options["clock"] is not None:
        timing = stream.timing
        seen.append((timing.first_read, timing.first_chunk, timing.first_token))
        seen.append(list(timing.token_times))
    return seen


def describe(chunk: Any) -> Any:
    """A chunk, by all ways that lead to what came; none may fail."""
    assert repr(chunk.__copy__()) == repr(chunk)
    return to_json(chunk), chunk.raw, repr(chunk), repr(chunk.model_extra)


def to_json(model: Any) -> str:
    text: str = model.to_json()
    json.loads(text)
    return text


def check_final(final: Any, openai_type: Any) -> None:
    """All but a finish reason that is unknown, or never came, is as the openai package wants it."""
    as_dict = final.to_dict()
    choices = [{**choice, "finish_reason": "stop"} for choice in as_dict["choices"]]
    openai_type.model_validate({**as_dict, "choices": choices})
    to_json(final).encode()


# Mutations of the JSON in an input. libFuzzer's own know nothing of it and break most of it.

# What stands for an object, so that a key may come twice, and for JSON that json cannot write.
Members = list  # of (key, value), in a class of its own:


class Object(Members):  # type: ignore[type-arg]
    pass


class Verbatim(str):
    """JSON as text."""


_VERBATIM = (
    "NaN",
    "-Infinity",
    "1e999",
    "1E400",
    "-0",
    "-0.0",
    "1e15",
    "1.5e308",
    "9" * 19,
    "9" * 400,
    '"\\ud83d"',
    '"\\ude00"',
    '"\\u0000"',
    "[" * 60 + "]" * 60,
    '{"a":' * 60 + "1" + "}" * 60,
    '[{"thinking":' * 200 + '"x"' + "}]" * 200,
    '[{"text":' * 200 + '"x"' + "}]" * 200,
    "[" * 2000,
    "9" * 5000,
    "[" * 900 + "]" * 900,
)
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**31, 2**53, 2**63, 10**11, 1733162853123, 0.5, 1.0, 1e300),
    *("", " ", "null", "0", "1", "1.0", "1e3", "nan", "stop", "x", "{", "{}", "\u20ac", "}"),
    *("text", "thinking", "reasoning.text", "assistant", "error", "text_completion"),
    *("chat.completion", "chat.completion.chunk"),
    *([], [None], [[]], Object(), [Object()], Object([("text", "x")])),
    [Object([("type", "text"), ("text", "a")]), Object([("type", "thinking"), ("thinking", "b")])],
    Object([("message", "m"), ("code", 1)]),
    *map(Verbatim, _VERBATIM),
)


def _field_names() -> list[str]:
    structs = [getattr(types, name) for name in types.__all__]
    names = set(chain.from_iterable(struct.__struct_fields__ for struct in structs))
    return sorted({*names, "error", "message", "thinking", "unknown", "code", "detail"})


_KEYS = _field_names()
_LINES = (
    *(b"data: [DONE]", b"data:[DONE]", b"event: error", b"event:x", b"id: 1", b"id", b": ping"),
    *(b'{"error": "no"}', b'{"error": {"message": "no"}}', b"{", b"}", b'"error": "no"'),
    *(b"error: no", b'error: {"message": "no"}', b"error:", b"retry: 5", b"data:", b"data"),
    *(b"data: null", b"data: {}", b"data: {", b"data: []", b"\xff", b"<html>", b"", b"\r", b"x"),
)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    import atheris

    rng = random.Random(seed)
    if rng.random() < 0.3:
        return bytes(atheris.Mutate(data, max_size))
    events = data[3:].replace(MARK, b"").split(b"\n\n")
    for _ in range(rng.choice((1, 1, 2, 4))):
        _mutate_events(events, rng)
    body = b"\n\n".join(events)
    places = sorted(rng.randrange(len(body) + 1) for _ in range(rng.choice((0, 1, 2, 9))))
    edges = [0, *places, len(body)]
    body = MARK.join(body[start:end] for start, end in pairwise(edges))
    return (data[:3].ljust(3, b"\0") + body)[:max_size]


def _mutate_events(events: list[bytes], rng: random.Random) -> None:
    position = rng.randrange(len(events))
    kind = rng.randrange(12)
    if kind == 0:
        events.insert(rng.randrange(len(events) + 1), events[position])
    elif kind == 1 and len(events) > 1:
        del events[position]
    elif kind == 2:
        other = rng.randrange(len(events))
        events[position], events[other] = events[other], events[position]
    elif kind == 3:
        lines = events[position].split(b"\n")
        lines.insert(rng.randrange(len(lines) + 1), rng.choice(_LINES))
        events[position] = b"\n".join(lines)
    elif kind == 4:
        events.insert(position, rng.choice(_LINES))
    else:
        head, separator, payload = events[position].partition(b"{")
        try:
            root = json.loads(separator + payload, object_pairs_hook=Object)
            root = _mutate_value(root, rng)
            text = _write(root, "\ndata:" if rng.random() < 0.05 else "")
        except (ValueError, RecursionError):
            return
        events[position] = head + text.encode("utf-8", "surrogatepass")


def _mutate_value(root: Any, rng: random.Random) -> Any:
    """Change something somewhere in a value; returns what is to stand in its place."""
    if not isinstance(root, list) or not root or rng.random() < 0.15:
        return _other_value(root, rng)
    position = rng.randrange(len(root))
    # Deeper, mostly: what is interesting is at the bottom.
    if rng.random() < 0.7:
        if isinstance(root, Object):
            key, value = root[position]
            root[position] = (key, _mutate_value(value, rng))
        else:
            root[position] = _mutate_value(root[position], rng)
        return root
    kind = rng.randrange(5)
    if kind == 0:
        del root[position]
    elif kind == 1:
        root.insert(rng.randrange(len(root) + 1), root[position])
    elif not isinstance(root, Object):
        root.insert(position, rng.choice(_VALUES))
    elif kind == 2:
        root[position] = (rng.choice(_KEYS), root[position][1])
    elif kind == 3:
        root.append((rng.choice(_KEYS), rng.choice(_VALUES)))
    else:
        root[position] = (root[position][0], rng.choice(_VALUES))
    return root


def _other_value(value: Any, rng: random.Random) -> Any:
    kind = rng.randrange(8)
    if kind == 0:
        return [value]
    if kind == 1:
        return Object([(rng.choice(_KEYS), value)])
    if kind == 2 and not isinstance(value, list):
        return str(value)
    if kind == 3 and isinstance(value, str) and value:
        place = rng.randrange(len(value))
        return value[:place] + rng.choice(("", "\u2028", "}", " ", "\ud83d", "1")) + value[place:]
    return rng.choice(_VALUES)


def _write(value: Any, indent: str) -> str:
    if isinstance(value, Object):
        members = (f"{json.dumps(key)}:{_write(item, indent)}" for key, item in value)
        return "{" + indent + ("," + indent).join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_write(item, indent) for item in value) + "]"
    if isinstance(value, Verbatim):
        return str(value)
    return json.dumps(value)


if __name__ == "__main__":
    harness.main(check, mutate)
