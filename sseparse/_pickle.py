"""Pickled events: made by one implementation of the parser, loaded by the one that is there."""

from __future__ import annotations

import contextlib
from importlib import import_module
from typing import Any

from ._compiled import NO_EXTENSIONS


def restore_event(
    module: str,
    event: str,
    data: bytes,
    id: str,
    retry: int | None,
    raw: bytes | None,
    own_id: str | None = None,
    comment: str | None = None,
) -> Any:
    """The event again, from the module that made it, or from ``sseparse`` without that."""
    event_type = import_module("sseparse").Event
    if not NO_EXTENSIONS:
        with contextlib.suppress(ModuleNotFoundError):
            event_type = import_module(module).Event
    return event_type(event, data, id, retry, raw, own_id=own_id, comment=comment)
