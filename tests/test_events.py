"""Event logs -> utterances: what each event adds, and the traps that real logs have."""

from __future__ import annotations

import json
from base64 import b64encode
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from realtime_logs import SEMANTIC_VAD, SERVER_VAD, Event, LogOf, codes, read, told

from sessiontool.model import INAUDIBLE
from sessiontool.simulate.eventlog import as_beta, event_log
from sessiontool.simulate.log_plan import LogPlan, Said

if TYPE_CHECKING:
    from sessiontool.events import EventLog

ZERO = 500.0
"""The session clock at which the server's own clock begins, in most tests."""


def only(log: EventLog) -> Any:
    (utterance,) = log.utterances
    return utterance


def marks(log: EventLog) -> dict[str, Any]:
    """What is handed through of the only utterance, beside the time of an event."""
    return {name: value for name, value in only(log).extra.items() if name != "noticed_s"}


# -- when the user spoke


def test_padding_and_silence_are_taken_off() -> None:
    log = LogOf().begin(400).heard("a", 1000, 3000, ZERO, "Hello.").pinged(5000, 0).read()
    assert told(log) == [("user", "Hello.", ZERO + 1300, ZERO + 2800)]
    assert codes(log) == set()


def test_the_settings_in_force_at_that_moment_count() -> None:
    """They change between a turn's start and its end as well."""
    later = {**SERVER_VAD, "prefix_padding_ms": 100, "silence_duration_ms": 800}
    log = (
        LogOf().begin(400).heard("a", 1000, 3000, ZERO, "One.").update(4000, later).heard("b", 4000, 6000, ZERO, "Two.")
    )
    log.add(ZERO + 7300, "input_audio_buffer.speech_started", audio_start_ms=7000, item_id="c")
    log.update(ZERO + 7400, SERVER_VAD)
    log.add(ZERO + 9000, "input_audio_buffer.speech_stopped", audio_end_ms=9000, item_id="c").transcribed(
        9900, "c", "Three."
    )
    assert told(log.pinged(9950, 0).read()) == [
        ("user", "One.", ZERO + 1300, ZERO + 2800),
        ("user", "Two.", ZERO + 4100, ZERO + 5200),
        ("user", "Three.", ZERO + 7100, ZERO + 8800),
    ]


def test_when_the_end_of_a_question_and_the_sound_of_its_answer_were_received_is_kept() -> None:
    log = LogOf().begin(400).heard("a", 1000, 3000, ZERO, "Hello.").answer(4100, "b", "Yes?").played("b", 4300, 5000)
    log.begin(6000, None).add(9000, "input_audio_buffer.committed", item_id="c", previous_item_id="b")
    log.transcribed(9500, "c", "Pushed.").answer(9600, "d", "Fine.")
    log.add(
        9900, "response.output_audio.delta", item_id="d", response_id="resp_d", delta=b64encode(bytes(480)).decode()
    )
    log.add(
        9990, "response.output_audio.delta", item_id="d", response_id="resp_d", delta=b64encode(bytes(480)).decode()
    )
    assert [one.extra.get("noticed_s") for one in log.read().utterances] == [3.5, 4.3, 9.0, 9.9]


def test_fields_that_are_not_named_have_the_documented_defaults() -> None:
    log = LogOf().begin(400, {"type": "server_vad"}).heard("a", 1000, 3000, ZERO, "Hello.").pinged(5000, 0).read()
    assert told(log) == [("user", "Hello.", ZERO + 1300, ZERO + 2500)]


def test_semantic_turn_detection_has_no_padding() -> None:
    log = LogOf().begin(400, SEMANTIC_VAD).heard("a", 1000, 3000, ZERO, "Hello.").pinged(5000, 0).read()
    assert told(log) == [("user", "Hello.", ZERO + 1000, ZERO + 3000)]


def test_push_to_talk_has_no_boundaries() -> None:
    """The end of its commit is all that is known: the start is left to the sound."""
    log = LogOf().begin(400, None).add(3000, "input_audio_buffer.commit", sender="client")
    log.add(3080, "input_audio_buffer.committed", previous_item_id=None, item_id="a")
    log.item(3081, "a", "user", {"type": "input_audio", "transcript": None}).transcribed(4000, "a", "Hello.")
    assert told(log.read()) == [("user", "Hello.", None, 3080.0)]


def test_a_manual_commit_ends_what_was_detected() -> None:
    log = LogOf().begin(400).add(1800, "input_audio_buffer.speech_started", audio_start_ms=1000, item_id="a")
    log.add(3080, "input_audio_buffer.committed", previous_item_id=None, item_id="a").transcribed(4000, "a", "Hello.")
    log.pinged(5000, 0)
    assert told(log.read()) == [("user", "Hello.", ZERO + 1300, 3080.0)]


def test_speech_at_once_does_not_begin_before_the_session() -> None:
    log = LogOf().begin(0).heard("a", 0, 250, 0, "Hi.").pinged(900, 0).read()
    (_, _, start, end) = told(log)[0]
    assert (start, end) == (300.0, None)  # less sound than padding: no end is better than one before the start


def test_the_round_trip_is_taken_off_where_it_is_known() -> None:
    log = LogOf().begin(400)
    for number in range(5):
        start = 1000 + 5000 * number
        log.add(
            ZERO + start + 300 + 120, "input_audio_buffer.speech_started", audio_start_ms=start, item_id=f"a{number}"
        )
        end: Event = {"audio_end_ms": start + 2000, "item_id": f"a{number}"}
        log.add(ZERO + start + 2000 + (120, 120, 480, 118, 121)[number], "input_audio_buffer.speech_stopped", **end)
        log.transcribed(start + 4000, f"a{number}", "Hello.")
    assert told(log.read())[0][2] == ZERO + 1300 + 118
    assert "latency-unknown" in codes(log.read())
    assert told(log.pinged(100_000, 120).read())[0][2] == ZERO + 1300 - 2
    assert log.read().sessions[0].clock.latency_ms == pytest.approx(120)


@pytest.mark.parametrize("seed", range(8))
def test_events_that_are_now_and_then_held_up_move_nothing(seed: int) -> None:
    """Each way takes 40 ms and, now and then, much more."""
    rng = Random(seed)

    def way() -> float:
        return 40 + rng.expovariate(1 / 15) + (rng.random() < 0.1) * rng.uniform(100, 900)

    log = LogOf().begin(400)
    for number in range(12):
        start = 1000 + 5000 * number
        log.add(
            ZERO + start + 300 + way() + way(),
            "input_audio_buffer.speech_started",
            audio_start_ms=start,
            item_id=f"a{number}",
        )
        end: Event = {"audio_end_ms": start + 2000, "item_id": f"a{number}"}
        log.add(ZERO + start + 2000 + way() + way(), "input_audio_buffer.speech_stopped", **end)
        log.transcribed(ZERO + start + 2500, f"a{number}", "Hello.").pinged(start + 2600, way() + way())
    assert told(log.read())[0][2] == pytest.approx(ZERO + 1300, abs=30)


def test_an_item_that_comes_by_itself_answers_no_request() -> None:
    log = LogOf().begin(400).heard("a", 1000, 3000, ZERO + 90, "Hello.")
    asked = {"id": "x", "type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be brief."}]}
    log.add(5000, "conversation.item.create", sender="client", item=asked)
    log.item(5001, "other", "system", {"type": "input_text", "text": "Another."})
    log.item(5090, "x", "system", {"type": "input_text", "text": "Be brief."})
    log.pinged(6000, 3)  # the server began to answer just then by itself
    assert told(log.read())[0][2] == ZERO + 1300
    assert log.read().sessions[0].clock.latency_ms == 90


def test_ends_that_are_not_told_when_the_settings_say_are_not_trusted() -> None:
    """A silence longer than that in the settings: the starts tell the clock."""
    log = LogOf().begin(400)
    for number in range(4):
        start = 1000 + 5000 * number
        log.add(ZERO + start + 300, "input_audio_buffer.speech_started", audio_start_ms=start, item_id=f"a{number}")
        end: Event = {"audio_end_ms": start + 2000, "item_id": f"a{number}"}
        log.add(ZERO + start + 2000 + 900, "input_audio_buffer.speech_stopped", **end).transcribed(
            ZERO + start + 3000, f"a{number}", "Hi."
        )
    assert told(log.pinged(50_000, 0).read())[0][2] == ZERO + 1300


def test_sound_that_the_page_appends_tells_the_offset_without_any_latency() -> None:
    """24 kHz at 16 bits: 4800 bytes are 100 ms."""
    log = LogOf().begin(400)
    for number in range(1, 40):
        sound = b64encode(bytes(4800)).decode()
        log.add(ZERO + 100 * number, "input_audio_buffer.append", sender="client", audio=sound)
    log.heard("a", 1000, 3000, ZERO + 150, "Hello.")
    assert told(log.read()) == [("user", "Hello.", ZERO + 1300, ZERO + 2800)]
    assert log.read().sessions[0].clock.source == "appended sound"


def test_a_clock_that_stands_still_for_a_while_is_followed() -> None:
    """No sound is sent for 20 s, as when a track is replaced: the server's clock does not advance."""
    log = LogOf().begin(400)
    for number in range(8):
        zero = ZERO + (20_000 if number >= 4 else 0)
        log.heard(f"a{number}", 1000 + 4000 * number, 3000 + 4000 * number, zero, f"Number {number}.")
    starts = [start for _, _, start, _ in told(log.pinged(90_000, 0).read())]
    assert starts == [ZERO + 1300 + 4000 * n + (20_000 if n >= 4 else 0) for n in range(8)]


def test_a_clock_that_drifts_is_followed_over_an_hour() -> None:
    log = LogOf().begin(400)
    for number in range(120):
        at = 30_000 * number + 1000
        log.heard(f"a{number}", at, at + 2000, ZERO + 100e-6 * at, f"Number {number}.")
    for number, (_, _, start, _) in enumerate(told(log.pinged(4_000_000, 0).read())):
        assert start == pytest.approx(ZERO + (30_000 * number + 1300) * (1 + 100e-6), abs=2)


def test_one_wrong_receive_time_moves_nothing() -> None:
    log = LogOf().begin(400)
    for number in range(7):
        log.heard(f"a{number}", 1000 + 4000 * number, 3000 + 4000 * number, ZERO, f"Number {number}.")
    right = told(log.pinged(90_000, 0).read())
    for line in log.lines:
        if line["event"].get("item_id") == "a3" and "stopped" in line["event"]["type"]:
            line["t_ms"] += 7000
    assert told(log.read()) == right


# -- what the user said


def test_late_transcripts_belong_to_their_item() -> None:
    log = LogOf().begin(400).heard("a", 1000, 3000, ZERO, "First.", late=20_000)
    log.heard("b", 5000, 7000, ZERO, "Second.", previous="a").answer(8000, "c", "An answer.", previous="b")
    log.played("c", 8500, 9500)
    assert [text for _, text, *_ in told(log.read())] == ["First.", "Second.", "An answer."]


@pytest.mark.parametrize("text", ["", "\n", "  "])
def test_an_empty_transcript_is_inaudible(text: str) -> None:
    log = LogOf().begin(400).heard("a", 1000, 3000, ZERO, text).read()
    assert only(log).text == INAUDIBLE
    assert marks(log) == {"transcription": "empty"}
    assert "transcription-missing" in codes(log)


def test_a_failed_transcript_is_inaudible() -> None:
    error = {"type": "transcription_error", "code": "audio_unintelligible", "message": "It could not.", "param": None}
    kind = "conversation.item.input_audio_transcription.failed"
    log = (
        LogOf()
        .begin(400)
        .heard("a", 1000, 3000, ZERO)
        .add(4000, kind, item_id="a", content_index=0, error=error)
        .read()
    )
    assert only(log).text == INAUDIBLE
    assert marks(log) == {"transcription": "failed"}


def test_a_transcript_that_never_came_is_inaudible() -> None:
    log = LogOf().begin(400).heard("a", 1000, 3000, ZERO).read()
    assert (only(log).text, marks(log)) == (INAUDIBLE, {"transcription": "missing"})


def test_pieces_without_a_whole_are_taken_and_flagged() -> None:
    log = LogOf().begin(400).heard("a", 1000, 3000, ZERO)
    for piece in ("Hey", ", can you"):
        kind = "conversation.item.input_audio_transcription.delta"
        log.add(4000, kind, item_id="a", content_index=0, delta=piece, obfuscation="x")
    assert (only(log.read()).text, marks(log.read())) == ("Hey, can you", {"transcription": "incomplete"})
    log.transcribed(4100, "a", "Hey, can you hear me?")
    assert (only(log.read()).text, marks(log.read())) == ("Hey, can you hear me?", {})


def test_segments_of_speakers_are_a_text() -> None:
    log = LogOf().begin(400).heard("a", 1000, 3000, ZERO)
    for number, text in enumerate(("hello", "there")):
        more: Event = {
            "text": text,
            "id": f"seg_{number}",
            "speaker": "spk_1",
            "start": 0.4 * number,
            "end": 0.4 * number + 0.4,
        }
        log.add(4000, "conversation.item.input_audio_transcription.segment", item_id="a", content_index=0, **more)
    assert only(log.read()).text == "hello there"


def test_an_idle_timeout_is_nobodys_turn() -> None:
    log = (
        LogOf()
        .begin(400)
        .add(7000, "input_audio_buffer.timeout_triggered", audio_start_ms=1000, audio_end_ms=6000, item_id="a")
    )
    log.add(7001, "input_audio_buffer.committed", previous_item_id=None, item_id="a").transcribed(
        8000, "a", "Thank you."
    )
    assert log.read().utterances == ()
    assert log.read().skipped == {"a": "idle timeout: no speech"}
    assert "items-skipped" in codes(log.read())


def test_speech_that_was_cleared_before_its_commit_is_no_turn() -> None:
    log = LogOf().begin(400).add(1800, "input_audio_buffer.speech_started", audio_start_ms=1000, item_id="a")
    log.add(2000, "input_audio_buffer.cleared")
    assert list(log.read().skipped) == ["a"]


# -- when the assistant spoke


def test_an_answer_lasts_as_long_as_the_output_buffer_runs() -> None:
    log = LogOf().begin(400).answer(1000, "a", "Loud and clear!").played("a", 1500, 2700).read()
    assert told(log) == [("assistant", "Loud and clear!", 1500.0, 2700.0)]
    assert only(log).interrupted is None


def test_the_end_of_an_answers_text_is_not_the_end_of_its_sound() -> None:
    """But about when it was received it began."""
    log = LogOf().begin(400).answer(1000, "a", "Loud and clear!").read()
    assert told(log) == [("assistant", "Loud and clear!", 1000.0, None)]
    assert only(log).arrived_us == 1_000_000


def test_a_log_in_which_only_whole_texts_have_times_is_read_by_when_they_came() -> None:
    log = LogOf().begin(400).heard("q", 1000, 3000, 400, "Can you hear me?").answer(4000, "a", "Loud and clear!")
    for line in log.lines:
        if not line["event"]["type"].endswith((".done", ".completed")) or "item.done" in line["event"]["type"]:
            del line["t_ms"]
    question, answer = log.read().utterances
    assert (answer.t_start_us, answer.t_end_us) == (4_000_000, None)
    assert (question.t_end_us or 0) / 1000 == pytest.approx(
        3000 - 200 + 400, abs=800
    )  # its transcript came 700 ms late
    log.lines[:] = [line for line in log.lines if "t_ms" in line]
    answer, question = log.read().utterances
    assert (question.t_start_us, question.t_end_us, question.arrived_us) == (None, 4_100_000, 4_100_000)
    assert (answer.t_start_us, answer.t_end_us, answer.arrived_us) == (4_000_000, None, 4_000_000)


def test_an_answer_of_two_items_shares_its_sound_by_their_texts() -> None:
    log = LogOf().begin(400).answer(1000, "a", "One two three.", "resp_a").answer(1100, "b", "One two three.", "resp_a")
    assert told(log.played("a", 1500, 3500).read()) == [
        ("assistant", "One two three.", 1500.0, 2500.0),
        ("assistant", "One two three.", 2500.0, 3500.0),
    ]


def sound(log: LogOf, t: float, name: str, ms: int) -> None:
    delta = b64encode(bytes(48 * ms)).decode()
    log.add(t, "response.output_audio.delta", response_id=f"resp_{name}", item_id=name, delta=delta)


def test_over_a_websocket_the_sound_itself_tells_how_long_it_is() -> None:
    log = LogOf().begin(400)
    for number in range(4):
        sound(log, 1000 + 100 * number, "a", 500)
    log.answer(1050, "a", "Loud and clear, as they say.").answer(1400, "b", "Another one.")
    sound(log, 1500, "b", 700)
    assert told(log.read()) == [
        ("assistant", "Loud and clear, as they say.", 1000.0, 3000.0),
        ("assistant", "Another one.", 3000.0, 3700.0),  # it waits until the one before has been played
    ]


def test_sound_that_was_taken_out_of_the_log_still_tells_when_it_began() -> None:
    log = LogOf().begin(400).add(1000, "response.output_audio.delta", response_id="r", item_id="a", delta="")
    log.add(1100, "response.output_audio.delta", response_id="r", item_id="a").answer(1050, "a", LONG)
    assert told(log.read()) == [("assistant", LONG, 1000.0, None)]
    assert codes(log.read()) == set()
    assert only(log.truncated(4000, "a", 1500).read()).interrupted is True
    assert told(log.read())[0][3] == 2500.0


def test_what_was_played_is_known_without_any_sound_in_the_log() -> None:
    log = LogOf().begin(400).answer(1000, "a", LONG, status="cancelled").truncated(4000, "a", 4000 * heard_share())
    for number in range(3):
        log.answer(20_000 + 9000 * number, f"b{number}", LONG)
        sound(log, 20_000 + 9000 * number, f"b{number}", 4000)
    first = log.read().utterances[0]
    assert (first.interrupted, first.heard_text) == (True, HEARD)


def test_the_format_of_the_sound_counts() -> None:
    changed = {"output": {"format": {"type": "audio/pcmu"}}}
    log = (
        LogOf()
        .begin(400, audio=changed)
        .add(1000, "response.output_audio.delta", item_id="a", response_id="r", delta="AAAA" * 2000)
    )
    log.add(
        1001, "response.output_audio_transcript.done", item_id="a", response_id="r", content_index=0, transcript="Hm."
    )
    assert told(log.read()) == [("assistant", "Hm.", 1000.0, 1750.0)]


# -- what was heard

LONG = "Loud and clear, and there is more to come that nobody is going to hear."
HEARD = "Loud and clear, and there is more"


def rates(log: LogOf) -> LogOf:
    """Whole answers, by which it is known how fast they are said: a letter takes as long as a word's own unit."""
    for number in range(3):
        log.answer(20_000 + 4000 * number, f"rate{number}", LONG).played(
            f"rate{number}", 20_000 + 4000 * number, 24_000 + 4000 * number
        )
    return log


def heard_share() -> float:
    from sessiontool.speech.duration_model import units_of, words_of

    return words_of(HEARD)[-1].to_units / units_of(LONG) + 0.001


def test_what_is_cleared_is_cut_off_at_the_last_word_that_was_heard() -> None:
    cut = 1500 + 4000 * heard_share()
    log = rates(LogOf().begin(400).answer(1000, "a", LONG).played("a", 1500, cut, "cleared")).read()
    first = log.utterances[0]
    assert (first.text, first.interrupted, first.heard_text) == (LONG, True, HEARD)
    assert told(log)[0][3] == pytest.approx(cut)
    assert [u.interrupted for u in log.utterances[1:]] == [None] * 3


def test_a_user_who_speaks_into_an_answer_cuts_it_off() -> None:
    """Both are heard at once for a moment; the turns stand in the order in which they begin."""
    cut = 1500 + 4000 * heard_share()
    log = LogOf().begin(400).answer(1000, "a", LONG, status="cancelled").played("a", 1500, cut, "cleared")
    log.heard("b", cut - ZERO - 300 - 350, cut - ZERO + 1700, ZERO, "Wait, stop.", previous="a").truncated(
        cut + 1, "a", cut - 1500
    )
    both = rates(log).pinged(60_000, 0).read().utterances[:2]
    assert [(one.id, one.interrupted, one.heard_text) for one in both] == [("a", True, HEARD), ("b", None, None)]
    assert (both[0].t_end_us or 0) > (both[1].t_start_us or 0)


def test_what_is_truncated_is_cut_off_there() -> None:
    """The server says how much was played; the text that it takes away is the text that it gave before."""
    log = rates(LogOf().begin(400).answer(1000, "a", LONG).played("a", 1500, 3600, "cleared"))
    log.truncated(3601, "a", 4000 * heard_share())
    again = {
        "id": "a",
        "type": "message",
        "role": "assistant",
        "status": "incomplete",
        "content": [{"type": "output_audio"}],
    }
    log.add(3700, "conversation.item.retrieved", item=again)
    first = log.read().utterances[0]
    assert (first.text, first.interrupted, first.heard_text) == (LONG, True, HEARD)


def test_over_a_websocket_what_was_played_of_the_sound_is_known() -> None:
    log = LogOf().begin(400).answer(1000, "a", LONG)
    sound(log, 1000, "a", 6000)
    log.truncated(4000, "a", 6000 * heard_share())
    first = only(log.read())
    assert (first.interrupted, first.heard_text) == (True, HEARD)
    assert told(log.read())[0][3] == pytest.approx(1000 + 6000 * heard_share())


def test_a_request_to_truncate_counts_where_the_answer_is_not_in_the_log() -> None:
    log = LogOf().begin(400).answer(1000, "a", LONG)
    sound(log, 1000, "a", 6000)
    log.add(4000, "conversation.item.truncate", sender="client", item_id="a", content_index=0, audio_end_ms=1500)
    assert only(log.read()).interrupted is True


def test_a_truncation_of_what_was_heard_whole_cuts_nothing_off() -> None:
    """A speech start can truncate an earlier answer that had been heard to its end."""
    log = LogOf().begin(400).answer(1000, "a", LONG).played("a", 1500, 5500).truncated(7000, "a", 3900)
    streamed = LogOf().begin(400).answer(1000, "a", LONG)
    sound(streamed, 1000, "a", 4000)
    streamed.truncated(7000, "a", 3950)
    for one in (log.read(), streamed.read()):
        assert only(one).interrupted is None
        assert only(one).heard_text is None
        assert "truncated-after-end" in codes(one)


def with_tokens(log: LogOf, name: str, tokens: int) -> LogOf:
    """The log, its answer's usage as the server tells it."""
    for line in log.lines:
        response = line["event"].get("response")
        if line["event"]["type"] == "response.done" and response["id"] == f"resp_{name}":
            details = {"text_tokens": 9, "audio_tokens": tokens}
            response["usage"] = {"total_tokens": 253, "output_tokens": tokens + 9, "output_token_details": details}
    return log


@pytest.mark.parametrize(("tokens", "believed"), [(86, True), (10, False), (500, False)])
def test_the_tokens_of_an_answer_tell_how_long_all_of_it_is(tokens: int, believed: bool) -> None:
    """A token of sound is 50 ms; a count that no voice could keep to is not believed."""
    played = 50 * tokens * heard_share()
    log = LogOf().begin(400).answer(1000, "a", LONG).played("a", 1500, 1500 + played, "cleared")
    first = only(with_tokens(log, "a", tokens).read())
    assert (first.heard_text == HEARD) == believed
    assert (first.generated_us == 50_000 * tokens) == believed


def test_tokens_that_do_not_fit_what_was_played_are_not_believed() -> None:
    log = LogOf().begin(400).answer(1000, "a", LONG).played("a", 1500, 3000, "cleared")
    for line in with_tokens(rates(log), "a", 86).lines:
        if "response" in line["event"] and line["event"]["type"] == "response.done":
            line["event"]["response"]["usage"] = {"output_token_details": {"audio_tokens": 86}}
    assert log.read().utterances[0].generated_us is not None
    for number in range(3):
        with_tokens(log, f"rate{number}", 40 + 30 * number)
    assert log.read().utterances[0].generated_us is None


def test_clearing_an_empty_buffer_cuts_nothing_off() -> None:
    log = LogOf().begin(400).answer(1000, "a", LONG).played("a", 1500, 5500)
    log.add(6000, "output_audio_buffer.cleared", response_id="resp_a")
    assert only(log.read()).interrupted is None


def test_an_answer_that_was_stopped_before_its_sound_was_heard_by_nobody() -> None:
    log = LogOf().begin(400).answer(1000, "a", "I was about to", status="cancelled")
    log.answer(3000, "b", "Fine.").played("b", 3300, 3900)
    first = log.read().utterances[0]
    assert (first.text, first.interrupted, first.heard_text) == ("I was about to", True, "")
    assert told(log.read())[0][2:] == (None, None)


# -- order


def test_turns_are_ordered_by_time_and_by_what_they_follow() -> None:
    """Push-to-talk turns have no start: they come behind the item that the server puts them behind."""
    log = LogOf().begin(400, None).answer(1000, "a", "Good morning.").played("a", 1500, 2500)
    for name, previous, t in (("b", "a", 9000), ("c", "tool", 9001)):
        log.add(t, "input_audio_buffer.committed", previous_item_id=previous, item_id=name)
    call = {"id": "tool", "type": "function_call", "name": "look_up", "call_id": "call_1", "arguments": "{}"}
    log.add(9000, "conversation.item.added", previous_item_id="b", item=call)
    log.transcribed(9500, "c", "Third.").transcribed(9600, "b", "Second.")
    log.answer(4000, "d", "Last.", previous="c").played("d", 9900, 10_500)
    assert [text for _, text, *_ in told(log.read())] == ["Good morning.", "Second.", "Third.", "Last."]


def test_items_that_follow_one_another_in_a_circle_are_all_there() -> None:
    log = LogOf().begin(400, None)
    for name, previous in (("a", "b"), ("b", "a"), ("c", "c")):
        log.add(9000, "input_audio_buffer.committed", previous_item_id=previous, item_id=name)
    assert {u.id for u in log.read().utterances} == {"a", "b", "c"}


# -- sessions


def rollover() -> LogOf:
    """A session that reaches its longest duration, and one that takes over and is told what was said."""
    log = LogOf().begin(400, name="sess_1").heard("a", 1000, 3000, ZERO, "Where is my parcel?")
    log.answer(4000, "b", "It is on its way to you, madam.", previous="a").played("b", 4500, 6500)
    error = {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes.", "param": None}
    log.add(7000, "error", error={**error, "event_id": None}).begin(8000, name="sess_2")
    for name, role, text, kind in (
        ("x", "user", "Where is my parcel?", "input_text"),
        ("y", "assistant", "It is on its way to you", "output_text"),
    ):
        item: Event = {"id": name, "type": "message", "role": role, "content": [{"type": kind, "text": text}]}
        log.add(8001, "conversation.item.create", sender="client", item=item).item(8001, name, role, *item["content"])
    log.heard("c", 1000, 3000, 8100, "And when does it come?", previous="y")
    return log


def test_each_session_has_its_own_clock() -> None:
    log = rollover().pinged(20_000, 0).read()
    assert told(log) == [
        ("user", "Where is my parcel?", ZERO + 1300, ZERO + 2800),
        ("assistant", "It is on its way to you, madam.", 4500.0, 6500.0),
        ("user", "And when does it come?", 8100 + 1300, 8100 + 2800),
    ]
    assert [session.clock.offset_ms for session in log.sessions] == [ZERO, 8100.0]
    assert [(s.id, s.ended, len(s.turn_ids)) for s in log.sessions] == [("sess_1", "expired", 2), ("sess_2", "", 1)]
    assert {"realtime-expired", "items-resent"} <= codes(log)


def test_what_a_new_session_is_told_is_not_said_twice() -> None:
    log = rollover().read()
    assert set(log.resent) == {"x", "y"}
    assert log.notes == ()


def test_an_item_that_keeps_its_id_in_the_new_session_is_one_item() -> None:
    log = LogOf().begin(400).heard("a", 1000, 3000, ZERO, "Where is my parcel?").begin(8000, name="sess_2")
    log.item(8050, "a", "user", {"type": "input_text", "text": "Where is my parcel?"})
    assert told(log.pinged(9000, 0).read()) == [("user", "Where is my parcel?", ZERO + 1300, ZERO + 2800)]


def test_events_of_a_session_that_ends_late_are_its_own() -> None:
    """The old session's last boundary is received after the new one has begun, as in a seamless change."""
    log = LogOf().begin(400).heard("a", 1000, 3000, ZERO, "One.").heard("b", 60_000, 62_000, ZERO, "Two.")
    log.begin(62_000, name="sess_2")  # between the start and the end of the second turn
    log.heard("c", 5000, 7000, 62_100, "Three.")
    starts = [(text, start) for _, text, start, _ in told(log.pinged(90_000, 0).read())]
    assert starts == [("One.", ZERO + 1300), ("Two.", ZERO + 60_300), ("Three.", 62_100 + 5300)]


def test_a_channel_that_dies_leaves_its_turn_to_the_sound() -> None:
    log = LogOf().begin(400).heard("a", 1000, 3000, ZERO, "Hello?")
    log.add(ZERO + 9300, "input_audio_buffer.speech_started", audio_start_ms=9000, item_id="b").pinged(9900, 0)
    read_log = log.read()
    assert told(read_log)[-1] == ("user", INAUDIBLE, ZERO + 9300, None)
    assert read_log.sessions[0].ended == "lost"
    (finding,) = (finding for finding in read_log.findings if finding.code == "realtime-lost")
    assert "a turn open: b" in finding.message


def test_an_answer_that_is_never_said_to_have_ended_is_open() -> None:
    log = LogOf().begin(400).answer(1000, "a", "Hello, how can", whole=False).played("a", 1500, None).read()
    assert told(log) == [("assistant", "Hello, how can", 1500.0, None)]
    assert "realtime-lost" in codes(log)


# -- context


def test_what_nobody_spoke_is_noted() -> None:
    log = LogOf().begin(400).update(500, SERVER_VAD).update(9000, SERVER_VAD, instructions="Be brief.\nAlways.")
    log.item(9500, "sys", "system", {"type": "input_text", "text": "The customer is angry."})
    log.item(9600, "typed", "user", {"type": "input_text", "text": "my order is 77419"})
    call = {"id": "call", "type": "function_call", "status": "completed", "name": "look_up", "call_id": "call_1"}
    log.add(9700, "response.output_item.added", response_id="r", output_index=0, item={**call, "arguments": ""})
    fields: Event = {
        "item_id": "call",
        "output_index": 0,
        "call_id": "call_1",
        "name": "look_up",
        "arguments": '{"order": 77419}',
    }
    log.add(9710, "response.function_call_arguments.done", response_id="r", **fields)
    result = {"id": "result", "type": "function_call_output", "call_id": "call_1", "output": '{"state": "sent"}'}
    log.add(9800, "conversation.item.create", sender="client", item=result)
    log.add(9850, "conversation.item.added", previous_item_id="call", item=result)
    notes = log.read().notes
    assert [(note.kind, note.text, note.t_us) for note in notes] == [
        ("instructions", "Be brief.\nAlways.", 9_000_000),
        ("context", "The customer is angry.", 9_500_000),
        ("text", "my order is 77419", 9_600_000),
        ("tool_call", "", 9_700_000),
        ("tool_result", "", 9_800_000),
    ]
    assert notes[3].extra == {"name": "look_up", "call_id": "call_1", "arguments": '{"order": 77419}'}
    assert notes[4].extra == {"call_id": "call_1", "output": '{"state": "sent"}'}
    assert log.read().utterances == ()


def test_an_update_that_is_asked_for_and_confirmed_is_noted_once() -> None:
    log = (
        LogOf()
        .begin(400)
        .add(800, "session.update", sender="client", session={"type": "realtime", "instructions": "Be brief."})
    )
    log.update(900, SERVER_VAD, instructions="Be brief.").begin(5000, name="sess_2").update(
        5100, SERVER_VAD, "sess_2", instructions="Be brief."
    )
    assert [(note.kind, note.t_us) for note in log.read().notes] == [("instructions", 800_000)]


def test_settings_that_were_asked_for_hold_where_the_server_says_nothing() -> None:
    log = LogOf()
    turns = {**SERVER_VAD, "prefix_padding_ms": 50, "silence_duration_ms": 700}
    log.add(
        500,
        "session.update",
        sender="client",
        session={"type": "realtime", "audio": {"input": {"turn_detection": turns}}},
    )
    assert told(log.heard("a", 1000, 3000, ZERO, "Hello.").pinged(9000, 0).read())[0][2:] == (ZERO + 1050, ZERO + 2300)


# -- Live


def fragment(log: LogOf, side: str, text: str, start: float, end: float, zero: float = 1000) -> None:
    log.add(zero + end + 300, f"session.{side}_transcript.delta", delta=text, start_ms=start, end_ms=end)


def test_live_fragments_become_turns() -> None:
    log = LogOf().add(
        1000, "session.started", session={"id": "live_1", "expires_at": 1756324625, "model": "gpt-live-1"}
    )
    for text, start, end in (("Where ", 500, 700), ("is my", 700, 1000), (" parcel?", 1000, 1500)):
        fragment(log, "input", text, start, end)
    for text, start, end in (
        ("On its", 2000, 2500),
        (" way.", 2500, 3000),
        (" It comes", 3350, 3800),
        (" today.", 3800, 4200),
    ):
        fragment(log, "output", text, start, end)
    fragment(log, "input", "mhm", 3000, 3200)  # said while the other goes on
    fragment(log, "input", "The page says so.", 4000, 4000)  # appended: nobody said it
    fragment(log, "output", "Anything else?", 5300, 5900)
    assert told(log.read()) == [
        ("user", "Where is my parcel?", 1500.0, 2500.0),
        ("assistant", "On its way.", 3000.0, 4000.0),
        ("user", "mhm", 4000.0, 4200.0),
        ("assistant", "It comes today.", 4350.0, 5200.0),
        ("assistant", "Anything else?", 6300.0, 6900.0),
    ]
    assert [(note.kind, note.text) for note in log.read().notes] == [("context", "The page says so.")]


def test_a_live_session_says_how_it_ended() -> None:
    log = LogOf().add(1000, "session.started", session={"id": "live_1", "expires_at": 1})
    log.add(9000, "session.closed", reason="connection_lost", session={"id": "live_1"}, usage={})
    assert log.read().sessions[0].ended == "connection_lost"


def test_a_live_session_is_told_things() -> None:
    log = LogOf().add(1000, "session.started", session={"id": "live_1", "expires_at": 1})
    log.add(2000, "session.instructions.append", sender="client", content="Be brief.", delegation_id=None)
    log.add(
        3000,
        "session.delegation.created",
        delegation={"id": "del_1", "target": "client", "type": "delegation"},
        offset_ms=1900,
    )
    notes = log.read().notes
    assert [(n.kind, n.text, n.t_us, n.extra) for n in notes] == [
        ("instructions", "Be brief.", 2_000_000, {}),
        ("delegation", "", 3_000_000, {"call_id": "del_1", "name": "client"}),
    ]


def test_a_translation_tells_only_where_its_pieces_end() -> None:
    log = LogOf().begin(1000)
    for number, text in enumerate(("Where", " is", " it?")):
        log.add(2000, "session.input_transcript.delta", delta=text, elapsed_ms=1200 + 200 * number)
    (utterance,) = log.read().utterances
    assert utterance.text == "Where is it?"
    assert (utterance.t_end_us or 0) - (utterance.t_start_us or 0) == 600_000


# -- one conversation, however it is written and whenever it arrives

SAID = [
    Said("u0", "assistant", "Good morning, how can I help you today?", 1500, 4200),
    Said("u1", "user", "Where is my parcel?", 4900, 6300),
    Said("u2", "assistant", "It left our warehouse yesterday evening.", 7100, 9800),
    Said("u3", "user", "And when does it come?", 10_600, 12_000),
    Said("u4", "assistant", "That should be tomorrow.", 12_900, 14_600),
    Said("u5", "user", "Thank you.", 15_700, 16_500),
]


@pytest.mark.parametrize("rollovers", [(), (10_200.0,)])
def test_twins_of_a_conversation_give_the_same_utterances(rollovers: tuple[float, ...]) -> None:
    logs = {kind: read(event_log(SAID, LogPlan(kind, rollovers_ms=rollovers))) for kind in ("ga", "beta", "live")}
    assert logs["ga"].utterances == logs["beta"].utterances
    assert logs["ga"].notes == logs["beta"].notes
    assert len(logs["live"].utterances) == len(SAID)
    for ga, live, said in zip(logs["ga"].utterances, logs["live"].utterances, SAID, strict=True):
        assert (ga.role, ga.text) == (live.role, live.text) == (said.role, said.text)
        assert ga.t_start_us == pytest.approx(said.start_ms * 1000, abs=30_000)
        assert ga.t_end_us == pytest.approx(said.end_ms * 1000, abs=30_000)
        # A Live session's zero is known to a round trip.
        assert live.t_start_us == pytest.approx(said.start_ms * 1000, abs=60_000)
        assert live.t_end_us == pytest.approx(said.end_ms * 1000, abs=60_000)


CUT = [replace(SAID[0], unheard="I have all the time in the world for you."), *SAID[1:]]
LINES = event_log(CUT, LogPlan(rollovers_ms=(10_200.0,))).splitlines(keepends=True)


@given(st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=60)
def test_lines_in_any_order_give_the_same(rng: Any) -> None:
    """Receive times say in which order they came."""
    lines = LINES[:]
    rng.shuffle(lines)
    assert read("".join(lines)) == read("".join(LINES))


ASYNCHRONOUS = (
    "conversation.item.input_audio_transcription",
    "response.output_audio_transcript",
    "response.content_part",
    "response.output_item.done",
)


@given(st.lists(st.floats(0, 8000), min_size=12, max_size=12))
@settings(deadline=None, max_examples=60)
def test_texts_that_come_whenever_they_like_give_the_same(delays: list[float]) -> None:
    """Every item's texts are received later by a time of its own, in their order: before, between and after others."""
    late: dict[str, float] = {}
    moved = []
    for line in map(json.loads, LINES):
        event = line["event"]
        if event["type"].startswith(ASYNCHRONOUS):
            name = event.get("item_id") or event["item"]["id"]
            line["t_ms"] += late.setdefault(name, delays[len(late) % len(delays)])
        moved.append(line)
    moved.sort(key=lambda line: line["t_ms"])
    arrived = read("".join(json.dumps(line) + "\n" for line in moved))
    assert arrived.utterances == read("".join(LINES)).utterances


def test_a_beta_log_has_none_of_the_new_names() -> None:
    text = event_log(CUT, LogPlan("beta", rollovers_ms=(10_200.0,)))
    assert "output_audio" not in text.replace("output_audio_", "")
    for name in ("conversation.item.added", "conversation.item.done", "output_modalities", '"turn_detection": null'):
        assert name not in text
    assert list(as_beta({"type": "conversation.item.done"})) == []


# -- answers that the server did not finish


@pytest.mark.parametrize(
    ("status", "details", "reason"),
    [
        ("incomplete", {"type": "incomplete", "reason": "max_output_tokens"}, "max_output_tokens"),
        ("incomplete", {"type": "incomplete", "reason": "content_filter"}, "content_filter"),
        (
            "failed",
            {"type": "failed", "error": {"type": "insufficient_quota", "message": "No more."}},
            "insufficient_quota",
        ),
        ("failed", {"type": "failed", "error": {"type": "server_error", "code": "overloaded"}}, "overloaded"),
        ("failed", None, "failed"),
    ],
)
def test_an_answer_that_the_server_gave_up_is_named_and_marked(
    status: str, details: dict[str, Any] | None, reason: str
) -> None:
    log = LogOf().begin(0).answer(500, "a", "As I was saying", status=status).answer(3000, "b", "All of it.")
    for line in log.lines:
        if line["event"]["type"] == "response.done" and line["event"]["response"]["id"] == "resp_a":
            line["event"]["response"]["status_details"] = details
    made = log.read()
    assert [utterance.extra for utterance in made.utterances] == [{"unfinished": reason}, {}]
    (finding,) = (finding for finding in made.findings if finding.code == "responses-failed")
    assert reason in finding.message


def test_an_answer_that_was_interrupted_is_no_failure() -> None:
    log = LogOf().begin(0).answer(500, "a", "As I was saying", status="cancelled").read()
    assert "responses-failed" not in codes(log)


# -- without times of the server


def test_a_translation_without_times_is_placed_by_when_its_words_came() -> None:
    log = LogOf().add(400, "session.created", session={"id": "sess_1", "type": "translation"})
    for t, word in ((2000, "Of"), (2300, " course."), (9000, "Yes.")):
        log.add(t, "session.output_transcript.delta", delta=word)
    assert told(log.read()) == [
        ("assistant", "Of course.", 1800.0, 2300.0),
        ("assistant", "Yes.", 8800.0, 9000.0),
    ]


def test_what_was_said_before_the_clocks_zero_keeps_its_length() -> None:
    log = LogOf().begin(-30_000).heard("a", 500, 3000, -30_000, "Hello there.")
    log.pinged(-20_000, 0)
    assert told(log.read()) == [("user", "Hello there.", -29_200.0, -27_200.0)]
