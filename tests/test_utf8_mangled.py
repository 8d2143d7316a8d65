"""Chunks that went through a conversion to text: named as lost for good, and never taken for damage."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from recordings import blobs, chrome, recorded_chunks

from sessiontool import merge
from sessiontool.errors import RecordingError
from sessiontool.media.probe import what_is

if TYPE_CHECKING:
    from pathlib import Path


def mangled(data: bytes) -> bytes:
    """What `new TextDecoder().decode(data)` makes of bytes, stored as text."""
    return data.decode(errors="replace").encode()


def store(folder: Path, chunks: list[bytes]) -> None:
    (folder / "chunks" / "000").mkdir(parents=True)
    for number, data in enumerate(chunks):
        (folder / "chunks" / "000" / f"{number:06}.webm").write_bytes(data)


@pytest.mark.parametrize("chunks", [blobs(chrome(84 * 3), 84), recorded_chunks("chrome-1s")[:3]])
def test_a_session_of_text_is_refused_by_name(tmp_path: Path, chunks: list[bytes]) -> None:
    store(tmp_path / "s", [mangled(data) for data in chunks])
    with pytest.raises(RecordingError, match="UTF-8 text") as caught:
        merge("s", store=tmp_path)
    assert "nothing can bring these bytes back" in caught.value.hint


def test_one_such_chunk_is_named_and_costs_no_other(tmp_path: Path) -> None:
    first, second, third = recorded_chunks("chrome-1s")[:3]
    store(tmp_path / "s", [first, mangled(second), third])
    report = merge("s", store=tmp_path).report
    named = [finding for finding in report["findings"] if finding["code"] == "chunk-unreadable"]
    assert [finding["seq"] for finding in named] == [1]
    assert "UTF-8 text" in named[0]["message"]
    assert [chunk["verdict"] for chunk in report["chunks"]].count("damaged") == 1


@pytest.mark.parametrize("session", ["chrome-1s", "chrome-24k", "chrome-silence", "firefox-pause"])
def test_no_recorded_chunk_is_taken_for_text(session: str) -> None:
    assert {what_is(data) for data in recorded_chunks(session)} == {""}
