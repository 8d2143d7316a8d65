"""Event logs for tests: payloads as the Realtime API publishes them, field by field, received when a test says."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any

from sessiontool.documents.log_clock import SessionTimes
from sessiontool.events import EventLog, read_events

Event = dict[str, Any]

SERVER_VAD = {
    "type": "server_vad",
    "threshold": 0.5,
    "prefix_padding_ms": 300,
    "silence_duration_ms": 200,
    "idle_timeout_ms": None,
    "create_response": True,
    "interrupt_response": True,
}
SEMANTIC_VAD = {"type": "semantic_vad", "eagerness": "auto", "create_response": True, "interrupt_response": True}


def session(turn_detection: Event | None = SERVER_VAD, name: str = "sess_1", **more: Any) -> Event:
    sound = {"format": {"type": "audio/pcm", "rate": 24000}}
    return {
        "type": "realtime",
        "object": "realtime.session",
        "id": name,
        "model": "gpt-realtime-2025-08-28",
        "output_modalities": ["audio"],
        "instructions": "You are a helpful assistant.",
        "expires_at": 1756324625,
        "audio": {
            "input": {**sound, "transcription": {"model": "whisper-1"}, "noise_reduction": None}
            | {"turn_detection": turn_detection},
            "output": {**sound, "voice": "marin", "speed": 1},
        },
        "include": None,
        **more,
    }


@dataclass
class LogOf:
    """A log under construction; each method adds what the server or the page says at `t` (ms of the session clock)."""

    lines: list[Event] = field(default_factory=list)

    def add(self, t: float | None, kind: str, *, sender: str = "server", **fields: Any) -> LogOf:
        event = {"type": kind, "event_id": f"event_{len(self.lines)}", **fields}
        self.lines.append({"t_ms": t, "from": sender, "event": event})
        return self

    def begin(self, t: float, turn_detection: Event | None = SERVER_VAD, name: str = "sess_1", **more: Any) -> LogOf:
        return self.add(t, "session.created", session=session(turn_detection, name, **more))

    def update(self, t: float, turn_detection: Event | None, name: str = "sess_1", **more: Any) -> LogOf:
        return self.add(t, "session.updated", session=session(turn_detection, name, **more))

    def item(self, t: float, name: str, role: str, *content: Event, previous: str | None = None) -> LogOf:
        item = {"id": name, "object": "realtime.item", "type": "message", "status": "completed", "role": role}
        fields: Event = {"previous_item_id": previous, "item": {**item, "content": list(content)}}
        return self.add(t, "conversation.item.added", **fields).add(t + 0.1, "conversation.item.done", **fields)

    def heard(self, name: str, start: float, end: float, zero: float, text: str | None = None, **how: Any) -> LogOf:
        """Speech that the server noticed from `start` to `end` (its own clock, padding and silence included)."""
        previous = how.get("previous")
        self.add(zero + start + 300, "input_audio_buffer.speech_started", audio_start_ms=start, item_id=name)
        self.add(zero + end, "input_audio_buffer.speech_stopped", audio_end_ms=end, item_id=name)
        self.add(zero + end, "input_audio_buffer.committed", previous_item_id=previous, item_id=name)
        self.item(zero + end, name, "user", {"type": "input_audio", "transcript": None}, previous=previous)
        return self if text is None else self.transcribed(how.get("late", zero + end + 700), name, text)

    def transcribed(self, t: float, name: str, text: str) -> LogOf:
        usage = {"type": "tokens", "total_tokens": 22, "input_tokens": 13, "output_tokens": 9}
        fields: Event = {"item_id": name, "content_index": 0, "transcript": text, "usage": usage}
        return self.add(t, "conversation.item.input_audio_transcription.completed", **fields)

    def answer(self, t: float, name: str, text: str, response: str = "", **how: Any) -> LogOf:
        """An answer as it is generated: faster than it is said, and complete before its sound is."""
        response = response or f"resp_{name}"
        where: Event = {"response_id": response, "item_id": name, "output_index": 0, "content_index": 0}
        item = {"id": name, "object": "realtime.item", "type": "message", "role": "assistant"}
        begun = {**item, "status": "in_progress", "content": []}
        self.add(t, "response.created", response=self._response(response, "in_progress", []))
        self.add(t, "response.output_item.added", response_id=response, output_index=0, item=begun)
        self.add(t, "conversation.item.added", previous_item_id=how.get("previous"), item=begun)
        self.add(t, "response.content_part.added", **where, part={"type": "audio", "transcript": ""})
        for word in text.split(" "):
            delta = word if word == text.split(" ", maxsplit=1)[0] else f" {word}"
            self.add(t, "response.output_audio_transcript.delta", **where, delta=delta, obfuscation="aLxx0")
        status = how.get("status", "completed")
        if how.get("whole", True):
            self.add(t, "response.output_audio_transcript.done", **where, transcript=text)
            done = {**item, "status": status, "content": [{"type": "output_audio", "transcript": text}]}
            self.add(t, "response.output_item.done", response_id=response, output_index=0, item=done)
            self.add(t, "response.done", response=self._response(response, status, [done]))
        return self

    def _response(self, name: str, status: str, output: list[Event]) -> Event:
        details = {"type": "cancelled", "reason": "turn_detected"} if status == "cancelled" else None
        return {
            "object": "realtime.response",
            "id": name,
            "status": status,
            "status_details": details,
            "output": output,
            "conversation_id": "conv_1",
            "output_modalities": ["audio"],
            "usage": None,
            "metadata": None,
        }

    def played(self, name: str, start: float, end: float | None, how: str = "stopped") -> LogOf:
        """The output buffer of an answer ran from `start` until it was `stopped` or `cleared`."""
        self.add(start, "output_audio_buffer.started", response_id=f"resp_{name}")
        return self if end is None else self.add(end, f"output_audio_buffer.{how}", response_id=f"resp_{name}")

    def truncated(self, t: float, name: str, played_ms: float) -> LogOf:
        return self.add(t, "conversation.item.truncated", item_id=name, content_index=0, audio_end_ms=played_ms)

    def pinged(self, t: float, round_trip_ms: float) -> LogOf:
        """A request and its answer, which tell how long events are under way."""
        self.add(t, "response.create", sender="client")
        return self.add(t + round_trip_ms, "response.created", response=self._response("resp_ping", "in_progress", []))

    def text(self) -> str:
        return "".join(json.dumps(line) + "\n" for line in self.lines)

    def read(self) -> EventLog:
        return read(self.text())


def read(text: str | bytes, started_at: str | None = None, recorded_ms: tuple[float, float] | None = None) -> EventLog:
    data = text.encode() if isinstance(text, str) else text
    return read_events(io.BytesIO(data), "events.jsonl", SessionTimes(started_at, recorded_ms))


def codes(log: EventLog) -> set[str]:
    return {finding.code for finding in log.findings}


def told(log: EventLog) -> list[tuple[str, str, float | None, float | None]]:
    """Role, text, start and end of every utterance, in milliseconds."""
    return [(u.role, u.text, _ms(u.t_start_us), _ms(u.t_end_us)) for u in log.utterances]


def _ms(us: int | None) -> float | None:
    return None if us is None else us / 1000
