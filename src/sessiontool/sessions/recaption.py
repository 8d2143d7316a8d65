"""Captions again, from a published transcript.json alone: another profile, other formats, or a corrected text.

Corrections of a file of the user's can be put into the transcript first; those beside a log are for a merge to read.
The sounds of its words can be, too: they alone are looked for in the audio.  The chunks are not read.

What is published is the new caption files and the report, which tells their hashes and that of the transcript as it
stands; the mark of the input stays as it is, so that a later merge of the same input leaves the result alone.
"""

from __future__ import annotations

from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Any, cast

from msgspec import Struct

from .. import __version__
from ..captions import caption, options_json
from ..errors import NotFoundError, RecordingError
from ..progress import Progress, Silent
from . import report, result_files
from .corrections import EDITED, copies_of, correct_transcript, edited_captions, edited_transcript
from .redaction.destroyed import kept_result
from .redaction.renew import renew_redacted
from .result_names import METRICS

if TYPE_CHECKING:
    from pathlib import Path

    from ..captions import Captions
    from ..documents.corrections import Corrections
    from ..documents.report_model import Report
    from ..options import CaptionOptions
    from ..storage import Store, Target


class RecaptionResult(Struct, frozen=True):
    """What was made of a transcript, and where it is; `published`: whether it was written."""

    session_id: str
    location: str
    captions: Captions
    published: bool


class TranscriptChanges(Struct, frozen=True):
    """What is put into a transcript before its captions are made: corrections, and the sounds of its words."""

    corrections: Corrections | None = None
    phones: bool = False


def recaption_session(
    session_id: str,
    target: Target,
    options: CaptionOptions,
    changes: TranscriptChanges | None = None,
    *,
    store: Store | None = None,
    publish: bool = True,
    progress: Progress | None = None,
) -> RecaptionResult:
    """Make the captions of a published session again, and its redacted result, where `store` has redactions of it.

    The transcript is made again where it is to have `changes`.

    Raises NotFoundError (nothing published), RecordingError (no transcript that can be used, or for phones no such
    recording), StorageError, UsageError (a format's package is missing, or for phones the extra `words`); then nothing
    was changed.
    """
    progress, changes = progress or Silent(), changes or TranscriptChanges()
    corrections = changes.corrections
    target = kept_result(target)
    with target.workspace() if publish else nullcontext() as work:
        progress.stage("captioning")
        document = result_files.read_published(target, result_files.REPORT)
        transcript = result_files.read_published(target, result_files.TRANSCRIPT)
        if not isinstance(transcript.get("utterances"), list):
            raise RecordingError(
                f"{target.locate(result_files.TRANSCRIPT)} has no list of utterances",
                hint="merge the session again with --force",
            )
        if corrections and corrections.by_id and "redaction" in document:  # they may say what is to be gone
            raise RecordingError(
                f"the original result of {session_id} was destroyed: corrections may bring back what it hides",
                hint="leave --corrections out",
            )
        is_changed = corrections is not None and correct_transcript(transcript, corrections)
        if changes.phones:
            from .find_phones import find_phones  # noqa: PLC0415 - which few captions need

            find_phones(session_id, target, document, transcript, progress)
            is_changed = True
        note, audio = result_files.note_of(session_id), result_files.audio_of(document)
        made = caption(transcript, options, note=note, audio=audio, report=document)
        if work is not None:
            progress.stage("publishing")
            _publish(target, document, transcript, made, work, is_changed=is_changed)
            if store is not None and "redaction" not in document:
                _renew(store, session_id, target, progress)
    return RecaptionResult(session_id, target.url, made, publish)


def _renew(store: Store, session_id: str, target: Target, progress: Progress) -> None:
    """Make the redacted result anew, of the captions and the transcript as they are now; we are in the workspace."""
    with suppress(NotFoundError):  # a result that is kept without its session
        renew_redacted(store, store.list_session(session_id), target, progress)


def _publish(
    target: Target,
    document: dict[str, Any],
    transcript: dict[str, Any],
    made: Captions,
    work: Path,
    *,
    is_changed: bool,
) -> None:
    """Put the caption files, and a report that names them beside what was there and the transcript as it is now."""
    from .page.publish import page_again  # noqa: PLC0415 - which few results have

    for name, text in made.files.items():
        result_files.write_text(work / name, text)
    is_sealed = report.is_sealed(document)
    before = target.read(result_files.REPORT)
    is_edited = edited_transcript(target, before) is not None
    copies = copies_of(edited_captions(target, before), work)
    if is_changed:
        result_files.write_text(work / result_files.TRANSCRIPT, report.to_text(transcript))
        document["utterances"] = len(transcript["utterances"])
    else:
        (work / result_files.TRANSCRIPT).write_bytes(target.read(result_files.TRANSCRIPT) or b"")
    changed = (result_files.TRANSCRIPT, *made.files, *_metrics_again(target, document, transcript, work))
    outputs = document.get("outputs")
    kept = [one for one in outputs if isinstance(one, dict)] if isinstance(outputs, list) else []
    kept = [one for one in kept if one.get("name") in result_files.OUTPUTS and one["name"] not in changed]
    document["outputs"] = [*kept, *(result_files.output_of(work / name) for name in changed)]
    if is_edited:  # so that a merge does not take it for its own
        next(one for one in document["outputs"] if one["name"] == result_files.TRANSCRIPT)[EDITED] = True
    tool = document["tool"] if isinstance(document.get("tool"), dict) else {}
    settings = tool["settings"] if isinstance(tool.get("settings"), dict) else {}
    document["tool"] = {
        **tool,
        "captions_version": __version__,
        "merged_captions": tool.get("merged_captions", settings.get("captions", {})),
        "settings": {**settings, "captions": options_json(made.options)},
    }
    if is_sealed:  # what was damaged before stays to be seen
        report.seal(cast("Report", document))
    result_files.write_report(work, cast("Report", document))
    changed += page_again(target, document, transcript, work)
    target.publish({**copies, **{name: work / name for name in (*changed, result_files.REPORT)}})


def _metrics_again(target: Target, document: dict[str, Any], transcript: dict[str, Any], work: Path) -> tuple[str, ...]:
    """The figures of the transcript as it is now, where there were some; as they were, where it has not its shape."""
    outputs = document.get("outputs")
    named = [one.get("name") for one in outputs if isinstance(one, dict)] if isinstance(outputs, list) else []
    if METRICS not in named:
        return ()
    from .session_metrics import metrics_of  # noqa: PLC0415

    try:
        counted = metrics_of(target, document, transcript)
    except RecordingError:
        return ()
    result_files.write_text(work / METRICS, report.to_text(counted))
    return (METRICS,)
