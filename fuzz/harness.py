"""Runs one target of `tests/fuzz_targets.py` under atheris, guided by the coverage of sessiontool's own code.

See README.md.

What fails does not end the run: the first input of each kind of failure is kept in the target's `found` folder.
"""

from __future__ import annotations

import os
import sys
import traceback
from hashlib import sha256
from pathlib import Path

import atheris

ROOT = Path(__file__).resolve().parent.parent
WORK = Path(os.environ.get("FUZZ_DIR", ROOT / "build" / "fuzz"))
OPTIONS = ("-max_total_time=1800", "-timeout=60", "-rss_limit_mb=1500", "-print_final_stats=1")
"""Given before those of the command line, so that the latter win."""


def run(target: str, *, max_len: int) -> None:
    """Fuzz a target; the command line has options of libFuzzer, as `-max_total_time=60`."""
    os.environ.setdefault("FUZZ_SLOWNESS", "3")
    sys.path[:0] = [str(ROOT / "src"), str(ROOT / "tests")]
    with atheris.instrument_imports(include=["sessiontool"]):
        from fuzz_seeds import seeds  # noqa: PLC0415 - imported under instrumentation
        from fuzz_targets import TARGETS  # noqa: PLC0415

    corpus, found = WORK / target / "corpus", WORK / target / "found"
    for folder in (corpus, found):
        folder.mkdir(parents=True, exist_ok=True)
    for seed in seeds(target):
        (corpus / sha256(seed).hexdigest()[:16]).write_bytes(seed)
    known: set[tuple[str, ...]] = set()
    check = TARGETS[target]

    def one_input(data: bytes) -> None:
        try:
            check(data)
        except Exception as error:  # noqa: BLE001 - any exception here is what is looked for
            _keep(error, data, found, known)

    words = Path(__file__).parent / f"{target}.dict"
    options = [*OPTIONS, f"-max_len={max_len}", f"-artifact_prefix={found}/"]
    options += [f"-dict={words}"] if words.exists() else []
    options += sys.argv[1:]
    atheris.Setup([sys.argv[0], *options, str(corpus)], one_input)
    atheris.Fuzz()


def _keep(error: Exception, data: bytes, found: Path, known: set[tuple[str, ...]]) -> None:
    """Write down a failure if it is the first of its kind: the same error, raised at the same place."""
    places = [f"{Path(frame.filename).name}:{frame.lineno}" for frame in traceback.extract_tb(error.__traceback__)]
    kind = (type(error).__name__, *places[-2:])
    if kind in known:
        return
    known.add(kind)
    name = "-".join(kind).replace(":", "-")[:150]
    (found / name).write_bytes(data)
    (found / f"{name}.txt").write_text("".join(traceback.format_exception(error)), encoding="utf-8", errors="replace")
    print(f"FOUND {name}: {error}"[:300], flush=True)  # noqa: T201 - among libFuzzer's own lines
