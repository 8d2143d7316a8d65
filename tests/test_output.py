"""Results outside the store: in a folder or a bucket, by every command that writes or reads them."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
from lambdaruntime import run_lambda
from places import Folder, Prefix, place_with, publish
from s3server import BUCKET
from test_doctor import doctor, failed
from typer.testing import CliRunner

from sessiontool import merge
from sessiontool.cli import app
from sessiontool.errors import BusyError, UsageError
from sessiontool.sessions.report import seal
from sessiontool.storage import open_output, open_results, open_store

if TYPE_CHECKING:
    from collections.abc import Callable

    from s3server import S3Server

SESSIONS = Path(__file__).parent / "data" / "sessions"
SESSION = "chrome-1s"


@pytest.fixture
def results(s3_url: str, s3_client: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Prefix:
    """An empty place for results on S3; the current folder is an empty one of the test's own, and stays so."""
    monkeypatch.chdir(tmp_path)
    return Prefix(s3_url, s3_client)


def stored(place: Prefix) -> set[str]:
    return set(place.keys())


def run(*arguments: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == code, done.output
    return done.output


@pytest.mark.parametrize("name", ["audio.webm", "captions.vtt"])
@pytest.mark.parametrize("where", ["folder", "bucket"])
def test_a_result_that_lacks_a_file_is_made_again(
    request: pytest.FixtureRequest, recorded_session: Callable[[str], Path], tmp_path: Path, where: str, name: str
) -> None:
    """By a rule of the bucket that deletes what is old, or by hand: it was called unchanged, night after night."""
    request.param = where
    place = place_with(recorded_session(SESSION), request, tmp_path)
    command = ("batch", SESSION, "--no-align", "--store", place.url, "--json")
    assert '"unchanged"' not in run(*command).splitlines()[0]
    assert '"status": "unchanged"' in run(*command)
    place.delete(f"{SESSION}/merged/{name}")
    assert '"status": "unchanged"' not in run(*command)
    assert place.get(f"{SESSION}/merged/{name}")
    assert '"status": "unchanged"' in run(*command)


@pytest.mark.parametrize("outputs", [[], "audio.webm", [7], [{"name": ["audio.webm"]}], [{"name": "../session.json"}]])
def test_what_a_report_lists_is_not_believed(
    recorded_session: Callable[[str], Path], tmp_path: Path, outputs: Any
) -> None:
    """With its hash made anew, as whoever may write there can: it is no whole result, and no error."""
    place = Folder(tmp_path)
    copytree(recorded_session(SESSION), tmp_path / SESSION)
    command = ("batch", SESSION, "--no-align", "--store", place.url, "--json")
    run(*command)
    report = json.loads(place.get(f"{SESSION}/merged/report.json")) | {"outputs": outputs}
    seal(report)
    place.put(f"{SESSION}/merged/report.json", json.dumps(report).encode())
    place.delete(f"{SESSION}/merged/audio.webm")
    run(*command)
    assert place.get(f"{SESSION}/merged/audio.webm")


def test_every_command_works_on_results_in_a_bucket(results: Prefix, tmp_path: Path) -> None:
    where = ("--store", SESSIONS, "--output", results.url)
    assert f"{results.url}/{SESSION}" in run("merge", SESSION, *where)
    assert f"{SESSION}/report.json" in stored(results)
    before = results.get(f"{SESSION}/audio.webm")
    assert "unchanged since" in run("merge", SESSION, *where)
    run("verify", SESSION, *where)
    run("captions", SESSION, *where, "--caption-formats", "txt")
    assert f"{SESSION}/captions.txt" in stored(results)
    run("merge", SESSION, *where, "--force")  # replaced by way of a staging prefix, of which nothing stays
    assert results.get(f"{SESSION}/audio.webm") == before
    assert not [key for key in stored(results) if ".sessiontool" in key]
    results.put(f"{SESSION}/audio.webm", before[:-1])
    run("verify", SESSION, *where, code=4)
    assert list(tmp_path.iterdir()) == []


def test_a_batch_puts_results_into_another_bucket(results: Prefix, tmp_path: Path) -> None:
    where = ("--store", SESSIONS, "--output", results.url, "--workers", "2")
    run("batch", SESSION, "chrome-mono", *where)
    assert {f"{SESSION}/report.json", "chrome-mono/report.json"} <= stored(results)
    assert "2 unchanged" in run("batch", SESSION, "chrome-mono", *where)
    assert list(tmp_path.iterdir()) == []


def test_the_variable_and_the_python_interface_take_a_bucket(
    results: Prefix, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert merge(SESSION, store=SESSIONS, output=results.url).location == f"{results.url}/{SESSION}"
    monkeypatch.setenv("SESSIONTOOL_OUTPUT", results.url)
    assert "unchanged since" in run("merge", SESSION, "--store", SESSIONS)
    assert list(tmp_path.iterdir()) == []


def test_from_one_prefix_into_another_in_lambda(s3_server: S3Server, s3_client: Any) -> None:
    store, output = (Prefix(f"s3://{BUCKET}/{uuid.uuid4().hex}", s3_client) for _ in range(2))
    for path in filter(Path.is_file, (SESSIONS / SESSION).rglob("*")):
        store.put(str(path.relative_to(SESSIONS)), path.read_bytes())
    settings = {"SESSIONTOOL_STORE": store.url, "SESSIONTOOL_OUTPUT": output.url}
    with run_lambda({**s3_server.environment(), **settings}) as function:
        answer = function.invoke({"session_id": SESSION})
    assert answer.body["location"] == f"{output.url}/{SESSION}"
    assert f"{SESSION}/report.json" in stored(output)
    assert not [key for key in stored(store) if "merged" in key]


def test_one_run_at_a_time_and_the_old_result_until_the_new_one_is_whole(results: Prefix) -> None:
    target = open_output(results.url, "s1")
    publish(target, "audio.webm", report=b"old")
    with target.workspace(), pytest.raises(BusyError, match="another run is at work"), target.workspace():
        pass
    with suppress(RuntimeError), target.workspace() as work:
        (work / "audio.webm").write_text("half")
        target.send_ahead("audio.webm", work / "audio.webm")
        raise RuntimeError
    assert results.keys() == ["s1/audio.webm", "s1/report.json"]
    assert (target.read("report.json"), results.get("s1/audio.webm")) == (b"old", b"new audio.webm")


_KILLED = """
import os, sys
from sessiontool.sessions.report import seal
from sessiontool.storage import open_output
target = open_output(sys.argv[1], "s1")
with target.workspace() as work:
    (work / "audio.webm").write_text("half")
    target.send_ahead("audio.webm", work / "audio.webm")
    os._exit(9)
"""


def test_a_killed_run_leaves_the_old_result(results: Prefix) -> None:
    publish(open_output(results.url, "s1"), "audio.webm", report=b"old")
    assert subprocess.run([sys.executable, "-c", _KILLED, results.url], check=False).returncode == 9
    assert (results.get("s1/report.json"), results.get("s1/audio.webm")) == (b"old", b"new audio.webm")


def test_purge_finds_what_is_in_another_bucket(results: Prefix, tmp_path: Path) -> None:
    store = tmp_path / "store"
    session = store / SESSION
    for path in filter(Path.is_file, (SESSIONS / SESSION).rglob("*")):
        copied = store / path.relative_to(SESSIONS)
        copied.parent.mkdir(parents=True, exist_ok=True)
        copied.write_bytes(path.read_bytes())
    where = ("--store", store, "--output", results.url)
    run("merge", SESSION, *where)
    run("purge", SESSION, *where, "--all-after", "0", "--yes")
    assert results.keys() == []
    assert not session.exists()


def test_doctor_tries_the_place_that_it_names(results: Prefix, monkeypatch: pytest.MonkeyPatch) -> None:
    code, checks = doctor("--store", SESSIONS, "--output", results.url)
    assert (code, failed(checks)) == (0, set())
    assert {"output credentials", "output bucket", "output write", "output conditional write"} <= set(checks)
    assert results.url in checks["output write"]["what"]
    assert results.keys() == []
    assert failed(doctor("--store", SESSIONS, "--output", "s3://no-such-bucket/x")[1]) == {"output bucket"}
    assert failed(doctor("--store", SESSIONS, "--output", "gs://x/y")[1]) == {"output"}
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "reader")
    assert failed(doctor("--store", SESSIONS, "--output", results.url)[1]) == {"output write"}


@pytest.mark.parametrize("place", ["gs://bucket/x", "s3:/bucket/x", "s3:bucket", "S3:/x", "file://host/x", "s3://"])
def test_what_is_no_place_for_results(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        open_results(place)
    with pytest.raises(UsageError):
        open_store(place)
    for command in ("merge", "verify", "captions"):
        assert "hint: " in run(command, SESSION, "--store", SESSIONS, "--output", place, code=2)
    line = run("batch", SESSION, "--store", SESSIONS, "--output", place, "--json", code=2)
    assert "hint: " in line
    assert "hint: " in run("events", SESSION, "--store", SESSIONS, "--to-utterances", "--output", place, code=2)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_may_be_a_url(tmp_path: Path) -> None:
    run("merge", SESSION, "--store", SESSIONS, "--output", f"file://{tmp_path}/re%20sults")
    assert json.loads((tmp_path / "re sults" / SESSION / "report.json").read_bytes())["status"] == "complete"
