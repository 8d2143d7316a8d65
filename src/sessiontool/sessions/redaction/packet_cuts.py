"""Stretches of sound that go, as whole packets: which ones, what stands in their place, and what is counted as kept.

A packet sounds on into the next, and what it holds begins before its own start for the encoder.  So a stretch is
widened by as much as the codec needs, and then outward to whole packets.  The packet behind it goes as well where it
has a copy of the last one, for the case that that is lost.

Where one voice alone goes, some packets around the stretch are encoded again with it, so that the decoder comes into
what is encoded again, and out of it, with about the state that the encoder had.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from ...media.packets import PacketDigest
from ...model import SAMPLES_PER_MS
from .places import Stretch, joined
from .silencing import silencing_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ...media.filler import SoundHead

_SETTLING = 60 * SAMPLES_PER_MS
"""So much sound is encoded again on both sides of a voice that goes alone, in samples; measured: twice as much makes no
difference."""
VOICE_ROOM = 65 * SAMPLES_PER_MS, 25 * SAMPLES_PER_MS
"""How far into its silence a voice that goes alone may sound on, and sound before its end: a frame of 20 ms has
some of what is around it, and the encoder comes to rest within three (measured); in samples."""


class Kept(Struct, frozen=True):
    """Packets between two cuts, byte for byte as they were; or those of a cut that were encoded again."""

    packets: int
    size_bytes: int
    sha256: str

    def to_json(self) -> dict[str, Any]:
        return {"packets": self.packets, "bytes": self.size_bytes, "sha256": self.sha256}


class Cut(Struct, frozen=True):
    """Packets that go, `first` to `after` (exclusive), and their place in output samples.

    With `beep` a tone stands in their place.  With `channel` they are encoded again, as `encoded`, and that channel
    alone is silent in them, from and to `silent` (output samples).
    """

    first: int
    after: int
    start: int
    end: int
    beep: bool = False
    channel: int | None = None
    silent: Stretch = (0, 0)
    encoded: Kept | None = None

    @property
    def gone(self) -> Stretch:
        """Where it is silent, or there is a tone."""
        return (self.start, self.end) if self.channel is None else self.silent

    def to_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"packets": [self.first, self.after], "output_samples": [self.start, self.end]}
        if self.beep:
            found["beep"] = True
        if self.channel is not None and self.encoded:
            found |= {"channel": self.channel, "silent": list(self.silent), "encoded": self.encoded.to_json()}
        return found


class Wanted(Struct, frozen=True):
    """Stretches of output samples that go: all of the sound, or one channel alone; with `beep` a tone is put there."""

    stretch: Stretch
    channel: int | None = None
    beep: bool = False


def find_cuts(packets: Iterable[bytes], head: SoundHead, wanted: Iterable[Wanted]) -> list[Cut]:
    """The packets that go, in order (RecordingError for a codec that cannot be silenced).

    Where packets of one voice alone would be others' as well, both voices go there.
    """
    silencing, length_of = silencing_of(head), head.lengths()
    edges, copies = array("q", (-head.pre_skip,)), set()
    for number, packet in enumerate(packets):
        edges.append(edges[-1] + length_of(packet))
        if silencing.carries_copy(packet):
            copies.add(number)
    asked = list(wanted)
    whole = [one for one in asked if one.channel is None]
    alone = [one for one in asked if one.channel is not None]
    settling = 0 if head.codec == "pcm" else _SETTLING
    while True:
        cuts = list(_whole_cuts(whole, edges, copies, silencing.overlap))
        voices = list(_voice_cuts(alone, edges, silencing.overlap, settling))
        mixed = _in_conflict(cuts, voices)
        if not mixed:
            return sorted([*cuts, *voices], key=lambda cut: cut.first)
        whole += [Wanted(cut.silent) for cut in mixed]
        alone = [one for one in alone if not any(_overlap(one.stretch, cut.silent) for cut in mixed)]


def _inside(stretch: Stretch, edges: Sequence[int]) -> tuple[int, int]:
    """The packets that a stretch touches, from and to (exclusive)."""
    first = max(0, bisect_right(edges, stretch[0]) - 1)
    return first, min(len(edges) - 1, bisect_left(edges, stretch[1]))


def _whole_cuts(wanted: Sequence[Wanted], edges: Sequence[int], copies: set[int], overlap: int) -> Iterator[Cut]:
    found = []
    for one in joined((a - overlap, b + overlap) for a, b in (each.stretch for each in wanted)):
        first, after = _inside(one, edges)
        if first < after:
            found.append((first, after + (after in copies)))
    for first, after in joined(found):
        cut = Cut(first, after, max(0, edges[first]), max(0, edges[after]))
        yield replace(cut, beep=any(one.beep and _overlap(one.stretch, cut.gone) for one in wanted))


def _voice_cuts(wanted: Sequence[Wanted], edges: Sequence[int], overlap: int, settling: int) -> Iterator[Cut]:
    room = VOICE_ROOM if settling else (0, 0)
    for channel in sorted({one.channel for one in wanted if one.channel is not None}):
        mine = [one.stretch for one in wanted if one.channel == channel]
        runs = []
        for one in joined((a - overlap - settling - room[0], b + overlap + settling + room[1]) for a, b in mine):
            inner = [(a - overlap - room[0], b + overlap + room[1]) for a, b in mine if one[0] <= a < one[1]]
            runs.append((_inside(one, edges), (min(a for a, _ in inner), max(b for _, b in inner))))
        for (first, after), (start, end) in runs:
            if first < after:
                place = max(0, edges[first]), max(0, edges[after])
                yield Cut(first, after, *place, channel=channel, silent=(max(0, start), min(end, place[1])))


def _in_conflict(cuts: Sequence[Cut], voices: Sequence[Cut]) -> list[Cut]:
    """Those voices' cuts that have packets of another cut."""
    return [
        one
        for one in voices
        if any(
            other is not one and _overlap((one.first, one.after), (other.first, other.after))
            for other in (*cuts, *voices)
        )
    ]


def _overlap(one: Stretch, other: Stretch) -> bool:
    return one[0] < other[1] and other[0] < one[1]


class KeptCount:
    """Counts packets between cuts as they come; `loud` are numbers of packets in cuts that stand there wrongly."""

    def __init__(self, cuts: Sequence[Cut], head: SoundHead) -> None:
        self._silencing = silencing_of(head)
        self._cuts = cuts
        self._edges = [edge for cut in cuts for edge in (cut.first, cut.after)]
        self._number = 0
        self._at = 0  # edges that are passed; odd inside of a cut
        self._kept: list[Kept] = []
        self._open = _OpenRun()
        self.encoded: list[Kept] = []
        """Of each cut in which one voice alone is silent, its packets."""
        self.loud: list[int] = []

    def take(self, packets: Sequence[bytes]) -> None:
        first = 0
        self._pass()
        while first < len(packets):
            edge = self._edges[self._at] if self._at < len(self._edges) else self._number + len(packets)
            some = packets[first : first + edge - self._number]
            cut = self._cuts[self._at // 2] if self._at % 2 else None
            if cut is None or cut.channel is not None:
                self._open.take(some)
            else:
                right = self._silencing.is_replaced
                self.loud += [self._number + n for n, one in enumerate(some) if not right(one, beep=cut.beep)]
            first += len(some)
            self._number += len(some)
            self._pass()

    def _pass(self) -> None:
        while self._at < len(self._edges) and self._edges[self._at] <= self._number:
            if not self._at % 2:
                self._kept.append(self._open.end())
            elif self._cuts[self._at // 2].channel is not None:
                self.encoded.append(self._open.end())
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


def lengths_of(cuts: Sequence[Cut]) -> int:
    """How much sound is silent, or a tone, on one channel at least; samples."""
    return sum(end - start for start, end in joined(cut.gone for cut in cuts))
