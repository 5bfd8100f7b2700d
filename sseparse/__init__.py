"""Server-Sent Events: bytes in, events out, by the letter of the WHATWG standard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._compiled import twin
from ._errors import EventTooLargeError, ParserClosedError, SSEError

if TYPE_CHECKING:
    from ._parser_c import Event, Parser

    IMPLEMENTATION: str
else:
    _parser = twin(f"{__name__}._parser_c", f"{__name__}._parser_py")
    Event, Parser = _parser.Event, _parser.Parser
    IMPLEMENTATION = "cython" if _parser.__name__.endswith("_c") else "python"

from ._encode import encode_comment, encode_event
from ._iterate import aiter_events, iter_events

__all__ = [
    "IMPLEMENTATION",
    "Event",
    "EventTooLargeError",
    "Parser",
    "ParserClosedError",
    "SSEError",
    "aiter_events",
    "encode_comment",
    "encode_event",
    "iter_events",
]
