"""The reader of event logs: every shape in which a page may write them, and nothing in them that can stop it."""

from __future__ import annotations

import json
import time
import tracemalloc
from base64 import b64encode
from functools import partial
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from realtime_logs import LogOf, codes, read, told

from sessiontool.documents.lenient import MAX_NAMED
from sessiontool.documents.log_clock import SessionTimes
from sessiontool.documents.log_options import log_options
from sessiontool.events import read_events
from sessiontool.realtime.lines import MAX_LINE_BYTES

SAID = [("user", "Hello there.", 1300.0, 1800.0)]


def conversation() -> LogOf:
    return LogOf().begin(400).heard("item_1", 500, 1500, 500, "Hello there.").pinged(3000, 0)


def lines(log: LogOf, change: Any) -> str:
    """The log, each line changed to what another page would have written."""
    return "".join(json.dumps(change(line)) + "\n" for line in log.lines)


# -- shapes


def bare(name: str, scale: float = 1.0, zero: float = 0.0) -> Any:
    return lambda line: {**line["event"], name: line["t_ms"] * scale + zero}


EPOCH_MS = 1_767_607_200_000.0


@pytest.mark.parametrize(
    "change",
    [
        lambda line: line,
        lambda line: {"t_ms": line["t_ms"], "event": json.dumps(line["event"])},
        lambda line: [line],
        bare("t_ms"),
        bare("timestamp"),
        bare("received_at"),
        bare("received_at", 0.001),
        bare("timestamp", 1, EPOCH_MS),
        bare("timestamp", 0.001, EPOCH_MS / 1000),
        bare("t_ms", 1, EPOCH_MS),
        bare("timestamp", 1000, EPOCH_MS * 1000),
        lambda line: {**line["event"], "timestamp": f"2026-01-05T10:00:{line['t_ms'] / 1000:09.6f}Z"},
        lambda line: {**line["event"], "received_at": f"2026-01-05T11:00:{line['t_ms'] / 1000:09.6f}+01:00"},
        lambda line: {"event": {**line["event"], "timestamp": str(line["t_ms"])}},
    ],
)
def test_lines_and_receive_times_of_any_kind_are_the_same(change: Any) -> None:
    log = read(lines(conversation(), change), "2026-01-05T10:00:00.000Z")
    assert [(r, t, round(a or 0, 1), round(b or 0, 1)) for r, t, a, b in told(log)] == SAID
    assert not [finding for finding in log.findings if finding.severity != "info"]


@pytest.mark.parametrize("indent", [None, 1])
def test_an_array_does_as_well_as_lines(indent: int | None) -> None:
    log = read(json.dumps(conversation().lines, indent=indent))
    assert told(log) == SAID
    assert codes(log) == set()
    two = conversation().lines
    assert told(read(f"[{json.dumps(two[0])}]\n" + json.dumps(two[1:]))) == SAID


def test_an_array_may_be_one_line_of_any_length() -> None:
    padding = {"type": "conversation.item.retrieved", "item": {"audio": "A" * MAX_LINE_BYTES}}
    log = read(json.dumps([*conversation().lines[:3], padding, *conversation().lines[3:]]))
    assert told(log) == SAID
    assert codes(log) == set()


def test_times_since_1970_need_the_start_of_the_session() -> None:
    text = lines(conversation(), bare("timestamp", 1, EPOCH_MS))
    for started_at in (None, "no time", "2020-01-01T00:00:00Z"):
        log = read(text, started_at)
        assert "events-clock" in codes(log)
        assert told(log)[0][2] == 1300.0 - 400.0  # the first event is taken for the start


def test_without_receive_times_the_order_and_the_servers_clock_are_left() -> None:
    log = read(lines(conversation(), lambda line: line["event"]))
    assert [(role, text, start, end) for role, text, start, end in told(log)] == [
        ("user", "Hello there.", 800.0, 1300.0)
    ]
    assert "events-clock" in codes(log)


def test_without_receive_times_a_greeting_comes_before_the_question_that_has_a_time() -> None:
    """It follows nothing, and its time is not known: its place in the log is."""
    log = LogOf().begin(400).answer(1000, "a", "Good morning.").heard("b", 1800, 3000, 500.0, "Hello there.")
    log.answer(4000, "c", "What can I do?", previous="b").heard("d", 6000, 7000, 500.0, "Nothing.", previous="c")
    read_log = read(lines(log, lambda line: line["event"]))
    assert [text for _, text, *_ in told(read_log)] == ["Good morning.", "Hello there.", "What can I do?", "Nothing."]


def test_byte_order_marks_and_empty_lines_mean_nothing() -> None:
    text = "\ufeff" + conversation().text().replace("\n", "\r\n\r\n")
    assert told(read(text)) == SAID


# -- what is wrong


GOOD = conversation().text()


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "is not valid JSON"),
        ("12", "is a number, not an event"),
        ("null", "is null, not an event"),
        ('"session.created"', "is a string, not an event"),
        ("{}", "holds no event with a type"),
        ('{"event": 5}', "holds no event with a type"),
        ('{"event": "{"}', "holds no event with a type"),
        ('{"event": {"type": 5}}', "holds no event with a type"),
        ("[" * 100_000, "is not valid JSON (nested too deeply)"),
        ('{"type": ' + "9" * 5000 + "}", "is not valid JSON"),
        ('{"t_ms": "soon", "event": {"type": "response.done"}}', "t_ms: is no time"),
        ('{"t_ms": NaN, "event": {"type": "response.done"}}', "t_ms: is no time"),
        ('{"t_ms": true, "event": {"type": "response.done"}}', "t_ms: is no time"),
        ('{"type": "input_audio_buffer.speech_started", "audio_start_ms": "x", "item_id": "i"}', "audio_start_ms: "),
        ('{"type": "input_audio_buffer.speech_started", "audio_start_ms": 1e99, "item_id": "i"}', "audio_start_ms: "),
        ('{"type": "conversation.item.added", "item": []}', "item: "),
        ('{"type": "conversation.item.added", "item": {"content": [5]}}', "item.content.0: "),
        ('{"type": "session.updated", "session": 7}', "session: "),
        ('{"type": "response.audio_transcript.delta", "item_id": "i", "delta": 5}', "delta: is a number"),
        ('{"type": "response.audio_transcript.delta", "delta": "x"}', "tells neither an item nor a time"),
        ('{"type": "response.audio.delta", "item_id": "i", "delta": "@@@"}', "delta: is no base64"),
        ('{"type": "response.audio.delta", "item_id": "i", "delta": 7}', "delta: is no base64"),
        ('{"type": "response.audio.delta", "item_id": "i", "delta": "a"}', "delta: is no base64"),
        ('{"type": "input_audio_buffer.append", "audio": "a"}', "audio: is no base64"),
    ],
)
def test_what_is_no_event_is_told_by_its_line_and_costs_nothing_else(line: str, problem: str) -> None:
    log = read(f"{line}\n{GOOD}")
    assert told(log) == SAID
    (finding,) = (finding for finding in log.findings if finding.code == "events-invalid")
    assert finding.message.startswith("events.jsonl: line 1")
    assert problem in finding.message
    assert finding.severity == "warning"
    assert finding.hint
    assert log.bad_lines == 1


def test_problems_are_told_up_to_twenty() -> None:
    log = read("{\n" * 500 + '{"type": "rate_limits.updated"}\n' * 500 + GOOD)
    messages = [finding.message for finding in log.findings if finding.code == "events-invalid"]
    assert len(messages) == MAX_NAMED + 1
    assert messages[-1] == "events.jsonl: 480 more problems of this kind"


@pytest.mark.parametrize("cut", [1, 40, 90])
def test_a_last_line_that_is_torn_is_told(cut: int) -> None:
    log = read(GOOD[:-cut])
    assert ("events-torn" in codes(log)) == (cut > 1)
    assert told(log) == SAID
    whole = json.dumps(conversation().lines)
    log = read(whole[:-cut])
    assert "events-torn" in codes(log)
    assert told(log) == SAID


def test_an_array_with_something_else_in_it_ends_there() -> None:
    whole = json.dumps(conversation().lines, indent=1)
    log = read(whole.replace('"t_ms": 3000', "t_ms: 3000", 1))
    assert told(log) == SAID
    assert "what follows was not read" in " ".join(finding.message for finding in log.findings)


def test_events_of_unknown_types_are_counted() -> None:
    more = '{"type": "response.hologram.delta"}\n' * 3 + '{"type": "a\\u0007b"}\n'
    log = read(more + GOOD)
    assert log.unknown == {"response.hologram.delta": 3, "a\ufffdb": 1}
    assert told(log) == SAID
    (finding,) = (finding for finding in log.findings if finding.code == "events-unknown")
    assert "4 event(s) of unknown type" in finding.message


def test_half_a_surrogate_pair_is_a_question_mark_and_named() -> None:
    log = read(GOOD.replace("Hello there.", "Hello \\ud83d."))
    assert told(log)[0][1] == "Hello ?."
    assert "by half" in next(one.message for one in log.findings if one.code == "text-encoding")


@pytest.mark.parametrize(
    ("pieces", "said", "halves"),
    [
        (["I am \ud83d", "\ude00 glad."], "I am \U0001f600 glad.", 0),
        (["I am \ud83d", " glad \ude00."], "I am ? glad ?.", 2),
        (["\ude00I am \ud83d"], "?I am ?", 2),
    ],
)
def test_a_character_that_is_cut_between_two_pieces_is_whole(pieces: list[str], said: str, halves: int) -> None:
    kind = "response.output_audio_transcript.delta"
    events = [{"type": kind, "item_id": "a", "response_id": "r", "delta": piece} for piece in pieces]
    log = read("".join(json.dumps({"t_ms": n, "event": event}) + "\n" for n, event in enumerate(events)))
    assert told(log)[0][1] == said
    named = [one.message for one in log.findings if one.code == "text-encoding"]
    assert named == (
        []
        if not halves
        else [
            f"events.jsonl: {halves} character(s) are there by half (a surrogate without its pair); each stands as '?'"
        ]
    )


@pytest.mark.parametrize(
    ("said", "encoding"),
    [
        ("Caf\u00e9 cr\u00e8me, s'il vous pla\u00eet.", "cp1252"),
        ("\u304a\u306f\u3088\u3046\u3054\u3056\u3044\u307e\u3059\u3002", "cp932"),
    ]
    + [("Gr\u00fc\u00dfe", encoding) for encoding in ("utf-16", "utf-16-le", "utf-8-sig", "utf-32")],
)
def test_text_of_another_encoding_is_read_in_it_and_said(said: str, encoding: str) -> None:
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in conversation().lines)
    for whole in (text, json.dumps(conversation().lines, ensure_ascii=False, indent=1)):
        log = read(whole.replace("Hello there.", said).encode(encoding))
        assert told(log)[0][1] == said
        assert codes(log) == (set() if encoding.startswith("utf") else {"text-encoding"})


def test_bytes_that_are_no_text_cost_only_themselves() -> None:
    log = read(GOOD.encode().replace(b"Hello", b"Hell\x81\x8d\x8f"))
    assert told(log)[0][1] == "Hell??? there."
    (finding,) = log.findings
    assert (finding.code, finding.severity) == ("text-encoding", "warning")
    assert "3 byte(s)" in finding.message


# -- wrappers


def _nested(name: str, line: dict[str, Any]) -> dict[str, Any]:
    return {"ts": line["t_ms"], "direction": "recv", "type": "realtime", name: line["event"]}


def _clock(line: dict[str, Any], hour: int = 10) -> str:
    return f"2026-01-05T{hour:02}:00:{line['t_ms'] / 1000:09.6f}"


def _parted(event: dict[str, Any], kind: str, fields: str) -> dict[str, Any]:
    """An event as `emit(type, fields)` is logged."""
    return {kind: event["type"], fields: {name: value for name, value in event.items() if name != "type"}}


def _har(log: LogOf) -> str:
    messages = [
        {"type": "receive", "time": (EPOCH_MS + line["t_ms"]) / 1000, "opcode": 1, "data": json.dumps(line["event"])}
        for line in log.lines
    ]
    return json.dumps({"log": {"version": "1.2", "entries": [{"request": {}, "_webSocketMessages": messages}]}})


@pytest.mark.parametrize(
    "text",
    [
        *(lines(conversation(), partial(_nested, name)) for name in ("data", "payload", "raw_model_event", "x")),
        lines(conversation(), lambda line: {"ts": line["t_ms"], "message": json.dumps(line["event"])}),
        lines(conversation(), lambda line: [line["t_ms"], line["event"]]),
        lines(conversation(), lambda line: [_clock(line) + "Z", line["event"]]),
        json.dumps([[line["t_ms"], line["event"]] for line in conversation().lines]),
        json.dumps({"session_id": "s", "events": conversation().lines}),
        json.dumps({"session_id": "s", "events": conversation().lines}, indent=2),
        "".join(json.dumps(line, indent=2) + "\n" for line in conversation().lines),
        "".join(f"event: message\ndata: {json.dumps(line)}\n\n" for line in conversation().lines),
        "".join(
            f"2026-01-05T10:00:{line['t_ms'] / 1000:09.6f}Z INFO ws: {json.dumps(line['event'])}\n"
            for line in conversation().lines
        ),
        "".join(json.dumps(line) + "\n" for line in reversed(conversation().lines)),
        _har(conversation()),
        lines(conversation(), lambda line: {"t_ms": line["t_ms"], **_parted(line["event"], "type", "payload")}),
        lines(conversation(), lambda line: {"t_ms": line["t_ms"], **_parted(line["event"], "name", "data")}),
        lines(conversation(), lambda line: list(_parted({**line["event"], "t_ms": line["t_ms"]}, "a", "b").values())),
        json.dumps({f"-Nab{number:03}": line for number, line in enumerate(conversation().lines)}),
        json.dumps(
            {f"{line['t_ms'] + EPOCH_MS + n / 100:.2f}": line["event"] for n, line in enumerate(conversation().lines)}
        ),
        json.dumps(
            {who: [line for line in conversation().lines if line["from"] == who] for who in ("client", "server")}
        ),
        "".join(f"{line!r}\n" for line in conversation().lines),
        repr(conversation().lines),
        "".join(f"DEBUG [main] event: {line!r}\n" for line in conversation().lines),
        lines(conversation(), lambda line: {"log": f"INFO event {json.dumps(line)}\n", "stream": "stdout"}),
        json.dumps([{"Data": b64encode(json.dumps(line).encode()).decode()} for line in conversation().lines]),
        "id,payload\n"
        + "".join('7,"{}"\n'.format(json.dumps(line).replace('"', '""')) for line in conversation().lines),
        lines(conversation(), lambda line: [line["event"]["type"], line["event"], line["t_ms"] + EPOCH_MS]),
    ],
)
def test_what_an_event_is_wrapped_in_is_known_by_its_own_fields(text: str) -> None:
    log = read(text, "2026-01-05T10:00:00.000Z")
    assert [(r, t, round(a or 0, 1), round(b or 0, 1)) for r, t, a, b in told(log)] == SAID
    assert not [finding for finding in log.findings if finding.severity != "info"]


def test_an_event_is_counted_once_by_its_id() -> None:
    """As where a page listens twice: the second of a pair comes a little later."""
    log = LogOf().begin(0).answer(500, "a", "one two three", whole=False)
    twice = [line for line in log.lines for line in (line, {**line, "t_ms": line["t_ms"] + 2})]
    assert told(read("".join(json.dumps(line) + "\n" for line in twice)))[0][1] == "one two three"
    for line in twice:
        line["event"].pop("event_id", None)
    assert told(read("".join(json.dumps(line) + "\n" for line in twice)))[0][1] != "one two three"


@pytest.mark.parametrize("text", ["response.created: ok\n" * 300, "a,b,c\n" * 300])
def test_lines_of_which_none_can_be_read_are_one_finding(text: str) -> None:
    log = read(text)
    assert [finding.code for finding in log.findings] == ["log-not-read"]
    assert "nothing could be read" in log.findings[0].message


def test_a_file_that_is_no_log_of_events_is_one_finding() -> None:
    log = read("".join(json.dumps({"who": "Anna", "said": f"Number {n}."}) + "\n" for n in range(30)))
    assert [(finding.code, finding.severity) for finding in log.findings] == [("log-not-read", "warning")]
    assert "who, said" in log.findings[0].message


def test_local_times_are_those_of_the_zone_in_which_the_log_fits() -> None:
    text = lines(
        conversation(), lambda line: {**line["event"], "timestamp": f"2026-01-05T05:00:{line['t_ms'] / 1000:09.6f}"}
    )
    log = read(text, "2026-01-05T10:00:00.000Z", (0.0, 5000.0))
    assert [(r, t, round(a or 0, 1), round(b or 0, 1)) for r, t, a, b in told(log)] == SAID
    (finding,) = log.findings
    assert (finding.code, finding.severity) == ("events-clock", "info")
    named = read_events(
        BytesIO(text.encode()), "x", SessionTimes("2026-01-05T10:00:00.000Z"), log_options({"zone": "-05:00"})
    )
    assert not named.findings
    assert told(named) == told(log)


def test_a_value_that_all_events_have_is_no_time() -> None:
    log = read(lines(conversation(), lambda line: {**line, "t_ms": 7}))
    assert told(log) == [("user", "Hello there.", 800.0, 1300.0)]
    assert "events-clock" in codes(log)


def test_a_line_of_50_mb_is_not_held() -> None:
    """Its events are read, one by one is left out, and the memory stays a few times the longest line."""
    sound = b64encode(bytes(MAX_LINE_BYTES // 2)).decode()
    long = json.dumps({"type": "conversation.item.retrieved", "item": {"audio": "A" * 50_000_000}})
    text = (
        GOOD + long + "\n" + json.dumps({"type": "response.audio.delta", "item_id": "a", "delta": sound}) + "\n"
    ).encode()
    tracemalloc.start()
    try:
        log = read(text)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert told(log)[0] == SAID[0]
    assert [f.message for f in log.findings if f.code == "events-invalid"] == [
        f"events.jsonl: line {GOOD.count(chr(10)) + 1}: is longer than {MAX_LINE_BYTES:,} bytes, which no event is"
    ]
    assert peak < 6 * MAX_LINE_BYTES


def test_many_events_take_no_more_than_they_should() -> None:
    """Time is a matter of the machine (`benchmarks/events.py`); that it grows with the log and no faster, is not."""

    def seconds(count: int) -> float:
        log = LogOf().begin(0)
        for number in range(count):
            log.heard(f"item_{number}", 4000 * number + 500, 4000 * number + 3000, 500, "Hello there.")
            log.answer(4000 * number + 3500, f"answer_{number}", "And hello to you.").played(
                f"answer_{number}", 4000 * number + 3500, 4000 * number + 4400
            )
        text = log.text()
        begun = time.process_time()
        assert len(read(text).utterances) == 2 * count
        return time.process_time() - begun

    seconds(20)
    assert seconds(1600) < 30 * seconds(100) + 0.5


# -- anything

kinds = st.sampled_from(
    [
        "session.created",
        "session.updated",
        "session.started",
        "error",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "input_audio_buffer.append",
        "conversation.item.created",
        "conversation.item.truncated",
        "conversation.item.input_audio_transcription.completed",
        "response.done",
        "response.output_item.added",
        "response.audio.delta",
        "response.audio_transcript.delta",
        "output_audio_buffer.started",
        "output_audio_buffer.cleared",
        "session.input_transcript.delta",
        "session.instructions.append",
    ]
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["a", "b", "user", "assistant", "UklGRg=="]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["id", "type", "role", "content", "audio", "transcript", "text"]), inner, max_size=4
        )
    ),
    max_leaves=10,
)
fields = st.dictionaries(
    st.sampled_from(
        [
            "item_id",
            "response_id",
            "previous_item_id",
            "audio_start_ms",
            "audio_end_ms",
            "delta",
            "transcript",
            "item",
            "part",
            "response",
            "session",
            "error",
            "start_ms",
            "end_ms",
            "content",
            "content_index",
            "audio",
            "t_ms",
            "timestamp",
        ]
    ),
    json_values,
    max_size=6,
)


@given(st.lists(st.tuples(kinds, fields), max_size=8), st.booleans())
@settings(deadline=None, max_examples=200)
def test_any_events_are_read(events: list[tuple[str, dict[str, Any]]], as_array: bool) -> None:
    values = [{"type": kind, **more} for kind, more in events]
    log = read(json.dumps(values) if as_array else "".join(json.dumps(value) + "\n" for value in values))
    for utterance in log.utterances:
        assert utterance.role in {"user", "assistant"}
        assert {type(utterance.t_start_us), type(utterance.t_end_us)} <= {int, type(None)}
    json.dumps([(note.text, note.extra) for note in log.notes], allow_nan=False)


@given(st.binary(max_size=100))
def test_any_bytes_are_read(data: bytes) -> None:
    read(data)
    read(b"[" + data)


def _many(count: int, *events: Any) -> bytes:
    """`count` times the same events, each time with another name in place of `#`."""
    texts = [json.dumps({"t_ms": "@", "event": event}) for event in events]
    lines = (text.replace('"@"', str(n)).replace("#", str(n)) for n in range(count) for text in texts)
    return "".join(f"{line}\n" for line in lines).encode()


START = {"type": "input_audio_buffer.speech_started", "audio_start_ms": 5, "item_id": "i#"}
PIECE = {"type": "session.input_transcript.delta", "delta": "x", "start_ms": 5, "end_ms": 9}
ITEM = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "the same text again"}]}


@pytest.mark.parametrize(
    "events",
    [
        [{"type": "session.created", "session": {"id": "s#"}}, START],
        [{"type": "session.updated", "session": {"turn_detection": {"type": "server_vad"}}}, START],
        [START, {"type": "input_audio_buffer.cleared"}],
        [{"type": "session.started", "session": {"id": "s#"}}, PIECE],
        [{"type": "response.output_item.added", "response_id": "r", "item": {"id": "i#", **ITEM}}],
        [{"type": "input_audio_buffer.committed", "item_id": "i#", "previous_item_id": "i0"}],
        [
            {"type": "session.created", "session": {"id": "s#"}},
            {
                "type": "conversation.item.input_audio_transcription.completed",
                "item_id": "i#",
                "transcript": "the same text again",
            },
            {"type": "conversation.item.added", "item": {"id": "x#", **ITEM}},
        ],
    ],
)
def test_a_log_of_many_of_anything_takes_time_by_its_length(events: list[dict[str, Any]]) -> None:
    """Four times as many take four times as long, not sixteen."""

    def seconds(count: int) -> float:
        text = _many(count, *events)
        begun = time.process_time()
        log = read(text)
        assert len(log.findings) < 60
        return time.process_time() - begun

    seconds(100)
    # What else this machine does at one time is no fault of the reader.
    assert any(seconds(4000) < 8 * seconds(1000) + 0.2 for _ in range(3))
