# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""What folding objects into a final one takes, whatever the API.

An *offer* is what a state says of objects like the one it has folded last: to which places the
values go in which they differ. The rest is what the final objects of all APIs have: undeclared
keys, a usage of which the last one counts, values that stand for themselves.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from .fields import extra_of, give_extra
from .model import Model
from .text import Latest, Text, join_halves

if TYPE_CHECKING:
    from .text import Place

    Path = tuple[str | int, ...]

__all__ = ["Extra", "Last", "LastUsage", "Offer", "copied", "leave_out_misfits", "settled"]

ValueT = TypeVar("ValueT")
UsageT = TypeVar("UsageT", bound=Model)


class Offer:
    """The places for chunks like one: each value that varies has to be spoken for.

    Attributes:
        places: each with the number of the value that is added to it.
        constants: each with what is added to it whatever the values are.
        readers: places to which payloads are added, as they are.
        is_lasting: whether they hold whatever other chunks come in between.
        left: the paths that nothing has spoken for yet.
    """

    def __init__(self, varying: dict[Path, int]) -> None:
        self.places: list[tuple[Place, int]] = []
        self.constants: list[tuple[Place, Any]] = []
        self.readers: list[Place] = []
        self.is_lasting = True
        self.left = dict(varying)

    def place(self, path: Path, place: Place, value: Any) -> None:
        """Offer what grows by the value at a path, which may vary or not."""
        if path in self.left:
            self.places.append((place, self.left.pop(path)))
        elif value:
            self.constants.append((place, value))

    def payload(self, path: Path, reader: Place) -> None:
        """Offer what reads for itself what a payload has below a path."""
        self.readers.append(reader)
        size = len(path)
        self.left = {each: number for each, number in self.left.items() if each[:size] != path}

    def extra(self, path: Path, extra: Extra, values: dict[str, Any]) -> None:
        """Offer what takes the undeclared values below a path, of which the last counts."""
        for key, value in values.items():
            where = (*path, key)
            if where not in self.left:
                if value is not None:
                    self.constants.append((extra.latest(key), value))
            elif not isinstance(value, list):  # which can be changed, and so is not passed on
                self.places.append((extra.latest(key), self.left.pop(where)))


class Last(Generic[ValueT]):
    """What stands in a field of the objects, of which the last one counts.

    Args:
        root: the field.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._value: ValueT | None = None
        # Of the numbers that vary in the current run: where they are, and the last ones; and
        # what they stand in, of which nobody else has a part.
        self._latest: list[tuple[Path, Latest]] = []
        self._varied: ValueT | None = None

    @property
    def value(self) -> ValueT | None:
        """The last one; None where none has come."""
        # Those of one object come together.
        if self._latest and self._latest[0][1].value is not None:
            # Not in place: somebody may have been given the one before.
            self._value = copied(self._varied)
            for path, latest in self._latest:
                _put(self._value, path, latest.value)
                latest.value = None
        return self._value

    def note(self, value: ValueT) -> None:
        """Take the next one."""
        self._value = value
        self._latest = []

    def offer(self, value: ValueT | None, offer: Offer) -> bool:
        """Offer places for the numbers of further objects; whether that is all to do."""
        varying = [path for path in offer.left if path[0] == self._root]
        if not varying:
            return True
        # Of what no type declares ``copied`` shares whatever lies deeper than this.
        if self._value is not value or any("_extra" in path[:-2] for path in varying):
            return False
        if not all(type(_at(value, path[1:])) in (int, float) for path in varying):
            return False
        offer.is_lasting = False
        self._varied = copied(value)
        self._latest = [(path[1:], Latest()) for path in varying]
        for path, (_, latest) in zip(varying, self._latest, strict=True):
            offer.places.append((latest, offer.left.pop(path)))
        return True


class LastUsage(Last[UsageT]):
    """How much was used: the last usage counts, and never a sum.

    Args:
        root: the field of an object that it stands in.
        counts: the names of those of its counts that say anything.
    """

    def __init__(self, root: str, counts: tuple[str, ...]) -> None:
        super().__init__(root)
        self._counts = counts

    def note(self, value: UsageT) -> None:
        """Take the next one."""
        # Nothing but zeros says nothing, after one that says something.
        if self.value is None or any(getattr(value, name) for name in self._counts):
            super().note(value)
        self._latest = []

    def offer(self, value: UsageT | None, offer: Offer) -> bool:
        """Offer places for the counts of further objects; whether that is all to do."""
        varying = [path[1] for path in offer.left if path[0] == self._root]
        if not varying:
            return True
        # One count that stays, and is not zero: then no usage to come is nothing but zeros.
        stays = {*self._counts}.difference(varying)
        return any(getattr(value, name) for name in stays) and super().offer(value, offer)


def _at(target: Any, path: Path) -> Any:
    for step in path:
        target = getattr(target, str(step)) if isinstance(target, Model) else target[step]
    return target


def _put(target: Any, path: Path, value: int) -> None:
    target = _at(target, path[:-1])
    if isinstance(target, Model):
        setattr(target, str(path[-1]), value)
    else:
        target[path[-1]] = value


class Extra:
    """Keys that no type declares: strings concatenate in a delta, all else overwrites."""

    __slots__ = ("values",)

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def text(self, key: str) -> Text | None:
        """What a key's strings concatenate to; None where it has no string."""
        text = self.values.get(key)
        return text if isinstance(text, Text) else None

    def latest(self, key: str) -> Latest:
        """What takes the values of a key that overwrite each other."""
        latest = self.values.get(key)
        if not isinstance(latest, Latest):
            latest = self.values[key] = Latest(latest)
        return latest

    def concatenate(self, extra: dict[str, Any]) -> None:
        for key, value in extra.items():
            text = self.values.get(key)
            if isinstance(value, str) and (text is None or isinstance(text, Text)):
                if text is None:
                    text = self.values[key] = Text()
                text.append(value)
            else:
                self._overwrite(key, value)

    def overwrite(self, extra: dict[str, Any]) -> None:
        for key, value in extra.items():
            self._overwrite(key, value)

    def _overwrite(self, key: str, value: Any) -> None:
        known = self.values.get(key)
        if value is not None and isinstance(known, Latest):
            known.append(value)  # in its place, which somebody may have been given
        elif value is not None or key not in self.values:
            self.values[key] = value

    def put_on(self, model: Model) -> None:
        """Give them to the final object, but for what it declares as something else."""
        extra = {
            key: _value_of(value)
            for key, value in self.values.items()
            if key not in model.__struct_fields__
        }
        give_extra(model, extra)


def _value_of(value: Any) -> Any:
    if isinstance(value, Text):
        return value.joined()
    return value.value if isinstance(value, Latest) else value


def settled(value: Any) -> Any:
    """A copy that stands for itself, for the final object: no longer a part of a payload.

    What a chunk had to leave as it came, for want of a meaning, is not taken over: the
    final object is what its types say.
    """
    return _copied(value, True)


def copied(value: Any) -> Any:
    """The same of what is known to be as its types declare."""
    return _copied(value, False)


def _copied(value: Any, may_misfit: bool) -> Any:
    try:
        return _copy_of(value, may_misfit)
    except RecursionError:
        # Only JSON that nobody declares is as deep as that: it is left as it came.
        return value


def _copy_of(value: Any, may_misfit: bool) -> Any:
    if isinstance(value, list):
        return [_copy_of(item, may_misfit) for item in value]
    if isinstance(value, dict):
        return {
            _copy_of(key, may_misfit): _copy_of(item, may_misfit) for key, item in value.items()
        }
    if isinstance(value, str):
        return join_halves(value)
    if not isinstance(value, Model):
        return value
    copy = type(value)(
        **{name: _copy_of(getattr(value, name), may_misfit) for name in value.__struct_fields__}
    )
    if may_misfit:
        leave_out_misfits(copy)
    give_extra(copy, dict(extra_of(value)))
    return copy


def leave_out_misfits(model: Model) -> None:
    """Set the fields that are not of their declared type to their defaults."""
    for field in _fields(type(model)):
        try:
            msgspec.convert(getattr(model, field.name), field.type)
        except msgspec.ValidationError:
            factory = field.default_factory
            default = field.default if factory is msgspec.NODEFAULT else factory()
            setattr(model, field.name, default)


@cache
def _fields(cls: type[Model]) -> tuple[msgspec.structs.FieldInfo, ...]:
    # Evaluates every annotation: a millisecond, and there may be an object for each token.
    return msgspec.structs.fields(cls)
