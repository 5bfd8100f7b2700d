"""An agent that starts each tool as soon as its call is whole, while the model writes the next.

Run examples/demo_server.py, then: python examples/agent.py [URL]
"""

import asyncio
import json
import sys

import httpx2

from sseparse import llm

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/v1/chat/completions"
PARAMETERS = {"type": "object", "properties": {"river": {"type": "string"}}}
TOOL = {"type": "function", "function": {"name": "water_level", "parameters": PARAMETERS}}


async def water_level(arguments: str) -> str:
    print("measuring", arguments)
    return "3.2 m" if "river" in json.loads(arguments) else "of which river?"


async def main() -> None:
    messages = [{"role": "user", "content": "How high are the Rhine and the Elbe?"}]
    while messages[-1]["role"] != "assistant":
        request = {"model": "river-1", "messages": messages, "tools": [TOOL], "stream": True}
        async with httpx2.AsyncClient() as client, client.stream("POST", URL, json=request) as body:
            tools, stream = {}, llm.AsyncStream(body, kind="chat", require_done=True)
            async for call in stream.iter_tool_calls():  # of water_level: there is no other
                tools[call.id] = asyncio.create_task(water_level(call.arguments))
            messages.append((await stream.get_final()).choices[0].message.to_dict())
        for id, task in tools.items():
            messages.append({"role": "tool", "tool_call_id": id, "content": await task})
    print(messages[-1]["content"])


asyncio.run(main())
