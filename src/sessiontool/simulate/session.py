"""A whole simulated session: its parts are recorded and damaged.

Recording takes nearly all of the time; damaging leaves the recording as it is, so one recording serves for any
number of faults.
"""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace

from ..errors import UsageError
from ..model import SAMPLES_PER_MS
from . import truth
from .faults import FaultPlace, Part, Upload, parse_fault, uploads_of
from .log_plan import KINDS, LogPlan, Said
from .recorders import RunPlan, SimulatedStretch, record

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from .log_plan import Kind
    from .recorders import RecorderName, SimulatedRun
    from .sound import SimulatedSpeech, Sound, SoundKind

TRUTH_SCHEMA = "sessiontool.truth/1"
FIRST_START_MS = 700  # chosen: from `started_at` to the first recorder's start
_LOADING_MS = 400  # chosen: from a page's loading to its recorder's start
_UNHEARD = (
    "And there is one more thing that I should tell you before you decide.",
    "If that does not suit you, we can also send it to a shop nearby.",
    "You will get a message as soon as it is on its way.",
)


class ClockError(Struct, frozen=True):
    """How far the utterance log is off: `offset_ms` at once, `drift_ppm` more and more, `jitter_ms` (sd) by chance."""

    offset_ms: float = 0
    drift_ppm: float = 0
    jitter_ms: float = 0

    def logged_s(self, true_ms: float, rng: Random) -> float:
        late_ms = self.offset_ms + true_ms * self.drift_ppm / 1e6 + rng.gauss(0, self.jitter_ms)
        return round((true_ms + late_ms) / 1000, 3)


class SessionPlan(Struct, frozen=True):
    """A session to record.  `pauses`, `starved` and `busy` are counted from its first start.

    `packet_ms` is the recorder's own length where it is None; `sound` is a file, or what to make.  `events` asks for a
    Realtime event log too, in which `barge_ins` answers were cut off and each part is a session of its own.
    """

    recorder: RecorderName = "chrome"
    length_ms: int = 30_000
    parts: int = 1
    gap_ms: int = 800
    channels: int = 2
    packet_ms: int | None = None
    bit_rate: int = 64_000
    timeslice_ms: int = 5000
    pauses: tuple[SimulatedStretch, ...] = ()
    starved: tuple[SimulatedStretch, ...] = ()
    busy: tuple[SimulatedStretch, ...] = ()
    sound: Path | SoundKind = "speech"
    seed: int = 1
    clock_error: ClockError = ClockError()
    events: Kind | None = None
    barge_ins: int = 0

    def run_plans(self) -> list[RunPlan]:
        """One for each part (UsageError where a setting makes no sense, or there is no room for the parts)."""
        for name, allowed in _ALLOWED.items():
            if (value := getattr(self, name)) is not None and value not in allowed:
                option = _OPTIONS.get(name) or f"--{name.replace('_', '-')}"
                raise UsageError(f"{option} cannot be {value}", hint=f"it is {_allowed_text(allowed)}")
        length_ms = (self.length_ms - (self.parts - 1) * self.gap_ms) // self.parts
        if length_ms < 200:
            raise UsageError(
                f"{self.length_ms} ms are too short for {self.parts} part(s) with gaps of {self.gap_ms} ms",
                hint="record for longer, or in fewer parts",
            )
        starts = [FIRST_START_MS + number * (length_ms + self.gap_ms) for number in range(self.parts)]
        return [self._run_plan(start_ms, start_ms + length_ms) for start_ms in starts]

    def _run_plan(self, start_ms: int, stop_ms: int) -> RunPlan:
        return RunPlan(
            self.recorder,
            start_ms,
            stop_ms,
            channels=self.channels,
            packet_ms=self.packet_ms or {"chrome": 60, "firefox": 20}[self.recorder],
            bit_rate=self.bit_rate,
            timeslice_ms=self.timeslice_ms,
            pauses=_within(self.pauses, start_ms, stop_ms),
            starved=_within(self.starved, start_ms, stop_ms),
            busy=_within(self.busy, start_ms, stop_ms),
        )

    def open_sound(self) -> Sound:
        from .sound import FileSound, SimulatedConversation  # noqa: PLC0415 - numpy takes long to come up

        if isinstance(self.sound, Path):
            from ..audio.encoder import read_sound  # noqa: PLC0415 - so does the decoder

            return FileSound(read_sound(self.sound, self.channels), self.channels)
        return SimulatedConversation(self.channels, self.length_ms * SAMPLES_PER_MS, self.seed, self.sound)


_ALLOWED: dict[str, Collection[Any]] = {
    "recorder": ("chrome", "firefox"),
    "parts": range(1, 1001),
    "gap_ms": range(3_600_001),
    "channels": (1, 2),
    "packet_ms": (20, 60),
    "bit_rate": range(6_000, 510_001),
    "timeslice_ms": range(100, 3_600_001),
    "seed": range(1 << 63),
    "events": KINDS,
    "barge_ins": range(1001),
}
"""What options may be, in the units of their names.  Chosen; the bit rates are Opus's (RFC 6716, section 2.1.1)."""


_OPTIONS = {"channels": "--mono", "packet_ms": "--frame-ms", "bit_rate": "--bitrate"}
"""What settings are called at the terminal that have another name there."""


def _allowed_text(allowed: Collection[Any]) -> str:
    return f"{allowed[0]} to {allowed[-1]}" if isinstance(allowed, range) else " or ".join(map(str, allowed))


def _within(stretches: Iterable[SimulatedStretch], start_ms: int, stop_ms: int) -> tuple[SimulatedStretch, ...]:
    """Those of `stretches` that begin in a run, on the session clock."""
    moved = (replace(stretch, start_ms=stretch.start_ms + FIRST_START_MS) for stretch in stretches)
    return tuple(sorted((s for s in moved if start_ms < s.start_ms < stop_ms), key=lambda s: s.start_ms))


class SimulatedRecording(Struct):
    """What was recorded of a plan; `more` remembers runs that only a fault needs."""

    plan: SessionPlan
    runs: list[SimulatedRun]
    spoken: tuple[SimulatedSpeech, ...]
    more: dict[tuple[int, int], SimulatedRun] = field(default_factory=dict)

    def again(self, part: int, blob: int) -> SimulatedRun:
        """The part's recorder started anew a moment after it had handed over the blob before `blob`."""
        if (part, blob) not in self.more:
            run = self.runs[part]
            start_ms = round(run.blobs[blob - 1].emitted_ms) + _LOADING_MS
            later = tuple(pause for pause in run.plan.pauses if pause.start_ms > start_ms)
            plan = replace(run.plan, start_ms=min(start_ms, run.plan.stop_ms - 100), pauses=later)
            self.more[part, blob] = record(
                self.plan.open_sound(), plan, self.rng("again", part, blob), sound_zero_ms=FIRST_START_MS
            )
        return self.more[part, blob]

    def elsewhere(self, part: int) -> SimulatedRun:
        """A recorder of the same kind on another page."""
        if (part, -1) not in self.more:
            from .sound import SimulatedConversation  # noqa: PLC0415 - numpy takes long to come up

            plan = self.plan
            sound = SimulatedConversation(plan.channels, plan.length_ms * SAMPLES_PER_MS, plan.seed + 1_000_003)
            self.more[part, -1] = record(
                sound, self.runs[part].plan, self.rng("elsewhere", part), sound_zero_ms=FIRST_START_MS
            )
        return self.more[part, -1]

    def said(self) -> list[Said]:
        """Who said what on the session clock; answers that were cut off have words that were not heard."""
        turns = [
            Said(
                s.id, s.role, s.text, FIRST_START_MS + s.start / SAMPLES_PER_MS, FIRST_START_MS + s.end / SAMPLES_PER_MS
            )
            for s in self.spoken
        ]
        answers = [place for place, turn in enumerate(turns[:-1]) if turn.role == "assistant"]
        chosen = self.rng("barge-ins").sample(answers, min(self.plan.barge_ins, len(answers)))
        for count, place in enumerate(sorted(chosen)):
            turns[place] = replace(turns[place], unheard=_UNHEARD[count % len(_UNHEARD)])
        return turns

    def log_plan(self) -> LogPlan:
        """How the event log comes about: a new Realtime session for each part."""
        assert self.plan.events is not None
        rollovers = tuple(float(run.plan.start_ms) for run in self.runs[1:])
        return LogPlan(self.plan.events, rollovers_ms=rollovers, seed=self.plan.seed)

    def rng(self, *what: object) -> Random:
        return Random(f"{self.plan.seed} {what}")  # noqa: S311 - a seed must give the same bytes again


class SimulatedSession(Struct):
    """A recording with its faults: for each part what was uploaded, and for each fault what it touched."""

    recording: SimulatedRecording
    parts: dict[str, Part]
    faults: list[tuple[str, str, list[Upload]]] = field(default_factory=list)

    def truth(self) -> dict[str, Any]:
        """What truth.json says."""
        plan = self.recording.plan
        return {
            "schema": TRUTH_SCHEMA,
            "recorder": plan.recorder,
            "seed": plan.seed,
            "faults": [
                {"fault": text, "part": part, "seqs": sorted({upload.seq for upload in touched})}
                for text, part, touched in self.faults
            ],
            "parts": [truth.part_truth(name, part) for name, part in self.parts.items()],
            "utterances": [
                self._utterance_truth(spoken, said)
                for spoken, said in zip(self.recording.spoken, self.recording.said(), strict=True)
            ],
        }

    def _utterance_truth(self, spoken: SimulatedSpeech, said: Said) -> dict[str, Any]:
        start, end = (sample + FIRST_START_MS * SAMPLES_PER_MS for sample in (spoken.start, spoken.end))
        places = zip(self.parts, (truth.heard_in(run, start, end) for run in self.recording.runs), strict=True)
        segments = [
            {"part": int(part), "start_s": round(place[0], 5), "end_s": round(place[1], 5)}
            for part, place in places
            if place
        ]
        return {
            "id": spoken.id,
            "role": spoken.role,
            "text": said.generated,
            **({"heard_text": said.text} if said.unheard else {}),
            "recorded": bool(segments),
            **(segments[0] if segments else {}),
            **({"segments": segments} if len(segments) > 1 else {}),
            "session_start_s": round(start / 48_000, 5),
            "session_end_s": round(end / 48_000, 5),
        }


def record_session(plan: SessionPlan) -> SimulatedRecording:
    """Record every part (UsageError where the plan makes no sense; what `encode.read_sound` raises)."""
    run_plans = plan.run_plans()
    sound = plan.open_sound()
    recording = SimulatedRecording(plan, [], sound.spoken)
    for part, run_plan in enumerate(run_plans):
        recording.runs.append(record(sound, run_plan, recording.rng("run", part), sound_zero_ms=FIRST_START_MS))
    return recording


def damage(recording: SimulatedRecording, faults: Sequence[str] = (), seed: int = 1) -> SimulatedSession:
    """The recording with `faults` (`NAME[:[PART/]CHUNK[:ARGUMENT…]]`) done to it one after another (UsageError).

    A recorder that is started anew is so before the others happen.
    """
    session = SimulatedSession(recording, {})
    for number, run in enumerate(recording.runs):
        session.parts[f"{number:03d}"] = Part(
            [run],
            uploads_of(run, 0),
            lambda blob, number=number: recording.again(number, blob),  # type: ignore[misc]
            lambda number=number: recording.elsewhere(number),  # type: ignore[misc]
        )
    parsed = [(text, *parse_fault(text)) for text in faults]
    for text, fault, part_name, chunk, arguments in sorted(parsed, key=lambda item: item[1].name != "second-header"):
        name = f"{int(part_name):03d}" if part_name.isdecimal() else part_name or "000"
        if name not in session.parts:
            raise UsageError(
                f"there is no part {part_name} for {text}", hint=f"parts are 0 to {len(session.parts) - 1}"
            )
        touched = fault.apply(session.parts[name], FaultPlace(chunk, arguments, Random(f"{seed} {text}")))  # noqa: S311
        for upload in touched:
            upload.faults.append(text)
        session.faults.append((text, name, touched))
    return session
