"""Mending: payloads that are not what the types declare, read as they are meant.

Each field goes through a function that knows what servers are known to put there, and what
cannot be read is left as it came. Nothing here raises; the payload itself stays in ``raw``, and
``to_dict()`` gives it back unmended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .._stream.convert import fields_of
from .._stream.fields import extra_of, give_extra
from .._stream.mend import to_integer, to_text
from .._stream.model import Model
from . import types

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = [
    "USAGE_NAMES",
    "delta_of",
    "mend_chunk",
    "mend_completion",
    "message_beside",
    "reasoning_beside",
]


def _required_text(value: Any) -> str:
    return to_text(value) or ""


def _index(value: Any, position: int | None = None) -> int | None:
    index = to_integer(value)
    return index if isinstance(index, int) and not isinstance(index, bool) else position


def _count(value: Any) -> Any:
    return 0 if value is None else to_integer(value)


def _seconds(value: Any) -> Any:
    if isinstance(value, (float, str)):
        try:
            value = int(float(value))
        except (ValueError, OverflowError):
            return value
    value = _count(value)
    if isinstance(value, int) and value >= types.MAX_SECONDS:
        value //= 1000
    return value


def _float(value: Any) -> Any:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return 0.0 if value is None else value


def _floats(value: Any) -> Any:
    """A list that may have null in it: the first token of an echoed prompt."""
    if not isinstance(value, list):
        return value
    return [None if item is None else _float(item) for item in value]


def _finish_reason(value: Any) -> str | None:
    return None if value in ("", "null", "None") else to_text(value)


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        value = [value]
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _list_of(make: Callable[[dict[str, Any]], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else [make(item) for item in _objects(value)]


def _object_of(make: Callable[[dict[str, Any]], Any]) -> Callable[[Any], Any]:
    return lambda value: make(value) if isinstance(value, dict) else None


def _any(value: Any) -> Any:
    return value


def _build(cls: type[Model], menders: dict[str, Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """A function that makes a ``cls`` of a dict, each field through its mender."""

    def make(received: dict[str, Any]) -> Model:
        names = fields_of(cls)
        fields, extra = {}, {}
        for name, value in received.items():
            if name in names:
                fields[name] = menders.get(name, _any)(value)
            else:
                extra[name] = value
        model = cls(**fields)
        give_extra(model, extra)
        return model

    return make


def _integers(cls: type[Model]) -> dict[str, Callable[[Any], Any]]:
    return dict.fromkeys(cls.__struct_fields__, to_integer)


_usage_fields = _build(
    types.CompletionUsage,
    {
        "completion_tokens": _count,
        "prompt_tokens": _count,
        "total_tokens": _count,
        "completion_tokens_details": _object_of(
            _build(types.CompletionTokensDetails, _integers(types.CompletionTokensDetails))
        ),
        "prompt_tokens_details": _object_of(
            _build(types.PromptTokensDetails, _integers(types.PromptTokensDetails))
        ),
    },
)

# The names of other APIs, which some servers use here as well, and whose they are declared as.
USAGE_NAMES = {
    "input_tokens": "prompt_tokens",
    "inputTokens": "prompt_tokens",
    "promptTokens": "prompt_tokens",
    "promptTokenCount": "prompt_tokens",
    "output_tokens": "completion_tokens",
    "outputTokens": "completion_tokens",
    "completionTokens": "completion_tokens",
    "candidatesTokenCount": "completion_tokens",
    "totalTokens": "total_tokens",
    "totalTokenCount": "total_tokens",
    "input_tokens_details": "prompt_tokens_details",
    "output_tokens_details": "completion_tokens_details",
}


def _usage(received: dict[str, Any]) -> types.CompletionUsage:
    named = {
        name: received[other]
        for other, name in USAGE_NAMES.items()
        if other in received and not received.get(name)
    }
    usage = cast("types.CompletionUsage", _usage_fields({**received, **named}))
    if named and not (received.get("total_tokens") or named.get("total_tokens")):
        counts = (usage.prompt_tokens, usage.completion_tokens)
        usage.total_tokens = sum(count for count in counts if isinstance(count, int))
    return usage


_top_logprob = _build(types.TopLogprob, {"token": _required_text, "logprob": _float})

_token_logprob = _build(
    types.ChatCompletionTokenLogprob,
    {
        "token": _required_text,
        "logprob": _float,
        "top_logprobs": lambda value: _list_of(_top_logprob)(value) or [],
    },
)

_logprobs = _build(
    types.ChoiceLogprobs,
    {"content": _list_of(_token_logprob), "refusal": _list_of(_token_logprob)},
)

_function = _build(types.ChoiceDeltaToolCallFunction, {"name": to_text, "arguments": to_text})

_tool_call_fields = _build(
    types.ChoiceDeltaToolCall,
    {
        "index": _index,
        "id": to_text,
        "type": to_text,
        "function": _object_of(_function),
        "custom": _object_of(
            _build(types.ChoiceDeltaToolCallCustom, {"name": to_text, "input": to_text})
        ),
    },
)


def _tool_call(received: dict[str, Any]) -> Any:
    if received.get("function") is None and received.get("custom") is None:
        beside = {name: received[name] for name in ("name", "arguments") if name in received}
        if beside:
            received = {key: value for key, value in received.items() if key not in beside}
            received["function"] = beside
    return _tool_call_fields(received)


_annotation = _build(
    types.Annotation,
    {
        "type": _required_text,
        "url_citation": _object_of(
            _build(
                types.AnnotationURLCitation,
                {
                    "start_index": _count,
                    "end_index": _count,
                    "title": _required_text,
                    "url": _required_text,
                },
            )
        ),
    },
)


def _content(value: Any, thinking: list[str]) -> str | None:
    """The text of a content that may be a list of parts; thinking parts go to ``thinking``."""
    if isinstance(value, dict):
        value = [value]
    if not isinstance(value, list):
        return to_text(value)
    texts = []
    for part in value:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict):
            if part.get("thinking") is not None:
                thinking.append(_content(part["thinking"], []) or "")
            elif "reasoning" in str(part.get("type")) or part.get("type") == "thinking":
                thinking.append(_content(part.get("text"), []) or "")
            elif part.get("text") is not None:
                texts.append(_content(part["text"], []) or "")
    return "".join(texts) if texts else None


def _reasoning(value: Any) -> str | None:
    """The text of a reasoning that may be a list of parts, or an object around one."""
    if value is None or isinstance(value, str):
        return value
    texts = list(_texts_in(value))
    if not texts and isinstance(value, (dict, list)):
        return to_text(value) if value else None
    return "".join(texts) if texts else to_text(value)


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for part in value:
            yield from _texts_in(part)
    elif isinstance(value, dict):
        for name in ("text", "thinking", "summary", "summary_text", "content"):
            if value.get(name) is not None:
                yield from _texts_in(value[name])
                return


def reasoning_beside(extra: dict[str, Any]) -> str:
    """The reasoning under keys that no type declares, and that hold it as blocks; "" for none."""
    for name in ("thinking", "thinking_blocks", "reasoning_summary"):
        if extra.get(name):
            return "".join(_texts_in(extra[name]))
    return ""


def message_beside(choice: types.Choice) -> dict[str, Any] | None:
    """The whole message that a choice has in place of a delta; None where it has none.

    An answer that was not streamed after all has one, and so has the last chunk of some
    servers. Others send the message so far with every delta: there it says nothing.
    """
    message = extra_of(choice).get("message")
    if not isinstance(message, dict):
        return None
    delta = choice.delta
    is_empty = not any(getattr(delta, name) for name in delta.__struct_fields__ if name != "role")
    return message if is_empty else None


_delta_fields = _build(
    types.ChoiceDelta,
    {
        "role": to_text,
        "refusal": to_text,
        "tool_calls": _list_of(_tool_call),
        "function_call": _object_of(
            _build(types.ChoiceDeltaFunctionCall, {"name": to_text, "arguments": to_text})
        ),
        "audio": _object_of(
            _build(
                types.ChoiceDeltaAudio,
                {"id": to_text, "data": to_text, "expires_at": to_integer, "transcript": to_text},
            )
        ),
        "reasoning_content": _reasoning,
        "reasoning": _reasoning,
        # Copilot sends an object here, which belongs to another idea of annotations.
        "annotations": lambda value: (
            [_annotation(item) for item in _objects(value)] if isinstance(value, list) else value
        ),
    },
)


def delta_of(received: Any) -> types.ChoiceDelta:
    """The delta of parsed JSON, or of a whole message."""
    if isinstance(received, str):
        return types.ChoiceDelta(content=received)
    if not isinstance(received, dict):
        return types.ChoiceDelta()
    delta = cast("types.ChoiceDelta", _delta_fields(received))
    thinking: list[str] = []
    delta.content = _content(received.get("content"), thinking)
    if not (delta.reasoning_content or delta.reasoning):
        if not thinking and (beside := reasoning_beside(received)):
            thinking.append(beside)
        if thinking:
            delta.reasoning_content = "".join(thinking)
    return delta


_choice_fields = _build(
    types.Choice,
    {
        "finish_reason": _finish_reason,
        "logprobs": _object_of(_logprobs),
        "native_finish_reason": to_text,
    },
)


def _choice(received: dict[str, Any], position: int) -> types.Choice:
    index = _index(received.get("index"), position)
    delta = delta_of(received.get("delta"))
    if delta.content is None and isinstance(received.get("text"), str):
        delta.content = received["text"]
    return cast("types.Choice", _choice_fields({**received, "delta": delta, "index": index}))


_chunk_fields = _build(
    types.ChatCompletionChunk,
    {
        "id": _required_text,
        "choices": lambda value: [
            _choice(item, position) for position, item in enumerate(_objects(value))
        ],
        "created": _seconds,
        "model": _required_text,
        "object": _required_text,
        "moderation": _object_of(_build(types.Moderation, {})),
        "obfuscation": to_text,
        "p": to_text,
        "service_tier": to_text,
        "system_fingerprint": to_text,
        "usage": _object_of(_usage),
        "provider": to_text,
    },
)


def mend_chunk(received: dict[str, Any]) -> types.ChatCompletionChunk:
    """The chunk of a payload that is not as declared."""
    chunk = cast("types.ChatCompletionChunk", _chunk_fields(received))
    chunk.usage = chunk.usage or _usage_in_choices(received)
    return chunk


def _usage_in_choices(received: dict[str, Any]) -> types.CompletionUsage | None:
    found = [choice.get("usage") for choice in _objects(received.get("choices"))]
    return next((_usage(usage) for usage in found if isinstance(usage, dict)), None)


def _completion_choice(received: dict[str, Any], position: int) -> types.CompletionChoice:
    index = _index(received.get("index"), position)
    return cast("types.CompletionChoice", _completion_choice_fields({**received, "index": index}))


_completion_choice_fields = _build(
    types.CompletionChoice,
    {
        "text": _required_text,
        "finish_reason": _finish_reason,
        "logprobs": _object_of(
            _build(
                types.Logprobs,
                {"token_logprobs": _floats},
            )
        ),
    },
)

_completion_fields = _build(
    types.Completion,
    {
        "id": _required_text,
        "choices": lambda value: [
            _completion_choice(item, position) for position, item in enumerate(_objects(value))
        ],
        "created": _seconds,
        "model": _required_text,
        "object": _required_text,
        "system_fingerprint": to_text,
        "usage": _object_of(_usage),
    },
)


def mend_completion(received: dict[str, Any]) -> types.Completion:
    """The legacy chunk of a payload that is not as declared."""
    completion = cast("types.Completion", _completion_fields(received))
    completion.usage = completion.usage or _usage_in_choices(received)
    return completion
