"""Logs of services and programs that nobody wrote for sessiontool: one conversation, as each of them has it."""

from __future__ import annotations

import csv
import io
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from test_foreign_logs import EPOCH_S, SAID, SPEAKERS, TIMES, WORDS, ZERO, told

from sessiontool.documents.encodings import Decoded, decode
from sessiontool.documents.log_options import log_options
from sessiontool.documents.utterances import read_utterances

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from sessiontool.model import Finding, Utterance

Made = Any
EPOCH_MS = EPOCH_S * 1000


def read(data: str | bytes, name: str, channels: tuple[str, ...] = ("user", "assistant")) -> Any:
    held = data.encode() if isinstance(data, str) else data
    return read_utterances(held, name, times=TIMES, speakers=SPEAKERS, channels=channels)


def entries(change: Callable[[str, str, float, float], Any]) -> list[Any]:
    return [change(*one) for one in SAID]


def lines(made: Iterable[Any]) -> str:
    return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in made)


def is_user(role: str) -> bool:
    return role == "user"


def iso(at_s: float) -> str:
    return (ZERO + timedelta(seconds=at_s)).isoformat()


def clock(at_s: float, comma: str = ".") -> str:
    ms = round(at_s * 1000)
    return f"{ms // 3_600_000:02}:{ms // 60_000 % 60:02}:{ms // 1000 % 60:02}{comma}{ms % 1000:03}"


def spread(text: str, start: float, end: float, name: str = "word") -> list[dict[str, Any]]:
    """The words of a text, as recognisers have them."""
    words = text.split()
    step = (end - start) / len(words)
    return [{name: w, "start": start + n * step, "end": start + (n + 1) * step} for n, w in enumerate(words)]


def table(rows: list[list[Any]], separator: str) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=separator).writerows(rows)
    return out.getvalue()


def growing(change: Callable[[str, str, float, float, bool], Any]) -> list[Any]:
    """Each text twice: some of it as an interim result, then the whole."""
    return [
        change(role, text if is_final else text[:4], start, end, is_final)
        for role, text, start, end in SAID
        for is_final in (False, True)
    ]


ONE_DOCUMENT: dict[str, Callable[[], Any]] = {
    "Vapi's report": lambda: {
        "message": {
            "type": "end-of-call-report",
            "artifact": {
                "transcript": "AI: Hello\nUser: Hi",
                "messages": [
                    {"role": "system", "message": "You are Morgan.", "secondsFromStart": 0},
                    *entries(
                        lambda r, t, a, b: {
                            "role": "user" if is_user(r) else "bot",
                            "message": t,
                            "time": EPOCH_MS + a * 1000,
                            "endTime": EPOCH_MS + b * 1000,
                            "secondsFromStart": a,
                            "duration": (b - a) * 1000,
                        }
                    ),
                ],
            },
        }
    },
    "LiveKit's report": lambda: {
        "chat_history": {
            "items": [
                *entries(
                    lambda r, t, a, b: {
                        "type": "message",
                        "role": r,
                        "content": [t],
                        "metrics": {"started_speaking_at": EPOCH_S + a, "stopped_speaking_at": EPOCH_S + b},
                        "created_at": EPOCH_S + a,
                    }
                ),
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}", "created_at": EPOCH_S + 30},
            ]
        }
    },
    "ChatGPT's export": lambda: {
        "mapping": {
            str(number): {
                "id": str(number),
                "message": {
                    "author": {"role": r},
                    "create_time": EPOCH_S + a,
                    "content": {"content_type": "text", "parts": [t]},
                },
            }
            for number, (r, t, a, _) in enumerate(SAID)
        }
    },
    "messages of a chat": lambda: {
        "messages": entries(
            lambda r, t, a, _: {
                "role": r,
                "content": [{"type": "text", "text": t}],
                "timestamp": EPOCH_MS + a * 1000,
            }
        )
    },
    "Deepgram, channels apart": lambda: {
        "metadata": {"channels": 2},
        "results": {
            "channels": [
                {
                    "alternatives": [
                        {
                            "transcript": " ".join(t for r, t, _, _ in SAID if r == role),
                            "words": [
                                {**word, "word": word["word"].lower(), "punctuated_word": word["word"]}
                                for r, t, a, b in SAID
                                if r == role
                                for word in spread(t, a, b)
                            ],
                        }
                    ]
                }
                for role in ("user", "assistant")
            ]
        },
    },
    "AssemblyAI, channels from 1": lambda: {
        "utterances": entries(
            lambda r, t, a, b: (
                {"speaker": "1" if is_user(r) else "2", "channel": "1" if is_user(r) else "2"}
                | {"start": int(a * 1000), "end": int(b * 1000), "text": t}
            )
        )
    },
    "Twilio's sentences": lambda: {
        "sentences": entries(
            lambda r, t, a, b: (
                {"media_channel": 1 if is_user(r) else 2, "start_time": a, "end_time": b}
                | {"transcript": t, "sid": "GX"}
            )
        )
    },
    "Amazon Connect": lambda: {
        "Transcript": entries(
            lambda r, t, a, b: (
                {"ParticipantId": "CUSTOMER" if is_user(r) else "AGENT", "Content": t}
                | {"BeginOffsetMillis": int(a * 1000), "EndOffsetMillis": int(b * 1000)}
            )
        )
    },
    "Google's recogniser": lambda: {
        "results": entries(
            lambda r, t, a, b: {
                "alternatives": [{"transcript": t, "words": [{"startTime": f"{a}s", "endTime": f"{b}s", "word": "x"}]}],
                "channelTag": 1 if is_user(r) else 2,
            }
        )
    },
    "Azure's batch": lambda: {
        "recognizedPhrases": entries(
            lambda r, t, a, b: {
                "channel": 0 if is_user(r) else 1,
                "offset": f"PT{a}S",
                "duration": f"PT{b - a:.3f}S",
                "nBest": [{"confidence": 0.9, "lexical": t.lower(), "display": t}],
            }
        )
    },
    "Ultravox": lambda: {
        "results": entries(
            lambda r, t, a, b: (
                {"role": "MESSAGE_ROLE_USER" if is_user(r) else "MESSAGE_ROLE_AGENT", "text": t}
                | {"timespan": {"start": f"{a}s", "end": f"{b}s"}}
            )
        )
    },
    "Bland": lambda: {"transcripts": entries(lambda r, t, a, _: {"created_at": iso(a), "text": t, "user": r})},
    "speakers as objects": lambda: {
        "turns": entries(
            lambda r, t, a, b: (
                {"speaker": {"id": 1, "role": "CUSTOMER" if is_user(r) else "AGENT"}}
                | {"transcript": {"text": t}, "range": {"start": a, "end": b}}
            )
        )
    },
    "pairs of times": lambda: {
        "text": "…",
        "chunks": entries(lambda r, t, a, b: {"speaker": r, "timestamp": [a, b], "text": t}),
    },
    "rows without names": lambda: entries(lambda r, t, a, b: [r, t, a, b]),
    "DynamoDB": lambda: {
        "Items": entries(
            lambda r, t, a, b: (
                {"pk": {"S": "CALL#1"}, "turn": {"M": {"role": {"S": r}, "text": {"S": t}}}}
                | {"startedAt": {"N": str(EPOCH_MS + 1000 * a)}, "endedAt": {"N": str(EPOCH_MS + 1000 * b)}}
            )
        ),
        "Count": 8,
    },
    "Firestore, REST": lambda: {
        "documents": entries(
            lambda r, t, a, _: {
                "name": "projects/p/databases/d/documents/turns/x",
                "fields": {"text": {"stringValue": t}, "role": {"stringValue": r}, "at": {"timestampValue": iso(a)}},
                "createTime": iso(90),
            }
        )
    },
    "Contact Lens": lambda: {
        "Segments": entries(
            lambda r, t, a, b: {
                "Transcript": {
                    "ParticipantRole": "CUSTOMER" if is_user(r) else "AGENT",
                    "Content": t,
                    "BeginOffsetMillis": int(1000 * a),
                    "EndOffsetMillis": int(1000 * b),
                }
            }
        )
    },
    "Call Analytics, which has a channel of its own": lambda: {
        "Channel": "VOICE",
        "Transcript": entries(
            lambda r, t, a, b: (
                {"ParticipantRole": "CUSTOMER" if is_user(r) else "AGENT", "Content": t}
                | {"BeginOffsetMillis": int(1000 * a), "EndOffsetMillis": int(1000 * b)}
            )
        ),
    },
    "Cloud Logging": lambda: entries(
        lambda r, t, a, _: {
            "jsonPayload": {"message": "turn", "role": r, "text": t, "t_start": a},
            "resource": {"type": "cloud_run_revision", "labels": {"location": "here"}},
            "timestamp": iso(a + 9),
        }
    ),
    "Firestore's times": lambda: entries(
        lambda r, t, a, _: {"role": r, "text": t, "createdAt": {"_seconds": int(EPOCH_S + a), "_nanoseconds": 0}}
    ),
    "Mongo's ids": lambda: [
        {"_id": {"$oid": f"5f{number}"}, "role": r, "text": t, "createdAt": {"$date": iso(a)}}
        for number, (r, t, a, _) in enumerate(SAID)
    ],
}

LINES: dict[str, Callable[[], list[Any]]] = {
    "Pipecat's frames": lambda: entries(
        lambda r, t, a, _: (
            {"frame": "TranscriptionFrame" if is_user(r) else "TTSTextFrame", "user_id": "u"}
            | {"text": t, "timestamp": iso(a)}
        )
    ),
    "RTVI": lambda: entries(
        lambda r, t, a, _: {
            "type": "user-transcription" if is_user(r) else "bot-transcription",
            "data": {"text": t, "user_id": "u", "timestamp": iso(a)},
        }
    ),
    "Vapi, live": lambda: growing(
        lambda r, t, a, _, final: {
            "message": {"type": "transcript", "role": r, "transcriptType": "final" if final else "partial"}
            | {"transcript": t, "timestamp": EPOCH_MS + a * 1000}
        }
    ),
    "ElevenLabs, live": lambda: entries(
        lambda r, t, a, _: (
            {"ts": EPOCH_MS + a * 1000}
            | (
                {"type": "user_transcript", "user_transcription_event": {"user_transcript": t}}
                if is_user(r)
                else {"type": "agent_response", "agent_response_event": {"agent_response": t}}
            )
        )
    ),
    "Gemini Live": lambda: entries(
        lambda r, t, a, _: {
            "time": iso(a),
            "serverContent": {"inputTranscription" if is_user(r) else "outputTranscription": {"text": t}},
        }
    ),
    "Nova Sonic": lambda: entries(
        lambda r, t, a, _: {"timestamp": iso(a), "event": {"textOutput": {"role": r.upper(), "content": t}}}
    ),
    "Hume": lambda: entries(
        lambda r, t, a, b: (
            {"type": f"{r}_message", "message": {"role": r, "content": t}}
            | {"time": {"begin": int(a * 1000), "end": int(b * 1000)}}
        )
    ),
    "Deepgram, live": lambda: growing(
        lambda r, t, a, b, final: {
            "channel_index": [0 if is_user(r) else 1, 2],
            "start": a,
            "duration": b - a,
            "is_final": final,
            "channel": {"alternatives": [{"transcript": t, "words": []}]},
        }
    ),
    "AssemblyAI, live": lambda: growing(
        lambda r, t, a, b, final: (
            {"message_type": "FinalTranscript" if final else "PartialTranscript", "speaker": r}
            | {"audio_start": int(a * 1000), "audio_end": int(b * 1000), "text": t}
        )
    ),
    "AssemblyAI's turns": lambda: growing(
        lambda r, t, a, b, final: (
            {"type": "Turn", "end_of_turn": final, "transcript": t, "speaker": r} | {"words": spread(t, a, b, "text")}
        )
    ),
    "LiveKit's segments": lambda: growing(
        lambda r, t, a, _, final: {
            "participant": "user-123" if is_user(r) else "agent-AJ_x9",
            "segments": [{"text": t, "final": final, "startTime": 0, "firstReceivedTime": EPOCH_MS + a * 1000}],
        }
    ),
    "final as a text": lambda: growing(
        lambda r, t, a, b, final: {"speaker": r, "text": t, "start": a, "end": b, "final": str(final).lower()}
    ),
    "final as a number": lambda: growing(
        lambda r, t, a, b, final: {"speaker": r, "text": t, "start": a, "end": b, "is_final": int(final)}
    ),
    "names of several words": lambda: entries(
        lambda r, t, a, b: {"speaker-role": r.upper(), "utterance-text": t, "start-time": a, "end-time": b}
    ),
    "HH:MM:SS,mmm": lambda: entries(
        lambda r, t, a, b: {"from": clock(a, ","), "to": clock(b, ","), "speaker": r, "text": t}
    ),
    "nanoseconds since 1970": lambda: entries(
        lambda r, t, a, _: {"ts": int((EPOCH_S + a) * 1e9), "role": r, "text": t}
    ),
    "a start and a length": lambda: entries(
        lambda r, t, a, b: {"offset_ms": int(a * 1000), "duration_ms": int((b - a) * 1000), "speaker": r, "text": t}
    ),
}

TEXTS: dict[str, Callable[[], str | bytes]] = {
    "CSV with ; and decimal commas": lambda: table(
        [
            ["Sprecher", "Beginn", "Ende", "Text"],
            *entries(lambda r, t, a, b: [r, f"{a:.3f}".replace(".", ","), f"{b:.3f}".replace(".", ","), t]),
        ],
        ";",
    ),
    "Excel's Unicode text": lambda: table(
        [
            ["Speaker", "Start Time", "End Time", "Transcript"],
            *entries(lambda r, t, a, b: ["Customer" if is_user(r) else "Agent", clock(a), clock(b), t]),
        ],
        "\t",
    ).encode("utf-16"),
    "a table without names": lambda: table(entries(lambda r, t, a, b: [r, f"{a:.3f}", f"{b:.3f}", t]), ","),
    "times in brackets": lambda: "".join(entries(lambda r, t, a, _: f"[{clock(a)}] {SPEAKERS[r]}: {t}\n")),
    "times behind names": lambda: "".join(entries(lambda r, t, a, _: f"{SPEAKERS[r]} ({clock(a)[:8]}): {t}\n")),
    "names over texts": lambda: "".join(
        entries(lambda r, t, a, _: f"{SPEAKERS[r]}  {int(a) // 60}:{int(a) % 60:02}\n{t}\n\n")
    ),
    "a chat's export": lambda: "".join(entries(lambda r, t, a, _: f"[22.11.26, {iso(a)[11:19]}] {SPEAKERS[r]}: {t}\n")),
    "fields as YAML has them": lambda: "".join(
        entries(lambda r, t, a, _: f'- role: {r}\n  text: "{t}"\n  start: {a}\n')
    ),
    "SubRip with another ending": lambda: "".join(
        f"{number}\r\n{clock(a, ',')} --> {clock(b, ',')}\r\n[{SPEAKERS[r]}] {t}\r\n\r\n"
        for number, (r, t, a, b) in enumerate(SAID, 1)
    ).encode("utf-16"),
}

ALL = [
    *((name, "utterances.json", made) for name, made in ONE_DOCUMENT.items()),
    *((name, "utterances.jsonl", made) for name, made in LINES.items()),
    *((name, "utterances.jsonl", made) for name, made in TEXTS.items()),
]


def require(found: list[Utterance], findings: list[Finding], within_s: float = 1.01) -> None:
    assert [(role, text.strip()) for role, text in told(found)] == WORDS
    assert [one for one in findings if one.severity != "info"] == []
    for utterance, (_, _, start, end) in zip(found, SAID, strict=True):
        if utterance.t_start_us is not None:
            assert utterance.t_start_us / 1e6 == pytest.approx(start, abs=within_s)
        else:  # an arrival, which is the end of what a user said
            assert utterance.t_end_us is not None
            assert start - within_s <= utterance.t_end_us / 1e6 <= end + within_s


@pytest.mark.parametrize(("name", "file", "made"), ALL, ids=[name for name, _, _ in ALL])
def test_a_stranger_log_is_read_right(name: str, file: str, made: Callable[[], Any]) -> None:
    held = made()
    if name in ONE_DOCUMENT:
        held = json.dumps(held)
    elif name in LINES:
        held = lines(held)
    require(*read(held, file))


def test_lines_that_were_encoded_twice_are_read() -> None:
    made = entries(lambda r, t, a, b: json.dumps({"role": r, "text": t, "start": a, "end": b}))
    require(*read(lines(made), "utterances.jsonl"))


def test_spaces_between_words_are_nobodys_turns() -> None:
    """Rev.ai has them as elements of their own."""
    made = [
        {"speaker": r, "elements": [one for w in spread(t, a, b, "value") for one in (w, {"value": " "})]}
        for r, t, a, b in SAID
    ]
    found, findings = read(json.dumps({"monologues": made}), "utterances.json")
    assert (" ".join(u.text for u in found), findings) == (" ".join(text for _, text in WORDS), [])


def test_what_was_left_out_is_said_beside_that_the_speakers_are_unknown() -> None:
    """The sound may tell who speaks, and then takes that finding back."""
    made = [{"start": n, "text": f"Text {n}."} if n % 3 else {"start": n, "payload": [f"Text {n}."]} for n in range(9)]
    found, findings = read(lines(made), "utterances.jsonl")
    assert len(found) == 6
    assert [one.code for one in findings] == ["log-not-read", "document-invalid"]
    assert "3 entries were left out" in findings[1].message


def test_texts_under_the_names_of_roles() -> None:
    found, findings = read(json.dumps([{role: text} for role, text in WORDS]), "utterances.json")
    assert (told(found), findings) == (WORDS, [])
    pairs = [{"turn": n, "assistant": WORDS[2 * n][1], "user": WORDS[2 * n + 1][1]} for n in range(4)]
    found, findings = read(json.dumps({"conversation": pairs}), "utterances.json")
    assert (told(found), findings) == (WORDS, [])
    ids = '{"user": "u-17", "agent": "a2@example.org", "messages": [{"role": "user", "text": "Hi there."}]}'
    assert told(read(ids, "utterances.json")[0]) == [("user", "Hi there.")]


@pytest.mark.parametrize(("numbers", "is_known"), [((0, 1), True), ((1, 2), True), ((1,), False), ((2, 3), False)])
def test_channels_by_number_count_from_0_or_from_1_or_say_nothing(numbers: tuple[int, ...], is_known: bool) -> None:
    made = [{"channel": number, "text": f"Text {number}."} for number in numbers for _ in range(3)]
    found, findings = read(lines(made), "utterances.jsonl")
    if is_known:
        assert [u.role for u in found] == ["user"] * 3 + ["assistant"] * 3
    else:
        assert [one.code for one in findings] == ["log-not-read"]
        assert not {u.role for u in found} & {"user", "assistant"}


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        (b"<t>a</t>", "docs/formats.md"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + bytes(range(200)), "docs/formats.md"),
        (lines([{"a": "x y z", "b": "w"}, {"a": "k l m", "b": "v"}] * 3).encode(), 'text = "a", role = "b"'),
    ],
)
def test_what_is_not_understood_is_one_warning_with_the_line_to_write(data: bytes, hint: str) -> None:
    found, findings = read(data, "utterances.jsonl")
    warnings = [one for one in findings if one.severity == "warning"]
    assert (found, [one.code for one in warnings]) == ([], ["log-not-read"])
    assert hint in warnings[0].hint


def test_hours_and_minutes_are_no_minutes_and_seconds() -> None:
    made = entries(lambda r, t, a, _: {"role": r, "text": t, "time": iso(a)[11:16]})
    found, findings = read(lines(made), "utterances.jsonl")
    assert [one.code for one in findings] == ["times-are-placeholders"]
    assert {(u.t_start_us, u.t_end_us) for u in found} == {(None, None)}


@pytest.mark.parametrize(
    "text", ["Größe und Übung", "Привет, как дела", "こんにちは、元気ですか", "A “nice” day — or so"]
)
def test_utf8_that_was_damaged_is_read_as_utf8(text: str) -> None:
    data = text.encode()
    first = next(place for place, byte in enumerate(data) if byte > 0x7F)
    cut = decode(data[:first] + data[first + 1 :])
    assert (cut.encoding, cut.lost > 0) == ("utf-8", True)
    assert cut.text.replace("?", "") in text.replace("?", "") or cut.text[-4:] == text[-4:]
    twice = decode(text.encode().decode("latin-1").encode())
    assert (twice.text, twice.was_twice) == (text, True)
    assert decode(data) == Decoded(text, "utf-8", 0, False)


def test_a_log_that_was_encoded_twice_or_lost_characters_says_so() -> None:
    line = json.dumps({"role": "user", "text": "Größe für alle"}, ensure_ascii=False)
    (said,), (finding,) = read(line.encode().decode("latin-1").encode(), "utterances.jsonl")
    assert (said.text, finding.code, finding.severity) == ("Größe für alle", "text-encoding", "info")
    (said,), (finding,) = read(line.replace("ö", "\ufffd"), "utterances.jsonl")
    assert (finding.code, finding.severity) == ("text-encoding", "warning")
    assert "1 character(s) were lost" in finding.message


def test_a_field_that_the_settings_name_wins() -> None:
    made = entries(lambda r, t, a, _: {"role": "x", "wer": r, "text": "no", "body": {"said": t}, "at": 0, "von": a})
    options = log_options({"text": "body.said", "role": "wer", "start": "von", "unit": "s"})
    found, _ = read_utterances(lines(made).encode(), "utterances.jsonl", options=options, times=TIMES)
    assert told(found) == WORDS
    assert [(u.t_start_us or 0) / 1e6 for u in found] == pytest.approx([start for _, _, start, _ in SAID])
