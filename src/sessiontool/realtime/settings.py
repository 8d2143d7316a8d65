"""The settings of a Realtime session that change what its times mean: turn detection and sound formats."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .payloads import AudioFormat, Direction, SessionPayload

DEFAULT_PREFIX_MS, DEFAULT_SILENCE_MS = 300.0, 500.0
"""What the server documents for fields that are not named."""

TurnDetectionKind = Literal["server_vad", "semantic_vad", "none", "unknown"]
_PCM_BYTES_PER_MS, _PHONE_BYTES_PER_MS = 48.0, 8.0
_PHONE_FORMATS = ("audio/pcmu", "audio/pcma", "g711_ulaw", "g711_alaw")


@dataclass(frozen=True, slots=True)
class RealtimeSettings:
    """What holds in a session.

    `prefix_ms` is what `audio_start_ms` lies before speech was detected, `silence_ms` what `audio_end_ms` lies behind
    its end.  `is_told`: the server said so; otherwise it was only asked for.
    """

    detection: TurnDetectionKind = "unknown"
    prefix_ms: float = DEFAULT_PREFIX_MS
    silence_ms: float = DEFAULT_SILENCE_MS
    transcribes: bool | None = None
    input_bytes_per_ms: float = _PCM_BYTES_PER_MS
    output_bytes_per_ms: float = _PCM_BYTES_PER_MS
    is_told: bool = False


def settings_of(told: SessionPayload, before: RealtimeSettings, *, is_told: bool = True) -> RealtimeSettings:
    """The settings after a session said `told`; what it does not name stays as it was."""
    settings = replace(before, is_told=is_told)
    if told.audio is None:
        return settings
    if told.audio.input is not None:
        settings = _with_input(settings, told.audio.input)
    if told.audio.output is not None and told.audio.output.format is not None:
        settings = replace(settings, output_bytes_per_ms=_bytes_per_ms(told.audio.output.format))
    return settings


def _with_input(settings: RealtimeSettings, told: Direction) -> RealtimeSettings:
    if told.format is not None:
        settings = replace(settings, input_bytes_per_ms=_bytes_per_ms(told.format))
    if "transcription" in told.model_fields_set:
        settings = replace(settings, transcribes=told.transcription is not None)
    if "turn_detection" not in told.model_fields_set:
        return settings
    turns = told.turn_detection
    if turns is None:
        return replace(settings, detection="none", prefix_ms=0.0, silence_ms=0.0)
    if turns.type == "semantic_vad":
        return replace(settings, detection="semantic_vad", prefix_ms=0.0, silence_ms=0.0)
    prefix, silence = turns.prefix_padding_ms, turns.silence_duration_ms
    return replace(
        settings,
        detection="server_vad",
        prefix_ms=DEFAULT_PREFIX_MS if prefix is None else prefix,
        silence_ms=DEFAULT_SILENCE_MS if silence is None else silence,
    )


def _bytes_per_ms(told: AudioFormat) -> float:
    if told.type in _PHONE_FORMATS:
        return _PHONE_BYTES_PER_MS
    return _PCM_BYTES_PER_MS if told.rate is None else told.rate * 2 / 1000
