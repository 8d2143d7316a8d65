"""How far the figures of conversations are off, on recordings with known truth.

usage: python benchmarks/metrics.py FOLDER... [--merged FOLDER] [--each]

Each FOLDER holds sessions with a truth.json, of the kind that `benchmarks/align.py` describes or that simulated
sessions and recordings of browsers have.  Left out are sessions of several parts, or with gaps of half a second: their
truth is in the time of what was recorded.  Results are merged anew, or taken from (or left in) `--merged`.  `--each`
has a line for each gap that is off by more than 30 ms.

Counted are the response gaps that metrics.json counts, each against the one between the same two utterances in the
truth, and those of the log as it is; beside it the shares of speech and the words a minute, of sessions that have them.
What reports call clear (a channel for each role, noise far below) has a row of its own.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sessiontool import merge
from sessiontool.errors import SessionToolError
from sessiontool.metrics.document import metrics_json
from sessiontool.metrics.talk import talk_of
from sessiontool.metrics.turns import gaps_of
from sessiontool.metrics.words import count_words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

_LONGEST_GAP = 24_000  # samples at 48 kHz: half a second
_SHOWN_MS = 30
"""The bar that gaps are held to, at 95 %."""


class Said(NamedTuple):
    """An utterance as it was really said, in seconds of the recording."""

    role: str
    start_s: float
    end_s: float


class Counted(NamedTuple):
    """What of a session is off: gaps in ms, those of the log too, shares, and words a minute by the truth."""

    session: str
    is_clear: bool
    gaps_ms: list[tuple[float, str]]
    logged_ms: list[float]
    counted: int
    doubtful: int
    shares: list[float]
    paces: list[float]


def truth_of(folder: Path) -> dict[str, Said] | None:
    """The utterances that can be heard, by id; None of a session of several parts."""
    document = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    parts = document.get("parts", [])
    if len(parts) > 1 or any("part" in one and str(one["part"]).strip("0") for one in document["utterances"]):
        return None
    found = {}
    for one in document["utterances"]:
        start, _ = _ends(one)
        _, end = _ends(one["segments"][-1] if "segments" in one else one)
        if start is not None and end is not None and one.get("recorded", True) and one.get("status") != "text_only":
            found[one["id"]] = Said(one["role"], start, end)
    return found


def _ends(one: Mapping[str, Any]) -> list[float | None]:
    names = ("t0", "start_pts_s", "start_s"), ("t1", "end_pts_s", "end_s")
    return [next((one[name] for name in some if one.get(name) is not None), None) for some in names]


def count(folder: Path, merged: Path) -> Counted | None:
    true = truth_of(folder)
    if not true or not (merged / "metrics.json").exists():
        return None
    transcript, report = (json.loads((merged / name).read_text()) for name in ("transcript.json", "report.json"))
    silences = (span["output_samples"] for span in report["timeline"] if span["kind"] == "silence")
    if any(end - start > _LONGEST_GAP for start, end in silences):
        return None
    talk = talk_of(transcript, report)
    said = {one["id"]: one for one in transcript["utterances"]}
    gaps = gaps_of(talk)[0]
    off, logged, figures = [], [], metrics_json(transcript, report)["figures"]
    for gap in gaps:
        asked, answer = true.get(gap.asked), true.get(gap.answer)
        if not gap.is_sure or asked is None or answer is None:
            continue
        length_ms = 1000 * (answer.start_s - asked.end_s)
        how = f"{gap.asked} to {gap.answer} at {gap.start_ms / 1000:.2f} s"
        ends = f"end {gap.start_ms - 1000 * asked.end_s:+.0f}, start {gap.end_ms - 1000 * answer.start_s:+.0f} ms"
        off.append((gap.length_ms - length_ms, f"{how}: {ends}"))
        ends_s = said[gap.asked]["logged"]["t_end"], said[gap.answer]["logged"]["t_start"]
        if None not in ends_s:
            logged.append(1000 * (ends_s[1] - ends_s[0]) - length_ms)
    doubtful = sum(not gap.is_sure for gap in gaps)
    shares, paces = _shares(figures, true), _paces(figures, true, said)
    return Counted(folder.name, talk.is_clear, off, logged, len(off), doubtful, shares, paces)


def _shares(figures: Sequence[Mapping[str, Any]], true: Mapping[str, Said]) -> list[float]:
    lengths: dict[str, float] = defaultdict(float)
    for role in {one.role for one in true.values()}:
        lengths[role] = _united(one for one in true.values() if one.role == role)
    whole = sum(lengths.values())
    found = (one for one in figures if one["name"] == "share_of_speech" and one["value"] is not None)
    return [one["value"] - lengths[one["role"]] / whole for one in found]


def _paces(
    figures: Sequence[Mapping[str, Any]], true: Mapping[str, Said], said: Mapping[str, Mapping[str, Any]]
) -> list[float]:
    found = []
    for one in figures:
        placed = {name for name, spoken in said.items() if spoken["start_s"] is not None}
        own = {name for name, spoken in true.items() if spoken.role == one.get("role")} & placed
        if one["name"] == "words_per_minute" and one["value"] is not None and own:
            texts = (said[name].get("heard_text", said[name]["text"]) for name in own)
            words = sum(count_words(text) or 0 for text in texts)
            found.append(one["value"] / (60 * words / _united(true[name] for name in own)) - 1)
    return found


def _united(spoken: Iterable[Said]) -> float:
    total, reached = 0.0, 0.0
    for one in sorted(spoken, key=lambda one: one.start_s):
        total += max(0.0, one.end_s - max(one.start_s, reached))
        reached = max(reached, one.end_s)
    return total


def sessions_of(folders: Iterable[Path], merged: Path) -> Iterator[Counted]:
    for folder in folders:
        for session in sorted(path.parent for path in folder.glob("*/truth.json")):
            place = merged / folder.name
            if not (place / session.name / "report.json").exists():
                try:
                    merge(session.name, store=folder, output=place)
                except SessionToolError as error:
                    print(f"{session.name} is left out: {error.message}")
            counted = count(session, place / session.name)
            if counted is not None:
                yield counted


def row(name: str, sessions: Sequence[Counted]) -> str:
    off = np.abs([error for one in sessions for error, _ in one.gaps_ms])
    logged = np.abs([error for one in sessions for error in one.logged_ms])
    if not len(off):
        return f"{name:<22}no gap"
    shares = np.abs([error for one in sessions for error in one.shares])
    paces = np.abs([error for one in sessions for error in one.paces])
    doubtful = sum(one.doubtful for one in sessions)
    log = f"{np.median(logged):.0f}, {np.percentile(logged, 95):.0f}" if len(logged) else "-"
    return (
        f"{name:<22}{len(off):>5}{doubtful:>9}{np.median(off):>9.1f}{np.percentile(off, 95):>7.1f}{off.max():>7.0f}"
        f"{np.mean(off <= _SHOWN_MS):>8.1%}{log:>12}"
        f"{shares.max() if len(shares) else float('nan'):>9.3f}{paces.max() if len(paces) else float('nan'):>8.1%}"
    )


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("folders", nargs="+", type=Path)
    asked.add_argument("--merged", type=Path)
    asked.add_argument("--each", action="store_true")
    chosen = asked.parse_args()
    with tempfile.TemporaryDirectory() as own:
        sessions = list(sessions_of(chosen.folders, chosen.merged or Path(own)))
    names = ("gaps".ljust(22), "count", "doubtful", "median", "p95", "most", "<= 30", "log", "share", "pace")
    print("".join(f"{name:>{size}}" for name, size in zip(names, (22, 5, 9, 9, 7, 7, 8, 12, 9, 8), strict=True)))
    for one in sessions:
        print(row(one.session, [one]) + ("" if one.is_clear else "  not clear"))
        for error, where in sorted(one.gaps_ms, key=lambda gap: -abs(gap[0])):
            if chosen.each and abs(error) > _SHOWN_MS:
                print(f"    {error:+.0f} ms, {where}")
    print(row("all clear", [one for one in sessions if one.is_clear]))
    print(row("not clear", [one for one in sessions if not one.is_clear]))
    print(row("all", sessions))


if __name__ == "__main__":
    main()
