"""What events tell beside who spoke when: words, languages, lengths, calls, keys, and answers that were given up."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest

from sessiontool.events import read_events
from sessiontool.model import LoggedWord, Placement, Utterance
from sessiontool.speech.logged_words import heard_of, with_logged_words

if TYPE_CHECKING:
    from sessiontool.events import EventLog

COMPLETED = "conversation.item.input_audio_transcription.completed"


def read(*events: dict[str, Any]) -> EventLog:
    """A log of events, a second apart where they have no time."""
    made = [{"t_ms": event.pop("t_ms", 1000 * number), "event": event} for number, event in enumerate(events)]
    return read_events(io.BytesIO("".join(json.dumps(one) + "\n" for one in made).encode()), "events.jsonl")


def user(name: str, previous: str | None = None, **more: Any) -> list[dict[str, Any]]:
    return [
        {"type": "input_audio_buffer.committed", "item_id": name, "previous_item_id": previous},
        {"type": COMPLETED, "item_id": name, "transcript": f"I am {name}.", **more},
    ]


def item(kind: str, item_id: str, **more: Any) -> dict[str, Any]:
    return {"type": "conversation.item.added", "item": {"id": item_id, "type": kind, **more}}


def done(status: str, details: dict[str, Any], output: list[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    return [
        {"type": "response.created", "response": {"id": "resp", "status": "in_progress", "output": []}},
        {
            "type": "response.done",
            "response": {"id": "resp", "status": status, "status_details": details, "output": output or []},
        },
    ]


def test_lines_that_were_encoded_twice_are_read() -> None:
    made = [{"t_ms": 7, "event": event} for event in user("a")]
    lines = "".join(json.dumps(json.dumps(one)) + "\n" for one in made)
    log = read_events(io.BytesIO(lines.encode()), "events.jsonl")
    assert [(one.id, one.text) for one in log.utterances] == [("a", "I am a.")]


# -- answers that the server gave up


@pytest.mark.parametrize(
    ("status", "details", "reason"),
    [
        ("failed", {"type": "failed", "error": {"code": "insufficient_quota", "type": "x"}}, "insufficient_quota"),
        ("failed", {"type": "failed", "error": {"type": "server_error", "code": None}}, "server_error"),
        ("incomplete", {"type": "incomplete", "reason": "max_output_tokens"}, "max_output_tokens"),
        ("incomplete", {"type": "incomplete", "reason": "content_filter"}, "content_filter"),
        ("failed", {}, "failed"),
    ],
)
@pytest.mark.parametrize("is_in_order", [True, False])
def test_an_answer_without_an_item_is_a_turn_where_the_order_has_one_and_else_a_note(
    status: str, details: dict[str, Any], reason: str, is_in_order: bool
) -> None:
    log = read(*user("a"), *done(status, details), *user("b", "lost" if is_in_order else "a"))
    told = [(u.id, u.role, u.extra.get("unfinished")) for u in log.utterances]
    notes = [(note.kind, note.text, note.t_us) for note in log.notes]
    if is_in_order:
        assert told == [("a", "user", None), ("lost", "assistant", reason), ("b", "user", None)]
        assert log.utterances[1].text == "[inaudible]"
        assert notes == []
    else:
        assert [name for name, _, _ in told] == ["a", "b"]
        assert notes == [("failed_answer", reason, 2_000_000)]
    (finding,) = (one for one in log.findings if one.code == "responses-failed")
    assert reason in finding.message


def test_an_answer_that_began_and_was_given_up_is_marked() -> None:
    said: dict[str, Any] = {"id": "b", "type": "message", "role": "assistant", "status": "incomplete"}
    said["content"] = [{"type": "output_audio", "transcript": "The answer is"}]
    log = read(*user("a"), *done("incomplete", {"reason": "max_output_tokens"}, [said]))
    assert [(u.id, u.extra.get("unfinished")) for u in log.utterances] == [("a", None), ("b", "max_output_tokens")]
    assert log.notes == ()


# -- words


def word(text: str, offset_ms: float, length_ms: float) -> dict[str, Any]:
    return {
        "type": "response.audio_timestamp.delta",
        "item_id": "b",
        "response_id": "resp",
        "audio_offset_ms": offset_ms,
        "audio_duration_ms": length_ms,
        "text": text,
        "timestamp_type": "word",
    }


WORDS = (LoggedWord("It", 50_000, 250_000), LoggedWord("is", 250_000, 500_000), LoggedWord("late", 600_000, 1_000_000))


def test_azures_words_have_their_times_and_tell_what_was_heard() -> None:
    told = [word("It", 50, 200), word("is", 250, 250), word("late", 600, 400), word(".", 1000, 0)]
    said = {"type": "response.output_audio_transcript.done", "item_id": "b", "response_id": "resp"}
    said["transcript"] = "It is late."
    (whole,) = read(*told, said).utterances
    assert whole.logged_words[:3] == WORDS
    assert whole.generated_us == 1_000_000
    cut = {"type": "conversation.item.truncated", "item_id": "b", "audio_end_ms": 550}
    (short,) = read(*told, said, cut).utterances
    assert (short.interrupted, short.heard_text) == (True, "It is")


def test_logged_words_lie_where_the_sound_was_found() -> None:
    utterance = Utterance("b", "assistant", "It is - late.", None, None, logged_words=WORDS)
    found = Placement(utterance, 96_000, 96_000 + 40_000, "aligned", 0.9)
    ((first, second, dash, last),) = (one.words for one in with_logged_words([found]))
    assert (first.text, first.start_samples, first.end_samples, first.source) == ("It", 96_000, 105_600, "logged")
    assert (second.start_samples, second.end_samples) == (105_600, 117_600)
    assert dash.start_samples == dash.end_samples == 117_600
    assert (last.text, last.end_samples) == ("late.", 136_000)  # no word is beyond the sound
    other = Utterance("b", "assistant", "Something else.", None, None, logged_words=WORDS)
    for unsure in (
        Placement(other, 96_000, 144_000, "aligned", 0.9),
        Placement(utterance, 96_000, 144_000, "aligned", 0.4),
        Placement(utterance, None, None, "unmatched", 0.0),
    ):
        assert with_logged_words([unsure])[0].words == ()


def test_a_word_is_heard_from_its_middle_on() -> None:
    assert heard_of("It is late.", WORDS, 800_000) == "It is late."
    assert heard_of("It is late.", WORDS, 799_000) == "It is"
    assert heard_of("It is late.", WORDS, 0) == ""
    assert heard_of("Quite another.", WORDS, 800_000) is None


# -- the user


@pytest.mark.parametrize(
    ("languages", "language"),
    [(["de", "en"], "de"), ([{"language": "pt-BR"}], "pt-BR"), ([{"code": "fr"}], "fr"), ([], None), ("no" * 40, None)],
)
def test_the_language_of_a_transcription(languages: Any, language: str | None) -> None:
    (said,) = read(*user("a", languages=languages)).utterances
    assert said.language == language


def test_the_length_of_an_item_of_push_to_talk() -> None:
    (said,) = read(*user("a", usage={"type": "duration", "seconds": 2.5})[::-1]).utterances
    assert (said.t_start_us, said.t_end_us) == (1_000_000 - 2_500_000, 1_000_000)
    (said,) = read(*user("a", usage={"type": "tokens", "total_tokens": 3})).utterances
    assert (said.t_start_us, said.t_end_us) == (None, 0)


def test_who_spoke_in_the_segments_of_a_transcription() -> None:
    kind = "conversation.item.input_audio_transcription.segment"
    some = [
        {"type": kind, "item_id": "a", "text": text, "speaker": who, "start": start, "end": start + 0.5}
        for text, who, start in (("Hello", "spk_1", 0.0), ("Hi", "spk_2", 0.6))
    ]
    (said,) = read(*some, *user("a")).utterances
    assert said.extra["segments"] == [
        {"speaker": "spk_1", "start": 0.0, "end": 0.5, "text": "Hello"},
        {"speaker": "spk_2", "start": 0.6, "end": 1.1, "text": "Hi"},
    ]


# -- calls and keys


def test_calls_of_mcp_servers_and_who_approved_of_them() -> None:
    log = read(
        item("mcp_approval_request", "m1", name="search", server_label="docs", arguments="{}"),
        item("mcp_approval_response", "m2", approval_request_id="m1", approve=False, reason="not today"),
        item("mcp_call", "m3", name="search", server_label="docs", approval_request_id="m1"),
        {"type": "response.mcp_call_arguments.done", "item_id": "m3", "arguments": '{"q": 1}'},
        {"type": "response.mcp_call.failed", "item_id": "m3"},
        item("mcp_call", "m4", name="find", error={"type": "http_error", "message": "gone"}),
        item("mcp_list_tools", "m5", server_label="docs"),
    )
    assert [(note.kind, note.extra) for note in log.notes] == [
        ("approval_request", {"arguments": "{}", "name": "search", "server_label": "docs"}),
        ("approval", {"approval_request_id": "m1", "approve": False, "reason": "not today"}),
        (
            "tool_call",
            {
                "approval_request_id": "m1",
                "arguments": '{"q": 1}',
                "error": "failed",
                "name": "search",
                "server_label": "docs",
            },
        ),
        ("tool_call", {"error": "gone", "name": "find"}),
    ]
    assert log.unknown == {}


def test_keys_that_a_caller_presses() -> None:
    log = read(
        {"type": "input_audio_buffer.dtmf_event_received", "event": "9", "received_at": 1763813000},
        {"type": "transport.dtmf.received", "digits": "12#"},
        {"type": "transport.dtmf.received", "digit": 5},
    )
    assert [(note.kind, note.text) for note in log.notes] == [("dtmf", "9"), ("dtmf", "12#")]


def test_azures_animation_is_no_unknown_event() -> None:
    log = read({"type": "response.animation_viseme.delta"}, {"type": "response.audio_timestamp.done"}, *user("a"))
    assert log.unknown == {}
