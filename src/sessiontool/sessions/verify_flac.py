"""Is a published audio.flac what its report says?  As `verify`, for recordings of PCM.

Proved: every recorded sample is there, in order, as exactly as FLAC's integers have it (the report has a hash over each
chunk's samples); between them are zeroes, where and as long as the timeline has silence; the length is theirs.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO

from ..errors import RecordingError
from ..media.pcm import silent_samples
from ..model import SAMPLE_RATE
from .redaction.chain import RedactedChain
from .redaction.silencing import blocks_of
from .verify_chain import silences_of
from .verify_problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..audio.flac import FlacReader
    from ..documents.report_model import Report, ReportChunk
    from ..model import Finding
    from .verify import Maker

_ROUNDING_FRAMES = 4
"""Derived: places in the timeline count at 48 kHz; a gap in a recording at another rate begins so near."""


def verify_flac(file: BinaryIO, report: Report, maker: Maker | None = None) -> list[Finding]:
    """Check an `audio.flac`, open for reading at its start, against its report, which has the shape of one."""
    from ..audio.flac import FlacReader, comment  # noqa: PLC0415

    problems = Problems()
    try:
        reader = FlacReader(file)
        if maker is not None:
            wanted, made = comment(maker.app, maker.track_uid), reader.tags.get("comment", "")
            problems.expect("verify-structure", "what the file says of its making", wanted, made)
        (_verify_redacted if "redaction" in report else _verify)(reader, report, problems)
    except RecordingError as error:
        problems.add("verify-structure", f"audio.flac cannot be read to its end: {error.message}")
    return problems.findings


def _verify(reader: FlacReader, report: Report, problems: Problems) -> None:
    frames, rate = _Frames(reader), reader.rate_hz
    samples = _Samples(report, reader.frame_bytes, problems)
    unit = silent_samples(rate)
    silent = 0
    for end, packets in silences_of(report):
        length = packets * unit
        start = round(end * rate / SAMPLE_RATE) - length
        samples.take(frames.read(max(0, start - _ROUNDING_FRAMES - frames.at)))
        near = b"".join(frames.read(2 * _ROUNDING_FRAMES + 1))
        zeroes = _zero_frames_at_end(near, reader.frame_bytes)
        samples.take([near[: len(near) - zeroes * reader.frame_bytes]])
        rest = length - zeroes
        if any(block.strip(b"\0") for block in frames.read(max(0, rest))):
            problems.add("verify-silence", f"at {start / rate:.3f} s there should be silence")
        samples.take([bytes(max(0, -rest) * reader.frame_bytes)])
        silent += packets
    samples.take(frames.rest())
    samples.end()
    counted = sum(span.get("silent_packets", 0) for span in report["timeline"])
    problems.expect("verify-silence", "silent packets", counted, silent)
    _check_length(frames.at / rate, report, problems)


def _verify_redacted(reader: FlacReader, report: Report, problems: Problems) -> None:
    """Compare the blocks of a redacted recording with what its report says of them."""
    chain, head, at = RedactedChain(report, reader.head, problems), reader.head, 0
    length_of = head.lengths()
    for block in blocks_of(reader.blocks(), head.block_bytes):
        end = at + length_of(block)
        chain.take([block], [at, end])
        at = end
    chain.end()
    _check_length(at / SAMPLE_RATE, report, problems)


def _check_length(heard_s: float, report: Report, problems: Problems) -> None:
    if abs(report["duration_s"] - heard_s) > 0.0015:
        problems.add("verify-times", f"it lasts {heard_s:.3f} s, duration_s in the report is {report['duration_s']}")


def _zero_frames_at_end(data: bytes, frame_bytes: int) -> int:
    return (len(data) - len(data.rstrip(b"\0"))) // frame_bytes


class _Frames:
    """The file's samples, as they are asked for; `at` counts those that were."""

    def __init__(self, reader: FlacReader) -> None:
        self._blocks, self._size = reader.blocks(), reader.frame_bytes
        self._held = b""
        self.at = 0

    def read(self, count: int) -> Iterator[bytes]:
        """The next `count`, some at a time; fewer at the end of the file."""
        wanted = count * self._size
        while wanted:
            if not self._held:
                self._held = next(self._blocks, b"")
                if not self._held:
                    return
            piece, self._held = self._held[:wanted], self._held[wanted:]
            wanted -= len(piece)
            self.at += len(piece) // self._size
            yield piece

    def rest(self) -> Iterator[bytes]:
        while piece := b"".join(self.read(1 << 15)):
            yield piece


class _Samples:
    """Compares samples with the hashes of the chunks', one chunk after another."""

    def __init__(self, report: Report, frame_bytes: int, problems: Problems) -> None:
        self._chunks: Iterator[ReportChunk] = iter([chunk for chunk in report["chunks"] if chunk["packets"]])
        self._size, self._problems = frame_bytes, problems
        self._chunk = next(self._chunks, None)
        self._left = self._bytes_of(self._chunk)
        self._digest = hashlib.sha256()
        self._more = 0

    def _bytes_of(self, chunk: ReportChunk | None) -> int:
        return chunk.get("samples", 0) * self._size if chunk else 0

    def take(self, blocks: Iterator[bytes] | list[bytes]) -> None:
        for block in blocks:
            data = block
            while data and self._chunk is not None:
                self._digest.update(data[: self._left])
                data, self._left = data[self._left :], self._left - min(self._left, len(data))
                if not self._left:
                    self._close(self._chunk)
            self._more += len(data)

    def _close(self, chunk: ReportChunk) -> None:
        if self._digest.hexdigest() != chunk.get("packets_sha256"):
            self._problems.add("verify-packets", f"the samples of {chunk['key']} are not all there, or not as recorded")
        self._chunk = next(self._chunks, None)
        self._left, self._digest = self._bytes_of(self._chunk), hashlib.sha256()

    def end(self) -> None:
        if self._chunk is not None or self._more:
            self._problems.add("verify-packets", "there are more samples than the chunks gave, or fewer")
