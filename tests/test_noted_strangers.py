"""Chunks of another session that are as long as what was noted, where no hash was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from random_pool import pool
from stored_session import assert_verified, merged, packets

if TYPE_CHECKING:
    from pathlib import Path


def noted_by_size(folder: Path, name: str) -> Path:
    """A recording of the pool as a session that notes sizes and instants, and no hashes."""
    (recording,) = [one for found in pool().values() for one in found if one.name == name]
    chunks = folder / "s" / "chunks" / "000"
    chunks.mkdir(parents=True)
    for seq, blob in enumerate(recording.blobs):
        (chunks / f"{seq:06d}.webm").write_bytes(blob)
    noted = [
        {"seq": seq, "bytes": len(blob), "emitted_ms": one["emitted_ms"]}
        for seq, (blob, one) in enumerate(zip(recording.blobs, recording.part["chunks"], strict=True))
    ]
    parts = [recording.part | {"part": 0, "chunks": noted}]
    (folder / "s" / "session.json").write_text(json.dumps({"session_id": "s", "parts": parts}))
    return folder / "s"


@pytest.mark.parametrize("seq", [1, 3])
@pytest.mark.parametrize("start", [24_384, 60_000, 180_000])
@pytest.mark.parametrize("name", ["demo/0", "chrome-load/0"])
def test_what_is_behind_a_stranger_of_the_noted_size_stays_where_it_is(
    tmp_path: Path, name: str, start: int, seq: int
) -> None:
    """Its clusters agree on another clock: it pushed all behind it by up to 17 s."""
    (other,) = [one for found in pool().values() for one in found if one.name == "chrome-1s/0"]
    session = noted_by_size(tmp_path, name)
    assert merged(session).status in {"complete", "repaired"}
    before = {payload: at_ms for at_ms, payload in packets(session)}
    path = session / "chunks" / "000" / f"{seq:06d}.webm"
    size = path.stat().st_size
    path.write_bytes(b"".join(other.blobs)[start : start + size])
    result = merged(session)
    assert result.status == "partial"
    assert [one.seq for one in result.findings if one.code == "chunk-foreign"] == [seq]
    found = {payload: at_ms for at_ms, payload in packets(session) if payload in before}
    assert len(found) > 0.7 * len(before)
    assert max(abs(at_ms - before[payload]) for payload, at_ms in found.items() if len(payload) > 3) <= 20
    assert_verified(session)
