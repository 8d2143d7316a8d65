"""Many chunks of a second are lost, and a server numbers those that arrive: each is where its own clock says."""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest
from recordings import SESSIONS, recorded_chunks, walk

from sessiontool import MergeOptions, merge

if TYPE_CHECKING:
    from collections.abc import Sequence

ID = "chrome-1s"
OFF_MS = 40  # in whole packets of 20 ms, of which silence is made


def places(root: Path, chunks: Sequence[bytes], *, noted: bool = False) -> dict[bytes, int]:
    """When each packet plays that is there once, in ms."""
    folder = root / ID / "chunks" / "000"
    folder.mkdir(parents=True)
    for number, data in enumerate(chunks):
        (folder / f"{number:06}.webm").write_bytes(data)
    if noted:
        shutil.copy(SESSIONS / ID / "session.json", root / ID)
    result = merge(ID, store=root, options=MergeOptions(align=False))
    assert result.status == ("complete" if len(chunks) == len(recorded_chunks(ID)) else "partial")
    blocks = [*walk((Path(result.location) / "audio.webm").read_bytes())]
    payloads = [block.payload for block in blocks]
    return {block.payload: block.time_ms for block in blocks if payloads.count(block.payload) == 1}


@pytest.fixture(scope="module")
def right(tmp_path_factory: pytest.TempPathFactory) -> dict[bytes, int]:
    return places(tmp_path_factory.mktemp("all"), recorded_chunks(ID))


@pytest.mark.parametrize(
    ("seed", "share", "noted"),
    [(1, 0.25, False), (2, 0.25, False), (3, 0.5, False), (4, 0.5, False), (5, 0.5, False), (6, 0.25, True)],
)
def test_what_arrived_is_where_it_was_recorded(
    tmp_path: Path, right: dict[bytes, int], seed: int, share: float, noted: bool
) -> None:
    rng = Random(seed)
    first, *others = recorded_chunks(ID)
    kept = [first, *(data for data in others if rng.random() > share)]
    found = places(tmp_path, kept, noted=noted)
    both = found.keys() & right.keys()
    assert len(both) > 15 * len(kept)
    assert max(abs(found[payload] - right[payload]) for payload in both) <= OFF_MS
