"""A stream of which the payloads have to tell what API it is of.

To the machine it is an API like any other. Its decoder makes no objects: it looks at the payloads
until one of them tells, and then hands over to that API's decoder and state, which read the first
one again with all the others (``Reader`` holds them back). The form that asks has a state all the
time: ``Viewed``, which speaks for that of the API as soon as there is one.

What no API need be known for is done as for all: errors, keep-alives, ``[DONE]``, a body that is no
event stream.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .decode import PayloadDecoder, Rules
from .detect import Undecided, is_keep_alive, kind_of
from .errors import UnexpectedAPIError
from .model import Model
from .payload import loads
from .tool_calls import ToolCallLog

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .errors import APIError
    from .protocols import Decoder, State
    from .view import Piece, Usage, View, ViewedAPI

__all__ = ["AnyAPI", "Viewed"]

# Payloads that tell nothing, until it is given up.
_MOST_PAYLOADS = 8


class _Unread(Model):
    """What a payload is decoded to that tells nothing: it is held back, and read later."""


class _UnreadRules(Rules):
    def is_final(self, received: dict[str, Any]) -> bool:
        return False

    def is_skipped(self, received: dict[str, Any]) -> bool:
        return is_keep_alive(received)

    def mend(self, received: dict[str, Any]) -> _Unread:
        return _Unread()


class _UndecidedDecoder:
    """Looks for the API of a stream; see ``Decoder``."""

    deciding = Rules.deciding
    was_exact = False

    def __init__(self, api: AnyAPI, strict: bool) -> None:
        self._api = api
        self._strict = strict
        # For what is the same in all APIs.
        self._common = PayloadDecoder(_Unread, _UnreadRules(), lambda _: True, strict)
        self._payloads: list[bytes] = []

    def decode(self, payload: bytes, event_type: str = "message") -> Any:
        kind = self._api.kind or self._kind_of(payload, event_type)
        if kind is not None:
            raise self._api.decide(kind, self._strict)
        found = self._common.decode(payload, event_type)
        if found is None:
            return None
        self._payloads.append(payload)
        refusal = UnexpectedAPIError(None, None, b"\n".join(self._payloads))
        if len(self._payloads) >= _MOST_PAYLOADS:
            raise refusal
        raise Undecided(refusal)

    def is_error(self, value: Any) -> bool:
        return self._common.is_error(value)

    def is_final(self, value: Any) -> bool:
        return self.is_error(value) or self._kind_of_json(value) is not None

    def _kind_of(self, payload: bytes, event_type: str) -> str | None:
        try:
            value = loads(payload)
        except (ValueError, RecursionError):
            return None
        kind = self._kind_of_json(value)
        if kind is not None or not isinstance(value, dict) or value.get("type"):
            return kind
        # Some servers say it in the event alone. Of an error that says nothing.
        return None if event_type.lower() == "error" else kind_of({**value, "type": event_type})

    def _kind_of_json(self, value: Any) -> str | None:
        if not isinstance(value, dict):
            return None
        kind = kind_of(value)
        if kind is not None or self.is_error(value):
            return kind
        # Or all of the answer at once.
        for name, api in self._api.known.items():
            if api.make_decoder(False).is_final(value):
                return name
        return None


class AnyAPI:
    """What the machine has to know of a stream of any API.

    Args:
        known: the APIs, by their kinds.
        kind: which of them it is of; None where its payloads are to tell.

    Attributes:
        kind: that; None as long as nothing has told.
        viewed: its state.
    """

    is_withheld = None

    def __init__(self, known: Mapping[str, ViewedAPI], kind: str | None) -> None:
        self.known = known
        self.kind = kind
        self.viewed = Viewed(True)

    def make_decoder(self, strict: bool) -> Decoder:
        return _UndecidedDecoder(self, strict)

    def make_state(self, accumulate: bool) -> Viewed:
        self.viewed = Viewed(accumulate)
        return self.viewed

    def has_text(self, item: Any) -> bool:
        return self.kind is not None and self.known[self.kind].has_text(item)

    def decide(self, kind: str, strict: bool) -> Undecided:
        """It is of this API: what reads it from here on."""
        self.kind = kind
        api = self.known[kind]
        return Undecided(None, api.make_decoder(strict), self.viewed.decide(api))


class Viewed:
    """The state of a stream, whatever its API: as the form asks for it, and in words of no API."""

    finished = False
    missing = "the stream ended before it told which API it is of: no answer has come"

    def __init__(self, accumulate: bool) -> None:
        self._accumulate = accumulate
        self._state: Any = None
        self._no_calls = ToolCallLog()
        self._view: View | None = None

    def decide(self, api: ViewedAPI) -> State:
        """Speak for an API's state from here on; return that."""
        self._state = api.make_state(self._accumulate)
        self._view = api.make_view(self._state)
        found: State = self._state
        return found

    # As the reader asks for it, as long as it has no other.

    def fold(self, chunk: Any, payload: bytes | None) -> None:
        """There are no objects."""

    def note_error(self) -> None:
        """Nothing is open."""

    def ends_with(self, error: APIError) -> bool:
        return False

    def places(self, chunk: Any, varying: dict[tuple[Any, ...], int]) -> None:
        return None

    # As the form asks for it.

    @property
    def usage(self) -> Usage | None:
        return None if self._view is None else self._view.usage

    @property
    def finish_reason(self) -> str | None:
        return None if self._view is None else self._view.finish_reason

    @property
    def raw_finish_reason(self) -> str | None:
        return None if self._state is None else self._state.finish_reason

    @property
    def done(self) -> bool:
        return self._state is not None and self._state.done

    def snapshot(self, is_done: bool) -> Any:
        return None if self._state is None else self._state.snapshot(is_done)

    @property
    def call_log(self) -> ToolCallLog:
        found = None if self._view is None else self._view.call_log
        return self._no_calls if found is None else found

    def end_tool_calls(self, is_done: bool) -> None:
        if self._view is not None and self._view.call_log is not None:
            self._state.end_tool_calls(is_done)

    @property
    def kept(self) -> View | None:
        """The view of what was accumulated; None where nothing has come.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        if not self._accumulate:
            raise RuntimeError("this stream keeps nothing of the answer: it has accumulate=False")
        return self._view

    # What a form makes of objects. There are none before there is a view.

    @property
    def choice(self) -> int:
        return 0 if self._view is None else self._view.choice

    def text_of(self, item: Any) -> str:
        return "" if self._view is None else self._view.text_of(item)

    def turns_of(self, item: Any) -> str:
        return "" if self._view is None else self._view.turns_of(item)

    def news_of(self, item: Any) -> str:
        return "" if self._view is None else self._view.news_of(item)

    def pieces_of(self, item: Any) -> list[Piece]:
        return [] if self._view is None else self._view.pieces_of(item)
