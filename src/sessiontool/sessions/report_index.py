"""What a list of sessions says of their results, kept by the tag of each report, so that each is read once."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from io import BytesIO
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import astuple

from ..documents.json_text import parse
from .provenance import merge_settings, was_made
from .redaction.destroyed import destroyed_at
from .result_files import current_report

if TYPE_CHECKING:
    from collections.abc import Mapping

SCHEMA = "sessiontool.index/1"


class ReportFacts(Struct, frozen=True):
    """What is listed of a report; without a status it cannot be read, or another version wrote it.

    `settings_key` leads to the settings of the merge, which many results share.  `is_made`: the recording was made of
    events, which are there.
    """

    status: str = ""
    captions_status: str = ""
    duration_s: float = 0.0
    lost_s: float = 0.0
    codes: Mapping[str, int] = field(default_factory=dict)
    mark: str = ""
    settings_key: str = ""
    is_made: bool = False


class ReportIndex:
    """Facts of reports by session id and tag, in a file of JSON lines.  One that is broken is as good as none.

    Lines are kept as they are in the file, for ten thousand sessions are many small values.
    """

    def __init__(self, body: bytes | None = None) -> None:
        self.settings: dict[str, dict[str, Any]] = {}
        self._known: dict[str, bytes] = {}
        self._used: dict[str, bytes] = {}
        self.is_changed = False
        if body:
            try:
                self._read(body)
            except (OSError, EOFError, ValueError, TypeError, KeyError):
                self._known.clear()

    def _read(self, body: bytes) -> None:
        with gzip.GzipFile(fileobj=BytesIO(body)) as file:
            lines = iter(file.readline, b"")
            head = parse(next(lines, b""))
            if head["schema"] != SCHEMA:
                return
            self.settings = head["settings"]
            for line in lines:
                session_id, tab, entry = line.partition(b"\t")
                if tab:
                    self._known[session_id.decode()] = entry

    def get(self, session_id: str, tag: str) -> ReportFacts | None:
        """The facts of the report with this tag, where they are known."""
        entry = self._used.get(session_id) or self._known.get(session_id)
        try:
            known, *values = parse(entry or b"[null]")
            facts = ReportFacts(*values) if known == tag else None
        except (TypeError, ValueError):
            return None
        if facts is None or (facts.status and facts.settings_key not in self.settings):
            return None
        self._used[session_id] = self._known.pop(session_id, entry or b"")
        return facts

    def add(self, session_id: str, tag: str, body: bytes) -> ReportFacts:
        """The facts of a report that was read now."""
        facts = self._facts(body)
        self._used[session_id] = json.dumps([tag, *astuple(facts)], separators=(",", ":")).encode() + b"\n"
        self.is_changed = True
        return facts

    def to_bytes(self) -> bytes:
        """The index of those sessions that were asked for."""
        body = BytesIO()
        with gzip.GzipFile(fileobj=body, mode="wb", mtime=0) as file:
            file.write(json.dumps({"schema": SCHEMA, "settings": self.settings}).encode() + b"\n")
            for session_id, entry in self._used.items():
                file.write(session_id.encode() + b"\t" + entry)
        return body.getvalue()

    def _facts(self, body: bytes) -> ReportFacts:
        report = current_report(body)
        if report is None:
            return ReportFacts()
        settings = merge_settings(report)
        key = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]
        self.settings.setdefault(key, settings)
        findings = report["findings"]
        return ReportFacts(
            report["status"],
            report.get("captions_status", ""),
            report["duration_s"],
            round(sum(one.get("lost_ms", 0) for one in findings) / 1000, 3),
            dict(Counter(one["code"] for one in findings if one["severity"] != "info")),
            report.get("inputs_fingerprint", ""),
            key,
            was_made(report) and not destroyed_at(report),
        )
