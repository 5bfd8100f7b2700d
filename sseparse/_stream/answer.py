"""The three forms where a stream has one answer: a message or a response, and no choices.

What is of their text and their tool calls, whatever the API; ``forms.py`` has the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .forms import AsyncPulled, FinalT, ObjectT, Pulled, Pushed, UsageT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from .tool_calls import PartialToolCall

__all__ = ["AsyncPulledAnswer", "PulledAnswer", "PushedAnswer"]

CallT = TypeVar("CallT", covariant=True)


class PushedAnswer(Pushed[ObjectT, UsageT, FinalT], Generic[ObjectT, UsageT, FinalT, CallT]):
    """A stream with one answer whose bytes are pushed."""

    def iter_tool_calls(self) -> Iterator[CallT]:
        """The tool calls that have become complete, those handed out before left out.

        Ask after each ``feed``, and after ``close``. When one is complete the stream's class says.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._complete_tool_calls()

    def iter_partial_tool_calls(self) -> Iterator[PartialToolCall]:
        """The tool calls that have grown since they were handed out here, as far as they have come.

        Ask after each ``feed``, and after ``close``. A call is the same object each time.

        Raises:
            RuntimeError: with ``accumulate=False``.
        """
        return self._partial_tool_calls()


class PulledAnswer(Pulled[ObjectT, UsageT, FinalT], Generic[ObjectT, UsageT, FinalT, CallT]):
    """A stream with one answer over an iterable of bytes."""

    def iter_text(self) -> Iterator[str]:
        """The pieces of the answer's text as they come, empty ones left out."""
        return self._texts()

    def iter_partial_json(self) -> Iterator[Any]:
        """The value of the answer's text, as far as it is known, each time more of it shows.

        It is that of a ``sseparse.partial_json.PartialJSON``: strings as far as they have
        come; numbers, literals and keys when they are whole. Lists and dicts are the same
        objects each time, and grow; ``copy.deepcopy`` what is to stay as it is. Whether the
        text has come whole this does not tell.

        Raises:
            PartialJSONError: while iterating, where the text is no JSON, and from then on;
                what came before is yielded first.
        """
        return self._partial_values()

    def iter_tool_calls(self) -> Iterator[CallT]:
        """The tool calls, each once and as soon as it is complete.

        When one is complete the class says. Tools that the server runs itself are not among them.
        What a cut, an error or ``close()`` has left unfinished is never complete.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: while iterating; what iterating over the stream raises, where it stands.
        """
        return self._complete_tool_calls()

    def iter_partial_tool_calls(self) -> Iterator[PartialToolCall]:
        """The tool calls as they grow: one each time that there is more of it.

        A call is the same object each time, which has its ``arguments`` so far and their
        ``value``; the last time it comes it is ``complete``, if it ever is.

        Raises:
            RuntimeError: with ``accumulate=False``.
            SSEError: while iterating; what iterating over the stream raises, where it stands.
        """
        return self._partial_tool_calls()


class AsyncPulledAnswer(
    AsyncPulled[ObjectT, UsageT, FinalT], Generic[ObjectT, UsageT, FinalT, CallT]
):
    """A stream with one answer over an asynchronous iterable of bytes."""

    def iter_text(self) -> AsyncIterator[str]:
        """The pieces of the answer's text as they come, empty ones left out."""
        return self._texts()

    def iter_partial_json(self) -> AsyncIterator[Any]:
        """The value of the answer's text as it grows; see the class without ``Async``."""
        return self._partial_values()

    def iter_tool_calls(self) -> AsyncIterator[CallT]:
        """The tool calls, each once and when complete; see the class without ``Async``."""
        return self._complete_tool_calls()

    def iter_partial_tool_calls(self) -> AsyncIterator[PartialToolCall]:
        """The tool calls as they grow; see the class without ``Async``."""
        return self._partial_tool_calls()
