"""`sessiontool captions`: captions again from a published transcript, and nothing else of the session."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import webvtt

from sessiontool.captions import CaptionOptions, caption
from sessiontool.sessions.merge import verify_session
from sessiontool.sessions.recaption import recaption_session
from sessiontool.storage import open_output

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SESSION = "chrome-1s"


@pytest.fixture
def published(merged_session: Callable[[str], Path], tmp_path: Path) -> Path:
    """A folder with a merged session and nothing of its recording: `tmp_path/out/SESSION`."""
    return shutil.copytree(merged_session(SESSION), tmp_path / "out" / SESSION)


def run(published: Path, *arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "sessiontool", "captions", SESSION, "--store", str(published.parent)]
    argv += ["--output", str(published.parent), *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60, **options)


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def edit(file: Path, change: Callable[[Any], None]) -> None:
    document = json.loads(file.read_text())
    change(document)
    file.write_text(json.dumps(document))


def test_the_same_settings_give_the_same_files(published: Path) -> None:
    before = content(published)
    done = run(published)
    assert (done.returncode, done.stderr) == (0, "")
    assert "captions.vtt, captions.srt" in done.stdout
    after = content(published)
    assert {name for name in after if before.get(name) != after[name]} <= {"report.json"}
    assert (
        json.loads(after["report.json"])["inputs_fingerprint"]
        == json.loads(before["report.json"])["inputs_fingerprint"]
    )


def test_every_format_is_written_and_the_result_stays_sound(published: Path) -> None:
    formats = ["--caption-formats", "vtt,ttml,ass,txt,json,csv"]
    assert run(published, "--quiet", *formats).stdout == ""
    assert {path.suffix for path in published.glob("captions.*")} == {
        *(".vtt", ".srt", ".ttml", ".ass", ".txt", ".json", ".csv")
    }
    outputs = {output["name"] for output in json.loads((published / "report.json").read_text())["outputs"]}
    assert outputs == {path.name for path in published.iterdir()} - {"report.json"}
    assert verify_session(SESSION, open_output(published.parent, SESSION)).findings == ()


def test_another_profile_gives_other_cues(published: Path) -> None:
    before = webvtt.read(str(published / "captions.vtt")).captions
    assert run(published, "--caption-profile", "podcast").returncode == 0
    after = webvtt.read(str(published / "captions.vtt")).captions
    assert len(after) < len(before)
    report = json.loads((published / "report.json").read_text())
    assert report["tool"]["settings"]["captions"]["profile"]["name"] == "podcast"


def test_a_corrected_text_is_what_is_shown(published: Path) -> None:
    edit(published / "transcript.json", lambda document: document["utterances"][0].update(text="Something else."))
    assert run(published).returncode == 0
    assert "Something else." in (published / "captions.srt").read_text()
    assert verify_session(SESSION, open_output(published.parent, SESSION)).findings == ()


def test_check_writes_nothing_and_says_what_is_too_fast(published: Path) -> None:
    def hurry(document: dict[str, Any]) -> None:
        one = next(one for one in document["utterances"] if one["start_s"] is not None and len(one["text"]) > 40)
        one["end_s"] = one["start_s"] + 0.4

    assert run(published, "--check").returncode == 0
    edit(published / "transcript.json", hurry)
    before = content(published)
    done = run(published, "--check")
    assert done.returncode == 4
    assert "speed" in done.stdout
    assert "the speech itself has" in done.stdout
    found = json.loads(run(published, "--check", "--json").stdout)["sessions"][0]
    assert found["files"] == []
    assert {problem["rule"] for problem in found["problems"]["vtt"] if problem["severity"] == "failure"} >= {"speed"}
    assert content(published) == before


def test_settings_come_from_the_file_and_the_environment(published: Path, tmp_path: Path) -> None:
    (tmp_path / "sessiontool.toml").write_text(
        'caption_profile = "mine"\ncaption_formats = "vtt txt"\ncaption_speakers = false\n'
        "[profiles.mine]\nbase = 'podcast'\nline_cells = 20\n"
    )
    assert run(published, cwd=tmp_path).returncode == 0
    assert "<v" not in (published / "captions.vtt").read_text()
    assert max(map(len, (published / "captions.vtt").read_text().splitlines()[4:])) <= 40
    assert (published / "captions.txt").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--caption-profile", "nosuch"], 2, "the profiles are default, netflix"),
        (["--caption-formats", "sbv"], 2, "the formats are vtt, srt"),
        (["--caption-text", "all"], 2, "heard or generated"),
        (["--caption-timestamp-map", "x"], 2, "must be TICKS or TICKS:MS"),
    ],
)
def test_a_wrong_call_is_refused(published: Path, arguments: list[str], code: int, words: str) -> None:
    before = content(published)
    done = run(published, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert words in done.stderr
    assert content(published) == before


@pytest.mark.parametrize("name", ["transcript.json", "report.json"])
def test_without_a_result_there_is_nothing_to_caption(published: Path, name: str) -> None:
    (published / name).unlink()
    done = run(published)
    assert done.returncode == 3
    assert "sessiontool merge" in done.stderr


@pytest.mark.parametrize("text", ["", "[]", '{"utterances": {}}', "{" * 5000, "\x00"])
def test_a_transcript_that_is_none_is_refused(published: Path, text: str) -> None:
    (published / "transcript.json").write_text(text)
    before = content(published)
    done = run(published)
    assert (done.returncode, done.stderr.count("\n")) == (4, 2)
    assert content(published) == before


def test_a_report_edited_into_nonsense_harms_nothing(published: Path) -> None:
    edit(published / "report.json", lambda document: document.update(outputs=[7, None], tool="x", timeline=[1, {}]))
    result = recaption_session(SESSION, open_output(published.parent, SESSION), CaptionOptions(mark_gaps=True))
    assert result.published
    names = [output["name"] for output in json.loads((published / "report.json").read_text())["outputs"]]
    assert names == ["transcript.json", "captions.vtt", "captions.srt"]


def test_a_published_transcript_gives_the_captions_that_the_merge_wrote(published: Path) -> None:
    """One way from transcript to cues: what was written can be made again from what was written."""
    made = caption(json.loads((published / "transcript.json").read_text()), CaptionOptions())
    assert made.files["captions.srt"] == (published / "captions.srt").read_text()


def test_captions_of_latin_text_wait_for_no_library() -> None:
    program = """
import sys
from sessiontool.captions import CaptionOptions, caption
spoken = {"role": "user", "text": "Hello \u2013 \u201cyes\u201d\u2026", "start_s": 0, "end_s": 2}
caption({"utterances": [spoken]}, CaptionOptions())
print(*sorted({"wcwidth", "pysubs2", "ttconv", "numpy", "pydantic", "webvtt", "srt"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
