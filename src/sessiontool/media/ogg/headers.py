"""What the first pages of an Ogg stream say (RFC 7845, section 5), and what its packets do where those are lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from ..opus import OpusHead
from ..opus_evidence import ENOUGH, OpusEvidence, names_opus, refusal
from ..packets import Track
from .pages import CONTINUED

if TYPE_CHECKING:
    from .pages import Page, PagePiece

_GUESSED_PRE_SKIP = 312  # samples: libopus's delay, which Firefox declares (measured)

_CODECS = (
    (b"OpusHead", "Opus"),
    (b"\x01vorbis", "Vorbis"),
    (b"\x7fFLAC", "FLAC"),
    (b"Speex   ", "Speex"),
    (b"\x80theora", "Theora"),
    (b"OVP80", "VP8"),
    (b"fishead\0", "Skeleton"),
    (b"PCM     ", "PCM"),
    (b"CELT    ", "CELT"),
)


def codec_of(start: bytes) -> str:
    """The codec of the stream that begins with this packet."""
    return next((name for magic, name in _CODECS if start.startswith(magic)), "an unknown codec")


def beginnings(page: Page) -> tuple[PagePiece, ...]:
    """What begins on the page and ends on it."""
    end = len(page.pieces) - page.open
    return page.pieces[1 if page.flags & CONTINUED else 0 : end] or page.pieces[1 if page.flags & CONTINUED else 0 :]


def headless_track(page: Page, mime_type: str, known: Track | None, tags: tuple[int, bytes]) -> Track | None:
    """The track of a recording of which this is the first page; None where a damaged page does not prove it to be Opus.

    `known` is the track if a header elsewhere describes it, `tags` a stream and its OpusTags.  RecordingError where a
    whole page does not prove it.
    """
    if known is not None and page.stream == known.number:
        return known
    evidence, pieces = OpusEvidence(), beginnings(page)
    for piece in pieces:
        evidence.add(piece.data)
    few = len(pieces) < ENOUGH and names_opus(mime_type) is not False
    is_tagged = page.stream == tags[0]
    if not evidence.proves_opus("codecs=opus" if few or known or is_tagged else mime_type):
        if not page.is_intact:
            return None
        raise refusal("Ogg", evidence.summary(), mime_type)
    if known is not None:
        return replace(known, number=page.stream)
    app = writing_app(tags[1]) if is_tagged else ""
    return Track(page.stream, OpusHead(evidence.channels, _GUESSED_PRE_SKIP), app)


def writing_app(tags: bytes) -> str:
    """The `ENCODER` comment, or else the vendor string (RFC 7845, section 5.2), as far as the tags can be read."""
    strings: list[str] = []
    pos = 8
    while pos + 4 <= len(tags) and len(strings) < 64:
        size = int.from_bytes(tags[pos : pos + 4], "little")
        strings.append(tags[pos + 4 : pos + 4 + size].decode("utf-8", "replace"))
        pos += 4 + size + (4 if len(strings) == 1 else 0)  # the number of comments follows the vendor string
    encoder = next((string[8:] for string in strings[1:] if string[:8].upper() == "ENCODER="), "")
    return encoder or (strings[0] if strings else "")
