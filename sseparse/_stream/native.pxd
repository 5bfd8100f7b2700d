# What native.py does, in C. A slot's place is what its member descriptor says.

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.ref cimport PyObject, Py_INCREF
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.string cimport memchr, memcmp, memcpy

from sseparse._parser_c cimport Event


cdef extern from "structmember.h":
    ctypedef struct PyMemberDef:
        Py_ssize_t offset

cdef extern from "Python.h":
    ctypedef struct PyMemberDescrObject:
        PyMemberDef* d_member
    PyObject* PyList_GET_ITEM(list items, Py_ssize_t position)
    object PyType_GenericAlloc(type cls, Py_ssize_t items)
    void* PyUnicode_DATA(str text)
    bint PyUnicode_IS_ASCII(str text)
    str PyUnicode_New(Py_ssize_t size, Py_UCS4 largest)

# Bytes of a string that are looked at one by one before memchr pays.
cdef enum:
    SHORT = 24
# The longest string that is decoded without asking for memory.
    UNESCAPED = 256


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


cdef inline bint are_equal_texts(object one, object other):
    return one is other or (type(one) is str and type(other) is str and <str> one == <str> other)


cdef inline bint is_set(object instance, object slot) noexcept:
    return place_of(instance, slot)[0] is not NULL


cdef inline int put(object instance, object slot, object value) noexcept:
    Py_INCREF(value)
    place_of(instance, slot)[0] = <PyObject*> value
    return 0


cdef inline bytes packed(object sample, list slots):
    # As their offsets: following a descriptor to its offset takes longer than the copying. First
    # how many of them have None in the sample, and those.
    cdef bytes packing = PyBytes_FromStringAndSize(NULL, (len(slots) + 1) * sizeof(Py_ssize_t))
    cdef Py_ssize_t* word = <Py_ssize_t*> PyBytes_AS_STRING(packing)
    cdef list empty = [slot for slot in slots if get(sample, slot) is None]
    word[0] = len(empty)
    for slot in empty + [slot for slot in slots if get(sample, slot) is not None]:
        word += 1
        word[0] = (<PyMemberDescrObject*> slot).d_member.offset
    return packing


cdef inline object copy(object sample, bytes packing):
    # As msgspec makes its Structs: memory of their size, all zeros, and then their fields.
    cdef object new = PyType_GenericAlloc(type(sample), 0)
    cdef char* source = <char*> <PyObject*> sample
    cdef char* target = <char*> <PyObject*> new
    cdef Py_ssize_t* word = <Py_ssize_t*> PyBytes_AS_STRING(packing)
    cdef Py_ssize_t* end = word + PyBytes_GET_SIZE(packing) // sizeof(Py_ssize_t)
    cdef Py_ssize_t count = word[0]
    cdef PyObject* value
    word += 1
    # Most fields are None. To count its references one by one would take as long as all else:
    # compilers make one addition of a loop that does nothing but that.
    for _ in range(count):
        Py_INCREF(None)
    while count > 0:
        (<PyObject**> (target + word[0]))[0] = <PyObject*> None
        word += 1
        count -= 1
    while word < end:
        value = (<PyObject**> (source + word[0]))[0]
        Py_INCREF(<object> value)
        (<PyObject**> (target + word[0]))[0] = value
        word += 1
    return new


cdef inline bytes packed_holes(list holes):
    cdef bytes packing = PyBytes_FromStringAndSize(NULL, 2 * len(holes) * sizeof(Py_ssize_t))
    cdef Py_ssize_t* word = <Py_ssize_t*> PyBytes_AS_STRING(packing)
    for slot, number in holes:
        word[0] = (<PyMemberDescrObject*> slot).d_member.offset
        word[1] = number
        word += 2
    return packing


cdef inline int fill(object instance, bytes packing, list values, bytes payload) noexcept:
    cdef char* target = <char*> <PyObject*> instance
    cdef Py_ssize_t* word = <Py_ssize_t*> PyBytes_AS_STRING(packing)
    cdef Py_ssize_t* end = word + PyBytes_GET_SIZE(packing) // sizeof(Py_ssize_t)
    cdef PyObject* value
    while word < end:
        value = <PyObject*> payload if word[1] < 0 else PyList_GET_ITEM(values, word[1])
        Py_INCREF(<object> value)
        (<PyObject**> (target + word[0]))[0] = value
        word += 2
    return 0


cdef inline Py_ssize_t end_of_text(bytes payload, Py_ssize_t start) noexcept:
    cdef const unsigned char* text = <const unsigned char*> PyBytes_AS_STRING(payload)
    cdef Py_ssize_t size = PyBytes_GET_SIZE(payload)
    cdef Py_ssize_t end = min(start + SHORT, size)
    cdef Py_ssize_t i
    cdef const unsigned char* quote
    cdef unsigned char is_special
    while start < end:
        if is_end(text[start]):
            return start
        start += 1
    if start == size:
        return size
    # A long one, base64 or all of an answer: what compilers make vector code of.
    quote = <const unsigned char*> memchr(text + start, c'"', size - start)
    end = size if quote is NULL else quote - text
    is_special = 0
    for i in range(start, end):
        is_special |= (text[i] < 0x20) | (text[i] == c"\\")
    if not is_special:
        return end
    while not is_end(text[start]):
        start += 1
    return start


cdef inline const unsigned char* closing_quote(
    const unsigned char* text, const unsigned char* end
) noexcept:
    # The first before which there are no backslashes, or pairs of them; else the end.
    cdef const unsigned char* quote
    cdef const unsigned char* start = text
    while True:
        quote = <const unsigned char*> memchr(text, c'"', end - text)
        if quote is NULL:
            return end
        text = quote
        while text > start and text[-1] == c"\\":
            text -= 1
        if (quote - text) % 2 == 0:
            return quote
        text = quote + 1


cdef inline Py_ssize_t end_of_string(bytes payload, Py_ssize_t start) noexcept:
    cdef const unsigned char* text = <const unsigned char*> PyBytes_AS_STRING(payload)
    return closing_quote(text + start, text + PyBytes_GET_SIZE(payload)) - text


cdef inline bint is_end(unsigned char byte) noexcept:
    return byte < 0x20 or byte == c'"' or byte == c"\\"


cdef inline bint has_at(bytes payload, Py_ssize_t position, bytes piece) noexcept:
    cdef Py_ssize_t size = PyBytes_GET_SIZE(piece)
    if PyBytes_GET_SIZE(payload) - position < size:
        return False
    return memcmp(PyBytes_AS_STRING(payload) + position, PyBytes_AS_STRING(piece), size) == 0


cdef inline bint goes_on(
    bytes payload, Py_ssize_t position, bytes other, Py_ssize_t start, Py_ssize_t end
) noexcept:
    # The last check is for threads that share a stream by mistake.
    cdef Py_ssize_t size = end + 1 - start
    if PyBytes_GET_SIZE(payload) - position < size or end >= PyBytes_GET_SIZE(other):
        return False
    return memcmp(
        PyBytes_AS_STRING(payload) + position, PyBytes_AS_STRING(other) + start, size
    ) == 0


cdef inline bytes bytes_at(bytes payload, Py_ssize_t start, Py_ssize_t end):
    return PyBytes_FromStringAndSize(PyBytes_AS_STRING(payload) + start, end - start)


cdef inline str ascii_at(bytes payload, Py_ssize_t start, Py_ssize_t end):
    # Without Python's search for what is no ASCII, which takes longer than a short text. Of a
    # single character Python has the string already: that is not made here.
    cdef const unsigned char* text = <const unsigned char*> PyBytes_AS_STRING(payload) + start
    cdef Py_ssize_t size = end - start
    cdef Py_ssize_t i
    cdef unsigned char seen = 0
    cdef str made
    if size < 2 or end > PyBytes_GET_SIZE(payload):
        return None
    for i in range(size):
        seen |= text[i]
    if seen >= 0x80:
        return None
    made = PyUnicode_New(size, 127)
    memcpy(PyUnicode_DATA(made), text, size)
    return made


cdef inline str text_at(bytes payload, Py_ssize_t start, Py_ssize_t end):
    return PyUnicode_DecodeUTF8(PyBytes_AS_STRING(payload) + start, end - start, NULL)


cdef inline str unescaped(bytes payload, Py_ssize_t start, Py_ssize_t end):
    # Short ones with the escapes of one letter, as of line ends and of arguments that are JSON.
    cdef char decoded[UNESCAPED]
    cdef const char* text = PyBytes_AS_STRING(payload)
    cdef char* place = decoded
    cdef char letter
    if end - start > UNESCAPED:
        return None
    while start < end:
        letter = text[start]
        if letter == c"\\":
            start += 1
            letter = text[start]
            if letter == c"n":
                letter = c"\n"
            elif letter == c"t":
                letter = c"\t"
            elif letter == c"r":
                letter = c"\r"
            elif letter != c'"' and letter != c"\\" and letter != c"/":
                return None
        elif 0 <= letter < 0x20:
            return None
        place[0] = letter
        place += 1
        start += 1
    return PyUnicode_DecodeUTF8(decoded, place - decoded, NULL)


cdef inline long long integer_at(bytes payload, Py_ssize_t start, Py_ssize_t end) noexcept:
    cdef const unsigned char* text = <const unsigned char*> PyBytes_AS_STRING(payload)
    cdef long long found = 0
    while start < end:
        found = found * 10 + text[start] - c"0"
        start += 1
    return found


cdef inline const unsigned char* behind_integers(
    const unsigned char* text, const unsigned char* end
) noexcept:
    cdef const unsigned char* start = text
    if text == end or text[0] != c"[":
        return start
    text += 1
    while text < end and (c"0" <= text[0] <= c"9" or text[0] == c"," or text[0] == c" "):
        text += 1
    return text + 1 if text < end and text[0] == c"]" else start


cdef inline Py_ssize_t end_of_integers(bytes payload, Py_ssize_t start) noexcept:
    cdef const unsigned char* text = <const unsigned char*> PyBytes_AS_STRING(payload)
    return behind_integers(text + start, text + PyBytes_GET_SIZE(payload)) - text


cdef inline list integers_at(bytes payload, Py_ssize_t start, Py_ssize_t end):
    # Small ones without spaces, as the bytes of a token.
    cdef const char* text = PyBytes_AS_STRING(payload)
    cdef list found = []
    cdef long integer
    cdef Py_ssize_t position = start + 1
    cdef Py_ssize_t first
    if end - start < 2:
        return None
    if position == end - 1:
        return found
    while True:
        first = position
        integer = 0
        while c"0" <= text[position] <= c"9" and position - first < 9:
            integer = integer * 10 + text[position] - c"0"
            position += 1
        if position == first or (text[first] == c"0" and position - first > 1):
            return None
        found.append(integer)
        if text[position] == c"]":
            return found
        if text[position] != c",":
            return None
        position += 1


cdef inline bint is_ascii(str text) noexcept:
    return PyUnicode_IS_ASCII(text)


cdef inline bint are_same(
    bytes one, Py_ssize_t start, Py_ssize_t end,
    bytes other, Py_ssize_t its_start, Py_ssize_t its_end,
) noexcept:
    if end - start != its_end - its_start:
        return False
    return memcmp(
        PyBytes_AS_STRING(one) + start, PyBytes_AS_STRING(other) + its_start, end - start
    ) == 0


cdef inline unsigned long long mixed(unsigned long long hashed, unsigned long long word) noexcept:
    hashed = (hashed ^ word) * 0x9E3779B97F4A7C15U
    return hashed ^ (hashed >> 29)


cdef inline bint is_of_number(unsigned char byte) noexcept:
    return (
        c"0" <= byte <= c"9" or byte == c"." or byte == c"-" or byte == c"+"
        or byte == c"e" or byte == c"E"
    )


cdef inline long long skeleton_of(bytes payload) noexcept:
    cdef const unsigned char* text = <const unsigned char*> PyBytes_AS_STRING(payload)
    cdef const unsigned char* end = text + PyBytes_GET_SIZE(payload)
    cdef const unsigned char* start
    cdef unsigned long long found = 0
    cdef unsigned long long word
    cdef bint is_key
    cdef bint is_of_type = False
    if text < end and end[-1] == c"}":
        end -= 1
        while text < end and end[-1] == c" ":
            end -= 1
    while text < end:
        start = text
        text += 1
        if start[0] == c'"':
            text = closing_quote(text, end)
            if text < end:
                text += 1
            is_key = text < end and text[0] == c":"
            if is_key or is_of_type:
                is_of_type = is_key and text - start == 6 and memcmp(start, b'"type"', 6) == 0
                while text - start >= 8:
                    memcpy(&word, start, 8)
                    found = mixed(found, word)
                    start += 8
                word = 0
                while start < text:
                    word = word << 8 | start[0]
                    start += 1
                found = mixed(found, word)
                continue
        elif c"0" <= start[0] <= c"9" or start[0] == c"-":
            while text < end and is_of_number(text[0]):
                text += 1
            found = mixed(found, c"0")
            continue
        elif start[0] == c"[" and behind_integers(start, end) > start:
            text = behind_integers(start, end)
        found = mixed(found, start[0])
    return <long long> found
