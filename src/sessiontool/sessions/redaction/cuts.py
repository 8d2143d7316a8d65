"""Stretches of sound that go, as whole packets, and a recording without them: silence in their place, of their length.

A packet sounds on into the next, and what it holds begins before its own start for the encoder.  So a stretch is
widened by as much as the codec needs, and then outward to whole packets.  The packet behind it goes as well where it
has a copy of the last one, for the case that that is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING, Any

from ...concat import muxer_for
from ...media.packets import PacketDigest
from .places import Stretch, joined
from .silencing import silencing_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ...media.filler import SoundHead

_AT_ONCE = 1024
"""Packets that are hashed at once; chosen."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Packets that go, `first` to `after` (exclusive), and their place in output samples."""

    first: int
    after: int
    start: int
    end: int

    def to_json(self) -> dict[str, Any]:
        return {"packets": [self.first, self.after], "output_samples": [self.start, self.end]}


@dataclass(frozen=True, slots=True)
class Kept:
    """Packets between two cuts, byte for byte as they were."""

    packets: int
    size_bytes: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        return {"packets": self.packets, "bytes": self.size_bytes, "sha256": self.sha256}


def find_cuts(packets: Iterable[bytes], head: SoundHead, stretches: Iterable[Stretch]) -> list[Cut]:
    """The packets of stretches of output samples (RecordingError for a codec that cannot be silenced)."""
    silencing, length_of = silencing_of(head), head.lengths()
    wanted = joined((start - silencing.overlap, end + silencing.overlap) for start, end in stretches)
    chosen: list[tuple[int, int, int]] = []  # number, start, end
    position, at, is_behind = -head.pre_skip, 0, False
    for number, packet in enumerate(packets):
        end = position + length_of(packet)
        while at < len(wanted) and wanted[at][1] <= position:
            at += 1
        is_inside = at < len(wanted) and wanted[at][0] < end
        if is_inside or (is_behind and silencing.carries_copy(packet)):
            chosen.append((number, position, end))
        is_behind, position = is_inside, end
    return [Cut(run[0][0], run[-1][0] + 1, max(0, run[0][1]), max(0, run[-1][2])) for run in _runs(chosen)]


def _runs(chosen: Sequence[tuple[int, int, int]]) -> Iterator[Sequence[tuple[int, int, int]]]:
    edges = [0, *(place for place, (a, b) in enumerate(pairwise(chosen), 1) if b[0] != a[0] + 1), len(chosen)]
    return (chosen[first:after] for first, after in pairwise(edges) if first < after)


def without(packets: Iterable[bytes], head: SoundHead, cuts: Sequence[Cut]) -> Iterator[bytes]:
    """Packets with silence in the place of those that go."""
    gone, silence_like = iter(cuts), silencing_of(head).silence_like
    cut = next(gone, None)
    for number, packet in enumerate(packets):
        if cut is not None and number >= cut.after:
            cut = next(gone, None)
        yield silence_like(packet) if cut is not None and cut.first <= number else packet


def write_without(
    packets: Iterable[bytes], head: SoundHead, cuts: Sequence[Cut], path: Path, *, writing_app: str, track_uid: int
) -> tuple[Kept, ...]:
    """Write a recording without what goes, to `path`; returns what was kept before, between and behind the cuts."""
    length_of, count = head.lengths(), KeptCount(cuts, head)
    with path.with_suffix(".clusters").open("w+b") as body, path.open("wb") as out:
        muxer = muxer_for(head, body)
        left = without(packets, head, cuts)
        while some := list(islice(left, _AT_ONCE)):
            count.take(some)
            muxer.write(some, list(map(length_of, some)))
        muxer.finish(out, head, writing_app=writing_app, track_uid=track_uid)
    path.with_suffix(".clusters").unlink()
    return count.end()


class KeptCount:
    """Counts packets between cuts as they come; `loud` are numbers of packets in cuts that are no silence."""

    def __init__(self, cuts: Sequence[Cut], head: SoundHead) -> None:
        self._is_silence = silencing_of(head).is_silence
        self._edges = [edge for cut in cuts for edge in (cut.first, cut.after)]
        self._number = 0
        self._at = 0  # edges that are passed; odd inside of a cut
        self._kept: list[Kept] = []
        self._open = _OpenRun()
        self.loud: list[int] = []

    def take(self, packets: Sequence[bytes]) -> None:
        first = 0
        while first < len(packets):
            edge = self._edges[self._at] if self._at < len(self._edges) else self._number + len(packets)
            some = packets[first : first + edge - self._number]
            if self._at % 2:
                self.loud += [self._number + n for n, packet in enumerate(some) if not self._is_silence(packet)]
            else:
                self._open.take(some)
            first += len(some)
            self._number += len(some)
            self._pass()

    def _pass(self) -> None:
        while self._at < len(self._edges) and self._edges[self._at] <= self._number:
            if not self._at % 2:
                self._kept.append(self._open.end())
                self._open = _OpenRun()
            self._at += 1

    def end(self) -> tuple[Kept, ...]:
        """What was kept: one more than there are cuts, where all packets came."""
        return (*self._kept, self._open.end())


class _OpenRun:
    """Packets that follow one another and are kept."""

    def __init__(self) -> None:
        self._packets = self._bytes = 0
        self._digest = PacketDigest()

    def take(self, packets: Sequence[bytes]) -> None:
        self._packets += len(packets)
        self._bytes += sum(map(len, packets))
        self._digest.update(packets)

    def end(self) -> Kept:
        return Kept(self._packets, self._bytes, self._digest.hexdigest())
