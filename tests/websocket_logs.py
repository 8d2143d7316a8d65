"""Logs of Realtime sessions over a WebSocket, with the truth about them: what was heard, and when.

`WebsocketLog` plays a client: it sends the microphone in small pieces, some of them late and in a bunch, and plays what
it receives, which comes faster than it sounds.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SAMPLE_BYTES = {"pcm": 2, "pcmu": 1, "pcma": 1}


def coded(sound: Floats, codec: str) -> bytes:
    """Sound (full scale 1.0) as bytes; G.711 by the formulas of ITU-T G.711."""
    if codec == "pcm":
        return bytes((sound * 32767).astype("<i2").tobytes())
    size, sign = np.minimum(np.abs(sound), 1.0), np.where(sound < 0, 0x80, 0)
    if codec == "pcmu":
        value = np.minimum((size * 32768).astype(np.int64) + 132, 32767)
        segment = np.floor(np.log2(value)).astype(np.int64) - 7
        code = ~(sign | (segment << 4) | ((value >> (segment + 3)) & 0x0F)) & 0xFF
    else:
        value = np.minimum((size * 32768).astype(np.int64), 32767) >> 4
        segment = np.where(value < 32, 0, np.floor(np.log2(np.maximum(value, 1))).astype(np.int64) - 4)
        step = np.where(segment == 0, value >> 1, value >> np.maximum(segment, 1)) & 0x0F
        code = ((0x80 - sign) | (segment << 4) | step) ^ 0x55
    return bytes(code.astype(np.uint8).tobytes())


def burst(chance: np.random.Generator, seconds: float, rate: int) -> Floats:
    """Noise with sharp ends."""
    return chance.uniform(-0.4, 0.4, round(seconds * rate))


@dataclass
class WebsocketLog:
    """`heard` is the truth: for each role the stretches of sound, in ms of the session clock."""

    codec: str = "pcm"
    rate: int = 24_000
    seed: int = 1
    named: bool = True
    lines: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    heard: dict[str, list[tuple[float, float]]] = field(default_factory=lambda: {"user": [], "assistant": []})

    def __post_init__(self) -> None:
        self.chance = np.random.default_rng(self.seed)
        form = {"type": f"audio/{self.codec}", **({"rate": self.rate} if self.codec == "pcm" else {})}
        audio = {"input": {"format": form}, "output": {"format": form}} if self.named else {}
        self.add(0.0, {"type": "session.created", "session": {"id": "sess_1", "audio": audio}})

    def add(self, t_ms: float, event: dict[str, Any]) -> None:
        self.lines.append((t_ms, event))

    def microphone(self, length_s: float, spoken: list[tuple[float, float]], *, from_ms: float = 0.0) -> None:
        """The microphone from `from_ms` on, with bursts at `spoken` (from, to, in seconds of it); now and then late."""
        sound = np.zeros(round(length_s * self.rate))
        for start_s, end_s in spoken:
            piece = burst(self.chance, end_s - start_s, self.rate)
            sound[round(start_s * self.rate) :][: len(piece)] = piece
            self.heard["user"].append((from_ms + 1000 * start_s, from_ms + 1000 * end_s))
        step, sent_ms = self.rate // 50, from_ms
        busy_ms = from_ms
        for first in range(0, len(sound) - step + 1, step):
            ready_ms = from_ms + 1000 * (first + step) / self.rate
            if self.chance.random() < 0.01:
                busy_ms = ready_ms + self.chance.uniform(100, 900)  # the client's loop is held up
            sent_ms = max(sent_ms, busy_ms, ready_ms + self.chance.exponential(3))
            data = base64.b64encode(coded(sound[first : first + step], self.codec)).decode()
            self.add(sent_ms, {"type": "input_audio_buffer.append", "audio": data})

    def answer(
        self, name: str, at_ms: float, length_s: float, *, heard_s: float | None = None, free_ms: float = 0.0
    ) -> float:
        """An answer that arrives from `at_ms` on, four times as fast as it sounds; cut off after `heard_s`.

        `free_ms` is when the one before has been played.  Returns when this one has.
        """
        self.play(name, at_ms, burst(self.chance, length_s, self.rate))
        start_ms = max(at_ms, free_ms)
        end_ms = start_ms + 1000 * (length_s if heard_s is None else heard_s)
        if heard_s is not None:
            cut = {"type": "conversation.item.truncate", "item_id": name, "audio_end_ms": round(1000 * heard_s)}
            self.add(end_ms + 30, cut)
            self.add(end_ms + 90, {**cut, "type": "conversation.item.truncated"})
        self.heard["assistant"].append((start_ms, end_ms))
        return end_ms

    def play(self, name: str, at_ms: float, sound: Floats) -> None:
        """The sound of an answer, received from `at_ms` on."""
        data, size = coded(sound, self.codec), self.rate // 5 * SAMPLE_BYTES[self.codec]
        for number, first in enumerate(range(0, len(data), size)):
            delta = base64.b64encode(data[first : first + size]).decode()
            event = {"type": "response.output_audio.delta", "item_id": name, "response_id": f"r_{name}", "delta": delta}
            self.add(at_ms + 50 * number, event)

    def text(self, *, timed: bool = True) -> str:
        """The log as JSON Lines, in the order of the times."""
        ordered = sorted(self.lines, key=lambda line: line[0])
        return "".join(
            json.dumps({**({"t_ms": round(t_ms, 1)} if timed else {}), "event": event}) + "\n"
            for t_ms, event in ordered
        )


def conversation(log: WebsocketLog) -> WebsocketLog:
    """Two questions, an answer of two items, one that is cut off, and one that comes after a pause."""
    log.microphone(24.0, [(1.0, 2.5), (9.0, 10.2), (15.5, 17.0)])
    first = log.answer("a", 3000.0, 2.0)
    log.answer("b", 3600.0, 1.5, free_ms=first)
    log.answer("c", 11_000.0, 6.0, heard_s=2.5)
    log.answer("d", 18_000.0, 2.2)
    return log
