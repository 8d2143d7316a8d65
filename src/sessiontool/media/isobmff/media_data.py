"""Where a fragment's packets are in its `mdat`, when the two do not agree: a size in one of them is damaged.

`moof` lists the packets' sizes, `mdat` states its own, and after both the next box begins: two of the three decide
which is wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from msgspec import Struct

from ..opus import MAX_PACKET_BYTES, packet_samples
from .fragments import mended, moved

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from .boxes import Sample

BEGINNING = rb"(?s)\0(?:[\0-\x0f]..moof\0\0\0\x10mfhd|[\0-\x3f]..moov\0\0..mvhd|\0\0[\x10-\xff][fs]typ[ -~]{4})"
"""Where a sequence begins: a plausible size, then a fragment or movie with its first box, or a file type and brand."""

BEGINNING_BYTES = 16  # the longest match of that pattern: two box heads (ISO/IEC 14496-12, section 4.2)
_MOST_WAITED_BYTES = 1 << 22  # chosen: 50 times the packets of 5 s at 128 kbit/s, and little memory


WRONG_OFFSET = "the place of an MP4 fragment's packets is wrong"
WRONG_BOX = "the size of an MP4 box is wrong"
WRONG_PACKET = "the size of a packet is wrong in its MP4 fragment"


def find_beginning(buf: bytes, start: int, end: int | None = None) -> int | None:
    """The place in `buf` where the first sequence begins whose pattern is all between `start` and `end`."""
    end = len(buf) if end is None else end
    find = buf.find
    if find(b"mfhd", start, end) < 0 and find(b"mvhd", start, end) < 0 and find(b"typ", start, end) < 0:
        return None  # as nearly always: the pattern takes three times as long to say so
    found = re.compile(BEGINNING).search(buf, start, end)
    return found.start() if found else None


class Placed(Struct, frozen=True):
    """Packets, the offset at which the box that holds them ends, and what of it was wrong before."""

    samples: Sequence[Sample]
    end: int
    wrong: str = ""


class Bytes:
    """What is there of a stream, from `offset` on; with `is_final` no more will come.  `tocs` are TOC bytes seen."""

    def __init__(self, buf: bytes, offset: int, tocs: frozenset[int], *, is_final: bool) -> None:
        self.buf, self.offset, self.tocs, self.is_final = buf, offset, tocs, is_final

    @property
    def end(self) -> int:
        return self.offset + len(self.buf)

    def begins(self, offset: int) -> bool:
        """Whether a sequence begins there, or the bytes end there."""
        if self.is_final and offset == self.end:
            return True
        begins = re.compile(BEGINNING).match
        return self.offset <= offset < self.end and begins(self.buf, offset - self.offset) is not None

    def packet(self, sample: Sample) -> bytes:
        start = max(0, sample.offset - self.offset)
        return self.buf[start : start + sample.size_bytes]

    def fits(self, sample: Sample) -> bool:
        """Whether a packet begins as the others do; one whose bytes are not there may."""
        packet = self.packet(sample)
        return not packet or packet[0] in self.tocs

    def score(self, sample: Sample) -> int:
        """How well a packet agrees with the others: in its kind, or at least in how long it lasts."""
        start = self.packet(sample)[:2]
        lengths = {packet_samples(bytes((toc,)) + start[1:]) for toc in self.tocs}
        return 2 if self.fits(sample) else int(packet_samples(start) in lengths)

    def kind_of(self, samples: Sequence[Sample]) -> Bytes:
        """The same with the TOC byte of most packets, where none is known."""
        firsts = [self.packet(sample)[:1] for sample in samples]
        heard = Counter(first for first in firsts if first)
        if self.tocs or not heard:
            return self
        return Bytes(self.buf, self.offset, frozenset(heard.most_common(1)[0][0]), is_final=self.is_final)


def place(
    samples: Sequence[Sample], start: int, claim: int, there: Bytes, *, is_absolute: bool = False
) -> Placed | None:
    """The packets of the `mdat` whose body begins at the offset `start` and ends, as it says, at `claim`.

    Their offsets count from the beginning of the file if `is_absolute`.  None where more bytes are needed.
    """
    wrong = ""
    if not start <= samples[0].offset < claim:
        wrong = "" if is_absolute else WRONG_OFFSET  # from the beginning of a file that is cut they cannot be right
        samples = moved(samples, start - samples[0].offset)
    listed_end = samples[-1].end
    if listed_end == claim:
        return Placed(samples, claim, wrong)
    likely = [end for end in (listed_end, claim) if end - start < _MOST_WAITED_BYTES]
    cut_at = find_beginning(there.buf, max(0, start - there.offset))
    if likely and not there.is_final and cut_at is None and there.end < max(likely) + BEGINNING_BYTES:
        return None
    if there.begins(listed_end):
        return Placed(samples, listed_end, wrong or WRONG_BOX)
    if not there.begins(claim):
        return Placed(samples, claim, wrong)
    there = there.kind_of(samples[:1])  # the others may be sought in the wrong places
    better = mended(samples, claim, there.score)
    return Placed(better or list(_while_fitting(samples, claim, there)), claim, WRONG_PACKET)


def _while_fitting(samples: Sequence[Sample], end: int, there: Bytes) -> list[Sample]:
    """The packets in front of the first that does not begin as the others do."""
    kept = []
    for sample in samples:
        if not sample.size_bytes or not there.fits(sample) or sample.end > end:
            break
        kept.append(sample)
    return kept


def is_theirs(samples: Sequence[Sample], start: int, there: Bytes) -> bool | None:
    """Whether packets fill the bytes from `start` on, where a box with a damaged head ends, up to the next box.

    None where more bytes are needed.
    """
    end = samples[-1].end
    if samples[0].offset != start or end - start > _MOST_WAITED_BYTES:
        return False
    if not there.is_final and there.end < end + BEGINNING_BYTES:
        return None
    there = there.kind_of(samples)
    return there.begins(end) and sum(map(there.fits, samples)) * 10 >= len(samples) * 9


def in_a_row(first: Sample, others: Iterator[Sample], end: int) -> tuple[list[Sample], Sample | None]:
    """A packet and those that follow it with nothing between, up to the offset `end`; and the packet after them."""
    found, after = [first], first.end
    for sample in others:
        size = sample.size_bytes
        if sample.offset != after or not 0 < size <= MAX_PACKET_BYTES or after + size > end:
            return found, sample
        found.append(sample)
        after += size
    return found, None
