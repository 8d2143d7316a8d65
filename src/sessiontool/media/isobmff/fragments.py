"""The `moof` box of an MP4: where a fragment's packets are and when (ISO/IEC 14496-12, section 8.8).

Nothing protects it.  Boxes of a track's part whose sizes are wrong are found by their kinds, and sizes of packets that
do not fill the fragment's `mdat` are mended where one bit explains it and the packets say so.
"""

from __future__ import annotations

import struct
from functools import partial
from itertools import accumulate, pairwise, repeat
from typing import TYPE_CHECKING

from msgspec import Struct

from .boxes import Defaults, Sample, children, number_at, u32

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_MOST_PACKETS = 1 << 16  # in a run that does not list them; chosen: 22 minutes at 20 ms
DURATION, SIZE = 0x100, 0x200  # flags of `trun`: what its entries hold (ISO/IEC 14496-12, section 8.8.8)
_FIELDS = (DURATION, SIZE, 0x400, 0x800)  # flags: all of them, in order (as above; ISO/IEC 14496-12)
_PARTS = (b"tfhd", b"tfdt", b"trun")


_NEW_SAMPLE: Callable[[tuple[int, int, int, int]], Sample] = partial(tuple.__new__, Sample)
"""As `Sample` does, in a third of the time: an hour has 170,000."""


class MovieFragment(Struct, frozen=True):
    """What `moof` says about one track: its packets, and when they end.

    `time` is that of the first packet; None where `tfdt` is missing, and the times and `end_time` count from 0 then.
    `absolute` says that offsets count from the beginning of the file, wherever the fragment is in it; `is_damaged` that
    the size of a box in it is wrong.
    """

    number: int
    track: int
    time: int | None
    end_time: int
    absolute: bool
    samples: tuple[Sample, ...]
    is_damaged: bool


def read_fragment(body: bytes, moof_at: int, track: int | None, defaults: dict[int, Defaults]) -> MovieFragment | None:
    """What the `moof` box that begins `moof_at` bytes into the stream says about `track` (None: its first).

    None where it has nothing about that track.
    """
    number, found, data_end = 0, None, moof_at
    for kind, child in children(body):
        if kind == b"mfhd":
            number = u32(child, 4)
        elif kind == b"traf":
            traf = _Traf(child, moof_at, data_end, defaults)
            data_end = traf.data_end
            if found is None and track in (None, traf.track):
                found = traf
    if found is None:
        return None
    return MovieFragment(
        number, found.track, found.time, found.end_time, found.absolute, tuple(found.samples), found.is_damaged
    )


class _Traf:
    """A track's part of a fragment: its runs of packets, with everything that the boxes leave to defaults filled in."""

    def __init__(self, body: bytes, moof_at: int, data_end: int, defaults: dict[int, Defaults]) -> None:
        boxes, self.is_damaged = _parts(body)
        header, decode_time = (next((child for kind, child in boxes if kind == wanted), b"") for wanted in _PARTS[:2])
        flags, self.track = u32(header, 0) & 0xFFFFFF, u32(header, 4)
        pos = 8
        options: dict[int, int] = {}
        for flag, width in ((0x1, 8), (0x2, 4), (0x8, 4), (0x10, 4), (0x20, 4)):
            if flags & flag:
                options[flag] = number_at(header, pos, width)
                pos += width
        usual = defaults.get(self.track, Defaults(0, 0))
        self._defaults = Defaults(options.get(0x8, usual.duration), options.get(0x10, usual.size_bytes))
        self.absolute = 0x1 in options
        # The offsets count from what is given, or from the fragment, or from where the track before left off (8.8.7).
        self._base = options.get(0x1, moof_at if flags & 0x20000 else data_end)
        self.data_end = self._base
        self.time = number_at(decode_time, 4, 8 if decode_time[:1] == b"\1" else 4) if decode_time else None
        self.end_time = self.time or 0
        self.samples: list[Sample] = []
        for kind, child in boxes:
            if kind == b"trun":
                self._add_run(child)

    def _add_run(self, body: bytes) -> None:
        """A `trun`: its packets are contiguous."""
        flags, count = u32(body, 0) & 0xFFFFFF, u32(body, 4)
        if flags & 0x1:
            self.data_end = self._base + struct.unpack_from(">i", body, 8)[0]
        width = 4 * len(_listed(flags))
        table = body[8 + (4 if flags & 0x1 else 0) + (4 if flags & 0x4 else 0) :]
        if width and table and not len(table) % width:
            count = len(table) // width  # nothing else is in the box
        if len(table) < width * count or (not flags & SIZE and not self._defaults.size_bytes > 0):
            raise ValueError(f"no run of {count} packets in {len(body)} bytes")
        if not width and count > _MOST_PACKETS:
            raise ValueError(f"a run of {count} packets that are not listed")
        columns = run_columns(flags, table[: width * count])
        durations = columns.get(DURATION) or repeat(self._defaults.duration, count)
        sizes = columns.get(SIZE) or repeat(self._defaults.size_bytes, count)
        sizes, durations = tuple(sizes), tuple(durations)
        *offsets, self.data_end = accumulate(sizes, initial=self.data_end)
        *times, self.end_time = accumulate(durations, initial=self.end_time)
        self.samples += map(_NEW_SAMPLE, zip(offsets, sizes, times, durations, strict=True))


def _listed(flags: int) -> list[int]:
    """What the entries of a `trun` hold, by its flags, in order."""
    return [flag for flag in _FIELDS if flags & flag]


def run_columns(flags: int, table: bytes) -> dict[int, tuple[int, ...]]:
    """The entries of a `trun`, a column each by its flag."""
    listed = _listed(flags)
    values = struct.unpack(f">{len(table) // 4}I", table)
    return {flag: values[place :: len(listed)] for place, flag in enumerate(listed)}


def missing_between(last: MovieFragment | None, fragment: MovieFragment, end_time: int) -> int:
    """How many fragments are missing before one, where the last that is there ended at `end_time`.

    Numbers need not follow one another, and Chrome's clock need not run evenly: both together show a loss.
    """
    if last is None or fragment.time is None or fragment.time <= end_time:
        return 0
    return max(0, fragment.number - last.number - 1)


def _parts(body: bytes) -> tuple[list[tuple[bytes, bytes]], bool]:
    """The boxes in a `traf`; where their sizes are wrong (the second value), by their kinds, each up to the next."""
    try:
        boxes = list(children(body))
    except ValueError:
        boxes = []
    kinds = [kind for kind, _ in boxes]
    if b"tfhd" in kinds and b"trun" in kinds:
        return boxes, False
    places = [(body.find(kind) - 4, kind) for kind in _PARTS]
    found = sorted(place for place in places if place[0] >= 0)
    ends = [*found, (len(body), b"")]
    return [(kind, body[at + 8 : end]) for (at, kind), (end, _) in pairwise(ends)], True


def moved(samples: Sequence[Sample], by: int) -> list[Sample]:
    """The same packets `by` bytes further on."""
    return [sample._replace(offset=sample.offset + by) for sample in samples]


def mended(samples: Sequence[Sample], end: int, score: Callable[[Sample], int]) -> list[Sample] | None:
    """Samples with one bit of one size changed, such that they end at the offset `end` and begin as packets do.

    `score` is 2 for a packet that begins as the others do.
    """
    difference = end - samples[-1].end
    bit = abs(difference)
    if bit & (bit - 1):
        return None
    best = max(_changed(samples, bit, difference), key=lambda made: sum(map(score, made)), default=None)
    if best is None or sum(map(score, best)) * 5 < len(best) * 9:
        return None
    return best


def _changed(samples: Sequence[Sample], bit: int, difference: int) -> Iterator[list[Sample]]:
    sizes = [sample.size_bytes for sample in samples]
    for place, size in enumerate(sizes):
        if bool(size & bit) == (difference < 0):
            changed = [*sizes[:place], size + difference, *sizes[place + 1 :]]
            offsets = accumulate(changed, initial=samples[0].offset)
            yield [
                sample._replace(offset=offset, size_bytes=new)
                for sample, offset, new in zip(samples, offsets, changed, strict=False)
            ]
