"""How a simulated session reads: what was made, and the next step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..simulate.simulate import SimulatedSession


def simulated_lines(session: SimulatedSession, folder: str) -> list[str]:
    path = Path(folder).absolute()
    return [
        f"{folder}: {session.recording.plan.recorder}, {session.recording.plan.length_ms / 1000:g} s",
        *(
            f"  {fault}: part {part}, chunk {', '.join(str(upload.seq) for upload in touched)}"
            for fault, part, touched in session.faults
        ),
        f"  merge it: sessiontool merge {path.name} --store {path.parent}",
    ]
