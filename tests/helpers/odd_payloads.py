r"""Payloads of chat streams as servers vary them, and as no server should: for property tests.

A payload is changed as bytes, token by token, so that there may be anything in it: escapes that
are none, half a character, invalid UTF-8, numbers that JSON does not have.
"""

from __future__ import annotations

import re
from json import dumps
from typing import Any

import sse
from chat_streams import ENVELOPE
from hypothesis import strategies as st

__all__ = ["BODIES", "EVENTS", "TEMPLATES", "VALUES", "changed", "changes", "event"]

_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|-?\d[\d.eE+-]*|true|false|null|[{}\[\],:]|\s+|.', re.S)

STRINGS = [
    *(
        b'""',
        b'"a"',
        b'" there"',
        b'"null"',
        b'"stop"',
        b'"error"',
        b'"assistant"',
        b'"f"',
        b'"{}"',
    ),
    *(b'"chat.completion.chunk"', b'"chat.completion"', b'"text_completion"', b'"}"', b'"x y"'),
    *(rb'"\n"', rb'"\u0000"', rb'"\ud83d"', rb'"\ude00"', rb'"\ud83d\ude00"', rb'"\""', rb'"\\"'),
    *(
        rb'"a\/b"',
        rb'"\x"',
        rb'"\u12"',
        rb'"\u00e9t\u00e9"',
        rb'"\\\""',
        rb'"\\\\\n"',
        rb'"\b\f\r\t"',
    ),
    *('"\u00e9"'.encode(), '"\U0001f600"'.encode(), '"\u2028"'.encode(), b'"\xff"', b'"\xc3"'),
    *(b'"a\x01"', b'"\t"', b'"\x7f"', b'"\xed\xa0\xbd"', b'"' + b"long" * 300 + b'"'),
    *(b'"response.created"', b'"message_start"', b'"ping"', b'"ok"', b'"success"', b'"200"'),
    *(b'"reasoning"', b'"thinking"', b'"false"', b'"true"', b'"0"'),
    # What shapes are proven with.
    *(b'"<hole 0>"', b'"<hole 1>"', b'"<hole 2>"'),
]
NUMBERS = [
    *(b"0", b"1", b"7", b"42", b"-1", b"-0", b"007", b"00", b"1.0", b"0.5", b"1e3", b"1E400", b"-"),
    *(b"1733162853", b"1733162853123", b"99999999999", b"100000000000", b"8675309000"),
    *(b"8675309001", b"123456789012345678", b"999999999999999999", b"1234567890123456789"),
    *(b"9223372036854775807", b"9223372036854775808", b"18446744073709551616", b"9" * 40),
]
OTHERS = [
    *(b"null", b"true", b"false", b"[]", b"{}", b"[null]", b"NaN", b"Infinity", b"", b"{", b"]"),
    *(b'{"message": "no"}', b'[{"type": "text", "text": "x"}]', b'{"a": [1]}', b"[1, 2]", b'["x"]'),
]
VALUES = [*STRINGS, *NUMBERS, *OTHERS]
KEYS = [
    *(b'"content"', b'"reasoning_content"', b'"reasoning"', b'"refusal"', b'"odd"', b'"index"'),
    *(b'"error"', b'"usage"', b'"choices"', b'"delta"', b'"message"', b'"text"', b'"id"', b'""'),
    *(b'"object"', b'"finish_reason"', b'"_extra"', b'"created"', b'"role"', b'"detail"'),
]


def _chunk(delta: Any, **more: Any) -> dict[str, Any]:
    top = {key: more.pop(key) for key in list(more) if key not in _OF_CHOICES}
    return {
        **ENVELOPE,
        "choices": [{"index": 0, "delta": delta, "finish_reason": None, **more}],
        **top,
    }


_OF_CHOICES = (
    "logprobs",
    "content_filter_results",
    "seed",
    "index",
    "message",
    "token_ids",
    "usage_",
)
_USAGE = {"prompt_tokens": 9, "completion_tokens": 71, "total_tokens": 80}
_DETAILS = {"type": "reasoning.text", "text": "@", "format": None, "index": 0}
_CALL = {"index": 0, "function": {"arguments": "@"}}
_LOGPROB = {"token": "@", "bytes": [1], "logprob": -0.5, "top_logprobs": []}

# "@" stands for a string that varies, 71 for a number that does.
TEMPLATES = [
    dumps(payload, **how).encode()
    for payload, how in [
        (_chunk({"content": "@"}), {}),
        (_chunk({"content": "@"}), {"separators": (",", ":")}),
        (_chunk({"content": "@"}, obfuscation="@", service_tier="default"), {}),
        (_chunk({"content": "@"}, usage=_USAGE), {}),
        (
            _chunk(
                {"content": "@"}, usage={**_USAGE, "prompt_tokens_details": {"cached_tokens": 71}}
            ),
            {},
        ),
        (
            _chunk({"role": "assistant", "content": "@", "reasoning_content": None, "created": 71}),
            {},
        ),
        (_chunk({"content": "", "reasoning_content": "@"}), {}),
        (_chunk({"content": "", "reasoning": "@", "reasoning_details": [_DETAILS]}), {}),
        (_chunk({"tool_calls": [_CALL]}), {}),
        (_chunk({"tool_calls": [{**_CALL, "id": "@", "type": "function"}]}), {}),
        (
            _chunk(
                {
                    "tool_calls": [
                        {"index": 0, "id": "@", "function": {"name": "@", "arguments": ""}}
                    ]
                }
            ),
            {},
        ),
        (_chunk({"function_call": {"arguments": "@"}}), {}),
        (_chunk({"audio": {"data": "@"}}), {}),
        (_chunk({"audio": {"id": "a", "transcript": "@", "expires_at": 71}}), {}),
        (_chunk({"content": [{"type": "text", "text": "@"}]}), {}),
        (_chunk({"content": "@"}, logprobs={"content": [_LOGPROB]}), {}),
        (_chunk({"content": "@"}, logprobs=None, token_ids=[71]), {}),
        (
            _chunk(
                {"content": "@"}, content_filter_results={"hate": {"filtered": False, "n": "@"}}
            ),
            {},
        ),
        (_chunk({"content": "@", "odd": "@", "seed": 71}, pad="@", x_groq={"id": "@"}), {}),
        (_chunk({"content": "@", "odd": {"deep": ["@", 71]}}, seed=71, more=[71, {"a": "@"}]), {}),
        (_chunk({"content": "@"}, message={"role": "assistant", "content": "@"}), {}),
        (_chunk({}, message={"content": "@"}), {}),
        (_chunk({"content": "@"}, citations=["@", "b"], provider="@"), {}),
        (_chunk({"content": "@", "annotations": [{"type": "@"}]}), {}),
        (_chunk({"content": "@"}, timings={"n": 71}, system_fingerprint="@"), {}),
        ({**_chunk({"content": "@"}), "id": "@", "created": 71, "model": "@"}, {}),
        ({**_chunk({"content": "@"}), "choices": []}, {}),
        ({**ENVELOPE, "choices": [], "usage": {"prompt_tokens": 71, "total_tokens": 0}}, {}),
        ({**ENVELOPE, "choices": [{"index": 71, "delta": {"content": "@"}}]}, {}),
        ({**ENVELOPE, "choices": [{"index": n, "delta": {"content": "@"}} for n in (0, 1)]}, {}),
        ({**ENVELOPE, "choices": [{"delta": {"content": "@"}, "finish_reason": "@"}]}, {}),
        ({"choices": [{"delta": {"content": "@"}, "text": "@", "usage": _USAGE}]}, {}),
        (_chunk({"content": "@"}, type="@", status="@", code=71, message="@"), {}),
        ({**_chunk({"content": "@"}), "error": {"code": 71, "message": "@"}}, {}),
        ({**_chunk({"content": "@"}), "error": "@", "base_resp": {"status_code": 71}}, {}),
        ({"choices": [], "type": "@", "status": "@", "code": 71, "message": "@"}, {}),
        ({"choices": None, "detail": "@", "success": True, "error_type": "@"}, {}),
        ({"type": "@", "candidates": [71], "error": {"status": "@"}}, {}),
        (_chunk({"content": None, "thinking": "@", "reasoning_text": "@"}), {}),
        (_chunk({"content": [{"type": "@", "text": "@"}], "reasoning": ["@"]}), {}),
        (_chunk({"content": "@"}, usage={"input_tokens": 71, "output_tokens": 0}), {}),
        ({"error": {"message": "@", "code": 71}}, {}),
        ({"id": "@", "object": "text_completion", "choices": [{"index": 0, "text": "@"}]}, {}),
        (
            {
                "object": "text_completion",
                "choices": [{"index": 71, "text": "@", "finish_reason": None, "seed": "@"}],
                "usage": _USAGE,
            },
            {},
        ),
    ]
]


def changed(payload: bytes, where: int, how: int, value: bytes) -> bytes:
    """A payload with one token changed: a value, a key, or a member taken out."""
    tokens = _TOKENS.findall(payload)
    values, keys = [], []
    for position, token in enumerate(tokens):
        if token[:1] in b"{}[],:" or token.isspace():
            continue
        follows = [after for after in tokens[position + 1 : position + 3] if not after.isspace()]
        (keys if follows[:1] == [b":"] else values).append(position)
    if how >= 6 and keys:
        tokens[keys[where % len(keys)]] = KEYS[where % len(KEYS)] if how < 9 else b'"odd"'
    elif how == 5 and keys:
        start = keys[where % len(keys)]
        del tokens[start : start + 4]
    elif values:
        tokens[values[where % len(values)]] = value
    return b"".join(tokens)


def event(template: bytes, values: list[bytes], changes: list[tuple[int, int, bytes]]) -> bytes:
    """An event of a template with values where it varies, and changes."""
    for value in values:
        template = template.replace(b'"@"', value, 1)
        template = template.replace(b"71", value, 1) if value in NUMBERS else template
    for change in changes:
        template = changed(template, *change)
    return sse.event(template)


changes = st.tuples(st.integers(0, 60), st.integers(0, 9), st.sampled_from(VALUES))


def _events(templates: Any) -> Any:
    """Events of a few templates, in any order: what shapes are learned of."""
    values = st.lists(
        st.sampled_from([*STRINGS[:9], *NUMBERS[:4]]) | st.sampled_from([*STRINGS, *NUMBERS]),
        max_size=4,
    )
    few_changes = st.just([]) | st.just([]) | st.lists(changes, max_size=2)
    one = st.builds(event, st.sampled_from(templates), values, few_changes)
    return st.lists(st.tuples(one, st.integers(1, 3)), max_size=14).map(
        lambda repeated: [each for each, times in repeated for _ in range(times)]
    )


EVENTS = st.lists(st.sampled_from(TEMPLATES), min_size=1, max_size=3).flatmap(_events)
BODIES = EVENTS.map(b"".join)
