"""The law of shapes: with them a stream says what it says without them, errors included.

Whatever payloads come in whatever order, and whatever is asked of the stream.
"""

from __future__ import annotations

import gc
import json
import random
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import FunctionType, SimpleNamespace
from typing import Annotated, Any, Literal

import msgspec
import pytest
from chat_streams import DONE, chunk, sse
from hypothesis import given
from hypothesis import strategies as st
from odd_payloads import BODIES, TEMPLATES, VALUES, event
from told import check, everything, shown, texts_of
from typed_streams import IMPLEMENTATIONS, INSTALLED, WITHOUT_SHAPES

from sseparse import SSEError
from sseparse.openai.decode import chat_decoder


def test_a_payload_that_ends_in_a_value_is_read_as_what_it_is():
    whole = [event(TEMPLATES[0].replace(b"@", b"%d" % number), [], []) for number in range(6)]
    for end in (b'"con', b'"content": "a', b'"content": "a\\', b'"content": "'):
        cut = whole[0][: whole[0].index(b'"content"')] + end + b"\n\n"
        check(b"".join([*whole, cut, whole[0]]))


@pytest.mark.parametrize("text", ["a", ""])
def test_a_text_that_stays_the_same_is_read_each_time(streams, text):
    payloads = [chunk({"content": text, "odd": f"{number}"}) for number in range(9)]
    assert texts_of(streams.ChatStream([sse(*payloads)])) == [repr(text)] * 9 * bool(text)


@given(body=BODIES)
def test_a_chat_stream_says_the_same_with_and_without_shapes(body):
    check(body)


@given(body=BODIES)
def test_a_legacy_stream_says_the_same_with_and_without_shapes(body):
    check(body, "CompletionStream")


@given(bodies=st.lists(BODIES, min_size=2, max_size=5))
def test_a_stream_after_others_says_what_it_says_alone(bodies):
    alone = [everything(WITHOUT_SHAPES.ChatStream([body])) for body in bodies]
    for streams in IMPLEMENTATIONS:
        streams.KNOWN.clear()
        assert [everything(streams.ChatStream([body])) for body in bodies] == alone, streams.name


def test_a_stream_like_another_with_other_ids_says_its_own(streams):
    """Whatever was met first: values that are alike in a stream, and others in the next."""
    bodies = [
        sse(*[chunk({"content": f"{stream}-{n}"}, id=f"chatcmpl-{stream}") for n in range(9)])
        for stream in (*"abcab", "")
    ]
    streams.KNOWN.clear()
    for body in bodies:
        found = everything(streams.ChatStream([body + DONE]))
        assert found == everything(WITHOUT_SHAPES.ChatStream([body + DONE]))


def test_the_same_payload_padded_in_another_way_has_its_own_raw(streams):
    streams.KNOWN.clear()
    whole = json.dumps(chunk({"content": "a"})).encode()
    payloads = [whole[:-1] + b" " * (number % 4) + b"}" for number in range(12)]
    assert [item.raw for item in streams.ChatStream([sse(*payloads)])] == payloads


def test_threads_that_learn_at_the_same_time_read_their_own(streams):
    bodies = [
        sse(*[chunk({"content": f"{thread}-{n}"}, id=f"{thread}-{turn}") for n in range(12)])
        for thread in range(4)
        for turn in range(10)
    ]
    expected = [everything(WITHOUT_SHAPES.ChatStream([body])) for body in bodies]
    streams.KNOWN.clear()

    def read(thread: int) -> list[Any]:
        mine = bodies[thread * 10 : thread * 10 + 10]
        return [everything(streams.ChatStream([body])) for body in mine]

    with ThreadPoolExecutor(4) as pool:
        assert [said for found in pool.map(read, range(4)) for said in found] == expected


@pytest.mark.parametrize("template", TEMPLATES, ids=range(len(TEMPLATES)))
def test_chunks_of_each_kind_come_to_the_same_in_every_way(template):
    """Alike; alike but for one value that is empty; among others; alike again."""
    name = "CompletionStream" if b"text_completion" in template else "ChatStream"
    other = TEMPLATES[1] if name == "ChatStream" else TEMPLATES[-1].replace(b"71", b"0")
    said = []
    for number in range(14):
        value = b"" if number % 5 == 4 else b"w%d" % number
        payload = template.replace(b"@", value).replace(b"71", b"%d" % (number % 3))
        said.append(event(payload, [], []))
    between = event(other.replace(b"@", b"x"), [], [])
    body = b"".join(said[:9]) + between + b"".join(said[9:]) + between * 3 + b"".join(said[9:])
    check(body, name)
    check(b"".join(each + between for each in said), name)


FATAL = (b'"response.created"', b'"message_start"')  # another API's: the end of the stream


@pytest.mark.parametrize("template", TEMPLATES, ids=range(len(TEMPLATES)))
def test_any_value_in_the_place_of_one_that_varies_is_read_as_what_it_is(streams, template):
    """Where a shape is known: what is a decision for a type or a decoder is none for a shape."""
    place = re.compile(rb'"@"|\b71\b')
    # Not compiled, the same code need not see each value in each place: other templates have it.
    values = VALUES if streams is INSTALLED else VALUES[TEMPLATES.index(template) % 3 :: 3]
    for number in range(len(place.findall(template))):

        def with_value(value: bytes, number: int = number) -> bytes:
            found = iter(range(100))
            return place.sub(lambda old: value if next(found) == number else old[0], template)

        is_text = place.findall(template)[number] == b'"@"'
        plain = [b'"a"', b'"b"', b'"cd"'] if is_text else [b"5", b"6", b"77"]
        known = [event(with_value(value), [], []) for value in plain]
        body = b"".join(known)
        for value in values:
            if value not in FATAL:
                body += event(with_value(value), [], []) + known[0] + known[1]
        name = "CompletionStream" if b"text_completion" in template else "ChatStream"
        check(body, name, ("chunks", "in turn"), [streams])
        for value in FATAL:
            fatal = b"".join(known * 2) + event(with_value(value), [], []) + known[0]
            check(fatal, name, ("chunks",), [streams])


# Copies.


def change_everything(value: Any) -> None:
    """Put something else wherever anything can be put."""
    if isinstance(value, dict):
        for item in value.values():
            change_everything(item)
        value.clear()
        value["changed"] = True
    elif isinstance(value, list):
        for item in value:
            change_everything(item)
        value[:] = ["changed"]
    elif isinstance(value, msgspec.Struct):
        change_everything(value.model_extra)  # type: ignore[attr-defined]
        for name in value.__struct_fields__:
            change_everything(getattr(value, name))
            setattr(value, name, "changed")


def all_chunks(stream: Any) -> Iterator[Any]:
    """Its chunks, past what cannot be read."""
    while True:
        try:
            yield next(stream)
        except StopIteration:
            return
        except SSEError:
            continue


@given(body=BODIES, every=st.integers(2, 4))
def test_changing_a_chunk_changes_no_other(streams, body, every):
    chunks = list(all_chunks(streams.ChatStream([body])))
    expected = [shown(each) for each in chunks]
    for number in range(0, len(chunks), every):
        change_everything(chunks[number])
        expected[number] = shown(chunks[number])
    assert [shown(each) for each in chunks] == expected


@given(body=BODIES)
def test_changing_a_chunk_changes_none_that_is_to_come(streams, body):
    untouched = [shown(each) for each in all_chunks(streams.ChatStream([body]))]
    for number, each in enumerate(all_chunks(streams.ChatStream([body]))):
        assert shown(each) == untouched[number]
        change_everything(each)


@given(body=BODIES)
def test_a_chunk_that_is_changed_at_once_is_folded_as_it_came(streams, body):
    """Its texts, that is: lists and objects in it may be the very ones of the final object."""

    def texts_and_names(stream: Any) -> Any:
        final = stream.get_final_completion()
        found = [(choice.index, choice.finish_reason) for choice in final.choices]
        for choice in final.choices:
            message = choice.message
            calls = [(call.id, call.function or call.custom) for call in message.tool_calls or ()]
            found += [message.content, message.reasoning_text, message.refusal, shown(calls)]
        return final.id, final.model, final.created, final.system_fingerprint, found

    stream, untouched = streams.ChatStream([body]), streams.ChatStream([body])
    for each in all_chunks(stream):
        change_everything(each)
    for _ in all_chunks(untouched):
        pass
    assert texts_and_names(stream) == texts_and_names(untouched)


# Shapes alone, with other types.


class Inner(msgspec.Struct):
    text: str = ""
    number: int = 0


class Tagged(msgspec.Struct, tag="a"):
    text: str = ""


class TaggedToo(msgspec.Struct, tag="b"):
    text: str = ""


class Everything(msgspec.Struct):
    text: str = ""
    maybe: str | None = None
    number: int = 0
    maybe_number: int | None = None
    either: int | str | None = None
    literal: Literal["x", "y"] = "x"
    literal_number: Literal[1, 2] = 1
    pattern: Annotated[str, msgspec.Meta(pattern="^a")] = "a"
    short: Annotated[str, msgspec.Meta(max_length=3)] = ""
    long: Annotated[str, msgspec.Meta(min_length=1)] = "a"
    small: Annotated[int, msgspec.Meta(lt=100)] = 0
    smaller: Annotated[int, msgspec.Meta(le=7)] = 0
    large: Annotated[int, msgspec.Meta(ge=10)] = 10
    even: Annotated[int, msgspec.Meta(multiple_of=2)] = 0
    decides: Annotated[str, msgspec.Meta(extra={"decides": "something"})] = ""
    anything: Any = None
    mapping: dict[str, Any] = {}
    texts: dict[str, str] = {}
    shorts: dict[str, Annotated[str, msgspec.Meta(max_length=3)]] = {}
    numbers: list[int] = []
    lists: list[list[str]] = []
    inner: Inner | None = None
    inners: list[Inner] = []
    tagged: Tagged | TaggedToo | None = None
    floating: float = 0.0
    maybe_floating: int | float | None = None
    positive: Annotated[float, msgspec.Meta(ge=0)] = 0.0
    least: Annotated[float, msgspec.Meta(le=0.75)] = 0.0
    few: Annotated[list[int], msgspec.Meta(max_length=2)] = []
    smalls: list[Annotated[int, msgspec.Meta(le=7)]] = []
    flag: bool = False
    data: bytes = b""
    raw: msgspec.Raw = msgspec.Raw(b"null")
    pair: tuple[str, int] = ("", 0)
    names: set[str] = set()
    digits: set[int] = set()


FIELD_VALUES = [
    *(b'""', b'"a"', b'"ab"', b'"abcd"', b'"x"', b'"y"', b'"b"', b'"YQ=="', b'"\\n"', b'"\xff"'),
    *(b"0", b"1", b"2", b"7", b"8", b"10", b"99", b"100", b"12345", b"999999999999999999"),
    *(
        b"0.5",
        b"-2.5",
        b"1e-7",
        b"2E+2",
        b"-0.0",
        b"1.",
        b"01.5",
        b"1e999",
        b"0.1000000000000000055",
    ),
    *(
        b"[1, 2, 3]",
        b"[7,8]",
        b"[ 1 ]",
        b"[01]",
        b"[1,]",
        b"[-1]",
        b"[1.0]",
        b"[9223372036854775808]",
    ),
    *(b"1.0", b"null", b"true", b"[]", b'["a"]', b'["b", "a"]', b"[1]", b'["a", 1]', b'[["a"]]'),
    *(b'{"a": "a"}', b'{"a": 1}', b'{"text": "a"}', b'{"text": "b", "number": 5}'),
    *(b'[{"text": "a"}, {"text": "b"}]', b'{"type": "a", "text": "a"}'),
    *(b'{"type": "b", "text": "c"}', b'{"a": {"b": ["c", 1]}}', b'{"text": 1, "odd": "a"}'),
]


def decode_with(cls: type) -> Any:
    decoder = msgspec.json.Decoder(cls)

    def decode(payload: bytes) -> Any:
        try:
            return decoder.decode(payload)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise SSEError(str(error)) from None

    return decode


def through_shapes(
    streams: SimpleNamespace, decode: Any, payloads: list[bytes], known: Any = None
) -> list[Any]:
    """Decode as a reader does."""
    shapes, found = streams.Shapes(decode, known or streams.Known()), []
    for payload in payloads:
        shape = shapes.match(payload)
        if shape is not None:
            found.append(shape.make(payload))
            continue
        try:
            found.append(decode(payload))
        except SSEError as error:
            found.append(str(error))
        else:
            shapes.learn(payload)
    return found


def one_by_one(decode: Any, payloads: list[bytes]) -> list[Any]:
    found = []
    for payload in payloads:
        try:
            found.append(decode(payload))
        except SSEError as error:
            found.append(str(error))
    return found


def with_types(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return type(value), [with_types(getattr(value, name)) for name in value.__struct_fields__]
    if isinstance(value, dict):
        return {key: with_types(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [with_types(item) for item in value]
    if isinstance(value, msgspec.Raw):
        return bytes(value)
    return type(value), value


FIELDS = st.lists(
    st.tuples(st.sampled_from(Everything.__struct_fields__), st.sampled_from(FIELD_VALUES)),
    min_size=1,
    max_size=3,
)


@st.composite
def payloads_of_everything(draw: Any) -> list[bytes]:
    """A few fields, each with values that mostly belong to one another."""
    names = draw(
        st.lists(st.sampled_from(Everything.__struct_fields__), min_size=1, max_size=3, unique=True)
    )
    payloads = []
    for _ in range(draw(st.integers(2, 12))):
        members = [f'"{name}": '.encode() + draw(st.sampled_from(FIELD_VALUES)) for name in names]
        payloads.append(b"{" + b", ".join(members) + b"}")
    return payloads


@given(payloads=payloads_of_everything())
def test_shapes_know_what_any_type_takes(streams, payloads):
    decode = decode_with(Everything)
    expected = [with_types(item) for item in one_by_one(decode, payloads)]
    assert [with_types(item) for item in through_shapes(streams, decode, payloads)] == expected


@pytest.mark.parametrize("name", Everything.__struct_fields__)
def test_each_kind_of_field_has_the_values_that_it_takes_and_no_others(streams, name):
    """Twice what is taken, so that it is learned, and then each value that there is."""
    decode = decode_with(Everything)
    members = [f'{{"text": "a", "{name}": '.encode() + value + b"}" for value in FIELD_VALUES]
    if name == "text":
        members = [b'{"text": ' + value + b"}" for value in FIELD_VALUES]
    taken = [each for each in members if not isinstance(one_by_one(decode, [each])[0], str)]
    for first in taken:
        for second in taken[:5]:
            payloads = [first, second, first, second, *members]
            expected = [with_types(item) for item in one_by_one(decode, payloads)]
            found = through_shapes(streams, decode, payloads)
            assert [with_types(item) for item in found] == expected


def test_a_decoder_that_makes_more_of_a_value_is_found_out(streams):
    """What comes out twice, or as something else, or nowhere, is no hole."""

    class Copied(msgspec.Struct):
        text: str = ""
        again: str = ""

    plain = decode_with(Copied)

    def twice(payload: bytes) -> Any:
        item = plain(payload)
        item.again = item.text
        return item

    def upper(payload: bytes) -> Any:
        item = plain(payload)
        item.text = item.text.upper()
        return item

    def dropped(payload: bytes) -> Any:
        item = plain(payload)
        item.text = ""
        return item

    def empty_is_none(payload: bytes) -> Any:
        item = plain(payload)
        item.text = item.text or None
        return item

    def split(payload: bytes) -> Any:
        item = plain(payload)
        item.text = item.text.split()
        return item

    payloads = [f'{{"text": "{text}"}}'.encode() for text in ["a", "b", "c", "", "d"] * 5]
    for decode in (twice, upper, dropped, empty_is_none, split):
        found = through_shapes(streams, decode, payloads)
        assert found == one_by_one(decode, payloads), decode.__name__


@pytest.mark.parametrize("end", ["}", "} ", "}\n", "  }", "  }\n"])
def test_spaces_around_the_last_brace_make_no_difference(streams, end):
    decode = decode_with(Everything)
    payloads = [f'{{"text": "{word}"{end}'.encode() for word in "abcdef"]
    payloads += [f'{{"text": "{word}"}}'.encode() for word in "ghij"] + payloads
    expected = one_by_one(decode, payloads)
    assert through_shapes(streams, decode, payloads) == expected
    assert through_shapes(streams, decode, payloads[5:] + payloads) == expected[5:] + expected


def as_each_stream_says(streams: SimpleNamespace, decode: Any, *bodies: list[bytes]) -> None:
    """Assert that streams that know the same shapes are, one after another, what they are alone."""
    known = streams.Known()
    for payloads in bodies:
        expected = [with_types(item) for item in one_by_one(decode, payloads)]
        found = through_shapes(streams, decode, payloads, known)
        assert [with_types(item) for item in found] == expected


def test_what_stays_as_it_is_in_one_stream_may_be_other_in_the_next(streams):
    """In fields, in lists and dicts, and at any place of them."""
    bodies = [
        [
            f'{{"text": "{word}", "maybe": "{n}", "number": {n}, "numbers": [{n}, 1], '
            f'"mapping": {{"a": {{"b": "{n}"}}}}, "inners": [{{"text": "{n}"}}]}}'.encode()
            for word in words(9)
        ]
        for n in (7, 8, 7, 9, 10)
    ]
    as_each_stream_says(streams, decode_with(Everything), *bodies)


def test_more_kinds_of_payloads_than_a_stream_has_shapes_are_read_in_turn(streams):
    payloads = [
        f'{{"mapping": {{"{key}": "{word}"}}}}'.encode()
        for word in words(9)
        for key in "abcdefghij"
    ]
    as_each_stream_says(streams, decode_with(Everything), payloads, payloads[::-1])


def test_more_kinds_of_known_payloads_than_a_stream_keeps_are_read(streams):
    """One after another, so that all are learned; then in turn."""
    kinds = [
        [f'{{"mapping": {{"{key}{other}": "{word}"}}}}'.encode() for word in words(9)]
        for key in "abcdefgh"
        for other in "abcde"
    ]
    by_kind = [payload for alike in kinds for payload in alike]
    in_turn = [payload for others in zip(*kinds, strict=True) for payload in others]
    as_each_stream_says(streams, decode_with(Everything), by_kind, in_turn, in_turn[::-1])


def test_payloads_that_differ_in_more_places_than_a_shape_has_are_read(streams):
    payloads = [
        ("{" + ", ".join(f'"k{i}": "{word}{i}"' for i in range(80)) + "}").encode()
        for word in words(9)
    ]
    as_each_stream_says(streams, decode_with(Everything), payloads)


def test_payloads_nested_deeper_than_a_shape_looks_are_read(streams):
    payloads = [
        f'{{"anything": {"[" * 30}"{word}"{"]" * 30}, "text": "a"}}'.encode() for word in words(9)
    ]
    as_each_stream_says(streams, decode_with(Everything), payloads)


@pytest.mark.parametrize("written", ['"number": 5{}', '"few": [5{}]'])
def test_integers_have_the_limit_that_they_have(streams, written):
    """Alone, and in a list."""

    class Few(msgspec.Struct):
        number: Annotated[int, msgspec.Meta(le=10**12)] = 0
        few: list[Annotated[int, msgspec.Meta(le=10**12)]] = []

    fields = [written.format("0" * n) for n in (1, 2, 3, 4, 13, 5, 11)]
    payloads = [f"{{{field}}}".encode() for field in fields]
    decode = decode_with(Few)
    assert through_shapes(streams, decode, payloads) == one_by_one(decode, payloads)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda n: {"sizes": [n, 1]}, lambda final: final.model_extra == {"sizes": [8, 1]}),
        (
            lambda n: {"usage": {"prompt_tokens": 1, "more": {"deep": n}}},
            lambda final: final.usage.model_extra == {"more": {"deep": 8}},
        ),
    ],
    ids=["a list", "within the usage"],
)
def test_what_is_undeclared_and_may_be_changed_is_the_last_that_came(streams, made, says):
    body = sse(*[chunk({"content": f"{n}"}, **made(n)) for n in range(1, 9)]) + DONE
    check(body, implementations=[streams])
    assert says(streams.ChatStream([body]).get_final_completion())


def test_log_probabilities_beside_what_is_mended_are_all_there(streams):
    chunks = [chunk({"content": [{"type": "text", "text": f"{n}"}]}) for n in range(8)]
    for n, made in enumerate(chunks):
        made["choices"][0]["logprobs"] = {"content": [{"token": f"{n}", "logprob": -0.5}]}
    body = sse(*chunks) + DONE
    check(body, implementations=[streams])
    [choice] = streams.ChatStream([body]).get_final_completion().choices
    assert "".join(each.token for each in choice.logprobs.content) == choice.message.content


def test_of_what_says_who_answers_the_first_counts(streams):
    head = {"system_fingerprint": "fp", "service_tier": "default", "provider": "P"}
    chunks = [chunk({"content": "a"}, **head), chunk({"content": "b"}, **{**head, "provider": "Q"})]
    final = streams.ChatStream([sse(*chunks) + DONE]).get_final_completion()
    assert {name: getattr(final, name) for name in head} == head


def test_log_probabilities_with_undeclared_keys_keep_them(streams):
    chunks = [chunk({"content": "a"}) for _ in range(8)]
    for n, made in enumerate(chunks):
        made["choices"][0]["logprobs"] = {"content": [{"token": "a", "logprob": -0.5, "new": n}]}
    check(sse(*chunks) + DONE, implementations=[streams])
    [choice] = streams.ChatStream([sse(*chunks) + DONE]).get_final_completion().choices
    assert [each.model_extra["new"] for each in choice.logprobs.content] == list(range(8))


def test_negative_integers_are_read(streams):
    payloads = [f'{{"text": "{n}", "number": {-n}}}'.encode() for n in (1, 2, 3, 12, 0, 5, 5, 6)]
    as_each_stream_says(streams, decode_with(Everything), payloads, payloads)


def test_a_function_that_makes_more_of_a_value_is_asked_each_time(streams):
    shapes = streams.Shapes(decode_with(Everything), streams.Known())
    found = None
    for word in words(9):
        payload = f'{{"text": "{word}"}}'.encode()
        found = shapes.match(payload)
        if found is None:
            shapes.learn(payload)
    assert found is not None
    assert found.number_of(lambda item: item.text) >= 0
    assert found.number_of(lambda item: item.text.upper()) == -2
    assert found.number_of(lambda item: item.maybe or "") == -1


def test_a_decoder_that_refuses_the_proof_is_no_fault(streams):
    def refusing(payload: bytes) -> Any:
        if b"<" in payload:
            raise SSEError("not that")
        return plain(payload)

    plain = decode_with(Inner)
    payloads = [f'{{"text": "{number}"}}'.encode() for number in range(20)]
    assert through_shapes(streams, refusing, payloads) == one_by_one(plain, payloads)


def test_objects_of_a_shape_share_nothing_that_can_be_changed(streams):
    decode = decode_with(Everything)
    payload = (
        b'{"text": "%d", "mapping": {"a": {"b": [1]}}, "lists": [["a"]], "numbers": [1], '
        b'"inner": {"text": "a"}, "inners": [{"text": "b"}], "anything": [{"a": []}]}'
    )
    items = through_shapes(streams, decode, [payload % number for number in range(10)])
    items[5].mapping["a"]["b"].append(2)
    items[5].lists[0].append("b")
    items[5].numbers.append(2)
    items[5].inner.text = "changed"
    items[5].inners[0].text = "changed"
    items[5].anything[0]["a"].append(1)
    del items[5]
    assert all(item.mapping == {"a": {"b": [1]}} for item in items)
    assert all(item.lists == [["a"]] and item.numbers == [1] for item in items)
    assert all((item.inner.text, item.inners[0].text) == ("a", "b") for item in items)
    assert all(item.anything == [{"a": []}] for item in items)


# What learning costs.


def decodings(streams: SimpleNamespace, payloads: list[bytes], decoder: Any = None) -> list[int]:
    """How often learning calls the decoder, and how many payloads match nothing."""
    count = missed = 0
    plain = decoder or decode_with(Everything)

    def decode(payload: bytes) -> Any:
        nonlocal count
        count += 1
        return plain(payload)

    shapes = streams.Shapes(decode, streams.Known())
    for payload in payloads:
        if shapes.match(payload) is None:
            missed += 1
            shapes.learn(payload)
    return [count, missed]


def words(count: int) -> list[str]:
    rng = random.Random(5)
    return ["".join(rng.choices("abcdefgh", k=rng.randrange(1, 9))) for _ in range(count)]


NEVER_THE_SAME = {
    "a field that is no hole": lambda n, word: f'{{"literal": "{"xy"[n % 2]}", "text": "a"}}',
    "another key each": lambda n, word: f'{{"mapping": {{"{word}{n}": 1}}}}',
    "two in turn": lambda n, word: f'{{"{["text", "maybe"][n % 2]}": "{word}", "smaller": 5}}',
    "five in turn": lambda n, word: f'{{"{"abcde"[n % 5]}{n % 5}": "{word}", "text": "a"}}',
    "longer and longer": lambda n, word: '{"anything": [' + ", ".join(["-1"] * (n % 300)) + "]}",
    "negative": lambda n, word: f'{{"number": {-n}}}',
    "limits": lambda n, word: f'{{"smaller": {n % 8}, "large": {n + 10}, "long": "{word}"}}',
    "one more hole each": lambda n, word: (
        "{" + ", ".join(f'"k{i}": "{word if i == n % 60 else ""}"' for i in range(60)) + "}"
    ),
    "deep": lambda n, word: '{"anything": ' + "[" * (n % 50) + f'"{word}"' + "]" * (n % 50) + "}",
}


@pytest.mark.parametrize("kind", NEVER_THE_SAME)
def test_learning_ends_where_it_does_not_pay(streams, kind):
    payloads = [NEVER_THE_SAME[kind](n, w).encode() for n, w in enumerate(words(4000))]
    # A proof is two decodings.
    assert decodings(streams, payloads)[0] <= 2 * (16 + len(payloads) // 16)
    assert decodings(streams, payloads[:40])[0] <= 40


def test_short_streams_take_few_decodings_more(streams):
    payloads = [f'{{"text": "{word}"}}'.encode() for word in words(10)]
    assert decodings(streams, payloads)[0] <= 4


@pytest.mark.parametrize("value", [lambda n: n / 7, lambda n: [1] * n, lambda n: [n / 7] * 2])
def test_fractions_and_lists_of_integers_are_soon_known(streams, value):
    payloads = [f'{{"anything": {value(n)}}}'.encode() for n in range(1, 40)]
    proofs, missed = decodings(streams, payloads)
    assert proofs <= 4
    assert missed <= 4


def test_a_value_that_a_hole_does_not_take_makes_no_proof_necessary(streams):
    """Half a character: the decoder mends it, and so it is no value of the shape."""
    texts = [*words(10), *["half \ud83d", "\ude00 a character"] * 10]
    payloads = [json.dumps(chunk({"content": text})).encode() for text in texts]
    proofs, missed = decodings(streams, payloads, chat_decoder().decode)
    assert proofs <= 4
    assert missed <= 24


def test_each_reason_that_streams_end_for_is_soon_known(streams):
    """The decoder mends one that is empty: so no reason stands for another."""
    reasons = ["stop", "length", "tool_calls"]
    payloads = [
        json.dumps(chunk({}, id=f"{n} {reasons[n % 3]}", finish_reason=reasons[n % 3])).encode()
        for n in range(60)
    ]
    proofs, missed = decodings(streams, payloads, chat_decoder().decode)
    assert proofs <= 10
    assert missed <= 10


def held_by(shapes: Any) -> int:
    """The bytes of everything that can be reached from it."""
    seen: dict[int, Any] = {}
    todo = [shapes]
    while todo:
        item = todo.pop()
        if id(item) in seen or isinstance(item, (type, type(gc), type(held_by))):
            continue
        seen[id(item)] = item
        todo += gc.get_referents(item)
    return sum(len(item) for item in seen.values() if isinstance(item, (bytes, str, list)))


@pytest.mark.parametrize("kind", NEVER_THE_SAME)
def test_what_is_kept_of_a_stream_does_not_grow_with_it(streams, kind):
    decode = decode_with(Everything)
    shapes = streams.Shapes(decode, streams.Known())
    held = []
    for n, word in enumerate(words(4000)):
        payload = NEVER_THE_SAME[kind](n, word).encode()
        if shapes.match(payload) is None:
            shapes.learn(payload)
        if n in (1000, 3999):
            held.append(held_by(shapes))
    assert held[1] <= 2 * held[0] + 20_000


def test_what_is_known_of_all_streams_is_bounded(streams):
    known = streams.Known()
    for n in range(700):
        key = f"{n:04}".translate(str.maketrans("0123456789", "abcdefghij")) * 2000
        for text in "abc":
            shapes = streams.Shapes(decode_with(Everything), known)
            payload = f'{{"mapping": {{"{key}": "{text}"}}}}'.encode()
            if shapes.match(payload) is None:
                shapes.learn(payload)
    assert held_by(known) < 8_000_000  # of 16,000,000


def test_payloads_too_long_are_not_kept(streams):
    shapes = streams.Shapes(decode_with(Everything), streams.Known())
    before = held_by(shapes)
    for n in range(100):
        shapes.learn(f'{{"text": "{n}", "maybe": "{"x" * 100_000}"}}'.encode())
    assert held_by(shapes) < before + 100_000


def test_the_shapes_of_this_test_are_the_ones_they_should_be():
    for streams in IMPLEMENTATIONS:
        is_python = type(streams.Shapes.match) is FunctionType
        assert is_python == (streams is not INSTALLED) or len(IMPLEMENTATIONS) == 1
    stream = WITHOUT_SHAPES.ChatStream([sse(*[chunk({"content": "a"})] * 9) + DONE])
    assert stream.get_final_completion().choices[0].message.content == "a" * 9
