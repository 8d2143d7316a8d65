"""Corrections of what was said: written once, kept by every merge, and no edit of a result lost without a word."""

from __future__ import annotations

import json
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
from places import Folder, Place, Prefix
from typer.testing import CliRunner

from sessiontool.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable

SESSION = "chrome-1s"


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, recorded_session: Callable[[str], Path], tmp_path: Path) -> Place:
    """A store of the test's own, with a session that was merged."""
    found: Place = Folder(tmp_path / "store")
    if request.param == "bucket":
        found = Prefix(request.getfixturevalue("s3_url"), request.getfixturevalue("s3_client"))
    folder = recorded_session(SESSION)
    for path in filter(Path.is_file, folder.rglob("*")):
        found.put(f"{SESSION}/{path.relative_to(folder).as_posix()}", path.read_bytes())
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


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 3, "nothing to correct"),
        (["--text", "nobody=x"], 3, "there is no utterance 'nobody'"),
        (["--text", "u012"], 2, "is not UTTERANCE="),
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
