# cython: language_level=3, freethreading_compatible=True, auto_pickle=False
"""The incremental tokenizer: bytes of a text/event-stream in, events out.

It does what ``_parser_py.py`` does, which is written to be read and has the standard's
sentences beside the code. This file is written to be fast, and explains only that.

Theory of operation
-------------------
A chunk is read where it lies: a line is two pointers into it, and its bytes are copied
once, into the ``bytes`` of the event they belong to. Only what crosses the end of a
chunk is copied twice, through a growing buffer. There are three of those, all empty
between events, and freed there, so that an idle parser is only this object:

    line   the line that has not ended
    data   the data lines of the block, joined by LF, where there is more than one, or
           where the one there is came in an earlier chunk than the blank line
    raw    the bytes of the block (keep_raw only) that came in earlier chunks

Within one chunk ``value`` points at the one data line seen so far (in the chunk, or in
``line``): nearly every block has just one, whose bytes then go straight into the event.

Finding the line ends. A line ends at a CR or a LF, whichever comes first. The position
of the next CR *and* of the next LF is kept, and each is looked for again only once it
has been passed: a stream without CR pays for one extra ``memchr`` a chunk. Looking for
both at every line instead would scan to the end of the chunk, again and again, for the
one that does not occur: quadratic.

A CR at the end of a chunk ends its line at once; ``after_cr`` then drops the LF that
may begin the next chunk. The one exception is an event with ``raw``: its bytes must not
depend on the cut, so it waits for that LF (``awaiting_lf``), unless the stream ends its
lines in lone CRs. ``bom_size`` counts the bytes of a BOM that came so far; they
go to ``line`` if it turns out that they are no BOM after all.

Nothing is decoded before somebody asks for ``str``, which costs twice the framing. CR,
LF, ":" and " " are never part of a longer UTF-8 sequence, valid or not, so fields can be
cut out of the bytes and decoded one by one: the result is that of the standard, which
decodes first.

Errors. An exception leaves no event behind: ``settle`` decides what is returned, what
is raised, and what waits for the next call. ``busy`` turns away whoever calls back into
the parser from a callback, or from another thread while a callback lets it run.
"""

cimport cython
from cpython.buffer cimport Py_buffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize, PyBytes_GET_SIZE
from cpython.mem cimport PyMem_Free, PyMem_Realloc
from cpython.memoryview cimport PyMemoryView_GET_BUFFER
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t
from libc.string cimport memchr, memcmp, memcpy

import operator
from json import loads as json_loads  # in Event, json is a method

from ._errors import EventTooLargeError, ParserClosedError, SSEError
from ._pickle import restore_event

__all__ = ["Event", "Parser"]

cdef extern from "Python.h":
    const Py_ssize_t PY_SSIZE_T_MAX

cdef const char* BOM = b"\xef\xbb\xbf"
cdef str MESSAGE = "message"
cdef str NO_ID = ""
cdef str NO_COMMENT = ""
cdef tuple PLACE_LOST = (
    SSEError,
    (
        "the parser was interrupted and has lost its place in the stream; call reset() to begin "
        "a new connection",
    ),
)

cdef enum:
    # A type longer than this is not remembered to be shared between events.
    LONGEST_SHARED_TYPE = 64
    # The comments of a block that are longer than this get no longer.
    LONGEST_COMMENT = 4096


# A bint is four bytes, and there are thousands of idle parsers.
ctypedef unsigned char flag


cdef struct Buffer:
    char* bytes
    Py_ssize_t size
    Py_ssize_t capacity


cdef int append(Buffer* buffer, const char* piece, Py_ssize_t size) except -1:
    cdef Py_ssize_t needed, capacity
    cdef char* grown
    if size == 0:
        return 0
    if size > PY_SSIZE_T_MAX - buffer.size:
        raise MemoryError()  # pragma: no cover - for sizes of 32 bits
    needed = buffer.size + size
    if needed > buffer.capacity:
        # By a quarter each time: linear cost, and no more than that too much memory.
        capacity = buffer.capacity + (buffer.capacity >> 2) + 64
        if capacity < needed:
            capacity = needed
        grown = <char*> PyMem_Realloc(buffer.bytes, capacity)
        if grown is NULL:
            raise MemoryError()
        buffer.bytes = grown
        buffer.capacity = capacity
    memcpy(buffer.bytes + buffer.size, piece, size)
    buffer.size = needed
    return 0


cdef inline void free(Buffer* buffer) noexcept:
    if buffer.bytes is not NULL:
        PyMem_Free(buffer.bytes)
        buffer.bytes = NULL
        buffer.size = buffer.capacity = 0


cdef inline const char* find(const char* start, char byte, const char* end) noexcept:
    cdef const char* found
    # Between two events the next line end is the very next byte: no call for that.
    if start[0] == byte:
        return start
    found = <const char*> memchr(start, byte, end - start)
    return end if found is NULL else found


cdef inline str decode(const char* text, Py_ssize_t size):
    return PyUnicode_DecodeUTF8(text, size, "replace")


cdef object index(value, str message):
    if isinstance(value, bool):
        raise TypeError(f"{message}, not bool")
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{message}, not {type(value).__name__}") from None


cdef object contiguous_view(data):
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(f"data must be bytes-like, not {type(data).__name__}") from None
    if not view.c_contiguous:
        view.release()
        raise BufferError("data must be C-contiguous; bytes(data) makes a copy that is")
    return view


cdef int refuse(str method) except -1:
    raise RuntimeError(
        f"Parser.{method}() was called while the parser was at work, from one of its callbacks "
        f"or from another thread; a parser belongs to one stream"
    )


# The docstrings of both classes begin with a signature, in the form that CPython takes
# from the docstrings of its own built-in types: Cython gives classes none.


@cython.final
@cython.freelist(256)
cdef class Event:
    """Event(event='message', data='', id='', retry=None, raw=None, *, own_id=None, comment=None)
--

One event of a stream. Immutable; equal to another with the same fields.

    ``own_id`` and ``comment`` are no such fields: what they say stands beside the event, and is
    neither compared nor shown.

    Args:
        event: the event type.
        data: the event's data, ``str``, or ``bytes`` as they come over the wire.
        id: the last event ID when the event was dispatched.
        retry: the reconnection time in milliseconds that came with it, if one did.
        raw: the bytes it was made of.
        own_id: the ID that its own block set; then ``id`` is the same, and may be left out.
        comment: what comments said in a block without data; None where there was data.

    Raises:
        TypeError: for an argument of another type.
        ValueError: for a ``retry`` that is negative or has more than 18 digits, an
            ``own_id`` that is not the ``id``, or a ``comment`` beside data.
    """

    __match_args__ = ("event", "data", "id", "retry")

    @cython.critical_section
    def __init__(
        self, event="message", data="", id="", retry=None, raw=None, *, own_id=None, comment=None
    ):
        if self._data_bytes is not None:
            return  # immutable: a second call changes nothing
        if not isinstance(event, str):
            raise TypeError(f"event must be a str, not {type(event).__name__}")
        if not isinstance(data, (str, bytes)):
            raise TypeError(f"data must be a str or bytes, not {type(data).__name__}")
        if not isinstance(id, str):
            raise TypeError(f"id must be a str, not {type(id).__name__}")
        if retry is not None:
            retry = index(retry, "retry must be an int or None")
            if not 0 <= retry < 10**18:
                raise ValueError(f"retry must be from 0 to 18 digits of milliseconds, not {retry}")
        if raw is not None and not isinstance(raw, bytes):
            raise TypeError(f"raw must be bytes or None, not {type(raw).__name__}")
        if own_id is not None and not isinstance(own_id, str):
            raise TypeError(f"own_id must be a str or None, not {type(own_id).__name__}")
        if comment is not None and not isinstance(comment, str):
            raise TypeError(f"comment must be a str or None, not {type(comment).__name__}")
        # The exact types, whatever subclass was given, and without asking its methods.
        event = str.__str__(event)
        id = str.__str__(id)
        if own_id is not None:
            own_id = str.__str__(own_id)
            if id != "" and id != own_id:
                raise ValueError(f"own_id must be the id, which is {id!r}, not {own_id!r}")
            id = own_id
        raw = None if raw is None else memoryview(raw).tobytes()
        data = str.encode(data) if isinstance(data, str) else memoryview(data).tobytes()
        if comment is not None:
            if data:
                raise ValueError("comment must be None where there is data")
            comment = str.__str__(comment)
        if self._data_bytes is not None:
            return  # an __index__ of retry has done it meanwhile
        # All of them once and for good: they are read without a lock.
        self._event = event
        self._id = id
        self._id_is_own = own_id is not None
        self._retry = -1 if retry is None else retry
        self._raw = raw
        self._comment = comment
        self._data_bytes = data

    @property
    def event(self):
        """The event type; ``"message"`` where the server names none."""
        return self._event

    @property
    @cython.critical_section
    def data(self):
        """The data: the values of the ``data`` lines, joined by LF.

        Decoded as UTF-8 on first use; invalid sequences become U+FFFD.
        """
        if self._data is None and self._data_bytes is not None:
            self._data = decode(
                PyBytes_AS_STRING(self._data_bytes), PyBytes_GET_SIZE(self._data_bytes)
            )
        return self._data

    @property
    def data_bytes(self):
        """The data as it came, not decoded."""
        return self._data_bytes

    @property
    def id(self):
        """The last event ID of the stream when this event was dispatched.

        It is often the ``id`` of an earlier event: an ID holds until the next.
        """
        return self._id

    @property
    def own_id(self):
        """The ID that this event's own block set; None where ``id`` is an earlier event's.

        Who sends the event on writes this one, or an ID would go out with every event.
        """
        return self._id if self._id_is_own else None

    @property
    def retry(self):
        """The reconnection time in milliseconds, where this event's block set one."""
        return None if self._retry < 0 else self._retry

    @property
    def raw(self):
        """The bytes of the event's own block, with ``keep_raw=True``; else None.

        From its first comment or field to the end of its blank line, as they came. A
        block that dispatches nothing (comments, or an ``id`` without ``data``) is in the
        ``raw`` of no event.
        """
        return self._raw

    @property
    def comment(self):
        """What the comments of its block say, where that has no data; else None.

        Such blocks are events with ``dispatch_without_data=True`` alone. Of several comments
        each is a line; none at all are ``""``. Those behind the first 4,096 characters are
        left out.
        """
        return self._comment

    def json(self, loads=json_loads):
        """The data, parsed as JSON.

        Args:
            loads: what parses it; ``orjson.loads`` and ``msgspec.json.decode`` fit too.

        Raises:
            ValueError: where the data is not JSON (``json.JSONDecodeError``, or
                whatever ``loads`` raises).
        """
        return loads(self.data)

    def __eq__(self, other):
        if not isinstance(other, Event):
            return NotImplemented
        return fields(self) == fields(<Event> other)

    def __hash__(self):
        return hash(fields(self))

    def __repr__(self):
        raw = "" if self._raw is None else f", raw={self._raw!r}"
        return (
            f"Event(event={self._event!r}, data={self.data!r}, id={self._id!r}, "
            f"retry={self.retry!r}{raw})"
        )

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        return self

    def __reduce__(self):
        return restore_event, (__name__, *fields(self), self.own_id, self._comment)


cdef tuple fields(Event event):
    return event._event, event._data_bytes, event._id, event.retry, event._raw


cdef class Parser:
    """Parser(*, max_event_size=16777216, last_event_id='', on_comment=None,
on_ignored_line=None, on_ignored_value=None, keep_raw=False, dispatch_without_data=False)
--

Turns the bytes of one ``text/event-stream`` response into events.

    It does no I/O: ``feed`` it what was read, as it was read. Any chunking of a
    stream gives the same events. One parser belongs to one stream.

    Args:
        max_event_size: the most bytes that the field lines of one event may have,
            without their line ends; also the most that a comment line may have. With
            ``keep_raw`` everything in the event's block counts. None lifts the limit.
        last_event_id: the last event ID to begin with, of an earlier connection.
        on_comment: called with the text of each comment line, without its colon and
            one space behind it.
        on_ignored_line: called with each line whose field name the standard does not
            know: how one notices a body that is no event stream at all.
        on_ignored_value: called with each line whose field the standard knows, but whose
            value it ignores: a ``retry`` that is no number, an ``id`` with a NUL.
        keep_raw: give each event ``raw``, the bytes it was made of.
        dispatch_without_data: dispatch a block without ``data``, too, with empty data, if
            it sets anything: an event type, an ID, a reconnection time. The standard does
            not, but many clients do, and there are servers that count on it. Such an event
            has a ``comment``.

    Callbacks are called while ``feed`` runs, before it returns the events; ``completed``
    tells them where their line stands among those. An exception
    that one raises comes out of ``feed``; the rest of those bytes is parsed all the same,
    and the events they completed come with the next call. Of several exceptions in one
    call the first comes out.

    Raises:
        TypeError: for an option of the wrong type.
        ValueError: for a ``max_event_size`` below 1, or a ``last_event_id`` with a
            NUL, CR or LF, which no server can have sent.
    """

    # The options.
    cdef int64_t max_event_size
    cdef object on_comment
    cdef object on_ignored_line
    cdef object on_ignored_value
    cdef flag keep_raw
    cdef flag dispatch_without_data

    # The connection.
    cdef signed char bom_size  # bytes of a BOM that came so far; -1: no BOM can come any more
    cdef flag after_cr  # the last byte was a CR: a LF now belongs to it
    cdef flag lone_cr  # the last line ended in a CR without a LF (kept for keep_raw only)
    cdef flag closed
    cdef flag _truncated
    cdef flag busy  # with a call
    cdef int64_t offset  # of the next byte to come
    cdef tuple failure  # the type and arguments of the error that every call raises

    # The block: the lines up to a blank one.
    cdef Buffer line
    cdef Buffer data
    cdef Buffer raw
    cdef int64_t line_offset
    cdef int64_t block_offset
    cdef int64_t block_size  # bytes of its field lines, without line ends
    cdef int64_t block_retry
    cdef flag has_data
    cdef flag awaiting_lf  # dispatch as soon as it is known whether a LF follows
    cdef str event_type  # None where the block names none
    cdef str id_buffer  # None where the block has none
    cdef str comment  # those of a block without data so far; None where there is none

    # The stream.
    cdef str _last_event_id
    cdef int64_t _retry
    cdef str known_type  # the last event type, to be shared with the next event

    # The call.
    cdef list undelivered  # events that an exception kept from being returned
    cdef object callback_error
    cdef Py_ssize_t _completed  # its events, as a callback is to see them

    def __cinit__(self):
        self.max_event_size = PY_SSIZE_T_MAX
        self._last_event_id = NO_ID
        self._retry = self.block_retry = -1

    def __dealloc__(self):
        free(&self.line)
        free(&self.data)
        free(&self.raw)

    @cython.critical_section
    def __init__(
        self,
        *,
        max_event_size=16777216,
        last_event_id="",
        on_comment=None,
        on_ignored_line=None,
        on_ignored_value=None,
        keep_raw=False,
        dispatch_without_data=False,
    ):
        if self.busy:
            refuse("__init__")
        if max_event_size is not None:
            max_event_size = index(max_event_size, "max_event_size must be an int or None")
            if max_event_size < 1:
                raise ValueError(f"max_event_size must be at least 1 byte, not {max_event_size}")
        if not isinstance(last_event_id, str):
            raise TypeError(f"last_event_id must be a str, not {type(last_event_id).__name__}")
        # No generator: Cython's take a reference to their type that they never give back.
        if "\0" in last_event_id or "\r" in last_event_id or "\n" in last_event_id:
            raise ValueError(
                f"last_event_id must not contain NUL, CR or LF, as {last_event_id!r} does"
            )
        for name, callback in (
            ("on_comment", on_comment),
            ("on_ignored_line", on_ignored_line),
            ("on_ignored_value", on_ignored_value),
        ):
            if callback is not None and not callable(callback):
                raise TypeError(f"{name} must be callable or None, not {type(callback).__name__}")
        if max_event_size is None or max_event_size > PY_SSIZE_T_MAX:
            max_event_size = PY_SSIZE_T_MAX
        keep_raw = bool(keep_raw)
        dispatch_without_data = bool(dispatch_without_data)
        last_event_id = str.__str__(last_event_id)
        # Kept until the end: the destructor of a callback may run anything.
        _replaced = (self.on_comment, self.on_ignored_line, self.on_ignored_value)
        if self.busy:
            refuse("__init__")  # again: of all that, any may have let another thread run
        self.keep_raw = keep_raw
        self.max_event_size = max_event_size
        self.on_comment = on_comment
        self.on_ignored_line = on_ignored_line
        self.on_ignored_value = on_ignored_value
        self.dispatch_without_data = dispatch_without_data
        self._last_event_id = last_event_id
        self._retry = -1
        self.undelivered = None
        self.callback_error = None
        self.start()

    cdef void start(self) noexcept:
        self.offset = 0
        self.bom_size = 0
        self.after_cr = self.lone_cr = self.closed = self._truncated = False
        self.failure = None
        self.block_offset = 0
        self.start_block()

    cdef inline void start_block(self) noexcept:
        free(&self.line)
        free(&self.data)
        free(&self.raw)
        self.block_size = 0
        self.has_data = self.awaiting_lf = False
        self.block_retry = -1
        if self.event_type is not None:
            self.event_type = None
        if self.id_buffer is not None:
            self.id_buffer = None
        if self.comment is not None:
            self.comment = None

    @property
    @cython.critical_section
    def last_event_id(self):
        """The last event ID: what a reconnection sends as ``Last-Event-ID``.

        It changes at the blank line that ends a block, not at the ``id`` line, so the
        ID of an event that never became whole does not count.
        """
        return self._last_event_id

    @property
    @cython.critical_section
    def retry(self):
        """The reconnection time in milliseconds, None where the server set none."""
        return None if self._retry < 0 else self._retry

    @property
    @cython.critical_section
    def pending_bytes(self):
        """How many bytes of an unfinished event have come; what the limit is held against."""
        if self.raw.size:
            return self.raw.size
        return self.block_size + self.line.size + max(self.bom_size, 0)

    @property
    @cython.critical_section
    def truncated(self):
        """After ``close()``: whether the stream ended inside a line or an event.

        Also after an error that made the parser give up.
        """
        return <bint> self._truncated

    @property
    @cython.critical_section
    def failed(self):
        """Whether the parser has given up, so that the next call raises its error.

        True as soon as ``feed`` has returned the events before an event that is too large,
        and until ``reset()``.
        """
        return self.failure is not None

    @property
    @cython.critical_section
    def completed(self):
        """In a callback: how many events the call that is running has completed so far.

        So many of the events in the list that the call returns stand before the line that
        the callback was called with. 0 outside of callbacks.
        """
        return self._completed

    @cython.critical_section
    def feed(self, data):
        """Take the next bytes; return every event that they complete.

        Args:
            data: ``bytes``, ``bytearray``, ``memoryview`` or any other C-contiguous
                buffer, of any length. It is not kept.

        Raises:
            EventTooLargeError: an event broke the limit, and the events before it have
                been returned. Every call raises it until ``reset()``.
            ParserClosedError: after ``close()``.
            TypeError: ``data`` is not bytes.
            BufferError: ``data`` is a buffer that is not C-contiguous.
            RuntimeError: called from within a callback, or by two threads at a time.
        """
        cdef Py_buffer* buffer
        if self.busy:
            refuse("feed")
        if self.failure is not None:
            return self.fail()
        if self.closed:
            raise ParserClosedError()
        if type(data) is bytes:
            return self.feed_bytes(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        # A buffer may be written in Python, and so call anything, or let another thread run.
        self.busy = True
        try:
            view = contiguous_view(data)
        finally:
            self.busy = False
        if (
            self.on_comment is not None
            or self.on_ignored_line is not None
            or self.on_ignored_value is not None
        ):
            # A callback may change what it finds in a bytearray, but not under our feet.
            data = view.tobytes()
            view.release()
            return self.feed_bytes(PyBytes_AS_STRING(data), PyBytes_GET_SIZE(data))
        with view:
            buffer = PyMemoryView_GET_BUFFER(view)
            return self.feed_bytes(<const char*> buffer.buf, buffer.len)

    @cython.critical_section
    def close(self, *, dispatch_incomplete=False):
        """The stream has ended. Closing twice is harmless.

        By the standard an event without its blank line is discarded. ``truncated``
        says whether anything was.

        Args:
            dispatch_incomplete: dispatch it instead, as if the blank line had come; an
                unterminated last line counts as a line.

        Returns:
            The events that have not been returned before; nearly always none.

        Raises:
            EventTooLargeError: as ``feed`` would.
            RuntimeError: called from within a callback, or by two threads at a time.
        """
        cdef list events
        cdef bint dispatch
        if self.busy:
            refuse("close")
        if self.failure is not None:
            return self.fail()
        dispatch = bool(dispatch_incomplete)
        events = self.begin("close")
        try:
            self.end_stream(dispatch, events)
        except BaseException:
            self.lose_place(events)
            raise
        return self.settle(events)

    @cython.critical_section
    def reset(self):
        """Begin a new connection of the same stream, from any state.

        Everything unfinished is forgotten, an error is cleared, a BOM is accepted
        again. ``last_event_id`` and ``retry`` stay.

        Raises:
            RuntimeError: called from within a callback, or by two threads at a time.
        """
        cdef list events = self.begin("reset")
        try:
            if self.awaiting_lf:
                # Its blank line has come, so it is whole. It is due with the next call.
                self.end_block(self.data.bytes, self.data.size, NULL, NULL, events)
        finally:
            self.undelivered = events if events else None
            self.busy = False
        self.start()

    def __reduce__(self):
        raise TypeError("a Parser cannot be pickled or copied: it belongs to one stream")

    # Every call that may parse: begin(), then settle() or lose_place().

    cdef list feed_bytes(self, const char* chunk, Py_ssize_t size):
        cdef list events = self.begin("feed")
        try:
            self.parse(chunk, size, events)
        except BaseException:
            self.lose_place(events)
            raise
        return self.settle(events)

    cdef inline list begin(self, str method):
        """Keep everybody else out; returns what is left to deliver, to be added to."""
        # The list first: making one may collect garbage, and so run anything.
        cdef list events = []
        # Asked again: since the method was called, a __bool__ or a __release_buffer__ written
        # in Python may have let another thread begin.
        if self.busy:
            refuse(method)
        self.busy = True
        if self.undelivered is not None:
            events = self.undelivered
            self.undelivered = None
        return events

    cdef inline list settle(self, list events):
        self.busy = False
        if self.callback_error is not None:
            error = self.callback_error
            self.callback_error = None
            self.undelivered = events
            raise error
        if self.failure is not None:
            self.undelivered = events
            return self.fail()
        return events

    cdef void lose_place(self, list events) noexcept:
        # Out of memory: what has been made is kept, but where the parser stood is not
        # known any more. Nothing in here needs memory.
        self.undelivered = events
        self.callback_error = None
        self.start_block()
        self.failure = PLACE_LOST
        self._truncated = True
        self.busy = False  # last: letting go of an exception may run anything

    cdef list fail(self):
        """What is left to deliver first, then the error."""
        cdef list events = self.undelivered
        if events:
            self.undelivered = None
            return events
        error_type, arguments = self.failure
        raise error_type(*arguments)

    cdef int too_large(self, char first_byte, int64_t line_offset) except -1:
        if first_byte == c":" and not self.keep_raw:
            arguments = ("comment line", line_offset, self.max_event_size)
        else:
            arguments = ("event", self.block_offset, self.max_event_size)
        self.failure = (EventTooLargeError, arguments)
        self._truncated = True
        self.start_block()
        return 0

    cdef inline bint fits(self, char first_byte, int64_t line_size, int64_t raw_size) noexcept:
        """Hold a block with this line, whole or not, against the limit."""
        if self.keep_raw:
            return raw_size <= self.max_event_size
        if first_byte != c":":
            line_size += self.block_size
        return line_size <= self.max_event_size

    # From bytes to lines.

    cdef int parse(self, const char* chunk, Py_ssize_t size, list events) except -1:
        cdef const char* end = chunk + size
        cdef const char* p = chunk  # the next byte to read
        cdef const char* raw_start  # of the part of the block that lies in this chunk
        cdef const char* raw_end
        cdef const char* next_lf = NULL
        cdef const char* next_cr = NULL
        cdef const char* line_end
        cdef const char* block_end
        cdef const char* line
        cdef Py_ssize_t line_size
        cdef const char* value = NULL
        cdef Py_ssize_t value_size = 0
        cdef char first_byte
        cdef int64_t line_offset
        cdef bint needs_lf
        cdef bint keep_raw = self.keep_raw

        if p < end and self.bom_size >= 0:
            p = self.skip_bom(p, end)
        raw_start = p

        if p < end and self.after_cr:
            # The line ended at its CR, in an earlier chunk. A LF now belongs to it.
            self.after_cr = False
            self.lone_cr = p[0] != c"\n"
            if not self.lone_cr:
                p += 1
                if self.raw.size == 0:
                    raw_start = p
                elif not self.fits(0, 0, self.raw.size + 1):
                    return self.too_large(0, 0)
                if self.block_offset == self.offset:
                    self.block_offset += 1
            if self.awaiting_lf:
                self.end_block(self.data.bytes, self.data.size, raw_start, p, events)
                raw_start = p
                self.block_offset = self.offset + (p - chunk)

        while p < end:
            if next_lf < p:
                next_lf = find(p, c"\n", end)
            if next_cr < p:
                next_cr = find(p, c"\r", end)

            line_end = next_lf if next_lf < next_cr else next_cr

            block_end = NULL
            if line_end == next_lf:
                if next_lf + 1 < end and next_lf[1] == c"\n":
                    block_end = next_lf + 2
            elif next_cr + 1 == next_lf and next_lf + 2 < end:
                if next_lf[1] == c"\r" and next_lf[2] == c"\n":
                    block_end = next_lf + 3
            if (
                block_end is not NULL
                and self.block_size == 0
                and self.line.size == 0
                and is_data_line(p, line_end - p)
                and line_end - p <= self.max_event_size
                and self.comment is None
                and not keep_raw
            ):
                # A block of one data line, whole in this chunk, as nearly all are in most
                # streams. What follows would do the same, but takes a fifth longer.
                value = field_value(p, 4, line_end - p)
                events.append(self.make_event(value, line_end - value))
                value = NULL
                p = block_end
                self.lone_cr = False
                self.block_offset = self.offset + (p - chunk)
                continue

            # The limit is held against the line before any of it is copied.
            line_size = self.line.size + (line_end - p)
            if self.line.size == 0:
                first_byte = p[0]
                line_offset = self.offset + (p - chunk)
            else:
                first_byte = self.line.bytes[0]
                line_offset = self.line_offset
            if line_end == end:
                if not self.fits(first_byte, line_size, self.raw.size + (end - raw_start)):
                    return self.too_large(first_byte, line_offset)
                break
            if not self.fits(first_byte, line_size, self.raw.size + (line_end + 1 - raw_start)):
                return self.too_large(first_byte, line_offset)

            if self.line.size == 0:
                line = p
            else:
                append(&self.line, p, line_end - p)
                # The line is over, but its bytes stay where they are until the next append.
                line = self.line.bytes
                self.line.size = 0
            p = line_end + 1

            if line_size != 0:
                if not is_data_line(line, line_size):
                    self.process_line(line, line_size, events)
                elif not self.has_data:
                    self.has_data = True
                    self.block_size += line_size
                    value = field_value(line, 4, line_size)
                    value_size = line + line_size - value
                else:
                    if value is not NULL:
                        append(&self.data, value, value_size)
                        value = NULL
                    self.process_line(line, line_size, events)

            needs_lf = False
            if line_end[0] == c"\n":
                self.lone_cr = False
            else:
                # A CR ends its line at once, so a LF is no part of raw, but for this:
                needs_lf = line_size == 0 and self.raw_needs_lf()
                if p == end:
                    self.after_cr = True
                    if needs_lf:
                        self.awaiting_lf = True
                        break
                else:
                    self.lone_cr = p[0] != c"\n"
                    if not self.lone_cr:
                        p += 1
                        if line_size != 0 or needs_lf:
                            if not self.fits(0, 0, self.raw.size + (p - raw_start)):
                                return self.too_large(0, 0)

            if line_size == 0:
                if value is NULL:
                    value = self.data.bytes
                    value_size = self.data.size
                raw_end = p if needs_lf else line_end + 1
                self.end_block(value, value_size, raw_start, raw_end, events)
                value = NULL
                raw_start = p
                self.block_offset = self.offset + (p - chunk)

        # What this chunk leaves unfinished.
        if value is not NULL:
            append(&self.data, value, value_size)
        if self.line.size == 0:
            free(&self.line)
            self.line_offset = self.offset + (p - chunk)
        append(&self.line, p, end - p)
        if self.keep_raw:
            append(&self.raw, raw_start, end - raw_start)
        self.offset += size
        return 0

    cdef const char* skip_bom(self, const char* p, const char* end) except NULL:
        """One BOM at the very start is dropped, also when it comes in pieces."""
        while p < end:
            if p[0] != BOM[self.bom_size]:
                # Not a BOM after all: the first line begins with what looked like one.
                append(&self.line, BOM, self.bom_size)
                if self.keep_raw:
                    append(&self.raw, BOM, self.bom_size)
                self.bom_size = -1
                break
            p += 1
            self.bom_size += 1
            if self.bom_size == 3:
                self.bom_size = -1
                self.block_offset = 3
                break
        return p

    cdef inline bint raw_needs_lf(self) noexcept:
        """Whether the CR of a blank line must wait for its LF before the event goes out.

        Only for ``raw``, which has to end in the whole CRLF wherever the bytes are cut.
        A stream that ends its lines in a lone CR never waits.
        """
        return self.keep_raw and self.dispatches() and not self.lone_cr

    # From lines to events.

    cdef int process_line(self, const char* line, Py_ssize_t size, list events) except -1:
        cdef const char* colon
        cdef const char* value
        cdef Py_ssize_t name_size
        cdef Py_ssize_t value_size
        cdef int64_t retry

        if line[0] == c":":
            value = field_value(line, 0, size)
            if self.dispatch_without_data and not self.has_data:
                self.note_comment(value, line + size - value)
            if self.on_comment is not None:
                self.call(self.on_comment, value, line + size - value, events)
            return 0
        self.block_size += size
        colon = <const char*> memchr(line, c":", size)
        name_size = size if colon is NULL else colon - line
        value = field_value(line, name_size, size)
        value_size = line + size - value
        if name_size == 4 and memcmp(line, b"data", 4) == 0:
            if self.has_data:
                append(&self.data, b"\n", 1)
            append(&self.data, value, value_size)
            self.has_data = True
        elif name_size == 5 and memcmp(line, b"event", 5) == 0:
            self.event_type = self.shared_type(value, value_size) if value_size else None
        elif name_size == 2 and memcmp(line, b"id", 2) == 0:
            if memchr(value, 0, value_size) is NULL:
                self.id_buffer = decode(value, value_size)
            elif self.on_ignored_value is not None:
                self.call(self.on_ignored_value, line, size, events)
        elif name_size == 5 and memcmp(line, b"retry", 5) == 0:
            retry = parse_retry(value, value_size)
            if retry >= 0:
                self._retry = self.block_retry = retry
            elif self.on_ignored_value is not None:
                self.call(self.on_ignored_value, line, size, events)
        elif self.on_ignored_line is not None:
            self.call(self.on_ignored_line, line, size, events)
        return 0

    cdef int note_comment(self, const char* text, Py_ssize_t size) except -1:
        if self.comment is None:
            self.comment = decode(text, size)
        elif len(self.comment) <= LONGEST_COMMENT:
            self.comment = f"{self.comment}\n{decode(text, size)}"
        return 0

    cdef str shared_type(self, const char* name, Py_ssize_t size):
        """The event type, as the same object if it is the last event's: most streams have few."""
        cdef const char* known
        cdef Py_ssize_t known_size = 0
        if self.known_type is not None:
            known = PyUnicode_AsUTF8AndSize(self.known_type, &known_size)
            if known_size == size and memcmp(known, name, size) == 0:
                return self.known_type
        event_type = decode(name, size)
        self.known_type = event_type if size <= LONGEST_SHARED_TYPE else None
        return event_type

    cdef inline bint dispatches(self) noexcept:
        """Whether the block, should it end here, is an event."""
        return self.has_data or (
            self.dispatch_without_data
            and (
                self.event_type is not None
                or self.id_buffer is not None
                or self.block_retry >= 0
            )
        )

    cdef inline int end_block(
        self,
        const char* data,
        Py_ssize_t size,
        const char* raw_start,
        const char* raw_end,
        list events,
    ) except -1:
        cdef Event event
        # The ID first: it holds for a block without data too.
        if self.id_buffer is not None:
            self._last_event_id = self.id_buffer
        if self.dispatches():
            event = self.make_event(data, size)
            event._id_is_own = self.id_buffer is not None
            if not self.has_data:
                event._comment = NO_COMMENT if self.comment is None else self.comment
            if self.keep_raw:
                append(&self.raw, raw_start, raw_end - raw_start)
                event._raw = PyBytes_FromStringAndSize(self.raw.bytes, self.raw.size)
            events.append(event)
        self.start_block()
        return 0

    cdef inline Event make_event(self, const char* data, Py_ssize_t size):
        cdef Event event = Event.__new__(Event)
        event._data_bytes = PyBytes_FromStringAndSize(data, size)
        event._event = MESSAGE if self.event_type is None else self.event_type
        event._id = self._last_event_id
        event._retry = self.block_retry
        return event

    cdef int end_stream(self, bint dispatch_incomplete, list events) except -1:
        if self.closed:
            return 0
        self.closed = True
        if self.awaiting_lf:
            self.end_block(self.data.bytes, self.data.size, NULL, NULL, events)
        if self.bom_size > 0:
            append(&self.line, BOM, self.bom_size)
            self.line_offset = 0
            if self.keep_raw:
                append(&self.raw, BOM, self.bom_size)
            self.bom_size = -1
        self._truncated = self.line.size > 0 or self.block_size > 0
        if dispatch_incomplete:
            if self.line.size:
                if not self.fits(self.line.bytes[0], self.line.size, self.raw.size):
                    return self.too_large(self.line.bytes[0], self.line_offset)
                self.process_line(self.line.bytes, self.line.size, events)
            self.end_block(self.data.bytes, self.data.size, NULL, NULL, events)
        self.start_block()
        return 0

    cdef int call(
        self, object callback, const char* text, Py_ssize_t size, list events
    ) except -1:
        string = decode(text, size)
        self._completed = len(events)
        try:
            callback(string)
        except BaseException as error:
            # The first one comes out of feed() when its bytes are parsed, but nothing may
            # swallow a KeyboardInterrupt.
            if self.callback_error is None or not isinstance(error, Exception):
                self.callback_error = error
        self._completed = 0
        return 0


cdef inline bint is_data_line(const char* line, Py_ssize_t size) noexcept:
    return size >= 4 and memcmp(line, b"data", 4) == 0 and (size == 4 or line[4] == c":")


cdef inline const char* field_value(
    const char* line, Py_ssize_t name_size, Py_ssize_t size
) noexcept:
    """Where the value begins: behind the colon, if there is one, and behind one space."""
    cdef const char* value = line + name_size
    cdef const char* end = line + size
    if value < end:
        value += 1
        if value < end and value[0] == c" ":
            value += 1
    return value


cdef int64_t parse_retry(const char* digits, Py_ssize_t size) noexcept:
    """The milliseconds, or -1 where it is anything but 1 to 18 ASCII digits."""
    cdef int64_t retry = 0
    cdef Py_ssize_t i
    if not 1 <= size <= 18:
        return -1
    for i in range(size):
        if not c"0" <= digits[i] <= c"9":
            return -1
        retry = retry * 10 + (digits[i] - c"0")
    return retry
