"""What an API gives to the machine of a stream, as type checkers see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable

    from .errors import APIError
    from .text import Place

__all__ = ["Decoder", "Offer", "State"]


class Decoder(Protocol):
    """What an API knows of its payloads."""

    @property
    def variant(self) -> Hashable:
        """What tells decoders apart that make different objects of a payload."""
        ...

    @property
    def deciding(self) -> Collection[bytes]:
        """Keys whose values decide how a payload is read, or where it belongs."""
        ...

    def decode(self, payload: bytes, event_type: str = "message") -> Any:
        """The object of a payload; None where it has none.

        Raises:
            SSEError: it reports an error, or cannot be read.
        """
        ...

    def is_error(self, value: Any) -> bool:
        """Whether parsed JSON reports an error."""
        ...

    def is_final(self, value: Any) -> bool:
        """Whether parsed JSON is what the call without streaming returns."""
        ...


class State(Protocol):
    """What an API's objects are folded into."""

    @property
    def finished(self) -> bool:
        """Whether the answer is whole, by what has come."""
        ...

    @property
    def missing(self) -> str:
        """What a stream has to end with to be whole, and who has what came of it: a message."""
        ...

    def fold(self, chunk: Any) -> None:
        """Fold the next object, which nobody has seen yet."""
        ...

    def note_error(self) -> None:
        """Something in the stream could not be read: what is open may lack a piece of it."""
        ...

    def ends_with(self, error: APIError) -> bool:
        """Whether the stream is whole with an error, which is how its answer ends."""
        ...

    def places(self, chunk: Any, varying: dict[tuple[Any, ...], int]) -> Offer | None:
        """Where further objects like this one go, which differ only in what varies.

        Args:
            chunk: the object that was folded last.
            varying: the path of each value that may be another, and its number.

        Returns:
            None where such objects have to be folded one by one.
        """
        ...


class Offer(Protocol):
    """What folding further objects of a shape comes to."""

    @property
    def places(self) -> list[tuple[Place, int]]:
        """Places, each with the number of the value that is added to it."""
        ...

    @property
    def constants(self) -> list[tuple[Place, Any]]:
        """Places, each with what is added to it whatever the values are."""
        ...

    @property
    def readers(self) -> list[Place]:
        """Places to which payloads are added, as they are."""
        ...

    @property
    def is_lasting(self) -> bool:
        """Whether they hold whatever comes in between, and not only while the shape goes on."""
        ...
