"""Gaps right between two chunks that last as long as a chunk: one may be lost there that nothing else shows.

A short blob lasts no longer than what a starved browser drops at once, and where uploads are numbered or noted as they
come, a lost one leaves no other trace.  But what is dropped cuts short the blob in which that begins, nearly always.
(Measured on 27 recordings of Chrome, cut to blobs of 60 to 2000 ms: of 7,666 such losses 99 % are doubted; of 351
undamaged recordings 15, none of which is one that dropped no sound.)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..model import SAMPLES_PER_MS
from . import findings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model import ChunkRef, Finding
    from ..timeline import Timeline
    from .gap_places import JoinedOrder

_FEWEST = 3  # chunks; chosen: fewer do not show how long they are
_SHORT_SHARE = 0.1  # of a part's chunks, that are shorter than usual ones; chosen
_ROUNDED_SAMPLES = 20 * SAMPLES_PER_MS  # derived: silence is whole packets of 20 ms


def seam_losses(order: JoinedOrder, timeline: Timeline) -> Iterator[Finding]:
    """A doubt for each gap that was taken for dropped sound, and may as well be a lost chunk."""
    indexes = {packets: index for index, (packets, _) in enumerate(order.starts)}
    usual: dict[str, int] = {}
    for span in timeline.spans:
        silence = order.silences.get(span.output_start) if span.cause == "starved" else None
        index = indexes.get(silence.packets) if silence else None
        if index is None:
            continue
        chunk = order.starts[index][1]
        if chunk.part not in usual:
            usual[chunk.part] = _usual_samples(order, chunk.part)
        least, gap = usual[chunk.part], span.output_end - span.output_start
        if least and gap >= least - _ROUNDED_SAMPLES and not _is_cut_short(order, index, least):
            yield findings.maybe_unnumbered(chunk, gap / SAMPLES_PER_MS)


def _usual_samples(order: JoinedOrder, part: str) -> int:
    """How much sound all but the shortest chunks of a part hold; 0 where that is not known."""
    sound = sorted(samples for chunk, samples in order.sound.items() if chunk.part == part and samples)
    return sound[int(len(sound) * _SHORT_SHARE)] if len(sound) >= _FEWEST else 0


def _is_cut_short(order: JoinedOrder, index: int, least: int) -> bool:
    """Whether the chunk of the part that is before another one holds less than usual ones."""
    before: ChunkRef | None = order.starts[index - 1][1] if index else None
    return before is not None and before.part == order.starts[index][1].part and order.sound[before] < least
