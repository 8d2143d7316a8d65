"""Phrases of text without spaces, by BudouX's models: where a reader of Japanese, Chinese or Thai would break a line.

A model has a score for what stands beside a place: single characters, pairs and threes of them.  The more they say
together, the surer a phrase begins there; BudouX itself asks only whether they say it at all, which parts words of
Chinese.  The models are small (33 to 65 kB each) and are read when a text first needs one.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache

from msgspec import Struct

from .languages import is_traditional, script_language

_UNSPACED = "[\u0e01-\u0e5b\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff]"
_MODELS = {"ja": "ja.json", "zh": "zh-hans.json", "zh-hant": "zh-hant.json", "th": "th.json"}
_FEATURES = {
    **{f"UW{number + 1}": (number - 3, number - 2) for number in range(6)},
    **{f"BW{number + 1}": (number - 2, number) for number in range(3)},
    **{f"TW{number + 1}": (number - 3, number) for number in range(4)},
}
"""What a model looks at, from and to which character counted from the place."""

_SURE = 1000
"""A score from which on a phrase surely begins (chosen: of places with less some part words of Chinese)."""


class PhraseEdges(Struct, frozen=True):
    """Where phrases of a text begin, as places in it: surely, and perhaps."""

    sure: frozenset[int]
    perhaps: frozenset[int]


class _Model(Struct, frozen=True):
    scores: dict[str, dict[str, int]]
    least: float


@lru_cache(maxsize=1024)
def phrase_edges(text: str, language: str) -> PhraseEdges | None:
    """Where phrases of a text begin; None where no model knows its language."""
    if text.isascii() or not re.search(_UNSPACED, text):
        return None
    known = language[:2].lower()
    name = known if known in _MODELS else script_language(text)
    if name == "zh" and is_traditional(language):
        name = "zh-hant"
    if name not in _MODELS:
        return None
    model = _model(name)
    if model is None:
        return None
    scores = {place: _score(model, text, place) for place in range(1, len(text))}
    sure = frozenset(place for place, score in scores.items() if score >= _SURE)
    return PhraseEdges(sure, frozenset(place for place, score in scores.items() if 0 < score < _SURE))


def _score(model: _Model, text: str, place: int) -> float:
    return (
        sum(
            model.scores.get(name, {}).get(text[place + low : place + high], 0)
            for name, (low, high) in _FEATURES.items()
            if place + low >= 0
        )
        - model.least
    )


@cache
def _model(name: str) -> _Model | None:
    """A model of BudouX; None where the package is not whole: lines that break anywhere are captions too."""
    from importlib.resources import files  # noqa: PLC0415 - only some languages need a model

    try:
        import budoux  # noqa: PLC0415 - the same

        scores = json.loads(files(budoux).joinpath("models", _MODELS[name]).read_text(encoding="utf-8"))
    except (ModuleNotFoundError, FileNotFoundError):
        return None
    return _Model(scores, sum(sum(group.values()) for group in scores.values()) / 2)
