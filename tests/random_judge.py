"""Holds a merged result against the truth of a damaged folder: the random judge's verdict.

lost        a whole packet of a recording that must be kept is not in the output.  Packets with the same payload, as
            those of digital silence, are counted, not told apart.
undecided   a whole packet is not in the output, but its bytes from another copy of its chunk are, which differ in its
            payload alone.  Where there is neither a checksum (Ogg has one) nor a hash (session.json has one), nothing
            tells which of the two is what was recorded; a row of zeroes does.
doubled     a packet is there more often than it was recorded
strange     a packet is neither a recorded one, nor silence, nor one that is hurt between its true bounds
misplaced   a whole packet is more than 20 ms from its place in the merge of the undamaged recording, or before one that
            was recorded earlier.  What the tool can know decides:
            * packets that follow one another without a gap form a stretch; it has a place where the time of one of its
              packets (cluster Timestamp, page header, `tfdt`) is written in the same bytes, in one file or across a
              seam.  By how far sound and clock differ between that packet and another, the other may be off as well.
            * of a stretch's packets behind the last one whose time is written, where that ends the recording, nobody
              knows whether they follow at once or after a while in which nothing was recorded, unless session.json says
              when the recorder stopped: they may come later, by up to a second where it does.
            * a stretch without such a packet may begin anywhere, in order; inside it places must fit.
            * two recorders of a browser begin at zero and cut at the same times.  Where the chunks of one lie between
              the other's and there is no session.json, nothing says which belong together: places are not judged.
            * the recording that begins the output is placed from its true start.  Another one, which is joined as a
              part of its own, may be moved as a whole; nobody knows how much lies between the chunks of a stranger of
              whom single chunks are there: of these each stretch may be moved.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate, pairwise
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from random_folder import Folder
    from random_recordings import Packet, Recording
    from random_truth import Truth

TOLERANCE_MS = 20
_STOP_MS = 1000
_BLANK = bytes(24)
SILENCE = {b"\xf8\xff\xfe", b"\xfc\xff\xfe"}


@dataclass(slots=True)
class Verdict:
    """How many packets are wrong in which way.

    `unpublished` are whole, of whatever recording, and not in the output; `gone` are the part's own that are not in it,
    whole or not.
    """

    whole: int = 0
    lost: int = 0
    undecided: int = 0
    doubled: int = 0
    strange: int = 0
    misplaced: int = 0
    worst_ms: float = 0
    unpublished: int = 0
    gone: int = 0

    @property
    def is_right(self) -> bool:
        return not (self.lost or self.doubled or self.strange or self.misplaced)


def judge_output(
    folder: Folder,
    truth: Truth,
    output: Sequence[Packet],
    places_ms: Sequence[Sequence[float]],
    *,
    bare: bool = False,
) -> Verdict:
    """Judge `output`; `places_ms` are, by recording, the packets' places in the merge of it undamaged."""
    seconds = [folder.whole_second] if folder.whole_second else []
    verdict = counted(folder, truth, output, [0], seconds, bare=bare)
    found = find_places(folder.recordings, output, places_ms)
    for place, (source, placed) in enumerate(found.items() if not (folder.is_mixed and bare) else ()):
        kind = "first" if not place else "whole" if source in {0, folder.whole_second} else "pieces"
        clocks = Clocks(folder.recordings[source], truth.whole[source], truth.clocked[source], bare)
        errors = list(clocks.errors({index: ms - places_ms[source][index] for index, ms in placed}, kind))
        verdict.misplaced += sum(abs(error) > TOLERANCE_MS for error in errors)
        verdict.misplaced += disordered(folder.recordings[source], placed, truth.whole[source])
        verdict.worst_ms = max([verdict.worst_ms, *map(abs, errors)])
    return verdict


def counted(
    folder: Folder,
    truth: Truth,
    output: Sequence[Packet],
    own: Sequence[int],
    seconds: Sequence[int],
    *,
    bare: bool = False,
) -> Verdict:
    """Which packets are in `output`, wherever: those of the recordings `own` and of `seconds` must be."""
    recorded = Counter(packet.payload for recording in folder.recordings for packet in recording.packets)
    made = Counter(packet.payload for packet in output)
    needed = _payloads(folder, truth, [*own, *seconds])
    present = _payloads(folder, truth, range(len(folder.recordings)))
    lost = needed - made
    undecided = lost & _either(folder, truth, made) if bare else Counter[bytes]()
    return Verdict(
        whole=needed.total(),
        lost=(lost - undecided).total(),
        undecided=undecided.total(),
        doubled=sum(n - recorded[p] for p, n in made.items() if p in recorded and p not in SILENCE and n > recorded[p]),
        strange=sum(n for p, n in made.items() if p not in recorded and p not in SILENCE and p not in truth.hurt),
        unpublished=(present - made).total(),
        gone=(Counter(packet.payload for source in own for packet in folder.recordings[source].packets) - made).total(),
    )


def _either(folder: Folder, truth: Truth, made: Counter[bytes]) -> Counter[bytes]:
    """The packets of which the output has another copy's bytes, where nothing tells which of the two is right."""
    return Counter(
        folder.recordings[source].packets[index].payload
        for payload, (source, index) in truth.hurt.items()
        if made[payload] and folder.recordings[source].family != "ogg" and _BLANK not in payload
    )


def find_places(
    recordings: Sequence[Recording], output: Sequence[Packet], places_ms: Sequence[Sequence[float]]
) -> dict[int, list[tuple[int, float]]]:
    """By recording, in order of appearance: which packets are in the output, and when.

    Of packets that are alike, that one is taken which best fits the place of the packet before it in the output.
    """
    alike: dict[bytes, list[tuple[int, int]]] = {}
    for source, recording in enumerate(recordings):
        for index, packet in enumerate(recording.packets):
            alike.setdefault(packet.payload, []).append((source, index))
    found: dict[int, list[tuple[int, float]]] = {}
    source, index, moved_ms = -1, -1, 0.0
    for packet in output:
        same = alike.get(packet.payload, [])
        if len(same) > 1:
            same = [(s, i) for s, i in same if source in {s, -1} and i > index]
            same.sort(key=lambda it: abs(places_ms[it[0]][it[1]] + moved_ms - packet.time_ms))
        if not same:
            continue
        source, index = same[0]
        moved_ms = packet.time_ms - places_ms[source][index]
        found.setdefault(source, []).append((index, packet.time_ms))
    return found


def disordered(recording: Recording, placed: Sequence[tuple[int, float]], whole: set[int]) -> int:
    """How many whole packets come before one that was recorded earlier; which of several that are alike, none says."""
    counts = Counter(packet.payload for packet in recording.packets)
    order = [index for index, _ in placed if index in whole and counts[recording.packets[index].payload] == 1]
    return sum(after < before for before, after in pairwise(order))


def _payloads(folder: Folder, truth: Truth, sources: Sequence[int]) -> Counter[bytes]:
    return Counter(
        folder.recordings[source].packets[index].payload for source in sources for index in truth.whole[source]
    )


class Clocks:
    """What is known of the times of a recording's packets."""

    def __init__(self, recording: Recording, whole: set[int], clocked: set[int], bare: bool) -> None:
        self._whole = whole
        self._clocked = clocked
        self._most_late_ms = math.inf if bare else _STOP_MS
        self._is_checked = recording.family == "ogg"
        ends_ms = accumulate((packet.length_ms for packet in recording.packets), initial=0.0)
        self._drift = [packet.time_ms - end_ms for packet, end_ms in zip(recording.packets, ends_ms, strict=False)]

    def errors(self, off: dict[int, float], kind: str) -> Iterator[float]:
        """How far each packet is off, less what its clock does not tell; `off` is its place less the true one."""
        stretches = list(_stretches(self._whole | off.keys()))
        anchors = [[index for index in stretch if index in self._clocked] for stretch in stretches]
        moved = 0.0
        if kind == "whole":
            moved = median([off[index] for group in anchors for index in group if index in off] or [0.0])
        for number, stretch in enumerate(stretches):
            kept = [index for index in stretch if index in off and index in self._whole]
            if not anchors[number] or kind == "pieces":
                start = median([off[index] for index in kept]) if kept else 0.0
                yield from (off[index] - start for index in kept)
                continue
            is_last = number == len(stretches) - 1 and not self._is_checked
            tail = [index for index in kept if is_last and index > anchors[number][-1]]
            late = median([off[index] - moved for index in tail]) if tail else 0.0
            late = late if 0 < late <= self._most_late_ms else 0.0
            for index in kept:
                nearest = min(anchors[number], key=lambda anchor, index=index: abs(anchor - index))  # type: ignore[misc]
                slack = abs(self._drift[index] - self._drift[nearest])
                error = off[index] - moved - (late if index in tail else 0.0)
                yield math.copysign(max(0.0, abs(error) - slack), error)


def _stretches(indices: set[int]) -> Iterator[list[int]]:
    """Indices that follow one another."""
    stretch: list[int] = []
    for index in sorted(indices):
        if stretch and index != stretch[-1] + 1:
            yield stretch
            stretch = []
        stretch.append(index)
    if stretch:
        yield stretch
