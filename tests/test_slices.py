"""Recordings in slices, each a complete file: one clock, holes of their true length, and what two share, once."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import format_faults
import numpy as np
import pytest
from recorder_page import stereo
from recordings import chrome, cluster, firefox, live_header, payloads, simple_block
from typer.testing import CliRunner

from sessiontool import MergeOptions, merge
from sessiontool.cli import app
from sessiontool.errors import SessionToolError
from sessiontool.media.matroska.demuxer import WebmDemuxer
from sessiontool.sessions.encode_once import write_encoded

if TYPE_CHECKING:
    from collections.abc import Sequence

PACKETS = 80
PACKET_MS = 60
LENGTH_MS = PACKETS * PACKET_MS
PAUSE_MS = 25
FORMS = ("parts", "one part")


@dataclass
class Sliced:
    """A session of complete files: their packets, and when each recorder was started."""

    folder: Path
    packets: list[list[bytes]] = field(default_factory=list)
    starts_ms: list[float] = field(default_factory=list)

    def merged(self) -> tuple[Any, list[bytes]]:
        """The report, and the packets of the result."""
        result = merge(self.folder.name, store=self.folder.parent, options=MergeOptions(force=True))
        data = (Path(result.location) / "audio.webm").read_bytes()
        reader = WebmDemuxer()
        runs = [*reader.feed(data), *reader.flush()]
        return result.report, [payload for run in runs for payload in run.payloads]

    def place_ms(self, report: Any, number: int, packets: Sequence[bytes]) -> float:
        """Where the first packet of a slice is in the result, by the lengths of those before it."""
        index = packets.index(self.packets[number][0])
        lengths = [20 if len(packet) == 3 else PACKET_MS for packet in packets[:index]]
        return sum(lengths)


def sliced(
    folder: Path, form: str, count: int = 5, *, noted: bool = True, lost: Sequence[int] = (), shared_ms: int = 0
) -> Sliced:
    """A session of `count` slices, of which some are `lost`, and each shares its beginning with the one before."""
    made = Sliced(folder)
    parts: list[Any] = []
    for number in range(count):
        whole = chrome(PACKETS, seed=number)
        start_ms = 1000 + number * (LENGTH_MS + PAUSE_MS - shared_ms)
        made.packets.append([block.payload for block in whole.blocks])
        made.starts_ms.append(start_ms)
        note = {"seq": number, "bytes": len(whole.data), "emitted_ms": start_ms + LENGTH_MS + PAUSE_MS - 1}
        part = {"part": number, "start_ms": start_ms, "stop_ms": start_ms + LENGTH_MS + 5}
        parts.append({**part, "chunks": [{**note, "seq": 0 if form == "parts" else number}]})
        key = f"{number:03}/000000.webm" if form == "parts" else f"000/{number:06}.webm"
        if number not in lost:
            path = folder / "chunks" / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(whole.data)
    if form == "one part":
        chunks = [chunk for part in parts for chunk in part["chunks"]]
        parts = [{"part": 0, "start_ms": 1000, "stop_ms": parts[-1]["stop_ms"], "chunks": chunks}]
    if noted:
        (folder / "session.json").write_text(json.dumps({"session_id": folder.name, "parts": parts}))
    return made


def codes(report: Any) -> list[str]:
    return [finding["code"] for finding in report["findings"] if finding["code"] != "no-utterances"]


def assert_verified(store: Path) -> None:
    result = CliRunner().invoke(app, ["verify", "s", "--store", str(store)])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("form", FORMS)
def test_slices_are_one_recording_on_one_clock(tmp_path: Path, form: str) -> None:
    session = sliced(tmp_path / "s", form)
    report, packets = session.merged()
    assert report["status"] == "complete"
    assert codes(report) == ["recording-in-slices"]
    assert len(report["parts"]) == 1
    assert [packet for packet in packets if len(packet) > 3] == [one for row in session.packets for one in row]
    for number, start_ms in enumerate(session.starts_ms):
        assert session.place_ms(report, number, packets) == pytest.approx(start_ms - 1000, abs=25)
    clocks = [span[f"{clock}_ms"] for span in report["timeline"] for clock in ("recorder", "session")]
    assert {round(b[0] - a[0]) for a, b in zip(clocks[::2], clocks[1::2], strict=True)} == {1000}
    assert_verified(tmp_path)


def test_what_no_silence_fills_between_slices_does_not_add_up(tmp_path: Path) -> None:
    """25 ms between two slices are filled with 20: forty of them were 195 ms off."""
    session = sliced(tmp_path / "s", "one part", count=40)
    report, packets = session.merged()
    for number, start_ms in enumerate(session.starts_ms):
        assert session.place_ms(report, number, packets) == pytest.approx(start_ms - 1000, abs=25)
    assert report["duration_s"] * 1000 == pytest.approx(session.starts_ms[-1] - 1000 + LENGTH_MS, abs=25)
    assert_verified(tmp_path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("noted", [True, False])
def test_a_lost_slice_is_as_long_as_its_neighbours(tmp_path: Path, form: str, noted: bool) -> None:
    session = sliced(tmp_path / "s", form, noted=noted, lost=[2])
    report, packets = session.merged()
    assert report["status"] == "partial"
    assert codes(report).count("chunk-missing") == 1
    assert [packet for packet in packets if len(packet) > 3] == [
        one for number, row in enumerate(session.packets) for one in row if number != 2
    ]
    hole_ms = session.place_ms(report, 3, packets) - session.place_ms(report, 1, packets) - LENGTH_MS
    assert hole_ms == pytest.approx(LENGTH_MS, abs=2 * PAUSE_MS + 40)
    assert sum(finding.get("lost_ms", 0) for finding in report["findings"]) == pytest.approx(hole_ms, abs=40)


@pytest.mark.parametrize("form", FORMS)
def test_the_first_and_the_last_slice_are_lost(tmp_path: Path, form: str) -> None:
    session = sliced(tmp_path / "s", form, count=6, lost=[0, 5])
    report, packets = session.merged()
    assert codes(report).count("chunk-missing") == 2
    assert session.place_ms(report, 1, packets) == pytest.approx(LENGTH_MS + PAUSE_MS, abs=25)
    assert report["duration_s"] * 1000 == pytest.approx(6 * LENGTH_MS + 5 * PAUSE_MS, abs=80)


@pytest.mark.parametrize("form", FORMS)
def test_what_two_slices_share_is_joined_once(tmp_path: Path, form: str) -> None:
    session = sliced(tmp_path / "s", form, shared_ms=1000)
    report, packets = session.merged()
    assert codes(report).count("slices-overlap") == 1
    assert "parts-overlap" not in codes(report)
    assert report["duration_s"] * 1000 == pytest.approx(session.starts_ms[-1] - 1000 + LENGTH_MS, abs=40)
    for row in session.packets:
        kept = [packet for packet in row if packet in packets]
        assert row[-len(kept) :] == kept
        assert len(kept) >= PACKETS - 18
    for chunk in report["chunks"]:
        kinds = ("payload_bytes", "structure_bytes", "damaged_bytes", "set_aside_bytes")
        assert sum(chunk[kind] for kind in kinds) == chunk["bytes"]
    assert sum(chunk["set_aside_bytes"] for chunk in report["chunks"]) > 0
    assert_verified(tmp_path)


@pytest.mark.parametrize(("off_ms", "packet_ms"), [(-90, 20), (90, 20), (90, 60)])
def test_what_two_slices_share_is_cut_where_their_sound_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off_ms: int, packet_ms: int
) -> None:
    """Notes that are 90 ms late doubled a syllable at each seam, or lost it; what a packet had too much added up."""
    monkeypatch.setattr("sessiontool.sessions.encode_once._PACKET_MS", packet_ms)
    sound = format_faults.voiced(48_000 * 9, 1, 1).astype("f4")[None] / 2
    parts = []
    for number in range(4):
        folder = tmp_path / "s" / "chunks" / f"{number:03}"
        folder.mkdir(parents=True)
        at_ms = 2000 * number
        with (folder / "000000.webm").open("wb") as out:
            write_encoded([sound[:, 48 * at_ms : 48 * (at_ms + 3000)]], 1, io.BytesIO(), out, "Chrome")
        late_ms = 1000 + at_ms + off_ms * (number % 2)
        parts.append({"part": number, "start_ms": late_ms, "stop_ms": late_ms + 3005})
    (tmp_path / "s" / "session.json").write_text(json.dumps({"session_id": "s", "parts": parts}))
    report = merge("s", store=tmp_path).report
    (finding,) = [one for one in report["findings"] if one["code"] == "slices-overlap"]
    assert "the sound was compared at 3 seam(s)" in finding["message"]
    assert report["duration_s"] == pytest.approx(9, abs=0.05)
    heard = stereo((tmp_path / "s" / "merged" / "audio.webm").read_bytes())[:, 0]
    for at in range(24_000, 48_000 * 8, 24_000):  # the sound is at its place, to a packet
        piece = sound[0, at : at + 9600]
        near = heard[at - 4800 : at + 14_400]
        found = int(np.argmax(np.correlate(near, piece, "valid"))) - 4800
        assert abs(found) <= 2000, at
    assert_verified(tmp_path)


def test_purge_keeps_slices_of_which_something_was_left_out(tmp_path: Path) -> None:
    for name, shared_ms in (("overlapping", 1000), ("plain", 0)):
        sliced(tmp_path / name, "one part", shared_ms=shared_ms).merged()
        options = [
            "--store",
            str(tmp_path),
            "--chunks-after",
            "0",
            "--yes",
            "--receipt",
            str(tmp_path / f"{name}.json"),
        ]
        CliRunner().invoke(app, ["purge", name, *options])
    assert len(list((tmp_path / "overlapping").rglob("chunks/**/*.webm"))) == 5
    assert not list((tmp_path / "plain").rglob("chunks/**/*.webm"))


def test_slices_whose_names_were_mixed_up_are_sorted_by_what_was_noted(tmp_path: Path) -> None:
    session = sliced(tmp_path / "s", "one part")
    a, b = (tmp_path / "s" / "chunks" / "000" / f"{number:06}.webm" for number in (1, 3))
    first, second = a.read_bytes(), b.read_bytes()
    assert len(first) != len(second)
    a.write_bytes(second)
    b.write_bytes(first)
    report, packets = session.merged()
    assert [packet for packet in packets if len(packet) > 3] == [one for row in session.packets for one in row]
    assert codes(report).count("chunk-out-of-order") == 2


@pytest.mark.parametrize("how", ["changed places", "closed up", "twice"])
def test_each_slice_is_held_against_its_own_note(tmp_path: Path, how: str) -> None:
    """Two slices of the same size, and numbers that moved: one was left out, and others were called damaged."""
    session = sliced(tmp_path / "s", "one part", count=7)
    folder = tmp_path / "s" / "chunks" / "000"
    stored = [path.read_bytes() for path in sorted(folder.iterdir())]
    size = max(map(len, stored)) + 2
    stored = [data + b"\xec" + bytes((0x80 | size - len(data) - 2,)) + bytes(size - len(data) - 2) for data in stored]
    stored[4] += b"\xec\x80"
    document = json.loads((tmp_path / "s" / "session.json").read_text())
    for note, data in zip(document["parts"][0]["chunks"], stored, strict=True):
        note["bytes"] = len(data)
    a, b, c = stored[3:6]
    stored[3:6] = {"changed places": [b, a, c], "closed up": [a, c], "twice": [a, a, b, c]}[how]
    (folder / "000006.webm").unlink()
    for number, data in enumerate(stored):
        (folder / f"{number:06}.webm").write_bytes(data)
    (tmp_path / "s" / "session.json").write_text(json.dumps(document))
    report, packets = session.merged()
    there = [number for number in range(7) if number != 4 or how != "closed up"]
    assert [packet for packet in packets if len(packet) > 3] == [one for n in there for one in session.packets[n]]
    for number in there:
        assert session.place_ms(report, number, packets) == pytest.approx(session.starts_ms[number] - 1000, abs=25)
    assert not {"chunk-size", "chunk-truncated", "slices-overlap", "part-empty"} & {*codes(report)}
    assert_verified(tmp_path)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("damage", ["cut", "zeroes", "header"])
def test_a_hurt_slice_moves_no_other(tmp_path: Path, form: str, damage: str) -> None:
    session = sliced(tmp_path / "s", form)
    path = sorted((tmp_path / "s" / "chunks").rglob("*.webm"))[2]
    data = path.read_bytes()
    spoiled = {
        "cut": data[: len(data) // 2],
        "zeroes": data[:1000] + bytes(300) + data[1300:],
        "header": bytes(60) + data[60:],
    }[damage]
    path.write_bytes(spoiled)
    report, packets = session.merged()
    whole = [packet for row in session.packets for packet in row if packet in spoiled or row is not session.packets[2]]
    own = set(whole)
    assert [packet for packet in packets if packet in own] == whole
    for number in (3, 4):
        assert session.place_ms(report, number, packets) == pytest.approx(session.starts_ms[number] - 1000, abs=25)
    assert report["status"] != "complete"


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("noted", [True, False])
@pytest.mark.parametrize(("side", "cut", "left"), [("beginning", 30, 31), ("end", 50, 49)])
def test_what_is_cut_off_a_slice_is_as_long_as_it_was(
    tmp_path: Path, form: str, noted: bool, side: str, cut: int, left: int
) -> None:
    """Its packets stood at the slice's start where its beginning was cut off, and the others too early."""
    session = sliced(tmp_path / "s", form, noted=noted)
    path = sorted((tmp_path / "s" / "chunks").rglob("*.webm"))[2]
    whole = path.read_bytes()
    at = whole.index(session.packets[2][cut])
    path.write_bytes(whole[at + 7 :] if side == "beginning" else whole[: at + 7])
    report, packets = session.merged()
    assert report["status"] == "partial"
    assert "sound-lost" in codes(report)
    before = packets[: packets.index(session.packets[2][left])]
    at_ms = sum(20 if len(packet) == 3 else PACKET_MS for packet in before)
    between_ms = PAUSE_MS if noted else 0
    assert at_ms == pytest.approx(2 * (LENGTH_MS + between_ms) + left * PACKET_MS, abs=25)
    assert session.place_ms(report, 4, packets) == pytest.approx(4 * (LENGTH_MS + between_ms), abs=25)


def test_hundreds_of_slices_have_a_short_summary(tmp_path: Path) -> None:
    sliced(tmp_path / "s", "parts", count=720, lost=[7, 300])
    result = CliRunner().invoke(app, ["merge", "s", "--store", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert len(result.stdout.splitlines()) <= 20


STARVED_MS = (0, 72, 128, 185, 242, 306, 362, 428, 488, 621, 724, 983, 1126, 1461, 1715, 1861)
"""Times of the packets that a busy Chromium 156 had of two seconds; measured."""


def test_slices_of_a_busy_page_overlap_no_other(tmp_path: Path) -> None:
    """By the length of their sound they began a second late, and what came next was taken for recorded twice."""
    rows, chunks = [], []
    folder = tmp_path / "s" / "chunks" / "0"
    folder.mkdir(parents=True)
    for number in range(7):
        times_ms = STARVED_MS if number % 3 else range(0, 1980, PACKET_MS)
        rows.append(payloads(len(times_ms), toc=0xFF, sizes=(20, 40), seed=number))
        blocks = (simple_block(one, time_ms) for one, time_ms in zip(rows[-1], times_ms, strict=True))
        data = live_header() + cluster(0) + b"".join(blocks)
        (folder / f"{number}.webm").write_bytes(data)
        chunks.append({"seq": number, "bytes": len(data), "emitted_ms": 1000 + 2003 * (number + 1)})
    part = {"part": 0, "start_ms": 1000, "stop_ms": chunks[-1]["emitted_ms"], "chunks": chunks}
    (tmp_path / "s/session.json").write_text(json.dumps({"session_id": "s", "parts": [part]}))
    report, packets = Sliced(tmp_path / "s").merged()
    assert [packet for packet in packets if len(packet) > 3] == [one for row in rows for one in row]
    assert "slices-overlap" not in codes(report)
    assert report["duration_s"] * 1000 == pytest.approx(2003 * 7, abs=PACKET_MS)


def test_two_complete_files_are_no_slices(tmp_path: Path) -> None:
    report, _ = sliced(tmp_path / "s", "one part", count=2).merged()
    assert "recorder-restarted" in codes(report)


def test_parts_with_a_break_between_them_stay_parts(tmp_path: Path) -> None:
    folder = tmp_path / "s"
    parts = []
    for number in range(4):
        path = folder / "chunks" / f"{number:03}" / "000000.webm"
        path.parent.mkdir(parents=True)
        path.write_bytes(firefox(200, seed=number).data)
        parts.append({"part": number, "start_ms": number * 9000, "stop_ms": number * 9000 + 4000})
    (folder / "session.json").write_text(json.dumps({"session_id": "s", "parts": parts}))
    report = merge("s", store=tmp_path).report
    assert len(report["parts"]) == 4
    assert codes(report).count("part-gap") == 3


def test_slices_of_nothing_are_refused(tmp_path: Path) -> None:
    sliced(tmp_path / "s", "parts")
    for path in (tmp_path / "s" / "chunks").rglob("*.webm"):
        path.write_bytes(b"<html>")
    with pytest.raises(SessionToolError):
        merge("s", store=tmp_path)


@pytest.mark.parametrize("what", ["empty", "random bytes"])
def test_a_slice_without_sound_between_others_is_lost_for_as_long_as_they_last(tmp_path: Path, what: str) -> None:
    """Each recorder writes a header at least: what follows was five seconds early, and of an empty one not a word."""
    session = sliced(tmp_path / "s", "one part", noted=False)
    path = tmp_path / "s/chunks/000/000002.webm"
    path.write_bytes(b"" if what == "empty" else live_header() + Random(1).randbytes(3000))
    report, packets = session.merged()
    assert report["status"] == "partial"
    assert "sound-lost" in codes(report)
    assert session.place_ms(report, 3, packets) == pytest.approx(3 * LENGTH_MS, abs=PACKET_MS)


def test_empty_chunks_at_the_end_of_slices_are_no_loss(tmp_path: Path) -> None:
    session = sliced(tmp_path / "s", "one part", noted=False)
    (tmp_path / "s/chunks/000/000005.webm").write_bytes(b"")
    report, _ = session.merged()
    assert set(codes(report)) == {"chunks-empty", "recording-in-slices"}


def test_empty_chunks_after_each_slice_are_no_loss(tmp_path: Path) -> None:
    session = sliced(tmp_path / "s", "one part", noted=False)
    folder = tmp_path / "s/chunks/000"
    for number in reversed(range(5)):
        (folder / f"{number:06}.webm").rename(folder / f"{2 * number:06}.webm")
        (folder / f"{2 * number + 1:06}.webm").write_bytes(b"")
    report, packets = session.merged()
    assert set(codes(report)) == {"chunks-empty", "recording-in-slices"}
    assert session.place_ms(report, 3, packets) == 3 * LENGTH_MS
