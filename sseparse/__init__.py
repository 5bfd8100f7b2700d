"""Server-Sent Events: bytes in, events out, by the letter of the WHATWG standard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._errors import EventTooLargeError, ParserClosedError, SSEError

if TYPE_CHECKING:
    from ._parser_c import Event, Parser

    IMPLEMENTATION: str
else:
    # An extension that is there and does not load is a broken installation, which must
    # not pass for a slow one.
    try:
        from ._parser_c import Event, Parser

        IMPLEMENTATION = "cython"
    except ModuleNotFoundError as error:
        if error.name != f"{__name__}._parser_c":
            raise
        from ._parser_py import Event, Parser

        IMPLEMENTATION = "python"

from ._iterate import aiter_events, iter_events

__all__ = [
    "IMPLEMENTATION",
    "Event",
    "EventTooLargeError",
    "Parser",
    "ParserClosedError",
    "SSEError",
    "aiter_events",
    "iter_events",
]
