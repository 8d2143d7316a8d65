"""Is a published audio.m4a what its report says?  As `verify`, for AAC in MP4: by other code than wrote it.

Proved: every recorded frame is there, in order, byte for byte; what stands between them is silence where the timeline
says so; the index leads to each frame, and the frames fill the rest of the file; all durations are the frames' sum,
less the priming that the edit list drops.
"""

from __future__ import annotations

import struct
from itertools import accumulate
from typing import TYPE_CHECKING, BinaryIO

from ..errors import RecordingError
from ..media.aac import FRAME_SAMPLES, AacHead
from ..media.isobmff.index import FrameTable, index_box
from ..model import SAMPLE_RATE
from .redaction.chain import RedactedChain
from .verify_chain import PacketChain, silences_of
from .verify_problems import Problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ..documents.report_model import Report
    from ..model import Finding
    from .verify import Maker

_MOST_INDEX_BYTES = 1 << 26
"""Chosen: an index of days of sound."""
_BLOCK_FRAMES = 512
"""Number of frames that are read at once; chosen."""
_FILE_TYPE = b"M4A \0\0\2\0M4A isommp42"
_CONFIG_AT = 26
"""Bytes of `esds` before the AudioSpecificConfig (ISO/IEC 14496-1): three descriptors' heads with sizes of one byte,
and 20 bytes."""


class _Broken(Exception):  # noqa: N818 - ends the reading, and becomes a finding
    """The file is not one that we write."""


def verify_m4a(file: BinaryIO, report: Report, maker: Maker | None = None) -> list[Finding]:
    """Check an `audio.m4a`, open for reading at its start, against its report, which has the shape of one."""
    problems = Problems()
    try:
        _verify(file, report, maker, problems)
    except (_Broken, ValueError, IndexError, struct.error, RecordingError) as error:
        problems.add("verify-structure", f"audio.m4a cannot be read to its end: {error}")
    return problems.findings


def _verify(file: BinaryIO, report: Report, maker: Maker | None, problems: Problems) -> None:
    size = file.seek(0, 2)
    file.seek(0)
    problems.expect("verify-structure", "the file type", _FILE_TYPE.hex(), _top(file, b"ftyp").hex())
    body = _top(file, b"moov")
    index = _Index(body)
    rate, priming = index.head.rate_hz, index.priming
    if maker is not None:
        made = maker.app, f"recording {maker.track_uid:x}"
        problems.expect("verify-structure", "what the file says of its making", made, index.made_by)
    at = file.tell()
    start, length = _data_head(file)
    problems.expect("verify-structure", "the end of the frames", size, at + start + length)
    index.check(at + start, problems)
    problems.expect("verify-structure", "bytes of the frames", sum(index.sizes), length)
    head = index.head.with_priming(priming)
    written = index_box(head, FrameTable.of(index.sizes), at + start, *index.made_by, is_long=index.is_long)
    if body != written[8:]:  # what is read above is most of it, and what decoders need
        problems.add("verify-structure", "the index has values that are not written so")
    last = [
        (round((end * rate + priming * SAMPLE_RATE) / (SAMPLE_RATE * FRAME_SAMPLES)), n)
        for end, n in silences_of(report)
    ]
    silences = [(end - count, end) for end, count in last]
    chain: PacketChain | RedactedChain
    if "redaction" in report:
        chain, unit = RedactedChain(report, head, problems), 2 * FRAME_SAMPLES * SAMPLE_RATE
    else:
        chain = PacketChain(report, silences, {index.head.filler.payload}, rate / FRAME_SAMPLES, problems)
        unit = 2 * rate  # it counts frames
    for first in range(0, len(index.sizes), _BLOCK_FRAMES):
        sizes = index.sizes[first : first + _BLOCK_FRAMES]
        chain.take(
            _frames(file, sizes),
            [(number * unit + rate) // (2 * rate) for number in range(first, first + len(sizes) + 1)],
        )
    chain.end()
    heard_s = (len(index.sizes) * FRAME_SAMPLES - priming) / rate
    if abs(report["duration_s"] - heard_s) > 0.0015:
        problems.add(
            "verify-times", f"the frames last {heard_s:.3f} s, duration_s in the report is {report['duration_s']}"
        )


def _frames(file: BinaryIO, sizes: Iterable[int]) -> list[bytes]:
    *starts, end = accumulate(sizes, initial=0)
    body = file.read(end)
    if len(body) != end:
        raise _Broken("the file ends inside a frame")
    return [body[start : start + size] for start, size in zip(starts, sizes, strict=True)]


def _top(file: BinaryIO, kind: bytes) -> bytes:
    """The body of the next box of the file, which must be of a kind."""
    size, found = struct.unpack(">I4s", file.read(8))
    if found != kind or not 8 <= size <= _MOST_INDEX_BYTES:
        raise _Broken(f"instead of {kind!r} there is {found!r} of {size:,} bytes")
    body = file.read(size - 8)
    if len(body) != size - 8:
        raise _Broken(f"it ends inside {kind!r}")
    return body


def _data_head(file: BinaryIO) -> tuple[int, int]:
    """How long the head of the `mdat` is, and its body."""
    size, kind = struct.unpack(">I4s", file.read(8))
    if kind != b"mdat":
        raise _Broken(f"instead of b'mdat' there is {kind!r}")
    if size == 1:
        return 16, struct.unpack(">Q", file.read(8))[0] - 16
    return 8, size - 8


def _inside(body: bytes, *kinds: bytes) -> list[bytes]:
    """The bodies of the boxes in a box's body, which must be of these kinds in this order."""
    bodies, found, at = [], [], 0
    while at < len(body):
        size, kind = struct.unpack_from(">I4s", body, at)
        if size < 8 or at + size > len(body):
            raise _Broken(f"{kind!r} is longer than the box it is in")
        found.append(kind)
        bodies.append(body[at + 8 : at + size])
        at += size
    if tuple(found) != kinds:
        raise _Broken(f"instead of {kinds} there are {tuple(found)}")
    return bodies


class _Index:
    """What `moov` says."""

    def __init__(self, body: bytes) -> None:
        self._movie, track, user_data = _inside(body, b"mvhd", b"trak", b"udta")
        self._track, edits, media = _inside(track, b"tkhd", b"edts", b"mdia")
        (self._edits,) = _inside(edits, b"elst")
        self._media, _, information = _inside(media, b"mdhd", b"hdlr", b"minf")
        _, _, table = _inside(information, b"smhd", b"dinf", b"stbl")
        kind = b"co64" if b"co64" in table else b"stco"
        entry, self._times, self._runs, sizes, self._places = _inside(table, b"stsd", b"stts", b"stsc", b"stsz", kind)
        self.is_long = kind == b"co64"
        self.head = _head(entry)
        self.sizes: Sequence[int] = struct.unpack(f">{(len(sizes) - 12) // 4}I", sizes[12:])
        if struct.unpack_from(">II", sizes, 4) != (0, len(self.sizes)):
            raise _Broken("its index counts other frames than it lists")
        is_wide = self._edits[0] == 1
        listed, self.edited, self.priming, speed = struct.unpack(">IQqI" if is_wide else ">IIiI", self._edits[4:])
        if (listed, speed) != (1, 1 << 16):
            raise _Broken("it has not exactly one edit")
        (meta,) = _inside(user_data, b"meta")
        _, texts = _inside(meta[4:], b"hdlr", b"ilst")
        app, comment = (_inside(text, b"data")[0][8:] for text in _inside(texts, b"\xa9too", b"\xa9cmt"))
        self.made_by = app.decode("utf-8", "replace"), comment.decode("utf-8", "replace")

    def check(self, start: int, problems: Problems) -> None:
        """Compare what the index says of one thing in several places; the first frame is at byte `start`."""
        frames, rate = len(self.sizes), self.head.rate_hz
        length = frames * FRAME_SAMPLES
        heard = max(0, length - self.priming)
        problems.expect("verify-times", "the edit's duration", heard, self.edited)
        problems.expect(
            "verify-times", "what stts says", (1, frames, FRAME_SAMPLES), struct.unpack(">III", self._times[4:])
        )
        for what, wanted, found in (
            ("the movie's rate and duration", (rate, heard), _rate_and_duration(self._movie)),
            ("the track's duration", heard, _rate_and_duration(self._track, 4)[1]),
            ("the media's rate and duration", (rate, length), _rate_and_duration(self._media)),
        ):
            problems.expect("verify-times", what, wanted, found)
        problems.expect("verify-cues", "places of frames in the index", *self._listed(start))

    def _listed(self, start: int) -> tuple[list[int], list[int]]:
        """Where each chunk of frames begins, by the sizes, and by the index."""
        count, *runs = struct.unpack(f">{len(self._runs[4:]) // 4}I", self._runs[4:])
        width, code = (8, "Q") if self.is_long else (4, "I")
        listed, *places = struct.unpack(f">I{(len(self._places) - 8) // width}{code}", self._places[4:])
        chunks = list(zip(runs[::3], runs[1::3], strict=True))
        if len(chunks) != count or listed != len(places):
            raise _Broken("the index counts other chunks than it lists")
        wanted, at, frame = [], start, 0
        for (first, each), (after, _) in zip(chunks, [*chunks[1:], (listed + 1, 0)], strict=True):
            for _ in range(first, after):
                wanted.append(at)
                at += sum(self.sizes[frame : frame + each])
                frame += each
        return wanted, places


def _rate_and_duration(body: bytes, between: int = 0) -> tuple[int, int]:
    """The timescale and duration of a header box; `between` other bytes stand between the two."""
    if body[0] == 1:
        return struct.unpack_from(f">I{between}xQ", body, 20)
    return struct.unpack_from(f">I{between}xI", body, 12)


def _head(entry: bytes) -> AacHead:
    """What the sample entry says, which has the sizes and fields that we write."""
    (sound,) = _inside(entry[8:], b"mp4a")
    (specific,) = _inside(sound[28:], b"esds")
    head = AacHead.parse(specific[_CONFIG_AT:][: specific[_CONFIG_AT - 1]])
    channels, rate_hz = struct.unpack_from(">H6xH", sound, 16)
    if (channels, rate_hz) != (head.channels, min(head.rate_hz, 0xFFFF)):
        raise _Broken("its sample entry and its configuration do not agree")
    return head
