"""A stream of which the payloads have to tell what API it is of.

To the machine it is an API like any other. Its decoder makes no objects: it looks at the payloads
until one of them tells, and then hands over to that API's decoder and state, which read the first
one again with all the others (``Reader`` holds them back). The form that asks has a state all the
time: ``Viewed``, which speaks for that of the API as soon as there is one.

What no API need be known for is done as for all: errors, keep-alives, ``[DONE]``, a body that is no
event stream.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from .decode import PayloadDecoder, Rules
from .detect import Undecided, is_keep_alive, kind_of
from .errors import UnexpectedAPIError
from .forms import API
from .model import Model, prepare
from .payload import loads
from .viewed import Viewed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .view import ViewedAPI

__all__ = ["AnyAPI"]

# Payloads that tell nothing, until it is given up.
_MOST_PAYLOADS = 8


class _Unread(Model):
    """What a payload is decoded to that tells nothing: it is held back, and read later."""


prepare(_Unread)


class _UnreadRules(Rules):
    def is_skipped(self, received: dict[str, Any]) -> bool:
        return is_keep_alive(received)


class _UndecidedDecoder:
    """Looks for the API of a stream; see ``Decoder``."""

    variant = "undecided"
    deciding = Rules.deciding

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
            if api.api.decoder(False).is_final(value):
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
        api: what its streams are made of.
    """

    def __init__(self, known: Mapping[str, ViewedAPI], kind: str | None) -> None:
        self.known = known
        self.kind = kind
        self.viewed = Viewed(True)
        self.api = API(
            partial(_UndecidedDecoder, self),
            partial(self._make_state, True),
            partial(self._make_state, False),
            has_text=self._has_text,
        )

    def _make_state(self, accumulate: bool) -> Viewed:
        self.viewed = Viewed(accumulate)
        if self.kind is not None:
            self.viewed.decide(self.known[self.kind])
        return self.viewed

    def _has_text(self, item: Any) -> bool:
        return self.kind is not None and self.known[self.kind].api.has_text(item)

    def decide(self, kind: str, strict: bool) -> Undecided:
        """It is of this API: what reads it from here on."""
        self.kind = kind
        known = self.known[kind]
        return Undecided(None, known.api.decoder(strict), self.viewed.decide(known))
