"""A gateway: relays streams of any API as they are or rewritten, and says how they end.

Run examples/demo_server.py, then: [UPSTREAM=URL] uvicorn --app-dir examples gateway:app --port 8001

Without PUBLIC_MODEL every byte goes on as it came. With it the model has that name, the system
fingerprint is dropped, and an event of the gateway's own comes before the end.
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

from sseparse import Event, Parser, SSEError, encode_comment, encode_event, llm

UPSTREAM = os.environ.get("UPSTREAM", "http://127.0.0.1:8000")
PUBLIC_MODEL = os.environ.get("PUBLIC_MODEL")
KEEP_ALIVE = float(os.environ.get("KEEP_ALIVE", "15"))  # seconds of silence

# How the path of each API ends. A path tells sooner than payloads do: errors may come first.
KINDS: dict[str, llm.Kind] = {
    "/chat/completions": "chat",
    "/completions": "completions",
    "/responses": "responses",
    "/messages": "messages",
    ":streamGenerateContent": "gemini",
}
# What the gateway's own event looks like to a client of an API; elsewhere it has a type of its own.
NOTICES = {
    "chat": {"object": "chat.completion.chunk", "choices": []},
    "completions": {"object": "text_completion", "choices": []},
    "gemini": {"candidates": []},
}
KEYS = ("authorization", "x-api-key", "x-goog-api-key", "anthropic-version", "anthropic-beta")

app = FastAPI()
client = httpx2.AsyncClient(timeout=120, limits=httpx2.Limits(max_connections=None))


@app.post("/{path:path}")
async def post(path: str, request: Request) -> Response:
    kinds: list[llm.Kind] = [kind for end, kind in KINDS.items() if f"/{path}".endswith(end)]
    if not kinds:
        return Response(f"no API that is known here: /{path}", 404)
    kind = kinds[0]
    keys = {name: request.headers[name] for name in KEYS if name in request.headers}
    sent = client.build_request(
        "POST",
        f"{UPSTREAM}/{path}",
        params=request.query_params,
        json=await request.json(),
        headers=keys,
    )
    try:
        up = await client.send(sent, stream=True)
        media_type = up.headers.get("content-type", "")
        if media_type.startswith("text/event-stream"):
            return StreamingResponse(relay(up, kind), up.status_code, media_type=media_type)
        return Response(await up.aread(), up.status_code, media_type=media_type)
    except httpx2.HTTPError as error:
        # OpenAI's APIs differ in what an error is in a stream, and not in what it is alone.
        alone: llm.Kind = "chat" if kind == "responses" else kind
        body = Parser().feed(failure(alone, error))[0].data
        return Response(body, 502, media_type="application/json")


def failure(kind: llm.Kind, error: Exception) -> bytes:
    """An error as the API says it in a stream, and the end that it has there."""
    frame = llm.encode_error(kind, f"{type(error).__name__}: {error}", type="upstream_error")
    return frame + (llm.DONE if kind in ("chat", "completions") else b"")


async def relay(up: httpx2.Response, kind: llm.Kind):
    """What the client gets: whole events, so that a comment or an error may stand behind each."""
    passing, reads, read = Passing(kind, PUBLIC_MODEL), up.aiter_bytes(), None
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
        yield failure(kind, error)
    finally:
        with suppress(SSEError):
            passing.answer.close()
        print(passing.record(), flush=True)
        with CancelScope(shield=True):  # the client may be gone, which cancels what is awaited
            if read is not None and read.cancel():
                await asyncio.wait([read])
            await up.aclose()


def is_payload(data: str) -> bool:
    with suppress(ValueError):
        return data == "[DONE]" or bool(json.loads(data))
    return False


class Passing:
    """One stream on its way: bytes in, bytes out, and a record of what was in them."""

    def __init__(self, kind: llm.Kind, model: str | None) -> None:
        self.events = Parser(keep_raw=True, dispatch_without_data=True, max_event_size=2**20)
        self.answer = llm.StreamParser(kind=kind, accumulate=False)
        self.kind: llm.Kind = kind
        self.model, self.count, self.error, self.held = model, 0, None, b""

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
        objects = []
        if self.answer.done:
            return event.raw or b""
        try:
            objects += self.answer.feed_event(event)
            while self.answer.failed:  # several payloads in one event, and one of them an error
                objects += self.answer.feed(b"")
        except SSEError as error:  # is for the client to see, as it came
            self.error, objects = error, []
        self.count += len(objects)
        if self.model is None:
            return b""
        passed = b"".join([self.rewritten(event, object.to_dict()) for object in objects])
        if self.answer.done and self.kind in ("chat", "completions"):
            return passed + self.notice() + llm.DONE
        return (self.notice() if self.answer.done else b"") + (passed or event.raw or b"")

    def rewritten(self, event: Event, fields: dict) -> bytes:
        fields.pop("system_fingerprint", None)
        for holder in (fields, fields.get("response") or {}, fields.get("message") or {}):
            for key in {"model", "modelVersion"}.intersection(holder):
                holder[key] = self.model
        try:
            data = msgspec.json.encode(fields)
        except UnicodeEncodeError:  # half a character
            data = json.dumps(fields).encode()
        return encode_event(data, event=event.event, id=event.own_id, retry=event.retry)

    def notice(self) -> bytes:
        payload = NOTICES.get(self.kind, {"type": "gateway.notice"}) | {"gateway": self.record()}
        return encode_event(json.dumps(payload), event=payload.get("type"))

    def close(self) -> bytes:
        """The end: of a stream that is not whole an error, where the server has not sent one."""
        has_failed = self.error is not None
        last = self.events.close(dispatch_incomplete=True)
        if self.events.truncated:  # inside an event, which counts if its payload is whole
            last = [event for event in last if is_payload(event.data)]
        passed = b"".join(map(self.read, last))
        self.answer.close()
        if not self.answer.truncated:
            if self.model is not None and not self.answer.done:
                passed += self.notice()  # Gemini's end has no event of its own
            return self.held or passed  # a [DONE] without its blank line, say
        if self.events.truncated:
            passed = b""
        else:  # an event may have waited for the LF behind its CR
            passed, has_failed = self.held or passed, self.error is not None
        return passed + (b"" if has_failed else failure(self.kind, EOFError("it ended too early")))

    def record(self) -> str:
        whole, reason, usage = not self.answer.truncated, self.answer.finish_reason, "no usage"
        if (used := self.answer.usage) is not None:
            usage = f"{used.input_tokens} + {used.output_tokens} tokens"
        return f"whole={whole}, {self.kind}, {self.count} events, {reason}, {usage}"
