"""Files that ffmpeg's segmenters cut from a recording, complete each: their times go on, or begin anew."""

from __future__ import annotations

import subprocess
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from recordings import recorded
from second_opinion import need, packets

from sessiontool import MergeOptions, merge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from second_opinion import Packet

SEGMENTS = {
    "webm": ("webm", "-segment_format", "webm"),
    "webm, from zero": ("webm", "-segment_format", "webm", "-reset_timestamps", "1"),
    "matroska": ("mka", "-segment_format", "matroska"),
    "matroska, live": ("mka", "-segment_format", "matroska", "-segment_format_options", "live=1"),
    "ogg": ("ogg", "-segment_format", "ogg"),
    "mp4": ("mp4", "-segment_format", "mp4"),
    "mp4 in fragments": (
        *("mp4", "-segment_format", "mp4"),
        *("-segment_format_options", "movflags=frag_keyframe+empty_moov"),
    ),
}
ON_ONE_CLOCK = ("webm", "matroska, live")
SECONDS = 2


def segments(folder: Path, form: str, *more: str) -> tuple[list[bytes], list[Packet]]:
    """What ffmpeg cuts a recording of Chrome into, and the packets of all of it."""
    folder.mkdir()
    source, (ending, *options) = folder / "source.webm", SEGMENTS[form]
    source.write_bytes(recorded("chrome-1s").data)
    argv = [need("ffmpeg"), "-v", "error", "-i", source, "-c", "copy", "-f", "segment", "-segment_time", SECONDS]
    subprocess.run([*map(str, argv), *options, *more, str(folder / f"%06d.{ending}")], check=True, timeout=60)
    return [path.read_bytes() for path in sorted(folder.glob(f"0*.{ending}"))], packets(source)


def merged(folder: Path, files: dict[int, bytes], ending: str) -> tuple[Any, list[Packet]]:
    """The report, and the packets of the result."""
    chunks = folder / "s" / "chunks" / "000"
    chunks.mkdir(parents=True)
    for number, data in files.items():
        (chunks / f"{number:06}.{ending}").write_bytes(data)
    result = merge("s", store=folder, options=MergeOptions(align=False))
    return result.report, packets(Path(result.location) / "audio.webm")


def in_place(truth: Sequence[Packet], found: Sequence[Packet]) -> tuple[int, int]:
    """How many of the true packets are there, and how far the most misplaced one is from its place, in ms."""
    count, times = Counter(one.md5 for one in truth), {one.md5: one.pts_us for one in found}
    there = sum((count & Counter(one.md5 for one in found)).values())
    offs = sorted(times[one.md5] - one.pts_us for one in truth if count[one.md5] == 1 and one.md5 in times)
    middle = offs[len(offs) // 2]
    return there, max(offs[-1] - middle, middle - offs[0]) // 1000


def codes(report: Any) -> set[str]:
    return {finding["code"] for finding in report["findings"]} - {"no-utterances", "recording-in-slices"}


@pytest.mark.parametrize("form", SEGMENTS)
def test_segments_are_joined_to_what_they_were_cut_from(tmp_path: Path, form: str) -> None:
    files, truth = segments(tmp_path / "cut", form)
    report, found = merged(tmp_path, dict(enumerate(files)), SEGMENTS[form][0])
    there, off_ms = in_place(truth, found)
    assert there == len(truth)
    assert off_ms <= 25
    assert not codes(report) - {"time-lost"}
    assert report["status"] == ("complete" if form in ON_ONE_CLOCK or form == "matroska" else "repaired")


@pytest.mark.parametrize("zero_s", [36_000, 1_764_000_000])
def test_a_clock_that_did_not_begin_with_the_recording_has_lost_nothing(tmp_path: Path, zero_s: int) -> None:
    """As where ffmpeg keeps the times of a stream, or of the day: no hours of silence."""
    files, truth = segments(tmp_path / "cut", "webm", "-output_ts_offset", str(zero_s))
    report, found = merged(tmp_path, dict(enumerate(files)), "webm")
    there, off_ms = in_place(truth, found)
    assert there == len(truth)
    assert off_ms <= 25
    assert found[-1].pts_us < 60_000_000
    assert not codes(report) - {"time-lost"}


def _without(*gone: int) -> Callable[[list[bytes]], dict[int, bytes]]:
    return lambda files: {number: data for number, data in enumerate(files) if number not in gone}


def _closed_up(files: list[bytes]) -> dict[int, bytes]:
    return dict(enumerate([*files[:5], *files[7:]]))


def _exchanged(files: list[bytes]) -> dict[int, bytes]:
    return dict(enumerate([*files[:4], files[5], files[4], *files[6:]]))


def _cut(files: list[bytes]) -> dict[int, bytes]:
    return dict(enumerate([*files[:4], files[4][: len(files[4]) // 3], *files[5:]]))


FAULTS: dict[str, tuple[Callable[[list[bytes]], dict[int, bytes]], list[int], set[str]]] = {
    "one lost": (_without(5), [5], {"chunk-missing", "sound-lost"}),
    "the first lost": (_without(0), [0], {"chunk-missing", "sound-lost"}),
    "two lost and numbered on": (_closed_up, [5, 6], {"chunk-missing", "sound-lost"}),
    "exchanged": (_exchanged, [], {"chunk-out-of-order"}),
    "cut": (_cut, [4], {"chunk-truncated", "sound-lost"}),
    "two are left": (lambda files: dict(enumerate(files[:2])), [], set()),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("form", ON_ONE_CLOCK)
def test_their_clock_says_what_is_lost_and_where_each_belongs(tmp_path: Path, form: str, fault: str) -> None:
    files, truth = segments(tmp_path / "cut", form)
    damage, lost, expected = FAULTS[fault]
    left = damage(files)
    report, found = merged(tmp_path, left, SEGMENTS[form][0])
    (tmp_path / "one").mkdir()
    for number, data in enumerate(files):
        (tmp_path / "one" / f"{number}.{SEGMENTS[form][0]}").write_bytes(data)
    in_each = [{one.md5 for one in packets(tmp_path / "one" / f"{n}.{SEGMENTS[form][0]}")} for n in range(len(files))]
    kept = [n for n in range(len(files)) if n not in lost and any(files[n] == data for data in left.values())]
    undamaged = [one for one in truth if any(one.md5 in in_each[n] for n in kept)]
    there, off_ms = in_place(undamaged, found)
    assert there == len(undamaged)
    assert off_ms <= 25
    assert codes(report) - {"time-lost"} == expected
    lost_ms = sum(finding["lost_ms"] for finding in report["findings"] if finding["code"] == "sound-lost")
    expected_s = SECONDS * 2 / 3 if fault == "cut" else SECONDS * len(lost)
    assert lost_ms / 1000 == pytest.approx(expected_s, abs=0.1)
