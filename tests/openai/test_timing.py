"""Arrival times: one reading of the clock a chunk of bytes."""

from __future__ import annotations

import pytest
from chat_streams import DONE, ENVELOPE, chunk, sse

from sseparse.openai import ChatStream, CompletionStream


class Clock:
    """Counts its readings: the first is 1.0, the second 2.0."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


ROLE = chunk({"role": "assistant", "content": ""})
EMPTY = {**ENVELOPE, "choices": []}


def timing_of(*reads, stream_class=ChatStream, **options):
    stream = stream_class(list(reads), clock=Clock(), **options)
    stream.until_done()
    return stream.timing


def test_the_clock_is_read_once_a_read_and_its_time_is_everythings():
    a, b = (chunk({"content": text}) for text in "ab")
    timing = timing_of(b": hello\n\n", sse(EMPTY, ROLE), sse(a, b), sse(a) + DONE)
    assert timing.first_read == 1.0
    assert timing.first_chunk == 2.0
    assert timing.first_token == 3.0
    assert timing.token_times == [3.0, 3.0, 4.0]
    assert timing.last_read == 4.0
    assert timing.time_to_first_token(0.5) == 2.5
    assert timing.inter_token_latencies == [0.0, 1.0]


def test_an_event_in_two_reads_has_the_time_of_the_second():
    body = sse(chunk({"content": "a"}))
    assert timing_of(body[:20], body[20:]).token_times == [2.0]


def test_reasoning_and_tool_arguments_are_tokens_too():
    call = {"tool_calls": [{"index": 0, "function": {"arguments": "{"}}]}
    for delta in ({"reasoning_content": "a"}, {"reasoning": "a"}, {"reasoning_text": "a"}, call):
        assert timing_of(sse(ROLE), sse(chunk(delta))).token_times == [2.0]


def test_a_call_that_says_nothing_is_no_token():
    for call in ({"index": 0}, {"index": 0, "function": {"arguments": ""}}):
        assert timing_of(sse(ROLE), sse(chunk({"tool_calls": [call]}))).token_times == []


def test_text_of_legacy_streams_is_tokens():
    payload = {"choices": [{"index": 0, "text": "a"}]}
    assert timing_of(sse(payload), stream_class=CompletionStream).token_times == [1.0]


def test_withheld_chunks_count_for_the_first_chunk():
    timing = timing_of(sse(EMPTY), sse(chunk({"content": "a"})), skip_empty=True)
    assert (timing.first_chunk, timing.first_token) == (1.0, 2.0)


def test_without_tokens_there_are_no_latencies():
    timing = timing_of(sse(ROLE))
    assert timing.first_token is None
    assert timing.time_to_first_token(0.0) is None
    assert timing.inter_token_latencies == []
    assert "tokens=0" in repr(timing)


def test_without_a_clock_there_is_no_timing():
    assert ChatStream([]).timing is None


def test_a_slow_caller_does_not_change_the_times():
    clock = Clock()
    stream = ChatStream([sse(*[chunk({"content": "a"})] * 3)], clock=clock)
    for _ in stream:
        clock.now += 100
    assert stream.timing.token_times == [1.0, 1.0, 1.0]


# What counts as a token, and how they are summed up.


def test_what_counts_as_a_token_can_be_said():
    """Some harnesses count every chunk, or all that have a choice."""
    texts = ("a", "", "b") * 7
    body = sse(ROLE, *[chunk({"content": text}) for text in texts], EMPTY) + DONE
    for is_token, count in ((lambda chunk: True, 23), (lambda chunk: bool(chunk.choices), 22)):
        for reading in (list, lambda stream: stream.until_done(), lambda s: list(s.iter_text())):
            stream = ChatStream([body], clock=Clock())
            stream.timing.is_token = is_token
            reading(stream)
            assert len(stream.timing.token_times) == count


@pytest.mark.parametrize("accumulate", [True, False])
@pytest.mark.parametrize(
    "delta",
    [
        {"content": "a"},
        {"reasoning": "a"},
        {"refusal": "a"},
        {"reasoning_text": "a"},
        {"tool_calls": [{"index": 0, "function": {"arguments": "a"}}]},
        {"tool_calls": [{"index": 0, "custom": {"input": "a"}}]},
        {"function_call": {"arguments": "a"}},
        {"audio": {"data": "a"}},
        {"audio": {"transcript": "a"}},
    ],
)
def test_pieces_that_are_all_the_same_are_tokens_each(delta, accumulate):
    assert len(timing_of(sse(*[chunk(delta)] * 20), accumulate=accumulate).token_times) == 20


def test_a_text_under_a_key_that_no_type_declares_is_no_token():
    deltas = [{"content": "" if number % 2 else "a", "odd": f"{number}"} for number in range(20)]
    assert len(timing_of(sse(*map(chunk, deltas))).token_times) == 10


def test_percentiles_of_the_latencies_are_some_that_did_occur():
    timing = timing_of(*[sse(chunk({"content": "a"}))] * 3)
    timing.token_times[:] = [0.0, 1.0, 3.0, 6.0, 10.0]
    found = [timing.inter_token_latency(percentile) for percentile in (1, 25, 26, 50, 99, 100)]
    assert found == [1.0, 1.0, 2.0, 2.0, 4.0, 4.0]


def test_fewer_than_two_tokens_have_no_percentile():
    assert timing_of(sse(chunk({"content": "a"}))).inter_token_latency(50) is None


@pytest.mark.parametrize("percentile", [0, -1, 101, float("nan")])
def test_a_percentile_that_is_none_is_refused(percentile):
    with pytest.raises(ValueError, match="percentile must be above 0"):
        timing_of(sse(ROLE)).inter_token_latency(percentile)
