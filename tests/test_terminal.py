"""What a person at a terminal sees: width, colour, progress, completion by a real shell, the line to type."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, cast

import pytest
from s3server import BUCKET
from terminals import raw, screen
from typer.testing import CliRunner

from sessiontool.captioning.cell_width import cells
from sessiontool.cli import COMMANDS, app
from sessiontool.console.terminal import for_terminal
from sessiontool.views.table import Row

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).parent.parent
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def argv(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "sessiontool", *map(str, arguments)]


def on_terminal(columns: int, *arguments: str | Path, **around: str) -> str:
    """All that is written to a terminal of so many columns."""
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
    return raw(columns, argv(*arguments), environment | {"TERM": "xterm"} | around)[1]


def on_screen(columns: int, *arguments: str | Path, **around: str) -> list[str]:
    """The lines that are left on it, the bars gone."""
    return screen(on_terminal(columns, *arguments, NO_COLOR="1", **around)).strip("\n").splitlines()


def test_what_a_command_does_is_shown_whole_on_80_columns() -> None:
    lines = on_terminal(80, "--help", NO_COLOR="1").partition("Commands:")[2].splitlines()
    assert len(lines) > 20
    assert not [line for line in lines if line.endswith("...")]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_lines_end_at_words(columns: int) -> None:
    quiet = on_screen(columns, "inspect", "demo", "-s", PROJECT / "samples", "--quiet", "--log-format", "text")
    assert quiet == []
    lines = on_screen(columns, "merge", "demo", "-s", PROJECT / "samples", "-n", "--no-align")
    plain = CliRunner().invoke(app, ["merge", "demo", "-s", str(PROJECT / "samples"), "-n", "--no-align"]).stdout
    assert all(len(line) <= columns for line in lines), lines
    assert " ".join(" ".join(lines).split()) == " ".join(plain.split()), "no word was cut, and none lost"
    error = on_screen(columns, "merge", "s3://bucket/a/very/long/prefix/of/a/store/session-one")
    assert len(error) >= 3
    assert all(len(line) <= columns for line in error)


LONG_ID = "2026-11-28-call-with-dana-about-all-of-the-invoices-of-november-and-december-b2f1c0de"


@pytest.mark.parametrize("columns", [40, 80])
def test_every_command_fits(columns: int, copy: Callable[[str], Path], tmp_path: Path) -> None:
    """Of a damaged session with a long id and texts of wide letters, in a folder with a long name."""
    folder = copy("chrome-1s")
    sorted(folder.rglob("*.webm"))[3].unlink()
    lines = (folder / "utterances.jsonl").read_text().splitlines()
    lines[0] = json.dumps(json.loads(lines[0]) | {"text": "請求書の処理に毎週どのくらいの時間がかかっていますか。" * 3})
    (folder / "utterances.jsonl").write_text("\n".join(lines))
    store = tmp_path / "a-folder-whose-name-is-so-long-that-it-takes-a-line-of-a-terminal-and-more"
    store.mkdir()
    folder.rename(store / LONG_ID)
    report = store.parent / "night.jsonl"
    for arguments in (
        ["inspect", LONG_ID, "--verbose"],
        ["merge", LONG_ID, "--verbose"],
        ["batch", "--all", "--force", "--report", report, "--workers", "1", "--no-align"],
        ["list"],
        ["check", LONG_ID],
        ["align", LONG_ID],
        ["align", LONG_ID, "--explain", json.loads(lines[0])["id"]],
        ["verify", LONG_ID],
        ["captions", LONG_ID, "--caption-formats", "vtt,srt,txt,json"],
        ["metrics", LONG_ID],
        ["page", LONG_ID],
        ["export", LONG_ID, "--into", store.parent / "out"],
        ["get", LONG_ID, "--output", store.parent / "fetched"],
        ["redact", LONG_ID, "--utterance", json.loads(lines[0])["id"]],
        ["purge", LONG_ID, "--verbose", "--dry-run"],
        ["doctor"],
        ["merge", "nobody"],
    ):
        shown = on_screen(columns, *arguments, "-s", store)
        assert [line for line in shown if cells(line) > columns] == [], arguments
        assert any(shown), arguments
    assert all(cells(line) <= columns for line in on_screen(columns, "report", report))


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=lambda one: " ".join(one) or "all")
def test_help_fits_and_has_two_names(command: list[str]) -> None:
    plain = CliRunner().invoke(app, [*command, "--help"], env={"COLUMNS": "200"})
    assert max(map(len, plain.stdout.splitlines())) <= 80
    assert not re.search(r"\[default: [^]]*\]\s+\[default: ", plain.stdout), "one default, said once"
    other = CliRunner().invoke(app, ["help", *command], env={"COLUMNS": "200"})
    assert (other.exit_code, other.stdout) == (0, plain.stdout)


@pytest.mark.parametrize(
    "arguments",
    [["merge"], ["mrege"], ["merge", "x", "--max-chunk-bytes", "a-number-that-is-none"], ["merge", "x", "--stor", "y"],
     ["merge", "x", "--output"], ["help", "mrege"], ["-x"], ["report"], ["list", "--settle", "l" * 100]],
)  # fmt: skip
def test_wrong_usage_is_two_lines_that_fit(arguments: list[str]) -> None:
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert re.fullmatch(r"error: .+\nhint: .+\n", done.stderr), done.stderr
    lines = on_screen(80, *arguments)
    assert all(len(line) <= 80 for line in lines)
    assert " ".join(done.stderr.split()) == " ".join(" ".join(lines).split()) or "l" * 80 in done.stderr


def test_what_is_for_programs_is_whole_on_a_terminal_too(tmp_path: Path) -> None:
    name = "a" * 128
    (tmp_path / name / "chunks" / "0").mkdir(parents=True)
    (tmp_path / name / "chunks" / "0" / "0.webm").write_bytes(b"noise")
    (document,) = json.loads(on_terminal(40, "list", "-s", tmp_path, "--json"))["sessions"]
    assert document["session_id"] == name
    assert on_terminal(40, "list", "-s", tmp_path, "--csv").splitlines()[1].startswith(f"{name},recording,")
    assert name in on_terminal(40, "batch", "--all", "-s", tmp_path, "--json", "--workers", "1")


def test_a_line_to_type_is_still_one_for_a_shell() -> None:
    line = "again: sessiontool batch --all --store '/srv/a folder' --output /srv/merged --report night.jsonl --force"
    shown = list(for_terminal(line, cast("IO[str]", Terminal(40))))
    assert len(shown) > 3
    typed = "\n".join(shown).partition(": ")[2]
    printed = ["bash", "-c", typed.replace("sessiontool", "printf '%s\\n'", 1)]
    done = subprocess.run(printed, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == shlex.split(line)[2:]


class Terminal:
    """A stream to a terminal of so many columns."""

    def __init__(self, columns: int) -> None:
        self.ours, self._its = pty.openpty()
        fcntl.ioctl(self._its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._its


def test_a_row_keeps_to_its_columns() -> None:
    row = Row(
        ("a-very-long-id", "merged", "5 s", "one finding, and another that is longer than the column"), (8, 6, -5)
    )
    assert str(row) == "a-very-long-id  merged    5 s  one finding, and another that is longer than the column"
    assert row.folded(60) == [
        "a-very-   merged    5 s  one finding, and another that is",
        "long-id                  longer than the column",
    ]
    assert row.folded(30) == [
        "a-very-   merged    5 s",
        "long-id",
        "    one finding, and another",
        "    that is longer than the",
        "    column",
    ]
    assert Row(("請求書処理", "x"), (4,)).folded(10) == ["請求", "書処", "理", "    x"]


def test_a_name_that_is_not_there_is_an_error_of_list(tmp_path: Path) -> None:
    for name in ("monday", "tuesday"):
        (tmp_path / name / "chunks" / "0").mkdir(parents=True)
        (tmp_path / name / "chunks" / "0" / "0.webm").write_bytes(b"noise")
    done = CliRunner().invoke(app, ["list", "mondya", "t*", "w*", "-s", str(tmp_path)])
    assert done.exit_code == 3
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["tuesday"]
    assert "no session mondya" in done.stderr
    assert "did you mean monday?" in done.stderr
    assert "is like 'w*'" in done.stderr
    assert CliRunner().invoke(app, ["list", "mon*", "--status", "merged", "-s", str(tmp_path)]).exit_code == 0
    assert json.loads(CliRunner().invoke(app, ["list", "x", "--json", "-s", str(tmp_path)]).stdout)["sessions"] == []


def test_colours_are_for_terminals_that_want_them(tmp_path: Path) -> None:
    assert "\x1b[31merror:\x1b[0m" in on_terminal(80, "merge", "nobody", "-s", tmp_path)
    for around in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
        assert not COLOUR.search(on_terminal(80, "verify", "nobody", "-s", tmp_path, "--quiet", **around))
    piped = subprocess.run(argv("merge", "nobody", "-s", tmp_path), capture_output=True, text=True, check=False)
    assert "\x1b" not in piped.stderr


def test_aligning_shows_percent(tmp_path: Path) -> None:
    shown = on_terminal(100, "merge", "demo", "-s", PROJECT / "samples", "-o", tmp_path)
    assert re.search(r"aligning.*?\d+%", COLOUR.sub("", shown))


def test_a_shell_completes_commands_options_and_ids(tmp_path: Path) -> None:
    """By bash itself: its script is taken in, and the function that it defines called as bash does for the tab key."""
    for name in ("monday", "monday-2", "tuesday"):
        (tmp_path / name).mkdir()
    script = f"""
        eval "$(_SESSIONTOOL_COMPLETE=source_bash sessiontool)"
        complete_it() {{
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            $(complete -p sessiontool | sed 's/.*-F \\([^ ]*\\).*/\\1/') sessiontool; echo "${{COMPREPLY[@]}}"
        }}
        complete_it sessiontool mer
        complete_it sessiontool merge --no-al
        complete_it sessiontool verify -s {tmp_path} mon
    """
    around = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False, env=around)
    completed = [sorted(line.split()) for line in done.stdout.splitlines()]
    assert completed == [["merge"], ["--no-align"], ["monday", "monday-2"]], done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mrege", "x"], "Did you mean 'merge'"),
        (["merge", "x", "--stor", "y"], "--store"),
        (["merge", "s3://bucket/prefix/monday"], "monday --store s3://bucket/prefix"),
        (["verify", "s3://bucket/prefix/monday/"], "monday --store s3://bucket/prefix"),
        (["align", "s3://bucket/prefix/monday/chunks/000/000001.webm"], "monday --store s3://bucket/prefix"),
        (["merge", "/srv/calls/monday/merged/report.json"], "monday --store /srv/calls"),
    ],
)
def test_what_was_meant_is_said(arguments: list[str], words: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert words in done.output


def test_a_forgotten_prefix_is_found(copy: Callable[[str], Path], s3_url: str, s3_client: Any, tmp_path: Path) -> None:
    folder = copy("chrome-silence")
    prefix = s3_url.partition(f"{BUCKET}/")[2]
    for path in filter(Path.is_file, folder.rglob("*")):
        key = f"{prefix}/calls/chrome-silence/{path.relative_to(folder)}"
        s3_client.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())
    folder.parent.rename(tmp_path / "calls")
    for store, name in ((s3_url, "calls"), (str(tmp_path), "calls")):
        done = CliRunner().invoke(app, ["merge", "chrome-silence", "-s", store])
        assert (done.exit_code, f"--store {store}/{name}" in done.output) == (3, True), done.output
        assert "holds sessions" in CliRunner().invoke(app, ["list", "-s", store]).output
        assert "holds sessions" in CliRunner().invoke(app, ["merge", "calls", "-s", store]).output


def test_every_place_of_a_finding_with_verbose(copy: Callable[[str], Path]) -> None:
    folder = copy("chrome-1s")
    chunk = sorted(folder.rglob("*.webm"))[3]
    chunk.unlink()
    done = CliRunner().invoke(app, ["inspect", folder.name, "-s", str(folder.parent), "--verbose"])
    assert re.search(r"\[chunk-missing\] \(part 000, chunk 3\)", done.output), done.output
    assert CliRunner().invoke(app, ["-V"]).output.startswith("sessiontool ")
