"""iter_partial_json: the value that the text grows to, as far as it is known."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest
from chat_streams import DONE, chunk, sse

from sseparse.openai import AsyncChatStream, ChatStream


def body(*texts: str, index: int = 0) -> bytes:
    return sse(*[chunk({"content": text}, index=index) for text in texts]) + DONE


def values(*texts: str) -> list[object]:
    return list(ChatStream([body(*texts)]).iter_partial_json())


def test_each_piece_of_text_gives_the_value_so_far():
    pytest.importorskip("jiter")
    assert values('{"name": "Ad', 'a", "tags": [', '"x", "y', '"]}') == [
        {"name": "Ad"},
        {"name": "Ada", "tags": []},
        {"name": "Ada", "tags": ["x", "y"]},
        {"name": "Ada", "tags": ["x", "y"]},
    ]


def test_white_space_in_front_is_waited_through():
    pytest.importorskip("jiter")
    assert values("", " \n", "[", "1]") == [[], [1]]


def test_values_that_are_falsy_come_too():
    pytest.importorskip("jiter")
    assert values("[", "]") == [[], []]


def test_the_content_stays_text():
    pytest.importorskip("jiter")
    stream = ChatStream([body('{"a"', ": 1}")])
    assert list(stream.iter_partial_json()) == [{}, {"a": 1}]
    assert stream.get_final_completion().choices[0].message.content == '{"a": 1}'


def test_another_choice_is_chosen():
    pytest.importorskip("jiter")
    stream = ChatStream([body("[1]", index=1)])
    assert list(stream.iter_partial_json(choice=1)) == [[1]]


def test_text_that_is_no_json_is_a_value_error():
    pytest.importorskip("jiter")
    with pytest.raises(ValueError, match="line 1"):
        values("Sure! Here it is:")


def test_the_asynchronous_twin_does_the_same():
    pytest.importorskip("jiter")

    async def source():
        yield body("[1", ", 2]")

    async def main():
        return [value async for value in AsyncChatStream(source()).iter_partial_json()]

    assert asyncio.run(main())[-1] == [1, 2]


def test_without_jiter_it_says_what_to_install():
    code = """
import sys
sys.modules["jiter"] = None
from sseparse.openai import ChatStream
try:
    ChatStream([]).iter_partial_json()
except ImportError as error:
    assert 'pip install "sseparse[json]"' in str(error), error
else:
    raise AssertionError("imported")
"""
    subprocess.run([sys.executable, "-c", code], check=True)
