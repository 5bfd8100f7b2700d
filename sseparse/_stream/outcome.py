"""How a stream ends, and what it used: what every state knows, whatever the API.

With ``accumulate=False`` that is all there is to know. A state that keeps the answer is an
outcome, too, and folds the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

from .fold import LastUsage
from .model import Model

if TYPE_CHECKING:
    from .errors import APIError

__all__ = ["ChoicesOutcome", "Outcome"]

UsageT = TypeVar("UsageT", bound=Model)


class Outcome(Generic[UsageT]):
    """How a stream with one answer ends."""

    missing: ClassVar[str]
    """What is said of a stream that is truncated."""

    # As long as nothing has come.
    _usage: UsageT | None = None
    _finish_reason: str | None = None
    _done = False

    @property
    def usage(self) -> UsageT | None:
        """The last usage that the server has sent; None where it has sent none."""
        return self._usage

    @property
    def finish_reason(self) -> str | None:
        """Why the answer ended, in the API's words; None as long as it has not said so."""
        return self._finish_reason

    @property
    def done(self) -> bool:
        """Whether the event has come that ends the stream."""
        return self._done

    @property
    def finished(self) -> bool:
        """Whether the answer has its finish reason, or the stream its last event."""
        return self._done or self._finish_reason is not None

    def note_error(self) -> None:
        """Something in the stream could not be read: what is open may lack a piece of it."""

    def ends_with(self, error: APIError) -> bool:
        """An error tells nothing of the answer, which is not whole."""
        return False

    def snapshot(self, is_done: bool) -> Any:
        """There is none."""
        raise NotImplementedError


class ChoicesOutcome(Outcome[UsageT]):
    """How a stream ends where there may be several answers, each with a reason of its own.

    No event but ``[DONE]``, which the reader knows, ends it.
    """

    _USAGE_FIELD: ClassVar[str]
    """The field of an object that the usage stands in."""
    _USAGE_COUNTS: ClassVar[tuple[str, ...]]
    """The names of those of its counts that say anything."""

    def __init__(self) -> None:
        self._last_usage: LastUsage[UsageT] = LastUsage(self._USAGE_FIELD, self._USAGE_COUNTS)
        self._finish_reasons: dict[int, str | None] = {}  # by the index of the answer

    @property
    def usage(self) -> UsageT | None:
        """The last usage that the server has sent; None where it has sent none."""
        return self._last_usage.value

    @property
    def first_choice(self) -> int:
        """The index of the first answer: some servers count from 1."""
        return min(self._finish_reasons, default=0)

    @property
    def finish_reason(self) -> str | None:
        """The finish reason of the first answer."""
        return self._finish_reasons.get(self.first_choice)

    @property
    def finished(self) -> bool:
        """Whether every answer that has been seen has a finish reason, and there is one."""
        return bool(self._finish_reasons) and all(self._finish_reasons.values())
