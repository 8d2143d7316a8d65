"""A stretch of a lossless recording as WAV or FLAC at its own rate and bits, sample by sample: nothing is resampled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import av

from ..media.opus import SAMPLES_PER_SECOND
from .flac import encode_samples, integers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from ..media.pcm import PcmHead
    from .flac import Integers

CODECS = {"flac": "flac", "wav": ""}
"""By the ending of the file; that of WAV is named after the samples."""


def copy_samples(
    packets: Iterable[bytes], head: PcmHead, reach: tuple[int, int], path: Path, tags: Mapping[str, str]
) -> int:
    """Write the samples of `reach` (at 48 kHz) to `path`, whose ending is in `CODECS`; returns how many there are."""
    form = path.suffix.removeprefix(".")
    options = {"rf64": "auto"} if form == "wav" else {}
    with av.open(str(path), "w", format=form, container_options=options) as file:
        file.metadata.update(tags)
        return encode_samples(file, CODECS[form] or f"pcm_{head.encoding}", head, _inside(packets, head, reach))


def _inside(packets: Iterable[bytes], head: PcmHead, reach: tuple[int, int]) -> Iterator[Integers]:
    first = reach[0] * head.rate_hz // SAMPLES_PER_SECOND
    count = -(-(reach[1] - reach[0]) * head.rate_hz // SAMPLES_PER_SECOND)
    start, end = first * head.frame_bytes, (first + count) * head.frame_bytes
    at = 0
    for packet in packets:
        inside = packet[max(0, start - at) : max(0, end - at)]
        at += len(packet)
        if inside:
            yield integers(inside, head.encoding)
