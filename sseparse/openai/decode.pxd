# The types that Cython compiles decode.py with; see there.

cimport sseparse._stream.fields as fields

cdef fields.Field _OBJECT, _CHOICES, _X_GROQ
