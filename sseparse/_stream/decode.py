# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""From a payload to an object: the way that every API's payloads take.

First a decoder of msgspec makes the object of the payload's bytes. It refuses whatever is not
just as the types declare, undeclared keys included; that costs nothing extra, and is all that
most payloads need. What it refuses is parsed to a dict, and then

- it may report an error,
- it may be of another API, which is an error too,
- it may be as declared but for undeclared keys, which are kept,
- or the API mends it: reads what is broken as it is meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

import msgspec

from .convert import from_dict
from .detect import READERS, kind_of
from .errors import ChunkDecodeError, UnexpectedAPIError
from .fields import give_payload
from .model import Model, mark_mended
from .payload import REFUSALS, loads_oddly

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Protocol

    from .errors import APIError

    class Rules(Protocol):
        """What an API knows of its payloads."""

        # The kinds of payloads (``kind_of``) that are another API's.
        others: Collection[str]
        # The ``object`` of what the call without streaming returns.
        final_object: str

        def find_error(self, value: Any, is_error: bool) -> APIError | None:
            """The error that parsed JSON reports; ``is_error`` where its event says it is one."""

        def find_problem(self, received: dict[str, Any], item: Any) -> str | None:
            """What the types take though it does not mean what it says."""

        def refusal(self, received: dict[str, Any]) -> str | None:
            """Why parsed JSON is not to be read at all; None where it is."""

        def mend(self, received: dict[str, Any]) -> Any:
            """The object of parsed JSON that the types refuse. It never raises."""


__all__ = ["PayloadDecoder"]

ModelT = TypeVar("ModelT", bound=Model)


class PayloadDecoder(Generic[ModelT]):
    """Decodes the payloads of one API.

    Args:
        cls: what they are decoded to.
        rules: what the API knows of them.
        is_exact: tells of an object that it means what it says, errors and all.
        strict: raise a ChunkDecodeError where a payload would have to be mended.

    Attributes:
        deciding: undeclared keys whose values decide how a payload is read.
    """

    # By it ``kind_of`` knows other APIs.
    deciding = frozenset((b"type",))

    def __init__(
        self,
        cls: type[ModelT],
        rules: Rules,
        is_exact: Callable[[ModelT], bool],
        strict: bool = False,
    ) -> None:
        self._cls = cls
        self._rules = rules
        self._is_exact = is_exact
        self._strict = strict
        self._decode = _decoder_of(cls)

    def decode_exactly(self, payload: bytes) -> ModelT:
        """The object of a payload that is just as declared; raises one of REFUSALS for others."""
        item = self._decode(payload)
        if not self._is_exact(item):
            raise ValueError
        give_payload(item, payload)
        return item

    def decode(self, payload: bytes) -> ModelT | None:
        """The object of any payload; None where it has none. Raises as ``decode_tolerantly``."""
        try:
            return self.decode_exactly(payload)
        except REFUSALS:
            return self.decode_tolerantly(payload, "message")

    def decode_tolerantly(self, payload: bytes, event_type: str) -> ModelT | None:
        """The object of a payload that is not just as declared; None where it has none.

        Raises:
            APIError: it reports an error.
            ChunkDecodeError: it cannot be read; with ``strict``, not without mending.
            UnexpectedAPIError: it is positively of another API.
        """
        try:
            return self._decode_parsed(payload, event_type)
        except RecursionError:
            raise ChunkDecodeError(payload, "it is nested too deeply") from None

    def is_error(self, value: Any) -> bool:
        """Whether parsed JSON reports an error."""
        return self._rules.find_error(value, False) is not None

    def is_final(self, value: Any) -> bool:
        """Whether parsed JSON is what the call without streaming returns, or an error instead."""
        if self.is_error(value):
            return True
        return isinstance(value, dict) and value.get("object") == self._rules.final_object

    def _decode_parsed(self, payload: bytes, event_type: str) -> ModelT | None:
        is_error = event_type == "error"
        value = None
        is_odd = False
        if payload.strip():
            try:
                value, is_odd = loads_oddly(payload)
            except ValueError as error:
                if is_error:
                    value = payload.decode("utf-8", "replace")
                elif event_type != "message" and not self._strict:
                    return None  # a ping, say: an event of another kind, which is no JSON
                else:
                    raise ChunkDecodeError(payload, f"it is not JSON ({error})") from None
        reported = self._rules.find_error(value, is_error)
        if reported is not None:
            raise reported
        if isinstance(value, dict):
            return self._decode_dict(payload, value, is_odd)
        if isinstance(value, list):
            raise ChunkDecodeError(payload, "it is a JSON array, not an object")
        if self._strict:
            empty = not payload.strip()
            raise ChunkDecodeError(payload, "it is empty" if empty else "it is not a JSON object")
        return None

    def _decode_dict(self, payload: bytes, received: dict[str, Any], is_odd: bool) -> ModelT:
        kind = kind_of(received)
        if kind is not None and kind in self._rules.others:
            raise UnexpectedAPIError(kind, READERS.get(kind), payload)
        refusal = self._rules.refusal(received)
        if refusal is not None:
            raise ChunkDecodeError(payload, refusal)
        item: ModelT | None = None
        try:
            item = from_dict(self._cls, received)
            problem = self._rules.find_problem(received, item)
        except REFUSALS as error:
            problem = str(error)
        if item is None or problem is not None:
            if self._strict:
                raise ChunkDecodeError(payload, str(problem))
            item = cast("ModelT", self._rules.mend(received))
            is_odd = True
        if is_odd:
            mark_mended(item)
        give_payload(item, payload)
        return item


_DECODERS: dict[type, Any] = {}


def _decoder_of(cls: type[ModelT]) -> Callable[[bytes], ModelT]:
    # Made once: it costs as much as a hundred chunks.
    if cls not in _DECODERS:
        _DECODERS[cls] = msgspec.json.Decoder(cls).decode
    return _DECODERS[cls]  # type: ignore[no-any-return]
