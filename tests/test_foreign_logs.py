"""Logs as other programs write them are read as the contract's own: one conversation, in every shape that was seen."""

from __future__ import annotations

import csv
import io
import json
import time
from datetime import UTC, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessiontool.documents.log_clock import SessionTimes
from sessiontool.documents.log_options import log_options
from sessiontool.documents.utterances import read_utterances
from sessiontool.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessiontool.model import Finding, Utterance

SAID = [
    ("assistant", "Hello, this is Morgan, how can I help you?", 1.661, 5.452),
    ("user", "Hi, thanks for taking my call today.", 5.85, 7.726),
    ("assistant", "I remember something about that, but please remind me.", 9.201, 13.198),
    ("user", "I am calling about the platform that we discussed.", 14.681, 18.539),
    ("assistant", "Honestly we still use spreadsheets.", 18.811, 22.888),
    ("user", "Sure.", 43.241, 43.972),
    ("assistant", "A quarter? That seems very optimistic to me.", 44.941, 48.211),
    ("user", "Our customers usually see a return within that time.", 59.0, 62.5),
]
ZERO = datetime(2026, 11, 22, 5, 39, 50, 596000, tzinfo=UTC)
EPOCH_S = ZERO.timestamp()
TIMES = SessionTimes(ZERO.isoformat(), (708.0, 66_711.0))
SPEAKERS = {"user": "Dana", "assistant": "Morgan"}


def read(data: str | bytes, name: str = "utterances.jsonl", **more: Any) -> tuple[list[Utterance], list[Finding]]:
    more.setdefault("times", TIMES)
    return read_utterances(data.encode() if isinstance(data, str) else data, name, speakers=SPEAKERS, **more)


def lines(made: list[dict[str, Any]]) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in made)


def entries(change: Callable[[str, str, float, float], dict[str, Any]]) -> list[dict[str, Any]]:
    return [change(*one) for one in SAID]


def told(utterances: list[Utterance]) -> list[tuple[str, str]]:
    return [(u.role, u.text) for u in utterances]


WORDS = [(role, text) for role, text, _, _ in SAID]


def require_times(utterances: list[Utterance], *, ends: bool = True, within_s: float = 0.001) -> None:
    assert told(utterances) == WORDS
    for utterance, (_, _, start, end) in zip(utterances, SAID, strict=True):
        assert (utterance.t_start_us or 0) / 1e6 == pytest.approx(start, abs=within_s)
        if ends:
            assert (utterance.t_end_us or 0) / 1e6 == pytest.approx(end, abs=within_s)


# -- times


PAIRS = [
    ("t_start", "t_end", 1),
    ("tStart", "tEnd", 1),
    ("start", "end", 1),
    ("startTime", "endTime", 1),
    ("start_time", "stop", 1),
    ("begin", "end", 1),
    ("start_ms", "end_ms", 1000),
    ("startMs", "endMs", 1000),
    ("startTimeMs", "end_time_ms", 1000),
    ("offset", "until", 1),
    ("audio_start_ms", "audio_end_ms", 1000),
    ("start_us", "end_us", 1_000_000),
    ("start_seconds", "end_seconds", 1),
]


@pytest.mark.parametrize(("start", "end", "scale"), PAIRS)
def test_times_under_any_name(start: str, end: str, scale: int) -> None:
    found, findings = read(lines(entries(lambda r, t, a, b: {"role": r, "text": t, start: a * scale, end: b * scale})))
    require_times(found)
    assert findings == []
    assert all(u.extra == {} for u in found)


@pytest.mark.parametrize("scale", [1000, 1_000_000, 1_000_000_000])
@pytest.mark.parametrize("times", [TIMES, SessionTimes()])
def test_a_unit_that_no_name_tells_is_told_by_the_length(scale: int, times: SessionTimes) -> None:
    made = entries(lambda r, t, a, b: {"role": r, "text": t, "t_start": a * scale, "t_end": b * scale})
    found, findings = read(lines(made), times=times)
    require_times(found)
    assert [(f.code, f.severity) for f in findings] == [("utterances-clock", "info")]


def test_a_name_may_promise_the_wrong_unit() -> None:
    found, findings = read(lines(entries(lambda r, t, a, b: {"role": r, "text": t, "start_ms": a, "end_ms": b})))
    require_times(found)
    assert [f.code for f in findings] == ["utterances-clock"]


def local(seconds: float, hours: float = 0.0) -> datetime:
    return ZERO.astimezone(timezone(timedelta(hours=hours))) + timedelta(seconds=seconds)


INSTANTS: dict[str, Callable[[float], Any]] = {
    "epoch ms": lambda s: round((EPOCH_S + s) * 1000),
    "epoch s": lambda s: EPOCH_S + s,
    "epoch us": lambda s: round((EPOCH_S + s) * 1e6),
    "epoch text": lambda s: str(round((EPOCH_S + s) * 1000)),
    "rfc 3339": lambda s: local(s).isoformat(),
    "zulu": lambda s: local(s).isoformat().replace("+00:00", "Z"),
    "another zone": lambda s: local(s, 5.5).isoformat(),
    "mongo": lambda s: {"$date": local(s).isoformat().replace("+00:00", "Z")},
    "mongo long": lambda s: {"$date": {"$numberLong": str(round((EPOCH_S + s) * 1000))}},
    "firestore": lambda s: {"_seconds": int(EPOCH_S + s), "_nanoseconds": round((EPOCH_S + s) % 1 * 1e9)},
    "naive": lambda s: local(s).replace(tzinfo=None).isoformat(),
    "logger": lambda s: local(s).strftime("%Y-%m-%d %H:%M:%S,%f")[:-3],
    "position": lambda s: f"00:{int(s) // 60:02}:{s % 60:06.3f}",
    "position with a comma": lambda s: f"00:{int(s) // 60:02}:{s % 60:06.3f}".replace(".", ","),
    "minutes": lambda s: f"{int(s) // 60:02}:{s % 60:06.3f}",
    "seconds in words": lambda s: f"{s}s",
}


@pytest.mark.parametrize("kind", INSTANTS)
def test_instants_of_any_kind(kind: str) -> None:
    write = INSTANTS[kind]
    made = entries(lambda r, t, a, b: {"role": r, "text": t, "start": write(a), "end": write(b)})
    found, findings = read(lines(made))
    require_times(found, within_s=0.002)
    assert findings == []


@pytest.mark.parametrize("hours", [-5, -3.5, 1, 2, 5.5, 9])
@pytest.mark.parametrize(
    "pattern", ["%Y-%m-%dT%H:%M:%S.%f", "%m/%d/%Y, %I:%M:%S %p", "%d.%m.%Y, %H:%M:%S", "%I:%M:%S %p", "%H:%M:%S"]
)
def test_local_times_are_of_the_zone_in_which_they_fit(hours: float, pattern: str) -> None:
    made = entries(
        lambda r, t, a, b: {
            "role": r,
            "text": t,
            "start": local(a, hours).strftime(pattern),
            "end": local(b, hours).strftime(pattern),
        }
    )
    found, findings = read(lines(made))
    require_times(found, within_s=1.0)
    assert [(f.code, f.severity) for f in findings] == [("utterances-clock", "info")]


def test_a_wrong_zone_that_is_named_is_said() -> None:
    made = entries(lambda r, t, a, b: {"role": r, "text": t, "start": local(a - 3600 * 5).isoformat()})
    found, findings = read(lines(made))
    require_times(found, ends=False)
    assert [(f.code, f.severity) for f in findings] == [("utterances-clock", "warning")]
    assert "5 h behind" in findings[0].message


@pytest.mark.parametrize("off_s", [90.0, -90.0, 3605.0])
def test_a_log_outside_the_recording_is_moved_into_it_and_said(off_s: float) -> None:
    made = entries(lambda r, t, a, b: {"role": r, "text": t, "t_start": a + off_s, "t_end": b + off_s})
    found, findings = read(lines(made))
    require_times(found, within_s=4.0)
    assert [(f.code, f.severity) for f in findings] == [("utterances-clock", "warning")]
    assert "outside the recording" in findings[0].message


def test_negative_times_are_times() -> None:
    made = entries(lambda r, t, a, b: {"role": r, "text": t, "t_start": a - 30, "t_end": b - 30})
    found, _ = read(lines(made), times=SessionTimes())
    assert [(u.t_start_us or 0) / 1e6 for u in found] == pytest.approx([a - 30 for _, _, a, _ in SAID])


@pytest.mark.parametrize("value", [0, 0.0, "0", 12.5, EPOCH_S, "00:00:00", "2026-11-22T05:39:00Z"])
def test_a_value_that_every_line_has_is_no_time(value: Any) -> None:
    found, findings = read(lines(entries(lambda r, t, a, b: {"role": r, "text": t, "t_start": value, "t_end": None})))
    assert told(found) == WORDS
    assert {(u.t_start_us, u.t_end_us) for u in found} == {(None, None)}
    assert [f.code for f in findings] == ["times-are-placeholders"]


def test_a_value_that_one_role_has_is_no_time_of_that_role() -> None:
    made = entries(lambda r, t, a, b: {"role": r, "text": t, "t_start": a if r == "assistant" else 0.0})
    found, _ = read(lines(made))
    assert {u.t_start_us for u in found if u.role == "user"} == {None}
    assert [(u.t_start_us or 0) / 1e6 for u in found if u.role == "assistant"] == [
        a for r, _, a, _ in SAID if r != "user"
    ]


def test_whole_minutes_are_no_times() -> None:
    made = entries(lambda r, t, a, b: {"role": r, "text": t, "timestamp": local(a).strftime("%I:%M %p")})
    found, findings = read(lines(made))
    assert {(u.t_start_us, u.t_end_us, u.arrived_us) for u in found} == {(None, None, None)}
    assert [f.code for f in findings] == ["times-are-placeholders"]


@pytest.mark.parametrize(
    "key", ["t_ms", "received_at", "timestamp", "ts", "time", "receivedAt", "createdAt", "tMs", "t"]
)
def test_a_time_of_arrival_is_the_end_of_the_user_and_the_start_of_the_assistant(key: str) -> None:
    found, _ = read(lines(entries(lambda r, t, a, b: {"role": r, "text": t, key: round((EPOCH_S + b) * 1000)})))
    for utterance, (role, _, _, end) in zip(found, SAID, strict=True):
        at = (
            (utterance.t_end_us, utterance.t_start_us) if role == "user" else (utterance.t_start_us, utterance.t_end_us)
        )
        assert at == (utterance.arrived_us, None)
        assert (utterance.arrived_us or 0) / 1e6 == pytest.approx(end, abs=0.002)


def test_newest_first_is_turned_round() -> None:
    made = entries(lambda r, t, a, b: {"role": r, "text": t, "t_start": a, "t_end": b})[::-1]
    require_times(read(json.dumps(made), "utterances.json")[0])


# -- roles and texts


@pytest.mark.parametrize(
    ("user", "assistant"),
    [
        ("User", "ASSISTANT"),
        ("customer", "agent"),
        ("human", "ai"),
        ("caller", "bot"),
        ("client", "Voice Agent"),
        ("trainee", "system voice"),
        ("me", "model"),
        ("Dana", "Morgan"),
        ("dana", "MORGAN"),
        ("user_1", "agent-2"),
        ("Frau Schulz", "assistant"),
    ],
)
@pytest.mark.parametrize("key", ["role", "speaker", "source", "from", "participant", "sender"])
def test_roles_under_any_name(key: str, user: str, assistant: str) -> None:
    names = {"user": user, "assistant": assistant}
    found, findings = read(lines(entries(lambda r, t, a, b: {key: names[r], "text": t, "start": a, "end": b})))
    require_times(found)
    assert findings == []


@pytest.mark.parametrize(
    "role",
    [
        lambda r: {"speaker": {"name": SPEAKERS[r]}},
        lambda r: {"participant": {"identity": r, "kind": "STANDARD"}},
        lambda r: {"isUser": r == "user"},
        lambda r: {"type": f"{r}_transcript"},
        lambda r: {"channel": 0 if r == "user" else 1},
    ],
)
def test_who_spoke_may_be_told_in_other_ways(role: Callable[[str], dict[str, Any]]) -> None:
    made = entries(lambda r, t, a, b: {**role(r), "text": t, "start": a, "end": b})
    require_times(read(lines(made), channels=("user", "assistant"))[0])


def test_what_nobody_said_is_left_out_and_counted() -> None:
    more: list[dict[str, Any]] = [
        {"role": "system", "content": "You are Morgan."},
        {"role": "tool", "content": "{}"},
        {"type": "function_call", "name": "look_up", "arguments": "{}"},
    ]
    made = entries(lambda r, t, a, b: {"role": r, "content": t, "start": a, "end": b})
    found, findings = read(lines([more[0], *made[:3], *more[1:], *made[3:]]))
    require_times(found)
    assert [(f.code, f.severity) for f in findings] == [("entries-not-spoken", "info")]


TEXTS: list[Callable[[str], dict[str, Any]]] = [
    lambda t: {"content": t},
    lambda t: {"message": t},
    lambda t: {"transcript": t},
    lambda t: {"title": t},
    lambda t: {"words": t},
    lambda t: {"content": [t]},
    lambda t: {"content": [{"type": "input_audio", "transcript": t, "audio": None}]},
    lambda t: {"content": [{"type": "text", "text": t}]},
    lambda t: {"content": {"text": t}},
    lambda t: {"parts": [{"type": "text", "text": t}]},
    lambda t: {"formatted": {"transcript": t}},
    lambda t: {"content": [{"text": word} for word in t.split()]},
]


@pytest.mark.parametrize("text", TEXTS)
def test_texts_under_any_name(text: Callable[[str], dict[str, Any]]) -> None:
    found, findings = read(lines(entries(lambda r, t, a, b: {"role": r, **text(t), "start": a, "end": b})))
    require_times(found)
    assert findings == []


@pytest.mark.parametrize("wrapper", ["data", "payload", "message", "item", "utterance"])
def test_an_entry_may_be_wrapped(wrapper: str) -> None:
    made = entries(lambda r, t, a, b: {"seq": 1, "start": a, "end": b, wrapper: {"role": r, "text": t}})
    require_times(read(lines(made))[0])


# -- other programs


def ms(seconds: float) -> int:
    return round((EPOCH_S + seconds) * 1000)


def timed_words(text: str, start: float, end: float) -> list[dict[str, Any]]:
    words = text.split()
    step = (end - start) / len(words)
    return [{"word": w, "start": start + i * step, "end": start + (i + 1) * step} for i, w in enumerate(words)]


BOT = {"user": "user", "assistant": "bot"}
AGENT = {"user": "user", "assistant": "agent"}
PROGRAMS: dict[str, Any] = {
    "vapi": {
        "messages": entries(
            lambda r, t, a, b: {
                "role": BOT[r],
                "message": t,
                "time": ms(a),
                "endTime": ms(b),
                "secondsFromStart": a,
                "duration": (b - a) * 1000,
            }
        )
    },
    "vapi artifact": {
        "artifact": {
            "messagesOpenAIFormatted": entries(lambda r, t, a, b: {"role": r, "content": t}),
            "transcript": "\n".join(f"{'AI' if r == 'assistant' else 'User'}: {t}" for r, t, _, _ in SAID),
            "messages": entries(lambda r, t, a, b: {"role": BOT[r], "message": t, "time": ms(a), "endTime": ms(b)}),
        }
    },
    "retell": {
        "call_id": "c",
        "transcript": "\n".join(f"{'Agent' if r == 'assistant' else 'User'}: {t}" for r, t, _, _ in SAID),
        "transcript_object": entries(
            lambda r, t, a, b: {"role": AGENT[r], "content": t, "words": timed_words(t, a, b)}
        ),
    },
    "whisper with speakers": {
        "task": "transcribe",
        "duration": 66.0,
        "text": " ".join(t for _, t, _, _ in SAID),
        "segments": entries(
            lambda r, t, a, b: {"id": 1, "seek": 0, "start": a, "end": b, "text": t, "speaker": SPEAKERS[r]}
        ),
        "words": [word for _, t, a, b in SAID for word in timed_words(t, a, b)],
    },
    "deepgram": {
        "results": {
            "channels": [{"alternatives": [{"transcript": "all of it"}]}],
            "utterances": entries(
                lambda r, t, a, b: {"start": a, "end": b, "transcript": t, "channel": 0 if r == "user" else 1}
            ),
        }
    },
    "assemblyai": {
        "utterances": entries(
            lambda r, t, a, b: {"speaker": SPEAKERS[r], "text": t, "start": a * 1000, "end": b * 1000}
        )
    },
    "by id": {
        f"item_{i}": one
        for i, one in enumerate(entries(lambda r, t, a, b: {"role": r, "text": t, "start": a, "end": b}))
    },
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_documents_of_other_programs(program: str) -> None:
    found, _ = read(json.dumps(PROGRAMS[program]), "utterances.json", channels=("user", "assistant"))
    require_times(found, ends=program != "by id", within_s=0.01)


ARRIVALS: dict[str, Any] = {
    "livekit": {
        "items": [
            {"id": "c", "type": "agent_config_update", "instructions": "Be kind."},
            *entries(
                lambda r, t, a, b: {
                    "id": t[:9],
                    "type": "message",
                    "role": r,
                    "content": [t],
                    "created_at": EPOCH_S + b,
                }
            ),
            {"id": "f", "type": "function_call", "name": "x", "arguments": "{}"},
        ]
    },
    "pipecat": entries(lambda r, t, a, b: {"role": r, "content": t, "timestamp": local(b).isoformat()}),
}


@pytest.mark.parametrize("program", ARRIVALS)
def test_documents_that_tell_arrivals(program: str) -> None:
    found, _ = read(json.dumps(ARRIVALS[program]), "utterances.json")
    assert told(found) == WORDS
    assert [(u.arrived_us or 0) / 1e6 for u in found] == pytest.approx([b for _, _, _, b in SAID], abs=0.001)


def test_elevenlabs_tells_whole_seconds() -> None:
    made = {
        "transcript": [
            *entries(lambda r, t, a, b: {"role": AGENT[r], "message": t, "time_in_call_secs": int(a)}),
            {"role": "agent", "message": None, "tool_calls": [{}], "time_in_call_secs": 63},
        ]
    }
    found, findings = read(json.dumps(made), "utterances.json")
    require_times(found, ends=False, within_s=1.0)
    assert not any(f.severity != "info" for f in findings)


def test_the_history_of_the_agents_sdk_has_no_times() -> None:
    kinds = {"user": "input_audio", "assistant": "output_audio"}
    made = entries(
        lambda r, t, a, b: {
            "itemId": t,
            "previousItemId": None,
            "type": "message",
            "role": r,
            "status": "incomplete" if t == "Sure." else "completed",
            "content": [{"type": kinds[r], "transcript": t, "audio": None}],
        }
    )
    found, findings = read(json.dumps({"history": made}), "utterances.json")
    assert told(found) == WORDS
    assert [u.id for u in found] == [text for _, text in WORDS]
    assert [u.interrupted for u in found] == [True if text == "Sure." else None for _, text in WORDS]
    assert findings == []


# -- containers


def as_csv(separator: str) -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=separator).writerows([("role", "text", "t_start", "t_end"), *SAID])
    return file.getvalue()


def stamp(seconds: float, mark: str) -> str:
    return f"00:{int(seconds) // 60:02}:{seconds % 60:06.3f}".replace(".", mark)


def as_srt(name: Callable[[str], str]) -> str:
    cues = (f"{stamp(a, ',')} --> {stamp(b, ',')}\n{name(r)}{t}\n" for r, t, a, b in SAID)
    return "\n".join(f"{number}\n{cue}" for number, cue in enumerate(cues, 1))


def as_vtt(name: Callable[[str], str]) -> str:
    return "WEBVTT\n\n" + "\n".join(
        f"{stamp(a, '.')} --> {stamp(b, '.')} align:start\n{name(r)}{t}\n" for r, t, a, b in SAID
    )


PLAIN = entries(lambda r, t, a, b: {"role": r, "text": t, "t_start": a, "t_end": b})
CONTAINERS: dict[str, tuple[str, str]] = {
    "an array in lines": ("utterances.jsonl", json.dumps(PLAIN)),
    "lines in an array's file": ("utterances.json", lines(PLAIN)),
    "an indented array": ("utterances.jsonl", json.dumps(PLAIN, indent=2)),
    "objects one after another": ("utterances.jsonl", "\n".join(json.dumps(one, indent=2) for one in PLAIN)),
    "a list in an object": ("utterances.json", json.dumps({"session_id": "x", "utterances": PLAIN})),
    "a list far inside": ("utterances.json", json.dumps({"call": {"data": {"turns": PLAIN, "tags": [{"a": 1}]}}})),
    "a list in a line": ("utterances.jsonl", json.dumps({"conversation": PLAIN})),
    "behind a prefix": (
        "utterances.jsonl",
        "".join(f"2026-11-22 INFO app: {line}\n" for line in lines(PLAIN).splitlines()),
    ),
    "csv": ("utterances.csv", as_csv(",")),
    "csv with semicolons": ("utterances.csv", as_csv(";")),
    "csv with tabs": ("utterances.csv", as_csv("\t")),
    "csv in lines": ("utterances.jsonl", as_csv(",")),
    "a spreadsheet's csv": ("utterances.csv", "sep=;\n" + as_csv(";")),
    "a spreadsheet's tabs": ("utterances.tsv", "\ufeffsep=\t\n" + as_csv("\t")),
    "a text of JSON": ("utterances.json", json.dumps(json.dumps(PLAIN))),
    "columns": ("utterances.json", json.dumps({name: [one[name] for one in PLAIN] for name in PLAIN[0]})),
    "columns by row": (
        "utterances.json",
        json.dumps({name: {str(row): one[name] for row, one in enumerate(PLAIN)} for name in PLAIN[0]}),
    ),
    "columns and rows": (
        "utterances.json",
        json.dumps({"columns": list(PLAIN[0]), "index": [0], "data": [list(one.values()) for one in PLAIN]}),
    ),
    "lines of a dialogue": (
        "utterances.txt",
        "".join(f"[{stamp(a, '.')} --> {stamp(b, '.')}] {r.capitalize()}: {t}\n" for r, t, a, b in SAID),
    ),
    "srt": ("utterances.srt", as_srt(lambda r: f"{r.capitalize()}: ")),
    "srt with names": ("utterances.srt", as_srt(lambda r: f"[{SPEAKERS[r]}] ")),
    "srt in lines": ("utterances.jsonl", as_srt(lambda r: f"{SPEAKERS[r]}: ")),
    "vtt with voices": ("utterances.vtt", as_vtt(lambda r: f"<v {SPEAKERS[r]}>")),
    "vtt with classes": ("utterances.vtt", as_vtt(lambda r: f"<v.loud {SPEAKERS[r]}>").replace("?\n", "?</v>\n")),
    "vtt with names": ("utterances.vtt", as_vtt(lambda r: f"- {SPEAKERS[r]}: ")),
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_containers_of_any_kind(container: str, line_end: str) -> None:
    name, text = CONTAINERS[container]
    found, findings = read(text.replace("\r\n", "\n").replace("\n", line_end), name)
    require_times(found)
    assert findings == []


def test_a_dialogue_in_words_has_its_order() -> None:
    text = "\n".join(f"{'Agent' if r == 'assistant' else 'User'}: {t}" for r, t, _, _ in SAID)
    assert told(read(json.dumps({"transcript": text}), "utterances.json")[0]) == WORDS


# -- encodings


GREETINGS = {
    "cp932": "\u3053\u3093\u306b\u3061\u306f\u3001\u4eca\u65e5\u306f\u3069\u3046\u3057\u307e\u3057\u305f\u304b\u3002",
    "cp1252": "Voil\u00e0, c\u2019est tr\u00e8s \u00e9l\u00e9gant \u2013 \u00fcbrigens, se\u00f1or?",
    "latin-1": "Sch\u00f6ne Gr\u00fc\u00dfe aus M\u00fcnchen",
    "gb18030": "\u4f60\u597d\uff0c\u4eca\u5929\u6211\u80fd\u5e2e\u4f60\u505a\u4ec0\u4e48\uff1f",
    "big5": "\u4f60\u597d\uff0c\u4eca\u5929\u6211\u80fd\u5e6b\u4f60\u505a\u4ec0\u9ebc\uff1f",
    "cp949": "\uc548\ub155\ud558\uc138\uc694, \ubb34\uc5c7\uc744 \ub3c4\uc640 \ub4dc\ub9b4\uae4c\uc694?",
    "cp1251": "\u041f\u0440\u0438\u0432\u0435\u0442, \u043f\u043e\u043c\u043e\u0447\u044c?",
    "cp1250": "Cze\u015b\u0107, dzie\u0144 dobry, prosz\u0119 bardzo",
    "cp1253": "\u039a\u03b1\u03bb\u03b7\u03bc\u03ad\u03c1\u03b1, \u03c0\u03ce\u03c2 \u03bc\u03c0\u03bf\u03c1\u03ce",
}


WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig")


@pytest.mark.parametrize(
    ("encoding", "words"),
    [
        *GREETINGS.items(),
        *(
            (wide, text)
            for wide in ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig")
            for text in GREETINGS.values()
        ),
    ],
)
def test_texts_in_any_encoding_are_decoded_right(encoding: str, words: str) -> None:
    text = lines(entries(lambda r, t, a, b: {"role": r, "text": f"{words} {t}", "t_start": a, "t_end": b}))
    found, findings = read(text.encode(encoding))
    assert [u.text for u in found] == [f"{words} {t}" for _, t in WORDS]
    assert [f.code for f in findings] == ([] if encoding.startswith("utf") else ["text-encoding"])


def test_lines_of_two_encodings_are_both_right() -> None:
    first, second = (
        json.dumps({"role": "user", "text": "caf\u00e9"}, ensure_ascii=False).encode(e) for e in ("utf-8", "cp1252")
    )
    assert [u.text for u in read(first + b"\n" + second)[0]] == ["caf\u00e9", "caf\u00e9"]


@given(st.binary(max_size=200))
def test_no_bytes_become_a_replacement_character(data: bytes) -> None:
    found, findings = read(
        b'{"role": "user", "text": "' + data.replace(b'"', b"").replace(b"\xef\xbf\xbd", b"") + b'"}'
    )
    assert all("\ufffd" not in u.text for u in found)
    assert not any("Traceback" in f.message for f in findings)


# -- recognisers


def test_interim_results_are_left_out() -> None:
    for flag, interim, final in (
        ("final", False, True),
        ("isFinal", False, True),
        ("partial", True, False),
        ("type", "partial", "final"),
    ):
        made = []
        for role, text, start, end in SAID:
            words = text.split()
            made += [
                {"role": role, "text": " ".join(words[:n]), "start": start, flag: interim} for n in range(1, len(words))
            ]
            made.append({"role": role, "text": text, "start": start, "end": end, flag: final})
        found, findings = read(lines(made))
        require_times(found)
        assert findings == []


def test_results_that_grow_are_one() -> None:
    for key in ("start", "id"):
        made = []
        for number, (role, text, start, end) in enumerate(SAID):
            more: dict[str, Any] = (
                {"start": start, "end": end} if key == "start" else {"id": str(number), "start": start, "end": end}
            )
            made += [
                {"role": role, "text": text[:size], **more} for size in (len(text) // 3, len(text) // 2, len(text))
            ]
        require_times(read(lines(made))[0])


@pytest.mark.parametrize("key", ["text", "word"])
def test_a_line_a_word_makes_utterances(key: str) -> None:
    made = [
        {"speaker": SPEAKERS[role], key: word["word"], "start": word["start"], "end": word["end"]}
        for role, text, start, end in SAID
        for word in timed_words(text, start, end)
    ]
    require_times(read(lines(made))[0])


# -- what is not understood


STRANGE = entries(lambda r, t, a, b: {"wer": "Anna" if r == "user" else "Boris", "satz": {"laut": t}, "ab": a * 1000})


def test_a_log_that_is_not_understood_is_one_finding_with_its_fields_and_the_line_to_write() -> None:
    found, findings = read(lines(STRANGE))
    assert found == []
    (finding,) = findings
    assert (finding.code, finding.severity) == ("log-not-read", "warning")
    assert "wer, satz, ab" in finding.message
    assert 'under [log]: text = "satz.laut", role = "wer", start = "ab"' in finding.hint


def test_the_settings_say_what_a_log_means() -> None:
    table = {"text": "satz.laut", "role": "wer", "start": "ab", "unit": "ms"}
    found, findings = read(lines(STRANGE), options=log_options(table))
    (finding,) = findings
    assert [u.text for u in found] == [t for _, t in WORDS]
    assert "Anna" in finding.message
    assert "roles = {" in finding.hint
    options = log_options({**table, "roles": {"anna": "user", "BORIS": "assistant"}})
    found, findings = read(lines(STRANGE), options=options)
    require_times(found, ends=False)
    assert findings == []


def test_a_zone_in_the_settings() -> None:
    made = entries(lambda r, t, a, b: {"role": r, "text": t, "start": local(a, 1).replace(tzinfo=None).isoformat()})
    for zone in ("Europe/Berlin", "+01:00"):
        found, findings = read(lines(made), options=log_options({"zone": zone}))
        require_times(found, ends=False)
        assert findings == []


@pytest.mark.parametrize(
    "table",
    [
        {"txet": "a"},
        {"text": 5},
        {"text": []},
        {"unit": "h"},
        {"zone": "Mars/Olympus"},
        {"zone": "../../etc/passwd"},
        {"roles": {"a": "narrator"}},
        {"roles": "a"},
        {"speaker": "both"},
    ],
)
def test_a_setting_that_is_wrong_is_named(table: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"\[log\]: (?:there is no key '|)" + next(iter(table))):
        log_options(table)


HOSTILE = {
    "nothing": "",
    "zeroes": "\0" * 1000,
    "brackets": "[" * 100_000,
    "objects": '{"a":' * 100_000,
    "commas": ",;\t|" * 10_000,
    "arrows": "00:00:01,000 --> 00:00:02,000\n" * 5_000,
    "names": "a: b\n" * 20_000,
    "vtt": "WEBVTT\n\n" + "00:01.000 --> 00:00.500\n<v " * 5_000,
    "one field": 'text\n"' + "x" * 300_000,
    "numbers": json.dumps([{"role": "user", "text": "a", "start": 10**400}]),
    "keys": json.dumps([{f"k{i}": 1 for i in range(50_000)}]),
    "lists": json.dumps([[[[{"text": 1}]]] * 5_000]),
    "broken lines": "{\n" * 200_000,
}


SHORTER = {
    "keys": json.dumps([{f"k{i}": 1 for i in range(5_000)}]),
    "broken lines": "{\n" * 20_000,
}
"""What takes a second and more at length, and is read as JSON by any name: both run the same lines of the readers."""


@pytest.mark.parametrize("kind", HOSTILE)
@pytest.mark.parametrize(
    "name",
    [
        "utterances.jsonl",
        "utterances.json",
        "utterances.csv",
        "utterances.tsv",
        "utterances.srt",
        "utterances.vtt",
        "utterances.txt",
    ],
)
def test_hostile_logs_cost_little_and_say_little(name: str, kind: str) -> None:
    text = HOSTILE[kind] if name == "utterances.jsonl" else SHORTER.get(kind, HOSTILE[kind])
    begun = time.process_time()
    found, findings = read(text, name)
    assert time.process_time() - begun < 20  # a slow machine takes 5; what is quadratic takes minutes
    assert len(findings) <= 25
    assert all(len(f.message) < 500 and f.message.isprintable() for f in findings)
    assert isinstance(found, list)
