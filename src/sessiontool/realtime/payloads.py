"""What events carry, as small models: only fields that are used here, everything optional, the rest kept as it came.

A field means the same in every event that has it, so one model serves them all.  The names are those of the GA
interface; a beta session, which is flat, is brought into the same shape.  Sound is never kept, only measured.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, FiniteFloat, model_validator

MAX_TEXT = 1 << 20
"""Characters; chosen: what is longer was never said."""

Milliseconds = Annotated[FiniteFloat, Field(ge=0, le=1e12)]
Id = Annotated[str, Field(min_length=1, max_length=512)]
Text = Annotated[str, Field(max_length=MAX_TEXT)]
Nothing = Annotated[None, BeforeValidator(lambda _: None)]
"""Base64 that is not needed: sound after noise reduction, pictures."""


class _Payload(BaseModel):
    model_config = ConfigDict(extra="allow")


class Content(_Payload):
    """A part of an item: `transcript` where it is sound, `text` where it is not."""

    type: str | None = None
    text: Text | None = None
    transcript: Text | None = None
    audio: Nothing = None
    image_url: Nothing = None


class ItemPayload(_Payload):
    """A conversation item: a message, a tool call or its result."""

    id: Id | None = None
    type: str | None = None
    role: str | None = None
    status: str | None = None
    content: list[Content] | None = None
    name: str | None = None
    call_id: str | None = None
    arguments: Text | None = None
    output: Text | None = None
    server_label: str | None = None
    approval_request_id: str | None = None
    approve: bool | None = None
    reason: Text | None = None
    error: Any = None

    def tool(self) -> dict[str, Any]:
        """What it says of a call, of its result, or of whether it was approved."""
        error = self.error.get("message") or self.error.get("type") if isinstance(self.error, dict) else self.error
        fields = {
            "name": self.name,
            "call_id": self.call_id,
            "arguments": self.arguments,
            "output": self.output,
            "server_label": self.server_label,
            "approval_request_id": self.approval_request_id,
            "approve": self.approve,
            "reason": self.reason,
            "error": str(error) if error else None,
        }
        return {name: value for name, value in fields.items() if value not in {None, ""}}


class OutputTokens(_Payload):
    audio_tokens: Annotated[int, Field(ge=0, le=10_000_000)] | None = None


class Usage(_Payload):
    """What an answer, or the transcription of a user's item, is charged for."""

    output_token_details: OutputTokens | None = None
    seconds: Annotated[FiniteFloat, Field(ge=0, le=1e6)] | None = None


class ErrorPayload(_Payload):
    type: str | None = None
    code: str | None = None
    message: str | None = None
    event_id: str | None = None
    client_event_id: str | None = None


class StatusDetails(_Payload):
    """Why an answer failed, or is not whole."""

    reason: str | None = None
    error: ErrorPayload | None = None

    def said(self) -> str:
        """The reason in the server's words; empty where it gives none."""
        return self.reason or (self.error and (self.error.code or self.error.type)) or ""


class ResponsePayload(_Payload):
    """`usage` tells how many tokens of sound were generated, and so how long it is."""

    id: Id | None = None
    status: str | None = None
    output: list[ItemPayload] | None = None
    usage: Usage | None = None
    status_details: StatusDetails | None = None


class TurnDetection(_Payload):
    """Fields that the server does not name have its documented defaults: 300 and 500 ms."""

    type: str | None = None
    prefix_padding_ms: Milliseconds | None = None
    silence_duration_ms: Milliseconds | None = None


class AudioFormat(_Payload):
    type: str | None = None
    rate: Annotated[int, Field(ge=4000, le=192_000)] | None = None


def _format(value: Any) -> Any:
    """Beta formats are a name."""
    return {"type": value} if isinstance(value, str) else value


Format = Annotated[AudioFormat, BeforeValidator(_format)]


class Direction(_Payload):
    """`audio.input` or `audio.output` of a session."""

    format: Format | None = None
    turn_detection: TurnDetection | None = None
    transcription: dict[str, Any] | None = None


class SessionAudio(_Payload):
    input: Direction | None = None
    output: Direction | None = None


class SessionPayload(_Payload):
    """A session's settings.  Which fields were named at all counts: null turn detection is push-to-talk."""

    id: Id | None = None
    model: str | None = None
    expires_at: FiniteFloat | None = None
    instructions: Text | None = None
    audio: SessionAudio | None = None

    @model_validator(mode="before")
    @classmethod
    def _as_ga(cls, value: Any) -> Any:
        """A flat beta session in the shape of GA."""
        if not isinstance(value, dict) or "audio" in value:
            return value
        sides: dict[str, dict[str, Any]] = {"input": {}, "output": {}}
        for flat, side, name in _FLAT:
            if flat in value:
                sides[side][name] = value[flat]
        return {**value, "audio": sides} if any(sides.values()) else value


_FLAT = (
    ("turn_detection", "input", "turn_detection"),
    ("input_audio_format", "input", "format"),
    ("input_audio_transcription", "input", "transcription"),
    ("output_audio_format", "output", "format"),
)


class Delegation(_Payload):
    id: Id | None = None
    target: str | None = None


class Payload(_Payload):
    """Any event but the fragments that come by the thousand."""

    event_id: str | None = None
    item_id: Id | None = None
    response_id: Id | None = None
    previous_item_id: Id | None = None
    content_index: Annotated[int, Field(ge=0, le=1000)] | None = None
    audio_start_ms: Milliseconds | None = None
    audio_end_ms: Milliseconds | None = None
    start_ms: Milliseconds | None = None
    end_ms: Milliseconds | None = None
    offset_ms: Milliseconds | None = None
    ms: Milliseconds | None = None
    transcript: Text | None = None
    text: Text | None = None
    name: str | None = None
    call_id: str | None = None
    arguments: Text | None = None
    reason: str | None = None
    content: Any = None
    usage: Usage | None = None
    languages: Any = None
    speaker: str | None = None
    start: Any = None
    end: Any = None
    audio_offset_ms: Milliseconds | None = None
    audio_duration_ms: Milliseconds | None = None
    event: Any = None
    digit: Any = None
    digits: Any = None
    item: ItemPayload | None = None
    part: Content | None = None
    response: ResponsePayload | None = None
    session: SessionPayload | None = None
    error: ErrorPayload | None = None
    delegation: Delegation | None = None
