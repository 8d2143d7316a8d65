"""A redaction that is killed: the folder has no result, the old one, or the new one, and the next run makes it."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from pathlib import Path
from shutil import copytree

from conftest import store_of
from typer.testing import CliRunner

from sessiontool import RedactRequest, merge, redact, verify
from sessiontool.cli import app

SESSION, KILLS = "chrome-1s", 8


def test_a_killed_redaction_leaves_no_mixed_folder(tmp_path: Path) -> None:
    store = tmp_path / "store"
    copytree(store_of(SESSION) / SESSION, store / SESSION)
    folder = Path(merge(SESSION, store=store).location) / "redacted"
    name = json.loads((folder.parent / "transcript.json").read_text())["utterances"][0]["id"]
    redact(SESSION, store=store, asked=RedactRequest(utterances=(name,)))
    chance, seen = random.Random(5), set()
    for number in range(KILLS):
        spans = tmp_path / f"{number}.jsonl"
        spans.write_text(json.dumps({"start_s": 1.0 + 0.5 * number, "end_s": 1.3 + 0.5 * number}))
        command = [sys.executable, "-m", "sessiontool", "redact", SESSION, "--store", str(store), "--spans", str(spans)]
        began = time.monotonic()
        run = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not (any(folder.glob(".sessiontool*")) or run.poll() is not None or time.monotonic() - began > 60):
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.15))
        run.kill()
        run.wait()
        found = verify(SESSION, store=store)
        assert found.findings == ()
        assert found.redacted is None or {one.code for one in found.redacted.findings} <= {"redacted-stale"}
        seen.add(found.redacted is not None)
        lines = (store / SESSION / "redactions.jsonl").read_text().splitlines()
        assert all(isinstance(json.loads(line), dict) for line in lines)
    done = CliRunner().invoke(app, ["merge", SESSION, "--store", str(store)])
    assert done.exit_code == 0, done.output
    found = verify(SESSION, store=store)
    assert found.redacted is not None
    assert found.redacted.findings == ()
    assert not list(folder.glob(".sessiontool*"))
    report = json.loads((folder / "redactions.json").read_text())
    assert len(report["redactions"]) == len((store / SESSION / "redactions.jsonl").read_text().splitlines())
    assert True in seen
