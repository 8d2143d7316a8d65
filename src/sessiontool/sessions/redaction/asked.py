"""What a caller asks to redact: spans, patterns and utterances -> redactions, with the places of their texts."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from ...documents.redactions import AskedSpan, PartTime, Redaction, read_spans
from ...documents.roles import USUAL_CHANNELS
from ...errors import NotFoundError, RecordingError, UsageError
from .documents import OWN_FIELDS
from .finder import FINDERS, Hit, find
from .finder_command import find_by_command
from .forms import all_texts_in
from .labels import rest_hash, word_places
from .matching import find_matches
from .places import Places, to_samples
from .plan import NOTE_KEPT
from .presidio import PRESIDIO, find_by_presidio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from .forms import Place


@dataclass(frozen=True, slots=True)
class RedactRequest:
    """What is to go: `spans` is a file's name and its bytes, `texts` are regular expressions, `utterances` ids.

    `kinds` are what is to be found (`card`, `phone`, `email`, `iban`, `ssn`, `presidio`), `finder` is a command that
    finds.  With `role` (`user` or `assistant`) it is what that one says, and that voice alone is silent where it can
    be; with `beep` a tone is in the place of the sound, and with `label` labels name the kind.  UsageError for what
    makes no sense.
    """

    spans: tuple[str, bytes] | None = field(default=None, repr=False)  # these two may hold what is secret
    texts: tuple[str, ...] = field(default=(), repr=False)
    utterances: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    finder: str = ""
    role: str = ""
    beep: bool = False
    label: bool = False

    def __post_init__(self) -> None:
        if self.role and self.role not in USUAL_CHANNELS:
            raise UsageError(f"no role is {self.role[:40]!r}", hint=f"it is one of {', '.join(USUAL_CHANNELS)}")
        if self.role and self.beep:
            raise UsageError("--beep is in both channels, and --role is of one", hint="leave out one of the two")
        for kind in self.kinds:
            if kind not in {*FINDERS, PRESIDIO}:
                known = ", ".join([*FINDERS, PRESIDIO])
                raise UsageError(f"nothing finds {kind[:40]!r}", hint=f"what is found is {known}")

    def __bool__(self) -> bool:
        return bool(self.spans or self.texts or self.utterances or self.finds)

    @property
    def finds(self) -> bool:
        """Whether something is to be found that may not be there."""
        return bool(self.kinds or self.finder)


class FoundRedactions(Struct, frozen=True):
    """Redactions, and secrets that must be nowhere beside those of their texts."""

    redactions: tuple[Redaction, ...]
    secrets: tuple[str, ...] = ()


def asked_redactions(
    session_id: str, transcript: Mapping[str, Any], report: Mapping[str, Any], asked: RedactRequest
) -> FoundRedactions:
    """What is asked for, found in a transcript (NotFoundError where a pattern matches nothing).

    UsageError for what is no pattern or no span, RecordingError for a span of what is not there.
    """
    redactions: list[Redaction] = []
    secrets: list[str] = []
    known = {one["id"]: one for one in transcript["utterances"]}
    if asked.role:
        said = [one for one in transcript["utterances"] if one["role"] == asked.role]
        transcript = {**transcript, "utterances": said}
    if asked.spans:
        spans = read_spans(asked.spans[1], asked.spans[0])
        redactions += [_of_span(session_id, asked.spans[0], one, known, Places(report["timeline"])) for one in spans]
    redactions += [_of_utterance(session_id, name, known, asked.role) for name in asked.utterances]
    for number, pattern in enumerate(asked.texts, 1):
        if not pattern:
            raise UsageError("--text is empty", hint="give a regular expression")
        found = _places_in(transcript, "text", partial(_matches, pattern), secrets)
        if not found:  # not the pattern itself: it may be what must be gone
            raise NotFoundError(
                f"{session_id}: nothing is redacted, for --text number {number} matches nothing",
                hint="it is a regular expression, without regard to case; digits that were spoken are words in a text",
            )
        redactions += found
    if own := [kind for kind in asked.kinds if kind in FINDERS]:
        redactions += _places_in(transcript, "find", lambda texts: [find(one, own) for one in texts], secrets)
    if PRESIDIO in asked.kinds:
        redactions += _places_in(transcript, PRESIDIO, find_by_presidio, secrets)
    if asked.finder:
        redactions += _places_in(transcript, "finder", lambda texts: find_by_command(asked.finder, texts), secrets)
    redactions = [replace(one, role=one.role or asked.role, beep=asked.beep, label=asked.label) for one in redactions]
    return FoundRedactions(tuple(with_hashes(redactions, known)), tuple(secrets))


_IDS = "ids are in transcript.json: u012"


def with_hashes(redactions: Sequence[Redaction], known: Mapping[str, Mapping[str, Any]]) -> Iterator[Redaction]:
    """Redactions of characters with the hash of what is left of their text."""
    groups: dict[str, list[Place]] = {}
    for one in redactions:
        if one.chars:
            groups.setdefault(one.utterance, []).append(one.chars)
    for one in redactions:
        if one.chars:
            yield replace(one, rest_sha256=rest_hash(known[one.utterance]["text"], groups[one.utterance]))
        else:
            yield one


def _of_utterance(session_id: str, name: str, known: Mapping[str, Mapping[str, Any]], role: str) -> Redaction:
    if name not in known:
        raise RecordingError(f"{session_id}: there is no utterance {name[:80]!r}", hint=_IDS)
    if role not in {"", known[name]["role"]}:
        raise UsageError(f"{session_id}: {name[:80]} is not what {role} says", hint="leave out --role")
    return Redaction("utterance", "utterance", name)


def _of_span(
    session_id: str, name: str, span: AskedSpan, known: Mapping[str, Mapping[str, Any]], places: Places
) -> Redaction:
    times: tuple[PartTime, ...] = ()
    where = f"{session_id}: {name}, line {span.line}"
    if span.start_s is not None and span.end_s is not None:
        times = places.to_recorder(to_samples(span.start_s, span.end_s))
        if not times:
            raise RecordingError(
                f"{where}: nothing was recorded from {span.start_s:g} to {span.end_s:g} s",
                hint="times are seconds of audio.webm",
            )
    if not span.utterance:
        return Redaction(span.kind, "spans", times=times, role=span.role)
    utterance = known.get(span.utterance)
    if utterance is None:
        raise RecordingError(f"{where}: there is no utterance {span.utterance[:80]!r}", hint=_IDS)
    if span.role not in {"", utterance["role"]}:
        raise UsageError(f"{where}: {span.utterance} is not what {span.role} says", hint="leave out its role")
    chars = None
    if span.words:
        located = word_places(
            utterance.get("words") or [{"text": one} for one in utterance["text"].split()], utterance["text"]
        )
        if located is None or span.words[1] >= len(located):
            raise RecordingError(
                f"{where}: {span.utterance} has no words {span.words[0]} to {span.words[1]}",
                hint="words are counted from 0, as transcript.json has them",
            )
        chars = located[span.words[0]][0], located[span.words[1]][1]
    return Redaction(span.kind, "spans", span.utterance, chars=chars, times=times, role=span.role)


def _matches(pattern: str, texts: Sequence[str]) -> list[list[Hit]]:
    return [[Hit("text", start, end) for start, end in matches] for matches in find_matches(pattern, texts)]


def _places_in(
    transcript: Mapping[str, Any], rule: str, finder: Callable[[list[str]], list[list[Hit]]], secrets: list[str]
) -> list[Redaction]:
    """What a finder finds in what is said, noted or handed through; adds the texts themselves to `secrets`.

    All texts of a role are one text, a line each, so that what is said in two turns can be found.
    """
    said = list(_streams(transcript["utterances"]))
    others = list(_other_texts(transcript))
    texts = [*("\n".join(one["text"] for one in stream) for stream in said), *(text for _, text in others)]
    found = finder(texts)
    redactions: list[Redaction] = []
    for text, hits in zip(texts, found, strict=True):
        secrets += (text[hit.start : hit.end] for hit in hits)
    for stream, hits in zip(said, found, strict=False):
        redactions += (replace(one, rule=rule) for one in _split(stream, hits))
    touched = {one.utterance for one in redactions}
    for (place, _), hits in zip(others, found[len(said) :], strict=True):
        if hits and place.utterance not in touched:
            redactions.append(replace(place, kind=hits[0].kind, rule=rule))
    return list(dict.fromkeys(redactions))


def _streams(utterances: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """The utterances of each role, in order."""
    by_role: dict[str, list[Mapping[str, Any]]] = {}
    for one in utterances:
        by_role.setdefault(one["role"], []).append(one)
    yield from by_role.values()


def _split(stream: Sequence[Mapping[str, Any]], hits: Iterable[Hit]) -> Iterator[Redaction]:
    """What is found in the joined text of a role as places in the texts of its utterances."""
    edges, at = [], 0
    for one in stream:
        edges.append((at, at + len(one["text"]), one["id"]))
        at += len(one["text"]) + 1
    for hit in hits:
        for first, after, name in edges:
            if hit.start < after and first < hit.end:
                yield Redaction(hit.kind, "", name, chars=(max(hit.start, first) - first, min(hit.end, after) - first))


def _other_texts(transcript: Mapping[str, Any]) -> Iterator[tuple[Redaction, str]]:
    """Every text beside what was said, with what has to go where it matches."""
    for one in transcript["utterances"]:
        for text in (one["logged"].get("text"), one.get("heard_text")):
            if text and text not in one["text"]:
                yield Redaction("", "", one["id"]), text
        others = {name: value for name, value in one.items() if name not in OWN_FIELDS}
        yield from ((Redaction("", "", one["id"], fields=True), text) for text in all_texts_in(others))
    for note in transcript.get("notes", []):
        kept = {name: value for name, value in note.items() if name not in NOTE_KEPT}
        yield from ((Redaction("", "", note=note["id"]), text) for text in all_texts_in(kept))
