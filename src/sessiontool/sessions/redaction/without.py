"""A recording without what goes: silence or a tone in its place, of its length, or one channel of it silent."""

from __future__ import annotations

from collections import deque
from itertools import chain, islice
from typing import TYPE_CHECKING

from msgspec.structs import replace

from ...concat import muxer_for
from ...errors import RecordingError
from ...media.opus import OpusHead
from ...media.pcm import PcmHead
from .packet_cuts import Cut, KeptCount
from .silencing import silencing_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from ...media.filler import SoundHead
    from .packet_cuts import Kept

_AT_ONCE = 1024
"""Packets that are hashed at once; chosen."""
_BEFORE = 64
"""Packets that are decoded before one that is encoded again; chosen: a second of those of 20 ms."""


def without(packets: Iterable[bytes], head: SoundHead, cuts: Sequence[Cut]) -> Iterator[bytes]:
    """Packets with something else in the place of those that go."""
    silencing, left = silencing_of(head), iter(packets)
    before: deque[bytes] = deque(maxlen=_BEFORE)
    number = 0
    for cut in cuts:
        for packet in islice(left, cut.first - number):
            before.append(packet)
            yield packet
        inside = islice(left, cut.after - cut.first)
        if cut.channel is None:
            new: Iterable[bytes] = map(silencing.beep_like if cut.beep else silencing.silence_like, inside)
        else:
            voiced, behind = list(inside), list(islice(left, 1))
            new = list(_without_voice(before, voiced, behind, head, cut))
            left = chain(behind, left)
        for packet in new:
            before.append(packet)
            yield packet
        number = cut.after
    yield from left


def _without_voice(
    before: Iterable[bytes], packets: list[bytes], behind: list[bytes], head: SoundHead, cut: Cut
) -> Iterator[bytes]:
    assert cut.channel is not None, "it says which"
    if isinstance(head, PcmHead):
        yield from (_without_channel(block, head, cut.channel) for block in packets)
        return
    if not isinstance(head, OpusHead):
        raise RecordingError(f"one voice alone of {head.codec} cannot be silenced", hint="redact both")
    from ...audio.one_channel import without_channel  # noqa: PLC0415 - needs an encoder

    origin = cut.end - sum(map(head.lengths(), packets))  # of the first packet, before 0 where it is the recording's
    silent = cut.silent[0] - origin, cut.silent[1] - origin
    yield from without_channel(list(before), packets, behind, head, cut.channel, silent)


def _without_channel(block: bytes, head: PcmHead, channel: int) -> bytes:
    """A block of samples with zeros on one channel."""
    left, width = bytearray(block), head.frame_bytes // head.channels
    for byte in range(channel * width, (channel + 1) * width):
        left[byte :: head.frame_bytes] = bytes(len(left) // head.frame_bytes)
    return bytes(left)


def write_without(
    packets: Iterable[bytes], head: SoundHead, cuts: Sequence[Cut], path: Path, *, writing_app: str, track_uid: int
) -> tuple[list[Cut], tuple[Kept, ...]]:
    """Write a recording without what goes, to `path`.

    Returns the cuts, with what is encoded again in them, and what was kept before, between and behind them.
    """
    length_of, count = head.lengths(), KeptCount(cuts, head)
    with path.with_suffix(".clusters").open("w+b") as body, path.open("wb") as out:
        muxer = muxer_for(head, body)
        left = without(packets, head, cuts)
        while some := list(islice(left, _AT_ONCE)):
            count.take(some)
            muxer.write(some, list(map(length_of, some)))
        muxer.finish(out, head, writing_app=writing_app, track_uid=track_uid)
    path.with_suffix(".clusters").unlink()
    kept, encoded = count.end(), iter(count.encoded)
    return [cut if cut.channel is None else replace(cut, encoded=next(encoded)) for cut in cuts], kept
