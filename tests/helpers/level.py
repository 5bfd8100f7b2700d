"""Whether memory and references are level, however often a thing is done.

The first times fill caches; after that neither the memory in use nor the references to what was
passed in may go on growing. LEAK_TIMES=4000 does everything a hundred times as often.
"""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

__all__ = ["assert_level", "assert_level_async", "in_pieces"]

TIMES = int(os.environ.get("LEAK_TIMES", "40"))


def growth(deed: Callable[[], object], measure: Callable[[], int]) -> float:
    """How much more there is of something after each deed.

    Caches fill, and then are full. A leak never is.
    """
    deed()
    gc.collect()
    gc.freeze()  # all that other tests have left is not to be looked through each time
    for _ in range(40):
        before = measure()
        for _ in range(TIMES):
            deed()
        gc.collect()
        left = (measure() - before) / TIMES
        if left < 0.5:
            break
    return left


def assert_level(deed: Callable[[], object], *watched: object) -> None:
    """Nothing is left of a deed, nor of what it is done with."""

    def references() -> int:
        # A debug build of Python knows of all of them.
        total = sys.gettotalrefcount() if hasattr(sys, "gettotalrefcount") else 0
        return total + sum(map(sys.getrefcount, watched))

    left = growth(deed, references)
    assert left < 0.5, f"{left:.1f} references are left each time"
    left = growth(deed, sys.getallocatedblocks)
    assert left < 0.5, f"{left:.1f} blocks of memory are left each time"


async def in_pieces(*chunks: bytes) -> AsyncIterator[bytes]:
    """Chunks, one at a time."""
    for chunk in chunks:
        await asyncio.sleep(0)
        yield chunk


def assert_level_async(deed: Callable[[], Awaitable[Any]], *watched: Any) -> None:
    """The same of a coroutine function."""
    loop = asyncio.new_event_loop()

    async def do_it():
        await deed()
        # Generators that were left are closed by the loop, in its next turns.
        for _ in range(3):
            await asyncio.sleep(0)

    try:
        assert_level(lambda: loop.run_until_complete(do_it()), *watched)
        loop.run_until_complete(loop.shutdown_asyncgens())
    finally:
        loop.close()
