"""Logs that do not say who speaks: the channel on which each utterance sounds does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from sessiontool import merge
from sessiontool.documents.log_options import log_options
from sessiontool.documents.utterances import read_utterances

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Said = dict[str, Any]


def said(folder: Path) -> list[Said]:
    """The utterances of the sample, in the order in which they begin."""
    lines = (folder / "utterances.jsonl").read_text(encoding="utf-8").splitlines()
    return sorted(map(json.loads, lines), key=lambda one: float(one["t_start"]))


def clock(at_s: float) -> str:
    ms = round(at_s * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02},{ms % 1000:03}"


def subrip(utterances: list[Said]) -> str:
    return "".join(
        f"{number}\n{clock(one['t_start'])} --> {clock(one['t_end'])}\n{one['text']}\n\n"
        for number, one in enumerate(utterances, 1)
    )


def diarized(utterances: list[Said]) -> str:
    names = {"user": "SPEAKER_01", "assistant": "SPEAKER_00"}
    return json.dumps(
        {
            "segments": [
                {
                    "start": one["t_start"] + 4,
                    "end": one["t_end"] + 4,
                    "text": one["text"],
                    "speaker": names[one["role"]],
                }
                for one in utterances
            ]
        }
    )


@pytest.mark.parametrize(
    ("name", "write"), [("utterances.srt", subrip), ("utterances.json", diarized)], ids=["no names", "numbered names"]
)
def test_the_channel_tells_who_speaks(
    copy: Callable[[str], Path], name: str, write: Callable[[list[Said]], str]
) -> None:
    folder = copy("demo")
    truth = said(folder)
    (folder / "utterances.jsonl").unlink()
    (folder / name).write_text(write(truth), encoding="utf-8")
    result = merge("demo", store=folder.parent)
    found = result.transcript["utterances"]
    assert [(one["text"], one["role"]) for one in found] == [(one["text"], one["role"]) for one in truth]
    codes = [one.code for one in result.findings]
    assert "speakers-by-sound" in codes
    assert "log-not-read" not in codes
    assert result.report["captions_status"] == "complete"
    named = {one["role"]: one.get("logged_speaker") for one in found}
    assert named == (
        {"user": None, "assistant": None} if name.endswith("srt") else {"user": "SPEAKER_01", "assistant": "SPEAKER_00"}
    )


def test_where_nothing_says_when_it_was_said_the_log_is_not_understood(copy: Callable[[str], Path]) -> None:
    folder = copy("demo")
    made = [{"text": one["text"]} for one in said(folder)]
    (folder / "utterances.jsonl").unlink()
    (folder / "utterances.json").write_text(json.dumps(made), encoding="utf-8")
    result = merge("demo", store=folder.parent)
    (unread,) = (one for one in result.findings if one.code == "log-not-read")
    assert 'role = "' in unread.hint
    assert result.report["captions_status"] != "complete"
    assert result.transcript["utterances"] == []


def test_on_one_channel_texts_alone_are_enough_to_be_looked_for() -> None:
    made = json.dumps([{"text": f"Text {n}."} for n in range(4)]).encode()
    assert [one.text for one in read_utterances(made, "utterances.json", channels=("mixed",))[0]] == [
        f"Text {n}." for n in range(4)
    ]
    assert read_utterances(made, "utterances.json", channels=("user", "assistant"))[0] == []


def test_a_log_without_names_says_what_to_write_before_the_sound_is_heard() -> None:
    made = subrip([{"t_start": n, "t_end": n + 1, "text": f"Text {n}."} for n in range(4)])
    found, (unread,) = read_utterances(made.encode(), "utterances.srt")
    assert [(one.role, one.t_start_us) for one in found] == [("", n * 1_000_000) for n in range(4)]
    assert (unread.code, unread.severity) == ("log-not-read", "warning")
    assert "4 entries do not say who speaks" in unread.message
    assert 'speaker = "user"' in unread.hint
    known, findings = read_utterances(made.encode(), "utterances.srt", options=log_options({"speaker": "user"}))
    assert ({one.role for one in known}, findings) == ({"user"}, [])
