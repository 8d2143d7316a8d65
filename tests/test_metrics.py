"""The figures of a conversation: counted step by step from known truth, and on conversations small enough to count."""

from __future__ import annotations

import csv
import json
from itertools import pairwise
from pathlib import Path
from shutil import copytree
from statistics import median
from typing import TYPE_CHECKING, Any, cast

import pytest
from conftest import TESTS, store_of
from typer.testing import CliRunner

from sessiontool import MergeOptions, caption, merge, verify
from sessiontool.cli import app
from sessiontool.metrics.document import metrics_json
from sessiontool.metrics.talk import SpokenUtterance
from sessiontool.metrics.words import count_fillers, count_questions, count_words

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES_PER_MS = 48


def said(role: str, start_s: float, end_s: float, text: str = "one two three", **more: Any) -> dict[str, Any]:
    times = {"start_s": start_s, "end_s": end_s, "status": "aligned", "confidence": 0.97}
    return {"id": f"{role}{start_s}", "role": role, "text": text, "interrupted": False, **times, **more}


def span(kind: str, start_s: float, end_s: float, session_s: float | None = None) -> dict[str, Any]:
    begin_ms = 1000 * (start_s if session_s is None else session_s)
    samples = [round(at * 1000 * SAMPLES_PER_MS) for at in (start_s, end_s)]
    return {"kind": kind, "output_samples": samples, "session_ms": [begin_ms, begin_ms + 1000 * (end_s - start_s)]}


def figures(
    utterances: list[dict[str, Any]], spans: list[dict[str, Any]] | None = None, length_s: float = 60, **more: Any
) -> dict[tuple[str, str | None], dict[str, Any]]:
    transcript = {"session_id": "s", "duration_s": length_s, "utterances": utterances, **more}
    report = {"timeline": spans or [span("recorded", 0, length_s)], "sound": {"channels": []}}
    document = metrics_json(cast("Any", transcript), cast("Any", report))
    return {(one["name"], one.get("role")): one for one in document["figures"]} | {("document", None): document}


def value(found: dict[tuple[str, str | None], dict[str, Any]], name: str, role: str | None = None) -> Any:
    return found[name, role]["value"]


# -- conversations small enough to count


TALK = [
    said("user", 1, 3, "Hello there. Can you hear me?"),
    said("assistant", 4, 8, "Yes, I can hear you."),
    said("user", 5, 5.4, "Mhm."),  # a backchannel
    said("assistant", 8.5, 10, "What can I do?"),
    said("user", 9, 14, "I would like to leave."),  # interrupts
    said("assistant", 20, 21, "Goodbye."),
]


def test_turns_gaps_and_interruptions_are_counted() -> None:
    found = figures(TALK)
    assert value(found, "talk_time", "user") == 7.4
    assert value(found, "talk_time", "assistant") == 6.5
    assert value(found, "share_of_speech", "user") == round(7.4 / 13.9, 4)
    assert value(found, "share_of_duration", "user") == round(7.4 / 60, 4)
    assert (value(found, "turns", "user"), value(found, "turns", "assistant")) == (2, 2)
    assert value(found, "longest_monologue", "assistant") == 6.0
    assert found["longest_monologue", "assistant"]["stretches_s"] == [[4.0, 10.0]]
    assert value(found, "switches_per_minute") == 3.0
    assert found["response_gap", "assistant"]["stretches_s"] == [[3.0, 4.0], [14.0, 20.0]]
    assert value(found, "response_gap", "assistant") == 3.5
    assert found["response_gap", "assistant"]["distribution"] == {"count": 2, "mean": 3.5, "p90": 6.0, "max": 6.0}
    assert value(found, "first_response", "assistant") == 1.0
    assert value(found, "response_gap", "user") is None
    assert value(found, "interruptions", "user") == 1
    assert value(found, "recovery", "user") == 6.0
    assert value(found, "overlap") == 1.4
    assert value(found, "silence") == 7.5
    assert value(found, "dead_air") == 6.0
    assert value(found, "questions", "user") == 1
    assert value(found, "words_per_minute", "assistant") == round(60 * 10 / 6.5, 2)


def test_gaps_and_silence_over_what_was_not_recorded_are_dropped() -> None:
    talk = [said("user", 1, 3), said("assistant", 8, 9), said("user", 10, 11), said("assistant", 11.5, 12)]
    lost = [span("recorded", 0, 4), span("silence", 4, 7), span("recorded", 7, 60)]
    found = figures(talk, lost)
    assert found["response_gap", "assistant"]["stretches_s"] == [[11.0, 11.5]]
    assert found["response_gap", "assistant"]["dropped"] == 1
    assert (value(found, "silence"), value(found, "dead_air")) == (1.5, 0.0)
    assert value(found, "share_of_duration", "user") == round(3 / 57, 4)
    closed = [span("recorded", 0, 11.2), span("recorded", 11.2, 60, session_s=31.2)]  # a pause that was closed up
    assert figures(talk, closed)["response_gap", "assistant"]["stretches_s"] == [[3.0, 8.0]]


def test_with_too_few_places_no_ratio_is_computed() -> None:
    talk = [said("user", 2 * n, 2 * n + 1) for n in range(20)]
    known = figures([*talk, said("assistant", 50, 51)])
    assert value(known, "share_of_speech", "user") == round(20 / 21, 4)
    lost = {"start_s": None, "end_s": None, "status": "unmatched"}
    few = figures([*talk, said("assistant", 50, 51), *({**said("user", 0, n), **lost} for n in range(2))])
    for name in ("share_of_speech", "share_of_duration"):
        assert value(few, name, "user") is None
        assert "too few" in few[name, "user"]["not_computed"]
    assert few["talk_time", "user"]["coverage"] == round(21 / 23, 4)
    silent = figures([*talk, *({**said("user", 0, n), **lost, "status": "no_audio"} for n in range(9))])
    assert value(silent, "share_of_speech", "user") == 1.0  # they are known not to be in the recording


def test_doubtful_places_enter_no_gap_and_too_many_of_them_no_ratio() -> None:
    sure = [said("user", 1, 3), said("assistant", 4, 6), said("user", 7, 9), said("assistant", 9.5, 30)]
    doubtful = [{**sure[0], "confidence": 0.7}, *sure[1:]]
    found = figures(doubtful)
    gaps = found["response_gap", "assistant"]
    assert (gaps["stretches_s"], gaps["doubtful"], gaps["coverage"]) == ([[9.0, 9.5]], 1, 0.5)
    fading = figures([*sure[:2], {**sure[2], "confidence": 0.93}, sure[3]])  # an end is less sure than a start
    assert fading["response_gap", "user"]["stretches_s"] == [[6.0, 7.0]]
    assert fading["response_gap", "assistant"]["stretches_s"] == [[3.0, 4.0]]
    assert (value(found, "response_gap", "user"), found["response_gap", "user"]["coverage"]) == (1.0, 1.0)
    first = found["first_response", "assistant"]  # the second gap is not the first
    assert first["value"] is None
    assert "doubtful" in first["not_computed"]
    assert value(found, "share_of_speech", "user") == round(4 / 26.5, 4)
    many = figures([*sure[:3], {**sure[3], "confidence": 0.7}])
    assert "doubtful" in many["share_of_duration", "user"]["not_computed"]
    assert "doubtful" in many["silence", None]["not_computed"]
    assert value(many, "talk_time", "assistant") == 22.5


def test_a_recovery_between_doubtful_places_is_not_known() -> None:
    talk = [said("assistant", 1, 6), said("user", 5, 8), said("assistant", 9, 12)]
    assert value(figures(talk), "recovery", "user") == 1.0
    for number in range(3):
        doubtful = [{**one, "confidence": 0.5} if place == number else one for place, one in enumerate(talk)]
        found = figures(doubtful)
        assert (value(found, "interruptions", "user"), value(found, "recovery", "user")) == (1, None)


ASKED_AND_ANSWERED = [
    said("user", 1, 3, noticed_s=103.5),
    said("assistant", 4, 8, noticed_s=103.9),
    said("user", 9, 10, noticed_s=110.6),
    said("assistant", 12, 13, noticed_s=111.8),
    said("user", 14, 15),  # its events are not in the log
    said("assistant", 16, 17, noticed_s=116),
]


def test_the_time_before_answers_is_divided_by_events() -> None:
    """The session's clock is 100 s ahead; medians of two answers."""
    found = figures(ASKED_AND_ANSWERED, [span("recorded", 0, 60, 100)])
    names = ("latency_endpointing", "latency_model", "latency_network")
    assert [value(found, name, "assistant") for name in names] == [0.55, 0.8, 0.15]
    assert [found[name, "assistant"]["coverage"] for name in names] == [0.6667] * 3
    assert [found[name, "assistant"]["error"] for name in names] == [0.13, None, 0.13]
    assert found["latency_model", "assistant"]["stretches_s"] == [[3.5, 3.9], [10.6, 11.8]]


@pytest.mark.parametrize(
    "spans",
    [
        pytest.param([span("recorded", 0, 60, 99)], id="a clock that is not the recording's"),
        pytest.param([span("recorded", 0, 2, 100), span("recorded", 2, 60, 500)], id="not recorded then"),
    ],
)
def test_no_time_is_divided_by_a_clock_that_does_not_fit(spans: list[dict[str, Any]]) -> None:
    assert ("latency_model", "assistant") not in figures(ASKED_AND_ANSWERED, spans)


def test_a_field_of_the_log_that_is_no_time_divides_nothing() -> None:
    utterances = [{**one, "noticed_s": "soon"} for one in ASKED_AND_ANSWERED]
    assert ("latency_model", "assistant") not in figures(utterances, [span("recorded", 0, 60, 100)])


def test_a_conversation_of_nothing_has_no_figures_that_lie() -> None:
    found = figures([])
    assert value(found, "silence") == 0.0
    assert found["document", None]["coverage"] == 1.0
    assert {name for name, _ in found} == {"switches_per_minute", "silence", "dead_air", "document"}


def test_what_was_heard_of_a_cut_off_answer_counts() -> None:
    cut = said("assistant", 1, 2, "one two three four five six", interrupted=True, heard_text="one two")
    found = figures([cut, said("user", 2.4, 4)])
    assert value(found, "heard_share", "assistant") == round(2 / 6, 4)
    assert value(found, "words_per_minute", "assistant") == 120.0
    assert value(found, "interruptions", "user") == 1
    assert value(found, "recovery", "user") is None


def test_text_is_counted_by_its_script_and_language() -> None:
    assert count_words("It\u2019s twenty-one, isn't it?") == 4
    assert count_words("\u4eca\u65e5\u306f") is None
    one = SpokenUtterance(
        "u", "user", 0, 1, "", "Why?? \u00bfQu\u00e9? \u041f\u043e\u0447\u0435\u043c\u0443?", "", False
    )
    assert count_questions([one]) == 3
    english = SpokenUtterance("u", "user", 0, 1, "", "Um, I, er, go.", "en-GB", False)
    german = SpokenUtterance("u", "user", 0, 1, "", "Um acht, \u00e4hm, gehe ich.", "de", False)
    assert (count_fillers([english]), count_fillers([german]), count_fillers([one])) == (2, 1, None)


def test_quarters_and_chapters_share_out_the_talk() -> None:
    notes = [{"id": "n1", "kind": "instructions", "at_s": 4.5}, {"id": "n2", "kind": "tool", "at_s": 6.0}]
    document = figures(TALK, notes=notes)["document", None]
    assert [one["start_s"] for one in document["quarters"]] == [0.0, 15.0, 30.0, 45.0]
    for role in ("user", "assistant"):
        whole = next(one for one in document["figures"] if (one["name"], one.get("role")) == ("talk_time", role))
        assert sum(one["talk_s"][role] for one in document["quarters"]) == pytest.approx(whole["value"])
    (chapter,) = document["chapters"]
    assert (chapter["name"], chapter["start_s"], chapter["end_s"]) == ("n1", 4.5, 60.0)
    assert chapter["talk_s"] == {"user": 5.4, "assistant": 6.0}


def test_every_figure_says_what_it_is() -> None:
    document = figures(TALK)["document", None]
    for one in document["figures"]:
        assert {"value", "unit", "definition", "coverage", "error"} <= one.keys()
        assert one["name"] in document["definitions"]
        assert one["definition"] == f"{one['name']}/1"


@pytest.mark.parametrize("sound", [5, {"channels": 5}, {"channels": [5, {"roles": ["user"]}]}])
def test_a_report_whose_sound_makes_no_sense_does_no_harm(sound: Any) -> None:
    transcript = {"session_id": "s", "duration_s": 60.0, "utterances": TALK}
    metrics_json(cast("Any", transcript), cast("Any", {"timeline": [span("recorded", 0, 60)], "sound": sound}))


# -- against known truth


TRUE_SESSIONS = ("chrome-1s", "chrome-load", "chrome-silence", "chrome-24k", "small")


def spoken(name: str) -> list[tuple[str, float, float, str]]:
    """Role, start, end and text of what was really said, in the order of starts."""
    if name == "small":
        folder = TESTS / "data" / "dialogues" / name
        logged = map(json.loads, (folder / "utterances.jsonl").read_text().splitlines())
        texts = {one["id"]: one["text"] for one in logged}
        true = json.loads((folder / "truth.json").read_text())["utterances"]
        sounding = [one for one in true if "t0" in one and one["id"] in texts]
        found = [(one["role"], one["t0"], one["t1"], texts[one["id"]]) for one in sounding]
    else:
        true = json.loads((store_of(name) / name / "truth.json").read_text())["utterances"]
        found = [(one["role"], one["start_pts_s"], one["end_pts_s"], one["text"]) for one in true if one["recorded"]]
    return sorted(found, key=lambda one: one[1])


@pytest.fixture(scope="module")
def counted(merged_session: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """metrics.json of each session."""
    folder = tmp_path_factory.mktemp("dialogue")
    dialogue = merge("small", store=TESTS / "data" / "dialogues", output=folder, options=MergeOptions())
    folders = {name: merged_session(name) for name in TRUE_SESSIONS[:-1]} | {"small": Path(dialogue.location)}
    return {name: json.loads((one / "metrics.json").read_text()) for name, one in folders.items()}


def of(document: dict[str, Any], name: str) -> dict[str, Any]:
    return {one.get("role"): one for one in document["figures"] if one["name"] == name}


def test_gaps_are_those_of_the_truth(counted: dict[str, Any]) -> None:
    errors_ms = []
    for name in TRUE_SESSIONS:
        true = [(b[0], a[2], b[1]) for a, b in pairwise(spoken(name)) if a[0] != b[0] and b[1] >= a[2]]
        for role, figure in of(counted[name], "response_gap").items():
            for start_s, end_s in figure.get("stretches_s", ()):
                near = [one for one in true if one[0] == role and abs(one[2] - end_s) < 0.3]
                errors_ms += [1000 * abs((end_s - start_s) - (one[2] - one[1])) for one in near[:1]]
    assert len(errors_ms) >= 17
    assert round(median(errors_ms), 2) <= 8
    assert sorted(errors_ms)[round(0.95 * len(errors_ms)) - 1] <= 30


@pytest.mark.parametrize("name", TRUE_SESSIONS)
def test_ratios_and_pace_are_those_of_the_truth(counted: dict[str, Any], name: str) -> None:
    true = spoken(name)
    whole = sum(end - start for _, start, end, _ in true)
    for role, figure in of(counted[name], "share_of_speech").items():
        own = [one for one in true if one[0] == role]
        own_s = sum(end - start for _, start, end, _ in own)
        if figure["value"] is not None:
            assert abs(figure["value"] - own_s / whole) <= 0.01
            words = sum(count_words(text) or 0 for *_, text in own)
            pace = of(counted[name], "words_per_minute")[role]["value"]
            assert pace == pytest.approx(60 * words / own_s, rel=0.03)


def test_barge_ins_are_found_in_events_alone(tmp_path: Path) -> None:
    """As many as were simulated, and no others."""
    argv = ["simulate", str(tmp_path / "talk"), "--seconds", "60", "--events", "ga", "--seed", "2", "--barge-ins", "5"]
    assert CliRunner().invoke(app, [*argv, "-q"]).exit_code == 0
    made = merge("talk", store=tmp_path, output=tmp_path / "out", options=MergeOptions(prefer="events"))
    document = json.loads((Path(made.location) / "metrics.json").read_text())
    true = json.loads((tmp_path / "talk" / "truth.json").read_text())["utterances"]
    starts = [b["start_s"] for a, b in pairwise(true) if "heard_text" in a and a["role"] != b["role"]]
    found = [start for one in of(document, "interruptions").values() for start, _ in one.get("stretches_s", ())]
    assert len(starts) == len(found) == 5
    assert all(any(abs(one - start) < 0.2 for start in starts) for one in found)


# -- as a file of the result, and as a command


@pytest.fixture
def published(merged_session: Callable[[str], Path], tmp_path: Path) -> Path:
    """A result of the test's own."""
    return Path(copytree(merged_session("chrome-1s"), tmp_path / "out" / "chrome-1s"))


def command(published: Path, *arguments: str) -> Any:
    where = ["--store", str(store_of("chrome-1s")), "--output", str(published.parent)]
    return CliRunner().invoke(app, ["metrics", "chrome-1s", *where, *arguments])


def test_the_command_gives_what_was_published(published: Path) -> None:
    (document,) = json.loads(command(published, "--json").stdout)["sessions"]
    written = json.loads((published / "metrics.json").read_text())
    assert {name: document[name] for name in written} == written
    rows = [*csv.DictReader(command(published, "--csv").stdout.splitlines())]
    assert [row["name"] for row in rows] == [one["name"] for one in written["figures"]]
    assert {row["session_id"] for row in rows} == {"chrome-1s"}
    assert "response gap" in command(published).stdout
    assert command(published, "--csv", "--json").exit_code == 2


def test_without_alignment_there_is_no_file_and_the_figures_are_the_logs(tmp_path: Path) -> None:
    made = merge("chrome-1s", store=store_of("chrome-1s"), output=tmp_path, options=MergeOptions(align=False))
    assert not (Path(made.location) / "metrics.json").exists()
    (document,) = json.loads(command(Path(made.location), "--json").stdout)["sessions"]
    assert document["basis"] == "log"
    assert {one["error"] for one in document["figures"]} == {None}


def test_figures_that_were_changed_are_noticed_and_made_again_with_captions(published: Path) -> None:
    written = (published / "metrics.json").read_text()
    (published / "metrics.json").write_text(written.replace('"value":', '"value" :', 1))
    codes = [one.code for one in verify("chrome-1s", store=published.parent, output=published.parent).findings]
    assert codes == ["verify-outputs", "verify-metrics"]
    transcript = json.loads((published / "transcript.json").read_text())
    transcript["utterances"][0]["text"] = "What? When? Where? Who?"
    (published / "transcript.json").write_text(json.dumps(transcript))
    caption("chrome-1s", store=published.parent, output=published.parent)
    assert verify("chrome-1s", store=published.parent, output=published.parent).findings == ()
    questions = of(json.loads((published / "metrics.json").read_text()), "questions")
    assert questions[transcript["utterances"][0]["role"]]["value"] >= 4
