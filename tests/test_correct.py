"""Corrections of what was said: written once, kept by every merge, and no edit of a result lost without a word."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
from places import Place, place_with
from typer.testing import CliRunner

from sessiontool.cli import app
from sessiontool.errors import RecordingError
from sessiontool.sessions.caption_edits import CaptionEdits, caption_edits, is_caption_file

if TYPE_CHECKING:
    from collections.abc import Callable

SESSION = "chrome-1s"


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, recorded_session: Callable[[str], Path], tmp_path: Path) -> Place:
    """A store of the test's own, with a session that was merged."""
    found = place_with(recorded_session(SESSION), request, tmp_path)
    run(found, "merge")
    return found


def run(place: Place, command: str, *arguments: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(app, [command, SESSION, *map(str, arguments), "--store", place.url])
    assert done.exit_code == code, done.output
    return done.output


def transcript(place: Place) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(place.get(f"{SESSION}/merged/transcript.json"))
    return found


def edit(place: Place, change: Callable[[list[dict[str, Any]]], object]) -> bytes:
    document = transcript(place)
    change(document["utterances"])
    body = json.dumps(document).encode()
    place.put(f"{SESSION}/merged/transcript.json", body)
    return body


def content(place: Place) -> dict[str, bytes]:
    return {key: place.get(key) for key in list(place.keys())}


def copies(place: Place) -> list[bytes]:
    return [body for key, body in content(place).items() if "transcript.edited-" in key]


def test_a_corrected_text_is_kept_by_every_merge(place: Place) -> None:
    before = transcript(place)["utterances"]
    one, other, last = (before[number]["id"] for number in (0, 1, 2))
    told = run(
        place, "correct", "--text", f"{one}=Something else = entirely.", "--speaker", f"{other}=Kim", "--drop", last
    )
    assert f"sessiontool merge {SESSION}" in told
    for options in ((), ("--force",), ("--no-align",)):
        run(place, "merge", *options)
        document = transcript(place)
        after = {utterance["id"]: utterance for utterance in document["utterances"]}
        assert after[one]["text"] == "Something else = entirely."
        assert (after[one]["corrected"], after[one]["logged"]["text"]) == (True, before[0]["text"])
        assert (after[other]["speaker"], after[other]["corrected"]) == ("Kim", True)
        assert (last in after, document["dropped"]) == (False, [last])
        assert "Something else" in place.get(f"{SESSION}/merged/captions.vtt").decode()
    run(place, "verify")
    assert "unchanged since" in run(place, "merge", "--no-align")  # the corrections are in the fingerprint
    run(place, "correct", "--restore", one, "--restore", other, "--restore", last)
    run(place, "merge")
    assert transcript(place)["utterances"] == before


def test_an_edited_transcript_is_never_overwritten_without_a_word(place: Place) -> None:
    edited = edit(place, lambda found: found[0].update(text="By hand.", speaker="Somebody"))
    kept = content(place)
    assert f"sessiontool correct {SESSION}" in run(place, "merge", "--no-align", code=4)
    assert content(place) == kept
    run(place, "correct")
    run(place, "merge")
    first = transcript(place)["utterances"][0]
    assert (first["text"], first["speaker"], first["corrected"]) == ("By hand.", "Somebody", True)
    assert copies(place) == [edited]
    run(place, "verify")


def test_force_goes_on_and_keeps_a_copy(place: Place) -> None:
    edited = edit(place, lambda found: found[0].update(text="By hand."))
    run(place, "merge", "--force")
    assert transcript(place)["utterances"][0]["text"] != "By hand."
    assert copies(place) == [edited]


def test_captions_of_an_edited_transcript_do_not_make_it_a_merges_own(place: Place) -> None:
    edit(place, lambda found: found.pop(0))
    edit(place, lambda found: found[0].update(text="By hand."))
    run(place, "captions")
    assert "By hand." in place.get(f"{SESSION}/merged/captions.srt").decode()
    run(place, "captions")
    assert "was edited" in run(place, "merge", "--no-align", code=4)
    assert "By hand." in run(place, "correct")
    run(place, "merge")
    assert transcript(place)["utterances"][0]["text"] == "By hand."
    assert len(transcript(place)["dropped"]) == 1


def test_captions_that_were_edited_where_they_are_are_not_overwritten_without_a_word(place: Place) -> None:
    key = f"{SESSION}/merged/captions.vtt"
    first = transcript(place)["utterances"][0]
    word = first["text"].split()[0]
    edited = place.get(key).replace(word.encode(), b"Truly", 1)
    place.put(key, edited)
    kept = content(place)
    assert "sessiontool correct" in run(place, "verify", code=4)
    assert f"sessiontool correct {SESSION}" in run(place, "merge", "--no-align", code=4)
    assert content(place) == kept
    run(place, "correct")
    run(place, "merge")
    assert transcript(place)["utterances"][0]["text"] == first["text"].replace(word, "Truly", 1)
    assert [body for name, body in content(place).items() if "captions.edited-" in name] == [edited]
    run(place, "verify")


@pytest.mark.parametrize("arguments", [("merge", "--force"), ("captions",)])
def test_a_copy_is_kept_of_edited_captions_that_are_made_anew(place: Place, arguments: tuple[str, ...]) -> None:
    key = f"{SESSION}/merged/captions.srt"
    edited = place.get(key) + b"\n99\n00:09:00,000 --> 00:09:01,000\nBy hand.\n"
    place.put(key, edited)
    run(place, *arguments)
    assert b"By hand." not in place.get(key)
    assert [body for name, body in content(place).items() if "captions.edited-" in name] == [edited]
    run(place, "verify")


def test_two_edited_files_are_not_played_off_against_each_other(place: Place) -> None:
    edit(place, lambda found: found[0].update(text="By hand."))
    key = f"{SESSION}/merged/captions.vtt"
    place.put(key, place.get(key) + b"\n00:09:00.000 --> 00:09:01.000\nMore.\n")
    assert "By hand." in run(place, "correct")
    assert "captions.vtt was edited" in run(place, "merge", code=4)
    assert "was edited as well" in run(place, "correct", code=4)
    run(place, "merge", "--force")
    assert transcript(place)["utterances"][0]["text"] == "By hand."
    assert sum(".edited-" in name for name in content(place)) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 3, "nothing to correct"),
        (["--text", "nobody=x"], 3, "there is no utterance 'nobody'"),
        (["--text", "u012"], 2, "is not UTTERANCE="),
        (["--text", "u000=a", "--text", "u000=b"], 2, "names an utterance twice"),
        (["--text", "u000=a", "--drop", "u000"], 2, "'u000' is to become two things"),
        (["--speaker", "u000=Kim", "--restore", "u000"], 2, "'u000' is to become two things"),
        ([Path(__file__).parent], 2, "cannot read"),
        ([Path(__file__)], 4, "the edited file has no captions"),
        (["nowhere.json"], 3, "there is no nowhere.json"),
    ],
)
def test_what_cannot_be_corrected(place: Place, arguments: list[str], code: int, words: str) -> None:
    assert words in run(place, "correct", *arguments, code=code)
    assert f"{SESSION}/corrections.jsonl" not in content(place)


def test_lines_that_make_no_sense_are_named_and_cost_nothing(place: Place) -> None:
    one = transcript(place)["utterances"][0]["id"]
    lines = [
        "[",
        "7",
        '{"id": 7}',
        '{"id": "nobody", "text": "x"}',
        json.dumps({"id": one, "text": 7, "speaker": "Kim"}),
    ]
    place.put(f"{SESSION}/corrections.jsonl", "\n".join(lines).encode())
    run(place, "merge")
    report = json.loads(place.get(f"{SESSION}/merged/report.json"))
    assert [one["code"] for one in report["findings"]].count("correction-not-used") == 5
    assert transcript(place)["utterances"][0]["speaker"] == "Kim"
    assert "corrections.jsonl" in run(place, "correct", "--drop", one, code=4)  # not rewritten without them


def test_a_log_that_needs_the_settings_is_read_with_them(
    recorded_session: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where it is not merged: else each of its utterances would be unknown."""
    folder = Path(copytree(recorded_session(SESSION), tmp_path / "store" / SESSION))
    log = folder / "utterances.jsonl"
    log.write_text(log.read_text(encoding="utf-8").replace('"text"', '"zz"'), encoding="utf-8")
    (tmp_path / "sessiontool.toml").write_text('[log]\ntext = "zz"\n', encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for command in (["correct", SESSION, "--text", "u000=Hello there."], ["inspect", SESSION, "--json"]):
        done = CliRunner().invoke(app, [*command, "--store", "store"])
        assert done.exit_code == 0, done.output
        assert "log-not-read" not in done.output


# -- edited captions


def edits_of(folder: Path, name: str, change: Callable[[str], str]) -> CaptionEdits:
    """What is found in a result's caption file after an edit."""
    transcript, report = (json.loads((folder / one).read_text()) for one in ("transcript.json", "report.json"))
    before = (folder / name).read_text()
    after = change(before)
    return caption_edits(after.encode(), transcript, report)


def texts_of(folder: Path) -> dict[str, str]:
    return {one["id"]: one["text"] for one in json.loads((folder / "transcript.json").read_text())["utterances"]}


@pytest.mark.parametrize("name", ["captions.vtt", "captions.srt"])
@pytest.mark.parametrize("session_id", ["demo", "chrome-load", "chrome-1s"])
def test_captions_that_were_not_edited_correct_nothing(
    merged_session: Callable[[str], Path], session_id: str, name: str
) -> None:
    """Nor do those that were only timed anew, split, or laid out in other lines."""
    folder = merged_session(session_id)
    assert edits_of(folder, name, lambda text: text) == CaptionEdits()
    assert (
        edits_of(folder, name, lambda text: re.sub(r"(\d\d:\d\d:\d\d[.,])\d\d\d", r"\g<1>111", text)) == CaptionEdits()
    )
    one_line = re.compile(r"(?<=[a-z,])\n(?=[a-z])")
    assert edits_of(folder, name, lambda text: one_line.sub(" ", text)) == CaptionEdits()


@pytest.mark.parametrize("name", ["captions.vtt", "captions.srt"])
def test_words_of_edited_captions_become_corrections(merged_session: Callable[[str], Path], name: str) -> None:
    folder = merged_session("demo")
    texts = texts_of(folder)

    def change(text: str) -> str:
        assert text.count("fifteen") == text.count("twenty when") == text.count("painful") == 1
        text = text.replace("fifteen", "about fourteen").replace("twenty when", "twenty, when")
        return text.replace("that sounds painful", "painful that sounds indeed")

    found = edits_of(folder, name, change)
    assert found.texts == {
        "u000": "I would guess around about fourteen hours, maybe twenty, when we close the month.",
        next(one for one, text in texts.items() if "painful" in text): "Okay, painful that sounds indeed.",
    }
    assert (found.speakers, found.dropped) == ({}, [])


def test_a_cue_that_was_deleted_and_a_name_that_was_changed(merged_session: Callable[[str], Path]) -> None:
    folder = merged_session("demo")

    def change(text: str) -> str:
        text = re.sub(r"\n[\d:. >-]+\n<v.assistant Morgan>Go ahead\.</v>\n", "\n", text)
        return text.replace("<v.user Dana>Okay, that", "<v Robin>Okay, that")

    found = edits_of(folder, "captions.vtt", change)
    texts = texts_of(folder)
    assert [texts[one] for one in found.dropped] == ["Go ahead."]
    assert {texts[one]: name for one, name in found.speakers.items()} == {"Okay, that sounds painful.": "Robin"}
    assert found.texts == {}


def test_edited_captions_by_the_command(place: Place, tmp_path: Path) -> None:
    edited = tmp_path / "edited.vtt"
    text = place.get(f"{SESSION}/merged/captions.vtt").decode()
    first = transcript(place)["utterances"][0]
    word = first["text"].split()[0]
    edited.write_text(text.replace(word, "Truly", 1))
    assert "1 corrected" in run(place, "correct", edited)
    run(place, "merge")
    assert transcript(place)["utterances"][0]["text"] == first["text"].replace(word, "Truly", 1)
    assert "Truly" in place.get(f"{SESSION}/merged/captions.srt").decode()
    edited.write_text("WEBVTT\n\n")
    run(place, "correct", edited, code=4)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_captions_as_editors_save_them(merged_session: Callable[[str], Path], encoding: str) -> None:
    """Windows' editors: a byte order mark, other line ends, UTF-16, or an encoding that nothing names."""
    folder = merged_session("demo")
    transcript_, report = (json.loads((folder / name).read_bytes()) for name in ("transcript.json", "report.json"))
    text = (folder / "captions.vtt").read_text(encoding="utf-8").replace("Go ahead.", "Gehen Sie schön zurück, bitte.")
    edited = text.replace("\n", "\r\n").encode(encoding)
    assert is_caption_file(edited)
    found = caption_edits(edited, transcript_, report)
    assert list(found.texts.values()) == ["Gehen Sie schön zurück, bitte."]
    assert (found.speakers, found.dropped) == ({}, [])


def test_captions_of_another_session_correct_nothing(merged_session: Callable[[str], Path]) -> None:
    folder = merged_session("demo")
    said = "The deposit is two months of rent and it is paid back after you leave. The small room has a balcony."
    with pytest.raises(RecordingError, match="words of the edited captions are those that were") as caught:
        edits_of(folder, "captions.vtt", lambda _: f"WEBVTT\n\n00:01.000 --> 00:09.000\n<v Morgan>{said}</v>\n")
    assert "another session" in caught.value.hint


def test_a_transcript_of_another_session_corrects_nothing(place: Place, tmp_path: Path) -> None:
    other = tmp_path / "other.json"
    other.write_text(json.dumps({**transcript(place), "session_id": "other"}))
    assert "is of session 'other'" in run(place, "correct", other, code=4)


@pytest.mark.parametrize(
    "command", [["merge", SESSION, "--force"], ["batch", SESSION, "--workers", "1"], ["get", SESSION]]
)
def test_a_result_does_not_lie_among_what_it_is_made_of(place: Place, command: list[str]) -> None:
    """Its captions and transcript would be strays of the session, which then is never as it was merged."""
    kept = content(place)
    done = CliRunner().invoke(app, [*command, "--store", place.url, "--output", f"{place.url}/"])
    assert done.exit_code == 2, done.output
    assert "is the session's own folder, and no place for its result" in " ".join(done.output.split())
    assert content(place) == kept


def test_the_line_to_type_next_does_what_it_says_when_it_is_pasted(place: Place, tmp_path: Path) -> None:
    """In a shell, from another folder, as the message has it: the store was given by an option."""
    merged = tmp_path / "my results"
    run(place, "merge", "--output", merged)
    edited = merged / SESSION / "transcript.json"
    edited.write_text(edited.read_text().replace('"text"', '"text" ', 1))
    said = {
        "merge": run(place, "merge", "--output", merged, "--no-align", code=4),
        "batch": CliRunner()
        .invoke(app, ["batch", SESSION, "--store", place.url, "--output", str(merged), "--no-align", "--quiet"])
        .output,
    }
    for output in said.values():
        line = " ".join(output.split()).partition("keep the edits: sessiontool ")[2].partition(";")[0]
        assert line == f"correct {SESSION} --store {place.url} --output '{merged}'"
    done = CliRunner().invoke(app, shlex.split(line))
    assert done.exit_code == 0, done.output
    line = " ".join(done.output.split()).partition("next sessiontool ")[2]
    again = CliRunner().invoke(app, shlex.split(line))
    assert (again.exit_code, str(merged) in again.output) == (0, True), again.output
