# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""What OpenAI's format says of its payloads, and what servers make of that.

The way of a payload is in ``_stream/decode.py``; mending is in ``mend.py``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .._stream.changes import written
from .._stream.decode import DecodingAgain, PayloadDecoder
from .._stream.errors import APIError
from .._stream.fields import each, extra_of
from .._stream.model import Model, decodes
from . import types
from .mend import USAGE_NAMES, mend_chunk, mend_completion, reasoning_beside, to_text

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["chat_decoder", "chunk_of", "completion_decoder"]

# Choices in one chunk, which no client asks for: small JSON can make large objects.
_MOST_CHOICES = 1000
# Characters of an error without a message that its text shows; its body has all of it.
_MOST_SHOWN = 1000


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


class _Rules:
    # For the types and statuses see ``_is_flat_error``. What any text in it makes an error need
    # not be here.
    deciding: Collection[bytes] = frozenset(
        (b"type", b"Type", b"__type", b"status", b"Status", b"index")
    )
    others: Collection[str] = frozenset(("responses", "messages", "gemini"))

    def find_error(self, value: Any, is_error: bool) -> APIError | None:
        """The error that parsed JSON reports; see ``_error_in``."""
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            # Google's servers put an error into an array.
            found = _error_in(value[0])
        else:
            found = _error_in(value) if isinstance(value, dict) else None
        if found is None and is_error:
            found = _make_error(value, value)
        return found

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


# Errors.

# An error that is none: what some gateways send beside good choices, or with every answer.
_FINE = (None, "", 0, 200, "0", "200", "ok", "success", "null", "none")
# Under which names an error says what and which it is; see ``_plain``.
_MESSAGES = (
    *("message", "msg", "detail", "errormessage", "errormsg", "statusmsg", "errordescription"),
    "reason",
)
_CODES = ("code", "errorcode", "statuscode", "status")
_TYPES = ("type", "errortype")
# Words of a status, or a type, that is an error's.
_FAILING = re.compile("error|exception|fail|invalid|denied|exceed|reject|timeout|unavailable")


def _error_in(payload: dict[str, Any]) -> APIError | None:
    """The error that a payload reports, under whichever name."""
    choices = payload.get("choices")
    has_choices = isinstance(choices, list) and bool(choices)
    error = payload.get("error")
    if error and not _is_fine(error, has_choices):
        return _make_error(error, payload)
    groq = payload.get("x_groq")
    if isinstance(groq, dict) and groq.get("error"):
        return _make_error(groq["error"], payload)
    if payload.get("object") == "error":
        return _make_error(payload, payload)
    if has_choices:
        for choice in choices:  # type: ignore[union-attr]
            its_own = choice.get("error") if isinstance(choice, dict) else None
            if its_own and not _is_fine(its_own, True):
                return _make_error(its_own, its_own)
        return None
    # Without choices, an error may be called anything.
    status = payload.get("base_resp")
    if isinstance(status, dict) and status.get("status_code") not in _FINE:
        return _make_error(status, status)
    errors = payload.get("errors")
    if errors and not _is_fine(errors, False):
        return _make_error(errors[0] if isinstance(errors, list) else errors, payload)
    details = _plain(payload)
    error = details.get("error")
    if isinstance(error, (str, dict)) and error and not _is_fine(error, False):
        return _make_error(error, payload)  # an "Error"
    return _make_error(payload, payload) if _is_flat_error(details, payload) else None


def _plain(details: dict[str, Any]) -> dict[str, Any]:
    """An error's details by plain names: errorMessage, error_message and ErrorMessage are one."""
    plain: dict[str, Any] = {}
    for name, value in details.items():
        plain.setdefault(name.replace("_", "").lower(), value)
    return plain


def _is_fine(error: Any, has_choices: bool) -> bool:
    """Whether what is called an error says that there is none."""
    if isinstance(error, list):
        return False
    details = _plain(error) if isinstance(error, dict) else {}
    if details and not any(details.values()):
        return True  # an error object that is always there
    said = _first(details, _MESSAGES) if details else error
    if isinstance(said, str) and said and _says_fine(said):
        return True
    if not has_choices:
        return False
    if not details:
        return _says_fine(error)
    codes = [details[name] for name in _CODES if _is_code(details.get(name))]
    return all(map(_says_fine, codes)) if codes else _says_fine(said)


def _says_fine(value: Any) -> bool:
    return (value.lower() if isinstance(value, str) else value) in _FINE


def _is_flat_error(details: dict[str, Any], payload: dict[str, Any]) -> bool:
    """Whether a payload is an error without an object of its own around it.

    Args:
        details: the payload, by plain names.
        payload: as it came: of what stands in ``deciding`` other spellings do not count.
    """
    if details.get("errormessage") or details.get("errormsg") or details.get("detail"):
        return True
    if not any(isinstance(details.get(name), str) for name in _MESSAGES):
        return False
    if details.get("errortype") or details.get("success") is False:
        return True
    kind = _first(payload, ("type", "Type", "__type"))
    if isinstance(kind, str) and _FAILING.search(kind.lower()):
        return True
    if _is_failing_status(_first(payload, ("status", "Status"))):
        return True
    codes = [details[name] for name in _CODES if name != "status" and _is_code(details.get(name))]
    return not all(map(_says_fine, codes))


def _is_failing_status(status: Any) -> bool:
    """Whether a status is a failure's: ``"processing"`` and 202 are not."""
    if isinstance(status, str):
        return status[:1] in ("3", "4", "5") or _FAILING.search(status.lower()) is not None
    return isinstance(status, int) and status >= 300


def _is_code(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def _make_error(error: Any, payload: Any) -> APIError:
    """The APIError for what a server sent as an error: an object, or text.

    Args:
        error: what it called so.
        payload: what that stood in: ``{"error": "text", "code": 502}`` has the code beside it.
    """
    body = error
    if isinstance(error, dict):
        details = _plain(error)
        message = _first(details, _MESSAGES) or details.get("error") or details.get("errors")
    else:
        details = _plain(payload) if isinstance(payload, dict) else {}
        message = error if isinstance(error, str) else None
        beside = _first(details, _MESSAGES)
        if isinstance(beside, str) and isinstance(message, str) and beside != message:
            message = f"{message}: {beside}"
        message = message or beside
        body = payload
    if isinstance(message, dict):
        message = message.get("message") or message
    if not message:
        said = repr(body)
        shown = said if len(said) <= _MOST_SHOWN else f"{said[:_MOST_SHOWN]}..."
        message = f"the server reported {shown}" if body else "the server reported an error"
    code = _first(details, _CODES)
    return APIError(
        message if isinstance(message, str) else json.dumps(message),
        code=code if _is_code(code) else None,
        type=to_text(_first(details, _TYPES)),
        param=to_text(details.get("param")),
        body=body,
    )


def _first(details: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((details[name] for name in names if details.get(name) is not None), None)
