"""What a long run tells of itself while it runs, and the twin that keeps silent."""

from __future__ import annotations

import time
from typing import Protocol, runtime_checkable


class StageProgress(Protocol):
    """What a caller of the Python interface may give: it is called as each stage begins, and for each step of it."""

    def stage(self, name: str, steps: int | None = None) -> None:
        """A stage begins; `steps` is how many `advance` will follow, None where that is not known."""

    def advance(self, steps: int = 1) -> None:
        """So many steps of the stage are done."""


@runtime_checkable
class Progress(StageProgress, Protocol):
    """The same, and called for what comes from the store."""

    def received(self, size_bytes: int) -> None:
        """So many more bytes of the stage came from the store."""


class Silent:
    """Progress that is not shown."""

    def stage(self, name: str, steps: int | None = None) -> None:
        pass

    def advance(self, steps: int = 1) -> None:
        pass

    def received(self, size_bytes: int) -> None:
        pass


class _StagesAlone(Silent):
    """A caller's progress that has `stage` and `advance` alone."""

    def __init__(self, inner: StageProgress) -> None:
        self._inner = inner

    def stage(self, name: str, steps: int | None = None) -> None:
        self._inner.stage(name, steps)

    def advance(self, steps: int = 1) -> None:
        self._inner.advance(steps)


def with_received(progress: StageProgress | None) -> Progress:
    """A caller's progress as the stages use it; without one, one that shows nothing."""
    if progress is None:
        return Silent()
    return progress if isinstance(progress, Progress) else _StagesAlone(progress)


class Timed:
    """Progress that also keeps how long each stage took."""

    def __init__(self, inner: Progress) -> None:
        self._inner = inner
        self._spent_s: dict[str, float] = {}
        self._since = 0.0
        self.current = ""
        """The stage that runs."""

    def stage(self, name: str, steps: int | None = None) -> None:
        self._close()
        self.current, self._since = name, time.monotonic()
        self._inner.stage(name, steps)

    def advance(self, steps: int = 1) -> None:
        self._inner.advance(steps)

    def received(self, size_bytes: int) -> None:
        self._inner.received(size_bytes)

    def stages_s(self) -> dict[str, float]:
        """Seconds spent in each stage until now, in the order in which they began."""
        self._close()
        return {name: round(spent_s, 3) for name, spent_s in self._spent_s.items()}

    def _close(self) -> None:
        if self.current:
            now = time.monotonic()
            self._spent_s[self.current] = self._spent_s.get(self.current, 0.0) + now - self._since
            self._since = now
