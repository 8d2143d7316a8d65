"""Logs that are in another order, have an utterance more than once, or have what was never said aloud."""

from __future__ import annotations

import base64
import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from test_foreign_logs import SAID
from test_stranger_logs import clock, entries, iso, lines, read

from sessiontool.documents import field_names
from sessiontool.documents.log_clock import SessionTimes
from sessiontool.events import read_events
from sessiontool.sessions.piecewise import open_pieces
from sessiontool.storage import open_store

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DIALOGUE = [(role, text) for role, text, *_ in SAID]
TURNS = [{"role": role, "text": text} for role, text in DIALOGUE]


def said(utterances: Any) -> list[tuple[str, str]]:
    return [(one.role, one.text) for one in utterances]


NUMBERED: dict[str, Callable[[int], dict[str, Any]]] = {
    "numbers": lambda n: {"seq": n},
    "numbers in words": lambda n: {"messageIndex": str(n)},
    "ids": lambda n: {"id": n + 1},
    "ids in words": lambda n: {"itemId": f"msg_{n:03}"},
    "links": lambda n: {"item_id": f"i{n * 7}", "previous_item_id": f"i{(n - 1) * 7}" if n else None},
}


@pytest.mark.parametrize("kind", NUMBERED)
def test_without_times_numbers_and_links_tell_the_order(kind: str) -> None:
    made = [{**NUMBERED[kind](number), **turn} for number, turn in enumerate(TURNS)]
    swapped = [*made[1::-1], *made[2:]]
    for some in (made[::-1], swapped, made):
        utterances, findings = read(lines(some), "utterances.jsonl")
        assert said(utterances) == DIALOGUE
        assert [(f.code, f.severity) for f in findings] == ([] if some is made else [("utterances-clock", "info")])


def test_numbers_that_are_not_all_different_tell_no_order() -> None:
    made = [{"turn": (len(TURNS) - number) // 2, **turn} for number, turn in enumerate(TURNS)]
    utterances, _ = read(lines(made), "utterances.jsonl")
    assert said(utterances) == DIALOGUE


AUDIO = {"user": "input_audio", "assistant": "output_audio"}
TYPED: dict[str, tuple[Callable[[str, str], dict[str, Any]], dict[str, Any]]] = {
    "parts": (
        lambda role, text: {
            "role": role,
            "content": [{"type": f"{'in' if role == 'user' else 'out'}put_audio", "transcript": text}],
        },
        {"role": "user", "content": [{"type": "input_text", "text": "My number is 4711."}]},
    ),
    "medium": (
        lambda role, text: {"role": role, "text": text, "medium": "MESSAGE_MEDIUM_VOICE"},
        {"role": "user", "text": "My number is 4711.", "medium": "MESSAGE_MEDIUM_TEXT"},
    ),
    "flag": (
        lambda role, text: {"role": role, "text": text, "from_text": False},
        {"role": "user", "text": "My number is 4711.", "from_text": True},
    ),
}


@pytest.mark.parametrize("kind", TYPED)
def test_what_was_typed_is_no_speech(kind: str) -> None:
    spoken, typed = TYPED[kind]
    made = [spoken(*turn) for turn in DIALOGUE]
    utterances, findings = read(lines([*made[:2], typed, *made[2:]]), "utterances.jsonl")
    assert said(utterances) == DIALOGUE
    assert [f.message for f in findings if f.code == "entries-not-spoken"] == [
        "utterances.jsonl: 1 entries are no speech: typed (1)"
    ]


def test_where_all_is_text_it_may_have_been_spoken() -> None:
    made = [{"role": role, "content": [{"type": "input_text", "text": text}]} for role, text in DIALOGUE]
    assert said(read(lines(made), "utterances.jsonl")[0]) == DIALOGUE


def planned(number: int, role: str, text: str, stages: bool) -> list[dict[str, Any]]:
    """What a model plans to say, and once it was said: an assistant's text is there twice."""
    made = []
    for stage in ("SPECULATIVE", "FINAL")[role == "user" :]:
        content = {"contentId": f"c{number}{stage}", "role": role.upper(), "content": text}
        made.append({"event": {"textOutput": {**content, **({"generationStage": stage} if stages else {})}}})
    return made


@pytest.mark.parametrize("stages", [True, False])
def test_what_was_planned_and_said_is_said_once(stages: bool) -> None:
    several = [*DIALOGUE, *((role, f"{text} Again.") for role, text in DIALOGUE)]
    made = [one for number, turn in enumerate(several) for one in planned(number, *turn, stages)]
    assert said(read(lines(made), "utterances.jsonl")[0]) == several


def test_an_answer_began_when_it_was_planned() -> None:
    made = [{"role": role, "text": text, "stage": "final", "timestamp": iso(end)} for role, text, _, end in SAID]
    plans = [
        {"role": role, "text": text, "stage": "speculative", "timestamp": iso(start)}
        for role, text, start, _ in SAID
        if role == "assistant"
    ]
    utterances, _ = read(lines(sorted([*plans, *made], key=lambda one: one["timestamp"])), "utterances.jsonl")
    starts = {one.text: one.t_start_us for one in utterances if one.role == "assistant"}
    assert starts == {text: round(start * 1e6) for role, text, start, _ in SAID if role == "assistant"}


def test_captions_that_roll_up_show_each_line_once() -> None:
    cues, shown = "", ""
    for number, (role, text, start, end) in enumerate(SAID, 1):
        line = f"{role.capitalize()}: {text}"
        cues += f"{number}\n{clock(start, ',')} --> {clock(end, ',')}\n{shown}{line}\n\n"
        shown = f"{line}\n"
    assert said(read(cues, "utterances.srt")[0]) == DIALOGUE


def test_a_cue_of_two_speakers_is_two_utterances_and_a_colon_makes_no_name() -> None:
    cue = "1\n00:00:01,000 --> 00:00:04,000\n{}\n\n2\n00:00:05,000 --> 00:00:07,000\nand listen: it rings.\n"
    utterances, _ = read(cue.format("User: Hello.\nAgent: Good day,"), "utterances.srt")
    assert said(utterances) == [("user", "Hello."), ("assistant", "Good day,"), ("assistant", "and listen: it rings.")]


@pytest.mark.parametrize("prefix", ["{} INFO ", "<14>1 {} host bot 1 - - "])
def test_the_time_before_an_entry_is_its_time(prefix: str) -> None:
    made = "".join(
        prefix.format(iso(end if role == "user" else start)) + json.dumps({"role": role, "text": text}) + "\n"
        for role, text, start, end in SAID
    )
    utterances, _ = read(made, "utterances.jsonl")
    assert said(utterances) == DIALOGUE
    assert all(one.t_start_us is not None or one.t_end_us is not None for one in utterances)


def test_words_may_have_any_name() -> None:
    def vosk(role: str, text: str, start: float, end: float) -> dict[str, Any]:
        return {"channel": int(role != "user"), "text": text, "result": [{"word": "x", "start": start, "end": end}]}

    made = entries(vosk)
    utterances, _ = read(json.dumps(made), "utterances.json")
    assert [(one.t_start_us, one.t_end_us) for one in utterances] == [
        (round(start * 1e6), round(end * 1e6)) for *_, start, end in SAID
    ]


def test_entries_that_are_commented_out_are_said() -> None:
    made = lines(TURNS).splitlines()
    utterances, findings = read("\n".join(["# a call", made[0], f"// {made[1]}", *made[2:]]), "utterances.jsonl")
    assert len(utterances) == len(TURNS) - 1
    assert [f.message for f in findings] == ["utterances.jsonl: line 3: is a comment, and what is in it was not read"]


def test_lines_of_base64_are_read() -> None:
    made = "".join(base64.b64encode(json.dumps(one).encode()).decode() + "\n" for one in TURNS)
    assert said(read(made, "utterances.jsonl")[0]) == DIALOGUE


# -- events

WANTED = [("user", "Hello."), ("user", "I have a question."), ("user", "And good bye.")]


def spoken(item: str, text: str, at_ms: float) -> list[dict[str, Any]]:
    added = {"id": item, "type": "message", "role": "user", "content": [{"type": "input_audio", "transcript": None}]}
    kind = "conversation.item.input_audio_transcription.completed"
    return [
        {"t_ms": at_ms, "event": {"type": "conversation.item.added", "previous_item_id": None, "item": added}},
        {"t_ms": at_ms + 9, "event": {"type": kind, "item_id": item, "content_index": 0, "transcript": text}},
    ]


def created(name: str, at_ms: float) -> dict[str, Any]:
    return {"t_ms": at_ms, "event": {"type": "session.created", "session": {"id": name}}}


OWN = [
    created("own", 100),
    *(one for n, (_, text) in enumerate(WANTED) for one in spoken(f"i{n}", text, 3000 + 3000 * n)),
]


def test_a_session_before_the_recording_is_left_out_and_counted() -> None:
    made = [created("before", -90_000), *spoken("old", "Another call.", -80_000), *OWN]
    log = read_events(io.BytesIO(lines(made).encode()), "events.jsonl", SessionTimes(recorded_ms=(0.0, 12_000.0)))
    assert said(log.utterances) == WANTED
    assert list(log.skipped) == ["old"]
    assert "items-skipped" in [f.code for f in log.findings]


def test_a_log_of_which_every_session_is_elsewhere_is_read() -> None:
    log = read_events(io.BytesIO(lines(OWN).encode()), "events.jsonl", SessionTimes(recorded_ms=(90_000.0, 99_000.0)))
    assert said(log.utterances) == WANTED


def test_a_log_in_utf_16_is_whole_in_a_store(tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "events.jsonl").write_bytes(lines(OWN).encode("utf-16"))
    store = open_store(str(tmp_path))
    listed = [store.list_session("s").documents["events.jsonl"]]
    with store.reading(listed) as opened, open_pieces(listed, opened.opened) as file:
        log = read_events(file, "events.jsonl")
    assert said(log.utterances) == WANTED
    assert not log.findings


def typed(value: Any) -> dict[str, Any]:
    """A value as DynamoDB has it."""
    if isinstance(value, dict):
        return {"M": {name: typed(item) for name, item in value.items()}}
    if isinstance(value, list):
        return {"L": list(map(typed, value))}
    if value is None:
        return {"NULL": True}
    return {"S": value} if isinstance(value, str) else {"N": str(value)}


@pytest.mark.parametrize(
    "line",
    [
        lambda one: {"Item": {name: typed(item) for name, item in one.items()}},
        lambda one: base64.b64encode(json.dumps(one).encode()).decode(),
    ],
    ids=["typed", "base64"],
)
def test_events_are_read_as_a_store_has_them(line: Callable[[Any], Any]) -> None:
    made = [line(one) for one in OWN]
    written = "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in made)
    log = read_events(io.BytesIO(written.encode()), "events.jsonl")
    assert said(log.utterances) == WANTED


def test_events_that_are_nested_too_deeply_cost_only_themselves() -> None:
    made = "[" * 700 + "1" + "]" * 700 + "\n" + lines(OWN)
    assert said(read_events(io.BytesIO(made.encode()), "events.jsonl").utterances) == WANTED


# -- whatever fields hold

KNOWN_FIELDS = sorted(
    {
        name
        for group in vars(field_names).values()
        if isinstance(group, (tuple, frozenset, dict))
        for name in group
        if isinstance(name, str)
    }
    | {"previous_item_id", "parentId", "messageIndex"}
)
ODD_VALUES: list[Any] = [["b"], {"q": 1}, [{"a": [{}]}], True, 10**30, "x"]


@pytest.mark.parametrize("odd", ODD_VALUES, ids=repr)
def test_whatever_a_known_field_holds_it_stops_no_merge(odd: Any) -> None:
    for name in KNOWN_FIELDS:
        made = [
            {"id": chr(97 + number), **turn, name: odd if number != 1 else "a"} for number, turn in enumerate(TURNS)
        ]
        read(lines(made), "utterances.jsonl")
