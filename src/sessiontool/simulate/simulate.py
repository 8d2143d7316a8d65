"""Makes sessions as browsers record them, damages them in chosen ways, and says what is true of the result.

`record_session` once, `damage` it as often as you like, `write_session` what comes of it; `simulate_session` does
all three.  The packets are real Opus; the same plan and seed give the same bytes.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import UsageError
from ..storage.layout import check_session_id
from .faults import FAULTS, parse_fault
from .recorders import RunPlan, SimulatedStretch
from .session import ClockError, SessionPlan, SimulatedSession, damage, record_session
from .write import write_session

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

__all__ = [
    "FAULTS",
    "ClockError",
    "RunPlan",
    "SessionPlan",
    "SimulatedSession",
    "SimulatedStretch",
    "damage",
    "make_plan",
    "record_session",
    "simulate_session",
    "write_session",
]


def make_plan(
    *,
    seconds: float,
    source: str | None,
    tones: bool,
    pauses: Iterable[str],
    starved: Iterable[str],
    busy: Iterable[str],
    **settings: Any,
) -> SessionPlan:
    """The plan for settings as people write them: stretches are `AT:LENGTH` in seconds (UsageError)."""
    if not 0.2 <= seconds <= 24 * 3600:
        raise UsageError(f"a session of {seconds:g} s cannot be made", hint="give 0.2 to 86400 seconds")
    if source is not None and tones:
        raise UsageError("the sound is a file or tones, not both", hint="leave --sound or --tones away")
    return SessionPlan(
        length_ms=round(seconds * 1000),
        sound=Path(source) if source is not None else "tones" if tones else "speech",
        pauses=tuple(_stretch("--pause", text) for text in pauses),
        starved=tuple(_stretch("--starve", text) for text in starved),
        busy=tuple(_stretch("--busy", text) for text in busy),
        **settings,
    )


def _stretch(option: str, text: str) -> SimulatedStretch:
    try:
        at_s, length_s = map(float, text.split(":"))
        stretch = SimulatedStretch(round(at_s * 1000), round(length_s * 1000))
    except (ValueError, OverflowError):
        raise UsageError(
            f"{option} {text!r} is no stretch of time", hint="write AT:LENGTH in seconds, as in 12.5:2"
        ) from None
    if stretch.start_ms <= 0 or stretch.length_ms <= 0:
        raise UsageError(f"{option} {text!r} is outside of the session", hint="AT and LENGTH are greater than 0")
    return stretch


def simulate_session(folder: str, plan: SessionPlan, faults: Sequence[str], *, bare: bool = False) -> SimulatedSession:
    """Record, damage and write a session into `folder`, which must not exist (UsageError)."""
    path = Path(folder).absolute()
    check_session_id(path.name)
    if path.exists():
        raise UsageError(f"{folder} exists already", hint="choose another folder, or delete it first")
    for fault in faults:
        parse_fault(fault)  # before the work that recording is
    session = damage(record_session(plan), faults, plan.seed)
    write_session(session, path, bare=bare)
    return session
