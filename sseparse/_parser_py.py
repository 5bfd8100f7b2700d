"""The parser in readable Python: the reference, and the fallback without a compiler.

It does what ``_parser_c.pyx`` does, call for call and message for message, and is
written to be compared with the standard, whose words it uses. Its source:
https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation

How it works. Bytes come in chunks that may end anywhere: inside a line, inside a
character, between a CR and its LF. What a chunk leaves unfinished waits in ``_line``;
each line that ends goes through ``_process_line``, and a blank one through
``_end_block``, which dispatches the event. Nothing is decoded before its line is
whole, and CR, LF and ":" are never part of a longer UTF-8 sequence, so a cut inside a
character needs no care at all.
"""

from __future__ import annotations

import json
import operator
import re
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn, final

from ._errors import EventTooLargeError, ParserClosedError, SSEError
from ._pickle import restore_event

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Buffer

__all__ = ["Event", "Parser"]

_BOM = b"\xef\xbb\xbf"
_LF = 0x0A
_PLACE_LOST = (
    "the parser was interrupted and has lost its place in the stream; call reset() to begin "
    "a new connection",
)
_RETRY = re.compile(rb"[0-9]{1,18}")
# The comments of a block that are longer than this get no longer.
_LONGEST_COMMENT = 4096


def _decode(text: bytes | bytearray) -> str:
    """UTF-8, whatever the response's charset says; what is invalid becomes U+FFFD."""
    return text.decode("utf-8", "replace")


@final
class Event:
    """One event of a stream. Immutable; equal to another with the same fields.

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

    __slots__ = (
        "_comment",
        "_data",
        "_data_bytes",
        "_event",
        "_id",
        "_own_id",
        "_raw",
        "_retry",
    )
    __match_args__ = ("event", "data", "id", "retry")

    _event: str
    _data: str | None
    _data_bytes: bytes
    _id: str
    _own_id: str | None
    _retry: int | None
    _raw: bytes | None
    _comment: str | None

    def __new__(
        cls,
        event: str = "message",
        data: str | bytes = "",
        id: str = "",
        retry: int | None = None,
        raw: bytes | None = None,
        *,
        own_id: str | None = None,
        comment: str | None = None,
    ) -> Event:
        if not isinstance(event, str):
            raise TypeError(f"event must be a str, not {type(event).__name__}")
        if not isinstance(data, (str, bytes)):
            raise TypeError(f"data must be a str or bytes, not {type(data).__name__}")
        if not isinstance(id, str):
            raise TypeError(f"id must be a str, not {type(id).__name__}")
        if retry is not None:
            retry = _index(retry, "retry must be an int or None")
            if not 0 <= retry < 10**18:
                raise ValueError(f"retry must be from 0 to 18 digits of milliseconds, not {retry}")
        if raw is not None and not isinstance(raw, bytes):
            raise TypeError(f"raw must be bytes or None, not {type(raw).__name__}")
        if own_id is not None and not isinstance(own_id, str):
            raise TypeError(f"own_id must be a str or None, not {type(own_id).__name__}")
        if comment is not None and not isinstance(comment, str):
            raise TypeError(f"comment must be a str or None, not {type(comment).__name__}")
        # The exact types, whatever subclass was given, and without asking its methods.
        id = str.__str__(id)
        if own_id is not None:
            own_id = str.__str__(own_id)
            if id not in ("", own_id):
                raise ValueError(f"own_id must be the id, which is {id!r}, not {own_id!r}")
            id = own_id
        data = str.encode(data) if isinstance(data, str) else memoryview(data).tobytes()
        if comment is not None:
            if data:
                raise ValueError("comment must be None where there is data")
            comment = str.__str__(comment)
        return _make_event(
            str.__str__(event),
            data,
            id,
            own_id,
            retry,
            None if raw is None else memoryview(raw).tobytes(),
            comment,
        )

    @property
    def event(self) -> str:
        """The event type; ``"message"`` where the server names none."""
        return self._event

    @property
    def data(self) -> str:
        """The data: the values of the ``data`` lines, joined by LF.

        Decoded as UTF-8 on first use; invalid sequences become U+FFFD.
        """
        if self._data is None:
            self._data = _decode(self._data_bytes)
        return self._data

    @property
    def data_bytes(self) -> bytes:
        """The data as it came, not decoded."""
        return self._data_bytes

    @property
    def id(self) -> str:
        """The last event ID of the stream when this event was dispatched.

        It is often the ``id`` of an earlier event: an ID holds until the next.
        """
        return self._id

    @property
    def own_id(self) -> str | None:
        """The ID that this event's own block set; None where ``id`` is an earlier event's.

        Who sends the event on writes this one, or an ID would go out with every event.
        """
        return self._own_id

    @property
    def retry(self) -> int | None:
        """The reconnection time in milliseconds, where this event's block set one."""
        return self._retry

    @property
    def raw(self) -> bytes | None:
        """The bytes of the event's own block, with ``keep_raw=True``; else None.

        From its first comment or field to the end of its blank line, as they came. A
        block that dispatches nothing (comments, or an ``id`` without ``data``) is in the
        ``raw`` of no event.
        """
        return self._raw

    @property
    def comment(self) -> str | None:
        """What the comments of its block say, where that has no data; else None.

        Such blocks are events with ``dispatch_without_data=True`` alone. Of several comments
        each is a line; none at all are ``""``. Those behind the first 4,096 characters are
        left out.
        """
        return self._comment

    def json(self, loads: Callable[[str], Any] = json.loads) -> Any:
        """The data, parsed as JSON.

        Args:
            loads: what parses it; ``orjson.loads`` and ``msgspec.json.decode`` fit too.

        Raises:
            ValueError: where the data is not JSON (``json.JSONDecodeError``, or
                whatever ``loads`` raises).
        """
        return loads(self.data)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Event):
            return NotImplemented
        return self._fields() == other._fields()

    def __hash__(self) -> int:
        return hash(self._fields())

    def __repr__(self) -> str:
        raw = "" if self._raw is None else f", raw={self._raw!r}"
        return (
            f"Event(event={self._event!r}, data={self.data!r}, id={self._id!r}, "
            f"retry={self._retry!r}{raw})"
        )

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("Event is final: it cannot be subclassed")

    def __copy__(self) -> Event:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Event:
        return self

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return restore_event, (__name__, *self._fields(), self._own_id, self._comment)

    def _fields(self) -> tuple[str, bytes, str, int | None, bytes | None]:
        return self._event, self._data_bytes, self._id, self._retry, self._raw


def _make_event(
    event_type: str,
    data: bytes,
    id: str,
    own_id: str | None,
    retry: int | None,
    raw: bytes | None,
    comment: str | None,
) -> Event:
    """An event of fields that need no checking: what the parser makes."""
    event = object.__new__(Event)
    event._event = event_type
    event._data = None
    event._data_bytes = data
    event._id = id
    event._own_id = own_id
    event._retry = retry
    event._raw = raw
    event._comment = comment
    return event


class Parser:
    """Turns the bytes of one ``text/event-stream`` response into events.

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

    __slots__ = (
        "_after_cr",
        "_at_start",
        "_at_work",
        "_awaiting_lf",
        "_block_offset",
        "_block_retry",
        "_block_size",
        "_callback_error",
        "_closed",
        "_comment",
        "_completed",
        "_data",
        "_dispatch_without_data",
        "_event_type",
        "_failure",
        "_has_data",
        "_id_buffer",
        "_keep_raw",
        "_last_event_id",
        "_line",
        "_line_offset",
        "_lone_cr",
        "_max_event_size",
        "_offset",
        "_on_comment",
        "_on_ignored_line",
        "_on_ignored_value",
        "_raw",
        "_retry",
        "_truncated",
        "_undelivered",
    )

    def __init__(
        self,
        *,
        max_event_size: int | None = 16777216,
        last_event_id: str = "",
        on_comment: Callable[[str], object] | None = None,
        on_ignored_line: Callable[[str], object] | None = None,
        on_ignored_value: Callable[[str], object] | None = None,
        keep_raw: bool = False,
        dispatch_without_data: bool = False,
    ) -> None:
        if not hasattr(self, "_at_work"):
            # Turns away whoever calls back from a callback, or from another thread.
            self._at_work = Lock()
        if self._at_work.locked():
            _refuse("__init__")
        if max_event_size is not None:
            max_event_size = _index(max_event_size, "max_event_size must be an int or None")
            if max_event_size < 1:
                raise ValueError(f"max_event_size must be at least 1 byte, not {max_event_size}")
        if not isinstance(last_event_id, str):
            raise TypeError(f"last_event_id must be a str, not {type(last_event_id).__name__}")
        if any(character in last_event_id for character in "\0\r\n"):
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
        keep_raw = bool(keep_raw)
        dispatch_without_data = bool(dispatch_without_data)
        last_event_id = str.__str__(last_event_id)
        self._begin("__init__")
        try:
            self._keep_raw = keep_raw
            self._max_event_size = max_event_size
            self._on_comment = on_comment
            self._on_ignored_line = on_ignored_line
            self._on_ignored_value = on_ignored_value
            self._dispatch_without_data = dispatch_without_data
            self._last_event_id = last_event_id
            self._retry: int | None = None
            # Events that an exception kept from being returned.
            self._undelivered: list[Event] = []
            self._callback_error: BaseException | None = None
            self._completed = 0  # events of the call, as a callback is to see them
            self._start()
        finally:
            self._at_work.release()

    def _start(self) -> None:
        """Everything that belongs to one connection."""
        self._offset = 0  # in the connection, of the next byte to come
        self._at_start = True  # a BOM may still come; a part of one waits in _line
        self._after_cr = False  # the last byte was a CR: a LF now belongs to it
        self._lone_cr = False  # the last line ended in a CR without a LF
        self._closed = False
        self._truncated = False
        self._failure: tuple[type[SSEError], tuple[Any, ...]] | None = None
        self._start_block()

    def _start_block(self) -> None:
        """Everything that belongs to one block: the lines up to a blank one."""
        self._line = bytearray()  # the line that has not ended
        self._line_offset = 0
        self._block_offset: int | None = None  # known from its first line on
        self._block_size = 0  # bytes of its field lines, without line ends
        self._data = bytearray()
        self._has_data = False
        self._comment: str | None = None
        self._event_type = ""
        self._id_buffer: str | None = None
        self._block_retry: int | None = None
        self._raw = bytearray()
        self._awaiting_lf = False  # dispatch as soon as it is known whether a LF follows

    @property
    def last_event_id(self) -> str:
        """The last event ID: what a reconnection sends as ``Last-Event-ID``.

        It changes at the blank line that ends a block, not at the ``id`` line, so the
        ID of an event that never became whole does not count.
        """
        return self._last_event_id

    @property
    def retry(self) -> int | None:
        """The reconnection time in milliseconds, None where the server set none."""
        return self._retry

    @property
    def pending_bytes(self) -> int:
        """How many bytes of an unfinished event have come; what the limit is held against."""
        return len(self._raw) if self._raw else self._block_size + len(self._line)

    @property
    def truncated(self) -> bool:
        """After ``close()``: whether the stream ended inside a line or an event.

        Also after an error that made the parser give up.
        """
        return self._truncated

    @property
    def failed(self) -> bool:
        """Whether the parser has given up, so that the next call raises its error.

        True as soon as ``feed`` has returned the events before an event that is too large,
        and until ``reset()``.
        """
        return self._failure is not None

    @property
    def completed(self) -> int:
        """In a callback: how many events the call that is running has completed so far.

        So many of the events in the list that the call returns stand before the line that
        the callback was called with. 0 outside of callbacks.
        """
        return self._completed

    def feed(self, data: Buffer) -> list[Event]:
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
        self._begin("feed")
        try:
            if self._failure is not None:
                return self._fail()
            if self._closed:
                raise ParserClosedError()
            return self._run(self._parse, _to_bytes(data))
        finally:
            self._at_work.release()

    def close(self, *, dispatch_incomplete: bool = False) -> list[Event]:
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
        self._begin("close")
        try:
            if self._failure is not None:
                return self._fail()
            return self._run(self._end_stream, bool(dispatch_incomplete))
        finally:
            self._at_work.release()

    def reset(self) -> None:
        """Begin a new connection of the same stream, from any state.

        Everything unfinished is forgotten, an error is cleared, a BOM is accepted
        again. ``last_event_id`` and ``retry`` stay.

        Raises:
            RuntimeError: called from within a callback, or by two threads at a time.
        """
        self._begin("reset")
        try:
            if self._awaiting_lf:
                # Its blank line has come, so it is whole. It is due with the next call.
                self._end_block(self._undelivered)
            self._start()
        finally:
            self._at_work.release()

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Parser cannot be pickled or copied: it belongs to one stream")

    def _begin(self, method: str) -> None:
        """Keep everybody else out, until the lock is released."""
        # A lock, not a flag: between looking at a flag and setting it another thread may run.
        if not self._at_work.acquire(blocking=False):
            _refuse(method)

    # Every call that may parse goes through here. It decides what is returned now, what
    # is raised now, and what waits for the next call, so that no event is ever lost.

    def _run(self, parse: Callable[[Any, list[Event]], None], argument: object) -> list[Event]:
        events, self._undelivered = self._undelivered, []
        try:
            parse(argument, events)
        except EventTooLargeError as error:
            self._set_failure(type(error), error.args)
        except BaseException:
            # Out of memory, or a signal: where the parser stood is not known any more.
            self._set_failure(SSEError, _PLACE_LOST)
            self._undelivered = events
            self._callback_error = None
            raise
        if self._callback_error is not None:
            callback_error, self._callback_error = self._callback_error, None
            self._undelivered = events
            try:
                raise callback_error
            finally:
                del callback_error  # its traceback leads here
        if self._failure is not None:
            self._undelivered = events
            return self._fail()
        return events

    def _set_failure(self, error_type: type[SSEError], arguments: tuple[Any, ...]) -> None:
        # Not the exception itself: raised again and again, it would collect tracebacks.
        self._failure = error_type, arguments
        self._truncated = True
        self._start_block()

    def _fail(self) -> list[Event]:
        """What is left to deliver first, then the error."""
        if self._undelivered:
            events, self._undelivered = self._undelivered, []
            return events
        assert self._failure is not None
        error_type, arguments = self._failure
        raise error_type(*arguments)

    # From bytes to lines.

    def _parse(self, chunk: bytes, events: list[Event]) -> None:
        position = self._skip_bom(chunk) if self._at_start else 0

        if self._after_cr and position < len(chunk):
            # The line ended at its CR, in an earlier chunk. A LF now belongs to it.
            self._after_cr = False
            self._lone_cr = chunk[position] != _LF
            if not self._lone_cr:
                position += 1
                if self._raw:
                    self._append_raw(b"\n")
            if self._awaiting_lf:
                self._end_block(events)

        # Of both, and each looked for again only once it is passed: a stream without CR
        # would otherwise be searched to the end of the chunk at every line.
        next_lf = next_cr = -1
        while position < len(chunk):
            if not self._line:
                self._line_offset = self._offset + position
                if self._block_offset is None:
                    self._block_offset = self._line_offset
            if next_lf < position:
                next_lf = _find(chunk, b"\n", position)
            if next_cr < position:
                next_cr = _find(chunk, b"\r", position)
            end = min(next_lf, next_cr)
            line = chunk[position:end]
            if end == len(chunk):
                self._line += line
                self._append_raw(line)
                self._check_size(self._line)
                break
            if self._line:
                line = bytes(self._line) + line
                self._line = bytearray()
            if self._keep_raw:
                self._append_raw(chunk[position : end + 1])
            self._check_size(line)
            if line:
                self._process_line(line, events)
            if end == next_cr:
                position = self._finish_cr(chunk, end + 1, is_blank=not line, events=events)
                continue
            position = end + 1
            self._lone_cr = False
            if not line:
                self._end_block(events)

        self._offset += len(chunk)

    def _skip_bom(self, chunk: bytes) -> int:
        """One BOM at the very start is dropped, also when it comes in pieces."""
        for position, byte in enumerate(chunk):
            if byte != _BOM[len(self._line)]:
                # Not a BOM after all: the first line begins with what looked like one.
                self._at_start = False
                self._append_raw(bytes(self._line))
                if self._line:
                    self._block_offset = self._line_offset = 0
                return position
            self._line.append(byte)
            if len(self._line) == len(_BOM):
                self._at_start = False
                self._line = bytearray()
                return position + 1
        return len(chunk)

    def _finish_cr(
        self, chunk: bytes, position: int, *, is_blank: bool, events: list[Event]
    ) -> int:
        """Deal with what follows the CR of a line; return where the next line begins."""
        is_cut = position == len(chunk)
        is_crlf = not is_cut and chunk[position] == _LF
        needs_lf = is_blank and self._raw_needs_lf()
        if is_blank and not needs_lf:
            # A CR ends its line at once. Should a LF follow, it is no part of raw.
            self._end_block(events)
        if is_crlf:
            position += 1
            if self._raw:
                self._append_raw(b"\n")
        if needs_lf and is_cut:
            self._awaiting_lf = True
        elif needs_lf:
            self._end_block(events)
        self._after_cr = is_cut
        self._lone_cr = not is_crlf
        return position

    def _raw_needs_lf(self) -> bool:
        """Whether the CR of a blank line must wait for its LF before the event goes out.

        Only for ``raw``, which has to end in the whole CRLF wherever the bytes are cut.
        A stream that ends its lines in a lone CR never waits.
        """
        return self._keep_raw and self._dispatches() and not self._lone_cr

    def _append_raw(self, piece: bytes) -> None:
        if not self._keep_raw:
            return
        self._raw += piece
        if self._max_event_size is not None and len(self._raw) > self._max_event_size:
            raise EventTooLargeError("event", self._block_offset or 0, self._max_event_size)

    def _check_size(self, line: bytes | bytearray) -> None:
        """Hold the block with this line, whole or not, against the limit."""
        if self._max_event_size is None or self._keep_raw:
            return
        if line.startswith(b":"):
            if len(line) > self._max_event_size:
                raise EventTooLargeError("comment line", self._line_offset, self._max_event_size)
        elif self._block_size + len(line) > self._max_event_size:
            raise EventTooLargeError("event", self._block_offset or 0, self._max_event_size)

    # From lines to events: the standard, sentence by sentence.

    def _process_line(self, line: bytes, events: list[Event]) -> None:
        if line.startswith(b":"):
            # "If the line starts with a U+003A COLON character (:): Ignore the line."
            text = line[2:] if line[1:2] == b" " else line[1:]
            if self._dispatch_without_data and not self._has_data:
                self._note_comment(text)
            if self._on_comment is not None:
                self._call(self._on_comment, text, events)
            return
        # "Collect the characters on the line before the first COLON, and let field be that
        # string. Collect those after it, and let value be that string. If value starts
        # with a SPACE, remove it." Without a colon the whole line is the field name.
        self._block_size += len(line)
        field, _, value = line.partition(b":")
        if value.startswith(b" "):
            value = value[1:]
        if field == b"data":
            # "Append the field value to the data buffer, then append a single LF." The LF
            # is written before the next value here, for want of one to strip at the end.
            if self._has_data:
                self._data += b"\n"
            self._data += value
            self._has_data = True
        elif field == b"event":
            # "Set the event type buffer to the field value."
            self._event_type = _decode(value)
        elif field == b"id":
            # "If the field value does not contain NULL, then set the last event ID buffer
            # to the field value. Otherwise, ignore the field."
            if b"\0" not in value:
                self._id_buffer = _decode(value)
            elif self._on_ignored_value is not None:
                self._call(self._on_ignored_value, line, events)
        elif field == b"retry":
            # "If the field value consists of only ASCII digits": at most 18 of them here,
            # 30 million years; more would not fit in 64 bits.
            if _RETRY.fullmatch(value):
                self._retry = self._block_retry = int(value)
            elif self._on_ignored_value is not None:
                self._call(self._on_ignored_value, line, events)
        # "Otherwise: The field is ignored."
        elif self._on_ignored_line is not None:
            self._call(self._on_ignored_line, line, events)

    def _note_comment(self, text: bytes) -> None:
        """Keep what a comment says, for the event of a block without data."""
        if self._comment is None:
            self._comment = _decode(text)
        elif len(self._comment) <= _LONGEST_COMMENT:
            self._comment = f"{self._comment}\n{_decode(text)}"

    def _end_block(self, events: list[Event]) -> None:
        """A blank line: "Dispatch the event"."""
        # "Set the last event ID string of the event source to the value of the last event
        # ID buffer." That comes first, so it holds for a block without data too.
        if self._id_buffer is not None:
            self._last_event_id = self._id_buffer
        # "If the data buffer is an empty string, set the data buffer and the event type
        # buffer to the empty string and return." An empty data line leaves a LF in it.
        if self._dispatches():
            events.append(
                _make_event(
                    self._event_type or "message",
                    bytes(self._data),
                    self._last_event_id,
                    self._id_buffer,
                    self._block_retry,
                    bytes(self._raw) if self._keep_raw else None,
                    None if self._has_data else self._comment or "",
                )
            )
        self._start_block()

    def _dispatches(self) -> bool:
        """Whether the block, should it end here, is an event."""
        return self._has_data or (
            self._dispatch_without_data
            and (
                self._event_type != ""
                or self._id_buffer is not None
                or self._block_retry is not None
            )
        )

    def _end_stream(self, dispatch_incomplete: bool, events: list[Event]) -> None:
        if self._closed:
            return
        self._closed = True
        if self._awaiting_lf:
            self._end_block(events)
        self._truncated = bool(self._line) or self._block_size > 0
        if dispatch_incomplete:
            line = bytes(self._line)
            if self._at_start:
                self._append_raw(line)
            self._check_size(line)
            if line:
                self._process_line(line, events)
            self._end_block(events)
        # "Once the end of the file is reached, any pending data must be discarded."
        self._start_block()

    def _call(self, callback: Callable[[str], object], text: bytes, events: list[Event]) -> None:
        string = _decode(text)
        self._completed = len(events)
        try:
            callback(string)
        except BaseException as error:
            # The first one comes out of feed() when its bytes are parsed, but nothing may
            # swallow a KeyboardInterrupt.
            if self._callback_error is None or not isinstance(error, Exception):
                self._callback_error = error
        self._completed = 0


def _find(chunk: bytes, byte: bytes, start: int) -> int:
    """Where the byte comes next; the end of the chunk where it does not."""
    position = chunk.find(byte, start)
    return len(chunk) if position < 0 else position


def _to_bytes(data: Buffer) -> bytes:
    if type(data) is bytes:
        return data
    try:
        view = memoryview(data)
    except TypeError:
        raise TypeError(f"data must be bytes-like, not {type(data).__name__}") from None
    with view:
        if not view.c_contiguous:
            raise BufferError("data must be C-contiguous; bytes(data) makes a copy that is")
        return view.tobytes()


def _index(value: object, message: str) -> int:
    if isinstance(value, bool):
        raise TypeError(f"{message}, not bool")
    try:
        return operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{message}, not {type(value).__name__}") from None


def _refuse(method: str) -> NoReturn:
    raise RuntimeError(
        f"Parser.{method}() was called while the parser was at work, from one of its callbacks "
        f"or from another thread; a parser belongs to one stream"
    )
