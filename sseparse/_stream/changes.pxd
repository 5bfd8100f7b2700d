# The types that Cython compiles changes.py with; see there.

cimport cython
cimport sseparse._stream.native as native
from sseparse._stream.fields cimport decoded_as, extra_of, was_mended


cdef class _Plan:
    cdef readonly dict by_key
    cdef readonly list keys
    cdef readonly list slots
    cdef readonly list defaults


cdef dict _PLANS
cdef object _UNKNOWN

cdef object _parse
cdef object _parse_members
cdef object _encode


cdef object _original_of(object model, bytes payload, object decoder)


cdef object _laid_over(object model, object original, object received)


@cython.locals(plan=_Plan, index=Py_ssize_t, members=dict, is_same=bint)
cdef object _json_since(object model, object original, bytes payload)


cdef _Plan _plan_of(object kind)


@cython.locals(plan=_Plan, size=Py_ssize_t, is_same=bint, result=list, index=Py_ssize_t)
cpdef object laid_over(object now, object received)


@cython.locals(
    extra=dict, by_key=dict, result=dict, its_own=Py_ssize_t, index=Py_ssize_t,
)
cdef object _object_over(object now, _Plan plan, dict received)


cdef bint _are_same_scalars(object one, object other) except -1


@cython.locals(plan=_Plan, index=Py_ssize_t)
cpdef object laid_over_since(object now, object original, object received)


@cython.locals(plan=_Plan, index=Py_ssize_t)
cdef bint _is_same(object one, object other) except -1


cpdef object plain(object value)
