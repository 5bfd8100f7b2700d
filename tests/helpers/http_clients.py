"""Every HTTP client that EventSource knows, behind one function: ``fetch``.

What comes of a response is told in plain values, so that a client that cannot live in the
environment of the tests can be run in another: as a program this answers a line of JSON on
standard input, the arguments of ``fetch``, with a line of JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import sys
import threading
import traceback
from typing import TYPE_CHECKING, Any

from sseparse.http import EventSource, NotAnEventStreamError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

TIMEOUT = 20  # seconds: for tests that hang, not for tests that are slow
SOON = 0.03  # seconds: the next read has begun by then


@contextlib.contextmanager
def get(client: str, url: str, stream: bool = True, post: Any = None) -> Iterator[Any]:
    """A response of a synchronous client; closing it is left to what is tested.

    With ``post``, JSON, it is a POST that is answered.
    """
    method = "GET" if post is None else "POST"
    if client in ("httpx", "httpx2"):
        with _import(client).Client(trust_env=False, verify=False, timeout=TIMEOUT) as session:
            yield session.send(session.build_request(method, url, json=post), stream=stream)
    elif client in ("requests", "niquests"):
        with _import(client).Session() as session:
            session.trust_env = False
            yield session.request(method, url, json=post, stream=stream, timeout=TIMEOUT)
    else:
        urllib3 = _import("urllib3")
        # A pool of one place, which a response that is not given back blocks for ever.
        with urllib3.PoolManager(maxsize=1, block=True, timeout=TIMEOUT, retries=False) as pool:
            headers = {"Accept-Encoding": "gzip, br"}
            if post is not None:  # given headers, it does not say itself what it sends
                headers["Content-Type"] = "application/json"
            yield pool.request(method, url, json=post, preload_content=not stream, headers=headers)


@contextlib.asynccontextmanager
async def aget(client: str, url: str, stream: bool = True, post: Any = None) -> AsyncIterator[Any]:
    """The same of an asynchronous client."""
    method = "GET" if post is None else "POST"
    if client == "aiohttp":
        async with _import(client).ClientSession() as session:
            response = await session.request(method, url, json=post)
            if not stream:
                await response.read()
            yield response
    elif client == "niquests-async":
        async with _import("niquests").AsyncSession() as session:
            session.trust_env = False
            yield await session.request(method, url, json=post, stream=stream, timeout=TIMEOUT)
    else:
        httpx = _import(client.removesuffix("-async"))
        async with httpx.AsyncClient(trust_env=False, verify=False, timeout=TIMEOUT) as session:
            request = session.build_request(method, url, json=post)
            yield await session.send(request, stream=stream)


def fetch(client: str, url: str, **settings: Any) -> dict[str, Any]:
    """Read the events at a URL through an EventSource, and tell everything that came of it.

    Args:
        client: the client's name; with "-async" its asynchronous half.
        url: at a HostileServer.
        **settings: ``go_on``: make the server go on, where it waits, after each event;
            ``leave``: leave after the first event, by "break", "with", "close" or "error", or
            "elsewhere": go on, and have another thread or task close it meanwhile;
            ``use``: read something of the response before, "all" or "some" of it;
            ``cancel``: cancel the read of the second event, then have the server go on;
            ``stream``: False asks the client for a response that it has read already;
            and the options of EventSource.
    """
    if client == "aiohttp" or client.endswith("-async"):
        return asyncio.run(_afetch(client, url, **settings))
    return _fetch(client, url, **settings)


def _fetch(
    client: str,
    url: str,
    go_on: bool = False,
    leave: str = "",
    stream: bool = True,
    use: str = "",
    **options: Any,
) -> dict[str, Any]:
    told: dict[str, Any] = {"events": [], "error": None}
    with get(client, url, stream) as response:
        if use:
            _use(response, use)
        source = EventSource(response, **options)
        # Held, so that not its going away is what closes the response.
        events = iter(source) if leave in ("with", "close") else None
        with contextlib.ExitStack() as stack:
            try:
                if leave == "with":
                    stack.enter_context(source)
                for event in events or source:
                    told["events"].append([event.event, event.data, event.id])
                    if go_on:
                        control(url, "go-on")
                    if leave == "error":
                        raise _OurError
                    if leave == "elsewhere":
                        threading.Timer(SOON, source.close).start()
                    elif leave:
                        break
            except Exception as error:
                _tell_error(told, error)
        if leave == "close":
            source.close()
        _tell(told, source)
        if leave and leave != "elsewhere":
            told["hung up"] = control(url, "hung-up")
    return told


async def _afetch(
    client: str,
    url: str,
    go_on: bool = False,
    leave: str = "",
    stream: bool = True,
    use: str = "",
    cancel: bool = False,
    **options: Any,
) -> dict[str, Any]:
    told: dict[str, Any] = {"events": [], "error": None}
    async with aget(client, url, stream) as response:
        if use:
            await _ause(response, use)
        source = EventSource(response, **options)
        if cancel:
            await _cancel(told, source, url)
            return told
        # Held, so that not its going away is what closes the response.
        events = aiter(source) if leave in ("with", "close") else None
        async with contextlib.AsyncExitStack() as stack:
            try:
                if leave == "with":
                    await stack.enter_async_context(source)
                async for event in events or source:
                    told["events"].append([event.event, event.data, event.id])
                    if go_on:
                        await asyncio.to_thread(control, url, "go-on")
                    if leave == "error":
                        raise _OurError
                    if leave == "elsewhere":
                        closing = asyncio.create_task(_close_later(source))
                    elif leave:
                        break
            except Exception as error:
                _tell_error(told, error)
        if leave == "elsewhere":
            await closing
        if leave == "close":
            await source.aclose()
        _tell(told, source)
        if leave and leave != "elsewhere":
            told["hung up"] = await asyncio.to_thread(control, url, "hung-up")
    return told


async def _close_later(source: EventSource) -> None:
    await asyncio.sleep(SOON)
    await source.aclose()


async def _cancel(told: dict[str, Any], source: EventSource, url: str) -> None:
    events = aiter(source)
    for wait in (None, 0.1, None, None):
        try:
            event = await asyncio.wait_for(anext(events), wait)
            told["events"].append([event.event, event.data, event.id])
        except asyncio.TimeoutError:
            told["timed out"] = True
            await asyncio.to_thread(control, url, "go-on")
        except StopAsyncIteration:
            told["ended"] = True
        except Exception as error:
            _tell_error(told, error)
    _tell(told, source)
    await source.aclose()


def _use(response: Any, use: str) -> None:
    """Read something of a response, as one does who forgets it afterwards."""
    if hasattr(response, "iter_bytes"):
        chunks = response.iter_bytes()
    elif hasattr(response, "iter_content"):
        chunks = response.iter_content(8)
    else:
        chunks = response.stream(8)
    next(chunks)
    if use == "all":
        for _ in chunks:
            pass


async def _ause(response: Any, use: str) -> None:
    if hasattr(response, "aiter_bytes"):
        chunks = response.aiter_bytes()
    elif hasattr(response, "iter_content"):
        chunks = await response.iter_content(8)
    else:
        chunks = response.content.iter_any()
    await anext(chunks)
    if use == "all":
        async for _ in chunks:
            pass


class _OurError(Exception):
    """An error in the body of the loop."""


def _tell(told: dict[str, Any], source: EventSource) -> None:
    told["truncated"] = source.truncated
    told["last_event_id"] = source.last_event_id
    told["retry"] = source.retry


def _tell_error(told: dict[str, Any], error: Exception) -> None:
    told["error"] = f"{type(error).__module__.partition('.')[0]}.{type(error).__name__}"
    told["message"] = str(error)
    if isinstance(error, NotAnEventStreamError):
        told["not an event stream"] = [
            error.status, error.content_type, error.url, error.body.decode("latin-1")
        ]  # fmt: skip


def control(url: str, command: str) -> str:
    """Tell the server something about the answer at a URL, or ask it."""
    _, _, address, number = url.split("/")
    with contextlib.closing(http.client.HTTPConnection(address, timeout=TIMEOUT)) as connection:
        connection.request("GET", f"/{number}/{command}")
        return connection.getresponse().read().decode()


def _import(client: str) -> Any:
    return __import__(client)


def main() -> None:
    for line in sys.stdin:
        try:
            told = fetch(**json.loads(line))
        except Exception:
            told = {"crash": traceback.format_exc()}
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
