"""What the openai package's models accept, where it is less than what servers send.

A final object keeps everything in its fields; its ``to_dict()`` leaves out what that package's
``ChatCompletion`` would refuse.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from .._stream.model import prepare

__all__ = ["is_annotation", "is_moderation", "is_service_tier", "is_tool"]

_TOOLS = (
    *("function", "file_search", "computer", "computer_use_preview", "web_search"),
    *("web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11", "mcp"),
    *("code_interpreter", "programmatic_tool_calling", "image_generation", "local_shell"),
    *("shell", "custom", "namespace", "tool_search", "apply_patch"),
)
_SERVICE_TIERS = ("auto", "default", "flex", "scale", "priority", "fast")


def is_service_tier(value: str | None) -> bool:
    """Whether it is one of OpenAI's service tiers."""
    return value in _SERVICE_TIERS


def is_tool(tool: Any) -> bool:
    """Whether a tool of the Responses API is one of OpenAI's kinds."""
    return isinstance(tool, dict) and tool.get("type") in _TOOLS


def is_annotation(annotation: dict[str, Any]) -> bool:
    """Whether an annotation is a URL citation, the one kind that the package knows."""
    return annotation.get("type") == "url_citation" and "url_citation" in annotation


def is_moderation(moderation: dict[str, Any] | None) -> bool:
    """Whether it is what OpenAI's moderation says of an input and an output."""
    return moderation is not None and all(
        _is_verdict(moderation.get(name)) for name in ("input", "output")
    )


def _is_verdict(part: Any) -> bool:
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


prepare(_ModerationResults)
