"""Typed chunks and final completions of OpenAI-compatible streams."""

from __future__ import annotations

try:
    import msgspec as _msgspec  # noqa: F401
except ImportError as error:
    raise ImportError(
        'sseparse.openai needs msgspec: pip install "sseparse[openai]"', name="msgspec"
    ) from error

from .._errors import (
    APIError,
    ChunkDecodeError,
    NotAnEventStreamError,
    SSEError,
    TruncatedStreamError,
)
from .decode import ChunkDecoder, CompletionDecoder
from .state import ChatCompletionStreamState, CompletionStreamState
from .stream import AsyncChatStream, AsyncCompletionStream, ChatStream, CompletionStream
from .timing import Timing
from .types import (
    Annotation,
    AnnotationURLCitation,
    ChatCompletion,
    ChatCompletionAudio,
    ChatCompletionChoice,
    ChatCompletionChunk,
    ChatCompletionMessage,
    ChatCompletionMessageToolCall,
    ChatCompletionTokenLogprob,
    Choice,
    ChoiceDelta,
    ChoiceDeltaAudio,
    ChoiceDeltaFunctionCall,
    ChoiceDeltaToolCall,
    ChoiceDeltaToolCallCustom,
    ChoiceDeltaToolCallFunction,
    ChoiceLogprobs,
    Completion,
    CompletionChoice,
    CompletionTokensDetails,
    CompletionUsage,
    Custom,
    Function,
    FunctionCall,
    Logprobs,
    Moderation,
    PromptTokensDetails,
    TopLogprob,
)

__all__ = [
    "APIError",
    "Annotation",
    "AnnotationURLCitation",
    "AsyncChatStream",
    "AsyncCompletionStream",
    "ChatCompletion",
    "ChatCompletionAudio",
    "ChatCompletionChoice",
    "ChatCompletionChunk",
    "ChatCompletionMessage",
    "ChatCompletionMessageToolCall",
    "ChatCompletionStreamState",
    "ChatCompletionTokenLogprob",
    "ChatStream",
    "Choice",
    "ChoiceDelta",
    "ChoiceDeltaAudio",
    "ChoiceDeltaFunctionCall",
    "ChoiceDeltaToolCall",
    "ChoiceDeltaToolCallCustom",
    "ChoiceDeltaToolCallFunction",
    "ChoiceLogprobs",
    "ChunkDecodeError",
    "ChunkDecoder",
    "Completion",
    "CompletionChoice",
    "CompletionDecoder",
    "CompletionStream",
    "CompletionStreamState",
    "CompletionTokensDetails",
    "CompletionUsage",
    "Custom",
    "Function",
    "FunctionCall",
    "Logprobs",
    "Moderation",
    "NotAnEventStreamError",
    "PromptTokensDetails",
    "SSEError",
    "Timing",
    "TopLogprob",
    "TruncatedStreamError",
]
