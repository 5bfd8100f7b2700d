# The types that Cython compiles fields.py with; see there.

cimport cython
from sseparse._stream cimport native


cdef class Present:
    cdef readonly list names
    cdef list _slots

    @cython.locals(position=Py_ssize_t, found=list)
    cpdef list of(self, object model)


cpdef object extra_of(object model)

cpdef bint was_mended(object model) except -1

cpdef give_payload(object model, bytes payload)
