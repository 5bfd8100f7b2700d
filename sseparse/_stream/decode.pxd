# The types that Cython compiles decode.py with; see there.

cimport sseparse._stream.fields as fields

cdef int _MOST_REFUSALS


cdef class PayloadDecoder:
    cdef readonly object variant
    cdef readonly object deciding
    cdef object _cls
    cdef object _rules
    cdef object _is_exact
    cdef bint _strict
    cdef object _decode
    cdef long _refusals

    cpdef object decode(self, bytes payload, str event_type=*)
