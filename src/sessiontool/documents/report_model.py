"""report.json as types: what a result says of itself (the schema `sessiontool.report/1`).

The types hold for reports of this version and for those whose shape was checked; what was read from elsewhere is an
`object` until then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NotRequired, TypedDict

if TYPE_CHECKING:
    from ..model import Severity

Status = Literal["complete", "repaired", "partial"]
CaptionsStatus = Literal["complete", "doubtful", "none"]


class ReportFinding(TypedDict):
    """`at_s` is a time in the result in seconds, `lost_ms` how much recorded time is gone for good."""

    code: str
    severity: Severity
    message: str
    part: NotRequired[str]
    seq: NotRequired[int]
    byte_offset: NotRequired[int]
    at_s: NotRequired[float]
    lost_ms: NotRequired[float]
    hint: NotRequired[str]


class ReportPart(TypedDict):
    """A part, and the program that recorded it."""

    part: str
    recorder: str


class ReportStretch(TypedDict):
    """Bytes of a chunk that are not in the result; for a copy, the key and byte of what was kept."""

    byte_offset: int
    bytes: int
    reason: str
    kept_in: NotRequired[str]
    kept_at: NotRequired[int]


ReportWrapping = TypedDict("ReportWrapping", {"as": str, "bytes": int})
"""In what an upload wrapped a chunk, and the size of the object; `bytes` of the chunk are what came out of gzip."""


class ReportChunk(TypedDict):
    """What became of one chunk: the four sums add up to its `bytes`."""

    key: str
    part: str
    seq: int
    bytes: int
    sha256: str
    packets: int
    packets_sha256: NotRequired[str]
    samples: NotRequired[int]
    verdict: str
    payload_bytes: int
    structure_bytes: int
    damaged_bytes: int
    set_aside_bytes: int
    damage: NotRequired[list[ReportStretch]]
    damage_more: NotRequired[int]
    set_aside: NotRequired[list[ReportStretch]]
    set_aside_more: NotRequired[int]
    wrapped: NotRequired[ReportWrapping]


class ReportRecorder(TypedDict):
    """The chunks that the recorder of one role left, of which the recording was made; `start_ms` null: not known."""

    role: str
    start_ms: float | None
    chunks: list[ReportChunk]


class ReportIgnored(TypedDict):
    """An object that was not read, and what it may be."""

    key: str
    bytes: int
    kind: str


class ReportSpan(TypedDict):
    """A stretch of the result on three clocks, each from and to: samples at 48 kHz, and milliseconds."""

    kind: str
    cause: NotRequired[str]
    part: str
    silent_packets: NotRequired[int]
    filled_packets: NotRequired[int]
    filled_sha256: NotRequired[str]
    output_samples: list[int]
    recorder_ms: list[float]
    session_ms: list[float]


class ReportPackets(TypedDict):
    """`filled` are those that were encoded of another recording's sound."""

    recorded: int
    silent: int
    filled: NotRequired[int]


class ReportMissing(TypedDict):
    """A stretch that one of two recordings lacks; `at_s` is a time in this one."""

    lacks: Literal["session", "other"]
    at_s: float
    length_s: float
    filled_with_silence: bool


class ReportFilled(TypedDict):
    """A stretch of the result that is another recording's sound."""

    at_s: float
    length_s: float


class ReportAgainst(TypedDict):
    """How another recording of the session is to this one.

    What is at t here is at t + `offset_ms` there in the beginning, and `drift_ppm` later for each second.  `mark`
    changes when the other recording does.
    """

    name: str
    mark: str
    offset_ms: float
    drift_ppm: float
    alike: float
    channels_swapped: bool | None
    missing: list[ReportMissing]
    filled: list[ReportFilled]


class ReportPartAlignment(TypedDict):
    """How the log's clock of one part differs from the recording's."""

    part: str
    offset_ms: float | None
    drift_ppm: float | None
    residual_ms: dict[str, float]
    matched: int


class ReportChannel(TypedDict):
    channel: int
    roles: list[str]
    noise_db: float
    speech_db: float
    speech_without_text_s: list[list[float]]


ReportLeak = TypedDict(
    "ReportLeak", {"from": int, "to": int, "cause": Literal["encoder", "echo"], "delay_ms": float, "gain_db": float}
)
"""One channel that is heard on another."""


class ReportSound(TypedDict):
    channels: list[ReportChannel]
    leaks: list[ReportLeak]
    detector: str


class ReportRealtimeSession(TypedDict):
    """One Realtime session; what is not known is null."""

    id: str
    api: str
    model: str
    created_ms: float | None
    last_ms: float | None
    expires_at: float | None
    ended: str
    events: int
    turns: int
    offset_ms: float | None
    offset_from: str
    offset_spread_ms: float | None
    latency_ms: float | None
    sound_late_ms: float | None


class ReportSkipped(TypedDict):
    id: str
    why: str


class ReportRealtime(TypedDict):
    """What the event log held."""

    events: int
    bad_lines: int
    unknown: dict[str, int]
    sessions: list[ReportRealtimeSession]
    skipped: list[ReportSkipped]
    resent: list[str]


class ReportOutput(TypedDict):
    """A published file; `edited` where a person changed it since."""

    name: str
    bytes: int
    sha256: str
    edited: NotRequired[bool]


class ReportTool(TypedDict):
    """What made a result, and by which versions and settings parts of it were made again since."""

    name: str
    version: str
    page_version: NotRequired[str]
    captions_version: NotRequired[str]
    merged_captions: NotRequired[dict[str, Any]]
    settings: NotRequired[dict[str, Any]]


class KeptPackets(TypedDict):
    """Packets between two cuts, as they were recorded, or in one that were encoded again."""

    packets: int
    bytes: int
    sha256: str


class RedactionCut(TypedDict):
    """Packets that are gone, and their place, each from and to (exclusive).

    With `beep` a tone is there.  With `encoded` they were encoded again, and `channel` alone is silent, from and to
    `silent`.
    """

    packets: list[int]
    output_samples: list[int]
    beep: NotRequired[bool]
    channel: NotRequired[int]
    silent: NotRequired[list[int]]
    encoded: NotRequired[KeptPackets]


class SecretsCheck(TypedDict):
    """When so many secrets were looked for in all files of a redacted result."""

    at: str
    secrets: int


class ReportRedaction(TypedDict):
    """What is gone from a redacted result: `kept` has one entry more than `cuts`.

    `of` is `redacted_as` of the result that it was made of: a random mark, for a hash of what was said would give away
    a number that is gone to who tries all numbers.  `originals_destroyed_at`: since when there is no other result and
    there are no chunks (ISO 8601).
    """

    of: str
    redactions_sha256: str
    cuts: list[RedactionCut]
    kept: list[KeptPackets]
    checked: SecretsCheck
    originals_destroyed_at: NotRequired[str]


class Report(TypedDict):
    """A whole report; what stands in that of a merge alone may be missing in that of `inspect`."""

    schema: str
    session_id: str
    status: Status
    captions_status: NotRequired[CaptionsStatus]
    duration_s: float
    findings: list[ReportFinding]
    parts: list[ReportPart]
    chunks: list[ReportChunk]
    recorders: NotRequired[list[ReportRecorder]]
    ignored: list[ReportIgnored]
    ignored_count: int
    utterances: int
    timeline: list[ReportSpan]
    tool: ReportTool
    packets: NotRequired[ReportPackets]
    against: NotRequired[ReportAgainst]
    realtime: NotRequired[ReportRealtime]
    alignment: NotRequired[list[ReportPartAlignment]]
    sound: NotRequired[ReportSound | None]
    outputs: NotRequired[list[ReportOutput]]
    redaction: NotRequired[ReportRedaction]
    redacted_as: NotRequired[str]
    inputs_fingerprint: NotRequired[str]
    report_sha256: NotRequired[str]
