# The types that Cython compiles decode.py with; see there.

from sseparse._stream cimport fields

cdef fields.Field _OBJECT, _CHOICES, _X_GROQ
