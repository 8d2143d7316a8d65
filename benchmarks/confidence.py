"""Says how far confidence can be relied on, and what a fit anew of its weights would give.

usage: python benchmarks/confidence.py FOLDER...

Each FOLDER holds sessions with truth.json as `benchmarks/align.py` describes them.

Each session is aligned four times: by its log as it is, by one with the times at which texts arrived, by one without
the assistant's times, and by one without any.  A placement is right if both ends lie within 100 ms of the truth.  Two
tables count placements that are right, by confidence: with the weights of `sessiontool.alignment.confidence`, and with
weights fitted to three quarters of the sessions for the last quarter, four times.  The fit is a logistic regression
whose weights are not below zero; logs as they are count four times as much as the others.  How sure neighbours are
is a feature too, and goes by the weights as they are: after taking over a fit, fit again.
"""

from __future__ import annotations

import argparse
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from sessiontool.align import align
from sessiontool.alignment.confidence import MOST, MOST_GUESSED, WEIGHTS, confidence, features
from sessiontool.sessions.explain_alignment import place_session
from sessiontool.storage import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sessiontool.model import Utterance

_RIGHT_MS = 100
_LOGS = {"as it is": 4.0, "arrivals": 1.0, "user's times": 1.0, "no times": 1.0}
_BINS = (0.97, 0.9, 0.8, 0.5, 0.0)
_FOLDS = 4
_STEPS, _MOMENTUM, _HOLD = 6000, 0.9, 1.0


class Row(NamedTuple):
    """One placement: by which kind of log, its features, whether it is right, and its confidence."""

    kind: str
    values: list[float]
    right: bool
    confidence: float


def log_as(name: str, log: list[Utterance], truth: dict[str, Any], chance: np.random.Generator) -> list[Utterance]:
    """The log with other times, as other programs would have written it."""
    if name == "no times":
        return [replace(u, t_start_us=None, t_end_us=None) for u in log]
    if name == "user's times":
        return [replace(u, t_start_us=None, t_end_us=None) if u.role == "assistant" else u for u in log]
    if name == "arrivals":
        return [_arrived(u, truth.get(u.id, {}), chance) for u in log]
    return log


def _arrived(one: Utterance, true: dict[str, Any], chance: np.random.Generator) -> Utterance:
    if true.get("t0") is None:
        return replace(one, t_end_us=None)
    late = true["t1"] + chance.uniform(0.3, 1.5) if one.role == "user" else true["t0"] + chance.uniform(0, 0.6)
    return replace(one, t_start_us=round(1e6 * late), t_end_us=None)


def rows(session: Path) -> Iterator[Row]:
    """The placements of a session whose truth is known, by each kind of log."""
    truth = {u["id"]: u for u in json.loads((session / "truth.json").read_text())["utterances"]}
    placed = place_session(open_store(str(session.parent)), session.name)
    log = [p.utterance for p in placed.alignment.placements]
    chance = np.random.default_rng(zlib.crc32(session.name.encode()))
    for kind in _LOGS:
        made = align(log_as(kind, log, truth, chance), placed.timeline, placed.activity, placed.channels)
        for place, evidence in zip(made.placements, made.evidence, strict=True):
            true = truth.get(place.utterance.id)
            if true is None or evidence is None or place.start_samples is None or place.end_samples is None:
                continue
            ends = ((place.start_samples, true.get("t0")), (place.end_samples, true.get("t1")))
            right = all(at is not None and abs(found / 48 - 1000 * at) <= _RIGHT_MS for found, at in ends)
            yield Row(kind, list(features(evidence).values()), right, confidence(evidence))


def fit(fitted: Sequence[Row]) -> tuple[float, np.ndarray]:
    """Bias and weights, none below zero, of the chance that a placement is right."""
    values, right = np.array([row.values for row in fitted]), np.array([row.right for row in fitted], float)
    weight = np.array([_LOGS[row.kind] for row in fitted])
    bias, weights, pace = 3.0, np.zeros(values.shape[1]), 0.5 / weight.sum()
    speed_bias, speed = 0.0, np.zeros_like(weights)
    for _ in range(_STEPS):
        off = weight * (1 / (1 + np.exp(values @ weights - bias)) - right)
        speed_bias = _MOMENTUM * speed_bias - pace * off.sum()
        speed = _MOMENTUM * speed + pace * (values.T @ off - _HOLD * weights)
        bias, weights = bias + speed_bias, np.maximum(0, weights + speed)
    return bias, weights


def judged_by(bias: float, weights: np.ndarray, row: Row) -> Row:
    """The placement with the confidence that these weights give it."""
    most = MOST_GUESSED if dict(zip(WEIGHTS, row.values, strict=True))["unpinned"] > 0 else MOST
    return row._replace(confidence=min(most, 1 / (1 + float(np.exp(np.dot(weights, row.values) - bias)))))


def left_out(sessions: Sequence[Sequence[Row]]) -> Iterator[Row]:
    """All placements, each with the confidence by a fit to sessions that its own is not among."""
    for fold in range(_FOLDS):
        bias, weights = fit([row for k, session in enumerate(sessions) if k % _FOLDS != fold for row in session])
        for session in sessions[fold::_FOLDS]:
            yield from (judged_by(bias, weights, row) for row in session)


def table(judged: Sequence[Row]) -> Iterator[str]:
    """How many placements of each confidence are right, for each kind of log."""
    yield "| log | " + " | ".join(f"{low} and more" for low in _BINS) + " | Brier |"
    yield "|---|" + "---|" * (len(_BINS) + 1)
    for kind in _LOGS:
        chance = np.array([row.confidence for row in judged if row.kind == kind])
        right = np.array([row.right for row in judged if row.kind == kind], float)
        cells, high = [], 2.0
        for low in _BINS:
            here = (chance >= low) & (chance < high)
            cells.append(f"{int(right[here].sum())} of {int(here.sum())}")
            high = low
        yield f"| {kind} | " + " | ".join(cells) + f" | {np.mean((chance - right) ** 2):.3f} |"


def report(sessions: Sequence[Sequence[Row]]) -> Iterator[str]:
    """Both tables, and what the fit to all sessions gives."""
    every = [row for session in sessions for row in session]
    yield f"{len(sessions)} sessions, the weights as they are:\n"
    yield from table(every)
    if len(sessions) >= _FOLDS:
        yield "\nfitted anew, each session judged by a fit to others:\n"
        yield from table(list(left_out(sessions)))
        bias, weights = fit(every)
        named = dict(zip(WEIGHTS, np.round(weights, 1).tolist(), strict=True))
        yield f"\nfitted to all: BIAS = {bias:.1f}, WEIGHTS = {named}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    folders = parser.parse_args().folders
    sessions = sorted(path.parent for folder in folders for path in folder.glob("*/truth.json"))
    print("\n".join(report([list(rows(session)) for session in sessions])))


if __name__ == "__main__":
    main()
