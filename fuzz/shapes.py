"""The law of shapes: a stream says the same with them as without.

An input is a byte of options, then payloads with a 0xFE behind each (JSON has none). They are
read once by streams without shapes, and by those that learn them: as they are installed, or in
Python, which can be watched.

    byte 0   which way of reading (``told.ways_of_reading``) in its lowest four bits, and bits:
             legacy completions, and which streams
"""

from __future__ import annotations

import random
from typing import Any

import harness

# The streams as they are installed, in Python, and without shapes.
with harness.instrumented():
    import typed_streams

import odd_payloads
import sse
import told

MARK = b"\xfe"
WAYS = list(told.ways_of_reading("ChatStream"))
MOST_PAYLOADS = 60


def check(data: bytes) -> None:
    if not data:
        return
    options = data[0]
    name = "CompletionStream" if options & 16 else "ChatStream"
    streams = typed_streams.IN_PYTHON if options & 32 else typed_streams.INSTALLED
    payloads = data[1:].split(MARK)[:MOST_PAYLOADS]
    body = b"".join(map(sse.event, payloads))
    told.check(body, name, (WAYS[options % 16 % len(WAYS)],), [streams])


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    """Payloads said again, with other values: what shapes are learned of, and broken by."""
    import atheris

    rng = random.Random(seed)
    if not data or rng.random() < 0.1:
        return bytes(atheris.Mutate(data, max_size))
    options = rng.randrange(64) if rng.random() < 0.3 else data[0]
    payloads = data[1:].split(MARK)
    for _ in range(rng.choice((1, 2, 4))):
        _mutate_payloads(payloads, rng)
    return (bytes([options]) + MARK.join(payloads))[:max_size]


def _mutate_payloads(payloads: list[bytes], rng: random.Random) -> None:
    position = rng.randrange(len(payloads))
    payload = payloads[position]
    kind = rng.randrange(8)
    if kind == 0:
        payloads[position : position + 1] = [payload] * rng.choice((2, 3, 5))
    elif kind == 1 and len(payloads) > 1:
        del payloads[position]
    elif kind == 2:
        other = rng.randrange(len(payloads))
        payloads[position], payloads[other] = payloads[other], payloads[position]
    elif kind == 3:
        payloads.insert(position, rng.choice(odd_payloads.TEMPLATES))
    elif kind == 4:
        payloads[position] = odd_payloads.changed(
            payload, rng.randrange(200), rng.randrange(10), rng.choice(odd_payloads.VALUES)
        )
    else:
        # The same with another value at one place, several times: a shape, and what breaks it.
        place = rng.randrange(200)
        values: list[Any] = rng.choices(odd_payloads.VALUES, k=rng.choice((1, 3, 5)))
        if kind == 5:
            values = [b'"%d"' % number for number in range(len(values))]
        said = [odd_payloads.changed(payload, place, 0, value) for value in values]
        payloads[position + 1 : position + 1] = said


if __name__ == "__main__":
    harness.main(check, mutate)
