"""Joins one recorder run: reads its pieces as one stream, puts its packets where they belong, and says what it found.

A *plain* run is read once, each chunk whole and in order of the numbers; a `Doubt`, and it is planned (`plan`).  Such a
run is read twice: for its packets' times, of which a wrong one is outvoted (`timestamp_repair`), and to be joined.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct, field

from ..media.packets import OTHER_SAMPLES
from ..model import SAMPLE_RATE, SAMPLES_PER_MS
from . import findings, part_findings
from .absent_parts import noted_length_ms
from .blob_clock import BlobClock
from .digests import digest_for, samples_in
from .exchanged import Lasted
from .gap_filling import Pause
from .manifest import started_again
from .packet_times import end_ms
from .part_overlaps import JoinedPart, after_pauses, shared_with
from .records import ChunkRecord, PartRecord, Stretch
from .runs import PieceStream
from .slice_seams import Seam, begin_at
from .slice_values import SliceTally
from .time_steps import TimeMap

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from ..concat import Remuxer
    from ..media.packets import PacketRun, Track
    from ..model import ChunkRef, Finding
    from ..progress import Progress
    from .absent_parts import AbsentParts
    from .records import Assembly
    from .runs import Aside, Fed, Read, RecorderRun
    from .slice_values import Slice


class JoinContext(Struct, frozen=True):
    """What a run is joined into; `before` are the parts that are."""

    remuxer: Remuxer
    assembly: Assembly
    read: Read
    progress: Progress
    absent: AbsentParts
    before: list[JoinedPart] = field(default_factory=list)


class RunJoiner:
    """Joins a run; afterwards `settle` writes down what became of its bytes."""

    def __init__(self, run: RecorderRun, context: JoinContext, time_map: TimeMap | None = None) -> None:
        self.run = run
        self.stream = PieceStream(run, context.read)
        self.clock = BlobClock(run.entry)
        self.records: dict[ChunkRef, ChunkRecord] = {}
        self.end_ms: float | None = None  # of the last packet, on the recorder's clock
        self.packets = 0
        self._context = context
        self._remuxer = context.remuxer
        self._time_map = time_map or TimeMap()
        self._number = -1  # of the recording in the demuxer's count
        self._digest = digest_for(None)
        self._digest_of: ChunkRecord | None = None
        self._seam = Seam()

    def join(self) -> None:
        """Read and join all of it (RecordingError where it is no recording; what was read until then is joined)."""
        last = -1
        try:
            for fed in self.stream:
                for index in range(last + 1, fed.piece + 1):
                    self._open_record(index)
                    self._context.progress.advance()
                last = max(last, fed.piece)
                self.take(fed)
        finally:
            self._close_digest()
        self.end()

    def take(self, fed: Fed) -> None:
        """Join what was fed."""
        piece = self.run.pieces[fed.piece]
        record = self.records[piece.owner]
        last: PacketRun | None = None
        for packets in fed.packets:
            if packets.recording != self._number:
                self._begin(packets, fed)
            for run in self._time_map.apply(packets):
                self._seam.trim(run, self.stream, piece.chunk)
                self._remuxer.add(run)
                last = run if run.times_ms else last
                self._count(record, run)
        self.end_ms = end_ms(last.times_ms, last.durations) if last else self.end_ms
        if fed.packets and self.end_ms is not None:
            self.clock.saw(piece.noted_seq, round(self.end_ms))

    def end(self) -> None:
        """End the last part."""
        gone = sorted([*self.run.missing_after, *self.run.unusable_after])
        self._context.assembly.order.lost_after[self.run.pieces[-1].owner] = gone
        if self._number >= 0:
            self._end_part(last=True)
        noted_ms = noted_length_ms(self.run.entry) if self.run.entry and self.run.slice is None else None
        if noted_ms is not None and self.end_ms is not None:
            self._context.assembly.lasted.append(Lasted(self.run.name, self.end_ms, noted_ms))
        if self.end_ms is not None and self.clock.started_ms is not None:
            self._context.before.append(JoinedPart(self.run, self._context.read, self.clock.started_ms, self.end_ms))
        if not self.packets and not self._seam.trimmed:
            self.found([part_findings.no_sound(self.run.part, self.run.name)])
        elif (lost_ms := self.clock.unnoticed_ms() - self._time_map.suspended_ms) > 0:
            self.found([part_findings.lost_unseen(self.run.part, lost_ms)])

    # -- records

    def _open_record(self, index: int) -> None:
        piece = self.run.pieces[index]
        if piece.lost_numbers:
            self._context.assembly.order.lost_before[piece.owner] = piece.lost_numbers
        if piece.owner not in self.records:
            record = ChunkRecord(piece.owner, "", "ok")
            self.records[piece.owner] = record
            self._context.assembly.chunks.append(record)

    def _count(self, record: ChunkRecord, run: PacketRun) -> None:
        payloads = run.payloads
        if self._digest_of is not record:
            self._close_digest()
            self._digest_of, self._digest = record, digest_for(self.stream.demuxer.track)
        record.packets += len(payloads)
        record.samples += samples_in(self.stream.demuxer.track, payloads)
        self._context.assembly.order.add(record.chunk, len(payloads), sum(run.durations))
        self._digest.update(payloads)
        self.packets += len(payloads)

    def _close_digest(self) -> None:
        if self._digest_of is not None and self._digest_of.packets:
            self._digest_of.packets_sha256 = self._digest.hexdigest()
        self._digest_of = None

    def settle(self, digests: Mapping[ChunkRef, str] | None = None, altered: Collection[ChunkRef] = ()) -> None:
        """Write the demuxer's ledger into the records of the chunks, which are all in the assembly now.

        `digests` are the SHA-256 of chunks, where not all were read here.
        """
        digests = digests or self.stream.digests
        known = {record.chunk: record for record in self._context.assembly.chunks}
        for piece, account in self.stream.accounts():
            of_chunk = known[piece.chunk].account
            of_chunk.payload_bytes += account.payload_bytes
            of_chunk.structure_bytes += account.structure_bytes
            of_chunk.damaged_bytes += account.damaged_bytes
            of_chunk.set_aside_bytes += account.set_aside_bytes
        for aside in self.stream.damage():
            known[aside.chunk].damage.append(aside.stretch)
        self._seam.settle([piece.chunk for piece in self.run.pieces], known)
        others: dict[str, list[Aside]] = {}
        for aside in self.stream.set_aside():
            known[aside.chunk].set_aside.append(aside.stretch)
            others.setdefault(aside.stretch.reason, []).append(aside)
        for reason, asides in others.items():
            self.found(findings.not_joined(reason, asides))
        for chunk, record in self.records.items():
            record.sha256 = digests[chunk]
            record.account.size_bytes = self.stream.sizes.get(chunk, chunk.object.size_bytes)
            self._judge(record, altered=chunk in altered)

    def _judge(self, record: ChunkRecord, *, altered: bool) -> None:
        """Give a chunk its verdict, and name what of it is damaged."""
        account = record.account
        if rest := account.unaccounted_bytes:  # a demuxer that forgets bytes must not hide them
            record.damage.append(Stretch(0, rest, "bytes of which nothing is known"))
            account.damaged_bytes += rest
        if record.damage:
            record.verdict = "damaged"
            useless = not record.packets and account.damaged_bytes > account.size_bytes / 2
            self.found([findings.unreadable(record.chunk, "nothing in it is a recording")] if useless else ())
            self.found(() if useless else findings.damaged(record.chunk, record.damage, account.size_bytes))
        elif altered:
            record.verdict = "altered"
        elif any(one.reason == OTHER_SAMPLES for one in record.set_aside):
            record.verdict = "unread"
        elif not record.packets:
            record.verdict = "duplicate" if record.chunk in self._seam.aside else "empty"

    # -- parts

    def _begin(self, packets: PacketRun, fed: Fed) -> None:
        """Begin the part, or the next one where a second header is in the middle of a chunk."""
        run, entry, name = self.run, self.run.entry, self.run.name
        chunk = run.pieces[fed.piece].chunk
        if self._number >= 0:
            self._end_part(last=False)
            name = f"{name}+{packets.recording}"
            entry = started_again(entry)
            self.clock = BlobClock(entry)
            self.found([findings.restarted(chunk, name)])
        self._number = packets.recording
        track = self.stream.demuxer.track
        assert track is not None
        placed = [one for one in fed.packets if one.placed and one.recording == self._number]
        if placed:
            self.clock.began(run.pieces[fed.piece].noted_seq, round(end_ms(placed[-1].times_ms, placed[-1].durations)))
        start_us = self._start_us()
        pauses = [Pause(_us(p.start_ms), _us(p.end_ms)) for p in entry.pauses] if entry and start_us is not None else []
        first = not self._context.assembly.parts
        self._time_map.begin(self._number)
        if run.slice is not None:
            name = run.slice.group
            silent, gap_us = self._begin_slice(run.slice, track, start_us, pauses, packets.durations)
        else:
            silent, gap_us = self._begin_part(name, track, start_us, pauses)
        if run.slice is None or run.slice.group not in {part.part for part in self._context.assembly.parts[-1:]}:
            self._context.assembly.parts.append(PartRecord(name, track.writing_app))
            self.found([] if track.head.delay_known else [part_findings.delay_unknown(name)])
        if self.stream.demuxer.header_missing or run.track is not None:
            self.found([part_findings.header_lost(run.part, name)])
            packets.after_break = True  # what was recorded before these went with the header
        if not first and run.slice is None:
            filled = silent * track.head.filler.length
            at_s = (self._remuxer.samples - filled) / SAMPLE_RATE
            start = part_findings.PartStart(
                name, at_s, None if start_us is None else gap_us, filled, bool(self._seam.left_us)
            )
            self.found(part_findings.part_start(run.part, start))

    def _begin_part(self, name: str, track: Track, start_us: int | None, pauses: Sequence[Pause]) -> tuple[int, int]:
        """Begin a part, after silence for the time since the last one, and without what that one has, too."""
        self._context.absent.fill(self._remuxer, track.head, start_us)
        before = max(self._context.before, key=lambda one: one.ended_ms, default=None)
        shared = None
        if before is not None and start_us is not None and not self._number:
            shared = shared_with(before, self.run, self._context.read, start_us / 1000)
        if shared is None or start_us is None or before is None:
            return self._remuxer.begin_part(name, track.head, start_us, pauses)
        self._seam = Seam(shared.length_us)
        resumes_us, later = after_pauses(start_us, _us(shared.resumes_ms), pauses)
        silent, _ = self._remuxer.begin_part(name, track.head, resumes_us, later, passed_us=shared.over_us)
        return silent, start_us - _us(max(before.ended_ms))

    def _begin_slice(
        self, place: Slice, track: Track, start_us: int | None, pauses: Sequence[Pause], durations: Sequence[int]
    ) -> tuple[int, int]:
        """Begin a slice: after silence for what is missing before it, and without what the one before has, too."""
        tally = self._context.assembly.slices.setdefault(place.group, SliceTally())
        if place.first:
            self._context.absent.fill(self._remuxer, track.head, start_us)
        start_us, lead_us, self._seam = begin_at(place, start_us, self._remuxer.session_end_us)
        over_us = self._seam.over_us(durations)
        gap = self._remuxer.begin_part(
            *(place.group, track.head, start_us + over_us, pauses),
            passed_us=over_us if self._seam.left_us else None,
            slice_cause="lost" if place.lost else "between_slices",
            lead_us=lead_us,
        )
        tally.add(place, gap[0] * track.head.filler.length / SAMPLES_PER_MS, known=place.start_ms is not None)
        return gap

    def _start_us(self) -> int | None:
        """The session clock at the recorder's start: noted, or by its first blob, or by how many chunks are missing."""
        if self.clock.started_ms is not None:
            return _us(self.clock.started_ms)
        if self.run.before_ms and self._remuxer.session_end_us is not None:
            return self._remuxer.session_end_us + _us(self.run.before_ms)
        return None

    def _end_part(self, *, last: bool) -> None:
        tail_ms = max(self._tail_ms(), self._unstored_ms()) if last else 0
        if tail_ms > self._remuxer.room_ms:
            self.found([part_findings.end_too_long(self.run.part, tail_ms)])
            tail_ms = 0
        self._remuxer.end_part(self._until_next_part(tail_ms))
        if self.run.slice:
            self._context.assembly.slices[self.run.slice.group].close(self.run.slice, self._seam.trimmed)
        jumps_s = (samples / SAMPLE_RATE for samples in self._remuxer.clock_jumps)
        self.found(part_findings.clock_jumped(self.run.part, self.run.name, at_s) for at_s in jumps_s)
        self._remuxer.clock_jumps.clear()

    def _until_next_part(self, tail_ms: int) -> int:
        """What is lost at the end, but for the time of which the next part has sound: its recorder ran by then."""
        if not tail_ms or self.end_ms is None or self.clock.started_ms is None:
            return tail_ms
        joined = JoinedPart(self.run, self._context.read, self.clock.started_ms, self.end_ms)
        next_ms = self._context.absent.next_start_ms(self.run.part)
        if next_ms is None or next_ms < joined.start_ms:
            return tail_ms
        return min(tail_ms, max(0, round(next_ms - joined.ended_ms[0])))

    def _tail_ms(self) -> int:
        """How long what is lost at the end lasted: until its last blob was handed over, else as long as others."""
        run = self.run
        last = run.pieces[-1].noted_seq
        gone = [*run.missing_after, *range(last + 1, last + 1 + len(run.unusable_after))]
        share = self._share_cut_off()
        if not (gone or share) or self.end_ms is None:
            return 0
        usual_ms: float = (run.entry.timeslice_ms if run.entry else None) or run.chunk_ms
        until = [(seq, end_ms) for seq in (last, *gone) if (end_ms := self.clock.end_ms(seq)) is not None]
        if not until and run.slice and not run.slice.last:  # others say how long it was, and the next begins then
            return max(0, round(usual_ms * (len(gone) + 1) - self.end_ms))
        if not until:
            return round(usual_ms * (len(gone) + share))
        seq, until_ms = max(until)
        later = sum(number > seq for number in gone)
        rest_ms: float = until_ms - self.end_ms + usual_ms * later
        return max(0, round(rest_ms))

    def _unstored_ms(self) -> int:
        """How long what was recorded after the last known chunk lasted; named."""
        if self.end_ms is None or self.run.missing_after or self.run.unusable_after:
            return 0
        lost_ms = round(self.clock.unstored_ms(self.end_ms))
        last = self.run.pieces[-1].owner
        if lost_ms and self.clock.ended_by_itself:
            self.found([part_findings.recorder_ended(self.run.part, last.seq, lost_ms)])
            return 0
        self.found([findings.unstored_end(last, lost_ms)] if lost_ms else ())
        return lost_ms

    def _share_cut_off(self) -> float:
        """How many chunks are damaged at the end: those without a packet, and a part of the last that has any."""
        noted = {chunk.seq: chunk.bytes or 0 for chunk in (self.run.entry.chunks if self.run.entry else ())}
        damaged = [aside for aside in self.stream.damage() if aside.stretch.size_bytes]
        share = 0.0
        for piece in reversed(self.run.pieces):
            size = self.stream.sizes.get(piece.chunk, 0)
            stretches = [aside.stretch for aside in damaged if aside.chunk == piece.chunk]
            if self.records[piece.owner].packets:
                at_end = sum(one.size_bytes for one in stretches if one.byte_offset + one.size_bytes == size)
                whole = max(noted.get(piece.noted_seq, 0), size)
                return share + ((at_end + whole - size) / whole if whole else 0.0)
            share += sum(one.size_bytes for one in stretches) > size / 2
        return share

    def found(self, found: Iterable[Finding]) -> None:
        self._context.assembly.findings += found


def _us(ms: float) -> int:
    return round(ms * 1000)
