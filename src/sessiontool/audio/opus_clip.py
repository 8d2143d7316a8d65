"""A stretch of a recording as a file of its own whose Opus packets are copied: nothing is encoded again.

A decoder needs some packets before the stretch to have settled.  They are in the file, and hidden: as pre-skip in Ogg
(RFC 7845, section 4.2), as CodecDelay in WebM (RFC 9559, section 5.1.4.1.25); what of the last packet is too much is
hidden by its granule position or by DiscardPadding.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import chain
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO

import av
from msgspec.structs import replace

from ..media.matroska.muxer import WebmMuxer
from ..media.opus import SAMPLES_PER_SECOND
from .decoder import PRE_ROLL_SAMPLES
from .stretch import packets_needed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from ..media.opus import OpusHead

_TRACK_UID = 1  # chosen: a clip has one track


def copy_clip(
    packets: Iterable[bytes], head: OpusHead, stretch: tuple[int, int], path: Path, tags: Mapping[str, str]
) -> int:
    """Write the packets of a stretch (samples after the pre-skip) to a WebM or Ogg file, by its ending.

    Returns how many samples in front are hidden.  At the beginning of a recording, they are its own pre-skip.
    """
    start, end = stretch
    chosen = packets_needed(packets, head, start, end, PRE_ROLL_SAMPLES)
    first = next(chosen)
    clip_head = replace(head, pre_skip=start - first[0])
    if path.suffix == ".webm":
        with path.open("wb") as file:
            _write_webm(file, clip_head, first, chosen, end)
        return clip_head.pre_skip
    with TemporaryFile(dir=path.parent) as whole:
        _write_webm(whole, clip_head, first, chosen, end)
        whole.seek(0)
        _remux(whole, clip_head, end - start, path, tags)
    return clip_head.pre_skip


def _write_webm(
    out: BinaryIO, head: OpusHead, first: tuple[int, bytes, int], others: Iterable[tuple[int, bytes, int]], end: int
) -> None:
    with TemporaryFile() as body:
        muxer, end_position = WebmMuxer(body), 0
        for position, packet, length in chain((first,), others):
            muxer.write([packet], [length])
            end_position = position + length
        muxer.finish(out, head, writing_app="sessiontool", track_uid=_TRACK_UID, discard_samples=end_position - end)


def _remux(whole: BinaryIO, head: OpusHead, samples: int, path: Path, tags: Mapping[str, str]) -> None:
    """The packets of a WebM file in an Ogg file, which ends after `samples`."""
    position, length_of = -head.pre_skip, head.lengths()
    with av.open(whole, "r") as source, av.open(str(path), "w", format="ogg") as file:
        file.metadata.update(tags)
        stream = file.add_stream_from_template(source.streams.audio[0])
        for found in source.demux(source.streams.audio[0]):
            payload = bytes(found)
            if not payload:
                continue
            packet = av.Packet(payload)
            packet.stream, packet.time_base = stream, Fraction(1, SAMPLES_PER_SECOND)
            packet.pts = packet.dts = position
            packet.duration = min(length_of(payload), samples - position)
            position += packet.duration
            file.mux(packet)
