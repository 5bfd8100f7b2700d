"""Google's package, where it is: its newest releases want Python 3.11."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

try:
    from google.genai import types
except ImportError:
    types = None

if TYPE_CHECKING:
    from sseparse.google import GenerateContentResponse

__all__ = ["assert_accepted"]


def assert_accepted(response: GenerateContentResponse) -> None:
    """Its model takes the response."""
    official: Any = types
    if official is not None:
        official.GenerateContentResponse.model_validate(response.to_dict())
