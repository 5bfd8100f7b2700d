"""One view of every API's streams: what they have in common, and what an API gives for it.

The words are those of no API. What each API's own words become is in that API's ``view.py``; what
is the same for all of them is here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from .text import HalfCharacter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from typing_extensions import Self

    from .forms import API
    from .text import Text
    from .tool_calls import ToolCallLog

    class ViewedAPI(API, Protocol):
        """An API whose streams can be viewed so."""

        @property
        def kind(self) -> str:
            """What it is called, as by ``kind_of``."""
            ...

        def make_view(self, state: Any, /) -> View:
            """The view of one stream.

            Args:
                state: what folds its objects; one that ``make_state`` has made.
            """
            ...

        def error_payload(
            self, message: str, code: str | int | None, type: str | None
        ) -> tuple[str | None, dict[str, Any]]:
            """How a stream says that something has failed: the event's type, and its payload."""
            ...

    class View(Protocol):
        """One stream of an API."""

        def text_of(self, item: Any, /) -> str:
            """The piece of the answer's text that an object brings."""
            ...

        def turns_of(self, item: Any, /) -> str:
            """Any text where an object says that a tool call begins or ends."""
            ...

        def news_of(self, item: Any, /) -> str:
            """Any text where an object says anything of tool calls."""
            ...

        def pieces_of(self, item: Any, /) -> list[Piece]:
            """The pieces of the answer that the next object brings; it is asked for each."""
            ...

        @property
        def choice(self) -> int:
            """Which choice is viewed, of several: the index of the first."""
            ...

        @property
        def usage(self) -> Usage | None:
            """How many tokens were used, so far; None where nothing tells."""
            ...

        @property
        def finish_reason(self) -> str | None:
            """Why the answer ended."""
            ...

        # What was accumulated.

        @property
        def id(self) -> str: ...

        @property
        def model(self) -> str: ...

        @property
        def text(self) -> str: ...

        @property
        def reasoning(self) -> str: ...

        @property
        def refusal(self) -> str: ...

        @property
        def call_log(self) -> ToolCallLog | None:
            """The tool calls; None where the API has none."""
            ...


__all__ = [
    "AsyncPieces",
    "CallPieces",
    "Kind",
    "Piece",
    "PieceKind",
    "Pieces",
    "ToolCall",
    "Usage",
    "WholePieces",
]

Kind = Literal["chat", "completions", "responses", "messages", "gemini"]
PieceKind = Literal["text", "reasoning", "refusal", "tool_call", "tool_input"]


class Piece(msgspec.Struct, frozen=True, gc=False):
    """A piece of an answer as it comes.

    Attributes:
        kind: "text", "reasoning" or "refusal"; "tool_call" where one begins; "tool_input".
        text: the piece. Of "tool_call" it is the tool's name, where that has come; of
            "tool_input" a piece of the arguments, which are JSON unless it is a custom tool.
        index: the number of the tool call, from 0; 0 for everything else.
        id: the ID of the tool call, as far as it has come; "" for everything else.
    """

    kind: PieceKind
    text: str
    index: int = 0
    id: str = ""


class ToolCall(msgspec.Struct, frozen=True, gc=False):
    """A call of a tool that the caller is to run.

    Attributes:
        id: its ID, to which the result has to refer; "" where the API has none.
        name: the name of the tool.
        arguments: what the tool is given, as far as it has come: JSON, unless it is a custom tool.
        index: its number among the calls, from 0, as they began.
        done: whether it is whole, and can be acted upon.
    """

    id: str
    name: str
    arguments: str
    index: int
    done: bool


class Usage(msgspec.Struct, frozen=True):
    """How many tokens a request used. What an API does not tell is 0.

    Attributes:
        input_tokens: all of the input, that from and for a cache included.
        output_tokens: all of the output, reasoning included.
        cache_read_tokens: of the input, what was read from a cache.
        cache_write_tokens: of the input, what was written to one.
        reasoning_tokens: of the output, what the reasoning took.
        native: the API's own object.
    """

    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    native: Any


class CallPieces:
    """What has been told of a tool call in pieces.

    Args:
        index: its number.
    """

    __slots__ = ("_has_begun", "_input", "_name", "index")

    def __init__(self, index: int) -> None:
        self.index = index
        self._has_begun = False
        self._name = 0
        self._input = 0

    def of(self, id: str, name: str, arguments: Text) -> list[Piece]:
        """What there is to tell since the last time. A call's first piece is that it begins."""
        found: list[Piece] = []
        if not self._has_begun or len(name) > self._name:
            found.append(Piece("tool_call", name[self._name :], self.index, id))
            self._has_begun = True
            self._name = len(name)
        if arguments.length > self._input:
            found.append(Piece("tool_input", arguments.since(self._input), self.index, id))
            self._input = arguments.length
        return found


class WholePieces:
    """The pieces of objects, one after another, each of whole characters.

    Half of a character is held until the other half comes.

    Args:
        pieces_of: gives those that an object brings.
    """

    def __init__(self, pieces_of: Callable[[Any], list[Piece]]) -> None:
        self._pieces_of = pieces_of
        # By what it is a piece of: what holds a half, and the last piece.
        self._halves: dict[tuple[PieceKind, int], tuple[HalfCharacter, Piece]] = {}

    def of(self, item: Any) -> list[Piece]:
        """Those of the next object."""
        found = self._pieces_of(item)
        for piece in found:
            if self._halves or not piece.text.isascii():
                return self._completed(found)
        return found

    def _completed(self, pieces: list[Piece]) -> list[Piece]:
        found: list[Piece] = []
        for piece in pieces:
            key = (piece.kind, piece.index)
            half, _ = self._halves.get(key) or (HalfCharacter(), piece)
            text = half.complete(piece.text) if piece.text else ""
            self._halves[key] = (half, piece)
            if text or piece.kind == "tool_call":
                is_same = text == piece.text
                found.append(piece if is_same else Piece(piece.kind, text, piece.index, piece.id))
        return found

    def rest(self) -> list[Piece]:
        """At the end, what stands for halves whose others never came."""
        return [
            Piece(piece.kind, text, piece.index, piece.id)
            for half, piece in self._halves.values()
            if (text := half.rest())
        ]


class Pieces:
    """The pieces of a stream. Unlike a generator it outlives an exception.

    Args:
        objects: the stream's.
        pieces_of: gives those that an object brings.
    """

    def __init__(self, objects: Iterator[Any], pieces_of: Callable[[Any], list[Piece]]) -> None:
        self._objects = objects
        self._pieces = WholePieces(pieces_of)
        self._found: list[Piece] = []  # the next one is the last

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Piece:
        while not self._found:
            item = next(self._objects, None)
            self._found = self._pieces.rest() if item is None else self._pieces.of(item)
            if item is None and not self._found:
                raise StopIteration
            if len(self._found) > 1:
                self._found.reverse()
        return self._found.pop()


class AsyncPieces:
    """``Pieces``, asynchronously."""

    def __init__(
        self, objects: AsyncIterator[Any], pieces_of: Callable[[Any], list[Piece]]
    ) -> None:
        self._objects = objects
        self._pieces = WholePieces(pieces_of)
        self._found: list[Piece] = []

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Piece:
        while not self._found:
            try:
                item = await self._objects.__anext__()
            except StopAsyncIteration:
                self._found = self._pieces.rest()
                if not self._found:
                    raise
            else:
                self._found = self._pieces.of(item)
            self._found.reverse()
        return self._found.pop()
