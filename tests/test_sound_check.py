"""`sessiontool check`: each thing that can be wrong with a page that records, made and heard."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from conftest import store_of
from second_opinion import need
from typer.testing import CliRunner

from sessiontool.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

VOICE, OTHER = "0.3*sin(2*PI*300*t)*gt(sin(2*PI*t/3),0)", "0.3*sin(2*PI*700*t)*lt(sin(2*PI*t/3),0)"


def check(session_id: str, store: Path) -> tuple[int, str, dict[str, dict[str, Any]]]:
    """Exit code, status, and the checks by their names."""
    done = CliRunner().invoke(app, ["check", session_id, "--store", str(store), "--json"])
    assert done.exit_code in {0, 4}, done.output
    (document,) = json.loads(done.stdout)["sessions"]
    return done.exit_code, document["status"], {one["name"]: one for one in document["checks"]}


def record(store: Path, left: str, right: str = "", bit_rate: str = "64k") -> None:
    """A session of ten seconds with these sounds, as FFmpeg's `aevalsrc` writes them."""
    target = store / "s1" / "chunks" / "000" / "000000.webm"
    target.parent.mkdir(parents=True)
    sound = f"aevalsrc='{left}{'|' if right else ''}{right}':s=48000:d=10"
    argv = [
        need("ffmpeg"),
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        sound,
        "-c:a",
        "libopus",
        "-b:a",
        bit_rate,
        "-vbr",
        "off",
    ]
    subprocess.run([*argv, str(target)], check=True, capture_output=True, timeout=60)


def change(folder: Path, name: str, edit: Callable[[Any], Any]) -> None:
    path = folder / name
    path.write_text(json.dumps(edit(json.loads(path.read_text()))))


@pytest.mark.parametrize("session_id", ["demo", "chrome-load", "firefox-pause", "chrome-mono"])
def test_a_recording_that_is_good(session_id: str) -> None:
    code, _, checks = check(session_id, store_of(session_id))
    wrong = {name for name, one in checks.items() if one["status"] != "ok"}
    assert code == 0
    assert wrong <= {"recording"}  # a starved page is said there
    assert {"clipping", "bit rate", "log", "clock"} <= set(checks)


def test_a_silent_microphone() -> None:
    code, status, checks = check("chrome-silence", store_of("chrome-silence"))
    assert (code, status) == (4, "failed")
    assert checks["left, user"]["status"] == "failed"
    assert "microphone" in checks["left, user"]["hint"]
    assert checks["right, assistant"]["status"] == "ok"


def test_a_silent_assistant_is_a_missing_media_element(tmp_path: Path) -> None:
    record(tmp_path, VOICE, "0")
    code, _, checks = check("s1", tmp_path)
    assert code == 4
    assert checks["right, assistant"]["status"] == "failed"
    assert "media element" in checks["right, assistant"]["hint"]


def test_two_voices_without_a_log(tmp_path: Path) -> None:
    record(tmp_path, VOICE, OTHER)
    code, status, checks = check("s1", tmp_path)
    assert (code, status) == (0, "warning")
    assert [name for name, one in checks.items() if one["status"] != "ok"] == ["log"]


@pytest.mark.parametrize(
    ("name", "left", "right", "bit_rate"),
    [
        ("channels", VOICE, VOICE, "64k"),
        ("channels", VOICE, "", "64k"),
        ("clipping", f"min(0.999,max(-0.999,9*{VOICE}))", OTHER, "64k"),
        ("bit rate", VOICE, OTHER, "24k"),
    ],
    ids=["the same on both", "mono", "clipping", "24 kbit/s"],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, left: str, right: str, bit_rate: str) -> None:
    record(tmp_path, left, right, bit_rate)
    _, status, checks = check("s1", tmp_path)
    assert status == "warning"
    assert {name} <= {one for one, found in checks.items() if found["status"] == "warning"} <= {name, "log"}
    assert checks[name]["hint"]


def test_roles_that_are_swapped(copy: Callable[[str], Path], tmp_path: Path) -> None:
    change(copy("demo"), "session.json", lambda document: document | {"channels": ["assistant", "user"]})
    _, _, checks = check("demo", tmp_path / "store")
    assert checks["roles"]["status"] == "warning"


def test_clocks_that_are_apart(copy: Callable[[str], Path], tmp_path: Path) -> None:
    log = copy("demo") / "utterances.jsonl"
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    for line in lines:
        line |= {"t_start": line["t_start"] + 3, "t_end": line["t_end"] + 3}
    log.write_text("".join(json.dumps(line) + "\n" for line in lines))
    _, _, checks = check("demo", tmp_path / "store")
    assert checks["clock"]["status"] == "warning"
    assert "-30" in checks["clock"]["what"] or "-29" in checks["clock"]["what"]


def test_a_missing_chunk_is_said(copy: Callable[[str], Path], tmp_path: Path) -> None:
    (copy("demo") / "chunks" / "000" / "000002.webm").unlink()
    _, _, checks = check("demo", tmp_path / "store")
    assert checks["recording"]["status"] == "warning"


def test_for_people_it_is_a_list_and_nothing_is_written(copy: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copy("chrome-silence")
    before = sorted(folder.rglob("*"))
    done = CliRunner().invoke(app, ["check", "chrome-silence", "--store", str(tmp_path / "store")])
    assert done.exit_code == 4
    assert done.stdout.startswith("chrome-silence: failed\nFAILED  left, user")
    assert sorted(folder.rglob("*")) == before


def test_a_session_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["check", "nothing", "--store", str(tmp_path)])
    assert done.exit_code == 3
    assert "Traceback" not in done.output
