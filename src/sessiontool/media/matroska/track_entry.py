"""What the head of a recording says: its document type, and its Tracks element (RFC 9559, section 5.1.4).

Which track holds the sound, and what a decoder must know of it.

Whatever is not one plain Opus track is refused by name: the codec, the encryption, the layout.
"""

from __future__ import annotations

import re

from ...errors import RecordingError
from ..opus import OpusHead
from ..packets import Track
from . import ebml

_FILLERS = frozenset({ebml.VOID, ebml.CRC_32})
_CODEC = "[A-Z]_[A-Z0-9/_.]+"
_OPUS = "A_OPUS"
_VIDEO = b"\1"  # a track's type (RFC 9559, section 5.1.4.1.3)
_HEAD_SEARCH_BYTES = 4096  # chosen: Tracks is within the first few hundred


def require_webm(body: bytes) -> None:
    """RecordingError unless the body of an EBML header says WebM or Matroska, as far as damage lets it."""
    doc_type = dict(ebml.children(body)).get(ebml.DOC_TYPE, b"matroska").rstrip(b"\0").decode("ascii", "replace")
    if not any(_is_nearly(doc_type, known) for known in ("webm", "matroska")):
        raise RecordingError(f"the header says {doc_type!r}, not WebM", hint="only WebM recordings can be read")


def _is_nearly(text: str, known: str) -> bool:
    """Whether it is that word, or was before damage to one character or to its length."""
    alike = sum(a == b for a, b in zip(text, known, strict=False))
    return not text.isalnum() or alike >= min(len(text), len(known) - 1)


def opus_track(body: bytes, writing_app: str) -> Track:
    """The first Opus track in the body of a Tracks element.

    Raises RecordingError that names what is there instead, ValueError where the element is damaged.
    """
    children = [(element_id, entry) for element_id, entry in ebml.children(body) if element_id not in _FILLERS]
    bodies = [entry for _, entry in children]
    if not all(map(ebml.is_whole, (body, *bodies))) or any(tag != ebml.TRACK_ENTRY for tag, _ in children):
        raise ValueError("damaged Tracks element")
    entries = [dict(ebml.children(entry)) for entry in bodies]
    codecs = [_text(entry.get(ebml.CODEC_ID, b"")) for entry in entries]
    if not all(map(re.compile(_CODEC).fullmatch, codecs)):
        raise ValueError("damaged Tracks element")
    for entry, codec in zip(entries, codecs, strict=True):
        if not _names_opus(codec, entry.get(ebml.CODEC_PRIVATE, b"")):
            continue
        if ebml.CONTENT_ENCODINGS in entry:
            raise RecordingError("the Opus track is encrypted or compressed", hint="decrypt the recording first")
        number, private = _number(entry), entry.get(ebml.CODEC_PRIVATE, b"")
        if not _is_opus_head(private) or number > 127:
            raise ValueError("damaged Tracks element")
        others = frozenset(map(_number, entries)) - {number}
        opus = {_number(one) for one, name in zip(entries, codecs, strict=True) if name == _OPUS}
        pictures = frozenset(_number(one) for one in entries if one.get(ebml.TRACK_TYPE) == _VIDEO)
        return Track(number, OpusHead.parse(private), writing_app, others, frozenset(opus - {number}), pictures)
    raise RecordingError(
        f"no Opus track in the recording; it holds: {', '.join(codecs) or 'no track at all'}",
        hint="record with mimeType 'audio/webm;codecs=opus'; other codecs would have to be re-encoded",
    )


def _names_opus(codec: str, private: bytes) -> bool:
    """Whether a track is Opus; damage to one character of the codec's name is mended by the OpusHead beside it."""
    alike = sum(a == b for a, b in zip(codec, _OPUS, strict=False))
    return codec == _OPUS or (alike >= len(_OPUS) - 1 and _is_opus_head(private))


def _is_opus_head(data: bytes) -> bool:
    """Whether it is one of any layout: more than two channels come with a table of them (RFC 7845, section 5.1.1)."""
    if len(data) < 19 or data[:8] != b"OpusHead" or data[8] >> 4:
        return False
    return 1 <= data[9] <= 2 if data[18] == 0 else len(data) >= 21 + data[9]


def _number(entry: dict[int, bytes]) -> int:
    return int.from_bytes(entry.get(ebml.TRACK_NUMBER, b"\1"), "big")


def _text(body: bytes) -> str:
    return body.rstrip(b"\0").decode("ascii", "replace")


def holds_pcm(data: bytes) -> bool:
    """Whether the header of a WebM recording that `data` begins with has a track of PCM and none of Opus."""
    head = data[:_HEAD_SEARCH_BYTES]
    return data.startswith(b"\x1a\x45\xdf\xa3") and b"A_PCM/" in head and b"A_OPUS" not in head
