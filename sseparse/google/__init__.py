"""Typed responses of Gemini's generateContent."""

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
from .content import AsyncGenerateContentStream, GenerateContentParser, GenerateContentStream
from .state import GenerateContentStreamState
from .types import (
    Candidate,
    Content,
    FunctionCall,
    GenerateContentResponse,
    GenerateContentResponsePromptFeedback,
    GenerateContentResponseUsageMetadata,
    Part,
)

__all__ = [
    "APIError",
    "AsyncGenerateContentStream",
    "Candidate",
    "ChunkDecodeError",
    "Content",
    "FunctionCall",
    "GenerateContentParser",
    "GenerateContentResponse",
    "GenerateContentResponsePromptFeedback",
    "GenerateContentResponseUsageMetadata",
    "GenerateContentStream",
    "GenerateContentStreamState",
    "NotAnEventStreamError",
    "Part",
    "PartialToolCall",
    "SSEError",
    "Timing",
    "TruncatedStreamError",
    "UnexpectedAPIError",
]
