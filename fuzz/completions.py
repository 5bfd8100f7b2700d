"""The OpenAI layer over streams of completions that no server should send.

Inputs, and what holds for each, are those of ``typed_cases.py``. The bit of byte 0 that is the
fuzzer's own stands for legacy completions. The openai package accepts the final object, but for
its finish reasons.
"""

from __future__ import annotations

from typing import Any

import harness
import typed_cases
from json_streams import Mutations, field_names
from openai.types import Completion
from openai.types.chat import ChatCompletion

from sseparse.openai import types

_WORDS = ("reasoning.text", "text_completion", "chat.completion", "chat.completion.chunk")


def check(data: bytes) -> None:
    case = typed_cases.read_case(data, has_choices=True)
    if case is None:
        return
    if case.own & 1:
        typed_cases.check(case, "CompletionStream", lambda final: _check_final(final, Completion))
    else:
        typed_cases.check(case, "ChatStream", lambda final: _check_final(final, ChatCompletion))


def _check_final(final: Any, openai_type: Any) -> None:
    """All but a finish reason that is unknown, or never came, is as the openai package wants it."""
    as_dict = final.to_dict()
    choices = [{**choice, "finish_reason": "stop"} for choice in as_dict["choices"]]
    openai_type.model_validate({**as_dict, "choices": choices})
    final.to_json().encode()


if __name__ == "__main__":
    harness.main(check, Mutations(field_names(types), _WORDS).mutate)
