"""Which demuxer a recording needs, by its first bytes.

Names and declared types prove nothing.

A blob from the middle of a recording has no header, and one of Chrome's WebM begins inside an element; so what is
nothing else is taken for WebM, whose demuxer finds out.  What cannot be sound of a kind that is read is refused by
name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ..errors import RecordingError
from .foreign_kinds import kind_of, text_kind_of, utf8_mangled
from .isobmff.beginnings import begins_mp4
from .matroska.demuxer import WebmDemuxer
from .matroska.track_entry import holds_pcm
from .ogg.beginnings import begins_ogg
from .packets import Track
from .pcm import PcmHead, raw_head
from .riff.headers import begins_wav

if TYPE_CHECKING:
    from collections.abc import Callable

    from .packets import Demuxer

_WEBM_BEGINNINGS = rb"\x1a\x45\xdf\xa3|\x1f\x43\xb6\x75"
_CUT_CLUSTER = b"\x43\xb6\x75\x01\xff"  # its id without the first byte, where Chrome cuts its blobs (measured)
_NUMBER = 1  # of the track in Chrome's WebM with PCM (measured)
_SEARCHED_BYTES = 1 << 18  # chosen: several seconds of sound; the search stays fast


def begins_recording(data: bytes) -> bool:
    """Whether a chunk begins with the header that only a recording's first one has."""
    is_file = data.startswith(b"\x1a\x45\xdf\xa3") or begins_ogg(data) or data[4:8] == b"ftyp"
    return is_file or _begins_mp3(data, whole_file=True)


def what_is(data: bytes) -> str:
    """What a chunk is that is no recording at all, as "an HTML page"; "" where it is one, or bytes of no known kind."""
    if mangled := utf8_mangled(data):
        return mangled.name
    kind = kind_of(data)
    return "" if kind is None or _by_beginning(data) or _by_content(data[:_SEARCHED_BYTES]) else kind.name


def open_demuxer(first_bytes: bytes, *, mime_type: str = "", track: Track | None = None) -> Demuxer:
    """A new demuxer for the recording that begins with `first_bytes`, the whole first blob if it can be had.

    `mime_type` is what the recorder noted, `track` that of a header elsewhere, for blobs of which the first is not
    there.  RecordingError names what is no recording, or one of a kind that is not read; other blobs of the part may be
    good.
    """
    if pcm := _pcm(first_bytes, mime_type, track):
        return pcm
    if not first_bytes.strip(b"\0"):
        what = "holds nothing but zeroes" if first_bytes else "is empty"
        raise RecordingError(f"the first chunk {what}", hint="look for it where the uploads come from")
    if mangled := utf8_mangled(first_bytes):
        raise RecordingError(f"the recording was {mangled.name}", hint=mangled.hint)
    demuxer = _by_beginning(first_bytes) or _by_content(first_bytes[:_SEARCHED_BYTES])
    if demuxer is None and (kind := kind_of(first_bytes)) and not (track and kind.may_be_chance):
        raise RecordingError(f"the recording is {kind.name}, not WebM, Ogg or MP4 with Opus", hint=kind.hint)
    return (demuxer or _by_name(mime_type))(mime_type=mime_type, track=track)


def demuxer_named(container: str, track: Track) -> Demuxer | None:
    """A new demuxer by the name of its class, for bytes from the middle of a recording; None for other containers."""
    known: dict[str, Callable[..., Demuxer]] = {"WebmDemuxer": WebmDemuxer, "OggDemuxer": _ogg, "Mp4Demuxer": _mp4}
    return known[container](mime_type="", track=track) if container in known else None


def _pcm(data: bytes, mime_type: str, track: Track | None) -> Demuxer | None:
    """The demuxer for samples as they are, None where it is none of those."""
    if begins_wav(data):
        return _raw()
    if holds_pcm(data):
        return _pcm_webm(None)
    if not data or begins_recording(data) or text_kind_of(data) or utf8_mangled(data):
        return None
    if track is not None and isinstance(track.head, PcmHead):  # whatever is no text may be samples: zeroes are silence
        return _pcm_webm(track) if track.writing_app or _is_webm(mime_type) else _raw(track.head)
    is_known = _by_beginning(data) is not None and not data.startswith(_CUT_CLUSTER)
    if is_known or (head := raw_head(mime_type)) is None:
        return None
    return _pcm_webm(Track(_NUMBER, head, "")) if _is_webm(mime_type) else _raw(head)


def _is_webm(mime_type: str) -> bool:
    return mime_type.lower().partition(";")[0].strip().endswith("/webm")


def _by_beginning(data: bytes) -> Callable[..., Demuxer] | None:
    if re.match(_WEBM_BEGINNINGS, data) or data.startswith(_CUT_CLUSTER):
        return WebmDemuxer
    if data.startswith(b"OggS"):
        return _ogg
    if begins_mp4(data):
        return _mp4
    if _begins_adts(data):
        return _adts
    return _mp3 if _begins_mp3(data) else None


def _by_name(mime_type: str) -> Callable[..., Demuxer]:
    """By what the recorder noted, where the content does not show it."""
    container = mime_type.lower().partition(";")[0].strip().rpartition("/")[2]
    if container == "ogg":
        return _ogg
    if container in ("mpeg", "mp3"):
        return _mp3
    if container in ("aac", "aacp", "x-aac"):
        return _adts
    return _mp4 if container == "mp4" else WebmDemuxer


def _by_content(data: bytes) -> Callable[..., Demuxer] | None:
    """By what comes after a damaged beginning."""
    from .isobmff.box_sequence import holds_mp4  # noqa: PLC0415 - most recordings begin as they should
    from .mpeg_audio.adts import holds_adts  # noqa: PLC0415
    from .mpeg_audio.demuxer import holds_mp3  # noqa: PLC0415
    from .ogg.pages import holds_ogg  # noqa: PLC0415

    if re.search(_WEBM_BEGINNINGS, data):
        return WebmDemuxer
    if holds_ogg(data):
        return _ogg
    if holds_mp4(data):
        return _mp4
    if holds_adts(data):
        return _adts
    return _mp3 if holds_mp3(data) else None


def _begins_adts(data: bytes) -> bool:
    if data[:3] != b"ID3" and data[:1] != b"\xff":
        return False
    from .mpeg_audio.adts import begins_adts  # noqa: PLC0415 - as below

    return begins_adts(data)


def _begins_mp3(data: bytes, *, whole_file: bool = False) -> bool:
    if (data[:3] != b"ID3" and data[:1] != b"\xff") or (whole_file and _begins_adts(data)):
        return False
    from .mpeg_audio.demuxer import begins_file, begins_mp3  # noqa: PLC0415 - as below

    return (begins_file if whole_file else begins_mp3)(data)


# -- demuxers, imported where there is such a recording: most are WebM, and a short session is mostly imports


def _ogg(*, mime_type: str, track: Track | None) -> Demuxer:
    from .ogg.demuxer import OggDemuxer  # noqa: PLC0415

    return OggDemuxer(mime_type=mime_type, track=track)


def _mp4(*, mime_type: str, track: Track | None) -> Demuxer:
    from .isobmff.demuxer import Mp4Demuxer  # noqa: PLC0415

    return Mp4Demuxer(mime_type=mime_type, track=track)


def _mp3(*, mime_type: str, track: Track | None) -> Demuxer:
    from .mpeg_audio.demuxer import Mp3Demuxer  # noqa: PLC0415

    return Mp3Demuxer(mime_type=mime_type, track=track)


def _adts(*, mime_type: str, track: Track | None) -> Demuxer:
    from .mpeg_audio.adts import AdtsDemuxer  # noqa: PLC0415

    return AdtsDemuxer(mime_type=mime_type, track=track)


def _raw(head: PcmHead | None = None) -> Demuxer:
    from .riff.demuxer import PcmDemuxer  # noqa: PLC0415

    return PcmDemuxer(head)


def _pcm_webm(track: Track | None) -> Demuxer:
    from .matroska.pcm_demuxer import PcmWebmDemuxer  # noqa: PLC0415

    return PcmWebmDemuxer(track)
