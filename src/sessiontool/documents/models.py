"""Wire models of what comes in: session.json and utterances.jsonl as the recorder writes them.

Every field that may be absent is; unknown fields are kept.  What has passed these models is handed on as the values
of `model`.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, StrictBool


def _as_text(value: Any) -> Any:
    """Numbers do for names: a part is 0 as well as "0"."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


Name = Annotated[str, BeforeValidator(_as_text)]
Milliseconds = Annotated[FiniteFloat, Field(ge=-1e14, le=1e14)]
"""A time on any clock, even one that counts from 1970; what is beyond would overflow in microseconds."""


class _Wire(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)


class ChunkEntry(_Wire):
    """What the recorder noted of one blob; `emitted_ms` is the session clock of its `dataavailable`."""

    seq: int = Field(ge=0, lt=10**18)  # as many digits as a key can have
    bytes: int | None = Field(default=None, ge=0, lt=1 << 63)
    emitted_ms: Milliseconds | None = None
    sha256: str | None = None


class PauseEntry(_Wire):
    """One `pause()` and `resume()`, on the session clock."""

    start_ms: Milliseconds
    end_ms: Milliseconds


class PartEntry(_Wire):
    """One MediaRecorder run; `start_ms` and `stop_ms` are the session clock at the calls of `start()` and `stop()`."""

    part: Name = Field(max_length=1024)  # as long as a key can be
    role: str | None = None
    mime_type: str | None = None
    timeslice_ms: Milliseconds | None = None
    start_ms: Milliseconds | None = None
    stop_ms: Milliseconds | None = None
    pauses: list[PauseEntry] = []
    realtime_session_id: str | None = None
    expires_at: Any = None
    chunks: list[ChunkEntry] = []


class RecordingEntry(_Wire):
    """A file that was imported, kept in the session as `file`; `name` is what it was called."""

    file: str = Field(max_length=255)  # as long as a file's name can be
    name: str | None = None
    bytes: int | None = Field(default=None, ge=0, lt=1 << 63)
    sha256: str | None = None


class ConsentEntry(_Wire):
    """Whether those who are heard agreed; nothing but `true` says so."""

    recorded: StrictBool | None = None
    policy: str | None = None
    at: Any = None


class RetentionEntry(BaseModel):
    """How long a session may be kept.  Unknown fields are refused: one may say that nothing is to be deleted."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    delete_chunks_after_days: FiniteFloat | None = Field(default=None, ge=0)
    delete_all_after_days: FiniteFloat | None = Field(default=None, ge=0)


class SessionDocument(_Wire):
    """session.json (`sessiontool.session/1`)."""

    session_id: Name | None = None
    started_at: str | None = None
    channels: list[str] | None = None
    speakers: dict[str, str] = {}
    parts: list[PartEntry] = []
    recordings: list[RecordingEntry] = []
    consent: ConsentEntry | None = None


class UtteranceDocument(_Wire):
    """One line of utterances.jsonl; times in seconds on the session clock."""

    id: Name | None = None
    role: str
    text: str
    t_start: FiniteFloat | None = None
    t_end: FiniteFloat | None = None
    interrupted: bool | None = None
    heard_text: str | None = None
    language: str | None = None
