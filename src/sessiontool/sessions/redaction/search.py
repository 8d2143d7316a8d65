"""Whether files of a result have a secret, in any form: by what they say, and not by code that wrote them.

Captions are searched cue by cue and as one text, for a secret may be split over cues; JSON by its names, texts and, of
transcripts, numbers; the sound file by its bytes.
"""

from __future__ import annotations

import csv
import io
import re
from typing import TYPE_CHECKING, Any, is_typeddict

from ...documents import report_model, transcript_model
from ...documents.json_text import parse
from ...documents.lenient import words_of
from ...metrics.document import METRICS_SCHEMA
from ..result_names import AUDIO_NAMES, PAGE, PEAKS
from .documents import OWN_FIELDS
from .forms import all_texts_in, texts_in
from .plan import NOTE_KEPT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from .forms import Secrets

_TAG = re.compile(r"<[^<>]*>|\{[^{}]*\}")
_TIMES = re.compile(r"^(?:\d+\s*\n)?.*-->.*$", re.MULTILINE)
_ASS_FIELDS = re.compile(r"^Dialogue: (?:[^,]*,){9}", re.MULTILINE)
_HASH = re.compile(r"[0-9a-f]{64}")
_PAGE_DATA = re.compile(r'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)
_NAMES = frozenset(
    name
    for module in (report_model, transcript_model)
    for kind in vars(module).values()
    if is_typeddict(kind)
    for name in kind.__annotations__
) | set(words_of("chapters redactions label cuts_s at_s utterance note user assistant mixed"))
"""Fields that are ours, by the types of the documents, and roles, which some have figures by."""
_STRUCTURE = frozenset(
    words_of(
        "schema role roles status captions_status verdict kind cause severity code source detector rule settings "
        "synthetic"
    )
)
"""Fields whose value is one of a few words of ours, or settings."""
_ASCII = re.compile(rb"[\x20-\x7e]{5,}")
_FIGURE = re.compile(r"-?\d{1,7}|-?\d+\.\d+(?:e-?\d+)?")  # a size, a count, a time


HEAD_BYTES = 1 << 16
"""Chosen: so much of a sound file is searched, its header, which has all of its text, and more."""


def secrets_in(secrets: Secrets, bodies: Iterable[tuple[str, bytes]]) -> Iterator[str]:
    """The names of those files of a result, given by name and content, in which one of the secrets is."""
    for name, body in bodies if secrets else ():
        if any(map(secrets.are_in, texts_of(name, body))):
            yield name


def texts_of(name: str, body: bytes) -> Iterator[str]:
    """What a file of a result says, piece by piece, and where pieces are read one after another, as a whole."""
    if name in AUDIO_NAMES.values():  # its packets are compared elsewhere; what it has of text is in its header
        yield from (run.decode("ascii") for run in _ASCII.findall(body[:HEAD_BYTES]))
        return
    if name == PEAKS:  # levels alone
        return
    text = body.decode("utf-8", "replace")
    if name == PAGE:
        yield from _page_texts(text)
        return
    if name.endswith(".json"):
        yield from _json_texts(text)
        return
    if name.endswith(".csv"):
        pieces = [" ".join(row) for row in csv.reader(io.StringIO(text))]
    else:
        shown = _ASS_FIELDS.sub("", _TIMES.sub("", text))
        pieces = _TAG.sub(" ", shown).splitlines()
    yield from pieces
    yield "\n".join(pieces)
    yield "\n".join(re.sub(r"^[^:\n]{1,40}: ", "", piece) for piece in pieces)


def _page_texts(text: str) -> Iterator[str]:
    """What a page says of its session: the texts of its data, in which peaks are levels alone."""
    found = _PAGE_DATA.search(text)
    try:
        document = parse(found[1] if found else "")
    except ValueError:
        yield text
        return
    if isinstance(document, dict):
        document.pop("peaks", None)
    yield from _document_texts(document)


def _json_texts(text: str) -> Iterator[str]:
    try:
        document = parse(text)
    except ValueError:
        yield text
        return
    if isinstance(document, dict) and document.get("schema") == METRICS_SCHEMA:  # all else is figures, and their names
        document = {"session_id": document.get("session_id"), "chapters": _names_of(document.get("chapters"))}
    yield from _document_texts(document)


def _names_of(chapters: Any) -> list[Any]:
    return [one.get("name") for one in chapters if isinstance(one, dict)] if isinstance(chapters, list) else []


def _document_texts(document: object) -> Iterator[str]:
    utterances = document.get("utterances", document.get("turns")) if isinstance(document, dict) else None
    if isinstance(utterances, list):
        by_role: dict[str, list[str]] = {}
        for one in utterances:
            by_role.setdefault(str(one.get("role")), []).append(str(one.get("text")))
        yield from ("\n".join(texts) for texts in by_role.values())
    for name, own in (("utterances", OWN_FIELDS), ("notes", NOTE_KEPT)):
        entries = document.get(name) if isinstance(document, dict) else None
        for one in entries if isinstance(entries, list) else ():
            yield from all_texts_in({key: inner for key, inner in one.items() if key not in own})
    said = texts_in(_without_structure(document))
    yield from (one for one in said if not _HASH.fullmatch(one) and not _FIGURE.fullmatch(one))


def _without_structure(value: Any) -> Any:
    """A document without our own words: names of fields, and what is one of a few, such as a role or a status.

    They are in every document of its kind, whatever was said.
    """
    if isinstance(value, list):
        return [_without_structure(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    kept = {name: inner for name, inner in value.items() if name not in _STRUCTURE}
    return [one for name, inner in kept.items() for one in (_without_structure(inner), "" if name in _NAMES else name)]
