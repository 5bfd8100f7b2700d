"""Properties of PartialJSON: against ``json.loads``, and of its two forms against each other."""

from __future__ import annotations

import copy
import json
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from json_pieces import NO_JSON, TEXTS, cut_at, loads, observe

# Escapes, halves of surrogate pairs and what has to be escaped, more often than chance has them.
_texts = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from('"\\/\b\f\n\r\t\0\x1f\x7f\u2028\xe9\u20ac\U0001f600\ud83d\ude00'),
    ),
    max_size=12,
)
_values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        _texts,
    ),
    lambda values: st.one_of(
        st.lists(values, max_size=4), st.dictionaries(_texts, values, max_size=4)
    ),
    max_leaves=12,
)
_styles = st.fixed_dictionaries(
    {
        "ensure_ascii": st.booleans(),
        "indent": st.sampled_from([None, 0, 1, "\t"]),
        "separators": st.sampled_from([(",", ":"), (" , ", " : ")]),
    }
)
# No key twice in an object.
_written = st.builds(lambda value, style: json.dumps(value, **style), _values, _styles)
documents = st.one_of(
    _written,
    st.sampled_from([text for text in TEXTS if loads(text) is not NO_JSON]),
)

_DAMAGE = [
    *("", '"', "\\", "\\u", "\\ud83d", "\\ude00", "{", "}", "[", "]", ",", ":", "0", "1", "-"),
    *("+", ".", "e", "\n", " ", "\0", "tru", "null", "NaN", "Infinity", "\ufeff", "\xa0", "//"),
]


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A document, or something like one, with some of it replaced."""
    text = draw(st.one_of(documents, st.sampled_from(TEXTS)))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 3)))
        text = text[:start] + draw(st.sampled_from(_DAMAGE)) + text[end:]
    return text


places = st.lists(st.integers(0, 200), max_size=20)


@given(text=documents, places=places)
def test_a_document_under_any_cut_is_what_json_loads_makes_of_it(PartialJSON, text, places):
    partial = PartialJSON()
    for piece in cut_at(text, places):
        partial.feed(piece)
    assert partial.close() is True
    assert repr(partial.value) == repr(json.loads(text))


@given(text=damaged(), places=places)
def test_a_damaged_text_gets_the_verdict_of_json_loads(PartialJSON, text, places):
    expected = loads(text)
    end = observe(PartialJSON(), cut_at(text, places))[-1]
    assert (end.result is True) == (expected is not NO_JSON)
    if expected is not NO_JSON:
        assert end.value == repr(expected)


@given(text=damaged(), places=places)
def test_what_is_seen_in_the_end_does_not_depend_on_the_cuts(PartialJSON, text, places):
    whole = observe(PartialJSON(), [text])[-1]
    assert observe(PartialJSON(), cut_at(text, places))[-1]._replace(changed=whole.changed) == whole


@given(text=_written, places=places)
def test_nothing_that_was_shown_is_taken_back(PartialJSON, text, places):
    partial = PartialJSON()
    values = [copy.deepcopy(partial.feed(piece).value) for piece in cut_at(text, places)]
    for earlier, later in pairwise(values):
        assert is_part(earlier, later)


def is_part(earlier, later):
    """Whether a value may have grown to the other."""
    if isinstance(earlier, dict) and isinstance(later, dict):
        return all(key in later and is_part(earlier[key], later[key]) for key in earlier)
    if isinstance(earlier, list) and isinstance(later, list):
        return len(earlier) <= len(later) and all(map(is_part, earlier, later))
    if isinstance(earlier, str) and isinstance(later, str):
        return later.startswith(earlier)
    return earlier is None or earlier == later


@given(text=st.one_of(documents, damaged()), places=places, depth=st.sampled_from([1, 2, 512]))
def test_the_two_forms_cannot_be_told_apart(json_twins, text, places, depth):
    pieces = cut_at(text, places)
    compiled, python = (
        observe(module.PartialJSON(max_depth=depth), pieces) for module in json_twins
    )
    assert compiled == python
