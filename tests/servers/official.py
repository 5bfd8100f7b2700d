"""The official clients: what they make of a server's answer, and the bytes they made it of."""

from __future__ import annotations

import json
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import anthropic
import httpx2
import openai
from openai.lib.streaming.chat import ChatCompletionStreamState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from asking import Question

TIMEOUT = 30


class Answer(NamedTuple):
    """An answer: its bytes, the client's objects of them, and the final one, where it makes one."""

    body: bytes
    objects: list[dict[str, Any]]
    final: dict[str, Any] | None


class Recorder(httpx2.HTTPTransport):
    """Keeps what the client reads of a response's body."""

    def __init__(self) -> None:
        super().__init__(verify=False)
        self.read: list[bytes] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.headers["Accept-Encoding"] = "identity"  # it is the bytes as sent that are kept
        response = super().handle_request(request)
        response.stream = _Recorded(response.stream, self.read)
        return response


class _Recorded(httpx2.SyncByteStream):
    def __init__(self, stream: Any, read: list[bytes]) -> None:
        self._stream, self._read = stream, read

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._stream:
            self._read.append(piece)
            yield piece

    def close(self) -> None:
        self._stream.close()


def read(question: Question) -> Answer:
    """Have the official client of the question's API ask it, and read the answer to its end."""
    recorder = Recorder()
    with (
        httpx2.Client(transport=recorder, trust_env=False, timeout=TIMEOUT) as client,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # pydantic's, of values that are not as declared
        objects, final = _READERS[question.kind](question, client)
    return Answer(b"".join(recorder.read), objects, final)


def _openai(question: Question, client: httpx2.Client) -> openai.OpenAI:
    url = f"{question.base_url}/v1"
    return openai.OpenAI(api_key="-", base_url=url, max_retries=0, http_client=client)


def _read_chat(question: Question, client: httpx2.Client) -> Any:
    state, objects = ChatCompletionStreamState(), []
    for chunk in _openai(question, client).chat.completions.create(**question.json):
        state.handle_chunk(chunk)
        objects.append(chunk.to_dict())
    return objects, state.current_completion_snapshot.to_dict()


def _read_completions(question: Question, client: httpx2.Client) -> Any:
    stream = _openai(question, client).completions.create(**question.json)
    return [chunk.to_dict() for chunk in stream], None


def _read_responses(question: Question, client: httpx2.Client) -> Any:
    stream = _openai(question, client).responses.create(**question.json)
    objects = [event.to_dict() for event in stream]
    return objects, objects[-1]["response"]


def _read_messages(question: Question, client: httpx2.Client) -> Any:
    body = {key: question.json[key] for key in question.json if key != "stream"}
    objects = []
    with (
        anthropic.Anthropic(
            api_key="-", base_url=question.base_url, max_retries=0, http_client=client
        ) as official,
        official.messages.stream(**body) as stream,
    ):
        # Among the API's own events the helper gives some that it makes of them; and it puts what
        # has come so far into those that say that something ends.
        for event in stream:
            if event.type.startswith(("message_", "content_block_")):
                made = {"content_block", "message"} if event.type.endswith("_stop") else set()
                objects.append(_without(event, made))
        return objects, stream.get_final_message().to_dict()


def _read_gemini(question: Question, client: httpx2.Client) -> Any:
    from google import genai
    from google.genai import types

    options = types.HttpOptions(
        base_url=question.base_url, api_version="v1beta", httpx_client=client
    )
    official = genai.Client(api_key="-", http_options=options)
    config = {key: value for key, value in question.json.items() if key != "contents"}
    stream = official.models.generate_content_stream(
        model=question.path.split("/")[3].partition(":")[0],
        contents=question.json["contents"],
        config=config or None,
    )
    return [_without(each, {"sdk_http_response"}) for each in stream], None


def _without(item: Any, fields: set[str]) -> dict[str, Any]:
    return json.loads(item.model_dump_json(exclude=fields, exclude_none=True, by_alias=True))


_READERS: dict[str, Any] = {
    "chat": _read_chat,
    "completions": _read_completions,
    "responses": _read_responses,
    "messages": _read_messages,
    "gemini": _read_gemini,
}
