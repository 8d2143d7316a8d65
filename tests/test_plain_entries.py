"""An utterance as our recorders write it is read without being understood, and as if it had been."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessiontool.documents import entries, fields
from sessiontool.documents.fields import entry_of
from sessiontool.documents.own_form import is_plain
from sessiontool.documents.utterances import read_utterances
from sessiontool.options import LogOptions

TEXTS = st.sampled_from(["Yes.", " ", "Name: well", "a, b", "?", "\ufffd", "12:30"])
TIMES = st.one_of(st.floats(), st.integers(-(10**20), 10**20))
PLAIN = st.fixed_dictionaries(
    {"role": st.sampled_from(["user", "assistant"]), "text": TEXTS},
    optional={"id": TEXTS, "t_start": TIMES, "t_end": TIMES, "interrupted": st.booleans()},
)


@given(PLAIN, st.sampled_from([LogOptions(), LogOptions(unit_ms=1.0)]), st.sampled_from([{}, {"user": "assistant"}]))
def test_it_is_what_reading_it_by_its_names_gives(value: Any, options: LogOptions, names: dict[str, str]) -> None:
    assert is_plain(value)
    assert repr(entry_of(value, "line 1", options, names)) == repr(fields._read(value, "line 1", options, names))


@given(st.lists(PLAIN, max_size=6), st.sampled_from(["\n", ","]))
def test_a_log_of_them_is_the_same(values: list[Any], between: str) -> None:
    written = between.join(map(json.dumps, values))
    data = (f"[{written}]" if between == "," else written).encode()
    quick = read_utterances(data, "utterances.jsonl")
    with pytest.MonkeyPatch.context() as patch:
        for module in (fields, entries):
            patch.setattr(module, "is_plain", lambda value: False)
        assert repr(read_utterances(data, "utterances.jsonl")) == repr(quick)


@pytest.mark.parametrize(
    "more",
    [
        {"role": "agent"},
        {"text": ""},
        {"text": ["Yes."]},
        {"t_start": None},
        {"t_end": True},
        {"final": True},
        {"id": 1},
    ],
)
def test_what_differs_in_anything_is_looked_at(more: dict[str, Any]) -> None:
    assert not is_plain({"role": "user", "text": "Yes.", "t_start": 1.0, **more})
    assert not is_plain(["user", "Yes."])


MOST_CALLS = 90
"""Number of calls of Python for an utterance, as units of work; measured: 74, and 131 where each step looked anew."""


def test_reading_one_takes_few_steps() -> None:
    lines = (
        {
            "id": f"item_{n}",
            "role": ("user", "assistant")[n % 2],
            "text": f"It is number {n}.",
            "t_start": n,
            "t_end": n + 0.5,
        }
        for n in range(1000)
    )
    data = "\n".join(map(json.dumps, lines)).encode()
    read_utterances(data, "utterances.jsonl")
    calls = 0

    def count(_frame: Any, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        read_utterances(data, "utterances.jsonl")
    finally:
        sys.setprofile(None)
    assert calls < MOST_CALLS * 1000


def test_json_that_breaks_off_is_not_read_as_another_language(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "as_json", lambda text: pytest.fail("there is nothing to translate in JSON"))
    data = json.dumps([{"speaker": "agent", "message": f"It is number {n}."} for n in range(9)])
    for cut in (data[:-20], data[:-1]):
        utterances, findings = read_utterances(cut.encode(), "utterances.json")
        assert len(utterances) >= 8
        assert "is not valid JSON" in findings[0].message
