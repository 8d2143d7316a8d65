"""Fits the weights of `sessiontool.alignment.confidence`, and says how far confidence can be relied on.

usage: python benchmarks/confidence.py FOLDER... [--leave NAME...]

Each FOLDER holds sessions with truth.json as `benchmarks/align.py` describes them.  Sessions whose names begin with
one of the NAMEs are left out of the fit, and the table is made of them alone (without NAMEs: of all).

Each session is aligned four times: by its log as it is, by one with the times at which texts arrived, by one without
the assistant's times, and by one without any.  A placement is right if both ends lie within 100 ms of the truth.  The
fit is a logistic regression whose weights are not below zero; logs as they are count four times as much as the others.
"""

from __future__ import annotations

import argparse
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sessiontool.align import align
from sessiontool.alignment.confidence import WEIGHTS, confidence, features
from sessiontool.sessions.explain_alignment import place_session
from sessiontool.storage import open_store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessiontool.model import Utterance

_RIGHT_MS = 100
_LOGS = {"as it is": 4.0, "arrivals": 1.0, "user's times": 1.0, "no times": 1.0}
_BINS = (0.97, 0.9, 0.8, 0.5, 0.0)
_STEPS, _MOMENTUM, _HOLD = 6000, 0.9, 1.0


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


def rows(session: Path) -> Iterator[tuple[str, list[float], bool, float]]:
    """Kind of log, features, whether it is right and confidence, of each placement."""
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
            yield kind, list(features(evidence).values()), right, confidence(evidence)


def fit(values: np.ndarray, right: np.ndarray, weight: np.ndarray) -> tuple[float, np.ndarray]:
    """Bias and weights, none below zero, of the chance that a placement is right."""
    bias, weights, pace = 3.0, np.zeros(values.shape[1]), 0.5 / weight.sum()
    speed_bias, speed = 0.0, np.zeros_like(weights)
    for _ in range(_STEPS):
        off = weight * (1 / (1 + np.exp(values @ weights - bias)) - right)
        speed_bias = _MOMENTUM * speed_bias - pace * off.sum()
        speed = _MOMENTUM * speed + pace * (values.T @ off - _HOLD * weights)
        bias, weights = bias + speed_bias, np.maximum(0, weights + speed)
    return bias, weights


def table(judged: list[tuple[str, list[float], bool, float]]) -> Iterator[str]:
    """How many placements of each confidence are right, for each kind of log."""
    yield "| log | " + " | ".join(f"{low} and more" for low in _BINS) + " | Brier |"
    yield "|---|" + "---|" * (len(_BINS) + 1)
    for kind in _LOGS:
        chance, right = (np.array([row[k] for row in judged if row[0] == kind], float) for k in (3, 2))
        cells, high = [], 2.0
        for low in _BINS:
            here = (chance >= low) & (chance < high)
            cells.append(f"{int(right[here].sum())} of {int(here.sum())}")
            high = low
        yield f"| {kind} | " + " | ".join(cells) + f" | {np.mean((chance - right) ** 2):.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--leave", nargs="*", default=[], help="sessions to leave out of the fit and to judge by")
    options = parser.parse_args()
    fitted, judged = [], []
    for session in sorted(path.parent for folder in options.folders for path in folder.glob("*/truth.json")):
        mine = list(rows(session))
        left = any(session.name.startswith(name) for name in options.leave)
        fitted += [] if left else mine
        judged += mine if left or not options.leave else []
    values, right = np.array([row[1] for row in fitted]), np.array([row[2] for row in fitted], float)
    bias, weights = fit(values, right, np.array([_LOGS[row[0]] for row in fitted]))
    print(f"BIAS = {bias:.1f}\nWEIGHTS = {dict(zip(WEIGHTS, np.round(weights, 1).tolist(), strict=True))}\n")
    print("\n".join(table(judged)))


if __name__ == "__main__":
    main()
