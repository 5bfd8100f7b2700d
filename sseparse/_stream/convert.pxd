# The types that Cython compiles convert.py with; see there.

cimport cython
cimport sseparse._stream.fields as fields


@cython.locals(declared=dict, extra=dict, below=dict, names=dict)
cdef tuple _separated(object cls, dict received)


@cython.locals(declared=list, rests=list, has_rest=bint)
cdef tuple _separated_items(object cls, list received)


cdef int _give_extras(object model, tuple extras) except -1
