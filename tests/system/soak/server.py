"""The process that serves: it sends what the plan of a number says.

    python tests/system/soak/server.py SECONDS

It prints its ports, and ends when its standard input does. Whoever sends a line with a number
gets the bytes and nothing else; a gateway, which asks in HTTP and has the number in the path, gets
a response in chunks.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "helpers"))

from plans import Plan
from processes import HOST, end_in_time

# Each port is good for as many connections as there are ephemeral ports; closed ones keep
# theirs for a minute.
PORTS = 8
HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
    b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
)


async def serve() -> None:
    servers = [
        await asyncio.start_server(answer, HOST, 0, backlog=4096, limit=4096) for _ in range(PORTS)
    ]
    print(*[server.sockets[0].getsockname()[1] for server in servers], flush=True)
    await asyncio.Event().wait()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError, asyncio.IncompleteReadError):
        request = await reader.readuntil(b"\n")
        is_http = request.startswith(b"POST ")
        found = re.search(rb"\d+", request)
        assert found is not None, request
        plan = Plan(int(found[0]))
        if is_http:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: *(\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
            writer.write(HEAD)
        for piece, wait in plan.pieces():
            writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_http and piece else piece)
            await writer.drain()
            if wait:
                await asyncio.sleep(wait)
        if plan.ending == "reset":
            writer.transport.abort()
            return
        if is_http and plan.ends_body:
            writer.write(b"0\r\n\r\n")
        writer.close()
        await writer.wait_closed()


if __name__ == "__main__":
    end_in_time(float(sys.argv[1]))
    asyncio.run(serve())
