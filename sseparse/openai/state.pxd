# The types that Cython compiles state.py with; see there.

from sseparse._stream cimport fields

cdef fields.Field _CHOICES, _INDEX, _FINISH_REASON
