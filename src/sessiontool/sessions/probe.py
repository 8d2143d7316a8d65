"""What is in a recorded blob, read by itself.

Header, clusters, packets, times, where it was cut, what belongs before and after it.

A blob of a live recording is a piece of a stream, cut anywhere; other tools say no more of it than that it is no
file.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from ..media.matroska import ebml
from ..media.matroska.demuxer import WebmDemuxer
from ..media.packets import CUT
from ..media.probe import open_demuxer
from ..model import SAMPLE_RATE
from ..recording.packet_times import end_ms
from ..recording.survey import start_ms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..media.packets import Damage, Demuxer, PacketRun, Track

_CLUSTER_HEAD = ebml.CLUSTER.to_bytes(4, "big")
"""The bytes of a cluster's id, by definition (RFC 9559)."""
_BEGINNINGS = (  # where, with what
    (0, ebml.EBML.to_bytes(4, "big"), "with a WebM header: the first blob of a recording"),
    (0, _CLUSTER_HEAD, "with a cluster: the blob before it ended with a whole one"),
    (0, _CLUSTER_HEAD[1:], "one byte inside a cluster's head; that byte is the last of the blob before"),
    (0, b"\xa3", "with a block of a cluster that began in a blob before"),
    (0, b"OggS\0\x02", "with an Ogg header: the first blob of a recording"),
    (0, b"OggS", "with an Ogg page: the blob before it ended with a whole one"),
    (4, b"ftyp", "with an MP4 header: the first blob of a recording"),
    (4, b"moof", "with an MP4 fragment: the blob before it ended with a whole one"),
)
"""Offset in bytes, bytes, and what they mean: by definition of each format (RFC 9559, RFC 3533, ISO/IEC 14496-12)."""
_WHOLE = "with a whole packet"
_INSIDE_A_BLOCK = "one byte inside a block; that byte is the last of the blob before"
_ANYWHERE = "in the middle of something: the blob before was cut there, or is of another kind"


class Explanation(Struct, frozen=True):
    """A blob by itself.  Times are ms of its recorder's clock; None where the blob holds no cluster to tell."""

    size_bytes: int
    begins: str
    ends: str
    track: Track | None
    header_missing: bool
    clusters_ms: tuple[int, ...]
    packets: int
    leading_packets: int
    packet_ms: tuple[tuple[float, int], ...]
    start_ms: float | None
    end_ms: float | None
    damages: tuple[Damage, ...]


def explain(data: bytes) -> Explanation:
    """Read a blob by itself (RecordingError where it is no recording)."""
    reader = open_demuxer(data) if data.strip(b"\0") else WebmDemuxer()
    runs = reader.feed(data)
    pending_bytes = reader.ledger.pending_bytes
    runs += reader.flush()
    placed = [run for run in runs if run.placed]
    leading = sum(len(run.payloads) for run in runs if not run.placed) if placed else 0
    durations = Counter(samples * 1000 / SAMPLE_RATE for run in runs for samples in run.durations)
    damages = reader.ledger.damages
    cut_first = damages[:1] and damages[0].offset <= 0
    return Explanation(
        size_bytes=len(data),
        begins=_beginning(data, reader, runs, cut=bool(cut_first)),
        ends=_ending(data, damages[-1:], pending_bytes),
        track=reader.track,
        header_missing=reader.header_missing,
        clusters_ms=tuple(_clusters(data)),
        packets=sum(durations.values()),
        leading_packets=leading,
        packet_ms=tuple(durations.most_common()),
        start_ms=start_ms(runs),
        end_ms=end_ms(placed[-1].times_ms, placed[-1].durations) if placed else None,
        damages=tuple(damages),
    )


def _beginning(data: bytes, reader: Demuxer, runs: Sequence[PacketRun], *, cut: bool) -> str:
    if not data.strip(b"\0"):
        return "with zeroes, and holds nothing else" if data else "nowhere: it is empty"
    known = next((text for at, magic, text in _BEGINNINGS if data.startswith(magic, at)), None)
    if known is None and runs and not cut:
        return _INSIDE_A_BLOCK if isinstance(reader, WebmDemuxer) else _WHOLE
    return known or _ANYWHERE


def _ending(data: bytes, last: Sequence[Damage], pending_bytes: int) -> str:
    """How a blob ends, of which `pending_bytes` waited for more, and whose `last` damage may be there."""
    if last and last[0].length_bytes and last[0].offset + last[0].length_bytes == len(data):
        if last[0].reason == CUT:
            return f"inside a packet: {last[0].length_bytes:,} bytes of it are here"
        return f"in {last[0].length_bytes:,} bytes that make no sense"
    if pending_bytes == 1 and data[-1:] in (b"\xa3", b"\x1f"):
        what = "block" if data[-1:] == b"\xa3" else "cluster's head"
        return f"with the first byte of the next {what}, as Chrome's blobs do"
    return _WHOLE


def _clusters(data: bytes) -> list[int]:
    """The timestamps of the clusters that begin in the blob; one byte of the first may be missing."""
    if data.startswith(_CLUSTER_HEAD[1:]):
        data = _CLUSTER_HEAD[:1] + data
    found, at = [], data.find(_CLUSTER_HEAD)
    while at >= 0:
        try:
            header = ebml.read_header(data, at)
            child = header and ebml.read_header(data, header[2])
        except ValueError:
            child = None
        if child and child[0] == ebml.TIMESTAMP and 0 <= child[1] <= 8:
            found.append(int.from_bytes(data[child[2] : child[2] + child[1]], "big"))
        at = data.find(_CLUSTER_HEAD, at + 4)
    return found
