# The types that Cython compiles shapes.py with; see there. Shape is what shape.py has of that name.

cimport cython
from sseparse._stream cimport native
from sseparse._stream.shape cimport Shape as CShape

# Constants of shapes.py, as C has them.
cdef int _MOST_NARROW, _MOST_MET, _MEETINGS, _PATIENCE
cdef int _MOST_SHAPES, _MOST_CANDIDATES, _MOST_REFUSED, _MOST_FAILURES
cdef int _LONGEST_PAYLOAD, _MOST_BYTES


cdef class Kin:
    cdef tuple shapes
    cdef tuple candidates
    cdef set refused
    cdef Py_ssize_t failures

    cdef Py_ssize_t size(self) except -1


cdef class Known:
    cdef object _deciding
    cdef dict _new
    cdef dict _old
    cdef Py_ssize_t _size
    cdef object _lock

    @cython.locals(kin=Kin, shape=CShape)
    cpdef CShape match(self, bytes payload, list values)

    cpdef learn(self, bytes payload, object decode)

    @cython.locals(kin=Kin)
    cdef Kin _find(self, long long skeleton)

    cdef _keep(self, long long skeleton, Kin kin, Py_ssize_t size)

    @cython.locals(kin=Kin, shape=CShape)
    cdef _learn(self, bytes payload, object decode)

    cdef bint _decides(self, Kin kin, CShape shape, list spans) except -1

    cdef bint _widen(self, Kin kin, CShape shape, list spans, object decode) except -1


cdef class Meeting:
    cdef list values
    cdef Py_ssize_t times
    cdef set varying
    cdef CShape narrow


cdef class Shapes:
    cdef readonly list values
    cdef object _decode
    cdef Known _known
    cdef list _narrow
    cdef dict _met
    cdef Py_ssize_t _fruitless

    @cython.locals(shape=CShape, known=CShape, position=Py_ssize_t)
    cpdef CShape match(self, bytes payload)

    cpdef learn(self, bytes payload)

    cdef bint _is_patient(self) noexcept

    @cython.locals(meeting=Meeting, number=Py_ssize_t, narrow=CShape)
    cdef CShape _meet(self, CShape known, bytes payload)
