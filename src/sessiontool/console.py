"""stdout and stderr: results rendered for people or as JSON, progress, errors.  The only place that knows rich.

stdout gets the result alone; all else goes to stderr.  Text from outside is printed as it is, without markup.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .errors import RecordingError
from .progress import Progress, Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from .captions import Problem
    from .errors import SessionToolError
    from .explain import Explanation
    from .pipeline import MergeResult, VerifyResult
    from .recaption import RecaptionResult
    from .simulate import SimulatedSession

_Result = TypeVar("_Result")

RESULT_SCHEMA = "sessiontool.result/1"
_MARKS = {"info": "·", "warning": "!", "error": "✗"}
_MOST_FINDINGS = 12


def print_error(error: SessionToolError, *, where: str = "") -> None:
    """Two lines, what is wrong and the next step; `where` names the file it is about."""
    print(f"error: {_printable(f'{where}: ' * bool(where) + error.message)}", file=sys.stderr)  # noqa: T201
    if error.hint:
        print(f"hint: {_printable(error.hint)}", file=sys.stderr)  # noqa: T201


def print_line(text: str) -> None:
    print(_printable(text))  # noqa: T201


def note(text: str) -> None:
    """Something worth knowing that is not the result."""
    print(_printable(text), file=sys.stderr)  # noqa: T201


def _printable(text: str) -> str:
    """`text` without what a terminal would act on."""
    return "".join(c if c.isprintable() or c == "\n" else "\ufffd" for c in text)


def print_json(sessions: Sequence[dict[str, Any]]) -> None:
    """Exactly one JSON document."""
    sys.stdout.write(json.dumps({"schema": RESULT_SCHEMA, "sessions": sessions}, indent=1) + "\n")


def _merge_json(result: MergeResult) -> dict[str, Any]:
    return {
        "session_id": result.session_id,
        "status": result.status,
        "location": result.location,
        "unchanged": result.unchanged,
        "dry_run": result.dry_run,
        "report": result.report,
    }


def error_json(session_id: str, error: SessionToolError) -> dict[str, Any]:
    return {
        "session_id": session_id,
        "status": "failed",
        "error": error.message,
        "hint": error.hint,
        "exit_code": error.exit_code,
    }


@contextmanager
def progress_bar(*, quiet: bool) -> Iterator[Progress]:
    """A bar on stderr where that is a terminal; silence elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield Silent()
        return
    from rich.console import Console  # noqa: PLC0415 - rich takes 50 ms to come up, and cron needs none of it
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        yield _Bar(bar)


class _Bar:
    """Progress on a rich bar."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._task: Any = None

    def stage(self, name: str, steps: int | None = None) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._task = self._bar.add_task(name, total=steps)

    def advance(self, steps: int = 1) -> None:
        self._bar.advance(self._task, steps)


def print_lines(lines: Sequence[str]) -> None:
    for line in lines:
        print_line(line)


def _summary(result: MergeResult, verbose: bool) -> list[str]:
    """What a person wants to know of a merge at a glance."""
    if result.unchanged:
        return [f"{result.session_id}: unchanged since it was merged, nothing to do ({result.location})"]
    note = " (dry run, nothing written)" if result.dry_run else ""
    return [f"{result.session_id}: {result.status}{note}", *_details(result, verbose)]


def _inspected(result: MergeResult, verbose: bool) -> list[str]:
    """What a person wants to know of a session that is not merged yet."""
    return [f"{result.session_id}: a merge would be {result.status}", *_details(result, verbose)]


def _details(result: MergeResult, verbose: bool) -> list[str]:
    report = result.report
    lines = [f"  {name:<11}{value}" for name, value in _facts(result) if value]
    findings = sorted(report["findings"], key=lambda f: ("error", "warning", "info").index(f["severity"]))
    shown = findings if verbose else findings[:_MOST_FINDINGS]
    lines += [f"  {_finding(finding, verbose=verbose)}" for finding in shown]
    if len(findings) > len(shown):
        lines.append(f"  … {len(findings) - len(shown)} more findings: --verbose shows them, report.json has them")
    if verbose:
        lines += [_chunk(chunk) for chunk in report["chunks"]]
    return lines


def explanation_json(name: str, explanation: Explanation) -> dict[str, Any]:
    document = asdict(explanation)
    document["damages"] = [damage._asdict() for damage in explanation.damages]
    return {"file": name, **document}


def explanation_lines(name: str, explanation: Explanation) -> list[str]:
    return [name, *(f"  {title:<10}{text}" for title, text in _explained(explanation) if text)]


def _explained(blob: Explanation) -> Iterator[tuple[str, str]]:
    yield "size", f"{blob.size_bytes:,} bytes"
    yield "begins", blob.begins
    if blob.track is not None and not blob.header_missing:
        head = blob.track.opus_head
        sound = "mono" if head.channels == 1 else "stereo"
        yield "header", f"{blob.track.writing_app}, Opus {sound}, track {blob.track.number}, pre-skip {head.pre_skip}"
    else:
        yield "header", "none; it is in the first blob of the recording"
    starts = ", ".join(clock(ms / 1000) for ms in blob.clusters_ms[:8])
    more = f" and {len(blob.clusters_ms) - 8} more" if len(blob.clusters_ms) > 8 else ""
    yield "clusters", f"{len(blob.clusters_ms)}" + (f", from {starts}{more}" if starts else "")
    kinds = ", ".join(f"{count} of {ms:g} ms" for ms, count in blob.packet_ms)
    yield "packets", kinds or "none"
    if blob.leading_packets:
        yield "", f"{blob.leading_packets} of them belong to a cluster that began in a blob before"
    if blob.start_ms is not None and blob.end_ms is not None:
        yield "recorded", f"from {clock(blob.start_ms / 1000)} to {clock(blob.end_ms / 1000)} of the recorder's clock"
        yield "before", f"a blob that ends at about {clock(blob.start_ms / 1000)}" if blob.start_ms > 0 else ""
        yield "after", f"a blob that goes on at about {clock(blob.end_ms / 1000)}"
    elif blob.packets:
        yield "recorded", "when, only the blob with their cluster's head can tell"
    yield "ends", blob.ends
    for damage in blob.damages:
        yield "damage", f"{damage.length_bytes:,} bytes from byte {max(0, damage.offset):,} on: {damage.reason}"


def print_simulated(session: SimulatedSession, folder: str) -> None:
    """What was made of a simulated session, and the next step."""
    path = Path(folder).absolute()
    print_line(f"{folder}: {session.recording.plan.recorder}, {session.recording.plan.length_ms / 1000:g} s")
    for fault, part, touched in session.faults:
        print_line(f"  {fault}: part {part}, chunk {', '.join(str(upload.seq) for upload in touched)}")
    print_line(f"  merge it: sessiontool merge {path.name} --store {path.parent}")


def _facts(result: MergeResult) -> Iterator[tuple[str, str]]:
    report = result.report
    parts, chunks = len(report["parts"]), report["chunks"]
    size = sum(chunk["bytes"] for chunk in chunks)
    yield "length", f"{clock(report['duration_s'])} ({report['duration_s']:.2f} s)"
    yield "recording", f"{len(chunks)} chunks in {parts} part{'s' * (parts != 1)}, {size / 1e6:.2f} MB"
    if parts > 1 or not result.transcript:
        yield from _parts(report)
    yield "holes", _holes(report["timeline"])
    utterances = result.transcript.get("utterances")
    if utterances is not None:
        aligned = report["tool"]["settings"]["align"]
        yield "utterances", _placed(utterances) if aligned else f"{len(utterances)}, at the log's times (not aligned)"
    for part in report.get("alignment", ()):
        yield f"sound {part['part']}", _offset(part)
    if not result.dry_run:
        yield "written", result.location


def _parts(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for part in report["parts"]:
        spans = [span for span in report["timeline"] if span["part"] == part["part"] and span["kind"] == "recorded"]
        recorded_s = sum(end - start for start, end in (span["output_samples"] for span in spans)) / 48_000
        at = clock(spans[0]["session_ms"][0] / 1000) if spans else "?"
        yield f"part {part['part']}", f"{recorded_s:.2f} s by {part['recorder'] or 'an unknown recorder'}, from {at} on"


def _holes(timeline: Sequence[dict[str, Any]]) -> str:
    totals: dict[str, list[float]] = {}
    for span in timeline:
        if span["kind"] == "silence":
            start, end = span["output_samples"]
            totals.setdefault(span["cause"].replace("_", " "), []).append((end - start) / 48_000)
    return (
        "; ".join(f"{cause}: {len(ls)} of {sum(ls):.2f} s, filled with silence" for cause, ls in totals.items())
        or "none"
    )


def _placed(utterances: Sequence[dict[str, Any]]) -> str:
    placed = [u for u in utterances if u["start_s"] is not None]
    if not utterances:
        return "none"
    text = f"{len(placed)} of {len(utterances)} found in the sound"
    if placed:
        sure = sum(u["confidence"] >= 0.8 for u in placed)
        text += f", {sure} of them with confidence 0.8 or more"
    return text


def _offset(part: dict[str, Any]) -> str:
    if part["offset_ms"] is None:
        return "no utterance matched"
    drift = "drift not identifiable" if part["drift_ppm"] is None else f"drift {part['drift_ppm']:+.0f} ppm"
    return f"{part['offset_ms']:+.0f} ms from the log's times, {drift}, by {part['matched']} utterances"


def _finding(finding: dict[str, Any], *, verbose: bool) -> str:
    where = f"{clock(finding['at_s'])} " if "at_s" in finding else ""
    text = f"{_MARKS[finding['severity']]} {where}{finding['message']} [{finding['code']}]"
    if verbose and finding.get("hint"):
        text += f"\n      {finding['hint']}"
    return text


def _chunk(chunk: dict[str, Any]) -> str:
    return f"  {chunk['verdict']:<9} {chunk['bytes']:>9,} bytes {chunk['packets']:>5} packets  {chunk['key']}"


def _verify_json(result: VerifyResult) -> dict[str, Any]:
    return {
        "session_id": result.session_id,
        "status": "broken" if result.problems else "sound",
        "location": result.location,
        "problems": result.problems,
    }


def _verify_lines(result: VerifyResult, verbose: bool) -> list[str]:
    if result.problems:
        lines = [f"{result.session_id}: BROKEN, {len(result.problems)} problem(s) ({result.location})"]
        return lines + [f"  {_finding(problem, verbose=verbose)}" for problem in result.problems]
    packets = result.report["packets"]
    return [
        f"{result.session_id}: sound ({result.location})",
        f"  {packets['recorded']:,} recorded packets of {len(result.report['chunks'])} chunks, in order, "
        "byte for byte; "
        f"{packets['silent']:,} silent ones where the timeline has them",
        f"  {clock(result.report['duration_s'])} long by every count; index, captions and hashes agree",
    ]


@dataclass(frozen=True, slots=True)
class View(Generic[_Result]):
    """How a command's result is shown: as JSON, as lines, and as an exit code."""

    document: Callable[[_Result], dict[str, Any]]
    lines: Callable[[_Result, bool], list[str]]
    exit_code: Callable[[_Result], int]


def clock(seconds: float) -> str:
    """Seconds as h:mm:ss.mmm, without the hours where there are none."""
    ms = round(seconds * 1000)
    minutes, ms = divmod(ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return (f"{hours}:{minutes:02d}" if hours else f"{minutes}") + f":{ms // 1000:02d}.{ms % 1000:03d}"


_MOST_CUES = 200


def _captions_json(result: RecaptionResult) -> dict[str, Any]:
    made = result.captions
    return {
        "session_id": result.session_id,
        "status": "captioned" if result.published else "checked",
        "location": result.location,
        "profile": made.options.profile.name,
        "cues": len(made.cues),
        "files": list(made.files) if result.published else [],
        "ignored": made.problems,
        "problems": {name: [asdict(problem) for problem in found] for name, found in made.check().items()},
    }


def _captions_lines(result: RecaptionResult, verbose: bool) -> list[str]:  # noqa: ARG001 - a view takes both
    made = result.captions
    lines = [f"{result.session_id}: {len(made.cues)} cues, profile {made.options.profile.name}"]
    if result.published:
        lines.append(f"  written    {', '.join(made.files)} ({result.location})")
    lines += [f"  {_MARKS['warning']} left out: {problem}" for problem in made.problems]
    for name, found in made.check().items():
        failures = sum(problem.severity == "failure" for problem in found)
        counts = f"{failures} failure(s), {len(found) - failures} warning(s)"
        lines.append(f"  {name:<11}{counts if found else 'every cue keeps to the profile'}")
        if not result.published:
            lines += [f"    {_caption_problem(problem)}" for problem in found[:_MOST_CUES]]
            if len(found) > _MOST_CUES:
                lines.append(f"    … {len(found) - _MOST_CUES} more: --json lists all")
    return lines


def _caption_problem(problem: Problem) -> str:
    mark = _MARKS["error" if problem.severity == "failure" else "warning"]
    return (
        f"{mark} {clock(problem.start_ms / 1000)} cue {problem.cue}: {problem.rule}, {problem.value:g} {problem.unit} "
        f"(limit {problem.limit:g}): {problem.reason}"
    )


def _captions_exit_code(result: RecaptionResult) -> int:
    failed = any(problem.severity == "failure" for found in result.captions.check().values() for problem in found)
    return RecordingError.exit_code if failed else 0


CAPTIONS: View[RecaptionResult] = View(_captions_json, _captions_lines, lambda _: 0)
CAPTION_CHECK: View[RecaptionResult] = View(_captions_json, _captions_lines, _captions_exit_code)
MERGE: View[MergeResult] = View(_merge_json, _summary, lambda _: 0)
INSPECT: View[MergeResult] = View(_merge_json, _inspected, lambda _: 0)
VERIFY: View[VerifyResult] = View(
    _verify_json, _verify_lines, lambda result: RecordingError.exit_code if result.problems else 0
)
