# The types that Cython compiles outcome.py with; see there.

from sseparse._stream cimport fields

cdef fields.Present _IN_DELTA
