"""Messages of telephone media streams (Twilio's, Telnyx's) as the Realtime events that mean the same.

Their sound is G.711 in frames of 20 ms; those of the caller say where in the stream they are.
"""

from __future__ import annotations

from typing import Any

_STREAM = ("streamSid", "stream_sid", "stream_id", "streamId")
_KINDS = frozenset({"media", "start", "clear"})
_CODECS = {
    "mulaw": "audio/pcmu",
    "ulaw": "audio/pcmu",
    "pcmu": "audio/pcmu",
    "alaw": "audio/pcma",
    "pcma": "audio/pcma",
}
_SAMPLES_PER_MS = 8  # G.711 has 8000 samples, of a byte each, a second (ITU-T G.711)


def as_realtime(value: dict[str, Any]) -> dict[str, Any] | None:
    """The event that a message is; None where it is no message of a media stream, or one that means nothing here."""
    kind = value.get("event")
    if not isinstance(kind, str) or kind not in _KINDS or not any(isinstance(value.get(one), str) for one in _STREAM):
        return None
    inner = value.get(kind)
    if kind == "clear":
        return {"type": "output_audio_buffer.cleared"}
    if not isinstance(inner, dict):
        return None
    return _media(inner) if kind == "media" else _start(inner)


def _media(media: dict[str, Any]) -> dict[str, Any] | None:
    payload = media.get("payload")
    if not isinstance(payload, str):
        return None
    from_ms = _number(media.get("timestamp"))
    span = {} if from_ms is None else {"start_ms": from_ms, "end_ms": from_ms + len(payload) * 3 / 4 / _SAMPLES_PER_MS}
    is_caller = media.get("track") in {"inbound", "inbound_track"} or (media.get("track") is None and bool(span))
    if is_caller:
        return {"type": "input_audio_buffer.append", "audio": payload, **span}
    return {"type": "response.output_audio.delta", "delta": payload, **span}


def _start(start: dict[str, Any]) -> dict[str, Any]:
    named = start.get("mediaFormat") or start.get("media_format")
    form = named if isinstance(named, dict) else {}
    encoding = str(form.get("encoding", "")).lower()
    kind = next(
        (codec for name, codec in _CODECS.items() if name in encoding), "audio/pcmu" if not encoding else "audio/pcm"
    )
    rate = _number(form.get("sampleRate") or form.get("sample_rate"))
    side = {"format": {"type": kind, "rate": int(rate) if rate else 8000}}
    return {"type": "session.created", "session": {"audio": {"input": side, "output": side}}}


def _number(value: Any) -> float | None:
    """A number from 0, also as a text, as these messages have it."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else -1.0
    except ValueError:
        return None
    return number if 0 <= number <= 1e12 else None
