"""A recorder that was stopped, and another one in the same folder, as when a microphone is unplugged in mid-session.

The next microphone has one channel instead of two, the next bit rate other packets: the runs are still the session's,
one after another.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from recordings import (
    chrome,
    cluster,
    firefox,
    live_header,
    opus_head,
    payloads,
    simple_block,
    split,
    track_entry,
    walk,
)

from sessiontool import MergeOptions, merge

BLOB_PACKETS = 16
HYBRID_TOC, MONO_TOC = 0x7F, 0xFB
CHANGES = {"microphone": (1, MONO_TOC), "bit rate": (2, HYBRID_TOC)}


def run_of(channels: int, toc: int, count: int, seed: int) -> list[bytes]:
    """A recorder's blobs, each a cluster, of packets of 60 ms."""
    data, cuts = live_header(track_entry(private=opus_head(channels, 0))), list[int]()
    packets = payloads(count, toc=toc, seed=seed)
    for first in range(0, count, BLOB_PACKETS):
        rows = enumerate(packets[first : first + BLOB_PACKETS])
        cuts += [len(data)] if first else []
        data += cluster(first * 60, *(simple_block(packet, index * 60) for index, packet in rows))
    return split(data, cuts)


def merged(folder: Path, *runs: list[bytes], noted: bool) -> tuple[Any, list[bytes]]:
    """The report of a session whose runs lie in one folder, numbered on, and the packets of the result."""
    chunks = folder / "s" / "chunks" / "0"
    chunks.mkdir(parents=True)
    blobs = [blob for run in runs for blob in run]
    for number, blob in enumerate(blobs):
        (chunks / f"{number:06}.webm").write_bytes(blob)
    if noted:
        entries = [{"seq": n, "bytes": len(blob), "emitted_ms": 1960 + 960 * n} for n, blob in enumerate(blobs)]
        parts = [{"part": 0, "start_ms": 1000, "stop_ms": entries[-1]["emitted_ms"], "chunks": entries}]
        (folder / "s" / "session.json").write_text(json.dumps({"session_id": "s", "parts": parts}))
    result = merge("s", store=folder, options=MergeOptions(align=False))
    audio = (Path(result.location) / "audio.webm").read_bytes()
    return result.report, [block.payload for block in walk(audio) if len(block.payload) > 3]


@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize("change", CHANGES)
def test_runs_of_other_packets_follow_one_another(change: str, noted: bool, tmp_path: Path) -> None:
    """The longest run is the last one: it was put before the others, which were said to be of another recording."""
    stereo, other = (2, 0xFF), CHANGES[change]
    runs = [run_of(*kind, count, seed) for seed, (kind, count) in enumerate([(stereo, 80), (other, 64), (stereo, 120)])]
    report, packets = merged(tmp_path, *runs, noted=noted)
    assert packets == [block.payload for run in runs for block in walk(b"".join(run))]
    named = {(one["code"], one.get("seq")) for one in report["findings"]}
    assert {("recorder-restarted", 5), ("recorder-restarted", 9)} <= named
    assert "chunk-foreign" not in {code for code, _ in named}


def test_a_single_chunk_of_another_browser_is_no_earlier_run(tmp_path: Path) -> None:
    whole = chrome(96, cluster_packets=BLOB_PACKETS)
    blobs = split(whole.data, [whole.blocks[at].offset for at in range(BLOB_PACKETS, 96, BLOB_PACKETS)])
    report, packets = merged(tmp_path, [firefox(40).data], blobs, noted=False)
    assert packets[: len(whole.blocks)] == [block.payload for block in whole.blocks]
    assert ("chunk-foreign", 0) in {(one["code"], one.get("seq")) for one in report["findings"]}


@pytest.mark.parametrize("noted", [True, False])
def test_a_first_run_without_its_header_is_still_the_first(noted: bool, tmp_path: Path) -> None:
    """The first chunk is lost, and the header with it: what is left of the run was put behind the next one."""
    runs = [run_of(2, 0xFF, 80, 1), run_of(1, MONO_TOC, 120, 2)]
    left = [block.payload for block in walk(b"".join(runs[0]))][BLOB_PACKETS:]
    runs[0][0] = b""
    report, packets = merged(tmp_path, *runs, noted=noted)
    assert packets == [*left, *(block.payload for block in walk(b"".join(runs[1])))]
    assert ("recorder-restarted", 5) in {(one["code"], one.get("seq")) for one in report["findings"]}
