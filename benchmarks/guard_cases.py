"""What ``make bench-guard`` counts the instructions of; it runs under valgrind.

``guard_cases.py CASE FILE REPEATS`` runs a case over the chunks in a file (a marshalled list),
several times. It imports nothing else: under valgrind all takes fifty times as long.
"""

from __future__ import annotations

import gc
import marshal
import sys
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

Chunks = list[bytes]


def feed(chunks: Chunks) -> None:
    from sseparse._parser_c import Parser

    deque(map(Parser().feed, chunks), maxlen=0)


def feed_to_str(chunks: Chunks) -> None:
    from sseparse._parser_c import Parser

    feed = Parser().feed
    for chunk in chunks:
        for event in feed(chunk):
            event.data  # noqa: B018 - decodes it


def feed_in_python(chunks: Chunks) -> None:
    from sseparse._parser_py import Parser

    deque(map(Parser().feed, chunks), maxlen=0)


def iterate(chunks: Chunks) -> None:
    from sseparse import iter_events

    deque(iter_events(chunks), maxlen=0)


def aiterate(chunks: Chunks) -> None:
    from sseparse import aiter_events

    run(aiter_events(arrived(chunks)))


def chat(chunks: Chunks) -> None:
    from sseparse.openai import ChatStream

    ChatStream(chunks).get_final_completion()


def chat_loop(chunks: Chunks) -> None:
    from sseparse.openai import ChatStream

    for chunk in ChatStream(chunks):
        chunk.choices[0].delta.content  # noqa: B018 - what everybody asks for


def completions(chunks: Chunks) -> None:
    from sseparse.openai import CompletionStream

    deque(CompletionStream(chunks), maxlen=0)


def responses(chunks: Chunks) -> None:
    from sseparse.openai import ResponseStream

    deque(ResponseStream(chunks), maxlen=0)


def messages(chunks: Chunks) -> None:
    from sseparse.anthropic import MessageStream

    deque(MessageStream(chunks), maxlen=0)


def gemini(chunks: Chunks) -> None:
    from sseparse.google import GenerateContentStream

    deque(GenerateContentStream(chunks), maxlen=0)


def first_chat(chunks: Chunks) -> None:
    from sseparse._stream.shapes import KNOWN
    from sseparse.openai import ChatStream

    KNOWN.clear()
    deque(ChatStream(chunks), maxlen=0)


def neutral(chunks: Chunks) -> None:
    from sseparse import llm

    deque(llm.Stream(chunks).iter_pieces(), maxlen=0)


def chat_text(chunks: Chunks) -> None:
    from sseparse.openai import ChatStream

    deque(ChatStream(chunks).iter_text(), maxlen=0)


def async_chat_loop(chunks: Chunks) -> None:
    from sseparse.openai import AsyncChatStream

    run(AsyncChatStream(arrived(chunks)))


def tool_calls(chunks: Chunks) -> None:
    from sseparse.openai import ChatStream

    deque(ChatStream(chunks).iter_tool_calls(), maxlen=0)


def partial_tool_calls(chunks: Chunks) -> None:
    from sseparse.openai import ChatStream

    for call in ChatStream(chunks).iter_partial_tool_calls():
        call.value  # noqa: B018 - what everybody asks for


def encode(chunks: Chunks) -> None:
    from sseparse import encode_event

    deque(map(encode_event, chunks), maxlen=0)


def partial_json(pieces: Chunks) -> None:
    from sseparse._partial_json_c import PartialJSON

    partial = PartialJSON()
    for piece in map(bytes.decode, pieces):
        partial.feed(piece).value  # noqa: B018 - what everybody asks for


def whole_json(pieces: Chunks) -> None:
    from sseparse._partial_json_c import PartialJSON

    PartialJSON().feed(b"".join(pieces).decode())


async def arrived(chunks: Chunks) -> AsyncIterator[bytes]:
    for chunk in chunks:
        yield chunk


def each(run: Callable[[Chunks], None]) -> Callable[[Chunks], None]:
    """Every chunk is a stream."""

    def run_each(chunks: Chunks) -> None:
        for chunk in chunks:
            run([chunk])

    return run_each


def run(items: Any) -> None:
    """``async for`` without an event loop, as nothing waits."""

    async def drain() -> None:
        async for _ in items:
            pass

    try:
        drain().send(None)
    except StopIteration:
        return
    raise AssertionError("it waited")


# Name: (what runs, the name of its chunks in guard.py).
CASES: dict[str, tuple[Callable[[Chunks], None], str]] = {
    "feed, 16 KiB chunks": (feed, "16 KiB chunks"),
    "feed, 16 KiB chunks, data as str": (feed_to_str, "16 KiB chunks"),
    "feed, 16 KiB chunks, CRLF": (feed, "CRLF"),
    "feed, reads of 1,400 bytes": (feed, "reads of 1,400 bytes"),
    "feed, one event a read": (feed, "one event a read"),
    "feed, 40 data lines an event": (feed, "40 data lines an event"),
    "feed in Python, 16 KiB chunks": (feed_in_python, "16 KiB chunks"),
    "iter_events, 16 KiB chunks": (iterate, "16 KiB chunks"),
    "aiter_events, 16 KiB chunks": (aiterate, "16 KiB chunks"),
    "ChatStream, to the completion": (chat, "16 KiB chunks"),
    "ChatStream, loop": (chat_loop, "16 KiB chunks"),
    "ChatStream, loop, one event a read": (chat_loop, "one event a read"),
    "ChatStream, iter_text": (chat_text, "text"),
    # Of each shape, the loop.
    "ChatStream, text": (chat_loop, "text"),
    "ChatStream, reasoning": (chat_loop, "reasoning"),
    "ChatStream, tool arguments": (chat_loop, "tool_arguments"),
    "ChatStream, logprobs": (chat_loop, "token_logprobs"),
    "ChatStream, undeclared keys": (chat_loop, "unknown_keys"),
    "CompletionStream, loop": (completions, "completions"),
    "ResponseStream, loop": (responses, "responses"),
    "MessageStream, loop": (messages, "messages"),
    "GenerateContentStream, loop": (gemini, "gemini"),
    "llm.Stream, pieces of chat": (neutral, "chat"),
    "llm.Stream, pieces of Messages": (neutral, "messages"),
    # What it takes to begin and to end a stream: of these a stream counts as an event.
    "ChatStream, a short one": (each(chat_loop), "chat, short"),
    "CompletionStream, a short one": (each(completions), "completions, short"),
    "ResponseStream, a short one": (each(responses), "responses, short"),
    "MessageStream, a short one": (each(messages), "messages, short"),
    "GenerateContentStream, a short one": (each(gemini), "gemini, short"),
    # What a program reads first: nothing is known of its payloads.
    "ChatStream, nothing known": (each(first_chat), "chat, 20 pieces"),
    "encode_event": (encode, "payloads"),
    "AsyncChatStream, loop": (async_chat_loop, "16 KiB chunks"),
    "ChatStream, iter_tool_calls": (tool_calls, "tool calls"),
    "ChatStream, iter_partial_tool_calls": (partial_tool_calls, "tool calls"),
    "PartialJSON, a piece of one string": (partial_json, "JSON, one string"),
    "PartialJSON, a piece of objects": (partial_json, "JSON, objects"),
    "PartialJSON, objects in one piece": (whole_json, "JSON, objects"),
}


def main() -> None:
    case, file, repeats = sys.argv[1:]
    run_case, _ = CASES[case]
    chunks = marshal.loads(Path(file).read_bytes())
    # When it runs depends on what ran before.
    gc.disable()
    for _ in range(int(repeats)):
        run_case(chunks)


if __name__ == "__main__":
    main()
