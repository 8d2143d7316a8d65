"""Whether the packets of a published recording are those of its chunks, in order, and silence is where it should be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..media.packets import PacketDigest

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from ..documents.report_model import Report
    from .verify_problems import Problems


def silences_of(report: Report) -> Iterator[tuple[int, int]]:
    """Where each silence of the timeline ends, in output samples, and of how many packets it is."""
    for span in report["timeline"]:
        if span["kind"] == "silence":
            yield span["output_samples"][1], span.get("silent_packets", 0)


class PacketChain:
    """Checks that the packets are the chunks', in order, and that silence is exactly where the timeline has it."""

    def __init__(
        self,
        report: Report,
        silences: Sequence[tuple[int, int]],
        silent: Container[bytes],
        units_per_s: float,
        problems: Problems,
    ) -> None:
        """`silences` are from where to where it should be silent, in the unit in which `take` counts.

        `silent` are the packets that silence is made of.
        """
        self._problems = problems
        self._silences, self._silent, self._units_per_s = silences, silent, units_per_s
        self._chunks = [chunk for chunk in report["chunks"] if chunk["packets"]]
        self._next = 0
        self._held: list[bytes] = []
        self._recorded_bytes = 0
        self._expected_bytes = sum(chunk["payload_bytes"] for chunk in report["chunks"])
        self._silent_packets = 0
        self._expected_silent = sum(span.get("silent_packets", 0) for span in report["timeline"])

    def take(self, payloads: Sequence[bytes], starts: Sequence[int]) -> None:
        """The next packets and where they start, and where the last of them ends."""
        first, end = starts[0], starts[-1]
        silences = [(a, b) for a, b in self._silences if a < end and b > first]
        if not silences:
            self._hold(payloads)
        for payload, start in zip(payloads, starts, strict=False) if silences else ():
            if not any(a <= start < b for a, b in silences):
                self._hold([payload])
            elif payload in self._silent:
                self._silent_packets += 1
            else:
                self._problems.add("verify-silence", f"at {start / self._units_per_s:.3f} s there should be silence")
        self._check()

    def end(self) -> None:
        if self._held or self._next < len(self._chunks):
            self._problems.add(
                "verify-packets",
                f"{len(self._held)} packets are too many, or those of {len(self._chunks) - self._next} chunks too few",
            )
        if not any(one.code in {"verify-packets", "verify-silence"} for one in self._problems.findings):
            packets_bytes = self._expected_bytes, self._recorded_bytes
            self._problems.expect("verify-ledger", "bytes of the chunks' packets", *packets_bytes)
            self._problems.expect("verify-silence", "silent packets", self._expected_silent, self._silent_packets)

    def _hold(self, payloads: Sequence[bytes]) -> None:
        self._held += payloads
        self._recorded_bytes += sum(map(len, payloads))

    def _check(self) -> None:
        while self._next < len(self._chunks) and len(self._held) >= self._chunks[self._next]["packets"]:
            chunk = self._chunks[self._next]
            packets, self._held = self._held[: chunk["packets"]], self._held[chunk["packets"] :]
            self._next += 1
            digest = PacketDigest()
            digest.update(packets)
            if digest.hexdigest() != chunk.get("packets_sha256"):
                self._problems.add(
                    "verify-packets", f"the packets of {chunk['key']} are not all there, or not as recorded"
                )
