"""Packets in, runs of them out: what the demuxers of all containers have in common."""

from __future__ import annotations

from .packets import PacketRun


class RunCollector:
    """Gathers packets into `PacketRun`: a run ends where one of its properties changes, and where bytes were lost."""

    def __init__(self) -> None:
        self._runs: list[PacketRun] = []
        self._after_break = False

    def note_break(self) -> None:
        """Something is missing before the next packet."""
        self._after_break = True

    def run(self, recording: int, *, placed: bool, continued: bool = False, base: bool = False) -> PacketRun:
        """The run that the next packet belongs to; with it a new `base` of times begins."""
        if self._runs and not self._runs[-1].payloads:  # its packets were taken back
            self._after_break |= self._runs.pop().after_break
        run = self._runs[-1] if self._runs else None
        alike = run and (run.recording, run.placed, run.continued) == (recording, placed, continued)
        if run is None or not alike or self._after_break:
            run = PacketRun(recording, placed, continued, self._after_break)
            self._runs.append(run)
            self._after_break = False
        if base:
            run.bases.append(len(run.payloads))
        return run

    def add(
        self, recording: int, placed: bool, payload: bytes, time_ms: int, duration: int, *, base: bool = False
    ) -> PacketRun:
        """Append a packet: its recorder time, and its duration in samples at 48 kHz; a new `base` of times begins.

        Returns the run that it is in.
        """
        run = self.run(recording, placed=placed, base=base)
        run.payloads.append(payload)
        run.times_ms.append(time_ms)
        run.durations.append(duration)
        return run

    def take(self) -> list[PacketRun]:
        """The runs since the last call."""
        runs, self._runs = self._runs, []
        if runs and not runs[-1].payloads:
            self._after_break |= runs.pop().after_break
        return [run for run in runs if run.payloads]
