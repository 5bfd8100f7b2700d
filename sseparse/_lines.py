"""Notices a source that gives lines without their ends, which would be no event at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import Parser

if TYPE_CHECKING:
    from typing_extensions import Buffer

__all__ = ["LineWatch"]


class LineWatch:
    """Looks at the chunks that come before the first event.

    Where no chunk has had a line end, and with one behind each chunk they would be events,
    they are lines: what ``iter_lines()`` and ``splitlines()`` give. One such event may be
    chance (``data`` and an empty chunk, of a stream that broke off), so it counts at the end
    only, where there is no event to be lost. Two are not.
    """

    __slots__ = ("_events", "_parser")

    def __init__(self) -> None:
        self._parser: Parser | None = Parser(max_event_size=None)
        self._events = 0

    def note(self, chunk: Buffer) -> None:
        """A chunk has come.

        Raises:
            TypeError: the chunks are lines without their ends.
        """
        if self._parser is None:
            return
        data = bytes(chunk)
        if b"\n" in data or b"\r" in data:
            self._parser = None
            return
        self._events += len(self._parser.feed(data + b"\n"))
        if self._events > 1:
            self._refuse()

    def end(self) -> None:
        """The source has ended, and no event has come.

        Raises:
            TypeError: the chunks were lines without their ends.
        """
        if self._parser is not None and self._events:
            self._refuse()

    def _refuse(self) -> None:
        raise TypeError(
            "the source gives lines without their ends, as iter_lines() and splitlines() do; "
            "events end at a blank line, so give the bytes as they came, such as "
            "response.iter_bytes()"
        )
