"""Memory that runs out where it can be told where: of large blocks."""

from __future__ import annotations

import contextlib
import ctypes
import sysconfig
from pathlib import Path

import pytest

LARGE = 64 * 2**20


@contextlib.contextmanager
def memory_for_less_than(size: int):
    """Let no allocation of that size succeed."""
    resource = pytest.importorskip("resource")
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        pytest.skip("the allocator of this Python keeps what it has had")
    statm = Path("/proc/self/statm")
    if not statm.exists():
        pytest.skip("only Linux tells how much memory is in use, and keeps to the limit")
    # What other tests have given back may hold a large block, and be with the allocator still.
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
    in_use = int(statm.read_text().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (in_use + size // 2, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
