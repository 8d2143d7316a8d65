"""What `faults.py --random` does: many random cases, a table of what went wrong, and a line to see each again."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("tests", "src")]

from random_blobs import draw_blobs  # noqa: E402
from random_cases import Case, Outcome, draw, run_case, tally  # noqa: E402
from random_naming import is_hidden, is_masked  # noqa: E402
from random_parts import SessionCase, draw_session  # noqa: E402
from random_session_judge import run_session  # noqa: E402

if TYPE_CHECKING:
    from random_folder import Done, Folder

COLUMNS = ("cases", "wrong", "lost", "undecided", "doubled", "strange", "misplaced", "crashes", "report", "purge")


@dataclass(frozen=True)
class Draws:
    """Cases of a seed, from the project's recordings and those of `corpus`.

    `parts`: sessions of several parts.  `blobs`: chunks that are short or were cut anywhere, of the project alone.
    """

    seed: int
    corpus: Path | None = None
    parts: bool = False
    blobs: bool = False

    def run(self, index: int) -> Outcome:
        return self._judged(self.seed, index)[1]

    def _judged(self, seed: int, index: int, keep: Path | None = None) -> tuple[Case | SessionCase, Outcome]:
        if self.parts:
            session = draw_session(seed, index, self.corpus)
            return session, run_session(session, keep)
        case = draw_blobs(seed, index) if self.blobs else draw(seed, index, self.corpus)
        return case, run_case(case, keep)

    def run_many(self, count: int, jobs: int) -> int:
        """Run cases 0 to `count`, print the table and what failed; returns how many cases are wrong."""
        began_s = time.perf_counter()
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as executor:
            outcomes = list(executor.map(self.run, range(count), chunksize=10))
        print_table(outcomes)
        for outcome in outcomes:
            if not outcome.is_right:
                print(self._failure(outcome))
        print("\nNot named:\n")
        for outcome in outcomes:
            for unnamed in outcome.unnamed:
                print(f"{unnamed}; case {outcome.seed}:{outcome.index}, {outcome.name}")
        wrong = sum(not outcome.is_right for outcome in outcomes)
        print(f"\n{count} cases, {wrong} of them wrong, in {time.perf_counter() - began_s:.0f} s")
        return wrong

    def _failure(self, outcome: Outcome) -> str:
        """A case that is wrong, in a line, and how to see it again."""
        verdict = outcome.verdict
        kinds = ("lost", "doubled", "strange", "misplaced")
        found = [f"{count} {name}" for name in kinds if (count := getattr(verdict, name))]
        found += [f"by {verdict.worst_ms:.0f} ms"] if verdict.misplaced else []
        found += [outcome.crash.strip().splitlines()[-1]] if outcome.crash else []
        found += [*outcome.report, *(["purge would delete"] if outcome.purged else [])]
        where = " --parts" * self.parts + " --blobs" * self.blobs + (f" --corpus {self.corpus}" if self.corpus else "")
        return f"--random-case {outcome.seed}:{outcome.index}{where}  # {outcome.name}: {', '.join(found)}"

    def show_case(self, text: str, keep: Path | None) -> None:
        """Run one case `SEED:INDEX` and print all that is known of it."""
        seed, index = map(int, text.split(":"))
        case, outcome = self._judged(seed, index, keep)
        print(outcome.name)
        if isinstance(case, SessionCase):
            for number, part in enumerate(case.session.parts):
                print(f"part {number}: {part.recording.name}, from {part.start_ms} ms")
                faults = [done for its, done in case.faults if its is part]
                show_folder(part.folder, faults, bare=case.bare or not part.is_noted)
        else:
            show_folder(case.folder, case.faults, bare=case.bare)
        for finding in outcome.findings:
            print("  finding:", json.dumps({key: value for key, value in finding.items() if key != "hint"}))
        print(outcome.verdict)
        for line in (*outcome.report, *(f"not named: {unnamed}" for unnamed in outcome.unnamed), outcome.crash):
            print(line)
        if outcome.purged:
            print("purge would delete chunks with packets that are not in the result")


def print_table(outcomes: list[Outcome]) -> None:
    """Cases by kind of fault; a case with several kinds counts for each.  Last: how many faults were not named."""
    print("| fault | " + " | ".join(COLUMNS) + " | unnamed |")
    print("|---" * (2 + len(COLUMNS)) + "|")
    table = tally(outcomes)
    for kind in sorted(table, key=lambda kind: (kind == "all cases", kind)):
        row = table[kind]
        share = f"{100 * row['unnamed'] / max(1, row['nameable']):.1f} % of {row['nameable']}"
        print(f"| {kind} | " + " | ".join(str(row[name]) for name in COLUMNS) + f" | {share} |")
    packets = sum(outcome.verdict.misplaced for outcome in outcomes)
    lost = sum(outcome.verdict.lost for outcome in outcomes)
    print(f"\n{lost} packets lost, {packets} misplaced\n")


def show_folder(folder: Folder, faults: list[Done], *, bare: bool) -> None:
    """What was done to a part, and what is stored of it."""
    for done in faults:
        seqs = sorted({upload.seq for upload in done.touched})
        words = [f"{done.kind} at {seqs}", done.detail]
        words += ["undone by another"] if is_masked(done, folder) else []
        words += ["nothing shows it"] if is_hidden(done, folder, bare=bare) else []
        print("  fault:", ", ".join(filter(None, words)))
    for upload in folder.stored():
        pieces = [f"{piece.source}@{piece.start}+{len(piece.data)}" for piece in upload.pieces]
        print(f"  {folder.name(upload)}: {' '.join(pieces).replace('-1@0', 'damage ')}")
