"""What a person at a terminal sees: width, colour, progress, completion by a real shell, the line to type."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from s3server import BUCKET
from typer.testing import CliRunner

from sessiontool.cli import app

if TYPE_CHECKING:
    from collections.abc import Callable

PROJECT = Path(__file__).parent.parent
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def argv(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "sessiontool", *map(str, arguments)]


def on_terminal(columns: int, *arguments: str | Path, **around: str) -> str:
    """What appears on a terminal of so many columns, progress left out."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "NO_COLOR"}}
    environment |= {"TERM": "xterm"} | around
    with subprocess.Popen(argv(*arguments), stdout=its, stderr=its, stdin=its, env=environment):
        os.close(its)
        shown = b""
        try:
            while data := os.read(ours, 65536):
                shown += data
        except OSError:
            pass
    os.close(ours)
    return shown.decode().replace("\r\n", "\n")


def said(shown: str) -> list[str]:
    """The lines that are left when a bar has gone."""
    return [line for line in re.split(r"\n|\r|\x1b\[2K", shown) if line and not re.match(r"\x1b\[(?:\?25|1A)", line)]


def test_what_a_command_does_is_shown_whole_on_80_columns() -> None:
    lines = on_terminal(80, "--help", NO_COLOR="1").partition("Commands:")[2].splitlines()
    assert len(lines) > 20
    assert not [line for line in lines if line.endswith("...")]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_lines_end_at_words(columns: int) -> None:
    shown = on_terminal(columns, "inspect", "demo", "-s", PROJECT / "samples", "--quiet", "--log-format", "text")
    assert said(shown) == []
    shown = on_terminal(columns, "merge", "demo", "-s", PROJECT / "samples", "-n", "--no-align", NO_COLOR="1")
    lines = said(shown[shown.index("demo: ") :])
    plain = CliRunner().invoke(app, ["merge", "demo", "-s", str(PROJECT / "samples"), "-n", "--no-align"]).stdout
    assert all(len(line) <= columns for line in lines), lines
    assert " ".join(" ".join(lines).split()) == " ".join(plain.split()), "no word was cut, and none lost"
    error = said(on_terminal(columns, "merge", "s3://bucket/a/very/long/prefix/of/a/store/session-one", NO_COLOR="1"))
    assert all(len(line) <= columns or " " not in line.strip() for line in error)


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
