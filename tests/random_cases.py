"""One case of the random judge: drawn from a seed and a number, written, merged in this process, judged.

Case `index` of a seed depends on nothing else but the recordings there are to choose from.
"""

from __future__ import annotations

import shutil
import time
import traceback
from collections import Counter
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from places import memory
from random_faults import FAULTS, WEIGHTS
from random_folder import Done, Folder
from random_judge import Verdict, judge_output
from random_naming import LOSSY, is_hidden, is_masked, names
from random_pool import FAMILIES, pool
from random_recordings import parse_webm
from random_truth import truth_of

from sessiontool.errors import RecordingError, SessionToolError
from sessiontool.options import MergeOptions
from sessiontool.sessions.merge import merge_session
from sessiontool.sessions.purge import Purger, Rule
from sessiontool.storage import open_store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from random_recordings import Packet, Recording

FAMILY_WEIGHTS = {"chrome": 5, "firefox": 3, "ogg": 2, "mp4": 2}
SESSION = "session"
_YEARS_S = 10 * 365 * 86_400
_LEDGER = ("payload_bytes", "structure_bytes", "damaged_bytes", "set_aside_bytes")


@dataclass(slots=True)
class Case:
    """A damaged folder, and what was done to it."""

    seed: int
    index: int
    folder: Folder
    faults: list[Done]
    bare: bool

    @property
    def name(self) -> str:
        recording = self.folder.recordings[0]
        what = ", ".join(done.kind for done in self.faults) or "nothing"
        return f"{recording.family} {recording.name}{' bare' if self.bare else ''}: {what}"


@dataclass(slots=True)
class Outcome:
    """What came of a case.  `unnamed` are faults that no finding names, of `nameable` ones; `problems` in words."""

    seed: int
    index: int
    name: str
    kinds: list[str]
    verdict: Verdict
    crash: str = ""
    purged: bool = False
    report: list[str] = field(default_factory=list)
    nameable: list[str] = field(default_factory=list)
    unnamed: list[str] = field(default_factory=list)
    findings: list[Any] = field(default_factory=list)
    seconds: float = 0

    @property
    def is_right(self) -> bool:
        return self.verdict.is_right and not (self.crash or self.purged or self.report)


def assert_nothing_worse_than_wrong(outcomes: Iterable[Outcome]) -> list[str]:
    """That no case crashed, purged what is not in the audio, contradicts itself or doubled a packet.

    Returns the names of those that are wrong.
    """
    wrong = []
    for outcome in outcomes:
        case = f"{outcome.seed}:{outcome.index} {outcome.name}"
        assert not outcome.crash, f"{case}: {outcome.crash}"
        assert not outcome.purged, case
        assert not outcome.report, f"{case}: {outcome.report}"
        assert not outcome.verdict.doubled, case
        wrong += [] if outcome.is_right else [case]
    return wrong


def draw(seed: int, index: int, corpus: Path | None = None) -> Case:
    """Choose a recording, and one to four faults."""
    rng = Random(f"{seed}:{index}")
    recordings = pool(corpus)
    family = rng.choices(FAMILIES, [FAMILY_WEIGHTS[family] for family in FAMILIES])[0]
    return damaged(seed, index, rng.choice(recordings[family]), recordings, rng)


def damaged(
    seed: int, index: int, recording: Recording, recordings: dict[str, tuple[Recording, ...]], rng: Random
) -> Case:
    """One to four faults done to a recording; strangers are taken from `recordings`."""
    while True:
        folder = Folder.of(recording, recordings)
        faults = [_hurt(folder, rng) for _ in range(rng.choices((1, 2, 3, 4), (5, 3, 2, 1))[0])]
        if folder.has_majority():
            return Case(seed, index, folder, faults, bare=rng.random() < 0.5)


def _hurt(folder: Folder, rng: Random) -> Done:
    while True:
        kind = rng.choices(list(FAULTS), [WEIGHTS.get(kind, 1) for kind in FAULTS])[0]
        done = FAULTS[kind](folder, rng)
        if done is not None:
            return done


def run_case(case: Case, keep: Path | None = None) -> Outcome:
    """Write the case, merge it, judge what comes of it; `keep`: a folder to leave it in."""
    return run(lambda folder: case.folder.write(folder, bare=case.bare), lambda store: _judge(case, store), keep)


def run(write: Callable[[Path], object], judge: Callable[[Path], Outcome], keep: Path | None) -> Outcome:
    """What `judge` says of a store that has the session that `write` made; `keep`: a folder to leave it in."""
    began_s = time.perf_counter()
    with TemporaryDirectory(prefix="random-", dir=memory()) as scratch:
        store = Path(scratch)
        write(store / SESSION)
        outcome = judge(store)
        if keep is not None:
            shutil.copytree(store, keep, dirs_exist_ok=True)
    outcome.seconds = time.perf_counter() - began_s
    return outcome


def _judge(case: Case, store: Path) -> Outcome:
    folder, truth = case.folder, truth_of(case.folder)
    report, output, crash = merge_whatever(store, has_sound=bool(truth.whole[0]))
    places_ms = [undamaged_places(recording) for recording in folder.recordings]
    verdict = judge_output(folder, truth, output, places_ms, bare=case.bare)
    outcome = Outcome(case.seed, case.index, case.name, [done.kind for done in case.faults], verdict, crash)
    if report is not None:
        outcome.findings = report["findings"]
        outcome.report = list(report_problems(stored_of(folder), report, verdict, is_lossy=_is_lossy(case)))
        outcome.nameable, outcome.unnamed = names(case.faults, folder, report["findings"], bare=case.bare)
        outcome.purged = bool(verdict.unpublished) and would_purge(store)
    return outcome


def merge_whatever(store: Path, *, has_sound: bool) -> tuple[Any | None, list[Packet], str]:
    """The report and the packets of a merge, or why it failed, where it should not have: a traceback, or a refusal.

    Nothing but a session without sound may be refused.
    """
    try:
        report = merge(store)
    except SessionToolError as error:
        is_right = isinstance(error, RecordingError) and not has_sound
        return None, [], "" if is_right else f"refused: {error.message}"
    except Exception:  # noqa: BLE001 - a traceback is what is looked for
        return None, [], traceback.format_exc()
    return report, read_output(store), ""


def merge(store: Path) -> Any:
    with open_store(str(store)) as opened:
        return merge_session(opened, SESSION, opened.target(SESSION), MergeOptions(align=False)).report


def would_purge(store: Path) -> bool:
    """Whether the session's chunks would be deleted, with the mildest rule."""
    with open_store(str(store)) as opened:
        purger = Purger(opened, Rule(chunks_after_days=0), now_s=time.time() + _YEARS_S)
        try:
            return bool(purger.examine(SESSION, opened.target(SESSION)).versions)
        except RecordingError:
            return False


def read_output(store: Path) -> list[Packet]:
    """The packets of the result; read strictly, so that a broken file is an AssertionError."""
    return parse_webm((store / SESSION / "merged" / "audio.webm").read_bytes()).packets


@cache
def undamaged_output(recording: Recording) -> tuple[Packet, ...]:
    """The packets of the merge of a recording to which nothing happened."""
    with TemporaryDirectory(prefix="random-", dir=memory()) as scratch:
        folder = Folder.of(recording, {})
        folder.write(Path(scratch) / SESSION, bare=False)
        merge(Path(scratch))
        return tuple(read_output(Path(scratch)))


@cache
def undamaged_places(recording: Recording) -> list[float]:
    """Where each packet comes to lie when nothing happened; all of them, once, and silence (AssertionError)."""
    if recording.cut_from is not None:
        return undamaged_places(recording.cut_from)
    places: list[float] = []
    for packet in undamaged_output(recording):
        if len(places) < len(recording.packets) and packet.payload == recording.packets[len(places)].payload:
            places.append(packet.time_ms)
    assert len(places) == len(recording.packets), f"{recording.name} is not merged whole when nothing happened to it"
    return places


def stored_of(folder: Folder) -> dict[str, int]:
    """The files of the store by the ends of their keys, and their sizes."""
    return {f"000/{folder.name(upload)}": len(upload.data) for upload in folder.stored()}


def report_problems(stored: dict[str, int], report: Any, verdict: Verdict, *, is_lossy: bool) -> list[str]:
    """What is false in a report; `is_lossy`: something shows that sound was lost."""
    found = []
    listed = {"/".join(Path(chunk["key"]).parts[-2:]): chunk for chunk in report["chunks"]}
    if missing := stored.keys() - listed.keys():
        found.append(f"not in chunks[]: {sorted(missing)}")
    for name, chunk in listed.items():
        if chunk["bytes"] != stored.get(name):
            found.append(f"{name} has {stored.get(name)} bytes, not {chunk['bytes']}")
        if all(field in chunk for field in _LEDGER) and sum(chunk[field] for field in _LEDGER) != chunk["bytes"]:
            found.append(f"{name}: {[chunk[field] for field in _LEDGER]} are not {chunk['bytes']} bytes")
    if report["status"] == "complete" and verdict.gone and (verdict.lost or is_lossy):
        found.append(f"complete, and {verdict.gone} packets are gone")
    return found


def _is_lossy(case: Case) -> bool:
    """Whether something shows that sound was lost."""
    return any(
        done.kind in LOSSY and not is_masked(done, case.folder) and not is_hidden(done, case.folder, bare=case.bare)
        for done in case.faults
    )


def tally(outcomes: list[Outcome]) -> dict[str, Counter[str]]:
    """Figures by kind of fault; a case with several faults counts for each of its kinds."""
    table: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        for kind in {*outcome.kinds, "all cases"}:
            row = table.setdefault(kind, Counter())
            verdict = outcome.verdict
            row["cases"] += 1
            row["wrong"] += not outcome.is_right
            for name in ("lost", "undecided", "doubled", "strange", "misplaced"):
                row[name] += bool(getattr(verdict, name))
            row["crashes"] += bool(outcome.crash)
            row["report"] += bool(outcome.report)
            row["purge"] += outcome.purged
            mine = [name for name in outcome.nameable if kind in {name, "all cases"}]
            row["nameable"] += len(mine)
            row["unnamed"] += sum(name.split()[0] == kind or kind == "all cases" for name in outcome.unnamed)
    return table
