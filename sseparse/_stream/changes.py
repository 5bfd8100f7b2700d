# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""What an object says now, laid out as the JSON that it came as.

Nothing tells that somebody has changed an object: its fields are plain slots, and the lists and
dicts in it anybody's. So it is laid over the payload's JSON, value by value: what says the same
stays as it came, and the rest is as it is now. It is right whatever JSON it is laid over, which
only gives the keys their order, the nulls that were sent, and leave to omit defaults. Ordinary
Python, compiled as it stands where there is a compiler: it is what each changed object takes.

Where a value was mended it is not what came, though nobody has changed it. There it takes the
object as it was decoded, too (``laid_over_since``).
"""

from __future__ import annotations

import json
from typing import Any

import msgspec

from . import native
from .fields import decoded_as, extra_of, slots_of, was_mended
from .payload import REFUSALS, loads, loads_oddly

__all__ = ["dict_of", "json_of", "laid_over", "laid_over_since", "plain", "written"]


class _Plan:
    """The fields of a class.

    Attributes:
        by_key: where the value of each is, by its name in JSON.
        keys: these names.
        slots: where their values are.
        defaults: the values that they have where nothing came.
    """

    def __init__(self, cls: type[msgspec.Struct]) -> None:
        slots = dict(slots_of(cls))
        fields = msgspec.structs.fields(cls)
        self.keys = [field.encode_name for field in fields]
        self.slots = [slots[field.name] for field in fields]
        self.by_key = dict(zip(self.keys, self.slots, strict=True))
        self.defaults = [
            field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
            for field in fields
        ]


_PLANS: dict[type, _Plan | None] = {}
_UNKNOWN: Any = object()


def _plan_of(kind: Any) -> Any:
    """The fields of a type; None of what is no Struct. To ask ``isinstance`` takes longer."""
    plan = _PLANS.get(kind, _UNKNOWN)
    if plan is _UNKNOWN:
        plan = _PLANS[kind] = _Plan(kind) if issubclass(kind, msgspec.Struct) else None
    return plan


def dict_of(model: Any, payload: bytes, decoder: Any) -> Any:
    """What an object is now, laid out as the payload that it was decoded from.

    Args:
        model: the object.
        payload: that.
        decoder: makes another object of it.
    """
    return _laid_over(model, _original_of(model, payload, decoder), loads(payload))


def json_of(model: Any, payload: bytes, decoder: Any) -> str:
    """The same as JSON text; the payload's own where nothing was changed."""
    original = _original_of(model, payload, decoder)
    text = _json_since(model, original, payload) if type(original) is type(model) else None
    if text is not None:
        return text
    try:
        received, is_odd = _parse(payload), False
    except REFUSALS:
        received, is_odd = loads_oddly(payload)
    now = _laid_over(model, original, received)
    return payload.decode("utf-8", "replace") if now is received else written(now, None, is_odd)


def _original_of(model: Any, payload: bytes, decoder: Any) -> Any:
    """What the payload was decoded to, where it is not what came; else None."""
    original = decoded_as(model)
    return decoder.decode(payload) if original is None and was_mended(model) else original


def _laid_over(model: Any, original: Any, received: Any) -> Any:
    if original is None:
        return laid_over(model, received)
    return laid_over_since(model, original, received)


def _json_since(model: Any, original: Any, payload: bytes) -> str | None:
    """The JSON text of an object that was mended, of which only what was changed is parsed.

    Returns:
        None where the payload is nothing that msgspec reads.
    """
    plan = _plan_of(type(model))
    try:
        members = _parse_members(payload)
        is_same = True
        for index in range(len(plan.slots)):
            says = native.get(model, plan.slots[index])
            said = native.get(original, plan.slots[index])
            if native.are_equal_texts(says, said) or _is_same(says, said):
                continue
            came = members.get(plan.keys[index])
            came = _UNKNOWN if came is None else _parse(came)
            members[plan.keys[index]] = laid_over_since(says, said, came)
            is_same = False
        return payload.decode() if is_same else _encode(members).decode()
    except REFUSALS:
        return None


def written(value: Any, indent: int | None, is_odd: bool) -> str:
    """JSON text.

    Args:
        value: parsed JSON.
        indent: spaces a level; None for one line.
        is_odd: it came with what msgspec neither reads nor writes, such as NaN.
    """
    if indent is None and not is_odd:
        try:
            return _encode(value).decode()
        except UnicodeEncodeError:
            pass  # half a character
    separators = (",", ":") if indent is None else None
    text = json.dumps(value, ensure_ascii=False, indent=indent, separators=separators)
    try:
        text.encode()
    except UnicodeEncodeError:
        # Half a character that came alone can be written as an escape only.
        text = json.dumps(value, indent=indent, separators=separators)
    return text


_parse = msgspec.json.Decoder().decode
_parse_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def laid_over(now: Any, received: Any) -> Any:
    """What a value is now, as JSON, laid out as the JSON that it came as.

    Args:
        now: an object, or what may be in a field of one.
        received: parsed JSON.

    Returns:
        ``received`` itself where it says the same; else another value, which has parts of it.
    """
    if now is received:
        return received
    kind: Any = type(now)
    if kind is str:
        return received if type(received) is str and now == received else now
    # Of lists and dicts here, and not in functions of their own: JSON may be nested so deeply that
    # Python has no room for two calls a level.
    if kind is list:
        if type(received) is not list:
            return plain(now)
        size = len(received)
        is_same = len(now) == size
        result = []
        for index in range(len(now)):
            if index < size:
                value = received[index]
                laid = laid_over(now[index], value)
                is_same = is_same and laid is value
            else:
                laid = plain(now[index])
            result.append(laid)
        return received if is_same else result
    if kind is dict:
        if type(received) is not dict or len(now) != len(received):
            return now
        for key, value in received.items():
            if key not in now:
                return now
            says = now[key]
            if says is not value and laid_over(says, value) is not value:
                return now
        return received
    plan = _plan_of(kind)
    if plan is not None:
        return _object_over(now, plan, received) if type(received) is dict else plain(now)
    return received if _are_same_scalars(now, received) else plain(now)


def _object_over(now: Any, plan: Any, received: Any) -> Any:
    extra = extra_of(now)
    by_key = plan.by_key
    result: Any = None
    its_own = 0
    for key, value in received.items():
        slot = by_key.get(key)
        if slot is not None:
            says = native.get(now, slot)
        elif key in extra:
            its_own += 1
            says = extra[key]
        else:
            # Another object stood here, with keys of its own.
            if result is None:
                result = dict(received)
            del result[key]
            continue
        if says is value:
            continue
        laid = laid_over(says, value)
        if laid is not value:
            if result is None:
                result = dict(received)
            result[key] = laid
    for index in range(len(plan.slots)):
        says = native.get(now, plan.slots[index])
        if says is None or plan.keys[index] in received or _is_same(says, plan.defaults[index]):
            continue
        if result is None:
            result = dict(received)
        result[plan.keys[index]] = plain(says)
    if its_own < len(extra):
        rest = {key: extra[key] for key in extra if key not in received}
        result = {**(received if result is None else result), **rest}
    return received if result is None else result


def _are_same_scalars(one: Any, other: Any) -> bool:
    """Whether they are the same JSON; neither is a str, a list or a dict."""
    if type(one) is not type(other):
        # A float's type takes integers. True is none.
        if not (type(one) in (int, float) and type(other) in (int, float)):
            return False
        try:
            return float(one) == float(other)  # as it was decoded
        except OverflowError:
            return False
    elif type(one) is float and one != one:
        return bool(other != other)
    return bool(one == other)


def laid_over_since(now: Any, original: Any, received: Any) -> Any:
    """The same where values are not what came: what is as it was decoded is as it was received.

    Args:
        now: an object, or what may be in a field of one.
        original: the same as it was decoded.
        received: the JSON that it was decoded from.
    """
    kind: Any = type(now)
    plan = _plan_of(kind)
    if kind is type(original) and plan is not None and type(received) is dict:
        if not _is_same(extra_of(now), extra_of(original)):
            return plain(now)
        result: Any = None
        for index in range(len(plan.slots)):
            says = native.get(now, plan.slots[index])
            said = native.get(original, plan.slots[index])
            if native.are_equal_texts(says, said):
                continue
            came = received.get(plan.keys[index], _UNKNOWN)
            laid = laid_over_since(says, said, came)
            if laid is not came:
                if result is None:
                    result = dict(received)
                result[plan.keys[index]] = laid
        return received if result is None else result
    are_lists = kind is list and type(original) is list and type(received) is list
    if are_lists and len(now) == len(original) == len(received):
        result = []
        is_same = True
        for index in range(len(now)):
            laid = laid_over_since(now[index], original[index], received[index])
            is_same = is_same and laid is received[index]
            result.append(laid)
        return received if is_same else result
    return received if _is_same(now, original) else plain(now)


def _is_same(one: Any, other: Any) -> bool:
    """Whether two values are the same, to the type: True is not 1."""
    if one is other:
        return True
    kind: Any = type(one)
    if kind is str:
        return type(other) is str and one == other
    if kind is list or kind is dict:
        if type(other) is not kind or len(one) != len(other):
            return False
        if kind is list:
            for index in range(len(one)):  # noqa: SIM110 - compiled, this makes no generator
                if not _is_same(one[index], other[index]):
                    return False
            return True
        for key, value in one.items():
            if key not in other or not _is_same(value, other[key]):
                return False
        return True
    plan = _plan_of(kind)
    if plan is not None:
        if type(other) is not kind or not _is_same(extra_of(one), extra_of(other)):
            return False
        for slot in plan.slots:  # noqa: SIM110
            if not _is_same(native.get(one, slot), native.get(other, slot)):
                return False
        return True
    return _are_same_scalars(one, other)


def plain(value: Any) -> Any:
    """A value of a field as JSON."""
    if _plan_of(type(value)) is not None:
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        # No deeper: lists in lists are JSON that nobody declares, as deep as a server likes.
        return [item.to_dict() if _plan_of(type(item)) is not None else item for item in value]
    return value
