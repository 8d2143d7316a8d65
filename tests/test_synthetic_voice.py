"""A voice that is none of a person: said in session.json, and then by captions, transcript, page and sound files."""

from __future__ import annotations

import json
from shutil import copytree
from typing import TYPE_CHECKING, Any

import av
import pytest
from conftest import store_of
from typer.testing import CliRunner

from sessiontool import CaptionOptions, MergeOptions, RedactRequest, merge, redact, verify
from sessiontool.cli import app
from sessiontool.documents.session import read_session

if TYPE_CHECKING:
    from pathlib import Path

ID = "chrome-1s"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("synthetic")
    copytree(store_of(ID) / ID, place / ID)
    path = place / ID / "session.json"
    speakers = {"user": "Dana", "assistant": {"name": "Morgan", "synthetic": True}}
    path.write_text(json.dumps({**json.loads(path.read_text()), "speakers": speakers}))
    merge(ID, store=place, options=MergeOptions(page=True, captions=CaptionOptions(formats=("vtt", "srt"))))
    return place


def test_captions_and_transcript_say_it(store: Path) -> None:
    folder = store / ID / "merged"
    transcript = json.loads((folder / "transcript.json").read_text())
    assert transcript["synthetic"] == ["assistant"]
    assert {one["speaker"] for one in transcript["utterances"]} == {"Dana", "Morgan"}
    captions = (folder / "captions.vtt").read_text()
    assert "NOTE The voice of assistant is synthetic" in captions
    assert "<v.assistant.synthetic Morgan>" in captions
    assert "<v.user Dana>" in captions
    assert '"synthetic":["assistant"]' in (folder / "index.html").read_text().replace(": ", ":")
    assert not verify(ID, store=store).findings


@pytest.mark.parametrize(("form", "tag"), [("wav", "comment"), ("mp3", "comment"), ("flac", "synthetic_voice")])
def test_sound_files_say_it(form: str, tag: str, store: Path, tmp_path: Path) -> None:
    arguments = ["export", ID, "--store", str(store), "--into", str(tmp_path), "--format", form, "--to", "3"]
    for more, expected in (["--roles", "assistant"], True), (["--roles", "user", "--force"], False):
        assert CliRunner().invoke(app, [*arguments, *more]).exit_code == 0
        (path,) = tmp_path.rglob(f"{more[1]}.{form}")
        with av.open(str(path)) as file:
            found: dict[str, Any] = {name.lower(): value for name, value in file.metadata.items()}
        assert ("assistant" in found.get(tag, "") and (tag != "comment" or "synthetic" in found[tag])) == expected


def test_a_redacted_result_says_it_as_well(store: Path) -> None:
    redact(ID, store=store, asked=RedactRequest(texts=("finance lead",)))
    assert "<v.assistant.synthetic Morgan>" in (store / ID / "merged/redacted/captions.vtt").read_text()
    found = verify(ID, store=store).redacted
    assert found is not None
    assert not found.findings


@pytest.mark.parametrize(
    ("speakers", "names", "synthetic", "problem"),
    [
        ({"user": "Dana"}, {"user": "Dana"}, [], ""),
        ({"ai": {"synthetic": True}}, {"ai": ""}, ["ai"], ""),
        ({"ai": {"name": "M", "synthetic": False}}, {"ai": "M"}, [], ""),
        ({"ai": {"name": "M", "synthetic": "yes"}}, {"ai": "M"}, [], "speakers.ai.synthetic"),
        ({"ai": {"name": 5, "synthetic": True}}, {}, ["ai"], "speakers.ai"),
    ],
)
def test_what_session_json_says_of_speakers(
    speakers: dict[str, Any], names: dict[str, str], synthetic: list[str], problem: str
) -> None:
    session, findings = read_session(json.dumps({"speakers": speakers}).encode(), "session.json")
    assert (session.speakers, session.synthetic) == (names, synthetic)
    assert problem in " ".join(one.message for one in findings)
    assert bool(findings) == bool(problem)
