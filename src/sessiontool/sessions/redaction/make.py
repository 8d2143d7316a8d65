"""The redacted result: its files made in a work folder, checked, and searched for what must not be in them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, cast

from ... import captions
from ...errors import RecordingError
from ...metrics.document import metrics_json
from ...model import SAMPLE_RATE, Finding
from .. import report as reports
from .. import result_files
from ..result_names import METRICS, REDACTED_LIST, audio_of
from ..verify_result import require_verified, verify_made
from .documents import redacted_findings, redacted_transcript
from .forms import LABEL
from .packet_cuts import find_cuts, lengths_of
from .search import secrets_in
from .silencing import units_of
from .voices import channel_of
from .without import write_without

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ...documents.report_model import Report
    from ...documents.transcript_model import Transcript
    from .packet_cuts import Cut, Kept
    from .plan import RedactionPlan
    from .source import Whole

LIST_SCHEMA = "sessiontool.redactions/1"


def write_redacted(source: Whole, plan: RedactionPlan, redactions_sha256: str, mark: str, work: Path) -> Report:
    """Write all files of the redacted result into `work`; returns its report, which has the mark of the whole.

    RecordingError where they do not pass their own check, or something that must be gone is found in one of them.
    """
    session_id, head = source.session_id, source.head
    voices = {role: channel_of(role, source.report, head) for role in {one.role for one in plan.redactions} if role}
    wanted = plan.wanted({role: channel for role, (channel, _) in voices.items()})
    cuts = find_cuts(units_of(source.audio, head), head, wanted)
    app, uid = result_files.writing_app(), result_files.track_uid(session_id)
    path = work / audio_of(source.report)
    cuts, kept = write_without(units_of(source.audio, head), head, cuts, path, writing_app=app, track_uid=uid)
    transcript = redacted_transcript(source.transcript, plan)
    document = _report(
        source, plan, (cuts, kept), (mark, redactions_sha256), [why for _, why in voices.values() if why]
    )
    made = _captions(source, transcript, document)
    listed = reports.to_text(_list(session_id, plan, cuts))
    files = {**made.files, result_files.TRANSCRIPT: reports.to_text(transcript), REDACTED_LIST: listed}
    if METRICS in {one["name"] for one in source.report["outputs"]}:  # of what is left, by the same report
        files[METRICS] = reports.to_text(metrics_json(cast("Transcript", transcript), document))
    for name, text in files.items():
        result_files.write_text(work / name, text)
    document["outputs"] = [result_files.output_of(work / name) for name in (path.name, *files)]
    cue_times = ((cue.start_ms, cue.end_ms) for cue in made.cues)
    require_verified(verify_made(work, document, cast("Transcript", transcript), cue_times))
    reports.seal(document)
    result_files.write_report(work, document)
    bodies = ((name, (work / name).read_bytes()) for name in result_files.names(document))
    for name in secrets_in(plan.secrets, bodies):
        raise RecordingError(
            f"{session_id}: nothing is redacted, for {name} would still have what must be gone",
            hint="is it part of the session's id, of a chunk's name or of a label? Then it cannot be redacted",
        )
    return document


def _captions(source: Whole, transcript: dict[str, Any], document: Report) -> captions.Captions:
    """The captions of what is left, as those of the whole are made."""
    try:
        options = captions.read_options(document["tool"]["settings"].get("captions"))
    except ValueError as error:
        raise RecordingError(
            f"the report of {source.session_id} does not say how captions are made", hint="merge it again with --force"
        ) from error
    note = result_files.note_of(source.session_id)
    return captions.caption(transcript, options, note=note, audio=audio_of(document), report=document)


def _report(
    source: Whole,
    plan: RedactionPlan,
    made: tuple[Sequence[Cut], Sequence[Kept]],
    made_of: tuple[str, str],
    both: Sequence[str],
) -> Report:
    """The report of the whole, with what is gone of it; `both` says why voices were not silenced alone.

    No hash of what was said may stay in it: who has all but a number of four digits has that number as well.
    """
    (cuts, kept), (mark, redactions_sha256) = made, made_of
    left_out = {reports.HASH, "redacted_as"}
    document: dict[str, Any] = {name: value for name, value in source.report.items() if name not in left_out}
    document["inputs_fingerprint"] = mark
    findings = map(reports.finding_json, _findings(plan, cuts, both))
    document["findings"] = redacted_findings([*document["findings"], *findings], plan)
    for name in ("ignored", "realtime"):
        if name in document:
            document[name] = _swept_texts(document[name], plan)
    settings = document["tool"]["settings"]
    if "log" in settings:  # the others are choices of ours
        settings = {**settings, "log": _swept_texts(settings["log"], plan)}
    document["tool"] = {**document["tool"], "settings": settings}
    document["redaction"] = {
        "of": mark,
        "redactions_sha256": redactions_sha256,
        "cuts": [cut.to_json() for cut in cuts],
        "kept": [one.to_json() for one in kept],
        "checked": {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "secrets": len(plan.secrets)},
    }
    return cast("Report", document)


def _swept_texts(value: Any, plan: RedactionPlan) -> Any:
    """A value of a report, without secrets in its texts; its numbers are sizes and times."""
    if isinstance(value, dict):
        return {name: _swept_texts(inner, plan) for name, inner in value.items()}
    if isinstance(value, list):
        return [_swept_texts(inner, plan) for inner in value]
    return LABEL if isinstance(value, str) and plan.secrets.are_in(value) else value


def _findings(plan: RedactionPlan, cuts: Sequence[Cut], both: Sequence[str]) -> Iterator[Finding]:
    length_s = lengths_of(cuts) / SAMPLE_RATE
    texts = len(plan.places) + len(plan.notes)
    at_s = reports.seconds(cuts[0].start) if cuts else None
    alone = sum(cut.channel is not None for cut in cuts)
    yield Finding(
        "redacted",
        "info",
        f"{len(plan.redactions)} thing(s) were redacted: {length_s:.2f} s of sound in {len(cuts)} stretch(es) are "
        f"{'silence or a tone' if any(cut.beep for cut in cuts) else 'silence'}, and {texts} text(s) have labels"
        + (f"; in {alone} of them one voice alone, and the other one is encoded again there" if alone else ""),
        at_s=at_s,
    )
    asked = sum(bool(one.role) and bool(placed) for one, placed in zip(plan.redactions, plan.placed, strict=True))
    if both or (asked and not alone):
        why = "; ".join(dict.fromkeys(both)) or "stretches of both touch one another"
        yield Finding(
            "redacted-both-voices",
            "info",
            f"one voice alone was to be redacted, and both are silent: {why}",
            at_s=at_s,
            hint="the other voice is in the merged result",
        )


def _list(session_id: str, plan: RedactionPlan, cuts: Sequence[Cut]) -> dict[str, Any]:
    """redactions.json: what is gone, by its time, kind and rule; never what it was."""
    return {
        "schema": LIST_SCHEMA,
        "session_id": session_id,
        "label": LABEL,
        "redactions": [
            {
                "kind": one.kind,
                "rule": one.rule,
                **({"utterance": one.utterance} if one.utterance else {}),
                **({"note": one.note} if one.note else {}),
                **({"role": one.role} if one.role else {}),
                "at_s": [[reports.seconds(start), reports.seconds(end)] for start, end in stretches],
            }
            for one, stretches in zip(plan.redactions, plan.placed, strict=True)
        ],
        "cuts_s": [[reports.seconds(at) for at in cut.gone] for cut in cuts],
    }
