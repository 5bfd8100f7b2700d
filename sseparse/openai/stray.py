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
            self.size += len(line)
        if self.callback is not None:
            self.callback(line)

    def take_errors(self) -> list[Event]:
        events = [Event("error", value) for value in self.errors]
        self.errors.clear()
        return events

    def is_too_long(self) -> bool:
        return self.body is not None and self.limit is not None and self.size > self.limit


def place_errors(errors: list[Event], events: list[Event], piece: bytes) -> list[Event]:
    """Put errors where their lines stood among the events of the same piece of bytes."""
    placed = list(events)
    lines = list(_ERROR_LINE.finditer(piece))
    for error in reversed(errors):
        # A line that is not found began in an earlier piece: nothing here came before it.
        following = len(placed)
        if lines:
            rest = piece[lines.pop().end() :]
            following = len(Parser(max_event_size=None).feed(rest))
        placed.insert(max(len(events) - following, 0), error)
    return placed
