"""How the explanation of a blob reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from msgspec.structs import asdict

from .view import clock

if TYPE_CHECKING:
    from collections.abc import Iterator

    from msgspec import Struct

    from ..sessions.probe import Explanation


def explanation_json(name: str, explanation: Explanation) -> dict[str, Any]:
    document = asdict(explanation)
    document["damages"] = [asdict(damage) for damage in explanation.damages]
    if track := explanation.track:
        document["track"] = _jsonable(asdict(track)) | {"head": _jsonable(asdict(cast("Struct", track.head)))}
    return {"file": name, **document}


def _jsonable(fields: dict[str, Any]) -> dict[str, Any]:
    """Bytes as hexadecimal digits, and sets as lists."""
    return {name: _value(value) for name, value in fields.items()}


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.hex()
    return sorted(value) if isinstance(value, frozenset) else value


def explanation_lines(name: str, explanation: Explanation) -> list[str]:
    return [name, *(f"  {title:<10}{text}" for title, text in _explained(explanation) if text)]


def _explained(blob: Explanation) -> Iterator[tuple[str, str]]:
    yield "size", f"{blob.size_bytes:,} bytes"
    yield "begins", blob.begins
    if blob.track is not None and not blob.header_missing:
        head = blob.track.head
        sound = "mono" if head.channels == 1 else "stereo"
        written = f"{blob.track.writing_app}, " if blob.track.writing_app else ""
        codec = "Opus" if head.codec == "opus" else head.codec.upper()
        yield "header", f"{written}{codec} {sound}, track {blob.track.number}, pre-skip {head.pre_skip}"
    else:
        yield "header", "none; it is in the first blob of the recording"
    starts = ", ".join(clock(ms / 1000) for ms in blob.clusters_ms[:8])
    more = f" and {len(blob.clusters_ms) - 8} more" if len(blob.clusters_ms) > 8 else ""
    yield "clusters", f"{len(blob.clusters_ms)}, from {starts}{more}" if starts else ""
    kinds = ", ".join(f"{count} of {ms:g} ms" for ms, count in blob.packet_ms)
    yield "packets", kinds or "none"
    if blob.leading_packets:
        yield "", f"{blob.leading_packets} of them belong to a cluster that began in a blob before"
    if blob.start_ms is not None and blob.end_ms is not None:
        yield "recorded", f"from {clock(blob.start_ms / 1000)} to {clock(blob.end_ms / 1000)} of the recorder's clock"
        yield "before", f"a blob that ends at about {clock(blob.start_ms / 1000)}" if blob.start_ms > 0 else ""
        yield "after", f"a blob that goes on at about {clock(blob.end_ms / 1000)}"
    elif blob.packets and blob.header_missing:
        yield "recorded", "when, only the blob with their cluster's head can tell"
    elif blob.packets:
        yield "recorded", "when, only its number and what was noted of it can tell: it has no clock"
    yield "ends", blob.ends
    for damage in blob.damages:
        yield "damage", f"{damage.length_bytes:,} bytes from byte {max(0, damage.offset):,} on: {damage.reason}"
