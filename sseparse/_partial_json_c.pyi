"""The types of PartialJSON, for people and type checkers; the docstrings are those at run time."""

from typing import Any, NoReturn, final

__all__ = ["PartialJSON"]

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

    def __init__(self, *, max_depth: int = 512) -> None: ...
    @property
    def value(self) -> Any:
        """What has come so far; None before anything has."""

    @property
    def changed(self) -> bool:
        """Whether the last ``feed()`` or ``close()`` has changed anything about the value."""

    @property
    def complete(self) -> bool:
        """Whether the value is whole. Nothing but white space may follow.

        A number that is not within an array or object is so only by white space behind
        it or by ``close()``: another digit might follow.
        """

    @property
    def position(self) -> int:
        """How many characters have been read; after an error, where it was."""

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

    def close(self) -> bool:
        """The text has ended. Closing twice is harmless.

        Returns:
            ``complete``: False for a text that was cut off.

        Raises:
            PartialJSONError: as ``feed`` would.
            RuntimeError: called while another thread is in such a call.
        """

    def __reduce__(self) -> NoReturn: ...
