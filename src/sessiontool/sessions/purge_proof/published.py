"""The packets of a published recording, read once and strictly, with no code that wrote or verified it.

Not here: times, index, silence, which `verify` checks.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, BinaryIO

from ...errors import RecordingError
from ...media.matroska import ebml
from ...media.mp3 import read_header

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_CLUSTER_BYTES = 1 << 26
"""Chosen: 64 MB, as much as `verify` reads; a merge's clusters last some seconds."""

_FRAMES = 1000
"""Number of frames of an m4a that are read at once; chosen."""
_LACING_FLAGS = 0x06
"""By definition of a block's flags (RFC 9559)."""
_BLOCK_HEAD_BYTES = 4
"""By definition (RFC 9559): the track's number, the time in two bytes, flags."""


def read_packets(file: BinaryIO) -> Iterator[list[bytes]]:
    """The packets, some at a time, of a file that is open for reading at its start.

    RecordingError where it cannot be read to its end, or has packets of more than one track.
    """
    try:
        begin = file.read(8)
        if begin[4:] == b"ftyp":
            yield from _frames(file)
            return
        if begin[:3] == b"ID3":
            yield from _mp3_frames(file)
            return
        tracks: set[int] = set()
        for element_id, size in _elements(file):
            if element_id == ebml.CLUSTER:
                yield list(_packets(file.read(size), size, tracks))
            elif element_id != ebml.SEGMENT:
                file.seek(size, 1)
    except (ValueError, IndexError, struct.error) as error:
        raise RecordingError(
            f"the recording cannot be read to its end: {error}", hint="merge the session again with --force"
        ) from error


def _frames(file: BinaryIO) -> Iterator[list[bytes]]:
    """The frames of an MP4 with one track, whose first `mdat` they fill one behind another."""
    index, data_bytes = b"", 0
    file.seek(0)
    while not data_bytes:
        size, kind = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            size, head = struct.unpack(">Q", file.read(8))[0], 16
        if kind == b"mdat":
            data_bytes = size - head
        elif size > _MAX_CLUSTER_BYTES:
            raise ValueError(f"a box of {size:,} bytes")
        else:
            body = file.read(size - head)
            index = body if kind == b"moov" else index
    if index.count(b"stsz") != 1:
        raise ValueError("its index has not the sizes of one track")
    at = index.index(b"stsz") + 4
    same, count = struct.unpack_from(">II", index, at + 4)
    sizes = struct.unpack_from(f">{count}I", index, at + 12)
    if same or sum(sizes) != data_bytes:
        raise ValueError("the frames that its index lists do not fill it")
    for first in range(0, count, _FRAMES):
        yield [file.read(size) for size in sizes[first : first + _FRAMES]]


def _mp3_frames(file: BinaryIO) -> Iterator[list[bytes]]:
    """The frames of an MP3 behind its tag and the frame that describes it, one behind another to the end."""
    file.seek(6)
    size = 0
    for byte in file.read(4):
        size = size << 7 | byte
    file.seek(10 + size)
    frames: list[bytes] = []
    while head := file.read(4):
        header = read_header(head)
        if header is None:
            raise ValueError(f"no frame at byte {file.tell() - len(head):,}")
        frames.append(head + file.read(header.size_bytes - len(head)))
        if len(frames[-1]) != header.size_bytes:
            raise ValueError("it ends inside a frame")
        if len(frames) > _FRAMES:  # the first of all is none of the recording's
            yield frames[1:] if size else frames
            frames, size = [], 0
    yield frames[1:] if size else frames


def _elements(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Id and size of each element, before which the file then is; the segment's are in the same row."""
    end = file.seek(0, 2)
    at = file.seek(0)
    while at < end:
        head = file.read(12)
        found = ebml.read_header(head, 0)
        if found is None or found[1] == ebml.UNKNOWN_SIZE:
            raise ValueError(f"no element of known size at byte {at}")
        element_id, size, length = found
        at += length if element_id == ebml.SEGMENT else length + size
        if at > end or (element_id == ebml.CLUSTER and size > _MAX_CLUSTER_BYTES):
            raise ValueError(f"an element of {size:,} bytes before byte {at}")
        file.seek(length - len(head), 1)
        yield element_id, size
        file.seek(at)


def _packets(body: bytes, size: int, tracks: set[int]) -> Iterator[bytes]:
    """The packets of a cluster's body: a timestamp, and blocks with sizes of two or four bytes."""
    header = ebml.read_header(body, 0)
    if header is None or header[0] != ebml.TIMESTAMP:
        raise ValueError("a cluster that does not begin with its timestamp")
    pos = header[1] + header[2]
    while pos < size:
        width = 2 if body[pos + 1] & 0xC0 == 0x40 else 4
        head = pos + 1 + width
        after = head + int.from_bytes(body[pos + 1 : head], "big") - (1 << 7 * width)
        tracks.add(body[head])
        flags = body[head + _BLOCK_HEAD_BYTES - 1]
        is_block = body[pos] == ebml.SIMPLE_BLOCK and len(tracks) == 1 and not flags & _LACING_FLAGS
        if not is_block or not head + _BLOCK_HEAD_BYTES < after <= size:
            raise ValueError(f"no block of the only track at byte {pos} of a cluster")
        yield body[head + _BLOCK_HEAD_BYTES : after]
        pos = after
