"""Arrival times, for people who measure servers and not their client.

The stream reads its clock once a chunk of bytes, right after the read, and everything
that those bytes complete has that time: however slow the caller is between two chunks,
the times are those of the reads.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Timing"]


class Timing:
    """When things arrived, in the clock's unit (seconds for ``time.perf_counter``).

    Times are of the clock, not relative: read the same clock when the request is sent,
    and give that to ``time_to_first_token``.

    Args:
        clock: tells the time.
        has_text: tells of an object that it brings a piece of the answer.

    Attributes:
        has_text: that.
        first_read: when the first bytes came, of whatever kind.
        first_chunk: when the first chunk came.
        first_token: when the first chunk with content, reasoning or tool arguments came.
        last_read: when the latest bytes came.
        token_times: when each such chunk came; chunks of one read have the same time.
        is_token: what tells of a chunk that it counts as a token; None where that is a piece
            of the answer that is not empty. Set it before the first read: some harnesses
            count every chunk.
    """

    __slots__ = (
        "_clock",
        "first_chunk",
        "first_read",
        "has_text",
        "is_token",
        "last_read",
        "token_times",
    )

    def __init__(self, clock: Callable[[], float], has_text: Callable[[Any], bool]) -> None:
        self._clock = clock
        self.has_text = has_text
        self.is_token: Callable[[Any], bool] | None = None
        self.first_read: float | None = None
        self.first_chunk: float | None = None
        self.last_read: float | None = None
        self.token_times: list[float] = []

    @property
    def first_token(self) -> float | None:
        """When the first chunk with content, reasoning or tool arguments came."""
        return self.token_times[0] if self.token_times else None

    def time_to_first_token(self, start: float) -> float | None:
        """From ``start``, when the request was sent, to the first token; None before it."""
        return None if self.first_token is None else self.first_token - start

    @property
    def inter_token_latencies(self) -> list[float]:
        """The times between each token-bearing chunk and the next."""
        times = self.token_times
        return [later - earlier for earlier, later in pairwise(times)]

    def inter_token_latency(self, percentile: float) -> float | None:
        """A percentile of the inter-token latencies, by the nearest rank: one that did occur.

        Args:
            percentile: above 0 and at most 100; 50 is the median.

        Returns:
            A time in the clock's unit; None where fewer than two tokens came.

        Raises:
            ValueError: for another percentile.
        """
        if not 0 < percentile <= 100:
            raise ValueError(f"percentile must be above 0 and at most 100, not {percentile}")
        latencies = sorted(self.inter_token_latencies)
        if not latencies:
            return None
        return latencies[math.ceil(len(latencies) * percentile / 100) - 1]

    def note_read(self) -> None:
        """Bytes have come."""
        self.last_read = self._clock()
        if self.first_read is None:
            self.first_read = self.last_read

    def note_chunk(self, chunk: Any) -> None:
        """A chunk of the latest bytes is handed out."""
        assert self.last_read is not None
        if self.first_chunk is None:
            self.first_chunk = self.last_read
        if (self.is_token or self.has_text)(chunk):
            self.token_times.append(self.last_read)

    def note_token(self) -> None:
        """A chunk with a piece of the answer, not the first chunk, is handed out."""
        assert self.last_read is not None
        self.token_times.append(self.last_read)

    def __repr__(self) -> str:
        return (
            f"Timing(first_read={self.first_read!r}, first_chunk={self.first_chunk!r}, "
            f"first_token={self.first_token!r}, tokens={len(self.token_times)})"
        )
