# The layout of Event, for openai/_loop.py, which reads thousands of them.

from libc.stdint cimport int64_t


cdef class Event:
    cdef str _event
    cdef str _data
    cdef bytes _data_bytes
    cdef str _id
    cdef bytes _raw
    cdef int64_t _retry  # -1 where there is none
