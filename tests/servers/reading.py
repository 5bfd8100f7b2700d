"""Every form of ours on a response of any HTTP client, told in plain values.

As a program, for a client that lives in another environment, it answers a line of JSON on
standard input, the arguments of ``read``, with a line of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from typing import Any

import http_clients

from sseparse import anthropic, google, openai
from sseparse.http import AsyncResponseReader, EventSource, ResponseReader

# Of each API: the parser, the streams, the name of the final object.
KINDS: dict[str, tuple[Any, Any, Any, str]] = {
    "chat": (openai.ChatParser, openai.ChatStream, openai.AsyncChatStream, "completion"),
    "completions": (
        openai.CompletionParser,
        openai.CompletionStream,
        openai.AsyncCompletionStream,
        "completion",
    ),
    "responses": (
        openai.ResponseParser,
        openai.ResponseStream,
        openai.AsyncResponseStream,
        "response",
    ),
    "messages": (
        anthropic.MessageParser,
        anthropic.MessageStream,
        anthropic.AsyncMessageStream,
        "message",
    ),
    "gemini": (
        google.GenerateContentParser,
        google.GenerateContentStream,
        google.AsyncGenerateContentStream,
        "response",
    ),
}
FORMS = ("parser", "EventSource", "stream")


def is_asynchronous(client: str) -> bool:
    return client == "aiohttp" or client.endswith("-async")


def read(client: str, kind: str, url: str, post: Any, form: str) -> dict[str, Any]:
    """Ask a server with an HTTP client, and read its answer with one of ``FORMS``."""
    told: dict[str, Any] = {"objects": [], "error": None}
    try:
        if is_asynchronous(client):
            reader = asyncio.run(_aread(client, kind, url, post, form, told))
        else:
            reader = _read(client, kind, url, post, form, told)
    except Exception as error:  # whichever client's it is
        told["error"] = f"{type(error).__name__}: {error}"
        return told
    return told | conclusion(kind, reader)


def push(kind: str, body: bytes) -> dict[str, Any]:
    """The same of a body that is there already, a byte at a time."""
    parser, told = KINDS[kind][0](), {"objects": [], "error": None}
    for byte in body:
        note(told, parser.feed(bytes([byte])))
    note(told, parser.close())
    return told | conclusion(kind, parser)


def _read(client: str, kind: str, url: str, post: Any, form: str, told: dict[str, Any]) -> Any:
    parser_class, stream_class, _, _ = KINDS[kind]
    with http_clients.get(client, url, post=post) as response:
        if form == "stream":
            with stream_class(response) as stream:
                for item in stream:
                    note(told, [item])
            return stream
        parser = parser_class()
        if form == "EventSource":
            with EventSource(response) as source:
                for event in source:
                    note(told, parser.feed_event(event))
        else:
            with contextlib.closing(ResponseReader(response)) as reader:
                while (data := reader.read()) is not None:
                    note(told, parser.feed(data))
        note(told, parser.close())
        return parser


async def _aread(
    client: str, kind: str, url: str, post: Any, form: str, told: dict[str, Any]
) -> Any:
    parser_class, _, stream_class, _ = KINDS[kind]
    async with http_clients.aget(client, url, post=post) as response:
        if form == "stream":
            async with stream_class(response) as stream:
                async for item in stream:
                    note(told, [item])
            return stream
        parser = parser_class()
        if form == "EventSource":
            async with EventSource(response) as source:
                async for event in source:
                    note(told, parser.feed_event(event))
        else:
            reader = AsyncResponseReader(response)
            try:
                while (data := await reader.read()) is not None:
                    note(told, parser.feed(data))
            finally:
                await reader.close()
        note(told, parser.close())
        return parser


def note(told: dict[str, Any], items: list[Any]) -> None:
    told["objects"] += [item.to_dict() for item in items]


def conclusion(kind: str, reader: Any) -> dict[str, Any]:
    # A stream read to its end has its final object as its snapshot.
    final = getattr(reader, f"current_{KINDS[kind][3]}_snapshot")
    usage = reader.usage
    return {
        "final": final.to_dict(),
        "finish_reason": reader.finish_reason,
        "usage": usage and usage.to_dict(),
        "done": reader.done,
        "truncated": reader.truncated,
    }


def main() -> None:
    for line in sys.stdin:
        print(json.dumps(read(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
