"""What every recorded stream says today, to the letter, so that no behaviour is lost in silence.

For each recording: its chunks field by field, their payloads, undeclared keys and ``to_dict()``,
the errors in their places, what the stream says of itself in the end, and the final object; read as
it comes and strictly. The repository keeps a digest of that. Where a behaviour is changed on
purpose, ``python tests/openai/test_what_streams_say.py`` writes the digests anew, and the commit
says why; with a recording's name it prints what the digest is made of, to be compared.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

DIGESTS = Path(__file__).with_name("what_streams_say.json")
# A stream that always raises would never end.
MOST_ITEMS = 100_000


def _shown(value: Any) -> Any:
    """A value with everything that its public face has."""
    if isinstance(value, list):
        return [_shown(item) for item in value]
    if not isinstance(value, msgspec.Struct):
        return value
    shown = {"type": type(value).__name__}
    for name in value.__struct_fields__:
        field = getattr(value, name)
        if field is not None:
            shown[name] = _shown(field)
    if value.model_extra:  # type: ignore[attr-defined]
        shown["model_extra"] = value.model_extra  # type: ignore[attr-defined]
    return shown


def what_it_says(stream: Any) -> dict[str, Any]:
    """Everything that a stream can be asked, in JSON's types."""
    from sseparse import SSEError

    items: list[Any] = []
    chunks = iter(stream)
    while len(items) < MOST_ITEMS:
        try:
            chunk = next(chunks)
        except StopIteration:
            break
        except SSEError as error:
            items.append([type(error).__name__, str(error)])
        else:
            raw = chunk.raw.decode("utf-8", "surrogateescape")
            items.append({"chunk": _shown(chunk), "raw": raw, "to_dict": chunk.to_dict()})
    final = stream.get_final_completion()
    return {
        "items": items,
        "done": stream.done,
        "truncated": stream.truncated,
        "usage": _shown(stream.usage),
        "finish_reason": stream.finish_reason,
        "last_event_id": stream.last_event_id,
        "final": _shown(final),
        "final_to_dict": final.to_dict(),
    }


def read(entry: dict[str, Any], chunks: list[bytes], **options: Any) -> dict[str, Any]:
    from sseparse.openai import ChatStream, CompletionStream

    stream_class = CompletionStream if entry["api"] == "completions" else ChatStream
    return what_it_says(stream_class(chunks, **options))


def said(entry: dict[str, Any]) -> str:
    """What a recording says, as text that can be compared."""
    body = [entry["bytes"]]
    both = {"as it comes": read(entry, body), "strict": read(entry, body, strict=True)}
    return json.dumps(both, indent=1, sort_keys=True)


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _entries() -> list[dict[str, Any]]:
    import corpus

    apis = ("chat.completions", "completions")
    return [entry for entry in corpus.entries() if entry["api"] in apis]


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "helpers"))
    found = {entry["file"]: said(entry) for entry in _entries()}
    if len(sys.argv) > 1:
        print(*(found[name] for name in sys.argv[1:]), sep="\n")
    else:
        digests = {name: digest(text) for name, text in sorted(found.items())}
        DIGESTS.write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")
else:
    _known = json.loads(DIGESTS.read_text(encoding="utf-8"))
    # A recording that is newer than the digests is for the other tests of recordings.
    _params = [
        pytest.param(entry, id=Path(entry["file"]).stem)
        for entry in _entries()
        if entry["file"] in _known
    ] or [pytest.param(None, marks=pytest.mark.skip(reason="no ../shared/corpus here"))]

    @pytest.mark.parametrize("entry", _params)
    def test_a_recorded_stream_says_what_it_said(entry: dict[str, Any]) -> None:
        assert digest(said(entry)) == _known[entry["file"]]
