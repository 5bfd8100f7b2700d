# The layout of Event, for openai/_loop.py, which reads thousands of them.

from libc.stdint cimport int64_t


cdef class Event:
    # Readonly, not private to C, for a _loop.py that has not been compiled.
    cdef readonly str _event
    cdef readonly bytes _data_bytes
    cdef str _data
    cdef str _id
    cdef bytes _raw
    cdef int64_t _retry  # -1 where there is none
    cdef bint _id_is_own
