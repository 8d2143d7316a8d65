"""How an alignment reads: a table of utterances, and the story of one."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from ..model import SURE
from ..sessions.explain_alignment import gaps_at, stories, story_of
from ..sessions.report import alignment_json, finding_json
from .merges import offset_text
from .table import Row
from .view import View, clock, finding_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..sessions.explain_alignment import PlacingResult, Story
    from .table import Line

_TEXT_CELLS = 40
"""Character cells; chosen: with its times a line of a terminal."""
_WIDTHS = (9, 21, -8, 5)
"""Character cells of log, place, difference and confidence; chosen: each fits."""
_DOUBTS = {
    "late": "it is far from where the log has it",
    "length": "it is long or short for its text",
    "cost": "other places would do nearly as well",
    "noise": "its channel is noisy",
    "onset": "its beginning hardly stands out",
    "left_over": "there is speech beside it that no utterance has",
    "made_up": "an edge of it is in the middle of speech",
    "shared": "both voices are on its channel",
    "stray": "much that sounds like speech on its channel is not assigned",
    "end_far": "it ends seconds from where the log has its end",
    "unsteady": "the log's times scatter widely",
    "weak_end": "its end is weak",
    "unpinned": "neither a time nor the log's order tells its place",
    "stricter": "what is behind the speaker sounds like speech too",
    "company": "those around it are not sure either",
    "disputed": "asked in other ways, the sound has it elsewhere",
    "lost_inside": "an utterance that was not found is expected in it",
    "soft_start": "it begins softly",
    "soft_end": "it ends softly",
    "before": "there is sound just before it",
    "behind": "there is sound just behind it",
    "early_dip": "it dips soon after it begins",
    "unlike": "its end sounds unlike the speaker",
    "beyond_start": "something is heard before it through the noise",
    "beyond_end": "something is heard behind it through the noise",
    "shorter": "its text would fit what is before a pause inside",
    "left_ahead": "speech that no utterance has is before its end in the log",
    "misfit": "the log does not fit the sound",
    "far_off": "it is far from where the log has it",
}
_STATUSES = {
    "no_audio": "there is no speech where the log has it",
    "unmatched": "there is speech where the log has it, but it fits another utterance better, or none",
}


def placing_view(explained: Sequence[str] = ()) -> View[PlacingResult]:
    """A view of a whole session, or of the utterances with the ids in `explained`."""
    return View(partial(_document, explained), partial(_lines, explained), lambda _: 0)


# -- JSON


def _document(explained: Sequence[str], result: PlacingResult) -> dict[str, Any]:
    chosen = [story_of(result, name) for name in explained] or stories(result)
    return {
        "session_id": result.session_id,
        "status": "aligned",
        "location": result.location,
        "duration_s": result.duration_ms / 1000,
        "parts": alignment_json(result.alignment.parts),
        "findings": [finding_json(finding) for finding in result.alignment.findings],
        "utterances": [_story_json(story, whole=bool(explained)) for story in chosen],
    }


def _story_json(story: Story, *, whole: bool) -> dict[str, Any]:
    placement, utterance = story.placement, story.placement.utterance
    document = {
        "id": utterance.id,
        "role": utterance.role,
        "text": utterance.text,
        "status": placement.status,
        "confidence": round(placement.confidence, 3),
        "logged_s": [_seconds(at) for at in story.logged_ms],
        "expected_s": [_seconds(at) for at in story.expected_ms],
        "found_s": [_seconds(at) for at in story.found_ms],
        "off_ms": _whole(story.off_ms),
        "residual_ms": _whole(story.residual_ms),
        "doubts": {name: round(doubt, 2) for name, doubt in story.doubts},
    }
    if whole:
        document["evidence"] = story.evidence and {k: _finite(v) for k, v in asdict(story.evidence).items()}
        document["stretches"] = [
            {"start_s": one.start_ms / 1000, "end_s": one.end_ms / 1000, "utterance": one.utterance or None}
            for one in story.stretches
        ]
    return document


def _seconds(at_ms: float | None) -> float | None:
    return None if at_ms is None else round(at_ms / 1000, 3)


def _whole(ms: float | None) -> int | None:
    return None if ms is None else round(ms)


def _finite(value: Any) -> Any:
    return (round(value, 2) if math.isfinite(value) else None) if isinstance(value, float) else value


# -- lines


def _lines(explained: Sequence[str], result: PlacingResult, verbose: bool) -> list[Line]:
    if explained:
        return [line for name in explained for line in _described(result, story_of(result, name))]
    shown = list(stories(result))
    placed = [story for story in shown if story.found_ms[0] is not None]
    sure = sum(story.placement.confidence >= SURE for story in placed)
    lines: list[Line] = [
        f"{result.session_id}: {len(placed)} of {len(shown)} utterances found, {sure} with confidence {SURE} or more"
    ]
    lines += [f"  sound {part['part']:<5}{offset_text(part)}" for part in alignment_json(result.alignment.parts)]
    lines += [f"  {finding_line(finding_json(finding), verbose=verbose)}" for finding in result.alignment.findings]
    width = max((len(story.placement.utterance.id[:20]) for story in shown), default=0)
    lines.append(Row(("", "log", "found", "off", "conf.", "text"), (2 + width, *_WIDTHS)))
    for story in shown:
        lines += _row(story, width, verbose=verbose)
    return lines


def _row(story: Story, width: int, *, verbose: bool) -> Iterator[Line]:
    placement, utterance = story.placement, story.placement.utterance
    where = " - ".join(_clock(at) for at in story.found_ms) if story.found_ms[0] is not None else "nowhere"
    text = f"{utterance.role}: {' '.join(utterance.text.split())}"
    shown = text if len(text) <= _TEXT_CELLS else text[: _TEXT_CELLS - 1] + "…"
    off = "" if story.off_ms is None else _signed(story.off_ms)
    confidence = f"{placement.confidence:.2f}" if story.evidence else ""
    logged = _clock(story.logged_ms[0])
    yield Row((f"  {utterance.id[:20]}", logged, where, off, confidence, shown), (2 + width, *_WIDTHS))
    if story.evidence is None or placement.confidence < SURE or verbose:
        reasons = _reasons(story)
        if reasons:
            yield f"  {'':{width}}  ! {reasons}"


def _reasons(story: Story) -> str:
    """What speaks against an utterance's place, or why it has none."""
    if story.evidence is None:
        return _STATUSES.get(story.placement.status, "")
    return "; ".join(_DOUBTS.get(name, name) for name, _ in story.doubts[:3])


def _described(result: PlacingResult, story: Story) -> Iterator[str]:
    """One utterance's story."""
    placement, utterance, evidence = story.placement, story.placement.utterance, story.evidence
    yield f"{result.session_id} {utterance.id}: {placement.status}, confidence {placement.confidence:.2f}"
    yield f"  {utterance.role:<11}{utterance.text}"
    yield f"  log        {_range(story.logged_ms)}, by the log's clock and the recorder's"
    yield f"  expected   {_range(story.expected_ms)}, by the clock that the sound shows and this role's habits"
    if evidence is None:
        yield f"  found      nowhere: {_reasons(story)}"
    else:
        yield f"  found      {_range(story.found_ms)} on channel {evidence.channel}, {_comparison(story)}"
        yield f"  beginning  {evidence.start_contrast_db:.0f} dB louder than what is before it"
        yield f"  end        {evidence.end_contrast_db:.0f} dB louder than what is after it"
        yield f"  length     {evidence.length_ratio:.2f} of what its text takes at this role's rate"
        yield f"  noise      {evidence.snr_db:.0f} dB below the speech of its channel"
        yield f"  matching   cost {evidence.cost:.2f} (skipping it: 3.5)"
    for number, (name, doubt) in enumerate(story.doubts):
        yield f"  {'doubts' * (not number):<11}{-doubt:+.1f} {_DOUBTS.get(name, name)}"
    for number, (cause, start_ms, end_ms) in enumerate(gaps_at(result, story)):
        yield f"  {'gap' * (not number):<11}{_clock(start_ms)} - {_clock(end_ms)}  nothing was recorded ({cause})"
    for number, one in enumerate(story.stretches):
        whose = "this" if one.utterance == utterance.id else one.utterance or "no utterance"
        yield f"  {'speech' * (not number):<11}{_clock(one.start_ms)} - {_clock(one.end_ms)}  {whose}"


def _comparison(story: Story) -> str:
    off = "the log has no start" if story.off_ms is None else f"{_signed(story.off_ms)} from the log"
    return off if story.residual_ms is None else f"{off}, {_signed(story.residual_ms)} from where it was expected"


def _range(at_ms: Sequence[float | None]) -> str:
    return " - ".join("?" if at is None else _clock(at) for at in at_ms)


def _clock(at_ms: float | None) -> str:
    return "?" if at_ms is None else clock(at_ms / 1000)


def _signed(ms: float) -> str:
    return f"{ms:+.0f} ms" if abs(ms) < 10_000 else f"{ms / 1000:+.1f} s"
