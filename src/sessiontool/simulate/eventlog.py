"""The Realtime event log of a conversation: the events that a page would have mirrored, by the published payloads.

Made from who said what and when, in the shape of the GA or beta interface over WebRTC, or of a Live session.  Events
arrive as they do: a boundary after its padding and a round trip, a user's transcript late, an answer's text before its
sound.  A turn that was cut off has more text than was heard; a new session is given what was said in the one before.
"""

from __future__ import annotations

import json
from random import Random
from typing import TYPE_CHECKING, Any

from .livelog import live_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .log_plan import LogPlan, Said

Event = dict[str, Any]
Timed = tuple[float, str, Event]
"""When an event was received or sent (ms of the session clock), by whom it was sent, and the event."""

_MODEL = "gpt-realtime-2025-08-28"
_INSTRUCTIONS = "You are Morgan, a customer.\nStay polite, and do not give in at once."
_TOKEN_MS = 50  # of sound in a token (20 a second: OpenAI's prices for output audio); chosen
_PUSHED = "The trainee has two minutes left."


def event_log(said: Sequence[Said], plan: LogPlan) -> str:
    """The log as a file of lines, in the order in which a page would have written them."""
    writer = live_events(said, plan) if plan.kind == "live" else _Writer(plan).events(said)
    ordered = sorted(writer, key=lambda timed: timed[0])
    lines = []
    for number, (at_ms, sender, event) in enumerate(ordered):
        named = {"type": event["type"], "event_id": f"event_{plan.seed:03d}{number:06d}", **event}
        lines.append(json.dumps({"t_ms": round(at_ms, 1), "from": sender, "event": named}) + "\n")
    return "".join(lines)


class _Writer:
    """Writes the events of one log, session by session."""

    def __init__(self, plan: LogPlan) -> None:
        self.plan = plan
        self.rng = Random(f"{plan.seed} events")  # noqa: S311 - a seed must give the same log again
        self.made: list[Timed] = []
        self.last_item: str | None = None
        self.zero_ms = 0.0

    def events(self, said: Sequence[Said]) -> list[Timed]:
        turns = sorted(said, key=lambda turn: turn.start_ms)
        begins = [max(0.0, turns[0].start_ms - 900) if turns else 0.0, *self.plan.rollovers_ms]
        for number, begin_ms in enumerate(begins):
            end_ms = begins[number + 1] if number + 1 < len(begins) else float("inf")
            mine = [turn for turn in turns if (turn.start_ms >= begin_ms or number == 0) and turn.start_ms < end_ms]
            before = [turn for turn in turns if turn.start_ms < begin_ms] if number else []
            if number:
                self._expire(begin_ms - 120)
            self._begin(number, begin_ms, before[-self.plan.resent :] if self.plan.resent else [])
            for turn in mine:
                (self._user if turn.role == "user" else self._assistant)(turn, number)
            if number == 0 and mine:
                self._context(mine[0].end_ms + 10)
        if self.plan.kind == "beta":
            return [(at_ms, sender, beta) for at_ms, sender, event in self.made for beta in as_beta(event)]
        return self.made

    # -- when

    def _way(self) -> float:
        return self.plan.way_ms + abs(self.rng.gauss(0, self.plan.jitter_ms))

    def _server(self, at_ms: float, event: Event) -> None:
        self.made.append((at_ms, "server", event))

    def _client(self, at_ms: float, event: Event) -> None:
        self.made.append((at_ms, "client", event))

    # -- sessions

    def _session(self, number: int, instructions: str) -> Event:
        turns = {
            "type": "server_vad",
            "threshold": 0.5,
            "prefix_padding_ms": self.plan.prefix_ms,
            "silence_duration_ms": self.plan.silence_ms,
            "idle_timeout_ms": None,
            "create_response": True,
            "interrupt_response": True,
        }
        sound = {"format": {"type": "audio/pcm", "rate": 24000}}
        transcription = {"model": "gpt-4o-transcribe", "language": "en", "prompt": ""}
        return {
            "type": "realtime",
            "object": "realtime.session",
            "id": f"sess_{self.plan.seed:03d}{number:04d}",
            "model": _MODEL,
            "output_modalities": ["audio"],
            "instructions": instructions,
            "expires_at": 1767607200 + 3600 * number,
            "audio": {
                "input": {**sound, "transcription": transcription, "noise_reduction": None, "turn_detection": turns},
                "output": {**sound, "voice": "marin", "speed": 1},
            },
            "include": None,
        }

    def _begin(self, number: int, at_ms: float, resent: Sequence[Said]) -> None:
        self.zero_ms = at_ms + self.rng.uniform(20, 180)
        self.last_item = None
        default = "You are a helpful assistant." if number == 0 else _INSTRUCTIONS
        self._server(at_ms, {"type": "session.created", "session": self._session(number, default)})
        update = {"type": "realtime", "instructions": _INSTRUCTIONS, "audio": self._session(0, "")["audio"]}
        self._client(at_ms + 5, {"type": "session.update", "session": update})
        answered_ms = at_ms + 5 + self._way() + self._way()
        self._server(answered_ms, {"type": "session.updated", "session": self._session(number, _INSTRUCTIONS)})
        for count, turn in enumerate(resent):
            kind = "input_text" if turn.role == "user" else "output_text"
            item = self._item(f"again_{number}_{turn.id}", turn.role, [{"type": kind, "text": turn.text}])
            self._push(answered_ms + 1 + count / 10, item)

    def _push(self, at_ms: float, item: Event) -> None:
        sent = {name: value for name, value in item.items() if name not in {"object", "status"}}
        self._client(at_ms, {"type": "conversation.item.create", "previous_item_id": None, "item": sent})
        self._add(at_ms + self._way() + self._way(), item)

    def _expire(self, at_ms: float) -> None:
        message = "Your session hit the maximum duration of 60 minutes."
        error = {"type": "invalid_request_error", "code": "session_expired", "message": message, "param": None}
        self._server(at_ms, {"type": "error", "error": {**error, "event_id": None}})

    def _context(self, at_ms: float) -> None:
        item = self._item("context_0", "system", [{"type": "input_text", "text": _PUSHED}])
        before, self.last_item = self.last_item, self.last_item
        self._push(at_ms, item)
        self.last_item = before

    # -- items

    def _item(self, name: str, role: str, content: list[Event], status: str = "completed") -> Event:
        fields = {"id": name, "object": "realtime.item", "type": "message", "status": status}
        return {**fields, "role": role, "content": content}

    def _add(self, at_ms: float, item: Event, *, is_done: bool = True) -> None:
        added = {"type": "conversation.item.added", "previous_item_id": self.last_item, "item": item}
        self._server(at_ms, added)
        if is_done:
            self._server(at_ms + 0.1, {**added, "type": "conversation.item.done"})
        self.last_item = item["id"]

    def _user(self, turn: Said, number: int) -> None:
        name, plan = f"item_{number}_{turn.id}", self.plan
        start_ms, end_ms = (round(at_ms - self.zero_ms) for at_ms in (turn.start_ms, turn.end_ms))
        started_ms = self.zero_ms + start_ms + self._way() + self._way()
        stopped_ms = self.zero_ms + end_ms + plan.silence_ms + self._way() + self._way()
        started: Event = {"type": "input_audio_buffer.speech_started"}
        self._server(started_ms, {**started, "audio_start_ms": max(0, start_ms - plan.prefix_ms), "item_id": name})
        stopped = {"type": "input_audio_buffer.speech_stopped", "audio_end_ms": end_ms + plan.silence_ms}
        self._server(stopped_ms, {**stopped, "item_id": name})
        committed = {"type": "input_audio_buffer.committed", "previous_item_id": self.last_item, "item_id": name}
        self._server(stopped_ms + 0.3, committed)
        self._add(stopped_ms + 0.5, self._item(name, "user", [{"type": "input_audio", "transcript": None}]))
        self._transcript(turn, name, stopped_ms + self.rng.uniform(0.1, 1.0) * plan.late_ms)

    def _transcript(self, turn: Said, name: str, done_ms: float) -> None:
        kind = "conversation.item.input_audio_transcription"
        where = {"item_id": name, "content_index": 0}
        for number, piece in enumerate(pieces_of(turn.text)):
            delta = {"type": f"{kind}.delta", **where, "delta": piece, "obfuscation": "aLxx0jTEciOGe"}
            self._server(done_ms - 90 + 0.5 * number, delta)
        usage = {"type": "tokens", "total_tokens": 22, "input_tokens": 13, "output_tokens": 9}
        self._server(done_ms, {"type": f"{kind}.completed", **where, "transcript": turn.text, "usage": usage})

    def _assistant(self, turn: Said, number: int) -> None:
        name, answer = f"item_{number}_{turn.id}", f"resp_{number}_{turn.id}"
        text, begin_ms = turn.generated, turn.start_ms - 420
        where = {"response_id": answer, "item_id": name, "output_index": 0, "content_index": 0}
        empty = self._item(name, "assistant", [], "in_progress")
        self._server(begin_ms, {"type": "response.created", "response": self._response(answer, "in_progress", [])})
        added = {"type": "response.output_item.added", "response_id": answer, "output_index": 0, "item": empty}
        self._server(begin_ms + 40, added)
        self._add(begin_ms + 40.1, empty, is_done=False)
        part = {"type": "audio", "transcript": ""}
        self._server(begin_ms + 60, {"type": "response.content_part.added", **where, "part": part})
        pieces = pieces_of(text)
        step_ms = min(25.0, 0.6 * (turn.end_ms - turn.start_ms + 340) / max(1, len(pieces)))
        for count, piece in enumerate(pieces):
            delta = {"type": "response.output_audio_transcript.delta", **where, "delta": piece}
            self._server(begin_ms + 70 + step_ms * count, {**delta, "obfuscation": "mPq0"})
        self._server(turn.start_ms + self._off(), {"type": "output_audio_buffer.started", "response_id": answer})
        done_ms = begin_ms + 75 + step_ms * len(pieces)
        self._finish(turn, name, where, done_ms)
        ended_ms = turn.end_ms + self._off()
        if turn.unheard:
            played_ms = round(turn.end_ms - turn.start_ms)
            cut = {"item_id": name, "content_index": 0, "audio_end_ms": played_ms}
            self._server(ended_ms, {"type": "output_audio_buffer.cleared", "response_id": answer})
            self._server(ended_ms + 0.2, {"type": "conversation.item.truncated", **cut})
        else:
            self._server(max(ended_ms, done_ms + 5), {"type": "output_audio_buffer.stopped", "response_id": answer})

    def _off(self) -> float:
        return self.rng.gauss(0, self.plan.jitter_ms)

    def _finish(self, turn: Said, name: str, where: Event, at_ms: float) -> None:
        text = turn.generated
        whole = self._item(name, "assistant", [{"type": "output_audio", "transcript": text}])
        done = {"type": "response.output_audio_transcript.done", **where, "transcript": text}
        self._server(at_ms, {"type": "response.output_audio.done", **where})
        self._server(at_ms + 0.1, done)
        part = {"type": "audio", "transcript": text}
        self._server(at_ms + 0.2, {"type": "response.content_part.done", **where, "part": part})
        answer, index = where["response_id"], where["output_index"]
        item_done = {"type": "response.output_item.done", "response_id": answer, "output_index": index, "item": whole}
        self._server(at_ms + 0.3, item_done)
        self._server(at_ms + 0.4, {"type": "conversation.item.done", "previous_item_id": None, "item": whole})
        response = self._response(answer, "completed", [whole], round(self._whole_ms(turn) / _TOKEN_MS))
        self._server(at_ms + 0.5, {"type": "response.done", "response": response})
        limit = {"name": "requests", "limit": 1000, "remaining": 999, "reset_seconds": 60}
        self._server(at_ms + 0.6, {"type": "rate_limits.updated", "rate_limits": [limit]})

    def _whole_ms(self, turn: Said) -> float:
        """How long all of the sound is that was made for a turn: what was not heard, about as fast as the rest."""
        heard_ms = turn.end_ms - turn.start_ms
        return heard_ms * (1 + len(turn.unheard) / len(turn.text) * self.rng.uniform(0.92, 1.08))

    def _response(self, name: str, status: str, output: list[Event], tokens: int = 0) -> Event:
        return {
            "object": "realtime.response",
            "id": name,
            "status": status,
            "status_details": None,
            "output": output,
            "conversation_id": f"conv_{self.plan.seed}",
            "output_modalities": ["audio"],
            "usage": self._usage(tokens) if tokens else None,
            "metadata": None,
        }

    def _usage(self, tokens: int) -> Event:
        details = {"text_tokens": tokens // 4, "audio_tokens": tokens}
        total = {"total_tokens": 132 + tokens + tokens // 4, "input_tokens": 132}
        return {**total, "output_tokens": tokens + tokens // 4, "output_token_details": details}


def pieces_of(text: str) -> list[str]:
    """A text as it is streamed: word by word, the space before each."""
    words = text.split(" ")
    return [words[0], *(f" {word}" for word in words[1:])]


_BETA_NAMES = {
    "conversation.item.added": "conversation.item.created",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
}
_BETA_CONTENT = {"output_audio": "audio", "output_text": "text"}


def as_beta(event: Event) -> Iterable[Event]:
    """A GA event as the beta interface had it: other names, flat sessions, no `conversation.item.done`."""
    if event["type"] == "conversation.item.done":
        return
    changed = {**event, "type": _BETA_NAMES.get(event["type"], event["type"])}
    if "session" in changed:
        changed["session"] = _beta_session(changed["session"])
    if "item" in changed:
        changed["item"] = _beta_item(changed["item"])
    if "response" in changed:
        response = {**changed["response"], "modalities": changed["response"]["output_modalities"]}
        del response["output_modalities"]
        changed["response"] = {**response, "output": [_beta_item(item) for item in response["output"]]}
    yield changed


def _beta_session(session: Event) -> Event:
    hears, speaks = session["audio"]["input"], session["audio"]["output"]
    names = ("id", "object", "model", "instructions", "expires_at")
    kept: Event = {name: session[name] for name in names if name in session}
    return {
        **kept,
        "modalities": ["audio", "text"],
        "voice": speaks["voice"],
        "input_audio_format": "pcm16",
        "output_audio_format": "pcm16",
        "input_audio_transcription": hears["transcription"],
        "turn_detection": hears["turn_detection"],
    }


def _beta_item(item: Event) -> Event:
    content = [{**part, "type": _BETA_CONTENT.get(part["type"], part["type"])} for part in item["content"]]
    return {**item, "content": content}
