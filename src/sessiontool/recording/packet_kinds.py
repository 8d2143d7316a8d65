"""Which chunks may be of one recorder: by how they are written, and by the kinds of their packets.

A packet's first byte says its configuration (TOC byte, RFC 6716, section 3.1).  An encoder may change it while it
works: Chrome begins with other packets, and a sound that becomes mono is encoded as such.  But it does so within a
chunk: that one chunk has packets of the one kind only and the next one in number of the other only, is no encoder's
doing.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from ..model import ChunkRef
    from .survey import ChunkSurvey, Dialect

    _Hand = tuple[Dialect | None, int]

_LITTLE = 0.1  # share of a chunk; chosen: in less an encoder's change is not hidden
_FEW = 3  # packets; chosen: fewer of a kind may be damaged ones


def _groups_by_kind(surveys: Sequence[ChunkSurvey]) -> Mapping[ChunkRef, int]:
    """By chunk, a number that is the same for chunks whose kinds may be one recorder's; 0 where kinds prove nothing."""
    leader: dict[int, int] = {}

    def root(kind: int) -> int:
        while leader.setdefault(kind, kind) != kind:
            kind = leader[kind]
        return kind

    for survey in surveys:
        for one, other in pairwise(sorted(survey.kinds)):
            leader[root(one)] = root(other)
    groups = {survey.chunk: root(min(survey.kinds)) + 1 for survey in surveys if survey.kinds}
    sure = {groups[survey.chunk] for survey in surveys if survey.kinds and len(survey.digests) >= _FEW}
    groups = {chunk: group for chunk, group in groups.items() if group in sure}
    bare = {survey.chunk.seq for survey in surveys if survey.has_header and not survey.digests}  # MP4's first blobs
    in_order = sorted((one for one in surveys if one.chunk.seq not in bare), key=lambda survey: survey.chunk.seq)
    return groups if any(_changes_between(a, b, groups, bare) for a, b in pairwise(in_order)) else {}


def _changes_between(
    one: ChunkSurvey, other: ChunkSurvey, groups: Mapping[ChunkRef, int], bare: Collection[int]
) -> bool:
    """Whether two chunks that are neighbours by their numbers, and whole where they meet, have nothing in common.

    The numbers of `bare` headers may be between theirs.
    """
    kinds = {groups.get(one.chunk, 0), groups.get(other.chunk, 0)}
    follows = other.chunk.seq == one.chunk.seq + 1 or other.chunk.seq - 1 in bare
    whole = all(chunk.damaged_bytes <= _LITTLE * chunk.size_bytes for chunk in (one, other))
    meets = not (one.is_torn_at_end or other.is_torn_at_start)
    return len(kinds) == 2 and 0 not in kinds and follows and (whole or meets)


def by_hand(surveys: Sequence[ChunkSurvey]) -> list[list[ChunkSurvey]]:
    """The chunks by how they are written, and by the kinds of their packets where these prove something.

    One that shows neither, as a header without a packet, goes with the most of its container.
    """
    kinds = _groups_by_kind(surveys)
    groups: dict[_Hand, list[ChunkSurvey]] = defaultdict(list)
    for survey in surveys:
        groups[survey.dialect, kinds.get(survey.chunk, 0)].append(survey)
    for bare in [hand for hand in groups if _is_bare(hand, kinds)]:
        alike = [hand for hand in groups if not _is_bare(hand, kinds) and _may_be_one(hand[0], bare[0])]
        ones = groups.pop(bare) if alike else []
        has_several = sum(one.has_header for one in ones) > 1
        for one, hand in [(one, _hand_of(one, alike, groups, has_several=has_several)) for one in ones]:
            groups[hand].append(one)
    return [sorted(group, key=lambda one: one.chunk.seq) for group in groups.values()]


def _hand_of(
    one: ChunkSurvey, alike: Sequence[_Hand], groups: Mapping[_Hand, Sequence[ChunkSurvey]], *, has_several: bool
) -> _Hand:
    """Whose a chunk is that does not show it: the hand of the most.

    Of several headers alone each is of the next chunk in number.
    """
    after = [(other.chunk.seq, hand) for hand in alike for other in groups[hand] if other.chunk.seq > one.chunk.seq]
    if has_several and one.has_header and after:
        return min(after, key=itemgetter(0))[1]
    return max(alike, key=lambda hand: len(groups[hand]))


def _is_bare(hand: _Hand, kinds: Mapping[ChunkRef, int]) -> bool:
    dialect, kind = hand
    return dialect is None or not dialect.packet_samples or bool(kinds and not kind)


def _may_be_one(one: Dialect | None, bare: Dialect | None) -> bool:
    if one is None or bare is None or (one.container, one.track) != (bare.container, bare.track):
        return False
    return bare.packet_samples in (0, one.packet_samples)
