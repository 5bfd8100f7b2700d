"""What is asked of a server: the same question in the words of each API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from programs import Server

SCHEMA = {
    "type": "object",
    "properties": {"port": {"type": "string", "enum": ["Kiel", "Emden"]}, "day": {"enum": [12]}},
    "required": ["port", "day"],
    "additionalProperties": False,
}
TOOL = {"name": "tide", "description": "The tide in a port."}


class Question(NamedTuple):
    """A request: of which API it is, where it goes, and its JSON, which official clients take."""

    kind: str
    base_url: str
    path: str
    json: dict[str, Any]

    @property
    def url(self) -> str:
        return self.base_url + self.path


def ask(server: Server, kind: str, case: str, model: str | None = None) -> Question:
    """A question of a kind; the case is what is said, and with "tools" there is one to call."""
    url = server.url_of_calls if case == "tools" else server.url
    tokens = 300 if case == "tools" else 40
    tools = case == "tools"
    if kind == "chat":
        body: dict[str, Any] = {
            "model": model or "gpt-4o",
            "messages": [{"role": "user", "content": case}],
            "max_tokens": tokens,
            "stream_options": {"include_usage": True},
        }
        if tools:
            function = {"type": "function", "function": TOOL | {"parameters": SCHEMA}}
            body |= {"tools": [function], "tool_choice": "required"}
        return Question(kind, url, "/v1/chat/completions", body | {"stream": True})
    if kind == "completions":
        body = {"model": model or "gpt-4o", "prompt": case, "max_tokens": tokens}
        return Question(kind, url, "/v1/completions", body | {"stream": True})
    if kind == "responses":
        body = {"model": model or "gpt-4o", "input": case, "max_output_tokens": tokens}
        if tools:
            function = {"type": "function", **TOOL, "parameters": SCHEMA, "strict": True}
            body |= {"tools": [function], "tool_choice": "required"}
        return Question(kind, url, "/v1/responses", body | {"stream": True})
    if kind == "messages":
        message = {"role": "user", "content": case}
        body = {"model": model or "claude-4", "messages": [message], "max_tokens": tokens}
        if tools:
            tool = TOOL | {"input_schema": SCHEMA}
            body |= {"tools": [tool], "tool_choice": {"type": "any"}}
        return Question(kind, url, "/v1/messages", body | {"stream": True})
    model = model or "gemini-3"
    body = {"contents": [{"role": "user", "parts": [{"text": case}]}]}
    if tools:
        declared = TOOL | {"parametersJsonSchema": SCHEMA}
        body |= {"tools": [{"functionDeclarations": [declared]}]}
    return Question(kind, url, f"/v1beta/models/{model}:streamGenerateContent?alt=sse", body)
