"""Typed events and final messages of Anthropic's Messages API."""

from __future__ import annotations

from .._errors import NotAnEventStreamError, SSEError
from .._stream.errors import (
    APIError,
    ChunkDecodeError,
    TruncatedStreamError,
    UnexpectedAPIError,
)
from .._stream.timing import Timing
from .._stream.tool_calls import PartialToolCall
from .messages import AsyncMessageStream, MessageParser, MessageStream
from .state import MessageStreamState
from .types import ContentBlock, Message, MessageDelta, MessageStreamEvent, Usage

__all__ = [
    "APIError",
    "AsyncMessageStream",
    "ChunkDecodeError",
    "ContentBlock",
    "Message",
    "MessageDelta",
    "MessageParser",
    "MessageStream",
    "MessageStreamEvent",
    "MessageStreamState",
    "NotAnEventStreamError",
    "PartialToolCall",
    "SSEError",
    "Timing",
    "TruncatedStreamError",
    "UnexpectedAPIError",
    "Usage",
]
