"""The recorder and the mirror of events that the pages show, in a real Chromium: what they upload can be merged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import av
import numpy as np
import pytest
from browsers import Site
from doc_examples import PROJECT, examples
from second_opinion import need

from sessiontool import MergeResult, merge

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE_S = 40
TONE_HZ = 440
RATE = 48_000
BLOCK = RATE // 50

PAGE = """<!doctype html><script type="module">
RECORDER
MIRROR
class Channel extends EventTarget {
  send(data) {
    const answer = { type: "session.updated", event_id: "event_1", session: JSON.parse(data).session };
    setTimeout(() => this.dispatchEvent(new MessageEvent("message", { data: JSON.stringify(answer) })), 50);
  }
}
const post = (path, body) => fetch(path, { method: "POST", body });
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
try {
  const context = new AudioContext();
  const assistant = context.createMediaStreamDestination();
  const tone = new OscillatorNode(context, { frequency: 440 });
  tone.connect(assistant);
  const microphone = await navigator.mediaDevices.getUserMedia({ audio: true });
  const upload = (key, blob) => post(`/store/${key}`, blob);
  const recording = await record({ sessionId: "s1", microphone, assistant: assistant.stream, upload, timeslice: 500 });
  const [channel, lines] = [new Channel(), []];
  mirror(channel, recording.clock, (line) => lines.push(line));
  channel.send(JSON.stringify({ type: "session.update", session: { type: "realtime", instructions: "Be brief." } }));
  await wait(800);
  const start = recording.clock();
  tone.start();
  await wait(1200);
  const said = { id: "u1", role: "assistant", text: "Beep.", t_start: start / 1000 };
  tone.stop();
  said.t_end = recording.clock() / 1000;
  await wait(300);
  recording.pause();
  await wait(400);
  recording.resume();
  await wait(300);
  await recording.nextPart();
  await wait(1000);
  await upload("s1/events.jsonl", lines.join(""));
  await recording.finish([said]);
  await post("/done", "");
} catch (error) {
  await post("/failed", `${error} ${error.stack}`);
}
</script>"""

FLAGS = """
headless no-sandbox disable-gpu disable-dev-shm-usage autoplay-policy=no-user-gesture-required no-first-run
use-fake-device-for-media-stream use-fake-ui-for-media-stream disable-background-networking disable-component-update
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with what the page uploaded."""
    folder = tmp_path_factory.mktemp("uploaded")
    recorder = next(one.printed for one in examples(PROJECT / "samples" / "README.md") if one.name == "recorder.js")
    mirror = next(one.printed for one in examples(PROJECT / "docs" / "events.md") if one.name == "mirror.js")
    site = Site({"/page.html": PAGE.replace("RECORDER", recorder).replace("MIRROR", mirror).encode()})
    with site.open() as address, tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        argv = [need("chromium", "chromium-browser", "google-chrome"), *(f"--{flag}" for flag in FLAGS.split())]
        with (Path(profile) / "log").open("wb") as log:
            argv += [f"--user-data-dir={profile}", f"{address}/page.html"]
            browser = subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=os.environ | {"HOME": profile},
            )
        try:
            for path, body in uploads(site):
                place = folder / path.removeprefix("/store/")
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(body)
        finally:
            os.killpg(browser.pid, signal.SIGKILL)
            browser.wait()
    return folder


def uploads(site: Site) -> Iterator[tuple[str, bytes]]:
    """What the page posts, until it says that it is done."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        path, body = site.reports.get(timeout=max(0.0, deadline - time.monotonic()))
        assert path != "/failed", body.decode()
        if path == "/done":
            return
        yield path, body


@pytest.fixture(scope="module")
def result(store: Path) -> MergeResult:
    return merge("s1", store=store)


def test_what_it_notes_is_what_it_uploads(store: Path) -> None:
    session = json.loads((store / "s1" / "session.json").read_text())
    assert [part["part"] for part in session["parts"]] == [0, 1]
    for part in session["parts"]:
        assert len(part["chunks"]) > 1
        assert part["start_ms"] < part["chunks"][0]["emitted_ms"] < part["stop_ms"]
        for chunk in part["chunks"]:
            assert (store / f"s1/chunks/{part['part']}/{chunk['seq']}.webm").stat().st_size == chunk["bytes"]
    (pause,) = session["parts"][0]["pauses"]
    assert pause["end_ms"] - pause["start_ms"] == pytest.approx(400, abs=200)


def test_it_is_merged_without_complaint(result: MergeResult) -> None:
    assert [part["recorder"] for part in result.report["parts"]] == ["Chrome", "Chrome"]
    assert {chunk["verdict"] for chunk in result.report["chunks"]} <= {"ok", "empty"}
    assert not [finding for finding in result.findings if finding["severity"] == "error"]


def test_the_utterance_is_where_the_tone_is_and_the_tone_is_on_the_right(result: MergeResult) -> None:
    with av.open(f"{result.location}/audio.webm", "r") as container:
        planes = [frame.to_ndarray() for frame in container.decode(audio=0)]
    sound = np.concatenate(planes, axis=1)
    blocks = sound[:, : sound.shape[1] // BLOCK * BLOCK].reshape(2, -1, BLOCK)
    tone = np.exp(-2j * np.pi * TONE_HZ * np.arange(BLOCK) / RATE)
    left, right = np.abs(blocks @ tone) * 2 / BLOCK
    sounding = np.flatnonzero(right > 0.5)
    start_s, end_s = sounding[0] * BLOCK / RATE, (sounding[-1] + 1) * BLOCK / RATE
    assert end_s - start_s == pytest.approx(1.2, abs=0.25)
    assert np.median(left[sounding]) < 0.1  # but for the beeps of the microphone, which is none
    (said,) = result.transcript["utterances"]
    assert said["speaker"] == "Assistant"
    assert said["start_s"] == pytest.approx(start_s, abs=0.2)
    assert said["end_s"] == pytest.approx(end_s, abs=0.2)


def test_events_are_mirrored_with_the_session_clock(store: Path, result: MergeResult) -> None:
    lines = [json.loads(line) for line in (store / "s1" / "events.jsonl").read_text().splitlines()]
    assert [(line["from"], line["event"]["type"]) for line in lines] == [
        ("client", "session.update"),
        ("server", "session.updated"),
    ]
    told = result.report["realtime"]["sessions"][0]
    assert 40 < lines[1]["t_ms"] - lines[0]["t_ms"] == pytest.approx(told["latency_ms"], abs=0.1)
    assert [note["text"] for note in result.transcript["notes"]] == ["Be brief."]
