"""Packets one by one in, runs of them out: what the readers of Ogg and MP4 have in common."""

from __future__ import annotations

from ..webm.packets import Packets


class RunCollector:
    """Gathers packets into `Packets`; a run ends where its recording or its placing changes, and where bytes were lost.

    Both containers tell the time of every page or fragment by itself, so no packet is `continued`.
    """

    def __init__(self) -> None:
        self._runs: list[Packets] = []
        self._after_break = False

    def note_break(self) -> None:
        """Something is missing before the next packet."""
        self._after_break = True

    def add(self, recording: int, placed: bool, payload: bytes, time_ms: int, duration: int) -> None:
        """Append a packet: its recorder time, and its duration in samples at 48 kHz."""
        run = self._runs[-1] if self._runs else None
        if run is None or self._after_break or (run.recording, run.placed) != (recording, placed):
            run = Packets(recording, placed, continued=False, after_break=self._after_break)
            self._runs.append(run)
            self._after_break = False
        run.payloads.append(payload)
        run.times_ms.append(time_ms)
        run.durations.append(duration)

    def take(self) -> list[Packets]:
        """The runs since the last call."""
        runs, self._runs = self._runs, []
        return runs
