"""What an MP4's sample entry says of its sound: the `dOps` of Opus, the `esds` of AAC, and what other codecs are.

Opus in ISOBMFF; for AAC ISO/IEC 14496-14, section 5.6, with descriptors of ISO/IEC 14496-1, section 7.2.6.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NoReturn

from ...errors import RecordingError
from ..aac import CONVERT, AacHead
from ..opus import OpusHead

if TYPE_CHECKING:
    from collections.abc import Iterable

_EXTRA_ENTRY_BYTES = {1: 16, 2: 36}  # bytes by version (QTFF, sound sample descriptions 1 and 2)
_SOUND_ENTRY_BYTES = 28  # AudioSampleEntry before its boxes (ISO/IEC 14496-12, section 12.2.3)
_ES, _DECODER_CONFIG, _DECODER_SPECIFIC = 3, 4, 5  # ids of descriptors (ISO/IEC 14496-1, section 7.2.2.1)
_AAC_OBJECTS = (0x40, 0x66, 0x67, 0x68)  # ids of AAC in MPEG-4 and MPEG-2 (ISO/IEC 14496-1, section 7.2.6.6)
_MP3_OBJECTS = (0x69, 0x6B)  # ids of MPEG-1 and MPEG-2 audio (ISO/IEC 14496-1, as above)
_STREAM_DEPENDENCE, _URL, _OCR = 0x80, 0x40, 0x20  # flags of an ES descriptor (ISO/IEC 14496-1, section 7.2.6.5)
_CONFIG_HEAD_BYTES = 13  # of a decoder config before its descriptors (ISO/IEC 14496-1, section 7.2.6.6)

_CODECS = {
    b"mp4a": "AAC (mp4a)",
    b"alac": "Apple Lossless (alac)",
    b"fLaC": "FLAC",
    b"ac-3": "Dolby Digital (ac-3)",
    b"ec-3": "Dolby Digital Plus (ec-3)",
    b".mp3": "MP3",
    b"ipcm": "PCM (ipcm)",
    b"fpcm": "PCM (fpcm)",
    b"lpcm": "PCM (lpcm)",
    b"sowt": "PCM (sowt)",
    b"twos": "PCM (twos)",
    b"avc1": "H.264 video",
    b"hvc1": "H.265 video",
    b"vp09": "VP9 video",
    b"av01": "AV1 video",
}


def boxes_of(entry: bytes) -> bytes:
    """The boxes in a sound sample entry."""
    return entry[_SOUND_ENTRY_BYTES + _EXTRA_ENTRY_BYTES.get(int.from_bytes(entry[8:10], "big"), 0) :]


def opus_head(specific: bytes) -> OpusHead:
    """The OpusHead of a `dOps`: the same fields, but big-endian."""
    if len(specific) < 11 or specific[0] or not specific[1]:
        raise ValueError("the dOps box is damaged")
    fields = struct.unpack_from(">BHIhB", specific, 1)
    return OpusHead.parse(b"OpusHead" + struct.pack("<BBHIhB", 1, *fields))


def aac_head(specific: bytes) -> AacHead:
    """What an `esds` says of AAC (RecordingError where it is other sound, ValueError where it is damaged)."""
    es = _descriptor(specific[4:], _ES)
    flags = es[2] if len(es) > 2 else 0
    at = 3 + (2 if flags & _STREAM_DEPENDENCE else 0)
    if flags & _URL and at < len(es):
        at += 1 + es[at]
    config = _descriptor(es[at + (2 if flags & _OCR else 0) :], _DECODER_CONFIG)
    kind = config[0] if config else 0
    if kind in _MP3_OBJECTS:
        refuse(["MP3 (mp4a)"])
    if kind not in _AAC_OBJECTS:
        raise ValueError("the esds box is damaged")
    return AacHead.parse(_descriptor(config[_CONFIG_HEAD_BYTES:], _DECODER_SPECIFIC))


def _descriptor(body: bytes, tag: int) -> bytes:
    """The body of the descriptor that begins `body`: a tag, and a size of up to four bytes with seven bits each."""
    size, at = 0, 1
    while at < min(5, len(body)):
        size, at = size << 7 | body[at] & 0x7F, at + 1
        if not body[at - 1] & 0x80:
            break
    if body[:1] != bytes((tag,)) or at + size > len(body):
        raise ValueError("the esds box is damaged")
    return body[at : at + size]


def index_at_end() -> RecordingError:
    """The error for a file whose index follows its sound, and comes too late."""
    return RecordingError(
        "the MP4's index (moov) is after the sound",
        hint="store it as one chunk; or join its chunks (cat CHUNKS > whole.mp4) and move the index to the front, "
        "without re-encoding: ffmpeg -i whole.mp4 -c copy -movflags +faststart OUT.mp4",
    )


def refuse_codecs(codecs: Iterable[bytes]) -> NoReturn:
    """Refuse an MP4 by the codecs that its tracks have (ValueError where those show that it is damaged)."""
    found = list(codecs)
    if b"enca" in found:
        raise RecordingError("the sound of the MP4 is encrypted", hint="decrypt the recording first")
    if not found or not all(codec.isascii() and codec.decode("ascii").isprintable() for codec in found):
        raise ValueError("the moov box is damaged")
    refuse([_CODECS.get(codec, repr(codec.decode("latin-1"))) for codec in found])


def refuse(names: Iterable[str]) -> NoReturn:
    """Refuse an MP4 by the names of what it holds."""
    raise RecordingError(
        f"no Opus or AAC track in the MP4; it holds: {', '.join(names)}",
        hint=f"record with mimeType 'audio/webm;codecs=opus' or 'audio/mp4'; for what is recorded, {CONVERT}",
    )
