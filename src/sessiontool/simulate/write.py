"""A simulated session written as a folder of a store, the truth beside it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from .eventlog import event_log

if TYPE_CHECKING:
    from .faults import Part
    from .session import SimulatedRecording, SimulatedSession

_STARTED_AT = "2026-01-05T09:00:00.000+00:00"


def write_session(session: SimulatedSession, folder: Path, *, bare: bool = False) -> None:
    """Write the session's folder, all of it or nothing, without session.json if `bare` (UsageError where it exists)."""
    if folder.exists():
        raise UsageError(f"{folder} exists already", hint="choose another folder, or delete it first")
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        work.chmod(0o755)
        for name, part in session.parts.items():
            _write_chunks(work / "chunks" / name, part)
        if not bare:
            _write_json(work / "session.json", _session_json(session, folder.name))
        if session.recording.spoken:
            (work / "utterances.jsonl").write_text(_utterances_jsonl(session.recording), encoding="utf-8")
        if session.recording.plan.events is not None:
            log = event_log(session.recording.said(), session.recording.log_plan())
            (work / "events.jsonl").write_text(log, encoding="utf-8")
        _write_json(work / "truth.json", session.truth())
        work.rename(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _write_chunks(folder: Path, part: Part) -> None:
    folder.mkdir(parents=True)
    for upload in part.uploads:
        if upload.stored:
            (folder / upload.name).write_bytes(upload.data)


def _session_json(session: SimulatedSession, session_id: str) -> dict[str, Any]:
    plan = session.recording.plan
    return {
        "schema": "sessiontool.session/1",
        "session_id": session_id,
        "started_at": _STARTED_AT,
        "user_agent": f"sessiontool simulate ({plan.recorder})",
        "channels": ["user", "assistant"] if plan.channels == 2 else ["mixed"],
        "speakers": {"user": "Dana", "assistant": "Morgan"},
        "parts": [_part_json(int(name), part) for name, part in session.parts.items()],
    }


def _part_json(number: int, part: Part) -> dict[str, Any]:
    plan = part.runs[0].plan
    noted = {upload.seq: upload.noted for upload in part.uploads if upload.noted}
    return {
        "part": number,
        "mime_type": "audio/webm;codecs=opus",
        "audio_bits_per_second": plan.bit_rate,
        "timeslice_ms": plan.timeslice_ms,
        "start_ms": plan.start_ms,
        **({"stop_ms": plan.stop_ms} if part.stop_noted else {}),
        "pauses": [{"start_ms": pause.start_ms, "end_ms": pause.end_ms} for pause in plan.pauses],
        "chunks": [
            {"seq": seq, "bytes": note.bytes, "emitted_ms": note.emitted_ms, "sha256": note.sha256}
            for seq, note in sorted(noted.items())
        ],
    }


def _utterances_jsonl(recording: SimulatedRecording) -> str:
    rng, error = recording.rng("log"), recording.plan.clock_error
    lines = []
    for said in recording.said():
        line = {
            "id": said.id,
            "role": said.role,
            "text": said.generated,
            "t_start": error.logged_s(said.start_ms, rng),
            "t_end": error.logged_s(said.end_ms, rng),
        }
        lines.append(json.dumps(line) + "\n")
    return "".join(lines)


def _write_json(path: Path, value: dict[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")
