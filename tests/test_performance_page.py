"""Each row of the page of figures names a command, and the commands run: here with so little that they tell nothing."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parent.parent
ROWS = [
    line for line in (PROJECT / "docs" / "performance.md").read_text("utf-8").splitlines() if line.startswith("| ")
][1:]
COMMAND = re.compile(r"`python (benchmarks/[^`]+)` \|$")
LITTLE = {
    "startup.py": "1",
    "short.py": "--seconds 2 --rounds 1",
    "join.py": "--hours 0.001 --rounds 1",
    "align_speed.py": "--hours 0.01 --rounds 1",
    "fetch.py": "--seconds 10 --rounds 1",
    "memory.py": "--hours 0.01 --no-align",
    "export.py": "--hours 0.002 --rounds 1",
}


def test_every_row_names_its_command() -> None:
    found = [match[1] for row in ROWS if (match := COMMAND.search(row))]
    assert len(found) == len(ROWS) > 0
    assert {Path(shlex.split(command)[0]).name for command in found} == LITTLE.keys()


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("ffmpeg") or not shutil.which("mkvmerge"), reason="ffmpeg or mkvmerge is missing")
@pytest.mark.parametrize("name", LITTLE)
def test_the_command_of_a_row_prints_its_table(name: str) -> None:
    argv = [sys.executable, str(PROJECT / "benchmarks" / name), *LITTLE[name].split()]
    printed = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=300).stdout
    assert re.search(r"\bPython 3\..*\d processors, load \d", printed)
    assert len(re.findall(r"^\|.*\d.*\|$", printed, re.MULTILINE)) >= 1
