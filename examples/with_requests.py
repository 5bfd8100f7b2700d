"""A streamed answer on the screen as it comes, with requests.

Run examples/demo_server.py, then: python examples/with_requests.py [URL]
"""

import sys

import requests

from sseparse.openai import APIError, ChatStream, SSEError

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/v1/chat/completions"

request = {
    "model": "river-1",
    "messages": [{"role": "user", "content": "Does a river wait?"}],
    "stream": True,
}
try:
    with requests.post(URL, json=request, stream=True, timeout=(10, 120)) as response:
        stream = ChatStream(response, require_done=True)
        for text in stream.iter_text():
            print(text, end="", flush=True)
    print("\nfinish reason:", stream.finish_reason)
except APIError as error:  # the server's own words, in the middle of the stream
    sys.exit(f"\nThe server gave up: {error}")
except (SSEError, requests.RequestException) as error:  # no stream at all, or not all of it
    sys.exit(f"\nThe answer is not whole: {error}")
