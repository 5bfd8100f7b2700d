"""Makes the inputs that the fuzzers begin with: streams of the tests, and recorded ones.

    python fuzz/seeds.py FOLDER

The texts of JSON are those of ``tests/helpers/json_pieces.py``. The streams of the tests are
those that ``tests/helpers/streams.py`` lists, and whatever the tests of the table of odd payloads
read, which are run for that. Recorded streams are taken where ``../shared/corpus`` is.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import harness  # makes the tests' modules importable

# isort: split
import api_streams
import chat_streams
import pytest
from apis import APIS
from corpus import entries, exact_streams
from json_pieces import TEXTS
from odd_payloads import TEMPLATES
from streams import TRICKY_BODIES

from sseparse import Parser

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

TABLE = harness.PROJECT / "tests" / "openai" / "test_table.py"
ODD_TEXTS = (b"", b" ", b"\r\n", b"\0", b"\xed\xa0\xbd", b"\xed\xa0\xbd\xed\xb8\x80", b"\xff", b"5")
LONGEST_FOR_PARSERS = 256
LONGEST_FOR_COMPLETIONS = 3072
LONGEST_FOR_SHAPES = 12288
# What ``apis.py`` reads as what, by the kind; and the kinds that any of them may be.
NUMBERS = {"messages": 0, "responses": 1, "gemini": 2}
ANY = 3
LONGEST_FOR_APIS = 6144


def for_parsers() -> Iterator[bytes]:
    """Each stream plainly, and cut, with a limit and ``raw``, with callbacks that raise."""
    recorded = [row["bytes"][:LONGEST_FOR_PARSERS] for row in exact_streams()]
    for body in (*TRICKY_BODIES.values(), *recorded):
        body = body.replace(b"\xfe", b"\xff")
        middle = len(body) // 2
        yield b"\x00\xff\x00\x00" + body
        yield b"\x09\x14\x00\x00" + body[:middle] + b"\xfe|" + body[middle:]
        yield b"\x03\x00\xff\x00" + body[:middle] + b"\xfe|\xfe|" + body[middle:] + b"\xfer" + body
        yield b"\x40\x40\x05\x02" + b"\xfe|".join(body[i : i + 1] for i in range(len(body)))


def for_partial_json() -> Iterator[bytes]:
    """Each text whole, by characters, and with little depth."""
    for text in TEXTS:
        for option in (b"\0", b"\1", b"\xc8"):
            yield option + text.encode("utf-8", "surrogatepass")


def for_encode() -> Iterator[bytes]:
    """The fields of the events of each stream, and what makes them odd, in each place."""
    for body in (*TRICKY_BODIES.values(), *ODD_TEXTS):
        for flags in (0, 3):
            yield bytes([flags]) + b"\xfe".join([body.replace(b"\xfe", b"\xff")] * 5)
        for event in Parser().feed(body):
            fields = (event.data_bytes, event.event.encode(), event.id.encode(), b"7", b"ping")
            yield b"\2" + b"\xfe".join(field.replace(b"\xfe", b"\xff") for field in fields)


def for_completions() -> Iterator[bytes]:
    recorded = [row["bytes"] for api in ("chat.completions", "completions") for row in entries(api)]
    for body in (*streams_of_the_table(), *recorded):
        # The default options, and a snapshot after each third chunk.
        kind = b"\1" if b"text_completion" in body else b"\0"
        yield kind + b"\0\3" + body.replace(b"\xfe", b"\xff")[:LONGEST_FOR_COMPLETIONS]


def for_apis() -> Iterator[bytes]:
    """Each stream by its own class and by that of all, in each form; a snapshot now and then."""
    bodies = [(kind, api_streams.body(kind)) for kind in api_streams.STREAMS]
    bodies += [(api.kind, row["bytes"]) for api in APIS for row in entries(api.recorded)]
    for kind, body in bodies:
        body = body.replace(b"\xfe", b"\xff")[:LONGEST_FOR_APIS]
        for number in {NUMBERS.get(kind, ANY), ANY}:
            for flags, every in ((0, 3), (128, 3), (0, 8)):
                yield bytes([flags, 0, number << 4 | every]) + body


def for_shapes() -> Iterator[bytes]:
    """Each template said with a few values, and the beginning of each recorded stream."""
    for position, template in enumerate(TEMPLATES):
        said = [template.replace(b"@", b"%d" % n).replace(b"71", b"%d" % n) for n in range(6)]
        yield bytes([position % 64]) + b"\xfe".join(said)
    for api in ("chat.completions", "completions"):
        for position, row in enumerate(entries(api)):
            payloads = [event.data_bytes for event in Parser().feed(row["bytes"])]
            said = [payload.replace(b"\xfe", b"\xff") for payload in payloads[:30]]
            options = position % 64 & ~16 | (16 if api == "completions" else 0)
            yield bytes([options]) + b"\xfe".join(said)[:LONGEST_FOR_SHAPES]


def streams_of_the_table() -> list[bytes]:
    found: list[bytes] = []
    read = chat_streams.read

    def note_and_read(chunks: Iterable[bytes], *arguments: Any, **options: Any) -> Any:
        chunks = list(chunks)
        if len(found) < 10_000:
            found.append(b"".join(chunks))
        return read(chunks, *arguments, **options)

    chat_streams.read = note_and_read
    chat_streams.read_under_every_cut = lambda body, *arguments, **options: note_and_read(
        [body], *arguments, **options
    )
    with Path(os.devnull).open("w") as nothing, contextlib.redirect_stdout(nothing):
        status = pytest.main(["-q", "-W", "ignore", "-p", "no:cacheprovider", str(TABLE)])
    if status != pytest.ExitCode.OK:
        sys.exit("the tests that give the streams fail: see make test")
    return list(dict.fromkeys(found))


def main() -> None:
    folder = Path(sys.argv[1])
    for name, inputs in (
        ("parsers", for_parsers()),
        ("partial_json", for_partial_json()),
        ("encode", for_encode()),
        ("completions", for_completions()),
        ("apis", for_apis()),
        ("shapes", for_shapes()),
    ):
        target = folder / name
        target.mkdir(parents=True, exist_ok=True)
        count = 0
        for data in inputs:
            # Named by what it is, as libFuzzer does: the same again is the same file.
            (target / hashlib.sha1(data).hexdigest()).write_bytes(data)
            count += 1
        print(f"{count} seeds for {name}")


if __name__ == "__main__":
    main()
