"""How a redaction reads: where and by which rule, never what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..model import SAMPLE_RATE
from .table import Row
from .view import View, clock

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ..documents.redactions import Redaction
    from ..sessions.purge import Purge
    from ..sessions.redaction.redact import RedactResult
    from .table import Line

_FINDING = frozenset({"find", "finder", "presidio"})
_MOST_SHOWN = 50
"""Parts of a list, its redactions; chosen: redactions.json has them all."""
_WIDTHS = (25, 9)
"""Character cells of a place and a kind; chosen: each fits."""


def _json(result: RedactResult) -> dict[str, Any]:
    return {
        "session_id": result.session_id,
        "status": "planned" if result.dry_run else "redacted" if result.location else "unchanged",
        "location": result.location,
        "added": len(result.added),
        "redactions": [_entry(one, places) for one, places in _pairs(result)],
        "cuts_s": [[start / SAMPLE_RATE, end / SAMPLE_RATE] for start, end in result.cuts],
        **({"originals": result.originals.summary_json()} if result.originals else {}),
    }


def _entry(one: Redaction, places: Sequence[tuple[int, int]]) -> dict[str, Any]:
    named = {"utterance": one.utterance, "note": one.note}
    at_s = [[start / SAMPLE_RATE, end / SAMPLE_RATE] for start, end in places]
    return {"kind": one.kind, "rule": one.rule, **{name: it for name, it in named.items() if it}, "at_s": at_s}


def _pairs(result: RedactResult) -> Iterator[tuple[Redaction, Sequence[tuple[int, int]]]]:
    return zip(result.plan.redactions, result.plan.placed, strict=True)


def _lines(result: RedactResult, _verbose: bool) -> Sequence[Line]:
    if not result.location:
        return [f"{result.session_id}: nothing was found"]
    if not result.plan.redactions and result.originals:  # nothing but that was asked for
        return _originals(result.originals)
    cuts = result.cuts
    length_s = sum(end - start for start, end in cuts) / SAMPLE_RATE
    note = " (dry run, nothing written)" if result.dry_run else ""
    lines: list[Line] = [
        f"{result.session_id}: {len(result.plan.redactions)} redacted, {len(result.added)} of them asked for now; "
        f"{length_s:.2f} s of sound in {len(cuts)} places{note}"
    ]
    lines += [
        Row((f"  {_where(places)}", one.kind, one.utterance or one.note), _WIDTHS) for one, places in _shown(result)
    ]
    if len(result.plan.redactions) > _MOST_SHOWN:
        lines.append(f"  … {len(result.plan.redactions) - _MOST_SHOWN} more: redactions.json has them")
    if result.dry_run and any(one.rule in _FINDING for one in result.added):
        lines.append("  suggested  --yes redacts what was found")
    if not result.dry_run:
        lines.append(f"  written    {result.location}")
    if result.originals:
        return lines + _originals(result.originals)
    if not result.dry_run:
        lines.append("  unchanged  the merged result and the chunks, which still have all of it")
    return lines


def _originals(found: Purge) -> list[str]:
    """What became of everything but the redacted result."""
    if found.action == "none":
        return [f"{found.session_id}: {found.reason}"]
    kept = found.redacted
    count = f"{len(found.versions) + len(found.results):,} objects, {found.size_bytes / 1e6:.2f} MB"
    return [
        f"{found.session_id}: {'deleted' if found.deleted else 'would delete'} its originals, {count}",
        f"  kept       {kept['packets_kept']:,} packets as they were recorded, in {kept['location']}",
        f"  gone       {kept['packets_gone']:,} packets, and nothing else that was recorded",
    ]


def _shown(result: RedactResult) -> list[tuple[Redaction, Sequence[tuple[int, int]]]]:
    return list(_pairs(result))[:_MOST_SHOWN]


def _where(places: Sequence[tuple[int, int]]) -> str:
    if not places:
        return "in no sound"
    start, end = places[0][0] / SAMPLE_RATE, places[-1][1] / SAMPLE_RATE
    return f"{clock(start)} to {clock(end)}"


REDACTED: View[RedactResult] = View(_json, _lines, lambda _: 0)
