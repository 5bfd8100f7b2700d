"""Everything that a typed stream can be asked, in values that compare type by type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from sseparse import SSEError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["chunks_of", "error_of", "everything", "of_itself", "shown", "texts_of"]


def shown(value: Any) -> Any:
    """A value with its types, and of objects their undeclared keys: 1, 1.0 and True differ."""
    if isinstance(value, msgspec.Struct):
        names = value.__struct_fields__
        extra: Any = value.model_extra  # type: ignore[attr-defined]
        fields = {name: shown(getattr(value, name)) for name in names}
        return type(value).__name__, fields, shown(extra)
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shown(item) for item in value]
    return type(value).__name__, repr(value)


def error_of(error: BaseException) -> Any:
    return type(error).__name__, repr(error.args), str(error)


def chunk_of(chunk: Any) -> Any:
    return shown(chunk), chunk.raw, shown(chunk.to_dict())


def each(items: Iterator[Any], show: Any) -> list[Any]:
    """What comes of an iterator, errors in their places."""
    found: list[Any] = []
    while True:
        try:
            found.append(show(next(items)))
        except StopIteration:
            return found
        except SSEError as error:
            found.append(error_of(error))


def chunks_of(stream: Any) -> list[Any]:
    return each(iter(stream), chunk_of)


def texts_of(stream: Any, choice: int = 0) -> list[Any]:
    return each(stream.iter_text(choice), repr)


def folded(stream: Any) -> list[Any]:
    """Errors alone: read to the end without a chunk being asked for."""
    errors = []
    while True:
        try:
            stream.until_done()
        except SSEError as error:
            errors.append(error_of(error))
        else:
            return errors


def of_itself(stream: Any, accumulates: bool = True) -> dict[str, Any]:
    """What a stream says of itself in the end."""
    told = {
        name: shown(getattr(stream, name))
        for name in ("done", "truncated", "usage", "finish_reason", "last_event_id")
    }
    if accumulates:
        final = stream.get_final_completion()
        told["final"] = shown(final)
        told["final_to_dict"] = shown(final.to_dict())
        told["snapshot"] = shown(stream.current_completion_snapshot)
    if stream.timing is not None:
        timing = stream.timing
        told["timing"] = [timing.first_read, timing.first_chunk, timing.token_times]
    return told


def everything(stream: Any) -> Any:
    """Its chunks, and then what it says of itself."""
    return chunks_of(stream), of_itself(stream)
