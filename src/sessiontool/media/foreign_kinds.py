"""Recognises bytes that are no Opus recording: other codecs and containers, and what uploads leave in their place."""

from __future__ import annotations

import re

from msgspec import Struct

_RECORD_OPUS = (
    "record with MediaRecorder and mimeType 'audio/webm;codecs=opus', or convert it, which re-encodes: "
    "ffmpeg -i FILE -c:a libopus OUT.webm"
)
_LOOK_AT_UPLOADS = "look at what the uploads stored: this is no recording"
_DECODE = "store the chunks as MediaRecorder gave them; decode these: base64 -d"
_UNPACKED = "store the chunks as MediaRecorder gave them, not compressed"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_CONTROL = rb"[\0-\x08\x0e-\x1f\x7f]"
_TEXT_BYTES = 64  # chosen: fewer bytes without control characters may be anything
_REPLACEMENT = "\ufffd".encode()  # what a conversion to UTF-8 puts in place of each byte that is no text
_LEAST_REPLACED = 16  # chosen: so many in bytes that are UTF-8 throughout are no chance
_BASE64 = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=\r\n"


class ForeignKind(Struct, frozen=True):
    """What bytes are, as it is said of a chunk, and what can be done.

    `may_be_chance`: it shows in two or three bytes, with which what is left of a packet may begin as well.
    """

    name: str
    hint: str
    may_be_chance: bool = False


_ZEROES = ForeignKind("nothing but zeroes", "look for it where the uploads come from")
_UTF8_MANGLED = ForeignKind(
    "turned into UTF-8 text, which loses every byte above 127 for good",
    "nothing can bring these bytes back; upload the Blob itself or its ArrayBuffer, never a string made of it",
)
_BASE64_TEXT = ForeignKind("base64 text", _DECODE)
_PLAIN_TEXT = ForeignKind("plain text", _LOOK_AT_UPLOADS)

_BINARY = (
    (rb"(?s)RIFF....WAVE|RF64....WAVE", ForeignKind("a WAV file", _RECORD_OPUS)),
    (rb"(?s)FORM....AIF[FC]", ForeignKind("an AIFF file", _RECORD_OPUS)),
    (rb"caff\x00\x01", ForeignKind("a Core Audio file", _RECORD_OPUS)),
    (rb"\.snd\x00\x00", ForeignKind("a Sun or NeXT sound file (AU)", _RECORD_OPUS)),
    (rb"riff\x2e\x91\xcf\x11", ForeignKind("a Sony Wave64 file", _RECORD_OPUS)),
    (rb"(?s)RIFF....AVI ", ForeignKind("an AVI file", _RECORD_OPUS)),
    (rb"FLV\x01[\x01\x04\x05]", ForeignKind("a Flash video", _RECORD_OPUS)),
    (rb"\x00\x00\x01\xba[\x21-\x7f]", ForeignKind("an MPEG program stream", _RECORD_OPUS)),
    (rb"nut/multimedia container", ForeignKind("a NUT file", _RECORD_OPUS)),
    (rb"fLaC[\x00\x80]", ForeignKind("a FLAC file", _RECORD_OPUS)),
    (rb"(?s)\xff\xfe(?:.\0){8}", ForeignKind("text in UTF-16", _LOOK_AT_UPLOADS)),
    (
        rb"\xff[\xf4-\xf7\xfc-\xff][\x10-\xef]",
        ForeignKind("MPEG audio of Layer II or I", _RECORD_OPUS, may_be_chance=True),
    ),
    (
        rb"\xff[\xf0\xf1\xf8\xf9][\x40-\xbf]",
        ForeignKind("AAC sound (ADTS)", _RECORD_OPUS, may_be_chance=True),
    ),
    (
        rb"(?s)(?:G.{187}){4}G",
        ForeignKind(
            "an MPEG transport stream", "put its sound in another container: ffmpeg -i FILE -vn -c copy OUT.mp4"
        ),
    ),
    (rb"#!AMR", ForeignKind("an AMR file", _RECORD_OPUS)),
    (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", ForeignKind("a Windows Media file", _RECORD_OPUS)),
    (
        rb"\x1f\x8b\x08",
        ForeignKind("compressed with gzip", _UNPACKED),
    ),
    (rb"PK\x03\x04", ForeignKind("a ZIP archive", "store each chunk as an object of its own")),
    (rb"\x28\xb5\x2f\xfd|BZh[1-9]|\xfd7zXZ\0|7z\xbc\xaf", ForeignKind("compressed", _UNPACKED)),
    (rb"HTTP/[0-9.]{1,3} [0-9]{3}", ForeignKind("an HTTP answer", _LOOK_AT_UPLOADS)),
    (rb"%PDF-|\x89PNG\r\n|\xff\xd8\xff|GIF8", ForeignKind("a document or picture", _LOOK_AT_UPLOADS)),
)
_TEXTS = (
    (
        rb"(?i)\s*data:[^,]{0,200},",
        ForeignKind("a data: URL", f"{_DECODE}, without what is before ','"),
    ),
    (rb"(?i)\s*<(?:!doctype|html|head|body)", ForeignKind("an HTML page", _LOOK_AT_UPLOADS)),
    (rb"(?i)\s*<[?a-z]", ForeignKind("an XML document", _LOOK_AT_UPLOADS)),
    (rb"\s*[{\[][\s\"{\[]", ForeignKind("a JSON document", _LOOK_AT_UPLOADS)),
)


def kind_of(data: bytes) -> ForeignKind | None:
    """What `data` is that cannot be the beginning of a blob; None where it may be one."""
    data = data.removeprefix(_BYTE_ORDER_MARK)
    if data and not data.strip(b"\0"):
        return _ZEROES
    found = next((kind for pattern, kind in _BINARY if re.match(pattern, data)), None)
    return found or text_kind_of(data)


def text_kind_of(data: bytes) -> ForeignKind | None:
    """What `data` is if it is text; None for bytes that are none."""
    data = data.removeprefix(_BYTE_ORDER_MARK)
    if not data or re.search(_CONTROL, data[:_TEXT_BYTES]):
        return None
    return next((kind for pattern, kind in _TEXTS if re.match(pattern, data)), None) or _text(data)


def utf8_mangled(data: bytes) -> ForeignKind | None:
    """What `data` is if it was a recording and went through a conversion to text; its header may still be there."""
    if data.count(_REPLACEMENT) < _LEAST_REPLACED:
        return None
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    return _UTF8_MANGLED


def _text(data: bytes) -> ForeignKind | None:
    """Text in no form of its own; that of a few bytes may be anything."""
    if len(data) < _TEXT_BYTES or re.search(_CONTROL, data):
        return None
    if not data.translate(None, _BASE64):
        return _BASE64_TEXT
    try:
        data.decode()
    except UnicodeDecodeError:
        return None
    return _PLAIN_TEXT
