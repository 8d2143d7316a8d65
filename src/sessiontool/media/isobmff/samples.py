"""What the packets of an MP4 are: of what kind the recording's are, and whether they are that where no header says."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ...errors import RecordingError
from ..aac import FRAME_SAMPLES, AacHead, FrameKinds, channels_of, rate_of_fragment
from ..opus import OpusHead, PacketSamples, most_bytes
from ..opus_evidence import ENOUGH, OpusEvidence, names_opus, refusal
from ..packets import Track

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..filler import SoundHead
    from .boxes import Sample

_PROVING = 40
"""Packets of a fragment that are examined first where no header describes them.  Chosen: 2.4 s at Chrome's 60 ms."""

_ZEROES = bytes(8)  # chosen: valid, but no encoder writes them: something overwrote the packet
_NO_RATE = "MP4 with AAC without its header: nothing in the fragments tells the sampling rate"
_HINT = "store the recording's first chunk too: its header says what the others are"
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

    def lengths_of(self, payloads: Sequence[bytes], stated: Iterable[int]) -> list[int]:
        """How long packets last, in samples at 48 kHz; 0 for what is none.  `stated` is what the fragment says."""
        return list(map(self._length_of, payloads, stated))

    def _length_of(self, payload: bytes, stated: int) -> int:
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


def kinds_for(head: SoundHead) -> Kinds | FrameKinds:
    """For the packets of a new recording."""
    return FrameKinds(head) if isinstance(head, AacHead) else Kinds()


def proved_track(
    number: int,
    samples: Sequence[Sample],
    packets: Sequence[bytes],
    mime_type: str,
    known: Track | None,
    *,
    is_all: bool,
    ticks: int = 0,
) -> Track | None:
    """The track of fragments without a header, by the packets of one; None where more of them are needed.

    `known` is the track if a header elsewhere describes it; with `is_all` no more packets will come; the fragment lasts
    `ticks`, of which frames of AAC tell their rate.  RecordingError
    where they are not Opus, ValueError where they may be that, and damaged.
    """
    if known is not None and isinstance(known.head, AacHead) and channels_of(packets) == known.head.channels:
        return replace(known, number=number)
    if known is None and {sample.duration for sample in samples} == {FRAME_SAMPLES} and (found := channels_of(packets)):
        rate_hz = rate_of_fragment(ticks)
        if rate_hz is None:
            raise RecordingError(_NO_RATE, hint=_HINT)
        return Track(number, AacHead.of(rate_hz, found), "")
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
