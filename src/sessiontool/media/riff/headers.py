"""The header of a WAV file: where its samples begin, and what they are (RIFF, 1991; RF64: EBU Tech 3306).

Sizes are not believed: a page that streams writes 0 or 0xFFFFFFFF.
"""

from __future__ import annotations

import struct

from msgspec import Struct

from ...errors import RecordingError
from ..pcm import PcmHead

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE  # ids of formats (RFC 2361)
_OTHERS = {2: "ADPCM", 6: "A-law", 7: "µ-law", 0x11: "IMA ADPCM", 0x55: "MP3"}
_ENCODINGS = {(_PCM, 8): "u8", (_PCM, 16): "s16le", (_PCM, 24): "s24le", (_PCM, 32): "s32le", (_FLOAT, 32): "f32le"}
_MOST_HEAD_BYTES = 1 << 16  # chosen: a list of texts in front of the samples is shorter
_FORMAT_BYTES = 16  # of a `fmt ` chunk, at least (RFC 2361)
_SUBFORMAT_AT = 24  # bytes into an extensible `fmt ` (RFC 2361)


class WavHeader(Struct, frozen=True):
    """What the samples are, where they begin, and how many bytes of them the file says there are."""

    head: PcmHead
    start: int
    stated_bytes: int


def begins_wav(data: bytes) -> bool:
    """Whether bytes begin with a WAV file's header."""
    return data[:4] in (b"RIFF", b"RF64", b"BW64") and data[8:12] == b"WAVE"


def holds_no_samples(data: bytes) -> bool:
    """Whether bytes are a whole WAV file of no samples: what a recorder hands over that has nothing left at its end."""
    try:
        header = read_header(data) if begins_wav(data) else None
    except (RecordingError, ValueError):
        return False
    return header is not None and header.stated_bytes == 0 and header.start == len(data)


def read_header(data: bytes) -> WavHeader | None:
    """The header that `data` begins with; None where bytes lack.

    RecordingError for other formats, ValueError for damage.
    """
    at, head, long_bytes = 12, None, 0
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, at)
        at += 8
        if kind == b"data":
            if head is None:
                raise ValueError("samples without a format")
            return WavHeader(head, at, long_bytes if size == 0xFFFFFFFF and long_bytes else size)
        if size > _MOST_HEAD_BYTES:
            raise ValueError(f"a chunk of {size:,} bytes in front of the samples")
        if at + size > len(data):
            return None
        if kind == b"fmt ":
            head = _format(data[at : at + size])
        elif kind == b"ds64" and size >= 16:
            (long_bytes,) = struct.unpack_from("<Q", data, at + 8)
        at += size + size % 2
    return None


def _format(body: bytes) -> PcmHead:
    if len(body) < _FORMAT_BYTES:
        raise ValueError("the format is cut short")
    kind, channels, rate, _, frame_bytes, bits = struct.unpack_from("<HHIIHH", body)
    if kind == _EXTENSIBLE and len(body) >= _SUBFORMAT_AT + 2:
        (kind,) = struct.unpack_from("<H", body, _SUBFORMAT_AT)
    encoding = _ENCODINGS.get((kind, bits))
    if encoding is None:
        what = _OTHERS.get(kind, f"format {kind:#x} with {bits} bits")
        raise RecordingError(
            f"a WAV file of {what}, not of PCM",
            hint="join the part's chunks in order (cat CHUNKS > whole.wav) and convert that: "
            "ffmpeg -i whole.wav -c:a pcm_s16le OUT.wav",
        )
    head = PcmHead(channels, rate, encoding)
    if frame_bytes != head.frame_bytes:
        raise ValueError(f"frames of {frame_bytes} bytes")
    return head
