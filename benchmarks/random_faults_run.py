"""What `faults.py --random` does: many random cases, a table of what went wrong, and a line to see each again."""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent.parent / folder) for folder in ("tests", "src")]

from random_cases import Outcome, draw, run_case, tally  # noqa: E402
from random_naming import is_hidden, is_masked  # noqa: E402

COLUMNS = ("cases", "wrong", "lost", "undecided", "doubled", "strange", "misplaced", "crashes", "report", "purge")


def run(seed: int, index: int, corpus: Path | None) -> Outcome:
    return run_case(draw(seed, index, corpus))


def run_many(count: int, seed: int, jobs: int, corpus: Path | None) -> int:
    """Run cases 0 to `count`, print the table and what failed; returns how many cases are wrong."""
    began_s = time.perf_counter()
    one = partial(run, seed, corpus=corpus)
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as executor:
        outcomes = list(executor.map(one, range(count), chunksize=10))
    print_table(outcomes)
    for outcome in outcomes:
        if not outcome.is_right:
            print(failure(outcome, corpus))
    print("\nNot named:\n")
    for outcome in outcomes:
        for unnamed in outcome.unnamed:
            print(f"{unnamed}; case {outcome.seed}:{outcome.index}, {outcome.name}")
    wrong = sum(not outcome.is_right for outcome in outcomes)
    print(f"\n{count} cases, {wrong} of them wrong, in {time.perf_counter() - began_s:.0f} s")
    return wrong


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


def failure(outcome: Outcome, corpus: Path | None) -> str:
    """A case that is wrong, in a line, and how to see it again."""
    verdict = outcome.verdict
    found = [
        f"{count} {name}" for name in ("lost", "doubled", "strange", "misplaced") if (count := getattr(verdict, name))
    ]
    found += [f"by {verdict.worst_ms:.0f} ms"] if verdict.misplaced else []
    found += [outcome.crash.strip().splitlines()[-1]] if outcome.crash else []
    found += [*outcome.report, *(["purge would delete"] if outcome.purged else [])]
    where = f" --corpus {corpus}" if corpus else ""
    return f"--random-case {outcome.seed}:{outcome.index}{where}  # {outcome.name}: {', '.join(found)}"


def show_case(text: str, corpus: Path | None, keep: Path | None) -> None:
    """Run one case `SEED:INDEX` and print all that is known of it."""
    seed, index = map(int, text.split(":"))
    case = draw(seed, index, corpus)
    outcome = run_case(case, keep)
    print(outcome.name)
    for done in case.faults:
        seqs = sorted({upload.seq for upload in done.touched})
        words = [f"{done.kind} at {seqs}", done.detail]
        words += ["undone by another"] if is_masked(done, case.folder) else []
        words += ["nothing shows it"] if is_hidden(done, case.folder, bare=case.bare) else []
        print("  fault:", ", ".join(filter(None, words)))
    for upload in case.folder.stored():
        pieces = [f"{piece.source}@{piece.start}+{len(piece.data)}" for piece in upload.pieces]
        print(f"  {case.folder.name(upload)}: {' '.join(pieces).replace('-1@0', 'damage ')}")
    for finding in outcome.findings:
        print("  finding:", json.dumps({key: value for key, value in finding.items() if key != "hint"}))
    print(outcome.verdict)
    for line in (*outcome.report, *(f"not named: {unnamed}" for unnamed in outcome.unnamed), outcome.crash):
        print(line)
    if outcome.purged:
        print("purge would delete chunks with packets that are not in the result")
