"""Alignment against exact truth, beside the log as it is and ffsubsync.

usage: python benchmarks/align.py FOLDER [--words] [--vad] [--each] [--json] [--ffsubsync PROGRAM]

FOLDER holds sessions as sessiontool reads them, each with a truth.json beside its chunks:

    {"utterances": [{"id": "u1", "status": "aligned", "t0": 2.076, "t1": 3.972, "lang": "en",
                     "words": [["Hello.", 2.076, 3.972]]}, …]}

`id` is that of the log.  `t0` and `t1` are the first and the last audible instant of the utterance, in seconds of the
joined recording.  `status` is `aligned`, `clipped` (a turn of the assistant that the user cut off: `t1` is where its
sound stops) or `text_only` (it was never said, and has no `t0` and `t1`).  `lang` and `words` (text, start, end in
seconds, one for each word between spaces) may be absent.  Sessions without a truth.json are left out.

What is counted, errors being absolute, both ends together, gross mistakes included:

match    utterances placed with an intersection over union with the truth of at least 0.5, of all that can be heard
median, p95, <= 80 ms   of the errors of all that can be heard and were given a time
false    utterances that were never said and were given a time
cut      turns that were cut off and are marked so
both     utterances placed with both ends within 100 ms, of all that can be heard
sure     placements of confidence 0.8 or more with both ends within 100 ms
user     errors of the user's starts and ends, median / p95
words    (--words) starts and ends of English words, median / p95.  Where the truth has one word end as the next one
         begins, an end before punctuation is not judged: the truth then counts the pause as part of the word.
wall     seconds for all sessions; the merge joins, aligns, captions, checks and publishes, ffsubsync decodes and aligns

A third of the sessions, chosen by a checksum of their names, is counted by itself too: those with which earlier
changes were judged.  Rules and thresholds were chosen with all sessions in view.

ffsubsync (pip install ffsubsync, and ffmpeg) is handed the joined recording and the log as SRT, in which an utterance
without an end lasts as long as its text takes at 15 characters a second.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import srt
from confidence import fold_of

from sessiontool import MergeOptions, merge

_CHARACTERS_A_SECOND = 15
_HELD_OUT, _HELD_OUT_OF = "sessiontool, held out", 3
_COLUMNS = (
    *("match", "median ms", "p95 ms", "<= 80 ms", "both", "false", "cut", "sure"),
    *("user", "word starts", "word ends", "wall s"),
)


@dataclass
class Score:
    """What one way made of some sessions."""

    match: list[bool] = field(default_factory=list)
    errors_ms: list[float] = field(default_factory=list)
    both: list[bool] = field(default_factory=list)
    false: list[bool] = field(default_factory=list)
    cut: list[bool] = field(default_factory=list)
    sure: list[bool] = field(default_factory=list)
    user_errors_ms: list[float] = field(default_factory=list)
    word_starts_ms: list[float] = field(default_factory=list)
    word_ends_ms: list[float] = field(default_factory=list)
    wall_s: float = 0.0

    def add(self, truth: list[dict[str, Any]], found: Any, wall_s: float) -> None:
        """Count a session: `found` has utterances by id, as in transcript.json."""
        self.wall_s += wall_s
        for true in truth:
            one = found.get(true["id"], {})
            start, end = one.get("start_s"), one.get("end_s")
            if true["status"] == "text_only":
                self.false.append(start is not None)
            elif start is None or end is None:
                self.match.append(False)
                self.both.append(False)
            else:
                self._add_placed(true, one, start, end)

    def _add_placed(self, true: dict[str, Any], one: dict[str, Any], start: float, end: float) -> None:
        shared = min(end, true["t1"]) - max(start, true["t0"])
        self.match.append(shared >= 0.5 * (max(end, true["t1"]) - min(start, true["t0"])))
        errors = [1000 * abs(start - true["t0"]), 1000 * abs(end - true["t1"])]
        self.errors_ms += errors
        if true.get("role") == "user":
            self.user_errors_ms += errors
        self.both.append(max(errors) <= 100)
        if one.get("confidence", 0) >= 0.8:
            self.sure.append(max(errors) <= 100)
        if true["status"] == "clipped":
            self.cut.append(bool(one.get("interrupted")))
        words, known = one.get("words", []), true.get("words", [])
        if words and len(words) == len(known) and true.get("lang", "en") == "en":
            self._add_words(words, known)

    def _add_words(self, words: list[dict[str, Any]], known: list[list[Any]]) -> None:
        following = [start for _, start, _ in known[1:]] + [None]
        for word, (text, start, end), after in zip(words, known, following, strict=True):
            self.word_starts_ms.append(1000 * abs(word["start_s"] - start))
            if text[-1:].isalnum() or end != after:
                self.word_ends_ms.append(1000 * abs(word["end_s"] - end))

    def row(self) -> dict[str, str]:
        """The figures as text, empty where nothing was counted."""
        near = [error <= 80 for error in self.errors_ms]
        figures = [
            _percent(self.match),
            _percentile(self.errors_ms, 50),
            _percentile(self.errors_ms, 95),
            _percent(near),
            _percent(self.both),
            _share(self.false),
            _share(self.cut),
            _share(self.sure),
            *(
                f"{_percentile(errors, 50)} / {_percentile(errors, 95)}" if errors else ""
                for errors in (self.user_errors_ms, self.word_starts_ms, self.word_ends_ms)
            ),
            f"{self.wall_s:.1f}" if self.wall_s else "",
        ]
        return dict(zip(_COLUMNS, figures, strict=True))


def _percent(flags: list[bool]) -> str:
    return f"{100 * sum(flags) / len(flags):.1f} %" if flags else ""


def _percentile(values: list[float], percent: float) -> str:
    return f"{np.percentile(values, percent):.1f}" if values else ""


def _share(flags: list[bool]) -> str:
    return f"{sum(flags)} of {len(flags)}" if flags else ""


# -- the ways


def by_log(log: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The log's times as they stand."""
    return {one["id"]: {"start_s": one["t_start"], "end_s": _end(one)} for one in log if one.get("t_start") is not None}


def _end(one: dict[str, Any]) -> float:
    end = one.get("t_end")
    if end is not None and end > one["t_start"]:
        return float(end)
    return float(one["t_start"] + len(one["text"]) / _CHARACTERS_A_SECOND)


def by_ffsubsync(program: str, audio: Path, log: list[dict[str, Any]], work: Path) -> dict[str, dict[str, Any]]:
    """What ffsubsync makes of the log as subtitles; their text is the utterance's id."""
    logged = by_log(log)
    first = min((one["start_s"] for one in logged.values()), default=0.0)
    late = max(0.0, -first)  # SRT has no times before zero
    cues = [
        srt.Subtitle(0, timedelta(seconds=one["start_s"] + late), timedelta(seconds=one["end_s"] + late), name)
        for name, one in logged.items()
    ]
    (work / "log.srt").write_text(srt.compose(cues))
    command = [program, str(audio), "-i", str(work / "log.srt"), "-o", str(work / "synced.srt")]
    subprocess.run(command, check=True, capture_output=True)
    synced = srt.parse((work / "synced.srt").read_text())
    return {cue.content: {"start_s": cue.start.total_seconds(), "end_s": cue.end.total_seconds()} for cue in synced}


def score(session: Path, options: argparse.Namespace, scores: dict[str, Score]) -> None:
    """Try every way on a session and count what comes of it."""
    truth = json.loads((session / "truth.json").read_text())["utterances"]
    log = [json.loads(line) for line in (session / "utterances.jsonl").read_text().splitlines() if line.strip()]
    scores["the log as it is"].add(truth, by_log(log), 0.0)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        made = merge(
            session.name,
            store=session.parent,
            output=folder,
            options=MergeOptions(words=options.words, vad=options.vad),
        )
        wall_s = time.perf_counter() - begun
        found = {one["id"]: one for one in made.transcript["utterances"]}
        scores["sessiontool"].add(truth, found, wall_s)
        if options.ffsubsync:
            begun = time.perf_counter()
            synced = by_ffsubsync(options.ffsubsync, Path(made.location) / "audio.webm", log, Path(folder))
            scores["ffsubsync"].add(truth, synced, time.perf_counter() - begun)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--words", action="store_true", help="time words too, and score them")
    parser.add_argument("--vad", action="store_true", help="ask the voice detector where noise may hide an end")
    parser.add_argument("--each", action="store_true", help="a row for each session as well")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument("--ffsubsync", default=shutil.which("ffsubsync"), help="where the program is, if not on PATH")
    options = parser.parse_args(arguments)
    sessions = sorted(path.parent for path in options.folder.glob("*/truth.json"))
    if not sessions:
        sys.exit(f"no session with a truth.json in {options.folder}")
    ways = ("the log as it is", "ffsubsync", "sessiontool")
    totals = {way: Score() for way in (*ways, _HELD_OUT)}
    rows: dict[str, dict[str, str]] = {}
    for session in sessions:
        own = {way: Score() for way in ways}
        score(session, options, own)
        if fold_of(session.name) % _HELD_OUT_OF == 0:
            own[_HELD_OUT] = own["sessiontool"]
        for way, counted in own.items():
            for name, value in vars(counted).items():
                setattr(totals[way], name, getattr(totals[way], name) + value)
        if options.each:
            rows[session.name] = own["sessiontool"].row()
    rows |= {way: total.row() for way, total in totals.items() if total.match}
    if options.json:
        print(json.dumps(rows, indent=1))
        return
    print(f"| | {' | '.join(_COLUMNS)} |\n|---|{'---|' * len(_COLUMNS)}")
    for name, row in rows.items():
        print(f"| {name} | {' | '.join(row.values())} |")
    if not options.ffsubsync:
        print("ffsubsync is not installed: pip install ffsubsync", file=sys.stderr)


if __name__ == "__main__":
    main()
