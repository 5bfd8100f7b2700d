# cython: language_level=3, freethreading_compatible=True, auto_pickle=False
"""What no parser can do without, each alone: the limits that framing is compared with.

Only the loops: the names of the functions say what they do. ``Event`` has the fields, and so
the cost, of the parser's own, whose layout is private.
"""

cimport cython
from cpython.bytearray cimport PyByteArray_AS_STRING
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from libc.stdint cimport int64_t
from libc.string cimport memchr, memcpy


@cython.final
@cython.freelist(256)
cdef class Event:
    cdef readonly str event
    cdef str _data
    cdef readonly bytes data_bytes
    cdef str _id
    cdef bytes _raw
    cdef int64_t _retry

    @property
    def data(self):
        return self.data_bytes.decode("utf-8", "replace")


cdef str MESSAGE = "message"
cdef str NO_ID = ""


def copy(list chunks, bytearray target):
    """Copy every chunk into ``target``, behind the one before."""
    cdef char* place = PyByteArray_AS_STRING(target)
    cdef bytes chunk
    for chunk in chunks:
        memcpy(place, PyBytes_AS_STRING(chunk), PyBytes_GET_SIZE(chunk))
        place += PyBytes_GET_SIZE(chunk)


def count_lines(list chunks):
    """Count the line feeds, each found by its own ``memchr``."""
    cdef Py_ssize_t lines = 0
    cdef bytes chunk
    cdef const char* place
    cdef const char* end
    for chunk in chunks:
        place = PyBytes_AS_STRING(chunk)
        end = place + PyBytes_GET_SIZE(chunk)
        while True:
            place = <const char*> memchr(place, c"\n", end - place)
            if place is NULL:
                break
            lines += 1
            place += 1
    return lines


def build(bytes body, bytes places, Py_ssize_t first, Py_ssize_t last):
    """The events from ``first`` to before ``last``: two int64 in ``places`` each, start and size."""
    cdef list events = []
    cdef const char* start = PyBytes_AS_STRING(body)
    cdef const int64_t* place = <const int64_t*> PyBytes_AS_STRING(places) + 2 * first
    cdef Event event
    cdef Py_ssize_t i
    for i in range(first, last):
        event = Event.__new__(Event)
        event.data_bytes = PyBytes_FromStringAndSize(start + place[0], place[1])
        event.event = MESSAGE
        event._id = NO_ID
        event._retry = -1
        events.append(event)
        place += 2
    return events
