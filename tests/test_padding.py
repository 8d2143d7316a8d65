"""Zeroes and line ends behind a chunk's bytes: set aside where nothing is lost, else bytes were overwritten."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from test_repeats import FORMS, in_part, merged, sound

from sessiontool import verify

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

PADDING = {"line end": b"\n", "CR and LF": b"\r\n", "zero": b"\0", "block of zeroes": bytes(512)}
PLACES: dict[str, Callable[[int, int], bool]] = {
    "one": lambda n, _: n == 2,
    "all": lambda *_: True,
    "last": lambda n, count: n == count - 1,
}


def note(root: Path, sizes: Sequence[int]) -> None:
    chunks = [{"seq": number, "bytes": size} for number, size in enumerate(sizes)]
    (root / "s").mkdir(parents=True)
    session = {"session_id": "s", "parts": [{"part": 0, "chunks": chunks}]}
    (root / "s" / "session.json").write_text(json.dumps(session))


def errors(result: Any) -> list[str]:
    return [one.code for one in result.findings if one.severity == "error"]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kind", PADDING)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("noted", [True, False])
def test_padding_is_set_aside(tmp_path: Path, form: str, kind: str, place: str, noted: bool) -> None:
    chunks = FORMS[form]()
    plain = merged(tmp_path / "plain", in_part(chunks))
    padding = [PADDING[kind] if PLACES[place](number, len(chunks)) else b"" for number in range(len(chunks))]
    if noted:
        note(tmp_path / "padded", [*map(len, chunks)])
    result = merged(tmp_path / "padded", in_part([a + b for a, b in zip(chunks, padding, strict=True)]))
    assert sound(result) == sound(plain)
    assert result.status == plain.status
    assert not errors(result)
    assert [one.severity for one in result.findings if one.code == "chunk-padded"] == ["info"]
    for chunk, size, added in zip(result.report["chunks"], map(len, chunks), padding, strict=True):
        places = [(one["byte_offset"], one["bytes"]) for one in chunk.get("set_aside", ())]
        assert places == ([(size, len(added))] if added else [])
    assert not verify("s", store=tmp_path / "padded").findings


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("noted", [True, False])
def test_an_end_that_was_overwritten_is_no_padding(tmp_path: Path, form: str, noted: bool) -> None:
    chunks = FORMS[form]()
    chunks[2] = chunks[2][:-900] + bytes(900)
    if noted:
        note(tmp_path, [*map(len, chunks)])
    result = merged(tmp_path, in_part(chunks))
    assert "chunk-padded" not in {one.code for one in result.findings}
    assert errors(result)
