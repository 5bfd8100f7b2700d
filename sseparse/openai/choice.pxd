# The types that Cython compiles choice.py with; see there.

cimport sseparse._stream.fields as fields
from sseparse._stream.text cimport Place

cdef fields.Field _DELTA
cdef fields.Present _IN_DELTA, _IN_CHOICE


cdef class _Logprobs(Place):
    cdef object _known
    cdef list _payloads
    cdef object _index

    cpdef add(self, logprobs)

    cpdef append(self, value)


cdef class ChatChoice:
    cdef readonly object index
    cdef readonly object call_log
    cdef readonly dict texts
    cdef readonly object tool_calls
    cdef public bint may_go_on
    cdef readonly _Logprobs logprobs
    cdef readonly object function_call
    cdef readonly object audio
    cdef readonly object reasoning_details
    cdef readonly dict lists
    cdef readonly object token_ids
    cdef readonly object extra_content
    cdef readonly dict last
    cdef readonly object delta_extra
    cdef readonly object choice_extra

    cpdef add(self, choice, bint is_mended, bytes payload)
