"""Sessions over a WebSocket, whose events carry the sound: made into a recording, against the truth of their making."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from recorder_page import ASSISTANT, SCRIPT, clip, stereo
from second_opinion import RATE
from websocket_logs import WebsocketLog, burst, coded, conversation

from sessiontool import MergeOptions, merge
from sessiontool.errors import RecordingError
from sessiontool.sessions.merge import merge_session
from sessiontool.storage import Limits, open_store

if TYPE_CHECKING:
    from pathlib import Path

    from second_opinion import Sound

WITHIN_MS = 20.0
LOUD = 0.02
BLOCK = RATE // 1000  # samples of a millisecond


def session_of(store: Path, log: WebsocketLog, *, timed: bool = True, pieces: int = 1) -> Path:
    folder = store / "s1"
    text = log.text(timed=timed)
    if pieces == 1:
        folder.mkdir(parents=True)
        (folder / "events.jsonl").write_text(text)
    else:
        (folder / "events").mkdir(parents=True)
        lines = text.splitlines(keepends=True)
        for number in range(pieces):
            part = lines[number * len(lines) // pieces : (number + 1) * len(lines) // pieces]
            (folder / "events" / f"{number}.jsonl").write_text("".join(part))
    return store


def made(store: Path, target: Path, **options: Any) -> tuple[dict[str, Any], Sound, float]:
    """The report, the sound, and where on the session clock it begins, in ms."""
    result = merge("s1", store=store, output=target, options=MergeOptions(align=False, **options))
    report: Any = result.report
    start_ms = report["timeline"][0]["session_ms"][0]
    return report, stereo((target / "s1" / "audio.webm").read_bytes()), start_ms


def bursts_ms(track: Sound) -> list[tuple[float, float]]:
    """The stretches in which a channel sounds, in ms; pauses of less than 60 ms do not count."""
    size = len(track) // BLOCK
    loud = np.flatnonzero(np.abs(track[: size * BLOCK].reshape(size, BLOCK)).max(axis=1) > LOUD)
    breaks = np.flatnonzero(np.diff(loud) > 60)
    starts, ends = loud[np.r_[0, breaks + 1]], loud[np.r_[breaks, len(loud) - 1]] + 1
    return [(float(a), float(b)) for a, b in zip(starts, ends, strict=True)]


def joined(heard: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Stretches that follow one another without a pause are one."""
    found: list[tuple[float, float]] = []
    for start, end in sorted(heard):
        if found and start - found[-1][1] < 60:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def assert_heard(sound: Sound, start_ms: float, log: WebsocketLog) -> None:
    for channel, role in enumerate(("user", "assistant")):
        truth = joined(log.heard[role])
        found = [(a + start_ms, b + start_ms) for a, b in bursts_ms(sound[:, channel])]
        assert len(found) == len(truth), (role, found, truth)
        for one, wanted in zip(found, truth, strict=True):
            assert abs(one[0] - wanted[0]) <= WITHIN_MS, (role, found, truth)
            assert abs(one[1] - one[0] - (wanted[1] - wanted[0])) <= WITHIN_MS, (role, found, truth)


@pytest.mark.parametrize(
    ("codec", "rate", "named"),
    [
        ("pcm", 24_000, True),
        ("pcm", 16_000, True),
        ("pcm", 24_000, False),
        ("pcmu", 8_000, True),
        ("pcma", 8_000, True),
    ],
)
def test_what_was_heard_is_where_it_was_heard(codec: str, rate: int, named: bool, tmp_path: Path) -> None:
    log = conversation(WebsocketLog(codec, rate, seed=rate, named=named))
    report, sound, start_ms = made(session_of(tmp_path / "in", log), tmp_path / "out")
    assert_heard(sound, start_ms, log)
    (finding,) = [one for one in report["findings"] if one["code"] == "made-from-events"]
    assert finding["severity"] == "info"
    assert f"{rate:,} Hz" in finding["message"]
    assert "3.5 s of it generated and not heard" in finding["message"]
    assert report["status"] == "complete"
    assert report["parts"] == [{"part": "000", "recorder": "Realtime over WebSocket"}]


def test_a_log_in_pieces_gives_the_same(tmp_path: Path) -> None:
    log = conversation(WebsocketLog())
    whole, *_ = made(session_of(tmp_path / "a", log), tmp_path / "out1")
    pieces, *_ = made(session_of(tmp_path / "b", log, pieces=7), tmp_path / "out2")
    assert whole["outputs"][0] == pieces["outputs"][0]


def test_without_times_the_input_is_the_clock(tmp_path: Path) -> None:
    log = conversation(WebsocketLog())
    _, sound, start_ms = made(session_of(tmp_path / "in", log, timed=False), tmp_path / "out")
    own = replace(log, heard={"user": log.heard["user"], "assistant": []}, lines=[])
    found = bursts_ms(sound[:, 0])
    assert [round(a + start_ms) for a, _ in found] == pytest.approx([a for a, _ in own.heard["user"]], abs=WITHIN_MS)
    assert len(bursts_ms(sound[:, 1])) == 3


def test_a_microphone_that_was_off_leaves_its_pause(tmp_path: Path) -> None:
    log = WebsocketLog()
    log.microphone(6.0, [(1.0, 2.0)])
    log.microphone(6.0, [(1.0, 2.0)], from_ms=16_000.0)
    log.answer("a", 3000.0, 1.0)
    report, sound, start_ms = made(session_of(tmp_path / "in", log), tmp_path / "out")
    assert_heard(sound, start_ms, log)
    assert any("1 interruptions" in one["message"] for one in report["findings"])


def test_two_clocks_that_run_apart(tmp_path: Path) -> None:
    log = WebsocketLog()
    log.microphone(120.0, [(float(at), at + 1.0) for at in range(2, 118, 10)])
    apart = 2e-4
    log.lines = [(t_ms * (1 + apart), event) for t_ms, event in log.lines]
    log.heard["user"] = [(a * (1 + apart), b * (1 + apart)) for a, b in log.heard["user"]]
    _, sound, start_ms = made(session_of(tmp_path / "in", log), tmp_path / "out")
    found = [a + start_ms for a, _ in bursts_ms(sound[:, 0])]
    assert found == pytest.approx([a for a, _ in log.heard["user"]], abs=2 * WITHIN_MS)


def test_what_a_client_says_it_played_is_what_was_heard(tmp_path: Path) -> None:
    log = WebsocketLog()
    log.microphone(12.0, [(1.0, 2.0)])
    log.answer("a", 3000.0, 6.0)
    for ms in (500, 1500, 2500):
        log.add(3000.0 + ms, {"type": "playback.played", "item_id": "a", "ms": ms})
    log.heard["assistant"] = [(3000.0, 5500.0)]
    _, sound, start_ms = made(session_of(tmp_path / "in", log), tmp_path / "out")
    assert_heard(sound, start_ms, log)


def test_a_cleared_buffer_ends_all_that_waits_in_it(tmp_path: Path) -> None:
    log = WebsocketLog()
    log.microphone(16.0, [(1.0, 2.0)])
    log.answer("a", 3000.0, 6.0)
    log.add(5000.0, {"type": "output_audio_buffer.cleared", "response_id": "r_a"})
    log.heard["assistant"] = [(3000.0, 5000.0)]
    log.answer("b", 9000.0, 1.0)
    _, sound, start_ms = made(session_of(tmp_path / "in", log), tmp_path / "out")
    assert_heard(sound, start_ms, log)


def test_captions_are_found_in_what_was_made(tmp_path: Path) -> None:
    log, text = WebsocketLog(), SCRIPT["assistant"][1]
    sound = clip(ASSISTANT, text)[::2].astype(np.float64)
    log.microphone(12.0, [])
    log.play("a", 3000.0, sound)
    log.add(3900.0, {"type": "response.output_audio_transcript.done", "item_id": "a", "transcript": text})
    result = merge("s1", store=session_of(tmp_path / "in", log), output=tmp_path / "out")
    (utterance,) = result.transcript["utterances"]
    start_ms = result.report["timeline"][0]["session_ms"][0]
    assert utterance["start_s"] == pytest.approx((3000.0 - start_ms) / 1000, abs=0.06)
    assert utterance["end_s"] == pytest.approx((3000.0 - start_ms + len(sound) / 24) / 1000, abs=0.06)
    assert text.split()[-1] in (tmp_path / "out" / "s1" / "captions.vtt").read_text()


def test_events_without_sound_are_no_recording(tmp_path: Path) -> None:
    log = WebsocketLog()
    log.lines = log.lines[:1]
    with pytest.raises(RecordingError, match="has no chunks"):
        made(session_of(tmp_path / "in", log), tmp_path / "out")


def test_sound_of_one_side_alone_is_a_doubt(tmp_path: Path) -> None:
    log = WebsocketLog()
    log.microphone(4.0, [(1.0, 2.0)])
    report, *_ = made(session_of(tmp_path / "in", log), tmp_path / "out")
    (finding,) = [one for one in report["findings"] if one["code"] == "made-from-events"]
    assert finding["severity"] == "warning"
    assert "no sound of assistant" in finding["message"]


def test_sound_that_is_no_base64_is_left_out_and_named(tmp_path: Path) -> None:
    log = conversation(WebsocketLog())
    store = session_of(tmp_path / "in", log)
    path = store / "s1" / "events.jsonl"
    lines = path.read_text().splitlines()
    place = next(at for at, line in enumerate(lines) if "append" in line)
    broken = json.loads(lines[place])
    broken["event"]["audio"] = "*" + broken["event"]["audio"][1:]
    lines[place] = json.dumps(broken)
    path.write_text("\n".join(lines))
    report, *_ = made(store, tmp_path / "out")
    assert "events-invalid" in [one["code"] for one in report["findings"]]


_MEASURE = """
import resource, sys
from sessiontool.events import read_events
from sessiontool.realtime.sound import RECEIVED, SENT
from tempfile import TemporaryFile
with open(sys.argv[1], "rb") as file, TemporaryFile() as sent, TemporaryFile() as received:
    log = read_events(file, "events.jsonl", sound={SENT: sent, RECEIVED: received})
print(log.events, sum(len(lane.pieces) for lane in log.heard), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_an_event_with_sound_takes_little_memory(tmp_path: Path) -> None:
    """An hour has a fifth of a million of them; each was half a kilobyte."""

    def peak_kib(count: int) -> int:
        path = tmp_path / f"{count}.jsonl"
        data = base64.b64encode(bytes(40)).decode()
        with path.open("w") as file:
            for number in range(count // 2):
                sent = {"type": "input_audio_buffer.append", "event_id": f"e{number}", "audio": data}
                made = {"type": "response.output_audio.delta", "item_id": f"i{number // 500}", "delta": data}
                file.writelines(json.dumps({"t_ms": number * 20 + 0.1, "event": one}) + "\n" for one in (sent, made))
        arguments = [sys.executable, "-c", _MEASURE, str(path)]
        done = subprocess.run(arguments, capture_output=True, text=True, check=True)
        events, pieces, kib = map(int, done.stdout.split())
        assert events == count
        assert pieces < count  # those that go on where the last one ends are one
        return kib

    assert (peak_kib(60_000) - peak_kib(10_000)) * 1024 / 50_000 < 350  # bytes an event


def test_a_long_recording_is_in_several_chunks_that_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = conversation(WebsocketLog())
    whole, *_ = made(session_of(tmp_path / "a", log), tmp_path / "out1")
    monkeypatch.setattr("sessiontool.sessions.made_recording._CHUNK_BYTES", 20_000)
    cut, *_ = made(session_of(tmp_path / "b", log), tmp_path / "out2")
    assert len(cut["chunks"]) > 5
    assert cut["outputs"][0] == whole["outputs"][0]
    assert cut["status"] == "complete"


def test_a_log_in_lines_may_be_of_any_size_and_a_list_may_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = conversation(WebsocketLog())
    store = session_of(tmp_path / "in", log)
    small = Limits(document_bytes=1000)
    monkeypatch.setattr("sessiontool.realtime.lines._MOST_HELD_BYTES", 1000)
    with open_store(str(store), limits=small) as opened:
        result = merge_session(opened, "s1", opened.target("s1"), MergeOptions(align=False))
        assert result.status == "complete"
        assert "document-too-large" not in {one.code for one in result.findings}
        path = store / "s1" / "events.jsonl"
        path.write_text("[\n" + ",\n".join(path.read_text().splitlines()) + "\n]")
        with pytest.raises(RecordingError, match="one value of more than 1,000 bytes") as caught:
            merge_session(opened, "s1", opened.target("s1"), MergeOptions(align=False))
    assert "JSON Lines" in caught.value.hint


# -- telephones


def frames(track: str | None, sound: Any, from_ms: int) -> list[tuple[float, dict[str, Any]]]:
    """Messages of a media stream, 20 ms each; those without a track are sent to be played, as fast as can be."""
    data, found = coded(sound, "pcmu"), []
    for number, first in enumerate(range(0, len(data), 160)):
        at_ms = from_ms + 20 * number
        media: dict[str, Any] = {"payload": base64.b64encode(data[first : first + 160]).decode()}
        media |= {"track": track, "chunk": str(number + 1), "timestamp": str(at_ms)} if track else {}
        message = {"event": "media", "sequenceNumber": str(number), "streamSid": "MZ1", "media": media}
        found.append((float(at_ms + 60 if track else from_ms + number), message))
    return found


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_telephone_call(shuffled: bool, tmp_path: Path) -> None:
    chance = np.random.default_rng(3)
    caller = np.zeros(8000 * 12)
    caller[8000 : 8000 * 3] = burst(chance, 2.0, 8000)
    lines = frames("inbound", caller, 0) + frames(None, burst(chance, 3.0, 8000), 4000)
    lines += [(6000.0, {"event": "clear", "streamSid": "MZ1"})]
    lines += frames(None, burst(chance, 1.0, 8000), 9000)
    lines.sort(key=lambda line: line[0])
    if shuffled:  # some networks deliver frames out of order
        lines = [lines[at ^ 1] if at ^ 1 < len(lines) else lines[at] for at in range(len(lines))]
    form = {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1}
    start = {"event": "start", "streamSid": "MZ1", "start": {"mediaFormat": form, "tracks": ["inbound"]}}
    folder = tmp_path / "in" / "s1"
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text(
        "".join(json.dumps({"t_ms": at, **message}) + "\n" for at, message in [(0.0, start), *lines])
    )
    report, sound, start_ms = made(tmp_path / "in", tmp_path / "out")
    log = WebsocketLog()
    log.heard = {"user": [(1000.0, 3000.0)], "assistant": [(4000.0, 6000.0), (9000.0, 10_000.0)]}
    if not shuffled:
        assert_heard(sound, start_ms, log)
    else:  # what was shuffled of the sound to be played is played so
        assert [round(a + start_ms) for a, _ in bursts_ms(sound[:, 0])] == pytest.approx([1000], abs=WITHIN_MS)
    assert "mulaw at 8,000 Hz" in next(
        one["message"] for one in report["findings"] if one["code"] == "made-from-events"
    )
