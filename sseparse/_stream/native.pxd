# What native.py does, in C. A slot's place is what its member descriptor says.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_GET_SIZE
from cpython.ref cimport PyObject, Py_INCREF
from libc.string cimport memcmp

from sseparse._parser_c cimport Event


cdef extern from "structmember.h":
    ctypedef struct PyMemberDef:
        Py_ssize_t offset

cdef extern from "Python.h":
    ctypedef struct PyMemberDescrObject:
        PyMemberDef* d_member
    object PyType_GenericAlloc(type cls, Py_ssize_t items)


cdef inline bytes data_of(Event event):
    return event._data_bytes


cdef inline str type_of(Event event):
    return event._event


cdef inline str id_of(Event event):
    return event._id


cdef inline PyObject** place_of(object instance, object slot) noexcept:
    return <PyObject**> (
        <char*> <PyObject*> instance + (<PyMemberDescrObject*> slot).d_member.offset
    )


cdef inline object get(object instance, object slot):
    cdef PyObject* value = place_of(instance, slot)[0]
    return None if value is NULL else <object> value


cdef inline bint is_set(object instance, object slot) noexcept:
    return place_of(instance, slot)[0] is not NULL


cdef inline int put(object instance, object slot, object value) noexcept:
    Py_INCREF(value)
    place_of(instance, slot)[0] = <PyObject*> value
    return 0


cdef inline object copy(object sample, tuple slots):
    # As msgspec makes its Structs: memory of their size, all zeros, and then their fields.
    cdef object new = PyType_GenericAlloc(type(sample), 0)
    cdef PyObject* value
    for slot in slots:
        value = place_of(sample, slot)[0]
        Py_INCREF(<object> value)
        place_of(new, slot)[0] = value
    return new


cdef inline Py_ssize_t end_of_text(bytes payload, Py_ssize_t start) noexcept:
    cdef const unsigned char* text = <const unsigned char*> PyBytes_AS_STRING(payload)
    cdef Py_ssize_t end = PyBytes_GET_SIZE(payload)
    while start < end and text[start] >= 0x20 and text[start] != c'"' and text[start] != c"\\":
        start += 1
    return start


cdef inline bint are_same(
    bytes one, Py_ssize_t start, Py_ssize_t end,
    bytes other, Py_ssize_t its_start, Py_ssize_t its_end,
) noexcept:
    if end - start != its_end - its_start:
        return False
    return memcmp(
        PyBytes_AS_STRING(one) + start, PyBytes_AS_STRING(other) + its_start, end - start
    ) == 0
