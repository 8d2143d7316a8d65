"""Broken documents never stop a merge.

What is right in them is read, and what is wrong is named with file, line and field.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from recordings import SESSIONS

from sessiontool import MergeOptions, merge
from sessiontool.documents.lenient import may_need_mending, mended
from sessiontool.documents.log_times import MAX_TIME_S
from sessiontool.documents.retention import read_retention
from sessiontool.documents.session import read_session
from sessiontool.documents.utterances import read_utterances
from sessiontool.errors import RecordingError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sessiontool.model import Finding, Utterance

RECORDED = sorted(path.name for path in SESSIONS.iterdir())
LINES = "utterances.jsonl"
GOOD = '{"role": "user", "text": "Hello."}'


def utterances(*lines: str | bytes, name: str = LINES) -> tuple[list[Utterance], list[str]]:
    """The utterances of a file of these lines, and the messages of its findings."""
    data = b"\n".join(line.encode() if isinstance(line, str) else line for line in lines)
    found, findings = read_utterances(data, name)
    return found, messages(findings)


def messages(findings: list[Finding]) -> list[str]:
    assert {finding.code for finding in findings} <= {"document-invalid", "log-not-read", "text-encoding"}
    assert all(finding.hint for finding in findings)
    assert all(finding.severity == "warning" for finding in findings if finding.code != "text-encoding")
    return [finding.message for finding in findings]


def session(value: Any) -> tuple[Any, list[str]]:
    model, findings = read_session(value if isinstance(value, bytes) else json.dumps(value).encode(), "session.json")
    return model, messages(findings)


# -- what is right


@pytest.mark.parametrize("wrap", [lambda one: {"data": one}, lambda one: {"ok": True, "body": {"session": one}}])
def test_a_document_in_the_answer_of_a_program_is_read(wrap: Callable[[Any], Any]) -> None:
    document = json.loads((SESSIONS / RECORDED[0] / "session.json").read_text())
    assert session(wrap(document)) == session(document)


def test_a_part_that_is_noted_twice_is_one() -> None:
    document = json.loads((SESSIONS / RECORDED[0] / "session.json").read_text())
    twice = {**document, "parts": [*document["parts"], document["parts"][0]]}
    assert session(twice) == session(document)
    other = {**document["parts"][0], "stop_ms": 1.0}
    assert len(session({**document, "parts": [*document["parts"], other]})[0].parts) == len(document["parts"]) + 1


def test_a_document_of_which_nothing_is_known_is_named() -> None:
    assert session({"userId": 3, "tracks": [{"start": 1}]})[1] == [
        "session.json: no field of it is known; it has userId, tracks"
    ]
    assert session({"schema": "sessiontool.session/1"})[1] == session({})[1] == []


@pytest.mark.parametrize("session_id", RECORDED)
def test_the_documents_of_a_recorder_are_read_whole(session_id: str) -> None:
    folder = SESSIONS / session_id
    written = json.loads((folder / "session.json").read_bytes())
    model, wrong = session((folder / "session.json").read_bytes())
    assert wrong == []
    assert model.session_id == written["session_id"]
    assert [(p.part, p.start_ms, p.stop_ms) for p in model.parts] == [
        (str(p["part"]), p["start_ms"], p["stop_ms"]) for p in written["parts"]
    ]
    assert [[(c.seq, c.bytes, c.emitted_ms) for c in p.chunks] for p in model.parts] == [
        [(c["seq"], c["bytes"], c["emitted_ms"]) for c in p["chunks"]] for p in written["parts"]
    ]
    lines = (folder / LINES).read_bytes()
    found, problems = read_utterances(lines, LINES)
    logged = [json.loads(line) for line in lines.splitlines()]
    assert problems == []
    assert [(u.id, u.role, u.text) for u in found] == [(line["id"], line["role"], line["text"]) for line in logged]
    assert [(u.t_start_us or 0) / 1e6 for u in found] == [line["t_start"] for line in logged]


def test_a_list_does_as_well_as_lines() -> None:
    found, wrong = utterances(f"[{GOOD}, {GOOD}]", name="utterances.json")
    assert [u.id for u in found] == ["entry-1", "entry-2"]
    assert wrong == []


@pytest.mark.parametrize("mark", ["\ufeff", "\n\n", " \n", "\r\n"])
def test_byte_order_marks_and_empty_lines_mean_nothing(mark: str) -> None:
    found, wrong = utterances(mark + GOOD + "\r", "", GOOD)
    assert [u.text for u in found] == ["Hello.", "Hello."]
    assert wrong == []
    assert session(b"\xef\xbb\xbf" + b'{"session_id": "a"}')[0].session_id == "a"


def test_times_are_microseconds_and_may_be_unknown() -> None:
    found, wrong = utterances(
        '{"role": "user", "text": "a", "t_start": 1.0000004, "t_end": null}',
        '{"role": "user", "text": "a", "t_start": -2.5, "t_end": 3}',
    )
    assert [(u.t_start_us, u.t_end_us) for u in found] == [(1_000_000, None), (-2_500_000, 3_000_000)]
    assert wrong == []


def test_unknown_fields_are_handed_through() -> None:
    found, wrong = utterances('{"role": "user", "text": "a", "mood": {"x": [1, null]}, "score": 0.5}')
    assert found[0].extra == {"mood": {"x": [1, None]}, "score": 0.5}
    assert wrong == []
    _, wrong = session({"mood": {"calm": True}, "parts": [{"part": 0, "more": 1}]})
    assert wrong == [], "those of a session are not read"


def test_consent() -> None:
    model, wrong = session({"consent": {"recorded": True, "policy": "2026-01", "at": "2026-11-22T09:00:00Z"}})
    assert (model.consent.recorded, model.consent.policy) == (True, "2026-01")
    assert wrong == []


@pytest.mark.parametrize("recorded", ["true", 1, "yes", [True]])
def test_what_only_looks_like_consent_is_none(recorded: Any) -> None:
    model, wrong = session({"consent": {"recorded": recorded, "policy": "2026-01"}})
    assert (model.consent.recorded, model.consent.policy) == (None, "2026-01")
    assert wrong == ["session.json: consent.recorded: Input should be a valid boolean"]


def test_numbers_do_for_names() -> None:
    assert utterances('{"id": 7, "role": "user", "text": "a"}')[0][0].id == "7"
    assert session({"session_id": 5, "parts": [{"part": 0}]})[0].parts[0].part == "0"


def test_fields_that_javascript_spells_are_read() -> None:
    model, problems = session(
        {
            "sessionId": "a",
            "startedAt": "2026-01-01T00:00:00Z",
            "speakers": {"stopMs": "Dana"},
            "parts": [
                {
                    "part": "000",
                    "startMs": 700,
                    "stopMs": 60000,
                    "mimeType": "audio/webm",
                    "pauses": [{"startMs": 1, "endMs": 2}],
                    "chunks": [{"seq": 0, "emittedMs": 5000}],
                }
            ],
        }
    )
    (part,) = model.parts
    assert not problems
    assert (model.session_id, model.started_at, model.speakers) == ("a", "2026-01-01T00:00:00Z", {"stopMs": "Dana"})
    assert (part.start_ms, part.stop_ms, part.mime_type) == (700, 60000, "audio/webm")
    assert [(one.start_ms, one.end_ms) for one in part.pauses] == [(1, 2)]
    assert [one.emitted_ms for one in part.chunks] == [5000]


def since_1970(value: Any, zero_ms: float) -> Any:
    """A document with its times as a page notes them by `Date.now()`."""
    if isinstance(value, list):
        return [since_1970(one, zero_ms) for one in value]
    if not isinstance(value, dict):
        return value
    times = {"start_ms", "stop_ms", "end_ms", "emitted_ms"}
    return {name: one + zero_ms if name in times else since_1970(one, zero_ms) for name, one in value.items()}


@pytest.mark.parametrize(("started_at", "zero"), [("own", "started_at"), (None, "first"), ("1999-01-01", "first")])
def test_times_since_1970_are_brought_to_the_session_clock(started_at: str | None, zero: str) -> None:
    document = json.loads((SESSIONS / "firefox-pause" / "session.json").read_text())
    plain, _ = read_session(json.dumps(document).encode(), "session.json")
    zero_ms = datetime.fromisoformat(document["started_at"]).timestamp() * 1000
    changed = since_1970(document, zero_ms) | ({} if started_at == "own" else {"started_at": started_at})
    session, findings = read_session(json.dumps(changed).encode(), "session.json")
    assert [(one.code, one.severity) for one in findings] == [("session-clock", "info")]
    late_ms = 0.0 if zero == "started_at" else plain.parts[0].start_ms or 0.0
    assert datetime.fromisoformat(session.started_at or "").timestamp() * 1000 == pytest.approx(
        zero_ms + late_ms, abs=1
    )
    for part, before in zip(session.parts, plain.parts, strict=True):
        pairs = [(part.start_ms, before.start_ms), (part.stop_ms, before.stop_ms)]
        pairs += [(a.emitted_ms, b.emitted_ms) for a, b in zip(part.chunks, before.chunks, strict=True)]
        pairs += [(a.end_ms, b.end_ms) for a, b in zip(part.pauses, before.pauses, strict=True)]
        assert [a for a, _ in pairs] == [pytest.approx((b or 0.0) - late_ms, abs=0.01) for _, b in pairs]


def in_unit(value: Any, factor: float) -> Any:
    """A document with its times in another unit."""
    if isinstance(value, list):
        return [in_unit(one, factor) for one in value]
    if not isinstance(value, dict):
        return value
    times = {"start_ms", "stop_ms", "end_ms", "emitted_ms"}
    return {name: one * factor if name in times else in_unit(one, factor) for name, one in value.items()}


@pytest.mark.parametrize("unit", ["seconds", "microseconds"])
@pytest.mark.parametrize("name", ["firefox-pause", "chrome-24k", "chrome-silence"])
@pytest.mark.parametrize("timeslice", ["its own", "none", "in the unit"])
def test_times_in_another_unit_are_milliseconds_by_the_bytes_recorded_in_them(
    name: str, unit: str, timeslice: str
) -> None:
    document = json.loads((SESSIONS / name / "session.json").read_text())
    before, findings = read_session(json.dumps(document).encode(), "session.json")
    assert not findings
    factor = 0.001 if unit == "seconds" else 1000.0
    changed = in_unit(document, factor)
    for part in changed["parts"]:
        if timeslice != "its own":
            part["timeslice_ms"] = part["timeslice_ms"] * factor if timeslice == "in the unit" else None
    session, findings = read_session(json.dumps(changed).encode(), "session.json")
    assert [(one.code, one.severity) for one in findings] == [("session-clock", "info")]
    assert unit in findings[0].message
    for part, as_was in zip(session.parts, before.parts, strict=True):
        assert [part.start_ms, part.stop_ms] == pytest.approx([as_was.start_ms, as_was.stop_ms])
        assert [one.emitted_ms for one in part.chunks] == pytest.approx([one.emitted_ms for one in as_was.chunks])
        assert [part.timeslice_ms] == ([None] if timeslice == "none" else pytest.approx([as_was.timeslice_ms]))


@pytest.mark.parametrize(
    "chunks",
    [
        [{"seq": n, "bytes": 40_000, "emitted_ms": 29_950.0 if n == 0 else 5000.0 * n} for n in range(7)],  # exchanged
        [{"seq": n, "bytes": 41, "emitted_ms": 5000.0 * n} for n in range(9)],  # kilobytes
        [{"seq": n, "emitted_ms": 5000.0 * n} for n in range(9)],
        [{"seq": n, "bytes": 0, "emitted_ms": 5000.0 * n} for n in range(9)],
        [{"seq": n, "bytes": 300, "emitted_ms": 5000.0 * n} for n in range(9)],  # silence, hardly any packets
        [{"seq": n, "bytes": 1_920_000, "emitted_ms": 5000.0 * n} for n in range(9)],  # stereo in floats
        [{"seq": n, "bytes": 40_000, "emitted_ms": 5.0} for n in range(9)],
        [],
    ],
)
def test_times_that_may_be_milliseconds_stay_as_they_are(chunks: list[dict[str, Any]]) -> None:
    document = {"parts": [{"part": 0, "start_ms": 0, "stop_ms": 45_000, "chunks": chunks}]}
    session, findings = read_session(json.dumps(document).encode(), "session.json")
    assert (session.parts[0].stop_ms, findings) == (45_000, [])


def test_times_of_which_only_some_are_since_1970_stay_as_they_are() -> None:
    parts = [{"part": 0, "start_ms": 700, "stop_ms": 1.7e12}]
    session, findings = read_session(json.dumps({"parts": parts}).encode(), "session.json")
    assert (session.parts[0].start_ms, session.parts[0].stop_ms, findings) == (700, 1.7e12, [])


def test_a_known_spelling_counts_before_another_one() -> None:
    assert session({"started_at": "a", "startedAt": "b"})[0].started_at == "a"


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (("start,end,role,text", "1,2,user,Well, yes,of course"), "Well, yes,of course"),
        (("start,text,role", "1,Well, yes,of course,user"), "Well, yes,of course"),
        (("role;text;start", "user;Well; yes;1"), "Well; yes"),
        (("role,text", 'user,"Well, yes", of course'), "Well, yes, of course"),
        (
            ("user,1.0,Well then, yes it is", *(f"assistant,{k}.5,Fine by number {k}" for k in range(2, 9))),
            "Well then, yes it is",
        ),
    ],
)
def test_a_text_with_the_tables_separator_is_read_whole_and_named(lines: tuple[str, ...], text: str) -> None:
    found, problems = utterances(*lines, name="utterances.csv")
    assert (found[0].role, found[0].text) == ("user", text)
    assert found[0].t_start_us == (1_000_000 if "start" in lines[0] or "1.0" in lines[0] else None)
    (problem,) = problems
    assert "has more cells than there are columns" in problem


def test_a_column_without_a_name_is_no_part_of_the_text() -> None:
    rows = [f"user,Hello {k},0.9" for k in range(4)]
    found, problems = utterances("role,text", *rows, name="utterances.csv")
    assert [one.text for one in found] == [f"Hello {k}" for k in range(4)]
    assert problems == []


@pytest.mark.parametrize(
    ("names", "roles"),
    [
        (("caller", "callee"), ("user", "assistant")),
        (("agent", "callee"), ("assistant", "user")),
        (("seller", "buyer"), ("assistant", "user")),
    ],
)
def test_names_of_both_sides_of_a_call_are_two_roles(names: tuple[str, str], roles: tuple[str, str]) -> None:
    lines = [json.dumps({"role": name, "text": "Hello."}) for name in names * 2]
    assert tuple(one.role for one in utterances(*lines)[0]) == roles * 2


# -- what is wrong in utterances
# -- what is wrong in utterances


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "line 2: is not valid JSON"),
        ('{"role": "user", "te', "line 2: is not valid JSON"),  # torn off
        ("[1, 2]", "line 2: is a list"),
        ("null", "line 2: is null"),
        ('"text"', "line 2: is a string"),
        ("12", "line 2: is a number"),
        ("true", "line 2: is a boolean"),
        ('{"role": "user"}', "line 2: text: Field required"),
        ('{"text": "a"}', "line 2: role: Field required"),
        ('{"role": "user", "text": 5}', "line 2: text: Input should be a valid string"),
        ('{"role": "user", "text": null}', "line 2: text:"),
        ("[" * 100_000, "line 2: is not valid JSON (nested too deeply)"),
        ('{"role": "user", "text": "a", "t_start": ' + "9" * 5000 + "}", "line 2: is not valid JSON"),
    ],
)
def test_a_line_that_holds_no_utterance_is_named_and_left_out(line: str, told: str) -> None:
    found, wrong = utterances(GOOD, line, GOOD)
    assert [u.id for u in found] == ["line-1", "line-3"]
    assert told in wrong[0]
    assert wrong[0].startswith(f"{LINES}: ")


@pytest.mark.parametrize(
    ("field", "told"),
    [
        ('"t_start": "soon"', "t_start"),
        ('"t_start": NaN', "t_start"),
        ('"t_start": Infinity', "t_start"),
        ('"t_start": 1e400', "t_start"),
        ('"t_start": 1790000000', "is no time on the session clock"),
        ('"t_end": [1]', "t_end"),
        ('"interrupted": "perhaps"', "interrupted"),
        ('"language": 5', "language"),
        ('"id": {}', "id"),
        ('"more": NaN', "more"),
        ('"more": ' + "[" * 700 + "]" * 700, "more"),
    ],
)
def test_a_wrong_field_is_named_and_the_utterance_stays(field: str, told: str) -> None:
    found, wrong = utterances(GOOD, '{"role": "user", "text": "Stays.", ' + field + "}")
    assert [u.text for u in found] == ["Hello.", "Stays."]
    assert (found[1].t_start_us, found[1].t_end_us, found[1].extra) == (None, None, {})
    assert len(wrong) == 1
    assert "line 2" in wrong[0]
    assert told in wrong[0]


def test_a_time_of_a_year_is_the_last_one() -> None:
    line = '{"role": "user", "text": "a", "t_start": %s}'
    assert utterances(line % MAX_TIME_S)[1] == []
    assert len(utterances(line % (MAX_TIME_S + 1))[1]) == 1


def test_a_strange_role_is_named_and_kept() -> None:
    found, wrong = utterances(GOOD, GOOD, '{"role": "narrator", "text": "a"}')
    assert found[2].role == "narrator"
    assert "'narrator' is neither user nor assistant" in wrong[0]


def test_an_id_used_twice_is_named() -> None:
    found, wrong = utterances(*('{"id": "x", "role": "user", "text": "' + text + '"}' for text in "abc"))
    assert len(found) == 3
    assert [("line 2" in w, "line 3" in w) for w in wrong] == [(True, False), (False, True)]


def test_bytes_that_are_no_text_cost_only_themselves() -> None:
    found, wrong = utterances(b'{"role": "user", "text": "caf\xe9"}', GOOD)
    assert [u.text for u in found] == ["caf\u00e9", "Hello."]
    assert "it was read as cp1252" in wrong[0]


def test_a_list_that_is_none_is_named() -> None:
    for text, told in (("{}", "holds an object, not a list"), ("[", "is not valid JSON"), ("", "is not valid JSON")):
        found, wrong = utterances(text, name="utterances.json")
        assert found == []
        assert told in wrong[0]


def test_problems_are_named_up_to_twenty() -> None:
    _, wrong = utterances(*["{"] * 500, *[GOOD] * 501)
    assert len(wrong) == 21
    assert wrong[-1] == f"{LINES}: 480 more problems of this kind"
    (finding,) = utterances(*["{"] * 500)[1]  # nothing of it is understood: that is one problem
    assert "nothing could be read" in finding


# -- what is wrong in session.json


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "is not valid JSON"),
        (b"{", "column 2"),
        (b'{\n "a": 1\n x}', "line 3 column 2"),
        (b"[1]", "holds a list, not an object"),
        (b"\xff", "is not valid JSON"),
        (b'{"parts": ' + b"[" * 100_000, "nested too deeply"),
    ],
)
def test_a_session_that_is_none_is_an_empty_one(data: bytes, told: str) -> None:
    model, wrong = session(data)
    assert model.parts == []
    assert len(wrong) == 1
    assert told in wrong[0]


PART = {"part": "0", "start_ms": 5.5, "chunks": [{"seq": 0, "bytes": 3}, {"seq": 1}]}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"start_ms": "x"}, "parts.0.start_ms"),
        ({"start_ms": float("nan")}, "parts.0.start_ms"),
        ({"timeslice_ms": 1e300}, None),
        ({"pauses": [{"start_ms": 1}]}, "parts.0.pauses.0.end_ms"),
        ({"pauses": {}}, "parts.0.pauses"),
        ({"mime_type": 5}, "parts.0.mime_type"),
    ],
)
def test_a_wrong_field_of_a_part_costs_only_itself(change: dict[str, Any], told: str | None) -> None:
    model, wrong = session({"parts": [{**PART, **change}]})
    (part,) = model.parts
    assert [chunk.seq for chunk in part.chunks] == [0, 1]
    assert part.pauses == []
    assert part.start_ms == (None if "start_ms" in change else 5.5)
    if told:
        assert len(wrong) == 1
        assert told in wrong[0]


@pytest.mark.parametrize("bad", [{"seq": -1}, {"bytes": 3}, {"seq": "x"}, {"seq": 1e300}, 7, None, [], "x"])
def test_a_wrong_chunk_costs_only_itself(bad: Any) -> None:
    model, wrong = session({"parts": [{**PART, "chunks": [{"seq": 0}, bad, {"seq": 2}]}]})
    assert [chunk.seq for chunk in model.parts[0].chunks] == [0, 2]
    assert wrong
    assert all("parts.0.chunks.1" in message for message in wrong)


@pytest.mark.parametrize("bad", [{}, {"start_ms": 5}, {"part": None}, 7, None, []])
def test_a_wrong_part_costs_only_itself(bad: Any) -> None:
    model, wrong = session({"parts": [bad, PART, {"part": "1"}]})
    assert [part.part for part in model.parts] == ["0", "1"]
    assert all("parts.0" in message for message in wrong)
    assert wrong


def test_places_stay_right_where_several_are_wrong() -> None:
    parts = [{"part": "0", "chunks": [{"seq": -1}, {"seq": 1, "bytes": "q"}, {"seq": -3}]}, 7, PART]
    model, wrong = session({"parts": parts})
    assert [part.part for part in model.parts] == ["0", "0"]
    assert [chunk.seq for chunk in model.parts[0].chunks] == [1]
    told = {message.partition(": ")[2].partition(":")[0] for message in wrong}
    assert told == {"parts.0.chunks.0.seq", "parts.0.chunks.1.bytes", "parts.0.chunks.2.seq", "parts.1"}


# -- JSON that is none to everybody

HOSTILE = {
    "deep": "[" * 100_000,
    "deep objects": '{"a":' * 100_000,
    "deep, with half a pair": "[" * 700 + r'"\ud83d"' + "]" * 700,
    "long numbers": f"[{'9' * 4000}, 1e999, -1e999]",
    "longer numbers": "9" * 5000,
    "no numbers": "[NaN, Infinity, -Infinity]",
    "half a pair": r'{"\udfff": "\ud800"}',
    "zero characters": r'"a\u0000b"',
    "zero bytes": '"\0"',
    "doubled": '{"a": 1, "a": 2}',
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_cost_at_most_their_document(value: str, copy: Callable[[str], Path]) -> None:
    """Each where it hurts most: as a field that is read, as one that is handed through, and as all there is."""
    folder = copy("chrome-24k")
    session_json = (folder / "session.json").read_text()
    first = (folder / LINES).read_text().partition("\n")[0]
    for session_text in (value, session_json.replace("{", f'{{"started_at": {value}, "more": {value}, ', 1)):
        (folder / "session.json").write_text(session_text)
        for line in (value, f'{{"x": {value}, {first[1:]}', f'{{"role": "user", "text": {value}, "t_end": {value}}}'):
            (folder / LINES).write_text(f"{line}\n{GOOD}\n")
            event = f'{{"type": "conversation.item.created", "item": {{"id": {value}, "role": {value}}}}}'
            (folder / "events.jsonl").write_text(f'{value}\n{{"t_ms": {value}, "event": {event}}}\n{event}\n')
            result = merge("chrome-24k", store=folder.parent, options=MergeOptions(align=False, force=True))
            assert result.report["chunks"]
            assert result.report["utterances"] >= 1
            written = json.loads((folder / "merged/report.json").read_bytes(), parse_constant=pytest.fail)
            assert written["findings"] == result.report["findings"]
            assert all(finding.message.isprintable() for finding in result.findings)
            assert all(len(finding.message) < 500 for finding in result.findings)


def test_the_last_of_two_fields_of_a_name_counts_and_is_named() -> None:
    model, wrong = session(b'{"session_id": "a", "parts": [{"part": 1, "part": 2}], "session_id": "b"}')
    assert (model.session_id, model.parts[0].part) == ("b", "2")
    assert [message.partition(": ")[2].partition(" ")[0] for message in wrong] == ["part", "session_id"]
    found, wrong = utterances(GOOD, '{"role": "user", "text": "a", "text": "b", "text": "c"}')
    assert [one.text for one in found] == ["Hello.", "c"]
    assert wrong == [f"{LINES}: line 2: text is there twice in one object; the last one counts"]
    found, wrong = utterances('[{"role": "user", "text": "a", "text": "b"}]', name="utterances.json")
    assert (found[0].text, len(wrong)) == ("b", 1)


def test_two_terms_are_none() -> None:
    text = b'{"retention": {"delete_all_after_days": 30}, "retention": {"delete_all_after_days": 3000}}'
    with pytest.raises(RecordingError, match="retention is there twice"):
        read_retention(text, "session.json", "s")


@pytest.mark.parametrize(("field", "most"), [("seq", 10**18), ("bytes", 1 << 63)])
def test_numbers_that_no_chunk_can_have_are_named(field: str, most: int) -> None:
    for value, known in ((most - 1, True), (most, False)):
        model, wrong = session({"parts": [{"part": "0", "chunks": [{"seq": 1, field: value}]}]})
        assert bool(wrong) != known
        assert [getattr(chunk, field) for chunk in model.parts[0].chunks] == (
            [value] if known else [None] * (field == "bytes")
        )


@given(st.recursive(st.text(max_size=3), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=3), inner)))
def test_what_is_mended_can_be_written_and_is_otherwise_the_same(value: Any) -> None:
    text = json.dumps(value)
    found = mended(json.loads(text))
    assert found == json.loads(text) or may_need_mending(text)
    json.dumps(found, ensure_ascii=False).encode()


# -- anything


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
entries = st.fixed_dictionaries(
    {},
    optional={
        "part": json_values,
        "start_ms": json_values,
        "pauses": st.lists(st.fixed_dictionaries({}, optional={"start_ms": json_values, "end_ms": json_values})),
        "chunks": st.lists(st.fixed_dictionaries({}, optional={"seq": json_values}) | json_values, max_size=4),
    },
)


@given(st.fixed_dictionaries({}, optional={"parts": st.lists(entries | json_values, max_size=3) | json_values}))
@settings(deadline=None, max_examples=150)
def test_any_session_is_read(value: dict[str, Any]) -> None:
    model, _ = session(value)
    assert all(isinstance(part.part, str) for part in model.parts)


@given(
    st.lists(
        st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "role", "text", "t_start", "t_end", "x"), json_values))
        | json_values,
        max_size=5,
    )
)
@settings(deadline=None, max_examples=150)
def test_any_utterances_are_read(values: list[Any]) -> None:
    found, _ = read_utterances("\n".join(map(json.dumps, values)).encode(), LINES)
    for utterance in found:
        assert isinstance(utterance.id, str)
        assert isinstance(utterance.text, str)
        json.dumps(utterance.extra, allow_nan=False)


@given(st.binary(max_size=80))
def test_any_bytes_are_read(data: bytes) -> None:
    for name in (LINES, "utterances.json"):
        assert isinstance(read_utterances(data, name)[0], list)
    session(data)
