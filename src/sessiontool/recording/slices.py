"""Recordings in slices: a recorder that was stopped and started every few seconds, so that each file is complete.

Slices are one recording on one clock, whether they lie in one part or in a part each.  A slice begins when its recorder
was started (noted), else when the one before was handed over, else as long before its own hand-over as it lasts.

Not here: the joining (`run_joiner`), and what becomes of sound that two slices share (`slice_seams`).
"""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..documents.models import ChunkEntry, PartEntry
from ..model import SAMPLES_PER_MS, ChunkRef
from .renumbered import Renumbered
from .runs import RecorderRun
from .sequence import part_entry
from .slice_clock import SliceClock, on_one_clock
from .slice_values import Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from ..documents.models import SessionDocument
    from .survey import ChunkSurvey

LEAST_SLICES = 3
"""Chosen, a number of parts: fewer complete files are recorders that were started again."""

_MOST_PAUSE_MS = 1000
"""Between a slice's end and the next one's start; chosen: a recorder that was stopped for longer begins a part."""

_MOSTLY_WHOLE = 0.6  # chosen: share of a part's chunks that are complete files
_FEW_EMPTY = 0.5  # chosen: number of empty chunks for each slice
_HANDED_OVER_MS = 35
"""Between the end of a slice's last packet and its `dataavailable` after `stop()` (measured: 3 to 78 ms in Chrome)."""
_RESTARTED_MS = 1
"""Between a slice's `dataavailable` and the start of the next recorder in its handler (measured: 1 ms)."""
_AT_ONCE_MS = (-100, 80)
"""Chosen: how much earlier or later than that a noted start may be (measured: up to 78 ms in Chrome)."""
_UNNOTED_BYTES = 1 << 20
"""Chosen: a file without a noted start is a slice up to a minute at 128 kb/s; longer ones are parts of their own."""
_MOST_DROPPED = 1.2  # chosen: how much longer than its samples a slice may have lasted
_ALIKE = 2.0  # chosen, a ratio: how much larger or smaller than others a slice without a noted start is


# -- slices in one part


def are_slices(surveys: Sequence[ChunkSurvey]) -> bool:
    """Whether a part's chunks are complete files, each with a header and sound of its own."""
    sounding = [one for one in surveys if one.digests]
    whole = [one for one in sounding if one.has_header]
    are_enough = len(whole) >= LEAST_SLICES or bool(on_one_clock(whole))
    return are_enough and len(whole) >= _MOSTLY_WHOLE * len(sounding)


def lost_with_header(
    empty: Sequence[ChunkRef], surveys: Sequence[ChunkSurvey], entry: PartEntry | None
) -> list[ChunkRef]:
    """The empty chunks that are lost slices: each has a header at least, and there are slices before and after.

    What the recorder noted to be empty was, and so were as many that they are its way.
    """
    numbers = [one.chunk.seq for one in surveys] or [0]
    noted = {one.seq for one in entry.chunks} if entry else set[int]()
    lost = [one for one in empty if min(numbers) < one.seq < max(numbers) and one.seq not in noted]
    return lost if are_slices(surveys) and len(lost) <= _FEW_EMPTY * len(surveys) else []


def starts_of(
    clock: SliceClock,
    entry: PartEntry | None,
    noted: Mapping[int, float],
    is_damaged: Callable[[ChunkSurvey], bool],
) -> list[float | None]:
    """When slices were started on the session clock, in ms, by the one they share, else as noted: `noted` by number.

    One that `is_damaged` is taken to have been as long as others.
    """
    slices = clock.slices
    emitted = {one.seq: one.emitted_ms for one in entry.chunks if one.emitted_ms is not None} if entry else {}
    steps_ms = {n: ms - emitted[n - 1] for n, ms in emitted.items() if n - 1 in emitted}
    lengths_ms = {number: _lasted_ms(one, steps_ms.get(number, 0)) for number, one in slices if not is_damaged(one)}
    usual_ms = median(lengths_ms.values()) if lengths_ms else 0.0
    known = dict(noted)
    if entry and entry.start_ms is not None and slices:
        known.setdefault(min([slices[0][0], *(one.seq for one in entry.chunks)]), entry.start_ms)
    return clock.starts_of([_start_of(n, lengths_ms.get(n, usual_ms), emitted, known.get(n)) for n, _ in slices])


def _lasted_ms(one: ChunkSurvey, step_ms: float) -> float:
    """How long a slice lasted: by its times, which know of dropped sound, unless a time is wrong.

    In a busy page most of the sound may be dropped, up to its last packet, where it is handed over `step_ms` after the
    one before.
    """
    last_ms = one.times_ms[-1] + one.durations[-1] / SAMPLES_PER_MS if one.times_ms else 0.0
    if one.length_ms <= last_ms <= step_ms:
        return last_ms
    by_time_ms = one.end_ms or 0.0
    return by_time_ms if one.length_ms <= by_time_ms <= one.length_ms * _MOST_DROPPED else one.length_ms


def _start_of(number: int, length_ms: float, emitted: Mapping[int, float], noted_ms: float | None) -> float | None:
    if noted_ms is not None:
        return noted_ms
    before_ms, own_ms = emitted.get(number - 1), emitted.get(number)
    if own_ms is None:
        return None if before_ms is None else before_ms + _RESTARTED_MS
    by_length_ms = own_ms - length_ms - _HANDED_OVER_MS
    at_once = before_ms is not None and _AT_ONCE_MS[0] <= by_length_ms - before_ms <= _AT_ONCE_MS[1]
    return before_ms + _RESTARTED_MS if at_once and before_ms is not None else by_length_ms


def stride_of(slices: Sequence[tuple[int, ChunkSurvey]], starts_ms: Sequence[float | None]) -> float:
    """How long after a slice the next one begins, in ms: by the starts of neighbours, else by how long they last."""
    timed = [(number, ms) for (number, _), ms in zip(slices, starts_ms, strict=True) if ms is not None]
    steps = [b_ms - a_ms for (a, a_ms), (b, b_ms) in pairwise(timed) if b == a + 1]
    lengths = [one.length_ms for _, one in slices if one.digests]
    return median(steps or lengths or [0.0])


def runs_of(
    part: str,
    clock: SliceClock,
    entry: PartEntry | None,
    starts_ms: Sequence[float | None],
    gone: Sequence[int],
) -> Iterator[RecorderRun]:
    """A run for each slice, still without its pieces; `gone` are the numbers of slices that are missing."""
    slices = clock.slices
    stride_ms = stride_of(slices, starts_ms)
    gone = [*gone, *(number for number, one in slices if not one.digests)]
    before = -1
    for index, ((number, one), start_ms) in enumerate(zip(slices, starts_ms, strict=True)):
        after = [n for n in gone if n > number] if index == len(slices) - 1 else []
        run = RecorderRun(part, part, [], entry_of(number, one, entry, start_ms, after), one.has_header)
        run.missing_after, run.chunk_ms = after, stride_ms
        run.ticks_per_ms, run.opener, run.clock_ms = one.ticks_per_ms, one.chunk, clock.shows_ms(one.chunk)
        lost, is_last = sum(before < n < number for n in gone), index == len(slices) - 1
        lost_ms = clock.lost_ms(one.chunk) or lost * stride_ms
        lost = max(lost, 1 if lost_ms else 0)
        run.slice = Slice(part, not index, start_ms, lost, lost_ms, length_ms=one.length_ms, last=is_last)
        before = number if one.digests else before
        yield run


def entry_of(
    number: int, one: ChunkSurvey, entry: PartEntry | None, start_ms: float | None, after: Sequence[int]
) -> PartEntry:
    """What the recorder noted of one slice; `after` are the numbers of slices that are missing behind it."""
    if entry is None:
        return PartEntry(part=one.chunk.part)
    chunks = [noted for noted in entry.chunks if noted.seq == number or noted.seq in after]
    end_ms = (start_ms or 0.0) + one.length_ms
    pauses = [p for p in entry.pauses if start_ms is not None and start_ms <= p.start_ms < end_ms]
    return replace(entry, start_ms=start_ms, pauses=pauses, chunks=chunks)


# -- slices in a part each


def groups_of(parts: Mapping[str, Sequence[ChunkRef]], session: SessionDocument) -> dict[str, list[str]]:
    """The parts of each recording that has a part for each slice, by the first of them."""
    groups: dict[str, list[str]] = {}
    row: list[str] = []
    for part, listed in parts.items():
        if row and not (len(listed) == 1 and _follows(row[-1], part, parts, session)):
            groups.update(_group(row))
            row = []
        if len(listed) == 1:
            row.append(part)
    groups.update(_group(row))
    return groups


def _group(row: Sequence[str]) -> dict[str, list[str]]:
    return {row[0]: list(row)} if len(row) >= LEAST_SLICES else {}


def _follows(before: str, part: str, parts: Mapping[str, Sequence[ChunkRef]], session: SessionDocument) -> bool:
    """Whether a part is the next slice of a recording, or the first behind some that are missing."""
    a, b = part_entry(session.parts, before), part_entry(session.parts, part)
    if any(entry and len(entry.chunks) > 1 for entry in (a, b)) or not (before.isdecimal() and part.isdecimal()):
        return False
    if a and b and a.start_ms is not None and b.start_ms is not None:
        ended_ms = _ended_ms(a)
        steps = int(part) - int(before)
        if ended_ms is None or b.start_ms <= a.start_ms:
            return False
        stride_ms = ended_ms - a.start_ms + _MOST_PAUSE_MS
        return b.start_ms - a.start_ms <= stride_ms * steps
    sizes = [parts[name][0].object.size_bytes for name in (before, part)]
    return a == b is None and max(sizes) < _UNNOTED_BYTES and max(sizes) <= _ALIKE * max(1, min(sizes))


def _ended_ms(entry: PartEntry) -> float | None:
    if entry.stop_ms is not None:
        return entry.stop_ms
    return entry.chunks[0].emitted_ms if entry.chunks else None


class SlicedParts(Struct, frozen=True):
    """Parts of one slice each, seen as one part: its chunks are numbered as the parts are; `parts` are their names."""

    name: str
    listed: list[ChunkRef]
    entry: PartEntry
    starts_ms: dict[int, float]
    names: Renumbered
    parts: Sequence[str]

    def place_of(self, part: str) -> Slice:
        """The place of one of the parts, as it was noted."""
        numbers = [chunk.seq for chunk in self.listed]
        number = int(part)
        index = numbers.index(number)
        lost = number - numbers[index - 1] - 1 if index else 0
        timed = [(n, self.starts_ms[n]) for n in numbers if n in self.starts_ms]
        steps = [b_ms - a_ms for (a, a_ms), (b, b_ms) in pairwise(timed) if b == a + 1]
        stride_ms, is_last = median(steps or [0.0]), number == numbers[-1]
        return Slice(self.name, not index, self.starts_ms.get(number), lost, lost * stride_ms, last=is_last)


def as_one_part(names: Sequence[str], parts: Mapping[str, Sequence[ChunkRef]], session: SessionDocument) -> SlicedParts:
    """Parts of one slice each as one part."""
    originals = {ChunkRef(parts[name][0].object, names[0], int(name)): parts[name][0] for name in names}
    numbers = range(int(names[0]), int(names[-1]) + 1)
    entries = {n: entry for n in numbers if (entry := part_entry(session.parts, str(n)))}
    whole = PartEntry(
        part=names[0],
        mime_type=next((entry.mime_type for entry in entries.values()), None),
        stop_ms=entries[numbers[-1]].stop_ms if numbers[-1] in entries else None,
        pauses=[pause for entry in entries.values() for pause in entry.pauses],
        chunks=list(_noted(entries)),
    )
    starts_ms = {n: entry.start_ms for n, entry in entries.items() if entry.start_ms is not None}
    return SlicedParts(names[0], list(originals), whole, starts_ms, Renumbered(originals), names)


def _noted(entries: Mapping[int, PartEntry]) -> Iterator[ChunkEntry]:
    for number, entry in entries.items():
        noted = entry.chunks[0] if entry.chunks else ChunkEntry(seq=0)
        yield replace(noted, seq=number)
