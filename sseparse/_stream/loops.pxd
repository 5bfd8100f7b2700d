# The types that Cython compiles loops.py with; see there, and reader.pxd.

from sseparse._stream.reader cimport Reader as CReader
from sseparse._stream.text cimport HalfCharacter as CHalfCharacter


cdef class Source:
    cdef readonly CReader reader
    cdef object _chunks
    cdef object _release

    cpdef read_on(self)

    cpdef finish(self)


cdef class Objects:
    cdef Source _source
    cdef CReader _reader


cdef class Texts:
    cdef Source _source
    cdef CReader _reader
    cdef object _text_of
    cdef CHalfCharacter _half


cdef class AsyncSource:
    cdef readonly CReader reader
    cdef object _chunks
    cdef object _release


cdef class AsyncObjects:
    cdef AsyncSource _source
    cdef CReader _reader


cdef class AsyncTexts:
    cdef AsyncSource _source
    cdef CReader _reader
    cdef object _text_of
    cdef CHalfCharacter _half
