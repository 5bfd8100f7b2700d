"""The law of ``encode_event``: a parser reads one event with the same fields, or it was refused.

An input is a byte of flags, then the fields with a 0xFE between them: data, type, ID, retry, and
the text of a comment. What is missing is None.

    byte 0   bits: the data as bytes, a retry as a number
"""

from __future__ import annotations

from typing import Any

import harness

with harness.instrumented():
    import sseparse._encode
    from sseparse import _parser_c, _parser_py

encode_event, encode_comment = sseparse._encode.encode_event, sseparse._encode.encode_comment
MARK = b"\xfe"


def check(data: bytes) -> None:
    if not data:
        return
    flags = data[0]
    fields: list[Any] = [field or None for field in data[1:].split(MARK)[:5]]
    fields += [None] * (5 - len(fields))
    payload = fields[0] if flags & 1 else _text(fields[0])
    event, id_, retry, comment = map(_text, fields[1:])
    if retry is not None and flags & 2:
        retry = int.from_bytes(fields[3][:9], "big", signed=True)
    try:
        block = encode_event(payload, event=event, id=id_, retry=retry)
    except ValueError:
        assert is_refused(event, id_, retry)
        return
    assert not is_refused(event, id_, retry)
    block += encode_comment(comment or "")
    for module in (_parser_c, _parser_py):
        comments: list[str] = []
        parser = module.Parser(on_comment=comments.append)
        events = parser.feed(block)
        assert comments == _whole(comment or "").split("\n")
        assert parser.pending_bytes == 0
        if payload is None:
            assert events == []
            assert parser.last_event_id == _whole(id_ or "")
            assert parser.retry == retry
            continue
        (got,) = events
        if isinstance(payload, bytes):
            assert got.data_bytes == payload.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        else:
            assert got.data == _whole(payload)
        assert got.event == _whole(event or "message")
        assert got.own_id == (None if id_ is None else _whole(id_))
        assert got.retry == retry


def is_refused(event: str | None, id_: str | None, retry: Any) -> bool:
    return (
        any(char in (event or "") + (id_ or "") for char in "\r\n")
        or "\0" in (id_ or "")
        or not (retry is None or (isinstance(retry, int) and 0 <= retry < 10**18))
    )


def _text(field: bytes | None) -> str | None:
    """The text of a field, halves of characters included."""
    if field is None:
        return None
    try:
        return field.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return field.decode("latin-1")


def _whole(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


if __name__ == "__main__":
    harness.main(check)
