"""Whether the packets with which gaps were filled are those of the report: each span's by their hash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from ..media.opus import SILENT_PACKET_SAMPLES
from ..media.packets import PacketDigest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..documents.report_model import Report
    from .verify_problems import Problems


class FilledRange(Struct, frozen=True):
    """Where packets that filled a gap are, in samples of packets, how many, and their SHA-256."""

    start: int
    end: int
    packets: int
    sha256: str


def filled_ranges(report: Report, pre_skip: int) -> list[FilledRange]:
    """The filled spans of a report's timeline."""
    found = []
    for span in report["timeline"]:
        if span["kind"] == "filled":
            count, end = span.get("filled_packets", 0), span["output_samples"][1] + pre_skip
            start = end - count * SILENT_PACKET_SAMPLES
            found.append(FilledRange(start, end, count, span.get("filled_sha256", "")))
    return found


class FilledChain:
    """Takes packets with the samples at which they start; those of filled gaps it keeps from the others."""

    def __init__(self, ranges: Sequence[FilledRange], problems: Problems) -> None:
        self._ranges = ranges
        self._problems = problems
        self._digests = [PacketDigest() for _ in ranges]
        self._counts = [0] * len(ranges)

    def others(self, payloads: Sequence[bytes], starts: Sequence[int]) -> tuple[Sequence[bytes], Sequence[int]]:
        """The packets that fill no gap, their starts, and where the last of all ends."""
        if not any(one.start < starts[-1] and one.end > starts[0] for one in self._ranges):
            return payloads, starts
        rest: list[bytes] = []
        rest_starts: list[int] = []
        for payload, start in zip(payloads, starts, strict=False):
            number = next((n for n, one in enumerate(self._ranges) if one.start <= start < one.end), None)
            if number is None:
                rest.append(payload)
                rest_starts.append(start)
            else:
                self._digests[number].update([payload])
                self._counts[number] += 1
        return rest, [*rest_starts, starts[-1]]

    def end(self) -> None:
        for one, digest, count in zip(self._ranges, self._digests, self._counts, strict=True):
            if (count, digest.hexdigest()) != (one.packets, one.sha256):
                what = f"the {one.packets} packets that fill the gap at sample {one.start} are not those of the merge"
                self._problems.add("verify-packets", what)
