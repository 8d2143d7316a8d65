"""A recording that was made elsewhere (by a server, a telephone service, another recorder) as a session of a store.

The files are kept byte for byte.  Stereo Opus is the session's chunk as it is; anything else is encoded to Opus once,
the user on the left.  Which channel has whom the caller says, or the service that recorded it, or the log by its sound.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from ..errors import NotFoundError, RecordingError, UsageError
from ..model import SURE
from ..options import MergeOptions
from ..progress import Progress, Silent
from ..storage import S3Options, open_store, scratch_folder
from .encode_once import write_encoded
from .import_place import new_session
from .role_folders import RECORDING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ..audio.recorded_file import RecordedFile
    from ..documents.models import SessionDocument
    from .join import Recording

SOURCES = {
    "live": ("user", "assistant"),
    "azure": ("user", "assistant"),
    "livekit": ("assistant", "user"),
    "vapi": (),
    "twilio": (),
    "telnyx": (),
    "wav": (),
}
"""The roles on the left and right channel of what a service records, as it documents them; empty where it does not, or
depends on the call.  LiveKit's egress with `DUAL_CHANNEL_AGENT` has its agent on the left."""

_ROLES = ("user", "assistant")
_LOG_ENDINGS = frozenset({".json", ".jsonl", ".csv", ".tsv", ".srt", ".vtt", ".txt"})
_COPY_BYTES = 1 << 20  # chosen: few calls, little memory


class ImportOptions(Struct, frozen=True):
    """How a recording is imported.

    `channels` are the roles on the channels of a stereo file, or of each of two files; empty: as `source` has them, or
    by the log.  `late_s` is how much later than the first each file begins, in seconds.
    """

    source: str = "wav"
    channels: tuple[str, ...] = ()
    late_s: tuple[float, ...] = ()
    utterances: Path | None = None
    events: Path | None = None
    started_at: str | None = None


class ImportResult(Struct, frozen=True):
    """A session that was made: `location` is where, `channels` the roles of its channels as they were found."""

    session_id: str
    location: str
    files: tuple[RecordedFile, ...]
    channels: tuple[str, ...]
    channels_from: str
    encoded: bool


def import_recording(
    files: Sequence[Path],
    store: str,
    session_id: str,
    options: ImportOptions,
    progress: Progress | None = None,
    *,
    s3: S3Options | None = None,
) -> ImportResult:
    """Make a session of one file, or of two with a voice each, in a folder or a bucket: all of it, or nothing.

    UsageError (the session exists, roles that make no sense), NotFoundError, RecordingError (no sound, or more than
    two channels), StorageError.
    """
    from ..audio.recorded_file import look_at  # noqa: PLC0415

    progress = progress or Silent()
    progress.stage("reading")
    found = tuple(look_at(path) for path in files)
    _require_two_voices(found)
    roles, roles_from = _roles(found, options)
    with new_session(store, session_id, s3 or S3Options()) as (session, location):
        _write(found, session, session_id, roles, options, progress)
        if roles_from == "guess":
            is_swapped = _is_swapped(session.parent, session_id, progress)
            roles_from = "guess" if is_swapped is None else "log"
            if is_swapped:
                roles = roles[::-1]
                shutil.rmtree(session)
                session.mkdir()
                _write(found, session, session_id, roles, options, progress)
    return ImportResult(session_id, location, found, roles, roles_from, not _is_kept_as_chunk(found, roles))


def _require_two_voices(found: Sequence[RecordedFile]) -> None:
    if len(found) > 2 or sum(one.channels for one in found) > 2:
        counts = ", ".join(f"{one.path.name}: {one.channels}" for one in found)
        raise RecordingError(
            f"a session has two channels, and these files have more ({counts})",
            hint="choose two of them first: ffmpeg -i FILE -af 'pan=stereo|c0=c0|c1=c1' OUT.wav",
        )


def _roles(found: Sequence[RecordedFile], options: ImportOptions) -> tuple[tuple[str, ...], str]:
    """Who is on which channel, and what says so: `option`, `source`, or nothing (a `guess`)."""
    if options.source not in SOURCES:
        raise UsageError(f"--source {options.source!r} is not known", hint=f"it is one of {', '.join(SOURCES)}")
    if any(not late_s >= 0 for late_s in options.late_s) or len(options.late_s) > len(found):
        raise UsageError("--late is a number of seconds from 0, for each file", hint="for example --late 0 --late 1.25")
    voices = sum(one.channels for one in found)
    if options.channels:
        if len(options.channels) != voices or len(set(options.channels)) != voices:
            raise UsageError(
                f"--channels names {', '.join(options.channels)}, and there are {voices} channels",
                hint="name each channel's role once: --channels assistant,user",
            )
        return options.channels, "option"
    if voices == 1:
        return ("mixed",), "source"
    documented = SOURCES[options.source] if len(found) == 1 else ()
    return (documented, "source") if documented else (_ROLES, "guess")


def _is_kept_as_chunk(found: Sequence[RecordedFile], roles: Sequence[str]) -> bool:
    """Whether a file can be a session's chunk as it is: Opus in a container that is joined, the user on the left."""
    one = found[0]
    is_joined = one.codec == "opus" and any(name in one.container for name in ("ogg", "webm", "mp4"))
    return len(found) == 1 and is_joined and (one.channels == 1 or roles[0] == _ROLES[0])


def _write(
    found: Sequence[RecordedFile],
    session: Path,
    session_id: str,
    roles: Sequence[str],
    options: ImportOptions,
    progress: Progress,
) -> None:
    """The session's folder: the files, the chunk, the logs and session.json."""
    progress.stage("writing")
    chunks = session / "chunks" / "000"
    chunks.mkdir(parents=True)
    kept: list[dict[str, Any]] = []
    if _is_kept_as_chunk(found, roles):
        ending = "ogg" if "ogg" in found[0].container else "mp4" if "mp4" in found[0].container else "webm"
        kept.append(_copied(found[0], chunks, f"000000.{ending}"))
    else:
        for index, one in enumerate(found):
            role = f"{roles[index]}/" if len(found) > 1 else ""
            kept.append(_copied(one, session / RECORDING, f"{role}000{one.path.suffix.lower()[:8]}"))
        with ExitStack() as stack:
            body = stack.enter_context((session / "clusters").open("w+b"))
            out = stack.enter_context((chunks / "000000.webm").open("wb"))
            _encode(found, roles, options, body, out)
        (session / "clusters").unlink()
    for path, name in ((options.utterances, "utterances"), (options.events, "events")):
        if path is not None:
            _copy_log(path, session, name)
    left_to_right = ["mixed"] if len(roles) == 1 else sorted(roles, key=lambda role: role != _ROLES[0])
    document = {
        "schema": "sessiontool.session/1",
        "session_id": session_id,
        **({"started_at": options.started_at} if options.started_at else {}),
        "channels": left_to_right,
        "parts": [{"part": 0, "start_ms": 0}],
        "recordings": [
            {**entry, "source": options.source, **more}
            for entry, more in zip(kept, _places(roles, len(kept), options.late_s), strict=True)
        ],
    }
    (session / "session.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _places(roles: Sequence[str], files: int, late_s: Sequence[float]) -> list[dict[str, Any]]:
    """What session.json says of each kept file: its roles, and when it begins, as far as `late_s` says so."""
    if files == 1:
        return [{"channels": list(roles), "start_ms": 0}]
    begins = [{"start_ms": round(late * 1000)} for late in (*late_s, 0.0, 0.0)] if late_s else [{}, {}]
    return [{"channels": [role], **begin} for role, begin in zip(roles, begins, strict=False)]


def _copied(one: RecordedFile, folder: Path, name: str) -> dict[str, Any]:
    """Copy a file as it is; returns what session.json says of it, with its name below the folder."""
    digest, target = hashlib.sha256(), folder / name
    target.parent.mkdir(parents=True, exist_ok=True)
    with one.path.open("rb") as source, target.open("wb") as out:
        while data := source.read(_COPY_BYTES):
            digest.update(data)
            out.write(data)
    return {
        "file": name,
        "name": one.path.name[:200],
        "bytes": target.stat().st_size,
        "sha256": digest.hexdigest(),
        "codec": one.codec,
        "rate_hz": one.rate_hz,
    }


def _copy_log(path: Path, session: Path, name: str) -> None:
    if not path.is_file():
        raise NotFoundError(f"there is no {path}", hint="name the file of the log")
    ending = path.suffix.lower()
    if ending not in _LOG_ENDINGS or (name == "events" and ending not in {".json", ".jsonl"}):
        raise UsageError(f"{path} is no log of {name}", hint=f"logs end in {', '.join(sorted(_LOG_ENDINGS))}")
    shutil.copyfile(path, session / f"{name}{ending}")


def _encode(found: Sequence[RecordedFile], roles: Sequence[str], options: ImportOptions, body: Any, out: Any) -> None:
    """Encode the sound once, the user on the left."""
    write_encoded(_sound(found, roles, options), len(roles), body, out, f"sessiontool import ({options.source})")


def _sound(found: Sequence[RecordedFile], roles: Sequence[str], options: ImportOptions) -> Iterator[Any]:
    from ..audio.lanes import side_by_side  # noqa: PLC0415
    from ..audio.recorded_file import lane_of, stereo_of  # noqa: PLC0415

    late_s = (*options.late_s, 0.0, 0.0)
    is_swapped = len(roles) == 2 and roles[1] == _ROLES[0]
    if len(found) == 1 and found[0].channels == 2:
        yield from stereo_of(found[0].path, swapped=is_swapped)
        return
    lanes = [lane_of(one.path, late) for one, late in zip(found, late_s, strict=False)]
    yield from side_by_side(lanes[::-1] if is_swapped else lanes)


def _is_swapped(store: Path, session_id: str, progress: Progress) -> bool | None:
    """Whether the log's utterances sound on each other's channel; None where the sound does not say."""
    from .inputs import read_notes  # noqa: PLC0415
    from .join import join_session  # noqa: PLC0415
    from .merge import hear_session  # noqa: PLC0415

    made = open_store(str(store))
    listing = made.list_session(session_id)
    with made.reading(()) as read:
        notes = read_notes(read, listing)
    if not notes.utterances:
        return None
    with scratch_folder() as work:

        def join(session: SessionDocument) -> Recording:
            return join_session(made, listing, session, work, keep_pauses=False, progress=progress)

        _, alignment, _ = hear_session(join, join(notes.session), notes, MergeOptions(), progress)
    if any(finding.code == "channels-swapped" for finding in alignment.findings):
        return True
    sure = sum(place.confidence >= SURE for place in alignment.placements)
    is_sure = 2 * sure > len(alignment.placements) and all(len(one.roles) == 1 for one in alignment.channels)
    return False if is_sure else None
