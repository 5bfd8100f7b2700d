"""Tool calls as they come: which of them have grown, and which can be acted upon.

Theory of operation
-------------------
An API's state folds the pieces of a call into an object of its own, a ``Call``, and tells its
``ToolCallLog`` what becomes of it: ``begin``, ``grew``; ``may_grow``, where the reader adds to the
arguments by itself (see the places in ``reader.py``); ``leave``, when another call goes on or the
choice has ended; ``end``, when the server itself says that it is over. That is all that a stream
pays of whose calls nobody asks.

Everything else happens when somebody looks (``ToolCallWatch``), in time for what has come since.
The arguments are read on, and a call that was left is complete if they are a whole JSON object by
then. If they are not, more of them may come after all: some servers send calls by turns, or a
finish reason with every piece. Then the state has the last word, ``end_tool_calls``, when the
stream has ended and nobody has cut it off.

An error in the stream, or a payload that could not be read, may have swallowed a piece of any
call, and JSON does not always show it. So what is not over by then never is: ``break_off``.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from ..partial_json import PartialJSON, PartialJSONError
from .text import HalfCharacter

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from .loops import AsyncSource, Source
    from .reader import Reader
    from .text import Text

    class Call(Protocol):
        """A tool call as an API's state has it. Equal ones are the same one.

        Attributes:
            id: its ID, as far as it has come.
            name: the tool's name, as far as it has come.
            arguments: what the tool is given.
        """

        id: str
        name: str
        arguments: Text

        @property
        def is_json(self) -> bool:
            """Whether the arguments are to be a JSON object, and not any text."""
            ...

        def build(self) -> Any:
            """The API's own object for what has come so far."""
            ...


__all__ = [
    "AsyncFound",
    "Found",
    "KeepsToolCalls",
    "PartialToolCall",
    "ToolCallLog",
    "ToolCallWatch",
]

FoundT = TypeVar("FoundT")


class KeepsToolCalls(Protocol):
    """A state that tells of tool calls."""

    @property
    def call_log(self) -> ToolCallLog:
        """What it tells."""
        ...

    def end_tool_calls(self, is_done: bool) -> None:
        """Say which calls are over by the end of the stream, by ``[DONE]`` or without it.

        Not called where there was an error, nor where somebody has cut the stream off.
        """
        ...


class PartialToolCall:
    """A tool call while it comes: the same object each time, which grows.

    Attributes:
        choice: the index of the choice that makes it.
        index: its number among the calls of that choice, as they began.
        arguments: as far as they have come: text, which is JSON unless the tool is a custom one.
        complete: whether it is whole, and can be acted upon.
    """

    __slots__ = (
        "_call",
        "_fed",
        "_half",
        "_is_noted",
        "_json",
        "_left_at",
        "_seen",
        "_taken",
        "_was_given",
        "arguments",
        "choice",
        "complete",
        "index",
    )

    def __init__(self, call: Call, choice: int, index: int) -> None:
        self.choice = choice
        self.index = index
        self.arguments = ""
        self.complete = False
        self._call = call
        self._left_at = -1  # how much there was of the arguments when it was left
        self._was_given = False  # as a complete one
        self._is_noted = False  # as one that has changed
        self._seen: tuple[Any, ...] | None = None
        self._forget()

    @property
    def id(self) -> str:
        """Its ID; "" as long as it has none."""
        return self._call.id

    @property
    def name(self) -> str:
        """The name of the tool, as far as it has come."""
        return self._call.name

    @property
    def value(self) -> Any:
        """The value of the arguments as far as it is known, which is that of a ``PartialJSON``.

        Lists and dicts are the same objects each time, and grow. None before anything came,
        and for a custom tool, whose input is any text.

        Raises:
            PartialJSONError: the arguments are no JSON; it says where.
        """
        return self._read_json().value if self._call.is_json else None

    def joined(self) -> str:
        """The arguments that have come so far, whether or not anybody has watched them grow."""
        return self._call.arguments.joined()

    def __repr__(self) -> str:
        names = ("choice", "index", "id", "name", "arguments", "complete")
        return f"PartialToolCall({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    # For the log and the watch.

    def _forget(self) -> None:
        self.arguments = ""
        self._taken = 0  # characters that are in there, or in _half
        self._half = HalfCharacter()
        self._json: PartialJSON | None = None
        self._fed = 0  # characters of the arguments that it has read

    def _has_more(self) -> bool:
        """Whether arguments have come that have not been taken."""
        return self._taken != self._call.arguments.length

    def _read_on(self) -> None:
        """Take what has come of the arguments."""
        piece = ""
        if self._has_more():
            piece = self._half.complete(self._call.arguments.since(self._taken))
            self._taken = self._call.arguments.length
        if self.complete:
            piece += self._half.rest()
        # Python extends a str in place, in time for the piece, where a local variable has the only
        # reference. (In a compiled module it would be copied.)
        text = self.arguments
        self.arguments = ""
        text += piece
        self.arguments = text

    def _read_json(self) -> PartialJSON:
        if self._json is None:
            self._json = PartialJSON()
        start, self._fed = self._fed, len(self.arguments)
        return self._json.feed(self.arguments[start:])

    def _whole_value(self) -> Any:
        """What the arguments are as JSON; None as long as they are none, or may go on."""
        self._read_on()
        try:
            json = self._read_json()
        except PartialJSONError:
            return None
        return json.value if json.complete else None

    def _is_whole(self) -> bool:
        return self._call.is_json and isinstance(self._whole_value(), dict)

    def _has_changed(self) -> bool:
        """Whether there is more to see than the last time."""
        self._read_on()
        last = self._seen
        self._seen = (self.id, self.name, len(self.arguments), self.complete)
        return self._seen != last


class ToolCallLog:
    """The tool calls of a stream, and what has happened to them that nobody has looked at."""

    def __init__(self) -> None:
        self._calls: dict[Call, PartialToolCall] = {}
        self._counts: dict[int, int] = {}  # how many there are of a choice
        self._changed: dict[int, deque[PartialToolCall]] = {}  # by choice
        self._growing: list[PartialToolCall] = []
        self._left: dict[PartialToolCall, None] = {}
        self._completed: list[PartialToolCall] = []  # in the order in which they became so
        self._is_broken = False
        # How many of those have been looked through for the ones of a choice.
        self._positions: dict[int | None, int] = {}

    # What the state says.

    def begin(self, call: Call, choice: int = 0) -> None:
        """A call has begun."""
        index = self._counts.get(choice, 0)
        self._counts[choice] = index + 1
        self._calls[call] = PartialToolCall(call, choice, index)
        self.grew(call)

    def grew(self, call: Call) -> None:
        """Something was added to it."""
        self._note(self._calls[call])

    def may_grow(self, call: Call) -> None:
        """Arguments may be added to it without a word, until ``settle``."""
        self._growing.append(self._calls[call])

    def settle(self) -> None:
        """No call grows without a word any more."""
        self._note_growing()
        self._growing.clear()

    def leave(self, call: Call) -> None:
        """Another call goes on, or its choice has ended: if it is whole, it is complete."""
        partial = self._calls[call]
        if not (partial.complete or self._is_broken):
            partial._left_at = call.arguments.length
            self._left[partial] = None

    def end(self, call: Call) -> None:
        """Nothing more comes of it; the server says so."""
        partial = self._calls[call]
        if not (partial.complete or self._is_broken):
            self._complete(partial)
            self._note(partial)

    def is_whole(self, call: Call) -> bool:
        """Whether its arguments are a whole JSON object, which nothing can follow."""
        partial = self._calls[call]
        return partial.complete or partial._is_whole()

    def whole_value(self, call: Call) -> Any:
        """What its arguments are as JSON; None as long as they are none, or may go on."""
        return self._calls[call]._whole_value()

    def break_off(self) -> None:
        """There was an error in the stream: whatever is not over by now never is."""
        self._is_broken = True

    # What the watch asks.

    def next_complete(self, choice: int | None) -> Any:
        """What the next complete call builds, each once; None where there is none."""
        partial = self.next_done(choice)
        return None if partial is None else partial._call.build()

    def next_done(self, choice: int | None) -> PartialToolCall | None:
        """The next complete call itself, each once; None where there is none."""
        self._check()
        for position in range(self._positions.get(choice, 0), len(self._completed)):
            self._positions[choice] = position + 1
            partial = self._completed[position]
            if not partial._was_given and choice in (None, partial.choice):
                partial._was_given = True
                return partial
        return None

    def calls(self) -> list[PartialToolCall]:
        """All calls, as they began."""
        self._check()
        return list(self._calls.values())

    def next_changed(self, choice: int | None) -> PartialToolCall | None:
        """The next call that has more to show than the last time; None where there is none."""
        self._check()
        self._note_growing()
        while True:
            changed = self._changed.get(next(iter(self._changed), 0) if choice is None else choice)
            if not changed:
                return None
            partial = changed.popleft()
            partial._is_noted = False
            if not changed:
                del self._changed[partial.choice]
            if partial._has_changed():
                return partial

    def _check(self) -> None:
        """See which of the calls that were left are complete."""
        if not self._left:
            return
        found: list[PartialToolCall] = []
        for partial in self._left:
            # What came behind an error may go on with what the error has swallowed.
            is_as_left = partial._left_at == partial._call.arguments.length
            if (is_as_left or not self._is_broken) and partial._is_whole():
                self._complete(partial)
                found.append(partial)
        self._left.clear()
        for partial in reversed(found):
            self._note(partial, is_first=True)  # before the call that shows it

    def _complete(self, partial: PartialToolCall) -> None:
        partial.complete = True
        self._completed.append(partial)
        if partial._seen is None:
            # Nobody watches it grow; it may have been read to see whether it was whole.
            partial._forget()

    def _note(self, partial: PartialToolCall, is_first: bool = False) -> None:
        if not partial._is_noted:
            partial._is_noted = True
            changed = self._changed.setdefault(partial.choice, deque())
            if is_first:
                changed.appendleft(partial)
            else:
                changed.append(partial)

    def _note_growing(self) -> None:
        for partial in self._growing:
            if partial._has_more():
                self._note(partial)


class ToolCallWatch:
    """What there is to see of a stream's calls.

    Args:
        state: tells of them.
        reader: the stream's.
    """

    def __init__(self, state: KeepsToolCalls, reader: Reader) -> None:
        self._state = state
        self._reader = reader
        self._has_ended = False

    def next_complete(self, choice: int | None) -> Any:
        """What the next complete call builds, each once; None where there is none."""
        self._note_end()
        return self._state.call_log.next_complete(choice)

    def next_done(self, choice: int | None) -> PartialToolCall | None:
        """That call itself."""
        self._note_end()
        return self._state.call_log.next_done(choice)

    def calls(self) -> list[PartialToolCall]:
        """All calls so far, as they began."""
        self._note_end()
        return self._state.call_log.calls()

    def next_changed(self, choice: int | None) -> PartialToolCall | None:
        """The next call that has grown since it was shown last; None where there is none."""
        self._note_end()
        return self._state.call_log.next_changed(choice)

    def _note_end(self) -> None:
        reader = self._reader
        if not (self._has_ended or reader.is_broken) and (reader.done or reader.ended_by_itself):
            self._has_ended = True
            self._state.end_tool_calls(reader.done)


class Found(Generic[FoundT]):
    """What is found in a stream, which is read on for it. It outlives an exception.

    Args:
        source: reads the stream.
        news_of: a text that an object has for whoever looks; "" where it has none.
        find: gives what has been found, one by one; None where there is nothing.
    """

    def __init__(
        self, source: Source, news_of: Callable[[Any], str], find: Callable[[], FoundT | None]
    ) -> None:
        self._source = source
        self._reader = source.reader
        self._news_of = news_of
        self._find = find

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> FoundT:
        while True:
            found = self._find()
            if found is not None:
                return found
            if self._reader.ended:
                self._source.finish()
                raise StopIteration
            if self._reader.read_text(self._news_of) is None and not self._reader.ended:
                self._source.read_on()


class AsyncFound(Generic[FoundT]):
    """``Found``, asynchronously."""

    def __init__(
        self, source: AsyncSource, news_of: Callable[[Any], str], find: Callable[[], FoundT | None]
    ) -> None:
        self._source = source
        self._reader = source.reader
        self._news_of = news_of
        self._find = find

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> FoundT:
        while True:
            found = self._find()
            if found is not None:
                return found
            if self._reader.ended:
                await self._source.finish()
                raise StopAsyncIteration
            if self._reader.read_text(self._news_of) is None and not self._reader.ended:
                await self._source.read_on()
