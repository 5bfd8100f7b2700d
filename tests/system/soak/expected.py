"""What must come of a plan, of however many bytes of it the client has got."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from apis import APIS
from plans import dumped

if TYPE_CHECKING:
    from plans import Block, Plan

    # What a way of reading tells of a stream: its events, an API's objects, or the pieces that
    # the view of all APIs makes of them.
    View = Literal["events", "objects", "pieces"]

__all__ = ["Told", "all_events", "is_cut", "must_tell"]


@dataclass
class Told:
    """What a stream tells, or has to: its events, and how it ended.

    Attributes:
        events: tuples, JSON or pieces, as the view has it.
        text: that of the final object; None where it was not asked for.
        error: the type of an error that stood in the stream.
    """

    events: list[Any] = field(default_factory=list)
    truncated: bool | None = None
    done: bool | None = None
    finish_reason: str | None = None
    text: str | None = None
    error: str | None = None


def all_events(plan: Plan, view: View) -> list[Any]:
    """What a stream tells that is read to its end, and is whole."""
    return [event for block in plan.blocks for event in _events_of(block, plan.kind, view)]


def _events_of(block: Block, kind: str, view: View) -> list[Any]:
    if view == "events":
        return [] if block.event is None else [block.event]
    payload = block.payload
    if payload in (None, "[DONE]", {"type": "ping"}):
        return []
    if view == "objects":
        return [dumped(payload)]
    return [piece for piece in APIS[kind].pieces_of(payload) if piece[0] and piece[1]]


def must_tell(plan: Plan, view: View, received: int, has_ended: bool = True) -> Told:
    """What the first so many bytes must have told; ``has_ended`` where their end has come, too."""
    # A CR ends its line at once: nobody waits for the LF behind it.
    lacking = len(plan.end) - 1
    if view != "events" and has_ended:
        # At the end of input a payload counts when it is whole, its blank line or not.
        lacking = 2 * len(plan.end)
    come = plan.come(received, lacking)
    events = [event for block in come for event in _events_of(block, plan.kind, view)]
    if view == "events":
        return Told(events, truncated=is_cut(plan, received))

    api = APIS[plan.kind]
    payloads = [block.payload for block in come if block.payload is not None]
    objects = [payload for payload in payloads if payload != "[DONE]"]
    done = any(_name_of(payload) == api.last for payload in payloads)
    reason = next(filter(None, map(api.reason_of, objects)), None)
    truncated = not (done or reason)
    if view == "pieces" and reason:
        reason = api.neutral_reason
    pieces = [piece for payload in objects for piece in api.pieces_of(payload)]
    text = "".join(text for kind, text in pieces if kind == "text" and text)
    return Told(events, truncated, done, reason, text if has_ended else None)


def _name_of(payload: Any) -> Any:
    return payload if payload == "[DONE]" else payload.get("type", "no type")


def is_cut(plan: Plan, received: int) -> bool:
    """Whether the bytes end inside a line or an event."""
    come = len(plan.come(received, len(plan.end) - 1))
    rest = plan.body[plan.stops[come - 1] if come else 0 : received]
    is_comment = rest.startswith(b":") and rest.endswith((b"\r", b"\n"))
    return bool(rest) and not is_comment
