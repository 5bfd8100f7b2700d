"""Time to first token and inter-token latency of fifty streams at a time, for each URL, of any API.

Run examples/demo_server.py, then: python examples/load_generator.py [URL ...]
"""

import asyncio
import sys
from time import perf_counter

import aiohttp

from sseparse import llm

URLS = sys.argv[1:] or ["http://127.0.0.1:8000/v1/chat/completions"]
REQUEST = {"model": "river-1", "messages": [{"role": "user", "content": "?"}], "stream": True}


async def measure(session: aiohttp.ClientSession, url: str) -> tuple[llm.AsyncStream, float]:
    start = perf_counter()
    async with session.post(url, json=REQUEST) as response:
        stream = llm.AsyncStream(response, clock=perf_counter, accumulate=False, require_done=True)
        timing = (await stream.until_done()).timing
    assert timing is not None  # there is one where there is a clock
    assert timing.first_token is not None, "no token came"
    return stream, timing.first_token - start


async def main() -> None:
    for url in URLS:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
            results = await asyncio.gather(*(measure(session, url) for _ in range(50)))
        tokens = sum(stream.usage.output_tokens for stream, _ in results if stream.usage)
        print(f"{len(results)} streams ({results[0][0].kind}), {tokens} tokens")
        firsts = sorted(first for _, first in results)
        timings = [stream.timing for stream, _ in results if stream.timing]
        gaps = sorted(gap for timing in timings for gap in timing.inter_token_latencies)
        for name, times in ("time to first token", firsts), ("inter-token latency", gaps):
            p50, p90, p99 = (1000 * times[len(times) * p // 100] for p in (50, 90, 99))
            print(f"{name}: median {p50:.2f} ms, p90 {p90:.2f} ms, p99 {p99:.2f} ms")


asyncio.run(main())
