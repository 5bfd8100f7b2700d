"""Allocations that fail, each of them in turn: never a crash, and nothing is lost in silence.

Each test runs this file in a process of its own, for what must not happen there is that the
process dies. CPython's test helper makes allocations fail; not every build has it.
"""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from contextlib import suppress
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import sseparse
from sseparse import _iterators

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# In pieces, so that lines, characters and the CRLF of a blank line wait from call to call.
PIECES = [
    b": hi\r\nevent: a\nid: 1\nretry: 5\ndata: one\ndata: t\xc3",
    b"\xa4wo\r\n\r",
    b"\nunknown: x\ndata: th",
    b"ree\n\nid: 2\nevent: " + b"long" * 30 + b"\ndata: four\n\ndata: fi",
    b"ve\n\n",
    b"data: six\r\n\r",
]
EXPECTED = ["one\nt\u00e4wo", "three", "four", "five", "six"]


# CPython 3.15.0 does, with nothing of ours on the stack.
CRASHES_BY_ITSELF = sys.version_info[:3] == (3, 15, 0)


def failing(start: int, *, for_ever: bool, action: Callable[[], Any]) -> Any:
    """Do it with the allocation behind the first ``start`` failing, or all from there on."""
    import _testcapi

    _testcapi.set_nomemory(start, 0 if for_ever else start + 1)
    try:
        return action()
    finally:
        _testcapi.remove_mem_hooks()


def each_allocation(attempt: Callable[[int, bool], bool]) -> int:
    """Try with each allocation failing in turn, up to where there are no more.

    Args:
        attempt: is told which one is to fail; returns whether one did.

    Returns:
        How many did.
    """
    failed = 0
    for for_ever in (False, True):
        quiet = 0
        for start in count():
            if attempt(start, for_ever):
                failed += 1
                quiet = 0
            else:
                # One may fail without a word, where the interpreter can do without it.
                quiet += 1
                if quiet == 20:
                    break
    return failed


def feed(module: Any) -> int:
    """What is fed again after a MemoryError is either parsed or refused for good."""
    return sum(
        each_allocation(partial(_feed, module, keep_raw, position))
        for keep_raw in (False, True)
        for position in range(len(PIECES))
    )


def _feed(module: Any, keep_raw: bool, position: int, start: int, for_ever: bool) -> bool:
    parser = module.Parser(keep_raw=keep_raw, on_comment=len, on_ignored_line=len)
    texts: list[str] = []
    failed = False
    for number, piece in enumerate(PIECES):
        if number == position:
            try:
                events = failing(start, for_ever=for_ever, action=lambda: parser.feed(piece))  # noqa: B023
                texts += [event.data for event in events]
                continue
            except MemoryError:
                failed = True
        try:
            texts += [event.data for event in parser.feed(piece)]
            texts += [event.data for event in parser.feed(b"")]
        except module.SSEError as error:
            assert failed
            assert "lost its place" in str(error)  # noqa: PT017
            assert parser.truncated
            break
    else:
        texts += [event.data for event in parser.close()]
        assert texts == EXPECTED, texts
    assert texts == EXPECTED[: len(texts)], texts
    _check_reset(parser)
    return failed


def _check_reset(parser: Any) -> None:
    """Whatever has become of it, a new connection can begin."""
    parser.reset()
    assert [event.data for event in parser.feed(b"\xef\xbb\xbfdata: again\n\n")][-1] == "again"
    assert parser.pending_bytes == 0
    assert not parser.truncated


def close(module: Any) -> int:
    """The same for the end of a stream."""

    def attempt(start: int, for_ever: bool) -> bool:
        parser = module.Parser(keep_raw=True)
        parser.feed(b"data: one\n\nevent: e\nid: 2\ndata: two\ndata: three")
        end = partial(parser.close, dispatch_incomplete=True)
        failed = False
        try:
            failing(start, for_ever=for_ever, action=end)
        except MemoryError:
            failed = True
        try:
            assert [event.data for event in end()] == (["two\nthree"] if failed else [])
        except module.SSEError as error:
            assert failed
            assert "lost its place" in str(error)  # noqa: PT017
        _check_reset(parser)
        return failed

    return each_allocation(attempt)


def make(module: Any) -> int:
    """A parser that could not be made leaves nothing behind."""

    def attempt(start: int, for_ever: bool) -> bool:
        try:
            failing(start, for_ever=for_ever, action=lambda: module.Parser(max_event_size=10**17))
        except MemoryError:
            return True
        return False

    return each_allocation(attempt)


def reset(module: Any) -> int:
    """An event that is due when the connection is given up does not get lost."""

    def attempt(start: int, for_ever: bool) -> bool:
        parser = module.Parser(keep_raw=True)
        parser.feed(b"data: one\r\n\r")
        failed = False
        try:
            failing(start, for_ever=for_ever, action=parser.reset)
        except MemoryError:
            failed = True
            parser.reset()
        assert [(event.data, event.raw) for event in parser.feed(b"")] == [
            ("one", b"data: one\r\n\r")
        ]
        _check_reset(parser)
        return failed

    return each_allocation(attempt)


def events(module: Any) -> int:
    """An event is whole whatever failed while it was asked."""
    failed = 0
    other = module.Event("e", "{}", "1", 10**17, b"raw")
    for ask in (
        lambda event: event.data,
        lambda event: event.json(),
        lambda event: repr(event),
        lambda event: event == other,
        lambda event: hash(event),
        lambda event: event.__reduce__(),
        lambda event: event.retry,
        lambda event: module.Event("e", "{}", "1", 10**17, b"raw"),
    ):
        failed += each_allocation(partial(_ask, ask, module, other))
    return failed


def _ask(ask: Any, module: Any, other: Any, start: int, for_ever: bool) -> bool:
    event = module.Event("e", b"{}", "1", 10**17, b"raw")
    try:
        failing(start, for_ever=for_ever, action=lambda: ask(event))
    except MemoryError:
        return True
    finally:
        assert event == other
        assert event.data == "{}"
    return False


def iterate(module: Any) -> int:
    """The iterator gives events up to the error, and ends there."""

    def attempt(start: int, for_ever: bool) -> bool:
        texts: list[str] = []
        iterator = module.iter_events(PIECES)

        def read() -> None:
            for event in iterator:
                texts.append(event.data)

        failed = False
        try:
            failing(start, for_ever=for_ever, action=read)
        except MemoryError:
            failed = True
        assert texts == EXPECTED[: len(texts)]
        if not failed:
            assert texts == EXPECTED[:-1] or texts == EXPECTED
        return failed

    return each_allocation(attempt)


def chat(module: Any) -> int:
    """Chunks of a known shape: what comes of the stream is in order, whatever failed.

    A chunk may be lost with the error, which told of it; nothing comes twice. Other chunks
    are msgspec's to decode, which does not survive a failed allocation.
    """
    ways: list[Any] = [_next_chunks, _next_texts]
    if sys.version_info[:2] == (3, 11):
        # CPython 3.10 ends by itself where a MemoryError is caught while there is no memory, 3.12.1
        # and 3.13.0 crash where one that was kept is raised again.
        ways.append(_push)
    for delta in ('{"content":"%s"}', '{"content":"%s","odd":{"n":["%s",1]},"role":"assistant"}'):
        for read in ways:
            assert not _chat(module, delta, read, 10**6, for_ever=True)
    return sum(
        each_allocation(partial(_chat_that_can_fail, module, delta, read))
        for delta in ('{"content":"%s"}', '{"content":"%s","odd":{"n":["%s",1]}}')
        for read in ways
    )


def _chunk(delta: str) -> bytes:
    choice = f'{{"index":0,"delta":{delta},"finish_reason":null}}'
    return f'data: {{"id":"c","created":1,"model":"m","choices":[{choice}]}}\n\n'.encode()


def _next_chunks(stream: Any) -> Iterator[str]:
    return (chunk.choices[0].delta.content for chunk in stream)


def _next_texts(stream: Any) -> Iterator[str]:
    return iter(stream.iter_text())


def _push(parser: Any) -> None:
    """No iterator: it is given its bytes."""


def _chat_that_can_fail(module: Any, delta: str, read: Any, start: int, for_ever: bool) -> bool:
    # CPython 3.10 ends by itself where there is no memory for the traceback either.
    is_too_much = for_ever and sys.version_info < (3, 11)
    return not is_too_much and _chat(module, delta, read, start, for_ever)


def _chat(module: Any, delta: str, read: Any, start: int, for_ever: bool) -> bool:
    known = b"".join(_chunk(delta.replace("%s", letter)) for letter in "abcdef")
    alike = b"".join(_chunk(delta.replace("%s", letter)) for letter in "ghijk")
    texts: list[str] = []
    if read is _push:
        stream = module.ChatParser()

        def take(data: bytes) -> None:
            texts.extend(chunk.choices[0].delta.content for chunk in stream.feed(data))

        take(known)
        action: Any = partial(take, alike)
        rest: Any = partial(take, b"")
    else:
        stream = module.ChatStream([known, alike])
        items = read(stream)
        texts += [next(items) for _ in range(6)]

        def action() -> None:
            for _ in range(5):
                texts.append(next(items))

        def rest() -> None:
            texts.extend(read(stream))

    failed = False
    try:
        failing(start, for_ever=for_ever, action=action)
    except MemoryError:
        failed = True
    if read is _push and stream.failed:
        failed = True  # it waits behind what was returned
        with suppress(MemoryError):
            rest()
    try:
        rest()
    except sseparse.SSEError as error:
        assert failed
        assert "lost its place" in str(error)  # noqa: PT017
        assert stream.truncated
    final = stream.current_completion_snapshot.choices[0].message.content
    for text in ("".join(texts), final):
        letters = iter("abcdefghijk")
        assert all(letter in letters for letter in text), text
        assert failed or text == "abcdefghijk", text
    return failed


JSON_PIECES = [
    '{"name": "caf\u00e9 ',
    'and \u20ac\\ud83d\\ude00", "many": [1, 23',
    "456789012345678901, -2.5e3, true, nu",
    'll, {"other": {"deep": ["x", []]}}, "and a lo',
    'ng string that grows", "',
    'more"]} ',
]


def partial_json(module: Any) -> int:
    """What is fed again after a MemoryError is either read or refused for good."""
    return sum(
        each_allocation(partial(_feed_json, module, position))
        for position in range(len(JSON_PIECES))
    )


def _feed_json(module: Any, position: int, start: int, for_ever: bool) -> bool:
    text = "".join(JSON_PIECES)
    whole = json.loads(text)
    json_parser = module.PartialJSON()
    failed = False
    try:
        for number, piece in enumerate(JSON_PIECES):
            feed = partial(json_parser.feed, piece)
            if number == position:
                try:
                    failing(start, for_ever=for_ever, action=feed)
                    continue
                except MemoryError:
                    failed = True
            feed()
        assert json_parser.close() is True
        assert json_parser.value == whole
    except module.SSEError as error:
        assert failed
        assert "lost its place" in str(error)  # noqa: PT017
        assert not json_parser.complete
    repr(json_parser.value)
    json_parser.__init__()
    assert json_parser.feed(text).value == whole
    return failed


def run_in_a_process(*arguments: str) -> None:
    try:
        import _testcapi  # noqa: F401
    except ImportError:
        pytest.skip("this interpreter has no _testcapi")
    done = subprocess.run(
        [sys.executable, "-X", "faulthandler", __file__, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={**os.environ, "PYTHONPATH": str(Path(sseparse.__file__).parents[1])},
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert int(done.stdout) > 0, "no allocation failed: that shows nothing"


@pytest.mark.parametrize("action", ["feed", "close"])
def test_a_failed_allocation_leaves_a_usable_or_a_cleanly_failed_parser(implementation, action):
    run_in_a_process(action, implementation.__name__)


def test_json_goes_on_after_a_failed_allocation_or_is_refused_for_good(json_implementation):
    if CRASHES_BY_ITSELF and json_implementation.__name__.endswith("_py"):
        pytest.skip("CPython 3.15.0 crashes, without extensions too")
    run_in_a_process("partial_json", json_implementation.__name__)


# Of the compiled parser only: the lock of its twin is more than CPython survives.
@pytest.mark.parametrize("action", ["make", "reset"])
def test_what_needs_memory_can_be_done_again(action):
    pytest.importorskip("sseparse._parser_c", reason="the extension is not built")
    run_in_a_process(action, "sseparse._parser_c")


def test_an_event_survives_failed_allocations(implementation):
    run_in_a_process("events", implementation.__name__)


def test_a_chat_stream_goes_on_after_a_failed_allocation():
    pytest.importorskip("msgspec")
    run_in_a_process("chat", "sseparse.openai")


@pytest.mark.skipif(CRASHES_BY_ITSELF, reason="CPython 3.15.0 crashes, without extensions too")
def test_iterating_ends_with_the_failed_allocation():
    if _iterators.__file__.endswith(".py"):
        pytest.skip("CPython loses a MemoryError for want of a frame: a SystemError, or its end")
    run_in_a_process("iterate", "sseparse")


if __name__ == "__main__":
    print(globals()[sys.argv[1]](importlib.import_module(sys.argv[2])))
