# The types that Cython compiles text.py with; see there.

cimport cython
cimport sseparse._stream.native as native

cdef int _BLOCK


cdef class Place:
    cpdef append(self, value)


cdef class Latest(Place):
    cdef public object value

    cpdef append(self, value)


cdef class Items(Place):
    cdef list _items

    cpdef append(self, value)


cdef class Text(Place):
    cdef readonly Py_ssize_t length
    cdef list _blocks
    cdef list _parts

    @cython.locals(text=str)
    cpdef append(self, value)


cdef class HalfCharacter:
    cdef str _half

    cpdef str complete(self, str piece)

    cpdef str rest(self)
