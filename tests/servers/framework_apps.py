"""One app with the event streams of two frameworks, by their own means: both send ``SENT``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import fastapi
import fastapi.sse
import sse_starlette

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

# Event, data, id; None where the framework is given none.
SENT: list[tuple[str | None, str, str | None]] = [
    (None, "plain", None),
    ("price", "two\nlines", "1"),
    (None, "", None),
    (None, " a space before, \u2028 and \x85 inside 🌊", "ü"),
    ("price", "[DONE]", None),
    (None, "x" * 100_000, "3"),
]
RETRY = 1234

app = fastapi.FastAPI()


@app.get("/fastapi", response_class=fastapi.sse.EventSourceResponse)
@app.post("/fastapi", response_class=fastapi.sse.EventSourceResponse)
async def of_fastapi() -> AsyncIterator[fastapi.sse.ServerSentEvent]:
    yield fastapi.sse.ServerSentEvent(comment="keep-alive", retry=RETRY)
    for name, data, event_id in SENT:
        yield fastapi.sse.ServerSentEvent(raw_data=data, event=name, id=event_id)


@app.get("/fastapi-json", response_class=fastapi.sse.EventSourceResponse)
async def of_fastapi_as_json() -> AsyncIterator[dict[str, Any]]:
    for _, data, _ in SENT:
        yield {"data": data}


@app.get("/sse-starlette")
@app.post("/sse-starlette")
async def of_sse_starlette(sep: str = "\r\n") -> sse_starlette.EventSourceResponse:
    async def events() -> AsyncIterator[sse_starlette.ServerSentEvent]:
        yield sse_starlette.ServerSentEvent(comment="keep-alive", retry=RETRY)
        for name, data, event_id in SENT:
            yield sse_starlette.ServerSentEvent(data=data, event=name, id=event_id)
            await asyncio.sleep(0)

    return sse_starlette.EventSourceResponse(events(), sep=sep)
