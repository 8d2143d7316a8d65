"""Writes one Opus track as a WebM file that seeks.

Duration, SeekHead, Cues before the clusters, known sizes (RFC 9559).

Block timestamps are the running sum of the packets' durations, in ms, rounded down.  A cluster lasts five seconds at
most and gets a cue.  Cues at the front need every cluster's place, so clusters go to a body file first and `finish`
puts the head before it; memory stays flat.
"""

from __future__ import annotations

import shutil
import struct
from bisect import bisect_right
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO

from ..opus import SAMPLES_PER_MS, SAMPLES_PER_SECOND, OpusHead
from . import ebml
from .ebml import element

if TYPE_CHECKING:
    from collections.abc import Sequence

CLUSTER_MS = 5000  # at most; RFC 9559, section 25.1 advises up to five seconds
SEEK_PRE_ROLL_NS = 80_000_000
"""What RFC 7845, section 4.6 asks decoders to decode before a seek point."""

TRACK_NUMBER = 1  # chosen: the only track is the first
_AUDIO_TRACK = 2  # TrackType (RFC 9559, section 5.1.4.1.3)
_MASTER_SIZE_LENGTH = 8  # bytes of a size, the most there are (RFC 8794, section 11.2.5)
_BLOCK_HEADER = struct.Struct(">BHBHB")  # id, two-byte size, track, relative time, flags
_LONG_BLOCK_HEADER = struct.Struct(">BIBHB")  # the same with a four-byte size
_PLACE = struct.Struct(">BHB")  # the end of both: track, relative time, flags
_KEY_FRAME = 0x80  # flag of a SimpleBlock (RFC 9559, section 10.2)
_SHORT_BLOCK_BYTES = 0x3FFF - 4  # payload of a block with a two-byte size (RFC 8794, section 4)
_PLACE_BYTES = 8  # of a place in the segment, the most that an integer has (RFC 8794, section 7.2)
_COPY_BYTES = 1 << 20  # chosen: few calls, little memory


class WebmMuxer:
    """Packets in, clusters out to `body` (a binary file open for writing and reading, at its start)."""

    def __init__(self, body: BinaryIO) -> None:
        self.samples = 0
        self._body = body
        self._blocks: list[bytes] = []  # of the cluster at hand
        self._cluster_ms = 0
        self._cues: list[tuple[int, int]] = []  # cluster timestamp, offset in the body
        self._body_bytes = 0

    def write(self, payloads: Sequence[bytes], durations: Sequence[int]) -> None:
        """Append packets, each with its duration in samples at 48 kHz."""
        ends = list(accumulate(durations, initial=self.samples))
        times_ms = [samples // SAMPLES_PER_MS for samples in ends[:-1]]
        self.samples = ends[-1]
        first = 0
        while first < len(payloads):
            if not self._blocks:
                self._cluster_ms = times_ms[first]
            after = bisect_right(ends, (self._cluster_ms + CLUSTER_MS) * SAMPLES_PER_MS, first + 1) - 1
            after = max(after, first + (not self._blocks))  # a cluster holds at least one packet
            self._add_blocks(payloads[first:after], times_ms[first:after])
            if after < len(payloads):
                self._end_cluster()
            first = after

    def _add_blocks(self, payloads: Sequence[bytes], times_ms: Sequence[int]) -> None:
        start_ms, add = self._cluster_ms, self._blocks.append
        pack, track = _BLOCK_HEADER.pack, 0x80 | TRACK_NUMBER
        for payload, time_ms in zip(payloads, times_ms, strict=True):
            size = len(payload)
            if size < _SHORT_BLOCK_BYTES:
                add(pack(ebml.SIMPLE_BLOCK, size + 0x4004, track, time_ms - start_ms, _KEY_FRAME))
            else:
                header = (ebml.SIMPLE_BLOCK, size + 0x10000004, track, time_ms - start_ms, _KEY_FRAME)
                add(_LONG_BLOCK_HEADER.pack(*header))
            add(payload)

    def _discard(self, samples: int) -> None:
        """Make the last block one whose end is not played (RFC 9559, section 5.1.3.5.7)."""
        header, payload = self._blocks[-2:]
        place = _PLACE.pack(*_PLACE.unpack(header[-_PLACE.size :])[:2], 0)
        padding_ns = samples * 1_000_000_000 // SAMPLES_PER_SECOND
        padding = element(ebml.DISCARD_PADDING, padding_ns.to_bytes(8, "big"))  # signed, and not below zero
        self._blocks[-2:] = [element(ebml.BLOCK_GROUP, element(ebml.BLOCK, place + payload) + padding)]

    def _end_cluster(self) -> None:
        if not self._blocks:
            return
        self._cues.append((self._cluster_ms, self._body_bytes))
        cluster = element(ebml.CLUSTER, b"".join([element(ebml.TIMESTAMP, self._cluster_ms), *self._blocks]))
        self._body.write(cluster)
        self._body_bytes += len(cluster)
        self._blocks = []

    def finish(
        self, out: BinaryIO, head: OpusHead, *, writing_app: str, track_uid: int, discard_samples: int = 0
    ) -> None:
        """Write the whole file to `out`: the head, then the clusters from the body.

        `Duration` is what a decoder plays: all samples but the pre-skip, and but the last `discard_samples`, which are
        in the last packet.
        """
        if discard_samples > 0:
            self._discard(discard_samples)
        self._end_cluster()
        info = element(
            ebml.INFO,
            element(ebml.TIMESTAMP_SCALE, 1_000_000)
            + element(ebml.DURATION, max(0, self.samples - head.pre_skip - discard_samples) / SAMPLES_PER_MS)
            + element(ebml.MUXING_APP, writing_app)
            + element(ebml.WRITING_APP, writing_app),
        )
        tracks = element(ebml.TRACKS, _track_entry(head, track_uid))
        cues_bytes = len(self._cues_element(0))
        targets = (ebml.INFO, ebml.TRACKS, ebml.CUES)[: 3 if self._cues else 2]
        seek_bytes = len(_seek_head(targets, (0, 0, 0)))
        cues_at = seek_bytes + len(info) + len(tracks)
        segment = b"".join(
            (
                _seek_head(targets, (seek_bytes, seek_bytes + len(info), cues_at)),
                info,
                tracks,
                self._cues_element(cues_at + cues_bytes),
            )
        )
        size = ebml.encode_size(len(segment) + self._body_bytes, _MASTER_SIZE_LENGTH)
        out.write(_ebml_header() + ebml.SEGMENT.to_bytes(4, "big") + size + segment)
        self._body.seek(0)
        shutil.copyfileobj(self._body, out, _COPY_BYTES)

    def _cues_element(self, body_at: int) -> bytes:
        """Cues for clusters whose body begins `body_at` bytes into the segment.

        Its length does not depend on `body_at`.
        """
        track = element(ebml.CUE_TRACK, TRACK_NUMBER)
        head = element(ebml.CUE_TRACK_POSITIONS, track + _fixed(ebml.CUE_CLUSTER_POSITION, 0))[:-_PLACE_BYTES]
        points = [
            element(ebml.CUE_TIME, time_ms) + head + (body_at + at).to_bytes(_PLACE_BYTES, "big")
            for time_ms, at in self._cues
        ]
        return element(ebml.CUES, b"".join(element(ebml.CUE_POINT, point) for point in points)) if points else b""


def _fixed(element_id: int, value: int) -> bytes:
    """An unsigned integer element of a fixed length, so that a place can be filled in before it is known."""
    return element(element_id, value.to_bytes(_PLACE_BYTES, "big"))


def _seek_head(targets: Sequence[int], places: Sequence[int]) -> bytes:
    return element(
        ebml.SEEK_HEAD,
        b"".join(
            element(ebml.SEEK, element(ebml.SEEK_ID, target.to_bytes(4, "big")) + _fixed(ebml.SEEK_POSITION, at))
            for target, at in zip(targets, places, strict=False)
        ),
    )


def _ebml_header() -> bytes:
    fields = (
        (ebml.EBML_VERSION, 1),
        (ebml.EBML_READ_VERSION, 1),
        (ebml.EBML_MAX_ID_LENGTH, 4),
        (ebml.EBML_MAX_SIZE_LENGTH, 8),
        (ebml.DOC_TYPE, "webm"),
        (ebml.DOC_TYPE_VERSION, 4),
        (ebml.DOC_TYPE_READ_VERSION, 2),
    )
    return element(ebml.EBML, b"".join(element(element_id, value) for element_id, value in fields))


def _track_entry(head: OpusHead, track_uid: int) -> bytes:
    delay_ns = head.pre_skip * 1_000_000_000 // SAMPLES_PER_SECOND
    audio = element(ebml.SAMPLING_FREQUENCY, float(SAMPLES_PER_SECOND)) + element(ebml.CHANNELS, head.channels)
    fields: tuple[tuple[int, bytes | int | str], ...] = (
        (ebml.TRACK_NUMBER, TRACK_NUMBER),
        (ebml.TRACK_UID, track_uid),
        (ebml.TRACK_TYPE, _AUDIO_TRACK),
        (ebml.FLAG_LACING, 0),
        (ebml.LANGUAGE, "und"),
        (ebml.CODEC_ID, "A_OPUS"),
        (ebml.CODEC_PRIVATE, head.to_bytes()),
        (ebml.CODEC_DELAY, delay_ns),
        (ebml.SEEK_PRE_ROLL, SEEK_PRE_ROLL_NS),
        (ebml.AUDIO, audio),
    )
    return element(ebml.TRACK_ENTRY, b"".join(element(element_id, value) for element_id, value in fields))
