# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""The parts of a candidate's content as they grow: texts and thoughts, and calls in pieces.

Consecutive texts of one kind become one part, as the call without streaming gives them. A part
with a thought signature stays as it came, for it has to be sent back so: Google's
documentation forbids joining it with others.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from .._stream import fields
from .._stream.fold import copied
from .._stream.text import Text
from . import types

if TYPE_CHECKING:
    from .._stream.tool_calls import ToolCallLog

__all__ = ["Call", "Parts"]

# The steps of a path such as $.places[0]['opening hours'].
_STEP = re.compile(r"""\.([^.\[\]]+)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]""")
# Steps of a path that is followed: whatever is deeper than that could not be written as JSON.
_DEEPEST = 100


class Call:
    """A function call as far as it has come: whole at once, or value by value.

    Attributes:
        is_complete: whether nothing more of it comes.
    """

    def __init__(self) -> None:
        self.id = ""
        self.name = ""
        self.is_complete = False
        self._args: dict[str, Any] | None = None
        # By its path each value: a text as long as that continues.
        self._values: dict[str, Any] = {}
        self._open: set[str] = set()
        # As ``tool_calls.py`` has it: JSON, once all of it has come.
        self.is_json = True
        self.arguments = Text()

    def add(self, piece: types.FunctionCall) -> None:
        self.id = self.id or piece.id or ""
        self.name = self.name or piece.name or ""
        if piece.args is not None:
            self._args = {**(self._args or {}), **piece.args}
        for partial in piece.partial_args or ():
            if isinstance(partial, dict):
                self._add_value(partial)
        if not piece.will_continue and not self.is_complete:
            self.is_complete = True
            self.arguments.append(json.dumps(self.args(), ensure_ascii=False))

    def _add_value(self, partial: dict[str, Any]) -> None:
        path = str(partial.get("jsonPath", ""))
        if isinstance(partial.get("stringValue"), str):
            text = self._values.get(path)
            if not isinstance(text, Text):
                text = self._values[path] = Text()
            text.append(partial["stringValue"])
        else:
            given = [partial[key] for key in ("numberValue", "boolValue") if key in partial]
            self._values[path] = given[0] if given else None
        if partial.get("willContinue"):
            self._open.add(path)
        else:
            self._open.discard(path)

    def args(self) -> dict[str, Any]:
        """The arguments, those that are whole."""
        arguments: dict[str, Any] = copied(self._args or {})
        for path, value in self._values.items():
            if path not in self._open or self.is_complete:
                value = value.joined() if isinstance(value, Text) else value
                _put(arguments, _steps_of(path), value)
        return arguments

    def build(self) -> types.FunctionCall:
        return types.FunctionCall(
            id=self.id or None,
            name=self.name,
            args=self.args(),
            will_continue=None if self.is_complete else True,
        )


def _steps_of(path: str) -> list[str | int]:
    steps: list[str | int] = []
    for name, index, *quoted in _STEP.findall(path):
        steps.append(int(index[:9]) if index else name or "".join(quoted))
    return steps if 0 < len(steps) <= _DEEPEST else [path]


def _put(target: dict[str, Any], steps: list[str | int], value: Any) -> None:
    """Put a value where a path leads to, with the objects and lists on the way."""
    here: Any = target
    for position, step in enumerate(steps):
        is_last = position == len(steps) - 1
        below = value if is_last else [] if isinstance(steps[position + 1], int) else {}
        if isinstance(here, list):
            # One after another: a number beyond the end is the next.
            if not isinstance(step, int) or step >= len(here):
                step = len(here)
                here.append(None)
            there = here[step]
        else:
            step = str(step)
            there = here.get(step)
        if is_last or not isinstance(there, (dict, list)):
            here[step] = there = below
        here = there


class _Piece:
    """A part as far as it has come.

    Attributes:
        part: what it began with.
        text: what more of it is added to; None where nothing is.
        call: its function call.
    """

    def __init__(self, part: types.Part, text: Text | None, call: Call | None) -> None:
        self.part: types.Part = copied(part)
        self.text = text
        self.call = call

    def build(self) -> types.Part:
        part: types.Part = copied(self.part)
        if self.text is not None:
            part.text = self.text.joined()
        if self.call is not None:
            part.function_call = self.call.build()
        return part


class Parts:
    """The parts of a candidate's content."""

    # Whatever makes a part more than a text.
    _OTHER = fields.Present(types.Part, {*types.Part.__struct_fields__} - {"text", "thought"})

    def __init__(self, call_log: ToolCallLog, index: int) -> None:
        self._pieces: list[_Piece] = []
        self._call_log = call_log
        self._index = index  # of the candidate

    def add(self, part: types.Part) -> None:
        last = self._pieces[-1] if self._pieces else None
        if self._is_plain(part):
            text = self.text_of(part)
            if text is None:
                if not part.text and last is not None:
                    return
                text = Text()
                self._pieces.append(_Piece(part, text, None))
            text.append(part.text or "")
        elif part.function_call is not None:
            call = last.call if last is not None else None
            if call is None or call.is_complete or part.function_call.name:
                call = Call()
                self._pieces.append(_Piece(part, None, call))
                self._call_log.begin(call, self._index)
            call.add(part.function_call)
            self._call_log.grew(call)
            if call.is_complete:
                self._call_log.end(call)
        else:
            self._pieces.append(_Piece(part, None, None))

    def text_of(self, part: types.Part) -> Text | None:
        """What a part like this one is added to; None where it is one of its own."""
        last = self._pieces[-1] if self._pieces else None
        if last is None or last.text is None or not self._is_plain(part):
            return None
        return last.text if bool(last.part.thought) == bool(part.thought) else None

    def _is_plain(self, part: types.Part) -> bool:
        return part.text is not None and not self._OTHER.of(part) and not fields.extra_of(part)

    def calls(self) -> list[Call]:
        """The function calls, in order."""
        return [piece.call for piece in self._pieces if piece.call is not None]

    def joined(self, is_thought: bool) -> str:
        """The texts, or the thoughts."""
        return "".join(
            piece.text.joined() if piece.text is not None else piece.part.text or ""
            for piece in self._pieces
            if bool(piece.part.thought) == is_thought
        )

    def build(self) -> list[types.Part]:
        return [piece.build() for piece in self._pieces]
