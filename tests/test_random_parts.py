"""The random judge on sessions of several parts: a short run, and that it is right about what is wrong.

`benchmarks/faults.py --random N --parts` prints tables.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import TYPE_CHECKING

import pytest
from random_cases import SESSION, assert_nothing_worse_than_wrong, merge, read_output, would_purge
from random_naming import OF_SESSIONS
from random_parts import SESSION_FAULTS, Session, SessionCase, draw_session, undamaged_session
from random_pool import pool
from random_session_judge import judge_session, run_session
from random_truth import truth_of

if TYPE_CHECKING:
    from pathlib import Path

    from random_judge import Verdict
    from random_recordings import Packet, Recording

SEED = 16
CASES = 12
_MOST_WRONG = 1  # of them; docs/faults.md says how many are in all


def recordings(*names: str) -> list[Recording]:
    known = {one.name: one for found in pool().values() for one in found}
    return [known[name] for name in names]


def session(*names: str) -> Session:
    return undamaged_session(recordings(*names), Random(4), {})


def verdict_of(made: Session, output: list[Packet]) -> Verdict:
    folder = made.as_one()
    return judge_session(made, folder, truth_of(folder), output)


@pytest.mark.parametrize("bare", [True, False])
@pytest.mark.parametrize(
    "names",
    [("demo/0", "demo/1"), ("sim-firefox", "sim-firefox-paused", "demo/2"), ("chrome-silence/0", "firefox-ogg/0")],
)
def test_what_is_undamaged_is_judged_as_right(names: tuple[str, ...], bare: bool, tmp_path: Path) -> None:
    outcome = run_session(SessionCase(1, 0, session(*names), [], bare), tmp_path)
    assert outcome.is_right
    assert not outcome.verdict.gone
    assert not [finding for finding in outcome.findings if finding["severity"] == "error"]
    assert would_purge(tmp_path)


class TestTheJudgeCanFail:
    @pytest.fixture
    def made(self) -> Session:
        return session("demo/2", "sim-firefox")

    @pytest.fixture
    def output(self, made: Session, tmp_path: Path) -> list[Packet]:
        made.write(tmp_path / SESSION, bare=False)
        merge(tmp_path)
        return read_output(tmp_path)

    def test_a_packet_less_and_one_twice(self, made: Session, output: list[Packet]) -> None:
        assert verdict_of(made, output).is_right
        at = len(output) - 9
        assert verdict_of(made, output[:at] + output[at + 1 :]).lost == 1
        assert verdict_of(made, output[: at + 1] + output[at:]).doubled == 1

    @pytest.mark.parametrize("by_ms", [-5000, -60, 60])
    def test_a_part_at_another_time(self, made: Session, output: list[Packet], by_ms: int) -> None:
        own = {packet.payload for packet in made.parts[1].recording.packets}
        moved = [replace(one, time_ms=one.time_ms + by_ms * (one.payload in own)) for one in output]
        verdict = verdict_of(made, moved)
        assert verdict.misplaced > 0.9 * len(own)
        assert verdict.worst_ms == pytest.approx(abs(by_ms), abs=30)


def test_random_faults_of_several_parts() -> None:
    outcomes = [run_session(draw_session(SEED, index)) for index in range(CASES)]
    wrong = assert_nothing_worse_than_wrong(outcomes)
    assert len(wrong) <= _MOST_WRONG, wrong


def test_every_fault_of_a_session_can_be_done() -> None:
    done = set()
    for seed in range(200):
        case = draw_session(1, seed)
        done |= {kind for kind in case.kinds if kind in SESSION_FAULTS}
    assert done == SESSION_FAULTS.keys()
    assert {*OF_SESSIONS, "part-unnoted"} == done
    assert [upload.data for upload in case.session.parts[0].folder.stored()] == [
        upload.data for upload in draw_session(1, seed).session.parts[0].folder.stored()
    ]
