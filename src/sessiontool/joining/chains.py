"""Which chunks of a part belong to which recording, and in which order, by what is in them instead of by their numbers.

Needed where the numbers lie: chunks that changed places, a second recorder that wrote into the same folder, a
recorder that was started again.  A chunk's clusters tell when it was recorded; chunks of one recording follow one
another in time.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate, product
from statistics import median_low
from typing import TYPE_CHECKING

from ..containers import begins_recording, open_reader
from ..errors import RecordingError
from ..values import SAMPLE_RATE
from ..webm.reader import WebmReader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..values import ChunkRef
    from ..webm.packets import Packets

_SAME_PLACE_MS = 1000
_CONTINUES_MS = 150
_FEW = 5


@dataclass(frozen=True, slots=True)
class Extent:
    """When a chunk was recorded, in ms of its recorder's clock; `start_ms` is None where it holds no cluster to tell.

    `head_ms` and `tail_ms` are the times of its first packet and of its last packet's end, both in the cluster that
    they belong to: a chunk that continues another begins where that ends.  `noted`: the recorder's list knows a chunk
    like it.
    """

    chunk: ChunkRef
    noted: bool
    has_header: bool
    start_ms: int | None
    end_ms: int
    head_ms: int
    tail_ms: int


@dataclass(slots=True)
class Chain:
    """The chunks of one recording, in order of time."""

    has_header: bool
    extents: list[Extent] = field(default_factory=list)

    @property
    def chunks(self) -> list[ChunkRef]:
        return [extent.chunk for extent in self.extents]

    @property
    def end_ms(self) -> int:
        return max(extent.end_ms for extent in self.extents)

    @property
    def start_ms(self) -> int:
        return min(extent.start_ms or 0 for extent in self.extents)


def begin_ms(run: Packets) -> int:
    """Where a run's first packet begins on the recorder's clock, by the first few: a single time may be damaged."""
    offsets = accumulate(run.durations[:_FEW], initial=0)
    pairs = zip(run.times_ms[:_FEW], offsets, strict=False)
    return median_low(time_ms - offset * 1000 // SAMPLE_RATE for time_ms, offset in pairs)


def end_ms(run: Packets) -> int:
    """Where a run's last packet ends on the recorder's clock, by the last few."""
    offsets = accumulate(reversed(run.durations[-_FEW:]))
    pairs = zip(reversed(run.times_ms[-_FEW:]), offsets, strict=True)
    return median_low(time_ms + offset * 1000 // SAMPLE_RATE for time_ms, offset in pairs)


def start_ms(runs: Sequence[Packets]) -> int | None:
    """Where the first of a chunk's packets begins: the first whose time is known, less those before it.

    None if none is.
    """
    first = next((index for index, run in enumerate(runs) if run.placed), None)
    if first is None:
        return None
    return begin_ms(runs[first]) - sum(sum(run.durations) for run in runs[:first]) * 1000 // SAMPLE_RATE


def extent_of(chunk: ChunkRef, data: bytes, *, noted: bool = False) -> Extent:
    """Read a chunk by itself to see when it was recorded."""
    has_header = begins_recording(data)
    try:
        reader = open_reader(data)
        runs = [*reader.feed(data), *reader.close()]
    except RecordingError:
        runs = []
    if not runs:  # a header alone stands at the beginning, as the first blob of an MP4 recording does
        return Extent(chunk, noted, has_header, 0 if has_header else None, 0, 0, 0)
    last_ms = end_ms(runs[-1])
    cluster_ms = reader.cluster_ms if isinstance(reader, WebmReader) else 0
    return Extent(chunk, noted, has_header, start_ms(runs), last_ms, runs[0].times_ms[0], last_ms - cluster_ms)


def sort_chunks(extents: Sequence[Extent]) -> list[Chain]:
    """Chunks, in order of their numbers, as recordings; the first is that of the first chunk."""
    chains: list[Chain] = []
    for extent in extents:
        if extent.start_ms is None:
            continue
        if not chains or extent.has_header:
            chains.append(Chain(extent.has_header))
            chain = chains[-1]
        else:
            chain = min(chains, key=partial(_gap, extent, chains[-1]))
        chain.extents.append(extent)
    for extent in extents:
        if extent.start_ms is None and chains:
            _put_behind(extent, chains)
    whole = _with_headers(chains)
    for chain in whole:
        chain.extents.sort(key=lambda extent: (extent.start_ms, not extent.has_header, extent.chunk.seq))
    return [part for chain in whole for part in _without_foreign(chain)]


def _gap(extent: Extent, newest: Chain, chain: Chain) -> tuple[bool, bool, bool, int]:
    """How badly a chunk fits to a chain's end: in time, as known to the recorder or not, as begun last, in ms."""
    gap_ms = abs((extent.start_ms or 0) - chain.end_ms)
    return gap_ms > _SAME_PLACE_MS, extent.noted != chain.extents[-1].noted, chain is not newest, gap_ms


def _put_behind(extent: Extent, chains: Sequence[Chain]) -> None:
    """Put a chunk without a cluster behind the chunk whose cluster it continues."""

    def misfit(place: tuple[Chain, Extent]) -> tuple[bool, int]:
        before = place[1]
        return abs(before.tail_ms - extent.head_ms) > _CONTINUES_MS, abs(extent.chunk.seq - before.chunk.seq - 1)

    chain, before = min(((chain, one) for chain in chains for one in chain.extents), key=misfit)
    length_ms = extent.end_ms - extent.head_ms
    placed = replace(
        extent, start_ms=before.end_ms, end_ms=before.end_ms + length_ms, tail_ms=before.tail_ms + length_ms
    )
    chain.extents.append(placed)


def _with_headers(chains: Sequence[Chain]) -> list[Chain]:
    """Chains without a header put behind the one that ends where they begin: their first chunk changed places."""
    whole = [chain for chain in chains if chain.has_header]
    for chain in chains:
        if chain.has_header:
            continue
        head = next((whole_one for whole_one in whole if _holds_what_comes_before(whole_one, chain)), None)
        if head is None:
            whole.append(chain)
        else:
            head.extents += chain.extents
    return sorted(whole, key=lambda chain: min(extent.chunk.seq for extent in chain.extents))


def _holds_what_comes_before(whole: Chain, chain: Chain) -> bool:
    """Whether one chunk ends where `chain` begins, and none was recorded at the same time."""
    pairs = product(whole.extents, chain.extents)
    overlap_ms = max(min(a.end_ms, b.end_ms) - max(a.start_ms or 0, b.start_ms or 0) for a, b in pairs)
    continues = any(abs(chain.start_ms - one.end_ms) <= _SAME_PLACE_MS for one in whole.extents)
    return continues and overlap_ms <= _SAME_PLACE_MS


def displaced(chunks: Sequence[ChunkRef]) -> list[ChunkRef]:
    """The chunks, in their order by content, whose numbers are wrong.

    Those that changed places with one another; or where that would be nearly all, as when one was put far ahead, the
    fewest that have to be taken out for the numbers of the others to rise.
    """
    fewest = _fewest_displaced(chunks)
    numbers = sorted(chunk.seq for chunk in chunks)
    exchanged = [chunk for chunk, number in zip(chunks, numbers, strict=True) if chunk.seq != number]
    return exchanged if len(exchanged) <= 2 * len(fewest) else fewest


def _fewest_displaced(chunks: Sequence[ChunkRef]) -> list[ChunkRef]:
    tails: list[int] = []  # of the best rising row of each length, by index
    before: list[int] = []
    for index, chunk in enumerate(chunks):
        length = bisect_left(tails, chunk.seq, key=lambda tail: chunks[tail].seq)
        before.append(tails[length - 1] if length else -1)
        tails[length : length + 1] = [index]
    rising, index = set(), tails[-1] if tails else -1
    while index >= 0:
        rising.add(index)
        index = before[index]
    return [chunk for index, chunk in enumerate(chunks) if index not in rising]


def _without_foreign(chain: Chain) -> list[Chain]:
    """The chain, and behind it a chain for each chunk that somebody else recorded.

    That is a chunk that lies where another does; and where the recorder's list knows the others, one that it does not
    know and whose number does not fit its place.
    """
    kept: list[Extent] = []
    foreign: list[Extent] = []
    listed = any(extent.noted for extent in chain.extents)
    moved = displaced(chain.chunks) if listed else []
    for extent in chain.extents:
        if listed and not extent.noted and extent.chunk in moved:
            foreign.append(extent)
        elif not kept or (extent.start_ms or 0) > kept[-1].end_ms - _SAME_PLACE_MS:
            kept.append(extent)
        else:
            rivals = (kept.pop(), extent)
            best = min(rivals, key=lambda rival: _misfit(rival, kept))
            kept.append(best)
            foreign.append(rivals[best is rivals[0]])
    return [Chain(chain.has_header, kept), *(Chain(extent.has_header, [extent]) for extent in foreign)]


def _misfit(rival: Extent, kept: Sequence[Extent]) -> tuple[bool, int, int]:
    """How badly a chunk fits behind those kept: unknown to the recorder, then far off in time, then in number."""
    before_ms = kept[-1].end_ms if kept else 0
    number = kept[-1].chunk.seq + 1 if kept else 0
    far = abs((rival.start_ms or 0) - before_ms) // _SAME_PLACE_MS
    return not rival.noted, far, abs(rival.chunk.seq - number)
