"""The objects of a stream, named and shaped as in the openai package.

Every field of openai 3.51 is here, and those that other providers add. What nobody
declares is not lost: ``model_extra`` has it, and ``to_dict()`` gives back every key
that came.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from .._stream.fields import extra_of, payload_of
from .._stream.model import Model, prepare
from . import accepted

__all__ = [
    "Annotation",
    "AnnotationURLCitation",
    "ChatCompletion",
    "ChatCompletionAudio",
    "ChatCompletionChoice",
    "ChatCompletionChunk",
    "ChatCompletionMessage",
    "ChatCompletionMessageToolCall",
    "ChatCompletionTokenLogprob",
    "Choice",
    "ChoiceDelta",
    "ChoiceDeltaAudio",
    "ChoiceDeltaFunctionCall",
    "ChoiceDeltaToolCall",
    "ChoiceDeltaToolCallCustom",
    "ChoiceDeltaToolCallFunction",
    "ChoiceLogprobs",
    "Completion",
    "CompletionChoice",
    "CompletionTokensDetails",
    "CompletionUsage",
    "Custom",
    "Function",
    "FunctionCall",
    "Logprobs",
    "Moderation",
    "PromptTokensDetails",
    "TopLogprob",
]

# Values that decide how a chunk is read are declared as such.

# Seconds until the year 5138; a larger timestamp is in milliseconds.
MAX_SECONDS = 10**11
_Seconds = Annotated[int, msgspec.Meta(lt=MAX_SECONDS)]
# Some providers send "" or "null" until there is a reason.
_FinishReason = Annotated[str, msgspec.Meta(pattern="^(?!(?:null|None)?$)")]
# "error" is one; and where a piece belongs to is no part of the piece.
_ObjectName = Annotated[str, msgspec.Meta(extra={"decides": "whether it is an error"})]
_Index = Annotated[int, msgspec.Meta(extra={"decides": "where a piece goes"})]


# Usage.


class CompletionTokensDetails(Model, kw_only=True):
    """Breakdown of the tokens of a completion."""

    accepted_prediction_tokens: int | None = None
    audio_tokens: int | None = None
    reasoning_tokens: int | None = None
    rejected_prediction_tokens: int | None = None
    text_tokens: int | None = None
    image_tokens: int | None = None


class PromptTokensDetails(Model, kw_only=True):
    """Breakdown of the tokens of a prompt."""

    audio_tokens: int | None = None
    cache_write_tokens: int | None = None
    cached_tokens: int | None = None
    image_tokens: int | None = None
    text_tokens: int | None = None
    video_tokens: int | None = None


class CompletionUsage(Model, kw_only=True):
    """How many tokens a request used."""

    completion_tokens: int = 0
    prompt_tokens: int = 0
    total_tokens: int = 0
    completion_tokens_details: CompletionTokensDetails | None = None
    prompt_tokens_details: PromptTokensDetails | None = None


# Log probabilities.


class TopLogprob(Model, kw_only=True):
    """One of the likeliest tokens at a position."""

    token: str = ""
    bytes: list[int] | None = None
    logprob: float = 0.0


class ChatCompletionTokenLogprob(Model, kw_only=True):
    """A token and its log probability."""

    token: str = ""
    bytes: list[int] | None = None
    logprob: float = 0.0
    top_logprobs: list[TopLogprob] = msgspec.field(default_factory=list)


class ChoiceLogprobs(Model, kw_only=True):
    """The log probabilities of a choice's tokens."""

    content: list[ChatCompletionTokenLogprob] | None = None
    refusal: list[ChatCompletionTokenLogprob] | None = None


# The chat chunk.


class ChoiceDeltaFunctionCall(Model, kw_only=True):
    """A piece of a function call; the API's older form of tool calls."""

    arguments: str | None = None
    name: str | None = None


class ChoiceDeltaToolCallFunction(Model, kw_only=True):
    """The name and a piece of the arguments of a function tool call."""

    arguments: str | None = None
    name: str | None = None


class ChoiceDeltaToolCallCustom(Model, kw_only=True):
    """The name and a piece of the input of a custom tool call."""

    input: str | None = None
    name: str | None = None


class ChoiceDeltaToolCall(Model, kw_only=True):
    """A piece of a tool call. ``index`` is None where the server sends none."""

    index: _Index | None = None
    id: str | None = None
    function: ChoiceDeltaToolCallFunction | None = None
    type: str | None = None
    custom: ChoiceDeltaToolCallCustom | None = None
    extra_content: Any = None


class ChoiceDeltaAudio(Model, kw_only=True):
    """A piece of an audio answer; ``data`` is base64."""

    id: str | None = None
    data: str | None = None
    expires_at: int | None = None
    transcript: str | None = None


class AnnotationURLCitation(Model, kw_only=True):
    """A web page that an answer quotes."""

    end_index: int = 0
    start_index: int = 0
    title: str = ""
    url: str = ""


class Annotation(Model, kw_only=True):
    """An annotation of the message, such as a URL citation."""

    type: str = ""
    url_citation: AnnotationURLCitation | None = None


class ChoiceDelta(Model, kw_only=True):
    """What a chunk adds to the message of a choice."""

    content: str | None = None
    role: str | None = None
    tool_calls: list[ChoiceDeltaToolCall] | None = None
    refusal: str | None = None
    function_call: ChoiceDeltaFunctionCall | None = None
    audio: ChoiceDeltaAudio | None = None
    # What providers add.
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Any] | None = None
    annotations: list[Annotation] | None = None
    images: list[Any] | None = None
    extra_content: Any = None

    @property
    def reasoning_text(self) -> str | None:
        """The reasoning, whichever name it came under; None where there is none."""
        if self.reasoning_content:
            return self.reasoning_content
        if self.reasoning:
            return self.reasoning
        other = extra_of(self).get("reasoning_text")
        if isinstance(other, str) and other:
            return other
        details = _text_of_details(self.reasoning_details)
        if details:
            return details
        return self.reasoning if self.reasoning_content is None else self.reasoning_content


def _text_of_details(details: Any) -> str:
    """What some servers say in ``reasoning_details`` alone."""
    if not isinstance(details, list):
        return ""
    texts = [part.get("text") or part.get("summary") for part in details if isinstance(part, dict)]
    return "".join(text for text in texts if isinstance(text, str))


class Choice(Model, kw_only=True):
    """One of a chunk's choices."""

    delta: ChoiceDelta
    index: _Index
    finish_reason: _FinishReason | None = None
    logprobs: ChoiceLogprobs | None = None
    # What providers add.
    content_filter_results: dict[str, Any] | None = None
    content_filter_offsets: dict[str, Any] | None = None
    native_finish_reason: str | None = None
    stop_reason: Any = None
    matched_stop: Any = None
    token_ids: list[int] | None = None


class Moderation(Model, kw_only=True):
    """Moderation results for the request's input and the generated output."""

    input: Any = None
    output: Any = None


class ChatCompletionChunk(Model, kw_only=True):
    """A ``chat.completion.chunk``."""

    id: str = ""
    choices: list[Choice] = msgspec.field(default_factory=list)
    created: _Seconds = 0
    model: str = ""
    object: _ObjectName = "chat.completion.chunk"
    moderation: Moderation | None = None
    obfuscation: str | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None
    usage: CompletionUsage | None = None
    # What providers add.
    prompt_filter_results: list[Any] | None = None
    x_groq: dict[str, Any] | None = None
    citations: list[Any] | None = None
    timings: dict[str, Any] | None = None
    provider: str | None = None
    prompt_token_ids: list[int] | None = None
    p: str | None = None  # Mistral's obfuscation

    @property
    def raw(self) -> bytes | None:
        """The payload as it came; None for a chunk that did not come from a server."""
        return payload_of(self)


# The final chat completion.


class Function(Model, kw_only=True):
    """The function that the model called."""

    arguments: str = ""
    name: str = ""


class Custom(Model, kw_only=True):
    """The custom tool that the model called."""

    input: str = ""
    name: str = ""


class ChatCompletionMessageToolCall(Model, kw_only=True):
    """A tool call: ``function`` or ``custom`` is set, as ``type`` says."""

    id: str = ""
    type: str = "function"
    function: Function | None = None
    custom: Custom | None = None
    extra_content: Any = None


class FunctionCall(Model, kw_only=True):
    """A function call; the API's older form of tool calls."""

    arguments: str = ""
    name: str = ""


class ChatCompletionAudio(Model, kw_only=True):
    """An audio answer; ``data`` is base64."""

    id: str = ""
    data: str = ""
    expires_at: int = 0
    transcript: str = ""


class ChatCompletionMessage(Model, kw_only=True):
    """The message of a final choice."""

    _always: ClassVar[tuple[str, ...]] = ("content",)

    content: str | None = None
    refusal: str | None = None
    role: str = "assistant"
    annotations: list[Annotation] | None = None
    audio: ChatCompletionAudio | None = None
    function_call: FunctionCall | None = None
    tool_calls: list[ChatCompletionMessageToolCall] | None = None
    # What providers add.
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Any] | None = None
    images: list[Any] | None = None
    extra_content: Any = None

    def _fields_to_dict(self) -> dict[str, Any]:
        plain = super()._fields_to_dict()
        # The openai package knows one kind of annotation; the field has the others too.
        if not all(map(accepted.is_annotation, plain.get("annotations") or ())):
            del plain["annotations"]
        return plain

    @property
    def reasoning_text(self) -> str | None:
        """The reasoning, whichever name it came under; None where there is none."""
        other = extra_of(self).get("reasoning_text") or _text_of_details(self.reasoning_details)
        return self.reasoning_content or self.reasoning or other or None


class ChatCompletionChoice(Model, kw_only=True):
    """A final choice; ``chat_completion.Choice`` in the openai package."""

    _always: ClassVar[tuple[str, ...]] = ("finish_reason",)

    finish_reason: str | None = None
    index: int = 0
    logprobs: ChoiceLogprobs | None = None
    message: ChatCompletionMessage
    # What providers add.
    content_filter_results: dict[str, Any] | None = None
    content_filter_offsets: dict[str, Any] | None = None
    native_finish_reason: str | None = None
    stop_reason: Any = None
    matched_stop: Any = None
    token_ids: list[int] | None = None


class ChatCompletion(Model, kw_only=True):
    """A whole ``chat.completion``: what the call without ``stream=True`` returns.

    ``to_dict()`` leaves out what the openai package's model refuses: a service tier that
    is none of OpenAI's, and annotations of other kinds than its URL citations. The fields
    have them.
    """

    id: str = ""
    choices: list[ChatCompletionChoice] = msgspec.field(default_factory=list)
    created: int = 0
    model: str = ""
    object: str = "chat.completion"
    moderation: Moderation | None = None
    service_tier: str | None = None
    system_fingerprint: str | None = None
    usage: CompletionUsage | None = None
    # What providers add.
    prompt_filter_results: list[Any] | None = None
    x_groq: dict[str, Any] | None = None
    citations: list[Any] | None = None
    timings: dict[str, Any] | None = None
    provider: str | None = None
    prompt_token_ids: list[int] | None = None

    def _fields_to_dict(self) -> dict[str, Any]:
        plain = super()._fields_to_dict()
        if not accepted.is_service_tier(self.service_tier):
            plain.pop("service_tier", None)
        if not accepted.is_moderation(plain.get("moderation")):
            plain.pop("moderation", None)
        return plain


# Legacy completions: the chunks and the whole have the same shape.


class Logprobs(Model, kw_only=True):
    """The log probabilities of a legacy choice, in parallel lists."""

    text_offset: list[int] | None = None
    token_logprobs: list[float | None] | None = None
    tokens: list[str] | None = None
    top_logprobs: list[dict[str, float] | None] | None = None

    def _fields_to_dict(self) -> dict[str, Any]:
        plain = super()._fields_to_dict()
        # The first token of an echoed prompt has none, which the openai package refuses.
        if self.token_logprobs is not None:
            plain["token_logprobs"] = [item or 0.0 for item in self.token_logprobs]
        if self.top_logprobs is not None:
            plain["top_logprobs"] = [item or {} for item in self.top_logprobs]
        return plain


class CompletionChoice(Model, kw_only=True):
    """One of a legacy completion's choices, or what a chunk adds to it."""

    _always: ClassVar[tuple[str, ...]] = ("finish_reason",)

    finish_reason: _FinishReason | None = None
    index: _Index
    logprobs: Logprobs | None = None
    text: str = ""
    # What providers add.
    content_filter_results: dict[str, Any] | None = None
    stop_reason: Any = None
    token_ids: list[int] | None = None
    prompt_token_ids: list[int] | None = None


class Completion(Model, kw_only=True):
    """A legacy ``text_completion``, or a chunk of one."""

    id: str = ""
    choices: list[CompletionChoice] = msgspec.field(default_factory=list)
    created: _Seconds = 0
    model: str = ""
    object: _ObjectName = "text_completion"
    system_fingerprint: str | None = None
    usage: CompletionUsage | None = None
    # What providers add.
    prompt_filter_results: list[Any] | None = None

    @property
    def raw(self) -> bytes | None:
        """The payload as it came; None for an object that did not come from a server."""
        return payload_of(self)


prepare(ChatCompletionChunk, ChatCompletion, Completion)
