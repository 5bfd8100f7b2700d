"""JSON that can be read while it arrives: the arguments of a tool call, structured output.

``PartialJSON`` is compiled or written in Python, which cannot be told apart but by their speed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._compiled import twin
from ._errors import PartialJSONError

if TYPE_CHECKING:
    from ._partial_json_c import PartialJSON
else:
    PartialJSON = twin(
        f"{__package__}._partial_json_c", f"{__package__}._partial_json_py"
    ).PartialJSON

__all__ = ["PartialJSON", "PartialJSONError"]
