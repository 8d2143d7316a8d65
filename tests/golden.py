"""Golden results: the SHA-256 of every output of the recorded sessions, with two sets of options.

    python tests/golden.py --update

writes `data/golden.json` anew; a commit that does so says why its results differ.  What names the version of the
program is left out of the sums.  Times depend on the arithmetic of numpy and the decoder of PyAV: with other versions
of them than `golden.json` was made with, the audio is the same to the byte and every time within `TOLERANCE_S`.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from typer.testing import CliRunner

TESTS = Path(__file__).parent
FILE = TESTS / "data" / "golden.json"
STORES = {
    "demo": TESTS.parent / "samples",
    "small": TESTS / "data" / "dialogues",
    **{
        folder.name: folder.parent
        for kind in ("sessions", "containers")
        for folder in (TESTS / "data" / kind).iterdir()
    },
}
OPTIONS = {
    "defaults": (),
    "others": ("--pauses", "keep", "--words", "--prefer", "events", "--caption-text", "generated"),
}
PINNED = ("numpy", "av", "pocketsphinx", "num2words")
TOLERANCE_S = 0.001
"""Contract: what another version of the arithmetic may change of a time."""

_PROGRAM = re.compile(rb"sessiontool \d[\w.]*")
_LEFT_OUT = ("tool", "inputs_fingerprint", "report_sha256")  # all of them follow from the program's version


def versions() -> dict[str, str]:
    return {name: version(name) if find_spec(name) else "none" for name in PINNED}


def merged(session_id: str, options: tuple[str, ...], output: Path) -> Path:
    """The folder of a session's result, merged by the command line."""
    from sessiontool.cli import app

    where = ("--store", str(STORES[session_id]), "--output", str(output))
    ended = CliRunner().invoke(app, ["merge", session_id, *where, *options, "--quiet"])
    assert not ended.exit_code, f"{session_id} {options}: {ended.output}"
    return output / session_id


def result_of(folder: Path) -> dict[str, Any]:
    """What is kept of a result: a sum of every file, and the times of its utterances in seconds."""
    transcript = json.loads((folder / "transcript.json").read_text(encoding="utf-8"))
    return {
        "sha256": {path.name: _sha256(path) for path in sorted(folder.iterdir())},
        "times_s": [[u["id"], u["start_s"], u["end_s"]] for u in transcript["utterances"]],
    }


def _sha256(path: Path) -> str:
    data = path.read_bytes()
    if path.name == "report.json":
        report = {name: value for name, value in json.loads(data).items() if name not in _LEFT_OUT}
        report["outputs"] = [
            {"name": output["name"], "bytes": output["bytes"]} for output in report["outputs"]
        ]  # their own sums stand beside this one
        data = json.dumps(report, sort_keys=True, ensure_ascii=False).encode()
    return hashlib.sha256(_PROGRAM.sub(b"sessiontool", data)).hexdigest()


def results() -> dict[str, Any]:
    found: dict[str, Any] = {}
    with TemporaryDirectory() as output:
        for session_id in sorted(STORES):
            for name, options in OPTIONS.items():
                folder = merged(session_id, options, Path(output) / name)
                found.setdefault(session_id, {})[name] = result_of(folder)
    return found


if __name__ == "__main__":
    assert sys.argv[1:] == ["--update"], __doc__
    document = {"made_with": versions(), "results": results()}
    FILE.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
