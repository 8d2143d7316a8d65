"""How long texts take to say, beside how long they took in a recording."""

from __future__ import annotations

import json
from math import log
from pathlib import Path
from statistics import median

import pytest

from sessiontool.speech.duration_model import spoken_ms

TRUTH = Path(__file__).parent / "data" / "dialogues" / "small" / "truth.json"


def test_texts_take_as_long_as_the_model_has_it() -> None:
    said = [u for u in json.loads(TRUTH.read_text())["utterances"] if u.get("words")]
    off = [log(1000 * (u["t1"] - u["t0"]) / spoken_ms(" ".join(word for word, _, _ in u["words"]))) for u in said]
    assert abs(median(off)) < 0.2
    assert median(abs(one - median(off)) for one in off) < 0.2


@pytest.mark.parametrize(
    ("shorter", "longer"),
    [("ten", "ten to the north"), ("Yes.", "Yes. No."), ("at 9", "at 1945"), ("はい", "はいはいはい"), ("…", "I")],
)
def test_more_text_takes_longer(shorter: str, longer: str) -> None:
    assert 0 < spoken_ms(shorter) < spoken_ms(longer)
