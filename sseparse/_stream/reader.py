# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""Bytes in, objects out: what every typed stream has inside, whoever brings its bytes.

This is ordinary Python, compiled as it stands where there is a compiler; see ``reader.pxd``.

Theory of operation
-------------------
The way of a byte. ``receive`` takes it into the inbox. When somebody asks for the next object,
and not before, the parser makes events of it; each event's payload is either of a known shape,
which makes its object by copying (``shapes.py``), or the API's decoder makes it; the state folds
the object into the final one; and it is handed out. So what the stream says of itself is never
ahead of its caller, and an error comes just where it stands.

Places. Most payloads of most streams bring one more piece of a text and nothing else. When a shape
is met the state is asked for its *places*: what further objects of this shape add to, if they do
nothing else. From then on folding such an object is appending, as long as the shape goes on, or
whatever comes in between where the state says that the places last. Who wants only the text, or
only the final object, has no object made.

The end. A body that is no event stream, an error outside any field, a last event without its
blank line: what such an end means is decided here, too, for whoever reads.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .. import Event, Parser
from .._errors import NotAnEventStreamError, SSEError
from .._lines import LineWatch
from .._response import MAX_ERROR_BODY
from ..http import not_an_event_stream
from . import native
from .detect import Undecided
from .errors import APIError, ChunkDecodeError, TruncatedStreamError, UnexpectedAPIError
from .payload import is_done, loads, payloads_in
from .shapes import Shapes, known_to
from .stray import StrayLines

if TYPE_CHECKING:
    from collections.abc import Callable

    from .protocols import Decoder, Offer, State
    from .timing import Timing

__all__ = ["Reader"]

# Bytes parsed in one go. More would save no time, and the events of a source that gives
# a whole body at once would be in memory all at the same time.
_PIECE = 64 * 1024

# What ``_advance`` is asked for.
_OBJECTS, _TEXT, _NOTHING = range(3)


class Run:
    """What folding the objects of a shape comes to: a state's offer, taken apart."""

    def __init__(self, offer: Offer) -> None:
        self.places = [place for place, _ in offer.places]
        self.numbers = [number for _, number in offer.places]
        self.constants = list(offer.constants)
        self.readers = list(offer.readers)
        self.is_lasting = offer.is_lasting


class Reader:
    """The objects of one stream, in order, of the bytes that it is given.

    Args:
        decoder: makes objects of payloads.
        state: folds them.
        timing: notes when they came, where it is not None.
        is_withheld: tells of an object that it is folded but not handed out.
        require_done: raise TruncatedStreamError where the stream ends truncated.
        response: what the bytes are of, for errors to tell of it.
        parser_options: see ``sseparse.Parser``.

    Attributes:
        done: whether ``[DONE]`` has been reached.
        ended: whether there is nothing more to hand out.
        is_broken: whether an error has been raised for something in the stream.
        source_failed: whether what reads the bytes has failed; set by it.
        was_stopped: whether somebody had it hand out nothing more before it ended.
    """

    def __init__(
        self,
        decoder: Decoder,
        state: State,
        timing: Timing | None,
        is_withheld: Callable[[Any], bool] | None,
        require_done: bool,
        response: Any,
        parser_options: Any,
    ) -> None:
        stray = StrayLines(
            parser_options.pop("on_ignored_line", None),
            parser_options.get("max_event_size", 16 * 2**20),
            decoder.is_error,
        )
        # A block named "error" may say all that it has to say in a comment.
        parser_options["dispatch_without_data"] = True
        self._parser = Parser(on_ignored_line=stray.note, **parser_options)
        self._stray = stray
        self._decoder = decoder
        self._shapes = Shapes(decoder.decode, known_to(decoder.variant, decoder.deciding))
        self._state = state
        self._timing = timing
        self._is_withheld = is_withheld
        self._require_done = require_done
        self._response = response

        # What has been received and not parsed, and how far the first of it is ...
        self._inbox: list[Any] = []
        self._offset = 0
        self._ending = b""  # the last byte that has been parsed
        self._parser_is_due = False  # an error or events wait in the parser
        self._is_event_stream = False  # an event has come
        self._input_ended = False  # there is nothing more to receive
        self._is_closed = False  # the parser
        self._lines: LineWatch | None = None  # until an event has come
        # ... and the events that have not been decoded, and which of them is next.
        self._events: list[Event] = []
        self._position = 0
        self._last_event_id = self._parser.last_event_id

        # What is put off until it is known which API reads it: events, and when they came. Then
        # the times of those that are read once more; and what is raised where it never is known.
        self._held: list[Event] = []
        self._held_at: list[Any] = []
        self._arrivals: list[Any] = []
        self._undecided: Any = None
        self._first_event_id = self._last_event_id

        self._has_reported = False  # an error, and no object has been made since

        # The shape of the object that was folded last, and how often in a row.
        self._met: Any = None
        self._times = 0

        self.done = False
        self.ended = False
        self.is_broken = False
        self.source_failed = False
        self.was_stopped = False

    @property
    def last_event_id(self) -> str:
        """The last event ID of the event that was read last."""
        return self._last_event_id

    @property
    def truncated(self) -> bool:
        """Whether it ended, or an error stood in it, before the answer was whole."""
        if self.is_broken:
            return True
        if not (self.ended or self.source_failed) or self.done:
            return False
        return not self._state.finished

    @property
    def ended_by_itself(self) -> bool:
        """Whether its source came to its end, whole or not."""
        return self.ended and not (self.was_stopped or self.source_failed)

    # What comes in.

    def receive(self, data: Any) -> None:
        """Take bytes, as they came."""
        if self._timing is not None:
            self._timing.note_read()
        if type(data) is not bytes:
            data = _as_bytes(data)
        self._inbox.append(data)

    def receive_event(self, event: Event) -> None:
        """Take an event that another parser has made."""
        if not isinstance(event, Event):
            raise TypeError(f"event must be a sseparse.Event, not {type(event).__name__}")
        if self._timing is not None:
            self._timing.note_read()
        self._is_event_stream = True
        self._queue([event])

    def end(self) -> None:
        """There are no more bytes."""
        self._input_ended = True

    def stop(self) -> None:
        """Hand out nothing more."""
        self.was_stopped = self.was_stopped or not self.ended
        self._ignore_rest()
        self.ended = True

    def _break_off(self) -> None:
        self.is_broken = True
        self._state.note_error()

    def _ignore_rest(self) -> None:
        self._inbox.clear()
        self._events = []
        self._position = 0
        self._parser_is_due = False
        self._input_ended = self._is_closed = True

    # What goes out.

    def read(self) -> Any:
        """The next object; None where there is none before more bytes come."""
        return self._advance(_OBJECTS, None)

    def read_text(self, text_of: Callable[[Any], str]) -> Any:
        """The next text, not empty, that a function makes of an object; None as for ``read``.

        Objects are made only where that is needed to tell the text.
        """
        return self._advance(_TEXT, text_of)

    def fold(self) -> None:
        """Fold all that is at hand, and hand out nothing."""
        self._advance(_NOTHING, None)

    def _advance(self, wanted: int, text_of: Any) -> Any:
        while True:
            if self._position < len(self._events):
                event = self._events[self._position]
                self._position += 1
                found = self._read_event(event, wanted, text_of)
                if found is not None:
                    return found
            elif not self._find_events():
                return None

    def _read_event(self, event: Event, wanted: int, text_of: Any) -> Any:
        self._last_event_id = native.id_of(event)
        if self._arrivals:
            self._timing.last_read = self._arrivals.pop(0)  # type: ignore[union-attr]
        payload = native.data_of(event)
        shapes = self._shapes  # held: another thread may put others in their place
        met = None
        if not _is_error(native.type_of(event)):
            met = shapes.match(payload)
        chunk = None
        if met is None:
            chunk = self._decode(event, payload)
            if chunk is None:
                return None
            self._fold(chunk)
        else:
            run = met.run
            if run is not None and not run.is_lasting and met is not self._met:
                run = None
            if run is None:
                chunk = met.make(payload)
                self._fold_shape(met, chunk)
            else:
                self._add(run, met.values.items, payload)
                self._has_reported = False
                if self._timing is not None:
                    if self._timing.is_token is not None:
                        chunk = met.make(payload)
                        self._timing.note_chunk(chunk)
                    elif self._has_text(met):
                        self._timing.note_token()

        if wanted == _NOTHING:
            return None
        if wanted == _TEXT:
            if chunk is None and met is not None:
                number = met.number_of(text_of)
                if number >= 0:
                    return met.values.items[number] or None
                if number == -1:
                    return None
                chunk = met.make(payload)
            # Of one that has been folded: folding may have it say what stands beside it.
            return text_of(chunk) or None
        if chunk is None and met is not None:
            chunk = met.make(payload)
        if self._is_withheld is not None and self._is_withheld(chunk):
            return None
        return chunk

    def _decode(self, event: Event, payload: bytes) -> Any:
        """The object of a payload of no known shape; None where it has none."""
        is_error = _is_error(native.type_of(event))
        if event.comment is not None:
            # A block without data: nothing, or an error, whose comment is what it says. Where it
            # says nothing an "error:" line in the block may have: then it is told already.
            comment = event.comment.strip()
            if not is_error or (self._has_reported and not comment):
                return None
            payload = json.dumps(comment).encode() if comment else b""
        if not is_error and is_done(payload):
            self.done = True
            self._ignore_rest()
            return None
        try:
            chunk = self._decoder.decode(payload, native.type_of(event))
        except Undecided as undecided:
            self._hold(event, undecided)
            return None
        except UnexpectedAPIError:
            self._break_off()
            self.stop()
            raise
        except ChunkDecodeError:
            found = [] if is_error else payloads_in(payload)
            if not found:
                self._break_off()
                raise
            rest = self._events[self._position :]
            self._events = [Event(event.event, one, event.id) for one in found] + rest
            self._position = 0
            return None
        except SSEError as error:
            if not (isinstance(error, APIError) and self._state.ends_with(error)):
                self._break_off()
            self._has_reported = True
            if isinstance(error, APIError) and self._response is not None:
                error.status = not_an_event_stream(self._response, b"").status
            raise
        if chunk is not None:
            shapes = self._shapes  # held, as above
            shapes.learn(payload)
        return chunk

    def _hold(self, event: Event, undecided: Undecided) -> None:
        """Put an event off until it is known which API reads it; now it may be known."""
        self._held.append(event)
        if self._timing is not None:
            self._held_at.append(self._timing.last_read)
        if undecided.decoder is None:
            self._undecided = undecided
            self._last_event_id = self._first_event_id  # it has not been handed out
            return
        self._undecided = None
        self._decoder, self._state = undecided.decoder, undecided.state
        self._shapes = Shapes(
            self._decoder.decode, known_to(self._decoder.variant, self._decoder.deciding)
        )
        self._events = self._held + self._events[self._position :]
        self._position = 0
        self._arrivals = self._held_at
        self._held, self._held_at = [], []

    def _fold(self, chunk: Any) -> None:
        self._met = None
        self._has_reported = False
        self._state.fold(chunk)
        if self._timing is not None:
            self._timing.note_chunk(chunk)

    def _fold_shape(self, met: Any, chunk: Any) -> None:
        """Fold an object in full, and see whether others of its shape need not be."""
        times = self._times + 1 if met is self._met else 1
        self._fold(chunk)
        self._met = met
        self._times = times
        met.run = None
        met.folded += 1
        # Many never come again. One that has, in this stream or an earlier one, mostly has a value
        # that varies. Places that do not last are worth asking for when it comes twice in a row.
        comes_again = met.folded > 1 or met.values.varying
        if times == 2 or (comes_again and not met.was_asked):
            met.was_asked = True
            varying = {met.shape.paths[number]: number for number in met.values.varying}
            offer = self._state.places(chunk, varying)
            if offer is not None:
                met.run = Run(offer)

    def _add(self, run: Any, items: list[Any], payload: bytes) -> None:
        """Fold an object by its values."""
        for position in range(len(run.places)):
            place = run.places[position]
            number = run.numbers[position]
            place.append(items[number])
        for place, value in run.constants:
            place.append(value)
        for place in run.readers:
            place.append(payload)

    def _has_text(self, met: Any) -> bool:
        """Whether the object of the shape's values brings a piece of the answer."""
        holes = met.holes_that(self._timing.has_text)  # type: ignore[union-attr]
        if holes is None:
            return True
        # No generator: Cython would compile it to a closure, which a C method cannot have.
        return any([met.values.items[number] for number in holes])  # noqa: C419

    # From bytes to events.

    def _find_events(self) -> bool:
        """Get more events of what has been received; whether there may be any now."""
        if self.ended:
            return False
        if self._parser_is_due:
            # It comes out now, not when more bytes come.
            self._parse(b"")
            return True
        if self._inbox:
            data = self._inbox[0]
            if len(data) <= _PIECE:
                del self._inbox[0]
                self._parse(data)
            else:
                piece = data[self._offset : self._offset + _PIECE]
                self._offset += _PIECE
                if self._offset >= len(data):
                    del self._inbox[0]
                    self._offset = 0
                self._parse(piece)
            return True
        if not self._input_ended:
            return False
        if not self._is_closed:
            self._close_parser()
            return True
        self.ended = True
        if self._undecided is not None and not self.is_broken:
            self._break_off()
            raise self._undecided.refusal
        if self._require_done and self.truncated:
            raise TruncatedStreamError(self._state.missing)
        return False

    def _queue(self, events: list[Event]) -> None:
        if self._position < len(self._events):
            events = self._events[self._position :] + events
        self._events = events
        self._position = 0

    def _parse(self, piece: bytes) -> None:
        # When feed() raises what a callback has raised, there may be events to come.
        self._parser_is_due = True
        try:
            events = self._parser.feed(piece)
        except SSEError:
            self._break_off()
            self.stop()  # the parser will never go on
            raise
        # An error that waits until these events are handed out shows here already.
        self._parser_is_due = self._parser.failed
        if not self._is_event_stream:
            if any(map(_is_of_event_stream, events)):
                self._is_event_stream = True
                self._stray.body = None
            elif self._stray.is_too_long():
                raise self._no_event_stream("\n".join(self._stray.body or ()))
            else:
                self._lines = self._lines or LineWatch()
                self._lines.note(piece)
        if self._stray.errors:
            ending, event_id = self._ending, self._last_event_id
            events = self._stray.place_errors(events, piece, ending, event_id)
        self._ending = piece[-1:] or self._ending
        self._queue(events)

    # How it ends.

    def _close_parser(self) -> None:
        """The last events: what the end of the input makes of what is left."""
        parser = self._parser
        self._is_closed = True
        # By the standard an event without its blank line is discarded. But servers do
        # leave out the last one, so a payload counts if it is whole.
        events = parser.close(dispatch_incomplete=True)
        if parser.truncated and events and not self._is_whole(events[-1]):
            events.pop()
        errors = self._stray.take_errors()
        events = [Event("error", error, self._last_event_id) for error in errors] + events
        self._is_event_stream |= any(map(_is_of_event_stream, events))
        if self._lines is not None and not self._is_event_stream:
            self._lines.end()
        body = self._stray.body
        self._stray.body = None
        if body is not None and not self._is_event_stream:
            events = self._read_body("\n".join(body))
        self._queue(events)

    def _is_whole(self, event: Event) -> bool:
        """Whether an unterminated event says all that it had to."""
        if event.comment is not None:
            return _is_error(event.event)
        if is_done(event.data_bytes):
            return True
        try:
            loads(event.data_bytes)
        except (ValueError, RecursionError):
            return bool(payloads_in(event.data_bytes))
        return True

    def _read_body(self, body: str) -> list[Event]:
        """The body of a response that is no event stream: one payload, if that."""
        # Cut in the first word, or in a BOM, it may have been one.
        is_cut = any(word.startswith(body) for word in ("data", "event", "id", "retry", "\ufffd"))
        if (is_cut or not body.strip()) and not self._has_failed_status():
            return []
        try:
            value = json.loads(body)
            if self._decoder.is_final(value):
                return [Event(data=body)]
        except (ValueError, RecursionError):
            pass
        raise self._no_event_stream(body)

    def _has_failed_status(self) -> bool:
        if self._response is None:
            return False
        status = not_an_event_stream(self._response, b"").status
        return status is not None and (status == 204 or not 200 <= status <= 299)

    def _no_event_stream(self, body: str) -> NotAnEventStreamError:
        self.stop()
        beginning = body[:MAX_ERROR_BODY].encode("utf-8", "replace")[:MAX_ERROR_BODY]
        if self._response is None:
            return NotAnEventStreamError(beginning)
        return not_an_event_stream(self._response, beginning)


def _is_of_event_stream(event: Event) -> bool:
    """Whether an event shows that this is an event stream: an ID alone may be chance."""
    return event.comment is None or _is_error(event.event)


def _is_error(event_type: str) -> bool:
    # Its length first: comparing strings costs as much as looking up a field.
    return len(event_type) == 5 and event_type.lower() == "error"


def _as_bytes(data: Any) -> bytes:
    try:
        return memoryview(data).tobytes()
    except TypeError:
        # The official clients' streams give objects, of which nobody has the bytes any more.
        raise TypeError(
            f"the source gives {type(data).__name__}, but a stream needs the bytes as they came, "
            f"such as response.iter_bytes()"
        ) from None
