"""What must come of a plan that is read through the gateway, of the bytes that it has sent.

It passes on whole blocks as they came, has comments between them while the server is silent, and
says in the API's words where the answer is not whole: docs/gateways.md.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from expected import is_cut, must_tell

from sseparse import encode_comment, llm

if TYPE_CHECKING:
    from collections.abc import Iterator

    from expected import Told, View
    from plans import Plan

__all__ = ["ERROR", "KEEP_ALIVE", "must_tell_relayed"]

KEEP_ALIVE = encode_comment("waiting for the model")
ERROR = "upstream_error"  # the type of an error that the gateway reports
# Whether the server has ended as HTTP has it: what the gateway says of it.
FAILURES = {
    True: re.compile(rb'EOFError: [^"]*'),
    False: re.compile(rb'(RemoteProtocolError|ReadError): [^"]*'),
}


def must_tell_relayed(plan: Plan, view: View, relayed: bytes) -> Told:
    """What the bytes of a gateway must have told.

    Raises:
        ValueError: they are not what the gateway has to make of the plan.
    """
    size, added = _parts(plan, relayed.replace(KEEP_ALIVE, b""))
    must = must_tell(plan, view, size)
    if not added:
        return must
    if view == "events":
        must.events += _events_in(added)
        must.truncated = False
    elif not (must.done and added.endswith(llm.DONE)):  # nobody reads on behind a [DONE]
        must.text, must.truncated, must.error = None, True, ERROR
        if plan.kind == "messages" and view == "pieces":
            must.finish_reason = must.finish_reason or "error"  # it is one of the reasons
    return must


def _parts(plan: Plan, relayed: bytes) -> tuple[int, bytes]:
    """How many bytes of the plan were passed on, and the gateway's own behind them."""
    is_whole = plan.ends_body and not must_tell(plan, "objects", plan.size).truncated
    size = plan.size
    if not is_whole and (not plan.ends_body or is_cut(plan, size)):
        size = max(stop for stop in _clean_stops(plan) if stop <= size)
    if plan.ending == "reset":
        # Which overtakes bytes, at the gateway too.
        size = max(stop for stop in _clean_stops(plan) if relayed.startswith(plan.body[:stop]))
    must = plan.body[:size]
    if not relayed.startswith(must):
        place = next(i for i in range(size) if relayed[i : i + 1] != must[i : i + 1])
        come, lacking = relayed[place : place + 100], must[place : place + 100]
        raise ValueError(f"at byte {place} the gateway sent {come!r}, and not {lacking!r}")
    added = relayed[size:]
    if added != (b"" if is_whole else _failure(plan, added)):
        raise ValueError(f"behind {size} bytes the gateway sent {added!r}")
    return size, added


def _clean_stops(plan: Plan) -> list[int]:
    """Where a gateway may stop: behind whole blocks.

    A CR ends a comment's. An event may still wait for the LF behind it.
    """
    stops = [0, *plan.stops]
    if len(plan.end) == 2:
        blocks = zip(plan.blocks, plan.stops, strict=True)
        stops += [stop - 1 for block, stop in blocks if block.event is None]
    return stops


def _failure(plan: Plan, sent: bytes) -> bytes:
    """How the API says what the gateway has said."""
    found = FAILURES[plan.ends_body].search(sent)
    message = json.loads(b'"%b"' % found[0]) if found else "nothing"
    kind: Any = plan.kind
    failure = llm.encode_error(kind, message, type=ERROR)
    return failure + (llm.DONE if kind in ("chat", "completions") else b"")


def _events_in(failure: bytes) -> Iterator[tuple[str, str, str]]:
    for block in failure.decode().split("\n\n")[:-1]:
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        yield fields.get("event", "message"), fields["data"], ""
