"""The recorder sample where things go wrong in the page: a real Chromium, whose parts are made to fail."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from chromium import Chromium
from recorder_page import run_ingest, speech
from recorder_scene import (
    FINISHED,
    START_S,
    UPLOAD_S,
    again_where_starved,
    assert_captions_are_where_words_sound,
    begin,
    converse,
    end,
)

from sessiontool import merge

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from chromium import Page
    from recorder_page import Ingest

STATUS = "(document.querySelector('#status')?.textContent ?? '')"

ALONE = """
const Native = MediaRecorder;
window.runs = [];
window.MediaRecorder = class extends Native {
  constructor(...given) {
    super(...given);
    runs.push(this);
  }
};
window.pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
window.text = ({ body }) => new TextDecoder().decode(body);
window.tracks = ({ microphone }) => microphone.getTracks().map((track) => track.readyState);
/** A recorder alone, in front of a queue that keeps everything in `kept`. */
window.alone = async (more = {}) => {
  const { SessionRecorder } = await import("/recorder.js");
  const kept = [];
  const queue = { add: async (uploads) => void kept.push(...uploads), idle: async () => {} };
  const getMicrophone = () => navigator.mediaDevices.getUserMedia({ audio: true });
  const given = { queue, sessionId: crypto.randomUUID(), getMicrophone, timeslice_ms: 500, ...more };
  return { recorder: new SessionRecorder(given), kept };
};
"""


@contextmanager
def on_stage(tmp: Path) -> Iterator[tuple[Chromium, Ingest]]:
    """A browser and a server of its own, with a user who says the first line of the script."""
    browser = Chromium(tmp / "profile", speech(tmp / "microphone.wav", range(1)))
    with run_ingest(tmp / "store", MAX_BODY_BYTES="500000") as server:
        try:
            yield browser, server
        finally:
            browser.close()


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Chromium, Ingest]]:
    with on_stage(tmp_path_factory.mktemp("edges")) as both:
        yield both


@pytest.fixture(scope="module")
def page(stage: tuple[Chromium, Ingest]) -> Page:
    browser, server = stage
    found = browser.open(server.url, ALONE)
    found.wait_for("document.querySelector('#start')?.disabled === false", START_S)
    return found


def run(page: Page, body: str) -> Any:
    """What the body of an async function returns in the page."""
    return page.evaluate(f"(async () => {{ {body} }})()")


# -- beginning and ending


def test_the_microphone_is_turned_off_at_the_end_and_two_ends_are_one(page: Page) -> None:
    found = run(
        page,
        """
        const { recorder, kept } = await alone();
        await recorder.start();
        await pause(700);
        await Promise.all([recorder.finish(), recorder.finish()]);
        await recorder.finish();
        return [tracks(recorder), recorder.context.state, kept.filter(({ key }) => key.includes("/chunks/")).length];
        """,
    )
    assert found[:2] == [["ended"], "closed"]
    assert found[2] >= 1


def test_stopped_at_once_it_has_what_there_was(page: Page) -> None:
    document = run(
        page,
        """
        const { recorder } = await alone();
        await recorder.start();
        await recorder.finish();
        return recorder.session;
        """,
    )
    (part,) = document["parts"]
    assert part["stop_ms"] >= part["start_ms"]
    assert part["chunks"]
    for seq, chunk in enumerate(part["chunks"]):
        assert chunk["seq"] == seq
        assert part["start_ms"] <= chunk["emitted_ms"] < part["stop_ms"] + 1000 * START_S
        assert len(chunk["sha256"]) == 64
    assert document["ended_at"] > document["started_at"]


def test_finished_while_it_begins_it_never_records(page: Page) -> None:
    found = run(
        page,
        """
        let opened;
        const ask = () => navigator.mediaDevices.getUserMedia({ audio: true });
        const getMicrophone = async () => (await pause(300), opened = await ask());
        const { recorder, kept } = await alone({ getMicrophone });
        const [before, began] = [runs.length, recorder.start().then(() => "began", (error) => error.message)];
        await pause(50);
        await recorder.finish();
        const said = await began;
        const { held } = await navigator.locks.query();
        return [said, recorder.status, tracks({ microphone: opened }), runs.length - before, kept.length, held.length];
        """,
    )
    assert found == ["it was finished before it had begun", "finished", ["ended"], 0, 0, 0]


def test_a_microphone_that_is_refused_leaves_nothing_in_the_way(page: Page) -> None:
    found = run(
        page,
        """
        const refuse = async () => { throw new DOMException("Permission denied", "NotAllowedError") };
        const { recorder } = await alone({ sessionId: "refused", getMicrophone: refuse });
        const said = await recorder.start().catch((error) => error.message);
        const { recorder: second } = await alone({ sessionId: "refused" });
        await second.start();
        const status = second.status;
        await second.finish();
        return [said, recorder.context.state, status];
        """,
    )
    assert found == ["Permission denied", "closed", "recording"]


def test_a_session_is_recorded_once_at_a_time(page: Page) -> None:
    found = run(
        page,
        """
        const { recorder } = await alone({ sessionId: "once" });
        const { recorder: second } = await alone({ sessionId: "once" });
        await recorder.start();
        const said = await second.start().then(() => "began", (error) => error.message);
        const ended = await second.finish().then(() => "ended", (error) => error.message);
        await recorder.finish();
        return [said, ended, recorder.session.parts.length];
        """,
    )
    assert found == ["another tab records this session", "another tab records this session", 1]


def test_another_microphone_turns_the_first_off(page: Page) -> None:
    found = run(
        page,
        """
        const { recorder } = await alone();
        await recorder.start();
        const first = recorder.microphone;
        recorder.setMicrophone(await navigator.mediaDevices.getUserMedia({ audio: true }));
        const states = [tracks({ microphone: first }), tracks(recorder)];
        await recorder.finish();
        return [...states, recorder.session.parts.length];
        """,
    )
    assert found == [["ended"], ["live"], 1]


@pytest.mark.parametrize("session", ["", "../other", "a/b", ".hidden", "x" * 129, "é", "a\nb"])
def test_an_id_that_no_server_takes_is_refused_before_anything_is_recorded(page: Page, session: str) -> None:
    found = run(page, f"return alone({{ sessionId: {json.dumps(session)} }}).then(() => 'taken', String)")
    assert "session id" in found


def test_names_of_all_sorts_are_kept_as_they_are(page: Page) -> None:
    name = 'D"\\n\\u0000</script>\n\u202e🙂'
    document = run(
        page,
        f"""
        const {{ recorder, kept }} = await alone({{ speakers: {{ user: {json.dumps(name)} }} }});
        await recorder.start();
        await recorder.finish();
        return text(kept.findLast(({{ key }}) => key.endsWith("session.json")));
        """,
    )
    assert json.loads(document)["speakers"] == {"user": name}


# -- while it records


def test_a_remote_voice_is_heard_though_nothing_else_plays_it(page: Page) -> None:
    """In Chromium Web Audio gets nothing of a remote track without a media element: the recorder has one of its own."""
    heard, removed = run(
        page,
        """
        const { recorder } = await alone();
        await recorder.start();
        const sound = new AudioContext();
        const [tone, out] = [new OscillatorNode(sound), new MediaStreamAudioDestinationNode(sound)];
        tone.connect(out);
        tone.start();
        const [here, there] = [new RTCPeerConnection(), new RTCPeerConnection()];
        here.onicecandidate = ({ candidate }) => there.addIceCandidate(candidate);
        there.onicecandidate = ({ candidate }) => here.addIceCandidate(candidate);
        const got = new Promise((resolve) => (there.ontrack = ({ track }) => resolve(new MediaStream([track]))));
        here.addTrack(out.stream.getAudioTracks()[0], out.stream);
        await here.setLocalDescription();
        await there.setRemoteDescription(here.localDescription);
        await there.setLocalDescription();
        await here.setRemoteDescription(there.localDescription);
        const remove = recorder.addAssistant(await got);
        const level = () => recorder.lanes[1].level;
        for (let tries = 0; tries < 100 && level() < 0.1; tries++) await pause(100);
        const levels = [level()];
        remove();
        for (let tries = 0; tries < 100 && level() > 0; tries++) await pause(100);
        levels.push(level());
        await recorder.finish();
        here.close();
        there.close();
        await sound.close();
        return levels;
        """,
    )
    assert heard > 0.1
    assert removed == 0


def test_a_part_that_ends_in_a_pause_begins_again_only_by_resume(page: Page) -> None:
    found = run(
        page,
        """
        const { recorder } = await alone();
        await recorder.start();
        await pause(2200); // one that ends before is not begun again at once
        const before = runs.length;
        recorder.pause();
        runs.at(-1).stop();
        await pause(500);
        const paused = [recorder.status, runs.length - before];
        recorder.resume();
        const resumed = [recorder.status, runs.length - before];
        await pause(300);
        await recorder.finish();
        return [paused, resumed, recorder.session.parts.length];
        """,
    )
    assert found == [["paused", 0], ["recording", 1], 2]


def test_a_recorder_that_cannot_run_is_not_begun_a_thousand_times(page: Page) -> None:
    found = run(
        page,
        """
        const { start } = Native.prototype;
        Native.prototype.start = function (...given) { start.apply(this, given); this.stop() };
        const { recorder } = await alone();
        const before = runs.length;
        await recorder.start();
        await pause(2500);
        const tried = [recorder.status, runs.length - before];
        Native.prototype.start = () => { throw new DOMException("no encoder", "NotSupportedError") };
        await pause(2500);
        const refused = recorder.status;
        Native.prototype.start = start;
        await pause(2500);
        const again = recorder.status;
        await recorder.finish();
        return [tried[1], refused, again, recorder.session.notes.some(({ error }) => /no encoder/.test(error))];
        """,
    )
    assert 1 <= found[0] <= 3
    assert found[1:] == ["interrupted", "recording", True]


def test_a_blob_that_cannot_be_read_is_noted_and_costs_no_other(page: Page) -> None:
    found = run(
        page,
        """
        const { arrayBuffer } = Blob.prototype;
        const { recorder, kept } = await alone();
        await recorder.start();
        Blob.prototype.arrayBuffer = async () => { throw new DOMException("gone", "NotReadableError") };
        await pause(800);
        Blob.prototype.arrayBuffer = arrayBuffer;
        await pause(1200);
        await recorder.finish();
        const chunks = kept.filter(({ key }) => key.includes("/chunks/")).length;
        return [chunks, recorder.session.parts[0].chunks.length, recorder.session.notes.map(({ kind }) => kind)];
        """,
    )
    assert found[0] == found[1] >= 2
    assert "not-kept" in found[2]


def test_many_events_in_a_pause_are_kept_in_pieces(page: Page) -> None:
    """In pieces that a server takes and a page that goes away can send, in their order, before the pause is over."""
    pieces, counted = run(
        page,
        """
        const channel = Object.assign(new EventTarget(), { send() {} });
        const { recorder, kept } = await alone();
        recorder.mirror(channel);
        await recorder.start();
        recorder.pause();
        const tell = (data) => channel.dispatchEvent(new MessageEvent("message", { data }));
        for (let number = 0; number < 300; number++) {
          tell(JSON.stringify({ type: "x", number, padding: "y".repeat(number === 150 ? 80_000 : 1000) }));
        }
        tell("no JSON");
        await pause(1500);
        const pieces = kept.filter(({ key }) => key.includes("/events/")).map(text);
        const { kind } = recorder.session.notes.find(({ kind }) => kind === "event-unreadable");
        await recorder.finish();
        return [pieces, kind];
        """,
    )
    assert counted == "event-unreadable"
    events = [json.loads(line)["event"]["number"] for piece in pieces for line in piece.splitlines()]
    assert events == list(range(300))
    assert [len(piece) > 50_000 for piece in pieces].count(True) == 1
    assert len(pieces) > 6


def test_a_clock_that_was_set_back_does_not_set_the_session_back(page: Page) -> None:
    found = run(
        page,
        """
        const started_at = new Date(Date.now() + 3_600_000).toISOString();
        const parts = [{ part: 0, start_ms: 10, chunks: [{ seq: 0, emitted_ms: 5000 }] }];
        const document = { session_id: "back", started_at, parts };
        const unfinished = { session_id: "back", document, pieces: 1, is_open: true };
        const { recorder } = await alone({ sessionId: "back", unfinished });
        await recorder.start();
        await recorder.finish();
        return [recorder.session.parts[1].start_ms, recorder.session.notes[0]];
        """,
    )
    assert 5000 <= found[0] < 5000 + 1000 * START_S
    assert found[1]["kind"] == "clock-set-back"
    assert found[1]["by_ms"] == pytest.approx(3_605_000, abs=5000)


def test_a_session_that_is_only_closed_did_not_end_now(page: Page) -> None:
    document = run(
        page,
        """
        const parts = [{ part: 0, chunks: [] }];
        const document = { session_id: "left", started_at: "2026-01-01T00:00:00.000Z", parts };
        const unfinished = { session_id: "left", document, pieces: 1, is_open: true };
        const { recorder, kept } = await alone({ sessionId: "left", unfinished });
        await recorder.finish();
        return text(kept.at(-1));
        """,
    )
    assert "ended_at" not in json.loads(document)


@pytest.mark.parametrize("event", ["pagehide", "beforeunload", "visibilitychange"])
def test_a_page_that_goes_away_keeps_what_there_is(page: Page, event: str) -> None:
    chunks = run(
        page,
        f"""
        const {{ recorder, kept }} = await alone({{ timeslice_ms: 3_600_000 }});
        await recorder.start();
        await pause(500);
        Object.defineProperty(document, "visibilityState", {{ value: "hidden", configurable: true }});
        ("{event}" === "visibilitychange" ? document : window).dispatchEvent(new Event("{event}"));
        await pause(500);
        delete document.visibilityState;
        const chunks = kept.filter(({{ key }}) => key.includes("/chunks/")).length;
        await recorder.finish();
        return chunks;
        """,
    )
    assert chunks == 1


def test_a_screen_stays_on_until_everything_is_uploaded(page: Page) -> None:
    found = run(
        page,
        """
        let [on, uploaded] = [0, undefined];
        const request = async () => (on++, { release: async () => void on-- });
        Object.defineProperty(navigator, "wakeLock", { value: { request }, configurable: true });
        const queue = { add: async () => {}, idle: () => new Promise((resolve) => (uploaded = resolve)) };
        const { recorder } = await alone({ queue });
        await recorder.start();
        await pause(50);
        const seen = [on];
        await recorder.finish();
        await pause(50);
        seen.push(on);
        uploaded();
        await pause(50);
        delete navigator.wakeLock;
        return [...seen, on];
        """,
    )
    assert found == [1, 1, 0]


def test_what_it_records_fits_a_request_of_a_page_that_goes_away(page: Page) -> None:
    found = run(
        page,
        """
        const { recorder } = await alone({ timeslice_ms: undefined });
        await recorder.start();
        const [{ audioBitsPerSecond, mimeType }, { timeslice_ms }] = [runs.at(-1), recorder.session.parts[0]];
        await recorder.finish();
        return [audioBitsPerSecond, mimeType, timeslice_ms];
        """,
    )
    assert found == [64_000, "audio/webm;codecs=opus", 5000]


# -- sending


@pytest.mark.parametrize("event", ["online", "visibilitychange"])
def test_it_sends_at_once_when_that_may_help(page: Page, event: str) -> None:
    found = run(
        page,
        f"""
        const {{ Store, UploadQueue, keepSending }} = await import("/queue.js");
        const busy = new Response("", {{ status: 503, headers: {{ "retry-after": "30" }} }});
        const answers = [busy];
        const queue = new UploadQueue(await Store.open("{event}"), async () => answers.pop() ?? new Response(""));
        keepSending(queue);
        await queue.add([{{ key: "k", type: "t", body: new ArrayBuffer(1), sha256: "" }}], {{ session_id: "s" }});
        await pause(300);
        const before = queue.state.pending;
        ("{event}" === "online" ? window : document).dispatchEvent(new Event("{event}"));
        await pause(300);
        return [before, queue.state.pending];
        """,
    )
    assert found == [1, 0]


def test_a_hidden_page_sends_what_may_outlive_it(page: Page) -> None:
    found = run(
        page,
        """
        const { sender } = await import("/queue.js");
        const { fetch } = window;
        const seen = [];
        window.fetch = async (_url, { keepalive }) => (seen.push(keepalive), new Response("hash"));
        const one = { key: "k", type: "t", sha256: "hash" };
        const send = (bytes) => sender("sessions/")({ ...one, body: new ArrayBuffer(bytes) });
        await send(40_000);
        Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
        await send(40_000);
        await send(70_000);
        delete document.visibilityState;
        window.fetch = fetch;
        return seen;
        """,
    )
    assert found == [False, True, False]


# -- what the page says


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("IDBFactory.prototype.open = () => { throw new DOMException('denied', 'SecurityError') }", "on disk"),
        ("delete window.indexedDB; Object.defineProperty(window, 'indexedDB', { value: undefined })", "on disk"),
        ("window.fetch = async () => new Response('<html>Log in</html>')", "server does not answer"),
        (
            "Object.defineProperty(window, 'isSecureContext', { value: false }); delete Crypto.prototype.randomUUID",
            "https",
        ),
    ],
)
def test_a_page_that_cannot_record_says_why(stage: tuple[Chromium, Ingest], first: str, said: str) -> None:
    browser, server = stage
    page = browser.open(server.url, first)
    page.wait_for(f"{STATUS}.startsWith('This page cannot record')", START_S)
    assert said in page.evaluate(STATUS)
    assert page.evaluate("document.querySelector('#start').disabled")


@pytest.mark.parametrize(
    ("first", "said"),
    [
        ("navigator.storage.estimate = async () => ({ quota: 100e6, usage: 60e6 })", "no room"),
        ("navigator.storage.estimate = async () => ({ quota: 0 })", "no room"),
        ("MediaRecorder.isTypeSupported = () => false", "neither WebM nor MP4"),
        ("delete window.MediaRecorder", "neither WebM nor MP4"),
        ("AudioContext.prototype.resume = () => new Promise(() => {}); "
         "Object.defineProperty(BaseAudioContext.prototype, 'state', { get: () => 'suspended' })", "starts no sound"),
        ("navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('None found', 'NotFoundError') }",
         "None found"),
    ],
)  # fmt: skip
def test_a_recording_that_cannot_begin_says_why(stage: tuple[Chromium, Ingest], first: str, said: str) -> None:
    browser, server = stage
    page = browser.open(server.url, first)
    page.click("start")
    page.wait_for(f"{STATUS}.startsWith('Not recording')", START_S)
    assert said in page.evaluate(STATUS)
    assert not page.evaluate("document.querySelector('#start').disabled")


@again_where_starved
def test_a_browser_without_webm_records_mp4(tmp_path: Path) -> None:
    native = "const asked = MediaRecorder.isTypeSupported.bind(MediaRecorder);"
    first = f"{native} MediaRecorder.isTypeSupported = (type) => !/webm/.test(type) && asked(type)"
    with on_stage(tmp_path) as (browser, server):
        page = browser.open(server.url, first)
        session = begin(page)
        converse(page, 0, turns=1)
        end(page)
    chunks = sorted((tmp_path / "store" / session / "chunks" / "000").iterdir())
    assert {path.suffix for path in chunks} == {".mp4"}
    result = merge(session, store=str(tmp_path / "store"), output=tmp_path / "merged")
    assert {chunk["verdict"] for chunk in result.report["chunks"]} <= {"ok", "empty"}
    assert result.report["status"] != "partial"
    assert_captions_are_where_words_sound(result, lines=[0])


def test_a_disk_that_is_full(tmp_path: Path) -> None:
    """What finds no room is sent from memory, and the page says so.  Chromium's estimate does not know of it."""
    with on_stage(tmp_path) as (browser, server):
        page = browser.open("about:blank")
        page.call("Storage.overrideQuotaForOrigin", origin=server.url, quotaSize=1)
        page = browser.open(server.url)
        session = begin(page)
        watch = "window.shown = []; setInterval(() => shown.push(document.querySelector('#uploads').textContent), 5)"
        page.evaluate(watch)
        page.wait_for("shown.some((one) => /only in memory/.test(one))", START_S)
        page.click("stop")
        page.wait_for(FINISHED, UPLOAD_S)
    document = json.loads((tmp_path / "store" / session / "session.json").read_text())
    there = list((tmp_path / "store" / session / "chunks" / "000").iterdir())
    assert len(there) == len(document["parts"][0]["chunks"]) >= 2


def test_a_body_that_is_too_large_is_answered_and_not_cut_off(page: Page) -> None:
    """A browser whose connection is closed while it sends sees no 413, and would try for ever."""
    key, headers = "s1/chunks/000/000000.webm", "{ 'content-type': 'audio/webm' }"
    put = f"fetch('sessions/{key}', {{ method: 'PUT', body, headers: {headers} }})"
    statuses = run(
        page,
        f"""
        const found = [];
        for (const bytes of [600_000, 3_000_000]) {{
          const body = new ArrayBuffer(bytes);
          found.push(await {put}.then((answer) => answer.status, String));
        }}
        return found;
        """,
    )
    assert statuses == [413, 413]


# -- the call

CALL = """
const { Conversation } = await import("/realtime.js");
const { Script, demo } = await import("/demo/peer.js");
const { recorder, kept } = await alone();
const connections = [];
const Real = RTCPeerConnection;
window.RTCPeerConnection = class extends Real {
  constructor() {
    super();
    connections.push(this); // of the first call, its peer, the second call, its peer …
  }
};
const given = { recorder, exchange: demo(await Script.load(0), 14), lead_s: 13 };
given.instructions = "Answer in one sentence.";
const conversation = new Conversation(given);
await recorder.start();
const until = async (what) => { while (!what()) await pause(50) };
const says = (type) =>
  conversation.current.channel.dispatchEvent(new MessageEvent("message", { data: `{"type":"${type}"}` }));
"""


def test_a_call_that_is_ended_while_it_begins_does_not_go_on(page: Page) -> None:
    found = run(
        page,
        f"""
        {CALL}
        const began = conversation.start();
        conversation.stop();
        await began;
        await recorder.finish();
        window.RTCPeerConnection = Real;
        return [conversation.current === undefined, connections[0].connectionState];
        """,
    )
    assert found == [True, "closed"]


def test_a_next_session_that_is_lost_while_it_waits_is_replaced(page: Page) -> None:
    """It waits as the user speaks, for as long as the first session lives."""
    first, last, state, notes = run(
        page,
        f"""
        {CALL}
        await conversation.start();
        const first = conversation.current.id;
        says("input_audio_buffer.speech_started");
        await until(() => connections[3]?.connectionState === "connected");
        await pause(500);
        connections[3].close();
        await until(() => conversation.current.id !== first);
        await pause(1000);
        const found = [first, conversation.current.id, conversation.current.channel.readyState];
        conversation.stop();
        await recorder.finish();
        window.RTCPeerConnection = Real;
        return [...found, recorder.session.notes.map(({{ kind }}) => kind)];
        """,
    )
    assert last != first
    assert state == "open"
    assert "realtime-unreachable" in notes


def test_a_pause_over_the_rollover_is_one_pause(page: Page) -> None:
    statuses, parts, sessions, notes = run(
        page,
        f"""
        {CALL}
        await conversation.start();
        const first = conversation.current.id;
        await pause(300);
        recorder.pause();
        const statuses = [recorder.status];
        await until(() => conversation.current.id !== first);
        statuses.push(recorder.status);
        recorder.resume();
        statuses.push(recorder.status);
        await pause(300);
        conversation.stop();
        await recorder.finish();
        window.RTCPeerConnection = Real;
        const {{ parts, realtime_sessions, notes }} = recorder.session;
        return [statuses, parts, realtime_sessions.length, notes.map(({{ kind }}) => kind)];
        """,
    )
    assert statuses == ["paused", "paused", "recording"]
    (part,) = parts
    (pause,) = part["pauses"]
    assert part["start_ms"] < pause["start_ms"] < pause["end_ms"] < part["stop_ms"]
    assert sessions >= 2
    assert "realtime-rollover" in notes


def test_instructions_and_what_is_pushed_are_logged(page: Page) -> None:
    lines = run(
        page,
        f"""
        {CALL}
        await conversation.start();
        conversation.push("The customer is in Berlin.");
        await pause(300);
        conversation.stop();
        await recorder.finish();
        window.RTCPeerConnection = Real;
        return kept.filter(({{ key }}) => key.includes("/events/")).map(text).join("");
        """,
    )
    logged = [json.loads(line) for line in lines.splitlines()]
    sent = {one["event"]["type"]: one["event"] for one in logged if one["from"] == "client"}
    assert sent["session.update"]["session"]["instructions"] == "Answer in one sentence."
    assert sent["conversation.item.create"]["item"]["content"][0]["text"] == "The customer is in Berlin."
    assert logged[0]["event"]["type"] == "session.created"
    assert [one["t_ms"] for one in logged] == sorted(one["t_ms"] for one in logged)
