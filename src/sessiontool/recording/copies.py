"""Bytes that several chunks share: copies, copies one of which is damaged, and seams that were uploaded twice.

Found by packets that are alike.  Digital silence is full of those, so only packets count that are large enough and
occur once in a chunk.  Of copies one is the base; where bytes of it are of no use and another copy has them, they are
taken from there.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf, isnan
from statistics import median_low
from typing import TYPE_CHECKING, NamedTuple

from .records import Stretch
from .survey import WEBM
from .timestamp_repair import looks_like_a_bit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ..model import ChunkRef
    from .survey import ChunkSurvey

_DISTINCT_BYTES = 12
"""Smaller packets are alike by chance: digital silence has 3 or 8 bytes (measured in Firefox and Chrome)."""

_VOICE_BYTES = 100  # chosen: a third of a packet of speech at 64 kbit/s, and enough values to count
_DIVERSE_BYTES = 40
"""Different values in `_VOICE_BYTES` of encoded sound, at least (chosen: random bytes have 83; silent blocks fewer)."""

_SHORTEST_SEAM_BYTES = 8  # chosen: fewer are alike by chance
_HEAD = re.compile(rb"\x1f\x43\xb6\x75|....moof", re.DOTALL)
_HEADS_BYTES = 24  # with the time of a cluster or number of a fragment (RFC 9559; ISO/IEC 14496-12): the rest is alike
_FEWEST_COMMON = 2  # packets; chosen: one may be alike by chance
_NEARBY, _FAR = 3, 200  # chunks that are compared; chosen: bounds the time that it takes
_SOME, _MOST, _SEAM = 0.2, 0.6, 0.4  # shares of packets; chosen, held by the random faults
_SAME_MS = 100  # chosen: more than a timestamp jitters, less than two packets
_HEADER_BYTES = 128  # chosen: Chrome's header with its TrackUID at byte 91 (measured)


class Patch(NamedTuple):
    """The bytes `start` to `stop` of a base are replaced with those from `other_start` to `other_stop` of a copy."""

    start: int
    stop: int
    other: ChunkRef
    other_start: int
    other_stop: int


@dataclass(slots=True)
class Shared:
    """What was found: copies by their base, patches of bases, and how many bytes of a chunk its neighbour has too.

    `head_cuts` are bytes at the beginning of a chunk that the one before it ends with; `tail_cuts` those at the end
    that are better in the one after it.
    """

    copies: dict[ChunkRef, ChunkRef] = field(default_factory=dict)
    exact: set[ChunkRef] = field(default_factory=set)
    patches: dict[ChunkRef, list[Patch]] = field(default_factory=dict)
    head_cuts: dict[ChunkRef, tuple[int, ChunkRef]] = field(default_factory=dict)
    tail_cuts: dict[ChunkRef, tuple[int, ChunkRef]] = field(default_factory=dict)

    def without_seams(self, survey: ChunkSurvey) -> ChunkSurvey:
        """A chunk whose times are those of the sound that is not in its neighbours too."""
        head, tail = (cuts.get(survey.chunk, (0, None))[0] for cuts in (self.head_cuts, self.tail_cuts))
        if survey.start_ms is not None and survey.end_ms is not None:
            survey.start_ms += survey.sound_ms(0, head)
            survey.end_ms -= survey.sound_ms(survey.size_bytes - tail, survey.size_bytes)
        return survey

    def aside(self, survey: ChunkSurvey) -> list[Stretch]:
        """The stretches of a copy that are not used."""
        base = self.copies[survey.chunk]
        used = sorted((p.other_start, p.other_stop) for p in self.patches.get(base, ()) if p.other == survey.chunk)
        at, stretches = 0, []
        for start, stop in [*used, (survey.size_bytes, survey.size_bytes)]:
            if start > at:
                stretches.append(Stretch(at, start - at, "a copy", base, at))
            at = max(at, stop)
        return stretches


def find_shared(surveys: Sequence[ChunkSurvey], is_noted: Callable[[ChunkSurvey], bool]) -> Shared:
    """Compare the chunks of a part; `is_noted` says whether a chunk is exactly what the recorder sent."""
    shared = Shared()
    _find_short_seams(surveys, shared)
    distinct = [_distinct(survey) for survey in surveys]
    first_with: dict[str, int] = {}
    seen: dict[int, int] = {}  # digest of a packet, the chunk that has it
    bases: dict[int, list[int]] = {}
    base_of: dict[int, int] = {}  # of a copy: a copy of a copy has the same base
    for index, survey in enumerate(surveys):
        if not survey.digests and not survey.has_header and survey.size_bytes < _VOICE_BYTES:
            continue
        original = first_with.setdefault(survey.sha256, index)
        if original != index:
            shared.copies[survey.chunk] = surveys[original].chunk
            shared.exact.add(survey.chunk)
            base_of[index] = base_of.get(original, original)
            continue
        votes = Counter(seen[digest] for digest in distinct[index] if digest in seen)
        near = [other for other in range(max(0, index - _NEARBY), index) if other not in votes]
        for other in [*(other for other, _ in votes.most_common(_NEARBY)), *near]:
            pairs = _common(distinct[other], distinct[index])
            if _share_a_seam(surveys[other], survey, pairs, shared):
                continue
            if _are_copies(surveys[other], survey, pairs) or _are_alike(surveys[other], survey):
                base = base_of[index] = base_of.get(other, other)
                bases.setdefault(base, [base]).append(index)
                break
        else:
            for digest in distinct[index]:
                seen.setdefault(digest, index)
    for members in bases.values():
        _merge([surveys[index] for index in members], [distinct[index] for index in members], is_noted, shared)
    return shared


def _distinct(survey: ChunkSurvey) -> dict[int, int]:
    """The packets of a chunk that differ from all others in it: digest, index."""
    counts = Counter(survey.digests)
    return {
        digest: index
        for index, digest in enumerate(survey.digests)
        if counts[digest] == 1 and survey.sizes[index] >= _DISTINCT_BYTES and survey.offsets[index] >= 0
    }


def _common(one: dict[int, int], two: dict[int, int]) -> list[tuple[int, int]]:
    """Packets of both, as pairs of indexes that rise in both."""
    pairs: list[tuple[int, int]] = []
    for a, b in sorted((one[digest], two[digest]) for digest in one.keys() & two.keys()):
        if not pairs or b > pairs[-1][1]:
            pairs.append((a, b))
    return pairs


def _are_copies(one: ChunkSurvey, two: ChunkSurvey, pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether chunks with these packets in common were one.

    Equal packets alone prove nothing: an encoder makes the same ones of silence again and again.  So the times have to
    agree too, but for one wrong bit, or a base of times that is lost.
    """
    fewer = min(len(one.digests), len(two.digests))
    if len(pairs) < _FEWEST_COMMON or len(pairs) < _SOME * fewer or _has_another_header(one, two):
        return False
    aligned = sum(one.offsets[a] - two.offsets[b] == _ahead(one, two, pairs) for a, b in pairs)
    if aligned < _MOST * len(pairs):
        return False
    apart_ms = _apart_ms(one, two, pairs)
    if apart_ms is None:
        return len(pairs) >= _MOST * fewer
    if abs(apart_ms) < _SAME_MS:
        return True
    return apart_ms != inf and looks_like_a_bit(apart_ms, one.ticks_per_ms) and aligned >= _MOST * fewer


def _are_alike(one: ChunkSurvey, two: ChunkSurvey) -> bool:
    """Whether chunks have the same bytes at the same places, but for damage, or one is the other cut short.

    It takes a base of times among the bytes: digital silence is the same in every chunk, but for that.
    """
    shorter, longer = sorted((one, two), key=lambda survey: survey.size_bytes)
    if (one.digests or two.digests) and _has_the_same_sound(one, two):
        return not _has_another_header(one, two)
    same_time = one.start_ms is not None and two.start_ms is not None and abs(one.start_ms - two.start_ms) < _SAME_MS
    if not longer.digests or _has_another_header(one, two):
        return False
    if shorter.start_ms is None and shorter.size_bytes < longer.size_bytes:
        # A page or a fragment has its number in its head; a WebM chunk of silence begins as others do.
        numbered = longer.dialect is not None and longer.dialect.container != WEBM
        telling = min(shorter.size_bytes, _VOICE_BYTES if numbered else longer.sizes[0])
        return telling >= _VOICE_BYTES and longer.head_bytes.startswith(shorter.head_bytes)
    alike = sum(a == b for a, b in zip(one.head_bytes, two.head_bytes, strict=False))
    return same_time and alike >= _MOST * len(shorter.head_bytes)


def _has_the_same_sound(one: ChunkSurvey, two: ChunkSurvey) -> bool:
    """Whether a sequence of bytes as far from the beginning or the end is the same, and is no silence."""
    size = min(len(one.tail_bytes), len(two.tail_bytes))
    begin = max(_first_packet(one), _first_packet(two))  # two recordings have the same header but for a few bytes
    for a, b in ((one.head_bytes, two.head_bytes), (one.tail_bytes[-size:], two.tail_bytes[-size:])):
        for at in range(begin, size - _VOICE_BYTES + 1, _VOICE_BYTES // 2):
            window = a[at : at + _VOICE_BYTES]
            if window == b[at : at + _VOICE_BYTES] and len(set(window)) >= _DIVERSE_BYTES:
                return True
    return False


def _first_packet(survey: ChunkSurvey) -> int:
    """The offset of the first packet after a header; 0 without a header."""
    return (survey.offsets[0] if survey.digests else survey.size_bytes) if survey.has_header else 0


def _has_another_header(one: ChunkSurvey, two: ChunkSurvey) -> bool:
    """Whether both begin a recording, and not the same: a header has a random number in it."""
    heads = one.head_bytes[:_HEADER_BYTES], two.head_bytes[:_HEADER_BYTES]
    return one.has_header and two.has_header and heads[0] != heads[1]


def _ahead(one: ChunkSurvey, two: ChunkSurvey, pairs: Sequence[tuple[int, int]]) -> int:
    """How many bytes later packets in common are in the first of two chunks, by most of them; 0 without any."""
    found = Counter(one.offsets[a] - two.offsets[b] for a, b in pairs).most_common(1)
    return found[0][0] if found else 0


def _apart_ms(one: ChunkSurvey, two: ChunkSurvey, pairs: Sequence[tuple[int, int]]) -> float | None:
    """How far apart packets in common were recorded; infinite where they do not agree, None where no base says."""
    found = [one.times_ms[a] - two.times_ms[b] for a, b in pairs]
    guessed = [one.guessed_ms[a] - two.guessed_ms[b] for a, b in pairs]
    known = [apart_ms for apart_ms in found if not isnan(apart_ms)]
    known = known or [apart_ms for apart_ms in guessed if not isnan(apart_ms)]
    if not known:
        return None
    usual = median_low(known)
    agreeing = sum(abs(apart_ms - usual) < _SAME_MS for apart_ms in known)
    return usual if agreeing >= _MOST * len(known) else inf


def _share_a_seam(one: ChunkSurvey, two: ChunkSurvey, pairs: Sequence[tuple[int, int]], shared: Shared) -> bool:
    """Whether the end of one chunk is the beginning of the other, and both have more."""
    if not pairs or not _is_same_time(one, two, pairs):
        return False
    ahead = _ahead(one, two, pairs)
    first, second = (one, two) if ahead > 0 else (two, one)
    length = first.size_bytes - abs(ahead)
    if not ahead or not 0 < length < second.size_bytes:
        return False
    alike = sum(one.offsets[a] - two.offsets[b] == ahead for a, b in pairs)
    if alike < _SEAM * sum(0 <= offset < length for offset in second.offsets):
        return False
    if second.chunk in shared.head_cuts or first.chunk in shared.tail_cuts:
        return True
    if first.damaged_between(first.size_bytes - length, first.size_bytes) > second.damaged_between(0, length):
        shared.tail_cuts[first.chunk] = length, second.chunk
    else:
        shared.head_cuts[second.chunk] = length, first.chunk
    return True


def _is_same_time(one: ChunkSurvey, two: ChunkSurvey, pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether packets in common were recorded at the same time, as far as that is known."""
    apart_ms = _apart_ms(one, two, pairs)
    if apart_ms is None or (apart_ms != inf and looks_like_a_bit(apart_ms, one.ticks_per_ms)):
        return len(pairs) >= _FEWEST_COMMON * (1 if apart_ms is None else 2)
    return abs(apart_ms) < _SAME_MS


def _find_short_seams(surveys: Sequence[ChunkSurvey], shared: Shared) -> None:
    """Seams that hold no whole packet, with one of the few chunks before in number; foreign chunks may be between them.

    A chunk that begins inside a packet may have changed places, and is compared with more of them.
    """
    usable = [survey for survey in surveys if survey.size_bytes and survey.chunk not in shared.copies]
    for index, second in enumerate(usable):
        near = [*reversed(usable[max(0, index - _NEARBY) : index])]
        far = [*usable[max(0, index - _FAR) : index], *usable[index + 1 : index + _FAR]]
        for first in [*near, *far] if second.is_torn_at_start else near:
            if second.chunk in shared.head_cuts or first.chunk in shared.tail_cuts:
                continue
            length = _seam(first.tail_bytes, second.head_bytes)
            if 0 < length < first.size_bytes:  # else all of it is there: that is a copy
                shared.head_cuts[second.chunk] = length, first.chunk


def _seam(tail: bytes, head: bytes) -> int:
    """How many bytes one ends with and the other begins with; 0 where it is too few to be sure."""
    alike = len(head) - len(head.lstrip(head[:1]))  # a sequence of one byte is everywhere
    least = _HEADS_BYTES if _HEAD.match(head) else _SHORTEST_SEAM_BYTES
    start = head[: least if alike < _SHORTEST_SEAM_BYTES else alike + least]
    if len(start) < least or len(start) == alike:
        return 0
    at = tail.find(start)
    while at >= 0:
        if len(tail) - at < len(head) and head.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(start, at + 1)
    return 0


# -- copies of which some are damaged


def _merge(
    surveys: Sequence[ChunkSurvey],
    distinct: Sequence[dict[int, int]],
    is_noted: Callable[[ChunkSurvey], bool],
    shared: Shared,
) -> None:
    """Choose the base among near copies, and mend it from the others."""

    def worth(number: int) -> tuple[bool, bool, int, int, int, int, int]:
        one = surveys[number]
        cut = shared.head_cuts.get(one.chunk, (0,))[0]
        damaged = one.damaged_between(cut, one.size_bytes)
        whole = -damaged, -sum(d.offset >= cut for d in one.damages), len(one.digests), one.size_bytes
        return is_noted(one), one.has_header, *whole, -number

    best = max(range(len(surveys)), key=worth)
    base = surveys[best]
    patches: list[Patch] = []
    for number, other in enumerate(surveys):
        if number == best:
            continue
        shared.copies[other.chunk] = base.chunk
        common = _common(distinct[best], distinct[number])
        for patch in _patches(base, other, common, _cuts(base, other, common, shared)):
            if not any(patch.start < done.stop and done.start < patch.stop for done in patches):
                patches.append(patch)
    if patches:
        shared.patches[base.chunk] = sorted(patches)


def _cuts(base: ChunkSurvey, other: ChunkSurvey, pairs: Sequence[tuple[int, int]], shared: Shared) -> tuple[int, int]:
    """How many bytes at the beginning of two copies are those of the chunk before; it is found of one of them."""
    ahead = -_ahead(base, other, pairs)
    found = [shared.head_cuts.get(one.chunk, (0,))[0] for one in (base, other)]
    return max(found[0], found[1] - ahead if found[1] else 0), max(found[1], found[0] + ahead if found[0] else 0)


def _patches(
    base: ChunkSurvey, other: ChunkSurvey, pairs: Sequence[tuple[int, int]], cuts: Sequence[int]
) -> list[Patch]:
    """Where the other has packets between two that both have, and the base has fewer, or has zeroes in them.

    The first `cuts` bytes of each are the end of the chunk before.
    """
    patches = []
    firsts = [bisect_left(one.offsets, cut) - 1 for one, cut in zip((base, other), cuts, strict=True)]
    ends = (len(base.digests), len(other.digests))
    between = [(a, b) for a, b in pairs if a > firsts[0] and b > firsts[1]]
    for (a, b), (next_a, next_b) in pairwise([(firsts[0], firsts[1]), *between, ends]):
        fewer = next_a - a < next_b - b
        blanked = any(base.blanked[a + 1 : next_a]) and not any(other.blanked[b + 1 : next_b])
        if not fewer and not (blanked and next_a - a == next_b - b):
            continue
        start, other_start = (base.packet_end(a), other.packet_end(b)) if a > firsts[0] else (cuts[0], cuts[1])
        stop, other_stop = base.size_bytes, other.size_bytes
        if next_a < ends[0]:
            stop, other_stop = base.offsets[next_a], other.offsets[next_b]
        if start <= stop and other_start < other_stop:
            patches.append(Patch(start, stop, other.chunk, other_start, other_stop))
    return patches
