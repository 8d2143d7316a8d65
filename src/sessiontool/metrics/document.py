"""metrics.json (the schema `sessiontool.metrics/1`): every figure with its unit, definition, coverage and error."""

from __future__ import annotations

from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING, Any

from . import turns as following
from .definitions import DEFINITIONS
from .latency import split_gaps
from .talk import Talk, common, talk_of, total_ms, united
from .words import count_fillers, count_questions, count_words, words_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from ..documents.report_model import Report
    from ..documents.transcript_model import Transcript
    from .talk import SpokenUtterance

    Stretch = tuple[int, int]
    Figure = dict[str, Any]

METRICS_SCHEMA = "sessiontool.metrics/1"

LEAST_COVERAGE = 0.95
"""Share of utterances with a place, chosen: with fewer, who talked more cannot be said."""

LEAST_SURE_SHARE = 0.75
"""Share of the time of all that was said, measured: where less has a sure place, shares were off by up to 0.023."""

_TOO_FEW = "too few utterances have a place in the sound"
_DOUBTFUL = "too much of the speech has a doubtful place"
_GAPS_DOUBTFUL = "the places around it are doubtful"
_QUARTERS = 4
"""Parts of a session, by definition of the word."""
_MOST_S = 1e7
"""Chosen: some months; a recording that is longer is damage."""


def metrics_json(transcript: Transcript, report: Report) -> dict[str, Any]:
    """The figures of a result, from its transcript and its report."""
    talk = talk_of(transcript, report)
    figures = [*_figures(talk, report), *_latency_figures(talk, transcript, report)]
    named = {one["name"] for one in figures}
    return {
        "schema": METRICS_SCHEMA,
        "session_id": transcript["session_id"],
        "duration_s": transcript["duration_s"],
        "recorded_s": _seconds(talk.recorded_ms),
        "basis": "sound" if talk.is_by_sound else "log",
        "coverage": round(talk.coverage, 4),
        "definitions": {name: one.text for name, one in DEFINITIONS.items() if name in named},
        "figures": figures,
        "quarters": list(_stretches(talk, _quarters(talk.duration_ms))),
        "chapters": list(_stretches(talk, _chapters(transcript, talk.duration_ms))),
    }


def _figures(talk: Talk, report: Report) -> Iterator[Figure]:
    figure = _maker(talk)
    spoken = {role: united((one.start_ms, one.end_ms) for one in talk.of(role)) for role in talk.roles}
    all_ms = sum(map(total_ms, spoken.values()))
    taken = following.turns_of(talk)
    for role, stretches in spoken.items():
        ms = total_ms(stretches)
        yield figure("talk_time", _seconds(ms), role)
        yield figure("share_of_speech", _ratio(ms, all_ms), role, needs_all=True)
        yield figure("share_of_duration", _ratio(ms, talk.recorded_ms), role, needs_all=True)
        own = [turn for turn in taken if turn.role == role]
        yield figure("turns", len(own), role)
        whole = [(turn.start_ms, turn.end_ms) for turn in own if not talk.is_broken(turn.start_ms, turn.end_ms)]
        longest = max(whole, key=lambda one: one[1] - one[0], default=None)
        yield figure("longest_monologue", longest and _seconds(longest[1] - longest[0]), role, [longest])
        yield from _text_figures(talk, role, report, figure)
    yield figure("switches_per_minute", _per_minute(max(0, len(taken) - 1), talk.recorded_ms))
    yield from _gap_figures(talk, figure)
    yield from _interruption_figures(talk, figure)
    if len(spoken) == 2:
        both = common(*spoken.values())
        yield figure("overlap", _seconds(total_ms(both)), stretches=both)
    silences = following.silences_of(talk)
    yield figure("silence", _seconds(total_ms(silences)), needs_all=True)
    long = [one for one in silences if one[1] - one[0] >= following.DEAD_AIR_MS]
    yield figure("dead_air", _seconds(total_ms(long)), stretches=long, needs_all=True)


def _gap_figures(talk: Talk, figure: Callable[..., Figure]) -> Iterator[Figure]:
    gaps, dropped = following.gaps_of(talk)
    for role in talk.roles:
        own = [gap for gap in gaps if gap.role == role]
        sure = [gap for gap in own if gap.is_sure]
        lengths = sorted(gap.length_ms for gap in sure)
        why = _GAPS_DOUBTFUL if own else ""
        places = [(gap.start_ms, gap.end_ms) for gap in sure]
        found = figure("response_gap", _median(lengths), role, places, why=why)
        if own:
            found["coverage"] = round(talk.coverage * len(sure) / len(own), 4)
        if lengths:
            rank = min(len(lengths) - 1, round(0.9 * (len(lengths) - 1)))
            spread = {"mean": sum(lengths) / len(lengths), "p90": lengths[rank], "max": lengths[-1]}
            found["distribution"] = {"count": len(lengths), **{name: _seconds(ms) for name, ms in spread.items()}}
        yield {**found, "dropped": dropped, "doubtful": len(own) - len(sure)}
        first = _seconds(own[0].length_ms) if own and own[0].is_sure else None
        yield figure("first_response", first, role, why=why)


def _latency_figures(talk: Talk, transcript: Transcript, report: Report) -> Iterator[Figure]:
    """How the gaps before the assistant's answers divide, where the sound and events say so together."""
    gaps = [one for one in following.gaps_of(talk)[0] if one.role == "assistant" and one.is_sure]
    split = split_gaps(gaps, transcript, report) if talk.is_by_sound else []
    if not split:
        return
    figure = _maker(talk)
    pieces = {
        "latency_endpointing": [(one.gap.start_ms, one.decided_ms) for one in split],
        "latency_model": [(one.decided_ms, one.sound_ms) for one in split],
        "latency_network": [(one.sound_ms, one.gap.end_ms) for one in split],
    }
    for name, stretches in pieces.items():
        lengths = [max(0, end - start) for start, end in stretches]
        found = figure(name, _median(lengths), "assistant", [one for one in stretches if one[0] < one[1]])
        yield {**found, "coverage": round(talk.coverage * len(split) / len(gaps), 4)}


def _interruption_figures(talk: Talk, figure: Callable[..., Figure]) -> Iterator[Figure]:
    found = following.interruptions_of(talk)
    for role in talk.roles:
        own = [one for one in found if one.by == role]
        yield figure("interruptions", len(own), role, [(one.start_ms, one.end_ms) for one in own])
        yield figure("recovery", _median([one.recovery_ms for one in own if one.recovery_ms is not None]), role)


def _text_figures(talk: Talk, role: str, report: Report, figure: Callable[..., Figure]) -> Iterator[Figure]:
    said = talk.of(role)
    count = words_of(said)
    spoken_ms = total_ms(united((one.start_ms, one.end_ms) for one in said))
    why = "its script has no spaces between words" if count is None else ""
    yield figure("words_per_minute", None if count is None else _per_minute(count, spoken_ms), role, why=why)
    yield figure("questions", count_questions(said), role)
    if any(one.interrupted for one in said):
        yield figure("heard_share", _heard_share(one for one in said if one.interrupted), role)
    fillers = count_fillers(said)
    why = "the language is not known, or has no list" if fillers is None else ""
    yield figure("fillers_in_text", fillers, role, why=why)
    untold = _without_text(report, role)
    if untold is not None:
        yield figure("speech_without_text", _seconds(total_ms(untold)), role, untold)


def _without_text(report: Report, role: str) -> list[Stretch] | None:
    """The speech that has no text, on the channel that a role has to itself; None where it has none."""
    sound: object = report.get("sound")  # its shape is not checked
    channels = sound.get("channels") if isinstance(sound, dict) else None
    for channel in channels if isinstance(channels, list) else ():
        if isinstance(channel, dict) and channel.get("roles") == [role]:
            stretches = channel.get("speech_without_text_s")
            return [*_pairs_ms(stretches if isinstance(stretches, list) else [])]
    return None


def _pairs_ms(stretches: Iterable[object]) -> Iterator[Stretch]:
    for pair in stretches:
        match pair:
            case [int() | float() as start_s, int() | float() as end_s] if 0 <= start_s <= end_s < _MOST_S:
                yield round(start_s * 1000), round(end_s * 1000)


def _heard_share(said: Iterable[SpokenUtterance]) -> float | None:
    heard = generated = 0
    for one in said:
        counts = count_words(one.heard), count_words(one.text)
        if None in counts:
            return None
        heard, generated = heard + (counts[0] or 0), generated + (counts[1] or 0)
    return _ratio(heard, generated)


def _maker(talk: Talk) -> Callable[..., Figure]:
    """What makes a figure: its value with all that belongs to it, or why there is none."""

    def figure(
        name: str,
        value: float | None,
        role: str | None = None,
        stretches: Sequence[Stretch | None] = (),
        *,
        needs_all: bool = False,
        why: str = "",
    ) -> Figure:
        definition = DEFINITIONS[name]
        if needs_all and talk.coverage < LEAST_COVERAGE:
            value, why = None, _TOO_FEW
        elif needs_all and talk.sure_share < LEAST_SURE_SHARE:
            value, why = None, _DOUBTFUL
        error = None if value is None else definition.error_of(value, is_clear=talk.is_clear)
        made: Figure = {"name": name, **({"role": role} if role else {}), "value": value, "unit": definition.unit}
        made |= {"definition": f"{name}/1", "coverage": round(talk.coverage, 4)}
        made["error"] = error if talk.is_by_sound else None
        if value is None:
            made["not_computed"] = why or "there is none"
        if value is not None and any(stretches):
            made["stretches_s"] = [[_seconds(one[0]), _seconds(one[1])] for one in stretches if one]
        return made

    return figure


def _quarters(duration_ms: int) -> Iterator[tuple[str, Stretch]]:
    for number in range(_QUARTERS):
        ends = (number * duration_ms // _QUARTERS, (number + 1) * duration_ms // _QUARTERS)
        yield str(number + 1), ends


def _chapters(transcript: Transcript, duration_ms: int) -> Iterator[tuple[str, Stretch]]:
    """From each note that begins a chapter to the next: instructions and context, as in chapters.vtt."""
    notes = [one for one in transcript.get("notes", ()) if one["kind"] in {"instructions", "context"}]
    starts = sorted((round(one["at_s"] * 1000), one["id"]) for one in notes if one["at_s"] is not None)
    for (start, name), (end, _) in pairwise([*starts, (duration_ms, "")]):
        if start < end:
            yield name, (start, end)


def _stretches(talk: Talk, named: Iterable[tuple[str, Stretch]]) -> Iterator[dict[str, Any]]:
    """The talk of each role in stretches of the recording."""
    spoken = {role: united((one.start_ms, one.end_ms) for one in talk.of(role)) for role in talk.roles}
    breaks = united(stretch for stretch in talk.breaks if stretch[0] < stretch[1])
    for name, stretch in named:
        inside = {role: total_ms(common([stretch], stretches)) for role, stretches in spoken.items()}
        recorded_ms = stretch[1] - stretch[0] - total_ms(common([stretch], breaks))
        yield {
            "name": name,
            "start_s": _seconds(stretch[0]),
            "end_s": _seconds(stretch[1]),
            "recorded_s": _seconds(recorded_ms),
            "talk_s": {role: _seconds(ms) for role, ms in inside.items()},
        }


def _median(values_ms: Sequence[int]) -> float | None:
    return _seconds(median(values_ms)) if values_ms else None


def _ratio(part: float, whole: float) -> float | None:
    return round(part / whole, 4) if whole else None


def _per_minute(count: int, ms: int) -> float | None:
    return round(60_000 * count / ms, 2) if ms else None


def _seconds(ms: float) -> float:
    return round(ms / 1000, 3)
