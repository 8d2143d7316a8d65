"""Bytes that several chunks share: copies, copies one of which is damaged, and seams that were uploaded twice.

Found by packets that are alike.  Digital silence is full of those, so only packets count that are large enough and
occur once in a chunk.  Of copies one is the base; where bytes of it are of no use and another copy has them, they are
taken from there.
"""

from __future__ import annotations

from collections import Counter
from math import inf
from typing import TYPE_CHECKING

from .copy_patches import patches_from
from .own_places import OwnPlaces
from .seams import (
    FEWEST_COMMON,
    MOST,
    NEARBY,
    SAME_MS,
    apart_ms_of,
    bytes_ahead,
    find_short_seams,
    lengthen_seams,
    share_a_seam,
)
from .shared_values import Shared
from .survey import WEBM
from .time_groups import looks_like_a_bit

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from .cut_seams import WholeSeams
    from .records import Stretch
    from .shared_values import Patch
    from .survey import ChunkSurvey

_DISTINCT_BYTES = 12
"""Smaller packets are alike by chance: digital silence has 3 or 8 bytes (measured in Firefox and Chrome)."""

_VOICE_BYTES = 100  # chosen: a third of a packet of speech at 64 kbit/s, and enough values to count
_DIVERSE_BYTES = 40
"""Different values in `_VOICE_BYTES` of encoded sound, at least (chosen: random bytes have 83; silent blocks fewer)."""

_NEARLY_ALL = 0.98  # share of packets; chosen: of a tone 24 of 25 were alike (measured in Firefox)
_SOME = 0.2  # share of packets; chosen, held by the random faults
_LEAST_OF_ITS_OWN = (
    10  # packets of a copy that the other has not, a few hundred ms; chosen: damage seldom makes as many
)
_ONE_WRONG = 1  # byte; chosen: of four random ones in Firefox's header (measured) more differ
_HEADER_BYTES = 128  # chosen: Chrome's header with its TrackUID at byte 91 (measured)


def find_shared(surveys: Sequence[ChunkSurvey], is_noted: Callable[[ChunkSurvey], bool], seams: WholeSeams) -> Shared:
    """Compare the chunks of a part; `is_noted` says whether a chunk is exactly what the recorder sent.

    Where a packet is cut at one of the `seams`, no bytes are there twice.
    """
    shared = Shared()
    places = OwnPlaces(surveys, seams)
    find_short_seams(surveys, shared, seams)
    distinct = [_distinct(survey) for survey in surveys]
    first_with: dict[str, int] = {}
    seen: dict[int, int] = {}  # digest of a packet, the chunk that has it
    bases: dict[int, list[int]] = {}
    base_of: dict[int, int] = {}  # of a copy: a copy of a copy has the same base
    for index, survey in enumerate(surveys):
        if not survey.digests and not survey.has_header and survey.size_bytes < _VOICE_BYTES:
            continue
        original = first_with.setdefault(survey.sha256, index)
        if original != index and not places.is_no_copy(survey):
            shared.copies[survey.chunk] = surveys[original].chunk
            shared.exact.add(survey.chunk)
            base_of[index] = base_of.get(original, original)
            continue
        votes = Counter(seen[digest] for digest in distinct[index] if digest in seen)
        seamed: set[int] = set()
        for other in _to_compare(surveys, index, votes, places):
            pairs = _common(distinct[other], distinct[index])
            if share_a_seam(surveys[other], survey, pairs, is_noted, shared, seams):
                seamed.add(other)
                continue
            base = base_of.get(other, other)
            if base in seamed:  # what is left of a copy may be what two chunks share
                continue
            if _are_copies(surveys[other], survey, pairs) or _are_alike(surveys[other], survey, pairs):
                base_of[index] = base
                bases.setdefault(base, [base]).append(index)
                break
        else:
            for digest in distinct[index]:
                seen.setdefault(digest, index)
    lengthen_seams(surveys, shared)
    for members in bases.values():
        _merge([surveys[index] for index in members], [distinct[index] for index in members], is_noted, shared)
    shared.settle()
    return shared


def _to_compare(surveys: Sequence[ChunkSurvey], index: int, votes: Counter[int], places: OwnPlaces) -> Iterator[int]:
    """The indexes of the chunks that one is compared with: those with packets of it, and some before it."""
    likely = [other for other, _ in votes.most_common(NEARBY)]
    near = [other for other in range(max(0, index - NEARBY), index) if other not in likely]
    for other in [*likely, *near]:
        if not places.are_apart(surveys[index], surveys[other]):
            yield other


def packets_of_its_own(one: ChunkSurvey, aside: Sequence[Stretch], kept: Collection[int]) -> int:
    """How many packets of a copy are left out and in none of the chunks that are joined, if they are many; else 0.

    Damage makes a few of a copy's packets unlike those of the other one.  Many are sound that only the copy has.
    """
    bounds = [(stretch.byte_offset, stretch.byte_offset + stretch.size_bytes) for stretch in aside]
    own = sum(
        digest not in kept and any(start <= offset < stop for start, stop in bounds)
        for digest, offset in zip(one.digests, one.offsets, strict=True)
    )
    return own if own >= max(_LEAST_OF_ITS_OWN, _SOME * len(one.digests)) else 0


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
    if len(pairs) < FEWEST_COMMON or len(pairs) < _SOME * fewer:
        return False
    if _has_another_header(one, two) and not _has_the_same_sound(one, two):
        return False
    aligned = sum(one.offsets[a] - two.offsets[b] == bytes_ahead(one, two, pairs) for a, b in pairs)
    if aligned < MOST * len(pairs):
        return False
    apart_ms, fewest_ms = apart_ms_of(one, two, pairs), min(one.length_ms, two.length_ms)
    if apart_ms is None:  # a steady tone has the same packets again and again: what is cut off a copy is at one end
        ahead = bytes_ahead(one, two, pairs)
        has_an_end = ahead in (0, one.size_bytes - two.size_bytes)
        return len(pairs) >= (MOST if has_an_end else _NEARLY_ALL) * fewer
    if abs(apart_ms) < min(SAME_MS, fewest_ms / 2):
        return True
    return apart_ms != inf and looks_like_a_bit(apart_ms, one.ticks_per_ms) and aligned >= MOST * fewer


def _begin_together(one: ChunkSurvey, two: ChunkSurvey) -> bool:
    """Whether chunks begin at one time; of short ones that follow one another the second begins where one ends."""
    if one.start_ms is None or two.start_ms is None:
        return False
    first = one if one.start_ms <= two.start_ms else two
    return abs(one.start_ms - two.start_ms) < min(SAME_MS, first.length_ms / 2)


def _are_alike(one: ChunkSurvey, two: ChunkSurvey, pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether chunks have the same bytes at the same places, but for damage, or one is the other cut short.

    It takes a base of times among the bytes: digital silence is the same in every chunk, but for that.
    """
    shorter, longer = sorted((one, two), key=lambda survey: survey.size_bytes)
    if (one.digests or two.digests) and _has_the_same_sound(one, two):
        return not _has_another_header(one, two) and not _sounds_again(one, two, pairs)
    if (one.has_header or two.has_header) and differ_by_damage(one, two):
        return True
    same_time = _begin_together(one, two)
    if not longer.digests or _has_another_header(one, two):
        return False
    if shorter.start_ms is None and shorter.size_bytes < longer.size_bytes:
        # A page or a fragment has its number in its head; a WebM chunk of silence begins as others do.
        numbered = longer.dialect is not None and longer.dialect.container != WEBM
        telling = min(shorter.size_bytes, _VOICE_BYTES if numbered else longer.sizes[0])
        return telling >= _VOICE_BYTES and longer.head_bytes.startswith(shorter.head_bytes)
    if not same_time:  # which is soon known, and true of few
        return False
    alike = sum(a == b for a, b in zip(one.head_bytes, two.head_bytes, strict=False))
    # A clock that begins with the chunk, as of slices, is that of others, too.
    is_one = one.size_bytes == two.size_bytes and not one.has_header and bool(one.damages or two.damages)
    return is_one or alike >= MOST * len(shorter.head_bytes)


def differ_by_damage(one: ChunkSurvey, two: ChunkSurvey) -> bool:
    """Whether chunks of one size have the same bytes at the same places, but for what is damaged in either.

    That proves something of a recording's first chunk: later ones of silence may differ in nothing but their base.
    """
    if one.size_bytes != two.size_bytes:
        return False
    size = min(len(one.head_bytes), len(two.head_bytes))
    whole = _whole_bytes(one, size) & _whole_bytes(two, size)
    alike = sum(one.head_bytes[at] == two.head_bytes[at] for at in whole)
    return bool(one.damages or two.damages) and alike > max(_VOICE_BYTES, _NEARLY_ALL * len(whole))


def _whole_bytes(survey: ChunkSurvey, size: int) -> set[int]:
    """The offsets of the first `size` bytes that are not damaged."""
    damaged = (range(one.offset, one.offset + one.length_bytes) for one in survey.damages)
    return {*range(size)}.difference(*damaged)


def _sounds_again(one: ChunkSurvey, two: ChunkSurvey, pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether two whole chunks have packets in common from different times, as of a jingle: each has its own place."""
    apart_ms = apart_ms_of(one, two, pairs)
    if one.damages or two.damages or apart_ms is None or apart_ms == inf:
        return False
    return abs(apart_ms) >= SAME_MS and not looks_like_a_bit(apart_ms, one.ticks_per_ms)


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
    heads = zip(one.head_bytes[:_HEADER_BYTES], two.head_bytes[:_HEADER_BYTES], strict=False)
    return one.has_header and two.has_header and sum(a != b for a, b in heads) > _ONE_WRONG


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
    base, is_right = surveys[best], is_noted(surveys[best])
    patches: list[Patch] = []
    for number, other in enumerate(surveys):
        if number == best:
            continue
        shared.copies[other.chunk] = base.chunk
        common = _common(distinct[best], distinct[number])
        cuts = _cuts(base, other, common, shared)
        for patch in () if is_right else patches_from(base, other, common, cuts):
            if not any(patch.start < done.stop and done.start < patch.stop for done in patches):
                patches.append(patch)
    if patches:
        shared.patches[base.chunk] = sorted(patches)


def _cuts(base: ChunkSurvey, other: ChunkSurvey, pairs: Sequence[tuple[int, int]], shared: Shared) -> tuple[int, int]:
    """How many bytes at the beginning of two copies are those of the chunk before; it is found of one of them."""
    ahead = -bytes_ahead(base, other, pairs)
    found = [shared.head_cuts.get(one.chunk, (0,))[0] for one in (base, other)]
    return max(found[0], found[1] - ahead if found[1] else 0), max(found[1], found[0] + ahead if found[0] else 0)
