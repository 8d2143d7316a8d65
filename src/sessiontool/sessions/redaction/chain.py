"""Whether the packets of a redacted recording are those of its report: kept ones by their hash, silence for others.

The counterpart of the check of a merged recording, whose packets are held against hashes of the chunks'.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from .packet_cuts import Cut, Kept, KeptCount

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...documents.report_model import RedactionCut, Report
    from ...media.filler import SoundHead
    from ..verify_problems import Problems


class RedactedChain:
    """Takes the packets of a recording in order; `end` says what is wrong with them."""

    def __init__(self, report: Report, head: SoundHead, problems: Problems) -> None:
        self._problems = problems
        self._pre_skip = head.pre_skip
        self._cuts = cuts_of(report)
        self._expected = [Kept(one["packets"], one["bytes"], one["sha256"]) for one in report["redaction"]["kept"]]
        packets = report["packets"]
        self._total = packets["recorded"] + packets["silent"] + packets.get("filled", 0)
        if head.codec == "pcm":  # whose packets are blocks of their own here
            self._total = sum(one.packets for one in self._expected) + sum(cut.after - cut.first for cut in self._cuts)
        self._count = KeptCount(self._cuts, head)
        self._number = 0
        self._edges = {edge: at for cut in self._cuts for edge, at in ((cut.first, cut.start), (cut.after, cut.end))}

    def take(self, payloads: Sequence[bytes], starts: Sequence[int]) -> None:
        """The next packets, and the samples at 48 kHz, the priming included, at which they start and the last ends."""
        for number, start in enumerate(starts, self._number):
            wanted = self._edges.pop(number, None)
            if wanted is not None:
                found = max(0, start - self._pre_skip)
                self._problems.expect("verify-redaction", f"samples before packet {number}", wanted, found)
        self._count.take(payloads)
        self._number += len(payloads)

    def end(self) -> None:
        if self._count.loud:
            what = (
                f"{len(self._count.loud)} packets, from number {self._count.loud[0]} on, should be silence or the tone"
            )
            self._problems.add("verify-redaction", what)
        if self._edges:
            self._problems.add("verify-redaction", f"a cut at packet {min(self._edges)} is behind the recording's end")
        found = self._count.end()
        if found != tuple(self._expected):
            wrong = next((n for n, (a, b) in enumerate(zip(found, self._expected, strict=False)) if a != b), len(found))
            self._problems.add("verify-redaction", f"the packets before cut {wrong} are not those of the recording")
        if self._count.encoded != [cut.encoded for cut in self._cuts if cut.channel is not None]:
            self._problems.add("verify-redaction", "packets without one voice are not those that were made")
        self._problems.expect("verify-redaction", "packets", self._total, self._number)


def cuts_of(report: Report) -> list[Cut]:
    """The cuts of a redacted report, which has the shape of one."""
    return [_cut(one) for one in report["redaction"]["cuts"]]


def _cut(one: RedactionCut) -> Cut:
    (first, after), (start, end) = one["packets"], one["output_samples"]
    cut = Cut(first, after, start, end, one.get("beep", False))
    if "encoded" not in one:
        return cut
    encoded = one["encoded"]
    again = Kept(encoded["packets"], encoded["bytes"], encoded["sha256"])
    start, end = one.get("silent", (start, end))
    return replace(cut, channel=one.get("channel", 0), silent=(start, end), encoded=again)
