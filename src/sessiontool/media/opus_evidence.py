"""Whether packets are Opus where no header says so: by their rules, their lengths against the times, a name.

Any byte is the beginning of some Opus packet, so one packet proves nothing.  Packets of one recorder last equally long,
keep the rules of RFC 6716, section 3.4, and follow one another in the container's time as long as they last; frames of
another codec do none of it.  The mime type that the recorder noted speaks for or against what is too short for that.
"""

from __future__ import annotations

import re
from collections import Counter
from contextlib import suppress
from statistics import median

from msgspec.structs import replace

from ..errors import RecordingError
from .matroska import ebml
from .matroska.lacing import LACING_FLAGS, laced_packets
from .matroska.resync import MAX_PICTURE_BYTES, Known, find_resync_point
from .opus import SAMPLES_PER_MS, OpusHead, is_opus, packet_samples
from .packets import Track

ENOUGH = 8
"""Packets of a track that are examined; fewer where no more come.  Chosen."""

_FEW = 4  # packets, chosen: enough where the container's times agree as well
_MANY = 24  # packets, chosen: of as many a quarter may be damaged
_NEARLY_ALL, _MOST, _SOME = 0.9, 0.75, 0.15  # shares; chosen: of many packets, and of named ones, more may be damaged
_MOST_BLOCKS = 400  # chosen: after as many it is clear that no track among them is Opus
_MOST_BYTES = 4 << 20  # chosen: bounds memory while no track is proved
_TICKS_NS = 1_000_000, 20_833
"""Units of times: browsers', and mkvmerge's where there is sound alone, a sample at 48 kHz (measured)."""

_NEAR_SAMPLES = 60  # chosen: more than the millisecond to which what mkvmerge read was rounded
_LIBOPUS_PRE_SKIP = 312  # samples: libopus's delay at 48 kHz (measured in Chrome and Firefox)
_AAC_SAMPLES = (1024, 2048)  # of a frame (ISO/IEC 14496-3: AAC, and HE-AAC with SBR)
_HINT = "store the recording's first chunk too: its header says what the others are"


class OpusEvidence:
    """What packets of one track say for and against their being Opus; steps are in samples at 48 kHz."""

    def __init__(self) -> None:
        self.packets = 0
        self.steps: list[int] = []
        self._valid = 0
        self._stereo = 0
        self._lengths: Counter[int] = Counter()

    def add(self, packet: bytes, step: int | None = None) -> None:
        """One more packet; `step` is the container's time from it to the next, where it is known."""
        self.packets += 1
        if is_opus(packet):
            self._valid += 1
            self._lengths[packet_samples(packet)] += 1
            self._stereo += packet[0] >> 2 & 1
        if step is not None:
            self.steps.append(step)

    @property
    def channels(self) -> int:
        """Two where packets are stereo; a stereo recorder may write some in mono, never the other way."""
        return 2 if self._stereo * 10 >= self._valid else 1

    def proves_opus(self, mime_type: str = "", *, exactly: bool = False) -> bool:
        """Whether they can be nothing else; with a mime type that names Opus, whether no evidence is against it.

        `exactly` where the times count samples: then they are as far apart as packets last.
        """
        named = names_opus(mime_type)
        if not self._lengths or named is False or self._are_aac():
            return False
        length, alike = self._lengths.most_common(1)[0]
        agree = alike >= self.packets * (_SOME if named else _MOST if self.packets >= _MANY else _NEARLY_ALL)
        steps = [step for step in self.steps if step >= 0]
        if len(steps) == len(self.steps) - 1:  # a wrong bit of one time: one step too long, and the next one back
            steps = self.steps
        if steps:
            step = median(steps)
            near = abs(step - length) <= _NEAR_SAMPLES if exactly else 0.5 * length <= step <= 1.5 * length + 240
            agree = agree and near
        return agree and (named or self.packets >= (_FEW if len(steps) >= _FEW - 1 else ENOUGH))

    @property
    def is_another_codec(self) -> bool:
        """Whether the packets are whole, and no Opus; else they may be damaged."""
        return self._are_aac() or (self.packets >= ENOUGH and self._valid * 3 < self.packets)

    def summary(self) -> str:
        """What was seen, for a refusal."""
        lengths = f"{self._valid} of {self.packets} packets keep Opus's rules"
        if self._are_aac():
            return f"{lengths}, and each lasts {self.steps[0]} ticks, as AAC's do"
        steps = f", {median(self.steps) / 48:.3g} ms apart" if self.steps else ""
        return lengths + steps

    def _are_aac(self) -> bool:
        return len(self.steps) > 1 and self.steps[0] in _AAC_SAMPLES and len(set(self.steps)) == 1


def names_opus(mime_type: str) -> bool | None:
    """Whether a mime type names Opus; None where it names no codec, or others beside it: a track may be theirs."""
    found = re.search(r"codecs\s*=\s*\"?([^\";]+)", mime_type.lower())
    codecs = [one.strip(" '") for one in found[1].split(",")] if found else []
    is_named = any("opus" in one for one in codecs)
    return None if not codecs or (is_named and len(codecs) > 1) else is_named


def refusal(container: str, seen: str, mime_type: str) -> RecordingError:
    """The error for a stretch without a header that cannot be proved to be Opus."""
    noted = f"; the recorder noted {mime_type[:80]!r}" if mime_type else ""
    return RecordingError(f"{container} without its header cannot be proved to be Opus: {seen}{noted}", hint=_HINT)


class _Blocks:
    """The blocks of one track: what their packets say, and where the last of them was."""

    def __init__(self) -> None:
        self.evidence = OpusEvidence()
        self.long_sizes = 0  # sizes of four bytes where two would do, as Firefox writes them
        self._last: tuple[bytes, int] | None = None  # a packet, and its time in samples at 48 kHz

    def add(self, packets: list[bytes], time: int, *, long_size: bool) -> None:
        """A block of packets, which last as long as the first one; only blocks have times."""
        self.end(time)
        for packet in packets[:-1]:
            self.evidence.add(packet)
        self._last = packets[-1], time + (len(packets) - 1) * packet_samples(packets[0])
        self.long_sizes += long_size

    def end(self, time: int | None = None) -> None:
        if self._last is not None:
            packet, before = self._last
            self.evidence.add(packet, None if time is None else time - before)
        self._last = None


class UnprovedError(ValueError):
    """Blocks that may be anything; those up to `end` in the buffer were looked at."""

    def __init__(self, end: int) -> None:
        super().__init__("blocks that cannot be proved to be Opus")
        self.end = end


def proved_track(buf: bytes, pos: int, mime_type: str, known: Track | None, *, final: bool) -> Track | None:
    """The Opus track among the blocks from `pos` on, before which no header is; None where more bytes are needed.

    `known` is the track if a header elsewhere describes it.  With `final` no more bytes will come.  RecordingError
    where no such track can be proved, UnprovedError where there are only a few blocks among invalid bytes.
    """
    walks = []
    for tick_ns in _TICKS_NS if known is None else (known.tick_ns,):
        walk = _Walk(buf, pos, known.number if known else None, tick_ns)
        walks.append(walk)
        if known is not None and walk.tracks.get(known.number, _Blocks()).evidence.proves_opus("codecs=opus"):
            return replace(known, others=known.others | walk.tracks.keys() - {known.number})
        exactly = tick_ns == _TICKS_NS[1]
        proved = [
            number
            for number, track in sorted(walk.tracks.items())
            if track.evidence.proves_opus(mime_type, exactly=exactly)
        ]
        if proved and known is None and (final or walk.is_enough):
            return _track(proved, walk.tracks, tick_ns)
        if not final and not walk.is_enough and len(buf) - pos < _MOST_BYTES:
            return None
    walk = walks[0]
    if walk.sequences > 1 or max(track.evidence.packets for track in walk.tracks.values()) < _FEW:
        raise UnprovedError(walk.end)
    seen = [f"track {number}: {track.evidence.summary()}" for number, track in sorted(walk.tracks.items())]
    what = "WebM" if known is None else f"WebM for track {known.number}"
    raise refusal(what, "; ".join(seen) or "no whole block", mime_type)


def _track(proved: list[int], tracks: dict[int, _Blocks], tick_ns: int) -> Track:
    """The first of the tracks that are `proved` to be Opus; Firefox's declare libopus's pre-skip, Chrome's none."""
    number, *second = proved
    found = tracks[number]
    pre_skip = _LIBOPUS_PRE_SKIP if found.long_sizes * 2 > found.evidence.packets else 0
    head = OpusHead(found.evidence.channels, pre_skip)
    return Track(number, head, "", frozenset(tracks) - {number}, frozenset(second), tick_ns=tick_ns)


class _Walk:
    """The blocks of each track from a place on, until there are enough; after damage those of the next sequence."""

    def __init__(self, buf: bytes, pos: int, number: int | None, tick_ns: int) -> None:
        self.tracks: dict[int, _Blocks] = {}
        self.sequences = 1  # in which they are
        self.end = pos  # of what was looked at and is of no use
        self._blocks = 0
        self._number = number
        self._tick_ns = tick_ns
        found: int | None = pos
        while found is not None:
            pos = self._walk_sequence(buf, found)
            if self.is_enough or pos >= len(buf):
                break
            self.end = pos
            found = find_resync_point(buf, pos + 1, Known(None), final=True).found
            self.sequences += found is not None
        for track in self.tracks.values():
            track.end()

    @property
    def is_enough(self) -> bool:
        """Whether more blocks would add nothing."""
        wanted = self.tracks if self._number is None else {self._number} & self.tracks.keys()
        return self._blocks >= _MOST_BLOCKS or any(map(self._is_sound, wanted))

    def _is_sound(self, number: int) -> bool:
        evidence = self.tracks[number].evidence
        return evidence.packets > ENOUGH and evidence.proves_opus()

    def _walk_sequence(self, buf: bytes, pos: int) -> int:
        """Read elements on from `pos`; returns where they make no sense, the end of `buf` where they do."""
        cluster = 0
        while self._blocks % ENOUGH or not self.is_enough:
            try:
                header = ebml.read_header(buf, pos)
            except ValueError:
                return pos
            if header is None:
                break
            element_id, size, body = header
            if element_id in (ebml.CLUSTER, ebml.SEGMENT, ebml.BLOCK_GROUP):
                pos = body
                continue
            if element_id == ebml.EBML or not 0 <= size <= MAX_PICTURE_BYTES:
                return pos
            if body + size > len(buf):
                break
            if element_id == ebml.TIMESTAMP:
                cluster = int.from_bytes(buf[body : body + size], "big")
            elif element_id in (ebml.SIMPLE_BLOCK, ebml.BLOCK) and size >= 5:
                self._add_block(buf, body, size, cluster)
            pos = body + size
        return len(buf)

    def _add_block(self, buf: bytes, body: int, size: int, cluster: int) -> None:
        ticks = cluster + int.from_bytes(buf[body + 1 : body + 3], "big", signed=True)
        time = round(ticks * self._tick_ns * SAMPLES_PER_MS / 1_000_000)
        is_long = buf[body - 4] >> 4 == 1 and size < 1 << 14 and buf[body - 5] in (ebml.SIMPLE_BLOCK, ebml.BLOCK)
        track = self.tracks.setdefault(buf[body] & 0x7F, _Blocks())
        block = buf[body : body + size]
        with suppress(ValueError):
            packets = laced_packets(block) if block[3] & LACING_FLAGS else [block[4:]]
            track.add(packets, time, long_size=is_long)
        self._blocks += 1
