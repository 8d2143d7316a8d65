"""What a long run tells of itself while it runs, and the twin that keeps silent."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Told of each stage as it begins and of each step done in it; shows it somewhere, or not."""

    def stage(self, name: str, steps: int | None = None) -> None:
        """A stage begins; `steps` is how many `advance` will follow, None where nobody knows."""

    def advance(self, steps: int = 1) -> None:
        """So many steps of the stage are done."""


class Silent:
    """Progress that nobody watches."""

    def stage(self, name: str, steps: int | None = None) -> None:
        pass

    def advance(self, steps: int = 1) -> None:
        pass
