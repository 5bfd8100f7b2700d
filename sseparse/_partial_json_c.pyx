# cython: language_level=3, freethreading_compatible=True, auto_pickle=False
"""JSON as it grows: pieces of text in, the value as far as it has come.

It does what ``_partial_json_py.py`` does, which is written to be read. This file is written to be
fast, and explains only that.

Theory of operation
-------------------
A piece is read where it lies, by an automaton whose whole state is in the object: what comes
next (``state``), the innermost open container, those around it (``outer``), and ``text``, what
has come of a key, a string or a number. A container goes into the value at its opening bracket,
so no depth needs recursion.

A string that is open is shown in its place at the end of each piece, and must not be copied for
every one. A ``str`` cannot change, but ``PyUnicode_Append`` extends one in place, by realloc(),
where it is given the only reference there is. So the object has one, as ``text``, and the value
has one; before the string grows, an empty one takes its place in the value. Allocators make room
for a block that grows again and again, also among others that do: amortised, it takes time in
proportion to what is added. A reference that the caller has kept makes it a copy, and so does a
hash (that the caller has used it as a key), or a character that needs more room than those
before it, which happens three times at most.

The value is in the hands of the caller all the while. What stands in its containers is never
relied on; at worst a string that the caller has taken out comes back with the next piece.

Errors. What is refused fails the object, once what came before it is shown: ``failure`` is raised
then and by every call. ``busy`` turns away whoever calls from a destructor that runs meanwhile, or
from another thread that such a destructor lets run.
"""

cimport cython
from cpython.dict cimport PyDict_SetItem
from cpython.list cimport PyList_Append, PyList_GET_SIZE, PyList_SetItem
from cpython.object cimport PyObject
from cpython.ref cimport Py_DECREF, Py_INCREF
from cpython.unicode cimport (
    PyUnicode_DATA,
    PyUnicode_FromOrdinal,
    PyUnicode_GET_LENGTH,
    PyUnicode_KIND,
    PyUnicode_READ,
    PyUnicode_Substring,
)
from libc.stdint cimport int64_t, uint32_t

import operator
import sys

from ._errors import PartialJSONError, SSEError

__all__ = ["PartialJSON"]

cdef extern from *:
    """
    /* Strings of old C interfaces may not be ready before 3.12. */
    #if PY_VERSION_HEX >= 0x030C0000
        #define sseparse_make_ready(text) 0
    #else
        #define sseparse_make_ready(text) PyUnicode_READY(text)
    #endif

    /* PyUnicode_Append of free-threaded 3.13 takes for the only reference one that another thread,
       which looks the string up in its container, may be about to multiply. Later ones ask this. */
    #if defined(Py_GIL_DISABLED) && PY_VERSION_HEX < 0x030E0000
        #define sseparse_may_extend(text) \\
            (_Py_IsOwnedByCurrentThread(text) \\
             && _Py_atomic_load_uint32_relaxed(&(text)->ob_ref_local) == 1 \\
             && _Py_atomic_load_ssize_relaxed(&(text)->ob_ref_shared) == 0)
    #else
        #define sseparse_may_extend(text) 1
    #endif
    """
    int make_ready "sseparse_make_ready" (object text) except -1
    bint may_extend "sseparse_may_extend" (PyObject* text)

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX
    # Takes the reference to the text, and gives one to the result; NULL for an exception.
    void PyUnicode_Append(PyObject** text, object piece) except *
    object PyUnicode_Concat(object left, object right)

cdef str EMPTY = ""
cdef tuple PLACE_LOST = (
    SSEError,
    ("PartialJSON was interrupted and has lost its place in the text; begin again with another",),
)

cdef enum State:
    # What comes next, white space before it:
    VALUE
    VALUE_OR_END  # after "["
    KEY
    KEY_OR_END  # after "{"
    COLON
    AFTER_VALUE
    AT_END
    # What has begun:
    LITERAL
    STRING
    ESCAPE
    HEX_DIGIT
    NUMBER
    # Nothing.
    FAILED

cdef enum Part:
    # What has come of a number last.
    NO_PART
    MINUS
    ZERO
    INTEGER
    POINT
    FRACTION
    E
    SIGN
    EXPONENT


cdef inline Part next_part(Part part, uint32_t c) noexcept:
    """The part that a number goes on with; NO_PART where this does not belong to it."""
    if c"0" <= c <= c"9":
        if part == NO_PART or part == MINUS:
            return ZERO if c == c"0" else INTEGER
        if part == INTEGER or part == FRACTION:
            return part
        if part == POINT:
            return FRACTION
        return NO_PART if part == ZERO else EXPONENT
    if c == c".":
        return POINT if part == ZERO or part == INTEGER else NO_PART
    if c == c"e" or c == c"E":
        return E if part == ZERO or part == INTEGER or part == FRACTION else NO_PART
    if c == c"-":
        if part == NO_PART:
            return MINUS
        return SIGN if part == E else NO_PART
    return SIGN if c == c"+" and part == E else NO_PART


cdef inline bint may_end(Part part) noexcept:
    return part == ZERO or part == INTEGER or part == FRACTION or part == EXPONENT


cdef inline int hex_digit(uint32_t c) noexcept:
    """Its value, or -1."""
    if c"0" <= c <= c"9":
        return c - c"0"
    if c"a" <= c <= c"f":
        return c - c"a" + 10
    if c"A" <= c <= c"F":
        return c - c"A" + 10
    return -1


cdef inline uint32_t escaped(uint32_t c) noexcept:
    """What a letter behind a backslash means, or 0."""
    if c == c'"' or c == c"\\" or c == c"/":
        return c
    if c == c"n":
        return c"\n"
    if c == c"t":
        return c"\t"
    if c == c"r":
        return c"\r"
    if c == c"b":
        return c"\b"
    return c"\f" if c == c"f" else 0


cdef object checked_depth(max_depth):
    if isinstance(max_depth, bool):
        raise TypeError("max_depth must be an int, not bool")
    try:
        max_depth = operator.index(max_depth)
    except TypeError:
        raise TypeError(f"max_depth must be an int, not {type(max_depth).__name__}") from None
    if max_depth < 1:
        raise ValueError(f"max_depth must be at least 1, not {max_depth}")
    return min(max_depth, PY_SSIZE_T_MAX)


cdef int refuse_type(text) except -1:
    message = f"text must be a str, not {type(text).__name__}"
    if isinstance(text, (bytes, bytearray, memoryview)):
        message += (
            ': decode it, with codecs.getincrementaldecoder("utf-8")() if it may be cut within '
            "a character"
        )
    raise TypeError(message)


# The docstring of the class begins with a signature, in the form that CPython takes from the
# docstrings of its own built-in types: Cython gives classes none.


# Clearing the containers of a reference cycle breaks it; what is here is never NULL or None that
# should not be.
@cython.final
@cython.no_gc_clear
cdef class PartialJSON:
    """PartialJSON(*, max_depth=512)
--

A JSON text that comes in pieces, and its value as far as it has come.

    A container stands in the value from its opening bracket on, and a string from its
    opening quote on, with as much of it as there is; numbers, ``true``, ``false``,
    ``null`` and keys only when they are whole. The containers stay the same objects and
    grow. Pieces may be cut anywhere: whole, the value is that of ``json.loads``.

    It takes time in proportion to the text, however often the value is looked at. That
    holds for a string, too, unless the caller keeps what there was of it: then Python
    copies it for the next piece. What is to stay as it is, or is to be changed, is to be
    copied: ``copy.deepcopy(partial.value)``.

    The JSON is strict: what ``json.loads`` refuses is an error, and ``NaN`` and
    ``Infinity`` are too. One object belongs to one text.

    Args:
        max_depth: how many arrays and objects may be open at a time.

    Raises:
        TypeError: for a ``max_depth`` that is no int.
        ValueError: for one below 1.
    """

    cdef Py_ssize_t max_depth
    cdef int64_t _position
    cdef bint closed
    cdef bint _changed
    cdef bint busy
    cdef tuple failure  # the type and arguments of the error that every call raises
    cdef State state

    cdef object _value
    # The innermost container that is open, those around it, and where in it a value goes: the
    # key, or the position in the list, which is -1 as long as nothing stands there.
    cdef object container
    cdef list outer
    cdef str key
    cdef Py_ssize_t slot
    cdef dict keys  # the keys so far: equal ones are the same object

    cdef str text  # of the key, the string or the number that is being read
    cdef int64_t text_position  # where it begins
    cdef bint is_key
    cdef bint string_is_open  # and belongs into the value
    cdef bint is_shown  # and stands there, with all of its text
    cdef uint32_t high  # half of a surrogate pair, whose other half may follow
    cdef uint32_t code  # of a \\u escape
    cdef Part part  # of a number
    cdef const char* literal
    cdef int progress  # how much has come of an escape's digits, or of a literal

    def __cinit__(self):
        self.max_depth = 512
        self.start()

    @cython.critical_section
    def __init__(self, *, max_depth=512):
        max_depth = checked_depth(max_depth)
        # Kept until the end: the destructor of what is in there may run anything.
        _replaced = (self._value, self.container, self.outer)
        self.begin("__init__")
        try:
            self.max_depth = max_depth
            self.start()
        finally:
            self.busy = False

    cdef int start(self) except -1:
        self._position = 0
        self.closed = self._changed = False
        self.failure = None
        self.state = VALUE
        self._value = None
        self.container = None
        self.outer = []
        self.key = EMPTY
        self.slot = -1
        self.keys = {}
        self.text = EMPTY
        self.string_is_open = self.is_shown = False
        self.high = 0
        return 0

    @property
    @cython.critical_section
    def value(self):
        """What has come so far; None before anything has."""
        return self._value

    @property
    @cython.critical_section
    def changed(self):
        """Whether the last ``feed()`` or ``close()`` has changed anything about the value."""
        return self._changed

    @property
    @cython.critical_section
    def complete(self):
        """Whether the value is whole. Nothing but white space may follow.

        A number that is not within an array or object is so only by white space behind
        it or by ``close()``: another digit might follow.
        """
        return self.state == AT_END

    @property
    @cython.critical_section
    def position(self):
        """How many characters have been read; after an error, where it was."""
        return self._position

    @cython.critical_section
    def feed(self, text):
        """Take the next piece of the text.

        Args:
            text: any number of characters. (Bytes may be cut within a character: what
                decodes them is to be ``codecs.getincrementaldecoder("utf-8")()``.)

        Returns:
            This object.

        Raises:
            PartialJSONError: it is no JSON. ``value`` is what came before; every call
                raises it from now on.
            TypeError: ``text`` is no str.
            ValueError: after ``close()``.
            RuntimeError: called while another thread is in such a call.
        """
        if not isinstance(text, str):
            refuse_type(text)
        if type(text) is not str:
            # The exact type, whatever subclass was given, and without asking its methods.
            text = str.__str__(text)
        self.begin("feed")
        try:
            self.check_failure()
            if self.closed:
                raise ValueError("the text has ended: close() was called")
            self.read(text)
            self.check_failure()
        finally:
            self.busy = False
        return self

    @cython.critical_section
    def close(self):
        """The text has ended. Closing twice is harmless.

        Returns:
            ``complete``: False for a text that was cut off.

        Raises:
            PartialJSONError: as ``feed`` would.
            RuntimeError: called while another thread is in such a call.
        """
        self.begin("close")
        try:
            self.check_failure()
            if not self.closed:
                self.closed = True
                self.read(None)
                self.check_failure()
        finally:
            self.busy = False
        return self.state == AT_END

    def __reduce__(self):
        raise TypeError("a PartialJSON cannot be pickled or copied: it belongs to one text")

    # Errors.

    cdef inline int begin(self, str method) except -1:
        if self.busy:
            raise RuntimeError(
                f"PartialJSON.{method}() was called while the object was at work, from another "
                f"thread or from a destructor; it belongs to one text"
            )
        self.busy = True
        return 0

    cdef inline int check_failure(self) except -1:
        failure = self.failure  # held: where lines are traced, another thread may begin anew
        if failure is not None:
            error_type, arguments = failure
            raise error_type(*arguments)
        return 0

    cdef int fail(self, int64_t position, str expected, str found) except -1:
        """Have every call raise that, once what came before is shown."""
        self.failure = (PartialJSONError, (position, expected, found))
        self._position = position
        self.state = FAILED
        return 0

    cdef int refuse(self, int64_t position, str expected, uint32_t c) except -1:
        return self.fail(position, expected, repr(PyUnicode_FromOrdinal(c)))

    cdef void lose_place(self) noexcept:
        # Out of memory: what has been made is kept, but where it stood is not known any more.
        # Nothing in here needs memory.
        self.failure = PLACE_LOST
        self.state = FAILED

    # The calls, once nobody else is at work.

    cdef int read(self, str text) except -1:
        """Read that; None is the end of the text."""
        self._changed = False
        try:
            if text is None:
                self.read_the_end()
            else:
                self.parse(text)
                self.show_string()
        except BaseException:
            self.lose_place()
            raise
        return 0

    cdef int read_the_end(self) except -1:
        # By the end a number is whole; but within a container it may have been cut off.
        if self.state == NUMBER and self.container is None and may_end(self.part):
            self.end_number()
        return 0

    # From characters to parts of the value.

    cdef int parse(self, str piece) except -1:
        make_ready(piece)
        cdef int kind = PyUnicode_KIND(piece)
        cdef void* data = PyUnicode_DATA(piece)
        cdef Py_ssize_t size = PyUnicode_GET_LENGTH(piece)
        cdef Py_ssize_t i = 0  # of the next character
        cdef Py_ssize_t start
        cdef int64_t base = self._position
        cdef State state
        cdef uint32_t c
        cdef Part part
        cdef int digit

        while i < size:
            state = self.state
            c = PyUnicode_READ(kind, data, i)

            if state == STRING:
                if self.high and c != c"\\":
                    self.add(PyUnicode_FromOrdinal(self.high))
                    self.high = 0
                start = i
                while c != c'"' and c != c"\\" and c >= 0x20:
                    i += 1
                    if i == size:
                        break
                    c = PyUnicode_READ(kind, data, i)
                if i > start:
                    self.add(PyUnicode_Substring(piece, start, i))
                    if i == size:
                        break
                if c == c'"':
                    self.end_string()
                elif c == c"\\":
                    self.state = ESCAPE
                else:
                    return self.refuse(base + i, "no unescaped control character", c)
                i += 1
                continue

            if state == ESCAPE:
                if c == c"u":
                    self.code = 0
                    self.progress = 0
                    self.state = HEX_DIGIT
                else:
                    if not escaped(c):
                        return self.refuse(
                            base + i, 'one of " \\ / b f n r t u behind a backslash', c
                        )
                    # With what waits for its other half: here it is not.
                    if self.high:
                        self.add(PyUnicode_FromOrdinal(self.high))
                        self.high = 0
                    self.add(PyUnicode_FromOrdinal(escaped(c)))
                    self.state = STRING
                i += 1
                continue

            if state == HEX_DIGIT:
                digit = hex_digit(c)
                if digit < 0:
                    return self.refuse(base + i, "a hexadecimal digit", c)
                self.code = self.code * 16 + digit
                self.progress += 1
                if self.progress == 4:
                    self.end_escape()
                    self.state = STRING
                i += 1
                continue

            if state == NUMBER:
                start = i
                while i < size:
                    c = PyUnicode_READ(kind, data, i)
                    part = next_part(self.part, c)
                    if part == NO_PART:
                        break
                    self.part = part
                    i += 1
                if i > start:
                    self.add(PyUnicode_Substring(piece, start, i))
                if i == size:
                    break
                # By whatever does not belong to it a number is whole.
                if not may_end(self.part):
                    return self.refuse(
                        base + i, "a digit or a sign" if self.part == E else "a digit", c
                    )
                self.end_number()
                if self.state == FAILED:
                    return 0
                continue

            if state == LITERAL:
                if c != <unsigned char> self.literal[self.progress]:
                    return self.refuse(base + i, f"'{self.literal.decode()}'", c)
                self.progress += 1
                if self.literal[self.progress] == 0:
                    self.end_literal()
                i += 1
                continue

            if c == c" " or c == c"\n" or c == c"\r" or c == c"\t":
                i += 1
                continue

            if state == AFTER_VALUE:
                if type(self.container) is dict:
                    if c == c",":
                        self.state = KEY
                    elif c == c"}":
                        self.end_container()
                    else:
                        return self.refuse(base + i, "',' or '}'", c)
                else:
                    if c == c",":
                        self.state = VALUE
                    elif c == c"]":
                        self.end_container()
                    else:
                        return self.refuse(base + i, "',' or ']'", c)
            elif state == COLON:
                if c != c":":
                    return self.refuse(base + i, "':'", c)
                self.state = VALUE
            elif state == KEY or state == KEY_OR_END:
                if c == c'"':
                    self.begin_string(True)
                elif state == KEY:
                    return self.refuse(base + i, "a key in double quotes", c)
                elif c == c"}":
                    self.end_container()
                else:
                    return self.refuse(base + i, "a key in double quotes or '}'", c)
            elif state == AT_END:
                return self.refuse(base + i, "the end of the text", c)
            elif c == c"]" and state == VALUE_OR_END:
                self.end_container()
            else:
                self.slot = -1
                if c == c'"':
                    self.begin_string(False)
                elif c == c"{" or c == c"[":
                    if PyList_GET_SIZE(self.outer) >= self.max_depth:
                        return self.refuse(
                            base + i,
                            f"no more than {self.max_depth} arrays and objects in each other "
                            f"(max_depth)",
                            c,
                        )
                    self.begin_container(c)
                elif c == c"t":
                    self.begin_literal(b"true")
                elif c == c"f":
                    self.begin_literal(b"false")
                elif c == c"n":
                    self.begin_literal(b"null")
                elif next_part(NO_PART, c) != NO_PART:
                    self.text = EMPTY
                    self.text_position = base + i
                    self.part = NO_PART
                    self.state = NUMBER
                    continue
                else:
                    return self.refuse(
                        base + i, "a value or ']'" if state == VALUE_OR_END else "a value", c
                    )
            i += 1
        self._position = base + size
        return 0

    cdef int begin_container(self, uint32_t bracket) except -1:
        cdef object container = {} if bracket == c"{" else []
        self.place(container)
        PyList_Append(self.outer, self.container)
        self.container = container
        self.state = KEY_OR_END if bracket == c"{" else VALUE_OR_END
        return 0

    cdef int end_container(self) except -1:
        self.container = self.outer.pop()
        return self.end_value()

    cdef inline int end_value(self) except -1:
        if self.container is None:
            self.state = AT_END
            self.keys = {}
        else:
            self.state = AFTER_VALUE
        return 0

    cdef inline void begin_literal(self, const char* literal) noexcept:
        self.literal = literal
        self.progress = 1
        self.state = LITERAL

    cdef int end_literal(self) except -1:
        self.place(None if self.literal[0] == c"n" else self.literal[0] == c"t")
        return self.end_value()

    cdef inline void begin_string(self, bint is_key) noexcept:
        self.text = EMPTY
        self.is_key = is_key
        self.string_is_open = not is_key
        self.is_shown = False
        self.state = STRING

    cdef int end_string(self) except -1:
        if self.is_key:
            self.key = self.keys.setdefault(self.text, self.text)
            self.state = COLON
        else:
            self.show_string()
            self.string_is_open = False
            self.end_value()
        self.text = EMPTY
        return 0

    cdef int end_escape(self) except -1:
        """Add the character of an escape by digits, which may be half of a surrogate pair.

        A half without the other is kept as it is, like ``json.loads`` does.
        """
        if self.high:
            if 0xDC00 <= self.code <= 0xDFFF:
                self.code = 0x10000 + ((self.high - 0xD800) << 10) + (self.code - 0xDC00)
            else:
                self.add(PyUnicode_FromOrdinal(self.high))
            self.high = 0
        if 0xD800 <= self.code <= 0xDBFF:
            self.high = self.code
            return 0
        return self.add(PyUnicode_FromOrdinal(self.code))

    cdef int end_number(self) except -1:
        cdef str text = self.text
        cdef object value
        self.text = EMPTY
        if self.part == ZERO or self.part == INTEGER:
            try:
                value = int(text)
            except ValueError:
                # No other text comes so far.
                limit = sys.get_int_max_str_digits()
                return self.fail(
                    self.text_position,
                    f"an integer of at most {limit} digits (sys.set_int_max_str_digits)",
                    f"one of {len(text.lstrip('-'))}",
                )
        else:
            value = float(text)
        self.place(value)
        return self.end_value()

    cdef int add(self, str piece) except -1:
        """More of the key, string or number."""
        cdef PyObject* text
        if self.is_shown and self.string_is_open:
            self.put(EMPTY)
            self.is_shown = False
        if PyUnicode_GET_LENGTH(self.text) == 0:
            self.text = piece
            return 0
        text = <PyObject*> self.text
        if not may_extend(text):  # pragma: no branch - some free-threaded builds
            self.text = PyUnicode_Concat(self.text, piece)  # pragma: no cover
            return 0  # pragma: no cover
        # The one reference goes to PyUnicode_Append, and what it gives back comes here.
        Py_INCREF(self.text)
        self.text = EMPTY
        PyUnicode_Append(&text, piece)
        self.text = <str> text
        Py_DECREF(self.text)
        return 0

    cdef inline int show_string(self) except -1:
        if self.string_is_open and not self.is_shown:
            self.place(self.text)
            self.is_shown = True
        return 0

    cdef inline int place(self, object value) except -1:
        self.put(value)
        self._changed = True
        return 0

    cdef int put(self, object value) except -1:
        """Have it stand where the next value belongs."""
        if self.container is None:
            self._value = value
        elif type(self.container) is dict:
            PyDict_SetItem(self.container, self.key, value)
        elif 0 <= self.slot < PyList_GET_SIZE(self.container):
            Py_INCREF(value)  # for PyList_SetItem to take
            PyList_SetItem(self.container, self.slot, value)
        else:
            self.slot = PyList_GET_SIZE(self.container)
            PyList_Append(self.container, value)
        return 0
