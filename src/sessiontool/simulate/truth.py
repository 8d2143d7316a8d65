"""What is true of a damaged session: the packets that are still whole, when each was recorded, and where time was lost.

Determined from the bytes that every upload kept of its blob, so that it holds for any mixture of faults.  A packet is
whole where its element's bytes are there side by side as they were written.  Chrome cuts its blobs one byte inside
an element: a packet whose id byte went with a lost chunk is whole too, as everything needed to read it is in the
next one.

Times are milliseconds of the recorder's clock: the session clock since its start, without pauses.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any

from ..model import SAMPLES_PER_MS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .faults import Part, Upload
    from .recorders import SimulatedPacket, SimulatedRun

ORIGINS = ("own", "again", "foreign")


def part_truth(name: str, part: Part) -> dict[str, Any]:
    """What truth.json says of a part: its runs, and its chunks in the order of their numbers."""
    stored = sorted((upload for upload in part.uploads if upload.stored), key=lambda upload: (upload.seq, upload.name))
    found = {id(upload): [] for upload in stored}  # type: dict[int, list[int]]
    runs = []
    for number, run in enumerate(part.runs):
        uploads = [upload for upload in stored if upload.run == number]
        whole = _whole(run, uploads)
        for index, upload in whole.items():
            found[id(upload)].append(index)
        runs.append(_run_truth(part, number, run, set(whole)))
    chunks = [
        {
            "key": f"chunks/{name}/{upload.name}",
            "seq": upload.seq,
            "run": upload.run,
            "blob": upload.index,
            "faults": upload.faults,
            "whole_packets": _ranges(found[id(upload)]),
        }
        for upload in stored
    ]
    return {"part": name, "runs": runs, "chunks": chunks}


def _run_truth(part: Part, number: int, run: SimulatedRun, whole: set[int]) -> dict[str, Any]:
    own = part.runs[0].plan
    foreign = number > 0 and run.plan.start_ms == own.start_ms
    return {
        "origin": "foreign" if foreign else "again" if number else "own",
        "start_ms": run.plan.start_ms,
        "stop_ms": run.plan.stop_ms,
        "packet_ms": run.plan.packet_ms,
        "whole_packets": _ranges(sorted(whole)),
        "lost": [] if foreign else [*_lost(part, number, run, whole), *_starved(run)],
        "packets": {
            "recorder_ms": [packet.start_us / 1000 for packet in run.packets],
            "block_ms": [packet.time_ms for packet in run.packets],
            "sha256": [hashlib.sha256(packet.payload).hexdigest() for packet in run.packets],
        },
    }


def _whole(run: SimulatedRun, uploads: Sequence[Upload]) -> dict[int, Upload]:
    """The run's whole packets by index, each with the first of its uploads that it ends in."""
    offsets = [packet.offset for packet in run.packets]
    altered = {offset for upload in uploads for offset in _altered_last_bytes(run, upload)}
    whole: dict[int, Upload] = {}
    for upload in uploads:
        for start, end in _intact(run, upload):
            index = bisect_left(offsets, start)
            if index and _cut_at(run.packets[index - 1], start) and start - 1 not in altered:
                index -= 1
            while index < len(offsets) and run.packets[index].end <= end:
                whole.setdefault(index, upload)
                index += 1
    return dict(sorted(whole.items()))


def _cut_at(packet: SimulatedPacket, offset: int) -> bool:
    return packet.offset + 1 == offset


def _altered_last_bytes(run: SimulatedRun, upload: Upload) -> Iterator[int]:
    """Where in the run the last byte of the upload's blob is, if it is there and not as it was written."""
    blob = run.blobs[upload.index]
    if any(end == len(blob.data) for _, end in upload.altered):
        yield blob.end - 1


def _intact(run: SimulatedRun, upload: Upload) -> Iterator[tuple[int, int]]:
    """The ranges of the run's bytes that the upload holds as they were written."""
    offset, position = run.blobs[upload.index].offset, 0
    for start, end in (*sorted(upload.altered), (len(upload.data), len(upload.data))):
        if position < start:
            yield offset + position, offset + start
        position = max(position, end)


def _lost(part: Part, number: int, run: SimulatedRun, whole: set[int]) -> Iterator[dict[str, Any]]:
    """The stretches of time whose packets are gone, each within one blob.

    A stretch is `noted` where something still tells that it was recorded: sound after it, or session.json.
    """
    uploads = {upload.index: upload for upload in part.uploads if upload.run == number and upload.number is not None}
    last_whole = max(whole, default=-1)
    stretch: list[int] = []
    for index in range(len(run.packets) + 1):
        gone = index < len(run.packets) and index not in whole
        if stretch and (not gone or _blob_of(run, index) != _blob_of(run, stretch[0])):
            blob = _blob_of(run, stretch[0])
            upload = uploads.get(blob)
            start_us, end_us = run.packets[stretch[0]].start_us, _end_us(run, stretch[-1])
            yield {
                "start_ms": start_us / 1000,
                "length_ms": (end_us - start_us) / 1000,
                "packets": len(stretch),
                "blob": blob,
                "cause": upload.faults if upload else [],
                "noted": stretch[0] < last_whole or part.stop_noted or bool(upload and upload.noted),
            }
            stretch = []
        if gone:
            stretch.append(index)


def _blob_of(run: SimulatedRun, index: int) -> int:
    """The blob that the packet ends in."""
    return bisect_right(run.blobs, run.packets[index].end - 1, key=lambda blob: blob.offset) - 1


def _end_us(run: SimulatedRun, index: int) -> int:
    """When the packet ended; where sound was dropped inside it, that counts for itself."""
    end_us = run.packets[index].start_us + run.plan.packet_ms * 1000
    return min(end_us, run.packets[index + 1].start_us) if index + 1 < len(run.packets) else end_us


def _starved(run: SimulatedRun) -> Iterator[dict[str, Any]]:
    for stretch in run.plan.starved:
        if run.plan.start_ms <= stretch.start_ms < run.plan.stop_ms:
            paused_ms = sum(pause.length_ms for pause in run.plan.pauses if pause.start_ms <= stretch.start_ms)
            start_ms = float(stretch.start_ms - run.plan.start_ms - paused_ms)
            yield {
                "start_ms": start_ms,
                "length_ms": float(stretch.length_ms),
                "packets": 0,
                "cause": ["starved"],
                "noted": run.plan.recorder == "chrome",
            }


def _ranges(indices: Iterable[int]) -> list[list[int]]:
    """Sorted indices as [first, end) pairs."""
    ranges: list[list[int]] = []
    for index in indices:
        if ranges and ranges[-1][1] == index:
            ranges[-1][1] += 1
        else:
            ranges.append([index, index + 1])
    return ranges


def heard_in(run: SimulatedRun, start: int, end: int) -> tuple[float, float] | None:
    """Where a stretch of the session clock (samples) sounds in the decoded run: seconds, None if nowhere.

    Chrome announces no pre-skip, so its encoder's delay is heard.
    """
    delay = 312 if run.plan.recorder == "chrome" else 0
    recorded = len(run.packets) * run.plan.packet_ms * SAMPLES_PER_MS
    heard: list[int] = []
    position = 0
    for piece_start, piece_end in run.captured:
        low, high = max(start, piece_start), min(end, piece_end)
        if low < high:
            heard += [position + low - piece_start, min(recorded, position + high - piece_start)]
        position += piece_end - piece_start
    if not heard or heard[0] >= recorded:
        return None
    return (heard[0] + delay) / 48_000, (heard[-1] + delay) / 48_000
