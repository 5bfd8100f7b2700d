"""Keys that no type declares, learned, so that the next payload with them is read fast, too.

Some providers send keys of their own with every chunk. The first path refuses what it
does not know, and the second takes ten times as long. But the keys are the same in each
chunk of a stream: once the second path has met them, there can be a pair of types for them.

- One of the pair is the first path's, but lets unknown keys through.
- The other knows the learned keys, takes the value of each, skips those of declared keys,
  and refuses any other: so nothing that is new is overlooked.

A payload is decoded as both. That costs the time of a second scan, and no more.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import UNSET, Raw

from . import types

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Keys", "decoder_of", "tolerant", "unknown_keys"]

# Beyond that it is no set of keys that a provider adds, but data, and is not learned.
_MOST_KEYS = 32
_LONGEST_KEY = 100  # characters


class Keys(NamedTuple):
    """The unknown keys of a chunk, of its choices, and of their deltas."""

    chunk: frozenset[str] = frozenset()
    choice: frozenset[str] = frozenset()
    delta: frozenset[str] = frozenset()

    def union(self, other: Keys) -> Keys:
        return Keys(*(mine | theirs for mine, theirs in zip(self, other, strict=True)))


def unknown_keys(received: dict[str, Any]) -> Keys:
    """The unknown keys of a payload that the public types take."""
    choices = received.get("choices", [])
    return Keys(
        frozenset(received.keys() - _CHUNK),
        frozenset().union(*(choice.keys() - _CHOICE for choice in choices)),
        frozenset().union(*(choice["delta"].keys() - _DELTA for choice in choices)),
    )


def tolerant(chunk: type, choice: type, delta: type) -> type:
    """The type of a chunk that lets unknown keys through there."""
    options: Any = {"kw_only": True, "forbid_unknown_fields": False}
    marks = {"_is_declared": False}
    new_delta = msgspec.defstruct("ChoiceDelta", [], bases=(delta,), **options)
    new_choice = msgspec.defstruct("Choice", [("delta", new_delta)], bases=(choice,), **options)
    fields = [("choices", list[new_choice])]  # type: ignore[valid-type]
    return msgspec.defstruct(
        "ChatCompletionChunk", fields, bases=(chunk,), namespace=marks, **options
    )


# The types are shared by all streams; a server that invents keys cannot have many made.
@lru_cache(maxsize=64)
def decoder_of(keys: Keys, decode_tolerant: Callable[[bytes], Any]) -> Callable[[bytes], Any]:
    """What decodes a payload with these keys; raises where there are others, or an error.

    Args:
        keys: what has been learned; a ValueError is raised where that is too much.
        decode_tolerant: of a ``tolerant`` type.
    """
    names = keys.chunk | keys.choice | keys.delta
    if sum(map(len, keys)) > _MOST_KEYS or max(map(len, names), default=0) > _LONGEST_KEY:
        # What is learned outlives the stream: a server must not fill our memory with it.
        raise ValueError("too many keys, or too long ones")
    delta, delta_names = _finder("Delta", _DELTA, keys.delta)
    choice, choice_names = _finder("Choice", _CHOICE, keys.choice, delta=delta)
    chunk, chunk_names = _finder("Chunk", _CHUNK, keys.chunk, choices=list[choice])  # type: ignore[valid-type]
    find: Callable[[bytes], Any] = msgspec.json.Decoder(chunk).decode

    def decode(payload: bytes) -> Any:
        decoded = decode_tolerant(payload)
        found = find(payload)
        extra = decoded._extra = _values(found, chunk_names)
        if extra.get("error"):
            raise ValueError("an error is reported")
        for choice, its_own in zip(decoded.choices, found.choices, strict=True):
            choice._extra = _values(its_own, choice_names)
            choice.delta._extra = _values(its_own.delta, delta_names)
        return decoded

    return decode


def _finder(
    name: str, declared: frozenset[str], unknown: frozenset[str], **nested: Any
) -> tuple[type, list[tuple[str, str]]]:
    """A type that finds unknown keys, and the pairs of its fields' names and those keys."""
    # Keys are any text, and may be what Python or msgspec gives a meaning to.
    names = [(f"key_{number}", key) for number, key in enumerate(sorted(unknown))]
    fields: list[Any] = list(nested.items())
    fields += [(key, Raw, Raw()) for key in sorted(declared - nested.keys())]
    fields += [(field, Any, UNSET) for field, _ in names]
    options: Any = {"kw_only": True, "forbid_unknown_fields": True, "gc": False}
    return msgspec.defstruct(name, fields, rename=dict(names), **options), names


def _values(found: Any, names: list[tuple[str, str]]) -> dict[str, Any]:
    if not names:
        return _NOTHING
    return {key: value for name, key in names if (value := getattr(found, name)) is not UNSET}


# Nobody changes what an object has there.
_NOTHING: dict[str, Any] = {}

_CHUNK = frozenset(types.ChatCompletionChunk.__struct_fields__)
_CHOICE = frozenset(types.Choice.__struct_fields__)
_DELTA = frozenset(types.ChoiceDelta.__struct_fields__)
