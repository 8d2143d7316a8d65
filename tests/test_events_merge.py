"""A merge with an event log: recordings whose log was made from what is true of them, by the published payloads."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, cast

import pytest
import webvtt
from msgspec.structs import replace
from realtime_logs import LogOf, read
from test_merge import true_places, truth_of

from sessiontool import MergeOptions, merge
from sessiontool.errors import UsageError
from sessiontool.events import join
from sessiontool.metrics.document import metrics_json
from sessiontool.model import INAUDIBLE, Utterance
from sessiontool.sessions.merge import verify_session
from sessiontool.simulate.eventlog import event_log
from sessiontool.simulate.log_plan import LogPlan, Said
from sessiontool.storage import open_output

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessiontool import MergeResult

RECORDED = ("demo", "chrome-1s", "chrome-pause", "firefox-pause")
UNHEARD = (
    "And then there is the matter of the second invoice, which nobody has paid.",
    "That was last year, of course, and much has changed since then.",
)


def said_in(session: Path) -> list[Said]:
    """What was said in a recording; two answers were cut off, so more was generated than is in the sound."""
    truth = json.loads(truth_of(session).read_text())["utterances"]
    turns = [
        Said(one["id"], one["role"], one["text"], one["session_start_s"] * 1000, one["session_end_s"] * 1000)
        for one in truth
    ]
    answers = [place for place, turn in enumerate(turns) if turn.role == "assistant" and len(turn.text.split()) > 5]
    for unheard, place in zip(UNHEARD, answers, strict=False):
        turns[place] = replace(turns[place], unheard=unheard)
    return turns


@dataclass
class WithEvents:
    """A recorded session with an event log and a rollover in its middle, and what a merge makes of that alone."""

    session: Path
    said: list[Said]
    log: str
    result: MergeResult
    truth: dict[str, tuple[float, float]]


def item(name: str) -> str:
    """The truth's name of an item of the log."""
    return name.rpartition("_")[2]


@pytest.fixture(scope="module", params=RECORDED)
def recorded(
    request: pytest.FixtureRequest, recorded_session: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> WithEvents:
    source = recorded_session(request.param)
    store = tmp_path_factory.mktemp("events")
    session = Path(shutil.copytree(source, store / request.param))
    (session / "utterances.jsonl").unlink()
    said = said_in(source)
    middle = sorted(turn.start_ms for turn in said)[len(said) // 2] - 450
    log = event_log(said, LogPlan(rollovers_ms=(middle,)))
    (session / "events.jsonl").write_text(log)
    result = merge(request.param, store=store, output=store / "out")
    truth = true_places(source, Path(result.location) / "audio.webm", truth_of(source))
    return WithEvents(session, said, log, result, truth)


def test_before_the_sound_is_looked_at_boundaries_are_where_the_padding_rule_puts_them(recorded: WithEvents) -> None:
    log = read(recorded.log)
    true = {turn.id: turn for turn in recorded.said}
    assert len(log.utterances) == len(true)
    for utterance in log.utterances:
        turn = true[item(utterance.id)]
        assert utterance.t_start_us == pytest.approx(turn.start_ms * 1000, abs=30_000)
        assert utterance.t_end_us == pytest.approx(turn.end_ms * 1000, abs=30_000)


def test_after_alignment_they_are_as_right_as_with_utterances(
    recorded: WithEvents, merged_session: Callable[[str], Path]
) -> None:
    written = json.loads((merged_session(recorded.session.name) / "transcript.json").read_text())
    errors = [errors_ms(utterances, recorded.truth) for utterances in (recorded.result.transcript, written)]
    assert len(errors[0]) >= len(errors[1]) > 0
    assert median(errors[0]) <= median(errors[1]) + 2
    assert max(errors[0]) <= max(errors[1]) + 20


def errors_ms(transcript: Any, truth: dict[str, tuple[float, float]]) -> list[float]:
    errors: list[float] = []
    for one in transcript["utterances"]:
        if (name := item(one["id"])) in truth and one["start_s"] is not None:
            start_s, end_s = truth[name]
            errors += [abs(one["start_s"] - start_s) * 1000, abs(one["end_s"] - end_s) * 1000]
    return errors


def test_what_was_heard_is_right_to_a_word(recorded: WithEvents) -> None:
    transcript = {item(one["id"]): one for one in recorded.result.transcript["utterances"]}
    for turn in recorded.said:
        one = transcript[turn.id]
        assert one["text"] == turn.generated
        if turn.unheard and turn.id in recorded.truth:
            assert one["interrupted"] is True
            assert abs(len(one["heard_text"].split()) - len(turn.text.split())) <= 1
            assert turn.generated.startswith(one["heard_text"])
        elif not turn.unheard:
            assert "heard_text" not in one


@pytest.mark.parametrize("beside", [False, True])
def test_events_under_the_name_of_utterances_are_read_as_events(
    recorded: WithEvents, tmp_path: Path, beside: bool
) -> None:
    session = tmp_path / recorded.session.name
    shutil.copytree(recorded.session, session)
    (session / "events.jsonl").rename(session / "utterances.jsonl")
    if beside:
        (session / "events.jsonl").write_text(recorded.log)
    result = merge(session.name, store=tmp_path, output=tmp_path / "out")
    assert result.transcript["utterances"] == recorded.result.transcript["utterances"]
    (finding,) = [one for one in result.findings if one.code == "events-in-utterances"]
    assert ("not read, as events.jsonl is there" in finding.message) is beside


def test_captions_show_what_was_heard_and_end_with_a_dash(recorded: WithEvents) -> None:
    folder = Path(recorded.result.location)
    shown = " ".join(cue.text.replace("\n", " ") for cue in webvtt.read(str(folder / "captions.vtt")).captions)
    assert shown.count("\u2014") >= 2
    assert not any(unheard in shown for unheard in UNHEARD)


def test_the_report_tells_of_the_sessions_and_of_their_clocks(recorded: WithEvents) -> None:
    told: Any = recorded.result.report["realtime"]
    first, second = told["sessions"]
    assert (first["ended"], second["ended"]) == ("expired", "")
    assert first["offset_from"] == second["offset_from"] == "speech events"
    assert second["offset_ms"] > first["offset_ms"] + 5000
    assert abs(first["sound_late_ms"]) < 150
    assert len(told["resent"]) == 4
    codes = {finding.code for finding in recorded.result.findings}
    assert {"realtime-expired", "items-resent"} <= codes
    assert "realtime-lost" not in codes


def test_every_field_of_a_result_with_events_is_explained(recorded: WithEvents) -> None:
    from doc_examples import PROJECT
    from test_docs import fields

    explained = set(re.findall(r"`\.*(\w+)(?:\[\])?`", (PROJECT / "docs" / "formats.md").read_text()))
    for document in (recorded.result.report, recorded.result.transcript):
        assert fields(document, apart_from={"settings", "residual_ms", "unknown"}) <= explained


def test_the_result_is_whole(recorded: WithEvents) -> None:
    name = recorded.session.name
    target = open_output(str(Path(recorded.result.location).parent), name)
    assert verify_session(name, target).findings == ()


def test_notes_and_chapters_are_beside_the_captions(recorded: WithEvents) -> None:
    folder = Path(recorded.result.location)
    notes = recorded.result.transcript["notes"]
    assert [note["kind"] for note in notes] == ["instructions", "context"]
    chapters = webvtt.read(str(folder / "chapters.vtt")).captions
    assert [chapter.text for chapter in chapters] == [
        "You are Morgan, a customer.",
        "The trainee has two minutes left.",
    ]
    assert chapters[1].start_in_seconds == int(notes[1]["at_s"] or 0)
    assert chapters[0].end == chapters[1].start


# -- both logs


@pytest.fixture
def both(copy: Callable[[str], Path]) -> Path:
    """A session with utterances and events that tell the same, but for what each knows better."""
    session = copy("chrome-1s")
    (session / "events.jsonl").write_text(event_log(said_in(session), LogPlan()))
    return session


def merged(session: Path, **options: Any) -> MergeResult:
    return merge(
        session.name, store=session.parent, output=session.parent.parent / "out", options=MergeOptions(**options)
    )


def test_both_logs_give_each_utterance_once(both: Path) -> None:
    written = [json.loads(line) for line in (both / "utterances.jsonl").read_text().splitlines()]
    result = merged(both)
    utterances: Any = result.transcript["utterances"]
    assert [one["id"] for one in utterances] == [one["id"] for one in written]
    assert all(one["item_id"] == f"item_0_{one['id']}" for one in utterances)
    cut = [one for one in utterances if one["interrupted"]]
    assert len(cut) >= 2
    assert [one["text"] for one in utterances] == [one["text"] for one in written]


def test_the_time_before_answers_is_divided_as_in_truth(
    recorded_session: Callable[[str], Path], tmp_path: Path
) -> None:
    session = Path(shutil.copytree(recorded_session("demo"), tmp_path / "store" / "demo"))
    said = {one.id: one for one in said_in(session)}
    (session / "events.jsonl").write_text(event_log([*said.values()], LogPlan()))
    result = merged(session)
    noticed_ms = {one["id"]: 1000 * cast("Any", one)["noticed_s"] for one in result.transcript["utterances"]}
    document = metrics_json(result.transcript, result.report)
    (waited,) = (one for one in document["figures"] if one["name"] == "latency_endpointing")
    true = [noticed_ms[name] - one.end_ms for name, one in said.items() if one.role == "user"]
    assert waited["coverage"] > 0.8
    for start_s, end_s in waited["stretches_s"]:
        assert min(abs(1000 * (end_s - start_s) - wait_ms) for wait_ms in true) < 60


def test_the_preferred_log_has_its_way(both: Path) -> None:
    generated = {turn.id: turn.generated for turn in said_in(both)}
    result = merged(both, prefer="events")
    assert {one["id"]: one["text"] for one in result.transcript["utterances"]} == generated
    assert "sources-disagree" in {finding.code for finding in result.findings}
    again = merged(both, prefer="events")
    assert again.unchanged
    assert not merged(both, prefer="utterances").unchanged
    with pytest.raises(UsageError, match="prefer must be events or utterances, not 'event'"):
        merged(both, prefer="event")


def utterance(name: str, role: str, text: str, start_s: float | None, **more: Any) -> Utterance:
    start_us = None if start_s is None else round(start_s * 1e6)
    return Utterance(name, role, text, start_us, None if start_us is None else start_us + 900_000, **more)


@pytest.mark.parametrize("prefer", ["utterances", "events"])
@pytest.mark.parametrize("arrived_in", [0, 1])
def test_when_something_was_received_says_nothing_where_the_other_log_knows(prefer: Any, arrived_in: int) -> None:
    exact = Utterance("a", "user", "One.", 1_000_000, None)
    arrived = Utterance("a", "user", "One.", None, 5_000_000, arrived_us=5_000_000)
    written, logged = (arrived, exact) if arrived_in == 0 else (exact, arrived)
    (one,) = join([written], [logged], prefer).utterances
    assert (one.t_start_us, one.t_end_us, one.arrived_us) == (1_000_000, None, None)
    (both,) = join([arrived], [arrived], prefer).utterances
    assert (both.t_start_us, both.t_end_us, both.arrived_us) == (None, 5_000_000, 5_000_000)


def test_they_are_joined_by_id_else_by_role_time_and_text() -> None:
    written = [
        utterance("item_7", "user", "Something else altogether.", 90),
        utterance("u1", "user", "Yes.", 10.4),
        utterance("u2", "assistant", "Where is my parcel", 21.0),
        utterance("u3", "user", "Yes.", 40.2),
        utterance("u4", "user", "Only written down.", 50),
        utterance("u5", "assistant", "No time at all.", None),
    ]
    logged = [
        utterance("item_1", "user", "Yes.", 10),
        utterance(
            "item_2",
            "assistant",
            "Where is my parcel?",
            20,
            interrupted=True,
            heard_text="Where is",
            heard_estimated=True,
        ),
        utterance("item_3", "user", "Yes.", 40),
        utterance("item_5", "assistant", "No time at all.", 60),
        utterance("item_6", "user", "Only in the events.", 65),
        utterance("item_7", "user", "Not the same.", 70),
    ]
    joined = join(written, logged)
    assert joined.in_both == 5
    assert [one.id for one in joined.utterances] == ["item_7", "u1", "u2", "u3", "u4", "u5", "item_6"]
    by_id = {one.id: one for one in joined.utterances}
    assert by_id["u2"].extra == {"item_id": "item_2"}
    assert (by_id["u2"].interrupted, by_id["u2"].heard_text, by_id["u2"].heard_estimated) == (True, "Where is", True)
    assert by_id["u5"].t_start_us == 60_000_000  # what one does not know the other one tells
    assert by_id["item_7"].text == "Something else altogether."
    messages = " ".join(finding.message for finding in joined.findings)
    for told in (
        "another text in the utterances",
        "item_7",
        "more than 3 s apart",
        "in the utterances alone: u4",
        "in the events alone: item_6",
    ):
        assert told in messages
    assert join(written, logged, "events").utterances[0].text == "Not the same."


def test_a_text_that_was_transcribed_beats_one_that_was_not() -> None:
    logged = [utterance("a", "user", INAUDIBLE, 10, extra={"transcription": "failed"})]
    written = [utterance("u", "user", "I said so by hand.", 10.2)]
    for prefer in ("events", "utterances"):
        joined = join(written, logged, prefer)
        assert [one.text for one in joined.utterances] == ["I said so by hand."]
        assert not joined.findings


def test_what_was_heard_stands_as_it_is_written_down() -> None:
    logged = [
        utterance(
            "a", "assistant", "One two three four.", 10, interrupted=True, heard_text="One two", heard_estimated=True
        )
    ]
    whole = utterance("u", "assistant", "One two three four.", 10, heard_text="One two three")
    short = utterance("u", "assistant", "One two", 10)
    assert [(one.heard_text, one.heard_estimated) for one in join([whole], logged).utterances] == [
        ("One two three", False)
    ]
    assert [(one.text, one.heard_text, one.interrupted) for one in join([short], logged).utterances] == [
        ("One two", None, True)
    ]


# -- the command


def run(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "sessiontool", *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)


def test_events_lists_what_the_log_holds(both: Path) -> None:
    done = run("events", both.name, "--store", both.parent)
    assert (done.returncode, done.stderr) == (0, "")
    assert "chrome-1s: 1" in done.stdout
    for told in (
        "events, 1 session, 8 turns, 2 interruptions",
        "its clock began at",
        "cut off, heard: ",
        "context (1)",
    ):
        assert told in done.stdout
    done = run("events", both.name, "--store", both.parent, "--json")
    (document,) = json.loads(done.stdout)["sessions"]
    assert [one["id"] for one in document["utterances"]] == [f"item_0_u{number:03d}" for number in range(8)]
    assert len(document["interruptions"]) == 2
    assert document["sessions"][0]["turns"] == 8
    assert document["skipped"] == document["resent"] == document["findings"] == []


def test_utterances_are_written_where_they_are_asked_for_and_nowhere_else(both: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in both.rglob("*") if path.is_file()}
    done = run("events", both.name, "--store", both.parent, "--to-utterances")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["role"] for line in lines] == ["assistant", "user"] * 4
    assert sum("heard_text" in line for line in lines) == 2
    folder = tmp_path / "made"
    done = run("events", both.name, "--store", both.parent, "--to-utterances", "--output", folder)
    assert f"8 utterances written to {folder / both.name / 'utterances.jsonl'}" in done.stdout
    assert [json.loads(line) for line in (folder / both.name / "utterances.jsonl").read_text().splitlines()] == lines
    assert {path: path.read_bytes() for path in both.rglob("*") if path.is_file()} == before
    done = run("events", both.name, "--store", both.parent, "--to-utterances", "--output", both.parent)
    assert done.returncode == 2
    assert "utterances.jsonl exists already\nhint: --force replaces it" in done.stderr
    assert {path: path.read_bytes() for path in both.rglob("*") if path.is_file()} == before
    assert run("events", both.name, "-s", both.parent, "--to-utterances", "-o", both.parent, "-f").returncode == 0


def test_what_is_written_merges_as_the_events_do(both: Path) -> None:
    (both / "utterances.jsonl").unlink()
    by_events = merged(both).transcript["utterances"]
    assert run("events", both.name, "-s", both.parent, "--to-utterances", "-o", both.parent).returncode == 0
    (both / "events.jsonl").unlink()
    by_utterances = merged(both).transcript["utterances"]
    for one, other in zip(by_events, by_utterances, strict=True):
        assert {**one, "heard_text": None} == {**other, "heard_text": None}
        assert one.get("heard_text") is None or other["heard_text"].split()[:-1] <= one["heard_text"].split()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("events", "chrome-1s"), 3, "events.jsonl\nhint: the page has to mirror"),
        (("events", "nobody"), 3, "nobody"),
        (("events", "chrome-1s", "--output", "x"), 2, "--output is for --to-utterances"),
        (("events", "chrome-1s", "--to-utterances", "--json"), 2, "go to stdout"),
        (("events", "chrome-1s", "chrome-24k", "--to-utterances"), 2, "go to stdout"),
        (("merge", "chrome-1s", "--prefer", "me"), 2, "--prefer must be events or utterances"),
    ],
)
def test_a_call_that_makes_no_sense_is_told(
    arguments: tuple[str, ...], code: int, told: str, recorded_session: Callable[[str], Path]
) -> None:
    done = run(*arguments, "--store", recorded_session("chrome-1s").parent)
    assert (done.returncode, done.stdout) == (code, "")
    assert told in done.stderr


def test_captions_show_all_that_was_generated_on_demand(both: Path, tmp_path: Path) -> None:
    (both / "utterances.jsonl").unlink()
    for command in (
        ("merge",),
        ("merge", "--caption-text", "generated"),
        ("captions",),
        ("captions", "--caption-text", "generated"),
    ):
        done = run(command[0], both.name, *command[1:], "--store", both.parent, "--output", tmp_path / "out")
        assert done.returncode == 0, done.stderr
        shown = (tmp_path / "out" / both.name / "captions.vtt").read_text().replace("\n", " ")
        assert ("which nobody has paid." in shown) == (len(command) > 1)
        assert ("\u2014" in shown) == (len(command) == 1)


def test_a_log_alone_says_why_there_is_nothing_to_caption(both: Path) -> None:
    (both / "utterances.jsonl").unlink()
    (both / "events.jsonl").write_text("{\n")
    result = merged(both)
    assert [f.severity for f in result.findings if f.code == "log-not-read"] == ["warning"]
    assert result.report["captions_status"] == "none"


def test_a_channel_that_dies_has_its_turn_closed_by_the_sound(both: Path) -> None:
    """The log ends while the user speaks; where the speech ends is in the recording."""
    (both / "utterances.jsonl").unlink()
    lines = (both / "events.jsonl").read_text().splitlines(keepends=True)
    last = [turn for turn in said_in(both) if turn.role == "user"][-1]
    stopped = next(place for place, line in enumerate(lines) if "speech_stopped" in line and last.id in line)
    (both / "events.jsonl").write_text(
        "".join(line for line in lines[:stopped] if "conversation.item.input" not in line or last.id not in line)
    )
    result = merged(both)
    (open_turn,) = [one for one in result.transcript["utterances"] if one["id"].endswith(last.id)]
    assert open_turn["logged"]["t_end"] is None
    assert open_turn["text"] == INAUDIBLE
    written = {one["id"]: one for one in merged_places(both)}
    assert open_turn["end_s"] == pytest.approx(written[last.id]["end_s"], abs=0.25)
    assert "realtime-lost" in {finding.code for finding in result.findings}


@pytest.mark.parametrize(("stop_ms", "told"), [(31_000, False), (200_000, True)])
def test_events_that_end_long_before_the_recording_are_told(both: Path, stop_ms: int, told: bool) -> None:
    session = json.loads((both / "session.json").read_text())
    session["parts"][0]["stop_ms"] = stop_ms
    (both / "session.json").write_text(json.dumps(session))
    codes = {finding.code for finding in merged(both, align=False).findings}
    assert ("events-end-early" in codes) == told


def merged_places(session: Path) -> list[dict[str, Any]]:
    """The places of the truth, by the session clock of its recording (one part, closed at its start)."""
    truth = json.loads(truth_of(session).read_text())["utterances"]
    return [{"id": one["id"], "end_s": one.get("end_s")} for one in truth]


def test_an_hour_of_websocket_sound_is_measured_and_not_kept() -> None:
    log = LogOf().begin(0)
    for number in range(3):
        log.add(1000 * number, "response.output_audio.delta", item_id="a", response_id="r", delta="AAAA" * 16_000)
    assert read(log.text()).utterances[0].generated_us == 3_000_000
