"""The ``sseparse`` command: what is in an event stream, on files, pipes and live connections."""

from __future__ import annotations

import argparse
import io
import json
import os
import select
import sys
import time
from typing import TYPE_CHECKING, Any

from . import IMPLEMENTATION, EventTooLargeError, Parser, SSEError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from . import Event
    from .llm import Timing, ToolCall, Usage

_READ_SIZE = 65536

_DESCRIPTION = "Read event streams (text/event-stream) and the streamed answers of LLM servers."

_EXIT_STATUS = """\
exit status:
  0    the stream was whole
  1    it was truncated or empty, or had an error in it; what came is printed
  2    wrong usage, or FILE cannot be opened
"""

_EXAMPLES = f"""\
examples:
  sseparse events recorded.sse
  sseparse events recorded.sse | jq -r .data
  curl -sN http://localhost:8000/v1/chat/completions \\
    -H "Content-Type: application/json" -d @request.json | sseparse chat

{_EXIT_STATUS}
"sseparse events --help" and "sseparse chat --help" say more.
"""

_EVENTS_DESCRIPTION = """\
Print each event of a stream as one line of JSON, as soon as it is complete. Its
keys are "event" (the type), "data" (a string), "id" (the last event ID) and
"retry" (milliseconds, or null). An event that no blank line has ended is no
event, by the standard.
"""

_EVENTS_EXAMPLES = f"""\
examples:
  sseparse events recorded.sse
  curl -sN https://example.com/updates | sseparse events
  sseparse events recorded.sse | jq -r 'select(.event == "price").data'

{_EXIT_STATUS}"""

_CHAT_DESCRIPTION = """\
Print the text of a streamed answer as it comes, and behind it each tool call as a
line: name(arguments). It may be of any API: chat completions, legacy completions,
OpenAI's Responses, Anthropic's Messages, Google's generateContent. Of several choices
it is the first; the reasoning is in the output of --json. It needs msgspec:
pip install "sseparse[llm]".
"""

_CHAT_EXAMPLES = f"""\
examples:
  sseparse chat recorded.sse
  sseparse chat --json recorded.sse | jq .usage
  curl -sN "$URL" -H "Authorization: Bearer $KEY" \\
    -H "Content-Type: application/json" -d @request.json \\
    | sseparse chat --timings --record answer.sse

The request must have "stream": true; for Gemini, its URL ends in
":streamGenerateContent?alt=sse".

{_EXIT_STATUS}"""


class _CommandError(Exception):
    """Ends the command with a message for people and an exit status."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        argv: its arguments, without the name of the program; by default those of the process.

    Returns:
        The exit status.

    Raises:
        SystemExit: from argparse, for wrong usage, ``--help`` and ``--version``.
    """
    _write_utf8()
    try:
        try:
            arguments = _make_argument_parser().parse_args(argv)
            status: int = arguments.run(arguments)
        finally:
            # Now, and not at exit, where a closed pipe would be a traceback.
            if sys.stdout is not None:
                sys.stdout.flush()
    except _CommandError as error:
        _complain(str(error))
        return error.status
    except SSEError as error:
        _complain(_explain(error))
        return 1
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, as a shell would say
    except BrokenPipeError:
        _discard(sys.stdout)
        return 141  # 128 + SIGPIPE: what any other program at the head of "| head" ends with
    except OSError as error:
        # Reading has failures of its own: this one is of writing, to a full disk for example.
        _discard(sys.stdout)
        _complain(f"cannot write to standard output: {error.strerror}")
        return 1
    return status


def _make_argument_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sseparse",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action=_PrintVersion, nargs=0, help="print the version")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    events = commands.add_parser(
        "events",
        help="print each event as a line of JSON",
        description=_EVENTS_DESCRIPTION,
        epilog=_EVENTS_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    events.set_defaults(run=_events)

    chat = commands.add_parser(
        "chat",
        help="print the text of an answer as it comes",
        description=_CHAT_DESCRIPTION,
        epilog=_CHAT_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    chat.add_argument(
        "--json",
        action="store_true",
        help="print the final object as JSON instead: what the API gives without streaming",
    )
    chat.add_argument(
        "--timings",
        action="store_true",
        help="also print, to standard error, how fast the text came, counted from the start of "
        "the command: time to first token, inter-token latency, tokens a second",
    )
    chat.set_defaults(run=_chat)

    chat.add_argument(
        "--record",
        metavar="PATH",
        help="also write the bytes to this file as they come, to be read again later",
    )

    for command in (events, chat):
        command.add_argument(
            "file",
            nargs="?",
            default="-",
            metavar="FILE",
            help="the bytes of a response body; standard input without it, or where it is -",
        )
    return parser


class _PrintVersion(argparse.Action):
    """``--version``, looked up only when asked for: importing importlib.metadata is slow."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import PackageNotFoundError, version

        try:
            number = version("sseparse")
        except PackageNotFoundError:
            number = "(not installed)"
        print(f"sseparse {number} ({IMPLEMENTATION} parser)")
        parser.exit()


def _events(arguments: argparse.Namespace) -> int:
    first_ignored: list[str] = []

    def note_ignored(line: str) -> None:
        if not first_ignored:
            first_ignored.append(line)

    parser = Parser(on_ignored_line=note_ignored)
    is_any = False
    for chunk in _read(arguments.file):
        lines = [_to_json_line(event) for event in parser.feed(chunk)]
        if lines:
            is_any = True
            print(*lines, sep="\n", flush=True)
    # Not to print an event that nobody has ended, but to see a last line without a line end:
    # it may be the whole body, one JSON object that says what went wrong.
    parser.close(dispatch_incomplete=True)
    if first_ignored and not is_any:
        raise _CommandError(f"this is no event stream: it has the line {first_ignored[0][:80]!r}")
    if parser.truncated:
        raise _CommandError("the stream is truncated: it ends inside an event, which is left out")
    return 0


def _to_json_line(event: Event) -> str:
    fields = {"event": event.event, "data": event.data, "id": event.id, "retry": event.retry}
    return json.dumps(fields, ensure_ascii=False)


def _chat(arguments: argparse.Namespace) -> int:
    try:
        from . import llm
    except ImportError as error:
        raise _CommandError(str(error), status=2) from None
    start = time.perf_counter()
    chunks = _read(arguments.file)
    if arguments.record is not None:
        chunks = _record(chunks, arguments.file, arguments.record)
    stream = llm.Stream(chunks, clock=time.perf_counter)
    timing = stream.timing
    assert timing is not None  # there is a clock
    pieces = stream.iter_pieces()
    answer = _Answer()
    has_failed = has_ended = False
    try:
        while not has_ended:
            try:
                for piece in pieces:
                    if not arguments.json and piece.kind in ("text", "refusal"):
                        answer.print(piece.text)
                has_ended = True
            except (llm.APIError, llm.ChunkDecodeError) as error:
                # What stands behind it is worth having, too; but it may be long in coming.
                if not has_failed:
                    answer.end_line()
                    _complain(_explain(error))
                has_failed = True
    finally:
        # Of a truncated or failed stream too: what came before is worth having.
        if timing.first_chunk is not None:
            if not has_ended:
                stream.close()  # else its final object would read on
            if arguments.json:
                print(stream.get_final().to_json(), flush=True)
            else:
                answer.finish(stream.tool_calls)
            if arguments.timings:
                _note(_describe(timing, stream.usage, start))
    if has_failed:
        return 1
    if timing.first_chunk is None:
        raise _CommandError(_why_nothing_came(timing, stream.done))
    if stream.truncated:
        raise _CommandError("the stream is truncated: nothing in it says that the answer is whole")
    if timing.token_times and not (arguments.json or answer.has_printed):
        _note("the answer has no text and no tool calls; --json prints what it has")
    return 0


def _why_nothing_came(timing: Timing, is_done: bool) -> str:
    if timing.first_read is None:
        return "the input is empty"
    if is_done:
        return "no chunk came: the stream has nothing but [DONE]"
    return "no chunk came: the stream ended before the first one"


class _Answer:
    """What is printed of an answer: its text as it comes, and then its tool calls.

    Attributes:
        has_printed: whether anything of it was worth printing.
    """

    def __init__(self) -> None:
        self.has_printed = False
        self._last = ""  # what was printed last

    def print(self, text: str) -> None:
        self.has_printed = True
        self._last = text
        print(text, end="", flush=True)

    def end_line(self) -> None:
        """Nothing that belongs on the same line follows."""
        if self._last and not self._last.endswith("\n"):
            print(flush=True)
        self._last = ""

    def finish(self, calls: list[ToolCall]) -> None:
        self.end_line()
        for call in calls:
            self.print(f"{call.name}({call.arguments})\n")


def _describe(timing: Timing, usage: Usage | None, start: float) -> str:
    times = timing.token_times
    if not times:
        return "no token came"
    parts = [f"time to first token {_in_ms(times[0] - start)}"]
    median, p95 = timing.inter_token_latency(50), timing.inter_token_latency(95)
    if median is not None and p95 is not None:
        parts.append(f"inter-token latency median {_in_ms(median)}, p95 {_in_ms(p95)}")
    # A chunk may carry several tokens; only the server knows how many.
    if usage is not None and usage.output_tokens:
        count, unit = usage.output_tokens, "tokens"
    else:
        count, unit = len(times), "chunks"
    duration = times[-1] - times[0]
    rate = f", {(count - 1) / duration:.1f} {unit}/s" if duration > 0 else ""
    parts.append(f"{count} {unit}{rate}")
    return "; ".join(parts)


def _in_ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _read(file_name: str) -> Iterator[bytes]:
    """Yield the bytes of a file, or of standard input, as they arrive.

    Unbuffered: a read returns what there is, and never waits for a buffer to fill.
    """
    is_stdin = file_name == "-"
    title = "standard input" if is_stdin else file_name
    try:
        source = 0 if is_stdin else file_name
        file = open(source, "rb", buffering=0, closefd=not is_stdin)  # noqa: SIM115
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _CommandError(f"cannot open {title}: {_reason(error)}", status=2) from None
    with file:
        while True:
            try:
                chunk = file.read(_READ_SIZE)
            except OSError as error:
                raise _CommandError(f"cannot read {title}: {_reason(error)}") from None
            if chunk is None:
                # Somebody has made the pipe non-blocking. Silence is not its end.
                select.select([file], [], [])
            elif chunk:
                yield chunk
            else:
                return


def _record(chunks: Iterator[bytes], file_name: str, path: str) -> Iterator[bytes]:
    """Pass bytes on, and keep them: each before it is shown, so that none is missing."""
    try:
        if file_name != "-" and os.path.exists(path) and os.path.samefile(file_name, path):
            raise _CommandError(f"cannot record {path} onto itself", status=2)
        with open(path, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
                file.flush()
                yield chunk
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _CommandError(f"cannot write {path}: {_reason(error)}", status=2) from None


def _explain(error: SSEError) -> str:
    if isinstance(error, EventTooLargeError):
        # Its own message speaks of a limit to raise, which this command has not.
        return (
            f"the {error.what} that begins at byte {error.offset} is larger than "
            f"{error.max_event_size} bytes"
        )
    if type(error).__name__ == "APIError":
        return f"the server reported an error: {error}"
    return str(error)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _complain(message: str) -> None:
    # One line, whatever the server put into its error.
    _note(f"sseparse: {' '.join(message.split())}")


def _note(message: str) -> None:
    # Without a stderr, print() would write to stdout.
    if sys.stderr is not None:
        try:
            print(message, file=sys.stderr, flush=True)
        except OSError:
            _discard(sys.stderr)  # closed, as by "2>&1 | head": nobody wants to know


def _write_utf8() -> None:
    r"""Write UTF-8 whatever the locale is.

    A lone surrogate, which JSON can smuggle in, comes out as ``\ud83d``: JSON again.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")


def _discard(stream: Any) -> None:
    """Let what could not be written go, or the interpreter tries again at exit and complains."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
