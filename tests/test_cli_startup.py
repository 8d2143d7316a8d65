"""What a start costs is what it imports: each command waits only for what it needs."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEAVY = frozenset({"av", "boto3", "botocore", "ffmpeg", "numpy", "pydantic", "pydub", "rich", "srt", "webvtt"})
RARE = frozenset(
    {
        "email.utils",
        "html",
        "logging",
        "sessiontool.captioning.quality_check",
        "sessiontool.media.mp3",
        "sessiontool.metrics.document",
        "sessiontool.recording.byte_seams",
        "sessiontool.recording.plan",
        "sessiontool.recording.survey",
        "sessiontool.sessions.fill_gaps",
        "sessiontool.sessions.redaction.packet_cuts",
        "sessiontool.sessions.result_shapes",
        "sessiontool.sessions.verify_flac",
        "sessiontool.sessions.verify_m4a",
        "sessiontool.sessions.verify_mp3",
        "sessiontool.speech.truncation",
        "sessiontool.storage.checks",
        "sessiontool.storage.layout_hint",
        "tempfile",
        "tomllib",
    }
)
"""What a session needs that is aligned, was merged before, has settings in a file, is damaged, redacted, of another
codec, or has captions for a log or a second recording, and what only checks and logs in JSON need."""


def listed(*arguments: str | Path) -> frozenset[str]:
    """The modules that a run of sessiontool imports, as the interpreter itself lists them."""
    argv = [sys.executable, "-X", "importtime", "-m", "sessiontool", *map(str, arguments)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60)
    names = frozenset(re.findall(r"^import time:.*\| +([\w.]+)$", done.stderr, re.MULTILINE))
    assert "typer" in names
    return names


def imported(*arguments: str | Path) -> frozenset[str]:
    """The packages of HEAVY that a run of sessiontool imports."""
    return HEAVY & listed(*arguments)


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_waits_for_nothing(arguments: list[str]) -> None:
    assert imported(*arguments) == frozenset()


def test_a_merge_in_a_folder_knows_nothing_of_s3(recorded_session: Callable[[str], Path], tmp_path: Path) -> None:
    store = recorded_session("chrome-silence").parent
    found = listed("merge", "chrome-silence", "--store", store, "--output", tmp_path)
    assert HEAVY & found == {"av", "numpy"}


def test_an_alignment_does_without_masked_numbers(recorded_session: Callable[[str], Path], tmp_path: Path) -> None:
    """numpy loads them at the first call of some functions: see `alignment.quantiles`."""
    found = listed("merge", "demo", "--store", recorded_session("demo").parent, "--output", tmp_path)
    assert "sessiontool.alignment.after_end" in found
    assert "numpy.ma" not in found


def test_a_merge_without_alignment_decodes_nothing(recorded_session: Callable[[str], Path], tmp_path: Path) -> None:
    store = recorded_session("chrome-silence").parent
    found = listed("merge", "chrome-silence", "--store", store, "--output", tmp_path, "--no-align")
    assert found & HEAVY == frozenset()
    assert not found & RARE


def test_a_merge_that_was_done_before_looks_and_leaves(recorded_session: Callable[[str], Path], tmp_path: Path) -> None:
    store = recorded_session("chrome-silence").parent
    arguments = ("merge", "chrome-silence", "--store", store, "--output", tmp_path, "--no-align")
    imported(*arguments)
    assert imported(*arguments) == frozenset()


def test_a_list_loads_nothing_that_merges(recorded_session: Callable[[str], Path]) -> None:
    """Which would take more memory than the list of many sessions."""
    found = listed("list", "--store", recorded_session("chrome-silence").parent, "--settle", "0")
    assert not found & (HEAVY | RARE | {"sessiontool.sessions.merge", "sessiontool.recording.assemble"})
