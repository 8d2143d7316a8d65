"""Logs in formats of their own, traces of language models, and speakers who are named by ids."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from test_foreign_logs import SAID, ZERO
from test_stranger_logs import clock, entries, lines, read

if TYPE_CHECKING:
    from collections.abc import Callable

DIALOGUE = [(role, text) for role, text, *_ in SAID]
NAMES = {"user": "Customer", "assistant": "Agent"}


def said(utterances: Any) -> list[tuple[str, str]]:
    return [(one.role, one.text) for one in utterances]


def each(line: Callable[[str, str, float, float], str]) -> str:
    return "".join(line(*one) for one in SAID)


def seconds(at_s: float) -> str:
    return f"{int(at_s) // 3600}:{int(at_s) // 60 % 60:02}:{at_s % 60:06.3f}"


def timed(role: str, text: str, start: float, end: float) -> dict[str, Any]:
    return {"role": role, "text": text, "start": start, "end": end}


def ttml(role: str, text: str, start: float, end: float) -> str:
    agent = 1 + (role != "user")
    return f'<p begin="{clock(start)}" end="{end}s" m:agent="a{agent}">{text.replace(", ", ",<br/>")}</p>'


def element(role: str, text: str, start: float, end: float) -> str:
    return f"<m><role>{role}</role><start>{start}</start><end>{end}</end><text>{text}</text></m>"


def folded(role: str, text: str, start: float, end: float) -> str:
    first, rest = text.partition(" ")[::2]
    return f"- role: {role}\n  start: {start}\n  end: {end}\n  text: >-\n    {first}\n    {rest or '-'}\n"


def row(role: str, text: str, start: float, end: float) -> str:
    quoted = text.replace("'", "''")
    return f"('{role}', '{quoted}', {start}, {end})"


def cell(one: tuple[str, str, float, float]) -> str:
    return f'{one[2]},"' + json.dumps(timed(*one)).replace('"', '""') + '"\n'


HEAD = (
    '<?xml version="1.0"?>\n<tt xmlns="http://www.w3.org/ns/ttml" xmlns:m="http://www.w3.org/ns/ttml#metadata">'
    '<head><m:agent xml:id="a1" type="person"><m:name>Customer</m:name></m:agent>'
    '<m:agent xml:id="a2" type="person"><m:name>Agent</m:name></m:agent></head><body><div>'
)
EVENTS = "[Script Info]\nTitle: x\n\n[Events]\nFormat: Layer, Start, End, Style, Name, Effect, Text\n"
TIMED: dict[str, Callable[[], str]] = {
    "TTML": lambda: HEAD + each(ttml) + "</div></body></tt>",
    "XML attributes": lambda: (
        "<log>" + each(lambda r, t, s, e: f'<turn who="{r}" start="{s}" end="{e}">{t}</turn>') + "</log>"
    ),
    "XML elements": lambda: f"<a><b>{each(element)}</b></a>",
    "XML lines": lambda: each(lambda r, t, s, e: f'<m role="{r}" start="{s}" end="{e}"><![CDATA[{t}]]></m>\n'),
    "ASS": lambda: (
        EVENTS + each(lambda r, t, s, e: f"Dialogue: 0,{seconds(s)},{seconds(e)},Default,{NAMES[r]},,{{\\i1}}{t}\n")
    ),
    "TOML": lambda: each(lambda r, t, s, e: f'[[turns]]\nrole = "{r}"\nstart = {s}\nend = {e}\ntext = "{t}"\n\n'),
    "INI": lambda: each(lambda r, t, s, e: f"[turn {s}]\nrole = {r}\nstart = {s}\nend = {e}\ntext = {t}\n\n"),
    "YAML": lambda: "turns:\n" + each(folded).replace("\n    -\n", "\n"),
    "SQL": lambda: (
        "-- a dump\nINSERT INTO `m` (`role`, `text`, `start`, `end`) VALUES\n"
        + ",\n".join(row(*one) for one in SAID)
        + ";\n"
    ),
    "COPY": lambda: (
        'COPY public.m (role, text, start, "end") FROM stdin;\n'
        + each(lambda r, t, s, e: f"{r}\t{t}\t{s}\t{e}\n")
        + "\\.\n"
    ),
    "script": lambda: f"export const turns = {json.dumps(entries(timed))};\n",
    "JSONP": lambda: f"callback({json.dumps(entries(timed))});",
    "server-sent events": lambda: "".join(f"id: 1\nevent: turn\ndata: {json.dumps(timed(*one))}\n\n" for one in SAID),
    "JSON in cells": lambda: "id,payload\n" + "".join(map(cell, SAID)),
    "labels": lambda: each(lambda r, t, s, e: f"{s:.6f}\t{e:.6f}\t{NAMES[r]}: {t}\n"),
}


@pytest.mark.parametrize("kind", TIMED)
def test_a_format_of_its_own_is_read_with_its_times(kind: str) -> None:
    utterances, findings = read(TIMED[kind](), "utterances.txt")
    assert said(utterances) == DIALOGUE
    for one, (_, _, start, end) in zip(utterances, SAID, strict=True):
        assert (one.t_start_us or 0) / 1e6 == pytest.approx(start, abs=0.002)
        assert (one.t_end_us or 0) / 1e6 == pytest.approx(end, abs=0.002)
    assert not findings


def listed(change: Callable[[str, str], dict[str, Any]]) -> list[dict[str, Any]]:
    return [change(*turn) for turn in DIALOGUE]


def printed(role: str, text: str) -> str:
    return f"{'Human' if role == 'user' else 'AI'}Message(content={text!r}, kwargs={{}})"


def dumped(role: str, text: str) -> dict[str, Any]:
    return {"lc": 1, "id": ["a", "b"], "kwargs": {"content": text, "type": "human" if role == "user" else "ai"}}


def attributes(role: str, text: str) -> dict[str, Any]:
    return {"kind": "log", "attributes": {"message": text, "attributes": {"role": role}}}


def record(role: str, text: str) -> dict[str, Any]:
    return {"body": {"stringValue": text}, "attributes": [{"key": "role", "value": {"stringValue": role}}]}


def participant(number: str, role: str) -> dict[str, Any]:
    return {"ParticipantId": number, "ParticipantRole": role}


PEOPLE = [participant("user", "CUSTOMER"), participant("x1", "AGENT")]
PLAIN: dict[str, Callable[[], str]] = {
    "IRC": lambda: each(lambda r, t, s, e: f"[{ZERO + timedelta(seconds=s):%H:%M:%S}] <@{NAMES[r]}> {t}\n"),
    "dashes": lambda: each(lambda r, t, s, e: f"00:{int(s) // 60:02}:{int(s) % 60:02} - {NAMES[r]} - {t}\n"),
    "a script": lambda: each(lambda r, t, s, e: f"{NAMES[r].upper()}\n{t}\n\n"),
    "a credit": lambda: each(lambda r, t, s, e: f"{NAMES[r]}  0:{int(s):02}\n{t}\n\n") + "Transcribed by a person\n",
    "tuples": lambda: repr(DIALOGUE),
    "tuples the other way round": lambda: repr([(text, role) for role, text in DIALOGUE]),
    "printed messages": lambda: f"[{', '.join(printed(*turn) for turn in DIALOGUE)}]",
    "dumped messages": lambda: json.dumps(listed(dumped)),
    "GELF": lambda: lines(listed(lambda r, t: {"version": "1.1", "short_message": t, "_role": r})),
    "attributes": lambda: json.dumps({"data": listed(attributes)}),
    "OpenTelemetry": lambda: json.dumps({"logs": listed(record)}),
    "people by id": lambda: json.dumps(
        {
            "Participants": PEOPLE,
            "Transcript": listed(lambda r, t: {"ParticipantId": "user" if r == "user" else "x1", "Content": t}),
        }
    ),
    "people by name": lambda: json.dumps(
        {
            "speakers": {"A": "Agent", "B": "Customer"},
            "turns": listed(lambda r, t: {"speaker": "B" if r == "user" else "A", "text": t}),
        }
    ),
}


@pytest.mark.parametrize("kind", PLAIN)
def test_a_conversation_is_read_as_others_write_it_down(kind: str) -> None:
    utterances, findings = read(PLAIN[kind](), "utterances.txt" if kind != "GELF" else "utterances.jsonl")
    assert said(utterances) == DIALOGUE
    assert not [f for f in findings if f.severity == "warning"]


def test_ids_of_which_all_have_one_role_name_none() -> None:
    made = {
        "people": [{"id": "a1", "type": "person"}, {"id": "a2", "type": "person"}],
        "turns": entries(lambda r, t, s, e: {"owner": "a1" if r == "user" else "a2", "text": t, "start": s}),
    }
    assert {one.role for one in read(json.dumps(made), "utterances.json")[0]} == {""}


# -- traces

Call = dict[str, Any]
CALLS: dict[str, Callable[[list[Call], Call, float], Call]] = {
    "observations": lambda asked, answer, at: {"type": "GENERATION", "startTime": at, "input": asked, "output": answer},
    "spans": lambda asked, answer, at: {"created": at, "input": asked, "output": answer["content"]},
    "requests": lambda asked, answer, _: {
        "request_body": {"messages": asked},
        "response_body": {"choices": [{"message": answer}]},
    },
    "runs": lambda asked, answer, _: {"inputs": {"messages": asked}, "outputs": {"messages": [*asked, answer]}},
}


@pytest.mark.parametrize("kind", CALLS)
@pytest.mark.parametrize("is_list", [True, False])
@pytest.mark.parametrize("most", [99, 4])
def test_a_trace_of_calls_is_the_conversation(kind: str, is_list: bool, most: int) -> None:
    before: list[Call] = [{"role": "system", "content": "Be kind."}]
    made: list[Call] = []
    for role, text, start, _ in SAID:
        if role == "assistant":
            made.append(CALLS[kind](before[-most:], {"role": role, "content": text}, start))
        before = [*before, {"role": role, "content": text}]
    data = json.dumps(made) if is_list else lines(made)
    utterances, findings = read(data, f"utterances.json{'' if is_list else 'l'}")
    if is_list or most > len(SAID):
        assert said(utterances) == DIALOGUE[:-1]  # no call has what was said last
    assert not [f for f in findings if f.severity == "warning"]


# -- cost

HOSTILE = {
    "markup": "<a>" * 200_000,
    "entities": '<!DOCTYPE a [<!ENTITY x "' + "y" * 1000 + '">]><a>' + "&x;" * 100_000 + "</a>",
    "dump": "INSERT INTO t (a, text) VALUES " + "('x', " * 100_000,
    "dumps": "INSERT INTO t (a\n" * 50_000,
    "copies": "COPY t (a, text) FROM stdin;\n" * 50_000,
    "sections": "[a]\n" * 200_000,
    "events": "[Events]\n" * 100_000,
    "folded": "text: >-\n" * 10_000,
    "script": "x = [" + "(" * 200_000,
    "calls": json.dumps([{"input": [], "output": [[[[]]] * 100] * 100}] * 30),
    "people": json.dumps({"a": [{"id": str(n), "role": "user"} for n in range(20_000)], "b": [{"text": "x"}] * 20_000}),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_is_hostile_costs_little(kind: str) -> None:
    began = time.process_time()
    read(HOSTILE[kind], "utterances.txt")
    assert time.process_time() - began < 20  # what is quadratic takes minutes
