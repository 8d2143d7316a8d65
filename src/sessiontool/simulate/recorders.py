"""MediaRecorder as Chrome and Firefox write it: sound in, the blobs of one run out, and what is true of its packets.

The bytes are those of a live WebM recording (RFC 9559): segment and clusters without a size, no cues, no duration.
The two differ in nearly everything else, and all of that was measured on recordings of real browsers:

Chrome writes a block when its packet is complete, stamped with the wall clock.  A blob ends at the first byte that
is written once the timeslice is over, so one byte inside an element; a cluster begins at the first block whose
timestamp is a timeslice past the last one's.  Sound that is dropped (`starved`) shows as a jump of the timestamps.
Firefox counts samples instead of looking at a clock, so there it does not show; its clusters last a second, and its
blobs begin with one.

Not here: more than one run, uploads, and anything that goes wrong after the recorder.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from typing import TYPE_CHECKING, Literal

from msgspec import Struct, field

from ..media.matroska import ebml
from ..media.opus import OpusHead
from ..model import SAMPLES_PER_MS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from numpy.typing import NDArray

    from .sound import Sound

RecorderName = Literal["chrome", "firefox"]

_READ_SAMPLES = 10 * 48_000  # chosen: bounds memory
_STOP_LATENCY_MS = 6
"""Chrome: sound this new is still on its way to the encoder at `stop()`, and is lost (measured: 5 to 72 ms)."""
_WRITE_LATENCY_MS = 4  # chosen: recorders hand over blobs a few ms after their end
_FIREFOX_CLUSTER_MS = 1000  # measured in Firefox 153
_LONGEST_CLUSTER_MS = 30_000
"""A block's time counts from its cluster's in 16 bits (RFC 9559, section 10.1)."""
_BIT_DEPTH, _CODEC_NAME = 0x6264, 0x258688  # element ids (RFC 9559, sections 5.1.4.1.29.4 and 5.1.4.1.23)
_LIVE_CLUSTER = ebml.CLUSTER.to_bytes(4, "big") + b"\x01" + b"\xff" * 7
_LIVE_SEGMENT = ebml.SEGMENT.to_bytes(4, "big") + b"\x01" + b"\xff" * 7


class SimulatedStretch(Struct, frozen=True):
    """A stretch of the session clock: from `start_ms`, for `length_ms`."""

    start_ms: int
    length_ms: int

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.length_ms


class RunPlan(Struct, frozen=True):
    """One recorder run: its settings, and what happens while it records, in milliseconds of the session clock.

    In a pause nothing is recorded and the recorder's clock stands still; what is `starved` is not recorded while
    the clock runs on; while the page is `busy` Chrome writes nothing, and all that has waited afterwards.
    """

    recorder: RecorderName
    start_ms: int
    stop_ms: int
    channels: int = 2
    packet_ms: int = 60
    bit_rate: int = 64_000
    timeslice_ms: int = 5000
    pauses: tuple[SimulatedStretch, ...] = ()
    starved: tuple[SimulatedStretch, ...] = ()
    busy: tuple[SimulatedStretch, ...] = ()


class SimulatedPacket(Struct, frozen=True):
    """One recorded packet.  `start_us` is the true recorder time of its first sample, `time_ms` what its block says.

    `offset` and `end` enclose its element in the run's bytes.
    """

    payload: bytes
    start_us: int
    time_ms: int
    offset: int
    end: int


class Blob(Struct, frozen=True):
    """What one `dataavailable` event carried: the run's bytes from `offset` on; `emitted_ms` on the session clock."""

    offset: int
    data: bytes
    emitted_ms: float

    @property
    def end(self) -> int:
        return self.offset + len(self.data)


class SimulatedRun(Struct, frozen=True, eq=False):
    """All that one recorder run gave, and `captured`: the pieces of the session clock that it heard, in samples."""

    plan: RunPlan
    packets: tuple[SimulatedPacket, ...]
    blobs: tuple[Blob, ...]
    captured: tuple[tuple[int, int], ...]


def record(sound: Sound, plan: RunPlan, rng: Random, *, sound_zero_ms: int = 0) -> SimulatedRun:
    """Record `sound`, whose clock shows zero at `sound_zero_ms` of the session clock."""
    from ..audio.encoder import encode_opus  # noqa: PLC0415 - the encoder is a large library

    captured = tuple(_captured(plan))
    blocks = _blocks(sound, captured, sound_zero_ms * SAMPLES_PER_MS)
    payloads = encode_opus(blocks, plan.channels, packet_ms=plan.packet_ms, bit_rate=plan.bit_rate)
    clock = _Clock(plan, captured)
    write = {"chrome": _write_chrome, "firefox": _write_firefox}[plan.recorder]
    packets, blobs = write(payloads, plan, clock, rng)
    return SimulatedRun(plan, tuple(packets), tuple(blobs), captured)


def _captured(plan: RunPlan) -> Iterator[tuple[int, int]]:
    """The pieces of the session clock that reach the encoder, in samples."""
    stop_ms = plan.stop_ms - (_STOP_LATENCY_MS if plan.recorder == "chrome" else 0)
    position = plan.start_ms
    for gap in sorted((*plan.pauses, *plan.starved), key=lambda gap: gap.start_ms):
        if position < gap.start_ms < stop_ms:
            yield position * SAMPLES_PER_MS, gap.start_ms * SAMPLES_PER_MS
        position = max(position, gap.end_ms)
    if position < stop_ms:
        yield position * SAMPLES_PER_MS, stop_ms * SAMPLES_PER_MS


def _blocks(sound: Sound, captured: tuple[tuple[int, int], ...], zero: int) -> Iterator[NDArray]:  # type: ignore[type-arg]
    for start, end in captured:
        for at in range(start, end, _READ_SAMPLES):
            yield sound.read(at - zero, min(at + _READ_SAMPLES, end) - zero)


class _Clock:
    """When the samples that reached the encoder were heard: on the session clock and on the recorder's."""

    def __init__(self, plan: RunPlan, captured: tuple[tuple[int, int], ...]) -> None:
        self._plan = plan
        self._captured = captured
        self._starts = [0]  # of the pieces, counted in samples that were captured
        for start, end in captured:
            self._starts.append(self._starts[-1] + end - start)

    @property
    def total_samples(self) -> int:
        return self._starts[-1]

    def session_us(self, sample: int) -> int:
        """The session clock at a captured sample; past the last one it runs on."""
        index = min(bisect_right(self._starts, sample), len(self._captured)) - 1
        return (self._captured[index][0] + sample - self._starts[index]) * 125 // 6

    def recorder_us(self, sample: int) -> int:
        """The recorder's clock at a captured sample: the session clock since its start, without the pauses."""
        session_us = self.session_us(sample)
        paused_ms = sum(pause.length_ms for pause in self._plan.pauses if pause.start_ms * 1000 <= session_us)
        return session_us - (self._plan.start_ms + paused_ms) * 1000

    def end_ms(self, sample: int) -> float:
        """The session clock when the sample before `sample` has been heard."""
        return self.session_us(sample - 1) / 1000


class _Stream(Struct):
    """The bytes of a run as they are written, and where they were cut into blobs."""

    data: bytearray
    packets: list[SimulatedPacket] = field(default_factory=list)
    blobs: list[Blob] = field(default_factory=list)
    cut_at: int = 0

    def cut(self, at: int, emitted_ms: float) -> None:
        """End a blob at offset `at`; `emitted_ms` never runs back."""
        emitted_ms = max([round(emitted_ms, 1), *(blob.emitted_ms for blob in self.blobs[-1:])])
        self.blobs.append(Blob(self.cut_at, bytes(self.data[self.cut_at : at]), emitted_ms))
        self.cut_at = at

    def write(self, block: bytes, payload: bytes, start_us: int, time_ms: int) -> None:
        offset = len(self.data)
        self.data += block
        self.packets.append(SimulatedPacket(payload, start_us, time_ms, offset, len(self.data)))


def _write_chrome(
    payloads: Iterator[bytes], plan: RunPlan, clock: _Clock, rng: Random
) -> tuple[list[SimulatedPacket], list[Blob]]:
    stream = _Stream(bytearray(_chrome_header(plan.channels, rng)))
    samples = plan.packet_ms * SAMPLES_PER_MS
    cluster_length_ms = min(plan.timeslice_ms, _LONGEST_CLUSTER_MS)
    cluster_ms, last_ms, emitted_ms = -cluster_length_ms, 0, float(plan.start_ms)
    for index in range(clock.total_samples // samples):  # the last one, if not whole, is not written
        start_us = clock.recorder_us(index * samples)
        last_ms = max(last_ms, round(start_us / 1000 + rng.uniform(-4.5, 4.5))) if index else 0
        written_ms = _after_busy(
            clock.end_ms((index + 1) * samples) + _WRITE_LATENCY_MS + rng.uniform(-1, 1), plan.busy
        )
        cut_at = len(stream.data) + 1 if written_ms - emitted_ms >= plan.timeslice_ms else None
        if last_ms - cluster_ms >= cluster_length_ms:
            stream.data += _LIVE_CLUSTER + ebml.element(ebml.TIMESTAMP, last_ms)
            cluster_ms = last_ms
        payload = next(payloads)
        body = struct.pack(">BhB", 0x81, last_ms - cluster_ms, 0x80) + payload
        stream.write(ebml.element(ebml.SIMPLE_BLOCK, body), payload, start_us, last_ms)
        if cut_at is not None:
            stream.cut(cut_at, written_ms + rng.uniform(0, 2))
            emitted_ms = written_ms
    stream.cut(len(stream.data), plan.stop_ms + rng.uniform(0.8, 6.5))
    return stream.packets, stream.blobs


def _after_busy(at_ms: float, busy: tuple[SimulatedStretch, ...]) -> float:
    """When that is written which was ready at `at_ms`."""
    return max([at_ms, *(stretch.end_ms for stretch in busy if stretch.start_ms <= at_ms < stretch.end_ms)])


def _write_firefox(
    payloads: Iterator[bytes], plan: RunPlan, clock: _Clock, rng: Random
) -> tuple[list[SimulatedPacket], list[Blob]]:
    stream = _Stream(bytearray(_firefox_header(plan.channels, rng)))
    samples = plan.packet_ms * SAMPLES_PER_MS
    cluster_ms = blob_ms = 6  # the codec delay
    for index, payload in enumerate(payloads):
        time_ms = index * plan.packet_ms + 6
        if not index or time_ms - cluster_ms >= _FIREFOX_CLUSTER_MS:
            if time_ms - blob_ms >= plan.timeslice_ms:
                stream.cut(len(stream.data), clock.end_ms(index * samples) + rng.uniform(-15, 13))
                blob_ms = time_ms
            stream.data += _LIVE_CLUSTER + ebml.element(ebml.TIMESTAMP, time_ms)
            cluster_ms = time_ms
        body = struct.pack(">BhB", 0x82, time_ms - cluster_ms, 0) + payload
        block = ebml.element(ebml.SIMPLE_BLOCK, body, size_length=4)
        stream.write(block, payload, clock.recorder_us(index * samples), time_ms)
    stream.cut(len(stream.data), plan.stop_ms + rng.uniform(2, 20))
    return stream.packets, stream.blobs


def _chrome_header(channels: int, rng: Random) -> bytes:
    """146 bytes, the same in every recording but for the track's UID."""
    audio = ebml.element(ebml.SAMPLING_FREQUENCY, struct.pack(">f", 48_000)) + ebml.element(ebml.CHANNELS, channels)
    track = (
        ebml.element(ebml.TRACK_NUMBER, 1)
        + ebml.element(ebml.TRACK_UID, rng.randbytes(7))
        + ebml.element(ebml.TRACK_TYPE, 2)
        + ebml.element(ebml.CODEC_ID, "A_OPUS")
        + ebml.element(ebml.CODEC_PRIVATE, OpusHead(channels, pre_skip=0).to_bytes())
        + ebml.element(ebml.AUDIO, audio + ebml.element(_BIT_DEPTH, 32))
    )
    info = (
        ebml.element(ebml.TIMESTAMP_SCALE, 1_000_000)
        + ebml.element(ebml.MUXING_APP, "Chrome")
        + ebml.element(ebml.WRITING_APP, "Chrome")
    )
    tracks = ebml.element(ebml.TRACKS, ebml.element(ebml.TRACK_ENTRY, track))
    return ebml.element(ebml.EBML, _doc_type(4)) + _LIVE_SEGMENT + ebml.element(ebml.INFO, info) + tracks


def _firefox_header(channels: int, rng: Random) -> bytes:
    """260 bytes, the same in every recording but for the track's UID; masters have sizes of eight bytes."""
    audio = ebml.element(ebml.SAMPLING_FREQUENCY, 48_000.0) + ebml.element(ebml.CHANNELS, channels)
    track = (
        ebml.element(ebml.TRACK_NUMBER, 2)
        + ebml.element(ebml.TRACK_UID, rng.randbytes(4))
        + ebml.element(ebml.TRACK_TYPE, 2)
        + ebml.element(ebml.CODEC_DELAY, (6_500_000).to_bytes(4, "big"))
        + ebml.element(ebml.SEEK_PRE_ROLL, (80_000_000).to_bytes(4, "big"))
        + ebml.element(ebml.CODEC_ID, "A_OPUS")
        + ebml.element(ebml.CODEC_PRIVATE, OpusHead(channels, pre_skip=312).to_bytes())
        + ebml.element(_CODEC_NAME, "OPUS")
        + ebml.element(ebml.AUDIO, audio, size_length=8)
    )
    info = (
        ebml.element(ebml.TIMESTAMP_SCALE, 1_000_000)
        + ebml.element(ebml.DURATION, 0.0)
        + ebml.element(ebml.MUXING_APP, "QTmuxingAppLibWebM-0.0.1")
        + ebml.element(ebml.WRITING_APP, "QTwritingAppLibWebM-0.0.1")
    )
    return (
        ebml.element(ebml.EBML, _doc_type(2), size_length=8)
        + _LIVE_SEGMENT
        + ebml.element(ebml.SEEK_HEAD, b"", size_length=8)
        + ebml.element(ebml.INFO, info, size_length=8)
        + ebml.element(ebml.TRACKS, ebml.element(ebml.TRACK_ENTRY, track, size_length=8), size_length=8)
    )


def _doc_type(version: int) -> bytes:
    return (
        ebml.element(ebml.EBML_VERSION, 1)
        + ebml.element(ebml.EBML_READ_VERSION, 1)
        + ebml.element(ebml.EBML_MAX_ID_LENGTH, 4)
        + ebml.element(ebml.EBML_MAX_SIZE_LENGTH, 8)
        + ebml.element(ebml.DOC_TYPE, "webm")
        + ebml.element(ebml.DOC_TYPE_VERSION, version)
        + ebml.element(ebml.DOC_TYPE_READ_VERSION, 2)
    )
