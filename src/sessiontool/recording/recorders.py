"""Which recorder run each chunk of a part belongs to, by headers, times and what the recorder noted.

Several runs share a part where a recorder was started again in the same folder, and where two were at work at once.
"""

from __future__ import annotations

from functools import partial
from itertools import pairwise, product
from statistics import median
from typing import TYPE_CHECKING

from msgspec import Struct, field

from ..media.probe import begins_recording
from .gap_places import Lost
from .sequence import places_of, taken_by_moved
from .survey import torn_between
from .time_groups import STEP_MS, looks_like_a_bit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..model import ChunkRef
    from .survey import ChunkSurvey

    IsNoted = Callable[[ChunkSurvey], bool]

SAME_PLACE_MS = 1000
"""Chunks of one run follow one another this closely; more is a gap.  Chosen: above what a busy page delays (660 ms)."""

CONTINUES_MS = 150
"""So far apart are the times of two chunks mostly where one goes on in the cluster of the other (chosen)."""

_LEAST_GAP_MS = 100.0  # chosen: more than a packet and its jitter
_ODD_SHARE = 0.5  # of a chunk; chosen: more than a busy page drops at once of one of 2 s (measured: 660 ms)
_NOTABLE_SHARE = 0.05  # of a chunk; chosen: of less, the bytes that are damaged say how long they lasted


class Chain(Struct):
    """The chunks of one recorder run in their order; `moved` are those whose numbers are wrong.

    `is_rest`: a later run wrote over its first chunks (`overwritten`).
    """

    chunks: list[ChunkSurvey]
    moved: list[ChunkRef] = field(default_factory=list)
    is_rest: bool = False

    @property
    def has_header(self) -> bool:
        return any(one.has_header for one in self.chunks)

    @property
    def begins_with_header(self) -> bool:
        """Whether a header is there, in one chunk or cut: Chrome's first blob may be one byte (measured)."""
        first = b"".join(one.head_bytes for one in self.chunks[:2])
        return self.has_header or begins_recording(first)

    @property
    def packets(self) -> int:
        return sum(len(one.digests) for one in self.chunks)

    @property
    def length_ms(self) -> float:
        """How much sound is in its chunks: packets of one recorder are longer than those of another."""
        return sum(one.length_ms for one in self.chunks)

    @property
    def kinds(self) -> frozenset[int]:
        """The kinds of its packets; see `packet_kinds`."""
        return frozenset[int]().union(*(one.kinds for one in self.chunks))

    @property
    def start_ms(self) -> float:
        return min((one.start_ms for one in self.chunks if one.start_ms is not None), default=0.0)

    @property
    def end_ms(self) -> float:
        return max((one.end_ms for one in self.chunks if one.end_ms is not None), default=0.0)

    @property
    def first_free(self) -> int:
        """Where the first chunk may be that is put in: nothing comes before a header."""
        return int(bool(self.chunks) and self.chunks[0].has_header)

    @property
    def numbers(self) -> tuple[int, int]:
        """The lowest and the highest number of its chunks."""
        return min(one.chunk.seq for one in self.chunks), max(one.chunk.seq for one in self.chunks)

    @property
    def taken(self) -> set[int]:
        """The numbers that chunks with wrong ones would have by their places."""
        return taken_by_moved([one.chunk for one in self.chunks], self.moved, self.goes_on_at)

    @property
    def is_joined(self) -> bool:
        """Whether any of its chunks goes on with the one before."""
        return any(self.goes_on_at(place) for place in range(1, len(self.chunks)))

    @property
    def odd_ones(self) -> list[ChunkSurvey]:
        """Chunks that go on with no other, and are not as much later than the one before as their numbers say."""
        usual_ms = median([one.length_ms for one in self.chunks if one.digests] or [0.0])
        joined = [self.goes_on_at(place) for place in range(len(self.chunks))]
        found: list[ChunkSurvey] = []
        for (before, one), goes_on in zip(pairwise(self.chunks), pairwise([*joined[1:], False]), strict=True):
            if before.start_ms is not None and one.start_ms is not None and not any(goes_on):
                off_ms = one.start_ms - before.start_ms - usual_ms * (one.chunk.seq - before.chunk.seq)
                found += [one] if abs(off_ms) > _ODD_SHARE * usual_ms else []
        return found

    def goes_on_at(self, place: int) -> bool:
        """Whether the times of a chunk go on right where those of the one before end: nothing is missing there."""
        one = self.chunks[place]
        if place == 0:
            return one.has_header or (one.start_ms is not None and one.start_ms <= _LEAST_GAP_MS)
        before = self.chunks[place - 1]
        if one.follows == before.chunk:
            return True
        if one.start_ms is None and not one.is_torn_at_start:
            goes_on = -STEP_MS <= one.head_ms - before.tail_ms <= _LEAST_GAP_MS
            return goes_on and self._missing_ms(place) < max(_LEAST_GAP_MS, one.length_ms / 2)
        if before.end_ms is None or one.start_ms is None:
            return False
        return one.start_ms - before.end_ms <= _LEAST_GAP_MS

    def _missing_ms(self, place: int) -> float:
        """How much longer the time around a chunk without a base is than the sound in it; 0 where no clock says it."""
        first = next((at for at in range(place - 1, -1, -1) if self.chunks[at].end_ms is not None), None)
        last = next((at for at in range(place, len(self.chunks)) if self.chunks[at].start_ms is not None), None)
        if first is None or last is None:
            return 0.0
        passed_ms = (self.chunks[last].start_ms or 0.0) - (self.chunks[first].end_ms or 0.0)
        return passed_ms - sum(one.length_ms for one in self.chunks[first + 1 : last])

    def has_room_at(self, place: int, missing_ms: float) -> bool:
        """Whether the time before a chunk may be that of others, by half of what they would have lasted."""
        end_ms, start_ms = self.chunks[place - 1].end_ms if place else None, self.chunks[place].start_ms
        return end_ms is None or start_ms is None or start_ms - end_ms >= missing_ms / 2

    def is_off_by_a_bit_at(self, place: int) -> bool:
        """Whether a chunk goes on in the cluster of the one before, and one wrong bit of its own is what is between."""
        before, one = self.chunks[place - 1 : place + 1] if place else (None, None)
        if before is None or one is None or before.end_ms is None or one.start_ms is None:
            return False
        goes_on = one.counts_from_before and abs(one.head_ms - before.tail_ms) <= STEP_MS
        apart_ms = one.start_ms - before.end_ms
        is_a_chunk = abs(apart_ms - before.length_ms) <= SAME_PLACE_MS / 2
        return goes_on and not is_a_chunk and looks_like_a_bit(apart_ms, one.ticks_per_ms)

    def begins_late(self, place: int) -> bool:
        """Whether a chunk begins in a cluster that begins neither in it nor in the one before: its beginning is lost.

        Where that one is lost as well, the others say whether chunks begin with a cluster of their own.
        """
        one = self.chunks[place]
        if not place or one.follows or not one.counts_from_before:
            return False
        before = self.chunks[place - 1]
        if before.chunk.seq == one.chunk.seq - 1:
            return not self.goes_on_at(place) and abs(one.head_ms - before.tail_ms) > CONTINUES_MS
        others = [other for other in self.chunks[1:] if other is not one and other.digests]
        return sum(other.counts_from_before for other in others) * 2 < len(others)

    def ends_whole(self, place: int) -> bool:
        """Whether the next chunk goes on in the block that one ends in: nothing is missing of its end."""
        pair = self.chunks[place : place + 2]
        return len(pair) > 1 and goes_on_in_a_block(*pair)

    def torn_at(self, place: int, usual_ms: float) -> Lost:
        """Why a chunk does not go on with the one before, and how much of one of them is missing by its sound."""
        before, one = self.chunks[place - 1 : place + 1]
        if one.follows == before.chunk:
            return Lost()
        why = torn_between(before, one)
        if not why and one.dialect and not one.dialect.has_clock:
            return Lost()  # one packet goes on in it, and what is damaged inside shows in its bytes
        torn = one if one.is_torn_at_start else before
        may_be_short = torn is one and place == len(self.chunks) - 1  # the last one mostly is
        share = 1 - torn.length_ms / usual_ms if usual_ms and not may_be_short else 0.0
        return Lost(why, share if share > _NOTABLE_SHARE else 0.0)


def goes_on_in_a_block(before: ChunkSurvey, after: ChunkSurvey) -> bool:
    """Whether the bytes show that a chunk goes on in the cluster of another one, whatever its clock says."""
    in_a_block = before.ends_in_a_block and after.begins_in_a_block
    return in_a_block and abs(after.head_ms - before.tail_ms) <= CONTINUES_MS


def goes_on_as_another(chain: Chain, later: Chain) -> bool:
    """Whether a run begins with its header behind chunks that go on with one another: it is of the next recorder."""
    return chain.is_joined and later.chunks[0].has_header and chain.numbers[1] < later.numbers[0]


def is_a_run(chain: Chain) -> bool:
    """Whether it is a recording of its own: with a header, or at least two chunks that follow one another."""
    timed = [one for one in chain.chunks if one.start_ms is not None]
    follows = any(abs((b.start_ms or 0) - (a.end_ms or 0)) <= SAME_PLACE_MS for a, b in pairwise(timed))
    in_a_cluster = any(map(_is_in_cluster_of, chain.chunks, chain.chunks[1:]))
    return chain.has_header or follows or in_a_cluster


def _is_in_cluster_of(before: ChunkSurvey, one: ChunkSurvey) -> bool:
    """Whether a chunk without a clock goes on in the cluster of the one before."""
    is_untimed = one.start_ms is None and bool(one.digests) and before.start_ms is not None
    return is_untimed and abs(one.head_ms - before.tail_ms) <= CONTINUES_MS


def correct_ends(surveys: Sequence[ChunkSurvey]) -> None:
    """Of chunks that last longer by their clock than by their sound: believe the sound where another goes on with it.

    One wrong bit in the duration of an MP4's sample moves the end alone, as one in the base of a chunk's last cluster
    does: then others may begin before that end.
    """
    timed = [one for one in surveys if one.start_ms is not None and one.end_ms is not None]
    for one in timed:
        by_sound_ms = (one.start_ms or 0.0) + one.length_ms
        late_ms = (one.end_ms or 0.0) - by_sound_ms
        if late_ms <= SAME_PLACE_MS:
            continue
        starts_ms = [(other.start_ms or 0.0) - by_sound_ms for other in timed if other is not one]
        goes_on = any(abs(ms) <= SAME_PLACE_MS for ms in starts_ms)
        is_a_bit = looks_like_a_bit(late_ms, one.ticks_per_ms)
        if goes_on or (is_a_bit and any(0 < ms < late_ms for ms in starts_ms)):
            one.end_ms = by_sound_ms


def by_recorder(group: Sequence[ChunkSurvey], is_noted: IsNoted, is_listed: IsNoted) -> list[list[ChunkSurvey]]:
    """The chunks of one dialect by recorder run.

    A header begins one, and times say which the others go on with.  What the recorder listed goes on with what it
    listed and nothing else, and what it noted as it is with what has such chunks.  Two
    recorders at work at once show in chunks that were recorded at the same time, also where one has lost its header.
    """
    timed = [one for one in group if one.start_ms is not None]
    listed, others = ([one for one in timed if is_listed(one) == wanted] for wanted in (True, False))
    chains = _with_single_ones([*_in_time(listed, is_noted), *_in_time(others, is_noted)], is_noted, is_listed)
    return [chain.chunks for chain in _with_headers(chains)]


def _in_time(timed: Sequence[ChunkSurvey], is_noted: IsNoted) -> list[Chain]:
    """Chains of chunks that follow one another in number and in time."""
    chains: list[Chain] = []
    for one in timed:
        open_ = [chain for chain in chains if chain.packets or chain is chains[-1]]  # a header alone goes on at once
        if is_noted(one):
            open_ = [chain for chain in open_ if any(map(is_noted, chain.chunks))] or open_
        fits = [chain for chain in open_ if (one.start_ms or 0.0) >= chain.end_ms - SAME_PLACE_MS]
        if one.has_header or not fits:
            chains.append(Chain([one]))
        else:
            min(fits, key=partial(_misfit, one, chains[-1])).chunks.append(one)
    return chains


def _misfit(one: ChunkSurvey, newest: Chain, chain: Chain) -> tuple[bool, int, bool, bool, bool, float]:
    """How badly a chunk fits to a chain's end: in time, without a gap, in its cluster, as begun last, in ms."""
    gap_ms = abs((one.start_ms or 0) - chain.end_ms)
    usual_ms = median(other.length_ms for other in chain.chunks)
    between = max(0, one.chunk.seq - chain.chunks[-1].chunk.seq - 1)  # chunks that are lost, or of another recording
    has_gap = gap_ms > SAME_PLACE_MS
    gap_ms = min(gap_ms, abs(gap_ms - between * usual_ms))
    goes_on = abs(chain.chunks[-1].tail_ms - one.head_ms) <= CONTINUES_MS
    return gap_ms > SAME_PLACE_MS, round(gap_ms / SAME_PLACE_MS), has_gap, not goes_on, chain is not newest, gap_ms


def _with_single_ones(chains: Sequence[Chain], is_noted: IsNoted, is_listed: IsNoted) -> list[Chain]:
    """The chains, without those that are no second recorder: chunks whose number or whose clock is wrong.

    These go back to the chain that they are nearest to in number, where it is decided what they are.
    """
    whole = [chain for chain in chains if chain.has_header or (is_a_run(chain) and _overlaps_any(chain, chains))]
    whole = whole or [max(chains, key=lambda chain: chain.packets)] if chains else []
    noted = [chain for chain in chains if any(map(is_noted, chain.chunks))]
    if noted and not any(is_listed(one) for chain in whole for one in chain.chunks):
        whole.append(max(noted, key=lambda chain: chain.packets))  # what the recorder noted is of no other recording
    for chain in chains:
        if chain not in whole:
            first = chain.chunks[0]
            open_ = of_the_same(first, whole, is_listed)
            fits = [other for other in open_ if is_beside(first, other)] if len(chain.chunks) == 1 else []
            nearest = min(fits or open_, key=partial(distance, one=first))
            nearest.chunks = sorted([*nearest.chunks, *chain.chunks], key=lambda one: one.chunk.seq)
    return whole


def of_the_same(one: ChunkSurvey, chains: Sequence[Chain], is_listed: IsNoted) -> Sequence[Chain]:
    """The chains that the recorder listed where it listed the chunk, else the others; all where there are none."""
    return [chain for chain in chains if is_listed(one) == any(map(is_listed, chain.chunks))] or chains


def is_beside(one: ChunkSurvey, chain: Chain) -> bool:
    """Whether a chunk goes on right where one of a chain ends, or ends where one begins, and none has its place."""
    starts, ends = ([getattr(other, end) for other in chain.chunks] for end in ("start_ms", "end_ms"))
    is_free = all(overlap_ms(one, other) <= CONTINUES_MS for other in chain.chunks if other.start_ms is not None)
    after = any(ms is not None and abs(ms - (one.start_ms or 0.0)) <= STEP_MS for ms in ends)
    return is_free and (after or any(ms is not None and abs(ms - (one.end_ms or 0.0)) <= STEP_MS for ms in starts))


def distance(chain: Chain, one: ChunkSurvey) -> int:
    """How far a chunk's number is from those of a chain."""
    return min(abs(other.chunk.seq - one.chunk.seq) for other in chain.chunks)


def _overlaps_any(chain: Chain, chains: Sequence[Chain]) -> bool:
    """Whether several chunks were recorded at the same time as others: one may be a foreign chunk, or a wrong clock."""
    runs = [other for other in chains if other is not chain and is_a_run(other)]
    others = [one for other in runs for one in other.chunks]
    covered = [a for a in chain.chunks if sum(overlap_ms(a, b) for b in others) > a.length_ms / 2]
    return len(covered) > 1


def overlap_ms(one: ChunkSurvey, other: ChunkSurvey) -> float:
    """How much was recorded by both at the same time, by their clocks."""
    starts, ends = (one.start_ms or 0.0, other.start_ms or 0.0), (one.end_ms or 0.0, other.end_ms or 0.0)
    return max(0.0, min(ends) - max(starts))


def _with_headers(chains: Sequence[Chain]) -> list[Chain]:
    """Chains without a header put into the one that was recorded before them: their first chunk changed places."""
    whole = [chain for chain in chains if chain.has_header]
    for chain in chains:
        if chain.has_header:
            continue
        head = next((one for one in whole if _holds_what_comes_before(one, chain)), None)
        if head is None:
            whole.append(chain)
        else:
            head.chunks = sorted([*head.chunks, *chain.chunks], key=lambda one: one.chunk.seq)
    return whole


def _holds_what_comes_before(whole: Chain, chain: Chain) -> bool:
    """Whether one begins before the other does, and hardly anything was recorded at the same time."""
    together_ms = sum(overlap_ms(a, b) for a, b in product(whole.chunks, chain.chunks))
    return whole.start_ms <= chain.start_ms and together_ms <= SAME_PLACE_MS


def numbers_among(chain: Chain, chains: Sequence[Chain]) -> list[int]:
    """The numbers of other runs' chunks that may have the place of a run's own.

    Of a second recorder that was at work at the same time they are between chunks that go on with one another.
    """
    among = sorted(one.chunk.seq for other in chains if other is not chain for one in other.chunks)
    places = places_of(among, [one.chunk for one in chain.chunks], chain.moved).keys() - {len(chain.chunks)}
    going_on = sum(chain.goes_on_at(place) for place in places)
    return [] if going_on * 2 > len(places) else among
