# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""Where the values of a stream's objects go: what grows by them, and what only the last says.

Ordinary Python, compiled as it stands where there is a compiler: appending a piece is what
happens once a token.
"""

from __future__ import annotations

from typing import Any

from . import native

__all__ = ["HalfCharacter", "Items", "Latest", "Place", "Text", "join_halves"]

# Parts of a text that are joined to one.
_BLOCK = 256


class Place:
    """What values are added to, one by one."""

    def append(self, value: Any) -> None:
        raise NotImplementedError


class Latest(Place):
    """A value of which the last one counts.

    Attributes:
        value: the last one; None where there was none.
    """

    def __init__(self, value: Any = None) -> None:
        self.value = value

    def append(self, value: Any) -> None:
        self.value = value


class Items(Place):
    """A list as it grows, by the items of others."""

    def __init__(self) -> None:
        self._items: list[Any] = []

    def append(self, value: list[Any]) -> None:
        self._items += value

    def joined(self) -> list[Any]:
        return self._items[:]


class Text(Place):
    """A text as it grows.

    A part of a few characters costs some 60 bytes as a string of its own, so every so many
    parts are joined to a block: blocks are what the text weighs in the end, and before the
    final join no character is copied more than once.

    Attributes:
        length: the characters that have come.
    """

    def __init__(self) -> None:
        self.length = 0
        self._blocks: list[str] = []
        self._parts: list[str] = []

    def append(self, value: str) -> None:
        text = value  # which text.pxd has the type of
        if not text:
            return
        self.length += len(text)
        self._parts.append(text)
        if len(self._parts) >= _BLOCK:
            self._blocks.append("".join(self._parts))
            self._parts.clear()

    def has_come(self) -> bool:
        """Whether there was any part that is not empty."""
        return bool(self._parts or self._blocks)

    def since(self, start: int) -> str:
        """What has come behind so many characters, as it came: in time for just that."""
        missing = self.length - start
        found: list[str] = []
        for parts in (self._parts, self._blocks):
            for part in reversed(parts):
                if missing <= 0:
                    break
                found.append(part[-missing:])
                missing -= len(part)
        found.reverse()
        return "".join(found)

    def joined(self) -> str:
        text = "".join(self._blocks + self._parts)
        if self._parts:
            self._blocks = [text]
            self._parts.clear()
        return join_halves(text)


def join_halves(text: str) -> str:
    r"""Join the halves of a character that came as \\ud83d and \\ude00 in two pieces."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class HalfCharacter:
    r"""Holds back half a character at the end of a piece, until the next piece has the other.

    JSON can say a character as two escapes, ``\\ud83d\\ude00``, and servers cut between them.
    """

    def __init__(self) -> None:
        self._half = ""

    def complete(self, piece: str) -> str:
        """The piece with the half before it, and without one at its end; maybe nothing."""
        if not self._half and native.is_ascii(piece):
            return piece
        piece = self._half + piece
        self._half = ""
        if "\ud800" <= piece[-1] <= "\udbff":
            self._half = piece[-1]
            piece = piece[:-1]
        return join_halves(piece)

    def rest(self) -> str:
        """What stands for a half whose other half never came; maybe nothing."""
        half, self._half = self._half, ""
        return join_halves(half)
