"""Two hundred streams at the same time in one process, with aiohttp.

Run examples/demo_server.py, then: python examples/with_aiohttp.py [URL]
"""

import asyncio
import sys
import time

import aiohttp

from sseparse.openai import AsyncChatStream

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/v1/chat/completions"
REQUEST = {"model": "river-1", "messages": [{"role": "user", "content": "?"}], "stream": True}


async def ask(session: aiohttp.ClientSession) -> str:
    async with session.post(URL, json=REQUEST) as response:
        stream = AsyncChatStream(response, require_done=True)
        return "".join([text async for text in stream.iter_text()])


async def main() -> None:
    connector = aiohttp.TCPConnector(limit=0)  # else the 101st stream waits for the first
    timeout = aiohttp.ClientTimeout(sock_read=120)  # else five minutes, however it goes on
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
        results = await asyncio.gather(*(ask(session) for _ in range(200)), return_exceptions=True)
    texts = [result for result in results if isinstance(result, str)]
    print(f"{len(texts)} of {len(results)} streams whole, {sum(map(len, texts)):,} characters,")
    print(f"{time.process_time():.1f} s of CPU time")
    for failure in [result for result in results if not isinstance(result, str)][:1]:
        sys.exit(f"The first failure: {failure!r}")


asyncio.run(main())
