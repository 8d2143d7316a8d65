"""Is a published audio.mp3 what its report says?  As `verify`, for MP3: by other code than wrote it.

Proved: every recorded frame is there, in order, byte for byte; what stands between them is silence where the timeline
says so; frames follow one another to the end of the file; what its first frame says of their number, bytes, places and
delay is so; the duration is the frames' sum, less the delay.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from ..media.mp3 import DECODER_DELAY, FrameHeader, Mp3Head, frame_samples, read_header, silent_frame
from ..media.mpeg_audio.tags import id3_tag, info_frame, priming_of
from ..model import SAMPLE_RATE
from .verify_chain import PacketChain, silences_of
from .verify_problems import Problems

if TYPE_CHECKING:
    from ..documents.report_model import Report
    from ..model import Finding
    from .verify import Maker

_BLOCK_FRAMES = 512  # frames; chosen: little memory
_HEAD_BYTES = 4  # ISO/IEC 11172-3, section 2.4.1.3
_MOST_TAG_BYTES = 1 << 16  # chosen: ours has fewer than a hundred


def verify_mp3(file: BinaryIO, report: Report, maker: Maker | None = None) -> list[Finding]:
    """Check an `audio.mp3`, open for reading at its start, against its report, which has the shape of one."""
    problems = Problems()
    try:
        _verify(file, report, maker, problems)
    except ValueError as error:
        problems.add("verify-structure", f"audio.mp3 cannot be read to its end: {error}")
    return problems.findings


def _verify(file: BinaryIO, report: Report, maker: Maker | None, problems: Problems) -> None:
    tag = _tag(file)
    if maker is not None and tag != id3_tag(maker.app, maker.track_uid):
        problems.add("verify-structure", "what the file says of its making is not what was written")
    first = _frame(file)
    if first is None:
        raise ValueError("it has no frame")
    header, info = first
    samples, rate = frame_samples(header.rate_hz), header.rate_hz
    priming = priming_of(info)
    # A place at 48 kHz, in frames; the delay is played, and not heard.
    last = [(round((end * rate / SAMPLE_RATE + (priming or 0)) / samples), n) for end, n in silences_of(report)]
    silences = [(end - count, end) for end, count in last]
    silence = {silent_frame(rate, header.channels)}
    chain = PacketChain(report, silences, silence, rate / samples, problems)
    sizes: list[int] = []
    while some := _some(file, header):
        chain.take(some, range(len(sizes), len(sizes) + len(some) + 1))
        sizes += map(len, some)
    chain.end()
    if info != info_frame(Mp3Head(header.channels, rate).with_priming(priming), sizes):
        problems.add("verify-structure", "what the first frame says of the others is not so")
    if priming is not None and priming < DECODER_DELAY:
        problems.add("verify-times", f"a delay of {priming} samples is shorter than a decoder's")
    heard_s = (len(sizes) * samples - (priming or 0)) / rate
    if abs(report["duration_s"] - heard_s) > 0.0015:
        problems.add(
            "verify-times", f"the frames last {heard_s:.3f} s, duration_s in the report is {report['duration_s']}"
        )


def _tag(file: BinaryIO) -> bytes:
    """The tag that the file begins with."""
    head = file.read(10)
    size = 0
    for byte in head[6:]:
        size = size << 7 | byte
    if head[:3] != b"ID3" or size > _MOST_TAG_BYTES:
        raise ValueError("it does not begin with a tag")
    return head + file.read(size)


def _some(file: BinaryIO, like: FrameHeader) -> list[bytes]:
    """The next frames; none at the end of the file."""
    frames: list[bytes] = []
    while len(frames) < _BLOCK_FRAMES and (found := _frame(file)):
        if not found[0].is_like(like):
            raise ValueError("a frame of another rate, or with other channels")
        frames.append(found[1])
    return frames


def _frame(file: BinaryIO) -> tuple[FrameHeader, bytes] | None:
    """The next frame; None at the end of the file."""
    head = file.read(_HEAD_BYTES)
    if not head:
        return None
    header = read_header(head)
    if header is None:
        raise ValueError(f"no frame at byte {file.tell() - len(head):,}")
    body = head + file.read(header.size_bytes - len(head))
    if len(body) != header.size_bytes:
        raise ValueError("it ends inside a frame")
    return header, body
