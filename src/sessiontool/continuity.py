"""Are the chunks all there, and where do packets belong whose cluster was lost?  Chunks to findings, runs to placed runs.

Three witnesses: the numbers in the keys, the byte stream itself (`webm.reader`), and what the recorder noted.  Each is used where it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .values import SAMPLE_RATE, ChunkRef, Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from .models import ChunkEntry, PartEntry
    from .webm.packets import Damage, Packets

_SAME_CLUSTER_MS = 100
"""A guessed time this near to the one the next cluster gives is right: single timestamps jitter, and a pause in the sound is longer."""

_LOST_HINT = "look for it where the uploads come from; put in its place, a merge with --force will use it"


def part_entry(entries: Iterable[PartEntry], part: str) -> PartEntry | None:
    """What the recorder noted of the part whose key says `part`; numbers are compared as numbers."""
    return next((entry for entry in entries if _same_number(entry.part, part)), None)


def _same_number(a: str, b: str) -> bool:
    return a == b or (a.isdecimal() and b.isdecimal() and int(a) == int(b))


def missing_before(chunks: Sequence[ChunkRef], entry: PartEntry | None) -> dict[int, list[int]]:
    """Which numbers are missing before each chunk, by its index; after the last one they are under `len(chunks)`.

    A part may be numbered from 0 or from 1; the recorder's list, where there is one, knows better.
    """
    present = {chunk.seq for chunk in chunks}
    noted = {chunk.seq for chunk in entry.chunks} if entry else set()
    start = min(noted or ({0} if min(present, default=0) > 1 else present), default=0)
    missing: dict[int, list[int]] = {}
    expected = start
    for index, chunk in enumerate(chunks):
        if gap := [seq for seq in _range(expected, chunk.seq, noted) if seq not in present]:
            missing[index] = gap
        expected = chunk.seq + 1
    if gap := sorted(seq for seq in noted if seq >= expected):
        missing[len(chunks)] = gap
    return missing


def _range(start: int, stop: int, noted: set[int]) -> Iterable[int]:
    """The numbers from `start` to `stop`; where they lie absurdly far apart, those that the recorder noted."""
    return range(start, stop) if stop - start <= 10_000 else sorted(seq for seq in noted if start <= seq < stop)


def missing_finding(part: str, seqs: Sequence[int]) -> Finding:
    which = f"chunk {seqs[0]}" if len(seqs) == 1 else f"chunks {seqs[0]} to {seqs[-1]} ({len(seqs)})"
    verb = "is" if len(seqs) == 1 else "are"
    return Finding("chunk-missing", "error", f"{which} {verb} missing", part=part, seq=seqs[0], hint=_LOST_HINT)


def duplicate_finding(chunk: ChunkRef) -> Finding:
    return Finding(
        *(
            "chunk-duplicate",
            "warning",
            f"there is another object for chunk {chunk.seq}: {chunk.object.key!r} is left out",
        ),
        part=chunk.part,
        seq=chunk.seq,
        hint="compare the two and delete the wrong one",
    )


def chunk_finding(chunk: ChunkRef, sha256: str, noted: ChunkEntry | None) -> Finding | None:
    """What differs between a chunk and what the recorder noted of it; None where nothing does."""
    if noted is None:
        return None
    if noted.bytes is not None and noted.bytes != chunk.object.size_bytes:
        short = chunk.object.size_bytes < noted.bytes
        code, what = ("chunk-truncated", "short") if short else ("chunk-size", "more")
        difference = abs(noted.bytes - chunk.object.size_bytes)
        message = f"chunk {chunk.seq} is {difference:,} bytes {what}: {chunk.object.size_bytes:,} of {noted.bytes:,}"
    elif noted.sha256 and noted.sha256.lower() != sha256:
        code, message = "chunk-altered", f"chunk {chunk.seq} is not what the recorder sent: the SHA-256 differs"
    else:
        return None
    return Finding(code, "error", message, part=chunk.part, seq=chunk.seq, hint=_LOST_HINT)


def damage_finding(damage: Damage, part: str, seq: int | None, byte_offset: int) -> Finding:
    """Bytes that the reader had to skip, in the chunk where they begin."""
    return Finding(
        *("bytes-skipped", "error"),
        f"{damage.length_bytes:,} bytes make no sense ({damage.reason}) and were skipped; the recording goes on after them",
        part=part,
        seq=seq,
        byte_offset=byte_offset,
        hint=_LOST_HINT,
    )


class Placer:
    """Gives times to packets whose cluster was lost, from the next cluster backwards: packets follow one another without gaps.

    `add` takes a run and returns those that are placed now; `flush` returns what waits, with the times it was read with.
    """

    def __init__(self) -> None:
        self._waiting: list[Packets] = []

    def add(self, run: Packets) -> list[Packets]:
        if not run.placed:
            self._waiting.append(run)
            return []
        if self._waiting:
            self._solve(run.times_ms[0])
        return [*self.flush(), run]

    def flush(self) -> list[Packets]:
        waiting, self._waiting = self._waiting, []
        return waiting

    def _solve(self, next_ms: int) -> None:
        for run in reversed(self._waiting):
            last_end_ms = run.times_ms[-1] + run.durations[-1] * 1000 // SAMPLE_RATE
            shift = next_ms - last_end_ms
            if abs(shift) > _SAME_CLUSTER_MS:
                run.times_ms = [time_ms + shift for time_ms in run.times_ms]
            next_ms = run.times_ms[0]


def drop_duplicates(chunks: Sequence[ChunkRef]) -> tuple[list[ChunkRef], list[ChunkRef]]:
    """The chunks with one object for each number, the first in order, and those that are left out."""
    kept: list[ChunkRef] = []
    dropped: list[ChunkRef] = []
    for chunk in chunks:
        (dropped if kept and kept[-1].seq == chunk.seq else kept).append(chunk)
    return kept, dropped


def by_part(chunks: Iterable[ChunkRef]) -> Iterator[tuple[str, list[ChunkRef]]]:
    """The chunks of each part, in the listing's order."""
    parts: dict[str, list[ChunkRef]] = {}
    for chunk in chunks:
        parts.setdefault(chunk.part, []).append(chunk)
    yield from parts.items()
