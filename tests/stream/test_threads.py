"""Streams in many threads: all at once, with what they know in common; and one, by mistake."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from contextlib import suppress
from typing import Any

import api_streams
import pytest
from in_threads import THREADS, in_threads
from sse import sse
from told import shown
from typed_streams import WITHOUT_SHAPES

KINDS = {
    "chat": "Chat",
    "completions": "Completion",
    "responses": "Response",
    "messages": "Message",
    "gemini": "GenerateContent",
}
FINALS = ("get_final_completion", "get_final_message", "get_final_response", "get_final")


def payloads(kind: str, name: str, count: int) -> list[Any]:
    """A stream with an ID and texts that are nobody else's."""
    texts, thoughts = ([f"{name}-{word}{n}" for n in range(count)] for word in "tr")
    if kind == "completions":
        envelope = {"id": "cmpl_1", "object": "text_completion", "model": "m"}
        made = [{**envelope, "choices": [{"index": 0, "text": text}]} for text in texts]
        ending = {"index": 0, "text": "", "finish_reason": "stop"}
        made += [{**envelope, "choices": [ending]}, "[DONE]"]
    else:
        made = api_streams.payloads(kind, texts, thoughts, ['{"', *texts, '": 1}'])
    return [
        json.loads(json.dumps(one).replace('_1"', f'_{name}"').replace('-1"', f'-{name}"'))
        for one in made
    ]


def get_final(stream: Any) -> Any:
    return next(getattr(stream, name) for name in FINALS if hasattr(stream, name))()


def of_itself(stream: Any, final: Any) -> Any:
    names = ("done", "truncated", "usage", "finish_reason")
    return [repr(getattr(stream, name)) for name in names], shown(final), final.to_dict()


def read_in_every_way(streams: Any, api: str, body: bytes) -> Any:
    """What the three forms say of a body, and the texts and the final object alone."""
    reads = [body[start : start + 300] for start in range(0, len(body), 300)]

    async def read_async() -> Any:
        async def source() -> Any:
            for data in reads:
                await asyncio.sleep(0)
                yield data

        stream = getattr(streams, f"Async{api}Stream")(source())
        items = [shown(item) async for item in stream]
        return items, of_itself(stream, await get_final(stream))

    stream_class = getattr(streams, f"{api}Stream")
    stream = stream_class(reads)
    pulled = [shown(item) for item in stream], of_itself(stream, get_final(stream))
    parser = getattr(streams, f"{api or 'Stream'}Parser")()
    items = [shown(item) for data in reads for item in parser.feed(data)]
    items += [shown(item) for item in parser.close()]
    pushed = items, of_itself(parser, get_final(parser))
    texts = list(stream_class(reads).iter_text())
    folded = shown(get_final(stream_class(reads)))
    return pulled, pushed, asyncio.run(read_async()), texts, folded


@pytest.mark.parametrize("kind", KINDS)
def test_streams_that_eight_threads_read_at_once_say_what_they_say_alone(streams, kind):
    """They learn the same shapes, and read with them what another one has learned."""
    bodies = [sse(*payloads(kind, f"n{number}", 8)) for number in range(THREADS)]
    for api in (KINDS[kind], ""):  # "": in the view of all
        alone = [read_in_every_way(WITHOUT_SHAPES, api, body) for body in bodies]
        for _ in range(3):
            streams.KNOWN.clear()
            found: dict[int, Any] = {}

            def read(number: int, api: str = api, found: dict[int, Any] = found) -> None:
                found[number] = read_in_every_way(streams, api, bodies[number])

            in_threads(read)
            assert [found[number] for number in range(THREADS)] == alone
        # It was by shapes that they read: some of one that has not come yet are known. Not all of
        # them, for whoever finds another thread at learning goes without.
        others = [json.dumps(payload).encode() for payload in payloads(kind, "another", 8)]
        known = [streams.Shapes(None, each) for each in streams.KNOWN.values()]
        assert any(shapes.match(other) is not None for shapes in known for other in others)


LOOK_AT_EVERY_TYPE = """
import sys
import msgspec
import sseparse.llm

def below(cls):
    return [found for each in cls.__subclasses__() for found in (each, *below(each))]

def note(frame, event, _):
    if event == "call" and frame.f_code.co_name == "get_class_annotations":
        sys.exit(f"msgspec has not looked at {frame.f_locals} before")

sys.setprofile(note)
for cls in below(msgspec.Struct):
    # Not what nobody decodes: the words of the view, and the base of all.
    if cls.__module__.startswith("sseparse.") and cls.__module__ not in {
        "sseparse._stream.view", "sseparse._stream.model"
    }:
        msgspec.json.Decoder(cls)
"""


def test_msgspec_has_looked_at_every_type_when_threads_may_begin():
    """It crashes where one thread decodes a type while another one's decoder looks at it."""
    subprocess.run([sys.executable, "-c", LOOK_AT_EVERY_TYPE], check=True)


class Reads:
    """Bytes for a stream, from a source that does not mind who asks, or when."""

    def __init__(self, reads: list[bytes]) -> None:
        self._reads = iter(reads)

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> bytes:
        return next(self._reads)

    def __aiter__(self) -> Any:
        return self

    async def __anext__(self) -> bytes:
        await asyncio.sleep(0)
        for data in self._reads:
            return data
        raise StopAsyncIteration


def look_at(stream: Any) -> None:
    """What a shared one says of itself may be of any moment, and so may be an exception."""
    with suppress(Exception):
        get_final(stream).to_dict()
    with suppress(Exception):
        assert stream.done is not None, (stream.truncated, stream.usage, stream.finish_reason)


@pytest.mark.parametrize("form", ["Stream", "Parser"])
@pytest.mark.parametrize("kind", KINDS)
def test_one_that_eight_threads_share_gives_objects_or_raises_exceptions(streams, kind, form):
    """Of which payloads they are made is up to chance, but they are whole; nothing crashes."""
    made = payloads(kind, "n", 60)
    reads = [sse(payload) for payload in made for _ in range(2)]
    for api in (KINDS[kind], ""):
        streams.KNOWN.clear()  # so that they learn, too
        name = f"{api or 'Stream' * (form == 'Parser')}{form}"
        stream = getattr(streams, name)(*[Reads(reads)] * (form == "Stream"))
        found: list[Any] = []

        def share(number: int, stream: Any = stream, found: list[Any] = found) -> None:
            for turn, data in enumerate(reads[number::THREADS]):
                with suppress(Exception):
                    found.extend(stream.feed(data) if form == "Parser" else [next(stream)])
                if turn % 10 == number:
                    look_at(stream)

        in_threads(share)
        assert found
        for item in found:
            assert json.loads(item.raw) in made
            assert set(item.to_dict()) <= {key for one in made if one != "[DONE]" for key in one}


@pytest.mark.parametrize("kind", KINDS)
def test_tasks_that_share_a_stream_get_each_object_once(streams, kind):
    made = payloads(kind, "n", 30)
    for api in (KINDS[kind], ""):
        raws: list[Any] = []

        async def share(api: str = api, raws: list[Any] = raws) -> None:
            stream = getattr(streams, f"Async{api}Stream")(Reads([sse(one) for one in made]))

            async def read() -> None:
                async for item in stream:
                    raws.append(json.loads(item.raw))
                    await asyncio.sleep(0)

            await asyncio.gather(*[read() for _ in range(THREADS)])

        asyncio.run(share())
        assert raws == [one for one in made if one not in ("[DONE]", {"type": "ping"})]
