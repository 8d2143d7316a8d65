"""What has to go from a result, found in its transcript and its timeline: characters, notes and stretches of sound.

What names a text that is not there any longer, or has no place in the sound, is a problem, and with a problem nothing
is made: what was to go would stay somewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from ...documents.redactions import Redaction
from ...errors import RecordingError
from .forms import Secrets, all_texts_in, texts_in
from .labels import rest_hash, together
from .packet_cuts import Wanted
from .places import Places, Stretch, joined
from .sound_places import WHOLE, sound_of, text_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from .forms import Place

OF_PLACES = frozenset({"spans", "utterance"})
"""Rules that name a place and no secret: the same words elsewhere stay."""

_NO_KINDS = frozenset({"text", "utterance", "copy", "other"})
"""Kinds that say how something was named, and not what it is."""
_MOST_NAMED = 5
"""Number of places that a message lists, in a few lines; chosen."""
_MOST_ROUNDS = 4
"""Steps in which cuts grow into one another; chosen."""
_NEAR_S = 2.0
"""How far an utterance without a place may be from where the log has it: chosen, clocks of logs are within a second."""


@dataclass(slots=True)
class RedactionPlan:
    """What goes: `places` of each utterance's text by its id, `notes` and `fields` by theirs, `stretches` of sound.

    `kinds` are what labels say in those places, empty where they do not.

    `redactions` have the times at which they were found; `placed` are the stretches of each.  `secrets` must be nowhere
    in the new result, `removed` are other texts that go.
    """

    redactions: list[Redaction] = field(default_factory=list)
    places: dict[str, list[Place]] = field(default_factory=dict)
    kinds: dict[str, list[tuple[Place, str]]] = field(default_factory=dict)
    notes: set[str] = field(default_factory=set)
    fields: set[str] = field(default_factory=set)
    placed: list[list[Stretch]] = field(default_factory=list)
    secrets: Secrets = field(default_factory=lambda: Secrets(()))
    removed: list[str] = field(default_factory=list, repr=False)  # a result that is printed or logged says none of it

    def wanted(self, channels: Mapping[str, int | None]) -> list[Wanted]:
        """The stretches of sound, by what goes of each; `channels` are those that roles have to themselves."""
        return [
            Wanted(stretch, channels.get(one.role), one.beep)
            for one, stretches in zip(self.redactions, self.placed, strict=True)
            for stretch in stretches
        ]

    @property
    def stretches(self) -> list[Stretch]:
        return joined(stretch for some in self.placed for stretch in some)


def make_plan(
    session_id: str,
    transcript: Mapping[str, Any],
    report: Mapping[str, Any],
    redactions: Iterable[Redaction],
    secrets: Iterable[str] = (),
) -> RedactionPlan:
    """Where everything that is to go is (RecordingError that names what has no place).

    `secrets` must be nowhere, beside those that redactions name.
    """
    planner = _Planner(transcript, Places(report["timeline"]), secrets)
    asked = list(redactions)
    for one in asked:
        planner.take(one, asked)
    planner.add_copies()
    planner.add_texts()
    if planner.problems:
        named = "; ".join(planner.problems[:_MOST_NAMED])
        more = len(planner.problems) - _MOST_NAMED
        raise RecordingError(
            f"{session_id}: nothing is redacted, for something has no place: {named}"
            + (f"; and {more} more" if more > 0 else ""),
            hint='say when it sounds, with --spans: {"utterance": "u012", "start_s": 61.5, "end_s": 64}',
        )
    return planner.plan


class _Planner:
    def __init__(self, transcript: Mapping[str, Any], places: Places, secrets: Iterable[str]) -> None:
        self.plan = RedactionPlan()
        self.problems: list[str] = []
        self._places = places
        self._utterances: dict[str, list[Mapping[str, Any]]] = {}
        for one in transcript["utterances"]:
            self._utterances.setdefault(one["id"], []).append(one)
        self._notes = {one["id"]: one for one in transcript.get("notes", [])}
        self._by_sound: list[tuple[Redaction, list[Stretch]]] = []  # whose text goes as well, whatever it is
        self._secrets = set(secrets)

    def take(self, one: Redaction, others: Sequence[Redaction]) -> None:
        """Find the place of a redaction; `others` are all of them."""
        earlier = self._places.to_output(one.times)
        if one.note:
            self._take_note(one)
            return
        found = self._utterances.get(one.utterance, [])
        if one.fields:
            self._take_fields(one, found)
            return
        if one.times and not (earlier or found):
            self.problems.append(f"part {one.times[0].part} has no sound at {one.times[0].start_ms / 1000:.2f} s")
        if not one.utterance or not found:
            self._by_sound.append((one, earlier))
            if one.utterance and not one.times:
                self.problems.append(f"there is no utterance {one.utterance[:80]}")
            self._add(one, earlier)
            return
        stretches = list(earlier)
        for utterance in found:
            stretches += self._take_utterance(one, others, utterance, earlier)
        self._add(one, stretches)

    def _take_note(self, one: Redaction) -> None:
        note = self._notes.get(one.note)
        if note is None:
            self.problems.append(f"there is no note {one.note[:80]}")
            return
        self.plan.notes.add(one.note)
        if one.rule in OF_PLACES:
            self.plan.removed += texts_in({name: value for name, value in note.items() if name not in NOTE_KEPT})
        self._add(one, [])

    def _take_fields(self, one: Redaction, found: Sequence[Mapping[str, Any]]) -> None:
        if not found:
            self.problems.append(f"there is no utterance {one.utterance[:80]}")
        self.plan.fields.add(one.utterance)
        self._add(one, [])

    def _take_utterance(
        self, one: Redaction, others: Sequence[Redaction], utterance: Mapping[str, Any], earlier: list[Stretch]
    ) -> list[Stretch]:
        text, places = utterance["text"], [WHOLE]
        if one.chars:
            group = [r.chars for r in others if r.utterance == one.utterance and r.rest_sha256 == one.rest_sha256]
            known = [chars for chars in group if chars]
            if rest_hash(text, known) == one.rest_sha256:
                places = [one.chars]
                if one.rule not in OF_PLACES:
                    self._secrets.add(text[slice(*one.chars)])
            else:  # the text was changed: all of it, and whatever is said where the old one was
                self._by_sound.append((one, earlier))
        if places == [WHOLE]:
            self.plan.removed += [text, utterance.get("heard_text", ""), utterance["logged"].get("text", "")]
        self._gone(one, one.utterance, places)
        found = sound_of(utterance, places)
        if found is None and not earlier:
            self.problems.append(_why(utterance))
        return found or []

    def _gone(self, one: Redaction, name: str, places: Sequence[Place]) -> None:
        self.plan.places.setdefault(name, []).extend(places)
        kind = one.kind if one.label and one.kind not in _NO_KINDS else ""
        self.plan.kinds.setdefault(name, []).extend((place, kind) for place in places)

    def _add(self, one: Redaction, stretches: Sequence[Stretch]) -> None:
        if one.role and any(one.role != said["role"] for said in self._utterances.get(one.utterance, ())):
            one = replace(one, role="")  # another one is known to say it now: both voices
        found = joined(stretches)
        times = one.times or tuple(time for stretch in found for time in self._places.to_recorder(stretch))
        self.plan.redactions.append(replace(one, times=times))
        self.plan.placed.append(found)

    def add_copies(self) -> None:
        """Add every other place where a secret is said again, and what else has it."""
        for _ in range(_MOST_ROUNDS):
            secrets = Secrets(self._secrets)
            before = len(self.plan.redactions)
            for name, entries in self._utterances.items():
                for utterance in entries if secrets else ():
                    self._add_copy(name, utterance, secrets)
            if len(self.plan.redactions) == before:
                break
        self.plan.secrets = Secrets(self._secrets)
        for name, note in self._notes.items():
            kept = {field_name: value for field_name, value in note.items() if field_name not in NOTE_KEPT}
            if any(map(self.plan.secrets.are_in, all_texts_in(kept))):
                self.plan.notes.add(name)

    def _add_copy(self, name: str, utterance: Mapping[str, Any], secrets: Secrets) -> None:
        text, there = utterance["text"], self.plan.places.get(name, [])
        places = together(text, secrets.places(text))
        elsewhere = [utterance["logged"].get("text", ""), utterance.get("heard_text", "")]
        if not places and any(map(secrets.are_in, (text, *elsewhere))):
            places = [WHOLE]
        covered = together(text, there)
        new = [one for one in places if one != WHOLE and not any(a <= one[0] and one[1] <= b for a, b in covered)]
        if WHOLE in places and WHOLE not in there:
            new.append(WHOLE)
        for place in new:
            kind, rule = "copy", "copy"
            found = sound_of(utterance, [place])
            if found is None:
                self.problems.append(_why(utterance))
            copy = Redaction(kind, rule, name)
            self._gone(copy, name, [place])
            self._secrets.add(text[slice(*place)])
            self._add(copy, found or [])

    def add_texts(self) -> None:
        """Add what is said in stretches that were named by their time."""
        if not self._by_sound:
            return
        for one, stretches in self._by_sound:
            times_s = [time for stretch in stretches for time in self._places.to_session_s(stretch)]
            for name, entries in self._utterances.items():
                for utterance in entries:
                    if one.role not in {"", utterance["role"]}:
                        continue
                    places = text_in(utterance, stretches)
                    if utterance["start_s"] is None and _may_be_in(utterance["logged"], times_s):
                        places = [WHOLE]
                    if places:
                        self._gone(one, name, places)
                        self.plan.removed += [utterance["text"][slice(*place)] for place in places]


NOTE_KEPT = frozenset({"id", "kind", "role", "at_s", "logged"})
"""Fields of a note that say what it is and when it was, and nothing of what it holds."""


def _may_be_in(logged: Mapping[str, Any], times_s: Sequence[tuple[float, float]]) -> bool:
    """Whether an utterance that was not found in the sound may be in it at these times, by its log."""
    noted = [time for time in (logged.get("t_start"), logged.get("t_end")) if time is not None]
    if not noted:
        return True
    return any(min(noted) - _NEAR_S < end and start < max(noted) + _NEAR_S for start, end in times_s)


def _why(utterance: Mapping[str, Any]) -> str:
    name = utterance["id"][:80]
    if utterance["start_s"] is None or utterance.get("status") not in {"aligned", "clipped"}:
        return f"{name} is not found in the sound ({utterance.get('status', 'no status')})"
    return f"the place of {name} is a guess (confidence {utterance.get('confidence', 0):.2f})"
