"""A recorder for each role, in folders of their own: laid side by side, or each merged by itself by its own notes."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
from contextlib import suppress
from functools import cache
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import numpy as np
import pytest
from conftest import TESTS
from recorder_page import stereo
from recordings import blobs, chrome

from sessiontool import MergeOptions, merge, purge, verify
from sessiontool.errors import RecordingError
from sessiontool.sessions.encode_once import write_encoded
from sessiontool.sessions.probe import explain

ROLES = ("user", "assistant")
SAMPLES = TESTS.parent / "samples"


@cache
def own() -> bytes:
    """The sample's own recording."""
    with TemporaryDirectory() as target:
        merge("demo", store=SAMPLES, output=target, options=MergeOptions(align=False))
        return (Path(target) / "demo" / "audio.webm").read_bytes()


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("roles")
    parts = []
    for number, role in enumerate(reversed(ROLES)):
        chunks = blobs(chrome(80, seed=number), 40)
        folder = root / "s" / "chunks" / role / "000"
        folder.mkdir(parents=True)
        listed = []
        for seq, data in enumerate(chunks):
            (folder / f"{seq:06}.webm").write_bytes(data)
            listed.append({"seq": seq, "bytes": len(data)})
        parts.append({"part": 0, "role": role, "start_ms": 1000.0 * (number + 1), "chunks": listed})
    document = {"schema": "sessiontool.session/1", "session_id": "s", "parts": parts}
    (root / "s" / "session.json").write_text(json.dumps(document))
    return root


def test_others_than_the_two_roles_are_named_with_what_works(store: Path, tmp_path: Path) -> None:
    shutil.copytree(store / "s", tmp_path / "s")
    (tmp_path / "s" / "chunks" / "user").rename(tmp_path / "s" / "chunks" / "caller")
    with pytest.raises(RecordingError, match=r"a recorder for each role \(assistant, caller\)") as caught:
        merge("s", store=tmp_path)
    assert "--layout '{session}/chunks/assistant/{part}/{seq}.{ext}' --output assistant" in caught.value.hint


@pytest.mark.parametrize("role", ROLES)
def test_each_can_be_merged_by_itself_and_by_its_own_notes(store: Path, tmp_path: Path, role: str) -> None:
    layout = f"{{session}}/chunks/{role}/{{part}}/{{seq}}.{{ext}}"
    result = merge("s", store=store, output=tmp_path, layout=layout, options=MergeOptions(align=False))
    assert {finding.code for finding in result.findings if finding.severity == "error"} == set()
    first = result.report["timeline"][0]
    assert first["session_ms"][0] == pytest.approx(2000 if role == "user" else 1000, abs=1)


# -- side by side

SILENCE_MS = 400
HIGH_HZ, LOW_HZ = 2000, 500


def tone(hz: int) -> Any:
    """Silence, half a second of a tone, silence."""
    quiet = np.zeros((1, 48 * SILENCE_MS), np.float32)
    loud = 0.5 * np.sin(2 * np.pi * hz * np.arange(24_000) / 48_000)[np.newaxis].astype(np.float32)
    return np.concatenate([quiet, loud, quiet, quiet], axis=1)


def recorded_tones(root: Path, starts_ms: dict[str, float | None], lost: str | None = None) -> Path:
    """A session with a mono recorder for each role: a high tone of the user's, a low one of the assistant's."""
    parts = []
    for role, start_ms in starts_ms.items():
        folder = root / "s" / "chunks" / role / "000"
        folder.mkdir(parents=True)
        body, out = io.BytesIO(), io.BytesIO()
        write_encoded([tone(HIGH_HZ if role == "user" else LOW_HZ)], 1, body, out, "Chrome")
        pieces = [out.getvalue()[at : at + 4000] for at in range(0, len(out.getvalue()), 4000)]
        for seq, piece in enumerate(pieces):
            if not (role == lost and seq == 1):
                (folder / f"{seq:06}.webm").write_bytes(piece)
        parts.append({"part": 0, "role": role} | ({} if start_ms is None else {"start_ms": start_ms}))
    document = {"schema": "sessiontool.session/1", "session_id": "s", "parts": parts}
    (root / "s" / "session.json").write_text(json.dumps(document))
    return root


def onsets_ms(path: Path) -> list[float]:
    """Where each channel begins to sound."""
    sound = np.abs(stereo(path.read_bytes()))
    return [float(np.flatnonzero(sound[:, channel] > 0.1)[0]) / 48 for channel in (0, 1)]


def test_both_are_laid_side_by_side_on_the_session_clock(tmp_path: Path) -> None:
    store = recorded_tones(tmp_path / "in", {"assistant": 1000.0, "user": 1750.0})
    result = merge("s", store=store, output=tmp_path / "out", options=MergeOptions(align=False))
    report = result.report
    assert result.status == "complete"
    assert [one["code"] for one in report["findings"] if one["code"] != "no-utterances"] == ["encoded-again"]
    assert report["timeline"][0]["session_ms"][0] == pytest.approx(1000, abs=1)
    user, assistant = onsets_ms(tmp_path / "out" / "s" / "audio.webm")
    assert user == pytest.approx(750 + SILENCE_MS, abs=10)
    assert assistant == pytest.approx(SILENCE_MS, abs=10)
    kept = {chunk["key"]: chunk["sha256"] for one in report["recorders"] for chunk in one["chunks"]}
    there = {path.relative_to(store).as_posix(): path for path in store.rglob("*.webm")}
    assert kept == {key: hashlib.sha256(path.read_bytes()).hexdigest() for key, path in there.items()}
    assert [(one["role"], one["start_ms"]) for one in report["recorders"]] == [("user", 1750), ("assistant", 1000)]
    assert verify("s", store=store, output=tmp_path / "out").findings == ()
    assert merge("s", store=store, output=tmp_path / "out", options=MergeOptions(align=False)).unchanged
    first = next(iter(there.values()))
    first.write_bytes(first.read_bytes()[::-1])  # of the same size
    assert not merge("s", store=store, output=tmp_path / "out", options=MergeOptions(align=False)).unchanged


def test_what_one_of_them_lost_is_said_and_the_result_partial(tmp_path: Path) -> None:
    store = recorded_tones(tmp_path / "in", {"assistant": 0.0, "user": 500.0}, lost="user")
    result = merge("s", store=store, output=tmp_path / "out", options=MergeOptions(align=False))
    assert result.status == "partial"
    lost = [one for one in result.findings if one.severity == "error"]
    assert lost
    assert all(one.message.startswith("user: ") for one in lost)


def test_without_a_start_it_is_no_complete_recording(tmp_path: Path) -> None:
    store = recorded_tones(tmp_path / "in", {"assistant": 0.0, "user": None})
    result = merge("s", store=store, output=tmp_path / "out", options=MergeOptions(align=False))
    assert result.status == "repaired"
    (finding,) = [one for one in result.findings if one.code == "recorders-unaligned"]
    assert "recorder of user" in finding.message


def test_no_purge_of_chunks_deletes_the_originals(tmp_path: Path) -> None:
    store = recorded_tones(tmp_path / "in", {"assistant": 0.0, "user": 500.0})
    merge("s", store=store, options=MergeOptions(align=False))
    before = sorted(path for path in store.rglob("*.webm") if "merged" not in path.parts)
    with suppress(RecordingError):
        purge("s", store=store, chunks_after_days=0, delete=True, receipt=tmp_path / "receipt.jsonl")
    assert sorted(path for path in store.rglob("*.webm") if "merged" not in path.parts) == before


def test_real_recorders_without_starts_are_found_by_the_log(tmp_path: Path) -> None:
    """Two recordings of the sample's voices, whose log is true: each begins where its words say."""
    sound = stereo(own()).T.astype(np.float32)
    begins_ms = {"user": 700.0, "assistant": 2300.0}
    parts = []
    for channel, (role, start_ms) in enumerate(begins_ms.items()):
        folder = tmp_path / "in" / "s" / "chunks" / role / "000"
        folder.mkdir(parents=True)
        with (folder / "000000.webm").open("wb") as out:
            write_encoded([sound[channel : channel + 1, round(48 * start_ms) :]], 1, io.BytesIO(), out, "Chrome")
        parts.append({"part": 0, "role": role})
    document = {"schema": "sessiontool.session/1", "session_id": "s", "parts": parts}
    (tmp_path / "in" / "s" / "session.json").write_text(json.dumps(document))
    result = merge("demo", store=SAMPLES, output=tmp_path / "demo")
    lines = [
        {"id": one["id"], "role": one["role"], "text": one["text"], "t_start": one["start_s"], "t_end": one["end_s"]}
        for one in result.transcript["utterances"]
    ]
    (tmp_path / "in" / "s" / "utterances.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    found = merge("s", store=tmp_path / "in", output=tmp_path / "out").report
    assert found["status"] == "repaired"
    assert [one["code"] for one in found["findings"]].count("recorder-start-found") == 2
    for one in found["recorders"]:
        assert one["start_ms"] == pytest.approx(begins_ms[one["role"]], abs=100)


def test_the_first_blobs_instant_says_when_a_recorder_was_started(tmp_path: Path) -> None:
    """It was found by the log alone, which was 0.9 s off in a recording of Chrome's."""
    store = recorded_tones(tmp_path, {"user": None, "assistant": None})
    starts_ms, parts = {"user": 700.0, "assistant": 2300.0}, []
    for role, start_ms in starts_ms.items():
        first = (store / "s" / "chunks" / role / "000" / "000000.webm").read_bytes()
        emitted_ms = start_ms + (explain(first).end_ms or 0) + 60
        parts.append({"part": 0, "role": role, "chunks": [{"seq": 0, "bytes": len(first), "emitted_ms": emitted_ms}]})
    (store / "s" / "session.json").write_text(json.dumps({"session_id": "s", "parts": parts}))
    result = merge("s", store=store, options=MergeOptions(align=False))
    codes = {one.code for one in result.findings}
    assert not {"recorders-unaligned", "recorder-start-found"} & codes
    user, assistant = onsets_ms(store / "s" / "merged" / "audio.webm")
    assert assistant - user == pytest.approx(1600, abs=10)


# -- two tracks of one recording


FRAGMENTS = {"movflags": "empty_moov+default_base_moof", "frag_duration": "500000"}
CONTAINERS: dict[str, tuple[str, str, dict[str, str]]] = {
    "WebM": ("webm", "libopus", {}),
    "Ogg": ("ogg", "libopus", {"page_duration": "200000"}),
    "MP4 with Opus": ("mp4", "libopus", FRAGMENTS),
    "MP4 with AAC": ("mp4", "aac", FRAGMENTS),
}


def two_tracks(root: Path, container: str = "WebM", *, lost: int = -1, channels: list[str] | None = None) -> Path:
    """A session of one recording with two mono tracks, a high tone on the first and a low one later on the second."""
    tones = [np.concatenate([np.zeros((1, 48 * late), np.float32), tone(hz)], axis=1) for hz, late in TRACKS]
    body = io.BytesIO()
    name, codec, options = CONTAINERS[container]
    size = 960 if codec == "libopus" else 1024
    with av.open(body, "w", format=name, options=options) as out:
        streams: list[Any] = [out.add_stream(codec, rate=48_000, layout="mono") for _ in tones]
        for at in range(0, 48_000 * 3, size):
            for lane, stream in zip(tones, streams, strict=True):
                if lane.shape[1] >= at + size:
                    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(lane[:, at : at + size]), "fltp", "mono")
                    frame.sample_rate, frame.pts = 48_000, at
                    out.mux(stream.encode(frame))
        for stream in streams:
            out.mux(stream.encode(None))
    data = body.getvalue()
    folder = root / "s" / "chunks" / "000"
    folder.mkdir(parents=True)
    cuts = [*range(0, len(data), 3000), len(data)]
    if name == "mp4":  # of whole fragments, as browsers have it
        cuts = [0, *[found.start() - 4 for found in re.finditer(b"moof", data)][1:], len(data)]
    for number, (at, end) in enumerate(pairwise(cuts)):
        if number != lost:
            (folder / f"{number:06}.{name}").write_bytes(data[at:end])
    document = {"session_id": "s", "parts": [{"part": 0, "start_ms": 500.0}]} | (
        {"channels": channels} if channels else {}
    )
    (root / "s" / "session.json").write_text(json.dumps(document))
    return root


TRACKS = ((HIGH_HZ, 0), (LOW_HZ, 300))


@pytest.mark.parametrize(
    ("container", "channels"),
    [("WebM", None), ("WebM", ["assistant", "user"]), *((name, None) for name in CONTAINERS if name != "WebM")],
)
def test_two_mono_tracks_become_one_stereo_recording(
    tmp_path: Path, container: str, channels: list[str] | None
) -> None:
    """The second was set aside: one of two voices was in no result."""
    store = two_tracks(tmp_path / "in", container, channels=channels)
    result = merge("s", store=store, output=tmp_path / "out", options=MergeOptions(align=False))
    report = result.report
    assert result.status == "complete"
    codes = {one["code"] for one in report["findings"]} - {"no-utterances", "session-still-recording"}
    assert codes == {"encoded-again"}
    onsets = onsets_ms(tmp_path / "out" / "s" / "audio.webm")
    user, assistant = onsets
    late_ms = -300 if channels else 300
    assert assistant - user == pytest.approx(late_ms, abs=10)
    assert report["timeline"][0]["session_ms"][0] == pytest.approx(500, abs=1)
    there = {path.relative_to(store).as_posix(): path for path in (store / "s" / "chunks").glob("000/*")}
    for one in report["recorders"]:
        kept = {chunk["key"]: chunk["sha256"] for chunk in one["chunks"]}
        assert kept == {key: hashlib.sha256(path.read_bytes()).hexdigest() for key, path in there.items()}
    assert verify("s", store=store, output=tmp_path / "out").findings == ()
    assert merge("s", store=store, output=tmp_path / "out", options=MergeOptions(align=False)).unchanged


@pytest.mark.parametrize(("container", "lost"), [("WebM", 5), ("Ogg", 2), ("MP4 with Opus", 2), ("MP4 with AAC", 2)])
def test_a_chunk_of_two_tracks_that_is_lost_is_lost_in_both(tmp_path: Path, container: str, lost: int) -> None:
    """Without a header the first voice of a chunk was taken for the one that is joined."""
    store = two_tracks(tmp_path / "in", container, lost=lost)
    result = merge("s", store=store, output=tmp_path / "out", options=MergeOptions(align=False))
    assert result.status == "partial"
    assert {one.message.partition(":")[0] for one in result.findings if one.code == "sound-lost"} == {*ROLES}
    user, assistant = onsets_ms(tmp_path / "out" / "s" / "audio.webm")
    assert assistant - user == pytest.approx(300, abs=25)


def test_no_purge_deletes_what_two_tracks_were_made_of(tmp_path: Path) -> None:
    store = two_tracks(tmp_path / "in")
    merge("s", store=store, options=MergeOptions(align=False))
    before = sorted((store / "s" / "chunks").rglob("*.webm"))
    with suppress(RecordingError):
        purge("s", store=store, chunks_after_days=0, delete=True, receipt=tmp_path / "receipt.jsonl")
    assert sorted((store / "s" / "chunks").rglob("*.webm")) == before
