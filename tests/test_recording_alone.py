"""A session that has whole recordings in `recording/` and no chunks: they are its input, and stay."""

from __future__ import annotations

import io
import json
import shutil
import wave
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from recorder_page import stereo
from test_import import run

from sessiontool import MergeOptions, inspect, merge, purge, verify
from sessiontool.errors import RecordingError
from sessiontool.sessions.inputs import read_notes
from sessiontool.sessions.made_recording import recorded
from sessiontool.storage import open_store

if TYPE_CHECKING:
    from pathlib import Path

RATE = 48_000
ROLES = ("user", "assistant")
BEGINS_MS = {"user": 300, "assistant": 900}


def wav(*lanes: Any) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(len(lanes))
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.stack(lanes, axis=1).astype("<i2").tobytes())
    return out.getvalue()


def tone(begins_ms: int, hz: int = 440) -> Any:
    """Two seconds, silent until the tone begins."""
    at = np.arange(2 * RATE)
    return (12_000 * np.sin(2 * np.pi * hz * at / RATE) * (at >= begins_ms * RATE // 1000)).round()


def written(root: Path, files: dict[str, bytes], document: dict[str, Any] | None = None) -> Path:
    for name, data in files.items():
        path = root / "s" / "recording" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    if document is not None:
        (root / "s" / "session.json").write_text(json.dumps({"session_id": "s", **document}))
    return root


def merged(store: Path) -> Any:
    return merge("s", store=store, options=MergeOptions(align=False))


def codes(result: Any) -> set[str]:
    return {one.code for one in result.findings} - {"no-utterances", "session-still-recording"}


def onsets_ms(path: Path) -> list[float]:
    sound = np.abs(stereo(path.read_bytes()))
    return [float(np.flatnonzero(sound[:, channel] > 0.1)[0]) / 48 for channel in (0, 1)]


def test_a_whole_recording_alone_is_joined_as_it_is_and_never_deleted(tmp_path: Path) -> None:
    """It was refused: "has no chunks"."""
    lanes = [tone(BEGINS_MS[role]) for role in ROLES]
    store = written(tmp_path, {"000.wav": wav(*lanes)}, {"parts": [{"part": 0, "start_ms": 0}]})
    assert inspect("s", store=store).status == "complete"
    result = merged(store)
    assert (result.status, codes(result)) == ("complete", set())
    with av.open(str(store / "s" / "merged" / "audio.flac")) as file:
        sound = np.concatenate([frame.to_ndarray().reshape(-1, 2) for frame in file.decode(audio=0)])
    assert np.array_equal(sound, np.stack(lanes, axis=1))
    assert [one["key"] for one in result.report["chunks"]] == ["s/recording/000.wav"]
    assert verify("s", store=store).findings == ()
    assert merged(store).unchanged
    with suppress(RecordingError):
        purge("s", store=store, chunks_after_days=0, delete=True, receipt=tmp_path / "receipt.jsonl")
    assert (store / "s" / "recording" / "000.wav").exists()


def test_an_imported_original_alone_has_the_channels_that_were_noted_of_it(tmp_path: Path) -> None:
    """The import turns them, so that the user is on the left; session.json says so of what it made."""
    (tmp_path / "other.wav").write_bytes(wav(tone(BEGINS_MS["assistant"]), tone(BEGINS_MS["user"])))
    run(tmp_path / "other.wav", "--id", "s", "--store", tmp_path / "store", "--channels", "assistant,user")
    shutil.rmtree(tmp_path / "store" / "s" / "chunks")
    assert codes(merged(tmp_path / "store")) == {"imported"}
    with open_store(str(tmp_path / "store")) as store:
        listing = store.list_session("s")
        with store.reading(()) as read:
            notes = read_notes(read, listing)
        assert notes.session.channels == ["user", "assistant"]
        with recorded(store, listing, notes) as (_, found):
            assert [chunk.object.key for chunk in found.chunks] == ["s/recording/000.wav"]
        assert notes.session.channels == ["assistant", "user"]


@pytest.mark.parametrize("late_ms", [0, 940])
def test_two_originals_alone_begin_where_the_import_noted_it(tmp_path: Path, late_ms: int) -> None:
    for role in ROLES:
        (tmp_path / f"{role}.wav").write_bytes(wav(tone(BEGINS_MS[role])))
    files = [tmp_path / f"{role}.wav" for role in ROLES]
    late = "--late", 0, "--late", late_ms / 1000
    run(*files, "--id", "s", "--store", tmp_path / "store", "--channels", "user,assistant", *late)
    shutil.rmtree(tmp_path / "store" / "s" / "chunks")
    result = merged(tmp_path / "store")
    assert codes(result) == {"imported", "encoded-again"}
    user, assistant = onsets_ms(tmp_path / "store" / "s" / "merged" / "audio.webm")
    assert user == pytest.approx(BEGINS_MS["user"], abs=10)
    assert assistant - user == pytest.approx(600 + late_ms, abs=10)


@pytest.mark.parametrize("document", [None, {"parts": [{"part": 0, "start_ms": 0}]}])
def test_two_recorders_of_which_nothing_says_when_they_began_are_never_complete(
    tmp_path: Path, document: dict[str, Any] | None
) -> None:
    store = written(tmp_path, {f"{role}/000.wav": wav(tone(BEGINS_MS[role])) for role in ROLES}, document)
    result = merged(store)
    assert "recorders-unaligned" in codes(result)
    assert result.status == "repaired"


def test_two_files_imported_without_saying_when_each_begins_are_never_complete(tmp_path: Path) -> None:
    """The voices stood as far from one another as the recorders were started apart, and it was `complete`."""
    files = []
    for role in ROLES:
        files.append(tmp_path / f"{role}.wav")
        files[-1].write_bytes(wav(tone(BEGINS_MS[role])))
    run(*files, "--id", "s", "--store", tmp_path / "store", "--channels", "user,assistant")
    result = merged(tmp_path / "store")
    assert "recorders-unaligned" in codes(result)
    assert result.status == "repaired"
