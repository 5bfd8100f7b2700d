# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""What OpenAI's format says of its payloads, and what servers make of that.

The way of a payload is in ``_stream/decode.py``; mending is in ``mend.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream.changes import written
from .._stream.decode import DecodingAgain, PayloadDecoder, Rules
from .._stream.fields import each, extra_of
from .._stream.model import Model, decodes
from .._stream.reports import error_in, is_fine, make_error
from . import types
from .mend import USAGE_NAMES, mend_chunk, mend_completion, reasoning_beside

if TYPE_CHECKING:
    from collections.abc import Collection

    from .._stream.errors import APIError

__all__ = ["chat_decoder", "chunk_of", "completion_decoder"]

# Choices in one chunk, which no client asks for: small JSON can make large objects.
_MOST_CHOICES = 1000


def chat_decoder(strict: bool = False) -> PayloadDecoder:
    """What decodes the payloads of a chat stream."""
    return PayloadDecoder(types.ChatCompletionChunk, _ChatRules(), _is_exact_chunk, strict)


def completion_decoder(strict: bool = False) -> PayloadDecoder:
    """What decodes the payloads of a legacy stream."""
    return PayloadDecoder(types.Completion, _CompletionRules(), _is_exact, strict)


# What ``object`` is in an error, and in what is no legacy completion.
_NOT_LEGACY = ("error", "chat.completion.chunk", "chat.completion")
# Asked of every payload that is of no known shape.
_OBJECT, _CHOICES, _X_GROQ = each(types.ChatCompletionChunk, "object", "choices", "x_groq")


def _is_exact(item: types.Completion) -> bool:
    return item.object not in _NOT_LEGACY and len(item.choices) <= _MOST_CHOICES


def _is_exact_chunk(chunk: types.ChatCompletionChunk) -> bool:
    if _OBJECT.of(chunk) == "error" or len(_CHOICES.of(chunk)) > _MOST_CHOICES:
        return False
    groq = _X_GROQ.of(chunk)
    return groq is None or not groq.get("error")


class _Rules(Rules):
    others: Collection[str] = frozenset(("responses", "messages", "gemini"))
    deciding: Collection[bytes] = (*Rules.deciding, b"index")
    final_object: str

    def error_in(self, payload: dict[str, Any]) -> APIError | None:
        """The error that a payload reports, in itself or in a choice."""
        choices = payload.get("choices")
        if not isinstance(choices, list) or not choices:
            choices = []
        found = error_in(payload, bool(choices))
        if found is not None:
            return found
        groq = payload.get("x_groq")
        if isinstance(groq, dict) and groq.get("error"):
            return make_error(groq["error"], payload)
        for choice in choices:
            its_own = choice.get("error") if isinstance(choice, dict) else None
            if its_own and not is_fine(its_own, True):
                return make_error(its_own, its_own)
        return None

    def is_final(self, received: dict[str, Any]) -> bool:
        """Whether it is a whole completion."""
        return received.get("object") == self.final_object

    def refusal(self, received: dict[str, Any]) -> str | None:
        """Too many choices are not read."""
        choices = received.get("choices")
        if isinstance(choices, list) and len(choices) > _MOST_CHOICES:
            return f"it has {len(choices)} choices"
        return None


class _ChatRules(_Rules):
    final_object = "chat.completion"

    def find_problem(self, received: dict[str, Any], item: types.ChatCompletionChunk) -> str | None:
        """Undeclared keys that mean what a declared one should say."""
        problem = _problem_of_usage(item)
        if problem is not None:
            return problem
        for choice in item.choices:
            extra, delta = extra_of(choice), choice.delta
            if isinstance(extra.get("text"), str) and delta.content is None:
                return "a choice has a text in place of a delta's content"
            if any(map(_is_flat_call, delta.tool_calls or ())):
                return "the name and arguments of a tool call stand beside its function"
            has_no_reasoning = delta.reasoning_content is None and delta.reasoning is None
            if has_no_reasoning and reasoning_beside(extra_of(delta)):
                return "the reasoning stands beside reasoning_content"
        return None

    def mend(self, received: dict[str, Any]) -> types.ChatCompletionChunk:
        """See ``mend.py``."""
        return mend_chunk(received)


class _CompletionRules(_Rules):
    others: Collection[str] = frozenset((*_Rules.others, "chat"))
    final_object = "text_completion"

    def find_problem(self, received: dict[str, Any], item: types.Completion) -> str | None:
        """See ``_problem_of_usage``."""
        return _problem_of_usage(item)

    def mend(self, received: dict[str, Any]) -> types.Completion:
        """See ``mend.py``."""
        return mend_completion(received)


def _is_flat_call(call: types.ChoiceDeltaToolCall) -> bool:
    if call.function is not None or call.custom is not None:
        return False
    return bool(extra_of(call).keys() & {"name", "arguments"})


def _problem_of_usage(item: types.ChatCompletionChunk | types.Completion) -> str | None:
    usage = item.usage
    if usage is None:
        stands_in_choice = any(isinstance(extra_of(c).get("usage"), dict) for c in item.choices)
        return "usage stands in a choice" if stands_in_choice else None
    counts_nothing = not (usage.prompt_tokens or usage.completion_tokens)
    other = extra_of(usage).keys() & USAGE_NAMES.keys() if counts_nothing else ()
    if other:
        return f"usage has {sorted(other)[0]}"
    return None


decodes(types.ChatCompletionChunk, DecodingAgain(chat_decoder))
decodes(types.Completion, DecodingAgain(completion_decoder))


def chunk_of(given: Any, decoder: PayloadDecoder) -> Any:
    """The chunk that a dict says, or a chunk of the openai package; read as a payload is.

    Raises:
        TypeError: it is neither.
        SSEError: it is no chunk; see ``PayloadDecoder``.
    """
    if not isinstance(given, dict):
        if not hasattr(given, "model_dump") or isinstance(given, Model):
            raise TypeError(
                "a chunk is an object of this module, one of the openai package, or a dict, "
                f"not {type(given).__name__}"
            )
        # As it came, nulls included, and without a word of what it is that was constructed.
        given = given.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False)
    chunk = decoder.decode(written(given, None, False).encode())
    assert chunk is not None  # a dict always is one, or an error
    return chunk
