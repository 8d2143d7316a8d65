"""Whether a result is what its report says: every file is read, and compared with the report and with the others.

What a merge has made is verified before it is published, what was published on request.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING, BinaryIO, cast

from ..errors import NotFoundError, RecordingError, StorageError
from ..model import Finding
from ..storage import not_published
from . import report, verify, verify_agreement
from .result_files import digest_of, is_older, json_object, track_uid
from .result_names import AUDIO_NAMES, METRICS, OUTPUTS, REPORT, TRANSCRIPT, audio_of
from .verify_agreement import is_caption_file
from .verify_problems import AGAIN, Problems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from ..documents.report_model import Report
    from ..documents.transcript_model import Transcript
    from ..storage import Target

_OF_AN_OLDER = "it was made by an older version of sessiontool, and does not say what became of every byte"


def verify_published(target: Target, session_id: str | None = None) -> tuple[Report, list[Finding]]:
    """The report of a published result, and what is wrong with it (NotFoundError without one, StorageError).

    `session_id` is that of the session which the result is kept with, where that is known.  Only where there is no
    problem can the report be taken for one.
    """
    body = target.read(REPORT)
    if body is None:
        raise not_published(target.locate(REPORT))
    document, problems = _verified(target, body, session_id)
    if problems and target.read(REPORT) != body:
        raise StorageError(f"{target.url} was replaced while it was checked", hint="check it again")
    return document, problems


def _verified(target: Target, body: bytes, session_id: str | None) -> tuple[Report, list[Finding]]:
    from .result_shapes import REPORT_SHAPE, misfits  # noqa: PLC0415 - what a merge checks was made with its shape

    problems = Problems()
    parsed = json_object(body)
    document = cast("Report", parsed or {})
    if parsed is None:
        problems.add("verify-report", f"{REPORT} is no JSON object")
    elif is_older(parsed):
        problems.add("verify-version", f"{REPORT}: {_OF_AN_OLDER}", hint=AGAIN)
    else:
        for misfit in misfits(parsed, REPORT_SHAPE):
            problems.add("verify-report", f"{REPORT}: {misfit}")
    if problems.findings:
        return document, problems.findings
    if not report.is_sealed(document) or report.to_text(document).encode("utf-8", "replace") != body:
        problems.add("verify-report", f"{REPORT} is not as it was written: its own hash, or its spelling, is another")
    if session_id is not None:
        problems.expect("verify-report", f"session_id in {REPORT}", session_id, document["session_id"])
    problems.findings += verify_agreement.verify_report(document)
    problems.findings += verify_agreement.verify_names(document, target.sizes())
    return document, problems.findings + _verify_files(target, document)


def _verify_files(target: Target, document: Report) -> list[Finding]:
    """Read every file that a report names, and compare it with the report and with the others."""
    problems: list[Finding] = []
    named = {output["name"] for output in document["outputs"]}
    bodies = dict(_bodies(target, sorted(named.intersection(OUTPUTS).difference(AUDIO_NAMES.values())), problems))
    found = {name: (len(body), hashlib.sha256(body).hexdigest()) for name, body in bodies.items()}
    if (audio := audio_of(document)) in named:
        with suppress(NotFoundError), target.fetched(audio) as path:
            found[audio] = digest_of(path)
            with path.open("rb") as file:
                problems += _verify_sound(file, document)
    problems += verify_agreement.verify_outputs(found, document)
    if (body := bodies.get(TRANSCRIPT)) is not None:
        shown = {name: text for name, text in bodies.items() if is_caption_file(name)}
        problems += _verify_transcript(body, shown, bodies.get(METRICS), document)
    return problems


def _verify_sound(file: BinaryIO, document: Report) -> list[Finding]:
    """Compare a recording, open for reading at its start, with its report."""
    codec = next(codec for codec, name in AUDIO_NAMES.items() if name == audio_of(document))
    return _check_of(codec)(file, document, _maker(document))


def _check_of(codec: str) -> Callable[[BinaryIO, Report, verify.Maker], list[Finding]]:
    """What compares a recording of a codec with its report; most are Opus, and load nothing of the others."""
    if codec == "aac":
        from .verify_m4a import verify_m4a  # noqa: PLC0415

        return verify_m4a
    if codec == "pcm":
        from .verify_flac import verify_flac  # noqa: PLC0415

        return verify_flac
    if codec == "mp3":
        from .verify_mp3 import verify_mp3  # noqa: PLC0415

        return verify_mp3
    return verify.verify_audio


def _bodies(target: Target, names: Iterable[str], problems: list[Finding]) -> Iterator[tuple[str, bytes]]:
    """The documents of a result that are there; one that is too large to be one is a problem."""
    for name in names:
        try:
            body = target.read(name)
        except RecordingError as error:
            problems.append(Finding("verify-outputs", "error", error.message, hint=error.hint))
            continue
        if body is not None:
            yield name, body


def _verify_transcript(body: bytes, shown: dict[str, bytes], metrics: bytes | None, document: Report) -> list[Finding]:
    """Compare the transcript, and the captions and metrics that were made of it, with the report."""
    from .result_shapes import TRANSCRIPT_SHAPE, misfits  # noqa: PLC0415 - as above

    problems = Problems()
    parsed = json_object(body)
    if parsed is None:
        problems.add("verify-transcript", f"{TRANSCRIPT} is no JSON object")
        return problems.findings
    for misfit in misfits(parsed, TRANSCRIPT_SHAPE):
        problems.add("verify-transcript", f"{TRANSCRIPT}: {misfit}")
    if problems.findings:
        return problems.findings
    transcript = cast("Transcript", parsed)
    return [
        *verify_agreement.verify_transcript(transcript, document),
        *verify_agreement.verify_utterance_times(transcript, document["duration_s"]),
        *verify_agreement.verify_captions(shown, transcript, document),
        *verify_agreement.verify_metrics(metrics, transcript, document),
    ]


def _maker(document: Report) -> verify.Maker:
    tool = document["tool"]
    return verify.Maker(f"{tool['name']} {tool['version']}", track_uid(document["session_id"]))


def verify_made(
    work: Path, document: Report, transcript: Transcript, cues_ms: Iterable[tuple[int, int]]
) -> Iterator[Finding]:
    """What is wrong with files that are about to be published."""
    with (work / audio_of(document)).open("rb") as file:
        yield from _verify_sound(file, document)
    yield from verify_agreement.verify_report(document)
    yield from verify_agreement.verify_utterance_times(transcript, document["duration_s"])
    yield from verify_agreement.verify_cue_times(cues_ms, document["duration_s"])


def require_verified(problems: Iterator[Finding]) -> None:
    for problem in problems:
        raise RecordingError(
            f"the joined file did not pass its own check, nothing was published: {problem.message}",
            hint="this is a bug of sessiontool: please report it with the session's chunks",
        )
