"""What the checks of a result found: findings with severity error, the first ones in full."""

from __future__ import annotations

from ..model import Finding

_MOST = 20
"""Number of problems of a kind that are listed, a line each; chosen."""
_MOST_CHARACTERS = 200
"""Characters of a problem; chosen: a few lines of a terminal."""
AGAIN = "merge the session again with --force"


class Problems:
    """Problems of one file, or of one kind; what is beyond the number that a person reads is not kept."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def add(self, code: str, message: str, hint: str = AGAIN) -> None:
        if len(self.findings) < _MOST:
            self.findings.append(Finding(code, "error", message, hint=hint))

    def expect(self, code: str, what: str, expected: object, found: object) -> None:
        if expected != found:
            self.add(code, f"{what}: expected {_shown(expected)}, found {_shown(found)}")


def _shown(value: object) -> str:
    text = str(value)
    return text if len(text) <= _MOST_CHARACTERS else f"{text[:_MOST_CHARACTERS]}…"
