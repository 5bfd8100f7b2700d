"""Whole messages in a stream: some servers send one beside the deltas, or in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream.text import Text
from .choice import LISTS, TEXTS
from .mend import delta_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from . import types

__all__ = ["SAID", "WholeMessages"]

# What a whole message says again of what the deltas have said.
SAID = (*TEXTS, *LISTS, "tool_calls", "function_call", "audio", "reasoning_details")


class WholeMessages:
    """What a stream's whole messages say that no delta has said.

    Attributes:
        texts: what only they have said so far, and its length, by the choice and the field. Some
            servers send the message so far with every chunk, others its next piece.
    """

    __slots__ = ("texts",)

    def __init__(self) -> None:
        self.texts: dict[tuple[int, str], tuple[Text, int]] = {}

    def say(
        self, choice: types.Choice, message: dict[str, Any], has_said: Callable[[str], bool]
    ) -> bool:
        """Let the delta say what only this message says, and nothing before it.

        Returns:
            Whether there is anything of the kind.
        """
        delta = delta_of(message)
        has_more = False
        for name in SAID:
            value = getattr(delta, name)
            if not value:
                continue
            key = (choice.index, name)
            text, size = self.texts.get(key, (None, 0))
            if text is None and has_said(name):
                continue
            # Joining it each time would be quadratic: a piece is shorter, for the most part.
            if text is not None and len(value) >= size and value.startswith(text.joined()):
                value = value[size:]
            if name in TEXTS:
                text = text or Text()
                text.append(value)
                self.texts[key] = (text, size + len(value))
            if value:
                setattr(choice.delta, name, value)
                has_more = True
        return has_more

    def forget(self, choice: types.Choice) -> None:
        """The deltas say it themselves from here on."""
        for name in TEXTS:
            if getattr(choice.delta, name):
                self.texts.pop((choice.index, name), None)
