"""The times of a run's packets as they are to be joined: read once ahead and repaired."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ..model import SAMPLES_PER_MS
from . import findings
from .blob_clock import SUSPENDED_MS, BlobClock
from .packet_times import JUMP_MS, end_ms, jumps
from .runs import PieceStream
from .time_groups import (
    STEP_MS,
    Group,
    are_exact,
    came_late,
    end_at,
    is_steady,
    runs_back,
    runs_on,
    split_at_odd_duration,
)
from .time_steps import Step, TimeMap
from .timestamp_repair import repair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..media.packets import PacketRun
    from ..model import Finding
    from .runs import Fed, Read, RecorderRun

_SHORT_SHARE = 0.8  # share of a usual chunk; chosen
_MOST_LOST = 10  # chunks that are lost together; chosen
_ODD_SHARE = 0.25  # share of a chunk by which what is lost may differ from whole ones; chosen
_CUT_SHARE = 0.05  # share of a chunk, chosen


def measure(run: RecorderRun, read: Read) -> TimeMap:
    """Read a run for its times, and decide on them; what was wrong is among the run's findings afterwards."""
    survey = _Measure(run)
    stream = PieceStream(run, read)
    for fed in stream:
        survey.take(fed, stream)
    survey.end(stream)
    run.findings += [findings.clock_wrong(run.pieces[piece].owner, off_ms) for piece, off_ms in stream.corrected]
    time_map = TimeMap(head=stream.demuxer.track.head if stream.demuxer.track else None)
    for number, groups in survey.groups.items():
        from_start = run.has_header and not stream.demuxer.header_missing
        time_map.steps[number] = survey.decide(groups, time_map, from_start=from_start)
    return time_map


class _Measure:
    """Collects the groups of a run."""

    def __init__(self, run: RecorderRun) -> None:
        self.groups: dict[int, list[Group]] = {}
        self._run = run
        self._seen_pieces = -1
        self._lost_chunks = 0.0
        self._is_cut_at_end = False
        self._seen_damages = 0
        self._lost_bytes: dict[int, float] = {}  # by the id of a group
        self._baseless: set[int] = set()  # ids of groups before which something is lost that nothing else shows
        self._payload_bytes = 0
        self._piece_ms: dict[int, float] = {}
        self._piece_ends: dict[int, tuple[Group, float]] = {}  # the last group of each, and its end as read

    def take(self, fed: Fed, stream: PieceStream) -> None:
        pieces = self._run.pieces[self._seen_pieces + 1 : fed.piece + 1]
        self._lost_chunks += sum(piece.lost_chunks for piece in pieces)
        self._seen_pieces = max(self._seen_pieces, fed.piece)
        for packets in fed.packets:
            groups = self.groups.setdefault(packets.recording, [])
            jumped = list(jumps(packets))
            cuts = sorted({0, *packets.bases, *jumped, len(packets.payloads)})
            for start, stop in pairwise(cuts):
                fresh = start in packets.bases or start in jumped
                self._add(groups, packets, fed.piece, start, stop, fresh=fresh, stream=stream)
            self._payload_bytes += sum(map(len, packets.payloads))
            self._piece_ends[fed.piece] = groups[-1], end_ms(groups[-1].times_ms, groups[-1].durations)
            length_ms = sum(packets.durations) / SAMPLES_PER_MS
            self._piece_ms[fed.piece] = self._piece_ms.get(fed.piece, 0.0) + length_ms

    def end(self, stream: PieceStream) -> None:
        """All was read: of what ends with damage, nothing says when its last packet was handed over."""
        last = stream.demuxer.ledger.damages[self._seen_damages :]
        self._is_cut_at_end = any(damage.length_bytes for damage in last)

    def _add(
        self,
        groups: list[Group],
        packets: PacketRun,
        piece: int,
        start: int,
        stop: int,
        *,
        fresh: bool,
        stream: PieceStream,
    ) -> None:
        unsure = bool(groups) and groups[-1].claimed and not packets.placed
        broken = (packets.after_break or unsure) and not start
        goes_on = groups and not fresh and not broken and groups[-1].claimed == packets.placed
        if not goes_on or groups[-1].last_piece != piece:
            group = Group(piece, packets.placed, broken, is_head=bool(goes_on), has_base=start in packets.bases)
            if broken:
                group.lost_ms = self._lost_chunks * self._run.chunk_ms
                damages = stream.demuxer.ledger.damages
                self._lost_bytes[id(group)] = sum(damage.length_bytes for damage in damages[self._seen_damages :])
                self._lost_chunks, self._seen_damages = 0.0, len(damages)
            groups.append(group)
        groups[-1].times_ms.extend(packets.times_ms[start:stop])
        groups[-1].durations.extend(packets.durations[start:stop])
        groups[-1].last_piece = piece

    def decide(self, read: Sequence[Group], time_map: TimeMap, *, from_start: bool) -> list[Step]:
        """What is to be done with the times of the groups that were read, in their order."""
        clock = BlobClock(self._run.entry)
        most_ms = STEP_MS if are_exact(read) else JUMP_MS  # what is no loss
        groups = self._without_steady_heads(read, clock, most_ms)
        groups = list(split_at_odd_duration(groups)) if self._run.ticks_per_ms > 1 else groups  # WebM has no durations
        total_ms, has_clock = sum(group.length_ms for group in groups), any(group.claimed for group in groups)
        for group in groups:
            if total_ms and not (group.lost_ms and has_clock):  # without a clock, what is cut beside lost chunks counts
                group.lost_ms += self._lost_bytes.get(id(group), 0.0) * total_ms / max(1, self._payload_bytes)
        self._note_blob_lags(groups, clock)
        if groups and not (self._is_cut_at_end or self._run.missing_after or self._run.unusable_after):
            end_at(groups, clock.end_ms(self._seq(groups[-1].last_piece)), 2 * self._run.chunk_ms)
        decided = repair(groups, from_start=from_start, ticks_per_ms=self._run.ticks_per_ms)
        for index in decided.outvoted:
            shift = decided.shifts_ms[index]
            if abs(shift) > STEP_MS and not groups[index].is_head:
                self._find(findings.clock_wrong(self._run.pieces[groups[index].piece].chunk, -shift))
        for index, back_ms in decided.ran_back.items():
            self._find(findings.clock_ran_back(self._run.pieces[groups[index].piece].owner, back_ms))
        steps = [Step(len(g.times_ms), shift) for g, shift in zip(groups, decided.shifts_ms, strict=True)]
        self._explain_jumps(groups, steps, most_ms, from_start=from_start)
        time_map.suspended_ms += self._add_suspensions(groups, steps, clock)
        return steps

    def _find(self, finding: Finding) -> None:
        self._run.findings.append(finding)

    def _without_steady_heads(self, read: Sequence[Group], clock: BlobClock, most_ms: float) -> list[Group]:
        """The groups, those as one that go on from one chunk into the next, unless the clock jumps right after.

        The packets before a chunk's first base belong to one that began in a chunk before: in which, is in doubt where
        the clock jumps before or after them.
        """
        groups: list[Group] = []
        for index, group in enumerate(read):
            after = read[index + 1] if index + 1 < len(read) else None
            jumps = after is not None and not after.after_break and after.claimed and not after.is_head
            if group.is_head and groups and runs_back(groups[-1], group):
                group.claimed, group.after_break = False, True  # its base is lost with the beginning of the chunk
                self._baseless.add(id(group))
                groups.append(group)
            elif (
                is_steady(group, groups, most_ms)
                and not (jumps and after and after.offsets()[0] - group.end_ms(0) > STEP_MS)
                and not self._comes_late(group, clock)
            ):
                groups[-1].times_ms.extend(group.times_ms)
                groups[-1].durations.extend(group.durations)
                groups[-1].last_piece = group.last_piece
                end = self._piece_ends.get(group.last_piece)
                if end and end[0] is group:
                    self._piece_ends[group.last_piece] = groups[-1], end[1]
            else:
                groups.append(group)
        return groups

    def _comes_late(self, group: Group, clock: BlobClock) -> bool:
        """Whether a piece was handed over much later than its sound lasts after the one before it."""
        if not group.piece:
            return False
        before, after = (clock.active_ms(self._seq(piece)) for piece in (group.piece - 1, group.piece))
        length_ms = self._piece_ms.get(group.piece, 0.0)
        return before is not None and after is not None and after - before - length_ms > SUSPENDED_MS

    def _note_blob_lags(self, groups: Sequence[Group], clock: BlobClock) -> None:
        """Note how long after the end of a group its blob was handed over, where a blob ends with it."""
        cut = self._cut_pieces(groups)
        for number, (piece, (group, read_ms)) in enumerate(self._piece_ends.items()):
            if not number and groups and group is groups[0]:
                clock.began(self._seq(piece), round(read_ms))
            emitted_ms = clock.emitted_ms(self._seq(piece))
            if emitted_ms is not None and group.claimed and piece not in cut:
                group.blob_lag_ms = emitted_ms - read_ms

    def _cut_pieces(self, groups: Sequence[Group]) -> set[int]:
        """The pieces whose ends may be lost: what is read of them does not say when they were handed over."""
        between = [pair for pair in pairwise(groups) if pair[1].after_break and pair[1].piece != pair[0].last_piece]
        broken = {before.last_piece for before, _ in between}
        broken |= {group.last_piece for group in groups[-1:] if self._is_cut_at_end}
        return broken | {index for index, piece in enumerate(self._run.pieces) if piece.owner in self._run.short}

    def _seq(self, piece: int) -> int:
        """The number under which the recorder noted what a piece holds."""
        return self._run.pieces[piece].noted_seq

    def _explain_late_start(self, first: Group, step: Step) -> None:
        """Name what is lost before the first packet: the header is there, and a recorder begins at zero."""
        start_ms = first.offsets()[0] + step.shift_ms
        if start_ms > JUMP_MS:
            step.lost = True
            self._find(findings.unnumbered(self._run.pieces[first.piece].owner, start_ms))

    def _explain_jumps(
        self, groups: Sequence[Group], steps: Sequence[Step], most_ms: float, *, from_start: bool
    ) -> None:
        """Name what passed where the clock steps ahead though no bytes are missing."""
        if from_start and groups and groups[0].claimed and not groups[0].after_break:
            self._explain_late_start(groups[0], steps[0])
        for index in range(1, len(groups)):
            before, group = groups[index - 1], groups[index]
            jump_ms = group.offsets()[0] + steps[index].shift_ms - before.end_ms(steps[index - 1].shift_ms)
            if group.after_break:
                self._explain_gap(group, jump_ms)
                continue
            if jump_ms <= most_ms:
                continue
            if before.is_head and before.piece == group.piece:
                if self._is_suspension(groups, index - 1, jump_ms):
                    steps[index].suspended = True
                    self._find(findings.suspended(self._run.pieces[group.piece].owner, jump_ms, where="in"))
                    continue
                # What is lost is lost between the chunks: the head is of a cluster that began in the lost one.
                steps[index - 1].shift_ms += round(jump_ms)
                self._explain_jump(groups, steps, index - 1, jump_ms)
            else:
                self._explain_jump(groups, steps, index, jump_ms)

    def _explain_gap(self, group: Group, jump_ms: float) -> None:
        """Name chunks that are lost beside what is known to be lost there."""
        usual_ms = self._run.chunk_ms
        more_ms = jump_ms - (0.0 if id(group) in self._baseless else group.lost_ms)
        # A lost blob of a busy page is longer than usual: beside it only what lasts as long as whole ones is another.
        share = _SHORT_SHARE if group.lost_ms < usual_ms / 2 else 1 - _CUT_SHARE
        if more_ms > max(JUMP_MS, usual_ms * share):
            self._find(findings.unnumbered(self._run.pieces[group.piece].owner, more_ms))

    def _explain_jump(self, groups: Sequence[Group], steps: Sequence[Step], index: int, jump_ms: float) -> None:
        chunk = self._run.pieces[groups[index].piece].owner
        if jump_ms > JUMP_MS and self._is_suspension(groups, index, jump_ms):
            steps[index].suspended = True
            self._find(findings.suspended(chunk, jump_ms, where="before"))
        else:
            steps[index].lost = True
            self._find(findings.unnumbered(chunk, jump_ms))

    def _is_suspension(self, groups: Sequence[Group], index: int, jump_ms: float) -> bool:
        """Whether the recorder itself was suspended: inside a blob, after a short one, or for an odd time.

        What is lost with chunks is lost between two whole ones, and lasts as long as a few of them.
        """
        before, after = groups[index - 1].last_piece, groups[index].piece
        if before == after or not index:
            return True
        if self._seq(after) != self._seq(before) + 1 or self._run.pieces[before].owner in self._run.short:
            return False
        usual_ms = self._run.chunk_ms
        count, before_ms = round(jump_ms / usual_ms) if usual_ms else 0, self._piece_ms.get(before, 0.0)
        if abs(before_ms + jump_ms - usual_ms) <= usual_ms * _CUT_SHARE:
            return False  # its end was cut off
        is_short = before_ms < usual_ms * _SHORT_SHARE
        # Where it may be either, it is a loss: to call one a suspension would be to hide it.
        odd_ms = abs(jump_ms - count * usual_ms)
        if not 0 < count <= _MOST_LOST or odd_ms > usual_ms * _ODD_SHARE:
            return True
        return is_short and (odd_ms > usual_ms * _CUT_SHARE or came_late(groups, index - 1, jump_ms))

    def _add_suspensions(self, groups: Sequence[Group], steps: Sequence[Step], clock: BlobClock) -> float:
        """Let time pass where blobs came late for good, though the recorder's clock shows nothing."""
        pairs = list(zip(groups, steps, strict=True))
        for seq, ended_ms in self._chunk_ends(pairs).items():
            clock.saw(seq, round(ended_ms))
        total = 0.0
        stood = clock.suspensions()
        for index, (group, step) in enumerate(pairs):
            seq = self._seq(group.piece)
            if seq in stood:
                stood_ms = stood.pop(seq)
                total += stood_ms
                chunk = self._run.pieces[group.piece].owner
                step.suspended = runs_on(groups, index) or self._is_suspension(groups, index, stood_ms)
                step.lost = not step.suspended
                stood_still = findings.suspended(chunk, stood_ms, where="before or in")
                self._find(stood_still if step.suspended else findings.unnumbered(chunk, stood_ms))
            step.shift_ms += round(total)
        return total

    def _chunk_ends(self, pairs: Sequence[tuple[Group, Step]]) -> dict[int, float]:
        """Where each chunk ends, by its number; without those that may have been cut."""
        shifts = {id(group): step.shift_ms for group, step in pairs}
        cut = self._cut_pieces([group for group, _ in pairs])
        return {
            self._seq(piece): read_ms + shifts[id(group)]
            for piece, (group, read_ms) in self._piece_ends.items()
            if id(group) in shifts and piece not in cut
        }
