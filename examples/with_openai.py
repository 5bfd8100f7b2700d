"""The official client for the request, ChatStream for the answer: on its public interface.

Run examples/demo_server.py, then: python examples/with_openai.py [BASE_URL]
"""

import os
import sys

from openai import OpenAI

from sseparse.openai import ChatStream

URL = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000/v1"

client = OpenAI(base_url=URL, api_key=os.environ.get("OPENAI_API_KEY", "none"))
with client.chat.completions.with_streaming_response.create(
    model="river-1",
    messages=[{"role": "user", "content": "Does a river wait?"}],
    stream=True,
    stream_options={"include_usage": True},
) as response:
    stream = ChatStream(response, require_done=True)
    for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            print(chunk.choices[0].delta.content, end="", flush=True)

completion = stream.get_final_completion()
print("\nfinish reason:", completion.choices[0].finish_reason)
print("usage:", completion.usage)
