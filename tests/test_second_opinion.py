"""A merged recording as FFmpeg, MKVToolNix and webm_info see it: nothing wrong, nothing lost, and seekable."""

from __future__ import annotations

import json
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from second_opinion import (
    JUDGES,
    RATE,
    complaints,
    cue_times_ms,
    decode,
    duration_us,
    find,
    make_noise,
    md5,
    need,
    packets,
    remux,
    seek_landing_us,
    structure,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SESSIONS = ("chrome-1s", "chrome-load", "firefox-pause", "demo")
SILENT_MD5 = {md5(b"\xf8\xff\xfe"), md5(b"\xfc\xff\xfe")}
"""20 ms of silence, mono and stereo: what a hole is filled with."""


@pytest.fixture(params=SESSIONS)
def folder(request: pytest.FixtureRequest, merged_session: Callable[[str], Path]) -> Path:
    return merged_session(request.param)


@pytest.fixture
def audio(folder: Path) -> Path:
    return folder / "audio.webm"


@pytest.mark.parametrize("judge", JUDGES)
def test_no_program_finds_fault(audio: Path, judge: str) -> None:
    assert complaints(judge, audio) == []


@pytest.mark.parametrize("session", SESSIONS)
def test_every_recorded_packet_is_there_in_order_and_the_rest_is_silence(
    session: str, merged_session: Callable[[str], Path], recorded_session: Callable[[str], Path], tmp_path: Path
) -> None:
    recorded = []
    for part in sorted((recorded_session(session) / "chunks").iterdir(), key=lambda folder: int(folder.name)):
        whole = tmp_path / f"{part.name}.webm"
        whole.write_bytes(b"".join(chunk.read_bytes() for chunk in sorted(part.iterdir(), key=lambda c: int(c.stem))))
        recorded += [packet.md5 for packet in packets(whole)]
    assert recorded

    waiting = iter(recorded)
    wanted, added = next(waiting), []
    for packet in packets(merged_session(session) / "audio.webm"):
        if packet.md5 == wanted:
            wanted = next(waiting, "")
        else:
            added.append(packet.md5)

    assert not wanted, f"{1 + len(list(waiting))} of {len(recorded)} recorded packets are missing"
    assert set(added) <= SILENT_MD5


def test_timestamps_are_the_running_sum_of_durations(audio: Path) -> None:
    found = packets(audio)
    sums = accumulate((packet.duration_us for packet in found), initial=found[0].pts_us)
    assert max(abs(packet.pts_us - expected) for packet, expected in zip(found, sums, strict=False)) <= 1000


@pytest.mark.parametrize("decoder", ["opus", "libopus"])
def test_what_is_decoded_is_as_long_as_the_file_says(audio: Path, decoder: str) -> None:
    decoded_us = len(decode(audio, decoder=decoder)) * 1_000_000 // RATE
    assert abs(decoded_us - duration_us(audio)) <= 10_000


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_seek_lands_less_than_5_s_early(audio: Path, share: float) -> None:
    at_us = int(duration_us(audio) * share)
    assert 0 <= at_us - seek_landing_us(audio, at_us) < 5_000_000


def test_what_sounds_after_a_seek_is_what_sounds_there_without(audio: Path) -> None:
    whole, settling_s = decode(audio), 0.1  # a decoder that starts anew needs 80 ms to settle (RFC 7845, section 4.6)
    speaking = np.flatnonzero(np.abs(whole) > 0.1)
    for sample in speaking[[0, len(speaking) // 2, -1]]:
        at_s = max(0, sample / RATE - 0.5)
        heard = decode(audio, start_s=at_s, length_s=settling_s + 1)[round(settling_s * RATE) :]
        expected = round((at_s + settling_s) * RATE)
        place, likeness = find(heard, whole, expected, 5 * RATE)
        assert likeness > 0.99
        assert abs(place - expected) <= RATE // 1000


def test_the_index_stands_in_front_and_every_entry_leads_to_its_cluster(audio: Path) -> None:
    found = structure(audio)
    assert found.end == audio.stat().st_size
    assert 0 < found.cues_position < found.clusters[0][1]
    assert found.frame_types == {"I"}

    inside = found.clusters[0][1] - found.cues[0][1]
    assert 5 <= inside - found.segment_position <= 12  # the Segment's own ID and size
    assert [(time_ms, position + inside) for time_ms, position in found.cues] == list(found.clusters)
    assert max(later - earlier for (earlier, _), (later, _) in pairwise(found.clusters)) <= 5_000


def test_mkvmerge_copies_every_packet(audio: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.webm"
    assert remux(audio, copy) == []
    assert [packet.md5 for packet in packets(copy)] == [packet.md5 for packet in packets(audio)]


def test_both_caption_files_lie_within_the_recording(folder: Path) -> None:
    spoken = json.loads((folder / "transcript.json").read_text())["utterances"]
    starts_ms = [round(u["start_s"] * 1000) for u in spoken if u["start_s"] is not None]
    assert starts_ms
    length_ms = duration_us(folder / "audio.webm") // 1000 + 1
    for name in ("captions.vtt", "captions.srt"):
        cues = cue_times_ms(folder / name)
        assert all(0 <= start < end <= length_ms for start, end in cues)
        assert min(start for start, _ in cues) == min(starts_ms)


def test_a_missing_program_is_a_skipped_test_but_a_failure_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no-such-program"):
        need("no-such-program")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no-such-program"):
        need("no-such-program")


class TestTheJudgesThemselves:
    """A judge that never complains proves nothing: each is shown a damaged copy."""

    @pytest.fixture
    def sound(self, tmp_path: Path) -> bytes:
        file = tmp_path / "noise.webm"
        make_noise(file, length_s=12)
        assert {judge: complaints(judge, file) for judge in JUDGES} == {judge: [] for judge in JUDGES}
        return file.read_bytes()

    @pytest.mark.parametrize("judge", ["webm_info", "mkvinfo", "ffprobe", "ffmpeg"])
    def test_they_notice_a_kilobyte_of_zeroes(self, sound: bytes, judge: str, tmp_path: Path) -> None:
        middle = len(sound) // 2
        damaged = tmp_path / "damaged.webm"
        damaged.write_bytes(sound[:middle] + bytes(1024) + sound[middle + 1024 :])
        assert complaints(judge, damaged)

    @pytest.mark.parametrize("judge", ["ffprobe", "ffmpeg"])
    def test_they_notice_a_file_cut_short(self, sound: bytes, judge: str, tmp_path: Path) -> None:
        cut = tmp_path / "cut.webm"
        cut.write_bytes(sound[: len(sound) * 3 // 4])
        assert complaints(judge, cut)
        assert structure(cut).end != cut.stat().st_size
