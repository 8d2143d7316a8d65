"""The settings of a Realtime session that change what its times mean: turn detection and sound formats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from .payloads import AudioFormat, Direction, SessionPayload

DEFAULT_PREFIX_MS, DEFAULT_SILENCE_MS = 300.0, 500.0
"""For fields that are not named: chosen by the server, and documented."""

TurnDetectionKind = Literal["server_vad", "semantic_vad", "none", "unknown"]
_PCM_BYTES_PER_MS, _PHONE_BYTES_PER_MS = 48.0, 8.0
"""By definition: 24 kHz of 16 bits, and 8 kHz of 8 bits (ITU-T G.711)."""
_PHONE_FORMATS = ("audio/pcmu", "audio/pcma", "g711_ulaw", "g711_alaw")


class RealtimeSettings(Struct, frozen=True):
    """What holds in a session.

    `prefix_ms` is what `audio_start_ms` is before speech was detected, `silence_ms` what `audio_end_ms` is behind
    its end.  `is_stated`: the server said so; otherwise it was only asked for.
    """

    detection: TurnDetectionKind = "unknown"
    prefix_ms: float = DEFAULT_PREFIX_MS
    silence_ms: float = DEFAULT_SILENCE_MS
    transcribes: bool | None = None
    input_bytes_per_ms: float = _PCM_BYTES_PER_MS
    output_bytes_per_ms: float = _PCM_BYTES_PER_MS
    is_stated: bool = False


def settings_of(stated: SessionPayload, before: RealtimeSettings, *, is_stated: bool = True) -> RealtimeSettings:
    """The settings after a session said `stated`; what it does not name stays as it was."""
    settings = replace(before, is_stated=is_stated)
    if stated.audio is None:
        return settings
    if stated.audio.input is not None:
        settings = _with_input(settings, stated.audio.input)
    if stated.audio.output is not None and stated.audio.output.format is not None:
        settings = replace(settings, output_bytes_per_ms=_bytes_per_ms(stated.audio.output.format))
    return settings


def _with_input(settings: RealtimeSettings, stated: Direction) -> RealtimeSettings:
    if stated.format is not None:
        settings = replace(settings, input_bytes_per_ms=_bytes_per_ms(stated.format))
    if "transcription" in stated.model_fields_set:
        settings = replace(settings, transcribes=stated.transcription is not None)
    if "turn_detection" not in stated.model_fields_set:
        return settings
    turns = stated.turn_detection
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


def _bytes_per_ms(stated: AudioFormat) -> float:
    if stated.type in _PHONE_FORMATS:
        return _PHONE_BYTES_PER_MS
    return _PCM_BYTES_PER_MS if stated.rate is None else stated.rate * 2 / 1000
