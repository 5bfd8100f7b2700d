"""Streams as they would come the next time: with other IDs, times and fractions.

A process that reads many streams meets the same servers again, and never the same stream. With the
very same bytes each time, what was learned of a stream could be all of it.
"""

from __future__ import annotations

import random
import re

# How many streams one stands for.
VARIANTS = 8

# A value that a server makes anew for each stream, or each event; and the digits of a fraction.
_OF_A_STREAM = re.compile(
    rb'"(?:id|responseId|item_id|created|created_at|system_fingerprint|obfuscation)" ?: ?'
    rb'("[^"\\]{6,}"|[0-9]{9,})'
)
_FRACTION = re.compile(rb"(?<=[0-9]\.)[0-9]{4,}")


def variants(body: bytes, seed: str, count: int = VARIANTS) -> list[bytes]:
    """A stream, and others like it, of the same length; the same at every run."""
    rng = random.Random(seed)
    return [body, *(with_other_ids(body, rng) for _ in range(count - 1))]


def with_other_ids(body: bytes, rng: random.Random) -> bytes:
    for value in sorted({found[1] for found in _OF_A_STREAM.finditer(body)}):
        if value.startswith(b'"'):
            letters = b"0123456789abcdef"
            other = bytes(rng.choice(letters) if chr(c).isalnum() else c for c in value)
        else:
            other = value[:2] + bytes(rng.choice(b"0123456789") for _ in value[2:])
        body = body.replace(value, other)
    return _FRACTION.sub(
        lambda found: b"%0*d" % (len(found[0]), rng.randrange(10 ** len(found[0]))), body
    )
