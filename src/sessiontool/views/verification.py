"""How the check of a published result reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import RecordingError
from ..sessions.report import finding_json
from ..sessions.result_names import AUDIO_NAMES, audio_of
from .view import View, clock, finding_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ..documents.report_model import RedactionCut
    from ..sessions.merge import VerifyResult


def _verify_json(result: VerifyResult) -> dict[str, Any]:
    return {
        "session_id": result.session_id,
        "status": "broken" if result.findings else "sound",
        "location": result.location,
        "problems": [finding_json(finding) for finding in result.findings],
        **({"redacted": _verify_json(result.redacted)} if result.redacted else {}),
    }


def _verify_lines(result: VerifyResult, _verbose: bool) -> list[str]:
    if "redaction" in result.report and not result.findings:  # all that is left of the session
        return _redacted(result, f"{result.session_id}, redacted")
    lines = _broken(result, result.session_id) if result.findings else _sound(result)
    if redacted := result.redacted:
        name = f"{redacted.session_id}, redacted"
        lines += _broken(redacted, name) if redacted.findings else _redacted(redacted, name)
    return lines


def _is_broken(result: VerifyResult) -> bool:
    return bool(result.findings or (result.redacted and result.redacted.findings))


def _broken(result: VerifyResult, name: str) -> list[str]:
    lines = [f"{name}: BROKEN, {len(result.findings)} problem(s) ({result.location})"]
    return lines + [f"  {finding_line(finding_json(finding), verbose=True)}" for finding in result.findings]


def _sound(result: VerifyResult) -> list[str]:
    packets = result.report["packets"]
    return [
        f"{result.session_id}: sound ({result.location})",
        f"  {packets['recorded']:,} recorded packets of {len(result.report['chunks'])} chunks, in order, "
        "byte for byte; "
        f"{packets['silent']:,} silent ones where the timeline has them",
        f"  {clock(result.report['duration_s'])} long by every count; index, captions and hashes agree",
    ]


def _redacted(result: VerifyResult, name: str) -> list[str]:
    redaction = result.report["redaction"]
    kept, cuts = sum(one["packets"] for one in redaction["kept"]), redaction["cuts"]
    gone = sum(after - first for first, after in (cut["packets"] for cut in cuts))
    secrets, at = redaction["checked"]["secrets"], redaction["checked"]["at"]
    destroyed = redaction.get("originals_destroyed_at", "")
    units = "blocks of 10 ms" if audio_of(result.report) == AUDIO_NAMES["pcm"] else "packets"
    return [
        f"{name}: sound ({result.location})",
        f"  {kept:,} {units} as they were recorded, byte for byte; {gone:,} in {len(cuts)} places are "
        f"{_in_place(cuts)}, decoded",
        *([f"  none of its secrets ({secrets}) was in a file of it when it was made, {at}"] if secrets else []),
        *([f"  its originals were destroyed, {destroyed}"] if destroyed else []),
    ]


def _in_place(cuts: Sequence[RedactionCut]) -> str:
    """What stands in the place of what is gone."""
    found = ["without one voice" if "encoded" in cut else "a tone" if cut.get("beep") else "silence" for cut in cuts]
    return " or ".join(sorted(set(found))) or "silence"


VERIFY: View[VerifyResult] = View(
    _verify_json, _verify_lines, lambda result: RecordingError.exit_code if _is_broken(result) else 0
)
