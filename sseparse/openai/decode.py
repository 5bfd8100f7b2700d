"""From an event's payload to a typed chunk, whatever the provider makes of the format.

Two paths. The first decodes the payload's bytes straight into Structs that refuse
whatever is not exactly as declared, unknown keys included; that costs nothing extra and
is all that a normal stream ever needs. What it refuses takes the second path, which
parses the payload into a dict first and then

- looks for ``[DONE]`` and for errors,
- converts the dict, where only unknown keys were in the way,
- or has it mended, field by field: see ``mend.py``.

Why the first path refuses unknown keys: ``ChatCompletionStreamState`` must fold them, and
so must know of them without looking at every payload a second time. Those of a provider
that sends some with every chunk are learned: see ``learn.py``.
"""

# Fields of the first path's types are narrower than the public ones: nobody assigns to them
# through the narrower type.
# pyright: reportIncompatibleVariableOverride=false, reportGeneralTypeIssues=false

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Literal, TypeVar

import msgspec

from .._errors import APIError, ChunkDecodeError
from . import types
from .learn import Keys, decoder_of, tolerant, unknown_keys
from .mend import MAX_SECONDS, find_problem, mend_chunk, mend_completion, to_text
from .model import Model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .. import Event

__all__ = ["ChunkDecoder", "CompletionDecoder", "parse_payload", "reports_error"]

ChunkT = TypeVar("ChunkT", types.ChatCompletionChunk, types.Completion)

# What msgspec raises for bytes that it does not read.
REFUSALS = (msgspec.MsgspecError, ValueError, RecursionError)

_Seconds = Annotated[int, msgspec.Meta(lt=MAX_SECONDS)]
# Some providers send "" or "null" until there is a reason.
_FinishReason = Annotated[str, msgspec.Meta(pattern="^(?!(?:null)?$)")]

# Payloads that the first path may refuse before it is given up, and for how many more.
_PATIENCE = 3
# Choices in one chunk, which no client asks for: small JSON can make large objects.
_MOST_CHOICES = 1000
# Characters of an error without a message that its text shows; its body has all of it.
_MOST_SHOWN = 1000
# Times that new keys are learned in one stream.
_MOST_LESSONS = 8
_RETRY_AFTER = 50


class _Declared:
    """The types of the first path: the public ones, without tolerance.

    They carry the public names and are instances of the public types, so that nobody
    need know of them.
    """

    class CompletionTokensDetails(
        types.CompletionTokensDetails, kw_only=True, forbid_unknown_fields=True
    ):
        pass

    class PromptTokensDetails(types.PromptTokensDetails, kw_only=True, forbid_unknown_fields=True):
        pass

    class CompletionUsage(types.CompletionUsage, kw_only=True, forbid_unknown_fields=True):
        completion_tokens_details: _Declared.CompletionTokensDetails | None = None
        prompt_tokens_details: _Declared.PromptTokensDetails | None = None

    class TopLogprob(types.TopLogprob, kw_only=True, forbid_unknown_fields=True):
        pass

    class ChatCompletionTokenLogprob(
        types.ChatCompletionTokenLogprob, kw_only=True, forbid_unknown_fields=True
    ):
        top_logprobs: list[_Declared.TopLogprob] = msgspec.field(  # type: ignore[assignment]
            default_factory=list
        )

    class ChoiceLogprobs(types.ChoiceLogprobs, kw_only=True, forbid_unknown_fields=True):
        content: list[_Declared.ChatCompletionTokenLogprob] | None = None  # type: ignore[assignment]
        refusal: list[_Declared.ChatCompletionTokenLogprob] | None = None  # type: ignore[assignment]

    class ChoiceDeltaFunctionCall(
        types.ChoiceDeltaFunctionCall, kw_only=True, forbid_unknown_fields=True
    ):
        pass

    class ChoiceDeltaToolCallFunction(
        types.ChoiceDeltaToolCallFunction, kw_only=True, forbid_unknown_fields=True
    ):
        pass

    class ChoiceDeltaToolCallCustom(
        types.ChoiceDeltaToolCallCustom, kw_only=True, forbid_unknown_fields=True
    ):
        pass

    class ChoiceDeltaToolCall(types.ChoiceDeltaToolCall, kw_only=True, forbid_unknown_fields=True):
        index: int
        function: _Declared.ChoiceDeltaToolCallFunction | None = None
        custom: _Declared.ChoiceDeltaToolCallCustom | None = None

    class ChoiceDeltaAudio(types.ChoiceDeltaAudio, kw_only=True, forbid_unknown_fields=True):
        pass

    class AnnotationURLCitation(
        types.AnnotationURLCitation, kw_only=True, forbid_unknown_fields=True
    ):
        pass

    class Annotation(types.Annotation, kw_only=True, forbid_unknown_fields=True):
        url_citation: _Declared.AnnotationURLCitation | None = None

    class ChoiceDelta(types.ChoiceDelta, kw_only=True, forbid_unknown_fields=True):
        tool_calls: list[_Declared.ChoiceDeltaToolCall] | None = None  # type: ignore[assignment]
        function_call: _Declared.ChoiceDeltaFunctionCall | None = None
        audio: _Declared.ChoiceDeltaAudio | None = None
        annotations: list[_Declared.Annotation] | None = None  # type: ignore[assignment]

    class Choice(types.Choice, kw_only=True, forbid_unknown_fields=True):
        delta: _Declared.ChoiceDelta
        index: int
        finish_reason: _FinishReason | None = None
        logprobs: _Declared.ChoiceLogprobs | None = None

    class ChatCompletionChunk(types.ChatCompletionChunk, kw_only=True, forbid_unknown_fields=True):
        _is_declared: ClassVar[bool] = True

        choices: list[_Declared.Choice]  # type: ignore[assignment]
        created: _Seconds = 0
        usage: _Declared.CompletionUsage | None = None
        moderation: None = None
        # It may have an error in it, or the usage.
        x_groq: None = None

    class CompletionChoice(types.CompletionChoice, kw_only=True, forbid_unknown_fields=True):
        index: int
        text: str
        finish_reason: _FinishReason | None = None

    class Completion(types.Completion, kw_only=True, forbid_unknown_fields=True):
        _is_declared: ClassVar[bool] = True

        choices: list[_Declared.CompletionChoice]  # type: ignore[assignment]
        created: _Seconds = 0
        usage: _Declared.CompletionUsage | None = None


class _Exact:
    """Narrower: nothing rare, which keeps folding the common chunks short."""

    class ChoiceDeltaToolCall(
        _Declared.ChoiceDeltaToolCall, kw_only=True, forbid_unknown_fields=True
    ):
        custom: None = None
        extra_content: None = None

    class ChoiceDelta(_Declared.ChoiceDelta, kw_only=True, forbid_unknown_fields=True):
        tool_calls: list[_Exact.ChoiceDeltaToolCall] | None = None  # type: ignore[assignment]
        refusal: None = None
        function_call: None = None
        audio: None = None
        reasoning_details: None = None
        annotations: None = None
        images: None = None
        extra_content: None = None

    class Choice(_Declared.Choice, kw_only=True, forbid_unknown_fields=True):
        delta: _Exact.ChoiceDelta
        content_filter_results: None = None
        content_filter_offsets: None = None
        native_finish_reason: None = None
        stop_reason: None = None
        matched_stop: None = None
        token_ids: None = None

    class ChatCompletionChunk(
        _Declared.ChatCompletionChunk, kw_only=True, forbid_unknown_fields=True
    ):
        _is_exact: ClassVar[bool] = True

        choices: list[_Exact.Choice]  # type: ignore[assignment]
        prompt_filter_results: None = None
        citations: None = None
        timings: None = None
        prompt_token_ids: None = None

    class CompletionChoice(_Declared.CompletionChoice, kw_only=True, forbid_unknown_fields=True):
        content_filter_results: None = None
        stop_reason: None = None
        token_ids: None = None
        prompt_token_ids: None = None

    class Completion(_Declared.Completion, kw_only=True, forbid_unknown_fields=True):
        _is_exact: ClassVar[bool] = True

        choices: list[_Exact.CompletionChoice]  # type: ignore[assignment]
        prompt_filter_results: None = None


class _Piece:
    """Narrowest: one more piece of something, in the usual envelope.

    Most streams are runs of such chunks, and what is refused here need not be looked for
    when they are folded.
    """

    class ChoiceDelta(_Exact.ChoiceDelta, kw_only=True, forbid_unknown_fields=True):
        content: None = None
        tool_calls: None = None
        reasoning_content: None = None
        reasoning: None = None

    class Choice(_Exact.Choice, kw_only=True, forbid_unknown_fields=True):
        finish_reason: None = None
        logprobs: None = None

    class ChatCompletionChunk(_Exact.ChatCompletionChunk, kw_only=True, forbid_unknown_fields=True):
        usage: None = None
        provider: None = None


class _Content:
    class ChoiceDelta(_Piece.ChoiceDelta, kw_only=True, forbid_unknown_fields=True):
        content: str | None = None  # type: ignore[assignment]

    class Choice(_Piece.Choice, kw_only=True, forbid_unknown_fields=True):
        delta: _Content.ChoiceDelta

    class ChatCompletionChunk(_Piece.ChatCompletionChunk, kw_only=True, forbid_unknown_fields=True):
        choices: list[_Content.Choice]  # type: ignore[assignment]


class _ContentWithLogprobs:
    class ChoiceLogprobs(_Declared.ChoiceLogprobs, kw_only=True, forbid_unknown_fields=True):
        refusal: None = None

    class Choice(_Content.Choice, kw_only=True, forbid_unknown_fields=True):
        logprobs: _ContentWithLogprobs.ChoiceLogprobs | None = None  # type: ignore[assignment]

    class ChatCompletionChunk(_Piece.ChatCompletionChunk, kw_only=True, forbid_unknown_fields=True):
        choices: list[_ContentWithLogprobs.Choice]  # type: ignore[assignment]


class _ReasoningContent:
    class ChoiceDelta(_Piece.ChoiceDelta, kw_only=True, forbid_unknown_fields=True):
        reasoning_content: str | None = None  # type: ignore[assignment]

    class Choice(_Piece.Choice, kw_only=True, forbid_unknown_fields=True):
        delta: _ReasoningContent.ChoiceDelta

    class ChatCompletionChunk(_Piece.ChatCompletionChunk, kw_only=True, forbid_unknown_fields=True):
        choices: list[_ReasoningContent.Choice]  # type: ignore[assignment]


class _Reasoning:
    class ChoiceDelta(_Piece.ChoiceDelta, kw_only=True, forbid_unknown_fields=True):
        reasoning: str | None = None  # type: ignore[assignment]

    class Choice(_Piece.Choice, kw_only=True, forbid_unknown_fields=True):
        delta: _Reasoning.ChoiceDelta

    class ChatCompletionChunk(_Piece.ChatCompletionChunk, kw_only=True, forbid_unknown_fields=True):
        choices: list[_Reasoning.Choice]  # type: ignore[assignment]


class _Arguments:
    class ChoiceDeltaToolCallFunction(
        _Declared.ChoiceDeltaToolCallFunction, kw_only=True, forbid_unknown_fields=True
    ):
        name: Literal[""] | None = None

    class ChoiceDeltaToolCall(_Exact.ChoiceDeltaToolCall, kw_only=True, forbid_unknown_fields=True):
        id: Literal[""] | None = None
        function: _Arguments.ChoiceDeltaToolCallFunction

    class ChoiceDelta(_Piece.ChoiceDelta, kw_only=True, forbid_unknown_fields=True):
        tool_calls: list[_Arguments.ChoiceDeltaToolCall]  # type: ignore[assignment]

    class Choice(_Piece.Choice, kw_only=True, forbid_unknown_fields=True):
        delta: _Arguments.ChoiceDelta

    class ChatCompletionChunk(_Piece.ChatCompletionChunk, kw_only=True, forbid_unknown_fields=True):
        choices: list[_Arguments.Choice]  # type: ignore[assignment]


class _Decoder(Generic[ChunkT]):
    """What both kinds of stream share.

    Args:
        strict: raise a ChunkDecodeError where a payload would have to be mended.

    Attributes:
        done: whether ``[DONE]`` has come.
        mended: how many payloads have been mended.
    """

    _public: type[ChunkT]
    _mend: Callable[[dict[str, Any]], ChunkT]
    # Of the first path, the narrower ones first. Where one refuses a payload that the next
    # one takes, the stream goes on with that: it is not likely to be the only such payload.
    _decoders: tuple[Callable[[bytes], ChunkT], ...]
    # Narrower ones, by what they expect one more piece of; see ``_loop.py``.
    _decode_piece: ClassVar[dict[str, Callable[[bytes], Any]]] = {}
    # Those of _decoders, but such that let unknown keys through.
    _tolerant_decoders: ClassVar[tuple[Callable[[bytes], Any], ...]] = ()

    def __init__(self, *, strict: bool = False) -> None:
        # The first path; raises one of REFUSALS where the payload is not exactly as declared.
        # It changes as the stream goes on: look it up every time.
        self._decode_exact: Callable[[bytes], ChunkT] = self._decoders[0]
        self.strict = strict
        self.done = False
        self._second_path = 0  # events that have taken the second path, [DONE] apart
        self.mended = 0
        self._width = 0  # which of the decoders is in use
        self._refused = 0
        self._until_retry = 0
        self._keys = Keys()  # those that have been learned
        self._lessons = 0

    def decode(self, event: Event) -> Iterator[ChunkT]:
        """Decode one event; yields its chunk, none, or several.

        Raises:
            APIError: the event reports an error.
            ChunkDecodeError: it cannot be read; with ``strict``, not without mending.
        """
        if event.event != "error":
            try:
                chunk = self._decode_exact(event.data_bytes)
            except REFUSALS:
                pass
            else:
                chunk._payload = event.data_bytes
                yield chunk
                return
        yield from self._decode_slowly(event)

    def _decode_slowly(self, event: Event) -> Iterator[ChunkT]:
        """Decode an event that ``_decode_exact`` refused; see ``decode``."""
        payload = event.data_bytes
        stripped = payload.strip()
        if stripped == b"[DONE]":
            self.done = True
            return
        is_error = event.event == "error"
        for width in range(self._width + 1, 0 if is_error else len(self._decoders)):
            try:
                chunk = self._decoders[width](payload)
            except REFUSALS:
                continue
            self._width = width
            self._decode_exact = self._decoders[width]
            chunk._payload = payload
            yield chunk
            return
        self._second_path += 1
        self._refused += 1
        if self._refused >= _PATIENCE:
            # Unknown keys in every chunk, it seems: then why try without them?
            self._decode_exact = self._decode_parsed
            self._until_retry = _RETRY_AFTER
        if not stripped and not is_error:
            if self.strict:
                raise ChunkDecodeError(payload, "it is empty")
            return
        try:
            parsed = list(parse_payload(payload))
        except ValueError as error:
            if is_error:
                raise _api_error(event.data) from None
            raise ChunkDecodeError(payload, f"it is not JSON ({error})") from None
        except RecursionError:
            raise ChunkDecodeError(payload, "it is nested too deeply") from None
        for raw, value in parsed:
            try:
                found = self._read(raw, value, is_error)
            except RecursionError:
                # Not too deep to be parsed, but to be walked through.
                raise ChunkDecodeError(raw, "it is nested too deeply") from None
            if found is not None:
                yield found

    def _read(self, raw: bytes, value: Any, is_error: bool) -> ChunkT | None:
        """What a parsed value says; None where that is nothing."""
        if is_error:
            raise _api_error(value)
        if isinstance(value, dict):
            if reports_error(value):
                raise _api_error(value)
            return self._to_chunk(raw, value)
        if isinstance(value, list):
            raise ChunkDecodeError(raw, "it is a JSON array, not an object")
        if self.strict:
            raise ChunkDecodeError(raw, "it is not a JSON object")
        return None

    def _decode_parsed(self, payload: bytes) -> ChunkT:
        """The second path, straight on, for what need not be mended."""
        self._until_retry -= 1
        if self._until_retry == 0:
            self._decode_exact = self._decoders[-1]
            return self._decode_exact(payload)
        received = msgspec.json.decode(payload)
        chunk = msgspec.convert(received, self._public)
        if reports_error(received) or find_problem(received, chunk):
            raise ValueError
        self._second_path += 1
        _attach(chunk, received)
        return chunk

    def _to_chunk(self, payload: bytes, received: dict[str, Any]) -> ChunkT:
        choices = received.get("choices")
        if isinstance(choices, list) and len(choices) > _MOST_CHOICES:
            raise ChunkDecodeError(payload, f"it has {len(choices)} choices")
        try:
            chunk: ChunkT = msgspec.convert(received, self._public)
        except REFUSALS as error:
            return self._to_mended_chunk(payload, received, str(error))
        problem = find_problem(received, chunk)
        if problem is not None:
            return self._to_mended_chunk(payload, received, problem)
        _attach(chunk, received)
        chunk._payload = payload
        if self._lessons < _MOST_LESSONS and self._tolerant_decoders:
            self._learn(payload, received)
        return chunk

    def _learn(self, payload: bytes, received: dict[str, Any]) -> None:
        """Read the next payload with such keys fast."""
        self._lessons += 1
        keys = self._keys.union(unknown_keys(received))
        for decode_tolerant in self._tolerant_decoders:
            # Unknown keys may not have been the reason, or not the only one.
            with suppress(*REFUSALS):
                decode = decoder_of(keys, decode_tolerant)
                decode(payload)
                self._keys = keys
                self._decode_exact = decode
                self._refused = 0
                return

    def _to_mended_chunk(self, payload: bytes, received: dict[str, Any], problem: str) -> ChunkT:
        if self.strict:
            raise ChunkDecodeError(payload, problem)
        self.mended += 1
        chunk = self._mend(received)
        # Made twice: a copy that nobody changes tells what was changed; see Model.to_dict.
        _attach(chunk, received, self._mend(received))
        chunk._payload = payload
        return chunk


def parse_payload(payload: bytes) -> Iterator[tuple[bytes, Any]]:
    """The payload's JSON value, or, of several lines of JSON, each with its own line."""
    try:
        yield payload, _loads(payload)
        return
    except ValueError:
        lines = [line for line in payload.split(b"\n") if line.strip()]
        if len(lines) < 2:
            raise
    for line in lines:
        yield line, _loads(line)


def _loads(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # The stdlib reads NaN and lone surrogates; bad UTF-8 becomes U+FFFD, as in the event.
        return json.loads(payload.decode("utf-8", "replace"))


# Errors.


def reports_error(payload: dict[str, Any]) -> bool:
    groq = payload.get("x_groq")
    return bool(
        payload.get("error")
        or payload.get("object") == "error"
        or (isinstance(groq, dict) and groq.get("error"))
    )


def _api_error(payload: Any) -> APIError:
    """The APIError for what a server sent as an error: an object around it, or text."""
    body = payload
    if isinstance(payload, dict):
        groq = payload.get("x_groq")
        body = payload.get("error") or (isinstance(groq, dict) and groq.get("error")) or payload
    if isinstance(body, dict):
        details = body
        message = body.get("message") or body.get("detail") or body.get("error")
    else:
        # {"error": "text", "code": 502}: what belongs to the text stands beside it.
        details = payload if isinstance(payload, dict) else {}
        message = body if isinstance(body, str) else details.get("message")
        body = payload
    if isinstance(message, dict):
        message = message.get("message") or message
    if not message:
        said = repr(body)
        shown = said if len(said) <= _MOST_SHOWN else f"{said[:_MOST_SHOWN]}..."
        message = f"the server reported {shown}" if body else "the server reported an error"
    code = details.get("code")
    return APIError(
        message if isinstance(message, str) else json.dumps(message),
        code=code if isinstance(code, (str, int)) else None,
        type=to_text(details.get("type")),
        param=to_text(details.get("param")),
        body=body,
    )


# Objects learn what they were made of.


def _attach(model: Model, received: Any, original: Model | None = None) -> None:
    """Give each object its part of ``received``, and what it was mended to."""
    if not isinstance(received, dict):
        return
    model._received = received
    if original is not None:
        model._original = original
    for name in model._nested:
        value = getattr(model, name)
        if not value:
            continue
        part = received.get(name)
        before = None if original is None else getattr(original, name)
        if isinstance(value, Model):
            _attach(value, part, before)
        elif isinstance(value, list) and isinstance(part, list) and len(value) == len(part):
            for position, item in enumerate(value):
                _attach(item, part[position], None if before is None else before[position])


class ChunkDecoder(_Decoder[types.ChatCompletionChunk]):
    """Decodes the events of one chat stream.

    Args:
        strict: raise a ChunkDecodeError where a payload would have to be mended.
    """

    _public = types.ChatCompletionChunk
    _mend = staticmethod(mend_chunk)
    _decoders = (
        msgspec.json.Decoder(_Exact.ChatCompletionChunk).decode,
        msgspec.json.Decoder(_Declared.ChatCompletionChunk).decode,
    )
    _tolerant_decoders = tuple(
        msgspec.json.Decoder(
            tolerant(width.ChatCompletionChunk, width.Choice, width.ChoiceDelta)
        ).decode
        for width in (_Exact, _Declared)
    )
    _decode_piece: ClassVar = {
        "content": msgspec.json.Decoder(_Content.ChatCompletionChunk).decode,
        "logprobs": msgspec.json.Decoder(_ContentWithLogprobs.ChatCompletionChunk).decode,
        "reasoning_content": msgspec.json.Decoder(_ReasoningContent.ChatCompletionChunk).decode,
        "reasoning": msgspec.json.Decoder(_Reasoning.ChatCompletionChunk).decode,
        "arguments": msgspec.json.Decoder(_Arguments.ChatCompletionChunk).decode,
    }


class CompletionDecoder(_Decoder[types.Completion]):
    """Decodes the events of one legacy completion stream; see ``ChunkDecoder``."""

    _public = types.Completion
    _mend = staticmethod(mend_completion)
    _decoders = (
        msgspec.json.Decoder(_Exact.Completion).decode,
        msgspec.json.Decoder(_Declared.Completion).decode,
    )
