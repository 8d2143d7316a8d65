"""What an event log is made of: the turns of a conversation, and how the log comes about."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Kind = Literal["ga", "beta", "live"]


KINDS: tuple[Kind, ...] = ("ga", "beta", "live")


class Said(Struct, frozen=True):
    """One turn: what was heard, from when to when on the session clock, and what was generated and never heard."""

    id: str
    role: str
    text: str
    start_ms: float
    end_ms: float
    unheard: str = ""

    @property
    def generated(self) -> str:
        return f"{self.text} {self.unheard}" if self.unheard else self.text


class LogPlan(Struct, frozen=True):
    """How a log comes about.

    `rollovers_ms` are the moments (session clock) at which a new session takes over, and `resent` how many turns it is
    sent; one way takes `way_ms`, more or less by `jitter_ms`; a transcript comes up to `late_ms` after its turn.
    """

    kind: Kind = "ga"
    prefix_ms: int = 300
    silence_ms: int = 500
    way_ms: float = 45.0
    jitter_ms: float = 6.0
    late_ms: float = 2500.0
    rollovers_ms: tuple[float, ...] = ()
    resent: int = 4
    seed: int = 1
