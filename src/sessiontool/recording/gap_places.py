"""Which chunks a gap in the sound is of: those that are missing there, or the one that it is in, before or after."""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..model import ChunkRef
    from .survey import ChunkSurvey


_LONGER = 1.5  # times a usual chunk, by what is left of one; chosen: bit rates vary by less


class Lost(Struct, frozen=True):
    """Why bytes are missing before a chunk, how many chunks that is, and their numbers as far as they have any."""

    why: str = ""
    chunks: float = 0.0
    numbers: Sequence[int] = ()

    def and_of(self, other: Lost) -> Lost:
        """What both miss, one after another."""
        return Lost(self.why or other.why, self.chunks + other.chunks, [*self.numbers, *other.numbers])


def cut_short(why: str, one: ChunkSurvey, noted_bytes: int, usual_ms: float) -> Lost:
    """What is lost of a chunk that is shorter than noted: more of one that a busy page handed over late."""
    missing = noted_bytes - one.size_bytes
    if missing <= 0:
        return Lost()
    times_as_long = one.length_ms * noted_bytes / (one.size_bytes * usual_ms) if one.size_bytes and usual_ms else 1.0
    return Lost(why, missing / noted_bytes * (times_as_long if times_as_long > _LONGER else 1.0))


def is_undated(chunks: Sequence[ChunkSurvey], at: int) -> bool:
    """Whether no clock shows how long what is missing before a chunk lasted: its cluster may have begun in that.

    The number of a chunk from another folder says nothing of what is missing here.
    """
    is_brought = bool(at) and _folder(chunks[at - 1]) != _folder(chunks[at])
    return not is_brought and all(one.start_ms is None for one in chunks[at:])


def _folder(one: ChunkSurvey) -> str:
    return one.chunk.object.key.rpartition("/")[0]


class Silence(Struct, frozen=True):
    """Silence in the output that begins behind so many recorded packets, `at_end` of a part."""

    packets: int
    at_end: bool


class GapPlace(Struct, frozen=True):
    """The chunk that a gap is named by: its part and number, and how it reads."""

    part: str
    seq: int
    words: str


class JoinedOrder(Struct):
    """The chunks in the order in which their packets were joined, and the numbers of those that are not there.

    `starts` are the chunks by the count of packets before them, `silences` those of the output by where they begin, and
    `sound` how much each chunk holds, in samples.
    """

    packets: int = 0
    silences: Mapping[int, Silence] = field(default_factory=dict)
    starts: list[tuple[int, ChunkRef]] = field(default_factory=list)
    sound: dict[ChunkRef, int] = field(default_factory=dict)
    lost_before: dict[ChunkRef, Sequence[int]] = field(default_factory=dict)
    lost_after: dict[ChunkRef, Sequence[int]] = field(default_factory=dict)

    def add(self, chunk: ChunkRef, count: int, samples: int) -> None:
        """The next `count` packets, which last for so many samples, are of this chunk."""
        if count and (not self.starts or self.starts[-1][1] != chunk):
            self.starts.append((self.packets, chunk))
        self.packets += count
        self.sound[chunk] = self.sound.get(chunk, 0) + samples

    def rename(self, names: Mapping[ChunkRef, ChunkRef]) -> None:
        """Give chunks other names: those that they have in the store."""
        self.starts = [(count, names.get(chunk, chunk)) for count, chunk in self.starts]
        for lost in (self.lost_before, self.lost_after):
            lost |= {names[chunk]: lost.pop(chunk) for chunk in list(lost) if chunk in names}
        self.sound = {names.get(chunk, chunk): samples for chunk, samples in self.sound.items()}

    def place_of(self, samples: int, verdicts: Mapping[ChunkRef, str]) -> GapPlace | None:
        """The chunk by which the gap at so many samples of the output is named; None where that is not known.

        `verdicts` are those on the chunks.
        """
        silence = self.silences.get(samples)
        if silence is None or not self.starts:
            return None
        after = bisect_right(self.starts, silence.packets, key=lambda start: start[0])
        before = bisect_right(self.starts, silence.packets - 1, key=lambda start: start[0])
        if silence.at_end or after == 0:
            chunk = self.starts[max(0, before - 1)][1]
            return _of(chunk, self.lost_after.get(chunk, ()), "after")
        chunk = self.starts[after - 1][1]
        if after == before:
            return _of(chunk, (), "in")
        numbers = self.lost_before.get(chunk, ())
        if not numbers and before and _is_only_damaged(self.starts[before - 1][1], chunk, verdicts):
            return _of(self.starts[before - 1][1], (), "in")
        return _of(chunk, numbers, "before")


def _of(chunk: ChunkRef, numbers: Sequence[int], where: str) -> GapPlace:
    if not numbers:
        return GapPlace(chunk.part, chunk.seq, f"{where} chunk {chunk.seq}")
    words = f"of chunk {numbers[0]}" if len(numbers) == 1 else f"of chunks {numbers[0]} to {numbers[-1]}"
    return GapPlace(chunk.part, numbers[0], words)


def _is_only_damaged(one: ChunkRef, other: ChunkRef, verdicts: Mapping[ChunkRef, str]) -> bool:
    """Whether the first of two chunks is damaged and the second is not: what is lost between them was its end."""
    return verdicts.get(one, "ok") != "ok" and verdicts.get(other, "ok") == "ok"
