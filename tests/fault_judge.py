"""Judges what any program made of a simulated session, by the session's truth.json and the packets of the output alone.

Nothing here knows how sessiontool works.  What "right" means:

packets    every packet that is still whole in the input is in the output, once, those of one recorder run in order
misplaced  a packet's place, from that of the run's first one, against its true recorder time: off by over 20 ms.  A
           place is the packet's timestamp; where the timestamps run back, what was played stays played
silence    what stands between two packets of a run is as long as what was lost there, within 20 ms; before the first
           packet of the part's own recorder as well.  After a run's last packet no sound tells how much there was: it
           is at least what session.json proves, and at most what was lost and the time until `stop()`, and the gap to
           the next part.  Nothing stands for what nobody lost: another recorder's run brings no silence.
foreign    chunks of another recorder are joined as a part of their own where its header is among them, else set aside

How much was lost between two blobs of another recorder is nobody's to know, nor how long it took until a recorder was
begun anew: both are free.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

TOLERANCE_MS = 20
STOP_MS = 72
"""Chrome loses up to so much at every stop: what was recorded then is in no packet (measured 5 to 72 ms)."""
SILENCE = {hashlib.sha256(packet).hexdigest() for packet in (b"\xf8\xff\xfe", b"\xfc\xff\xfe")}
SILENCE_MS = 20


@dataclass(frozen=True, slots=True)
class OutputPacket:
    """One packet of an output file: the SHA-256 of its payload, and its place."""

    sha256: str
    time_ms: float


@dataclass(slots=True)
class RunVerdict:
    """What became of one recorder run.  Silence: before its first packet, between its packets, after its last one."""

    part: str
    origin: str
    start_ms: int
    stop_ms: int
    whole: int
    kept: int = 0
    disordered: int = 0
    misplaced: int = 0
    worst_ms: float = 0.0
    before_ms: float = 0.0
    between_ms: float = 0.0
    after_ms: float = 0.0
    lost_before_ms: float = 0.0
    lost_between_ms: float = 0.0
    lost_after_ms: tuple[float, float] = (0.0, 0.0)


@dataclass(slots=True)
class Verdict:
    """What became of a session; `strange` packets are no silence, and not whole in the input or there before.

    A `hurt` one is a packet that damage begins in: its own bytes do not show it.
    """

    runs: list[RunVerdict]
    strange: int = 0
    hurt: int = 0
    silent: int = 0
    complaints: list[str] = field(default_factory=list)

    @property
    def whole(self) -> int:
        return sum(run.whole for run in self.runs)

    @property
    def kept(self) -> int:
        return sum(run.kept for run in self.runs)

    @property
    def misplaced(self) -> int:
        return sum(run.misplaced for run in self.runs)


def read_packets(path: Path) -> list[OutputPacket]:
    """The packets of an output file, read by PyAV's demuxer."""
    import av

    with av.open(str(path), "r") as container:
        stream = container.streams.audio[0]
        assert stream.time_base is not None
        return [
            OutputPacket(hashlib.sha256(bytes(packet)).hexdigest(), float((packet.pts or 0) * stream.time_base * 1000))
            for packet in container.demux(stream)
            if packet.size
        ]


def judge(truth: dict[str, Any], output: Sequence[OutputPacket]) -> Verdict:
    """Hold the packets of an output against the truth."""
    runs = [(part["part"], run) for part in truth["parts"] for run in part["runs"]]
    verdict = Verdict(
        [RunVerdict(part, run["origin"], run["start_ms"], run["stop_ms"], _count(_expected(run))) for part, run in runs]
    )
    where = {
        digest: (number, index)
        for number, (_, run) in enumerate(runs)
        for start, end in _expected(run)
        for index, digest in enumerate(run["packets"]["sha256"][start:end], start)
    }
    assert len(where) == verdict.whole, "two packets of the recording are alike: they cannot be told apart"
    places: list[list[tuple[int, float]]] = [[] for _ in runs]
    hurt = {  # whose bounds were damaged, and that were put together all the same
        digest: run["packet_ms"]
        for _, run in runs
        for digest in run["packets"]["sha256"]
        if digest not in where and not _is_left_out(run)
    }
    overwritten = ("zeroed", "garbage")
    may_be_hurt = sum(fault["fault"].startswith(overwritten) for fault in truth["faults"])
    last: int | None = None
    silence = 0
    played_ms = float("-inf")
    seen: set[str] = set()
    for packet in output:
        played_ms = max(played_ms, packet.time_ms)
        if packet.sha256 in SILENCE:
            silence += 1
            continue
        if packet.sha256 in hurt and packet.sha256 not in seen:
            seen.add(packet.sha256)
            silence += hurt[packet.sha256] // SILENCE_MS
            continue
        if packet.sha256 not in where and packet.sha256 not in seen and verdict.hurt < may_be_hurt:
            seen.add(packet.sha256)
            verdict.hurt += 1
            silence += runs[last or 0][1]["packet_ms"] // SILENCE_MS
            continue
        if packet.sha256 not in where or packet.sha256 in seen:
            verdict.strange += 1
            continue
        seen.add(packet.sha256)
        number, index = where[packet.sha256]
        _note_silence(verdict.runs, last, number, silence * SILENCE_MS)
        verdict.silent += silence
        places[number].append((index, played_ms))
        last, silence = number, 0
    _note_silence(verdict.runs, last, None, silence * SILENCE_MS)
    verdict.silent += silence
    for run_verdict, (_, run), placed in zip(verdict.runs, runs, places, strict=True):
        _judge_run(run_verdict, run, placed)
        verdict.complaints += _complaints(run_verdict)
    if verdict.strange:
        verdict.complaints.append(f"{verdict.strange} packets that are not whole in the input, or are there twice")
    return verdict


def _expected(run: dict[str, Any]) -> list[list[int]]:
    """The packets of a run that belong in the output, as ranges."""
    whole: list[list[int]] = run["whole_packets"]
    return [] if _is_left_out(run) else whole


def _is_left_out(run: dict[str, Any]) -> bool:
    """Whether a run is another recorder's of which the beginning, and with it the header, is not there."""
    whole = run["whole_packets"]
    return run["origin"] == "foreign" and not (whole and whole[0][0] == 0)


def _count(ranges: Iterable[Sequence[int]]) -> int:
    return sum(end - start for start, end in ranges)


def _note_silence(runs: list[RunVerdict], last: int | None, number: int | None, length_ms: float) -> None:
    """Silence between a packet of run `last` and one of `number`; None stands for the ends of the file."""
    if number is not None and number == last:
        runs[number].between_ms += length_ms
    elif last is not None:
        runs[last].after_ms += length_ms
    elif number is not None:
        runs[number].before_ms += length_ms


def _judge_run(verdict: RunVerdict, run: dict[str, Any], placed: Sequence[tuple[int, float]]) -> None:
    times_ms: list[float] = run["packets"]["recorder_ms"]
    verdict.kept = len(placed)
    verdict.disordered = sum(b[0] <= a[0] for a, b in pairwise(placed))
    if placed:
        errors = _errors_ms(times_ms, sorted(placed), one_by_one=run["origin"] == "foreign")
        verdict.misplaced = sum(abs(error) > TOLERANCE_MS for error in errors)
        verdict.worst_ms = max(errors, key=abs)
    whole = [index for start, end in _expected(run) for index in range(start, end)]
    first_ms, last_ms = (times_ms[whole[0]], times_ms[whole[-1]]) if whole else (0.0, 0.0)
    if run["origin"] == "foreign":
        return
    least = most = 0.0
    for lost in run["lost"]:
        if lost["start_ms"] > last_ms:
            least += lost["length_ms"] if lost["noted"] else 0
            most += lost["length_ms"]
        elif lost["start_ms"] > first_ms:
            verdict.lost_between_ms += lost["length_ms"]
        else:
            verdict.lost_before_ms += lost["length_ms"]
    verdict.lost_after_ms = (least, most + STOP_MS if most else 0.0)


def _errors_ms(times_ms: Sequence[float], placed: Sequence[tuple[int, float]], *, one_by_one: bool) -> list[float]:
    """How far each packet is off, from the first; `one_by_one`: from the first of those that follow one another."""
    errors, offset_ms, last = [], 0.0, -1
    for index, at_ms in placed:
        if last < 0 or (one_by_one and index != last + 1):
            offset_ms = at_ms - times_ms[index]
        errors.append(at_ms - times_ms[index] - offset_ms)
        last = index
    return errors


def _complaints(run: RunVerdict) -> list[str]:
    """What is wrong with a run, in words."""
    found = []
    name = f"{run.origin} run of part {run.part}"
    if run.kept != run.whole:
        found.append(f"{name}: {run.kept} of {run.whole} whole packets kept")
    if run.disordered:
        found.append(f"{name}: {run.disordered} packets before one recorded earlier")
    if run.misplaced:
        found.append(f"{name}: {run.misplaced} packets misplaced, the worst by {run.worst_ms:.0f} ms")
    if run.origin == "foreign":
        return found
    if abs(run.between_ms - run.lost_between_ms) > TOLERANCE_MS:
        found.append(f"{name}: {run.between_ms:.0f} ms of silence inside for {run.lost_between_ms:.0f} ms lost")
    if run.origin == "own" and run.whole and abs(run.before_ms - run.lost_before_ms) > TOLERANCE_MS:
        found.append(f"{name}: {run.before_ms:.0f} ms of silence before it for {run.lost_before_ms:.0f} ms lost")
    return found


def complaints_at_the_end(verdict: Verdict) -> list[str]:
    """What is wrong with the silence after each run's last packet."""
    found = []
    for run, after in zip(verdict.runs, [*verdict.runs[1:], None], strict=True):
        least, most = run.lost_after_ms
        restarted = after is not None and after.origin == "again"
        gap_ms = after.start_ms - run.stop_ms if after is not None and after.part != run.part else 0
        low, high = least + gap_ms - TOLERANCE_MS, most + gap_ms + TOLERANCE_MS
        if gap_ms:
            high += STOP_MS
        if restarted:
            high = float("inf")
        if not low <= run.after_ms <= high:
            name = f"{run.origin} run of part {run.part}"
            found.append(f"{name}: {run.after_ms:.0f} ms of silence after it for {max(0, low):.0f} to {high:.0f} ms")
    return found
