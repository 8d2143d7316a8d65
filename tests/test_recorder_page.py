"""The recorder sample from end to end: page, server and S3 are real, and what comes out is merged and measured.

Every blob that a MediaRecorder handed out must be in the result, and every caption where its words sound.
"""

from __future__ import annotations

import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from chromium import Chromium
from realtime_peer import API_KEY, run_realtime_api
from recorder_page import WITNESS, run_ingest, speech
from recorder_scene import (
    FINISHED,
    START_S,
    UPLOAD_S,
    UPLOADS,
    Uploaded,
    again_where_starved,
    assert_blobs_are_in,
    assert_captions_are_where_words_sound,
    begin,
    converse,
    end,
    witnessed,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chromium import Page
    from faultproxy import FaultProxy
    from recorder_page import Ingest

    from sessiontool import MergeResult

TIMESLICE_S = 5.0


@dataclass
class Scene(Uploaded):
    """A Chromium in front of a server in front of a store."""

    ingest: Ingest
    browser: Chromium

    def open(self, query: str = "") -> Page:
        """The page in another tab."""
        return self.browser.open(f"{self.ingest.url}/{query}", WITNESS)

    def restart(self, lines: range) -> None:
        """Kill the browser, and start it again with another microphone and what it had kept on disk."""
        self.browser.close()
        self.browser = Chromium(self.tmp / "profile", speech(self.tmp / "microphone.wav", lines))

    def end(self) -> None:
        self.browser.close()


@contextmanager
def on_stage(tmp: Path, store: str, client: Any, lines: range, **settings: str) -> Iterator[Scene]:
    """Server and browser, with a user who says these lines of the script."""
    with ExitStack() as stack:
        ingest = stack.enter_context(run_ingest(store, **settings))
        browser = Chromium(tmp / "profile", speech(tmp / "microphone.wav", lines))
        scene = Scene(tmp, store, client, ingest, browser)
        stack.callback(scene.end)
        yield scene


# -- what happens to recordings


@again_where_starved
def test_a_conversation_and_everything_sent_twice(tmp_path: Path, s3_url: str, s3_client: Any) -> None:
    with on_stage(tmp_path, s3_url, s3_client, range(2)) as scene:
        page = scene.open()
        session = begin(page)
        converse(page, 1, turns=2)
        end(page)
        before = scene.objects(session)
        for key, body in before.items():
            kind = "audio/webm" if key.endswith(".webm") else "application/json"
            assert scene.ingest.put(f"{session}/{key}", body, kind) == (201 if key == "session.json" else 200)
            if key != "session.json":
                assert scene.ingest.put(f"{session}/{key}", body + b"!", kind) == 409
        assert scene.objects(session) == before
        quiet = [note["role"] for note in scene.document(session)["notes"] if note["kind"] == "lane-silent"]
        assert "assistant" in quiet  # it listens for more than three seconds
        result = scene.merge(session)
        assert result.report["status"] == "complete"
        assert_blobs_are_in(scene, result, witnessed(page))
        assert_captions_are_where_words_sound(result, lines=[0, 1])


@again_where_starved
def test_a_killed_tab_is_opened_again(tmp_path: Path, s3_url: str, s3_client: Any) -> None:
    with on_stage(tmp_path, s3_url, s3_client, range(1)) as scene:
        first = scene.open()
        session = begin(first)
        converse(first, 0, turns=1)
        killed_s = time.time()
        scene.restart(range(1, 2))
        again = scene.open("?line=1")
        assert begin(again, "Continue") == session
        converse(again, 1, turns=1)
        end(again)
        result = scene.merge(session)
        assert [part["part"] for part in scene.document(session)["parts"]] == [0, 1]
        assert_blobs_are_in(scene, result, witnessed(first, again))
        assert_captions_are_where_words_sound(result, lines=[0, 1])
        assert missing_at_s(scene, result, killed_s) < TIMESLICE_S + 0.5


def missing_at_s(scene: Scene, result: MergeResult, killed_s: float) -> float:
    """How much of the first part is missing before the moment at which its page was killed."""
    started_s = datetime.fromisoformat(scene.document(result.session_id)["started_at"]).timestamp()
    ends = [span["session_ms"][1] for span in result.report["timeline"] if span.get("part") == "000"]
    return float(killed_s - started_s - max(ends) / 1000)


@pytest.mark.slow
@again_where_starved
def test_a_while_offline(tmp_path: Path, s3_url: str, s3_client: Any) -> None:
    with on_stage(tmp_path, s3_url, s3_client, range(2)) as scene:
        page = scene.open()
        session = begin(page)
        time.sleep(4)
        page.set_offline(True)
        page.wait_for(f"parseInt({UPLOADS}) >= 3", UPLOAD_S)
        assert len([key for key in scene.objects(session) if key.startswith("chunks/")]) <= 1
        page.set_offline(False)
        page.wait_for(f"{UPLOADS} === 'everything is uploaded'", UPLOAD_S)
        converse(page, 1, turns=2)
        end(page)
        result = scene.merge(session)
        assert_blobs_are_in(scene, result, witnessed(page))
        assert_captions_are_where_words_sound(result, lines=[0, 1])


@pytest.mark.slow
@again_where_starved
def test_a_store_that_is_busy_while_all_is_recorded(
    tmp_path: Path, s3_url: str, fault_proxy: FaultProxy, s3_client: Any
) -> None:
    with on_stage(tmp_path, s3_url, s3_client, range(2)) as scene:
        page = scene.open()
        session = begin(page)
        time.sleep(3)
        fault_proxy.break_down()
        converse(page, 1, turns=2)
        page.click("stop")
        assert "503" in page.evaluate(UPLOADS)
        assert not [key for key in scene.objects(session) if key.startswith("chunks/")]
        fault_proxy.faults.clear()
        page.wait_for(FINISHED, UPLOAD_S)
        result = scene.merge(session)
        assert_blobs_are_in(scene, result, witnessed(page))
        assert_captions_are_where_words_sound(result, lines=[0, 1])


@pytest.mark.slow
@again_where_starved
def test_a_reload_in_the_middle(tmp_path: Path, s3_url: str, s3_client: Any) -> None:
    with on_stage(tmp_path, s3_url, s3_client, range(1)) as scene:
        page = scene.open()
        session = begin(page)
        converse(page, 0, turns=1)
        reloaded_s = time.time()
        page.reload()
        assert begin(page, "Continue") == session
        converse(page, 0, turns=1)
        end(page)
        result = scene.merge(session)
        assert_blobs_are_in(scene, result, witnessed(page))
        assert_captions_are_where_words_sound(result, lines=[0, 0])
        assert missing_at_s(scene, result, reloaded_s) < TIMESLICE_S + 0.5


@pytest.mark.slow
@again_where_starved
def test_a_second_realtime_session_takes_over(tmp_path: Path, s3_url: str, s3_client: Any) -> None:
    settings = {"DEMO_SESSION_S": "24", "ROLLOVER_LEAD_S": "12"}
    with on_stage(tmp_path, s3_url, s3_client, range(3), **settings) as scene:
        page = scene.open()
        session = begin(page)
        converse(page, 2, turns=3)
        end(page)
        result = scene.merge(session)
        ids = [one["id"] for one in scene.document(session)["realtime_sessions"]]
        assert len(ids) >= 2
        assert [one["id"] for one in result.report["realtime"]["sessions"]] == ids
        assert "realtime-rollover" in scene.notes(session)
        assert len(result.report["parts"]) == 1
        assert_blobs_are_in(scene, result, witnessed(page))
        assert_captions_are_where_words_sound(result, lines=range(3))


@pytest.mark.slow
@again_where_starved
def test_a_model_behind_the_network(tmp_path: Path, s3_url: str, s3_client: Any) -> None:
    """With a key, through the same calls as to the real API: a short-lived key, SDP over HTTP, WebRTC."""
    with run_realtime_api() as base:
        settings = {"OPENAI_API_KEY": API_KEY, "OPENAI_BASE_URL": base}
        with on_stage(tmp_path, s3_url, s3_client, range(2), **settings) as scene:
            page = scene.open()
            session = begin(page)
            converse(page, 1, turns=2)
            end(page)
            result = scene.merge(session)
            assert [one["id"] for one in result.report["realtime"]["sessions"]] == ["sess_local"]
            assert_blobs_are_in(scene, result, witnessed(page))
            assert_captions_are_where_words_sound(result, lines=[0, 1])


@pytest.mark.slow
@again_where_starved
def test_a_pause(tmp_path: Path, s3_url: str, s3_client: Any) -> None:
    with on_stage(tmp_path, s3_url, s3_client, range(2)) as scene:
        page = scene.open()
        session = begin(page)
        converse(page, 0, turns=1)
        page.click("pause")
        time.sleep(0.3)
        page.click("pause")
        converse(page, 1, turns=2)
        end(page)
        result = scene.merge(session)
        ((pause,),) = [part["pauses"] for part in scene.document(session)["parts"]]
        assert 300 <= pause["end_ms"] - pause["start_ms"] < 1500
        assert_blobs_are_in(scene, result, witnessed(page))
        assert_captions_are_where_words_sound(result, lines=[0, 1])


@pytest.mark.slow
@again_where_starved
def test_a_recorder_that_stops_by_itself(tmp_path: Path, s3_url: str, s3_client: Any) -> None:
    with on_stage(tmp_path, s3_url, s3_client, range(2)) as scene:
        page = scene.open()
        session = begin(page)
        converse(page, 0, turns=1)
        page.evaluate("recorders.at(-1).stop()")
        converse(page, 1, turns=2)
        end(page)
        result = scene.merge(session)
        first, second = scene.document(session)["parts"]
        assert 0 <= second["start_ms"] - first["stop_ms"] < 1000
        assert_blobs_are_in(scene, result, witnessed(page))
        assert_captions_are_where_words_sound(result, lines=[0, 1])


@pytest.mark.slow
@again_where_starved
def test_a_microphone_that_goes_away(tmp_path: Path, s3_url: str, s3_client: Any) -> None:
    """The next one takes its place in the same part, and in the call."""
    with on_stage(tmp_path, s3_url, s3_client, range(2)) as scene:
        page = scene.open()
        session = begin(page)
        converse(page, 0, turns=1)
        lose = "(track) => { track.stop(); track.dispatchEvent(new Event('ended')) }"
        page.evaluate(f"({lose})(microphones.at(-1).getAudioTracks()[0])")
        converse(page, 1, turns=2)
        end(page)
        result = scene.merge(session)
        kinds = scene.notes(session)
        assert kinds.index("microphone-ended") < len(kinds) - 1 - kinds[::-1].index("microphone")
        assert page.evaluate("microphones.length") == 2
        assert len(result.report["parts"]) == 1
        assert_blobs_are_in(scene, result, witnessed(page))
        assert_captions_are_where_words_sound(result, lines=[0, 1])


@pytest.mark.slow
@again_where_starved
def test_a_hidden_tab(tmp_path: Path, s3_url: str, s3_client: Any) -> None:
    with on_stage(tmp_path, s3_url, s3_client, range(2)) as scene:
        page = scene.open()
        session = begin(page)
        other = scene.browser.open("about:blank")
        other.call("Page.bringToFront")
        page.wait_for("document.visibilityState === 'hidden'", 5)
        converse(page, 1, turns=2)
        page.call("Page.bringToFront")
        end(page)
        result = scene.merge(session)
        assert {"page-hidden", "page-visible"} <= set(scene.notes(session))
        assert_blobs_are_in(scene, result, witnessed(page))
        assert_captions_are_where_words_sound(result, lines=[0, 1])


@pytest.mark.slow
def test_two_tabs(tmp_path: Path, s3_url: str, s3_client: Any) -> None:
    """Each records a session of its own, one sends for both, and neither goes on with the other's."""
    with on_stage(tmp_path, s3_url, s3_client, range(2)) as scene:
        one, two = scene.open(), scene.open()
        sessions = [begin(page) for page in (one, two)]
        third = scene.open()
        third.wait_for("document.querySelector('#start')?.disabled === false", START_S)
        assert "not finished" not in third.text()
        time.sleep(TIMESLICE_S + 1)
        for page in (one, two):
            end(page)
        for page, session in zip((one, two), sessions, strict=True):
            assert_blobs_are_in(scene, scene.merge(session), witnessed(page))


@pytest.mark.slow
@again_where_starved
def test_chunks_that_the_page_sends_to_the_bucket_itself(tmp_path: Path, s3_url: str, s3_client: Any) -> None:
    with on_stage(tmp_path, s3_url, s3_client, range(1), PRESIGN="1") as scene:
        page = scene.open()
        session = begin(page)
        converse(page, 0, turns=1)
        end(page)
        sent = page.evaluate("performance.getEntriesByType('resource').map((one) => one.name)")
        assert [name for name in sent if "/chunks/" in name]
        assert not [name for name in sent if name.startswith(f"{scene.ingest.url}/sessions/{session}/")]
        result = scene.merge(session)
        assert_blobs_are_in(scene, result, witnessed(page))
        assert_captions_are_where_words_sound(result, lines=[0])
