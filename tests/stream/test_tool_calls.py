"""The log of tool calls, for any API: what its state says, and what there is to see then."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("msgspec")

from sseparse._stream.text import Text
from sseparse._stream.tool_calls import ToolCallLog


class Call:
    """A call of an API whose final object is a tuple."""

    is_json = True

    def __init__(self, name: str) -> None:
        self.id = f"id of {name}"
        self.name = name
        self.arguments = Text()

    def build(self) -> tuple[str, str]:
        return self.name, self.arguments.joined()


@pytest.fixture
def log() -> ToolCallLog:
    return ToolCallLog()


def begin(log: ToolCallLog, name: str, arguments: str = "", choice: int = 0) -> Call:
    call = Call(name)
    log.begin(call, choice)
    call.arguments.append(arguments)
    return call


def completed(log: ToolCallLog) -> list[Any]:
    return list(iter(lambda: log.next_complete(None), None))


def changed(log: ToolCallLog) -> list[tuple[int, str, bool]]:
    calls = iter(lambda: log.next_changed(None), None)
    return [(call.index, call.arguments, call.complete) for call in calls]


def test_a_call_that_the_server_has_ended_is_complete_whatever_is_in_it(log):
    call = begin(log, "f", "{no json")
    assert completed(log) == []
    log.end(call)
    log.end(call)
    assert completed(log) == [("f", "{no json")]


def test_a_call_that_was_left_is_complete_when_it_is_whole(log):
    first, second = begin(log, "f", '{"a": '), begin(log, "g", "{}")
    for call in (first, second):
        log.leave(call)
    assert completed(log) == [("g", "{}")]
    first.arguments.append("1}")
    assert completed(log) == []
    log.leave(first)
    assert completed(log) == [("f", '{"a": 1}')]
    assert log.is_whole(first)


def test_what_is_not_over_when_the_stream_breaks_off_never_is(log):
    over, left, open_, late = (begin(log, name, "{") for name in "abcd")
    whole = begin(log, "e", "{}")
    log.end(over)
    log.leave(left)
    log.leave(whole)
    log.break_off()
    left.arguments.append("}")
    log.end(open_)
    log.leave(late)
    assert completed(log) == [("a", "{"), ("e", "{}")]


def test_arguments_that_are_added_without_a_word_are_seen(log):
    call = begin(log, "f")
    assert changed(log) == [(0, "", False)]
    log.may_grow(call)
    for piece in ("{", '"a"'):
        call.arguments.append(piece)
        assert [text[-1] for _, text, _ in changed(log)] == [piece[-1]]
    call.arguments.append(": 1}")
    log.settle()
    assert changed(log) == [(0, '{"a": 1}', False)]
    call.arguments.append(" ")
    assert changed(log) == []
    log.grew(call)
    assert changed(log) == [(0, '{"a": 1} ', False)]


def test_nothing_to_see_is_not_shown(log):
    call = begin(log, "f")
    assert len(changed(log)) == 1
    log.grew(call)
    assert changed(log) == []


def test_calls_are_counted_in_each_choice(log):
    for name, choice in (("a", 1), ("b", 0), ("c", 1)):
        begin(log, name, choice=choice)
    calls = list(iter(lambda: log.next_changed(1), None))
    assert [(call.name, call.choice, call.index) for call in calls] == [("a", 1, 0), ("c", 1, 1)]
    assert log.next_changed(0).name == "b"
    assert log.next_changed(2) is None


@pytest.mark.parametrize("times", [0, 1, 255, 256, 257, 1000])
def test_a_text_tells_what_has_come_since(times):
    text = Text()
    parts = [f"{number}," for number in range(times)]
    for part in parts:
        text.append(part)
    whole = "".join(parts)
    assert text.length == len(whole)
    for _ in range(2):
        for start in range(len(whole) + 1):
            assert text.since(start) == whole[start:]
        assert text.joined() == whole  # and what was joined is no other
