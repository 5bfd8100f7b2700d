# The types that Cython compiles shapes.py with; see there.

cimport cython
from sseparse._stream cimport native

# Constants of shapes.py, as C has them.
cdef int _MOST_SHAPES, _MOST_CANDIDATES, _MOST_HOLES, _LONGEST_PAYLOAD, _DEEPEST
cdef int _MOST_PROOFS, _MATCHES_A_PROOF, _EFFORT_A_PROOF, _PATIENCE
cdef int _QUOTE, _BACKSLASH, _COLON, _ZERO, _NINE, _MINUS, _SPACE, _BRACE
cdef long long _LARGEST, _FIRST_MARK
cdef int _STRUCT, _LIST, _DICT, _WHOLE


cdef class Hole:
    cdef bytes before
    cdef Py_ssize_t size
    cdef bint is_text
    cdef public long long largest


cdef class Copy:
    cdef int kind
    cdef object sample
    cdef bytes kept
    cdef list targets
    cdef list parts

    @cython.locals(below=Copy, position=Py_ssize_t)
    cdef object make(self, list values, bytes payload)


cdef class Shape:
    cdef readonly bytes payload
    cdef readonly list spans
    cdef readonly list paths
    cdef readonly list values
    cdef readonly set refused
    cdef readonly set seen
    cdef public int effort
    cdef public object run
    cdef public int tries
    cdef list _holes
    cdef bytes _tail
    cdef bytes _ending
    cdef Copy _copy
    cdef list _marks
    cdef object _function
    cdef Py_ssize_t _number
    cdef object _predicate
    cdef object _telling

    @cython.locals(
        hole=Hole,
        text="const unsigned char*",
        end=Py_ssize_t,
        position=Py_ssize_t,
        start=Py_ssize_t,
        number=Py_ssize_t,
        integer="long long",
    )
    cpdef bint match(self, bytes payload) except -1

    cpdef object make(self, bytes payload)

    cpdef Py_ssize_t number_of(self, object function) except -3

    @cython.locals(number=Py_ssize_t)
    cpdef object holes_that(self, object function)

    cpdef bint prove(self, object decode) except -1

    cdef list _nothing(self)

    @cython.locals(hole=Hole)
    cdef bytes _with(self, list values)

    @cython.locals(pair=tuple, kept=list, targets=list, parts=list)
    cdef object _compare(
        self, object sample, object other, bytes marked, bytes emptied, tuple path, object field
    )

    cdef object _number_at(self, object sample, object other, tuple path, object field)


cdef class Shapes:
    cdef object _decode
    cdef list _shapes
    cdef list _candidates
    cdef set _refused
    cdef Py_ssize_t _matches
    cdef Py_ssize_t _proofs
    cdef Py_ssize_t _fruitless

    @cython.locals(shape=Shape)
    cpdef Shape match(self, bytes payload)

    @cython.locals(shape=Shape, known=list)
    cpdef learn(self, bytes payload, int effort)

    cdef bint _widen(self, Shape shape, set spans) except -1


@cython.locals(
    a="const unsigned char*",
    b="const unsigned char*",
    i=Py_ssize_t,
    j=Py_ssize_t,
    size=Py_ssize_t,
    other_size=Py_ssize_t,
    end=Py_ssize_t,
    other_end=Py_ssize_t,
)
cdef list _holes_between(bytes one, bytes other)


@cython.locals(text="const unsigned char*", end=Py_ssize_t)
cdef Py_ssize_t _end_of_string(bytes payload, Py_ssize_t position) except -1


@cython.locals(text="const unsigned char*", end=Py_ssize_t)
cdef Py_ssize_t _end_of_number(bytes payload, Py_ssize_t position) except -1


@cython.locals(text="const unsigned char*", end=Py_ssize_t)
cdef Py_ssize_t _end_of_body(bytes payload) except -1


cdef bint _is_integer(bytes payload, Py_ssize_t start, Py_ssize_t end) except -1
