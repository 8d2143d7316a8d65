"""Verify notices whatever is changed of a published result, and what it cannot read is a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from verify_mutations import FORGERIES, TRANSCRIPTS, judge

from sessiontool.sessions import verify_agreement

if TYPE_CHECKING:
    from pathlib import Path

COUNT, SEED = 300, 20261122
"""`verify_mutations.py` takes any."""


@pytest.mark.parametrize("damaged", [False, True])
def test_every_change_is_noticed_and_none_is_a_crash(tmp_path: Path, damaged: bool) -> None:
    tally = judge(COUNT, SEED, tmp_path, damaged=damaged)
    assert (tally.missed, tally.crashed) == ([], [])
    assert sum(tally.kinds.values()) == COUNT
    assert min(tally.kinds.values()) >= COUNT // 5
    assert 0 < tally.passed < tally.kinds["anything"], "what contradicts nothing passes"


@pytest.mark.parametrize("check", ["verify_report", "verify_names", "verify_transcript", "verify_captions"])
def test_the_judge_can_fail(tmp_path: Path, check: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each check notices what nothing else does."""
    monkeypatch.setattr(verify_agreement, check, lambda *_: [])
    assert judge(COUNT, SEED, tmp_path, until_missed=True).missed


def test_the_tables_of_forgeries_are_of_a_size_to_mean_something() -> None:
    assert len({*FORGERIES, *TRANSCRIPTS}) > 30
