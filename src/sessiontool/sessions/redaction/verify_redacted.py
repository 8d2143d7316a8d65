"""Is a redacted result what it claims to be?  Silent where something is gone, the recording elsewhere, and no secret.

Its own files are checked as those of any result.  While the merged result is there, packets are compared with its
packets, and what is gone of its texts, found by comparing both transcripts, is searched in every file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...documents.json_text import parse
from ...errors import NotFoundError, RecordingError
from ...model import SAMPLE_RATE
from .. import result_files
from ..align_recording import head_of
from ..result_names import REDACTED, REDACTED_LIST, TRANSCRIPT, audio_of
from ..verify_problems import Problems
from ..verify_result import verify_published
from .chain import cuts_of
from .forms import LABELS, Secrets, letters_of
from .matching import find_matches
from .packet_cuts import VOICE_ROOM
from .plan import OF_PLACES
from .redact import is_made_of
from .search import HEAD_BYTES, secrets_in, texts_of
from .silencing import silencing_of, units_of
from .source import read_documents

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from ...documents.report_model import Report
    from ...model import Finding
    from ...storage import Target
    from .packet_cuts import Cut
    from .silencing import Silencing

SILENT_DB = -70.0
"""What is gone is quieter than this: chosen, far below what can be heard; silence packets decode to less."""

BEEP_DB = -20.0
"""The tone is not louder, in dB of full scale: chosen, it has -26, and what an overlap adds."""

_LEAST_LETTERS = 5
"""Chosen: shorter texts occur by chance in any file."""
_AGAIN = "redact it again: sessiontool merge ID makes it anew"


def verify_redacted(session_id: str, target: Target, texts: Sequence[str] = ()) -> tuple[Report, list[Finding]] | None:
    """The report of the redacted result of a result, and what is wrong with it; None where there is none.

    `texts` are patterns that must match nothing in it (NotFoundError where they are given and there is none).
    """
    inside = target.inside(REDACTED)
    if inside.read(result_files.REPORT) is None:
        if texts:
            raise NotFoundError(f"{session_id} has no redacted result", hint="make it: sessiontool redact ID --text …")
        return None
    report, findings = verify_published(inside, session_id)
    if findings:
        return report, findings
    problems = Problems()
    if "redaction" not in report:
        problems.add("verify-redaction", "it is no redacted result: its report has nothing that is gone", _AGAIN)
        return report, problems.findings
    bodies = list(_bodies(inside, report))
    with inside.fetched(audio_of(report)) as path:
        bodies.append((audio_of(report), _start(path)))
        _check_silence(path, cuts_of(report), problems)
        _check_whole(session_id, target, path, report, dict(bodies), problems)
    for pattern in texts:
        _check_pattern(pattern, bodies, problems)
    return report, problems.findings


def _bodies(inside: Target, report: Report) -> Iterator[tuple[str, bytes]]:
    for name in result_files.names(report):
        if name != audio_of(report):
            yield name, inside.read(name) or b""


def _start(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def _check_silence(path: Path, cuts: Sequence[Cut], problems: Problems) -> None:
    from ...audio.silence import loudest_db  # noqa: PLC0415

    head = head_of(path)
    silencing = silencing_of(head)
    looked_at = [one for cut in cuts if (one := _inner(cut, silencing))[0] < one[1]]
    stretches = [(start, end) for start, end, *_ in looked_at]
    channels = [channel for *_, channel, _ in looked_at]
    for number, found_db in loudest_db(units_of(path, head), head, stretches, channels):
        if found_db >= looked_at[number][-1]:
            at_s = stretches[number][0] / SAMPLE_RATE
            problems.add("verify-redaction", f"at {at_s:.2f} s there is sound of {found_db:.0f} dB", _AGAIN)


def _inner(cut: Cut, silencing: Silencing) -> tuple[int, int, int | None, float]:
    """Where a cut must be quiet, from and to (output samples), on which channel, and how quiet it must be."""
    start, end = cut.gone
    most_db = BEEP_DB if cut.beep else SILENT_DB
    if cut.channel is None:
        return start + silencing.ring, end - silencing.tail, None, most_db
    before, behind = VOICE_ROOM if silencing.overlap else (silencing.ring, silencing.tail)
    return start + before, end - behind, cut.channel, most_db


def _check_whole(
    session_id: str,
    target: Target,
    path: Path,
    report: Report,
    bodies: Mapping[str, bytes],
    problems: Problems,
) -> None:
    """Compare it with the merged result, where that is there."""
    whole = result_files.current_report(target.read(result_files.REPORT))
    if whole is None:
        return
    if not is_made_of(report, whole):
        problems.add("redacted-stale", "the session was merged again since it was redacted", _AGAIN)
        return
    with target.fetched(audio_of(report)) as original:
        _compare(path, original, cuts_of(report), problems)
    try:
        _, transcript = read_documents(session_id, target)
    except RecordingError as error:
        problems.add("verify-redaction", error.message, error.hint)
        return
    secrets = Secrets(_gone(transcript, parse(bodies[TRANSCRIPT]), parse(bodies[REDACTED_LIST])))
    for name in secrets_in(secrets, bodies.items()):
        problems.add("verify-redaction", f"{name} has something that is gone elsewhere", _AGAIN)


def _compare(path: Path, original: Path, cuts: Sequence[Cut], problems: Problems) -> None:
    gone = {number for cut in cuts for number in range(cut.first, cut.after)}
    pairs = zip(*(units_of(one, head_of(one)) for one in (path, original)), strict=False)
    for number, (packet, recorded) in enumerate(pairs):
        if packet != recorded and number not in gone:
            problems.add("verify-redaction", f"packet {number} is not the one that was recorded", _AGAIN)
            return


def _gone(whole: Mapping[str, Any], left: Mapping[str, Any], listed: Mapping[str, Any]) -> Iterator[str]:
    """What is gone of texts that were redacted for what they say, wherever they say it."""
    named = {one.get("utterance") for one in listed["redactions"] if one["rule"] not in OF_PLACES}
    texts = {one["id"]: one["text"] for one in left["utterances"]}
    for one in whole["utterances"]:
        if one["id"] in named and one["id"] in texts:
            yield from (piece for piece in _pieces(one["text"], texts[one["id"]]) if _is_telling(piece))


def _pieces(whole: str, left: str) -> Iterator[str]:
    """The parts of a text in whose place labels are."""
    kept = LABELS.split(left)
    at = len(kept[0])
    for number, part in enumerate(kept[1:], 1):
        end = len(whole) - len(part) if number == len(kept) - 1 else whole.find(part, at)
        if end < at:  # another text: what was compared is not what was made of it
            yield whole[at:]
            return
        yield whole[at:end]
        at = end + len(part)


def _is_telling(piece: str) -> bool:
    return len(letters_of(piece)[0]) >= _LEAST_LETTERS


def _check_pattern(pattern: str, bodies: Sequence[tuple[str, bytes]], problems: Problems) -> None:
    pieces = [(name, text) for name, body in bodies for text in texts_of(name, body)]
    found = find_matches(pattern, [text for _, text in pieces])
    for name in dict.fromkeys(name for (name, _), matches in zip(pieces, found, strict=True) if matches):
        problems.add("verify-redaction", f"a text that must be gone is in {name}", _AGAIN)
