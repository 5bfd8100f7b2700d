"""PartialJSON: both forms against each other, and against ``json.loads``.

An input is a byte of options, then a text in UTF-8 in which 0xFE marks a place where it is cut.
(Halves of surrogate pairs are taken for characters, as they are in Python.)

    byte 0   max_depth: the default below 200, else from 1 on. Odd: the marks do not count, and
             every character is a piece

What holds for every input: after every piece both show the same; in the end the verdict and the
value are those of ``json.loads``, and do not depend on the cuts.
"""

from __future__ import annotations

import random
from typing import NamedTuple

import harness

with harness.instrumented():
    from sseparse import _partial_json_c, _partial_json_py

from json_pieces import NO_JSON, cut, cut_at, loads, observe

MARK = b"\xfe"
DEFAULT_DEPTH = 512


class Case(NamedTuple):
    """An input, read."""

    pieces: list[str]
    max_depth: int


def read_case(data: bytes) -> Case | None:
    if not data:
        return None
    option = data[0]
    pieces = [decode(part) for part in data[1:].split(MARK)]
    if option % 2:
        pieces = cut("".join(pieces), 1)
    return Case(pieces, DEFAULT_DEPTH if option < 200 else (option - 198) // 2)


def decode(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def check(data: bytes) -> None:
    case = read_case(data)
    if case is None:
        return
    compiled, python = (
        observe(module.PartialJSON(max_depth=case.max_depth), case.pieces)
        for module in (_partial_json_c, _partial_json_py)
    )
    assert compiled == python, f"they differ\n{compiled}\n{python}"

    text = "".join(case.pieces)
    end = compiled[-1]
    whole = observe(_partial_json_c.PartialJSON(max_depth=case.max_depth), [text])[-1]
    # Whether closing it changed anything depends on nothing but the last number.
    assert end._replace(changed=False) == whole._replace(changed=False), "it depends on the cuts"

    expected = loads(text)
    is_too_deep = isinstance(end.result, tuple) and "max_depth" in end.result[1]
    if not is_too_deep:
        assert (end.result is True) == (expected is not NO_JSON), (text, end)
        if expected is not NO_JSON:
            assert end.value == repr(expected), (text, end)


# Mutations of JSON. libFuzzer's own know nothing of it and break nearly all of it.

_ATOMS = (
    *("null", "true", "false", "0", "-0", "12", "-3.5", "1e5", "1E-7", "1e999", "9" * 25, "0.10"),
    *(
        '""',
        '"a"',
        '"\\n"',
        '"\\u00e9"',
        '"\\ud83d\\ude00"',
        '"\\ud83d"',
        '"\\ude00\\ud83d\\u0041"',
    ),
    *('"\u20ac\xe9"', '"\U0001f600"', '"\\"\\\\\\/"', '"some longer text, of words"', "[]", "{}"),
)
_DAMAGE = (
    *("", '"', "\\", "\\u", "\\ud83d", "{", "}", "[", "]", ",", ":", "0", "1", "-", "+", ".", "e"),
    *(
        "\n",
        " ",
        "\0",
        "tru",
        "NaN",
        "Infinity",
        "\ufeff",
        "\xa0",
        "/",
        "\ud83d",
        "\ude00",
        "9" * 4301,
    ),
)
_WHITE_SPACE = ("", "", "", " ", "\n\t", "\r\n")


def document(rng: random.Random, depth: int = 0) -> str:
    """A JSON text, written with any white space."""
    kind = rng.randrange(8) if depth < 6 else 0
    if kind < 4:
        text = rng.choice(_ATOMS)
    else:
        members = (document(rng, depth + 1) for _ in range(rng.randrange(5)))
        if kind < 6:
            text = f"[{','.join(members)}{rng.choice(_WHITE_SPACE)}]"
        else:
            keys = ('"a"', '"b"', '"a\\n"', '""', '"\u20ac"', '"\\ud83d\\ude00"')
            space = rng.choice(_WHITE_SPACE)
            pairs = (f"{space}{rng.choice(keys)}{space}:{member}" for member in members)
            text = "{" + ",".join(pairs) + space + "}"
    return rng.choice(_WHITE_SPACE) + text + rng.choice(_WHITE_SPACE)


def mutate(data: bytes, max_size: int, seed: int) -> bytes:
    import atheris

    rng = random.Random(seed)
    if rng.random() < 0.3:
        return bytes(atheris.Mutate(data, max_size))
    return random_input(data, rng)[:max_size]


def random_input(data: bytes, rng: random.Random) -> bytes:
    """A text that is new, or the one of an input, damaged or not, with other cuts."""
    text = document(rng) if rng.random() < 0.5 else decode(data[1:].replace(MARK, b""))
    for _ in range(rng.choice((0, 0, 1, 3))):
        start = rng.randrange(len(text) + 1)
        part = rng.choice(_DAMAGE) if rng.random() < 0.7 else document(rng, 4)
        text = text[:start] + part + text[start + rng.choice((0, 0, 1, 5)) :]
    places = sorted(rng.randrange(len(text) + 1) for _ in range(rng.choice((0, 1, 2, 9, 30))))
    body = MARK.join(piece.encode("utf-8", "surrogatepass") for piece in cut_at(text, places))
    return bytes([rng.choice((0, 0, 0, 1, rng.randrange(256)))]) + body


if __name__ == "__main__":
    harness.main(check, mutate)
