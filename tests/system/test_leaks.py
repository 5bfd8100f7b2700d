"""Nothing is left behind: memory and references are level, whatever becomes of a stream.

See ``tests/helpers/level.py``. The streams of every API are in ``test_stream_leaks.py``.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import pickle

import pytest
from level import assert_level, assert_level_async, in_pieces

from sseparse import SSEError, aiter_events, iter_events

BODY = b": c\r\nevent: add\r\nid: 1\r\nretry: 5\r\ndata: \xe2\x82\xac 1\r\ndata: 2\r\nx\r\n\r\n"
LONG = b"data: " + b"x" * 2000 + b"\nevent: " + b"e" * 100 + b"\n\n"


@pytest.mark.parametrize("size", [20, 1000, 100_000])
def test_a_leak_of_memory_would_be_noticed(size):
    left: list[object] = []
    with pytest.raises(AssertionError, match=r"1\.\d (blocks|references)"):
        assert_level(lambda: left.append(bytes(size)))


def test_a_leak_of_references_would_be_noticed():
    watched = object()
    left: list[object] = []
    with pytest.raises(AssertionError, match=r"[12]\.0 references are left each time"):
        assert_level(lambda: left.append(watched), watched)


# The parser.


def fail(text):
    raise LookupError(text)


def interrupt(text):
    raise KeyboardInterrupt


def in_one_chunk(Parser):
    parser = Parser()
    [event.data for event in parser.feed(BODY * 3 + LONG)]
    parser.close()


def byte_by_byte(Parser):
    parser = Parser(keep_raw=True)
    for body in (b"\xef\xbb\xbf" + BODY, LONG[:200] + b"\n\n"):
        for byte in body:
            parser.feed(bytes([byte]))


def with_callbacks(Parser):
    Parser(on_comment=str, on_ignored_line=str).feed(BODY)


def from_other_buffers(Parser):
    for parser in (Parser(), Parser(on_comment=str)):
        parser.feed(bytearray(BODY))
        parser.feed(memoryview(LONG))


def dropped_in_the_middle(Parser):
    for place in range(0, len(BODY), 7):
        Parser(keep_raw=place % 2).feed(BODY + BODY[:place])
    Parser().feed(LONG[:1500])


def an_event_too_large(Parser):
    parser = Parser(max_event_size=20)
    parser.feed(b"data: 1\n\ndata: " + b"x" * 50)
    for _ in range(3):
        with contextlib.suppress(SSEError):
            parser.feed(BODY)
    with contextlib.suppress(SSEError):
        parser.close()


def fed_when_closed(Parser):
    parser = Parser()
    parser.feed(LONG[:1500])
    parser.close()
    with contextlib.suppress(SSEError):
        parser.feed(BODY)


def wrong_types(Parser):
    parser = Parser()
    for data in ("text", None, 5, memoryview(BODY)[::2]):
        with contextlib.suppress(TypeError, BufferError):
            parser.feed(data)
    for options in (
        {"max_event_size": "1"},
        {"max_event_size": 0},
        {"last_event_id": 5},
        {"last_event_id": "a\nb"},
        {"on_comment": 5},
        {"nonsense": 1},
    ):
        with contextlib.suppress(TypeError, ValueError):
            Parser(**options)


def callbacks_that_raise(Parser):
    for callback in (fail, interrupt):
        parser = Parser(on_comment=callback, on_ignored_line=fail)
        with contextlib.suppress(LookupError, KeyboardInterrupt):
            parser.feed(BODY + b"data: 2\n\n: 2\n: 3\n")
        parser.feed(b"")
        with contextlib.suppress(LookupError):
            parser.feed(b"data: 3\nx\n")
        with contextlib.suppress(LookupError, KeyboardInterrupt):
            parser.feed(BODY)  # and the events that came with it are never fetched


def calls_from_within(Parser):
    def call_back(text):
        for call in (lambda: parser.feed(BODY), parser.reset, parser.close, parser.__init__):
            with contextlib.suppress(RuntimeError):
                call()

    parser = Parser(on_comment=call_back)
    parser.feed(BODY)


def initialised_again(Parser):
    parser = Parser(on_comment=str)
    for options in ({"keep_raw": True}, {"last_event_id": "x" * 50}, {"on_ignored_line": fail}):
        parser.feed(b"id: 5\nevent: " + b"e" * 80 + b"\ndata: " + b"x" * 1000)
        parser.feed(b"\ndata: y\nda")
        parser.__init__(**options)
        with contextlib.suppress(ValueError):
            parser.__init__(max_event_size=0)
    with contextlib.suppress(LookupError):
        parser.feed(b"data: 1\n\nx\n")
    parser.__init__()


def reset_in_every_state(Parser):
    for keep_raw in (False, True):
        parser = Parser(keep_raw=keep_raw, max_event_size=100, on_ignored_line=fail)
        for place in range(keep_raw, len(BODY), 3):
            with contextlib.suppress(LookupError):
                parser.feed(b"\xef\xbb\xbf" + BODY[:place])
            parser.reset()
        with contextlib.suppress(SSEError):
            parser.feed(LONG)
        parser.reset()
        parser.close()
        parser.reset()


def closed_in_every_state(Parser):
    for place in range(0, len(BODY), 3):
        for dispatch_incomplete in (False, True):
            parser = Parser(keep_raw=True)
            parser.feed(BODY[:place])
            parser.close(dispatch_incomplete=dispatch_incomplete)
            parser.close()


def in_a_reference_cycle(Parser):
    class Owner:
        def __init__(self):
            self.parser = Parser(on_comment=self.note)
            self.parser.feed(LONG[:100])

        def note(self, text):
            pass

    Owner()


def copied_and_pickled(Parser):
    parser = Parser()
    for function in (copy.copy, copy.deepcopy, pickle.dumps):
        with contextlib.suppress(TypeError):
            function(parser)


def asked_for_everything(Parser):
    parser = Parser(last_event_id="x" * 30)
    parser.feed(BODY + b"data: x")
    return parser.last_event_id, parser.retry, parser.pending_bytes, parser.truncated


@pytest.mark.parametrize(
    "deed",
    [
        in_one_chunk,
        byte_by_byte,
        with_callbacks,
        from_other_buffers,
        dropped_in_the_middle,
        an_event_too_large,
        fed_when_closed,
        wrong_types,
        callbacks_that_raise,
        calls_from_within,
        initialised_again,
        reset_in_every_state,
        closed_in_every_state,
        in_a_reference_cycle,
        copied_and_pickled,
        asked_for_everything,
    ],
)
def test_a_parser_leaves_nothing_behind(Parser, Event, deed):
    message = Parser().feed(b"data\n\n")[0].event
    assert_level(lambda: deed(Parser), BODY, LONG, Parser, fail, message, SSEError, None, b"", "")


def test_an_event_leaves_nothing_behind(Event):
    text, raw = "\u20ac" * 50, b"raw" * 50

    def deed():
        event = Event(text, text, text, 5, raw)
        event.__init__("other", "other")
        assert event == Event(text, text.encode(), text, 5, raw)
        assert event != 5
        hash(event)
        repr(event)
        assert event.data == text
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            pickle.loads(pickle.dumps(event, protocol))
        copy.deepcopy([copy.copy(event), event])
        Event(data="[1, 2]").json()
        Event.__new__(Event)
        for arguments in ((5,), ("e", 5), ("e", "d", 5), ("e", "d", "i", -1), ("e", "\ud800")):
            with contextlib.suppress(TypeError, ValueError):
                Event(*arguments)
        with contextlib.suppress(ValueError):
            event.json()

    assert_level(deed, text, raw, Event, None)


# JSON in pieces.

DOCUMENT = (
    '{"name": "caf\u00e9 \u20ac", "escaped": "a\\n\\ud83d\\ude00\\ud83dx", '
    '"many": [1, -2.5e3, true, null, {"name": ["x", []]}], '
    '"again": 12345678901234567890, "again": "y"} '
)


def json_in_one_piece(PartialJSON):
    partial = PartialJSON().feed(DOCUMENT)
    assert partial.close()
    assert partial.value["again"] == "y"
    assert PartialJSON().feed("12345").close()


def json_by_characters(PartialJSON):
    partial = PartialJSON()
    for character in DOCUMENT:
        partial.feed(character)
        assert partial.position > 0 or partial.changed or partial.complete


def json_with_strings_kept(PartialJSON):
    partial = PartialJSON().feed('["')
    kept = [partial.feed("some text \u20ac").value[0] for _ in range(5)]
    hash(kept[-1])
    partial.feed("more")


def json_dropped_in_the_middle(PartialJSON):
    for place in range(len(DOCUMENT)):
        PartialJSON().feed(DOCUMENT[:place])
        PartialJSON().feed(DOCUMENT[:place]).close()


def no_json(PartialJSON):
    for place in range(0, len(DOCUMENT), 3):
        partial = PartialJSON(max_depth=2)
        for _ in range(2):
            with contextlib.suppress(SSEError):
                partial.feed(DOCUMENT[:place] + "\x00")
            with contextlib.suppress(SSEError):
                partial.close()
    with contextlib.suppress(SSEError):
        PartialJSON().feed("9" * 5000 + " ")


def json_of_wrong_types(PartialJSON):
    for text in (b"[]", None, 5):
        with contextlib.suppress(TypeError):
            PartialJSON().feed(text)
    for depth in ("1", None, True, 0):
        with contextlib.suppress(TypeError, ValueError):
            PartialJSON(max_depth=depth)
    for function in (copy.copy, pickle.dumps):
        with contextlib.suppress(TypeError):
            function(PartialJSON())
    partial = PartialJSON()
    partial.close()
    with contextlib.suppress(ValueError):
        partial.feed("")


def json_begun_again(PartialJSON):
    partial = PartialJSON()
    for place in range(0, len(DOCUMENT), 3):
        partial.feed(DOCUMENT[:place])
        partial.__init__()


def json_in_a_reference_cycle(PartialJSON):
    partial = PartialJSON().feed('{"a": [{"b": "x')
    partial.value["self"] = partial
    partial.value["a"].append(partial)


@pytest.mark.parametrize(
    "deed",
    [
        json_in_one_piece,
        json_by_characters,
        json_with_strings_kept,
        json_dropped_in_the_middle,
        no_json,
        json_of_wrong_types,
        json_begun_again,
        json_in_a_reference_cycle,
    ],
)
def test_json_in_pieces_leaves_nothing_behind(PartialJSON, deed):
    assert_level(lambda: deed(PartialJSON), DOCUMENT, PartialJSON, SSEError, None, "", True, "x")


# Iterators.


def test_iterators_left_early_leave_nothing_behind():
    chunks = [BODY, LONG, BODY[:20]]

    def deed():
        list(iter_events(chunks))
        next(iter_events(iter(chunks)))
        iter_events(chunks)
        events = iter_events(chunk for chunk in chunks)
        next(events)
        events.close()
        with contextlib.suppress(LookupError):
            list(iter_events(chunks, on_comment=fail))
        with contextlib.suppress(SSEError):
            list(iter_events(chunks, max_event_size=50))

    assert_level(deed, chunks, BODY, LONG, fail)


def test_asynchronous_iterators_left_early_leave_nothing_behind():
    async def deed():
        assert [event async for event in aiter_events(in_pieces(BODY, LONG))]
        async for _ in aiter_events(in_pieces(BODY, LONG)):
            break
        events = aiter_events(in_pieces(BODY, LONG))
        await anext(events)
        await events.aclose()
        task = asyncio.create_task(anext(aiter_events(in_pieces(b": wait", BODY))))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    assert_level_async(deed, BODY, LONG)


class Response:
    """A response as httpx has them, of a body at hand."""

    status_code = 200
    url = "http://server/"

    def __init__(self, *chunks, content_type="text/event-stream", error=None):
        self.headers = {"content-type": content_type}
        self._chunks = chunks
        self._error = error

    def iter_bytes(self):
        yield from self._chunks
        if self._error is not None:
            raise self._error

    async def aiter_bytes(self):
        for chunk in self.iter_bytes():
            await asyncio.sleep(0)
            yield chunk

    def close(self):
        pass

    async def aclose(self):
        pass


def test_event_sources_leave_nothing_behind():
    from sseparse.http import EventSource

    def deed():
        list(EventSource(Response(BODY, LONG)))
        for _ in EventSource(Response(BODY, LONG)):
            break
        with EventSource(Response(BODY)) as source:
            next(iter(source))
        with contextlib.suppress(OSError):
            list(EventSource(Response(BODY, LONG[:50], error=OSError())))
        with contextlib.suppress(SSEError):
            list(EventSource(Response(b"<html>", content_type="text/html")))
        with contextlib.suppress(TypeError):
            EventSource(object())

    assert_level(deed, BODY, LONG)


def test_asynchronous_event_sources_leave_nothing_behind():
    from sseparse.http import EventSource

    async def deed():
        assert [event async for event in EventSource(Response(BODY, LONG))]
        async for _ in EventSource(Response(BODY, LONG)):
            break
        async with EventSource(Response(BODY)) as source:
            await anext(aiter(source))
        with contextlib.suppress(OSError):
            assert [event async for event in EventSource(Response(BODY, error=OSError()))]

    assert_level_async(deed, BODY, LONG)


# Chat streams.

HELLO = (
    b'data: {"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[%b]}\n\n'
)
TEXT = HELLO % b'{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}'
STOP = HELLO % b'{"index":0,"delta":{},"finish_reason":"stop"}'
TOOL = HELLO % (
    b'{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":'
    b'{"name":"f","arguments":"{}"}}]},"finish_reason":null}'
)
UNKNOWN = HELLO % b'{"index":0,"delta":{"content":"a","unknown":{"key":[1]}},"unknown":1}'
MENDED = HELLO % b'{"delta":{"content":[{"type":"text","text":"a"}]}}'
DONE = b"data: [DONE]\n\n"
ERROR = b'data: {"error":{"message":"no","code":"c"}}\n\n'


def read_whole(ChatStream):
    body = TEXT * 5 + TOOL + UNKNOWN + MENDED + STOP + DONE
    stream = ChatStream([body[:100], body[100:]])
    for chunk in stream:
        chunk.to_dict(), chunk.to_json(), chunk.model_extra, repr(chunk)
        pickle.loads(pickle.dumps(chunk))
        copy.deepcopy(chunk)
    stream.get_final_completion().to_dict()


def left_early(ChatStream):
    for body in (TEXT * 3, UNKNOWN * 3, MENDED * 3):
        stream = ChatStream([body])
        next(stream)
        stream.current_completion_snapshot  # noqa: B018
        next(stream.iter_text())
        with ChatStream([body]) as stream:
            next(stream)
        ChatStream([body])


def with_errors_in_it(ChatStream):
    body = [TEXT, b"data: {broken\n\n", TEXT, ERROR, b"error: no\n\n", b"data: [1]\n\n", STOP]
    stream = ChatStream(body)
    for _ in range(2 * len(body)):
        with contextlib.suppress(SSEError, StopIteration):
            next(stream)
    with contextlib.suppress(SSEError):
        ChatStream([MENDED], strict=True).until_done()


def truncated(ChatStream):
    assert ChatStream([TEXT, TEXT[:50]]).until_done().truncated
    with contextlib.suppress(SSEError):
        ChatStream([TEXT, TEXT[:50]], require_done=True).until_done()


def no_event_stream(ChatStream):
    for body in (b"<html>\n" * 20, b'{"error": {"message": "no"}}', b'{"detail": "no"}'):
        with contextlib.suppress(SSEError):
            ChatStream([body]).until_done()


def with_other_exceptions(ChatStream):
    def source():
        yield TEXT
        raise OSError

    with contextlib.suppress(OSError):
        ChatStream(source()).until_done()
    with contextlib.suppress(SSEError):
        ChatStream([TEXT], max_event_size=20).until_done()
    with contextlib.suppress(LookupError):
        ChatStream([TEXT + b"stray\n" + TEXT], on_ignored_line=fail).until_done()
    for wrong in (None, b"x", ["text"]):
        with contextlib.suppress(TypeError):
            ChatStream(wrong).until_done()


def with_options(ChatStream):
    ChatStream([TEXT, STOP, DONE], accumulate=False, skip_empty=True).until_done()
    ChatStream([TEXT, STOP, DONE], clock=lambda: 0).until_done()


def with_shapes(ChatStream):
    """Chunks that are alike, in all ways of reading them; and some that only seem to be."""
    word = b'{"index":0,"delta":{"content":"%b","odd":{"a":["%b",%d]}},"finish_reason":null}'
    alike = [HELLO % (word % (b"w%d" % n, b"o%d" % n, n)) for n in range(12)]
    calls = [TOOL.replace(b"{}", b"a%d" % n) for n in range(6)]
    mended = [MENDED.replace(b'"a"', b'"%d"' % n) for n in range(6)]
    odd = [b'data: {"choices":[],"detail":"%b"}\n\n' % (b"" if n < 4 else b"no") for n in range(6)]
    body = b"".join([*alike, *calls, *mended, *alike, *odd, STOP, DONE])
    clock = iter(range(1000)).__next__
    for options in ({}, {"accumulate": False}, {"clock": clock}):
        for read in (list, lambda s: list(s.iter_text()), lambda s: s.until_done()):
            stream = ChatStream([body], **options)
            for _ in range(3):
                with contextlib.suppress(SSEError):
                    read(stream)
            stream.usage, stream.truncated  # noqa: B018


@pytest.mark.parametrize(
    "deed",
    [
        read_whole,
        left_early,
        with_errors_in_it,
        truncated,
        no_event_stream,
        with_other_exceptions,
        with_options,
        with_shapes,
    ],
)
def test_a_chat_stream_leaves_nothing_behind(deed):
    pytest.importorskip("msgspec")
    from sseparse.openai import ChatStream

    assert_level(lambda: deed(ChatStream), TEXT, STOP, fail, ChatStream, SSEError)


def test_a_parser_that_is_pushed_to_leaves_nothing_behind():
    pytest.importorskip("msgspec")
    from sseparse import Parser
    from sseparse.openai import ChatParser

    def deed():
        for body in (
            TEXT * 5 + STOP + DONE,
            TEXT + b"{broken\n\n" + ERROR + TEXT,
            ERROR,
            b"<html>",
        ):
            for size in (7, 1000):
                parser = ChatParser(require_done=True)
                pieces = [body[start : start + size] for start in range(0, len(body), size)]
                for call in [*[parser.feed] * len(pieces), *[parser.close] * 4]:
                    with contextlib.suppress(SSEError):
                        call(pieces.pop(0)) if pieces else call()
            parser = ChatParser()  # left with an error that waits
            for event in Parser().feed(body):
                with contextlib.suppress(SSEError):
                    parser.feed_event(event)
            parser.last_event_id, parser.failed  # noqa: B018
        with contextlib.suppress(TypeError):
            ChatParser().feed("text")

    assert_level(deed, TEXT, STOP, ChatParser, SSEError)


def test_shapes_leave_nothing_behind():
    pytest.importorskip("msgspec")
    from sseparse._stream.shapes import Known, Shapes
    from sseparse.openai.decode import chat_decoder

    decode = chat_decoder().decode
    payloads = [TEXT[6:-2].replace(b"Hi", b"%d" % number) for number in range(30)]
    payloads += [UNKNOWN[6:-2].replace(b"1", b"%d" % number) for number in range(30)]

    def deed():
        shapes = Shapes(decode, Known())
        for payload in payloads:
            shape = shapes.match(payload)
            if shape is not None:
                shape.make(payload)
            else:
                with contextlib.suppress(SSEError):
                    decode(payload)
                    shapes.learn(payload)

    assert_level(deed, decode, TEXT, *payloads)


def test_a_legacy_stream_leaves_nothing_behind():
    pytest.importorskip("msgspec")
    from sseparse.openai import CompletionStream

    body = b'data: {"id":"1","choices":[{"index":0,"text":"a","finish_reason":null}]}\n\n'

    def deed():
        CompletionStream([body, body, DONE]).get_final_completion().to_dict()
        next(CompletionStream([body, body]))

    assert_level(deed, body)


def test_an_asynchronous_chat_stream_leaves_nothing_behind():
    pytest.importorskip("msgspec")
    from sseparse.openai import AsyncChatStream

    async def deed():
        await AsyncChatStream(in_pieces(TEXT, STOP, DONE)).get_final_completion()
        async for _ in AsyncChatStream(in_pieces(TEXT, STOP)):
            break
        async with AsyncChatStream(Response(TEXT, STOP)) as stream:
            await anext(stream)
        with contextlib.suppress(SSEError):
            await AsyncChatStream(in_pieces(TEXT, ERROR)).until_done()
        task = asyncio.create_task(AsyncChatStream(in_pieces(TEXT, b"", STOP)).until_done())
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    assert_level_async(deed, TEXT, STOP)
