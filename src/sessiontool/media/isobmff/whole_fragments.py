"""The fast way through a fragment that is there whole with its packets, laid out as recorders do.

That is a `moof` box with one track and one run of packets, each listed with its size, and right behind it an `mdat` box
of nothing else.  Whatever is not exactly that is left to `fragments` and `media_data`.
"""

from __future__ import annotations

import struct
from itertools import accumulate
from typing import TYPE_CHECKING

from msgspec import Struct

from ..opus import MAX_PACKET_BYTES
from .fragments import DURATION, SIZE, MovieFragment, run_columns
from .rows import PacketRow

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .boxes import Defaults

_HEAD = struct.Struct(">I4sI4sIII4sI4sII")  # moof, mfhd with its number, traf, tfhd with its track
_BOX = struct.Struct(">I4s")
_FULL_BOX = struct.Struct(">I4sI")
_U32 = struct.Struct(">I")
_PLACES = struct.Struct(">Ii")  # of `trun`: the number of packets, and where they begin
_MFHD_BYTES = 16  # with its head (ISO/IEC 14496-12, section 8.8.5)
_TRAF_AT = _BOX.size + _MFHD_BYTES  # bytes into moof
_FROM_FILE, _INDEX, _DURATION = 0x1, 0x2, 0x8  # flags of `tfhd`, with a field each (ISO/IEC 14496-12, section 8.8.7)
_FIELDS = 0x3A  # flags of `tfhd` that have a field of four bytes (as above; ISO/IEC 14496-12)
_AT, _FIRST_FLAGS = 0x1, 0x4  # flags of `trun`, with a field each (ISO/IEC 14496-12, section 8.8.8)


class WholeFragment(Struct, frozen=True):
    """A fragment, its packets, the place in the buffer where they begin, and the one after them."""

    fragment: MovieFragment
    row: PacketRow
    body: int
    end: int


def whole_fragment(
    buf: bytes, pos: int, offset: int, track: int, defaults: Mapping[int, Defaults]
) -> WholeFragment | None:
    """The fragment at the place `pos` in `buf`, which begins `offset` bytes into the stream; None for any other.

    `track` is the number of the only track there is.
    """
    try:
        return _read(buf, pos, offset, track, defaults)
    except struct.error:  # it is not all there
        return None


def _read(buf: bytes, pos: int, offset: int, track: int, defaults: Mapping[int, Defaults]) -> WholeFragment | None:
    size, kind, mfhd_bytes, mfhd, _, number, traf_bytes, *tfhd, flags, found = _HEAD.unpack_from(buf, pos)
    traf, tfhd_bytes, tfhd_kind = tfhd
    kinds = kind, mfhd, traf, tfhd_kind, found, mfhd_bytes, traf_bytes
    if kinds != (b"moof", b"mfhd", b"traf", b"tfhd", track, _MFHD_BYTES, size - _TRAF_AT) or flags & _FROM_FILE:
        return None
    place = pos + _TRAF_AT + _BOX.size + tfhd_bytes
    if place != pos + _HEAD.size + 4 * (flags & _FIELDS).bit_count():
        return None
    time, place = _time(buf, place)
    end, body = pos + size, pos + size + _BOX.size
    mdat_bytes, mdat = _BOX.unpack_from(buf, end)
    columns = _columns(buf, place, end, body - pos) if mdat == b"mdat" and time is not None else {}
    sizes = columns.get(SIZE, ())
    whole_to = body + sum(sizes)
    if time is None or not sizes or mdat_bytes != whole_to - end or whole_to > len(buf):
        return None
    if max(sizes) > MAX_PACKET_BYTES:
        return None
    durations = columns.get(DURATION) or (_usual(buf, pos, flags, defaults.get(track)),) * len(sizes)
    *times, end_time = accumulate(durations, initial=time)
    fragment = MovieFragment(number, track, time, end_time, absolute=False, samples=(), is_damaged=False)
    return WholeFragment(fragment, PacketRow(offset + body, sizes, times, durations), body, whole_to)


def _time(buf: bytes, pos: int) -> tuple[int | None, int]:
    """What the `tfdt` box at `pos` says, and where it ends; None where it is another box."""
    size, kind, version = _FULL_BOX.unpack_from(buf, pos)
    width = 8 if version >> 24 == 1 else 4
    if kind != b"tfdt" or size != _FULL_BOX.size + width:
        return None, pos
    return int.from_bytes(buf[pos + _FULL_BOX.size : pos + size], "big"), pos + size


def _usual(buf: bytes, pos: int, flags: int, usual: Defaults | None) -> int:
    """The duration of packets that none is listed of, by the `tfhd` of the fragment at `pos`, which has these flags."""
    if flags & _DURATION:
        return int(_U32.unpack_from(buf, pos + _HEAD.size + (4 if flags & _INDEX else 0))[0])
    return usual.duration if usual else 0


def _columns(buf: bytes, pos: int, end: int, data: int) -> dict[int, tuple[int, ...]]:
    """What the `trun` box from `pos` to `end` in `buf` lists of packets, a column each by its flag.

    Nothing where it is another box, or its packets are not right behind `moof`, `data` bytes after where that begins.
    """
    size, kind, flags = _FULL_BOX.unpack_from(buf, pos)
    if kind != b"trun" or size != end - pos or not flags & _AT:
        return {}
    count, at = _PLACES.unpack_from(buf, pos + _FULL_BOX.size)
    table = pos + _FULL_BOX.size + _PLACES.size + (4 if flags & _FIRST_FLAGS else 0)
    columns = run_columns(flags, buf[table:end])
    return columns if at == data and len(columns.get(SIZE, ())) == count and _fills(columns, end - table) else {}


def _fills(columns: dict[int, tuple[int, ...]], table_bytes: int) -> bool:
    """Whether columns are equally long and nothing else is in their table."""
    return 4 * sum(map(len, columns.values())) == table_bytes and len(set(map(len, columns.values()))) == 1
