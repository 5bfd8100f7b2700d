"""A gateway that relays streams as they come, byte by byte, and logs what was in them.

Run examples/demo_server.py, then: [UPSTREAM=URL] uvicorn --app-dir examples gateway:app --port 8001
"""

import os
from contextlib import suppress

import httpx2
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from sseparse.openai import ChatParser, SSEError

app, client = FastAPI(), httpx2.AsyncClient(timeout=120)
URL = os.environ.get("UPSTREAM", "http://127.0.0.1:8000/v1/chat/completions")


@app.post("/v1/chat/completions")
async def chat(request: Request) -> StreamingResponse:
    key = {"authorization": request.headers.get("authorization", "")}
    post = client.build_request("POST", URL, json=await request.json(), headers=key)
    up = await client.send(post, stream=True)
    return StreamingResponse(relay(up), up.status_code, media_type=up.headers.get("content-type"))


async def relay(up):
    parser, chunks = ChatParser(), 0  # of which most bring one token: all there is without usage
    try:
        async for data in up.aiter_bytes():
            yield data
            with suppress(SSEError):  # what is wrong in a stream is the client's to see
                chunks += 0 if parser.truncated else len(parser.feed(data))
    finally:
        await up.aclose()
        with suppress(SSEError):
            chunks += len(parser.close())
        print(f"whole={not parser.truncated}, {chunks} chunks, {parser.usage}", flush=True)
