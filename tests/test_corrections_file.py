"""Corrections in a file of the user's: read and kept as those beside a log, and nothing is written to the store."""

from __future__ import annotations

import json
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
from places import Place, place_with
from typer.testing import CliRunner

import sessiontool
from sessiontool.cli import app
from sessiontool.documents.corrections import Corrections, lines_by_session, read_corrections
from sessiontool.errors import StorageError
from sessiontool.sessions.corrections_file import read_corrections_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SESSION = "chrome-1s"


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, recorded_session: Callable[[str], Path], tmp_path: Path) -> Place:
    """A store with a session, and corrections of its own: a speaker of u000, a text of u001."""
    found = place_with(recorded_session(SESSION), request, tmp_path)
    lines = [{"id": "u000", "speaker": "Kim"}, {"id": "u001", "text": "As the store has it."}]
    found.put(f"{SESSION}/corrections.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
    return found


def call(*arguments: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(app, [*map(str, arguments)])
    assert done.exit_code == code, done.output
    return done.output


def utterances(folder: Path) -> dict[str, dict[str, Any]]:
    document = json.loads((folder / SESSION / "transcript.json").read_text())
    return {one["id"]: one for one in document["utterances"]}


def test_what_is_corrected_in_a_file_is_kept_and_the_store_is_not_written(place: Place, tmp_path: Path) -> None:
    file, out = tmp_path / "own.jsonl", tmp_path / "out"
    before = {key: place.get(key) for key in list(place.keys())}
    on: list[str | Path] = ["--store", place.url, "--corrections", file]
    assert "there is no" in call("merge", SESSION, *on, "-o", out, code=3)

    told = call("correct", SESSION, *on, "-o", out, "--text", "u000=Mine.", "--drop", "u002", "--restore", "u001")
    assert str(file) in told
    assert {json.loads(line)["session_id"] for line in file.read_text().splitlines()} == {SESSION}
    call("merge", SESSION, *on, "-o", out, "--no-align")
    found = utterances(out)
    assert (found["u000"]["text"], found["u000"]["speaker"]) == ("Mine.", "Kim")
    assert "corrected" not in found["u001"]
    assert "u002" not in found
    call("verify", SESSION, "--store", place.url, "-o", out)

    assert "unchanged" in call("merge", SESSION, *on, "-o", out, "--no-align")
    assert "stale" in call("list", "--store", place.url, "-o", out)  # as it is without the file
    assert "merged" in call("list", *on, "-o", out)
    call("correct", SESSION, *on, "-o", out, "--restore", "u002")
    run: list[str | Path] = ["batch", "--pending", "--settle", "0", "--workers", "1", *on, "-o", out, "--no-align"]
    call(*run)
    assert "u002" in utterances(out)
    assert {key: place.get(key) for key in list(place.keys())} == before


def test_where_the_store_cannot_be_written_the_file_is_offered(
    recorded_session: Callable[[str], Path], tmp_path: Path
) -> None:
    copytree(recorded_session(SESSION), tmp_path / SESSION)
    (tmp_path / SESSION / "corrections.jsonl" / "in-the-way").mkdir(parents=True)
    told = call("correct", SESSION, "--store", tmp_path, "--text", "u000=Mine.", code=5)
    assert "or --corrections FILE keeps them in a file of yours" in told


def test_captions_put_the_files_corrections_into_the_transcript(place: Place, tmp_path: Path) -> None:
    file, out = tmp_path / "own.jsonl", tmp_path / "out"
    call("merge", SESSION, "--store", place.url, "-o", out, "--no-align", "--page")
    logged = utterances(out)["u003"]["text"]
    lines: list[dict[str, Any]] = [
        {"session_id": SESSION, "id": "u003", "text": "Of the file."},
        {"session_id": "other", "id": "u004"},
    ]
    lines += [{"session_id": SESSION, "id": "u005", "drop": True}]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    call("captions", SESSION, "--store", place.url, "-o", out, "--corrections", file)
    found = utterances(out)
    assert (found["u003"]["text"], found["u003"]["logged"]["text"]) == ("Of the file.", logged)
    assert "u005" not in found
    for name in ("captions.srt", "index.html"):
        assert "Of the file." in (out / SESSION / name).read_text()
    call("verify", SESSION, "--store", place.url, "-o", out)
    result = sessiontool.merge(SESSION, store=place.url, output=out, corrections=file, layout="auto")
    assert next(one for one in result.transcript["utterances"] if one["id"] == "u003")["text"] == "Of the file."
    assert result.transcript["dropped"] == ["u005"]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('{"id": "u000", "text": "x"}', "line 1 names no session"),
        ('{"session_id": "a", "id": "u000"}\n[', "line 2 is not valid JSON"),
    ],
)
def test_a_file_that_makes_no_sense_is_named(tmp_path: Path, lines: str, words: str) -> None:
    file = tmp_path / "own.jsonl"
    file.write_text(lines)
    assert words in call("merge", "demo", "--store", tmp_path, "--corrections", file, code=2)
    assert "no file of this machine" in call("merge", "demo", "--corrections", "s3://a/b", code=2)


def test_a_file_that_changed_meanwhile_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "own.jsonl"
    read = read_corrections_file(file, may_be_new=True)
    read = read.written("a", b'{"session_id": "a", "id": "u1", "text": "x"}\n')
    read = read.written("b", b'{"session_id": "b", "id": "u1", "text": "y"}\n')
    assert lines_by_session(file.read_bytes())[0] == read.by_session
    file.write_text("")
    with pytest.raises(StorageError, match="changed since"):
        read.written("a", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["own.jsonl"]
    assert file.read_text() == ""


def test_what_is_read_after_a_base_gives_what_was_wanted() -> None:
    base = Corrections({"a": {"text": "1", "speaker": "x"}, "b": {"drop": True}, "c": {"text": "same"}})
    wanted = Corrections({"a": {"text": "2"}, "c": {"text": "same"}, "d": {"drop": True}})
    found, problems = read_corrections(base.to_jsonl() + wanted.beyond(base).to_jsonl("any"))
    assert ({name: fields for name, fields in found.by_id.items() if fields}, problems) == (wanted.by_id, [])
