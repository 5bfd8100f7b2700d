"""The objects of Gemini's generateContent, named as in Google's package.

The fields are called as there, ``usage_metadata``; in JSON, and in what ``to_dict()`` gives, they
are ``usageMetadata``. Each class is wide: one for all kinds of parts.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from .._stream.fields import payload_of
from .._stream.model import Model, prepare

__all__ = [
    "Candidate",
    "Content",
    "FunctionCall",
    "GenerateContentResponse",
    "GenerateContentResponsePromptFeedback",
    "GenerateContentResponseUsageMetadata",
    "Part",
]

# Where a piece belongs to is no part of the piece.
_Index = Annotated[int, msgspec.Meta(extra={"decides": "where a piece goes"})]
_Reason = Annotated[str, msgspec.Meta(pattern="^(?!(?:null)?$)")]


class FunctionCall(Model, kw_only=True, rename="camel"):
    """A call of a function, whole; or, with ``will_continue``, a piece of one."""

    id: str | None = None
    name: str | None = None
    args: dict[str, Any] | None = None
    partial_args: list[Any] | None = None
    will_continue: bool | None = None


class Part(Model, kw_only=True, rename="camel"):
    """A part of a content: ``text`` (a thought's, with ``thought``), ``function_call``, ..."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: FunctionCall | None = None
    function_response: Any = None
    inline_data: dict[str, Any] | None = None
    file_data: Any = None
    executable_code: Any = None
    code_execution_result: Any = None
    video_metadata: Any = None
    media_resolution: Any = None
    tool_call: Any = None
    tool_response: Any = None
    part_metadata: Any = None


class Content(Model, kw_only=True):
    """What a candidate has said."""

    parts: list[Part] = msgspec.field(default_factory=list)
    role: str | None = None


class Candidate(Model, kw_only=True, rename="camel"):
    """One of a response's candidates."""

    content: Content | None = None
    finish_reason: _Reason | None = None
    finish_message: str | None = None
    index: _Index | None = None
    safety_ratings: list[Any] | None = None
    citation_metadata: dict[str, Any] | None = None
    grounding_metadata: dict[str, Any] | None = None
    url_context_metadata: dict[str, Any] | None = None
    logprobs_result: dict[str, Any] | None = None
    avg_logprobs: float | None = None
    token_count: int | None = None


class GenerateContentResponsePromptFeedback(Model, kw_only=True, rename="camel"):
    """What is said of the prompt; with ``block_reason`` there is no answer to it."""

    block_reason: _Reason | None = None
    block_reason_message: str | None = None
    safety_ratings: list[Any] | None = None


class GenerateContentResponseUsageMetadata(Model, kw_only=True, rename="camel"):
    """How many tokens a request used; thoughts are not in ``candidates_token_count``."""

    prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    cached_content_token_count: int | None = None
    total_token_count: int | None = None
    prompt_tokens_details: list[Any] | None = None
    candidates_tokens_details: list[Any] | None = None
    cache_tokens_details: list[Any] | None = None
    tool_use_prompt_tokens_details: list[Any] | None = None
    traffic_type: str | None = None


class GenerateContentResponse(Model, kw_only=True, rename="camel"):
    """A response: a piece of the answer, or all of it."""

    candidates: list[Candidate] = msgspec.field(default_factory=list)
    prompt_feedback: GenerateContentResponsePromptFeedback | None = None
    usage_metadata: GenerateContentResponseUsageMetadata | None = None
    model_version: str | None = None
    response_id: str | None = None
    create_time: str | None = None
    model_status: Any = None

    @property
    def raw(self) -> bytes | None:
        """The payload as it came; None for a response that did not come from a server."""
        return payload_of(self)

    @property
    def parts(self) -> list[Part]:
        """The parts of the first candidate."""
        content = self.candidates[0].content if self.candidates else None
        return content.parts if content is not None else []

    @property
    def text(self) -> str:
        """The text of the first candidate, without its thoughts."""
        return "".join(part.text for part in self.parts if part.text and not part.thought)

    @property
    def function_calls(self) -> list[FunctionCall]:
        """The function calls of the first candidate."""
        return [part.function_call for part in self.parts if part.function_call is not None]


prepare(GenerateContentResponse)
