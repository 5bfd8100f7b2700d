# The types that Cython compiles state.py with; see there.

cimport sseparse._stream.fields as fields

cdef fields.Field _CHOICES, _INDEX, _FINISH_REASON
