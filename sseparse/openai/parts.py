"""The parts of a final object as they grow: texts, tool calls, audio, unknown keys.

Each has an ``add`` that takes a piece of a delta, in time and memory in proportion to that
piece, and a ``build`` or ``joined`` that makes what has come so far of it, any number of
times.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import msgspec

from . import types
from .model import Model, public_type

__all__ = [
    "BLOCK",
    "Audio",
    "Extra",
    "ReasoningDetails",
    "Text",
    "ToolCall",
    "ToolCalls",
    "leave_out_misfits",
    "settled",
]

# Parts of a text that are joined to one.
BLOCK = 256

# How often arguments longer than this are parsed to see whether they are whole. No server
# comes near it but one that wants to keep us busy.
_LONG = 64 * 1024
_MOST_LONG_ATTEMPTS = 100


class Text:
    """A text as it grows.

    A part of a few characters costs some 60 bytes as a string of its own, so every so many
    parts are joined to a block: blocks are what the text weighs in the end, and before the
    final join no character is copied more than once.

    Attributes:
        parts: since the last block. Whoever appends to it calls ``compact`` when it has
            ``BLOCK`` of them.
    """

    __slots__ = ("blocks", "parts")

    def __init__(self) -> None:
        self.blocks: list[str] = []
        self.parts: list[str] = []

    def append(self, part: str) -> None:
        self.parts.append(part)
        if len(self.parts) >= BLOCK:
            self.compact()

    def compact(self) -> None:
        self.blocks.append("".join(self.parts))
        self.parts.clear()

    def has_come(self) -> bool:
        """Whether there was any part, be it empty."""
        return bool(self.parts or self.blocks)

    def joined(self) -> str:
        text = "".join((*self.blocks, *self.parts))
        if self.parts:
            self.blocks = [text]
            self.parts.clear()
        return _mend_surrogates(text)


def _mend_surrogates(text: str) -> str:
    r"""Join the halves of a character that came as \\ud83d and \\ude00 in two chunks."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


class Extra:
    """Keys that no type declares: strings concatenate in a delta, all else overwrites."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def concatenate(self, extra: dict[str, Any]) -> None:
        for key, value in extra.items():
            text = self.values.get(key)
            if isinstance(value, str) and (text is None or isinstance(text, Text)):
                if text is None:
                    text = self.values[key] = Text()
                text.append(value)
            elif value is not None or key not in self.values:
                self.values[key] = value

    def overwrite(self, extra: dict[str, Any]) -> None:
        for key, value in extra.items():
            if value is not None or key not in self.values:
                self.values[key] = value

    def put_on(self, model: Model) -> None:
        """Give them to the final object, but for what it declares as something else."""
        extra = {
            key: value.joined() if isinstance(value, Text) else value
            for key, value in self.values.items()
            if key not in model.__struct_fields__
        }
        if extra:
            model._extra = extra


def settled(value: Any) -> Any:
    """A copy that stands for itself, for the final object: no longer a part of a payload.

    What a chunk had to leave as it came, for want of a meaning, is not taken over: the
    final object is what its types say.
    """
    try:
        return _settled(value)
    except RecursionError:
        # Only JSON that nobody declares is as deep as that: it is left as it came.
        return value


def _settled(value: Any) -> Any:
    if isinstance(value, list):
        return [_settled(item) for item in value]
    if isinstance(value, dict):
        return {_settled(key): _settled(item) for key, item in value.items()}
    if isinstance(value, str):
        return _mend_surrogates(value)
    if not isinstance(value, Model) or not hasattr(value, "_received"):
        return value
    fields = {name: _settled(getattr(value, name)) for name in value.__struct_fields__}
    copy = public_type(value)(**fields)
    leave_out_misfits(copy)
    if extra := value.model_extra:
        copy._extra = extra
    return copy


def leave_out_misfits(model: Model) -> None:
    """Set the fields that are not of their declared type to their defaults."""
    for field in _fields(type(model)):
        try:
            msgspec.convert(getattr(model, field.name), field.type)
        except msgspec.ValidationError:
            factory = field.default_factory
            default = field.default if factory is msgspec.NODEFAULT else factory()
            setattr(model, field.name, default)


@cache
def _fields(cls: type[Model]) -> tuple[msgspec.structs.FieldInfo, ...]:
    # Evaluates every annotation: a millisecond, and there may be an object for each token.
    return msgspec.structs.fields(cls)


class ToolCall:
    """A tool call as far as it has come."""

    __slots__ = (
        "arguments",
        "custom",
        "extra",
        "extra_content",
        "id",
        "index",
        "long_attempts",
        "name",
    )

    def __init__(self, index: int) -> None:
        self.index = index
        self.long_attempts = 0
        self.id = ""
        self.name = ""
        self.custom = False
        self.arguments = Text()
        self.extra_content: Any = None
        self.extra = Extra()

    def add(self, fragment: types.ChoiceDeltaToolCall) -> None:
        """What nearly every fragment has."""
        function = fragment.function
        if function is not None:
            if function.arguments:
                self.arguments.append(function.arguments)
            if function.name and not self.name:
                self.name = function.name
        if fragment.id and not self.id:
            self.id = fragment.id

    def add_rest(self, fragment: types.ChoiceDeltaToolCall) -> None:
        """What is rare, and what nobody declares."""
        if fragment.custom is not None:
            self.custom = True
            if fragment.custom.name and not self.name:
                self.name = fragment.custom.name
            if fragment.custom.input:
                self.arguments.append(fragment.custom.input)
        if fragment.extra_content is not None:
            self.extra_content = fragment.extra_content
        self.extra.concatenate(fragment.model_extra)

    def is_complete(self) -> bool:
        """Whether the arguments are a whole JSON object."""
        # Most fragments can be told by their last character, without joining anything.
        if not self.arguments.has_come():
            return False
        last = (self.arguments.parts or self.arguments.blocks)[-1].rstrip()
        if last and not last.endswith("}"):
            return False
        if self.long_attempts == _MOST_LONG_ATTEMPTS:
            return False
        text = self.arguments.joined()
        try:
            json.loads(text)
        except (ValueError, RecursionError):
            self.long_attempts += len(text) > _LONG
            return False
        return True

    def build(self) -> types.ChatCompletionMessageToolCall:
        arguments = self.arguments.joined()
        call = types.ChatCompletionMessageToolCall(id=self.id, extra_content=self.extra_content)
        if self.custom:
            call.type = "custom"
            call.custom = types.Custom(name=self.name, input=arguments)
        else:
            call.function = types.Function(name=self.name, arguments=arguments)
        self.extra.put_on(call)
        return call


class ToolCalls:
    """Which fragment belongs to which call, as servers mark it or fail to.

    By its index, where it has one; by its id, where it has only that; else it goes on
    with the call before it. Some servers give every call index 0: an index in use opens a
    new call for an id not seen at it, if the name is another one too, or if the call
    there was complete. Others send a new id with every fragment; those go on.
    """

    __slots__ = ("by_id", "by_index", "calls", "current", "next_index")

    def __init__(self) -> None:
        self.calls: list[ToolCall] = []
        self.by_index: dict[int, ToolCall] = {}
        self.by_id: dict[str, ToolCall] = {}
        self.current: ToolCall | None = None
        self.next_index = 0  # beyond all that are in use

    def add(self, fragment: types.ChoiceDeltaToolCall, is_exact: bool) -> None:
        # Nearly every fragment but the first has an index and no id.
        call = None
        if fragment.index is not None and not fragment.id:
            call = self.by_index.get(fragment.index)
        if call is None:
            call = self._call_of(fragment)
        call.add(fragment)
        if not is_exact:
            call.add_rest(fragment)
        if fragment.id:
            self.by_id.setdefault(fragment.id, call)
        self.current = call

    def _call_of(self, fragment: types.ChoiceDeltaToolCall) -> ToolCall:
        index, id = fragment.index, fragment.id
        tool = fragment.function or fragment.custom
        name = tool.name if tool is not None else None
        if index is not None:
            call = self.by_index.get(index)
            if call is None:
                return self._open(index)
            if not id or not call.id or id == call.id:
                return call
            if self.by_id.get(id) is not None:
                return self.by_id[id]
            if (name and name != call.name) or call.is_complete():
                return self._open(index)
            return call
        if id and id in self.by_id:
            return self.by_id[id]
        if self.current is None or (id and name and (self.current.id or self.current.name)):
            return self._open(self.next_index)
        return self.current

    def _open(self, index: int) -> ToolCall:
        call = self.by_index[index] = ToolCall(index)
        self.calls.append(call)
        self.next_index = max(self.next_index, index + 1)
        return call

    def build(self) -> list[types.ChatCompletionMessageToolCall] | None:
        # Stable: of calls that share an index the first one comes first.
        calls = sorted(self.calls, key=lambda call: call.index)
        return [call.build() for call in calls] or None


class Audio:
    """An audio answer as far as it has come."""

    __slots__ = ("data", "expires_at", "extra", "id", "transcript")

    def __init__(self) -> None:
        self.id = ""
        self.data = Text()
        self.transcript = Text()
        self.expires_at: int = 0
        self.extra = Extra()

    def add(self, piece: types.ChoiceDeltaAudio) -> None:
        self.id = self.id or piece.id or ""
        self.data.append(piece.data or "")
        self.transcript.append(piece.transcript or "")
        if isinstance(piece.expires_at, int):
            self.expires_at = piece.expires_at
        self.extra.concatenate(piece.model_extra)

    def build(self) -> types.ChatCompletionAudio:
        audio = types.ChatCompletionAudio(
            id=self.id,
            data=self.data.joined(),
            expires_at=self.expires_at,
            transcript=self.transcript.joined(),
        )
        self.extra.put_on(audio)
        return audio


class ReasoningDetails:
    """Reasoning entries; consecutive ones of one type are pieces of one entry."""

    __slots__ = ("entries",)

    # What entries are made of piece by piece; of everything else the last one counts.
    _TEXTS = ("text", "summary", "data")

    def __init__(self) -> None:
        self.entries: list[Any] = []

    def add(self, pieces: list[Any]) -> None:
        for piece in pieces:
            if not isinstance(piece, dict):
                self.entries.append(piece)
                continue
            if not self._continues(piece):
                self.entries.append({})
            entry = self.entries[-1]
            for key, value in piece.items():
                if key in self._TEXTS and isinstance(value, str):
                    text = entry.get(key)
                    if not isinstance(text, Text):
                        text = entry[key] = Text()
                    text.append(value)
                elif value is not None or key not in entry:
                    entry[key] = value

    def _continues(self, piece: dict[str, Any]) -> bool:
        last = self.entries[-1] if self.entries else None
        return isinstance(last, dict) and all(
            piece.get(key) is None or last.get(key) is None or piece[key] == last[key]
            for key in ("type", "index", "id")
        )

    def build(self) -> list[Any]:
        return [
            {
                key: value.joined() if isinstance(value, Text) else value
                for key, value in entry.items()
            }
            if isinstance(entry, dict)
            else entry
            for entry in self.entries
        ]
