"""Audacity's label track, as its manual has it: start and end in seconds and a label, parted by tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..cues import Spoken
    from ..formats.registry import RenderOptions


def render(said: Sequence[Spoken], look: RenderOptions) -> str:
    lines = []
    for one in said:
        name = f"{one.speaker}: " if look.speakers and one.speaker else ""
        label = " ".join(f"{name}{one.text}".split())
        lines.append(f"{one.start_ms / 1000:.6f}\t{one.end_ms / 1000:.6f}\t{label}\n")
    return "".join(lines)
