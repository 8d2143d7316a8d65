"""A recording with two mono tracks, a voice each, read by the second one: its header is changed, and nothing else.

Demuxers join the first track that a header lists.
"""

from __future__ import annotations


def by_second_track(data: bytes) -> bytes | None:
    """A chunk that begins such a recording, changed so that its second track comes first; None for any other."""
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        from .matroska.two_tracks import webm_by_second_track  # noqa: PLC0415 - most recordings have one track

        return webm_by_second_track(data)
    if data.startswith(b"OggS"):
        from .ogg.two_tracks import ogg_by_second_track  # noqa: PLC0415 - as above

        return ogg_by_second_track(data)
    if data[4:8] in (b"ftyp", b"moov"):
        from .isobmff.two_tracks import mp4_by_second_track  # noqa: PLC0415 - as above

        return mp4_by_second_track(data)
    return None
