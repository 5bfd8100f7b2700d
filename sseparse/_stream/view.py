"""One view of every API's streams: its words, which are no API's, and what an API gives for it.

What each API's own words become is in that API's ``view.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from .forms import API
    from .tool_calls import ToolCallLog

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

    class Answer(Protocol):
        """What a state has accumulated; of several choices the first."""

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


__all__ = ["Kind", "Piece", "PieceKind", "ToolCall", "Usage", "ViewedAPI"]

Kind = Literal["chat", "completions", "responses", "messages", "gemini"]
PieceKind = Literal["text", "reasoning", "refusal", "tool_call", "tool_input"]


class ViewedAPI(NamedTuple):
    """An API whose streams can be viewed so.

    Attributes:
        kind: what it is called, as by ``kind_of``.
        api: what its own streams are made of.
        make_view: the view of one stream; takes what folds its objects, an ``Answer`` where
            that keeps one.
        error_payload: how a stream says that something has failed, by a message, a code and a
            type: the event's type, and its payload.
    """

    kind: str
    api: API
    make_view: Callable[[Any], View]
    error_payload: Callable[[str, str | int | None, str | None], tuple[str | None, dict[str, Any]]]


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
