"""How captions read that were made again, or checked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import asdict

from ..errors import RecordingError
from .view import MARKS, View, clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..captioning.quality_check import Problem
    from ..captions import Spoken
    from ..sessions.recaption import RecaptionResult

_MOST_CUES = 200
"""Cues that are printed; chosen: a few screens."""
_MOST_CHARACTERS = 60
"""Characters of a text; chosen: with times, a line of a terminal."""


def _captions_json(result: RecaptionResult) -> dict[str, Any]:
    made = result.captions
    return {
        "session_id": result.session_id,
        "status": "captioned" if result.published else "checked",
        "location": result.location,
        "profile": made.profile.name,
        "cues": len(made.cues),
        "files": list(made.files) if result.published else [],
        "ignored": made.problems,
        "notices": made.notices,
        "remarks": made.remarks,
        "doubtful": [
            {"id": one.id, "start_s": one.start_ms / 1000, "confidence": one.doubt, "text": one.text}
            for one in made.doubtful
        ],
        "problems": {name: [asdict(problem) for problem in found] for name, found in made.check().items()},
    }


def _captions_lines(result: RecaptionResult, _verbose: bool) -> list[str]:
    made = result.captions
    lines = [f"{result.session_id}: {len(made.cues)} cues, profile {made.profile.name}"]
    if result.published:
        lines.append(f"  written    {', '.join(made.files)} ({result.location})")
    lines += [f"  {MARKS['warning']} left out: {problem}" for problem in made.problems]
    lines += [f"  {MARKS['warning']} {notice}" for notice in made.notices]
    lines += [f"  {MARKS['info']} {remark}" for remark in made.remarks]
    if not result.published:
        lines += _doubtful(made.doubtful)
    for name, found in made.check().items():
        failures = sum(problem.severity == "failure" for problem in found)
        counts = f"{failures} failure(s), {len(found) - failures} warning(s)"
        lines.append(f"  {name:<11}{counts if found else 'every cue keeps to the profile'}")
        if not result.published:
            lines += [f"    {_caption_problem(problem)}" for problem in found[:_MOST_CUES]]
            if len(found) > _MOST_CUES:
                lines.append(f"    … {len(found) - _MOST_CUES} more: --json lists all")
    return lines


def _doubtful(spoken: Sequence[Spoken]) -> Iterator[str]:
    """The utterances whose place is not sure."""
    if spoken:
        yield f"  doubtful   {len(spoken)} utterance(s) whose place is not sure; --mark-doubt shows them"
    for one in spoken[:_MOST_CUES]:
        text = " ".join(one.text.split())
        shown = text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 1]}…"
        yield f"    {MARKS['info']} {clock(one.start_ms / 1000)} {one.id}: confidence {one.doubt:.2f}, {shown}"


def _caption_problem(problem: Problem) -> str:
    mark = MARKS["error" if problem.severity == "failure" else "warning"]
    return (
        f"{mark} {clock(problem.start_ms / 1000)} cue {problem.cue}: {problem.rule}, {problem.value:g} {problem.unit} "
        f"(limit {problem.limit:g}): {problem.reason}"
    )


def _captions_exit_code(result: RecaptionResult) -> int:
    failed = any(problem.severity == "failure" for found in result.captions.check().values() for problem in found)
    return RecordingError.exit_code if failed else 0


CAPTIONS: View[RecaptionResult] = View(_captions_json, _captions_lines, lambda _: 0)
CAPTION_CHECK: View[RecaptionResult] = View(_captions_json, _captions_lines, _captions_exit_code)
