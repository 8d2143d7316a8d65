"""What the packets of an MP4 are: of what kind the recording's are, and whether they are Opus where no header says."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from ..opus import OpusHead, PacketSamples, most_bytes
from ..opus_evidence import ENOUGH, OpusEvidence, names_opus, refusal
from ..packets import Track

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .boxes import Sample

_PROVING = 40
"""Packets of a fragment that are examined first where no header describes them.  Chosen: 2.4 s at Chrome's 60 ms."""

_ZEROES = bytes(8)  # chosen: valid, but no encoder writes them: something overwrote the packet
_ENOUGH = 8  # packets, chosen: as many of known lengths make another kind of packet suspect


class Kinds:
    """The kinds of packets seen so far: an MP4 has no checksums, and what is damaged is mostly of another kind."""

    def __init__(self) -> None:
        self._samples = PacketSamples()
        self._tocs: Counter[int] = Counter()
        self._lengths: Counter[int] = Counter()

    @property
    def tocs(self) -> frozenset[int]:
        """TOC bytes of more than one packet."""
        return frozenset(toc for toc, count in self._tocs.items() if count > 1)

    def samples_of(self, payload: bytes, stated: int) -> int:
        """How long a packet lasts, in samples at 48 kHz; 0 for what is none.  `stated` is what the fragment says."""
        samples = self._samples[payload[:2]]
        if not samples or payload.startswith(_ZEROES) or len(payload) > most_bytes(payload[:2]):
            return 0
        if payload[0] not in self._tocs and self._lengths.total() >= _ENOUGH:
            usual = self._lengths.most_common(1)[0][0]
            if samples != usual and abs(stated - samples) >= abs(stated - usual):
                return 0
        self._tocs[payload[0]] += 1
        self._lengths[samples] += 1
        return samples


def proved_track(
    number: int,
    samples: Sequence[Sample],
    packets: Sequence[bytes],
    mime_type: str,
    known: Track | None,
    *,
    is_all: bool,
) -> Track | None:
    """The track of fragments without a header, by the packets of one; None where more of them are needed.

    `known` is the track if a header elsewhere describes it; with `is_all` no more packets will come.  RecordingError
    where they are not Opus, ValueError where they may be that, and damaged.
    """
    evidence = _evidence(samples[:_PROVING], packets[:_PROVING])
    named = _name(packets, mime_type, known)
    if not evidence.proves_opus(named) and not evidence.is_another_codec:  # the first of them may be damaged
        if not is_all:
            return None
        evidence = _evidence(samples, packets)
    if not evidence.proves_opus(named):
        error = refusal("MP4", evidence.summary(), mime_type)
        raise error if evidence.is_another_codec or names_opus(mime_type) is False else ValueError(error.message)
    return replace(known, number=number) if known else Track(number, OpusHead(evidence.channels, pre_skip=0), "")


def _evidence(samples: Sequence[Sample], packets: Sequence[bytes]) -> OpusEvidence:
    evidence = OpusEvidence()
    for sample, packet in zip(samples, packets, strict=True):
        evidence.add(packet, sample.duration or None)
    return evidence


def _name(packets: Sequence[bytes], mime_type: str, known: Track | None) -> str:
    """The mime type that packets are held against; few prove nothing by themselves."""
    few = len(packets) < ENOUGH and names_opus(mime_type) is not False
    return "codecs=opus" if few or known else mime_type
