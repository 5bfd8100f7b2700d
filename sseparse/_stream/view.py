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
    "PushedPieces",
    "ToolCall",
    "Usage",
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


class _Whole:
    """Pieces of whole characters: half of one is held until the other half comes."""

    def __init__(self) -> None:
        self._halves: dict[tuple[PieceKind, int], tuple[HalfCharacter, Piece]] = {}

    def of(self, pieces: list[Piece]) -> list[Piece]:
        found: list[Piece] = []
        for piece in pieces:
            if self._halves or not piece.text.isascii():
                piece = self._completed(piece)
                if not piece.text and piece.kind != "tool_call":
                    continue
            found.append(piece)
        return found

    def _completed(self, piece: Piece) -> Piece:
        key = (piece.kind, piece.index)
        half, _ = self._halves.get(key) or (HalfCharacter(), piece)
        text = half.complete(piece.text) if piece.text else ""
        self._halves[key] = (half, piece)
        if text == piece.text:
            return piece
        return Piece(piece.kind, text, piece.index, piece.id)

    def rest(self) -> list[Piece]:
        """What stands for halves whose others never came."""
        return [
            Piece(piece.kind, text, piece.index, piece.id)
            for half, piece in self._halves.values()
            if (text := half.rest())
        ]


class PushedPieces:
    """The pieces of objects that are pushed.

    Args:
        pieces_of: gives those that an object brings.
    """

    def __init__(self, pieces_of: Callable[[Any], list[Piece]]) -> None:
        self._pieces_of = pieces_of
        self._whole = _Whole()

    def of(self, item: Any) -> list[Piece]:
        return self._whole.of(self._pieces_of(item))

    def rest(self) -> list[Piece]:
        """What is left at the end."""
        return self._whole.rest()


class Pieces:
    """The pieces of a stream. Unlike a generator it outlives an exception.

    Args:
        objects: the stream's.
        pieces_of: gives those that an object brings.
    """

    def __init__(self, objects: Iterator[Any], pieces_of: Callable[[Any], list[Piece]]) -> None:
        self._objects = objects
        self._pushed = PushedPieces(pieces_of)
        self._found: Iterator[Piece] = iter(())

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Piece:
        while True:
            for piece in self._found:
                return piece
            item = next(self._objects, None)
            if item is not None:
                self._found = iter(self._pushed.of(item))
                continue
            self._found = iter(self._pushed.rest())
            return next(self._found)


class AsyncPieces:
    """``Pieces``, asynchronously."""

    def __init__(
        self, objects: AsyncIterator[Any], pieces_of: Callable[[Any], list[Piece]]
    ) -> None:
        self._objects = objects
        self._pushed = PushedPieces(pieces_of)
        self._found: Iterator[Piece] = iter(())

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Piece:
        while True:
            for piece in self._found:
                return piece
            try:
                item = await self._objects.__anext__()
            except StopAsyncIteration:
                self._found = iter(self._pushed.rest())
                for piece in self._found:
                    return piece
                raise
            self._found = iter(self._pushed.of(item))
