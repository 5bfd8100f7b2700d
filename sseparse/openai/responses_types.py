"""The objects of the Responses API, named as in the openai package.

Each is wide: one class for all events, one for all items of the output, one for all parts of an
item. Every field that a kind does not have is None; ``type`` says which kind it is.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec

from .._stream.fields import payload_of
from .._stream.model import Model, prepare
from . import accepted

__all__ = [
    "InputTokensDetails",
    "OutputTokensDetails",
    "Response",
    "ResponseContentPart",
    "ResponseOutputItem",
    "ResponseStreamEvent",
    "ResponseUsage",
]

# Values that decide how an event is read are declared as such: they are no part of a piece.
_Type = Annotated[str, msgspec.Meta(extra={"decides": "what an event means"})]
_Index = Annotated[int, msgspec.Meta(extra={"decides": "where a piece goes"})]


class InputTokensDetails(Model, kw_only=True):
    """Breakdown of the tokens of an input."""

    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class OutputTokensDetails(Model, kw_only=True):
    """Breakdown of the tokens of an output."""

    reasoning_tokens: int | None = None


class ResponseUsage(Model, kw_only=True):
    """How many tokens a request used."""

    input_tokens: int = 0
    output_tokens: int = 0
    total_tokens: int = 0
    input_tokens_details: InputTokensDetails | None = None
    output_tokens_details: OutputTokensDetails | None = None


class ResponseContentPart(Model, kw_only=True):
    """A part of an item: ``output_text``, ``refusal``, ``reasoning_text``, ``summary_text``."""

    type: _Type = ""
    text: str | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None
    logprobs: list[Any] | None = None


class ResponseOutputItem(Model, kw_only=True):
    """An item of the output: ``message``, ``reasoning``, ``function_call``, a tool's call, ..."""

    type: _Type = ""
    id: str | None = None
    status: str | None = None
    role: str | None = None
    phase: str | None = None
    content: list[ResponseContentPart] | None = None
    summary: list[ResponseContentPart] | None = None
    encrypted_content: str | None = None
    # A string but for tools of the server's own.
    arguments: Any = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    input: Any = None
    code: str | None = None
    output: Any = None
    error: Any = None
    action: Any = None
    operation: Any = None
    queries: list[Any] | None = None
    results: Any = None
    result: str | None = None
    server_label: str | None = None
    tools: list[Any] | None = None


class Response(Model, kw_only=True):
    """A response: what the call without ``stream=True`` returns.

    ``to_dict()`` leaves out what the openai package's model refuses: tools of kinds that are
    not OpenAI's, and such a service tier. The fields have them.
    """

    _always: ClassVar[tuple[str, ...]] = ("error", "incomplete_details")

    id: str = ""
    object: str = "response"
    created_at: float = 0
    model: str = ""
    status: str | None = None
    output: list[ResponseOutputItem] = msgspec.field(default_factory=list)
    error: Any = None
    incomplete_details: Any = None
    usage: ResponseUsage | None = None
    # What was asked for, most of it.
    instructions: Any = None
    metadata: Any = None
    parallel_tool_calls: bool | None = None
    temperature: float | None = None
    tool_choice: Any = None
    tools: list[Any] | None = None
    top_p: float | None = None
    background: bool | None = None
    completed_at: float | None = None
    conversation: Any = None
    frequency_penalty: float | None = None
    max_output_tokens: int | None = None
    max_tool_calls: int | None = None
    moderation: Any = None
    presence_penalty: float | None = None
    previous_response_id: str | None = None
    prompt: Any = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Any = None
    prompt_cache_retention: str | None = None
    reasoning: Any = None
    safety_identifier: str | None = None
    service_tier: str | None = None
    store: bool | None = None
    text: Any = None
    tool_usage: Any = None
    top_logprobs: int | None = None
    truncation: str | None = None
    user: str | None = None

    def _fields_to_dict(self) -> dict[str, Any]:
        plain = super()._fields_to_dict()
        if self.tools is not None:
            plain["tools"] = [tool for tool in self.tools if accepted.is_tool(tool)]
        if not accepted.is_service_tier(self.service_tier):
            plain.pop("service_tier", None)
        return plain

    @property
    def output_text(self) -> str:
        """The text of the output: the texts of its messages, joined."""
        return "".join(
            part.text or ""
            for item in self.output
            if item.type == "message"
            for part in item.content or ()
            if part.type == "output_text"
        )


class ResponseStreamEvent(Model, kw_only=True):
    """An event of a Responses stream; what it has depends on its ``type``.

    The API's documentation tells which fields that are: ``response.output_text.delta`` has
    ``delta``, ``output_index`` and ``content_index``, ``response.completed`` has ``response``.
    What a field is called there it is called here.
    """

    type: _Type = ""
    sequence_number: int | None = None
    output_index: _Index | None = None
    item_id: str | None = None
    content_index: _Index | None = None
    summary_index: _Index | None = None
    command_index: _Index | None = None
    # A string but for the output of a shell.
    delta: Any = None
    response: Response | None = None
    item: ResponseOutputItem | None = None
    part: ResponseContentPart | None = None
    text: str | None = None
    refusal: str | None = None
    arguments: Any = None
    name: str | None = None
    input: Any = None
    code: str | None = None
    diff: str | None = None
    command: str | None = None
    annotation: Any = None
    annotation_index: int | None = None
    logprobs: list[Any] | None = None
    obfuscation: str | None = None
    partial_image_b64: str | None = None
    partial_image_index: int | None = None

    @property
    def raw(self) -> bytes | None:
        """The payload as it came; None for an event that did not come from a server."""
        return payload_of(self)


prepare(ResponseStreamEvent)
