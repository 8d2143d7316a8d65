"""Runs that no one watches: what is said of damaged sessions, when again, by which exit code, and to whom."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from sessiontool.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROJECT = Path(__file__).parent.parent


def batch(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "sessiontool", "batch", *map(str, arguments), "--workers", "1"]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)


def entries(report: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in report.read_text().splitlines()]


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sessions of six seconds: `whole`; `partial`, that lacks a chunk; `warned`, whose log is not in it."""
    folder = tmp_path_factory.mktemp("pattern")
    for name, faults in (("whole", ()), ("partial", ("missing:1",)), ("warned", ())):
        more = [option for fault in faults for option in ("--fault", fault)]
        made = ["simulate", str(folder / name), "--seconds", "6", "--timeslice-ms", "2000", "--quiet", *more]
        assert CliRunner().invoke(app, made).exit_code == 0
        (folder / name / "truth.json").unlink()
    (folder / "warned" / "utterances.jsonl").rename(folder / "warned" / "what-was-said.jsonl")
    return folder


@pytest.fixture
def store(pattern: Path, tmp_path: Path) -> Path:
    root = Path(shutil.copytree(pattern, tmp_path / "store"))
    (root / "empty").mkdir()
    return root


@pytest.mark.parametrize(
    ("options", "merged", "run"),
    [
        ((), {"whole": 0, "partial": 0, "warned": 0, "empty": 4}, 4),
        (("--fail-on", "partial"), {"whole": 0, "partial": 4, "warned": 0, "empty": 4}, 4),
        (("--fail-on", "warning"), {"whole": 0, "partial": 4, "warned": 4, "empty": 4}, 4),
    ],
)
def test_what_an_exit_code_says(store: Path, options: Sequence[str], merged: dict[str, int], run: int) -> None:
    done = batch("--all", "-s", store, "--no-align", "--json", *options)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert {line["session_id"]: line["exit_code"] for line in lines if line["type"] == "session"} == merged
    assert done.returncode == run
    assert (store / "partial" / "merged" / "report.json").exists()
    for name, code in merged.items():  # alone it is the same, and said again of a result that is there already
        alone = ["merge", name, "-s", str(store), "--no-align", *options]
        assert CliRunner().invoke(app, alone).exit_code == code


def test_lines_and_report_name_the_codes(store: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.jsonl"
    done = batch("partial", "warned", "whole", "-s", store, "--no-align", "--report", report)
    assert re.search(r"^partial: partial, .* s of it lost; findings: chunk-missing, s", done.stdout, re.MULTILINE)
    assert re.search(r"^warned: complete, .* chunks; findings: no-utterances$", done.stdout, re.MULTILINE)
    codes = {line["session_id"]: line.get("codes") for line in entries(report)[:-1]}
    assert codes == {"partial": {"chunk-missing": 1, "sound-lost": 1}, "warned": {"no-utterances": 1}, "whole": None}


def test_each_is_announced_once_and_again_when_it_changed(store: Path, tmp_path: Path) -> None:
    report = tmp_path / "night.jsonl"

    def night(*more: str) -> list[str]:
        return batch("--all", "-s", store, "--no-align", "--quiet", "--report", report, *more).stderr.splitlines()

    first = night()
    assert sorted(line for line in first if not line.startswith("hint: ")) == [
        "error: empty: session empty has no chunks",
        "warning: partial: partial, 2.04 s of it lost; findings: chunk-missing, sound-lost",
        "warning: warned: complete; findings: no-utterances",
    ]
    assert night() == [f"1 session failed as announced before; sessiontool report {report} names them"]
    assert "announced_at" in next(line for line in entries(report) if line["session_id"] == "partial")
    assert len(night("--force")) == 1, "merged anew, with nothing new to say"

    (store / "partial" / "chunks" / "000" / "000002.webm").unlink()
    changed = night()
    assert [line.split(":")[1] for line in changed if line.startswith("warning")] == [" partial"]

    batch("whole", "-s", store, "--no-align", "--quiet", "--report", report)  # a run that comes to one of them alone
    assert [line["type"] for line in entries(report)].count("announced") == 3
    assert len(night("--force")) == 1
    report.write_text("not a report\n")
    assert len([line for line in night("--force") if not line.startswith("hint: ")]) == 3


def test_results_of_other_options_are_left_alone_and_said(pattern: Path, tmp_path: Path) -> None:
    store = Path(shutil.copytree(pattern, tmp_path / "store"))

    def night(*more: str) -> dict[str, tuple[str, str]]:
        done = batch("--pending", "--settle", "0", "-s", store, "--no-align", "--json", *more)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return {one["session_id"]: (one["status"], one.get("reason", "")) for one in lines if one["type"] == "session"}

    assert {status for status, _ in night().values()} == {"complete", "partial"}
    merged = {path: path.stat().st_mtime_ns for path in store.glob("*/merged/report.json")}
    other = ("--pauses", "keep")
    left = ("skipped", "merged with other options; --remerge does it again")
    assert night(*other) == dict.fromkeys(("whole", "partial", "warned"), left)
    assert {path: path.stat().st_mtime_ns for path in merged} == merged
    (store / "whole" / "utterances.jsonl").write_text("")  # changed since: its turn, whatever the options
    assert night(*other, "--plan")["whole"] == ("planned", "every part was stopped, and its chunks are there")
    done = night(*other, "--remerge")
    assert {name: status for name, (status, _) in done.items()} == {
        "whole": "complete",
        "partial": "partial",
        "warned": "complete",
    }
    assert {status for status, _ in night(*other).values()} == {"unchanged"}


def test_a_command_gets_the_run(store: Path, tmp_path: Path) -> None:
    got = tmp_path / "got.json"
    done = batch("--all", "-s", store, "--no-align", "--notify", f"cat > {got}; echo sent", "--no-fail")
    assert (done.returncode, done.stderr) == (0, "sent\n")
    run = json.loads(got.read_text())
    assert (run["sessions"], run["by_status"]["partial"], run["error"]) == (4, 1, None)
    assert {one["session_id"] for one in run["announced"]} == {"empty", "partial", "warned"}
    assert run["call"].startswith("sessiontool batch --all -s")

    broken = batch("whole", "-s", store, "--no-align", "--notify", "exit 7", "--quiet")
    assert (broken.returncode, broken.stderr) == (1, "--notify exit 7: exit code 7\n")

    missing = batch("--all", "-s", tmp_path / "nowhere", "--notify", f"cat > {got}", "--quiet")
    assert missing.returncode == 3
    assert "does not exist" in json.loads(got.read_text())["error"], "a night that could not begin is announced too"


NIGHTS, SESSIONS, CORRECTED = 3, 50, 5


def chunk(folder: Path, number: int) -> Path:
    return next(folder.rglob(f"{number:06d}.webm"))


HURT: dict[str, Callable[[Path], object]] = {  # a tenth of them, each in another way
    "n05": lambda folder: chunk(folder, 1).unlink(),  # a chunk was never uploaded
    "n15": lambda folder: chunk(folder, 0).write_bytes(b"<html>502 Bad Gateway</html>"),
    "n25": lambda folder: (folder / "utterances.jsonl").write_text("not a log"),
    "n35": lambda folder: [path.write_bytes(bytes(2000)) for path in folder.rglob("*.webm")],
    "n45": lambda folder: os.truncate(chunk(folder, 2), 900),
}


def documented_script() -> str:
    """The script of docs/cron.md, as it is."""
    page = (PROJECT / "docs" / "cron.md").read_text()
    found = re.search(r"```sh nightly.sh\n(.*?)```", page, re.DOTALL)
    assert found is not None
    return found[1]


def test_three_nights_by_the_documented_script(pattern: Path, tmp_path: Path) -> None:
    """Each damaged session is announced once, again when it changed, and what people corrected stays."""
    store = tmp_path / "recordings"
    for number in range(SESSIONS):
        shutil.copytree(pattern / "whole", store / f"n{number:02d}")
    for name, hurt in HURT.items():
        hurt(store / name)
    for path in store.rglob("*"):
        os.utime(path, (path.stat().st_mtime - 7200,) * 2)  # it is night: what was recorded has ended
    (tmp_path / "nightly.sh").write_text(documented_script())
    around = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    first = json.loads((store / "n00" / "utterances.jsonl").read_text().splitlines()[0])["text"]
    corrected = [f"n{number:02d}" for number in range(0, SESSIONS, SESSIONS // CORRECTED)]

    mails = []
    for night in range(NIGHTS):
        done = subprocess.run(["sh", tmp_path / "nightly.sh"], env=around, capture_output=True, text=True, check=False)
        assert (done.stdout, done.returncode) == ("", 4), done.stderr
        mails.append(done.stderr)
        if night == 0:
            for name in corrected:
                said = (
                    *("correct", name, "-s", str(store), "-o", str(tmp_path / "merged")),
                    "--text",
                    f"u000={first} {name}",
                )
                assert CliRunner().invoke(app, said).exit_code == 0
        if night == 1:  # another chunk of one is lost, and the log of another is mended
            chunk(store / "n05", 2).unlink()
            shutil.copyfile(store / "n00" / "utterances.jsonl", store / "n25" / "utterances.jsonl")

    named = [sorted(set(re.findall(r"^(?:error|warning): (n\d\d):", mail, re.MULTILINE))) for mail in mails]
    assert named == [sorted(HURT), [], ["n05"]], mails
    assert mails[1].splitlines() == [
        "1 session failed as announced before; sessiontool report last-night.jsonl names them"
    ]
    assert {line["session_id"] for line in entries(tmp_path / "last-night.jsonl") if "announced_at" in line} == {
        "n05", "n15", "n35", "n45",
    }  # fmt: skip
    for name in corrected:
        transcript = json.loads((tmp_path / "merged" / name / "transcript.json").read_text())
        assert transcript["utterances"][0]["text"] == f"{first} {name}"
