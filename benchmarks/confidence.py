"""Fits the weights of confidence to recordings with known truth, and says how far it can be relied on.

usage: python benchmarks/confidence.py FOLDER... [--save FILE]
       python benchmarks/confidence.py FILE

Each FOLDER holds sessions with truth.json as `benchmarks/align.py` describes them.  FILE holds what an earlier run
measured of their placements: the same weights are fitted to it, without the recordings.

Each session is aligned six times: by its log as it is, by one with the times at which texts arrived, by one without
the assistant's times, by one without any, by one with exact starts that are called arrivals, the sound of every tenth
utterance being taken away, and by the log of another session.  A placement is right if both ends lie within 100 ms of
the truth.

The weights are fitted to all sessions, by a logistic regression whose weights are not below zero; the easy sessions of
`align` count a quarter of the others.  The table counts placements that are right, by confidence, of each sixth of the
sessions by weights that are fitted to the other five; the sixths are chosen by a checksum of the sessions' names.  What
is counted had no part in the weights by which it is; rules and thresholds of the alignment were chosen with all
sessions in view.
"""

from __future__ import annotations

import argparse
import json
import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from msgspec.structs import replace

from sessiontool.align import align
from sessiontool.alignment.band_levels import FRAME_MS, POWER_MS, Levels
from sessiontool.alignment.confidence import BIAS, WEIGHTS, chance_by_order, features, most
from sessiontool.alignment.speech_activity import measure
from sessiontool.model import SURE
from sessiontool.sessions.explain_alignment import place_session
from sessiontool.storage import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sessiontool.alignment.speech_activity import Activity
    from sessiontool.model import Utterance
    from sessiontool.sessions.explain_alignment import PlacingResult

_RIGHT_MS, _FAR_MS = 100, 1000
_LOGS = ("times", "arrivals", "the user's times", "no times", "sound missing", "another session's")
"""What logs have."""

_MISSING = 10
"""Of so many utterances one has no sound, where sound is missing."""
_BEFORE_MS, _BEHIND_MS = 80, 100
"""How far around an utterance its sound is taken away."""
_QUIET = 0.1
"""Share of levels below the one that is put in its place."""

_COUNTS = {"align": 0.25, "another session's": 0.1}
"""How much the sessions of a folder, or a kind of log, count in the fit, others than 1: where nearly all is right there
is little to learn of what is wrong, and the reverse."""

_BINS = (0.9, 0.8, 0.5, 0.0)
_FOLDS = 6
"""Parts of the sessions, each of which is judged by weights that are fitted to the others."""

_STEPS, _MOMENTUM, _HOLD = 1000, 0.9, 4.0
_FEATURE_STEPS = 200
"""Features are kept as whole numbers, 1 being so many."""


class Row(NamedTuple):
    """One placement: of which session, by which log, whether it is right, and what confidence is made of.

    `far`: an end of it is off by more than a second, or nothing was said.  Confidence is `most` at most, and otherwise
    `by_order` times a function of the features' `values`.
    """

    session: str
    log: str
    right: bool
    far: bool
    most: float
    by_order: float
    values: tuple[int, ...]


def fold_of(session: str) -> int:
    """Which part a session (`folder/name`) belongs to."""
    return zlib.crc32(session.rsplit("/", maxsplit=1)[-1].encode()) % _FOLDS


def log_as(name: str, log: list[Utterance], truth: dict[str, Any], chance: np.random.Generator) -> list[Utterance]:
    """The log with other times, as other programs would have written it."""
    if name == "no times":
        return [replace(u, t_start_us=None, t_end_us=None) for u in log]
    if name == "the user's times":
        return [replace(u, t_start_us=None, t_end_us=None) if u.role == "assistant" else u for u in log]
    if name == "sound missing":
        return [_called_arrival(u, truth.get(u.id, {})) for u in log]
    if name == "arrivals":
        return [_arrived(u, truth.get(u.id, {}), chance) for u in log]
    return log


def _arrived(one: Utterance, true: dict[str, Any], chance: np.random.Generator) -> Utterance:
    if true.get("t0") is None:
        return replace(one, t_end_us=None)
    late = true["t1"] + chance.uniform(0.3, 1.5) if one.role == "user" else true["t0"] + chance.uniform(0, 0.6)
    return replace(one, t_start_us=round(1e6 * late), t_end_us=None)


def _called_arrival(one: Utterance, true: dict[str, Any]) -> Utterance:
    if true.get("t0") is None:
        return replace(one, t_end_us=None)
    at_us = round(1e6 * true["t0"])
    start_us, end_us = (None, at_us) if one.role == "user" else (at_us, None)
    return replace(one, t_start_us=start_us, t_end_us=end_us, arrived_us=at_us)


def measured(folder: Path) -> Iterator[Row]:
    """The placements of a folder's sessions whose truth is known, by each kind of log."""
    sessions = [path.parent for path in sorted(folder.glob("*/truth.json"))]
    before: list[Utterance] = []
    if sessions:
        before = _log_of(place_session(open_store(str(folder)), sessions[-1].name))
    for session in sessions:
        truth = json.loads((session / "truth.json").read_text())["utterances"]
        placed = place_session(open_store(str(folder)), session.name)
        yield from rows(f"{folder.name}/{session.name}", placed, truth, before)
        before = _log_of(placed)


def _log_of(placed: PlacingResult) -> list[Utterance]:
    return [p.utterance for p in placed.alignment.placements]


def without_sound(placed: PlacingResult, missing: Sequence[dict[str, Any]]) -> Activity:
    """What is heard of a session if some of its utterances are not, on any channel."""
    levels = Levels(len(placed.activity.channels))
    for number, channel in enumerate(placed.activity.channels):
        for kept, all_rows, step_ms in (
            (levels.bands[number], channel.bands, FRAME_MS),
            (levels.power[number], channel.power, POWER_MS),
        ):
            values = all_rows[:].copy()
            quiet = np.quantile(values, _QUIET, axis=0)
            for one in missing:
                first = max(0, round(1000 * one["t0"]) - _BEFORE_MS) // step_ms
                values[first : (round(1000 * one["t1"]) + _BEHIND_MS) // step_ms] = quiet
            kept.append(values.tobytes())
    return measure(levels, placed.timeline)


def rows(
    name: str, placed: PlacingResult, truth: Sequence[dict[str, Any]], other: Sequence[Utterance]
) -> Iterator[Row]:
    """The placements of a session, aligned by each kind of log, and by that of the `other` session."""
    true_of = {one["id"]: one for one in truth}
    log = _log_of(placed)
    chance = np.random.default_rng(zlib.crc32(name.rsplit("/", maxsplit=1)[-1].encode()))
    missing = [one for one in truth if one.get("t0") is not None][3::_MISSING]
    for kind in _LOGS:
        known, activity, logged = true_of, placed.activity, log_as(kind, log, true_of, chance)
        if kind == "sound missing":
            known, activity = true_of | {one["id"]: {} for one in missing}, without_sound(placed, missing)
        elif kind == "another session's":
            known, logged = {one.id: {} for one in other}, list(other)
        made = align(logged, placed.timeline, activity, placed.channels)
        for place, evidence in zip(made.placements, made.evidence, strict=True):
            true = known.get(place.utterance.id)
            if true is None or evidence is None or place.start_samples is None or place.end_samples is None:
                continue
            ends = ((place.start_samples, true.get("t0")), (place.end_samples, true.get("t1")))
            off_ms = max(math.inf if at is None else abs(found / 48 - 1000 * at) for found, at in ends)
            values = tuple(round(_FEATURE_STEPS * value) for value in features(evidence).values())
            order = round(chance_by_order(evidence), 3)
            yield Row(name, kind, off_ms <= _RIGHT_MS, off_ms > _FAR_MS, most(evidence), order, values)


def saved(every: Sequence[Row], path: Path) -> None:
    """Write the rows into a file of numpy arrays."""
    np.savez_compressed(
        path,
        session=np.array([row.session for row in every]),
        log=np.array([row.log for row in every]),
        right=np.array([row.right for row in every]),
        far=np.array([row.far for row in every]),
        most=np.array([row.most for row in every]),
        by_order=np.array([row.by_order for row in every]),
        values=np.array([row.values for row in every], np.uint8),
    )


def loaded(path: Path) -> list[Row]:
    """The rows of a file that `saved` wrote."""
    with np.load(path) as file:
        columns = (file[name] for name in Row._fields)
        return [
            Row(str(session), str(log), bool(right), bool(far), float(most), float(by_order), tuple(map(int, values)))
            for session, log, right, far, most, by_order, values in zip(*columns, strict=True)
        ]


def fit(every: Sequence[Row]) -> tuple[float, dict[str, float]]:
    """Bias and weights, none below zero, of the chance that a placement is right."""
    values = np.array([row.values for row in every]) / _FEATURE_STEPS
    right = np.array([row.right for row in every], float)
    by_order = np.array([row.by_order for row in every])
    counted = ((row.session.split("/")[0], row.log) for row in every)
    weight = np.array([_COUNTS.get(folder, 1.0) * _COUNTS.get(log, 1.0) for folder, log in counted])
    bias, weights, pace = 3.0, np.zeros(values.shape[1]), 0.5 / weight.sum()
    speed_bias, speed = 0.0, np.zeros_like(weights)
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(values @ weights - bias))
        off = weight * (by_order * chance - right) * (1 - chance) / (1 - by_order * chance)
        speed_bias = _MOMENTUM * speed_bias - pace * off.sum()
        speed = _MOMENTUM * speed + pace * (values.T @ off - _HOLD * weights)
        bias, weights = bias + speed_bias, np.maximum(0, weights + speed)
    return round(bias, 1), dict(zip(WEIGHTS, np.round(weights, 1).tolist(), strict=True))


def chances(every: Sequence[Row], bias: float, weights: dict[str, float]) -> np.ndarray:
    """The confidence of each placement by these weights."""
    doubt = np.array([row.values for row in every]) @ np.array(list(weights.values())) / _FEATURE_STEPS
    by_order = np.array([row.by_order for row in every])
    chance: np.ndarray = np.minimum([row.most for row in every], by_order / (1 + np.exp(doubt - bias)))
    return chance


def held_out_chances(every: Sequence[Row]) -> np.ndarray:
    """The confidence of each placement by weights that are fitted to the other parts of the sessions."""
    fold = np.array([fold_of(row.session) for row in every])
    chance = np.zeros(len(every))
    for number in range(_FOLDS):
        mine = np.flatnonzero(fold == number).tolist()
        bias, weights = fit([every[i] for i in np.flatnonzero(fold != number).tolist()])
        chance[mine] = chances([every[i] for i in mine], bias, weights)
    return chance


def table(every: Sequence[Row], chance: np.ndarray) -> Iterator[str]:
    """How many placements of each confidence are right, for each folder and kind of log."""
    cells = " | ".join(f"{low} and more" if low else "less" for low in _BINS)
    yield f"| confidence | {cells} | Brier | sure and far |\n|---|" + "---|" * (len(_BINS) + 2)
    far = np.array([row.far for row in every])
    right = np.array([row.right for row in every], float)
    for folder in dict.fromkeys(row.session.split("/")[0] for row in every):
        for log in _LOGS:
            mine = np.array([row.log == log and row.session.startswith(folder + "/") for row in every])
            counts, high = [], 2.0
            for low in _BINS:
                here = mine & (chance >= low) & (chance < high)
                counts.append(f"{int(right[here].sum())} of {int(here.sum())}")
                high = low
            off = np.mean((chance[mine] - right[mine]) ** 2)
            sure = mine & (chance >= SURE)
            counts += [f"{off:.3f}", f"{int(far[sure].sum())} of {int(sure.sum())}"]
            yield f"| {folder}, {log} | " + " | ".join(counts) + " |"


def report(every: Sequence[Row]) -> Iterator[str]:
    """The weights, whether they are those in use, and how far they can be relied on."""
    bias, weights = fit(every)
    yield f"BIAS = {bias}\nWEIGHTS = {json.dumps(weights, indent=4)}"
    yield f"\nin use: {'these' if (bias, weights) == (BIAS, WEIGHTS) else 'others'}"
    yield "\nby weights that are fitted to other sessions\n"
    yield from table(every, held_out_chances(every))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sources", nargs="+", type=Path)
    parser.add_argument("--save", type=Path, help="keep what was measured in this file (.npz)")
    options = parser.parse_args()
    every: list[Row] = []
    for source in options.sources:
        if source.is_file():
            every += loaded(source)
        else:
            every += measured(source)
    if options.save:
        saved(every, options.save)
    print("\n".join(report(every)))


if __name__ == "__main__":
    main()
