"""Logs as programs print, queue and store them: values of other languages, JSON in texts, lines of loggers, repeats."""

from __future__ import annotations

import base64
import json
import pprint
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from test_foreign_logs import EPOCH_S, SAID, SPEAKERS, TIMES, WORDS, ZERO, told
from test_stranger_logs import clock, entries, iso, lines, spread

from sessiontool.documents.literals import as_json
from sessiontool.documents.utterances import read_utterances

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessiontool.model import Finding, Utterance


def read(
    data: str, name: str = "utterances.jsonl", session: tuple[str, ...] = ()
) -> tuple[list[Utterance], list[Finding]]:
    return read_utterances(data.encode(), name, times=TIMES, speakers=SPEAKERS, session=session)


def require(data: str, name: str, within_s: float = 1.01) -> None:
    """The conversation, each utterance once and where it was, and no warning."""
    found, findings = read(data, name)
    assert [(role, text.strip()) for role, text in told(found)] == WORDS
    assert [one for one in findings if one.severity != "info"] == []
    for utterance, (_, _, start, end) in zip(found, SAID, strict=True):
        if (at_us := utterance.t_start_us) is not None:
            assert at_us / 1e6 == pytest.approx(start, abs=within_s)
        elif utterance.t_end_us is not None:
            assert utterance.t_end_us / 1e6 == pytest.approx(end, abs=within_s)


def turn(role: str, text: str, start: float, end: float) -> dict[str, Any]:
    return {"role": role, "text": text, "t_start": start, "t_end": end}


def arrival(role: str, start: float, end: float) -> float:
    return end if role == "user" else start


def logged(role: str, text: str, start: float, end: float) -> str:
    return json.dumps({"role": role, "text": text, "level": "info"})


def printed(role: str, text: str, start: float, end: float) -> str:
    return f"Turn(role='{role}', text={text!r}, span=Span(start={start}, end={end}), final=True, note=None)"


def of_node(role: str, text: str, start: float, end: float) -> str:
    return f"{{\n  role: '{role}',\n  text: {json.dumps(text)},\n  start: {start},\n  end: {end}\n}}\n"


def of_mongosh(role: str, text: str, start: float, end: float) -> str:
    at = iso(arrival(role, start, end))
    return f"{{ _id: ObjectId('{start}'), role: '{role}', text: {json.dumps(text)}, at: ISODate('{at}') }}"


def of_datetime(role: str, text: str, start: float, end: float) -> str:
    values = {
        "role": role,
        "text": text,
        "start": ZERO + timedelta(seconds=start),
        "end": ZERO + timedelta(seconds=end),
    }
    return f"{values!r}\n"


def levels(made: list[str], level: str) -> str:
    return "".join(f"{iso(start)} {level} {one}\n" for one, (_, _, start, _) in zip(made, SAID, strict=True))


def words_and_wholes() -> list[dict[str, Any]]:
    """What Pipecat sends: the words of a text as they are said, and the whole before."""
    made: list[dict[str, Any]] = []
    for role, text, start, end in SAID:
        at = EPOCH_S + arrival(role, start, end)
        made += [
            {"type": f"{role}-began", "ts": at, "data": {}},
            {"type": "whole", "role": role, "ts": at, "text": text},
        ]
        made += [
            {"type": "word", "role": role, "ts": EPOCH_S + one["start"], "text": one["word"]}
            for one in spread(text, start, end)
        ]
    return made


def fragments(change: Callable[[int, str, str, float], dict[str, Any]]) -> str:
    made = []
    for number, (role, text, start, end) in enumerate(SAID):
        made += [
            change(number, role, one["word"] if not place else f" {one['word']}", EPOCH_S + one["start"])
            for place, one in enumerate(spread(text, start, end))
        ]
    return lines(made)


def snapshots(**more: Any) -> str:
    some = [{"role": role, "text": text, **more} for role, text in WORDS]
    return lines([{"event": "update", "transcript": some[:count]} for count in range(1, len(some) + 1)])


def upserted() -> str:
    some = [{"id": f"u{n}", **turn(*one)} for n, one in enumerate(SAID)]
    return lines([*({**one, "text": one["text"].lower().replace(",", "")} for one in some), *some])


def with_kinds() -> str:
    made: list[dict[str, Any]] = [
        {"type": "ping", "id": 7},
        {"type": "reasoning", "role": "assistant", "text": "Be polite."},
    ]
    for role, text, start, end in SAID:
        at = EPOCH_S + arrival(role, start, end)
        made += [{"type": "started", "role": role, "at": at}, {"type": "text", "role": role, "text": text, "at": at}]
    made += [{"type": "text", "role": "user", "text": " [BLANK_AUDIO]", "at": EPOCH_S + 50}]
    return lines([*made, {"type": "text", "role": "user", "text": "hi", "isHidden": True, "at": EPOCH_S}])


def marked() -> str:
    """Answers with what is not said of them: thoughts, and the elements that a voice reads."""
    made = []
    for number, (role, text, start, end) in enumerate(SAID):
        parts = [{"type": "reasoning", "text": "Think."}, {"type": "text", "text": text}]
        read_aloud = text.replace(", ", ', <break time="1s"/> ')
        whole = f"<think>\nBe polite.\n</think>\n\n<speak>{read_aloud}</speak>"
        said: Any = parts if number % 3 == 0 else whole if number % 3 == 1 else f"{role.title()}: {text}"
        made.append({"role": role, "content": said, "start": start, "end": end})
    made.append({"role": "user", "content": [{"type": "tool_result", "content": "Twelve."}], "start": 25, "end": 26})
    return lines(
        [*made, {"role": "user", "content": "I took that back.", "start": 30, "end": 32, "deleted_at": iso(50)}]
    )


def revised() -> str:
    """Interim results that are not the beginnings of the final ones, and say nowhere what they are."""
    made = []
    for role, text, start, end in SAID:
        draft = {"role": role, "text": f"um {text.casefold().replace(',', '')}", "start": start, "end": end - 0.2}
        made += [draft] * (len(text.split()) > 1) + [{"role": role, "text": text, "start": start, "end": end}]
    return lines(made)


PRINTED: dict[str, tuple[str, Callable[[], str]]] = {
    "Python's list": ("utterances.json", lambda: repr(entries(turn))),
    "Python's pprint": ("utterances.json", lambda: pprint.pformat(entries(turn), width=60)),
    "Python's dicts, a line each": ("utterances.jsonl", lambda: "".join(f"{one!r}\n" for one in entries(turn))),
    "Python's dicts behind a prefix": (
        "utterances.txt",
        lambda: levels([repr(one) for one in entries(turn)], "INFO [main] said:"),
    ),
    "Python's datetimes": ("utterances.txt", lambda: "".join(entries(of_datetime))),
    "pydantic's": ("utterances.txt", lambda: "\n".join(entries(printed))),
    "the Agents SDK's": ("utterances.txt", lambda: f"[{', '.join(entries(printed))}]"),
    "Ruby's": (
        "utterances.txt",
        lambda: "".join(
            entries(lambda r, t, a, b: f'{{:role=>"{r}", "text"=>{json.dumps(t)}, :start=>{a}, :end=>{b}, :x=>nil}}\n')
        ),
    ),
    "objects without anything between": ("utterances.jsonl", lambda: "".join(map(json.dumps, entries(turn)))),
    "thoughts, and marks for a voice": ("utterances.jsonl", marked),
    "revised interim results": ("utterances.jsonl", revised),
    "Node's": ("utterances.txt", lambda: "".join(entries(of_node))),
    "mongosh's": ("utterances.json", lambda: f"[\n  {', '.join(entries(of_mongosh))}\n]"),
    "JSON5": (
        "utterances.json",
        lambda: f"// call\n[{''.join(f'{json.dumps(one)[:-1]},}}, // ok' + chr(10) for one in entries(turn))}]",
    ),
    "commas behind lines": ("utterances.jsonl", lambda: "".join(f"{json.dumps(one)},\n" for one in entries(turn))),
    "CloudWatch": (
        "utterances.json",
        lambda: json.dumps(
            {
                "events": [
                    {
                        "timestamp": round(1000 * (EPOCH_S + arrival(r, a, b))),
                        "message": logged(r, t, a, b),
                        "ingestionTime": 1,
                    }
                    for r, t, a, b in SAID
                ]
            }
        ),
    ),
    "CloudWatch's queries": (
        "utterances.json",
        lambda: json.dumps(
            {
                "results": [
                    [
                        {"field": "@timestamp", "value": iso(arrival(r, a, b))},
                        {"field": "@message", "value": logged(r, t, a, b)},
                    ]
                    for r, t, a, b in SAID
                ]
            }
        ),
    ),
    "Loki": (
        "utterances.json",
        lambda: json.dumps(
            {
                "data": {
                    "result": [
                        {
                            "stream": {"app": "x"},
                            "values": [
                                [str(round(1e9 * (EPOCH_S + arrival(r, a, b)))), logged(r, t, a, b)]
                                for r, t, a, b in SAID
                            ],
                        }
                    ]
                }
            }
        ),
    ),
    "Docker": (
        "utterances.jsonl",
        lambda: lines(
            entries(lambda r, t, a, b: {"log": f"{r}: {t}\n", "stream": "stdout", "time": iso(arrival(r, a, b))})
        ),
    ),
    "Rasa's tracker": (
        "utterances.json",
        lambda: json.dumps(
            {
                "sender_id": "x",
                "latest_message": {"text": WORDS[-1][1]},
                "events": [
                    {"event": "action", "name": "listen", "timestamp": EPOCH_S},
                    *entries(
                        lambda r, t, a, b: {
                            "event": "user" if r == "user" else "bot",
                            "timestamp": EPOCH_S + arrival(r, a, b),
                            "text": t,
                        }
                    ),
                ],
            }
        ),
    ),
    "Kinesis": (
        "utterances.json",
        lambda: json.dumps(
            {
                "Records": entries(
                    lambda r, t, a, b: {
                        "kinesis": {"data": base64.b64encode(json.dumps(turn(r, t, a, b)).encode()).decode()}
                    }
                )
            }
        ),
    ),
    "Kafka": (
        "utterances.jsonl",
        lambda: lines(
            [
                {
                    "topic": "x",
                    "offset": n,
                    "timestamp": round(1000 * (EPOCH_S + arrival(r, a, b))),
                    "value": {"role": r, "text": t},
                }
                for n, (r, t, a, b) in enumerate(SAID)
            ]
        ),
    ),
    "a table with a column of JSON": (
        "utterances.csv",
        lambda: 'id,turns\n7,"' + json.dumps(entries(turn)).replace('"', '""') + '"\n',
    ),
    "a browser's storage": (
        "utterances.json",
        lambda: json.dumps({"messages": json.dumps(entries(turn)), "theme": "dark"}),
    ),
    "a logger's own message": (
        "utterances.jsonl",
        lambda: lines(
            entries(
                lambda r, t, a, b: {"message": "utterance", "role": r, "said": t, "timestamp": iso(arrival(r, a, b))}
            )
        ),
    ),
    "the message of a logger, with a name": (
        "utterances.jsonl",
        lambda: lines(
            entries(lambda r, t, a, b: {"level": "info", "message": f"[{r}] {t}", "timestamp": iso(arrival(r, a, b))})
        ),
    ),
    "logfmt": (
        "utterances.txt",
        lambda: "".join(
            entries(lambda r, t, a, b: f'time={iso(b)} level=info role={r} start={a} end={b} text="{t}"\n')
        ),
    ),
    "structlog's console": (
        "utterances.txt",
        lambda: "".join(
            entries(lambda r, t, a, b: f"{iso(arrival(r, a, b))} [info ] utterance   role={r} text='{t}'\n")
        ),
    ),
    "Python's logging": (
        "utterances.txt",
        lambda: "".join(
            entries(lambda r, t, a, b: f"{iso(arrival(r, a, b))} | INFO | main:on_turn:80 - Transcript: {r}: {t}\n")
        ),
    ),
    "lines with full-width colons": ("utterances.txt", lambda: "".join(entries(lambda r, t, a, b: f"{r}\uff1a{t}\n"))),
    "Markdown": ("utterances.txt", lambda: "\n".join(entries(lambda r, t, a, b: f"**{r}:** {t}\n"))),
    "Markdown's titles": ("utterances.txt", lambda: "\n".join(entries(lambda r, t, a, b: f"### {r}\n\n{t}\n"))),
    "a table of mysql": (
        "utterances.txt",
        lambda: (
            "+--+--+\n| role | start | text |\n+--+--+\n"
            + "".join(entries(lambda r, t, a, b: f"| {r} | {a} | {t} |\n"))
            + "+--+--+\n"
        ),
    ),
    "records of psql": (
        "utterances.txt",
        lambda: "".join(
            f"-[ RECORD {n} ]---\nrole | {r}\nstart | {a}\nend | {b}\ntext | {t}\n"
            for n, (r, t, a, b) in enumerate(SAID, 1)
        ),
    ),
    "a name and a time in brackets": (
        "utterances.txt",
        lambda: "".join(entries(lambda r, t, a, b: f"{r} ({clock(arrival(r, a, b))[:8]}):\n{t}\n\n")),
    ),
    "seconds in brackets": (
        "utterances.txt",
        lambda: "".join(entries(lambda r, t, a, b: f"[{a}s -> {b}s] {r}: {t}\n")),
    ),
    "WhatsApp": (
        "utterances.txt",
        lambda: "".join(
            entries(
                lambda r, t, a, b: (
                    f"\u200e[{(ZERO + timedelta(seconds=arrival(r, a, b))).strftime('%d.%m.%y, %H:%M:%S')}] {r}: {t}\n"
                )
            )
        ),
    ),
    "a web server's date": (
        "utterances.txt",
        lambda: "".join(
            entries(
                lambda r, t, a, b: (
                    f"[{(ZERO + timedelta(seconds=arrival(r, a, b))).strftime('%d/%b/%Y:%H:%M:%S +0000')}] {r}: {t}\n"
                )
            )
        ),
    ),
    "YouTube's SBV": (
        "utterances.txt",
        lambda: "".join(entries(lambda r, t, a, b: f"{clock(a)[1:]},{clock(b)[1:]}\n{r}: {t}\n\n")),
    ),
    "ticks": (
        "utterances.jsonl",
        lambda: lines(
            entries(
                lambda r, t, a, b: {"role": r, "text": t, "Offset": round(a * 1e7), "Duration": round((b - a) * 1e7)}
            )
        ),
    ),
    "each line twice": ("utterances.jsonl", lambda: lines([one for turns in entries(turn) for one in (turns, turns)])),
    "each line twice, a moment later": (
        "utterances.jsonl",
        lambda: lines(
            [
                {"role": r, "text": t, "ts": EPOCH_S + arrival(r, a, b) + late}
                for r, t, a, b in SAID
                for late in (0, 0.004)
            ]
        ),
    ),
    "each line twice, without times": (
        "utterances.jsonl",
        lambda: lines([{"role": r, "text": t} for r, t in WORDS for _ in range(2)]),
    ),
    "all of it twice, with ids": (
        "utterances.jsonl",
        lambda: lines([{"id": n, **turn(*one)} for n, one in enumerate(SAID)] * 2),
    ),
    "all so far each time": ("utterances.jsonl", snapshots),
    "versions of one id": ("utterances.jsonl", upserted),
    "words, and the whole": ("utterances.jsonl", lambda: lines(words_and_wholes())),
    "fragments by id": (
        "utterances.jsonl",
        lambda: fragments(lambda n, r, t, at: {"id": f"i{n}", "role": r, "delta": t, "ts": at}),
    ),
    "fragments of Gemini": (
        "utterances.jsonl",
        lambda: fragments(
            lambda n, r, t, at: {
                "at": at,
                "content": {f"{'in' if r == 'user' else 'out'}putTranscription": {"text": t}},
            }
        ),
    ),
    "growing texts without a flag": (
        "utterances.jsonl",
        lambda: lines(
            [
                {"role": r, "text": " ".join(t.split()[:n]), "ts": EPOCH_S + one["end"]}
                for r, t, a, b in SAID
                for n, one in enumerate(spread(t, a, b), 1)
            ]
        ),
    ),
    "other kinds of entries": ("utterances.jsonl", with_kinds),
    "characters as HTML has them": (
        "utterances.jsonl",
        lambda: lines([{**turn(*one), "text": one[1].replace("a", "&#97;")} for one in SAID]),
    ),
}


@pytest.mark.parametrize("kind", PRINTED)
def test_a_log_is_read_as_it_was_printed_or_stored(kind: str) -> None:
    name, make = PRINTED[kind]
    require(make(), name)


def test_json_stays_as_it_is() -> None:
    text = json.dumps(
        [{"a": 'it\'s "b" // c', "d": [1, -2.5e3, None, True], "e": "\u00e9\\ , ] (x=1)"}], ensure_ascii=False
    )
    assert as_json(text) == text
    assert json.loads(as_json(f"[{datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)!r}]")) == ["2026-01-02T03:04:05.000000Z"]


@pytest.mark.parametrize("opening", ["'", '"', "{'", "a(b=", "(", "\\'\"", "x('"])
def test_what_is_never_closed_costs_little(opening: str) -> None:
    text = opening * 50_000
    assert len(as_json(text)) <= 6 * len(text)


def test_entries_of_another_session_are_left_out() -> None:
    others = [{"session_id": "b", "role": "user", "text": "I never said that here.", "t_start": 2.0, "t_end": 4.0}]
    data = lines([*others, *({"session_id": "a", **turn(*one)} for one in SAID)])
    found, findings = read(data, session=("a",))
    assert told(found) == WORDS
    assert [one.code for one in findings] == ["entries-not-spoken"]
    assert len(read(data, session=("c",))[0]) == len(SAID) + 1


def test_a_comma_is_no_beginning_of_the_next_word() -> None:
    """Recognisers write punctuation as a word whose time is that at which the next word begins."""
    words = [(one["word"], one["start"], one["end"], r) for r, t, a, b in SAID for one in spread(t, a, b)]
    parts = [
        {"speaker": r, "word": part, "start": a if number == 0 else b, "end": b}
        for word, a, b, r in words
        for number, part in enumerate([word.rstrip(",.?"), *word[len(word.rstrip(",.?")) :]])
    ]
    found, _ = read(lines(parts))
    assert " ".join(one.text for one in found) == " ".join(text for _, text in WORDS)


def test_what_is_said_again_later_is_said_again() -> None:
    made = [{"role": "user", "text": "Hello?", "t_start": at, "t_end": at + 0.5} for at in (1.0, 3.0, 5.0)]
    found, _ = read(lines(made))
    assert len(found) == 3
    again = [{"role": "user", "text": "Yes."}, {"role": "user", "text": "Yes."}, {"role": "assistant", "text": "So?"}]
    assert len(read(lines(again))[0]) == 3
    assert all(
        one.t_start_us < other.t_start_us for one, other in pairwise(found) if one.t_start_us and other.t_start_us
    )


def test_what_names_no_role_is_text() -> None:
    made = [{"text": f"Note {n}: that is all.", "start": n, "removed": []} for n in range(1, 7)]
    found, _ = read(lines(made))
    assert [one.text for one in found] == [one["text"] for one in made]
    assert [one.t_start_us for one in found] == [n * 1_000_000 for n in range(1, 7)]


def test_one_odd_field_makes_no_fragments() -> None:
    made = [
        {"role": "user", "text": text, "t_start": at, "t_end": at + 1.0} for at, text in ((1.0, "One."), (2.1, "Two."))
    ]
    found, _ = read(lines([*made, {"role": "user", "delta": "Three."}]))
    assert [one.text for one in found] == ["One.", "Two.", "Three."]


def test_what_is_written_again_later_has_its_first_time() -> None:
    made = [{"id": n, "role": r, "text": t, "ts": EPOCH_S + arrival(r, a, b)} for n, (r, t, a, b) in enumerate(SAID)]
    require(lines([*made, *({**one, "ts": EPOCH_S + 64} for one in made)]), "utterances.jsonl")


def test_only_the_field_that_names_the_session_tells_others() -> None:
    made = [{**turn(*one), **({"session_id": "a"} if n % 2 else {"room": "b"})} for n, one in enumerate(SAID)]
    assert told(read(lines(made), session=("a",))[0]) == WORDS


def test_an_unknown_field_that_may_be_speech_is_no_event() -> None:
    made: list[dict[str, Any]] = [{"type": "a", **turn(*one)} for one in SAID]
    _, findings = read(lines([*made, {"type": "b", "phrase": "This was said by somebody."}]))
    assert "document-invalid" in {one.code for one in findings}
