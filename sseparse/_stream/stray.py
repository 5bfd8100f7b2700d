"""Lines in a response that are no part of an event stream, and what they may mean."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .. import Event, Parser

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["StrayLines", "place_errors"]

# A whole line that StrayLines.note takes for an error.
_ERROR_LINE = re.compile(rb"(?:^|[\r\n])error:[ \t]*[^ \t\r\n][^\r\n]*(?=[\r\n])")


class StrayLines:
    """Lines that are no part of an event stream: what ``on_ignored_line`` is told.

    An object of its own, for a parser that knew its stream would make a reference cycle
    of each stream.
    """

    def __init__(self, callback: Callable[[str], object] | None, limit: int | None) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(
                f"on_ignored_line must be callable or None, not {type(callback).__name__}"
            )
        self.callback = callback
        self.limit = limit
        self.size = 0
        # The body of a response that is no event stream; None once an event has come.
        self.body: list[str] | None = []
        # The values of ``error:`` fields, which some servers send instead of ``data:``.
        self.errors: list[str] = []

    def note(self, line: str) -> None:
        field, _, value = line.partition(":")
        value = value.strip(" \t")
        if field == "error" and value:
            self.errors.append(value)
        elif self.body is not None:
            self.body.append(line)
            # With what Python needs for a string, or many short lines would be many times this.
            self.size += len(line) + 64
        if self.callback is not None:
            self.callback(line)

    def take_errors(self) -> list[Event]:
        events = [Event("error", value) for value in self.errors]
        self.errors.clear()
        return events

    def is_too_long(self) -> bool:
        return self.body is not None and self.limit is not None and self.size > self.limit


def place_errors(errors: list[Event], events: list[Event], piece: bytes) -> list[Event]:
    """Put errors where their lines stood among the events of the same piece of bytes.

    One that stands inside the block of an event comes before that event.
    """
    lines = list(_ERROR_LINE.finditer(piece))[-len(errors) :]
    # Counted once more, and once only: there may be thousands of errors. The block that is open
    # where the piece begins is taken for one with data, and if it has none nothing is lost:
    # whatever stands before its end is before all events of the piece.
    # (With raw an event may wait for the next piece, here as there.)
    keep_raw = bool(events) and events[0].raw is not None
    parser = Parser(max_event_size=None, keep_raw=keep_raw)
    parser.feed(b"data\n")
    before, start, count = [], 0, 0
    for line in lines:
        count += len(parser.feed(piece[start : line.end()]))
        before.append(count)
        start = line.end()
    count += len(parser.feed(piece[start:]))
    # A line that is not found began in an earlier piece: nothing here came before it.
    places = [0] * (len(errors) - len(lines))
    places += [max(len(events) - count + number, 0) for number in before]

    placed: list[Event] = []
    start = 0
    for error, place in zip(errors, places, strict=True):
        placed += events[start:place]
        placed.append(error)
        start = place
    return placed + events[start:]
