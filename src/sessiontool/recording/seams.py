"""Bytes that one chunk ends with and another begins with: an upload that was resumed too early sent them twice."""

from __future__ import annotations

import re
from collections import Counter
from math import inf, isnan
from statistics import median_low
from typing import TYPE_CHECKING

from ..media.pcm import PcmHead
from .byte_seams import units_across
from .time_groups import looks_like_a_bit

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .cut_seams import WholeSeams
    from .shared_values import Shared
    from .survey import ChunkSurvey

FEWEST_COMMON = 2  # packets; chosen: one may be alike by chance
MOST = 0.6  # share of packets; chosen, held by the random faults
NEARBY = 3  # chunks that are compared; chosen: bounds the time that it takes
SAME_MS = 100  # chosen: more than a timestamp jitters, less than two packets
_FAR = 200  # chunks that are compared; chosen: as NEARBY
_SEAM = 0.4  # share of packets; chosen, held by the random faults
_SHORTEST_SEAM_BYTES = 8  # chosen: fewer are alike by chance
_LEAST_FAR_BYTES = 40  # of a seam with a chunk that is not near; chosen: a block of silence has 14 (measured in Chrome)
_CLUSTER = rb"(?s)\x1f\x43\xb6\x75.{8}\xe7([\x81-\x88])"
_HEAD = rb"(?s)\x1f\x43\xb6\x75|....moof"
_TELLING = rb"\x1f\x43\xb6\x75|moof|OggS"
_HEADS_BYTES = 24  # with the number of a fragment (ISO/IEC 14496-12), or a cluster's time wherever: the rest is alike


def share_a_seam(
    one: ChunkSurvey,
    two: ChunkSurvey,
    pairs: Sequence[tuple[int, int]],
    is_noted: Callable[[ChunkSurvey], bool],
    shared: Shared,
    seams: WholeSeams,
) -> bool:
    """Whether the end of one chunk is the beginning of the other, and both have more.

    Joined is that of the two which has less damage, or is in a chunk that the recorder noted (`is_noted`).
    """
    if not pairs or not _is_same_time(one, two, pairs):
        return False
    ahead = bytes_ahead(one, two, pairs)
    first, second = (one, two) if ahead > 0 else (two, one)
    length = first.size_bytes - abs(ahead)
    if not ahead or not 0 < length < second.size_bytes or _is_another_time(first, second, length):
        return False
    if first.chunk in seams.behind or second.chunk in seams.before:
        return False  # silence is alike: each goes on with another one
    alike = sum(one.offsets[a] - two.offsets[b] == ahead for a, b in pairs)
    if alike < _SEAM * sum(0 <= offset < length for offset in second.offsets):
        return False
    if shared.head_cuts.get(second.chunk, (0,))[0] >= length or first.chunk in shared.tail_cuts:
        return True  # a longer one is known: it may begin with the ends of several
    if (shorter := _shorter(first, second, length)) is not None:
        shared.head_cuts[second.chunk] = shorter, first.chunk
        shared.head_ends[second.chunk] = first.size_bytes - length + shorter
    elif _harm(first, first.size_bytes - length, is_noted) > _harm(second, 0, is_noted, length):
        shared.tail_cuts[first.chunk] = length, second.chunk
    else:
        shared.head_cuts[second.chunk] = length, first.chunk
        shared.head_ends.pop(second.chunk, None)
    return True


def _shorter(first: ChunkSurvey, second: ChunkSurvey, length: int) -> int | None:
    """How many bytes two chunks share if each goes on with packets of its own before `length` bytes; None if not.

    An upload was resumed from a copy that was cut.  What was noted of the second one says more than its packets do.
    """
    ahead = first.size_bytes - length
    ones = {offset - ahead: digest for digest, offset in zip(first.digests, first.offsets, strict=True)}
    twos = {offset: digest for digest, offset in zip(second.digests, second.offsets, strict=True) if offset < length}
    last = max((offset for offset, digest in twos.items() if ones.get(offset) == digest), default=-1)
    own = (ones.keys() - twos.keys(), twos.keys() - ones.keys())
    if last < 0 or any(sum(offset > last for offset in its) < FEWEST_COMMON for its in own):
        return None
    end = second.packet_end(second.offsets.index(last))
    extra = second.size_bytes - second.proved_bytes if second.proved_bytes else end
    return extra if end <= extra < length else end


def _harm(
    one: ChunkSurvey, start: int, is_noted: Callable[[ChunkSurvey], bool], stop: int | None = None
) -> tuple[int, int, bool]:
    """What is wrong with the bytes from `start` on, as far as it shows: to compare two copies.

    Bytes before the first packet go on with those of the chunk before, where the copy is cut: that is no damage.
    """
    stop = one.size_bytes if stop is None else stop
    start = max(start, one.offsets[0]) if one.digests else start
    doubted = sum(start <= offset < stop for offset, doubt in zip(one.offsets, one.doubts, strict=True) if doubt)
    return one.damaged_between(start, stop), doubted, not is_noted(one)


def _is_same_time(one: ChunkSurvey, two: ChunkSurvey, pairs: Sequence[tuple[int, int]]) -> bool:
    """Whether packets in common were recorded at the same time, as far as that is known."""
    apart_ms = apart_ms_of(one, two, pairs)
    if apart_ms is None or (apart_ms != inf and looks_like_a_bit(apart_ms, one.ticks_per_ms)):
        return len(pairs) >= FEWEST_COMMON * (1 if apart_ms is None else 2)
    return abs(apart_ms) < SAME_MS


def find_short_seams(surveys: Sequence[ChunkSurvey], shared: Shared, seams: WholeSeams) -> None:
    """Seams that hold no whole packet, with one of the few chunks before in number; foreign chunks may be between them.

    A chunk that begins inside a packet may have changed places, and is compared with more of them.
    """
    usable = [survey for survey in surveys if survey.size_bytes and survey.chunk not in shared.copies]
    for index, second in enumerate(usable):
        if second.chunk in seams.before:
            continue
        extra = second.size_bytes - second.proved_bytes if second.proved_bytes else 0
        sent_again = second.head_bytes[:extra]
        whose = next((one for one in usable if extra and _consists_of_ends(sent_again, one.tail_bytes)), None)
        if whose and whose is not second:
            shared.head_cuts[second.chunk] = extra, whose.chunk
            continue
        near = [*reversed(usable[max(0, index - NEARBY) : index])]
        far = [*usable[max(0, index - _FAR) : index], *usable[index + 1 : index + _FAR]]
        for first in [*near, *far] if second.is_torn_at_start else near:
            if first.chunk in shared.tail_cuts or first.chunk in seams.behind:
                continue
            length = _seam(first.tail_bytes, second.head_bytes)
            if not any(first is one for one in near) and length < _LEAST_FAR_BYTES:
                continue
            if first is not usable[index - 1] and _is_another_time(first, second, length):
                continue  # the heads of two blocks may be the same
            if not _is_proved(first, second, 0, length):
                continue
            longest = shared.head_cuts.get(second.chunk, (0,))[0]
            if longest < length < first.size_bytes:  # else all of it is there: that is a copy
                shared.head_cuts[second.chunk] = length, first.chunk


def _consists_of_ends(data: bytes, other: bytes) -> bool:
    """Whether bytes are the end of others, or several ends of them: an upload may be resumed too early again."""
    if other.endswith(data):
        return True
    rest, end = memoryview(data), memoryview(other)
    while rest and data.endswith(other[-_SHORTEST_SEAM_BYTES:]):  # which is soon known, and true of few
        longest = range(min(len(rest), len(end)), 0, -1)
        length = next((size for size in longest if rest[:size] == end[len(end) - size :]), 0)
        if not length:
            return False
        rest = rest[length:]
    return not rest


def _is_another_time(first: ChunkSurvey, second: ChunkSurvey, length: int) -> bool:
    """Whether a chunk does not begin near the other one's end by their clocks: a steady sound is the same again.

    Where there is none, and the number says otherwise, so many bytes have to hold a time or a number.
    """
    if first.end_ms is None or second.start_ms is None:
        return first.chunk.seq > second.chunk.seq and not re.search(_TELLING, second.head_bytes[:length])
    apart_ms = second.start_ms - first.end_ms
    return not -first.length_ms - SAME_MS <= apart_ms <= SAME_MS and not looks_like_a_bit(apart_ms, first.ticks_per_ms)


def lengthen_seams(surveys: Sequence[ChunkSurvey], shared: Shared) -> None:
    """Chunks that begin with the end of another one twice: an upload that was resumed twice."""
    by_chunk = {survey.chunk: survey for survey in surveys}
    for chunk, (first, other) in list(shared.head_cuts.items()):
        length = more = 0 if chunk in shared.head_ends else first
        while more:
            more = _seam(by_chunk[other].tail_bytes, by_chunk[chunk].head_bytes[length:])
            if not _is_proved(by_chunk[other], by_chunk[chunk], length, length + more):
                break
            length += more
        shared.head_cuts[chunk] = max(first, length), other


def _is_proved(first: ChunkSurvey, second: ChunkSurvey, start: int, stop: int) -> bool:
    """Whether bytes of a chunk that the other one ends with are more than silence, where no clock tells their times.

    An encoder makes the same frames of silence again and again, so that a chunk of them ends with what the next begins
    with.  One of the packets that begin there has to be there once.
    """
    if second.has_clock:
        return True
    if second.track is not None and units_across(first, second, second.track) is not None:
        return False  # the packet that is cut between them is whole as they are
    if second.track is not None and isinstance(second.track.head, PcmHead) and stop - start < _LEAST_FAR_BYTES:
        return False  # a few quiet samples are alike by chance
    pairs = zip(second.digests, second.offsets, strict=True)
    begun = [digest for digest, offset in pairs if start <= offset < stop]
    counts = Counter(first.digests), Counter(second.digests)
    return not begun or any(counts[0][digest] <= 1 and counts[1][digest] == 1 for digest in begun)


def _seam(tail: bytes, head: bytes) -> int:
    """How many bytes one ends with and the other begins with; 0 where it is too few to be sure."""
    alike = len(head) - len(head.lstrip(head[:1]))  # a sequence of one byte is everywhere
    least = _head_bytes(head) or _SHORTEST_SEAM_BYTES
    start = head[: least if alike < _SHORTEST_SEAM_BYTES else alike + least]
    if len(start) < least or len(start) == alike:
        return 0
    at = tail.find(start)
    while at >= 0:
        if len(tail) - at < len(head) and head.startswith(tail[at:]):
            return len(tail) - at
        at = tail.find(start, at + 1)
    return 0


def _head_bytes(data: bytes) -> int:
    """How many bytes a cluster or a fragment has up to what no other one has: its time or number; 0 where none begins.

    A live cluster's time is its first element (RFC 9559, section 5.1.3), behind an id and a size of twelve bytes.
    """
    if found := re.match(_CLUSTER, data):
        return found.end() + (found[1][0] & 0x7F)
    return _HEADS_BYTES if re.match(_HEAD, data) else 0


def bytes_ahead(one: ChunkSurvey, two: ChunkSurvey, pairs: Sequence[tuple[int, int]]) -> int:
    """How many bytes later packets in common are in the first of two chunks, by most of them; 0 without any."""
    found = Counter(one.offsets[a] - two.offsets[b] for a, b in pairs).most_common(1)
    return found[0][0] if found else 0


def apart_ms_of(one: ChunkSurvey, two: ChunkSurvey, pairs: Sequence[tuple[int, int]]) -> float | None:
    """How far apart packets in common were recorded; infinite where they do not agree, None where no base says."""
    found = [one.times_ms[a] - two.times_ms[b] for a, b in pairs]
    guessed = [one.guessed_ms[a] - two.guessed_ms[b] for a, b in pairs]
    known = [apart_ms for apart_ms in found if not isnan(apart_ms)]
    known = known or [apart_ms for apart_ms in guessed if not isnan(apart_ms)]
    if not known:
        return None
    usual = median_low(known)
    agreeing = sum(abs(apart_ms - usual) < SAME_MS for apart_ms in known)
    return usual if agreeing >= MOST * len(known) else inf
