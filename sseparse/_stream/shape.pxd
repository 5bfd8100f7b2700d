# The types that Cython compiles shape.py with; see there.

cimport cython
cimport sseparse._stream.native as native

# Constants of shape.py, as C has them.
cdef int _DEEPEST
cdef int _QUOTE, _BACKSLASH, _ZERO, _NINE, _MINUS, _SPACE, _BRACE, _BRACKET
cdef int _TEXT, _INTEGER, _FRACTION, _INTEGERS
cdef long long _LARGEST, _FIRST_MARK
cdef int _STRUCT, _LIST, _DICT, _WHOLE


cdef class Hole:
    cdef bytes before
    cdef Py_ssize_t size
    cdef int kind
    cdef public long long largest
    cdef public bint becomes_float


cdef class Copy:
    cdef int kind
    cdef object sample
    cdef bytes kept
    cdef bytes holes
    cdef list targets
    cdef list parts

    @cython.locals(
        below=Copy,
        items=list,
        position=Py_ssize_t,
        number=Py_ssize_t,
        index=Py_ssize_t,
    )
    cdef object make(self, list values, bytes payload)


cdef class Value:
    cdef Hole hole
    cdef Py_ssize_t number
    cdef Py_ssize_t start, end, new_start, new_end
    cdef bint is_new
    cdef bint is_plain
    cdef bint may_vary


cdef class Values:
    cdef readonly list items
    cdef set varied
    cdef readonly set varying
    cdef bytes payload
    cdef list places

    cdef forget(self)


cdef class Shape:
    cdef readonly bytes payload
    cdef readonly list spans
    cdef readonly list holes
    cdef readonly list paths
    cdef readonly set refused
    cdef readonly set varied
    cdef bytes _tail
    cdef bytes _ending
    cdef Copy _copy
    cdef list _marks

    @cython.locals(hole=Hole, value=Value, last=bytes, position=Py_ssize_t)
    cpdef bint match(self, bytes payload, Values values) except -1

    @cython.locals(hole=Hole, value=Value)
    cdef bint _take(self, bytes payload, Values values) except -1

    cpdef object make(self, list items, bytes payload)

    cpdef object differences(self, bytes payload)

    cpdef bytes key_of(self, tuple span)

    cpdef Py_ssize_t number_of(self, object function) except -3

    cpdef object holes_that(self, object function)

    cpdef bint prove(self, object decode) except -1

    cdef list _nothing(self)

    @cython.locals(hole=Hole)
    cdef bytes _with(self, list values)

    @cython.locals(pair=tuple, kept=list, holes=list, targets=list, parts=list)
    cdef object _compare(
        self, object sample, object other, bytes marked, bytes emptied, tuple path, object field
    )

    @cython.locals(hole=Hole)
    cdef object _number_at(self, object sample, object other, tuple path, object field)


@cython.locals(
    a="const unsigned char*",
    b="const unsigned char*",
    i=Py_ssize_t,
    j=Py_ssize_t,
    kind=int,
    size=Py_ssize_t,
    other_size=Py_ssize_t,
    end=Py_ssize_t,
    other_end=Py_ssize_t,
)
cdef list _differences(bytes one, bytes other)


@cython.locals(text="const unsigned char*", end=Py_ssize_t)
cdef Py_ssize_t _end_of_number(bytes payload, Py_ssize_t position) except -1


@cython.locals(text="const unsigned char*", end=Py_ssize_t)
cdef Py_ssize_t _end_of_body(bytes payload) except -1


@cython.locals(text="const unsigned char*", end=Py_ssize_t)
cdef Py_ssize_t _end_of(int kind, bytes payload, Py_ssize_t start, Value value) except -2


@cython.locals(hole=Hole, start=Py_ssize_t, end=Py_ssize_t, integer="long long")
cdef object _item_of(bytes payload, Value value)


cdef bint _begins_number(int byte) noexcept


cdef int _kind_of_number(bytes payload, Py_ssize_t start, Py_ssize_t end) except -2


@cython.locals(text="const unsigned char*", end=Py_ssize_t, position=Py_ssize_t)
cdef Py_ssize_t _end_of_integer(bytes payload, Py_ssize_t start) except -1


@cython.locals(text="const unsigned char*", position=Py_ssize_t)
cdef bint _is_fraction(bytes payload, Py_ssize_t start, Py_ssize_t end) except -1
