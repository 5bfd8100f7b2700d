# The types that Cython compiles shapes.py with; see there. Shape is what shape.py has of that name.

cimport cython
cimport sseparse._stream.native as native
from sseparse._stream.shape cimport Shape as CShape
from sseparse._stream.shape cimport Values as CValues

# Constants of shapes.py, as C has them.
cdef int _MOST_MET, _MOST_RECENT, _PATIENCE
cdef int _MOST_SHAPES, _MOST_CANDIDATES, _MOST_FAILURES
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

    @cython.locals(kin=Kin)
    cpdef tuple shapes_like(self, bytes payload)

    cpdef learn(self, bytes payload, object decode)

    @cython.locals(kin=Kin)
    cdef Kin _find(self, long long skeleton)

    cdef _keep(self, long long skeleton, Kin kin, Py_ssize_t size)

    @cython.locals(kin=Kin, shape=CShape)
    cdef _learn(self, bytes payload, object decode)

    cdef bint _decides(self, Kin kin, CShape shape, list spans) except -1

    cdef bint _widen(self, Kin kin, CShape shape, list spans, object decode) except -1


cdef class Met:
    cdef readonly CShape shape
    cdef readonly CValues values
    cdef public object run
    cdef public bint was_asked
    cdef public Py_ssize_t folded
    cdef Py_ssize_t _varied
    cdef object _function
    cdef Py_ssize_t _number
    cdef object _predicate
    cdef object _holes

    @cython.locals(varied=Py_ssize_t)
    cdef bint match(self, bytes payload) except -1

    cpdef object make(self, bytes payload)

    cpdef Py_ssize_t number_of(self, object function) except -3

    cpdef object holes_that(self, object predicate)


cdef class Shapes:
    cdef object _decode
    cdef Known _known
    cdef dict _met
    cdef list _recent
    cdef Py_ssize_t _fruitless

    @cython.locals(met=Met, shape=CShape, position=Py_ssize_t)
    cpdef Met match(self, bytes payload)

    cdef _note(self, Met met)

    cpdef learn(self, bytes payload)

    cdef bint _is_patient(self) noexcept
