"""Where two trees of JSON differ."""

from __future__ import annotations

from typing import Any

__all__ = ["ABSENT", "differences", "without_nulls"]

ABSENT = "<absent>"


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    return [without_nulls(item) for item in value] if isinstance(value, list) else value


def differences(ours: Any, theirs: Any, path: str = "") -> list[tuple[str, Any, Any]]:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [
            difference
            for key in {**ours, **theirs}
            for difference in differences(
                ours.get(key, ABSENT), theirs.get(key, ABSENT), f"{path}.{key}"
            )
        ]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [
            difference
            for position, items in enumerate(zip(ours, theirs, strict=True))
            for difference in differences(*items, f"{path}[{position}]")
        ]
    return [] if ours == theirs else [(path, ours, theirs)]
