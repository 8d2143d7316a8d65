"""A redaction that is killed: the folder has no result, the old one, or the new one, and the next run makes it."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from shutil import copytree

from conftest import store_of
from typer.testing import CliRunner

from sessiontool import MergeOptions, RedactRequest, merge, redact, verify
from sessiontool.cli import app

SESSION, KILLS = "chrome-1s", 30
LONGEST_S = 60


def killed(store: Path, spans: bytes, wait_s: float) -> None:
    """Redact in a process of its own, which has all modules already, and kill it so long after it began to work."""
    folder = store / SESSION / "merged/redacted"
    child = os.fork()
    if not child:
        redact(SESSION, store=store, asked=RedactRequest(spans=("spans.jsonl", spans)))
        os._exit(0)
    began = time.monotonic()
    while not (any(folder.glob(".sessiontool*")) or os.waitpid(child, os.WNOHANG)[0]):
        assert time.monotonic() - began < LONGEST_S
        time.sleep(0.0005)
    time.sleep(wait_s)
    try:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    except (ProcessLookupError, ChildProcessError):  # it was faster
        pass


def test_a_killed_redaction_leaves_no_mixed_folder(tmp_path: Path) -> None:
    store = tmp_path / "store"
    copytree(store_of(SESSION) / SESSION, store / SESSION)
    folder = Path(merge(SESSION, store=store, options=MergeOptions(align=False)).location) / "redacted"
    redact(SESSION, store=store, asked=RedactRequest(spans=("spans.jsonl", b'{"start_s": 0.5, "end_s": 0.7}')))
    seen = set()
    for number in range(KILLS):
        span = json.dumps({"start_s": 1.0 + 0.5 * number, "end_s": 1.3 + 0.5 * number}).encode()
        before = (store / SESSION / "redactions.jsonl").read_bytes()
        began = folder.joinpath("report.json").read_bytes() if folder.joinpath("report.json").exists() else b""
        killed(store, span, 0.001 * 1.25**number)  # to 0.6 s: also on a busy machine some are before, some behind
        found = verify(SESSION, store=store)
        assert found.findings == ()
        assert found.redacted is None or {one.code for one in found.redacted.findings} <= {"redacted-stale"}
        is_asked = (store / SESSION / "redactions.jsonl").read_bytes() != before
        is_new = (folder / "report.json").exists() and (folder / "report.json").read_bytes() != began
        seen.add((is_asked, is_new))
        lines = (store / SESSION / "redactions.jsonl").read_text().splitlines()
        assert all(isinstance(json.loads(line), dict) for line in lines)
    done = CliRunner().invoke(app, ["merge", SESSION, "--store", str(store), "--no-align"])
    assert done.exit_code == 0, done.output
    found = verify(SESSION, store=store)
    assert found.redacted is not None
    assert found.redacted.findings == ()
    assert not list(folder.glob(".sessiontool*"))
    report = json.loads((folder / "redactions.json").read_text())
    assert len(report["redactions"]) == len((store / SESSION / "redactions.jsonl").read_text().splitlines())
    assert len(seen) > 1  # some were killed before, some behind
