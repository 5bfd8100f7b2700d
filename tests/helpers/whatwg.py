"""The standard's algorithm over a whole body, word by word: what the parsers are held against.

https://html.spec.whatwg.org/multipage/server-sent-events.html, "Parsing an event stream"
and "Interpreting an event stream"; https://encoding.spec.whatwg.org/#utf-8-decode.

It is written from those texts and shares nothing with the parsers: no chunks, no bytes
after the first step, no speed. Where the library adds something of its own, it says so.
"""

from __future__ import annotations

from typing import NamedTuple


class DispatchedEvent(NamedTuple):
    type: str
    data: str
    last_event_id: str


class Interpretation(NamedTuple):
    """What a body means.

    Attributes:
        events: the events dispatched, in order.
        last_event_id: the last event ID string of the event source at the end.
        reconnection_time: in milliseconds; None where the stream sets none.
        calls: ("comment", the text behind the colon and one space) for each comment line
            and ("ignored", the line) for each field that the standard does not know.
    """

    events: list[DispatchedEvent]
    last_event_id: str
    reconnection_time: int | None
    calls: list[tuple[str, str]]

    @property
    def comments(self) -> list[str]:
        return [text for kind, text in self.calls if kind == "comment"]

    @property
    def ignored_lines(self) -> list[str]:
        return [text for kind, text in self.calls if kind == "ignored"]


def utf_8_decode(body: bytes) -> str:
    """Drop one BOM, then decode, with the error mode "replacement": "UTF-8 decode"."""
    if body[:3] == b"\xef\xbb\xbf":
        body = body[3:]
    if body.isascii():
        return body.decode("ascii")
    return utf_8_decoder(body)


def utf_8_decoder(body: bytes) -> str:
    """The Encoding Standard's UTF-8 decoder, section 8.1.1, step by step."""
    output = []
    code_point = bytes_seen = bytes_needed = 0
    lower_boundary, upper_boundary = 0x80, 0xBF
    position = 0
    while position < len(body):
        byte = body[position]
        position += 1
        if bytes_needed == 0:
            if byte <= 0x7F:
                output.append(chr(byte))
            elif 0xC2 <= byte <= 0xDF:
                bytes_needed = 1
                code_point = byte & 0x1F
            elif 0xE0 <= byte <= 0xEF:
                if byte == 0xE0:
                    lower_boundary = 0xA0
                if byte == 0xED:
                    upper_boundary = 0x9F
                bytes_needed = 2
                code_point = byte & 0xF
            elif 0xF0 <= byte <= 0xF4:
                if byte == 0xF0:
                    lower_boundary = 0x90
                if byte == 0xF4:
                    upper_boundary = 0x8F
                bytes_needed = 3
                code_point = byte & 0x7
            else:
                output.append("\ufffd")
            continue
        if not lower_boundary <= byte <= upper_boundary:
            code_point = bytes_needed = bytes_seen = 0
            lower_boundary, upper_boundary = 0x80, 0xBF
            position -= 1  # "Restore byte to ioQueue."
            output.append("\ufffd")
            continue
        lower_boundary, upper_boundary = 0x80, 0xBF
        code_point = code_point << 6 | byte & 0x3F
        bytes_seen += 1
        if bytes_seen == bytes_needed:
            output.append(chr(code_point))
            code_point = bytes_needed = bytes_seen = 0
    if bytes_needed:
        output.append("\ufffd")
    return "".join(output)


def split_lines(stream: str) -> list[str]:
    """The lines that end. What follows the last line end is not a line.

    "a U+000D CARRIAGE RETURN U+000A LINE FEED (CRLF) character pair, a single U+000A LINE
    FEED (LF) character not preceded by a U+000D CARRIAGE RETURN (CR) character, and a
    single U+000D CARRIAGE RETURN (CR) character not followed by a U+000A LINE FEED (LF)
    character being the ways in which a line can end."
    """
    # A CRLF pair is one line end, so is every CR that is left, so is every LF.
    return stream.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]


def interpret(body: bytes, *, last_event_id: str = "") -> Interpretation:
    """Read a whole body to its end, where "any pending data must be discarded".

    To see what ``close(dispatch_incomplete=True)`` should give, append two LF: that ends
    an unfinished line and its block, whatever the body ends in.

    Args:
        body: the bytes of the response.
        last_event_id: the last event ID string that an earlier connection left.
    """
    events: list[DispatchedEvent] = []
    reconnection_time: int | None = None
    calls: list[tuple[str, str]] = []

    # "When a stream is parsed, a data buffer, an event type buffer, and a last event ID
    # buffer must be associated with it. They must be initialized to the empty string."
    # The last event ID buffer, though, must not make the ID of an earlier connection
    # vanish at the first blank line; browsers begin with that ID, and so does the library.
    data_buffer = ""
    event_type_buffer = ""
    last_event_id_buffer = last_event_id

    for line in split_lines(utf_8_decode(body)):
        # "If the line is empty (a blank line): Dispatch the event, as defined below."
        if line == "":
            # 1. "Set the last event ID string of the event source to the value of the
            # last event ID buffer."
            last_event_id = last_event_id_buffer
            # 2. "If the data buffer is an empty string, set the data buffer and the event
            # type buffer to the empty string and return."
            if data_buffer == "":
                event_type_buffer = ""
                continue
            # 3. "If the data buffer's last character is a U+000A LINE FEED (LF) character,
            # then remove the last character from the data buffer."
            if data_buffer[-1] == "\n":
                data_buffer = data_buffer[:-1]
            # 4. to 8. Create the event, dispatch it, and clear both buffers.
            event_type = "message"
            if event_type_buffer != "":
                event_type = event_type_buffer
            events.append(DispatchedEvent(event_type, data_buffer, last_event_id))
            data_buffer = ""
            event_type_buffer = ""
            continue

        # "If the line starts with a U+003A COLON character (:): Ignore the line."
        if line[0] == ":":
            # The library tells of it; its text is read as a field's value would be.
            calls.append(("comment", line[2:] if line[1:2] == " " else line[1:]))
            continue

        # "If the line contains a U+003A COLON character (:)"
        if ":" in line:
            # "Collect the characters on the line before the first U+003A COLON character
            # (:), and let field be that string."
            field = line[: line.index(":")]
            # "Collect the characters on the line after the first U+003A COLON character
            # (:), and let value be that string. If value starts with a U+0020 SPACE
            # character, remove it from value."
            value = line[line.index(":") + 1 :]
            if value[:1] == "\u0020":
                value = value[1:]
        # "Otherwise, the string is not empty but does not contain a U+003A COLON character
        # (:): Process the field [...] using the whole line as the field name, and the
        # empty string as the field value."
        else:
            field = line
            value = ""

        # "Field names must be compared literally, with no case folding performed."
        if field == "event":
            # "Set the event type buffer to the field value."
            event_type_buffer = value
        elif field == "data":
            # "Append the field value to the data buffer, then append a single U+000A LINE
            # FEED (LF) character to the data buffer."
            data_buffer += value
            data_buffer += "\n"
        elif field == "id":
            # "If the field value does not contain U+0000 NULL, then set the last event ID
            # buffer to the field value. Otherwise, ignore the field."
            if "\0" not in value:
                last_event_id_buffer = value
        elif field == "retry":
            # "If the field value consists of only ASCII digits, then interpret the field
            # value as an integer in base ten, and set the event stream's reconnection time
            # to that integer. Otherwise, ignore the field." An empty value is no integer.
            # More than 18 digits are the library's own limit.
            if value != "" and all("0" <= digit <= "9" for digit in value) and len(value) <= 18:
                reconnection_time = int(value)
        else:
            # "Otherwise: The field is ignored."
            calls.append(("ignored", line))

    # "Once the end of the file is reached, any pending data must be discarded. (If the
    # file ends in the middle of an event, before the final empty line, the incomplete
    # event is not dispatched.)"
    return Interpretation(events, last_event_id, reconnection_time, calls)
