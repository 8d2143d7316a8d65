"""How the check of a published result reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import RecordingError
from ..sessions.report import finding_json
from .view import View, clock, finding_line

if TYPE_CHECKING:
    from ..sessions.merge import VerifyResult


def _verify_json(result: VerifyResult) -> dict[str, Any]:
    return {
        "session_id": result.session_id,
        "status": "broken" if result.findings else "sound",
        "location": result.location,
        "problems": [finding_json(finding) for finding in result.findings],
    }


def _verify_lines(result: VerifyResult, _verbose: bool) -> list[str]:
    if result.findings:
        lines = [f"{result.session_id}: BROKEN, {len(result.findings)} problem(s) ({result.location})"]
        return lines + [f"  {finding_line(finding_json(finding), verbose=True)}" for finding in result.findings]
    packets = result.report["packets"]
    return [
        f"{result.session_id}: sound ({result.location})",
        f"  {packets['recorded']:,} recorded packets of {len(result.report['chunks'])} chunks, in order, "
        "byte for byte; "
        f"{packets['silent']:,} silent ones where the timeline has them",
        f"  {clock(result.report['duration_s'])} long by every count; index, captions and hashes agree",
    ]


VERIFY: View[VerifyResult] = View(
    _verify_json, _verify_lines, lambda result: RecordingError.exit_code if result.findings else 0
)
