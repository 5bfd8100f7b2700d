"""A gateway: relays chat streams as they are or rewritten, and says how they end.

Run examples/demo_server.py, then: [UPSTREAM=URL] uvicorn --app-dir examples gateway:app --port 8001

Without PUBLIC_MODEL every byte goes on as it came. With it the model has that name, the system
fingerprint is dropped, and a chunk of the gateway's own comes before [DONE].
"""

import asyncio
import json
import os
from contextlib import suppress

import httpx2
import msgspec
from anyio import CancelScope
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse

from sseparse import Event, Parser, encode_comment, encode_event
from sseparse.openai import ChatCompletionChunk, ChatParser, SSEError

URL = os.environ.get("UPSTREAM", "http://127.0.0.1:8000/v1/chat/completions")
PUBLIC_MODEL = os.environ.get("PUBLIC_MODEL")
KEEP_ALIVE = float(os.environ.get("KEEP_ALIVE", "15"))  # seconds of silence

app = FastAPI()
client = httpx2.AsyncClient(timeout=120, limits=httpx2.Limits(max_connections=None))


@app.post("/v1/chat/completions")
async def chat(request: Request) -> Response:
    key = {"authorization": request.headers.get("authorization", "")}
    post = client.build_request("POST", URL, json=await request.json(), headers=key)
    try:
        up = await client.send(post, stream=True)
        media_type = up.headers.get("content-type", "")
        if media_type.startswith("text/event-stream"):
            return StreamingResponse(relay(up), up.status_code, media_type=media_type)
        return Response(await up.aread(), up.status_code, media_type=media_type)
    except httpx2.HTTPError as error:
        return Response(error_body(error), 502, media_type="application/json")


async def relay(up: httpx2.Response):
    """What the client gets: whole events, so that a comment or an error may stand behind each."""
    passing, reads, read = Passing(PUBLIC_MODEL), up.aiter_bytes(), None
    try:
        while True:
            read = read or asyncio.ensure_future(anext(reads, None))
            await asyncio.wait([read], timeout=KEEP_ALIVE)
            if not read.done():
                yield encode_comment("waiting for the model")
                continue
            data, read = read.result(), None
            if data is None:
                break
            if passed := passing.feed(data):
                yield passed
        yield passing.close()
    except (httpx2.HTTPError, SSEError) as error:
        yield encode_event(error_body(error))
    finally:
        with suppress(SSEError):
            passing.chat.close()
        print(passing.record(), flush=True)
        with CancelScope(shield=True):  # the client may be gone, which cancels what is awaited
            if read is not None and read.cancel():
                await asyncio.wait([read])
            await up.aclose()


class Passing:
    """One stream on its way: bytes in, bytes out, and a record of what was in them."""

    def __init__(self, model: str | None) -> None:
        self.events = Parser(keep_raw=True, dispatch_without_data=True, max_event_size=2**20)
        self.chat = ChatParser(accumulate=False)
        self.model, self.chunks, self.error, self.held = model, 0, None, b""

    def feed(self, data: bytes) -> bytes:
        passed = b"".join([self.read(event) for event in self.events.feed(data)])
        if self.model is None:
            # Just as they came, comments too, but for an event that is not whole yet.
            whole = self.held + data
            end = len(whole) - self.events.pending_bytes
            passed, self.held = whole[:end], whole[end:]
        return passed

    def read(self, event: Event) -> bytes:
        """Take note of an event; returns what is to be sent in its place."""
        chunks: list[ChatCompletionChunk] = []
        if self.chat.done:
            return event.raw or b""
        try:
            chunks += self.chat.feed_event(event)
            while self.chat.failed:  # several payloads in one event, and one of them an error
                chunks += self.chat.feed(b"")
        except SSEError as error:  # is for the client to see, as it came
            self.error, chunks = error, []
        self.chunks += len(chunks)
        if self.model is None:
            return b""
        passed = b"".join([self.rewritten(event, chunk) for chunk in chunks])
        if self.chat.done:
            notice = {"object": "chat.completion.chunk", "choices": [], "gateway": self.record()}
            passed += encode_event(json.dumps(notice)) + encode_event("[DONE]")
        return passed or event.raw or b""

    def rewritten(self, event: Event, chunk: ChatCompletionChunk) -> bytes:
        fields = chunk.to_dict()
        fields.pop("system_fingerprint", None)
        if "model" in fields:
            fields["model"] = self.model
        try:
            data = msgspec.json.encode(fields)
        except UnicodeEncodeError:  # half a character
            data = json.dumps(fields).encode()
        return encode_event(data, event=event.event, id=event.own_id, retry=event.retry)

    def close(self) -> bytes:
        """The end: of a stream that is not whole an error, where the server has not sent one."""
        has_failed = self.error is not None
        passed = b"".join(map(self.read, self.events.close(dispatch_incomplete=True)))
        self.chat.close()
        if not self.chat.truncated:
            return self.held or passed  # a [DONE] without its blank line, say
        return b"" if has_failed else encode_event(error_body(EOFError("it ended too early")))

    def record(self) -> str:
        whole, reason = not self.chat.truncated, self.chat.finish_reason
        return f"whole={whole}, {self.chunks} chunks, {reason}, {self.chat.usage}"


def error_body(error: Exception) -> str:
    """An error as OpenAI's API says it."""
    said = {"message": str(error), "type": "upstream_error", "code": type(error).__name__}
    return json.dumps({"error": said})
