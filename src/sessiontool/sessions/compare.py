"""A session's recording against another one of the same conversation, such as a server's or a telephone service's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import RecordingError
from ..progress import Progress, Silent
from . import result_files
from .redaction.destroyed import kept_result
from .result_names import audio_of

if TYPE_CHECKING:
    from pathlib import Path

    from ..alignment.recordings import Comparison
    from ..storage import Target


@dataclass(frozen=True, slots=True)
class CompareResult:
    """What a comparison found: `first` is the session's recording, `second` the file."""

    session_id: str
    location: str
    file: str
    comparison: Comparison


def compare_session(session_id: str, target: Target, file: Path, progress: Progress | None = None) -> CompareResult:
    """Compare the published recording of a session with a sound file of any kind.

    NotFoundError (nothing published, no such file), RecordingError (no sound, or not the same conversation),
    StorageError.
    """
    from ..alignment.recordings import compare  # noqa: PLC0415
    from ..audio.energy import energy_of  # noqa: PLC0415

    progress = progress or Silent()
    progress.stage("listening")
    target = kept_result(target)
    with target.fetched(audio_of(result_files.read_published(target, result_files.REPORT))) as path:
        comparison = compare(energy_of(path), energy_of(file))
    if not comparison.alike:
        raise RecordingError(
            f"{file} is not a recording of session {session_id}: no stretch of both has the same sound",
            hint="is it the right file, and does it hold more than silence?",
        )
    return CompareResult(session_id, target.url, str(file), comparison)
