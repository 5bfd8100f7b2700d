"""The official client's own objects, faster.

``Stream`` and ``AsyncStream`` take the place of the official client's classes of those
names, through the argument that its ``parse`` has for that:

    from openai.types.chat import ChatCompletionChunk
    from sseparse.openai.sdk import Stream

    response = client.chat.completions.with_raw_response.create(..., stream=True)
    for chunk in response.parse(to=Stream[ChatCompletionChunk]):
        ...

What comes out are the official client's objects, equal to those that it makes itself, field
by field, down to ``model_extra`` and ``model_fields_set``. Its exceptions come out as well.

How it works. The official client parses each payload into dicts and then builds the models
from them without validation, field by field, in Python; that is nearly all the time it takes.
pydantic's validator makes the same models straight from the payload's bytes, in Rust, twenty
times as fast. It makes *the same* models only of what it need not coerce, so it is asked to
be strict, and whatever it refuses goes the official client's way: nothing fails here that
does not fail there, and nothing differs. See "The validator" in the source for what that takes.
A block without data is an event, as it is there: of one that is named ``error``, with which some
servers say that a stream failed, no object can be made, and the same exception comes out.

Everything else (closing, ``[DONE]``, errors in the stream, the names of exceptions) is left to
the official classes, from which these inherit. Only ``ChatStream`` on the bytes of
``with_streaming_response`` rests on nothing but the public interface, and it is faster still.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from functools import cache, partial
from typing import TYPE_CHECKING, Any, TypeVar

from .. import Parser
from ..decoder import ServerSentEvent, SSEDecoder

try:
    from openai import AsyncStream as OfficialAsyncStream
    from openai import BaseModel
    from openai import Stream as OfficialStream
    from pydantic_core import SchemaValidator
except ImportError as error:
    raise ImportError(
        "sseparse.openai.sdk needs the official client, with pydantic 2: "
        'pip install openai "pydantic>=2"',
        name=error.name,
    ) from error

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from .. import Event

__all__ = ["AsyncStream", "SSEDecoder", "ServerSentEvent", "Stream"]

ChunkT = TypeVar("ChunkT")


# What these two depend on beyond the public interface of openai:
# - the keyword arguments of the constructor, which ``parse(to=...)`` calls;
# - ``_iterator``, what ``__next__`` reads, which the constructor gets from ``__stream__``;
# - ``__stream__``, the loop that makes objects of events, and closes the response after it;
# - ``_decoder``, whose ``iter_bytes`` or ``aiter_bytes`` makes the events for that loop, which
#   asks of each its ``data``, ``event`` and ``json()``, nothing more;
# - ``client._process_response_data``, which builds an object of a type from parsed JSON, and
#   passes everything on as it is where that type is ``object``;
# - ``client._strict_response_validation`` and ``options``:
#   ``synthesize_event_and_data`` and ``stream_mode``.
# And of pydantic_core: the argument ``_use_prebuilt``, and the shape of core schemas. Without the
# one, or with another shape, objects are the same, and slower.


class Stream(OfficialStream[ChunkT]):
    """``openai.Stream``, faster, for ``with_raw_response.create(..., stream=True)``.

    Give it to ``parse`` with the type of the chunks, as openai's own:
    ``parse(to=Stream[ChatCompletionChunk])``, or ``Stream[openai.types.Completion]`` for the
    legacy endpoint. With a type whose schema it does not understand (a union of events,
    such as that of the Responses API) only the framing is faster.

    Iterating raises what ``openai.Stream`` raises: ``openai.APIError`` for an error in the
    stream, ``openai.APIConnectionError``, ``json.JSONDecodeError``.
    """

    def __init__(self, *, cast_to: type[Any], response: Any, client: Any, **options: Any) -> None:
        decoder = _decoder_for(cast_to, response, client, **options)
        loop_type: Any = object if isinstance(decoder, _ChunkDecoder) else cast_to
        super().__init__(cast_to=loop_type, response=response, client=client, **options)
        self._decoder: Any = decoder

    def __stream__(self) -> Iterator[ChunkT]:
        decoder = self._decoder
        try:
            if isinstance(decoder, _ChunkDecoder):
                decoder.source = self.response.iter_bytes()
                try:
                    for data in decoder.source:
                        yield from decoder.read(data)
                        if decoder.unread:
                            break
                except Exception as error:
                    decoder.error = error
            # The rest is for the official loop: that event, the error, or the end.
            yield from super().__stream__()
        finally:
            self.response.close()

    def __iter__(self) -> Iterator[ChunkT]:
        return self._iterator  # which saves a generator around it


class AsyncStream(OfficialAsyncStream[ChunkT]):
    """``openai.AsyncStream``, faster; see ``Stream``."""

    def __init__(self, *, cast_to: type[Any], response: Any, client: Any, **options: Any) -> None:
        decoder = _decoder_for(cast_to, response, client, **options)
        loop_type: Any = object if isinstance(decoder, _ChunkDecoder) else cast_to
        super().__init__(cast_to=loop_type, response=response, client=client, **options)
        self._decoder: Any = decoder

    async def __stream__(self) -> AsyncIterator[ChunkT]:
        decoder = self._decoder
        try:
            if isinstance(decoder, _ChunkDecoder):
                decoder.source = self.response.aiter_bytes()
                try:
                    async for data in decoder.source:
                        for chunk in decoder.read(data):
                            yield chunk
                        if decoder.unread:
                            break
                except Exception as error:
                    decoder.error = error
            async for chunk in super().__stream__():
                yield chunk
        finally:
            await self.response.aclose()

    def __aiter__(self) -> AsyncIterator[ChunkT]:
        return self._iterator


class _ChunkDecoder:
    """Reads the chunks of a stream the fast way, and hands what it cannot to the official loop.

    Attributes:
        source: the bytes of the response, read as far as ``read`` was called.
        unread: events for the official loop. Once there are any it reads all the rest.
        error: what reading ``source`` raised, which the official loop knows how to name.
    """

    def __init__(self, plan: _Plan, construct: Callable[[object], Any]) -> None:
        self._validate, self._forget_extra = plan
        self._construct = construct
        # As the official client: without limit, and a block without data is an event, which
        # its loop cannot read.
        self._parser = Parser(max_event_size=None, dispatch_without_data=True)
        self.source: Any = None
        self.unread: list[Event] = []
        self.error: Exception | None = None

    def read(self, data: bytes) -> list[Any]:
        """The chunks that these bytes complete, up to one that cannot be read the fast way."""
        return self._read_events(self._parser.feed(data))

    def _read_events(self, events: list[Event]) -> list[Any]:
        chunks: list[Any] = []
        rest = iter(events)
        for event in rest:
            try:
                chunk = self._validate(event.data_bytes)
            except ValueError:
                self.unread = [event, *rest]
                break
            extra = chunk.__pydantic_extra__
            if (extra and extra.get("error")) or event.event.startswith("thread."):
                self.unread = [event, *rest]
                break
            self._forget_extra(chunk)
            chunks.append(chunk)
        return chunks

    def chunk_of(self, event: Event) -> Any:
        """What the official loop is to take for the parsed JSON of an event."""
        for chunk in self._read_events([event]):
            return chunk
        try:
            data = json.loads(event.data)
        except ValueError as error:
            if event.comment and sys.version_info >= (3, 11):
                error.add_note(f"the server says in a comment: {event.comment}")
            raise
        if event.event.startswith("thread."):
            return self._construct({"data": data, "event": event.event})
        if isinstance(data, Mapping) and data.get("error"):
            return data  # of which it makes an APIError
        return self._construct(data)

    # What the official loop calls. It offers the response's bytes once more, which are
    # being read already.

    def iter_bytes(self, iterator: Iterator[bytes]) -> Iterator[_LoopEvent]:
        for event in self._unread_events():
            yield _LoopEvent(event, self)
        for data in self.source:
            for event in self._parser.feed(data):
                yield _LoopEvent(event, self)

    async def aiter_bytes(self, iterator: AsyncIterator[bytes]) -> AsyncIterator[_LoopEvent]:
        for event in self._unread_events():
            yield _LoopEvent(event, self)
        async for data in self.source:
            for event in self._parser.feed(data):
                yield _LoopEvent(event, self)

    def _unread_events(self) -> list[Event]:
        error, self.error = self.error, None
        try:
            if error is not None:
                raise error
        finally:
            del error  # whose traceback would refer to it here
        return self.unread


class _LoopEvent:
    """An event as the official loop sees it: untyped, and its JSON the chunk itself.

    The loop takes an event whose name begins with "thread." for one of the Assistants API, and
    builds an object of its type and its data. It is told to build an ``object``, so as to
    leave the chunk alone, and could not; that is why ``chunk_of`` does it.
    """

    __slots__ = ("_decoder", "_event")

    event = None

    def __init__(self, event: Event, decoder: _ChunkDecoder) -> None:
        self._event = event
        self._decoder = decoder

    @property
    def data(self) -> str:
        return self._event.data

    def json(self) -> Any:
        return self._decoder.chunk_of(self._event)


def _decoder_for(
    cast_to: Any, response: Any, client: Any, options: Any = None
) -> _ChunkDecoder | SSEDecoder:
    """What reads chunks of this type the fast way, where there is one; else their events."""
    is_model = isinstance(cast_to, type) and issubclass(cast_to, BaseModel)
    plan = _plan(cast_to) if is_model else None
    if (
        plan is None
        # Validated, not constructed: other objects, and other errors.
        or getattr(client, "_strict_response_validation", False)
        # An object of the event's type and its data together.
        or getattr(options, "synthesize_event_and_data", False)
        # From openai 3.52 on.
        or getattr(options, "stream_mode", "legacy") != "legacy"
    ):
        return SSEDecoder()

    def construct(data: object) -> Any:
        return client._process_response_data(data=data, cast_to=cast_to, response=response)

    return _ChunkDecoder(plan, construct)


# The validator.
#
# The official client's ``BaseModel.construct`` takes any value for any field, but for what is
# Optional: that it gives to pydantic, to be validated with coercion, and takes the value as it
# is where pydantic refuses it. So the models that are reached through required fields
# alone (chunk, choice, delta) are *constructed*, those below an Optional (usage, tool
# calls, logprobs) *validated*. The schema made here says the same to pydantic:
#
# - a required field of a simple type takes any value, and None where it is missing;
# - an Optional text takes any value too, as nothing but a text is coerced to one in JSON;
# - everything else Optional is validated, strictly, because what is strictly valid comes out
#   the same as when it is coerced; what is not is refused, and goes the other way.
#
# One difference remains: a validated model counts the keys that it does not know among
# ``model_fields_set``, a constructed one does not. ``_forget_extra`` takes them out again.
#
# A part of a schema that is not understood here makes the whole type go the other way.

_Plan = tuple["Callable[[bytes], BaseModel]", "Callable[[BaseModel], None]"]


class _NotUnderstoodError(Exception):
    """A schema has something that ``_as_constructed`` has no answer for."""


@cache
def _plan(cast_to: Any) -> _Plan | None:
    """What validates a payload into ``cast_to``, and what then mends the object."""
    cast_to.model_rebuild()  # openai's models are built on first use
    try:
        schema, forget_extra = _as_constructed(cast_to.__pydantic_core_schema__)
    except _NotUnderstoodError:
        return None
    try:
        # Else pydantic takes the validator that each model already has, whatever the schema
        # says of it. (That one is right too, but refuses more: more goes the other way.)
        validator = SchemaValidator(schema, _use_prebuilt=False)
    except TypeError:
        validator = SchemaValidator(schema)  # an older one, without that argument
    # As an argument, as each model has a config of its own, in which it is not strict.
    return partial(validator.validate_json, strict=True), forget_extra


# The keys that a schema may have here. More of them are more than is understood.
_MODEL = {"type", "cls", "schema", "config", "custom_init", "root_model", "ref", "metadata"}
_MODEL_FIELDS = {"type", "fields", "model_name", "computed_fields"}
_FIELD = {"type", "schema", "metadata"}  # a field of another name in JSON has more
_LIST = {"type", "items_schema"}


def _as_constructed(schema: Any) -> tuple[Any, Callable[[Any], None]]:
    """The schema of a model as ``construct`` makes it, and what mends the model."""
    if schema["type"] == "definitions":
        inner, forget_extra = _as_constructed(schema["schema"])
        return {**schema, "schema": inner}, forget_extra
    _expect(
        schema["type"] == "model"
        and schema.keys() <= _MODEL
        and not schema.get("custom_init")
        and not schema.get("root_model")
        and schema.get("config", {}).get("extra_fields_behavior") == "allow"
        and schema["schema"]["type"] == "model-fields"
        and schema["schema"].keys() <= _MODEL_FIELDS
        and issubclass(schema["cls"], BaseModel)
        and not hasattr(schema["cls"], "build")  # one that builds itself
    )
    fields = {}
    below = []
    for name, field in schema["schema"]["fields"].items():
        _expect(field.keys() <= _FIELD and name != "error")
        field_schema, forget_extra_below = _field_as_constructed(field["schema"])
        fields[name] = {**field, "schema": field_schema}
        if forget_extra_below is not None:
            below.append((name, forget_extra_below))
    constructed = {**schema, "schema": {**schema["schema"], "fields": fields}}
    constructed.pop("ref", None)  # the name of the model as it is elsewhere
    return constructed, _forget_extra(below)


def _field_as_constructed(schema: Any) -> tuple[Any, Callable[[Any], None] | None]:
    if schema["type"] == "default":
        _expect(schema.get("default", ...) is None and schema["schema"]["type"] == "nullable")
        return {**schema, "schema": _ANY} if _is_text(schema["schema"]["schema"]) else schema, None

    forget_extra = None
    if schema["type"] in ("str", "int", "bool", "literal"):
        value = _ANY
    elif schema["type"] == "list":
        _expect(schema.keys() == _LIST)
        items, forget_extra = _as_constructed(schema["items_schema"])
        value = {"type": "nullable", "schema": {**schema, "items_schema": items}}
    else:
        model, forget_extra = _as_constructed(schema)
        value = {"type": "nullable", "schema": model}
    return {"type": "default", "schema": value, "default": None}, forget_extra


_ANY: Any = {"type": "any"}


def _is_text(schema: Any) -> bool:
    if schema["type"] == "literal":
        return all(type(expected) is str for expected in schema["expected"])  # no enum
    return bool(schema == {"type": "str"})


def _expect(understood: bool) -> None:
    if not understood:
        raise _NotUnderstoodError


def _forget_extra(
    below: list[tuple[str, Callable[[Any], None]]],
) -> Callable[[Any], None]:
    """What takes the unknown keys out of a model's ``model_fields_set``, and of those below."""

    # The attributes behind model_extra and model_fields_set: half the time of the properties.
    def forget_extra(model: Any) -> None:
        extra = model.__pydantic_extra__
        if extra:
            model.__pydantic_fields_set__.difference_update(extra)
        for name, forget_extra_below in below:
            value = getattr(model, name)
            if type(value) is list:
                for item in value:
                    forget_extra_below(item)
            elif value is not None:
                forget_extra_below(value)

    return forget_extra
