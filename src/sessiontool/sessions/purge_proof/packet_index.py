"""Where the packets of chunks are in a published recording: an index of its packets, and what was found of them.

Digital silence is identical packets, and a recording may repeat others too.  So it is not enough that a packet is
somewhere: the packets of a chunk have to be there in their order, one behind another, with nothing between them but
silence that the merge put in, or what is before a packet that occurs once.  Each place is claimed by one chunk.
Another one may share a run of places, as a copy, only where it was recorded at the same time by the same recorder.

Packets are compared by 64 bits of a keyed BLAKE2b.  Its key is made for each index, so no file can be made to fit.
Eight hours of 20 ms packets are 1.4 million: 23 MB, and 6 MB more where something is not at its place.
"""

from __future__ import annotations

import secrets
from array import array
from bisect import bisect_left, bisect_right
from hashlib import blake2b
from itertools import groupby, islice
from typing import TYPE_CHECKING

from msgspec import Struct

from ...media.aac import silent_frame
from ...media.mp3 import silent_frames
from ...media.opus import silent_packet

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_DIGEST_BYTES = 8
"""Chosen: two of a million packets are not taken for each other."""
_KEY_BYTES = 16
"""Of the hash's secret key; chosen: packets of one digest cannot be made on purpose."""
_TOP_BITS = 4
"""Chosen: the index is sorted in 16 parts, which bounds its memory."""
_MOST_STARTS = 32
"""Number of places at which a chunk of nothing but repeated packets is tried; chosen: enough for the silence of a
few lost chunks."""


_FREE = -1
"""In place of a chunk's number: chosen, as no chunk has it."""
UNKNOWN_TIME = -2
"""The time of a packet of which it is not known; in ms, chosen: no packet has it."""


class Unfound(Struct, frozen=True):
    """What of a chunk's packets is not in the recording: the number of the first of them, how many, and why."""

    first: int
    packets: int
    reason: str


class PacketIndex:
    """The packets of a recording in order, and which of them chunks have claimed."""

    def __init__(self, packets: Iterable[Sequence[bytes]]) -> None:
        """`packets` are the recording's, in pieces of any length."""
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._digests: array[int] = array("Q")
        for piece in packets:
            self._digests.extend(self._digests_of(piece))
        silence = [made(channels) for channels in (1, 2) for made in (silent_packet, silent_frame)]
        self._filler = frozenset(self._digests_of([*silence, *silent_frames()]))
        self._times = array("q", [_FREE]) * len(self._digests)  # of the packets that claimed the places
        self._next = 0  # behind the last place that was claimed
        self._order: array[int] = array("i")  # places in order of their digests, made when it is needed
        self.claims = 0
        """Packets that were found, copies among them."""

    def claim(self, payloads: Sequence[bytes], times: Sequence[int]) -> Unfound | None:
        """Claim the places of a chunk's packets, which are in their order; returns what is not there.

        `times` are 0 or more, and alike for two packets that the same recorder recorded at the same time alone.
        """
        wanted = self._digests_of(payloads)
        end = self._next + len(wanted)
        if self._digests[self._next : end] == wanted and self._times[self._next : end].count(_FREE) == len(wanted):
            self._times[self._next : end] = array("q", times)
            self._next = end
            self.claims += len(wanted)
            return None
        best = 0
        for start in self._starts(wanted):
            places = self._place(wanted, start)
            if len(places) == len(wanted) and self._are_free_or_copies(places, times):
                self._claim(places, times)
                return None
            best = max(best, len(places))
        return self._unfound(wanted, best)

    def holds(self, payload: bytes) -> bool:
        """Whether a packet is anywhere in the recording."""
        return len(self._places(self._digests_of([payload])[0])) > 0

    def _digests_of(self, payloads: Sequence[bytes]) -> array[int]:
        key = self._key
        found = [blake2b(payload, digest_size=_DIGEST_BYTES, key=key).digest() for payload in payloads]
        return array("Q", b"".join(found))

    def _claim(self, places: Sequence[int], times: Sequence[int]) -> None:
        for place, time in zip(places, times, strict=True):
            if self._times[place] == _FREE:
                self._times[place] = time
        self._next = places[-1] + 1
        self.claims += len(places)

    def _unfound(self, wanted: array[int], best: int) -> Unfound:
        absent = [index for index, digest in enumerate(wanted) if not self._places(digest)]
        if absent:
            return Unfound(absent[0], len(absent), "not in the recording")
        index = min(best, len(wanted) - 1)
        return Unfound(index, len(wanted) - index, "not in the recording as often, or not in this order")

    # -- where a chunk is

    def _starts(self, wanted: array[int]) -> Iterator[int]:
        """Where the first packet of a chunk may be.

        Behind the last chunk; else as far as a packet tells that occurs once; else at any free place.
        """
        yield self._next
        anchored = self._anchored(wanted, 0, 0)
        if anchored:
            yield anchored[0]
            return
        free = (place for place in self._places(wanted[0]) if self._times[place] == _FREE)
        yield from islice(free, _MOST_STARTS)

    def _place(self, wanted: array[int], at: int) -> list[int]:
        """The places of packets, as far as they can be found from `at` on."""
        digests = self._digests
        places: list[int] = []
        while len(places) < len(wanted):
            digest = wanted[len(places)]
            found = self._past_filler(at, digest, 1)
            if found < len(digests) and digests[found] == digest:
                places.append(found)
            else:
                anchored = self._anchored(wanted, len(places), at)
                if not anchored:
                    break
                places += anchored
            at = places[-1] + 1
        return places

    def _anchored(self, wanted: array[int], index: int, at: int) -> list[int]:
        """The places of the packets from `index` on up to the first that occurs once; empty if it is before `at`."""
        anchor = next((i for i in range(index, len(wanted)) if len(self._places(wanted[i])) == 1), None)
        if anchor is None:
            return []
        places = [self._places(wanted[anchor])[0]]
        for digest in reversed(wanted[index:anchor]):
            place = self._past_filler(places[-1] - 1, digest, -1)
            if place < 0 or self._digests[place] != digest:
                return []
            places.append(place)
        return places[::-1] if places[-1] >= at else []

    def _past_filler(self, at: int, digest: int, step: int) -> int:
        """The next place from `at` on that has `digest` or is no silence; may be outside of the recording."""
        digests, filler = self._digests, self._filler
        while 0 <= at < len(digests) and digests[at] != digest and digests[at] in filler:
            at += step
        return at

    def _are_free_or_copies(self, places: Sequence[int], times: Sequence[int]) -> bool:
        """Whether places are claimed by no other chunk, or in runs that were recorded when these packets were.

        Places that do not follow one another are runs of their own: a packet that is alike is elsewhere, too.
        """
        pairs = [(self._times[place], time) for place, time in zip(places, times, strict=True)]
        numbered = enumerate(zip(places, pairs, strict=True))
        runs = groupby(numbered, key=lambda one: (one[1][1][0] == _FREE, one[1][0] - one[0]))
        return all(free or any(a == b != UNKNOWN_TIME for _, (_, (a, b)) in run) for (free, _), run in runs)

    # -- which places have a digest

    def _places(self, digest: int) -> Sequence[int]:
        """The places of all packets with `digest`, ascending."""
        if len(self._order) < len(self._digests):
            self._sort()
        order, digest_at = self._order, self._digests.__getitem__
        start = bisect_left(order, digest, key=digest_at)
        if start == len(order) or digest_at(order[start]) != digest:
            return ()
        return memoryview(order)[start : bisect_right(order, digest, lo=start, key=digest_at)]

    def _sort(self) -> None:
        """Sort in pieces: a list of all places and digests as Python has them would be 100 MB for eight hours."""
        digests, shift = self._digests, 8 * _DIGEST_BYTES - _TOP_BITS
        for top in range(1 << _TOP_BITS):
            places = [place for place, digest in enumerate(digests) if digest >> shift == top]
            self._order.extend(array("i", sorted(places, key=digests.__getitem__)))
