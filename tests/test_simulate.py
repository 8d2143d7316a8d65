"""Simulated sessions: the bytes are those of a browser, the truth is true, and the command makes what it says.

What a real browser wrote is the measure where there is a recording of it; PyAV's demuxer reads what was made.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import wave
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessiontool.errors import UsageError
from sessiontool.simulate.simulate import (
    FAULTS,
    ClockError,
    SessionPlan,
    SimulatedStretch,
    damage,
    make_plan,
    record_session,
    simulate_session,
    write_session,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sessiontool.simulate.recorders import SimulatedRun
    from sessiontool.simulate.session import SimulatedRecording

SHORT: dict[str, Any] = {"length_ms": 12_000, "timeslice_ms": 2000, "bit_rate": 24_000}
CLUSTER, SIMPLE_BLOCK, SEGMENT = 0x1F43B675, 0xA3, 0x18538067


@cache
def recorded(recorder: str, **changes: Any) -> SimulatedRecording:
    return record_session(SessionPlan(recorder, **{**SHORT, **changes}))  # type: ignore[arg-type]


def only_run(recorder: str, **changes: Any) -> SimulatedRun:
    (run,) = recorded(recorder, **changes).runs
    return run


def stream(run: SimulatedRun) -> bytes:
    return b"".join(blob.data for blob in run.blobs)


def elements(data: bytes) -> list[tuple[int, int, int, bytes]]:
    """(offset, id, bytes of the size, body) of the elements from the segment's children on, clusters stepped into."""
    found, at = [], 0
    while at < len(data):
        id_bytes = 9 - data[at].bit_length()
        element_id = int.from_bytes(data[at : at + id_bytes], "big")
        size_at = at + id_bytes
        size_bytes = 9 - data[size_at].bit_length()
        body = size_at + size_bytes
        size = int.from_bytes(data[size_at:body], "big") & ((1 << 7 * size_bytes) - 1)
        length = 0 if element_id in (CLUSTER, SEGMENT) else size
        found.append((at, element_id, size_bytes, data[body : body + length]))
        at = body + length
    assert at == len(data)
    return found


def files(folder: Path) -> dict[str, str]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def document(folder: Path, name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((folder / name).read_text())
    return value


class TestLikeABrowser:
    def test_the_header_is_that_of_chrome(self, recorded_session: Callable[[str], Path]) -> None:
        for session, channels in (("chrome-1s", 2), ("chrome-mono", 1)):
            real = next((recorded_session(session) / "chunks").glob("*/000000.webm")).read_bytes()
            made = stream(only_run("chrome", channels=channels))
            assert made[:91] == real[:91]  # then the track's UID
            assert made[98:162] == real[98:162]  # the rest, and the first cluster up to its first block's size
            assert made[91:98] != real[91:98]

    def test_the_header_is_that_of_firefox(self, recorded_session: Callable[[str], Path]) -> None:
        real = next((recorded_session("firefox-pause") / "chunks").glob("*/000000.webm")).read_bytes()
        made = stream(only_run("firefox"))
        assert made[:179] == real[:179]
        assert made[183:276] == real[183:276]
        assert made[179:183] != real[179:183]

    def test_chrome_cuts_one_byte_inside_an_element(self) -> None:
        run = only_run("chrome")
        starts = {offset for offset, *_ in elements(stream(run))}
        assert len(run.blobs) == 6
        assert all(blob.offset - 1 in starts for blob in run.blobs[1:])
        assert all(blob.offset not in starts for blob in run.blobs[1:])

    def test_the_first_block_of_a_chrome_blob_belongs_to_the_cluster_before(self) -> None:
        run = only_run("chrome")
        kinds = [(offset, element_id) for offset, element_id, *_ in elements(stream(run))]
        for blob in run.blobs[1:-1]:
            inside = [element_id for offset, element_id in kinds if blob.offset - 1 <= offset < blob.end - 1]
            assert inside[:2] == [SIMPLE_BLOCK, CLUSTER]
            assert inside.count(CLUSTER) == 1

    def test_chrome_stamps_with_the_wall_clock(self) -> None:
        run = only_run("chrome")
        deltas = [after.time_ms - before.time_ms for before, after in pairwise(run.packets)]
        assert 51 <= min(deltas) < 60 < max(deltas) <= 69
        assert run.packets[0].time_ms == 0
        assert {packet.payload[0] & 3 for packet in run.packets} == {3}
        assert {packet.payload[1] & 0x3F for packet in run.packets} == {3}

    def test_firefox_cuts_at_a_cluster_and_counts_samples(self) -> None:
        run = only_run("firefox")
        found = elements(stream(run))
        clusters = [offset for offset, element_id, *_ in found if element_id == CLUSTER]
        blocks = [(size_bytes, body) for _, element_id, size_bytes, body in found if element_id == SIMPLE_BLOCK]
        assert {blob.offset for blob in run.blobs[1:]} <= set(clusters)
        assert [packet.time_ms for packet in run.packets] == [6 + 20 * n for n in range(len(run.packets))]
        assert {(size_bytes, body[0], body[3], body[4] & 3) for size_bytes, body in blocks} == {(4, 0x82, 0, 0)}
        assert len(clusters) == 12

    @pytest.mark.parametrize(("recorder", "packet_ms"), [("chrome", 60), ("chrome", 20), ("firefox", 20)])
    def test_another_reader_reads_it(self, recorder: str, packet_ms: int) -> None:
        run = only_run(recorder, packet_ms=packet_ms)
        with av.open(io.BytesIO(stream(run)), "r") as container:
            packets = [packet for packet in container.demux(audio=0) if packet.size]
            early = 7 if recorder == "firefox" else 0  # FFmpeg counts from the first sample that is played
            assert [bytes(packet) for packet in packets] == [packet.payload for packet in run.packets]
            assert [packet.pts for packet in packets] == pytest.approx([p.time_ms - early for p in run.packets], abs=1)

    @pytest.mark.parametrize("recorder", ["chrome", "firefox"])
    def test_blobs_come_when_a_browser_hands_them_over(self, recorder: str) -> None:
        run = only_run(recorder)
        for blob in run.blobs[:-1]:
            packet = max((p for p in run.packets if p.end <= blob.end), key=lambda p: p.offset)
            lag_ms = blob.emitted_ms - run.plan.start_ms - packet.start_us / 1000 - run.plan.packet_ms
            assert 54 <= lag_ms <= 72 if recorder == "chrome" else -19 <= lag_ms <= 13
        assert 0 < run.blobs[-1].emitted_ms - run.plan.stop_ms <= 20

    def test_chrome_loses_the_last_packet_that_is_not_full(self) -> None:
        run = only_run("chrome")
        end_ms = run.plan.start_ms + run.packets[-1].start_us / 1000 + 60
        assert 5 <= run.plan.stop_ms - end_ms <= 72


class TestWhatHappensWhileRecording:
    def test_a_pause_is_closed_up_and_moves_the_cuts(self) -> None:
        for recorder in ("chrome", "firefox"):
            run = only_run(recorder, pauses=(SimulatedStretch(5_000, 3_000),))
            steps = [after.time_ms - before.time_ms for before, after in pairwise(run.packets)]
            assert max(steps) < 70
            assert 0 <= 9_000 - (run.packets[-1].start_us / 1000 + run.plan.packet_ms) <= 72
        chrome = only_run("chrome", pauses=(SimulatedStretch(5_000, 3_000),))
        kinds = [(offset, element_id) for offset, element_id, *_ in elements(stream(chrome))]
        before_cluster = [
            [element_id for offset, element_id in kinds if blob.offset - 1 <= offset < blob.end - 1].index(CLUSTER)
            for blob in chrome.blobs[1:-1]
        ]
        assert max(before_cluster) > 10

    def test_dropped_sound_shows_in_chromes_times_alone(self) -> None:
        starved = (SimulatedStretch(5_000, 700),)
        steps = {
            recorder: max(b.time_ms - a.time_ms for a, b in pairwise(only_run(recorder, starved=starved).packets))
            for recorder in ("chrome", "firefox")
        }
        assert 700 <= steps["chrome"] <= 770
        assert steps["firefox"] == 20
        firefox = only_run("firefox", starved=starved)
        lags = [
            blob.emitted_ms - firefox.plan.start_ms - max(p.time_ms for p in firefox.packets if p.end <= blob.end)
            for blob in firefox.blobs[:-1]
        ]
        assert lags[-1] - lags[0] == pytest.approx(700, abs=30)

    def test_a_busy_page_puts_many_blocks_before_a_cluster(self) -> None:
        run = only_run("chrome", busy=(SimulatedStretch(3_000, 2_500),))
        ids = [(offset, element_id) for offset, element_id, *_ in elements(stream(run))]
        most = 0
        for blob in run.blobs[1:]:
            inside = [element_id for offset, element_id in ids if blob.offset - 1 <= offset < blob.end - 1]
            most = max(most, inside.index(CLUSTER) if CLUSTER in inside else len(inside))
        assert most >= 10
        assert [packet.time_ms for packet in run.packets][-1] == pytest.approx(11_900, abs=70)

    def test_parts_lie_a_gap_apart(self) -> None:
        first, second = recorded("chrome", parts=2, gap_ms=900).runs
        assert second.plan.start_ms - first.plan.stop_ms == 900
        assert stream(second).startswith(b"\x1a\x45\xdf\xa3")
        assert second.packets[0].time_ms == 0

    def test_the_log_is_off_by_what_was_asked_for(self, tmp_path: Path) -> None:
        recording = recorded("chrome", clock_error=ClockError(offset_ms=300, drift_ppm=2000))
        write_session(damage(recording), tmp_path / "s")
        true = {spoken["id"]: spoken for spoken in document(tmp_path / "s", "truth.json")["utterances"]}
        lines = [json.loads(line) for line in (tmp_path / "s" / "utterances.jsonl").read_text().splitlines()]
        assert len(lines) >= 2
        for line in lines:
            start_s = true[line["id"]]["session_start_s"]
            assert line["t_start"] - start_s == pytest.approx(0.3 + 0.002 * start_s, abs=0.001)

    @pytest.mark.parametrize("recorder", ["chrome", "firefox"])
    def test_utterances_sound_where_the_truth_says(self, recorder: str) -> None:
        """Decoded by PyAV: each channel is loud from an utterance's start to its end, and nearly still just outside."""
        recording = recorded(recorder, sound="tones", bit_rate=64_000)
        with av.open(io.BytesIO(stream(recording.runs[0])), "r") as container:
            sound = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)
        spoken = damage(recording).truth()["utterances"]
        assert len(spoken) >= 2
        for utterance in spoken:
            channel = np.abs(sound[("user", "assistant").index(utterance["role"])])
            start, end = (round(utterance[name] * 48_000) for name in ("start_s", "end_s"))
            ten_ms = 480
            assert channel[start + ten_ms : end - ten_ms].reshape(-1)[:ten_ms].max() > 0.03
            assert channel[end - 2 * ten_ms : end - ten_ms].max() > 0.03
            assert channel[start - 2 * ten_ms : start - ten_ms].max() < 0.01
            assert channel[end + ten_ms : end + 2 * ten_ms].max() < 0.01


class TestFaults:
    @pytest.mark.parametrize("name", FAULTS)
    def test_each_fault_is_done_as_it_says(self, name: str, tmp_path: Path) -> None:
        recording = recorded("chrome")
        write_session(damage(recording), tmp_path / "before")
        text = f"{name}:2" if ":CHUNK" in FAULTS[name].arguments else name
        write_session(damage(recording, [text]), tmp_path / "after")
        before, after = (
            {p.name: p.read_bytes() for p in (tmp_path / s / "chunks" / "000").iterdir()} for s in ("before", "after")
        )
        assert (before, document(tmp_path / "before", "session.json")) != (
            after,
            {**document(tmp_path / "after", "session.json"), "session_id": "before"},
        )
        truth = document(tmp_path / "after", "truth.json")
        assert [fault["fault"] for fault in truth["faults"]] == [text]
        assert {chunk["key"] for chunk in truth["parts"][0]["chunks"]} == {f"chunks/000/{key}" for key in after}

    def test_a_missing_chunk_is_gone_and_noted(self, tmp_path: Path) -> None:
        write_session(damage(recorded("chrome"), ["missing:2"]), tmp_path / "s")
        assert not (tmp_path / "s/chunks/000/000002.webm").exists()
        assert [c["seq"] for c in document(tmp_path / "s", "session.json")["parts"][0]["chunks"]] == [0, 1, 2, 3, 4, 5]
        (lost,) = document(tmp_path / "s", "truth.json")["parts"][0]["runs"][0]["lost"]
        assert (lost["blob"], lost["cause"], lost["noted"]) == (2, ["missing:2"], True)
        assert lost["length_ms"] == pytest.approx(2000, abs=61)

    def test_numbers_that_lie_show_nothing(self, tmp_path: Path) -> None:
        write_session(damage(recorded("chrome"), ["renumbered:2"]), tmp_path / "s")
        keys = sorted(path.name for path in (tmp_path / "s/chunks/000").iterdir())
        assert keys == [f"{n:06d}.webm" for n in range(5)]
        for noted in document(tmp_path / "s", "session.json")["parts"][0]["chunks"]:
            data = (tmp_path / f"s/chunks/000/{noted['seq']:06d}.webm").read_bytes()
            assert (noted["bytes"], noted["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())

    def test_a_recorder_begun_anew_brings_a_header_of_its_own(self, tmp_path: Path) -> None:
        write_session(damage(recorded("firefox"), ["second-header:3"]), tmp_path / "s")
        first, second = (tmp_path / f"s/chunks/000/00000{n}.webm" for n in (0, 3))
        assert first.read_bytes()[:179] == second.read_bytes()[:179]
        assert first.read_bytes()[:183] != second.read_bytes()[:183]

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(
        recorder=st.sampled_from(["chrome", "firefox"]),
        faults=st.lists(
            st.one_of(
                st.builds("missing:{}".format, st.integers(0, 5)),
                st.builds("truncated:{}:{}".format, st.integers(0, 5), st.integers(0, 6000)),
                st.builds("zeroed:{}:{}:{}".format, st.integers(0, 5), st.integers(1, 900), st.integers(0, 6000)),
                st.builds("garbage:{}:{}:{}".format, st.integers(0, 5), st.integers(1, 900), st.integers(0, 6000)),
                st.builds("swapped:{}".format, st.integers(0, 5)),
                st.builds("duplicate:{}".format, st.integers(0, 5)),
            ),
            min_size=1,
            max_size=4,
        ),
    )
    def test_whole_packets_are_those_whose_bytes_are_still_there(self, recorder: str, faults: list[str]) -> None:
        """Looked up as bytes: a whole packet's element, without its id, is in an upload; that of another is in none."""
        recording = recorded(recorder)
        try:
            session = damage(recording, faults)
        except UsageError:  # a fault at a chunk that an earlier one took away
            return
        run = recording.runs[0]
        written = stream(run)
        (truth,) = session.truth()["parts"][0]["runs"]
        whole = {index for start, end in truth["whole_packets"] for index in range(start, end)}
        stored = [upload for upload in session.parts["000"].uploads if upload.stored]
        uploads = [upload.data for upload in stored]
        last_byte_altered = {
            run.blobs[upload.index].end
            for upload in stored
            if any(end == len(run.blobs[upload.index].data) for _, end in upload.altered)
        }
        for index, packet in enumerate(run.packets):
            after_id = written[packet.offset + 1 : packet.end]
            element = written[packet.offset : packet.end]
            cut = any(blob.offset == packet.offset + 1 for blob in run.blobs)
            if index in whole:
                assert any(after_id in data for data in uploads)
            elif not cut:
                assert not any(element in data for data in uploads)
            else:  # its id is the last byte of the blob before, and other there
                there = any(data.startswith(after_id) for data in uploads)
                assert not there or packet.offset + 1 in last_byte_altered

    def test_losses_and_whole_packets_fill_the_time(self) -> None:
        session = damage(recorded("chrome"), ["missing:1", "truncated:3:0.3", "zeroed:4"])
        (run,) = session.truth()["parts"][0]["runs"]
        kept = sum(end - start for start, end in run["whole_packets"])
        assert sum(lost["packets"] for lost in run["lost"]) + kept == len(run["packets"]["sha256"])
        assert sum(lost["length_ms"] for lost in run["lost"]) + kept * 60 == len(run["packets"]["sha256"]) * 60

    @pytest.mark.parametrize(
        ("faults", "words"),
        [
            (["explode:1"], "there is no fault 'explode'"),
            (["missing:9"], "no chunk 9"),
            (["missing:2", "truncated:2"], "no chunk 2"),
            (["missing:7/2"], "no part 7"),
            (["missing:two"], "no place for a fault"),
            (["second-header:0"], "started anew"),
            (["manifest-wrong:1:colour"], "no place for a fault"),
        ],
    )
    def test_faults_that_make_no_sense(self, faults: list[str], words: str) -> None:
        with pytest.raises(UsageError, match=words) as caught:
            damage(recorded("chrome"), faults)
        assert caught.value.hint

    def test_a_place_that_is_not_given_is_chosen_by_the_seed(self) -> None:
        places = {
            seed: damage(recorded("chrome"), ["missing"], seed).truth()["faults"][0]["seqs"][0] for seed in range(12)
        }
        assert len(set(places.values())) > 2
        assert set(places.values()) <= {1, 2, 3, 4}
        assert places[3] == damage(recorded("chrome"), ["missing"], 3).truth()["faults"][0]["seqs"][0]


class TestMaking:
    @pytest.mark.parametrize("recorder", ["chrome", "firefox"])
    def test_the_same_seed_gives_the_same_bytes(self, recorder: str, tmp_path: Path) -> None:
        faults = ["foreign:1", "missing", "zeroed", "garbage", "second-header:4"]
        made = []
        for place, seed in (("a", 7), ("b", 7), ("c", 8)):
            plan = SessionPlan(recorder, seed=seed, **SHORT)  # type: ignore[arg-type]
            simulate_session(str(tmp_path / place / "s"), plan, faults)
            made.append(files(tmp_path / place))
        assert made[0] == made[1]
        assert made[0] != made[2]

    def test_a_sound_file_is_what_is_recorded(self, tmp_path: Path) -> None:
        rng = np.random.default_rng(3)
        sound = (np.repeat(rng.integers(0, 2, 40), 4410)[:, None] * rng.normal(0, 4000, (176_400, 1))).astype("<i2")
        with wave.open(str(tmp_path / "in.wav"), "wb") as file:
            file.setparams((1, 2, 44_100, 0, "NONE", ""))
            file.writeframes(sound.tobytes())
        plan = SessionPlan("firefox", length_ms=4000, sound=tmp_path / "in.wav", channels=1)
        (run,) = record_session(plan).runs
        with av.open(io.BytesIO(stream(run)), "r") as container:
            heard = np.concatenate([frame.to_ndarray() for frame in container.decode(audio=0)], axis=1)[0]
        loud = np.sqrt(np.mean(np.square(heard[: 39 * 4800].reshape(39, 4800)), axis=1)) > 0.04
        assert loud.tolist() == (np.abs(sound[:, 0].reshape(40, 4410)).max(axis=1) > 0).tolist()[:39]

    def test_after_the_end_of_a_file_there_is_silence(self, tmp_path: Path) -> None:
        with wave.open(str(tmp_path / "in.wav"), "wb") as file:
            file.setparams((2, 2, 48_000, 0, "NONE", ""))
            file.writeframes(bytes(4 * 48_000))
        plan = SessionPlan("firefox", length_ms=3000, sound=tmp_path / "in.wav", parts=2, gap_ms=100)
        assert [len(run.packets) for run in record_session(plan).runs] == [73, 73]

    @pytest.mark.parametrize(
        "wrong",
        [
            {"recorder": "safari"},
            {"parts": 0},
            {"parts": 200},
            {"channels": 6},
            {"packet_ms": 10},
            {"bit_rate": 1},
            {"timeslice_ms": 0},
            {"seed": -1},
        ],
    )
    def test_settings_that_make_no_sense(self, wrong: dict[str, Any]) -> None:
        with pytest.raises(UsageError) as caught:
            record_session(SessionPlan(**wrong))
        assert caught.value.hint

    @pytest.mark.parametrize("text", ["5", "5:", "a:b", "0:1", "5:-1", "5:nan", "1:2:3"])
    def test_stretches_that_make_no_sense(self, text: str) -> None:
        with pytest.raises(UsageError, match=r"^--pause "):
            make_plan(seconds=10, source=None, tones=False, pauses=[text], starved=[], busy=[])

    def test_a_failure_leaves_nothing_behind(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        session = damage(recorded("chrome"))
        session.parts["000"].uploads[3].data = None  # type: ignore[assignment]
        with pytest.raises(TypeError):
            write_session(session, tmp_path / "s")
        assert list(tmp_path.iterdir()) == []


def run_command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "sessiontool", *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


class TestCommand:
    @pytest.mark.parametrize(
        "wrong", ["--recorder=safari", "--parts=0", "--frame-ms=10", "--bitrate=1", "--barge-ins=-1"]
    )
    def test_a_wrong_option_is_named_as_it_was_typed(self, tmp_path: Path, wrong: str) -> None:
        done = run_command("simulate", tmp_path / "s", wrong)
        assert done.returncode == 2
        assert done.stderr.startswith(f"error: {wrong.replace('=', ' cannot be ')}\n")

    def test_it_makes_a_session_that_merges(self, tmp_path: Path) -> None:
        made = run_command("simulate", tmp_path / "store/s", "--seconds", "8", "--fault", "missing:1", "--tones")
        assert (made.returncode, made.stderr) == (0, "")
        assert "missing:1" in made.stdout
        merged = run_command("merge", "s", "--store", tmp_path / "store", "--json")
        assert merged.returncode == 0, merged.stderr
        (session,) = json.loads(merged.stdout)["sessions"]
        assert ("chunk-missing", 1) in [(f["code"], f.get("seq")) for f in session["report"]["findings"]]

    def test_it_overwrites_nothing(self, tmp_path: Path) -> None:
        (tmp_path / "s").mkdir()
        done = run_command("simulate", tmp_path / "s")
        assert (done.returncode, done.stdout) == (2, "")
        assert "exists already" in done.stderr
        assert list((tmp_path / "s").iterdir()) == []

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--fault", "explode"], ["explode", *FAULTS]),
            (["--recorder", "safari"], ["safari", "firefox"]),
            (["--sound", "no-such-file.wav"], ["no-such-file.wav"]),
            (["--sound", "x.wav", "--tones"], ["not both"]),
            (["--seconds", "0"], ["0.2"]),
        ],
    )
    def test_what_is_wrong_is_said(self, arguments: list[str], words: list[str], tmp_path: Path) -> None:
        done = run_command("simulate", tmp_path / "s", *arguments)
        assert done.returncode in (2, 3)
        assert done.stderr.startswith("error: ")
        assert "\nhint: " in done.stderr
        assert all(word in done.stderr for word in words)
        assert list(tmp_path.iterdir()) == []

    def test_the_faults_are_listed(self) -> None:
        done = run_command("simulate", "--list-faults")
        lines = done.stdout.splitlines()
        assert [line.split(":")[0].split("[")[0].split()[0] for line in lines] == list(FAULTS)
        assert all(fault.summary in line for fault, line in zip(FAULTS.values(), lines, strict=True))
