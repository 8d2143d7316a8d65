"""Recordings in other containers, and which reader a recording needs, told by its first bytes.

Names and declared types prove nothing.  WebM's reader is in `webm`, as WebM is written too; Ogg's and MP4's are here.

A blob from the middle of a recording has no header, and one of Chrome's WebM begins inside an element; so what is
nothing else is taken for WebM, whose reader finds out.  What cannot be sound of a kind that is read is refused by name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import RecordingError
from ..webm.reader import WebmReader
from .mp4 import Mp4Reader, begins_mp4, holds_mp4
from .ogg import OggReader, holds_ogg

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..webm.packets import Reader

_RECORD_OPUS = (
    "record with MediaRecorder and mimeType 'audio/webm;codecs=opus', or convert it, which re-encodes: "
    "ffmpeg -i FILE -c:a libopus OUT.webm"
)
_LOOK_AT_UPLOADS = "look at what the uploads stored: this is no recording"
_WEBM_BEGINNINGS = re.compile(rb"\x1a\x45\xdf\xa3|\x1f\x43\xb6\x75")

_REFUSED = (
    (re.compile(rb"RIFF....WAVE|RF64....WAVE", re.DOTALL), "a WAV file", _RECORD_OPUS),
    (re.compile(rb"FORM....AIF[FC]", re.DOTALL), "an AIFF file", _RECORD_OPUS),
    (re.compile(rb"caff\x00\x01"), "a Core Audio file", _RECORD_OPUS),
    (re.compile(rb"fLaC[\x00\x80]"), "a FLAC file", _RECORD_OPUS),
    (re.compile(rb"ID3[\x02-\x04]|\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x10-\xef]"), "an MP3 file", _RECORD_OPUS),
    (re.compile(rb"\xff[\xf0\xf1\xf8\xf9][\x40-\xbf]"), "AAC sound (ADTS)", _RECORD_OPUS),
    (re.compile(rb"#!AMR"), "an AMR file", _RECORD_OPUS),
    (re.compile(rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11"), "a Windows Media file", _RECORD_OPUS),
    (
        re.compile(rb"\x1f\x8b\x08"),
        "compressed with gzip",
        "store the chunks as MediaRecorder gave them, not compressed",
    ),
    (re.compile(rb"PK\x03\x04"), "a ZIP archive", "store each chunk as an object of its own"),
    (re.compile(rb"%PDF-|\x89PNG\r\n|\xff\xd8\xff|GIF8"), "a document or picture", _LOOK_AT_UPLOADS),
    (re.compile(rb"\s*<(?:!doctype|html|head|body)", re.IGNORECASE), "an HTML page", _LOOK_AT_UPLOADS),
    (re.compile(rb"\s*<[?a-z]", re.IGNORECASE), "an XML document", _LOOK_AT_UPLOADS),
    (re.compile(rb"\s*[{\[][\s\"{\[]"), "a JSON document", _LOOK_AT_UPLOADS),
)
_TEXT = frozenset({"an HTML page", "an XML document", "a JSON document"})
_TEXT_BYTES = 64
_SEARCHED_BYTES = 1 << 18
_CONTROL = re.compile(rb"[\0-\x08\x0e-\x1f]")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def begins_recording(data: bytes) -> bool:
    """Whether a chunk begins with the header that only a recording's first one has."""
    first_page = data.startswith(b"OggS") and len(data) > 5 and bool(data[5] & 2)
    return data.startswith(b"\x1a\x45\xdf\xa3") or first_page or data[4:8] == b"ftyp"


def open_reader(first_bytes: bytes) -> Reader:
    """A new reader for the recording that begins with `first_bytes`, the whole first blob if it can be had.

    RecordingError names what is no recording, or one of a kind that is not read; other blobs of the part may be good.
    """
    if not first_bytes.strip(b"\0"):
        what = "holds nothing but zeroes" if first_bytes else "is empty"
        raise RecordingError(f"the first chunk {what}", hint="look for it where the uploads come from")
    reader = _by_beginning(first_bytes) or _by_content(first_bytes[:_SEARCHED_BYTES])
    if reader is None:
        _refuse(first_bytes.removeprefix(_BYTE_ORDER_MARK))
    return (reader or WebmReader)()


def _by_beginning(data: bytes) -> Callable[[], Reader] | None:
    if _WEBM_BEGINNINGS.match(data):
        return WebmReader
    if data.startswith(b"OggS"):
        return OggReader
    return Mp4Reader if begins_mp4(data) else None


def _refuse(data: bytes) -> None:
    for pattern, name, hint in _REFUSED:
        if not pattern.match(data) or (name in _TEXT and _CONTROL.search(data[:_TEXT_BYTES])):
            continue
        raise RecordingError(f"the recording is {name}, not WebM, Ogg or MP4 with Opus", hint=hint)


def _by_content(data: bytes) -> Callable[[], Reader] | None:
    """Where the beginning is damaged, what comes after it tells."""
    if _WEBM_BEGINNINGS.search(data):
        return WebmReader
    if holds_ogg(data):
        return OggReader
    return Mp4Reader if holds_mp4(data) else None
