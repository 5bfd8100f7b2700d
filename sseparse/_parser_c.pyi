"""The types of the parser, for people and type checkers; the docstrings are those at run time."""

from collections.abc import Callable
from typing import Any, NoReturn, final

from typing_extensions import Buffer, disjoint_base

__all__ = ["Event", "Parser"]

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

    __match_args__ = ("event", "data", "id", "retry")

    def __init__(
        self,
        event: str = "message",
        data: str | bytes = "",
        id: str = "",
        retry: int | None = None,
        raw: bytes | None = None,
        *,
        own_id: str | None = None,
        comment: str | None = None,
    ) -> None: ...
    @property
    def event(self) -> str:
        """The event type; ``"message"`` where the server names none."""

    @property
    def data(self) -> str:
        """The data: the values of the ``data`` lines, joined by LF.

        Decoded as UTF-8 on first use; invalid sequences become U+FFFD.
        """

    @property
    def data_bytes(self) -> bytes:
        """The data as it came, not decoded."""

    @property
    def id(self) -> str:
        """The last event ID of the stream when this event was dispatched.

        It is often the ``id`` of an earlier event: an ID holds until the next.
        """

    @property
    def own_id(self) -> str | None:
        """The ID that this event's own block set; None where ``id`` is an earlier event's.

        Who sends the event on writes this one, or an ID would go out with every event.
        """

    @property
    def retry(self) -> int | None:
        """The reconnection time in milliseconds, where this event's block set one."""

    @property
    def raw(self) -> bytes | None:
        """The bytes of the event's own block, with ``keep_raw=True``; else None.

        From its first comment or field to the end of its blank line, as they came. A
        block that dispatches nothing (comments, or an ``id`` without ``data``) is in the
        ``raw`` of no event.
        """

    @property
    def comment(self) -> str | None:
        """What the comments of its block say, where that has no data; else None.

        Such blocks are events with ``dispatch_without_data=True`` alone. Of several comments
        each is a line; none at all are ``""``. Those behind the first 4,096 characters are
        left out.
        """

    def json(self, loads: Callable[[str], Any] = ...) -> Any:
        """The data, parsed as JSON.

        Args:
            loads: what parses it; ``orjson.loads`` and ``msgspec.json.decode`` fit too.

        Raises:
            ValueError: where the data is not JSON (``json.JSONDecodeError``, or
                whatever ``loads`` raises).
        """

    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Event: ...
    def __deepcopy__(self, memo: dict[int, Any]) -> Event: ...
    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]: ...

@disjoint_base
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
    ) -> None: ...
    @property
    def last_event_id(self) -> str:
        """The last event ID: what a reconnection sends as ``Last-Event-ID``.

        It changes at the blank line that ends a block, not at the ``id`` line, so the
        ID of an event that never became whole does not count.
        """

    @property
    def retry(self) -> int | None:
        """The reconnection time in milliseconds, None where the server set none."""

    @property
    def pending_bytes(self) -> int:
        """How many bytes of an unfinished event have come; what the limit is held against."""

    @property
    def truncated(self) -> bool:
        """After ``close()``: whether the stream ended inside a line or an event.

        Also after an error that made the parser give up.
        """

    @property
    def failed(self) -> bool:
        """Whether the parser has given up, so that the next call raises its error.

        True as soon as ``feed`` has returned the events before an event that is too large,
        and until ``reset()``.
        """

    @property
    def completed(self) -> int:
        """In a callback: how many events the call that is running has completed so far.

        So many of the events in the list that the call returns stand before the line that
        the callback was called with. 0 outside of callbacks.
        """

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

    def reset(self) -> None:
        """Begin a new connection of the same stream, from any state.

        Everything unfinished is forgotten, an error is cleared, a BOM is accepted
        again. ``last_event_id`` and ``retry`` stay.

        Raises:
            RuntimeError: called from within a callback, or by two threads at a time.
        """

    def __reduce__(self) -> NoReturn: ...
