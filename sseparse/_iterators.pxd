# The types that Cython compiles _iterators.py with; see there.


cdef class EventIterator:
    cdef object __weakref__
    cdef object _pull
    cdef object _batch
    cdef object _events
    cdef object _guard
    cdef object _at_work

    cdef object _read_on(self)


cdef class AsyncEventIterator:
    cdef object __weakref__
    cdef object _pull
    cdef object _batch
    cdef object _events
    cdef object _guard
