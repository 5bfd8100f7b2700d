# The types that Cython compiles outcome.py with; see there.

cimport sseparse._stream.fields as fields

cdef fields.Present _IN_DELTA
