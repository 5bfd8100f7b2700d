"""What a stream of any API says of itself, before it is known which that is and from then on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .tool_calls import ToolCallLog
from .view import ToolCall

if TYPE_CHECKING:
    from collections.abc import Callable

    from .errors import APIError
    from .protocols import State
    from .tool_calls import PartialToolCall, ToolCallWatch
    from .undecided import AnyAPI
    from .view import Answer, Kind, Piece, Usage, View, ViewedAPI

__all__ = ["Viewed", "ViewedForm", "neutral_calls"]


class Viewed:
    """The state of a stream, whatever its API: as the form asks for it, and in words of no API."""

    def __init__(self, accumulate: bool) -> None:
        self._accumulate = accumulate
        self._state: Any = None
        self._no_calls = ToolCallLog()
        self._view: View | None = None

    def decide(self, api: ViewedAPI) -> State:
        """Speak for the state of an API from here on; return that."""
        if self._state is None:
            self._state = (api.api.state if self._accumulate else api.api.outcome)()
            self._view = api.make_view(self._state)
        found: State = self._state
        return found

    # As the reader asks for it, until it has that one.

    @property
    def finished(self) -> bool:
        return self._state is not None and self._state.finished

    @property
    def missing(self) -> str:
        if self._state is None:
            return "the stream ended before it told which API it is of: no answer has come"
        found: str = self._state.missing
        return found

    def fold(self, chunk: Any) -> None:
        """There are no objects."""

    def note_error(self) -> None:
        """Nothing is open."""

    def ends_with(self, error: APIError) -> bool:
        return False

    def places(self, chunk: Any, varying: dict[tuple[Any, ...], int]) -> None:
        """There are no objects."""

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
        found = None if self._state is None else self._state.call_log
        return self._no_calls if found is None else found

    def end_tool_calls(self, is_done: bool) -> None:
        if self._state is not None and self._state.call_log is not None:
            self._state.end_tool_calls(is_done)

    @property
    def kept(self) -> Answer | None:
        """What was accumulated; None where nothing has come.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        if not self._accumulate:
            raise RuntimeError("this stream keeps nothing of the answer: it has accumulate=False")
        found: Answer | None = self._state
        return found

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


def _neutral(call: PartialToolCall) -> ToolCall:
    return ToolCall(call.id, call.name, call.joined(), call.index, call.complete)


def neutral_calls(
    next_call: Callable[[int], PartialToolCall | None], viewed: Viewed
) -> Callable[[], ToolCall | None]:
    """Finds the next call of the choice that is viewed, by what finds that of any choice."""

    def find() -> ToolCall | None:
        call = next_call(viewed.choice)
        return None if call is None else _neutral(call)

    return find


class ViewedForm:
    """What a stream of any API says of itself, in every form."""

    _any: AnyAPI

    if TYPE_CHECKING:

        def _watch(self) -> ToolCallWatch: ...

    @property
    def kind(self) -> Kind | None:
        """The API: what was given, or what its payloads have told; None before they have."""
        return cast("Kind | None", self._any.kind)

    @property
    def id(self) -> str | None:
        """The ID of the answer; None as long as it has none.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        kept = self._any.viewed.kept
        return None if kept is None else kept.id or None

    @property
    def model(self) -> str | None:
        """The model that answers, as the server calls it; None as long as it has not told.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        kept = self._any.viewed.kept
        return None if kept is None else kept.model or None

    @property
    def text(self) -> str:
        """The text so far; of several choices or candidates that of the first.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        kept = self._any.viewed.kept
        return "" if kept is None else kept.text

    @property
    def reasoning(self) -> str:
        """The reasoning so far, or what the API tells of it: a summary, thoughts.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        kept = self._any.viewed.kept
        return "" if kept is None else kept.reasoning

    @property
    def refusal(self) -> str:
        """Why the model refuses, so far, where the API has a text of its own for that.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        kept = self._any.viewed.kept
        return "" if kept is None else kept.refusal

    @property
    def tool_calls(self) -> list[ToolCall]:
        """The calls of the caller's tools so far; those that are ``done`` can be acted upon.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        choice = self._any.viewed.choice
        return [_neutral(call) for call in self._watch().calls() if call.choice == choice]

    @property
    def raw_finish_reason(self) -> str | None:
        """Why the answer ended, in the API's words; None as long as it has not said so."""
        return self._any.viewed.raw_finish_reason
