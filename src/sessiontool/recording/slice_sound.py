"""How much sound two slices of a recording share, by comparing it: two recorders ran at the same time on purpose.

Notes tell it to some tens of milliseconds, which is a syllable's beginning; the sound tells it to the packet.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..errors import RecordingError
from ..media.opus import OpusHead
from ..model import SAMPLES_PER_MS
from .runs import PieceStream
from .slice_seams import SHARED_MS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .runs import Read, RecorderRun

_LOOKED_AT_MS = 1000  # of sound beyond what is expected to be shared; chosen
_MOST_MS = 60_000  # chosen: of more that is shared, the notes are wrong


def compare_slices(runs: Sequence[RecorderRun], read: Read) -> None:
    """Say of slices of Opus that begin before the one before has ended, by their notes, how much its sound shares."""
    for before, run in pairwise(runs):
        noted_ms = _noted_ms(before, run)
        if run.slice is None or noted_ms is None or not SHARED_MS <= noted_ms <= _MOST_MS:
            continue
        most_ms = noted_ms + _LOOKED_AT_MS
        end, begin = _edge(before, read, most_ms, at_end=True), _edge(run, read, most_ms, at_end=False)
        if end is None or begin is None or end[1] != begin[1]:
            continue
        from ..audio.shared_sound import shared_ms  # noqa: PLC0415 - a decoder, which other recordings do not need

        run.slice = replace(run.slice, overlap_ms=shared_ms(end[0], begin[0], end[1], noted_ms))


def _noted_ms(before: RecorderRun, run: RecorderRun) -> float | None:
    """How long two slices that follow one another overlap, by their notes; None where these do not say it."""
    one, other = before.slice, run.slice
    if one is None or other is None or one.start_ms is None or other.start_ms is None or other.lost:
        return None
    return one.start_ms + one.length_ms - other.start_ms


def _edge(run: RecorderRun, read: Read, most_ms: float, *, at_end: bool) -> tuple[list[bytes], OpusHead] | None:
    """The packets of a slice's last or first seconds, and what they are; None of one that is not of Opus."""
    stream = PieceStream(run, read)
    try:
        found = [packets for fed in stream for packets in fed.packets]
    except RecordingError:
        return None
    track = stream.demuxer.track
    if track is None or not isinstance(track.head, OpusHead):
        return None
    payloads = [payload for packets in found for payload in packets.payloads]
    durations = [duration for packets in found for duration in packets.durations]
    usual_ms = max(1.0, sum(durations) / max(1, len(durations)) / SAMPLES_PER_MS)
    count = round(most_ms / usual_ms)
    return payloads[-count:] if at_end else payloads[:count], track.head
