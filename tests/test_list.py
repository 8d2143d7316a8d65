"""`sessiontool list`, patterns of ids, `report` and `get`: against folders and a real S3 server."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from s3server import BUCKET
from typer.testing import CliRunner

from sessiontool import MergeOptions, merge
from sessiontool.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable

    from faultproxy import FaultProxy
    from s3server import S3Server

SESSIONS = Path(__file__).parent / "data" / "sessions"
WHOLE = "chrome-silence"


def run(*arguments: str | Path, code: int = 0) -> str:
    done = CliRunner().invoke(app, list(map(str, arguments)))
    assert done.exit_code == code, done.output
    return done.output if code else done.stdout


def listed(*arguments: str | Path) -> dict[str, dict[str, Any]]:
    document = json.loads(run("list", *arguments, "--json"))
    assert document["schema"] == "sessiontool.list/1"
    return {one["session_id"]: one for one in document["sessions"]}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of each state, of one short recording; `stale` was merged before its last chunk came."""
    root = tmp_path_factory.mktemp("states")
    old_s = time.time() - 9 * 86_400
    for name in ("merged", "none", "partial", "purged", "recording", "stale"):
        shutil.copytree(SESSIONS / WHOLE, root / name)
        for chunk in (root / name).rglob("*.webm"):
            os.utime(chunk, (old_s, old_s) if name != "recording" else None)
    (root / "recording" / "session.json").unlink()
    chunks = sorted((root / "partial" / "chunks").rglob("*.webm"))
    chunks[1].unlink()
    last = max((root / "stale" / "chunks").rglob("*.webm"))
    late = last.rename(root / "late.webm")
    for name in ("merged", "partial", "purged", "stale"):
        merge(name, store=root, options=MergeOptions(align=False))
    late.rename(last)
    shutil.rmtree(root / "purged" / "chunks")
    return root


STATES = {name: name for name in ("merged", "none", "partial", "recording", "stale")} | {"purged": "merged"}


def upload(url: str, client: Any, folder: Path) -> None:
    prefix = url.partition(f"{BUCKET}/")[2]
    for path in filter(Path.is_file, folder.rglob("*")):
        client.put_object(Bucket=BUCKET, Key=f"{prefix}/{path.relative_to(folder)}", Body=path.read_bytes())


def test_a_store_is_listed_with_states_lengths_and_codes(made: Path) -> None:
    found = listed("-s", made)
    assert {name: one["state"] for name, one in found.items()} == STATES
    report = json.loads((made / "partial" / "merged" / "report.json").read_text())
    assert found["partial"]["duration_s"] == report["duration_s"]
    assert found["partial"]["codes"]["chunk-missing"] == 1
    assert found["partial"]["lost_s"] > 1
    assert set(listed("-s", made, "--status", "partial,stale")) == {"partial", "stale"}
    assert set(listed("-s", made, "--since", "1d")) == {"purged", "recording"}, "a purged one by its result"
    assert set(listed("-s", made, "*r*", "none")) == {"merged", "partial", "purged", "recording", "none"}
    lines = run("list", "-s", made).splitlines()
    assert len(lines) == len(STATES)
    assert all(len(line) <= 120 for line in lines)
    rows = list(csv.DictReader(run("list", "-s", made, "--csv").splitlines()))
    assert {row["session_id"]: row["state"] for row in rows} == STATES
    assert "chunk-missing:1" in rows[2]["codes"]


def test_results_made_with_other_options_or_captioned_again_are_not_stale(made: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(made / "merged", tmp_path / "store" / "merged", copy_function=shutil.copy2)).parent
    run("merge", "merged", "-s", store, "--no-align", "--pauses", "keep")
    run("captions", "merged", "-s", store, "--caption-profile", "netflix")
    assert listed("-s", store)["merged"]["state"] == "merged"


def test_results_elsewhere(made: Path, tmp_path: Path) -> None:
    assert {one["state"] for one in listed("-s", made, "-o", tmp_path / "nowhere").values()} == {"none", "recording"}
    run("merge", "none", "-s", made, "-o", tmp_path / "out", "--no-align")
    assert listed("-s", made, "-o", tmp_path / "out")["none"]["state"] == "merged"
    assert listed("-s", made, "-o", tmp_path / "out")["merged"]["state"] == "none"


def test_a_bucket_keeps_an_index(
    made: Path,
    s3_url: str,
    s3_client: Any,
    s3_server: S3Server,
    fault_proxy: FaultProxy,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A later run asks for those reports alone that changed; who may not write lists as well."""
    upload(s3_url, s3_client, made)
    run("merge", "merged", "partial", "-s", s3_url, "--no-align")
    fault_proxy.requests.clear()
    prefix = s3_url.partition(f"{BUCKET}/")[2]

    def reports() -> int:
        return fault_proxy.count("GET", "report.json")

    for name, value in s3_server.environment("reader", endpoint=fault_proxy.endpoint).items():
        monkeypatch.setenv(name, value)
    by_reader = listed("-s", s3_url)
    for name, value in s3_server.environment(endpoint=fault_proxy.endpoint).items():
        monkeypatch.setenv(name, value)
    first, read = listed("-s", s3_url), reports()
    assert {name: one["state"] for name, one in first.items()} == STATES
    assert by_reader == first
    assert read == 8, "four reports, by each of the two"
    assert listed("-s", s3_url) == first
    assert reports() == read
    key = f"{prefix}/merged/merged/report.json"
    s3_client.put_object(Bucket=BUCKET, Key=key, Body=b"{}")
    changed = listed("-s", s3_url)
    assert (changed["merged"]["state"], changed["merged"]["problem"] != "") == ("stale", True)
    assert reports() == read + 1
    s3_client.put_object(Bucket=BUCKET, Key=f"{prefix}/.sessiontool/index.json.gz", Body=b"broken")
    assert listed("-s", s3_url) == changed
    planned = run("batch", "--all", "-s", s3_url, "--plan").splitlines()
    assert planned[-1].startswith(f"{len(STATES)} sessions"), "the index is none"


def test_patterns_in_commands_that_take_ids(made: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    for name in ("a-1", "a-2", "b-1"):
        shutil.copytree(made / "none", store / name)
    assert run("merge", "a-*", "a-1", "-s", store, "--no-align", "--json").count('"session_id": "a-') == 4
    assert not (store / "b-1" / "merged").exists()
    assert "no session in" in run("verify", "c-*", "-s", store, code=3)
    assert run("verify", "*-[12]", "-s", store, code=3).count(": sound (") == 2
    assert len(run("batch", "?-1", "-s", store, "--plan").splitlines()) == 3
    assert "a-*" in run("batch", "a-*", "-s", tmp_path, "--plan", code=3)
    both = run("batch", "b-*", "z-*", "-s", store, "--no-align", "--workers", "1", code=3)
    assert "is like 'z-*'" in both
    assert (store / "b-1" / "merged" / "report.json").exists(), "one pattern that is wrong does not end the others"
    assert "is like 'z-*'" in run("merge", "z-*", "a-*", "-s", store, "--no-align", code=3)


def test_the_report_of_a_run_is_a_table(made: Path, tmp_path: Path) -> None:
    report = tmp_path / "run.jsonl"
    store = Path(shutil.copytree(made, tmp_path / "store", copy_function=shutil.copy2))
    (store / "empty").mkdir()
    run("batch", "--all", "-s", store, "--no-align", "--report", report, "--workers", "1", code=4)
    lines = run("report", report).splitlines()
    assert any(line.startswith("empty ") and "failed" in line and "has no chunks" in line for line in lines)
    assert lines[-1].startswith("not shown: ")
    assert "merged" not in {line.split()[0] for line in lines}
    assert "merged" in {line.split()[0] for line in run("report", report, "--every").splitlines()}
    rows = list(csv.DictReader(run("report", report, "--csv", "--status", "failed").splitlines()))
    assert [(row["session_id"], row["exit_code"]) for row in rows] == [("empty", "4")]
    report.write_text('{"type": "session", "session_id": 7, "status": null, "codes": 3, "duration_s": "x"}\n')
    assert "None" in run("report", report)
    report.write_text("no report")
    assert "is no line of a report" in run("report", report, code=2)


@pytest.mark.parametrize("place", ["folder", "s3"])
def test_a_result_is_fetched_whole_or_not_at_all(
    place: str, made: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    store: str | Path = shutil.copytree(made, tmp_path / "store")
    if place == "s3":
        store = request.getfixturevalue("s3_url")
        upload(str(store), request.getfixturevalue("s3_client"), made)
    out = tmp_path / "out"
    published = made / "merged" / "merged"
    assert f"{len(list(published.iterdir()))} files" in run("get", "merged", "-s", store, "-o", out)
    assert {path.name: path.read_bytes() for path in (out / "merged").iterdir()} == {
        path.name: path.read_bytes() for path in published.iterdir()
    }
    assert "already" in run("get", "merged", "-s", store, "-o", out)
    (out / "merged" / "captions.vtt").write_text("edited")
    assert "was changed since it was fetched" in run("get", "merged", "-s", store, "-o", out, code=4)
    assert (out / "merged" / "captions.vtt").read_text() == "edited"
    run("get", "merged", "-s", store, "-o", out, "--force")
    assert run("verify", "merged", "-s", store, "-o", out)
    assert "merge the session first" in run("get", "none", "-s", store, "-o", out, code=3)
    assert "--output DIR" in run("get", "merged", "-s", store, code=2)


def test_a_result_that_is_damaged_is_not_fetched(copy: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copy(WHOLE)
    run("merge", WHOLE, "-s", folder.parent, "--no-align")
    with (folder / "merged" / "audio.webm").open("r+b") as file:
        file.write(b"x")
    assert "is not what its report says" in run("get", WHOLE, "-s", folder.parent, "-o", tmp_path / "out", code=4)
    assert not (tmp_path / "out" / WHOLE / "report.json").exists()


def test_a_list_that_is_cut_off_by_its_reader(made: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {sys.executable} -m sessiontool list -s {made} | head -n 1"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, len(done.stdout.splitlines()), done.stderr) == (0, 1, "")
