"""The pieces of an answer: of one call, of whole characters, and to be iterated over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .text import HalfCharacter
from .view import Piece

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from typing_extensions import Self

    from .text import Text
    from .view import PieceKind

__all__ = ["AsyncPieces", "CallPieces", "Pieces", "WholePieces"]


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
