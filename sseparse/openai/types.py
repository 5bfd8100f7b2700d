"""The objects of a stream, named and shaped as in the openai package.

Every field of openai 3.51 is here, and those that other providers add. What nobody
declares is not lost: ``model_extra`` has it, and ``to_dict()`` gives back every key
that came.

How an object remembers what it was made of. Nothing is parsed twice on the normal
path, so an object knows only its source:

- a chunk keeps its payload's bytes in ``_payload`` and parses them on demand;
- what took the decoder's second path was parsed to dicts there, and each object has its
  own part of them in ``_received``;
- a mended object keeps a copy of what it was mended to in ``_original``, which tells a field
  that was mended from one that its user changed;
- objects that sseparse itself builds (the final completion) keep unknown keys in ``_extra``.

All of it lives in slots beside the Struct's fields, so that they are no part of ``repr``,
equality, matching or msgspec's own encoding.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgspec

if TYPE_CHECKING:
    from typing_extensions import Self

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
    "Model",
    "Moderation",
    "PromptTokensDetails",
    "TopLogprob",
]


class _Origin:
    """The slots of what an object was made of; unset in most objects."""

    __slots__ = ("_extra", "_original", "_payload", "_received")

    _payload: bytes
    _received: dict[str, Any]
    _original: Model
    _extra: dict[str, Any]


class Model(_Origin, msgspec.Struct, kw_only=True, gc=False, eq=False, omit_defaults=True):
    """What all objects share: dumping, unknown keys, equality, pickling.

    Objects are mutable, and a changed field is what ``to_dict()`` gives. Where a field
    had to be mended (content that came as a list of parts, say), ``to_dict()`` gives it
    as it came until it is changed.
    """

    # Whether the decoder's first path made it: then nothing rare and nothing unknown is in it.
    _is_exact: ClassVar[bool] = False
    # The same of a chat chunk that brings text at most, in the usual envelope.
    _is_plain: ClassVar[bool] = False
    # Fields that may have objects in them.
    _nested: ClassVar[tuple[str, ...]] = ()
    # Fields that to_dict() always gives, None or not.
    _always: ClassVar[tuple[str, ...]] = ()

    @property
    def model_extra(self) -> dict[str, Any]:
        """What came under keys that the type does not declare; parsed on demand."""
        received = self._as_came()
        if received is None:
            return dict(getattr(self, "_extra", None) or {})
        declared = self.__struct_fields__
        return {key: value for key, value in received.items() if key not in declared}

    def to_dict(self) -> dict[str, Any]:
        """The object as plain dicts and lists, as it was received.

        Keys that the types do not declare are included at every level, and fields that
        were changed since are given as they are now. An object that did not come from
        a server has every field that is not None.
        """
        received = self._as_came()
        if received is None:
            return self._fields_to_dict()
        original = getattr(self, "_original", None)
        if original is None:
            original = msgspec.convert(received, public_type(self))
        return _as_received(self, original, received)  # type: ignore[no-any-return]

    def to_json(self, *, indent: int | None = None) -> str:
        """``to_dict()`` as JSON text.

        Args:
            indent: spaces a level; None puts everything on one line.
        """
        separators = (",", ":") if indent is None else None
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=indent, separators=separators)

    def model_dump(self) -> dict[str, Any]:
        """The pydantic spelling of ``to_dict()``."""
        return self.to_dict()

    def model_dump_json(self, *, indent: int | None = None) -> str:
        """The pydantic spelling of ``to_json()``."""
        return self.to_json(indent=indent)

    def _fields_to_dict(self) -> dict[str, Any]:
        always = self._always
        plain = {
            name: _to_plain(value)
            for name in self.__struct_fields__
            if (value := getattr(self, name)) is not None or name in always
        }
        extra = getattr(self, "_extra", None)
        if extra:
            plain = {**extra, **plain}
        return plain

    def _as_came(self) -> dict[str, Any] | None:
        """The object's own part of the payload; None where no payload is known."""
        received = getattr(self, "_received", None)
        if received is None and (payload := getattr(self, "_payload", None)) is not None:
            return parse_object(payload)
        return received

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Model):
            return NotImplemented
        if public_type(self) is not public_type(other):
            return False
        return all(getattr(self, name) == getattr(other, name) for name in self.__struct_fields__)

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> Self:
        return self.__reduce__()[0](*self.__reduce__()[1])  # type: ignore[no-any-return]

    def __reduce__(self) -> tuple[Any, ...]:
        fields = {name: getattr(self, name) for name in self.__struct_fields__}
        slots = {name: getattr(self, name) for name in _Origin.__slots__ if hasattr(self, name)}
        return _restore, (public_type(self), fields, slots)


def _restore(cls: type[Model], fields: dict[str, Any], slots: dict[str, Any]) -> Model:
    model = cls(**fields)
    for name, value in slots.items():
        setattr(model, name, value)
    return model


def public_type(model: Model) -> type[Model]:
    """The class of this module; the decoder's stricter twins derive from these."""
    return next(cls for cls in type(model).__mro__ if cls.__module__ == __name__)


def _to_plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, list):
        return [_to_plain(item) for item in value]
    return value


def _as_received(now: Any, original: Any, received: Any) -> Any:
    """``received``, but for what was changed since it was decoded to ``original``."""
    if now == original:
        return received
    if isinstance(now, Model) and type(original) is public_type(now):
        result = dict(received)
        for name in now.__struct_fields__:
            value, before = getattr(now, name), getattr(original, name)
            if value != before:
                result[name] = _as_received(value, before, received.get(name))
        return result
    if isinstance(now, list) and isinstance(original, list) and len(now) == len(original):
        return [_as_received(*items) for items in zip(now, original, received, strict=False)]
    return _to_plain(now)


def parse_object(payload: bytes) -> dict[str, Any]:
    """A JSON object that was decoded before, as the decoder's second path does it."""
    try:
        parsed = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        parsed = json.loads(payload.decode("utf-8", "replace"))
    return parsed if isinstance(parsed, dict) else {}


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

    _nested: ClassVar[tuple[str, ...]] = (
        "completion_tokens_details",
        "prompt_tokens_details",
    )

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

    _nested: ClassVar[tuple[str, ...]] = ("top_logprobs",)

    token: str = ""
    bytes: list[int] | None = None
    logprob: float = 0.0
    top_logprobs: list[TopLogprob] = []


class ChoiceLogprobs(Model, kw_only=True):
    """The log probabilities of a choice's tokens."""

    _nested: ClassVar[tuple[str, ...]] = (
        "content",
        "refusal",
    )

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

    _nested: ClassVar[tuple[str, ...]] = (
        "function",
        "custom",
    )

    index: int | None = None
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

    _nested: ClassVar[tuple[str, ...]] = ("url_citation",)

    type: str = ""
    url_citation: AnnotationURLCitation | None = None


class ChoiceDelta(Model, kw_only=True):
    """What a chunk adds to the message of a choice."""

    _nested: ClassVar[tuple[str, ...]] = (
        "tool_calls",
        "function_call",
        "audio",
        "annotations",
    )

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
        other = self.model_extra.get("reasoning_text") if hasattr(self, "_received") else None
        if isinstance(other, str) and other:
            return other
        return self.reasoning if self.reasoning_content is None else self.reasoning_content


class Choice(Model, kw_only=True):
    """One of a chunk's choices."""

    _nested: ClassVar[tuple[str, ...]] = (
        "delta",
        "logprobs",
    )

    delta: ChoiceDelta
    index: int = 0
    finish_reason: str | None = None
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

    _nested: ClassVar[tuple[str, ...]] = (
        "choices",
        "usage",
        "moderation",
    )

    id: str = ""
    choices: list[Choice] = []
    created: int = 0
    model: str = ""
    object: str = ""
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

    @property
    def raw(self) -> bytes | None:
        """The payload as it came; None for a chunk that did not come from a server."""
        return getattr(self, "_payload", None)


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
        if not all(_is_url_citation(item) for item in self.annotations or ()):
            del plain["annotations"]
        return plain

    @property
    def reasoning_text(self) -> str | None:
        """The reasoning, whichever name it came under; None where there is none."""
        other = (getattr(self, "_extra", None) or {}).get("reasoning_text")
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


# What the openai package's ChatCompletion accepts.
_SERVICE_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")


class ChatCompletion(Model, kw_only=True):
    """A whole ``chat.completion``: what the call without ``stream=True`` returns.

    ``to_dict()`` leaves out what the openai package's model refuses: a service tier that
    is none of OpenAI's, and annotations of other kinds than its URL citations. The fields
    have them.
    """

    id: str = ""
    choices: list[ChatCompletionChoice] = []
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
        if self.service_tier not in _SERVICE_TIERS:
            plain.pop("service_tier", None)
        moderation = self.moderation
        if moderation is not None and not (
            _is_moderation(moderation.input) and _is_moderation(moderation.output)
        ):
            del plain["moderation"]
        return plain


def _is_url_citation(annotation: Any) -> bool:
    return (
        isinstance(annotation, Annotation)
        and annotation.type == "url_citation"
        and annotation.url_citation is not None
    )


def _is_moderation(part: Any) -> bool:
    """Whether it is what OpenAI's moderation says of an input or output."""
    if not isinstance(part, dict):
        return False
    if part.get("type") == "error":
        return isinstance(part.get("code"), str) and isinstance(part.get("message"), str)
    try:
        msgspec.convert(part, _ModerationResults)
    except msgspec.ValidationError:
        return False
    return True


class _ModerationResult(msgspec.Struct, tag_field="type", tag="moderation_result"):
    categories: dict[str, bool]
    category_applied_input_types: dict[str, list[Literal["text", "image"]]]
    category_scores: dict[str, float]
    flagged: bool
    model: str


class _ModerationResults(msgspec.Struct, tag_field="type", tag="moderation_results"):
    model: str
    results: list[_ModerationResult]


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

    _nested: ClassVar[tuple[str, ...]] = ("logprobs",)

    _always: ClassVar[tuple[str, ...]] = ("finish_reason",)

    finish_reason: str | None = None
    index: int = 0
    logprobs: Logprobs | None = None
    text: str = ""
    # What providers add.
    content_filter_results: dict[str, Any] | None = None
    stop_reason: Any = None
    token_ids: list[int] | None = None
    prompt_token_ids: list[int] | None = None


class Completion(Model, kw_only=True):
    """A legacy ``text_completion``, or a chunk of one."""

    _nested: ClassVar[tuple[str, ...]] = (
        "choices",
        "usage",
    )

    id: str = ""
    choices: list[CompletionChoice] = []
    created: int = 0
    model: str = ""
    object: str = "text_completion"
    system_fingerprint: str | None = None
    usage: CompletionUsage | None = None
    # What providers add.
    prompt_filter_results: list[Any] | None = None

    @property
    def raw(self) -> bytes | None:
        """The payload as it came; None for an object that did not come from a server."""
        return getattr(self, "_payload", None)
