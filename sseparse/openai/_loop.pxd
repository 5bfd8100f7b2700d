# The types that Cython compiles _loop.py with; see there.

cimport cython


cdef class ChunkLoop:
    cdef public object _decoder
    cdef object _decode_exact
    cdef public object _state
    cdef public bint _accumulate
    cdef public object timing
    cdef public bint _skip_empty
    cdef public list _events
    cdef public Py_ssize_t _position
    cdef public object _slow_chunks
    cdef public list _run
    cdef public object _run_index
    cdef public bint _knows_fingerprint
    cdef public bint _knows_service_tier

    # C only: a subclass in Python would otherwise be searched for them every time.
    cdef object _advance(self)
    cdef object _decode_next(self)

    @cython.locals(choices=list)
    cdef bint _continue_run(self, chunk) except -1
    cdef int _end_run(self) except -1
    cdef int _fold(self, chunk) except -1


cdef class ChunkIterator(ChunkLoop):
    pass
