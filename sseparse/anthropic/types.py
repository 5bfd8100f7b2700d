"""The objects of the Messages API, named as in Anthropic's package.

Each is wide: one class for all events, one for all content blocks. Every field that a kind
does not have is None; ``type`` says which kind it is.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from .._stream.fields import payload_of
from .._stream.model import Model, prepare

__all__ = ["ContentBlock", "Message", "MessageDelta", "MessageStreamEvent", "Usage"]

# What decides how an event is read is declared as such: it is no part of a piece.
_Type = Annotated[str, msgspec.Meta(extra={"decides": "what an event means"})]
_StopReason = Annotated[str, msgspec.Meta(pattern="^(?!(?:null)?$)")]


class Usage(Model, kw_only=True):
    """How many tokens a request used; what was read from a cache is not in ``input_tokens``."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: dict[str, Any] | None = None
    output_tokens_details: dict[str, Any] | None = None
    server_tool_use: dict[str, Any] | None = None
    service_tier: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    iterations: list[Any] | None = None


class ContentBlock(Model, kw_only=True):
    """A part of a message: ``text``, ``thinking``, ``tool_use``, a tool's result, ..."""

    type: _Type = ""
    text: str | None = None
    citations: list[Any] | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None
    # The text of an input that the stream has left unfinished, or that is no JSON object.
    partial_json: str | None = None
    tool_use_id: str | None = None
    content: Any = None
    is_error: bool | None = None
    caller: Any = None
    server_name: str | None = None


class Message(Model, kw_only=True):
    """A message: what the call without ``stream=True`` returns."""

    _always: ClassVar[tuple[str, ...]] = ("stop_reason", "stop_sequence")

    id: str = ""
    type: _Type = "message"
    role: str = "assistant"
    model: str = ""
    content: list[ContentBlock] = msgspec.field(default_factory=list)
    stop_reason: _StopReason | None = None
    stop_sequence: str | None = None
    stop_details: Any = None
    usage: Usage = msgspec.field(default_factory=Usage)
    container: Any = None
    context_management: Any = None

    @property
    def text(self) -> str:
        """The text of the message: its text blocks, joined."""
        return "".join(block.text or "" for block in self.content if block.type == "text")


class MessageDelta(Model, kw_only=True):
    """What an event adds: to a content block, or (without ``type``) to the message."""

    type: _Type | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    citation: Any = None
    content: str | None = None
    estimated_tokens: int | None = None
    stop_reason: _StopReason | None = None
    stop_sequence: str | None = None
    stop_details: Any = None
    container: Any = None


class MessageStreamEvent(Model, kw_only=True):
    """An event of a Messages stream; what it has depends on its ``type``.

    - ``message_start`` has ``message``, without content;
    - ``content_block_start``: ``index`` and ``content_block``;
    - ``content_block_delta``: ``index`` and ``delta``;
    - ``content_block_stop``: ``index``;
    - ``message_delta``: ``delta`` (the stop reason) and ``usage``;
    - ``message_stop``: nothing. Events of other types come with what they have.
    """

    type: _Type = ""
    index: int | None = None
    delta: MessageDelta | None = None
    content_block: ContentBlock | None = None
    message: Message | None = None
    usage: Usage | None = None
    context_management: Any = None

    @property
    def raw(self) -> bytes | None:
        """The payload as it came; None for an event that did not come from a server."""
        return payload_of(self)


prepare(MessageStreamEvent)
