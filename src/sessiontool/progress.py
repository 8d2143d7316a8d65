"""What a long run tells of itself while it runs, and the twin that keeps silent."""

from __future__ import annotations

import time
from typing import Protocol


class Progress(Protocol):
    """Told of each stage as it begins and of each step done in it; shows it somewhere, or not."""

    def stage(self, name: str, steps: int | None = None) -> None:
        """A stage begins; `steps` is how many `advance` will follow, None where nobody knows."""

    def advance(self, steps: int = 1) -> None:
        """So many steps of the stage are done."""

    def received(self, size_bytes: int) -> None:
        """So many more bytes of the stage came from the store."""


class Silent:
    """Progress that nobody watches."""

    def stage(self, name: str, steps: int | None = None) -> None:
        pass

    def advance(self, steps: int = 1) -> None:
        pass

    def received(self, size_bytes: int) -> None:
        pass


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
