"""What stands between MP3 frames: ID3 and APE tags, and the frame of Xing's and LAME's that describes a file.

ID3v2 (id3.org, 2.4.0), ID3v1, APEv2; the Xing header with LAME's extension ("MP3 Info Tag", revision 0 and 1).
"""

from __future__ import annotations

import struct
from itertools import accumulate
from typing import TYPE_CHECKING

from ..mp3 import DECODER_DELAY, HEADER_BYTES, frame_with_room, read_header

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..mp3 import Mp3Head

LONGEST_TAG_BYTES = 1 << 28  # by definition: an ID3 tag's size has 28 bits (id3.org, 2.4.0, section 3.1)

_ID3_HEAD_BYTES = 10  # by definition (id3.org, 2.4.0, section 3.1)
_ID3_FOOTER = 0x10  # bits, by definition: a copy of the head is at the end, too (id3.org, 2.4.0, section 3.1)
_ID3V1_BYTES = 128  # by definition of ID3v1
_APE_HEAD_BYTES = 32  # by definition of APEv2
_VBRI_AT = 36  # bytes into a frame, by definition of Fraunhofer's header
_TOC_ENTRIES = 100  # entries, by definition of Xing's
_ALL_FIELDS = 15  # bits, by definition of Xing's header: frames, bytes, places and quality follow
_INFO_BYTES = 4 + 4 + 4 + 4 + _TOC_ENTRIES + 4  # by definition of Xing's header
_LAME_BYTES = 36  # by definition of LAME's extension (MP3 Info Tag)
_DELAY_AT = 21  # bytes into it, by definition (MP3 Info Tag)
_PLAYERS_TRUST = b"LAME     "
"""The encoder's name.  FFmpeg, Chromium and Firefox believe the delays of a file that begins so, and of few others."""
_CRC_POLYNOMIAL = 0xA001  # bits, by definition of CRC-16 (ARC)


def tag_bytes(data: bytes, at: int) -> int | None:
    """The size of a tag that begins at an offset; 0 where none does, None where more bytes are needed to tell."""
    head = data[at : at + _APE_HEAD_BYTES]
    if head[:3] == b"ID3":
        if len(head) < _ID3_HEAD_BYTES:
            return None
        if max(head[6:10]) >= 0x80 or head[3] == 0xFF:
            return 0
        size = head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]
        return size + _ID3_HEAD_BYTES * (2 if head[5] & _ID3_FOOTER else 1)
    if head[:8] == b"APETAGEX":
        return None if len(head) < _APE_HEAD_BYTES else _APE_HEAD_BYTES + int.from_bytes(head[12:16], "little")
    if head[:3] == b"TAG":
        return _ID3V1_BYTES
    names = (b"ID3", b"APETAGEX", b"TAG")
    return None if head and any(name.startswith(head) for name in names) else 0


def is_info(frame: bytes) -> bool:
    """Whether a frame describes a file, and has no sound."""
    return _info_at(frame) >= 0 or frame[_VBRI_AT : _VBRI_AT + 4] == b"VBRI"


def _info_at(frame: bytes) -> int:
    """Where in a frame Xing's header is; -1 where there is none."""
    header = read_header(frame[:HEADER_BYTES])
    places = (header.side_at, header.side_at - 2) if header else ()  # LAME forgets the checksum
    return next((at for at in places if frame[at : at + 4] in (b"Xing", b"Info")), -1)


def priming_of(frame: bytes) -> int | None:
    """How many samples encoder and decoder add, by LAME's extension of a file's first frame; None where it has none."""
    at = _info_at(frame)
    if at < 0:
        return None
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    lame = at + 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + _TOC_ENTRIES * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    if len(frame) < lame + _LAME_BYTES or frame[lame : lame + 4] not in (b"LAME", b"Lavf", b"Lavc"):
        return None
    return (int.from_bytes(frame[lame + _DELAY_AT : lame + _DELAY_AT + 3], "big") >> 12) + DECODER_DELAY


def id3_tag(writing_app: str, track_uid: int) -> bytes:
    """An ID3 tag that says which program made the file, and the number of its recording."""
    frames = _id3_text(b"TSSE", writing_app) + _id3_text(b"TXXX", f"recording\0{track_uid:x}")
    return b"ID3\4\0\0" + _synchsafe(len(frames)) + frames


def _id3_text(name: bytes, text: str) -> bytes:
    body = b"\3" + text.encode()  # in UTF-8
    return name + _synchsafe(len(body)) + b"\0\0" + body


def _synchsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def info_frame(head: Mp3Head, sizes: Sequence[int]) -> bytes:
    """The first frame of a file with frames of these sizes: how many there are, where they are, and the delay.

    Nothing is to be left out at the end.  A delay that is unknown is not stated.
    """
    header, size = frame_with_room(head.rate_hz, head.channels, _INFO_BYTES + _LAME_BYTES)
    found = read_header(header)
    assert found is not None
    total = size + sum(sizes)
    info = struct.pack(">4sIII", b"Xing", _ALL_FIELDS, len(sizes), total) + _places(size, sizes, total) + bytes(4)
    lame = bytes(_LAME_BYTES)
    if head.delay_known:
        delays = max(0, head.priming - DECODER_DELAY) << 12 | DECODER_DELAY
        lame = _PLAYERS_TRUST + bytes(_DELAY_AT - len(_PLAYERS_TRUST)) + delays.to_bytes(3, "big") + bytes(4)
        lame += struct.pack(">I", total) + bytes(2)
        lame += _crc(header + bytes(found.side_at - HEADER_BYTES) + info + lame).to_bytes(2, "big")
    body = header + bytes(found.side_at - HEADER_BYTES) + info + lame
    return body + bytes(size - len(body))


def _places(first: int, sizes: Sequence[int], total: int) -> bytes:
    """Where each hundredth of the time begins, in 256ths of the bytes."""
    begins = list(accumulate(sizes, initial=first))
    return bytes(min(255, begins[len(sizes) * n // _TOC_ENTRIES] * 256 // total) for n in range(_TOC_ENTRIES))


def _crc(data: bytes) -> int:
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (_CRC_POLYNOMIAL if crc & 1 else 0)
    return crc
