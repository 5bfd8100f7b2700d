# The types that Cython compiles fold.py with; see there.

from sseparse._stream cimport fields


cdef class Offer:
    cdef readonly list places
    cdef readonly list constants
    cdef readonly list readers
    cdef public bint is_lasting
    cdef readonly dict left
