"""A server that numbers what arrives, while the page's notes have the page's numbers: of copies, and of another order.

Right is the same recording, byte for byte, as of the chunks under their own numbers.
"""

from __future__ import annotations

import json
import shutil
from itertools import accumulate, cycle, islice
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from recordings import SESSIONS, chrome, recorded_chunks, split

from sessiontool import MergeOptions, merge

if TYPE_CHECKING:
    from collections.abc import Callable

RECORDED = ["chrome-1s", "firefox-pause", "chrome-pause"]
ARRIVALS: dict[str, Callable[[list[bytes]], list[bytes]]] = {
    "each twice": lambda sent: [data for data in sent for _ in range(2)],
    "each three times": lambda sent: [data for data in sent for _ in range(3)],
    "most twice": lambda sent: [data for number, data in enumerate(sent) for _ in range(2 - (number % 3 == 0))],
    "the last first": lambda sent: sent[::-1],
    "anyhow": lambda sent: Random(11).sample(sent, len(sent)),
}


def merged(root: Path, session_id: str, arrived: list[bytes]) -> Any:
    folder = root / session_id / "chunks" / "000"
    folder.mkdir(parents=True)
    for number, data in enumerate(arrived):
        (folder / f"{number:06}.webm").write_bytes(data)
    shutil.copy(SESSIONS / session_id / "session.json", root / session_id)
    return merge(session_id, store=root, options=MergeOptions(align=False))


@pytest.mark.parametrize("session_id", RECORDED)
@pytest.mark.parametrize("arrival", ARRIVALS)
def test_numbers_of_arrival_move_no_sound(tmp_path: Path, session_id: str, arrival: str) -> None:
    sent = recorded_chunks(session_id)
    plain = merged(tmp_path / "plain", session_id, sent)
    result = merged(tmp_path / "moved", session_id, ARRIVALS[arrival](sent))
    audio = (Path(one.location) / "audio.webm" for one in (result, plain))
    assert len({one.read_bytes() for one in audio}) == 1
    assert result.status == "repaired"
    codes = {one.code for one in result.findings} - {one.code for one in plain.findings}
    assert codes <= {"chunk-duplicate", "numbers-moved", "chunk-out-of-order"}


def test_blobs_that_changed_places_within_long_clusters_are_where_their_sizes_were_noted(tmp_path: Path) -> None:
    """A page that asks for its blobs: most begin no cluster, and one that ends with its cluster fits any other."""
    whole = chrome(400, cluster_packets=67)
    firsts = [at for at in accumulate(islice(cycle((26, 40, 5, 45, 17, 28)), 40)) if at < len(whole.blocks)]
    sent = split(whole.data, [whole.blocks[at].offset for at in firsts])
    ends = [*firsts, len(whole.blocks)]
    notes = [{"seq": n, "bytes": len(data), "emitted_ms": ends[n] * 60 + 60} for n, data in enumerate(sent)]
    part = {"part": 0, "start_ms": 0, "stop_ms": ends[-1] * 60, "chunks": notes}
    hashes = set()
    for at in (None, 5, 6, 11, 12, 13):
        folder = tmp_path / str(at) / "s"
        (folder / "chunks/0").mkdir(parents=True)
        (folder / "session.json").write_text(json.dumps({"parts": [part]}))
        numbers = list(range(len(sent)))
        if at is not None:
            numbers[at], numbers[at + 1] = at + 1, at
        for number, data in zip(numbers, sent, strict=True):
            (folder / f"chunks/0/{number}.webm").write_bytes(data)
        result = merge("s", store=tmp_path / str(at), options=MergeOptions(align=False))
        hashes.add(result.report["outputs"][0]["sha256"])
        assert {one.code for one in result.findings} <= {"chunk-out-of-order", "no-utterances"}, result.findings
    assert len(hashes) == 1
