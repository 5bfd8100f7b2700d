"""The other direction: events and comments as the bytes of an event stream.

A block written as an f-string goes wrong where a value has a line break: in the data it changes the
event, in a name it begins another field, or an event of somebody else's making. Here the data's
lines become lines of their own, and whatever a value cannot be written as is refused.
"""

from __future__ import annotations

__all__ = ["encode_comment", "encode_event"]

# The standard takes any number of digits; parsers, this one too, take no more than these.
_RETRY_END = 10**18


def encode_event(
    data: str | bytes | None = None,
    *,
    event: str | None = None,
    id: str | None = None,
    retry: int | None = None,
) -> bytes:
    r"""The bytes of one event, with its blank line.

    ``Parser().feed(encode_event(...))`` is exactly one event with the same fields. (Without
    data it is none: such a block sets the ID or the reconnection time.)

    It is written as "Parsing an event stream" and "Interpreting an event stream" of the WHATWG
    standard (sections 9.2.5 and 9.2.6) read it: CRLF, CR and LF end a line, so each of them ends
    a line of the data, and comes out as LF; one space behind a colon is no part of a value, so
    there is always one.

    Args:
        data: the data: a ``data`` line for each of its lines, ``""`` being one, and None having
            none. ``bytes`` are written as they are, and should be UTF-8.
        event: the event type. None and ``"message"``, which is the type of an event that names
            none, write no line: many clients tell the two apart.
        id: the last event ID from here on; ``""`` resets it. Of an event that is sent on it is
            ``own_id``.
        retry: the reconnection time in milliseconds.

    Raises:
        TypeError: for an argument of another type.
        ValueError: for a CR or LF in ``event`` or ``id``, a NUL in ``id`` (readers ignore such an
            ID), and a ``retry`` that is no integer of 1 to 18 digits.

    Half a character (a lone surrogate) is written as U+FFFD: UTF-8 has no other way.
    """
    head = ""
    if event is not None:
        # What is printable has none of them; most are.
        if not isinstance(event, str) or not event.isprintable():
            _refuse("event", event, "\r\n")
        if event != "message":
            head = f"event: {event}\n"
    if id is not None:
        if not isinstance(id, str) or not id.isprintable():
            _refuse("id", id, "\r\n\0")
        head += f"id: {id}\n"
    if retry is not None:
        if not isinstance(retry, int) or isinstance(retry, bool) or not 0 <= retry < _RETRY_END:
            raise ValueError(f"retry must be an int of 1 to 18 digits, or None, not {retry!r}")
        head += f"retry: {retry:d}\n"

    if isinstance(data, str):
        if "\n" in data or "\r" in data:
            data = data.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\ndata: ")
        text = f"{head}data: {data}\n\n"
    elif data is None:
        text = f"{head}\n"
    elif isinstance(data, bytes):
        if b"\n" in data or b"\r" in data:
            data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\ndata: ")
        return b"%bdata: %b\n\n" % (_utf_8(head), data)
    else:
        raise TypeError(f"data must be str, bytes or None, not {type(data).__name__}")
    # As _utf_8 does, without the call: this is most of what most events take.
    try:
        return text.encode()
    except UnicodeEncodeError:
        return _utf_8(text)


def encode_comment(text: str = "") -> bytes:
    r"""The bytes of a comment, which readers skip: a keep-alive, without text.

    A comment is a line that begins with a colon ("Parsing an event stream", section 9.2.5 of the
    WHATWG standard); a text of several lines becomes several. A blank line is behind it, so it
    may be written **between events only**: within one it would end it. A gateway that passes
    bytes on as they come is between events while its parser's ``pending_bytes`` is 0.

    Args:
        text: what it says; CRLF, CR and LF end a line. Half a character is written as U+FFFD.

    Raises:
        TypeError: for a text that is no str.
    """
    if not isinstance(text, str):
        raise TypeError(f"text must be str, not {type(text).__name__}")
    if "\n" in text or "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\n", "\n: ")
    return _utf_8(f": {text}\n\n")


def _refuse(name: str, value: object, forbidden: str) -> None:
    """Raise where a value is no text, or has a character that cannot be written."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be str or None, not {type(value).__name__}")
    for character in forbidden:
        if character in value:
            what = "a NUL, for which readers ignore it" if character == "\0" else "a line break"
            raise ValueError(f"{name} must not have {what}: {value!r}")


def _utf_8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # Two halves that stand together are a character; UTF-16 alone knows them.
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return whole.encode()
