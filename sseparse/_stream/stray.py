"""Lines in a response that are no part of an event stream, and what they may mean.

Servers write errors past all fields: as ``error: text`` in place of ``data:``, as a line of bare
JSON where a stream has broken off, or as JSON over several lines.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .. import Event, Parser

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["StrayLines"]

_LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n)")

# Lines and characters of JSON that may be an error: no server needs more.
_MOST_LINES = 1000
_MOST_CHARACTERS = 64 * 1024
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')


class StrayLines:
    """Lines that are no part of an event stream: what ``on_ignored_line`` is told.

    An object of its own, for a parser that knew its stream would make a reference cycle
    of each stream.

    Args:
        callback: is told of each line as well.
        limit: characters of a body that is no event stream.
        is_error: whether parsed JSON reports an error.
    """

    __slots__ = ("_json", "body", "callback", "errors", "is_error", "limit", "size")

    def __init__(
        self,
        callback: Callable[[str], object] | None,
        limit: int | None,
        is_error: Callable[[Any], bool],
    ) -> None:
        if callback is not None and not callable(callback):
            raise TypeError(
                f"on_ignored_line must be callable or None, not {type(callback).__name__}"
            )
        self.callback = callback
        self.limit = limit
        self.is_error = is_error
        self.size = 0
        # The body of a response that is no event stream; None once an event or an error has come.
        self.body: list[str] | None = []
        # The errors that have been found, as the data that their events would have.
        self.errors: list[str] = []
        self._json: _JSONLines | None = None  # once there is a line

    def note(self, line: str) -> None:
        field, _, value = line.partition(":")
        value = value.strip(" \t")
        self._json = self._json or _JSONLines()
        if field.lower() == "error" and value:
            self.errors.append(value)
        elif self.is_error(self._json.add(line)):
            self.errors.append(self._json.text)
            self.body = None
        elif self.body is not None:
            self.body.append(line)
            # With what Python needs for a string, or many short lines would be many times this.
            self.size += len(line) + 64
        if self.callback is not None:
            self.callback(line)

    def take_errors(self) -> list[str]:
        """The errors that were found since the last time."""
        errors, self.errors = self.errors, []
        return errors

    def place_errors(
        self, events: list[Event], piece: bytes, ending: bytes, event_id: str
    ) -> list[Event]:
        """The events of a piece of bytes, and its errors where their lines stood among them.

        An error that stands inside the block of an event comes before that event.

        Args:
            events: what the piece has completed.
            piece: the bytes that were parsed last.
            ending: the last byte before them, if any.
            event_id: the last event ID before them.
        """
        # Read once more, line by line, and once only: there may be thousands of errors. The block
        # that is open where the piece begins is taken for one with data, and if it has none nothing
        # is lost: whatever stands before its end is before all events of the piece.
        # (With raw an event may wait for the next piece, here as there.)
        keep_raw = bool(events) and events[0].raw is not None
        stray = StrayLines(None, None, self.is_error)
        parser = Parser(
            max_event_size=None,
            keep_raw=keep_raw,
            on_ignored_line=stray.note,
            dispatch_without_data=True,
        )
        parser.feed(b"data: " + (ending if ending in (b"\r", b"\n") else b""))
        counts, start, count = [], 0, 0
        for line in _LINE.finditer(piece):
            count += len(parser.feed(line[0]))
            start = line.end()
            counts += [count] * len(stray.take_errors())
        count += len(parser.feed(piece[start:]))

        errors = self.take_errors()
        # Those that are not found began in an earlier piece: nothing here came before them.
        counts = [0] * (len(errors) - len(counts)) + counts[-len(errors) :]
        placed: list[Event] = []
        start = 0
        for error, number in zip(errors, counts, strict=True):
            place = max(len(events) - count + number, 0) if number else 0
            placed += events[start:place]
            if placed:
                event_id = placed[-1].id
            placed.append(Event("error", error, event_id))
            start = max(start, place)
        return placed + events[start:]

    def is_too_long(self) -> bool:
        return self.body is not None and self.limit is not None and self.size > self.limit


class _JSONLines:
    """Finds JSON, of one line or over several, among lines of whatever kind.

    Attributes:
        text: the JSON that was found last.
    """

    __slots__ = ("_depth", "_lines", "_size", "text")

    def __init__(self) -> None:
        self.text = ""
        self._lines: list[str] = []
        self._depth = 0
        self._size = 0

    def add(self, line: str) -> Any:
        """The value that ends with this line; None where none does."""
        if not self._lines and not line.lstrip().startswith(("{", "[")):
            return None
        self._lines.append(line)
        self._size += len(line)
        structure = _STRING.sub("", line)
        for opening, closing in ("{}", "[]"):
            self._depth += structure.count(opening) - structure.count(closing)
        if self._depth > 0 and self._size <= _MOST_CHARACTERS and len(self._lines) < _MOST_LINES:
            return None
        self.text = "\n".join(self._lines)
        self._lines, self._depth, self._size = [], 0, 0
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None
