"""Pickled events: made by one implementation of the parser, loaded by the one that is there."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def restore_event(module: str, *fields: Any) -> Any:
    """The event again, from the module that made it, or from ``sseparse`` without that."""
    try:
        event = import_module(module).Event
    except ModuleNotFoundError:
        event = import_module("sseparse").Event
    return event(*fields)
