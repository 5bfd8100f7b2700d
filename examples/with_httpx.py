"""A streamed answer on the screen as it comes, with httpx2 (httpx has the same interface).

Run examples/demo_server.py, then: python examples/with_httpx.py [URL]
"""

import sys

import httpx2

from sseparse.openai import ChatStream

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/v1/chat/completions"

request = {
    "model": "river-1",
    "messages": [{"role": "user", "content": "Does a river wait?"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}
# Each read may take a while: models think before they begin.
timeout = httpx2.Timeout(10, read=120)
with httpx2.stream("POST", URL, json=request, timeout=timeout) as response:
    # skip_empty: usage comes in a chunk without choices, where choices[0] would fail.
    stream = ChatStream(response, skip_empty=True)
    for chunk in stream:
        if chunk.choices[0].delta.content is not None:
            print(chunk.choices[0].delta.content, end="", flush=True)

completion = stream.get_final_completion()  # what the call without "stream" returns
print("\nfinish reason:", completion.choices[0].finish_reason)
print("usage:", completion.usage)
if stream.truncated:
    sys.exit("The stream ended too early: the answer is not whole.")
