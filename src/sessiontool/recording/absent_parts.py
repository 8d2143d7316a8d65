"""Parts that the recorder noted and of which the store has nothing: all of their sound is lost.

Nothing of such a part is read, so nothing else sees that it is missing.  Where it was noted when it was recorded, its
time is filled with silence: at the beginning and the end of the session, too.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ..model import Finding
from .sequence import part_entry

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from ..concat import Remuxer
    from ..documents.models import PartEntry
    from ..media.filler import SoundHead

_LEAST_MS = 1000.0
"""Chosen: a part that was stopped sooner may have handed out no blob that holds sound."""
_MOST_PARTS = 1000
"""Parts that are counted; chosen: more are no numbers of one session's parts."""
_HINT = "look for its chunks where the uploads come from; put in their place, the next merge uses them"


class AbsentParts:
    """The noted parts of which there is no chunk, and what is to be said of them.

    `parts` are the names of those in the store; where some of them are not noted, they may be the same by other names,
    and nothing is said to be missing but that.  Of each of `sliced`, recordings with a part for each slice, what is
    missing between slices is named and filled elsewhere.
    """

    def __init__(
        self, entries: Sequence[PartEntry], parts: Collection[str], sliced: Iterable[Sequence[str]] = ()
    ) -> None:
        there = {id(entry) for part in parts if (entry := part_entry(entries, part))}
        places = [[place for place, entry in enumerate(entries) if _is_among(entry, names)] for names in sliced]
        between = {place for some in places if some for place in range(min(some), max(some))}
        following = ((one, part_entry(entries, other)) for one, other in pairwise(parts))
        self._next_ms = {part: entry.start_ms for part, entry in following if entry}
        self._absent = [
            entry
            for place, entry in enumerate(entries)
            if id(entry) not in there and place not in between and _has_sound(entry)
        ]
        self._skipped = [] if entries or places else skipped_numbers(parts)
        self._unnoted = [part for part in parts if part_entry(entries, part) is None]
        timed = [entry for entry in self._absent if entry.start_ms is not None and entry.role is None]
        self._filled: set[int] = set()  # by identity
        self._unfilled = [] if self._unnoted else sorted(timed, key=lambda entry: entry.start_ms or 0.0)

    def fill(self, remuxer: Remuxer, head: SoundHead, until_us: int | None) -> None:
        """Fill the time of those that began before a part that does, with its kind of silence.

        `until_us` is the session clock at that part's start; where that is unknown, where the others belong is, too.
        """
        if until_us is None:
            self._unfilled.clear()
        while self._unfilled and until_us is not None and _us(self._unfilled[0].start_ms) < until_us:
            entry = self._unfilled.pop(0)
            start_us = max(_us(entry.start_ms), remuxer.session_end_us or _us(entry.start_ms))
            end_us = min(until_us, _us(entry.start_ms) + _us(noted_length_ms(entry)))
            lost_ms = (end_us - start_us) // 1000
            if 0 < lost_ms <= remuxer.room_ms:
                self._filled.add(id(entry))
                remuxer.lose_part(entry.part, head, start_us, lost_ms)

    def next_start_ms(self, part: str) -> float | None:
        """When the recorder of the part behind it was started, on the session clock, as far as that is noted."""
        return self._next_ms.get(part)

    def findings(self) -> Iterator[Finding]:
        """One for each."""
        if self._absent and self._unnoted:
            yield Finding(
                "parts-not-noted",
                "warning",
                f"session.json notes part {self._absent[0].part[:80]}, of which there is no chunk, and says nothing of "
                f"part {self._unnoted[0]}: what it notes was not used",
                part=self._unnoted[0],
                hint="name parts in session.json as the keys of their chunks do",
            )
            return
        for entry in self._absent:
            count = f" ({len(entry.chunks)} were noted)" if entry.chunks else ""
            yield Finding(
                "chunk-missing",
                "error",
                f"all chunks of part {entry.part[:80]} are missing{count}",
                part=entry.part,
                seq=entry.chunks[0].seq if entry.chunks else None,
                lost_ms=None if id(entry) in self._filled else noted_length_ms(entry),
                hint=_HINT,
            )
        for number in self._skipped:
            message = f"all chunks of part {number} are missing: there are parts before and after it"
            yield Finding("chunk-missing", "error", message, part=str(number), hint=_HINT)


def skipped_numbers(parts: Collection[str]) -> list[int]:
    """The numbers that parts do not have which are counted, where nothing but their names is known.

    Names that skip more numbers than there are parts, or are as large as times are, count nothing.
    """
    numbers = {int(part) for part in parts if part.isdecimal()}
    if len(numbers) < len(parts) or not numbers:
        return []
    first = min(numbers) if min(numbers) <= 1 else 0
    skipped = [number for number in range(first, max(numbers))[:_MOST_PARTS] if number not in numbers]
    return skipped if len(skipped) <= len(numbers) else []


def _us(ms: float | None) -> int:
    return round((ms or 0.0) * 1000)


def _is_among(entry: PartEntry, names: Sequence[str]) -> bool:
    return any(part_entry([entry], name) is entry for name in names)


def _has_sound(entry: PartEntry) -> bool:
    """Whether a part was handed out: by its chunks, or else by how long it was recorded."""
    if entry.chunks:
        return any(chunk.bytes != 0 for chunk in entry.chunks)
    return (noted_length_ms(entry) or 0.0) >= _LEAST_MS


def noted_length_ms(entry: PartEntry) -> float | None:
    """How long a part was recorded, without its pauses; None where that was not noted."""
    emitted_ms = [chunk.emitted_ms for chunk in entry.chunks if chunk.emitted_ms is not None]
    end_ms = entry.stop_ms if entry.stop_ms is not None else max(emitted_ms, default=None)
    if entry.start_ms is None or end_ms is None:
        return None
    paused_ms = sum(pause.end_ms - pause.start_ms for pause in entry.pauses if pause.end_ms <= end_ms)
    return max(0.0, end_ms - entry.start_ms - paused_ms)
