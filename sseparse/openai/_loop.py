# cython: language_level=3, freethreading_compatible=True, auto_pickle=False
"""What happens once a chunk: decode its event, fold it, hand it out.

This is ordinary Python, and runs as such. Where there is a compiler Cython compiles it as
it stands, with the types in ``_loop.pxd``, and the extension takes its place: a loop over a
stream then costs a quarter less, and most of the rest is decoding JSON.

Most chunks of most streams are one more piece of the text of the same choice. They do not
go through the state one by one but gather in ``_run``; the state gets them when the run is
long enough, when a chunk comes that says more, and when somebody asks it anything.
"""

from __future__ import annotations

from typing import Any

from .decode import REFUSALS

__all__ = ["ChunkIterator", "ChunkLoop"]


class ChunkLoop:
    """The chunks of the events at hand, in order. A stream says where more events come from.

    Args:
        decoder: makes chunks of events.
        state: folds them.
        accumulate: whether the state is to keep their content.
        timing: notes when they came, where it is not None.
        skip_empty: fold chunks without choices, but do not hand them out.
    """

    def __init__(
        self, decoder: Any, state: Any, accumulate: bool, timing: Any, skip_empty: bool
    ) -> None:
        self._decoder = decoder
        self._decode_exact = decoder.decode_exact
        self._state = state
        self._accumulate = accumulate
        self.timing = timing
        self._skip_empty = skip_empty
        # The events at hand, and which is next.
        self._events: list[Any] = []
        self._position = 0
        # The chunks of an event that takes the decoder's second path.
        self._slow_chunks: Any = None
        # Pieces of text that the state does not know yet, and the choice they belong to;
        # None where the next chunk has to go to the state in any case.
        self._run: list[str] = []
        self._run_index: int | None = None
        self._knows_fingerprint = False
        self._knows_service_tier = False

    def _find_events(self) -> bool:
        """Get more events; returns whether there may be any now."""
        raise NotImplementedError

    def _stop(self) -> None:
        """Hand out nothing more."""
        raise NotImplementedError

    def _known_state(self) -> Any:
        """The state, knowing of all chunks up to the last."""
        self._end_run()
        return self._state

    def _next_chunk(self) -> Any:
        """The next chunk.

        Raises:
            StopIteration: there is none at hand, and ``_find_events`` found no more.
        """
        return self._advance()

    def _advance(self) -> Any:
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
                raise StopIteration
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
        payload = event.data_bytes
        try:
            chunk = self._decode_exact(payload)
        except REFUSALS:
            self._slow_chunks = self._decoder.decode_slowly(event)
            return None
        chunk._payload = payload
        if not self._continue_run(chunk):
            self._fold(chunk)
        return chunk

    def _continue_run(self, chunk: Any) -> bool:
        """Add a chunk to the run; False where it is more than a piece of the same text."""
        if self._run_index is None or not chunk._is_plain:
            return False
        choices = chunk.choices
        if len(choices) != 1:
            return False
        choice = choices[0]
        if choice.index != self._run_index:
            return False
        if not self._knows_fingerprint and chunk.system_fingerprint:
            return False
        if not self._knows_service_tier and chunk.service_tier:
            return False
        text = choice.delta.content
        if text is not None and self._accumulate:
            self._run.append(text)
            # Pieces weigh more than the text they make. (A number, for a constant would be
            # looked up in the module each time.)
            if len(self._run) == 256:
                self._end_run()
        return True

    def _end_run(self) -> int:
        """Let the state know of all that has been handed out."""
        if self._run:
            self._state.add_text(self._run_index, self._run)
            self._run = []
        return 0

    def _fold(self, chunk: Any) -> int:
        """Let the state have a chunk, after those before it."""
        self._end_run()
        state = self._state
        if self._accumulate:
            state.handle_chunk(chunk)
        else:
            state.note_chunk(chunk)
        # The decoder may have settled on another way.
        self._decode_exact = self._decoder.decode_exact
        self._run_index = None
        if self.timing is not None:
            # It wants to see every chunk: no runs then.
            self.timing.note_chunk(chunk)
        elif chunk._is_plain:
            self._run_index = state.text_index
            self._knows_fingerprint = not self._accumulate or bool(state._system_fingerprint)
            self._knows_service_tier = not self._accumulate or bool(state._service_tier)
        return 0


class ChunkIterator(ChunkLoop):
    """The loop as an iterator, for streams that read as they go."""

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self._advance()
