"""Reads the chunks of one recording as one stream of bytes: checks them, places their packets, has them joined.

The numbers in the keys are believed until the sound says otherwise: `Disorder` is raised where time runs back between
two chunks or a second header turns up, and `assemble` begins again in an order by content.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..containers import begins_recording, open_reader
from ..errors import RecordingError
from ..filling import Pause
from ..values import SAMPLE_RATE, ChunkRef, Finding, Severity
from ..webm.opus import SILENT_PACKET_SAMPLES
from ..webm.packets import PacketsDigest
from ..webm.reader import WebmReader
from . import continuity
from .chains import begin_ms, end_ms
from .records import Assembly, ChunkRecord, PartRecord

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from ..concat import Joiner
    from ..documents.models import PartEntry
    from ..progress import Progress
    from ..webm.packets import Damage, Packets, Reader

_NOTABLE_GAP_US = 250_000
_CHROME_LEAVES_BYTES = 1


@dataclass(frozen=True, slots=True)
class Recording:
    """The chunks of one recorder run, in order.

    `entry` is what the recorder noted, None for a run that nobody knows of.

    `missing` are the numbers before a chunk, by its index, that no object of the part has; under the count of chunks
    those after the last.  Where the order was found by content, `moved` are the chunks whose numbers are wrong, and
    `elsewhere` the numbers that explain a hole: missing ones, and those of chunks that belong to other recordings.
    """

    name: str
    chunks: Sequence[ChunkRef]
    entry: PartEntry | None
    missing: Mapping[int, Sequence[int]]
    has_header: bool = True
    sorted_by_content: bool = False
    moved: Sequence[ChunkRef] = ()
    elsewhere: frozenset[int] = frozenset()


class Disorder(Exception):  # noqa: N818 - not an error: the read has to begin again
    """The numbers of a part's chunks are not the order in which they were recorded."""


def started_again(entry: PartEntry | None) -> PartEntry | None:
    """What the recorder noted of a run that it did not know to be another one.

    Its blobs, but not when it was started.
    """
    return entry and entry.model_copy(update={"start_ms": None, "pauses": []})


class Noted:
    """The recorder's list of a part's chunks."""

    def __init__(self, entry: PartEntry | None) -> None:
        self.chunks = {chunk.seq: chunk for chunk in entry.chunks} if entry else {}
        self._digests = {chunk.sha256.lower() for chunk in self.chunks.values() if chunk.sha256}
        self._sizes = {chunk.bytes for chunk in self.chunks.values()}

    def knows(self, size_bytes: int, sha256: str) -> bool:
        """Whether the list has a chunk like this, under whatever number."""
        return sha256 in self._digests if self._digests else size_bytes in self._sizes


class RecordingReader:
    """Reads one recording's chunks in order; a header in the middle of a chunk begins a part of its own."""

    def __init__(self, recording: Recording, joiner: Joiner, assembly: Assembly) -> None:
        self._recording = recording
        self._joiner = joiner
        self._assembly = assembly
        self._reader: Reader = WebmReader()
        self._opened = False  # a chunk told of which kind the recording is
        self._refusal: RecordingError | None = None
        self._placer = continuity.Placer()
        self._emissions = continuity.Emissions(recording.entry)
        self._noted = Noted(recording.entry)
        self._open_missing: list[int] = []  # named as missing since the last packet
        self._number = -1  # of the recording in the reader's count
        self._packets = 0
        self._records: list[ChunkRecord] = []  # of the chunks that were fed to the reader
        self._digest = PacketsDigest()  # of the last one's packets
        self._starts: list[int] = []  # where each of them begins in the stream
        self._read_bytes = 0
        self._first_of: dict[str, ChunkRef] = {}  # by SHA-256
        self._loss_known = False  # a missing chunk was named since the last packet

    def read_all(self, read: Callable[[ChunkRef], bytes], progress: Progress) -> None:
        try:
            self._read_all(read, progress)
        finally:
            self._end_record()

    def _read_all(self, read: Callable[[ChunkRef], bytes], progress: Progress) -> None:
        chunks, missing = self._recording.chunks, self._recording.missing
        for index, chunk in enumerate(chunks):
            if index in missing:
                self._note_missing(missing[index])
            self._read_chunk(chunk, read(chunk))
            progress.advance()
        tail = missing.get(-1, missing.get(len(chunks), []))
        self._find_all(continuity.missing_finding(chunks[0].part, tail) for _ in tail[:1])
        tail = [*self._open_missing, *tail]
        self._end(tail)
        self._note_damages()
        if self._refusal is not None and not self._opened:
            raise self._refusal
        if not self._packets:
            self._find(
                "part-empty", "error", f"part {self._recording.name} holds no sound", hint="see what its chunks are"
            )

    # -- chunks

    def _read_chunk(self, chunk: ChunkRef, data: bytes) -> None:
        sha256 = hashlib.sha256(data).hexdigest()
        first = self._first_of.setdefault(sha256, chunk) if data else chunk
        same_number = bool(self._records) and self._records[-1].chunk.seq == chunk.seq
        if first is not chunk or same_number:
            other = first if first is not chunk else self._records[-1].chunk
            self._find_all([continuity.duplicate_finding(chunk, other, same=first is not chunk)])
            self._assembly.chunks.append(ChunkRecord(chunk, sha256, "duplicate"))
            return
        if self._packets and begins_recording(data) and not self._recording.sorted_by_content:
            raise Disorder
        finding = self._compare(chunk, sha256)
        record = ChunkRecord(chunk, sha256, "altered" if finding else "ok")
        self._end_record()
        self._records.append(record)
        self._assembly.chunks.append(record)
        self._starts.append(self._read_bytes)
        self._read_bytes += len(data)
        if self._opened or self._open(chunk, data, record):
            self._feed(chunk, data)
        if not data:
            self._find_all([continuity.empty_finding(chunk)] if finding is None else [])
        self._loss_known = self._loss_known or record.verdict == "altered" or not data
        if not record.packets and record.verdict == "ok":
            record.verdict = "empty"
        elif record.verdict == "ok" and self._placer.end_ms is not None:
            self._emissions.saw(chunk.seq, self._placer.end_ms)

    def _open(self, chunk: ChunkRef, data: bytes, record: ChunkRecord) -> bool:
        """Find the reader for this recording; a chunk that is of no such kind is left out, and the next one decides."""
        try:
            reader = open_reader(data)
        except RecordingError as error:
            if self._refusal is None:
                self._refusal = RecordingError(f"{chunk.object.key}: {error.message}", hint=error.hint)
            self._find_all([continuity.unreadable_finding(chunk, error.message)] if data else [])
            record.verdict = "damaged"
            return False
        if self._refusal or self._loss_known:
            reader.lost("what came before is lost")
        self._reader, self._opened = reader, True
        return True

    def _feed(self, chunk: ChunkRef, data: bytes) -> None:
        try:
            runs = self._reader.feed(data)
        except RecordingError as error:
            raise RecordingError(f"{chunk.object.key}: {error.message}", hint=error.hint) from error
        self._join(runs, chunk)

    def _compare(self, chunk: ChunkRef, sha256: str) -> Finding | None:
        """Compare a chunk with what the recorder noted; where the numbers lie, it may be noted under another."""
        finding = continuity.manifest_finding(chunk, sha256, self._noted.chunks.get(chunk.seq))
        if self._recording.sorted_by_content and self._noted.knows(chunk.object.size_bytes, sha256):
            finding = None
        self._find_all([finding] if finding else [])
        return finding

    def _note_missing(self, seqs: Sequence[int]) -> None:
        self._join(self._reader.close(), None)
        self._note_cut()
        finding = continuity.missing_finding(self._recording.chunks[0].part, seqs)
        self._find_all([finding])
        self._loss_known = True
        self._open_missing += seqs if not self._recording.sorted_by_content else ()
        if not self._recording.sorted_by_content:
            self._join(self._reader.lost(finding.message), None)

    # -- packets

    def _join(self, runs: Sequence[Packets], chunk: ChunkRef | None) -> None:
        """Hand runs on as soon as their times are known; `chunk` is the one they were read from, if it was just now."""
        if chunk is not None:
            self._check_times(runs, chunk)
        for run in runs:
            if run.recording != self._number:
                self._begin(run.recording, runs)
            for placed in self._placer.add(run):
                self._joiner.add(placed)
            self._record(run.payloads)

    def _record(self, payloads: Sequence[bytes]) -> None:
        record = self._records[-1]
        record.packets += len(payloads)
        self._digest.update(payloads)
        self._packets += len(payloads)
        self._loss_known = False
        self._open_missing.clear()

    def _end_record(self) -> None:
        """No more packets will be told of as the last chunk's."""
        if self._records and self._records[-1].packets:
            self._records[-1].packets_sha256 = self._digest.hexdigest()
        self._digest = PacketsDigest()

    def _check_times(self, runs: Sequence[Packets], chunk: ChunkRef) -> None:
        """Compare the first times of a chunk with the last of the one before.

        A step tells of chunks in disorder, or lost.
        """
        last_ms = self._placer.end_ms
        if last_ms is None or self._placer.waits or not runs or runs[0].recording != self._number:
            return
        head = runs[0]
        if len(runs) > 1 and head.placed and head.continued and runs[1].placed and not runs[1].continued:
            # These belong to a cluster that may have begun in a lost chunk; the next cluster knows better.
            head.placed = abs(begin_ms(runs[1]) - end_ms(head)) <= continuity.JUMP_MS
        placed = next((run for run in runs if run.placed), None)
        if placed is None:
            return
        waiting_ms = sum(sum(run.durations) for run in runs[: runs.index(placed)]) * 1000 // SAMPLE_RATE
        step_ms = begin_ms(placed) - waiting_ms - last_ms
        if step_ms < -continuity.JUMP_MS and not self._recording.sorted_by_content:
            raise Disorder
        if step_ms > continuity.JUMP_MS and not head.after_break:
            head.after_break = True
            if not self._loss_known and not self._is_elsewhere(chunk):
                self._find_all([continuity.unnumbered_finding(chunk, step_ms)])

    def _is_elsewhere(self, chunk: ChunkRef) -> bool:
        """Whether a number that is missing or belongs to another recording explains the hole before a chunk."""
        numbers = sorted((self._records[-2].chunk.seq, chunk.seq)) if len(self._records) > 1 else (-1, chunk.seq)
        return any(numbers[0] < number < numbers[1] for number in self._recording.elsewhere)

    # -- recordings

    def _begin(self, number: int, runs: Sequence[Packets]) -> None:
        """Begin the part, or the next one where a second header stands in the middle of a chunk."""
        entry = self._recording.entry
        name = self._recording.name
        if self._number >= 0:
            self._end_part()
            name = f"{name}+{number}"
            entry = started_again(entry)
            self._emissions = continuity.Emissions(entry)
            self._find_all([continuity.restarted_finding(self._records[-1].chunk, name)])
        self._number = number
        self._placer = continuity.Placer()
        track = self._reader.track
        assert track is not None
        start_us = self._start_us(runs)
        pauses = [Pause(_us(p.start_ms), _us(p.end_ms)) for p in entry.pauses] if entry and start_us is not None else []
        first = not self._assembly.parts
        from_start = first or self._recording.has_header
        packets, gap_us = self._joiner.begin_part(name, track.opus_head, start_us, pauses, from_start=from_start)
        self._assembly.parts.append(PartRecord(name, track.writing_app))
        if self._reader.header_missing:
            message = f"the header of part {name} is lost; it was rebuilt from the blocks"
            hint = "the first chunk has it: look for it where the uploads come from"
            self._find("header-missing", "warning", message, hint=hint)
            runs[0].after_break = True  # what was recorded before these went with the header
        if not first:
            self._note_gap(name, packets, gap_us, known=start_us is not None)

    def _start_us(self, runs: Sequence[Packets]) -> int | None:
        """The session clock at the recorder's start: noted, or told by when its first blob was handed over."""
        placed = [run for run in runs if run.placed]
        if placed:
            self._emissions.began(self._last_seq(), end_ms(placed[-1]))
        return None if self._emissions.started_ms is None else _us(self._emissions.started_ms)

    def _last_seq(self) -> int:
        return self._records[-1].chunk.seq

    def _end(self, missing: Sequence[int]) -> None:
        """End the last part.

        Chunks `missing` after the last one are filled as far as it is known how long they were.
        """
        self._join(self._reader.close(), None)
        self._note_cut()
        if self._number >= 0:
            self._end_part(missing)
        if lost_ms := self._emissions.unnoticed_ms():
            message = (
                f"the recorder lost {lost_ms / 1000:.2f} s of sound without a trace in the file, spread over the part"
            )
            hint = "its blobs came later and later: a slow machine; the captions follow the sound all the same"
            self._find("time-lost-unseen", "warning", message, lost_ms=round(lost_ms), hint=hint)

    def _note_cut(self) -> None:
        pending = self._reader.pending_bytes
        if pending > _CHROME_LEAVES_BYTES and self._records:
            self._find_all([continuity.cut_finding(self._records[-1].chunk, pending)])

    def _end_part(self, missing: Sequence[int] = ()) -> None:
        for run in self._placer.flush(self._emissions.end_ms(self._last_seq()) if self._records else None):
            self._joiner.add(run)
        tail_ms = self._tail_ms(missing)
        if tail_ms > self._joiner.room_ms:
            message = f"{tail_ms / 3.6e6:.1f} hours are missing at the end of the part: no silence stands for them"
            hint = "check `stop_ms` of the part and `emitted_ms` of its chunks in session.json"
            self._find("loss-too-long", "error", message, hint=hint)
            tail_ms = 0
        self._joiner.end_part(tail_ms)
        self._note_jumps()

    def _note_jumps(self) -> None:
        for samples in self._joiner.clock_jumps:
            message = (
                f"the recorder's clock jumps in part {self._recording.name}; the sound goes on there without a gap"
            )
            hint = "the timestamps are wrong, or packets of another recording lie among these"
            self._find("clock-jump", "warning", message, at_s=samples / SAMPLE_RATE, hint=hint)
        self._joiner.clock_jumps.clear()

    def _is_cut_short(self) -> bool:
        """Whether the last chunk is shorter than the recorder noted."""
        noted = self._noted.chunks.get(self._last_seq())
        return noted is not None and (noted.bytes or 0) > self._records[-1].chunk.object.size_bytes

    def _tail_ms(self, missing: Sequence[int]) -> int:
        """How much the chunks missing at the end held: until the last was handed over, else a timeslice each."""
        entry = self._recording.entry
        if entry is None or not (missing or self._is_cut_short()):
            return 0
        until_ms = self._emissions.end_ms(missing[-1] if missing else self._last_seq())
        if until_ms is not None and self._placer.end_ms is not None:
            return max(0, until_ms - self._placer.end_ms)
        return round((entry.timeslice_ms or 0) * len(missing))

    # -- findings

    def _note_gap(self, name: str, packets: int, gap_us: int, *, known: bool) -> None:
        at_s = (self._joiner.samples - packets * SILENT_PACKET_SAMPLES) / SAMPLE_RATE
        if not known:
            message = f"nobody noted when part {name} was started: it follows the one before without a gap"
            hint = "note `start_ms` for each part in session.json"
            self._find("part-start-unknown", "warning", message, at_s=at_s, hint=hint)
        elif gap_us < -_NOTABLE_GAP_US:
            message = f"part {name} was started {-gap_us / 1e6:.2f} s before the one before it ended"
            hint = "what both recorded is there twice; check `start_ms` of the parts in session.json"
            self._find("parts-overlap", "warning", message, at_s=at_s, hint=hint)
        elif packets == 0 and gap_us > _NOTABLE_GAP_US:
            hours = gap_us / 3.6e9
            message = f"part {name} was started {hours:.1f} hours after the one before: no silence stands for that"
            hint = "check `start_ms` of the parts in session.json"
            self._find("part-gap-too-long", "warning", message, at_s=at_s, hint=hint)

    def _note_damages(self) -> None:
        """Name what the reader skipped; what was skipped because a chunk is missing has its finding already."""
        explained = {finding.message for finding in self._assembly.findings}
        damaged: dict[int, list[Damage]] = {}
        for damage in self._reader.damages if self._records else ():
            if damage.reason not in explained:
                middle = damage.offset + damage.length_bytes // 2  # a chunk's last byte may be in it
                damaged.setdefault(max(0, bisect_right(self._starts, middle) - 1), []).append(damage)
        for index, damages in damaged.items():
            record = self._records[index]
            record.verdict = "damaged"
            self._find_all(continuity.damage_findings(damages, record.chunk, self._starts[index]))

    def _find_all(self, findings: Iterable[Finding]) -> None:
        self._assembly.findings += findings

    def _find(
        self,
        code: str,
        severity: Severity,
        message: str,
        *,
        at_s: float | None = None,
        lost_ms: float | None = None,
        hint: str,
    ) -> None:
        part = self._recording.chunks[0].part
        self._find_all([Finding(code, severity, message, part=part, at_s=at_s, lost_ms=lost_ms, hint=hint)])


def _us(ms: float) -> int:
    return round(ms * 1000)
