"""Recorded streams (*.sse) of any API to one Parquet file, a row each and one schema, with Dask.

Run: python examples/archive.py FOLDER FILE.parquet [tcp://SCHEDULER:8786]
"""

import sys
from pathlib import Path

import msgspec
import pyarrow.parquet
from dask import bag
from dask.distributed import Client

from sseparse import llm

TEXT, COUNT = pyarrow.string(), pyarrow.int64()
CALLS = pyarrow.list_(pyarrow.struct({"id": TEXT, "name": TEXT, "arguments": TEXT}))
TYPES = dict.fromkeys(["file", "kind", "model", "text", "reasoning", "finish_reason"], TEXT)
TYPES |= {"tool_calls": CALLS, "input_tokens": COUNT, "output_tokens": COUNT}
TYPES |= {"truncated": pyarrow.bool_(), "error": TEXT}


def decode(path: Path) -> dict:
    error = None
    with path.open("rb") as file, llm.Stream(file) as stream:
        try:
            stream.until_done()
        except llm.SSEError as caught:
            error = str(caught)
    row = {name: getattr(stream, name, None) for name in TYPES}
    usage = {name: getattr(stream.usage, name, None) for name in ("input_tokens", "output_tokens")}
    calls = msgspec.to_builtins(stream.tool_calls)
    return row | usage | {"file": path.name, "tool_calls": calls, "error": error}


if __name__ == "__main__":
    with Client(sys.argv[3] if len(sys.argv) > 3 else None):  # whose workers open the files
        paths = sorted(Path(sys.argv[1]).resolve().glob("*.sse"))
        rows = bag.from_sequence(paths).map(decode).compute()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, pyarrow.schema(TYPES)), sys.argv[2])
    print(f"{len(rows)} streams, {sum(row['truncated'] for row in rows)} of them not whole")
