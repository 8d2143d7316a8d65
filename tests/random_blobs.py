"""Cases of the random judge whose chunks are short, or were cut anywhere: most begin no cluster, many no packet.

Short are the blobs of a recorder that hands over several times a second.  Cut anywhere are those of a server that
stores what came whenever its buffer is full: of as many bytes each, or of fewer, as they came.
"""

from __future__ import annotations

import struct
from dataclasses import replace
from functools import cache
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

import short_blobs
from random_cases import Case, damaged
from random_pool import FAMILIES, pool
from random_recordings import make_recording
from recordings import LIVE_CLUSTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from random_recordings import Packet, Recording

    Pool = dict[str, tuple[Recording, ...]]

TIMESLICES_MS = (60, 100, 250, 500, 900)
SIZES_BYTES = (1_000, 1_024, 2_500, 4_096, 9_000, 16_384, 65_536)
FEWEST, MOST = 6, 250  # chunks of a recording: fewer say little, and more take long
_FAMILY_WEIGHTS = {"chrome": 5, "firefox": 5, "ogg": 1, "mp4": 1}
_LATE_MS = {"chrome": (54, 72), "firefox": (-15, 13)}  # from the end of its last packet to a blob (measured)


def draw_blobs(seed: int, index: int) -> Case:
    """A recording in short blobs or in pieces of any size, and one to four faults."""
    rng = Random(f"blobs:{seed}:{index}")
    if rng.random() < 0.5:
        recordings = in_slices(rng.choice(TIMESLICES_MS))
    else:
        recordings = in_pieces(rng.choice(SIZES_BYTES), is_full=rng.random() < 0.5)
    families = [family for family in FAMILIES if recordings[family]]
    family = rng.choices(families, [_FAMILY_WEIGHTS[family] for family in families])[0]
    return damaged(seed, index, rng.choice(recordings[family]), recordings, rng)


@cache
def in_slices(timeslice_ms: int) -> Pool:
    """Recordings of WebM whose recorder handed over so often: real ones, where there are any, and ones cut anew."""
    real = [_real(name) for name in short_blobs.RECORDINGS if name.endswith(f"-{timeslice_ms}")]
    others = [one for family in _LATE_MS for one in pool()[family]]
    return _by_family([*real, *(_sliced(one, timeslice_ms) for one in others)])


@cache
def in_pieces(size_bytes: int, *, is_full: bool) -> Pool:
    """All recordings in pieces of so many bytes, or of up to so many where not all are `full`."""
    recordings = [one for found in pool().values() for one in found]
    recordings += [_real(name) for name in short_blobs.RECORDINGS if name.endswith("-500")]
    return _by_family(_in_pieces(one, size_bytes, is_full) for one in recordings)


def _by_family(recordings: Iterable[Recording]) -> Pool:
    found = [one for one in recordings if FEWEST <= len(one.blobs) <= MOST]
    return {family: tuple(one for one in found if one.family == family) for family in FAMILIES}


def _real(name: str) -> Recording:
    family = {"chromium": "chrome", "firefox": "firefox"}[name.partition("-")[0]]
    return make_recording(name, family, short_blobs.blobs_of(name), short_blobs.part_of(name))


def _cut_from(recording: Recording, how: str, blobs: Sequence[bytes], part: dict[str, Any]) -> Recording:
    made = make_recording(f"{recording.name} in {how}", recording.family, blobs, part)
    return replace(made, cut_from=recording)


# -- short blobs


def _sliced(recording: Recording, timeslice_ms: int) -> Recording:
    """The same packets in shorter blobs, as the recorder of the family hands them over and begins clusters."""
    packets, rng = recording.packets, Random(f"{recording.name}:{timeslice_ms}")
    ends = [*_blob_ends(packets, timeslice_ms), len(packets)]
    if recording.family == "chrome":
        data, starts = _written(recording, timeslice_ms)
        cuts = [
            0,
            1,
            *(starts[end] + 1 for end in ends[:-1]),
            len(data),
        ]  # one byte inside an element, and one by itself
        ends.insert(0, ends[0])
    else:
        data = b"".join(recording.blobs)
        cuts = [0, *(packets[end - 1].outer[1] for end in ends)]
    late_ms = _LATE_MS[recording.family]
    times = [_session_ms(recording, packets[end - 1]) + rng.uniform(*late_ms) for end in ends[:-1]]
    times.append(max([recording.part["stop_ms"] + 2, *times[-1:]]))
    part = recording.part | {"timeslice_ms": timeslice_ms}
    part["chunks"] = [{"seq": n, "emitted_ms": ms} for n, ms in enumerate(sorted(times))]
    blobs = [data[start:stop] for start, stop in pairwise(cuts)]
    return _cut_from(recording, f"{timeslice_ms} ms", blobs, part)


def _blob_ends(packets: Sequence[Packet], timeslice_ms: int) -> Iterator[int]:
    """Behind which packets blobs end, but for the last one."""
    blob_ms = packets[0].time_ms
    for index, packet in enumerate(packets[1:], 1):
        if packet.time_ms - blob_ms >= timeslice_ms:
            yield index
            blob_ms = packet.time_ms


def _written(recording: Recording, timeslice_ms: int) -> tuple[bytes, list[int]]:
    """The packets as Chrome writes them: a cluster begins a timeslice behind the last one.  And where each begins."""
    whole = b"".join(recording.blobs)
    data, starts = bytearray(whole[: whole.index(LIVE_CLUSTER)]), []
    cluster_ms = -timeslice_ms
    for packet in recording.packets:
        time_ms = round(packet.time_ms)
        starts.append(len(data))
        if time_ms - cluster_ms >= timeslice_ms:
            cluster_ms = time_ms
            size = max(1, (time_ms.bit_length() + 7) // 8)
            data += LIVE_CLUSTER + bytes((0xE7, 0x80 | size)) + time_ms.to_bytes(size, "big")
        block = struct.pack(">BhB", 0x81, time_ms - cluster_ms, 0x80) + packet.payload
        data += b"\xa3" + (0x4000 | len(block)).to_bytes(2, "big") + block
    return bytes(data), starts


def _session_ms(recording: Recording, packet: Packet) -> float:
    """The instant of the session clock at which a packet ended."""
    session_ms: float = recording.part["start_ms"] + packet.time_ms + packet.length_ms
    for pause in recording.part.get("pauses", []):
        session_ms += pause["end_ms"] - pause["start_ms"] if pause["start_ms"] <= session_ms else 0
    return session_ms


# -- pieces of any size


def _in_pieces(recording: Recording, size_bytes: int, is_full: bool) -> Recording:
    rng = Random(f"{recording.name}:{size_bytes}")
    blobs = list(_cut(b"".join(recording.blobs), size_bytes, 1.0 if is_full else 0.3, rng))
    part: dict[str, Any] = {key: value for key, value in recording.part.items() if key != "timeslice_ms"}
    part["chunks"] = [{"seq": n, "emitted_ms": None} for n in range(len(blobs))]  # the server has another clock
    how = f"{'' if is_full else 'up to '}{size_bytes} bytes"
    return _cut_from(recording, how, blobs, part)


def _cut(data: bytes, most_bytes: int, least: float, rng: Random) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = round(most_bytes * rng.uniform(least, 1.0))
        yield data[at : at + size]
        at += size
