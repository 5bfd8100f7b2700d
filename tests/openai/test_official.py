"""Against the official client's own accumulation: the same, but for what is explained here.

openai.lib.streaming.chat.ChatCompletionStreamState is fed the same recorded chunks. Where
it does not fail, each difference between the two results must have its reason in
``DIFFERENCES``; where it does, in ``FAILURES``. A reason that explains nothing fails too.
"""

from __future__ import annotations

import re
import warnings
from itertools import islice
from typing import Any

import openai.types.chat
import pytest
from chat_streams import chunk, sse
from corpus import entries
from differences import ABSENT, differences, without_nulls
from openai._models import construct_type
from openai.lib.streaming.chat import ChatCompletionStreamState as OfficialState

from sseparse import SSEError
from sseparse.openai import ChatCompletionStreamState, ChatStream


def is_empty(value: Any) -> bool:
    return value in (ABSENT, "", 0)


# (where, when, why): ours and theirs differ at a path that matches, and ``when`` is true.
DIFFERENCES = [
    (
        r"tool_calls\[\d+\]\.index",
        lambda ours, theirs: ours == ABSENT,
        "They keep the fragments' index; the API's own final objects have none.",
    ),
    (
        r"message\.role",
        lambda ours, theirs: ours == "assistant" and theirs == "assistant" * (len(theirs) // 9),
        "They concatenate a role that is repeated.",
    ),
    (
        r"message\.role",
        lambda ours, theirs: theirs == ABSENT,
        "Where the server never says the role, ours is there for validation.",
    ),
    (
        r"\.(id|model|created|service_tier|system_fingerprint)",
        lambda ours, theirs: is_empty(theirs) or is_empty(ours),
        "They keep the first chunk's, even empty (Azure, Copilot), and the last chunk's "
        "fingerprint, even missing; ours is the first non-empty one.",
    ),
    (
        r"\.usage.*",
        lambda ours, theirs: theirs == ABSENT,
        "They forget usage when a later chunk has none, and do not look for it in x_groq.",
    ),
    (
        r"(\.choices\[\d+\])?\.(native_finish_reason|matched_stop|content_filter_\w+(\.\w+)?|seed)",
        lambda ours, theirs: True,
        "They keep a choice's other fields from its first chunk; ours are the last ones.",
    ),
    (
        r"\.(choices\[\d+\]\.)?(obfuscation|text)",
        lambda ours, theirs: True,
        "The same, for keys that no type declares.",
    ),
    (
        r"\.choices\[\d+\]\.(token_ids|stop_reason)",
        lambda ours, theirs: theirs == ABSENT,
        "The same, where the first chunk has null (vLLM).",
    ),
    (
        r"\.(latency_checkpoint|copilot_usage|time_info|timings|__verbose|p|cost|generationId"
        r"|x_groq|sla_metrics|prompt_progress)(\..*)?",
        lambda ours, theirs: theirs == ABSENT or "sla_metrics" in repr(ours) or ours != theirs,
        "They keep unknown top-level keys of the first chunk only.",
    ),
    (
        r"message\.(token_id)",
        lambda ours, theirs: isinstance(ours, int),
        "They add numbers up, token ids too.",
    ),
    (
        r"message\.reasoning_details.*",
        lambda ours, theirs: True,
        "They concatenate every string of an entry, formats and signatures too, and merge by "
        "index entries of different types.",
    ),
    (
        r"message\.(content|reasoning_content)",
        lambda ours, theirs: (
            "".join(part["thinking"][0]["text"] for part in theirs if isinstance(part, dict))
            == ours
            if isinstance(theirs, list)
            else theirs == ABSENT or ours.endswith(theirs)
        ),
        "They lose content that comes as parts (Mistral); ours has text and reasoning.",
    ),
    (
        r"message\.content",
        lambda ours, theirs: (
            isinstance(theirs, str)
            and theirs.encode("utf-16", "surrogatepass").decode("utf-16") == ours
        ),
        "They leave an emoji that came as two halves of UTF-16 in two (mock-llm).",
    ),
    (
        r"message\.function_call\.name",
        lambda ours, theirs: theirs == ours * (len(theirs) // len(ours)),
        "They concatenate a name that is repeated (llama-cpp-python).",
    ),
    (
        r"message\.tool_calls(\[\d+\]\.(id|function\.(name|arguments)))?",
        lambda ours, theirs: True,
        "They concatenate ids and names that are repeated, so calls that share index 0 "
        "(Cerebras, Gemini) become one; ours are told apart by their ids.",
    ),
]

FAILURES = {
    r"AssertionError\(\)": "a tool call whose first fragment has no type or function",
    r"RuntimeError\(.Expected list delta entry to have an `index` key": "lists without indexes",
    r"TypeError\(.list indices must be integers": "a tool call without index",
    r"TypeError\(.*NoneType.*not iterable": "choices missing, as in OpenAI's own audio streams",
}


def accumulate(body: bytes) -> tuple[dict[str, Any], dict[str, Any] | str]:
    """Our state's final object, and theirs, or the exception that it failed with."""
    ours, official = ChatCompletionStreamState(), OfficialState()
    failure = None
    stream = islice(ChatStream([body]), 500)  # theirs takes its time
    while True:
        try:
            for seen in stream:
                ours.handle_chunk(seen)
                if failure is None:
                    theirs = construct_type(
                        type_=openai.types.chat.ChatCompletionChunk, value=seen.to_dict()
                    )
                    try:
                        with warnings.catch_warnings():
                            warnings.simplefilter("ignore")  # pydantic's, of unknown values
                            official.handle_chunk(theirs)
                    except Exception as error:
                        failure = repr(error)
            break
        except SSEError:
            continue
    if failure is not None:
        return without_nulls(ours.current_completion_snapshot.to_dict()), failure
    theirs = without_nulls(official.current_completion_snapshot.to_dict(warnings=False))
    return without_nulls(ours.current_completion_snapshot.to_dict()), theirs


@pytest.mark.skipif(not entries("chat.completions"), reason="no ../shared/corpus here")
def test_recorded_streams_differ_from_the_official_client_only_for_these_reasons():
    used: set[str] = set()
    equal = 0
    for entry in entries("chat.completions"):
        ours, theirs = accumulate(entry["bytes"])
        if isinstance(theirs, str):
            reasons = [why for pattern, why in FAILURES.items() if re.match(pattern, theirs)]
            assert reasons, (entry["file"], theirs)
            used.update(reasons)
            continue
        found = differences(ours, theirs)
        equal += not found
        for path, our, their in found:
            reasons = [
                why
                for where, when, why in DIFFERENCES
                if re.search(f"{where}$", path) and when(our, their)
            ]
            assert reasons, (entry["file"], path, our, their)
            used.add(reasons[0])
    assert used == {*FAILURES.values(), *(why for _, _, why in DIFFERENCES)}
    assert equal >= 20


def test_openai_streams_come_to_the_same_object():
    fragments = [
        {"role": "assistant", "content": None, "refusal": None},
        {"content": "Hello"},
        {"content": ", world"},
    ]
    token = {"token": "a", "logprob": -0.5, "bytes": [97], "top_logprobs": []}
    payloads = [chunk(fragment, system_fingerprint="fp", usage=None) for fragment in fragments]
    payloads[1]["choices"][0]["logprobs"] = {"content": [token], "refusal": None}
    payloads[2]["choices"][0]["logprobs"] = {"content": [token, token], "refusal": None}
    payloads.append(chunk({}, finish_reason="stop", system_fingerprint="fp"))
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    payloads.append({**payloads[0], "choices": [], "usage": usage})
    ours, theirs = accumulate(sse(*payloads))
    assert ours == theirs


def test_a_state_takes_the_chunks_of_the_openai_package():
    """Made by its client, which validates nothing, or by somebody himself."""
    payloads = [chunk({"content": "Hi", "odd": [1]}, odd=2), chunk({"content": 5, "role": None})]
    of_payloads, of_theirs = ChatCompletionStreamState(), ChatCompletionStreamState()
    for payload in payloads:
        of_payloads.handle_chunk(payload)
        of_theirs.handle_chunk(
            construct_type(type_=openai.types.chat.ChatCompletionChunk, value=payload)
        )
    assert of_theirs.get_final_completion() == of_payloads.get_final_completion()
    assert of_theirs.get_final_completion().model_extra == {"odd": 2}
    made = openai.types.chat.ChatCompletionChunk.model_validate(chunk({"content": "!"}))
    of_theirs.handle_chunk(made)
    assert of_theirs.get_final_completion().choices[0].message.content == "Hi5!"
