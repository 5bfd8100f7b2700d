"""The process of the gateway: examples/gateway.py, as it is.

    UPSTREAM=URL python tests/system/soak/gateway_process.py SECONDS

It prints its port, and ends when its standard input does.
"""

from __future__ import annotations

import os
import socket
import sys

import uvicorn
from processes import HOST, ROOT, end_in_time

sys.path.append(str(ROOT / "examples"))


def main() -> None:
    end_in_time(float(sys.argv[1]))
    listening = socket.create_server((HOST, 0), backlog=4096)
    print(listening.getsockname()[1], flush=True)
    # What it says of each stream.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    config = uvicorn.Config("gateway:app", log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
