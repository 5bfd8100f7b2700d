"""JSON as it grows, in readable Python: the reference, and the fallback without a compiler.

It does what ``_partial_json_c.pyx`` does, call for call and message for message. The grammar is
that of RFC 8259, and the outcome that of ``json.loads``.

How it works. The text comes in pieces that may end anywhere: inside a number, inside an escape.
What is expected next is ``_state``, a method that reads as much of a piece as it can and returns
where it stopped. Containers stand in the value from their opening bracket on, in ``_outer`` those
around the innermost; no depth needs recursion. What has come of a key, a string or a number is
``_text``, and a string that has not ended is shown in its place at the end of each piece.

Why that is no quadratic time. A ``str`` cannot change, but CPython extends one in place by ``+=``
if nobody else has it. So before a string grows, an empty one takes its place in the value, and
``_text`` is the only reference. Where the caller has kept the string, Python copies it.
"""

from __future__ import annotations

import operator
import re
import sys
from threading import Lock
from typing import TYPE_CHECKING, Any, NoReturn, final

from ._errors import PartialJSONError, SSEError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PartialJSON"]

_PLACE_LOST = (
    "PartialJSON was interrupted and has lost its place in the text; begin again with another",
)

_WHITE_SPACE = re.compile(r"[ \t\n\r]*")
# What stands for itself in a string.
_PLAIN = re.compile(r'[^"\\\x00-\x1f]*')
_ESCAPES = {
    '"': '"',
    "\\": "\\",
    "/": "/",
    "b": "\b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
}
_HEX_DIGITS = "0123456789abcdefABCDEF"
_LITERALS: dict[str, tuple[str, Any]] = {
    "t": ("true", True),
    "f": ("false", False),
    "n": ("null", None),
}


def _followed_by(**states: str) -> dict[str, str]:
    return {character: state for state, characters in states.items() for character in characters}


_DIGITS = "0123456789"
# The parts of a number, and what each may be followed by.
_NUMBER = {
    "start": _followed_by(minus="-", zero="0", integer="123456789"),
    "minus": _followed_by(zero="0", integer="123456789"),
    "zero": _followed_by(point=".", e="eE"),
    "integer": _followed_by(integer=_DIGITS, point=".", e="eE"),
    "point": _followed_by(fraction=_DIGITS),
    "fraction": _followed_by(fraction=_DIGITS, e="eE"),
    "e": _followed_by(sign="+-", exponent=_DIGITS),
    "sign": _followed_by(exponent=_DIGITS),
    "exponent": _followed_by(exponent=_DIGITS),
}
# Those with which it may end.
_WHOLE = {"zero": int, "integer": int, "fraction": float, "exponent": float}


def _exact(text: str) -> str:
    """The characters of a str, as exactly that; anything else is refused."""
    if isinstance(text, str):
        # Without asking the methods of a subclass.
        return str.__str__(text)
    message = f"text must be a str, not {type(text).__name__}"
    if isinstance(text, (bytes, bytearray, memoryview)):
        message += (
            ': decode it, with codecs.getincrementaldecoder("utf-8")() if it may be cut within '
            "a character"
        )
    raise TypeError(message)


@final
class PartialJSON:
    """A JSON text that comes in pieces, and its value as far as it has come.

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

    __slots__ = (
        "_at_work",
        "_changed",
        "_closed",
        "_code",
        "_container",
        "_failure",
        "_high",
        "_is_key",
        "_is_shown",
        "_key",
        "_keys",
        "_literal",
        "_max_depth",
        "_outer",
        "_part",
        "_position",
        "_progress",
        "_slot",
        "_state",
        "_string_is_open",
        "_text",
        "_text_position",
        "_value",
    )

    def __init__(self, *, max_depth: int = 512) -> None:
        if not hasattr(self, "_at_work"):
            # Turns away whoever calls from a destructor that runs meanwhile, or from another
            # thread.
            self._at_work = Lock()
        if isinstance(max_depth, bool):
            raise TypeError("max_depth must be an int, not bool")
        try:
            max_depth = operator.index(max_depth)
        except TypeError:
            raise TypeError(f"max_depth must be an int, not {type(max_depth).__name__}") from None
        if max_depth < 1:
            raise ValueError(f"max_depth must be at least 1, not {max_depth}")
        self._begin("__init__")
        try:
            self._max_depth = max_depth
            self._position = 0
            self._closed = False
            self._changed = False
            self._failure: tuple[type[SSEError], tuple[Any, ...]] | None = None
            self._state: Callable[[PartialJSON, str, int], int] = PartialJSON._read_value

            self._value: Any = None
            # The innermost container that is open, those around it, and where in it a value goes:
            # the key, or the position in the list, which is None as long as nothing stands there.
            self._container: dict[str, Any] | list[Any] | None = None
            self._outer: list[dict[str, Any] | list[Any] | None] = []
            self._key = ""
            self._slot: int | None = None
            # The keys so far: equal ones are the same object.
            self._keys: dict[str, str] = {}

            self._text = ""  # of the key, the string or the number that is being read
            self._text_position = 0  # where it begins
            self._is_key = False
            self._string_is_open = False  # and belongs into the value
            self._is_shown = False  # and stands there, with all of its text
            self._high = ""  # half of a surrogate pair, whose other half may follow
            self._code = 0  # of a \u escape
            # How much has come of an escape's digits, or of a literal.
            self._progress = 0
            self._part = "start"  # of a number
            self._literal: tuple[str, Any] = ("", None)
        finally:
            self._at_work.release()

    @property
    def value(self) -> Any:
        """What has come so far; None before anything has."""
        return self._value

    @property
    def changed(self) -> bool:
        """Whether the last ``feed()`` or ``close()`` has changed anything about the value."""
        return self._changed

    @property
    def complete(self) -> bool:
        """Whether the value is whole. Nothing but white space may follow.

        A number that is not within an array or object is so only by white space behind
        it or by ``close()``: another digit might follow.
        """
        return self._state is PartialJSON._read_end

    @property
    def position(self) -> int:
        """How many characters have been read; after an error, where it was."""
        return self._position

    def feed(self, text: str) -> PartialJSON:
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
        text = _exact(text)
        self._begin("feed")
        try:
            self._check_failure()
            if self._closed:
                raise ValueError("the text has ended: close() was called")
            self._read(text)
            self._check_failure()
        finally:
            self._at_work.release()
        return self

    def close(self) -> bool:
        """The text has ended. Closing twice is harmless.

        Returns:
            ``complete``: False for a text that was cut off.

        Raises:
            PartialJSONError: as ``feed`` would.
            RuntimeError: called while another thread is in such a call.
        """
        self._begin("close")
        try:
            self._check_failure()
            if not self._closed:
                self._closed = True
                self._read(None)
                self._check_failure()
        finally:
            self._at_work.release()
        return self.complete

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("PartialJSON is final: it cannot be subclassed")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a PartialJSON cannot be pickled or copied: it belongs to one text")

    # Errors.

    def _begin(self, method: str) -> None:
        if not self._at_work.acquire(blocking=False):
            raise RuntimeError(
                f"PartialJSON.{method}() was called while the object was at work, from another "
                f"thread or from a destructor; it belongs to one text"
            )

    def _check_failure(self) -> None:
        failure = self._failure  # held: where lines are traced, another thread may begin anew
        if failure is not None:
            error_type, arguments = failure
            raise error_type(*arguments)

    def _fail(self, position: int, expected: str, found: str) -> None:
        """Have every call raise that, once what came before is shown."""
        self._failure = (PartialJSONError, (position, expected, found))
        self._position = position
        self._state = PartialJSON._read_nothing

    def _lose_place(self) -> None:
        # Out of memory, or interrupted: what has been made is kept, but where it stood is not
        # known any more.
        self._failure = (SSEError, _PLACE_LOST)
        self._state = PartialJSON._read_nothing

    # The calls, once nobody else is at work.

    def _read(self, text: str | None) -> None:
        """Read that; None is the end of the text."""
        self._changed = False
        try:
            if text is None:
                self._read_the_end()
            else:
                self._parse(text)
                self._show_string()
        except BaseException:
            self._lose_place()
            raise

    def _read_the_end(self) -> None:
        # By the end a number is whole; but within a container it may have been cut off.
        is_number = self._state is PartialJSON._read_number and self._container is None
        if is_number and self._part in _WHOLE:
            self._end_number()

    # The states: each reads from ``start`` on, and returns where it stopped.

    def _parse(self, text: str) -> None:
        base = self._position
        place = 0
        while place < len(text) and self._failure is None:
            self._position = base + place
            place = self._state(self, text, place)
        if self._failure is None:
            self._position = base + place

    def _read_nothing(self, text: str, start: int) -> int:
        raise AssertionError("a failed parser reads nothing")  # pragma: no cover

    def _read_value(self, text: str, start: int, expected: str = "a value") -> int:
        """A value, white space before it."""
        start = self._skip_white_space(text, start)
        if start == len(text):
            return start
        character = text[start]
        self._slot = None
        if character == '"':
            self._begin_string(is_key=False)
        elif character in "[{":
            return self._open(character, start)
        elif character in _LITERALS:
            self._literal = _LITERALS[character]
            self._progress = 1
            self._state = PartialJSON._read_literal
        elif character in _NUMBER["start"]:
            self._text = ""
            self._text_position = self._position
            self._part = "start"
            self._state = PartialJSON._read_number
            return start
        else:
            return self._refuse(character, expected, start)
        return start + 1

    def _read_first_value(self, text: str, start: int) -> int:
        """After "[": a value, or the end of the array."""
        start = self._skip_white_space(text, start)
        if text[start : start + 1] == "]":
            return self._close_container(start)
        return self._read_value(text, start, "a value or ']'")

    def _read_key(self, text: str, start: int) -> int:
        """After "," in an object: a key."""
        start = self._skip_white_space(text, start)
        if start == len(text):
            return start
        if text[start] != '"':
            return self._refuse(text[start], "a key in double quotes", start)
        self._begin_string(is_key=True)
        return start + 1

    def _read_first_key(self, text: str, start: int) -> int:
        """After "{": a key, or the end of the object."""
        start = self._skip_white_space(text, start)
        if start == len(text):
            return start
        if text[start] == "}":
            return self._close_container(start)
        if text[start] != '"':
            return self._refuse(text[start], "a key in double quotes or '}'", start)
        self._begin_string(is_key=True)
        return start + 1

    def _read_colon(self, text: str, start: int) -> int:
        """After a key."""
        start = self._skip_white_space(text, start)
        if start == len(text):
            return start
        if text[start] != ":":
            return self._refuse(text[start], "':'", start)
        self._state = PartialJSON._read_value
        return start + 1

    def _read_after_value(self, text: str, start: int) -> int:
        """After a value in a container: another one, or the container's end."""
        start = self._skip_white_space(text, start)
        if start == len(text):
            return start
        is_object = isinstance(self._container, dict)
        end = "}" if is_object else "]"
        if text[start] == end:
            return self._close_container(start)
        if text[start] != ",":
            return self._refuse(text[start], f"',' or '{end}'", start)
        self._state = PartialJSON._read_key if is_object else PartialJSON._read_value
        return start + 1

    def _read_end(self, text: str, start: int) -> int:
        """After the value that is the text's: white space."""
        start = self._skip_white_space(text, start)
        if start < len(text):
            return self._refuse(text[start], "the end of the text", start)
        return start

    def _read_literal(self, text: str, start: int) -> int:
        """The rest of true, false or null, whose letters so far are counted."""
        name, value = self._literal
        if text[start] != name[self._progress]:
            return self._refuse(text[start], f"'{name}'", start)
        self._progress += 1
        if self._progress == len(name):
            self._place(value)
            self._end_value()
        return start + 1

    def _read_number(self, text: str, start: int) -> int:
        end = start
        while end < len(text) and text[end] in _NUMBER[self._part]:
            self._part = _NUMBER[self._part][text[end]]
            end += 1
        self._add(text[start:end])
        if end < len(text):
            # By whatever does not belong to it a number is whole.
            if self._part in _WHOLE:
                self._end_number()
            else:
                self._position += end - start
                expected = "a digit or a sign" if self._part == "e" else "a digit"
                self._refuse(text[end], expected, end)
        return end

    def _read_string(self, text: str, start: int) -> int:
        """A string or key, up to the next that does not stand for itself."""
        if self._high and text[start] != "\\":
            self._add(self._high)
            self._high = ""
        match = _PLAIN.match(text, start)
        assert match is not None
        end = match.end()
        if end > start:
            self._add(match[0])
            return end
        if text[end] == '"':
            self._end_string()
        elif text[end] == "\\":
            self._state = PartialJSON._read_escape
        else:
            return self._refuse(text[end], "no unescaped control character", end)
        return end + 1

    def _read_escape(self, text: str, start: int) -> int:
        """What follows a backslash."""
        character = text[start]
        if character == "u":
            self._code = self._progress = 0
            self._state = PartialJSON._read_hex_digit
        elif character in _ESCAPES:
            # With what waits for its other half: here it is not.
            self._add(self._high + _ESCAPES[character])
            self._high = ""
            self._state = PartialJSON._read_string
        else:
            return self._refuse(character, 'one of " \\ / b f n r t u behind a backslash', start)
        return start + 1

    def _read_hex_digit(self, text: str, start: int) -> int:
        r"""One of the four digits that follow \u."""
        if text[start] not in _HEX_DIGITS:
            return self._refuse(text[start], "a hexadecimal digit", start)
        self._code = self._code * 16 + int(text[start], 16)
        self._progress += 1
        if self._progress == 4:
            self._end_escape()
            self._state = PartialJSON._read_string
        return start + 1

    # What the states do.

    def _skip_white_space(self, text: str, start: int) -> int:
        match = _WHITE_SPACE.match(text, start)
        assert match is not None
        self._position += match.end() - start
        return match.end()

    def _refuse(self, character: str, expected: str, place: int) -> int:
        self._fail(self._position, expected, repr(character))
        return place

    def _open(self, bracket: str, place: int) -> int:
        if len(self._outer) >= self._max_depth:
            expected = f"no more than {self._max_depth} arrays and objects in each other"
            return self._refuse(bracket, f"{expected} (max_depth)", place)
        container: dict[str, Any] | list[Any] = {} if bracket == "{" else []
        self._place(container)
        self._outer.append(self._container)
        self._container = container
        self._state = (
            PartialJSON._read_first_key if bracket == "{" else PartialJSON._read_first_value
        )
        return place + 1

    def _close_container(self, place: int) -> int:
        self._container = self._outer.pop()
        self._end_value()
        return place + 1

    def _end_value(self) -> None:
        if self._container is None:
            self._state = PartialJSON._read_end
            self._keys = {}
        else:
            self._state = PartialJSON._read_after_value

    def _begin_string(self, is_key: bool) -> None:
        self._text = ""
        self._is_key = is_key
        self._string_is_open = not is_key
        self._is_shown = False
        self._state = PartialJSON._read_string

    def _end_string(self) -> None:
        if self._is_key:
            self._key = self._keys.setdefault(self._text, self._text)
            self._state = PartialJSON._read_colon
        else:
            self._show_string()
            self._string_is_open = False
            self._end_value()
        self._text = ""

    def _end_escape(self) -> None:
        r"""Add the character of \uXXXX, which may be half of a surrogate pair.

        A half without the other is kept as it is, like ``json.loads`` does.
        """
        if self._high and 0xDC00 <= self._code <= 0xDFFF:
            high = ord(self._high) - 0xD800
            self._add(chr(0x10000 + (high << 10) + (self._code - 0xDC00)))
            self._high = ""
            return
        if self._high:
            self._add(self._high)
            self._high = ""
        if 0xD800 <= self._code <= 0xDBFF:
            self._high = chr(self._code)
        else:
            self._add(chr(self._code))

    def _end_number(self) -> None:
        text, self._text = self._text, ""
        try:
            value = _WHOLE[self._part](text)
        except ValueError:
            # No other text comes so far.
            limit = sys.get_int_max_str_digits()
            expected = f"an integer of at most {limit} digits (sys.set_int_max_str_digits)"
            self._fail(self._text_position, expected, f"one of {len(text.lstrip('-'))}")
            return
        self._place(value)
        self._end_value()

    def _add(self, piece: str) -> None:
        """More of the key, string or number."""
        if self._string_is_open and self._is_shown:
            self._put("")
            self._is_shown = False
        # Nobody else has the text now, so this takes time for the piece alone.
        text = self._text
        self._text = ""
        text += piece
        self._text = text

    def _show_string(self) -> None:
        if self._string_is_open and not self._is_shown:
            self._place(self._text)
            self._is_shown = True

    def _place(self, value: Any) -> None:
        self._put(value)
        self._changed = True

    def _put(self, value: Any) -> None:
        """Have it stand where the next value belongs."""
        container = self._container
        if container is None:
            self._value = value
        elif isinstance(container, dict):
            container[self._key] = value
        elif self._slot is not None and self._slot < len(container):
            container[self._slot] = value
        else:
            self._slot = len(container)
            container.append(value)
