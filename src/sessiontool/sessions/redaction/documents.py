"""The transcript and the report of a result without what goes: labels in its place, in every field that may have it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...documents.lenient import words_of
from ...model import SAMPLE_RATE
from .forms import LABEL, Secrets
from .labels import labelled, touches, word_places
from .plan import NOTE_KEPT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from .forms import Place
    from .places import Stretch
    from .plan import RedactionPlan

OWN_FIELDS = frozenset(
    words_of(
        "id role speaker text start_s end_s status confidence interrupted language heard_text speech words logged "
        "corrected"
    )
)
"""Fields of an utterance that are ours; all others were handed through."""

_WORDS_IN_A_ROW = 3
"""So many words of what goes are looked for in findings, which quote: chosen, fewer occur by chance."""


def redacted_transcript(transcript: Mapping[str, Any], plan: RedactionPlan) -> dict[str, Any]:
    """A transcript without what goes; it keeps its utterances, their times and their order."""
    known = {"schema", "session_id", "duration_s", "utterances", "notes", "synthetic"}
    found = {name: value if name in known else plan.secrets.swept(value) for name, value in transcript.items()}
    found["utterances"] = [_utterance(one, plan) for one in transcript["utterances"]]
    if "notes" in transcript:
        found["notes"] = [_note(one, plan) for one in transcript["notes"]]
    return found


def _utterance(entry: Mapping[str, Any], plan: RedactionPlan) -> dict[str, Any]:
    secrets, places = plan.secrets, plan.places.get(entry["id"], [])
    one = {name: value for name, value in entry.items() if name in OWN_FIELDS}
    others = {name: value for name, value in entry.items() if name not in OWN_FIELDS}
    one["speaker"] = secrets.swept(one.get("speaker", ""))
    left: Any = LABEL if places or entry["id"] in plan.fields else secrets.swept(others)
    if left == LABEL:
        left = {LABEL if secrets.are_in(name) else name: LABEL for name in others}
    if places:
        one |= _gone(one, places, plan.kinds.get(entry["id"], ()), plan.stretches)
    return {**one, **left}


def _gone(
    one: Mapping[str, Any], places: Sequence[Place], kinds: Sequence[tuple[Place, str]], stretches: Sequence[Stretch]
) -> dict[str, Any]:
    """Those fields of an utterance that hold what was said, without what goes."""
    text = one["text"]
    found: dict[str, Any] = {"text": labelled(text, places, kinds)}
    if "heard_text" in one:
        found["heard_text"] = _heard(text, one["heard_text"], places, kinds)
    if "text" in one["logged"]:
        found["logged"] = {**one["logged"], "text": LABEL}
    if "words" in one:
        found["words"] = list(_words(one["words"], text, places))
    if "speech" in one:
        found["speech"] = _speech(one["speech"], stretches)
    return found


def _heard(text: str, heard: str, places: Sequence[Place], kinds: Sequence[tuple[Place, str]]) -> str:
    """What was heard of a text, which is how it begins; where it is anything else, all of it goes."""
    if not heard:
        return heard
    return labelled(heard, places, kinds) if text.startswith(heard) else LABEL


def _words(words: Sequence[Mapping[str, Any]], text: str, places: Sequence[Place]) -> Iterator[dict[str, Any]]:
    """The words, those that go as one word; none where they cannot be distinguished."""
    located = word_places(words, text)
    gone: dict[str, Any] | None = None
    for word, at in zip(words, located or (), strict=False):
        if not touches(at, places):
            gone = None
            yield dict(word)
        elif gone is None:
            gone = {**word, "text": LABEL}
            gone.pop("phones", None)  # which say what was said
            yield gone
        else:
            gone["end_s"] = word["end_s"]


def _speech(speech: Sequence[Sequence[float]], stretches: Sequence[Stretch]) -> list[list[float]]:
    """Stretches of speech, those that a cut touches as one: a number has a rhythm."""
    cuts = [(start / SAMPLE_RATE, end / SAMPLE_RATE) for start, end in stretches]
    found: list[list[float]] = []
    was_gone = False
    for start, end in speech:
        is_gone = any(a < end and start < b for a, b in cuts)
        if is_gone and was_gone and any(a < start and found[-1][1] < b for a, b in cuts):
            found[-1][1] = end
        else:
            found.append([start, end])
        was_gone = is_gone
    return found


def _note(entry: Mapping[str, Any], plan: RedactionPlan) -> dict[str, Any]:
    if entry["id"] not in plan.notes:
        return dict(entry)
    return {name: value if name in NOTE_KEPT else LABEL for name, value in entry.items()}


def redacted_findings(findings: Iterable[Mapping[str, Any]], plan: RedactionPlan) -> list[dict[str, Any]]:
    """Findings, without the words of those that quote what goes."""
    quoted = Secrets(_pieces(plan.removed))
    found = []
    for one in findings:
        texts = {name: one[name] for name in ("message", "hint") if name in one}
        gone = {name: LABEL for name, text in texts.items() if plan.secrets.are_in(text) or quoted.are_in(text)}
        found.append({**one, **gone})
    return found


def _pieces(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        words = text.split()
        for first in range(max(1, len(words) - _WORDS_IN_A_ROW + 1)):
            yield " ".join(words[first : first + _WORDS_IN_A_ROW])
