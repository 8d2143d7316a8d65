"""Whether the chunks are all there, and where packets belong whose cluster was lost: findings, and placed runs.

Three witnesses, each used where it is: the numbers in the keys, the packets' own times, and what the recorder noted.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from ..values import ChunkRef, Finding
from .chains import begin_ms, end_ms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..documents.models import ChunkEntry, PartEntry
    from ..webm.packets import Damage, Packets

JUMP_MS = 1000
"""A step of the recorder clock between two chunks that no starved graph makes (0.66 s measured) is a lost chunk."""

_SAME_CLUSTER_MS = 100
"""A guessed time this near to the one the next cluster gives is right: single timestamps jitter by less."""

_USUAL_LAG_MS = 60
"""Between the end of a blob's last packet and its `dataavailable` (Chrome: 54 to 72)."""

_UNNOTICED_MS = 100
_MOST_NUMBERS = 10_000
_MOST_DAMAGES = 20
_LOST_HINT = "look for it where the uploads come from; put in its place, the next merge will use it"


def part_entry(entries: Iterable[PartEntry], part: str) -> PartEntry | None:
    """What the recorder noted of the part whose key says `part`; numbers are compared as numbers."""
    return next((entry for entry in entries if _same_number(entry.part, part)), None)


def _same_number(a: str, b: str) -> bool:
    return a == b or (a.isdecimal() and b.isdecimal() and int(a) == int(b))


def by_part(chunks: Iterable[ChunkRef]) -> Iterator[tuple[str, list[ChunkRef]]]:
    """The chunks of each part, in the listing's order."""
    parts: dict[str, list[ChunkRef]] = {}
    for chunk in chunks:
        parts.setdefault(chunk.part, []).append(chunk)
    yield from parts.items()


def missing_before(chunks: Sequence[ChunkRef], entry: PartEntry | None) -> dict[int, list[int]]:
    """Which numbers are missing before each chunk, by its index; after the last one they are under `len(chunks)`.

    A part may be numbered from 0 or from 1; the recorder's list, where there is one, knows better.
    """
    present = {chunk.seq for chunk in chunks}
    noted = {chunk.seq for chunk in entry.chunks} if entry else set()
    lowest = min(present, default=0)
    expected = min(noted) if noted else 0 if lowest > 1 else lowest
    missing: dict[int, list[int]] = {}
    for index, chunk in enumerate(chunks):
        if gap := [seq for seq in _between(expected, chunk.seq, noted) if seq not in present]:
            missing[index] = gap
        expected = chunk.seq + 1
    if gap := sorted(seq for seq in noted if seq >= expected):
        missing[len(chunks)] = gap
    return missing


def _between(start: int, stop: int, noted: set[int]) -> Iterable[int]:
    """The numbers from `start` to `stop`; where they lie absurdly far apart, those that the recorder noted."""
    return range(start, stop) if stop - start <= _MOST_NUMBERS else sorted(n for n in noted if start <= n < stop)


# -- findings


def missing_finding(part: str, seqs: Sequence[int]) -> Finding:
    which = f"chunk {seqs[0]} is" if len(seqs) == 1 else f"chunks {seqs[0]} to {seqs[-1]} ({len(seqs)}) are"
    return Finding("chunk-missing", "error", f"{which} missing", part=part, seq=seqs[0], hint=_LOST_HINT)


def unnumbered_finding(chunk: ChunkRef, lost_ms: int) -> Finding:
    """Lost chunks that the numbers do not show."""
    message = f"{lost_ms / 1000:.2f} s of sound before chunk {chunk.seq} were never stored, though the numbers go on"
    return Finding("chunk-missing", "error", message, part=chunk.part, seq=chunk.seq, hint=_LOST_HINT)


def duplicate_finding(chunk: ChunkRef, first: ChunkRef, *, same: bool) -> Finding:
    what = "the same bytes" if same else "other bytes"
    return Finding(
        "chunk-duplicate",
        "warning",
        f"chunk {chunk.seq} ({chunk.object.key}) is there already as {first.object.key}, with {what}; it is left out",
        part=chunk.part,
        seq=chunk.seq,
        hint="nothing is lost by it" if same else "compare the two and delete the wrong one",
    )


def order_finding(chunk: ChunkRef) -> Finding:
    message = f"chunk {chunk.seq} was recorded before the chunk numbered before it; what is in the chunks decides"
    return Finding("chunk-out-of-order", "warning", message, part=chunk.part, seq=chunk.seq, hint=_NUMBER_HINT)


def foreign_finding(chunk: ChunkRef, name: str) -> Finding:
    message = f"chunk {chunk.seq} is from another recording; that is joined as part {name}, behind this one"
    return Finding("chunk-foreign", "warning", message, part=chunk.part, seq=chunk.seq, hint=_NUMBER_HINT)


def restarted_finding(chunk: ChunkRef, name: str) -> Finding:
    message = f"a recorder was started again in chunk {chunk.seq}; what it recorded is joined as part {name}"
    return Finding("recorder-restarted", "warning", message, part=chunk.part, seq=chunk.seq, hint=_NUMBER_HINT)


_NUMBER_HINT = "give each MediaRecorder run a part of its own, and number its blobs as they come"


def manifest_finding(chunk: ChunkRef, sha256: str, noted: ChunkEntry | None) -> Finding | None:
    """What differs between a chunk and what the recorder noted of it; None where nothing does."""
    if noted is None:
        return None
    size = chunk.object.size_bytes
    if noted.bytes is not None and noted.bytes != size:
        code, what = ("chunk-truncated", "short") if size < noted.bytes else ("chunk-size", "too long")
        message = f"chunk {chunk.seq} is {abs(noted.bytes - size):,} bytes {what}: {size:,} instead of {noted.bytes:,}"
    elif noted.sha256 and noted.sha256.lower() != sha256:
        code, message = "chunk-altered", f"chunk {chunk.seq} is not what the recorder sent: its SHA-256 differs"
    else:
        return None
    return Finding(code, "error", message, part=chunk.part, seq=chunk.seq, hint=_LOST_HINT)


def damage_findings(damages: Sequence[Damage], chunk: ChunkRef, chunk_at: int) -> Iterator[Finding]:
    """Bytes that the reader had to skip in a chunk that begins at `chunk_at`; of many places the first ones singly."""
    singly = damages if len(damages) <= _MOST_DAMAGES else damages[: _MOST_DAMAGES - 1]
    for damage in singly:
        what = f"{damage.length_bytes:,} bytes of chunk {chunk.seq} make no sense ({damage.reason})"
        yield _damage_finding(chunk, what, damage.offset - chunk_at)
    if rest := damages[len(singly) :]:
        total = sum(damage.length_bytes for damage in rest)
        what = f"{total:,} bytes in {len(rest):,} more places of chunk {chunk.seq} make no sense"
        yield _damage_finding(chunk, what, rest[0].offset - chunk_at)


def _damage_finding(chunk: ChunkRef, what: str, byte_offset: int) -> Finding:
    return Finding(
        "bytes-skipped",
        "error",
        f"{what} and were skipped",
        part=chunk.part,
        seq=chunk.seq,
        byte_offset=max(0, byte_offset),
        hint=_LOST_HINT,
    )


def unreadable_finding(chunk: ChunkRef, why: str) -> Finding:
    message = f"chunk {chunk.seq} cannot be read: {why}"
    return Finding("chunk-unreadable", "error", message, part=chunk.part, seq=chunk.seq, hint=_LOST_HINT)


def empty_finding(chunk: ChunkRef) -> Finding:
    message = f"chunk {chunk.seq} is empty: 0 bytes"
    return Finding("chunk-truncated", "error", message, part=chunk.part, seq=chunk.seq, hint=_LOST_HINT)


def cut_finding(chunk: ChunkRef, pending_bytes: int) -> Finding:
    return Finding(
        "chunk-truncated",
        "warning",
        f"chunk {chunk.seq} ends inside a packet: its last {pending_bytes:,} bytes are of no use",
        part=chunk.part,
        seq=chunk.seq,
        hint="the browser was killed or the upload was cut; what came before is kept",
    )


# -- times


class Emissions:
    """When the recorder handed its blobs over, against the end of the packets in them: a clock beside the file's own.

    Where the recorder's start was not noted, its first blob tells it.
    """

    def __init__(self, entry: PartEntry | None) -> None:
        self.started_ms = entry.start_ms if entry else None
        self._stop_ms = entry.stop_ms if entry else None
        self._emitted = {c.seq: c.emitted_ms for c in entry.chunks if c.emitted_ms is not None} if entry else {}
        self._pauses = [(p.start_ms, p.end_ms) for p in entry.pauses] if entry else []
        self._lags_ms: list[float] = []

    def began(self, seq: int, end_ms: int) -> None:
        """The recording's first blob, `seq`, ends at `end_ms` of the recorder's clock."""
        emitted_ms = self._emitted.get(seq)
        if self.started_ms is None and emitted_ms is not None:
            self.started_ms = emitted_ms - end_ms - _USUAL_LAG_MS

    def saw(self, seq: int, end_ms: int) -> None:
        """A blob's last packet ends at `end_ms` of the recorder's clock."""
        recorder_ms = self._recorder_ms(seq)
        if recorder_ms is not None:
            self._lags_ms.append(recorder_ms - end_ms)

    def end_ms(self, seq: int) -> int | None:
        """Where on the recorder's clock the last packet of a blob must have ended that nobody has.

        None if not noted.
        """
        if seq == max(self._emitted, default=None) and self._stop_ms is not None:
            recorder_ms = self._at(self._stop_ms)  # the last one comes at once
            return None if recorder_ms is None else round(recorder_ms)
        recorder_ms = self._recorder_ms(seq)
        return None if recorder_ms is None else round(recorder_ms - self._lag_ms())

    def unnoticed_ms(self) -> float:
        """How much time was lost without a trace in the file.

        How much later blobs came at the end than at the start.
        """
        third = max(1, len(self._lags_ms) // 3)
        grown = median(self._lags_ms[-third:]) - min(self._lags_ms[:third]) if len(self._lags_ms) > 2 else 0
        return grown if grown > _UNNOTICED_MS else 0

    def _lag_ms(self) -> float:
        return median(self._lags_ms) if self._lags_ms else _USUAL_LAG_MS

    def _recorder_ms(self, seq: int) -> float | None:
        emitted_ms = self._emitted.get(seq)
        return None if emitted_ms is None else self._at(emitted_ms)

    def _at(self, session_ms: float) -> float | None:
        """The recorder's clock at an instant of the session clock; None where nobody knows when it was started."""
        if self.started_ms is None:
            return None
        paused = sum(min(end, session_ms) - start for start, end in self._pauses if start < session_ms)
        return session_ms - self.started_ms - paused


class Placer:
    """Gives times to packets whose cluster was lost, from the next cluster backwards.

    Packets follow one another without gaps.

    `add` takes a run and returns those that are placed now; `flush` returns what waits.
    """

    def __init__(self) -> None:
        self.end_ms: int | None = None  # of the last packet that was placed
        self._waiting: list[Packets] = []

    def add(self, run: Packets) -> list[Packets]:
        if not run.placed:
            self._waiting.append(run)
            return []
        self._solve(begin_ms(run))
        return self._placed([*self._waiting, run])

    @property
    def waits(self) -> bool:
        """Whether packets are held back whose time nobody knows yet."""
        return bool(self._waiting)

    def flush(self, until_ms: int | None = None) -> list[Packets]:
        """What waits, so that it ends at `until_ms`.

        Without that, with the times it was read with, or after what was placed.
        """
        if until_ms is not None:
            self._solve(until_ms)
        elif (
            self._waiting and self.end_ms is not None and self._waiting[0].times_ms[0] < self.end_ms - _SAME_CLUSTER_MS
        ):
            shift = self.end_ms - self._waiting[0].times_ms[0]
            for run in self._waiting:
                run.times_ms = [time_ms + shift for time_ms in run.times_ms]
        return self._placed(self._waiting)

    def _placed(self, runs: list[Packets]) -> list[Packets]:
        self._waiting = []
        if runs:
            self.end_ms = end_ms(runs[-1])
        return runs

    def _solve(self, next_ms: int) -> None:
        for run in reversed(self._waiting):
            shift = next_ms - end_ms(run)
            if abs(shift) > _SAME_CLUSTER_MS:
                run.times_ms = [time_ms + shift for time_ms in run.times_ms]
            next_ms = begin_ms(run)
