"""A session's recording against another one of the same conversation, such as a server's or a telephone service's.

What is found is said in findings and in the report (`against`); on request, gaps are filled from the other one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ..errors import NotFoundError, RecordingError
from ..model import SAMPLE_RATE, SAMPLES_PER_MS, Finding
from .report import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..alignment.recordings import Comparison, Missing
    from ..documents.report_model import ReportAgainst
    from ..model import Severity
    from ..timeline import Timeline
    from .fill_gaps import Filled
    from .join import Recording
    from .second_recording import SecondRecording

_CHANNELS = {True: "swapped", False: "the same", None: "too alike to say"}
_NEAR_S = 1.0  # chosen: twice as far as a place can be wrong where something was left out (measured: 0.5 s)
_LEAST_JUMP_US = 100_000  # chosen: what the session clock jumps by where a pause was closed up
_MOST_NAMED = 20  # number of stretches with a finding of their own, as parts of a report; chosen: `against` has all


class Comparer:
    """Compares a session's recording, as often as it is joined, with another one at `path`, whose sound is read once.

    `why` are findings that say why there is none, where `path` is None.
    """

    def __init__(
        self, session_id: str, second: SecondRecording | None, path: Path | None, why: Sequence[Finding]
    ) -> None:
        self._session_id = session_id
        self._second = second
        self._path = path
        self._why = why
        self._levels: Any = None

    def compared(self, recording: Recording) -> Recording:
        """The recording with what the comparison found, and with its gaps filled where that is wanted."""
        recording.assembly.findings += self._why
        if self._second is None or self._path is None:
            return recording
        try:
            return self._compared(recording, self._second, self._path)
        except (NotFoundError, RecordingError) as error:
            message = f"the other recording, {self._second.name}, cannot be read: {error.message}"
            recording.assembly.findings.append(Finding("compared-not-there", "warning", message, hint=error.hint))
            return recording

    def _compared(self, recording: Recording, second: SecondRecording, path: Path) -> Recording:
        from ..alignment.recordings import compare  # noqa: PLC0415 - numpy and PyAV
        from ..audio.energy import energy_of  # noqa: PLC0415
        from .fill_gaps import Filled, fill_gaps  # noqa: PLC0415 - few sessions have a second recording

        if self._levels is None:
            self._levels = energy_of(path)
        comparison = compare(energy_of(recording.path), self._levels)
        if not comparison.alike:
            recording.assembly.findings.append(_unlike(second))
            return recording
        filled = Filled(recording)
        if second.fills:
            filled = fill_gaps(self._session_id, recording, comparison, path, self._levels)
        recording = replace(filled.recording, against=_against_json(second, comparison, filled))
        recording.assembly.findings += [
            _summary(second, comparison),
            *_missing(second, comparison, filled, recording.timeline),
            *_fillings(second, filled),
        ]
        return recording


def _against_json(second: SecondRecording, comparison: Comparison, filled: Filled) -> ReportAgainst:
    return {
        "name": second.name,
        "mark": second.mark,
        "offset_ms": round(comparison.offset_s * 1000, 1),
        "drift_ppm": round(comparison.drift_ppm, 1),
        "alike": round(comparison.alike, 3),
        "channels_swapped": comparison.swapped,
        "missing": [
            {
                "lacks": "session" if one.lacks == "first" else "other",
                "at_s": round(one.at_s, 2),
                "length_s": round(one.length_s, 2),
                "filled_with_silence": one.filled,
            }
            for one in comparison.missing
        ],
        "filled": [{"at_s": seconds(start), "length_s": seconds(end - start)} for start, end in filled.filled],
    }


def _summary(second: SecondRecording, found: Comparison) -> Finding:
    later = "later" if found.offset_s >= 0 else "earlier"
    return Finding(
        "compared",
        "info",
        f"compared with {second.name}: what is here is {abs(found.offset_s):.3f} s {later} there, its clock is "
        f"{round(found.drift_ppm):+d} ppm, the sound is the same in {found.alike:.0%} of the stretches with speech, "
        f"and the channels are {_CHANNELS[found.swapped]}",
        hint="one of the two has the voices on the wrong channels" if found.swapped else "",
    )


def _unlike(second: SecondRecording) -> Finding:
    return Finding(
        "compared-unlike",
        "warning",
        f"{second.name} is not another recording of this session: no stretch of both has the same sound",
        hint="is it the right one, and does it hold more than silence?",
    )


def _missing(second: SecondRecording, found: Comparison, filled: Filled, timeline: Timeline) -> Iterator[Finding]:
    """What one of the two lacks, but for what was filled; what is lost without a gap is named first."""
    known = list(_known_gaps(timeline))
    stretches = [one for one in found.missing if one.lacks == "second" or not _is_in(one, filled.filled)]
    findings = sorted((_lack(second, one, known) for one in stretches), key=lambda one: one.severity != "error")
    yield from sorted(findings[:_MOST_NAMED], key=lambda one: one.at_s or 0.0)
    if rest := findings[_MOST_NAMED:]:
        severity: Severity = "error" if rest[0].severity == "error" else "warning"
        more = f"{len(rest)} more stretches that one of the recordings lacks"
        yield Finding("compared-missing", severity, more, hint="report.json has all, in `against`")


def _lack(second: SecondRecording, one: Missing, known: Sequence[tuple[float, float]]) -> Finding:
    how = "silent there" if one.filled else "left out without a gap"
    if one.lacks == "second":
        what = f"{second.name} lacks {one.length_s:.2f} s that this recording has, {how}"
        return Finding("compared-missing", "info", what, at_s=one.at_s)
    what = f"{second.name} has {one.length_s:.2f} s that this recording lacks, {how}"
    if any(start - _NEAR_S <= one.at_s <= end + _NEAR_S for start, end in known):
        return Finding("compared-missing", "info", f"{what}: a gap that is known", at_s=one.at_s)
    return Finding(
        "compared-missing",
        "error",
        f"{what} and not known as a gap",
        at_s=one.at_s,
        lost_ms=round(one.length_s * 1000),
        hint="listen to both: the recorder lost sound without a trace, or one of them was cut",
    )


def _known_gaps(timeline: Timeline) -> Iterator[tuple[float, float]]:
    """Where the recording is known to lack something: silences, and places where a pause was closed up; seconds."""
    known_us: int | None = None
    for span in timeline.spans:
        if span.kind == "silence":
            yield span.output_start / SAMPLE_RATE, span.output_end / SAMPLE_RATE
        elif known_us is not None and span.session_start_us - known_us > _LEAST_JUMP_US:
            yield span.output_start / SAMPLE_RATE, span.output_start / SAMPLE_RATE
        known_us = span.session_end_us


def _is_in(one: Missing, stretches: Sequence[tuple[int, int]]) -> bool:
    middle = (one.at_s + one.length_s / 2) * SAMPLE_RATE
    return any(start <= middle <= end for start, end in stretches)


def _fillings(second: SecondRecording, filled: Filled) -> Iterator[Finding]:
    if filled.filled:
        length_s = sum(end - start for start, end in filled.filled) / SAMPLE_RATE
        count = len(filled.filled)
        yield Finding(
            "filled-from",
            "warning",
            f"{count} gap{'s' * (count != 1)}, {length_s:.2f} s, {'have' if count != 1 else 'has'} the sound of "
            f"{second.name}, which was encoded again for it; every recorded packet is as it was",
            at_s=seconds(filled.filled[0][0]),
            hint="`against` of report.json has each; what was recorded there is lost all the same",
        )
    for (start, end), why in filled.left[:_MOST_NAMED]:
        message = f"{(end - start) / SAMPLES_PER_MS / 1000:.2f} s were not filled from {second.name}: {why}"
        yield Finding("not-filled", "info", message, at_s=seconds(start))
