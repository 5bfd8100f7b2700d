# cython: language_level=3, auto_pickle=False
"""What happens once a read and once a chunk: parse, decode, fold, hand out.

This is ordinary Python, and runs as such. Where there is a compiler Cython compiles it as
it stands, with the types in ``_loop.pxd``, and the extension takes its place: a loop over a
stream then takes two thirds of the time, and most of that is decoding JSON.

Most chunks of most streams are one more piece of the same text: of the content, the
reasoning, or the arguments of one tool call. After a chunk that is such a piece the loop
expects another (``_begin_run``): it takes a decoder that refuses whatever is more than that,
and adds the piece to the text itself, where the state would look at every field. A chunk
that is refused goes the long way, and may begin another run.
"""

from __future__ import annotations

from typing import Any

from .._errors import SSEError
from .decode import REFUSALS
from .stray import place_errors

__all__ = ["AsyncChunkIterator", "ChunkIterator", "ChunkLoop"]

# Runs that may be expected in vain before none is expected any more: a refusal costs what
# two or three chunks of a run save.
_MAX_MISSES = 8

# Bytes parsed in one go. More would save no time, and the events of a source that gives
# a whole body at once would be in memory all at the same time.
_PIECE = 64 * 1024


class ChunkLoop:
    """The chunks of a stream, in order, of the bytes that it is given.

    Args:
        parser: makes events of bytes.
        stray: what the parser tells of lines that are no part of an event stream.
        decoder: makes chunks of events.
        state: folds them.
        accumulate: whether the state is to keep their content.
        timing: notes when they came, where it is not None.
        skip_empty: fold chunks without choices, but do not hand them out.
    """

    def __init__(
        self,
        parser: Any,
        stray: Any,
        decoder: Any,
        state: Any,
        accumulate: bool,
        timing: Any,
        skip_empty: bool,
    ) -> None:
        self._parser = parser
        self._feed = parser.feed
        self._stray = stray
        self._stray_errors = stray.errors
        self._decoder = decoder
        self._decode_exact = decoder._decode_exact
        self._state = state
        self._accumulate = accumulate
        self.timing = timing
        self._skip_empty = skip_empty

        # What has been read: bytes not parsed yet, None where there are none ...
        self._pieces: Any = None
        self._parser_is_due = False  # an error or events wait in the parser
        self._is_event_stream = False  # an event has come
        # ... events not decoded yet, and which of them is next ...
        self._events: list[Any] = []
        self._position = 0
        # ... and the chunks of an event that takes the decoder's second path.
        self._slow_chunks: Any = None
        self._input_ended = False  # there is nothing more to read
        self._ended = False  # nor to hand out
        self._source_failed = False

        # The run: the decoder of its pieces, None where none is expected ...
        self._decode_piece: Any = None
        self._misses = 0
        self._run_size = 0
        # ... the choice, the field of its delta, the tool call where it is for one ...
        self._run_index: int | None = None
        self._run_field = ""
        self._run_call_index: int | None = None
        # ... and where they go.
        self._run_text: Any = None
        self._run_parts: list[str] = []
        self._run_logprobs: list[Any] | None = None
        self._knows_fingerprint = False
        self._knows_service_tier = False

    # For the stream to say.

    def _end(self) -> None:
        """The source has ended: set the last events."""
        raise NotImplementedError

    def _finish(self) -> None:
        """All has been handed out."""
        raise NotImplementedError

    def _stop(self) -> None:
        """Hand out nothing more."""
        raise NotImplementedError

    def _no_event_stream(self, body: str) -> Exception:
        """The error for a response that is something else."""
        raise NotImplementedError

    # Once a read.

    def _receive(self, data: Any) -> int:
        """Take what has been read."""
        if self.timing is not None:
            self.timing._note_read()
        if type(data) is not bytes:
            data = _as_bytes(data)
        if len(data) > _PIECE:
            self._pieces = (data[i : i + _PIECE] for i in range(0, len(data), _PIECE))
        else:
            self._parse(data)
        return 0

    def _parse(self, piece: bytes) -> int:
        # When feed() raises what a callback has raised, there may be events to come.
        self._parser_is_due = True
        try:
            events = self._feed(piece)
        except SSEError:
            self._stop()  # the parser will never go on
            raise
        # An error that waits until these events are handed out shows here already.
        self._parser_is_due = self._parser.truncated
        if not self._is_event_stream:
            if events:
                self._is_event_stream = True
                self._stray.body = None
            elif self._stray.is_too_long():
                raise self._no_event_stream("\n".join(self._stray.body or ()))
        if self._stray_errors:
            events = place_errors(self._stray.take_errors(), events, piece)
        self._events = events
        self._position = 0
        return 0

    def _find_events(self) -> bool:
        """Get more events, without reading; returns whether there may be any now."""
        if self._ended:
            return False
        if self._parser_is_due:
            # It comes out now, not when the source gives more bytes.
            self._parse(b"")
            return True
        if self._pieces is not None:
            for piece in self._pieces:
                self._parse(piece)
                return True
            self._pieces = None
        if self._input_ended:
            self._finish()
        return False

    # Once a chunk.

    def _advance(self) -> Any:
        """The next chunk; None where there is none without reading on."""
        while True:
            if self._slow_chunks is not None:
                chunk = next(self._slow_chunks, None)
                if chunk is None:
                    self._slow_chunks = None
                    if self._decoder.done:
                        # Whatever follows [DONE] is ignored.
                        self._stop()
                    continue
                self._fold(chunk)
            elif self._position < len(self._events):
                chunk = self._decode_next()
                if chunk is None:
                    continue
            elif self._find_events():
                continue
            else:
                return None
            if self._skip_empty and not chunk.choices:
                continue
            return chunk

    def _fold_at_hand(self) -> None:
        """Decode and fold the events at hand, up to one that takes the second path.

        For when nobody is handed the chunks.
        """
        while self._slow_chunks is None and self._position < len(self._events):
            self._decode_next()

    def _decode_next(self) -> Any:
        """Decode and fold the next event; None where it takes the second path."""
        event = self._events[self._position]
        self._position += 1
        payload = event._data_bytes  # read in C, where data_bytes is a property
        # Its length first: comparing strings costs as much as looking up a field.
        if len(event._event) == 5 and event._event == "error":
            self._slow_chunks = self._decoder._decode_slowly(event)
            return None
        if self._decode_piece is not None:
            try:
                chunk = self._decode_piece(payload)
            except REFUSALS:
                self._misses = 0 if self._run_size > 3 else self._misses + 1
                self._decode_piece = None
            else:
                chunk._payload = payload
                if not self._continue_run(chunk):
                    self._fold(chunk)
                return chunk
        try:
            chunk = self._decode_exact(payload)
        except REFUSALS:
            self._slow_chunks = self._decoder._decode_slowly(event)
            return None
        chunk._payload = payload
        self._fold(chunk)
        return chunk

    def _fold(self, chunk: Any) -> int:
        """Let the state have a chunk."""
        if self._accumulate:
            self._state.handle_chunk(chunk)
        else:
            self._state.note_chunk(chunk)
        if self.timing is not None:
            self.timing._note_chunk(chunk)
        # The decoder may have settled on another way.
        self._decode_exact = self._decoder._decode_exact
        self._decode_piece = None
        if self._misses < _MAX_MISSES and len(chunk.choices) == 1:
            self._begin_run(chunk.choices[0])
        return 0

    def _begin_run(self, choice: Any) -> int:
        """Where a choice brought one piece of something, expect more of the same."""
        decoders = self._decoder._decode_piece
        state = self._state
        if not decoders or (self._accumulate and not state._head_is_known):
            return 0
        delta = choice.delta
        kind = field = ""
        call_index = None
        if delta.tool_calls:
            kind = field = "arguments"
            call_index = delta.tool_calls[0].index
            if call_index is None:
                return 0
        elif delta.content is not None:
            field = "content"
            kind = field if choice.logprobs is None else "logprobs"
        elif delta.reasoning_content is not None:
            kind = field = "reasoning_content"
        elif delta.reasoning is not None:
            kind = field = "reasoning"
        if not kind:
            return 0
        if self._accumulate:
            self._run_text = state._text(choice.index, field, call_index)
            if self._run_text is None:
                return 0
            self._run_parts = self._run_text.parts
            self._run_logprobs = None
            if kind == "logprobs":
                self._run_logprobs = state._logprobs(choice.index)
                if self._run_logprobs is None:
                    return 0
            self._knows_fingerprint = bool(state._system_fingerprint)
            self._knows_service_tier = bool(state._service_tier)
        else:
            self._knows_fingerprint = self._knows_service_tier = True
        self._decode_piece = decoders[kind]
        self._run_index = choice.index
        self._run_field = field
        self._run_call_index = call_index
        self._run_size = 0
        return 0

    def _continue_run(self, chunk: Any) -> bool:
        """Add a piece to the run; False, and nothing done, where it belongs elsewhere."""
        choices = chunk.choices
        if len(choices) != 1:
            return False
        choice = choices[0]
        # Numbers beyond 256 are not identical: those chunks take the long way.
        if choice.index is not self._run_index:
            return False
        if not self._knows_fingerprint and chunk.system_fingerprint:
            return False
        if not self._knows_service_tier and chunk.service_tier:
            return False
        delta = choice.delta
        if self._run_call_index is not None:
            calls = delta.tool_calls
            if len(calls) != 1 or calls[0].index is not self._run_call_index:
                return False
            delta = calls[0].function
        text = getattr(delta, self._run_field)
        if self._accumulate:
            if text is not None:
                self._run_parts.append(text)
                # The state's BLOCK: a number, for a constant would be looked up each time.
                if len(self._run_parts) == 256:
                    self._run_text.compact()
            if self._run_logprobs is not None and choice.logprobs is not None:
                self._run_logprobs += choice.logprobs.content or ()
        if text and self.timing is not None:
            self.timing._note_token()
        self._run_size += 1
        return True


class ChunkIterator(ChunkLoop):
    """The loop over an iterable of bytes."""

    _chunks: Any

    def _find_events(self) -> bool:
        if ChunkLoop._find_events(self):
            return True
        if self._ended:
            return False
        try:
            data = next(self._chunks)
        except StopIteration:
            self._end()
        except BaseException:
            self._source_failed = True
            raise
        else:
            self._receive(data)
        return True

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        chunk = self._advance()
        if chunk is None:
            raise StopIteration
        return chunk


class AsyncChunkIterator(ChunkLoop):
    """The loop over an asynchronous iterable of bytes."""

    _chunks: Any

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> Any:
        while True:
            chunk = self._advance()
            if chunk is not None:
                return chunk
            if self._ended:
                raise StopAsyncIteration
            try:
                data = await self._chunks.__anext__()
            except StopAsyncIteration:
                self._end()
            except BaseException:
                self._source_failed = True
                raise
            else:
                self._receive(data)


def _as_bytes(data: Any) -> bytes:
    if isinstance(data, str):
        raise TypeError(
            "the source gives str, but a stream needs the bytes as they came, "
            "such as response.iter_bytes()"
        )
    return memoryview(data).tobytes()
