"""The ``sseparse`` command: what it prints, when, and what it ends with."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from llm_streams import BODIES

from sseparse import IMPLEMENTATION, llm
from sseparse.cli import _describe, main
from sseparse.llm import Timing

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "sseparse"]
PATIENCE = 20  # seconds, for what should take none
# What would flush where the command forgets to, and encode where it does.
CRUTCHES = ("PYTHONUNBUFFERED", "PYTHONUTF8", "PYTHONIOENCODING")
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in CRUTCHES}


def sse(*payloads: object) -> bytes:
    """An event stream of payloads, as JSON unless they are strings."""
    texts = (p if isinstance(p, str) else json.dumps(p, ensure_ascii=False) for p in payloads)
    return "".join(f"data: {text}\n\n" for text in texts).encode()


def chunk(delta: dict[str, object], finish_reason: str | None = None, index: int = 0) -> dict:
    choice = {"index": index, "delta": delta, "finish_reason": finish_reason}
    return {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "m",
        "choices": [choice],
    }


HELLO = sse(
    chunk({"role": "assistant", "content": ""}),
    chunk({"content": "Grüß "}),
    chunk({"content": "dich 🌊"}),
    chunk({}, finish_reason="stop"),
    "[DONE]",
)
FIRST_OF = {"events": sse("Grüß"), "chat": sse(chunk({"content": "Grüß"}))}

both_commands = pytest.mark.parametrize("command", ["events", "chat"])


def run(*arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*COMMAND, *arguments],
        input=stdin,
        capture_output=True,
        cwd=ROOT,
        env=ENVIRONMENT | environment,
        timeout=PATIENCE,
    )


def start(*arguments: str) -> subprocess.Popen:
    # The tests may run where SIGINT is ignored, as a shell's background jobs do, and it
    # would be inherited.
    return subprocess.Popen(
        [*COMMAND, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=ENVIRONMENT,
        bufsize=0,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(process: subprocess.Popen, expected: str) -> None:
    """Read what a process prints until ``expected`` has come; fail where it does not."""
    seen = b""
    while expected.encode() not in seen:
        readable, _, _ = select.select([process.stdout], [], [], PATIENCE)
        assert readable, f"only {seen!r} came while the pipe was open"
        piece = os.read(process.stdout.fileno(), 65536)
        assert piece, f"the output ended after {seen!r}: {process.stderr.read()!r}"
        seen += piece


def assert_one_line(text: str | bytes) -> None:
    text = text if isinstance(text, str) else text.decode()
    assert text.startswith("sseparse: ")
    assert text.count("\n") == 1
    assert text.endswith("\n")


@pytest.fixture
def file_of(tmp_path):
    """A function that writes bytes to a file and returns its name."""

    def write(data: bytes) -> str:
        path = tmp_path / "recorded.sse"
        path.write_bytes(data)
        return str(path)

    return write


# sseparse events


def test_events_prints_one_json_line_per_event(file_of, capsys):
    body = b"data: a\n\nevent: price\nid: 7\nretry: 250\ndata: 1\ndata: 2\n\n: comment\n\n"
    assert main(["events", file_of(body)]) == 0
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [
        {"event": "message", "data": "a", "id": "", "retry": None},
        {"event": "price", "data": "1\n2", "id": "7", "retry": 250},
    ]


def test_events_prints_data_as_a_string_even_where_it_is_json(file_of, capsys):
    assert main(["events", file_of(b'data: {"a": 1}\n\n')]) == 0
    assert json.loads(capsys.readouterr().out)["data"] == '{"a": 1}'


def test_events_does_not_escape_what_is_not_ascii(file_of, capsys):
    assert main(["events", file_of("data: é🌊\n\n".encode())]) == 0
    assert "é🌊" in capsys.readouterr().out


def test_empty_stream_has_no_events_and_no_error(file_of, capsys):
    assert main(["events", file_of(b"")]) == 0
    assert capsys.readouterr() == ("", "")


def test_events_of_a_truncated_stream_prints_the_whole_ones_and_fails(file_of, capsys):
    assert main(["events", file_of(b"data: whole\n\ndata: cut\n")]) == 1
    out, err = capsys.readouterr()
    assert [json.loads(line)["data"] for line in out.splitlines()] == ["whole"]
    assert_one_line(err)
    assert "truncated" in err


@pytest.mark.parametrize("body", [b"<!doctype html>\n<p>\n\n", b'{"error": "no such model"}'])
def test_events_of_what_is_no_event_stream_says_so(file_of, capsys, body):
    assert main(["events", file_of(body)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert_one_line(err)
    assert "no event stream" in err
    assert body.split()[0].decode() in err


def test_unknown_fields_among_events_are_no_error(file_of, capsys):
    assert main(["events", file_of(b"trace: 1\ndata: a\n\n")]) == 0
    assert capsys.readouterr().err == ""


def test_event_over_the_limit_fails_after_the_events_before_it(file_of, capsys):
    body = b"data: small\n\ndata: " + b"x" * (17 * 2**20) + b"\n\n"
    assert main(["events", file_of(body)]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["data"] == "small"
    assert_one_line(err)
    assert "begins at byte 13 is larger than 16777216 bytes" in err
    assert "max_event_size" not in err  # an option that the command has not


# sseparse chat


def test_chat_prints_the_text_and_ends_its_last_line(file_of, capsys):
    assert main(["chat", file_of(HELLO)]) == 0
    assert capsys.readouterr() == ("Grüß dich 🌊\n", "")


def test_chat_adds_no_second_line_end(file_of, capsys):
    body = sse(chunk({"content": "text\n"}, finish_reason="stop"), "[DONE]")
    assert main(["chat", file_of(body)]) == 0
    assert capsys.readouterr().out == "text\n"


def test_chat_leaves_reasoning_out_of_the_text(file_of, capsys):
    body = sse(
        chunk({"reasoning_content": "hm"}),
        chunk({"content": "42"}),
        chunk({}, finish_reason="stop"),
        "[DONE]",
    )
    assert main(["chat", file_of(body)]) == 0
    assert capsys.readouterr().out == "42\n"


def test_chat_prints_the_first_of_several_choices(file_of, capsys):
    body = sse(
        chunk({"content": "zero"}, "stop"), chunk({"content": "one"}, "stop", index=1), "[DONE]"
    )
    assert main(["chat", file_of(body)]) == 0
    assert capsys.readouterr().out == "zero\n"


def test_chat_json_prints_the_final_completion_and_no_text(file_of, capsys):
    assert main(["chat", "--json", file_of(HELLO)]) == 0
    completion = json.loads(capsys.readouterr().out)
    assert completion["object"] == "chat.completion"
    assert completion["choices"][0]["message"]["content"] == "Grüß dich 🌊"
    assert completion["choices"][0]["finish_reason"] == "stop"


def test_chat_of_a_truncated_stream_prints_what_came_and_fails(file_of, capsys):
    assert main(["chat", file_of(HELLO[: HELLO.index(b"dich")])]) == 1
    out, err = capsys.readouterr()
    assert out == "Grüß \n"
    assert_one_line(err)


def test_chat_that_falls_silent_between_events_is_truncated_too(file_of, capsys):
    assert main(["chat", file_of(sse(chunk({"content": "and then"})))]) == 1
    out, err = capsys.readouterr()
    assert out == "and then\n"
    assert_one_line(err)


def test_chat_json_of_a_truncated_stream_prints_what_came_and_fails(file_of, capsys):
    assert main(["chat", "--json", file_of(sse(chunk({"content": "half"})))]) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["choices"][0]["message"]["content"] == "half"
    assert_one_line(err)


def test_chat_with_an_error_in_the_stream_prints_what_came_and_the_error(file_of, capsys):
    body = sse(chunk({"content": "so far"}), {"error": {"message": "GPU\non fire", "code": 1}})
    assert main(["chat", file_of(body)]) == 1
    out, err = capsys.readouterr()
    assert out == "so far\n"
    assert_one_line(err)
    assert "the server reported an error: GPU on fire" in err


def test_chat_of_a_response_that_was_not_streamed_prints_its_text(file_of, capsys):
    message = {"role": "assistant", "content": "all at once"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "c1", "object": "chat.completion", "model": "m", "choices": [choice]}
    assert main(["chat", file_of(json.dumps(body).encode())]) == 0
    assert capsys.readouterr() == ("all at once\n", "")


@pytest.mark.parametrize("option", [[], ["--json"], ["--timings"]])
@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (sse("[DONE]"), "nothing but [DONE]"),
        (b": ping\n\n" + sse("[DONE]"), "nothing but [DONE]"),
        (b": ping\n\n", "no chunk came"),
        (b"\n\n", "no chunk came"),
        (b"", "the input is empty"),
    ],
)
def test_chat_without_a_chunk_prints_nothing_and_says_why(file_of, capsys, option, body, reason):
    assert main(["chat", *option, file_of(body)]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert_one_line(err)
    assert reason in err
    assert "truncated" not in err


@pytest.mark.parametrize("option", [[], ["--json"], ["--timings"]])
def test_chat_of_what_is_no_event_stream_prints_nothing_and_fails(file_of, capsys, option):
    assert main(["chat", *option, file_of(b"<html>502</html>")]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert_one_line(err)
    assert "502" in err


def test_half_a_character_waits_for_the_other_half(file_of, capsys):
    halves = sse(chunk({"content": "a@"}), chunk({"content": "#b"}, "stop"), "[DONE]")
    body = halves.replace(b"@", b"\\ud83d").replace(b"#", b"\\ude00")
    assert main(["chat", file_of(body)]) == 0
    assert capsys.readouterr().out == "a\U0001f600b\n"
    assert main(["chat", "--json", file_of(body)]) == 0
    assert "a\U0001f600b" in capsys.readouterr().out


def test_half_a_character_without_its_other_half_is_a_replacement_character():
    body = sse(chunk({"content": "@"}, "stop"), "[DONE]").replace(b"@", b"\\ud83d")
    assert run("chat", stdin=body).stdout.decode() == "\ufffd\n"


def test_half_a_character_before_an_error_is_not_lost(file_of, capsys):
    body = sse(chunk({"content": "a@"}), {"error": "died"}).replace(b"@", b"\\ud83d")
    assert main(["chat", file_of(body)]) == 1
    assert capsys.readouterr().out == "a\n\ufffd\n"


def test_bytes_that_are_no_utf8_are_replaced(file_of, capsys):
    body = sse(chunk({"content": "a@b"}, "stop"), "[DONE]").replace(b"@", b"\xff")
    assert main(["chat", file_of(body)]) == 0
    assert capsys.readouterr().out == "a\ufffdb\n"


def test_half_a_character_outside_the_text_is_printed_as_json_writes_it():
    body = sse(chunk({}, "stop") | {"id": "@"}, "[DONE]").replace(b"@", b"\\ud83d")
    ran = run("chat", "--json", stdin=body)
    assert (ran.returncode, ran.stderr) == (0, b"")
    assert json.loads(ran.stdout)["object"] == "chat.completion"


# Answers that are no text.


def call(name: str, arguments: str, index: int = 0) -> dict:
    function = {"name": name, "arguments": arguments}
    return {"index": index, "id": f"call{index}", "type": "function", "function": function}


def test_chat_prints_each_tool_call_as_a_line_behind_the_text(file_of, capsys):
    body = sse(
        chunk({"content": "Let me see."}),
        chunk({"tool_calls": [call("tide", '{"port":')]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": ' "Kiel"}'}}]}),
        chunk({"tool_calls": [call("wind", "{}", index=1)]}, "tool_calls"),
        "[DONE]",
    )
    assert main(["chat", file_of(body)]) == 0
    expected = 'Let me see.\ntide({"port": "Kiel"})\nwind({})\n'
    assert capsys.readouterr() == (expected, "")


@pytest.mark.parametrize(
    ("delta", "line"),
    [
        (
            {
                "tool_calls": [
                    {"index": 0, "type": "custom", "custom": {"name": "sh", "input": "ls"}}
                ]
            },
            "sh(ls)",
        ),
        ({"refusal": "I will not."}, "I will not."),
    ],
)
def test_chat_prints_other_calls_and_refusals(file_of, capsys, delta, line):
    assert main(["chat", file_of(sse(chunk(delta, "stop"), "[DONE]"))]) == 0
    assert capsys.readouterr() == (line + "\n", "")


def test_chat_prints_a_call_that_was_cut_short_and_fails(file_of, capsys):
    assert main(["chat", file_of(sse(chunk({"tool_calls": [call("tide", '{"po')]})))]) == 1
    out, err = capsys.readouterr()
    assert out == 'tide({"po)\n'
    assert_one_line(err)


@pytest.mark.parametrize(
    "delta",
    [{"reasoning_content": "hm"}, {"function_call": {"name": "tide", "arguments": "{}"}}],
    ids=["reasoning", "the older function_call"],
)
def test_chat_notes_that_an_answer_has_nothing_to_print(file_of, capsys, delta):
    body = sse(chunk(delta, "length"), "[DONE]")
    assert main(["chat", file_of(body)]) == 0
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "--json" in err
    assert main(["chat", "--json", file_of(body)]) == 0
    assert capsys.readouterr().err == ""


def test_chat_prints_the_only_choice_whatever_its_number(file_of, capsys):
    body = sse(chunk({"content": "one"}, "stop", index=1), "[DONE]")
    assert main(["chat", file_of(body)]) == 0
    assert capsys.readouterr() == ("one\n", "")


def test_chat_prints_the_text_of_a_legacy_stream(file_of, capsys):
    choice = {"index": 0, "text": "Once", "logprobs": None, "finish_reason": "stop"}
    body = sse({"id": "c", "object": "text_completion", "choices": [choice]}, "[DONE]")
    assert main(["chat", file_of(body)]) == 0
    assert capsys.readouterr() == ("Once\n", "")


def test_chat_json_is_the_final_completion_with_what_done_implies(file_of, capsys):
    for delta, reason in (
        ({"content": "a"}, "stop"),
        ({"tool_calls": [call("f", "{}")]}, "tool_calls"),
    ):
        assert main(["chat", "--json", file_of(sse(chunk(delta), "[DONE]"))]) == 0
        choice = json.loads(capsys.readouterr().out)["choices"][0]
        assert choice["finish_reason"] == reason


def test_chat_json_has_every_choice(file_of, capsys):
    body = sse(*(chunk({"content": text}, "stop", i) for i, text in enumerate("ab")), "[DONE]")
    assert main(["chat", "--json", file_of(body)]) == 0
    choices = json.loads(capsys.readouterr().out)["choices"]
    assert [choice["message"]["content"] for choice in choices] == ["a", "b"]


# Streams of every API.

every_api = pytest.mark.parametrize(("kind", "body"), BODIES.items(), ids=BODIES)


@every_api
def test_chat_prints_text_and_calls_of_every_api(file_of, capsys, kind, body):
    assert main(["chat", file_of(body)]) == 0
    out, err = capsys.readouterr()
    text, *calls = out.splitlines()
    assert (text, err) == ("Hi you", "")
    for line in calls:
        name, arguments = re.fullmatch(r"(\w+)\((.+)\)", line).groups()
        assert (name, json.loads(arguments)) == ("add", {"a": 1})
    assert len(calls) == (kind != "completions")


@every_api
def test_chat_json_is_the_final_object_of_its_api(file_of, capsys, kind, body):
    assert main(["chat", "--json", file_of(body)]) == 0
    final = llm.Stream([body]).get_final()
    assert json.loads(capsys.readouterr().out) == final.to_dict()


@every_api
def test_chat_of_a_truncated_stream_of_every_api_fails(file_of, capsys, kind, body):
    first_text = body.index(b"\n\n", body.index(b"Hi")) + 2
    assert main(["chat", file_of(body[:first_text])]) == 1
    out, err = capsys.readouterr()
    assert out.startswith("Hi")
    assert_one_line(err)
    assert "truncated" in err


@every_api
@pytest.mark.parametrize("option", [[], ["--json"], ["--timings"]])
def test_chat_of_an_error_of_every_api_is_one_line(file_of, capsys, kind, body, option):
    assert main(["chat", *option, file_of(llm.encode_error(kind, "too long"))]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert_one_line(err)
    assert "too long" in err


def test_chat_of_an_api_that_nobody_knows_fails_and_says_so(file_of, capsys):
    assert main(["chat", file_of(sse({"weather": "fair"}))]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert_one_line(err)


# Errors in the stream.


@pytest.mark.parametrize("option", [[], ["--json"], ["--timings"]])
@pytest.mark.parametrize(
    "payload",
    [
        {"choices": None, "error_type": "Bad", "error_message": "too long"},
        {"choices": None, "base_resp": {"status_code": 1002, "status_msg": "too long"}},
        {"code": 429, "message": "too long"},
    ],
)
def test_chat_of_an_error_that_is_not_called_so_is_one_line(file_of, capsys, option, payload):
    assert main(["chat", *option, file_of(sse(payload, "[DONE]"))]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert_one_line(err)
    assert "too long" in err


def test_chat_reads_on_behind_an_error_and_tells_of_the_first(file_of, capsys):
    body = sse(
        chunk({"content": "a"}),
        "{broken",
        chunk({"content": "b"}),
        {"error": "died"},
        chunk({"content": "c"}, "stop"),
        "[DONE]",
    )
    assert main(["chat", file_of(body)]) == 1
    out, err = capsys.readouterr()
    assert out == "a\nb" + "c\n"
    assert_one_line(err)
    assert "{broken" in err
    assert main(["chat", "--json", file_of(body)]) == 1
    choice = json.loads(capsys.readouterr().out)["choices"][0]
    assert choice["message"]["content"] == "abc"


def test_chat_tells_of_an_error_at_once():
    with start("chat") as process:
        process.stdin.write(sse(chunk({"content": "so far"}), {"error": "died"}))
        assert b"died" in process.stderr.readline()
        process.stdin.close()
        assert process.wait(PATIENCE) == 1


def test_chat_json_of_an_answer_that_an_error_ended_implies_no_finish_reason(file_of, capsys):
    body = sse(chunk({"content": "so far"}), {"error": "died"}, "[DONE]")
    assert main(["chat", "--json", file_of(body)]) == 1
    assert json.loads(capsys.readouterr().out)["choices"][0]["finish_reason"] is None


def test_timings_are_one_line_on_standard_error(file_of, capsys):
    assert main(["chat", "--timings", file_of(HELLO)]) == 0
    out, err = capsys.readouterr()
    assert out == "Grüß dich 🌊\n"
    assert re.fullmatch(
        r"time to first token [\d.]+ ms; inter-token latency median 0.0 ms, p95 0.0 ms; 2 chunks\n",
        err,
    )


def test_timings_of_a_live_stream_have_the_rate():
    with start("chat", "--timings") as process:
        for text in ("one", "two"):
            process.stdin.write(sse(chunk({"content": text})))
            wait_for(process, text)  # each comes in a read of its own
        process.stdin.write(sse(chunk({}, "stop"), "[DONE]"))
        process.stdin.close()
        assert re.search(r"; 2 chunks, [\d.]+ chunks/s\n$", process.stderr.read().decode())


def test_timings_are_nearest_ranks_and_a_rate_between_the_first_and_the_last():
    timing = Timing(time.perf_counter, bool)
    timing.token_times += [1.0, 1.4, 1.5, 1.8, 2.0]
    assert _describe(timing, usage=None, start=0.5) == (
        "time to first token 500.0 ms; inter-token latency median 200.0 ms, p95 400.0 ms; "
        "5 chunks, 4.0 chunks/s"
    )


def test_timings_count_the_tokens_that_the_server_counted(file_of, capsys):
    usage = {"prompt_tokens": 1, "completion_tokens": 17, "total_tokens": 18}
    body = sse(chunk({"content": "a"}, "stop") | {"usage": usage}, "[DONE]")
    assert main(["chat", "--timings", file_of(body)]) == 0
    assert capsys.readouterr().err.endswith("; 17 tokens\n")


def test_timings_of_a_stream_without_text_say_so(file_of, capsys):
    assert main(["chat", "--timings", file_of(sse(chunk({}, "stop"), "[DONE]"))]) == 0
    assert capsys.readouterr() == ("", "no token came\n")


def test_timings_of_tool_calls_count_their_pieces(file_of, capsys):
    body = sse(
        chunk({"tool_calls": [call("tide", "")]}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": "{}"}}]}, "tool_calls"),
        "[DONE]",
    )
    assert main(["chat", "--timings", file_of(body)]) == 0
    out, err = capsys.readouterr()
    assert out == "tide({})\n"
    assert err.endswith("; 2 chunks\n")


# Pipes


@both_commands
@pytest.mark.parametrize("arguments", [[], ["-"]])
def test_standard_input_is_read_without_a_file(command, arguments):
    result = run(command, *arguments, stdin=HELLO)
    assert result.returncode == 0
    assert "dich 🌊" in result.stdout.decode()


@both_commands
def test_what_has_come_is_printed_while_the_pipe_is_open(command):
    with start(command) as process:
        process.stdin.write(FIRST_OF[command])
        wait_for(process, "Grüß")
        process.stdin.write(sse(chunk({"content": "dich"}, "stop"), "[DONE]"))
        wait_for(process, "dich")
        process.stdin.close()
        assert process.wait(PATIENCE) == 0


def test_silence_of_a_non_blocking_pipe_is_not_its_end():
    reading, writing = os.pipe()
    os.set_blocking(reading, False)
    with subprocess.Popen(
        [*COMMAND, "events"],
        stdin=reading,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=ENVIRONMENT,
    ) as process:
        os.close(reading)
        for word in ("one", "two"):
            os.write(writing, sse(word))
            wait_for(process, word)
            time.sleep(0.1)  # long enough for a read that finds nothing
        os.close(writing)
        assert process.wait(PATIENCE) == 0


@both_commands
def test_closed_pipe_is_no_traceback(command):
    with start(command) as process:
        process.stdout.close()
        process.stdin.write(FIRST_OF[command])
        process.stdin.close()
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 128 + signal.SIGPIPE


@both_commands
def test_closed_standard_error_is_no_traceback(command):
    with start(command, "no/such/file") as process:
        process.stderr.close()
        assert process.wait(PATIENCE) == 2


@pytest.mark.parametrize("option", ["--json", "--timings"])
def test_closed_pipe_behind_an_option_is_no_traceback(option):
    with start("chat", option) as process:
        process.stdout.close()
        process.stdin.write(HELLO)
        process.stdin.close()
        assert b"Traceback" not in process.stderr.read()
        assert process.wait(PATIENCE) == 128 + signal.SIGPIPE


def test_closed_pipe_behind_help_is_no_traceback():
    with start("--help") as process:
        process.stdout.close()
        assert process.stderr.read() == b""


@both_commands
def test_ctrl_c_is_no_traceback(command):
    with start(command) as process:
        process.stdin.write(FIRST_OF[command])
        wait_for(process, "Grüß")
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == b""
        assert process.wait(PATIENCE) == 130


@both_commands
@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_full_disk_is_one_line(command):
    with open("/dev/full", "wb") as full:
        result = subprocess.run(
            [*COMMAND, command],
            input=FIRST_OF[command],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env=ENVIRONMENT,
            timeout=PATIENCE,
        )
    assert result.returncode == 1
    assert_one_line(result.stderr)
    assert b"No space left" in result.stderr


def run_truncated_in_shell(command: str, redirection: str) -> subprocess.CompletedProcess:
    return run_in_shell(command, redirection, FIRST_OF["chat"][:-1])


def run_in_shell(command: str, redirection: str, stdin: bytes) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["sh", "-c", f"{shlex.join(COMMAND)} {command} {redirection}"],
        input=stdin,
        capture_output=True,
        cwd=ROOT,
        env=ENVIRONMENT,
        timeout=PATIENCE,
    )


@both_commands
def test_without_a_standard_output_errors_are_still_told(command):
    result = run_truncated_in_shell(command, ">&-")
    assert result.returncode == 1
    assert_one_line(result.stderr)


@both_commands
def test_without_a_standard_output_a_whole_stream_is_no_error(command):
    result = run_in_shell(command, ">&-", HELLO)
    assert (result.returncode, result.stderr) == (0, b"")


@both_commands
def test_without_a_standard_error_errors_do_not_go_into_the_output(command):
    result = run_truncated_in_shell(command, "2>&-")
    assert result.returncode == 1
    assert b"sseparse: " not in result.stdout


@both_commands
def test_without_a_standard_input_it_cannot_be_opened(command):
    result = run_truncated_in_shell(command, "<&-")
    assert result.returncode == 2
    assert_one_line(result.stderr)


@both_commands
def test_output_is_utf8_in_the_c_locale(command):
    # UTF-8 mode and C locale coercion would hide a program that trusts the locale.
    result = run(
        command,
        stdin=HELLO,
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
        PYTHONIOENCODING="",
    )
    assert result.stderr == b""
    assert "dich 🌊" in result.stdout.decode("utf-8")


# Usage


@both_commands
def test_missing_file_is_named_and_ends_with_2(command, capsys):
    assert main([command, "no/such/file.sse"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert_one_line(err)
    assert "no/such/file.sse: No such file" in err


@both_commands
def test_folder_in_place_of_a_file_ends_with_2(command, capsys, tmp_path):
    assert main([command, str(tmp_path)]) == 2
    assert_one_line(capsys.readouterr().err)


@both_commands
@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs a file that cannot be read")
def test_a_file_that_cannot_be_read_is_one_line_and_ends_with_1(command, capsys):
    assert main([command, "/proc/self/mem"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert_one_line(err)
    assert "cannot read /proc/self/mem: " in err


@pytest.mark.parametrize(
    "arguments", [[], ["event"], ["events", "--json"], ["events", "a", "b"], ["chat", "--jsn"]]
)
def test_wrong_usage_ends_with_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: sseparse" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["events"], ["chat"]])
def test_help_has_examples(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main([*arguments, "--help"])
    assert caught.value.code == 0
    help_text = capsys.readouterr().out
    assert "examples:\n  sseparse " in help_text
    assert "curl -sN" in help_text
    assert "exit status:" in help_text


def printed_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    return capsys.readouterr().out


def test_version_names_the_release_and_the_parser_in_use(capsys, monkeypatch):
    monkeypatch.setattr(importlib.metadata, "version", lambda name: {"sseparse": "1.2.3"}[name])
    assert printed_version(capsys) == f"sseparse 1.2.3 ({IMPLEMENTATION} parser)\n"


def test_version_of_a_source_tree_says_that_it_is_not_installed(capsys, monkeypatch):
    def nowhere(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "version", nowhere)
    assert printed_version(capsys) == f"sseparse (not installed) ({IMPLEMENTATION} parser)\n"


# Without msgspec

WITHOUT_MSGSPEC = """
import sys
sys.modules["msgspec"] = None
from sseparse.cli import main
sys.exit(main())
"""


def run_without_msgspec(command: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_MSGSPEC, command],
        input=HELLO,
        capture_output=True,
        cwd=ROOT,
        env=ENVIRONMENT,
        timeout=PATIENCE,
    )


def test_events_needs_no_msgspec():
    result = run_without_msgspec("events")
    assert (result.returncode, result.stderr) == (0, b"")
    assert "dich 🌊" in result.stdout.decode()


def test_chat_without_msgspec_says_what_to_install():
    result = run_without_msgspec("chat")
    assert (result.returncode, result.stdout) == (2, b"")
    assert_one_line(result.stderr)
    assert b"sseparse[llm]" in result.stderr


# Recording.


def test_record_keeps_the_bytes_while_it_shows_the_text(tmp_path):
    target = tmp_path / "answer.sse"
    ran = run("chat", "--record", str(target), stdin=HELLO)
    assert (ran.returncode, ran.stdout.decode()) == (0, "Grüß dich 🌊\n")
    assert target.read_bytes() == HELLO


def test_record_of_standard_input_replaces_an_older_recording(tmp_path):
    target = tmp_path / "answer.sse"
    target.write_bytes(b"older, and longer" * 100)
    assert run("chat", "--record", str(target), stdin=HELLO).returncode == 0
    assert target.read_bytes() == HELLO


def test_record_has_what_came_of_a_truncated_stream(tmp_path):
    target = tmp_path / "answer.sse"
    assert run("chat", "--record", str(target), stdin=HELLO[:200]).returncode == 1
    assert target.read_bytes() == HELLO[:200]


def test_record_has_each_piece_before_it_is_shown(tmp_path):
    target = tmp_path / "answer.sse"
    process = start("chat", "--record", str(target))
    process.stdin.write(FIRST_OF["chat"])
    process.stdin.flush()
    assert process.stdout.read(len("Grüß".encode())) == "Grüß".encode()
    assert target.read_bytes() == FIRST_OF["chat"]
    process.communicate(timeout=PATIENCE)


def test_record_onto_the_file_that_is_read_is_refused(tmp_path, capsys):
    source = tmp_path / "answer.sse"
    source.write_bytes(HELLO)
    assert main(["chat", "--record", str(source), str(source)]) == 2
    assert "onto itself" in capsys.readouterr().err
    assert source.read_bytes() == HELLO


def test_record_where_nothing_can_be_written_is_wrong_usage(tmp_path, capsys):
    assert main(["chat", "--record", str(tmp_path / "no" / "such"), os.devnull]) == 2
    assert "cannot write" in capsys.readouterr().err
