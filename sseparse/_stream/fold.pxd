# The types that Cython compiles fold.py with; see there.

cimport sseparse._stream.fields as fields


cdef class Offer:
    cdef readonly list places
    cdef readonly list constants
    cdef readonly list readers
    cdef public bint is_lasting
    cdef readonly dict left
