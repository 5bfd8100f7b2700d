# The types that Cython compiles fields.py with; see there.

cimport cython
cimport sseparse._stream.native as native


cdef class Field:
    cdef readonly str name
    cdef object _cls
    cdef object _slot

    cpdef object of(self, object model)


cdef class Present:
    cdef readonly list names
    cdef object _cls
    cdef list _slots

    @cython.locals(position=Py_ssize_t, found=list)
    cpdef list of(self, object model)


cdef dict _NOTHING
cdef object _PAYLOAD
cdef object _EXTRA
cdef object _WAS_MENDED
cdef object _AS_DECODED

cpdef object payload_of(object model)

cpdef object decoded_as(object model)

cpdef object extra_of(object model)

cpdef bint was_mended(object model) except -1

cpdef give_extra(object model, dict extra)

cpdef give_decoded(object model, object decoded)

cpdef mark_mended(object model)

cpdef give_payload(object model, bytes payload)

cdef int _check(object model, object cls) except -1
