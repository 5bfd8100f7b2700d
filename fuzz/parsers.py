"""Both parsers against each other, and against the literal transcription of the standard.

An input is four bytes of options, then a stream in which 0xFE marks a place where it is
cut. The byte behind the mark says what happens there; see ``_OPERATIONS``. (0xFE occurs in
no UTF-8, and 0xFF is as invalid, so nothing is missed for want of it in the stream.)

    byte 0   bits: keep_raw, an earlier last_event_id, no callbacks, dispatch_incomplete at
             the end, dispatch_without_data; and of what type the chunks are
    byte 1   max_event_size: itself, or None for 0, or the default from 200 on
    byte 2   bits: which of the first eight calls of a callback misbehave
    byte 3   how they do
"""

from __future__ import annotations

from typing import Any, NamedTuple

import harness

with harness.instrumented():
    from sseparse import _parser_c, _parser_py

from streams import fields, run
from whatwg import interpret

MARK = 0xFE
_OPERATIONS = {
    ord("r"): ("reset", {}),
    ord("c"): ("close", {}),
    ord("C"): ("close", {"dispatch_incomplete": True}),
}
_CHUNK_TYPES = (bytes, bytes, bytearray, memoryview)
_MISBEHAVIOURS = ("ValueError", "KeyboardInterrupt", "feed", "reset", "close", "__init__")
DEFAULT_LIMIT = 16 * 2**20


class Case(NamedTuple):
    """An input, read."""

    operations: list[tuple[str, Any]]
    options: dict[str, Any]
    has_callbacks: bool
    dispatch_incomplete: bool
    chunk_type: Any
    plan: int
    misbehaviour: str


def read_case(data: bytes) -> Case | None:
    if len(data) < 4:
        return None
    flags, limit, plan, how = data[:4]
    options = {
        "keep_raw": bool(flags & 1),
        "last_event_id": "before" if flags & 2 else "",
        "dispatch_without_data": bool(flags & 16),
        "max_event_size": DEFAULT_LIMIT if limit >= 200 else limit or None,
    }
    operations: list[tuple[str, Any]] = []
    chunk = bytearray()
    body = iter(data[4:])
    for byte in body:
        if byte != MARK:
            chunk.append(byte)
            continue
        operations.append(("feed", bytes(chunk)))
        chunk.clear()
        what = next(body, 0)
        if what in _OPERATIONS:
            operations.append(_OPERATIONS[what])
        elif what == ord("i"):
            operations.append(("__init__", options))
    operations.append(("feed", bytes(chunk)))
    return Case(
        operations,
        options,
        not flags & 4,
        bool(flags & 8),
        _CHUNK_TYPES[flags >> 6],
        plan,
        _MISBEHAVIOURS[how % len(_MISBEHAVIOURS)],
    )


def observe(module: Any, case: Case) -> list[Any]:
    """Everything that can be seen from outside, after each call."""
    calls: list[tuple[str, str]] = []
    places: list[int] = []

    def misbehave(kind: str, text: str) -> None:
        calls.append((kind, text))
        places.append(parser.completed)
        if len(calls) > 8 or not case.plan >> (len(calls) - 1) & 1:
            return
        if case.misbehaviour == "ValueError":
            raise ValueError(len(calls))
        if case.misbehaviour == "KeyboardInterrupt":
            raise KeyboardInterrupt(len(calls))
        # It is at work: that is refused, whatever it was.
        call(parser, case.misbehaviour, b"data: x\n\n" if case.misbehaviour == "feed" else {})

    options = case.options
    if case.has_callbacks:
        options = {
            **options,
            "on_comment": lambda text: misbehave("comment", text),
            "on_ignored_line": lambda line: misbehave("ignored", line),
            "on_ignored_value": lambda line: misbehave("value", line),
        }
    parser = module.Parser(**options)
    seen: list[Any] = []
    end = [("close", {"dispatch_incomplete": case.dispatch_incomplete}), ("feed", b"x")]
    for operation, argument in [*case.operations, *end]:
        if operation == "feed":
            argument = case.chunk_type(argument)
        try:
            result = call(parser, operation, argument)
        except (Exception, KeyboardInterrupt) as error:
            result = type(error), str(error), error.args
        else:
            result = result and [
                (fields(event), event.own_id, event.comment, repr(event)) for event in result
            ]
        if case.options["max_event_size"] is not None:
            # A comment line that has not ended is pending beside the fields of its event.
            assert parser.pending_bytes <= 2 * case.options["max_event_size"]
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
    return [*seen, calls, places]


def call(parser: Any, operation: str, argument: Any) -> Any:
    method = getattr(parser, operation)
    return method(**argument) if isinstance(argument, dict) else method(argument)


def check(data: bytes) -> None:
    case = read_case(data)
    if case is None:
        return
    compiled, python = observe(_parser_c, case), observe(_parser_py, case)
    assert compiled == python, f"the parsers differ\n{compiled}\n{python}"

    # The first connection, of which the standard knows what it means.
    chunks = []
    for operation, argument in case.operations:
        if operation != "feed":
            break
        chunks.append(argument)
    check_connection(case, chunks)
    check_no_event_is_lost(case, chunks)


def check_connection(case: Case, chunks: list[bytes]) -> None:
    options = {**case.options, "dispatch_incomplete": case.dispatch_incomplete}
    body = b"".join(chunks)
    outcome = run(_parser_c.Parser, chunks, **options)
    whole = run(_parser_py.Parser, [body], **options)
    assert outcome == whole, f"it depends on the cuts\n{outcome}\n{whole}"

    # The standard has no such option.
    outcome = run(_parser_c.Parser, chunks, **{**options, "dispatch_without_data": False})
    means = interpret(
        body + b"\n\n" if case.dispatch_incomplete else body,
        last_event_id=case.options["last_event_id"],
    )
    events = [(type_, text, id_) for type_, text, _, id_, _, _ in outcome.events]
    if outcome.error is None:
        assert events == means.events, f"{events}\n{means.events}"
        assert outcome.calls == means.calls, f"{outcome.calls}\n{means.calls}"
        assert outcome.last_event_id == means.last_event_id
        assert outcome.retry == means.reconnection_time
    else:
        limit = case.options["max_event_size"]
        assert limit is not None
        assert limit < len(body), "too large, though all of it is smaller than the limit"
        assert events == means.events[: len(events)], f"{events}\n{means.events}"

    place = 0
    for *_, raw in outcome.events:
        if case.options["keep_raw"]:
            # Each block stands in the stream, behind the one before it.
            place = body.find(raw, place)
            assert place >= 0, raw
            place += len(raw)


def check_no_event_is_lost(case: Case, chunks: list[bytes]) -> None:
    """Callbacks may raise as they like: in the end the events are those of a quiet stream."""
    count = 0

    def raise_sometimes(text: str) -> None:
        nonlocal count
        count += 1
        if case.plan >> (count % 8) & 1:
            raise ZeroDivisionError

    parser = _parser_c.Parser(
        **case.options, on_comment=raise_sometimes, on_ignored_line=raise_sometimes
    )
    events: list[Any] = []
    for chunk in [*chunks, b"", None]:
        try:
            events += parser.close() if chunk is None else parser.feed(chunk)
        except ZeroDivisionError:
            pass
        except _parser_c.EventTooLargeError:
            break
    quiet = run(_parser_c.Parser, chunks, **case.options).events
    assert [fields(event) for event in events] == quiet, f"{events}\n{quiet}"


if __name__ == "__main__":
    harness.main(check)
