"""Where a pattern of the caller's matches texts: in a process of its own, which is ended when it takes too long.

A regular expression can take longer than the world stands, and Python cannot interrupt it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from ...errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

PATIENCE_S = 20.0
"""How long a pattern may take over all texts of a session: chosen; a plain one takes milliseconds for eight hours."""

_MOST_MATCHES = 100_000
"""Number of matches, as units of work; chosen: a pattern that matches everywhere is a mistake."""
_WORKER = "sessiontool.sessions.redaction.matching"
# Not `-m`: that would put the current folder, which is not ours, before our own modules.
_START = f"import json, sys; sys.path[:] = json.loads(sys.argv[1]); from {_WORKER} import main; main()"

Match = tuple[int, int]


def find_matches(pattern: str, texts: Sequence[str], patience_s: float = PATIENCE_S) -> list[list[Match]]:
    """For each text where the pattern matches, not counting matches of nothing, without regard to case.

    `^` and `$` match at every line.  UsageError where it is no regular expression, or takes too long.
    """
    request = json.dumps([pattern, list(texts)]).encode()
    command = [sys.executable, "-c", _START, json.dumps(sys.path)]
    try:
        done = subprocess.run(  # noqa: S603 - our own Python
            command, input=request, capture_output=True, timeout=patience_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"the pattern takes longer than {patience_s:g} s", hint="write it without repeats inside repeats: (a+)+"
        ) from None
    try:
        found = json.loads(done.stdout)
    except ValueError:
        raise UsageError("the pattern cannot be matched: its process died", hint="write a simpler one") from None
    if isinstance(found, str):
        raise UsageError(
            f"the pattern is no regular expression: {found}", hint="a plain text needs \\ before . ( ) + *"
        )
    return [[(start, end) for start, end in matches] for matches in found]


def main() -> None:
    """The process: a JSON request on stdin, the answer, or what is wrong with the pattern, on stdout."""
    import re  # noqa: PLC0415

    pattern, texts = json.load(sys.stdin)
    try:
        compiled = re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    except (re.error, OverflowError, RecursionError, MemoryError) as error:
        json.dump(str(error) or type(error).__name__, sys.stdout)
        return
    found: list[list[Match]] = []
    count = 0
    for text in texts:
        found.append([match.span() for match in compiled.finditer(text) if match.end() > match.start()])
        count += len(found[-1])
        if count > _MOST_MATCHES:
            json.dump(f"it matches more than {_MOST_MATCHES:,} times", sys.stdout)
            return
    json.dump(found, sys.stdout)
