"""The last chunk without its beginning, or without the one before it: where what is left of it belongs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from random_cases import SESSION, merge, read_output, undamaged_places
from random_folder import Folder
from random_pool import pool
from recordings import chrome, split

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("share", [0.3, 0.9])
@pytest.mark.parametrize("name", ["sim-firefox", "sim-chrome"])
def test_it_ends_when_the_recorder_was_stopped(name: str, share: float, tmp_path: Path) -> None:
    """Its packets stood behind those before it, and what was lost before them was said to be lost at the end."""
    recording = next(one for found in pool().values() for one in found if one.name == name)
    folder = Folder.of(recording, {})
    last = folder.own()[-1]
    last.splice(0, round(len(last.data) * share), ())
    folder.write(tmp_path / SESSION, bare=False)
    report = merge(tmp_path)
    true_ms = dict(zip((packet.payload for packet in recording.packets), undamaged_places(recording), strict=True))
    off_ms = [one.time_ms - true_ms[one.payload] for one in read_output(tmp_path) if one.payload in true_ms][-2:]
    assert off_ms == pytest.approx([0, 0], abs=100)  # as much as is on its way at `stop()`
    assert [finding["code"] for finding in report["findings"]].count("sound-lost") == 1


@pytest.mark.parametrize("noted", [True, False])
def test_it_does_not_go_on_with_the_cluster_that_the_one_before_it_would_have_ended(
    noted: bool, tmp_path: Path
) -> None:
    """Where blobs are as long as clusters, a last one that counts from a lost cluster goes on by its own times."""
    whole = chrome(85, cluster_packets=17)
    chunks = split(whole.data, [whole.blocks[first].offset for first in range(12, 85, 17)])
    folder = tmp_path / SESSION
    (folder / "chunks/000").mkdir(parents=True)
    for number, data in enumerate(chunks):
        if number != len(chunks) - 2:
            (folder / f"chunks/000/{number}.webm").write_bytes(data)
    notes = [{"seq": n, "bytes": len(data), "emitted_ms": 720 + 1020 * n} for n, data in enumerate(chunks)]
    notes[-1]["emitted_ms"] = stop_ms = 85 * 60
    part = {"part": 0, "start_ms": 0, "stop_ms": stop_ms, "chunks": notes}
    if noted:
        (folder / "session.json").write_text(json.dumps({"parts": [part]}))
    report = merge(tmp_path)
    true_ms = {block.payload: index * 60 for index, block in enumerate(whole.blocks)}
    output = read_output(tmp_path)
    off_ms = [one.time_ms - true_ms[one.payload] for one in output if one.payload in true_ms]
    assert off_ms == pytest.approx([0] * (85 - 17), abs=20 if noted else 70)  # a packet, where nothing says it better
    assert report["status"] == "partial"
    assert [finding["seq"] for finding in report["findings"] if finding["code"] == "chunk-missing"] == [len(chunks) - 2]
