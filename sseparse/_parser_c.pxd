# The layout of Event, for compiled modules of the package: they read its fields in C.

from libc.stdint cimport int64_t


cdef class Event:
    cdef str _event
    cdef bytes _data_bytes
    cdef str _data
    cdef str _id
    cdef bytes _raw
    cdef str _comment
    cdef int64_t _retry  # -1 where there is none
    cdef bint _id_is_own
