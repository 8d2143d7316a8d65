"""A recorder for each role: each recording is joined by itself, both are laid side by side, and encoded once.

Opus has no other way to put two recordings into one.  Where each begins on the session clock its `start_ms` says, or
the log's utterances in its sound; where neither does they begin together, and that is a warning.

The chunks stay the originals: the report has their hashes, and no purge takes them for what is in the result.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from ..model import Finding
from ..progress import Silent
from ..recording.seam_losses import seam_losses
from ..recording.sequence import part_entry
from .encode_once import write_encoded
from .inputs import read_session_document
from .join import join_session
from .provenance import ROLE_RECORDERS
from .report import chunk_json, silence_findings
from .role_folders import RECORDING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO

    from ..documents.models import PartEntry, SessionDocument
    from ..documents.report_model import ReportRecorder
    from ..model import SessionListing
    from ..storage import Store
    from .inputs import Notes
    from .join import Recording


class RoleRecording(Struct):
    """What one role's recorder gave; `start_ms` is when it begins on the session clock, None where nothing says so.

    `is_noted`: the recorder said that; otherwise it is by the log, whose times are early for one role and late for the
    other.
    """

    role: str
    recording: Recording
    start_ms: float | None
    is_noted: bool = True

    @property
    def length_ms(self) -> float:
        return self.recording.timeline.total_samples / 48


def join_roles(store: Store, listings: Mapping[str, SessionListing], notes: Notes, work: Path) -> list[RoleRecording]:
    """Join the recording of each role, in a folder of its own in `work` (RecordingError, StorageError)."""
    found = []
    for role, listing in listings.items():
        folder = work / role
        folder.mkdir()
        session, _ = read_session_document(store.read, listing)
        joined = join_session(store, listing, session, folder, keep_pauses=True, progress=Silent())
        found.append(_begun(role, joined, session, notes))
    return found


def _begun(role: str, joined: Recording, session: SessionDocument, notes: Notes) -> RoleRecording:
    """The recording with its beginning, as far as that is known."""
    first = joined.timeline.spans[0]
    file = joined.assembly.chunks[0].chunk.object.key.partition(f"/{RECORDING}/")[2]
    if file:
        noted = next((one.start_ms for one in session.recordings if one.file == file), None)
        if noted is not None:
            return RoleRecording(role, joined, noted)
    entry = part_entry(session.parts, first.part)
    # Of whole recordings an import has the one part that it made of both.
    if entry is not None and (not file or entry.role == role) and _says_when(entry, first.session_start_us):
        return RoleRecording(role, joined, first.session_start_us / 1000)
    offset_ms = _offset_by_log(role, joined, notes)
    start_ms = None if offset_ms is None else first.session_start_us / 1000 + offset_ms
    return RoleRecording(role, joined, start_ms, is_noted=False)


def _says_when(entry: PartEntry, session_start_us: int) -> bool:
    """Whether the recorder noted when it was started, or when its first blob was handed over, which gives it."""
    has_instants = any(chunk.emitted_ms is not None for chunk in entry.chunks)
    return entry.start_ms is not None or (has_instants and session_start_us != 0)


def _offset_by_log(role: str, joined: Recording, notes: Notes) -> float | None:
    """How much later on the log's clock a recording begins than it says, by where the role's utterances sound."""
    own = [one for one in notes.utterances if one.role == role and one.t_start_us is not None]
    if not own:
        return None
    from ..alignment.part_starts import is_sure  # noqa: PLC0415 - for recorders that noted no start
    from .align_recording import find_utterances  # noqa: PLC0415

    session = replace(notes.session, channels=[role])
    alignment, _ = find_utterances(joined, replace(notes, utterances=own, session=session), Silent())
    part = alignment.parts[0] if alignment.parts else None
    return None if part is None or part.offset_ms is None or not is_sure(part) else -part.offset_ms


def write_side_by_side(found: list[RoleRecording], body: BinaryIO, out: BinaryIO) -> tuple[float, float]:
    """Encode the recordings into one WebM file, the first on the left; when it begins and ends, in ms."""
    start_ms = min((one.start_ms for one in found if one.start_ms is not None), default=0.0)
    late_ms = [0.0 if one.start_ms is None else one.start_ms - start_ms for one in found]
    write_encoded(_sound(found, late_ms), len(found), body, out, ROLE_RECORDERS)
    return start_ms, start_ms + max(late + one.length_ms for late, one in zip(late_ms, found, strict=True))


def _sound(found: list[RoleRecording], late_ms: list[float]) -> Iterator[object]:
    from ..audio.lanes import side_by_side  # noqa: PLC0415
    from ..audio.recorded_file import lane_of  # noqa: PLC0415

    return side_by_side([lane_of(one.recording.path, late / 1000) for one, late in zip(found, late_ms, strict=True)])


def recorders_json(found: list[RoleRecording]) -> list[ReportRecorder]:
    """What the report says of the originals."""
    return [
        {
            "role": one.role,
            "start_ms": None if one.start_ms is None else round(one.start_ms, 1),
            "chunks": [chunk_json(record) for record in one.recording.assembly.chunks],
        }
        for one in found
    ]


def role_findings(found: list[RoleRecording], start_ms: float, encoded: Finding | None = None) -> list[Finding]:
    """What is to be said of each recording, and that they were encoded again (`encoded`, where it is not as usual)."""
    usual = Finding(
        "encoded-again",
        "info",
        f"the recorders of {' and '.join(one.role for one in found)} were decoded, laid side by side by the "
        "session clock, and encoded once",
        hint="keep the chunks: they are the originals, and no purge of chunks deletes them",
    )
    findings = [encoded or usual]
    if unknown := [one.role for one in found if one.start_ms is None]:
        findings.append(
            Finding(
                "recorders-unaligned",
                "warning",
                f"nothing says when the recorder of {' and of '.join(unknown)} was started: it is laid at the start",
                hint="note start_ms of both recorders in session.json, on one clock",
            )
        )
    findings += [
        Finding(
            "recorder-start-found",
            "warning",
            f"no start_ms of the recorder of {one.role} was recorded: by where its utterances sound it began "
            f"{one.start_ms / 1000:.2f} s into the session, which may be a second off",
            hint="note start_ms of both recorders in session.json, on one clock",
        )
        for one in found
        if one.start_ms is not None and not one.is_noted
    ]
    for one in found:
        late_s = 0.0 if one.start_ms is None else (one.start_ms - start_ms) / 1000
        order, timeline = one.recording.assembly.order, one.recording.timeline
        silence = (*silence_findings(timeline), *seam_losses(order, timeline))
        for finding in (*one.recording.assembly.findings, *silence):
            at_s = None if finding.at_s is None else round(finding.at_s + late_s, 3)
            findings.append(replace(finding, message=f"{one.role}: {finding.message}", at_s=at_s))
    return findings
