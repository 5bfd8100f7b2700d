"""Time to first token and inter-token latency of fifty streams at a time, in percentiles.

Run examples/demo_server.py, then: python examples/load_generator.py [URL]
"""

import asyncio
import sys
from time import perf_counter

import aiohttp

from sseparse.openai import AsyncChatStream

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/v1/chat/completions"
REQUEST = {"model": "river-1", "messages": [{"role": "user", "content": "?"}], "stream": True}


async def measure(session: aiohttp.ClientSession) -> tuple[float, list[float]]:
    start = perf_counter()
    async with session.post(URL, json=REQUEST) as response:
        stream = AsyncChatStream(response, clock=perf_counter, require_done=True)
        timing = (await stream.until_done()).timing
    assert timing is not None  # there is one where there is a clock
    assert timing.first_token is not None, "no token came"
    return timing.first_token - start, timing.inter_token_latencies


async def main() -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        results = await asyncio.gather(*(measure(session) for _ in range(50)))
    first_tokens = sorted(first for first, _ in results)
    latencies = sorted(seconds for _, stream in results for seconds in stream)
    for name, times in ("time to first token", first_tokens), ("inter-token latency", latencies):
        p50, p90, p99 = (1000 * times[len(times) * p // 100] for p in (50, 90, 99))
        print(f"{name}: median {p50:.2f} ms, p90 {p90:.2f} ms, p99 {p99:.2f} ms")


asyncio.run(main())
