# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""The parts of a final object as they grow: tool calls, audio, reasoning.

Each has an ``add`` that takes a piece of a delta, in time and memory in proportion to that
piece, and a ``build`` that makes what has come so far of it, any number of times.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .._stream.fields import extra_of
from .._stream.fold import Extra
from .._stream.text import Text
from . import types

if TYPE_CHECKING:
    from .._stream.tool_calls import ToolCallLog

__all__ = [
    "Audio",
    "ReasoningDetails",
    "ToolCall",
    "ToolCalls",
]


class ToolCall:
    """A tool call as far as it has come."""

    __slots__ = (
        "arguments",
        "custom",
        "extra",
        "extra_content",
        "id",
        "index",
        "name",
    )

    def __init__(self, index: int) -> None:
        self.index = index
        self.id = ""
        self.name = ""
        self.custom = False
        self.arguments = Text()
        self.extra_content: Any = None
        self.extra = Extra()

    @property
    def is_json(self) -> bool:
        """Whether the arguments are to be a JSON object, and not any text."""
        return not self.custom

    def add(self, fragment: types.ChoiceDeltaToolCall) -> None:
        if fragment.id and not self.id:
            self.id = fragment.id
        function = fragment.function
        if function is not None:
            self.add_name(function.name)
            if function.arguments:
                self.arguments.append(function.arguments)
        if fragment.custom is not None:
            self.custom = True
            self.add_name(fragment.custom.name)
            if fragment.custom.input:
                self.arguments.append(fragment.custom.input)
        if fragment.extra_content is not None:
            self.extra_content = fragment.extra_content
        extra = extra_of(fragment)
        if extra:
            self.extra.concatenate(extra)

    def add_name(self, name: str | None) -> None:
        """Names come whole, again and again, or in pieces before any arguments."""
        if name and name != self.name and not self.arguments.has_come():
            # Or longer each time.
            self.name = name if name.startswith(self.name) else self.name + name

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
    with the call before it. But some servers give every call index 0, or no index, and the
    same id or none: so a fragment with a name, at a call that has one and whose arguments are
    complete, opens a call. Others send a new id with every fragment, or a last one with an id
    and nothing else; those go on.
    """

    __slots__ = (
        "announced",
        "by_id",
        "by_index",
        "calls",
        "choice",
        "current",
        "log",
        "next_index",
    )

    def __init__(self, log: ToolCallLog, choice: int) -> None:
        self.log = log
        self.choice = choice
        self.calls: list[ToolCall] = []
        self.by_index: dict[int, ToolCall] = {}
        self.by_id: dict[str, ToolCall] = {}
        self.announced: dict[int, str] = {}  # ids of calls that have nothing else yet
        self.current: ToolCall | None = None
        self.next_index = 0  # beyond all that are in use

    def add(self, fragments: list[types.ChoiceDeltaToolCall]) -> None:
        """The fragments of one delta."""
        are_whole = len(fragments) > 1 and all(
            fragment.index is None and _name_of(fragment) for fragment in fragments
        )
        for fragment in fragments:
            # Nearly every fragment but the first has an index, and neither id nor name.
            call = None
            if fragment.index is not None and not fragment.id and not _name_of(fragment):
                call = self.by_index.get(fragment.index)
            if call is None and are_whole and not self.by_id.get(fragment.id or ""):
                call = self._open(self.next_index)
            if call is None:
                call = self._call_of(fragment)
            if call is None:
                continue
            call.add(fragment)
            if fragment.id:
                self.by_id[fragment.id] = call
            if call is not self.current:
                self.leave()
                self.current = call
            self.log.grew(call)

    def leave(self) -> None:
        """The current call is done, as far as anybody can tell: another goes on, or nothing."""
        if self.current is not None:
            self.log.leave(self.current)

    def grown_by(self, fragment: types.ChoiceDeltaToolCall) -> ToolCall | None:
        """The call to whose arguments fragments like this one add, where that is all they do."""
        if fragment.index is None or fragment.id or _name_of(fragment) or fragment.function is None:
            return None
        if fragment.custom is not None or extra_of(fragment):
            return None
        call = self.by_index.get(fragment.index)
        return call if call is self.current else None

    def _call_of(self, fragment: types.ChoiceDeltaToolCall) -> ToolCall | None:
        """The call of a fragment; None where it says nothing yet but an id."""
        index, id = fragment.index, fragment.id
        if index is not None:
            call = self.by_index.get(index)
            if call is None:
                return self._open_by(fragment, index)
            if not id or not call.id or id == call.id:
                return self._open(index) if self._begins_anew(fragment, call) else call
            if self.by_id.get(id) is not None:
                return self.by_id[id]
            name = _name_of(fragment)
            if (name and name != call.name) or (_has_more(fragment) and self._is_whole(call)):
                return self._open(index)
            return call
        call = self.by_id.get(id) if id else None
        if call is None:
            call = self.current
            if call is None:
                return self._open_by(fragment, self.next_index)
            if id and _name_of(fragment) and (call.id or call.name):
                return self._open(self.next_index)
        return self._open(self.next_index) if self._begins_anew(fragment, call) else call

    def _begins_anew(self, fragment: types.ChoiceDeltaToolCall, call: ToolCall) -> bool:
        """Whether a fragment cannot be a part of the call that it seems to belong to."""
        name = _name_of(fragment)
        if not call.name or not name:
            return False
        if call.custom and name != call.name:
            return call.arguments.has_come()  # which are no JSON
        return (name != call.name or _has_more(fragment)) and self._is_whole(call)

    def _is_whole(self, call: ToolCall) -> bool:
        """Whether the arguments are JSON that nothing can follow."""
        return isinstance(self.log.whole_value(call), (dict, list, str))

    def _open_by(self, fragment: types.ChoiceDeltaToolCall, index: int) -> ToolCall | None:
        is_first = not self.calls and fragment.index is not None
        if not is_first and not _name_of(fragment) and not _has_more(fragment):
            if fragment.id:
                self.announced[index] = fragment.id
            return None
        return self._open(index)

    def _open(self, index: int) -> ToolCall:
        call = self.by_index[index] = ToolCall(index)
        call.id = self.announced.pop(index, "")
        self.log.begin(call, self.choice)
        self.calls.append(call)
        self.next_index = max(self.next_index, index + 1)
        return call

    def build(self) -> list[types.ChatCompletionMessageToolCall] | None:
        # Stable: of calls that share an index the first one comes first.
        calls = sorted(self.calls, key=lambda call: call.index)
        return [call.build() for call in calls] or None


def _name_of(fragment: types.ChoiceDeltaToolCall) -> str | None:
    tool = fragment.function or fragment.custom
    return tool.name if tool is not None else None


def _has_more(fragment: types.ChoiceDeltaToolCall) -> bool:
    """Whether a fragment has something beside its id and its name."""
    if fragment.function is not None and fragment.function.arguments:
        return bool(fragment.function.arguments.strip())
    return fragment.custom is not None or fragment.extra_content is not None


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
        if piece.data:
            self.data.append(piece.data)
        if piece.transcript:
            self.transcript.append(piece.transcript)
        if isinstance(piece.expires_at, int):
            self.expires_at = piece.expires_at
        self.extra.concatenate(extra_of(piece))

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

    def texts_of(self, piece: dict[str, Any]) -> dict[str, Text] | None:
        """What the texts of pieces like this one are added to, where that is all to do.

        The piece is the last that was added.
        """
        entry = self.entries[-1]
        # It has to go on with the entry, and say again what the entry says.
        if not isinstance(entry, dict) or not self._continues(piece):
            return None
        texts = {key: entry[key] for key in piece if isinstance(entry.get(key), Text)}
        return texts if all(key in texts or key in entry for key in piece) else None

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
