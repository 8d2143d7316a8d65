"""Which chunks may be of one recorder: by how they are written, and by the kinds of their packets.

A packet's first byte says its configuration (TOC byte, RFC 6716, section 3.1).  An encoder may change it while it
works: Chrome begins with other packets, and a sound that becomes mono is encoded as such.  But it does so within a
chunk: that one chunk has packets of the one kind only and the next one in number of the other only, is no encoder's
doing.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ..model import ChunkRef
    from .survey import ChunkSurvey, Dialect

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
    in_order = sorted(surveys, key=lambda survey: survey.chunk.seq)
    return groups if any(_changes_between(a, b, groups) for a, b in pairwise(in_order)) else {}


def _changes_between(one: ChunkSurvey, other: ChunkSurvey, groups: Mapping[ChunkRef, int]) -> bool:
    """Whether two chunks that are neighbours by their numbers, and nearly whole, have nothing in common."""
    kinds = {groups.get(one.chunk, 0), groups.get(other.chunk, 0)}
    follows = other.chunk.seq == one.chunk.seq + 1
    whole = all(chunk.damaged_bytes <= _LITTLE * chunk.size_bytes for chunk in (one, other))
    return len(kinds) == 2 and 0 not in kinds and follows and whole


def by_hand(surveys: Sequence[ChunkSurvey]) -> list[list[ChunkSurvey]]:
    """The chunks by how they are written, and by the kinds of their packets where these prove something.

    One that shows neither, as a header without a packet, goes with the most of its container.
    """
    kinds = _groups_by_kind(surveys)
    groups: dict[tuple[Dialect | None, int], list[ChunkSurvey]] = defaultdict(list)
    for survey in surveys:
        groups[survey.dialect, kinds.get(survey.chunk, 0)].append(survey)
    for bare in [hand for hand in groups if _is_bare(hand, kinds)]:
        alike = [hand for hand in groups if not _is_bare(hand, kinds) and _may_be_one(hand[0], bare[0])]
        if alike:
            largest = max(alike, key=lambda hand: len(groups[hand]))
            groups[largest] = sorted([*groups[largest], *groups.pop(bare)], key=lambda one: one.chunk.seq)
    return list(groups.values())


def _is_bare(hand: tuple[Dialect | None, int], kinds: Mapping[ChunkRef, int]) -> bool:
    dialect, kind = hand
    return dialect is None or not dialect.packet_samples or bool(kinds and not kind)


def _may_be_one(one: Dialect | None, bare: Dialect | None) -> bool:
    if one is None or bare is None or one[:2] != bare[:2]:
        return False
    return bare.packet_samples in (0, one.packet_samples)
