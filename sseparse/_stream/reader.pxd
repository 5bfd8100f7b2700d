# The types that Cython compiles reader.py with; see there. Those with a C are the classes of
# their names, which reader.py imports as Python does.

cimport cython
from sseparse._parser_c cimport Event as CEvent
cimport sseparse._stream.native as native
from sseparse._stream.shapes cimport Met as CMet
from sseparse._stream.shapes cimport Shapes as CShapes
from sseparse._stream.text cimport Place as CPlace

# Constants of reader.py, as C has them.
cdef int _PIECE, _OBJECTS, _TEXT, _NOTHING


cdef class Run:
    cdef list places
    cdef list numbers
    cdef list constants
    cdef list readers
    cdef bint is_lasting


cdef class Reader:
    cdef object _parser
    cdef object _stray
    cdef object _decoder
    cdef CShapes _shapes
    cdef object _state
    cdef object _timing
    cdef object _is_withheld
    cdef bint _require_done
    cdef object _response
    cdef list _inbox
    cdef Py_ssize_t _offset
    cdef bytes _ending
    cdef bint _parser_is_due
    cdef bint _is_event_stream
    cdef bint _input_ended
    cdef bint _is_closed
    cdef object _lines
    cdef list _events
    cdef Py_ssize_t _position
    cdef str _last_event_id
    cdef list _held
    cdef list _held_at
    cdef list _arrivals
    cdef object _undecided
    cdef str _first_event_id
    cdef bint _has_reported
    cdef CMet _met
    cdef Py_ssize_t _times
    cdef readonly bint done
    cdef readonly bint ended
    cdef readonly bint is_broken
    cdef public bint source_failed
    cdef readonly bint was_stopped

    cpdef receive(self, data)

    cpdef stop(self)

    cpdef read(self)

    cpdef read_text(self, object text_of)

    cpdef fold(self)

    cdef object _advance(self, int wanted, object text_of)

    @cython.locals(payload=bytes, shapes=CShapes, met=CMet, run=Run, number=Py_ssize_t)
    cdef object _read_event(self, CEvent event, int wanted, object text_of)

    @cython.locals(shapes=CShapes)
    cdef object _decode(self, CEvent event, bytes payload)

    cdef _hold(self, CEvent event, undecided)

    cdef _fold(self, chunk)

    @cython.locals(times=Py_ssize_t)
    cdef _fold_shape(self, CMet met, chunk)

    @cython.locals(place=CPlace, position=Py_ssize_t, number=Py_ssize_t)
    cdef _add(self, Run run, list items, bytes payload)

    cdef bint _has_text(self, CMet met) except -1

    cdef bint _find_events(self) except -1

    cdef _queue(self, list events)

    @cython.locals(events=list)
    cdef _parse(self, bytes piece)

    cdef _close_parser(self)


cdef bint _is_error(str event_type) except -1
