"""Chunks in, one joined recording out: each part is read as one stream of bytes, checked, placed and handed to the `Joiner`.

One chunk is held at a time.  How chunks are fetched is the caller's business: `read` is handed in.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from . import continuity
from .errors import RecordingError
from .timeline import SILENT_PACKET_SAMPLES, Pause
from .values import ChunkRef, Finding
from .webm.reader import WebmReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .concat import Joiner
    from .models import PartEntry, SessionDocument
    from .progress import Progress
    from .webm.packets import Packets

_OTHER_CONTAINERS = ((0, b"OggS", "Ogg"), (4, b"ftyp", "MP4"), (0, b"RIFF", "WAV"), (0, b"ID3", "MP3"))

_UNNOTED_TIME_US = 250_000


@dataclass(slots=True)
class ChunkRecord:
    """What became of one chunk.  `verdict` is ok, missing, duplicate, altered, damaged, or empty (no packet ended in it)."""

    key: str
    part: str
    seq: int
    size_bytes: int
    sha256: str
    packets: int
    verdict: str


@dataclass(slots=True)
class Assembly:
    """What the reading of a session gave beside the joined file."""

    chunks: list[ChunkRecord] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    writing_apps: list[str] = field(default_factory=list)


def assemble(
    chunks: Sequence[ChunkRef],
    session: SessionDocument,
    read: Callable[[ChunkRef], bytes],
    joiner: Joiner,
    progress: Progress,
) -> Assembly:
    """Read every chunk and join what it holds (RecordingError where nothing can be read, or a codec is not Opus)."""
    assembly = Assembly()
    progress.stage("joining", len(chunks))
    for part, listed in continuity.by_part(chunks):
        _PartReader(part, continuity.part_entry(session.parts, part), joiner, assembly).read_all(listed, read, progress)
    if not joiner.recorded_packets:
        raise RecordingError(
            f"no sound in any of the {len(chunks)} chunks: " + "; ".join(f.message for f in assembly.findings[:3]),
            hint="see what is there with `sessiontool inspect`",
        )
    return assembly


class _PartReader:
    """Reads one part's chunks in order; a second header in it begins a recording that is joined as a part of its own."""

    def __init__(self, part: str, entry: PartEntry | None, joiner: Joiner, assembly: Assembly) -> None:
        self._part = part
        self._entry = entry
        self._joiner = joiner
        self._assembly = assembly
        self._reader = WebmReader()
        self._placer = continuity.Placer()
        self._recording = -1
        self._packets = 0
        self._starts: list[int] = []  # where each chunk begins in the stream
        self._seqs: list[int] = []

    def read_all(self, listed: Sequence[ChunkRef], read: Callable[[ChunkRef], bytes], progress: Progress) -> None:
        chunks, duplicates = continuity.drop_duplicates(listed)
        missing = continuity.missing_before(chunks, self._entry)
        for index, chunk in enumerate(chunks):
            self._note_missing(missing.get(index, ()))
            self._read_chunk(chunk, read(chunk))
            progress.advance()
        self._note_missing(missing.get(len(chunks), ()))
        self._join(self._reader.close())
        self._end_recording()
        self._note_damages()
        if not self._packets:
            self._find("part-empty", "error", f"part {self._part} holds no sound", hint="see what is in its chunks")
        for chunk in duplicates:
            self._assembly.findings.append(continuity.duplicate_finding(chunk))
            self._record(chunk, "", 0, "duplicate")
            progress.advance()

    def _read_chunk(self, chunk: ChunkRef, data: bytes) -> None:
        if not self._packets:
            _refuse_other_container(chunk, data)
        sha256 = hashlib.sha256(data).hexdigest()
        noted = next((c for c in self._entry.chunks if c.seq == chunk.seq), None) if self._entry else None
        finding = continuity.chunk_finding(chunk, sha256, noted)
        self._starts.append((self._starts[-1] + self._assembly.chunks[-1].size_bytes) if self._starts else 0)
        self._seqs.append(chunk.seq)
        packets = self._join(self._reader.feed(data))
        if finding:
            self._assembly.findings.append(finding)
            if finding.code == "chunk-truncated":
                packets += self._join(self._reader.lost(finding.message))
        self._record(chunk, sha256, packets, "altered" if finding else "ok" if packets else "empty")

    def _note_missing(self, seqs: Sequence[int]) -> None:
        if seqs:
            finding = continuity.missing_finding(self._part, seqs)
            self._assembly.findings.append(finding)
            self._join(self._reader.lost(finding.message))

    def _join(self, runs: Iterable[Packets]) -> int:
        """Hand runs on as soon as their times are known; returns how many packets they hold."""
        count = 0
        for run in runs:
            count += len(run.payloads)
            if run.recording != self._recording:
                self._begin_recording(run.recording)
            for placed in self._placer.add(run):
                self._joiner.add(placed)
        self._packets += count
        return count

    def _begin_recording(self, recording: int) -> None:
        restarted = self._recording >= 0
        if restarted:
            self._end_recording()
            self._find(
                *(
                    "recorder-restarted",
                    "warning",
                    f"part {self._part} holds another recording from its chunk {self._seqs[-1]} on",
                ),
                hint="give each MediaRecorder run a part of its own",
            )
        assert self._reader.track is not None
        self._recording = recording
        name = f"{self._part}+{recording}" if restarted else self._part
        entry = None if restarted else self._entry
        start_us = _us(entry.start_ms) if entry and entry.start_ms is not None else None
        pauses = [Pause(_us(p.start_ms), _us(p.end_ms)) for p in entry.pauses] if entry and start_us is not None else []
        first = not self._assembly.parts
        packets, gap_us = self._joiner.begin_part(name, self._reader.track.opus_head, start_us, pauses)
        self._assembly.parts.append(name)
        self._assembly.writing_apps.append(self._reader.track.writing_app)
        if self._reader.header_missing:
            self._find(
                *(
                    "header-missing",
                    "warning",
                    f"the header of part {self._part} is lost; it was rebuilt from the blocks",
                ),
                hint="the first chunk has it: look for it where the uploads come from",
            )
        if not first:
            self._note_gap(name, packets, gap_us, known=start_us is not None)

    def _note_gap(self, name: str, packets: int, gap_us: int, *, known: bool) -> None:
        at_s = (self._joiner.samples - packets * SILENT_PACKET_SAMPLES) / 48_000
        if not known:
            self._find(
                "part-start-unknown",
                "warning",
                f"nobody noted when part {name} was started: it follows the one before without a gap",
                at_s=at_s,
                hint="note `start_ms` for each part in session.json",
            )
        elif gap_us < -_UNNOTED_TIME_US:
            self._find(
                *(
                    "parts-overlap",
                    "warning",
                    f"part {name} was started {-gap_us / 1e6:.2f} s before the one before ended",
                ),
                at_s=at_s,
                hint="what both recorded is there twice; check `start_ms` of the parts in session.json",
            )
        elif packets == 0 and gap_us > _UNNOTED_TIME_US:
            self._find(
                *(
                    "part-gap-too-long",
                    "warning",
                    f"part {name} was started {gap_us / 3.6e9:.1f} hours later: no silence stands for it",
                ),
                at_s=at_s,
                hint="check `start_ms` of the parts in session.json",
            )

    def _end_recording(self) -> None:
        if self._recording < 0:
            return
        for run in self._placer.flush():
            self._joiner.add(run)
        self._joiner.end_part()

    def _note_damages(self) -> None:
        """Name what the reader skipped; what was skipped because a chunk is missing has its finding already."""
        explained = {finding.message for finding in self._assembly.findings}
        for damage in self._reader.damages:
            if damage.reason in explained:
                continue
            index = max(0, bisect_right(self._starts, damage.offset) - 1)
            seq, start = (self._seqs[index], self._starts[index]) if self._seqs else (None, 0)
            finding = continuity.damage_finding(damage, self._part, seq, max(0, damage.offset - start))
            self._assembly.findings.append(finding)
            for record in self._assembly.chunks:
                if record.part == self._part and record.seq == seq:
                    record.verdict = "damaged"

    def _record(self, chunk: ChunkRef, sha256: str, packets: int, verdict: str) -> None:
        self._assembly.chunks.append(
            ChunkRecord(chunk.object.key, chunk.part, chunk.seq, chunk.object.size_bytes, sha256, packets, verdict)
        )

    def _find(self, code: str, severity: str, message: str, *, at_s: float | None = None, hint: str) -> None:
        self._assembly.findings.append(
            Finding(code, severity, message, part=self._part, at_s=at_s, hint=hint)  # type: ignore[arg-type]
        )


def _us(ms: float) -> int:
    return round(ms * 1000)


def _refuse_other_container(chunk: ChunkRef, data: bytes) -> None:
    for offset, magic, name in _OTHER_CONTAINERS:
        if data.startswith(magic, offset):
            raise RecordingError(
                f"{chunk.object.key} is {name}, not WebM",
                hint="record with mimeType 'audio/webm;codecs=opus'; other containers are not joined yet",
            )
