"""A folder of recorded streams (*.sse) to one Parquet file, a row each stream, with Dask.

Run: python examples/archive.py FOLDER FILE.parquet [tcp://SCHEDULER:8786]
"""

import sys
from pathlib import Path

import pyarrow.parquet
from dask import bag
from dask.distributed import Client

from sseparse.openai import ChatStream, SSEError

TEXT = pyarrow.string()
CALL = pyarrow.struct({"id": TEXT, "function": pyarrow.struct({"name": TEXT, "arguments": TEXT})})
USAGE = pyarrow.struct({"prompt_tokens": pyarrow.int64(), "completion_tokens": pyarrow.int64()})
TYPES = {"file": TEXT, "model": TEXT, "content": TEXT, "tool_calls": pyarrow.list_(CALL)}
TYPES |= {"usage": USAGE, "truncated": pyarrow.bool_(), "error": TEXT}


def decode(path: Path) -> dict:
    row = {"file": path.name, "error": None}
    with path.open("rb") as file, ChatStream(file) as stream:
        try:
            stream.until_done()
        except SSEError as error:
            row["error"] = str(error)
    answer = stream.current_completion_snapshot.to_dict()
    message = answer["choices"][0]["message"] if answer["choices"] else {}
    row |= {"model": answer["model"], "usage": answer.get("usage"), "truncated": stream.truncated}
    return message | row


if __name__ == "__main__":
    with Client(sys.argv[3] if len(sys.argv) > 3 else None):  # whose workers open the files
        rows = bag.from_sequence(Path(sys.argv[1]).resolve().glob("*.sse")).map(decode).compute()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows, pyarrow.schema(TYPES)), sys.argv[2])
    print(f"{len(rows)} streams, {sum(row['truncated'] for row in rows)} of them truncated")
