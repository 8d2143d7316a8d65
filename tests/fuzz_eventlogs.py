"""What must hold of event logs, whatever the bytes: they are read, joined, written down and captioned."""

from __future__ import annotations

import io
import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from fuzz_bounds import REPEATED_BYTES, Controls, bounded, measures_memory
from fuzz_joins import check_json

from sessiontool import captions, timeline
from sessiontool.documents.log_clock import SessionTimes
from sessiontool.documents.utterances import read_utterances
from sessiontool.events import join, read_events
from sessiontool.model import Placement
from sessiontool.sessions import report
from sessiontool.sessions.event_log import utterances_jsonl
from sessiontool.sessions.realtime_report import realtime_json
from sessiontool.sessions.transcript import transcript_json
from sessiontool.simulate.eventlog import event_log
from sessiontool.simulate.log_plan import LogPlan, Said
from sessiontool.speech.truncation import with_heard_text

if TYPE_CHECKING:
    from sessiontool.events import EventLog

SAID = [
    Said("u0", "assistant", "Good morning, how can I help?", 900, 2500, "Just tell me."),
    Said("u1", "user", "Where is it?", 3100, 4200),
    Said("u2", "assistant", "On its way.", 4800, 5900),
    Said("u3", "user", "And when?", 6800, 7700),
]
LOGS = tuple(event_log(SAID, LogPlan(kind, rollovers_ms=(6500,))) for kind in ("ga", "beta", "live"))
_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1e13,
    1e308,
    float("nan"),
    "",
    "x" * 2000,
    "\ud800",
    [],
    {},
    [[]],
    {"id": []},
    "@",
)


def event_logs(data: bytes) -> None:
    """A log of any bytes, or one of a conversation with lines lost, doubled, moved and hurt."""
    controls = Controls(data)
    kind = controls.byte()
    log = controls.rest if kind < 128 else _hurt(LOGS[kind % len(LOGS)], controls, as_array=bool(kind & 8))
    if kind == 0xFF and log:
        log *= max(1, REPEATED_BYTES // len(log))
    with bounded(3 * len(log), measure_memory=measures_memory(data)):
        _check(read_events(io.BytesIO(log), "events.jsonl", SessionTimes("2026-01-05T09:00:00Z" if kind & 1 else None)))


def _hurt(log: str, controls: Controls, *, as_array: bool) -> bytes:
    lines = [json.loads(line) for line in log.splitlines()]
    for _ in range(controls.byte() % 12):
        place = controls.below(len(lines) - 1)
        what = controls.byte()
        if what < 40 and len(lines) > 2:
            del lines[place]
        elif what < 80:
            lines.insert(controls.below(len(lines)), deepcopy(lines[place]))
        elif what < 110:
            lines.insert(controls.below(len(lines)), lines.pop(place))
        else:
            _spoil(lines[place], controls)
    text = json.dumps(lines) if as_array else "".join(json.dumps(line) + "\n" for line in lines)
    cut = controls.below(len(text))
    return text.encode()[: len(text) if cut & 3 else cut]


def _spoil(value: Any, controls: Controls) -> None:
    while isinstance(value, (dict, list)) and value:
        keys = sorted(value) if isinstance(value, dict) else range(len(value))
        key = keys[controls.byte() % len(keys)]
        if not isinstance(value[key], (dict, list)) or not value[key] or controls.byte() % 4 == 0:
            value[key] = deepcopy(_ODD[controls.byte() % len(_ODD)])
            return
        value = value[key]


def _check(log: EventLog) -> None:
    for utterance in log.utterances:
        assert {type(utterance.t_start_us), type(utterance.t_end_us)} <= {int, type(None)}
        assert utterance.id
        assert utterance.role in {"user", "assistant"}
        assert utterance.text
        assert utterance.heard_text is None or utterance.text.startswith(utterance.heard_text)
    again, problems = read_utterances(utterances_jsonl(log).encode(), "utterances.jsonl")
    assert [(one.id, one.role, one.text) for one in again] == [(one.id, one.role, one.text) for one in log.utterances]
    assert all("was used before" in problem.message or "session clock" in problem.message for problem in problems)
    joined = join(again, log.utterances)
    assert len(joined.utterances) == len(log.utterances)
    placed = with_heard_text([Placement(one, 0, 48_000, "clipped", 0.9) for one in joined.utterances])
    spans = timeline.Timeline([])
    speakers = {"user": "Dana", "assistant": "Morgan"}
    transcript = transcript_json("test", spans, placed, speakers, log.notes)
    check_json(transcript)
    check_json({"realtime": realtime_json(log, spans, placed)})
    check_json({"findings": [report.finding_json(finding) for finding in (*log.findings, *joined.findings)]})
    made = captions.caption({**transcript, "duration_s": 9}, captions.CaptionOptions(formats=("vtt",)))
    for name, text in made.files.items():
        assert captions.cue_times(text, name) is not None
