"""What recorders note in another way than usual, and mean the same: numbers from 1, hashes in base64."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from recordings import recorded_chunks

from sessiontool import MergeOptions, merge
from sessiontool.documents.sha256_text import sha256_hex

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHUNKS = recorded_chunks("chrome-1s")[:8]
FORMS: dict[str, Callable[[bytes], str]] = {
    "upper-case hex": lambda digest: digest.hex().upper(),
    "base64": lambda digest: base64.b64encode(digest).decode(),
    "base64url": lambda digest: base64.urlsafe_b64encode(digest).decode().rstrip("="),
    "SRI": lambda digest: "sha256-" + base64.b64encode(digest).decode(),
    "OCI": lambda digest: "sha256:" + digest.hex(),
    "Digest": lambda digest: "SHA-256=:" + base64.b64encode(digest).decode() + ":",
}


def merged(root: Path, *, files_from: int = 0, without: int = -1, **noted: Any) -> Any:
    """A session whose chunks are named from `files_from` on, and noted with what `noted` makes of each."""
    folder = root / "s" / "chunks" / "000"
    folder.mkdir(parents=True)
    chunks = []
    for number, data in enumerate(CHUNKS):
        if number != without:
            (folder / f"{number + files_from:06}.webm").write_bytes(data)
        chunks.append({name: make(number, data) for name, make in noted.items()})
    session = {"session_id": "s", "parts": [{"part": 0, "chunks": chunks}]}
    (root / "s" / "session.json").write_text(json.dumps(session))
    return merge("s", store=root, options=MergeOptions(align=False))


def size(_: int, data: bytes) -> int:
    return len(data)


@pytest.mark.parametrize("form", FORMS)
def test_a_hash_is_the_same_however_it_is_written(tmp_path: Path, form: str) -> None:
    written = FORMS[form]
    digests = {hashlib.sha256(data).digest() for data in CHUNKS}
    assert all(sha256_hex(written(digest)) == digest.hex() for digest in digests)
    right = merged(tmp_path, seq=lambda n, _: n, sha256=lambda _, data: written(hashlib.sha256(data).digest()))
    assert right.status == "complete"


@pytest.mark.parametrize("form", FORMS)
def test_a_wrong_hash_is_noticed_however_it_is_written(tmp_path: Path, form: str) -> None:
    def wrong(number: int, data: bytes) -> str:
        return FORMS[form](hashlib.sha256(data + bytes(number == 3)).digest())

    result = merged(tmp_path, seq=lambda n, _: n, bytes=size, sha256=wrong)
    assert [one.seq for one in result.findings if one.code == "chunk-altered"] == [3]


@pytest.mark.parametrize("text", ["", "xyz", "0" * 63, "g" * 64, "A" * 45, "sha512:" + "0" * 64, "sha256:" + "A" * 40])
def test_what_is_no_hash_is_none(text: str) -> None:
    assert sha256_hex(text) is None


def test_what_is_no_hash_is_named_and_alters_nothing(tmp_path: Path) -> None:
    result = merged(tmp_path, seq=lambda n, _: n, bytes=size, sha256=lambda *_: "unknown")
    assert {one.code for one in result.findings if one.severity != "info"} == {"document-invalid"}
    assert "parts.0.chunks.0.sha256 is no SHA-256: unknown" in result.findings[0].message


@pytest.mark.parametrize(("files_from", "noted_from"), [(0, 1), (1, 0)])
@pytest.mark.parametrize("sized", [True, False])
def test_names_and_notes_may_count_from_different_numbers(
    tmp_path: Path, files_from: int, noted_from: int, sized: bool
) -> None:
    noted: dict[str, Any] = {"seq": lambda n, _: n + noted_from, "emitted_ms": lambda n, _: 1000 * n + 1020}
    if sized:
        noted["bytes"] = size
    result = merged(tmp_path, files_from=files_from, **noted)
    assert result.status == "complete"


def test_a_lost_chunk_is_missed_though_notes_count_from_1(tmp_path: Path) -> None:
    result = merged(tmp_path, without=3, seq=lambda n, _: n + 1, bytes=size)
    assert [one.seq for one in result.findings if one.code == "chunk-missing"] == [3]


def test_where_the_first_chunk_was_not_noted_the_numbers_are_right(tmp_path: Path) -> None:
    """Chunks 1 to 7 are noted as they are named: that 0 is not in the list does not move the others."""
    result = merged(tmp_path, seq=lambda n, _: n or 7, bytes=lambda n, data: len(data if n else CHUNKS[7]))
    assert not [one for one in result.findings if one.severity == "error"]
