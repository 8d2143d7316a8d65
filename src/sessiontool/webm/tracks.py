"""The Tracks element of a recording (RFC 9559, section 5.1.4): which track holds the sound, and what a decoder must know of it.

Whatever is not one plain Opus track is refused by name: the codec, the encryption, the layout.
"""

from __future__ import annotations

from ..errors import RecordingError
from . import ebml
from .opus import OpusHead
from .packets import Track

_AUDIO_TRACK = 2
_FIREFOX_TRACK_NUMBER = 2
_LIBOPUS_PRE_SKIP = 312


def opus_track(body: bytes, writing_app: str) -> Track:
    """The first Opus track in the body of a Tracks element; raises RecordingError that names what is there instead."""
    entries = [
        dict(ebml.children(entry)) for element_id, entry in ebml.children(body) if element_id == ebml.TRACK_ENTRY
    ]
    codecs = [_text(entry.get(ebml.CODEC_ID, b"")) or "no codec named" for entry in entries]
    for entry, codec in zip(entries, codecs, strict=True):
        if codec != "A_OPUS" or int.from_bytes(entry.get(ebml.TRACK_TYPE, b""), "big") != _AUDIO_TRACK:
            continue
        if ebml.CONTENT_ENCODINGS in entry:
            raise RecordingError("the Opus track is encrypted or compressed", hint="decrypt the recording first")
        number = _number(entry)
        others = frozenset(map(_number, entries)) - {number}
        return Track(number, OpusHead.parse(entry.get(ebml.CODEC_PRIVATE, b"")), writing_app, others)
    raise RecordingError(
        f"no Opus track in the recording; it holds: {', '.join(codecs) or 'no track at all'}",
        hint="record with mimeType 'audio/webm;codecs=opus'; other codecs would have to be re-encoded",
    )


def guessed_track(number: int, toc: int) -> Track:
    """The track of a recording whose header is lost, from a block's track number and a packet's TOC byte.

    Firefox numbers the track 2 and declares libopus's pre-skip; Chrome numbers it 1 and declares none.
    """
    pre_skip = _LIBOPUS_PRE_SKIP if number == _FIREFOX_TRACK_NUMBER else 0
    return Track(number, OpusHead(channels=2 if toc & 4 else 1, pre_skip=pre_skip), "")


def _number(entry: dict[int, bytes]) -> int:
    return int.from_bytes(entry.get(ebml.TRACK_NUMBER, b"\1"), "big")


def _text(body: bytes) -> str:
    return body.rstrip(b"\0").decode("ascii", "replace")
