# The types that Cython compiles _loop.py with; see there.

cimport cython
from sseparse._parser_c cimport Event


cdef class ChunkLoop:
    cdef public object _parser
    cdef object _feed
    cdef public object _stray
    cdef list _stray_errors
    cdef public object _decoder
    cdef object _decode_exact
    cdef public object _state
    cdef public bint _accumulate
    cdef public object timing
    cdef bint _skip_empty
    cdef public object _pieces
    cdef public bint _parser_is_due
    cdef bint _is_event_stream
    cdef public list _events
    cdef public Py_ssize_t _position
    cdef public object _slow_chunks
    cdef public bint _input_ended
    cdef public bint _ended
    cdef public bint _source_failed
    cdef object _decode_piece
    cdef int _misses
    cdef Py_ssize_t _run_size
    cdef object _run_index
    cdef str _run_field
    cdef object _run_call_index
    cdef object _run_text
    cdef list _run_parts
    cdef list _run_logprobs
    cdef bint _knows_fingerprint
    cdef bint _knows_service_tier

    # C only: a subclass in Python would otherwise be searched for them every time.

    cdef int _receive(self, data) except -1

    @cython.locals(events=list)
    cdef int _parse(self, bytes piece) except -1

    cdef bint _find_events(self) except -1

    cdef object _advance(self)

    @cython.locals(event=Event, payload=bytes)
    cdef object _decode_next(self)

    cdef int _fold(self, chunk) except -1

    cdef int _begin_run(self, choice) except -1

    @cython.locals(choices=list, calls=list)
    cdef bint _continue_run(self, chunk) except -1


cdef class ChunkIterator(ChunkLoop):
    cdef public object _chunks

    cdef bint _find_events(self) except -1


cdef class AsyncChunkIterator(ChunkLoop):
    cdef public object _chunks
